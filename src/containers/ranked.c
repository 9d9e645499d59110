/* SPDX-License-Identifier: BSD-3-Clause */
/* Items, and where they belong. The score stands twice, in the item and beside it in the leaf: who
 * comes by the table needs no leaf, who searches needs no item. */
#include "containers/ranked.h"

#include "base/mem.h"
#include "base/must.h"
#include "containers/ranked_tree.h"

enum { WALK_AHEAD = 6, LINE = 64 / sizeof(double) };

/* ---- items ---- */

static size_t item_size(size_t len)
{
    return sizeof(struct ranked_item) + (len < RANKED_LONG ? 0 : sizeof len) + len;
}

static struct ranked_item *item_new(double score, struct slice member)
{
    struct ranked_item *item = mem_alloc(item_size(member.len));
    char *to = item->bytes;
    item->score = score;
    item->len = member.len < RANKED_LONG ? member.len & UINT8_MAX : RANKED_LONG;
    if (item->len == RANKED_LONG) {
        memcpy(to, &member.len, sizeof member.len);
        to += sizeof member.len;
    }
    if (member.len)
        memcpy(to, member.data, member.len);
    return item;
}

static size_t item_bytes(const struct ranked_item *item)
{
    return item_size(ranked_member(item).len);
}

static struct ranked_leaf *leaf_of(const struct ranked_item *item)
{
    return (struct ranked_leaf *)(uintptr_t)item->leaf;
}

/* ---- searching a page ---- */

/* All lines at once, as the steps of the search wait for one another. */
static void fetch_scores(const struct ranked_page *p)
{
    for (size_t i = 0; i < p->count; i += LINE)
        __builtin_prefetch(p->score + i);
}

typedef double scores2 __attribute__((vector_size(16), aligned(8)));
typedef int64_t counts2 __attribute__((vector_size(16)));

/* How many scores are lower. All are compared, two at a time: to halve would need a third of the
 * comparisons, but each would wait for the one before. */
static size_t lower_scores(const struct ranked_page *p, double score)
{
    const double *s = p->score;
    size_t i = 0, n = p->count;
    scores2 than = {score, score};
    counts2 a = {0}, b = {0};
    for (; i + 4 <= n; i += 4) {
        a -= *(const scores2 *)(s + i) < than;
        b -= *(const scores2 *)(s + i + 2) < than;
    }
    a += b;
    size_t lower = (size_t)(a[0] + a[1]);
    for (; i < n; i++)
        lower += s[i] < score;
    return lower;
}

static size_t lower_members(struct ranked_item *const *items, size_t n, struct slice member)
{
    size_t at = 0, end = n;
    while (at < end) {
        size_t middle = at + (end - at) / 2;
        __builtin_prefetch(items[at + (middle - at) / 2]);
        __builtin_prefetch(items[middle + (end - middle) / 2]);
        if (slice_cmp(ranked_member(items[middle]), member) < 0)
            at = middle + 1;
        else
            end = middle;
    }
    return at;
}

static size_t lower_entries(const struct ranked_page *p, double score, struct slice member)
{
    size_t at = 0, end = p->count;
    if (end == 0)
        return 0;
    if (p->score[0] != score || p->score[end - 1] != score) {
        at = lower_scores(p, score);
        for (end = at; end < p->count && p->score[end] == score;)
            end++;
    }
    return at == end ? at : at + lower_members(p->item + at, end - at, member);
}

static size_t entries_below(const struct ranked_page *p, ranked_below *below, const void *arg)
{
    size_t at = 0, end = p->count;
    while (at < end) {
        size_t middle = at + (end - at) / 2;
        if (below(p->score[middle], p->item[middle], arg))
            at = middle + 1;
        else
            end = middle;
    }
    return at;
}

/* Is the entry lower than (score, member)? */
static bool is_lower(const struct ranked_page *p, size_t at, double score, struct slice member)
{
    if (p->score[at] != score)
        return p->score[at] < score;
    return slice_cmp(ranked_member(p->item[at]), member) < 0;
}

/* ---- places ---- */

static const struct ranked_branch *branch_of(const struct ranked_page *p)
{
    return (const struct ranked_branch *)p;
}

/* Below the last child whose first item is lower. */
static struct ranked_leaf *find_leaf(const struct ranked *r, double score, struct slice member)
{
    struct ranked_page *p = r->root;
    for (unsigned level = r->height; level > 0; level--) {
        size_t lower = lower_entries(p, score, member);
        p = branch_of(p)->child[lower ? lower - 1 : 0];
        fetch_scores(p);
    }
    return (struct ranked_leaf *)p;
}

/* Who went to an end is likely to go there again. */
static struct ranked_leaf *find_place(const struct ranked *r, double score, struct slice member,
                                      size_t *at)
{
    size_t count = r->last->page.count;
    if (r->end > 0 && count && is_lower(&r->last->page, count - 1, score, member)) {
        *at = count;
        return r->last;
    }
    if (r->end < 0 && count && !is_lower(&r->first->page, 0, score, member)) {
        *at = 0;
        return r->first;
    }
    struct ranked_leaf *leaf = find_leaf(r, score, member);
    *at = lower_entries(&leaf->page, score, member);
    return leaf;
}

static void put(struct ranked *r, struct ranked_item *item)
{
    size_t at;
    struct ranked_leaf *leaf = find_place(r, item->score, ranked_member(item), &at);
    r->end = !leaf->next && at == leaf->page.count ? 1 : !leaf->prev && at == 0 ? -1 : 0;
    ranked_tree_put(r, leaf, at, item);
}

/* The hint is right until others come or go in front of the item, and then not far off: its score
 * tells the way. Of equal ones it does not. */
static size_t place_of(const struct ranked_item *item)
{
    const struct ranked_page *p = &leaf_of(item)->page;
    size_t at = item->hint > p->start ? item->hint - p->start : 0;
    if (at >= p->count)
        at = p->count - 1u;
    if (p->item[at] != item && p->score[at] == item->score)
        at = lower_scores(p, item->score);
    size_t step = p->score[at] > item->score ? (size_t)-1 : 1;
    while (at < p->count && p->item[at] != item)
        at += step;
    must(at < p->count);
    return at;
}

/* ---- the set ---- */

struct ranked *ranked_new(void)
{
    struct ranked *r = mem_alloc(sizeof *r);
    ranked_tree_init(r);
    return r;
}

void ranked_free(struct ranked *r)
{
    ranked_tree_release(r, item_bytes);
    mem_free(r);
}

size_t ranked_count(const struct ranked *r)
{
    return r->count;
}

size_t ranked_memory(const struct ranked *r)
{
    return r->bytes;
}

struct ranked_item *ranked_insert(struct ranked *r, double score, struct slice member)
{
    must(score == score);
    struct ranked_item *item = item_new(score, member);
    r->bytes += item_size(member.len);
    put(r, item);
    return item;
}

void ranked_remove(struct ranked *r, struct ranked_item *item)
{
    size_t bytes = item_bytes(item);
    ranked_tree_take(r, leaf_of(item), place_of(item));
    must(r->bytes > bytes);
    r->bytes -= bytes;
    mem_free_sized(item, bytes);
}

/* Still between its neighbours, which is what small steps mostly leave it. */
static bool stays(const struct ranked_leaf *leaf, size_t at, double score, struct slice member)
{
    const struct ranked_page *p = &leaf->page;
    return (at > 0 ? is_lower(p, at - 1, score, member) : !leaf->prev) &&
           (at + 1 < p->count ? !is_lower(p, at + 1, score, member) : !leaf->next);
}

/* Surely: at the ends of a leaf it may be another that the item belongs to. */
static bool belongs_to(const struct ranked_leaf *leaf, double score, struct slice member)
{
    return (!leaf->prev || is_lower(&leaf->page, 0, score, member)) &&
           (!leaf->next || !is_lower(&leaf->page, leaf->page.count - 1u, score, member));
}

void ranked_rescore(struct ranked *r, struct ranked_item *item, double score)
{
    must(score == score);
    struct ranked_leaf *leaf = leaf_of(item);
    struct slice member = ranked_member(item);
    size_t from = place_of(item);
    bool same_place = stays(leaf, from, score, member);
    if (same_place || belongs_to(leaf, score, member)) {
        size_t to = same_place ? from : lower_entries(&leaf->page, score, member);
        item->score = score;
        ranked_tree_shift(leaf, from, to > from ? to - 1 : to);
        return;
    }
    ranked_tree_take(r, leaf, from);
    item->score = score;
    put(r, item);
}

size_t ranked_rank(const struct ranked_item *item)
{
    size_t rank = place_of(item);
    for (const struct ranked_page *p = &leaf_of(item)->page; p->parent; p = &p->parent->page)
        for (size_t i = 0; i < p->slot; i++)
            rank += p->parent->size[i];
    return rank;
}

/* ---- walks ---- */

void ranked_walk_at(struct ranked_walk *w, const struct ranked *r, size_t rank)
{
    const struct ranked_page *p = r->root;
    *w = (struct ranked_walk){NULL, 0};
    if (rank >= r->count)
        return;
    for (unsigned level = r->height; level > 0; level--) {
        const size_t *size = branch_of(p)->size;
        size_t at = 0;
        for (; rank >= size[at]; at++)
            rank -= size[at];
        must(at < p->count);
        p = branch_of(p)->child[at];
    }
    must(rank < p->count);
    *w = (struct ranked_walk){(const struct ranked_leaf *)p, rank};
}

size_t ranked_seek(const struct ranked *r, ranked_below *below, const void *arg,
                   struct ranked_walk *w)
{
    const struct ranked_page *p = r->root;
    size_t rank = 0;
    for (unsigned level = r->height; level > 0; level--) {
        size_t lower = entries_below(p, below, arg), at = lower ? lower - 1 : 0;
        for (size_t i = 0; i < at; i++)
            rank += branch_of(p)->size[i];
        p = branch_of(p)->child[at];
        fetch_scores(p);
    }
    const struct ranked_leaf *leaf = (const struct ranked_leaf *)p;
    size_t at = entries_below(p, below, arg);
    if (w)
        *w = at < p->count ? (struct ranked_walk){leaf, at} : (struct ranked_walk){leaf->next, 0};
    must(rank + at <= r->count);
    return rank + at;
}

struct ranked_item *ranked_walk_up(struct ranked_walk *w)
{
    if (!w->leaf)
        return NULL;
    const struct ranked_page *p = &w->leaf->page;
    struct ranked_item *item = p->item[w->at];
    if (w->at + WALK_AHEAD < p->count)
        __builtin_prefetch(p->item[w->at + WALK_AHEAD]);
    if (++w->at == p->count)
        *w = (struct ranked_walk){w->leaf->next, 0};
    return item;
}

struct ranked_item *ranked_walk_down(struct ranked_walk *w)
{
    if (!w->leaf)
        return NULL;
    const struct ranked_page *p = &w->leaf->page;
    struct ranked_item *item = p->item[w->at];
    if (w->at >= WALK_AHEAD)
        __builtin_prefetch(p->item[w->at - WALK_AHEAD]);
    if (w->at-- == 0) {
        w->leaf = w->leaf->prev;
        w->at = w->leaf ? w->leaf->page.count - 1u : 0;
    }
    return item;
}
