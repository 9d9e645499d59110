/* SPDX-License-Identifier: BSD-3-Clause */
/* Tables that scripts can read and not change. Lua 5.1 has none: a script gets an empty table in
 * place of the real one, whose metatable looks things up there and refuses what is written. What
 * would go past a metatable (next, pairs, rawget, rawset, setmetatable, getmetatable) is replaced
 * by functions that know such tables; library functions that write by themselves ask
 * readonly_refuse. There is no way from the one table to the other for a script. */
#ifndef SCRIPTING_READONLY_H
#define SCRIPTING_READONLY_H

#include <stdbool.h>

#include "scripting/lua51.h"

/* Replaces those functions among the globals. Once, behind the base library. */
void readonly_open(lua_State *L);
/* The table on top of the stack is replaced by its read-only face; the real one may be changed on.
 * shown: what getmetatable gives for it, on top of the table, is taken off too (nil: nothing). */
void readonly_make(lua_State *L);
/* The metatable of strings is shown read-only. Once: strings' __index must be a face by then, or
 * is made one for who asks. */
void readonly_show_string_metatable(lua_State *L);
/* The face at index shows another real table from now on: the one on top, which is taken off. */
void readonly_turn(lua_State *L, int index);
/* The face at index is replaced by the real table, for who only walks it; another table stays. */
void readonly_open_face(lua_State *L, int index);
/* Raises "Attempt to modify a readonly table" when it is one. Cheap for a table without a
 * metatable. */
void readonly_refuse(lua_State *L, int index);

#endif
