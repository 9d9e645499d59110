# SPDX-License-Identifier: BSD-3-Clause
# Files both ways with the installed redis-server: what one of the two servers wrote, the other
# starts with, and holds the same keys, values, expiries and databases. The peer's check tools are
# content with our files. Another peer: PEER=/usr/bin/valkey-server PEER_RDB=11 (the newest RDB
# version it reads) tclsh tests/peer/files.tcl
source [file join [file dirname [info script]] ../integration/lib.tcl]
source [file join [file dirname [info script]] ../integration/lib/dataset.tcl]

set peer [expr {[info exists env(PEER)] ? $env(PEER) : [lindex [auto_execok redis-server] 0]}]
if {$peer eq ""} { error "redis-server is not installed: make test-deps" }
set peer_check_rdb [regsub {server$} $peer check-rdb]
set peer_check_aof [regsub {server$} $peer check-aof]
set newest [expr {[info exists env(PEER_RDB)] ? $env(PEER_RDB) : 10}]
set ours [file join $build redis-server]
set check_rdb [file join $build redis-check-rdb]
set check_aof [file join $build redis-check-aof]

proc accepts {tool path} {
    if {[run timeout 180 $tool $path] != 0} { error "$tool $path: $::run_output" }
}

# Writers reach all encodings: as the defaults have it, everything packed, nothing packed.
set limits_default ""
set limits_packed "hash-max-listpack-entries 10000\nhash-max-listpack-value 10000
zset-max-listpack-entries 10000\nzset-max-listpack-value 10000\nset-max-intset-entries 10000
list-max-listpack-size -5\nlist-compress-depth 1"
set limits_loose "hash-max-listpack-entries 0\nzset-max-listpack-entries 0
set-max-intset-entries 0\nlist-max-listpack-size 1"

proc rdb_from {writer config dir} {
    set s [server "save \"\"\n$config" -binary $writer -dir $dir]
    fill $s
    set want [dataset_of $s]
    ask $s SAVE
    stop $s kill
    return $want
}

proc loads_rdb {reader dir want} {
    set s [server "save \"\"\nappendonly no" -binary $reader -dir $dir]
    same_dataset [dataset_of $s] $want
    stop $s kill
}

for {set version $newest} {$version >= 9} {incr version -1} {
    foreach limits {default packed loose} {
        case "our RDB of version $version starts the peer: $limits" {
            set dir [tmpdir]
            set want [rdb_from $ours "rdb-target-version $version\n[set limits_$limits]" $dir]
            is [string range [slurp $dir/dump.rdb] 0 8] [format REDIS%04d $version]
            accepts $peer_check_rdb $dir/dump.rdb
            accepts $check_rdb $dir/dump.rdb
            loads_rdb $peer $dir $want
            loads_rdb $ours $dir $want
        }
    }
}

foreach extra {default packed loose {rdbcompression no} {rdbchecksum no}} {
    case "the peer's RDB starts us: $extra" {
        set dir [tmpdir]
        set config [expr {[info exists limits_$extra] ? [set limits_$extra] : $extra}]
        set want [rdb_from $peer $config $dir]
        accepts $check_rdb $dir/dump.rdb
        loads_rdb $ours $dir $want
    }
}

case "our RDB without checksum and without compression starts the peer" {
    set dir [tmpdir]
    set want [rdb_from $ours "rdb-target-version $newest\nrdbcompression no\nrdbchecksum no" $dir]
    accepts $peer_check_rdb $dir/dump.rdb
    loads_rdb $peer $dir $want
}

case "block checksums, digest and index: the peer and its tools pass over them" {
    set dir [tmpdir]
    set config "rdb-target-version $newest\nrdbcompression no\nappendonly yes\nenable-debug-command yes"
    set s [server "save \"\"\n$config" -binary $ours -dir $dir]
    fill $s
    ask $s DEBUG POPULATE 3000 big 1000
    set want [dataset_of $s]
    ask $s SAVE
    ask $s BGREWRITEAOF
    wait_for { expr {[info_of $s aof_rewrite_in_progress] == 0} }
    ask $s SET behind 1
    wait_for { expr {[llength [set base [glob $dir/appendonlydir/*.base.rdb]]] == 1} }
    stop $s kill
    foreach path [list $dir/dump.rdb $base] {
        truth {[regexp -all {hf-block} [slurp $path]] >= 4}
        like [slurp $path] "*\r\n#HF:end *"
        accepts $peer_check_rdb $path
    }
    accepts $peer_check_aof $dir/appendonlydir/appendonly.aof.manifest
    loads_rdb $peer $dir $want
    set s [server "save \"\"\nappendonly yes" -binary $peer -dir $dir]
    is [ask $s GET behind] 1
    ask $s DEL behind
    same_dataset [dataset_of $s] $want
    stop $s kill
}

# A dump that no replica was sent is none of the files it speaks of, with all persistence off too.
foreach {name binary} [list ours $ours "the peer" $peer] {
    case "rdb-del-sync-files takes no dump file that was saved here: $name" {
        set dir [tmpdir]
        set s [server "save \"\"\nrdb-del-sync-files yes" -binary $binary -dir $dir]
        foreach command {SAVE BGSAVE} {
            ask $s SET a $command
            ask $s $command
            wait_for { expr {[info_of $s rdb_bgsave_in_progress] == 0} }
            after 1500 ;# each of the two has a cron that runs once a second
            truth {[file exists $dir/dump.rdb]}
        }
        stop $s kill
        set s [server "save \"\"\nrdb-del-sync-files yes" -binary $binary -dir $dir]
        after 1500
        is [ask $s GET a] BGSAVE
        truth {[file exists $dir/dump.rdb]}
        stop $s kill
    }
}

# ---- append-only files ----

# What changes a data set in ways of its own in the log: relative times, random choices,
# transactions, results instead of commands.
proc change {s round} {
    ask $s SET lived:$round x PX 100000000
    ask $s EXPIRE list:small:5 [expr {100000 + $round}]
    ask $s SETEX setex:$round 200000 y
    ask $s GETEX same:19 EX 300000
    ask $s PERSIST set:small:700
    ask $s INCRBYFLOAT float:$round 0.1
    ask $s HINCRBYFLOAT hash:text:100 float 0.25
    ask $s SPOP set:text:3000 2
    ask $s SRANDMEMBER set:text:3000
    ask $s LMOVE list:text:100 list:moved:$round LEFT RIGHT
    ask $s ZPOPMIN zset:text:100
    ask $s ZUNIONSTORE zset:union:$round 2 zset:text:100 zset:small:5 WEIGHTS 2 3
    ask $s RENAME noise:20 noise:20
    ask $s COPY noise:20 copied:$round REPLACE
    ask $s SELECT 7
    ask $s MULTI
    ask $s SET multi:$round 1
    ask $s SELECT 8
    ask $s INCR multi:counter
    ask $s EXPIRE multi:counter 5000000
    ask $s EXEC
    ask $s MULTI
    ask $s INCR one
    ask $s EXEC
    ask $s SELECT 0
    ask $s DEL int:$round
    ask $s SET gone:$round x PX 20
    ask $s MSET m:$round:1 \r\n m:$round:2 ""
    ask $s SWAPDB 1 2
    ask $s MOVE int:2$round 9
    after 40
    ask $s EXISTS gone:$round
    ask $s GETSET swapped:$round [text_of_all_bytes]
}

proc rewrite {s} {
    wait_for { expr {[info_of $s aof_rewrite_in_progress] == 0} }
    ask $s BGREWRITEAOF
    wait_for { expr {[info_of $s aof_rewrite_in_progress] == 0
                     && [info_of $s aof_rewrite_scheduled] == 0} }
    is [info_of $s aof_last_bgrewrite_status] ok
}

# A log with a base and increments; killed, not stopped. Gives what it held.
proc log_from {writer config dir} {
    set s [server "save \"\"\nappendonly yes\nappendfsync always\n$config" -binary $writer -dir $dir]
    fill $s
    change $s 1
    rewrite $s
    change $s 2
    set want [dataset_of $s]
    stop $s kill
    return $want
}

proc loads_log {reader config dir want} {
    set config "save \"\"\nappendonly yes\nappendfsync always\n$config"
    set s [server $config -binary $reader -dir $dir]
    same_dataset [dataset_of $s] $want
    return $s
}

set manifest appendonlydir/appendonly.aof.manifest

foreach {name config} {"an RDB base" "aof-use-rdb-preamble yes" "a RESP base"
                       "aof-use-rdb-preamble no" "annotations" "aof-timestamp-enabled yes"} {
    case "the peer's append log starts us: $name" {
        set dir [tmpdir]
        set want [log_from $peer $config $dir]
        accepts $check_aof $dir/$manifest
        set s [loads_log $ours "rdb-target-version $newest\n$config" $dir $want]
        # we go on with it, and give it back
        change $s 3
        set want [dataset_of $s]
        stop $s kill
        accepts $peer_check_aof $dir/$manifest
        stop [loads_log $peer $config $dir $want]
    }

    case "our append log starts the peer: $name" {
        set dir [tmpdir]
        set want [log_from $ours "rdb-target-version $newest\n$config" $dir]
        accepts $peer_check_aof $dir/$manifest
        accepts $check_aof $dir/$manifest
        set s [loads_log $peer $config $dir $want]
        change $s 3
        rewrite $s
        change $s 4
        set want [dataset_of $s]
        stop $s kill
        set s [loads_log $ours "rdb-target-version $newest\n$config" $dir $want]
        rewrite $s
        stop $s kill
        stop [loads_log $peer $config $dir $want]
    }
}

case "ids and sizes in the manifest: the peer ignores them, and they come back after it" {
    set id {[0-9a-f]{16}}
    set base "type b id $id size \\d+ from \\d+\n"
    set dir [tmpdir]
    set config "rdb-target-version $newest"
    log_from $ours $config $dir
    set s [server "save \"\"\nappendonly yes\nappendfsync always\n$config" -dir $dir]
    change $s 3
    set want [dataset_of $s]
    stop $s nosave
    truth {[regexp "$base.*type i id $id size \\d+\n" [slurp $dir/$manifest]]}
    accepts $peer_check_aof $dir/$manifest
    # the peer appends to the file whose size is told, and leaves the manifest as it is
    set s [loads_log $peer "" $dir $want]
    change $s 4
    set want [dataset_of $s]
    stop $s nosave
    accepts $check_aof $dir/$manifest
    set s [loads_log $ours $config $dir $want]
    truth {[regexp "$base.*type i id $id\n" [slurp $dir/$manifest]]}
    stop $s kill
    # the peer writes the manifest anew: without
    set s [loads_log $peer "" $dir $want]
    rewrite $s
    change $s 5
    set want [dataset_of $s]
    stop $s kill
    truth {![regexp { id | size } [slurp $dir/$manifest]]}
    accepts $check_aof $dir/$manifest
    set s [loads_log $ours $config $dir $want]
    rewrite $s
    truth {[regexp "$base.*type i id $id\n" [slurp $dir/$manifest]]}
    stop $s nosave
    stop [loads_log $peer "" $dir $want]
}

case "the peer's torn log: both cut it at the same place" {
    set dir [tmpdir]
    log_from $peer "aof-use-rdb-preamble yes" $dir
    set part [lindex [lsort [glob $dir/appendonlydir/*.incr.aof]] end]
    set whole [slurp $part]
    foreach cut {1 2 7 30 77} {
        foreach {binary size data} [list $peer peer_size peer_data $ours our_size our_data] {
            spit $part [string range $whole 0 end-$cut]
            set s [server "save \"\"\nappendonly yes" -binary $binary -dir $dir]
            set $data [dataset_of $s]
            stop $s kill
            set $size [file size $part]
        }
        is $our_size $peer_size
        same_dataset $our_data $peer_data
    }
}

# What a server wrote, by name; of the manifest's kind: all but its base.
proc written_by {binary config} {
    set s [server "appendonly yes\nsave \"\"\n$config" -binary $binary]
    foreach words {{SET a 1} {MULTI} {INCR a} {RPUSH l x y} {EXEC} {SELECT 4} {DEL none} {SADD s 1}} {
        ask $s {*}$words
    }
    ask $s BGREWRITEAOF
    wait_for { expr {[info_of $s aof_rewrite_in_progress] == 0} }
    foreach words {{SET b 2} {SELECT 0} {hset h f v} {multi} {append a x} {exec}} { ask $s {*}$words }
    set dir [of $s dir]/appendonlydir
    wait_for { expr {[llength [glob $dir/*]] == 3} }
    wait_for { expr {![string match "*type h*" [slurp $dir/appendonly.aof.manifest]]} }
    stop $s term
    set files {}
    foreach path [lsort [glob $dir/*]] { lappend files [file tail $path] [slurp $path] }
    return $files
}

case "without checksums a log is the peer's to the byte, manifest included" {
    foreach preamble {yes no} {
        set config "aof-use-rdb-preamble $preamble"
        set theirs [written_by $peer $config]
        set mine [written_by $ours "$config\naof-checksum no\nrdb-block-checksum no"]
        is [dict keys $mine] [dict keys $theirs]
        foreach name [dict keys $mine] {
            if {[string match *.base.rdb $name]} {
                truth {![regexp {hf-} [dict get $mine $name]]} ;# versions and times differ
            } elseif {[string match *.base.aof $name]} { # the order of keys is each one's own
                is [lsort [split [dict get $mine $name] *]] [lsort [split [dict get $theirs $name] *]]
            } else {
                is [dict get $mine $name] [dict get $theirs $name]
            }
        }
    }
}

finish
