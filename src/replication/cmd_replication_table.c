/* SPDX-License-Identifier: BSD-3-Clause */
#include "replication/cmd_replication.h"

const struct command cmd_replication_commands[] = {
    {.name = "migrate", .run = cmd_migrate, .arity = -6, .flags = CMD_WRITE | CMD_MOVABLE_KEYS,
     .categories = CAT_KEYSPACE | CAT_DANGEROUS, .group = "generic", .since = "2.6.0",
     .complexity = "O(N) for each key of N elements: DUMP and DEL here, RESTORE there, and its way",
     .summary = "Moves keys to another server, one after the other.",
     .tips = "nondeterministic_output",
     .history = "3.0.0:Added the `COPY` and `REPLACE` options.|3.0.6:Added the `KEYS` option.|"
       "4.0.7:Added the `AUTH` option.|6.0.0:Added the `AUTH2` option.",
     .keys = {KEY_AT(KEY_RW | KEY_ACCESS | KEY_DELETE, 3, 0, 1),
              {.flags = KEY_RW | KEY_ACCESS | KEY_DELETE | KEY_INCOMPLETE,
               .begin = KEY_BEGIN_KEYWORD, .keyword = "KEYS", .begin_index = -2,
               .find = KEY_FIND_RANGE, .last = -1, .step = 1}},
     .find_keys = cmd_migrate_keys,
     .args = "host:string port:integer key-selector:oneof(key:key@0 empty-string:token='') "
       "destination-db:integer timeout:integer copy:token=COPY?^3.0.0 "
       "replace:token=REPLACE?^3.0.0 authentication:oneof?(auth:string=AUTH~password^4.0.7 "
       "auth2:block=AUTH2^6.0.0(username:string password:string)) keys:key@1=KEYS~key?*^3.0.6"},
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
