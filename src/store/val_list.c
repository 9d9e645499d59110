/* SPDX-License-Identifier: BSD-3-Clause */
/* A listpack grows into a quicklist when it no longer fits a node, and a quicklist of one node
 * turns back when it has shrunk to half of what a node holds (so that it does not flip at the
 * limit). */
#include "store/val_list.h"

#include "base/mem.h"
#include "base/must.h"
#include "containers/listpack.h"
#include "format/sink.h"

static struct val packed(uint8_t *lp)
{
    return (struct val){VALUE_LIST, ENC_LISTPACK, lp};
}

struct val list_new(void)
{
    return packed(lp_new());
}

static struct quicklist *new_quicklist(const struct value_limits *limits)
{
    struct quicklist *q =
        quicklist_new((int)limits->list_listpack_size, (unsigned)limits->list_compress_depth);
    if (limits->list_plain_from)
        quicklist_set_plain_from(q, limits->list_plain_from);
    return q;
}

static void to_quicklist(struct val *v, const struct value_limits *limits)
{
    must(v->encoding == ENC_LISTPACK);
    struct quicklist *q = new_quicklist(limits);
    size_t count = lp_count(v->ptr);
    if (count)
        quicklist_append_listpack(q, v->ptr);
    else
        mem_free(v->ptr);
    must(quicklist_count(q) == count);
    v->encoding = ENC_QUICKLIST;
    v->ptr = q;
}

/* Before text is added, as one more element or in the place of one. */
static void make_room(struct val *v, struct slice text, size_t elements,
                      const struct value_limits *limits)
{
    if (v->encoding != ENC_LISTPACK)
        return;
    size_t bytes = lp_size_of(text);
    if ((limits->list_plain_from && text.len >= limits->list_plain_from) ||
        !quicklist_node_fits((int)limits->list_listpack_size, lp_bytes(v->ptr) + bytes,
                             lp_count(v->ptr) + elements) ||
        !lp_fits(v->ptr, bytes))
        to_quicklist(v, limits);
}

struct shrinking {
    uint8_t *lp;
    int fill;
};

static bool take_node(void *arg, struct slice bytes, bool plain)
{
    struct shrinking *s = arg;
    size_t count = plain ? 1 : lp_count((const uint8_t *)bytes.data);
    must(!s->lp); /* one node */
    if (!plain && quicklist_node_fits(s->fill, bytes.len * 2, count * 2))
        s->lp = mem_copy(bytes.data, bytes.len);
    return true;
}

static void shrink(struct val *v, const struct value_limits *limits)
{
    if (v->encoding != ENC_QUICKLIST || quicklist_nodes(v->ptr) != 1)
        return;
    struct shrinking s = {.fill = (int)limits->list_listpack_size};
    struct buf scratch = {0};
    quicklist_each_node(v->ptr, &scratch, take_node, &s);
    buf_free(&scratch);
    if (s.lp) {
        must(lp_count(s.lp) == quicklist_count(v->ptr));
        quicklist_free(v->ptr);
        *v = packed(s.lp);
    }
}

/* Loading: nodes in order. The listpack is taken over. */
static void append_node(struct val *v, uint8_t *lp, const struct value_limits *limits)
{
    must(v->type == VALUE_LIST);
    bool whole_list = v->encoding == ENC_LISTPACK && lp_count(v->ptr) == 0;
    if (whole_list &&
        quicklist_node_fits((int)limits->list_listpack_size, lp_bytes(lp), lp_count(lp))) {
        mem_free(v->ptr);
        v->ptr = lp;
        return;
    }
    if (v->encoding == ENC_LISTPACK)
        to_quicklist(v, limits);
    quicklist_append_listpack(v->ptr, lp);
}

size_t list_count(const struct val *v)
{
    return v->encoding == ENC_LISTPACK ? lp_count(v->ptr) : quicklist_count(v->ptr);
}

void list_push(struct val *v, struct slice text, bool tail, const struct value_limits *limits)
{
    make_room(v, text, 1, limits);
    if (v->encoding == ENC_QUICKLIST)
        quicklist_push(v->ptr, text, tail);
    else
        v->ptr = tail ? lp_append(v->ptr, text) : lp_prepend(v->ptr, text);
}

bool list_pop(struct val *v, bool tail, struct buf *out, const struct value_limits *limits)
{
    if (v->encoding == ENC_QUICKLIST) {
        struct quicklist_iter it;
        if (!quicklist_seek(v->ptr, tail ? -1 : 0, true, &it))
            return false;
        buf_add(out, quicklist_iter_get(&it));
        quicklist_iter_delete(&it);
        quicklist_iter_end(&it);
        shrink(v, limits);
        return true;
    }
    size_t at = tail ? lp_last(v->ptr) : lp_first(v->ptr);
    if (!at)
        return false;
    char scratch[NUM_I64_TEXT];
    buf_add(out, lp_get(v->ptr, at, scratch));
    v->ptr = lp_delete(v->ptr, at, 1);
    return true;
}

bool list_get(const struct val *v, long index, struct slice *text, char scratch[NUM_I64_TEXT])
{
    if (v->encoding == ENC_LISTPACK) {
        size_t at = lp_at(v->ptr, index);
        if (at)
            *text = lp_get(v->ptr, at, scratch);
        return at;
    }
    struct quicklist_iter it;
    if (!quicklist_seek(v->ptr, index, true, &it))
        return false;
    *text = quicklist_iter_get(&it);
    if (text->data == it.scratch)
        *text = slice(memcpy(scratch, it.scratch, text->len), text->len);
    return true;
}

bool list_set(struct val *v, long index, struct slice text, const struct value_limits *limits)
{
    if (v->encoding == ENC_LISTPACK) {
        if (!lp_at(v->ptr, index))
            return false;
        make_room(v, text, 0, limits);
    }
    if (v->encoding == ENC_LISTPACK) {
        v->ptr = lp_replace(v->ptr, lp_at(v->ptr, index), text);
        return true;
    }
    struct quicklist_iter it;
    if (!quicklist_seek(v->ptr, index, true, &it))
        return false;
    quicklist_iter_replace(&it, text);
    quicklist_iter_end(&it);
    shrink(v, limits);
    return true;
}

static bool insert_packed(struct val *v, struct slice pivot, struct slice text, bool after)
{
    size_t at = lp_first(v->ptr);
    at = at ? lp_find(v->ptr, at, pivot, 0) : 0;
    if (!at)
        return false;
    v->ptr = lp_insert(v->ptr, after ? lp_next(v->ptr, at) : at, text);
    return true;
}

bool list_insert(struct val *v, struct slice pivot, struct slice text, bool after,
                 const struct value_limits *limits)
{
    make_room(v, text, 1, limits);
    if (v->encoding == ENC_LISTPACK)
        return insert_packed(v, pivot, text, after);
    struct quicklist_iter it;
    bool found = false, more = quicklist_seek(v->ptr, 0, true, &it);
    while (more && !(found = quicklist_iter_equal(&it, pivot)))
        more = quicklist_iter_next(&it);
    must(found == more);
    if (found)
        quicklist_iter_insert(&it, text, after);
    if (more)
        quicklist_iter_end(&it);
    shrink(v, limits);
    return found;
}

static size_t remove_packed(struct val *v, struct slice text, size_t count, bool from_tail)
{
    size_t removed = 0, at = from_tail ? lp_last(v->ptr) : lp_first(v->ptr);
    while (at && (count == 0 || removed < count)) {
        bool equal = lp_equal(v->ptr, at, text);
        size_t before = from_tail ? lp_prev(v->ptr, at) : 0;
        if (equal) {
            v->ptr = lp_delete(v->ptr, at, 1);
            removed++;
        }
        if (from_tail)
            at = before;
        else if (!equal)
            at = lp_next(v->ptr, at);
        else if (at + 1 >= lp_bytes(v->ptr))
            at = 0;
    }
    return removed;
}

size_t list_remove(struct val *v, struct slice text, size_t count, bool from_tail,
                   const struct value_limits *limits)
{
    if (v->encoding == ENC_LISTPACK)
        return remove_packed(v, text, count, from_tail);
    size_t removed = 0, before = quicklist_count(v->ptr);
    struct quicklist_iter it;
    bool more = quicklist_seek(v->ptr, from_tail ? -1 : 0, !from_tail, &it);
    while (more && (count == 0 || removed < count)) {
        if (quicklist_iter_equal(&it, text)) {
            more = quicklist_iter_delete(&it);
            removed++;
        } else {
            more = quicklist_iter_next(&it);
        }
    }
    quicklist_iter_end(&it);
    must(quicklist_count(v->ptr) + removed == before);
    shrink(v, limits);
    return removed;
}

void list_delete_range(struct val *v, size_t start, size_t count, const struct value_limits *limits)
{
    must(start + count <= list_count(v));
    if (v->encoding == ENC_QUICKLIST) {
        quicklist_delete_range(v->ptr, (long)start, count);
        shrink(v, limits);
        return;
    }
    size_t at = lp_at(v->ptr, (long)start);
    if (at && count)
        v->ptr = lp_delete(v->ptr, at, count);
}

void list_iter_init(struct list_iter *it, const struct val *v, long index, bool forward)
{
    must(v->type == VALUE_LIST);
    it->v = v;
    it->forward = forward;
    it->started = false;
    if (v->encoding == ENC_LISTPACK)
        it->at = lp_at(v->ptr, index);
    else
        it->at = quicklist_seek(v->ptr, index, forward, &it->quick);
}

bool list_iter_next(struct list_iter *it, struct slice *text)
{
    if (!it->at)
        return false;
    if (it->v->encoding == ENC_LISTPACK) {
        if (it->started)
            it->at = it->forward ? lp_next(it->v->ptr, it->at) : lp_prev(it->v->ptr, it->at);
        if (it->at)
            *text = lp_get(it->v->ptr, it->at, it->scratch);
    } else {
        if (it->started)
            it->at = quicklist_iter_next(&it->quick);
        if (it->at)
            *text = quicklist_iter_get(&it->quick);
    }
    it->started = true;
    return it->at;
}

void list_iter_end(struct list_iter *it)
{
    if (it->v->encoding == ENC_QUICKLIST)
        quicklist_iter_end(&it->quick);
}

static void free_list(struct val v)
{
    must(v.encoding == ENC_QUICKLIST || v.encoding == ENC_LISTPACK);
    if (v.encoding == ENC_QUICKLIST)
        quicklist_free(v.ptr);
    else
        mem_free(v.ptr);
}

static struct val copy_list(const struct val *v)
{
    if (v->encoding == ENC_QUICKLIST)
        return (struct val){VALUE_LIST, ENC_QUICKLIST, quicklist_copy(v->ptr)};
    must(v->encoding == ENC_LISTPACK);
    return packed(mem_copy(v->ptr, lp_bytes(v->ptr)));
}

static size_t bytes_of(const struct val *v, size_t samples)
{
    (void)samples; /* a quicklist knows its bytes */
    return v->encoding == ENC_QUICKLIST ? quicklist_memory(v->ptr) : mem_usable(v->ptr);
}

/* ---- the row ---- */

static bool send_node(void *arg, struct slice bytes, bool plain)
{
    struct sink *sink = arg;
    if (plain)
        SINK_EVENT(sink, item, bytes);
    else
        sink_packed(sink, PACK_LIST, bytes);
    return !sink_bad(sink);
}

static void walk_list(const struct val *v, struct sink *sink)
{
    if (v->encoding == ENC_LISTPACK) {
        sink_packed(sink, PACK_LIST, lp_blob(v->ptr));
        return;
    }
    struct buf scratch = {0};
    quicklist_each_node(v->ptr, &scratch, send_node, sink);
    buf_free(&scratch);
}

static uint64_t list_blocks(const struct val *v)
{
    return v->encoding == ENC_QUICKLIST ? quicklist_nodes(v->ptr) : 1;
}

static struct val load_list(uint64_t count, const struct value_limits *limits)
{
    (void)count;
    (void)limits;
    return list_new();
}

static bool load_element(struct val *v, struct slice text, const struct value_limits *limits)
{
    list_push(v, text, true, limits);
    return true;
}

const struct value_ops list_ops = {
    .free = free_list,
    .copy = copy_list,
    .count = list_count,
    .memory = bytes_of,
    .walk = walk_list,
    .blocks = list_blocks,
    .load_new = load_list,
    .load_node = append_node,
    .load_item = load_element,
};
