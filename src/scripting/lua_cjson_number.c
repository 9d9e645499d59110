/* SPDX-License-Identifier: BSD-3-Clause */
/* With d = f * 2^e, the power x of its first digit and k = precision - 1 - x, the digits are
 * d * 10^k = f * 5^k / 2^s rounded, where s = -(e + k). For k from 0 to 27 and s above 0 all of
 * that is exact in 128 bits. The rest is printf's. */
#include "scripting/lua_cjson_number.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/must.h"
#include "base/num.h"

enum { SCALE_MAX = 27 };

static const uint64_t ten[CJSON_PRECISION_MAX + 1] = {
    1u,           10u,           100u,           1000u,           10000u,
    100000u,      1000000u,      10000000u,      100000000u,      1000000000u,
    10000000000u, 100000000000u, 1000000000000u, 10000000000000u, 100000000000000u};

struct digits {
    uint64_t n; /* of so many digits as the precision is */
    int first;  /* the power of ten of the first one */
};

static uint64_t power_of_five(int k)
{
    uint64_t n = 1;
    for (uint64_t square = 5; k > 0; k >>= 1, square *= square)
        if (k & 1)
            n *= square;
    return n;
}

/* Of a positive number. False: not by this. */
static bool find_digits(double d, int precision, struct digits *out)
{
    int e;
    uint64_t f = (uint64_t)(frexp(d, &e) * 0x1p53);
    e -= 53;
    int x = (e + 52) * 1233 >> 12; /* times log10(2): this one, or the next */
    for (;; x++) {
        int k = precision - 1 - x, s = -(e + k);
        if (k < 0 || k > SCALE_MAX || s <= 0 || s >= 120)
            return false;
        unsigned __int128 n = (unsigned __int128)f * power_of_five(k);
        uint64_t m = (uint64_t)(n >> s);
        if (m >= ten[precision])
            continue;
        if (m < ten[precision - 1])
            return false;
        unsigned __int128 half = (unsigned __int128)1 << (s - 1);
        unsigned __int128 rest = n - ((unsigned __int128)m << s);
        if (rest > half || (rest == half && m % 2))
            m++;
        bool carried = m == ten[precision];
        *out = (struct digits){carried ? m / 10 : m, x + carried};
        return true;
    }
}

/* d.ddde-xx. Returns the end. */
static char *put_scientific(char *p, const char *digits, size_t len, int first)
{
    *p++ = digits[0];
    if (len > 1) {
        *p++ = '.';
        memcpy(p, digits + 1, len - 1);
        p += len - 1;
    }
    return p + snprintf(p, 8, "e%+03d", first);
}

static char *put_plain(char *p, const char *digits, size_t len, int first)
{
    if (first < 0) {
        size_t zeros = (size_t)-first; /* one of them before the point */
        memset(p, '0', zeros + 1);
        p[1] = '.';
        memcpy(p + zeros + 1, digits, len);
        return p + zeros + 1 + len;
    }
    size_t whole = (size_t)first + 1;
    if (len <= whole) {
        memcpy(p, digits, len);
        memset(p + len, '0', whole - len);
        return p + whole;
    }
    memcpy(p, digits, whole);
    p[whole] = '.';
    memcpy(p + whole + 1, digits + whole, len - whole);
    return p + len + 1;
}

size_t cjson_format_number(char out[CJSON_NUMBER_TEXT], double d, int precision)
{
    must(precision > 0 && precision <= CJSON_PRECISION_MAX && isfinite(d));
    double size = fabs(d);
    if (size < (double)ten[precision] && (double)(int64_t)d == d && (d != 0 || !signbit(d)))
        return num_format_i64(out, (int64_t)d); /* up to so many digits have no exponent */
    struct digits found;
    if (size == 0 || !find_digits(size, precision, &found))
        return (size_t)snprintf(out, CJSON_NUMBER_TEXT, "%.*g", precision, d);
    char digits[NUM_I64_TEXT], *p = out;
    size_t len = num_format_u64(digits, found.n);
    while (len > 1 && digits[len - 1] == '0')
        len--;
    if (d < 0)
        *p++ = '-';
    if (found.first < -4 || found.first >= precision)
        p = put_scientific(p, digits, len, found.first);
    else
        p = put_plain(p, digits, len, found.first);
    *p = '\0';
    return (size_t)(p - out);
}
