/* SPDX-License-Identifier: BSD-3-Clause */
/* The table "redis" of scripts: call, pcall, replies, log, setresp, set_repl and so on. */
#ifndef SCRIPTING_REDIS_API_H
#define SCRIPTING_REDIS_API_H

#include "scripting/lua51.h"

/* Makes the global table. */
void redis_api_open(lua_State *L);
/* Pushes a table with what a library may use while it is loaded: log and the constants. */
void redis_api_push_narrow(lua_State *L);

#endif
