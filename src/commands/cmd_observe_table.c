/* SPDX-License-Identifier: BSD-3-Clause */
/* What COMMAND, ACL and the executor know of the commands that tell what the server does. Facts as
 * in Redis 7.2. */
#include "commands/cmd_observe.h"

#define HELPS \
    .arity = 2, .flags = CMD_LOADING | CMD_STALE, .group = "server", \
    .summary = "Lists the subcommands", .complexity = "O(1)"
#define LOOKS .flags = CMD_ADMIN | CMD_LOADING | CMD_STALE, .group = "server"

#define LATENCY \
    .flags = CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE, .group = "server"
#define LATENCY_TIPS \
    .tips = "nondeterministic_output request_policy:all_nodes response_policy:special"

static const struct command latency_subcommands[] = {
    {.name = "doctor", .run = cmd_latency_doctor, .arity = 2, LATENCY, .since = "2.8.13",
     .summary = "Says what took long, and what may help",
     .complexity = "O(1)", LATENCY_TIPS},
    {.name = "graph", .run = cmd_latency_graph, .arity = 3, LATENCY, .since = "2.8.13",
     .summary = "Draws what an event took over time",
     .complexity = "O(1)", LATENCY_TIPS, .args = "event:string"},
    {.name = "help", .run = cmd_latency_help, HELPS, .since = "2.8.13"},
    {.name = "histogram", .run = cmd_latency_histogram, .arity = -2, LATENCY, .since = "7.0.0",
     .summary = "Tells how many calls of commands took how long",
     .complexity = "O(N), N: commands told of", LATENCY_TIPS, .args = "command:string?*"},
    {.name = "history", .run = cmd_latency_history, .arity = 3, LATENCY, .since = "2.8.13",
     .summary = "Tells when an event took long, and how long",
     .complexity = "O(1)", LATENCY_TIPS, .args = "event:string"},
    {.name = "latest", .run = cmd_latency_latest, .arity = 2, LATENCY, .since = "2.8.13",
     .summary = "Tells the latest time that each event took long",
     .complexity = "O(1)", LATENCY_TIPS},
    {.name = "reset", .run = cmd_latency_reset, .arity = -2, LATENCY, .since = "2.8.13",
     .summary = "Forgets what took long",
     .complexity = "O(1)",
     .tips = "request_policy:all_nodes response_policy:agg_sum",
     .args = "event:string?*"},
    {.name = NULL}};

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
    {.name = "latency", .arity = -2, .group = "server", .since = "2.8.13",
     .summary = "Container of commands about what took long, and why",
     .complexity = "The subcommand's",
     .subcommands = latency_subcommands},
    {.name = "monitor", .run = cmd_monitor, .arity = 1,
     .flags = CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE,
     .group = "server", .since = "1.0.0",
     .summary = "Shows this connection each command that any client says"},
    {.name = "slowlog", .arity = -2, .group = "server", .since = "2.2.12",
     .summary = "Container of commands about commands that took long",
     .complexity = "The subcommand's",
     .subcommands = slowlog_subcommands},
    {.name = NULL}};
