/* SPDX-License-Identifier: BSD-3-Clause */
#include "scripting/lua_cmsgpack.h"

#include <stddef.h>

#include "scripting/lua_cmsgpack_parts.h"

void lua_cmsgpack_open(lua_State *L)
{
    static const luaL_Reg functions[] = {{"pack", cmsgpack_pack},
                                         {"unpack", cmsgpack_unpack},
                                         {"unpack_one", cmsgpack_unpack_one},
                                         {"unpack_limit", cmsgpack_unpack_limit}};
    static const char *const texts[][2] = {
        {"_NAME", "cmsgpack"},
        {"_VERSION", "lua-cmsgpack 0.4.0"},
        {"_COPYRIGHT", "Copyright (C) 2012, Salvatore Sanfilippo"},
        {"_DESCRIPTION", "MessagePack C implementation for Lua"}};
    lua_newtable(L);
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        lua_pushcfunction(L, functions[i].func);
        lua_setfield(L, -2, functions[i].name);
    }
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        lua_pushstring(L, texts[i][1]);
        lua_setfield(L, -2, texts[i][0]);
    }
    lua_setglobal(L, "cmsgpack");
}
