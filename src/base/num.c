/* SPDX-License-Identifier: BSD-3-Clause */
/* Text of a double: the shortest digits that read back as the same value, then Redis 7.2's layout
 * of them. With n digits D and the value D * 10^k, exp = |k + n - 1|:
 *
 *   integral, |d| < 2^62         plain integer
 *   k >= 0 and exp < n + 7       plain integer with zeros behind
 *   k < 0 and (k > -7 or exp < 4) plain decimal
 *   else                         d.ddde+x, exponent without padding
 *
 * The digits: fewest of 15, 16, 17 for which the nearest decimal of that length reads back as d
 * (zeros at its end dropped: decimals of up to 15 digits are all told apart by doubles). With
 * d = f * 2^e and a scale k, N = f * 5^k and s = -(e + k), the nearest integer to d * 10^k is
 * m = N / 2^s rounded, and m reads back as d when m * 2^s is within half a step of f (which is
 * 5^k / 2) of N. For k <= 27 all of it fits 128 bits and is exact. What is out of that range goes
 * through printf.
 *
 * Reading: digits that are exact as a double, times or over a power of ten that is exact, need one
 * operation, which rounds correctly. The rest is strtod's, in the "C" locale explicitly. */
#include "base/num.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"

enum { LONGEST_REAL = 5 * 1024 }; /* text of a real number: more is refused */

static const char digit_pairs[201] =
    "0001020304050607080910111213141516171819" "2021222324252627282930313233343536373839"
    "4041424344454647484950515253545556575859" "6061626364656667686970717273747576777879"
    "8081828384858687888990919293949596979899";

static const double pow10_exact[23] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                       1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                       1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* ---- integers ---- */

static bool parse_digits(const char *p, size_t len, uint64_t *out)
{
    if (len == 0 || len > 20 || (p[0] == '0' && len > 1))
        return false;
    uint64_t n = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned digit = (unsigned)(unsigned char)p[i] - '0';
        if (digit > 9)
            return false;
        if (i == 19 && (n > UINT64_MAX / 10 || n * 10 > UINT64_MAX - digit))
            return false;
        n = n * 10 + digit;
    }
    *out = n;
    return true;
}

bool num_parse_u64(struct slice text, uint64_t *out)
{
    return parse_digits(text.data, text.len, out);
}

bool num_parse_i64(struct slice text, int64_t *out)
{
    if (text.len == 0)
        return false;
    bool minus = text.data[0] == '-';
    uint64_t n;
    if (!parse_digits(text.data + minus, text.len - minus, &n))
        return false;
    if (minus ? n == 0 || n > (uint64_t)INT64_MAX + 1 : n > INT64_MAX)
        return false;
    *out = minus ? (int64_t)-n : (int64_t)n;
    return true;
}

static const char hex_digits[] = "0123456789abcdef";

/* Without a branch on the digits: whether one is a letter cannot be foreseen. Letters have bit 6;
 * what is no digit at all does not print as it was. */
int num_hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool num_parse_hex(struct slice text, uint64_t *out)
{
    uint64_t n = 0;
    unsigned bad = 0;
    *out = 0;
    if (text.len < 1 || text.len > 16)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        unsigned c = (uint8_t)text.data[i], digit = ((c & 15) + 9 * (c >> 6 & 1)) & 15;
        bad |= c ^ (uint8_t)hex_digits[digit];
        n = n << 4 | digit;
    }
    *out = n;
    return bad == 0;
}

void num_put_hex(char *out, unsigned width, uint64_t n)
{
    for (unsigned i = width; i-- > 0; n >>= 4)
        out[i] = hex_digits[n & 15];
}

bool num_parse_size(struct slice text, uint64_t *out)
{
    static const struct {
        const char *name;
        uint64_t factor;
    } units[] = {{"", 1},        {"b", 1},
                 {"k", 1000},    {"kb", 1024},
                 {"m", 1000000}, {"mb", 1024 * 1024},
                 {"g", 1000000000}, {"gb", 1024 * 1024 * 1024}};
    size_t digits = 0;
    while (digits < text.len && text.data[digits] >= '0' && text.data[digits] <= '9')
        digits++;
    size_t zeros = 0; /* "010mb" is fine in a configuration file */
    while (zeros + 1 < digits && text.data[zeros] == '0')
        zeros++;
    uint64_t n;
    if (!parse_digits(text.data + zeros, digits - zeros, &n))
        return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (slice_eq_nocase(slice_from(text, digits), units[i].name))
            return !__builtin_mul_overflow(n, units[i].factor, out);
    return false;
}

static size_t count_digits(uint64_t n)
{
    /* 1233 / 4096 is just above log10(2); the table settles the last step. */
    static const uint64_t pow10[20] = {0,
                                       10u,
                                       100u,
                                       1000u,
                                       10000u,
                                       100000u,
                                       1000000u,
                                       10000000u,
                                       100000000u,
                                       1000000000u,
                                       10000000000u,
                                       100000000000u,
                                       1000000000000u,
                                       10000000000000u,
                                       100000000000000u,
                                       1000000000000000u,
                                       10000000000000000u,
                                       100000000000000000u,
                                       1000000000000000000u,
                                       10000000000000000000u};
    unsigned bits = 64 - (unsigned)__builtin_clzll(n | 1);
    unsigned digits = bits * 1233 >> 12;
    return digits + (n >= pow10[digits]);
}

/* Writes exactly the digits of n, which are known to be len. */
static void put_digits(char *out, uint64_t n, size_t len)
{
    char *p = out + len;
    while (n >= 100) {
        p -= 2;
        memcpy(p, digit_pairs + n % 100 * 2, 2);
        n /= 100;
    }
    if (n >= 10)
        memcpy(p - 2, digit_pairs + n * 2, 2);
    else
        p[-1] = (char)('0' + n);
}

size_t num_format_u64(char out[NUM_I64_TEXT], uint64_t n)
{
    size_t len = n ? count_digits(n) : 1;
    put_digits(out, n, len);
    out[len] = '\0';
    return len;
}

size_t num_format_i64(char out[NUM_I64_TEXT], int64_t n)
{
    if (n >= 0)
        return num_format_u64(out, (uint64_t)n);
    out[0] = '-';
    uint64_t positive = -(uint64_t)n;
    size_t len = count_digits(positive);
    put_digits(out + 1, positive, len);
    out[1 + len] = '\0';
    return 1 + len;
}

size_t num_i64_digits(int64_t n)
{
    if (n == 0)
        return 1;
    return n > 0 ? count_digits((uint64_t)n) : 1 + count_digits(-(uint64_t)n);
}

/* ---- reading real numbers ---- */

/* Made once, constant from then on. */
static locale_t c_locale;
static pthread_once_t c_locale_once = PTHREAD_ONCE_INIT;

static void c_locale_make(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    must(c_locale);
}

/* [-+]digits[.digits][e[+-]digits] with at most 18 digits whose value and power of ten are both
 * exact doubles: then one operation gives the correctly rounded result. False: not that simple. */
static bool parse_simple(struct slice text, double *out)
{
    size_t i = text.len && (text.data[0] == '-' || text.data[0] == '+');
    bool minus = i && text.data[0] == '-';
    uint64_t mantissa = 0;
    int digits = 0, scale = 0;
    bool point = false;
    for (; i < text.len; i++) {
        unsigned digit = (unsigned)(unsigned char)text.data[i] - '0';
        if (digit <= 9) {
            mantissa = mantissa * 10 + digit;
            scale -= point;
            if (++digits > 18)
                return false;
        } else if (text.data[i] == '.' && !point) {
            point = true;
        } else {
            break;
        }
    }
    if (digits == 0 || mantissa > (uint64_t)1 << 53)
        return false;
    if (i < text.len) {
        if ((text.data[i] | 32) != 'e')
            return false;
        i++;
        bool exp_minus = i < text.len && text.data[i] == '-';
        i += i < text.len && (text.data[i] == '-' || text.data[i] == '+');
        if (text.len - i < 1 || text.len - i > 3)
            return false;
        int exp = 0;
        for (; i < text.len; i++) {
            if (text.data[i] < '0' || text.data[i] > '9')
                return false;
            exp = exp * 10 + (text.data[i] - '0');
        }
        scale += exp_minus ? -exp : exp;
    }
    if (scale < -22 || scale > 22)
        return false;
    double d = (double)mantissa;
    d = scale < 0 ? d / pow10_exact[-scale] : d * pow10_exact[scale];
    *out = minus ? -d : d;
    return true;
}

/* Copies text with a NUL behind it; false when it is no candidate for a number. */
static bool copy_real(struct slice text, char copy[LONGEST_REAL])
{
    if (text.len == 0 || text.len >= LONGEST_REAL)
        return false;
    unsigned char c = (unsigned char)text.data[0];
    if (c == ' ' || (c >= '\t' && c <= '\r'))
        return false;
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    pthread_once(&c_locale_once, c_locale_make);
    errno = 0;
    return true;
}

bool num_parse_double(struct slice text, double *out)
{
    if (parse_simple(text, out))
        return true;
    char copy[LONGEST_REAL], *end;
    if (!copy_real(text, copy))
        return false;
    double d = strtod_l(copy, &end, c_locale);
    if (end != copy + text.len || isnan(d) || (errno == ERANGE && (isinf(d) || d == 0)))
        return false;
    *out = d;
    return true;
}

bool num_parse_long_double(struct slice text, long double *out)
{
    char copy[LONGEST_REAL], *end;
    if (!copy_real(text, copy))
        return false;
    long double d = strtold_l(copy, &end, c_locale);
    if (end != copy + text.len || isnan(d) || (errno == ERANGE && (isinf(d) || d == 0)))
        return false;
    *out = d;
    return true;
}

/* ---- writing real numbers ---- */

/* Between these a scale k of 0 to 27 gives 15 to 17 digits, and e + k < 0. */
#define SMALLEST_EXACT 1e-10
#define LARGEST_EXACT 1e15

/* A positive finite value as mantissa * 10^scale; the mantissa has no zeros at its end. */
struct decimal {
    uint64_t mantissa;
    int scale;
};

/* The power of ten of the first digit, for d in [SMALLEST_EXACT, LARGEST_EXACT). */
static int first_digit_exponent(double d)
{
    static const double below_one[] = {1e0,  1e-1, 1e-2, 1e-3, 1e-4, 1e-5,
                                       1e-6, 1e-7, 1e-8, 1e-9, 1e-10};
    int p = 0;
    if (d >= 1)
        while (d >= pow10_exact[p + 1])
            p++;
    else
        while (d < below_one[-p])
            p--;
    return p;
}

/* The integer nearest to f * 2^e * 10^k, if it reads back as f * 2^e. */
static bool round_to(uint64_t f, int e, int k, uint64_t *m)
{
    static const uint64_t five[28] = {
        1u, 5u, 25u, 125u, 625u, 3125u, 15625u, 78125u, 390625u, 1953125u, 9765625u, 48828125u,
        244140625u, 1220703125u, 6103515625u, 30517578125u, 152587890625u, 762939453125u,
        3814697265625u, 19073486328125u, 95367431640625u, 476837158203125u, 2384185791015625u,
        11920928955078125u, 59604644775390625u, 298023223876953125u, 1490116119384765625u,
        7450580596923828125u,};
    int s = -(e + k);
    must(k >= 0 && k < 28 && s > 0);
    uint64_t five_k = five[k];
    unsigned __int128 n = (unsigned __int128)f * five_k, half = (unsigned __int128)1 << (s - 1);
    *m = (uint64_t)((n + half) >> s);
    unsigned __int128 back = (unsigned __int128)*m << s;
    if (back - n == half && *m % 2) { /* a tie goes to the even one, as in printf */
        *m -= 1;
        back -= 2 * half;
    }
    unsigned __int128 off = back > n ? back - n : n - back;
    /* Below a power of two the steps of f are half as wide. */
    unsigned wide = back < n && f == (uint64_t)1 << 52 ? 4 : 2;
    return off * wide < five_k || (off * wide == five_k && f % 2 == 0);
}

static bool find_exact(double d, struct decimal *out)
{
    if (d < SMALLEST_EXACT || d >= LARGEST_EXACT)
        return false;
    int e;
    uint64_t f = (uint64_t)(frexp(d, &e) * 0x1p53), m = 0;
    e -= 53;
    int p = first_digit_exponent(d), k = 0;
    for (int digits = 15; digits <= 17; digits++) {
        k = digits - 1 - p;
        if (round_to(f, e, k, &m))
            break;
    }
    must(m > 0);
    while (m % 10 == 0) {
        m /= 10;
        k--;
    }
    *out = (struct decimal){m, -k};
    return true;
}

static void find_by_printing(double d, struct decimal *out)
{
    int precision = d < 2.3e-308 ? 1 : 15; /* very small doubles are less precise */
    char text[40];
    for (;; precision++) {
        snprintf(text, sizeof text, "%.*e", precision - 1, d);
        if (precision == 17 || strtod(text, NULL) == d)
            break;
    }
    uint64_t mantissa = 0;
    int scale = 0;
    const char *p = text;
    for (; *p != 'e'; p++)
        if (*p >= '0' && *p <= '9') /* whatever the locale's point looks like */
            mantissa = mantissa * 10 + (uint64_t)(*p - '0');
    scale = atoi(p + 1) - (precision - 1);
    must(mantissa > 0);
    while (mantissa % 10 == 0) {
        mantissa /= 10;
        scale++;
    }
    *out = (struct decimal){mantissa, scale};
}

/* digits (n of them) times 10^k. */
static size_t lay_out(char *out, const char *digits, int n, int k)
{
    int exp = abs(k + n - 1);
    char *p = out;
    if (k >= 0 && exp < n + 7) {
        memcpy(p, digits, (size_t)n);
        memset(p + n, '0', (size_t)k);
        return (size_t)(n + k);
    }
    if (k < 0 && (k > -7 || exp < 4)) {
        int whole = n + k;
        if (whole <= 0) {
            *p++ = '0';
            *p++ = '.';
            memset(p, '0', (size_t)-whole);
            p += -whole;
            memcpy(p, digits, (size_t)n);
            return (size_t)(p + n - out);
        }
        memcpy(p, digits, (size_t)whole);
        p[whole] = '.';
        memcpy(p + whole + 1, digits + whole, (size_t)(n - whole));
        return (size_t)n + 1;
    }
    *p++ = digits[0];
    if (n > 1) {
        *p++ = '.';
        memcpy(p, digits + 1, (size_t)(n - 1));
        p += n - 1;
    }
    *p++ = 'e';
    *p++ = k + n - 1 < 0 ? '-' : '+';
    size_t exp_len = count_digits((uint64_t)exp | (exp == 0));
    put_digits(p, (uint64_t)exp, exp_len);
    return (size_t)(p - out) + exp_len;
}

static size_t put_word(char *out, const char *word)
{
    size_t len = strlen(word);
    memcpy(out, word, len + 1);
    return len;
}

size_t num_format_double(char out[NUM_DOUBLE_TEXT], double d)
{
    if (isnan(d))
        return put_word(out, "nan");
    if (isinf(d))
        return put_word(out, d < 0 ? "-inf" : "inf");
    if (d == 0)
        return put_word(out, signbit(d) ? "-0" : "0");
    if (fabs(d) <= 0x1p62 && d == (double)(int64_t)d)
        return num_format_i64(out, (int64_t)d);
    bool minus = d < 0;
    struct decimal decimal;
    if (!find_exact(fabs(d), &decimal))
        find_by_printing(fabs(d), &decimal);
    char digits[NUM_I64_TEXT];
    size_t n = num_format_u64(digits, decimal.mantissa);
    out[0] = '-';
    size_t len = minus + lay_out(out + minus, digits, (int)n, decimal.scale);
    must(len < NUM_DOUBLE_TEXT);
    out[len] = '\0';
    return len;
}

size_t num_format_long_double(char out[NUM_LONG_DOUBLE_TEXT], long double d)
{
    if (isnan(d) || isinf(d))
        return put_word(out, isnan(d) ? "nan" : d < 0 ? "-inf" : "inf");
    out[0] = '\0';
    int len = snprintf(out, NUM_LONG_DOUBLE_TEXT, "%.17Lf", d);
    must(len > 18 && len < NUM_LONG_DOUBLE_TEXT);
    /* A locale may print another point; it is 17 digits from the end in any case. */
    out[len - 18] = '.';
    while (out[len - 1] == '0')
        len--;
    if (out[len - 1] == '.')
        len--;
    out[len] = '\0';
    if (strcmp(out, "-0") == 0)
        return put_word(out, "0");
    return (size_t)len;
}

size_t num_format_bytes(char out[NUM_DOUBLE_TEXT], uint64_t n)
{
    static const char units[] = "BKMGTPE";
    int unit = 0;
    double value = (double)n;
    while (value >= 1024 && units[unit + 1]) {
        value /= 1024;
        unit++;
    }
    int len = unit ? snprintf(out, NUM_DOUBLE_TEXT, "%.2f%c", value, units[unit])
                   : snprintf(out, NUM_DOUBLE_TEXT, "%lluB", (unsigned long long)n);
    must(len > 0 && len < NUM_DOUBLE_TEXT);
    return (size_t)len;
}
