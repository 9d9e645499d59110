/* SPDX-License-Identifier: BSD-3-Clause */
/* Any bytes as a sketch: nothing outside of them is read or written, what is damaged is called so
 * by all that walk it, and what is whole stays whole: after adding to it, in both encodings, the
 * registers are the same. */
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "containers/hll.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/containers/sketch.h"

static struct slice bytes_of(const struct hll_edit *e)
{
    return slice(e->bytes, e->len);
}

static struct hll_edit edit_of(struct slice s, uint64_t sparse_max)
{
    return (struct hll_edit){.bytes = mem_dup(s.data, s.len), .len = s.len, .cap = s.len,
                             .sparse_max = sparse_max};
}

static enum hll_outcome add(struct hll_edit *e, struct slice element)
{
    enum hll_outcome out;
    do
        out = hll_add(e, element);
    while (sketch_grown(e, &out));
    return out;
}

static enum hll_outcome raise_to(struct hll_edit *e, const struct hll_registers *r)
{
    enum hll_outcome out;
    unsigned next = 0;
    do
        out = hll_raise(e, r, &next);
    while (sketch_grown(e, &out));
    must(out == HLL_DAMAGED || next == HLL_REGISTERS);
    return out;
}

/* Elements are taken from the bytes themselves. */
static void add_pieces(struct hll_edit *e, struct slice from, size_t piece, bool whole)
{
    for (; from.len; from = slice_from(from, piece)) {
        struct slice element = slice(from.data, piece < from.len ? piece : from.len);
        enum hll_outcome out = add(e, element);
        must(whole ? out <= HLL_CHANGED : out != HLL_WANTS_ROOM);
        must(hll_is(bytes_of(e)));
        must(out > HLL_CHANGED || add(e, element) == HLL_SAME);
    }
}

static void try_sketch(struct slice s, struct slice elements, uint64_t sparse_max)
{
    struct hll_registers r = {{0}}, again = {{0}};
    uint64_t count, other;
    if (!hll_is(s))
        return;
    bool whole = hll_is_whole(s);
    must(hll_count(s, &count) == whole && hll_merge(&r, s) == whole);
    must(!whole || hll_count_registers(&r) == count);
    struct hll_edit e = edit_of(s, sparse_max), dense = edit_of(s, 0);
    add_pieces(&e, elements, 5, whole);
    must(hll_is_whole(bytes_of(&e)) == whole);
    if (whole) {
        if (hll_encoding(s) == HLL_SPARSE) {
            enum hll_outcome out = HLL_WANTS_DENSE;
            must(sketch_grown(&dense, &out) && hll_encoding(bytes_of(&dense)) == HLL_DENSE);
        }
        add_pieces(&dense, elements, 5, true);
        memset(&r, 0, sizeof r);
        must(hll_merge(&r, bytes_of(&e)) && hll_merge(&again, bytes_of(&dense)));
        must(memcmp(&r, &again, sizeof r) == 0);
        must(hll_count(bytes_of(&e), &count) && hll_count(bytes_of(&dense), &other));
        must(count == other && raise_to(&e, &r) == HLL_SAME && raise_to(&dense, &r) == HLL_SAME);
    }
    for (size_t i = 0; i < elements.len; i++)
        r.of[i * 37 % HLL_REGISTERS] = (uint8_t)elements.data[i] & 63;
    must(raise_to(&e, &r) <= HLL_CHANGED || !whole);
    must(hll_is_whole(bytes_of(&e)) == whole);
    mem_free(e.bytes);
    mem_free(dense.bytes);
}

/* The bytes as runs, behind a good head, and with zeros that make them whole if they can be. */
static void try_runs(struct slice runs, uint64_t sparse_max)
{
    size_t at = HLL_HEADER, sum = 0;
    struct hll_run run;
    uint8_t *bytes = mem_alloc(HLL_EMPTY_BYTES + runs.len);
    hll_init(bytes);
    if (runs.len)
        memcpy(bytes + HLL_HEADER, runs.data, runs.len);
    struct slice s = slice(bytes, HLL_HEADER + runs.len);
    try_sketch(s, runs, sparse_max);
    while (sum < HLL_REGISTERS && hll_next_run(s, &at, &run))
        sum += run.count;
    if (at >= s.len && sum < HLL_REGISTERS) {
        bytes[at] = (uint8_t)(0x40 | (HLL_REGISTERS - sum - 1) >> 8);
        bytes[at + 1] = (uint8_t)(HLL_REGISTERS - sum - 1);
        must(hll_is_whole(slice(bytes, at + 2)));
        try_sketch(slice(bytes, at + 2), runs, sparse_max);
    }
    mem_free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { WORK_MAX = 2000 }; /* the walk is quadratic */
    struct slice all = slice(data, size), some = slice(data, size < WORK_MAX ? size : WORK_MAX);
    uint64_t sparse_max = size % 3 ? 3000 : size / 2;
    uint8_t *exact = mem_dup(data, size); /* a step outside is seen */
    try_sketch(slice(exact, all.len), slice(exact, some.len < 100 ? some.len : 100), sparse_max);
    mem_free(exact);
    try_runs(some, sparse_max);
    return 0;
}

void fuzz_seeds(void)
{
    static const struct hll_registers steps = {{1, 2, 2, 2, 2, 2, 3, 0, 0, 32, 32, 1}};
    struct hll_edit e = edit_of(SLICE_LIT(""), 3000);
    e.len = e.cap = HLL_EMPTY_BYTES;
    e.bytes = mem_realloc(e.bytes, e.cap);
    hll_init(e.bytes);
    fuzz_add(e.bytes, e.len);
    must(raise_to(&e, &steps) == HLL_CHANGED);
    fuzz_add(e.bytes, e.len);
    for (unsigned char c = 0; c < 200; c++)
        add(&e, slice(&c, 1));
    fuzz_add(e.bytes, e.len);
    fuzz_add(e.bytes + HLL_HEADER, e.len - HLL_HEADER);
    uint8_t dense[HLL_DENSE_BYTES];
    must(hll_to_dense(bytes_of(&e), dense));
    fuzz_add(dense, sizeof dense);
    mem_free(e.bytes);
}
