/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/val_zset.h"

#include <math.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/rand.h"
#include "containers/listpack.h"
#include "store/value.h"
#include "tests/unit/unit.h"

enum { MEMBERS = 70, LONGEST = 40 };

static const struct value_limits small = {.zset_listpack_entries = 20, .zset_listpack_value = 16};

struct pair {
    char name[LONGEST];
    size_t len;
    double score;
    bool in;
};

struct model {
    struct pair pairs[MEMBERS];
    const struct pair *order[MEMBERS]; /* ascending */
    size_t count;
};

static struct slice name_of(const struct pair *p)
{
    return slice(p->name, p->len);
}

static void name_members(struct model *m, size_t long_ones)
{
    *m = (struct model){0};
    for (size_t i = 0; i < MEMBERS; i++) {
        struct pair *p = &m->pairs[i];
        p->len = num_format_u64(p->name, i);
        if (i % 3) {
            memmove(p->name + 1, p->name, p->len++);
            p->name[0] = (char)('a' + i % 5);
        }
        if (i < long_ones) {
            memset(p->name + p->len, 'x', 16);
            p->len += 16;
        }
    }
}

static int by_order(const void *a, const void *b)
{
    const struct pair *x = *(const struct pair *const *)a, *y = *(const struct pair *const *)b;
    if (x->score != y->score)
        return x->score < y->score ? -1 : 1;
    return slice_cmp(name_of(x), name_of(y));
}

static void sort_model(struct model *m)
{
    m->count = 0;
    for (size_t i = 0; i < MEMBERS; i++) {
        if (m->pairs[i].in)
            m->order[m->count++] = &m->pairs[i];
    }
    qsort(m->order, m->count, sizeof *m->order, by_order);
}

static double random_score(bool equal)
{
    static const double odd[] = {
        INFINITY, -INFINITY, 0.1, 1e300, -1e-300, 1e17, 4503599627370497.5};
    if (equal)
        return 7;
    if (rand_below(12) == 0)
        return odd[rand_below(7)];
    return (double)rand_below(20) / (rand_below(2) ? 1 : 8) - 3;
}

static void step(struct val *v, struct model *m, bool equal)
{
    struct pair *p = &m->pairs[rand_below(MEMBERS)];
    double score;
    if (rand_below(5) < 3) {
        double want = random_score(equal);
        enum zset_change change = zset_set(v, name_of(p), want, &small);
        CHECK_INT(change, !p->in ? ZSET_ADDED : p->score != want ? ZSET_MOVED : ZSET_SAME);
        p->score = want;
        p->in = true;
    } else {
        CHECK_INT(zset_remove(v, name_of(p)), p->in);
        p->in = false;
    }
    CHECK_INT(zset_score(v, name_of(p), &score), p->in);
    if (p->in)
        CHECK(score == p->score);
}

static void check_walk(const struct val *v, const struct model *m, size_t rank, bool reverse)
{
    struct zset_iter it;
    struct slice member;
    double score;
    size_t at = rank;
    for (zset_iter_init(&it, v, rank, reverse); zset_iter_next(&it, &member, &score);) {
        CHECK(at < m->count);
        CHECK_SLICE(member, name_of(m->order[at]));
        CHECK(score == m->order[at]->score);
        at += reverse ? (size_t)-1 : 1;
    }
    if (rank < m->count)
        CHECK_INT(at, reverse ? (size_t)-1 : m->count);
    else
        CHECK_INT(at, rank);
}

static void check_ranks(const struct val *v, const struct model *m)
{
    size_t rank;
    double score;
    for (size_t i = 0; i < m->count; i++) {
        CHECK(zset_rank(v, name_of(m->order[i]), false, &rank, &score));
        CHECK_INT(rank, i);
        CHECK(score == m->order[i]->score);
        CHECK(zset_rank(v, name_of(m->order[i]), true, &rank, &score));
        CHECK_INT(rank, m->count - 1 - i);
    }
    CHECK(!zset_rank(v, SLICE_LIT("nobody"), false, &rank, &score));
}

static bool score_within(const struct pair *p, const struct zset_score_range *r)
{
    return (r->min_open ? p->score > r->min : p->score >= r->min) &&
           (r->max_open ? p->score < r->max : p->score <= r->max);
}

static bool lex_within(const struct pair *p, const struct zset_lex_range *r)
{
    int low = r->min_infinite ? 1 : slice_cmp(name_of(p), r->min);
    int high = r->max_infinite ? -1 : slice_cmp(name_of(p), r->max);
    return !r->nothing && (r->min_open ? low > 0 : low >= 0) &&
           (r->max_open ? high < 0 : high <= 0);
}

static void check_score_span(const struct val *v, const struct model *m)
{
    struct zset_score_range r = {random_score(false), random_score(false), rand_below(2),
                                 rand_below(2)};
    size_t first, want_first = m->count, want = 0;
    for (size_t i = m->count; i-- > 0;) {
        if (score_within(m->order[i], &r)) {
            want_first = i;
            want++;
        }
    }
    CHECK_INT(zset_score_span(v, &r, &first), want);
    if (want)
        CHECK_INT(first, want_first);
}

static void check_seek(const struct val *v, const struct model *m)
{
    double min = random_score(false), score;
    struct slice member;
    struct zset_iter it;
    size_t i = 0;
    while (i < m->count && m->order[i]->score < min)
        i++;
    for (zset_iter_seek(&it, v, min); zset_iter_next(&it, &member, &score); i++) {
        CHECK(i < m->count);
        CHECK_SLICE(member, name_of(m->order[i]));
        CHECK(score == m->order[i]->score);
    }
    CHECK_INT(i, m->count);
}

/* Only told when all scores are equal. */
static void check_lex_span(const struct val *v, const struct model *m)
{
    struct zset_lex_range r = {name_of(&m->pairs[rand_below(MEMBERS)]),
                               name_of(&m->pairs[rand_below(MEMBERS)]),
                               rand_below(2), rand_below(2), rand_below(5) == 0, rand_below(5) == 0,
                               rand_below(9) == 0};
    size_t first, want_first = m->count, want = 0;
    for (size_t i = m->count; i-- > 0;) {
        if (lex_within(m->order[i], &r)) {
            want_first = i;
            want++;
        }
    }
    CHECK_INT(zset_lex_span(v, &r, &first), want);
    if (want)
        CHECK_INT(first, want_first);
}

static void see(void *arg, struct slice member, double score)
{
    struct model *m = arg;
    size_t i = 0;
    while (i < MEMBERS && !slice_eq(name_of(&m->pairs[i]), member))
        i++;
    CHECK(i < MEMBERS && m->pairs[i].in);
    CHECK(m->pairs[i].score == score);
    m->count += 1u << 16; /* visits, above the count */
}

static void check_whole(const struct val *v, struct model *m, bool equal)
{
    sort_model(m);
    CHECK_INT(zset_count(v), m->count);
    check_walk(v, m, 0, false);
    check_walk(v, m, m->count - 1, true);
    check_walk(v, m, rand_below(MEMBERS), rand_below(2));
    check_ranks(v, m);
    for (int i = 0; i < 30; i++) {
        check_score_span(v, m);
        check_seek(v, m);
        if (equal)
            check_lex_span(v, m);
    }
    size_t count = m->count;
    uint64_t cursor = 0;
    do
        cursor = zset_scan(v, cursor, see, m);
    while (cursor);
    CHECK(m->count >> 16 >= count);
    if (count) {
        char scratch[NUM_I64_TEXT];
        struct slice member;
        double score;
        zset_random(v, &member, &score, scratch);
        see(m, member, score);
    }
    m->count = count;
    CHECK(zset_ops.memory(v, 0) > 0);
}

static void remove_ranks(struct val *v, struct model *m)
{
    if (m->count == 0)
        return;
    size_t first = rand_below(m->count), count = rand_below(m->count - first + 1);
    zset_remove_ranks(v, first, count);
    for (size_t i = first; i < first + count; i++)
        m->pairs[m->order[i] - m->pairs].in = false;
}

static void agrees_with_a_model(void)
{
    rand_seed(unit_seed());
    struct model *m = mem_alloc(sizeof *m);
    for (int round = 0; round < 90; round++) {
        bool equal = round % 3 == 0;
        name_members(m, round % 2 ? 2 : 0);
        struct val v = zset_new();
        if (round % 7 == 0)
            zset_expect(&v, (size_t)round, &small);
        bool unpacked = round % 5 == 1;
        for (int i = 0; i < round * 4; i++) {
            step(&v, m, equal);
            if (unpacked && i == round)
                zset_unpack(&v);
            if (zset_count(&v) > small.zset_listpack_entries)
                CHECK_INT(v.encoding, ENC_SKIPLIST);
        }
        check_whole(&v, m, equal);
        if (unpacked)
            CHECK_INT(v.encoding, ENC_SKIPLIST);
        struct val copy = val_copy(v);
        CHECK_INT(copy.encoding, v.encoding);
        val_free(v);
        check_whole(&copy, m, equal);
        remove_ranks(&copy, m);
        check_whole(&copy, m, equal);
        zset_pack(&copy, &small);
        if (zset_count(&copy) > small.zset_listpack_entries)
            CHECK_INT(copy.encoding, ENC_SKIPLIST);
        check_whole(&copy, m, equal);
        val_free(copy);
    }
    mem_free(m);
}

static void keeps_scores_exactly(void)
{
    static const double scores[] = {
        0.1, 1.0 / 3, 1e-310, 1.7976931348623157e308, 9007199254740993.0, 1e21, -0.5,
        123456789012345680.0, INFINITY, -INFINITY};
    struct val v = zset_new();
    char name[NUM_I64_TEXT];
    for (size_t i = 0; i < 10; i++)
        CHECK(zset_put(&v, slice(name, num_format_u64(name, i)), scores[i], &small));
    CHECK_INT(v.encoding, ENC_LISTPACK);
    for (int large = 0; large < 2; large++) {
        for (size_t i = 0; i < 10; i++) {
            double score = 0;
            CHECK(zset_score(&v, slice(name, num_format_u64(name, i)), &score));
            CHECK(score == scores[i]);
        }
        zset_expect(&v, 100, &small);
    }
    CHECK_INT(v.encoding, ENC_SKIPLIST);
    val_free(v);
}

static void takes_listpacks_over(void)
{
    for (int64_t n = 1; n <= 25; n++) {
        uint8_t *lp = lp_new();
        for (int64_t i = 0; i < n; i++)
            lp = lp_append_int(lp_append_int(lp, i), i * 2);
        struct val v = zset_ops.load_block(PACK_ZSET, lp, &small);
        double score = 0;
        CHECK_INT(v.encoding, n <= 20 ? ENC_LISTPACK : ENC_SKIPLIST);
        CHECK_INT(zset_count(&v), n);
        CHECK(zset_score(&v, SLICE_LIT("0"), &score));
        val_free(v);
    }
}

/* In a listpack that says it is full another score has no room, though the member is there. */
static void another_score_needs_room(void)
{
    struct val v = zset_new();
    double score = 0;
    CHECK(zset_put(&v, SLICE_LIT("a"), 1, &small));
    store_le32(v.ptr, LP_BYTES_MAX - 20);
    CHECK_INT(zset_set(&v, SLICE_LIT("a"), 1, &small), ZSET_SAME);
    CHECK_INT(v.encoding, ENC_LISTPACK);
    CHECK_INT(zset_set(&v, SLICE_LIT("a"), 1.0 / 3, &small), ZSET_MOVED);
    CHECK_INT(v.encoding, ENC_SKIPLIST);
    CHECK(zset_score(&v, SLICE_LIT("a"), &score) && score == 1.0 / 3);
    val_free(v);
}

int main(void)
{
    hash_init(NULL);
    return UNIT_RUN(UNIT(agrees_with_a_model), UNIT(keeps_scores_exactly),
                    UNIT(takes_listpacks_over), UNIT(another_score_needs_room));
}
