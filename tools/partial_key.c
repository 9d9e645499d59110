/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/partial_key.h"

#include "base/must.h"
#include "containers/listpack.h"

static struct partial_key *partial(struct sink *s)
{
    return (struct partial_key *)(void *)s;
}

static bool on_key(struct sink *s, const struct key_event *key)
{
    struct partial_key *p = partial(s);
    if (!p->to) {
        p->unfit = key->type == VALUE_STRING || key->type == VALUE_STREAM ||
                   key->type == VALUE_MODULE;
        p->count = key->count;
        p->blocks = key->blocks;
        return !p->unfit;
    }
    struct key_event part = *key;
    part.count = p->elements;
    part.blocks = p->blocks || p->events != p->elements ? p->events : 0;
    p->begun = sink_key(p->to, &part);
    return p->begun;
}

/* Is this event handed on? */
static bool one(struct sink *s, uint64_t elements)
{
    struct partial_key *p = partial(s);
    if (!p->to) {
        p->events++;
        p->elements += elements;
        return false;
    }
    if (p->left == 0)
        return false;
    p->left--;
    return true;
}

static bool on_packed(struct sink *s, enum pack pack, struct slice bytes)
{
    if (pack != PACK_LIST) {
        partial(s)->unfit = true; /* it is whole: the damage lies behind it */
        return true;
    }
    if (one(s, lp_count((const uint8_t *)bytes.data)))
        sink_packed(partial(s)->to, pack, bytes);
    return true;
}

static void on_item(struct sink *s, struct slice item)
{
    if (one(s, 1))
        SINK_EVENT(partial(s)->to, item, item);
}

static void on_pair(struct sink *s, struct slice field, struct slice value, int64_t expire_ms)
{
    partial(s)->unfit |= expire_ms != KEY_NO_EXPIRE; /* no version that is written has them */
    if (one(s, 1))
        SINK_EVENT(partial(s)->to, pair, field, value, expire_ms);
}

static void on_score(struct sink *s, struct slice member, double score)
{
    if (one(s, 1))
        SINK_EVENT(partial(s)->to, score, member, score);
}

static const struct sink_ops ops = {.key = on_key, .packed = on_packed, .item = on_item,
                                    .pair = on_pair, .score = on_score};

void partial_begin(struct partial_key *p, struct sink *to)
{
    if (!to)
        *p = (struct partial_key){.sink.ops = &ops};
    must(!to || partial_some(p));
    p->to = to;
    p->left = p->events;
    p->begun = false;
}

void partial_end(struct partial_key *p)
{
    must(p->to && p->left == 0);
    if (p->begun)
        sink_end_key(p->to);
}
