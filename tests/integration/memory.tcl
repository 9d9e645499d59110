# SPDX-License-Identifier: BSD-3-Clause
# maxmemory: refusing, evicting, access clocks.
source [file join [file dirname [info script]] lib.tcl]

proc fill {s n args} {
    set fd [connect $s]
    for {set i 0} {$i < $n} {incr i} {
        puts -nonewline $fd [encode [list SET k$i [string repeat x 1000] {*}$args]]
    }
    flush $fd
    set errors 0
    for {set i 0} {$i < $n} {incr i} { incr errors [catch { read_reply $fd }] }
    close $fd
    return $errors
}
proc limit {s more} {
    ask $s CONFIG SET maxmemory [expr {[info_of $s used_memory] + $more}]
}
# INFO's own reply counts too.
proc within {s} { expr {[info_of $s used_memory] <= [info_of $s maxmemory] + 100000} }

case "noeviction refuses what would need memory, and only that" {
    set s [server]
    limit $s 2000000
    truth {[fill $s 5000] > 1000}
    limit $s -500000
    is [error_of $s SET more [string repeat x 1000]] "OOM command not allowed when used memory > 'maxmemory'."
    is [ask $s GET k0] [string repeat x 1000]
    is [ask $s DEL k0] 1
    is [info_of $s evicted_keys] 0
    ask $s CONFIG SET maxmemory 0
    is [ask $s SET more x] OK
}

case "noeviction: EXEC is refused when what is queued would need memory" {
    set s [server]
    lassign [list [connect $s] [connect $s]] grows shrinks
    request $grows MULTI
    request $grows SET more x
    request $shrinks MULTI
    request $shrinks DEL more
    ask $s CONFIG SET maxmemory 1
    truth {[catch { request $grows EXEC } reply]}
    like $reply "EXECABORT Transaction discarded because of: OOM command not allowed*"
    is [request $shrinks EXEC] 0
    is [ask $s EXISTS more] 0
}

foreach policy {allkeys-lru allkeys-lfu allkeys-random} {
    case "$policy keeps memory at the limit" {
        set s [server "maxmemory-policy $policy\nappendonly yes\nappendfsync no\nenable-debug-command yes"]
        limit $s 3000000
        is [fill $s 10000] 0
        truth {[info_of $s evicted_keys] > 5000}
        truth {[info_of $s used_memory] < [info_of $s maxmemory] + 400000}
        # evicted keys are DELs in the log
        set digest [ask $s DEBUG DIGEST]
        set s [restart $s kill "maxmemory-policy $policy\nappendonly yes\nenable-debug-command yes"]
        is [ask $s DEBUG DIGEST] $digest
    }
}

foreach policy {volatile-lru volatile-lfu volatile-random volatile-ttl} {
    case "$policy takes only keys that expire" {
        set s [server "maxmemory-policy $policy"]
        for {set i 0} {$i < 100} {incr i} { ask $s SET stays$i v }
        limit $s 3000000
        is [fill $s 10000 EX 1000] 0
        truth {[info_of $s evicted_keys] > 5000}
        for {set i 0} {$i < 100} {incr i} { is [ask $s GET stays$i] v }
        ask $s FLUSHALL
        truth {[fill $s 10000] > 1000}
    }
}

case "volatile-ttl takes the next to expire first" {
    set s [server "maxmemory-policy volatile-ttl"]
    for {set i 0} {$i < 1000} {incr i} { ask $s SET late$i [string repeat x 1000] EX 100000 }
    for {set i 0} {$i < 1000} {incr i} { ask $s SET soon$i [string repeat x 1000] EX [expr {1000 + $i}] }
    ask $s CONFIG SET maxmemory [expr {[info_of $s used_memory] - 300000}]
    ask $s SET x y
    wait_for { ask $s SET x y; within $s }
    set late [llength [ask $s KEYS late*]]
    set soon [llength [ask $s KEYS soon*]]
    truth {$soon < 900}
    truth {1000 - $late < (1000 - $soon) / 4}
}

case "allkeys-lru keeps what is used" {
    set s [server "maxmemory-policy allkeys-lru\nmaxmemory-samples 10"]
    for {set i 0} {$i < 1000} {incr i} { ask $s SET k$i [string repeat x 1000] }
    after 2100 ;# what is read now is younger by the clock of accesses
    for {set i 0} {$i < 300} {incr i} { ask $s GET k$i }
    ask $s CONFIG SET maxmemory [expr {[info_of $s used_memory] - 400000}]
    wait_for { ask $s GET k0; within $s }
    set kept 0
    for {set i 0} {$i < 300} {incr i} { incr kept [ask $s EXISTS k$i] }
    truth {$kept > 290}
}

# ---- what is deleted comes back ----

# SETs (or what words makes of a number) of from..to-1, in pipelines. Returns the number of errors.
proc each_key {s from to words} {
    set fd [connect $s]
    fconfigure $fd -buffersize 100000
    set errors 0
    while {$from < $to} {
        set end [expr {min($from + 500, $to)}]
        set all ""
        for {set i $from} {$i < $end} {incr i} { append all [encode [apply [list i $words] $i]] }
        puts -nonewline $fd $all
        flush $fd
        for {} {$from < $end} {incr from} { incr errors [catch { read_reply $fd }] }
    }
    close $fd
    return $errors
}

case "memory of deleted keys is free again" {
    set s [server]
    set before [info_of $s used_memory]
    set value [string repeat x 100]
    is [each_key $s 0 100000 [subst -nocommands { list SET key:\$i $value }]] 0
    truth {[info_of $s used_memory] > $before + 10000000}
    set resident [info_of $s used_memory_rss]
    is [each_key $s 0 100000 { list DEL key:$i }] 0
    is [ask $s DBSIZE] 0
    truth {[info_of $s used_memory] < $before + 300000}
    truth {[info_of $s allocator_allocated] < $before + 300000}
    wait_for { expr {[info_of $s used_memory_rss] < $resident - 6000000} }
    ask $s CONFIG SET maxmemory [expr {$before + 50000000}]
    is [ask $s SET big [string repeat x 20000000]] OK
}

case "what expires leaves no memory behind" {
    set s [server]
    set before [info_of $s used_memory]
    set value [string repeat x 100]
    is [each_key $s 0 50000 [subst -nocommands { list SET key:\$i $value PX 300 }]] 0
    wait_for { expr {[ask $s DBSIZE] == 0} }
    truth {[info_of $s used_memory] < $before + 300000}
}

case "entries left far apart are moved together" {
    set s [server]
    set value [string repeat x 100]
    is [each_key $s 0 150000 [subst -nocommands { list SET key:\$i $value EX 1000 }]] 0
    set active [info_of $s allocator_active]
    is [each_key $s 0 150000 { expr {$i % 5 ? [list DEL key:$i] : [list EXISTS key:$i]} }] 0
    wait_for { expr {[info_of $s allocator_active] < $active / 2} }
    for {set i 0} {$i < 150000} {incr i 5000} {
        is [ask $s GET key:$i] $value
        truth {[ask $s TTL key:$i] > 500}
    }
    is [ask $s DBSIZE] 30000
}

case "a cache whose values grow keeps what fits" {
    set s [server "maxmemory-policy allkeys-lru"]
    ask $s CONFIG SET maxmemory 20mb
    set value [string repeat x 100]
    is [each_key $s 0 200000 [subst -nocommands { list SET key:\$i $value }]] 0
    truth {[ask $s DBSIZE] > 120000}
    set value [string repeat x 600]
    is [each_key $s 0 60000 [subst -nocommands { list SET key:\$i $value }]] 0
    # 20 MB of about 690 bytes a key
    truth {[ask $s DBSIZE] > 27000}
    truth {[info_of $s used_memory] <= 20 * 1024 * 1024 + 100000}
}

case "the growth of tables does not evict more than it takes" {
    # The second: all times lie in one slot of the expiry index. The last: they pass from one to the
    # next, so that the array of the one drains while that of the other fills.
    set slot [expr {1 << 18}]
    set t [expr {([clock milliseconds] / $slot + 4) * $slot}]
    foreach {ttl least} [list "" 0.97 "PXAT $t" 0.94 \
                             "PXAT \[expr {\$i < 170000 ? $t : $t + $slot}\]" 0.94] {
        set s [server "maxmemory-policy allkeys-lru"]
        ask $s CONFIG SET maxmemory 10mb
        set kept {}
        for {set from 0} {$from < 300000} {incr from 10000} {
            is [each_key $s $from [expr {$from + 10000}] [subst -nocommands { list SET key:\$i xxxxxxxxxxxxxxxxxxxx $ttl }]] 0
            lappend kept [ask $s DBSIZE]
        }
        # never falls by more than that: with times there are arrays of a MiB beside the keys, which
        # grow in the allocator's steps of a quarter (three quarters went when only chunks counted)
        set most 0
        foreach n $kept {
            set most [expr {max($n, $most)}]
            truth {$n > $most * $least}
        }
        truth {$most > ($ttl eq "" ? 130000 : 90000)}
        stop $s
    }
}

case "what a worker frees is counted" {
    set s [server]
    set fields {}
    for {set i 0} {$i < 1000} {incr i} { lappend fields $i [string repeat x 100] }
    ask $s HSET h {*}$fields
    ask $s SET small x
    is [ask $s UNLINK h small] 2
    wait_for { expr {[info_of $s lazyfree_pending_objects] == 0} }
    is [info_of $s lazyfreed_objects] 1
    is [each_key $s 0 100 { list SET key:$i x }] 0
    is [ask $s FLUSHALL ASYNC] OK
    wait_for { expr {[info_of $s lazyfree_pending_objects] == 0} }
    is [info_of $s lazyfreed_objects] 101
    ask $s RPUSH one key
    is [ask $s FLUSHDB ASYNC] OK
    wait_for { expr {[info_of $s lazyfree_pending_objects] == 0} }
    is [info_of $s lazyfreed_objects] 102
    is [ask $s CONFIG RESETSTAT] OK
    is [info_of $s lazyfreed_objects] 0
    ask $s XGROUP CREATE short g 0 MKSTREAM
    each_key $s 0 100 { list XADD short * k v }
    ask $s XREADGROUP GROUP g c STREAMS short >
    is [ask $s XTRIM short MAXLEN 0] 100
    is [ask $s UNLINK short] 1 ;# no entry, but a hundred that wait
    wait_for { expr {[info_of $s lazyfree_pending_objects] == 0} }
    is [info_of $s lazyfreed_objects] 1
}

case "maxmemory made smaller is reached without being asked" {
    set s [server "maxmemory-policy allkeys-lru"]
    set value [string repeat x 100]
    is [each_key $s 0 100000 [subst -nocommands { list SET key:\$i $value }]] 0
    ask $s CONFIG SET maxmemory [expr {[info_of $s used_memory] / 10}]
    is [ask $s SET more x] OK
    wait_for { within $s }
    truth {[ask $s DBSIZE] > 4000 && [ask $s DBSIZE] < 12000}
    is [ask $s SET more x] OK
}

# ---- what keys do not make way for ----

# Asks for a big value often and reads nothing. Returns the connection.
proc slow_reader {s key times} {
    set fd [connect $s]
    puts -nonewline $fd [string repeat [encode [list GET $key]] $times]
    flush $fd
    return $fd
}
proc gone {fd} {
    fconfigure $fd -blocking 1
    return [catch {
        while {![eof $fd]} { read $fd 1000000 }
    }]
}

# So many keys of 1000 bytes.
proc fill_with {s n} {
    set piece ""
    for {set i 0} {$i < $n} {incr i} {
        lappend piece key:$i [string repeat x 1000]
        if {$i % 500 == 499} { ask $s MSET {*}$piece; set piece "" }
    }
}

case "clients that do not read are closed before keys go" {
    set s [server "maxmemory-policy allkeys-lru"]
    ask $s SET big [string repeat x 1000000]
    set value [string repeat x 1000]
    is [each_key $s 0 10000 [subst -nocommands { list SET key:\$i $value }]] 0
    ask $s CONFIG SET maxmemory [expr {[info_of $s used_memory] + 500000}]
    ask $s CLIENT NO-EVICT ON
    set readers {}
    for {set i 0} {$i < 8} {incr i} {
        lappend readers [slow_reader $s big 20]
        ask $s PING
    }
    wait_for { ask $s SET more x; expr {[info_of $s evicted_clients] >= 5} }
    foreach fd $readers { close $fd }
    truth {[ask $s DBSIZE] > 9900}
}

# Nine words and a part of the tenth, which never ends: about 160 KB before AUTH.
proc half_command {s} {
    set fd [connect $s]
    set bytes [encode [lrepeat 10 [string repeat x 16384]]]
    puts -nonewline $fd [string range $bytes 0 157000]
    flush $fd
    return $fd
}

case "who has not authenticated is closed before keys go" {
    set s [server "requirepass secret\nmaxmemory 20mb\nmaxmemory-policy allkeys-lru"]
    ask $s AUTH secret
    fill_with $s 10000
    set fds {}
    for {set i 0} {$i < 200} {incr i} {
        lappend fds [half_command $s]
        if {$i % 20 == 0} { ask $s SET w$i x }
    }
    wait_for { expr {[info_of $s evicted_clients] > 100} }
    wait_for { expr {[info_of $s used_memory] < 21000000} }
    is [ask $s SET more x] OK
    is [info_of $s evicted_keys] 0
    is [ask $s DBSIZE] 10011
    # small ones give way, too
    set small {}
    for {set i 0} {$i < 400} {incr i} {
        lappend small [connect $s]
        puts -nonewline [lindex $small end] "*2\r\n\$16000\r\n[string repeat x 15000]"
        flush [lindex $small end]
    }
    ask $s SET more x
    is [info_of $s evicted_keys] 0
    foreach fd [concat $fds $small] { close $fd }
}

case "when others hold all that clients may, one can still authenticate; their input stays" {
    set s [server "requirepass secret\nmaxmemory 20mb\nmaxmemory-policy allkeys-lru"]
    ask $s AUTH secret
    fill_with $s 10000
    set queue [connect $s]
    request $queue AUTH secret
    request $queue MULTI
    for {set i 0} {$i < 80} {incr i} { request $queue SET big$i [string repeat x 100000] }
    set fds {}
    for {set i 0} {$i < 20} {incr i} { lappend fds [half_command $s] }
    wait_for { ask $s SET x x; expr {[info_of $s evicted_clients] >= 10} }
    foreach fd $fds { close $fd }
    for {set i 0} {$i < 20} {incr i} {
        set fd [connect $s]
        ask $s SET x x
        is [request $fd AUTH secret] OK
        is [request $fd SET y y] OK
        close $fd
    }
    is [llength [request $queue EXEC]] 80
}

case "what clients hold within their share makes no key go" {
    set s [server "maxmemory-policy allkeys-lru"]
    is [each_key $s 0 10000 { list SET key:$i [string repeat x 1000] }] 0
    ask $s CONFIG SET maxmemory [expr {[info_of $s used_memory] + 300000}]
    set before [info_of $s mem_not_counted_for_evict]
    set queue [connect $s]
    request $queue MULTI
    for {set i 0} {$i < 10} {incr i} { request $queue SET more:$i [string repeat x 100000] }
    wait_for { ask $s SET x x; expr {[info_of $s mem_not_counted_for_evict] > $before + 900000} }
    truth {[info_of $s used_memory] > [info_of $s maxmemory] + 500000}
    is [info_of $s evicted_keys] 0
    request $queue EXEC
    wait_for { ask $s SET x x; expr {[info_of $s evicted_keys] > 500} }
    is [info_of $s evicted_clients] 0
}

case "what waits for the log to be written is no reason for keys to go" {
    # In one read: INFO runs in front of the stage that writes what SET logged. Should it come in
    # two, it is asked again.
    set s [server "appendonly yes\nmaxmemory 100mb"]
    set fd [connect $s]
    set other [info_of $s mem_not_counted_for_evict] ;# the states of scripts
    set text [encode [list SET k [string repeat x 30000]]][encode {INFO memory}]
    set beside {
        puts -nonewline $fd $text
        flush $fd
        is [read_reply $fd] OK
        regexp {mem_not_counted_for_evict:(\d+)} [read_reply $fd] -> bytes
    }
    wait_for { eval $beside; expr {$bytes - $other >= 30000} }
    is [ask $s CONFIG SET appendonly no] OK
    wait_for { eval $beside; expr {$bytes - $other < 30000} }
}

case "maxmemory-clients closes those that hold most" {
    set s [server "maxmemory-clients 3mb"]
    ask $s SET big [string repeat x 500000]
    set small [connect $s]
    request $small PING
    set protected [connect $s]
    request $protected CLIENT NO-EVICT ON
    set id [request $protected CLIENT ID]
    puts -nonewline $protected [string repeat [encode {GET big}] 10]
    flush $protected
    wait_for { string match "*tot-mem=????????*" [ask $s CLIENT LIST ID $id] }
    set reader [slow_reader $s big 40]
    wait_for { expr {[info_of $s evicted_clients] == 1} }
    gone $reader
    for {set i 0} {$i < 10} {incr i} { is [string length [read_reply $protected]] 500000 }
    is [request $small PING] PONG
    # Words that are queued count too.
    set queue [connect $s]
    request $queue MULTI
    truth {[catch {
        for {set i 0} {$i < 100} {incr i} { request $queue SET k [string repeat x 100000] }
    }]}
    is [info_of $s evicted_clients] 2
    ask $s CONFIG SET maxmemory-clients 0
    is [ask $s CONFIG GET maxmemory-clients] {maxmemory-clients 0}
    ask $s CONFIG SET maxmemory 100mb maxmemory-clients 5%
    is [ask $s CONFIG GET maxmemory-clients] {maxmemory-clients 5%}
    # one that is smaller than a connection leaves one to set it right by
    foreach tiny {1 1000} {
        ask $s CONFIG SET maxmemory-clients $tiny
        is [ask $s PING] PONG
        set c [connect $s]
        for {set i 0} {$i < 10} {incr i} { is [request $c ECHO [string repeat x 5000]] [string repeat x 5000] }
        close $c
    }
    is [ask $s CONFIG GET maxmemory-clients] {maxmemory-clients 1000}
    ask $s CONFIG SET maxmemory-clients 0
}

# What one client holds, by three ways to see it, and by which limit it goes. The others stay.
foreach {what each} {
    subscriptions { lappend words channel:with:a:name:$i }
    "watched keys" { lappend words user:of:something:$i }
    "tracking prefixes" { lappend words [format %02d: $i][string repeat p 20000] }
} begin {SUBSCRIBE WATCH {CLIENT TRACKING ON BCAST}} calls {100 100 1} many {1000 1000 50} {
    case "$what are seen, and closed by maxmemory-clients" {
        set s [server]
        set small [connect $s]
        set fd [connect $s]
        request $fd HELLO 3
        set id [request $fd CLIENT ID]
        set before [info_of $s mem_clients_normal]
        set stats [dict get [ask $s MEMORY STATS] clients.normal]
        for {set call 0} {$call < $calls} {incr call} {
            set words $begin
            for {set i [expr {$call * $many}]} {$i < ($call + 1) * $many} {incr i} {
                if {[llength $begin] > 1} { lappend words PREFIX }
                eval $each
            }
            send $fd {*}$words
            for {set i [expr {$begin eq "SUBSCRIBE" ? $many : 1}]} {$i > 0} {incr i -1} {
                read_reply $fd
            }
        }
        set least [expr {$calls > 1 ? 8000000 : 2000000}]
        regexp {tot-mem=(\d+)} [ask $s CLIENT LIST ID $id] -> memory
        truth {$memory > $least}
        truth {[info_of $s mem_clients_normal] - $before > $least}
        truth {[dict get [ask $s MEMORY STATS] clients.normal] - $stats > $least}
        ask $s CONFIG SET maxmemory-clients [expr {$memory + 1000000}]
        is [request $small PING] PONG
        is [info_of $s evicted_clients] 0
        ask $s CONFIG SET maxmemory-clients [expr {$memory / 2}]
        wait_for { expr {[info_of $s evicted_clients] == 1} }
        gone $fd
        is [request $small PING] PONG
        wait_for { expr {[info_of $s mem_clients_normal] < $before + 500000} }
    }
}

# ---- the log of keys that go by themselves ----

# The names of the commands in the log's increment.
proc logged {s} {
    set names {}
    foreach path [glob [of $s dir]/appendonlydir/*.incr.aof] {
        foreach {all name} [regexp -all -inline {\*[0-9]+\r\n\$[0-9]+\r\n([A-Z]+)\r\n} [slurp $path]] {
            lappend names $name
        }
    }
    return $names
}

case "evicted keys are no part of the command that needed room" {
    set s [server "maxmemory-policy allkeys-random\nappendonly yes"]
    for {set i 0} {$i < 5} {incr i} { ask $s SET k$i [string repeat x 1000000] }
    ask $s CONFIG SET maxmemory-policy noeviction maxmemory [expr {[info_of $s used_memory] - 4000000}]
    ask $s CONFIG SET maxmemory-policy allkeys-random
    ask $s MULTI
    ask $s SET a x
    ask $s SET b y
    ask $s EXEC
    truth {[info_of $s evicted_keys] >= 2}
    set names [logged $s]
    set multi [lsearch $names MULTI]
    is [lrange $names $multi end] {MULTI SET SET EXEC}
    is [lsort -unique [lrange $names 6 $multi-1]] DEL
}

case "keys that expire are deleted in the log each by itself" {
    set s [server "appendonly yes"]
    is [each_key $s 0 5000 { list SET key:$i x PX 100 }] 0
    wait_for { expr {[ask $s DBSIZE] == 0} }
    set names [logged $s]
    is [lsearch $names MULTI] -1
    is [llength [lsearch -all $names DEL]] 5000
    set s [restart $s kill "appendonly yes"]
    is [ask $s DBSIZE] 0
}

case "while clients are paused nothing goes by itself" {
    set s [server "maxmemory-policy allkeys-lru\nappendonly yes"]
    for {set i 0} {$i < 3} {incr i} { ask $s SET k$i [string repeat x 100000] }
    ask $s RPUSH list a
    ask $s MULTI
    ask $s SET hidden x PX 50
    ask $s PEXPIRE list 50
    ask $s CLIENT PAUSE 100000 WRITE
    ask $s EXEC
    after 120 ;# they are due
    is [ask $s GET hidden] (nil)
    is [ask $s EXISTS list] 0
    is [info_of $s expired_keys] 0
    is [ask $s DBSIZE] 5
    ask $s CONFIG SET maxmemory 100000
    is [ask $s STRLEN k0] 100000
    is [info_of $s evicted_keys] 0
    is [lsearch [logged $s] DEL] -1
    ask $s CONFIG SET maxmemory 0
    ask $s CLIENT UNPAUSE
    wait_for { expr {[info_of $s expired_keys] == 2} }
    # A pause inside of a transaction: what it writes finds nothing where something is hidden.
    ask $s RPUSH list a
    ask $s SET text abc
    set one [connect $s]
    request $one MULTI
    foreach words {{PEXPIREAT list 1} {PEXPIREAT text 1}} { lappend later $words }
    request $one CLIENT PAUSE 100000 WRITE
    request $one RPUSH list b
    request $one APPEND text d
    is [lindex [request $one EXEC] 1] 2
    ask $s CLIENT UNPAUSE
    ask $s DEL list text
}

case "noeviction: what is queued takes memory too" {
    set s [server]
    set fd [connect $s]
    request $fd MULTI
    ask $s CONFIG SET maxmemory 1
    truth {[catch { request $fd GET x } reply]}
    like $reply "OOM command not allowed*"
    truth {[catch { request $fd EXEC } reply]}
    like $reply "EXECABORT*"
}

case "OBJECT FREQ and IDLETIME follow the policy" {
    set s [server]
    ask $s MULTI
    ask $s SET k v
    ask $s OBJECT IDLETIME k
    is [ask $s EXEC] {OK 0}
    like [error_of $s OBJECT FREQ k] "ERR An LFU maxmemory policy is not selected*"
    ask $s CONFIG SET maxmemory-policy allkeys-lfu
    ask $s DEL k
    ask $s SET k v
    is [ask $s OBJECT FREQ k] 5
    like [error_of $s OBJECT IDLETIME k] "ERR An LFU maxmemory policy is selected*"
    set dump [ask $s DUMP k]
    ask $s RESTORE f 0 $dump FREQ 200
    truth {[ask $s OBJECT FREQ f] >= 199}
    ask $s SAVE
    set s [restart $s kill "maxmemory-policy allkeys-lfu"]
    truth {[ask $s OBJECT FREQ f] >= 198}
}

finish
