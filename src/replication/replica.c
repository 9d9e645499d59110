/* SPDX-License-Identifier: BSD-3-Clause */
#include "replication/replica.h"

#include "replication/cmd_replicaof.h"
#include "replication/primary_link.h"
#include "replication/repl.h"
#include "server/server.h"

void replica_init(struct repl *r)
{
    r->link = primary_link_new(r);
    r->role->ops = &cmd_replicaof_ops;
    r->role->arg = r;
    commands_add(server_commands(r->server), cmd_replicaof_commands, r);
}

void replica_end(struct repl *r)
{
    r->role->ops = NULL;
    primary_link_free(r->link);
    r->link = NULL;
}
