/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>

#include "base/mem.h"
#include "base/rand.h"
#include "containers/intset.h"
#include "tests/unit/unit.h"

/* As in the head of intset.c. */
static void writes_known_bytes(void)
{
    uint8_t *is = intset_new();
    bool added;
    is = intset_add(is, 300, &added);
    CHECK(added);
    is = intset_add(is, 1, NULL);
    is = intset_add(is, 2, NULL);
    is = intset_add(is, 2, &added);
    CHECK(!added);
    CHECK_SLICE(slice(is, intset_bytes(is)), slice("\2\0\0\0\3\0\0\0\1\0\2\0\x2c\1", 14));
    mem_free(is);
}

static void widens_at_both_ends(void)
{
    static const int64_t order[] = {5,           INT16_MAX, INT16_MIN, INT16_MAX + 1, INT16_MIN - 1,
                                    INT32_MIN,   INT32_MAX, 0x80000000ll, -0x80000001ll,
                                    INT64_MIN,   INT64_MAX};
    enum { N = sizeof order / sizeof *order };
    uint8_t *is = intset_new();
    const char *why;
    for (size_t i = 0; i < N; i++) {
        is = intset_add(is, order[i], NULL);
        CHECK(intset_validate(slice(is, intset_bytes(is)), &why));
        for (size_t k = 0; k < N; k++)
            CHECK(intset_has(is, order[k]) == (k <= i));
    }
    CHECK_INT(intset_count(is), N);
    CHECK_INT(intset_get(is, 0), INT64_MIN);
    CHECK_INT(intset_get(is, N - 1), INT64_MAX);
    CHECK_INT(intset_bytes(is), 8 + 8 * N);
    mem_free(is);
}

static void refuses_damage(void)
{
    static const struct {
        const char *what, *bytes;
        size_t len;
    } cases[] = {
        {"nothing", "", 0},
        {"cut header", "\2\0\0\0\1\0\0", 7},
        {"empty", "\2\0\0\0\0\0\0\0", 8},
        {"width 0", "\0\0\0\0\1\0\0\0", 8},
        {"width 3", "\3\0\0\0\1\0\0\0\1\2\3", 11},
        {"width 1", "\1\0\0\0\1\0\0\0\1", 9},
        {"too short", "\2\0\0\0\2\0\0\0\1\0\2", 11},
        {"too long", "\2\0\0\0\1\0\0\0\1\0\2", 11},
        {"product wraps 32 bits", "\4\0\0\0\1\0\0\x40\1\0\0\0", 12},
        {"falling", "\2\0\0\0\2\0\0\0\2\0\1\0", 12},
        {"twice", "\2\0\0\0\2\0\0\0\1\0\1\0", 12},
        {"unsigned order", "\2\0\0\0\2\0\0\0\1\0\xff\xff", 12},
    };
    const char *why;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t *exact = mem_dup(cases[i].bytes, cases[i].len);
        why = NULL;
        bool ok = intset_validate(slice(exact, cases[i].len), &why);
        if (ok)
            printf("accepted: %s\n", cases[i].what);
        CHECK(!ok && why);
        mem_free(exact);
    }
    /* Wider than needed is fine. */
    CHECK(intset_validate(slice("\4\0\0\0\1\0\0\0\1\0\0\0", 12), &why));
}

static void agrees_with_a_bitmap(void)
{
    enum { RANGE = 600 };
    static bool model[RANGE];
    memset(model, 0, sizeof model);
    rand_seed(unit_seed());
    uint8_t *is = intset_new();
    int64_t scale = 150; /* spreads the numbers over two widths */
    size_t count = 0;
    for (int i = 0; i < 20000; i++) {
        size_t k = rand_below(RANGE);
        int64_t n = ((int64_t)k - RANGE / 2) * scale;
        bool changed;
        if (rand_below(2)) {
            is = intset_add(is, n, &changed);
            CHECK(changed == !model[k]);
            count += changed;
            model[k] = true;
        } else {
            is = intset_remove(is, n, &changed);
            CHECK(changed == model[k]);
            count -= changed;
            model[k] = false;
        }
        CHECK(intset_has(is, n) == model[k]);
        CHECK(!intset_has(is, n + 1));
        CHECK_INT(intset_count(is), count);
    }
    size_t at = 0;
    for (size_t k = 0; k < RANGE; k++)
        if (model[k])
            CHECK_INT(intset_get(is, at++), ((int64_t)k - RANGE / 2) * scale);
    CHECK_INT(at, count);
    mem_free(is);
}

int main(void)
{
    return UNIT_RUN(UNIT(writes_known_bytes), UNIT(widens_at_both_ends), UNIT(refuses_damage),
                    UNIT(agrees_with_a_bitmap));
}
