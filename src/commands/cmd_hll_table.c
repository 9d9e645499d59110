/* SPDX-License-Identifier: BSD-3-Clause */
/* What COMMAND, ACL and the executor know of the HyperLogLog commands. Facts as in Redis 7.2. */
#include "commands/cmd_hll.h"

const struct command cmd_hll_commands[] = {
    {.name = "pfadd", .run = cmd_pfadd, .arity = -2, .flags = CMD_WRITE | CMD_DENYOOM | CMD_FAST,
     .categories = CAT_HYPERLOGLOG, .group = "hyperloglog", .since = "2.8.9",
     .summary = "Lets a sketch see elements, and makes it if it is not there",
     .complexity = "O(1) for each element",
     .keys = {KEY_AT(KEY_RW | KEY_INSERT, 1, 0, 1)},
     .args = "key:key@0 element:string?*"},
    {.name = "pfcount", .run = cmd_pfcount, .arity = -2, .flags = CMD_READONLY | CMD_MAY_REPLICATE,
     .categories = CAT_HYPERLOGLOG, .group = "hyperloglog", .since = "2.8.9",
     .summary = "Estimates how many different elements sketches have seen together",
     .complexity = "O(1) for one key, whose count is mostly known; O(N) for N keys, which is much "
       "more for each",
     .keys = {{.flags = KEY_RW | KEY_ACCESS, .begin = KEY_BEGIN_INDEX, .begin_index = 1,
               .find = KEY_FIND_RANGE, .last = -1, .step = 1,
               .notes = "RW: the count is kept in the value, and replicas are told"}},
     .args = "key:key@0*"},
    {.name = "pfmerge", .run = cmd_pfmerge, .arity = -2, .flags = CMD_WRITE | CMD_DENYOOM,
     .categories = CAT_HYPERLOGLOG, .group = "hyperloglog", .since = "2.8.9",
     .summary = "Lets a sketch see all that others have seen",
     .complexity = "O(N), N: sketches",
     .keys = {KEY_AT(KEY_RW | KEY_ACCESS | KEY_INSERT, 1, 0, 1),
              KEY_AT(KEY_RO | KEY_ACCESS, 2, -1, 1)},
     .args = "destkey:key@0 sourcekey:key@1?*"},
    {.name = "pfdebug", .run = cmd_pfdebug, .arity = 3,
     .flags = CMD_WRITE | CMD_DENYOOM | CMD_ADMIN,
     .categories = CAT_HYPERLOGLOG, .group = "hyperloglog", .since = "2.8.9",
     .summary = "Shows what a sketch is made of, or makes it dense",
     .complexity = "N/A", .system = true,
     .keys = {KEY_AT(KEY_RW | KEY_ACCESS, 2, 0, 1)},
     .args = "subcommand:string key:key@0"},
    {.name = "pfselftest", .run = cmd_pfselftest, .arity = 1, .flags = CMD_ADMIN,
     .categories = CAT_HYPERLOGLOG, .group = "hyperloglog", .since = "2.8.9",
     .summary = "Tests the sketches' registers and estimates",
     .complexity = "N/A", .system = true},
    {.name = NULL}};
