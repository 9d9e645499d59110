/* SPDX-License-Identifier: BSD-3-Clause */
#include "scripting/lua_table.h"

#include "scripting/guard.h"
#include "scripting/lua_sort.h"
#include "scripting/readonly.h"

/* Checks that it is a table; its length as the stock functions see it. */
static int length_arg(lua_State *L, int i)
{
    luaL_checktype(L, i, LUA_TTABLE);
    return (int)lua_objlen(L, i);
}

static int int_arg(lua_State *L, int i)
{
    return (int)luaL_checkinteger(L, i);
}

enum { PAY_AT = 64 };

/* t[to] = t[from] */
static inline void move(lua_State *L, int from, int to)
{
    if (to % PAY_AT == 0)
        guard_spend(L, PAY_AT);
    lua_rawgeti(L, 1, from);
    lua_rawseti(L, 1, to);
}

static int table_insert(lua_State *L)
{
    int end = length_arg(L, 1) + 1, at = end;
    readonly_refuse(L, 1);
    switch (lua_gettop(L)) {
    case 2:
        break;
    case 3:
        at = int_arg(L, 2);
        for (int i = end; i > at; i--) /* from far below 1 on, too */
            move(L, i - 1, i);
        break;
    default:
        return luaL_error(L, "wrong number of arguments to 'insert'");
    }
    lua_rawseti(L, 1, at);
    return 0;
}

static int table_remove(lua_State *L)
{
    int end = length_arg(L, 1), at = (int)luaL_optinteger(L, 2, end);
    if (at < 1 || at > end)
        return 0;
    lua_rawgeti(L, 1, at);
    for (; at < end; at++)
        move(L, at + 1, at);
    lua_pushnil(L);
    lua_rawseti(L, 1, end);
    return 1;
}

static int table_concat(lua_State *L)
{
    size_t gap_len;
    const char *gap = luaL_optlstring(L, 2, "", &gap_len);
    luaL_checktype(L, 1, LUA_TTABLE);
    int first = (int)luaL_optinteger(L, 3, 1);
    int last = lua_isnoneornil(L, 4) ? length_arg(L, 1) : int_arg(L, 4);
    struct buf *b = guard_scratch(L);
    size_t work = 0;
    for (int64_t i = first; i <= last; i++) {
        lua_rawgeti(L, 1, (int)i);
        if (!lua_isstring(L, -1))
            return luaL_error(L, "invalid value (%s) at index %d in table for 'concat'",
                              luaL_typename(L, -1), (int)i);
        size_t len;
        const char *text = lua_tolstring(L, -1, &len);
        guard_add(L, b, text, len);
        lua_pop(L, 1);
        if (i < last)
            guard_add(L, b, gap, gap_len);
        work += 1 + (len + gap_len) / 64;
        if (work >= PAY_AT) {
            guard_spend(L, work);
            work = 0;
        }
    }
    lua_pushlstring(L, b->data, b->len);
    return 1;
}

/* Calls the function with the two values on the top; true: its answer lies there now. */
static bool answers(lua_State *L)
{
    guard_spend(L, 1);
    lua_call(L, 2, 1);
    if (!lua_isnil(L, -1))
        return true;
    lua_pop(L, 1);
    return false;
}

static int table_foreach(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    readonly_open_face(L, 1);
    for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1)) {
        lua_pushvalue(L, 2);
        lua_pushvalue(L, -3);
        lua_pushvalue(L, -3);
        if (answers(L))
            return 1;
    }
    return 0;
}

static int table_foreachi(lua_State *L)
{
    int n = length_arg(L, 1);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    for (int i = 1; i <= n; i++) {
        lua_pushvalue(L, 2);
        lua_pushinteger(L, i);
        lua_rawgeti(L, 1, i);
        if (answers(L))
            return 1;
    }
    return 0;
}

static int table_sort(lua_State *L)
{
    int n = length_arg(L, 1);
    if (!lua_isnoneornil(L, 2))
        luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_settop(L, 2);
    lua_sort(L, n);
    return 0;
}

void lua_table_open(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"insert", table_insert},     {"remove", table_remove},   {"concat", table_concat},
        {"foreach", table_foreach},   {"foreachi", table_foreachi}, {"sort", table_sort},
        {NULL, NULL},
    };
    luaL_register(L, "table", functions);
    lua_pop(L, 1);
}
