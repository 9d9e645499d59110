/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/spikes_option.h"

#include "server/command.h"
#include "server/config.h"
#include "server/ctx.h"
#include "server/exec.h"
#include "server/server.h"
#include "server/spikes.h"

static void observe(void *arg, const struct ctx *c, const struct command_entry *e, uint64_t took_us)
{
    (void)c;
    spikes_note(arg, e->row.flags & CMD_FAST ? SPIKE_FAST_COMMAND : SPIKE_COMMAND,
                (int64_t)took_us);
}

static bool apply(void *owner, struct fault *f)
{
    struct spikes *sp = owner;
    struct exec *x = server_exec(sp->server);
    (void)f;
    int64_t most_ms = INT64_MAX / 1000, ms = sp->threshold_ms;
    exec_unobserve(x, sp);
    if (ms)
        exec_observe(x, OBSERVE_ANSWERED | OBSERVE_AGAIN, (ms < most_ms ? ms : most_ms) * 1000,
                     observe, sp);
    return true;
}

static const struct config_option options[] = {
    {.name = "latency-monitor-threshold", CONFIG_INT_AT(struct spikes, threshold_ms),
     .initial = "0", .min = 0, .max = INT64_MAX, .apply = apply},
    {.name = NULL}};

void spikes_option_add(struct spikes *sp, struct server *s)
{
    sp->server = s;
    config_add(server_config(s), options, sp);
}

void spikes_option_release(struct spikes *sp)
{
    exec_unobserve(server_exec(sp->server), sp);
    config_release(server_config(sp->server), sp);
}
