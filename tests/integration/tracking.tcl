# SPDX-License-Identifier: BSD-3-Clause
# Client-side caching, beside what tests/peer/tracking.tcl compares: what goes by itself, the limit
# of the table, databases that are exchanged, durability, what is left behind, and memory.
source [file join [file dirname [info script]] lib.tcl]

# A client that speaks RESP3 and is told itself, or in another mode.
proc tracker {s args} {
    set fd [connect $s]
    send $fd HELLO 3
    read_reply $fd
    is [request $fd CLIENT TRACKING ON {*}$args] OK
    return $fd
}
# What it has been told up to now: each message a list.
proc told {fd} {
    set all {}
    send $fd PING now
    while {[set reply [read_reply $fd]] ne "now"} {
        is [lindex $reply 0] invalidate
        lappend all {*}[lindex $reply 1]
    }
    return $all
}
# It comes by itself, some time.
proc next_told {fd} {
    set reply [read_reply $fd]
    is [lindex $reply 0] invalidate
    return [lindex $reply 1]
}

case "keys that expire or are evicted are told of, by whom it may be" {
    set s [server]
    set fd [tracker $s]
    set own [tracker $s NOLOOP]
    foreach c [list $fd $own] {
        request $c SET gone v PX 30
        told $c
        request $c GET gone
    }
    is [next_told $fd] gone
    is [next_told $own] gone
    ask $s CONFIG SET maxmemory-policy allkeys-random
    foreach c [list $fd $own] { is [request $c GET old] (nil) }
    ask $s SET old [string repeat x 10000]
    is [told $fd] old
    is [told $own] old
    foreach c [list $fd $own] { request $c GET old }
    ask $s CONFIG SET maxmemory 1
    is [next_told $fd] old
    is [next_told $own] old
}

case "a table that is full forgets, and tells it" {
    set s [server "tracking-table-max-keys 100"]
    set fd [tracker $s]
    set gone {}
    for {set i 0} {$i < 300} {incr i} {
        request $fd GET key-$i
        lappend gone {*}[told $fd]
    }
    is [llength $gone] 200
    is [llength [lsort -unique $gone]] 200
    is [info_of $s tracking_total_keys] 100
    is [info_of $s tracking_total_items] 100
    ask $s CONFIG SET tracking-table-max-keys 10
    wait_for { expr {[info_of $s tracking_total_keys] == 10} }
    is [llength [told $fd]] 90
    ask $s CONFIG SET tracking-table-max-keys 0
    for {set i 0} {$i < 300} {incr i} { request $fd GET key-$i }
    is [told $fd] {}
    is [info_of $s tracking_total_keys] 300
}

case "FLUSHALL and SWAPDB: all is to be forgotten, once" {
    set s [server]
    set fd [tracker $s]
    set prefix [tracker $s BCAST PREFIX k]
    set other [tracker $s]
    foreach words {FLUSHALL FLUSHDB {SWAPDB 0 1} {FLUSHALL ASYNC}} {
        ask $s SET k v
        request $fd GET k
        request $other SELECT 1
        told $prefix
        ask $s {*}$words
        foreach c [list $fd $prefix $other] { is [told $c] (nil) }
        is [info_of $s tracking_total_keys] 0
    }
    # a command that empties and reads again goes on from there
    request $fd MULTI
    request $fd FLUSHALL
    request $fd GET k
    request $fd SET k v
    request $fd FLUSHALL
    is [request $fd EXEC] {OK (nil) OK OK}
    is [told $fd] {(nil) k (nil)}
}

case "a script's reads are its caller's, and only those it made" {
    set s [server]
    set fd [tracker $s]
    request $fd EVAL {redis.call('get', 'a') return redis.call('mget', KEYS[1], 'c')} 2 b d
    is [info_of $s tracking_total_keys] 3
    foreach key {a b c d} { ask $s SET $key v }
    is [told $fd] {a b c}
    request $fd EVAL_RO {return redis.call('exists', 'x')} 1 y
    ask $s MSET x 1 y 1
    is [told $fd] x
}

case "a message leaves no earlier than what it tells of is on the disk" {
    set s [server "appendonly yes\nappendfsync always"]
    set fd [tracker $s]
    set all [tracker $s BCAST]
    for {set i 0} {$i < 50} {incr i} {
        request $fd GET k
        ask $s SET k $i
        is [told $fd] k
        is [told $all] k
        is [request $fd GET k] $i
    }
}

case "what was read is remembered while its reader does not track, and forgotten when it goes" {
    set s [server]
    set fd [tracker $s]
    is [request $fd SETNX key v] 1
    is [request $fd GET key] v
    is [request $fd GET other] (nil)
    is [request $fd CLIENT TRACKING OFF] OK
    is [ask $s SET other v] OK ;# that is missed
    is [info_of $s tracking_total_keys] 1
    is [request $fd CLIENT TRACKING ON] OK
    is [ask $s SET other v] OK
    is [ask $s SET key v] OK
    is [told $fd] key
    is [request $fd GET key] v
    is [request $fd CLIENT TRACKING OFF] OK
    close $fd
    wait_for { expr {[info_of $s tracking_total_keys] == 0} }
}

case "who goes or begins anew leaves nothing behind" {
    set s [server]
    set fds {}
    for {set i 0} {$i < 20} {incr i} {
        lappend fds [set fd [tracker $s {*}[lindex {{} {BCAST PREFIX a PREFIX b}} [expr {$i % 2}]]]]
        request $fd GET k
    }
    is [info_of $s tracking_clients] 20
    is [info_of $s tracking_total_prefixes] 2
    is [info_of $s tracking_total_items] 10
    like [ask $s CLIENT LIST] "*flags=tB *flags=t *"
    foreach fd [lrange $fds 0 9] { close $fd }
    foreach fd [lrange $fds 10 end] { is [request $fd RESET] RESET }
    wait_for { expr {[info_of $s tracking_clients] == 0} }
    foreach field {tracking_total_keys tracking_total_items tracking_total_prefixes} {
        is [info_of $s $field] 0
    }
    ask $s SET k v
    ask $s SET a v
    foreach fd [lrange $fds 10 end] { is [request $fd PING] PONG }
}

case "a redirection whose other end goes" {
    set s [server]
    set to [connect $s]
    set id [request $to CLIENT ID]
    is [request $to SUBSCRIBE __redis__:invalidate] {subscribe __redis__:invalidate 1}
    set fd [tracker $s REDIRECT $id]
    set old [connect $s] ;# RESP2: it can be told nothing
    is [request $old CLIENT TRACKING ON REDIRECT $id] OK
    foreach c [list $fd $old] { request $c GET k }
    ask $s SET k 1
    is [read_reply $to] {message __redis__:invalidate k}
    is [read_reply $to] {message __redis__:invalidate k}
    like [ask $s CLIENT LIST] "*flags=t * redir=$id *"
    foreach c [list $fd $old] { request $c GET k }
    close $to
    wait_for { expr {![string match "*id=$id *" [ask $s CLIENT LIST]]} }
    ask $s SET k 2
    is [read_reply $fd] [list tracking-redir-broken $id]
    like [ask $s CLIENT LIST] "*flags=tR * redir=$id *"
    is [request $old GET k] 2
    is [request $fd CLIENT TRACKING ON] OK
    request $fd GET k
    ask $s SET k 3
    is [told $fd] k
}

case "100,000 keys of 100 clients take at most 40 bytes a key and client" {
    set keys [expr {$sanitized ? 2000 : 100000}]
    set clients [expr {$sanitized ? 10 : 100}]
    set s [server]
    set before [info_of $s used_memory]
    set commands ""
    for {set from 0} {$from < $keys} {incr from 1000} {
        set words EXISTS
        for {set i $from} {$i < $from + 1000} {incr i} { lappend words [format key:%012d $i] }
        append commands [encode $words]
    }
    for {set i 0} {$i < $clients} {incr i} {
        set fd [tracker $s]
        puts -nonewline $fd $commands
        flush $fd
        for {set n 0} {$n < $keys / 1000} {incr n} { is [read_reply $fd] 0 }
        lappend fds $fd
    }
    is [info_of $s tracking_total_items] [expr {$keys * $clients}]
    is [info_of $s tracking_total_keys] $keys
    set bytes [expr {double([info_of $s used_memory] - $before) / ($keys * $clients)}]
    puts "figures: tracking $keys keys by $clients clients: [format %.1f $bytes] bytes a key and client"
    if {!$sanitized} { truth {$bytes <= 40} }
}

finish
