/* SPDX-License-Identifier: BSD-3-Clause */
/* Any pattern, subject and replacement: what string.find, match, gmatch, gsub and rep give, or the
 * error they raise, is what the stock library gives, as long as little work shows that this one
 * ends, too. What takes more is stopped by the guard.
 *
 * Input: a byte that chooses the function, one for the number it takes, the lengths of pattern and
 * replacement, then those two and the subject. */
#include <string.h>

#include "base/buf.h"
#include "base/must.h"
#include "scripting/guard.h"
#include "scripting/lua_string.h"
#include "tests/fuzz/fuzz.h"

enum { MEMORY_MAX = 4 << 20, LOOKS_MAX = 200, LOOKS_FEW = 4, SUBJECT_MAX = 60, PATTERN_MAX = 100 };

static const char functions[] =
    "local which, subject, pattern, with, number = ... "
    "local function collect() local o = {} for a, b in string.gmatch(subject, pattern) do "
    "o[#o + 1] = tostring(a) o[#o + 1] = tostring(b) end return table.concat(o, ',') end "
    "local function count(...) return select('#', ...) .. tostring((...)) end "
    "local function gsub(to) "
    "return string.gsub(subject, pattern, to, number > 0 and number or nil) end "
    "local calls = {"
    "function() return string.find(subject, pattern, number) end, "
    "function() return string.match(subject, pattern, number) end, "
    "function() return string.find(subject, pattern, number, true) end, "
    "collect, "
    "function() return gsub(with) end, "
    "function() return gsub({[with] = with, [1] = 2}) end, "
    "function() return gsub(count) end, "
    "function() return gsub(function(x) if x ~= with then return x .. with end end) end, "
    "function() return string.rep(with, number), string.rep(with, number * 2^26) end} "
    "return calls[which % #calls + 1]()";

struct side {
    struct guard g;
    lua_State *L;
    int looks;
};

static void look(lua_State *L, struct guard *g)
{
    struct side *s = g->arg;
    if (++s->looks > LOOKS_MAX)
        luaL_error(L, "stopped");
}

static void open_side(struct side *s, bool ours)
{
    s->g = (struct guard){.limit = MEMORY_MAX, .look = look, .arg = s};
    s->L = guard_open(&s->g);
    must(s->L != NULL);
    luaL_openlibs(s->L);
    if (ours)
        lua_string_open(s->L);
    must(luaL_loadstring(s->L, functions) == 0);
}

/* The function, over the input; its results, or its error alone, lie on the stack behind it. */
static void run(struct side *s, const uint8_t *data, size_t size)
{
    size_t pattern = data[2] < size - 4 ? data[2] : size - 4;
    size_t with = data[3] < size - 4 - pattern ? data[3] : size - 4 - pattern;
    const char *text = (const char *)data + 4;
    guard_trim(&s->g, s->L);
    s->looks = 0;
    lua_settop(s->L, 1);
    lua_pushvalue(s->L, 1);
    lua_pushinteger(s->L, data[0]);
    lua_pushlstring(s->L, text + pattern + with, size - 4 - pattern - with);
    lua_pushlstring(s->L, text, pattern);
    lua_pushlstring(s->L, text + pattern, with);
    lua_pushinteger(s->L, (int8_t)data[1]);
    lua_pcall(s->L, 5, LUA_MULTRET, 0);
    must(s->g.used <= s->g.limit);
}

static void must_be_equal(lua_State *a, lua_State *b)
{
    must(lua_gettop(a) == lua_gettop(b));
    for (int i = 2; i <= lua_gettop(a); i++) {
        must(lua_type(a, i) == lua_type(b, i));
        if (!lua_isstring(a, i))
            continue;
        struct slice x, y;
        x.data = lua_tolstring(a, i, &x.len);
        y.data = lua_tolstring(b, i, &y.len);
        must(slice_eq(x, y));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { REP = 8, FUNCTIONS = 9 };
    static struct side ours, stock;
    if (size < 4)
        return 0;
    if (!ours.L) {
        open_side(&ours, true);
        open_side(&stock, false);
    }
    run(&ours, data, size);
    size_t subject = size - 4 - (data[2] < size - 4 ? data[2] : size - 4);
    bool is_rep = data[0] % FUNCTIONS == REP;
    if (is_rep || ours.looks > LOOKS_FEW || subject > SUBJECT_MAX || data[2] > PATTERN_MAX)
        return 0;
    run(&stock, data, size);
    must_be_equal(ours.L, stock.L);
    return 0;
}

static void seed(uint8_t which, const char *pattern, const char *with, const char *subject)
{
    struct buf b = {0};
    buf_byte(&b, which);
    buf_byte(&b, 1);
    buf_byte(&b, (unsigned char)strlen(pattern));
    buf_byte(&b, (unsigned char)strlen(with));
    buf_printf(&b, "%s%s%s", pattern, with, subject);
    fuzz_add(b.data, b.len);
    buf_free(&b);
}

void fuzz_seeds(void)
{
    static const char *const patterns[] = {
        "(%w+)=(%w*)", "^%s*(.-)%s*$", "%b()", "%f[%a]%a+%f[%A]", "()a()", "([\"'])(.-)%1",
        "[^,]+", "[%a_][%w_]*", "[]a-c%]]-x?", "a*a+a-a?b", ".-.-.-b", "((a)(b))%2%3", "a$",
        "%", "[", "%f", "%b", "(", ")", "%1", "^", "%z", "[^%z]+",
    };
    for (uint8_t which = 0; which < 9; which++)
        for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++)
            seed(which, patterns[i], "<%0%1>", "key=a,b f(a(b)c) aab'x'b abab");
    seed(8, "", "xyz", "");
}
