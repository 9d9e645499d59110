/* SPDX-License-Identifier: BSD-3-Clause */
/* Making durable what is written, by policy: in this thread or on a worker. */
#ifndef PERSIST_AOF_SYNC_H
#define PERSIST_AOF_SYNC_H

#include <stdbool.h>
#include <stdint.h>

struct aof;

void aof_sync_init(struct aof *a);
void aof_sync_free(struct aof *a); /* jobs that run come to their end */
/* Another log begins, at this position: all before it is durable. */
void aof_sync_restart(struct aof *a, uint64_t position);
/* What was written can't be trusted any more, until a rewrite has put all in new files: then what
 * stands up to position is durable, and size bytes of the file that is open. */
void aof_sync_lose(struct aof *a);
void aof_sync_heal(struct aof *a, uint64_t position, uint64_t size);
/* Before the loop sleeps: what is to be done now, and the two ways. */
enum sync_step { SYNC_NOTHING, SYNC_HERE, SYNC_BEHIND };
enum sync_step aof_sync_next(struct aof *a);
void aof_sync_turn(struct aof *a);  /* aof_sync_now, and what it tells of the way (sync_choice.h) */
void aof_sync_begin(struct aof *a); /* on the worker; summed up (aof_batch.c) */
/* Waits until everything written is durable. False when it is not. */
bool aof_sync_now(struct aof *a);
/* The same without its consequences: no state changes but by a worker's sync that ran. */
bool aof_sync_all(struct aof *a, int *result);
/* A sync ended: 0 or -errno; all up to position is durable then. */
void aof_synced(struct aof *a, int result, uint64_t position);
/* Waits for the worker's jobs, and takes their results. */
void aof_drain(struct aof *a);
bool aof_write_waits(struct aof *a);    /* for a sync that runs */
bool aof_sync_is_slow(const struct aof *a); /* it has run for long */
bool aof_sync_waits_for_group(struct aof *a); /* so that writing can be left for the next turn */
bool aof_sync_in_worker(const struct aof *a);
void aof_gate_set(struct aof *a); /* as the policy demands */
/* Under always: the end. The gate stays shut, the unsynced bytes are cut off. */
void aof_stop_unsent(struct aof *a, const char *what, int err);

#endif
