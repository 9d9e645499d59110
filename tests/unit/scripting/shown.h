/* SPDX-License-Identifier: BSD-3-Clause */
/* Rows of an expression and the text of its values, in a watched state; the test's prelude, a Lua
 * chunk, defines show(...), which gives that text. */
#ifndef TESTS_UNIT_SCRIPTING_SHOWN_H
#define TESTS_UNIT_SCRIPTING_SHOWN_H

#include <stdio.h>
#include <string.h>

#include "tests/unit/scripting/watched.h"

enum { SHOWN_LIMIT = 16 << 20 }; /* bytes of a state */

static inline lua_State *shown_open(struct guard *g, struct watch *w, void (*open)(lua_State *L),
                                    const char *prelude)
{
    lua_State *L = watched_open(g, w, SHOWN_LIMIT, open);
    CHECK_INT(luaL_dostring(L, prelude), 0);
    return L;
}

/* Behind the place of an error, "chunk:line: ", if there is one. */
static inline const char *shown_unplaced(const char *said)
{
    for (const char *at = said; (at = strchr(at, ':')) != NULL; at++) {
        size_t digits = strspn(at + 1, "0123456789");
        if (digits > 0 && strncmp(at + 1 + digits, ": ", 2) == 0)
            return at + digits + 3;
    }
    return said;
}

/* What the block returns, or its error without the place; until the next call. */
static inline const char *shown_run(lua_State *L, const char *block)
{
    lua_settop(L, 0);
    CHECK_INT(luaL_loadbuffer(L, block, strlen(block), "@t"), 0);
    int status = lua_pcall(L, 0, 1, 0);
    const char *said = lua_tostring(L, -1);
    return status && said ? shown_unplaced(said) : said;
}

/* The same of an expression's values. */
static inline const char *shown(lua_State *L, const char *expression)
{
    char block[1000];
    snprintf(block, sizeof block, "return show(%s)", expression);
    return shown_run(L, block);
}

struct shown_row {
    const char *expression, *want;
};

/* All rows in one state, which is empty once it is closed. */
static inline void shown_rows_check(const struct shown_row *rows, size_t count,
                                    void (*open)(lua_State *L), const char *prelude)
{
    struct watch w = {.most = 1000000};
    struct guard g;
    lua_State *L = shown_open(&g, &w, open, prelude);
    for (size_t i = 0; i < count; i++)
        unit_check_slice(slice_str(shown(L, rows[i].expression)), slice_str(rows[i].want),
                         rows[i].expression, __FILE__, __LINE__);
    guard_close(&g, L);
    CHECK_INT(g.used, 0);
}

/* Each block ends at the guard's first look. */
static inline void shown_stopped_check(const char *const *blocks, size_t count,
                                       void (*open)(lua_State *L), const char *prelude)
{
    for (size_t i = 0; i < count; i++) {
        struct watch w = {.most = 0};
        struct guard g;
        lua_State *L = shown_open(&g, &w, open, prelude);
        w.looks = 0;
        const char *said = shown_run(L, blocks[i]);
        CHECK_STR(said ? said : "nothing", "stopped");
        guard_close(&g, L);
    }
}

#endif
