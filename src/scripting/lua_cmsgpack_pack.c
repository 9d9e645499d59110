/* SPDX-License-Identifier: BSD-3-Clause */
/* Values as MessagePack, in the shortest form of each, into the state's scratch buffer: no code of
 * Lua's runs in between, since all tables are read raw.
 *
 * A number without a fraction that 64 bits hold is an integer; another one is a float of 32 bits if
 * that is the same. A table is an array when its keys are 1 to their number; the empty one is.
 * Functions, threads and userdata are nil. */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/must.h"
#include "scripting/guard.h"
#include "scripting/lua_cmsgpack_parts.h"

enum { DEPTH_MAX = 16 };

struct packer {
    lua_State *L;
    struct buf *out;
    size_t paid; /* for so many bytes of out */
};

/* A unit of work for each byte, which no value is without. */
static void pay(struct packer *p)
{
    size_t bytes = p->out->len - p->paid;
    if (bytes >= 64) {
        guard_spend(p->L, bytes);
        p->paid = p->out->len;
    }
}

/* type, and the lowest bytes of n: 0, 1, 2, 4 or 8. */
static void put(struct packer *p, int type, uint64_t n, size_t bytes)
{
    must(bytes <= 8);
    struct buf *out = p->out;
    char *to = out->cap - out->len >= 9 ? out->data + out->len : guard_room(p->L, out, 9);
    *to = (char)type;
    store_be64(to + 1, bytes ? n << (64 - 8 * bytes) : 0);
    out->len += 1 + bytes;
}

/* small: the type that has the length in it when that is below small_end. wide: the type with a
 * length of 16 bits, behind which there is one of 32. */
static void put_length(struct packer *p, size_t n, int small, size_t small_end, int wide)
{
    if (n > UINT32_MAX)
        luaL_error(p->L, "not enough memory"); /* that is what the format has for it */
    if (n < small_end)
        put(p, small + (int)n, 0, 0);
    else if (n <= UINT16_MAX)
        put(p, wide, n, 2);
    else
        put(p, wide + 1, n, 4);
}

static void put_string(struct packer *p)
{
    size_t len;
    const char *text = lua_tolstring(p->L, -1, &len);
    if (len >= 32 && len <= UINT8_MAX)
        put(p, MSGPACK_STR8, len, 1);
    else
        put_length(p, len, MSGPACK_STR, 32, MSGPACK_STR16);
    guard_add(p->L, p->out, text, len);
}

static void put_natural(struct packer *p, uint64_t n)
{
    if (n <= INT8_MAX)
        put(p, (int)n, 0, 0);
    else if (n <= UINT8_MAX)
        put(p, MSGPACK_UINT8, n, 1);
    else if (n <= UINT16_MAX)
        put(p, MSGPACK_UINT16, n, 2);
    else if (n <= UINT32_MAX)
        put(p, MSGPACK_UINT32, n, 4);
    else
        put(p, MSGPACK_UINT64, n, 8);
}

static void put_negative(struct packer *p, int64_t n)
{
    if (n >= -32)
        put(p, (uint8_t)n, 0, 0);
    else if (n >= INT8_MIN)
        put(p, MSGPACK_INT8, (uint64_t)n, 1);
    else if (n >= INT16_MIN)
        put(p, MSGPACK_INT16, (uint64_t)n, 2);
    else if (n >= INT32_MIN)
        put(p, MSGPACK_INT32, (uint64_t)n, 4);
    else
        put(p, MSGPACK_INT64, (uint64_t)n, 8);
}

static void put_float(struct packer *p, double d)
{
    float narrow = fabs(d) <= 0x1p127 * (2 - 0x1p-23) || isinf(d) ? (float)d : 0;
    if ((double)narrow == d) {
        uint32_t bits;
        memcpy(&bits, &narrow, sizeof bits);
        put(p, MSGPACK_FLOAT32, bits, 4);
    } else {
        uint64_t bits;
        memcpy(&bits, &d, sizeof bits);
        put(p, MSGPACK_FLOAT64, bits, 8);
    }
}

static void put_number(struct packer *p)
{
    double d = lua_tonumber(p->L, -1);
    if (!(d >= -0x1p63 && d < 0x1p63) || (double)(int64_t)d != d)
        put_float(p, d);
    else if (d >= 0)
        put_natural(p, (uint64_t)d);
    else
        put_negative(p, (int64_t)d);
}

/* Of the table on the top: its number of values, and whether they are those of 1 to that number. */
static size_t count_values(struct packer *p, bool *is_array)
{
    enum { UNITS = 100 }; /* at least: a table may have many empty places */
    lua_State *L = p->L;
    size_t count = 0;
    double largest = 0;
    guard_spend(L, UNITS);
    *is_array = true;
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        double key = lua_type(L, -2) == LUA_TNUMBER ? lua_tonumber(L, -2) : 0;
        if (!(key >= 1 && key == floor(key)))
            *is_array = false;
        else if (key > largest)
            largest = key;
        count++;
    }
    *is_array = *is_array && largest == (double)count;
    return count;
}

static void put_value(struct packer *p, int depth);

static void put_table(struct packer *p, int depth)
{
    lua_State *L = p->L;
    bool is_array;
    luaL_checkstack(L, 4, "in cmsgpack.pack");
    size_t count = count_values(p, &is_array);
    if (is_array) {
        put_length(p, count, MSGPACK_ARRAY, 16, MSGPACK_ARRAY16);
        for (size_t i = 1; i <= count; i++) {
            lua_rawgeti(L, -1, (int)i);
            put_value(p, depth);
            lua_pop(L, 1);
        }
        return;
    }
    put_length(p, count, MSGPACK_MAP, 16, MSGPACK_MAP16);
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        lua_pushvalue(L, -2);
        put_value(p, depth);
        lua_pop(L, 1);
        put_value(p, depth);
    }
}

/* The value on the top, within depth tables. */
static void put_value(struct packer *p, int depth)
{
    pay(p);
    switch (lua_type(p->L, -1)) {
    case LUA_TSTRING:
        put_string(p);
        break;
    case LUA_TNUMBER:
        put_number(p);
        break;
    case LUA_TBOOLEAN:
        put(p, lua_toboolean(p->L, -1) ? MSGPACK_TRUE : MSGPACK_FALSE, 0, 0);
        break;
    case LUA_TTABLE:
        if (depth < DEPTH_MAX) {
            put_table(p, depth + 1);
            break;
        } /* fall through */
    default:
        put(p, MSGPACK_NIL, 0, 0);
    }
}

int cmsgpack_pack(lua_State *L)
{
    int values = lua_gettop(L);
    luaL_argcheck(L, values > 0, 0, "MessagePack pack needs input.");
    /* Half of the stack, as there: they are as many again while being packed. */
    luaL_argcheck(L, lua_checkstack(L, values), 0, "Too many arguments for MessagePack pack.");
    struct packer p = {.L = L, .out = guard_scratch(L)};
    for (int i = 1; i <= values; i++) {
        lua_pushvalue(L, i);
        put_value(&p, 0);
        lua_pop(L, 1);
    }
    must(lua_gettop(L) == values);
    lua_pushlstring(L, p.out->data, p.out->len);
    return 1;
}
