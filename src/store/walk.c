/* SPDX-License-Identifier: BSD-3-Clause */
/* A packed value goes out whole when the sink wants it; sink_unpack hands over the elements when it
 * does not. The key event carries exact counts, so that a writer can put a length in front. */
#include "store/walk.h"

#include "base/must.h"
#include "store/value_ops.h"

static void send_value(struct sink *sink, const struct entry *e)
{
    char scratch[NUM_I64_TEXT];
    if (entry_type(e) == VALUE_STRING) {
        SINK_EVENT(sink, item, entry_string(e, scratch));
        return;
    }
    struct val v = entry_val(e);
    const struct value_ops *ops = value_ops_of(entry_type(e));
    if (!ops->as_commands || !sink_wants_commands(sink) ||
        !ops->as_commands(&v, entry_key(e), sink))
        ops->walk(&v, sink);
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
        const struct value_ops *ops = value_ops_of(key.type);
        struct val v = entry_val(e);
        key.count = ops->count(&v);
        key.blocks = ops->blocks ? ops->blocks(&v) : 0;
    }
    if (!sink_key(sink, &key))
        return !sink_bad(sink);
    send_value(sink, e);
    sink_end_key(sink);
    return !sink_bad(sink);
}

static void progressed(struct walk_progress *p)
{
    enum { REPORT_EVERY = 1024 };
    if (p && ++p->keys % (p->every ? p->every : REPORT_EVERY) == 0 && p->report)
        p->report(p->arg, p->keys);
}

static bool walk_db(struct db *db, struct sink *sink, struct walk_progress *progress)
{
    if (db_count(db) == 0)
        return true;
    must(db->expires.count <= db_count(db));
    SINK_EVENT(sink, db, db->id, db_count(db), db->expires.count);
    struct keys_iter it;
    uint64_t walked = 0;
    keys_iter_init(&it, &db->keys);
    for (struct entry *e; (e = keys_iter_next(&it)); walked++) {
        if (!walk_entry(db, e, sink))
            return false;
        progressed(progress);
    }
    must(walked == db_count(db)); /* what the sink was told at first */
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
