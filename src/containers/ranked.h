/* SPDX-License-Identifier: BSD-3-Clause */
/* Items (score, member), ordered by score then by the member's bytes, with ranks: the ordered half
 * of a large sorted set. A counted B+-tree.
 *
 *   struct ranked *r = ranked_new();
 *   struct ranked_item *item = ranked_insert(r, 1.5, SLICE_LIT("one"));
 *   ranked_rescore(r, item, 2);
 *   struct ranked_walk w;
 *   for (ranked_walk_at(&w, r, 0); (item = ranked_walk_up(&w));) ...
 *
 * An item owns its member's bytes and stays at its address until it is removed. Insert, remove,
 * rescore, rank, seek: O(log n), three or four pages in a set of 100,000; members are only looked
 * at where scores are equal. Who inserts at one end of the order, again and again, searches nothing
 * and leaves full pages behind. Walking: O(1) a step. A small set takes a few hundred bytes beside
 * its items. Scores are never NaN; -0.0 equals 0 and is kept. */
#ifndef CONTAINERS_RANKED_H
#define CONTAINERS_RANKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "containers/ranked_item.h"

struct ranked; /* opaque */

struct ranked *ranked_new(void);
void ranked_free(struct ranked *r);
size_t ranked_count(const struct ranked *r);
size_t ranked_memory(const struct ranked *r); /* bytes as asked for, items included */

/* The member must not be there yet. */
struct ranked_item *ranked_insert(struct ranked *r, double score, struct slice member);
void ranked_remove(struct ranked *r, struct ranked_item *item); /* frees it */
/* Changes the score; cheapest where the item stays among its neighbours. */
void ranked_rescore(struct ranked *r, struct ranked_item *item, double score);

/* ranked_item.h: ranked_score(item), ranked_member(item) */
size_t ranked_rank(const struct ranked_item *item); /* 0-based, from low */

/* A place in the order. It holds until the set changes. */
struct ranked_walk {
    const struct ranked_leaf *leaf; /* NULL: past an end */
    size_t at;
};
void ranked_walk_at(struct ranked_walk *w, const struct ranked *r, size_t rank);
/* The item at the place, which then moves by one; NULL past the end. */
struct ranked_item *ranked_walk_up(struct ranked_walk *w);
struct ranked_item *ranked_walk_down(struct ranked_walk *w);

/* How many items are below: that is true of a prefix of the order. The place of the first that is
 * not goes to *w, unless that is NULL. The score is the item's own: to look at no more than that
 * saves cache misses. */
typedef bool ranked_below(double score, const struct ranked_item *item, const void *arg);
size_t ranked_seek(const struct ranked *r, ranked_below *below, const void *arg,
                   struct ranked_walk *w);

#endif
