/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/crc16.h"
#include "base/rand.h"
#include "tests/unit/unit.h"

static void has_known_values(void)
{
    CHECK_INT(crc16("123456789", 9), 0x31c3);
    CHECK_INT(crc16("", 0), 0);
    CHECK_INT(crc16("foo", 3) % 16384, 12182); /* CLUSTER KEYSLOT foo */
}

static uint16_t slow_crc16(const unsigned char *p, size_t len)
{
    unsigned crc = 0;
    for (; len; p++, len--) {
        crc ^= (unsigned)*p << 8;
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1;
    }
    return (uint16_t)crc;
}

static void agrees_with_the_definition(void)
{
    rand_seed(unit_seed());
    for (int i = 0; i < 2000; i++) {
        unsigned char data[40];
        size_t len = rand_below(sizeof data);
        for (size_t k = 0; k < len; k++)
            data[k] = (unsigned char)rand_u64();
        CHECK_INT(crc16(data, len), slow_crc16(data, len));
    }
}

int main(void)
{
    return UNIT_RUN(UNIT(has_known_values), UNIT(agrees_with_the_definition));
}
