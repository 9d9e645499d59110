/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of cjson share: the settings, which are the first upvalue of each function of an
 * instance. */
#ifndef SCRIPTING_LUA_CJSON_PARTS_H
#define SCRIPTING_LUA_CJSON_PARTS_H

#include <stdbool.h>

#include "scripting/lua51.h"

/* What encode makes of nan and inf; the order is that of the words for it. */
enum cjson_invalid { CJSON_INVALID_ERROR, CJSON_INVALID_WRITE, CJSON_INVALID_NULL };

struct cjson_settings {
    /* An array is too sparse when its length is above sparse_safe and above sparse_ratio times the
     * number of its values. Ratio 0: never. It is an object then, or an error. */
    int sparse_ratio, sparse_safe;
    int encode_depth, decode_depth; /* most tables around a value */
    int precision;                  /* digits of a number */
    enum cjson_invalid encode_invalid;
    bool sparse_convert;
    bool keep_buffer; /* only remembered: the buffer is the state's */
    bool decode_invalid; /* hexadecimal, zeros in front, inf and nan are numbers */
};

static inline struct cjson_settings *cjson_settings_of(lua_State *L)
{
    return lua_touserdata(L, lua_upvalueindex(1));
}

int cjson_encode(lua_State *L); /* (value) -> text */
int cjson_decode(lua_State *L); /* (text) -> value */

#endif
