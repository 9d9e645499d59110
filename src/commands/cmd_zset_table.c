/* SPDX-License-Identifier: BSD-3-Clause */
/* What COMMAND, ACL and the executor know of the zset commands. Facts as in Redis 7.2. */
#include "commands/cmd_zset.h"

const struct command cmd_zset_commands[] = {
    {.name = "zadd", .run = cmd_zadd, .arity = -4, .flags = CMD_WRITE | CMD_DENYOOM | CMD_FAST,
     .categories = CAT_SORTEDSET, .group = "sorted-set", .since = "1.2.0",
     .summary = "Adds members with scores, or changes scores",
     .complexity =
         "O(log(N)) for each item added, where N is the number of elements in the sorted set.",
     .keys = {KEY_AT(KEY_RW | KEY_UPDATE, 1, 0, 1)},
     .args = "key:key@0 condition:oneof?^3.0.2(nx:token=NX xx:token=XX) "
       "comparison:oneof?^6.2.0(gt:token=GT lt:token=LT) change:token=CH?^3.0.2 "
       "increment:token=INCR?^3.0.2 data:block*(score:double member:string)"},
    {.name = "zcard", .run = cmd_zcard, .arity = 2, .flags = CMD_READONLY | CMD_FAST,
     .categories = CAT_SORTEDSET, .group = "sorted-set", .since = "1.2.0",
     .summary = "Counts the members of a sorted set",
     .complexity = "O(1)",
     .keys = {KEY_AT(KEY_RO, 1, 0, 1)},
     .args = "key:key@0"},
    {.name = "zcount", .run = cmd_zcount, .arity = 4, .flags = CMD_READONLY | CMD_FAST,
     .categories = CAT_SORTEDSET, .group = "sorted-set", .since = "2.0.0",
     .summary = "Counts the members within a range of scores",
     .complexity = "O(log(N)) with N being the number of elements in the sorted set.",
     .keys = {KEY_AT(KEY_RO | KEY_ACCESS, 1, 0, 1)},
     .args = "key:key@0 min:double max:double"},
    {.name = "zdiff", .run = cmd_zdiff, .arity = -3, .flags = CMD_READONLY | CMD_MOVABLE_KEYS,
     .categories = CAT_SORTEDSET, .group = "sorted-set", .since = "6.2.0",
     .summary = "Members of the first sorted set that the others lack",
     .complexity =
         "O(L + (N-K)log(N)) worst case where L is the total number of elements in all the sets, "
         "N is the size of the first set, and K is the size of the result set.",
     .keys = {KEY_NUM_AT(KEY_RO | KEY_ACCESS, 1)},
     .args = "numkeys:integer key:key@0* withscores:token=WITHSCORES?"},
    {.name = "zdiffstore", .run = cmd_zdiffstore, .arity = -4,
     .flags = CMD_WRITE | CMD_DENYOOM | CMD_MOVABLE_KEYS, .categories = CAT_SORTEDSET,
     .group = "sorted-set", .since = "6.2.0",
     .summary = "Keeps the difference of sorted sets in a key",
     .complexity =
         "O(L + (N-K)log(N)) worst case where L is the total number of elements in all the sets, "
         "N is the size of the first set, and K is the size of the result set.",
     .keys = {KEY_AT(KEY_OW | KEY_UPDATE, 1, 0, 1),
              KEY_NUM_AT(KEY_RO | KEY_ACCESS, 2)},
     .args = "destination:key@0 numkeys:integer key:key@1*"},
    {.name = "zincrby", .run = cmd_zincrby, .arity = 4,
     .flags = CMD_WRITE | CMD_DENYOOM | CMD_FAST, .categories = CAT_SORTEDSET,
     .group = "sorted-set", .since = "1.2.0",
     .summary = "Adds to a member's score",
     .complexity = "O(log(N)) where N is the number of elements in the sorted set.",
     .keys = {KEY_AT(KEY_RW | KEY_ACCESS | KEY_UPDATE, 1, 0, 1)},
     .args = "key:key@0 increment:integer member:string"},
    {.name = "zinter", .run = cmd_zinter, .arity = -3, .flags = CMD_READONLY | CMD_MOVABLE_KEYS,
     .categories = CAT_SORTEDSET, .group = "sorted-set", .since = "6.2.0",
     .summary = "Members that all sorted sets share",
     .complexity =
         "O(N*K)+O(M*log(M)) worst case with N being the smallest input sorted set, K being the "
         "number of input sorted sets and M being the number of elements in the resulting "
         "sorted set.",
     .keys = {KEY_NUM_AT(KEY_RO | KEY_ACCESS, 1)},
     .args = "numkeys:integer key:key@0* weight:integer=WEIGHTS?* "
       "aggregate:oneof=AGGREGATE?(sum:token=SUM min:token=MIN max:token=MAX) "
       "withscores:token=WITHSCORES?"},
    {.name = "zintercard", .run = cmd_zintercard, .arity = -3,
     .flags = CMD_READONLY | CMD_MOVABLE_KEYS, .categories = CAT_SORTEDSET,
     .group = "sorted-set", .since = "7.0.0",
     .summary = "Counts the members that all sorted sets share",
     .complexity =
         "O(N*K) worst case with N being the smallest input sorted set, K being the number of "
         "input sorted sets.",
     .keys = {KEY_NUM_AT(KEY_RO | KEY_ACCESS, 1)},
     .args = "numkeys:integer key:key@0* limit:integer=LIMIT?"},
    {.name = "zinterstore", .run = cmd_zinterstore, .arity = -4,
     .flags = CMD_WRITE | CMD_DENYOOM | CMD_MOVABLE_KEYS, .categories = CAT_SORTEDSET,
     .group = "sorted-set", .since = "2.0.0",
     .summary = "Keeps the intersection of sorted sets in a key",
     .complexity =
         "O(N*K)+O(M*log(M)) worst case with N being the smallest input sorted set, K being the "
         "number of input sorted sets and M being the number of elements in the resulting "
         "sorted set.",
     .keys = {KEY_AT(KEY_OW | KEY_UPDATE, 1, 0, 1),
              KEY_NUM_AT(KEY_RO | KEY_ACCESS, 2)},
     .args = "destination:key@0 numkeys:integer key:key@1* weight:integer=WEIGHTS?* "
       "aggregate:oneof=AGGREGATE?(sum:token=SUM min:token=MIN max:token=MAX)"},
    {.name = "zlexcount", .run = cmd_zlexcount, .arity = 4, .flags = CMD_READONLY | CMD_FAST,
     .categories = CAT_SORTEDSET, .group = "sorted-set", .since = "2.8.9",
     .summary = "Counts the members within a range of names",
     .complexity = "O(log(N)) with N being the number of elements in the sorted set.",
     .keys = {KEY_AT(KEY_RO | KEY_ACCESS, 1, 0, 1)},
     .args = "key:key@0 min:string max:string"},
    {.name = "zmpop", .run = cmd_zmpop, .arity = -4, .flags = CMD_WRITE | CMD_MOVABLE_KEYS,
     .categories = CAT_SORTEDSET, .group = "sorted-set", .since = "7.0.0",
     .summary = "Pops members from the first sorted set that has any",
     .complexity =
         "O(K) + O(M*log(N)) where K is the number of provided keys, N being the number of "
         "elements in the sorted set, and M being the number of elements popped.",
     .keys = {KEY_NUM_AT(KEY_RW | KEY_ACCESS | KEY_DELETE, 1)},
     .args = "numkeys:integer key:key@0* where:oneof(min:token=MIN max:token=MAX) "
       "count:integer=COUNT?"},
    {.name = "zmscore", .run = cmd_zmscore, .arity = -3, .flags = CMD_READONLY | CMD_FAST,
     .categories = CAT_SORTEDSET, .group = "sorted-set", .since = "6.2.0",
     .summary = "Reads the scores of several members",
     .complexity = "O(N) where N is the number of members being requested.",
     .keys = {KEY_AT(KEY_RO | KEY_ACCESS, 1, 0, 1)},
     .args = "key:key@0 member:string*"},
    {.name = "zpopmax", .run = cmd_zpopmax, .arity = -2, .flags = CMD_WRITE | CMD_FAST,
     .categories = CAT_SORTEDSET, .group = "sorted-set", .since = "5.0.0",
     .summary = "Pops the members with the highest scores",
     .complexity =
         "O(log(N)*M) with N being the number of elements in the sorted set, and M being the "
         "number of elements popped.",
     .keys = {KEY_AT(KEY_RW | KEY_ACCESS | KEY_DELETE, 1, 0, 1)},
     .args = "key:key@0 count:integer?"},
    {.name = "zpopmin", .run = cmd_zpopmin, .arity = -2, .flags = CMD_WRITE | CMD_FAST,
     .categories = CAT_SORTEDSET, .group = "sorted-set", .since = "5.0.0",
     .summary = "Pops the members with the lowest scores",
     .complexity =
         "O(log(N)*M) with N being the number of elements in the sorted set, and M being the "
         "number of elements popped.",
     .keys = {KEY_AT(KEY_RW | KEY_ACCESS | KEY_DELETE, 1, 0, 1)},
     .args = "key:key@0 count:integer?"},
    {.name = "zrandmember", .run = cmd_zrandmember, .arity = -2, .flags = CMD_READONLY,
     .categories = CAT_SORTEDSET, .group = "sorted-set", .since = "6.2.0",
     .summary = "Picks members by chance",
     .complexity = "O(N) where N is the number of members returned",
     .tips = "nondeterministic_output",
     .keys = {KEY_AT(KEY_RO | KEY_ACCESS, 1, 0, 1)},
     .args = "key:key@0 options:block?(count:integer withscores:token=WITHSCORES?)"},
    {.name = "zrange", .run = cmd_zrange, .arity = -4, .flags = CMD_READONLY,
     .categories = CAT_SORTEDSET, .group = "sorted-set", .since = "1.2.0",
     .summary = "Reads a range of members",
     .complexity =
         "O(log(N)+M) with N being the number of elements in the sorted set and M the number of "
         "elements returned.",
     .keys = {KEY_AT(KEY_RO | KEY_ACCESS, 1, 0, 1)},
     .args = "key:key@0 start:string stop:string sortby:oneof?^6.2.0(byscore:token=BYSCORE "
       "bylex:token=BYLEX) rev:token=REV?^6.2.0 limit:block=LIMIT?^6.2.0(offset:integer "
       "count:integer) withscores:token=WITHSCORES?"},
    {.name = "zrangebylex", .run = cmd_zrangebylex, .arity = -4, .flags = CMD_READONLY,
     .categories = CAT_SORTEDSET, .group = "sorted-set", .since = "2.8.9",
     .summary = "Reads the members within a range of names",
     .complexity =
         "O(log(N)+M) with N being the number of elements in the sorted set and M the number of "
         "elements being returned. If M is constant (e.g. always asking for the first 10 "
         "elements with LIMIT), you can consider it O(log(N)).",
     .deprecated_since = "6.2.0", .replaced_by = "`ZRANGE` with the `BYLEX` argument",
     .keys = {KEY_AT(KEY_RO | KEY_ACCESS, 1, 0, 1)},
     .args = "key:key@0 min:string max:string limit:block=LIMIT?(offset:integer count:integer)"},
    {.name = "zrangebyscore", .run = cmd_zrangebyscore, .arity = -4, .flags = CMD_READONLY,
     .categories = CAT_SORTEDSET, .group = "sorted-set", .since = "1.0.5",
     .summary = "Reads the members within a range of scores",
     .complexity =
         "O(log(N)+M) with N being the number of elements in the sorted set and M the number of "
         "elements being returned. If M is constant (e.g. always asking for the first 10 "
         "elements with LIMIT), you can consider it O(log(N)).",
     .deprecated_since = "6.2.0", .replaced_by = "`ZRANGE` with the `BYSCORE` argument",
     .keys = {KEY_AT(KEY_RO | KEY_ACCESS, 1, 0, 1)},
     .args = "key:key@0 min:double max:double withscores:token=WITHSCORES?^2.0.0 "
       "limit:block=LIMIT?(offset:integer count:integer)"},
    {.name = "zrangestore", .run = cmd_zrangestore, .arity = -5,
     .flags = CMD_WRITE | CMD_DENYOOM, .categories = CAT_SORTEDSET, .group = "sorted-set",
     .since = "6.2.0",
     .summary = "Keeps a range of members in a key",
     .complexity =
         "O(log(N)+M) with N being the number of elements in the sorted set and M the number of "
         "elements stored into the destination key.",
     .keys = {KEY_AT(KEY_OW | KEY_UPDATE, 1, 0, 1),
              KEY_AT(KEY_RO | KEY_ACCESS, 2, 0, 1)},
     .args = "dst:key@0 src:key@1 min:string max:string sortby:oneof?(byscore:token=BYSCORE "
       "bylex:token=BYLEX) rev:token=REV? limit:block=LIMIT?(offset:integer count:integer)"},
    {.name = "zrank", .run = cmd_zrank, .arity = -3, .flags = CMD_READONLY | CMD_FAST,
     .categories = CAT_SORTEDSET, .group = "sorted-set", .since = "2.0.0",
     .summary = "Tells the position of a member, lowest first",
     .complexity = "O(log(N))",
     .keys = {KEY_AT(KEY_RO | KEY_ACCESS, 1, 0, 1)},
     .args = "key:key@0 member:string withscore:token=WITHSCORE?"},
    {.name = "zrem", .run = cmd_zrem, .arity = -3, .flags = CMD_WRITE | CMD_FAST,
     .categories = CAT_SORTEDSET, .group = "sorted-set", .since = "1.2.0",
     .summary = "Removes members from a sorted set",
     .complexity =
         "O(M*log(N)) with N being the number of elements in the sorted set and M the number of "
         "elements to be removed.",
     .keys = {KEY_AT(KEY_RW | KEY_DELETE, 1, 0, 1)},
     .args = "key:key@0 member:string*"},
    {.name = "zremrangebylex", .run = cmd_zremrangebylex, .arity = 4, .flags = CMD_WRITE,
     .categories = CAT_SORTEDSET, .group = "sorted-set", .since = "2.8.9",
     .summary = "Removes the members within a range of names",
     .complexity =
         "O(log(N)+M) with N being the number of elements in the sorted set and M the number of "
         "elements removed by the operation.",
     .keys = {KEY_AT(KEY_RW | KEY_DELETE, 1, 0, 1)},
     .args = "key:key@0 min:string max:string"},
    {.name = "zremrangebyrank", .run = cmd_zremrangebyrank, .arity = 4, .flags = CMD_WRITE,
     .categories = CAT_SORTEDSET, .group = "sorted-set", .since = "2.0.0",
     .summary = "Removes the members within a range of positions",
     .complexity =
         "O(log(N)+M) with N being the number of elements in the sorted set and M the number of "
         "elements removed by the operation.",
     .keys = {KEY_AT(KEY_RW | KEY_DELETE, 1, 0, 1)},
     .args = "key:key@0 start:integer stop:integer"},
    {.name = "zremrangebyscore", .run = cmd_zremrangebyscore, .arity = 4, .flags = CMD_WRITE,
     .categories = CAT_SORTEDSET, .group = "sorted-set", .since = "1.2.0",
     .summary = "Removes the members within a range of scores",
     .complexity =
         "O(log(N)+M) with N being the number of elements in the sorted set and M the number of "
         "elements removed by the operation.",
     .keys = {KEY_AT(KEY_RW | KEY_DELETE, 1, 0, 1)},
     .args = "key:key@0 min:double max:double"},
    {.name = "zrevrange", .run = cmd_zrevrange, .arity = -4, .flags = CMD_READONLY,
     .categories = CAT_SORTEDSET, .group = "sorted-set", .since = "1.2.0",
     .summary = "Reads a range of members, highest first",
     .complexity =
         "O(log(N)+M) with N being the number of elements in the sorted set and M the number of "
         "elements returned.",
     .deprecated_since = "6.2.0", .replaced_by = "`ZRANGE` with the `REV` argument",
     .keys = {KEY_AT(KEY_RO | KEY_ACCESS, 1, 0, 1)},
     .args = "key:key@0 start:integer stop:integer withscores:token=WITHSCORES?"},
    {.name = "zrevrangebylex", .run = cmd_zrevrangebylex, .arity = -4, .flags = CMD_READONLY,
     .categories = CAT_SORTEDSET, .group = "sorted-set", .since = "2.8.9",
     .summary = "Reads the members within a range of names, last first",
     .complexity =
         "O(log(N)+M) with N being the number of elements in the sorted set and M the number of "
         "elements being returned. If M is constant (e.g. always asking for the first 10 "
         "elements with LIMIT), you can consider it O(log(N)).",
     .deprecated_since = "6.2.0", .replaced_by = "`ZRANGE` with the `REV` and `BYLEX` arguments",
     .keys = {KEY_AT(KEY_RO | KEY_ACCESS, 1, 0, 1)},
     .args = "key:key@0 max:string min:string limit:block=LIMIT?(offset:integer count:integer)"},
    {.name = "zrevrangebyscore", .run = cmd_zrevrangebyscore, .arity = -4, .flags = CMD_READONLY,
     .categories = CAT_SORTEDSET, .group = "sorted-set", .since = "2.2.0",
     .summary = "Reads the members within a range of scores, highest first",
     .complexity =
         "O(log(N)+M) with N being the number of elements in the sorted set and M the number of "
         "elements being returned. If M is constant (e.g. always asking for the first 10 "
         "elements with LIMIT), you can consider it O(log(N)).",
     .deprecated_since = "6.2.0", .replaced_by = "`ZRANGE` with the `REV` and `BYSCORE` arguments",
     .keys = {KEY_AT(KEY_RO | KEY_ACCESS, 1, 0, 1)},
     .args = "key:key@0 max:double min:double withscores:token=WITHSCORES? "
       "limit:block=LIMIT?(offset:integer count:integer)"},
    {.name = "zrevrank", .run = cmd_zrevrank, .arity = -3, .flags = CMD_READONLY | CMD_FAST,
     .categories = CAT_SORTEDSET, .group = "sorted-set", .since = "2.0.0",
     .summary = "Tells the position of a member, highest first",
     .complexity = "O(log(N))",
     .keys = {KEY_AT(KEY_RO | KEY_ACCESS, 1, 0, 1)},
     .args = "key:key@0 member:string withscore:token=WITHSCORE?"},
    {.name = "zscan", .run = cmd_zscan, .arity = -3, .flags = CMD_READONLY,
     .categories = CAT_SORTEDSET, .group = "sorted-set", .since = "2.8.0",
     .summary = "Walks a sorted set in steps",
     .complexity =
         "O(1) for every call. O(N) for a complete iteration, including enough command calls for "
         "the cursor to return back to 0. N is the number of elements inside the collection.",
     .tips = "nondeterministic_output",
     .keys = {KEY_AT(KEY_RO | KEY_ACCESS, 1, 0, 1)},
     .args = "key:key@0 cursor:integer pattern:pattern=MATCH? count:integer=COUNT?"},
    {.name = "zscore", .run = cmd_zscore, .arity = 3, .flags = CMD_READONLY | CMD_FAST,
     .categories = CAT_SORTEDSET, .group = "sorted-set", .since = "1.2.0",
     .summary = "Reads a member's score",
     .complexity = "O(1)",
     .keys = {KEY_AT(KEY_RO | KEY_ACCESS, 1, 0, 1)},
     .args = "key:key@0 member:string"},
    {.name = "zunion", .run = cmd_zunion, .arity = -3, .flags = CMD_READONLY | CMD_MOVABLE_KEYS,
     .categories = CAT_SORTEDSET, .group = "sorted-set", .since = "6.2.0",
     .summary = "Members of any of the sorted sets",
     .complexity =
         "O(N)+O(M*log(M)) with N being the sum of the sizes of the input sorted sets, and M "
         "being the number of elements in the resulting sorted set.",
     .keys = {KEY_NUM_AT(KEY_RO | KEY_ACCESS, 1)},
     .args = "numkeys:integer key:key@0* weight:integer=WEIGHTS?* "
       "aggregate:oneof=AGGREGATE?(sum:token=SUM min:token=MIN max:token=MAX) "
       "withscores:token=WITHSCORES?"},
    {.name = "zunionstore", .run = cmd_zunionstore, .arity = -4,
     .flags = CMD_WRITE | CMD_DENYOOM | CMD_MOVABLE_KEYS, .categories = CAT_SORTEDSET,
     .group = "sorted-set", .since = "2.0.0",
     .summary = "Keeps the union of sorted sets in a key",
     .complexity =
         "O(N)+O(M log(M)) with N being the sum of the sizes of the input sorted sets, and M "
         "being the number of elements in the resulting sorted set.",
     .keys = {KEY_AT(KEY_OW | KEY_UPDATE, 1, 0, 1),
              KEY_NUM_AT(KEY_RO | KEY_ACCESS, 2)},
     .args = "destination:key@0 numkeys:integer key:key@1* weight:integer=WEIGHTS?* "
       "aggregate:oneof=AGGREGATE?(sum:token=SUM min:token=MIN max:token=MAX)"},
    {.name = NULL}};
