/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/hash.h"

#include "base/bytes.h"
#include "tests/unit/unit.h"

static void a_seed_decides_everything(void)
{
    uint64_t one = 1, two = 2;
    hash_init(&one);
    uint64_t first = hash_slice(SLICE_LIT("key"));
    hash_init(&two);
    CHECK(hash_slice(SLICE_LIT("key")) != first);
    hash_init(&one);
    CHECK(hash_slice(SLICE_LIT("key")) == first);
    hash_init(NULL);
    uint64_t drawn = hash_slice(SLICE_LIT("key"));
    hash_init(NULL);
    CHECK(hash_slice(SLICE_LIT("key")) != drawn);
}

/* Numbered keys fall evenly into buckets by the low bits, and their top bytes differ. */
static void spreads(void)
{
    enum { KEYS = 1 << 16, BUCKETS = 1 << 8 };
    int low[BUCKETS] = {0}, top[BUCKETS] = {0};
    hash_init(NULL);
    for (uint64_t i = 0; i < KEYS; i++) {
        uint8_t key[8];
        store_le64(key, i);
        uint64_t hash = hash_bytes(key, sizeof key);
        low[hash % BUCKETS]++;
        top[hash >> 56]++;
    }
    for (int i = 0; i < BUCKETS; i++) { /* mean 256, deviation 16 */
        CHECK(low[i] > 160 && low[i] < 352);
        CHECK(top[i] > 160 && top[i] < 352);
    }
}

/* Files hold it: these values, for ever. The first is the published one of XXH3-128. */
static void the_fixed_one_is_fixed(void)
{
    struct hash128 h = hash_fixed128("", 0, 0);
    CHECK(h.high == 0x99aa06d3014798d8u && h.low == 0x6001c324468d497fu);
    struct hash128 other = hash_fixed128("", 0, 1), again = hash_fixed128("", 0, 1);
    CHECK(other.low != h.low && other.low == again.low && other.high == again.high);
    hash_init(&(uint64_t){7});
    again = hash_fixed128("", 0, 0);
    CHECK(again.low == h.low);
}

int main(void)
{
    return UNIT_RUN(UNIT(a_seed_decides_everything), UNIT(spreads), UNIT(the_fixed_one_is_fixed));
}
