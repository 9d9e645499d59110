/* SPDX-License-Identifier: BSD-3-Clause */
/* The commands of one part of the append log, run in their order. What cannot be run is never
 * passed over in silence, also inside a transaction: it ends the load, or with aof-load-errors skip
 * is told with offset and key and counted (INFO aof_load_errors_skipped), and the rest is run. A
 * SELECT that fails always ends it: what follows would go to another database.
 *
 *   aof_replay_begin(&p, persist, path, &reader);
 *   while ((what = aof_next(&reader)) == AOF_COMMAND ...) aof_replay_command(&p) ...
 *   if (what == AOF_END) aof_replay_end(&p) ...
 *   aof_replay_free(&p); */
#ifndef PERSIST_AOF_REPLAY_H
#define PERSIST_AOF_REPLAY_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/fault.h"
#include "server/replay.h"

struct aof_reader;
struct persist;

struct aof_replay {
    struct persist *persist;
    const char *path;
    const struct aof_reader *reader;
    struct replay run;
    struct buf queued;  /* uint64_t: where each command of the open transaction stands */
    uint64_t skipped;   /* as aof-load-errors says */
    struct fault fault; /* why the load ends */
};

/* Borrowed until aof_replay_free: all. The reader is open, and loose. */
void aof_replay_begin(struct aof_replay *r, struct persist *p, const char *path,
                      const struct aof_reader *reader);
/* The command that the reader has given out. False: r->fault. */
bool aof_replay_command(struct aof_replay *r);
/* The part is over: a transaction without EXEC was not run. False: r->fault. */
bool aof_replay_end(struct aof_replay *r);
void aof_replay_free(struct aof_replay *r);

#endif
