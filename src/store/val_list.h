/* SPDX-License-Identifier: BSD-3-Clause */
/* A list value: a listpack while it fits one node, then a quicklist; back to a listpack when it has
 * shrunk to half a node. Conventions as in val_hash.h. */
#ifndef STORE_VAL_LIST_H
#define STORE_VAL_LIST_H

#include "base/buf.h"
#include "containers/quicklist.h"
#include "store/value_ops.h"

struct val list_new(void);

size_t list_count(const struct val *v);
void list_push(struct val *v, struct slice text, bool tail, const struct value_limits *limits);
/* Removes the element at an end; its text is appended to out. False when empty. */
bool list_pop(struct val *v, bool tail, struct buf *out, const struct value_limits *limits);
/* Text of the element at index (from the end when negative). False when out of range. */
bool list_get(const struct val *v, long index, struct slice *text, char scratch[NUM_I64_TEXT]);
bool list_set(struct val *v, long index, struct slice text, const struct value_limits *limits);
/* Before or behind the first element equal to pivot; false when there is none. */
bool list_insert(struct val *v, struct slice pivot, struct slice text, bool after,
                 const struct value_limits *limits);
/* Up to count (0: all) equal elements from the head (or the tail when from_tail). How many. */
size_t list_remove(struct val *v, struct slice text, size_t count, bool from_tail,
                   const struct value_limits *limits);
void list_delete_range(struct val *v, size_t start, size_t count,
                       const struct value_limits *limits);

struct list_iter {
    const struct val *v;
    size_t at;
    bool forward, started;
    struct quicklist_iter quick;
    char scratch[NUM_I64_TEXT];
};
void list_iter_init(struct list_iter *it, const struct val *v, long index, bool forward);
bool list_iter_next(struct list_iter *it,
                    struct slice *text); /* first call: the element at index */
void list_iter_end(struct list_iter *it);

extern const struct value_ops list_ops;

#endif
