/* SPDX-License-Identifier: BSD-3-Clause */
/* A guarded Lua state whose looks are counted, with the stock libraries. */
#ifndef TESTS_UNIT_SCRIPTING_WATCHED_H
#define TESTS_UNIT_SCRIPTING_WATCHED_H

#include "scripting/guard.h"
#include "tests/unit/unit.h"

struct watch {
    int looks, most; /* behind most, look raises an error each time */
};

static inline void watch_look(lua_State *L, struct guard *g)
{
    struct watch *w = g->arg;
    if (++w->looks <= w->most)
        return;
    guard_look_always(L);
    luaL_error(L, "stopped");
}

/* open: adds a library. */
static inline lua_State *watched_open(struct guard *g, struct watch *w, size_t limit,
                                      void (*open)(lua_State *L))
{
    *g = (struct guard){.limit = limit, .look = watch_look, .arg = w};
    lua_State *L = guard_open(g);
    CHECK(L != NULL);
    luaL_openlibs(L);
    open(L);
    CHECK_INT(lua_gettop(L), 0);
    return L;
}

#endif
