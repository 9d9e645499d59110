# SPDX-License-Identifier: BSD-3-Clause
# A primary: the installed redis-server follows it. Full and partial synchronisation, what is sent
# behind that, who is waited for, and what happens to those who are slow or go.
source [file join [file dirname [info script]] lib.tcl]
source [file join [file dirname [info script]] lib dataset.tcl]

set peer_binary [lindex [auto_execok redis-server] 0]
if {$peer_binary eq ""} { error "redis-server is not installed: make test-deps" }

set base "save \"\"\nenable-debug-command yes\nrepl-diskless-sync-delay 0"
set by_file "$base\nrepl-diskless-sync no"

proc primary {{config ""} args} { return [server "$::base\n$config" {*}$args] }
# One that is not yet linked, or is.
proc peer {{config ""} args} {
    return [server "save \"\"\nenable-debug-command yes\n$config" -binary $::peer_binary {*}$args]
}
proc follow {s primary} { is [ask $s REPLICAOF 127.0.0.1 [of $primary port]] OK }
proc replica_of {primary {config ""}} {
    set s [peer $config]
    follow $s $primary
    return $s
}

proc linked {s} { expr {[info_of $s master_link_status] eq "up"} }
proc wait_linked {args} { foreach s $args { wait_for { linked $s } } }
proc offset_of {s} { info_of $s master_repl_offset }
# All that the primary has said is there. What it says meanwhile (PING) is waited for, too.
proc in_sync {primary args} {
    wait_linked {*}$args
    foreach s $args {
        wait_for { expr {[info_of $s slave_repl_offset] == [offset_of $primary]} }
    }
}
proc same {primary args} {
    in_sync $primary {*}$args
    set want [dataset_of $primary]
    foreach s $args { same_dataset [dataset_of $s] $want }
}
proc replicas_online {s n} {
    wait_for { expr {[regexp -all {state=online} [ask $s INFO replication]] == $n} }
}
proc cut {primary} { ask $primary CLIENT KILL TYPE replica }

# ---- full synchronisation ----

foreach {how config} [list "without a file" "" "by file" $by_file] {
    case "a full synchronisation $how: the data set, then what comes" {
        set p [primary $config]
        fill $p
        set r [replica_of $p]
        same $p $r
        ask $p SET behind it
        ask $p DEL empty
        same $p $r
        is [info_of $p sync_full] 1
        is [info_of $p connected_slaves] 1
        truth {[regexp {slave0:ip=127.0.0.1,port=(\d+),state=online,offset=\d+,lag=\d+} \
                    [ask $p INFO replication] -> port]}
        is $port [of $r port]
        is [lrange [lindex [ask $p ROLE] 2 0] 0 1] [list 127.0.0.1 [of $r port]]
        is [info_of $r master_replid] [info_of $p master_replid]
        is [glob -nocomplain [of $p dir]/*.rdb] {}
        like [ask $p CLIENT LIST TYPE replica] "*flags=S *"
    }

    case "what is written during a synchronisation $how comes behind it" {
        set p [held_server "$base\n$config"]
        for {set i 0} {$i < 200} {incr i} { ask $p SET key:$i [noise $i 100] }
        hold $p 50
        set r [replica_of $p]
        wait_for { string match "*state=wait_bgsave*" [ask $p INFO replication] }
        wait_for { expr {[info_of $p rdb_bgsave_in_progress] == 1} }
        for {set i 0} {$i < 300} {incr i} { ask $p APPEND key:$i more }
        ask $p FLUSHDB
        ask $p SELECT 3
        ask $p RPUSH list a b c
        ask $p SELECT 0
        ask $p SET after flush
        release $p
        same $p $r
        is [ask $r DBSIZE] 1
    }

    case "several that come while one child works wait for the next, $how" {
        set p [held_server "$base\n$config"]
        for {set i 0} {$i < 100} {incr i} { ask $p SET key:$i [noise $i 100] }
        hold $p 10
        set first [replica_of $p]
        wait_for { expr {[info_of $p rdb_bgsave_in_progress] == 1} }
        set others [list [replica_of $p] [replica_of $p]]
        wait_for { expr {[info_of $p connected_slaves] == 3} }
        ask $p INCR n
        release $p
        same $p $first {*}$others
        is [info_of $p total_forks] 2
    }
}

case "replicas that come within repl-diskless-sync-delay share a child" {
    set p [primary "repl-diskless-sync-delay 100\nrepl-diskless-sync-max-replicas 3"]
    fill $p
    set all [list [replica_of $p] [replica_of $p]]
    wait_for { expr {[info_of $p connected_slaves] == 2} }
    is [info_of $p total_forks] 0
    lappend all [replica_of $p]
    same $p {*}$all
    is [info_of $p total_forks] 1
    is [info_of $p sync_full] 3
}

case "a value that is larger than all buffers" {
    set p [primary]
    ask $p SET large [noise 1 5000000]
    set r [replica_of $p]
    in_sync $p $r
    ask $p SET more [noise 2 7000000]
    ask $p APPEND large x
    same $p $r
}

case "functions go along, with the data set and behind it" {
    set p [primary]
    set library {#!lua name=%s
redis.register_function('%s', function(keys) return redis.call('INCR', keys[1]) end)}
    ask $p FUNCTION LOAD [format $library one f1]
    set r [replica_of $p]
    in_sync $p $r
    ask $p FUNCTION LOAD [format $library two f2]
    ask $p FCALL f2 1 n
    ask $p FCALL f1 1 n
    same $p $r
    is [llength [ask $r FUNCTION LIST]] 2
    ask $p FUNCTION FLUSH
    in_sync $p $r
    is [ask $r FUNCTION LIST] {}
}

case "redis-cli --rdb and --functions-rdb get a file, and leave" {
    set p [primary]
    fill $p
    ask $p FUNCTION LOAD "#!lua name=lib\nredis.register_function('f', function() end)"
    set dir [tmpdir]
    is [run redis-cli -p [of $p port] --rdb $dir/all.rdb] 0
    is [run [file join $build holdfast] diff $dir/all.rdb 127.0.0.1:[of $p port]] 0
    is [run redis-check-rdb $dir/all.rdb] 0
    is [run redis-cli -p [of $p port] --functions-rdb $dir/functions.rdb] 0
    set s [server "save 3600 1\ndbfilename functions.rdb" -dir $dir]
    is [ask $s DBSIZE] 0
    is [llength [ask $s FUNCTION LIST]] 1
    wait_for { expr {[info_of $p connected_slaves] == 0} }
}

case "an old client's SYNC: newlines, the length, an RDB without our index behind it" {
    set p [primary]
    fill $p
    set fd [connect $p]
    puts -nonewline $fd "SYNC\r\n"
    flush $fd
    while {[set line [read_line $fd]] eq ""} {}
    truth {[regexp {^\$(\d+)$} $line -> length]}
    set bytes [read $fd $length]
    set dir [tmpdir]
    spit $dir/dump.rdb $bytes
    is [run [file join $build holdfast] diff $dir/dump.rdb 127.0.0.1:[of $p port]] 0
    truth {![string match *HOLDFAST* [string range $bytes end-64 end]]}
    ask $p SET behind it
    is [read_reply $fd] {SELECT 0}
    is [read_reply $fd] {SET behind it}
    close $fd
    wait_for { expr {[info_of $p connected_slaves] == 0} }
}

# ---- partial synchronisation ----

case "after a cut link a replica goes on where it was" {
    set p [primary]
    fill $p
    set r [replica_of $p]
    in_sync $p $r
    for {set i 0} {$i < 5} {incr i} {
        is [cut $p] 1
        for {set n 0} {$n < 100} {incr n} { ask $p RPUSH list:$i $n }
        ask $p SELECT [expr {$i % 3}]
        wait_for { expr {[info_of $p sync_partial_ok] == $i + 1} }
    }
    ask $p SELECT 0
    same $p $r
    is [info_of $p sync_full] 1
}

case "away for longer than the backlog lasts: a full synchronisation" {
    set p [primary "repl-backlog-size 16384"]
    set r [replica_of $p]
    in_sync $p $r
    set refused [info_of $p sync_partial_err]
    # It stands still, so that it can't come back before the backlog has gone by.
    signal STOP [of $r pid]
    cut $p
    for {set i 0} {$i < 50} {incr i} { ask $p SET key:$i [noise $i 1000] }
    is [info_of $p repl_backlog_histlen] 16384
    signal CONT [of $r pid]
    wait_for { expr {[info_of $p sync_full] == 2} }
    same $p $r
    is [info_of $p sync_partial_err] [expr {$refused + 1}]
}

case "the backlog is forgotten repl-backlog-ttl after the last replica, and its id with it" {
    set p [primary "repl-backlog-ttl 1"]
    set r [replica_of $p]
    in_sync $p $r
    set id [info_of $p master_replid]
    stop $r
    wait_for { expr {[info_of $p repl_backlog_active] == 0} }
    truth {[info_of $p master_replid] ne $id}
    ask $p SET k v
    set r [replica_of $p]
    same $p $r
}

case "ids and offset survive a restart in the dump: replicas go on" {
    set p [primary "save 3600 1"]
    fill $p
    set r [replica_of $p]
    in_sync $p $r
    set id [info_of $p master_replid]
    set p [restart $p term "$base\nsave 3600 1"]
    follow $r $p
    in_sync $p $r
    is [info_of $p master_replid2] $id
    is [info_of $p sync_full] 0
    is [info_of $p sync_partial_ok] 1
    ask $p SET behind it
    same $p $r
}

case "with a log, which goes on behind the dump: the log says how far the history is" {
    set p [primary "appendonly yes"]
    set r [replica_of $p]
    in_sync $p $r
    set id [info_of $p master_replid]
    ask $p SET k v
    in_sync $p $r
    set p [restart $p term "$base\nappendonly yes"]
    is [info_of $p master_replid2] $id
    follow $r $p
    same $p $r
    is [info_of $p sync_full] 0
    is [info_of $p sync_partial_ok] 1
}

case "a replica of a replica gets the same, byte for byte" {
    set p [primary]
    fill $p
    set r [replica_of $p]
    wait_linked $r
    set sub [replica_of $r]
    wait_linked $sub
    ask $p MULTI
    ask $p SET a 1
    ask $p INCR a
    ask $p EXEC
    same $p $r $sub
    is [info_of $sub master_replid] [info_of $p master_replid]
    cut $p
    ask $p SET b 2
    same $p $r $sub
    is [info_of $p sync_full] 1
}

# ---- what is sent ----

case "effects, not commands: expiry, random ones, blocking ones, scripts, transactions" {
    set p [primary]
    set r [replica_of $p]
    in_sync $p $r
    ask $p SET a 1 EX 1000
    ask $p SET soon 1 PX 30
    ask $p SADD s 1 2 3 4 5 6 7 8
    ask $p SPOP s 3
    ask $p INCRBYFLOAT f 0.1
    ask $p XADD x * a b
    ask $p GETEX a PX 500000
    ask $p EVAL {redis.call('SET', KEYS[1], redis.call('TIME')[1]); return redis.call('INCR', 'n')} 1 t
    ask $p MULTI
    ask $p LPUSH l x
    ask $p SPOP s
    ask $p SELECT 2
    ask $p SET other db
    ask $p EXEC
    ask $p SELECT 0
    set fd [connect $p]
    send $fd BLPOP queue 0
    wait_for { expr {[info_of $p blocked_clients] == 1} }
    ask $p RPUSH queue 1 2
    is [read_reply $fd] {queue 1}
    close $fd
    wait_for { expr {[ask $p EXISTS soon] == 0} }
    same $p $r
    # the replica did not delete it by itself
    is [ask $r DBSIZE] [ask $p DBSIZE]
}

case "evicted keys go on replicas, too, and their buffers make nothing more go" {
    set p [primary "repl-backlog-size 10mb"]
    set r [replica_of $p]
    in_sync $p $r
    ask $p CONFIG SET maxmemory-policy allkeys-lru
    ask $p CONFIG SET maxmemory [expr {[info_of $p used_memory] + 4000000}]
    for {set i 0} {$i < 9000} {incr i} { ask $p SET key:$i [string repeat x 1000] }
    truth {[info_of $p evicted_keys] > 1000}
    # that many fit beside a backlog which is as large as they are, and larger
    truth {[ask $p DBSIZE] > 2500}
    truth {[info_of $p mem_replication_backlog] > 8000000}
    truth {[info_of $p mem_total_replication_buffers] >= [info_of $p mem_replication_backlog]}
    ask $p CONFIG SET maxmemory 0
    same $p $r
}

case "what is published is heard at replicas" {
    set p [primary]
    set r [replica_of $p]
    in_sync $p $r
    set fd [connect $r]
    send $fd SUBSCRIBE news
    read_reply $fd
    ask $p PUBLISH news today
    is [read_reply $fd] {message news today}
    close $fd
}

case "PING keeps the link alive, and its bytes count" {
    set p [primary "repl-ping-replica-period 1"]
    set r [replica_of $p "repl-timeout 3"]
    in_sync $p $r
    set before [offset_of $p]
    wait_for { expr {[offset_of $p] >= $before + 5 * 14} }
    is [info_of $p sync_full] 1
    same $p $r
}

case "under appendfsync always: while clients write a replica comes, and what it has is durable" {
    set p [primary "appendonly yes\nappendfsync always"]
    set writer [open "|redis-benchmark -p [of $p port] -t set -r 1000 -n 100000 -c 20 -q" r]
    wait_for { expr {[ask $p DBSIZE] > 100} }
    set r [replica_of $p]
    wait_linked $r
    close $writer
    for {set i 0} {$i < 100} {incr i} {
        ask $p SET key:$i $i
        ask $p PUBLISH news $i
    }
    same $p $r
}

# ---- who is waited for ----

case "WAIT: acknowledged by so many, asked at once" {
    set p [primary]
    set all [list [replica_of $p] [replica_of $p]]
    in_sync $p {*}$all
    replicas_online $p 2
    for {set i 0} {$i < 20} {incr i} {
        ask $p SET k $i
        is [ask $p WAIT 2 100000] 2
    }
    ask $p SET k last
    is [ask $p WAIT 3 50] 2
    signal STOP [of [lindex $all 0] pid]
    ask $p SET k more
    is [ask $p WAIT 1 0] 1
    is [ask $p WAIT 2 50] 1
    signal CONT [of [lindex $all 0] pid]
    is [ask $p WAIT 2 0] 2
    is [ask $p WAITAOF 0 1 20] {0 0}
}

case "WAIT is not misled by what only the log gets" {
    set p [primary "appendonly yes\nappendfsync everysec"]
    set r [replica_of $p]
    in_sync $p $r
    replicas_online $p 1
    signal STOP [of $r pid]
    ask $p SET k 1
    # the log grows by more than the command had: a rewrite, and a script that keeps it to itself
    ask $p EVAL "redis.set_repl(redis.REPL_AOF) redis.call('SET', 'own', string.rep('x', 1000))" 0
    is [ask $p GET own] [string repeat x 1000]
    set fd [connect $p]
    request $fd SET other 1
    is [request $fd WAIT 1 100] 0
    is [ask $p WAIT 1 100] 0
    signal CONT [of $r pid]
    is [request $fd WAIT 1 0] 1
    close $fd
    in_sync $p $r
    is [ask $r EXISTS own] 0
}

case "min-replicas-to-write" {
    set p [primary "min-replicas-to-write 1\nmin-replicas-max-lag 3"]
    like [error_of $p SET a 1] "NOREPLICAS*"
    like [error_of $p EVAL "return redis.call('SET', 'a', '1')" 0] "*NOREPLICAS*"
    is [ask $p GET a] (nil)
    set r [replica_of $p]
    replicas_online $p 1
    is [ask $p SET a 1] OK
    is [info_of $p min_slaves_good_slaves] 1
    signal STOP [of $r pid]
    wait_for { expr {[info_of $p min_slaves_good_slaves] == 0} }
    like [error_of $p SET a 2] "NOREPLICAS*"
    ask $p CONFIG SET min-replicas-to-write 0
    is [ask $p SET a 3] OK
    signal CONT [of $r pid]
    same $p $r
}

# ---- those who are slow, or go ----

case "a replica that does not read is dropped by its output limit, the others are not" {
    set p [primary "client-output-buffer-limit replica 2mb 0 0\nrepl-backlog-size 1mb"]
    set slow [replica_of $p]
    set well [replica_of $p]
    in_sync $p $slow $well
    signal STOP [of $slow pid]
    set value [string repeat x 100000]
    for {set i 0} {$i < 400 && [info_of $p connected_slaves] == 2} {incr i} {
        ask $p SET key:[expr {$i % 10}] $value
        ask $p WAIT 1 1000
    }
    is [info_of $p connected_slaves] 1
    is [info_of $p client_output_buffer_limit_disconnections] 1
    signal CONT [of $slow pid]
    same $p $slow $well
}

case "a limit below the backlog is none: what it holds is there anyway" {
    set p [primary "client-output-buffer-limit replica 1mb 0 0\nrepl-backlog-size 20mb"]
    set r [replica_of $p]
    in_sync $p $r
    replicas_online $p 1
    signal STOP [of $r pid]
    set value [string repeat x 100000]
    for {set i 0} {$i < 100} {incr i} { ask $p SET key:$i $value }
    is [info_of $p connected_slaves] 1
    signal CONT [of $r pid]
    same $p $r
}

case "a replica that says nothing is dropped after repl-timeout" {
    set p [primary "repl-timeout 2"]
    set r [replica_of $p]
    in_sync $p $r
    replicas_online $p 1
    signal STOP [of $r pid]
    wait_for { expr {[info_of $p connected_slaves] == 0} }
    signal CONT [of $r pid]
    same $p $r
}

case "one that takes nothing of the data set is dropped, the other gets it" {
    set p [primary "repl-timeout 3\nrepl-diskless-sync-delay 100\nrepl-diskless-sync-max-replicas 2"]
    for {set i 0} {$i < 100} {incr i} { ask $p SET key:$i [noise $i 200000] }
    # a client that says PSYNC, and then reads no more
    set stuck [connect $p]
    puts -nonewline $stuck "REPLCONF capa eof\r\n"
    flush $stuck
    is [read_line $stuck] +OK
    puts -nonewline $stuck "PSYNC ? -1\r\n"
    flush $stuck
    wait_for { expr {[info_of $p connected_slaves] == 1} }
    set r [replica_of $p]
    same $p $r
    is [info_of $p total_forks] 1
    is [info_of $p connected_slaves] 1
    like [log_of $p] "*it took nothing of the data set for so long*"
    close $stuck
}

foreach {how config} [list "without a file" "" "by file" $by_file] {
    case "one of two that goes in mid-synchronisation does not end the other's, $how" {
        set p [held_server "$base\n$config"]
        for {set i 0} {$i < 100} {incr i} { ask $p SET key:$i [noise $i 20000] }
        hold $p 0
        set first [replica_of $p]
        wait_for { expr {[info_of $p rdb_bgsave_in_progress] == 1} }
        set pair [list [replica_of $p] [replica_of $p]]
        wait_for { expr {[info_of $p connected_slaves] == 3} }
        stop $first
        wait_for { expr {[info_of $p connected_slaves] == 2} }
        # nobody wanted that one any more: another was begun for the two
        wait_for { expr {[info_of $p total_forks] == 2} }
        spit [of $p dir]/held 50
        stop [lindex $pair 0]
        wait_for { expr {[info_of $p connected_slaves] == 1} }
        is [info_of $p total_forks] 2
        release $p
        same $p [lindex $pair 1]
        is [info_of $p total_forks] 2
    }

    case "a child that is killed: its replicas ask again, $how" {
        set p [held_server "$base\n$config"]
        for {set i 0} {$i < 100} {incr i} { ask $p SET key:$i [noise $i 1000] }
        hold $p 50
        set r [replica_of $p]
        wait_for { expr {[info_of $p rdb_bgsave_in_progress] == 1} }
        signal KILL [string trim [slurp /proc/[of $p pid]/task/[of $p pid]/children]]
        release $p
        same $p $r
        truth {[info_of $p sync_full] >= 2}
        like [log_of $p] "*Background transfer*signal 9*"
    }
}

case "a save that runs is waited for, and the replica hears that we live" {
    set p [held_server "$base\n"]
    for {set i 0} {$i < 100} {incr i} { ask $p SET key:$i $i }
    hold $p 10
    ask $p BGSAVE
    set r [replica_of $p "repl-timeout 2"]
    wait_for { expr {[info_of $p connected_slaves] == 1} }
    set fd [connect $p]
    puts -nonewline $fd "PSYNC ? -1\r\n"
    flush $fd
    for {set i 0} {$i < 4} {incr i} { is [read $fd 1] "\n" }
    close $fd
    release $p
    same $p $r
    is [info_of $p sync_full] 2
}

case "a shutdown waits for what replicas have not got" {
    set p [primary "shutdown-timeout 100"]
    set r [replica_of $p]
    in_sync $p $r
    replicas_online $p 1
    signal STOP [of $r pid]
    for {set i 0} {$i < 100} {incr i} { ask $p SET key:$i [noise $i 10000] }
    signal TERM [of $p pid]
    wait_for { string match "*Waiting for what has to be done*" [log_of $p] }
    truth {[alive [of $p pid]]}
    signal CONT [of $r pid]
    wait_for { expr {![alive [of $p pid]]} }
    like [log_of $p] "*1 of 1 replicas are in sync when shutting down*"
    is [ask $r GET key:99] [noise 99 10000]
    stop $p
}

case "nor for ever" {
    set p [primary "shutdown-timeout 1"]
    set r [replica_of $p]
    in_sync $p $r
    replicas_online $p 1
    signal STOP [of $r pid]
    ask $p SET k v
    signal TERM [of $p pid]
    wait_for { expr {![alive [of $p pid]]} }
    like [log_of $p] "*Lagging replica *0 of 1 replicas are in sync*"
    signal CONT [of $r pid]
    stop $p
}

# ---- what a client may say ----

case "words of REPLCONF, PSYNC and what becomes of the client" {
    set p [primary]
    foreach {words want} {
        {REPLCONF} OK
        {REPLCONF listening-port 1 ip-address x capa eof capa later rdb-only 0 version 7.2.4} OK
        {REPLCONF rdb-filter-only functions} OK
        {REPLCONF rdb-filter-only ""} OK
    } { is [ask $p {*}$words] $want }
    foreach {words want} {
        {REPLCONF a} {ERR syntax error}
        {REPLCONF a b} {ERR Unrecognized REPLCONF option: a}
        {REPLCONF listening-port x} {ERR value is not an integer or out of range}
        {REPLCONF rdb-only 2} {ERR value is out of range, value must between 0 and 1}
        {REPLCONF rdb-filter-only keys} {ERR Unsupported rdb-filter-only option: keys}
        {REPLCONF version 7.2} {ERR Unrecognized version format: 7.2}
        {REPLCONF version 7.2.x} {ERR Unrecognized version format: 7.2.x}
        {PSYNC ? -1 FAILOVER} {ERR PSYNC FAILOVER can't be sent to a master.}
        {PSYNC ? x} {ERR value is not an integer or out of range}
    } { is [error_of $p {*}$words] $want }
    like [error_of $p REPLCONF ip-address [string repeat x 300]] "ERR REPLCONF ip-address*300 bytes"

}
finish
