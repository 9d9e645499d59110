# SPDX-License-Identifier: BSD-3-Clause
# Commands that wait for keys, beside what tests/peer/script/blocking.txt compares: what the log
# holds of them, how the waiting ends, what is counted.
source [file join [file dirname [info script]] lib.tcl]

# A client that waits, by the words of its command.
proc waiter {s args} {
    set fd [connect $s]
    set before [info_of $s blocked_clients]
    send $fd {*}$args
    wait_for { expr {[info_of $s blocked_clients] == $before + 1} }
    return $fd
}
proc commands_of {dir} {
    set all {}
    foreach path [lsort [glob $dir/appendonlydir/*.incr.aof]] { append all [slurp $path] }
    set words {}
    # by *N and $LEN; lines of checksums begin with #
    set at 0
    while {$at < [string length $all]} {
        set end [string first \n $all $at]
        set line [string range $all $at [expr {$end - 2}]]
        set at [expr {$end + 1}]
        if {[string index $line 0] ne "*"} continue
        set one {}
        for {set i 0} {$i < [string range $line 1 end]} {incr i} {
            set end [string first \n $all $at]
            set len [string range $all [expr {$at + 1}] [expr {$end - 2}]]
            lappend one [string range $all [expr {$end + 1}] [expr {$end + $len}]]
            set at [expr {$end + $len + 3}]
        }
        lappend words $one
    }
    return $words
}

case "the log has what they came to, and gives the same data set again" {
    set dir [tmpdir]
    set s [server "appendonly yes\nappendfsync always\nauto-aof-rewrite-percentage 0\nenable-debug-command yes" -dir $dir]
    set waits {
        {BLPOP l1 0} {BRPOP l2 0} {BLMOVE l3 m LEFT RIGHT 0} {BRPOPLPUSH l4 m 0}
        {BLMPOP 0 1 l5 LEFT COUNT 2} {BLMPOP 0 2 none l6 RIGHT}
    }
    set zwaits {{BZPOPMIN z1 0} {BZPOPMAX z2 0} {BZMPOP 0 1 z3 MIN COUNT 2}}
    set fds [lmap words [concat $waits $zwaits] { waiter $s {*}$words }]
    foreach i {1 2 3 4 5 6} { is [ask $s RPUSH l$i a b c] 3 }
    foreach i {1 2 3} { is [ask $s ZADD z$i 1 a 2 b 3 c] 3 }
    set replies [lmap fd $fds { read_reply $fd }]
    is $replies {{l1 a} {l2 c} a c {l5 {a b}} {l6 c} {z1 a 1} {z2 c 3} {z3 {{a 1} {b 2}}}}
    # at once, too
    is [ask $s BLPOP l1 0] {l1 b}
    is [ask $s BLMOVE l3 m RIGHT LEFT 0] c
    is [ask $s BRPOPLPUSH l4 l4 0] b
    is [ask $s BZMPOP 0 1 z1 MAX] {z1 {{c 3}}}
    set want {
        {LPOP l1} {RPOP l2} {LMOVE l3 m LEFT RIGHT} {RPOPLPUSH l4 m} {LPOP l5 2} {RPOP l6 1}
        {ZPOPMIN z1} {ZPOPMAX z2} {ZPOPMIN z3 2}
        {LPOP l1} {LMOVE l3 m RIGHT LEFT} {RPOPLPUSH l4 l4} {ZPOPMAX z1 1}
    }
    set got [lsearch -all -inline -not -regexp [commands_of $dir] {^(SELECT|RPUSH|ZADD) }]
    is $got [lmap words $want { list {*}$words }]
    set digest [ask $s DEBUG DIGEST]
    set s [restart $s kill "appendonly yes\nenable-debug-command yes"]
    is [ask $s DEBUG DIGEST] $digest
    is [ask $s LRANGE m 0 -1] {c c a}
}

case "who waits writes nothing, and a time that is over neither" {
    set dir [tmpdir]
    set s [server "appendonly yes\nappendfsync always" -dir $dir]
    ask $s SET k v
    set size [info_of $s aof_current_size]
    is [ask $s BLPOP none 0.01] (nil)
    is [ask $s BLMOVE none other LEFT LEFT 0.01] (nil)
    set fd [waiter $s BZPOPMAX none 0]
    close $fd
    wait_for { expr {[info_of $s blocked_clients] == 0} }
    is [info_of $s aof_current_size] $size
    is [info_of $s rdb_changes_since_last_save] 1
}

case "CLIENT UNBLOCK, CLIENT KILL and a hang-up end it, and nothing is lost" {
    set s [server]
    set fd [connect $s]
    set id [request $fd CLIENT ID]
    send $fd BLPOP k 0
    wait_for { expr {[info_of $s blocked_clients] == 1} }
    like [ask $s CLIENT LIST ID $id] "*flags=b *cmd=blpop*"
    is [ask $s CLIENT UNBLOCK $id] 1
    is [read_reply $fd] (nil)
    send $fd BLMOVE k m LEFT LEFT 0
    wait_for { expr {[info_of $s blocked_clients] == 1} }
    is [ask $s CLIENT UNBLOCK $id ERROR] 1
    is [catch { read_reply $fd } text] 1
    like $text "UNBLOCKED *"
    is [ask $s CLIENT UNBLOCK $id] 0
    send $fd BLPOP k 0
    wait_for { expr {[info_of $s blocked_clients] == 1} }
    is [ask $s CLIENT KILL ID $id] 1
    wait_for { expr {[info_of $s blocked_clients] == 0} }
    is [ask $s RPUSH k 1] 1
    is [ask $s LRANGE k 0 -1] 1
    set gone [waiter $s BLPOP other 0]
    close $gone
    wait_for { expr {[info_of $s blocked_clients] == 0} }
    is [ask $s RPUSH other 1] 1
    is [ask $s LLEN other] 1
}

case "each is counted once, and not for the time it waited" {
    set s [server]
    set fd [waiter $s BLPOP k 0]
    ask $s RPUSH other x
    set again [waiter $s BLPOP wrong k 0]
    after 300
    is [ask $s RPUSH k 1 2] 2
    is [read_reply $fd] {k 1}
    is [read_reply $again] {k 2}
    regexp {cmdstat_blpop:calls=(\d+),usec=(\d+),.*rejected_calls=(\d+),failed_calls=(\d+)} \
        [ask $s INFO commandstats] -> calls usec refused errors
    is [list $calls $refused $errors] {2 0 0}
    truth {$usec < 200000}
}

case "RESTORE serves; FLUSHALL and a key whose time is over do not" {
    set s [server]
    ask $s RPUSH from 1 2
    set payload [ask $s DUMP from]
    set fd [waiter $s BLPOP k 0]
    is [ask $s FLUSHALL] OK
    is [ask $s RESTORE k 1000 $payload ABSTTL] OK
    is [info_of $s blocked_clients] 1
    is [ask $s RESTORE k 0 $payload] OK
    is [read_reply $fd] {k 1}
    is [ask $s LRANGE k 0 -1] 2
}

case "served is run: also refused, when memory is over the limit by then" {
    set s [server "maxmemory-policy noeviction"]
    set fd [waiter $s BLMOVE from to LEFT LEFT 0]
    is [ask $s RPUSH other x] 1
    is [ask $s CONFIG SET maxmemory 1] OK
    is [ask $s RENAME other from] OK
    is [catch { read_reply $fd } text] 1
    like $text "OOM *"
    is [ask $s LRANGE from 0 -1] x
}

# What it looked at shows in the counters of look-ups.
case "XREAD that runs again looks at what became ready, and at all when it must" {
    set s [server]
    set keys {}
    foreach i {1 2 3 4 5 6 7 8 9} { lappend keys s$i }
    set read [list XREAD BLOCK 0 STREAMS {*}$keys {*}[lrepeat 9 $]]
    proc looked {s} { expr {[info_of $s keyspace_hits] + [info_of $s keyspace_misses]} }
    # first 0, the last, and one in the middle
    foreach key {s1 s9 s5} {
        set fd [waiter $s {*}$read]
        set before [looked $s]
        ask $s XADD $key 1-[incr n] f v
        is [read_reply $fd] "{$key {{1-$n {f v}}}}"
        truth {[looked $s] - $before < 9}
    }
    # An entry that does not stay serves nobody, and neither what others wait for.
    set fd [waiter $s {*}$read]
    ask $s MULTI
    ask $s XADD s2 2-1 f v
    ask $s XDEL s2 2-1
    ask $s EXEC
    ask $s XADD other 1-1 f v
    is [info_of $s blocked_clients] 1
    # All that one unit makes ready are in the reply.
    ask $s MULTI
    ask $s XADD s8 2-1 f v
    ask $s XADD s3 2-1 f v
    ask $s EXEC
    is [read_reply $fd] {{s3 {{2-1 {f v}}}} {s8 {{2-1 {f v}}}}}
    # The same stream as two of its keys.
    set fd [waiter $s XREAD BLOCK 0 STREAMS s4 s4 s3 $ 5-0 $]
    ask $s XADD s4 6-0 f v
    is [read_reply $fd] {{s4 {{6-0 {f v}}}} {s4 {{6-0 {f v}}}}}
    set fd [waiter $s XREAD BLOCK 0 STREAMS s4 s4 s3 $ 7-0 $]
    ask $s XADD s3 2-2 f v
    is [read_reply $fd] {{s3 {{2-2 {f v}}}}}
    # One of its keys holds another type by now: run as a whole, it is refused.
    set fd [waiter $s {*}$read]
    ask $s SET s7 text
    is [info_of $s blocked_clients] 1
    ask $s XADD s6 1-1 f v
    is [catch { read_reply $fd } text] 1
    like $text "WRONGTYPE *"
    # As one that came while a key held another type; then none does any more.
    ask $s DEL s7
    set fd [waiter $s {*}$read]
    set before [looked $s]
    ask $s XADD s7 9-9 f v
    is [read_reply $fd] {{s7 {{9-9 {f v}}}}}
    truth {[looked $s] - $before < 9}
}
case "a thousand wait for one key and for keys of their own, first come first served" {
    set s [server "maxclients 3000"]
    set fds {}
    for {set i 0} {$i < 1000} {incr i} {
        set fd [connect $s]
        send $fd BLPOP own:$i k 0
        if {$i % 100 == 99} { wait_for { expr {[info_of $s blocked_clients] == $i + 1} } }
        lappend fds $fd
    }
    wait_for { expr {[info_of $s blocked_clients] == 1000} }
    set values {}
    for {set i 0} {$i < 500} {incr i} { lappend values v$i }
    is [ask $s RPUSH k {*}$values] 500
    is [info_of $s blocked_clients] 500
    is [ask $s EXISTS k] 0
    set got 0
    for {set i 500} {$i < 1000} {incr i} { ask $s RPUSH own:$i o$i }
    set replies {}
    foreach fd $fds { lappend replies [read_reply $fd] }
    is [lsort -dictionary [lmap r [lrange $replies 0 499] { lindex $r 1 }]] $values
    for {set i 500} {$i < 1000} {incr i} { is [lindex $replies $i] [list own:$i o$i] }
}

proc waits_of {s} {
    return [lmap field {blocked_clients clients_in_timeout_table total_blocking_keys
        total_blocking_keys_on_nokey} { info_of $s $field }]
}
case "SHUTDOWN does not wait for them, and the data set is whole" {
    set dir [tmpdir]
    set s [server "save 3600 1" -dir $dir]
    set fd [waiter $s BLPOP k 0]
    ask $s SET a 1
    stop $s term
    set s [server "save 3600 1" -dir $dir]
    is [ask $s GET a] 1
    is [ask $s EXISTS k] 0
}

case "a command that waited and took long when it was served is a spike of its own" {
    set s [server "latency-monitor-threshold 1"]
    set fd [connect $s]
    send $fd BLMPOP 0 1 big LEFT COUNT 300000
    wait_for { expr {[info_of $s blocked_clients] == 1} }
    ask $s EVAL {for i = 1, 300 do local t = {} for k = 1, 1000 do t[k] = 'element' end
        redis.call('RPUSH', KEYS[1], unpack(t)) end} 1 big
    is [llength [lindex [read_reply $fd] 1]] 300000
    like [ask $s LATENCY LATEST] "*command-unblocking*"
    like [ask $s LATENCY HISTORY command-unblocking] "* *"
    like [ask $s LATENCY DOCTOR] "*command-unblocking*"
}

# The fields of INFO, which 7.0 has but in part: waiters, those with a time, keys waited for, and of
# those the ones whose end wakes somebody.
case "INFO counts who waits, for a time, and for which keys" {
    set s [server]
    set fds {}
    ask $s XGROUP CREATE x g $ MKSTREAM
    foreach {words counts} {
        {BLPOP a b 0} {1 0 2 0}
        {BLPOP a 50} {2 1 2 0}
        {XREAD BLOCK 0 STREAMS s $} {3 1 3 0}
        {WAIT 1 60000} {4 2 3 0}
        {XREADGROUP GROUP g c BLOCK 70000 STREAMS x >} {5 3 4 1}
        {XREADGROUP GROUP g d BLOCK 0 STREAMS x >} {6 3 4 1}
        {BLPOP a a 50} {7 4 4 1}
    } {
        lappend fds [waiter $s {*}$words]
        is [concat $words [waits_of $s]] [concat $words $counts]
    }
    close [lindex $fds 5]
    wait_for { expr {[info_of $s blocked_clients] == 6} }
    is [waits_of $s] {6 4 4 1}
    ask $s DEL x
    is [lindex [waits_of $s] 3] 0
    ask $s RPUSH a 1 2 3
    wait_for { expr {[info_of $s blocked_clients] <= 2} }
    is [waits_of $s] {2 1 1 0}
}

finish
