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
# The log was switched off before the dump was saved.
proc with_newer_dump {} {
    set s [server $::log]
    ask $s SET k log
    is [ask $s CONFIG SET appendonly no] OK
    ask $s SET k dump
    ask $s SAVE
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
    after 1100 ;# another second: whoever writes it anew writes another time
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
    # but with the log off nothing is left
    refused $dir $no_log "kept in the append log*, nothing would be loaded instead"
}

set time "????-??-??T??:??:??Z"

case "what was written last is not passed over: the log, by a configuration without it" {
    set dir [with_log]
    refused $dir $no_log "log appendonlydir/appendonly.aof.manifest, written at $time; as configured, nothing would"
    refused $dir "$no_log\non-missing-data load-rdb" "nothing would be loaded"
    set s [server "$no_log\non-missing-data start-empty" -dir $dir]
    is [ask $s DBSIZE] 0
    stop $s kill
    is [ask [server $log -dir $dir] GET k] log
    # beside an older dump
    set dir [with_both]
    refused $dir $no_log "append log*, the dump file dump.rdb, written at $time, would be loaded instead*load-rdb"
    set s [server "$no_log\non-missing-data load-rdb" -dir $dir]
    is [ask $s GET k] dump
    stop $s kill
    # by another name of the log, or of its directory
    foreach line {"appenddirname other" "appendfilename other.aof"} {
        refused $dir "$log\n$line" "append log appendonlydir/*, the dump file*would be loaded instead"
    }
    file copy $dir/appendonlydir $dir/other
    refused $dir "$log\nappenddirname other" \
        "append log appendonlydir/*, the log other/appendonly.aof.manifest would be loaded instead"
    # moved with its name it is the same one
    file delete -force $dir/appendonlydir
    set s [server "$log\nappenddirname other" -dir $dir]
    is [ask $s GET k] log
    stop $s kill
    refused $dir $log "append log other/*, the dump file dump.rdb*would be loaded instead"
}

case "what was written last is not passed over: the dump, by a log that was switched off before" {
    set dir [with_newer_dump]
    refused $dir $log "log appendonlydir/*, written at $time, was switched off before the dump file dump.rdb was saved, at $time*appendonly no, then CONFIG SET appendonly yes"
    set s [server $no_log -dir $dir]
    is [ask $s GET k] dump
    is [ask $s CONFIG SET appendonly yes] OK
    wait_for { expr {[info_of $s aof_rewrite_in_progress] == 0 && [info_of $s aof_rewrite_scheduled] == 0} }
    set s [restart $s kill $log]
    is [ask $s GET k] dump
    # the dump is gone: the old log is not taken for it
    set dir [of $s dir]
    is [ask $s CONFIG SET appendonly no] OK
    ask $s SAVE
    stop $s kill
    file delete $dir/dump.rdb
    refused $dir $log "switched off before*and is gone"
    file delete [mark $dir]
    is [ask [server $log -dir $dir] GET k] dump
}

case "the dump instead of a log that was switched off, when told so: a new log begins with it" {
    set dir [with_newer_dump]
    set s [server "$log\non-missing-data load-rdb" -dir $dir]
    is [ask $s GET k] dump
    ask $s SET k more
    set s [restart $s kill $log]
    is [ask $s GET k] more
}

case "what BGREWRITEAOF left with the log off is older than a dump that is saved then" {
    set s [server $no_log]
    ask $s SET k rewritten
    ask $s BGREWRITEAOF
    wait_for { expr {[info_of $s aof_rewrite_in_progress] == 0 && [info_of $s aof_rewrites] > 0} }
    ask $s SET k dump
    ask $s SAVE
    set dir [of $s dir]
    stop $s kill
    refused $dir $log "was switched off before the dump file dump.rdb was saved"
    # and one that it leaves behind the dump is not
    set s [server $no_log -dir $dir]
    is [ask $s GET k] dump
    ask $s SET k again
    set rewrites [info_of $s aof_rewrites]
    ask $s BGREWRITEAOF
    wait_for { expr {[info_of $s aof_rewrite_in_progress] == 0 && [info_of $s aof_rewrites] > $rewrites} }
    stop $s kill
    is [ask [server $log -dir $dir] GET k] again
}

case "a pipe in the place of a file is refused, not waited for" {
    set dir [with_both]
    foreach {path config} [list [mark $dir] $log [mark $dir] $no_log \
        $dir/appendonlydir/appendonly.aof.manifest $log $dir/appendonlydir/appendonly.aof.1.incr.aof $log \
        $dir/dump.rdb "$no_log\non-missing-data load-rdb"] {
        file rename $path $dir/away
        exec mkfifo $path
        lassign [server $config -dir $dir -fails 1] code text
        is $code 1
        like $text "*[file tail $path] is *not a*file*"
        file delete $path
        file rename $dir/away $path
    }
    set dir [tmpdir]
    exec mkfifo $dir/appendonly.aof
    lassign [server $log -dir $dir -fails 1] code text
    like $text "*appendonly.aof is not a regular file*"
}

case "what was written last is not passed over: the dump, by another name" {
    set s [server $no_log]
    set dir [of $s dir]
    ask $s SET k 1
    ask $s SAVE
    stop $s kill
    set other "$no_log\ndbfilename other.rdb"
    refused $dir $other "last saved in dump.rdb, at $time; as configured, nothing would be loaded instead"
    refused $dir "$log\ndbfilename other.rdb" "last saved in dump.rdb"
    # an older one
    file copy $dir/dump.rdb $dir/other.rdb
    file mtime $dir/other.rdb [expr {[file mtime $dir/dump.rdb] - 100}]
    refused $dir $other "last saved in dump.rdb*other.rdb, written at $time would be loaded"
    # one that was put there since, or that moved
    file mtime $dir/other.rdb [expr {[file mtime $dir/dump.rdb] + 100}]
    is [ask [server $other -dir $dir] GET k] 1
    file delete $dir/other.rdb
    set s [server "$other\non-missing-data start-empty" -dir $dir]
    is [ask $s DBSIZE] 0
    ask $s SAVE
    set s [restart $s kill $other]
    like [slurp [mark $dir]] "*dump other.rdb\n"
}

case "after an end in order the dump holds what the log does: either may be loaded" {
    set s [server "appendonly yes\nsave 3600 1"]
    ask $s SET k 1
    set s [restart $s term $no_log]
    is [ask $s GET k] 1
    set s [restart $s kill $log]
    is [ask $s GET k] 1
    # but not once the log has gone on
    ask $s SET k 2
    set dir [of $s dir]
    stop $s kill
    refused $dir $no_log "append log*dump file dump.rdb*would be loaded instead"
}

case "a dump is as old as the data in it: what was logged while it was written is newer" {
    set s [held_server "$log\nrdbcompression no"]
    set dir [of $s dir]
    ask $s SET k 1
    ask $s BGSAVE
    ask $s SET k 2
    release $s
    wait_for { expr {[info_of $s rdb_bgsave_in_progress] eq "0"} }
    is [info_of $s rdb_last_bgsave_status] ok
    stop $s kill
    refused $dir $no_log "append log*dump file dump.rdb*would be loaded instead"
    is [ask [server $log -dir $dir] GET k] 2
}

# Nothing in it, but for what may stand in a log of that kind.
proc empty_log {dir kind} {
    file delete -force $dir/appendonlydir
    switch $kind {
        old { spit $dir/appendonly.aof "" }
        unnamed {
            file mkdir $dir/appendonlydir
            spit $dir/appendonlydir/appendonly.aof.manifest "# nothing\n"
        }
        increment {
            file mkdir $dir/appendonlydir
            spit $dir/appendonlydir/appendonly.aof.manifest "file appendonly.aof.1.incr.aof seq 1 type i\n"
            spit $dir/appendonlydir/appendonly.aof.1.incr.aof ""
        }
    }
}

case "a log without anything in it does not take the place of the dump" {
    foreach marked {1 0} {
        foreach kind {old unnamed increment} {
            set s [server $no_log]
            set dir [of $s dir]
            ask $s SET k dump
            ask $s SAVE
            stop $s nosave
            if {!$marked} { file delete [mark $dir] }
            empty_log $dir $kind
            if {$kind eq "old"} {
                is [ask [set s [server $log -dir $dir]] GET k] dump
                stop $s
                continue
            }
            set before [contents $dir]
            lassign [server $log -dir $dir -fails 1] code text
            is $code 1
            like $text "*appendonly.aof.manifest holds nothing*dump.rdb*load-rdb*start-empty*"
            is [contents $dir] $before
            set s [server "$log\non-missing-data load-rdb" -dir $dir]
            is [ask $s GET k] dump
            is [info_of $s aof_enabled] 1
            ask $s SET more 1 ;# the new log is in force from the first write on
            set s [restart $s kill "$log\nappendfsync always"]
            is [ask $s MGET k more] {dump 1}
            stop $s
        }
    }
}

case "a log that was emptied is no log" {
    foreach kind {old unnamed increment} {
        set dir [with_log]
        empty_log $dir $kind
        set before [contents $dir]
        lassign [server $log -dir $dir -fails 1] code text
        is $code 1
        like $text "*on-missing-data start-empty*"
        is [contents $dir] $before
        is [ask [set s [server "$log\non-missing-data start-empty" -dir $dir]] DBSIZE] 0
        stop $s
    }
    # one that has no keys (any more), and one that never had any, are logs
    foreach words {FLUSHALL PING} {
        set s [server "$log\naof-use-rdb-preamble no"]
        ask $s SAVE
        if {$words eq "FLUSHALL"} { ask $s SET k 1 }
        ask $s $words
        ask $s BGREWRITEAOF
        wait_for { expr {[info_of $s aof_rewrite_in_progress] eq "0"} }
        foreach how {kill term} {
            set s [restart $s $how "$log\naof-use-rdb-preamble no"]
            is [ask $s DBSIZE] 0
        }
        stop $s
    }
}

case "a log of another server is not passed over when it is all there is" {
    foreach kind {parts old} {
        set dir [with_log]
        file delete [mark $dir]
        if {$kind eq "old"} {
            file delete -force $dir/appendonlydir
            spit $dir/appendonly.aof "[encode {SELECT 0}][encode {SET k log}]"
        }
        set before [contents $dir]
        lassign [server "save 3600 1" -dir $dir -fails 1] code text
        is $code 1
        like $text "*append log * is there, and no dump file*appendonly yes*start-empty*"
        is [contents $dir] $before
        is [ask [set s [server $log -dir $dir]] GET k] log
        stop $s
    }
    set dir [with_log]
    file delete [mark $dir]
    is [ask [set s [server "save 3600 1\non-missing-data start-empty" -dir $dir]] DBSIZE] 0
    stop $s kill
    # who keeps nothing means it
    is [ask [server $no_log -dir $dir] DBSIZE] 0
}

case "a link to nothing is no absent file: its disk may not be mounted" {
    foreach config [list $no_log $log] {
        set dir [tmpdir]
        file mkdir $dir/away
        spit $dir/away/d ""
        file link -symbolic $dir/dump.rdb $dir/away/d
        file delete $dir/away/d
        lassign [server $config -dir $dir -fails 1] code text
        is $code 1
        like $text "*dump.rdb is a symbolic link to a file that is not there*"
        is [file type $dir/dump.rdb] link
        truth {![file exists $dir/appendonlydir]}
    }
    # the log's directory
    set dir [with_log]
    file rename $dir/appendonlydir $dir/real
    file link -symbolic $dir/appendonlydir $dir/real
    is [ask [set s [server $log -dir $dir]] GET k] log
    stop $s kill
    file rename $dir/real $dir/away
    file delete [mark $dir]
    lassign [server $log -dir $dir -fails 1] code text
    is $code 1
    like $text "*appendonlydir*"
    is [file type $dir/appendonlydir] link
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
