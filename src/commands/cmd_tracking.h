/* SPDX-License-Identifier: BSD-3-Clause */
/* CLIENT's subcommands about client-side caching: handlers and their table, which is added to the
 * container (commands_add_subs). */
#ifndef COMMANDS_CMD_TRACKING_H
#define COMMANDS_CMD_TRACKING_H

#include "server/command.h"

extern const struct command cmd_tracking_subcommands[];

void cmd_client_caching(struct ctx *c);
void cmd_client_getredir(struct ctx *c);
void cmd_client_tracking(struct ctx *c);
void cmd_client_trackinginfo(struct ctx *c);

#endif
