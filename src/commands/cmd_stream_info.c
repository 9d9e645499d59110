/* SPDX-License-Identifier: BSD-3-Clause */
/* XINFO. The fields are those of 7.2. */
#include "commands/cmd_stream.h"

#include "base/must.h"
#include "commands/stream_args.h"
#include "server/reply.h"

static void field_int(struct ctx *c, const char *name, uint64_t n)
{
    reply_bulk_str(c, name);
    reply_int(c, (int64_t)n);
}

static void field_id(struct ctx *c, const char *name, struct stream_id id)
{
    reply_bulk_str(c, name);
    reply_stream_id(c, id);
}

/* A number, or null where it is this one, which means that it is not known. */
static void field_known(struct ctx *c, const char *name, int64_t n, int64_t unknown)
{
    reply_bulk_str(c, name);
    if (n == unknown)
        reply_null(c);
    else
        reply_int(c, n);
}

/* argv[2]; its absence was replied. */
static bool find_stream(struct ctx *c, struct stream **s)
{
    if (!stream_read(c, c->argv[2], s))
        return false;
    if (!*s)
        reply_no_key(c);
    return *s;
}

/* ---- XINFO STREAM ---- */

enum { COMMON_FIELDS = 7 };
static void reply_common(struct ctx *c, const struct stream *s)
{
    field_int(c, "length", s->length);
    field_int(c, "radix-tree-keys", s->nodes.records);
    /* Nodes lie in an index without inner nodes; one for the whole, as an empty tree has. */
    field_int(c, "radix-tree-nodes", s->nodes.records + 1);
    field_id(c, "last-generated-id", s->last);
    field_id(c, "max-deleted-entry-id", s->max_deleted);
    field_int(c, "entries-added", s->entries_added);
    field_id(c, "recorded-first-entry-id", s->first);
}

static void reply_edge(struct ctx *c, const char *name, const struct stream *s, bool last)
{
    struct stream_iter it;
    struct block_entry e;
    reply_bulk_str(c, name);
    stream_iter_init(&it, s, STREAM_ID_MIN, STREAM_ID_MAX, last);
    if (stream_iter_next(&it, &e))
        reply_stream_entry(c, &e);
    else
        reply_null(c);
}

static void reply_entries(struct ctx *c, const struct stream *s, uint64_t count)
{
    struct stream_iter it;
    struct block_entry e;
    size_t n = 0;
    reply_bulk_str(c, "entries");
    uint64_t mark = reply_later(c);
    stream_iter_init(&it, s, STREAM_ID_MIN, STREAM_ID_MAX, false);
    for (; (count == 0 || n < count) && !reply_unheard(c) && stream_iter_next(&it, &e); n++)
        reply_stream_entry(c, &e);
    reply_later_array(c, mark, n);
}

/* For the visits of groups and consumers. */
struct full {
    struct ctx *c;
    const struct stream *stream;
    const struct stream_group *group;
    uint64_t count; /* of entries shown; 0: all */
};

/* The entries of an index that begins with ids: with their owner where it is the group's. */
static void reply_pending(const struct full *f, const struct id_index *index, bool owner)
{
    struct ctx *c = f->c;
    struct id_cursor at;
    uint64_t n = index->records;
    if (f->count && f->count < n)
        n = f->count;
    field_int(c, "pel-count", index->records);
    reply_bulk_str(c, "pending");
    reply_array(c, n);
    const struct stream_id *id = id_index_from(index, STREAM_ID_MIN, &at);
    for (; n > 0; n--, id = id_index_next(index, &at)) {
        const struct stream_pending *p = stream_group_pending(f->group, *id);
        must(p);
        reply_array(c, owner ? 4 : 3);
        reply_stream_id(c, *id);
        if (owner)
            reply_bulk(c, stream_consumer_name(p->consumer));
        reply_int(c, p->delivered_ms);
        reply_int(c, (int64_t)p->count);
    }
}

static bool reply_full_consumer(void *arg, struct stream_consumer *who)
{
    const struct full *f = arg;
    reply_map(f->c, 5);
    reply_bulk_str(f->c, "name");
    reply_bulk(f->c, stream_consumer_name(who));
    reply_bulk_str(f->c, "seen-time");
    reply_int(f->c, who->seen_ms);
    reply_bulk_str(f->c, "active-time");
    reply_int(f->c, who->active_ms);
    reply_pending(f, &who->owned, false);
    return true;
}

static bool reply_full_group(void *arg, struct slice name, struct stream_group *g)
{
    struct full *f = arg;
    struct ctx *c = f->c;
    f->group = g;
    reply_map(c, 7);
    reply_bulk_str(c, "name");
    reply_bulk(c, name);
    field_id(c, "last-delivered-id", g->last);
    field_known(c, "entries-read", g->entries_read, STREAM_READ_UNKNOWN);
    field_known(c, "lag", stream_group_lag(f->stream, g), STREAM_LAG_UNKNOWN);
    reply_pending(f, &g->pending, true);
    reply_bulk_str(c, "consumers");
    reply_array(c, stream_group_consumers(g));
    return stream_group_each_consumer(g, reply_full_consumer, f);
}

static bool parse_full(struct ctx *c, int64_t *count)
{
    const int64_t usual = 10;
    *count = usual;
    if ((c->argc != 4 && c->argc != 6) || !ctx_arg_is(c, 3, "full") ||
        (c->argc == 6 && !ctx_arg_is(c, 4, "count"))) {
        reply_wrong_subcommand(c);
        return false;
    }
    if (c->argc == 6 && !ctx_arg_i64(c, 5, count))
        return false;
    if (*count < 0)
        *count = usual;
    return true;
}

void cmd_xinfo_stream(struct ctx *c)
{
    struct stream *s;
    int64_t count;
    bool full = c->argc > 3;
    if (!find_stream(c, &s) || (full && !parse_full(c, &count)))
        return;
    reply_map(c, COMMON_FIELDS + (full ? 2 : 3));
    reply_common(c, s);
    if (!full) {
        field_int(c, "groups", stream_groups(s));
        reply_edge(c, "first-entry", s, false);
        reply_edge(c, "last-entry", s, true);
        return;
    }
    reply_entries(c, s, (uint64_t)count);
    reply_bulk_str(c, "groups");
    reply_array(c, stream_groups(s));
    struct full f = {.c = c, .stream = s, .count = (uint64_t)count};
    stream_each_group(s, reply_full_group, &f);
}

/* ---- XINFO GROUPS, CONSUMERS ---- */

static bool reply_group(void *arg, struct slice name, struct stream_group *g)
{
    const struct full *f = arg;
    struct ctx *c = f->c;
    reply_map(c, 6);
    reply_bulk_str(c, "name");
    reply_bulk(c, name);
    field_int(c, "consumers", stream_group_consumers(g));
    field_int(c, "pending", g->pending.records);
    field_id(c, "last-delivered-id", g->last);
    field_known(c, "entries-read", g->entries_read, STREAM_READ_UNKNOWN);
    field_known(c, "lag", stream_group_lag(f->stream, g), STREAM_LAG_UNKNOWN);
    return true;
}

void cmd_xinfo_groups(struct ctx *c)
{
    struct stream *s;
    if (!find_stream(c, &s))
        return;
    struct full f = {.c = c, .stream = s};
    reply_array(c, stream_groups(s));
    stream_each_group(s, reply_group, &f);
}

static bool reply_consumer(void *arg, struct stream_consumer *who)
{
    struct ctx *c = arg;
    int64_t idle = c->now_ms - who->seen_ms, inactive = c->now_ms - who->active_ms;
    reply_map(c, 4);
    reply_bulk_str(c, "name");
    reply_bulk(c, stream_consumer_name(who));
    field_int(c, "pending", who->owned.records);
    reply_bulk_str(c, "idle");
    reply_int(c, idle < 0 ? 0 : idle);
    reply_bulk_str(c, "inactive");
    reply_int(c, who->active_ms < 0 ? -1 : inactive < 0 ? 0 : inactive);
    return true;
}

void cmd_xinfo_consumers(struct ctx *c)
{
    struct stream *s;
    if (!find_stream(c, &s))
        return;
    const struct stream_group *g = stream_group(s, c->argv[3]);
    if (!g) {
        reply_errorf(c, "NOGROUP No such consumer group '%.*s' for key name '%.*s'",
                     SLICE_ARG(c->argv[3]), SLICE_ARG(c->argv[2]));
        return;
    }
    reply_array(c, stream_group_consumers(g));
    stream_group_each_consumer(g, reply_consumer, c);
}

void cmd_xinfo_help(struct ctx *c)
{
    static const char *const lines[] = {
        "CONSUMERS <key> <group>",
        "    What is known of each consumer of a group.",
        "GROUPS <key>",
        "    What is known of each group of a stream.",
        "STREAM <key> [FULL [COUNT <count>]]",
        "    What is known of a stream; with FULL its entries, groups and consumers, too.",
        NULL,
    };
    reply_help(c, lines);
}
