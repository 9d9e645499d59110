/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/pass.h"

static struct pass *pass_of(struct sink *s)
{
    return (struct pass *)(void *)s;
}

#define PASS_EVENT(s, op, ...) \
    do { \
        struct sink *behind_ = pass_of(s)->to; \
        if (behind_) \
            SINK_EVENT(behind_, op, __VA_ARGS__); \
    } while (0)

void pass_took(struct pass *p)
{
    if (p->to && sink_bad(p->to) && !sink_bad(&p->sink))
        p->sink.fault = p->to->fault;
}

void pass_aux(struct sink *s, struct slice name, struct slice value)
{
    PASS_EVENT(s, aux, name, value);
}

void pass_module_aux(struct sink *s, uint64_t module_id, struct slice bytes)
{
    PASS_EVENT(s, module_aux, module_id, bytes);
    pass_took(pass_of(s));
}

void pass_function(struct sink *s, struct slice source)
{
    PASS_EVENT(s, function, source);
    pass_took(pass_of(s));
}

void pass_db(struct sink *s, unsigned id, uint64_t keys, uint64_t expires)
{
    PASS_EVENT(s, db, id, keys, expires);
}

bool pass_key(struct sink *s, const struct key_event *e)
{
    struct pass *p = pass_of(s);
    bool wants = !p->to || sink_key(p->to, e);
    pass_took(p);
    return wants;
}

bool pass_packed(struct sink *s, enum pack pack, struct slice bytes)
{
    struct sink *to = pass_of(s)->to;
    return !to || (to->ops->packed && to->ops->packed(to, pack, bytes));
}

static void item(struct sink *s, struct slice text)
{
    PASS_EVENT(s, item, text);
}

static void part(struct sink *s, struct slice bytes, uint64_t left)
{
    PASS_EVENT(s, part, bytes, left);
}

void pass_pair(struct sink *s, struct slice field, struct slice value, int64_t expire_ms)
{
    PASS_EVENT(s, pair, field, value, expire_ms);
}

static void score(struct sink *s, struct slice member, double x)
{
    PASS_EVENT(s, score, member, x);
}

static void stream_node(struct sink *s, struct stream_id master, struct slice listpack)
{
    PASS_EVENT(s, stream_node, master, listpack);
}

static void stream_info(struct sink *s, const struct stream_info_event *e)
{
    PASS_EVENT(s, stream_info, e);
}

static void stream_group(struct sink *s, const struct stream_group_event *e)
{
    PASS_EVENT(s, stream_group, e);
}

static void stream_pending(struct sink *s, const struct stream_pending_event *e)
{
    PASS_EVENT(s, stream_pending, e);
}

static void stream_consumer(struct sink *s, const struct stream_consumer_event *e)
{
    PASS_EVENT(s, stream_consumer, e);
}

static void stream_owned(struct sink *s, const struct stream_pending_event *e)
{
    PASS_EVENT(s, stream_owned, e);
}

static void stream_rest(struct sink *s, uint8_t rdb_type, struct slice bytes)
{
    PASS_EVENT(s, stream_rest, rdb_type, bytes);
    pass_took(pass_of(s));
}

static void opaque(struct sink *s, uint8_t rdb_type, uint64_t module_id, struct slice bytes)
{
    PASS_EVENT(s, opaque, rdb_type, module_id, bytes);
    pass_took(pass_of(s));
}

void pass_end_key(struct sink *s)
{
    if (pass_of(s)->to)
        sink_end_key(pass_of(s)->to);
    pass_took(pass_of(s));
}

void pass_init_each(struct pass *p, bool parts)
{
    *p = (struct pass){.ops = {
        .aux = pass_aux,
        .module_aux = pass_module_aux,
        .function = pass_function,
        .db = pass_db,
        .key = pass_key,
        .packed = pass_packed,
        .item = item,
        .part = parts ? part : NULL,
        .pair = pass_pair,
        .score = score,
        .stream_node = stream_node,
        .stream_info = stream_info,
        .stream_group = stream_group,
        .stream_pending = stream_pending,
        .stream_consumer = stream_consumer,
        .stream_owned = stream_owned,
        .stream_rest = stream_rest,
        .opaque = opaque,
        .end_key = pass_end_key,
        .whole_owned = true,
    }};
    p->sink.ops = &p->ops;
}

void pass_init(struct pass *p, struct sink *to)
{
    pass_init_each(p, !to || to->ops->part);
    p->to = to;
}
