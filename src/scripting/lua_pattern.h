/* SPDX-License-Identifier: BSD-3-Clause */
/* Patterns of Lua 5.1, as its manual describes them, and %f: matched without recursion, the work
 * paid to the guard.
 *
 *   struct lua_pattern m;
 *   const char *s = subject.data;
 *   lua_pattern_begin(&m, L, subject, pattern);
 *   const char *e = lua_pattern_search(&m, &s, false);
 *   if (e)
 *       lua_pattern_push_all(&m, s, e);
 *
 * Subject and pattern are owned by Lua, which keeps a NUL behind them, and must stay on its stack.
 * A pattern ends at its first NUL. What is wrong in it raises an error when a match gets there, not
 * before. Cost: exponential in the number of repetitions at worst, so a search may end in an error
 * that the guard's look raises. */
#ifndef SCRIPTING_LUA_PATTERN_H
#define SCRIPTING_LUA_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"
#include "scripting/lua51.h"

enum { PATTERN_CAPTURES = 32, PATTERN_CHOICES = 32 };

struct pattern_capture {
    const char *at;
    ptrdiff_t len; /* or one of the two below */
};
enum { CAPTURE_OPEN = -1, CAPTURE_POSITION = -2 };

/* Where a match goes on when what was tried first has failed. */
struct pattern_choice {
    enum { CHOICE_SHORTER, CHOICE_LONGER, CHOICE_WITHOUT, CHOICE_UNOPEN, CHOICE_UNCLOSE } kind;
    union {
        int capture; /* which is not closed after all */
        int next;    /* the byte that must come then, or -1 */
    };
    const char *p, *s, *bound; /* pattern, subject; the shortest end, or that of the item */
};

struct lua_pattern {
    lua_State *L;
    const char *subject, *end;
    const char *text;
    const char *first, *first_end; /* the item that a match begins with, or NULL */
    bool first_known;
    size_t work; /* not yet paid */
    int level;   /* captures begun */
    struct pattern_capture captures[PATTERN_CAPTURES];
    struct pattern_choice *choices; /* few, or a userdata on the stack */
    size_t choices_max;
    struct pattern_choice few[PATTERN_CHOICES];
};

/* Without the anchor. May leave one value on the stack, which must stay while m is used. */
void lua_pattern_begin(struct lua_pattern *m, lua_State *L, struct slice subject,
                       struct slice text);
/* The end of the first match that begins at *s or, unless anchored, behind it; *s: its begin. NULL:
 * there is none. */
const char *lua_pattern_search(struct lua_pattern *m, const char **s, bool anchored);
/* Pushes the capture i (from 0; without captures in the pattern, 0 is the match from s to e). */
void lua_pattern_push(const struct lua_pattern *m, int i, const char *s, const char *e);
/* Pushes all captures, or the match when there are none and s is not NULL; their number. */
int lua_pattern_push_all(const struct lua_pattern *m, const char *s, const char *e);

#endif
