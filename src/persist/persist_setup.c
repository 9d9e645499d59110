/* SPDX-License-Identifier: BSD-3-Clause */
/* The parts put together: the refusal of writes, FLUSHALL, starting and stopping. */
#include "persist/persist_setup.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "persist/aof.h"
#include "persist/aof_batch.h"
#include "persist/aof_config.h"
#include "persist/aof_file.h"
#include "persist/aof_find.h"
#include "persist/aof_gone.h"
#include "persist/aof_history.h"
#include "persist/aof_sync.h"
#include "persist/backup_hold.h"
#include "persist/boot.h"
#include "persist/dir_lock.h"
#include "persist/leftovers.h"
#include "persist/missing_data.h"
#include "persist/persist.h"
#include "persist/persist_cmd.h"
#include "persist/persist_info.h"
#include "persist/replace.h"
#include "persist/reserve.h"
#include "persist/rewrite.h"
#include "persist/save_config.h"
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
#include "server/supervisor.h"
#include "store/db.h"

/* ---- refusing writes ---- */

const char *persist_refusal(struct persist *p)
{
    struct snapshot *s = p->snapshot;
    if (p->log_due)
        return "MISCONF The append log could not be begun again behind another data set: it is "
               "tried once a second. The server's log tells why";
    if (s->config->stop_writes_on_error && save_config_has_points(s->config) && !s->last_ok)
        return snapshot_refusal(s);
    return aof_refusal(p->aof);
}

static const char *admit(void *arg, struct ctx *c, const struct command_entry *e)
{
    (void)c, (void)e;
    return persist_refusal(arg);
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
    if (!p->flushed)
        return;
    p->flushed = false;
    persist_kill_child(p, &child_save);
    if (save_config_has_points(p->save) && !snapshot_save(p->snapshot, &f))
        log_fault("FLUSHALL could not save the DB", &f);
}

/* ---- stopping ---- */

/* Whoever waits for the end of the server learns why it does not come, and what helps. */
static void cannot_stop(struct persist *p, const char *what, const char *why)
{
    const char *colon = *why ? ": " : "";
    log_warning("%s, can't exit%s%s", what, colon, why);
    supervisor_tell(server_settings(p->server),
                    "STATUS=Can't stop: %s%s%s (SHUTDOWN FORCE, or shutdown-on-sigterm force, "
                    "stops all the same)", what, colon, why);
}

static bool save_at_end(struct persist *p, unsigned flags)
{
    struct snapshot *s = p->snapshot;
    bool points = save_config_has_points(p->save) && !p->unfilled;
    if (!(flags & SHUTDOWN_SAVE) && (!points || flags & SHUTDOWN_NOSAVE))
        return true;
    struct fault f = {0};
    log_notice("Saving the final RDB snapshot before exiting.");
    supervisor_tell(server_settings(p->server),
                    "STATUS=Saving the last snapshot\n" SUPERVISOR_PATIENCE);
    if (snapshot_save(s, &f))
        return true;
    must(fault_is(&f));
    char line[FAULT_TEXT_MAX];
    fault_text(&f, line, sizeof line);
    if (flags & SHUTDOWN_FORCE)
        log_warning("Error trying to save the DB, exiting anyway: %s", line);
    else
        cannot_stop(p, "Error trying to save the DB", line);
    return false;
}

static enum shutdown_answer ready_to_stop(void *arg, unsigned flags)
{
    struct persist *p = arg;
    if (p->loading || p->aof->state != AOF_WAIT_REWRITE)
        return SHUTDOWN_READY;
    if (!(flags & SHUTDOWN_FORCE))
        cannot_stop(p, "Writing initial AOF", "");
    return SHUTDOWN_REFUSED;
}

static bool finish(void *arg, unsigned flags)
{
    struct persist *p = arg;
    bool force = flags & SHUTDOWN_FORCE, done = p->aof->state != AOF_WAIT_REWRITE;
    if (p->loading)
        return true; /* what is in memory is not yet what is on disk: nothing may be written */
    after_flush(p); /* its stage does not come any more */
    persist_kill_child(p, &child_save);
    persist_kill_child(p, &child_rewrite);
    if (p->aof->state != AOF_OFF) {
        log_notice("Calling fsync() on the AOF file.");
        aof_batch_end_notes(p->aof);
        if (!aof_flush(p->aof, true) || !aof_sync_now(p->aof)) {
            done = false;
            if (!force) {
                cannot_stop(p, "The append log could not be written to its end", "");
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

size_t persist_waiting_bytes(const void *persist)
{
    const struct persist *p = persist;
    return p->aof->batch.pending.cap;
}

static void tick(void *arg, int64_t mono_ms)
{
    struct persist *p = arg;
    if (p->loading)
        return;
    snapshot_tick(p->snapshot, mono_ms);
    aof_tick(p->aof, mono_ms);
    aof_gone_tick(p->aof);
    rewrite_tick(p->aof, mono_ms);
    aof_history_tick(p->aof, mono_ms);
    replace_tick(p, mono_ms);
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
    p->save = save_config_new(server);
    p->snapshot = snapshot_new(p);
    p->aof = aof_new(p);
    rewrite_init(p->aof);
    aof_config_register(p->aof, server_config(server));
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
    info_provide(server_info(server), "mem_aof_buffer", persist_log_buffer, p);
    commands_add(server_commands(server), cmd_persist_commands, p);
    p->holds = backup_holds_new(p);
    persist_debug_words(p);
    return p;
}

void persist_free(struct persist *p)
{
    scrub_free(p->scrub);
    watchdog_free(p->watchdog);
    missing_data_free(p->missing);
    aof_free(p->aof);
    backup_holds_free(p->holds);
    snapshot_free(p->snapshot);
    save_config_free(p->save);
    reserve_free(p->reserve);
    dir_lock_free(p->lock);
    mem_free(p);
}

/* AOF on, and no log yet: the dump file, when there is one, is the data set. It never starts empty
 * over data that is there. */
static bool start_log(struct persist *p, struct fault *f)
{
    bool found, dump = false, dump_instead;
    if (!aof_find(p->aof, p->save->filename, &found, f) ||
        !missing_data_allows(p->missing, found ? START_LOG_FOUND : START_LOG_NEW, &dump_instead, f))
        return false;
    if (dump_instead) { /* then a new log begins with what it held, and the old one goes */
        log_warning("on-missing-data: %s is loaded, not the append log", p->save->filename);
        return boot_load_rdb(p, NULL, f) && rewrite_now(p->aof, f);
    }
    if (found) {
        if (!boot_load_aof(p, f) || !aof_open_log(p->aof, f))
            return false;
        missing_data_logged(p->missing);
        aof_history_collect(p->aof); /* what a crash may have left of the last rewrite */
        return true;
    }
    if (!boot_load_rdb(p, &dump, f))
        return false;
    if (dump)
        log_notice(
            "appendonly is on and there is no append log: the data set was loaded from %s, the "
            "log begins with it",
            p->save->filename);
    return rewrite_now(p->aof, f);
}

static bool start_without_log(struct persist *p, struct fault *f)
{
    bool dump_instead;
    if (!missing_data_allows(p->missing, START_LOG_OFF, &dump_instead, f))
        return false;
    must(!dump_instead);
    return boot_load_rdb(p, NULL, f);
}

bool persist_start(struct persist *p, struct fault *f)
{
    must(!p->aof->started && !p->child_kind);
    snapshot_note_save(p->snapshot);
    bool ok = aof_set_dirs(p->aof, f) && dir_lock_start(p->lock, f);
    if (ok)
        leftovers_remove("."); /* another server's are being written */
    ok = ok && (p->aof->enabled ? start_log(p, f) : start_without_log(p, f));
    commit_set_dirty(server_commit(p->server), 0);
    must(ok || fault_is(f));
    must(!ok || p->aof->enabled == (p->aof->state == AOF_ON));
    p->aof->started = ok;
    if (ok)
        reserve_start(p->reserve);
    return ok;
}
