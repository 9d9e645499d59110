/* SPDX-License-Identifier: BSD-3-Clause */
/* Each pending entry stands in two indexes (id_index.h): the group's has all that is known of it,
 * its consumer's only the id. So both can be walked in the order of ids, and an entry is found,
 * given away or acknowledged by binary searches. */
#include "store/stream_group.h"

#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "containers/radix.h"

struct stream_group *stream_group_new(struct stream_id last, int64_t entries_read)
{
    struct stream_group *g = mem_zalloc(sizeof *g);
    must(entries_read >= STREAM_READ_UNKNOWN);
    g->last = last;
    g->entries_read = entries_read;
    id_index_init(&g->pending, sizeof(struct stream_pending));
    return g;
}

static size_t consumer_bytes(const struct stream_consumer *c)
{
    return sizeof *c + c->name_len;
}

static void free_consumer(void *consumer)
{
    struct stream_consumer *c = consumer;
    must(c->owned.size == sizeof(struct stream_id));
    id_index_release(&c->owned);
    mem_free_sized(c, consumer_bytes(c));
}

void stream_group_free(void *group)
{
    struct stream_group *g = group;
    must(g->pending.size == sizeof(struct stream_pending));
    if (g->consumers)
        radix_free(g->consumers, free_consumer);
    id_index_release(&g->pending);
    mem_free(g);
}

/* ---- consumers ---- */

struct stream_consumer *stream_group_consumer(const struct stream_group *g, struct slice name)
{
    void *c = NULL;
    if (!g->consumers || !radix_get(g->consumers, name, &c))
        return NULL;
    must(slice_eq(stream_consumer_name(c), name));
    return c;
}

struct stream_consumer *stream_group_add_consumer(struct stream_group *g, struct slice name,
                                                  int64_t seen_ms)
{
    struct stream_consumer *c = mem_alloc(sizeof *c + name.len);
    must(name.len <= UINT32_MAX);
    *c = (struct stream_consumer){.seen_ms = seen_ms, .active_ms = -1,
                                  .name_len = (uint32_t)name.len};
    if (name.len)
        memcpy(c->name, name.data, name.len);
    id_index_init(&c->owned, sizeof(struct stream_id));
    if (!g->consumers)
        g->consumers = radix_new();
    bool added = radix_put(g->consumers, name, c, NULL);
    must(added);
    return c;
}

void stream_group_remove_consumer(struct stream_group *g, struct stream_consumer *c)
{
    struct id_cursor at;
    const struct stream_id lowest = {0};
    for (const struct stream_id *id = id_index_from(&c->owned, lowest, &at); id;
         id = id_index_next(&c->owned, &at)) {
        bool was = id_index_remove(&g->pending, *id);
        must(was);
    }
    bool removed = radix_remove(g->consumers, stream_consumer_name(c), NULL);
    must(removed);
    free_consumer(c);
}

uint64_t stream_group_consumers(const struct stream_group *g)
{
    return g->consumers ? radix_count(g->consumers) : 0;
}

bool stream_group_each_consumer(const struct stream_group *g, stream_consumer_visit *visit,
                                void *arg)
{
    bool more = true;
    if (!g->consumers)
        return true;
    struct radix_iter it;
    radix_iter_init(&it, g->consumers);
    for (bool any = radix_first(&it); any && more; any = radix_next(&it))
        more = visit(arg, it.value);
    radix_iter_free(&it);
    return more;
}

/* ---- pending entries ---- */

struct stream_pending *stream_group_pending(const struct stream_group *g, struct stream_id id)
{
    return id_index_find(&g->pending, id);
}

void stream_group_give(struct stream_pending *p, struct stream_consumer *to)
{
    must(p && to);
    if (p->consumer == to)
        return;
    if (p->consumer) {
        bool owned = id_index_remove(&p->consumer->owned, p->id);
        must(owned);
    }
    id_index_add(&to->owned, p->id);
    p->consumer = to;
}

/* Mostly it is the newest, of nobody. */
struct stream_pending *stream_group_deliver(struct stream_group *g, struct stream_consumer *c,
                                            struct stream_id id, int64_t now_ms)
{
    const struct stream_pending *last = id_index_last(&g->pending);
    struct stream_pending *p = NULL;
    if (last && stream_id_cmp(last->id, id) >= 0)
        p = id_index_find(&g->pending, id);
    if (!p)
        p = id_index_add(&g->pending, id);
    stream_group_give(p, c);
    p->delivered_ms = now_ms;
    p->count = 1;
    return p;
}

bool stream_group_ack(struct stream_group *g, struct stream_id id)
{
    const struct stream_pending *p = id_index_find(&g->pending, id);
    if (!p)
        return false;
    if (p->consumer) {
        bool owned = id_index_remove(&p->consumer->owned, id);
        must(owned);
    }
    return id_index_remove(&g->pending, id);
}

/* ---- the whole ---- */

static bool copy_consumer(void *arg, struct stream_consumer *c)
{
    struct stream_group *to = arg;
    struct stream_consumer *copy =
        stream_group_add_consumer(to, stream_consumer_name(c), c->seen_ms);
    copy->active_ms = c->active_ms;
    id_index_copy(&copy->owned, &c->owned);
    struct id_cursor at;
    const struct stream_id lowest = {0};
    for (const struct stream_id *id = id_index_from(&copy->owned, lowest, &at); id;
         id = id_index_next(&copy->owned, &at)) {
        struct stream_pending *p = id_index_find(&to->pending, *id);
        must(p && p->consumer == c);
        p->consumer = copy;
    }
    return true;
}

struct stream_group *stream_group_copy(const struct stream_group *g)
{
    struct stream_group *copy = stream_group_new(g->last, g->entries_read);
    id_index_copy(&copy->pending, &g->pending);
    stream_group_each_consumer(g, copy_consumer, copy);
    must(stream_group_consumers(copy) == stream_group_consumers(g));
    return copy;
}

static bool add_memory(void *arg, struct stream_consumer *c)
{
    *(size_t *)arg += mem_usable(c) + id_index_memory(&c->owned);
    return true;
}

size_t stream_group_memory(const struct stream_group *g)
{
    size_t bytes = mem_usable(g) + id_index_memory(&g->pending);
    if (g->consumers)
        bytes += radix_memory(g->consumers);
    stream_group_each_consumer(g, add_memory, &bytes);
    return bytes;
}
