/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/bytes.h"

#include "tests/unit/unit.h"

static void orders_and_alignment(void)
{
    uint8_t b[16] = {0};
    for (int at = 0; at < 8; at++) {
        store_le16(b + at, 0x0102);
        CHECK_INT(b[at], 2);
        CHECK_INT(load_le16(b + at), 0x0102);
        store_be16(b + at, 0x0102);
        CHECK_INT(b[at], 1);
        CHECK_INT(load_be16(b + at), 0x0102);
        store_le32(b + at, 0x01020304);
        CHECK_INT(b[at], 4);
        CHECK_INT(load_be32(b + at), 0x04030201);
        store_be64(b + at, 0x0102030405060708);
        CHECK_INT(b[at], 1);
        CHECK_INT(b[at + 7], 8);
        CHECK_INT((int64_t)load_le64(b + at), 0x0807060504030201);
    }
}

static void three_bytes_keep_their_sign(void)
{
    static const int32_t values[] = {0, 1, -1, 8388607, -8388608, 65536, -300};
    uint8_t b[4];
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        store_le24(b + 1, (uint32_t)values[i]);
        CHECK_INT(load_le24s(b + 1), values[i]);
    }
}

static void doubles(void)
{
    uint8_t b[9];
    store_le_double(b + 1, 1.0);
    CHECK_INT(b[7], 0xf0);
    CHECK_INT(b[8], 0x3f);
    CHECK(load_le_double(b + 1) == 1.0);
}

static void turns_bits_round(void)
{
    CHECK(rotate_left(0x8000000000000001u, 1) == 3);
    CHECK(rotate_left(0x0123456789abcdefu, 60) == 0xf0123456789abcdeu);
}

int main(void)
{
    return UNIT_RUN(UNIT(orders_and_alignment), UNIT(three_bytes_keep_their_sign), UNIT(doubles),
                    UNIT(turns_bits_round));
}
