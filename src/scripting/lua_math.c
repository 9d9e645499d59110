/* SPDX-License-Identifier: BSD-3-Clause */
/* The generator (see POSIX, drand48): x is multiplied and added to modulo 2^48, and its upper 31
 * bits are the number. Its 48 bits lie in a userdata, an upvalue of both functions. */
#include "scripting/lua_math.h"

#include <math.h>
#include <stdint.h>

static const uint64_t UNSEEDED = 0x1234abcd330e, SEED_LOW = 0x330e;

static void seed(uint64_t *x, int32_t with)
{
    *x = (uint64_t)(uint32_t)with << 16 | SEED_LOW;
}

static int32_t next(uint64_t *x)
{
    *x = (*x * 0x5deece66d + 0xb) & 0xffffffffffff;
    return (int32_t)(*x >> 17);
}

/* From 0 to below 1. */
static double next_fraction(uint64_t *x)
{
    return (double)(next(x) % INT32_MAX) / INT32_MAX;
}

static int int_arg(lua_State *L, int i)
{
    return (int)luaL_checkinteger(L, i);
}

static int math_random(lua_State *L)
{
    double fraction = next_fraction(lua_touserdata(L, lua_upvalueindex(1)));
    int low = 1, high;
    switch (lua_gettop(L)) {
    case 0:
        lua_pushnumber(L, fraction);
        return 1;
    case 1:
        high = int_arg(L, 1);
        luaL_argcheck(L, low <= high, 1, "interval is empty");
        break;
    case 2:
        low = int_arg(L, 1);
        high = int_arg(L, 2);
        luaL_argcheck(L, low <= high, 2, "interval is empty");
        break;
    default:
        return luaL_error(L, "wrong number of arguments");
    }
    int32_t width = (int32_t)((uint32_t)high - (uint32_t)low + 1); /* wraps, as it always did */
    lua_pushnumber(L, floor(fraction * width) + low);
    return 1;
}

static int math_randomseed(lua_State *L)
{
    seed(lua_touserdata(L, lua_upvalueindex(1)), int_arg(L, 1));
    return 0;
}

static void set_function(lua_State *L, const char *name, lua_CFunction function)
{
    lua_pushvalue(L, -2);
    lua_pushcclosure(L, function, 1);
    lua_setfield(L, -2, name);
}

void lua_math_open(lua_State *L)
{
    uint64_t *x = lua_newuserdata(L, sizeof *x);
    *x = UNSEEDED;
    lua_getglobal(L, "math");
    set_function(L, "random", math_random);
    set_function(L, "randomseed", math_randomseed);
    lua_pop(L, 2);
}
