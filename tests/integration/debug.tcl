# SPDX-License-Identifier: BSD-3-Clause
# What DEBUG's words do; what they reply is compared in peer/script/debug.txt.
source [file join [file dirname [info script]] lib.tcl]

proc debug_server {{config ""}} { return [server "enable-debug-command yes\n$config"] }

case "PAUSE-CRON: nothing is expired by time, until it goes on" {
    set s [debug_server "hz 100"]
    is [ask $s DEBUG PAUSE-CRON 1] OK
    ask $s SET k v PX 1
    after 100
    is [ask $s DBSIZE] 1
    is [ask $s DEBUG PAUSE-CRON 0] OK
    wait_for { expr {[ask $s DBSIZE] == 0} }
}

case "DICT-RESIZING: the table of keys stays as small as it is" {
    proc table_size {s} {
        regexp {table size: (\d+)} [ask $s DEBUG HTSTATS 0] -> size
        return $size
    }
    set s [debug_server]
    ask $s DEBUG POPULATE 1000
    set size [table_size $s]
    is [ask $s DEBUG DICT-RESIZING 0] OK
    ask $s DEBUG POPULATE 1900
    is [table_size $s] $size
    ask $s SELECT 1
    ask $s SET k v
    is [ask $s DEBUG DICT-RESIZING 1] OK
    ask $s SELECT 0
    ask $s SET k v
    truth {[table_size $s] > $size}
    like [ask $s DEBUG HTSTATS 0] "*number of elements: 1901\n*"
}

case "HTSTATS-KEY: tables of large sets, hashes and sorted sets" {
    set s [debug_server]
    for {set i 0} {$i < 1000} {incr i} {
        lappend set a$i
        lappend hash a$i v
        lappend zset $i a$i
    }
    ask $s SADD set {*}$set
    ask $s HSET hash {*}$hash
    ask $s ZADD zset {*}$zset
    foreach key {set hash zset} {
        like [ask $s DEBUG HTSTATS-KEY $key] "*number of elements: 1000\n*Chain length*"
    }
}

case "QUICKLIST-PACKED-THRESHOLD: long elements have nodes of their own, whatever happens to them" {
    set s [debug_server "appendonly yes"]
    is [ask $s DEBUG QUICKLIST-PACKED-THRESHOLD 100b] OK
    set long [string repeat x 100]
    ask $s RPUSH l a b $long c d
    is [ask $s OBJECT ENCODING l] quicklist
    like [ask $s DEBUG OBJECT l] "* ql_nodes:3 ql_avg_node:1.67 *"
    ask $s LINSERT l BEFORE c $long
    like [ask $s DEBUG OBJECT l] "* ql_nodes:4 *"
    ask $s LSET l 0 $long
    like [ask $s DEBUG OBJECT l] "* ql_nodes:5 *"
    set all [ask $s LRANGE l 0 -1]
    is $all [list $long b $long $long c d]
    foreach how {{DEBUG RELOAD} {DEBUG LOADAOF}} {
        is [ask $s {*}$how] OK
        is [ask $s LRANGE l 0 -1] $all
    }
    is [ask $s DEBUG QUICKLIST-PACKED-THRESHOLD 0] OK
    ask $s RPUSH other a $long
    is [ask $s OBJECT ENCODING other] listpack
}

case "REPLYBUFFER: when buffers of clients that are idle are given back" {
    proc room_of {s name} {
        regexp "name=$name \[^\n\]*rbs=(\\d+)" [ask $s CLIENT LIST] -> room
        return $room
    }
    set s [debug_server "hz 100"]
    set fd [connect $s]
    foreach words {{CLIENT SETNAME idle} {DEBUG REPLYBUFFER PEAK-RESET-TIME NEVER}} {
        is [request $fd {*}$words] OK
    }
    foreach {keeps gives} {
        {PEAK-RESET-TIME NEVER} {PEAK-RESET-TIME 50}
        {RESIZING 0} {RESIZING 1}
        {PEAK-RESET-TIME NEVER} {PEAK-RESET-TIME RESET}
    } {
        is [ask $s DEBUG REPLYBUFFER {*}$keeps] OK
        is [string length [request $fd ECHO [string repeat x 5000]]] 5000
        after 200
        truth {[room_of $s idle] > 5000}
        is [ask $s DEBUG REPLYBUFFER {*}$gives] OK
        wait_for { expr {[room_of $s idle] < 5000} }
    }
}

case "MALLCTL: figures and settings of the allocator" {
    set s [debug_server]
    if {$sanitized} {
        is [error_of $s DEBUG MALLCTL epoch] "ERR No such file or directory"
    } else {
        is [ask $s DEBUG MALLCTL thread.tcache.enabled] 1
        is [ask $s DEBUG MALLCTL arena.0.dirty_decay_ms 1234] \
            [ask $s DEBUG MALLCTL arenas.dirty_decay_ms]
        is [ask $s DEBUG MALLCTL arena.0.dirty_decay_ms] 1234
        is [error_of $s DEBUG MALLCTL arena.0.extent_hooks 1] "ERR Operation not permitted"
        like [ask $s DEBUG MALLCTL-STR version] "5.*"
        is [ask $s DEBUG MALLCTL-STR opt.dss] secondary
    }
    is [error_of $s DEBUG MALLCTL [string repeat x 100000]] "ERR No such file or directory"
}

case "CLIENT-EVICTION: how many clients hold how much" {
    set s [debug_server "maxmemory-clients 100mb"]
    set clients 0
    foreach {all n} [regexp -all -inline {clients: (\d+)} [ask $s DEBUG CLIENT-EVICTION]] {
        incr clients $n
    }
    is $clients [info_of $s connected_clients]
}

case "PROTOCOL push: a message in front of the reply, in RESP3" {
    set s [debug_server]
    is [error_of $s DEBUG PROTOCOL push] "ERR RESP2 is not supported by this command"
    set fd [connect $s]
    send $fd HELLO 3
    send $fd DEBUG PROTOCOL push
    send $fd ECHO end
    set bytes ""
    while {![string match "*\$3\r\nend\r\n" $bytes]} { append bytes [gets $fd]\n }
    like $bytes "*>2\r\n\$16\r\nserver-cpu-usage\r\n:42\r\n\$40\r\nSome real reply*\r\n\$3\r\nend\r\n"
}

case "STRINGMATCH-LEN" {
    set s [debug_server]
    is [ask $s DEBUG STRINGMATCH-LEN hello h*o] 1
    is [ask $s DEBUG STRINGMATCH-LEN hello h*x] 0
    is [ask $s DEBUG STRINGMATCH-LEN [string repeat a 50000] [string repeat a* 20]b] 0
}

finish
