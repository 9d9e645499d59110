/* SPDX-License-Identifier: BSD-3-Clause */
/* What COMMAND, ACL and the executor know of the transaction commands. Facts as in Redis 7.2. */
#include "commands/cmd_transaction.h"

#include "server/multi.h"

const struct command cmd_transaction_commands[] = {
    {.name = "multi", .run = cmd_multi, .arity = 1, .steers = STEERS_MULTI,
     .flags = CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST | CMD_ALLOW_BUSY,
     .categories = CAT_TRANSACTION, .group = "transactions", .since = "1.2.0",
     .summary = "Starts a transaction",
     .complexity = "O(1)"},
    {.name = "exec", .run = cmd_exec, .arity = 1, .flags_of = multi_flags, .steers = STEERS_EXEC,
     .flags = CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_SKIP_SLOWLOG,
     .categories = CAT_TRANSACTION, .group = "transactions", .since = "1.2.0",
     .summary = "Runs the queued commands",
     .complexity = "That of the queued commands together"},
    {.name = "discard", .run = cmd_discard, .arity = 1, .steers = STEERS_ELSE,
     .flags = CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST | CMD_ALLOW_BUSY,
     .categories = CAT_TRANSACTION, .group = "transactions", .since = "2.0.0",
     .summary = "Drops the queued commands",
     .complexity = "O(N), N: commands queued"},
    {.name = "watch", .run = cmd_watch, .arity = -2, .steers = STEERS_ELSE,
     .flags = CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST | CMD_ALLOW_BUSY,
     .categories = CAT_TRANSACTION, .group = "transactions", .since = "2.2.0",
     .summary = "Makes the next transaction depend on keys staying as they are",
     .complexity = "O(K), K: keys given",
     .keys = {KEY_AT(KEY_RO, 1, -1, 1)},
     .args = "key:key@0*"},
    {.name = "unwatch", .run = cmd_unwatch, .arity = 1,
     .flags = CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST | CMD_ALLOW_BUSY,
     .categories = CAT_TRANSACTION, .group = "transactions", .since = "2.2.0",
     .summary = "Forgets the watched keys",
     .complexity = "O(1)"},
    {.name = NULL}};
