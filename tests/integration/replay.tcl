# SPDX-License-Identifier: BSD-3-Clause
# What is logged of SORT and of the commands on bits: replayed, it gives the same data; what changed
# nothing is not logged, and does not wake WATCH. SEED repeats a run.
source [file join [file dirname [info script]] lib.tcl]
source [file join [file dirname [info script]] lib/chance.tcl]

proc random_command {} {
    set key b[below 6]
    set list l[below 4]
    set type [one_of {u1 i1 u7 u8 i13 u31 i33 u63 i64}]
    switch [below 12] {
        0 - 1 { return [list SETBIT $key [below 300] [below 2]] }
        2 { return [list BITFIELD $key SET $type [below 200] [expr {[below 1000] - 500}]] }
        3 { return [list BITFIELD $key OVERFLOW [one_of {WRAP SAT FAIL}] INCRBY $type #[below 4] \
                [expr {[below 1000] - 500}] GET u8 0] }
        4 { return [list BITFIELD $key OVERFLOW FAIL SET u2 [below 900] 4] }
        5 { return [list BITOP [one_of {AND OR XOR}] $key b[below 6] b[below 6] none] }
        6 { return [list BITOP NOT $key b[below 6]] }
        7 { return [list RPUSH $list [below 100] [below 100]] }
        8 { return [list SADD s[below 3] [below 100] [below 1000]] }
        9 { return [list SORT [one_of {l0 l1 l2 s0 s1 s2 none}] BY [one_of {nosort b*}] ALPHA \
                GET # GET b* STORE $list] }
        10 { return [list SORT s[below 3] [one_of {ASC DESC}] LIMIT [below 3] 20 STORE $list] }
        11 { return [list DEL [one_of [list $key $list s[below 3]]]] }
    }
}

foreach preamble {yes no} {
    case "bits and SORT STORE, replayed from an append log with preamble $preamble (SEED=$seed)" {
        set config "save \"\"\nappendonly yes\nenable-debug-command yes"
        append config "\naof-use-rdb-preamble $preamble"
        set s [server $config]
        for {set round 0} {$round < 3} {incr round} {
            for {set i 0} {$i < 700} {incr i} { ask $s {*}[random_command] }
            foreach key {b0 b1 b2 b3 b4 b5} { ask $s SETBIT $key [below 300] 1 }
            truth {[ask $s DBSIZE] > 5}
            set digest [ask $s DEBUG DIGEST]
            ask $s DEBUG LOADAOF
            is [ask $s DEBUG DIGEST] $digest
            set s [restart $s kill $config]
            is [ask $s DEBUG DIGEST] $digest
            ask $s BGREWRITEAOF
            wait_for { expr {[info_of $s aof_rewrite_in_progress] eq "0"} }
        }
    }
}

# A large set has another order after each start: it must not show in what is stored.
case "SORT STORE of a large set with equal weights is the same when replayed" {
    set config "save \"\"\nappendonly yes"
    set s [server $config]
    for {set i 0} {$i < 1000} {incr i} { lappend members m[below 1000000] }
    ask $s SADD set {*}$members
    is [ask $s OBJECT ENCODING set] hashtable
    foreach {to options} {plain {BY nosort} missing {BY none_* ALPHA} numbers {BY none_*}
            down {BY none_* ALPHA DESC} some {BY none_* ALPHA LIMIT 10 100}} {
        ask $s SORT set {*}$options STORE $to
        set before($to) [ask $s LRANGE $to 0 -1]
    }
    set s [restart $s kill $config]
    foreach to [array names before] { is [ask $s LRANGE $to 0 -1] $before($to) }
}

case "what changes nothing is not logged, and does not fail a watched transaction" {
    set s [server "save \"\"\nappendonly yes"]
    ask $s SETBIT b 100 1
    ask $s RPUSH l 1 2 3
    ask $s SADD text a b
    set size [info_of $s aof_current_size]
    foreach words {{SETBIT b 100 1} {SETBIT b 5 0} {BITFIELD b SET u8 0 0 INCRBY u8 8 0 GET u8 0}
            {BITFIELD b OVERFLOW FAIL SET u2 0 4} {BITFIELD none GET u8 0} {BITOP AND none none}
            {SORT l} {SORT none STORE nowhere} {BITCOUNT b} {BITPOS b 1} {GETBIT b 1}} {
        ask $s WATCH b l none nowhere
        ask $s {*}$words
        ask $s MULTI
        ask $s GETBIT b 100
        if {[ask $s EXEC] ne "1"} { error "$words touched a key" }
        if {[info_of $s aof_current_size] != $size} { error "$words was logged" }
    }
    truth {[catch { ask $s SORT text STORE nowhere }]}
    is [ask $s EXISTS nowhere] 0
    is [info_of $s aof_current_size] $size
    # a field that only makes the text longer is a change
    is [ask $s BITFIELD new OVERFLOW FAIL SET u8 0 300] (nil)
    is [ask $s STRLEN new] 1
    truth {[info_of $s aof_current_size] > $size}
}

finish
