/* SPDX-License-Identifier: BSD-3-Clause */
#include "replication/replica_admit.h"

#include "base/must.h"
#include "replication/repl.h"
#include "replication/repl_config.h"
#include "server/command.h"
#include "server/ctx.h"
#include "server/hooks.h"
#include "server/role.h"
#include "server/server.h"

/* Each command has some. ADMIT_EVERY is for who asks for the sake of memory (hooks_set_calm). */
#define ANY_FLAG (~(uint32_t)ADMIT_EVERY)

static bool is_stale(const struct repl *r)
{
    return r->role->is_replica && !r->role->link_up && !r->config->serve_stale;
}

/* Asked only while it is a replica, see below. */
static const char *admit(void *arg, struct ctx *c, const struct command_entry *e)
{
    const struct repl *r = ((const struct replica_admit *)arg)->repl;
    must(r->role->is_replica);
    (void)e;
    if (r->config->read_only && c->command_flags & CMD_WRITE)
        return "READONLY You can't write against a read only replica.";
    if (is_stale(r) && !(c->command_flags & CMD_STALE))
        return "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.";
    return NULL;
}

void replica_admit_settle(struct replica_admit *a)
{
    struct repl *r = a->repl;
    uint32_t flags = 0;
    if (r->role->is_replica && r->config->read_only)
        flags |= CMD_WRITE;
    if (is_stale(r))
        flags |= ANY_FLAG;
    hooks_set_admit(server_hooks(r->server), a, flags);
    r->strayed |= r->role->is_replica && !(r->config->read_only && r->config->ignore_max_memory);
    r->role->keeps_all = r->config->ignore_max_memory;
    if (r->role->writable == r->config->read_only)
        role_set_writable(r->role, !r->config->read_only);
}

static void config_changed(void *arg)
{
    replica_admit_settle(arg);
}

static void role_changed(void *arg, bool is_replica)
{
    (void)is_replica;
    replica_admit_settle(arg);
}

void replica_admit_init(struct replica_admit *a, struct repl *r)
{
    struct hooks *hooks = server_hooks(r->server);
    a->repl = r;
    hooks_on_admit(hooks, admit, a, 1 << FROM_CLIENT | 1 << FROM_SCRIPT | 1 << FROM_MODULE, 0);
    hooks_on_role(hooks, role_changed, a);
    repl_config_on_change(r->config, config_changed, a);
    replica_admit_settle(a);
}
