# SPDX-License-Identifier: BSD-3-Clause
# A directory that has lost its data is not taken for a new one (on-missing-data).
source [file join [file dirname [info script]] lib.tcl]

set no_log "save \"\""
set log "appendonly yes\nsave \"\""
proc mark {dir} { return $dir/.holdfast-data }
# All that lies in dir but what the tests put there.
proc contents {dir} {
    set found {}
    foreach path [lsort [glob -nocomplain -types {f hidden} $dir/* $dir/appendonlydir/*]] {
        lappend found $path [slurp $path]
    }
    foreach path [lsort [glob -nocomplain $dir/dump* $dir/appendonlydir/*]] {
        lappend found $path [slurp $path]
    }
    return $found
}
# Refused each time, in these words, with nothing made or changed.
proc refused {dir config words} {
    set before [contents $dir]
    foreach again {1 2} {
        lassign [server $config -dir $dir -fails 1] code text
        is $code 1
        like $text "*$words*.holdfast-data*"
        is [contents $dir] $before
    }
}
proc with_log {} {
    set s [server $::log]
    ask $s SET k log
    set dir [of $s dir]
    stop $s kill
    return $dir
}
proc with_both {} {
    set s [server $::log]
    ask $s SET k dump
    ask $s SAVE
    ask $s SET k log
    set dir [of $s dir]
    stop $s kill
    return $dir
}

case "no mark before anything was saved, and only SAVE, BGSAVE and the log write it" {
    set s [server $no_log]
    set dir [of $s dir]
    ask $s SET k 1
    stop $s nosave
    truth {![file exists [mark $dir]]}
    set s [server $no_log -dir $dir]
    ask $s SAVE
    like [slurp [mark $dir]] "*\ntime ????-??-??T??:??:??Z\ndump dump.rdb\n"
    set first [slurp [mark $dir]]
    after 1100
    ask $s SAVE
    is [slurp [mark $dir]] $first
    set other [tmpdir]
    stop $s nosave
    set s [server $no_log -dir $other]
    ask $s BGSAVE
    wait_for { file exists [mark $other] }
    stop $s nosave
    set dir [with_log]
    like [slurp [mark $dir]] "*\nlog appendonlydir/appendonly.aof.manifest\n"
    is [glob -nocomplain $dir/.holdfast-data.*] {}
}

case "the dump file is gone" {
    set s [server $no_log]
    set dir [of $s dir]
    ask $s SET k 1
    ask $s SAVE
    ask $s FLUSHALL
    stop $s kill
    file delete $dir/dump.rdb
    refused $dir $no_log "dump.rdb, which this directory held, is gone*on-missing-data start-empty"
    refused $dir "$no_log\non-missing-data load-rdb" "dump.rdb*is gone"
    refused $dir $log "dump.rdb*is gone"
    set s [server "$no_log\non-missing-data start-empty" -dir $dir]
    is [ask $s DBSIZE] 0
    like [log_of $s] "*Data that this directory held is gone (dump.rdb)*"
    # it was told: from now on nothing is missing
    set s [restart $s kill $no_log]
    ask $s SET k 2
    ask $s SAVE
    stop $s kill
    file delete $dir/dump.rdb
    refused $dir $no_log "dump.rdb*is gone"
    file delete [mark $dir]
    stop [server $no_log -dir $dir] kill
}

case "the log is gone, and there is no dump file" {
    set dir [with_log]
    file delete -force $dir/appendonlydir
    refused $dir $log "appendonlydir/appendonly.aof.manifest, which this directory held, is gone"
    refused $dir "$log\non-missing-data load-rdb" "appendonly.aof.manifest*is gone"
    refused $dir $no_log "appendonly.aof.manifest*is gone"
    truth {![file exists $dir/appendonlydir]}
    set s [server "$log\non-missing-data start-empty" -dir $dir]
    is [ask $s DBSIZE] 0
    ask $s SET k new
    set s [restart $s kill $log]
    is [ask $s GET k] new
}

case "the log is gone, the dump file is there" {
    set dir [with_both]
    file delete -force $dir/appendonlydir
    refused $dir $log "append log appendonlydir/appendonly.aof.manifest is gone, the dump file is there"
    set s [server "$log\non-missing-data load-rdb" -dir $dir]
    is [ask $s GET k] dump
    set s [restart $s kill $log]
    is [ask $s GET k] dump
    # with the log off the dump file is what counts
    set dir [with_both]
    file delete -force $dir/appendonlydir
    set s [server $no_log -dir $dir]
    is [ask $s GET k] dump
    # and a save says so
    ask $s SAVE
    set s [restart $s kill $log]
    is [ask $s GET k] dump
}

case "the log is there: nobody misses the dump file" {
    set dir [with_both]
    file delete $dir/dump.rdb
    set s [server $log -dir $dir]
    is [ask $s GET k] log
    stop $s kill
    # but with the log off it is missed
    refused $dir $no_log "dump.rdb*is gone"
}

case "a log that is off is no loss while it is there" {
    set dir [with_log]
    set s [server $no_log -dir $dir]
    is [ask $s DBSIZE] 0
}

case "files that carry other names than configured are not gone" {
    set s [server $no_log]
    set dir [of $s dir]
    ask $s SET k 1
    ask $s SAVE
    set s [restart $s kill "$no_log\ndbfilename other.rdb"]
    is [ask $s DBSIZE] 0
    ask $s SAVE
    set s [restart $s kill "$no_log\ndbfilename other.rdb"]
    like [slurp [mark $dir]] "*dump other.rdb\n"
}

case "a mark that can't be written costs a warning; one that can't be read refuses" {
    set s [server $no_log]
    set dir [of $s dir]
    file mkdir [mark $dir]
    ask $s SET k 1
    is [ask $s SAVE] OK
    like [log_of $s] "*mark of the data directory*"
    stop $s kill
    lassign [server $no_log -dir $dir -fails 1] code text
    is $code 1
    like $text "*.holdfast-data*"
}

case "CONFIG knows on-missing-data" {
    set s [server $no_log]
    is [ask $s CONFIG GET on-missing-data] {on-missing-data refuse}
    is [ask $s CONFIG SET on-missing-data load-rdb] OK
    truth {[catch { ask $s CONFIG SET on-missing-data maybe }]}
    is [ask $s CONFIG REWRITE] OK
    like [slurp [of $s conf]] "*on-missing-data load-rdb*"
}

finish
