/* SPDX-License-Identifier: BSD-3-Clause */
/* DEBUG: what tests of persistence need. */
#include "base/log.h"
#include "base/must.h"
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

static void reply_fault(struct ctx *c, const char *what, const struct fault *f)
{
    char line[FAULT_TEXT_MAX];
    log_warning("%s: %s", what, fault_text(f, line, sizeof line));
    reply_errorf(c, "ERR %s, check server logs.", what);
}

/* Whole, or what was there stays: half a data set would be served, and saved over the whole one. */
static bool load_in_place(struct ctx *c, bool (*load)(struct persist *, struct fault *),
                          struct fault *f)
{
    struct persist *p = c->arg;
    struct aside *before = keyspace_put_aside(c->keyspace);
    uint64_t dirty = commit_dirty(server_commit(c->server));
    must(!p->no_turns && !p->loading && !p->beside);
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
    bool loading = p->loading || p->beside;
    if (loading)
        reply_error(c, LOADING_ERROR);
    return loading;
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

static const struct debug_word words[] = {
    {"reload", 2, 5, debug_reload, "RELOAD [NOSAVE]",
     "    Save, empty the databases, load the dump file."},
    {"loadaof", 2, 2, debug_loadaof, "LOADAOF",
     "    Write the append log out, empty the databases, load the log."},
    {0}};

void persist_debug_words(struct persist *p)
{
    debug_add(server_debug(p->server), words, p);
}
