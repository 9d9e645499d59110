/* SPDX-License-Identifier: BSD-3-Clause */
#include "scripting/lua_string.h"

#include <ctype.h>

#include "scripting/guard.h"
#include "scripting/lua_pattern.h"

static struct slice string_arg(lua_State *L, int i)
{
    struct slice s;
    s.data = luaL_checklstring(L, i, &s.len);
    return s;
}

/* Counts are cut to an int, as the stock functions do. */
static int int_arg(lua_State *L, int i)
{
    return (int)luaL_checkinteger(L, i);
}

static int string_rep(lua_State *L)
{
    struct slice s = string_arg(L, 1);
    int n = int_arg(L, 2);
    if (n <= 0 || s.len == 0) {
        lua_pushliteral(L, "");
        return 1;
    }
    size_t total;
    if (__builtin_mul_overflow(s.len, (size_t)n, &total))
        return guard_no_memory(L);
    struct buf *b = guard_scratch(L);
    char *to = guard_room(L, b, total);
    memcpy(to, s.data, s.len);
    for (size_t done = s.len, more; done < total; done += more) {
        more = done < total - done ? done : total - done;
        memcpy(to + done, to, more);
    }
    guard_spend(L, total / 64);
    lua_pushlstring(L, to, total);
    return 1;
}

/* ---- find, match, gmatch ---- */

/* Where to begin; the argument counts from 1, or from the end when it is negative. */
static size_t start_arg(lua_State *L, int i, size_t len)
{
    ptrdiff_t start = luaL_optinteger(L, i, 1);
    if (start < 0)
        start += (ptrdiff_t)len + 1;
    if (start <= 0)
        return 0;
    return (size_t)start - 1 < len ? (size_t)start - 1 : len;
}

/* As memmem, in linear time, too, but without its preparations while the first byte is rare. */
static const char *find_text(const char *s, size_t len, struct slice text)
{
    enum { TRIES = 16 };
    if (!text.len)
        return s;
    const char *end = s + len;
    size_t last = text.len - 1;
    for (int i = 0; i < TRIES && (size_t)(end - s) >= text.len; i++, s++) {
        s = memchr(s, text.data[0], (size_t)(end - s) - last);
        if (!s || (s[last] == text.data[last] && memcmp(s, text.data, last) == 0))
            return s;
    }
    return memmem(s, (size_t)(end - s), text.data, text.len);
}

static int find_plain(lua_State *L, struct slice subject, struct slice text, size_t start)
{
    enum { SHORT = 4096 };
    const char *from = subject.data + start;
    if (subject.len - start > SHORT)
        guard_spend(L, (subject.len - start) / 64);
    const char *found = find_text(from, subject.len - start, text);
    if (!found) {
        lua_pushnil(L);
        return 1;
    }
    lua_pushinteger(L, found - subject.data + 1);
    lua_pushinteger(L, found - subject.data + (ptrdiff_t)text.len);
    return 2;
}

/* Without what has a meaning in a pattern, as far as a pattern goes. */
static bool is_plain(struct slice text)
{
    return text.data[strcspn(text.data, "^$*+?.([%-")] == '\0';
}

static struct slice without_anchor(struct slice text, bool *anchored)
{
    *anchored = text.len && text.data[0] == '^';
    return slice_from(text, *anchored);
}

static int search(lua_State *L, bool want_places)
{
    struct slice subject = string_arg(L, 1), text = string_arg(L, 2);
    size_t start = start_arg(L, 3, subject.len);
    if (want_places && (lua_toboolean(L, 4) || is_plain(text)))
        return find_plain(L, subject, text, start);
    struct lua_pattern m;
    bool anchored;
    text = without_anchor(text, &anchored);
    lua_pattern_begin(&m, L, subject, text);
    const char *s = subject.data + start, *e = lua_pattern_search(&m, &s, anchored);
    if (!e) {
        lua_pushnil(L);
        return 1;
    }
    if (!want_places)
        return lua_pattern_push_all(&m, s, e);
    lua_pushinteger(L, s - subject.data + 1);
    lua_pushinteger(L, e - subject.data);
    return 2 + lua_pattern_push_all(&m, NULL, NULL);
}

static int string_find(lua_State *L)
{
    return search(L, true);
}

static int string_match(lua_State *L)
{
    return search(L, false);
}

/* Upvalues: subject, pattern, and where the next search begins; behind the end: nowhere. */
static int next_match(lua_State *L)
{
    struct slice subject, text;
    subject.data = lua_tolstring(L, lua_upvalueindex(1), &subject.len);
    text.data = lua_tolstring(L, lua_upvalueindex(2), &text.len);
    size_t start = (size_t)lua_tointeger(L, lua_upvalueindex(3));
    if (start > subject.len)
        return 0;
    struct lua_pattern m;
    lua_pattern_begin(&m, L, subject, text);
    const char *s = subject.data + start, *e = lua_pattern_search(&m, &s, false);
    if (!e)
        return 0;
    lua_pushinteger(L, e - subject.data + (e == s));
    lua_replace(L, lua_upvalueindex(3));
    return lua_pattern_push_all(&m, s, e);
}

static int string_gmatch(lua_State *L)
{
    luaL_checkstring(L, 1);
    luaL_checkstring(L, 2);
    lua_settop(L, 2);
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, next_match, 3);
    return 1;
}

/* ---- gsub ---- */

/* What is built: in the scratch buffer, or, as Lua code runs in between, on the stack. */
struct result {
    lua_State *L;
    struct buf *scratch; /* NULL: stack */
    luaL_Buffer stack;
    struct slice with; /* the replacement, when it is a string */
};

static void add(struct result *r, struct slice s)
{
    enum { SHORT = 64 }; /* the stack's buffer takes them byte by byte */
    if (r->scratch) {
        guard_add(r->L, r->scratch, s.data, s.len);
    } else if (s.len <= SHORT) {
        luaL_addlstring(&r->stack, s.data, s.len);
    } else {
        guard_spend_copy(r->L, s.len);
        lua_pushlstring(r->L, s.data, s.len);
        luaL_addvalue(&r->stack);
    }
}

/* Takes it off the stack. */
static void add_value(struct result *r)
{
    if (!r->scratch) {
        luaL_addvalue(&r->stack);
        return;
    }
    struct slice s;
    s.data = lua_tolstring(r->L, -1, &s.len);
    add(r, s);
    lua_pop(r->L, 1);
}

static struct slice span(const char *from, const char *to)
{
    return slice(from, (size_t)(to - from));
}

/* %0 to %9 are captures, % before anything else stands for that. */
static void add_replacement(struct result *r, const struct lua_pattern *m, const char *s,
                            const char *e)
{
    const char *p = r->with.data, *end = p + r->with.len;
    for (const char *mark; (mark = memchr(p, '%', (size_t)(end - p))); p = mark + 2) {
        add(r, span(p, mark));
        if (!isdigit((unsigned char)mark[1])) {
            add(r, slice(mark + 1, 1)); /* the NUL, if it is the last */
        } else if (mark[1] == '0') {
            add(r, span(s, e));
        } else {
            lua_pattern_push(m, mark[1] - '1', s, e);
            add_value(r);
        }
        if (mark + 1 == end)
            return;
    }
    add(r, span(p, end));
}

static void add_match(struct result *r, const struct lua_pattern *m, const char *s, const char *e)
{
    lua_State *L = r->L;
    switch (lua_type(L, 3)) {
    case LUA_TFUNCTION:
        lua_pushvalue(L, 3);
        lua_call(L, lua_pattern_push_all(m, s, e), 1);
        break;
    case LUA_TTABLE:
        lua_pattern_push(m, 0, s, e);
        lua_gettable(L, 3);
        break;
    default:
        add_replacement(r, m, s, e);
        return;
    }
    if (!lua_toboolean(L, -1)) {
        lua_pop(L, 1);
        add(r, span(s, e));
        return;
    }
    if (!lua_isstring(L, -1))
        luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
    add_value(r);
}

/* Puts what is built on the stack. */
static void finish(struct result *r)
{
    if (r->scratch)
        lua_pushlstring(r->L, r->scratch->data, r->scratch->len);
    else
        luaL_pushresult(&r->stack);
}

/* Not by value: the stack's buffer is large, and points into itself. */
static void begin(struct result *r, lua_State *L)
{
    r->L = L;
    r->scratch = NULL;
    if (lua_isstring(L, 3)) {
        r->with.data = lua_tolstring(L, 3, &r->with.len);
        r->scratch = guard_scratch(L);
    } else {
        luaL_buffinit(L, &r->stack);
    }
}

static int string_gsub(lua_State *L)
{
    struct slice subject = string_arg(L, 1), text = string_arg(L, 2);
    int max = (int)luaL_optinteger(L, 4, (ptrdiff_t)subject.len + 1), n = 0;
    bool anchored;
    luaL_argcheck(L, lua_isstring(L, 3) || lua_isfunction(L, 3) || lua_istable(L, 3), 3,
                  "string/function/table expected");
    struct lua_pattern m;
    struct result r;
    lua_pattern_begin(&m, L, subject, without_anchor(text, &anchored));
    begin(&r, L);
    const char *from = subject.data; /* what lies before it is in the result */
    while (n < max) {
        const char *s = from, *e = lua_pattern_search(&m, &s, anchored);
        if (!e)
            break;
        n++;
        add(&r, span(from, s));
        add_match(&r, &m, s, e);
        from = e;
        if (e == s && s == m.end)
            break;
        if (e == s)
            add(&r, span(s, ++from));
        if (anchored)
            break;
    }
    add(&r, span(from, m.end));
    finish(&r);
    lua_pushinteger(L, n);
    return 2;
}

/* ---- the stock library's own ---- */

/* Pays for the strings that it is called with, and is the function that is its upvalue. */
static int paid(lua_State *L)
{
    enum { BYTES_A_UNIT = 4 };
    size_t bytes = 0;
    for (int i = lua_gettop(L); i > 0; i--)
        if (lua_type(L, i) == LUA_TSTRING)
            bytes += lua_objlen(L, i);
    if (bytes >= BYTES_A_UNIT)
        guard_spend(L, bytes / BYTES_A_UNIT);
    return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

void lua_string_open(lua_State *L)
{
    static const char *const linear[] = {"upper", "lower", "reverse", "format"};
    static const luaL_Reg functions[] = {
        {"rep", string_rep},       {"find", string_find}, {"match", string_match},
        {"gmatch", string_gmatch}, {"gsub", string_gsub}, {NULL, NULL},
    };
    luaL_register(L, "string", functions);
    lua_getfield(L, -1, "gmatch");
    lua_setfield(L, -2, "gfind");
    for (size_t i = 0; i < sizeof linear / sizeof *linear; i++) {
        lua_getfield(L, -1, linear[i]);
        lua_pushcclosure(L, paid, 1);
        lua_setfield(L, -2, linear[i]);
    }
    lua_pop(L, 1);
}
