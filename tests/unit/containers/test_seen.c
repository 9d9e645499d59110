/* SPDX-License-Identifier: BSD-3-Clause */
/* Nothing that came is forgotten, nothing that did not is seen. */
#include "containers/seen.h"

#include "base/hash.h"
#include "base/mem.h"
#include "tests/unit/unit.h"

static void each_once(void)
{
    enum { MANY = 300000 };
    struct seen s = {0};
    for (uint64_t i = 0; i < MANY; i++)
        CHECK(seen_add(&s, hash_bytes(&i, sizeof i)));
    for (uint64_t i = 0; i < MANY; i++)
        CHECK(!seen_add(&s, hash_bytes(&i, sizeof i)));
    uint64_t next = MANY;
    CHECK(seen_add(&s, hash_bytes(&next, sizeof next)));
    seen_free(&s);
    CHECK(seen_add(&s, hash_bytes(&next, sizeof next)));
    seen_free(&s);
}

/* Hashes that all meet in one place, or in one part, and the one that marks a free slot. */
static void crowded(void)
{
    struct seen s = {0};
    for (uint64_t i = 0; i < 1000; i++)
        CHECK(seen_add(&s, i << 40 | 5));
    for (uint64_t i = 0; i < 1000; i++)
        CHECK(!seen_add(&s, i << 40 | 5));
    CHECK(seen_add(&s, 0));
    CHECK(!seen_add(&s, 0));
    CHECK(seen_add(&s, UINT64_MAX));
    CHECK(!seen_add(&s, UINT64_MAX));
    seen_free(&s);
}

static void takes_little(void)
{
    enum { MANY = 1 << 20 };
    struct seen s = {0};
    size_t before = mem_used(), most = 0;
    for (uint64_t i = 0; i < MANY; i++) {
        seen_add(&s, hash_bytes(&i, sizeof i));
        size_t now = mem_used() - before;
        if (i > 100000 && now / i > most)
            most = now / i;
    }
    CHECK(most > 0 && most <= 23);
    seen_free(&s);
    CHECK_INT(mem_used(), before);
}

int main(void)
{
    hash_init(NULL);
    return UNIT_RUN(UNIT(each_once), UNIT(crowded), UNIT(takes_little));
}
