/* SPDX-License-Identifier: BSD-3-Clause */
/* Nothing in here knows how a save or a rewrite works. */
#include "persist/persist.h"

#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "base/log.h"
#include "base/must.h"
#include "os/clock.h"
#include "os/cpus.h"
#include "persist/save_config.h"
#include "server/command.h"
#include "server/commit.h"
#include "server/hooks.h"
#include "server/server.h"
#include "server/settings.h"
#include "server/spikes.h"
#include "server/stats.h"
#include "server/supervisor.h"
#include "store/db.h"

/* ---- the child ---- */

const struct child_kind child_save = {
    .name = "redis-rdb-bgsave",
    .title = "RDB saving",
    .work = "Background saving",
    .busy = "Background save already in progress",
    .status = "saving in the background",
    .copies = true,
};
const struct child_kind child_rewrite = {
    .name = "redis-aof-rewrite",
    .title = "AOF rewrite",
    .work = "Background AOF rewrite",
    .busy = "Background append only file rewriting already in progress",
    .status = "rewriting the append log in the background",
};

const char *persist_busy(const struct persist *p)
{
    if (p->loading)
        return "The data set is being loaded";
    if (p->unfilled)
        return "The data set could not be replaced and is empty: SAVE says that it is meant to be";
    return p->child_kind ? p->child_kind->busy : NULL;
}

static void tell_fork(struct persist *p, const struct child_kind *kind, pid_t pid)
{
    struct fork_event e = {.kind = kind, .pid = pid, .position = p->fork_position};
    hooks_fork(server_hooks(p->server), &e);
}

/* In the child; it works all the same where it cannot be bound. */
static void bind_to_cpus(const struct persist *p, const struct child_kind *kind)
{
    must(p->child.pid == 0);
    const char *list = kind == &child_save      ? p->save->save_cpus
                       : kind == &child_rewrite ? p->save->rewrite_cpus
                                                : NULL;
    if (list)
        cpus_pin_self(list);
}

pid_t persist_fork(struct persist *p, const struct child_kind *kind, const struct child_spec *spec,
                   struct fault *f)
{
    must(!p->child_kind && kind->name && kind->title && kind->work && kind->busy);
    must(spec->ended);
    struct stats *stats = server_stats(p->server);
    struct child_spec named = *spec;
    named.name = kind->name;
    p->fork_position = commit_position(server_commit(p->server));
    pid_t pid = child_fork(&p->child, server_loop(p->server), &named, f);
    if (pid < 0)
        return pid;
    if (pid == 0) {
        bind_to_cpus(p, kind);
        tell_fork(p, kind, 0);
        return 0;
    }
    must(pid == p->child.pid);
    p->child_kind = kind;
    p->keys_at_fork = keyspace_count(server_keyspace(p->server));
    stats->forks++;
    stats->last_fork_us = p->child.fork_us;
    spikes_note(server_spikes(p->server), SPIKE_FORK, p->child.fork_us);
    keyspace_hold(server_keyspace(p->server), true);
    tell_fork(p, kind, pid);
    if (kind->status)
        supervisor_tell(server_settings(p->server), "STATUS=Ready to accept connections; %s",
                        kind->status);
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
               p->child_kind->title, (double)report->bytes / 1e6, took_us / 1e6,
               took_us > 0 ? (double)report->bytes / took_us : 0, (double)p->child.fork_us / 1e3,
               (double)end->cow_bytes / 1e6);
}

void persist_child_gone(struct persist *p, const struct child_end *end)
{
    must(p->child_kind && p->child.pid == 0 && end->pid > 0);
    tell_cost(p, end);
    struct fault f = persist_child_fault(end, p->child_kind);
    struct fork_event e = {.kind = p->child_kind, .pid = end->pid, .position = p->fork_position,
                           .ended = true, .ok = !end->killed && !fault_is(&f)};
    p->child_kind = NULL;
    supervisor_tell(server_settings(p->server), SUPERVISOR_READY);
    keyspace_hold(server_keyspace(p->server), false);
    hooks_fork(server_hooks(p->server), &e);
}

struct fault persist_child_fault(const struct child_end *end, const struct child_kind *kind)
{
    struct fault f = {0};
    if (end->report_size == sizeof(struct child_report) &&
        fault_is(&((const struct child_report *)end->report)->fault))
        return ((const struct child_report *)end->report)->fault;
    if (end->signal)
        fault_set(&f, FAULT_IO, "%s terminated by signal %d", kind->work, end->signal);
    else if (end->exit_code != 0)
        fault_set(&f, FAULT_IO, "%s failed with exit code %d", kind->work, end->exit_code);
    return f;
}

void persist_kill_child(struct persist *p, const struct child_kind *kind)
{
    if (!p->child_kind || p->child_kind != kind)
        return;
    must(p->child.pid > 0);
    log_notice("Killing the running %s child: %ld", kind->title, (long)p->child.pid);
    child_kill(&p->child, SIGKILL);
    child_wait(&p->child);
    must(!p->child_kind); /* its end was told of */
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
    must(who == MAY_REFUSE_LOG || who == MAY_REFUSE_SAVE || who == MAY_REFUSE_REPLACED);
    p->may_refuse = may ? p->may_refuse | who : p->may_refuse & ~(unsigned)who;
    hooks_set_admit(server_hooks(p->server), p, p->may_refuse ? CMD_WRITE | CMD_ASKS_HEALTH : 0);
}
