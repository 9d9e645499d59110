/* SPDX-License-Identifier: BSD-3-Clause */
/* coroutine.create, resume and wrap anew, so that the guard knows which thread of Lua's runs: one
 * whose few instructions each do much is stopped at, too (guard.h). All else of the library is
 * stock. */
#ifndef SCRIPTING_LUA_COROUTINE_H
#define SCRIPTING_LUA_COROUTINE_H

#include "scripting/lua51.h"

void lua_coroutine_open(lua_State *L); /* the global table coroutine is there */

#endif
