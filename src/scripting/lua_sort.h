/* SPDX-License-Identifier: BSD-3-Clause */
/* Sorts an array of Lua's, for table.sort. */
#ifndef SCRIPTING_LUA_SORT_H
#define SCRIPTING_LUA_SORT_H

#include "scripting/lua51.h"

/* The elements 1 to n of the table at 1, by the function at 2 (nil: by Lua's <), which may raise,
 * answer anything and change the table: only these elements are written, and 0 and n + 1 read at
 * most. Raises "invalid order function for sorting" when the answers make no sense and that is
 * noticed. Not stable. At most about 5 n log2 n comparisons, each paid to the guard. */
void lua_sort(lua_State *L, int n);

#endif
