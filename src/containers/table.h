/* SPDX-License-Identifier: BSD-3-Clause */
/* A hash table of pointers to items that hold their own key: the databases, big hashes, sets and
 * sorted sets, the command table.
 *
 * 64-byte buckets (one cache line) of seven slots with one-byte tags matched at once; a full bucket
 * chains an overflow bucket. Grows and shrinks one bucket at a time (linear hashing), so there is
 * never a pause nor a second copy, and about 15 bytes an item.
 *
 *   static struct slice key_of(const void *item) {...}
 *   struct table t; table_init(&t, &(struct table_type){ .key = key_of });
 *   table_add(&t, item);
 *
 * The table never owns items. An item's key must not change while it is in. O(1) each. */
#ifndef CONTAINERS_TABLE_H
#define CONTAINERS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct table_type {
    struct slice (*key)(const void *item);
    /* NULL: keyed hash of the bytes and equality of bytes. */
    uint64_t (*hash)(struct slice key);
    bool (*equal)(struct slice a, struct slice b);
};

struct table_bucket;
struct table {
    const struct table_type *type;
    struct table_bucket **segments;
    size_t count;     /* items */
    uint32_t split;   /* next bucket to split this round */
    uint32_t overflow; /* overflow buckets in use */
    uint32_t seed;    /* its own, so that its order says nothing about another table's */
    uint16_t held;    /* table_hold calls without release */
    uint8_t level;    /* buckets 0 .. 2^level-1 existed before this round of splits */
};

void table_init(struct table *t, const struct table_type *type);
void table_release(struct table *t);              /* frees buckets, not items */
void table_reserve(struct table *t, size_t count); /* presize for a load */

void *table_find(const struct table *t, struct slice key);   /* NULL when absent */
void *table_find_hashed(const struct table *t, struct slice key, uint64_t hash);
uint64_t table_hash(const struct table *t, struct slice key);
/* The same for who has hash_slice(key) at hand. Only without a hash of the type's own. */
uint64_t table_hash_from(const struct table *t, uint64_t hash);
/* The key must be absent. */
void table_add(struct table *t, void *item);
void table_add_hashed(struct table *t, void *item, uint64_t hash);
void *table_remove(struct table *t, struct slice key); /* the item, or NULL */
void *table_remove_hashed(struct table *t, struct slice key, uint64_t hash);
/* The slot that points at the item, to put another item with the same key there; NULL when absent.
 */
void **table_slot(struct table *t, struct slice key, uint64_t hash);

/* Looks up n keys (n <= TABLE_BATCH), given their hashes, with all memory accesses overlapped. Also
 * when nobody wants the items, this is the fastest way to bring them into the cache. */
enum { TABLE_BATCH = 16 };
void table_prefetch(const struct table *t, uint64_t hash); /* the bucket line only */
void table_lookup_batch(const struct table *t, const struct slice *keys, const uint64_t *hashes,
                        size_t n, void **items);

/* While held (a child lives) the table neither splits nor merges except past twice its load. */
void table_hold(struct table *t);
void table_unhold(struct table *t);
/* Splits or merges up to so many buckets, if the table has too few or too many since it was held.
 * Returns how many it might have gone on with. */
size_t table_settle(struct table *t, size_t buckets);

/* Stable scan: start with cursor 0, go on until it is 0 again. Every item that is in the table the
 * whole time is visited at least once, whatever is added, removed or resized in between. Visits one
 * bucket (chain) a call. The visitor may not change the table. */
typedef void table_visit(void *arg, void *item);
uint64_t table_scan(const struct table *t, uint64_t cursor, table_visit *visit, void *arg);

/* Plain iteration. The table must not change, but for removing the item just
 * returned while the table is held (table_hold). */
struct table_iter {
    struct table *table;
    uint64_t bucket;              /* the next bucket to enter */
    struct table_bucket *chain;   /* its next overflow bucket */
    void *items[7];               /* copied, so that removing one does not hurt */
    unsigned left;
};
void table_iter_init(struct table_iter *it, struct table *t);
void *table_iter_next(struct table_iter *it); /* NULL at the end */

void *table_random(const struct table *t); /* close to uniform; NULL when empty */
/* Up to n items that lie together, from a place by chance on: any may come, about evenly, and at a
 * fraction of the cost of so many table_random. Returns how many; 0 only when empty. */
size_t table_some(const struct table *t, void **items, size_t n);
size_t table_buckets(const struct table *t);
size_t table_memory(const struct table *t); /* bytes of buckets and directory */
enum { TABLE_ITEM_BYTES = 15 };              /* an item's share in them, about */

/* How full the buckets are; an overflow bucket is part of the one it hangs on. */
enum { TABLE_SHAPE_MAX = 22 };
struct table_shape {
    size_t items, buckets, overflow;
    size_t with[TABLE_SHAPE_MAX]; /* buckets that hold so many items; the last: that or more */
    size_t most;                  /* items in one bucket */
};
void table_add_shape(const struct table *t, struct table_shape *sum); /* O(buckets) */

/* Bytes of the items, each of which must be one block of mem_alloc: estimated from so many of them;
 * 0: all are looked at. */
size_t table_items_memory(const struct table *t, size_t samples);

#endif
