/* SPDX-License-Identifier: BSD-3-Clause */
/* A value as JSON, into the state's scratch buffer: no code of Lua's runs in between, since all
 * tables are read raw.
 *
 * A table is an array when all its keys are integers from 1 up; the largest is its length, what is
 * missing is null. An empty one is an object. Strings are bytes: bad UTF-8 stays as it is. */
#include <limits.h>
#include <math.h>
#include <stdint.h>

#include "base/must.h"
#include "base/num.h"
#include "scripting/guard.h"
#include "scripting/lua_cjson_number.h"
#include "scripting/lua_cjson_parts.h"

struct encoder {
    lua_State *L;
    struct buf *out;
    size_t paid; /* for so many bytes of out */
    const struct cjson_settings *settings;
};

/* A unit of work for each byte, which no part of a value is without. */
static void pay(struct encoder *e)
{
    size_t bytes = e->out->len - e->paid;
    if (bytes >= 64) {
        guard_spend(e->L, bytes);
        e->paid = e->out->len;
    }
}

static void put(struct encoder *e, const char *text, size_t len)
{
    guard_add(e->L, e->out, text, len);
}
static void put_char(struct encoder *e, char c)
{
    guard_add(e->L, e->out, &c, 1);
}

static void refuse(struct encoder *e, int index, const char *why)
{
    luaL_error(e->L, "Cannot serialise %s: %s", luaL_typename(e->L, index), why);
}

/* ---- strings ---- */

/* 0: as it is; 'u': by its number; else the letter behind a backslash. */
static const char escapes[256] = {
    [0 ... 7] = 'u', ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', [11] = 'u',    ['\f'] = 'f',
    ['\r'] = 'r',    [14 ... 31] = 'u', ['"'] = '"', ['/'] = '/', ['\\'] = '\\', [127] = 'u',
};

static void put_escape(struct encoder *e, unsigned char c)
{
    char text[6] = {'\\', escapes[c], '0', '0'};
    if (escapes[c] == 'u')
        num_put_hex(text + 4, 2, c);
    put(e, text, escapes[c] == 'u' ? 6 : 2);
}

static void put_string(struct encoder *e, int index)
{
    size_t len;
    const char *p = lua_tolstring(e->L, index, &len), *end = p + len;
    put_char(e, '"');
    for (;;) {
        const char *plain = p;
        while (p < end && !escapes[(unsigned char)*p])
            p++;
        put(e, plain, (size_t)(p - plain));
        if (p == end)
            break;
        put_escape(e, (unsigned char)*p++);
    }
    put_char(e, '"');
}

/* ---- numbers ---- */

static void put_invalid(struct encoder *e, double d, int index)
{
    switch (e->settings->encode_invalid) {
    case CJSON_INVALID_ERROR:
        refuse(e, index, "must not be NaN or Inf");
        break;
    case CJSON_INVALID_NULL:
        put(e, "null", 4);
        break;
    case CJSON_INVALID_WRITE:
        put(e, isnan(d) ? "nan" : d < 0 ? "-inf" : "inf", isnan(d) || d > 0 ? 3 : 4);
        break;
    }
}

static void put_number(struct encoder *e, int index)
{
    double d = lua_tonumber(e->L, index);
    if (!isfinite(d)) {
        put_invalid(e, d, index);
        return;
    }
    char text[CJSON_NUMBER_TEXT];
    put(e, text, cjson_format_number(text, d, e->settings->precision));
}

/* ---- tables ---- */

static bool too_sparse(const struct cjson_settings *s, int length, int64_t values)
{
    return s->sparse_ratio > 0 && length > s->sparse_safe && length > values * s->sparse_ratio;
}

/* The number of elements of the table on the top; 0: it is an object. */
static int array_length(struct encoder *e)
{
    enum { UNITS = 100 }; /* at least: a table may have many empty places */
    lua_State *L = e->L;
    int64_t values = 0;
    int length = 0;
    guard_spend(L, UNITS);
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        double key = lua_type(L, -2) == LUA_TNUMBER ? lua_tonumber(L, -2) : 0;
        if (!(key >= 1 && key <= INT_MAX && key == (int)key)) {
            lua_pop(L, 2);
            return 0;
        }
        if (key > length)
            length = (int)key;
        values++;
    }
    if (!too_sparse(e->settings, length, values))
        return length;
    if (!e->settings->sparse_convert)
        refuse(e, -1, "excessively sparse array");
    return 0;
}

static void put_value(struct encoder *e, int depth);

static void put_array(struct encoder *e, int length, int depth)
{
    put_char(e, '[');
    for (int i = 0; i < length; i++) {
        if (i > 0)
            put_char(e, ',');
        lua_rawgeti(e->L, -1, i + 1);
        put_value(e, depth);
        lua_pop(e->L, 1);
    }
    put_char(e, ']');
}

static void put_key(struct encoder *e, int index)
{
    switch (lua_type(e->L, index)) {
    case LUA_TSTRING:
        put_string(e, index);
        break;
    case LUA_TNUMBER:
        put_char(e, '"');
        put_number(e, index);
        put_char(e, '"');
        break;
    default:
        refuse(e, index, "table key must be a number or string");
    }
}

static void put_object(struct encoder *e, int depth)
{
    bool first = true;
    put_char(e, '{');
    for (lua_pushnil(e->L); lua_next(e->L, -2); lua_pop(e->L, 1)) {
        if (!first)
            put_char(e, ',');
        first = false;
        put_key(e, -2);
        put_char(e, ':');
        put_value(e, depth);
    }
    put_char(e, '}');
}

static void put_table(struct encoder *e, int depth)
{
    if (depth > e->settings->encode_depth || !lua_checkstack(e->L, 3))
        luaL_error(e->L, "Cannot serialise, excessive nesting (%d)", depth);
    int length = array_length(e);
    if (length > 0)
        put_array(e, length, depth);
    else
        put_object(e, depth);
}

/* The value on the top, within depth tables. */
static void put_value(struct encoder *e, int depth)
{
    pay(e);
    switch (lua_type(e->L, -1)) {
    case LUA_TSTRING:
        put_string(e, -1);
        break;
    case LUA_TNUMBER:
        put_number(e, -1);
        break;
    case LUA_TTABLE:
        put_table(e, depth + 1);
        break;
    case LUA_TBOOLEAN:
        put(e, lua_toboolean(e->L, -1) ? "true" : "false", lua_toboolean(e->L, -1) ? 4 : 5);
        break;
    case LUA_TNIL:
        put(e, "null", 4);
        break;
    case LUA_TLIGHTUSERDATA:
        if (lua_touserdata(e->L, -1))
            refuse(e, -1, "type not supported");
        put(e, "null", 4);
        break;
    default:
        refuse(e, -1, "type not supported");
    }
}

int cjson_encode(lua_State *L)
{
    luaL_argcheck(L, lua_gettop(L) == 1, 1, "expected 1 argument");
    struct encoder e = {.L = L, .out = guard_scratch(L), .settings = cjson_settings_of(L)};
    put_value(&e, 0);
    must(lua_gettop(L) == 1);
    lua_pushlstring(L, e.out->data, e.out->len);
    return 1;
}
