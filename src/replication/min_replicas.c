/* SPDX-License-Identifier: BSD-3-Clause */
#include "replication/min_replicas.h"

#include "replication/repl.h"
#include "replication/repl_config.h"
#include "replication/replicas.h"
#include "server/command.h"
#include "server/ctx.h"
#include "server/hooks.h"
#include "server/role.h"
#include "server/server.h"

/* Replicas of a replica count for nothing: who writes there is not told what becomes of it. */
static const char *admit(void *arg, struct ctx *c, const struct command_entry *e)
{
    const struct replicas *rs = arg;
    (void)c, (void)e;
    if (rs->repl->role->is_replica || (int64_t)rs->good >= rs->repl->config->min_replicas)
        return NULL;
    return "NOREPLICAS Not enough good replicas to write.";
}

static void changed(void *arg)
{
    struct repl *r = arg;
    bool on = r->config->min_replicas && r->config->min_replicas_max_lag_s;
    replicas_count_good(r->replicas);
    hooks_set_admit(server_hooks(r->server), r->replicas, on ? CMD_WRITE : 0);
}

void min_replicas_init(struct repl *r)
{
    hooks_on_admit(server_hooks(r->server), admit, r->replicas,
                   1 << FROM_CLIENT | 1 << FROM_SCRIPT | 1 << FROM_MODULE, 0);
    repl_config_on_change(r->config, changed, r);
}
