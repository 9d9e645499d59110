/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/val_list.h"

#include "base/mem.h"
#include "base/rand.h"
#include "containers/listpack.h"
#include "store/value.h"
#include "tests/unit/unit.h"

enum { ITEMS = 600, LONGEST = 9000 };

/* Elements are a kind and a number of repetitions, so that equal ones are frequent. */
struct model {
    uint16_t items[ITEMS];
    size_t count;
};

/* Numbers, short texts, and now and then one that is larger than a node. */
static struct slice text_of(char out[LONGEST], uint16_t kind)
{
    if (kind % 4 == 0)
        return slice(out, num_format_i64(out, (int64_t)kind * kind * 1000 - 5000));
    size_t len = kind % 23 == 22 ? 8500 : kind * 7u % 60;
    memset(out, 'a' + kind % 26, len);
    return slice(out, len);
}

static uint16_t random_kind(void)
{
    return (uint16_t)rand_below(24);
}

static void model_insert(struct model *m, size_t at, uint16_t kind)
{
    memmove(m->items + at + 1, m->items + at, (m->count++ - at) * sizeof *m->items);
    m->items[at] = kind;
}

static void model_delete(struct model *m, size_t at, size_t count)
{
    m->count -= count;
    memmove(m->items + at, m->items + at + count, (m->count - at) * sizeof *m->items);
}

/* Different kinds may make the same text. */
static bool same(uint16_t a, uint16_t b)
{
    char x[LONGEST], y[LONGEST];
    return a == b || slice_eq(text_of(x, a), text_of(y, b));
}

static size_t model_find(const struct model *m, uint16_t kind)
{
    size_t at = 0;
    while (at < m->count && !same(m->items[at], kind))
        at++;
    return at;
}

static size_t model_remove(struct model *m, uint16_t kind, size_t most, bool from_tail)
{
    size_t removed = 0;
    for (size_t seen = m->count, at = from_tail ? m->count - 1 : 0;
         seen-- && (!most || removed < most);) {
        bool equal = same(m->items[at], kind);
        if (equal)
            model_delete(m, at, 1);
        removed += equal;
        if (from_tail)
            at--;
        else
            at += !equal;
    }
    return removed;
}

static void check_walk(const struct val *v, const struct model *m, long from, bool forward)
{
    struct list_iter it;
    struct slice text;
    char want[LONGEST];
    size_t n = (size_t)(from < 0 ? from + (long)m->count : from), steps = 0;
    for (list_iter_init(&it, v, from, forward); list_iter_next(&it, &text); steps++) {
        CHECK(n < m->count);
        CHECK_SLICE(text, text_of(want, m->items[n]));
        n += forward ? 1 : (size_t)-1;
    }
    list_iter_end(&it);
    if (m->count)
        CHECK_INT(n, forward ? m->count : (size_t)-1);
    else
        CHECK_INT(steps, 0);
}

static void check_whole(const struct val *v, const struct model *m)
{
    CHECK_INT(list_count(v), m->count);
    check_walk(v, m, 0, true);
    check_walk(v, m, -1, false);
    if (m->count) {
        char want[LONGEST], scratch[NUM_I64_TEXT];
        long at = (long)rand_below(m->count);
        struct slice text;
        check_walk(v, m, at, rand_below(2));
        CHECK(list_get(v, at, &text, scratch));
        CHECK_SLICE(text, text_of(want, m->items[at]));
        CHECK(list_get(v, at - (long)m->count, &text, scratch));
        CHECK_SLICE(text, text_of(want, m->items[at]));
        CHECK(!list_get(v, (long)m->count, &text, scratch));
        CHECK(!list_get(v, -(long)m->count - 1, &text, scratch));
    }
    CHECK(list_ops.memory(v, 0) > 0);
}

static void push(struct val *v, struct model *m, const struct value_limits *limits)
{
    char text[LONGEST];
    bool tail = rand_below(2);
    uint16_t kind = random_kind();
    if (m->count == ITEMS - 1)
        return;
    list_push(v, text_of(text, kind), tail, limits);
    model_insert(m, tail ? m->count : 0, kind);
}

static void pop(struct val *v, struct model *m, const struct value_limits *limits)
{
    struct buf out = {0};
    char want[LONGEST];
    bool tail = rand_below(2);
    CHECK_INT(list_pop(v, tail, &out, limits), m->count > 0);
    if (m->count) {
        size_t at = tail ? m->count - 1 : 0;
        CHECK_SLICE(buf_slice(&out), text_of(want, m->items[at]));
        model_delete(m, at, 1);
    }
    buf_free(&out);
}

static void change(struct val *v, struct model *m, const struct value_limits *limits)
{
    char text[LONGEST], other[LONGEST];
    uint16_t kind = random_kind(), pivot = random_kind();
    struct slice s = text_of(text, kind);
    size_t at;
    if (m->count == ITEMS - 1)
        return;
    if (rand_below(2)) {
        bool after = rand_below(2);
        at = model_find(m, pivot);
        CHECK_INT(list_insert(v, text_of(other, pivot), s, after, limits), at < m->count);
        if (at < m->count)
            model_insert(m, at + after, kind);
        return;
    }
    at = rand_below(m->count + 1);
    long index = rand_below(2) ? (long)at : (long)at - (long)m->count;
    bool inside = index < (long)m->count && index >= -(long)m->count;
    CHECK_INT(list_set(v, index, s, limits), inside);
    if (inside)
        m->items[index < 0 ? index + (long)m->count : index] = kind;
}

static void cut(struct val *v, struct model *m, const struct value_limits *limits)
{
    char text[LONGEST];
    if (rand_below(2)) {
        uint16_t kind = random_kind();
        size_t most = rand_below(3);
        bool from_tail = rand_below(2);
        size_t want = model_remove(m, kind, most, from_tail);
        CHECK_INT(list_remove(v, text_of(text, kind), most, from_tail, limits), want);
    } else if (m->count) {
        size_t start = rand_below(m->count), left = m->count - start;
        size_t count = rand_below((left < 20 ? left : 20) + 1);
        list_delete_range(v, start, count, limits);
        model_delete(m, start, count);
    }
}

static void run_model(const struct value_limits *limits)
{
    struct model *m = mem_zalloc(sizeof *m);
    struct val v = list_new();
    for (int i = 0; i < 1200; i++) {
        unsigned growing = i / 200 % 2 == 0 ? 6 : 3, what = (unsigned)rand_below(10);
        if (what < growing)
            push(&v, m, limits);
        else if (what < 7)
            pop(&v, m, limits);
        else if (what < 9)
            change(&v, m, limits);
        else
            cut(&v, m, limits);
        CHECK_INT(list_count(&v), m->count);
        if (i % 20 == 0)
            check_whole(&v, m);
    }
    struct val copy = val_copy(v);
    CHECK_INT(copy.encoding, v.encoding);
    val_free(v);
    check_whole(&copy, m);
    list_delete_range(&copy, 0, list_count(&copy), limits);
    CHECK_INT(list_count(&copy), 0);
    val_free(copy);
    mem_free(m);
}

static void agrees_with_a_model(void)
{
    static const int64_t sizes[] = {-1, -2, 1, 4, 16, 128};
    rand_seed(unit_seed());
    for (int round = 0; round < 24; round++) {
        struct value_limits limits = {.list_listpack_size = sizes[round % 6],
                                      .list_compress_depth = (uint64_t)(round / 6) % 3};
        run_model(&limits);
    }
}

static void converts_both_ways(void)
{
    struct value_limits limits = {.list_listpack_size = 8};
    struct val v = list_new();
    struct buf out = {0};
    for (int i = 0; i < 8; i++)
        list_push(&v, SLICE_LIT("x"), true, &limits);
    CHECK_INT(v.encoding, ENC_LISTPACK);
    list_push(&v, SLICE_LIT("x"), true, &limits);
    CHECK_INT(v.encoding, ENC_QUICKLIST);
    while (list_count(&v) > 4)
        CHECK(list_pop(&v, true, &out, &limits));
    CHECK_INT(v.encoding, ENC_LISTPACK);
    CHECK_INT(list_count(&v), 4);
    buf_free(&out);
    val_free(v);
}

static void takes_nodes_over(void)
{
    struct value_limits limits = {.list_listpack_size = 4};
    struct val v = list_new();
    char scratch[NUM_I64_TEXT];
    for (int64_t node = 0; node < 5; node++) {
        uint8_t *lp = lp_new();
        for (int64_t i = 0; i < 3; i++)
            lp = lp_append_int(lp, node * 3 + i);
        list_ops.load_node(&v, lp, &limits);
        CHECK_INT(v.encoding, node == 0 ? ENC_LISTPACK : ENC_QUICKLIST);
    }
    CHECK_INT(list_count(&v), 15);
    for (long i = 0; i < 15; i++) {
        struct slice text;
        int64_t n;
        CHECK(list_get(&v, i, &text, scratch));
        CHECK(num_parse_i64(text, &n));
        CHECK_INT(n, i);
    }
    val_free(v);
}

/* Whether an element fits is decided by its length alone: beside a pivot that is not there, the
 * text is never looked at. */
static void asks_for_any_length(void)
{
    static const size_t lens[] = {((size_t)1 << 30) - 1, (size_t)1 << 30, (size_t)INT32_MAX + 1,
                                  UINT32_MAX, (size_t)UINT32_MAX + 1};
    for (int64_t size = -2; size <= 4; size += 6) {
        struct value_limits limits = {.list_listpack_size = size};
        struct val v = list_new();
        list_push(&v, SLICE_LIT("x"), true, &limits);
        for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
            CHECK(!list_insert(&v, SLICE_LIT("y"), slice("", lens[i]), true, &limits));
            CHECK(!list_set(&v, 1, slice("", lens[i]), &limits));
            CHECK_INT(list_count(&v), 1);
            CHECK_INT(v.encoding, ENC_LISTPACK);
        }
        val_free(v);
    }
}

int main(void)
{
    return UNIT_RUN(UNIT(agrees_with_a_model), UNIT(converts_both_ways), UNIT(takes_nodes_over),
                    UNIT(asks_for_any_length));
}
