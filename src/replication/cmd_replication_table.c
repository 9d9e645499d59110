/* SPDX-License-Identifier: BSD-3-Clause */
#include "replication/cmd_replication.h"

const struct command cmd_replication_commands[] = {
    {.name = "psync", .run = cmd_psync, .arity = -3,
     .flags = CMD_ADMIN | CMD_NOSCRIPT | CMD_NO_ASYNC_LOADING | CMD_NO_MULTI, .group = "server",
     .since = "2.8.0",
     .summary = "Follow this server: from an offset of a history on, or with the whole data set.",
     .args = "replicationid:string offset:integer"},
    {.name = "replconf", .run = cmd_replconf, .arity = -1,
     .flags = CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_ALLOW_BUSY,
     .group = "server", .since = "3.0.0", .complexity = "O(1)", .system = true,
     .summary = "What a replica and its primary tell each other of themselves."},
    {.name = "role", .run = cmd_role, .arity = 1,
     .flags = CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST,
     .categories = CAT_ADMIN | CAT_DANGEROUS, .group = "server", .since = "2.8.12",
     .complexity = "O(1)",
     .summary = "Tell whether this server leads or follows, and whom."},
    {.name = "sync", .run = cmd_sync, .arity = 1,
     .flags = CMD_ADMIN | CMD_NOSCRIPT | CMD_NO_ASYNC_LOADING | CMD_NO_MULTI, .group = "server",
     .since = "1.0.0",
     .summary = "Follow this server, with the whole data set; as before PSYNC."},
    {.name = NULL}};
