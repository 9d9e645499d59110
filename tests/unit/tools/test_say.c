/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"
#include "tools/say.h"

/* What was written to a temporary file. */
static const char *text_of(FILE *f, struct buf *hold)
{
    char part[4096];
    size_t n;
    buf_clear(hold);
    rewind(f);
    while ((n = fread(part, 1, sizeof part, f)) > 0)
        buf_append(hold, part, n);
    return buf_cstr(hold);
}

static void bytes_are_a_string_when_they_are_utf8(void)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *json;
    } rows[] = {
        {"", 0, "\"\""},
        {"a\"b\\c", 5, "\"a\\\"b\\\\c\""},
        {"\n\t\x01\x7f", 4, "\"\\n\\t\\u0001\\u007f\""},
        {"\0", 1, "\"\\u0000\""},
        {"\xc3\xa9", 2, "\"\xc3\xa9\""},
        {"\xf0\x9f\x98\x80", 4, "\"\xf0\x9f\x98\x80\""},
        {"\xff", 1, "{\"base64\":\"/w==\"}"},
        {"\xc0\x80", 2, "{\"base64\":\"wIA=\"}"},         /* longer than it need be */
        {"\xed\xa0\x80", 3, "{\"base64\":\"7aCA\"}"},     /* half a surrogate pair */
        {"\xf4\x90\x80\x80", 4, "{\"base64\":\"9JCAgA==\"}"}, /* beyond U+10FFFF */
        {"ab\xc3", 3, "{\"base64\":\"YWLD\"}"},           /* cut off */
    };
    struct buf to = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        buf_clear(&to);
        json_bytes(&to, slice(rows[i].bytes, rows[i].len));
        CHECK_STR(buf_cstr(&to), rows[i].json);
    }
    buf_free(&to);
}

static void one_object_at_the_end(void)
{
    struct say s;
    struct buf hold = {0};
    FILE *f = tmpfile();
    say_begin(&s, f, true, false, "check");
    say_list(&s, "faults");
    say_row(&s, "points", FIELDS(SAY_U64("position", 7), SAY_TEXT("kind", NULL)), "%d", 7);
    say_fields(&s, FIELDS(SAY_BOOL("whole", true), SAY_DOUBLE("share", 0.25),
                          SAY_TIME("at", 1500), SAY_TIME("never", -1)), "told to people only");
    say_row(&s, "points", FIELDS(SAY_BYTES("key", SLICE_LIT("\xff")), SAY_I64("n", -1)), NULL);
    say_line(&s, "people only");
    CHECK_STR(text_of(f, &hold), "");
    say_end(&s, "good", 0);
    CHECK_STR(text_of(f, &hold),
              "{\"schema\":1,\"verb\":\"check\",\"result\":\"good\",\"exit\":0,\"whole\":true,"
              "\"share\":0.25,\"at\":\"1970-01-01T00:00:01.500Z\",\"never\":null,\n\"faults\":[],\n"
              "\"points\":[\n{\"position\":7,\"kind\":null},\n"
              "{\"key\":{\"base64\":\"/w==\"},\"n\":-1}]}\n");
    say_free(&s);
    fclose(f);
    buf_free(&hold);
}

static void people_read_lines_at_once(void)
{
    struct say s;
    struct buf hold = {0};
    FILE *f = tmpfile();
    say_begin(&s, f, false, false, "check");
    say_row(&s, "points", FIELDS(SAY_U64("position", 7)), "position %d", 7);
    say_fields(&s, FIELDS(SAY_U64("keys", 3)), NULL);
    say_line(&s, "%d keys", 3);
    CHECK_STR(text_of(f, &hold), "position 7\n3 keys\n");
    say_end(&s, "good", 0);
    CHECK_STR(text_of(f, &hold), "position 7\n3 keys\n");
    say_free(&s);
    rewind(f);
    say_begin(&s, f, false, true, "check"); /* quiet */
    say_line(&s, "nothing of this");
    say_end(&s, "good", 0);
    CHECK_STR(text_of(f, &hold), "position 7\n3 keys\n");
    say_free(&s);
    fclose(f);
    buf_free(&hold);
}

/* A list longer than memory is meant for comes out whole and in order. */
static void long_lists_are_whole(void)
{
    enum { ROWS = 100000 };
    struct say s;
    struct buf hold = {0}, want = {0};
    FILE *f = tmpfile();
    say_begin(&s, f, true, false, "who");
    buf_printf(&want, "{\"schema\":1,\"verb\":\"who\",\"result\":\"good\",\"exit\":0,\n\"rows\":[");
    for (int i = 0; i < ROWS; i++) {
        say_row(&s, "rows", FIELDS(SAY_I64("row_number", i)), NULL);
        buf_printf(&want, "%s\n{\"row_number\":%d}", i ? "," : "", i);
    }
    buf_printf(&want, "]}\n");
    CHECK(s.lists[0].buf.len < 2 << 20);
    CHECK(s.lists[0].spilled != NULL);
    say_end(&s, "good", 0);
    text_of(f, &hold);
    CHECK_SLICE(buf_slice(&hold), buf_slice(&want));
    say_free(&s);
    fclose(f);
    buf_free(&hold);
    buf_free(&want);
}

static void a_line_cannot_move_the_cursor(void)
{
    struct buf hold = {0};
    CHECK_STR(say_text(&hold, slice("a\033[2J\xc3\xa9\\", 8), 100), "a\\x1b[2J\\xc3\\xa9\\\\");
    CHECK_STR(say_text(&hold, SLICE_LIT("abcdefgh"), 4), "abcd...");
    CHECK_STR(say_text(&hold, SLICE_LIT("abcd"), 4), "abcd");
    buf_free(&hold);
}

int main(void)
{
    return UNIT_RUN(UNIT(bytes_are_a_string_when_they_are_utf8), UNIT(one_object_at_the_end),
                    UNIT(people_read_lines_at_once), UNIT(long_lists_are_whole),
                    UNIT(a_line_cannot_move_the_cursor));
}
