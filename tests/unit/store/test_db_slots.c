/* SPDX-License-Identifier: BSD-3-Clause */
/* Databases whose keys have a table for each slot, beside a model that says which are there: how
 * many a slot has and which, whatever comes and goes in whatever way. */
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/num.h"
#include "base/rand.h"
#include "store/aside.h"
#include "store/db_iter.h"
#include "tests/unit/unit.h"

enum { KEYS = 240, TAGS = 5, STEPS = 40, ROUNDS = 150, DBS = 2 };

/* Of a key. There until it is removed, also when its time is over and nobody has met it. */
struct model {
    bool in;
    int64_t expire_ms;
};
static struct model models[DBS][KEYS];
static struct keyspace ks;

/* A third of them shares few slots. */
static struct slice name_of(unsigned i, char room[32])
{
    int len = i % 3 ? snprintf(room, 32, "key:%u", i)
                    : snprintf(room, 32, "{tag:%u}:%u", i % TAGS, i);
    return slice(room, (size_t)len);
}

static unsigned number_of(struct slice key)
{
    const char *colon = memrchr(key.data, ':', key.len);
    int64_t n;
    CHECK(colon != NULL);
    CHECK(num_parse_i64(slice_from(key, (size_t)(colon + 1 - key.data)), &n) && n < KEYS);
    return (unsigned)n;
}

static bool is_over(const struct model *m)
{
    return m->in && m->expire_ms != KEY_NO_EXPIRE && m->expire_ms < ks.now_ms;
}

/* ---- what may be done ---- */

static void put(unsigned db, unsigned i)
{
    char room[32];
    struct model *m = &models[db][i];
    m->expire_ms = rand_below(2) ? KEY_NO_EXPIRE : ks.now_ms + 1 + (int64_t)rand_below(500);
    m->in = true;
    db_set_string(keyspace_db(&ks, db), name_of(i, room), SLICE_LIT("text"), m->expire_ms);
}

static void load(unsigned db, unsigned i)
{
    char room[32];
    struct slice key = name_of(i, room);
    struct model *m = &models[db][i];
    bool came = db_load_string(keyspace_db(&ks, db), key, hash_slice(key), SLICE_LIT("1"),
                               KEY_NO_EXPIRE);
    CHECK_INT(came, !m->in);
    if (came)
        *m = (struct model){true, KEY_NO_EXPIRE};
}

static void take_away(unsigned db, unsigned i)
{
    char room[32];
    struct model *m = &models[db][i];
    CHECK_INT(db_remove(keyspace_db(&ks, db), name_of(i, room)), m->in && !is_over(m));
    m->in = false;
}

static void look_up(unsigned db, unsigned i)
{
    char room[32];
    struct model *m = &models[db][i];
    m->in = m->in && !is_over(m);
    CHECK_INT(db_find(keyspace_db(&ks, db), name_of(i, room)) != NULL, m->in);
}

/* To another name, maybe of another slot, maybe in another database. */
static void move(unsigned db, unsigned i)
{
    char from[32], to[32];
    unsigned other = (unsigned)rand_below(DBS), j = (unsigned)rand_below(KEYS);
    look_up(db, i);
    look_up(other, j);
    if (!models[db][i].in || models[other][j].in)
        return;
    db_rename(keyspace_db(&ks, db), name_of(i, from), keyspace_db(&ks, other), name_of(j, to));
    models[other][j] = models[db][i];
    models[db][i].in = false;
}

static void expire(unsigned db)
{
    uint64_t n = 0;
    ks.now_ms += 100;
    for (unsigned i = 0; i < KEYS; i++) {
        n += is_over(&models[db][i]);
        models[db][i].in = models[db][i].in && !is_over(&models[db][i]);
    }
    CHECK_INT(db_expire_due(keyspace_db(&ks, db), KEYS + 1), n);
}

static void flush(unsigned db)
{
    db_flush(keyspace_db(&ks, db), false);
    memset(models[db], 0, sizeof models[db]);
}

static void swap(void)
{
    struct model kept[KEYS];
    keyspace_swap(&ks, 0, 1);
    memcpy(kept, models[0], sizeof kept);
    memcpy(models[0], models[1], sizeof kept);
    memcpy(models[1], kept, sizeof kept);
}

/* With a keyspace of one table, which holds a few: they come, and lie in slots here. */
static void swap_contents(void)
{
    char room[32];
    struct keyspace other;
    keyspace_init(&other, DBS);
    memset(models, 0, sizeof models);
    for (unsigned i = 0; i < KEYS; i += 5) {
        models[1][i] = (struct model){true, KEY_NO_EXPIRE};
        db_set_string(keyspace_db(&other, 1), name_of(i, room), SLICE_LIT("1"), KEY_NO_EXPIRE);
    }
    keyspace_swap_contents(&ks, &other);
    keyspace_release(&other);
}

/* ---- beside the model ---- */

static void check_slot(struct db *db, unsigned slot, uint64_t want)
{
    bool seen[KEYS] = {false};
    struct db_iter it;
    db_iter_slot(&it, db, slot);
    for (struct entry *e; (e = db_iter_next(&it)); want--) {
        unsigned i = number_of(entry_key(e));
        CHECK(want > 0 && models[db->id][i].in && !seen[i]);
        CHECK_INT(key_slot(entry_key(e)), slot);
        seen[i] = true;
    }
    CHECK_INT(want, 0);
    CHECK(!db_iter_next(&it));
}

static void check(unsigned id)
{
    static uint64_t want[KEY_SLOTS];
    struct db *db = keyspace_db(&ks, id);
    uint64_t all = 0;
    memset(want, 0, sizeof want);
    for (unsigned i = 0; i < KEYS; i++) {
        char room[32];
        want[key_slot(name_of(i, room))] += models[id][i].in;
        all += models[id][i].in;
    }
    CHECK_INT(db_count(db), all);
    for (unsigned slot = 0; slot < KEY_SLOTS; slot++) {
        CHECK_INT(db_slot_count(db, slot), want[slot]);
        if (want[slot] || slot % 1024 == 0)
            check_slot(db, slot, want[slot]);
    }
}

static void begin(void)
{
    keyspace_init(&ks, DBS);
    keyspace_set_slots(&ks, true);
    ks.now_ms = 1000000;
    memset(models, 0, sizeof models);
}

/* ---- cases ---- */

static void one_step(unsigned db, unsigned i)
{
    switch (rand_below(8)) {
    case 0: case 1: case 2: put(db, i); break;
    case 3: load(db, i); break;
    case 4: take_away(db, i); break;
    case 5: look_up(db, i); break;
    default: move(db, i); break;
    }
}

static void as_a_model_says(void)
{
    rand_seed(unit_seed());
    begin();
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < STEPS; i++)
            one_step((unsigned)rand_below(DBS), (unsigned)rand_below(KEYS));
        switch (rand_below(12)) {
        case 0: flush((unsigned)rand_below(DBS)); break;
        case 1: swap(); break;
        case 2: swap_contents(); break;
        case 3: /* one table for all meanwhile */
            keyspace_set_slots(&ks, false);
            keyspace_set_slots(&ks, true);
            break;
        default: expire((unsigned)rand_below(DBS)); break;
        }
        for (unsigned db = 0; db < DBS; db++)
            check(db);
    }
    keyspace_release(&ks);
}

/* A slot that goes elsewhere: each of its keys is removed as it comes, and no other. */
static void a_slot_is_emptied_while_held(void)
{
    char room[32];
    begin();
    struct db *db = keyspace_db(&ks, 0);
    struct db_iter it;
    unsigned slot = key_slot(name_of(0, room)), emptied = 0;
    for (unsigned i = 0; i < KEYS; i++)
        put(0, i);
    keyspace_hold(&ks, true);
    db_iter_slot(&it, db, slot);
    for (struct entry *e; (e = db_iter_next(&it)); emptied++) {
        models[0][number_of(entry_key(e))].in = false;
        CHECK(db_remove_as(db, entry_key(e), KEY_REMOVED, false));
    }
    CHECK(emptied > 1);
    check(0);
    CHECK_INT(db_slot_count(db, slot), 0);
    keyspace_hold(&ks, false);
    keyspace_release(&ks);
}

int main(void)
{
    hash_init(NULL);
    return UNIT_RUN(UNIT(as_a_model_says), UNIT(a_slot_is_emptied_while_held));
}
