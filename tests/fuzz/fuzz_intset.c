/* SPDX-License-Identifier: BSD-3-Clause */
/* intset_validate on anything; what it accepts must hold what it shows, and rebuild. */
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/must.h"
#include "containers/intset.h"
#include "tests/fuzz/fuzz.h"

static void walk(const uint8_t *is)
{
    size_t count = intset_count(is);
    uint8_t *copy = intset_new();
    bool changed;
    for (size_t i = count; i-- > 0;) {
        int64_t n = intset_get(is, i);
        must(intset_has(is, n));
        copy = intset_add(copy, n, &changed);
        must(changed);
        copy = intset_add(copy, n, &changed);
        must(!changed);
    }
    must(intset_count(copy) == count && intset_bytes(copy) <= intset_bytes(is));
    const char *why;
    must(intset_validate(slice(copy, intset_bytes(copy)), &why));
    for (size_t i = 0; i < count; i++) {
        must(intset_get(copy, 0) == intset_get(is, i));
        copy = intset_remove(copy, intset_get(is, i), &changed);
        must(changed && !intset_has(copy, intset_get(is, i)));
    }
    mem_free(copy);
}

static void try_blob(struct slice blob)
{
    const char *why = NULL;
    if (blob.len > 20000) /* the walk is quadratic */
        blob.len = 20000;
    if (intset_validate(blob, &why))
        walk((const uint8_t *)blob.data);
    else
        must(why && strncmp(why, "intset: ", 8) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    try_blob(slice(data, size));
    if (size < 9)
        return 0;
    uint8_t *framed = mem_dup(data, size);
    for (uint32_t width = 2; width <= 8; width *= 2) {
        store_le32(framed, width);
        store_le32(framed + 4, (uint32_t)(size - 8) / width);
        try_blob(slice(framed, size - (size - 8) % width));
    }
    mem_free(framed);
    return 0;
}

void fuzz_seeds(void)
{
    static const int64_t numbers[] = {1,      2,         300,       -5,       70000,
                                      -70000, 1ll << 40, INT64_MIN, INT64_MAX};
    uint8_t *is = intset_new();
    fuzz_add(is, intset_bytes(is));
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        is = intset_add(is, numbers[i], NULL);
        fuzz_add(is, intset_bytes(is));
    }
    mem_free(is);
}
