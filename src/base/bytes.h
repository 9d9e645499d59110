/* SPDX-License-Identifier: BSD-3-Clause */
/* Fixed-width integers and doubles in byte order, at any alignment. "le" little, "be" big. And a
 * word's bits turned round. */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdint.h>
#include <string.h>

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define BYTES_LE(bits, x) (x)
#define BYTES_BE(bits, x) __builtin_bswap##bits(x)
#else
#define BYTES_LE(bits, x) __builtin_bswap##bits(x)
#define BYTES_BE(bits, x) (x)
#endif

#define BYTES_ACCESSORS(bits) \
    static inline uint##bits##_t load_le##bits(const void *p) \
    { \
        uint##bits##_t x; \
        memcpy(&x, p, sizeof x); \
        return BYTES_LE(bits, x); \
    } \
    static inline uint##bits##_t load_be##bits(const void *p) \
    { \
        uint##bits##_t x; \
        memcpy(&x, p, sizeof x); \
        return BYTES_BE(bits, x); \
    } \
    static inline void store_le##bits(void *p, uint##bits##_t x) \
    { \
        x = BYTES_LE(bits, x); \
        memcpy(p, &x, sizeof x); \
    } \
    static inline void store_be##bits(void *p, uint##bits##_t x) \
    { \
        x = BYTES_BE(bits, x); \
        memcpy(p, &x, sizeof x); \
    }
BYTES_ACCESSORS(16)
BYTES_ACCESSORS(32)
BYTES_ACCESSORS(64)
#undef BYTES_ACCESSORS

/* 24-bit little endian, sign extended. */
static inline int32_t load_le24s(const void *p)
{
    const uint8_t *b = p;
    return (int32_t)((uint32_t)b[0] << 8 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 24) >> 8;
}

static inline void store_le24(void *p, uint32_t x)
{
    uint8_t *b = p;
    b[0] = (uint8_t)x;
    b[1] = (uint8_t)(x >> 8);
    b[2] = (uint8_t)(x >> 16);
}

static inline uint64_t rotate_left(uint64_t x, int by) /* 0 < by < 64 */
{
    return x << by | x >> (64 - by);
}

static inline double load_le_double(const void *p)
{
    uint64_t bits = load_le64(p);
    double d;
    memcpy(&d, &bits, sizeof d);
    return d;
}

static inline void store_le_double(void *p, double d)
{
    uint64_t bits;
    memcpy(&bits, &d, sizeof bits);
    store_le64(p, bits);
}

#endif
