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
    CHECK(mem_used() + used <= before);
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

/* What is counted is what is in use, and emptied pages go back but for a small reserve. */
static void emptied_pages_are_given_back(void)
{
    enum { N = 300000, SIZE = 104 };
    struct slab *s = slab_new();
    void **blocks = mem_alloc(N * sizeof *blocks);
    size_t before = mem_used(), held, used;
    for (int i = 0; i < N; i++)
        blocks[i] = slab_alloc(s, SIZE);
    CHECK(mem_used() - before >= (size_t)N * SIZE);
    CHECK(mem_used() - before < (size_t)N * SIZE * 101 / 100);
    for (int i = 0; i < N; i++)
        slab_free(s, blocks[i], SIZE);
    CHECK(mem_used() - before < 100000); /* descriptions of some chunks */
    slab_stats(s, &held, &used);
    CHECK_INT(used, 0);
    CHECK(held <= 1 << 20);
    for (int i = 0; i < 10; i++)
        slab_give_back(s);
    slab_stats(s, &held, &used);
    CHECK_INT(held, 0);
    /* What was given back serves again, for another class too, and is clean memory. */
    for (int i = 0; i < N; i++)
        blocks[i] = memset(slab_alloc(s, i % 300 + 1), i, (size_t)(i % 300 + 1));
    for (int i = 0; i < N; i++) {
        CHECK_INT(*(unsigned char *)blocks[i], (unsigned char)i);
        slab_free(s, blocks[i], (size_t)(i % 300 + 1));
    }
    slab_drop(s);
    CHECK(mem_used() <= before);
    mem_free(blocks);
}

/* Blocks hold their number; places says where each is. */
struct moves {
    struct slab *slab;
    uint32_t **places;
    size_t size, moved;
};

static void move_blocks(void *arg, void *const *blocks, unsigned n)
{
    struct moves *m = arg;
    for (unsigned i = 0; i < n; i++) {
        uint32_t *old = blocks[i];
        CHECK(m->places[*old] == old);
        m->places[*old] = memcpy(slab_alloc(m->slab, m->size), old, m->size);
        slab_free(m->slab, old, m->size);
        m->moved++;
    }
}

static void sparse_pages_are_emptied(void)
{
    enum { N = 200000, SIZE = 64 };
    rand_seed(unit_seed());
    struct moves m = {slab_new(), mem_zalloc(N * sizeof *m.places), SIZE, 0};
    for (uint32_t i = 0; i < N; i++) {
        m.places[i] = slab_alloc(m.slab, SIZE);
        *m.places[i] = i;
    }
    CHECK(!slab_compact(m.slab, move_blocks, &m));
    CHECK_INT(slab_slack(m.slab), 0);
    size_t kept = 0, held, used;
    for (uint32_t i = 0; i < N; i++) {
        if (rand_below(4) == 0) {
            kept++;
            continue;
        }
        slab_free(m.slab, m.places[i], SIZE);
        m.places[i] = NULL;
    }
    slab_stats(m.slab, &held, &used);
    CHECK(held > 3 * used); /* no page is empty */
    CHECK(slab_slack(m.slab) > used);
    int steps = 0;
    while (slab_compact(m.slab, move_blocks, &m))
        CHECK(++steps < 1000);
    for (int i = 0; i < 10; i++)
        slab_give_back(m.slab);
    slab_stats(m.slab, &held, &used);
    CHECK_INT(used, kept * SIZE);
    CHECK(held < used + used / 4 + (1 << 18));
    CHECK(m.moved < kept); /* none twice */
    for (uint32_t i = 0; i < N; i++)
        CHECK(!m.places[i] || *m.places[i] == i);
    slab_drop(m.slab);
    mem_free(m.places);
}

int main(void)
{
    return UNIT_RUN(UNIT(blocks_do_not_overlap), UNIT(small_blocks_are_dense),
                    UNIT(used_counts_allocations), UNIT(emptied_pages_are_given_back),
                    UNIT(sparse_pages_are_emptied));
}
