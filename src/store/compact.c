/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/compact.h"

#include <string.h>

#include "base/hash.h"
#include "base/must.h"
#include "base/slab.h"
#include "store/db.h"
#include "store/entry_make.h"

/* Where the entries lie says nothing about who points at them, but their keys do. */
static void move_entries(void *arg, void *const *blocks, unsigned n)
{
    struct db *db = arg;
    struct key_place at[SLAB_BATCH];
    must(n <= SLAB_BATCH);
    for (unsigned i = 0; i < n; i++) {
        struct slice key = entry_key(blocks[i]);
        at[i] = keys_place(&db->keys, key, hash_slice(key));
        table_prefetch(at[i].table, at[i].hash);
    }
    for (unsigned i = 0; i < n; i++) {
        struct entry *e = blocks[i];
        size_t size = entry_size(e);
        void **slot = table_slot(at[i].table, entry_key(e), at[i].hash);
        must(slot && *slot == e);
        *slot = memcpy(slab_alloc(db->slab, size), e, size);
        if (entry_has_expire(e))
            expire_moved(&db->expires, *slot);
        slab_free(db->slab, e, size);
    }
}

bool keyspace_compact(struct keyspace *ks)
{
    for (unsigned i = 0; i < ks->open_count; i++) {
        struct db *db = ks->open[ks->next_compact++ % ks->open_count];
        if (slab_compact(db->slab, move_entries, db))
            return true;
    }
    return false;
}

void keyspace_slack(const struct keyspace *ks, size_t *slack, size_t *used)
{
    *slack = *used = 0;
    for (unsigned i = 0; i < ks->open_count; i++) {
        size_t held, of_db;
        slab_stats(ks->open[i]->slab, &held, &of_db);
        *used += of_db;
        *slack += slab_slack(ks->open[i]->slab);
    }
}

void keyspace_give_back(struct keyspace *ks)
{
    size_t buckets = 4096; /* for all tables; who comes late may get nothing, so they take turns */
    unsigned first = ks->next_settle++;
    for (unsigned i = 0; i < ks->open_count; i++) {
        struct db *db = ks->open[(first + i) % ks->open_count];
        slab_give_back(db->slab);
        if (!ks->settles)
            continue;
        size_t left = keys_settle(&db->keys, buckets);
        must(left <= buckets);
        buckets = left;
    }
}
