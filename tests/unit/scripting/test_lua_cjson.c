/* SPDX-License-Identifier: BSD-3-Clause */
/* Rows are what the peer answers, error texts without the place that stands before them. */
#include "scripting/lua_cjson.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rand.h"
#include "scripting/guard.h"
#include "scripting/lua_cjson_number.h"
#include "tests/unit/scripting/shown.h"

/* show(...): values as text, keys of a table in order. */
static const char prelude[] =
    "local function text(v)\n"
    "  if type(v) == 'string' then\n"
    "    return (v:gsub('[^ -~]', function(c) return ('\\\\%03d'):format(c:byte()) end))\n"
    "  elseif v == cjson.null then return 'NULL'\n"
    "  elseif type(v) == 'number' then return ('%.17g'):format(v)\n"
    "  elseif type(v) ~= 'table' then return tostring(v) end\n"
    "  local parts = {}\n"
    "  for k, e in pairs(v) do parts[#parts + 1] = type(k):sub(1, 1) .. text(k) .. '=' .. text(e) "
    "  end\n"
    "  table.sort(parts)\n"
    "  return '{' .. table.concat(parts, ' ') .. '}'\n"
    "end\n"
    "function show(...)\n"
    "  local parts = {}\n"
    "  for i = 1, select('#', ...) do parts[i] = text((select(i, ...))) end\n"
    "  return table.concat(parts, ' | ')\n"
    "end\n";

static lua_State *open_state(struct guard *g, struct watch *w)
{
    return shown_open(g, w, lua_cjson_open, prelude);
}

#define CHECK_ROWS(rows) \
    shown_rows_check(rows, sizeof rows / sizeof *rows, lua_cjson_open, prelude)

static void has_the_peers_members(void)
{
    static const struct shown_row rows[] = {
        {"(function() local n = {} for k, v in pairs(cjson) do n[#n + 1] = k .. ':' .. type(v) end "
         "table.sort(n) return table.concat(n, ' ') end)()",
         "_NAME:string _VERSION:string decode:function decode_invalid_numbers:function "
         "decode_max_depth:function encode:function encode_invalid_numbers:function "
         "encode_keep_buffer:function encode_max_depth:function encode_number_precision:function "
         "encode_sparse_array:function new:function null:userdata"},
        {"cjson._NAME, cjson._VERSION", "cjson | 2.1.0"},
        {"tostring(cjson.null)", "userdata: (nil)"},
    };
    CHECK_ROWS(rows);
}

static void encodes_values(void)
{
    static const struct shown_row rows[] = {
        {"cjson.encode(nil)", "null"},
        {"cjson.encode(cjson.null)", "null"},
        {"cjson.encode(true), cjson.encode(false)", "true | false"},
        {"cjson.encode('')", "\"\""},
        {"cjson.encode('abc')", "\"abc\""},
        {"cjson.encode('\\b\\f\\n\\r\\t\"\\\\/')", "\"\\b\\f\\n\\r\\t\\\"\\\\\\/\""},
        {"cjson.encode('\\0\\1\\11\\14\\31\\127')",
         "\"\\u0000\\u0001\\u000b\\u000e\\u001f\\u007f\""},
        {"cjson.encode('\\128\\255 \\195\\169')", "\"\\128\\255 \\195\\169\""},
        {"cjson.encode(0), cjson.encode(tonumber('-0')), cjson.encode(7), cjson.encode(-7)",
         "0 | -0 | 7 | -7"},
        {"cjson.encode(99999999999999), cjson.encode(-99999999999999)",
         "99999999999999 | -99999999999999"},
        {"cjson.encode(1e14), cjson.encode(123456789012345)", "1e+14 | 1.2345678901234e+14"},
        {"cjson.encode(99999999999999.5), cjson.encode(2^53)", "1e+14 | 9.007199254741e+15"},
        {"cjson.encode(0.1), cjson.encode(1/3), cjson.encode(-2.5)",
         "0.1 | 0.33333333333333 | -2.5"},
        {"cjson.encode(1e-4), cjson.encode(1e-5), cjson.encode(1e100)", "0.0001 | 1e-05 | 1e+100"},
        {"cjson.encode(5e-324), cjson.encode(1.5e300)", "4.9406564584125e-324 | 1.5e+300"},
    };
    CHECK_ROWS(rows);
}

static void encodes_tables(void)
{
    static const struct shown_row rows[] = {
        {"cjson.encode({}), cjson.encode({{}})", "{} | [{}]"},
        {"cjson.encode({1,2,3})", "[1,2,3]"},
        {"cjson.encode({1,nil,3})", "[1,null,3]"},
        {"cjson.encode({[2]=2})", "[null,2]"},
        {"cjson.encode({[3]='x',[1]={},[2]=cjson.null})", "[{},null,\"x\"]"},
        {"cjson.encode({[10]=1})", "[null,null,null,null,null,null,null,null,null,1]"},
        {"cjson.encode({1,1,1,1,1,1,[13]=1})", "[1,1,1,1,1,1,null,null,null,null,null,null,1]"},
        {"cjson.encode({x=2})", "{\"x\":2}"},
        {"cjson.encode({['a\\0\"']={y={1}}})", "{\"a\\u0000\\\"\":{\"y\":[1]}}"},
        {"cjson.encode({1,[1.5]=2})", "{\"1\":1,\"1.5\":2}"},
        {"cjson.encode({1,['1']=2})", "{\"1\":1,\"1\":2}"},
        {"cjson.encode({1,x=2})", "{\"1\":1,\"x\":2}"},
        {"cjson.encode({[0]=1}), cjson.encode({[-1]=1})", "{\"0\":1} | {\"-1\":1}"},
        {"cjson.encode({[1e300]=1}), cjson.encode({[2^31]=1})",
         "{\"1e+300\":1} | {\"2147483648\":1}"},
        /* Here the peer loses the first of them. */
        {"#cjson.encode({[2^32+1]=1,[2]=2})", "22"},
        {"cjson.encode(setmetatable({[2]=1}, {__index=error, __len=error, __tostring=error}))",
         "[null,1]"},
    };
    CHECK_ROWS(rows);
}

static void refuses_what_is_no_json(void)
{
    static const struct shown_row rows[] = {
        {"cjson.encode()", "bad argument #1 to 'encode' (expected 1 argument)"},
        {"cjson.encode(1, 2)", "bad argument #1 to 'encode' (expected 1 argument)"},
        {"cjson.encode(print)", "Cannot serialise function: type not supported"},
        {"cjson.encode(io.stdout)", "Cannot serialise userdata: type not supported"},
        {"cjson.encode({x={y=coroutine.create(function() end)}})",
         "Cannot serialise thread: type not supported"},
        {"cjson.encode({[true]=1})",
         "Cannot serialise boolean: table key must be a number or string"},
        {"cjson.encode({[{}]=1})", "Cannot serialise table: table key must be a number or string"},
        {"cjson.encode({[cjson.null]=1})",
         "Cannot serialise userdata: table key must be a number or string"},
        {"cjson.encode(1/0)", "Cannot serialise number: must not be NaN or Inf"},
        {"cjson.encode({0/0})", "Cannot serialise number: must not be NaN or Inf"},
        {"cjson.encode({[-1/0]=1})", "Cannot serialise number: must not be NaN or Inf"},
        {"cjson.encode({[11]=1})", "Cannot serialise table: excessively sparse array"},
        {"cjson.encode({[11]=1,[12]=1})", "Cannot serialise table: excessively sparse array"},
        {"cjson.encode({[2^31-1]=1})", "Cannot serialise table: excessively sparse array"},
        {"(function() local t = {} t[1] = t return cjson.encode(t) end)()",
         "Cannot serialise, excessive nesting (1001)"},
        {"(function() local t = {} t.x = t return cjson.encode(t) end)()",
         "Cannot serialise, excessive nesting (1001)"},
        {"pcall(cjson.encode, print)", "false | Cannot serialise function: type not supported"},
        {"pcall(cjson.encode)", "false | bad argument #1 to '?' (expected 1 argument)"},
    };
    CHECK_ROWS(rows);
}

static void refuses_userdata_but_null(void)
{
    struct watch w = {.most = 1000000};
    struct guard g;
    lua_State *L = open_state(&g, &w);
    lua_pushlightuserdata(L, &g);
    lua_setglobal(L, "pointer");
    CHECK_STR(shown(L, "cjson.encode(pointer)"), "Cannot serialise userdata: type not supported");
    guard_close(&g, L);
}

static void decodes_values(void)
{
    static const struct shown_row rows[] = {
        {"cjson.decode('null') == cjson.null, cjson.decode('true'), cjson.decode('false')",
         "true | true | false"},
        {"cjson.decode(' \\t\\n\\r1\\t\\n\\r ')", "1"},
        {"cjson.decode(12)", "12"},
        {"cjson.decode('\"\"'), cjson.decode('\"a\\t\\1\\255\"')", " | a\\009\\001\\255"},
        {"cjson.decode([[\"\\b\\f\\n\\r\\t\\\"\\\\\\/x\"]])", "\\008\\012\\010\\013\\009\"\\/x"},
        {"cjson.decode([[\"\\u0041\\u0000\\u00e9\\u20AC\\uffFf\"]])",
         "A\\000\\195\\169\\226\\130\\172\\239\\191\\191"},
        {"cjson.decode([[\"a\\ud83d\\ude00b\"]]), cjson.decode([[\"\\uDBFF\\uDFFF\"]])",
         "a\\240\\159\\152\\128b | \\244\\143\\191\\191"},
        {"cjson.decode([[\"\\u007f\\u0080\\u07FF\\u0800\\ud800\\udc00\"]])",
         "\\127\\194\\128\\223\\191\\224\\160\\128\\240\\144\\128\\128"},
        {"cjson.decode('[]'), cjson.decode('{}'), cjson.decode('[[[]], 1 ,\"x\"]')",
         "{} | {} | {n1={n1={}} n2=1 n3=x}"},
        {"cjson.decode('{\"a\":1, \"b\" : [null],\"\":{\"c\":false}}')",
         "{s={sc=false} sa=1 sb={n1=NULL}}"},
        {"cjson.decode('{\"1\":1,\"a\":2,\"a\":3}')", "{s1=1 sa=3}"},
        {"cjson.decode('[1]\\0 junk')", "{n1=1}"},
    };
    CHECK_ROWS(rows);
}

static void decodes_numbers_as_strtod(void)
{
    static const struct shown_row rows[] = {
        {"cjson.decode('[0,-0,1,-1,+1,123456789012345,1234567890123456789]')",
         "{n1=0 n2=-0 n3=1 n4=-1 n5=1 n6=123456789012345 n7=1.2345678901234568e+18}"},
        {"cjson.decode('[1.5,-.5,1.,1e5,1E+5,1.e-2,0.1]')",
         "{n1=1.5 n2=-0.5 n3=1 n4=100000 n5=100000 n6=0.01 n7=0.10000000000000001}"},
        {"cjson.decode('[01,-01,000,0x10,-0X1F,0x1.8p3,0x.8]')",
         "{n1=1 n2=-1 n3=0 n4=16 n5=-31 n6=12 n7=0.5}"},
        {"cjson.decode('[inf,-Inf,+INFINITY,1e400,-1e400,1e-400]')",
         "{n1=inf n2=-inf n3=inf n4=inf n5=-inf n6=0}"},
        {"cjson.decode('nan') ~= cjson.decode('nan'), cjson.decode('-NaN') == 0", "true | false"},
        {"cjson.decode('[nan(1_x)]')[1] == 1", "false"},
        {"cjson.decode(('1'):rep(6000)), cjson.decode('0.' .. ('0'):rep(6000) .. '1')", "inf | 0"},
        {"cjson.decode(('0'):rep(6000) .. '1.5')", "1.5"},
        {"cjson.decode('9999999999999999999')", "1e+19"},
        {"cjson.decode('4.9e-324'), cjson.decode('9007199254740993')",
         "4.9406564584124654e-324 | 9007199254740992"},
        {"cjson.decode('-')", "Expected value but found invalid number at character 1"},
        {"cjson.decode('+x')", "Expected value but found invalid number at character 1"},
        {"cjson.decode('.5')", "Expected value but found invalid token at character 1"},
        {"cjson.decode('1e')", "Expected the end but found invalid token at character 2"},
        {"cjson.decode('0xg')", "Expected the end but found invalid token at character 2"},
        {"cjson.decode('infinit')", "Expected the end but found invalid token at character 4"},
        {"cjson.decode('1inf')", "Expected the end but found T_NUMBER at character 2"},
    };
    CHECK_ROWS(rows);
}

static void tells_what_is_wrong_and_where(void)
{
    static const struct shown_row rows[] = {
        {"cjson.decode()", "bad argument #1 to 'decode' (expected 1 argument)"},
        {"cjson.decode('1', 2)", "bad argument #1 to 'decode' (expected 1 argument)"},
        {"cjson.decode({})", "bad argument #1 to 'decode' (string expected, got table)"},
        {"cjson.decode('\\0001')", "JSON parser does not support UTF-16 or UTF-32"},
        {"cjson.decode('1\\0')", "JSON parser does not support UTF-16 or UTF-32"},
        {"cjson.decode('')", "Expected value but found T_END at character 1"},
        {"cjson.decode('[1,\\0]')", "Expected value but found T_END at character 4"},
        {"cjson.decode(']')", "Expected value but found T_ARR_END at character 1"},
        {"cjson.decode(':')", "Expected value but found T_COLON at character 1"},
        {"cjson.decode('nul')", "Expected value but found invalid token at character 1"},
        {"cjson.decode('TRUE')", "Expected value but found invalid token at character 1"},
        {"cjson.decode('\\239\\187\\1911')",
         "Expected value but found invalid token at character 1"},
        {"cjson.decode('[1 true')",
         "Expected comma or array end but found T_BOOLEAN at character 4"},
        {"cjson.decode('[1,]')", "Expected value but found T_ARR_END at character 4"},
        {"cjson.decode('{1:1}')", "Expected object key string but found T_NUMBER at character 2"},
        {"cjson.decode('{null')", "Expected object key string but found T_NULL at character 2"},
        {"cjson.decode('{{')", "Expected object key string but found T_OBJ_BEGIN at character 2"},
        {"cjson.decode('{[')", "Expected object key string but found T_ARR_BEGIN at character 2"},
        {"cjson.decode('{\"a\" \"b\"')", "Expected colon but found T_STRING at character 6"},
        {"cjson.decode('{\"a\":}')", "Expected value but found T_OBJ_END at character 6"},
        {"cjson.decode('{\"a\":1]')",
         "Expected comma or object end but found T_ARR_END at character 7"},
        {"cjson.decode('{\"a\":1,}')",
         "Expected object key string but found T_OBJ_END at character 8"},
        {"cjson.decode('1,2')", "Expected the end but found T_COMMA at character 2"},
        {"cjson.decode('\"abc')",
         "Expected value but found unexpected end of string at character 5"},
        {"cjson.decode('\"a\\0b\"')",
         "Expected value but found unexpected end of string at character 3"},
        {"cjson.decode([[\"ab\\x\"]])",
         "Expected value but found invalid escape code at character 4"},
        {"cjson.decode([[\"ab\\]])", "Expected value but found invalid escape code at character 4"},
        {"cjson.decode([[\"\\u12\"]])",
         "Expected value but found invalid unicode escape code at character 2"},
        {"cjson.decode([[\"\\ud83d\"]])",
         "Expected value but found invalid unicode escape code at character 2"},
        {"cjson.decode([[\"\\ud83d\\n\\ude00\"]])",
         "Expected value but found invalid unicode escape code at character 2"},
        {"cjson.decode([[\"\\ude00\\ud83d\"]])",
         "Expected value but found invalid unicode escape code at character 2"},
        {"cjson.decode([[\"\\ude00\\ude00\"]])",
         "Expected value but found invalid unicode escape code at character 2"},
        {"cjson.decode([[\"\\ud83d\\u0041\"]])",
         "Expected value but found invalid unicode escape code at character 2"},
    };
    CHECK_ROWS(rows);
}

/* In order: settings last. */
static void settings_are_heeded(void)
{
    static const struct shown_row rows[] = {
        {"cjson.encode_sparse_array()", "false | 2 | 10"},
        {"cjson.encode_sparse_array(true)", "true | 2 | 10"},
        {"cjson.encode({[11]=1})", "{\"11\":1}"},
        {"cjson.encode_sparse_array('off', 0)", "false | 0 | 10"},
        {"#cjson.encode({[100]=1})", "498"},
        {"cjson.encode_sparse_array(nil, 1, 0)", "false | 1 | 0"},
        {"cjson.encode({1}), pcall(cjson.encode, {[2]=1})",
         "[1] | false | Cannot serialise table: excessively sparse array"},
        {"cjson.encode_max_depth(1)", "1"},
        {"cjson.encode({}), pcall(cjson.encode, {{}})",
         "{} | false | Cannot serialise, excessive nesting (2)"},
        {"cjson.decode_max_depth('2')", "2"},
        {"cjson.decode('[[],{}]'), pcall(cjson.decode, '[1,[1,{')",
         "{n1={} n2={}} | false | Found too many nested data structures (3) at character 7"},
        {"cjson.encode_number_precision(3)", "3"},
        {"cjson.encode({1/3, 1000, 12345, 1e20})", "[0.333,1e+03,1.23e+04,1e+20]"},
        {"cjson.encode({x=1234567})", "{\"x\":1.23e+06}"},
        {"cjson.encode_invalid_numbers(true)", "true"},
        {"cjson.encode({1/0, -1/0, 0/0, -(0/0)})", "[inf,-inf,nan,nan]"},
        {"cjson.encode_invalid_numbers('null'), cjson.encode_invalid_numbers()", "null | null"},
        {"cjson.encode({1/0, 0/0}), cjson.encode({[1/0]=1})", "[null,null] | {\"null\":1}"},
        {"cjson.encode_keep_buffer(), cjson.encode_keep_buffer(false)", "true | false"},
        {"cjson.decode_invalid_numbers(false)", "false"},
        {"cjson.decode('[0,-0,1e999,-.5,0.5]')", "{n1=0 n2=-0 n3=inf n4=-0.5 n5=0.5}"},
        {"cjson.decode('01')", "Expected value but found invalid number at character 1"},
        {"cjson.decode('-0x1')", "Expected value but found invalid number at character 1"},
        {"cjson.decode('-inf')", "Expected value but found invalid number at character 1"},
        {"cjson.decode('[nan]')", "Expected value but found invalid token at character 2"},
        {"cjson.decode('+1')", "Expected value but found invalid token at character 1"},
        {"cjson.decode('1inf')", "Expected the end but found invalid token at character 2"},
    };
    CHECK_ROWS(rows);
}

static void settings_are_checked(void)
{
    static const struct shown_row rows[] = {
        {"cjson.encode_max_depth(0)",
         "bad argument #1 to 'encode_max_depth' (expected integer between 1 and 2147483647)"},
        {"cjson.encode_max_depth(2^31)",
         "bad argument #1 to 'encode_max_depth' (expected integer between 1 and 2147483647)"},
        {"cjson.decode_max_depth(0/0)",
         "bad argument #1 to 'decode_max_depth' (expected integer between 1 and 2147483647)"},
        {"cjson.decode_max_depth({})",
         "bad argument #1 to 'decode_max_depth' (number expected, got table)"},
        {"cjson.encode_number_precision(15)",
         "bad argument #1 to 'encode_number_precision' (expected integer between 1 and 14)"},
        {"cjson.encode_sparse_array(true, -1)",
         "bad argument #1 to 'encode_sparse_array' (expected integer between 0 and 2147483647)"},
        {"cjson.encode_sparse_array(nil, nil, 'x')",
         "bad argument #3 to 'encode_sparse_array' (number expected, got string)"},
        {"cjson.encode_sparse_array()", "true | 2 | 10"},
        {"cjson.encode_sparse_array('null')",
         "bad argument #1 to 'encode_sparse_array' (invalid option 'null')"},
        {"cjson.encode_sparse_array(1, 2, 3, 4)",
         "bad argument #4 to 'encode_sparse_array' (found too many arguments)"},
        {"cjson.encode_max_depth(1, 2, 3)",
         "bad argument #2 to 'encode_max_depth' (found too many arguments)"},
        {"cjson.encode_keep_buffer(1)",
         "bad argument #1 to 'encode_keep_buffer' (invalid option '1')"},
        {"cjson.decode_invalid_numbers('null')",
         "bad argument #1 to 'decode_invalid_numbers' (invalid option 'null')"},
        {"cjson.encode_invalid_numbers({})",
         "bad argument #1 to 'encode_invalid_numbers' (string expected, got table)"},
        {"cjson.encode_max_depth(nil), cjson.encode_max_depth(2.7)", "1000 | 2"},
    };
    CHECK_ROWS(rows);
}

static void each_instance_has_its_settings(void)
{
    struct watch w = {.most = 1000000};
    struct guard g;
    lua_State *L = open_state(&g, &w);
    CHECK_STR(shown(L, "(function() mine = cjson.new(7) return mine.encode_max_depth(3) end)()"),
              "3");
    CHECK_STR(shown(L, "cjson.encode_max_depth(), mine.new().encode_max_depth()"), "1000 | 1000");
    CHECK_STR(shown(L, "mine.null == cjson.null, mine.encode == cjson.encode"), "true | false");
    CHECK_STR(shown(L, "cjson.encode_sparse_array(true, 5, 6)"), "true | 5 | 6");
    CHECK_STR(shown(L, "cjson.encode_number_precision(2), cjson.encode_invalid_numbers('null')"),
              "2 | null");
    CHECK_STR(shown(L, "cjson.decode_max_depth(9), cjson.decode_invalid_numbers(false)"),
              "9 | false");
    CHECK_STR(shown(L, "cjson.encode_max_depth(8), cjson.encode_keep_buffer(false)"), "8 | false");
    /* another state's take their place */
    struct guard fresh_guard;
    struct watch fresh_watch = {.most = 1000000};
    lua_State *fresh = open_state(&fresh_guard, &fresh_watch);
    lua_settop(L, 0);
    lua_cjson_copy(L, fresh);
    CHECK_INT(lua_gettop(L) + lua_gettop(fresh), 0);
    guard_close(&fresh_guard, fresh);
    CHECK_STR(shown(L, "cjson.encode_sparse_array()"), "false | 2 | 10");
    CHECK_STR(shown(L, "cjson.encode_number_precision(), cjson.encode_invalid_numbers()"),
              "14 | false");
    CHECK_STR(shown(L, "cjson.decode_max_depth(), cjson.decode_invalid_numbers()"), "1000 | true");
    CHECK_STR(shown(L, "cjson.encode_max_depth(), cjson.encode_keep_buffer()"), "1000 | true");
    CHECK_STR(shown(L, "mine.encode_max_depth()"), "3");
    guard_close(&g, L);
}

/* Whatever depth is allowed, Lua's stack ends it, where it does in the peer. */
static void depth_has_an_end(void)
{
    static const struct shown_row rows[] = {
        {"cjson.encode_max_depth(2^31-1), cjson.decode_max_depth(2^31-1)",
         "2147483647 | 2147483647"},
        {"(function() local t = {} t[1] = t return cjson.encode(t) end)()",
         "Cannot serialise, excessive nesting (7998)"},
        {"(function() local t = {} t.x = t return cjson.encode(t) end)()",
         "Cannot serialise, excessive nesting (4000)"},
        {"cjson.encode(cjson.decode(('['):rep(7997) .. (']'):rep(7997))) == "
         "('['):rep(7996) .. '{}' .. (']'):rep(7996)",
         "true"},
        {"cjson.decode(('['):rep(100000))",
         "Found too many nested data structures (7999) at character 7999"},
        {"cjson.decode(('{\"a\":'):rep(100000))",
         "Found too many nested data structures (4000) at character 19996"},
    };
    CHECK_ROWS(rows);
}

static void memory_is_limited(void)
{
    struct watch w = {.most = 1000000};
    struct guard g;
    lua_State *L = open_state(&g, &w);
    CHECK_STR(shown(L, "cjson.encode_sparse_array(false, 0)"), "false | 0 | 10");
    CHECK_STR(shown(L, "cjson.encode({[2^31-1]=1})"), "not enough memory");
    CHECK(g.used <= SHOWN_LIMIT);
    guard_trim(&g, L);
    CHECK_STR(shown_run(L, "local t = {('x'):rep(1000000)} for i = 1, 24 do t[i] = t[1] end "
                     "return cjson.encode(t)"), "not enough memory");
    CHECK(g.used <= SHOWN_LIMIT);
    guard_trim(&g, L);
    CHECK_STR(shown_run(L, "return cjson.decode('[' .. ('[],'):rep(1000000) .. '0]')"),
              "not enough memory");
    CHECK(g.used <= SHOWN_LIMIT);
    guard_trim(&g, L);
    CHECK_STR(shown(L, "cjson.encode({1})"), "[1]");
    guard_close(&g, L);
}

static void work_is_interrupted(void)
{
    static const char *const long_ones[] = {
        "cjson.encode_max_depth(30) local t = {} for i = 1, 29 do t = {x = t, y = t} end "
        "return cjson.encode(t)",
        "local s = ('x'):rep(100000) return cjson.encode({s, s, s})",
        "cjson.encode_sparse_array(false, 0) return cjson.encode({[1000000]=1})",
        "return cjson.decode('[' .. ('0,'):rep(100000) .. '0]')",
        "return cjson.decode((' '):rep(100000) .. '[1,2]')",
        "return cjson.decode('[\"' .. ('x'):rep(100000) .. '\",2]')",
    };
    shown_stopped_check(long_ones, sizeof long_ones / sizeof *long_ones, lua_cjson_open, prelude);
}

/* The largest table may be empty, and gives the fewest bytes. */
static void each_table_is_work(void)
{
    struct watch w = {.most = 1000000};
    struct guard g;
    lua_State *L = open_state(&g, &w);
    shown_run(L, "list = {} for i = 1, 40 do list[i] = {} end");
    w.most = w.looks;
    const char *said = shown_run(L, "return cjson.encode(list)");
    CHECK_STR(said ? said : "nothing", "stopped");
    guard_close(&g, L);
}

static double random_double(void)
{
    double d;
    uint64_t bits = rand_u64();
    switch (rand_below(5)) {
    case 0:
        memcpy(&d, &bits, sizeof d);
        return isfinite(d) ? d : 0;
    case 1: /* ties */
        return ldexp((double)(bits % 100000), -(int)rand_below(20));
    case 2:
        return (double)(int64_t)(bits % 2000000000) / 1000.0 - 1000000;
    case 3: /* beside powers of ten */
        return pow(10, (int)rand_below(36) - 18) * (1 + ((int)rand_below(5) - 2) * 0x1p-53);
    default:
        return ldexp((double)(bits >> 11), -(int)rand_below(120));
    }
}

static void numbers_are_printed_as_by_printf(void)
{
    rand_seed(unit_seed());
    for (int i = 0; i < 300000; i++) {
        double d = random_double();
        int precision = 1 + (int)rand_below(CJSON_PRECISION_MAX);
        char ours[CJSON_NUMBER_TEXT], theirs[CJSON_NUMBER_TEXT];
        size_t len = cjson_format_number(ours, d, precision);
        snprintf(theirs, sizeof theirs, "%.*g", precision, d);
        CHECK_STR(ours, theirs);
        CHECK_INT((int64_t)len, (int64_t)strlen(ours));
    }
}

int main(void)
{
    return UNIT_RUN(UNIT(has_the_peers_members), UNIT(encodes_values), UNIT(encodes_tables),
                    UNIT(refuses_what_is_no_json), UNIT(refuses_userdata_but_null),
                    UNIT(decodes_values), UNIT(decodes_numbers_as_strtod),
                    UNIT(tells_what_is_wrong_and_where), UNIT(settings_are_heeded),
                    UNIT(settings_are_checked), UNIT(each_instance_has_its_settings),
                    UNIT(depth_has_an_end), UNIT(memory_is_limited), UNIT(work_is_interrupted),
                    UNIT(each_table_is_work), UNIT(numbers_are_printed_as_by_printf));
}
