/* SPDX-License-Identifier: BSD-3-Clause */
/* The HyperLogLog commands: handlers, named cmd_ and the command, and their table. */
#ifndef COMMANDS_CMD_HLL_H
#define COMMANDS_CMD_HLL_H

#include "server/command.h"

extern const struct command cmd_hll_commands[];

void cmd_pfadd(struct ctx *c);
void cmd_pfcount(struct ctx *c);
void cmd_pfmerge(struct ctx *c);
void cmd_pfdebug(struct ctx *c);
void cmd_pfselftest(struct ctx *c);

#endif
