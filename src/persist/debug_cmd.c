/* SPDX-License-Identifier: BSD-3-Clause */
/* DEBUG: what tests of persistence and encodings need. */
#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "format/digest.h"
#include "format/rdb_write.h"
#include "persist/aof.h"
#include "persist/aof_find.h"
#include "persist/boot.h"
#include "persist/persist.h"
#include "persist/persist_cmd.h"
#include "persist/save_config.h"
#include "persist/snapshot.h"
#include "server/commit.h"
#include "server/ctx.h"
#include "server/debug.h"
#include "server/reply.h"
#include "server/server.h"
#include "server/settings.h"
#include "store/aside.h"
#include "store/walk.h"

static void reply_fault(struct ctx *c, const char *what, const struct fault *f)
{
    char line[FAULT_TEXT_MAX];
    log_warning("%s: %s", what, fault_text(f, line, sizeof line));
    reply_errorf(c, "ERR %s, check server logs.", what);
}

/* ---- the data set out and in again ---- */

/* Whole, or what was there stays: half a data set would be served, and saved over the whole one. */
static bool load_in_place(struct ctx *c, bool (*load)(struct persist *, struct fault *),
                          struct fault *f)
{
    struct persist *p = c->arg;
    struct aside *before = keyspace_put_aside(c->keyspace);
    uint64_t dirty = commit_dirty(server_commit(c->server));
    must(!p->no_turns && !p->loading);
    p->no_turns = true;
    bool ok = load(p, f);
    p->no_turns = false;
    must(ok || fault_is(f));
    if (ok) {
        keyspace_drop_aside(c->keyspace, before);
    } else {
        keyspace_take_back(c->keyspace, before);
        commit_set_dirty(server_commit(c->server), dirty);
    }
    return ok;
}

static bool load_dump(struct persist *p, struct fault *f)
{
    bool there = false;
    if (boot_load_rdb(p, &there, f) && !there)
        fault_set(f, FAULT_INVALID, "There is no dump file %s", p->save->filename);
    return !fault_is(f);
}

/* What there is so far would be saved over the whole, or taken away from the load. */
static bool refuse_loading(struct ctx *c)
{
    const struct persist *p = c->arg;
    if (p->loading)
        reply_error(c, LOADING_ERROR);
    return p->loading;
}

static void debug_reload(struct ctx *c)
{
    struct persist *p = c->arg;
    struct fault f = {0};
    bool save = true;
    if (refuse_loading(c))
        return;
    for (int i = 2; i < c->argc; i++) {
        if (!ctx_arg_is(c, i, "nosave")) {
            reply_error(c, "ERR DEBUG RELOAD only supports the NOSAVE option.");
            return;
        }
        save = false;
    }
    if (save) /* or its older file would take the place of the one that is about to be loaded */
        persist_kill_child(p, &child_save);
    if (save && !snapshot_save(p->snapshot, &f)) {
        reply_fault(c, "Error trying to save the DB", &f);
        return;
    }
    if (load_in_place(c, load_dump, &f)) {
        log_warning("DB reloaded by DEBUG RELOAD");
        reply_ok(c);
    } else {
        reply_fault(c, "Error trying to load the RDB dump", &f);
    }
}

/* With the log off: what BGREWRITEAOF has left in its directory, or an earlier log. */
static bool log_is_there(struct aof *a, struct fault *f)
{
    bool found = false;
    if (a->state == AOF_OFF)
        return aof_find(a, a->persist->save->filename, &found, f) && found;
    return a->state == AOF_ON && !a->open.aside && aof_flush(a, true);
}

static void debug_loadaof(struct ctx *c)
{
    struct persist *p = c->arg;
    struct fault f = {0};
    if (refuse_loading(c))
        return;
    if (!log_is_there(p->aof, &f)) {
        if (fault_is(&f))
            log_warning("%s", f.what);
        reply_error(c, "ERR Error trying to load the AOF files, check server logs.");
        return;
    }
    if (load_in_place(c, boot_load_aof, &f)) {
        log_warning("Append Only File loaded by DEBUG LOADAOF");
        reply_ok(c);
    } else {
        reply_fault(c, "Error trying to load the AOF files", &f);
    }
}

static void debug_populate(struct ctx *c)
{
    int64_t count, size = 0;
    struct slice prefix = c->argc > 3 ? c->argv[3] : SLICE_LIT("key");
    const char *negative = "ERR value is out of range, must be positive";
    if (!ctx_arg_range(c, 2, 0, INT64_MAX, &count, negative) ||
        (c->argc > 4 && !ctx_arg_range(c, 4, 0, INT32_MAX, &size, negative)))
        return;
    struct buf key = {0}, value = {0};
    for (int64_t i = 0; i < count; i++) {
        buf_clear(&key);
        buf_add(&key, prefix);
        buf_printf(&key, ":%lld", (long long)i);
        if (db_find_with(c->db, buf_slice(&key), DB_NOTOUCH | DB_NOSTATS))
            continue;
        buf_clear(&value);
        buf_printf(&value, "value:%lld", (long long)i);
        if (size && value.len < (size_t)size) {
            size_t pad = (size_t)size - value.len;
            memset(buf_reserve(&value, pad), 0, pad);
        }
        db_set_string(c->db, buf_slice(&key), slice(value.data, size ? (size_t)size : value.len),
                      KEY_NO_EXPIRE);
    }
    buf_free(&key);
    buf_free(&value);
    reply_ok(c);
}

/* ---- looking ---- */

static void debug_digest(struct ctx *c)
{
    struct digest d;
    char hex[DIGEST_HEX];
    digest_init(&d);
    d.by_entries = true;
    walk_keyspace(c->keyspace, &d.sink, NULL);
    digest_hex(&d, hex);
    digest_free(&d);
    reply_status(c, hex);
}

static void debug_digest_value(struct ctx *c)
{
    reply_array(c, (size_t)c->argc - 2);
    for (int i = 2; i < c->argc; i++) {
        struct entry *e = db_find_with(c->db, c->argv[i], DB_NOTOUCH | DB_NOSTATS);
        struct digest d;
        char hex[DIGEST_HEX];
        digest_init(&d);
        d.nameless = d.by_entries = true;
        if (e)
            walk_entry(c->db, e, &d.sink);
        digest_hex(&d, hex);
        digest_free(&d);
        reply_status(c, hex);
    }
}

static size_t serialized_length(struct ctx *c, struct entry *e)
{
    struct out out;
    struct rdb_writer w;
    out_init_memory(&out);
    rdb_payload_writer_init(&w, &out, c->keyspace->dump_version);
    walk_entry(c->db, e, &w.sink);
    size_t len = out.buf.len ? out.buf.len - 1 : 0; /* without the type byte */
    rdb_writer_free(&w);
    out_free(&out);
    return len;
}

static void debug_object(struct ctx *c)
{
    struct entry *e = db_find_with(c->db, c->argv[2], DB_NOTOUCH | DB_NOSTATS);
    if (!e) {
        reply_no_key(c);
        return;
    }
    struct buf line = {0};
    buf_printf(
        &line,
        "Value at:%p refcount:1 encoding:%s serializedlength:%zu lru:%u lru_seconds_idle:%llu",
        (void *)e, entry_encoding_name(e), serialized_length(c, e), entry_clock(e),
        (unsigned long long)(entry_idle_ms(c->keyspace, e) / 1000));
    reply_status_slice(c, buf_slice(&line));
    buf_free(&line);
}

/* ---- acting ---- */

static void debug_sleep(struct ctx *c)
{
    double seconds;
    if (!ctx_arg_double(c, 2, &seconds))
        return;
    struct timespec t = {.tv_sec = (time_t)seconds};
    t.tv_nsec = (long)((seconds - (double)t.tv_sec) * 1e9);
    nanosleep(&t, NULL);
    reply_ok(c);
}

static void debug_set_active_expire(struct ctx *c)
{
    server_settings(c->server)->active_expire_off = slice_eq_str(c->argv[2], "0");
    reply_ok(c);
}

static void debug_log(struct ctx *c)
{
    log_warning("DEBUG LOG: %.*s", SLICE_ARG(c->argv[2]));
    reply_ok(c);
}

static void debug_error(struct ctx *c)
{
    reply_errorf(c, "%.*s", SLICE_ARG(c->argv[2]));
}

static void debug_segfault(struct ctx *c)
{
    (void)c;
    raise(SIGSEGV);
}

static void debug_assert(struct ctx *c)
{
    (void)c;
    must(!"DEBUG ASSERT was asked for");
}

static void debug_protocol(struct ctx *c)
{
    if (ctx_arg_is(c, 2, "string")) {
        reply_bulk_str(c, "Hello World");
    } else if (ctx_arg_is(c, 2, "integer")) {
        reply_int(c, 12345);
    } else if (ctx_arg_is(c, 2, "double")) {
        reply_double(c, 3.141);
    } else if (ctx_arg_is(c, 2, "null")) {
        reply_null(c);
    } else if (ctx_arg_is(c, 2, "true") || ctx_arg_is(c, 2, "false")) {
        reply_bool(c, ctx_arg_is(c, 2, "true"));
    } else if (ctx_arg_is(c, 2, "bignum")) {
        reply_bignum(c, SLICE_LIT("1234567999999999999999999999999999999"));
    } else if (ctx_arg_is(c, 2, "verbatim")) {
        reply_verbatim(c, "txt", SLICE_LIT("This is a verbatim\nstring"));
    } else if (ctx_arg_is(c, 2, "array")) {
        reply_array(c, 3);
        for (int i = 0; i < 3; i++)
            reply_int(c, i);
    } else if (ctx_arg_is(c, 2, "set")) {
        reply_set(c, 3);
        for (int i = 0; i < 3; i++)
            reply_int(c, i);
    } else if (ctx_arg_is(c, 2, "map")) {
        reply_map(c, 3);
        for (int i = 0; i < 3; i++) {
            reply_int(c, i);
            reply_bool(c, i == 1);
        }
    } else {
        reply_error(c, "ERR Wrong protocol type name. Please use one of the following: "
                       "string|integer|double|null|array|set|map|verbatim|true|false");
    }
}

static const struct debug_word words[] = {
    {"reload", 2, 5, debug_reload, "RELOAD [NOSAVE]",
     "    Save, empty the databases, load the dump file."},
    {"loadaof", 2, 2, debug_loadaof, "LOADAOF",
     "    Write the append log out, empty the databases, load the log."},
    {"populate", 3, 5, debug_populate, "POPULATE <count> [<prefix> [<size>]]",
     "    Make string keys that are not there yet."},
    {"digest", 2, 2, debug_digest, "DIGEST", "    One number for the whole data set."},
    {"digest-value", 3, 1 << 20, debug_digest_value, "DIGEST-VALUE <key> [<key> ...]",
     "    One number for each key's value."},
    {"object", 3, 4, debug_object, "OBJECT <key>", "    How the key is kept."},
    {"sleep", 3, 3, debug_sleep, "SLEEP <seconds>", "    Stop the server for a while."},
    {"set-active-expire", 3, 3, debug_set_active_expire, "SET-ACTIVE-EXPIRE <0|1>",
     "    Switch expiry by time off and on."},
    {"log", 3, 3, debug_log, "LOG <message>", "    Write the message to the log."},
    {"error", 3, 3, debug_error, "ERROR <string>", "    Reply the string as an error."},
    {"segfault", 2, 2, debug_segfault, "SEGFAULT", "    Crash."},
    {"panic", 2, 2, debug_assert, NULL, NULL},
    {"assert", 2, 2, debug_assert, "ASSERT", "    Fail an assertion."},
    {"protocol", 3, 3, debug_protocol, "PROTOCOL <type>",
     "    Reply a value of the protocol type."},
    {0}};

void debug_words_add(struct persist *p)
{
    debug_add(server_debug(p->server), words, p);
}

void cmd_debug(struct ctx *c)
{
    debug_run(server_debug(c->server), c);
}
