/* SPDX-License-Identifier: BSD-3-Clause */
/* The library struct: values to bytes and back by a format, a text of
 *
 *   < > ! !n   little or big endian from here on; aligned to n at most (a power of two; 8; at the
 *              start 1, so not at all)
 *   b h l T    integers of 1, 2, 8 and 8 bytes: small letters are signed, B H L and T are not
 *   i I in In  integers of 4 or n bytes, up to 32
 *   f d        float, double
 *   x          a zero byte, without a value
 *   s          a string and a zero byte
 *   c cn c0    1 or n bytes of a string; c0: all of it, or as many as the value before, which it
 *              takes the place of, says
 *
 *   struct.pack(format, values ...)          the bytes
 *   struct.unpack(format, bytes, [start])    the values, and where the next one would begin
 *   struct.size(format)                      of the bytes
 *
 * Native order and alignment are those of x86-64 everywhere. */
#ifndef SCRIPTING_LUA_STRUCT_H
#define SCRIPTING_LUA_STRUCT_H

#include "scripting/lua51.h"

void lua_struct_open(lua_State *L); /* makes the global table struct */

#endif
