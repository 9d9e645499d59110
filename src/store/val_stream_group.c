/* SPDX-License-Identifier: BSD-3-Clause */
/* The groups of a stream, and how far they are. A group's place among all entries that were ever
 * added is counted as long as that can be exact; a deletion behind it, or an id that somebody set,
 * makes it unknown until it can be told again. */
#include "base/must.h"
#include "containers/radix.h"
#include "store/val_stream.h"

struct stream_group *stream_group(const struct stream *s, struct slice name)
{
    void *g = NULL;
    return s->groups && radix_get(s->groups, name, &g) ? g : NULL;
}

bool stream_add_group(struct stream *s, struct slice name, struct stream_id last,
                      int64_t entries_read)
{
    if (stream_group(s, name))
        return false;
    if (!s->groups)
        s->groups = radix_new();
    bool added = radix_put(s->groups, name, stream_group_new(last, entries_read), NULL);
    must(added);
    return true;
}

bool stream_remove_group(struct stream *s, struct slice name)
{
    void *g = NULL;
    if (!s->groups || !radix_remove(s->groups, name, &g))
        return false;
    must(g);
    stream_group_free(g);
    return true;
}

uint64_t stream_groups(const struct stream *s)
{
    return s->groups ? radix_count(s->groups) : 0;
}

bool stream_each_group(const struct stream *s, stream_group_visit *visit, void *arg)
{
    bool more = true;
    if (!s->groups)
        return true;
    struct radix_iter it;
    radix_iter_init(&it, s->groups);
    for (bool any = radix_first(&it); any && more; any = radix_next(&it))
        more = visit(arg, buf_slice(&it.key), it.value);
    radix_iter_free(&it);
    return more;
}

/* ---- how far ---- */

/* May an entry from that id on have been deleted? */
static bool has_holes_from(const struct stream *s, struct stream_id id)
{
    return s->length && stream_id_cmp(s->max_deleted, STREAM_ID_MIN) > 0 &&
           stream_id_cmp(s->first, s->max_deleted) <= 0 && stream_id_cmp(id, s->max_deleted) <= 0;
}

/* How many of all that were ever added have ids up to this one, as far as it can be told; else
 * STREAM_READ_UNKNOWN. */
static int64_t entries_up_to(const struct stream *s, struct stream_id id)
{
    must(s->entries_added >= s->length);
    if (s->entries_added == 0)
        return 0;
    int to_last = stream_id_cmp(id, s->last);
    if (s->length == 0 && to_last < 0)
        return (int64_t)s->entries_added;
    if (to_last >= 0)
        return to_last == 0 ? (int64_t)s->entries_added : STREAM_READ_UNKNOWN;
    int to_first = stream_id_cmp(id, s->first);
    bool any = s->max_deleted.ms || s->max_deleted.seq;
    if (to_first > 0 || (any && stream_id_cmp(s->max_deleted, s->first) >= 0))
        return STREAM_READ_UNKNOWN;
    return (int64_t)(s->entries_added - s->length) + (to_first == 0);
}

void stream_group_advance(const struct stream *s, struct stream_group *g, struct stream_id id)
{
    must(stream_id_cmp(id, g->last) > 0);
    if (g->entries_read != STREAM_READ_UNKNOWN && !has_holes_from(s, id))
        g->entries_read++;
    else if (s->entries_added)
        g->entries_read = entries_up_to(s, id);
    g->last = id;
}

int64_t stream_group_lag(const struct stream *s, const struct stream_group *g)
{
    if (s->entries_added == 0)
        return 0;
    int64_t read = g->entries_read;
    if (read == STREAM_READ_UNKNOWN || has_holes_from(s, g->last))
        read = entries_up_to(s, g->last);
    return read == STREAM_READ_UNKNOWN ? STREAM_LAG_UNKNOWN : (int64_t)s->entries_added - read;
}
