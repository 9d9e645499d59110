/* SPDX-License-Identifier: BSD-3-Clause */
/* The append log: every batch of changes, appended to the newest increment of a multi-part AOF,
 * and made durable by policy.
 *
 *   commit -> pending -> (stage LOG) write -> (stage SYNC, or a worker) fdatasync -> durable
 *
 * Under always replies wait for durable (the gate), under everysec a worker syncs once a second;
 * while a worker syncs, nothing is written (aof_sync.c). */
#ifndef PERSIST_AOF_H
#define PERSIST_AOF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"
#include "persist/aof_state.h"

struct aof *aof_new(struct persist *p);
void aof_free(struct aof *a);

/* Writes what is pending. force: also while a sync runs, and before a failed write is due again,
 * and summed up (aof_batch.c). False when bytes remain. */
bool aof_flush(struct aof *a, bool force);
/* While the log is on: what is left to write, small batches that nobody summed up. */
void aof_tick(struct aof *a, int64_t mono_ms);
/* The -MISCONF for a write command while the log cannot be written; NULL when it can. */
const char *aof_refusal(struct aof *a);
/* Opens the newest increment of the manifest for appending (creating one when there is none), and
 * begins to log. */
bool aof_open_log(struct aof *a, struct fault *f);
void aof_close_log(struct aof *a);
/* Begins to log to the file that is open (aof_take_file), and begins as chain says; NULL: without a
 * #LOG line of this server. */
void aof_begin_log(struct aof *a, enum aof_state state, const struct aof_chain *chain);
/* It waited for its first base, and a durable manifest names both now. */
void aof_is_in_force(struct aof *a);
/* appendfsync was changed: makes everything durable, and sets up the gate. */
bool aof_policy_changed(struct aof *a, struct fault *f);

#endif
