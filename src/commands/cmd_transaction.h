/* SPDX-License-Identifier: BSD-3-Clause */
/* The transaction commands: handlers, named cmd_ and the command, and their table. */
#ifndef COMMANDS_CMD_TRANSACTION_H
#define COMMANDS_CMD_TRANSACTION_H

#include "server/command.h"

extern const struct command cmd_transaction_commands[];

void cmd_multi(struct ctx *c);
void cmd_exec(struct ctx *c);
void cmd_discard(struct ctx *c);
void cmd_watch(struct ctx *c);
void cmd_unwatch(struct ctx *c);

#endif
