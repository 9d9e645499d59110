/* SPDX-License-Identifier: BSD-3-Clause */
#include "scripting/lua_coroutine.h"

#include "base/must.h"
#include "scripting/guard.h"

/* Why the thread cannot be resumed; NULL: it can. */
static const char *state_of(lua_State *L, lua_State *co)
{
    lua_Debug any;
    if (co == L)
        return "running";
    if (lua_status(co) == LUA_YIELD)
        return NULL;
    if (lua_status(co) != 0)
        return "dead";
    if (lua_getstack(co, 0, &any))
        return "normal"; /* it has resumed another */
    return lua_gettop(co) == 0 ? "dead" : NULL;
}

/* Resumes it with the n values on top, which are replaced by what it gives: so many. -1: by its
 * error. */
static int resume_with(lua_State *L, lua_State *co, int n)
{
    const char *state = state_of(L, co);
    if (!lua_checkstack(co, n))
        luaL_error(L, "too many arguments to resume");
    if (state) {
        lua_pushfstring(L, "cannot resume %s coroutine", state);
        return -1;
    }
    lua_xmove(L, co, n);
    lua_setlevel(L, co); /* how deep C has come */
    guard_of(L)->last = co;
    int status = lua_resume(co, n);
    guard_of(L)->last = L;
    if (status != 0 && status != LUA_YIELD) {
        lua_xmove(co, L, 1);
        return -1;
    }
    int results = lua_gettop(co);
    if (!lua_checkstack(L, results + 1))
        luaL_error(L, "too many results to resume");
    lua_xmove(co, L, results);
    return results;
}

static int resume(lua_State *L)
{
    lua_State *co = lua_tothread(L, 1);
    luaL_argcheck(L, co, 1, "coroutine expected");
    int n = resume_with(L, co, lua_gettop(L) - 1);
    lua_pushboolean(L, n >= 0);
    if (n < 0)
        n = 1;
    lua_insert(L, -(n + 1));
    return n + 1;
}

/* The upvalue is the thread. */
static int wrapped(lua_State *L)
{
    int n = resume_with(L, lua_tothread(L, lua_upvalueindex(1)), lua_gettop(L));
    if (n >= 0)
        return n;
    if (lua_isstring(L, -1)) { /* with the place where it was called */
        luaL_where(L, 1);
        lua_insert(L, -2);
        lua_concat(L, 2);
    }
    return lua_error(L);
}

static int create(lua_State *L)
{
    luaL_argcheck(L, lua_isfunction(L, 1) && !lua_iscfunction(L, 1), 1, "Lua function expected");
    lua_State *co = lua_newthread(L);
    lua_pushvalue(L, 1);
    lua_xmove(L, co, 1);
    return 1;
}

static int wrap(lua_State *L)
{
    create(L);
    lua_pushcclosure(L, wrapped, 1);
    return 1;
}

void lua_coroutine_open(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"create", create}, {"resume", resume}, {"wrap", wrap}, {NULL, NULL}};
    luaL_register(L, "coroutine", functions);
    must(lua_istable(L, -1));
    lua_pop(L, 1);
}
