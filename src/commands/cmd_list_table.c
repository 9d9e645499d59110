/* SPDX-License-Identifier: BSD-3-Clause */
/* What COMMAND, ACL and the executor know of the list commands. Facts as in Redis 7.2. */
#include "commands/cmd_list.h"

const struct command cmd_list_commands[] = {
    {.name = "lindex", .run = cmd_lindex, .arity = 3, .flags = CMD_READONLY,
     .categories = CAT_LIST, .group = "list", .since = "1.0.0",
     .summary = "Reads the element at a position",
     .complexity =
         "O(N) where N is the number of elements to traverse to get to the element at index. This "
         "makes asking for the first or the last element of the list O(1).",
     .keys = {KEY_AT(KEY_RO | KEY_ACCESS, 1, 0, 1)},
     .args = "key:key@0 index:integer"},
    {.name = "linsert", .run = cmd_linsert, .arity = 5, .flags = CMD_WRITE | CMD_DENYOOM,
     .categories = CAT_LIST, .group = "list", .since = "2.2.0",
     .summary = "Inserts before or behind an element",
     .complexity =
         "O(N) where N is the number of elements to traverse before seeing the value pivot. This "
         "means that inserting somewhere on the left end on the list (head) can be considered "
         "O(1) and inserting somewhere on the right end (tail) is O(N).",
     .keys = {KEY_AT(KEY_RW | KEY_INSERT, 1, 0, 1)},
     .args = "key:key@0 where:oneof(before:token=BEFORE after:token=AFTER) pivot:string "
       "element:string"},
    {.name = "llen", .run = cmd_llen, .arity = 2, .flags = CMD_READONLY | CMD_FAST,
     .categories = CAT_LIST, .group = "list", .since = "1.0.0",
     .summary = "Tells the length of a list",
     .complexity = "O(1)",
     .keys = {KEY_AT(KEY_RO, 1, 0, 1)},
     .args = "key:key@0"},
    {.name = "lmove", .run = cmd_lmove, .arity = 5, .flags = CMD_WRITE | CMD_DENYOOM,
     .categories = CAT_LIST, .group = "list", .since = "6.2.0",
     .summary = "Moves an element from one list to another",
     .complexity = "O(1)",
     .keys = {KEY_AT(KEY_RW | KEY_ACCESS | KEY_DELETE, 1, 0, 1),
              KEY_AT(KEY_RW | KEY_INSERT, 2, 0, 1)},
     .args = "source:key@0 destination:key@1 wherefrom:oneof(left:token=LEFT right:token=RIGHT) "
       "whereto:oneof(left:token=LEFT right:token=RIGHT)"},
    {.name = "lmpop", .run = cmd_lmpop, .arity = -4, .flags = CMD_WRITE | CMD_MOVABLE_KEYS,
     .categories = CAT_LIST, .group = "list", .since = "7.0.0",
     .summary = "Pops elements from the first list that has any",
     .complexity =
         "O(N+M) where N is the number of provided keys and M is the number of elements returned.",
     .keys = {KEY_NUM_AT(KEY_RW | KEY_ACCESS | KEY_DELETE, 1)},
     .args = "numkeys:integer key:key@0* where:oneof(left:token=LEFT right:token=RIGHT) "
       "count:integer=COUNT?"},
    {.name = "lpop", .run = cmd_lpop, .arity = -2, .flags = CMD_WRITE | CMD_FAST,
     .categories = CAT_LIST, .group = "list", .since = "1.0.0",
     .summary = "Pops from the head",
     .complexity = "O(N) where N is the number of elements returned",
     .keys = {KEY_AT(KEY_RW | KEY_ACCESS | KEY_DELETE, 1, 0, 1)},
     .args = "key:key@0 count:integer?^6.2.0"},
    {.name = "lpos", .run = cmd_lpos, .arity = -3, .flags = CMD_READONLY, .categories = CAT_LIST,
     .group = "list", .since = "6.0.6",
     .summary = "Finds positions of an element",
     .complexity =
         "O(N) where N is the number of elements in the list, for the average case. When "
         "searching for elements near the head or the tail of the list, or when the MAXLEN "
         "option is provided, the command may run in constant time.",
     .keys = {KEY_AT(KEY_RO | KEY_ACCESS, 1, 0, 1)},
     .args = "key:key@0 element:string rank:integer=RANK? num-matches:integer=COUNT? "
       "len:integer=MAXLEN?"},
    {.name = "lpush", .run = cmd_lpush, .arity = -3, .flags = CMD_WRITE | CMD_DENYOOM | CMD_FAST,
     .categories = CAT_LIST, .group = "list", .since = "1.0.0",
     .summary = "Pushes at the head",
     .complexity =
         "O(1) for each element added, so O(N) to add N elements when the command is called with "
         "multiple arguments.",
     .keys = {KEY_AT(KEY_RW | KEY_INSERT, 1, 0, 1)},
     .args = "key:key@0 element:string*"},
    {.name = "lpushx", .run = cmd_lpushx, .arity = -3,
     .flags = CMD_WRITE | CMD_DENYOOM | CMD_FAST, .categories = CAT_LIST, .group = "list",
     .since = "2.2.0",
     .summary = "Pushes at the head of an existing list",
     .complexity =
         "O(1) for each element added, so O(N) to add N elements when the command is called with "
         "multiple arguments.",
     .keys = {KEY_AT(KEY_RW | KEY_INSERT, 1, 0, 1)},
     .args = "key:key@0 element:string*"},
    {.name = "lrange", .run = cmd_lrange, .arity = 4, .flags = CMD_READONLY,
     .categories = CAT_LIST, .group = "list", .since = "1.0.0",
     .summary = "Reads a range of elements",
     .complexity =
         "O(S+N) where S is the distance of start offset from HEAD for small lists, from nearest "
         "end (HEAD or TAIL) for large lists; and N is the number of elements in the specified "
         "range.",
     .keys = {KEY_AT(KEY_RO | KEY_ACCESS, 1, 0, 1)},
     .args = "key:key@0 start:integer stop:integer"},
    {.name = "lrem", .run = cmd_lrem, .arity = 4, .flags = CMD_WRITE, .categories = CAT_LIST,
     .group = "list", .since = "1.0.0",
     .summary = "Removes equal elements",
     .complexity =
         "O(N+M) where N is the length of the list and M is the number of elements removed.",
     .keys = {KEY_AT(KEY_RW | KEY_DELETE, 1, 0, 1)},
     .args = "key:key@0 count:integer element:string"},
    {.name = "lset", .run = cmd_lset, .arity = 4, .flags = CMD_WRITE | CMD_DENYOOM,
     .categories = CAT_LIST, .group = "list", .since = "1.0.0",
     .summary = "Replaces the element at a position",
     .complexity =
         "O(N) where N is the length of the list. Setting either the first or the last element of "
         "the list is O(1).",
     .keys = {KEY_AT(KEY_RW | KEY_UPDATE, 1, 0, 1)},
     .args = "key:key@0 index:integer element:string"},
    {.name = "ltrim", .run = cmd_ltrim, .arity = 4, .flags = CMD_WRITE, .categories = CAT_LIST,
     .group = "list", .since = "1.0.0",
     .summary = "Keeps only a range of elements",
     .complexity =
         "O(N) where N is the number of elements to be removed by the operation.",
     .keys = {KEY_AT(KEY_RW | KEY_DELETE, 1, 0, 1)},
     .args = "key:key@0 start:integer stop:integer"},
    {.name = "rpop", .run = cmd_rpop, .arity = -2, .flags = CMD_WRITE | CMD_FAST,
     .categories = CAT_LIST, .group = "list", .since = "1.0.0",
     .summary = "Pops from the tail",
     .complexity = "O(N) where N is the number of elements returned",
     .keys = {KEY_AT(KEY_RW | KEY_ACCESS | KEY_DELETE, 1, 0, 1)},
     .args = "key:key@0 count:integer?^6.2.0"},
    {.name = "rpoplpush", .run = cmd_rpoplpush, .arity = 3, .flags = CMD_WRITE | CMD_DENYOOM,
     .categories = CAT_LIST, .group = "list", .since = "1.2.0",
     .summary = "Moves the last element to the head of another list",
     .complexity = "O(1)",
     .deprecated_since = "6.2.0", .replaced_by = "`LMOVE` with the `RIGHT` and `LEFT` arguments",
     .keys = {KEY_AT(KEY_RW | KEY_ACCESS | KEY_DELETE, 1, 0, 1),
              KEY_AT(KEY_RW | KEY_INSERT, 2, 0, 1)},
     .args = "source:key@0 destination:key@1"},
    {.name = "rpush", .run = cmd_rpush, .arity = -3, .flags = CMD_WRITE | CMD_DENYOOM | CMD_FAST,
     .categories = CAT_LIST, .group = "list", .since = "1.0.0",
     .summary = "Pushes at the tail",
     .complexity =
         "O(1) for each element added, so O(N) to add N elements when the command is called with "
         "multiple arguments.",
     .keys = {KEY_AT(KEY_RW | KEY_INSERT, 1, 0, 1)},
     .args = "key:key@0 element:string*"},
    {.name = "rpushx", .run = cmd_rpushx, .arity = -3,
     .flags = CMD_WRITE | CMD_DENYOOM | CMD_FAST, .categories = CAT_LIST, .group = "list",
     .since = "2.2.0",
     .summary = "Pushes at the tail of an existing list",
     .complexity =
         "O(1) for each element added, so O(N) to add N elements when the command is called with "
         "multiple arguments.",
     .keys = {KEY_AT(KEY_RW | KEY_INSERT, 1, 0, 1)},
     .args = "key:key@0 element:string*"},
    {.name = NULL}};
