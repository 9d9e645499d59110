/* SPDX-License-Identifier: BSD-3-Clause */
/* Packed: member, score, member, score, ... in order; every walk is linear, and at most
 * zset-max-listpack-entries long. Large: a table finds the item of a member, a tree keeps
 * the order; the item owns the member's bytes. */
#include "store/val_zset.h"

#include <math.h>

#include "base/mem.h"
#include "base/must.h"
#include "base/rand.h"
#include "containers/listpack.h"
#include "format/sink.h"

enum { SCORE_ELEMENT_MAX = NUM_DOUBLE_TEXT + 4 };

static struct slice key_of(const void *item)
{
    return ranked_member(item);
}

static const struct table_type members = {.key = key_of};

static struct val packed(uint8_t *lp)
{
    return (struct val){VALUE_ZSET, ENC_LISTPACK, lp};
}

struct val zset_new(void)
{
    return packed(lp_new());
}

static double score_at(const uint8_t *lp, size_t at)
{
    int64_t n;
    struct slice text;
    double score = 0;
    if (lp_get_int(lp, at, &n, &text))
        return (double)n;
    must(num_parse_double(text, &score));
    return score;
}

static struct zset *large_new(size_t room)
{
    struct zset *z = mem_alloc(sizeof *z);
    table_init(&z->members, &members);
    table_reserve(&z->members, room);
    z->order = ranked_new();
    return z;
}

/* Every item is found both ways. */
static void large_must_hold(const struct zset *z)
{
    must(z->members.count == ranked_count(z->order));
}

static void large_add(struct zset *z, struct slice member, double score)
{
    table_add(&z->members, ranked_insert(z->order, score, member));
}

static void to_large(struct val *v, size_t room)
{
    must(v->encoding == ENC_LISTPACK);
    uint8_t *lp = v->ptr;
    struct zset *z = large_new(room);
    char scratch[NUM_I64_TEXT];
    for (size_t at = lp_first(lp); at; at = lp_next(lp, at)) {
        struct slice member = lp_get(lp, at, scratch);
        at = lp_next(lp, at);
        large_add(z, member, score_at(lp, at));
    }
    must(z->members.count == lp_count(lp) / 2);
    large_must_hold(z);
    mem_free(lp);
    v->encoding = ENC_SKIPLIST;
    v->ptr = z;
}

static struct val from_listpack(uint8_t *lp, const struct value_limits *limits)
{
    struct val v = packed(lp);
    size_t count = lp_count(lp) / 2;
    must(lp_count(lp) % 2 == 0);
    bool over = count > limits->zset_listpack_entries;
    char scratch[NUM_I64_TEXT];
    for (size_t at = lp_first(lp); at && !over; at = lp_next(lp, lp_next(lp, at)))
        over = lp_get(lp, at, scratch).len > limits->zset_listpack_value;
    if (over)
        to_large(&v, count);
    return v;
}

void zset_expect(struct val *v, size_t count, const struct value_limits *limits)
{
    if (v->encoding == ENC_LISTPACK && count > limits->zset_listpack_entries)
        to_large(v, count);
}

void zset_unpack(struct val *v)
{
    if (v->encoding == ENC_LISTPACK)
        to_large(v, zset_count(v));
}

size_t zset_count(const struct val *v)
{
    return v->encoding == ENC_LISTPACK ? lp_count(v->ptr) / 2
                                       : ((struct zset *)v->ptr)->members.count;
}

static size_t find_packed(const uint8_t *lp, struct slice member)
{
    size_t first = lp_first(lp);
    return first ? lp_find(lp, first, member, 1) : 0;
}

bool zset_score(const struct val *v, struct slice member, double *score)
{
    if (v->encoding == ENC_SKIPLIST) {
        const struct ranked_item *item = table_find(&((struct zset *)v->ptr)->members, member);
        if (item)
            *score = ranked_score(item);
        return item;
    }
    size_t at = find_packed(v->ptr, member);
    if (at)
        *score = score_at(v->ptr, lp_next(v->ptr, at));
    return at;
}

/* Is the pair at lower than (score, member)? */
static bool packed_below(const uint8_t *lp, size_t at, struct slice member, double score)
{
    double its = score_at(lp, lp_next(lp, at));
    if (its != score)
        return its < score;
    char scratch[NUM_I64_TEXT];
    return slice_cmp(lp_get(lp, at, scratch), member) < 0;
}

/* A packed zero has no sign. */
static struct slice score_text(char text[NUM_DOUBLE_TEXT], double score)
{
    return slice(text, num_format_double(text, score == 0 ? 0 : score));
}

static uint8_t *packed_append(uint8_t *lp, struct slice member, double score)
{
    char text[NUM_DOUBLE_TEXT];
    return lp_append(lp_append(lp, member), score_text(text, score));
}

static uint8_t *packed_insert(uint8_t *lp, struct slice member, double score)
{
    size_t at = lp_first(lp);
    char text[NUM_DOUBLE_TEXT];
    while (at && packed_below(lp, at, member, score))
        at = lp_next(lp, lp_next(lp, at));
    if (!at)
        return packed_append(lp, member, score);
    /* The score first: the member then goes in front of it, at the same place. */
    return lp_insert(lp_insert(lp, at, score_text(text, score)), at, member);
}

void zset_pack(struct val *v, const struct value_limits *limits)
{
    if (v->encoding == ENC_LISTPACK || zset_count(v) > limits->zset_listpack_entries)
        return;
    uint8_t *lp = lp_new();
    struct zset *z = v->ptr;
    const struct ranked_item *item;
    struct ranked_walk w;
    for (ranked_walk_at(&w, z->order, 0); (item = ranked_walk_up(&w));) {
        struct slice member = ranked_member(item);
        if (member.len > limits->zset_listpack_value ||
            !lp_fits(lp, member.len + SCORE_ELEMENT_MAX)) {
            mem_free(lp);
            return;
        }
        lp = packed_append(lp, member, ranked_score(item));
    }
    must(lp_count(lp) == 2 * zset_count(v));
    zset_free(*v);
    *v = packed(lp);
}

static enum zset_change large_set(struct zset *z, struct slice member, double score)
{
    uint64_t hash = table_hash(&z->members, member);
    struct ranked_item *item = table_find_hashed(&z->members, member, hash);
    if (item) {
        if (ranked_score(item) == score)
            return ZSET_SAME;
        ranked_rescore(z->order, item, score);
        return ZSET_MOVED;
    }
    table_add_hashed(&z->members, ranked_insert(z->order, score, member), hash);
    large_must_hold(z);
    return ZSET_ADDED;
}

enum zset_change zset_set(struct val *v, struct slice member, double score,
                          const struct value_limits *limits)
{
    must(!isnan(score));
    if (v->encoding == ENC_SKIPLIST)
        return large_set(v->ptr, member, score);
    uint8_t *lp = v->ptr;
    size_t at = find_packed(lp, member);
    if (at && score_at(lp, lp_next(lp, at)) == score)
        return ZSET_SAME;
    bool stays = at || (zset_count(v) < limits->zset_listpack_entries &&
                        member.len <= limits->zset_listpack_value);
    /* Another score may be a longer text, too. */
    if (!stays || !lp_fits(lp, (at ? 0 : member.len) + SCORE_ELEMENT_MAX)) {
        to_large(v, zset_count(v) + 1);
        return large_set(v->ptr, member, score);
    }
    v->ptr = packed_insert(at ? lp_delete(lp, at, 2) : lp, member, score);
    return at ? ZSET_MOVED : ZSET_ADDED;
}

bool zset_put(struct val *v, struct slice member, double score, const struct value_limits *limits)
{
    return zset_set(v, member, score, limits) == ZSET_ADDED;
}

static void large_remove(struct zset *z, struct ranked_item *item)
{
    const void *removed = table_remove(&z->members, ranked_member(item));
    must(removed == item);
    ranked_remove(z->order, item);
}

bool zset_remove(struct val *v, struct slice member)
{
    if (v->encoding == ENC_SKIPLIST) {
        struct zset *z = v->ptr;
        struct ranked_item *item = table_find(&z->members, member);
        if (item)
            large_remove(z, item);
        return item;
    }
    size_t at = find_packed(v->ptr, member);
    if (at)
        v->ptr = lp_delete(v->ptr, at, 2);
    return at;
}

bool zset_rank(const struct val *v, struct slice member, bool reverse, size_t *rank, double *score)
{
    if (v->encoding == ENC_SKIPLIST) {
        struct zset *z = v->ptr;
        const struct ranked_item *item = table_find(&z->members, member);
        if (!item)
            return false;
        *rank = ranked_rank(item);
        *score = ranked_score(item);
    } else {
        const uint8_t *lp = v->ptr;
        size_t at = lp_first(lp);
        for (*rank = 0; at && !lp_equal(lp, at, member); ++*rank)
            at = lp_next(lp, lp_next(lp, at));
        if (!at)
            return false;
        *score = score_at(lp, lp_next(lp, at));
    }
    must(*rank < zset_count(v));
    if (reverse)
        *rank = zset_count(v) - 1 - *rank;
    return true;
}

/* ---- ranges: what lies below the start, what lies at or below the end ---- */

static bool below_min(double score, const struct zset_score_range *r)
{
    return r->min_open ? score <= r->min : score < r->min;
}

static bool within_max(double score, const struct zset_score_range *r)
{
    return r->max_open ? score < r->max : score <= r->max;
}

static bool lex_below_min(struct slice member, const struct zset_lex_range *r)
{
    if (r->min_infinite)
        return false;
    int order = slice_cmp(member, r->min);
    return r->min_open ? order <= 0 : order < 0;
}

static bool lex_within_max(struct slice member, const struct zset_lex_range *r)
{
    if (r->max_infinite)
        return true;
    int order = slice_cmp(member, r->max);
    return r->max_open ? order < 0 : order <= 0;
}

static bool item_below_min(double score, const struct ranked_item *item, const void *r)
{
    (void)item;
    return below_min(score, r);
}
static bool item_within_max(double score, const struct ranked_item *item, const void *r)
{
    (void)item;
    return within_max(score, r);
}
static bool item_lex_below_min(double score, const struct ranked_item *item, const void *r)
{
    (void)score;
    return lex_below_min(ranked_member(item), r);
}
static bool item_lex_within_max(double score, const struct ranked_item *item, const void *r)
{
    (void)score;
    return lex_within_max(ranked_member(item), r);
}

static size_t large_span(const struct zset *z, ranked_below *below, ranked_below *within,
                         const void *range, size_t *first)
{
    *first = ranked_seek(z->order, below, range, NULL);
    size_t last = ranked_seek(z->order, within, range, NULL);
    return last > *first ? last - *first : 0;
}

size_t zset_score_span(const struct val *v, const struct zset_score_range *r, size_t *first)
{
    if (v->encoding == ENC_SKIPLIST)
        return large_span(v->ptr, item_below_min, item_within_max, r, first);
    const uint8_t *lp = v->ptr;
    size_t n = 0;
    *first = 0;
    for (size_t at = lp_first(lp); at; at = lp_next(lp, lp_next(lp, at))) {
        double score = score_at(lp, lp_next(lp, at));
        if (below_min(score, r))
            ++*first;
        else if (within_max(score, r))
            n++;
        else
            break;
    }
    must(*first + n <= zset_count(v));
    return n;
}

size_t zset_lex_span(const struct val *v, const struct zset_lex_range *r, size_t *first)
{
    *first = 0;
    if (r->nothing)
        return 0;
    if (v->encoding == ENC_SKIPLIST)
        return large_span(v->ptr, item_lex_below_min, item_lex_within_max, r, first);
    const uint8_t *lp = v->ptr;
    char scratch[NUM_I64_TEXT];
    size_t n = 0;
    for (size_t at = lp_first(lp); at; at = lp_next(lp, lp_next(lp, at))) {
        struct slice member = lp_get(lp, at, scratch);
        if (n == 0 && lex_below_min(member, r)) /* with unequal scores one may come later again */
            ++*first;
        else if (lex_within_max(member, r))
            n++;
        else
            break;
    }
    must(*first + n <= zset_count(v));
    return n;
}

/* ---- walking ---- */

void zset_iter_init(struct zset_iter *it, const struct val *v, size_t rank, bool reverse)
{
    it->v = v;
    it->reverse = reverse;
    it->at = 0;
    it->walk.leaf = NULL;
    if (rank >= zset_count(v))
        return;
    if (v->encoding == ENC_SKIPLIST)
        ranked_walk_at(&it->walk, ((struct zset *)v->ptr)->order, rank);
    else
        it->at = lp_at(v->ptr, (long)rank * 2);
    must(it->walk.leaf || it->at);
}

void zset_iter_seek(struct zset_iter *it, const struct val *v, double min)
{
    const struct zset_score_range r = {.min = min};
    *it = (struct zset_iter){.v = v};
    if (v->encoding == ENC_SKIPLIST) {
        ranked_seek(((struct zset *)v->ptr)->order, item_below_min, &r, &it->walk);
        return;
    }
    const uint8_t *lp = v->ptr;
    it->at = lp_first(lp);
    while (it->at && below_min(score_at(lp, lp_next(lp, it->at)), &r))
        it->at = lp_next(lp, lp_next(lp, it->at));
}

bool zset_iter_next(struct zset_iter *it, struct slice *member, double *score)
{
    if (it->walk.leaf) {
        const struct ranked_item *item = it->reverse ? ranked_walk_down(&it->walk)
                                                     : ranked_walk_up(&it->walk);
        *member = ranked_member(item);
        *score = ranked_score(item);
        return true;
    }
    if (!it->at)
        return false;
    const uint8_t *lp = it->v->ptr;
    size_t score_place = lp_next(lp, it->at);
    *member = lp_get(lp, it->at, it->scratch);
    *score = score_at(lp, score_place);
    if (it->reverse) {
        size_t before = lp_prev(lp, it->at);
        it->at = before ? lp_prev(lp, before) : 0;
    } else {
        it->at = lp_next(lp, score_place);
    }
    return true;
}

void zset_remove_ranks(struct val *v, size_t first, size_t count)
{
    must(first + count <= zset_count(v));
    if (count == 0)
        return;
    if (v->encoding == ENC_LISTPACK) {
        v->ptr = lp_delete(v->ptr, lp_at(v->ptr, (long)first * 2), count * 2);
        return;
    }
    struct zset *z = v->ptr;
    for (; count; count--) {
        struct ranked_walk w; /* no longer than until something is removed */
        ranked_walk_at(&w, z->order, first);
        struct ranked_item *item = ranked_walk_up(&w);
        must(item);
        large_remove(z, item);
    }
    large_must_hold(z);
}

void zset_random(const struct val *v, struct slice *member, double *score,
                 char scratch[NUM_I64_TEXT])
{
    must(zset_count(v) > 0);
    if (v->encoding == ENC_SKIPLIST) {
        const struct ranked_item *item = table_random(&((struct zset *)v->ptr)->members);
        *member = ranked_member(item);
        *score = ranked_score(item);
        return;
    }
    size_t at = lp_at(v->ptr, (long)rand_below(zset_count(v)) * 2);
    *member = lp_get(v->ptr, at, scratch);
    *score = score_at(v->ptr, lp_next(v->ptr, at));
}

struct scan {
    zset_visit *visit;
    void *arg;
};

static void scan_item(void *arg, void *item)
{
    struct scan *s = arg;
    s->visit(s->arg, ranked_member(item), ranked_score(item));
}

uint64_t zset_scan(const struct val *v, uint64_t cursor, zset_visit *visit, void *arg)
{
    if (v->encoding == ENC_SKIPLIST)
        return table_scan(&((struct zset *)v->ptr)->members, cursor, scan_item,
                          &(struct scan){visit, arg});
    struct zset_iter it;
    struct slice member;
    double score;
    for (zset_iter_init(&it, v, 0, false); zset_iter_next(&it, &member, &score);)
        visit(arg, member, score);
    return 0;
}

void zset_free(struct val v)
{
    if (v.encoding == ENC_SKIPLIST) {
        struct zset *z = v.ptr;
        large_must_hold(z);
        table_release(&z->members);
        ranked_free(z->order);
    }
    mem_free(v.ptr);
}

static struct val copy_zset(const struct val *v)
{
    if (v->encoding == ENC_LISTPACK)
        return packed(mem_copy(v->ptr, lp_bytes(v->ptr)));
    struct zset *z = large_new(zset_count(v));
    const struct zset *from = v->ptr;
    const struct ranked_item *item;
    struct ranked_walk w;
    for (ranked_walk_at(&w, from->order, 0); (item = ranked_walk_up(&w));)
        large_add(z, ranked_member(item), ranked_score(item));
    must(z->members.count == from->members.count);
    large_must_hold(z);
    return (struct val){VALUE_ZSET, ENC_SKIPLIST, z};
}

static size_t bytes_of(const struct val *v, size_t samples)
{
    (void)samples; /* the tree knows its bytes */
    if (v->encoding == ENC_LISTPACK)
        return mem_usable(v->ptr);
    const struct zset *z = v->ptr;
    return mem_usable(z) + table_memory(&z->members) + ranked_memory(z->order);
}

/* ---- the row ---- */

/* From the highest score down: a loader that inserts at the front of the order is fastest. */
static void walk_zset(const struct val *v, struct sink *sink)
{
    if (v->encoding == ENC_LISTPACK) {
        sink_packed(sink, PACK_ZSET, lp_blob(v->ptr));
        return;
    }
    struct zset_iter it;
    struct slice member;
    double score;
    size_t walked = 0;
    for (zset_iter_init(&it, v, zset_count(v) - 1, true);
         zset_iter_next(&it, &member, &score) && !sink_bad(sink); walked++) {
        SINK_EVENT(sink, score, member, score);
    }
    must(sink_bad(sink) || walked == zset_count(v)); /* the key's event said how many */
}

static struct val load_zset(uint64_t count, const struct value_limits *limits)
{
    struct val v = zset_new();
    zset_expect(&v, count, limits);
    return v;
}

static struct val load_block(enum pack pack, uint8_t *block, const struct value_limits *limits)
{
    must(pack == PACK_ZSET);
    return from_listpack(block, limits);
}

static const struct table *table_of_zset(const struct val *v)
{
    must(v->type == VALUE_ZSET);
    return v->encoding == ENC_SKIPLIST ? &((const struct zset *)v->ptr)->members : NULL;
}

const struct value_ops zset_ops = {
    .free = zset_free,
    .copy = copy_zset,
    .count = zset_count,
    .memory = bytes_of,
    .table = table_of_zset,
    .walk = walk_zset,
    .load_new = load_zset,
    .load_block = load_block,
    .load_score = zset_put,
    .twice = "Duplicate zset member",
};
