/* SPDX-License-Identifier: BSD-3-Clause */
/* A set value: an intset while all members are integers and few, a listpack while small, then a
 * table of members (one allocation a member). Conventions as in val_hash.h. */
#ifndef STORE_VAL_SET_H
#define STORE_VAL_SET_H

#include "containers/table.h"
#include "store/value_ops.h"

struct val set_new(struct slice first, const struct value_limits *limits); /* empty; fits first */
void set_expect(struct val *v, size_t count, const struct value_limits *limits);

size_t set_count(const struct val *v);
bool set_has(const struct val *v, struct slice member);
bool set_add(struct val *v, struct slice member, const struct value_limits *limits); /* true: new */
bool set_remove(struct val *v, struct slice member);
struct slice set_random(const struct val *v, char scratch[NUM_I64_TEXT]); /* not empty */

struct set_iter {
    const struct val *v;
    size_t at;
    struct table_iter table;
    char scratch[NUM_I64_TEXT];
};
void set_iter_init(struct set_iter *it, const struct val *v);
bool set_iter_next(struct set_iter *it, struct slice *member);
typedef void set_visit(void *arg, struct slice member);
uint64_t set_scan(const struct val *v, uint64_t cursor, set_visit *visit, void *arg);

void set_free(struct val v);

extern const struct value_ops set_ops;

#endif
