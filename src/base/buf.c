/* SPDX-License-Identifier: BSD-3-Clause */
/* Appending is inline in the header; here is what happens seldom: growing, shrinking, printing.
 *
 * Small buffers double, so n appends cost O(n); above 1 MiB a quarter is enough for that and wastes
 * less of what are by then real amounts of memory. */
#include "base/buf.h"

#include <stdint.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/must.h"

enum { SMALLEST_CAP = 64, DOUBLING_UP_TO = 1 << 20 };

void buf_grow(struct buf *b, size_t more)
{
    must(b->len <= b->cap && more <= SIZE_MAX / 4 && b->len <= SIZE_MAX / 4);
    size_t need = b->len + more;
    if (need <= b->cap)
        return;
    size_t cap = b->cap < DOUBLING_UP_TO ? b->cap * 2 : b->cap + b->cap / 4;
    if (cap < SMALLEST_CAP)
        cap = SMALLEST_CAP;
    if (cap < need)
        cap = need;
    must(cap >= need);
    b->data = mem_realloc(b->data, cap);
    b->cap = cap;
}

void buf_free(struct buf *b)
{
    mem_free(b->data);
    *b = (struct buf){0};
}

void buf_shrink(struct buf *b)
{
    must(b->len <= b->cap);
    if (b->cap == b->len)
        return;
    if (b->len == 0) {
        buf_free(b);
        return;
    }
    b->data = mem_realloc(b->data, b->len);
    b->cap = b->len;
}

void buf_drop_front(struct buf *b, size_t n)
{
    must(n <= b->len);
    if (n == 0)
        return;
    b->len -= n;
    if (b->len)
        memmove(b->data, b->data + n, b->len);
}

void buf_vprintf(struct buf *b, const char *format, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    char *to = buf_reserve(b, 64);
    int len = vsnprintf(to, b->cap - b->len, format, ap);
    must(len >= 0);
    if ((size_t)len >= b->cap - b->len) {
        to = buf_reserve(b, (size_t)len + 1);
        must(vsnprintf(to, (size_t)len + 1, format, again) == len);
    }
    va_end(again);
    b->len += (size_t)len;
}

void buf_printf(struct buf *b, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    buf_vprintf(b, format, ap);
    va_end(ap);
}

const char *buf_cstr(struct buf *b)
{
    *buf_reserve(b, 1) = '\0';
    return b->data;
}
