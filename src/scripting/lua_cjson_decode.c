/* SPDX-License-Identifier: BSD-3-Clause */
/* A JSON text as a value: an object is a table with strings as keys, the last one of a name counts;
 * null is cjson.null. Each function begins when the first token of its part is read and ends when
 * the last one is. */
#include "base/must.h"
#include "scripting/lua_cjson_lex.h"
#include "scripting/lua_cjson_parts.h"

struct decoder {
    struct cjson_lexer x;
    int depth, most;
};

static void push_value(struct decoder *d);

/* A table is pushed, where slots more values will stand than before. */
static void enter(struct decoder *d, int slots)
{
    lua_State *L = d->x.L;
    if (++d->depth > d->most || !lua_checkstack(L, slots))
        luaL_error(L, "Found too many nested data structures (%d) at character %d", d->depth,
                   (int)(d->x.at - d->x.text));
    lua_newtable(L);
}

static void push_array(struct decoder *d)
{
    enter(d, 2); /* it and an element */
    if (cjson_next(&d->x) != CJSON_ARR_END) {
        for (int i = 1;; i++) {
            push_value(d);
            lua_rawseti(d->x.L, -2, i);
            if (cjson_next(&d->x) == CJSON_ARR_END)
                break;
            if (d->x.token != CJSON_COMMA)
                cjson_expected(&d->x, "comma or array end");
            cjson_next(&d->x);
        }
    }
    d->depth--;
}

static void push_string(struct decoder *d)
{
    lua_pushlstring(d->x.L, d->x.string.data, d->x.string.len);
}

static void push_object(struct decoder *d)
{
    enter(d, 3); /* it, a key and its value */
    if (cjson_next(&d->x) != CJSON_OBJ_END) {
        for (;;) {
            if (d->x.token != CJSON_STRING)
                cjson_expected(&d->x, "object key string");
            push_string(d);
            if (cjson_next(&d->x) != CJSON_COLON)
                cjson_expected(&d->x, "colon");
            cjson_next(&d->x);
            push_value(d);
            lua_rawset(d->x.L, -3);
            if (cjson_next(&d->x) == CJSON_OBJ_END)
                break;
            if (d->x.token != CJSON_COMMA)
                cjson_expected(&d->x, "comma or object end");
            cjson_next(&d->x);
        }
    }
    d->depth--;
}

static void push_value(struct decoder *d)
{
    switch (d->x.token) {
    case CJSON_STRING:
        push_string(d);
        break;
    case CJSON_NUMBER:
        lua_pushnumber(d->x.L, d->x.number);
        break;
    case CJSON_BOOLEAN:
        lua_pushboolean(d->x.L, d->x.truth);
        break;
    case CJSON_NULL:
        lua_pushlightuserdata(d->x.L, NULL);
        break;
    case CJSON_OBJ_BEGIN:
        push_object(d);
        break;
    case CJSON_ARR_BEGIN:
        push_array(d);
        break;
    default:
        cjson_expected(&d->x, "value");
    }
}

int cjson_decode(lua_State *L)
{
    luaL_argcheck(L, lua_gettop(L) == 1, 1, "expected 1 argument");
    size_t len;
    const char *text = luaL_checklstring(L, 1, &len);
    if (len >= 2 && (!text[0] || !text[1])) /* characters of two or four bytes */
        luaL_error(L, "JSON parser does not support UTF-16 or UTF-32");
    const struct cjson_settings *s = cjson_settings_of(L);
    struct cjson_lexer x = {
        .L = L, .text = text, .at = text, .paid = text, .lenient = s->decode_invalid};
    struct decoder d = {.x = x, .most = s->decode_depth};
    cjson_next(&d.x);
    push_value(&d);
    must(d.depth == 0 && lua_gettop(L) == 2);
    if (cjson_next(&d.x) != CJSON_END)
        cjson_expected(&d.x, "the end");
    return 1;
}
