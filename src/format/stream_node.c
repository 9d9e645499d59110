/* SPDX-License-Identifier: BSD-3-Clause */
/* The listpack of a node is drawn in rdb_stream.c. */
#include "format/stream_node.h"

#include <stdlib.h>

#include "base/must.h"
#include "containers/listpack.h"
#include "format/rdb.h"

static int64_t take_int(struct stream_entry *e)
{
    int64_t n = 0;
    struct slice text;
    must(e->at && lp_get_int(e->lp, e->at, &n, &text)); /* nodes were validated */
    e->at = lp_next(e->lp, e->at);
    return n;
}

static struct slice take_text(struct stream_entry *e, size_t *at, char scratch[NUM_I64_TEXT])
{
    must(*at);
    struct slice text = lp_get(e->lp, *at, scratch);
    *at = lp_next(e->lp, *at);
    return text;
}

void stream_node_start(struct stream_entry *e, struct stream_id master, struct slice listpack)
{
    *e = (struct stream_entry){.lp = (const uint8_t *)listpack.data, .master = master};
    e->at = lp_first(e->lp);
    e->entries_left = take_int(e);  /* live */
    e->entries_left += take_int(e); /* deleted */
    e->shared = take_int(e);
    must(e->entries_left > 0);
    must(e->shared >= 0);
    for (int64_t i = 0; i < e->shared; i++)
        take_text(e, &e->at, e->scratch[0]);
    take_int(e);
}

/* To the end of the entry at hand. */
static void pass_over(struct stream_entry *e)
{
    struct slice name, value;
    if (!e->begun)
        return;
    while (stream_node_field(e, &name, &value))
        ;
    must(e->fields_left == 0);
    take_int(e); /* number of elements */
}

static size_t first_name(const struct stream_entry *e)
{
    enum { HEAD_INTS = 3 };
    size_t at = lp_first(e->lp);
    for (int i = 0; i < HEAD_INTS; i++)
        at = lp_next(e->lp, at);
    return at;
}

bool stream_node_next_any(struct stream_entry *e)
{
    pass_over(e);
    e->begun = e->entries_left > 0;
    if (!e->begun) {
        must(e->entries_left == 0 && e->at == 0); /* behind the last entry there is nothing */
        return false;
    }
    e->entries_left--;
    int64_t flags = take_int(e);
    e->id.ms = e->master.ms + (uint64_t)take_int(e);
    e->id.seq = e->master.seq + (uint64_t)take_int(e);
    e->same_fields = flags & STREAM_ENTRY_SAME_FIELDS;
    e->deleted = flags & STREAM_ENTRY_DELETED;
    e->fields = e->fields_left = e->same_fields ? e->shared : take_int(e);
    must(e->fields >= 0);
    e->name_at = first_name(e);
    return true;
}

bool stream_node_next(struct stream_entry *e)
{
    bool any;
    do
        any = stream_node_next_any(e);
    while (any && e->deleted);
    return any;
}

struct slice stream_node_name(const struct stream_entry *e, size_t *at, char scratch[NUM_I64_TEXT])
{
    if (*at == 0)
        *at = first_name(e);
    must(*at);
    struct slice text = lp_get(e->lp, *at, scratch);
    *at = lp_next(e->lp, *at);
    return text;
}

bool stream_node_field(struct stream_entry *e, struct slice *name, struct slice *value)
{
    if (e->fields_left == 0)
        return false;
    e->fields_left--;
    *name = take_text(e, e->same_fields ? &e->name_at : &e->at, e->scratch[0]);
    *value = take_text(e, &e->at, e->scratch[1]);
    return true;
}

static int by_id(const void *a, const void *b)
{
    const struct stream_pending_event *x = a, *y = b;
    return stream_id_cmp(x->id, y->id);
}

bool stream_pending_ascends(const struct buf *all, size_t size, struct stream_id id)
{
    struct stream_pending_event next = {.id = id};
    return all->len == 0 || by_id(all->data + all->len - size, &next) < 0;
}

void *stream_pending_find(const struct buf *all, size_t size, struct stream_id id)
{
    must(all->len % size == 0);
    struct stream_pending_event wanted = {.id = id};
    return all->len ? bsearch(&wanted, all->data, all->len / size, size, by_id) : NULL;
}
