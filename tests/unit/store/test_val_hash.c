/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/val_hash.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/rand.h"
#include "containers/listpack.h"
#include "store/pair.h"
#include "store/value.h"
#include "tests/unit/unit.h"

enum { FIELDS = 60, LONGEST = 40 };

struct model {
    bool in, seen;
    char text[LONGEST];
    size_t len;
};

static const struct value_limits small = {.hash_listpack_entries = 20, .hash_listpack_value = 24};

/* Half of the fields are numbers, one in ten is long. */
static struct slice field_name(char out[LONGEST], size_t i)
{
    size_t len = num_format_u64(out, i);
    if (i % 2) {
        memset(out + len, 'f', 5);
        len += 5;
    }
    if (i % 10 == 9) {
        memset(out + len, 'L', 25);
        len += 25;
    }
    return slice(out, len);
}

static struct slice random_value(struct model *m)
{
    m->len = rand_below(4) ? rand_below(10) : rand_below(LONGEST);
    if (rand_below(3) == 0)
        m->len = num_format_i64(m->text, (int64_t)rand_u64() >> rand_below(60));
    else
        memset(m->text, 'a' + (int)rand_below(26), m->len);
    return slice(m->text, m->len);
}

static size_t field_index(struct slice field)
{
    size_t i = 0, at = 0;
    while (at < field.len && field.data[at] >= '0' && field.data[at] <= '9')
        i = i * 10 + (size_t)(field.data[at++] - '0');
    CHECK(i < FIELDS);
    return i;
}

static void see(void *arg, struct slice field, struct slice value)
{
    struct model *m = (struct model *)arg + field_index(field);
    CHECK(m->in);
    m->seen = true;
    CHECK_SLICE(value, slice(m->text, m->len));
}

static void check_seen(struct model *models)
{
    for (size_t i = 0; i < FIELDS; i++) {
        CHECK_INT(models[i].seen, models[i].in);
        models[i].seen = false;
    }
}

static void check_whole(const struct val *v, struct model *models)
{
    struct hash_iter it;
    struct slice field, value;
    size_t n = 0, count = 0;
    for (hash_iter_init(&it, v); hash_iter_next(&it, &field, &value); n++)
        see(models, field, value);
    check_seen(models);
    for (size_t i = 0; i < FIELDS; i++)
        count += models[i].in;
    CHECK_INT(n, count);
    CHECK_INT(hash_count(v), count);
    uint64_t cursor = 0;
    do
        cursor = hash_scan(v, cursor, see, models);
    while (cursor);
    check_seen(models);
    if (count) {
        char scratch[2 * NUM_I64_TEXT];
        hash_random(v, &field, &value, scratch);
        see(models, field, value);
        models[field_index(field)].seen = false;
    }
    CHECK(hash_ops.memory(v, 0) > 0 && hash_ops.memory(v, 3) > 0);
}

/* The table once over a limit, and then for good. */
static void check_encoding(const struct val *v, const struct model *m, struct slice field, bool was)
{
    bool over = hash_count(v) > small.hash_listpack_entries || m->len > small.hash_listpack_value ||
                field.len > small.hash_listpack_value;
    CHECK_INT(v->encoding, was || over ? ENC_TABLE : ENC_LISTPACK);
}

static void step(struct val *v, struct model *models)
{
    char name[LONGEST], scratch[NUM_I64_TEXT];
    size_t i = rand_below(FIELDS);
    struct model *m = &models[i];
    struct slice field = field_name(name, i), value;
    bool was_table = v->encoding == ENC_TABLE;
    if (rand_below(3)) {
        CHECK_INT(hash_set(v, field, random_value(m), &small), !m->in);
        m->in = true;
        check_encoding(v, m, field, was_table);
    } else {
        CHECK_INT(hash_remove(v, field), m->in);
        m->in = false;
    }
    CHECK_INT(hash_get(v, field, &value, scratch), m->in);
    if (m->in)
        CHECK_SLICE(value, slice(m->text, m->len));
}

static void agrees_with_a_model(void)
{
    rand_seed(unit_seed());
    for (int round = 0; round < 60; round++) {
        struct model models[FIELDS] = {0};
        struct val v = hash_new();
        if (round % 5 == 0)
            hash_expect(&v, round, &small);
        for (int i = 0; i < 300; i++)
            step(&v, models);
        check_whole(&v, models);
        struct val copy = val_copy(v);
        CHECK_INT(copy.encoding, v.encoding);
        val_free(v);
        check_whole(&copy, models);
        val_free(copy);
    }
}

static uint8_t *pairs_of(size_t count, size_t value_len)
{
    uint8_t *lp = lp_new();
    char value[100];
    memset(value, 'v', sizeof value);
    for (size_t i = 0; i < count; i++)
        lp = lp_append(lp_append_int(lp, (int64_t)i), slice(value, value_len));
    return lp;
}

static void takes_listpacks_over(void)
{
    static const struct {
        size_t count, len;
        enum encoding want;
    } cases[] = {
        {1, 24, ENC_LISTPACK}, {20, 3, ENC_LISTPACK}, {21, 3, ENC_TABLE}, {2, 25, ENC_TABLE}};
    for (size_t i = 0; i < 4; i++) {
        uint8_t *lp = pairs_of(cases[i].count, cases[i].len);
        struct val v = hash_ops.load_block(PACK_HASH, lp, &small);
        struct slice value;
        char scratch[NUM_I64_TEXT];
        CHECK_INT(v.encoding, cases[i].want);
        CHECK_INT(hash_count(&v), cases[i].count);
        CHECK(hash_get(&v, SLICE_LIT("0"), &value, scratch));
        CHECK_INT(value.len, cases[i].len);
        val_free(v);
    }
}

static void heads_hold_any_length(void)
{
    static const size_t lens[] = {0, 5, UINT32_MAX - 1, UINT32_MAX, (size_t)UINT32_MAX + 1,
                                  (size_t)1 << 34};
    enum { LENS = sizeof lens / sizeof *lens };
    char block[32];
    struct pair *p = (struct pair *)(void *)block;
    for (size_t i = 0; i < (size_t)LENS * LENS; i++) {
        size_t field = lens[i / LENS], value = lens[i % LENS];
        const char *text = pair_start(p, field, value);
        CHECK(pair_key(p).data == text);
        CHECK_INT(pair_key(p).len, field);
        CHECK(pair_value(p).data == text + field);
        CHECK_INT(pair_value(p).len, value);
        CHECK_INT(pair_size(p), (size_t)(text - block) + field + value);
    }
}

int main(void)
{
    hash_init(NULL);
    return UNIT_RUN(UNIT(agrees_with_a_model), UNIT(takes_listpacks_over),
                    UNIT(heads_hold_any_length));
}
