/* SPDX-License-Identifier: BSD-3-Clause */
/* Those functions of table whose work is not bounded by the size of their arguments or is more than
 * linear in it, in place of the stock library's: insert, remove, sort, concat, foreach, foreachi. A
 * table's length may be far beyond what it holds (#t is any of its borders), so each step pays to
 * the guard. Results and errors are the same; sort makes at most some n log n comparisons, whatever
 * they answer, and orders equal elements as the stock one does while that is so. */
#ifndef SCRIPTING_LUA_TABLE_H
#define SCRIPTING_LUA_TABLE_H

#include "scripting/lua51.h"

void lua_table_open(lua_State *L); /* the global table table is there */

#endif
