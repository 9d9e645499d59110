/* SPDX-License-Identifier: BSD-3-Clause */
#include "scripting/vm.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "scripting/sandbox.h"
#include "scripting/script_reply.h"

enum { SPENT_BYTES = 32 << 20 };

/* An error outside of a protected call: there is none, or the program is wrong. */
static int panic(lua_State *L)
{
    log_warning("Lua panics: %s", lua_tostring(L, -1));
    abort();
}

/* The place of an error: of the innermost function that has lines. */
static bool find_place(lua_State *L, lua_Debug *place)
{
    for (int level = 1; lua_getstack(L, level, place); level++) {
        lua_getinfo(L, "Sl", place);
        if (place->currentline > 0)
            return true;
    }
    return false;
}

/* Pushes the text of the error at 1. True when who raised it has counted it. */
static bool push_error_text(lua_State *L)
{
    if (!lua_istable(L, 1)) {
        const char *text = lua_tostring(L, 1);
        if (lua_isboolean(L, 1))
            text = lua_toboolean(L, 1) ? "true" : "false";
        lua_pushfstring(L, "ERR %s", text ? text : luaL_typename(L, 1));
        return false;
    }
    lua_pushliteral(L, SCRIPT_ERROR_COUNTED);
    lua_rawget(L, 1);
    bool counted = lua_toboolean(L, -1);
    lua_pushliteral(L, "err");
    lua_rawget(L, 1);
    if (!lua_tostring(L, -1))
        lua_pushliteral(L, "ERR unknown error");
    return counted;
}

/* Makes of what was thrown what vm_error reads. */
static int handle(lua_State *L)
{
    lua_Debug place;
    lua_settop(L, 1);
    bool counted = push_error_text(L);
    lua_createtable(L, 4, 0);
    lua_insert(L, -2);
    lua_rawseti(L, -2, 1);
    lua_pushboolean(L, counted);
    lua_rawseti(L, -2, 2);
    if (find_place(L, &place)) {
        lua_pushnumber(L, place.currentline);
        lua_rawseti(L, -2, 3);
        lua_pushstring(L, place.source);
        lua_rawseti(L, -2, 4);
    }
    return 1;
}

static struct slice text_of(lua_State *L, int index)
{
    size_t len;
    const char *text = lua_tolstring(L, index, &len);
    return slice(text, len);
}

struct vm_error vm_error(struct vm *vm)
{
    lua_State *L = vm->L;
    struct vm_error e = {.text = SLICE_LIT("ERR not enough memory")};
    must(lua_gettop(L) == 1);
    if (!lua_istable(L, 1)) /* there was no memory for more than a text, either */
        return e;
    for (int i = 1; i <= 4; i++)
        lua_rawgeti(L, 1, i);
    if (lua_isstring(L, 2))
        e.text = text_of(L, 2);
    e.counted = lua_toboolean(L, 3);
    e.line = (int)lua_tonumber(L, 4);
    if (lua_isstring(L, 5))
        e.source = text_of(L, 5);
    return e;
}

struct making {
    struct vm *vm;
    lua_CFunction body;
    void (*setup)(lua_State *L);
};

static int make(lua_State *L)
{
    struct making *m = lua_touserdata(L, 1);
    lua_settop(L, 0);
    sandbox_open(L);
    m->setup(L);
    sandbox_seal(L);
    lua_pushcfunction(L, handle);
    m->vm->handler = vm_keep(L);
    lua_pushcfunction(L, m->body);
    m->vm->body = vm_keep(L);
    return 0;
}

struct vm *vm_new(size_t limit, void *arg, lua_CFunction body, void (*setup)(lua_State *L))
{
    struct vm *vm = mem_zalloc(sizeof *vm);
    struct making m = {vm, body, setup};
    vm->guard = (struct guard){.limit = limit, .arg = arg};
    vm->L = guard_open(&vm->guard);
    if (!vm->L || (lua_atpanic(vm->L, panic), lua_cpcall(vm->L, make, &m))) {
        vm_free(vm);
        return NULL;
    }
    lua_settop(vm->L, 0);
    return vm;
}

void vm_free(struct vm *vm)
{
    if (vm->L)
        guard_close(&vm->guard, vm->L);
    mem_free(vm);
}

size_t vm_memory(const struct vm *vm)
{
    return sizeof *vm + vm->guard.used;
}

bool vm_call(struct vm *vm)
{
    lua_State *L = vm->L;
    must(lua_gettop(L) == 0);
    lua_rawgeti(L, LUA_REGISTRYINDEX, vm->handler);
    lua_rawgeti(L, LUA_REGISTRYINDEX, vm->body);
    int result = lua_pcall(L, 0, 0, 1);
    lua_remove(L, 1);
    return result == 0;
}

struct late {
    struct vm *vm;
    lua_CFunction f;
    void *arg;
};

static int call_late(lua_State *L)
{
    struct late *late = lua_touserdata(L, 1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, late->vm->handler);
    lua_pushcfunction(L, late->f);
    lua_pushlightuserdata(L, late->arg);
    if (lua_pcall(L, 1, 0, 2))
        lua_error(L);
    return 0;
}

bool vm_call_c(struct vm *vm, lua_CFunction f, void *arg)
{
    struct late late = {vm, f, arg};
    must(lua_gettop(vm->L) == 0);
    return lua_cpcall(vm->L, call_late, &late) == 0;
}

bool vm_is_spent(const struct vm *vm)
{
    return vm->guard.used > SPENT_BYTES && vm->guard.used > 4 * vm->guard.settled;
}

void vm_clear(struct vm *vm)
{
    lua_settop(vm->L, 0);
    guard_trim(&vm->guard, vm->L);
}

int vm_keep(lua_State *L)
{
    must(lua_isfunction(L, -1));
    return luaL_ref(L, LUA_REGISTRYINDEX);
}
