# SPDX-License-Identifier: BSD-3-Clause
# How many changes each command counts (what save points go by), beside the installed redis-server.
source [file join [file dirname [info script]] ../integration/lib.tcl]
source [file join [file dirname [info script]] lib/pair.tcl]

set commands {
    RPUSH l a b c
    LMOVE l l2 LEFT RIGHT
    RPOPLPUSH l l2
    LMOVE l2 l2 LEFT RIGHT
    BLMOVE l2 l LEFT RIGHT 0
    LMPOP 1 l2 LEFT COUNT 2
    BLPOP l l2 0
    XADD s 1-1 a b
    XADD s 2-1 a b
    XADD s 3-1 a b
    XADD s 4-1 a b
    XGROUP CREATE s g 0
    XREADGROUP GROUP g c COUNT 2 STREAMS s >
    XREADGROUP GROUP g c COUNT 2 STREAMS s >
    XREADGROUP GROUP g c COUNT 2 STREAMS s >
    XREADGROUP GROUP g c STREAMS s 0
    XCLAIM s g d 0 1-1 2-1
    XCLAIM s g z 0 1-1 2-1 JUSTID
    XAUTOCLAIM s g c 0 0
    XAUTOCLAIM s g y 0 0 COUNT 1
    XACK s g 1-1 2-1
    XDEL s 1-1
    XTRIM s MAXLEN 1
    XGROUP CREATECONSUMER s g w
    XGROUP DELCONSUMER s g d
    XGROUP SETID s g 0
    XGROUP DESTROY s g
    XSETID s 9-9
    SET a 1
    SET b 1
    MSET a 1 b 2 c 3
    DEL a b
    RENAME c d
    COPY d e
    SADD st a b c
    SMOVE st st2 a
    SPOP st 2
    SINTERSTORE x st st2
    SUNIONSTORE x st2 st2
    SUNIONSTORE x none
    HSET h a 1 b 2
    HDEL h a b
    ZADD z 1 a 2 b 3 c
    ZADD z 1 a
    ZADD z 5 a 6 b
    ZRANGESTORE zd z 0 1
    ZREMRANGEBYRANK z 0 1
    ZPOPMIN z 5
    ZUNIONSTORE zz 1 none
    SORT l STORE ll
    RPUSH l 3 1 2
    SORT l STORE ll
    PFADD hh a b c
    PFADD hh a
    PFMERGE hm hh hh
    PFCOUNT hh
    GEOADD g 1 1 a 2 2 b
    GEOSEARCHSTORE gd g FROMLONLAT 0 0 BYRADIUS 1000 km
    EXPIRE g 100
    PERSIST g
    EXPIRE gd -1
    SETRANGE sr 0 abc
    SETRANGE sr 0 abc
    APPEND sr ""
    SETBIT sb 1 1
    BITOP NOT sn sb
    BITFIELD sb SET u8 0 1 SET u8 8 2
    GETDEL sb
    GETEX sr EX 100
    GETEX sr PERSIST
    LTRIM l 0 0
    LTRIM l 5 10
    LINSERT ll BEFORE 1 z
    LREM ll 0 z
    LSET ll 0 q
    MOVE ll 1
    SWAPDB 0 1
    SWAPDB 0 1
    INCR n
    SET n 5 KEEPTTL
}

proc changes {s} { return [info_of $s rdb_changes_since_last_save] }

case "each command counts as many changes as the peer's" {
    pair_start
    set differs {}
    foreach line [split [string trim $commands] \n] {
        set before [lmap s [list $ours $peer] { changes $s }]
        foreach fd [pair_fds main] { send $fd {*}[string trim $line]; tree $fd }
        set counted [lmap s [list $ours $peer] was $before { expr {[changes $s] - $was} }]
        if {[lindex $counted 0] != [lindex $counted 1]} { lappend differs "$line: $counted" }
    }
    is $differs {}
}

# A consumer that finds nothing is made at once, as in 7.2; an empty data set that is flushed is
# logged, for who follows the log.
case "what counts otherwise on purpose" {
    pair_start
    foreach {words counts} {
        FLUSHALL {1 0}
        {XGROUP CREATE s g $ MKSTREAM} {1 1}
        {XREADGROUP GROUP g c STREAMS s >} {1 0}
    } {
        set before [lmap s [list $ours $peer] { changes $s }]
        foreach fd [pair_fds main] { send $fd {*}$words; tree $fd }
        is [concat $words [lmap s [list $ours $peer] was $before { expr {[changes $s] - $was} }]] \
            [concat $words $counts]
    }
}

finish
