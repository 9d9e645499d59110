/* SPDX-License-Identifier: BSD-3-Clause */
/* XCLAIM and XAUTOCLAIM: pending entries go to another consumer. One whose entry is not in the
 * stream any more is acknowledged instead; but where a log is replayed it stays, for there it was
 * said to be pending by somebody who knew. */
#include "commands/cmd_stream.h"

#include "base/buf.h"
#include "base/must.h"
#include "commands/stream_args.h"
#include "commands/stream_effects.h"
#include "server/reply.h"

struct claim_args {
    int64_t min_idle_ms, delivered_ms, count; /* count: RETRYCOUNT, -1 none */
    bool force, just_id;
    int ids, options;                         /* words from .. to before */
    struct stream_id last;
};

/* What is on its way. */
struct claiming {
    const struct claim_args *args;
    struct stream *stream;
    struct stream_effects effects;
    uint64_t changes;
};

static bool parse_min_idle(struct ctx *c, const char *error, int64_t *min_idle_ms)
{
    if (!stream_arg_number(c, 4, error, min_idle_ms))
        return false;
    if (*min_idle_ms < 0)
        *min_idle_ms = 0;
    return true;
}

/* Word i with what belongs to it; how many words, 0 after an error. */
static int take_option(struct ctx *c, int i, struct claim_args *a)
{
    struct stream_id last;
    int64_t ms;
    if (ctx_arg_is(c, i, "force")) {
        a->force = true;
        return 1;
    }
    if (ctx_arg_is(c, i, "justid")) {
        a->just_id = true;
        return 1;
    }
    if (stream_arg_option(c, i, "idle")) {
        if (!stream_arg_number(c, i + 1, "ERR Invalid IDLE option argument for XCLAIM", &ms))
            return 0;
        a->delivered_ms = (int64_t)((uint64_t)c->now_ms - (uint64_t)ms);
        return 2;
    }
    if (stream_arg_option(c, i, "time"))
        return stream_arg_number(c, i + 1, "ERR Invalid TIME option argument for XCLAIM",
                                 &a->delivered_ms) ? 2 : 0;
    if (stream_arg_option(c, i, "retrycount"))
        return stream_arg_number(c, i + 1, "ERR Invalid RETRYCOUNT option argument for XCLAIM",
                                 &a->count) ? 2 : 0;
    if (stream_arg_option(c, i, "lastid")) {
        if (!stream_arg_id(c, i + 1, &last))
            return 0;
        if (stream_id_cmp(last, a->last) > 0)
            a->last = last;
        return 2;
    }
    reply_errorf(c, "ERR Unrecognized XCLAIM option '%.*s'", SLICE_ARG(c->argv[i]));
    return 0;
}

static bool parse_claim(struct ctx *c, struct claim_args *a)
{
    struct stream_id id;
    if (!parse_min_idle(c, "ERR Invalid min-idle-time argument for XCLAIM", &a->min_idle_ms))
        return false;
    a->options = a->ids;
    while (a->options < c->argc && stream_id_parse(c->argv[a->options], 0, &id, NULL))
        a->options++;
    for (int i = a->options, taken; i < c->argc; i += taken) {
        taken = take_option(c, i, a);
        if (!taken)
            return false;
    }
    bool odd = a->delivered_ms < 0 || (a->delivered_ms > c->now_ms && !stream_obeys(c));
    if (odd)
        a->delivered_ms = c->now_ms;
    return true;
}

/* The entry is the consumer's from now on. */
static void claim(struct ctx *c, struct claiming *k, struct stream_pending *p)
{
    const struct claim_args *a = k->args;
    struct stream_consumer *who = k->effects.consumer;
    p->delivered_ms = a->delivered_ms;
    if (a->count >= 0)
        p->count = (uint64_t)a->count;
    else if (!a->just_id)
        p->count++;
    must(a->delivered_ms >= 0);
    stream_group_give(p, who);
    who->active_ms = c->now_ms;
    stream_effect_claim(c, &k->effects, p);
    k->changes++;
}

static void reply_claimed(struct ctx *c, const struct claiming *k, struct stream_id id)
{
    if (k->args->just_id)
        reply_stream_id(c, id);
    else if (!reply_stream_entry_of(c, k->stream, id)) /* only a log says so */
        reply_null(c);
}

static bool is_too_fresh(const struct ctx *c, const struct claim_args *a,
                         const struct stream_pending *p)
{
    return a->min_idle_ms && c->now_ms - p->delivered_ms < a->min_idle_ms;
}

/* True when it was claimed. */
static bool claim_id(struct ctx *c, struct claiming *k, struct stream_id id)
{
    struct stream_group *g = k->effects.group;
    struct stream_pending *p = stream_group_pending(g, id);
    if (!stream_has(k->stream, id) && !(stream_obeys(c) && k->args->force)) {
        if (p) {
            stream_effect_drop(c, &k->effects, id);
            k->changes++;
        }
        return false;
    }
    if (p && is_too_fresh(c, k->args, p))
        return false;
    if (!p && k->args->force) /* counts as delivered once, and the claim comes on top */
        p = stream_group_deliver(g, k->effects.consumer, id, c->now_ms);
    if (p)
        claim(c, k, p);
    return p;
}

void cmd_xclaim(struct ctx *c)
{
    struct claim_args a = {.ids = 5, .delivered_ms = -1, .count = -1};
    struct claiming k = {.args = &a};
    struct stream_group *g;
    if (!stream_arg_group(c, &k.stream, &g) || !parse_claim(c, &a))
        return;
    k.effects = (struct stream_effects){.key = c->argv[1], .group_name = c->argv[2], .group = g};
    bool further = stream_id_cmp(a.last, g->last) > 0;
    if (further)
        g->last = a.last;
    k.changes += stream_effect_consumer(c, &k.effects, c->argv[3]);
    uint64_t mark = reply_later(c);
    size_t claimed = 0;
    for (int i = a.ids; i < a.options; i++) {
        struct stream_id id;
        bool right = stream_id_parse(c->argv[i], 0, &id, NULL);
        must(right);
        if (!claim_id(c, &k, id))
            continue;
        reply_claimed(c, &k, id);
        claimed++;
    }
    reply_later_array(c, mark, claimed);
    if (further && claimed == 0) { /* else the claims say it */
        stream_effect_position(c, &k.effects);
        k.changes++;
    }
    if (k.changes)
        stream_group_changed(c, c->argv[1], k.changes, NULL);
}

/* ---- XAUTOCLAIM ---- */

struct auto_args {
    struct claim_args claim;
    struct stream_id from;
    int64_t count;
};

static bool parse_auto(struct ctx *c, struct auto_args *a)
{
    const int64_t most = INT64_MAX / 16;
    if (!parse_min_idle(c, "ERR Invalid min-idle-time argument for XAUTOCLAIM",
                        &a->claim.min_idle_ms) ||
        !stream_arg_start(c, 5, &a->from))
        return false;
    for (int i = 6; i < c->argc; i++) {
        if (stream_arg_option(c, i, "count")) {
            if (!ctx_arg_range(c, ++i, 1, most, &a->count, "ERR COUNT must be > 0"))
                return false;
        } else if (ctx_arg_is(c, i, "justid")) {
            a->claim.just_id = true;
        } else {
            reply_syntax(c);
            return false;
        }
    }
    return true;
}

static void reply_ids(struct ctx *c, const struct buf *b, const struct claiming *claimed)
{
    const struct stream_id *ids = (const struct stream_id *)(const void *)b->data;
    size_t n = b->len / sizeof *ids;
    reply_array(c, n);
    for (size_t i = 0; i < n; i++) {
        if (claimed)
            reply_claimed(c, claimed, ids[i]);
        else
            reply_stream_id(c, ids[i]);
    }
}

/* Goes through the group's pending entries from *at on, and leaves in it where to go on: 0-0, from
 * the start again. */
static void claim_some(struct ctx *c, struct claiming *k, int64_t count, struct stream_id *at,
                       struct buf *claimed, struct buf *dropped)
{
    enum { LOOKS = 10 }; /* for each that may be claimed */
    const struct id_index *pending = &k->effects.group->pending;
    struct id_cursor cursor;
    struct stream_pending *p = id_index_from(pending, *at, &cursor);
    for (int64_t looks = count * LOOKS; p && looks > 0 && count > 0; looks--) {
        struct stream_id id = p->id;
        if (!stream_has(k->stream, id)) {
            stream_effect_drop(c, &k->effects, id);
            buf_append(dropped, &id, sizeof id);
            k->changes++;
            count--;
            p = id_index_from(pending, id, &cursor);
            continue;
        }
        if (!is_too_fresh(c, k->args, p)) {
            claim(c, k, p);
            buf_append(claimed, &id, sizeof id);
            count--;
        }
        p = id_index_next(pending, &cursor);
    }
    *at = p ? p->id : STREAM_ID_MIN;
}

void cmd_xautoclaim(struct ctx *c)
{
    struct auto_args a = {.claim = {.delivered_ms = c->now_ms, .count = -1}, .count = 100};
    struct claiming k = {.args = &a.claim};
    struct stream_group *g;
    struct buf claimed = {0}, dropped = {0};
    if (!parse_auto(c, &a) || !stream_arg_group(c, &k.stream, &g))
        return;
    k.effects = (struct stream_effects){.key = c->argv[1], .group_name = c->argv[2], .group = g};
    k.changes += stream_effect_consumer(c, &k.effects, c->argv[3]);
    claim_some(c, &k, a.count, &a.from, &claimed, &dropped);
    reply_array(c, 3);
    reply_stream_id(c, a.from);
    reply_ids(c, &claimed, &k);
    reply_ids(c, &dropped, NULL);
    buf_free(&claimed);
    buf_free(&dropped);
    if (k.changes)
        stream_group_changed(c, c->argv[1], k.changes, NULL);
}
