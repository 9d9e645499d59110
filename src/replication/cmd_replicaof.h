/* SPDX-License-Identifier: BSD-3-Clause */
/* REPLICAOF and SLAVEOF, and the same for who asks from inside the server (role.h). */
#ifndef REPLICATION_CMD_REPLICAOF_H
#define REPLICATION_CMD_REPLICAOF_H

#include "server/command.h"
#include "server/role.h"

extern const struct command cmd_replicaof_commands[]; /* arg: struct repl */
extern const struct role_ops cmd_replicaof_ops;

#endif
