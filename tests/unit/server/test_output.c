/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/output.h"

#include <stdio.h>

#include "base/mem.h"
#include "base/rand.h"
#include "tests/unit/unit.h"

/* What is unsent, as parts of at most most bytes give it. */
static void unsent(const struct output *o, size_t most, struct buf *to)
{
    struct iovec parts[16];
    buf_clear(to);
    int n = output_parts(o, most, parts, 16);
    for (int i = 0; i < n; i++)
        buf_append(to, parts[i].iov_base, parts[i].iov_len);
}

static void put(struct output *o, const char *text)
{
    buf_add(&o->open, slice_str(text));
}

static void blocks_leave_in_order(void)
{
    struct output o = {0};
    struct buf got = {0};
    output_seal(&o, 10); /* nothing to seal */
    CHECK(!o.sealed);
    put(&o, "one");
    output_seal(&o, 10);
    put(&o, "two");
    output_seal(&o, 10);
    put(&o, "three");
    CHECK_INT(output_end(&o), 11);
    unsent(&o, 100, &got);
    CHECK_SLICE(buf_slice(&got), SLICE_LIT("onetwothree"));
    unsent(&o, 5, &got);
    CHECK_SLICE(buf_slice(&got), SLICE_LIT("onetw"));
    unsent(&o, 0, &got);
    CHECK_INT(got.len, 0);
    output_sent(&o, 4, 100);
    CHECK_INT(output_end(&o), 11);
    CHECK_INT(output_unsent(&o), 7);
    unsent(&o, 100, &got);
    CHECK_SLICE(buf_slice(&got), SLICE_LIT("wothree"));
    output_sent(&o, 7, 1 << 20);
    CHECK_INT(output_unsent(&o), 0);
    CHECK_INT(output_end(&o), 11);
    CHECK(!o.sealed && o.open.cap); /* the open one is kept */
    put(&o, "four");
    output_sent(&o, 4, 3);
    CHECK_INT(output_memory(&o), 0); /* larger than what is kept */
    CHECK_INT(output_end(&o), 15);
    output_free(&o);
    buf_free(&got);
}

/* A large element lies where it was written until it has left. */
static void nothing_is_moved(void)
{
    struct output o = {0};
    memset(buf_reserve(&o.open, 1 << 20), 'x', 1 << 20);
    o.open.len = 1 << 20;
    const char *at = o.open.data;
    struct iovec part[2];
    for (int i = 0; i < 1000; i++) {
        output_seal(&o, 100);
        o.open.len = OUTPUT_FULL; /* as if elements had filled it */
    }
    output_sent(&o, 1000, 0);
    CHECK_INT(output_parts(&o, SIZE_MAX, part, 2), 2);
    CHECK(part[0].iov_base == at + 1000 && part[0].iov_len == (1 << 20) - 1000);
    CHECK(output_memory(&o) >= (1 << 20) + 1000 * OUTPUT_BLOCK);
    output_sent(&o, (1 << 20) - 1000, 0);
    CHECK(output_memory(&o) < 1002 * OUTPUT_BLOCK);
    size_t full = output_memory(&o);
    output_seal(&o, 100);
    put(&o, "element"); /* in front of one that does not fit behind it */
    output_seal(&o, OUTPUT_BLOCK);
    CHECK(output_memory(&o) < full + 1000);
    output_free(&o);
    CHECK_INT(output_memory(&o), 0);
    CHECK_INT(output_end(&o), 1 << 20);
}

/* What is appended, shrunk and sent in any order is what a plain buffer would hold. */
static void as_a_plain_buffer(void)
{
    struct output o = {0};
    struct buf want = {0}, got = {0};
    uint64_t first = 0; /* the place of want's first byte */
    size_t before = mem_used();
    rand_seed(unit_seed());
    for (int step = 0; step < 20000; step++) {
        size_t n = rand_below(50), at;
        switch (rand_below(6)) {
        case 0:
        case 1:
            for (size_t i = 0; i < n; i++) {
                unsigned char byte = (unsigned char)rand_below(256);
                buf_byte(&o.open, byte);
                buf_byte(&want, byte);
            }
            break;
        case 2:
            output_seal(&o, n);
            break;
        case 3: {
            struct buf more = {0};
            buf_append(&more, "0123456789012345678901234567890123456789012345678", n);
            buf_add(&want, buf_slice(&more));
            output_add(&o, &more);
            CHECK(!more.data);
            break;
        }
        case 4: { /* a few bytes in the midst of a block go */
            if (!want.len)
                break;
            size_t place = (size_t)rand_below(want.len);
            struct buf *block = output_find(&o, first + place, &at);
            size_t behind = block->len - at, gone = behind < 3 ? behind : 3;
            CHECK_INT((unsigned char)block->data[at], (unsigned char)want.data[place]);
            memmove(block->data + at, block->data + at + gone, behind - gone);
            output_shrink(&o, block, gone);
            memmove(want.data + place, want.data + place + gone, want.len - place - gone);
            want.len -= gone;
            break;
        }
        default:
            unsent(&o, n, &got);
            CHECK_SLICE(buf_slice(&got), slice(want.data, got.len));
            CHECK(got.len == (n < want.len ? n : want.len) || got.len < n);
            output_sent(&o, got.len, 64);
            buf_drop_front(&want, got.len);
            first += got.len;
        }
        CHECK_INT(output_unsent(&o), want.len);
        CHECK_INT(output_end(&o), first + want.len);
    }
    while (output_unsent(&o)) {
        unsent(&o, SIZE_MAX, &got);
        CHECK_SLICE(buf_slice(&got), slice(want.data, got.len));
        output_sent(&o, got.len, 64);
        buf_drop_front(&want, got.len);
    }
    CHECK_INT(want.len, 0);
    output_free(&o);
    buf_free(&want);
    buf_free(&got);
    CHECK_INT(mem_used(), before);
}

/* Whatever two hold, one behind the other is what the first holds then. */
static void one_takes_another(void)
{
    static const size_t sizes[] = {0, 5, 100, OUTPUT_FULL, OUTPUT_BLOCK + 7, 3 * OUTPUT_BLOCK};
    enum { SIZES = sizeof sizes / sizeof *sizes };
    size_t before = mem_used();
    for (int round = 0; round < 500; round++) {
        struct output o[2] = {{.sent = 0}};
        struct buf want = {0}, got = {0};
        for (int side = 0; side < 2; side++) {
            for (uint64_t n = rand_below(5); n > 0; n--) {
                size_t len = sizes[rand_below(SIZES)];
                if (o[side].open.len + len > OUTPUT_FULL)
                    output_seal(&o[side], len);
                for (size_t i = 0; i < len; i++)
                    buf_byte(&o[side].open, (unsigned char)(want.len + i));
                for (size_t i = 0, base = want.len; i < len; i++)
                    buf_byte(&want, (unsigned char)(base + i));
            }
        }
        output_take(&o[0], &o[1]);
        CHECK_INT(output_unsent(&o[1]) + output_memory(&o[1]), 0);
        unsent(&o[0], SIZE_MAX, &got);
        CHECK_SLICE(buf_slice(&got), buf_slice(&want));
        CHECK_INT(output_end(&o[0]), want.len);
        output_free(&o[0]);
        buf_free(&want);
        buf_free(&got);
    }
    CHECK_INT(mem_used(), before);
}

/* Of what was owed nothing is left behind a place, and it goes on from there. */
static void is_cut_anywhere(void)
{
    size_t before = mem_used();
    for (int round = 0; round < 500; round++) {
        struct output o = {.sent = 0};
        struct buf want = {0}, got = {0};
        for (uint64_t n = rand_below(6); n > 0; n--) {
            size_t len = 1 + rand_below(3 * OUTPUT_BLOCK);
            if (o.open.len + len > OUTPUT_FULL)
                output_seal(&o, len);
            for (size_t i = 0; i < len; i++) {
                buf_byte(&want, (unsigned char)want.len);
                buf_byte(&o.open, want.data[want.len - 1]);
            }
        }
        size_t gone = rand_below(want.len + 1);
        output_sent(&o, gone, 64);
        size_t place = gone + rand_below(want.len - gone + 1);
        output_cut(&o, place);
        CHECK_INT(output_end(&o), place);
        CHECK_INT(output_unsent(&o), place - gone);
        buf_byte(&o.open, 'x');
        want.len = place;
        buf_byte(&want, 'x');
        unsent(&o, SIZE_MAX, &got);
        CHECK_SLICE(buf_slice(&got), slice(want.data + gone, want.len - gone));
        output_sent(&o, output_unsent(&o), 64);
        CHECK_INT(output_end(&o), place + 1);
        output_free(&o);
        buf_free(&want);
        buf_free(&got);
    }
    CHECK_INT(mem_used(), before);
}

int main(void)
{
    return UNIT_RUN(UNIT(blocks_leave_in_order), UNIT(nothing_is_moved), UNIT(as_a_plain_buffer),
                    UNIT(one_takes_another), UNIT(is_cut_anywhere));
}
