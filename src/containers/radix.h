/* SPDX-License-Identifier: BSD-3-Clause */
/* A radix tree: byte-string keys in order, to pointers. For ordered maps whose keys share prefixes
 * (stream ids, client ids, channel names). Compressed paths; about O(key length) an operation.
 * Copies keys; values are the caller's. */
#ifndef CONTAINERS_RADIX_H
#define CONTAINERS_RADIX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/slice.h"

struct radix;

struct radix *radix_new(void);
void radix_free(struct radix *r, void (*free_value)(void *value)); /* free_value may be NULL */
size_t radix_count(const struct radix *r);
size_t radix_memory(const struct radix *r);
/* True when new; else the old value goes to *old (may be NULL) and is replaced. */
bool radix_put(struct radix *r, struct slice key, void *value, void **old);
bool radix_get(const struct radix *r, struct slice key, void **value);
bool radix_remove(struct radix *r, struct slice key, void **old);

/* False: no more. key is a part of what was asked about. */
typedef bool radix_visit(void *arg, struct slice key, void *value);
/* Visits each key that is a prefix of text, the empty one and text itself among them, from the
 * shortest on. One walk down the tree, no allocation. visit must not change the tree. */
void radix_each_prefix(const struct radix *r, struct slice text, radix_visit *visit, void *arg);

/* Void after any change of the tree: seek again (its own key may be what is sought). */
struct radix_iter {
    const struct radix *radix;
    struct buf key;  /* current key */
    void *value;
    bool valid;
    struct buf path; /* private */
};
void radix_iter_init(struct radix_iter *it, const struct radix *r);
void radix_iter_free(struct radix_iter *it);
/* Stands on the first key >= key (or <= key with le); false when none. */
bool radix_seek(struct radix_iter *it, struct slice key, bool le);
/* The same without key itself: the first one above it, the last one below it. */
bool radix_seek_after(struct radix_iter *it, struct slice key);
bool radix_seek_before(struct radix_iter *it, struct slice key);
bool radix_first(struct radix_iter *it);
bool radix_last(struct radix_iter *it);
bool radix_next(struct radix_iter *it);
bool radix_prev(struct radix_iter *it);

#endif
