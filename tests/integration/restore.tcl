# SPDX-License-Identifier: BSD-3-Clause
# holdfast points and restore: to every boundary between commands of a log, times, before a FLUSHALL,
# over rewrites whose history was kept; and what can't be reached. With LONG each boundary of 2,000
# commands is restored, else one of 50.
source [file join [file dirname [info script]] lib.tcl]

set holdfast [file join $build holdfast]
set config "appendonly yes\nsave \"\"\nenable-debug-command yes\nappendfsync always"

proc log_dir {dir} { return $dir/appendonlydir }
proc manifest_of {dir} { return [log_dir $dir]/appendonly.aof.manifest }
proc newest {dir} { return [lindex [lsort -dictionary [glob [log_dir $dir]/*.incr.aof]] end] }
proc seq_of {path} { regexp {\.(\d+)\.incr\.aof$} $path -> seq; return $seq }
# Where the log ends now, as a position.
proc position {s} {
    set path [newest [of $s dir]]
    return [seq_of $path]:[file size $path]
}
proc state {s} { return [ask $s DEBUG DIGEST] }
proc restored {from to args} {
    set out [tmpdir]/out
    set code [run timeout 180 $::holdfast restore $from $out --to $to {*}$args]
    if {$code != 0} { error "restore --to $to: $code $::run_output" }
    return $out
}
proc state_of {dir} {
    set s [server "appendonly yes\nsave \"\"\nenable-debug-command yes" -dir $dir]
    set state [state $s]
    stop $s
    return $state
}
proc refused {code pattern args} {
    is [run timeout 180 $::holdfast restore {*}$args] $code
    like $::run_output $pattern
}

# One of many kinds of change, by number.
proc change {s i} {
    set k key:[expr {$i % 37}]
    switch [expr {$i % 12}] {
        0 { ask $s SET $k [string repeat v [expr {$i % 300}]] }
        1 { ask $s DEL l:$k; ask $s RPUSH l:$k $i [expr {$i * 7}] }
        2 { ask $s SADD s:$k m$i m[expr {$i / 2}] }
        3 { ask $s ZADD z:$k $i m$i }
        4 { ask $s HSET h:$k f$i v f$k w }
        5 { ask $s INCR count }
        6 { ask $s XADD x:$k * f $i }
        7 { ask $s MULTI; ask $s APPEND a:$k $i; ask $s INCRBY count 10; ask $s EXEC }
        8 { ask $s SELECT [expr {$i % 3}] }
        9 { ask $s SET other:$i $i; ask $s RENAME other:$i renamed }
        10 { ask $s LPOP l:key:[expr {($i - 9) % 37}] }
        11 { if {$i % 120 == 11} { ask $s FLUSHDB } else { ask $s DEL $k } }
    }
}

case "every boundary between commands" {
    set s [server "$config\naof-keep-history 10"]
    set dir [of $s dir]
    set count [expr {$sanitized ? 600 : 2000}]
    set noted {}
    for {set i 0} {$i < $count} {incr i} {
        change $s $i
        if {$i == $count / 3 || $i == $count / 2} {
            ask $s BGREWRITEAOF
            wait_for { expr {[info_of $s aof_rewrite_in_progress] == 0
                             && [info_of $s aof_rewrite_scheduled] == 0} }
        }
        if {$long || $i % 50 == 49 || $i == $count / 3 + 2} {
            lappend noted [position $s] [state $s]
        }
    }
    stop $s
    foreach {to state} $noted { is [list $to [state_of [restored $dir $to]]] [list $to $state] }
    # nothing was changed by all that
    is [state_of $dir] [lindex $noted end]
}

case "within batches, which are sealed anew; never within a transaction" {
    # Not each write is synced: small batches, and those of many commands.
    set s [server "$config\nappendfsync everysec\naof-timestamp-enabled yes"]
    set dir [of $s dir]
    set fd [connect $s]
    for {set i 0} {$i < 40} {incr i} {
        set piece ""
        for {set j 0} {$j < 30} {incr j} { append piece [encode [list RPUSH l $i:$j]] }
        append piece [encode MULTI][encode {SET a 1}][encode {SET b 1}][encode {DEL a b}][encode EXEC]
        puts -nonewline $fd $piece
        flush $fd
        for {set j 0} {$j < 35} {incr j} { read_reply $fd }
    }
    close $fd
    stop $s term
    set path [newest $dir]
    set text [slurp $path]
    set at 0
    for {set n 100} {$n < 1200} {incr n 157} {
        set value [expr {$n / 30}]:[expr {$n % 30}]
        set from [string first "\r\n$value\r\n" $text]
        set cut [expr {$from + [string length $value] + 4}]
        # in front of it: the command ends at cut
        foreach {to length} [list $cut [expr {$n + 1}] [expr {$cut - 1}] $n] {
            set out [restored $dir 1:$to]
            set s [server "appendonly yes\nsave \"\"" -dir $out]
            is [ask $s LLEN l] $length
            is [ask $s EXISTS a b] 0
            stop $s
            is [run $holdfast fix $out] 0
        }
    }
    # A place inside a transaction is in front of it.
    set multi [string first "\$5\r\nMULTI" $text 3000]
    set exec [string first "\$4\r\nEXEC\r\n" $text $multi]
    set out [restored $dir 1:[expr {$exec + 2}]]
    like $run_output "*[expr {$exec + 2}] is no place between commands*"
    set s [server "appendonly yes\nsave \"\"" -dir $out]
    is [ask $s EXISTS a b] 0
    is [expr {[ask $s LLEN l] % 30}] 0
    stop $s
    # Nothing stands in front of the log's first line, which is no command.
    set s [server "appendonly yes\nsave \"\"" -dir [restored $dir 1:0]]
    truth {![string match "*no place*" $run_output]}
    is [ask $s DBSIZE] 0
    stop $s
}

case "times, FLUSHALL, mass deletions: points and restore" {
    set dir [tmpdir]
    file mkdir [log_dir $dir]
    set text "#TS:1700000000\r\n[encode {SELECT 0}][encode {SET a 1}]#TS:1700000010\r\n"
    append text [encode {SET b 1}][encode {SET c 1}]
    set flush [string length $text]
    append text [encode FLUSHALL]
    append text "#TS:1700003700\r\n[encode {SET d 1}]"
    set mass [string length $text]
    for {set i 0} {$i < 12} {incr i} { append text [encode [list DEL x$i y$i]] }
    append text "#TS:1700007300\r\n[encode {SET e 1}]"
    spit [log_dir $dir]/appendonly.aof.1.incr.aof $text
    spit [manifest_of $dir] "file appendonly.aof.1.incr.aof seq 1 type i\n"
    is [run $holdfast points $dir --mass 20] 0
    like $run_output "*1:0*begins*1:$flush *2023-11-14T22:13:30*before FLUSHALL*1:$mass *before 24 keys\
        are deleted in a row*1:[string length $text] *all there is*"
    is [run $holdfast points $dir --json] 0
    like $run_output "*\"kind\":\"flushall\",\"position\":\"1:$flush\"*"
    truth {![string match *mass-delete* $run_output]}
    foreach {to keys} {
        1700000000 {a} 1700000009 {a} 1700000010 {} 1700000010.9 {} 1700003699 {} 1700003700 {d}
        1700007300 {d e} 1800000000 {d e}
    } {
        set s [server "appendonly yes\nsave \"\"" -dir [restored $dir @$to]]
        is [list $to [lsort [ask $s KEYS *]]] [list $to $keys]
        stop $s
    }
    set s [server "appendonly yes\nsave \"\"" -dir [restored $dir before-last:flushall]]
    is [lsort [ask $s KEYS *]] {a b c}
    stop $s
    is [run $holdfast restore $dir --to before-last:FLUSHALL --dry-run] 0
    like $run_output "*all keys: FLUSHALL*d (database 0): SET at *26 keys are touched by 15 commands*"
    refused 1 "*The log begins later than that*" $dir [tmpdir]/x --to @1600000000
    refused 1 "*There is no SWAPDB in the log*" $dir [tmpdir]/x --to before-last:SWAPDB
    refused 1 "*There is no increment 7*" $dir [tmpdir]/x --to 7:0
    set last [newest $dir]
    set end [file size $last]
    refused 1 "*[seq_of $last]:[expr {$end + 1}] is no place: [file tail $last] ends at $end.*" \
        $dir [tmpdir]/x --to [seq_of $last]:[expr {$end + 1}]
    truth {![string match "*no place between*" $::run_output]}
    foreach at [list 0 $end] {
        restored $dir [seq_of $last]:$at
        truth {![string match "*no place*" $::run_output]}
    }
    refused 1 "*no time, no position*" $dir [tmpdir]/x --to yesterday
    foreach never {2026-11-31T00:00:00Z 2026-02-30 2025-02-29T12:00:00 2026-11-29T23:31:60Z
        2026-13-01 2026-11-29T24:00:00Z 2026-11-00} {
        refused 1 "*no time, no position*" $dir [tmpdir]/x --to $never
    }
    refused 1 "*where to? OUT is */x and --output */y: one of them*" $dir [tmpdir]/x --to 1:0 --output [tmpdir]/y
    refused 1 "*is there already*" $dir $dir --to 1:0
}

case "within one second: all of it is taken, said where it lies, and cut at a position" {
    set dir [tmpdir]
    file mkdir [log_dir $dir]
    set text "#TS:1700000000\r\n[encode {SELECT 0}][encode {SET a 1}]#TS:1700000010\r\n"
    set places {}
    foreach command {{SET b 1} {SET c 1}} {
        lappend places [string length $text]
        append text [encode $command]
    }
    lappend places [string length $text]
    append text [encode MULTI][encode {SET d 1}][encode {SET e 1}][encode EXEC]
    lappend places [string length $text]
    append text "#TS:1700000011\r\n[encode {SET f 1}]"
    # A clock that was set back: these are behind a later second.
    append text "#TS:1700000010\r\n[encode {SET g 1}]"
    spit [log_dir $dir]/appendonly.aof.1.incr.aof $text
    spit [manifest_of $dir] "file appendonly.aof.1.incr.aof seq 1 type i\n"
    foreach to {1700000010 1700000010.001 1700000010.999} {
        is [run $holdfast restore $dir --to @$to --dry-run] 0
        like $run_output "*The moment is 1:[lindex $places 3]:*all 6 commands of 2023-11-14T22:13:30.000Z\
            are taken, from 1:[lindex $places 0] to 1:[lindex $places 3]; holdfast points --within\
            @1700000010 *"
    }
    is [run $holdfast restore $dir --to @1700000005 --dry-run] 0
    like $run_output "*No command of the second 2023-11-14T22:13:25.000Z stands in the log: the last\
        ones taken are of 2023-11-14T22:13:20.000Z*"
    is [run $holdfast points $dir --within @1700000010] 0
    like $run_output "1:[lindex $places 0] *before SET b\n1:[lindex $places 1] *before SET c\n1:[lindex \
        $places 2] *before a transaction of 4 commands\n1:[lindex $places 3] *all of this second\n1:*\
        before SET g\n1:*all of this second"
    is [run $holdfast points $dir --within @1700000009] 0
    like $run_output "*No command of that second stands in the log*"
    is [run $holdfast points $dir --within yesterday] 1
    foreach at $places keys {a {a b} {a b c} {a b c d e}} {
        set s [server "appendonly yes\nsave \"\"" -dir [restored $dir 1:$at]]
        is [lsort [ask $s KEYS *]] $keys
        stop $s
    }
}

case "history by hand: links to what a rewrite replaces" {
    set s [server $config]
    set dir [of $s dir]
    set noted {}
    for {set round 0} {$round < 3} {incr round} {
        for {set i 0} {$i < 30} {incr i} { change $s [expr {$round * 30 + $i}] }
        lappend noted [position $s] [state $s]
        foreach path [glob [log_dir $dir]/*.base.* [log_dir $dir]/*.incr.aof] {
            if {![file exists $dir/[file tail $path]]} { file link -hard $dir/[file tail $path] $path }
        }
        if {$round == 2} break
        ask $s BGREWRITEAOF
        wait_for { expr {[info_of $s aof_rewrite_in_progress] == 0
                         && [info_of $s aof_rewrite_scheduled] == 0} }
        wait_for { expr {![string match "*type h*" [slurp [manifest_of $dir]]]} }
    }
    stop $s
    # As a server writes it that keeps its history: newest first, an older base behind what followed
    # it; without "from" as with it, and without checksum.
    set out [tmpdir]
    file mkdir [log_dir $out]
    foreach path [glob $dir/*.aof $dir/*.rdb] {
        if {[string match *.1.base* $path] || [string match *.base.* $path] ||
            [string match *.incr.* $path]} { file copy $path [log_dir $out] }
    }
    set base [file tail [glob [log_dir $out]/*.3.base.*]]
    regsub 3.base $base 2.base base2
    regsub 3.base $base 1.base base1
    spit [manifest_of $out] "file $base seq 3 type b
file appendonly.aof.2.incr.aof seq 2 type h\nfile $base2 seq 2 type h
file appendonly.aof.1.incr.aof seq 1 type h\nfile $base1 seq 1 type h
file appendonly.aof.3.incr.aof seq 3 type i\n"
    foreach {to state} $noted { is [list $to [state_of [restored $out $to]]] [list $to $state] }
    is [run $holdfast points $out] 0
    truth {![string match "*can't be reached*" $run_output]}
    # A base that is gone: from the one in front of it. An increment: not at all.
    file delete [log_dir $out]/$base2
    is [state_of [restored $out [lindex $noted 2]]] [lindex $noted 3]
    file delete [log_dir $out]/appendonly.aof.1.incr.aof
    refused 1 "*A file that it takes is not there any more*3:0 to*" $out [tmpdir]/x \
        --to [lindex $noted 2]
    is [state_of [restored $out [lindex $noted 4]]] [lindex $noted 5]
}

case "a single file, with and without an RDB in front" {
    set dir [tmpdir]
    set rdb [slurp $root/fixtures/rdb/v10-listpacks.rdb]
    foreach head [list "" $rdb] {
        spit $dir/old.aof $head[encode {SELECT 0}][encode {SET k:a 1}][encode {SET k:b 1}]
        set at [expr {[file size $dir/old.aof] - 3}]
        set s [server "appendonly yes\nsave \"\"" -dir [restored $dir/old.aof 0:$at]]
        is [ask $s KEYS k:*] k:a
        truth {[ask $s DBSIZE] > 1 == ($head ne "")}
        stop $s
        # and through a pipe, which can be read but once
        set out [tmpdir]/out
        is [run sh -c {cat "$1" | timeout 180 "$0" restore - "$2" --to "$3"} $holdfast $dir/old.aof \
            $out 0:$at] 0
        is [run diff -r $out [restored $dir/old.aof 0:$at]] 0
    }
}

case "damage in front of the moment is told; a torn end is not" {
    set dir [tmpdir]
    set text [encode {SELECT 0}][encode {SET a 1}]
    set cut [string length $text]
    append text [encode {SET b 1}]
    set end [string length $text]
    spit $dir/a.aof $text[string range [encode {SET c 1}] 0 end-3]
    set s [server "appendonly yes\nsave \"\"" -dir [restored $dir/a.aof 0:[file size $dir/a.aof]]]
    is [lsort [ask $s KEYS *]] {a b}
    stop $s
    spit $dir/a.aof [string replace $text 24 24 x][encode {SET c 1}]
    refused 5 "*damaged at offset*fix --salvage first*" $dir/a.aof [tmpdir]/x --to 0:[expr {$end + 9}]
}

case "every position that points lists can be gone to, and those it calls out of reach cannot" {
    set s [server "$config\nauto-aof-rewrite-percentage 0\naof-timestamp-enabled yes\naof-keep-history 9"]
    set dir [of $s dir]
    for {set part 1} {$part <= 3} {incr part} {
        for {set i 0} {$i < 12} {incr i} { change $s $i }
        ask $s FLUSHALL
        ask $s SELECT 0
        if {$part == 3} break
        ask $s BGREWRITEAOF
        wait_for { expr {[info_of $s aof_rewrites] == $part && [info_of $s aof_rewrite_in_progress] == 0} }
    }
    stop $s
    set parts [lsort -dictionary [glob [log_dir $dir]/*.incr.aof]]
    is [llength $parts] 3
    foreach damaged {none 0 1 2 empty torn} {
        set place [tmpdir]
        file copy [log_dir $dir] $place/appendonlydir
        set path $place/appendonlydir/[file tail [lindex $parts [expr {[string is integer $damaged] ? $damaged : 2}]]]
        set bytes [slurp $path]
        if {[string is integer $damaged]} {
            spit $path [string replace $bytes 200 299 [string repeat \0 100]]
        } elseif {$damaged eq "empty"} {
            spit $path ""
        } elseif {$damaged eq "torn"} {
            spit $path [string range $bytes 0 end-7]
        }
        run timeout 120 $holdfast points $place
        set listed 0
        foreach line [split $run_output \n] {
            if {![regexp {^(\d+:\d+) } $line -> at]} continue
            incr listed
            set code [run timeout 120 $holdfast restore $place [tmpdir]/out --to $at --quiet]
            set far [string match "*can't be reached*" $line]
            is [list $damaged $line [expr {$code == 0}]] [list $damaged $line [expr {!$far}]]
        }
        truth {$listed >= 6}
    }
    # one file by itself
    set alone [tmpdir]
    spit $alone/appendonly.aof [encode {SELECT 0}][encode {SET a 1}][encode {FLUSHALL}]
    run timeout 120 $holdfast points $alone/appendonly.aof
    foreach at [regexp -all -inline -line {^\d+:\d+} $run_output] {
        is [run timeout 120 $holdfast restore $alone/appendonly.aof [tmpdir]/out --to $at] 0
    }
}

# A set of a base and one increment.
proc set_of {base_name base incr} {
    set dir [tmpdir]
    file mkdir [log_dir $dir]
    spit [log_dir $dir]/$base_name $base
    spit [log_dir $dir]/appendonly.aof.1.incr.aof $incr
    spit [manifest_of $dir] "file $base_name seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n"
    return $dir
}
# Both verbs name the file and end with that code; nothing is made.
proc bad_base {code pattern dir} {
    set out [tmpdir]/x
    foreach how {{} --dry-run} {
        refused $code "*$pattern: a server would not start from it*No server starts from the base that it\
            takes: holdfast salvage and fix --base*can't be reached: a file is missing, or damaged*" \
            $dir $out --to 1:0 {*}$how
        truth {![file exists $out]}
    }
    is [run $::holdfast points $dir] $code
    like $::run_output "*1:0 *can't be reached: a file is missing, or damaged*"
    like $::run_output "*$pattern: a server would not start from it*"
}

case "a base that no server starts from is said, and nothing is made of it" {
    set incr [encode {SELECT 0}][encode {SET later 1}]
    set rdb [slurp $root/fixtures/rdb/v10-listpacks.rdb]
    set half [expr {[string length $rdb] / 2}]
    set name appendonly.aof.1.base.rdb
    # As it is, it is taken.
    set s [server "appendonly yes\nsave \"\"" -dir [restored [set_of $name $rdb $incr] 1:[string length $incr]]]
    is [ask $s GET later] 1
    stop $s
    bad_base 5 "$name: offset *CRC*" [set_of $name [string replace $rdb end end \
        [format %c [expr {[scan [string index $rdb end] %c] ^ 1}]]] $incr]
    bad_base 5 "$name: offset *" [set_of $name [string replace $rdb $half $half+3 \xfa\xfa\xfa\xfa] $incr]
    bad_base 3 "$name: offset *" [set_of $name [string range $rdb 0 $half] $incr]
    bad_base 5 "$name: offset 0: it is empty*" [set_of $name "" $incr]
    bad_base 6 "$name: offset *ersion*" [set_of $name [string replace $rdb 5 8 9999] $incr]
    # what only a load would show: no checksum, and a key twice
    set twice "REDIS0009\xfe\x00[string repeat "\x00\x01k\x01v" 2]\xff[string repeat \x00 8]"
    bad_base 4 "$name: offset *a key is there twice*" [set_of $name $twice $incr]
    set library "REDIS0010\xf5\x1b#!lua name=mylib\nsyntax is \xff[string repeat \x00 8]"
    bad_base 5 "$name: offset *library of functions*" [set_of $name $library $incr]
    # commands: whole, cut off at the end, damaged in the middle; also behind an RDB
    set name appendonly.aof.1.base.aof
    set commands [encode {SELECT 0}][encode {SET a 1}][encode {SET b 1}]
    foreach head [list "" $rdb] {
        set s [server "appendonly yes\nsave \"\"" -dir [restored [set_of $name $head$commands $incr] 1:0]]
        is [ask $s EXISTS a b later] 2
        stop $s
        bad_base 5 "$name: offset *" [set_of $name [string range $head$commands 0 end-2] $incr]
        bad_base 5 "$name: offset *" [set_of $name $head[string replace $commands 24 24 x] $incr]
    }
    # an RDB in front of commands in one file
    set file [tmpdir]/one.aof
    spit $file $library$commands
    refused 5 "*one.aof: offset *library of functions*" $file [tmpdir]/x --to 0:[file size $file]
    is [run $holdfast points $file] 5
}

case "of a damaged base the one before it serves, and that is said" {
    set s [server "$config\naof-keep-history 9\nauto-aof-rewrite-percentage 0"]
    set dir [of $s dir]
    for {set round 1} {$round <= 2} {incr round} {
        for {set i 0} {$i < 12} {incr i} { change $s $i }
        ask $s BGREWRITEAOF
        wait_for { expr {[info_of $s aof_rewrites] == $round && [info_of $s aof_rewrite_in_progress] == 0} }
    }
    change $s 5
    set noted [list [position $s] [state $s]]
    stop $s
    lassign [lsort -dictionary [glob [log_dir $dir]/*.base.rdb]] first second third
    proc overwrite {path} {
        set bytes [slurp $path]
        spit $path [string replace $bytes 60 63 \xfa\xfa\xfa\xfa]
    }
    overwrite $third
    set out [tmpdir]/out
    is [run $holdfast restore $dir $out --to [lindex $noted 0]] 4
    like $run_output "*from base [file tail $second]*out is made*"
    like $run_output "*[file tail $third]: offset *a server would not start from it*"
    is [state_of $out] [lindex $noted 1]
    is [run $holdfast points $dir] 5
    truth {![string match "*can't be reached*" $run_output]}
    # Of history nothing is lost that a start loads; but then nothing reaches that far.
    overwrite $second
    overwrite $first
    refused 5 "*No server starts from the base*" $dir [tmpdir]/x --to [lindex $noted 0]
    foreach path [list $first $second $third] { like $run_output "*[file tail $path]: offset *" }
    # Where only one of history is in the way, fix --base, which is for the log's own, would not help.
    set incr [lindex [lsort -dictionary [glob [log_dir $dir]/*.incr.aof]] 0]
    set at [seq_of $incr]:[file size $incr]
    refused 4 "*which is history: holdfast salvage [file tail $first] clean.rdb first*" $dir [tmpdir]/x --to $at
    truth {![string match "*fix --base*" $run_output]}
    is [run $holdfast salvage $first [set clean [tmpdir]/clean.rdb] --keep-doubtful] 4
    file copy -force $clean $first
    restored $dir $at
}

case "times that there are: the last one only where it was looked for" {
    set dir [tmpdir]
    spit $dir/a.aof "#TS:1700000000\r\n[encode {SELECT 0}][encode {SET a 1}]#TS:1700009000\r\n[encode {SET b 1}]"
    refused 1 "*The log begins later than that*times from 2023-11-14T22:13:20.000Z on*" $dir/a.aof \
        [tmpdir]/x --to 2020-01-01T00:00:00Z
    truth {![string match "*times from*to 20*" $run_output]}
}

# A base, a closed increment and the newest; the manifest has such words behind their lines.
proc two_increments {one two {of_one ""} {of_two ""}} {
    set dir [set_of appendonly.aof.1.base.rdb [slurp $::root/fixtures/rdb/v10-listpacks.rdb] $one]
    spit [log_dir $dir]/appendonly.aof.2.incr.aof $two
    spit [manifest_of $dir] "file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i$of_one\nfile appendonly.aof.2.incr.aof seq 2 type i$of_two\n"
    return $dir
}

case "a file that ends where a command does, and was longer: what lies behind that can't be restored" {
    set one [encode {SELECT 0}][encode {SET a 1}]
    set gone [encode {SET b 2}]
    set two [encode {SELECT 0}][encode {SET c 3}]
    set size [string length $one$gone]
    set dir [two_increments $one $two " size $size"]
    refused 5 "*appendonly.aof.1.incr.aof is damaged at offset [string length $one], in front of that moment: [string length $gone] bytes that it had by the manifest are gone*fix --salvage first*" \
        $dir [set out [tmpdir]/out] --to 2:[string length $two]
    truth {![file exists $out]}
    restored $dir 1:[string length $one]
    # once that is accepted, it is another log
    is [run $holdfast fix --salvage $dir --output [set mended [tmpdir]/mended]] 7
    restored $mended 2:[string length $two]
    # the newest: there is no moment behind its end, and a time that it might have reached says so
    set times "#TS:1700000000\r\n[encode {SELECT 0}]#TS:1700000010\r\n[encode {SET c 3}]"
    set dir [two_increments $one $times "" " size [expr {[string length $times] + 100}]"]
    restored $dir 2:[string length $times]
    restored $dir @1700000005
    refused 5 "*appendonly.aof.2.incr.aof: 100 bytes that it had by the manifest are gone*is made*" \
        $dir [set out [tmpdir]/out] --to @1700000020
    truth {[file exists $out]}
}

case "a command that no server runs, in front of the moment: nothing is made; behind it, it is none of it" {
    set good [encode {SELECT 0}][encode {SET a 1}]
    foreach {bad pattern} [list [encode {NOSUCH a}] "Unknown command: NOSUCH: holdfast fix --skip" \
            [encode {SET a}] "Wrong number of arguments: SET: holdfast fix --skip" \
            [encode MULTI][encode {SET b 1}][encode SHUTDOWN][encode EXEC] "No place in a log: SHUTDOWN: holdfast fix --skip" \
            *0\r\n "*holdfast fix --salvage"] {
        set dir [two_increments $good$bad $good]
        set at [string length $good]
        foreach to [list 1:[string length $good$bad] 2:0 2:$at] {
            foreach way {{} --dry-run} {
                refused 4 "*1.incr.aof is damaged at offset $at, in front of that moment: $pattern first*" \
                    $dir [set out [tmpdir]/out] --to $to {*}$way
                truth {![file exists $out]}
            }
        }
        restored $dir 1:$at
        # check says the same of it; what fix leaves can be restored
        is [run $holdfast check $dir] 4
        set mended [tmpdir]/mended
        is [run $holdfast fix [expr {$bad eq "*0\r\n" ? "--salvage" : "--skip"}] $dir --output $mended] 7
        is [llength [state_of [restored $mended 2:$at]]] 1
    }
    # of two kinds the worse counts
    set torn [string range [encode {SET torn 1}] 0 end-3]
    refused 5 "*1.incr.aof is damaged*fix --salvage*" [two_increments [encode {NOSUCH a}]$good$torn $good] [tmpdir]/x --to 2:0
}

case "a log by other names: what a server must be told to find what was made" {
    set s [server $config]
    for {set i 0} {$i < 40} {incr i} { change $s $i }
    set state [state $s]
    set at [position $s]
    set dir [of $s dir]
    stop $s
    set other [tmpdir]/other
    file copy [log_dir $dir] $other
    file rename $other/appendonly.aof.manifest $other/mine.manifest
    foreach {words code} [list [list restore $other [tmpdir]/made --to $at] 0 \
            [list fix --salvage $other --output [tmpdir]/made] 0] {
        set out [lindex $words [lsearch -glob $words */made]]
        is [list $words [run timeout 180 $holdfast {*}$words]] [list $words $code]
        like $run_output "*appendonly yes, appenddirname other, appendfilename mine*"
        set s [server "$config\nappenddirname other\nappendfilename mine" -dir $out]
        is [state $s] $state
        stop $s
    }
    # by the usual ones nothing need be told
    run timeout 180 $holdfast restore $dir [tmpdir]/made --to $at
    truth {![string match "*appenddirname*" $run_output]}
}

case "where a part ends is told as positions count, packed or not" {
    set dir [tmpdir]
    set text [encode {SELECT 0}][encode {SET a 1}]
    set n [string length $text]
    set name appendonly.aof
    spit $dir/one.aof $text
    spit $dir/one.gz [zlib gzip $text]
    file mkdir $dir/packed
    foreach i {1 2} { spit $dir/packed/$name.$i.incr.aof.gz [zlib gzip $text] }
    spit $dir/packed/$name.manifest "file $name.1.incr.aof seq 1 type i\nfile $name.2.incr.aof seq 2 type i\n"
    foreach {from word} [list one.aof one.aof one.gz one.gz one.gz - one.aof -] {
        set path [expr {$word eq "-" ? "-" : "$dir/$word"}]
        is [run sh -c "exec $holdfast restore $path $dir/out --to 7:0 <$dir/$from"] 1
        like $run_output "*    0:0 to 0:$n (*"
        is [run sh -c "exec $holdfast restore $path $dir/out --to 7:0 --json <$dir/$from"] 1
        like $run_output "*\"size\":$n,*"
    }
    # The second is not read when the first was asked for.
    is [run $holdfast restore $dir/packed $dir/out --to 1:99999] 1
    like $run_output "*    1:0 to 1:$n (*    2:0 to 2:? (its end was not read) ($name.2.incr.aof)*"
    is [run $holdfast restore $dir/packed $dir/out --to 1:99999 --json] 1
    like $run_output "*\"size\":$n,*\"size\":null,*"
}

finish
