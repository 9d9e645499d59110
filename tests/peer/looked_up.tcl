# SPDX-License-Identifier: BSD-3-Clause
# Which of its keys a command looks at, and in what order: every command of several keys, each of
# them missing, of the right type, of a wrong one and expired (what is looked at is removed then, and
# told). The replies and the key events are those of the installed redis-server.
source [file join [file dirname [info script]] ../integration/lib.tcl]
source [file join [file dirname [info script]] lib/pair.tcl]
source [file join [file dirname [info script]] lib/key_events.tcl]

# The type of its keys, and the command; A, B and C are keys.
set commands {
    string {
        {GET A} {MGET A B} {MSET A v B v} {MSETNX A v B v} {LCS A B} {LCS A B LEN} {GETDEL A}
        {BITOP AND A B C} {BITOP NOT A B} {DEL A B} {UNLINK A B} {EXISTS A B} {TOUCH A B}
        {RENAME A B} {RENAMENX A B} {COPY A B} {COPY A B REPLACE} {PFCOUNT A B} {PFMERGE A B C}
        {SET A v GET} {SET A v XX} {SET A v NX} {SETNX A v} {GETSET A v} {SETRANGE A 0 ""}
        {MOVE A 1} {TYPE A} {DUMP A} {OBJECT ENCODING A} {EXPIRE A 10} {PERSIST A} {INCR A}
    }
    list {
        {LMOVE A B LEFT RIGHT} {RPOPLPUSH A B} {BLMOVE A B LEFT LEFT 0.001} {LPUSHX A x}
        {BRPOPLPUSH A B 0.001} {LMPOP 3 A B C LEFT} {BLMPOP 0.001 3 A B C LEFT}
        {BLPOP A B C 0.001} {BRPOP A B C 0.001} {SORT A} {SORT A STORE B} {SORT A BY nosort STORE B}
        {SORT A BY C STORE B} {SORT A ALPHA STORE B GET C} {LPOP A 0} {LPOP A} {LSET A 0 v}
        {LINSERT A BEFORE x y} {LREM A 0 x} {LTRIM A 0 -1}
    }
    set {
        {SMOVE A B e1} {SMOVE A B none} {SINTER A B C} {SUNION A B C} {SDIFF A B C}
        {SINTERCARD 3 A B C} {SINTERSTORE A B C} {SUNIONSTORE A B C} {SDIFFSTORE A B C}
        {SDIFFSTORE A A B} {SINTERSTORE A A B} {SPOP A} {SPOP A 0} {SRANDMEMBER A 0} {SREM A e1}
        {SMOVE A A e1}
    }
    zset {
        {ZUNIONSTORE A 2 B C} {ZINTERSTORE A 2 B C} {ZDIFFSTORE A 2 B C} {ZUNION 2 A B}
        {ZINTER 2 A B} {ZDIFF 2 A B} {ZINTERCARD 2 A B} {ZRANGESTORE A B 0 -1} {ZPOPMIN A 0}
        {ZRANGESTORE A B 0 9 BYSCORE} {ZMPOP 3 A B C MIN} {BZMPOP 0.001 3 A B C MAX}
        {BZPOPMIN A B C 0.001} {BZPOPMAX A B C 0.001} {ZREM A e1} {ZADD A XX 1 e9}
        {GEOSEARCHSTORE A B FROMLONLAT 0 0 BYRADIUS 1 km} {GEOSEARCHSTORE A B FROMMEMBER none
            BYRADIUS 1 km} {GEORADIUS A 0 0 1 km STORE B} {GEORADIUSBYMEMBER A e1 1 km STORE B}
        {GEORADIUSBYMEMBER A none 1 km STORE B}
    }
    hash { {HSETNX A f v} {HDEL A f} {HINCRBY A g 1} {HRANDFIELD A 0} {HGET A f} {HMGET A f g} }
    stream {
        {XREAD STREAMS A B C 0 0 0} {XREADGROUP GROUP g c STREAMS A B C 0 0 0} {XACK A g 1-1}
        {XREADGROUP GROUP none c STREAMS A B > >} {XADD A NOMKSTREAM 9-9 a b} {XDEL A 1-1}
        {XGROUP CREATE A g2 0} {XGROUP CREATE A g 0 MKSTREAM} {XGROUP DESTROY A g} {XTRIM A MAXLEN 0}
    }
}
set states {none right wrong gone}

proc make {key type state soon} {
    set right {string {SET K 12} list {RPUSH K 3 1} set {SADD K e1 e2} zset {ZADD K 1 e1 2 e2}
        hash {HSET K f 1} stream {XADD K 1-1 a b}}
    if {$state eq "none"} return
    if {$state eq "wrong"} { set type [expr {$type eq "hash" ? "list" : "hash"}] }
    lappend all [string map [list K $key] [dict get $right $type]]
    if {$type eq "stream"} { lappend all [list XGROUP CREATE $key g 0] }
    if {$state eq "gone"} { lappend all [list PEXPIREAT $key $soon] }
    foreach words $all { both $words }
}

# Every state of every key that the command names: lists of A's, B's, C's.
proc all_states {words} {
    set all {{}}
    foreach key {A B C} {
        if {[lsearch -exact $words $key] < 0} break
        set longer {}
        foreach begun $all { foreach state $::states { lappend longer [list {*}$begun $state] } }
        set all $longer
    }
    return $all
}

# Which member SPOP takes is chance.
proc mode_of {type words} {
    if {[regexp {^SPOP \S+$} $words]} { return kind }
    return [expr {$type eq "set" ? "sorted" : "exact"}]
}

foreach {type lines} $commands {
    case "keys of commands for a $type" {
        pair_start "notify-keyspace-events KEAmn"
        both {DEBUG SET-ACTIVE-EXPIRE 0}
        set soon [expr {$pair_now_us / 1000 + 1000}]
        set trials {}
        foreach words $lines {
            foreach chosen [all_states $words] {
                set number [llength $trials]
                set names {}
                foreach letter {A B C} state $chosen {
                    if {$state eq ""} break
                    make $letter$number $type $state $soon
                    lappend names $letter $letter$number
                }
                lappend trials [lmap word $words { string map $names $word }] $chosen
            }
        }
        pair_later 2000
        key_events_listen
        set wrong {}
        foreach {words chosen} $trials {
            set replies [compare [mode_of $type $words] $words]
            lassign [key_events] mine theirs
            if {$replies ne ""} { lappend wrong "$words, which were $chosen: $replies" }
            if {$mine ne $theirs} {
                lappend wrong "$words, which were $chosen
        ours $mine
        peer $theirs"
            }
        }
        if {[llength $wrong]} { error "[llength $wrong] differ\n    [join $wrong "\n    "]" " " }
    }
}

finish
