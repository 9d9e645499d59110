/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads the commands of a log as units that belong together, and goes on behind damage.
 *
 *   struct log_reader r;
 *   log_read_open(&r, &bytes, start, &(struct log_options){.id = id});
 *   while ((what = log_read_next(&r)) != LOG_END)
 *       if (what == LOG_UNIT) ... one command, or MULTI to EXEC: r.from to r.to, whole ...
 *       else if (what == LOG_HOLE) ... r.from to r.to can't be used: r.hole ...
 *   if (fault_is(&bytes.fault)) ... the disk ...
 *   log_read_close(&r);
 *
 * What format/aof_read.h verifies is verified here, too, but batches and values are never held.
 *
 * Where it goes on, behind damage, at the first place of these:
 *  - With checksums: where a chain of batches stands that verify one another (aof_footing.h). An
 *    intact line tells how long its batch is: nothing is searched for in it, and behind it batches
 *    are due. Anywhere else, also behind the line of a small batch, a value might lie, or a block
 *    of another log: so one of them must have a line that names the log, which no client knows;
 *    or, in front of another fault, they must be more, and what was hit a small batch or its line,
 *    in its place (log_footing.h). Others there are doubtful: given up unless keep_doubtful. Where
 *    a session begins.
 *  - Without: where commands stand, each of a known name and with a fitting number of arguments,
 *    that lead to the end of the file without another fault (or on for longer than a value can be:
 *    512 MiB). A value may hold any text, commands too; those end where it ends, which is a fault.
 *    So what stands between two faults is doubtful, and given up unless keep_doubtful. An argument
 *    that is whole is passed over, and so is one of which but one byte in the line of its length is
 *    not as it was; one that the file is too short for was cut off. What is left: the text at the
 *    end of a value, when the line in front of it is gone altogether and the text ends exactly as a
 *    command does.
 *
 * One byte that was changed in a batch whose line is intact is found and put right, when batches
 * behind it tell what its checksum must have been: LOG_MENDED comes in front of the batch, from and
 * to where it begins; hole.fault tells which byte. Its bytes are right then, also for who reads
 * them through bytes.
 *
 * A unit is whole and in its place; that the server knows its commands is not looked at. */
#ifndef TOOLS_LOG_READ_H
#define TOOLS_LOG_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/aof_sum.h"
#include "tools/aof_commands.h"
#include "tools/log_bytes.h"

enum log_item { LOG_UNIT, LOG_NOTE, LOG_HOLE, LOG_MENDED, LOG_END };
enum hole_kind {
    HOLE_DAMAGE,    /* not what was written, or nothing that can be read */
    HOLE_TORN,      /* the file ends inside of it */
    HOLE_OPEN,      /* a transaction without its EXEC */
    HOLE_STRAY,     /* an EXEC without its MULTI; behind damage, with what stands in front of it */
    HOLE_DOUBLED,   /* a block that stands in front of it once more: nothing is lost */
    HOLE_MALFORMED, /* one command as nobody sends it, though the bytes are as they were written */
};
struct log_hole {
    enum hole_kind kind;
    struct fault fault;
    uint64_t batch;    /* its number, when it is one that can't be read; 0 */
    uint64_t doubtful; /* commands in it that may as well be text inside a value */
};

struct log_options {
    uint64_t id;        /* of the log; 0: not known */
    bool keep_doubtful;
};
struct log_reader {
    struct log_bytes *bytes;
    struct log_options options;
    uint64_t start, next;
    /* the item: */
    uint64_t items;      /* its number, from 1; the end is one, too */
    uint64_t from, to;
    uint64_t commands;   /* of a unit */
    struct slice note;   /* into text, its first bytes */
    int64_t time_s;      /* of the newest annotation that tells one; -1 */
    struct log_hole hole;
    /* where its batch lies; from itself when it is in none */
    uint64_t batch_at, batch_end;

    bool in_batch;
    uint64_t batch_body; /* where the commands begin */
    size_t line_behind;
    uint64_t batches, bytes_checked;
    bool has_session;
    struct aof_session session; /* the newest */
    uint64_t line_at;           /* where its line stands */
    bool line_twice;            /* and stood in the file before */
    uint64_t hole_end;          /* of the last hole */
    bool no_sums;               /* they were looked for, and there are none */
    uint64_t ahead_left;        /* bytes that may be looked at for batches that stand twice */
    struct aof_chain chain;
    struct buf others;          /* struct aof_chain */
    struct aof_known known;
    struct log_command command;
    char text[64];
};

void log_read_open(struct log_reader *r, struct log_bytes *b, uint64_t start,
              const struct log_options *opt);
void log_read_close(struct log_reader *r);
enum log_item log_read_next(struct log_reader *r);

/* The commands of a unit: log_unit_begin, then until false. Also of a hole, as far as they can be
 * read; then *gap tells that something else stood in front of this one, or behind the last. */
struct log_unit {
    const struct log_command *ready; /* the only one, which was read already; NULL */
    struct log_bytes *bytes;
    uint64_t next, to;
    bool gap;
};
void log_unit_begin(struct log_unit *u, const struct log_reader *r);
bool log_unit_next(struct log_unit *u, struct log_command *c);

#endif
