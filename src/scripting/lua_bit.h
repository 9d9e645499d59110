/* SPDX-License-Identifier: BSD-3-Clause */
/* The library bit: operations on 32 bits, as the documentation of Lua BitOp describes them. A
 * number is rounded and cut to 32 bits; results are signed. */
#ifndef SCRIPTING_LUA_BIT_H
#define SCRIPTING_LUA_BIT_H

#include "scripting/lua51.h"

void lua_bit_open(lua_State *L); /* makes the global table bit */

#endif
