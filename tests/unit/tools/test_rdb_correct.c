/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/crc64.h"
#include "base/rand.h"
#include "tests/unit/tools/rdb_make.h"
#include "tools/rdb_correct.h"

static void fill(struct buf *b, size_t n)
{
    rand_seed(unit_seed());
    buf_clear(b);
    for (size_t i = 0; i < n; i++)
        buf_byte(b, (unsigned char)rand_below(256));
}

/* What was flipped at bit `at` and on is found; the image then gives the old bytes. */
static void check_flip(const struct buf *good, size_t at, uint32_t pattern, bool found)
{
    struct buf bad = {0};
    struct correction c;
    uint64_t crc = crc64(0, good->data, good->len);
    buf_add(&bad, buf_slice(good));
    for (unsigned i = 0; i < 32; i++)
        if (pattern >> i & 1 && (at + i) / 8 < bad.len)
            bad.data[(at + i) / 8] ^= (char)(1 << (at + i) % 8);
    struct rdb_image m = image_of(&bad);
    CHECK_INT(correct_bits(&m, 0, m.end, crc, &c), found);
    if (found) {
        CHECK_INT(c.bits, __builtin_popcount(pattern));
        correction_apply(&m, &c);
        CHECK(image_crc(&m, 0, 0, m.end) == crc);
        CHECK_INT(c.at, (int64_t)at / 8);
    }
    image_close(&m);
    buf_free(&bad);
}

static void a_bit_anywhere_is_found(void)
{
    struct buf good = {0};
    static const size_t sizes[] = {1, 2, 3, 4, 5, 8, 31, 4096, 100001};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        fill(&good, sizes[s]);
        size_t bits = good.len * 8, step = bits / 40 + 1;
        for (size_t at = 0; at < bits; at += step)
            check_flip(&good, at, 1, true);
        check_flip(&good, bits - 1, 1, true);
    }
    buf_free(&good);
}

static void a_short_pattern_is_found(void)
{
    struct buf good = {0};
    fill(&good, 1 << 20);
    CHECK_INT(correct_burst_max(good.len), 18);
    for (int i = 0; i < 12; i++) {
        size_t at = (size_t)rand_below((good.len - 4) * 8);
        check_flip(&good, at, (uint32_t)rand_below(1 << 17) | 1, true);
        check_flip(&good, at, 1u << 17 | 1, true);
        check_flip(&good, at, 1u << 19 | 1, false); /* longer than is believed */
    }
    buf_free(&good);
}

static void what_is_believed_gets_shorter_as_files_get_longer(void)
{
    CHECK_INT(correct_burst_max(1), 18);
    CHECK_INT(correct_burst_max((uint64_t)1 << 30), 8);
    CHECK_INT(correct_burst_max((uint64_t)1 << 37), 1);
    CHECK_INT(correct_burst_max((uint64_t)1 << 38), 0);
    CHECK_INT(correct_burst_max(UINT64_MAX / 16), 0);
}

static void other_damage_is_not_corrected(void)
{
    struct buf good = {0}, bad = {0};
    struct correction c;
    fill(&good, 200000);
    uint64_t crc = crc64(0, good.data, good.len);
    for (int i = 0; i < 20; i++) {
        buf_clear(&bad);
        buf_add(&bad, buf_slice(&good));
        memset(bad.data + rand_below(bad.len - 512), 0, 512);
        struct rdb_image m = image_of(&bad);
        CHECK(!correct_bits(&m, 0, m.end, crc, &c));
        image_close(&m);
    }
    buf_free(&good);
    buf_free(&bad);
}

static void bytes_that_stand_twice_are_cut_out(void)
{
    struct buf good = {0}, bad = {0};
    struct correction c;
    static const size_t lens[] = {1, 512, 4096};
    fill(&good, 50000);
    uint64_t crc = crc64(0, good.data, good.len);
    for (int i = 0; i < 30; i++) {
        size_t len = lens[i % 3], at = (size_t)rand_below(good.len - len);
        buf_clear(&bad);
        buf_append(&bad, good.data, at + len);
        buf_append(&bad, good.data + at, good.len - at);
        struct rdb_image m = image_of(&bad);
        CHECK(correct_repetition(&m, 0, m.end, good.len, crc, &c));
        correction_apply(&m, &c);
        CHECK_INT(image_len(&m, 0, m.end), (int64_t)good.len);
        CHECK(image_crc(&m, 0, 0, m.end) == crc);
        CHECK(!correct_repetition(&m, 0, m.end, good.len, crc ^ 1, &c));
        image_close(&m);
    }
    buf_free(&good);
    buf_free(&bad);
}

static void an_image_reads_as_if_nothing_had_happened(void)
{
    struct buf bytes = {0};
    char got[64];
    for (int i = 0; i < 40; i++)
        buf_byte(&bytes, (unsigned char)('A' + i));
    struct rdb_image m = image_of(&bytes);
    image_cut(&m, 30, 33);
    image_cut(&m, 10, 15);
    image_patch(&m, 20, 'U' ^ 'x');
    image_patch(&m, 2, 'C' ^ 'c');
    CHECK_INT(image_read(&m, 0, 40, got, sizeof got), 32);
    CHECK_SLICE(slice(got, 32), SLICE_LIT("ABcDEFGHIJPQRSTxVWXYZ[\\]^bcdefgh"));
    CHECK_INT(image_read(&m, 8, 17, got, sizeof got), 4);
    CHECK_SLICE(slice(got, 4), SLICE_LIT("IJPQ"));
    CHECK_INT(image_ahead(&m, 9, 1), 15);
    CHECK_INT(image_ahead(&m, 9, 0), 9);
    CHECK_INT(image_ahead(&m, 0, 25), 33);
    CHECK_INT(image_len(&m, 12, 31), 15);
    struct image_stream s;
    struct in in;
    image_stream(&s, &in, &m, 5, 40, 1024);
    CHECK(in_skip(&in, 20));
    CHECK_INT(in_byte(&in), 'b');
    CHECK_INT(image_place(&s, in_offset(&in)), 34);
    in_free(&in);
    image_close(&m);
    buf_free(&bytes);
}

int main(void)
{
    return UNIT_RUN(UNIT(a_bit_anywhere_is_found), UNIT(a_short_pattern_is_found),
                    UNIT(what_is_believed_gets_shorter_as_files_get_longer),
                    UNIT(other_damage_is_not_corrected), UNIT(bytes_that_stand_twice_are_cut_out),
                    UNIT(an_image_reads_as_if_nothing_had_happened));
}
