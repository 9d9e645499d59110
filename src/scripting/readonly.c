/* SPDX-License-Identifier: BSD-3-Clause */
#include "scripting/readonly.h"

#include "base/must.h"

/* Keys of a face's metatable, by their addresses: no script can make one. */
static const char real_key = 'r', shown_key = 's', string_key = 't';

static void push_key(lua_State *L, const char *key)
{
    lua_pushlightuserdata(L, (char *)key);
}

static void raw_get(lua_State *L, int index, const char *key)
{
    must(index > 0);
    push_key(L, key);
    lua_rawget(L, index);
}

/* From the value on top. */
static void raw_set(lua_State *L, int index, const char *key)
{
    must(index > 0);
    push_key(L, key);
    lua_insert(L, -2);
    lua_rawset(L, index);
}

/* Pushes what the table at index is a face of. False, and nothing: it is a table like others. */
static bool push_real(lua_State *L, int index)
{
    if (!lua_istable(L, index) || !lua_getmetatable(L, index))
        return false;
    raw_get(L, lua_gettop(L), &real_key);
    lua_remove(L, -2);
    if (lua_istable(L, -1))
        return true;
    lua_pop(L, 1);
    return false;
}

static int refuse(lua_State *L)
{
    return luaL_error(L, "Attempt to modify a readonly table");
}

void readonly_refuse(lua_State *L, int index)
{
    if (!push_real(L, index))
        return;
    lua_pushliteral(L, "Attempt to modify a readonly table");
    lua_error(L);
}

void readonly_open_face(lua_State *L, int index)
{
    if (push_real(L, index))
        lua_replace(L, index);
}

void readonly_make(lua_State *L)
{
    int shown = lua_gettop(L), real = shown - 1;
    must(real > 0 && lua_istable(L, real));
    lua_newtable(L);
    lua_newtable(L);
    int face = real + 2, meta = real + 3;
    lua_pushvalue(L, real);
    lua_setfield(L, meta, "__index");
    lua_pushcfunction(L, refuse);
    lua_setfield(L, meta, "__newindex");
    lua_pushvalue(L, real);
    raw_set(L, meta, &real_key);
    lua_pushvalue(L, shown);
    raw_set(L, meta, &shown_key);
    lua_setmetatable(L, face);
    lua_replace(L, real);
    lua_settop(L, real);
}

void readonly_turn(lua_State *L, int index)
{
    int real = lua_gettop(L);
    must(lua_istable(L, real));
    bool is_face = lua_getmetatable(L, index);
    must(is_face);
    lua_pushvalue(L, real);
    lua_setfield(L, real + 1, "__index");
    lua_pushvalue(L, real);
    raw_set(L, real + 1, &real_key);
    lua_settop(L, real - 1);
}

/* ---- the functions that would go past it ---- */

/* The table at 1, or the real one of a face. */
static void arg_table(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    readonly_open_face(L, 1);
}

static int next(lua_State *L)
{
    arg_table(L);
    lua_settop(L, 2);
    if (lua_next(L, 1))
        return 2;
    lua_pushnil(L);
    return 1;
}

static int pairs(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_pushcfunction(L, next);
    lua_pushvalue(L, 1);
    lua_pushnil(L);
    return 3;
}

static int rawget(lua_State *L)
{
    arg_table(L);
    luaL_checkany(L, 2);
    lua_settop(L, 2);
    lua_rawget(L, 1);
    return 1;
}

static int rawset(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_checkany(L, 2);
    luaL_checkany(L, 3);
    lua_settop(L, 3);
    readonly_refuse(L, 1);
    lua_rawset(L, 1);
    return 1;
}

static int set_metatable(lua_State *L)
{
    int type = lua_type(L, 2);
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_argcheck(L, type == LUA_TNIL || type == LUA_TTABLE, 2, "nil or table expected");
    readonly_refuse(L, 1);
    if (luaL_getmetafield(L, 1, "__metatable"))
        luaL_error(L, "cannot change a protected metatable");
    lua_settop(L, 2);
    lua_setmetatable(L, 1);
    return 1;
}

static int get_metatable(lua_State *L)
{
    luaL_checkany(L, 1);
    if (lua_type(L, 1) == LUA_TSTRING) {
        push_key(L, &string_key);
        lua_rawget(L, LUA_REGISTRYINDEX);
        return 1;
    }
    if (push_real(L, 1)) {
        lua_getmetatable(L, 1);
        raw_get(L, lua_gettop(L), &shown_key);
        return 1;
    }
    if (!lua_getmetatable(L, 1)) {
        lua_pushnil(L);
        return 1;
    }
    luaL_getmetafield(L, 1, "__metatable");
    return 1; /* either __metatable's value, if present, or the metatable */
}

void readonly_open(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"next", next}, {"pairs", pairs}, {"rawget", rawget}, {"rawset", rawset},
        {"setmetatable", set_metatable}, {"getmetatable", get_metatable}, {NULL, NULL}};
    for (const luaL_Reg *f = functions; f->name; f++) {
        lua_pushcfunction(L, f->func);
        lua_setglobal(L, f->name);
    }
}

void readonly_show_string_metatable(lua_State *L)
{
    lua_newtable(L);
    lua_getglobal(L, "string");
    must(lua_istable(L, -1));
    lua_setfield(L, -2, "__index");
    lua_pushnil(L);
    readonly_make(L);
    push_key(L, &string_key);
    lua_insert(L, -2);
    lua_rawset(L, LUA_REGISTRYINDEX);
}
