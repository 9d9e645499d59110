/* SPDX-License-Identifier: BSD-3-Clause */
/* The items in the tables of large sets: one allocation each.
 *
 *   member  u32 length | bytes
 *
 * A length that does not fit: the u32 is ffffffff, and the length follows as u64. */
#ifndef STORE_MEMBER_H
#define STORE_MEMBER_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "base/slice.h"

#define LENGTHS_FOLLOW UINT32_MAX

struct member {
    uint32_t len;
    char bytes[];
};

static inline struct slice member_key(const void *item)
{
    const struct member *m = item;
    uint64_t len;
    if (__builtin_expect(m->len != LENGTHS_FOLLOW, 1))
        return slice(m->bytes, m->len);
    memcpy(&len, m->bytes, sizeof len);
    return slice(m->bytes + sizeof len, len);
}

static inline size_t member_size_of(size_t len)
{
    return sizeof(struct member) + (len < LENGTHS_FOLLOW ? 0 : sizeof(uint64_t)) + len;
}

/* The length, into a block of member_size_of; the text belongs where this points. */
static inline char *member_start(struct member *m, size_t len)
{
    uint64_t follows = len;
    m->len = len < LENGTHS_FOLLOW ? (uint32_t)len : LENGTHS_FOLLOW;
    if (len < LENGTHS_FOLLOW)
        return m->bytes;
    memcpy(m->bytes, &follows, sizeof follows);
    return m->bytes + sizeof follows;
}

static inline struct member *member_new(struct slice text)
{
    struct member *m = mem_alloc(member_size_of(text.len));
    char *to = member_start(m, text.len);
    if (text.len)
        memcpy(to, text.data, text.len);
    return m;
}

static inline size_t member_size(const struct member *m)
{
    return member_size_of(member_key(m).len);
}

#endif
