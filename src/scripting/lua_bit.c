/* SPDX-License-Identifier: BSD-3-Clause */
#include "scripting/lua_bit.h"

#include <stdint.h>
#include <string.h>

/* Behind 2^52 a double's mantissa has no fraction: adding that much rounds to the nearest integer,
 * whose lowest 32 bits are those of the sum (half of it more keeps negative numbers there, too). */
static uint32_t bits_arg(lua_State *L, int i)
{
    double sum = luaL_checknumber(L, i) + 0x1.8p52;
    uint64_t bits;
    memcpy(&bits, &sum, sizeof bits);
    return (uint32_t)bits;
}

static int push_bits(lua_State *L, uint32_t bits)
{
    lua_pushnumber(L, (int32_t)bits);
    return 1;
}

static int bit_tobit(lua_State *L)
{
    return push_bits(L, bits_arg(L, 1));
}

static int bit_bnot(lua_State *L)
{
    return push_bits(L, ~bits_arg(L, 1));
}

static int bit_bswap(lua_State *L)
{
    return push_bits(L, __builtin_bswap32(bits_arg(L, 1)));
}

/* Functions of one argument or more. */
#define BIT_FOLD(name, op) \
    static int bit_##name(lua_State *L) \
    { \
        uint32_t bits = bits_arg(L, 1); \
        for (int i = lua_gettop(L); i > 1; i--) \
            bits op bits_arg(L, i); \
        return push_bits(L, bits); \
    }
BIT_FOLD(band, &=)
BIT_FOLD(bor, |=)
BIT_FOLD(bxor, ^=)
#undef BIT_FOLD

static int bit_lshift(lua_State *L)
{
    uint32_t bits = bits_arg(L, 1), by = bits_arg(L, 2) & 31;
    return push_bits(L, bits << by);
}

static int bit_rshift(lua_State *L)
{
    uint32_t bits = bits_arg(L, 1), by = bits_arg(L, 2) & 31;
    return push_bits(L, bits >> by);
}

static int bit_arshift(lua_State *L)
{
    uint32_t bits = bits_arg(L, 1), by = bits_arg(L, 2) & 31;
    return push_bits(L, (uint32_t)((int32_t)bits >> by));
}

static uint32_t rotated_left(uint32_t bits, uint32_t by)
{
    return bits << (by & 31) | bits >> (-by & 31);
}

static int bit_rol(lua_State *L)
{
    uint32_t bits = bits_arg(L, 1);
    return push_bits(L, rotated_left(bits, bits_arg(L, 2)));
}

static int bit_ror(lua_State *L)
{
    uint32_t bits = bits_arg(L, 1);
    return push_bits(L, rotated_left(bits, -bits_arg(L, 2)));
}

/* The lowest digits, as many as asked for; upper case when that is negative. */
static int bit_tohex(lua_State *L)
{
    enum { DIGITS = 8 };
    uint32_t bits = bits_arg(L, 1), count = lua_isnone(L, 2) ? DIGITS : bits_arg(L, 2);
    const char *digits = "0123456789abcdef";
    if (count >> 31) {
        count = -count;
        digits = "0123456789ABCDEF";
    }
    if (count > DIGITS)
        count = DIGITS;
    char hex[DIGITS];
    for (uint32_t i = count; i-- > 0; bits >>= 4)
        hex[i] = digits[bits & 15];
    lua_pushlstring(L, hex, count);
    return 1;
}

void lua_bit_open(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"tobit", bit_tobit},   {"bnot", bit_bnot},     {"bswap", bit_bswap},
        {"band", bit_band},     {"bor", bit_bor},       {"bxor", bit_bxor},
        {"lshift", bit_lshift}, {"rshift", bit_rshift}, {"arshift", bit_arshift},
        {"rol", bit_rol},       {"ror", bit_ror},       {"tohex", bit_tohex},
        {NULL, NULL},
    };
    luaL_register(L, "bit", functions);
    lua_pop(L, 1);
}
