/* SPDX-License-Identifier: BSD-3-Clause */
/* What a Lua state may use: memory, which is counted and limited, and work, which is interrupted
 * from time to time by who must be asked whether it goes on.
 *
 *   struct guard g = {.limit = 64 << 20, .look = look, .arg = me};
 *   lua_State *L = guard_open(&g);
 *   ...
 *   guard_close(&g, L);
 *
 * Beyond the limit an allocation fails, and Lua raises "not enough memory". Since Lua 5.1 does not
 * collect garbage then, it is made to collect all the time, step by step, from when half of what
 * was free is used up.
 *
 * Instructions of Lua are counted by a hook, in coroutines too; what takes long inside a C function
 * of a library is counted by itself: guard_spend, where a unit is about as much as an instruction
 * (comparing or copying some bytes); a large block costs some by itself. Either way look is called
 * every GUARD_UNITS units or so; it may raise an error. */
#ifndef SCRIPTING_GUARD_H
#define SCRIPTING_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "scripting/lua51.h"

enum { GUARD_UNITS = 2000 };

struct guard;
typedef void guard_look(lua_State *L, struct guard *g);
struct guard {
    size_t used, limit;  /* bytes that the state and the scratch buffer hold, and may */
    size_t settled;      /* used, when all garbage was collected last, between scripts */
    size_t tight_at;     /* used: from here on garbage is collected all the time */
    bool tight, refused; /* it is; an allocation was refused: since guard_trim */
    bool stopping;       /* guard_look_always was called since then */
    int64_t left;        /* units until the next look of guard_spend */
    lua_State *main, *last; /* the state's first thread, and the one that was looked at last */
    guard_look *look;    /* NULL: nobody looks */
    void *arg;
    struct buf scratch;
};

lua_State *guard_open(struct guard *g); /* NULL: not within the limit */
void guard_close(struct guard *g, lua_State *L);

/* Units of work done since the last call. May not return: look raised an error. */
void guard_spend_slowly(lua_State *L, struct guard *g);
static inline struct guard *guard_of(lua_State *L)
{
    void *g;
    (void)lua_getallocf(L, &g);
    return g;
}
static inline void guard_spend(lua_State *L, size_t units)
{
    struct guard *g = guard_of(L);
    g->left -= (int64_t)units;
    if (g->left < 0)
        guard_spend_slowly(L, g);
}
/* From now on (all is to stop) look is called at each instruction of this thread of Lua's, until
 * guard_trim. */
void guard_look_always(lua_State *L);

/* For a text that a C function builds: the state's one buffer, emptied. Nobody else uses it until
 * the function returns or lets Lua code run. Grows by guard_add and guard_room only, which raise
 * "not enough memory" when it would be beyond the limit. */
struct buf *guard_scratch(lua_State *L);
char *guard_room(lua_State *L, struct buf *scratch, size_t more); /* where more bytes may be put */
/* Bytes are copied. */
static inline void guard_spend_copy(lua_State *L, size_t bytes)
{
    enum { BYTES_A_UNIT = 64 };
    if (bytes >= BYTES_A_UNIT)
        guard_spend(L, bytes / BYTES_A_UNIT);
}
static inline void guard_add(lua_State *L, struct buf *scratch, const void *data, size_t len)
{
    guard_spend_copy(L, len);
    char *to = scratch->cap - scratch->len >= len ? scratch->data + scratch->len
                                                  : guard_room(L, scratch, len);
    if (len)
        memcpy(to, data, len);
    scratch->len += len;
}
/* Raises what Lua itself raises for want of memory. */
int guard_no_memory(lua_State *L);
/* Between scripts: its memory is given back when it is much, and garbage when that is, or when
 * there was too little. */
void guard_trim(struct guard *g, lua_State *L);

#endif
