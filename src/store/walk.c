/* SPDX-License-Identifier: BSD-3-Clause */
/* A packed value goes out whole when the sink wants it; sink_unpack hands over the elements when it
 * does not. The key event carries exact counts, so that a writer can put a length in front. */
#include "store/walk.h"

#include "base/mem.h"
#include "base/must.h"
#include "containers/intset.h"
#include "containers/listpack.h"
#include "store/val_hash.h"
#include "store/val_list.h"
#include "store/val_set.h"
#include "store/val_zset.h"

static void send_packed(struct sink *sink, enum pack pack, struct slice bytes)
{
    if (!sink->ops->packed || !sink->ops->packed(sink, pack, bytes))
        sink_unpack(sink, pack, bytes);
}

static void send_item(struct sink *sink, struct slice text)
{
    if (sink->ops->item)
        sink->ops->item(sink, text);
}

static bool send_node(void *arg, struct slice bytes, bool plain)
{
    struct sink *sink = arg;
    if (plain)
        send_item(sink, bytes);
    else
        send_packed(sink, PACK_LIST, bytes);
    return !sink_bad(sink);
}

static void send_list(struct sink *sink, struct val v)
{
    if (v.encoding == ENC_LISTPACK) {
        send_packed(sink, PACK_LIST, lp_blob(v.ptr));
        return;
    }
    struct buf scratch = {0};
    quicklist_each_node(v.ptr, &scratch, send_node, sink);
    buf_free(&scratch);
}

static void send_set(struct sink *sink, struct val v)
{
    if (v.encoding == ENC_INTSET) {
        send_packed(sink, PACK_INTSET, slice(v.ptr, intset_bytes(v.ptr)));
    } else if (v.encoding == ENC_LISTPACK) {
        send_packed(sink, PACK_SET, lp_blob(v.ptr));
    } else {
        struct set_iter it;
        struct slice member;
        for (set_iter_init(&it, &v); set_iter_next(&it, &member) && !sink_bad(sink);)
            send_item(sink, member);
    }
}

static void send_hash(struct sink *sink, struct val v)
{
    if (v.encoding == ENC_LISTPACK) {
        send_packed(sink, PACK_HASH, lp_blob(v.ptr));
        return;
    }
    struct hash_iter it;
    struct slice field, value;
    for (hash_iter_init(&it, &v); hash_iter_next(&it, &field, &value) && !sink_bad(sink);) {
        if (sink->ops->pair)
            sink->ops->pair(sink, field, value, -1);
    }
}

/* From the highest score down: a loader that inserts at the front of the order is fastest. */
static void send_zset(struct sink *sink, struct val v)
{
    if (v.encoding == ENC_LISTPACK) {
        send_packed(sink, PACK_ZSET, lp_blob(v.ptr));
        return;
    }
    struct zset_iter it;
    struct slice member;
    double score;
    for (zset_iter_init(&it, &v, zset_count(&v) - 1, true);
         zset_iter_next(&it, &member, &score) && !sink_bad(sink);) {
        if (sink->ops->score)
            sink->ops->score(sink, member, score);
    }
}

static void send_value(struct sink *sink, const struct entry *e)
{
    char scratch[NUM_I64_TEXT];
    switch (entry_type(e)) {
    case VALUE_STRING: send_item(sink, entry_string(e, scratch)); return;
    case VALUE_LIST: send_list(sink, entry_val(e)); return;
    case VALUE_SET: send_set(sink, entry_val(e)); return;
    case VALUE_HASH: send_hash(sink, entry_val(e)); return;
    case VALUE_ZSET: send_zset(sink, entry_val(e)); return;
    case VALUE_STREAM: case VALUE_MODULE: break;
    }
    must(!"a value of a type that is held");
}

bool walk_entry(struct db *db, struct entry *e, struct sink *sink)
{
    const struct keyspace *ks = db->keyspace;
    struct key_event key = {
        .name = entry_key(e),
        .type = entry_type(e),
        .db = db->id,
        .expire_ms = entry_expire(e),
        .idle_s = KEY_NO_IDLE,
        .freq = KEY_NO_FREQ,
    };
    if (ks->saves_access && ks->access == ACCESS_LRU)
        key.idle_s = (int64_t)(entry_idle_ms(ks, e) / 1000);
    else if (ks->saves_access)
        key.freq = (int)entry_freq(ks, e);
    if (key.type != VALUE_STRING) {
        struct val v = entry_val(e);
        key.count = val_count(v);
        if (key.type == VALUE_LIST)
            key.blocks = v.encoding == ENC_QUICKLIST ? quicklist_nodes(v.ptr) : 1;
    }
    if (!sink->ops->key || !sink->ops->key(sink, &key))
        return !sink_bad(sink);
    send_value(sink, e);
    if (sink->ops->end_key)
        sink->ops->end_key(sink);
    return !sink_bad(sink);
}

static void progressed(struct walk_progress *p)
{
    enum { REPORT_EVERY = 1024 };
    if (p && ++p->keys % (p->every ? p->every : REPORT_EVERY) == 0 && p->report)
        p->report(p->arg, p->keys);
}

bool walk_db(struct db *db, struct sink *sink, struct walk_progress *progress)
{
    if (db->keys.count == 0)
        return true;
    if (sink->ops->db)
        sink->ops->db(sink, db->id, db->keys.count, db->expires.count);
    struct table_iter it;
    table_iter_init(&it, &db->keys);
    for (struct entry *e; (e = table_iter_next(&it));) {
        if (!walk_entry(db, e, sink))
            return false;
        progressed(progress);
    }
    return !sink_bad(sink);
}

bool walk_keyspace(struct keyspace *ks, struct sink *sink, struct walk_progress *progress)
{
    for (unsigned i = 0; i < ks->open_count; i++) {
        if (!walk_db(ks->open[i], sink, progress))
            return false;
    }
    return true;
}
