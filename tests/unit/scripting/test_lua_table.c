/* SPDX-License-Identifier: BSD-3-Clause */
#include "scripting/lua_table.h"

#include "tests/unit/scripting/lua_rows.h"

/* Beside the installed redis-server: what it answers. */
static const struct lua_row rows[] = {
    /* insert and remove */
    {"local t = {1, 2, 3} table.insert(t, 4) table.insert(t, 1, 0) table.insert(t, 3, 'x') "
     "return table.concat(t, ',')",
     "0,1,x,2,3,4"},
    {"local t = {1, 2, 3} table.insert(t, -3, 9) return t[-3], t[-2], t[-1], t[0], t[1], "
     "t[2], t[3], t[4]",
     "9 | nil | nil | nil | nil | 1 | 2 | 3"},
    {"local t = {1, 2, 3} table.insert(t, 9, 'x') return #t, t[9], t[4]", "3 | x | nil"},
    {"local t = {1, 2, 3} table.insert(t, 4, 'x') return #t, t[4]", "4 | x"},
    {"local t = {1, 2, 3} table.insert(t, 2^32 + 1, 'x') return t[1], t[4]", "x | 3"},
    {"local t = {} table.insert(t, nil) table.insert(t, 1, nil) return #t", "0"},
    {"local t = {1, 2, 3} return table.remove(t), table.remove(t, 1), table.remove(t), "
     "table.remove(t), #t",
     "3 | 1 | 2 | nil | 0"},
    {"return table.remove({1, 2, 3}, 5), table.remove({1, 2, 3}, 0), table.remove({1, 2, 3}, "
     "2^32 + 2), select('#', table.remove({}))",
     "nil | nil | 2 | 0"},
    {"return table.insert({}, 1, 2, 3)", "error: wrong number of arguments to 'insert'"},
    {"return table.insert({})", "error: wrong number of arguments to 'insert'"},
    {"return table.insert({}, 'a', 3)",
     "error: bad argument #2 to 'insert' (number expected, got string)"},
    {"return table.insert(nil, 3)", "error: bad argument #1 to 'insert' (table expected, got nil)"},
    {"return table.remove('x')", "error: bad argument #1 to 'remove' (table expected, got string)"},
    {"return table.remove({1}, 'x')",
     "error: bad argument #2 to 'remove' (number expected, got string)"},
    /* concat */
    {"return table.concat({}), table.concat({1, 2.5, 'x'}), table.concat({1, 2, 3}, ', '), "
     "table.concat({1, 2, 3}, 0), table.concat({'a', '', 'b'}, '\\0')",
     " | 12.5x | 1, 2, 3 | 10203 | a\\000\\000b"},
    {"return table.concat({1, 2, 3}, ',', 2), table.concat({1, 2, 3}, ',', 2, 2), "
     "table.concat({1, 2, 3}, ',', 3, 2), table.concat({[0] = 0, 1}, ',', 0)",
     "2,3 | 2 |  | 0,1"},
    {"return table.concat({1, 2, 3}, ',', 2, 2^31), table.concat({1, 2, 3}, ',', 2, 2^32 + "
     "3), table.concat({[2^31 - 1] = 'x'}, ',', 2^31 - 1, 2^31 - 1)",
     " | 2,3 | x"},
    {"return table.concat({1, 2, {}}, ',')",
     "error: invalid value (table) at index 3 in table for 'concat'"},
    {"return table.concat({1, 2, 3}, ',', 2, 5)",
     "error: invalid value (nil) at index 4 in table for 'concat'"},
    {"return table.concat({true})",
     "error: invalid value (boolean) at index 1 in table for 'concat'"},
    {"return table.concat({1}, {})",
     "error: bad argument #2 to 'concat' (string expected, got table)"},
    {"return table.concat(nil, 'x')",
     "error: bad argument #1 to 'concat' (table expected, got nil)"},
    {"return table.concat({}, nil, 'x')",
     "error: bad argument #3 to 'concat' (number expected, got string)"},
    /* foreach and foreachi */
    {"local o = {} table.foreachi({4, 5, nil, 6}, function(i, v) o[#o + 1] = i .. ':' .. "
     "tostring(v) end) return table.concat(o, ' ')",
     "1:4 2:5 3:nil 4:6"},
    {"return table.foreachi({4, 5, 6}, function(i, v) if v == 5 then return i, v end end), "
     "table.foreachi({}, error)",
     "2"},
    {"return table.foreach({a = 1}, function(k, v) return k .. v end), table.foreach({1, 2}, "
     "function(k, v) if v == 2 then return false end end), table.foreach({}, error)",
     "a1 | false"},
    {"local t = {} t[t] = 1 return table.foreach(t, table.insert)", ""},
    {"return table.foreach({1}, function() error('no', 0) end)", "error: no"},
    {"return table.foreach({}, 1)",
     "error: bad argument #2 to 'foreach' (function expected, got number)"},
    {"return table.foreachi({}, nil)",
     "error: bad argument #2 to 'foreachi' (function expected, got nil)"},
    {"return table.foreach(1, error)",
     "error: bad argument #1 to 'foreach' (table expected, got number)"},
    /* what is left as it was */
    {"return table.getn({1, 2}), table.maxn({1, [7.5] = 1}), pcall(table.setn, {}, 1)",
     "2 | 7.5 | false | 'setn' is obsolete"},
    /* sort */
    {"local t = {3, 1, 2} table.sort(t) return table.concat(t, ' ')", "1 2 3"},
    {"local t = {'b', 'a', 'c', 'B', ''} table.sort(t) return table.concat(t, ' ')", " B a b c"},
    {"local t = {5, 2, 8, 1, 9, 3} table.sort(t, function(a, b) return a > b end) return "
     "table.concat(t, ' '), table.sort({}), table.sort({1})",
     "9 8 5 3 2 1 | nil"},
    {"local t = {3, 1, 3, 2, 1, 2, 3, 3, 1} table.sort(t, function(a, b) return a <= b end) "
     "return table.concat(t, ' ')",
     "error: attempt to compare number with nil"},
    {"local m = {__lt = function(a, b) return a.n < b.n end} local t = {} for i = 1, 5 do "
     "t[i] = setmetatable({n = i * 3 % 5}, m) end table.sort(t) return t[1].n, t[2].n, "
     "t[5].n",
     "0 | 1 | 4"},
    {"return table.sort({1, 2, 3, 4, 5, 6, 7, 8, 9}, function() return true end)",
     "error: invalid order function for sorting"},
    {"return table.sort({1, 2, 3}, function() return true end), table.sort({1, 2, 3, 4, 5}, "
     "function() return false end)",
     "nil"},
    {"return table.sort({3, 1, 2, {}})", "error: attempt to compare table with number"},
    {"return table.sort({3, 1, 'x'})", "error: attempt to compare string with number"},
    {"return table.sort({3, 1, 2}, 1)",
     "error: bad argument #2 to 'sort' (function expected, got number)"},
    {"return table.sort({3, 1, 2}, function() error('no', 0) end)", "error: no"},
    {"local t = {4, 3, 2, 1} return pcall(table.sort, t, function(a, b) for i = 1, 4 do t[i] "
     "= nil end return a < b end)",
     "false | user_script:1: attempt to compare nil with number"},
    {"return table.sort(nil)", "error: bad argument #1 to 'sort' (table expected, got nil)"},
};
static void answers_as_ever(void)
{
    lua_rows_check(rows, sizeof rows / sizeof *rows, lua_table_open);
}

/* A table of a few elements with a border far away, which is its length. */
#define LONG_TABLE \
    "local t = {} for i = 24, 0, -1 do t[2^i] = 1 end assert(#t == 2^24) "

static void what_takes_long_is_stopped(void)
{
    static const char *const endless[] = {
        "table.insert({}, -2^31, 'x')",
        LONG_TABLE "table.insert(t, 1, 'x')",
        LONG_TABLE "table.remove(t, 1)",
        LONG_TABLE "table.foreachi(t, math.randomseed)",
        LONG_TABLE "table.sort(t, rawequal)",
        "local t = {} for i = 1, 1e5 do t[i] = i % 7 end for i = 1, 1e5 do table.sort(t) end",
        "local t = {} for i = 1, 1e5 do t[i] = i end "
        "for i = 1, 1e5 do table.foreach(t, math.randomseed) end",
        "local t = {} for i = 1, 1e5 do t[i] = '' end for i = 1, 1e5 do table.concat(t) end",
    };
    for (size_t i = 0; i < sizeof endless / sizeof *endless; i++)
        lua_script_check(endless[i], "error: stopped", lua_table_open);
}

static void concat_is_limited(void)
{
    lua_script_check("local s, t = ('x'):rep(2e5), {} for i = 1, 100 do t[i] = s end "
                     "return table.concat(t)",
                     "error: not enough memory", lua_table_open);
    lua_script_check("local t = {} for i = 1, 100 do t[i] = '' end "
                     "return table.concat(t, ('x'):rep(2e5))",
                     "error: not enough memory", lua_table_open);
}

/* ---- sort ---- */

/* Sorts many arrays, of few and of many different elements, with good orders and with <=; what
 * became of them, and how often elements were compared. (With worse ones the stock library may
 * never end.) */
static const char sort_many[] =
    "local x = SEED "
    "local function random(n) x = (x * 16807) % 2147483647 return x % n end "
    "local calls = 0 "
    "local orders = {function(a, b) return a.k < b.k end, function(a, b) return a.k <= b.k end, "
    "function(a, b) return a.k > b.k end, function() return false end} "
    "local o = {} "
    "for round = 1, 300 do local t, different = {}, 1 + random(random(2) == 0 and 5 or 1000) "
    "for i = 1, random(round) do t[i] = {k = random(different), at = i} end "
    "local order = orders[1 + random(#orders)] "
    "local ok, err = pcall(table.sort, t, function(a, b) calls = calls + 1 return order(a, b) end) "
    "for i = 0, #t + 1 do o[#o + 1] = t[i] and t[i].at or '-' end "
    "o[#o + 1] = tostring(err) .. calls end "
    "return table.concat(o, ' ')";

static void sorts_as_the_stock_library(void)
{
    struct lua_tested ours, stock;
    char script[sizeof sort_many + 20];
    const char *at = strstr(sort_many, "SEED");
    snprintf(script, sizeof script, "%.*s%llu%s", (int)(at - sort_many), sort_many,
             (unsigned long long)(unit_seed() % 2147483646 + 1), at + 4);
    lua_tested_open(&ours, lua_table_open);
    lua_tested_open(&stock, NULL);
    ours.looks_max = stock.looks_max = INT32_MAX;
    const char *want = lua_tested_run(&stock, script);
    CHECK(strlen(want) > 10000);
    CHECK_STR(lua_tested_run(&ours, script), want);
    lua_tested_close(&ours);
    lua_tested_close(&stock);
}

/* An order that is made up while it is asked for, so that each pivot is as bad as it can be
 * (McIlroy, A Killer Adversary for Quicksort). */
static void the_worst_order_costs_little(void)
{
    lua_script_check("local n, calls, solid, candidate, value, t = 500, 0, 0, 0, {}, {} "
                     "for i = 1, n do t[i], value[i] = i, n end "
                     "table.sort(t, function(a, b) calls = calls + 1 "
                     "if value[a] == n and value[b] == n then "
                     "local x = a == candidate and a or b value[x] = solid solid = solid + 1 end "
                     "if value[a] == n then candidate = a "
                     "elseif value[b] == n then candidate = b end "
                     "return value[a] < value[b] end) "
                     "local sorted = true "
                     "for i = 2, n do sorted = sorted and value[t[i - 1]] <= value[t[i]] end "
                     "return sorted, calls < 5 * n * math.log(n) / math.log(2)",
                     "true | true", lua_table_open);
}

static void a_bad_order_only_moves_elements(void)
{
    lua_script_check("local t = {3, 1, 2, 5, 4, 9, 8, 7, 6} for i = 1, 300 do local c = 0 "
                     "pcall(table.sort, t, function(a, b) c = c + 1 return c * i % 7 < 4 end) end "
                     "local n = 0 for k in pairs(t) do n = n + 1 end "
                     "local sum = 0 for i = 1, 9 do sum = sum + t[i] end "
                     "return n, sum, t[0], t[10]",
                     "9 | 45 | nil | nil", lua_table_open);
    lua_script_check("local t = {1, 2, 3, 4, 5, 6, 7, 8, 9} "
                     "local ok, err = pcall(table.sort, t, function(a, b) return a and b end) "
                     "return ok, err, t[0], t[10]",
                     "false | invalid order function for sorting | nil | nil", lua_table_open);
}

int main(void)
{
    return UNIT_RUN(UNIT(answers_as_ever), UNIT(what_takes_long_is_stopped),
                    UNIT(concat_is_limited), UNIT(sorts_as_the_stock_library),
                    UNIT(the_worst_order_costs_little), UNIT(a_bad_order_only_moves_elements));
}
