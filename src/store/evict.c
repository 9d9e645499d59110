/* SPDX-License-Identifier: BSD-3-Clause */
/* The pool keeps names, not entries: between two evictions anything may happen to a key. A
 * candidate is looked up again before it goes, and dropped when it is not there any more. */
#include "store/evict.h"

#include "base/must.h"
#include "base/rand.h"

static bool only_volatile(enum evict_policy policy)
{
    return policy <= EVICT_VOLATILE_TTL;
}

bool evict_uses_lfu(enum evict_policy policy)
{
    return policy == EVICT_VOLATILE_LFU || policy == EVICT_ALLKEYS_LFU;
}

bool evict_uses_lru(enum evict_policy policy)
{
    return policy == EVICT_VOLATILE_LRU || policy == EVICT_ALLKEYS_LRU;
}

void evict_release(struct evict *x)
{
    for (int i = 0; i < EVICT_POOL; i++)
        buf_free(&x->pool[i].name);
    x->count = 0;
}

static struct entry *pick(struct db *db, enum evict_policy policy)
{
    return only_volatile(policy) ? expire_random(&db->expires) : keys_random(&db->keys);
}

static size_t pool_size(const struct db *db, enum evict_policy policy)
{
    return only_volatile(policy) ? db->expires.count : keys_count(&db->keys);
}

static uint64_t weight_of(const struct keyspace *ks, const struct entry *e,
                          enum evict_policy policy)
{
    if (evict_uses_lfu(policy)) {
        unsigned freq = entry_freq(ks, e);
        must(freq <= 255);
        return 255 - freq;
    }
    must(!only_volatile(policy) || entry_has_expire(e));
    if (policy == EVICT_VOLATILE_TTL)
        return UINT64_MAX - (uint64_t)entry_expire(e);
    return entry_idle_ms(ks, e);
}

static bool in_pool(const struct evict *x, unsigned db, struct slice name)
{
    for (unsigned i = 0; i < x->count; i++) {
        if (x->pool[i].db == db && slice_eq(buf_slice(&x->pool[i].name), name))
            return true;
    }
    return false;
}

/* Sorted in; when the pool is full the lightest falls out. */
static void offer(struct evict *x, struct db *db, struct entry *e, uint64_t weight)
{
    must(x->count <= EVICT_POOL);
    if (in_pool(x, db->id, entry_key(e)))
        return;
    if (x->count == EVICT_POOL) {
        if (weight <= x->pool[0].weight)
            return;
        struct evict_candidate lightest = x->pool[0];
        memmove(x->pool, x->pool + 1, (EVICT_POOL - 1) * sizeof *x->pool);
        x->pool[EVICT_POOL - 1] = lightest; /* its buffer is used again */
        x->count--;
    }
    unsigned at = x->count;
    struct evict_candidate spare = x->pool[x->count];
    for (; at > 0 && x->pool[at - 1].weight > weight; at--)
        x->pool[at] = x->pool[at - 1];
    buf_clear(&spare.name);
    buf_add(&spare.name, entry_key(e));
    spare.db = db->id;
    spare.weight = weight;
    x->pool[at] = spare;
    x->count++;
    must(x->count <= EVICT_POOL);
    must(at == 0 || x->pool[at - 1].weight <= weight);
    must(at + 1 == x->count || weight < x->pool[at + 1].weight);
}

/* Keys that expire come one by one from their index, others in groups as they lie in the table. */
static unsigned draw(struct db *db, enum evict_policy policy, struct entry **out, unsigned n)
{
    if (!only_volatile(policy))
        return (unsigned)keys_some(&db->keys, (void **)out, n);
    size_t keys = db->expires.count;
    n = keys < n ? (unsigned)keys : n;
    for (unsigned i = 0; i < n; i++) {
        out[i] = expire_random(&db->expires);
        must(out[i]);
    }
    return n;
}

static void sample(struct evict *x, struct keyspace *ks, enum evict_policy policy, unsigned samples)
{
    struct entry *drawn[EVICT_POOL];
    for (unsigned i = 0; i < ks->open_count; i++) {
        struct db *db = ks->open[i];
        for (unsigned left = samples; left > 0;) {
            unsigned most = left < EVICT_POOL ? left : EVICT_POOL;
            unsigned n = draw(db, policy, drawn, most);
            must(n <= most);
            for (unsigned k = 0; k < n; k++)
                offer(x, db, drawn[k], weight_of(ks, drawn[k], policy));
            left = n < most ? 0 : left - n;
        }
    }
}

static bool evict_best(struct evict *x, struct keyspace *ks, enum evict_policy policy)
{
    while (x->count > 0) {
        struct evict_candidate *best = &x->pool[--x->count];
        struct db *db = keyspace_peek(ks, best->db);
        if (!db)
            continue;
        struct slice name = buf_slice(&best->name);
        struct entry *e = db_find_with(db, name, DB_NOTOUCH | DB_NOSTATS | DB_KEEP_EXPIRED);
        if (!e || (only_volatile(policy) && !entry_has_expire(e)))
            continue;
        return db_remove_as(db, name, KEY_EVICTED, ks->lazyfree_eviction);
    }
    return false;
}

static bool evict_any(struct keyspace *ks, enum evict_policy policy)
{
    uint64_t total = 0;
    for (unsigned i = 0; i < ks->open_count; i++)
        total += pool_size(ks->open[i], policy);
    if (total == 0)
        return false;
    uint64_t at = rand_below(total);
    for (unsigned i = 0; i < ks->open_count; i++) {
        struct db *db = ks->open[i];
        size_t keys = pool_size(db, policy);
        if (at >= keys) {
            at -= keys;
            continue;
        }
        struct entry *e = pick(db, policy);
        must(e); /* its keys were counted */
        return db_remove_as(db, entry_key(e), KEY_EVICTED, ks->lazyfree_eviction);
    }
    must(!"the counts add up to the total");
    return false;
}

bool evict_one(struct evict *x, struct keyspace *ks, enum evict_policy policy, unsigned samples)
{
    if (policy == EVICT_NOTHING)
        return false;
    must(policy < EVICT_NOTHING && x->count <= EVICT_POOL);
    if (policy == EVICT_ALLKEYS_RANDOM || policy == EVICT_VOLATILE_RANDOM)
        return evict_any(ks, policy);
    sample(x, ks, policy, samples);
    return evict_best(x, ks, policy);
}
