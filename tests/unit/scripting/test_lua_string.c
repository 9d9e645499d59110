/* SPDX-License-Identifier: BSD-3-Clause */
#include "scripting/lua_string.h"

#include "tests/unit/scripting/lua_rows.h"

/* Beside the installed redis-server: what it answers. */
static const struct lua_row rows[] = {
    /* find and match */
    {"return all(string.find('hello', 'l')), all(string.find('hello', 'xyz')), "
     "all(string.find('hello', '')), all(string.find('', ''))",
     "<3 3> | <nil> | <1 0> | <1 0>"},
    {"return all(string.find('hello', 'l', 4)), all(string.find('hello', 'l', -2)), "
     "all(string.find('hello', '', 10)), all(string.find('hello', 'h', -100))",
     "<4 4> | <4 4> | <6 5> | <1 1>"},
    {"return all(string.find('a.b', '.', 2, true)), all(string.find('a.b', '.', 1, nil)), "
     "all(string.find('aXb', 'X', 1e15)), all(string.find('a', 'a', -2^63))",
     "<2 2> | <1 1> | <nil> | <1 1>"},
    {"return all(string.find('aaaaaaaaaaaaaaaaaaaaaaab', 'ab')), "
     "all(string.find('ababababababababababababababababababababababac', 'abac'))",
     "<23 24> | <43 46>"},
    {"return all(string.find('abc', 'abcd')), all(string.find('abc', 'c', 3)), "
     "all(string.find('abc', '^c', 3)), all(string.find('abc', 'c', 0/0))",
     "<nil> | <3 3> | <3 3> | <3 3>"},
    {"return ('x1y22'):match('%d+', 3), ('x'):find('x'), ('a,b'):gsub(',', ';'), ('ab'):rep(2)",
     "22 | 1 | a;b | abab"},
    {"return all(string.find(12, 2)), all(string.match(12.5, '%.5')), all(string.find(nil, "
     "'a'))",
     "error: bad argument #1 to 'find' (string expected, got nil)"},
    {"return string.match('a')",
     "error: bad argument #2 to 'match' (string expected, got no value)"},
    {"return string.find('a', 'a', 'x')",
     "error: bad argument #3 to 'find' (number expected, got string)"},
    {"return string.find('a', {})",
     "error: bad argument #2 to 'find' (string expected, got table)"},
    /* gmatch */
    {"local o = {} for k, v in string.gmatch('a=1, b=2', '(%w+)=(%w+)') do o[#o + 1] = k .. v "
     "end return table.concat(o, ';')",
     "a1;b2"},
    {"local o = {} for w in string.gmatch('ab', '.-') do o[#o + 1] = '<' .. w .. '>' end "
     "return table.concat(o)",
     "<><><>"},
    {"local o = {} for p in string.gmatch('abc', '()') do o[#o + 1] = p end return "
     "table.concat(o, ',')",
     "1,2,3,4"},
    {"local o = {} for w in string.gmatch('a^b', '^b') do o[#o + 1] = w end return "
     "table.concat(o, ','), string.gfind == string.gmatch",
     "^b | true"},
    {"local f = string.gmatch('a', 'a') return f(), f(), f()", "a | nil"},
    {"return pcall(string.gmatch('a', '[')), string.gmatch('a')",
     "error: bad argument #2 to 'gmatch' (string expected, got no value)"},
    /* gsub */
    {"return all(string.gsub('hello world', 'o', '0')), all(string.gsub('abc', '', '-')), "
     "all(string.gsub('abc', '%w*', 'x')), all(string.gsub('', '', 'x'))",
     "<hell0 w0rld 2> | <-a-b-c- 4> | <xx 2> | <x 1>"},
    {"return all(string.gsub('abc', '%w', '%0%0')), all(string.gsub('abc', '(a)(b)', "
     "'%2%1')), all(string.gsub('abc', 'b', '%%')), all(string.gsub('ab', 'a()', '%1'))",
     "<aabbcc 3> | <bac 1> | <a%c 1> | <2b 1>"},
    {"return all(string.gsub('a', 'a', '%x')), all(string.gsub('a', 'a', '%')), "
     "all(string.gsub('a', 'a', 'x%')), all(string.gsub('a', 'a', 'x%%y%1'))",
     "<x 1> | <\\000 1> | <x\\000 1> | <x%ya 1>"},
    {"return all(string.gsub('aaaa', 'a', 'b', 2)), all(string.gsub('aaaa', 'a', 'b', 0)), "
     "all(string.gsub('aaaa', 'a', 'b', -1)), all(string.gsub('aaa', '^a', 'b'))",
     "<bbaa 2> | <aaaa 0> | <aaaa 0> | <baa 1>"},
    {"return all(string.gsub('aaaa', 'a', 'b', 1e300)), all(string.gsub('aaaa', 'a', 'b', "
     "2^32 + 1)), all(string.gsub('aa', 'a', 1.5)), all(string.gsub(11, 1, 2))",
     "<aaaa 0> | <baaa 1> | <1.51.5 2> | <22 2>"},
    {"return all(string.gsub('abc', '%w', {a = 1, b = false, c = 'x'})), "
     "all(string.gsub('abc', '(%w)()', {a = 'z'})), all(string.gsub('ab', '()', {'x', "
     "'y'}))",
     "<1bx 3> | <zbc 3> | <xayb 3>"},
    {"return all(string.gsub('abc', '%w', function(c) if c ~= 'b' then return c:upper() end "
     "end)), all(string.gsub('abc', '()b', function(p) return p end))",
     "<AbC 3> | <a2c 1>"},
    {"return all(string.gsub('ab', '(a)(b)', function(...) return select('#', ...) .. ... "
     "end)), all(string.gsub('ab', 'b', function() return false end))",
     "<2a 1> | <ab 1>"},
    {"return string.gsub('a b', '%w', setmetatable({}, {__index = function(t, k) return k .. "
     "k end}))",
     "aa bb | 2"},
    {"return string.gsub('a,b', ',', function() return ('x'):rep(3):gsub('x', 'yy') end)",
     "ayyyyyyb | 1"},
    {"return string.gsub('a', 'a', setmetatable({}, {__index = function() error('no', 0) "
     "end}))",
     "error: no"},
    {"return string.gsub('a', 'a', function() error('no', 0) end)", "error: no"},
    {"return string.gsub('a', 'a', function() return {} end)",
     "error: invalid replacement value (a table)"},
    {"return string.gsub('a', 'a', {a = true})", "error: invalid replacement value (a boolean)"},
    {"return string.gsub('a', 'a', '%2')", "error: invalid capture index"},
    {"return string.gsub('a', 'a', true)",
     "error: bad argument #3 to 'gsub' (string/function/table expected)"},
    {"return string.gsub('a', 'a', nil, 'x')",
     "error: bad argument #4 to 'gsub' (number expected, got string)"},
    {"return string.gsub('a', 'a')",
     "error: bad argument #3 to 'gsub' (string/function/table expected)"},
    {"return string.gsub('a')", "error: bad argument #2 to 'gsub' (string expected, got no value)"},
    {"return all(string.gsub('^a', '^^', 'b')), all(string.gsub('ab', '^', 'x')), "
     "all(string.gsub('ab', '$', 'x'))",
     "<ba 1> | <xab 1> | <abx 1>"},
    /* rep */
    {"return string.rep('ab', 3), string.rep('', 2^31 - 1), string.rep('x', 0), "
     "string.rep('x', -1), string.rep('x', 1), string.rep('', 1e15)",
     "ababab |  |  |  | x | "},
    {"return string.rep('x', 2^32 + 3), string.rep('x', -2^63), string.rep('x', 0/0), "
     "string.rep('x', 1e300), string.rep('x', 2.9), string.rep(1, '2')",
     "xxx |  |  |  | xx | 11"},
    {"return string.rep('x')", "error: bad argument #2 to 'rep' (number expected, got no value)"},
    {"return string.rep(nil, 1)", "error: bad argument #1 to 'rep' (string expected, got nil)"},
    {"return string.rep('x', 'y')",
     "error: bad argument #2 to 'rep' (number expected, got string)"},
    {"return ('x'):rep({})", "error: bad argument #1 to 'rep' (number expected, got table)"},
};
static void answers_as_ever(void)
{
    lua_rows_check(rows, sizeof rows / sizeof *rows, lua_string_open);
}

static void what_is_built_is_limited(void)
{
    static const char *const much[] = {
        "string.rep('x', 1e8)",
        "string.rep('xyz', 2^31 - 1)",
        "string.gsub(('a'):rep(1e6), 'a', ('b'):rep(1e4))",
        "string.gsub(('a'):rep(1e6), '.+', '%0%0%0%0%0%0%0%0%0')",
        "string.gsub(('a'):rep(1e5), 'a', {a = ('b'):rep(1e4)})",
    };
    for (size_t i = 0; i < sizeof much / sizeof *much; i++)
        lua_script_check(much[i], "error: not enough memory", lua_string_open);
    /* As long as it fits. */
    lua_script_check("return #string.rep('xyz', 1e6), #string.gsub(('a'):rep(1e4), 'a', "
                     "('b'):rep(100)), #string.gsub(('a'):rep(1e4), 'a', {a = ('b'):rep(100)})",
                     "3000000 | 1000000 | 1000000", lua_string_open);
}

static void long_pieces_of_all_kinds(void)
{
    lua_script_check("local s = ('x'):rep(70) .. ',' .. ('y'):rep(20000) .. ',z' "
                     "local function f() return '' end "
                     "return (s:gsub(',', f)) == ('x'):rep(70) .. ('y'):rep(20000) .. 'z', "
                     "(s:gsub('y+', ';')) == ('x'):rep(70) .. ',;,z', "
                     "(s:gsub('(y+)', '%1%1')) == s:gsub(',', ',' .. ('y'):rep(20000), 1)",
                     "true | true | true", lua_string_open);
}

/* A callback uses the buffer that rep builds in, and searches of its own. */
static void one_inside_another(void)
{
    lua_script_check("local function f(w) return (w:rep(3):gsub('%w', function(c) "
                     "return c:rep(2):gsub('^.', '-') .. '.' end)) end "
                     "return ('ab c'):gsub('%w+', f)",
                     "-a.-b.-a.-b.-a.-b. -c.-c.-c. | 2", lua_string_open);
}

static void methods_are_the_new_functions(void)
{
    lua_script_check("return ('').rep == string.rep, ('').gsub == string.gsub, "
                     "getmetatable('').__index == string, string.upper('x')",
                     "true | true | true | X", lua_string_open);
    lua_script_check("return ('a'):rep(1e9)", "error: not enough memory", lua_string_open);
}

/* Linear: as much as is paid would not do for more. */
static void plain_text_is_found_in_time(void)
{
    lua_script_check("local s = ('a'):rep(3e6) return s:find(('a'):rep(1e5) .. 'b', 1, true), "
                     "s:find(('a'):rep(1e5)), s:find('aab'), s:find('b') ",
                     "nil | 1 | nil | nil", lua_string_open);
}

static void long_texts_are_paid(void)
{
    static const char *const calls[] = {"upper(s)", "lower(s)", "reverse(s)", "format('%q', s)"};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        char script[100];
        snprintf(script, sizeof script,
                 "local s = ('x'):rep(1e5) for i = 1, 2000 do string.%s end", calls[i]);
        lua_script_check(script, "error: stopped", lua_string_open);
    }
    lua_script_check("return ('xY'):upper(), ('xY'):lower(), ('xY'):reverse(), "
                     "('%5.1f|%-3s|%q|%d'):format(1.25, 'a', 'b\"', 7), ('%x'):format(255)",
                     "XY | xy | Yx |   1.2|a  |\"b\\\"\"|7 | ff", lua_string_open);
    lua_script_check("return string.upper()",
                     "error: bad argument #1 to 'upper' (string expected, got no value)",
                     lua_string_open);
    lua_script_check("return string.format('%999d', 1)",
                     "error: invalid format (width or precision too long)", lua_string_open);
}

int main(void)
{
    return UNIT_RUN(UNIT(answers_as_ever), UNIT(what_is_built_is_limited),
                    UNIT(long_pieces_of_all_kinds), UNIT(one_inside_another),
                    UNIT(methods_are_the_new_functions), UNIT(plain_text_is_found_in_time),
                    UNIT(long_texts_are_paid));
}
