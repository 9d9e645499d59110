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
                            .keys = mem_zalloc(CAP_MIN * sizeof(struct log_taint_key))};
}

void log_taint_free(struct log_taint *t)
{
    mem_free(t->keys);
    *t = (struct log_taint){0};
}

static uint64_t mix(uint64_t hash)
{
    return hash <= GONE ? hash + 2 : hash;
}

/* Its place, or the one where it belongs. */
static struct log_taint_key *place_of(const struct log_taint *t, uint64_t db, uint64_t hash)
{
    struct log_taint_key *free = NULL;
    must(hash > GONE && t->used < t->cap);
    for (size_t i = (size_t)(hash + db * 0x9e3779b97f4a7c15u) & (t->cap - 1);;
         i = (i + 1) & (t->cap - 1)) {
        struct log_taint_key *k = &t->keys[i];
        if (k->hash == hash && k->db == db)
            return k;
        if (k->hash == GONE && !free)
            free = k;
        if (k->hash == NOBODY)
            return free ? free : k;
    }
}

static bool has(const struct log_taint *t, uint64_t db, uint64_t hash)
{
    return t->count && place_of(t, db, hash)->hash == hash;
}

static void grow(struct log_taint *t)
{
    struct log_taint old = *t;
    size_t cap = t->count * 2 > t->cap / 2 ? t->cap * 2 : t->cap;
    *t = (struct log_taint){.cap = cap, .full = old.full,
                            .keys = mem_zalloc(cap * sizeof *t->keys)};
    for (size_t i = 0; i < old.cap; i++)
        if (old.keys[i].hash > GONE)
            log_taint_add(t, old.keys[i].db, old.keys[i].hash);
    must(t->count == old.count);
    mem_free(old.keys);
}

void log_taint_add(struct log_taint *t, uint64_t db, uint64_t hash)
{
    hash = mix(hash);
    if (has(t, db, hash))
        return;
    if (t->count >= LOG_TAINT_MAX) {
        t->full = true;
        return;
    }
    if (t->used * 4 > t->cap * 3)
        grow(t);
    struct log_taint_key *k = place_of(t, db, hash);
    t->used += k->hash == NOBODY;
    t->count++;
    *k = (struct log_taint_key){hash, db};
}

static void heal(struct log_taint *t, uint64_t db, uint64_t hash)
{
    struct log_taint_key *k = place_of(t, db, hash);
    must(hash > GONE);
    if (k->hash != hash)
        return;
    must(t->count > 0);
    k->hash = GONE;
    t->count--;
}

/* NULL db: all of them. */
static void heal_all(struct log_taint *t, const uint64_t *db)
{
    for (size_t i = 0; i < t->cap; i++)
        if (t->keys[i].hash > GONE && (!db || t->keys[i].db == *db)) {
            t->keys[i].hash = GONE;
            t->count--;
        }
}

static void swap(struct log_taint *t, const struct log_command *c)
{
    uint64_t a, b;
    if (c->heads < 3 || !num_parse_u64(c->argv[1], &a) || !num_parse_u64(c->argv[2], &b))
        return;
    struct log_taint old = *t;
    *t = (struct log_taint){.cap = old.cap, .full = old.full,
                            .keys = mem_zalloc(old.cap * sizeof *t->keys)};
    for (size_t i = 0; i < old.cap; i++) {
        uint64_t db = old.keys[i].db;
        if (old.keys[i].hash > GONE)
            log_taint_add(t, db == a ? b : db == b ? a : db, old.keys[i].hash);
    }
    mem_free(old.keys);
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
