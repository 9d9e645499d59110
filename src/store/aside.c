/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/aside.h"

#include "base/mem.h"
#include "base/must.h"
#include "store/db.h"
#include "store/db_parts.h"

struct aside {
    unsigned count;
    struct {
        struct db *db;
        struct db_contents *contents;
    } of[];
};

struct aside *keyspace_put_aside(struct keyspace *ks)
{
    struct aside *a = mem_alloc(sizeof *a + ks->open_count * sizeof a->of[0]);
    a->count = ks->open_count;
    for (unsigned i = 0; i < ks->open_count; i++) {
        a->of[i].db = ks->open[i];
        a->of[i].contents = db_take_contents(ks->open[i]);
        db_open(ks->open[i]);
        must(db_count(ks->open[i]) == 0);
        db_tell_flushed(ks->open[i]);
    }
    return a;
}

void keyspace_take_back(struct keyspace *ks, struct aside *put_by)
{
    must(put_by->count <= ks->open_count); /* databases only come */
    db_flush_all(ks, false);
    for (unsigned i = 0; i < put_by->count; i++) {
        struct db *db = put_by->of[i].db;
        struct db_contents *now = db_take_contents(db);
        must(db->keyspace == ks && keys_count(&now->keys) == 0);
        db_put_contents(db, put_by->of[i].contents);
        db_free_contents(now);
    }
    mem_free(put_by);
}

void keyspace_drop_aside(struct keyspace *ks, struct aside *put_by)
{
    must(put_by->count <= ks->open_count);
    for (unsigned i = 0; i < put_by->count; i++) {
        must(put_by->of[i].db->keyspace == ks);
        struct db_contents *old = put_by->of[i].contents;
        if (ks->defer)
            ks->defer(ks->defer_arg, keys_count(&old->keys), db_free_contents, old);
        else
            db_free_contents(old);
    }
    mem_free(put_by);
}

void keyspace_tell_replaced(struct keyspace *ks)
{
    for (unsigned i = 0; i < ks->open_count; i++)
        db_tell_flushed(ks->open[i]);
}

void keyspace_begin_beside(struct keyspace *beside, const struct keyspace *ks)
{
    keyspace_init(beside, ks->count);
    beside->limits = ks->limits;
    beside->foreign = ks->foreign;
    beside->access = ks->access;
    beside->lfu_decay_minutes = ks->lfu_decay_minutes;
    beside->lfu_log_factor = ks->lfu_log_factor;
    beside->slots = ks->slots;
    beside->no_resizing = ks->no_resizing;
    beside->now_ms = ks->now_ms;
    beside->expire_mode = EXPIRE_IGNORE;
    beside->quiet = true;
    beside->defer = ks->defer;
    beside->defer_arg = ks->defer_arg;
}

void keyspace_drop_beside(struct keyspace *beside)
{
    keyspace_drop_aside(beside, keyspace_put_aside(beside));
    beside->foreign = (struct foreign_types){0}; /* the other's */
    keyspace_release(beside);
}

/* Both have the same databases afterwards. */
static void open_as(struct keyspace *ks, const struct keyspace *other)
{
    for (unsigned i = 0; i < other->open_count; i++)
        keyspace_db(ks, other->open[i]->id);
    must(ks->open_count >= other->open_count);
}

void keyspace_swap_contents(struct keyspace *a, struct keyspace *b)
{
    must(a != b && a->count == b->count);
    open_as(a, b);
    open_as(b, a);
    must(a->open_count == b->open_count);
    for (unsigned i = 0; i < a->open_count; i++) {
        struct db *one = a->open[i], *other = b->open[i];
        must(one->id == other->id);
        struct db_contents *of_one = db_take_contents(one), *of_other = db_take_contents(other);
        db_put_contents(one, of_other);
        db_put_contents(other, of_one);
    }
    for (unsigned i = 0; i < a->open_count; i++) {
        db_tell_flushed(a->open[i]);
        db_tell_flushed(b->open[i]);
    }
}
