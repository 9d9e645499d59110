# SPDX-License-Identifier: BSD-3-Clause
# What a client wrote is there after a kill: snapshots, the append log, rewrites.
source [file join [file dirname [info script]] lib.tcl]

# Some of every type and encoding, with and without expiry, in two databases.
proc fill {s {n 50}} {
    for {set i 0} {$i < $n} {incr i} {
        ask $s SET str:$i [string repeat "v$i" $i]
        ask $s SET int:$i [expr {$i * 1000003}]
        ask $s RPUSH list:$i a $i [string repeat b $i]
        ask $s SADD set:$i a $i [expr {$i + 1}]
        ask $s SADD ints:$i 1 $i -$i 100000
        ask $s HSET hash:$i f $i g [string repeat h $i]
        ask $s ZADD zset:$i $i.5 a -inf low inf high
    }
    for {set i 0} {$i < 700} {incr i} {
        ask $s RPUSH list:long [string repeat x 20]$i
        ask $s SADD set:long m$i
        ask $s HSET hash:long f$i v$i
        ask $s ZADD zset:long $i m$i
    }
    ask $s SET bin "\x00\xff\r\n\x80"
    ask $s SET ttl v PX 100000000
    ask $s PEXPIREAT list:1 4102444800000
    ask $s SELECT 3
    ask $s SET in3 v
    ask $s SELECT 0
}

case "SAVE, kill, start: everything is back" {
    set s [server "enable-debug-command yes\nsave \"\""]
    fill $s
    is [ask $s SAVE] OK
    set digest [ask $s DEBUG DIGEST]
    set size [ask $s DBSIZE]
    set s [restart $s kill "enable-debug-command yes\nsave \"\""]
    is [ask $s DEBUG DIGEST] $digest
    is [ask $s DBSIZE] $size
    is [ask $s PEXPIRETIME list:1] 4102444800000
    truth {[ask $s PTTL ttl] > 90000000}
}

case "BGSAVE in a child, LASTSAVE and INFO follow" {
    set s [server "enable-debug-command yes\nsave \"\""]
    fill $s
    set digest [ask $s DEBUG DIGEST]
    truth {[info_of $s rdb_changes_since_last_save] > 0}
    is [ask $s BGSAVE] "Background saving started"
    wait_for { expr {[info_of $s rdb_bgsave_in_progress] == 0} }
    is [info_of $s rdb_last_bgsave_status] ok
    is [info_of $s rdb_changes_since_last_save] 0
    is [info_of $s rdb_saves] 1
    set s [restart $s kill "enable-debug-command yes\nsave \"\""]
    is [ask $s DEBUG DIGEST] $digest
    is [glob -nocomplain [of $s dir]/temp-*] {}
}

case "save points start a save by themselves" {
    set s [server "save 1 3"]
    foreach k {a b c d} { ask $s SET $k 1 }
    wait_for { file exists [of $s dir]/dump.rdb }
    wait_for { expr {[info_of $s rdb_changes_since_last_save] == 0} }
}

case "BGSAVE while one runs, SCHEDULE, DEBUG RELOAD" {
    set s [held_server "enable-debug-command yes\nsave \"\""]
    for {set i 0} {$i < 300} {incr i} { ask $s SET k$i v }
    ask $s BGSAVE
    is [error_of $s BGSAVE] "ERR Background save already in progress"
    is [error_of $s SAVE] "ERR Background save already in progress"
    is [ask $s BGREWRITEAOF] "Background append only file rewriting scheduled"
    like [ask $s BGREWRITEAOF] "*scheduled"
    release $s
    wait_for { expr {[info_of $s rdb_bgsave_in_progress] == 0} }
    wait_for { expr {[info_of $s aof_rewrite_in_progress] == 0 && [info_of $s aof_rewrites] == 1} }
    set digest [ask $s DEBUG DIGEST]
    is [ask $s DEBUG RELOAD] OK
    is [ask $s DEBUG DIGEST] $digest
}

case "a child that is killed leaves the old file, and writes are refused until a save works" {
    set s [held_server "save 10000 1"]
    release $s
    ask $s SET old 1
    ask $s SAVE
    hold $s
    set before [slurp [of $s dir]/dump.rdb]
    for {set i 0} {$i < 500} {incr i} { ask $s SET k$i v }
    ask $s BGSAVE
    wait_for { llength [glob -nocomplain [of $s dir]/temp-*.rdb] }
    regexp {temp-(\d+)} [glob [of $s dir]/temp-*.rdb] -> child
    signal 9 $child
    wait_for { expr {[info_of $s rdb_bgsave_in_progress] == 0} }
    is [slurp [of $s dir]/dump.rdb] $before
    is [info_of $s rdb_last_bgsave_status] err
    is [glob -nocomplain [of $s dir]/temp-*] {}
    like [error_of $s SET x y] "MISCONF*stop-writes-on-bgsave-error*"
    is [ask $s GET old] 1
    release $s
    is [ask $s BGSAVE] "Background saving started"
    wait_for { expr {[info_of $s rdb_last_bgsave_status] eq "ok"} }
    is [ask $s SET x y] OK
}

foreach policy {always everysec no} {
    case "append log, appendfsync $policy: everything is back after a kill" {
        set config "appendonly yes\nappendfsync $policy\nsave \"\"\nenable-debug-command yes"
        set s [server $config]
        fill $s
        ask $s DEL str:1 list:2
        ask $s SPOP set:long 5
        ask $s HINCRBYFLOAT hash:1 fl 1.5
        ask $s INCRBYFLOAT fl 0.1
        ask $s SET gone v PX 1
        ask $s EXPIRE str:3 10000
        ask $s GETEX str:4 EX 10000
        ask $s MULTI
        ask $s SET in:multi 1
        ask $s INCR in:multi
        ask $s EXEC
        after 20
        ask $s GET gone
        set digest [ask $s DEBUG DIGEST]
        set s [restart $s kill $config]
        is [ask $s DEBUG DIGEST] $digest
        is [ask $s GET in:multi] 2
        is [ask $s EXISTS gone] 0
        # and once more: what the second run appended
        ask $s SELECT 5
        ask $s SET later 1
        set digest [ask $s DEBUG DIGEST]
        set s [restart $s kill $config]
        is [ask $s DEBUG DIGEST] $digest
    }
}

foreach preamble {yes no} {
    case "BGREWRITEAOF with the log off, preamble $preamble: DEBUG LOADAOF loads it" {
        set config "aof-use-rdb-preamble $preamble\nsave \"\"\nenable-debug-command yes"
        set s [server $config]
        truth {[catch { ask $s DEBUG LOADAOF }]}
        foreach round {1 2} {
            fill $s
            set digest [ask $s DEBUG DIGEST]
            ask $s BGREWRITEAOF
            wait_for { expr {[info_of $s aof_rewrite_in_progress] == 0} }
            is [info_of $s aof_last_bgrewrite_status] ok
            ask $s SET behind 1
            is [ask $s DEBUG LOADAOF] OK
            is [ask $s DEBUG DIGEST] $digest
            is [info_of $s aof_enabled] 0
        }
        set s [restart $s nosave "$config\nappendonly yes"]
        is [ask $s DEBUG DIGEST] $digest
    }

    case "BGREWRITEAOF under writes, preamble $preamble" {
        set config "appendonly yes\naof-use-rdb-preamble $preamble\nsave \"\"\nenable-debug-command yes"
        set s [server $config]
        fill $s
        is [ask $s BGREWRITEAOF] "Background append only file rewriting started"
        for {set i 0} {$i < 500} {incr i} { ask $s SET during:$i $i; ask $s RPUSH list:1 $i }
        wait_for { expr {[info_of $s aof_rewrite_in_progress] == 0} }
        is [info_of $s aof_last_bgrewrite_status] ok
        for {set i 0} {$i < 50} {incr i} { ask $s SET after:$i $i }
        set digest [ask $s DEBUG DIGEST]
        is [ask $s DEBUG LOADAOF] OK
        is [ask $s DEBUG DIGEST] $digest
        set want [list appendonly.aof.2.base.[expr {$preamble ? "rdb" : "aof"}] \
            appendonly.aof.2.incr.aof appendonly.aof.manifest]
        wait_for { # history is deleted by a worker
            expr {[lsort [glob -tails -directory [of $s dir]/appendonlydir *]] eq $want}
        }
        set s [restart $s kill $config]
        is [ask $s DEBUG DIGEST] $digest
        is [run [file join $build redis-check-aof] [of $s dir]/appendonlydir/appendonly.aof.manifest] 0
        like $run_output "*All AOF files and manifest are valid*"
    }
}

case "the log rewrites itself when it has grown" {
    set s [server "appendonly yes\nauto-aof-rewrite-min-size 100kb\nauto-aof-rewrite-percentage 100"]
    set sets 0
    # However long a child takes, and the log grows meanwhile: it is one key.
    wait_for {
        for {set i 0} {$i < 500} {incr i} { ask $s SET k [string repeat x 100]; incr sets }
        expr {[info_of $s aof_rewrites] >= 2 && [info_of $s aof_rewrite_in_progress] == 0}
    }
    truth {[info_of $s aof_current_size] < $sets * 100}
}

case "what the log grew by before a restart counts for the next rewrite" {
    set s [server "appendonly yes\nauto-aof-rewrite-percentage 0"]
    ask $s SET a 1
    ask $s BGREWRITEAOF
    wait_for { expr {[info_of $s aof_rewrites] == 1 && [info_of $s aof_rewrite_in_progress] == 0} }
    for {set i 0} {$i < 100} {incr i} { ask $s SET k [string repeat x 1000] }
    wait_for { expr {[llength [set base [glob [of $s dir]/appendonlydir/*.base.rdb]]] == 1} }
    set base [file size $base]
    set s [restart $s kill "appendonly yes\nauto-aof-rewrite-percentage 0"]
    is [info_of $s aof_base_size] $base
    truth {[info_of $s aof_current_size] > 100000}
    ask $s CONFIG SET auto-aof-rewrite-min-size 50kb auto-aof-rewrite-percentage 100
    wait_for { expr {[info_of $s aof_rewrites] >= 1 && [info_of $s aof_rewrite_in_progress] == 0} }
    wait_for { expr {[info_of $s aof_current_size] < 20000} }
}

case "appendonly switched on and off while running" {
    set s [server "save \"\"\nenable-debug-command yes"]
    fill $s
    is [ask $s CONFIG SET appendonly yes] OK
    ask $s SET during 1
    wait_for { expr {[info_of $s aof_rewrite_in_progress] == 0 && [info_of $s aof_rewrites] == 1} }
    ask $s SET behind 1
    set digest [ask $s DEBUG DIGEST]
    set s [restart $s kill "appendonly yes\nenable-debug-command yes\nsave \"\""]
    is [ask $s DEBUG DIGEST] $digest
    is [ask $s CONFIG SET appendonly no] OK
    ask $s SET unlogged 1
    is [ask $s CONFIG SET appendonly yes] OK
    wait_for { expr {[info_of $s aof_rewrite_in_progress] == 0 && [info_of $s aof_rewrites] == 1} }
    set digest [ask $s DEBUG DIGEST]
    set s [restart $s kill "appendonly yes\nenable-debug-command yes\nsave \"\""]
    is [ask $s DEBUG DIGEST] $digest
    is [ask $s GET unlogged] 1
}

case "a log that ends inside an annotation: what is written next is not swallowed" {
    set s [server "appendonly yes"]
    is [ask $s SET a 1] OK
    set dir [of $s dir]
    stop $s kill
    set f [open $dir/appendonlydir/appendonly.aof.1.incr.aof ab]
    puts -nonewline $f "#TS:17"
    close $f
    set s [server "appendonly yes" -dir $dir]
    is [ask $s GET a] 1
    is [ask $s SET b 2] OK
    set s [restart $s kill "appendonly yes"]
    is [ask $s GET a] 1
    is [ask $s GET b] 2
}

case "appendonly on with only a dump file loads the dump file" {
    set s [server]
    ask $s SET precious 1
    ask $s SAVE
    set s [restart $s kill "appendonly yes"]
    is [ask $s GET precious] 1
    like [log_of $s] "*there is no append log*"
    set s [restart $s kill "appendonly yes"]
    is [ask $s GET precious] 1
}

case "numbered files without a manifest: the server refuses to start, nothing is touched" {
    set s [server "appendonly yes"]
    ask $s SET precious 1
    set dir [of $s dir]
    stop $s term
    file rename $dir/appendonlydir/appendonly.aof.manifest $dir/kept
    set before [lsort [glob -tails -directory $dir/appendonlydir *]]
    lassign [server "appendonly yes" -dir $dir -fails 1] code text
    is $code 1
    like $text "*no manifest*"
    is [lsort [glob -tails -directory $dir/appendonlydir *]] $before
    file rename $dir/kept $dir/appendonlydir/appendonly.aof.manifest
    set s [server "appendonly yes" -dir $dir]
    is [ask $s GET precious] 1
}

case "the single file of an older server is taken over" {
    set dir [tmpdir]
    spit $dir/appendonly.aof [encode {SELECT 0}][encode {SET old 1}][encode {RPUSH l a b}]
    set s [server "appendonly yes" -dir $dir]
    is [ask $s GET old] 1
    truth {![file exists $dir/appendonly.aof]}
    ask $s SET new 1
    set s [restart $s kill "appendonly yes"]
    is [ask $s MGET old new] {1 1}
}

case "a torn tail is cut, or refused, as configured; an open MULTI goes with it" {
    set bare "appendonly yes\naof-checksum no" ;# with: aof_sums.tcl
    set s [server $bare]
    ask $s SET a 1
    set dir [of $s dir]
    stop $s term
    set incr $dir/appendonlydir/appendonly.aof.1.incr.aof
    set good [slurp $incr]
    foreach tail [list "*3\r\n\$3\r\nSE" "*1\r\n\$5\r\nMULTI\r\n[encode {SET b 1}]" \
        "*1\r\n\$5\r\nMULTI\r\n[encode {SET b 1}]*3\r\n\$3\r\nSET\r\n\$1"] {
        spit $incr $good$tail
        lassign [server "$bare\naof-load-truncated no" -dir $dir -fails 1] code text
        is $code 1
        is [slurp $incr] $good$tail
        set s [server $bare -dir $dir]
        is [ask $s GET a] 1
        is [ask $s EXISTS b] 0
        is [slurp $incr] $good
        ask $s SET after 1
        set s [restart $s kill $bare]
        is [ask $s GET after] 1
        ask $s DEL after
        stop $s term
        set good [slurp $incr]
    }
    # damage in the middle is never repaired by itself
    spit $incr [string map {SET SXT} $good]
    is [lindex [server $bare -dir $dir -fails 1] 0] 1
    spit $incr "[string range $good 0 20]X[string range $good 22 end]"
    is [lindex [server $bare -dir $dir -fails 1] 0] 1
}

case "expired keys are logged as DEL, and stay away" {
    set s [server "appendonly yes"]
    ask $s SET lazy v PX 30
    ask $s SET active v PX 30
    ask $s SET stays v
    after 60
    is [ask $s GET lazy] (nil)
    wait_for { expr {[ask $s DBSIZE] == 1} }
    set log [slurp [of $s dir]/appendonlydir/appendonly.aof.1.incr.aof]
    like $log "*DEL*lazy*"
    like $log "*DEL*active*"
    set s [restart $s kill "appendonly yes"]
    is [ask $s KEYS *] stays
}

case "clients get LOADING while a large file is read" {
    set s [server "enable-debug-command yes\nsave \"\""]
    ask $s DEBUG POPULATE 1000000 k 100
    ask $s SAVE
    set dir [of $s dir]
    stop $s kill
    set chan [loading_server l $dir "save \"\"\nenable-debug-command yes"]
    like [error_of l GET k:1] "LOADING*"
    # a part of the data set would be saved over the whole
    like [error_of l DEBUG RELOAD] "LOADING*"
    like [error_of l DEBUG LOADAOF] "LOADING*"
    like [ask l INFO persistence] "*loading:1*loading_total_bytes:*"
    load_on l
    wait_for { expr {![catch { ask l DBSIZE } keys]} }
    is $keys 1000000
    stop l
    catch { close $chan }
}

case "CONFIG SET dir moves snapshots, the log stays where it is" {
    set s [server "appendonly yes\nsave \"\"\nenable-protected-configs yes\nenable-debug-command yes"]
    set home [of $s dir]
    ask $s SET a 1
    set other [tmpdir]
    is [ask $s CONFIG SET dir $other] OK
    ask $s SET b 2
    is [ask $s SAVE] OK
    truth {[file exists $other/dump.rdb] && ![file exists $home/dump.rdb]}
    ask $s BGREWRITEAOF
    wait_for { expr {[info_of $s aof_rewrite_in_progress] == 0} }
    is [info_of $s aof_last_bgrewrite_status] ok
    ask $s SET c 3
    is [glob -nocomplain $other/append* $other/temp-* $home/temp-*] {}
    is [ask $s DEBUG LOADAOF] OK
    set s [restart $s kill "appendonly yes"]
    is [ask $s MGET a b c] {1 2 3}
}

case "a child does not outlive a killed server, and cannot undo what the next one saved" {
    set s [held_server "save \"\""]
    for {set i 0} {$i < 500} {incr i} { ask $s SET k$i old }
    ask $s BGSAVE
    wait_for { llength [glob -nocomplain [of $s dir]/temp-*.rdb] }
    regexp {temp-(\d+)} [glob [of $s dir]/temp-*.rdb] -> child
    set s [restart $s kill "save \"\""]
    wait_for { expr {![alive $child]} }
    ask $s SET k0 new
    ask $s SAVE
    set s [restart $s kill "save \"\""]
    is [ask $s GET k0] new
}

case "switching the log inside a transaction logs nothing twice" {
    set s [server "appendonly yes\nsave \"\"\nenable-debug-command yes"]
    ask $s SET x 0
    ask $s MULTI
    ask $s INCR x
    ask $s CONFIG SET appendonly no
    ask $s CONFIG SET appendonly yes
    ask $s INCR x
    is [lindex [ask $s EXEC] 0] 1
    wait_for { expr {[info_of $s aof_rewrite_in_progress] == 0 && [info_of $s aof_rewrites] >= 1} }
    is [ask $s GET x] 2
    set s [restart $s kill "appendonly yes\nsave \"\""]
    is [ask $s GET x] 2
}

case "SHUTDOWN is refused while the first base is written, and succeeds after it" {
    set s [held_server "save \"\""]
    for {set i 0} {$i < 1000} {incr i} { ask $s SET k$i v }
    ask $s CONFIG SET appendonly yes
    like [error_of $s SHUTDOWN] "ERR Errors trying to SHUTDOWN*"
    is [info_of $s aof_rewrite_in_progress] 1
    release $s
    wait_for { expr {[info_of $s aof_rewrite_in_progress] == 0} }
    set s [restart $s term "appendonly yes\nsave \"\""]
    is [ask $s DBSIZE] 1000
}

case "history is deleted by a worker and forgotten, or kept when told" {
    set s [server "appendonly yes\naof-disable-auto-gc yes"]
    ask $s SET a 1
    ask $s BGREWRITEAOF
    wait_for { expr {[info_of $s aof_rewrite_in_progress] == 0} }
    is [llength [glob [of $s dir]/appendonlydir/*]] 5
    like [slurp [of $s dir]/appendonlydir/appendonly.aof.manifest] "*type h*"
    set s [restart $s kill "appendonly yes"]
    wait_for { expr {[llength [glob [of $s dir]/appendonlydir/*]] == 3} }
    wait_for { expr {![string match "*type h*" [slurp [of $s dir]/appendonlydir/appendonly.aof.manifest]]} }
    is [ask $s GET a] 1
}

# A small file system of its own, where the machine lets us make one.
proc with_small_disk {dir body} {
    if {[run mount -t tmpfs -o size=1m none $dir] != 0} return
    set code [catch { uplevel 1 $body } result options]
    foreach s [array names ::servers] { stop $s kill }
    # a thread may outlive its process's end by a moment
    wait_for { expr {[catch { exec umount $dir }] == 0} }
    return -options $options $result
}

case "disk full: writes are refused, reads go on, service resumes" {
    set dir [tmpdir]
    with_small_disk $dir {
        set s [server "appendonly yes\nsave \"\"" -dir $dir]
        set refused 0
        for {set i 0} {$i < 400 && !$refused} {incr i} {
            set refused [catch { ask $s SET k$i [string repeat x 10000] } reply]
        }
        truth {$refused}
        like $reply "MISCONF Errors writing to the AOF file: No space left on device (write of *"
        is [ask $s GET k0] [string repeat x 10000]
        is [info_of $s aof_last_write_status] err
        exec mount -o remount,size=20m $dir
        wait_for { expr {![catch { ask $s SET more 1 }]} }
        is [info_of $s aof_last_write_status] ok
        set n [ask $s DBSIZE]
        set s [restart $s kill "appendonly yes\nsave \"\""]
        is [ask $s DBSIZE] $n
        is [ask $s GET more] 1
    }
}

case "disk full under always: the server stops, the reply that could not be kept is not sent" {
    set dir [tmpdir]
    with_small_disk $dir {
        set s [server "appendonly yes\nappendfsync always\nsave \"\"" -dir $dir]
        set acknowledged 0
        catch { while 1 { ask $s SET k$acknowledged [string repeat x 10000]; incr acknowledged } } reply
        truth {$acknowledged > 10}
        wait_for { expr {![alive [of $s pid]]} }
        like [log_of $s] "*Can't recover from AOF write error*"
        exec mount -o remount,size=20m $dir
        set s [restart $s kill "appendonly yes\nsave \"\""]
        truth {[ask $s DBSIZE] >= $acknowledged}
        for {set i 0} {$i < $acknowledged} {incr i} { is [ask $s STRLEN k$i] 10000 }
    }
}

# Makes fdatasync fail as long as the file dir/fail is there.
proc failing_sync {dir config} {
    return [preload $dir "#include <errno.h>\n#include <unistd.h>\n#include <sys/syscall.h>\n
        int fdatasync(int fd) { if (access(\"$dir/fail\", F_OK) == 0) { errno = EIO; return -1; }
        return (int)syscall(SYS_fdatasync, fd); }\n" { server $config -dir $dir }]
}

if {!$sanitized} {
    case "a failed sync refuses writes until a rewrite is in files that can be synced" {
        set dir [tmpdir]
        set config "appendonly yes\nsave \"\"\naof-rewrite-incremental-fsync no\nrdb-save-incremental-fsync no"
        set s [failing_sync $dir $config]
        ask $s SET a 1
        spit $dir/fail ""
        wait_for { catch { ask $s SET b 2 } reply }
        set b [ask $s GET b]
        like $reply "MISCONF Errors writing to the AOF file: Input/output error (fsync of *"
        for {set i 0} {$i < 30} {incr i} {
            truth {[catch { ask $s SET c 3 }]}
            is [ask $s GET a] 1
            after 100
        }
        file delete $dir/fail
        wait_for { expr {![catch { ask $s SET d 4 }]} }
        is [info_of $s aof_last_write_status] ok
        set s [restart $s kill $config]
        is [ask $s MGET a b d] [list 1 $b 4]
    }

    case "a failed sync under always stops the server with the reply unsent" {
        set dir [tmpdir]
        set s [failing_sync $dir "appendonly yes\nappendfsync always\nsave \"\""]
        ask $s SET a 1
        spit $dir/fail ""
        truth {[catch { ask $s SET b 2 } reply]}
        like $reply "*closed*"
        wait_for { expr {![alive [of $s pid]]} }
    }
}

case "DEBUG RELOAD forgets no key that the log still has" {
    set config "save \"\"\nappendonly yes\nenable-debug-command yes"
    set s [server $config]
    ask $s DEBUG SET-ACTIVE-EXPIRE 0
    ask $s SET k v PX 1
    after 5
    ask $s DEBUG RELOAD
    ask $s RPUSH k a
    set s [restart $s kill $config]
    is [ask $s LRANGE k 0 -1] a
}

case "DEBUG RELOAD loads what is in memory, also while an older state is being saved" {
    set s [held_server "save \"\"\nenable-debug-command yes"]
    for {set i 0} {$i < 20} {incr i} { ask $s SET k$i old }
    ask $s BGSAVE
    ask $s CONFIG SET rdb-key-save-delay 0
    ask $s SET k0 new
    ask $s DEBUG RELOAD
    is [ask $s GET k0] new
    wait_for { expr {[info_of $s rdb_bgsave_in_progress] == 0} }
    is [ask $s DEBUG RELOAD NOSAVE] OK
    is [ask $s GET k0] new
}

finish
