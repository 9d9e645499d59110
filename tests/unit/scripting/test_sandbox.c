/* SPDX-License-Identifier: BSD-3-Clause */
/* Ways out of a sandbox of this family that are known, tried one by one; and that a script leaves
 * nothing behind for the next. */
#include "scripting/sandbox.h"

#include <string.h>

#include "scripting/vm.h"
#include "tests/unit/unit.h"

enum { LIMIT = 4 << 20 };

static int host_count(lua_State *L)
{
    lua_pushnumber(L, 1);
    return 1;
}

static void setup(lua_State *L)
{
    lua_newtable(L);
    lua_pushcfunction(L, host_count);
    lua_setfield(L, -2, "count");
    lua_setglobal(L, "host");
}

/* The script's first result as text; its error's text when it fails. */
static const char *text;
static int body(lua_State *L)
{
    if (sandbox_load(L, slice_str(text), "@t"))
        return lua_error(L);
    lua_call(L, 0, 1);
    lua_getglobal(L, "tostring");
    lua_insert(L, -2);
    lua_call(L, 1, 1);
    lua_setfield(L, LUA_REGISTRYINDEX, "result");
    return 0;
}

static const char *run(struct vm *vm, const char *script)
{
    static char kept[512];
    text = script;
    bool ok = vm_call(vm);
    if (ok)
        lua_getfield(vm->L, LUA_REGISTRYINDEX, "result");
    struct slice said = ok ? slice_str(lua_tostring(vm->L, -1)) : vm_error(vm).text;
    snprintf(kept, sizeof kept, "%.*s", SLICE_ARG(said));
    vm_clear(vm);
    return kept;
}

struct row {
    const char *script, *want; /* a part of what is said */
};

static void check_rows(const struct row *rows, size_t n)
{
    struct vm *vm = vm_new(LIMIT, NULL, body, setup);
    CHECK(vm != NULL);
    for (size_t i = 0; i < n; i++) {
        const char *said = run(vm, rows[i].script);
        if (!strstr(said, rows[i].want))
            printf("%s\n    said %s, not %s\n", rows[i].script, said, rows[i].want);
        CHECK(strstr(said, rows[i].want) != NULL);
    }
    CHECK_STR(run(vm, "return host.count()"), "1");
    vm_free(vm);
}
#define ROWS(rows) check_rows(rows, sizeof(rows) / sizeof *(rows))

#define RO "Attempt to modify a readonly table"
#define GONE "nonexistent global variable"

static void reaches_nothing_outside(void)
{
    static const struct row rows[] = {
        {"return io", GONE}, {"return require", GONE}, {"return package", GONE},
        {"return debug", GONE}, {"return dofile", GONE}, {"return loadfile", GONE},
        {"return print", GONE}, {"return getfenv", GONE}, {"return setfenv", GONE},
        {"return newproxy", GONE}, {"return module", GONE},
        {"return os.execute", "nil"}, {"return os.exit", "nil"}, {"return os.getenv", "nil"},
        {"return type(os.clock())", "number"},
        {"return rawget(_G, 'print')", "nil"},
        {"for k in pairs(_G) do if k == 'print' or k == 'dofile' then return k end end return 1",
         "1"},
    };
    ROWS(rows);
}

static void runs_no_bytecode(void)
{
    static const struct row rows[] = {
        {"return loadstring(string.dump(function() return 7 end))", "nil"},
        {"return select(2, loadstring(string.dump(function() end)))",
         "unexpected symbol near 'char(27)'"},
        {"return select(2, loadstring('\\27Lua'))", "unexpected symbol"},
        {"return load(function() return '\\27Lua' end)", "nil"},
        {"local d, n = string.dump(function() return 7 end), 0 "
         "return load(function() n = n + 1 return d:sub(n, n) ~= '' and d:sub(n, n) or nil end)",
         "nil"},
        {"local n = 0 return load(function() n = n + 1 return ({'', '\\27Lua'})[n] end)()", ""},
        {"return load(function() return {} end)", "nil"},
        {"local n = 0 return load(function() n = n + 1 return ({'return ', '4', '2'})[n] end)()",
         "42"},
        {"return loadstring('return 42')()", "42"},
        {"return loadstring('x = 1')()", RO},
        {"return loadstring('return nosuch')()", GONE},
    };
    struct vm *vm = vm_new(LIMIT, NULL, body, setup);
    /* A script that is bytecode itself. */
    CHECK(strstr(run(vm, "\033Lua"), "unexpected symbol") != NULL);
    vm_free(vm);
    ROWS(rows);
}

static void changes_nothing_shared(void)
{
    static const struct row rows[] = {
        {"x = 1", RO}, {"_G.x = 1", RO}, {"_G['x'] = 1", RO}, {"rawset(_G, 'x', 1)", RO},
        {"string = nil", RO}, {"host = nil", RO}, {"host.x = 1", RO}, {"host.count = nil", RO},
        {"rawset(host, 'count', nil)", RO}, {"string.len = nil", RO},
        {"rawset(string, 'len', nil)", RO}, {"getmetatable('').__index = nil", RO},
        {"getmetatable('').__index.len = nil", RO}, {"getmetatable('').__add = 1", RO},
        {"rawset(getmetatable(''), '__add', 1)", RO},
        {"setmetatable(getmetatable(''), {})", RO},
        {"table.insert(host, 1)", RO}, {"table.insert(_G, 1, 2)", RO},
        {"setmetatable(_G, {})", RO}, {"setmetatable(host, {})", RO},
        {"setmetatable(getmetatable(_G), {})", RO}, {"getmetatable(_G).__index = nil", RO},
        {"rawset(getmetatable(_G), '__index', nil)", RO},
        {"return getmetatable(host)", "nil"},
        {"return rawequal(_G, _G._G)", "true"},
        {"for k, v in pairs(_G) do if type(v) == 'table' then "
         "local ok = pcall(rawset, v, 'x', 1) if ok then return k end end end return 'none'",
         "none"},
        {"for k, v in pairs(_G) do if type(v) == 'table' then "
         "local ok = pcall(function() v.x = 1 end) if ok then return k end end end return 'none'",
         "none"},
        {"local k, v = next(_G) while k do if type(v) == 'table' and pcall(rawset, v, 1, 1) then "
         "return k end k, v = next(_G, k) end return 'none'", "none"},
        /* a metatable of one's own looks like no face */
        {"local t = setmetatable({}, {[1] = {}, r = {}}) rawset(t, 'a', 1) return t.a", "1"},
        {"return getmetatable(setmetatable({}, {__metatable = 'mine'}))", "mine"},
        {"return setmetatable(setmetatable({}, {__metatable = 'mine'}), {})",
         "cannot change a protected metatable"},
        {"return #string .. ' ' .. tostring(rawget(string, 'len') == string.len)", "0 true"},
        {"local n = 0 for _ in pairs(string) do n = n + 1 end return n > 10", "true"},
    };
    ROWS(rows);
}

static void leaves_nothing_behind(void)
{
    struct vm *vm = vm_new(LIMIT, NULL, body, setup);
    run(vm, "collectgarbage('stop') collectgarbage('setpause', 100000) "
            "collectgarbage('setstepmul', 1)");
    for (int i = 0; i < 50; i++)
        run(vm, "local t = {} for i = 1, 5000 do t = {t} end return #t");
    CHECK(vm->guard.used < LIMIT / 2);
    CHECK_STR(run(vm, "return collectgarbage('setpause', 5)"), "200");
    CHECK_STR(run(vm, "local co = coroutine.create(function() x = 1 end) "
                      "return select(2, coroutine.resume(co))"),
              "t:1: Attempt to modify a readonly table");
    CHECK_STR(run(vm, "return coroutine.wrap(function() return _G end)() == _G"), "true");
    vm_free(vm);
}

static void errors_of_any_kind_are_told(void)
{
    static const struct row rows[] = {
        {"error('text')", "ERR t:1: text"}, {"error('text', 0)", "ERR text"},
        {"error()", "ERR nil"}, {"error({})", "ERR unknown error"},
        {"error({err = {}})", "ERR unknown error"}, {"error({err = 12})", "12"},
        {"error({err = 'MY text'})", "MY text"}, {"error(true)", "ERR true"},
        {"error(function() end)", "ERR function"},
        {"error(setmetatable({}, {__tostring = function() error('again') end}))",
         "ERR unknown error"},
        {"error(setmetatable({}, {__index = function() error('again') end}))",
         "ERR unknown error"},
        {"local function f() return f() + 1 end f()", "stack overflow"},
        {"return select(2, pcall(error, {err = 'x'}))", "x"},
        {"return type(select(2, pcall(error, {a = 1})))", "table"},
        {"return select(2, pcall())", "attempt to call a boolean value"},
        {"return select('#', pcall(function() return 1, nil, nil end))", "4"},
        {"coroutine.yield(1)", "attempt to yield across"},
        {"return string.rep('x', 1e8)", "ERR not enough memory"},
        {"return select(2, xpcall(error, function(e) return type(e) end))", "nil"},
        {"return select(2, xpcall(function() error('x', 0) end, function(e) return e .. '!' end))",
         "x!"},
        {"return select('#', xpcall(function() return 1, nil, nil end, error))", "4"},
        {"return xpcall(function() error('x') end, function(e) error('y') end)", "false"},
        {"return xpcall(1)", "bad argument #2"},
    };
    ROWS(rows);
}

static void unpack_counts_right(void)
{
    static const struct row rows[] = {
        {"return select('#', unpack({}, 1, 7000))", "7000"},
        {"return unpack({}, 0, 2147483647)", "too many results to unpack"},
        {"return unpack({}, -2147483648, 2147483647)", "too many results to unpack"},
        {"return unpack({}, -1, 2147483647)", "too many results to unpack"},
        {"return unpack({1, 2}, -100000000, 2147483647)", "too many results to unpack"},
        {"return unpack({}, 1, 8000)", "too many results to unpack"},
        {"return select('#', unpack({}, 2147483646, 2147483647))", "2"},
        {"return select('#', unpack({1, 2, 3}, 3, 2))", "0"},
        {"return select(2, unpack({1, 2, 3}, 2))", "3"},
        {"return unpack(5)", "table expected"},
    };
    ROWS(rows);
}

/* As while a library is loaded. */
static int narrow(lua_State *L)
{
    lua_newtable(L);
    lua_pushnumber(L, 5);
    lua_setfield(L, -2, "five");
    sandbox_narrow(L);
    return 0;
}

static void is_narrowed_and_widened(void)
{
    struct vm *vm = vm_new(LIMIT, NULL, body, setup);
    CHECK(vm_call_c(vm, narrow, NULL));
    text = "return function() return five end";
    CHECK(!vm_call(vm)); /* even tostring is not there */
    CHECK(strstr(vm_error(vm).text.data, "'tostring'") != NULL);
    vm_clear(vm);
    sandbox_widen(vm->L);
    CHECK_STR(run(vm, "return host.count()"), "1");
    CHECK(strstr(run(vm, "return five"), GONE) != NULL);
    vm_free(vm);
}

int main(void)
{
    return UNIT_RUN(UNIT(reaches_nothing_outside), UNIT(runs_no_bytecode),
                    UNIT(changes_nothing_shared), UNIT(leaves_nothing_behind),
                    UNIT(errors_of_any_kind_are_told), UNIT(unpack_counts_right),
                    UNIT(is_narrowed_and_widened));
}
