/* SPDX-License-Identifier: BSD-3-Clause */
/* What COMMAND, ACL and the executor know of the geo commands. Facts as in Redis 7.2. */
#include "commands/cmd_geo.h"

#define UNIT_WORDS "(m:token=M km:token=KM ft:token=FT mi:token=MI)"
#define WITH_WORDS "withcoord:token=WITHCOORD? withdist:token=WITHDIST? withhash:token=WITHHASH? "
#define ORDER_WORDS "order:oneof?(asc:token=ASC desc:token=DESC) "
#define COUNT_WORDS "count-block:block?(count:integer=COUNT any:token=ANY?) "
#define COUNT_WORDS_SINCE "count-block:block?(count:integer=COUNT any:token=ANY?^6.2.0) "
#define STORE_WORDS \
    "store:oneof?(storekey:key@1=STORE~key storedistkey:key@2=STOREDIST~key)"
#define SEARCH_WORDS \
    "from:oneof(member:string=FROMMEMBER fromlonlat:block=FROMLONLAT(longitude:double " \
    "latitude:double)) by:oneof(circle:block(radius:double=BYRADIUS unit:oneof" UNIT_WORDS ") " \
    "box:block(width:double=BYBOX height:double unit:oneof" UNIT_WORDS ")) " ORDER_WORDS COUNT_WORDS
#define SEARCH_COST \
    "O(N+log(M)), N: members in the cells that hold the shape, M: members inside it"
#define RADIUS_COST "O(N+log(M)), N: members in the cells that hold the circle, M: members of all"
#define STORE_KEYS(from) \
    {KEY_AT(KEY_RO | KEY_ACCESS, 1, 0, 1), \
     {.flags = KEY_OW | KEY_UPDATE, .begin = KEY_BEGIN_KEYWORD, .keyword = "STORE", \
      .begin_index = (from), .find = KEY_FIND_RANGE, .step = 1}, \
     {.flags = KEY_OW | KEY_UPDATE, .begin = KEY_BEGIN_KEYWORD, .keyword = "STOREDIST", \
      .begin_index = (from), .find = KEY_FIND_RANGE, .step = 1}}

const struct command cmd_geo_commands[] = {
    {.name = "geoadd", .run = cmd_geoadd, .arity = -5, .flags = CMD_WRITE | CMD_DENYOOM,
     .categories = CAT_GEO, .group = "geo", .since = "3.2.0",
     .summary = "Adds places to a sorted set, or moves them",
     .complexity = "O(log(N)) for each place, N: members",
     .history = "6.2.0:The options NX, XX and CH.",
     .keys = {KEY_AT(KEY_RW | KEY_UPDATE, 1, 0, 1)},
     .args = "key:key@0 condition:oneof?^6.2.0(nx:token=NX xx:token=XX) change:token=CH?^6.2.0 "
       "data:block*(longitude:double latitude:double member:string)"},
    {.name = "geodist", .run = cmd_geodist, .arity = -4, .flags = CMD_READONLY,
     .categories = CAT_GEO, .group = "geo", .since = "3.2.0",
     .summary = "Tells how far two places are from each other",
     .complexity = "O(1)",
     .keys = {KEY_AT(KEY_RO | KEY_ACCESS, 1, 0, 1)},
     .args = "key:key@0 member1:string member2:string unit:oneof?" UNIT_WORDS},
    {.name = "geohash", .run = cmd_geohash, .arity = -2, .flags = CMD_READONLY,
     .categories = CAT_GEO, .group = "geo", .since = "3.2.0",
     .summary = "Tells places as geohash texts",
     .complexity = "O(1) for each member",
     .keys = {KEY_AT(KEY_RO | KEY_ACCESS, 1, 0, 1)},
     .args = "key:key@0 member:string?*"},
    {.name = "geopos", .run = cmd_geopos, .arity = -2, .flags = CMD_READONLY,
     .categories = CAT_GEO, .group = "geo", .since = "3.2.0",
     .summary = "Tells longitude and latitude of places",
     .complexity = "O(1) for each member",
     .keys = {KEY_AT(KEY_RO | KEY_ACCESS, 1, 0, 1)},
     .args = "key:key@0 member:string?*"},
    {.name = "georadius", .run = cmd_georadius, .arity = -6,
     .flags = CMD_WRITE | CMD_DENYOOM | CMD_MOVABLE_KEYS,
     .categories = CAT_GEO, .group = "geo", .since = "3.2.0",
     .summary = "Finds the members within a circle around a place, or keeps them in a key",
     .complexity = RADIUS_COST, .deprecated_since = "6.2.0",
     .replaced_by = "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` argument",
     .history = "6.2.0:The option ANY of COUNT.|7.0.0:Upper case units.",
     .keys = STORE_KEYS(6), .find_keys = cmd_georadius_keys,
     .args = "key:key@0 longitude:double latitude:double radius:double unit:oneof" UNIT_WORDS " "
       WITH_WORDS COUNT_WORDS_SINCE ORDER_WORDS STORE_WORDS},
    {.name = "georadius_ro", .run = cmd_georadius_ro, .arity = -6, .flags = CMD_READONLY,
     .categories = CAT_GEO, .group = "geo", .since = "3.2.10",
     .summary = "Finds the members within a circle around a place",
     .complexity = RADIUS_COST, .deprecated_since = "6.2.0",
     .replaced_by = "`GEOSEARCH` with the `BYRADIUS` argument",
     .history = "6.2.0:The option ANY of COUNT.",
     .keys = {KEY_AT(KEY_RO | KEY_ACCESS, 1, 0, 1)},
     .args = "key:key@0 longitude:double latitude:double radius:double unit:oneof" UNIT_WORDS " "
       WITH_WORDS COUNT_WORDS_SINCE ORDER_WORDS},
    {.name = "georadiusbymember", .run = cmd_georadiusbymember, .arity = -5,
     .flags = CMD_WRITE | CMD_DENYOOM | CMD_MOVABLE_KEYS,
     .categories = CAT_GEO, .group = "geo", .since = "3.2.0",
     .summary = "Finds the members within a circle around a member, or keeps them in a key",
     .complexity = RADIUS_COST, .deprecated_since = "6.2.0",
     .replaced_by =
         "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` and `FROMMEMBER` arguments",
     .history = "6.2.0:The option ANY of COUNT.|7.0.0:Upper case units.",
     .keys = STORE_KEYS(5), .find_keys = cmd_georadius_keys,
     .args = "key:key@0 member:string radius:double unit:oneof" UNIT_WORDS " "
       WITH_WORDS COUNT_WORDS ORDER_WORDS STORE_WORDS},
    {.name = "georadiusbymember_ro", .run = cmd_georadiusbymember_ro, .arity = -5,
     .flags = CMD_READONLY,
     .categories = CAT_GEO, .group = "geo", .since = "3.2.10",
     .summary = "Finds the members within a circle around a member",
     .complexity = RADIUS_COST, .deprecated_since = "6.2.0",
     .replaced_by = "`GEOSEARCH` with the `BYRADIUS` and `FROMMEMBER` arguments",
     .keys = {KEY_AT(KEY_RO | KEY_ACCESS, 1, 0, 1)},
     .args = "key:key@0 member:string radius:double unit:oneof" UNIT_WORDS " "
       WITH_WORDS COUNT_WORDS ORDER_WORDS},
    {.name = "geosearch", .run = cmd_geosearch, .arity = -7, .flags = CMD_READONLY,
     .categories = CAT_GEO, .group = "geo", .since = "6.2.0",
     .summary = "Finds the members within a circle or a box",
     .complexity = SEARCH_COST,
     .history = "7.0.0:Upper case units.",
     .keys = {KEY_AT(KEY_RO | KEY_ACCESS, 1, 0, 1)},
     .args = "key:key@0 " SEARCH_WORDS WITH_WORDS},
    {.name = "geosearchstore", .run = cmd_geosearchstore, .arity = -8,
     .flags = CMD_WRITE | CMD_DENYOOM,
     .categories = CAT_GEO, .group = "geo", .since = "6.2.0",
     .summary = "Keeps the members within a circle or a box in a key",
     .complexity = SEARCH_COST,
     .history = "7.0.0:Upper case units.",
     .keys = {KEY_AT(KEY_OW | KEY_UPDATE, 1, 0, 1), KEY_AT(KEY_RO | KEY_ACCESS, 2, 0, 1)},
     .args = "destination:key@0 source:key@1 " SEARCH_WORDS "storedist:token=STOREDIST?"},
    {.name = NULL}};
