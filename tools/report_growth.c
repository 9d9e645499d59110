/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tools/report_say.h"

struct change {
    uint64_t size;      /* of the change of memory */
    uint32_t before, now; /* nodes; 0: none */
};

static uint64_t distance(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

static int by_size(const void *a, const void *b)
{
    const struct change *x = a, *y = b;
    if (x->size != y->size)
        return x->size > y->size ? -1 : 1;
    return (x->now > y->now) - (x->now < y->now);
}

/* A prefix that lies whole in a longer one says nothing new. */
static bool has_own(const struct report_tree *t, uint32_t node)
{
    uint32_t child = t->nodes[node].first;
    return !child || t->nodes[child].sums.keys != t->nodes[node].sums.keys;
}

static size_t find_changes(const struct report *before, const struct report *now,
                           struct change *all)
{
    const struct report_tree *a = &before->tree, *b = &now->tree;
    size_t n = 0;
    for (uint32_t i = 1; i < b->count; i++) {
        if (!b->nodes[i].used || !has_own(b, i))
            continue;
        uint32_t was = report_tree_find(a, b, i);
        uint64_t memory = was ? a->nodes[was].sums.memory : 0;
        all[n++] = (struct change){distance(memory, b->nodes[i].sums.memory), was, i};
    }
    for (uint32_t i = 1; i < a->count; i++)
        if (a->nodes[i].used && has_own(a, i) && !report_tree_find(b, a, i))
            all[n++] = (struct change){a->nodes[i].sums.memory, i, 0};
    if (n)
        qsort(all, n, sizeof *all, by_size);
    return n;
}

static void tell_totals(const char *what, const char *name, const struct report_totals *a,
                        const struct report_totals *b, report_grown *tell, void *arg)
{
    struct report_growth g = {.what = what, .name = slice_str(name), .keys_from = a->keys,
                              .keys_to = b->keys, .memory_from = a->memory, .memory_to = b->memory};
    if (a->keys != b->keys || a->memory != b->memory)
        tell(arg, &g);
}

void report_growth_each(const struct report *before, const struct report *now, size_t n,
                        report_grown *tell, void *arg)
{
    struct change *all = mem_alloc(2 * TREE_NODES * sizeof *all);
    struct buf prefix = {0};
    size_t count = find_changes(before, now, all);
    tell_totals("all", "", &before->all, &now->all, tell, arg);
    for (unsigned i = 0; i < REPORT_TYPES; i++)
        tell_totals("type", report_type_name(i), &before->types[i], &now->types[i], tell, arg);
    for (size_t i = 0; i < count && i < n && all[i].size; i++) {
        const struct report_sums none = {0};
        const struct report_sums *a = all[i].before ? &before->tree.nodes[all[i].before].sums
                                                    : &none;
        const struct report_sums *b = all[i].now ? &now->tree.nodes[all[i].now].sums : &none;
        struct slice name = all[i].now ? report_tree_prefix(&now->tree, all[i].now, &prefix)
                                       : report_tree_prefix(&before->tree, all[i].before, &prefix);
        tell(arg, &(struct report_growth){.what = "prefix", .name = name, .keys_from = a->keys,
                                          .keys_to = b->keys, .memory_from = a->memory,
                                          .memory_to = b->memory});
    }
    buf_free(&prefix);
    mem_free(all);
}
