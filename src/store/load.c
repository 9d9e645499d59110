/* SPDX-License-Identifier: BSD-3-Clause */
/* A key's events build one value, in the encoding its limits ask for. Packed blocks were validated
 * by the reader and are taken over as they are. What is complete goes into its database a few keys
 * later: the table is far larger than the caches, and meanwhile its bucket is fetched. */
#include "store/load.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/must.h"
#include "format/rdb.h"
#include "format/rdb_read.h"

static struct load *load_of(struct sink *sink)
{
    return (struct load *)(void *)sink;
}

static const struct value_limits *limits_of(const struct load *l)
{
    return &l->keyspace->limits;
}

/* Between events. */
static void load_must_hold(const struct load *l)
{
    must(l->waiting <= LOAD_AHEAD && l->first < LOAD_AHEAD);
    must(l->building || !l->value.ptr);
    must(l->waiting == 0 || !(l->flags & LOAD_ONE_VALUE));
}

static void refuse(struct load *l, enum fault_code code, const char *what)
{
    fault_set(&l->sink.fault, code, "%s", what);
    fault_set_key(&l->sink.fault, buf_slice(&l->name));
}

static void drop_value(struct load *l)
{
    if (l->value.ptr)
        val_free(l->value);
    l->value = (struct val){0};
    l->building = false;
}

static void on_db(struct sink *sink, unsigned id, uint64_t keys, uint64_t expires)
{
    struct load *l = load_of(sink);
    (void)expires;
    if (l->flags & LOAD_ONE_VALUE)
        return;
    if (id >= l->keyspace->count) {
        fault_set(&sink->fault, FAULT_LIMIT,
                  "The file holds database %u, but the server is configured for %u (see databases)",
                  id, l->keyspace->count);
        return;
    }
    if (l->flags & LOAD_TRIAL)
        return;
    l->db = keyspace_db(l->keyspace, id);
    must(l->db->id == id);
    /* A hint from outside: never more room at once than that, whatever it says. */
    const uint64_t most = 1u << 24;
    keys_reserve(&l->db->keys, keys < most ? keys : most);
}

/* A type that only the opaque event names is refused there. */
static bool held_type(struct load *l, const struct key_event *key)
{
    const char *cannot = NULL;
    if (key->rdb_type == RDB_ARRAY)
        cannot = "This server cannot hold arrays";
    else if (key->type == VALUE_MODULE && l->keyspace->foreign.count == 0)
        cannot = "This server cannot hold module values";
    if (cannot)
        refuse(l, FAULT_CANNOT_HOLD, cannot);
    return !cannot;
}

/* Values of these types may hold what is refused, and may not. */
static bool body_tells(const struct key_event *key)
{
    return key->type == VALUE_HASH || key->type == VALUE_STREAM;
}

static bool on_key(struct sink *sink, const struct key_event *key)
{
    struct load *l = load_of(sink);
    if (sink_bad(sink))
        return false;
    drop_value(l);
    buf_clear(&l->name);
    buf_add(&l->name, key->name);
    if (!held_type(l, key))
        return false;
    if (l->flags & LOAD_TRIAL) {
        on_db(sink, key->db, 0, 0);
        return !sink_bad(sink) && body_tells(key);
    }
    bool past = key->expire_ms != KEY_NO_EXPIRE && key->expire_ms < l->now_ms;
    if (past && l->flags & LOAD_DROP_EXPIRED) {
        l->keys_expired++;
        return false;
    }
    if (!(l->flags & LOAD_ONE_VALUE)) {
        if (!l->db)
            l->db = keyspace_db(l->keyspace, 0);
        if (l->db->id != key->db) {
            on_db(sink, key->db, 0, 0);
            if (sink_bad(sink))
                return false;
        }
    }
    l->rdb_type = key->rdb_type;
    l->offset = key->offset;
    l->expire_ms = key->expire_ms;
    l->idle_s = key->idle_s;
    l->freq = key->freq;
    l->value = (struct val){.type = (uint8_t)key->type};
    l->building = true;
    buf_clear(&l->text);
    /* Room by a count from outside only so far: beyond it the value grows as its elements come. */
    const uint64_t most = 1u << 20;
    uint64_t count = key->count < most ? key->count : most;
    const struct value_ops *ops = value_ops_of(key->type);
    if (ops->load_new)
        l->value = ops->load_new(count, limits_of(l));
    must(l->value.type == key->type);
    must((l->value.ptr != NULL) == (ops->load_new != NULL));
    return true;
}

/* What builds the value that is on its way; NULL: nobody waits for it. */
static const struct value_ops *builder(const struct load *l)
{
    bool wanted = !sink_bad(&l->sink) && l->building;
    return wanted ? value_ops_of((enum value_type)l->value.type) : NULL;
}

static bool on_packed(struct sink *sink, enum pack pack, struct slice bytes)
{
    struct load *l = load_of(sink);
    const struct value_ops *ops = builder(l);
    if (pack == PACK_HASH_TTL)
        return sink_bad(sink); /* its fields come one by one: one that has an expiry is refused */
    if (!ops)
        return true;
    if (ops->load_node) {
        must(l->value.ptr);
        ops->load_node(&l->value, mem_copy(bytes.data, bytes.len), limits_of(l));
        return true;
    }
    if (l->value.ptr && val_count(l->value) > 0)
        return false;
    if (l->value.ptr)
        val_free(l->value);
    must(ops->load_block);
    uint8_t type = l->value.type;
    l->value = ops->load_block(pack, mem_copy(bytes.data, bytes.len), limits_of(l));
    must(l->value.ptr && l->value.type == type);
    return true;
}

static void on_item(struct sink *sink, struct slice text)
{
    struct load *l = load_of(sink);
    const struct value_ops *ops = builder(l);
    if (!ops)
        return;
    if (l->value.type == VALUE_STRING) {
        buf_clear(&l->text);
        buf_add(&l->text, text);
        return;
    }
    must(ops->load_item);
    if (!ops->load_item(&l->value, text, limits_of(l)))
        refuse(l, FAULT_FORMAT, ops->twice);
    must(l->value.ptr);
}

static void on_pair(struct sink *sink, struct slice field, struct slice value, int64_t expire_ms)
{
    struct load *l = load_of(sink);
    if (expire_ms > 0 && !sink_bad(sink))
        refuse(l, FAULT_CANNOT_HOLD, "This server cannot hold hash fields that expire");
    const struct value_ops *ops = builder(l);
    if (!ops)
        return;
    must(ops->load_pair && l->value.ptr);
    if (!ops->load_pair(&l->value, field, value, limits_of(l)))
        refuse(l, FAULT_FORMAT, ops->twice);
}

static void on_score(struct sink *sink, struct slice member, double score)
{
    struct load *l = load_of(sink);
    const struct value_ops *ops = builder(l);
    if (!ops)
        return;
    must(ops->load_score && l->value.ptr);
    if (!ops->load_score(&l->value, member, score, limits_of(l)))
        refuse(l, FAULT_FORMAT, ops->twice);
}

/* ---- streams ---- */

static const struct value_load_stream *stream_builder(const struct load *l)
{
    const struct value_ops *ops = builder(l);
    must(!ops || (ops->load_stream && l->value.ptr));
    return ops ? ops->load_stream : NULL;
}

static void on_stream_node(struct sink *sink, struct stream_id master, struct slice listpack)
{
    struct load *l = load_of(sink);
    const struct value_load_stream *ops = stream_builder(l);
    if (ops)
        ops->node(&l->value, master, listpack);
}

static void on_stream_info(struct sink *sink, const struct stream_info_event *e)
{
    struct load *l = load_of(sink);
    const struct value_load_stream *ops = stream_builder(l);
    if (ops)
        ops->info(&l->value, e);
}

static void on_stream_group(struct sink *sink, const struct stream_group_event *e)
{
    struct load *l = load_of(sink);
    const struct value_load_stream *ops = stream_builder(l);
    if (ops && !ops->group(&l->value, &l->stream, e))
        refuse(l, FAULT_FORMAT, builder(l)->twice);
}

static void on_stream_pending(struct sink *sink, const struct stream_pending_event *e)
{
    struct load *l = load_of(sink);
    const struct value_load_stream *ops = stream_builder(l);
    if (ops)
        ops->pending(&l->stream, e);
}

static void on_stream_consumer(struct sink *sink, const struct stream_consumer_event *e)
{
    struct load *l = load_of(sink);
    const struct value_load_stream *ops = stream_builder(l);
    if (ops && !ops->consumer(&l->stream, e))
        refuse(l, FAULT_FORMAT, builder(l)->twice);
}

static void on_stream_owned(struct sink *sink, const struct stream_pending_event *e)
{
    struct load *l = load_of(sink);
    const struct value_load_stream *ops = stream_builder(l);
    if (ops)
        ops->owned(&l->stream, e->id);
}

static void on_stream_rest(struct sink *sink, uint8_t rdb_type, struct slice bytes)
{
    (void)bytes;
    refuse(load_of(sink), FAULT_CANNOT_HOLD,
           rdb_type == RDB_STREAM_5 ? "This server cannot hold pending entries without a consumer"
                                    : "This server cannot hold what a stream knows of producers");
}

static void on_opaque(struct sink *sink, uint8_t rdb_type, uint64_t module_id, struct slice bytes)
{
    struct load *l = load_of(sink);
    if (!builder(l))
        return;
    must(rdb_type == RDB_MODULE && !l->value.ptr);
    struct val v = foreign_load(&l->keyspace->foreign, module_id, bytes, &sink->fault);
    if (v.ptr)
        l->value = v;
    else
        fault_set_key(&sink->fault, buf_slice(&l->name));
}

static void on_function(struct sink *sink, struct slice source)
{
    const char *line_end = source.len ? memchr(source.data, '\n', source.len) : NULL;
    size_t len = line_end ? (size_t)(line_end - source.data) : source.len;
    fault_set(&sink->fault, FAULT_CANNOT_HOLD,
              "This server cannot hold function libraries yet: %.*s",
              (int)(len < 100 ? len : 100), source.len ? source.data : "");
}

static void on_module_aux(struct sink *sink, uint64_t module_id, struct slice bytes)
{
    char name[10];
    (void)bytes;
    fault_set(&sink->fault, FAULT_CANNOT_HOLD,
              "The module '%s' that owns this auxiliary data is not loaded",
              rdb_module_name(module_id, name));
}

/* NULL: there is such a key already. */
static struct entry *put_key(struct load_pending *p)
{
    struct slice name = buf_slice(&p->name);
    must((p->value.type == VALUE_STRING) == !p->value.ptr);
    if (p->value.type == VALUE_STRING)
        return db_load_string(p->db, name, p->hash, buf_slice(&p->text), p->expire_ms);
    struct entry *e = db_load_val(p->db, name, p->hash, p->value, p->expire_ms);
    if (e)
        p->value.ptr = NULL;
    return e;
}

static void set_access(struct load *l, const struct load_pending *p, struct entry *e)
{
    if (l->keyspace->access == ACCESS_LFU && p->freq != KEY_NO_FREQ)
        entry_set_freq(l->keyspace, e, (unsigned)p->freq);
    else if (l->keyspace->access == ACCESS_LRU && p->idle_s != KEY_NO_IDLE)
        entry_set_idle(l->keyspace, e, p->idle_s);
}

/* The key that waits longest. */
static void put_first(struct load *l)
{
    must(l->waiting > 0 && l->waiting <= LOAD_AHEAD);
    struct load_pending *p = &l->ahead[l->first];
    l->first = (l->first + 1) % LOAD_AHEAD;
    l->waiting--;
    must(p->db && p->db->keyspace == l->keyspace);
    struct entry *e = put_key(p);
    if (e) {
        set_access(l, p, e);
        l->keys_loaded++;
    } else if (!sink_bad(&l->sink)) {
        struct fault *f = &l->sink.fault;
        fault_set(f, FAULT_FORMAT, "The same key twice in one database");
        fault_set_key(f, buf_slice(&p->name));
        f->offset = p->offset;
        f->has_type = true;
        f->type = p->rdb_type;
    }
    if (p->value.ptr)
        val_free(p->value);
    p->value = (struct val){0};
}

static void swap_bufs(struct buf *a, struct buf *b)
{
    struct buf old = *a;
    *a = *b;
    *b = old;
}

/* The key that is complete waits from now on. */
static void queue_key(struct load *l)
{
    if (l->waiting == LOAD_AHEAD)
        put_first(l);
    must(l->waiting < LOAD_AHEAD);
    struct load_pending *p = &l->ahead[(l->first + l->waiting++) % LOAD_AHEAD];
    must(l->db && !p->value.ptr);
    p->db = l->db;
    p->hash = hash_slice(buf_slice(&l->name));
    struct key_place at = keys_place(&l->db->keys, buf_slice(&l->name), p->hash);
    table_prefetch(at.table, at.hash);
    swap_bufs(&p->name, &l->name);
    swap_bufs(&p->text, &l->text);
    p->value = l->value;
    l->value = (struct val){0};
    p->expire_ms = l->expire_ms;
    p->idle_s = l->idle_s;
    p->freq = l->freq;
    p->rdb_type = l->rdb_type;
    p->offset = l->offset;
}

static void on_end_key(struct sink *sink)
{
    struct load *l = load_of(sink);
    if (sink_bad(sink) || !l->building) {
        drop_value(l);
        return;
    }
    if (l->value.type != VALUE_STRING && (!l->value.ptr || val_is_nothing(l->value))) {
        refuse(l, FAULT_FORMAT, "A collection without elements");
        drop_value(l);
        return;
    }
    if (!(l->flags & LOAD_ONE_VALUE)) {
        queue_key(l);
        l->building = false;
    }
    load_must_hold(l);
}

static const struct sink_ops load_ops = {
    .module_aux = on_module_aux,
    .function = on_function,
    .db = on_db,
    .key = on_key,
    .packed = on_packed,
    .item = on_item,
    .pair = on_pair,
    .score = on_score,
    .stream_node = on_stream_node,
    .stream_info = on_stream_info,
    .stream_group = on_stream_group,
    .stream_pending = on_stream_pending,
    .stream_consumer = on_stream_consumer,
    .stream_owned = on_stream_owned,
    .stream_rest = on_stream_rest,
    .opaque = on_opaque,
    .end_key = on_end_key,
};

void load_init(struct load *l, struct keyspace *ks, unsigned flags, int64_t now_ms)
{
    must(!(flags & ~(unsigned)(LOAD_DROP_EXPIRED | LOAD_ONE_VALUE | LOAD_TRIAL)));
    *l = (struct load){.keyspace = ks, .flags = flags, .now_ms = now_ms};
    l->sink.ops = &load_ops;
}

void load_release(struct load *l)
{
    drop_value(l);
    for (size_t i = 0; i < LOAD_AHEAD; i++) {
        struct load_pending *p = &l->ahead[i];
        if (p->value.ptr)
            val_free(p->value);
        buf_free(&p->name);
        buf_free(&p->text);
    }
    buf_free(&l->name);
    buf_free(&l->text);
}

bool load_finish(struct load *l)
{
    load_must_hold(l);
    while (l->waiting > 0)
        put_first(l);
    return !sink_bad(&l->sink);
}
