/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/rand.h"
#include "containers/ranked.h"
#include "tests/unit/unit.h"

static struct ranked_item *item_at(const struct ranked *r, size_t rank)
{
    struct ranked_walk w;
    ranked_walk_at(&w, r, rank);
    return ranked_walk_up(&w);
}

static void starts_empty(void)
{
    struct ranked *r = ranked_new();
    struct ranked_walk w;
    ranked_walk_at(&w, r, 0);
    CHECK_INT(ranked_count(r), 0);
    CHECK(!ranked_walk_up(&w) && !ranked_walk_down(&w));
    CHECK(ranked_memory(r) > 0 && ranked_memory(r) < 400);
    ranked_free(r);
}

static void orders_by_score_then_bytes(void)
{
    struct ranked *r = ranked_new();
    ranked_insert(r, INFINITY, SLICE_LIT("inf"));
    ranked_insert(r, 1, SLICE_LIT("b"));
    ranked_insert(r, -INFINITY, SLICE_LIT("minus"));
    ranked_insert(r, 1, SLICE_LIT("a"));
    ranked_insert(r, 1, SLICE_LIT("aa"));
    ranked_insert(r, 1, SLICE_LIT("\xff"));
    ranked_insert(r, 1, (struct slice){"", 0});
    ranked_insert(r, 0, SLICE_LIT("z"));
    ranked_insert(r, -0.0, SLICE_LIT("y"));
    static const char *const want[] = {"minus", "y", "z", "", "a", "aa", "b", "\xff", "inf"};
    struct ranked_walk w;
    struct ranked_item *item;
    size_t rank = 0;
    for (ranked_walk_at(&w, r, 0); (item = ranked_walk_up(&w)); rank++) {
        CHECK_SLICE(ranked_member(item), slice_str(want[rank]));
        CHECK_INT(ranked_rank(item), rank);
        CHECK(item_at(r, rank) == item);
    }
    CHECK_INT(rank, 9);
    CHECK(signbit(ranked_score(item_at(r, 1))) && !signbit(ranked_score(item_at(r, 2))));
    for (ranked_walk_at(&w, r, 8); (item = ranked_walk_down(&w));)
        CHECK_SLICE(ranked_member(item), slice_str(want[--rank]));
    CHECK_INT(rank, 0);
    ranked_free(r);
}

/* A length may have two bytes or more in the item, and the most there is must not be mistaken. */
static void keeps_members_of_any_length(void)
{
    static const size_t lens[] = {0, 1, 254, 255, 256, 65535, 65536, 1 << 20};
    enum { LENS = sizeof lens / sizeof *lens };
    static char bytes[1 << 20];
    struct ranked_item *items[LENS];
    struct ranked *r = ranked_new();
    size_t empty_bytes = ranked_memory(r);
    memset(bytes, 'x', sizeof bytes);
    for (size_t i = LENS; i-- > 0;) {
        size_t before = ranked_memory(r);
        items[i] = ranked_insert(r, 7, slice(bytes, lens[i]));
        CHECK_INT(ranked_memory(r) - before, 16 + lens[i] + (lens[i] < 255 ? 0 : 8));
    }
    for (size_t i = 0; i < LENS; i++) {
        CHECK_SLICE(ranked_member(items[i]), slice(bytes, lens[i]));
        CHECK_INT(ranked_rank(items[i]), i);
    }
    for (size_t i = 0; i < LENS; i++) {
        ranked_rescore(r, items[i], (double)i);
        CHECK(ranked_score(items[i]) == (double)i);
        CHECK_SLICE(ranked_member(items[i]), slice(bytes, lens[i]));
        ranked_remove(r, items[i]);
    }
    CHECK_INT(ranked_memory(r), empty_bytes);
    ranked_free(r);
}

/* ---- against a sorted array ---- */

enum { MEMBERS = 6000, MEMBER_MAX = 24 };

struct row {
    double score;
    int member;
    struct ranked_item *item;
};

struct model {
    struct row row[MEMBERS];
    size_t count;
    double score[MEMBERS]; /* by member; NaN: absent */
};

/* Numbers of four digits order as their texts do; some are too long for one cache line. */
static struct slice text_of(int member, char out[96])
{
    size_t len = member % 7 ? 4 : 90;
    memset(out, 'm', len);
    for (int i = 3, left = member; i >= 0; i--, left /= 10)
        out[i] = (char)('0' + left % 10);
    return slice(out, len);
}

static bool row_below(const struct row *row, double score, int member)
{
    return row->score < score || (row->score == score && row->member < member);
}

static size_t model_place(const struct model *m, double score, int member)
{
    size_t at = 0, end = m->count;
    while (at < end) {
        size_t middle = (at + end) / 2;
        if (row_below(&m->row[middle], score, member))
            at = middle + 1;
        else
            end = middle;
    }
    return at;
}

static void model_clear(struct model *m)
{
    m->count = 0;
    for (size_t i = 0; i < MEMBERS; i++)
        m->score[i] = NAN;
}

static void model_add(struct model *m, double score, int member, struct ranked_item *item)
{
    size_t at = model_place(m, score, member);
    memmove(m->row + at + 1, m->row + at, (m->count - at) * sizeof *m->row);
    m->row[at] = (struct row){score, member, item};
    m->score[member] = score;
    m->count++;
}

static size_t model_find(const struct model *m, int member)
{
    return isnan(m->score[member]) ? m->count : model_place(m, m->score[member], member);
}

static void model_remove(struct model *m, size_t at)
{
    m->score[m->row[at].member] = NAN;
    m->count--;
    memmove(m->row + at, m->row + at + 1, (m->count - at) * sizeof *m->row);
}

struct bound {
    double score;
    struct slice member;
};

static bool score_below(double score, const struct ranked_item *item, const void *arg)
{
    (void)item;
    return score < *(const double *)arg;
}

static bool bound_below(double score, const struct ranked_item *item, const void *arg)
{
    const struct bound *b = arg;
    CHECK(score == ranked_score(item));
    return score < b->score || (score == b->score && slice_cmp(ranked_member(item), b->member) < 0);
}

static void check_same(const struct ranked *r, const struct model *m)
{
    char text[96];
    struct ranked_walk up, down;
    CHECK_INT(ranked_count(r), m->count);
    ranked_walk_at(&up, r, 0);
    ranked_walk_at(&down, r, m->count - 1);
    for (size_t i = 0; i < m->count; i++) {
        const struct row *row = &m->row[i];
        CHECK(ranked_walk_up(&up) == row->item);
        CHECK(ranked_walk_down(&down) == m->row[m->count - 1 - i].item);
        CHECK(ranked_score(row->item) == row->score);
        struct bound bound = {row->score, text_of(row->member, text)};
        CHECK_SLICE(ranked_member(row->item), bound.member);
        CHECK_INT(ranked_rank(row->item), i);
        CHECK(item_at(r, i) == row->item);
        CHECK_INT(ranked_seek(r, bound_below, &bound, NULL), i);
    }
    CHECK(!ranked_walk_up(&up) && !ranked_walk_down(&down) && !item_at(r, m->count));
}

static void check_seek(const struct ranked *r, const struct model *m, double score)
{
    struct ranked_walk w;
    size_t at = model_place(m, score, -1);
    CHECK_INT(ranked_seek(r, score_below, &score, &w), at);
    CHECK(ranked_walk_up(&w) == (at < m->count ? m->row[at].item : NULL));
}

static void rescore(struct ranked *r, struct model *m, size_t at, double score)
{
    struct row row = m->row[at];
    ranked_rescore(r, row.item, score);
    model_remove(m, at);
    model_add(m, score, row.member, row.item);
}

static double some_score(const struct model *m, size_t near, unsigned kinds)
{
    static const double odd[] = {-INFINITY, INFINITY, 0.0, -0.0};
    switch (rand_below(8)) {
    case 0:
        return odd[rand_below(4)];
    case 1:
    case 2:
        if (near < m->count && !isinf(m->row[near].score)) /* a small step */
            return m->row[near].score + ((double)rand_below(3) - 1) / 8;
        /* fall through */
    default:
        return (double)rand_below(kinds) / 4;
    }
}

/* kinds: of scores. One is all members equal; many, hardly any. */
static void run_at_random(unsigned kinds)
{
    static struct model m;
    char text[96];
    model_clear(&m);
    struct ranked *r = ranked_new();
    size_t empty_bytes = ranked_memory(r);
    for (int i = 0; i < 60000; i++) {
        unsigned phase = (unsigned)i / 12000; /* growing, shrinking, and as large as it is */
        int member = (int)rand_below(MEMBERS);
        size_t at = model_find(&m, member);
        double score = some_score(&m, at, kinds);
        if (at == m.count) {
            if (rand_below(4) >= (phase % 2 ? 3 : 0))
                model_add(&m, score, member, ranked_insert(r, score, text_of(member, text)));
        } else if (rand_below(4) < (phase % 2 ? 3 : 1)) {
            ranked_remove(r, m.row[at].item);
            model_remove(&m, at);
        } else {
            rescore(r, &m, at, score);
        }
        check_seek(r, &m, score);
        if (i % 2000 == 0)
            check_same(r, &m);
    }
    check_same(r, &m);
    while (m.count) {
        size_t at = rand_below(m.count);
        ranked_remove(r, m.row[at].item);
        model_remove(&m, at);
        if (m.count % 500 == 0)
            check_same(r, &m);
    }
    CHECK_INT(ranked_memory(r), empty_bytes);
    ranked_free(r);
}

static void agrees_with_an_array(void)
{
    static const unsigned kinds[] = {1, 20, 200, 1u << 30};
    rand_seed(unit_seed());
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        run_at_random(kinds[i]);
}

/* ---- every size around which leaves and branches split and fuse ---- */

/* Where the next one goes: at the end, at the front, into the middle, anywhere. */
enum where { UP, DOWN, MIDDLE, ANYWHERE, WHERES };

static double next_score(enum where where, size_t i)
{
    switch (where) {
    case UP:
        return (double)i;
    case DOWN:
        return -(double)i;
    case MIDDLE:
        return (i % 2 ? 1 : -1) / (double)(i + 1);
    default:
        return (double)rand_below(1000000);
    }
}

static size_t next_place(enum where where, size_t count)
{
    switch (where) {
    case UP:
        return 0;
    case DOWN:
        return count - 1;
    case MIDDLE:
        return count / 2;
    default:
        return rand_below(count);
    }
}

static void fill(struct ranked *r, struct model *m, enum where where, size_t count)
{
    char text[96];
    for (size_t i = m->count; i < count; i++) {
        double score = next_score(where, i);
        model_add(m, score, (int)i, ranked_insert(r, score, text_of((int)i, text)));
    }
}

static void grows_and_shrinks_through_every_size(void)
{
    static struct model m;
    rand_seed(unit_seed());
    for (enum where in = UP; in < WHERES; in++) {
        for (enum where out = UP; out < WHERES; out++) {
            struct ranked *r = ranked_new();
            size_t empty_bytes = ranked_memory(r);
            model_clear(&m);
            for (size_t count = 0; count < 300; count++) {
                fill(r, &m, in, count);
                check_same(r, &m);
            }
            fill(r, &m, in, MEMBERS - 1); /* two levels of branches */
            check_same(r, &m);
            while (m.count) {
                size_t at = next_place(out, m.count);
                ranked_remove(r, m.row[at].item);
                model_remove(&m, at);
                if (m.count < 150 || m.count % 251 == 0)
                    check_same(r, &m);
            }
            CHECK_INT(ranked_memory(r), empty_bytes);
            ranked_free(r);
        }
    }
}

/* As ZREMRANGEBYRANK does it: all from one rank on. */
static void removes_a_range(void)
{
    static struct model m;
    rand_seed(unit_seed());
    for (int round = 0; round < 200; round++) {
        struct ranked *r = ranked_new();
        model_clear(&m);
        fill(r, &m, ANYWHERE, 1 + rand_below(MEMBERS - 1));
        size_t first = rand_below(m.count), count = 1 + rand_below(m.count - first);
        for (size_t i = 0; i < count; i++)
            ranked_remove(r, item_at(r, first));
        memmove(m.row + first, m.row + first + count, (m.count - first - count) * sizeof *m.row);
        m.count -= count;
        check_same(r, &m);
        ranked_free(r); /* with what is left, too */
    }
}

/* Thousands of items whose scores change, as a leaderboard's do: the tree stays in shape. */
static void stays_small_while_scores_change(void)
{
    enum { ITEMS = 20000, MEMBER = 20, CHANGES = 400000 };
    static struct ranked_item *items[ITEMS];
    char text[MEMBER] = {0};
    struct ranked *r = ranked_new();
    rand_seed(unit_seed());
    for (int i = 0; i < ITEMS; i++) {
        memcpy(text, &i, sizeof i);
        items[i] = ranked_insert(r, (double)rand_below(100000), slice(text, MEMBER));
    }
    /* 37.4 beside the member is what a skip list of four to one would take. */
    CHECK(ranked_memory(r) <= (37.4 + MEMBER) * ITEMS);
    for (int i = 0; i < CHANGES; i++)
        ranked_rescore(r, items[rand_below(ITEMS)], (double)rand_below(100000));
    CHECK(ranked_memory(r) <= (37.4 + MEMBER) * ITEMS);
    ranked_free(r);
}

static void in_order_leaves_are_full(void)
{
    enum { ITEMS = 100000, MEMBER = 20 };
    for (int direction = -1; direction <= 1; direction += 2) {
        char text[MEMBER] = {0};
        struct ranked *r = ranked_new();
        for (int i = 0; i < ITEMS; i++) {
            memcpy(text, &i, sizeof i);
            ranked_insert(r, direction * (double)i, slice(text, MEMBER));
        }
        CHECK(ranked_memory(r) <= (34 + MEMBER) * ITEMS);
        ranked_free(r);
    }
}

/* All that is asked for is counted, and nothing that is not: what the allocator says it gave is no
 * less, and hardly more, as pages are of sizes that it has. */
static void counts_its_memory(void)
{
    enum { ITEMS = 50000, MEMBER = 16 }; /* an item is 32 bytes: no rounding */
    char text[MEMBER] = {0};
    size_t before = mem_used();
    rand_seed(unit_seed());
    struct ranked *r = ranked_new();
    for (int i = 0; i < ITEMS; i++) {
        memcpy(text, &i, sizeof i);
        ranked_insert(r, (double)rand_below(1000000), slice(text, MEMBER));
    }
    size_t given = mem_used() - before, counted = ranked_memory(r);
    CHECK(given >= counted);
    CHECK(!strcmp(mem_allocator(), "libc") || given - counted < 100);
    ranked_free(r);
    CHECK_INT(mem_used(), before);
}

int main(void)
{
    return UNIT_RUN(UNIT(starts_empty), UNIT(orders_by_score_then_bytes),
                    UNIT(keeps_members_of_any_length), UNIT(agrees_with_an_array),
                    UNIT(grows_and_shrinks_through_every_size), UNIT(removes_a_range),
                    UNIT(stays_small_while_scores_change), UNIT(in_order_leaves_are_full),
                    UNIT(counts_its_memory));
}
