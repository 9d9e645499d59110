/* SPDX-License-Identifier: BSD-3-Clause */
/* A timer that each tick of cron winds up anew, and whose signal goes to the loop's thread: another
 * one's stack would say nothing. */
#include "server/turn_watch.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "server/config.h"
#include "server/crash_stack.h"
#include "server/cron.h"
#include "server/hooks.h"
#include "server/server.h"

struct turn_watch {
    struct server *server;
    int64_t period_ms;
    timer_t timer;
    bool on; /* timer is one */
};

static void late(int number, siginfo_t *info, void *context)
{
    int saved_errno = errno;
    (void)number;
    log_raw_signal(LOG_WARNING_LEVEL, "\n--- WATCHDOG TIMER EXPIRED ---\n");
    if (info->si_code == SI_TIMER)
        crash_stack_log(crash_stack_place(context), log_raw_signal);
    else
        log_raw_signal(LOG_WARNING_LEVEL,
                       "(somebody sent SIGALRM: where the server is says nothing)\n");
    log_raw_signal(LOG_WARNING_LEVEL, "--------\n");
    errno = saved_errno;
}

static void wind_up(struct turn_watch *w, int64_t ms)
{
    const struct itimerspec at = {.it_value = {.tv_sec = ms / 1000,
                                               .tv_nsec = ms % 1000 * 1000000}};
    must(w->on && ms >= 0);
    timer_settime(w->timer, 0, &at, NULL);
}

static void tick(void *arg, int64_t mono_ms)
{
    struct turn_watch *w = arg;
    (void)mono_ms;
    if (w->on)
        wind_up(w, w->period_ms);
}

static bool begin(struct turn_watch *w, struct fault *f)
{
    struct sigaction act = {.sa_sigaction = late, .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};
    struct sigevent event;
    memset(&event, 0, sizeof event);
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = SIGALRM;
    event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
    crash_stack_warm();
    sigemptyset(&act.sa_mask);
    sigaction(SIGALRM, &act, NULL);
    w->on = timer_create(CLOCK_MONOTONIC, &event, &w->timer) == 0;
    if (!w->on)
        fault_io(f, errno, "timer_create", "There is no timer for the watchdog");
    return w->on;
}

static void end(struct turn_watch *w)
{
    if (w->on)
        timer_delete(w->timer);
    w->on = false;
    signal(SIGALRM, SIG_IGN); /* one may be under way */
}

/* Between two ticks there must be room for one that is merely late. */
static bool apply(void *owner, struct fault *f)
{
    struct turn_watch *w = owner;
    int64_t least_ms = 2 * 1000 / cron_hz(server_cron(w->server));
    if (!w->period_ms) {
        end(w);
        return true;
    }
    if (w->period_ms < least_ms)
        w->period_ms = least_ms;
    if (!w->on && !begin(w, f))
        return false;
    wind_up(w, w->period_ms);
    return true;
}

static const struct config_option options[] = {
    {.name = "watchdog-period", .flags = CONFIG_HIDDEN,
     CONFIG_INT_AT(struct turn_watch, period_ms), .initial = "0", .min = 0, .max = INT_MAX,
     .apply = apply},
    {.name = NULL}};

struct turn_watch *turn_watch_new(struct server *s)
{
    struct turn_watch *w = mem_zalloc(sizeof *w);
    w->server = s;
    config_add(server_config(s), options, w);
    hooks_on_tick(server_hooks(s), tick, w);
    return w;
}

void turn_watch_free(struct turn_watch *w)
{
    end(w);
    config_release(server_config(w->server), w);
    mem_free(w);
}
