/* SPDX-License-Identifier: BSD-3-Clause */
#include "replication/replica.h"

#include "base/must.h"
#include "replication/cmd_replicaof.h"
#include "replication/primary_link.h"
#include "replication/repl.h"
#include "replication/replica_info.h"
#include "server/server.h"

void replica_init(struct repl *r)
{
    must(r->config && !r->link);
    r->link = primary_link_new(r);
    r->role->ops = &cmd_replicaof_ops;
    r->role->arg = r;
    replica_info_init(r);
    commands_add(server_commands(r->server), cmd_replicaof_commands, r);
}

void replica_end(struct repl *r)
{
    r->role->ops = NULL;
    primary_link_free(r->link);
    r->link = NULL;
}
