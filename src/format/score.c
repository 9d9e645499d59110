/* SPDX-License-Identifier: BSD-3-Clause */
/* digits * 10^e, the digits gathered in a 64-bit integer and the power of ten exact in the format
 * that is computed in, so that one division or multiplication rounds once. Where the computation
 * has more bits than a double (x87: 64), the result is rounded again; that can only go wrong when
 * the first result lies exactly half way between two doubles, and such a text, like every other
 * that does not fit the pattern, takes the slow way. */
#include "format/score.h"

#include <float.h>
#include <stdint.h>

#include "base/num.h"
#include "containers/listpack.h"

#if LDBL_MANT_DIG == 64
typedef long double wide;
enum { POWER_MAX = 27 }; /* 5^27 < 2^64 */
#define DIGITS_LIMIT UINT64_MAX
#else
typedef double wide;
enum { POWER_MAX = 22 }; /* 5^22 < 2^53 */
#define DIGITS_LIMIT (1ULL << 53)
#endif

struct decimal {
    uint64_t digits;
    int power;
    bool minus;
};

/* [-]digits[.digits][e[+-]digits]; false when it is not that or has more than 19 digits. */
static bool read_decimal(struct slice text, struct decimal *d)
{
    enum { DIGITS_MAX = 19, EXPONENT_MAX = 999 };
    const char *at = text.data, *end = at + text.len;
    int seen = 0, used = 0, exponent = 0;
    d->minus = at < end && *at == '-';
    at += d->minus;
    d->digits = 0;
    d->power = 0;
    for (bool point = false; at < end; at++) {
        if (*at == '.' && !point) {
            point = true;
            continue;
        }
        if (*at < '0' || *at > '9')
            break;
        seen++;
        used += used || *at != '0';
        if (used > DIGITS_MAX)
            return false;
        d->digits = d->digits * 10 + (uint64_t)(*at - '0');
        d->power -= point;
    }
    if (seen == 0 || at[-1] == '.')
        return false;
    if (at == end)
        return true;
    if (*at++ != 'e' || at == end)
        return false;
    bool down = *at == '-';
    at += down || *at == '+';
    if (at == end)
        return false;
    for (; at < end && *at >= '0' && *at <= '9' && exponent < EXPONENT_MAX; at++)
        exponent = exponent * 10 + (*at - '0');
    d->power += down ? -exponent : exponent;
    return at == end;
}

#if LDBL_MANT_DIG == 64
/* Exactly between two doubles, as far as the wide format can tell. */
static bool half_way(wide w)
{
    uint64_t mantissa;
    memcpy(&mantissa, &w, sizeof mantissa); /* its 64 bits come first */
    return (mantissa & 0x7ff) == 0x400;
}
#else
static bool half_way(wide w)
{
    (void)w;
    return false;
}
#endif

bool score_parse(struct slice text, double *score)
{
    static const wide powers[] = {
        1e0L, 1e1L, 1e2L, 1e3L, 1e4L, 1e5L, 1e6L, 1e7L, 1e8L, 1e9L, 1e10L, 1e11L, 1e12L, 1e13L,
        1e14L, 1e15L, 1e16L, 1e17L, 1e18L, 1e19L, 1e20L, 1e21L, 1e22L,
#if LDBL_MANT_DIG == 64
        1e23L, 1e24L, 1e25L, 1e26L, 1e27L,
#endif
    };
    struct decimal d;
    if (text.len == 0 || text.len > SCORE_TEXT_MAX)
        return false;
    if (!read_decimal(text, &d) || d.power > POWER_MAX || d.power < -POWER_MAX ||
        d.digits > DIGITS_LIMIT)
        return num_parse_double(text, score);
    wide w = (wide)d.digits;
    w = d.power < 0 ? w / powers[-d.power] : w * powers[d.power];
    if (half_way(w))
        return num_parse_double(text, score);
    *score = d.minus ? -(double)w : (double)w;
    return true;
}

bool score_at(const uint8_t *lp, size_t at, double *score)
{
    int64_t whole;
    struct slice text;
    if (lp_get_int(lp, at, &whole, &text)) {
        *score = (double)whole;
        return true;
    }
    return score_parse(text, score);
}
