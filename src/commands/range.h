/* SPDX-License-Identifier: BSD-3-Clause */
/* Index arithmetic that several families share. */
#ifndef COMMANDS_RANGE_H
#define COMMANDS_RANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"

/* Indexes as LRANGE and ZRANGE take them: negative from the end, clipped to count. False: empty. */
static inline bool range_clip(int64_t start, int64_t stop, size_t count, size_t *first, size_t *n)
{
    int64_t len = (int64_t)count;
    if (start < 0)
        start = start + len < 0 ? 0 : start + len;
    if (stop < 0)
        stop += len;
    if (stop >= len)
        stop = len - 1;
    if (start > stop || start >= len)
        return false;
    *first = (size_t)start;
    *n = (size_t)(stop - start) + 1;
    must(*first + *n <= count);
    return true;
}

/* GETRANGE's: a negative stop before the start of the text means its first byte, unless both ends
 * lie there the wrong way round. */
static inline bool range_clip_text(int64_t start, int64_t stop, size_t count, size_t *first,
                                   size_t *n)
{
    if (start < 0 && stop < 0 && start > stop)
        return false;
    if (stop < 0 && stop + (int64_t)count < 0)
        stop = 0;
    return range_clip(start, stop, count, first, n);
}

#endif
