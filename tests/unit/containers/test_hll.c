/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/rand.h"
#include "containers/hll.h"
#include "tests/unit/containers/sketch.h"
#include "tests/unit/unit.h"

struct sketch {
    struct hll_edit e;
    unsigned dense; /* times it was made dense */
};

static void start(struct sketch *s, uint64_t sparse_max)
{
    uint8_t *bytes = mem_alloc(HLL_EMPTY_BYTES);
    hll_init(bytes);
    *s = (struct sketch){
        {.bytes = bytes, .len = HLL_EMPTY_BYTES, .cap = HLL_EMPTY_BYTES, .sparse_max = sparse_max},
        0};
}

static struct slice bytes_of(const struct sketch *s)
{
    return slice(s->e.bytes, s->e.len);
}

static bool grown(struct sketch *s, enum hll_outcome *out)
{
    bool to_dense = *out == HLL_WANTS_DENSE, again = sketch_grown(&s->e, out);
    s->dense += to_dense && again;
    return again;
}

static enum hll_outcome add(struct sketch *s, struct slice element)
{
    enum hll_outcome out;
    do
        out = hll_add(&s->e, element);
    while (grown(s, &out));
    return out;
}

static enum hll_outcome add_number(struct sketch *s, int64_t n)
{
    char text[NUM_I64_TEXT];
    return add(s, slice(text, num_format_i64(text, n)));
}

/* Sets the registers, each by itself or all at once. */
static enum hll_outcome raise_to(struct sketch *s, const struct hll_registers *r, bool one_by_one)
{
    enum hll_outcome out, all = HLL_SAME;
    for (unsigned i = 0; i < HLL_REGISTERS && one_by_one; i++) {
        struct hll_registers one = {{0}};
        one.of[i] = r->of[i];
        unsigned next = 0;
        while (r->of[i] && (out = hll_raise(&s->e, &one, &next), grown(s, &out)))
            ;
        if (r->of[i] && out != HLL_SAME)
            all = out;
    }
    if (one_by_one)
        return all;
    unsigned next = 0;
    do
        out = hll_raise(&s->e, r, &next);
    while (grown(s, &out));
    return out;
}

static void drop(struct sketch *s)
{
    mem_free(s->e.bytes);
}

static const char head_sparse[] = "HYLL\1\0\0\0\0\0\0\0\0\0\0\0";

/* Bytes that redis-server 7.0.15 answered GET with. */
static void writes_known_bytes(void)
{
    struct sketch s;
    start(&s, 3000);
    CHECK_SLICE(bytes_of(&s), slice("HYLL\1\0\0\0\0\0\0\0\0\0\0\0\x7f\xff", 18));
    CHECK_INT(add(&s, SLICE_LIT("a")), HLL_CHANGED);
    CHECK_INT(add(&s, SLICE_LIT("b")), HLL_CHANGED);
    CHECK_INT(add(&s, SLICE_LIT("c")), HLL_CHANGED);
    CHECK_INT(add(&s, SLICE_LIT("b")), HLL_SAME);
    CHECK_SLICE(slice_from(bytes_of(&s), HLL_HEADER),
                slice("\x60\xf3\x80\x50\xb1\x84\x4b\xfb\x80\x42\x5a", 11));
    hll_forget(s.e.bytes);
    CHECK_SLICE(slice(s.e.bytes, HLL_HEADER), slice("HYLL\1\0\0\0\0\0\0\0\0\0\0\x80", 16));
    drop(&s);
}

static void counts_are_cached(void)
{
    struct sketch s;
    uint64_t n;
    start(&s, 3000);
    CHECK(hll_cached(bytes_of(&s), &n));
    CHECK_INT((int64_t)n, 0);
    hll_forget(s.e.bytes);
    CHECK(!hll_cached(bytes_of(&s), &n));
    hll_cache(s.e.bytes, 0x123456789abcdef);
    CHECK(hll_cached(bytes_of(&s), &n));
    CHECK_INT((int64_t)n, 0x123456789abcdef);
    CHECK(hll_count(bytes_of(&s), &n));
    CHECK_INT((int64_t)n, 0);
    drop(&s);
}

/* 1.04 / sqrt(registers) is one standard deviation; the elements are always the same. */
static void estimates_are_near(void)
{
    struct sketch s;
    uint64_t n;
    start(&s, 3000);
    for (int64_t i = 1; i <= 1000000; i++) {
        enum hll_outcome out = add_number(&s, i * 7919);
        CHECK(out == HLL_SAME || out == HLL_CHANGED);
        if (i == 1 || i == 10 || i == 100 || i == 1000 || i == 10000 || i == 100000 ||
            i == 1000000) {
            CHECK(hll_count(bytes_of(&s), &n));
            double off = (double)((int64_t)n - i) / (double)i;
            CHECK(off < 0.025 && off > -0.025);
            CHECK(i > 10 || (int64_t)n == i);
            struct hll_registers r = {{0}};
            CHECK(hll_merge(&r, bytes_of(&s)));
            CHECK_INT((int64_t)hll_count_registers(&r), (int64_t)n);
        }
    }
    CHECK_INT(s.dense, 1);
    CHECK_INT((int64_t)s.e.len, HLL_DENSE_BYTES);
    drop(&s);
}

/* Registers set in any order are those of a plain array, whatever encoding holds them; whole
 * throughout, and equal counts. */
static void registers_agree_with_an_array(void)
{
    static const uint64_t limits[] = {0, 18, 100, 3000, 1 << 20};
    rand_seed(unit_seed());
    for (size_t l = 0; l < sizeof limits / sizeof *limits; l++) {
        struct sketch s;
        struct hll_registers want = {{0}};
        start(&s, limits[l]);
        size_t span = 1 + rand_below(HLL_REGISTERS);
        for (int i = 0; i < 600; i++) {
            struct hll_registers one = {{0}}, got = {{0}};
            unsigned at = (unsigned)rand_below(span), next = 0;
            one.of[at] = (uint8_t)(1 + rand_below(rand_below(50) ? 4 : i > 400 ? 51 : 32));
            enum hll_outcome out;
            do
                out = hll_raise(&s.e, &one, &next);
            while (grown(&s, &out));
            CHECK_INT(out, one.of[at] > want.of[at] ? HLL_CHANGED : HLL_SAME);
            want.of[at] = one.of[at] > want.of[at] ? one.of[at] : want.of[at];
            CHECK(hll_is(bytes_of(&s)) && hll_is_whole(bytes_of(&s)));
            if (i % 50)
                continue;
            CHECK(hll_merge(&got, bytes_of(&s)));
            CHECK(memcmp(&got, &want, sizeof got) == 0);
            uint64_t n;
            CHECK(hll_count(bytes_of(&s), &n) && n == hll_count_registers(&want));
        }
        CHECK(hll_encoding(bytes_of(&s)) == HLL_DENSE || s.e.len <= limits[l]);
        drop(&s);
    }
}

/* A sketch that somebody made up: runs of any length, long ones next to each other. */
static void start_made_up(struct sketch *s, struct hll_registers *is)
{
    start(s, 1 << 20);
    s->e.bytes = mem_realloc(s->e.bytes, s->e.cap = 3 * HLL_REGISTERS);
    uint8_t *to = s->e.bytes + HLL_HEADER;
    unsigned zeros = (unsigned)rand_below(200), longs = (unsigned)rand_below(100);
    for (unsigned left = HLL_REGISTERS, n; left; left -= n) {
        bool is_long = rand_below(100) < longs, is_value = !is_long && rand_below(2);
        n = 1 + (unsigned)rand_below(is_value ? 4 : is_long ? 1 + zeros : 64);
        n = n < left ? n : left;
        unsigned value = is_value ? 1 + (unsigned)rand_below(32) : 0;
        memset(is->of + HLL_REGISTERS - left, (int)value, n);
        if (is_long)
            *to++ = 0x40;
        *to++ = (uint8_t)(is_value ? 0x80 | (value - 1) << 2 | (n - 1) : n - 1);
    }
    s->e.len = (size_t)(to - s->e.bytes);
}

static void finds_a_register_among_any_runs(void)
{
    rand_seed(unit_seed());
    for (int round = 0; round < 200; round++) {
        struct sketch s;
        struct hll_registers want, got = {{0}};
        start_made_up(&s, &want);
        CHECK(hll_is_whole(bytes_of(&s)));
        for (int i = 0; i < 50; i++) {
            struct hll_registers one = {{0}};
            size_t at = (size_t)rand_below(HLL_REGISTERS);
            one.of[at] = (uint8_t)(1 + rand_below(32));
            CHECK_INT(raise_to(&s, &one, false), one.of[at] > want.of[at] ? HLL_CHANGED : HLL_SAME);
            want.of[at] = one.of[at] > want.of[at] ? one.of[at] : want.of[at];
        }
        CHECK(hll_merge(&got, bytes_of(&s)) && memcmp(&got, &want, sizeof got) == 0);
        CHECK_INT(s.dense, 0);
        drop(&s);
    }
}

/* hll_raise remembers where it was: what it writes must not show that. */
static void raising_all_writes_the_same(void)
{
    rand_seed(unit_seed());
    for (int round = 0; round < 40; round++) {
        struct sketch all, each;
        struct hll_registers first = {{0}}, then = {{0}};
        unsigned density = 1 + (unsigned)rand_below(40), values = 1 + (unsigned)rand_below(3);
        for (size_t i = 0; i < HLL_REGISTERS; i++) {
            if (rand_below(200) < density)
                first.of[i] = (uint8_t)(1 + rand_below(values));
            if (rand_below(200) < density)
                then.of[i] = (uint8_t)(1 + rand_below(values + 1));
        }
        start(&all, 1 << 20);
        start(&each, 1 << 20);
        for (int step = 0; step < 2; step++) {
            const struct hll_registers *r = step ? &then : &first;
            CHECK_INT(raise_to(&each, r, true), raise_to(&all, r, false));
            CHECK_SLICE(bytes_of(&all), bytes_of(&each));
            CHECK_INT(raise_to(&all, r, false), HLL_SAME);
        }
        drop(&all);
        drop(&each);
    }
}

static void promotes_at_the_limit(void)
{
    struct sketch s;
    struct hll_registers r = {{0}};
    start(&s, HLL_EMPTY_BYTES + 3);
    r.of[5000] = 3; /* two long runs and one byte: three more */
    CHECK_INT(raise_to(&s, &r, false), HLL_CHANGED);
    CHECK_INT((int64_t)s.e.len, HLL_EMPTY_BYTES + 3);
    CHECK_INT(s.dense, 0);
    r.of[5000] = 32; /* no byte more */
    CHECK_INT(raise_to(&s, &r, false), HLL_CHANGED);
    CHECK_INT(s.dense, 0);
    r.of[5001] = 1;
    CHECK_INT(raise_to(&s, &r, false), HLL_CHANGED);
    CHECK_INT(s.dense, 1);
    drop(&s);
    start(&s, 3000);
    r.of[16383] = 33; /* more than a run can say */
    CHECK_INT(raise_to(&s, &r, false), HLL_CHANGED);
    CHECK_INT(s.dense, 1);
    struct hll_registers got = {{0}};
    CHECK(hll_merge(&got, bytes_of(&s)) && memcmp(&got, &r, sizeof got) == 0);
    drop(&s);
}

/* Neighbours of one value become one run, of at most four registers. */
static void joins_neighbours(void)
{
    struct sketch s;
    struct hll_registers r = {{0}};
    start(&s, 3000);
    for (size_t i = 0; i < 6; i++)
        r.of[i] = 2;
    raise_to(&s, &r, false);
    CHECK_SLICE(slice_from(bytes_of(&s), HLL_HEADER), slice("\x87\x85\x7f\xf9", 4));
    r.of[1] = 3;
    raise_to(&s, &r, false);
    CHECK_SLICE(slice_from(bytes_of(&s), HLL_HEADER), slice("\x84\x88\x87\x7f\xf9", 5));
    drop(&s);
}

struct damaged {
    const char *what, *runs;
    size_t len;
};

static void refuses_damage(void)
{
    static const struct damaged cases[] = {
        {"no runs", "", 0},
        {"too few registers", "\x7f\xfe", 2},
        {"too many", "\x7f\xff\x80", 3},
        {"far too many", "\x7f\xff\x7f\xff\x7f\xff", 6},
        {"a value's run over the end", "\x7f\xfd\x83", 3},
        {"half a run", "\x7f\xfe\x40", 3},
        {"half a run alone", "\x7f", 1},
    };
    uint64_t n;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t len = HLL_HEADER + cases[i].len;
        uint8_t *exact = mem_alloc(len), dense[HLL_DENSE_BYTES];
        memcpy(exact, head_sparse, HLL_HEADER);
        memcpy(exact + HLL_HEADER, cases[i].runs, cases[i].len);
        struct slice s = slice(exact, len);
        struct hll_registers r = {{0}};
        bool refused = hll_is(s) && !hll_is_whole(s) && !hll_count(s, &n) && !hll_merge(&r, s) &&
                       !hll_to_dense(s, dense);
        if (!refused)
            printf("accepted: %s\n", cases[i].what);
        CHECK(refused);
        mem_free(exact);
    }
    /* A register that no run holds. */
    uint8_t cut[HLL_HEADER + 8];
    memcpy(cut, head_sparse, HLL_HEADER);
    cut[HLL_HEADER] = 0x3f;
    struct hll_edit e = {.bytes = cut, .len = HLL_HEADER + 1, .cap = sizeof cut,
                         .sparse_max = 3000};
    struct hll_registers r = {{0}};
    unsigned next = 0;
    r.of[64] = 1;
    CHECK_INT(hll_raise(&e, &r, &next), HLL_DAMAGED);
    CHECK_INT(next, 64);
}

static void knows_a_head(void)
{
    static const struct damaged heads[] = {
        {"nothing", "", 0},
        {"cut", "HYLL\1\0\0\0\0\0\0\0\0\0\0", 15},
        {"another word", "HYLM\1\0\0\0\0\0\0\0\0\0\0\0\x7f\xff", 18},
        {"another encoding", "HYLL\2\0\0\0\0\0\0\0\0\0\0\0\x7f\xff", 18},
        {"short dense", "HYLL\0\0\0\0\0\0\0\0\0\0\0\0\x7f\xff", 18},
    };
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        CHECK(!hll_is(slice(heads[i].runs, heads[i].len)));
    uint8_t *dense = mem_zalloc(HLL_DENSE_BYTES + 1);
    memcpy(dense, "HYLL", 4);
    uint64_t n = 1;
    CHECK(hll_is(slice(dense, HLL_DENSE_BYTES)) && hll_count(slice(dense, HLL_DENSE_BYTES), &n));
    CHECK_INT((int64_t)n, 0);
    CHECK(!hll_is(slice(dense, HLL_DENSE_BYTES + 1)) && !hll_is(slice(dense, HLL_DENSE_BYTES - 1)));
    mem_free(dense);
}

int main(void)
{
    return UNIT_RUN(UNIT(writes_known_bytes), UNIT(counts_are_cached), UNIT(estimates_are_near),
                    UNIT(registers_agree_with_an_array), UNIT(finds_a_register_among_any_runs),
                    UNIT(raising_all_writes_the_same), UNIT(promotes_at_the_limit),
                    UNIT(joins_neighbours), UNIT(refuses_damage), UNIT(knows_a_head));
}
