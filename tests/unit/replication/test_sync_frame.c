/* SPDX-License-Identifier: BSD-3-Clause */
/* A data set in the stream, cut at every byte: nothing of it is lost, nothing behind it taken. */
#include "replication/sync_frame.h"

#include <stdio.h>

#include "base/buf.h"
#include "tests/unit/unit.h"

#define MARK "0123456789012345678901234567890123456789"

static struct sync_frame feed(const char *text, size_t len, size_t step, struct buf *body,
                              size_t *used)
{
    struct sync_frame f = {0};
    struct slice out[2];
    *used = 0;
    while (*used < len && f.state <= FRAME_BODY) {
        size_t n = len - *used < step ? len - *used : step;
        if (f.state == FRAME_HEAD) {
            *used += sync_frame_head(&f, text + *used, n);
            continue;
        }
        *used += sync_frame_body(&f, text + *used, n, out);
        buf_add(body, out[0]);
        buf_add(body, out[1]);
    }
    return f;
}

static void check(const char *head, const char *body, const char *end, const char *behind)
{
    struct buf text = {0};
    buf_printf(&text, "%s%s%s%s", head, body, end, behind);
    for (size_t step = 1; step <= text.len; step++) {
        struct buf got = {0};
        size_t used;
        struct sync_frame f = feed(text.data, text.len, step, &got, &used);
        CHECK_INT(f.state, FRAME_OVER);
        CHECK_SLICE(buf_slice(&got), slice_str(body));
        CHECK_INT(used, text.len - strlen(behind));
        buf_free(&got);
    }
    buf_free(&text);
}

static void is_cut_anywhere(void)
{
    check("$5\r\n", "abcde", "", "");
    check("\n\n$5\r\n", "abcde", "", "more");
    check("$0\r\n", "", "", "*1\r\n");
    check("$EOF:" MARK "\r\n", "abcde", MARK, "");
    check("\n$EOF:" MARK "\r\n", "abcde", MARK, "more of it");
    check("$EOF:" MARK "\r\n", "", MARK, "*1\r\n");
    /* what looks like the mark, and is part of it, in front of it */
    check("$EOF:" MARK "\r\n", "0123456789012345678901234567890", MARK, "0123456789");
    check("$EOF:" MARK "\r\n", "a012345678901234567890123456789012345678012345678", MARK, "");
    struct buf large = {0};
    for (int i = 0; i < 300; i++)
        buf_printf(&large, "%d", i);
    check("$EOF:" MARK "\r\n", buf_cstr(&large), MARK, "x");
    buf_free(&large);
}

static void tells_the_length(void)
{
    struct buf got = {0};
    size_t used;
    struct sync_frame f = feed("$9223372036854775807\r\nabc", 25, 25, &got, &used);
    CHECK_INT(f.state, FRAME_BODY);
    CHECK(f.length == INT64_MAX && f.left == INT64_MAX - 3);
    CHECK_SLICE(buf_slice(&got), SLICE_LIT("abc"));
    buf_free(&got);
}

static void is_bad(void)
{
    static const struct {
        const char *text, *why;
    } texts[] = {
        {"-ERR no\r\n", "MASTER aborted replication with an error: ERR no"},
        {"+OK\r\n", "Bad protocol from MASTER, the first byte is not '$' or what follows makes no "
                    "sense: +OK"},
        {"$-1\r\n", NULL}, {"$\r\n", NULL}, {"$5x\r\n", NULL}, {"$18446744073709551616\r\n", NULL},
        {"$18446744073709551615\r\n", NULL}, {"$9223372036854775808\r\n", NULL},
        {"$EOF:short\r\n", NULL}, {"$EOF:" MARK "0\r\n", NULL},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        for (size_t step = 1; step < 8; step++) {
            struct buf got = {0};
            size_t used;
            struct sync_frame f = feed(texts[i].text, strlen(texts[i].text), step, &got, &used);
            CHECK_INT(f.state, FRAME_BAD);
            if (texts[i].why)
                CHECK_STR(f.why, texts[i].why);
        }
    char endless[FRAME_LINE_MAX + 10];
    struct buf got = {0};
    size_t used;
    memset(endless, 'x', sizeof endless);
    CHECK_INT(feed(endless, sizeof endless, 7, &got, &used).state, FRAME_BAD);
    CHECK(used <= FRAME_LINE_MAX + 1);
}

int main(void)
{
    return UNIT_RUN(UNIT(is_cut_anywhere), UNIT(tells_the_length), UNIT(is_bad));
}
