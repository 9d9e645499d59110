/* SPDX-License-Identifier: BSD-3-Clause */
/* Rows are what the peer answers, error texts without the place that stands before them. */
#include "scripting/lua_cmsgpack.h"

#include <stdio.h>
#include <string.h>

#include "scripting/guard.h"
#include "tests/unit/scripting/shown.h"

/* show(...): values as text, keys of a table in order. raw turns hexadecimal into bytes, pack and
 * un are the functions with that around them. nest(n) is a table within n others. */
static const char prelude[] =
    "local function text(v)\n"
    "  if type(v) == 'number' then return ('%.17g'):format(v)\n"
    "  elseif type(v) == 'string' then\n"
    "    return \"'\" .. v:gsub('[^ -~]', function(c) return ('\\\\%03d'):format(c:byte()) end) .. "
    "\"'\"\n"
    "  elseif type(v) ~= 'table' then return tostring(v) end\n"
    "  local parts = {}\n"
    "  for k, e in pairs(v) do parts[#parts + 1] = text(k) .. '=' .. text(e) end\n"
    "  table.sort(parts)\n"
    "  return '{' .. table.concat(parts, ' ') .. '}'\n"
    "end\n"
    "function show(...)\n"
    "  local parts = {}\n"
    "  for i = 1, select('#', ...) do parts[i] = text((select(i, ...))) end\n"
    "  return table.concat(parts, ' | ')\n"
    "end\n"
    "function raw(hex)\n"
    "  return (hex:gsub('%x%x', function(h) return string.char(tonumber(h, 16)) end))\n"
    "end\n"
    "function un(hex) return cmsgpack.unpack(raw(hex)) end\n"
    "function pack(...)\n"
    "  return (cmsgpack.pack(...):gsub('.', function(c) return ('%02x'):format(c:byte()) end))\n"
    "end\n"
    "function nest(n) local t = {} for i = 1, n do t = {t} end return t end\n"
    "function fill(n, key)\n"
    "  local t = {} for i = 1, n do t[key and key .. i or i] = 1 end return t\n"
    "end\n";

static lua_State *open_state(struct guard *g, struct watch *w)
{
    return shown_open(g, w, lua_cmsgpack_open, prelude);
}

#define CHECK_ROWS(rows) \
    shown_rows_check(rows, sizeof rows / sizeof *rows, lua_cmsgpack_open, prelude)

static void has_the_peers_members(void)
{
    static const struct shown_row rows[] = {
        {"(function() local n = {} for k, v in pairs(cmsgpack) do n[#n + 1] = k end "
         "table.sort(n) return table.concat(n, ' ') end)()",
         "'_COPYRIGHT _DESCRIPTION _NAME _VERSION pack unpack unpack_limit unpack_one'"},
        {"cmsgpack._NAME, cmsgpack._VERSION", "'cmsgpack' | 'lua-cmsgpack 0.4.0'"},
    };
    CHECK_ROWS(rows);
}

static void packs_scalars_in_the_shortest_form(void)
{
    static const struct shown_row rows[] = {
        {"pack(nil, true, false, 1, 'a')", "'c0c3c201a161'"},
        {"pack(0, tonumber('-0'), 127)", "'00007f'"},
        {"pack(128, 255)", "'cc80ccff'"},
        {"pack(256, 65535)", "'cd0100cdffff'"},
        {"pack(65536, 2^32 - 1)", "'ce00010000ceffffffff'"},
        {"pack(2^32, 2^62)", "'cf0000000100000000cf4000000000000000'"},
        {"pack(-1, -32)", "'ffe0'"},
        {"pack(-33, -128)", "'d0dfd080'"},
        {"pack(-129, -32768)", "'d1ff7fd18000'"},
        {"pack(-32769, -2^31)", "'d2ffff7fffd280000000'"},
        {"pack(-2^31 - 1, -2^63)", "'d3ffffffff7fffffffd38000000000000000'"},
        {"pack(2^63 - 1024)", "'cf7ffffffffffffc00'"},
        {"pack(2^63, -2^64)", "'ca5f000000cadf800000'"},
        {"pack(2^63 + 2048)", "'cb43e0000000000001'"},
        {"pack(1.5, 0.1)", "'ca3fc00000cb3fb999999999999a'"},
        {"pack(1/0, -1/0)", "'ca7f800000caff800000'"},
        {"pack(-(0/0)):gsub('^cbf', 'cb7')", "'cb7ff8000000000000' | 0"},
        {"pack(3.4028234663852886e38, 3.4028235e38, 1e300)",
         "'ca7f7fffffcb47efffffe54daff8cb7e37e43c8800759c'"},
        {"pack(2^-149, 5e-324)", "'ca00000001cb0000000000000001'"},
        {"pack('', '\\0\\255')", "'a0a200ff'"},
        {"pack(('x'):rep(31)):sub(1, 4), pack(('x'):rep(32)):sub(1, 6)", "'bf78' | 'd92078'"},
        {"pack(('x'):rep(255)):sub(1, 6), pack(('x'):rep(256)):sub(1, 8)", "'d9ff78' | 'da010078'"},
        {"pack(('x'):rep(65535)):sub(1, 8), pack(('x'):rep(65536)):sub(1, 12)",
         "'daffff78' | 'db0001000078'"},
        {"pack(print, coroutine.create(function() end), io.stdout)", "'c0c0c0'"},
    };
    CHECK_ROWS(rows);
}

static void packs_tables(void)
{
    static const struct shown_row rows[] = {
        {"pack({}), pack({{}, {a={}}})", "'90' | '929081a16190'"},
        {"pack({1, 2, 3})", "'93010203'"},
        {"pack({1, nil, 3})", "'8201010303'"},
        {"pack({[2]=1}), pack({[0]=1}), pack({[-1]=1})", "'810201' | '810001' | '81ff01'"},
        {"pack({[1.5]=1}), pack({[1/0]=1})", "'81ca3fc0000001' | '81ca7f80000001'"},
        {"pack({[1.5]=1,[2]=2}):sub(1, 2)", "'82'"},
        {"pack({1, a=2}), pack({a=1}), pack({[true]=1})", "'820101a16102' | '81a16101' | '81c301'"},
        {"pack({[{}]={}}), pack({[print]=print})", "'819090' | '81c0c0'"},
        {"pack(fill(15)):sub(1, 4), pack(fill(16)):sub(1, 8)", "'9f01' | 'dc001001'"},
        {"pack(fill(65535)):sub(1, 8), pack(fill(65536)):sub(1, 12)",
         "'dcffff01' | 'dd0001000001'"},
        {"pack(fill(15, 'k')):sub(1, 2), pack(fill(16, 'k')):sub(1, 6)", "'8f' | 'de0010'"},
        {"pack(fill(65535, 'k')):sub(1, 6), pack(fill(65536, 'k')):sub(1, 10)",
         "'deffff' | 'df00010000'"},
        {"pack(setmetatable({1, 2}, {__index=error, __len=error}))", "'920102'"},
        {"pack(nest(15))", "'91919191919191919191919191919190'"},
        {"pack(nest(16)), pack(nest(18))",
         "'91919191919191919191919191919191c0' | '91919191919191919191919191919191c0'"},
        {"(function() local t = {} t[1] = t return pack(t) end)()",
         "'91919191919191919191919191919191c0'"},
        {"cmsgpack.pack()", "bad argument #0 to 'pack' (MessagePack pack needs input.)"},
        {"cmsgpack.pack(unpack(fill(5000)))",
         "bad argument #0 to 'pack' (Too many arguments for MessagePack pack.)"},
        {"#cmsgpack.pack(unpack(fill(3000)))", "3000"},
    };
    CHECK_ROWS(rows);
}

static void unpacks_each_type(void)
{
    static const struct shown_row rows[] = {
        {"un('')", ""},
        {"un('c0c2c3007fe0ff')", "nil | false | true | 0 | 127 | -32 | -1"},
        {"un('ccffcdffffceffffffff')", "255 | 65535 | 4294967295"},
        {"un('cf0000000100000000cfffffffffffffffff')", "4294967296 | -1"},
        {"un('d0ffd1fffed2fffffffdd3fffffffffffffffc')", "-1 | -2 | -3 | -4"},
        {"un('d07fd17fffd27fffffffd38000000000000000')",
         "127 | 32767 | 2147483647 | -9.2233720368547758e+18"},
        {"un('ca3fc00000cb3ff8000000000000ca7f800000')", "1.5 | 1.5 | inf"},
        {"un('a0a161d90162da000163db0000000164')", "'' | 'a' | 'b' | 'c' | 'd'"},
        {"un('90920102dc000103dd0000000104')", "{} | {1=1 2=2} | {1=3} | {1=4}"},
        {"un('9301c003')", "{1=1 3=3}"},
        {"un('80810102de0001a16103df0000000104c0')", "{} | {1=2} | {'a'=3} | {}"},
        {"un('81818000920102')", "{{{}=0}={1=1 2=2}}"},
        {"un(pack(nest(15)))", "{1={1={1={1={1={1={1={1={1={1={1={1={1={1={1={}}}}}}}}}}}}}}}}"},
        {"cmsgpack.unpack(5), cmsgpack.unpack('a', 'b')", "53 | 97"},
    };
    CHECK_ROWS(rows);
}

static void refuses_bad_input(void)
{
    static const struct shown_row rows[] = {
        {"cmsgpack.unpack()", "bad argument #1 to 'unpack' (string expected, got no value)"},
        {"cmsgpack.unpack({})", "bad argument #1 to 'unpack' (string expected, got table)"},
        {"un('0102cc')", "Missing bytes in input."},
        {"un('cd00')", "Missing bytes in input."},
        {"un('ce000000')", "Missing bytes in input."},
        {"un('d300000000000000')", "Missing bytes in input."},
        {"un('ca000000')", "Missing bytes in input."},
        {"un('cb00000000000000')", "Missing bytes in input."},
        {"un('a26f')", "Missing bytes in input."},
        {"un('d9')", "Missing bytes in input."},
        {"un('dbffffffff61')", "Missing bytes in input."},
        {"un('92c0')", "Missing bytes in input."},
        {"un('dd0000')", "Missing bytes in input."},
        {"un('ddffffffff')", "Missing bytes in input."},
        {"un('dfffffffffc3')", "Missing bytes in input."},
        {"un('8101')", "Missing bytes in input."},
        {"un('01c1')", "Bad data format in input."},
        {"un('c40161')", "Bad data format in input."},
        {"un('c700'), un('d40161')", "Bad data format in input."},
        {"un('d8')", "Bad data format in input."},
        {"un('81c002')", "table index is nil"},
        {"un('81cb7ff800000000000002')", "table index is NaN"},
    };
    CHECK_ROWS(rows);
}

static void unpacks_parts(void)
{
    static const struct shown_row rows[] = {
        {"cmsgpack.unpack_one('')", "-1"},
        {"cmsgpack.unpack_one('abc')", "1 | 97"},
        {"cmsgpack.unpack_one('abc', 1.9)", "2 | 98"},
        {"cmsgpack.unpack_one('abc', '2')", "-1 | 99"},
        {"cmsgpack.unpack_one('abc', 3)", "-1"},
        {"cmsgpack.unpack_one(raw('910102'), nil, 7)", "2 | {1=1}"},
        {"cmsgpack.unpack_one('abc', 4)", "Start offset 4 greater than input length 3."},
        {"cmsgpack.unpack_one('abc', 2^31)",
         "Start offset -2147483648 greater than input length 3."},
        {"cmsgpack.unpack_one('abc', -2)",
         "Invalid request to unpack with offset of -2 and limit of 3."},
        {"cmsgpack.unpack_one('abc', 0/0)",
         "Invalid request to unpack with offset of 0 and limit of 3."},
        {"cmsgpack.unpack_one(nil, 'x')",
         "bad argument #2 to 'unpack_one' (number expected, got string)"},
        {"cmsgpack.unpack_one()",
         "bad argument #1 to 'unpack_one' (string expected, got no value)"},
        {"cmsgpack.unpack_limit('abc', 2)", "2 | 97 | 98"},
        {"cmsgpack.unpack_limit('abc', 3)", "-1 | 97 | 98 | 99"},
        {"cmsgpack.unpack_limit('abc', 2^32 + 1)", "-1 | 97 | 98 | 99"},
        {"cmsgpack.unpack_limit('abc', 1, 1)", "2 | 98"},
        {"cmsgpack.unpack_limit('abc', 0)", "97 | 98 | 99"},
        {"cmsgpack.unpack_limit('abc', 0, 1)", "1"},
        {"cmsgpack.unpack_limit('abc', 0, 3)", "-1"},
        {"cmsgpack.unpack_limit('abc', -1, 2)",
         "Invalid request to unpack with offset of 2 and limit of 3."},
        {"cmsgpack.unpack_limit('abc', 1, 4)", "Start offset 4 greater than input length 3."},
        {"cmsgpack.unpack_limit('abc')",
         "bad argument #2 to 'unpack_limit' (number expected, got no value)"},
        {"cmsgpack.unpack_limit(nil, 1, 'x')",
         "bad argument #3 to 'unpack_limit' (number expected, got string)"},
        {"cmsgpack.unpack_limit({}, 1)",
         "bad argument #1 to 'unpack_limit' (string expected, got table)"},
        {"cmsgpack.unpack_limit(raw('01a161c1'), 2)", "3 | 1 | 'a'"},
        {"cmsgpack.unpack_limit(raw('01a161c1'), 3)", "Bad data format in input."},
    };
    CHECK_ROWS(rows);
}

/* Lua's stack ends it, where it does in the peer. */
static void depth_and_count_have_an_end(void)
{
    static const struct shown_row rows[] = {
        {"#cmsgpack.unpack(('\\145'):rep(3999) .. '\\1')", "1"},
        {"cmsgpack.unpack(('\\145'):rep(4000) .. '\\1')",
         "stack overflow (in function mp_decode_to_lua_array)"},
        {"cmsgpack.unpack(('\\145'):rep(1000000))",
         "stack overflow (in function mp_decode_to_lua_array)"},
        {"type(cmsgpack.unpack(('\\129'):rep(7997) .. ('\\1'):rep(7998)))", "'table'"},
        {"cmsgpack.unpack(('\\129'):rep(7998) .. ('\\1'):rep(7999))",
         "stack overflow (too many return values at once; use unpack_one or unpack_limit "
         "instead.)"},
        {"select('#', cmsgpack.unpack('\\1\\1\\1' .. ('\\145'):rep(3997) .. '\\1'))", "4"},
        {"cmsgpack.unpack('\\1\\1\\1' .. ('\\145'):rep(3998) .. '\\1')",
         "stack overflow (too many return values at once; use unpack_one or unpack_limit "
         "instead.)"},
        {"type(cmsgpack.unpack(('\\129\\1'):rep(3999) .. '\\1'))", "'table'"},
        {"cmsgpack.unpack(('\\129\\1'):rep(4000) .. '\\1')",
         "stack overflow (too many return values at once; use unpack_one or unpack_limit "
         "instead.)"},
        {"select('#', cmsgpack.unpack(('\\1'):rep(7999)))", "7999"},
        {"cmsgpack.unpack(('\\1'):rep(8000))",
         "stack overflow (too many return values at once; use unpack_one or unpack_limit "
         "instead.)"},
        {"select('#', cmsgpack.unpack_limit(('\\1'):rep(9000), 7998))", "7999"},
        {"cmsgpack.unpack_limit(('\\1'):rep(9000), 7999)",
         "stack overflow (in function mp_unpack_full)"},
    };
    CHECK_ROWS(rows);
}

static void memory_is_limited(void)
{
    struct watch w = {.most = 1000000};
    struct guard g;
    lua_State *L = open_state(&g, &w);
    size_t before = g.used;
    /* Promises, with nothing behind them, take nothing. */
    CHECK_STR(shown(L, "cmsgpack.unpack(('\\221\\255\\255\\255\\255'):rep(1000))"),
              "Missing bytes in input.");
    CHECK_STR(shown(L, "cmsgpack.unpack(('\\223\\255\\255\\255\\255'):rep(1000))"),
              "Missing bytes in input.");
    CHECK_STR(shown(L, "cmsgpack.unpack('\\219\\255\\255\\255\\255x')"), "Missing bytes in input.");
    CHECK(g.used < before + 1000000);
    CHECK_STR(shown(L, "cmsgpack.unpack('\\221\\255\\255\\255\\255' .. ('\\144'):rep(2000000))"),
              "not enough memory");
    CHECK(g.used <= SHOWN_LIMIT);
    guard_trim(&g, L);
    CHECK_STR(shown_run(L, "local t = {} for i = 1, 16 do t[i] = t end return cmsgpack.pack(t)"),
              "not enough memory");
    CHECK(g.used <= SHOWN_LIMIT);
    guard_trim(&g, L);
    CHECK_STR(shown(L, "pack({1})"), "'9101'");
    guard_close(&g, L);
}

static void work_is_interrupted(void)
{
    static const char *const long_ones[] = {
        "local t = {} for i = 1, 16 do t[i] = t end return cmsgpack.pack(t)",
        "local s = ('x'):rep(100000) return cmsgpack.pack({s, s})",
        "return cmsgpack.unpack('\\221\\0\\1\\0\\0' .. ('\\1'):rep(65536))",
        "return cmsgpack.unpack('\\146\\219\\0\\1\\0\\0' .. ('\\1'):rep(65537))",
    };
    shown_stopped_check(long_ones, sizeof long_ones / sizeof *long_ones, lua_cmsgpack_open,
                        prelude);
}

/* The largest table may be empty, and gives the fewest bytes. */
static void each_table_is_work(void)
{
    struct watch w = {.most = 1000000};
    struct guard g;
    lua_State *L = open_state(&g, &w);
    shown_run(L, "list = {} for i = 1, 40 do list[i] = {} end");
    w.most = w.looks;
    const char *said = shown_run(L, "return cmsgpack.pack(list)");
    CHECK_STR(said ? said : "nothing", "stopped");
    guard_close(&g, L);
}

static void nil_is_work_by_the_size_of_its_table(void)
{
    static const char *const texts[] = {
        "'\\220\\32\\0' .. ('\\1'):rep(4096) .. ('\\192'):rep(4096)",
        "'\\222\\16\\1' .. ('\\1\\1'):rep(2048) .. ('\\2\\192'):rep(2049)",
    };
    struct watch w = {.most = 1000000};
    struct guard g;
    lua_State *L = open_state(&g, &w);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char block[200];
        w.looks = 0;
        snprintf(block, sizeof block, "return type(cmsgpack.unpack(%s))", texts[i]);
        CHECK_STR(shown_run(L, block), "table");
        CHECK(w.looks > 250);
    }
    guard_close(&g, L);
}

int main(void)
{
    return UNIT_RUN(UNIT(has_the_peers_members), UNIT(packs_scalars_in_the_shortest_form),
                    UNIT(packs_tables), UNIT(unpacks_each_type), UNIT(refuses_bad_input),
                    UNIT(unpacks_parts), UNIT(depth_and_count_have_an_end),
                    UNIT(memory_is_limited), UNIT(work_is_interrupted),
                    UNIT(each_table_is_work),
                    UNIT(nil_is_work_by_the_size_of_its_table));
}
