/* SPDX-License-Identifier: BSD-3-Clause */
/* math.random and math.randomseed with a generator of the state's own, which gives the same numbers
 * everywhere: POSIX's lrand48, seeded as by srand48. A new state begins where a program does that
 * has never called srand48. */
#ifndef SCRIPTING_LUA_MATH_H
#define SCRIPTING_LUA_MATH_H

#include "scripting/lua51.h"

void lua_math_open(lua_State *L); /* the global table math is there */

#endif
