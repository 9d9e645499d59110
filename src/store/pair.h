/* SPDX-License-Identifier: BSD-3-Clause */
/* The items in the tables of large hashes: one allocation each.
 *
 *   pair    u32 field length | u32 value length | field | value
 *
 * A length that does not fit: the first u32 is ffffffff, and both lengths follow as u64. */
#ifndef STORE_PAIR_H
#define STORE_PAIR_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "base/slice.h"
#include "store/member.h" /* LENGTHS_FOLLOW */

struct pair {
    uint32_t field_len, value_len;
    char bytes[];
};

static inline void pair_split(const struct pair *p, struct slice *field, struct slice *value)
{
    uint64_t len[2] = {p->field_len, p->value_len};
    const char *bytes = p->bytes;
    if (__builtin_expect(p->field_len == LENGTHS_FOLLOW, 0)) {
        memcpy(len, bytes, sizeof len);
        bytes += sizeof len;
    }
    *field = slice(bytes, len[0]);
    *value = slice(bytes + len[0], len[1]);
}

static inline struct slice pair_key(const void *item)
{
    struct slice field, value;
    pair_split(item, &field, &value);
    return field;
}

static inline struct slice pair_value(const struct pair *p)
{
    struct slice field, value;
    pair_split(p, &field, &value);
    return value;
}

static inline bool pair_is_long(size_t field_len, size_t value_len)
{
    return field_len >= LENGTHS_FOLLOW || value_len > UINT32_MAX;
}

static inline size_t pair_size_of(size_t field_len, size_t value_len)
{
    size_t follow = pair_is_long(field_len, value_len) ? 2 * sizeof(uint64_t) : 0;
    return sizeof(struct pair) + follow + field_len + value_len;
}

/* As member_start; field and value belong there. */
static inline char *pair_start(struct pair *p, size_t field_len, size_t value_len)
{
    uint64_t follow[2] = {field_len, value_len};
    if (!pair_is_long(field_len, value_len)) {
        p->field_len = (uint32_t)field_len;
        p->value_len = (uint32_t)value_len;
        return p->bytes;
    }
    p->field_len = LENGTHS_FOLLOW;
    p->value_len = 0;
    memcpy(p->bytes, follow, sizeof follow);
    return p->bytes + sizeof follow;
}

static inline size_t pair_size(const struct pair *p)
{
    struct slice field, value;
    pair_split(p, &field, &value);
    return pair_size_of(field.len, value.len);
}

static inline struct pair *pair_new(struct slice field, struct slice value)
{
    struct pair *p = mem_alloc(pair_size_of(field.len, value.len));
    char *to = pair_start(p, field.len, value.len);
    if (field.len)
        memcpy(to, field.data, field.len);
    if (value.len)
        memcpy(to + field.len, value.data, value.len);
    return p;
}

#endif
