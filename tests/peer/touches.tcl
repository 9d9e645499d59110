# SPDX-License-Identifier: BSD-3-Clause
# How often a command counts as a use of its keys (OBJECT FREQ, each use counted), what is left of
# that when it replaces a value, and how many hits and misses it counts: as with the installed
# redis-server. By it keys are kept or evicted.
source [file join [file dirname [info script]] ../integration/lib.tcl]
source [file join [file dirname [info script]] lib/pair.tcl]

# The key is K; o is another of the same type, t one of strings.
set commands {
    {SET K abc} {
        {SET K x} {SET K x XX} {SET K x NX} {SET K x KEEPTTL} {SET K x GET} {SET K x EX 100}
        {SET K x EX 100 GET} {SETNX K x} {GETSET K x} {MSET K x} {MSET K x K y} {MSETNX K x}
        {SETEX K 100 x} {PSETEX K 100000 x} {GETEX K} {GETEX K EX 100} {GET K} {STRLEN K}
        {APPEND K x} {SETRANGE K 1 x} {GETRANGE K 0 1} {SETBIT K 1 1} {GETBIT K 1} {BITCOUNT K}
        {BITPOS K 1} {BITFIELD K GET u8 0} {BITFIELD K SET u8 0 1} {BITOP NOT K o} {BITOP NOT o K}
        {BITOP AND K K o} {MGET K K} {LCS K o} {DUMP K} {TYPE K} {EXISTS K} {TOUCH K} {TTL K}
        {PEXPIRETIME K} {EXPIRE K 100} {PERSIST K} {COPY K new} {COPY o K REPLACE} {OBJECT ENCODING K}
        {RENAME o K} {RENAMENX o K} {INCR K} {PFADD K x} {PFCOUNT K} {DEL nokey} {LLEN K} {SUBSTR K 0 1}
        {SORT K} {DEBUG OBJECT K} {MEMORY USAGE K} {MOVE K 0} {SINTERSTORE K t} {OBJECT REFCOUNT K}
    }
    {SET K 12} {
        {INCR K} {INCRBY K 5} {DECR K} {DECRBY K 5} {INCRBYFLOAT K 1.5} {APPEND K 3} {SET K 13}
        {GETSET K 1} {BITCOUNT K} {INCRBYFLOAT K 1} {GETDEL nokey} {GET K}
    }
    {PFADD K a b} {
        {PFADD K a} {PFADD K c} {PFCOUNT K} {PFCOUNT K o} {PFMERGE K o} {PFMERGE o K} {PFMERGE K}
    }
    {RPUSH K 1 2 3} {
        {LPUSH K x} {RPUSHX K x} {LPOP K} {LRANGE K 0 -1} {LINDEX K 0} {LSET K 0 x} {LLEN K}
        {LINSERT K BEFORE 2 x} {LREM K 0 2} {LTRIM K 0 1} {LMOVE K o LEFT LEFT} {LMOVE o K LEFT LEFT}
        {LMOVE K K LEFT RIGHT} {RPOPLPUSH K o} {LMPOP 2 K o LEFT} {LPOS K 2} {SORT K} {SORT K STORE K}
        {SORT o STORE K} {SORT K BY o} {BLPOP K 1} {BLMOVE K o LEFT LEFT 1} {BLMPOP 1 1 K LEFT} {LPOP K 0}
        {SORT K STORE o} {SORT_RO K} {LPOP K 2}
    }
    {SADD K a b c} {
        {SADD K d} {SREM K a} {SCARD K} {SISMEMBER K a} {SMISMEMBER K a b} {SMEMBERS K} {SPOP K}
        {SPOP K 1} {SPOP K 5} {SPOP K 0} {SRANDMEMBER K} {SRANDMEMBER K 2} {SMOVE K o a} {SMOVE o K a}
        {SINTER K o} {SUNION K o} {SDIFF K o} {SINTERSTORE K o K} {SUNIONSTORE K o} {SDIFFSTORE K K o}
        {SINTERCARD 2 K o} {SSCAN K 0} {SUNIONSTORE new K} {SINTERSTORE o K K} {SORT K ALPHA} {SMOVE K K a}
    }
    {ZADD K 1 a 2 b 3 c} {
        {ZADD K 5 a} {ZADD K XX 5 z} {ZINCRBY K 1 a} {ZREM K a} {ZCARD K} {ZSCORE K a} {ZMSCORE K a b}
        {ZRANK K a} {ZRANGE K 0 -1} {ZRANGEBYSCORE K 0 9} {ZCOUNT K 0 9} {ZPOPMIN K} {ZPOPMAX K 2}
        {ZREMRANGEBYRANK K 0 0} {ZUNIONSTORE K 2 o K} {ZINTERSTORE K 1 o} {ZDIFFSTORE K 1 o}
        {ZUNION 2 K o} {ZRANGESTORE K o 0 -1} {ZRANGESTORE o K 0 -1} {ZMPOP 1 K MIN} {BZPOPMIN K 1}
        {ZRANDMEMBER K} {ZSCAN K 0} {GEOSEARCHSTORE K o FROMLONLAT 0 0 BYRADIUS 50000 km} {GEOPOS K a}
        {GEODIST K a b} {GEOADD K 1 1 q} {GEOSEARCH K FROMMEMBER a BYRADIUS 1 km} {BZMPOP 1 1 K MIN}
        {GEORADIUS o 0 0 50000 km STORE K} {ZPOPMIN K 0} {ZLEXCOUNT K - +} {ZINTERCARD 1 K}
    }
    {HSET K a 1 b 2} {
        {HSET K c 1} {HGET K a} {HMGET K a b} {HGETALL K} {HKEYS K} {HDEL K a} {HLEN K} {HINCRBY K a 1}
        {HINCRBYFLOAT K a 1} {HEXISTS K a} {HSTRLEN K a} {HSETNX K a 1} {HRANDFIELD K} {HSCAN K 0}
        {HMSET K c 1}
    }
    {XADD K 1-1 a b} {
        {XADD K 2-1 a b} {XLEN K} {XRANGE K - +} {XREVRANGE K + -} {XDEL K 1-1} {XTRIM K MAXLEN 0}
        {XREAD STREAMS K 0} {XREADGROUP GROUP g c STREAMS K >} {XREADGROUP GROUP g c STREAMS K 0}
        {XACK K g 1-1} {XPENDING K g} {XPENDING K g - + 10} {XCLAIM K g c 0 1-1} {XAUTOCLAIM K g c 0 0}
        {XGROUP CREATE K g2 0} {XGROUP SETID K g 0} {XGROUP DESTROY K g} {XINFO STREAM K}
        {XINFO GROUPS K} {XINFO CONSUMERS K g} {XSETID K 9-9} {XGROUP CREATECONSUMER K g d}
        {XGROUP DELCONSUMER K g c} {XADD K NOMKSTREAM * a b} {XREAD STREAMS K $}
    }
}
# Where the peer looks a key up twice in one command, ours counts one use, or one hit.
set once {
    {BLMOVE K o LEFT LEFT 1} {BZPOPMIN K 1} {BZMPOP 1 1 K MIN} {SPOP K 5}
    {XREADGROUP GROUP g c STREAMS K >} {XREADGROUP GROUP g c STREAMS K 0}
}
foreach {made lines} $commands {
    case "uses of a key, made by $made" {
        pair_start "maxmemory-policy allkeys-lfu\nlfu-log-factor 0\nlfu-decay-time 0\nmaxmemory 1gb"
        set wrong {}
        foreach words $lines {
            both FLUSHALL
            foreach key {K o} { both [string map [list K $key] $made] }
            if {[lindex $made 0] eq "XADD"} { both {XGROUP CREATE K g 0} ; both {XREADGROUP GROUP g c STREAMS K >} }
            both {SADD t 1 2}
            for {set i 0} {$i < 10} {incr i} { both {TOUCH K} }
            both {CONFIG RESETSTAT}
            compare kind $words
            set seen [lmap server [list $ours $peer] {
                list [info_of $server keyspace_hits] [info_of $server keyspace_misses]
            }]
            set freq [lmap fd [pair_fds main] { catch { request $fd OBJECT FREQ K } reply; set reply }]
            lassign $freq x y
            set used [expr {$x eq $y}]
            set alike [expr {[lindex $seen 0] eq [lindex $seen 1]}]
            if {$words in $once} {
                # one of the two differs, by one
                is [list $words [expr {$used + $alike}]] [list $words 1]
                is [list $words [expr {($used ? 0 : $y - $x) +
                    [lindex $seen 1 0] - [lindex $seen 0 0]}]] [list $words 1]
            } elseif {!$used || !$alike} {
                lappend wrong "$words: uses $freq; hits and misses $seen"
            }
        }
        if {[llength $wrong]} { error "[llength $wrong] differ\n    [join $wrong "\n    "]" " " }
    }
}

finish
