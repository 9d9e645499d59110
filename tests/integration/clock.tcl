# SPDX-License-Identifier: BSD-3-Clause
# The wall clock jumps, in both directions: nothing waits by it.
source [file join [file dirname [info script]] lib.tcl]

set hour 3600

case "the server's wall clock follows" {
    set s [clock_server ""]
    foreach shift [list 0 $hour -$hour] {
        set_clock $s $shift
        set off [expr {[lindex [ask $s TIME] 0] - [clock seconds] - $shift}]
        truth {abs($off) <= 600}
    }
}

foreach shift [list -$hour $hour] {
    case "a pause lasts as long as was said, when the clock jumps by $shift s in it" {
        set s [clock_server ""]
        is [ask $s CLIENT PAUSE 60000 WRITE] OK
        set fd [connect $s]
        send $fd SET a 1
        set_clock $s $shift
        wait_for { string match "*flags=b*" [ask $s CLIENT LIST] }
        for {set i 0} {$i < 30} {incr i} { ask $s PING; after 10 } ;# three ticks and more
        like [ask $s CLIENT LIST] "*flags=b*"
        is [ask $s CLIENT UNPAUSE] OK
        is [read_reply $fd] OK
        is [ask $s CLIENT PAUSE 200 WRITE] OK
        send $fd SET a 2
        set_clock $s 0
        is [read_reply $fd] OK
        close $fd
    }
    case "an idle client is closed by elapsed time, when the clock jumps by $shift s" {
        set s [clock_server "timeout 600"]
        set fd [connect $s]
        is [request $fd PING] PONG
        set_clock $s $shift
        for {set i 0} {$i < 130} {incr i} { ask $s PING; after 10 } ;# each is looked at once a second
        is [request $fd PING] PONG
        regexp {age=(-?\d+) idle=(-?\d+)} [request $fd CLIENT INFO] -> age idle
        truth {$age >= 0 && $age < 600 && $idle >= 0 && $idle < 600}
        ask $s CONFIG SET timeout 1
        set_clock $s 0
        wait_for { expr {[catch { ask $s PING; gets $fd } line] || [eof $fd]} }
        close $fd
    }
    case "what waits for a time is woken, when the clock jumps by $shift s" {
        set s [clock_server "appendonly yes"]
        set fd [connect $s]
        send $fd WAIT 1 300
        set_clock $s $shift
        is [read_reply $fd] 0
        close $fd
    }
    case "the soft limit of output counts elapsed time, when the clock jumps by $shift s" {
        set s [clock_server "client-output-buffer-limit normal 0 1mb 600"]
        ask $s SET big [string repeat x 3000000]
        set fd [connect $s]
        for {set i 0} {$i < 10} {incr i} { send $fd GET big }
        wait_for { regexp {omem=[1-9]\d{6}} [ask $s CLIENT LIST] }
        set_clock $s $shift
        for {set i 0} {$i < 130} {incr i} { ask $s PING; after 10 }
        truth {[regexp {omem=[1-9]\d{6}} [ask $s CLIENT LIST]]}
        is [info_of $s client_output_buffer_limit_disconnections] 0
        ask $s CONFIG SET client-output-buffer-limit "normal 0 1mb 1"
        wait_for { expr {[info_of $s client_output_buffer_limit_disconnections] == 1} }
        close $fd
    }
}

case "a pause stops expiry, by access and by time, until it ends" {
    set s [server "appendonly yes"]
    ask $s MULTI
    ask $s SET gone 1 PX 50
    ask $s SET busy 1 PX 50
    ask $s CLIENT PAUSE 60000 WRITE
    is [ask $s EXEC] {OK OK OK}
    wait_for { expr {[ask $s GET gone] eq "(nil)"} }
    for {set i 0} {$i < 30} {incr i} { ask $s PING; after 10 }
    is [list [ask $s DBSIZE] [info_of $s expired_keys]] {2 0}
    # a write in the transaction that pauses finds the hidden name free
    ask $s CLIENT UNPAUSE
    wait_for { expr {[ask $s DBSIZE] == 0} }
    ask $s RPUSH busy a
    ask $s PEXPIRE busy 100
    ask $s SET other 1
    after 150
    ask $s MULTI
    ask $s CLIENT PAUSE 60000 WRITE
    ask $s LPUSH busy b
    ask $s RENAME other busy
    is [ask $s EXEC] {OK 1 OK}
    ask $s CLIENT UNPAUSE
    is [ask $s GET busy] 1
    set s [restart $s term "appendonly yes"]
    is [ask $s GET busy] 1
}

foreach shift [list -$hour $hour] {
    case "save points and retries count elapsed time, when the clock jumps by $shift s" {
        set s [clock_server "save \"1 1\"\nenable-debug-command yes"]
        ask $s SET k 1
        wait_for { expr {[info_of $s rdb_changes_since_last_save] == 0} }
        set_clock $s $shift
        ask $s SET k 2
        wait_for { expr {[info_of $s rdb_changes_since_last_save] == 0} }
        wait_for { expr {[info_of $s rdb_bgsave_in_progress] == 0} }
        truth {abs([ask $s LASTSAVE] - [clock seconds] - $shift) < 600}
        # one that fails, and is tried again
        ask $s CONFIG SET save ""
        file mkdir [of $s dir]/away
        file rename [of $s dir]/dump.rdb [of $s dir]/away
        file mkdir [of $s dir]/dump.rdb/in-the-way
        ask $s CONFIG SET save "1000 100"
        ask $s BGSAVE
        wait_for { expr {[info_of $s rdb_last_bgsave_status] eq "err"} }
        like [error_of $s SET k 3] "MISCONF*"
        set_clock $s 0
        truth {[info_of $s rdb_bgsave_retry_in_sec] <= 60}
        file delete -force [of $s dir]/dump.rdb
        wait_for { expr {![catch { ask $s SET k 3 }]} }
        # and no save point is due for an hour that did not pass
        set saves [info_of $s rdb_saves]
        ask $s CONFIG SET save "1800 1"
        set_clock $s $shift
        ask $s SET k 4
        for {set i 0} {$i < 30} {incr i} { ask $s PING; after 10 }
        is [info_of $s rdb_saves] $saves
        truth {[info_of $s rdb_current_bgsave_time_sec] < 600}
    }
    case "a key lives as long as its time is not there, when the clock jumps by $shift s" {
        set s [clock_server ""]
        ask $s SET before v EX 1000
        set_clock $s $shift
        is [ask $s EXISTS before] [expr {$shift < 0}]
        # what is set now goes by the clock of now
        ask $s SET now v PX 100
        ask $s SET later v EX 1000
        wait_for { expr {[info_of $s expired_keys] == 1 + ($shift > 0)} }
        is [lsort [ask $s KEYS *]] [expr {$shift < 0 ? {before later} : {later}}]
        set_clock $s 0
        set_clock $s [expr {-$shift}]
        is [ask $s EXISTS later] [expr {$shift > 0}]
    }
}

finish
