/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/slab.h"

#include <string.h>

#include "base/mem.h"
#include "base/rand.h"
#include "tests/unit/unit.h"

/* Random blocks, each filled with its own byte: no block overlaps another. */
static void blocks_do_not_overlap(void)
{
    enum { N = 4000, MAX = 700 };
    rand_seed(unit_seed());
    struct slab *s = slab_new();
    unsigned char *blocks[N] = {0};
    size_t sizes[N];
    for (int round = 0; round < 100000; round++) {
        size_t i = rand_below(N);
        if (blocks[i]) {
            for (size_t k = 0; k < sizes[i]; k++)
                CHECK_INT(blocks[i][k], (unsigned char)i);
            slab_free(s, blocks[i], sizes[i]);
            blocks[i] = NULL;
        } else {
            sizes[i] = rand_below(MAX);
            blocks[i] = slab_alloc(s, sizes[i]);
            CHECK((uintptr_t)blocks[i] % 8 == 0);
            memset(blocks[i], (unsigned char)i, sizes[i]);
        }
    }
    size_t want = 0, held, used;
    for (int i = 0; i < N; i++)
        want += blocks[i] && sizes[i] <= SLAB_MAX ? slab_good_size(sizes[i]) : 0;
    slab_stats(s, &held, &used);
    CHECK_INT(used, want);
    CHECK(held >= used);
    for (int i = 0; i < N; i++) {
        if (blocks[i])
            slab_free(s, blocks[i], sizes[i]);
    }
    slab_stats(s, &held, &used);
    CHECK_INT(used, 0);
    slab_drop(s);
}

static void small_blocks_are_dense(void)
{
    enum { N = 100000 };
    struct slab *s = slab_new();
    for (int i = 0; i < N; i++)
        slab_alloc(s, 40);
    size_t held, used;
    slab_stats(s, &held, &used);
    CHECK_INT(used, N * 40);
    CHECK(held < used + used / 50 + (1 << 20));
    size_t before = mem_used();
    slab_drop(s);
    CHECK(mem_used() + held <= before);
}

static void used_counts_allocations(void)
{
    size_t before = mem_used();
    void *p = mem_alloc(100000);
    CHECK(mem_used() >= before + 100000);
    p = mem_realloc(p, 300000);
    CHECK(mem_used() >= before + 300000);
    mem_free_sized(p, 300000);
    CHECK(mem_used() < before + 100000);
}

int main(void)
{
    return UNIT_RUN(UNIT(blocks_do_not_overlap), UNIT(small_blocks_are_dense),
                    UNIT(used_counts_allocations));
}
