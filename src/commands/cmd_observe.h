/* SPDX-License-Identifier: BSD-3-Clause */
/* MONITOR, SLOWLOG and LATENCY: who does what, and how long it takes. Handlers, named cmd_ and the
 * command, and their table. */
#ifndef COMMANDS_CMD_OBSERVE_H
#define COMMANDS_CMD_OBSERVE_H

#include "server/command.h"

extern const struct command cmd_observe_commands[];

void cmd_latency_doctor(struct ctx *c);
void cmd_latency_graph(struct ctx *c);
void cmd_latency_help(struct ctx *c);
void cmd_latency_histogram(struct ctx *c);
void cmd_latency_history(struct ctx *c);
void cmd_latency_latest(struct ctx *c);
void cmd_latency_reset(struct ctx *c);
void cmd_monitor(struct ctx *c);
void cmd_slowlog_get(struct ctx *c);
void cmd_slowlog_help(struct ctx *c);
void cmd_slowlog_len(struct ctx *c);
void cmd_slowlog_reset(struct ctx *c);

#endif
