/* SPDX-License-Identifier: BSD-3-Clause */
/* The hashes of keys asked for lately: a command looks its key up two or three times, and the batch
 * that prefetches it once more. Keys of KEY_MEMO_MIN..MAX bytes, kept whole. */
#ifndef STORE_KEY_MEMO_H
#define STORE_KEY_MEMO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/hash.h"

enum { KEY_MEMO_PLACES = 32, KEY_MEMO_MIN = 8, KEY_MEMO_MAX = 32 };

struct key_memo {
    uint64_t hash, words[4]; /* the first and last eight bytes, and those inside of them */
    uint32_t len, slot;      /* key_slot and one, or 0: nobody asked yet */
};

/* The place is taken from the address: the words of a batch lie behind one another. The words that
 * are compared overlap in short keys. all: KEY_MEMO_PLACES of them. */
static inline struct key_memo *key_memo_of(struct key_memo *all, struct slice key)
{
    struct key_memo *m = &all[(uintptr_t)key.data / 32 % KEY_MEMO_PLACES];
    size_t inner = key.len > 16 ? 8 : 0;
    const char *end = key.data + key.len - 8;
    uint64_t a = load_le64(key.data), b = load_le64(end);
    uint64_t c = load_le64(key.data + inner), d = load_le64(end - inner);
    if (__builtin_expect((key.len ^ m->len) | (a ^ m->words[0]) | (b ^ m->words[1]) |
                             (c ^ m->words[2]) | (d ^ m->words[3]), 0))
        *m = (struct key_memo){hash_slice(key), {a, b, c, d}, (uint32_t)key.len, 0};
    return m;
}

static inline bool key_memo_takes(struct slice key)
{
    return key.len >= KEY_MEMO_MIN && key.len <= KEY_MEMO_MAX;
}

#endif
