/* SPDX-License-Identifier: BSD-3-Clause */
/* What COMMAND, ACL and the executor know of the commands that tell what the server does. Facts as
 * in Redis 7.2. */
#include "commands/cmd_observe.h"

#define HELPS \
    .arity = 2, .flags = CMD_LOADING | CMD_STALE, .group = "server", \
    .summary = "Lists the subcommands", .complexity = "O(1)"
#define LOOKS .flags = CMD_ADMIN | CMD_LOADING | CMD_STALE, .group = "server"

static const struct command slowlog_subcommands[] = {
    {.name = "get", .run = cmd_slowlog_get, .arity = -2, LOOKS, .since = "2.2.12",
     .summary = "Tells the latest commands that took long",
     .complexity = "O(N), N: commands told",
     .history = "4.0.0:Each entry has the address and the name of its client",
     .tips = "request_policy:all_nodes nondeterministic_output",
     .args = "count:integer?"},
    {.name = "help", .run = cmd_slowlog_help, HELPS, .since = "6.2.0"},
    {.name = "len", .run = cmd_slowlog_len, .arity = 2, LOOKS, .since = "2.2.12",
     .summary = "Counts the commands that are remembered because they took long",
     .complexity = "O(1)",
     .tips = "request_policy:all_nodes response_policy:agg_sum nondeterministic_output"},
    {.name = "reset", .run = cmd_slowlog_reset, .arity = 2, LOOKS, .since = "2.2.12",
     .summary = "Forgets the commands that took long",
     .complexity = "O(N), N: commands forgotten",
     .tips = "request_policy:all_nodes response_policy:all_succeeded"},
    {.name = NULL}};

const struct command cmd_observe_commands[] = {
    {.name = "monitor", .run = cmd_monitor, .arity = 1,
     .flags = CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE,
     .group = "server", .since = "1.0.0",
     .summary = "Shows this connection each command that any client says"},
    {.name = "slowlog", .arity = -2, .group = "server", .since = "2.2.12",
     .summary = "Container of commands about commands that took long",
     .complexity = "The subcommand's",
     .subcommands = slowlog_subcommands},
    {.name = NULL}};
