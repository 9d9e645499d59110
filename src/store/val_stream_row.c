/* SPDX-License-Identifier: BSD-3-Clause */
/* A stream as a type of values: its events both ways (format/sink.h), its copy, its bytes. */
#include "base/mem.h"
#include "base/must.h"
#include "containers/listpack.h"
#include "containers/radix.h"
#include "store/val_stream.h"

static struct stream_node *first_node(const struct stream *s, struct id_cursor *at)
{
    return id_index_from(&s->nodes, STREAM_ID_MIN, at);
}

static void free_stream(struct val v)
{
    struct stream *s = v.ptr;
    struct id_cursor at;
    must(v.encoding == ENC_STREAM);
    for (const struct stream_node *n = first_node(s, &at); n; n = id_index_next(&s->nodes, &at))
        stream_block_free(n->block);
    id_index_release(&s->nodes);
    if (s->groups)
        radix_free(s->groups, stream_group_free);
    mem_free(s);
}

static bool copy_group(void *arg, struct slice name, struct stream_group *g)
{
    struct stream *to = arg;
    return radix_put(to->groups, name, stream_group_copy(g), NULL);
}

static struct val copy_stream(const struct val *v)
{
    const struct stream *s = v->ptr;
    struct val copy = stream_new();
    struct stream *to = copy.ptr;
    struct id_cursor at;
    *to = *s;
    must(v->encoding == ENC_STREAM);
    id_index_copy(&to->nodes, &s->nodes);
    for (struct stream_node *n = first_node(to, &at); n; n = id_index_next(&to->nodes, &at))
        n->block = stream_block_copy(n->block);
    if (s->groups) {
        to->groups = radix_new();
        bool all = stream_each_group(s, copy_group, to);
        must(all);
    }
    return copy;
}

static size_t count_stream(const struct val *v)
{
    return ((const struct stream *)v->ptr)->length;
}

struct parts {
    uint64_t sum, enough;
};

static bool add_group_parts(void *arg, struct slice name, struct stream_group *g)
{
    struct parts *p = arg;
    (void)name;
    must(p->sum < p->enough);
    p->sum += 1 + g->pending.records + (g->consumers ? radix_count(g->consumers) : 0);
    return p->sum < p->enough;
}

static uint64_t parts_of_stream(const struct val *v, uint64_t enough)
{
    const struct stream *s = v->ptr;
    struct parts p = {s->length, enough};
    must(v->encoding == ENC_STREAM);
    if (p.sum < enough)
        stream_each_group(s, add_group_parts, &p);
    return p.sum;
}

static bool add_group_memory(void *arg, struct slice name, struct stream_group *g)
{
    (void)name;
    *(size_t *)arg += stream_group_memory(g);
    return true;
}

static size_t stream_memory(const struct val *v, size_t samples)
{
    const struct stream *s = v->ptr;
    size_t nodes = 0, blocks = 0;
    struct id_cursor at;
    const struct stream_node *n = first_node(s, &at);
    for (; n && (samples == 0 || nodes < samples); n = id_index_next(&s->nodes, &at), nodes++)
        blocks += stream_block_memory(n->block);
    size_t bytes = mem_usable(s) + id_index_memory(&s->nodes);
    if (nodes)
        bytes += (size_t)((double)blocks / (double)nodes * (double)s->nodes.records);
    if (s->groups)
        bytes += radix_memory(s->groups);
    stream_each_group(s, add_group_memory, &bytes);
    return bytes;
}

static uint64_t stream_blocks(const struct val *v)
{
    return ((const struct stream *)v->ptr)->nodes.records;
}

/* ---- to a sink ---- */

struct group_walk {
    struct sink *sink;
    const struct stream_group *group;
};

static void walk_owned(const struct group_walk *w, struct stream_id id)
{
    struct stream_pending_event e = {.id = id};
    if (w->sink->ops->whole_owned) {
        const struct stream_pending *p = stream_group_pending(w->group, id);
        must(p);
        e = (struct stream_pending_event){id, p->delivered_ms, p->count};
    }
    SINK_EVENT(w->sink, stream_owned, &e);
}

static bool walk_consumer(void *arg, struct stream_consumer *c)
{
    const struct group_walk *w = arg;
    struct sink *sink = w->sink;
    struct id_cursor at;
    must(c->owned.records == 0 || c->owned.count > 0);
    struct stream_consumer_event e = {.name = stream_consumer_name(c), .seen_ms = c->seen_ms,
                                      .active_ms = c->active_ms, .owned = c->owned.records};
    SINK_EVENT(sink, stream_consumer, &e);
    for (const struct stream_id *id = id_index_from(&c->owned, STREAM_ID_MIN, &at); id;
         id = id_index_next(&c->owned, &at))
        walk_owned(w, *id);
    return !sink_bad(sink);
}

static bool walk_group(void *arg, struct slice name, struct stream_group *g)
{
    struct sink *sink = arg;
    struct id_cursor at;
    struct stream_group_event e = {.name = name, .last = g->last,
                                   .entries_read = g->entries_read,
                                   .pending = g->pending.records,
                                   .consumers = stream_group_consumers(g)};
    SINK_EVENT(sink, stream_group, &e);
    for (const struct stream_pending *p = id_index_from(&g->pending, STREAM_ID_MIN, &at); p;
         p = id_index_next(&g->pending, &at)) {
        struct stream_pending_event pending = {p->id, p->delivered_ms, p->count};
        must(p->consumer);
        SINK_EVENT(sink, stream_pending, &pending);
    }
    struct group_walk w = {sink, g};
    return !sink_bad(sink) && stream_group_each_consumer(g, walk_consumer, &w);
}

static void walk_stream(const struct val *v, struct sink *sink)
{
    const struct stream *s = v->ptr;
    struct id_cursor at;
    for (const struct stream_node *n = first_node(s, &at); n && !sink_bad(sink);
         n = id_index_next(&s->nodes, &at)) {
        if (!sink->ops->stream_node)
            break;
        uint8_t *lp = stream_block_to_listpack(n->block, n->master);
        sink->ops->stream_node(sink, n->master, lp_blob(lp));
        mem_free(lp);
    }
    struct stream_info_event info = {.length = s->length, .last = s->last, .first = s->first,
                                     .max_deleted = s->max_deleted,
                                     .entries_added = s->entries_added,
                                     .groups = stream_groups(s)};
    SINK_EVENT(sink, stream_info, &info);
    if (!sink_bad(sink))
        stream_each_group(s, walk_group, sink);
}

/* ---- from events; what they say was checked by who made them ---- */

static struct val load_new(uint64_t count, const struct value_limits *limits)
{
    (void)count;
    (void)limits;
    return stream_new();
}

static void load_node(struct val *v, struct stream_id master, struct slice listpack)
{
    struct stream *s = v->ptr;
    struct stream_block *b = stream_block_from_listpack(master, (const uint8_t *)listpack.data);
    if (b->live == 0) { /* nothing is lost: memory holds no such nodes */
        stream_block_free(b);
        return;
    }
    struct stream_node *n = id_index_add(&s->nodes, master);
    must(b->len > b->first);
    n->block = b;
    s->length += b->live;
}

static void load_info(struct val *v, const struct stream_info_event *e)
{
    struct stream *s = v->ptr;
    must(s->length == e->length && e->entries_added >= e->length);
    s->last = e->last;
    s->first = e->first;
    s->max_deleted = e->max_deleted;
    s->entries_added = e->entries_added;
}

static bool load_group(struct val *v, struct stream_loading *at,
                       const struct stream_group_event *e)
{
    struct stream *s = v->ptr;
    if (!stream_add_group(s, e->name, e->last, e->entries_read))
        return false;
    *at = (struct stream_loading){.group = stream_group(s, e->name)};
    return true;
}

static void load_pending(struct stream_loading *at, const struct stream_pending_event *e)
{
    must(at->group && !at->consumer);
    struct stream_pending *p = id_index_add(&at->group->pending, e->id);
    p->delivered_ms = e->delivered_ms;
    p->count = e->count;
}

static bool load_consumer(struct stream_loading *at, const struct stream_consumer_event *e)
{
    must(at->group);
    if (stream_group_consumer(at->group, e->name))
        return false;
    at->consumer = stream_group_add_consumer(at->group, e->name, e->seen_ms);
    at->consumer->active_ms = e->active_ms;
    return true;
}

static void load_owned(struct stream_loading *at, struct stream_id id)
{
    struct stream_pending *p = stream_group_pending(at->group, id);
    must(p && !p->consumer && at->consumer);
    stream_group_give(p, at->consumer);
}

static const struct value_load_stream load_events = {
    .node = load_node,
    .info = load_info,
    .group = load_group,
    .pending = load_pending,
    .consumer = load_consumer,
    .owned = load_owned,
};

const struct value_ops stream_ops = {
    .free = free_stream,
    .copy = copy_stream,
    .count = count_stream,
    .parts = parts_of_stream,
    .memory = stream_memory,
    .stays_empty = true,
    .walk = walk_stream,
    .blocks = stream_blocks,
    .load_new = load_new,
    .load_stream = &load_events,
    .twice = "A stream with two groups, or a group with two consumers, of one name",
};
