# SPDX-License-Identifier: BSD-3-Clause
# Rows of run: replication. What a primary spends on its replicas, what a replica spends on what it
# is told, how long a whole copy and a missing part take, and what slow replicas cost. Sourced by it.
# The other side of a row is the installed redis-server, or one of the same kind where it says so.

foreach i {0 1 2 3 4 5 6 7 8 9} {
    set binary(replica$i) [auto_execok redis-server]
}
foreach who {ours peer} {
    set binary($who-replica) $binary($who)
    set binary($who-primary) $binary(peer)
}
set quick {--repl-diskless-sync-delay 0}

proc caught_up {primary replica} {
    set offset [info_field $primary replication master_repl_offset]
    set text [cli $replica info replication]
    return [expr {[string match "*master_link_status:up*" $text] &&
                  [regexp {slave_repl_offset:(\d+)} $text -> have] && $have >= $offset}]
}
proc wait_caught_up {primary replica} {
    while {[catch { caught_up $primary $replica } same] || !$same} { after 2 }
}
proc start_replica {name primary args} {
    start $name --replicaof "127.0.0.1 $::port($primary)" {*}$::quick {*}$args
}

foreach n {1 3} {
    if {![wanted "CPU of a primary, SET with $n replicas"]} continue
    start_pair [list {*}$quick --repl-backlog-size 64mb]
    measure "CPU of a primary, SET with $n replicas" "CPU us/op" less 0.8 {
        for {set i 0} {$i < $::n} {incr i} { start_replica replica$i $who }
        for {set i 0} {$i < $::n} {incr i} { wait_caught_up $who replica$i }
        set cpu [per_op $who 1000000 -t set -P 16 -c 50 -r 100000 -d 16]
        for {set i 0} {$i < $::n} {incr i} { stop replica$i }
        return $cpu
    }
    stop_pair
}

if {[wanted "CPU of a replica, a command"]} {
    foreach {kind options} {
        SET {-t set -r 100000 -d 16} HSET {-t hset -r 100000} "LPUSH and RPOP" {-t lpush,rpop}
        ZADD {-t zadd -r 100000}
    } {
        measure "CPU of a replica, a command: $kind" "CPU us/op" less 0.67 [string map [list %o $options] {
            start $who-primary {*}$::quick --repl-backlog-size 64mb
            start_replica $who-replica $who-primary
            wait_caught_up $who-primary $who-replica
            set before [cpu_us $who-replica]
            benchmark $who-primary -n 500000 -P 16 -c 20 %o
            wait_caught_up $who-primary $who-replica
            set cpu [expr {([cpu_us $who-replica] - $before) / 500000.0}]
            stop $who-replica
            stop $who-primary
            return $cpu
        }]
    }
}

foreach {way diskless} {"by file" no "without a file" yes} {
    if {![wanted "whole copy of $mix mixed keys"]} continue
    start_pair [list {*}$quick --repl-diskless-sync $diskless]
    foreach who $pair { mixed $who $mix }
    measure "whole copy of $mix mixed keys, $way, same kind" seconds less 0.6 {
        start $who-replica {*}$::quick
        set took [seconds {
            cli $who-replica replicaof 127.0.0.1 $::port($who)
            wait_caught_up $who $who-replica
        }]
        stop $who-replica
        file delete -force $::work/$who-replica
        return $took
    }
    stop_pair
}

if {[wanted "a missing part of 100 MB"]} {
    start_pair [list {*}$quick --repl-backlog-size 256mb]
    measure "a missing part of 100 MB, same kind" seconds less 0.7 {
        start_replica $who-replica $who
        wait_caught_up $who $who-replica
        cli $who-replica replicaof 127.0.0.1 1
        benchmark $who -n 100000 -t set -P 16 -c 20 -r 20000 -d 970
        set full [info_field $who stats sync_full]
        set took [seconds {
            cli $who-replica replicaof 127.0.0.1 $::port($who)
            wait_caught_up $who $who-replica
        }]
        if {[info_field $who stats sync_full] != $full} { error "it was copied whole" }
        stop $who-replica
        return $took
    }
    stop_pair
}

# Ten that take nothing: what lies there for all of them.
if {[wanted "memory for ten slow replicas, 50 MB behind"]} {
    start_pair [list {*}$quick --repl-backlog-size 64mb --client-output-buffer-limit "replica 0 0 0"]
    measure "memory for ten slow replicas, 50 MB behind" bytes less 1.0 {
        for {set i 0} {$i < 10} {incr i} { start_replica replica$i $who }
        for {set i 0} {$i < 10} {incr i} { wait_caught_up $who replica$i }
        for {set i 0} {$i < 10} {incr i} { exec kill -STOP $::pid(replica$i) }
        set before [info_field $who memory used_memory]
        benchmark $who -n 50000 -t set -P 16 -c 20 -r 1000 -d 970
        set grown [expr {[info_field $who memory used_memory] - $before}]
        for {set i 0} {$i < 10} {incr i} { stop replica$i }
        return $grown
    }
    stop_pair
}
