/* SPDX-License-Identifier: BSD-3-Clause */
/* A hash value: a listpack while small, then a table of pairs (one allocation a pair).
 *
 * The struct val is changed in place (ptr, encoding); the caller writes it back with db_put_val.
 * Slices handed out are valid until the next change of the hash or use of the same scratch. */
#ifndef STORE_VAL_HASH_H
#define STORE_VAL_HASH_H

#include "containers/table.h"
#include "store/value_ops.h"

struct val hash_new(void);
/* Room for count pairs is coming (loading): choose the encoding once. */
void hash_expect(struct val *v, size_t count, const struct value_limits *limits);

size_t hash_count(const struct val *v);
bool hash_get(const struct val *v, struct slice field, struct slice *value,
              char scratch[NUM_I64_TEXT]);
/* True when the field is new. */
bool hash_set(struct val *v, struct slice field, struct slice value,
              const struct value_limits *limits);
bool hash_remove(struct val *v, struct slice field);
/* Distinct positions are up to the caller; count > 0. */
void hash_random(const struct val *v, struct slice *field, struct slice *value,
                 char scratch[2 * NUM_I64_TEXT]);

struct hash_iter {
    const struct val *v;
    size_t at;
    struct table_iter table;
    char scratch[2 * NUM_I64_TEXT];
};
void hash_iter_init(struct hash_iter *it, const struct val *v);
bool hash_iter_next(struct hash_iter *it, struct slice *field, struct slice *value);
/* SCAN: a listpack comes whole with cursor 0. */
typedef void hash_visit(void *arg, struct slice field, struct slice value);
uint64_t hash_scan(const struct val *v, uint64_t cursor, hash_visit *visit, void *arg);

extern const struct value_ops hash_ops;

#endif
