/* SPDX-License-Identifier: BSD-3-Clause */
#include "persist/replace.h"

#include "base/log.h"
#include "base/must.h"
#include "format/in.h"
#include "persist/aof.h"
#include "persist/dir_lock.h"
#include "persist/persist.h"
#include "persist/rewrite.h"
#include "server/commit.h"
#include "server/exec.h"
#include "server/hooks.h"
#include "server/server.h"
#include "store/aside.h"
#include "store/db.h"

enum { LOG_AGAIN_MS = 1000 };

/* ---- the log, off and on ---- */

static bool log_off(struct persist *p, struct fault *f)
{
    struct aof *a = p->aof;
    if (a->state == AOF_OFF)
        return true;
    bool counts = a->state == AOF_ON || p->log_replaced;
    aof_switch_off(a);
    p->log_replaced = counts;
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
    p->log_replaced &= p->aof->enabled;
    log_is_due(p, !ok);
    if (!ok)
        log_fault("The append log can't be begun again", &f);
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

/* Neither goes on behind the data set that they write. */
static bool stop_writing(struct persist *p, struct fault *f)
{
    persist_kill_child(p, &child_save);
    persist_kill_child(p, &child_rewrite);
    must(p->child_kind != &child_save && p->child_kind != &child_rewrite);
    bool ok = log_off(p, f);
    must(ok || fault_is(f));
    return ok;
}

static void note_replaced(struct persist *p, uint64_t keys_before)
{
    uint64_t keys = keyspace_count(server_keyspace(p->server));
    commit_add_dirty(server_commit(p->server), keys_before + keys);
}

/* ---- emptied ---- */

/* Nothing is left, of what features keep beside the keys neither. */
static void leave_empty(struct persist *p)
{
    struct hooks *hooks = server_hooks(p->server);
    drop_all(server_keyspace(p->server));
    must(p->aof->state == AOF_OFF);
    hooks_aux_begin(hooks, false);
    hooks_aux_end(hooks, true);
    log_is_due(p, false);
}

static bool load_emptied(struct persist *p, struct in *in, struct boot_source *src,
                         struct fault *f)
{
    struct keyspace *ks = server_keyspace(p->server);
    uint64_t keys = keyspace_count(ks);
    if (!stop_writing(p, f))
        return false;
    drop_all(ks);
    bool ok = boot_read(p, in, src, f);
    if (ok)
        keyspace_tell_replaced(ks);
    else
        leave_empty(p);
    note_replaced(p, keys);
    p->unfilled = !ok;
    return ok;
}

/* ---- beside ---- */

struct beside {
    struct persist *persist;
    const struct boot_source *asked; /* its judge comes first */
    struct keyspace keyspace;
};

/* The last that can be said against it; then they change places. */
static bool take(void *arg, const struct boot_source *src, struct fault *f)
{
    struct beside *b = arg;
    struct keyspace *ks = server_keyspace(b->persist->server);
    must(src->into == &b->keyspace && b->persist->beside);
    uint64_t keys = keyspace_count(ks);
    if ((b->asked->judge && !b->asked->judge(b->asked->arg, src, f)) ||
        !stop_writing(b->persist, f))
        return false;
    keyspace_swap_contents(&b->keyspace, ks);
    must(keyspace_count(&b->keyspace) == keys);
    note_replaced(b->persist, keys);
    b->persist->unfilled = false;
    return true;
}

static bool load_beside(struct persist *p, struct in *in, struct boot_source *src, bool serve,
                        struct fault *f)
{
    struct beside b = {.persist = p, .asked = src};
    struct boot_source read = *src;
    keyspace_begin_beside(&b.keyspace, server_keyspace(p->server));
    read.into = &b.keyspace;
    read.serve = serve;
    read.judge = take;
    read.arg = &b;
    bool ok = boot_read(p, in, &read, f);
    src->keys = read.keys;
    src->expired = read.expired;
    src->trailer = read.trailer;
    keyspace_drop_beside(&b.keyspace);
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
    bool unfilled = p->unfilled;
    must(p->aof->started && !p->loading && !p->beside && !src->into && !fault_is(f));
    bool ok = how == REPLACE_EMPTIED ? load_emptied(p, in, src, f)
                                     : load_beside(p, in, src, how == REPLACE_SERVED, f);
    must(ok != fault_is(f));
    must(ok || how == REPLACE_EMPTIED || !p->unfilled || unfilled);
    if (!ok)
        return false;
    must(!p->unfilled && p->aof->state == AOF_OFF);
    log_on(p);
    if (!p->no_turns)
        serve_waiters(p);
    return true;
}

void persist_keep_empty(struct persist *p)
{
    p->unfilled = false;
    log_on(p);
}
