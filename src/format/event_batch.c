/* SPDX-License-Identifier: BSD-3-Clause */
/* An event is a byte that says which, then its fixed parts as they are in memory, then its bytes
 * with their length in front. */
#include "format/event_batch.h"

#include <string.h>

#include "base/must.h"

enum event {
    E_AUX, E_MODULE_AUX, E_FUNCTION, E_DB, E_NOTE, E_MARK,
    E_KEY, E_PACKED, E_ITEM, E_PAIR, E_SCORE, E_NODE, E_INFO, E_GROUP, E_PENDING, E_CONSUMER,
    E_OWNED, E_REST, E_OPAQUE, E_END,
};

/* ---- recording ---- */

static struct buf *to_of(struct sink *s)
{
    return ((struct event_recorder *)(void *)s)->to;
}

static void put_slice(struct buf *to, struct slice s)
{
    char *at = buf_reserve(to, sizeof s.len + s.len);
    memcpy(at, &s.len, sizeof s.len);
    if (s.len)
        memcpy(at + sizeof s.len, s.data, s.len);
    to->len += sizeof s.len + s.len;
}

#define PUT(to, x) buf_append(to, &(x), sizeof(x))

static void aux(struct sink *s, struct slice name, struct slice value)
{
    buf_byte(to_of(s), E_AUX);
    put_slice(to_of(s), name);
    put_slice(to_of(s), value);
}

static void module_aux(struct sink *s, uint64_t module_id, struct slice bytes)
{
    buf_byte(to_of(s), E_MODULE_AUX);
    PUT(to_of(s), module_id);
    put_slice(to_of(s), bytes);
}

static void function(struct sink *s, struct slice source)
{
    buf_byte(to_of(s), E_FUNCTION);
    put_slice(to_of(s), source);
}

static void db(struct sink *s, unsigned id, uint64_t keys, uint64_t expires)
{
    buf_byte(to_of(s), E_DB);
    PUT(to_of(s), id);
    PUT(to_of(s), keys);
    PUT(to_of(s), expires);
}

static bool key(struct sink *s, const struct key_event *e)
{
    must(e->type <= VALUE_MODULE);
    buf_byte(to_of(s), E_KEY);
    PUT(to_of(s), *e);
    put_slice(to_of(s), e->name);
    return true;
}

static bool packed(struct sink *s, enum pack pack, struct slice bytes)
{
    must(pack <= PACK_ZSET && bytes.len > 0);
    buf_byte(to_of(s), E_PACKED);
    PUT(to_of(s), pack);
    put_slice(to_of(s), bytes);
    return true;
}

static void item(struct sink *s, struct slice text)
{
    buf_byte(to_of(s), E_ITEM);
    put_slice(to_of(s), text);
}

static void pair(struct sink *s, struct slice field, struct slice value, int64_t expire_ms)
{
    buf_byte(to_of(s), E_PAIR);
    PUT(to_of(s), expire_ms);
    put_slice(to_of(s), field);
    put_slice(to_of(s), value);
}

static void score(struct sink *s, struct slice member, double x)
{
    buf_byte(to_of(s), E_SCORE);
    PUT(to_of(s), x);
    put_slice(to_of(s), member);
}

static void stream_node(struct sink *s, struct stream_id master, struct slice listpack)
{
    buf_byte(to_of(s), E_NODE);
    PUT(to_of(s), master);
    put_slice(to_of(s), listpack);
}

static void stream_info(struct sink *s, const struct stream_info_event *e)
{
    buf_byte(to_of(s), E_INFO);
    PUT(to_of(s), *e);
}

static void stream_group(struct sink *s, const struct stream_group_event *e)
{
    buf_byte(to_of(s), E_GROUP);
    PUT(to_of(s), *e);
    put_slice(to_of(s), e->name);
}

static void stream_pending(struct sink *s, const struct stream_pending_event *e)
{
    buf_byte(to_of(s), E_PENDING);
    PUT(to_of(s), *e);
}

static void stream_consumer(struct sink *s, const struct stream_consumer_event *e)
{
    buf_byte(to_of(s), E_CONSUMER);
    PUT(to_of(s), *e);
    put_slice(to_of(s), e->name);
}

static void stream_owned(struct sink *s, const struct stream_pending_event *e)
{
    buf_byte(to_of(s), E_OWNED);
    PUT(to_of(s), e->id);
}

static void stream_rest(struct sink *s, uint8_t rdb_type, struct slice bytes)
{
    buf_byte(to_of(s), E_REST);
    PUT(to_of(s), rdb_type);
    put_slice(to_of(s), bytes);
}

static void opaque(struct sink *s, uint8_t rdb_type, uint64_t module_id, struct slice bytes)
{
    buf_byte(to_of(s), E_OPAQUE);
    PUT(to_of(s), rdb_type);
    PUT(to_of(s), module_id);
    put_slice(to_of(s), bytes);
}

static void end_key(struct sink *s)
{
    buf_byte(to_of(s), E_END);
}

static const struct sink_ops recorder_ops = {
    .aux = aux,
    .module_aux = module_aux,
    .function = function,
    .db = db,
    .key = key,
    .packed = packed,
    .item = item,
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

void event_recorder_init(struct event_recorder *r, struct buf *to)
{
    must(to);
    *r = (struct event_recorder){.sink = {.ops = &recorder_ops}, .to = to};
}

void event_batch_mark(struct buf *to, uint64_t offset, const char *doing)
{
    must(to->len > 0); /* behind something */
    buf_byte(to, E_MARK);
    PUT(to, offset);
    PUT(to, doing);
}

void event_batch_note(struct buf *to, const char *text)
{
    buf_byte(to, E_NOTE);
    put_slice(to, slice(text, strlen(text) + 1));
}

/* ---- playing ---- */

static void take(struct event_player *p, void *to, size_t n)
{
    must(p->left.len >= n);
    memcpy(to, p->left.data, n);
    p->left = (struct slice){p->left.data + n, p->left.len - n};
}

static struct slice take_slice(struct event_player *p)
{
    size_t len;
    take(p, &len, sizeof len);
    must(len <= p->left.len);
    struct slice s = {p->left.data, len};
    p->left = (struct slice){p->left.data + len, p->left.len - len};
    return s;
}

#define TAKE(p, x) take(p, &(x), sizeof(x))

void event_player_init(struct event_player *p, struct slice batch)
{
    must(batch.data || !batch.len);
    *p = (struct event_player){.left = batch};
}

enum event_played event_peek(const struct event_player *p)
{
    static const enum event_played kinds[] = {
        [E_AUX] = EVENT_AUX, [E_MODULE_AUX] = EVENT_AUX, [E_FUNCTION] = EVENT_AUX,
        [E_DB] = EVENT_DB, [E_NOTE] = EVENT_NOTE, [E_KEY] = EVENT_KEY};
    if (!p->left.len)
        return EVENT_NONE;
    uint8_t next = (uint8_t)p->left.data[0];
    must(next < sizeof kinds / sizeof *kinds && kinds[next] != EVENT_NONE);
    return kinds[next];
}

/* The events of streams. */
static void play_stream(struct event_player *p, struct sink *s, enum event e)
{
    struct stream_id id;
    struct stream_info_event info;
    struct stream_group_event group;
    struct stream_pending_event pending;
    struct stream_consumer_event consumer;
    switch (e) {
    case E_NODE:
        TAKE(p, id);
        SINK_EVENT(s, stream_node, id, take_slice(p));
        break;
    case E_INFO:
        TAKE(p, info);
        SINK_EVENT(s, stream_info, &info);
        break;
    case E_GROUP:
        TAKE(p, group);
        group.name = take_slice(p);
        SINK_EVENT(s, stream_group, &group);
        break;
    case E_PENDING:
        TAKE(p, pending);
        SINK_EVENT(s, stream_pending, &pending);
        break;
    case E_CONSUMER:
        TAKE(p, consumer);
        consumer.name = take_slice(p);
        SINK_EVENT(s, stream_consumer, &consumer);
        break;
    default:
        must(e == E_OWNED);
        pending = (struct stream_pending_event){0};
        TAKE(p, pending.id);
        SINK_EVENT(s, stream_owned, &pending);
        break;
    }
}

static void play_pair(struct event_player *p, struct sink *s)
{
    int64_t expire_ms;
    TAKE(p, expire_ms);
    struct slice field = take_slice(p), value = take_slice(p);
    SINK_EVENT(s, pair, field, value, expire_ms);
}

static void play_opaque(struct event_player *p, struct sink *s, bool rest)
{
    uint8_t rdb_type;
    uint64_t module_id = 0;
    TAKE(p, rdb_type);
    if (!rest)
        TAKE(p, module_id);
    struct slice bytes = take_slice(p);
    if (rest)
        SINK_EVENT(s, stream_rest, rdb_type, bytes);
    else
        SINK_EVENT(s, opaque, rdb_type, module_id, bytes);
}

/* One event inside a value. */
static void play_one(struct event_player *p, struct sink *s, enum event e)
{
    enum pack pack;
    double x;
    switch (e) {
    case E_PACKED:
        TAKE(p, pack);
        must(pack <= PACK_ZSET);
        sink_packed(s, pack, take_slice(p));
        break;
    case E_ITEM: {
        struct slice text = take_slice(p);
        SINK_EVENT(s, item, text);
        break;
    }
    case E_PAIR:
        play_pair(p, s);
        break;
    case E_SCORE: {
        TAKE(p, x);
        struct slice member = take_slice(p);
        SINK_EVENT(s, score, member, x);
        break;
    }
    case E_REST:
    case E_OPAQUE:
        play_opaque(p, s, e == E_REST);
        break;
    default:
        play_stream(p, s, e);
        break;
    }
}

/* Up to its end, or to where the reader failed: there is no end then, and nothing behind. */
static void play_value(struct event_player *p, struct sink *s, bool wanted)
{
    static const struct sink_ops nothing = {0};
    struct sink nobody = {.ops = &nothing};
    while (p->left.len) {
        enum event e = (enum event)(uint8_t)p->left.data[0];
        p->left = (struct slice){p->left.data + 1, p->left.len - 1};
        wanted = wanted && !sink_bad(s);
        if (e == E_END) {
            if (wanted)
                sink_end_key(s);
            return;
        }
        must(e >= E_PACKED && e < E_END);
        play_one(p, wanted ? s : &nobody, e);
    }
}

static void play_key(struct event_player *p, struct sink *s)
{
    struct key_event key;
    TAKE(p, key);
    must(key.type <= VALUE_MODULE);
    key.name = take_slice(p);
    p->rdb_type = key.rdb_type;
    play_value(p, s, sink_key(s, &key));
}

static void play_aux(struct event_player *p, struct sink *s, enum event e)
{
    uint64_t module_id = 0;
    if (e == E_MODULE_AUX)
        TAKE(p, module_id);
    struct slice first = take_slice(p);
    if (e == E_AUX) {
        struct slice value = take_slice(p);
        SINK_EVENT(s, aux, first, value);
    } else if (e == E_FUNCTION) {
        SINK_EVENT(s, function, first);
    } else {
        SINK_EVENT(s, module_aux, module_id, first);
    }
}

static void play_db(struct event_player *p, struct sink *s)
{
    unsigned id;
    uint64_t keys, expires;
    TAKE(p, id);
    TAKE(p, keys);
    TAKE(p, expires);
    SINK_EVENT(s, db, id, keys, expires);
}

void event_play(struct event_player *p, struct sink *sink)
{
    p->what = event_peek(p);
    must(p->what != EVENT_NONE);
    enum event e = (enum event)(uint8_t)p->left.data[0];
    p->left = (struct slice){p->left.data + 1, p->left.len - 1};
    if (p->what == EVENT_KEY)
        play_key(p, sink);
    else if (p->what == EVENT_AUX)
        play_aux(p, sink, e);
    else if (p->what == EVENT_DB)
        play_db(p, sink);
    else
        p->note = take_slice(p).data;
    while (p->left.len && (uint8_t)p->left.data[0] == E_MARK) {
        p->left = (struct slice){p->left.data + 1, p->left.len - 1};
        TAKE(p, p->offset);
        TAKE(p, p->doing);
    }
}
