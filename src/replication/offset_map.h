/* SPDX-License-Identifier: BSD-3-Clause */
/* Which offset of the history a position of the log (server/commit.h) is. The two count different
 * bytes: the log alone gets what a script keeps from replicas and a SELECT behind a rewrite,
 * replicas alone get PING, GETACK and what is published. Whoever waits for replicas, and a gate
 * that holds the stream back, know positions.
 *
 * It keeps the stretches over which both went on alike, the latest OFFSET_MAP_SIZE of them. Where
 * it does not know exactly, what it says is too far for waiting and too near for sending: safe. All
 * O(1) but the look-ups, O(log OFFSET_MAP_SIZE). */
#ifndef REPLICATION_OFFSET_MAP_H
#define REPLICATION_OFFSET_MAP_H

#include <stdint.h>

enum { OFFSET_MAP_SIZE = 256 };

struct offset_map {
    struct offset_stretch {
        uint64_t from, to; /* positions; both ends belong to it */
        int64_t ahead;     /* offset less position */
    } stretches[OFFSET_MAP_SIZE]; /* a ring, oldest first */
    unsigned first, count;
    int64_t sendable; /* what offset_map_sendable said last */
};

/* Nothing before this point has an offset. */
void offset_map_start(struct offset_map *m, uint64_t position, int64_t offset);
/* All up to this position lies before this offset (inclusive), and nothing behind it does. Neither
 * goes back. */
void offset_map_note(struct offset_map *m, uint64_t position, int64_t offset);
/* Whoever has the stream up to this offset has all that the log had at position. */
int64_t offset_map_needed(const struct offset_map *m, uint64_t position);
/* Whoever has the stream up to this offset has all that the log had at the position given back. */
uint64_t offset_map_held(const struct offset_map *m, int64_t offset);
/* The stream up to this offset tells of nothing behind position, which does not go back. */
int64_t offset_map_sendable(struct offset_map *m, uint64_t position);

#endif
