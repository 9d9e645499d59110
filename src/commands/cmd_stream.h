/* SPDX-License-Identifier: BSD-3-Clause */
/* The stream commands: handlers, named cmd_ and the command, and their table. */
#ifndef COMMANDS_CMD_STREAM_H
#define COMMANDS_CMD_STREAM_H

#include "server/command.h"

extern const struct command cmd_stream_commands[];

void cmd_xack(struct ctx *c);
void cmd_xadd(struct ctx *c);
void cmd_xautoclaim(struct ctx *c);
void cmd_xclaim(struct ctx *c);
void cmd_xdel(struct ctx *c);
void cmd_xgroup_create(struct ctx *c);
void cmd_xgroup_createconsumer(struct ctx *c);
void cmd_xgroup_delconsumer(struct ctx *c);
void cmd_xgroup_destroy(struct ctx *c);
void cmd_xgroup_help(struct ctx *c);
void cmd_xgroup_setid(struct ctx *c);
void cmd_xinfo_consumers(struct ctx *c);
void cmd_xinfo_groups(struct ctx *c);
void cmd_xinfo_help(struct ctx *c);
void cmd_xinfo_stream(struct ctx *c);
void cmd_xlen(struct ctx *c);
void cmd_xpending(struct ctx *c);
void cmd_xrange(struct ctx *c);
void cmd_xread(struct ctx *c);
void cmd_xreadgroup(struct ctx *c);
int cmd_xreadgroup_keys(int argc, const struct slice *argv, int *at, int max);
void cmd_xrevrange(struct ctx *c);
void cmd_xsetid(struct ctx *c);
void cmd_xtrim(struct ctx *c);

#endif
