/* SPDX-License-Identifier: BSD-3-Clause */
/* string.find, match, gmatch, gfind, gsub and rep, in place of those of the stock library: what may
 * take long pays to the guard, what is built is limited by it. Results and errors are the same.
 * upper, lower, reverse and format are the stock library's, which go through their arguments once,
 * and that is paid. */
#ifndef SCRIPTING_LUA_STRING_H
#define SCRIPTING_LUA_STRING_H

#include "scripting/lua51.h"

void lua_string_open(lua_State *L); /* the global table string is there */

#endif
