/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "base/mem_test.h"
#include "tests/unit/unit.h"

enum { WORDS = 4096 };

/* What was filled is found whole; a bit that turns over is found, wherever and whatever pattern. */
static void one_bit(void)
{
    static uint64_t words[WORDS];
    for (int kind = 0; kind < MEM_TESTS; kind++) {
        for (unsigned round = 1; round < 4; round++) {
            size_t first = WORDS;
            mem_test_fill(words, WORDS, (enum mem_test)kind, round);
            CHECK_INT(mem_test_check(words, WORDS, (enum mem_test)kind, round, &first), 0);
            size_t at = (size_t)round * 977 % WORDS;
            words[at] ^= UINT64_C(1) << (kind * 7 + (int)round);
            CHECK_INT(mem_test_check(words, WORDS, (enum mem_test)kind, round, &first), 1);
            CHECK_INT(first, at);
        }
    }
}

/* Two rounds differ in every word, so a bit that always reads the same is met. */
static void every_bit_is_both(void)
{
    static uint64_t words[WORDS];
    uint64_t ones = 0, zeros = 0;
    for (unsigned round = 1; round <= 2; round++) {
        mem_test_fill(words, WORDS, MEM_TEST_SOLID, round);
        for (size_t i = 0; i < WORDS; i++) {
            ones |= words[i];
            zeros |= ~words[i];
        }
        mem_test_fill(words, WORDS, MEM_TEST_CHECKER, round);
        CHECK(words[0] == ~words[1]);
    }
    CHECK(ones == UINT64_MAX && zeros == UINT64_MAX);
    mem_test_fill(words, WORDS, MEM_TEST_ADDRESS, 2);
    for (size_t i = 1; i < WORDS; i++)
        CHECK(words[i] != words[i - 1]);
}

static void flip_leaves_all_as_it_was(void)
{
    static uint64_t words[WORDS], same[WORDS];
    mem_test_fill(words, WORDS, MEM_TEST_RANDOM, 5);
    memcpy(same, words, sizeof same);
    CHECK_INT(mem_test_flip(words, WORDS), 0);
    CHECK(memcmp(words, same, sizeof same) == 0);
    CHECK_STR(mem_test_name(MEM_TEST_CHECKER), "checkerboard");
}

int main(void)
{
    return UNIT_RUN(UNIT(one_bit), UNIT(every_bit_is_both), UNIT(flip_leaves_all_as_it_was));
}
