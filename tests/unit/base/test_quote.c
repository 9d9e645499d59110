/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/quote.h"

#include <string.h>

#include "base/rand.h"
#include "tests/unit/unit.h"

static void check_put(struct slice word, bool named, const char *want)
{
    struct buf b = {0};
    quote_put(&b, word, named);
    CHECK_STR(buf_cstr(&b), want);
    buf_free(&b);
}

static void writes(void)
{
    check_put(SLICE_LIT(""), false, "\"\"");
    check_put(SLICE_LIT("a b~"), false, "\"a b~\"");
    check_put(SLICE_LIT("\"\\'"), false, "\"\\\"\\\\'\"");
    check_put(SLICE_LIT("\n\0\x7f\xff"), false, "\"\\x0a\\x00\\x7f\\xff\"");
    check_put(SLICE_LIT("\n\r\t\b\a\v\0"), true, "\"\\n\\r\\t\\b\\a\\x0b\\x00\"");
}

static void knows_what_needs_no_quotes(void)
{
    CHECK(quote_plain(SLICE_LIT("appendonly.aof.1~!")));
    CHECK(!quote_plain(SLICE_LIT("")));
    static const char needs[] = " \"'\\\t\n\x7f\x80\xff";
    for (size_t i = 0; i < sizeof needs; i++) {
        char word[] = {'a', needs[i], 'b'};
        CHECK(!quote_plain(slice(word, 3)));
    }
}

enum { WORDS = 4 };

/* Splits text; the words, each in brackets, or the negative count. */
static void check_split(struct slice text, const char *want)
{
    struct slice words[WORDS];
    struct buf line = {0}, got = {0};
    buf_add(&line, text);
    int n = quote_split(line.data, line.len, words, WORDS);
    if (n < 0)
        buf_printf(&got, "%d", n);
    for (int i = 0; i < n; i++)
        buf_printf(&got, "[%.*s]", SLICE_ARG(words[i]));
    CHECK_STR(buf_cstr(&got), want);
    buf_free(&line);
    buf_free(&got);
}

static void splits(void)
{
    check_split(SLICE_LIT("  set  k\tv\r\n"), "[set][k][v]");
    check_split(SLICE_LIT("a\0b"), "[a][b]");
    check_split(SLICE_LIT(" \v\f "), "");
    check_split(SLICE_LIT("1 2 3 4 5"), "-2");
    check_split(SLICE_LIT("\"a b\" 'c d' \"\" ''"), "[a b][c d][][]");
    check_split(SLICE_LIT("\"\\x41\\X\\\"\\\\\\x4\" '\\'\\n'"), "[AX\"\\x4]['\\n]");
    check_split(SLICE_LIT("\"\\n\\r\\t\\b\\a\""), "[\n\r\t\b\a]");
    check_split(SLICE_LIT("ab\"c d\" e"), "[abc d][e]");
}

static void refuses(void)
{
    check_split(SLICE_LIT("\"a"), "-1");
    check_split(SLICE_LIT("'a"), "-1");
    check_split(SLICE_LIT("\"a\\"), "-1");
    check_split(SLICE_LIT("\"a\\\""), "-1");
    check_split(SLICE_LIT("\"a\"b"), "-1");
    check_split(SLICE_LIT("'a'\"b\""), "-1");
    check_split(SLICE_LIT("\"a\"\0"), "-1");
}

/* Any bytes come back, and splitting any bytes stays within them. */
static void comes_back(void)
{
    rand_seed(unit_seed());
    for (int i = 0; i < 20000; i++) {
        char text[24];
        size_t len = rand_below(sizeof text + 1);
        bool any = rand_below(2);
        for (size_t k = 0; k < len; k++)
            text[k] = (char)(any ? rand_below(256) : (unsigned char)"\"'\\xa1 n"[rand_below(8)]);
        struct slice words[sizeof text];
        struct buf line = {0};
        quote_put(&line, slice(text, len), rand_below(2));
        CHECK_INT(quote_split(line.data, line.len, words, 1), 1);
        CHECK_SLICE(words[0], slice(text, len));
        buf_clear(&line);
        buf_append(&line, text, len);
        int n = len ? quote_split(line.data, line.len, words, (int)sizeof text) : 0;
        for (int k = 0; k < n; k++)
            CHECK(words[k].data >= line.data && words[k].data + words[k].len <= line.data + len);
        buf_free(&line);
    }
}

int main(void)
{
    return UNIT_RUN(UNIT(writes), UNIT(knows_what_needs_no_quotes), UNIT(splits), UNIT(refuses),
                    UNIT(comes_back));
}
