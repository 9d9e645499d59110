/* SPDX-License-Identifier: BSD-3-Clause */
/* The keyed hash of every table: SipHash-1-3 with a secret drawn at start, so that nobody outside
 * can choose colliding keys. 16-byte keys cost about 9 ns. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

/* Call once before the first table is made. seed NULL: from the system's random source. */
void hash_init(const uint64_t *seed);
uint64_t hash_bytes(const void *data, size_t len);
static inline uint64_t hash_slice(struct slice s)
{
    return hash_bytes(s.data, s.len);
}

/* The same function with a key of one's own, its 16 bytes read as two little-endian words, and
 * whatever hash_init was told: so that tests can compare it with known values. */
uint64_t hash_with(const uint64_t key[2], const void *data, size_t len);

/* For what is kept in files: no secret, the same on every machine and in every version. Chosen
 * input can be made to collide. */
struct hash128 {
    uint64_t low, high;
};
/* seed: a constant, or a hash. What one could choose (a number of a database, a time) is none: the
 * function only combines it with the bytes of a short input, and both may differ alike. */
struct hash128 hash_fixed128(const void *data, size_t len, uint64_t seed);
/* hash_fixed128 of what comes in pieces. end gives the state back. */
struct hash_pieces; /* opaque */
struct hash_pieces *hash_pieces_begin(uint64_t seed);
void hash_pieces_add(struct hash_pieces *h, const void *data, size_t len);
struct hash128 hash_pieces_end(struct hash_pieces *h);
uint64_t hash_fixed64(const void *data, size_t len, uint64_t seed); /* not its half */

#endif
