/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/mem_test.h"

#include "base/must.h"

/* Looks random, and is a function of its place: nothing has to be kept to check it. */
static uint64_t scramble(uint64_t x)
{
    x = (x ^ x >> 31) * UINT64_C(0x9fb21c651e98df25);
    x = (x ^ x >> 29) * UINT64_C(0xd1b54a32d192ed03);
    return x ^ x >> 32;
}

static uint64_t word_of(enum mem_test kind, unsigned round, size_t i)
{
    must(kind < MEM_TESTS);
    uint64_t turn = round % 2 ? UINT64_MAX : 0;
    switch (kind) {
    case MEM_TEST_ADDRESS: return (uint64_t)i ^ turn;
    case MEM_TEST_RANDOM: return scramble((uint64_t)i + ((uint64_t)round << 48) + 1);
    case MEM_TEST_SOLID: return turn;
    default: return UINT64_C(0x5555555555555555) ^ turn ^ (i % 2 ? UINT64_MAX : 0);
    }
}

const char *mem_test_name(enum mem_test kind)
{
    static const char *const names[] = {"addresses", "random", "solid", "checkerboard"};
    must(kind < MEM_TESTS);
    return names[kind];
}

void mem_test_fill(volatile uint64_t *words, size_t count, enum mem_test kind, unsigned round)
{
    for (size_t i = 0; i < count; i++)
        words[i] = word_of(kind, round, i);
}

size_t mem_test_check(const volatile uint64_t *words, size_t count, enum mem_test kind,
                      unsigned round, size_t *first)
{
    size_t bad = 0;
    for (size_t i = 0; i < count; i++) {
        if (words[i] == word_of(kind, round, i))
            continue;
        if (bad++ == 0)
            *first = i;
    }
    must(bad <= count);
    return bad;
}

size_t mem_test_flip(volatile uint64_t *words, size_t count)
{
    size_t bad = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t was = words[i];
        words[i] = ~was;
        bad += words[i] != ~was;
        words[i] = was;
        bad += words[i] != was;
    }
    return bad;
}
