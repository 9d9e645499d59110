/* SPDX-License-Identifier: BSD-3-Clause */
/* Which keys are there twice, of any number of keys in bounded memory: hashes of their names are
 * kept, in files without a name once they are many, cut by the hash into parts that are looked at
 * one after the other.
 *
 *   struct key_twice *k = key_twice_new();
 *   struct key_feed f; key_feed_begin(&f, k);       each thread its own
 *   key_feed_add(&f, hash, place);
 *   key_feed_end(&f);
 *   if (key_twice_find(k, &fault))
 *       while (key_twice_next(k, &key, &fault)) ...   those with one hash behind one another
 *   key_twice_free(k);
 *
 * Equal hashes are candidates: 64 bits, keyed; two of a billion names meet by chance once in 37
 * files. Who wants to be sure reads the names. However many are found, they are told. Memory: what
 * new was told to hold, 2 MiB for each thread, and up to 12 MiB for the search. */
#ifndef TOOLS_KEY_TWICE_H
#define TOOLS_KEY_TWICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/fault.h"
#include "base/hash.h"

enum { TWICE_PARTS = 64, TWICE_HELD = 16 << 20 };

struct key_twice; /* opaque */
struct twice_key {
    uint64_t hash, at;
};
struct key_feed {
    struct key_twice *to;
    struct buf parts[TWICE_PARTS]; /* struct twice_key */
};

static inline uint64_t key_twice_hash(struct slice name, unsigned db)
{
    return hash_slice(name) + (uint64_t)db * 0x9e3779b97f4a7c15u;
}
/* held: bytes it keeps in memory before it uses files; TWICE_HELD for the keys of a file. */
struct key_twice *key_twice_new(size_t held);
void key_twice_free(struct key_twice *k);
void key_feed_begin(struct key_feed *f, struct key_twice *to);
void key_feed_flush(struct key_feed *f, unsigned part);
void key_feed_end(struct key_feed *f);
enum { TWICE_FEED_BYTES = 32 << 10 };
static inline void key_feed_add(struct key_feed *f, uint64_t hash, uint64_t at)
{
    unsigned part = (unsigned)(hash >> 58);
    struct twice_key key = {.hash = hash, .at = at};
    buf_append(&f->parts[part], &key, sizeof key);
    if (f->parts[part].len >= TWICE_FEED_BYTES)
        key_feed_flush(f, part);
}
/* All whose hash another has, too. False with f: a temporary file failed. */
bool key_twice_find(struct key_twice *k, struct fault *f);
/* The next of them, by hash and place. False: there are no more, or a file failed: f. */
bool key_twice_next(struct key_twice *k, struct twice_key *key, struct fault *f);

#endif
