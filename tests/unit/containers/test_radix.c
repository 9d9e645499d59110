/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/bytes.h"
#include "base/mem.h"
#include "base/rand.h"
#include "containers/radix.h"
#include "tests/unit/unit.h"

static int values[2000];

static void starts_empty(void)
{
    struct radix *r = radix_new();
    struct radix_iter it;
    radix_iter_init(&it, r);
    CHECK_INT(radix_count(r), 0);
    CHECK(!radix_get(r, SLICE_LIT(""), NULL) && !radix_get(r, SLICE_LIT("a"), NULL));
    CHECK(!radix_remove(r, SLICE_LIT(""), NULL));
    CHECK(!radix_first(&it) && !radix_last(&it) && !radix_next(&it) && !radix_prev(&it));
    CHECK(!radix_seek(&it, SLICE_LIT("a"), false) && !radix_seek(&it, SLICE_LIT("a"), true));
    radix_iter_free(&it);
    radix_free(r, NULL);
}

static void splits_and_joins(void)
{
    struct radix *r = radix_new();
    size_t empty = radix_memory(r);
    static const char *const keys[] = {"romane", "romanus", "romulus", "rubens", "ruber",
                                       "rubicon", "r", "", "romanes"};
    enum { N = sizeof keys / sizeof *keys };
    void *value;
    for (int i = 0; i < N; i++) {
        CHECK(radix_put(r, slice_str(keys[i]), &values[i], NULL));
        for (int k = 0; k < N; k++) {
            CHECK(radix_get(r, slice_str(keys[k]), &value) == (k <= i));
            CHECK(k > i || value == &values[k]);
        }
    }
    CHECK(!radix_get(r, SLICE_LIT("rom"), NULL) && !radix_get(r, SLICE_LIT("rubic"), NULL));
    CHECK(!radix_get(r, SLICE_LIT("romanesque"), NULL) && !radix_get(r, SLICE_LIT("x"), NULL));
    CHECK(!radix_remove(r, SLICE_LIT("rom"), NULL));
    CHECK(!radix_remove(r, SLICE_LIT("romanest"), NULL));
    value = NULL;
    CHECK(!radix_put(r, SLICE_LIT("ruber"), &values[100], &value));
    CHECK(value == &values[4]);
    CHECK_INT(radix_count(r), N);
    for (int i = 0; i < N; i++) {
        CHECK(radix_remove(r, slice_str(keys[i]), &value));
        CHECK(!radix_get(r, slice_str(keys[i]), NULL));
        for (int k = i + 1; k < N; k++)
            CHECK(radix_get(r, slice_str(keys[k]), NULL));
    }
    CHECK_INT(radix_memory(r), empty);
    radix_free(r, NULL);
}

static int freed;

static void count_free(void *value)
{
    mem_free(value);
    freed++;
}

/* Each key a prefix of the next: the deepest tree there is. */
static void survives_depth(void)
{
    enum { DEPTH = 3000 };
    static char text[DEPTH];
    memset(text, 'x', sizeof text);
    struct radix *r = radix_new();
    for (size_t len = 0; len < DEPTH; len++)
        CHECK(radix_put(r, slice(text, len), mem_alloc(1), NULL));
    struct radix_iter it;
    radix_iter_init(&it, r);
    size_t seen = 0;
    for (bool ok = radix_first(&it); ok; ok = radix_next(&it))
        CHECK_INT(it.key.len, seen++);
    CHECK_INT(seen, DEPTH);
    radix_iter_free(&it);
    freed = 0;
    radix_free(r, count_free);
    CHECK_INT(freed, DEPTH);
}

static void uses_every_byte(void)
{
    struct radix *r = radix_new();
    for (int i = 255; i >= 0; i--) {
        uint8_t key[2] = {(uint8_t)i, (uint8_t)(i * 7)};
        CHECK(radix_put(r, slice(key, 2), &values[i], NULL));
    }
    struct radix_iter it;
    radix_iter_init(&it, r);
    int i = 0;
    for (bool ok = radix_first(&it); ok; ok = radix_next(&it), i++)
        CHECK(it.value == &values[i] && (uint8_t)it.key.data[0] == i);
    CHECK_INT(i, 256);
    radix_iter_free(&it);
    radix_free(r, NULL);
}

/* ---- against a sorted array ---- */

enum { KEYS = 700, KEY_MAX = 40 };

struct model {
    char key[KEYS][KEY_MAX];
    size_t len[KEYS];
    void *value[KEYS];
    size_t count;
};

static struct slice key_at(const struct model *m, size_t i)
{
    return slice(m->key[i], m->len[i]);
}

static size_t model_at(const struct model *m, struct slice key)
{
    size_t at = 0;
    while (at < m->count && slice_cmp(key_at(m, at), key) < 0)
        at++;
    return at;
}

static bool model_has(const struct model *m, size_t at, struct slice key)
{
    return at < m->count && slice_eq(key_at(m, at), key);
}

static void model_shift(struct model *m, size_t from, size_t to)
{
    size_t n = m->count - from;
    memmove(m->key + to, m->key + from, n * sizeof *m->key);
    memmove(m->len + to, m->len + from, n * sizeof *m->len);
    memmove(m->value + to, m->value + from, n * sizeof *m->value);
    m->count = to + n;
}

/* Few letters, so that keys share prefixes; sometimes a stream id. */
static struct slice random_key(char out[KEY_MAX])
{
    if (rand_below(4) == 0) {
        store_be64(out, rand_below(3) << 8 | rand_below(4));
        store_be64(out + 8, rand_below(5));
        return slice(out, 16);
    }
    size_t len = rand_below(rand_below(4) ? 7 : KEY_MAX);
    bool same = rand_below(3) == 0;
    for (size_t i = 0; i < len; i++)
        out[i] = (char)(same ? 'a' : "ab\xff"[rand_below(3)]);
    return slice(out, len);
}

static void check_iterator(struct radix_iter *it, bool found, const struct model *m, size_t want)
{
    CHECK(found == (want < m->count));
    CHECK(it->valid == found);
    if (!found)
        return;
    CHECK_SLICE(buf_slice(&it->key), key_at(m, want));
    CHECK(it->value == m->value[want]);
}

static void check_same(const struct radix *r, const struct model *m, struct radix_iter *it)
{
    CHECK_INT(radix_count(r), m->count);
    size_t i = 0;
    for (bool ok = radix_first(it); ok; ok = radix_next(it))
        check_iterator(it, true, m, i++);
    CHECK_INT(i, m->count);
    for (bool ok = radix_last(it); ok; ok = radix_prev(it))
        check_iterator(it, true, m, --i);
    CHECK_INT(i, 0);
}

static void check_seeks(const struct model *m, struct slice key, struct radix_iter *it)
{
    size_t at = model_at(m, key), le = model_has(m, at, key) ? at : at - 1; /* -1: none */
    check_iterator(it, radix_seek(it, key, true), m, le);
    if (it->valid) {
        check_iterator(it, radix_seek(it, buf_slice(&it->key), false), m, le); /* its own key */
        check_iterator(it, radix_next(it), m, le + 1);
    }
    size_t after = model_has(m, at, key) ? at + 1 : at;
    check_iterator(it, radix_seek_after(it, key), m, after);
    if (it->valid)
        check_iterator(it, radix_seek_after(it, buf_slice(&it->key)), m, after + 1);
    check_iterator(it, radix_seek_before(it, key), m, at - 1);
    if (it->valid)
        check_iterator(it, radix_seek_before(it, buf_slice(&it->key)), m, at - 2);
    check_iterator(it, radix_seek(it, key, false), m, at);
    if (it->valid)
        check_iterator(it, radix_prev(it), m, at - 1);
}

/* A prefix of a key is below it in order, and a shorter one below a longer one. */
struct prefixes {
    const struct model *m;
    struct slice text;
    size_t at, left; /* where in the model; how many more are wanted */
};

static void pass_others(struct prefixes *p)
{
    while (p->at < p->m->count && !slice_eq(key_at(p->m, p->at),
                                            slice(p->text.data, p->m->len[p->at] < p->text.len
                                                                    ? p->m->len[p->at]
                                                                    : p->text.len)))
        p->at++;
}

static bool visit_prefix(void *arg, struct slice key, void *value)
{
    struct prefixes *p = arg;
    CHECK(p->left > 0);
    pass_others(p);
    CHECK(p->at < p->m->count && p->m->value[p->at] == value);
    CHECK_SLICE(key, key_at(p->m, p->at));
    CHECK(key.len == 0 || key.data == p->text.data);
    p->at++;
    return --p->left > 0;
}

static void check_prefixes(const struct radix *r, const struct model *m, struct slice text)
{
    struct prefixes all = {.m = m, .text = text, .left = SIZE_MAX};
    radix_each_prefix(r, text, visit_prefix, &all);
    size_t seen = SIZE_MAX - all.left;
    pass_others(&all);
    CHECK_INT(all.at, m->count); /* none was left out */
    struct prefixes first = {.m = m, .text = text, .left = 1};
    radix_each_prefix(r, text, visit_prefix, &first);
    CHECK_INT(first.left, seen ? 0 : 1);
}

static void agrees_with_an_array(void)
{
    static struct model m;
    m.count = 0;
    rand_seed(unit_seed());
    struct radix *r = radix_new();
    struct radix_iter it;
    radix_iter_init(&it, r);
    for (int i = 0; i < 15000; i++) {
        char room[KEY_MAX];
        struct slice key = random_key(room);
        size_t at = model_at(&m, key);
        bool there = model_has(&m, at, key);
        void *value = &values[rand_below(2000)], *got = NULL;
        CHECK(radix_get(r, key, &got) == there && (!there || got == m.value[at]));
        got = NULL;
        if (rand_below(5) < 2 || m.count == KEYS - 1) {
            CHECK(radix_remove(r, key, &got) == there && (!there || got == m.value[at]));
            if (there)
                model_shift(&m, at + 1, at);
        } else {
            CHECK(radix_put(r, key, value, &got) == !there && (!there || got == m.value[at]));
            if (!there) {
                model_shift(&m, at, at + 1);
                memcpy(m.key[at], key.data, key.len);
                m.len[at] = key.len;
            }
            m.value[at] = value;
        }
        check_seeks(&m, random_key(room), &it);
        check_prefixes(r, &m, random_key(room));
        if (i % 300 == 0)
            check_same(r, &m, &it);
    }
    check_same(r, &m, &it);
    radix_iter_free(&it);
    radix_free(r, NULL);
}

int main(void)
{
    return UNIT_RUN(UNIT(starts_empty), UNIT(splits_and_joins), UNIT(survives_depth),
                    UNIT(uses_every_byte), UNIT(agrees_with_an_array));
}
