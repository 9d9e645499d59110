/* SPDX-License-Identifier: BSD-3-Clause */
/* Instances of cjson and their settings. A setting's function sets what it is given, unless that is
 * nil, and returns what is set now. The text of what is wrong with an argument, and which argument
 * that is said of, are lua-cjson's. */
#include "scripting/lua_cjson.h"

#include <limits.h>

#include "base/must.h"
#include "scripting/lua_cjson_number.h"
#include "scripting/lua_cjson_parts.h"

static const struct cjson_settings first_settings = {
    .sparse_ratio = 2,
    .sparse_safe = 10,
    .encode_depth = 1000,
    .decode_depth = 1000,
    .precision = CJSON_PRECISION_MAX,
    .encode_invalid = CJSON_INVALID_ERROR,
    .keep_buffer = true,
    .decode_invalid = true,
};

static const char global_key; /* its address: the registry's key of the global one's settings */

/* The settings, after a look at the number of arguments; each of them is there then, maybe nil. */
static struct cjson_settings *settings_for(lua_State *L, int most)
{
    luaL_argcheck(L, lua_gettop(L) <= most, most + 1, "found too many arguments");
    lua_settop(L, most);
    return cjson_settings_of(L);
}

static void int_option(lua_State *L, int arg, int *setting, int min, int max)
{
    if (!lua_isnil(L, arg)) {
        int n = luaL_checkint(L, arg);
        if (n < min || n > max)
            luaL_argerror(L, 1, lua_pushfstring(L, "expected integer between %d and %d", min, max));
        *setting = n;
    }
    lua_pushinteger(L, *setting);
}

static const char *const switch_words[] = {"off", "on", NULL};
static const char *const invalid_words[] = {"off", "on", "null", NULL};

/* The first two words are also false and true. */
static int word_option(lua_State *L, int arg, int was, const char *const *words)
{
    if (lua_isboolean(L, arg))
        was = lua_toboolean(L, arg);
    else if (!lua_isnil(L, arg))
        was = luaL_checkoption(L, arg, NULL, words);
    if (was <= 1)
        lua_pushboolean(L, was);
    else
        lua_pushstring(L, words[was]);
    return was;
}

static int encode_sparse_array(lua_State *L)
{
    struct cjson_settings *s = settings_for(L, 3);
    s->sparse_convert = word_option(L, 1, s->sparse_convert, switch_words);
    int_option(L, 2, &s->sparse_ratio, 0, INT_MAX);
    int_option(L, 3, &s->sparse_safe, 0, INT_MAX);
    return 3;
}

static int encode_max_depth(lua_State *L)
{
    int_option(L, 1, &settings_for(L, 1)->encode_depth, 1, INT_MAX);
    return 1;
}

static int decode_max_depth(lua_State *L)
{
    int_option(L, 1, &settings_for(L, 1)->decode_depth, 1, INT_MAX);
    return 1;
}

static int encode_number_precision(lua_State *L)
{
    int_option(L, 1, &settings_for(L, 1)->precision, 1, CJSON_PRECISION_MAX);
    return 1;
}

static int encode_keep_buffer(lua_State *L)
{
    struct cjson_settings *s = settings_for(L, 1);
    s->keep_buffer = word_option(L, 1, s->keep_buffer, switch_words);
    return 1;
}

static int encode_invalid_numbers(lua_State *L)
{
    struct cjson_settings *s = settings_for(L, 1);
    s->encode_invalid = (enum cjson_invalid)word_option(L, 1, (int)s->encode_invalid,
                                                        invalid_words);
    return 1;
}

static int decode_invalid_numbers(lua_State *L)
{
    struct cjson_settings *s = settings_for(L, 1);
    s->decode_invalid = word_option(L, 1, s->decode_invalid, switch_words);
    return 1;
}

static int new(lua_State *L);

static const luaL_Reg functions[] = {
    {"encode", cjson_encode},
    {"decode", cjson_decode},
    {"encode_sparse_array", encode_sparse_array},
    {"encode_max_depth", encode_max_depth},
    {"decode_max_depth", decode_max_depth},
    {"encode_number_precision", encode_number_precision},
    {"encode_keep_buffer", encode_keep_buffer},
    {"encode_invalid_numbers", encode_invalid_numbers},
    {"decode_invalid_numbers", decode_invalid_numbers},
    {"new", new},
};

/* Pushes an instance; its settings stand at index settings_at. */
static void push_instance(lua_State *L, int settings_at)
{
    lua_newtable(L);
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        lua_pushvalue(L, settings_at);
        lua_pushcclosure(L, functions[i].func, 1);
        lua_setfield(L, -2, functions[i].name);
    }
    lua_pushlightuserdata(L, NULL);
    lua_setfield(L, -2, "null");
    lua_pushliteral(L, "cjson");
    lua_setfield(L, -2, "_NAME");
    lua_pushliteral(L, "2.1.0");
    lua_setfield(L, -2, "_VERSION");
}

static void push_settings(lua_State *L)
{
    struct cjson_settings *s = lua_newuserdata(L, sizeof *s);
    *s = first_settings;
}

static int new(lua_State *L)
{
    lua_settop(L, 0);
    push_settings(L);
    push_instance(L, 1);
    return 1;
}

void lua_cjson_open(lua_State *L)
{
    push_settings(L);
    int settings_at = lua_gettop(L);
    lua_pushlightuserdata(L, (void *)&global_key);
    lua_pushvalue(L, settings_at);
    lua_rawset(L, LUA_REGISTRYINDEX);
    push_instance(L, settings_at);
    lua_setglobal(L, "cjson");
    lua_settop(L, settings_at - 1);
}

static struct cjson_settings *global_settings(lua_State *L)
{
    lua_pushlightuserdata(L, (void *)&global_key);
    lua_rawget(L, LUA_REGISTRYINDEX);
    struct cjson_settings *s = lua_touserdata(L, -1);
    must(s);
    lua_pop(L, 1); /* the registry keeps it */
    return s;
}

void lua_cjson_copy(lua_State *to, lua_State *from)
{
    *global_settings(to) = *global_settings(from);
}
