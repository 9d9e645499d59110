/* SPDX-License-Identifier: BSD-3-Clause */
/* The block:
 *
 *   u32le width (2, 4, 8) | u32le count | count integers of that width, little-endian, ascending
 *
 * A number that does not fit the width is below or above all others: the block is widened and the
 * number goes to one of the ends. Removing never narrows. */
#include "containers/intset.h"

#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/must.h"

enum { HEADER = 8 };

static inline size_t width_of(const uint8_t *is)
{
    return load_le32(is);
}

static inline int64_t get(const uint8_t *is, size_t width, size_t i)
{
    const uint8_t *p = is + HEADER + i * width;
    switch (width) {
    case 2:
        return (int16_t)load_le16(p);
    case 4:
        return (int32_t)load_le32(p);
    default:
        return (int64_t)load_le64(p);
    }
}

static void put(uint8_t *is, size_t width, size_t i, int64_t n)
{
    uint8_t *p = is + HEADER + i * width;
    if (width == 2)
        store_le16(p, (uint16_t)n);
    else if (width == 4)
        store_le32(p, (uint32_t)n);
    else
        store_le64(p, (uint64_t)n);
}

static size_t width_for(int64_t n)
{
    if (n >= INT16_MIN && n <= INT16_MAX)
        return 2;
    return n >= INT32_MIN && n <= INT32_MAX ? 4 : 8;
}

/* The first index whose number is >= n. */
static size_t lower_bound(const uint8_t *is, int64_t n)
{
    size_t width = width_of(is), low = 0, high = intset_count(is);
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (get(is, width, middle) < n)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint8_t *intset_new(void)
{
    uint8_t *is = mem_alloc(HEADER);
    store_le32(is, 2);
    store_le32(is + 4, 0);
    return is;
}

size_t intset_bytes(const uint8_t *is)
{
    return HEADER + width_of(is) * intset_count(is);
}

size_t intset_count(const uint8_t *is)
{
    return load_le32(is + 4);
}

int64_t intset_get(const uint8_t *is, size_t index)
{
    must(index < intset_count(is));
    return get(is, width_of(is), index);
}

bool intset_has(const uint8_t *is, int64_t n)
{
    if (width_for(n) > width_of(is))
        return false;
    size_t i = lower_bound(is, n);
    return i < intset_count(is) && get(is, width_of(is), i) == n;
}

static uint8_t *widen_and_add(uint8_t *is, size_t width, int64_t n)
{
    size_t old_width = width_of(is), count = intset_count(is), front = n < 0;
    must(width > old_width);
    is = mem_realloc(is, HEADER + (count + 1) * width);
    for (size_t i = count; i-- > 0;) /* from behind: the new places are not before the old ones */
        put(is, width, i + front, get(is, old_width, i));
    put(is, width, front ? 0 : count, n);
    must(!count || (front ? n < get(is, width, 1) : n > get(is, width, count - 1)));
    store_le32(is, (uint32_t)width);
    store_le32(is + 4, (uint32_t)count + 1);
    return is;
}

uint8_t *intset_add(uint8_t *is, int64_t n, bool *added)
{
    size_t width = width_of(is), count = intset_count(is);
    must(count < UINT32_MAX);
    if (added)
        *added = true;
    if (width_for(n) > width)
        return widen_and_add(is, width_for(n), n);
    size_t i = count;
    if (count && n <= get(is, width, count - 1)) {
        i = lower_bound(is, n);
        if (get(is, width, i) == n) {
            if (added)
                *added = false;
            return is;
        }
    }
    is = mem_realloc(is, HEADER + (count + 1) * width);
    memmove(is + HEADER + (i + 1) * width, is + HEADER + i * width, (count - i) * width);
    put(is, width, i, n);
    store_le32(is + 4, (uint32_t)count + 1);
    must(i == 0 || get(is, width, i - 1) < n);
    must(i == count || n < get(is, width, i + 1));
    return is;
}

uint8_t *intset_remove(uint8_t *is, int64_t n, bool *removed)
{
    bool found = intset_has(is, n);
    if (removed)
        *removed = found;
    if (!found)
        return is;
    size_t width = width_of(is), count = intset_count(is), i = lower_bound(is, n);
    must(i < count);
    memmove(is + HEADER + i * width, is + HEADER + (i + 1) * width, (count - i - 1) * width);
    store_le32(is + 4, (uint32_t)count - 1);
    return mem_realloc(is, HEADER + (count - 1) * width);
}

bool intset_validate(struct slice blob, const char **why)
{
    const uint8_t *is = (const uint8_t *)blob.data;
    *why = "intset: shorter than its header";
    if (blob.len < HEADER)
        return false;
    uint64_t width = load_le32(is), count = load_le32(is + 4);
    *why = "intset: unknown width";
    if (width != 2 && width != 4 && width != 8)
        return false;
    *why = "intset: empty";
    if (count == 0)
        return false;
    *why = "intset: stated count is not the size";
    if (HEADER + width * count != blob.len)
        return false;
    *why = "intset: not strictly ascending";
    int64_t last = get(is, width, 0);
    for (size_t i = 1; i < count; i++) {
        int64_t n = get(is, width, i);
        if (n <= last)
            return false;
        last = n;
    }
    return true;
}
