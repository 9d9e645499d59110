/* SPDX-License-Identifier: BSD-3-Clause */
/* What a script finds when it looks around: the libraries, without what reaches out of the state
 * (files, bytecode, other functions' environments), and nothing that one script could change for
 * the next: globals and the tables of libraries are read-only (readonly.h). */
#ifndef SCRIPTING_SANDBOX_H
#define SCRIPTING_SANDBOX_H

#include "base/slice.h"
#include "scripting/lua51.h"

/* A fresh state gets its libraries. Behind it globals may be added, until it is sealed. May raise:
 * no memory. */
void sandbox_open(lua_State *L);
void sandbox_seal(lua_State *L);
/* Pushes the function of a text, or the error: luaL_loadbuffer without its bytecode, which, made
 * up, could read and write any memory. */
int sandbox_load(lua_State *L, struct slice text, const char *name);
/* Pushes the real table of a sealed state's globals, for who sets some. */
void sandbox_push_globals(lua_State *L);
/* Until sandbox_widen, scripts see these globals alone: the table on top, which is taken
 * off (libraries of functions that are being loaded). */
void sandbox_narrow(lua_State *L);
void sandbox_widen(lua_State *L); /* raises nothing: it takes no memory */
/* Reading what is not in the table on top raises an error, as with globals. */
void sandbox_strict(lua_State *L);

#endif
