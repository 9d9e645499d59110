/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "tests/unit/unit.h"
#include "tools/diff_sort.h"

/* Keys 0 .. n-1, added in an order of their own, come back ascending with their payloads. */
static void sorts(uint32_t n, size_t memory, size_t payload_bytes)
{
    struct diff_sort *s = diff_sort_new(memory);
    struct diff_record r;
    struct buf payload = {0};
    char key[4];
    for (uint32_t i = 0; i < n; i++) {
        uint32_t x = (uint32_t)((uint64_t)i * 7919 % n); /* n is no multiple of it: each once */
        store_be32(key, x);
        buf_clear(&payload);
        for (size_t k = 0; k < (x % 50 == 0 ? payload_bytes : x % 7); k++)
            buf_byte(&payload, (unsigned char)x);
        diff_sort_add(s, slice(key, sizeof key), buf_slice(&payload));
    }
    diff_sort_end(s);
    uint32_t got = 0;
    bool right = true;
    while (diff_sort_next(s, &r)) {
        right = right && load_be32(r.key.data) == got &&
                r.payload.len == (got % 50 == 0 ? payload_bytes : got % 7) &&
                (!r.payload.len || (uint8_t)r.payload.data[r.payload.len - 1] == (uint8_t)got);
        got++;
    }
    CHECK(right);
    CHECK(got == n);
    CHECK(!diff_sort_next(s, &r));
    CHECK(!fault_is(diff_sort_fault(s)));
    diff_sort_free(s);
    buf_free(&payload);
}

static void in_memory_and_through_files(void)
{
    sorts(0, 1024, 0);
    sorts(1, 1024, 10);
    sorts(1000, 1 << 20, 100);
    sorts(1000, 4096, 100);     /* some runs */
    sorts(50000, 1024, 10);     /* more runs than are merged at once */
    sorts(500, 1024, 300000);   /* records larger than the memory */
    sorts(20000, 64 << 10, 3000);
}

int main(void)
{
    return UNIT_RUN(UNIT(in_memory_and_through_files));
}
