/* SPDX-License-Identifier: BSD-3-Clause */
/* What COMMAND, ACL and the executor know of the bitmap commands. Facts as in Redis 7.2. */
#include "commands/cmd_bitmap.h"

const struct command cmd_bitmap_commands[] = {
    {.name = "setbit", .run = cmd_setbit, .arity = 4, .flags = CMD_WRITE | CMD_DENYOOM,
     .categories = CAT_BITMAP, .group = "bitmap", .since = "2.2.0",
     .summary = "Sets a bit of a string",
     .complexity = "O(1)",
     .keys = {KEY_AT(KEY_RW | KEY_ACCESS | KEY_UPDATE, 1, 0, 1)},
     .args = "key:key@0 offset:integer value:integer"},
    {.name = "getbit", .run = cmd_getbit, .arity = 3, .flags = CMD_READONLY | CMD_FAST,
     .categories = CAT_BITMAP, .group = "bitmap", .since = "2.2.0",
     .summary = "Reads a bit of a string",
     .complexity = "O(1)",
     .keys = {KEY_AT(KEY_RO | KEY_ACCESS, 1, 0, 1)},
     .args = "key:key@0 offset:integer"},
    {.name = "bitcount", .run = cmd_bitcount, .arity = -2, .flags = CMD_READONLY,
     .categories = CAT_BITMAP, .group = "bitmap", .since = "2.6.0",
     .summary = "Counts the bits of a string that are set",
     .complexity = "O(N)",
     .keys = {KEY_AT(KEY_RO | KEY_ACCESS, 1, 0, 1)},
     .args = "key:key@0 range:block?(start:integer end:integer "
       "unit:oneof?^7.0.0(byte:token=BYTE bit:token=BIT))"},
    {.name = "bitpos", .run = cmd_bitpos, .arity = -3, .flags = CMD_READONLY,
     .categories = CAT_BITMAP, .group = "bitmap", .since = "2.8.7",
     .summary = "Finds the first bit that is set, or the first that is not",
     .complexity = "O(N)",
     .keys = {KEY_AT(KEY_RO | KEY_ACCESS, 1, 0, 1)},
     .args = "key:key@0 bit:integer range:block?(start:integer "
       "end-unit-block:block?(end:integer unit:oneof?^7.0.0(byte:token=BYTE bit:token=BIT)))"},
    {.name = "bitop", .run = cmd_bitop, .arity = -4, .flags = CMD_WRITE | CMD_DENYOOM,
     .categories = CAT_BITMAP, .group = "bitmap", .since = "2.6.0",
     .summary = "Keeps what AND, OR, XOR or NOT make of strings in a key",
     .complexity = "O(N)",
     .keys = {KEY_AT(KEY_OW | KEY_UPDATE, 2, 0, 1),
              KEY_AT(KEY_RO | KEY_ACCESS, 3, -1, 1)},
     .args = "operation:oneof(and:token=AND or:token=OR xor:token=XOR not:token=NOT) "
       "destkey:key@0 key:key@1*"},
    {.name = "bitfield", .run = cmd_bitfield, .arity = -2, .flags = CMD_WRITE | CMD_DENYOOM,
     .categories = CAT_BITMAP, .group = "bitmap", .since = "3.2.0",
     .summary = "Reads and changes integers of any width within a string",
     .complexity = "O(N), N: operations given",
     .keys = {KEY_AT(KEY_RW | KEY_ACCESS | KEY_UPDATE | KEY_VARIABLE, 1, 0, 1)},
     .key_flags = bitfield_key_flags,
     .args = "key:key@0 operation:oneof?*(get-block:block=GET(encoding:string offset:integer) "
       "write:block(overflow-block:oneof=OVERFLOW?(wrap:token=WRAP sat:token=SAT "
       "fail:token=FAIL) write-operation:oneof(set-block:block=SET(encoding:string "
       "offset:integer value:integer) incrby-block:block=INCRBY(encoding:string offset:integer "
       "increment:integer))))"},
    {.name = "bitfield_ro", .run = cmd_bitfield_ro, .arity = -2,
     .flags = CMD_READONLY | CMD_FAST, .categories = CAT_BITMAP, .group = "bitmap",
     .since = "6.0.0",
     .summary = "Reads integers of any width within a string",
     .complexity = "O(N), N: operations given",
     .keys = {KEY_AT(KEY_RO | KEY_ACCESS, 1, 0, 1)},
     .args = "key:key@0 get-block:block=GET?*+(encoding:string offset:integer)"},
    {.name = NULL}};
