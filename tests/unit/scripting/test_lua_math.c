/* SPDX-License-Identifier: BSD-3-Clause */
#include "scripting/lua_math.h"

#include <stdlib.h>

#include "tests/unit/scripting/lua_rows.h"

/* Beside the installed redis-server: what it answers. */
static const struct lua_row rows[] = {
    {"math.randomseed(0) return math.random(), math.random(10), math.random(10, 12), "
     "math.random()",
     "0.1708280361121651 | 8 | 10 | 0.87046522734242737"},
    {"math.randomseed(-1) return math.random(), math.random(), math.random()",
     "0.3000257272739083 | 0.045311516171931993 | 0.35792609320856916"},
    {"math.randomseed(2^32 + 5) return math.random(), math.random(2^31 - 1), "
     "math.random(1.9), math.random('7')",
     "0.52483957937212644 | 585950152 | 1 | 2"},
    {"math.randomseed(1e300) return math.random(), math.random(1, 1), math.random(-5, 5), "
     "math.random(0/0, 5)",
     "0.1708280361121651 | 1 | -4 | 5"},
    {"math.randomseed(7) return math.random(-2^31, 2^31 - 1), math.random(-2, 2^31 - 1), "
     "math.random(-1, 2^31 - 2), math.random(2^32 + 5)",
     "-2147483648 | -1464659506 | -570136710 | 1"},
    {"return math.random(0)", "error: bad argument #1 to 'random' (interval is empty)"},
    {"return math.random(2, 1)", "error: bad argument #2 to 'random' (interval is empty)"},
    {"return math.random(1, 2, 3)", "error: wrong number of arguments"},
    {"return math.random(2^31)", "error: bad argument #1 to 'random' (interval is empty)"},
    {"return math.random('x')", "error: bad argument #1 to 'random' (number expected, got string)"},
    {"return math.random(nil)", "error: bad argument #1 to 'random' (number expected, got nil)"},
    {"return math.randomseed()",
     "error: bad argument #1 to 'randomseed' (number expected, got no value)"},
};
static void answers_as_ever(void)
{
    lua_rows_check(rows, sizeof rows / sizeof *rows, lua_math_open);
}

static void begins_unseeded(void)
{
    lua_script_check("return math.random(), math.random()",
                     "0.39646477363839039 | 0.84048536971234034", lua_math_open);
}

/* POSIX says what lrand48 gives. */
static void is_lrand48(void)
{
    struct lua_tested t;
    lua_tested_open(&t, lua_math_open);
    for (int seed = -3; seed <= 3; seed++) {
        srand48(seed * 100000);
        lua_pushinteger(t.L, seed * 100000);
        lua_setglobal(t.L, "seed");
        lua_tested_run(&t, "math.randomseed(seed)");
        for (int i = 0; i < 100; i++) {
            lua_tested_run(&t, "return math.random()");
            CHECK(lua_tonumber(t.L, -1) == (double)(lrand48() % 2147483647) / 2147483647);
        }
    }
    lua_tested_close(&t);
}

static void each_state_has_its_own(void)
{
    struct lua_tested a, b;
    lua_tested_open(&a, lua_math_open);
    lua_tested_open(&b, lua_math_open);
    lua_tested_run(&a, "math.randomseed(1) math.random()");
    CHECK_STR(lua_tested_run(&b, "return math.random()"), "0.39646477363839039");
    CHECK_STR(lua_tested_run(&a, "return math.random()"), "0.45449244484980239");
    lua_tested_run(&a, "math.randomseed(0)");
    CHECK_STR(lua_tested_run(&a, "return math.random()"), "0.1708280361121651");
    lua_tested_close(&a);
    lua_tested_close(&b);
}

int main(void)
{
    return UNIT_RUN(UNIT(answers_as_ever), UNIT(begins_unseeded), UNIT(is_lrand48),
                    UNIT(each_state_has_its_own));
}
