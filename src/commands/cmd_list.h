/* SPDX-License-Identifier: BSD-3-Clause */
/* The list commands: handlers, named cmd_ and the command, and their table. */
#ifndef COMMANDS_CMD_LIST_H
#define COMMANDS_CMD_LIST_H

#include "server/command.h"

extern const struct command cmd_list_commands[];

void cmd_blmove(struct ctx *c);
void cmd_blmpop(struct ctx *c);
void cmd_blpop(struct ctx *c);
void cmd_brpop(struct ctx *c);
void cmd_brpoplpush(struct ctx *c);
void cmd_lindex(struct ctx *c);
void cmd_linsert(struct ctx *c);
void cmd_llen(struct ctx *c);
void cmd_lmove(struct ctx *c);
void cmd_lmpop(struct ctx *c);
void cmd_lpop(struct ctx *c);
void cmd_lpos(struct ctx *c);
void cmd_lpush(struct ctx *c);
void cmd_lpushx(struct ctx *c);
void cmd_lrange(struct ctx *c);
void cmd_lrem(struct ctx *c);
void cmd_lset(struct ctx *c);
void cmd_ltrim(struct ctx *c);
void cmd_rpop(struct ctx *c);
void cmd_rpoplpush(struct ctx *c);
void cmd_rpush(struct ctx *c);
void cmd_rpushx(struct ctx *c);

#endif
