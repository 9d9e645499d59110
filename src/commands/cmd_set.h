/* SPDX-License-Identifier: BSD-3-Clause */
/* The set commands: handlers, named cmd_ and the command, and their table. */
#ifndef COMMANDS_CMD_SET_H
#define COMMANDS_CMD_SET_H

#include "server/command.h"

extern const struct command cmd_set_commands[];

void cmd_sadd(struct ctx *c);
void cmd_scard(struct ctx *c);
void cmd_sdiff(struct ctx *c);
void cmd_sdiffstore(struct ctx *c);
void cmd_sinter(struct ctx *c);
void cmd_sintercard(struct ctx *c);
void cmd_sinterstore(struct ctx *c);
void cmd_sismember(struct ctx *c);
void cmd_smembers(struct ctx *c);
void cmd_smismember(struct ctx *c);
void cmd_smove(struct ctx *c);
void cmd_spop(struct ctx *c);
void cmd_srandmember(struct ctx *c);
void cmd_srem(struct ctx *c);
void cmd_sscan(struct ctx *c);
void cmd_sunion(struct ctx *c);
void cmd_sunionstore(struct ctx *c);

#endif
