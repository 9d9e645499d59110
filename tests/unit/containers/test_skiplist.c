/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>

#include "base/num.h"
#include "base/rand.h"
#include "containers/skiplist.h"
#include "tests/unit/unit.h"

static void starts_empty(void)
{
    struct skiplist *s = skiplist_new();
    CHECK_INT(skiplist_count(s), 0);
    CHECK(!skiplist_first(s) && !skiplist_last(s) && !skiplist_at(s, 0));
    CHECK(skiplist_memory(s) > 0);
    skiplist_free(s);
}

static void orders_by_score_then_bytes(void)
{
    struct skiplist *s = skiplist_new();
    skiplist_insert(s, INFINITY, SLICE_LIT("inf"));
    skiplist_insert(s, 1, SLICE_LIT("b"));
    skiplist_insert(s, -INFINITY, SLICE_LIT("minus"));
    skiplist_insert(s, 1, SLICE_LIT("a"));
    skiplist_insert(s, 1, SLICE_LIT("aa"));
    skiplist_insert(s, 1, SLICE_LIT("\xff"));
    skiplist_insert(s, 1, (struct slice){"", 0});
    skiplist_insert(s, 0, SLICE_LIT("z"));
    skiplist_insert(s, -0.0, SLICE_LIT("y"));
    static const char *const want[] = {"minus", "y", "z", "", "a", "aa", "b", "\xff", "inf"};
    size_t rank = 0;
    for (struct skipnode *n = skiplist_first(s); n; n = skipnode_next(n), rank++) {
        CHECK_SLICE(skipnode_member(n), slice_str(want[rank]));
        CHECK_INT(skiplist_rank(s, n), rank);
        CHECK(skiplist_at(s, rank) == n);
    }
    CHECK_INT(rank, 9);
    CHECK(signbit(skipnode_score(skiplist_at(s, 1))));
    for (struct skipnode *n = skiplist_last(s); n; n = skipnode_prev(n))
        CHECK_SLICE(skipnode_member(n), slice_str(want[--rank]));
    CHECK_INT(rank, 0);
    skiplist_free(s);
}

/* ---- against a sorted array ---- */

enum { MEMBERS = 1500 };

struct row {
    double score;
    int member;
    struct skipnode *node;
};

struct model {
    struct row row[MEMBERS];
    size_t count;
};

/* Members are four digits, so their numbers order as their texts do. */
static struct slice text_of(int member, char out[8])
{
    for (int i = 3; i >= 0; i--, member /= 10)
        out[i] = (char)('0' + member % 10);
    return slice(out, 4);
}

static bool row_below(const struct row *r, double score, int member)
{
    return r->score < score || (r->score == score && r->member < member);
}

static void model_add(struct model *m, double score, int member, struct skipnode *node)
{
    size_t at = 0;
    while (at < m->count && row_below(&m->row[at], score, member))
        at++;
    memmove(m->row + at + 1, m->row + at, (m->count - at) * sizeof *m->row);
    m->row[at] = (struct row){score, member, node};
    m->count++;
}

static size_t model_find(const struct model *m, int member)
{
    size_t at = 0;
    while (at < m->count && m->row[at].member != member)
        at++;
    return at;
}

static void model_remove(struct model *m, size_t at)
{
    m->count--;
    memmove(m->row + at, m->row + at + 1, (m->count - at) * sizeof *m->row);
}

static void check_same(const struct skiplist *s, const struct model *m)
{
    char text[8];
    CHECK_INT(skiplist_count(s), m->count);
    struct skipnode *n = skiplist_first(s), *before = NULL;
    for (size_t i = 0; i < m->count; i++) {
        CHECK(n == m->row[i].node);
        CHECK(skipnode_score(n) == m->row[i].score);
        CHECK_SLICE(skipnode_member(n), text_of(m->row[i].member, text));
        CHECK(skipnode_prev(n) == before);
        CHECK_INT(skiplist_rank(s, n), i);
        CHECK(skiplist_at(s, i) == n);
        before = n;
        n = skipnode_next(n);
    }
    CHECK(!n && skiplist_last(s) == before && !skiplist_at(s, m->count));
}

static bool score_below(const struct skipnode *n, const void *arg)
{
    return skipnode_score(n) < *(const double *)arg;
}

static void agrees_with_an_array(void)
{
    static struct model m;
    char text[8];
    m.count = 0;
    rand_seed(unit_seed());
    struct skiplist *s = skiplist_new();
    size_t empty_bytes = skiplist_memory(s);
    for (int i = 0; i < 12000; i++) {
        int member = (int)rand_below(MEMBERS);
        double score = (double)rand_below(200) / 4;
        size_t at = model_find(&m, member);
        if (at == m.count) {
            model_add(&m, score, member, skiplist_insert(s, score, text_of(member, text)));
        } else if (rand_below(2)) {
            skiplist_remove(s, m.row[at].node);
            model_remove(&m, at);
        } else {
            if (rand_below(2))
                score = m.row[at].score + ((double)rand_below(3) - 1) / 8; /* a small step */
            struct skipnode *n = m.row[at].node;
            skiplist_rescore(s, n, score);
            model_remove(&m, at);
            model_add(&m, score, member, n);
        }
        for (at = 0; at < m.count && m.row[at].score < score; at++)
            ;
        CHECK(skiplist_seek(s, score_below, &score) == (at < m.count ? m.row[at].node : NULL));
        if (i % 200 == 0)
            check_same(s, &m);
    }
    check_same(s, &m);
    while (m.count) {
        size_t at = rand_below(m.count);
        skiplist_remove(s, m.row[at].node);
        model_remove(&m, at);
    }
    check_same(s, &m);
    CHECK_INT(skiplist_memory(s), empty_bytes);
    skiplist_free(s);
}

int main(void)
{
    return UNIT_RUN(UNIT(starts_empty), UNIT(orders_by_score_then_bytes),
                    UNIT(agrees_with_an_array));
}
