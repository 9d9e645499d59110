/* SPDX-License-Identifier: BSD-3-Clause */
/* The string commands: handlers, named cmd_ and the command, and their table. */
#ifndef COMMANDS_CMD_STRING_H
#define COMMANDS_CMD_STRING_H

#include "server/command.h"

extern const struct command cmd_string_commands[];

void cmd_append(struct ctx *c);
void cmd_decr(struct ctx *c);
void cmd_decrby(struct ctx *c);
void cmd_get(struct ctx *c);
void cmd_getdel(struct ctx *c);
void cmd_getex(struct ctx *c);
void cmd_getrange(struct ctx *c);
void cmd_getset(struct ctx *c);
void cmd_incr(struct ctx *c);
void cmd_incrby(struct ctx *c);
void cmd_incrbyfloat(struct ctx *c);
void cmd_lcs(struct ctx *c);
void cmd_mget(struct ctx *c);
void cmd_mset(struct ctx *c);
void cmd_msetnx(struct ctx *c);
void cmd_psetex(struct ctx *c);
void cmd_set(struct ctx *c);
uint32_t set_key_flags(int argc, const struct slice *argv, uint32_t flags);
void cmd_setex(struct ctx *c);
void cmd_setnx(struct ctx *c);
void cmd_setrange(struct ctx *c);
void cmd_strlen(struct ctx *c);
void cmd_substr(struct ctx *c);

#endif
