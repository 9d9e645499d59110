/* SPDX-License-Identifier: BSD-3-Clause */
/* A quicklist: a long list as a chain of listpacks (or single large "plain" elements).
 *
 * fill: >= 1: elements a node; -1..-5: 4, 8, 16, 32, 64 KiB a node (list-max-listpack-size). An
 * element larger than a node's byte limit becomes a plain node. compress: nodes this deep from both
 * ends stay plain bytes, those between are LZF-compressed; 0: none (list-compress-depth).
 *
 * Push and pop O(1); index and insert O(nodes + node size). Owns its nodes. Slices handed out are
 * valid until the next call on the list. */
#ifndef CONTAINERS_QUICKLIST_H
#define CONTAINERS_QUICKLIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/num.h"
#include "base/slice.h"

struct quicklist; /* opaque */

struct quicklist *quicklist_new(int fill, unsigned compress);
void quicklist_free(struct quicklist *q);
struct quicklist *quicklist_copy(const struct quicklist *q);
size_t quicklist_count(const struct quicklist *q);
size_t quicklist_nodes(const struct quicklist *q);
size_t quicklist_memory(const struct quicklist *q); /* bytes, all included */
void quicklist_set_options(struct quicklist *q, int fill, unsigned compress);
/* Elements of so many bytes become plain nodes, too, from now on. At first: none for that. */
void quicklist_set_plain_from(struct quicklist *q, size_t bytes);

void quicklist_push(struct quicklist *q, struct slice text, bool tail);
/* Removes and copies out (appends to nothing: *out is mem_alloc'ed, the caller frees). */
bool quicklist_pop(struct quicklist *q, bool tail, char **out, size_t *len);
/* Takes over a whole validated, non-empty listpack as the last node (loading). */
void quicklist_append_listpack(struct quicklist *q, uint8_t *lp);
void quicklist_append_plain(struct quicklist *q, struct slice text);

/* ---- a place in the list ---- */
struct quicklist_iter {
    struct quicklist *list;
    void *node;      /* NULL: past an end */
    size_t at;       /* listpack position; unused in a plain node */
    long index;      /* of the element within its node */
    bool forward;
    char scratch[NUM_I64_TEXT];
};
/* index from the end when negative. False when out of range. */
bool quicklist_seek(struct quicklist *q, long index, bool forward, struct quicklist_iter *it);
bool quicklist_iter_next(struct quicklist_iter *it);  /* moves; false past the end */
struct slice quicklist_iter_get(struct quicklist_iter *it);
bool quicklist_iter_equal(struct quicklist_iter *it, struct slice text);
void quicklist_iter_end(struct quicklist_iter *it);   /* recompresses what was opened */
/* These leave the iterator on the element meant, or on the one that follows in its direction. */
void quicklist_iter_insert(struct quicklist_iter *it, struct slice text, bool after);
void quicklist_iter_replace(struct quicklist_iter *it, struct slice text);
/* Removes; true when the iterator stands on a next element (do not call iter_next then). */
bool quicklist_iter_delete(struct quicklist_iter *it);
void quicklist_delete_range(struct quicklist *q, long start, size_t count);

/* ---- whole nodes, in order: for saving. Decompressed into scratch when need be ---- */
struct buf;
typedef bool quicklist_node_visit(void *arg, struct slice bytes, bool plain);
bool quicklist_each_node(const struct quicklist *q, struct buf *scratch,
                         quicklist_node_visit *visit, void *arg);

/* Does a list of this many bytes/elements still fit one node (so may stay a listpack)? */
bool quicklist_node_fits(int fill, size_t bytes, size_t count);

#endif
