/* SPDX-License-Identifier: BSD-3-Clause */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/num.h"
#include "base/rand.h"
#include "tests/unit/unit.h"

static int64_t edge_or_random(void)
{
    uint64_t n = rand_u64() >> rand_below(64);
    if (rand_below(4) == 0)
        n = (uint64_t)1 << rand_below(64);
    n += rand_below(3) - 1;
    return (int64_t)(rand_below(2) ? n : 0 - n);
}

static void integers_come_back(void)
{
    rand_seed(unit_seed());
    for (int i = 0; i < 200000; i++) {
        int64_t n = edge_or_random(), back;
        uint64_t u = (uint64_t)n, u_back;
        char text[NUM_I64_TEXT], want[32];
        size_t len = num_format_i64(text, n);
        snprintf(want, sizeof want, "%lld", (long long)n);
        CHECK_STR(text, want);
        CHECK_INT(len, strlen(want));
        CHECK_INT(num_i64_digits(n), len);
        CHECK(num_parse_i64(slice(text, len), &back) && back == n);
        len = num_format_u64(text, u);
        snprintf(want, sizeof want, "%llu", (unsigned long long)u);
        CHECK_STR(text, want);
        CHECK(num_parse_u64(slice(text, len), &u_back) && u_back == u);
    }
}

static void integers_are_canonical(void)
{
    static const char *const bad[] = {"", "-", "+1", "01", "-0", "-01", "00", " 1", "1 ", "1a", "a",
                                      "0x10", "1.0", "9223372036854775808", "-9223372036854775809",
                                      "18446744073709551616", "99999999999999999999", "--1",
                                      "123456789012345678901"};
    int64_t n;
    uint64_t u;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK(!num_parse_i64(slice_str(bad[i]), &n));
    CHECK(!num_parse_i64(slice("1\0", 2), &n));
    CHECK(num_parse_i64(SLICE_LIT("-9223372036854775808"), &n) && n == INT64_MIN);
    CHECK(num_parse_i64(SLICE_LIT("9223372036854775807"), &n) && n == INT64_MAX);
    CHECK(num_parse_u64(SLICE_LIT("18446744073709551615"), &u) && u == UINT64_MAX);
    CHECK(!num_parse_u64(SLICE_LIT("18446744073709551616"), &u));
    CHECK(!num_parse_u64(SLICE_LIT("28446744073709551615"), &u));
    CHECK(!num_parse_u64(SLICE_LIT("-1"), &u));
}

static void sizes_have_units(void)
{
    static const struct {
        const char *text;
        uint64_t want;
    } good[] = {{"0", 0},          {"1024", 1024},        {"10k", 10000},   {"10KB", 10240},
                {"1m", 1000000},   {"3Mb", 3u << 20},     {"2g", 2000000000}, {"1gB", 1u << 30},
                {"7b", 7},         {"0064mb", 64u << 20}, {"18446744073709551615", UINT64_MAX}};
    static const char *const bad[] = {"", "k", "-1", "1kk", "1 k", "1t", "+1", "1.5k", " 1", "mb1",
                                      "18446744073709551616", "18446744073709551615k"};
    uint64_t n;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        CHECK(num_parse_size(slice_str(good[i].text), &n) && n == good[i].want);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK(!num_parse_size(slice_str(bad[i]), &n));
}

static void doubles_are_read(void)
{
    static const struct {
        const char *text;
        double want;
    } good[] = {{"0", 0},           {"3", 3},          {"-1.5", -1.5},       {"+5", 5},
                {"1.", 1},          {".5", .5},        {"0x10", 16},         {"0x1p-2", .25},
                {"1e3", 1000},      {"1E+3", 1000},    {"1e-3", 1e-3},       {"inf", INFINITY},
                {"-Inf", -INFINITY}, {"+INF", INFINITY}, {"Infinity", INFINITY},
                {"1e308", 1e308},   {"5e-324", 5e-324}, {"0.1", 0.1},        {"1e22", 1e22},
                {"1e23", 1e23},     {"9007199254740993", 9007199254740992.0},
                {"123456789012345678", 123456789012345678.0},
                {"0.000000000000000000000000000001", 1e-30},
                {"1.7976931348623157e308", DBL_MAX}};
    static const char *const bad[] = {"", " 1", "1 ", "\t1", "nan", "-nan", "NAN(1)", "1_0",
                                      "1e400", "-1e400", "1e-400", "e5", ".", "-", "+", "1e",
                                      "1e+", "--1", "0x", "1,5", "infx", "1.2.3", "1e5.5",
                                      "1e5000"};
    double d;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        bool ok = num_parse_double(slice_str(good[i].text), &d);
        if (!ok || d != good[i].want)
            printf("'%s' is %.17g\n", good[i].text, ok ? d : NAN);
        CHECK(ok && d == good[i].want);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (num_parse_double(slice_str(bad[i]), &d))
            printf("'%s' was read\n", bad[i]);
        CHECK(!num_parse_double(slice_str(bad[i]), &d));
    }
    CHECK(num_parse_double(SLICE_LIT("-0"), &d) && d == 0 && signbit(d));
    CHECK(!num_parse_double(slice("1\0", 2), &d));
    static char wide[6000];
    memset(wide, '1', sizeof wide);
    CHECK(!num_parse_double(slice(wide, sizeof wide), &d));
    CHECK(num_parse_double(slice(wide, 300), &d) && d > 1e299);
}

static void doubles_are_laid_out(void)
{
    static const struct {
        double d;
        const char *want;
    } cases[] = {{3, "3"},
                 {0, "0"},
                 {-0.0, "-0"},
                 {-17, "-17"},
                 {1.5, "1.5"},
                 {-1.5, "-1.5"},
                 {0.1, "0.1"},
                 {0.1 + 0.2, "0.30000000000000004"},
                 {3.0000000000000004, "3.0000000000000004"},
                 {9007199254740992.0, "9007199254740992"},
                 {1e17, "100000000000000000"},
                 {123456789012345680.0, "123456789012345680"},
                 {1e18, "1000000000000000000"},
                 {1e19, "1e+19"},
                 {1e20, "1e+20"},
                 {1e21, "1e+21"},
                 {1.5e300, "1.5e+300"},
                 {123456789012345680000.0, "123456789012345680000"},
                 {0.0001, "0.0001"},
                 {1e-5, "0.00001"},
                 {1e-6, "0.000001"},
                 {1e-7, "1e-7"},
                 {1.5e-7, "1.5e-7"},
                 {1.5e-5, "0.000015"},
                 {0.001234567, "0.001234567"},
                 {1.25e-10, "1.25e-10"},
                 {5e-324, "5e-324"},
                 {2.2250738585072014e-308, "2.2250738585072014e-308"},
                 {DBL_MAX, "1.7976931348623157e+308"},
                 {-DBL_MAX, "-1.7976931348623157e+308"},
                 {123456789.125, "123456789.125"},
                 {INFINITY, "inf"},
                 {-INFINITY, "-inf"},
                 {NAN, "nan"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[NUM_DOUBLE_TEXT];
        size_t len = num_format_double(text, cases[i].d);
        CHECK_STR(text, cases[i].want);
        CHECK_INT(len, strlen(text));
    }
}

static double random_double(void)
{
    double d;
    switch (rand_below(4)) {
    case 0:
        do {
            uint64_t bits = rand_u64();
            memcpy(&d, &bits, sizeof d);
        } while (isnan(d) || isinf(d));
        return d;
    case 1:
        return rand_unit();
    case 2: /* few decimals */
        return ((double)rand_below(100000000) - 5e7) / pow(10, (double)rand_below(12));
    default:
        return (double)(int64_t)rand_u64() * pow(2, (double)rand_below(60) - 50);
    }
}

/* The digits of text without point, sign, exponent and outer zeros. */
static size_t bare_digits(const char *text, char *out)
{
    size_t n = 0;
    for (; *text && *text != 'e'; text++)
        if (*text >= '0' && *text <= '9' && (n || *text != '0'))
            out[n++] = *text;
    while (n && out[n - 1] == '0')
        n--;
    out[n] = '\0';
    return n;
}

static void doubles_come_back_short(void)
{
    rand_seed(unit_seed());
    for (int i = 0; i < 60000; i++) {
        double d = random_double(), back;
        char text[NUM_DOUBLE_TEXT], shorter[64];
        size_t len = num_format_double(text, d);
        CHECK(len < NUM_DOUBLE_TEXT && strlen(text) == len);
        CHECK(num_parse_double(slice(text, len), &back));
        CHECK(memcmp(&back, &d, sizeof d) == 0);
        CHECK(strtod(text, NULL) == d);
        char got[64], want[64];
        size_t digits = bare_digits(text, got);
        if (fabs(d) >= 0x1p62 || d != floor(d)) {
            CHECK(digits > 0 && digits <= 17);
            snprintf(shorter, sizeof shorter, "%.*e", (int)digits - 1, d);
            bare_digits(shorter, want);
            CHECK_STR(got, want); /* of that many digits the nearest */
            if (digits > 1) { /* one digit less does not do */
                snprintf(shorter, sizeof shorter, "%.*e", (int)digits - 2, d);
                CHECK(strtod(shorter, NULL) != d);
            }
        }
    }
}

static void simple_texts_are_read_exactly(void)
{
    rand_seed(unit_seed());
    for (int i = 0; i < 100000; i++) {
        char text[64];
        int len = snprintf(text, sizeof text, "%s%llu", rand_below(2) ? "-" : "",
                           (unsigned long long)(rand_u64() >> rand_below(64)));
        if (rand_below(2))
            len += snprintf(text + len, sizeof text - (size_t)len, ".%0*llu", (int)rand_below(6),
                            (unsigned long long)rand_below(100000));
        if (rand_below(2))
            len += snprintf(text + len, sizeof text - (size_t)len, "e%d", (int)rand_below(60) - 30);
        double d;
        CHECK(num_parse_double(slice(text, (size_t)len), &d));
        CHECK(d == strtod(text, NULL));
    }
}

static void long_doubles(void)
{
    static const struct {
        const char *a, *b, *sum;
    } cases[] = {{"10.5", "0.1", "10.6"},     {"5.0e3", "2.0e2", "5200"}, {"-0", "0", "0"},
                 {"1", "-1", "0"},            {"-1e-30", "0", "0"},       {"0.1", "0.2", "0.3"},
                 {"1e17", "1", "100000000000000001"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        long double a, b;
        char text[NUM_LONG_DOUBLE_TEXT];
        CHECK(num_parse_long_double(slice_str(cases[i].a), &a));
        CHECK(num_parse_long_double(slice_str(cases[i].b), &b));
        size_t len = num_format_long_double(text, a + b);
        CHECK_STR(text, cases[i].sum);
        CHECK_INT(len, strlen(text));
    }
    long double d;
    char text[NUM_LONG_DOUBLE_TEXT];
    CHECK(!num_parse_long_double(SLICE_LIT(" 1"), &d));
    CHECK(!num_parse_long_double(SLICE_LIT("nan"), &d));
    CHECK(!num_parse_long_double(SLICE_LIT(""), &d) && !num_parse_long_double(SLICE_LIT("1x"), &d));
    CHECK_INT(num_format_long_double(text, LDBL_MAX), 4933);
    CHECK(num_format_long_double(text, -1e300L) > 300);
}

static void bytes_for_people(void)
{
    static const struct {
        uint64_t n;
        const char *want;
    } cases[] = {{0, "0B"},           {1023, "1023B"},      {1024, "1.00K"},
                 {1536, "1.50K"},     {1087760, "1.04M"},   {25276518400ull, "23.54G"},
                 {1ull << 40, "1.00T"}, {1ull << 50, "1.00P"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[NUM_DOUBLE_TEXT];
        CHECK_INT(num_format_bytes(text, cases[i].n), strlen(cases[i].want));
        CHECK_STR(text, cases[i].want);
    }
}

static void hexadecimal(void)
{
    static const char *const bad[] = {"", "A", "g", "0x1", " 1", "1 ", "-1", "+1", "/", ":", "`",
                                      "00000000000000000", "fF"};
    char text[16];
    uint64_t n;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK(!num_parse_hex(slice_str(bad[i]), &n));
    CHECK(num_parse_hex(SLICE_LIT("00fe"), &n) && n == 0xfe);
    CHECK(num_parse_hex(SLICE_LIT("ffffffffffffffff"), &n) && n == UINT64_MAX);
    num_put_hex(text, 4, 0x123abc); /* the lowest digits */
    CHECK_SLICE(slice(text, 4), SLICE_LIT("3abc"));
    rand_seed(unit_seed());
    for (int i = 0; i < 10000; i++) {
        unsigned width = 1 + (unsigned)rand_below(16);
        uint64_t want = rand_u64() >> (64 - 4 * width);
        num_put_hex(text, width, want);
        CHECK(num_parse_hex(slice(text, width), &n) && n == want);
    }
}

int main(void)
{
    return UNIT_RUN(UNIT(integers_come_back), UNIT(integers_are_canonical), UNIT(sizes_have_units),
                    UNIT(doubles_are_read), UNIT(doubles_are_laid_out),
                    UNIT(doubles_come_back_short), UNIT(simple_texts_are_read_exactly),
                    UNIT(long_doubles), UNIT(bytes_for_people), UNIT(hexadecimal));
}
