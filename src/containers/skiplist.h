/* SPDX-License-Identifier: BSD-3-Clause */
/* A skip list of (score, member), ordered by score then by bytes, with ranks: the ordered half of
 * a large sorted set.
 *
 * A node owns its member's bytes (one allocation a node). Insert, remove, rank, seek: O(log n). */
#ifndef CONTAINERS_SKIPLIST_H
#define CONTAINERS_SKIPLIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct skiplist;
struct skipnode; /* opaque: use the accessors */

struct skiplist *skiplist_new(void);
void skiplist_free(struct skiplist *s);
size_t skiplist_count(const struct skiplist *s);
size_t skiplist_memory(const struct skiplist *s);

/* The member must not be there yet. The node stays at its address until it is removed. */
struct skipnode *skiplist_insert(struct skiplist *s, double score, struct slice member);
void skiplist_remove(struct skiplist *s, struct skipnode *n); /* frees n */
/* Changes the score; the node may be moved within the order and keeps its address. */
void skiplist_rescore(struct skiplist *s, struct skipnode *n, double score);

double skipnode_score(const struct skipnode *n);
struct slice skipnode_member(const struct skipnode *n);
struct skipnode *skipnode_next(const struct skipnode *n); /* NULL at the end */
struct skipnode *skipnode_prev(const struct skipnode *n);
struct skipnode *skiplist_first(const struct skiplist *s);
struct skipnode *skiplist_last(const struct skiplist *s);

size_t skiplist_rank(const struct skiplist *s, const struct skipnode *n); /* 0-based, from low */
struct skipnode *skiplist_at(const struct skiplist *s, size_t rank);
/* The first node for which "below" is false; below must be true for a prefix of the order. */
typedef bool skiplist_below(const struct skipnode *n, const void *arg);
struct skipnode *skiplist_seek(const struct skiplist *s, skiplist_below *below, const void *arg);

#endif
