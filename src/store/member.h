/* SPDX-License-Identifier: BSD-3-Clause */
/* The items in the tables of large sets and hashes: one allocation each.
 *
 *   member  u32 length | bytes
 *   pair    u32 field length | u32 value length | field | value */
#ifndef STORE_MEMBER_H
#define STORE_MEMBER_H

#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "base/slice.h"
#include "containers/table.h"

struct member {
    uint32_t len;
    char bytes[];
};

struct pair {
    uint32_t field_len, value_len;
    char bytes[];
};

static inline struct slice member_key(const void *item)
{
    const struct member *m = item;
    return slice(m->bytes, m->len);
}

static inline struct member *member_new(struct slice text)
{
    struct member *m = mem_alloc(sizeof *m + text.len);
    m->len = (uint32_t)text.len;
    if (text.len)
        memcpy(m->bytes, text.data, text.len);
    return m;
}

static inline size_t member_size(const struct member *m)
{
    return sizeof *m + m->len;
}

static inline struct slice pair_key(const void *item)
{
    const struct pair *p = item;
    return slice(p->bytes, p->field_len);
}

static inline struct slice pair_value(const struct pair *p)
{
    return slice(p->bytes + p->field_len, p->value_len);
}

static inline size_t pair_size(const struct pair *p)
{
    return sizeof *p + p->field_len + p->value_len;
}

static inline struct pair *pair_new(struct slice field, struct slice value)
{
    struct pair *p = mem_alloc(sizeof *p + field.len + value.len);
    p->field_len = (uint32_t)field.len;
    p->value_len = (uint32_t)value.len;
    if (field.len)
        memcpy(p->bytes, field.data, field.len);
    if (value.len)
        memcpy(p->bytes + field.len, value.data, value.len);
    return p;
}

#endif
