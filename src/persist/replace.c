/* SPDX-License-Identifier: BSD-3-Clause */
#include "persist/replace.h"

#include "base/log.h"
#include "base/must.h"
#include "format/in.h"
#include "persist/aof.h"
#include "persist/aof_check.h"
#include "persist/aof_find.h"
#include "persist/dir_lock.h"
#include "persist/persist.h"
#include "persist/rewrite.h"
#include "persist/save_config.h"
#include "server/commit.h"
#include "server/exec.h"
#include "server/hooks.h"
#include "server/server.h"
#include "store/aside.h"
#include "store/db.h"

enum { LOG_AGAIN_MS = 1000 };

/* ---- the log, off and on ---- */

/* whole: what is on disk then is all that the log is meant to hold. */
static bool log_off(struct persist *p, bool *whole, struct fault *f)
{
    struct aof *a = p->aof;
    bool was_on = a->state == AOF_ON && !a->open.aside;
    *whole = false;
    if (a->state == AOF_OFF)
        return true;
    aof_switch_off(a);
    /* Also the last write and sync, which closing it is. */
    *whole = was_on && !a->sync.lost && a->write.ok && !a->write.broken_tail;
    if (a->state != AOF_OFF)
        fault_set(f, FAULT_IO, "The append log can't be written to its end");
    return a->state == AOF_OFF;
}

static void log_is_due(struct persist *p, bool due)
{
    p->log_due = due;
    persist_may_refuse(p, MAY_REFUSE_REPLACED, due);
}

static void log_on(struct persist *p)
{
    struct fault f = {0};
    must(!p->unfilled);
    bool ok = !p->aof->enabled || p->aof->state != AOF_OFF ||
              (dir_lock_hold(p->lock, &f) && aof_switch_on(p->aof, &f));
    log_is_due(p, !ok);
    if (!ok)
        log_fault("The append log can't be begun again", &f);
}

/* The data set that it holds is back. */
static void log_back(struct persist *p, bool whole)
{
    struct aof *a = p->aof;
    struct fault f = {0};
    bool found = false;
    must(a->state == AOF_OFF);
    if (whole && dir_lock_hold_log(p->lock, &f) && aof_find(a, p->save->filename, &found, &f) &&
        found && aof_check_parts(a, &f) && aof_open_log(a, &f))
        return;
    if (fault_is(&f))
        log_fault("The append log can't go on as it was, and is rewritten", &f);
    log_on(p);
}

void replace_tick(struct persist *p, int64_t mono_ms)
{
    if (!p->log_due || mono_ms < p->log_retry_ms)
        return;
    p->log_retry_ms = mono_ms + LOG_AGAIN_MS;
    log_on(p);
}

/* ---- the data set ---- */

static void drop_all(struct keyspace *ks)
{
    keyspace_drop_aside(ks, keyspace_put_aside(ks));
    must(keyspace_count(ks) == 0);
}

/* before: NULL, or what was there, which is back after a fault. */
static bool load(struct persist *p, struct in *in, struct boot_source *src, struct aside *before,
                 struct fault *f)
{
    struct keyspace *ks = server_keyspace(p->server);
    struct hooks *hooks = server_hooks(p->server);
    bool ok = boot_read(p, in, src, f);
    if (ok && before)
        keyspace_drop_aside(ks, before);
    else if (before)
        keyspace_take_back(ks, before);
    else if (!ok) { /* nothing is left, of what features keep beside the keys neither */
        drop_all(ks);
        hooks_aux_begin(hooks);
        hooks_aux_end(hooks, true);
    }
    if (ok)
        keyspace_tell_replaced(ks);
    return ok;
}

/* They are served behind a unit; inside of a command that is its own. */
static void serve_waiters(struct persist *p)
{
    exec_begin_loose(server_exec(p->server));
    exec_end_loose(server_exec(p->server));
}

bool persist_replace(struct persist *p, struct in *in, struct boot_source *src,
                     enum replace_how how, struct fault *f)
{
    struct keyspace *ks = server_keyspace(p->server);
    struct aside *before = NULL;
    bool whole;
    must(p->aof->started && !p->loading && !src->into);
    persist_kill_child(p, &child_save);
    persist_kill_child(p, &child_rewrite);
    if (!log_off(p, &whole, f)) {
        must(fault_is(f));
        return false;
    }
    uint64_t keys = keyspace_count(ks);
    if (how == REPLACE_ASIDE)
        before = keyspace_put_aside(ks);
    else
        drop_all(ks);
    bool ok = load(p, in, src, before, f);
    must(ok || fault_is(f));
    if (ok || !before) { /* what a dump holds is none of this */
        commit_add_dirty(server_commit(p->server), keys + keyspace_count(ks));
        p->unfilled = !ok;
    }
    if (p->unfilled)
        log_is_due(p, false);
    else if (ok)
        log_on(p);
    else
        log_back(p, whole);
    if (ok && !p->no_turns)
        serve_waiters(p);
    return ok;
}

void persist_keep_empty(struct persist *p)
{
    p->unfilled = false;
    log_on(p);
}
