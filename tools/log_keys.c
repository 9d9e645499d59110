/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/log_keys.h"

#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "base/num.h"

enum key_scope log_keys_each(struct log_bytes *b, const struct log_command *c,
                             log_key_visit *visit, void *arg)
{
    struct aof_keys k;
    struct log_args args;
    struct log_arg one;
    enum key_use use;
    uint64_t last = 0;
    aof_keys_of(c->argc, c->argv, c->heads, &k);
    for (size_t i = 0; i < k.count; i++) {
        uint64_t end = k.ranges[i].first + (k.ranges[i].count - 1) * k.ranges[i].step;
        last = end > last ? end : last;
    }
    log_args_begin(&args, b, c);
    for (uint64_t i = 0; k.count && i <= last && log_args_next(&args, &one); i++)
        if (aof_key_at(&k, i, &use))
            visit(arg, &one, use);
    return k.scope;
}

void log_db_follow(uint64_t *db, const struct log_command *c)
{
    uint64_t n;
    if (c->heads > 1 && slice_eq_nocase(c->argv[0], "select") && num_parse_u64(c->argv[1], &n))
        *db = n;
}

/* ---- keys that miss something ---- */

enum { NOBODY = 0, GONE = 1, CAP_MIN = 1024 };

void log_taint_begin(struct log_taint *t)
{
    *t = (struct log_taint){.cap = CAP_MIN,
                            .keys = mem_zalloc(CAP_MIN * sizeof(struct log_taint_key)),
                            .sets = mem_zalloc(LOG_TAINT_DBS * sizeof(struct log_taint_set))};
}

void log_taint_free(struct log_taint *t)
{
    mem_free(t->keys);
    mem_free(t->sets);
    *t = (struct log_taint){0};
}

static uint64_t mix(uint64_t hash)
{
    return hash <= GONE ? hash + 2 : hash;
}

/* NULL: no key of the database misses anything. */
static struct log_taint_set *set_of(struct log_taint *t, uint64_t db)
{
    if (t->last_set < t->sets_count && t->sets[t->last_set].db == db)
        return &t->sets[t->last_set];
    for (size_t i = 0; i < t->sets_count; i++)
        if (t->sets[i].db == db) {
            t->last_set = i;
            return &t->sets[i];
        }
    return NULL;
}

static void drop_set(struct log_taint *t, struct log_taint_set *s)
{
    must(s->count <= t->count && t->sets_count > 0);
    t->count -= s->count;
    *s = t->sets[--t->sets_count];
}

/* Its place, or the one where it belongs. */
static struct log_taint_key *place_of(const struct log_taint *t, uint64_t set, uint64_t hash)
{
    struct log_taint_key *free = NULL;
    must(hash > GONE && t->used < t->cap);
    for (size_t i = (size_t)(hash + set * 0x9e3779b97f4a7c15u) & (t->cap - 1);;
         i = (i + 1) & (t->cap - 1)) {
        struct log_taint_key *k = &t->keys[i];
        if (k->hash == hash && k->set == set)
            return k;
        if (k->hash == GONE && !free)
            free = k;
        if (k->hash == NOBODY)
            return free ? free : k;
    }
}

static bool has(struct log_taint *t, uint64_t db, uint64_t hash)
{
    const struct log_taint_set *s = set_of(t, db);
    return s && place_of(t, s->set, hash)->hash == hash;
}

static bool lives(const struct log_taint *t, uint64_t set)
{
    for (size_t i = 0; i < t->sets_count; i++)
        if (t->sets[i].set == set)
            return true;
    return false;
}

/* Or only drops what is nobody's any more. */
static void grow(struct log_taint *t)
{
    struct log_taint_key *old = t->keys;
    size_t old_cap = t->cap, count = 0;
    t->cap = t->count * 2 > t->cap / 2 ? t->cap * 2 : t->cap;
    t->keys = mem_zalloc(t->cap * sizeof *t->keys);
    t->used = 0;
    for (size_t i = 0; i < old_cap; i++) {
        if (old[i].hash <= GONE || !lives(t, old[i].set))
            continue;
        *place_of(t, old[i].set, old[i].hash) = old[i];
        t->used++;
        count++;
    }
    must(t->count == count);
    mem_free(old);
}

static struct log_taint_set *make_set(struct log_taint *t, uint64_t db)
{
    struct log_taint_set *s = &t->sets[t->sets_count];
    must(t->sets_count < LOG_TAINT_DBS);
    *s = (struct log_taint_set){.db = db, .set = t->next_set++};
    t->last_set = t->sets_count++;
    return s;
}

void log_taint_add(struct log_taint *t, uint64_t db, uint64_t hash)
{
    struct log_taint_set *s = set_of(t, db);
    hash = mix(hash);
    if (s && place_of(t, s->set, hash)->hash == hash)
        return;
    if (t->count >= LOG_TAINT_MAX || (!s && t->sets_count == LOG_TAINT_DBS)) {
        t->full = true;
        return;
    }
    if (t->used * 4 > t->cap * 3)
        grow(t);
    s = s ? s : make_set(t, db);
    struct log_taint_key *k = place_of(t, s->set, hash);
    t->used += k->hash == NOBODY;
    t->count++;
    s->count++;
    *k = (struct log_taint_key){hash, s->set};
}

static void heal(struct log_taint *t, uint64_t db, uint64_t hash)
{
    struct log_taint_set *s = set_of(t, db);
    struct log_taint_key *k = s ? place_of(t, s->set, hash) : NULL;
    must(hash > GONE);
    if (!k || k->hash != hash)
        return;
    must(t->count > 0 && s->count > 0);
    k->hash = GONE;
    t->count--;
    if (--s->count == 0)
        drop_set(t, s);
}

/* NULL db: all of them. */
static void heal_all(struct log_taint *t, const uint64_t *db)
{
    struct log_taint_set *s = db ? set_of(t, *db) : NULL;
    if (s)
        drop_set(t, s);
    if (!db)
        t->sets_count = t->count = 0;
}

static void swap(struct log_taint *t, const struct log_command *c)
{
    uint64_t a, b;
    if (c->heads < 3 || !num_parse_u64(c->argv[1], &a) || !num_parse_u64(c->argv[2], &b))
        return;
    for (size_t i = 0; i < t->sets_count; i++) {
        uint64_t db = t->sets[i].db;
        t->sets[i].db = db == a ? b : db == b ? a : db;
    }
}

struct follow {
    struct log_taint *t;
    struct log_bytes *bytes;
    uint64_t db;
    bool source;  /* a key that it reads misses something */
    size_t depend;
    log_key_visit *depends;
    void *arg;
};

static void look_at_source(void *arg, const struct log_arg *key, enum key_use use)
{
    struct follow *f = arg;
    if (use == KEY_READ || use == KEY_MOVED || use == KEY_CHANGE)
        f->source = f->source || has(f->t, f->db, mix(log_arg_hash(f->bytes, key)));
}

static void tell(struct follow *f, const struct log_arg *key, enum key_use use)
{
    f->depend++;
    if (f->depends)
        f->depends(f->arg, key, use);
}

static void follow_key(void *arg, const struct log_arg *key, enum key_use use)
{
    struct follow *f = arg;
    uint64_t hash = mix(log_arg_hash(f->bytes, key));
    bool tainted = has(f->t, f->db, hash);
    switch (use) {
    case KEY_READ: break;
    case KEY_SET: case KEY_GONE: case KEY_MOVED: heal(f->t, f->db, hash); break;
    case KEY_CHANGE: /* and of a command with several, each may get what another lost */
        if (f->source || tainted) {
            log_taint_add(f->t, f->db, hash);
            tell(f, key, use);
        }
        break;
    case KEY_MADE:
        if (!f->source) {
            heal(f->t, f->db, hash);
        } else {
            log_taint_add(f->t, f->db, hash);
            tell(f, key, use);
        }
        break;
    }
}

size_t log_taint_follow(struct log_taint *t, struct log_bytes *b, const struct log_command *c,
                        uint64_t *db, log_key_visit *depends, void *arg)
{
    log_db_follow(db, c);
    if (t->count == 0)
        return 0;
    struct follow f = {.t = t, .bytes = b, .db = *db, .depends = depends, .arg = arg};
    enum key_scope scope = log_keys_each(b, c, look_at_source, &f);
    if (scope == KEYS_ALL)
        heal_all(t, NULL);
    else if (scope == KEYS_DATABASE)
        heal_all(t, db);
    else if (scope == KEYS_SWAPPED)
        swap(t, c);
    else
        log_keys_each(b, c, follow_key, &f);
    return f.depend;
}
