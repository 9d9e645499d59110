/* SPDX-License-Identifier: BSD-3-Clause */
/* Input: a program of reads over the rest of the bytes; the callback stream and the memory stream
 * must agree on everything. */
#include <stdlib.h>

#include "base/must.h"
#include "format/in.h"
#include "tests/fuzz/fuzz.h"

struct pieces {
    struct slice left;
    size_t step;
};

static ssize_t read_piece(void *arg, void *to, size_t n)
{
    struct pieces *p = arg;
    n = n < p->step ? n : p->step;
    n = n < p->left.len ? n : p->left.len;
    memcpy(to, p->left.data, n);
    p->left = slice_from(p->left, n);
    return (ssize_t)n;
}

static void one_read(struct in *a, struct in *b, uint8_t what, uint64_t n, struct buf *hold)
{
    char x[4096], y[4096];
    switch (what % 7) {
    case 0:
        must(in_byte(a) == in_byte(b));
        break;
    case 1:
        must(in_be64(a) == in_be64(b));
        break;
    case 2: {
        struct slice s = in_slice(a, n, &hold[0]), t = in_slice(b, n, &hold[1]);
        must(slice_eq(s, t));
        break;
    }
    case 3:
        must(in_skip(a, n) == in_skip(b, n));
        break;
    case 4:
        n %= sizeof x;
        must(in_bytes(a, x, n) == in_bytes(b, y, n));
        must(memcmp(x, y, n) == 0);
        break;
    case 5:
        must(slice_eq(in_hold(a, n), in_hold(b, n)));
        break;
    default:
        must(slice_eq(in_peek(a, n % 1024), in_peek(b, n % 1024)));
        break;
    }
    must(in_bad(a) == in_bad(b));
    must(in_bad(a) || in_offset(a) == in_offset(b));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { STEPS = 32 };
    struct in a, b;
    struct buf hold[2] = {{0}, {0}};
    if (size < 2 * STEPS + 2)
        return 0;
    struct slice rest = slice(data + 2 * STEPS + 2, size - 2 * STEPS - 2);
    struct pieces p = {.left = rest, .step = 1 + data[0]};
    in_init_memory(&a, rest);
    in_init_callback(&b, read_piece, &p, data[1] % 2 ? rest.len : IN_SIZE_UNKNOWN, 1);
    in_crc_start(&a);
    in_crc_start(&b);
    for (int i = 0; i < STEPS; i++) {
        uint8_t amount = data[3 + 2 * i];
        uint64_t n = amount == 255 ? UINT64_MAX : (uint64_t)amount * amount;
        one_read(&a, &b, data[2 + 2 * i], n, hold);
    }
    must(in_bad(&a) || in_crc(&a) == in_crc(&b));
    in_free(&b);
    buf_free(&hold[0]);
    buf_free(&hold[1]);
    return 0;
}

void fuzz_seeds(void)
{
    uint8_t bytes[6000];
    for (int seed = 0; seed < 20; seed++) {
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = (uint8_t)((i * 31 + (size_t)seed * 77) * 2654435761u >> 9);
        fuzz_add(bytes, sizeof bytes);
    }
}
