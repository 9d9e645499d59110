/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/buf.h"
#include "base/mem.h"
#include "base/rand.h"
#include "containers/listpack.h"
#include "containers/quicklist.h"
#include "tests/unit/unit.h"

/* ---- the model: an array of texts ---- */

enum { MODEL_MAX = 3000 };

struct model {
    char *text[MODEL_MAX];
    size_t len[MODEL_MAX];
    size_t count;
};

static void model_insert(struct model *m, size_t at, struct slice text)
{
    memmove(m->text + at + 1, m->text + at, (m->count - at) * sizeof *m->text);
    memmove(m->len + at + 1, m->len + at, (m->count - at) * sizeof *m->len);
    m->text[at] = mem_dup(text.data, text.len);
    m->len[at] = text.len;
    m->count++;
}

static void model_delete(struct model *m, size_t at, size_t n)
{
    if (at >= m->count)
        return;
    if (n > m->count - at)
        n = m->count - at;
    for (size_t i = at; i < at + n; i++)
        mem_free(m->text[i]);
    memmove(m->text + at, m->text + at + n, (m->count - at - n) * sizeof *m->text);
    memmove(m->len + at, m->len + at + n, (m->count - at - n) * sizeof *m->len);
    m->count -= n;
}

static struct slice model_get(const struct model *m, size_t i)
{
    return slice(m->text[i], m->len[i]);
}

struct node_check {
    const struct model *model;
    size_t seen, nodes;
};

static bool check_node(void *arg, struct slice bytes, bool plain)
{
    struct node_check *c = arg;
    c->nodes++;
    if (plain) {
        CHECK(c->seen < c->model->count);
        CHECK_SLICE(bytes, model_get(c->model, c->seen));
        c->seen++;
        return true;
    }
    const uint8_t *lp = (const uint8_t *)bytes.data;
    char scratch[NUM_I64_TEXT];
    const char *why;
    size_t count;
    CHECK(lp_validate(bytes, &count, &why) && count > 0);
    for (size_t at = lp_first(lp); at; at = lp_next(lp, at)) {
        CHECK(c->seen < c->model->count);
        CHECK_SLICE(lp_get(lp, at, scratch), model_get(c->model, c->seen));
        c->seen++;
    }
    return true;
}

static void check_same(const struct quicklist *q, const struct model *m)
{
    struct node_check c = {.model = m};
    struct buf scratch = {0};
    CHECK(quicklist_each_node(q, &scratch, check_node, &c));
    buf_free(&scratch);
    CHECK_INT(c.seen, m->count);
    CHECK_INT(c.nodes, quicklist_nodes(q));
    CHECK_INT(quicklist_count(q), m->count);
}

static void check_walk(struct quicklist *q, const struct model *m, bool forward)
{
    struct quicklist_iter it;
    size_t n = 0;
    bool ok = quicklist_seek(q, forward ? 0 : -1, forward, &it);
    for (; ok; ok = quicklist_iter_next(&it), n++) {
        struct slice want = model_get(m, forward ? n : m->count - 1 - n);
        CHECK_SLICE(quicklist_iter_get(&it), want);
        CHECK(quicklist_iter_equal(&it, want));
    }
    quicklist_iter_end(&it);
    CHECK_INT(n, m->count);
}

static struct slice random_text(char *out)
{
    size_t len;
    switch (rand_below(8)) {
    case 0:
        return slice(out, num_format_i64(out, (int64_t)rand_u64() >> rand_below(64)));
    case 1:
        len = rand_below(600);
        break;
    case 2:
        len = rand_below(12) ? 100 : rand_below(20000);
        break;
    default:
        len = rand_below(30);
    }
    bool noise = rand_below(4) == 0;
    for (size_t i = 0; i < len; i++)
        out[i] = (char)(noise ? rand_u64() : 'a' + i % 3);
    return slice(out, len);
}

/* ---- changes, each done to both ---- */

static void push_or_pop(struct quicklist *q, struct model *m, struct slice text)
{
    bool tail = rand_below(2);
    if (m->count < 100 || rand_below(5) < 3) {
        quicklist_push(q, text, tail);
        model_insert(m, tail ? m->count : 0, text);
        return;
    }
    char *out;
    size_t len, at = tail ? m->count - 1 : 0;
    CHECK(quicklist_pop(q, tail, &out, &len));
    CHECK_SLICE(slice(out, len), model_get(m, at));
    model_delete(m, at, 1);
    mem_free(out);
}

/* Walks a little from a random place, inserting, replacing and removing. */
static void change_along(struct quicklist *q, struct model *m, char *room)
{
    struct quicklist_iter it;
    bool forward = rand_below(2), from_end = rand_below(2);
    size_t at = rand_below(m->count);
    CHECK(quicklist_seek(q, from_end ? (long)at - (long)m->count : (long)at, forward, &it));
    for (int steps = 0; steps < 6; steps++) {
        CHECK_SLICE(quicklist_iter_get(&it), model_get(m, at));
        struct slice text = random_text(room);
        bool after = rand_below(2), more;
        switch (rand_below(4)) {
        case 0:
            quicklist_iter_insert(&it, text, after);
            model_insert(m, at + after, text);
            at += !after;
            CHECK_SLICE(quicklist_iter_get(&it), model_get(m, at));
            break;
        case 1:
            quicklist_iter_replace(&it, text);
            model_delete(m, at, 1);
            model_insert(m, at, text);
            CHECK_SLICE(quicklist_iter_get(&it), model_get(m, at));
            break;
        case 2:
            more = quicklist_iter_delete(&it);
            model_delete(m, at, 1);
            CHECK(more == (forward ? at < m->count : at > 0));
            at -= !forward;
            if (!more)
                goto done;
            continue;
        }
        more = quicklist_iter_next(&it);
        at += forward ? 1 : (size_t)-1;
        CHECK(more == (at < m->count));
        if (!more)
            break;
    }
done:
    quicklist_iter_end(&it);
}

static void delete_range(struct quicklist *q, struct model *m)
{
    long start = (long)rand_below(m->count + 5) - (rand_below(2) ? (long)m->count : 0);
    size_t n = rand_below(rand_below(4) ? 10 : 400);
    quicklist_delete_range(q, start, n);
    if (start < 0)
        start += (long)m->count;
    if (start >= 0)
        model_delete(m, (size_t)start, n);
}

static void run_random(int fill, unsigned compress)
{
    static struct model m;
    static char room[20001];
    struct quicklist *q = quicklist_new(fill, compress);
    m.count = 0;
    for (int i = 0; i < 2500; i++) {
        unsigned kind = (unsigned)rand_below(m.count > MODEL_MAX / 2 ? 40 : 100);
        if (m.count == 0 || kind > 20)
            push_or_pop(q, &m, random_text(room));
        else if (kind > 2)
            change_along(q, &m, room);
        else
            delete_range(q, &m);
        CHECK_INT(quicklist_count(q), m.count);
        if (i % 100 == 0) {
            check_same(q, &m);
            check_walk(q, &m, true);
            check_walk(q, &m, false);
            check_same(q, &m);
        }
        if (i % 1000 == 999) {
            struct quicklist *copy = quicklist_copy(q);
            quicklist_set_options(copy, -1, (unsigned)rand_below(4));
            check_walk(copy, &m, true);
            check_same(copy, &m);
            CHECK(quicklist_memory(copy) > 0);
            quicklist_free(copy);
        }
    }
    check_same(q, &m);
    model_delete(&m, 0, m.count);
    quicklist_free(q);
}

static void agrees_with_an_array(void)
{
    rand_seed(unit_seed());
    run_random(-2, 0);
    run_random(-1, 1);
    run_random(3, 0);
    run_random(4, 2);
    run_random(128, 1);
    run_random(1, 1);
}

/* ---- nodes and compression ---- */

struct shape {
    size_t listpacks, plains;
};

static bool note_shape(void *arg, struct slice bytes, bool plain)
{
    (void)bytes;
    struct shape *s = arg;
    *(plain ? &s->plains : &s->listpacks) += 1;
    return true;
}

static struct shape shape_of(const struct quicklist *q)
{
    struct shape s = {0};
    struct buf scratch = {0};
    quicklist_each_node(q, &scratch, note_shape, &s);
    buf_free(&scratch);
    return s;
}

static void keeps_large_elements_plain(void)
{
    static char big[10000];
    memset(big, 'b', sizeof big);
    struct quicklist *q = quicklist_new(-2, 0);
    quicklist_push(q, SLICE_LIT("small"), true);
    quicklist_push(q, slice(big, sizeof big), true);
    quicklist_push(q, SLICE_LIT("7"), true);
    struct shape s = shape_of(q);
    CHECK_INT(s.listpacks, 2);
    CHECK_INT(s.plains, 1);
    struct quicklist_iter it;
    CHECK(quicklist_seek(q, 1, true, &it));
    CHECK_SLICE(quicklist_iter_get(&it), slice(big, sizeof big));
    quicklist_iter_replace(&it, SLICE_LIT("now small"));
    CHECK_SLICE(quicklist_iter_get(&it), SLICE_LIT("now small"));
    quicklist_iter_end(&it);
    CHECK_INT(shape_of(q).plains, 0);
    quicklist_free(q);
}

static void plain_from_a_length_of_choice(void)
{
    struct quicklist *q = quicklist_new(-2, 0);
    quicklist_push(q, SLICE_LIT("four"), true);
    quicklist_set_plain_from(q, 4);
    quicklist_push(q, SLICE_LIT("four"), true);
    quicklist_push(q, SLICE_LIT("6"), true);
    struct shape s = shape_of(q);
    CHECK_INT(s.listpacks, 2);
    CHECK_INT(s.plains, 1);
    struct quicklist *copy = quicklist_copy(q);
    quicklist_push(copy, SLICE_LIT("longer"), false);
    CHECK_INT(shape_of(copy).plains, 2);
    quicklist_free(copy);
    quicklist_free(q);
}

static void fills_nodes_to_the_limit(void)
{
    struct quicklist *q = quicklist_new(10, 0);
    for (int i = 0; i < 95; i++)
        quicklist_push(q, SLICE_LIT("x"), true);
    CHECK_INT(quicklist_nodes(q), 10);
    quicklist_free(q);
    CHECK(quicklist_node_fits(-1, 4096, 100000) && !quicklist_node_fits(-1, 4097, 1));
    CHECK(quicklist_node_fits(-5, 65536, 1) && !quicklist_node_fits(-5, 65537, 1));
    CHECK(quicklist_node_fits(128, 8192, 128) && !quicklist_node_fits(128, 100, 129));
    CHECK(!quicklist_node_fits(128, 8193, 2));
}

static void compresses_inside_only(void)
{
    static char text[1000];
    memset(text, 'c', sizeof text);
    struct quicklist *plain = quicklist_new(-1, 0), *packed = quicklist_new(-1, 2);
    for (int i = 0; i < 200; i++) {
        quicklist_push(plain, slice(text, sizeof text), i % 2);
        quicklist_push(packed, slice(text, sizeof text), i % 2);
    }
    CHECK_INT(quicklist_nodes(plain), quicklist_nodes(packed));
    /* Four raw nodes at the ends, the others next to nothing. */
    size_t small = quicklist_memory(packed);
    CHECK(small * 5 < quicklist_memory(plain));
    struct quicklist_iter it;
    size_t seen = 0;
    for (bool ok = quicklist_seek(packed, 0, true, &it); ok; ok = quicklist_iter_next(&it))
        seen++;
    quicklist_iter_end(&it);
    CHECK_INT(seen, 200);
    CHECK_INT(quicklist_memory(packed), small);
    CHECK(quicklist_seek(packed, 100, true, &it));
    CHECK(quicklist_memory(packed) > small);
    quicklist_iter_end(&it);
    CHECK_INT(quicklist_memory(packed), small);
    quicklist_set_options(packed, -1, 0);
    CHECK(quicklist_memory(packed) > small * 5);
    quicklist_set_options(packed, -1, 2);
    CHECK_INT(quicklist_memory(packed), small);
    quicklist_free(plain);
    quicklist_free(packed);
}

static void leaves_no_crumbs(void)
{
    struct quicklist *q = quicklist_new(8, 0);
    for (int i = 0; i < 800; i++)
        quicklist_push(q, SLICE_LIT("x"), true);
    struct quicklist_iter it;
    for (int i = 0; i < 800; i++) {
        CHECK(quicklist_seek(q, 401, true, &it));
        quicklist_iter_insert(&it, SLICE_LIT("y"), i % 2);
        quicklist_iter_end(&it);
    }
    CHECK_INT(quicklist_count(q), 1600);
    CHECK(quicklist_nodes(q) <= 450);
    quicklist_free(q);
}

static void takes_whole_nodes(void)
{
    struct quicklist *q = quicklist_new(-2, 0);
    quicklist_append_listpack(q, lp_append_int(lp_append(lp_new(), SLICE_LIT("a")), 5));
    quicklist_append_plain(q, SLICE_LIT("p"));
    CHECK_INT(quicklist_count(q), 3);
    struct quicklist_iter it;
    CHECK(quicklist_seek(q, -1, false, &it));
    CHECK(quicklist_iter_equal(&it, SLICE_LIT("p")));
    CHECK(quicklist_iter_next(&it) && quicklist_iter_equal(&it, SLICE_LIT("5")));
    CHECK(quicklist_iter_next(&it) && quicklist_iter_equal(&it, SLICE_LIT("a")));
    CHECK(!quicklist_iter_next(&it));
    quicklist_iter_end(&it);
    CHECK(!quicklist_seek(q, 3, true, &it) && !quicklist_seek(q, -4, true, &it));
    quicklist_free(q);
}

int main(void)
{
    return UNIT_RUN(UNIT(agrees_with_an_array), UNIT(keeps_large_elements_plain),
                    UNIT(plain_from_a_length_of_choice), UNIT(fills_nodes_to_the_limit),
                    UNIT(compresses_inside_only), UNIT(leaves_no_crumbs), UNIT(takes_whole_nodes));
}
