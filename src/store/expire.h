/* SPDX-License-Identifier: BSD-3-Clause */
/* The expiry index of a database: which entries expire, and which are due.
 *
 * A hierarchical timing wheel: level L has 64 slots of 64^L ms each; an entry lies at the level of
 * the highest base-64 digit in which its time differs from the wheel's clock, in the slot of that
 * digit. Advancing the clock empties due slots and deals higher ones down, so exactly the keys
 * whose time has come are due, without sampling, and they are given out in the order of their
 * times. Each slot is an array of entry pointers, and the entry remembers its place, so insert and
 * remove are O(1): 8 bytes a key in the index (and the array's slack), 12 in the entry, nothing
 * that dangles. A key that becomes due costs its share of sorting the keys of one slot. */
#ifndef STORE_EXPIRE_H
#define STORE_EXPIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct entry;

enum { EXPIRE_LEVELS = 11, EXPIRE_SLOTS = 64 };

struct expire_slot {
    struct entry **entries;
    uint32_t count, cap;
};

struct expire_index {
    struct expire_slot *levels[EXPIRE_LEVELS]; /* allocated when first used */
    uint64_t filled[EXPIRE_LEVELS]; /* bit per slot */
    struct expire_slot due;         /* time at or before the clock: a queue, removed ones NULL */
    uint32_t due_first, due_live;   /* where it begins; entries in it */
    int64_t due_last_ms;            /* the latest time in it; INT64_MIN when empty */
    bool due_mixed;                 /* not in order: keys were added whose time was past */
    uint64_t clock_ms;              /* of the wheel: may be up to a second ahead of now_ms */
    int64_t now_ms;
    size_t count;
    __int128 times_ms;              /* the sum of all */
};

void expire_init(struct expire_index *x, int64_t now_ms);
void expire_release(struct expire_index *x);
/* The entry's expiry is set already; fills in its place. */
void expire_add(struct expire_index *x, struct entry *e);
void expire_remove(struct expire_index *x, struct entry *e);
/* The entry's bytes moved to a new address. */
void expire_moved(struct expire_index *x, struct entry *e);
/* Sets the clock. It may be set back, too: by more than a second that costs a look at every entry.
 */
void expire_advance(struct expire_index *x, int64_t now_ms);
/* The earliest entry whose time is at or before the clock; NULL when there is none. The caller
 * removes it before asking again. */
struct entry *expire_due(struct expire_index *x);
/* A volatile entry at random, for eviction; NULL when none. */
struct entry *expire_random(const struct expire_index *x);
int64_t expire_average_ms(const struct expire_index *x); /* of all times; 0 when empty */
size_t expire_memory(const struct expire_index *x);

#endif
