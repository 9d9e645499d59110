/* SPDX-License-Identifier: BSD-3-Clause */
/* LZF stream, for reference:
 *   000lllll               l + 1 literal bytes follow
 *   nnnddddd [n'] dddddddd copy n (+ n' when n = 7) + 2 bytes from d + 1 bytes back
 *
 * Packing takes a third of a save's time with liblzf, which looks at every byte and at matches of
 * three. In the quick way four bytes must match, found by a table of places that is no larger than
 * the input deserves (it is cleared for each string, and most are short); where nothing matches the
 * steps grow, so that what does not compress (images, sealed data) is passed over quickly, and
 * given up when a good piece of it has gained nothing.
 *
 * liblzf notices that nothing was gained only when the output room is used up, that is at the end.
 * So of a long input a piece is tried first; it is small enough to be worth doing twice when it
 * does compress. */
#include "base/lzf.h"

#include <limits.h>
#include <liblzf/lzf.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"
#include "base/must.h"

enum {
    LITERALS_MAX = 32, MATCH_MIN = 4, MATCH_MAX = 264, DISTANCE_MAX = 1 << 13,
    TABLE_BITS_MIN = 6, TABLE_BITS_MAX = 12,
    STEP_GROWS = 5,          /* after 2^5 misses it is two bytes, after twice as many three */
    PROBE = 8 << 10, PROBE_GAIN = 128,
};

struct packing {
    const uint8_t *in, *end;
    const uint8_t *from; /* literals from here to where the next match is */
    uint8_t *to, *to_end;
};

/* Literals up to at. False: no room. */
static bool put_literals(struct packing *p, const uint8_t *at)
{
    size_t n = (size_t)(at - p->from);
    /* Few, in the middle of things: a whole run is copied, whatever of it counts. */
    if (n <= LITERALS_MAX && p->end - p->from >= LITERALS_MAX &&
        p->to_end - p->to > LITERALS_MAX + 1) {
        if (n == 0)
            return true;
        *p->to++ = (uint8_t)(n - 1);
        memcpy(p->to, p->from, LITERALS_MAX);
        p->to += n;
        p->from += n;
        return true;
    }
    if (n + (n + LITERALS_MAX - 1) / LITERALS_MAX > (size_t)(p->to_end - p->to))
        return false;
    while (n) {
        size_t run = n < LITERALS_MAX ? n : LITERALS_MAX;
        *p->to++ = (uint8_t)(run - 1);
        memcpy(p->to, p->from, run);
        p->to += run;
        p->from += run;
        n -= run;
    }
    return true;
}

static size_t match_length(const struct packing *p, const uint8_t *a, const uint8_t *b)
{
    size_t n = MATCH_MIN, most = (size_t)(p->end - a);
    most = most < MATCH_MAX ? most : MATCH_MAX;
    while (n + 8 <= most) {
        uint64_t differs = load_le64(a + n) ^ load_le64(b + n);
        if (differs)
            return n + (size_t)__builtin_ctzll(differs) / 8;
        n += 8;
    }
    while (n < most && a[n] == b[n])
        n++;
    return n;
}

static bool put_match(struct packing *p, size_t distance, size_t n)
{
    enum { SHORT_MAX = 8 };
    if (p->to_end - p->to < 3)
        return false;
    size_t d = distance - 1, more = n - 2;
    *p->to++ = (uint8_t)((n <= SHORT_MAX ? more : 7) << 5 | d >> 8);
    if (n > SHORT_MAX)
        *p->to++ = (uint8_t)(more - 7);
    *p->to++ = (uint8_t)d;
    return true;
}

static inline unsigned slot_of(uint32_t four, unsigned bits)
{
    return (four * 2654435761u) >> (32 - bits);
}

/* The place that a slot's 16 bits mean: the last one before at with these low bits. */
static inline const uint8_t *place(const struct packing *p, const uint8_t *at, uint16_t low)
{
    size_t here = (size_t)(at - p->in), back = (uint16_t)(here - low);
    return back > here ? NULL : at - back;
}

static bool gains_nothing(const struct packing *p, const uint8_t *at, const uint8_t *out)
{
    size_t done = (size_t)(at - p->in), made = (size_t)(p->to - out) + (size_t)(at - p->from);
    return made + PROBE_GAIN > done;
}

static bool pack(struct packing *p, const uint8_t *out, unsigned bits)
{
    uint16_t table[1 << TABLE_BITS_MAX];
    memset(table, 0, sizeof *table << bits);
    const uint8_t *at = p->in + 1, *last = p->end - MATCH_MIN, *probe = p->in + PROBE;
    for (unsigned misses = 0; at <= last;) {
        uint32_t four = load_le32(at);
        uint16_t *slot = &table[slot_of(four, bits)];
        const uint8_t *was = place(p, at, *slot);
        *slot = (uint16_t)(at - p->in);
        if (!was || was == at || at - was > DISTANCE_MAX || load_le32(was) != four) {
            at += 1 + (misses++ >> STEP_GROWS);
            if (at < probe || probe == p->in)
                continue;
            probe = p->in; /* looked at once */
            if (gains_nothing(p, at < p->end ? at : p->end, out))
                return false;
            continue;
        }
        size_t n = match_length(p, at, was);
        if (!put_literals(p, at) || !put_match(p, (size_t)(at - was), n))
            return false;
        at += n;
        p->from = at;
        misses = 0;
        if (at - 2 <= last)
            table[slot_of(load_le32(at - 2), bits)] = (uint16_t)(at - 2 - p->in);
    }
    return put_literals(p, p->end);
}

size_t lzf_pack_quick(const void *in, size_t in_len, void *out, size_t out_size)
{
    if (in_len < MATCH_MIN + 1 || in_len > UINT_MAX || out_size == 0)
        return 0;
    unsigned bits = TABLE_BITS_MIN;
    while (bits < TABLE_BITS_MAX && (size_t)1 << bits < in_len)
        bits++;
    struct packing p = {.in = in, .end = (const uint8_t *)in + in_len, .from = in, .to = out,
                        .to_end = (uint8_t *)out + out_size};
    if (!pack(&p, out, bits))
        return 0;
    size_t packed = (size_t)(p.to - (uint8_t *)out);
    must(packed <= out_size && p.from == p.end);
    return packed;
}

/* ---- by the library ---- */

enum { START = 4096, START_FROM = 8 * START, START_GAIN = 64 };

static bool start_compresses(const void *in)
{
    unsigned char out[START - START_GAIN];
    return lzf_compress(in, START, out, sizeof out) != 0;
}

size_t lzf_pack(const void *in, size_t in_len, void *out, size_t out_size)
{
    if (in_len == 0 || in_len > UINT_MAX || out_size == 0)
        return 0;
    if (in_len >= START_FROM && !start_compresses(in))
        return 0;
    if (out_size > UINT_MAX)
        out_size = UINT_MAX;
    size_t packed = lzf_compress(in, (unsigned)in_len, out, (unsigned)out_size);
    must(packed <= out_size);
    return packed;
}

bool lzf_unpack(const void *in, size_t in_len, void *out, size_t out_len)
{
    if (in_len == 0 || in_len > UINT_MAX || out_len == 0 || out_len > UINT_MAX)
        return false;
    return lzf_decompress(in, (unsigned)in_len, out, (unsigned)out_len) == out_len;
}
