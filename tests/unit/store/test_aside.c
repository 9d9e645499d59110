/* SPDX-License-Identifier: BSD-3-Clause */
/* A data set put aside: who is told of it, and who frees it. */
#include "store/aside.h"

#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "store/db.h"
#include "tests/unit/unit.h"

enum { DATABASES = 3, KEYS = 10 };

static struct {
    unsigned flushed[DATABASES];
    bool empty; /* each, when it was told of */
} told;

static void listen(void *arg, struct db *db, struct slice key, enum key_event_kind kind)
{
    (void)arg, (void)key;
    if (kind != KEY_FLUSHED)
        return;
    told.flushed[db->id]++;
    told.empty &= db_count(db) == 0;
}

static struct {
    uint64_t values;
    void (*job)(void *job_arg);
    void *job_arg[DATABASES];
    unsigned count;
} deferred;

static void defer(void *arg, uint64_t values, void (*job)(void *job_arg), void *job_arg)
{
    (void)arg;
    deferred.values += values;
    deferred.job = job;
    deferred.job_arg[deferred.count++] = job_arg;
}

/* Two databases with keys, one with none. */
static void open_keyspace(struct keyspace *ks)
{
    char key[16];
    keyspace_init(ks, DATABASES);
    for (unsigned i = 0; i < DATABASES; i++)
        for (unsigned n = 0; n < (i < 2 ? KEYS : 0); n++) {
            snprintf(key, sizeof key, "key:%u", n);
            db_set_string(keyspace_db(ks, i), slice_str(key), SLICE_LIT("a value of some length"),
                          KEY_NO_EXPIRE);
        }
    keyspace_db(ks, 2);
    ks->on_event = listen;
    memset(&told, 0, sizeof told);
    told.empty = true;
}

static void check_told(unsigned times)
{
    for (unsigned i = 0; i < DATABASES; i++)
        CHECK_INT(told.flushed[i], times);
}

/* To everybody it is gone: who watches its keys, or caches them. */
static void going_is_told(void)
{
    struct keyspace ks;
    open_keyspace(&ks);
    struct aside *put_by = keyspace_put_aside(&ks);
    check_told(1);
    CHECK(told.empty);
    keyspace_take_back(&ks, put_by);
    CHECK_INT(keyspace_count(&ks), 2 * KEYS);
    memset(&told, 0, sizeof told);
    keyspace_tell_replaced(&ks); /* what is there now is not what was told of last */
    check_told(1);
    keyspace_release(&ks);
}

/* It may hold millions of keys: who has a worker lets that free them, a job a database. */
static void dropped_elsewhere(void)
{
    size_t before = mem_used();
    struct keyspace ks;
    open_keyspace(&ks);
    ks.defer = defer;
    struct aside *put_by = keyspace_put_aside(&ks);
    size_t held = mem_used();
    memset(&deferred, 0, sizeof deferred);
    keyspace_drop_aside(&ks, put_by);
    CHECK_INT(deferred.values, 2 * KEYS);
    CHECK(deferred.count >= 2);
    CHECK(mem_used() + 2 * KEYS * sizeof "a value of some length" > held); /* it is there still */
    keyspace_release(&ks); /* and outlives the keyspace */
    for (unsigned i = 0; i < deferred.count; i++)
        deferred.job(deferred.job_arg[i]);
    CHECK_INT(mem_used(), before);
}

static void dropped_here(void)
{
    size_t before = mem_used();
    struct keyspace ks;
    open_keyspace(&ks);
    keyspace_drop_aside(&ks, keyspace_put_aside(&ks));
    CHECK_INT(keyspace_count(&ks), 0);
    keyspace_release(&ks);
    CHECK_INT(mem_used(), before);
}

int main(void)
{
    hash_init(NULL);
    return UNIT_RUN(UNIT(going_is_told), UNIT(dropped_elsewhere), UNIT(dropped_here));
}
