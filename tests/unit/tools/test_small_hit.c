/* SPDX-License-Identifier: BSD-3-Clause */
/* A small batch that was hit where it stands, and what only looks so. */
#include "tools/small_hit.h"

#include <string.h>

#include "base/buf.h"
#include "base/must.h"
#include "format/aof_write.h"
#include "tests/unit/format/aof_lines.h"
#include "tests/unit/unit.h"

/* Where the parts of text begin: the batch that is hit, its line, the next batch, its line. */
struct two {
    struct buf text;
    size_t line[2], end[2];
};

static void make_two(struct two *t, size_t value_len)
{
    struct aof_chain c = {.open = true, .id = 1, .crc = 77};
    struct buf body = {0};
    char value[500];
    must(value_len <= sizeof value);
    memset(value, 'v', sizeof value);
    buf_clear(&t->text);
    for (int i = 0; i < 2; i++) {
        const struct slice argv[] = {SLICE_LIT("SET"), SLICE_LIT("key"), slice(value, value_len)};
        buf_clear(&body);
        aof_put_command(&body, argv, 3);
        put_small(&t->text, &c, buf_slice(&body));
        t->end[i] = t->text.len;
        t->line[i] = t->text.len - AOF_SMALL_LINE;
    }
    buf_free(&body);
}

/* Ten bytes of the first batch, or of its line, in the middle of a block. */
static void ten_bytes(void)
{
    enum { TEN = 10, AT = SMALL_HIT_BLOCK * 4 + 10, HEAD = 22, HEAD_LEN = 6, VALUE = 100 };
    struct two t = {0};
    make_two(&t, VALUE);
    for (size_t at = 0; at + TEN <= t.end[0]; at++) {
        struct buf text = {0};
        buf_add(&text, buf_slice(&t.text));
        memset(text.data + at, 0, TEN);
        int i = at + TEN > t.line[0] ? 1 : 0;
        bool hit = small_hit(slice(text.data, t.end[i]), t.line[i], AT);
        /* Of the value's length nothing is left: it may be any. */
        bool length = at < HEAD + HEAD_LEN && at + TEN > HEAD;
        CHECK(hit == !length);
        buf_free(&text);
    }
    buf_free(&t.text);
}

/* From the line in front to the batch's own none begins. */
static void blocks(void)
{
    struct two t = {0};
    make_two(&t, 8);
    for (int damaged = 0; damaged < 2; damaged++) {
        for (uint64_t at = SMALL_HIT_BLOCK; at < 3 * SMALL_HIT_BLOCK; at++) {
            uint64_t in_block = at % SMALL_HIT_BLOCK;
            bool hit = small_hit(slice(t.text.data, t.end[0]), t.line[0], at);
            CHECK(hit == (in_block >= AOF_SMALL_LINE &&
                          in_block + t.end[0] < SMALL_HIT_BLOCK));
        }
        memset(t.text.data + 10, 0, 6);
    }
    buf_free(&t.text);
}

/* The line of a long batch and the shortest command whose one argument may hold anything are gone;
 * or they are not. */
static void long_ones(void)
{
    static const char command[] = "*2\r\n$3\r\nDEL\r\n$4000\r\n", front[] = "*1\r\n$4\r\nPING\r\n";
    struct aof_chain c = {.open = true, .id = 1, .crc = 77};
    struct buf text = {0};
    put_small(&text, &c, slice_str(front));
    size_t from = text.len;
    put_batch(&text, &c, SLICE_LIT(""), 0);
    buf_add(&text, slice_str(command));
    size_t held = text.len;
    put_small(&text, &c, slice_str(front));
    size_t line = text.len - AOF_SMALL_LINE, at = SMALL_HIT_BLOCK + 10;
    CHECK(held - from >= SMALL_HIT_GAP + 4);
    for (size_t begin = 0; begin < held; begin++)
        for (size_t end = begin + 1; end <= held; end++) {
            struct buf bad = {0};
            buf_add(&bad, buf_slice(&text));
            memset(bad.data + begin, 0, end - begin);
            CHECK(!small_hit(buf_slice(&bad), line, at));
            memset(bad.data + begin, 'x', end - begin);
            CHECK(!small_hit(buf_slice(&bad), line, at));
            buf_free(&bad);
        }
    CHECK(!small_hit(slice_from(buf_slice(&text), from), line - from, at));
    buf_free(&text);
}

int main(void)
{
    return UNIT_RUN(UNIT(ten_bytes), UNIT(blocks), UNIT(long_ones));
}
