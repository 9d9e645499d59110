/* SPDX-License-Identifier: BSD-3-Clause */
/* A key whose time is over, under each mode and each operation. */
#include "base/hash.h"
#include "base/mem.h"
#include "base/rand.h"
#include "store/db.h"
#include "store/str.h"
#include "store/val_list.h"
#include "tests/unit/unit.h"

#define NOW ((int64_t)1000000)
#define PAST (NOW - 1)

/* Who decides may delete; who looks up finds nothing, but under IGNORE. */
static bool found(enum expire_mode mode)
{
    return mode == EXPIRE_IGNORE;
}

static bool goes_when_read(enum expire_mode mode)
{
    return mode == EXPIRE_DELETE;
}

static bool goes_when_written(enum expire_mode mode)
{
    return mode == EXPIRE_DELETE || mode == EXPIRE_FORCE;
}

struct events {
    int set, created, removed, expired, missed;
};

static void listen(void *arg, struct db *db, struct slice key, enum key_event_kind kind)
{
    struct events *n = arg;
    (void)db;
    (void)key;
    n->set += kind == KEY_SET;
    n->created += kind == KEY_NEW;
    n->removed += kind == KEY_REMOVED;
    n->expired += kind == KEY_EXPIRED;
    n->missed += kind == KEY_MISSED;
}

struct place {
    struct keyspace ks;
    struct db *db;
    struct events n;
};

static const struct slice K = {"the key", 7};

/* K expired a moment ago. */
static void begin(struct place *p, enum expire_mode mode)
{
    *p = (struct place){0};
    keyspace_init(&p->ks, 2);
    p->ks.now_ms = NOW;
    p->ks.notify = TELL_NEW | TELL_MISSED;
    p->ks.on_event_arg = &p->n;
    p->db = keyspace_db(&p->ks, 0);
    p->ks.expire_mode = EXPIRE_IGNORE;
    db_set_string(p->db, K, SLICE_LIT("7"), PAST);
    p->ks.expire_mode = mode;
    p->ks.on_event = listen;
}

static struct entry *there(struct place *p)
{
    return db_find_with(p->db, K, DB_NOSTATS | DB_NOTOUCH | DB_KEEP_EXPIRED);
}

/* It went by its time, or it did not; nothing else was told. */
static void end(struct place *p, bool expired)
{
    CHECK_INT(p->n.expired, expired);
    CHECK_INT(p->ks.expired, expired);
    CHECK_INT(p->db->expires.count, there(p) && entry_has_expire(there(p)));
    keyspace_release(&p->ks);
}

static void looked_up(void)
{
    for (enum expire_mode mode = 0; mode <= EXPIRE_IGNORE; mode++) {
        struct place p;
        begin(&p, mode);
        CHECK_INT(db_find(p.db, K) != NULL, found(mode));
        CHECK_INT(p.n.missed, !found(mode));
        CHECK_INT(p.ks.hits, found(mode));
        CHECK_INT(there(&p) != NULL, !goes_when_read(mode));
        end(&p, goes_when_read(mode));

        begin(&p, mode);
        CHECK_INT(db_find_write(p.db, K) != NULL, found(mode));
        CHECK_INT(p.n.missed + (int)p.ks.hits, 0);
        CHECK_INT(there(&p) != NULL, !goes_when_written(mode));
        end(&p, goes_when_written(mode));
    }
}

static void removed(void)
{
    for (enum expire_mode mode = 0; mode <= EXPIRE_IGNORE; mode++) {
        struct place p;
        begin(&p, mode);
        CHECK_INT(db_remove(p.db, K), found(mode));
        CHECK_INT(p.n.removed, found(mode));
        CHECK_INT(there(&p) != NULL, !found(mode) && !goes_when_written(mode));
        end(&p, goes_when_written(mode));

        /* The primary's DEL, an eviction: whatever its time is. */
        begin(&p, mode);
        CHECK(db_remove_as(p.db, K, KEY_REMOVED, false));
        CHECK(!there(&p));
        end(&p, false);
    }
}

static void by_time(void)
{
    for (enum expire_mode mode = 0; mode <= EXPIRE_IGNORE; mode++) {
        struct place p;
        begin(&p, mode);
        CHECK_INT(db_expire_due(p.db, 10), mode == EXPIRE_DELETE);
        CHECK_INT(there(&p) != NULL, mode != EXPIRE_DELETE);
        end(&p, mode == EXPIRE_DELETE);

        begin(&p, mode); /* a log may hold any time */
        db_set_expire(p.db, there(&p), INT64_MIN);
        CHECK_INT(entry_expire(there(&p)), INT64_MIN);
        CHECK_INT(db_expire_due(p.db, 10), mode == EXPIRE_DELETE);
        end(&p, mode == EXPIRE_DELETE);
    }
}

/* What writes over it, as a handler does that found nothing. Returns whether it can be done to a
 * key that is found. */
enum over { SET, SET_KEEPING_TTL, SET_INT, OPEN, ADD, REPLACE, RENAME, RENAME_FROM_OTHER, OVERS };

static struct entry *write_over(struct place *p, enum over how)
{
    struct db *db = p->db, *other = keyspace_db(&p->ks, 1);
    struct str *text;
    switch (how) {
    case SET: return db_set_string(db, K, SLICE_LIT("8"), KEY_NO_EXPIRE);
    case SET_KEEPING_TTL: return db_set_string(db, K, SLICE_LIT("8"), DB_KEEP_TTL);
    case SET_INT: return db_put_int(db, db_find_write(db, K), K, 8);
    case OPEN: return db_open_string(db, K, 5, &text);
    case ADD: return db_add_val(db, K, list_new());
    case REPLACE: return db_replace_val(db, K, list_new());
    case RENAME: case RENAME_FROM_OTHER: {
        struct db *from = how == RENAME ? db : other;
        db_set_string(from, SLICE_LIT("source"), SLICE_LIT("8"), KEY_NO_EXPIRE);
        p->n = (struct events){0};
        db_rename(from, SLICE_LIT("source"), db, K);
        CHECK_INT(p->n.removed, 1);
        CHECK_INT(db_count(from), from == db);
        return there(p);
    }
    case OVERS: break;
    }
    return NULL;
}

static void written_over(void)
{
    for (enum expire_mode mode = 0; mode <= EXPIRE_IGNORE; mode++) {
        for (enum over how = 0; how < OVERS; how++) {
            if (found(mode) && (how == ADD || how == RENAME || how == RENAME_FROM_OTHER))
                continue; /* only onto what is not there */
            struct place p;
            begin(&p, mode);
            struct entry *e = write_over(&p, how);
            CHECK(e && e == there(&p));
            bool kept = found(mode) && (how == SET_KEEPING_TTL || how == SET_INT || how == OPEN);
            CHECK_INT(entry_expire(e), kept ? PAST : KEY_NO_EXPIRE);
            CHECK_INT(p.n.set, 1);
            CHECK_INT(p.n.created, !found(mode)); /* nobody is told that a value was replaced */
            CHECK_INT(db_count(p.db), 1);
            end(&p, !found(mode));
        }
    }
}

static void chance(void)
{
    for (enum expire_mode mode = 0; mode <= EXPIRE_IGNORE; mode++) {
        struct place p;
        begin(&p, mode);
        CHECK_INT(db_random(p.db) != NULL, found(mode));
        end(&p, goes_when_read(mode));
    }
}

static void who_decides(void)
{
    struct place p;
    for (enum expire_mode mode = 0; mode <= EXPIRE_IGNORE; mode++) {
        begin(&p, mode);
        CHECK_INT(keyspace_decides_expiry(&p.ks), mode == EXPIRE_DELETE || mode == EXPIRE_PAUSE);
        end(&p, false);
    }
}

/* A replica's life: its clients read and write, its primary's commands come between, the clock goes
 * on. Each key is what the model says, and nothing asserts. */
static void modes_change_under_way(void)
{
    enum { KEYS = 40, STEPS = 40000 };
    struct {
        bool in;
        int64_t n, expire_ms;
    } model[KEYS] = {0};
    struct place p;
    char text[NUM_I64_TEXT];
    rand_seed(unit_seed());
    begin(&p, EXPIRE_DELETE);
    db_remove_as(p.db, K, KEY_REMOVED, false);
    for (int step = 0; step < STEPS; step++) {
        size_t i = rand_below(KEYS);
        struct slice key = slice(text, num_format_u64(text, 1000000000 + i));
        enum expire_mode mode = p.ks.expire_mode = (enum expire_mode)rand_below(EXPIRE_IGNORE + 1);
        p.ks.now_ms += (int64_t)rand_below(20);
        bool past = model[i].in && model[i].expire_ms != KEY_NO_EXPIRE &&
                    model[i].expire_ms < p.ks.now_ms;
        bool live = model[i].in && (!past || found(mode));
        int64_t n = 0;
        struct entry *e;
        switch (rand_below(4)) {
        case 0:
            e = db_find(p.db, key);
            CHECK_INT(e != NULL, live);
            CHECK(!e || (entry_int(e, &n) && n == model[i].n));
            model[i].in = live || (past && !goes_when_read(mode));
            break;
        case 1:
            e = db_find_write(p.db, key);
            CHECK_INT(e != NULL, live);
            model[i].in = live || (past && !goes_when_written(mode));
            if (e) {
                model[i].expire_ms = rand_below(3) ? p.ks.now_ms + (int64_t)rand_below(500)
                                                   : KEY_NO_EXPIRE;
                db_set_expire(p.db, e, model[i].expire_ms);
            }
            break;
        case 2:
            CHECK_INT(db_remove(p.db, key), live);
            model[i].in = !live && past && !goes_when_written(mode);
            break;
        default:
            model[i].n = (int64_t)rand_below(1000000);
            if (!live)
                model[i].expire_ms = KEY_NO_EXPIRE;
            model[i].in = true;
            db_put_int(p.db, db_find_write(p.db, key), key, model[i].n);
        }
        e = db_find_with(p.db, key, DB_NOSTATS | DB_KEEP_EXPIRED);
        CHECK_INT(e != NULL, model[i].in);
        CHECK_INT(e ? entry_expire(e) : 0, model[i].in ? model[i].expire_ms : 0);
    }
    keyspace_release(&p.ks);
}

int main(void)
{
    hash_init(NULL);
    return UNIT_RUN(UNIT(looked_up), UNIT(removed), UNIT(by_time), UNIT(written_over),
                    UNIT(chance), UNIT(who_decides), UNIT(modes_change_under_way));
}
