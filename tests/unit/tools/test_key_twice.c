/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/rand.h"
#include "tests/unit/unit.h"
#include "tools/key_twice.h"

/* n different hashes, then `again` of them once more; all that are there twice are found. */
static void check_found(uint64_t n, uint64_t again)
{
    struct key_twice *k = key_twice_new();
    struct key_feed f;
    struct buf found = {0};
    struct fault fault = {0};
    uint64_t mix = 0x9e3779b97f4a7c15u;
    key_feed_begin(&f, k);
    for (uint64_t i = 0; i < n; i++)
        key_feed_add(&f, i * mix, i);
    for (uint64_t i = 0; i < again; i++)
        key_feed_add(&f, i * mix, n + i);
    key_feed_end(&f);
    CHECK(key_twice_find(k, &found, &fault));
    CHECK_INT(found.len / sizeof(struct twice_key), (int64_t)again * 2);
    const struct twice_key *keys = (const struct twice_key *)(const void *)found.data;
    for (uint64_t i = 0; i < again; i++) {
        CHECK(keys[2 * i].hash == keys[2 * i + 1].hash);
        CHECK_INT(keys[2 * i + 1].at - keys[2 * i].at, (int64_t)n);
    }
    buf_free(&found);
    key_twice_free(k);
}

static void few_and_many(void)
{
    check_found(0, 0);
    check_found(1, 0);
    check_found(1, 1);
    check_found(1000, 1000);
    check_found(100000, 3);
}

/* More than are held: through files, in several rounds. */
static void more_than_memory_holds(void)
{
    check_found(5000000, 700);
}

static void three_of_a_kind(void)
{
    struct key_twice *k = key_twice_new();
    struct key_feed f[2];
    struct buf found = {0};
    struct fault fault = {0};
    for (int i = 0; i < 2; i++)
        key_feed_begin(&f[i], k);
    key_feed_add(&f[0], 77, 30);
    key_feed_add(&f[1], 77, 10);
    key_feed_add(&f[1], 78, 11);
    key_feed_add(&f[0], 77, 20);
    for (int i = 0; i < 2; i++)
        key_feed_end(&f[i]);
    CHECK(key_twice_find(k, &found, &fault));
    CHECK_INT(found.len / sizeof(struct twice_key), 3);
    const struct twice_key *keys = (const struct twice_key *)(const void *)found.data;
    for (int i = 0; i < 3; i++)
        CHECK_INT(keys[i].at, 10 * (i + 1));
    buf_free(&found);
    key_twice_free(k);
}

int main(void)
{
    return UNIT_RUN(UNIT(few_and_many), UNIT(more_than_memory_holds), UNIT(three_of_a_kind));
}
