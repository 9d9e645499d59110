/* SPDX-License-Identifier: BSD-3-Clause */
/* What a primary is asked by its replicas (PSYNC, SYNC, REPLCONF), ROLE, and MIGRATE. Registered
 * with the struct repl. */
#ifndef REPLICATION_CMD_REPLICATION_H
#define REPLICATION_CMD_REPLICATION_H

#include "server/command.h"

void cmd_sync(struct ctx *c);
void cmd_psync(struct ctx *c);
void cmd_replconf(struct ctx *c);
void cmd_role(struct ctx *c);
void cmd_migrate(struct ctx *c);
int cmd_migrate_keys(int argc, const struct slice *argv, int *at, int max);

extern const struct command cmd_replication_commands[];

#endif
