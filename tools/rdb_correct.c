/* SPDX-License-Identifier: BSD-3-Clause */
/* Stepping back. One byte of zeros takes a checksum from s to (s >> 8) ^ T[s & 255]; the high byte
 * of T[b] is different for each b, so it tells which was added, and the step can be undone:
 *
 *   s = ((s' ^ T[b]) << 8) | b        where b is the one whose T has the high byte of s'
 *
 * A pattern of up to 32 bits e in four bytes, and n bytes behind them: its checksum is e stepped
 * ahead n + 4 times. So the difference is stepped back, four times and then once for each byte, and
 * whenever its upper 32 bits are zero, the lower 32 are the pattern: of the four bytes that end
 * there. Four walks side by side, each over a quarter, hide the latency of the table. */
#include "tools/rdb_correct.h"

#include <string.h>

#include "base/bytes.h"
#include "base/crc64.h"
#include "base/mem.h"
#include "base/must.h"

enum { LANES = 4, HELD_MAX = 16 << 20 };

struct back {
    uint64_t ahead[256]; /* T */
    uint8_t which[256];  /* by T's high byte */
};

static void back_init(struct back *t)
{
    for (unsigned b = 0; b < 256; b++) {
        uint8_t byte = (uint8_t)b;
        t->ahead[b] = crc64(0, &byte, 1);
        t->which[t->ahead[b] >> 56] = byte;
    }
    for (unsigned b = 0; b < 256; b++)
        must(t->which[t->ahead[b] >> 56] == b);
}

static inline uint64_t step_back(const struct back *t, uint64_t s)
{
    uint8_t b = t->which[s >> 56];
    return (s ^ t->ahead[b]) << 8 | b;
}

/* n steps back, in few: x^-1 is a power of x, too, but so high that squares of the inverse step are
 * as good. Linear maps are kept as 64 images of single bits. */
static uint64_t map_apply(const uint64_t map[64], uint64_t s)
{
    uint64_t sum = 0;
    for (; s; s &= s - 1)
        sum ^= map[__builtin_ctzll(s)];
    return sum;
}

static uint64_t steps_back(const struct back *t, uint64_t s, uint64_t n)
{
    uint64_t map[64], square[64];
    for (int i = 0; i < 64; i++)
        map[i] = step_back(t, (uint64_t)1 << i);
    for (; n; n >>= 1) {
        if (n & 1)
            s = map_apply(map, s);
        for (int i = 0; i < 64; i++)
            square[i] = map_apply(map, map[i]);
        memcpy(map, square, sizeof map);
    }
    return s;
}

static unsigned span_of(uint32_t pattern)
{
    return pattern ? 32 - (unsigned)__builtin_clz(pattern) - (unsigned)__builtin_ctz(pattern) : 0;
}

/* Patterns are found from the end of the bytes on; *behind: bytes behind the four that hold it. The
 * first bytes of all have their pattern with zeros in front of the data: those must not be in
 * it. */
static bool search(const struct back *t, uint64_t s, uint64_t len, unsigned longest,
                   uint64_t *behind, uint32_t *pattern)
{
    uint64_t lane[LANES], part = len / LANES + 1;
    s = steps_back(t, s, 4);
    for (unsigned k = 0; k < LANES; k++)
        lane[k] = steps_back(t, s, k * part);
    for (uint64_t i = 0; i < part; i++)
        for (unsigned k = 0; k < LANES; k++) {
            if (lane[k] >> 32 == 0 && span_of((uint32_t)lane[k]) <= longest &&
                k * part + i < len) {
                *behind = k * part + i;
                *pattern = (uint32_t)lane[k];
                return true;
            }
            lane[k] = step_back(t, lane[k]);
        }
    return false;
}

bool correct_bits(struct rdb_image *m, uint64_t from, uint64_t to, uint64_t crc,
                  struct correction *c)
{
    struct back t;
    uint64_t len = image_len(m, from, to), behind;
    unsigned longest = correct_burst_max(len);
    uint64_t differs = image_crc(m, 0, from, to) ^ crc;
    uint32_t pattern;
    if (longest == 0 || len == 0 || differs == 0)
        return false;
    back_init(&t);
    if (!search(&t, differs, len, longest, &behind, &pattern) || pattern == 0)
        return false;
    /* Shifted so that its first byte is not zero. */
    uint64_t end = len - behind, first = end < 4 ? 0 : end - 4;
    uint32_t flips = end < 4 ? pattern >> (8 * (4 - end)) : pattern;
    if (end < 4 && flips << (8 * (4 - end)) != pattern)
        return false; /* some of it would lie in front of the first byte */
    while ((flips & 255) == 0) {
        flips >>= 8;
        first++;
    }
    *c = (struct correction){.at = image_ahead(m, from, first)};
    store_le32(c->flips, flips);
    c->bits = (unsigned)__builtin_popcount(flips);
    return true;
}

static bool read_part(struct rdb_image *m, uint64_t from, uint64_t to, uint8_t *bytes, uint64_t n)
{
    return image_read(m, from, to, bytes, (size_t)n) == (ssize_t)n;
}

/* Where n bytes are followed by themselves; the whole has the checksum crc without one of them. */
static bool find_repetition(const uint8_t *bytes, uint64_t len, uint64_t n, uint64_t crc,
                            uint64_t *at)
{
    enum { SUMMED_MAX = 256 << 20 }; /* bytes that checksums are taken of, in all */
    uint64_t run = 0, summed = 0;
    for (uint64_t i = 0; i + n < len && summed < SUMMED_MAX; i++) {
        run = bytes[i] == bytes[i + n] ? run + 1 : 0;
        if (run < n)
            continue;
        /* As long as it goes on, cutting at any of these places gives the same bytes. */
        uint64_t start = i + 1 - n;
        summed += len;
        uint64_t is = crc64(crc64(0, bytes, start), bytes + start + n, len - start - n);
        if (is == crc) {
            *at = start;
            return true;
        }
        while (i + 1 + n < len && bytes[i + 1] == bytes[i + 1 + n])
            i++;
        run = 0;
    }
    return false;
}

bool correct_repetition(struct rdb_image *m, uint64_t from, uint64_t to, uint64_t len, uint64_t crc,
                        struct correction *c)
{
    uint64_t all = image_len(m, from, to), at;
    if (all <= len || all > HELD_MAX || all - len > len)
        return false;
    uint8_t *bytes = mem_alloc((size_t)all);
    bool found = read_part(m, from, to, bytes, all) &&
                 find_repetition(bytes, all, all - len, crc, &at);
    if (found)
        *c = (struct correction){.at = image_ahead(m, from, at),
                                 .cut_to = image_ahead(m, from, at + all - len)};
    mem_free(bytes);
    return found;
}

void correction_apply(struct rdb_image *m, const struct correction *c)
{
    if (c->cut_to) {
        image_cut(m, c->at, c->cut_to);
        return;
    }
    for (int i = 0; i < CORRECT_BYTES; i++)
        if (c->flips[i])
            image_patch(m, image_ahead(m, c->at, (uint64_t)i), c->flips[i]);
}
