/* SPDX-License-Identifier: BSD-3-Clause */
#include "containers/seen.h"

#include "base/mem.h"
#include "base/must.h"

enum { SIZE_MIN = 64, PART_SHIFT = 58 }; /* the part: bits that probing leaves alone */

/* Where it is, or belongs. */
static uint64_t *place(const struct seen_part *p, uint64_t hash)
{
    size_t i = (size_t)hash & (p->size - 1);
    while (p->slots[i] && p->slots[i] != hash)
        i = (i + 1) & (p->size - 1);
    return &p->slots[i];
}

static void grow(struct seen_part *p)
{
    struct seen_part more = {.size = p->size ? p->size * 2 : SIZE_MIN, .used = p->used};
    more.slots = mem_zalloc(more.size * sizeof *more.slots);
    for (size_t i = 0; i < p->size; i++)
        if (p->slots[i])
            *place(&more, p->slots[i]) = p->slots[i];
    mem_free(p->slots);
    *p = more;
}

bool seen_add(struct seen *s, uint64_t hash)
{
    struct seen_part *p = &s->parts[hash >> PART_SHIFT];
    hash += hash == 0;
    if (p->used >= p->size / 4 * 3)
        grow(p);
    must(p->used < p->size);
    uint64_t *slot = place(p, hash);
    if (*slot)
        return false;
    *slot = hash;
    p->used++;
    return true;
}

void seen_free(struct seen *s)
{
    for (int i = 0; i < SEEN_PARTS; i++)
        mem_free(s->parts[i].slots);
    *s = (struct seen){0};
}
