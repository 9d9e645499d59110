/* SPDX-License-Identifier: BSD-3-Clause */
/* A process-wide secret instead of a seed: XXH3 mixes the input with the secret's bytes, so with an
 * unknown secret collisions cannot be prepared. Before hash_init (unit tests) the secret is zeros
 * spread by the generator below, the same each time. */
#include "base/hash.h"

#include "base/rand.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

static uint8_t secret[XXH3_SECRET_DEFAULT_SIZE];

void hash_init(const uint64_t *seed)
{
    if (seed)
        XXH3_generateSecret(secret, sizeof secret, seed, sizeof *seed);
    else
        rand_secure(secret, sizeof secret);
}

uint64_t hash_bytes(const void *data, size_t len)
{
    return XXH3_64bits_withSecret(data, len, secret, sizeof secret);
}

struct hash128 hash_fixed128(const void *data, size_t len, uint64_t seed)
{
    XXH128_hash_t hash = XXH3_128bits_withSeed(data, len, seed);
    return (struct hash128){hash.low64, hash.high64};
}

uint64_t hash_fixed64(const void *data, size_t len, uint64_t seed)
{
    return XXH3_64bits_withSeed(data, len, seed);
}
