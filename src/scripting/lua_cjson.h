/* SPDX-License-Identifier: BSD-3-Clause */
/* The library cjson of scripts: JSON to and from values of Lua, as lua-cjson 2.1.0 in Redis 7.2.
 *
 * The state is one of guard_open's. Texts and tables count towards its limit, work is told to
 * guard_spend. Nesting is limited by the settings and, whatever they say, by Lua's stack of 8000
 * values a function, which bounds the recursion in C too. Metamethods are not called.
 *
 * One thing is not as there: a table with an integer key beyond 2^31 - 1 is always an object. There
 * it may be an array that lacks that key. */
#ifndef SCRIPTING_LUA_CJSON_H
#define SCRIPTING_LUA_CJSON_H

#include "scripting/lua51.h"

void lua_cjson_open(lua_State *L); /* once: makes the global table cjson */
/* Its settings hold from one script to the next, as in Redis: the state that takes another's place
 * gets them. Not those of instances that cjson.new made. */
void lua_cjson_copy(lua_State *to, lua_State *from);

#endif
