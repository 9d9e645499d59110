/* SPDX-License-Identifier: BSD-3-Clause */
/* FAILOVER [TO host port [FORCE]] [ABORT] [TIMEOUT milliseconds]. Registered with
 * the struct repl. */
#ifndef REPLICATION_CMD_FAILOVER_H
#define REPLICATION_CMD_FAILOVER_H

#include "server/command.h"

extern const struct command cmd_failover_commands[];

#endif
