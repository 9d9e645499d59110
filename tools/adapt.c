/* SPDX-License-Identifier: BSD-3-Clause */
/* Kinds of values without a place are known by their key; expiries of fields only when they come,
 * which is why a hash with some is taken apart. */
#include "tools/adapt.h"

#include "base/must.h"
#include "format/rdb.h"

static struct adapt *adapt_of(struct sink *s)
{
    return (struct adapt *)(void *)s;
}

static bool passes(const struct adapt *a)
{
    return a->mode == ADAPT_DROP && !a->refused;
}

static void took(struct adapt *a)
{
    if (sink_bad(a->to) && !sink_bad(&a->sink))
        a->sink.fault = a->to->fault;
}

static void tell(struct adapt *a, const char *what)
{
    if (a->told)
        return;
    a->told = true;
    a->keys++;
    if (a->found)
        a->found(a->arg, what, &a->key);
}

static void function(struct sink *s, struct slice source)
{
    struct adapt *a = adapt_of(s);
    if (a->target == ADAPT_RDB_9) {
        a->libraries++;
        if (a->found)
            a->found(a->arg, "function library", NULL);
    } else if (a->mode == ADAPT_DROP) {
        SINK_EVENT(a->to, function, source);
    }
    took(a);
}

static void aux(struct sink *s, struct slice name, struct slice value)
{
    if (adapt_of(s)->mode == ADAPT_DROP)
        SINK_EVENT(adapt_of(s)->to, aux, name, value);
}

static void module_aux(struct sink *s, uint64_t module_id, struct slice bytes)
{
    struct adapt *a = adapt_of(s);
    if (a->mode == ADAPT_DROP && a->target != ADAPT_COMMANDS)
        SINK_EVENT(a->to, module_aux, module_id, bytes);
    took(a);
}

static void db(struct sink *s, unsigned id, uint64_t keys, uint64_t expires)
{
    if (adapt_of(s)->mode == ADAPT_DROP)
        SINK_EVENT(adapt_of(s)->to, db, id, keys, expires);
}

/* The kinds that are left out as a whole are known by their key. */
static bool key(struct sink *s, const struct key_event *e)
{
    struct adapt *a = adapt_of(s);
    buf_clear(&a->name);
    buf_add(&a->name, e->name);
    a->key = *e;
    a->key.name = buf_slice(&a->name);
    a->told = false;
    bool array = e->type == VALUE_MODULE && e->rdb_type == RDB_ARRAY;
    a->refused = array || (e->type == VALUE_MODULE && a->target == ADAPT_COMMANDS);
    if (a->refused) {
        a->values++;
        tell(a, array ? "array" : "module value");
        return false;
    }
    bool wants = a->mode == ADAPT_FIND || sink_key(a->to, e);
    took(a);
    return wants;
}

static bool packed(struct sink *s, enum pack pack, struct slice bytes)
{
    struct adapt *a = adapt_of(s);
    if (pack == PACK_HASH_TTL)
        return false; /* field by field */
    if (!passes(a))
        return true;
    return a->to->ops->packed && a->to->ops->packed(a->to, pack, bytes);
}

static void item(struct sink *s, struct slice text)
{
    if (passes(adapt_of(s)))
        SINK_EVENT(adapt_of(s)->to, item, text);
}

static void part(struct sink *s, struct slice bytes, uint64_t left)
{
    if (passes(adapt_of(s)))
        SINK_EVENT(adapt_of(s)->to, part, bytes, left);
}

static void pair(struct sink *s, struct slice field, struct slice value, int64_t expire_ms)
{
    struct adapt *a = adapt_of(s);
    if (expire_ms != KEY_NO_EXPIRE) {
        tell(a, "field expiry");
        a->fields++;
    }
    if (passes(a))
        SINK_EVENT(a->to, pair, field, value, KEY_NO_EXPIRE);
}

static void score(struct sink *s, struct slice member, double x)
{
    if (passes(adapt_of(s)))
        SINK_EVENT(adapt_of(s)->to, score, member, x);
}

static void stream_node(struct sink *s, struct stream_id master, struct slice listpack)
{
    if (passes(adapt_of(s)))
        SINK_EVENT(adapt_of(s)->to, stream_node, master, listpack);
}

static void stream_info(struct sink *s, const struct stream_info_event *e)
{
    if (passes(adapt_of(s)))
        SINK_EVENT(adapt_of(s)->to, stream_info, e);
}

static void stream_group(struct sink *s, const struct stream_group_event *e)
{
    if (passes(adapt_of(s)))
        SINK_EVENT(adapt_of(s)->to, stream_group, e);
}

static void stream_pending(struct sink *s, const struct stream_pending_event *e)
{
    if (passes(adapt_of(s)))
        SINK_EVENT(adapt_of(s)->to, stream_pending, e);
}

static void stream_consumer(struct sink *s, const struct stream_consumer_event *e)
{
    if (passes(adapt_of(s)))
        SINK_EVENT(adapt_of(s)->to, stream_consumer, e);
}

static void stream_owned(struct sink *s, struct stream_id id)
{
    if (passes(adapt_of(s)))
        SINK_EVENT(adapt_of(s)->to, stream_owned, id);
}

static void stream_rest(struct sink *s, uint8_t rdb_type, struct slice bytes)
{
    struct adapt *a = adapt_of(s);
    (void)rdb_type;
    if (!bytes.len)
        return;
    tell(a, "stream producers");
    a->values++;
}

static void opaque(struct sink *s, uint8_t rdb_type, uint64_t module_id, struct slice bytes)
{
    struct adapt *a = adapt_of(s);
    if (passes(a))
        SINK_EVENT(a->to, opaque, rdb_type, module_id, bytes);
    took(a);
}

static void end_key(struct sink *s)
{
    struct adapt *a = adapt_of(s);
    if (passes(a))
        sink_end_key(a->to);
    took(a);
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

void adapt_init(struct adapt *a, enum adapt_target target, enum adapt_mode mode, struct sink *to)
{
    *a = (struct adapt){.ops = ops, .to = to, .target = target, .mode = mode};
    if (mode == ADAPT_DROP && !to->ops->part)
        a->ops.part = NULL;
    a->sink.ops = &a->ops;
}

void adapt_free(struct adapt *a)
{
    buf_free(&a->name);
}
