/* SPDX-License-Identifier: BSD-3-Clause */
/* Nothing in here knows how a save or a rewrite works. */
#include "persist/persist.h"

#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "base/log.h"
#include "base/must.h"
#include "os/clock.h"
#include "server/command.h"
#include "server/hooks.h"
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
    must(p->child_kind != CHILD_NONE);
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

void persist_kill_child(struct persist *p, enum child_kind kind)
{
    if (p->child_kind != kind || kind == CHILD_NONE)
        return;
    log_notice("Killing the running %s child: %ld",
               kind == CHILD_SAVE ? "RDB saving" : "AOF rewrite", (long)p->child.pid);
    child_kill(&p->child, SIGKILL);
    child_wait(&p->child);
}

const char *save_phase_name(unsigned phase)
{
    static const char *const names[] = {"write", "sync", "verify", "rename"};
    return phase < sizeof names / sizeof *names ? names[phase] : "?";
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

void persist_may_refuse(struct persist *p, enum may_refuse who, bool may)
{
    p->may_refuse = may ? p->may_refuse | who : p->may_refuse & ~(unsigned)who;
    hooks_set_admit(server_hooks(p->server), p, p->may_refuse ? CMD_WRITE | CMD_ASKS_HEALTH : 0);
}
