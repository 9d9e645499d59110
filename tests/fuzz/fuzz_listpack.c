/* SPDX-License-Identifier: BSD-3-Clause */
/* lp_validate on anything; what it accepts must walk both ways to the same elements, be found, and
 * stay valid when it is copied element by element, edited and merged. */
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/must.h"
#include "containers/listpack.h"
#include "tests/fuzz/fuzz.h"

static void must_be_valid(const uint8_t *lp, size_t count)
{
    const char *why;
    size_t seen;
    must(lp_validate(lp_blob(lp), &seen, &why));
    must(seen == count && lp_count(lp) == count);
}

static void walk(const uint8_t *lp, size_t count)
{
    char scratch[NUM_I64_TEXT], again[NUM_I64_TEXT];
    uint8_t *copy = lp_new();
    size_t seen = 0, last = 0;
    for (size_t at = lp_first(lp); at; at = lp_next(lp, at), seen++) {
        must(lp_prev(lp, at) == last);
        last = at;
        struct slice text = lp_get(lp, at, scratch);
        must(lp_equal(lp, at, text));
        must(lp_find(lp, at, text, 0) == at);
        if (seen < 64) {
            must(lp_at(lp, (long)seen) == at);
            must(lp_at(lp, (long)seen - (long)count) == at);
        }
        copy = lp_append(copy, text);
        must(slice_eq(lp_get(copy, lp_last(copy), again), text));
    }
    must(seen == count && last == lp_last(lp));
    must(lp_at(lp, (long)count) == 0 && lp_at(lp, -(long)count - 1) == 0);
    must_be_valid(copy, count);
    mem_free(copy);
}

static void edit(struct slice blob, size_t count)
{
    uint8_t *lp = mem_dup(blob.data, blob.len);
    lp = lp_merge(lp, (const uint8_t *)blob.data);
    must_be_valid(lp, 2 * count);
    lp = lp_prepend(lp, SLICE_LIT("first"));
    lp = lp_replace_int(lp, lp_last(lp), -70000);
    must_be_valid(lp, 2 * count + 1);
    lp = lp_delete(lp, lp_at(lp, (long)count), count + 1);
    must_be_valid(lp, count);
    lp = lp_shrink(lp);
    mem_free(lp);
}

static void try_blob(struct slice blob)
{
    const char *why = NULL;
    size_t count;
    if (!lp_validate(blob, &count, &why)) {
        must(why && strncmp(why, "listpack: ", 10) == 0);
        return;
    }
    walk((const uint8_t *)blob.data, count);
    edit(blob, count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    try_blob(slice(data, size));
    if (size < LP_EMPTY_BYTES)
        return 0;
    /* Few mutations hit the frame as well: put it right and look again. */
    uint8_t *framed = mem_dup(data, size);
    store_le32(framed, (uint32_t)size);
    store_le16(framed + 4, 65535);
    framed[size - 1] = 0xff;
    try_blob(slice(framed, size));
    mem_free(framed);
    return 0;
}

void fuzz_seeds(void)
{
    static const uint8_t stream[] =
        "\x2c\0\0\0\x11\0\1\1\1\1\1\1\x81"
        "a\2\0\1\3\1\0\1\0\1\1\1\4\1\0\1\2\1\xdf\xff\2\1\1\x81"
        "b\2\x16\1\6\1\xff";
    fuzz_add(stream, sizeof stream - 1);
    uint8_t *lp = lp_new();
    fuzz_add(lp, lp_bytes(lp));
    static char text[5000];
    memset(text, 'x', sizeof text);
    static const int64_t ints[] = {0, 127, 128, -1, -4096, 4096, 40000, -9000000, 1ll << 40};
    static const size_t sizes[] = {0, 1, 63, 64, 125, 127, 4095, 4096, 5000};
    for (size_t i = 0; i < 9; i++) {
        lp = lp_append_int(lp, ints[i]);
        fuzz_add(lp, lp_bytes(lp));
        lp = lp_append(lp, slice(text, sizes[i]));
        fuzz_add(lp, lp_bytes(lp));
    }
    mem_free(lp);
}
