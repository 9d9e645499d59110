/* SPDX-License-Identifier: BSD-3-Clause */
/* The shape of the tree in ranked.h: pages, and how they split and fuse. What the order is, only
 * ranked.c knows; here an item goes to a place that was found there.
 *
 *   page     scores and items side by side in two arrays, so that a search reads only scores
 *   leaf     a page of all its items. The arrays grow with what is in them, up to LEAF_MAX; the
 *            page itself stays where it is, as its items point to it
 *   branch   a page of the first item of each child, with the child and the number of items in it
 *
 * A page knows its parent and its slot there, so from an item the way up needs no search. No leaf
 * is empty but the only one; a branch that is the root has two children at least. */
#ifndef CONTAINERS_RANKED_TREE_H
#define CONTAINERS_RANKED_TREE_H

#include <stddef.h>
#include <stdint.h>

#include "containers/ranked_item.h"

struct ranked_page {
    struct ranked_branch *parent; /* NULL: the root */
    uint16_t slot;                /* there */
    uint16_t count;
    uint16_t start, room; /* of a leaf's arrays: what is free in front, and all there is */
    double *score;
    struct ranked_item **item;
};

struct ranked_leaf {
    struct ranked_page page; /* its arrays are one allocation: scores, then items */
    struct ranked_leaf *prev, *next;
};

enum { RANKED_BRANCH_MAX = 31 }; /* a branch is then 1,024 bytes */
struct ranked_branch {
    struct ranked_page page; /* its arrays are the first two of these */
    double score[RANKED_BRANCH_MAX];
    struct ranked_item *item[RANKED_BRANCH_MAX];
    struct ranked_page *child[RANKED_BRANCH_MAX];
    size_t size[RANKED_BRANCH_MAX]; /* items below the child */
};

struct ranked {
    struct ranked_page *root;
    struct ranked_leaf *first, *last;
    size_t count, bytes;
    unsigned height; /* branches above each leaf */
    int end;         /* where the last item was put: -1 in front of all, 1 behind, else 0 */
};

void ranked_tree_init(struct ranked *r);
/* Frees all pages; item_bytes tells the size of an item, which is freed too. */
void ranked_tree_release(struct ranked *r, size_t (*item_bytes)(const struct ranked_item *item));
/* To the place in the leaf, in front of what is there. The leaf may split. */
void ranked_tree_put(struct ranked *r, struct ranked_leaf *leaf, size_t at,
                     struct ranked_item *item);
/* Out of the leaf, which may be gone then. The item is not freed. */
void ranked_tree_take(struct ranked *r, struct ranked_leaf *leaf, size_t at);
/* Within the leaf: the item at from goes to the place to, with its score as it is now. */
void ranked_tree_shift(struct ranked_leaf *leaf, size_t from, size_t to);

#endif
