/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/db.h"

#include "base/mem.h"
#include "base/rand.h"
#include "store/aside.h"
#include "store/compact.h"
#include "store/entry_make.h"
#include "store/str.h"
#include "store/val_set.h"
#include "tests/unit/unit.h"

enum { N = 600, LONGEST = 400 };

/* What a key should hold. */
struct model {
    bool in;
    char text[LONGEST];
    size_t len;
    int64_t expire_ms;
};

static bool in_slots; /* the keyspaces of the case have a table for each key slot */

static struct slice key_name(char out[300], size_t i)
{
    size_t len = num_format_u64(out, i);
    /* Some keys are longer than a short length can say. */
    if (i % 50 == 0) {
        memset(out + len, 'k', 280 - len);
        len = 280;
    }
    return slice(out, len);
}

static void random_text(struct model *m)
{
    static const size_t lens[] = {0, 5, 44, 100, 128, 129, 399};
    if (rand_below(3) == 0) {
        m->len = num_format_i64(m->text, (int64_t)rand_u64());
        return;
    }
    m->len = lens[rand_below(7)];
    for (size_t i = 0; i < m->len; i++)
        m->text[i] = (char)('a' + rand_below(26));
}

static void check_key(struct db *db, struct slice key, const struct model *m)
{
    char scratch[NUM_I64_TEXT];
    bool live = m->in && !(m->expire_ms != KEY_NO_EXPIRE && m->expire_ms < db->keyspace->now_ms);
    struct entry *e = db_find(db, key);
    CHECK_INT(e != NULL, live);
    if (!e)
        return;
    CHECK_SLICE(entry_string(e, scratch), slice(m->text, m->len));
    CHECK_INT(entry_expire(e), m->expire_ms);
    CHECK_SLICE(entry_key(e), key);
}

/* One random change to key i, which e is (NULL: absent), in the database and in the model. */
static void act(struct db *db, struct model *models, size_t i, struct entry *e)
{
    char name[300], other[300];
    struct slice key = key_name(name, i);
    struct model *m = &models[i];
    int64_t now_ms = db->keyspace->now_ms;
    switch (rand_below(7)) {
    case 0: case 1:
        random_text(m);
        m->expire_ms = rand_below(2) ? KEY_NO_EXPIRE : now_ms + (int64_t)rand_below(5000);
        m->in = true;
        db_set_string(db, key, slice(m->text, m->len), m->expire_ms);
        break;
    case 2:
        if (e) {
            random_text(m);
            if (rand_below(2))
                db_set_string(db, key, slice(m->text, m->len), DB_KEEP_TTL);
            else
                db_set_text(db, key, slice(m->text, m->len), DB_KEEP_TTL);
        }
        break;
    case 3:
        if (e) {
            m->expire_ms =
                rand_below(3) ? now_ms + (int64_t)rand_below(5000) : KEY_NO_EXPIRE;
            db_set_expire(db, e, m->expire_ms);
        }
        break;
    case 4:
        CHECK_INT(db_remove(db, key), m->in);
        m->in = false;
        break;
    case 5: {
        size_t j = rand_below(N);
        struct slice to = key_name(other, j);
        if (!e || j == i)
            break;
        db_remove(db, to);
        db_rename(db, key, db, to);
        models[j] = *m;
        m->in = false;
        break;
    }
    default:
        if (e && m->len + 40 < LONGEST) {
            struct str *text;
            db_open_string(db, key, m->len + 40, &text);
            memset(text->bytes + text->len, 'z', 40);
            text->len += 40;
            memset(m->text + m->len, 'z', 40);
            m->len += 40;
        }
    }
}

static void strings_agree_with_a_model(void)
{
    rand_seed(unit_seed());
    struct keyspace ks;
    keyspace_init(&ks, 2);
    keyspace_set_slots(&ks, in_slots);
    ks.now_ms = 1700000000000;
    struct db *db = keyspace_db(&ks, 0);
    struct model *models = mem_zalloc(N * sizeof *models);
    char name[300];
    for (int round = 0; round < 100000; round++) {
        size_t i = rand_below(N);
        struct model *m = &models[i];
        struct slice key = key_name(name, i);
        check_key(db, key, m);
        struct entry *e = db_find(db, key);
        m->in = e;
        act(db, models, i, e);
        if (m->in)
            check_key(db, key, m);
        if (rand_below(100) == 0)
            ks.now_ms += (int64_t)rand_below(3000);
        if (rand_below(100) == 0)
            keyspace_compact(&ks);
        if (rand_below(20) == 0)
            db_prefetch(db, &key, 1);
        if (rand_below(500) == 0) {
            while (db_expire_due(db, 7) == 7)
                ;
            uint64_t live = 0;
            for (size_t k = 0; k < N; k++)
                live += models[k].in && !(models[k].expire_ms != KEY_NO_EXPIRE &&
                                          models[k].expire_ms < ks.now_ms);
            CHECK_INT(db_count(db), live);
        }
    }
    CHECK(ks.expired > 0);
    mem_free(models);
    keyspace_release(&ks);
}

/* Entries are moved together after deletions; keys, values, expiries stay what they are. */
static void entries_are_moved(void)
{
    enum { KEYS = 60000 };
    struct keyspace ks;
    char text[NUM_I64_TEXT], value[100], scratch[NUM_I64_TEXT];
    keyspace_init(&ks, 2);
    keyspace_set_slots(&ks, in_slots);
    ks.now_ms = 1000;
    memset(value, 'v', sizeof value);
    for (int64_t i = 0; i < KEYS; i++) {
        struct slice key = slice(text, num_format_i64(text, i));
        db_set_string(keyspace_db(&ks, i % 2), key, slice(value, 60 + i % 10),
                      i % 3 ? 2000 + i % 3000 : KEY_NO_EXPIRE);
    }
    for (int64_t i = 0; i < KEYS; i++) {
        if (i % 7)
            db_remove(keyspace_db(&ks, i % 2), slice(text, num_format_i64(text, i)));
    }
    size_t slack, used, after;
    keyspace_slack(&ks, &slack, &used);
    CHECK(slack > used);
    for (int steps = 0; keyspace_compact(&ks); steps++)
        CHECK(steps < 100000);
    keyspace_give_back(&ks);
    keyspace_slack(&ks, &slack, &after);
    CHECK_INT(slack, 0);
    CHECK_INT(after, used);
    for (int64_t i = 0; i < KEYS; i++) {
        struct entry *e = db_find(keyspace_db(&ks, i % 2), slice(text, num_format_i64(text, i)));
        CHECK_INT(e != NULL, i % 7 == 0);
        if (e) {
            CHECK_SLICE(entry_string(e, scratch), slice(value, 60 + i % 10));
            CHECK_INT(entry_expire(e), i % 3 ? 2000 + i % 3000 : KEY_NO_EXPIRE);
        }
    }
    ks.now_ms = 10000; /* the index knows where they are */
    for (int d = 0; d < 2; d++) {
        while (db_expire_due(keyspace_db(&ks, d), 10) == 10)
            ;
        CHECK_INT(keyspace_db(&ks, d)->expires.count, 0);
    }
    keyspace_release(&ks);
}

static size_t buckets_of_all(struct keyspace *ks)
{
    size_t sum = 0;
    for (unsigned i = 0; i < ks->open_count; i++)
        sum += table_buckets(&ks->open[i]->keys.one);
    return sum;
}

/* What one call does to tables that a child kept large does not depend on how many there are. */
static void tables_settle_together(void)
{
    enum { DBS = 20, KEYS = 4000, A_CALL = 4096 };
    struct keyspace ks;
    char text[NUM_I64_TEXT];
    keyspace_init(&ks, DBS);
    for (int64_t i = 0; i < DBS * KEYS; i++)
        db_put_int(keyspace_db(&ks, (unsigned)(i % DBS)), NULL,
                   slice(text, num_format_i64(text, i)), i);
    keyspace_hold(&ks, true);
    for (int64_t i = DBS; i < DBS * KEYS; i++)
        CHECK(db_remove(keyspace_db(&ks, (unsigned)(i % DBS)),
                        slice(text, num_format_i64(text, i))));
    keyspace_hold(&ks, false);
    size_t before = buckets_of_all(&ks), calls = 0;
    CHECK(before > 3 * A_CALL);
    for (; before > DBS; calls++) {
        keyspace_give_back(&ks);
        size_t now = buckets_of_all(&ks);
        CHECK(now < before && before - now <= A_CALL);
        before = now;
    }
    CHECK(calls > 3);
    for (int64_t i = 0; i < DBS; i++)
        CHECK(db_find(keyspace_db(&ks, (unsigned)i), slice(text, num_format_i64(text, i))));
    keyspace_release(&ks);
}

static void entries_are_small(void)
{
    enum { KEYS = 200000 };
    struct keyspace ks;
    keyspace_init(&ks, 1);
    size_t before = mem_used();
    char key[40], value[24];
    memset(value, 'v', 16);
    for (int i = 0; i < KEYS; i++) {
        memset(key, '0', 16);
        num_format_i64(key + 8, 10000000 + i);
        db_set_string(keyspace_db(&ks, 0), slice(key, 16), slice(value, 16), KEY_NO_EXPIRE);
    }
    CHECK((mem_used() - before) / KEYS < 60);
    keyspace_release(&ks);
}

/* How the length of a key is kept, at the borders; the longest one is there by its head only. */
static void keys_of_any_length(void)
{
    enum { META = 4, VALUE = 8 };
    static const struct {
        size_t len, head;
    } cases[] = {{0, 1}, {254, 1}, {255, 5}, {UINT32_MAX - 1, 5}, {UINT32_MAX, 13},
                 {(size_t)UINT32_MAX + 1, 13}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct entry_parts p = {.key = slice("", cases[i].len), .encoding = ENC_INT,
                                .expire_ms = KEY_NO_EXPIRE};
        CHECK_INT(entry_size_of(&p), META + cases[i].head + cases[i].len + VALUE);
    }
    uint64_t len = (uint64_t)UINT32_MAX + 7;
    char block[32] = {0};
    memset(block + META, 0xff, 5);
    memcpy(block + META + 5, &len, sizeof len);
    struct slice key = entry_key((const struct entry *)(void *)block);
    CHECK_INT(key.len, len);
    CHECK(key.data == block + META + 13);
}

struct seen {
    int set, removed, expired, flushed;
};

static void listen(void *arg, struct db *db, struct slice key, enum key_event_kind kind)
{
    struct seen *s = arg;
    (void)db;
    (void)key;
    s->set += kind == KEY_SET;
    s->removed += kind == KEY_REMOVED;
    s->expired += kind == KEY_EXPIRED;
    s->flushed += kind == KEY_FLUSHED;
}

struct defers {
    int jobs;
    uint64_t values;
};

static void deferred(void *arg, uint64_t values, void (*job)(void *), void *job_arg)
{
    struct defers *d = arg;
    d->jobs++;
    d->values += values;
    job(job_arg);
}

static void events_flush_swap(void)
{
    struct keyspace ks;
    struct seen seen = {0};
    struct defers defers = {0};
    keyspace_init(&ks, 2);
    keyspace_set_slots(&ks, in_slots);
    ks.now_ms = 1000000;
    ks.on_event = listen;
    ks.on_event_arg = &seen;
    ks.defer = deferred;
    ks.defer_arg = &defers;
    struct db *db = keyspace_db(&ks, 0);
    struct val v = set_new(SLICE_LIT("x"), &ks.limits);
    for (int i = 0; i < 300; i++) {
        char text[NUM_I64_TEXT];
        set_add(&v, slice(text, num_format_i64(text, i)), &ks.limits);
    }
    set_add(&v, SLICE_LIT("x"), &ks.limits);
    struct entry *e = db_add_val(db, SLICE_LIT("s"), v);
    CHECK_STR(entry_encoding_name(e), "hashtable");
    CHECK_INT(seen.set, 1);
    db_remove_as(db, SLICE_LIT("s"), KEY_REMOVED, true);
    CHECK(defers.jobs == 1 && defers.values == 1);
    CHECK_INT(seen.removed, 1);
    int64_t n = 0;
    CHECK_STR(entry_encoding_name(db_set_text(db, SLICE_LIT("t"), SLICE_LIT("12"), KEY_NO_EXPIRE)),
              "embstr");
    e = db_find(db, SLICE_LIT("t"));
    CHECK(entry_int(e, &n) && n == 12);
    CHECK_STR(entry_encoding_name(db_put_int(db, e, SLICE_LIT("t"), n + 1)), "int");
    db_remove(db, SLICE_LIT("t"));
    e = db_set_string(db, SLICE_LIT("a"), SLICE_LIT("1"), 999999);
    CHECK(!db_find(db, SLICE_LIT("a")));
    CHECK_INT(seen.expired, 1);
    /* Hidden: not found, still there. Ignored: found. */
    db_set_string(db, SLICE_LIT("a"), SLICE_LIT("1"), 999999);
    ks.expire_mode = EXPIRE_HIDE;
    CHECK(!db_find(db, SLICE_LIT("a")));
    CHECK_INT(db_count(db), 1);
    ks.expire_mode = EXPIRE_IGNORE;
    CHECK(db_find(db, SLICE_LIT("a")) != NULL);
    ks.expire_mode = EXPIRE_DELETE;
    for (int i = 0; i < 100; i++) {
        char text[NUM_I64_TEXT];
        db_set_string(db, slice(text, num_format_i64(text, i)), SLICE_LIT("x"), KEY_NO_EXPIRE);
    }
    keyspace_swap(&ks, 0, 1);
    CHECK_INT(db_count(keyspace_db(&ks, 1)), 101);
    CHECK_INT(keyspace_db(&ks, 1)->id, 1);
    db_flush_all(&ks, true);
    CHECK_INT(seen.flushed, 2);
    CHECK(defers.jobs == 2 && defers.values == 102);
    CHECK_INT(keyspace_count(&ks), 0);
    keyspace_release(&ks);
}

/* What is put aside comes back as it was, and a child that lives then holds it too. */
static void what_was_put_aside_comes_back(void)
{
    struct keyspace ks;
    keyspace_init(&ks, 1);
    keyspace_set_slots(&ks, in_slots);
    ks.now_ms = 1000;
    struct db *db = keyspace_db(&ks, 0);
    db_set_string(db, SLICE_LIT("a"), SLICE_LIT("1"), 2000);
    struct aside *put_by = keyspace_put_aside(&ks);
    CHECK_INT(db_count(db), 0);
    db_set_string(db, SLICE_LIT("b"), SLICE_LIT("2"), KEY_NO_EXPIRE);
    keyspace_hold(&ks, true);
    keyspace_take_back(&ks, put_by);
    CHECK_INT(db_count(db), 1);
    CHECK_INT(keys_place(&db->keys, SLICE_LIT("a"), 0).table->held, 1);
    keyspace_hold(&ks, false);
    CHECK(db_find(db, SLICE_LIT("a")) && !db_find(db, SLICE_LIT("b")));
    ks.now_ms = 3000;
    CHECK_INT(db_expire_due(db, 10), 1);
    keyspace_release(&ks);
}

static void add_to(struct keyspace *ks, unsigned id, const char *key, int64_t expire_ms)
{
    struct db *db = keyspace_db(ks, id);
    struct val v = set_new(SLICE_LIT("member"), &ks->limits);
    set_add(&v, SLICE_LIT("member"), &ks->limits);
    db_set_expire(db, db_add_val(db, slice_str(key), v), expire_ms);
}

static unsigned held(struct keyspace *ks, unsigned id, const char *key)
{
    return keys_place(&keyspace_db(ks, id)->keys, slice_str(key), 0).table->held;
}

static bool has(struct keyspace *ks, unsigned id, const char *key)
{
    return db_find(keyspace_db(ks, id), slice_str(key));
}

/* slots: of the live one; of the one beside it. */
static void change_places(bool slots, bool beside_slots)
{
    size_t before = mem_used();
    struct keyspace live, beside;
    struct seen seen = {0};
    keyspace_init(&live, 4);
    keyspace_init(&beside, 4);
    live.now_ms = beside.now_ms = 1000;
    keyspace_set_slots(&live, slots);
    keyspace_set_slots(&beside, beside_slots);
    add_to(&live, 0, "old", 5000);
    add_to(&live, 3, "old", KEY_NO_EXPIRE);
    add_to(&beside, 0, "new", 2000);
    add_to(&beside, 1, "new", KEY_NO_EXPIRE);
    add_to(&beside, 1, "newer", KEY_NO_EXPIRE);
    struct db *db = keyspace_db(&live, 0);
    live.on_event = listen;
    live.on_event_arg = &seen;
    keyspace_hold(&live, true);
    keyspace_swap_contents(&live, &beside);
    CHECK_INT(seen.flushed, 3);
    CHECK_INT(keyspace_count(&live), 3);
    CHECK_INT(keyspace_count(&beside), 2);
    CHECK(db == keyspace_db(&live, 0) && db->id == 0 && db->keyspace == &live);
    CHECK(has(&live, 0, "new") && has(&live, 1, "newer") && !has(&live, 0, "old"));
    CHECK(has(&beside, 0, "old") && has(&beside, 3, "old") && !has(&beside, 1, "new"));
    CHECK_INT(db->keys.slots != NULL, slots);
    CHECK_INT(held(&live, 0, "new") + held(&live, 3, "x"), 2);
    CHECK_INT(held(&beside, 0, "old") + held(&beside, 1, "x"), 0);
    keyspace_hold(&live, false);
    CHECK_INT(held(&live, 0, "new"), 0);
    live.now_ms = beside.now_ms = 3000;
    CHECK_INT(db_expire_due(db, 10), 1);
    CHECK_INT(db_expire_due(keyspace_db(&beside, 0), 10), 0);
    add_to(&live, 0, "new", KEY_NO_EXPIRE);
    keyspace_release(&beside);
    keyspace_release(&live);
    CHECK_INT(mem_used(), before);
}

static void contents_change_places(void)
{
    for (int mode = 0; mode < 4; mode++)
        change_places(mode & 1, mode & 2);
}

static void access_clocks(void)
{
    struct keyspace ks;
    keyspace_init(&ks, 1);
    ks.now_ms = 5000000;
    struct entry *e =
        db_set_string(keyspace_db(&ks, 0), SLICE_LIT("a"), SLICE_LIT("1"), KEY_NO_EXPIRE);
    ks.now_ms += 30000;
    CHECK_INT(entry_idle_ms(&ks, e), 30000);
    db_find_with(keyspace_db(&ks, 0), SLICE_LIT("a"), DB_NOTOUCH);
    CHECK_INT(entry_idle_ms(&ks, e), 30000);
    db_find(keyspace_db(&ks, 0), SLICE_LIT("a"));
    CHECK_INT(entry_idle_ms(&ks, e), 0);
    entry_set_idle(&ks, e, 77);
    CHECK_INT(entry_idle_ms(&ks, e), 77000);
    ks.access = ACCESS_LFU;
    entry_set_freq(&ks, e, 200);
    CHECK_INT(entry_freq(&ks, e), 200);
    ks.now_ms += 5 * 60000;
    CHECK_INT(entry_freq(&ks, e), 195);
    e = db_set_string(keyspace_db(&ks, 0), SLICE_LIT("b"), SLICE_LIT("1"), KEY_NO_EXPIRE);
    CHECK_INT(entry_freq(&ks, e), 5);
    for (int i = 0; i < 1000; i++)
        db_find(keyspace_db(&ks, 0), SLICE_LIT("b"));
    CHECK(entry_freq(&ks, e) > 6 && entry_freq(&ks, e) < 60);
    keyspace_release(&ks);
}

/* The same with a table for each key slot. */
static void strings_agree_with_a_model_in_slots(void)
{
    in_slots = true;
    strings_agree_with_a_model();
    in_slots = false;
}

static void entries_are_moved_in_slots(void)
{
    in_slots = true;
    entries_are_moved();
    in_slots = false;
}

static void events_flush_swap_in_slots(void)
{
    in_slots = true;
    events_flush_swap();
    in_slots = false;
}

static void what_was_put_aside_comes_back_in_slots(void)
{
    in_slots = true;
    what_was_put_aside_comes_back();
    in_slots = false;
}

int main(void)
{
    return UNIT_RUN(UNIT(strings_agree_with_a_model), UNIT(strings_agree_with_a_model_in_slots),
                    UNIT(entries_are_moved), UNIT(entries_are_moved_in_slots),
                    UNIT(tables_settle_together), UNIT(entries_are_small), UNIT(keys_of_any_length),
                    UNIT(events_flush_swap), UNIT(events_flush_swap_in_slots),
                    UNIT(what_was_put_aside_comes_back),
                    UNIT(what_was_put_aside_comes_back_in_slots), UNIT(contents_change_places),
                    UNIT(access_clocks));
}
