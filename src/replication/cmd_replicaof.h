/* SPDX-License-Identifier: BSD-3-Clause */
/* REPLICAOF and SLAVEOF, and the same for who asks from inside the server (role.h). */
#ifndef REPLICATION_CMD_REPLICAOF_H
#define REPLICATION_CMD_REPLICAOF_H

#include "server/command.h"
#include "server/role.h"

/* arg: struct repl */
void cmd_replicaof(struct ctx *c);
extern const struct command cmd_replicaof_commands[];
extern const struct role_ops cmd_replicaof_ops;

#endif
