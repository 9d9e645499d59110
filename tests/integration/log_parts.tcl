# SPDX-License-Identifier: BSD-3-Clause
# The files of a log are those that its manifest means: parts of another log, parts that changed
# places or lost their end, an install that was interrupted, an increment that could not be synced.
source [file join [file dirname [info script]] lib.tcl]

set check_aof [file join $build redis-check-aof]
set config "appendonly yes\nsave \"\""

proc log_path {dir {name ""}} { return $dir/appendonlydir/$name }
proc manifest_path {dir} { return [log_path $dir appendonly.aof.manifest] }
proc names {dir} { return [lsort [glob -nocomplain -tails -directory [log_path $dir] *]] }
proc log_files {dir} {
    set found {}
    foreach name [names $dir] { lappend found $name [slurp [log_path $dir $name]] }
    return $found
}
proc rewrite {s} {
    ask $s BGREWRITEAOF
    wait_for { expr {[info_of $s aof_rewrite_in_progress] == 0
                     && [info_of $s aof_rewrite_scheduled] == 0} }
    is [info_of $s aof_last_bgrewrite_status] ok
    # a worker deletes what was before, and then it is forgotten
    wait_for { expr {![string match "*type h*" [slurp [manifest_path [of $s dir]]]]} }
}

# A log of a base and two increments, which data went into; stopped in order. The second increment
# is there because the child of the last rewrite was killed; a base of commands is written too fast
# for that.
proc make_log {config value} {
    set s [server "$config\nrdb-key-save-delay 0"]
    set dir [of $s dir]
    foreach n {1 2 3} { ask $s SET $n $value }
    rewrite $s
    ask $s SET 4 $value
    set rdb [expr {![string match *preamble* $config]}]
    if {$rdb} {
        ask $s CONFIG SET rdb-key-save-delay 2000000000
        ask $s BGREWRITEAOF
        wait_for { expr {[info_of $s aof_rewrite_in_progress] == 1} }
    }
    ask $s SET 5 $value
    stop $s nosave
    is [llength [glob [log_path $dir *.incr.aof]]] [expr {1 + $rdb}]
    return $dir
}

# Refused with these words, untouched, and the checker refuses too.
proc refused {dir words} {
    set before [log_files $dir]
    foreach again {1 2} {
        lassign [server $::config -dir $dir -fails 1] code text
        is $code 1
        like $text "*$words*"
        is [log_files $dir] $before
    }
    is [run timeout 180 $::check_aof [manifest_path $dir]] 1
}

proc loads {dir value} {
    is [run timeout 180 $::check_aof [manifest_path $dir]] 0
    set s [server $::config -dir $dir]
    is [ask $s MGET 1 2 3 4 5] [list $value $value $value $value $value]
    return $s
}

# ---- what the manifest says ----

case "every file has an id, every file that is closed a size; the newest one after a stop in order" {
    set dir [make_log $config a]
    set id {[0-9a-f]{16}}
    set lines [split [string trim [slurp [manifest_path $dir]]] \n]
    is [llength $lines] 4
    like [lindex $lines 3] "#HF:sum *"
    foreach line [lrange $lines 0 2] {
        truth {[regexp "^file (\\S+) seq \\d+ type \[bi\] id ($id) size (\\d+)(?: from \\d+)?$" $line -> name of size]}
        is $size [file size [log_path $dir $name]]
        lappend ids $of
    }
    is [llength [lsort -unique $ids]] 1
    like [slurp [log_path $dir appendonly.aof.2.base.rdb]] "*hf-log*[lindex $ids 0] 2*"
    like [slurp [log_path $dir appendonly.aof.3.incr.aof]] "#LOG:[lindex $ids 0] 00000003 *"
    # the size of the newest means nothing once it is appended to
    set s [loads $dir a]
    truth {![regexp {type i[^\n]* size \d+\n#HF:sum [0-9a-f]+\n$} [slurp [manifest_path $dir]]]}
    stop $s kill
    stop [loads $dir a] kill
}

case "a log of commands, without checksums, switched on while running: ids and sizes hold" {
    foreach more {"aof-use-rdb-preamble no" "aof-checksum no" "aof-timestamp-enabled yes"
                  "aof-use-rdb-preamble no\naof-checksum no"} {
        set dir [make_log "$config\n$more" b]
        set s [loads $dir b]
        ask $s CONFIG SET appendonly no
        ask $s CONFIG SET appendonly yes
        wait_for { expr {[info_of $s aof_rewrite_in_progress] == 0} }
        ask $s SET 5 b
        stop $s nosave
        set s [loads $dir b]
        ask $s CONFIG SET aof-checksum [expr {[string match *checksum* $more] ? "yes" : "no"}]
        ask $s SET 5 b
        rewrite $s
        ask $s SET 4 b
        stop $s kill
        stop [loads $dir b] nosave
        stop [loads $dir b] kill
    }
}

# ---- parts that are not what they should be ----

case "a part that is shorter or longer than it was closed with is refused, with both sizes" {
    set dir [make_log $config c]
    foreach part {appendonly.aof.2.base.rdb appendonly.aof.2.incr.aof} {
        set path [log_path $dir $part]
        set whole [slurp $path]
        set size [string length $whole]
        # the end of a batch, too: such a file reads well to its end
        foreach bytes [list [string range $whole 0 end-1] [string range $whole 0 51] "" "$whole\n"] {
            spit $path $bytes
            refused $dir "$part has [string length $bytes] bytes, but it had $size when it was closed"
        }
        spit $path $whole
    }
    stop [loads $dir c] kill
}

case "the newest part is shorter than at the stop: refused or told, as aof-load-truncated says" {
    set dir [make_log $config d]
    set path [log_path $dir appendonly.aof.3.incr.aof]
    set whole [slurp $path]
    spit $path [string range $whole 0 51]
    set lost [expr {[string length $whole] - 52}]
    set before [log_files $dir]
    lassign [server "$config\naof-load-truncated no" -dir $dir -fails 1] code text
    is $code 1
    like $text "*appendonly.aof.3.incr.aof is $lost bytes shorter*aof-load-truncated is off*"
    is [log_files $dir] $before
    is [run timeout 180 $check_aof [manifest_path $dir]] 1
    like $run_output "*appendonly.aof.3.incr.aof has lost its last $lost bytes*not valid*"
    is [log_files $dir] $before
    set copy [tmpdir]
    file copy $dir/appendonlydir $copy/appendonlydir
    is [run sh -c "echo n | timeout 180 $check_aof --fix [manifest_path $copy]"] 1
    is [run sh -c "echo y | timeout 180 $check_aof --fix [manifest_path $copy]"] 0
    is [run timeout 180 $check_aof [manifest_path $copy]] 0
    set s [server "$config\naof-load-truncated no" -dir $copy]
    is [ask $s MGET 1 4 5] {d d (nil)}
    stop $s
    set s [server $config -dir $dir]
    like [log_of $s] "*appendonly.aof.3.incr.aof has lost its last $lost bytes*"
    is [ask $s MGET 1 4 5] {d d (nil)}
    # told once
    ask $s SET 5 d
    set s [restart $s kill "$config\naof-load-truncated no"]
    is [ask $s MGET 1 4 5] {d d d}
    # an old server that appended makes it longer
    stop $s nosave
    set f [open $path ab]
    puts -nonewline $f [encode {SELECT 0}][encode {SET 5 old}]
    close $f
    set s [server "$config\naof-load-truncated no" -dir $dir]
    is [ask $s GET 5] old
}

case "parts of different logs are refused, and named" {
    set one [make_log $config e]
    set two [make_log $config f]
    foreach part {appendonly.aof.2.base.rdb appendonly.aof.2.incr.aof appendonly.aof.3.incr.aof} {
        set whole [slurp [log_path $one $part]]
        spit [log_path $one $part] [slurp [log_path $two $part]]
        # the same values, so the same sizes
        refused $one "$part is part of the log * the manifest says of *"
        spit [log_path $one $part] $whole
    }
    # without the manifest's word the files contradict one another
    set manifest [slurp [manifest_path $one]]
    regsub -all { id [0-9a-f]+| size \d+|#HF:sum [0-9a-f]+\n} $manifest "" old
    spit [manifest_path $one] $old
    stop [loads $one e] kill
    spit [log_path $one appendonly.aof.2.incr.aof] [slurp [log_path $two appendonly.aof.2.incr.aof]]
    refused $one "parts of different logs: appendonly.aof.2.base.rdb of *, appendonly.aof.2.incr.aof of *"
}

case "a manifest with a turned bit, or with a line less, is refused by both; nothing is deleted" {
    set dir [make_log $config m]
    set manifest [slurp [manifest_path $dir]]
    like $manifest "*\n#HF:sum *\n"
    # increments would be history, to be deleted
    foreach bad [list [string map {"type i" "type h"} $manifest] \
            [regsub {[^\n]*incr[^\n]*\n} $manifest ""]] {
        spit [manifest_path $dir] $bad
        refused $dir "AOF manifest: the checksum is wrong*"
    }
    for {set i 0} {$i < [string length $manifest]} {incr i 5} {
        binary scan [string index $manifest $i] cu byte
        spit [manifest_path $dir] [string replace $manifest $i $i [binary format c [expr {$byte ^ 1}]]]
        set bad [run $build/redis-check-aof [manifest_path $dir]]
        truth {$bad == 1 || $i >= [string first "#HF" $manifest]}
    }
    spit [manifest_path $dir] $manifest
    stop [loads $dir m] kill
}

case "parts that changed places are refused" {
    set dir [make_log $config g]
    set manifest [slurp [manifest_path $dir]]
    regsub -all { size \d+|#HF:sum [0-9a-f]+\n} $manifest "" manifest
    spit [manifest_path $dir] $manifest
    set two [slurp [log_path $dir appendonly.aof.2.incr.aof]]
    spit [log_path $dir appendonly.aof.2.incr.aof] [slurp [log_path $dir appendonly.aof.3.incr.aof]]
    refused $dir "appendonly.aof.2.incr.aof says that it is number 3*"
    spit [log_path $dir appendonly.aof.3.incr.aof] $two
    refused $dir "says that it is number"
}

case "a part that does not say what the manifest says of it is refused" {
    set dir [make_log $config h]
    set path [log_path $dir appendonly.aof.2.incr.aof]
    set whole [slurp $path]
    spit $path [string map {#LOG: #LAG:} $whole]
    refused $dir "appendonly.aof.2.incr.aof does not say of which log it is a part"
    spit $path $whole
    stop [loads $dir h] kill
}

# ---- the first install ----

# As a loss of power left it: of the first files' names, of the manifest.
proc interrupted {dump keep} {
    set s [server "save \"\""]
    set dir [of $s dir]
    ask $s SET a old
    if {$dump} { ask $s SAVE }
    ask $s SET a new
    ask $s CONFIG SET appendonly yes
    wait_for { expr {[info_of $s aof_rewrite_in_progress] == 0} }
    ask $s SET b new
    stop $s kill
    file delete $dir/.holdfast-data
    file rename [manifest_path $dir] [log_path $dir temp-appendonly.aof.first]
    foreach name [names $dir] {
        if {![string match *.first $name] && $name ni $keep} { file delete [log_path $dir $name] }
    }
    return $dir
}
set first_base appendonly.aof.1.base.rdb
set first_incr appendonly.aof.1.incr.aof

case "an interrupted first install without a dump file: what is complete is taken" {
    foreach {keep want} [list [list $first_base $first_incr] {new new} $first_base {new (nil)} \
            $first_incr {(nil) (nil)} {} {(nil) (nil)}] {
        set dir [interrupted 0 $keep]
        set s [server $config -dir $dir]
        is [ask $s MGET a b] $want
        truth {![file exists [log_path $dir temp-appendonly.aof.first]]}
        is [file exists [log_path $dir interrupted-$first_incr]] [expr {$keep eq $first_incr}]
        if {$keep ne ""} { like [log_of $s] "*first install of the append log was interrupted*" }
        ask $s SET c more
        set s [restart $s kill $config]
        is [ask $s MGET a b c] [concat $want more]
        stop $s kill
    }
}

case "an interrupted first install beside a dump file: the dump counts, the files are put aside" {
    foreach keep [list [list $first_base $first_incr] $first_base $first_incr {}] {
        set dir [interrupted 1 $keep]
        set s [server $config -dir $dir]
        is [ask $s MGET a b] {old (nil)}
        foreach name $keep { truth {[file exists [log_path $dir interrupted-$name]]} }
        ask $s SET c more
        set s [restart $s kill $config]
        is [ask $s MGET a b c] {old (nil) more}
        stop $s kill
    }
}

case "a plan of a first install excuses no other files" {
    set dir [interrupted 0 [list $first_base $first_incr]]
    spit [log_path $dir appendonly.aof.2.incr.aof] [encode {SELECT 0}]
    refused $dir "holds appendonly.aof.2.incr.aof but no manifest"
}

case "the first install leaves no plan behind, and a stale one beside a manifest goes" {
    set s [server $config]
    set dir [of $s dir]
    is [names $dir] [list $first_base $first_incr appendonly.aof.manifest]
    ask $s SET a 1
    stop $s kill
    file copy [manifest_path $dir] [log_path $dir temp-appendonly.aof.first]
    set s [server $config -dir $dir]
    is [ask $s GET a] 1
    is [names $dir] [list $first_base $first_incr appendonly.aof.manifest]
}

# ---- a dump file from elsewhere ----

# Its bytes, made by this server: the key of says whose it is.
proc dump_of {binary value} {
    set s [server "save \"\"" -binary $binary]
    ask $s SET of $value
    ask $s RPUSH list a b c
    ask $s SAVE
    set bytes [slurp [of $s dir]/dump.rdb]
    stop $s kill
    return $bytes
}
set origins [list ours [file join $build redis-server]]
set peer [lindex [auto_execok redis-server] 0]
if {$peer eq ""} { puts "skipped: dumps of an installed redis-server" } else { lappend origins peer $peer }

foreach {whose binary} $origins {
    case "a dump file ($whose) put where no log is yet: it is loaded, told, and logged from then on" {
        foreach before {"nothing" "an empty log directory"} {
            set dir [tmpdir]
            if {$before ne "nothing"} { file mkdir [log_path $dir] }
            set dump [dump_of $binary $whose]
            spit $dir/dump.rdb $dump
            set s [server $config -dir $dir]
            is [ask $s GET of] $whose
            like [log_of $s] "*there is no append log: the data set was loaded from dump.rdb*"
            is [names $dir] [list $first_base $first_incr appendonly.aof.manifest]
            ask $s SET more 1
            is [slurp $dir/dump.rdb] $dump
            # the log has it all: the dump is not needed any more
            stop $s kill
            file delete $dir/dump.rdb
            set s [server $config -dir $dir]
            is [ask $s MGET of more] [list $whose 1]
            is [ask $s LRANGE list 0 -1] {a b c}
            stop $s kill
        }
    }

    case "a dump file ($whose) put beside a log: the log counts, the file is left alone" {
        set s [server $config]
        set dir [of $s dir]
        ask $s SET of log
        ask $s SAVE
        stop $s kill
        # also where the first install of that log was seen to its end, but for its plan
        foreach plan {0 1} {
            spit $dir/dump.rdb [set dump [dump_of $binary $whose]]
            file mtime $dir/dump.rdb 1000000000
            if {$plan} { file copy [manifest_path $dir] [log_path $dir temp-appendonly.aof.first] }
            set s [server $config -dir $dir]
            is [ask $s MGET of more] [list log [expr {$plan ? 1 : "(nil)"}]]
            is [ask $s EXISTS list] 0
            ask $s SET more 1
            stop $s kill
            is [list [slurp $dir/dump.rdb] [file mtime $dir/dump.rdb]] [list $dump 1000000000]
        }
    }
}

# ---- an increment that could not be synced ----

# Makes fdatasync fail as long as the file dir/fail is there.
proc server_with_failing_sync {config} {
    set dir [tmpdir]
    return [held_server $config -dir $dir -with "#include <errno.h>\n
        int fdatasync(int fd) { if (access(\"$dir/fail\", F_OK) == 0) { errno = EIO; return -1; }
        return (int)syscall(SYS_fdatasync, fd); }\n"]
}

set failing "$config\nenable-debug-command yes\naof-rewrite-incremental-fsync no
rdb-save-incremental-fsync no"

if {!$sanitized} {
    case "while a lost sync is not healed, the manifest names no newer increment" {
        set s [server_with_failing_sync $failing]
        set dir [of $s dir]
        ask $s SET a 1
        ask $s SET soon gone PX 3000
        set manifest [slurp [manifest_path $dir]]
        spit $dir/fail ""
        wait_for { catch { ask $s SET b 2 } }
        set b [ask $s GET b]
        # the disk still fails: no child is started for nothing
        after 2500
        is [info_of $s aof_rewrites] 0
        is [slurp [manifest_path $dir]] $manifest
        file delete $dir/fail
        wait_for { expr {[info_of $s aof_rewrite_in_progress] == 1} }
        # the child writes: what is logged now goes aside
        wait_for { expr {[ask $s EXISTS soon] == 0} }
        is [slurp [manifest_path $dir]] $manifest
        truth {[file exists [log_path $dir temp-appendonly.aof.incr]]}
        truth {[catch { ask $s SET c 3 }]}
        like [error_of $s DEBUG LOADAOF] "ERR Error trying to load the AOF files*"
        truth {[catch { ask $s CONFIG SET appendfsync always }]}
        release $s
        wait_for { expr {![catch { ask $s SET d 4 }]} }
        is [info_of $s aof_last_write_status] ok
        truth {![file exists [log_path $dir temp-appendonly.aof.incr]]}
        wait_for { expr {[llength [glob [log_path $dir *.incr.aof]]] == 1} } ;# by a worker
        is [ask $s DEBUG LOADAOF] OK
        set s [restart $s kill $config]
        is [ask $s MGET a b d soon] [list 1 $b 4 (nil)]
    }

    case "a rewrite that is killed while a lost sync is not healed is tried again, from the start" {
        set s [server_with_failing_sync $failing]
        set dir [of $s dir]
        foreach n {1 2 3 4 5 6 7 8} { ask $s SET $n $n }
        spit $dir/fail ""
        wait_for { catch { ask $s SET 9 9 } }
        file delete $dir/fail
        foreach again {1 2} {
            wait_for { llength [set temp [glob -nocomplain $dir/temp-rewriteaof-*]] }
            regexp {temp-rewriteaof-(\d+)} $temp -> child
            signal 9 $child
            wait_for { expr {![file exists [lindex $temp 0]]} }
        }
        release $s
        wait_for { expr {![catch { ask $s SET 10 10 }]} }
        set s [restart $s kill $config]
        is [ask $s DBSIZE] [expr {[ask $s EXISTS 9] ? 10 : 9}]
    }

    foreach how {"switched off" "stopped by force" "killed"} {
        case "a log whose lost sync is not healed is $how: what the manifest names loads" {
            set s [server_with_failing_sync $failing]
            set dir [of $s dir]
            foreach n {1 2 3 4} { ask $s SET $n $n }
            spit $dir/fail ""
            wait_for { catch { ask $s SET 5 5 } }
            file delete $dir/fail
            wait_for { expr {[info_of $s aof_rewrite_in_progress] == 1} }
            switch $how {
                "switched off" {
                    is [ask $s CONFIG SET appendonly no] OK
                    truth {![file exists [log_path $dir temp-appendonly.aof.incr]]}
                    is [ask $s SET 6 6] OK
                    release $s
                    is [ask $s CONFIG SET appendonly yes] OK
                    wait_for { expr {[info_of $s aof_rewrite_in_progress] == 0} }
                    is [ask $s DEL 6] 1
                    stop $s kill
                }
                "stopped by force" {
                    like [error_of $s SHUTDOWN] "ERR Errors trying to SHUTDOWN*"
                    catch { ask $s SHUTDOWN NOSAVE FORCE }
                    wait_for { expr {![alive [of $s pid]]} }
                    stop $s kill
                }
                killed { stop $s kill }
            }
            set s [server $config -dir $dir]
            is [ask $s MGET 1 2 3 4 6] {1 2 3 4 (nil)}
            ask $s SET 7 7
            set s [restart $s kill $config]
            is [ask $s MGET 1 7] {1 7}
        }
    }
}

# ---- what a manifest can say ----

proc log_dir {manifest args} {
    set dir [tmpdir]
    file mkdir [log_path $dir]
    foreach {name bytes} $args { spit [log_path $dir $name] $bytes }
    spit [manifest_path $dir] $manifest
    return $dir
}
proc log_refused {dir words} {
    set before [log_files $dir]
    set end [server $::config -dir $dir -fails 1]
    is [lindex $end 0] 1
    like [lindex $end 1] "*$words*"
    is [log_files $dir] $before
    # nor does switching it on write over anything
    set s [server "save \"\"\non-missing-data start-empty" -dir $dir]
    truth {[catch { ask $s CONFIG SET appendonly yes }]}
    stop $s
    is [log_files $dir] $before
}

case "numbers that leave none for a new file: read, and a rewrite fails by name" {
    set max 9223372036854775807
    foreach {base incr} [list $max 1 1 $max $max $max] {
        set dir [log_dir "file b seq $base type b\nfile i seq $incr type i\n" \
                b [encode {SET a 1}] i [encode {SET b 2}]]
        set s [server $config -dir $dir]
        ask $s SET c 3
        truth {[catch { ask $s BGREWRITEAOF }]}
        like [log_of $s] "*numbers are used up*"
        ask $s SET d 4
        stop $s kill
        is [run $check_aof [manifest_path $dir]] 0
        set s [server $config -dir $dir]
        is [ask $s MGET a b c d] {1 2 3 4}
        stop $s
    }
    set dir [log_dir "file b seq [expr {$max - 1}] type b\n" b [encode {SET a 1}]]
    set s [server $config -dir $dir]
    rewrite $s
    set s [restart $s kill $config]
    is [ask $s GET a] 1
    truth {[catch { ask $s BGREWRITEAOF }]}
}

case "a file that is named twice is refused, and not deleted as history" {
    log_refused [log_dir "file b seq 1 type b\nfile i seq 1 type i\nfile i seq 1 type h\n" \
            b [encode {SET a 1}] i [encode {SET b 2}]] "line 3: the file is named twice"
    log_refused [log_dir "file b seq 1 type b\nfile b seq 1 type h\n" b [encode {SET a 1}]] \
            "line 2: the file is named twice"
    log_refused [log_dir "file b seq 1 type b\nfile appendonly.aof.manifest seq 1 type h\n" \
            b [encode {SET a 1}]] "it names itself"
}

case "a manifest that names no base, or no increment, beside one that holds data" {
    set base appendonly.aof.3.base.aof
    set incr appendonly.aof.7.incr.aof
    set small [slurp $root/fixtures/field/small-increment-50-bytes.incr.aof]
    set nothing [slurp $root/fixtures/field/manifest-names-nothing.manifest]
    log_refused [log_dir $nothing $base [encode {SET a 1}]] "$base is there*names no base*"
    log_refused [log_dir $nothing $incr $small] "$incr is there*names no increment*"
    log_refused [log_dir $nothing appendonly.aof.1.incr.aof [encode {X}]] "names no increment*"
    log_refused [log_dir "file i seq 1 type i\n" i $small $base [encode {SET a 1}]] "names no base*"
    log_refused [log_dir "file b seq 1 type b\n" b $small $incr $small] "names no increment*"
    # what can't be read to its end is data, however short, from the second line on
    set s [server $config]
    for {set i 0} {$i < 8} {incr i} { ask $s SET key:$i value }
    set own [slurp [glob [log_path [of $s dir] *.incr.aof]]]
    stop $s kill
    set first [string range $own 0 51]
    truth {[string length $own] < 1000}
    foreach bytes [list [string range $own 0 end-1] [string replace $own end-9 end-9 "\x01"] \
            $first[encode {SET a 1}] $first[encode MULTI][encode {SET a 1}] $first*2\r\n\$3\r\nGE \
            [string repeat "some text " 40]] {
        log_refused [log_dir $nothing $incr $bytes] "$incr is there*names no increment*"
    }
    # what holds no command is no data
    set dir [log_dir "file b seq 1 type b\n" b $small appendonly.aof.1.incr.aof "#TS:1\r\n# x" \
            appendonly.aof.2.incr.aof "" appendonly.aof.3.incr.aof "#LOG:" \
            appendonly.aof.4.incr.aof [string repeat \0 52] appendonly.aof.5.incr.aof "*3\r\n"]
    set s [server $config -dir $dir]
    is [ask $s DBSIZE] 1
    ask $s SET more 1
    set s [restart $s kill $config]
    is [ask $s DBSIZE] 2
}

case "a rewrite writes over nothing that holds data, named or not" {
    set dir [log_dir "file appendonly.aof.2.base.aof seq 1 type b\nfile i seq 1 type i\n" \
            appendonly.aof.2.base.aof [encode {SET a 1}] i [encode {SET b 2}] \
            appendonly.aof.3.base.rdb REDIS appendonly.aof.2.incr.aof [encode {SET lost 1}] \
            appendonly.aof.3.incr.aof "#TS:1\r\n"]
    set s [server $config -dir $dir]
    ask $s SET c 3
    rewrite $s
    rewrite $s
    wait_for { expr {![file exists [log_path $dir i]]} }
    is [slurp [log_path $dir appendonly.aof.3.base.rdb]] REDIS
    is [slurp [log_path $dir appendonly.aof.2.incr.aof]] [encode {SET lost 1}]
    set s [restart $s kill $config]
    is [ask $s MGET a b c] {1 2 3}
}

# What a loss of power may put in place of an increment's first line stops no start, and what
# somebody put there is not written over.
case "an unnamed increment no longer than its first line, beside a base of ours" {
    set s [server $config]
    ask $s SET a 1
    rewrite $s
    set dir [of $s dir]
    stop $s term
    foreach path [glob [log_path $dir *.incr.aof]] { file delete $path }
    set manifest [slurp [manifest_path $dir]]
    regsub -all {[^\n]*type i[^\n]*\n|#HF[^\n]*\n} $manifest "" manifest
    spit [manifest_path $dir] $manifest
    set small [slurp $root/fixtures/field/small-increment-50-bytes.incr.aof]
    spit [log_path $dir appendonly.aof.1.incr.aof] $small
    set s [server $config -dir $dir]
    ask $s SET b 2
    set s [restart $s kill $config]
    is [ask $s MGET a b] {1 2}
    rewrite $s
    is [slurp [log_path $dir appendonly.aof.1.incr.aof]] $small
}

case "without checksums: parts that others changed are taken, and nothing is told of them" {
    set s [server $config]
    ask $s SET a 1
    rewrite $s
    ask $s SET b 2
    set dir [of $s dir]
    stop $s term
    set base [lindex [glob [log_path $dir *.base.rdb]] 0]
    set incr [lindex [glob [log_path $dir *.incr.aof]] 0]
    spit $base [encode {SET other 1}]
    spit $incr [encode {SET mine 1}]
    is [lindex [server $config -dir $dir -fails 1] 0] 1
    set plain "$config\naof-checksum no\nrdb-block-checksum no"
    set s [server $plain -dir $dir]
    ask $s SET c 3
    set s [restart $s term $plain]
    is [ask $s MGET other mine c] {1 1 3}
    foreach round {1 2} {
        regexp {^file (\S+) seq (\d+) type b\nfile (\S+) seq \d+ type i\n$} [slurp [manifest_path $dir]] \
            - base seq incr
        truth {$seq == $round + 1}
        truth {![regexp {^#|hf-} [slurp [log_path $dir $base]][slurp [log_path $dir $incr]]]}
        if {$round == 1} { rewrite $s }
        wait_for { expr {[llength [names $dir]] == 3} }
    }
    # and back
    set s [restart $s term $config]
    ask $s SET d 4
    rewrite $s
    like [slurp [manifest_path $dir]] "* id *#HF:sum*"
    set s [restart $s term $config]
    is [ask $s MGET other mine c d] {1 1 3 4}
}

case "no manifest is written that the next start would refuse" {
    set name [string repeat \x01 240]
    set s [server "appendfilename \"$name\"\nsave \"\""]
    catch { ask $s CONFIG SET appendonly yes }
    wait_for { expr {[info_of $s aof_rewrite_in_progress] == 0} }
    foreach path [glob -nocomplain [of $s dir]/appendonlydir/*.manifest] {
        foreach line [split [slurp $path] \n] { truth {[string length $line] < 1024} }
    }
}

finish
