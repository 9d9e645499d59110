/* SPDX-License-Identifier: BSD-3-Clause */
/* The persist commands: handlers, named cmd_ and the command, and their table. */
#ifndef PERSIST_PERSIST_CMD_H
#define PERSIST_PERSIST_CMD_H

#include "server/command.h"

extern const struct command cmd_persist_commands[];

void cmd_lastsave(struct ctx *c);
void cmd_save(struct ctx *c);
void cmd_bgsave(struct ctx *c);
void cmd_bgrewriteaof(struct ctx *c);
struct persist;
void persist_debug_words(struct persist *p); /* what DEBUG can do here */

#endif
