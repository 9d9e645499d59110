/* SPDX-License-Identifier: BSD-3-Clause */
/* A leaf splits in halves when it is full, but where an item goes to an end of the order an empty
 * leaf is hung there: what comes in order leaves full leaves behind it. A page of which less than a
 * quarter is left is fused with a neighbour under the same parent where both together leave a
 * quarter free; so neither happens again soon. */
#include "containers/ranked_tree.h"

#include <stdbool.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"

enum {
    LEAF_STEP = 8,
    LEAF_MAX = 80,
    LEAF_LOW = 24,
    LEAF_FUSED = LEAF_MAX - LEAF_MAX / 4,
    LEAF_SLACK = 12,
    BRANCH_LOW = RANKED_BRANCH_MAX / 4,
    BRANCH_FUSED = RANKED_BRANCH_MAX - RANKED_BRANCH_MAX / 4,
    FREE_AHEAD = 8,
};

/* Of arrays: sizes that the allocator has. */
static size_t room_for(size_t count)
{
    size_t step = count > 8 * LEAF_STEP ? 2 * LEAF_STEP : LEAF_STEP;
    return count ? (count + step - 1) / step * step : LEAF_STEP;
}

static size_t array_bytes(size_t room)
{
    return room * (sizeof(double) + sizeof(struct ranked_item *));
}

static struct ranked_leaf *leaf_of(struct ranked_page *p)
{
    return (struct ranked_leaf *)p;
}

static struct ranked_branch *branch_of(struct ranked_page *p)
{
    return (struct ranked_branch *)p;
}

/* ---- a leaf ---- */

static void set_arrays(struct ranked_page *p, size_t room)
{
    p->start = 0;
    p->room = (uint16_t)room;
    p->score = mem_alloc(array_bytes(room));
    p->item = (struct ranked_item **)(p->score + room);
}

static void free_arrays(struct ranked_page *p)
{
    mem_free_sized(p->score - p->start, array_bytes(p->room));
}

static struct ranked_leaf *leaf_new(struct ranked *r, size_t room)
{
    struct ranked_leaf *leaf = mem_zalloc(sizeof *leaf);
    must((uintptr_t)leaf >> 48 == 0);
    set_arrays(&leaf->page, room);
    r->bytes += sizeof *leaf + array_bytes(room);
    return leaf;
}

static void leaf_free(struct ranked *r, struct ranked_leaf *leaf)
{
    r->bytes -= sizeof *leaf + array_bytes(leaf->page.room);
    free_arrays(&leaf->page);
    mem_free_sized(leaf, sizeof *leaf);
}

/* n of from's entries, from place at on, to the end of to. */
static void page_append(struct ranked_page *to, const struct ranked_page *from, size_t at, size_t n)
{
    memcpy(to->score + to->count, from->score + at, n * sizeof *to->score);
    memcpy(to->item + to->count, from->item + at, n * sizeof *to->item);
    to->count = (uint16_t)(to->count + n);
}

static void leaf_resize(struct ranked *r, struct ranked_leaf *leaf, size_t room)
{
    struct ranked_page was = leaf->page;
    must(room >= was.count);
    set_arrays(&leaf->page, room);
    leaf->page.count = 0;
    page_append(&leaf->page, &was, 0, was.count);
    r->bytes += array_bytes(room) - array_bytes(was.room);
    free_arrays(&was);
}

/* Not at once: who adds and removes by turns would copy the arrays each time. */
static void leaf_shrink(struct ranked *r, struct ranked_leaf *leaf)
{
    if (leaf->page.room - leaf->page.count > LEAF_SLACK)
        leaf_resize(r, leaf, room_for(leaf->page.count));
}

/* n entries from a place on go to another. */
static void page_move(struct ranked_page *p, size_t to, size_t from, size_t n)
{
    memmove(p->score + to, p->score + from, n * sizeof *p->score);
    memmove(p->item + to, p->item + from, n * sizeof *p->item);
}

/* Where entry 0 stands. */
static void set_start(struct ranked_page *p, size_t start)
{
    p->score += (ptrdiff_t)start - p->start;
    p->item += (ptrdiff_t)start - p->start;
    p->start = (uint16_t)start;
}

/* The free places are in front and behind, so that only the shorter part is to be moved; where they
 * all are on the other side, they all change sides. */
static void leaf_insert(struct ranked_page *p, size_t at, struct ranked_item *item)
{
    bool front = at < p->count / 2u;
    size_t start = p->start, most = p->room - p->count;
    must(most > 0);
    if (front ? start == 0 : start == most) {
        double *score = p->score;
        struct ranked_item **items = p->item;
        set_start(p, front ? most : 0);
        memmove(p->score, score, p->count * sizeof *score);
        memmove(p->item, items, p->count * sizeof *items);
    }
    if (front) {
        set_start(p, p->start - 1u);
        page_move(p, 0, 1, at);
    } else {
        page_move(p, at + 1, at, p->count - at);
    }
    p->score[at] = item->score;
    p->item[at] = item;
    p->count++;
}

static void leaf_delete(struct ranked_page *p, size_t at)
{
    must(at < p->count);
    p->count--;
    if (at < p->count / 2u) {
        page_move(p, 1, 0, at);
        set_start(p, p->start + 1u);
    } else {
        page_move(p, at, at + 1, p->count - at);
    }
}

/* ---- a branch ---- */

static struct ranked_branch *branch_new(struct ranked *r)
{
    struct ranked_branch *b = mem_alloc(sizeof *b);
    b->page = (struct ranked_page){.score = b->score, .item = b->item};
    r->bytes += sizeof *b;
    return b;
}

static void branch_free(struct ranked *r, struct ranked_branch *b)
{
    r->bytes -= sizeof *b;
    mem_free_sized(b, sizeof *b);
}

static void branch_move(struct ranked_branch *b, size_t to, size_t from)
{
    size_t n = b->page.count - from;
    must(from <= b->page.count && to + n <= RANKED_BRANCH_MAX);
    page_move(&b->page, to, from, n);
    memmove(b->child + to, b->child + from, n * sizeof *b->child);
    memmove(b->size + to, b->size + from, n * sizeof *b->size);
    b->page.count = (uint16_t)(to + n);
}

static void branch_append(struct ranked_branch *to, const struct ranked_branch *from, size_t at)
{
    size_t count = to->page.count, n = from->page.count - at;
    must(count + n <= RANKED_BRANCH_MAX);
    page_append(&to->page, &from->page, at, n);
    memcpy(to->child + count, from->child + at, n * sizeof *to->child);
    memcpy(to->size + count, from->size + at, n * sizeof *to->size);
}

static void branch_set(struct ranked_branch *b, size_t at, struct ranked_page *child, size_t size)
{
    b->score[at] = child->score[0];
    b->item[at] = child->item[0];
    b->child[at] = child;
    b->size[at] = size;
}

static void own(struct ranked_leaf *leaf, size_t from, size_t end)
{
    for (size_t i = from; i < end; i++) {
        leaf->page.item[i]->leaf = (uintptr_t)leaf;
        leaf->page.item[i]->hint = (leaf->page.start + i) & UINT8_MAX;
    }
}

static void number(struct ranked_branch *b, size_t from)
{
    for (size_t i = from; i < b->page.count; i++) {
        b->child[i]->parent = b;
        b->child[i]->slot = (uint16_t)i;
    }
}

/* ---- what the branches above know of a page ---- */

static void tell_size(const struct ranked_page *p, size_t more)
{
    for (; p->parent; p = &p->parent->page)
        p->parent->size[p->slot] += more;
}

static void tell_first(const struct ranked_page *p)
{
    for (bool first = true; first && p->parent; p = &p->parent->page) {
        p->parent->score[p->slot] = p->score[0];
        p->parent->item[p->slot] = p->item[0];
        first = p->slot == 0;
    }
}

/* ---- more pages ---- */

static void grow(struct ranked *r)
{
    struct ranked_branch *b = branch_new(r);
    must(!r->root->parent);
    b->page.count = 1;
    branch_set(b, 0, r->root, r->count);
    number(b, 0);
    r->root = &b->page;
    r->height++;
}

static void hang(struct ranked *r, struct ranked_page *beside, struct ranked_page *p, bool behind,
                 size_t moved);

/* Where the next child comes at an end, nearly all stay in one. */
static void split_branch(struct ranked *r, struct ranked_branch *b, size_t next)
{
    size_t count = b->page.count, moved = 0;
    size_t keep = next == count ? count - 1 : next == 0 ? 1 : count / 2;
    struct ranked_branch *right = branch_new(r);
    must(keep > 0 && keep < count);
    branch_append(right, b, keep);
    b->page.count = (uint16_t)keep;
    number(right, 0);
    for (size_t i = 0; i < right->page.count; i++)
        moved += right->size[i];
    hang(r, &b->page, &right->page, true, moved);
}

/* Beside a page, of whose items so many have moved to the new one. Calls itself, by split_branch,
 * no more often than the tree is high. */
static void hang(struct ranked *r, struct ranked_page *beside, struct ranked_page *p, bool behind,
                 size_t moved)
{
    if (!beside->parent)
        grow(r);
    if (beside->parent->page.count == RANKED_BRANCH_MAX)
        split_branch(r, beside->parent, beside->slot + (size_t)behind);
    struct ranked_branch *b = beside->parent;
    size_t at = beside->slot + (size_t)behind;
    must(b->size[beside->slot] >= moved);
    b->size[beside->slot] -= moved;
    branch_move(b, at + 1, at);
    branch_set(b, at, p, moved);
    number(b, at);
    if (at == 0)
        tell_first(&b->page);
}

static void link_leaf(struct ranked *r, struct ranked_leaf *prev, struct ranked_leaf *leaf,
                      struct ranked_leaf *next)
{
    leaf->prev = prev;
    leaf->next = next;
    *(prev ? &prev->next : &r->first) = leaf;
    *(next ? &next->prev : &r->last) = leaf;
}

/* At an end of the order: the item's own, which it is hung up by. More will follow, so it has room
 * for them; once there are more leaves behind it, it is full. */
static struct ranked_leaf *add_end(struct ranked *r, struct ranked_leaf *beside, bool behind,
                                   struct ranked_item *item)
{
    struct ranked_leaf *leaf = leaf_new(r, LEAF_MAX);
    link_leaf(r, behind ? beside : NULL, leaf, behind ? NULL : beside);
    leaf->page.score[0] = item->score;
    leaf->page.item[0] = item;
    hang(r, &beside->page, &leaf->page, behind, 0);
    return leaf;
}

static struct ranked_leaf *split_leaf(struct ranked *r, struct ranked_leaf *leaf)
{
    size_t keep = leaf->page.count / 2, moved = leaf->page.count - keep;
    struct ranked_leaf *right = leaf_new(r, room_for(moved + 1));
    must(keep > 0 && moved > 0);
    page_append(&right->page, &leaf->page, keep, moved);
    own(right, 0, moved);
    leaf->page.count = (uint16_t)keep;
    leaf_resize(r, leaf, room_for(keep + 1));
    link_leaf(r, leaf, right, leaf->next);
    hang(r, &leaf->page, &right->page, true, moved);
    return right;
}

/* Which leaf, and which place there, an item for this place of a full leaf goes to. */
static struct ranked_leaf *make_room(struct ranked *r, struct ranked_leaf *leaf, size_t *at,
                                     struct ranked_item *item)
{
    bool behind = !leaf->next && *at == leaf->page.count;
    if (behind || (!leaf->prev && *at == 0)) {
        *at = 0; /* there it will be alone */
        return add_end(r, leaf, behind, item);
    }
    struct ranked_leaf *right = split_leaf(r, leaf);
    if (*at <= leaf->page.count)
        return leaf;
    *at -= leaf->page.count;
    return right;
}

void ranked_tree_put(struct ranked *r, struct ranked_leaf *leaf, size_t at,
                     struct ranked_item *item)
{
    must(at <= leaf->page.count);
    if (leaf->page.count == LEAF_MAX)
        leaf = make_room(r, leaf, &at, item);
    else if (leaf->page.count == leaf->page.room)
        leaf_resize(r, leaf, room_for(leaf->page.count + 1u));
    leaf_insert(&leaf->page, at, item);
    must(leaf->page.count <= LEAF_MAX);
    own(leaf, at, at + 1);
    if (at == 0)
        tell_first(&leaf->page);
    tell_size(&leaf->page, 1);
    r->count++;
}

/* ---- fewer pages ---- */

static void drop(struct ranked *r, struct ranked_page *p);

static void fuse_branches(struct ranked *r, struct ranked_branch *left, struct ranked_branch *right)
{
    struct ranked_branch *parent = left->page.parent;
    size_t count = left->page.count;
    must(right->page.parent == parent);
    branch_append(left, right, 0);
    number(left, count);
    parent->size[left->page.slot] += parent->size[right->page.slot];
    drop(r, &right->page);
    branch_free(r, right);
}

static void fuse_leaves(struct ranked *r, struct ranked_leaf *left, struct ranked_leaf *right)
{
    struct ranked_branch *parent = left->page.parent;
    size_t count = left->page.count, sum = count + right->page.count;
    must(left->next == right && right->page.parent == parent);
    if (left->page.start + sum > left->page.room)
        leaf_resize(r, left, room_for(sum));
    page_append(&left->page, &right->page, 0, right->page.count);
    own(left, count, sum);
    link_leaf(r, left->prev, left, right->next);
    parent->size[left->page.slot] += parent->size[right->page.slot];
    drop(r, &right->page);
    leaf_free(r, right);
}

/* The left one of a page and its neighbour under the same parent; NULL: it has none, or both
 * together are too many. */
static struct ranked_page *fusible(struct ranked_page *p, size_t most)
{
    const struct ranked_branch *b = p->parent;
    if (!b || b->page.count < 2)
        return NULL;
    size_t left = p->slot ? p->slot - 1u : 0;
    return b->child[left]->count + b->child[left + 1]->count <= most ? b->child[left] : NULL;
}

static struct ranked_page *right_of(const struct ranked_page *p)
{
    return p->parent->child[p->slot + 1];
}

static void shrink(struct ranked *r)
{
    while (r->height && r->root->count == 1) {
        struct ranked_branch *b = branch_of(r->root);
        r->root = b->child[0];
        r->root->parent = NULL;
        r->root->slot = 0;
        r->height--;
        branch_free(r, b);
    }
    must(!r->height || r->root->count > 1);
}

static void mend_branch(struct ranked *r, struct ranked_branch *b)
{
    struct ranked_page *left;
    if (!b->page.parent) {
        shrink(r);
    } else if (b->page.count == 0) {
        drop(r, &b->page);
        branch_free(r, b);
    } else if (b->page.count < BRANCH_LOW && (left = fusible(&b->page, BRANCH_FUSED))) {
        fuse_branches(r, branch_of(left), branch_of(right_of(left)));
    }
}

/* Out of its parent, which no longer counts what is in it. Calls itself, by mend_branch, no more
 * often than the tree is high. */
static void drop(struct ranked *r, struct ranked_page *p)
{
    struct ranked_branch *b = p->parent;
    size_t at = p->slot;
    must(b->child[at] == p);
    branch_move(b, at, at + 1);
    number(b, at);
    if (at == 0 && b->page.count)
        tell_first(&b->page);
    mend_branch(r, b);
}

static void drop_leaf(struct ranked *r, struct ranked_leaf *leaf)
{
    *(leaf->prev ? &leaf->prev->next : &r->first) = leaf->next;
    *(leaf->next ? &leaf->next->prev : &r->last) = leaf->prev;
    drop(r, &leaf->page);
    leaf_free(r, leaf);
}

void ranked_tree_take(struct ranked *r, struct ranked_leaf *leaf, size_t at)
{
    struct ranked_page *left;
    must(r->count > 0);
    leaf_delete(&leaf->page, at);
    tell_size(&leaf->page, (size_t)-1);
    r->count--;
    if (leaf->page.count == 0 && leaf->page.parent) {
        drop_leaf(r, leaf);
        return;
    }
    if (at == 0)
        tell_first(&leaf->page);
    if (leaf->page.count < LEAF_LOW && (left = fusible(&leaf->page, LEAF_FUSED)))
        fuse_leaves(r, leaf_of(left), leaf_of(right_of(left)));
    else
        leaf_shrink(r, leaf);
}

void ranked_tree_shift(struct ranked_leaf *leaf, size_t from, size_t to)
{
    struct ranked_page *p = &leaf->page;
    struct ranked_item *item = p->item[from];
    must(from < p->count && to < p->count);
    if (from < to)
        page_move(p, from, from + 1, to - from);
    else if (from > to)
        page_move(p, to + 1, to, from - to);
    p->score[to] = item->score;
    p->item[to] = item;
    own(leaf, to, to + 1);
    if (from == 0 || to == 0)
        tell_first(p);
}

/* ---- all of it ---- */

void ranked_tree_init(struct ranked *r)
{
    *r = (struct ranked){.bytes = sizeof *r};
    struct ranked_leaf *leaf = leaf_new(r, LEAF_STEP);
    r->root = &leaf->page;
    r->first = r->last = leaf;
}

/* The branches of which the page is the last child, upwards: nothing below them is left. */
static void free_finished(struct ranked *r, const struct ranked_page *p)
{
    struct ranked_branch *b = p->parent;
    bool last = b && p->slot == b->page.count - 1;
    while (last) {
        struct ranked_branch *up = b->page.parent;
        last = up && b->page.slot == up->page.count - 1;
        branch_free(r, b);
        b = up;
    }
}

void ranked_tree_release(struct ranked *r, size_t (*item_bytes)(const struct ranked_item *item))
{
    for (struct ranked_leaf *leaf = r->first, *next; leaf; leaf = next) {
        const struct ranked_page *p = &leaf->page;
        for (size_t i = 0; i < p->count; i++) {
            if (i + FREE_AHEAD < p->count)
                __builtin_prefetch(p->item[i + FREE_AHEAD]);
            size_t bytes = item_bytes(p->item[i]);
            mem_free_sized(p->item[i], bytes);
            r->bytes -= bytes;
        }
        next = leaf->next;
        free_finished(r, p);
        leaf_free(r, leaf);
    }
    must(r->bytes == sizeof *r);
}
