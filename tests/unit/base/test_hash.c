/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/hash.h"

#include "base/bytes.h"
#include "base/rand.h"
#include "tests/unit/unit.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

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

/* SipHash-1-3 with the key 00 01 .. 0f of the bytes 00 01 ..; the lengths take every way through
 * the last word. Made with CPython's hash of bytes as witness. */
static void agrees_with_known_values(void)
{
    static const struct {
        size_t len;
        uint64_t hash;
    } known[] = {
        {0, 0xabac0158050fc4dcu},  {1, 0xc9f49bf37d57ca93u},  {4, 0xcf75576088d38328u},
        {7, 0xd3927d989bb11140u},  {8, 0x369095118d299a8eu},  {9, 0x25a48eb36c063de4u},
        {15, 0xd320d86d2a519956u}, {16, 0xcc4fdd1a7d908b66u}, {17, 0x9cf2689063dbd80cu},
        {31, 0x2370dd1f8c21d1bcu}, {63, 0x9d199062b7bbb3a8u},
    };
    const uint64_t key[2] = {0x0706050403020100u, 0x0f0e0d0c0b0a0908u};
    uint8_t bytes[64];
    for (int i = 0; i < 64; i++)
        bytes[i] = (uint8_t)i;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        CHECK(hash_with(key, bytes, known[i].len) == known[i].hash);
}

/* ---- an attack ---- */
static uint64_t times_inverse(uint64_t x, uint64_t odd)
{
    uint64_t inverse = odd; /* right in three bits, doubled by each step */
    for (int i = 0; i < 5; i++)
        inverse *= 2 - odd * inverse;
    return x * inverse;
}

/* A hash that mixes a secret in and then only stirs: of eight bytes XXH3 makes a one-to-one
 * function of (bytes ^ 64 secret bits). This goes back through the stirring and says what the
 * secret is. */
static uint64_t secret_by_stirring_back(uint64_t hash, uint64_t key)
{
    const uint64_t mixer = 0x9fb21c651e98df25u;
    uint64_t x = hash ^ hash >> 28 ^ hash >> 56;
    x = times_inverse(x, mixer);
    x ^= (x >> 35) + sizeof key;
    x = times_inverse(x, mixer);
    for (int i = 0; i < 63; i++) /* its 64th power is the identity */
        x ^= rotate_left(x, 49) ^ rotate_left(x, 24);
    return x ^ rotate_left(key, 32);
}

static int secrets_that_agree(uint64_t (*hash)(const void *bytes, size_t len))
{
    int agree = 0;
    uint64_t first = 0;
    for (uint64_t key = 1; key <= 100; key++) {
        uint8_t bytes[8];
        store_le64(bytes, key * 0x123456789abcdefu);
        uint64_t secret = secret_by_stirring_back(hash(bytes, 8), key * 0x123456789abcdefu);
        first = key == 1 ? secret : first;
        agree += secret == first;
    }
    return agree;
}

static uint8_t mixed_in[XXH3_SECRET_DEFAULT_SIZE];

static uint64_t only_stirred(const void *bytes, size_t len)
{
    return XXH3_64bits_withSecret(bytes, len, mixed_in, sizeof mixed_in);
}

/* The attacker is given whole hashes here, more than the order of a scan shows. What one key says
 * is then true for all with the one, and nothing with the other. */
static void the_secret_is_not_in_the_hashes(void)
{
    hash_init(NULL);
    rand_secure(mixed_in, sizeof mixed_in);
    CHECK_INT(secrets_that_agree(only_stirred), 100);
    CHECK_INT(secrets_that_agree(hash_bytes), 1);
}

int main(void)
{
    return UNIT_RUN(UNIT(a_seed_decides_everything), UNIT(spreads), UNIT(the_fixed_one_is_fixed),
                    UNIT(agrees_with_known_values), UNIT(the_secret_is_not_in_the_hashes));
}
