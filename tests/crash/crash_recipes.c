/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/crash/crash_recipes.h"

#include "tests/crash/crash_client.h"

static void add(struct recipes *rs, struct disk_recipe r)
{
    if (rs->count < RECIPES_MAX)
        rs->list[rs->count++] = r;
}

/* Up to max of 0..n-1: all, or the last and a choice. */
static size_t pick(size_t n, size_t max, size_t i, uint64_t *seed)
{
    if (n <= max)
        return i;
    return i == 0 ? n - 1 : (size_t)(mix64(seed) % n);
}

static void name_recipes(struct recipes *rs, const struct disk *d, uint64_t *seed)
{
    static const int data[][2] = {{DATA_ALL, DATA_ALL}, {DATA_NONE, DATA_NONE},
                                  {DATA_ALL, DATA_NONE}, {DATA_NONE, DATA_ALL},
                                  {DATA_ZERO, DATA_ZERO}, {DATA_ALL, DATA_ZERO}};
    enum { MAX = 10 };
    size_t n = disk_pending_names(d);
    for (size_t i = 0; i < sizeof data / sizeof *data; i++) {
        add(rs, (struct disk_recipe){.names = NAMES_ALL, .data = data[i][0],
                                     .one_data = data[i][1]});
        if (n)
            add(rs, (struct disk_recipe){.names = NAMES_NONE, .data = data[i][0],
                                         .one_data = data[i][1]});
    }
    for (size_t i = 0; i < (n < MAX ? n : MAX); i++) {
        size_t nx = pick(n, MAX, i, seed);
        for (int data_kind = DATA_NONE; data_kind <= DATA_ALL; data_kind++) {
            struct disk_recipe r = {.data = data_kind, .one_data = data_kind, .nx = nx};
            r.names = NAMES_PREFIX;
            add(rs, r);
            r.names = NAMES_DROP;
            add(rs, r);
        }
    }
}

static void torn(struct recipes *rs, size_t y)
{
    struct disk_recipe r = {.names = NAMES_ALL, .data = DATA_ALL, .y = y};
    r.one_data = DATA_TORN;
    add(rs, r);
    r.one_data = DATA_TORN_ZERO;
    add(rs, r);
    r.garbage = true;
    add(rs, r);
}

/* The last write up to a boundary of sectors or pages. */
static void torn_recipes(struct recipes *rs, const struct disk *d, uint64_t *seed)
{
    uint64_t at;
    size_t n = disk_pending_last(d), size = n ? disk_pending_size(d, n - 1, &at) : 0;
    for (uint64_t unit = 512; size && unit <= 4096; unit *= 8) {
        enum { MAX = 4 };
        uint64_t first = (at / unit + 1) * unit;
        size_t count = first < at + size ? (size_t)((at + size - 1 - first) / unit) + 1 : 0;
        for (size_t i = 0; i < (count < MAX ? count : MAX); i++)
            torn(rs, (size_t)(first - at + pick(count, MAX, i, seed) * unit));
    }
    if (size > 1) {
        torn(rs, 1);
        torn(rs, size - 1);
        torn(rs, size / 2);
    }
}

/* One piece of one write is missing while all behind it is there. */
static void hole_recipes(struct recipes *rs, const struct disk *d, uint64_t *seed)
{
    enum { OPS = 3, PIECES = 3 };
    size_t n = disk_pending_last(d);
    for (size_t i = 0; i < (n < OPS ? n : OPS); i++) {
        uint64_t at;
        size_t x = pick(n, OPS, i, seed), size = disk_pending_size(d, x, &at);
        for (uint64_t unit = 512; size && unit <= 4096; unit *= 8) {
            size_t count = (size_t)((at + size - 1) / unit - at / unit) + 1;
            for (size_t k = 0; k < (count < PIECES ? count : PIECES); k++) {
                struct disk_recipe r = {.names = NAMES_ALL, .data = DATA_ALL,
                                        .one_data = DATA_HOLE, .x = x, .y = unit};
                r.z = (at / unit + pick(count, PIECES, k, seed)) * unit;
                add(rs, r);
                r.garbage = true;
                add(rs, r);
            }
        }
    }
}

void recipes_list(struct recipes *rs, const struct disk *d, uint64_t seed)
{
    enum { PREFIXES = 8, DROPS = 8, RANDOM = 8 };
    size_t n = disk_pending_last(d);
    rs->count = 0;
    name_recipes(rs, d, &seed);
    for (size_t i = 0; i < (n < PREFIXES ? n : PREFIXES); i++)
        add(rs, (struct disk_recipe){.names = NAMES_ALL, .data = DATA_ALL,
                                     .one_data = DATA_PREFIX, .x = pick(n, PREFIXES, i, &seed)});
    for (size_t i = 0; i < (n < DROPS ? n : DROPS); i++)
        add(rs, (struct disk_recipe){.names = NAMES_ALL, .data = DATA_ALL, .one_data = DATA_DROP,
                                     .x = pick(n, DROPS, i, &seed)});
    torn_recipes(rs, d, &seed);
    hole_recipes(rs, d, &seed);
    for (int i = 0; i < RANDOM; i++)
        add(rs, (struct disk_recipe){.names = i % 2 ? NAMES_RANDOM : NAMES_ALL,
                                     .data = DATA_RANDOM, .one_data = DATA_RANDOM,
                                     .seed = mix64(&seed)});
}
