# SPDX-License-Identifier: BSD-3-Clause
# A replica that restarts from its own append log: it asks for what is behind that, however it ended
# and wherever its log ends; and for everything, where the log can't tell.
#
#   SEED=7 COUNT=100 tclsh tests/integration/replication_restart.tcl
source [file join [file dirname [info script]] lib.tcl]
source [file join [file dirname [info script]] lib holdfast.tcl]
source [file join [file dirname [info script]] lib primary.tcl]
source [file join [file dirname [info script]] lib chance.tcl]

set log "appendonly yes\nauto-aof-rewrite-percentage 0"
proc primary {{more ""} {kind ours}} { return [$kind "repl-backlog-size 20mb\n$more"] }
# Linked, and its log has begun.
proc with_log {p {more ""} args} {
    set r [replica_of $p "$::log\n$more" {*}$args]
    wait_linked $r
    wait_for { expr {![info_of $r aof_rewrite_in_progress]} }
    return $r
}
# What is done twice or not at all shows.
proc count_up {p n} {
    set fd [connect $p]
    for {set i 0} {$i < $n} {incr i} {
        switch [below 8] {
            0 { foreach words {MULTI {INCR m} {APPEND t x} {DEL none} {RPUSH l m} EXEC} { send $fd {*}$words } }
            1 { foreach words {MULTI {PUBLISH news x} {INCR m} EXEC} { send $fd {*}$words } }
            2 { send $fd EVAL "redis.call('INCR', 'e') redis.call('PUBLISH', 'news', 'y') return redis.call('RPUSH', 'l', 'e')" 0 }
            3 { send $fd PUBLISH news [string repeat z [below 300]] }
            4 { send $fd SELECT [below 4] }
            5 { foreach words {MULTI {SELECT 2} {INCR two} {SELECT 3} {DEL none} {SELECT 1} EXEC} { send $fd {*}$words } }
            6 { send $fd APPEND long [string repeat a [below 2000]] }
            7 { foreach words {{SADD s a b} {SREM s a} {DEL none} {RPUSH l i} {SET soon x PX 1}} { send $fd {*}$words } }
        }
    }
    send $fd ECHO all-done
    while {[read_reply $fd 0] ne "all-done"} {}
    close $fd
}
proc again {p dir {more ""}} { return [replica_of $p "$::log\n$more" -dir $dir] }
# It came back so, and both hold the same.
proc came_back {p r full partial} {
    wait_same $r $p
    is [lrange [syncs_of $p] 0 1] [list $full $partial]
    is [info_of $r replica_commands_failed] 0
}

foreach policy {always everysec no} {
    foreach how {term kill} {
        case "it goes on where its log ends: appendfsync $policy, $how" {
            set p [primary]
            set r [with_log $p "appendfsync $policy"]
            set dir [of $r dir]
            for {set i 1} {$i <= 3} {incr i} {
                count_up $p 100
                wait_same $r $p
                stop $r $how
                if {$i < 3} { count_up $p 100 }
                set r [again $p $dir "appendfsync $policy"]
                came_back $p $r 1 $i
            }
            truth {[logged $r "*The append log holds the history [info_of $p master_replid] up to*"]}
        }
    }
}

case "a primary that is the installed redis-server" {
    set p [primary "" peer]
    set r [with_log $p]
    set dir [of $r dir]
    foreach how {kill term kill} i {1 2 3} {
        count_up $p 200
        wait_same $r $p
        stop $r $how
        count_up $p 100
        set r [again $p $dir]
        came_back $p $r 1 $i
    }
}

case "in the database that the stream had selected, though nothing was logged there" {
    set p [primary]
    set r [with_log $p]
    set dir [of $r dir]
    set fd [connect $p]
    foreach how {term kill} i {1 2} {
        foreach words {{SELECT 3} {SET in three} MULTI {SET k v} {SELECT 5} {PEXPIREAT none 1}
            {SET gone x} {DEL gone} EXEC {SELECT 5}} {
            request $fd {*}$words
        }
        wait_same $r $p
        stop $r $how
        request $fd SET five:$i 5 ;# no SELECT in front of it
        set r [again $p $dir]
        came_back $p $r 1 $i
        ask $r SELECT 5
        is [ask $r GET five:$i] 5
        ask $r SELECT 0
    }
}

case "an end in order tells of what was not logged, too" {
    set p [primary "repl-ping-replica-period 3600"]
    set r [with_log $p]
    set sub [replica_of $r]
    set dir [of $r dir]
    ask $p SET k v
    wait_same $sub $p
    for {set i 0} {$i < 20} {incr i} { ask $p PUBLISH news [string repeat x 100] }
    wait_same $sub $p
    set offset [info_of $r slave_repl_offset]
    signal STOP [of $sub pid]
    stop $r term
    set r [replica_of $p $log -dir $dir]
    truth {[logged $r "*up to offset $offset:*"]}
    signal CONT [of $sub pid]
    follow $sub $r
    came_back $p $r 1 1
    wait_same $sub $p
    is [lrange [syncs_of $r] 0 1] {0 1}
}

case "over rewrites, and roles that change" {
    set a [ours "$log\nrepl-backlog-size 20mb"]
    set b [with_log $a "repl-backlog-size 20mb"]
    set dir [of $b dir]
    count_up $a 50
    wait_same $b $a
    ask $b BGREWRITEAOF
    wait_for { expr {![info_of $b aof_rewrite_in_progress]} }
    count_up $a 50
    wait_same $b $a
    stop $b kill
    set b [again $a $dir "repl-backlog-size 20mb"]
    came_back $a $b 1 1
    is [ask $b REPLICAOF NO ONE] OK
    count_up $b 50
    follow $a $b ;# the log of a replica behind that of a primary
    wait_same $a $b
    count_up $b 50
    wait_same $a $b
    set dir [of $a dir]
    stop $a kill
    count_up $b 50
    set a [again $b $dir]
    wait_same $a $b
    is [info_of $b sync_full] 0
    is [info_of $b sync_partial_ok] 2
    ask $b FAILOVER
    wait_for { expr {[info_of $a role] eq "master"} }
    wait_same $b $a
    count_up $a 50
    wait_same $b $a
    set dir [of $b dir]
    stop $b kill
    count_up $a 50
    set b [again $a $dir]
    wait_same $b $a
    is [info_of $a sync_full] 0
}

# ---- the log can't tell ----

case "what it wrote itself is of no history: a copy, and from there on it goes on again" {
    set p [primary]
    set r [with_log $p "replica-read-only no"]
    set dir [of $r dir]
    count_up $p 50
    wait_same $r $p
    stop $r kill
    set r [again $p $dir "replica-read-only yes"]
    wait_for { expr {[lindex [syncs_of $p] 0] == 2} }
    wait_same $r $p
    wait_for { expr {![info_of $r aof_rewrite_in_progress]} }
    count_up $p 50
    wait_same $r $p
    ask $r CONFIG SET replica-read-only no
    ask $r SET own value
    ask $r CONFIG SET replica-read-only yes
    count_up $p 50
    wait_for { expr {[info_of $r slave_repl_offset] >= [info_of $p master_repl_offset]} }
    stop $r kill
    set r [again $p $dir]
    wait_for { expr {[lindex [syncs_of $p] 0] == 3} }
    came_back $p $r 3 0
    is [ask $r EXISTS own] 0
    wait_for { expr {![info_of $r aof_rewrite_in_progress]} }
    count_up $p 50
    wait_same $r $p
    stop $r kill
    set r [again $p $dir]
    came_back $p $r 3 1
}

case "the lines are nobody's trouble; what another server wrote behind them is no part" {
    set p [primary]
    set r [with_log $p "rdb-target-version 10"]
    set dir [of $r dir]
    count_up $p 100
    wait_same $r $p
    stop $r term
    set manifest $dir/appendonlydir/appendonly.aof.manifest
    like [slurp [lindex [glob $dir/appendonlydir/*.incr.aof] 0]] "*#REPL=*#REPL~*"
    is [run [file join $build redis-check-aof] $manifest] 0
    is [run redis-check-aof $manifest] 0
    tool 0 check $manifest
    tool 0 diff $manifest 127.0.0.1:[of $p port]
    set old [peer "appendonly yes" -dir $dir]
    tool 0 diff 127.0.0.1:[of $old port] 127.0.0.1:[of $p port]
    ask $old SET by-the-old 1
    stop $old term
    set r [again $p $dir "rdb-target-version 10"]
    came_back $p $r 2 0
    is [ask $r EXISTS by-the-old] 0
}

case "without checksums: a copy" {
    set p [primary]
    set r [with_log $p "aof-checksum no"]
    set dir [of $r dir]
    count_up $p 50
    wait_same $r $p
    stop $r term
    truth {![string match *#REPL* [slurp [glob $dir/appendonlydir/*.incr.aof]]]}
    set r [again $p $dir "aof-checksum no"]
    came_back $p $r 2 0
}

case "it leads from the next start on: what it said as a replica does not go on" {
    set p [primary]
    set r [with_log $p]
    set dir [of $r dir]
    count_up $p 50
    wait_same $r $p
    stop $r kill
    set r [ours $log -dir $dir]
    ask $r SET own value
    stop $r kill
    set r [again $p $dir]
    came_back $p $r 2 0
    is [ask $r EXISTS own] 0
}

# ---- its log ends anywhere ----

# A kill in the middle of writes, or a power loss: of the log's end nothing is left. What it holds
# then it says, no more and no less: else what was counted differs.
set times [chance_count 12 4 200]
case "killed while it writes, and its log cut anywhere, $times times (seed $seed)" {
    set p [primary]
    set r [with_log $p "appendfsync everysec"]
    set dir [of $r dir]
    count_up $p 50
    wait_same $r $p
    array set seen {whole 0 cut 0 partial 0 full 0}
    for {set i 0} {$i < $times} {incr i} {
        set before [syncs_of $p]
        exec sh -c "sleep 0.0[below 9]; kill -KILL [of $r pid]" >/dev/null 2>/dev/null &
        count_up $p [expr {100 + [below 300]}]
        wait_for { expr {![alive [of $r pid]]} }
        stop $r
        set path [lindex [lsort -dictionary [glob $dir/appendonlydir/*.incr.aof]] end]
        set size [file size $path]
        if {[below 2] && $size > 3000} {
            set f [open $path r+b]
            chan truncate $f [expr {$size - [below 2500]}]
            close $f
            incr seen(cut)
        } else {
            incr seen(whole)
        }
        set r [again $p $dir]
        wait_same $r $p
        is [info_of $r replica_commands_failed] 0
        incr seen(full) [expr {[lindex [syncs_of $p] 0] - [lindex $before 0]}]
        incr seen(partial) [expr {[lindex [syncs_of $p] 1] - [lindex $before 1]}]
        wait_for { expr {![info_of $r aof_rewrite_in_progress]} }
    }
    puts "figures: [array get seen]"
    is $seen(full) 0
    is $seen(partial) $times
}

# One that could be counted on from: a server that starts from it must not end at its first write.
case "an offset in a dump that makes no sense is of no use, and no harm" {
    proc aux {name value} { return \xfa[binary format ca*ca* [string length $name] $name [string length $value] $value] }
    foreach offset {9223372036854775807 9223372036854775800 2305843009213693952 -1 x} {
        set dir [tmpdir]
        spit $dir/dump.rdb REDIS0009[aux repl-stream-db 0][aux repl-id [string repeat a 40]][aux repl-offset \
            $offset]\xfe\x00\x00\x01k\x01v\xff[string repeat \x00 8]
        set p [ours "" -dir $dir]
        is [ask $p GET k] v
        is [info_of $p second_repl_offset] -1
        is [ask $p SET a 1] OK
        set r [ours "replicaof 127.0.0.1 [of $p port]"]
        wait_same $r $p
        is [ask $p SET b 2] OK
        wait_same $r $p
        stop $r
        stop $p
    }
    set dir [tmpdir]
    spit $dir/dump.rdb REDIS0009[aux repl-stream-db 0][aux repl-id [string repeat a 40]][aux repl-offset \
        2305843009213693951]\xfe\x00\x00\x01k\x01v\xff[string repeat \x00 8]
    set p [ours "" -dir $dir]
    is [info_of $p second_repl_offset] 2305843009213693952
    foreach n {1 2 3} { is [ask $p SET a $n] OK }
}

finish
