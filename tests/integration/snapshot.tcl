# SPDX-License-Identifier: BSD-3-Clause
# Snapshots: block checksums and what they find, verification, the child and its watchdog, temporary
# files, directory and name changed meanwhile, limits, the scrubber.
source [file join [file dirname [info script]] lib.tcl]

set check_rdb [file join $build redis-check-rdb]
set check_aof [file join $build redis-check-aof]
set debug "enable-debug-command yes\nsave \"\"\nenable-protected-configs yes
rdbcompression no"

# n keys of about 1000 bytes.
proc fill {s n} {
    for {set i 0} {$i < $n} {incr i 50} {
        set args {}
        for {set k $i} {$k < $i + 50} {incr k} {
            set text ""
            for {set j 0} {$j < 100} {incr j} { append text [format %.10s [expr {rand()}]] }
            lappend args key:$k $text
        }
        ask $s MSET {*}$args
    }
}
proc flip {path at} {
    set bytes [slurp $path]
    binary scan [string index $bytes $at] cu old
    spit $path [set bytes [string replace $bytes $at $at [binary format c [expr {$old ^ 16}]]]]
    return $bytes
}
proc wait_saved {s} { wait_for { expr {[info_of $::s rdb_bgsave_in_progress] == 0} } }
proc temps {dir} { glob -nocomplain -tails -directory $dir temp-* }
proc child_of {dir} {
    wait_for { llength [temps $::dir] }
    regexp {temp-(\d+)} [lindex [temps $dir] 0] -> pid
    return $pid
}
# Bytes in which two files differ; every byte of what is longer counts.
proc differing {a b} {
    set a [slurp $a]
    set b [slurp $b]
    set n [expr {abs([string length $a] - [string length $b])}]
    for {set i 0} {$i < [string length $a] && $i < [string length $b]} {incr i} {
        incr n [expr {[string index $a $i] ne [string index $b $i]}]
    }
    return $n
}

case "two saves of one data set are equal but for time, memory and what proves them" {
    foreach {policy told} {noeviction 0 volatile-ttl 0 allkeys-random 0 allkeys-lru 1 volatile-lfu 1} {
        set s [server "$debug\nmaxmemory-policy $policy\nmaxmemory 1gb"]
        ask $s DEBUG POPULATE 3000
        ask $s RPUSH list a b
        ask $s SADD set a b c
        ask $s SAVE
        file copy [of $s dir]/dump.rdb [of $s dir]/first.rdb
        for {set i 0} {$i < 3000} {incr i 7} { ask $s GET key:$i }
        after 1100 ;# another second: time and idle times
        ask $s SAVE
        set n [differing [of $s dir]/first.rdb [of $s dir]/dump.rdb]
        truth {($told ? $n > 100 : $n < 100) || [error "$policy: $n bytes"]}
        stop $s
    }
}

proc checked {path code pattern} {
    set got [run timeout 180 $::check_rdb $path]
    like $::run_output $pattern
    is $got $code
}

# ---- block checksums ----

case "a file has blocks, digest and index, and is verified by the tool" {
    set s [server $debug]
    set dir [of $s dir]
    fill $s 4000
    ask $s SELECT 2
    ask $s HSET h a 1 b 2
    is [ask $s SAVE] OK
    checked $dir/dump.rdb 0 "*RDB looks OK!*4001 keys read*4 blocks verified*Digest equal:*Block\
        index OK"
    truth {![string match "*AUX FIELD hf-block*" $run_output]}
    set digest [ask $s DEBUG DIGEST]
    set s [restart $s kill $debug]
    is [ask $s DEBUG DIGEST] $digest
    is [string length $digest] 40
    like $run_output "*Digest equal: [string range $digest 8 end]*"
}

case "without the option the file is as Redis writes it" {
    set s [server "$debug\nrdb-block-checksum no"]
    set dir [of $s dir]
    fill $s 2000
    is [ask $s SAVE] OK
    set rdb [slurp $dir/dump.rdb]
    truth {[string first hf- $rdb] < 0}
    is [string index $rdb end-8] \xff
    checked $dir/dump.rdb 0 "*already expired"
    is [ask $s CONFIG SET rdb-block-checksum yes] OK
    ask $s BGSAVE
    wait_saved $s
    checked $dir/dump.rdb 0 "*blocks verified*"
}

case "the digest is the data's, not the encoding's; keys that expired meanwhile are no damage" {
    set loose "hash-max-listpack-entries 0\nzset-max-listpack-entries 0\nset-max-intset-entries 0
set-max-listpack-entries 0\nlist-max-listpack-size 1"
    set s [server $debug]
    set dir [of $s dir]
    for {set i 1} {$i < 60} {incr i} {
        ask $s HSET hash:$i a $i b -$i c text$i
        ask $s RPUSH list:$i a $i [string repeat x $i]
        ask $s SADD set:$i $i -$i t$i
        ask $s SADD ints:$i $i -$i 70000
        ask $s ZADD zset:$i $i.25 a -0 b -inf c 1e17 d
        ask $s PEXPIREAT set:$i [expr {4102444800000 + $i}]
    }
    ask $s SAVE
    set digest [ask $s DEBUG DIGEST]
    stop $s kill
    checked $dir/dump.rdb 0 "*Digest equal: [string range $digest 8 end]*"
    set s [clock_server "$debug\n$loose" -dir $dir]
    is [ask $s DEBUG DIGEST] $digest
    ask $s DEBUG RELOAD
    is [ask $s OBJECT ENCODING hash:3] hashtable
    is [ask $s DEBUG DIGEST] $digest
    ask $s SET short v EX 3000
    ask $s HSET short:hash f v
    ask $s EXPIRE short:hash 3000
    is [ask $s SAVE] OK
    stop $s kill
    checked $dir/dump.rdb 0 "*297 keys read*Digest equal:*"
    set_clock_in $dir 3600
    set s [clock_server $debug -dir $dir]
    is [ask $s EXISTS short short:hash] 0
    is [info_of $s rdb_last_load_keys_expired] 2
    is [ask $s DEBUG DIGEST] $digest
}

case "damage is located: by the server that refuses it, and by the tool for each block" {
    set s [server $debug]
    set dir [of $s dir]
    fill $s 5000
    ask $s SAVE
    stop $s kill
    set whole [slurp $dir/dump.rdb]
    flip $dir/dump.rdb 1500000
    flip $dir/dump.rdb 4300000
    lassign [server $debug -dir $dir -fails 1] code text
    truth {$code != 0}
    like $text "*Block checksum wrong, damage between offset 104*"
    like $text "*1 blocks up to offset 104* are intact*"
    set damaged {*Block 2, bytes 104* to 209*, * keys: damaged*Block 5, bytes 419* keys: damaged*}
    checked $dir/dump.rdb 1 "*RDB ERROR DETECTED*${damaged}4 blocks are intact, 2 damaged"
    # the one way to load it all the same: only the file's own checksum is looked at, which is wrong
    lassign [server "$debug\nrdb-block-checksum no" -dir $dir -fails 1] code text
    truth {$code != 0}
    like $text "*RDB CRC error*"
    # without the index: by the records between the keys
    spit $dir/dump.rdb [string range [slurp $dir/dump.rdb] 0 end-40]
    checked $dir/dump.rdb 1 "*RDB ERROR DETECTED*${damaged}no block record tells of them*"
    # a record itself, too: the index knows
    set at [string first "hf-block" $whole 2000000]
    spit $dir/dump.rdb $whole
    flip $dir/dump.rdb [expr {$at + 3}]
    checked $dir/dump.rdb 1 "*RDB ERROR DETECTED*Block 3, *: damaged\n\\\[info\\\] 5 blocks are\
        intact, 1 damaged"
    # cut in a value
    spit $dir/dump.rdb [string range $whole 0 3000000]
    checked $dir/dump.rdb 1 "*Unexpected EOF*Bytes 209* to 3000001: no block record tells of*2\
        blocks are intact, 0 damaged"
}

case "a damaged or missing index: the data is whole, the server starts and says so" {
    set s [server $debug]
    set dir [of $s dir]
    fill $s 2000
    ask $s SAVE
    set digest [ask $s DEBUG DIGEST]
    stop $s kill
    set whole [slurp $dir/dump.rdb]
    set index [expr {[string first "#HF:blocks" $whole]}]
    truth {$index > 0}
    foreach {bytes said} [list \
            [string range $whole 0 end-1] "cut off" [string range $whole 0 $index-1] "cut off" \
            [string replace $whole $index $index !] damaged \
            [string replace $whole end-20 end-20 x] damaged] {
        spit $dir/dump.rdb $bytes
        checked $dir/dump.rdb 0 "*The block index behind the RDB is $said; the data is whole"
        set s [server $debug -dir $dir]
        is [ask $s DEBUG DIGEST] $digest
        like [log_of $s] "*the block index behind the RDB is damaged, the data is not*"
        stop $s kill
    }
}

case "the base of an append log has blocks; a damaged index does not hurt what is behind it" {
    set s [server "$debug\nappendonly yes"]
    set dir [of $s dir]
    fill $s 1500
    ask $s BGREWRITEAOF
    wait_for { expr {[info_of $s aof_rewrite_in_progress] == 0 && [info_of $s aof_rewrites] > 0} }
    ask $s SET more 1
    set digest [ask $s DEBUG DIGEST]
    wait_for { expr {[llength [set base [glob $dir/appendonlydir/*.base.rdb]]] == 1} }
    like [slurp $base] "*#HF:end *"
    is [run timeout 180 $check_aof $dir/appendonlydir/appendonly.aof.manifest] 0
    like $run_output "*blocks verified*"
    stop $s kill
    set whole [slurp $base]
    # a manifest that tells how long it was refuses a shorter one; an old server's does not tell
    set manifest $dir/appendonlydir/appendonly.aof.manifest
    regsub {(type b[^\n]*) size \d+} [slurp $manifest] {\1} old
    regsub {#HF:sum [0-9a-f]+\n} $old "" old
    spit $manifest $old
    foreach bytes [list $whole [string range $whole 0 end-9] \
            [string map {#HF:blocks !HF:blocks} $whole]] {
        spit $base $bytes
        set s [server "$debug\nappendonly yes" -dir $dir]
        is [ask $s DEBUG DIGEST] $digest
        is [ask $s GET more] 1
        stop $s kill
    }
    flip $base 700000
    lassign [server "$debug\nappendonly yes" -dir $dir -fails 1] code text
    truth {$code != 0}
    like $text "*Block checksum wrong*"
}

# ---- verification ----

case "a file that went bad while it was written does not replace the good one" {
    set s [held_server $debug]
    set dir [of $s dir]
    hold $s 2000
    ask $s SET a 1
    ask $s SAVE
    set before [slurp $dir/dump.rdb]
    fill $s 3000
    ask $s BGSAVE
    set pid [child_of $dir]
    wait_for { expr {[file exists $dir/temp-$pid.rdb] && [file size $dir/temp-$pid.rdb] > 1000000} }
    set f [open $dir/temp-$pid.rdb r+b]
    seek $f 500000
    puts -nonewline $f !
    close $f
    release $s
    wait_saved $s
    is [info_of $s rdb_last_bgsave_status] err
    like [info_of $s rdb_last_bgsave_error] "*does not read back: Block checksum wrong*"
    is [slurp $dir/dump.rdb] $before
    is [temps $dir] {}
    ask $s BGSAVE
    wait_saved $s
    is [info_of $s rdb_last_bgsave_status] ok
    is [info_of $s rdb_last_bgsave_error] ""
}

# ---- the child ----

# Failed saves, and the seconds until the next try.
proc retries {s} {
    set text [ask $s INFO persistence]
    regexp {rdb_bgsave_failures:(\d+)} $text -> failures
    regexp {rdb_bgsave_retry_in_sec:(-?\d+)} $text -> seconds
    return [list $failures $seconds]
}

case "a child without progress is killed, reported, and the save tried again" {
    set s [held_server "$debug\nchild-timeout 600"]
    ask $s CONFIG SET save "1 1"
    set dir [of $s dir]
    fill $s 1000
    wait_for { llength [temps $::dir] }
    set pid [child_of $dir]
    signal STOP $pid
    ask $s CONFIG SET child-timeout 1
    wait_for { expr {[info_of $s child_timeouts] >= 1} }
    ask $s CONFIG SET child-timeout 600
    wait_for { expr {[info_of $s rdb_last_bgsave_status] eq "err"} }
    like [log_of $s] "*child $pid made no progress for 1 seconds*killing it*"
    like [info_of $s rdb_last_bgsave_error] "*terminated by signal 9*"
    like [error_of $s SET x y] "MISCONF*"
    lassign [retries $s] failures seconds
    truth {$failures > 1 || $seconds in {-1 0 1 2 3 4 5}}
    release $s
    wait_for { expr {[info_of $s rdb_last_bgsave_status] eq "ok"} }
    is [ask $s SET x y] OK
    is [info_of $s rdb_bgsave_retry_in_sec] -1
}

case "a slow child that moves is left alone" {
    set s [server "$debug\nchild-timeout 1\nrdb-key-save-delay 4000"]
    fill $s 500
    # where the machine itself stops it for a second, it is tried again
    proc saved {s {meanwhile {}}} {
        ask $s BGSAVE
        eval $meanwhile
        wait_saved $s
        expr {[info_of $s rdb_last_bgsave_status] eq "ok"}
    }
    wait_for { saved $s }
    ask $s CONFIG SET rdb-key-save-delay 0 rdb-save-max-rate 150kb
    wait_for { saved $s }
    # and it is not the child that hangs when the server does
    wait_for { saved $s { ask $s DEBUG SLEEP 2.5 } }
}

case "failures are told with errno, step and file, and tried again later and later" {
    set s [server "$debug\ndbfilename taken\nsave \"3600 1000000\""]
    set dir [of $s dir]
    file mkdir $dir/taken/x
    ask $s SET a 1
    ask $s BGSAVE
    wait_saved $s
    like [info_of $s rdb_last_bgsave_error] "Error moving temp DB file *temp-*.rdb on the final\
        destination $dir/taken: Is a directory*rename*"
    wait_for { # from the start again, when the machine stood still for a second meanwhile
        file delete -force $dir/taken
        catch { ask $s BGSAVE } ;# a try of its own may run
        wait_for { expr {[retries $s] eq {0 -1}} }
        file delete $dir/taken
        file mkdir $dir/taken/x
        set told {}
        for {set i 0} {$i < 6} {incr i} {
            catch { ask $s BGSAVE }
            wait_saved $s
            lappend told [retries $s]
        }
        lassign $told one two - - - six
        expr {$one in {{1 4} {1 5}} && $two in {{2 9} {2 10}} && $six in {{6 59} {6 60}}}
    }
    is [temps $dir] {}
    file delete -force $dir/taken
    ask $s BGSAVE
    wait_saved $s
    is [info_of $s rdb_last_bgsave_status] ok
    is [info_of $s rdb_bgsave_failures] 0
}

case "a save that was asked for and failed is tried again, without a save point being due" {
    set s [server "$debug\ndbfilename taken\nsave \"3600 1000000\""]
    set dir [of $s dir]
    file mkdir $dir/taken
    ask $s SET a 1
    ask $s BGSAVE
    wait_saved $s
    like [error_of $s SET b 2] "MISCONF*next try in * s)"
    file delete $dir/taken
    wait_for { expr {[info_of $s rdb_last_bgsave_status] eq "ok"} }
    is [ask $s SET b 2] OK
    # without save points nothing is saved unless asked for, and INFO promises nothing
    ask $s CONFIG SET save ""
    file delete $dir/taken
    file mkdir $dir/taken
    ask $s BGSAVE
    wait_saved $s
    is [info_of $s rdb_last_bgsave_status] err
    is [info_of $s rdb_bgsave_retry_in_sec] -1
    is [ask $s SET b 3] OK
}

case "a long save and a long rewrite tell in the log how far they are" {
    set s [server "$debug\nappendonly yes\nrdb-save-max-rate 50kb"]
    fill $s 2500
    foreach {command work} {BGSAVE "Background saving" BGREWRITEAOF "Background AOF rewrite"} {
        ask $s $command
        wait_for { expr {[info_of $s current_save_keys_processed] > 0} }
        truth {[info_of $s current_save_keys_total] == 2500}
        truth {[info_of $s current_fork_perc] > 0}
        wait_for { expr {[info_of $s current_cow_size] > 0} }
        wait_for { string match "*$work: write, * of 2500 keys, * MB at 0.* MB/s, * s to go, *"\
            [log_of $s] }
        ask $s CONFIG SET rdb-save-max-rate 0
        signal USR1 [lindex [regexp -all -inline {started by pid (\d+)} [log_of $s]] end]
        wait_for { expr {[info_of $s current_save_keys_total] == 0} }
        ask $s CONFIG SET rdb-save-max-rate 50kb
    }
}

case "a child killed from outside: an error, unless by SIGUSR1" {
    set s [held_server $debug]
    set dir [of $s dir]
    fill $s 500
    foreach {signal status} {USR1 ok 9 err} {
        ask $s BGSAVE
        set pid [child_of $dir]
        signal $signal $pid
        wait_saved $s
        is [info_of $s rdb_last_bgsave_status] $status
        is [temps $dir] {}
    }
}

case "progress: bytes, speed, estimated end, limited rate" {
    set s [server "$debug\nrdb-save-max-rate 1mb"]
    fill $s 3000
    wait_for { # once more, when nobody looked while it was under way
        set began [clock milliseconds]
        ask $s BGSAVE
        wait_for {
            set now [string map {\r ""} [ask $s INFO persistence]]
            regexp {rdb_current_bgsave_bytes:(\d+)} $now -> bytes
            expr {$bytes > 1000000 || [string match "*rdb_bgsave_in_progress:0*" $now]}
        }
        wait_saved $s
        truth {[clock milliseconds] - $began > 2300} ;# no faster than it may be; slower it can get
        expr {$bytes > 1000000}
    }
    like [log_of $s] "*RDB saving child: 3.* MB in *s (* MB/s), fork *ms, copied on write *MB*"
    truth {[regexp {bgsave_mb_per_s:(\S+)} $now -> speed]}
    truth {$speed > 0 && $speed < 1.6}
    # the keys that are left take as long, each, as those that are written
    truth {[regexp {bgsave_eta_sec:(\d+)\n} $now -> eta]}
    truth {[regexp {save_keys_processed:(\d+)\n.*save_keys_total:(\d+)\n} $now -> done all]}
    set left_s [expr {$bytes / 1e6 / $speed * ($all - $done) / $done}]
    truth {abs($eta - $left_s) < 1.5 + $left_s / 5}
    like $now "*rdb_current_bgsave_phase:write\n*"
    truth {[regexp {current_fork_usec:[1-9]} $now]}
    is [info_of $s rdb_current_bgsave_phase] none
    is [info_of $s rdb_current_bgsave_bytes] 0
    is [info_of $s rdb_current_bgsave_eta_sec] -1
    truth {[info_of $s latest_fork_usec] > 0}
    truth {[info_of $s rdb_last_cow_size] > 0}
    # SAVE is not held back: nobody is served meanwhile
    wait_for {
        set began [clock milliseconds]
        ask $s SAVE
        expr {[clock milliseconds] - $began < 1500}
    }
}

# ---- files ----

case "temporary files of dead processes go at start, and nothing else" {
    set dir [tmpdir]
    set dead [exec sh -c {echo $$}]
    set alive [pid]
    set gone [list temp-$dead.rdb temp-rewriteaof-$dead.aof temp-rewriteaof-bg-$dead.aof]
    set kept [list temp-$alive.rdb temp-0$dead.rdb temp-.rdb temp-x$dead.rdb temp-$dead.rdb.bak \
        temp-rewriteaof-bg-.aof temp-rewriteaof-bg-$alive.aof temp-appendonly.aof.incr \
        temp-99999999999999999999.rdb xtemp-$dead.rdb]
    foreach name [concat $gone $kept] { spit $dir/$name data }
    file mkdir $dir/temp-rewriteaof-[expr {$dead + 1}].aof
    set s [server $debug -dir $dir]
    foreach name $gone { truth {![file exists $dir/$name]} }
    foreach name $kept { is [slurp $dir/$name] data }
    truth {[file isdirectory $dir/temp-rewriteaof-[expr {$dead + 1}].aof]}
}

case "what a killed server's child left is gone after the next start" {
    set s [held_server $debug]
    set dir [of $s dir]
    fill $s 500
    ask $s BGSAVE
    set pid [child_of $dir]
    stop $s kill
    wait_for { expr {![alive $::pid]} }
    truth {[llength [temps $dir]] == 1}
    set s [server $debug -dir $dir]
    is [temps $dir] {}
}

case "CONFIG SET dir and dbfilename during a save: it ends where and as it began" {
    set s [held_server $debug]
    set dir [of $s dir]
    set other [tmpdir]
    fill $s 300
    ask $s BGSAVE
    child_of $dir
    is [ask $s CONFIG SET dir $other dbfilename new.rdb] OK
    release $s
    wait_saved $s
    is [info_of $s rdb_last_bgsave_status] ok
    truth {[file exists $dir/dump.rdb] && ![file exists $dir/new.rdb]}
    is [glob -nocomplain $other/*] {}
    # a save that is killed leaves nothing in the directory it began in
    hold $s
    ask $s BGSAVE
    set dir $other
    set pid [child_of $other]
    is [ask $s CONFIG SET dir [of $s dir]] OK
    signal 9 $pid
    wait_saved $s
    is [glob -nocomplain $other/*] {}
    ask $s CONFIG SET rdb-key-save-delay 0
    ask $s SAVE
    truth {[file exists [of $s dir]/new.rdb]}
    is [temps [of $s dir]] {}
}

case "SIGTERM during a save: the child goes, the last save has everything" {
    set s [held_server $debug]
    set dir [of $s dir]
    fill $s 300
    ask $s CONFIG SET save "3600 1"
    ask $s BGSAVE
    set pid [child_of $dir]
    ask $s SET late 1
    set digest [ask $s DEBUG DIGEST]
    ask $s CONFIG SET rdb-key-save-delay 0
    stop $s term
    truth {![alive $pid]}
    is [temps $dir] {}
    set s [server $debug -dir $dir]
    is [ask $s DEBUG DIGEST] $digest
}

case "FLUSHALL ends a save under way, and where there are save points the dump file is emptied" {
    set s [held_server $debug]
    set dir [of $s dir]
    fill $s 500
    ask $s BGSAVE
    child_of $dir
    is [ask $s FLUSHALL] OK
    is [info_of $s rdb_bgsave_in_progress] 0
    is [info_of $s rdb_last_bgsave_status] ok
    is [temps $dir] {}
    truth {![file exists $dir/dump.rdb]}
    ask $s CONFIG SET rdb-key-save-delay 0 save "3600 100000"
    ask $s SET a 1
    is [ask $s SAVE] OK
    ask $s MULTI
    ask $s FLUSHALL ASYNC
    is [ask $s EXEC] OK
    is [info_of $s rdb_changes_since_last_save] 0
    ask $s SET b 1
    is [ask $s FLUSHDB] OK
    is [info_of $s rdb_changes_since_last_save] 2
    set s [restart $s kill]
    is [ask $s DBSIZE] 0
}

case "SAVE while the log is rewritten" {
    set s [held_server "$debug\nappendonly yes"]
    fill $s 300
    ask $s BGREWRITEAOF
    wait_for { expr {[info_of $s aof_rewrite_in_progress] == 1} }
    like [error_of $s BGSAVE] "ERR Another child process is active (AOF?)*"
    ask $s CONFIG SET rdb-key-save-delay 0
    is [ask $s SAVE] OK
    is [info_of $s aof_rewrite_in_progress] 1
    is [ask $s BGSAVE SCHEDULE] "Background saving scheduled"
    release $s
    wait_for { expr {[info_of $s rdb_saves] == 2 && [info_of $s rdb_bgsave_in_progress] == 0} }
    is [info_of $s aof_last_bgrewrite_status] ok
}

# ---- the scrubber ----

proc bad_files {dir} { lsort [glob -nocomplain -tails -directory $dir *.bad-*] }

case "scrubbing finds a dump file gone bad, keeps it, and saves a good one" {
    set s [server "$debug\nscrub-interval 1"]
    set dir [of $s dir]
    fill $s 2000
    ask $s SAVE
    wait_for { expr {[info_of $s scrub_rounds] > 0 && [info_of $s scrub_last_files] == 1} }
    is [info_of $s scrub_errors] 0
    truth {[info_of $s scrub_last_bytes] > 2000000}
    set bad [flip $dir/dump.rdb 1200000]
    wait_for { expr {[info_of $s scrub_errors] >= 1} } ;# again in each round until it is replaced
    like [info_of $s scrub_last_error] "$dir/dump.rdb: Block checksum wrong*"
    wait_for { expr {[info_of $s rdb_saves] >= 2 && [info_of $s rdb_bgsave_in_progress] == 0} }
    is [llength [bad_files $dir]] 1
    like [bad_files $dir] "dump.rdb.bad-*"
    is [slurp $dir/[bad_files $dir]] $bad
    checked $dir/dump.rdb 0 "*Block index OK"
    set rounds [info_of $s scrub_rounds]
    wait_for { expr {[info_of $s scrub_rounds] >= $rounds + 1} } ;# it may have begun before
    set errors [info_of $s scrub_errors]
    wait_for { expr {[info_of $s scrub_rounds] >= $rounds + 3} }
    is [info_of $s scrub_errors] $errors
}

foreach {what pattern at} {base *.base.rdb 500000 increment *.1.incr.aof 200} {
    case "scrubbing finds a bad $what of the log, keeps it, and rewrites" {
        set s [server "$debug\nappendonly yes\nscrub-interval 1"]
        set dir [of $s dir]/appendonlydir
        if {$what eq "base"} {
            fill $s 1000
            ask $s BGREWRITEAOF
            wait_for { expr {[info_of $s aof_rewrite_in_progress] == 0} }
        }
        fill $s 1000
        set digest [ask $s DEBUG DIGEST]
        set path [lindex [glob $dir/$pattern] 0]
        set rewrites [info_of $s aof_rewrites]
        # in place: the server has it open
        set f [open $path r+b]
        seek $f $at
        puts -nonewline $f \r\r\r\r\r\r\r\r\r\r\r\r
        if {$what eq "increment"} {
            seek $f 0
            puts -nonewline $f X
        }
        close $f
        wait_for { expr {[info_of $s scrub_errors] >= 1} } ;# again in each round until it is replaced
        wait_for { expr {[info_of $s aof_rewrites] > $rewrites &&
                         [info_of $s aof_rewrite_in_progress] == 0} }
        is [llength [bad_files $dir]] 1
        like [bad_files $dir] "[file tail $path].bad-*"
        set s [restart $s kill "$debug\nappendonly yes"]
        is [ask $s DEBUG DIGEST] $digest
        is [llength [bad_files $dir]] 1
    }
}

case "scrubbing under writes and rewrites finds nothing" {
    set s [server "$debug\nappendonly yes\nscrub-interval 1\nappendfsync everysec"]
    set end [expr {[clock milliseconds] + 4000}]
    while {[clock milliseconds] < $end} {
        fill $s 200
        catch { ask $s BGREWRITEAOF } ;# one may be under way
        ask $s SAVE
    }
    wait_for { expr {[info_of $s scrub_rounds] >= 3} }
    is [info_of $s scrub_errors] 0
    # A round beside a rewrite may find its parts gone; one that began after it reads them all.
    wait_for { expr {[info_of $s aof_rewrite_in_progress] == 0} }
    set rounds [info_of $s scrub_rounds]
    wait_for { expr {[info_of $s scrub_rounds] >= $rounds + 2} }
    is [info_of $s scrub_last_files] 3
    is [info_of $s scrub_errors] 0
}

case "scrubbing is slow where it is told to, and does not hold up the end" {
    set s [server "$debug\nscrub-max-rate 20kb"]
    fill $s 3000
    ask $s SAVE
    ask $s CONFIG SET scrub-interval 1
    wait_for { expr {[info_of $s scrub_in_progress] == 1} }
    after 1000 ;# without a limit it would be at its end
    is [info_of $s scrub_in_progress] 1
    truth {[info_of $s scrub_current_bytes] < 1000000}
    set began [clock milliseconds]
    stop $s term
    truth {[clock milliseconds] - $began < 60000} ;# the round would take 150 s
}

finish
