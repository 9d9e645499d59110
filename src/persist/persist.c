/* SPDX-License-Identifier: BSD-3-Clause */
/* What snapshots and the append log share: the one child, the refusal of writes, INFO, stopping. */
#include "persist/persist.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "os/clock.h"
#include "persist/aof.h"
#include "persist/aof_find.h"
#include "persist/boot.h"
#include "persist/dir_lock.h"
#include "persist/leftovers.h"
#include "persist/missing_data.h"
#include "persist/persist_cmd.h"
#include "persist/persist_info.h"
#include "persist/reserve.h"
#include "persist/scrub.h"
#include "persist/snapshot.h"
#include "persist/watchdog.h"
#include "server/command.h"
#include "server/commit.h"
#include "server/ctx.h"
#include "server/hooks.h"
#include "server/info.h"
#include "server/multi.h"
#include "server/server.h"
#include "server/settings.h"
#include "server/stats.h"
#include "server/supervisor.h"
#include "store/db.h"

/* ---- the child ---- */

const char *persist_busy(const struct persist *p)
{
    if (p->loading)
        return "The data set is being loaded";
    if (p->child_kind == CHILD_SAVE)
        return "Background save already in progress";
    if (p->child_kind == CHILD_REWRITE)
        return "Background append only file rewriting already in progress";
    return NULL;
}

pid_t persist_fork(struct persist *p, enum child_kind kind, const char *name,
                   void (*ended)(void *arg, const struct child_end *end), void *arg,
                   struct fault *f)
{
    must(p->child_kind == CHILD_NONE);
    struct hooks *hooks = server_hooks(p->server);
    struct stats *stats = server_stats(p->server);
    struct child_spec spec = {.name = name, .ended = ended, .arg = arg};
    pid_t pid = child_fork(&p->child, server_loop(p->server), &spec, f);
    if (pid < 0)
        return pid;
    if (pid == 0) {
        hooks_fork(hooks, true, false);
        return 0;
    }
    p->child_kind = kind;
    p->keys_at_fork = keyspace_count(server_keyspace(p->server));
    stats->forks++;
    stats->last_fork_us = p->child.fork_us;
    keyspace_hold(server_keyspace(p->server), true);
    hooks_fork(hooks, false, false);
    supervisor_tell(server_settings(p->server), "STATUS=Ready to accept connections; %s",
                    kind == CHILD_SAVE ? "saving in the background"
                                       : "rewriting the append log in the background");
    return pid;
}

/* The watchdog tells how far a long one is; this is what each has cost. */
static void tell_cost(const struct persist *p, const struct child_end *end)
{
    if (end->report_size != sizeof(struct child_report))
        return;
    const struct child_report *report = end->report;
    double took_us = (double)(clock_mono_us() - p->child.began_us);
    log_notice("%s child: %.1f MB in %.2f s (%.1f MB/s), fork %.2f ms, copied on write %.1f MB",
               p->child_kind == CHILD_SAVE ? "RDB saving" : "AOF rewrite",
               (double)report->bytes / 1e6, took_us / 1e6,
               took_us > 0 ? (double)report->bytes / took_us : 0, (double)p->child.fork_us / 1e3,
               (double)end->cow_bytes / 1e6);
}

void persist_child_gone(struct persist *p, const struct child_end *end)
{
    tell_cost(p, end);
    p->child_kind = CHILD_NONE;
    supervisor_tell(server_settings(p->server), SUPERVISOR_READY);
    keyspace_hold(server_keyspace(p->server), false);
    hooks_fork(server_hooks(p->server), false, true);
}

struct fault persist_child_fault(const struct child_end *end, const char *work)
{
    struct fault f = {0};
    if (end->report_size == sizeof(struct child_report) &&
        fault_is(&((const struct child_report *)end->report)->fault))
        return ((const struct child_report *)end->report)->fault;
    if (end->signal)
        fault_set(&f, FAULT_IO, "%s terminated by signal %d", work, end->signal);
    else if (end->exit_code != 0)
        fault_set(&f, FAULT_IO, "%s failed with exit code %d", work, end->exit_code);
    return f;
}

size_t persist_waiting_bytes(const void *persist)
{
    const struct persist *p = persist;
    return p->aof->pending.cap;
}

void persist_kill_child(struct persist *p, enum child_kind kind)
{
    if (p->child_kind != kind || kind == CHILD_NONE)
        return;
    log_notice("Killing the running %s child: %ld",
               kind == CHILD_SAVE ? "RDB saving" : "AOF rewrite", (long)p->child.pid);
    child_kill(&p->child, SIGKILL);
    child_wait(&p->child);
}

/* ---- refusing writes ---- */

const char *persist_time(int64_t unix_s, char out[PERSIST_TIME_MAX])
{
    time_t t = (time_t)unix_s;
    struct tm tm;
    if (!gmtime_r(&t, &tm) || !strftime(out, PERSIST_TIME_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm))
        snprintf(out, PERSIST_TIME_MAX, "%lld", (long long)unix_s);
    return out;
}

static const char *admit(void *arg, struct ctx *c, const struct command_entry *e)
{
    struct persist *p = arg;
    (void)c, (void)e;
    struct snapshot *s = p->snapshot;
    if (s->stop_writes_on_error && snapshot_has_points(s) && !s->last_ok)
        return snapshot_refusal(s);
    return aof_refusal(p->aof);
}

void persist_may_refuse(struct persist *p)
{
    bool may = p->aof->state != AOF_OFF || !p->snapshot->last_ok;
    hooks_set_admit(server_hooks(p->server), p, may ? CMD_WRITE | CMD_ASKS_HEALTH : 0);
}

/* ---- FLUSHALL ---- */

static void flushed(void *arg)
{
    struct persist *p = arg;
    p->flushed = !p->loading;
}

/* Before the reply leaves: the dump file holds nothing that FLUSHALL took, nor does a save that was
 * under way bring it back. */
static void after_flush(void *arg)
{
    struct persist *p = arg;
    struct fault f = {0};
    char line[FAULT_TEXT_MAX];
    if (!p->flushed)
        return;
    p->flushed = false;
    persist_kill_child(p, CHILD_SAVE);
    if (snapshot_has_points(p->snapshot) && !snapshot_save(p->snapshot, &f))
        log_warning("FLUSHALL could not save the DB: %s", fault_text(&f, line, sizeof line));
}

/* ---- stopping ---- */

/* Whoever waits for the end of the server learns why it does not come, and what helps. */
static void cannot_stop(struct persist *p, const char *why)
{
    log_warning("%s, can't exit", why);
    supervisor_tell(server_settings(p->server),
                    "STATUS=Can't stop: %s (SHUTDOWN FORCE, or shutdown-on-sigterm force, stops "
                    "all the same)", why);
}

static bool save_at_end(struct persist *p, unsigned flags)
{
    struct snapshot *s = p->snapshot;
    bool wanted = flags & SHUTDOWN_SAVE || (snapshot_has_points(s) && !(flags & SHUTDOWN_NOSAVE));
    if (!wanted)
        return true;
    struct fault f = {0};
    log_notice("Saving the final RDB snapshot before exiting.");
    supervisor_tell(server_settings(p->server),
                    "STATUS=Saving the last snapshot\n" SUPERVISOR_PATIENCE);
    if (snapshot_save(s, &f))
        return true;
    char line[FAULT_TEXT_MAX];
    struct buf why = {0};
    buf_printf(&why, "Error trying to save the DB: %s", fault_text(&f, line, sizeof line));
    if (flags & SHUTDOWN_FORCE)
        log_warning("%s", buf_cstr(&why));
    else
        cannot_stop(p, buf_cstr(&why));
    buf_free(&why);
    return false;
}

static enum shutdown_answer ready_to_stop(void *arg, unsigned flags)
{
    struct persist *p = arg;
    if (p->loading || p->aof->state != AOF_WAIT_REWRITE)
        return SHUTDOWN_READY;
    if (!(flags & SHUTDOWN_FORCE))
        cannot_stop(p, "Writing initial AOF");
    return SHUTDOWN_REFUSED;
}

static bool finish(void *arg, unsigned flags)
{
    struct persist *p = arg;
    bool force = flags & SHUTDOWN_FORCE, done = p->aof->state != AOF_WAIT_REWRITE;
    if (p->loading)
        return true; /* what is in memory is not yet what is on disk: nothing may be written */
    after_flush(p); /* its stage does not come any more */
    persist_kill_child(p, CHILD_SAVE);
    persist_kill_child(p, CHILD_REWRITE);
    if (p->aof->state != AOF_OFF) {
        log_notice("Calling fsync() on the AOF file.");
        if (!aof_flush(p->aof, true) || !aof_sync_now(p->aof)) {
            done = false;
            if (!force) {
                cannot_stop(p, "The append log could not be written to its end");
                return false;
            }
            log_warning("The append log could not be written to its end");
        }
    }
    if (!save_at_end(p, flags)) {
        if (!force)
            return false;
        done = false;
    }
    aof_tell_size(p->aof);
    return done;
}

/* ---- set-up ---- */

static void tick(void *arg, int64_t mono_ms)
{
    struct persist *p = arg;
    if (p->loading)
        return;
    snapshot_tick(p->snapshot, mono_ms);
    aof_tick(p->aof, mono_ms);
    reserve_tick(p->reserve, mono_ms);
    dir_lock_tick(p->lock);
}

struct persist *persist_new(struct server *server)
{
    struct persist *p = mem_zalloc(sizeof *p);
    struct hooks *hooks = server_hooks(server);
    p->server = server;
    p->reserve = reserve_new(p);
    p->lock = dir_lock_new(p);
    p->snapshot = snapshot_new(p);
    p->aof = aof_new(p);
    p->missing = missing_data_new(p);
    p->watchdog = watchdog_new(p);
    p->scrub = scrub_new(p);
    hooks_on_admit(hooks, admit, p, 1 << FROM_CLIENT | 1 << FROM_SCRIPT | 1 << FROM_MODULE,
                   0);
    hooks_on_tick(hooks, tick, p);
    hooks_on_flushed(hooks, flushed, p);
    hooks_on_stage(hooks, STAGE_LOG, after_flush, p);
    hooks_on_shutdown(hooks, ready_to_stop, finish, p);
    info_add(server_info(server), "Persistence", INFO_DEFAULT, persist_info, p);
    info_add(server_info(server), "Memory", INFO_DEFAULT, persist_memory_info, p);
    commands_add(server_commands(server), cmd_persist_commands, p);
    debug_words_add(p);
    return p;
}

void persist_free(struct persist *p)
{
    scrub_free(p->scrub);
    watchdog_free(p->watchdog);
    missing_data_free(p->missing);
    aof_free(p->aof);
    snapshot_free(p->snapshot);
    reserve_free(p->reserve);
    dir_lock_free(p->lock);
    mem_free(p);
}

/* AOF on, and no log yet: the dump file, when there is one, is the data set. It never starts empty
 * over data that is there. */
static bool start_log(struct persist *p, struct fault *f)
{
    bool found, dump = false, dump_instead;
    if (!aof_find(p->aof, &found, f) ||
        !missing_data_allows(p->missing, found ? START_LOG_FOUND : START_LOG_NEW, &dump_instead, f))
        return false;
    if (dump_instead) { /* then a new log begins with what it held, and the old one goes */
        log_warning("on-missing-data: %s is loaded, not the append log", p->snapshot->filename);
        return boot_load_rdb(p, NULL, f) && rewrite_now(p->aof, f);
    }
    if (found) {
        if (!boot_load_aof(p, f) || !aof_open_log(p->aof, f))
            return false;
        missing_data_logged(p->missing);
        rewrite_collect(p->aof); /* what a crash may have left of the last rewrite */
        return true;
    }
    if (!boot_load_rdb(p, &dump, f))
        return false;
    if (dump)
        log_notice(
            "appendonly is on and there is no append log: the data set was loaded from %s, the "
            "log begins with it",
            p->snapshot->filename);
    return rewrite_now(p->aof, f);
}

static bool start_without_log(struct persist *p, struct fault *f)
{
    bool dump_instead;
    return missing_data_allows(p->missing, START_LOG_OFF, &dump_instead, f) &&
           boot_load_rdb(p, NULL, f);
}

bool persist_start(struct persist *p, struct fault *f)
{
    snapshot_note_save(p->snapshot);
    bool ok = aof_settle(p->aof, f) && dir_lock_start(p->lock, f);
    if (ok)
        leftovers_remove("."); /* another server's are being written */
    ok = ok && (p->aof->enabled ? start_log(p, f) : start_without_log(p, f));
    commit_set_dirty(server_commit(p->server), 0);
    p->aof->started = ok;
    if (ok)
        reserve_start(p->reserve);
    return ok;
}
