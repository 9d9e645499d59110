/* SPDX-License-Identifier: BSD-3-Clause */
#include "format/in.h"

#include <errno.h>

#include "base/crc64.h"
#include "base/mem.h"
#include "base/rand.h"
#include "tests/unit/unit.h"

/* A callback that hands out a text in pieces of at most step bytes. */
struct pieces {
    struct slice left;
    size_t step;
    int fail_with;
};

static ssize_t read_piece(void *arg, void *to, size_t n)
{
    struct pieces *p = arg;
    if (p->left.len == 0)
        return p->fail_with ? -p->fail_with : 0;
    if (n > p->step)
        n = p->step;
    if (n > p->left.len)
        n = p->left.len;
    memcpy(to, p->left.data, n);
    p->left = slice_from(p->left, n);
    return (ssize_t)n;
}

static void reads_numbers(void)
{
    struct in in;
    in_init_memory(&in, SLICE_LIT("\x01\x02\x03\x01\x02\x03\x04\x01\x02\x03\x04"
                                  "\x01\x02\x03\x04\x05\x06\x07\x08\0\0\0\0\0\0\xf8\x3f"));
    CHECK_INT(in_byte(&in), 1);
    CHECK_INT(in_le16(&in), 0x0302);
    CHECK_INT(in_le32(&in), 0x04030201);
    CHECK_INT(in_be32(&in), 0x01020304);
    CHECK_INT((int64_t)in_be64(&in), 0x0102030405060708);
    CHECK(in_le_double(&in) == 1.5);
    CHECK(in_at_end(&in));
    CHECK(!in_bad(&in));
}

static void keeps_its_first_fault(void)
{
    struct in in;
    struct buf hold = {0};
    uint8_t b[4] = {1, 1, 1, 1};
    in_init_memory(&in, SLICE_LIT("abc"));
    in.doing = "testing";
    in_byte(&in);
    CHECK_INT(in_le32(&in), 0);
    CHECK(in_bad(&in));
    CHECK_INT(in.fault.code, FAULT_EOF);
    CHECK_INT((int64_t)in.fault.offset, 1);
    CHECK_STR(in.fault.doing, "testing");
    in_fail(&in, FAULT_CRC, "later");
    CHECK_INT(in.fault.code, FAULT_EOF);
    CHECK_INT(in_byte(&in), 0);
    CHECK(!in_bytes(&in, b, 4));
    CHECK_INT(b[0] | b[3], 0);
    CHECK_INT((int64_t)in_slice(&in, 1, &hold).len, 0);
    CHECK(!in_skip(&in, 1));
    CHECK_INT((int64_t)in_offset(&in), 1);
    buf_free(&hold);
}

static void a_long_slice_does_not_allocate_what_is_not_there(void)
{
    struct in in;
    struct buf hold = {0};
    struct pieces p = {.left = SLICE_LIT("short"), .step = 3};
    in_init_memory(&in, SLICE_LIT("short"));
    in_slice(&in, UINT64_MAX - 1, &hold);
    CHECK_INT(in.fault.code, FAULT_EOF);
    CHECK_INT((int64_t)hold.cap, 0);
    in_init_callback(&in, read_piece, &p, IN_SIZE_UNKNOWN, 1024);
    in_slice(&in, UINT64_MAX - 1, &hold);
    CHECK_INT(in.fault.code, FAULT_EOF);
    CHECK((hold.cap) < 1 << 20);
    in_free(&in);
    buf_free(&hold);
}

static void tells_read_errors(void)
{
    struct pieces p = {.left = SLICE_LIT("ab"), .step = 9, .fail_with = EIO};
    struct in in;
    in_init_callback(&in, read_piece, &p, IN_SIZE_UNKNOWN, 0);
    CHECK_INT(in_le16(&in), 'a' | 'b' << 8);
    CHECK_INT(in_byte(&in), 0);
    CHECK_INT(in.fault.code, FAULT_IO);
    CHECK_INT(in.fault.err, EIO);
    in_free(&in);
}

static void an_early_end_is_noticed(void)
{
    struct pieces p = {.left = SLICE_LIT("abc"), .step = 9};
    struct in in;
    in_init_callback(&in, read_piece, &p, 10, 0);
    CHECK_INT((int64_t)in_left(&in), 10);
    CHECK(in_skip(&in, 3));
    CHECK(in_at_end(&in));
    CHECK_INT((int64_t)in_left(&in), 0);
    in_free(&in);
}

/* Any mix of reads over any piece and block size gives the same bytes, offsets and checksums. */
static void model(void)
{
    enum { SIZE = 20000, ROUNDS = 60 };
    static char bytes[SIZE];
    rand_seed(unit_seed());
    for (size_t i = 0; i < SIZE; i++)
        bytes[i] = (char)rand_u64();
    for (int round = 0; round < ROUNDS; round++) {
        struct pieces p = {.left = slice(bytes, SIZE), .step = 1 + rand_below(3000)};
        struct in in;
        struct buf hold = {0}, tap = {0};
        bool sized = rand_below(2);
        in_init_callback(&in, read_piece, &p, sized ? SIZE : IN_SIZE_UNKNOWN, 1024);
        size_t at = 0, crc_at = 0, tap_at = 0;
        in_crc_start(&in);
        in_tap_start(&in, &tap);
        while (at < SIZE) {
            size_t n = rand_below(rand_below(8) ? 40 : 4000);
            n = n > SIZE - at ? SIZE - at : n;
            char copy[4000];
            switch (rand_below(5)) {
            case 0:
                CHECK_SLICE(in_slice(&in, n, &hold), slice(bytes + at, n));
                break;
            case 1:
                CHECK(in_bytes(&in, copy, n));
                CHECK(memcmp(copy, bytes + at, n) == 0);
                break;
            case 2:
                CHECK(in_skip(&in, n));
                break;
            case 3: {
                size_t look = n > 1024 ? 1024 : n;
                CHECK_SLICE(in_peek(&in, look), slice(bytes + at, look));
                n = 0;
                break;
            }
            default:
                CHECK_INT(in_byte(&in), (uint8_t)bytes[at]);
                n = 1;
                break;
            }
            at += n;
            CHECK_INT((int64_t)in_offset(&in), (int64_t)at);
            CHECK(in_left(&in) == (sized ? SIZE - at : UINT64_MAX) || in_left(&in) == SIZE - at);
        }
        CHECK(in_at_end(&in));
        CHECK(in_crc(&in) == crc64(0, bytes + crc_at, SIZE));
        in_tap_stop(&in);
        CHECK_SLICE(buf_slice(&tap), slice(bytes + tap_at, SIZE));
        CHECK(!in_bad(&in));
        in_free(&in);
        buf_free(&hold);
        buf_free(&tap);
    }
}

/* Pieces of all sizes: what is held is what comes next, and reading on finds it untouched. */
static void holds_more_than_a_block(void)
{
    enum { BYTES = 100000 };
    rand_seed(unit_seed());
    char *text = mem_alloc(BYTES);
    for (size_t i = 0; i < BYTES; i++)
        text[i] = (char)rand_u64();
    for (int round = 0; round < 60; round++) {
        struct in in;
        struct slice all = slice(text, BYTES);
        struct pieces p = {.left = all, .step = 1 + rand_below(5000)};
        in_init_callback(&in, read_piece, &p, round % 2 ? BYTES : IN_SIZE_UNKNOWN, 1024);
        in_crc_start(&in);
        size_t at = 0;
        while (at < BYTES) {
            size_t n = rand_below(rand_below(4) ? 3000 : 30000), left = BYTES - at;
            struct slice held = in_hold(&in, n);
            CHECK_SLICE(held, slice(text + at, n < left ? n : left));
            CHECK_INT((int64_t)in_offset(&in), (int64_t)at);
            n = rand_below(held.len + 1) + (held.len == 0);
            n = n < left ? n : left;
            CHECK(in_skip(&in, n));
            at += n;
        }
        CHECK_INT((int64_t)in_hold(&in, 5000).len, 0);
        CHECK(!in_bad(&in) && in_at_end(&in));
        CHECK(in_crc(&in) == crc64(0, text, BYTES));
        in_free(&in);
    }
    mem_free(text);
}

static void holding_gives_memory_back_and_takes_none_unbacked(void)
{
    struct in in;
    static char text[10000];
    struct pieces p = {.left = slice(text, sizeof text), .step = 4096};
    in_init_memory(&in, SLICE_LIT("abc"));
    CHECK_SLICE(in_hold(&in, UINT64_MAX), SLICE_LIT("abc"));
    in_init_callback(&in, read_piece, &p, IN_SIZE_UNKNOWN, 1024);
    CHECK_INT((int64_t)in_hold(&in, UINT64_MAX / 2).len, sizeof text);
    CHECK(in.room <= 2 * sizeof text);
    in_skip(&in, sizeof text);
    CHECK(in_at_end(&in));
    CHECK_INT((int64_t)in.room, 1024);
    in_free(&in);
    p.left = slice(text, sizeof text);
    in_init_callback(&in, read_piece, &p, sizeof text, 1024); /* a size: asked for at once */
    CHECK_INT((int64_t)in_hold(&in, UINT64_MAX).len, sizeof text);
    CHECK_INT((int64_t)in.room, sizeof text);
    in_fail(&in, FAULT_FORMAT, "no more");
    CHECK_INT((int64_t)in_hold(&in, 10).len, 0);
    in_free(&in);
}

int main(void)
{
    return UNIT_RUN(UNIT(reads_numbers), UNIT(keeps_its_first_fault),
                    UNIT(a_long_slice_does_not_allocate_what_is_not_there), UNIT(tells_read_errors),
                    UNIT(an_early_end_is_noticed), UNIT(holds_more_than_a_block),
                    UNIT(holding_gives_memory_back_and_takes_none_unbacked), UNIT(model));
}
