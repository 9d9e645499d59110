/* SPDX-License-Identifier: BSD-3-Clause */
/* A node holds a listpack, or one plain element too large for a listpack of the list's limit.
 *
 *   head <-> node <-> node <-> ... <-> tail     node->bytes: listpack | plain bytes | LZF of these
 *
 * Compression (depth d > 0): the d nodes at each end are always raw, which is where lists are used.
 * A node further in is packed when it is left alone: when an iterator leaves it, when it is made,
 * or when it gets that far in. It stays raw if it is short or does not compress. "Settling" walks
 * the d nodes at both ends after the chain has changed, opens them and packs the next ones inwards.
 *
 * A node that becomes empty is removed at once. A node split by an insertion is joined with its
 * neighbours when they fit together, so that insertions in the middle do not leave crumbs. */
#include "containers/quicklist.h"

#include "base/buf.h"
#include "base/lzf.h"
#include "base/mem.h"
#include "base/must.h"
#include "containers/listpack.h"

enum { FILL_LEAST = -5, BYTES_WITH_COUNT = 8192, PACK_FROM = 48, PACK_GAIN = 8 };

struct node {
    struct node *prev, *next;
    uint8_t *bytes;
    size_t size;   /* of a plain or packed node: bytes when raw; else ask the listpack */
    size_t packed; /* LZF bytes; 0: raw */
    size_t count;
    bool plain;
};

struct quicklist {
    struct node *head, *tail;
    size_t count, nodes;
    size_t plain_from;
    int fill;
    unsigned compress;
};

/* Whenever a node has come or gone: none is empty. */
static void list_must_hold(const struct quicklist *q)
{
    must(!q->head == !q->tail && !q->head == (q->nodes == 0));
    must(q->nodes <= q->count);
}

/* ---- limits ---- */

static size_t bytes_limit(int fill)
{
    return fill > 0 ? BYTES_WITH_COUNT : (size_t)4096 << (-fill - 1);
}

bool quicklist_node_fits(int fill, size_t bytes, size_t count)
{
    if (fill == 0)
        fill = 1;
    if (fill < FILL_LEAST)
        fill = FILL_LEAST;
    return bytes <= bytes_limit(fill) && (fill < 0 || count <= (size_t)fill);
}

/* At least lp_size_of, without looking into the text. */
static size_t room_for(struct slice text)
{
    return text.len + (text.len < 64 ? 2 : text.len < 4096 ? 4 : 10);
}

static bool is_large(const struct quicklist *q, struct slice text)
{
    return text.len >= q->plain_from || room_for(text) + LP_EMPTY_BYTES > bytes_limit(q->fill);
}

/* ---- one node ---- */

static size_t raw_size(const struct node *n)
{
    return n->plain || n->packed ? n->size : lp_bytes(n->bytes);
}

static void open_node(struct node *n)
{
    if (!n->packed)
        return;
    uint8_t *raw = mem_alloc(n->size);
    must(lzf_unpack(n->bytes, n->packed, raw, n->size));
    mem_free(n->bytes);
    n->bytes = raw;
    n->packed = 0;
}

static void pack_node(struct node *n)
{
    size_t size = raw_size(n);
    if (n->packed || size < PACK_FROM)
        return;
    uint8_t *packed = mem_alloc(size - PACK_GAIN); /* nobody sees what bytes they are */
    size_t len = lzf_pack_quick(n->bytes, size, packed, size - PACK_GAIN);
    must(len <= size - PACK_GAIN);
    if (!len) {
        mem_free(packed);
        return;
    }
    mem_free(n->bytes);
    n->bytes = mem_realloc(packed, len);
    n->size = size;
    n->packed = len;
}

static struct node *node_of_listpack(uint8_t *lp)
{
    struct node *n = mem_zalloc(sizeof *n);
    n->bytes = lp;
    n->count = lp_count(lp);
    return n;
}

static struct node *node_of_plain(struct slice text)
{
    struct node *n = mem_zalloc(sizeof *n);
    n->bytes = mem_dup(text.data, text.len);
    n->size = text.len;
    n->count = 1;
    n->plain = true;
    return n;
}

static struct node *node_of_text(const struct quicklist *q, struct slice text)
{
    return is_large(q, text) ? node_of_plain(text) : node_of_listpack(lp_append(lp_new(), text));
}

static bool has_room(const struct quicklist *q, const struct node *n, struct slice text)
{
    return n && !n->plain && text.len < q->plain_from &&
           quicklist_node_fits(q->fill, raw_size(n) + room_for(text), n->count + 1);
}

/* ---- the chain ---- */

static void link_node(struct quicklist *q, struct node *after, struct node *n)
{
    struct node *next = after ? after->next : q->head;
    must(n->count > 0);
    n->prev = after;
    n->next = next;
    *(after ? &after->next : &q->head) = n;
    *(next ? &next->prev : &q->tail) = n;
    q->nodes++;
    q->count += n->count;
    list_must_hold(q);
}

static void drop_node(struct quicklist *q, struct node *n)
{
    must(q->nodes > 0 && n->count > 0 && n->count <= q->count);
    *(n->prev ? &n->prev->next : &q->head) = n->next;
    *(n->next ? &n->next->prev : &q->tail) = n->prev;
    q->nodes--;
    q->count -= n->count;
    list_must_hold(q);
    mem_free(n->bytes);
    mem_free(n);
}

static bool is_inner(const struct quicklist *q, const struct node *n)
{
    if (q->compress == 0)
        return false;
    const struct node *left = n, *right = n;
    for (unsigned i = 0; i < q->compress; i++) {
        left = left->prev;
        right = right->next;
        if (!left || !right)
            return false;
    }
    return true;
}

/* Nobody looks into n any more. */
static void leave_node(const struct quicklist *q, struct node *n)
{
    if (n && is_inner(q, n))
        pack_node(n);
}

/* After a change of the chain. used stays raw wherever it is; may be NULL. */
static void settle(struct quicklist *q, const struct node *used)
{
    if (q->compress == 0)
        return;
    struct node *left = q->head, *right = q->tail;
    for (unsigned i = 0; i < q->compress && left; i++) {
        open_node(left);
        open_node(right);
        left = left->next;
        right = right->prev;
    }
    for (int i = 0; i < 2 && left; i++) { /* an insertion makes at most two nodes */
        if (left != used)
            leave_node(q, left);
        if (right != used)
            leave_node(q, right);
        left = left->next;
        right = right->prev;
    }
}

static int clamp_fill(int fill)
{
    return fill == 0 ? 1 : fill < FILL_LEAST ? FILL_LEAST : fill;
}

struct quicklist *quicklist_new(int fill, unsigned compress)
{
    struct quicklist *q = mem_zalloc(sizeof *q);
    q->fill = clamp_fill(fill);
    q->compress = compress;
    q->plain_from = SIZE_MAX;
    return q;
}

void quicklist_free(struct quicklist *q)
{
    while (q->head)
        drop_node(q, q->head);
    must(q->count == 0 && q->nodes == 0);
    mem_free(q);
}

struct quicklist *quicklist_copy(const struct quicklist *q)
{
    struct quicklist *copy = quicklist_new(q->fill, q->compress);
    copy->plain_from = q->plain_from;
    for (const struct node *n = q->head; n; n = n->next) {
        struct node *twin = mem_alloc(sizeof *twin);
        *twin = *n;
        twin->bytes = mem_copy(n->bytes, n->packed ? n->packed : raw_size(n));
        link_node(copy, copy->tail, twin);
    }
    must(copy->count == q->count && copy->nodes == q->nodes);
    return copy;
}

size_t quicklist_count(const struct quicklist *q)
{
    return q->count;
}

size_t quicklist_nodes(const struct quicklist *q)
{
    return q->nodes;
}

size_t quicklist_memory(const struct quicklist *q)
{
    size_t sum = mem_good_size(sizeof *q);
    for (const struct node *n = q->head; n; n = n->next)
        sum += mem_good_size(sizeof *n) + mem_usable(n->bytes);
    return sum;
}

void quicklist_set_plain_from(struct quicklist *q, size_t bytes)
{
    q->plain_from = bytes;
}

void quicklist_set_options(struct quicklist *q, int fill, unsigned compress)
{
    q->fill = clamp_fill(fill);
    if (q->compress == compress)
        return;
    q->compress = compress;
    for (struct node *n = q->head; n; n = n->next) {
        if (is_inner(q, n))
            pack_node(n);
        else
            open_node(n);
    }
}

/* ---- ends ---- */

void quicklist_push(struct quicklist *q, struct slice text, bool tail)
{
    struct node *n = tail ? q->tail : q->head;
    if (has_room(q, n, text)) {
        n->bytes = tail ? lp_append(n->bytes, text) : lp_prepend(n->bytes, text);
        n->count++;
        q->count++;
        return;
    }
    link_node(q, tail ? q->tail : NULL, node_of_text(q, text));
    settle(q, NULL);
}

/* Removes count elements from at on, which are there. True when that was all of the node: it is
 * gone then, and the caller settles. */
static bool cut(struct quicklist *q, struct node *n, size_t at, size_t count)
{
    must(count > 0 && count <= n->count && !n->packed);
    if (count == n->count) {
        drop_node(q, n);
        return true;
    }
    n->bytes = lp_delete(n->bytes, at, count);
    n->count -= count;
    q->count -= count;
    return false;
}

bool quicklist_pop(struct quicklist *q, bool tail, char **out, size_t *len)
{
    struct node *n = tail ? q->tail : q->head;
    if (!n)
        return false;
    open_node(n);
    char scratch[NUM_I64_TEXT];
    size_t at = n->plain ? 0 : tail ? lp_last(n->bytes) : lp_first(n->bytes);
    if (n->plain) { /* its bytes change hands */
        *out = (char *)n->bytes;
        *len = n->size;
        n->bytes = NULL;
    } else {
        struct slice text = lp_get(n->bytes, at, scratch);
        *out = mem_dup(text.data, text.len);
        *len = text.len;
    }
    if (cut(q, n, at, 1))
        settle(q, NULL);
    return true;
}

void quicklist_append_listpack(struct quicklist *q, uint8_t *lp)
{
    must(lp_first(lp));
    link_node(q, q->tail, node_of_listpack(lp));
    settle(q, NULL);
}

void quicklist_append_plain(struct quicklist *q, struct slice text)
{
    link_node(q, q->tail, node_of_plain(text));
    settle(q, NULL);
}

/* ---- a place in the list ---- */

static bool past_end(struct quicklist_iter *it)
{
    it->node = NULL;
    it->at = 0;
    it->index = 0;
    return false;
}

/* Stands on element index of n, which may be NULL; negative from the end. */
static bool stand(struct quicklist_iter *it, struct node *n, long index)
{
    if (!n)
        return past_end(it);
    open_node(n);
    it->node = n;
    it->at = n->plain ? 0 : lp_at(n->bytes, index);
    it->index = index < 0 ? index + (long)n->count : index;
    must(n->plain || it->at);
    must(it->index >= 0 && it->index < (long)n->count);
    return true;
}

bool quicklist_seek(struct quicklist *q, long index, bool forward, struct quicklist_iter *it)
{
    it->list = q;
    it->forward = forward;
    size_t left = index < 0 ? 0 - (size_t)index : (size_t)index + 1; /* from that end, 1-based */
    if (left > q->count)
        return past_end(it);
    bool from_tail = index < 0;
    if (left > q->count / 2 + 1) {
        left = q->count - left + 1;
        from_tail = !from_tail;
    }
    struct node *n = from_tail ? q->tail : q->head;
    for (; left > n->count; n = from_tail ? n->prev : n->next)
        left -= n->count;
    return stand(it, n, from_tail ? -(long)left : (long)left - 1);
}

/* To the neighbour of n in the iterator's direction, or past the end. */
static bool enter_neighbour(struct quicklist_iter *it, struct node *n)
{
    return stand(it, it->forward ? n->next : n->prev, it->forward ? 0 : -1);
}

bool quicklist_iter_next(struct quicklist_iter *it)
{
    struct node *n = it->node;
    if (!n)
        return false;
    if (!n->plain) {
        size_t at = it->forward ? lp_next(n->bytes, it->at) : lp_prev(n->bytes, it->at);
        if (at) {
            it->at = at;
            it->index += it->forward ? 1 : -1;
            return true;
        }
    }
    bool more = enter_neighbour(it, n);
    leave_node(it->list, n);
    return more;
}

struct slice quicklist_iter_get(struct quicklist_iter *it)
{
    const struct node *n = it->node;
    must(n);
    return n->plain ? slice(n->bytes, n->size) : lp_get(n->bytes, it->at, it->scratch);
}

bool quicklist_iter_equal(struct quicklist_iter *it, struct slice text)
{
    const struct node *n = it->node;
    must(n);
    return n->plain ? slice_eq(slice(n->bytes, n->size), text) : lp_equal(n->bytes, it->at, text);
}

void quicklist_iter_end(struct quicklist_iter *it)
{
    leave_node(it->list, it->node);
    past_end(it);
}

/* ---- changing at a place ---- */

/* Appends right to left when both are listpacks and fit. The iterator may stand in either. */
static void join(struct quicklist_iter *it, struct node *left, struct node *right)
{
    struct quicklist *q = it->list;
    if (!left || !right || left->plain || right->plain)
        return;
    size_t bytes = raw_size(left) + raw_size(right) - LP_EMPTY_BYTES;
    if (!quicklist_node_fits(q->fill, bytes, left->count + right->count))
        return;
    open_node(left);
    open_node(right);
    if (it->node == right) {
        it->node = left;
        it->at += lp_bytes(left->bytes) - LP_EMPTY_BYTES;
        it->index += (long)left->count;
    }
    left->bytes = lp_merge(left->bytes, right->bytes);
    left->count += right->count;
    must(lp_count(left->bytes) == left->count);
    q->count += right->count;
    drop_node(q, right);
}

/* Moves the elements from index on (not 0, not all) into a new node behind n. at: of index. */
static struct node *split(struct quicklist *q, struct node *n, size_t at, long index)
{
    must(index > 0 && (size_t)index < n->count && !n->plain && !n->packed);
    size_t moved = n->count - (size_t)index;
    uint8_t *lp = mem_dup(n->bytes, lp_bytes(n->bytes));
    lp = lp_shrink(lp_delete(lp, lp_first(lp), (size_t)index));
    n->bytes = lp_shrink(lp_delete(n->bytes, at, moved));
    n->count -= moved;
    q->count -= moved;
    struct node *right = node_of_listpack(lp);
    must(right->count == moved);
    link_node(q, n, right);
    return right;
}

/* Into the node itself. */
static void insert_here(struct quicklist_iter *it, struct slice text, bool after)
{
    struct node *n = it->node;
    must(!n->plain && !n->packed);
    if (after) {
        size_t next = lp_next(n->bytes, it->at);
        n->bytes = lp_insert(n->bytes, next, text);
    } else {
        size_t old = lp_bytes(n->bytes);
        n->bytes = lp_insert(n->bytes, it->at, text);
        it->at += lp_bytes(n->bytes) - old;
        it->index++;
    }
    n->count++;
    it->list->count++;
}

/* Between the nodes left and right (one may be NULL): into one that has room, or a new one. */
static void insert_between(struct quicklist_iter *it, struct node *left, struct node *right,
                           struct slice text)
{
    struct quicklist *q = it->list;
    bool to_left = left != it->node && has_room(q, left, text);
    bool to_right = !to_left && right != it->node && has_room(q, right, text);
    if (!to_left && !to_right) {
        struct node *n = node_of_text(q, text);
        link_node(q, left, n);
        return;
    }
    struct node *n = to_left ? left : right;
    open_node(n);
    n->bytes = to_left ? lp_append(n->bytes, text) : lp_prepend(n->bytes, text);
    n->count++;
    q->count++;
}

/* After an insertion: what was made or opened is at most two nodes away from the iterator. */
static void settle_around(struct quicklist_iter *it)
{
    struct node *n = it->node, *left = n->prev, *right = n->next;
    if (it->list->compress == 0)
        return;
    for (int i = 0; i < 2; i++) {
        leave_node(it->list, left);
        leave_node(it->list, right);
        left = left ? left->prev : NULL;
        right = right ? right->next : NULL;
    }
    settle(it->list, n);
}

void quicklist_iter_insert(struct quicklist_iter *it, struct slice text, bool after)
{
    struct quicklist *q = it->list;
    struct node *n = it->node;
    must(n);
    if (has_room(q, n, text)) {
        insert_here(it, text, after);
        return;
    }
    long cut_at = it->index + after; /* elements before the new one */
    if (cut_at == 0) {
        insert_between(it, n->prev, n, text);
    } else if (cut_at == (long)n->count) {
        insert_between(it, n, n->next, text);
    } else {
        size_t at = after ? lp_next(n->bytes, it->at) : it->at;
        struct node *right = split(q, n, at, cut_at);
        if (!after) {
            it->node = right;
            it->at = lp_first(right->bytes);
            it->index = 0;
        }
        insert_between(it, n, right, text);
        join(it, right, right->next);
        join(it, n->prev, n);
    }
    settle_around(it);
}

void quicklist_iter_replace(struct quicklist_iter *it, struct slice text)
{
    struct quicklist *q = it->list;
    struct node *n = it->node;
    must(n);
    bool large = is_large(q, text);
    if (n->count == 1) {
        struct node *made = node_of_text(q, text);
        mem_free(n->bytes);
        n->bytes = made->bytes;
        n->size = made->size;
        n->plain = made->plain;
        mem_free(made);
        stand(it, n, 0);
        return;
    }
    if (!large && quicklist_node_fits(q->fill, raw_size(n) + room_for(text), n->count)) {
        n->bytes = lp_replace(n->bytes, it->at, text);
        return;
    }
    /* Insert it behind and remove the old one, seen forward; then it stands on the new one. */
    bool forward = it->forward;
    it->forward = true;
    quicklist_iter_insert(it, text, true);
    quicklist_iter_delete(it);
    it->forward = forward;
}

bool quicklist_iter_delete(struct quicklist_iter *it)
{
    struct quicklist *q = it->list;
    struct node *n = it->node;
    must(n);
    size_t at = it->at;
    if (n->count == 1) {
        bool more = enter_neighbour(it, n);
        cut(q, n, at, 1);
        settle(q, it->node);
        return more;
    }
    if (!it->forward) {
        size_t before = lp_prev(n->bytes, at);
        cut(q, n, at, 1);
        it->at = before;
        it->index--;
        if (before)
            return true;
    } else {
        cut(q, n, at, 1);
        if (it->index < (long)n->count)
            return true;
    }
    bool more = enter_neighbour(it, n);
    leave_node(q, n);
    return more;
}

void quicklist_delete_range(struct quicklist *q, long start, size_t count)
{
    struct quicklist_iter it;
    if (count == 0 || !quicklist_seek(q, start, true, &it))
        return;
    struct node *n = it.node, *next;
    for (long index = it.index; n && count; n = next, index = 0) {
        next = n->next;
        size_t here = n->count - (size_t)index;
        if (here > count)
            here = count;
        count -= here;
        if (here == n->count) {
            drop_node(q, n);
            continue;
        }
        open_node(n);
        cut(q, n, lp_at(n->bytes, index), here);
        leave_node(q, n);
    }
    settle(q, NULL);
}

/* ---- whole nodes ---- */

bool quicklist_each_node(const struct quicklist *q, struct buf *scratch,
                         quicklist_node_visit *visit, void *arg)
{
    for (const struct node *n = q->head; n; n = n->next) {
        struct slice bytes = slice(n->bytes, raw_size(n));
        if (n->packed) {
            buf_clear(scratch);
            bytes.data = buf_reserve(scratch, n->size);
            must(lzf_unpack(n->bytes, n->packed, scratch->data, n->size));
        }
        if (!visit(arg, bytes, n->plain))
            return false;
    }
    return true;
}
