/* SPDX-License-Identifier: BSD-3-Clause */
/* Publishing and subscribing: handlers, named cmd_ and the command, and their table. */
#ifndef COMMANDS_CMD_PUBSUB_H
#define COMMANDS_CMD_PUBSUB_H

#include "server/command.h"

extern const struct command cmd_pubsub_commands[];

void cmd_psubscribe(struct ctx *c);
void cmd_publish(struct ctx *c);
void cmd_pubsub_channels(struct ctx *c);
void cmd_pubsub_help(struct ctx *c);
void cmd_pubsub_numpat(struct ctx *c);
void cmd_pubsub_numsub(struct ctx *c);
void cmd_pubsub_shardchannels(struct ctx *c);
void cmd_pubsub_shardnumsub(struct ctx *c);
void cmd_punsubscribe(struct ctx *c);
void cmd_spublish(struct ctx *c);
void cmd_ssubscribe(struct ctx *c);
void cmd_subscribe(struct ctx *c);
void cmd_sunsubscribe(struct ctx *c);
void cmd_unsubscribe(struct ctx *c);

#endif
