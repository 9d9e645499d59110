/* SPDX-License-Identifier: BSD-3-Clause */
/* Lua 5.1 as the system has it. Nobody else includes its headers. */
#ifndef SCRIPTING_LUA51_H
#define SCRIPTING_LUA51_H

#include <lua5.1/lua.h> /* before the other two */

#include <lua5.1/lauxlib.h>
#include <lua5.1/lualib.h>

#endif
