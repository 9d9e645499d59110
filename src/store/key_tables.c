/* SPDX-License-Identifier: BSD-3-Clause */
/* A scan's cursor with slots: the cursor in the slot's table, shifted, over the slot. A table's own
 * cursor has no more bits than its number of buckets, so both have room; the guarantee of each
 * table's scan is that of the whole, since slots are passed in order. */
#include "store/key_tables.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/must.h"
#include "base/rand.h"

enum { SLOT_BITS = 14 };
_Static_assert(KEY_SLOTS == 1 << SLOT_BITS, "a cursor's low bits are the slot");
_Static_assert(KEY_SLOTS % SLOT_GROUP == 0, "groups are whole");

static struct slot_tables *slots_new(const struct table_type *type)
{
    struct slot_tables *s = mem_zalloc(sizeof *s);
    for (unsigned i = 0; i < KEY_SLOTS; i++)
        table_init(&s->of[i], type);
    return s;
}

void keys_init(struct key_tables *k, const struct table_type *type, bool slots)
{
    must(!type->hash);
    table_init(&k->one, type);
    k->slots = slots ? slots_new(type) : NULL;
}

void keys_release(struct key_tables *k)
{
    must(!k->slots || k->one.count == 0);
    table_release(&k->one);
    for (unsigned i = 0; k->slots && i < KEY_SLOTS; i++)
        table_release(&k->slots->of[i]);
    mem_free(k->slots);
    k->slots = NULL;
}

void keys_set_slots(struct key_tables *k, bool slots)
{
    if (slots == (k->slots != NULL))
        return;
    struct key_tables now;
    struct keys_iter it;
    keys_init(&now, k->one.type, slots);
    keys_reserve(&now, keys_count(k));
    keys_iter_init(&it, k);
    for (void *item; (item = keys_iter_next(&it));) {
        struct slice key = k->one.type->key(item);
        keys_add(&now, keys_place(&now, key, hash_slice(key)), item);
    }
    must(keys_count(&now) == keys_count(k));
    keys_release(k);
    *k = now;
}

uint64_t keys_in_slot(const struct key_tables *k, unsigned slot)
{
    must(k->slots && slot < KEY_SLOTS);
    return k->slots->of[slot].count;
}

void keys_counted(struct slot_tables *s, const struct table *t, int by)
{
    size_t slot = (size_t)(t - s->of);
    must(slot < KEY_SLOTS);
    must(by > 0 || s->groups[slot / SLOT_GROUP] > 0);
    s->count += (uint64_t)by;
    s->groups[slot / SLOT_GROUP] += (uint64_t)by;
    must(s->groups[slot / SLOT_GROUP] <= s->count);
}

/* ---- all of them ---- */

/* The first slot from there on that has items; KEY_SLOTS: none has. */
static unsigned filled_from(const struct slot_tables *s, unsigned slot)
{
    while (slot < KEY_SLOTS && s->of[slot].count == 0) {
        bool whole = slot % SLOT_GROUP == 0 && s->groups[slot / SLOT_GROUP] == 0;
        slot += whole ? SLOT_GROUP : 1;
    }
    return slot;
}

/* Each as likely as it has items; there are some. */
static unsigned slot_by_chance(const struct slot_tables *s)
{
    must(s->count > 0);
    uint64_t pick = rand_below(s->count);
    unsigned group = 0;
    for (; pick >= s->groups[group]; group++)
        pick -= s->groups[group];
    must(group < KEY_SLOTS / SLOT_GROUP);
    unsigned slot = group * SLOT_GROUP;
    for (; pick >= s->of[slot].count; slot++)
        pick -= s->of[slot].count;
    must(slot / SLOT_GROUP == group);
    return slot;
}

/* How they spread over the slots is not known: those tables grow as they fill. */
void keys_reserve(struct key_tables *k, size_t count)
{
    if (!k->slots)
        table_reserve(&k->one, count);
}

uint64_t keys_scan(const struct key_tables *k, uint64_t cursor, table_visit *visit, void *arg)
{
    const struct slot_tables *s = k->slots;
    if (!s)
        return table_scan(&k->one, cursor, visit, arg);
    unsigned slot = cursor & (KEY_SLOTS - 1);
    uint64_t next = table_scan(&s->of[slot], cursor >> SLOT_BITS, visit, arg);
    must(next >> (64 - SLOT_BITS) == 0);
    if (next)
        return next << SLOT_BITS | slot;
    slot = filled_from(s, slot + 1);
    return slot < KEY_SLOTS ? slot : 0;
}

void *keys_random(const struct key_tables *k)
{
    if (!k->slots)
        return table_random(&k->one);
    return k->slots->count ? table_random(&k->slots->of[slot_by_chance(k->slots)]) : NULL;
}

size_t keys_some(const struct key_tables *k, void **items, size_t n)
{
    const struct slot_tables *s = k->slots;
    if (!s)
        return table_some(&k->one, items, n);
    if (s->count == 0)
        return 0;
    unsigned first = slot_by_chance(s), slot = first;
    size_t got = 0;
    do {
        got += table_some(&s->of[slot], items + got, n - got);
        slot = filled_from(s, slot + 1);
        if (slot == KEY_SLOTS)
            slot = filled_from(s, 0);
    } while (got < n && slot != first);
    must(got > 0 && got <= n);
    return got;
}

static void set_held(struct table *t, bool held)
{
    must(t->held <= 1);
    if (held && !t->held)
        table_hold(t);
    else if (!held && t->held)
        table_unhold(t);
}

void keys_set_held(struct key_tables *k, bool held)
{
    set_held(&k->one, held);
    for (unsigned i = 0; k->slots && i < KEY_SLOTS; i++)
        set_held(&k->slots->of[i], held);
}

size_t keys_settle(struct key_tables *k, size_t buckets)
{
    if (!k->slots)
        return table_settle(&k->one, buckets);
    for (unsigned i = 0; i < KEY_SLOTS && buckets > 0; i++) {
        size_t left = table_settle(&k->slots->of[i], buckets);
        must(left <= buckets);
        buckets = left;
    }
    return buckets;
}

void keys_add_shape(const struct key_tables *k, struct table_shape *sum)
{
    table_add_shape(&k->one, sum);
    for (unsigned i = 0; k->slots && i < KEY_SLOTS; i++)
        table_add_shape(&k->slots->of[i], sum);
}

size_t keys_memory(const struct key_tables *k)
{
    if (!k->slots)
        return table_memory(&k->one);
    size_t bytes = sizeof *k->slots;
    for (unsigned i = 0; i < KEY_SLOTS; i++)
        bytes += table_memory(&k->slots->of[i]);
    return bytes;
}

/* The items' table is not changed through it, only its callers may. */
static void enter(struct keys_iter *it, const struct table *t)
{
    table_iter_init(&it->table, (struct table *)(uintptr_t)t);
}

void keys_iter_init(struct keys_iter *it, const struct key_tables *k)
{
    *it = (struct keys_iter){.keys = k, .end = k->slots ? KEY_SLOTS : 0};
    enter(it, k->slots ? &k->slots->of[0] : &k->one);
}

void keys_iter_slot(struct keys_iter *it, const struct key_tables *k, unsigned slot)
{
    must(k->slots && slot < KEY_SLOTS);
    *it = (struct keys_iter){.keys = k, .slot = slot, .end = slot};
    enter(it, &k->slots->of[slot]);
}

void *keys_iter_on(struct keys_iter *it)
{
    const struct slot_tables *s = it->keys->slots;
    must(s && it->slot < it->end);
    it->slot = filled_from(s, it->slot + 1);
    if (it->slot >= it->end) {
        it->slot = it->end;
        return NULL;
    }
    enter(it, &s->of[it->slot]);
    void *item = table_iter_next(&it->table);
    must(item); /* the slot's count said so */
    return item;
}
