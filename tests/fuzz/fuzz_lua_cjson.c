/* SPDX-License-Identifier: BSD-3-Clause */
/* cjson.decode of anything, with settings chosen by the first byte; what was decoded is encoded and
 * decoded again, and must be the same but for digits that encode does not write. And any string
 * comes back as it was. */
#include <stdio.h>
#include <string.h>

#include "base/must.h"
#include "scripting/guard.h"
#include "scripting/lua_cjson.h"
#include "tests/fuzz/fuzz.h"

enum { LIMIT = 64 << 20 };

static const char script[] =
    "local function same(a, b)\n"
    "  if type(a) == 'number' then\n"
    "    return type(b) == 'number' and ('%.14g'):format(a) == ('%.14g'):format(b)\n"
    "  elseif type(a) ~= 'table' then return a == b end\n"
    "  for k, v in pairs(a) do if not same(v, b[k]) then return false end end\n"
    "  for k in pairs(b) do if a[k] == nil then return false end end\n"
    "  return true\n"
    "end\n"
    "local function is_error(text)\n"
    "  return text:find('^Expected .+ but found .+ at character %d+$')\n"
    "    or text:find('^Found too many nested data structures %(%d+%) at character %d+$')\n"
    "    or text:find('^JSON parser') or text == 'not enough memory'\n"
    "end\n"
    "return function(kind, text)\n"
    "  assert(cjson.decode(cjson.encode(text)) == text)\n"
    "  cjson.decode_invalid_numbers(kind % 2 == 0)\n"
    "  cjson.decode_max_depth(kind % 4 < 2 and 1000 or kind % 8 < 4 and 3 or 100000)\n"
    "  cjson.encode_max_depth(100000)\n"
    "  local fine, value = pcall(cjson.decode, text)\n"
    "  if not fine then return assert(is_error(value), value) end\n"
    "  local fine, out = pcall(cjson.encode, value)\n"
    "  if not fine then return assert(out:find('NaN or Inf', 1, true), out) end\n"
    "  cjson.decode_invalid_numbers(false)\n"
    "  assert(same(value, cjson.decode(out)), 'not the same')\n"
    "end\n";

static struct guard guard = {.limit = LIMIT};
static lua_State *L;

static void open_state(void)
{
    L = guard_open(&guard);
    must(L);
    luaL_openlibs(L);
    lua_cjson_open(L);
    must(luaL_dostring(L, script) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    if (!L)
        open_state();
    lua_pushvalue(L, 1);
    lua_pushinteger(L, data[0]);
    lua_pushlstring(L, (const char *)data + 1, size - 1);
    if (lua_pcall(L, 2, 0, 0) != 0) {
        const char *error = lua_tostring(L, -1);
        bool no_memory = error && strstr(error, "not enough memory");
        if (!no_memory)
            fprintf(stderr, "%s\n", error);
        must(no_memory);
    }
    must(guard.used <= LIMIT);
    lua_settop(L, 1);
    guard_trim(&guard, L);
    return 0;
}

void fuzz_seeds(void)
{
    static const char *const texts[] = {
        "\0{\"a\":1,\"b\":[true,false,null],\"c\":{\"d\":\"e\"},\"f\":-1.5e10}",
        "\0[0,-0,01,0x1F,0x1p4,inf,-Infinity,nan,1e400,5e-324,123456789012345678,.5]",
        "\1[0.1,1e5,-2E-3,100000000000000,99999999999999,12345.678901234567]",
        "\0\"\\u0041\\u00e9\\u20ac\\ud83d\\ude00\\n\\t\\b\\f\\r\\\\\\/\\\"\"",
        "\0\"\\ud83d\"",
        "\2[[[1]]]",
        "\2[[[[1]]]]",
        "\6[[[[[[[[[[[[[[[[[[[[{\"a\":{\"a\":{\"a\":[]}}}]]]]]]]]]]]]]]]]]]]]",
        "\0 [ 1 , 2 ,\t3 ]\r\n",
        "\0{\"a\" 1}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        fuzz_add(texts[i], 1 + strlen(texts[i] + 1));
    char deep[10001];
    deep[0] = 6;
    memset(deep + 1, '[', sizeof deep - 1);
    fuzz_add(deep, sizeof deep);
}
