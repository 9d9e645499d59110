/* SPDX-License-Identifier: BSD-3-Clause */
/* What the append log of a replica holds of its primary's history, told by lines of annotation
 * there. Its bytes are not those of the stream, as log_stream.h has them of a primary: other
 * words may do the same, and what changes nothing stands in the stream alone.
 *
 *   #REPL=<id> <offset> <session> <db>   the data set here is that of the history id at this
 *                                        offset, behind which db is selected
 *   #REPL~<n> <db>                       the unit that follows ends n bytes (hex, of 64 bits with
 *                                        sign) further on in the stream than the log's bytes say,
 *                                        and db is selected behind it
 *
 * A unit counts with its last command, never before, so wherever the log was cut off its end is
 * told exactly, or not at all. What is jumped over has changed nothing, and may come again. A
 * session of checksums and a file begin with the first of these, as in log_stream.h; any line of
 * that header ends what is known. */
#ifndef REPLICATION_LOG_HELD_H
#define REPLICATION_LOG_HELD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "format/aof_read.h"
#include "replication/log_stream.h"

/* ---- writing ---- */
/* In no session. Returns where in to it says which; for log_stream_put_session. */
size_t log_held_put_place(struct buf *to, const char *id, int64_t offset, unsigned db);
void log_held_put_further(struct buf *to, int64_t n, unsigned db);
/* Is this batch of the log a unit whose end can be seen there? commands: in it. */
bool log_held_is_unit(struct slice log, unsigned commands);

/* ---- reading ---- */
struct log_held { /* begins with log_held_begin */
    bool known;     /* the rest means something */
    bool in_unit;   /* what was read ends inside of a unit: nothing is known yet */
    char id[LOG_STREAM_ID + 1];
    int64_t offset;
    unsigned db;
    /* private */
    bool fresh;     /* no line has said yet that this file goes on */
    uint64_t session;
    int64_t further;
    unsigned next_db;
};

void log_held_begin(struct log_held *h);
void log_held_next_file(struct log_held *h);
/* The item that the reader has given out, a command or an annotation. */
void log_held_read(struct log_held *h, const struct aof_reader *r, enum aof_item item);

#endif
