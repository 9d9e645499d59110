/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of cmsgpack share: the first bytes of values that have no length or number in
 * them, and the functions. */
#ifndef SCRIPTING_LUA_CMSGPACK_PARTS_H
#define SCRIPTING_LUA_CMSGPACK_PARTS_H

#include "scripting/lua51.h"

enum msgpack_type {
    MSGPACK_MAP = 0x80,   /* to 0x8f: with so many pairs */
    MSGPACK_ARRAY = 0x90, /* to 0x9f: with so many elements */
    MSGPACK_STR = 0xa0,   /* to 0xbf: of so many bytes */
    MSGPACK_NIL = 0xc0,
    MSGPACK_FALSE = 0xc2,
    MSGPACK_TRUE = 0xc3,
    MSGPACK_FLOAT32 = 0xca,
    MSGPACK_FLOAT64 = 0xcb,
    MSGPACK_UINT8 = 0xcc, /* then 16, 32 and 64 bits, big endian */
    MSGPACK_UINT16 = 0xcd,
    MSGPACK_UINT32 = 0xce,
    MSGPACK_UINT64 = 0xcf,
    MSGPACK_INT8 = 0xd0,
    MSGPACK_INT16 = 0xd1,
    MSGPACK_INT32 = 0xd2,
    MSGPACK_INT64 = 0xd3,
    MSGPACK_STR8 = 0xd9, /* a length of so many bits behind it */
    MSGPACK_STR16 = 0xda,
    MSGPACK_STR32 = 0xdb,
    MSGPACK_ARRAY16 = 0xdc,
    MSGPACK_ARRAY32 = 0xdd,
    MSGPACK_MAP16 = 0xde,
    MSGPACK_MAP32 = 0xdf,
    MSGPACK_NEGATIVE = 0xe0, /* to 0xff: -32 to -1; 0 to 0x7f are themselves */
};

int cmsgpack_pack(lua_State *L);
int cmsgpack_unpack(lua_State *L);
int cmsgpack_unpack_one(lua_State *L);
int cmsgpack_unpack_limit(lua_State *L);

#endif
