/* SPDX-License-Identifier: BSD-3-Clause */
/* What COMMAND, ACL and the executor know of the persist commands. Facts as in Redis 7.2. */
#include "persist/persist_cmd.h"


const struct command cmd_persist_commands[] = {
    {.name = "lastsave", .run = cmd_lastsave, .arity = 1,
     .flags = CMD_LOADING | CMD_STALE | CMD_FAST, .categories = CAT_ADMIN | CAT_DANGEROUS,
     .group = "server", .since = "1.0.0",
     .summary = "Tells when the data set was last saved",
     .complexity = "O(1)",
     .tips = "nondeterministic_output"},
    {.name = "save", .run = cmd_save, .arity = 1,
     .flags = CMD_ADMIN | CMD_NOSCRIPT | CMD_NO_ASYNC_LOADING | CMD_NO_MULTI, .group = "server",
     .since = "1.0.0",
     .summary = "Saves the data set and waits for it",
     .complexity = "O(N), N: keys of all databases"},
    {.name = "bgsave", .run = cmd_bgsave, .arity = -1,
     .flags = CMD_ADMIN | CMD_NOSCRIPT | CMD_NO_ASYNC_LOADING, .group = "server",
     .since = "1.0.0",
     .summary = "Saves the data set in a child process",
     .complexity = "O(1)",
     .args = "schedule:token=SCHEDULE?^3.2.2"},
    {.name = "bgrewriteaof", .run = cmd_bgrewriteaof, .arity = 1,
     .flags = CMD_ADMIN | CMD_NOSCRIPT | CMD_NO_ASYNC_LOADING, .group = "server",
     .since = "1.0.0",
     .summary = "Rewrites the append log in a child process",
     .complexity = "O(1)"},
    {.name = NULL}};
