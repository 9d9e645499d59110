/* SPDX-License-Identifier: BSD-3-Clause */
/* Decompression of LZF, which is what reading most files spends its time on. Most copies are short:
 * they go as words that may run over into RDB_LZF_SLACK bytes behind the result, without looking at
 * how much of the words is wanted. The format:
 *
 *   000lllll                l + 1 literal bytes follow
 *   nnnddddd [n'] dddddddd  copy n (+ n' when n = 7) + 2 bytes from d + 1 back; they may overlap */
#include "format/rdb_parts.h"

enum { LITERAL_MAX = 32, WORD = 16, HALF = 8 };

static inline void copy_words(uint8_t *to, const uint8_t *from, size_t n)
{
    for (size_t i = 0; i < n; i += WORD)
        memcpy(to + i, from + i, WORD);
}

/* Source and target overlap in less than half a word: single bytes, until whole periods of the
 * pattern make up the distance of a word. */
static void copy_near(uint8_t *to, size_t distance, size_t n)
{
    if (distance == 1) {
        memset(to, to[-1], n);
        return;
    }
    size_t apart = distance;
    while (apart < WORD)
        apart += distance;
    size_t head = apart - distance < n ? apart - distance : n;
    for (size_t i = 0; i < head; i++)
        to[i] = *(to + i - distance);
    if (head < n)
        copy_words(to + head, to + head - apart, n - head);
}

static inline void copy_back(uint8_t *to, size_t distance, size_t n)
{
    const uint8_t *from = to - distance;
    if (distance >= WORD) {
        memcpy(to, from, WORD);
        if (n > WORD)
            copy_words(to + WORD, from + WORD, n - WORD);
    } else if (distance >= HALF) {
        for (size_t i = 0; i < n; i += HALF)
            memcpy(to + i, from + i, HALF);
    } else {
        copy_near(to, distance, n);
    }
}

bool rdb_unlzf(struct slice packed, uint8_t *out, size_t len)
{
    const uint8_t *in = (const uint8_t *)packed.data, *in_end = in + packed.len;
    uint8_t *to = out, *end = out + len;
    _Static_assert((int)RDB_LZF_SLACK >= (int)LITERAL_MAX, "a literal is copied as two words");
    while (in < in_end) {
        unsigned control = *in++;
        size_t left = (size_t)(in_end - in);
        if (control < LITERAL_MAX) {
            size_t n = control + 1;
            if (n > left || n > (size_t)(end - to))
                return false;
            if (left >= LITERAL_MAX) {
                memcpy(to, in, WORD);
                memcpy(to + WORD, in + WORD, WORD);
            } else {
                memcpy(to, in, n);
            }
            in += n;
            to += n;
            continue;
        }
        size_t n = control >> 5;
        if (left < 1 + (size_t)(n == 7))
            return false;
        if (n == 7)
            n += *in++;
        size_t distance = ((control & 31u) << 8 | *in++) + 1u;
        n += 2;
        if (distance > (size_t)(to - out) || n > (size_t)(end - to))
            return false;
        copy_back(to, distance, n);
        to += n;
    }
    return to == end;
}
