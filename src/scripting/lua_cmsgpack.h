/* SPDX-License-Identifier: BSD-3-Clause */
/* The library cmsgpack of scripts: MessagePack to and from values of Lua, as lua-cmsgpack 0.4.0.
 *
 *   pack(value, ...)                    one text of all of them
 *   unpack(text)                        all values in it
 *   unpack_one(text, offset)            where the next begins, or -1 at the end, and one value
 *   unpack_limit(text, limit, offset)   the same of up to limit values
 *
 * The state is one of guard_open's. Texts and tables count towards its limit, work is told to
 * guard_spend. Of bytes that a header promises none is believed in before it is there. Tables are
 * packed 16 deep, deeper ones as nil; they are unpacked as deep as Lua's stack of 8000 values a
 * function allows, which bounds the recursion in C too. Metamethods are not called. */
#ifndef SCRIPTING_LUA_CMSGPACK_H
#define SCRIPTING_LUA_CMSGPACK_H

#include "scripting/lua51.h"

void lua_cmsgpack_open(lua_State *L); /* makes the global table cmsgpack */

#endif
