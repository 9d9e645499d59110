/* SPDX-License-Identifier: BSD-3-Clause */
/* DEBUG, and those of its words (server/debug.h) that belong to no feature. */
#ifndef COMMANDS_CMD_DEBUG_H
#define COMMANDS_CMD_DEBUG_H

struct ctx;
struct server;

void cmd_debug(struct ctx *c);
void debug_words_add(struct server *s);       /* of the process and the protocol: cmd_debug.c */
void debug_value_words_add(struct server *s); /* of keys and values: cmd_debug_value.c */

#endif
