/* SPDX-License-Identifier: BSD-3-Clause */
/* MessagePack as values. Elements are read one after the other: the first byte that lacks ends it,
 * whatever number of elements was promised, and no table is made larger than what is put into it.
 * Integers beyond 2^63 - 1 come out negative, binaries and extensions are refused: as there. */
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/must.h"
#include "scripting/guard.h"
#include "scripting/lua_cmsgpack_parts.h"

struct reader {
    lua_State *L;
    const uint8_t *at, *end;
    const uint8_t *paid; /* a unit of work was told for each byte up to here */
};

static const uint8_t *take(struct reader *r, size_t bytes)
{
    const uint8_t *at = r->at;
    if (bytes > (size_t)(r->end - at))
        luaL_error(r->L, "Missing bytes in input.");
    r->at += bytes;
    return at;
}

static uint64_t take_uint(struct reader *r, size_t bytes) /* 1, 2, 4 or 8 */
{
    const uint8_t *p = take(r, bytes);
    switch (bytes) {
    case 1:
        return *p;
    case 2:
        return load_be16(p);
    case 4:
        return load_be32(p);
    default:
        return load_be64(p);
    }
}

static int64_t take_int(struct reader *r, size_t bytes)
{
    unsigned unused = 64 - 8 * (unsigned)bytes;
    return (int64_t)(take_uint(r, bytes) << unused) >> unused;
}

static double take_float32(struct reader *r)
{
    uint32_t bits = (uint32_t)take_uint(r, 4);
    float f;
    memcpy(&f, &bits, sizeof f);
    return (double)f;
}

static double take_float64(struct reader *r)
{
    uint64_t bits = take_uint(r, 8);
    double d;
    memcpy(&d, &bits, sizeof d);
    return d;
}

static void push_string(struct reader *r, size_t len)
{
    lua_pushlstring(r->L, (const char *)take(r, len), len);
}

/* Makes room on the stack: as much as there and with its texts, so that both end at one depth. */
static void reserve(struct reader *r, int values)
{
    luaL_checkstack(r->L, values,
                    "too many return values at once; use unpack_one or unpack_limit instead.");
}

static void push_value(struct reader *r);

/* A nil is set, too, since that decides in which order the table is walked later. But then Lua may
 * count all the table's keys, and again for the next nil. */
static void pay_for_nil(struct reader *r, size_t keys)
{
    enum { KEYS_PER_UNIT = 8 };
    if (r->at < r->end && *r->at == MSGPACK_NIL)
        guard_spend(r->L, keys / KEYS_PER_UNIT);
}

static void push_array(struct reader *r, size_t count)
{
    lua_State *L = r->L;
    luaL_checkstack(L, 2, "in function mp_decode_to_lua_array");
    lua_newtable(L);
    if (count == 0)
        return;
    lua_pushnil(L); /* there it is the index */
    reserve(r, 1);
    for (size_t i = 1; i <= count; i++) {
        pay_for_nil(r, i);
        push_value(r);
        lua_rawseti(L, -3, (int)i);
    }
    lua_pop(L, 1);
}

static void push_map(struct reader *r, size_t count)
{
    luaL_checkstack(r->L, 1, "in function mp_decode_to_lua_hash");
    lua_newtable(r->L);
    if (count > 0)
        reserve(r, 2);
    for (size_t i = 1; i <= count; i++) {
        push_value(r);
        pay_for_nil(r, i);
        push_value(r);
        lua_rawset(r->L, -3); /* raises an error for a key that is nil or nan */
    }
}

static void push_typed(struct reader *r, int type)
{
    lua_State *L = r->L;
    switch (type) {
    case MSGPACK_NIL:
        lua_pushnil(L);
        break;
    case MSGPACK_FALSE:
    case MSGPACK_TRUE:
        lua_pushboolean(L, type == MSGPACK_TRUE);
        break;
    case MSGPACK_FLOAT32:
        lua_pushnumber(L, take_float32(r));
        break;
    case MSGPACK_FLOAT64:
        lua_pushnumber(L, take_float64(r));
        break;
    case MSGPACK_UINT8:
    case MSGPACK_UINT16:
    case MSGPACK_UINT32:
    case MSGPACK_UINT64:
        lua_pushnumber(L, (double)(int64_t)take_uint(r, (size_t)1 << (type - MSGPACK_UINT8)));
        break;
    case MSGPACK_INT8:
    case MSGPACK_INT16:
    case MSGPACK_INT32:
    case MSGPACK_INT64:
        lua_pushnumber(L, (double)take_int(r, (size_t)1 << (type - MSGPACK_INT8)));
        break;
    case MSGPACK_STR8:
    case MSGPACK_STR16:
    case MSGPACK_STR32:
        push_string(r, (size_t)take_uint(r, (size_t)1 << (type - MSGPACK_STR8)));
        break;
    case MSGPACK_ARRAY16:
    case MSGPACK_ARRAY32:
        push_array(r, (size_t)take_uint(r, (size_t)2 << (type - MSGPACK_ARRAY16)));
        break;
    case MSGPACK_MAP16:
    case MSGPACK_MAP32:
        push_map(r, (size_t)take_uint(r, (size_t)2 << (type - MSGPACK_MAP16)));
        break;
    default:
        luaL_error(L, "Bad data format in input.");
    }
}

/* There is room for one value. */
static void push_value(struct reader *r)
{
    lua_State *L = r->L;
    if (r->at - r->paid >= 64) {
        guard_spend(L, (size_t)(r->at - r->paid));
        r->paid = r->at;
    }
    int type = *take(r, 1);
    if (type < MSGPACK_MAP)
        lua_pushnumber(L, type);
    else if (type >= MSGPACK_NEGATIVE)
        lua_pushnumber(L, type - 0x100);
    else if (type < MSGPACK_ARRAY)
        push_map(r, (size_t)(type - MSGPACK_MAP));
    else if (type < MSGPACK_STR)
        push_array(r, (size_t)(type - MSGPACK_ARRAY));
    else if (type < MSGPACK_NIL)
        push_string(r, (size_t)(type - MSGPACK_STR));
    else
        push_typed(r, type);
}

/* What the values of the text are that begin at offset, limit of them, and before them where the
 * next one begins (-1: nowhere). No limit and no offset (0): all of them and nothing else. */
static int unpack(lua_State *L, lua_Integer limit, lua_Integer offset)
{
    size_t len;
    const uint8_t *text = (const uint8_t *)luaL_checklstring(L, 1, &len);
    bool all = limit == 0 && offset == 0;
    if (offset < 0 || limit < 0)
        luaL_error(L, "Invalid request to unpack with offset of %d and limit of %d.", (int)offset,
                   (int)len);
    if ((size_t)offset > len)
        luaL_error(L, "Start offset %d greater than input length %d.", (int)offset, (int)len);
    lua_settop(L, 1);
    struct reader r = {.L = L, .at = text + offset, .end = text + len, .paid = text + offset};
    while (r.at < r.end && (all || limit-- > 0)) {
        reserve(&r, 1);
        push_value(&r);
    }
    must(r.at <= r.end);
    if (!all) {
        luaL_checkstack(L, 1, "in function mp_unpack_full");
        lua_pushinteger(L, r.at < r.end ? r.at - text : -1);
        lua_insert(L, 2);
    }
    return lua_gettop(L) - 1;
}

int cmsgpack_unpack(lua_State *L)
{
    return unpack(L, 0, 0);
}

int cmsgpack_unpack_one(lua_State *L)
{
    return unpack(L, 1, luaL_optinteger(L, 2, 0));
}

int cmsgpack_unpack_limit(lua_State *L)
{
    lua_Integer limit = luaL_checkinteger(L, 2), offset = luaL_optinteger(L, 3, 0);
    return unpack(L, limit, offset);
}
