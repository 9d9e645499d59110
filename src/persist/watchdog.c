/* SPDX-License-Identifier: BSD-3-Clause */
/* The default of ten minutes: a child tells every 100 ms of work, every 4 MiB that it syncs and
 * every read of the verification. Only one long fsync says nothing (rdb-save-incremental-fsync no
 * and a slow disk); who has that sets the timeout higher. A child that is killed here counts as
 * failed: its own side reports that and tries again later. */
#include "persist/watchdog.h"

#include <inttypes.h>
#include <signal.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "os/clock.h"
#include "persist/persist.h"
#include "server/config.h"
#include "server/hooks.h"
#include "server/server.h"

enum { LOG_EVERY_US = 10000000, GAP_US = 500000 };

double watchdog_mb_per_s(const struct watchdog *w)
{
    return w->pid && w->written_us > 0 ? (double)w->written / (double)w->written_us : 0;
}

int64_t watchdog_eta_s(const struct watchdog *w)
{
    const struct child *c = &w->persist->child;
    uint64_t all = w->persist->keys_at_fork;
    if (!w->pid || c->keys == 0)
        return -1;
    if (c->keys >= all || w->phase != SAVE_WRITING)
        return 0;
    double elapsed_s = (double)(clock_mono_us() - c->began_us) / 1e6;
    return (int64_t)(elapsed_s * (double)(all - c->keys) / (double)c->keys + 0.5);
}

static void begin(struct watchdog *w, int64_t now_us)
{
    struct persist *p = w->persist;
    must(p->child_kind && p->child.pid > 0);
    w->pid = p->child.pid;
    w->keys = w->bytes = w->written = 0;
    w->phase = SAVE_WRITING;
    w->written_us = 0;
    w->changed_us = w->logged_us = w->looked_us = now_us;
}

static void look(struct watchdog *w, int64_t now_us)
{
    const struct child *c = &w->persist->child;
    int64_t gap_us = now_us - w->looked_us;
    must(w->pid == c->pid);
    w->looked_us = now_us;
    if (gap_us > GAP_US) /* we were away ourselves: a long command, a suspended machine */
        w->changed_us += gap_us;
    if (c->keys != w->keys || c->bytes != w->bytes || c->phase != w->phase)
        w->changed_us = now_us;
    w->keys = c->keys;
    w->bytes = c->bytes;
    w->phase = c->phase;
    if (c->phase == SAVE_WRITING && c->bytes > w->written) {
        w->written = c->bytes;
        w->written_us = now_us - c->began_us;
    }
}

static void tell(struct watchdog *w, int64_t now_us)
{
    const struct persist *p = w->persist;
    if (now_us - w->logged_us < LOG_EVERY_US)
        return;
    w->logged_us = now_us;
    log_notice("%s: %s, %" PRIu64 " of %" PRIu64 " keys, %.1f MB at %.1f MB/s, %" PRId64
               " s to go, %zu MB copied on write",
               p->child_kind->work, save_phase_name(w->phase), w->keys, p->keys_at_fork,
               (double)w->written / 1e6, watchdog_mb_per_s(w), watchdog_eta_s(w),
               p->child.cow_bytes / 1000000);
}

/* Not child_kill: that is for children nobody wants any more, which is no failure. */
static void end_hanging(struct watchdog *w, int64_t now_us)
{
    if (w->timeout_s == 0 || now_us - w->changed_us < w->timeout_s * 1000000)
        return;
    log_warning("%s: child %ld made no progress for %" PRId64 " seconds (phase %s, %" PRIu64
                " keys, %" PRIu64 " bytes): killing it",
                w->persist->child_kind->work, (long)w->pid, w->timeout_s,
                save_phase_name(w->phase), w->keys, w->bytes);
    w->timeouts++;
    w->changed_us = now_us; /* it may take a while to go: once more then, not ten times a second */
    must(w->pid > 0); /* or more than the child would be killed */
    kill(w->pid, SIGKILL);
}

static void watchdog_tick(void *arg, int64_t mono_ms)
{
    struct watchdog *w = arg;
    const struct persist *p = w->persist;
    int64_t now_us = clock_mono_us();
    (void)mono_ms;
    if (!p->child_kind || p->child_kind->silent || p->child.pid <= 0) {
        w->pid = 0;
        return;
    }
    if (w->pid != p->child.pid)
        begin(w, now_us);
    look(w, now_us);
    tell(w, now_us);
    end_hanging(w, now_us);
}

static const struct config_option options[] = {
    {.name = "child-timeout", CONFIG_INT_AT(struct watchdog, timeout_s),
     .initial = "600", .min = 0, .max = INT32_MAX},
    {.name = NULL}};

struct watchdog *watchdog_new(struct persist *p)
{
    struct watchdog *w = mem_zalloc(sizeof *w);
    w->persist = p;
    config_add(server_config(p->server), options, w);
    hooks_on_tick(server_hooks(p->server), watchdog_tick, w);
    return w;
}

void watchdog_free(struct watchdog *w)
{
    mem_free(w);
}
