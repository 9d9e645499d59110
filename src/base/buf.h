/* SPDX-License-Identifier: BSD-3-Clause */
/* A growable byte buffer. Zero-initialise it ({0}), append, look at data/len, buf_free at the end.
 *
 * Growth doubles up to 1 MiB and then adds a quarter. data may move on any append. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/slice.h"

struct buf {
    char *data;
    size_t len;
    size_t cap;
};

void buf_grow(struct buf *b, size_t more); /* makes room for more bytes behind len */
void buf_free(struct buf *b);              /* frees and zeroes */
void buf_shrink(struct buf *b);            /* gives unused capacity back */
void buf_drop_front(struct buf *b, size_t n); /* removes the first n bytes (memmove) */
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *format, va_list ap);
/* Terminates data with a NUL that len does not count. */
const char *buf_cstr(struct buf *b);

static inline char *buf_reserve(struct buf *b, size_t more)
{
    if (b->cap - b->len < more)
        buf_grow(b, more);
    return b->data + b->len;
}

static inline void buf_append(struct buf *b, const void *data, size_t len)
{
    char *to = buf_reserve(b, len);
    if (len)
        memcpy(to, data, len);
    b->len += len;
}

static inline void buf_add(struct buf *b, struct slice s)
{
    buf_append(b, s.data, s.len);
}

static inline void buf_byte(struct buf *b, unsigned char byte)
{
    *buf_reserve(b, 1) = (char)byte;
    b->len++;
}

static inline struct slice buf_slice(const struct buf *b)
{
    return slice(b->data, b->len);
}

static inline void buf_clear(struct buf *b)
{
    b->len = 0;
}

#endif
