/* SPDX-License-Identifier: BSD-3-Clause */
#include <zlib.h>

#include "base/crc64.h"
#include "base/rand.h"
#include "tests/unit/unit.h"

static unsigned char data[8192];

static void fill(void)
{
    rand_seed(unit_seed());
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)rand_u64();
}

static void has_known_values(void)
{
    CHECK(crc64(0, "123456789", 9) == 0xe9c6d914c4b8d9cau);
    CHECK(crc64(0, "", 0) == 0);
    CHECK(crc64(0, "\0", 1) == 0);
    CHECK(crc64(0, "\1", 1) == 0x7ad870c830358979u);
}

/* The same engine with another polynomial must be zlib's CRC-32: tables and folding both. */
static void engine_agrees_with_zlib(void)
{
    static struct crc_engine tables, folding;
    crc_engine_init(&tables, 0xedb88320u, false);
    crc_engine_init(&folding, 0xedb88320u, true);
    CHECK(!tables.clmul);
    CHECK(folding.clmul == crc64_has_clmul());
    fill();
    for (size_t len = 0; len < 1500; len++) {
        size_t at = rand_below(64);
        uint32_t want = (uint32_t)crc32(0, data + at, (unsigned)len);
        CHECK(~(uint32_t)crc_engine_run(&tables, 0xffffffffu, data + at, len) == want);
        CHECK(~(uint32_t)crc_engine_run(&folding, 0xffffffffu, data + at, len) == want);
    }
}

/* One bit at a time, from the definition. */
static uint64_t slow_crc64(uint64_t crc, const unsigned char *p, size_t len)
{
    for (; len; p++, len--) {
        crc ^= *p;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x95ac9329ac4bc9b5u : 0);
    }
    return crc;
}

static void agrees_with_the_definition(void)
{
    fill();
    for (int i = 0; i < 400; i++) {
        size_t at = rand_below(4096), len = rand_below(i % 4 ? 300 : 4096);
        uint64_t start = rand_u64();
        CHECK(crc64(start, data + at, len) == slow_crc64(start, data + at, len));
    }
}

static void goes_on_in_pieces(void)
{
    fill();
    uint64_t whole = crc64(0, data, sizeof data);
    for (int i = 0; i < 50; i++) {
        uint64_t crc = 0;
        for (size_t at = 0, n; at < sizeof data; at += n) {
            n = 1 + rand_below(700);
            if (n > sizeof data - at)
                n = sizeof data - at;
            crc = crc64(crc, data + at, n);
        }
        CHECK(crc == whole);
    }
}

static void combines(void)
{
    fill();
    for (int i = 0; i < 300; i++) {
        size_t a = rand_below(4096), b = rand_below(i % 3 ? 4096 : 3);
        uint64_t first = crc64(0, data, a), second = crc64(0, data + a, b);
        uint64_t both = crc64(0, data, a + b);
        CHECK(crc64_combine(first, second, b) == both);
        CHECK(crc64_combine(first, both, b) == second);
    }
    /* Lengths that nobody has the bytes for: in two steps as in one. */
    uint64_t start = rand_u64(), far = crc64_combine(start, 0, (uint64_t)5 << 33);
    for (int i = 0; i < 5; i++)
        start = crc64_combine(start, 0, (uint64_t)1 << 33);
    CHECK(start == far);
}

int main(void)
{
    return UNIT_RUN(UNIT(has_known_values), UNIT(engine_agrees_with_zlib),
                    UNIT(agrees_with_the_definition), UNIT(combines), UNIT(goes_on_in_pieces));
}
