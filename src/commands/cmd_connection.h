/* SPDX-License-Identifier: BSD-3-Clause */
/* The connection commands: handlers, named cmd_ and the command, and their table. */
#ifndef COMMANDS_CMD_CONNECTION_H
#define COMMANDS_CMD_CONNECTION_H

#include "server/command.h"

extern const struct command cmd_connection_commands[];

void cmd_ping(struct ctx *c);
void cmd_echo(struct ctx *c);
void cmd_quit(struct ctx *c);
void cmd_select(struct ctx *c);
void cmd_auth(struct ctx *c);
void cmd_hello(struct ctx *c);
void cmd_reset(struct ctx *c);
void cmd_client_getname(struct ctx *c);
void cmd_client_help(struct ctx *c);
void cmd_client_id(struct ctx *c);
void cmd_client_info(struct ctx *c);
void cmd_client_kill(struct ctx *c);
void cmd_client_list(struct ctx *c);
void cmd_client_no_evict(struct ctx *c);
void cmd_client_no_touch(struct ctx *c);
void cmd_client_pause(struct ctx *c);
void cmd_client_reply(struct ctx *c);
void cmd_client_setinfo(struct ctx *c);
void cmd_client_setname(struct ctx *c);
void cmd_client_unblock(struct ctx *c);
void cmd_client_unpause(struct ctx *c);
void cmd_wait(struct ctx *c);
void cmd_waitaof(struct ctx *c);

#endif
