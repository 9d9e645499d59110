/* SPDX-License-Identifier: BSD-3-Clause */
#include "scripting/guard.h"

#include "base/mem.h"
#include "base/must.h"

enum { SCRATCH_KEPT = 64 * 1024, GARBAGE_KEPT = 4 << 20, LARGE = 1024, BYTES_PER_UNIT = 64 };

static bool may_grow(const struct guard *g, size_t more)
{
    return g->used <= g->limit && more <= g->limit - g->used;
}

static void hook(lua_State *L, lua_Debug *event);

/* The second bit says that each instruction is looked at until the script is over. */
enum { ALWAYS = LUA_MASKCOUNT | LUA_MASKLINE };

static void look_after(lua_State *L, int instructions)
{
    if (lua_gethookmask(L) != ALWAYS)
        lua_sethook(L, hook, LUA_MASKCOUNT, instructions);
}

/* A block is filled, mostly: texts that are joined cost one instruction, whatever their length. Who
 * made it look cannot be asked now, so the next instruction is stopped at. */
static void charge(struct guard *g, size_t size)
{
    g->left -= (int64_t)(size / BYTES_PER_UNIT);
    if (g->left >= 0 || !g->main)
        return;
    look_after(g->main, 1);
    look_after(g->last, 1);
}

static void *allocate(void *arg, void *p, size_t was, size_t size)
{
    struct guard *g = arg;
    if (!p)
        was = 0;
    if (size == 0) {
        if (p == g->last) /* a coroutine goes */
            g->last = g->main;
        if (p)
            mem_free_sized(p, was);
        g->used -= was;
        return NULL;
    }
    if (size > was && !may_grow(g, size - was)) {
        g->refused = true;
        return NULL;
    }
    void *now = p ? mem_try_realloc(p, size) : mem_try_alloc(size);
    if (now)
        g->used += size - was;
    if (size >= LARGE)
        charge(g, size);
    return now;
}

/* Half of what is free beyond what is held. */
static size_t half_way(const struct guard *g, size_t held)
{
    return held + (g->limit > held ? (g->limit - held) / 2 : 0);
}

/* Percentages of Lua's collector: when the next cycle begins, and how fast one goes. As built in;
 * and at once behind the last one, so fast that garbage does not fill what is free meanwhile. */
enum { PAUSE = 200, SPEED = 200, TIGHT_PAUSE = 100, TIGHT_SPEED = 400 };

static void set_pace(lua_State *L, int pause, int speed)
{
    lua_gc(L, LUA_GCSETPAUSE, pause);
    lua_gc(L, LUA_GCSETSTEPMUL, speed);
}

static void look(lua_State *L, struct guard *g)
{
    g->left = GUARD_UNITS;
    g->last = L;
    if (g->used > g->tight_at && !g->tight) {
        g->tight = true;
        set_pace(L, TIGHT_PAUSE, TIGHT_SPEED);
        lua_gc(L, LUA_GCSTEP, 0); /* the next cycle would begin far later */
    }
    if (g->look)
        g->look(L, g);
}

static void hook(lua_State *L, lua_Debug *event)
{
    (void)event;
    look_after(L, GUARD_UNITS);
    look(L, guard_of(L));
}

lua_State *guard_open(struct guard *g)
{
    must(g->limit > 0 && g->used == 0);
    g->left = GUARD_UNITS;
    g->tight_at = half_way(g, 0);
    lua_State *L = lua_newstate(allocate, g);
    g->main = g->last = L;
    if (L)
        look_after(L, GUARD_UNITS); /* coroutines inherit it */
    return L;
}

void guard_close(struct guard *g, lua_State *L)
{
    g->main = g->last = NULL;
    lua_close(L);
    must(g->used == g->scratch.cap);
    buf_free(&g->scratch);
    g->used = 0;
}

void guard_spend_slowly(lua_State *L, struct guard *g)
{
    look(L, g);
}

void guard_look_always(lua_State *L)
{
    guard_of(L)->stopping = true;
    lua_sethook(L, hook, ALWAYS, 1);
}

struct buf *guard_scratch(lua_State *L)
{
    struct guard *g = guard_of(L);
    g->scratch.len = 0;
    return &g->scratch;
}

int guard_no_memory(lua_State *L)
{
    guard_of(L)->refused = true;
    lua_pushliteral(L, "not enough memory");
    return lua_error(L);
}

char *guard_room(lua_State *L, struct buf *scratch, size_t more)
{
    struct guard *g = guard_of(L);
    must(scratch == &g->scratch);
    size_t lacks = scratch->cap - scratch->len < more ? more - (scratch->cap - scratch->len) : 0;
    if (lacks > 0) {
        size_t was = scratch->cap;
        size_t cap = lacks > was ? was + lacks : 2 * was; /* lacks fits: see the next line */
        if (!may_grow(g, lacks))
            guard_no_memory(L);
        if (cap < was || !may_grow(g, cap - was))
            cap = was + lacks + (g->limit - g->used - lacks) / 2; /* growing may copy all of it */
        guard_spend_copy(L, was);
        char *data = mem_try_realloc(scratch->data, cap);
        if (!data)
            guard_no_memory(L);
        scratch->data = data;
        scratch->cap = cap;
        g->used += cap - was;
    }
    return scratch->data + scratch->len;
}

void guard_trim(struct guard *g, lua_State *L)
{
    must(L == g->main);
    lua_sethook(L, hook, LUA_MASKCOUNT, GUARD_UNITS);
    if (g->scratch.cap > SCRATCH_KEPT) {
        g->used -= g->scratch.cap;
        buf_free(&g->scratch);
    }
    bool much = g->used > 2 * g->settled + GARBAGE_KEPT || g->used > half_way(g, g->settled);
    if (much || g->tight || g->refused) {
        set_pace(L, PAUSE, SPEED);
        lua_gc(L, LUA_GCCOLLECT, 0);
        g->settled = g->used;
        g->tight = g->refused = false;
    }
    g->tight_at = half_way(g, g->settled);
    g->stopping = false;
}
