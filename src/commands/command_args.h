/* SPDX-License-Identifier: BSD-3-Clause */
/* The little language of struct command's args, as COMMAND DOCS replies it. */
#ifndef COMMANDS_COMMAND_ARGS_H
#define COMMANDS_COMMAND_ARGS_H

struct ctx;
/* The array of argument maps. */
void command_args_reply(struct ctx *c, const char *args);

#endif
