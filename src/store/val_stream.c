/* SPDX-License-Identifier: BSD-3-Clause */
/* The entries: nodes by the id of their first entry, each with a block. */
#include "store/val_stream.h"

#include "base/mem.h"
#include "base/must.h"
#include "containers/listpack.h"

struct val stream_new(void)
{
    struct stream *s = mem_zalloc(sizeof *s);
    id_index_init(&s->nodes, sizeof(struct stream_node));
    return (struct val){.type = VALUE_STREAM, .encoding = ENC_STREAM, .ptr = s};
}

bool stream_id_increment(struct stream_id *id)
{
    if (++id->seq == 0 && ++id->ms == 0) {
        *id = STREAM_ID_MAX;
        return false;
    }
    return true;
}

bool stream_id_decrement(struct stream_id *id)
{
    if (id->ms == 0 && id->seq == 0)
        return false;
    if (id->seq-- == 0)
        id->ms--;
    return true;
}

/* The node in which the entry of that id would be. */
static struct stream_node *node_of(const struct stream *s, struct stream_id id)
{
    struct id_cursor at;
    return id_index_upto(&s->nodes, id, &at);
}

/* ---- appending ---- */

/* Would a listpack of it be too long with so many texts more, of so many bytes? */
static bool is_full(const struct stream_block *b, size_t texts, size_t more,
                    const struct value_limits *limits)
{
    uint64_t most = limits->stream_node_bytes, bytes = stream_block_listpack_bytes(b) + more;
    if ((most && bytes >= most) || bytes + STREAM_ENTRY_OVERHEAD(texts) > LP_BYTES_MAX)
        return true;
    return limits->stream_node_entries &&
           (uint64_t)b->live + b->deleted >= limits->stream_node_entries;
}

void stream_append(struct stream *s, struct stream_id id, const struct slice *pairs, size_t n,
                   const struct value_limits *limits)
{
    size_t bytes = 0;
    must(s->length == 0 || stream_id_cmp(id, s->last) > 0);
    for (size_t i = 0; i < 2 * n; i++)
        bytes += pairs[i].len;
    must(bytes + STREAM_ENTRY_OVERHEAD(2 * n) <= LP_BYTES_MAX);
    struct stream_node *node = id_index_last(&s->nodes);
    if (node && is_full(node->block, 2 * n, bytes, limits)) {
        node->block = stream_block_close(node->block);
        node = NULL;
    }
    if (!node) {
        node = id_index_add(&s->nodes, id);
        node->block = stream_block_new(pairs, n);
    }
    node->block = stream_block_add(node->block, node->master, id, pairs, n);
    must(stream_id_cmp(node->master, id) <= 0);
    s->last = id;
    if (s->length++ == 0)
        s->first = id;
    s->entries_added++;
}

/* ---- deleting ---- */

static void find_first(struct stream *s)
{
    struct stream_iter it;
    struct block_entry e;
    stream_iter_init(&it, s, STREAM_ID_MIN, STREAM_ID_MAX, false);
    bool any = stream_iter_next(&it, &e);
    must(any == (s->length > 0));
    s->first = any ? e.id : STREAM_ID_MIN;
}

/* Where the entry is that is there, and in which node; b->len: it is not. */
static uint32_t find_entry(const struct stream_node *node, struct stream_id id)
{
    struct block_entry e;
    uint32_t none = node->block->len, at = stream_block_seek(node->block, node->master, id);
    if (at == none)
        return none;
    stream_block_entry(node->block, node->master, at, &e);
    return stream_id_cmp(e.id, id) == 0 && !e.deleted ? at : none;
}

bool stream_has(const struct stream *s, struct stream_id id)
{
    const struct stream_node *node = node_of(s, id);
    return node && find_entry(node, id) != node->block->len;
}

bool stream_delete(struct stream *s, struct stream_id id)
{
    struct stream_node *node = node_of(s, id);
    must((s->length > 0) == (s->nodes.records > 0));
    uint32_t at = node ? find_entry(node, id) : 0;
    if (!node || at == node->block->len)
        return false;
    stream_block_delete(node->block, at);
    if (node->block->live == 0) {
        stream_block_free(node->block);
        id_index_remove(&s->nodes, node->master);
    }
    must(s->length > 0);
    s->length--;
    if (stream_id_cmp(id, s->max_deleted) > 0)
        s->max_deleted = id;
    if (s->length == 0 || stream_id_cmp(id, s->first) == 0)
        find_first(s);
    return true;
}

/* ---- trimming ---- */

static struct stream_id last_of(const struct stream_node *node)
{
    const struct stream_block *b = node->block;
    struct block_entry e;
    must(b->live > 0); /* else it would not be there */
    stream_block_entry(b, node->master, stream_block_before(b, b->len), &e);
    return e.id;
}

static bool goes_whole(const struct stream *s, const struct stream_node *node,
                       const struct stream_trim *t)
{
    return t->by == TRIM_MAXLEN ? s->length - node->block->live >= t->maxlen
                                : stream_id_cmp(last_of(node), t->minid) < 0;
}

/* The first entries of a node of which some stay. */
static uint64_t trim_entries(struct stream *s, const struct stream_node *node,
                             const struct stream_trim *t)
{
    uint64_t removed = 0;
    struct block_entry e;
    struct stream_block *b = node->block;
    for (uint32_t at = stream_block_first(b); at < b->len; at = e.end) {
        stream_block_entry(b, node->master, at, &e);
        if (t->by == TRIM_MAXLEN ? s->length <= t->maxlen : stream_id_cmp(e.id, t->minid) >= 0)
            break;
        if (e.deleted)
            continue;
        stream_block_delete(b, at);
        must(s->length > 0);
        s->length--;
        removed++;
    }
    return removed;
}

uint64_t stream_trim(struct stream *s, const struct stream_trim *t)
{
    uint64_t removed = 0;
    const struct stream_node *node;
    must(t->by == TRIM_MAXLEN || t->by == TRIM_MINID);
    while ((node = id_index_first(&s->nodes))) {
        uint32_t live = node->block->live;
        if (t->by == TRIM_MAXLEN && s->length <= t->maxlen)
            break;
        if (t->limit && removed + live > t->limit)
            break;
        if (!goes_whole(s, node, t)) {
            if (!t->approximate)
                removed += trim_entries(s, node, t);
            if (node->block->live > 0)
                break;
            live = 0; /* all that stayed of it was below: only deleted ones are left */
        }
        stream_block_free(node->block);
        id_index_remove(&s->nodes, node->master);
        must(s->length >= live);
        s->length -= live;
        removed += live;
    }
    if (removed)
        find_first(s);
    return removed;
}

/* ---- walking ---- */

static void enter(struct stream_iter *it, const struct stream_node *node)
{
    it->node = node;
    if (node)
        it->at = it->reverse ? node->block->len : stream_block_first(node->block);
}

void stream_iter_init(struct stream_iter *it, const struct stream *s, struct stream_id from,
                      struct stream_id to, bool reverse)
{
    *it = (struct stream_iter){.stream = s, .bound = reverse ? from : to, .reverse = reverse};
    struct stream_id start = reverse ? to : from;
    const struct stream_node *node = id_index_upto(&s->nodes, start, &it->cursor);
    if (!node) {
        if (!reverse)
            enter(it, id_index_from(&s->nodes, start, &it->cursor));
        return;
    }
    it->node = node;
    if (reverse && !stream_id_increment(&start))
        it->at = node->block->len;
    else
        it->at = stream_block_seek(node->block, node->master, start);
}

/* The entry that is next, deleted or not. */
static bool step(struct stream_iter *it, struct block_entry *e)
{
    const struct id_index *nodes = &it->stream->nodes;
    while (it->node) {
        const struct stream_block *b = it->node->block;
        if (!it->reverse && it->at < b->len) {
            stream_block_entry(b, it->node->master, it->at, e);
            it->at = e->end;
            return true;
        }
        if (it->reverse && it->at > stream_block_first(b)) {
            it->at = stream_block_before(b, it->at);
            stream_block_entry(b, it->node->master, it->at, e);
            return true;
        }
        enter(it, it->reverse ? id_index_prev(nodes, &it->cursor)
                              : id_index_next(nodes, &it->cursor));
    }
    return false;
}

bool stream_iter_next(struct stream_iter *it, struct block_entry *e)
{
    do {
        if (!step(it, e))
            return false;
        int order = stream_id_cmp(e->id, it->bound);
        must(it->node && e->at < it->node->block->len);
        if (it->reverse ? order < 0 : order > 0) {
            it->node = NULL;
            return false;
        }
    } while (e->deleted);
    return true;
}
