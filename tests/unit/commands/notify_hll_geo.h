/* SPDX-License-Identifier: BSD-3-Clause */
/* HyperLogLog and geo: see notify_rows.h. */
#ifndef TESTS_UNIT_COMMANDS_NOTIFY_HLL_GEO_H
#define TESTS_UNIT_COMMANDS_NOTIFY_HLL_GEO_H

#include "tests/unit/commands/notify_rows.h"

static const struct notify_row notify_hll_geo_rows[] = {
    {"", "pfadd k a", "new:new k string:pfadd k"},
    {"", "pfadd k", "new:new k string:pfadd k"},
    {"pfadd k a", "pfadd k a", ""},
    {"pfadd k a", "pfadd k b c", "string:pfadd k"},
    {"pfadd k a", "pfadd k", ""},
    {"", "pfcount k", "keymiss:keymiss k"},
    {"pfadd k a", "pfcount k", ""},
    {"pfadd k a; pfcount k", "pfcount k", ""},
    {"pfadd k a", "pfcount k j", "keymiss:keymiss j"},
    {"", "pfmerge k", "keymiss:keymiss k new:new k string:pfadd k"},
    {"", "pfmerge k j", "keymiss:keymiss k keymiss:keymiss j new:new k string:pfadd k"},
    {"pfadd j a", "pfmerge k j", "keymiss:keymiss k new:new k string:pfadd k"},
    {"pfadd k a; pfadd j b", "pfmerge k j", "string:pfadd k"},
    {"pfadd k a", "pfmerge k", "string:pfadd k"},
    {"pfadd k a", "pfdebug todense k", ""},
    {"rpush k a", "pfadd k a", ""},
    {"set k v", "pfadd k a", ""},
    {"", "pfdebug encoding k", ""},
    {"", "geoadd k 1 1 a", "new:new k zset:zadd k"},
    {"geoadd k 1 1 a", "geoadd k 1 1 a", ""},
    {"geoadd k 1 1 a", "geoadd k 2 2 a", "zset:zadd k"},
    {"geoadd k 1 1 a", "geoadd k nx 2 2 a", ""},
    {"", "geoadd k xx 2 2 a", ""},
    {"", "geodist k a b", "keymiss:keymiss k"},
    {"", "geopos k a", "keymiss:keymiss k"},
    {"", "geohash k a", "keymiss:keymiss k"},
    {"", "geosearch k frommember a byradius 1 m", "keymiss:keymiss k"},
    {"geoadd k 1 1 a", "geosearch k frommember a byradius 1 m", ""},
    {"geoadd k 1 1 a", "geosearchstore d k frommember a byradius 1 m",
     "new:new d zset:geosearchstore d"},
    {"geoadd k 1 1 a; set d v", "geosearchstore d k frommember a byradius 1 m",
     "zset:geosearchstore d"},
    {"geoadd k 1 1 a; set d v", "geosearchstore d k fromlonlat 9 9 byradius 1 m",
     "generic:del d"},
    {"geoadd k 1 1 a", "geosearchstore d k fromlonlat 9 9 byradius 1 m", ""},
    {"set d v", "geosearchstore d k fromlonlat 9 9 byradius 1 m",
     "keymiss:keymiss k generic:del d"},
    {"", "geosearchstore d k fromlonlat 9 9 byradius 1 m", "keymiss:keymiss k"},
    {"geoadd k 1 1 a", "georadius k 1 1 1 km store d", "new:new d zset:georadiusstore d"},
    {"geoadd k 1 1 a", "georadius k 1 1 1 km storedist k", "zset:georadiusstore k"},
    {"set d v", "georadius k 1 1 1 km store d", "keymiss:keymiss k generic:del d"},
    {"geoadd k 1 1 a", "georadiusbymember k a 1 km storedist d",
     "new:new d zset:georadiusstore d"},
    {"", "georadius k 1 1 1 km", "keymiss:keymiss k"},
    {"", "georadiusbymember_ro k a 1 km", "keymiss:keymiss k"},
};

#endif
