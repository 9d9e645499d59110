/* SPDX-License-Identifier: BSD-3-Clause */
/* A slice is bytes that somebody else owns: pointer and length, any byte allowed, no terminator.
 * Passed by value. Its lifetime is that of the memory it points into. */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

struct slice {
    const char *data;
    size_t len;
};

/* For printf: printf("%.*s", SLICE_ARG(s)). At most SLICE_PRINT_MAX bytes: what clients send may be
 * longer than printf can count. */
enum { SLICE_PRINT_MAX = 1 << 20 };
#define SLICE_ARG(s) ((s).len < SLICE_PRINT_MAX ? (int)(s).len : SLICE_PRINT_MAX), (s).data
#define SLICE_LIT(text) ((struct slice){(text), sizeof(text) - 1})

static inline struct slice slice(const void *data, size_t len)
{
    return (struct slice){(const char *)data, len};
}

static inline struct slice slice_str(const char *text)
{
    return (struct slice){text, strlen(text)};
}

static inline bool slice_eq(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool slice_eq_str(struct slice a, const char *text)
{
    return slice_eq(a, slice_str(text));
}

/* ASCII case is ignored: command names, option words. The first byte tells most apart, without a
 * call. */
static inline bool slice_eq_nocase(struct slice a, const char *text)
{
    return a.len == strlen(text) && (!a.len || ((a.data[0] ^ text[0]) & ~0x20) == 0) &&
           strncasecmp(a.data, text, a.len) == 0;
}

/* <0, 0, >0 by unsigned bytes, then by length. */
static inline int slice_cmp(struct slice a, struct slice b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int order = shorter ? memcmp(a.data, b.data, shorter) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static inline struct slice slice_from(struct slice s, size_t start)
{
    return start >= s.len ? (struct slice){s.data + s.len, 0}
                          : (struct slice){s.data + start, s.len - start};
}

#endif
