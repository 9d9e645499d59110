/* SPDX-License-Identifier: BSD-3-Clause */
/* Scripts of any text, in one sandbox after the other: none reaches memory that is not its own,
 * runs on for ever, holds more than it may, or changes what the next one finds. */
#include <stdio.h>
#include <string.h>

#include "base/must.h"
#include "scripting/sandbox.h"
#include "scripting/script_reply.h"
#include "scripting/vm.h"
#include "server/ctx.h"
#include "tests/fuzz/fuzz.h"

enum { LIMIT = 1 << 20, LOOKS_MAX = 30, SCRIPTS_PER_STATE = 200 };

struct fuzzed {
    struct vm *vm;
    struct slice text;
    struct buf out;
    int looks, scripts, entries; /* entries: of all tables that scripts share */
};

static void look(lua_State *L, struct guard *g)
{
    struct fuzzed *f = g->arg;
    if (++f->looks <= LOOKS_MAX)
        return;
    must(f->looks < LOOKS_MAX + 1000000); /* it does not get away with catching this */
    guard_look_always(L);
    luaL_error(L, "stopped");
}

static void no_more(lua_State *L)
{
    (void)L;
}

static int body(lua_State *L)
{
    struct fuzzed *f = guard_of(L)->arg;
    struct ctx c = {.out = &f->out, .resp = 2, .out_most = SIZE_MAX};
    if (sandbox_load(L, f->text, "@fuzzed"))
        return lua_error(L);
    lua_call(L, 0, 1);
    script_reply(L, &c, 2);
    return 0;
}

/* Counts the entries of the globals and of the tables in them, as they really are. */
static int count_entries(lua_State *L)
{
    struct fuzzed *f = lua_touserdata(L, 1);
    int n = 0;
    sandbox_push_globals(L);
    int globals = lua_gettop(L);
    for (lua_pushnil(L); lua_next(L, globals); lua_pop(L, 1)) {
        n++;
        if (!lua_istable(L, -1))
            continue;
        must(lua_getmetatable(L, -1)); /* all of them are faces */
        lua_getfield(L, -1, "__index");
        for (lua_pushnil(L); lua_istable(L, globals + 4) && lua_next(L, globals + 4); lua_pop(L, 1))
            n++;
        lua_settop(L, globals + 3);
        lua_pop(L, 1);
    }
    f->entries = n;
    return 0;
}

static int entries(struct fuzzed *f)
{
    f->looks = 0;
    bool ok = vm_call_c(f->vm, count_entries, f);
    must(ok);
    vm_clear(f->vm);
    return f->entries;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fuzzed f;
    if (f.vm && f.scripts++ > SCRIPTS_PER_STATE) {
        vm_free(f.vm);
        f = (struct fuzzed){.out = f.out};
    }
    if (!f.vm) {
        f.vm = vm_new(LIMIT, &f, body, no_more);
        must(f.vm);
        f.vm->guard.look = look;
    }
    int before = entries(&f);
    f.text = slice(data, size);
    f.looks = 0;
    buf_clear(&f.out);
    if (!vm_call(f.vm))
        must(vm_error(f.vm).text.len > 0);
    must(f.vm->guard.used <= LIMIT);
    vm_clear(f.vm);
    must(entries(&f) == before);
    return 0;
}

void fuzz_seeds(void)
{
    static const char *const seeds[] = {
        "return {1, 'a', {ok = 'x'}, {err = 'y'}, true, nil, 1.5}",
        "local t = {} for i = 1, 100 do t[i] = tostring(i):rep(3) end return table.concat(t, ',')",
        "return pcall(function() error({err = 'x'}) end)",
        "local co = coroutine.wrap(function(a) while true do a = coroutine.yield(a) end end) co(1) "
        "return co(2)",
        "return setmetatable({}, {__index = function(t, k) return k end}).abc",
        "return string.format('%5.2f %q %s', 1.5, 'a\\n', {})",
        "return loadstring('return ' .. ('x'):rep(10))",
        "return load(function() return nil end)",
        "for k, v in pairs(_G) do rawset(v, k, v) end",
        "getmetatable('').__index.len = nil",
        "return cjson.encode(cjson.decode('{\"a\":[1,2,{\"b\":null}]}'))",
        "return cmsgpack.unpack(cmsgpack.pack({1, {a = 2}}, 'x', 1.5))",
        "return struct.unpack('>I2c0', struct.pack('>I2c0', 3, 'abc'))",
        "return bit.tohex(bit.bxor(1, bit.lshift(0xff, 8)), -8)",
        "return ('abc123'):gsub('%a+', {abc = 'x'})",
        "return string.find(('a'):rep(50), ('a?'):rep(50) .. ('a'):rep(50))",
        "local t = {5, 3, 1} table.sort(t, function(a, b) return a > b end) return t",
        "return select('#', unpack({}, 1, 100))",
        "return math.random(10), math.huge, -math.huge, 0 / 0",
        "local a = {} a[a] = a a.x = a return a",
        "while true do pcall(function() while true do end end) end",
        "local s = 'x' while true do s = s .. s end",
        "return string.rep('', 1e15)",
        "collectgarbage('stop') return collectgarbage('count')",
        "return string.dump(function() return 1 end)",
        "local f = loadstring(string.dump(function() return 1 end)) return f and f()",
        "return tonumber('ff', 16), tonumber('zz', 36), tonumber('1e400')",
        "return next({}, nil), rawequal('a', 'a'), rawget({1}, 1), type(nil)",
        "return xpcall(error, function(e) return e end)",
        "goto = 1",
    };
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++)
        fuzz_add(seeds[i], strlen(seeds[i]));
}
