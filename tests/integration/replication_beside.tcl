# SPDX-License-Identifier: BSD-3-Clause
# repl-diskless-load swapdb, and a primary of the history that the replica has: it serves what it has
# while the other data set comes, and changes them at once; whatever breaks off on the way leaves it
# with the old one.
source [file join [file dirname [info script]] lib.tcl]
source [file join [file dirname [info script]] lib holdfast.tcl]
source [file join [file dirname [info script]] lib dataset.tcl]
source [file join [file dirname [info script]] lib rdb_bytes.tcl]
source [file join [file dirname [info script]] lib primary.tcl]

proc library {answer} {
    return "#!lua name=lib\nredis.register_function{function_name='f', flags={'no-writes'},\
        callback=function() return '$answer' end}"
}
set loading "LOADING Redis is loading the dataset in memory"

proc serves_beside {r} { expr {[info_of $r async_loading] == 1} }
# It has lost its primary for longer than the backlog holds, which then has other data.
proc fall_behind {p r {script {}}} {
    signal STOP [of $r pid]
    ask $p CLIENT KILL TYPE replica
    uplevel 1 $script
    for {set i 0} {$i < 20} {incr i} { ask $p SET filler:$i [noise $i 20000] }
    ask $p CONFIG SET rdb-key-save-delay 200
    signal CONT [of $r pid]
    wait_for { serves_beside $r }
}
proc slow_primary {{binary ""}} {
    set config "repl-backlog-size 16kb\nrepl-diskless-sync yes\nrepl-diskless-sync-delay 0\nsave \"\"\nenable-debug-command yes"
    set p [server $config {*}[expr {$binary ne "" ? [list -binary $binary] : {}}]]
    ask $p DEBUG POPULATE 20000 k 100
    ask $p SET x old
    ask $p SET same s
    ask $p XADD stream 1-1 a b
    ask $p FUNCTION LOAD [library old]
    return $p
}

foreach who {peer ours} {
    case "served while it comes, then all at once: primary $who" {
        set p [slow_primary [expr {$who eq "peer" ? $peer_binary : ""}]]
        set r [replica_of $p "repl-diskless-load swapdb\nappendonly yes\nsave 3600 1000000"]
        wait_same $r $p
        wait_for { expr {![info_of $r aof_rewrite_in_progress]} }
        set watcher [connect $r]
        request $watcher WATCH k:1
        set queue [connect $r]
        request $queue MULTI
        request $queue GET x
        set idle [connect $r]
        request $idle WATCH nothing
        request $idle MULTI
        request $idle GET x
        set reader [connect $r]
        send $reader XREAD BLOCK 0 STREAMS stream \$
        set tracker [connect $r]
        request $tracker HELLO 3
        request $tracker CLIENT TRACKING on
        request $tracker GET x
        fall_behind $p $r {
            ask $p SET x new
            ask $p SET fresh 1
            ask $p DEL same
            ask $p XADD stream 2-1 a b
            ask $p FUNCTION LOAD REPLACE [library new]
        }
        is [info_of $r loading] 0
        is [info_of $r master_link_status] down
        is [info_of $r master_sync_in_progress] 1
        like [ask $r INFO persistence] "*loading_start_time:*loading_total_bytes:*loading_loaded_bytes:*"
        is [lrange [ask $r ROLE] 3 4] {sync -1}
        is [ask $r GET x] old
        is [ask $r GET same] s
        is [ask $r EXISTS fresh filler:1] 0
        is [ask $r FCALL_RO f 0] old
        is [ask $r EVAL_RO "return redis.call('get', 'x')" 0] old
        like [error_of $r SET a b] READONLY*
        like [error_of $r FUNCTION FLUSH] READONLY*
        foreach words {SAVE BGSAVE BGREWRITEAOF {REPLICAOF NO ONE} {REPLICAOF 127.0.0.1 1} {SYNC} {PSYNC ? -1}
                       {DEBUG RELOAD} {DEBUG LOADAOF}} {
            is [error_of $r {*}$words] $loading
        }
        ask $r MULTI
        is [error_of $r BGSAVE] $loading
        like [error_of $r EXEC] EXECABORT*
        is [ask $r CONFIG SET repl-diskless-load disabled] OK
        ask $r CONFIG SET maxmemory 1 maxmemory-policy allkeys-random
        set served 0
        while {[serves_beside $r]} {
            if {[ask $r GET x] ne "old"} break
            incr served
        }
        truth {$served > 50}
        ask $r CONFIG SET maxmemory 0
        ask $p CONFIG SET rdb-key-save-delay 0
        wait_same $r $p
        is [ask $r GET x] new
        is [ask $r EXISTS same] 0
        is [ask $r FCALL_RO f 0] new
        is [lrange [syncs_of $p] 0 0] 2
        request $watcher MULTI
        request $watcher GET x
        is [request $watcher EXEC] (nil)
        is [request $queue EXEC] new
        is [request $idle EXEC] new
        is [read_reply $reader] {{stream {{2-1 {a b}}}}}
        is [read_reply $tracker] {invalidate (nil)}
        write_some $p 20
        wait_same $r $p
        wait_for { expr {![info_of $r aof_rewrite_in_progress]} }
        ask $r CONFIG SET appendfsync always
        wait_same $r $p
        set dir [of $r dir]
        stop $r kill
        set r [server "appendonly yes\nreplicaof 127.0.0.1 1" -dir $dir]
        tool 0 diff 127.0.0.1:[of $p port] 127.0.0.1:[of $r port]
        foreach fd [list $watcher $queue $idle $reader $tracker] { catch { close $fd } }
    }
}

case "keys of the old data set whose time comes meanwhile are hidden, and nothing is evicted" {
    set p [slow_primary $peer_binary]
    set r [replica_of $p "repl-diskless-load swapdb\nreplica-ignore-maxmemory no"]
    wait_same $r $p
    ask $p SET short x PX 4000 ;# comparing takes longer, on a slow machine
    wait_for { expr {[ask $r EXISTS short]} }
    fall_behind $p $r
    ask $r CONFIG SET maxmemory 1mb maxmemory-policy allkeys-random
    set keys [ask $r DBSIZE]
    set sized {}
    while {[serves_beside $r] && [ask $r EXISTS short]} {
        set sized [ask $r DBSIZE]
        if {[ask $r GET x] ne "old"} break
    }
    if {[serves_beside $r]} { is [ask $r DBSIZE] $keys }
    truth {$sized eq "" || $sized >= $keys}
    ask $r CONFIG SET maxmemory 0
    wait_linked $r
}

case "a replica that clients may write to: what they write goes with the old data set" {
    set p [slow_primary $peer_binary]
    set r [replica_of $p "repl-diskless-load swapdb\nreplica-read-only no\nappendonly yes"]
    wait_same $r $p
    wait_for { expr {![info_of $r aof_rewrite_in_progress]} }
    fall_behind $p $r
    is [ask $r SET mine 1] OK
    is [ask $r SET gone 1 PX 1] OK
    after 5
    is [ask $r GET gone] (nil)
    is [ask $r GET mine] 1
    ask $p CONFIG SET rdb-key-save-delay 0
    wait_same $r $p
    is [ask $r EXISTS mine] 0
}

case "the server ends in the middle: in order, and by a kill" {
    foreach how {term kill shutdown} {
        set p [slow_primary $peer_binary]
        set r [replica_of $p "repl-diskless-load swapdb\nsave 3600 1000000"]
        wait_same $r $p
        ask $r SAVE
        set dir [of $r dir]
        fall_behind $p $r
        if {$how eq "shutdown"} {
            catch { ask $r SHUTDOWN }
            wait_for { expr {![alive [of $r pid]]} }
            stop $r
        } else {
            stop $r $how
        }
        set r [server "replicaof 127.0.0.1 1" -dir $dir]
        is [ask $r GET x] old
        is [ask $r DBSIZE] 20003
        is [ask $r EXISTS filler:1] 0
        stop $r
        stop $p
    }
}

case "the primary dies, or the link, at many places: the old data set is served on, and right" {
    set port [fake_primary]
    set r [fake_replica $port "repl-diskless-load swapdb\nappendonly yes"]
    set fd [fake_accept]
    fake_greet $fd
    fake_full $fd [rdb_of [record a old][record b old]]
    wait_linked $r
    close $fd
    set watcher [connect $r]
    request $watcher WATCH a
    request $watcher MULTI
    request $watcher GET a
    set other REDIS0010\xf5\x40[binary format c [string length [library new]]][library new]
    append other \xfe\x00[records k 2000]\xff[string repeat \x00 8]
    set n 0
    foreach part {0 9 15 30 150 190 500 5000 20000 40000 end-8 end-7 end-1} {
        set fd [fake_accept]
        is [fake_greet $fd] "PSYNC $fake_id 101"
        fake_say $fd "+FULLRESYNC $fake_id 200\r\n\$[string length $other]\r\n"
        fake_say $fd [string range $other 0 $part]
        wait_for { serves_beside $r }
        is [ask $r GET a] old
        is [ask $r DBSIZE] 2
        is [error_of $r BGSAVE] $loading
        is [error_of $r REPLICAOF NO ONE] $loading
        if {[incr n] % 3 == 0} {
            signal STOP [of $r pid]
            close $fd
            signal CONT [of $r pid]
        } else {
            close $fd
        }
        wait_for { expr {![serves_beside $r]} }
        is [ask $r GET a] old
        is [ask $r DBSIZE] 2
        is [ask $r FUNCTION LIST] {}
        is [info_of $r slave_repl_offset] 100
        truth {[info_of $r replica_sync_fault] ne ""}
        is [info_of $r aof_enabled] 1
    }
    # it falls silent
    ask $r CONFIG SET repl-timeout 1
    set fd [fake_accept]
    fake_greet $fd
    fake_say $fd "+FULLRESYNC $fake_id 200\r\n\$[string length $other]\r\n[string range $other 0 5000]"
    wait_for { serves_beside $r }
    fake_wait_closed $fd
    wait_for { expr {![serves_beside $r]} }
    is [ask $r DBSIZE] 2
    ask $r CONFIG SET repl-timeout 60
    is [request $watcher EXEC] old ;# for who watches nothing has changed
    close $watcher
    # and goes on where it was
    set fd [fake_accept]
    is [fake_greet $fd] "PSYNC $fake_id 101"
    fake_say $fd "+CONTINUE\r\n[encode {SELECT 0}][encode {SET a later}]"
    wait_linked $r
    wait_for { expr {[ask $r GET a] eq "later"} }
    close $fd
    set fd [fake_accept]
    fake_greet $fd
    fake_full $fd $other
    wait_linked $r
    is [ask $r DBSIZE] 2000
    is [ask $r FCALL_RO f 0] new
    close $fd
    # a promotion behind one that broke off leads with what is there
    set fd [fake_accept]
    fake_greet $fd
    fake_say $fd "+FULLRESYNC $fake_id 300\r\n\$1000\r\n[string range $other 0 500]"
    wait_for { serves_beside $r }
    close $fd
    wait_for { expr {![serves_beside $r]} }
    is [ask $r REPLICAOF NO ONE] OK
    is [ask $r SET mine x] OK
    is [ask $r DBSIZE] 2001
    fake_close
}

case "clients come, are killed, and wait while it comes" {
    set p [slow_primary $peer_binary]
    set r [replica_of $p "repl-diskless-load swapdb"]
    wait_same $r $p
    fall_behind $p $r
    for {set i 0} {$i < 20} {incr i} {
        set fd [connect $r]
        send $fd XREAD BLOCK 0 STREAMS stream \$
        send $fd GET x
        if {$i % 2} { close $fd } else { lappend waiting $fd }
        is [ask $r EVAL_RO "local n = 0 for i = 1, 20000 do n = n + 1 end return redis.call('get', 'x')" 0] old
    }
    truth {[serves_beside $r]}
    ask $r CLIENT KILL TYPE normal SKIPME yes
    foreach fd $waiting { catch { read_reply $fd }; close $fd }
    ask $p CONFIG SET rdb-key-save-delay 0
    wait_same $r $p
}

case "a data set of another history is not waited for with the old one served" {
    set port [fake_primary]
    set r [fake_replica $port "repl-diskless-load swapdb"]
    set fd [fake_accept]
    fake_greet $fd
    fake_full $fd [rdb_of [record a old]]
    wait_linked $r
    close $fd
    set other [rdb_of [records k 2000]]
    set fd [fake_accept]
    fake_greet $fd
    fake_say $fd "+FULLRESYNC [string reverse $fake_id] 200\r\n\$[string length $other]\r\n"
    fake_say $fd [string range $other 0 999]
    wait_for { expr {[info_of $r loading] == 1} }
    is [info_of $r async_loading] 0
    is [error_of $r GET a] $loading
    fake_say $fd [string range $other 1000 end]
    wait_linked $r
    is [ask $r DBSIZE] 2000
    close $fd
    fake_close
}

finish
