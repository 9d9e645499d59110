# SPDX-License-Identifier: BSD-3-Clause
# Two and three servers of ours: one copies the other, whatever becomes of the link.
source [file join [file dirname [info script]] lib.tcl]
source [file join [file dirname [info script]] lib holdfast.tcl]
source [file join [file dirname [info script]] lib dataset.tcl]
source [file join [file dirname [info script]] lib rdb_bytes.tcl]
source [file join [file dirname [info script]] lib primary.tcl]

foreach diskless {no yes} {
    foreach load {disabled on-empty-db swapdb} {
        case "ours from ours, repl-diskless-sync $diskless, repl-diskless-load $load" {
            set p [ours "repl-diskless-sync $diskless"]
            fill $p
            set r [ours "repl-diskless-load $load\nreplicaof 127.0.0.1 [of $p port]"]
            wait_same $r $p
            write_some $p 200
            wait_same $r $p
            ask $r CLIENT KILL TYPE master
            write_some $p 200
            wait_same $r $p
            is [syncs_of $p] {1 1 0}
        }
    }
}

case "a chain, and a promotion in its middle" {
    set a [ours]
    write_some $a 20
    set b [ours "replicaof 127.0.0.1 [of $a port]"]
    wait_same $b $a
    set c [ours "replicaof 127.0.0.1 [of $b port]"]
    wait_same $c $b
    write_some $a 30
    ask $a MULTI
    ask $a INCR x
    ask $a INCR x
    ask $a EXEC
    wait_same $b $a
    wait_same $c $b
    is [info_of $c master_replid] [info_of $a master_replid]
    is [ask $b REPLICAOF NO ONE] OK
    write_some $b 40
    wait_same $c $b
    follow $a $b
    wait_same $a $b
    is [lindex [syncs_of $b] 0] 1
    write_some $b 50
    wait_same $a $b
    wait_same $c $b
}

foreach load {disabled swapdb} {
    case "a copy in the middle of a stream goes on in the database that it had selected: $load" {
        set a [ours]
        set b [ours "replicaof 127.0.0.1 [of $a port]"]
        wait_linked $b
        ask $a SELECT 5
        ask $a SET five 5
        wait_same $b $a
        set c [ours "repl-diskless-load $load\nreplicaof 127.0.0.1 [of $b port]"]
        wait_linked $c
        ask $a SET behind 5 ;# no SELECT in front of it
        wait_same $b $a
        wait_same $c $b
        ask $c SELECT 5
        is [ask $c GET behind] 5
        is [ask $c DBSIZE] 2
    }
}

case "what WAITAOF promises of a replica is on its disk" {
    set p [ours "appendonly yes"]
    set r [ours "appendonly yes\nreplicaof 127.0.0.1 [of $p port]"]
    wait_linked $r
    set dir [of $r dir]
    wait_for { expr {![info_of $r aof_rewrite_in_progress]} }
    write_some $p 30
    is [ask $p WAITAOF 1 1 60000] {1 1}
    stop $r kill
    set r [ours "appendonly yes\nreplicaof 127.0.0.1 1" -dir $dir]
    is [ask $r GET k:29] 29
    is [ask $r DBSIZE] [ask $p DBSIZE]
}

# The file that came is the dump then, and the log still that of before.
case "killed before its log has begun anew, by file: it starts with what it had, and gets all again" {
    set p [ours "repl-diskless-sync no"]
    ask $p SET new there
    set config "appendonly yes\nappendfsync always\nrepl-diskless-load disabled"
    set r [ours $config]
    ask $r SET old here
    ask $r CONFIG SET rdb-key-save-delay 3000000
    follow $r $p
    wait_linked $r
    wait_for { expr {[info_of $r aof_rewrite_in_progress] && [file exists [of $r dir]/dump.rdb]} }
    is [ask $r KEYS *] new
    set dir [of $r dir]
    signal KILL [of $r pid]
    stop $r
    set r [ours $config -dir $dir]
    is [ask $r KEYS *] old
    follow $r $p
    wait_linked $r
    wait_for { expr {![info_of $r aof_rewrite_in_progress]} }
    is [ask $r KEYS *] new
    stop $r
    set r [ours $config -dir $dir]
    is [ask $r KEYS *] new
}

# ---- DEBUG CHANGE-REPL-ID: the installed redis-server does the same ----
proc ids_of {s} {
    return [lmap field {master_replid master_replid2 second_repl_offset} { info_of $s $field }]
}
proc change_id {s} {
    set before [info_of $s master_replid]
    is [ask $s DEBUG CHANGE-REPL-ID] OK
    lassign [ids_of $s] id old until
    truth {[string length $id] == 40 && $id ne $before}
    is [list $old $until] [list [string repeat 0 40] -1]
    return $id
}

foreach who {peer ours} {
    case "another id of a primary: who follows hears nothing, who asks again gets a copy, $who" {
        set p [$who]
        set r [ours "replicaof 127.0.0.1 [of $p port]"]
        write_some $p 10
        wait_same $r $p
        set offset [info_of $p master_repl_offset]
        set known [info_of $r master_replid]
        set id [change_id $p]
        truth {[info_of $p master_repl_offset] >= $offset}
        write_some $p 20
        wait_same $r $p
        is [syncs_of $p] {1 0 0}
        is [info_of $r master_replid] $known
        ask $r CLIENT KILL TYPE master
        wait_for { expr {[syncs_of $p] eq {2 0 1}} }
        wait_same $r $p
        is [info_of $r master_replid] $id
    }

    case "another id of a replica: its primary knows it as before, its own replicas do not, $who" {
        set p [ours]
        set r [$who "replicaof 127.0.0.1 [of $p port]"]
        wait_linked $r
        set sub [ours "replicaof 127.0.0.1 [of $r port]"]
        write_some $p 10
        wait_same $r $p
        wait_same $sub $p
        set id [change_id $r]
        ask $r CLIENT KILL TYPE master
        wait_for { expr {[lindex [syncs_of $p] 1] == 1} }
        write_some $p 20
        wait_same $r $p
        wait_same $sub $p
        is [syncs_of $p] {1 1 0}
        is [info_of $r master_replid] $id
        is [lindex [syncs_of $r] 0] 1
        ask $sub CLIENT KILL TYPE master
        wait_for { expr {[lindex [syncs_of $r] 0] == 2} }
        wait_same $sub $p
        is [info_of $sub master_replid] $id
    }
}

case "another id of a server without a history, and of one that is promoted then" {
    set s [ours]
    change_id $s
    set r [ours "replicaof 127.0.0.1 [of $s port]"]
    write_some $s 10
    wait_same $r $s
    set id [change_id $r]
    is [ask $r REPLICAOF NO ONE] OK
    is [info_of $r master_replid2] $id
    truth {[info_of $r master_replid] ne $id}
}

finish
