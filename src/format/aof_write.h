/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes what an append-only file holds: single commands, and whole data sets as commands.
 *
 *   aof_put_command(&buf, argv, argc);            *2 $6 SELECT $1 0
 *   aof_put_timestamp(&buf, seconds);             #TS:1700000000
 *
 *   struct aof_writer w;
 *   aof_writer_init(&w, &out);
 *   aof_writer_seal(&w, (struct aof_session){.id = id, .seq = seq});   with checksums (aof_sum.h)
 *   ... events to &w.sink ...
 *   aof_writer_end(&w);
 *   aof_writer_free(&w);
 *
 * At most 64 elements go into one command, fewer where it is a megabyte long without them. A string
 * that comes in parts is handed on in parts; of a batch with a checksum it is held whole.
 * Borrowed: out; flushing it is the caller's. What has no commands (a module's value as an opaque
 * block) is FAULT_CANNOT_HOLD. Not carried: idle time and frequency. */
#ifndef FORMAT_AOF_WRITE_H
#define FORMAT_AOF_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "format/aof_sum.h"
#include "format/out.h"
#include "format/sink.h"

void aof_put_command(struct buf *to, const struct slice *argv, size_t argc);
void aof_put_timestamp(struct buf *to, int64_t unix_s);

struct aof_writer {
    struct sink sink;
    struct out *out;
    int64_t db; /* selected; -1 none */
    struct key_event key;
    struct buf name;
    struct buf batch;   /* arguments of the command being collected */
    size_t items, args; /* in batch */
    struct buf expires; /* commands for fields, behind the fields */
    struct buf command; /* what comes next; sealing: all of the next batch */
    struct aof_chain chain; /* open: sealing */

    struct buf group, consumer; /* names */
    struct stream_id group_last;
    bool consumer_waits; /* was named, and owns nothing so far */
    bool in_string;      /* that comes in parts */
};

void aof_writer_init(struct aof_writer *w, struct out *out);
/* From here on all goes out in batches with checksums. s.offset is filled in. */
void aof_writer_seal(struct aof_writer *w, struct aof_session s);
void aof_writer_timestamp(struct aof_writer *w, int64_t unix_s);
/* Nothing is left to write: the last batch goes out. False: see sink.fault. */
bool aof_writer_end(struct aof_writer *w);
void aof_writer_free(struct aof_writer *w);

#endif
