/* SPDX-License-Identifier: BSD-3-Clause */
/* A library's code is run once. While it runs it sees little more than redis.register_function; the
 * functions that it leaves there see what scripts see. */
#include <ctype.h>

#include "base/mem.h"
#include "base/must.h"
#include "os/clock.h"
#include "scripting/function_set.h"
#include "scripting/functions.h"
#include "scripting/readonly.h"
#include "scripting/redis_api.h"
#include "scripting/sandbox.h"
#include "scripting/script_flags.h"
#include "scripting/script_reply.h"
#include "scripting/script_run.h"
#include "scripting/scripting_parts.h"

struct loading {
    struct script_run run; /* first: script_running finds it */
    struct function_set *set;
    struct library *lib;
    struct table names; /* struct function, of lib */
    struct slice body;
};

static struct slice function_name(const void *item)
{
    const struct function *f = item;
    return slice_str(f->name);
}
static const struct table_type name_type = {.key = function_name};

static bool name_is_fine(struct slice name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!isalnum((unsigned char)name.data[i]) && name.data[i] != '_')
            return false;
    return name.len > 0;
}
#define BAD_NAME \
    "ERR Library names can only contain letters, numbers, or underscores(_) and must be at least " \
    "one character long"

#define UNKNOWN_ARGUMENT "ERR unknown argument given to redis.register_function"

static int raise_error(lua_State *L, const char *text)
{
    script_push_error(L, slice_str(text), false);
    return lua_error(L);
}

/* ---- redis.register_function ---- */

static struct slice string_at(lua_State *L, int index, const char *otherwise)
{
    size_t len;
    const char *text = lua_tolstring(L, index, &len);
    if (!text)
        raise_error(L, otherwise);
    return slice(text, len);
}

static void take_flags(lua_State *L, uint32_t *flags)
{
    if (!lua_istable(L, -1))
        raise_error(L, "ERR flags argument to redis.register_function must be a table representing "
                       "function flags");
    *flags = 0;
    for (int i = 1;; i++) {
        lua_rawgeti(L, -1, i);
        if (lua_isnil(L, -1))
            break;
        size_t len;
        const char *name = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &len) : NULL;
        uint32_t flag = name ? script_flag(slice(name, len)) : 0;
        if (!flag)
            raise_error(L, "ERR unknown flag given");
        *flags |= flag;
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

enum { NAMED = 1, NAME = 2, CALLBACK = 3, DESCRIPTION = 4 }; /* places on the stack */

/* {function_name =, callback =, description =, flags =} at 1: the first three to their places. */
static uint32_t take_named(lua_State *L)
{
    uint32_t flags = 0;
    lua_settop(L, DESCRIPTION);
    for (lua_pushnil(L); lua_next(L, NAMED);) {
        if (lua_type(L, -2) != LUA_TSTRING)
            raise_error(L, UNKNOWN_ARGUMENT);
        const char *key = lua_tostring(L, -2);
        if (strcmp(key, "function_name") == 0) {
            string_at(L, -1, "ERR function_name argument given to redis.register_function must be "
                             "a string");
            lua_replace(L, NAME);
        } else if (strcmp(key, "description") == 0) {
            string_at(L, -1, "ERR description argument given to redis.register_function must be a "
                             "string");
            lua_replace(L, DESCRIPTION);
        } else if (strcmp(key, "callback") == 0) {
            if (!lua_isfunction(L, -1))
                raise_error(L, "ERR callback argument given to redis.register_function must be a "
                               "function");
            lua_replace(L, CALLBACK);
        } else if (strcmp(key, "flags") == 0) {
            take_flags(L, &flags);
            lua_pop(L, 1);
        } else {
            raise_error(L, UNKNOWN_ARGUMENT);
        }
    }
    if (lua_isnil(L, NAME))
        raise_error(L, "ERR redis.register_function must get a function name argument");
    if (lua_isnil(L, CALLBACK))
        raise_error(L, "ERR redis.register_function must get a callback argument");
    return flags;
}

/* The name at NAME, the function at CALLBACK. */
static void add_function(lua_State *L, struct loading *job, uint32_t flags)
{
    struct library *lib = job->lib;
    struct slice name = string_at(L, NAME, "");
    if (!name_is_fine(name))
        raise_error(L, BAD_NAME);
    if (table_find(&job->names, name))
        raise_error(L, "ERR Function already exists in the library");
    lua_pushvalue(L, CALLBACK);
    int ref = vm_keep(L);
    struct function *f = mem_zalloc(sizeof *f);
    *f = (struct function){.library = lib, .name = mem_dup(name.data, name.len),
                           .flags = flags, .ref = ref};
    if (!lua_isnil(L, DESCRIPTION))
        f->description = mem_strdup(lua_tostring(L, DESCRIPTION));
    if ((lib->count & (lib->count - 1)) == 0) /* grows at each power of two */
        lib->functions = mem_realloc(lib->functions,
                                     2 * (lib->count + 1) * sizeof *lib->functions);
    lib->functions[lib->count++] = f;
    table_add(&job->names, f);
}

static int register_function(lua_State *L)
{
    struct script_run *run = script_running(L);
    int n = lua_gettop(L);
    uint32_t flags = 0;
    if (!run || run->kind != SCRIPT_LIBRARY)
        return raise_error(L, "ERR redis.register_function can only be called on FUNCTION LOAD "
                              "command");
    if (n < 1 || n > 2)
        return raise_error(L, "ERR wrong number of arguments to redis.register_function");
    if (n == 1 && !lua_istable(L, 1))
        return raise_error(L, "ERR calling redis.register_function with a single argument is only "
                              "applicable to Lua table (representing named arguments).");
    if (n == 1) {
        flags = take_named(L);
    } else {
        string_at(L, 1, "ERR first argument to redis.register_function must be a string");
        if (!lua_isfunction(L, 2))
            return raise_error(L, "ERR second argument to redis.register_function must be a "
                                  "function");
        lua_pushnil(L);
        lua_insert(L, NAMED); /* name and function are where they belong now */
        lua_settop(L, DESCRIPTION);
    }
    add_function(L, (struct loading *)run, flags);
    return 0;
}

/* ---- the state ---- */

static void setup(lua_State *L)
{
    redis_api_open(L);
}

static int make_narrow(lua_State *L)
{
    struct function_set *set = lua_touserdata(L, 1);
    lua_newtable(L);
    redis_api_push_narrow(L);
    lua_pushcfunction(L, register_function);
    lua_setfield(L, -2, "register_function");
    sandbox_strict(L);
    lua_pushnil(L);
    readonly_make(L);
    lua_setfield(L, -2, "redis");
    set->narrow = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

struct function_set *function_set_new(struct scripting *home)
{
    struct function_set *set = mem_zalloc(sizeof *set);
    function_set_init(set, home);
    set->vm = vm_new(scripting_limit(home), home, script_body, setup);
    bool ok = set->vm && vm_call_c(set->vm, make_narrow, set);
    must(ok); /* the limit is never that small */
    vm_clear(set->vm);
    set->vm->guard.look = script_look;
    return set;
}

/* ---- loading ---- */

static int raise_compile_error(lua_State *L)
{
    size_t len;
    lua_pushfstring(L, "ERR Error compiling function: %s", lua_tostring(L, -1));
    const char *text = lua_tolstring(L, -1, &len);
    script_push_error(L, slice(text, len), false);
    return lua_error(L);
}

static int compile(lua_State *L)
{
    struct loading *job = lua_touserdata(L, 1);
    if (sandbox_load(L, job->body, "@user_function"))
        return raise_compile_error(L);
    job->run.ref = vm_keep(L);
    return 0;
}

static int run(lua_State *L)
{
    struct loading *job = lua_touserdata(L, 1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, job->set->narrow);
    sandbox_narrow(L);
    lua_rawgeti(L, LUA_REGISTRYINDEX, job->run.ref);
    lua_call(L, 0, 0);
    return 0;
}

static bool call(struct vm *vm, lua_CFunction f, struct loading *job, const char *prefix,
                 struct buf *error)
{
    bool ok = vm_call_c(vm, f, job);
    if (!ok) {
        struct slice text = vm_error(vm).text;
        buf_printf(error, "%s%.*s", prefix, SLICE_ARG(text));
    }
    vm_clear(vm);
    return ok;
}

static bool load(struct loading *job, struct buf *error)
{
    struct scripting *home = job->set->home;
    struct vm *vm = job->set->vm;
    must(!home->running);
    vm->guard.limit = scripting_limit(home);
    home->running = &job->run;
    job->run.began_us = clock_mono_us();
    bool ok = call(vm, compile, job, "", error);
    if (ok) {
        ok = call(vm, run, job, "ERR Error registering functions: ", error);
        sandbox_widen(vm->L);
        luaL_unref(vm->L, LUA_REGISTRYINDEX, job->run.ref);
    }
    home->running = NULL;
    if (ok && !job->lib->count) {
        buf_printf(error, "ERR No functions registered");
        ok = false;
    }
    return ok;
}

struct library *library_load(struct function_set *set, struct slice code, unsigned how,
                             struct buf *error)
{
    struct library_head head;
    struct buf hold = {0};
    bool ok = library_parse_head(code, &head, &hold, error);
    if (ok && !slice_eq_nocase(head.engine, "lua"))
        buf_printf(error, "ERR Engine '%.*s' not found", SLICE_ARG(head.engine));
    else if (ok && !name_is_fine(head.name))
        buf_printf(error, BAD_NAME);
    else if (ok && how & LIBRARY_NEW && function_set_find(set, head.name))
        buf_printf(error, LIBRARY_EXISTS, SLICE_ARG(head.name));
    struct library *lib = NULL;
    if (!error->len) {
        struct loading job = {.run = {.home = set->home, .vm = set->vm, .kind = SCRIPT_LIBRARY,
                                      .trusted = how & LIBRARY_TRUSTED},
                              .set = set, .body = head.body};
        lib = job.lib = mem_zalloc(sizeof *lib);
        lib->name = mem_dup(head.name.data, head.name.len);
        lib->code = slice(mem_dup(code.data, code.len), code.len);
        table_init(&job.names, &name_type);
        ok = load(&job, error);
        table_release(&job.names);
        if (!ok) {
            library_free(set, lib);
            lib = NULL;
        }
    }
    buf_free(&hold);
    return lib;
}
