/* SPDX-License-Identifier: BSD-3-Clause */
/* A replica's own log says of what history, and up to where, the data set is that it holds
 * (log_held.h), so that after a restart the primary is asked for what is behind that, and not for
 * everything. What is said is read from the log, so it is as durable as the data, and never of more
 * or less than is there.
 *
 * A data set that strayed (repl.h) is of no history to the log: then nothing is said until it is
 * one again. The parts of aof_notes.h of a replica; log_notes.c asks. */
#ifndef REPLICATION_REPLICA_NOTES_H
#define REPLICATION_REPLICA_NOTES_H

#include <stdbool.h>
#include <stdint.h>

#include "replication/log_held.h"

struct commit_batch;
struct repl;

struct replica_notes { /* zero it; private */
    struct repl *repl;
    bool on;            /* the log says something, up to its end, */
    bool stale;         /* that is not to be gone on with */
    char id[LOG_STREAM_ID + 1];
    int64_t offset;     /* behind what was logged last */
    unsigned db;
    size_t session_at;  /* in lines that are being written: which session; or 0 */
    struct log_held held; /* as it is loaded */
};

void replica_notes_init(struct replica_notes *n, struct repl *r);
/* The same as in aof_notes.h. */
void replica_notes_write(struct replica_notes *n, const struct commit_batch *b, bool fresh,
                         struct buf *lines);
void replica_notes_place(struct replica_notes *n, const struct aof_chain *chain,
                         struct buf *lines);
void replica_notes_broken(struct replica_notes *n);
void replica_notes_end(struct replica_notes *n, struct buf *lines);
/* Of another role: what the log said ends here. */
void replica_notes_stop(struct replica_notes *n, struct buf *lines);
/* n->held has all that was loaded, which is the data set now, when whole. */
void replica_notes_loaded(struct replica_notes *n, bool whole);

#endif
