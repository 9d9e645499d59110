/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/adapt_group.h"

#include <stdlib.h>

#include "base/must.h"

void adapt_group_begin(struct adapt_group *g, const struct stream_group_event *e)
{
    must(!g->open);
    g->open = true;
    g->group = *e;
    buf_clear(&g->names);
    buf_clear(&g->pending);
    buf_clear(&g->consumers);
    buf_clear(&g->owned);
    buf_add(&g->names, e->name);
    buf_reserve(&g->pending, (size_t)e->pending * sizeof(struct stream_pending_event));
    buf_reserve(&g->owned, (size_t)e->pending * sizeof(struct stream_id));
}

void adapt_group_pending(struct adapt_group *g, const struct stream_pending_event *e)
{
    buf_append(&g->pending, e, sizeof *e);
}

void adapt_group_consumer(struct adapt_group *g, const struct stream_consumer_event *e)
{
    buf_append(&g->consumers, e, sizeof *e);
    buf_add(&g->names, e->name);
}

void adapt_group_owned(struct adapt_group *g, struct stream_id id)
{
    buf_append(&g->owned, &id, sizeof id);
}

static int by_id(const void *a, const void *b)
{
    return stream_id_cmp(*(const struct stream_id *)a, *(const struct stream_id *)b);
}

static void sort_ids(struct buf *ids)
{
    if (ids->len)
        qsort(ids->data, ids->len / sizeof(struct stream_id), sizeof(struct stream_id), by_id);
}

static bool has(const struct buf *ids, struct stream_id id)
{
    return ids->len && bsearch(&id, ids->data, ids->len / sizeof id, sizeof id, by_id);
}

/* Those that nobody owns go. */
static void drop_unowned(struct adapt_group *g)
{
    struct buf ids = {0};
    struct stream_pending_event *all = (struct stream_pending_event *)(void *)g->pending.data;
    size_t n = g->pending.len / sizeof *all, kept = 0;
    buf_add(&ids, buf_slice(&g->owned));
    sort_ids(&ids);
    for (size_t i = 0; i < n; i++)
        if (has(&ids, all[i].id))
            all[kept++] = all[i];
    g->pending.len = kept * sizeof *all;
    g->group.pending = kept;
    buf_free(&ids);
}

static void tell_consumers(struct adapt_group *g, struct sink *to)
{
    const struct stream_consumer_event *c = (const void *)g->consumers.data;
    const struct stream_id *ids = (const void *)g->owned.data;
    size_t n = g->consumers.len / sizeof *c, at = g->group.name.len, next = 0;
    for (size_t i = 0; i < n; i++) {
        struct stream_consumer_event e = c[i];
        e.name = slice(g->names.data + at, e.name.len);
        at += e.name.len;
        SINK_EVENT(to, stream_consumer, &e);
        for (uint64_t k = 0; k < e.owned; k++)
            SINK_EVENT(to, stream_owned, ids[next++]);
    }
    must(next == g->owned.len / sizeof *ids);
}

void adapt_group_end(struct adapt_group *g, struct sink *to)
{
    if (!g->open)
        return;
    g->open = false;
    if (!to)
        return;
    drop_unowned(g);
    g->group.name = slice(g->names.data, g->group.name.len);
    SINK_EVENT(to, stream_group, &g->group);
    const struct stream_pending_event *all = (const void *)g->pending.data;
    for (size_t i = 0; i < g->pending.len / sizeof *all; i++)
        SINK_EVENT(to, stream_pending, &all[i]);
    tell_consumers(g, to);
}

void adapt_group_free(struct adapt_group *g)
{
    buf_free(&g->names);
    buf_free(&g->pending);
    buf_free(&g->consumers);
    buf_free(&g->owned);
}
