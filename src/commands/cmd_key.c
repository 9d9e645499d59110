/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands that work on keys of any type. */
#include "commands/cmd_key.h"

#include <limits.h>

#include "base/glob.h"
#include "base/must.h"
#include "commands/expiry.h"
#include "commands/scan.h"
#include "server/ctx.h"
#include "server/notify.h"
#include "server/reply.h"
#include "server/server.h"
#include "server/settings.h"
#include "store/db_iter.h"

/* ---- existence ---- */

static void remove_keys(struct ctx *c, bool lazy)
{
    int64_t removed = 0;
    for (int i = 1; i < c->argc; i++) {
        /* The lookup takes an expired key away first: it does not count. */
        if (!db_find_with(c->db, c->argv[i], DB_NOTOUCH | DB_NOSTATS))
            continue;
        removed += db_remove_as(c->db, c->argv[i], KEY_REMOVED, lazy);
        ctx_notify(c, NOTIFY_GENERIC, "del", c->argv[i]);
    }
    must(removed < c->argc);
    ctx_changed(c, (uint64_t)removed);
    reply_int(c, removed);
}

void cmd_del(struct ctx *c)
{
    remove_keys(c, server_settings(c->server)->lazy_user_del);
}

void cmd_unlink(struct ctx *c)
{
    remove_keys(c, true);
}

static void count_keys(struct ctx *c, unsigned flags)
{
    int64_t found = 0;
    for (int i = 1; i < c->argc; i++) {
        if ((i - 1) % TABLE_BATCH == 0)
            db_prefetch(c->db, c->argv + i, (size_t)(c->argc - i));
        found += db_find_with(c->db, c->argv[i], flags) != NULL;
    }
    reply_int(c, found);
}

void cmd_exists(struct ctx *c)
{
    count_keys(c, DB_NOTOUCH);
}

void cmd_touch(struct ctx *c)
{
    c->db->keyspace->no_touch = false; /* even of a client that leaves the clocks alone */
    count_keys(c, 0);
}

void cmd_type(struct ctx *c)
{
    struct entry *e = db_find_with(c->db, c->argv[1], DB_NOTOUCH);
    reply_status(c, e ? entry_type_name(entry_type(e)) : "none");
}

void cmd_randomkey(struct ctx *c)
{
    struct entry *e = db_random(c->db);
    if (e)
        reply_bulk(c, entry_key(e));
    else
        reply_null(c);
}

/* ---- walking ---- */

struct collect {
    struct ctx *c;
    const struct scan_args *args;
    struct scan_found *found, *expired;
};

static void collect_key(void *arg, void *item)
{
    struct collect *w = arg;
    struct entry *e = item;
    if (!scan_wants(w->args, entry_key(e)))
        return;
    if (db_is_expired(w->c->db, e))
        scan_found_add(w->expired, entry_key(e));
    else if (!w->args->has_type ||
             slice_eq_nocase(w->args->type, entry_type_name(entry_type(e))))
        scan_found_add(w->found, entry_key(e));
}

/* Keys whose time is over are looked up when the walk has gone past them: that removes them. */
static void meet_expired(struct ctx *c, struct scan_found *expired)
{
    struct slice key;
    for (size_t at = 0; scan_found_next(expired, &at, &key);)
        db_find_with(c->db, key, DB_NOTOUCH | DB_NOSTATS);
    scan_found_free(expired);
}

void cmd_scan(struct ctx *c)
{
    struct scan_args a;
    if (!scan_parse(c, 1, true, &a))
        return;
    struct scan_found found = {0}, expired = {0};
    struct collect w = {c, &a, &found, &expired};
    uint64_t cursor = a.cursor;
    /* Ten buckets an element wanted at most: a sparse table or a rare match must not hold us up. */
    int64_t buckets = a.count > INT64_MAX / 10 ? INT64_MAX : a.count * 10;
    do
        cursor = db_scan(c->db, cursor, collect_key, &w);
    while (cursor && --buckets > 0 && found.count < (size_t)a.count);
    scan_args_free(&a);
    meet_expired(c, &expired);
    scan_reply(c, &found, cursor);
}

void cmd_keys(struct ctx *c)
{
    bool all = slice_eq_str(c->argv[1], "*");
    struct glob pattern;
    glob_init(&pattern, c->argv[1], false);
    uint64_t mark = reply_later(c);
    size_t n = 0;
    struct db_iter it;
    db_iter_init(&it, c->db);
    for (struct entry *e; !reply_unheard(c) && (e = db_iter_next(&it));) {
        if ((all || glob_matches(&pattern, entry_key(e))) && !db_is_expired(c->db, e)) {
            reply_bulk(c, entry_key(e));
            n++;
        }
    }
    reply_later_array(c, mark, n);
    glob_free(&pattern);
}

/* ---- moving ---- */

/* The source must exist: replies the error when it does not. */
static struct entry *source_of(struct ctx *c)
{
    struct entry *e = db_find_write(c->db, c->argv[1]);
    if (!e)
        reply_no_key(c);
    return e;
}

static void rename_key(struct ctx *c)
{
    db_rename(c->db, c->argv[1], c->db, c->argv[2]);
    ctx_notify(c, NOTIFY_GENERIC, "rename_from", c->argv[1]);
    ctx_notify(c, NOTIFY_GENERIC, "rename_to", c->argv[2]);
    ctx_changed(c, 1);
}

void cmd_rename(struct ctx *c)
{
    if (!source_of(c))
        return;
    if (!slice_eq(c->argv[1], c->argv[2])) {
        db_remove(c->db, c->argv[2]);
        rename_key(c);
    }
    reply_ok(c);
}

void cmd_renamenx(struct ctx *c)
{
    if (!source_of(c))
        return;
    bool free_name = !slice_eq(c->argv[1], c->argv[2]) && !db_find_write(c->db, c->argv[2]);
    if (free_name)
        rename_key(c);
    reply_int(c, free_name);
}

/* The database named by argument i; NULL after replying. */
static struct db *db_arg(struct ctx *c, int i)
{
    int64_t id;
    if (!ctx_arg_range(c, i, INT_MIN, INT_MAX, &id, NULL))
        return NULL;
    if (id < 0 || id >= (int64_t)c->keyspace->count) {
        reply_error(c, "ERR DB index is out of range");
        return NULL;
    }
    return keyspace_db(c->keyspace, (unsigned)id);
}

void cmd_move(struct ctx *c)
{
    struct db *to = db_arg(c, 2);
    if (!to)
        return;
    if (to == c->db) {
        reply_error(c, "ERR source and destination objects are the same");
        return;
    }
    bool moved = db_find_write(c->db, c->argv[1]) && !db_find_write(to, c->argv[1]);
    if (moved) {
        db_rename(c->db, c->argv[1], to, c->argv[1]);
        ctx_notify(c, NOTIFY_GENERIC, "move_from", c->argv[1]);
        ctx_notify_in(c, to, NOTIFY_GENERIC, "move_to", c->argv[1]);
        ctx_changed(c, 1);
    }
    reply_int(c, moved);
}

static void copy_entry(struct db *to, struct slice key, struct entry *e)
{
    char scratch[NUM_I64_TEXT];
    int64_t expire_ms = entry_expire(e);
    int type = entry_type(e), encoding = entry_encoding(e);
    struct entry *copy;
    if (encoding == ENC_INT)
        copy = db_set_string(to, key, entry_string(e, scratch), KEY_NO_EXPIRE);
    else if (encoding == ENC_EMBSTR)
        copy = db_set_text(to, key, entry_string(e, scratch), KEY_NO_EXPIRE);
    else
        copy = db_add_val(to, key, val_copy(entry_val(e)));
    must((int)entry_type(copy) == type && (int)entry_encoding(copy) == encoding);
    if (expire_ms != KEY_NO_EXPIRE)
        db_set_expire(to, copy, expire_ms);
}

void cmd_copy(struct ctx *c)
{
    struct db *to = c->db;
    bool replace = false;
    for (int i = 3; i < c->argc; i++) {
        if (ctx_arg_is(c, i, "replace")) {
            replace = true;
        } else if (ctx_arg_is(c, i, "db") && i + 1 < c->argc) {
            if (!(to = db_arg(c, ++i)))
                return;
        } else {
            reply_syntax(c);
            return;
        }
    }
    if (to == c->db && slice_eq(c->argv[1], c->argv[2])) {
        reply_error(c, "ERR source and destination objects are the same");
        return;
    }
    struct entry *e = db_find(c->db, c->argv[1]);
    bool exists = e && db_find_with(to, c->argv[2], DB_NOTOUCH | DB_NOSTATS);
    if (!e || (exists && !replace)) {
        reply_int(c, 0);
        return;
    }
    if (exists)
        db_remove_as(to, c->argv[2], KEY_REMOVED, c->keyspace->lazyfree_del);
    copy_entry(to, c->argv[2], e);
    ctx_notify_in(c, to, NOTIFY_GENERIC, "copy_to", c->argv[2]);
    ctx_changed(c, 1);
    reply_int(c, 1);
}

/* ---- expiry ---- */

enum { EXPIRE_NX = 1, EXPIRE_XX = 2, EXPIRE_GT = 4, EXPIRE_LT = 8 };

static bool parse_conditions(struct ctx *c, unsigned *flags)
{
    static const char *const words[] = {"nx", "xx", "gt", "lt"};
    for (int i = 3; i < c->argc; i++) {
        unsigned k = 0;
        while (k < 4 && !ctx_arg_is(c, i, words[k]))
            k++;
        if (k == 4) {
            reply_errorf(c, "ERR Unsupported option %.*s", SLICE_ARG(c->argv[i]));
            return false;
        }
        *flags |= 1u << k;
    }
    if (*flags & EXPIRE_NX && *flags & ~(unsigned)EXPIRE_NX) {
        reply_error(c, "ERR NX and XX, GT or LT options at the same time are not compatible");
        return false;
    }
    if (*flags & EXPIRE_GT && *flags & EXPIRE_LT) {
        reply_error(c, "ERR GT and LT options at the same time are not compatible");
        return false;
    }
    return true;
}

/* No expiry counts as infinitely late. */
static bool condition_holds(unsigned flags, int64_t now_expire, int64_t new_expire)
{
    bool has = now_expire != KEY_NO_EXPIRE;
    if (flags & EXPIRE_NX && has)
        return false;
    if (flags & EXPIRE_XX && !has)
        return false;
    if (flags & EXPIRE_GT && (!has || new_expire <= now_expire))
        return false;
    return !(flags & EXPIRE_LT && has && new_expire >= now_expire);
}

static void expire_key(struct ctx *c, bool seconds, bool absolute)
{
    int64_t n, expire_ms;
    unsigned flags = 0;
    if (!parse_conditions(c, &flags) || !ctx_arg_i64(c, 2, &n))
        return;
    if (!expiry_time(n, seconds, absolute, c->now_ms, &expire_ms)) {
        reply_errorf(c, "ERR invalid expire time in '%s' command", c->command->name);
        return;
    }
    struct entry *e = db_find_write(c->db, c->argv[1]);
    if (!e || !condition_holds(flags, entry_expire(e), expire_ms)) {
        reply_int(c, 0);
        return;
    }
    expiry_set(c, c->argv[1], e, expire_ms);
    reply_int(c, 1);
}

void cmd_expire(struct ctx *c)
{
    expire_key(c, true, false);
}

void cmd_pexpire(struct ctx *c)
{
    expire_key(c, false, false);
}

void cmd_expireat(struct ctx *c)
{
    expire_key(c, true, true);
}

void cmd_pexpireat(struct ctx *c)
{
    expire_key(c, false, true);
}

static void tell_expiry(struct ctx *c, bool seconds, bool absolute)
{
    struct entry *e = db_find_with(c->db, c->argv[1], DB_NOTOUCH);
    if (!e || !entry_has_expire(e)) {
        reply_int(c, e ? -1 : -2);
        return;
    }
    int64_t ms = entry_expire(e);
    must(ms != KEY_NO_EXPIRE);
    if (!absolute)
        ms = ms > c->now_ms ? ms - c->now_ms : 0;
    reply_int(c, !seconds ? ms : ms / 1000 + (ms % 1000 >= 500)); /* a moment is rounded, too */
}

void cmd_ttl(struct ctx *c)
{
    tell_expiry(c, true, false);
}

void cmd_pttl(struct ctx *c)
{
    tell_expiry(c, false, false);
}

void cmd_expiretime(struct ctx *c)
{
    tell_expiry(c, true, true);
}

void cmd_pexpiretime(struct ctx *c)
{
    tell_expiry(c, false, true);
}

void cmd_persist(struct ctx *c)
{
    struct entry *e = db_find_write(c->db, c->argv[1]);
    bool had = e && entry_has_expire(e);
    if (had) {
        db_set_expire(c->db, e, KEY_NO_EXPIRE);
        ctx_notify(c, NOTIFY_GENERIC, "persist", c->argv[1]);
        ctx_changed(c, 1);
    }
    reply_int(c, had);
}

/* ---- looking into values ---- */

static struct entry *object_arg(struct ctx *c)
{
    struct entry *e = db_find_with(c->db, c->argv[2], DB_NOTOUCH | DB_NOSTATS);
    if (e) {
        c->keyspace->hits++;
    } else {
        c->keyspace->misses++; /* which nobody is told of */
        reply_null(c);
    }
    return e;
}

void cmd_object_encoding(struct ctx *c)
{
    struct entry *e = object_arg(c);
    if (e)
        reply_bulk_str(c, entry_encoding_name(e));
}

void cmd_object_refcount(struct ctx *c)
{
    const struct entry *e = object_arg(c);
    if (e)
        reply_int(c, entry_refcount(c->keyspace, e));
}

void cmd_object_idletime(struct ctx *c)
{
    struct entry *e = object_arg(c);
    if (!e)
        return;
    if (c->keyspace->access == ACCESS_LFU)
        reply_error(c,
                    "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note "
                    "that when switching between policies at runtime LRU and LFU data will take "
                    "some time to adjust.");
    else
        reply_int(c, (int64_t)(entry_idle_ms(c->keyspace, e) / 1000));
}

void cmd_object_freq(struct ctx *c)
{
    struct entry *e = object_arg(c);
    if (!e)
        return;
    if (c->keyspace->access == ACCESS_LRU)
        reply_error(c,
                    "ERR An LFU maxmemory policy is not selected, access frequency not tracked. "
                    "Please note that when switching between policies at runtime LRU and LFU data "
                    "will take some time to adjust.");
    else
        reply_int(c, entry_freq(c->keyspace, e));
}

void cmd_object_help(struct ctx *c)
{
    static const char *const lines[] = {
        "ENCODING <key>", "    How the value of the key is kept.",
        "FREQ <key>", "    The access frequency of the key, under an LFU policy.",
        "IDLETIME <key>", "    The seconds since the key was used, without an LFU policy.",
        "REFCOUNT <key>", "    The number of references to the value.",
        NULL};
    reply_help(c, lines);
}
