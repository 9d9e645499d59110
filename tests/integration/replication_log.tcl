# SPDX-License-Identifier: BSD-3-Clause
# A replica that was away for longer than the backlog lasts goes on from the primary's append log: no
# copy of the data set, no child; and where the log can't tell exactly, a copy after all.
source [file join [file dirname [info script]] lib.tcl]
source [file join [file dirname [info script]] lib holdfast.tcl]
source [file join [file dirname [info script]] lib dataset.tcl]
source [file join [file dirname [info script]] lib primary.tcl]

set config "repl-backlog-size 16kb\nappendonly yes\nauto-aof-rewrite-percentage 0\nrepl-ping-replica-period 1"
proc log_primary {{more ""} args} { return [ours "$::config\n$more" {*}$args] }
proc counts {p} { lmap field {sync_full sync_partial_log} { info_of $p $field } }
# Runs the script while the replica stands still, then lets it go on, longer away than the backlog.
proc away {p r script} {
    set pid [of $r pid]
    signal STOP $pid
    ask $p CLIENT KILL TYPE replica
    uplevel 1 $script
    for {set i 0} {$i < 40} {incr i} { ask $p SET filler:$i [string repeat $i 700] }
    signal CONT $pid
}
# It came back by the log alone.
proc from_log {p r full log} {
    wait_for { expr {[counts $p] eq [list $full $log]} }
    wait_same $r $p
    wait_for { expr {[regexp -all {state=online} [ask $p INFO replication]] > 0} }
    is [counts $p] [list $full $log]
}
proc begun {p r} {
    wait_same $r $p
    ask $p SET first line
    wait_same $r $p
}
proc all_types {p} {
    ask $p MULTI
    ask $p SET a 1
    ask $p INCR a
    ask $p EXEC
    ask $p MULTI
    ask $p INCR a
    ask $p PUBLISH news [string repeat z 1000]
    ask $p EXEC
    ask $p MULTI
    ask $p INCR a
    ask $p PUBLISH news {}
    ask $p DEL none a
    ask $p SET a 2
    ask $p EXEC
    ask $p RPUSH list a b c
    ask $p SADD set x y z
    ask $p ZADD zset 1.5 one 2.5 two
    ask $p HSET hash f v g w
    ask $p XADD stream * a b
    ask $p SETEX soon 100 x
    ask $p SET gone x PX 1
    ask $p EVAL "redis.call('SET', 'by-script', 1) redis.call('PUBLISH', 'news', 'x') return redis.call('RPUSH', 'l2', 1)" 0
    ask $p EVAL "redis.call('PUBLISH', 'news', 'one') return redis.call('SET', 'alone', 1)" 0
    ask $p SELECT 5
    ask $p SET in-five 1
    ask $p PUBLISH news [string repeat y 105]
    ask $p EVAL "redis.call('PUBLISH', 'news', 'yy') return redis.call('SET', 'five', 1)" 0
    ask $p SELECT 3
    ask $p PUBLISH news z
    ask $p SET in-three 1
    ask $p SELECT 5
    ask $p FUNCTION LOAD REPLACE "#!lua name=lib\nredis.register_function('f', function() return 1 end)"
    ask $p SELECT 0
    ask $p LPOP list
    ask $p SPOP set 1
    ask $p SET binary "a\r\n#b\x00"
}

foreach policy {everysec always no} {
    case "away for longer than the backlog: the log has it, appendfsync $policy" {
        set p [log_primary "appendfsync $policy"]
        set r [replica_of $p]
        begun $p $r
        set forks [info_of $p total_forks]
        for {set i 1} {$i <= 3} {incr i} {
            set sent [info_of $p sync_partial_log_bytes]
            set before [info_of $p master_repl_offset]
            away $p $r { all_types $p }
            from_log $p $r 1 $i
            set gap [expr {[info_of $p master_repl_offset] - $before}]
            truth {[info_of $p sync_partial_log_bytes] - $sent <= $gap}
            truth {[info_of $p sync_partial_log_bytes] > $sent}
        }
        is [info_of $p total_forks] $forks
        is [info_of $r replica_commands_failed] 0
        is [ask $r GET binary] "a\r\n#b\x00"
    }
}

case "a replica that is the installed redis-server goes on from the log, too" {
    set p [log_primary]
    set r [peer "replicaof 127.0.0.1 [of $p port]"]
    begun $p $r
    away $p $r { all_types $p }
    from_log $p $r 1 1
    away $p $r { all_types $p; ask $p FLUSHALL; ask $p SET k v }
    from_log $p $r 1 2
    truth {![logged $r "*CRITICAL*"]}
}

case "over rewrites, with the generations that are kept" {
    set p [log_primary "aof-keep-history 10"]
    set r [replica_of $p]
    begun $p $r
    away $p $r {
        for {set i 0} {$i < 3} {incr i} {
            all_types $p
            ask $p BGREWRITEAOF
            wait_for { expr {![info_of $p aof_rewrite_in_progress]} }
        }
        ask $p PUBLISH news last
    }
    from_log $p $r 1 1
}

case "a generation that is kept no more: a copy" {
    set p [log_primary]
    set r [replica_of $p]
    begun $p $r
    away $p $r {
        all_types $p
        ask $p BGREWRITEAOF
        wait_for { expr {![info_of $p aof_rewrite_in_progress]} }
    }
    from_log $p $r 2 0
    away $p $r { all_types $p }
    from_log $p $r 2 1
}

case "what a script kept from one of the two ends what the log can tell" {
    set p [log_primary]
    set r [replica_of $p]
    begun $p $r
    set full 1
    foreach to {REPL_AOF REPL_REPLICA} {
        away $p $r {
            ask $p SET k $to
            ask $p EVAL "redis.set_repl(redis.$to) return redis.call('SET', 'one-sided', 1)" 0
        }
        incr full
        wait_for { expr {[counts $p] eq [list $full 0]} }
        wait_same $r $p
    }
    is [counts $p] [list 3 0]
    ask $p DEL one-sided
    away $p $r { all_types $p }
    from_log $p $r 3 1
}

foreach how {term kill} {
    case "over a restart of the primary: $how" {
        set p [log_primary "appendfsync always\naof-keep-history 5"]
        set r [replica_of $p "repl-timeout 3600"]
        begun $p $r
        all_types $p
        wait_same $r $p
        set offset [info_of $p master_repl_offset]
        signal STOP [of $r pid]
        ask $p CLIENT KILL TYPE replica
        for {set i 0} {$i < 40} {incr i} { ask $p SET filler:$i [string repeat $i 700] }
        set p [restart $p $how "save \"\"\nenable-debug-command yes\nrepl-diskless-sync-delay 0\n$config\nappendfsync always\naof-keep-history 5"]
        truth {[info_of $p master_repl_offset] > $offset}
        ask $p SELECT 0
        for {set i 0} {$i < 40} {incr i} { ask $p SET more:$i [string repeat $i 700] }
        all_types $p
        signal CONT [of $r pid]
        follow $r $p
        from_log $p $r 0 1
    }
}

case "over rewrites and a restart: what was before the base is found again" {
    set more "aof-keep-history 5"
    set p [log_primary $more]
    set r [replica_of $p "repl-timeout 3600"]
    begun $p $r
    signal STOP [of $r pid]
    ask $p CLIENT KILL TYPE replica
    for {set i 0} {$i < 3} {incr i} {
        all_types $p
        for {set n 0} {$n < 40} {incr n} { ask $p SET filler:$n [string repeat $n 700] }
        ask $p BGREWRITEAOF
        wait_for { expr {![info_of $p aof_rewrite_in_progress]} }
    }
    ask $p SET behind it
    set p [restart $p term "save \"\"\nenable-debug-command yes\nrepl-diskless-sync-delay 0\n$config\n$more"]
    ask $p SET again it
    signal CONT [of $r pid]
    follow $r $p
    from_log $p $r 0 1
}

# Of a part of history only its beginning is known after a restart. Who waits until his place there
# is found hears that the primary lives, and nothing that could be taken for the stream.
proc ask_to_go_on {p id offset} {
    set fd [connect $p]
    send $fd PSYNC $id [expr {$offset + 1}]
    fconfigure $fd -blocking 1
    return $fd
}
# The empty lines in front of what it is told.
proc told_to_go_on {fd} {
    for {set empty 0} {[set line [read_line $fd]] eq ""} {incr empty} {}
    like $line +CONTINUE*
    return $empty
}
case "a place that is long looked for: the link lives on" {
    set more "aof-keep-history 5"
    set p [log_primary $more]
    set r [replica_of $p "repl-timeout 3600"]
    begun $p $r
    for {set i 0} {$i < 200} {incr i} {
        ask $p EVAL "for i = 1, 5000 do redis.call('INCR', KEYS\[1\]) end" 1 counted
    }
    ask $p SET in-front of-the-replica
    wait_same $r $p
    set id [info_of $p master_replid]
    set offset [info_of $p master_repl_offset]
    ask $r REPLICAOF 127.0.0.1 1
    ask $p SET missed it
    ask $p BGREWRITEAOF
    wait_for { expr {![info_of $p aof_rewrite_in_progress]} }
    for {set n 0} {$n < 40} {incr n} { ask $p SET filler:$n [string repeat $n 700] }
    set p [restart $p term "save \"\"\nenable-debug-command yes\nrepl-diskless-sync-delay 0\n$config\n$more"]
    set began [clock milliseconds]
    set fd [ask_to_go_on $p $id $offset]
    told_to_go_on $fd
    set took [expr {[clock milliseconds] - $began + 1}]
    close $fd
    ask $r CONFIG SET repl-timeout 3
    set asked [info_of $p sync_partial_log]
    follow $r $p
    wait_for { expr {[info_of $p sync_partial_log] > $asked} }
    for {set i 0} {$i < 6000 / $took} {incr i} { lappend fds [ask_to_go_on $p $id $offset] }
    wait_for { logged $r "*Successful partial resynchronization*" }
    wait_same $r $p
    foreach fd $fds { lappend empty [told_to_go_on $fd] }
    truth {[lindex [lsort -integer $empty] end] > 0}
    is [info_of $p sync_full] 0
    is [regexp -all {Successful partial resynchronization} [log_of $r]] 1
    truth {![logged $r "*imeout *"]}
    is [ask $r GET missed] it
}

# ---- sub-replicas, restarts and cuts ----

case "a replica of the replica gets what is made from the log, byte for byte" {
    set p [log_primary]
    set r [replica_of $p]
    set sub [replica_of $r]
    begun $p $r
    wait_same $sub $p
    away $p $r { all_types $p }
    from_log $p $r 1 1
    wait_same $sub $p
    is [info_of $r sync_full] 1
    is [info_of $sub replica_commands_failed] 0
}

case "a replica that was restarted while it was away" {
    set p [log_primary]
    set r [replica_of $p "save 3600 1"]
    begun $p $r
    set dir [of $r dir]
    stop $r term
    for {set i 0} {$i < 40} {incr i} { ask $p SET filler:$i [string repeat $i 700] }
    all_types $p
    set r [replica_of $p "save 3600 1" -dir $dir]
    from_log $p $r 1 1
}

proc much {p} {
    for {set i 0} {$i < 300} {incr i} { ask $p SET big:[expr {$i % 50}] [string repeat "$i " 40000] }
}
# It has got some of what it lacks.
proc in_the_middle {p r offset} {
    wait_for { expr {[info_of $r slave_repl_offset] > $offset + 1000000} }
    return [string match *state=send_log* [ask $p INFO replication]]
}

case "a link that is cut in the middle goes on where it was" {
    set p [log_primary]
    set r [replica_of $p]
    begun $p $r
    set hit 0
    for {set try 0} {$try < 20 && $hit < 2} {incr try} {
        set offset [info_of $p master_repl_offset]
        away $p $r { all_types $p; much $p }
        if {[in_the_middle $p $r $offset]} {
            set before [info_of $p sync_partial_log]
            ask $p CLIENT KILL TYPE replica
            wait_same $r $p
            incr hit [expr {[info_of $p sync_partial_log] > $before}]
        }
        wait_same $r $p
    }
    is $hit 2
    is [info_of $p sync_full] 1
    is [info_of $r replica_commands_failed] 0
}

case "a primary that is killed in the middle, and comes again" {
    set more "appendfsync always"
    set p [log_primary $more]
    set r [replica_of $p "repl-timeout 3600"]
    begun $p $r
    set offset [info_of $p master_repl_offset]
    away $p $r { all_types $p; much $p }
    in_the_middle $p $r $offset
    set p [restart $p kill "save \"\"\nenable-debug-command yes\nrepl-diskless-sync-delay 0\n$config\n$more"]
    follow $r $p
    wait_same $r $p
    is [info_of $p sync_full] 0
    is [info_of $r replica_commands_failed] 0
}

case "writes that go on meanwhile, and what is published" {
    set p [log_primary]
    set r [replica_of $p]
    begun $p $r
    away $p $r { all_types $p; much $p }
    for {set i 0} {![string match *state=online* [ask $p INFO replication]]} {incr i} {
        ask $p RPUSH growing [string repeat $i 500]
        ask $p PUBLISH news $i
    }
    from_log $p $r 1 1
}

# ---- what can't be read ----

case "damage in the log: it is told, and a copy comes" {
    set p [log_primary]
    set r [replica_of $p]
    begun $p $r
    away $p $r {
        all_types $p
        set f [open [lindex [glob [of $p dir]/appendonlydir/*.incr.aof] 0] r+b]
        seek $f -3 end
        puts -nonewline $f "!"
        close $f
    }
    wait_for { expr {[counts $p] eq {2 1}} }
    wait_same $r $p
    truth {[logged $p "*can't go on from the append log*does not match its checksum*"]}
    away $p $r { all_types $p }
    from_log $p $r 2 2
}

# ---- the files ----

case "the lines in the log are nobody's trouble" {
    set p [log_primary "rdb-target-version 10"]
    set r [replica_of $p]
    begun $p $r
    all_types $p
    ask $p DEL stream ;# whose times a replay sets anew
    ask $p CONFIG SET appendfsync always
    wait_same $r $p
    set manifest [of $p dir]/appendonlydir/appendonly.aof.manifest
    like [slurp [lindex [glob [of $p dir]/appendonlydir/*.incr.aof] 0]] "*#REPL!*#REPL\\**"
    is [run [file join $build redis-check-aof] $manifest] 0
    is [run redis-check-aof $manifest] 0
    set plain [tmpdir]/plain
    is [run [file join $build redis-check-aof] --plain $manifest $plain] 0
    truth {![string match *#REPL* [slurp $plain]]}
    tool 0 check $manifest
    tool 0 diff $manifest 127.0.0.1:[of $p port]
    set dir [tmpdir]
    file copy [of $p dir]/appendonlydir $dir
    set old [peer "appendonly yes" -dir $dir]
    tool 0 diff 127.0.0.1:[of $old port] 127.0.0.1:[of $p port]
    # its commands in the log are no part of any history
    ask $old SET by-the-old 1
    stop $old term
    set again [log_primary "" -dir $dir]
    is [ask $again GET by-the-old] 1
    truth {[info_of $again master_replid2] eq [string repeat 0 40]}
}

case "a log that lost something to a repair is no part of the history any more" {
    set p [log_primary "appendfsync always"]
    set r [replica_of $p "repl-timeout 3600"]
    begun $p $r
    for {set i 0} {$i < 20} {incr i} { ask $p RPUSH list value-$i }
    wait_same $r $p
    signal STOP [of $r pid]
    set dir [of $p dir]
    stop $p term
    set path [glob $dir/appendonlydir/*.incr.aof]
    set unit "RPUSH\r\n\$4\r\nlist\r\n\$7\r\nvalue-7"
    spit $path [string map [list $unit [string repeat x [string length $unit]]] [slurp $path]]
    tool 5 check $dir/appendonlydir
    tool 7 fix --salvage --in-place --yes $dir/appendonlydir
    set p [log_primary "appendfsync always" -dir $dir]
    is [ask $p LLEN list] 19
    is [info_of $p master_replid2] [string repeat 0 40]
    signal CONT [of $r pid]
    follow $r $p
    wait_same $r $p
    is [counts $p] {1 0}
    is [ask $r LLEN list] 19
}

case "without checksums the log is as older servers write it: a copy" {
    set p [log_primary "aof-checksum no"]
    set r [replica_of $p]
    begun $p $r
    away $p $r { all_types $p }
    from_log $p $r 2 0
    truth {![string match *#REPL* [slurp [glob [of $p dir]/appendonlydir/*.incr.aof]]]}
    ask $p CONFIG SET aof-checksum yes
    ask $p SET with sums
    away $p $r { all_types $p }
    from_log $p $r 2 1
    ask $p CONFIG SET aof-checksum no
    away $p $r { all_types $p }
    from_log $p $r 3 1
}

case "a server that never had a replica writes no such line" {
    set p [log_primary]
    ask $p SET k v
    ask $p PUBLISH news x
    ask $p SET k w
    set dir [of $p dir]
    stop $p term
    set log [slurp [glob $dir/appendonlydir/*.incr.aof]]
    like $log "*SET*"
    truth {![string match *#REPL* $log]}
}

# An hour at 50,000 writes a second is a log of 26 GB: LOG_MB=26000.
#
#   LOG_MB=1000 ONLY_CASE=hour tclsh tests/integration/replication_log.tcl
proc memory_of {s field} {
    regexp "$field:\\s+(\\d+) kB" [slurp /proc/[of $s pid]/status] -> kb
    return [expr {$kb / 1024.0}]
}
# So many MB of commands, each of 140 bytes.
proc write_log {p mb} {
    set value [string repeat v 100]
    for {set i 0} {$i < 7200} {incr i} { append chunk [encode [list SET key:[format %08d $i] $value]] }
    set fd [connect $p]
    set sent 0
    while {$sent < $mb * 1000000} {
        puts -nonewline $fd $chunk
        flush $fd
        incr sent [string length $chunk]
        read $fd [expr {7200 * 5}]
    }
    close $fd
}
if {$long || [info exists env(LOG_MB)]} {
    case "away for an hour: the log's bytes are sent, no child, memory bounded" {
        set mb [expr {[info exists env(LOG_MB)] ? $env(LOG_MB) : 1000}]
        set p [log_primary]
        set r [replica_of $p "repl-timeout 86400"]
        begun $p $r
        signal STOP [of $r pid]
        ask $p CLIENT KILL TYPE replica
        set before [info_of $p master_repl_offset]
        write_log $p $mb
        set gap [expr {[info_of $p master_repl_offset] - $before}]
        set log [file size [lindex [glob [of $p dir]/appendonlydir/*.incr.aof] 0]]
        set forks [info_of $p total_forks]
        spit /proc/[of $p pid]/clear_refs 5 ;# the peak begins anew
        set had [memory_of $p VmRSS]
        set began [clock milliseconds]
        signal CONT [of $r pid]
        set end [expr {$began + $patience_ms + $mb * 200}]
        while {![linked $r] || [info_of $r slave_repl_offset] < [info_of $p master_repl_offset]} {
            if {[clock milliseconds] > $end} { error "it does not catch up" }
            after 50
        }
        set took [expr {([clock milliseconds] - $began) / 1e3}]
        set sent [info_of $p sync_partial_log_bytes]
        set more [expr {max(0, [memory_of $p VmHWM] - $had)}]
        from_log $p $r 1 1
        is [info_of $p total_forks] $forks
        truth {$gap >= $mb * 1000000 && $sent <= $gap && $sent > $gap - 100000}
        truth {$sent <= $log}
        truth {$more < 32}
        puts [format "figures: missing %d bytes, log %d, sent %d in %.1f s, %d forks, primary's memory\
            %.1f MB, at most %.1f more meanwhile" $gap $log $sent $took 0 $had $more]
    }
}

finish
