/* SPDX-License-Identifier: BSD-3-Clause */
/* The key commands: handlers, named cmd_ and the command, and their table. */
#ifndef COMMANDS_CMD_KEY_H
#define COMMANDS_CMD_KEY_H

#include "server/command.h"

extern const struct command cmd_key_commands[];

void cmd_del(struct ctx *c);
void cmd_unlink(struct ctx *c);
void cmd_exists(struct ctx *c);
void cmd_type(struct ctx *c);
void cmd_keys(struct ctx *c);
void cmd_randomkey(struct ctx *c);
void cmd_rename(struct ctx *c);
void cmd_renamenx(struct ctx *c);
void cmd_scan(struct ctx *c);
void cmd_expire(struct ctx *c);
void cmd_pexpire(struct ctx *c);
void cmd_expireat(struct ctx *c);
void cmd_pexpireat(struct ctx *c);
void cmd_ttl(struct ctx *c);
void cmd_pttl(struct ctx *c);
void cmd_expiretime(struct ctx *c);
void cmd_pexpiretime(struct ctx *c);
void cmd_persist(struct ctx *c);
void cmd_touch(struct ctx *c);
void cmd_dump(struct ctx *c);
void cmd_restore(struct ctx *c);
void cmd_copy(struct ctx *c);
void cmd_move(struct ctx *c);
void cmd_object_encoding(struct ctx *c);
void cmd_object_freq(struct ctx *c);
void cmd_object_help(struct ctx *c);
void cmd_object_idletime(struct ctx *c);
void cmd_object_refcount(struct ctx *c);

#endif
