/* SPDX-License-Identifier: BSD-3-Clause */
/* Which outcomes of a loss of power are tried at a moment: all simple ones, a seeded choice of the
 * positions where there are many, and some at random. */
#ifndef TESTS_CRASH_RECIPES_H
#define TESTS_CRASH_RECIPES_H

#include "tests/crash/crash_disk.h"

enum { RECIPES_MAX = 256 };

struct recipes {
    struct disk_recipe list[RECIPES_MAX];
    size_t count;
};

void recipes_list(struct recipes *rs, const struct disk *d, uint64_t seed);

#endif
