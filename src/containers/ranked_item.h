/* SPDX-License-Identifier: BSD-3-Clause */
/* An item of ranked.h: its fields are for the files of that container, the functions for all. */
#ifndef CONTAINERS_RANKED_ITEM_H
#define CONTAINERS_RANKED_ITEM_H

#include <stdint.h>

#include "base/slice.h"

struct ranked_item {
    double score;
    uint64_t leaf : 48; /* an address: user space ends below 2^47 */
    uint64_t hint : 8;  /* where in the leaf's arrays it stood when it was put there */
    uint64_t len : 8;   /* of the member; or RANKED_LONG, and a size_t in front of its bytes */
    char bytes[];
};
enum { RANKED_LONG = UINT8_MAX };

static inline double ranked_score(const struct ranked_item *item)
{
    return item->score;
}

static inline struct slice ranked_member(const struct ranked_item *item)
{
    size_t len = item->len;
    if (__builtin_expect(len != RANKED_LONG, 1))
        return slice(item->bytes, len);
    memcpy(&len, item->bytes, sizeof len);
    return slice(item->bytes + sizeof len, len);
}

#endif
