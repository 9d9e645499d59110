/* SPDX-License-Identifier: BSD-3-Clause */
/* Records of one size in the order of their stream ids: a stream's nodes, a group's pending
 * entries, those that a consumer owns. Each record begins with its struct stream_id.
 *
 *   struct id_index x; id_index_init(&x, sizeof(struct stream_pending));
 *   struct stream_pending *p = id_index_add(&x, id);        // zeroed but for its id
 *   for (p = id_index_from(&x, id, &at); p; p = id_index_next(&x, &at)) ...
 *
 * Finding is a binary search of two arrays. Adding behind the last record, removing the first one,
 * and looking at either end are O(1); elsewhere records of one run (16 KiB) move, and now and then
 * the places of runs. Costs a record its size and a half to 30 percent: runs that are added to at
 * the end are full. Any change makes pointers to records and cursors void. Records own nothing. */
#ifndef STORE_ID_INDEX_H
#define STORE_ID_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/stream_event.h"

struct id_run;
struct id_place { /* no record of the run is below from, none of the run before is not */
    struct stream_id from;
    struct id_run *run;
};
struct id_index {
    union {
        struct id_place *places; /* those in use: count from begin on */
        struct id_run *only;     /* cap 0: there was never another run than this one, if any */
    };
    uint32_t begin, count, cap;
    uint32_t size;           /* of a record */
    uint64_t records;
};

struct id_cursor {
    uint32_t place, at;
};

void id_index_init(struct id_index *x, size_t size);
void id_index_release(struct id_index *x);
void id_index_copy(struct id_index *to, const struct id_index *from); /* bytes of the records */
size_t id_index_memory(const struct id_index *x);

void *id_index_find(const struct id_index *x, struct stream_id id); /* NULL when absent */
void *id_index_add(struct id_index *x, struct stream_id id);        /* it must be absent */
bool id_index_remove(struct id_index *x, struct stream_id id);      /* false when absent */

void *id_index_first(const struct id_index *x); /* NULL when empty; so is what follows */
void *id_index_last(const struct id_index *x);
/* The first record whose id is not below, and the last whose id is not above. */
void *id_index_from(const struct id_index *x, struct stream_id id, struct id_cursor *at);
void *id_index_upto(const struct id_index *x, struct stream_id id, struct id_cursor *at);
void *id_index_next(const struct id_index *x, struct id_cursor *at);
void *id_index_prev(const struct id_index *x, struct id_cursor *at);

#endif
