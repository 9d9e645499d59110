/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/offer.h"

#include "base/mem.h"
#include "base/must.h"
#include "store/entry.h"
#include "store/str.h"

void offer_add(struct offer *o, struct str *block)
{
    must(block->len >= OFFER_MIN && block->len <= block->cap);
    if (o->count == o->cap) {
        o->cap = o->cap ? o->cap * 2 : 1;
        o->items = mem_realloc(o->items, o->cap * sizeof *o->items);
    }
    must(o->count < o->cap);
    o->items[o->count++] = (struct offered){block, false};
}

void offer_free(struct offer *o)
{
    for (unsigned i = 0; i < o->count; i++)
        if (!o->items[i].taken)
            mem_free(o->items[i].block);
    mem_free(o->items);
    *o = (struct offer){0};
}

size_t offer_memory(const struct offer *o)
{
    size_t bytes = o->cap * sizeof *o->items;
    for (unsigned i = 0; i < o->count; i++)
        if (!o->items[i].taken)
            bytes += sizeof(struct str) + o->items[i].block->cap;
    return bytes;
}

static struct offered *find(const struct offer *o, struct slice text)
{
    for (unsigned i = 0; text.len >= OFFER_MIN && i < o->count; i++) {
        struct offered *item = &o->items[i];
        if (!item->taken && item->block->bytes == text.data && item->block->len == text.len)
            return item;
    }
    return NULL;
}

bool offer_has(const struct offer *o, struct slice text)
{
    return find(o, text);
}

struct str *offer_take(struct offer *o, struct slice text)
{
    struct offered *item = find(o, text);
    if (!item)
        return NULL;
    must(item->block->len <= item->block->cap);
    item->taken = true;
    return item->block;
}

bool offer_give_back(struct offer *o, const struct str *block)
{
    for (unsigned i = 0; i < o->count; i++) {
        if (o->items[i].taken && o->items[i].block == block) {
            o->items[i].taken = false;
            return true;
        }
    }
    return false;
}
