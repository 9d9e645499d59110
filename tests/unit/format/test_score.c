/* SPDX-License-Identifier: BSD-3-Clause */
#include "format/score.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/num.h"
#include "base/rand.h"
#include "tests/unit/unit.h"

static uint64_t bits_of(double d)
{
    uint64_t bits;
    memcpy(&bits, &d, sizeof bits);
    return bits;
}

static void check(const char *text)
{
    double got = 7, want = 7;
    bool ok = score_parse(slice_str(text), &got), good = num_parse_double(slice_str(text), &want);
    if (ok != good || bits_of(got) != bits_of(want)) {
        printf("%s: %d %.17g, not %d %.17g\n", text, ok, got, good, want);
        CHECK(false);
    }
}

static void fixed(void)
{
    static const char *const texts[] = {
        "0", "-0", "1", "-1", "1.5", "0.1", "1e3", "1e+21", "1.5e-7", "9007199254740993",
        "9007199254740993.5", "18446744073709551615", "18446744073709551616", "1e22", "1e23",
        "1e27", "1e28", "1e308", "1e309", "1e-300", "4.9e-324", "inf", "-inf", "nan", "", "-", ".",
        "1.", ".5", "1e", "1e+", "e5", " 1", "1 ", "1x", "0x10", "1.2.3", "--1", "+1", "1e5.5",
        "0.000000000000000000000000001", "0000000000000000000000001.5", "1e999999999999",
        "123456789012345678901234567890", "0.30000000000000004", "5e-324", "1e-27", "1e0",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        check(texts[i]);
    char longer[SCORE_TEXT_MAX + 2];
    double d;
    memset(longer, '1', sizeof longer);
    CHECK(score_parse(slice(longer, SCORE_TEXT_MAX), &d));
    CHECK(!score_parse(slice(longer, SCORE_TEXT_MAX + 1), &d));
}

static void model(void)
{
    static const char *const formats[] = {"%.17g", "%.15g", "%.6f", "%.20f", "%.3e", "%.18g"};
    rand_seed(unit_seed());
    for (int i = 0; i < 200000; i++) {
        char text[400];
        double d = rand_unit() * (double)(1ULL << rand_below(60));
        if (rand_below(8) == 0) {
            uint64_t bits = rand_u64();
            memcpy(&d, &bits, sizeof d);
        }
        if (rand_below(8) == 0) /* half-way cases: an odd multiple of half an ulp of a big number */
            snprintf(text, sizeof text, "%" PRIu64,
                     ((uint64_t)1 << 53) + 1 + 2 * rand_below(1000000));
        else
            snprintf(text, sizeof text, formats[rand_below(6)], rand_below(2) ? d : -d);
        if (strlen(text) <= SCORE_TEXT_MAX)
            check(text);
    }
}

int main(void)
{
    return UNIT_RUN(UNIT(fixed), UNIT(model));
}
