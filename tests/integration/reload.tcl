# SPDX-License-Identifier: BSD-3-Clause
# The data set out and in again while the server runs (DEBUG RELOAD, LOADAOF): whole, or what was
# there stays.
source [file join [file dirname [info script]] lib.tcl]

set debug "enable-debug-command yes\nsave \"\""

# Some keys of each kind, in two databases.
proc fill {s} {
    for {set i 0} {$i < 200} {incr i} { ask $s SET key:$i [string repeat $i 20] }
    ask $s RPUSH list a b c
    ask $s ZADD zset 1 a 2 b
    ask $s SET volatile v EX 1000
    ask $s SELECT 3
    ask $s HSET hash f v
    ask $s SELECT 0
}
proc damage {path} {
    set bytes [slurp $path]
    set at [expr {[string length $bytes] * 3 / 4}]
    spit $path [string replace $bytes $at $at [expr {[string index $bytes $at] eq "A" ? "B" : "A"}]]
}
proc still_serves {s digest} {
    is [ask $s DEBUG DIGEST] $digest
    truth {[ask $s TTL volatile] > 0}
    is [ask $s SET new 1] OK
    is [ask $s DEL new] 1
    is [ask $s DEBUG DIGEST] $digest
}

case "DEBUG RELOAD of a damaged dump leaves all that was there" {
    foreach blocks {yes no} {
        set s [server "$debug\nrdb-block-checksum $blocks\nrdbcompression no"]
        fill $s
        is [ask $s SAVE] OK
        ask $s SET later 1
        set digest [ask $s DEBUG DIGEST]
        damage [of $s dir]/dump.rdb
        like [error_of $s DEBUG RELOAD NOSAVE] "ERR Error trying to load the RDB dump*"
        like [log_of $s] "*dump.rdb: *(offset*"
        still_serves $s $digest
        # expiry by time is on as before
        ask $s SET soon v PX 1
        wait_for { expr {[info_of $s expired_keys] == 1} }
        ask $s WATCH list
        is [ask $s DEBUG RELOAD] OK
        is [ask $s DEBUG DIGEST] $digest
        ask $s MULTI
        ask $s PING
        is [ask $s EXEC] (nil)
    }
}

case "DEBUG RELOAD NOSAVE without a dump leaves all that was there" {
    foreach config {"save \"\"" "save \"\"\nappendonly yes"} {
        set s [server "enable-debug-command yes\n$config"]
        ask $s SET k 1
        file delete [of $s dir]/dump.rdb
        like [error_of $s DEBUG RELOAD NOSAVE] "ERR Error trying to load the RDB dump*"
        like [log_of $s] "*no dump file dump.rdb*"
        is [ask $s GET k] 1
    }
}

case "DEBUG LOADAOF of a damaged log leaves all that was there" {
    set s [server "$debug\nappendonly yes\naof-load-truncated no"]
    fill $s
    set digest [ask $s DEBUG DIGEST]
    set incr [lindex [glob [of $s dir]/appendonlydir/*.incr.aof] 0]
    set good [slurp $incr]
    damage $incr
    like [error_of $s DEBUG LOADAOF] "ERR Error trying to load the AOF files*"
    still_serves $s $digest
    stop $s kill
    spit $incr $good
}

case "an RDB that can't be loaded is named, with offset, at start too" {
    foreach {config name} [list "save \"\"" dump.rdb "appendonly yes" appendonlydir/*.base.rdb] {
        set s [server $config]
        fill $s
        if {$name eq "dump.rdb"} {
            ask $s SAVE
        } else {
            ask $s BGREWRITEAOF
            wait_for { expr {[info_of $s aof_rewrites] >= 1 && [info_of $s aof_rewrite_in_progress] == 0} }
        }
        set dir [of $s dir]
        stop $s kill
        set path [lindex [lsort -dictionary [glob $dir/$name]] end] ;# the older one may still be there
        damage $path
        lassign [server $config -dir $dir -fails 1] code text
        is $code 1
        like $text "*[file tail $path]: *(offset *"
    }
}

case "what a start replays is not counted as called" {
    set s [server "appendonly yes"]
    ask $s SET k v
    ask $s MULTI
    ask $s INCR n
    ask $s INCR n
    ask $s EXEC
    set s [restart $s kill "appendonly yes"]
    is [ask $s GET n] 2
    truth {![regexp {cmdstat_(set|incr|multi|exec|select):} [ask $s INFO commandstats]]}
    truth {[info_of $s total_commands_processed] < 10}
}

finish
