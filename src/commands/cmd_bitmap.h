/* SPDX-License-Identifier: BSD-3-Clause */
/* The bitmap commands: handlers, named cmd_ and the command, and their table. */
#ifndef COMMANDS_CMD_BITMAP_H
#define COMMANDS_CMD_BITMAP_H

#include "server/command.h"

extern const struct command cmd_bitmap_commands[];

void cmd_setbit(struct ctx *c);
void cmd_getbit(struct ctx *c);
void cmd_bitcount(struct ctx *c);
void cmd_bitpos(struct ctx *c);
void cmd_bitop(struct ctx *c);
void cmd_bitfield(struct ctx *c);
uint32_t bitfield_key_flags(int argc, const struct slice *argv, uint32_t flags);
void cmd_bitfield_ro(struct ctx *c);

#endif
