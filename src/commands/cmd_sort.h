/* SPDX-License-Identifier: BSD-3-Clause */
/* The sort commands: handlers, named cmd_ and the command, and their table. */
#ifndef COMMANDS_CMD_SORT_H
#define COMMANDS_CMD_SORT_H

#include "server/command.h"

extern const struct command cmd_sort_commands[];

void cmd_sort(struct ctx *c);
void cmd_sort_ro(struct ctx *c);

/* Finds the destination, too: command_find_keys. */
int cmd_sort_keys(int argc, const struct slice *argv, int *at, int max);

#endif
