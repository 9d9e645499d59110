/* SPDX-License-Identifier: BSD-3-Clause */
/* A table of scripts and what each must give, for tests of a library of Lua's:
 *
 *   static const struct lua_row rows[] = {{"return 1 + 1, 'x'", "2 | x"}};
 *   lua_rows_check(rows, sizeof rows / sizeof *rows, lua_x_open);
 *
 * Results are joined by " | ": numbers with 17 digits, bytes that are not printable as \ddd. An
 * error is "error: " and its text, without the place. Scripts may call all(f(...)), one text of all
 * that f gives. They end after LUA_ROWS_LOOKS looks of the guard, with the error "stopped", and
 * have LUA_ROWS_LIMIT bytes. */
#ifndef TESTS_UNIT_LUA_ROWS_H
#define TESTS_UNIT_LUA_ROWS_H

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "scripting/guard.h"
#include "tests/unit/unit.h"

struct lua_row {
    const char *script, *want;
};

struct lua_tested {
    struct guard g;
    lua_State *L;
    struct buf text;
    int looks, looks_max;
};

enum { LUA_ROWS_LIMIT = 8 << 20, LUA_ROWS_LOOKS = 500 };

static void lua_tested_look(lua_State *L, struct guard *g)
{
    struct lua_tested *t = g->arg;
    if (++t->looks > t->looks_max)
        luaL_error(L, "stopped");
}

/* open: NULL for the stock libraries alone. */
static inline void lua_tested_open(struct lua_tested *t, void (*open)(lua_State *))
{
    memset(t, 0, sizeof *t);
    t->g = (struct guard){.limit = LUA_ROWS_LIMIT, .look = lua_tested_look, .arg = t};
    t->looks_max = LUA_ROWS_LOOKS;
    t->L = guard_open(&t->g);
    CHECK(t->L != NULL);
    luaL_openlibs(t->L);
    if (open)
        open(t->L);
    static const char all[] =
        "function all(...) local n, o = select('#', ...), {...} "
        "for i = 1, n do o[i] = tostring(o[i]) end return '<' .. table.concat(o, ' ') .. '>' end";
    CHECK_INT(luaL_dostring(t->L, all), 0);
}

static inline void lua_tested_close(struct lua_tested *t)
{
    buf_free(&t->text);
    guard_close(&t->g, t->L);
}

static inline void lua_tested_add(struct lua_tested *t, int i)
{
    size_t len;
    if (lua_type(t->L, i) == LUA_TNUMBER) {
        buf_printf(&t->text, "%.17g", lua_tonumber(t->L, i));
    } else if (lua_type(t->L, i) == LUA_TSTRING) {
        const char *text = lua_tolstring(t->L, i, &len);
        for (size_t k = 0; k < len; k++)
            buf_printf(&t->text, isprint((unsigned char)text[k]) ? "%c" : "\\%03d",
                       (unsigned char)text[k]);
    } else if (lua_type(t->L, i) == LUA_TBOOLEAN) {
        buf_printf(&t->text, "%s", lua_toboolean(t->L, i) ? "true" : "false");
    } else {
        buf_printf(&t->text, "%s", luaL_typename(t->L, i));
    }
}

/* What the script gives; until the next call. */
static inline const char *lua_tested_run(struct lua_tested *t, const char *script)
{
    buf_clear(&t->text);
    lua_settop(t->L, 0);
    t->looks = 0;
    int status = luaL_loadbuffer(t->L, script, strlen(script), "=user_script");
    status = status ? status : lua_pcall(t->L, 0, LUA_MULTRET, 0);
    if (status) {
        const char *text = lua_tostring(t->L, -1), *place = "user_script:1: ";
        bool placed = text && strncmp(text, place, strlen(place)) == 0;
        buf_printf(&t->text, "error: %s", text + (placed ? strlen(place) : 0));
        return buf_cstr(&t->text);
    }
    for (int i = 1; i <= lua_gettop(t->L); i++) {
        buf_printf(&t->text, "%s", i > 1 ? " | " : "");
        lua_tested_add(t, i);
    }
    return buf_cstr(&t->text);
}

/* One script in a state of its own. */
static inline void lua_script_check(const char *script, const char *want, void (*open)(lua_State *))
{
    struct lua_tested t;
    lua_tested_open(&t, open);
    CHECK_STR(lua_tested_run(&t, script), want);
    CHECK(t.g.used <= LUA_ROWS_LIMIT);
    guard_trim(&t.g, t.L);
    CHECK_STR(lua_tested_run(&t, "return 'as before'"), "as before");
    lua_tested_close(&t);
}

static inline void lua_rows_check(const struct lua_row *rows, size_t n, void (*open)(lua_State *))
{
    struct lua_tested t;
    lua_tested_open(&t, open);
    for (size_t i = 0; i < n; i++) {
        const char *got = lua_tested_run(&t, rows[i].script);
        if (strcmp(got, rows[i].want) != 0)
            printf("  %s\n", rows[i].script);
        CHECK_STR(got, rows[i].want);
    }
    lua_tested_close(&t);
}

#endif
