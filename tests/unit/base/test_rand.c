/* SPDX-License-Identifier: BSD-3-Clause */
#include <pthread.h>

#include "base/rand.h"
#include "tests/unit/unit.h"

static void repeats_from_a_seed(void)
{
    uint64_t first[10];
    rand_seed(7);
    for (int i = 0; i < 10; i++)
        first[i] = rand_u64();
    rand_seed(7);
    for (int i = 0; i < 10; i++)
        CHECK(rand_u64() == first[i]);
    rand_seed(8);
    CHECK(rand_u64() != first[0]);
    rand_seed(0);
    CHECK(rand_u64() != rand_u64());
}

static void stays_below(void)
{
    rand_seed(unit_seed());
    size_t hits[7] = {0};
    for (int i = 0; i < 70000; i++)
        hits[rand_below(7)]++;
    for (int i = 0; i < 7; i++)
        CHECK(hits[i] > 9300 && hits[i] < 10700); /* seven deviations */
    for (int i = 0; i < 100; i++)
        CHECK(rand_below(1) == 0);
    size_t upper = 0;
    uint64_t large = ((uint64_t)3 << 62) + 1; /* a plain modulo would be visibly unfair */
    for (int i = 0; i < 9000; i++) {
        uint64_t n = rand_below(large);
        CHECK(n < large);
        upper += n >= (uint64_t)1 << 62;
    }
    CHECK(upper > 5500 && upper < 6500);
}

static void unit_is_a_fraction(void)
{
    double sum = 0;
    for (int i = 0; i < 10000; i++) {
        double d = rand_unit();
        CHECK(d >= 0 && d < 1);
        sum += d;
    }
    CHECK(sum > 4700 && sum < 5300);
}

static void *draw(void *out)
{
    *(uint64_t *)out = rand_u64();
    return NULL;
}

static void threads_draw_their_own(void)
{
    uint64_t other;
    pthread_t thread;
    rand_seed(7);
    uint64_t first = rand_u64(), second = rand_u64();
    rand_seed(7);
    CHECK(rand_u64() == first);
    CHECK(pthread_create(&thread, NULL, draw, &other) == 0);
    pthread_join(thread, NULL);
    CHECK(other != second);
    CHECK(rand_u64() == second);
}

static void hex_is_hex(void)
{
    char a[41], b[41];
    rand_hex(a, 40);
    rand_hex(b, 40);
    CHECK_INT(strspn(a, "0123456789abcdef"), 40);
    CHECK_INT(a[40], 0);
    CHECK(strcmp(a, b) != 0);
    rand_hex(a, 0);
    CHECK_STR(a, "");
}

int main(void)
{
    return UNIT_RUN(UNIT(repeats_from_a_seed), UNIT(stays_below), UNIT(unit_is_a_fraction),
                    UNIT(threads_draw_their_own), UNIT(hex_is_hex));
}
