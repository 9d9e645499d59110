/* SPDX-License-Identifier: BSD-3-Clause */
/* Unpacking of packed blocks, and the two smallest consumers: tee and count. */
#include "format/sink.h"

#include "base/must.h"
#include "base/num.h"
#include "containers/intset.h"
#include "containers/listpack.h"
#include "format/score.h"

bool sink_score_of(const uint8_t *lp, size_t at, double *score)
{
    int64_t whole;
    struct slice text;
    if (lp_get_int(lp, at, &whole, &text)) {
        *score = (double)whole;
        return true;
    }
    return score_parse(text, score);
}

static void unpack_items(struct sink *s, const uint8_t *lp)
{
    char scratch[NUM_I64_TEXT];
    if (!s->ops->item)
        return;
    for (size_t at = lp_first(lp); at && !sink_bad(s); at = lp_next(lp, at))
        s->ops->item(s, lp_get(lp, at, scratch));
}

static void unpack_intset(struct sink *s, const uint8_t *is)
{
    char text[NUM_I64_TEXT];
    if (!s->ops->item)
        return;
    for (size_t i = 0, n = intset_count(is); i < n && !sink_bad(s); i++)
        s->ops->item(s, slice(text, num_format_i64(text, intset_get(is, i))));
}

static void unpack_pairs(struct sink *s, const uint8_t *lp, bool ttl)
{
    char scratch[2][NUM_I64_TEXT];
    if (!s->ops->pair)
        return;
    for (size_t at = lp_first(lp); at && !sink_bad(s); at = lp_next(lp, at)) {
        struct slice field = lp_get(lp, at, scratch[0]);
        at = lp_next(lp, at);
        struct slice value = lp_get(lp, at, scratch[1]);
        int64_t expire_ms = 0;
        if (ttl) {
            struct slice text;
            at = lp_next(lp, at);
            must(lp_get_int(lp, at, &expire_ms, &text));
        }
        s->ops->pair(s, field, value, expire_ms ? expire_ms : KEY_NO_EXPIRE);
    }
}

static void unpack_scores(struct sink *s, const uint8_t *lp)
{
    char scratch[NUM_I64_TEXT];
    if (!s->ops->score)
        return;
    for (size_t at = lp_first(lp); at && !sink_bad(s); at = lp_next(lp, at)) {
        struct slice member = lp_get(lp, at, scratch);
        double score;
        at = lp_next(lp, at);
        must(sink_score_of(lp, at, &score));
        s->ops->score(s, member, score);
    }
}

void sink_unpack(struct sink *s, enum pack pack, struct slice bytes)
{
    const uint8_t *block = (const uint8_t *)bytes.data;
    switch (pack) {
    case PACK_LIST:
    case PACK_SET:
        unpack_items(s, block);
        break;
    case PACK_INTSET:
        unpack_intset(s, block);
        break;
    case PACK_HASH:
        unpack_pairs(s, block, false);
        break;
    case PACK_HASH_TTL:
        unpack_pairs(s, block, true);
        break;
    case PACK_ZSET:
        unpack_scores(s, block);
        break;
    }
}

/* ---- tee ---- */

/* Calls op of both when they have it. */
#define TEE(s, op, ...) \
    do { \
        struct sink_tee *t = (struct sink_tee *)(s); \
        if (t->a->ops->op) \
            t->a->ops->op(t->a, __VA_ARGS__); \
        if (t->b->ops->op) \
            t->b->ops->op(t->b, __VA_ARGS__); \
        tee_faults(t); \
    } while (0)
#define TEE_BODY(s, op, ...) \
    do { \
        struct sink_tee *t = (struct sink_tee *)(s); \
        if (t->a_wants && t->a->ops->op) \
            t->a->ops->op(t->a, __VA_ARGS__); \
        if (t->b_wants && t->b->ops->op) \
            t->b->ops->op(t->b, __VA_ARGS__); \
        tee_faults(t); \
    } while (0)

static void tee_faults(struct sink_tee *t)
{
    if (!sink_bad(&t->sink) && (sink_bad(t->a) || sink_bad(t->b)))
        t->sink.fault = sink_bad(t->a) ? t->a->fault : t->b->fault;
}

static void tee_aux(struct sink *s, struct slice name, struct slice value)
{
    TEE(s, aux, name, value);
}

static void tee_module_aux(struct sink *s, uint64_t module_id, struct slice bytes)
{
    TEE(s, module_aux, module_id, bytes);
}

static void tee_function(struct sink *s, struct slice source)
{
    TEE(s, function, source);
}

static void tee_db(struct sink *s, unsigned id, uint64_t keys, uint64_t expires)
{
    TEE(s, db, id, keys, expires);
}

static bool tee_key(struct sink *s, const struct key_event *k)
{
    struct sink_tee *t = (struct sink_tee *)s;
    t->a_wants = !t->a->ops->key || t->a->ops->key(t->a, k);
    t->b_wants = !t->b->ops->key || t->b->ops->key(t->b, k);
    tee_faults(t);
    return t->a_wants || t->b_wants;
}

static bool tee_packed(struct sink *s, enum pack pack, struct slice bytes)
{
    struct sink_tee *t = (struct sink_tee *)s;
    if (t->a_wants && !(t->a->ops->packed && t->a->ops->packed(t->a, pack, bytes)))
        sink_unpack(t->a, pack, bytes);
    if (t->b_wants && !(t->b->ops->packed && t->b->ops->packed(t->b, pack, bytes)))
        sink_unpack(t->b, pack, bytes);
    tee_faults(t);
    return true;
}

static void tee_item(struct sink *s, struct slice item)
{
    TEE_BODY(s, item, item);
}

static void tee_pair(struct sink *s, struct slice field, struct slice value, int64_t expire_ms)
{
    TEE_BODY(s, pair, field, value, expire_ms);
}

static void tee_score(struct sink *s, struct slice member, double score)
{
    TEE_BODY(s, score, member, score);
}

static void tee_stream_node(struct sink *s, struct stream_id master, struct slice listpack)
{
    TEE_BODY(s, stream_node, master, listpack);
}

static void tee_stream_info(struct sink *s, const struct stream_info_event *e)
{
    TEE_BODY(s, stream_info, e);
}

static void tee_stream_group(struct sink *s, const struct stream_group_event *e)
{
    TEE_BODY(s, stream_group, e);
}

static void tee_stream_pending(struct sink *s, const struct stream_pending_event *e)
{
    TEE_BODY(s, stream_pending, e);
}

static void tee_stream_consumer(struct sink *s, const struct stream_consumer_event *e)
{
    TEE_BODY(s, stream_consumer, e);
}

static void tee_stream_owned(struct sink *s, struct stream_id id)
{
    TEE_BODY(s, stream_owned, id);
}

static void tee_stream_rest(struct sink *s, uint8_t rdb_type, struct slice bytes)
{
    TEE_BODY(s, stream_rest, rdb_type, bytes);
}

static void tee_opaque(struct sink *s, uint8_t rdb_type, uint64_t module_id, struct slice bytes)
{
    TEE_BODY(s, opaque, rdb_type, module_id, bytes);
}

static void tee_end_key(struct sink *s)
{
    struct sink_tee *t = (struct sink_tee *)s;
    if (t->a_wants && t->a->ops->end_key)
        t->a->ops->end_key(t->a);
    if (t->b_wants && t->b->ops->end_key)
        t->b->ops->end_key(t->b);
    tee_faults(t);
}

static const struct sink_ops tee_ops = {
    .aux = tee_aux,
    .module_aux = tee_module_aux,
    .function = tee_function,
    .db = tee_db,
    .key = tee_key,
    .packed = tee_packed,
    .item = tee_item,
    .pair = tee_pair,
    .score = tee_score,
    .stream_node = tee_stream_node,
    .stream_info = tee_stream_info,
    .stream_group = tee_stream_group,
    .stream_pending = tee_stream_pending,
    .stream_consumer = tee_stream_consumer,
    .stream_owned = tee_stream_owned,
    .stream_rest = tee_stream_rest,
    .opaque = tee_opaque,
    .end_key = tee_end_key,
};

void sink_tee_init(struct sink_tee *t, struct sink *a, struct sink *b)
{
    must(a && b);
    *t = (struct sink_tee){.sink = {.ops = &tee_ops}, .a = a, .b = b};
}

/* ---- count ---- */

static struct sink_count *count_of(struct sink *s)
{
    return (struct sink_count *)s;
}

static void count_function(struct sink *s, struct slice source)
{
    (void)source;
    count_of(s)->functions++;
}

static bool count_key(struct sink *s, const struct key_event *k)
{
    struct sink_count *c = count_of(s);
    c->keys++;
    c->key_has_subexpire = false;
    if (k->expire_ms != KEY_NO_EXPIRE) {
        c->expires++;
        c->already_expired += k->expire_ms < c->now_ms;
    }
    return true;
}

/* Only a field's expiry is of interest inside a value. */
static bool count_packed(struct sink *s, enum pack pack, struct slice bytes)
{
    (void)s, (void)bytes;
    return pack != PACK_HASH_TTL;
}

static void count_pair(struct sink *s, struct slice field, struct slice value, int64_t expire_ms)
{
    (void)field, (void)value;
    if (expire_ms != KEY_NO_EXPIRE)
        count_of(s)->key_has_subexpire = true;
}

static void count_end_key(struct sink *s)
{
    count_of(s)->subexpires += count_of(s)->key_has_subexpire;
}

static const struct sink_ops count_ops = {
    .function = count_function,
    .key = count_key,
    .packed = count_packed,
    .pair = count_pair,
    .end_key = count_end_key,
};

void sink_count_init(struct sink_count *c, int64_t now_ms)
{
    *c = (struct sink_count){.sink = {.ops = &count_ops}, .now_ms = now_ms};
}
