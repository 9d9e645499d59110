/* SPDX-License-Identifier: BSD-3-Clause */
/* The zset commands: handlers, named cmd_ and the command, and their table. */
#ifndef COMMANDS_CMD_ZSET_H
#define COMMANDS_CMD_ZSET_H

#include "server/command.h"

extern const struct command cmd_zset_commands[];

void cmd_bzmpop(struct ctx *c);
void cmd_bzpopmax(struct ctx *c);
void cmd_bzpopmin(struct ctx *c);
void cmd_zadd(struct ctx *c);
void cmd_zcard(struct ctx *c);
void cmd_zcount(struct ctx *c);
void cmd_zdiff(struct ctx *c);
void cmd_zdiffstore(struct ctx *c);
void cmd_zincrby(struct ctx *c);
void cmd_zinter(struct ctx *c);
void cmd_zintercard(struct ctx *c);
void cmd_zinterstore(struct ctx *c);
void cmd_zlexcount(struct ctx *c);
void cmd_zmpop(struct ctx *c);
void cmd_zmscore(struct ctx *c);
void cmd_zpopmax(struct ctx *c);
void cmd_zpopmin(struct ctx *c);
void cmd_zrandmember(struct ctx *c);
void cmd_zrange(struct ctx *c);
void cmd_zrangebylex(struct ctx *c);
void cmd_zrangebyscore(struct ctx *c);
void cmd_zrangestore(struct ctx *c);
void cmd_zrank(struct ctx *c);
void cmd_zrem(struct ctx *c);
void cmd_zremrangebylex(struct ctx *c);
void cmd_zremrangebyrank(struct ctx *c);
void cmd_zremrangebyscore(struct ctx *c);
void cmd_zrevrange(struct ctx *c);
void cmd_zrevrangebylex(struct ctx *c);
void cmd_zrevrangebyscore(struct ctx *c);
void cmd_zrevrank(struct ctx *c);
void cmd_zscan(struct ctx *c);
void cmd_zscore(struct ctx *c);
void cmd_zunion(struct ctx *c);
void cmd_zunionstore(struct ctx *c);

#endif
