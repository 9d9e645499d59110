/* SPDX-License-Identifier: BSD-3-Clause */
#include "scripting/sandbox.h"

#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "base/must.h"
#include "scripting/guard.h"
#include "scripting/lua_bit.h"
#include "scripting/lua_cjson.h"
#include "scripting/lua_cmsgpack.h"
#include "scripting/lua_coroutine.h"
#include "scripting/lua_math.h"
#include "scripting/lua_string.h"
#include "scripting/lua_struct.h"
#include "scripting/lua_table.h"
#include "scripting/readonly.h"

/* Of the base library. All others go: dofile, loadfile, print, getfenv, setfenv, newproxy... */
static const char *const base_functions[] = {
    "_G", "_VERSION", "assert", "collectgarbage", "error", "gcinfo", "getmetatable", "ipairs",
    "load", "loadstring", "next", "pairs", "pcall", "rawequal", "rawget", "rawset", "select",
    "setmetatable", "tonumber", "tostring", "type", "unpack", "xpcall", "coroutine", NULL};

static const char globals_key = 'g'; /* in the registry: the real table of globals */

static bool is_listed(const char *name)
{
    for (const char *const *at = base_functions; *at; at++)
        if (strcmp(*at, name) == 0)
            return true;
    return false;
}

static void keep_listed(lua_State *L)
{
    lua_pushvalue(L, LUA_GLOBALSINDEX);
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        lua_pop(L, 1);
        if (is_listed(lua_tostring(L, -1)))
            continue;
        lua_pushvalue(L, -1);
        lua_pushnil(L);
        lua_rawset(L, -4); /* an entry that is there may be cleared meanwhile */
    }
    lua_pop(L, 1);
}

/* ---- functions of ours ---- */

/* As the stock one; but what failed with a table that has err gives err alone. */
static int protected_call(lua_State *L)
{
    lua_pushboolean(L, 1);
    lua_insert(L, 1);
    if (lua_gettop(L) == 1) {
        lua_settop(L, 0);
        lua_pushboolean(L, 0);
        lua_pushliteral(L, "attempt to call a boolean value");
        return 2;
    }
    if (lua_pcall(L, lua_gettop(L) - 2, LUA_MULTRET, 0) == 0)
        return lua_gettop(L);
    if (lua_istable(L, -1)) {
        lua_pushliteral(L, "err");
        lua_rawget(L, -2);
        if (!lua_isnil(L, -1)) /* without err there is a nil more: so it always was */
            lua_replace(L, -2);
    }
    lua_pushboolean(L, 0);
    lua_replace(L, 1);
    return lua_gettop(L);
}

/* The upvalue is the handler. What ends a script is raised where Lua asks nobody any more whether
 * to go on: the handler, which could go on for ever, is not called then. */
static int handle_unless_stopping(lua_State *L)
{
    lua_settop(L, 1);
    if (guard_of(L)->stopping)
        return 1;
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, 1, 1);
    return 1;
}

static int protected_call_handled(lua_State *L)
{
    luaL_checkany(L, 2);
    lua_settop(L, 2);
    lua_pushcclosure(L, handle_unless_stopping, 1);
    lua_insert(L, 1);
    int result = lua_pcall(L, 0, LUA_MULTRET, 1);
    lua_pushboolean(L, result == 0);
    lua_replace(L, 1);
    return lua_gettop(L);
}

/* The stock one counts in an int, and goes astray when there is no room for the number. */
static int unpack(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    int64_t first = (int)luaL_optinteger(L, 2, 1);
    int64_t last = lua_isnoneornil(L, 3) ? (int64_t)lua_objlen(L, 1) : (int)luaL_checkinteger(L, 3);
    if (first > last)
        return 0;
    if (last - first >= INT_MAX / 2 || !lua_checkstack(L, (int)(last - first) + 1))
        return luaL_error(L, "too many results to unpack");
    for (int64_t i = first; i <= last; i++)
        lua_rawgeti(L, 1, (int)i);
    return (int)(last - first) + 1;
}

/* What begins like bytecode is told to be the syntax error that it is, as text. The name is kept on
 * the stack meanwhile: the compiler alone would not keep it from being collected. */
int sandbox_load(lua_State *L, struct slice text, const char *name)
{
    bool bytecode = text.len && text.data[0] == LUA_SIGNATURE[0];
    lua_pushstring(L, name);
    int result = bytecode ? luaL_loadbuffer(L, " \033", 2, name)
                          : luaL_loadbuffer(L, text.data, text.len, name);
    lua_remove(L, -2);
    return result;
}

/* As load and loadstring reply. */
static int load_text(lua_State *L, const char *text, size_t len, const char *name)
{
    guard_spend(L, len / 16);
    if (sandbox_load(L, slice(text, len), name) == 0)
        return 1;
    lua_pushnil(L);
    lua_insert(L, -2);
    return 2;
}

static int load_string(lua_State *L)
{
    size_t len;
    const char *text = luaL_checklstring(L, 1, &len);
    return load_text(L, text, len, luaL_optstring(L, 2, text));
}

enum { PIECES_FROM = 1, NAME = 2, PIECE = 3 }; /* places on load's stack */

/* What Lua's compiler is given piece by piece. */
static const char *next_piece(lua_State *L, void *arg, size_t *len)
{
    bool *begun = arg;
    luaL_checkstack(L, 2, "too many nested functions");
    lua_pushvalue(L, PIECES_FROM);
    lua_call(L, 0, 1);
    *len = 0;
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        return NULL;
    }
    if (!lua_isstring(L, -1))
        luaL_error(L, "reader function must return a string");
    lua_replace(L, PIECE); /* it stays while it is read */
    const char *text = lua_tolstring(L, PIECE, len);
    if (!*begun && *len && text[0] == LUA_SIGNATURE[0]) { /* as in sandbox_load */
        *len = 2;
        text = " \033";
    }
    *begun = *begun || *len;
    return text;
}

static int load_pieces(lua_State *L)
{
    bool begun = false;
    const char *name = luaL_optstring(L, NAME, "=(load)");
    luaL_checktype(L, PIECES_FROM, LUA_TFUNCTION);
    lua_settop(L, PIECE);
    lua_pushstring(L, name); /* as in sandbox_load */
    lua_replace(L, NAME);
    if (lua_load(L, next_piece, &begun, lua_tostring(L, NAME)) == 0)
        return 1;
    lua_pushnil(L);
    lua_insert(L, -2);
    return 2;
}

/* What a script says of when garbage is to be collected would count for the next one, too: it is
 * not followed. */
static int collect_garbage(lua_State *L)
{
    static const char *const words[] = {"stop", "restart", "collect", "count", "step", "setpause",
                                        "setstepmul", NULL};
    enum { STOP, RESTART, COLLECT, COUNT, STEP, INITIAL_PERCENT = 200 };
    int word = luaL_checkoption(L, 1, "collect", words);
    int amount = luaL_optint(L, 2, 0);
    if (word == COLLECT || word == STEP)
        guard_spend(L, guard_of(L)->used / 64);
    if (word == COUNT)
        lua_pushnumber(L, (lua_Number)guard_of(L)->used / 1024);
    else if (word == STEP)
        lua_pushboolean(L, lua_gc(L, LUA_GCSTEP, amount));
    else if (word == COLLECT)
        lua_pushnumber(L, lua_gc(L, LUA_GCCOLLECT, 0));
    else
        lua_pushnumber(L, word > STEP ? INITIAL_PERCENT : 0);
    return 1;
}

static int os_clock(lua_State *L)
{
    lua_pushnumber(L, (lua_Number)clock() / CLOCKS_PER_SEC);
    return 1;
}

static int no_such_global(lua_State *L)
{
    const char *name = lua_tostring(L, 2);
    return luaL_error(L, "Script attempted to access nonexistent global variable '%s'",
                      name ? name : luaL_typename(L, 2));
}

/* ---- the house ---- */

static void open_library(lua_State *L, const char *name, lua_CFunction f)
{
    lua_pushcfunction(L, f);
    lua_pushstring(L, name);
    lua_call(L, 1, 0);
}

void sandbox_open(lua_State *L)
{
    static const luaL_Reg ours[] = {{"pcall", protected_call}, {"loadstring", load_string},
                                    {"load", load_pieces},
                                    {"xpcall", protected_call_handled}, {"unpack", unpack},
                                    {"collectgarbage", collect_garbage}, {NULL, NULL}};
    open_library(L, "", luaopen_base);
    keep_listed(L);
    for (const luaL_Reg *f = ours; f->name; f++)
        lua_register(L, f->name, f->func);
    readonly_open(L);
    open_library(L, LUA_STRLIBNAME, luaopen_string);
    open_library(L, LUA_TABLIBNAME, luaopen_table);
    open_library(L, LUA_MATHLIBNAME, luaopen_math);
    lua_coroutine_open(L);
    lua_string_open(L);
    lua_table_open(L);
    lua_math_open(L);
    lua_bit_open(L);
    lua_struct_open(L);
    lua_cjson_open(L);
    lua_cmsgpack_open(L);
    lua_newtable(L);
    lua_pushcfunction(L, os_clock);
    lua_setfield(L, -2, "clock");
    lua_setglobal(L, "os");
}

static void seal_tables(lua_State *L, int globals)
{
    lua_pushnil(L);
    while (lua_next(L, globals)) {
        if (lua_istable(L, -1) && !lua_rawequal(L, -1, globals)) {
            lua_pushnil(L);
            readonly_make(L);
            lua_pushvalue(L, -2);
            lua_insert(L, -2);
            lua_rawset(L, globals); /* an entry that is there */
        } else {
            lua_pop(L, 1);
        }
    }
}

void sandbox_push_globals(lua_State *L)
{
    lua_pushlightuserdata(L, (char *)&globals_key);
    lua_rawget(L, LUA_REGISTRYINDEX);
    must(lua_istable(L, -1));
}

void sandbox_seal(lua_State *L)
{
    lua_pushvalue(L, LUA_GLOBALSINDEX);
    int globals = lua_gettop(L);
    seal_tables(L, globals);
    readonly_show_string_metatable(L);
    lua_pushlightuserdata(L, (char *)&globals_key);
    lua_pushvalue(L, globals);
    lua_rawset(L, LUA_REGISTRYINDEX);

    lua_pushvalue(L, globals);
    sandbox_strict(L);
    lua_newtable(L); /* the like of its metatable that scripts are shown */
    lua_pushcfunction(L, no_such_global);
    lua_setfield(L, -2, "__index");
    lua_pushnil(L);
    readonly_make(L);
    readonly_make(L);
    lua_remove(L, globals);
    must(lua_gettop(L) == globals);
    sandbox_push_globals(L);
    lua_pushvalue(L, globals);
    lua_setfield(L, -2, "_G");
    lua_pop(L, 1);
    lua_replace(L, LUA_GLOBALSINDEX);
}

void sandbox_strict(lua_State *L)
{
    must(lua_istable(L, -1));
    lua_newtable(L);
    lua_pushcfunction(L, no_such_global);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
}

void sandbox_narrow(lua_State *L)
{
    sandbox_strict(L);
    readonly_turn(L, LUA_GLOBALSINDEX);
}

void sandbox_widen(lua_State *L)
{
    sandbox_push_globals(L);
    readonly_turn(L, LUA_GLOBALSINDEX);
}
