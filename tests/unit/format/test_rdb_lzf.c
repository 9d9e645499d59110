/* SPDX-License-Identifier: BSD-3-Clause */
/* Our decoder against the library's, on good and on damaged input. */
#include "base/lzf.h"
#include "base/mem.h"
#include "base/rand.h"
#include "format/rdb_parts.h"
#include "tests/unit/unit.h"

enum { SIZE = 5000 };

static void compare(struct slice packed, size_t len)
{
    uint8_t *got = mem_alloc(len + RDB_LZF_SLACK), *want = mem_alloc(len);
    bool ok = rdb_unlzf(packed, got, len), good = lzf_unpack(packed.data, packed.len, want, len);
    CHECK_INT(ok, good);
    if (good)
        CHECK_SLICE(slice(got, len), slice(want, len));
    mem_free(got);
    mem_free(want);
}

static void model(void)
{
    rand_seed(unit_seed());
    for (int round = 0; round < 3000; round++) {
        char text[SIZE], packed[SIZE];
        size_t len = 5 + rand_below(rand_below(4) ? 100 : SIZE - 5);
        size_t period = 1 + rand_below(rand_below(2) ? 40 : 3000);
        for (size_t i = 0; i < len; i++) /* periods of all lengths, broken now and then */
            text[i] = i < period || rand_below(50) == 0 ? (char)rand_below(6) : text[i - period];
        size_t n = lzf_pack(text, len, packed, len - 1);
        if (!n)
            continue;
        struct slice good = slice(packed, n);
        compare(good, len);
        compare(good, len - 1);
        compare(good, len + 1);
        compare(slice(packed, rand_below(n) + 1), len);
        packed[rand_below(n)] = (char)rand_u64();
        compare(good, len);
    }
}

int main(void)
{
    return UNIT_RUN(UNIT(model));
}
