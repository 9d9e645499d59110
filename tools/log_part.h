/* SPDX-License-Identifier: BSD-3-Clause */
/* One file of a source, opened for who reads its commands: the RDB in front of them, if there is
 * one, is behind it already.
 *
 *   struct log_part p;
 *   if (!log_part_open(&p, &source, i, &f)) ...
 *   log_read_open(&r, &p.bytes, p.start, &p.options);
 *   log_part_close(&p);
 */
#ifndef TOOLS_LOG_PART_H
#define TOOLS_LOG_PART_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"
#include "format/aof_parts.h"
#include "tools/input.h"
#include "tools/log_read.h"
#include "tools/source.h"
#include "tools/tool.h"

struct log_part {
    const struct source_part *part;
    struct input input;
    struct log_bytes bytes;
    uint64_t start;             /* where the commands begin */
    bool checked;               /* the RDB in front of them, by its checksum */
    bool other;                 /* what stands there are none: rdb_behind.h */
    struct log_options options; /* the id that the manifest tells, when the commands have to */
};

/* f: it can't be opened (FAULT_IO), or its RDB is damaged. Must stay where it is. */
bool log_part_open(struct log_part *p, const struct source *s, size_t i, struct fault *f);
void log_part_close(struct log_part *p);
/* What is wrong with the compression around it, though all that came out can be read. Around an RDB
 * alone whose checksum is right nothing is lost. */
enum tool_exit log_part_cut(struct log_part *p, const char **what);
enum tool_exit log_part_tell_cut(struct tool *t, struct log_part *p); /* the same, said */
/* Is the file at path a whole RDB, plain and with nothing behind it? Reads all of it. *says: of
 * which log it is the base; id 0 when it does not say. */
bool log_part_base_ok(const char *path, struct aof_origin *says, struct fault *f);
/* What the manifest says of a part; NULL: there is none. */
const struct manifest_file *log_part_line(const struct source *s, size_t i);
/* Bytes that a part had, as the manifest says, and has no more. */
uint64_t log_part_lost(const struct source *s, size_t i);
/* Of a torn end: had it been whole on the disk, up to there? Lines of checksums tell. */
bool log_hole_durable(const struct log_part *p, const struct log_reader *r, uint64_t *up_to);
/* What an item tells of the log (last: no file follows): good, unless it is a hole, or a byte that
 * was put right. Of history nothing that a start loads is lost; nor in what are no commands. */
enum tool_exit log_item_exit(const struct log_part *p, const struct log_reader *r,
                             enum log_item what, bool last);
/* "5:1234", as positions are written: the number of an increment and an offset in it. */
enum { LOG_POSITION_TEXT = 48 };
const char *log_position(char out[LOG_POSITION_TEXT], const struct source_part *part, uint64_t at);

#endif
