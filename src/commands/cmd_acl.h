/* SPDX-License-Identifier: BSD-3-Clause */
/* The commands about users: handlers, named cmd_acl_ and the subcommand, and their table. */
#ifndef COMMANDS_CMD_ACL_H
#define COMMANDS_CMD_ACL_H

#include "server/command.h"

extern const struct command cmd_acl_commands[];

void cmd_acl_cat(struct ctx *c);
void cmd_acl_deluser(struct ctx *c);
void cmd_acl_dryrun(struct ctx *c);
void cmd_acl_genpass(struct ctx *c);
void cmd_acl_getuser(struct ctx *c);
void cmd_acl_help(struct ctx *c);
void cmd_acl_list(struct ctx *c);
void cmd_acl_load(struct ctx *c);
void cmd_acl_log(struct ctx *c);
void cmd_acl_save(struct ctx *c);
void cmd_acl_setuser(struct ctx *c);
void cmd_acl_users(struct ctx *c);
void cmd_acl_whoami(struct ctx *c);

#endif
