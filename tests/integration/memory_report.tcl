# SPDX-License-Identifier: BSD-3-Clause
# MEMORY STATS adds up what INFO tells, DOCTOR finds what is the matter, MALLOC-STATS and PURGE reach
# the allocator.
source [file join [file dirname [info script]] lib.tcl]

case "STATS: numbers that move with what they stand for" {
    set s [server "appendonly yes"]
    set before [ask $s MEMORY STATS]
    is [dict get $before keys.count] 0
    is [dict get $before keys.bytes-per-key] 0
    for {set i 0} {$i < 100} {incr i} {
        set words MSET
        for {set k 0} {$k < 100} {incr k} { lappend words key:$i:$k [string repeat x 100] }
        ask $s {*}$words
    }
    ask $s SELECT 3
    for {set i 0} {$i < 200} {incr i} { ask $s SET ex:$i v EX 1000 }
    set m [ask $s MEMORY STATS]
    is [dict get $m keys.count] 10200
    truth {[dict get $m total.allocated] > [dict get $before total.allocated] + 1000000}
    truth {[dict get $m peak.allocated] >= [dict get $m total.allocated]}
    is [dict get $m startup.allocated] [info_of $s used_memory_startup]
    set per_key [dict get $m keys.bytes-per-key]
    truth {$per_key > 100 && $per_key < 400}
    truth {[dict get $m db.0 overhead.hashtable.main] > 50000}
    is [dict get $m db.0 overhead.hashtable.expires] 0
    truth {[dict get $m db.3 overhead.hashtable.main] > 200}
    truth {[dict get $m db.3 overhead.hashtable.expires] > 200}
    truth {![dict exists $m db.1]}
    is [expr {[dict get $m total.allocated] - [dict get $m overhead.total]}] [dict get $m dataset.bytes]
    set net [expr {[dict get $m total.allocated] - [dict get $m startup.allocated]}]
    truth {abs([dict get $m dataset.percentage] - 100.0 * [dict get $m dataset.bytes] / $net) < 1e-6}
    truth {[dict get $m dataset.percentage] > 50 && [dict get $m dataset.percentage] < 100}
    truth {[dict get $m clients.normal] > 500}
    truth {[dict get $m allocator.allocated] > 0}
    # clients
    set fds {}
    for {set i 0} {$i < 10} {incr i} {
        lappend fds [connect $s]
        puts -nonewline [lindex $fds end] "*2\r\n\$3\r\nGET\r\n\$200000\r\n[string repeat x 100000]"
        flush [lindex $fds end]
    }
    wait_for {
        set more [expr {[dict get [ask $s MEMORY STATS] clients.normal] - [dict get $m clients.normal]}]
        expr {$more > 1000000}
    }
    foreach fd $fds { close $fd }
    # scripts
    ask $s EVAL "return '[string repeat y 50000]'" 0
    truth {[dict get [ask $s MEMORY STATS] lua.caches] > 50000}
    # INFO tells the same of what does not change between two commands
    is [info_of $s used_memory_startup] [dict get [ask $s MEMORY STATS] startup.allocated]
    truth {abs([info_of $s mem_aof_buffer] - [dict get [ask $s MEMORY STATS] aof.buffer]) < 100000}
}

case "STATS in RESP3 is a map, its ratios doubles" {
    set s [server]
    set fd [connect $s]
    request $fd HELLO 3
    send $fd MEMORY STATS
    gets $fd line
    is [string trim $line] %27
    close $fd
}

case "DOCTOR: too little to judge, nothing to complain of, a peak, clients, scripts" {
    set s [server "save \"\""]
    like [ask $s MEMORY DOCTOR] "*too little to judge*"
    if {!$sanitized} {
        for {set i 0} {$i < 30} {incr i} { ask $s SET big:$i [string repeat x 1000000] }
        set says [ask $s MEMORY DOCTOR]
        truth {![string match "*once stood*" $says]}
        for {set i 0} {$i < 18} {incr i} { ask $s DEL big:$i }
        wait_for { string match "*Memory once stood at * MB*maxmemory*" [ask $s MEMORY DOCTOR] }
        set fd [connect $s]
        puts -nonewline $fd "*2\r\n\$3\r\nGET\r\n\$9000000\r\n[string repeat x 4000000]"
        flush $fd
        wait_for { string match "*Clients hold * MB*maxmemory-clients*" [ask $s MEMORY DOCTOR] }
        close $fd
        wait_for { expr {![string match "*Clients hold*" [ask $s MEMORY DOCTOR]]} }
        for {set i 0} {$i < 1001} {incr i} { ask $s EVAL "return $i" 0 }
        like [ask $s MEMORY DOCTOR] "*1001 scripts are cached*KEYS and ARGV*"
    }
}

case "MALLOC-STATS and PURGE" {
    set env(MALLOC_CONF) "dirty_decay_ms:-1,muzzy_decay_ms:-1" ;# nothing is given back by itself
    set s [server "jemalloc-bg-thread no"]
    unset env(MALLOC_CONF)
    set text [ask $s MEMORY MALLOC-STATS]
    if {$sanitized} {
        is $text "Stats not supported for the current allocator"
    } else {
        like $text "*jemalloc statistics*Allocated: *"
        for {set i 0} {$i < 64} {incr i} { ask $s SET big:$i [string repeat x 1000000] }
        ask $s FLUSHALL
        set before [info_of $s allocator_resident]
        is [ask $s MEMORY PURGE] OK
        truth {$before - [info_of $s allocator_resident] > 50000000}
    }
}

finish
