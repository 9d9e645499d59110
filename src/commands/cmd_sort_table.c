/* SPDX-License-Identifier: BSD-3-Clause */
/* What COMMAND, ACL and the executor know of the sort commands. Facts as in Redis 7.2. */
#include "commands/cmd_sort.h"

const struct command cmd_sort_commands[] = {
    {.name = "sort", .run = cmd_sort, .arity = -2,
     .flags = CMD_WRITE | CMD_DENYOOM | CMD_MOVABLE_KEYS,
     .categories = CAT_DANGEROUS | CAT_LIST | CAT_SET | CAT_SORTEDSET, .group = "generic",
     .since = "1.0.0",
     .summary = "Sorts the elements of a list, set or sorted set, or keeps them sorted in a key",
     .complexity = "O(N+M*log(M)), N: elements there, M: elements returned; O(N) with BY nosort",
     .keys = {KEY_AT(KEY_RO | KEY_ACCESS, 1, 0, 1),
              {.flags = KEY_RO | KEY_ACCESS, .begin = KEY_BEGIN_UNKNOWN, .find = KEY_FIND_UNKNOWN},
              {.flags = KEY_OW | KEY_UPDATE, .begin = KEY_BEGIN_UNKNOWN, .find = KEY_FIND_UNKNOWN}},
     .find_keys = cmd_sort_keys,
     .args = "key:key@0 by-pattern:pattern@1=BY~pattern? limit:block=LIMIT?(offset:integer "
       "count:integer) get-pattern:pattern@1=GET~pattern?*+ order:oneof?(asc:token=ASC "
       "desc:token=DESC) sorting:token=ALPHA? destination:key@2=STORE?"},
    {.name = "sort_ro", .run = cmd_sort_ro, .arity = -2,
     .flags = CMD_READONLY | CMD_MOVABLE_KEYS,
     .categories = CAT_DANGEROUS | CAT_LIST | CAT_SET | CAT_SORTEDSET, .group = "generic",
     .since = "7.0.0",
     .summary = "Sorts the elements of a list, set or sorted set",
     .complexity = "O(N+M*log(M)), N: elements there, M: elements returned; O(N) with BY nosort",
     .keys = {KEY_AT(KEY_RO | KEY_ACCESS, 1, 0, 1),
              {.flags = KEY_RO | KEY_ACCESS, .begin = KEY_BEGIN_UNKNOWN, .find = KEY_FIND_UNKNOWN}},
     .args = "key:key@0 by-pattern:pattern@1=BY~pattern? limit:block=LIMIT?(offset:integer "
       "count:integer) get-pattern:pattern@1=GET~pattern?*+ order:oneof?(asc:token=ASC "
       "desc:token=DESC) sorting:token=ALPHA?"},
    {.name = NULL}};
