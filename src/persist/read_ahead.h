/* SPDX-License-Identifier: BSD-3-Clause */
/* An RDB read by a thread of its own, in front of who takes it in: reading, checksums,
 * decompression and validation on one CPU, building the keyspace on another.
 *
 *   struct read_ahead *a = read_ahead_start(in, &options);
 *   while (read_ahead_next(a, &batch)) ... event_play ...       in order; valid until the next call
 *   read_ahead_end(a, &trailer);                                the thread is over
 *   ... in_bad(in): its fault ...
 *
 * in is the thread's until read_ahead_end. Ended before the last batch it stops soon. The notes of
 * options come as records of the batches (event_batch.h). Memory: a few MiB, and what the largest
 * value takes once more. */
#ifndef PERSIST_READ_AHEAD_H
#define PERSIST_READ_AHEAD_H

#include <stdbool.h>

#include "base/slice.h"
#include "format/rdb_read.h"

struct read_ahead; /* opaque */

/* Is it worth a thread? Files of some size, where there is more than one CPU. */
bool read_ahead_pays(const struct in *in);
struct read_ahead *read_ahead_start(struct in *in, const struct rdb_options *options);
bool read_ahead_next(struct read_ahead *a, struct slice *batch);
/* *trailer: as rdb_trailer, of a file that was read to its end. */
void read_ahead_end(struct read_ahead *a, enum rdb_trailer_state *trailer);

#endif
