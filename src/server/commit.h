/* SPDX-License-Identifier: BSD-3-Clause */
/* The one order of changes. When a unit (a command, a MULTI, a script, an expiry) ends, what it
 * changed becomes one batch of RESP bytes, gets its position, and goes to each COMMIT listener.
 *
 * There are two streams, the append log's and that of replicas. A command goes to one of them or to
 * both, as its scope says; nearly all go to both, and as long as they do they are encoded once. In
 * each stream a unit of more than one command is wrapped in MULTI ... EXEC, but for loose ones, and
 * a SELECT is put in front when the database differs from the last one there. A stream that nobody
 * listens to is not encoded. Where they have not been the same bytes they are so again as soon as
 * both get the same commands.
 *
 * The position counts bytes of the log (of the replicas' stream while only that has a listener): it
 * is what replies wait for and what WAIT and WAITAOF read, it is this process's own, and never goes
 * back. A replication offset is something else: role.h. */
#ifndef SERVER_COMMIT_H
#define SERVER_COMMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "server/commit_batch.h"

struct hooks;
struct commit; /* opaque */

struct commit *commit_new(struct hooks *hooks);
void commit_free(struct commit *cm);
/* Adds one command to the open unit. Copies. */
void commit_add(struct commit *cm, enum commit_scope scope, unsigned db, int argc,
                const struct slice *argv);
/* Ends the unit: batch to the listeners. Nothing added: nothing happens. Not together: commands
 * that do not belong to each other (keys that expire, keys that are evicted) stand each by itself
 * in the log, and no batch gets longer than COMMIT_LOOSE_MAX and what one step of the work adds
 * (exec_loose_step). */
void commit_end(struct commit *cm, int64_t now_ms, bool together);
/* What the open unit has put into the log's stream so far is a batch of its own, now: the log is
 * switched on or off in its middle. Replicas get the unit whole. */
void commit_end_log(struct commit *cm, int64_t now_ms);
/* The open unit's bytes are so many that a loose one should end. */
enum { COMMIT_LOOSE_MAX = 64 * 1024 };
bool commit_is_long(const struct commit *cm);
/* The next unit of each stream starts with a SELECT: a listener began a new file or has a new
 * replica. Of both, so that they are the same bytes behind it. One that is open goes on as it
 * began. */
void commit_reselect(struct commit *cm);
uint64_t commit_position(const struct commit *cm);
/* Changes made since the last save, counted by the executor: rdb_changes_since_last_save. */
uint64_t commit_dirty(const struct commit *cm);
void commit_add_dirty(struct commit *cm, uint64_t changes);
void commit_set_dirty(struct commit *cm, uint64_t changes);

#endif
