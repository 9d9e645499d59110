/* SPDX-License-Identifier: BSD-3-Clause */
#include "scripting/lua_bit.h"

#include "tests/unit/scripting/lua_rows.h"

/* Beside the installed redis-server: what it answers. */
static const struct lua_row rows[] = {
    {"return bit.tobit(2^31), bit.tobit(2^32 + 7), bit.tobit(-1), bit.tobit('0x10'), "
     "bit.tobit(1.5), bit.tobit(2.5), bit.tobit(-1.5), bit.tobit(0.5)",
     "-2147483648 | 7 | -1 | 16 | 2 | 2 | -2 | 0"},
    {"return bit.tobit(1/0), bit.tobit(-1/0), bit.tobit(0/0), bit.tobit(2^51), bit.tobit(2^52 "
     "+ 1), bit.tobit(2^53 + 2), bit.tobit(2^60 + 2^20), bit.tobit(1e300)",
     "0 | 0 | 0 | 0 | 0 | 1 | 4096 | -2013235812"},
    {"return bit.tobit(-2^31), bit.tobit(-2^31 - 1), bit.tobit(-2^51), bit.tobit(-2^52 + 1), "
     "bit.tobit(-1e300), bit.tobit(1e-300)",
     "-2147483648 | 2147483647 | 0 | 2 | -2013235812 | 0"},
    {"return bit.bnot(0), bit.bnot(5), bit.bswap(0x12345678), bit.bswap(0xff)",
     "-1 | -6 | 2018915346 | -16777216"},
    {"return bit.band(1), bit.band(7, 3, 6), bit.bor(1, 2, 4), bit.bxor(1, 3), bit.bxor(5, 5, "
     "5), bit.bor(0x80000000, 0), bit.band(-1, 2^40 + 3)",
     "1 | 2 | 7 | 2 | 5 | -2147483648 | 3"},
    {"return bit.lshift(1, 31), bit.lshift(1, 32), bit.lshift(1, -1), bit.lshift(3, 33), "
     "bit.rshift(-1, 1), bit.rshift(-1, 32), bit.rshift(8, 1e300)",
     "-2147483648 | 1 | -2147483648 | 6 | 2147483647 | -1 | 0"},
    {"return bit.arshift(-8, 1), bit.arshift(-1, 31), bit.arshift(8, 2), bit.arshift(-8, -1), "
     "bit.lshift(1, 1.5)",
     "-4 | -1 | 2 | -1 | 4"},
    {"return bit.rol(0x80000001, 1), bit.ror(1, 1), bit.ror(1, 32), bit.rol(1, 0), bit.rol(1, "
     "-1), bit.rol(0x12345678, 12), bit.ror(0x12345678, 12)",
     "3 | -2147483648 | 1 | 1 | -2147483648 | 1164411171 | 1736516421"},
    {"return bit.tohex(255), bit.tohex(-1), bit.tohex(255, 4), bit.tohex(255, -4), "
     "bit.tohex(255, 0), bit.tohex(255, 100), bit.tohex(43981, -100)",
     "000000ff | ffffffff | 00ff | 00FF |  | 000000ff | 0000ABCD"},
    {"return bit.tohex(65535, -2147483648), bit.tohex(65535, 2^31), bit.tohex(255, 1.5), "
     "bit.tohex(255, -0.5), bit.tohex(255, 2^32 + 2), bit.tohex(1, 0/0), bit.tohex(43981, "
     "2^32 - 2)",
     "0000FFFF | 0000FFFF | ff |  | ff |  | CD"},
    {"return bit.tobit()", "error: bad argument #1 to 'tobit' (number expected, got no value)"},
    {"return bit.tobit({})", "error: bad argument #1 to 'tobit' (number expected, got table)"},
    {"return bit.band()", "error: bad argument #1 to 'band' (number expected, got no value)"},
    {"return bit.band(1, nil)", "error: bad argument #2 to 'band' (number expected, got nil)"},
    {"return bit.bor(1, 2, 'x')", "error: bad argument #3 to 'bor' (number expected, got string)"},
    {"return bit.lshift(1)", "error: bad argument #2 to 'lshift' (number expected, got no value)"},
    {"return bit.tohex(255, nil)", "error: bad argument #2 to 'tohex' (number expected, got nil)"},
};
static void answers_as_ever(void)
{
    lua_rows_check(rows, sizeof rows / sizeof *rows, lua_bit_open);
}

int main(void)
{
    return UNIT_RUN(UNIT(answers_as_ever));
}
