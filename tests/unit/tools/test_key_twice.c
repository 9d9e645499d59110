/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"
#include "tools/key_twice.h"

/* All that are found, and the end. */
static struct buf found_in(struct key_twice *k)
{
    struct buf found = {0};
    struct twice_key key;
    struct fault f = {0};
    CHECK(key_twice_find(k, &f));
    while (key_twice_next(k, &key, &f))
        buf_append(&found, &key, sizeof key);
    CHECK(!fault_is(&f));
    return found;
}

/* n different hashes, then `again` of them once more; all that are there twice are found. */
static void check_found(size_t held, uint64_t n, uint64_t again)
{
    struct key_twice *k = key_twice_new(held);
    struct key_feed f;
    uint64_t mix = 0x9e3779b97f4a7c15u;
    key_feed_begin(&f, k);
    for (uint64_t i = 0; i < n; i++)
        key_feed_add(&f, i * mix, i);
    for (uint64_t i = 0; i < again; i++)
        key_feed_add(&f, i * mix, n + i);
    key_feed_end(&f);
    struct buf found = found_in(k);
    CHECK_INT(found.len / sizeof(struct twice_key), (int64_t)again * 2);
    const struct twice_key *keys = (const struct twice_key *)(const void *)found.data;
    bool ok = true;
    for (uint64_t i = 0; i < again; i++)
        ok = ok && keys[2 * i].hash == keys[2 * i + 1].hash &&
             keys[2 * i + 1].at - keys[2 * i].at == n &&
             (i == 0 || keys[2 * i - 1].hash < keys[2 * i].hash);
    CHECK(ok);
    buf_free(&found);
    key_twice_free(k);
}

static void few_and_many(void)
{
    check_found(TWICE_HELD, 0, 0);
    check_found(TWICE_HELD, 1, 0);
    check_found(TWICE_HELD, 1, 1);
    check_found(TWICE_HELD, 1000, 1000);
    check_found(TWICE_HELD, 100000, 3);
    check_found(1 << 20, 300000, 3);
}

/* More than are held: through files, which are cut again. */
static void more_than_memory_holds(void)
{
    check_found(TWICE_HELD, 9000000, 700);
}

/* However many they are. */
static void all_are_twice(void)
{
    check_found(TWICE_HELD, 1500000, 1500000);
}

static uint64_t alike(uint64_t i)
{
    return (uint64_t)77 << 46 | i * 0x9e3779b97f4a7c15u >> 18;
}

/* Names that differ late in their hashes: cutting parts does not part them, the rounds do. */
static void alike_hashes(void)
{
    struct key_twice *k = key_twice_new(1 << 20);
    struct key_feed f;
    enum { N = 400000 };
    key_feed_begin(&f, k);
    for (uint64_t i = 0; i < N; i++)
        key_feed_add(&f, alike(i), i);
    for (uint64_t i = 0; i < N; i += 2)
        key_feed_add(&f, alike(i), N + i);
    key_feed_end(&f);
    struct buf found = found_in(k);
    CHECK_INT(found.len / sizeof(struct twice_key), N);
    buf_free(&found);
    key_twice_free(k);
}

/* One key over and over: no part of it is gone through more than a few times. */
static void one_key_over_and_over(void)
{
    struct key_twice *k = key_twice_new(1 << 20);
    struct key_feed f;
    enum { N = 3000000 };
    key_feed_begin(&f, k);
    for (uint64_t i = 0; i < N; i++)
        key_feed_add(&f, 0x123456789abcdefu, i);
    key_feed_end(&f);
    struct buf found = found_in(k);
    CHECK_INT(found.len / sizeof(struct twice_key), N);
    buf_free(&found);
    key_twice_free(k);
}

static void three_of_a_kind(void)
{
    struct key_twice *k = key_twice_new(TWICE_HELD);
    struct key_feed f[2];
    for (int i = 0; i < 2; i++)
        key_feed_begin(&f[i], k);
    key_feed_add(&f[0], 77, 30);
    key_feed_add(&f[1], 77, 10);
    key_feed_add(&f[1], 78, 11);
    key_feed_add(&f[0], 77, 20);
    for (int i = 0; i < 2; i++)
        key_feed_end(&f[i]);
    struct buf found = found_in(k);
    CHECK_INT(found.len / sizeof(struct twice_key), 3);
    const struct twice_key *keys = (const struct twice_key *)(const void *)found.data;
    for (int i = 0; i < 3; i++)
        CHECK_INT(keys[i].at, 10 * (i + 1));
    buf_free(&found);
    key_twice_free(k);
}

int main(void)
{
    return UNIT_RUN(UNIT(few_and_many), UNIT(more_than_memory_holds), UNIT(all_are_twice),
                    UNIT(alike_hashes), UNIT(one_key_over_and_over), UNIT(three_of_a_kind));
}
