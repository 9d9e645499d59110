/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/sha.h"
#include "tests/unit/unit.h"

/* The examples of FIPS 180. */
static void has_known_values(void)
{
    char hex[65];
    unsigned char raw[20];
    sha1_hex(SLICE_LIT("abc"), hex);
    CHECK_STR(hex, "a9993e364706816aba3e25717850c26c9cd0d89d");
    sha1_hex((struct slice){NULL, 0}, hex);
    CHECK_STR(hex, "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    sha256_hex(SLICE_LIT("abc"), hex);
    CHECK_STR(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    sha1(SLICE_LIT("abc"), raw);
    CHECK_INT(raw[0], 0xa9);
    CHECK_INT(raw[19], 0x9d);
}

int main(void)
{
    return UNIT_RUN(UNIT(has_known_values));
}
