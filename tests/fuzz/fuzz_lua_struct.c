/* SPDX-License-Identifier: BSD-3-Clause */
/* Any format over any bytes: nothing outside of them is read, and what was unpacked packs again,
 * into as many bytes as struct.size says, which unpack to the same values. Any format over values
 * of all kinds: packed or refused.
 *
 * Input: the length of the format, where unpacking begins, the format, the bytes. */
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/slice.h"
#include "scripting/guard.h"
#include "scripting/lua_struct.h"
#include "tests/fuzz/fuzz.h"

enum { MEMORY_MAX = 4 << 20 };

static const char functions[] =
    "local format, bytes, start, again = ... "
    "pcall(struct.pack, format, 1, -1, '3', bytes, 0/0, 2^31, bytes, -1e300, 'x', 1/0, bytes, {}) "
    "pcall(struct.pack, format, bytes, bytes, bytes, bytes, bytes, bytes) "
    "pcall(struct.unpack, format, bytes, start) "
    "pcall(struct.unpack, format, bytes, -start) "
    "pcall(struct.unpack, format, bytes, start * 2^55) "
    "local sized, size = pcall(struct.size, format) "
    "local values = {pcall(struct.unpack, format, bytes)} "
    "if not values[1] or not again then return end "
    "local after = values[#values] "
    "assert(after >= 1 and after <= #bytes + 1) "
    "local packed = struct.pack(format, unpack(values, 2, #values - 1)) "
    "assert(#packed == after - 1) "
    "if sized then assert(size == #packed) end "
    "local back = {struct.unpack(format, packed)} "
    "assert(#back == #values - 1 and back[#back] == after) "
    "assert(struct.pack(format, unpack(back, 1, #back - 1)) == packed) ";

/* Not so with c0, which takes its length from the value before, and with integers of more than 8
 * bytes, which are cut. */
static bool comes_back(struct slice format)
{
    for (size_t i = 0; i < format.len && format.data[i]; i++) {
        char letter = format.data[i];
        char digits[12] = "";
        size_t n = 0;
        while (n < sizeof digits - 1 && i + 1 + n < format.len &&
               strchr("0123456789", format.data[i + 1 + n]) && format.data[i + 1 + n]) {
            digits[n] = format.data[i + 1 + n];
            n++;
        }
        unsigned long size = strtoul(digits, NULL, 10);
        if (n > 0 && ((letter == 'c' && size == 0) || (strchr("iI", letter) && size > 8)))
            return false;
        if (n == sizeof digits - 1)
            return false;
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct guard g = {.limit = MEMORY_MAX};
    static lua_State *L;
    if (size < 2)
        return 0;
    if (!L) {
        must((L = guard_open(&g)) != NULL);
        luaL_openlibs(L);
        lua_struct_open(L);
        must(luaL_loadstring(L, functions) == 0);
    }
    struct slice bytes = slice(data + 2, size - 2), format = bytes;
    format.len = data[0] < bytes.len ? data[0] : bytes.len;
    bytes = slice_from(bytes, format.len);
    guard_trim(&g, L);
    lua_settop(L, 1);
    lua_pushvalue(L, 1);
    lua_pushlstring(L, format.data, format.len);
    lua_pushlstring(L, bytes.data, bytes.len);
    lua_pushinteger(L, data[1]);
    lua_pushboolean(L, comes_back(format));
    must(lua_pcall(L, 4, 0, 0) == 0);
    must(g.used <= g.limit);
    return 0;
}

void fuzz_seeds(void)
{
    static const struct slice seeds[] = {
        SLICE_LIT("\x0a\1bBhHlLiIfd........................................................."),
        SLICE_LIT("\x10\2<!8b>i3I7c3 xs!2\1\2\3\4\5\6\7abcdefghijklmn\0abc\0defghijkl"),
        SLICE_LIT("\x06\1Bc0sBs\3abctext\0\1rest\0"),
        SLICE_LIT("\x12\1!16i16>I32c10xx T.................................................."
                  "........................................."),
        SLICE_LIT("\x0c\1c2147483647x"),
        SLICE_LIT("\x0c\3i4294967295b"),
        SLICE_LIT("\x05\1!4bdf"),
    };
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++)
        fuzz_add(seeds[i].data, seeds[i].len);
}
