/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/sift.h"

static struct sift *sift_of(struct sink *s)
{
    return (struct sift *)(void *)s;
}

/* A fault of the sink behind is one of this: producers look here. */
static struct sink *behind(struct sink *s)
{
    return sift_of(s)->to;
}

static void took(struct sink *s)
{
    if (sink_bad(behind(s)) && !sink_bad(s))
        s->fault = behind(s)->fault;
}

static void aux(struct sink *s, struct slice name, struct slice value)
{
    if (!sift_of(s)->values_only)
        SINK_EVENT(behind(s), aux, name, value);
}

static void module_aux(struct sink *s, uint64_t module_id, struct slice bytes)
{
    if (!sift_of(s)->values_only)
        SINK_EVENT(behind(s), module_aux, module_id, bytes);
    took(s);
}

static void function(struct sink *s, struct slice source)
{
    if (sift_of(s)->takes_library && !sift_of(s)->takes_library(sift_of(s)->arg, source))
        return;
    if (sift_of(s)->library)
        sift_of(s)->library(sift_of(s)->arg, source);
    else if (!sift_of(s)->values_only)
        SINK_EVENT(behind(s), function, source);
    took(s);
}

/* Counts of a database that is sifted are not those of what comes. */
static void db(struct sink *s, unsigned id, uint64_t keys, uint64_t expires)
{
    bool all = !sift_of(s)->filter && !sift_of(s)->change;
    if (!sift_of(s)->values_only)
        SINK_EVENT(behind(s), db, id, all ? keys : 0, all ? expires : 0);
}

static bool key(struct sink *s, const struct key_event *e)
{
    struct sift *f = sift_of(s);
    struct key_event changed = *e;
    if ((f->filter && !key_filter_takes(f->filter, e)) ||
        (f->change && !f->change(f->arg, &changed))) {
        f->left_out++;
        return false;
    }
    f->taken++;
    bool wants = sink_key(f->to, &changed);
    took(s);
    return wants;
}

static bool packed(struct sink *s, enum pack pack, struct slice bytes)
{
    struct sink *to = behind(s);
    return to->ops->packed && to->ops->packed(to, pack, bytes);
}

static void item(struct sink *s, struct slice text)
{
    SINK_EVENT(behind(s), item, text);
}

static void part(struct sink *s, struct slice bytes, uint64_t left)
{
    SINK_EVENT(behind(s), part, bytes, left);
}

static void pair(struct sink *s, struct slice field, struct slice value, int64_t expire_ms)
{
    SINK_EVENT(behind(s), pair, field, value, expire_ms);
}

static void score(struct sink *s, struct slice member, double x)
{
    SINK_EVENT(behind(s), score, member, x);
}

static void stream_node(struct sink *s, struct stream_id master, struct slice listpack)
{
    SINK_EVENT(behind(s), stream_node, master, listpack);
}

static void stream_info(struct sink *s, const struct stream_info_event *e)
{
    SINK_EVENT(behind(s), stream_info, e);
}

static void stream_group(struct sink *s, const struct stream_group_event *e)
{
    SINK_EVENT(behind(s), stream_group, e);
}

static void stream_pending(struct sink *s, const struct stream_pending_event *e)
{
    SINK_EVENT(behind(s), stream_pending, e);
}

static void stream_consumer(struct sink *s, const struct stream_consumer_event *e)
{
    SINK_EVENT(behind(s), stream_consumer, e);
}

static void stream_owned(struct sink *s, struct stream_id id)
{
    SINK_EVENT(behind(s), stream_owned, id);
}

static void stream_rest(struct sink *s, uint8_t rdb_type, struct slice bytes)
{
    SINK_EVENT(behind(s), stream_rest, rdb_type, bytes);
    took(s);
}

static void opaque(struct sink *s, uint8_t rdb_type, uint64_t module_id, struct slice bytes)
{
    SINK_EVENT(behind(s), opaque, rdb_type, module_id, bytes);
    took(s);
}

static void end_key(struct sink *s)
{
    sink_end_key(behind(s));
    if (sift_of(s)->ended && !sink_bad(behind(s)))
        sift_of(s)->ended(sift_of(s)->arg);
    took(s);
}

static const struct sink_ops ops = {
    .aux = aux,
    .module_aux = module_aux,
    .function = function,
    .db = db,
    .key = key,
    .packed = packed,
    .item = item,
    .part = part,
    .pair = pair,
    .score = score,
    .stream_node = stream_node,
    .stream_info = stream_info,
    .stream_group = stream_group,
    .stream_pending = stream_pending,
    .stream_consumer = stream_consumer,
    .stream_owned = stream_owned,
    .stream_rest = stream_rest,
    .opaque = opaque,
    .end_key = end_key,
};

void sift_init(struct sift *s, const struct key_filter *filter, struct sink *to)
{
    *s = (struct sift){.ops = ops, .filter = filter, .to = to};
    if (!to->ops->part)
        s->ops.part = NULL;
    s->sink.ops = &s->ops;
}
