/* SPDX-License-Identifier: BSD-3-Clause */
/* cmsgpack.unpack of anything, the same values one by one, and of a part chosen by the first two
 * bytes; what was unpacked is packed and unpacked again, and must be the same where it is not too
 * deep for pack. And any string comes back as it was. */
#include <stdio.h>
#include <string.h>

#include "base/must.h"
#include "scripting/guard.h"
#include "scripting/lua_cmsgpack.h"
#include "tests/fuzz/fuzz.h"

enum { LIMIT = 64 << 20 };

/* A table with tables as keys is only looked at for its number of keys. */
static const char script[] =
    "local function same(a, b, depth)\n"
    "  if a ~= a then return b ~= b end\n"
    "  if type(a) ~= 'table' then return a == b end\n"
    "  if depth == 16 then return true end\n"
    "  local keys, others = 0, 0\n"
    "  for k, v in pairs(a) do\n"
    "    keys = keys + 1\n"
    "    if type(k) ~= 'table' and depth < 15 and not same(v, b[k], depth + 1) then return false "
    "    end\n"
    "  end\n"
    "  for k in pairs(b) do others = others + 1 end\n"
    "  return depth == 15 or keys == others\n"
    "end\n"
    "local function is_error(text)\n"
    "  return text == 'Missing bytes in input.' or text == 'Bad data format in input.'\n"
    "    or text:find('^table index is ') or text:find('^stack overflow %(')\n"
    "    or text == 'not enough memory'\n"
    "end\n"
    "local function is_part_error(text)\n"
    "  return is_error(text) or text:find('^Start offset ') or text:find('^Invalid request ')\n"
    "end\n"
    "local function one_by_one(text, values)\n"
    "  local at, n, value = 0, 0\n"
    "  while at ~= -1 and #text > 0 do\n"
    "    at, value = cmsgpack.unpack_one(text, at)\n"
    "    n = n + 1\n"
    "    assert(same(value, values[n], 0), 'not the same alone')\n"
    "  end\n"
    "  assert(n == values.n)\n"
    "end\n"
    "local function pack_and_unpack(value) return cmsgpack.unpack(cmsgpack.pack(value)) end\n"
    "local function list(fine, ...) return fine, {n = select('#', ...), ...} end\n"
    "return function(limit, offset, text)\n"
    "  assert(cmsgpack.unpack(cmsgpack.pack(text)) == text)\n"
    "  local fine, error = pcall(cmsgpack.unpack_limit, text, limit, offset)\n"
    "  assert(fine or is_part_error(error), error)\n"
    "  local fine, values = list(pcall(cmsgpack.unpack, text))\n"
    "  if not fine then return assert(is_error(values[1]), values[1]) end\n"
    "  one_by_one(text, values)\n"
    "  for i = 1, values.n do\n"
    "    local fine, again = pcall(pack_and_unpack, values[i])\n"
    "    if not fine then return assert(again:find('table index is nil', 1, true), again) end\n"
    "    assert(same(values[i], again, 0), 'not the same')\n"
    "  end\n"
    "end\n";

static struct guard guard = {.limit = LIMIT};
static lua_State *L;

static void open_state(void)
{
    L = guard_open(&guard);
    must(L);
    luaL_openlibs(L);
    lua_cmsgpack_open(L);
    must(luaL_dostring(L, script) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    if (!L)
        open_state();
    lua_pushvalue(L, 1);
    lua_pushinteger(L, (int8_t)data[0]);
    lua_pushinteger(L, (int8_t)data[1]);
    lua_pushlstring(L, (const char *)data + 2, size - 2);
    if (lua_pcall(L, 3, 0, 0) != 0) {
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
#define SEED(text) fuzz_add(text, sizeof text - 1)
    SEED("\0\0\xc0\xc2\xc3\x00\x7f\xe0\xff");
    SEED("\2\0\xcc\xff\xcd\xff\xff\xce\xff\xff\xff\xff\xcf\0\0\0\1\0\0\0\0");
    SEED("\0\2\xd0\x80\xd1\x80\x00\xd2\x80\0\0\0\xd3\x80\0\0\0\0\0\0\0");
    SEED("\1\1\xca\x3f\xc0\0\0\xcb\x3f\xb9\x99\x99\x99\x99\x99\x9a\xcb\x7f\xf8\0\0\0\0\0\0");
    SEED("\0\0\xa1" "a\xd9\1b\xda\0\1c\xdb\0\0\0\1d\xdb\xff\xff\xff\xff");
    SEED("\xff\0\x93\1\xc0\3\xdc\0\2\1\2\xdd\0\0\0\1\xa1x\xdd\xff\xff\xff\xff\1");
    SEED("\3\xff\x82\1\2\xa1k\x91\1\xde\0\1\x90\1\xdf\0\0\0\1\xc3\x80\xdf\xff\xff\xff\xff\1");
    SEED("\0\0\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\1");
    SEED("\0\0\x81\x81\x81\1\2\3\4");
#undef SEED
    char deep[10000];
    memset(deep, '\x91', sizeof deep);
    fuzz_add(deep, sizeof deep);
    memset(deep, '\x81', sizeof deep);
    fuzz_add(deep, sizeof deep);
}
