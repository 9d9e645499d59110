/* SPDX-License-Identifier: BSD-3-Clause */
/* The hash tables that hold a database's keys: one, or in a cluster one for each key slot, so that
 * the keys of a slot can be counted and listed without a byte more a key.
 *
 *   struct key_place at = keys_place(&k, key, hash_slice(key));
 *   if (!table_find_hashed(at.table, key, at.hash)) keys_add(&k, at, item);
 *
 * Whoever looks up goes to the table itself; adding and removing come through here, for the counts.
 * With slots: some 640 KB, O(1) where one table has that; chance and scan pass over empty slots in
 * groups. The items are not owned. */
#ifndef STORE_KEY_TABLES_H
#define STORE_KEY_TABLES_H

#include <stdbool.h>
#include <stdint.h>

#include "containers/table.h"
#include "store/key_slot.h"

enum { SLOT_GROUP = 128 }; /* slots that are counted together */

struct slot_tables {
    uint64_t count;
    uint64_t groups[KEY_SLOTS / SLOT_GROUP]; /* items in the tables of each */
    struct table of[KEY_SLOTS];
};

struct key_tables {
    struct table one;          /* empty while there are slots */
    struct slot_tables *slots; /* NULL: one table */
};

/* Where a key belongs: its table, and its hash there. */
struct key_place {
    struct table *table;
    uint64_t hash;
};

void keys_init(struct key_tables *k, const struct table_type *type, bool slots);
void keys_release(struct key_tables *k); /* the tables, not the items */
/* Moves every item into tables of the other kind; nothing when they are of this kind. O(items) */
void keys_set_slots(struct key_tables *k, bool slots);

/* hash: hash_slice(key) */
static inline struct key_place keys_place(const struct key_tables *k, struct slice key,
                                          uint64_t hash)
{
    const struct table *t = &k->one;
    if (__builtin_expect(k->slots != NULL, 0))
        t = &k->slots->of[key_slot(key)];
    return (struct key_place){(struct table *)(uintptr_t)t, table_hash_from(t, hash)};
}

static inline uint64_t keys_count(const struct key_tables *k)
{
    return k->slots ? k->slots->count : k->one.count;
}
uint64_t keys_in_slot(const struct key_tables *k, unsigned slot); /* there are slots */

void keys_counted(struct slot_tables *s, const struct table *t, int by); /* by the two below */
static inline void keys_add(struct key_tables *k, struct key_place at, void *item) /* was absent */
{
    table_add_hashed(at.table, item, at.hash);
    if (__builtin_expect(k->slots != NULL, 0))
        keys_counted(k->slots, at.table, 1);
}
static inline void *keys_remove(struct key_tables *k, struct key_place at, struct slice key)
{
    void *item = table_remove_hashed(at.table, key, at.hash); /* NULL: it was not there */
    if (__builtin_expect(k->slots != NULL, 0) && item)
        keys_counted(k->slots, at.table, -1);
    return item;
}

/* ---- all of them; contracts as in containers/table.h ---- */
void keys_reserve(struct key_tables *k, size_t count); /* a hint */
uint64_t keys_scan(const struct key_tables *k, uint64_t cursor, table_visit *visit, void *arg);
void *keys_random(const struct key_tables *k);
size_t keys_some(const struct key_tables *k, void **items, size_t n);
void keys_set_held(struct key_tables *k, bool held);
size_t keys_settle(struct key_tables *k, size_t buckets);
size_t keys_memory(const struct key_tables *k);
void keys_add_shape(const struct key_tables *k, struct table_shape *sum);

struct keys_iter {
    const struct key_tables *keys;
    unsigned slot, end; /* the slot it is in, the one behind its last; equal without slots */
    struct table_iter table;
};
void keys_iter_init(struct keys_iter *it, const struct key_tables *k);
void keys_iter_slot(struct keys_iter *it, const struct key_tables *k, unsigned slot);
void *keys_iter_on(struct keys_iter *it); /* from the next slot that has any */
static inline void *keys_iter_next(struct keys_iter *it)
{
    void *item = table_iter_next(&it->table);
    return item || it->slot == it->end ? item : keys_iter_on(it);
}

#endif
