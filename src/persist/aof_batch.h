/* SPDX-License-Identifier: BSD-3-Clause */
/* Batches with their checksums, as they wait to be written. */
#ifndef PERSIST_AOF_BATCH_H
#define PERSIST_AOF_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct aof;
struct aof_chain;
struct commit_batch;

/* A file that has grown beyond goes on without sums: half of what their lines can say. */
#define AOF_SUMMED_MAX ((uint64_t)1 << 39)
void aof_batch_add(struct aof *a, const struct commit_batch *batch);
/* The open batch is over; must be called before pending is written. */
void aof_batch_seal(struct aof *a);
/* The same, and a long line tells of what lies behind the last one. False: that is nothing. */
bool aof_batch_sum_up(struct aof *a);
/* Another file is written from now on, which begins as chain says; NULL: without a #LOG line. */
void aof_batch_restart(struct aof *a, const struct aof_chain *chain);
/* The same, and aof-checksum acts from here: there is no open unit. */
void aof_batch_begin(struct aof *a, const struct aof_chain *chain);
/* The kernel has n bytes of pending, or all of it. */
void aof_batch_wrote(struct aof *a, size_t n);
void aof_batch_wrote_all(struct aof *a);
void aof_batch_end_notes(struct aof *a); /* the server stops in order: aof_notes.h */
void aof_batch_free(struct aof *a);
void aof_batch_turn(struct aof *a); /* once a turn, between units: aof-checksum */

#endif
