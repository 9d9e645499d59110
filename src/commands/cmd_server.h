/* SPDX-License-Identifier: BSD-3-Clause */
/* The server commands: handlers, named cmd_ and the command, and their table. */
#ifndef COMMANDS_CMD_SERVER_H
#define COMMANDS_CMD_SERVER_H

#include "server/command.h"

extern const struct command cmd_server_commands[];

void cmd_swapdb(struct ctx *c);
void cmd_command_count(struct ctx *c);
void cmd_command_docs(struct ctx *c);
void cmd_command_getkeys(struct ctx *c);
void cmd_command_getkeysandflags(struct ctx *c);
void cmd_command_help(struct ctx *c);
void cmd_command_info(struct ctx *c);
void cmd_command_list(struct ctx *c);
void cmd_command(struct ctx *c);
void cmd_config_get(struct ctx *c);
void cmd_config_help(struct ctx *c);
void cmd_config_resetstat(struct ctx *c);
void cmd_config_rewrite(struct ctx *c);
void cmd_config_set(struct ctx *c);
void cmd_info(struct ctx *c);
void cmd_dbsize(struct ctx *c);
void cmd_flushdb(struct ctx *c);
void cmd_flushall(struct ctx *c);
void cmd_shutdown(struct ctx *c);
uint32_t cmd_shutdown_flags(const struct ctx *c);
void cmd_time(struct ctx *c);
void cmd_memory_doctor(struct ctx *c);
void cmd_memory_help(struct ctx *c);
void cmd_memory_malloc_stats(struct ctx *c);
void cmd_memory_purge(struct ctx *c);
void cmd_memory_stats(struct ctx *c);
void cmd_memory_usage(struct ctx *c);

#endif
