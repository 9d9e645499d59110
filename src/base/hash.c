/* SPDX-License-Identifier: BSD-3-Clause */
/* SipHash-1-3 (Aumasson and Bernstein's function with one round a word and three at the end): what
 * it says of some keys tells nothing about others, so nobody learns the secret, or which keys
 * collide, from the order in which keys come out of a table. Faster functions that only mix a
 * secret in are not like that: their secret was read off the order of SSCAN, and then colliding
 * members computed. Before hash_init (unit tests) the secret is zero. */
#include "base/hash.h"

#include <string.h>

#include "base/bytes.h"
#include "base/must.h"
#include "base/rand.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

static uint64_t secret[2];

void hash_init(const uint64_t *seed)
{
    if (!seed) {
        rand_secure(secret, sizeof secret);
        return;
    }
    secret[0] = hash_fixed64(seed, sizeof *seed, 0);
    secret[1] = hash_fixed64(seed, sizeof *seed, 1);
}

struct sip {
    uint64_t a, b, c, d;
};

static inline void sip_round(struct sip *s)
{
    s->a += s->b;
    s->c += s->d;
    s->b = rotate_left(s->b, 13) ^ s->a;
    s->d = rotate_left(s->d, 16) ^ s->c;
    s->a = rotate_left(s->a, 32) + s->d;
    s->c += s->b;
    s->d = rotate_left(s->d, 21) ^ s->a;
    s->b = rotate_left(s->b, 17) ^ s->c;
    s->c = rotate_left(s->c, 32);
}

static inline void sip_word(struct sip *s, uint64_t word)
{
    s->d ^= word;
    sip_round(s);
    s->a ^= word;
}

/* The bytes behind the last whole word, n < 8 of them, and the length on top. */
static inline uint64_t last_word(const uint8_t *p, size_t n, size_t len)
{
    uint64_t word = (uint64_t)len << 56;
    if (n >= 4)
        return word | load_le32(p) | (uint64_t)load_le32(p + n - 4) << (8 * (n - 4));
    if (n > 0)
        word |= p[0] | (uint64_t)p[n / 2] << (8 * (n / 2)) | (uint64_t)p[n - 1] << (8 * (n - 1));
    return word;
}

static inline uint64_t sip13(const uint64_t key[2], const void *data, size_t len)
{
    struct sip s = {key[0] ^ 0x736f6d6570736575u, key[1] ^ 0x646f72616e646f6du,
                    key[0] ^ 0x6c7967656e657261u, key[1] ^ 0x7465646279746573u};
    const uint8_t *p = data, *end = p + (len & ~(size_t)7);
    for (; p < end; p += 8)
        sip_word(&s, load_le64(p));
    sip_word(&s, last_word(p, len & 7, len));
    s.c ^= 0xff;
    for (int i = 0; i < 3; i++)
        sip_round(&s);
    return s.a ^ s.b ^ s.c ^ s.d;
}

uint64_t hash_bytes(const void *data, size_t len)
{
    return sip13(secret, data, len);
}

uint64_t hash_with(const uint64_t key[2], const void *data, size_t len)
{
    return sip13(key, data, len);
}

struct hash128 hash_fixed128(const void *data, size_t len, uint64_t seed)
{
    XXH128_hash_t hash = XXH3_128bits_withSeed(data, len, seed);
    return (struct hash128){hash.low64, hash.high64};
}

struct hash_pieces *hash_pieces_begin(uint64_t seed)
{
    XXH3_state_t *state = XXH3_createState();
    must(state && XXH3_128bits_reset_withSeed(state, seed) == XXH_OK);
    return (struct hash_pieces *)(void *)state;
}

void hash_pieces_add(struct hash_pieces *h, const void *data, size_t len)
{
    must(XXH3_128bits_update((XXH3_state_t *)(void *)h, data, len) == XXH_OK);
}

struct hash128 hash_pieces_end(struct hash_pieces *h)
{
    XXH3_state_t *state = (XXH3_state_t *)(void *)h;
    XXH128_hash_t hash = XXH3_128bits_digest(state);
    XXH3_freeState(state);
    return (struct hash128){hash.low64, hash.high64};
}

uint64_t hash_fixed64(const void *data, size_t len, uint64_t seed)
{
    return XXH3_64bits_withSeed(data, len, seed);
}
