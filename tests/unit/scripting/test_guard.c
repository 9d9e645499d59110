/* SPDX-License-Identifier: BSD-3-Clause */
#include "scripting/guard.h"

#include <string.h>

#include "scripting/lua_coroutine.h"
#include "tests/unit/scripting/watched.h"

enum { LIMIT = 1 << 20 };

static lua_State *open_state(struct guard *g, struct watch *w)
{
    return watched_open(g, w, LIMIT, lua_coroutine_open);
}

static const char *run(lua_State *L, const char *text)
{
    lua_settop(L, 0);
    CHECK_INT(luaL_loadstring(L, text), 0);
    lua_pcall(L, 0, 1, 0);
    return lua_tostring(L, -1);
}

static void counts_what_is_held(void)
{
    struct watch w = {.most = 1000};
    struct guard g;
    lua_State *L = open_state(&g, &w);
    size_t before = g.used;
    CHECK(before > 1000 && before < LIMIT);
    run(L, "kept = string.rep('x', 100000)");
    CHECK(g.used > before + 100000);
    run(L, "kept = nil collectgarbage() collectgarbage()");
    CHECK(g.used < before + 10000);
    guard_close(&g, L);
    CHECK_INT(g.used, 0);
}

static void refuses_beyond_the_limit(void)
{
    struct watch w = {.most = 1000};
    struct guard g;
    lua_State *L = open_state(&g, &w);
    CHECK_STR(run(L, "local s = 'x' while true do s = s .. s end"), "not enough memory");
    CHECK(g.used <= LIMIT);
    CHECK_STR(run(L, "local t = {} while true do t[#t + 1] = {} end"), "not enough memory");
    CHECK(g.used <= LIMIT);
    guard_trim(&g, L);
    CHECK(g.used < LIMIT / 2);
    CHECK_STR(run(L, "return 'as before'"), "as before");
    guard_close(&g, L);
    /* Not even room for a state. */
    g = (struct guard){.limit = 100};
    CHECK(guard_open(&g) == NULL);
    CHECK_INT(g.used, 0);
}

static void garbage_is_no_excuse(void)
{
    struct watch w = {.most = INT32_MAX};
    struct guard g;
    lua_State *L = open_state(&g, &w);
    /* Three quarters of the limit are in use, and Lua would not collect before twice that. */
    const char *said = run(L, "kept = {} for i = 1, 70 do kept[i] = string.rep(i, 5000) end "
                              "for i = 1, 100000 do local t = {i, i, i, i} end return 'done'");
    CHECK_STR(said, "done");
    guard_close(&g, L);
}

/* What fills all memory, with what is in use or with garbage, is forgotten when it is over. */
static void full_memory_is_free_again(void)
{
    static const char *const fill[] = {
        "local t = {} for i = 1, 1e9 do t[i] = {} end",
        "local t = {} for i = 1, 1e9 do t[i] = {i} end",
        "local t = {} for i = 1, 1e9 do t[i] = tostring(i) end",
        "local s = 'x' while true do s = s .. s end",
        "local t = {} for i = 1, 5000 do t[i] = {i} end local s = ('x'):rep(100000) return 'fits'",
    };
    struct watch w = {.most = INT32_MAX};
    struct guard g;
    lua_State *L = open_state(&g, &w);
    guard_trim(&g, L);
    size_t before = g.used;
    for (size_t i = 0; i < 2 * sizeof fill / sizeof *fill; i++) {
        const char *said = run(L, fill[i / 2]);
        CHECK(strcmp(said, "not enough memory") == 0 || strcmp(said, "fits") == 0);
        lua_settop(L, 0);
        guard_trim(&g, L);
        CHECK(g.used < before + LIMIT / 8);
        CHECK_STR(run(L, "return #('x'):rep(200000) .. ''"), "200000");
    }
    guard_close(&g, L);
}

static void interrupts_what_never_ends(void)
{
    static const char *const endless[] = {
        "while true do end",
        "while true do pcall(function() while true do end end) end",
        "while true do coroutine.wrap(function() while true do end end)() end",
        "local co = coroutine.create(function() while true do coroutine.yield() end end) "
        "while true do coroutine.resume(co) end",
        "while true do pcall(coroutine.wrap(function() pcall(error) while true do end end)) end",
    };
    for (size_t i = 0; i < sizeof endless / sizeof *endless; i++) {
        struct watch w = {.most = 3};
        struct guard g;
        lua_State *L = open_state(&g, &w);
        const char *said = run(L, endless[i]);
        CHECK(strstr(said, "stopped") != NULL);
        CHECK(w.looks > 3);
        guard_close(&g, L);
    }
}

/* Few instructions, of which each copies much, in one thread of Lua's or in many. */
static void interrupts_large_texts(void)
{
    static const char *const costly[] = {
        "local s = ('x'):rep(100000) for i = 1, 100 do local t = s .. i end",
        "local s = ('x'):rep(100000) for i = 1, 100 do "
        "coroutine.wrap(function() local t = s .. i end)() end",
        "local s = ('x'):rep(100000) coroutine.wrap(function() for i = 1, 100 do local t = s .. i "
        "end end)()",
    };
    for (size_t i = 0; i < sizeof costly / sizeof *costly; i++) {
        struct watch w = {.most = 1000};
        struct guard g;
        lua_State *L = open_state(&g, &w);
        run(L, costly[i]);
        CHECK(w.looks > 20);
        guard_close(&g, L);
    }
}

static void is_quiet_again_behind_it(void)
{
    struct watch w = {.most = 3};
    struct guard g;
    lua_State *L = open_state(&g, &w);
    run(L, "while true do end");
    guard_trim(&g, L);
    w = (struct watch){.most = 1000};
    run(L, "for i = 1, 10000 do end");
    CHECK(w.looks < 10);
    guard_close(&g, L);
}

static int spend(lua_State *L)
{
    while (guard_of(L)->used > 0)
        guard_spend(L, 100);
    return 0;
}
static void interrupts_work_in_c(void)
{
    struct watch w = {.most = 3};
    struct guard g;
    lua_State *L = open_state(&g, &w);
    lua_register(L, "spend", spend);
    CHECK(strstr(run(L, "spend()"), "stopped") != NULL);
    CHECK_INT(w.looks, 4);
    guard_close(&g, L);
}

static void the_scratch_buffer_is_counted(void)
{
    struct watch w = {.most = 1000};
    struct guard g;
    lua_State *L = open_state(&g, &w);
    size_t before = g.used;
    struct buf *b = guard_scratch(L);
    for (int i = 0; i < 1000; i++)
        guard_add(L, b, "0123456789", 10);
    CHECK_INT(b->len, 10000);
    CHECK(memcmp(b->data + 9990, "0123456789", 10) == 0);
    CHECK_INT(g.used, before + b->cap);
    CHECK(b->cap < 40000);
    guard_trim(&g, L);
    CHECK_INT(g.used, before + b->cap); /* it is small */
    guard_room(L, b, 500000);
    CHECK(g.used >= before + 500000);
    guard_trim(&g, L);
    CHECK_INT(g.used, before);
    CHECK_INT(guard_scratch(L)->len, 0);
    guard_close(&g, L);
}

static int grow(lua_State *L)
{
    struct buf *b = guard_scratch(L);
    while (b->len < 2 * LIMIT)
        guard_add(L, b, "x", 1);
    return 0;
}
static int grow_at_once(lua_State *L)
{
    guard_room(L, guard_scratch(L), (size_t)lua_tonumber(L, 1));
    return 0;
}
static void the_scratch_buffer_is_limited(void)
{
    struct watch w = {.most = 1000};
    struct guard g;
    lua_State *L = open_state(&g, &w);
    lua_register(L, "grow", grow);
    lua_register(L, "grow_at_once", grow_at_once);
    CHECK(strstr(run(L, "grow()"), "not enough memory") != NULL);
    CHECK(g.used <= LIMIT && g.scratch.cap > LIMIT / 2);
    guard_trim(&g, L);
    CHECK(strstr(run(L, "grow_at_once(2^60)"), "not enough memory") != NULL);
    CHECK(strstr(run(L, "grow_at_once(2^20)"), "not enough memory") != NULL);
    CHECK(run(L, "grow_at_once(2^19)") == NULL);
    guard_close(&g, L);
}

int main(void)
{
    return UNIT_RUN(UNIT(counts_what_is_held), UNIT(refuses_beyond_the_limit),
                    UNIT(garbage_is_no_excuse),
                    UNIT(full_memory_is_free_again),
                    UNIT(interrupts_what_never_ends), UNIT(interrupts_work_in_c),
                    UNIT(interrupts_large_texts), UNIT(is_quiet_again_behind_it),
                    UNIT(the_scratch_buffer_is_counted), UNIT(the_scratch_buffer_is_limited));
}
