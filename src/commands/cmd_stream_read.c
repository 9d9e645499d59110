/* SPDX-License-Identifier: BSD-3-Clause */
/* XREAD and XREADGROUP. Either finds something to reply, or waits and is run again from its words:
 * so "$", which means "what comes from now on", is kept as the id it meant at first.
 *
 * What XREADGROUP did is logged as its effects: the consumer that came into being, an XCLAIM for
 * each entry that became pending or was delivered again, and how far the group is then. */
#include "commands/cmd_stream.h"

#include "base/mem.h"
#include "base/must.h"
#include "commands/stream_args.h"
#include "commands/stream_effects.h"
#include "server/reply.h"
#include "server/wait_keys.h"

struct source {
    struct stream_id after;
    bool only_new;              /* ">" */
    bool newest;                /* "$" */
};

struct read_args {
    bool in_group, no_ack, block;
    struct slice group, consumer;
    int64_t count, timeout_ms;
    int keys, ids, n;           /* argv[keys] on, n of them; their ids from argv[ids] on */
};

/* ---- words ---- */

static bool take_timeout(struct ctx *c, int i, struct read_args *a)
{
    if (!stream_arg_number(c, i, "ERR timeout is not an integer or out of range", &a->timeout_ms))
        return false;
    a->block = true;
    if (a->timeout_ms >= 0 && a->timeout_ms <= INT64_MAX - c->now_ms)
        return true;
    reply_error(c, a->timeout_ms < 0 ? "ERR timeout is negative" : "ERR timeout is out of range");
    return false;
}

static bool take_keys(struct ctx *c, int i, struct read_args *a)
{
    int words = c->argc - i;
    a->keys = i;
    a->n = words / 2;
    a->ids = i + a->n;
    if (words % 2 == 0)
        return true;
    reply_errorf(c, "ERR Unbalanced '%s' list of streams: for each stream key an ID or '%s' must "
                    "be specified.", c->command->name, a->in_group ? ">" : "$");
    return false;
}

static bool only_in_group(struct ctx *c, const struct read_args *a, const char *option)
{
    if (a->in_group)
        return true;
    reply_errorf(c, "ERR The %s option is only supported by XREADGROUP. You called XREAD instead.",
                 option);
    return false;
}

/* Word i with those that belong to it; how many, 0 after an error. */
static int take_word(struct ctx *c, int i, struct read_args *a)
{
    if (stream_arg_option(c, i, "block"))
        return take_timeout(c, i + 1, a) ? 2 : 0;
    if (stream_arg_option(c, i, "count"))
        return stream_arg_count(c, i + 1, &a->count) ? 2 : 0;
    if (stream_arg_option(c, i, "streams"))
        return take_keys(c, i + 1, a) ? c->argc - i : 0;
    if (i + 2 < c->argc && ctx_arg_is(c, i, "group")) {
        a->group = c->argv[i + 1];
        a->consumer = c->argv[i + 2];
        return only_in_group(c, a, "GROUP") ? 3 : 0;
    }
    if (ctx_arg_is(c, i, "noack")) {
        a->no_ack = true;
        return only_in_group(c, a, "NOACK") ? 1 : 0;
    }
    reply_syntax(c);
    return 0;
}

static bool parse_read(struct ctx *c, struct read_args *a)
{
    for (int i = 1, taken; i < c->argc; i += taken) {
        taken = take_word(c, i, a);
        if (!taken)
            return false;
    }
    if (!a->keys)
        reply_syntax(c);
    else if (a->in_group && !a->group.data)
        reply_error(c, "ERR Missing GROUP option for XREADGROUP");
    else
        return true;
    return false;
}

/* The id at word i. s NULL: no such stream. */
static bool parse_source(struct ctx *c, int i, const struct read_args *a, const struct stream *s,
                         struct source *from)
{
    *from = (struct source){0};
    if (slice_eq_str(c->argv[i], "$")) {
        if (a->in_group)
            reply_error(c, "ERR The $ ID is meaningless in the context of XREADGROUP: you want to "
                           "read the history of this consumer by specifying a proper ID, or use "
                           "the > ID to get new messages. The $ ID would just return an empty "
                           "result set.");
        from->newest = true;
        from->after = s ? s->last : STREAM_ID_MIN;
        return !a->in_group;
    }
    if (slice_eq_str(c->argv[i], ">")) {
        if (!a->in_group)
            reply_error(c, "ERR The > ID can be specified only when calling XREADGROUP using the "
                           "GROUP <group> <consumer> option.");
        from->only_new = true;
        return a->in_group;
    }
    if (!stream_arg_id(c, i, &from->after))
        return false;
    /* The last id of all says the same to a group. */
    from->only_new = a->in_group && stream_id_cmp(from->after, STREAM_ID_MAX) == 0;
    return true;
}

/* Each key's, when all is well with every one of them; else NULL. The caller's. */
static struct source *parse_sources(struct ctx *c, const struct read_args *a)
{
    struct source *all = mem_alloc((size_t)(a->n ? a->n : 1) * sizeof *all);
    for (int i = 0; i < a->n; i++) {
        struct slice key = c->argv[a->keys + i];
        struct stream *s;
        bool fine = stream_read(c, key, &s);
        if (fine && a->in_group && !(s && stream_group(s, a->group))) {
            reply_no_stream_group(c, key, a->group, " in XREADGROUP with GROUP option");
            fine = false;
        }
        if (!fine || !parse_source(c, a->ids + i, a, s, &all[i])) {
            mem_free(all);
            return NULL;
        }
    }
    return all;
}

/* ---- waiting ---- */

/* When it runs again: the only stream that can have something new. */
static void look_only_at(struct ctx *c, struct read_args *a)
{
    int i = wait_only_key(c);
    if (i < 0)
        return;
    must(i < a->n);
    a->keys += i;
    a->ids += i;
    a->n = 1;
}

static void too_late(struct ctx *c)
{
    reply_null_array(c);
}

static void wait(struct ctx *c, const struct read_args *a, const struct source *from)
{
    const struct slice *given = c->argv;
    must(a->block && a->n > 0);
    struct slice *argv = mem_copy(given, (size_t)c->argc * sizeof *given);
    char (*ids)[STREAM_ID_TEXT] = mem_alloc((size_t)a->n * sizeof *ids);
    int *at = mem_alloc((size_t)a->n * sizeof *at);
    for (int i = 0; i < a->n; i++) {
        at[i] = a->keys + i;
        if (from[i].newest)
            argv[a->ids + i] = stream_id_text(ids[i], from[i].after);
    }
    c->argv = argv;
    wait_for_keys(c, a->timeout_ms, &(struct wait_keys){
        .at = at, .count = a->n, .type = VALUE_STREAM, .gone_too = a->in_group,
        .too_late = too_late});
    c->argv = given;
    mem_free(at);
    mem_free(ids);
    mem_free(argv);
}

/* ---- XREAD ---- */

static void begin_key(struct ctx *c, size_t *found, uint64_t *mark, struct slice key)
{
    if ((*found)++ == 0)
        *mark = reply_later(c);
    if (c->resp == 2)
        reply_array(c, 2);
    reply_bulk(c, key);
}

static void end_keys(struct ctx *c, size_t found, uint64_t mark)
{
    if (c->resp == 2)
        reply_later_array(c, mark, found);
    else
        reply_later_map(c, mark, found);
}

/* Entries behind that id, count of them at most (0: all). */
static void reply_behind(struct ctx *c, const struct stream *s, struct stream_id after,
                         int64_t count)
{
    struct stream_iter it;
    struct block_entry e;
    size_t n = 0;
    uint64_t mark = reply_later(c);
    bool any = stream_id_increment(&after);
    must(any);
    stream_iter_init(&it, s, after, STREAM_ID_MAX, false);
    while ((count == 0 || n < (uint64_t)count) && !reply_unheard(c) && stream_iter_next(&it, &e)) {
        reply_stream_entry(c, &e);
        n++;
    }
    reply_later_array(c, mark, n);
}

/* The id of the newest entry that is there is above that one. */
static bool has_behind(const struct stream *s, struct stream_id after)
{
    struct stream_iter it;
    struct block_entry e;
    if (s->length == 0 || stream_id_cmp(s->last, after) <= 0)
        return false;
    stream_iter_init(&it, s, STREAM_ID_MIN, STREAM_ID_MAX, true);
    return stream_iter_next(&it, &e) && stream_id_cmp(e.id, after) > 0;
}

void cmd_xread(struct ctx *c)
{
    struct read_args a = {0};
    size_t found = 0;
    uint64_t mark = 0;
    if (!parse_read(c, &a))
        return;
    look_only_at(c, &a);
    struct source *from = parse_sources(c, &a);
    if (!from)
        return;
    for (int i = 0; i < a.n; i++) {
        struct stream *s;
        bool right = stream_read(c, c->argv[a.keys + i], &s);
        must(right); /* it was before */
        if (!s || !has_behind(s, from[i].after))
            continue;
        begin_key(c, &found, &mark, c->argv[a.keys + i]);
        reply_behind(c, s, from[i].after, a.count);
    }
    if (found)
        end_keys(c, found, mark);
    else if (a.block)
        wait(c, &a, from);
    else
        reply_null_array(c);
    mem_free(from);
}

/* ---- XREADGROUP ---- */
/* A group or a consumer may have the name of an option, so the first STREAMS need not be it. */
int cmd_xreadgroup_keys(int argc, const struct slice *argv, int *at, int max)
{
    int i = 1;
    while (i < argc && !slice_eq_nocase(argv[i], "streams")) {
        if (slice_eq_nocase(argv[i], "group"))
            i += 3;
        else if (slice_eq_nocase(argv[i], "count") || slice_eq_nocase(argv[i], "block"))
            i += 2;
        else if (slice_eq_nocase(argv[i], "noack"))
            i++;
        else
            return -1;
    }
    int words = argc - i - 1, n = words / 2;
    if (words < 2 || words % 2)
        return -1;
    for (int k = 0; k < n && k < max; k++)
        at[k] = i + 1 + k;
    return n < max ? n : max;
}


/* One key, as a consumer reads it. */
struct reading {
    const struct read_args *args;
    struct stream *stream;
    struct stream_effects effects;
    uint64_t changes;
};

static void deliver_new(struct ctx *c, struct reading *r)
{
    struct stream_group *g = r->effects.group;
    struct stream_consumer *who = r->effects.consumer;
    struct stream_id from = g->last;
    struct stream_iter it;
    struct block_entry e;
    int64_t count = r->args->count;
    size_t n = 0;
    uint64_t mark = reply_later(c);
    bool any = stream_id_increment(&from);
    must(any);
    stream_iter_init(&it, r->stream, from, STREAM_ID_MAX, false);
    while ((count == 0 || n < (uint64_t)count) && stream_iter_next(&it, &e)) {
        stream_group_advance(r->stream, g, e.id);
        reply_stream_entry(c, &e);
        n++;
        if (r->args->no_ack)
            continue;
        who->active_ms = c->now_ms;
        stream_effect_claim(c, &r->effects, stream_group_deliver(g, who, e.id, c->now_ms));
    }
    must(n > 0); /* somebody looked */
    stream_effect_position(c, &r->effects);
    r->changes++; /* however many: as 7.2 counts */
    reply_later_array(c, mark, n);
}

/* What the consumer has not acknowledged; entries that were deleted since have no fields. */
static void deliver_again(struct ctx *c, struct reading *r, struct stream_id after)
{
    struct stream_group *g = r->effects.group;
    struct id_cursor at;
    int64_t count = r->args->count;
    size_t n = 0;
    bool any = false;
    uint64_t mark = reply_later(c);
    const struct id_index *owned = &r->effects.consumer->owned;
    const struct stream_id *id = NULL;
    if (stream_id_increment(&after))
        id = id_index_from(owned, after, &at);
    for (; id && (count == 0 || n < (uint64_t)count); id = id_index_next(owned, &at), n++) {
        if (!reply_stream_entry_of(c, r->stream, *id)) {
            reply_array(c, 2);
            reply_stream_id(c, *id);
            reply_null_array(c);
            continue;
        }
        struct stream_pending *p = stream_group_pending(g, *id);
        must(p && p->consumer == r->effects.consumer);
        p->delivered_ms = c->now_ms;
        p->count++;
        stream_effect_claim(c, &r->effects, p);
        any = true;
    }
    r->changes += any;
    reply_later_array(c, mark, n);
}

static bool read_key(struct ctx *c, int i, const struct read_args *a, const struct source *from,
                     size_t *found, uint64_t *mark)
{
    struct reading r = {.args = a};
    struct slice key = c->argv[a->keys + i];
    bool right = stream_write(c, key, &r.stream);
    must(right && r.stream);
    struct stream_group *g = stream_group(r.stream, a->group);
    r.effects = (struct stream_effects){.key = key, .group_name = a->group, .group = g};
    must(g);
    r.changes += stream_effect_consumer(c, &r.effects, a->consumer);
    bool any = !from->only_new || has_behind(r.stream, g->last);
    if (any) {
        begin_key(c, found, mark, key);
        if (from->only_new)
            deliver_new(c, &r);
        else
            deliver_again(c, &r, from->after);
    }
    if (r.changes)
        stream_group_changed(c, key, r.changes, NULL);
    return any;
}

void cmd_xreadgroup(struct ctx *c)
{
    struct read_args a = {.in_group = true};
    size_t found = 0;
    uint64_t mark = 0;
    struct source *from = parse_read(c, &a) ? parse_sources(c, &a) : NULL;
    if (!from)
        return;
    for (int i = 0; i < a.n; i++)
        read_key(c, i, &a, &from[i], &found, &mark);
    if (found)
        end_keys(c, found, mark);
    else if (a.block)
        wait(c, &a, from);
    else
        reply_null_array(c);
    mem_free(from);
}
