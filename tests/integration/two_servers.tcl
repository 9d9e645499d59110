# SPDX-License-Identifier: BSD-3-Clause
# One writer for one directory (dir-lock): the second server is refused, or waits for the first.
source [file join [file dirname [info script]] lib.tcl]

set log "appendonly yes\nsave \"\""
set points "save 3600 1"
set nothing "save \"\""

# All files of dir with their bytes.
proc contents {dir} {
    set found {}
    foreach path [lsort [glob -nocomplain $dir/dump* $dir/appendonlydir/* $dir/.holdfast*]] {
        lappend found $path [slurp $path]
    }
    return $found
}

proc second_is_refused {s config} {
    set before [contents [of $s dir]]
    # a configuration file of its own: that of the first is still its own
    set conf [file join [tmpdir] second.conf]
    spit $conf "port 0\nunixsocket [file join $::tmp_root second.sock]\ndir \"[of $s dir]\"\n$config\n"
    is [run timeout 180 [file join $::build redis-server] $conf] 1
    like $::run_output "*directory [of $s dir] is in use by process [of $s pid]:*dir-lock-wait*"
    is [contents [of $s dir]] $before
}

foreach {name config} [list "with a log" $log "with save points" $points] {
    case "the second server is refused as long as the first lives, $name" {
        set s [server $config]
        ask $s SET k 1
        foreach other [list $log $points] { second_is_refused $s $other }
        ask $s SET k 2
        set s [restart $s kill $config]
        set k [ask $s GET k]
        truth {$config eq $points ? $k eq "(nil)" : $k == 2}
        ask $s SET k 3
        ask $s SAVE
        second_is_refused $s $points
        # ended in order
        set s [restart $s term $config]
        is [ask $s GET k] 3
    }
}

case "a killed server's child keeps nobody out" {
    set s [server "$points\nrdb-key-save-delay 2000000000"]
    set dir [of $s dir]
    ask $s SET k 1
    is [ask $s BGSAVE] "Background saving started"
    wait_for { expr {[string trim [slurp /proc/[of $s pid]/task/[of $s pid]/children]] ne ""} }
    stop $s kill
    set s [server $points -dir $dir]
    is [ask $s PING] PONG
}

case "a server that keeps nothing needs no lock, until it is to save" {
    set first [server $points]
    ask $first SET k first
    ask $first SAVE
    set s [server "$nothing\nenable-protected-configs yes" -dir [tmpdir]]
    set dir [of $s dir]
    is [ask $s CONFIG SET dir [of $first dir]] OK
    foreach words {SAVE BGSAVE {CONFIG SET appendonly yes} {SHUTDOWN SAVE}} {
        truth {[catch { ask $s {*}$words } why]}
        truth {[alive [of $s pid]]}
    }
    like [log_of $s] "*in use by process [of $first pid]*"
    ask $first SET k again
    stop $first term
    is [ask $s SAVE] OK
    # now it has the directory: it must not go where another one is
    set before [ask $s CONFIG GET dir]
    set first [server $points -dir $dir]
    like [error_of $s CONFIG SET save "60 1" dir $dir] "ERR CONFIG SET failed*in use by process [of $first pid]*"
    is [ask $s CONFIG GET dir] $before
}

case "BGREWRITEAOF of a server whose log is off leaves another one's log alone" {
    set s [server "$nothing"]
    set dir [of $s dir]
    set first [server $log -dir $dir]
    for {set i 0} {$i < 50} {incr i} { ask $first SET k$i v }
    set before [contents $dir]
    like [error_of $s BGREWRITEAOF] "ERR *"
    like [log_of $s] "*in use by process [of $first pid]*"
    is [contents $dir] $before
    stop $first kill
    # now it may, also where it does not work any more
    is [ask $s BGREWRITEAOF] "Background append only file rewriting started"
}

case "CONFIG SET dir takes the new directory and gives the old one back, but not that of the log" {
    set s [server "$points\nenable-protected-configs yes"]
    set old [of $s dir]
    set new [tmpdir]
    is [ask $s CONFIG SET dir $new] OK
    wait_for { expr {![catch { stop [server $points -dir $old] nosave }]} }
    lassign [server $points -dir $new -fails 1] code text
    like $text "*in use by process [of $s pid]*"
    # with a log, both are held
    set s [server "$log\nsave 3600 1\nenable-protected-configs yes"]
    set home [of $s dir]
    set new [tmpdir]
    is [ask $s CONFIG SET dir $new] OK
    after 500 ;# whoever gave one back later
    foreach dir [list $home $new] {
        lassign [server $points -dir $dir -fails 1] code text
        like $text "*in use by process [of $s pid]*"
    }
    # the log's can't be found any more, so none is given back: that ends before there are too many
    file rename $home $home.moved
    is [ask $s CONFIG SET dir [tmpdir]] OK
    is [ask $s CONFIG SET dir [tmpdir]] OK
    foreach again {1 2} {
        like [error_of $s CONFIG SET dir [tmpdir]] "ERR CONFIG SET failed*can't be found any more*"
    }
    file rename $home.moved $home
    is [ask $s CONFIG SET dir $home] OK
    # the same directory under another name is the same
    file link -symbolic $home/../alias $home
    lassign [server $points -dir $home/../alias -fails 1] code text
    like $text "*in use by process [of $s pid]*"
    is [ask $s CONFIG SET dir $home/../alias] OK
    is [ask $s CONFIG SET dir $home] OK
    lassign [server $points -dir $home -fails 1] code text
    like $text "*in use by process [of $s pid]*"
}

case "a rolling update: the second waits for the first to end and has all of its data" {
    foreach config [list $log $points] {
        set first [server $config]
        for {set i 0} {$i < 100} {incr i} { ask $first SET k$i v$i }
        set dir [of $first dir]
        set conf [file join [tmpdir] second.conf]
        started_by_hand second $dir {
            spit $conf "port $port\nbind 127.0.0.1\ndir \"$dir\"\n$config\ndir-lock-wait 600\n"
            exec [file join $build redis-server] $conf >>$dir/said 2>>$dir/stderr </dev/null &
        }
        wait_for { string match "*Waiting up to 600 s*" [slurp $dir/said] }
        # whoever comes meanwhile is told to wait, and it can be stopped
        like [error_of second GET k1] "LOADING*"
        # a log may not begin before there is data; other options may be set
        is [error_of second CONFIG SET appendonly yes] "LOADING Redis is loading the dataset in memory"
        is [error_of second CONFIG SET timeout x appendonly yes] "LOADING Redis is loading the dataset in memory"
        is [ask second CONFIG SET timeout 0] OK
        ask $first SET late 1
        stop $first term
        wait_for { expr {![catch { ask second GET late } late] && $late == 1} }
        is [ask second DBSIZE] 101
        stop second term
    }
}

case "who waits can be stopped, and gives up in the end" {
    set first [server $points]
    lassign [server "$points\ndir-lock-wait 1" -dir [of $first dir] -fails 1] code text
    is $code 1
    like $text "*Waiting up to 1 s*in use by process [of $first pid]*"
    set dir [of $first dir]
    set conf [file join [tmpdir] second.conf]
    spit $conf "port 0\nunixsocket [file join [tmpdir] s]\ndir \"$dir\"\nlogfile \"$dir/second.log\"\n$points\ndir-lock-wait 600\n"
    set pid [exec [file join $build redis-server] $conf </dev/null >/dev/null 2>/dev/null &]
    wait_for { string match "*Waiting up to 600 s*" [slurp $dir/second.log] }
    signal TERM $pid
    wait_for { expr {![alive $pid]} }
    truth {[alive [of $first pid]]}
}

case "redis-check-aof changes no log that a server is using" {
    set s [server $log]
    ask $s SET k 1
    set dir [of $s dir]
    set manifest $dir/appendonlydir/appendonly.aof.manifest
    set incr [lindex [glob $dir/appendonlydir/*.incr.aof] 0]
    set tool [file join $build redis-check-aof]
    is [run $tool $manifest] 0
    set before [contents $dir]
    foreach path [list $manifest $incr] {
        foreach how {{--fix} {--truncate-to-timestamp 1}} {
            is [run $tool {*}$how $path] 1
            like $run_output "*using this log: process [of $s pid]. Stop it first.*"
        }
    }
    is [contents $dir] $before
    ask $s SET k 2
    stop $s kill
    is [run $tool --fix $manifest] 0
    is [ask [server $log -dir $dir] GET k] 2
}

case "a lock file that is removed is made again" {
    set s [server $points]
    set dir [of $s dir]
    file delete $dir/.holdfast-lock
    wait_for { file exists $dir/.holdfast-lock }
    lassign [server $points -dir $dir -fails 1] code text
    like $text "*in use by process [of $s pid]*"
    like [log_of $s] "*lock file $dir/.holdfast-lock was removed*"
}

case "by a link to the directory of the log two servers would share it" {
    set s [server $log]
    set dir [tmpdir]
    file link -symbolic $dir/appendonlydir [of $s dir]/appendonlydir
    lassign [server $log -dir $dir -fails 1] code text
    is $code 1
    like $text "*in use by process [of $s pid]*"
    set other [server $nothing -dir $dir]
    like [error_of $other CONFIG SET appendonly yes] "ERR *"
    like [error_of $other BGREWRITEAOF] "ERR *"
    stop $other nosave
    stop $s kill
    set s [server $log -dir $dir]
    foreach n {1 2 3} { ;# whoever was killed keeps neither directory
        ask $s SET k $n
        signal KILL [of $s pid]
        set s [restart $s kill $log]
        is [ask $s GET k] $n
    }
}

case "dir-lock no: two on one directory under names of their own" {
    set first [server "$points\ndir-lock no"]
    set s [server "$points\ndbfilename other.rdb\ndir-lock no" -dir [of $first dir]]
    is [ask $first SAVE] OK
    is [ask $s SAVE] OK
    stop $s nosave
}

finish
