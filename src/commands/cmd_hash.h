/* SPDX-License-Identifier: BSD-3-Clause */
/* The hash commands: handlers, named cmd_ and the command, and their table. */
#ifndef COMMANDS_CMD_HASH_H
#define COMMANDS_CMD_HASH_H

#include "server/command.h"

extern const struct command cmd_hash_commands[];

void cmd_hdel(struct ctx *c);
void cmd_hexists(struct ctx *c);
void cmd_hget(struct ctx *c);
void cmd_hgetall(struct ctx *c);
void cmd_hincrby(struct ctx *c);
void cmd_hincrbyfloat(struct ctx *c);
void cmd_hkeys(struct ctx *c);
void cmd_hlen(struct ctx *c);
void cmd_hmget(struct ctx *c);
void cmd_hmset(struct ctx *c);
void cmd_hrandfield(struct ctx *c);
void cmd_hscan(struct ctx *c);
void cmd_hset(struct ctx *c);
void cmd_hsetnx(struct ctx *c);
void cmd_hstrlen(struct ctx *c);
void cmd_hvals(struct ctx *c);

#endif
