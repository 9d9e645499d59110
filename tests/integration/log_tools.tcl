# SPDX-License-Identifier: BSD-3-Clause
# holdfast fix, who, stats, on logs of our server, with and without checksums, and on hostile ones:
# what is left out, what is told of it, that a server takes the result, that --undo gives back each
# byte; and the table of keys against COMMAND GETKEYS.
source [file join [file dirname [info script]] lib.tcl]
source [file join [file dirname [info script]] lib/jsonl.tcl]

set holdfast [file join $build holdfast]
set check_aof [file join $build redis-check-aof]

proc log_dir {dir} { return $dir/appendonlydir }
proc manifest_of {dir} { return [log_dir $dir]/appendonly.aof.manifest }
proc tool {args} { return [run timeout 180 $::holdfast {*}$args] }
proc files_of {dir} {
    set found {}
    foreach path [lsort [glob $dir/*]] {
        if {![string match *.fix-* $path]} { lappend found [file tail $path] [slurp $path] }
    }
    return $found
}
proc keys_of {dir {db 0}} {
    set s [server "appendonly yes\nsave \"\"\naof-load-truncated no" -dir $dir]
    ask $s SELECT $db
    set keys {}
    foreach key [lsort -dictionary [ask $s KEYS *]] { lappend keys $key }
    stop $s
    return $keys
}
# A set of one increment.
proc log_of {text} {
    set dir [tmpdir]
    file mkdir [log_dir $dir]
    spit [log_dir $dir]/appendonly.aof.1.incr.aof $text
    spit [manifest_of $dir] "file appendonly.aof.1.incr.aof seq 1 type i\n"
    return $dir
}
proc flip {path at} {
    set text [slurp $path]
    scan [string index $text $at] %c c
    spit $path [string replace $text $at $at [format %c [expr {$c ^ 4}]]]
}
# A log with checksums: a base, and two increments that were written to, the first closed.
proc summed_log {{config ""}} {
    set s [server "appendonly yes\nsave \"\"\nenable-debug-command yes\nrdb-key-save-delay 0\n$config"]
    set dir [of $s dir]
    ask $s SET base 1
    ask $s BGREWRITEAOF
    wait_for { expr {[info_of $s aof_rewrite_in_progress] == 0
                     && [info_of $s aof_rewrite_scheduled] == 0} }
    wait_for { expr {![string match "*type h*" [slurp [manifest_of $dir]]]} }
    for {set i 0} {$i < 100} {incr i} { ask $s SET a:$i $i; ask $s INCR count }
    ask $s CONFIG SET rdb-key-save-delay 2000000000 ;# the rewrite does not end
    ask $s BGREWRITEAOF
    wait_for { expr {[info_of $s aof_rewrite_in_progress] == 1} }
    for {set i 0} {$i < 100} {incr i} {
        ask $s SET b:$i $i
        ask $s MULTI
        ask $s SET c:$i 1
        ask $s RPUSH list $i
        ask $s EXEC
    }
    stop $s term
    return $dir
}

case "nothing to mend; usage" {
    set dir [log_of [encode {SELECT 0}][encode {SET a 1}]]
    set before [files_of [log_dir $dir]]
    foreach mode {--tail --skip --salvage {}} {
        is [tool fix {*}$mode $dir --in-place] 0
        like $run_output "There is nothing to mend"
    }
    is [files_of [log_dir $dir]] $before
    is [tool fix --tail --skip $dir] 1
    is [tool fix --undo $dir] 1
    like $run_output "*there is nothing kept beside*"
    is [tool fix $dir/nothing] 2
    is [tool fix --salvage --in-place --output x $dir] 1
    is [tool fix $root/fixtures/rdb/v10-listpacks.rdb] 1
    like $run_output "*holdfast salvage mends it*"
}

case "a torn end is cut, as by redis-check-aof --fix; and put back" {
    foreach config {"" "aof-checksum no"} {
        set dir [summed_log $config]
        set path [lindex [lsort [glob [log_dir $dir]/*.incr.aof]] end]
        spit $path [string range [slurp $path] 0 end-9]
        file copy [log_dir $dir] $dir/classic
        file rename $dir/classic [set classic [tmpdir]]/classic
        set before [files_of [log_dir $dir]]
        set costs [tool check $dir]
        is [tool fix $dir] $costs
        like $run_output "*Nothing is written: --output PATH makes a new directory, --in-place*"
        is [files_of [log_dir $dir]] $before
        is [tool fix --tail --in-place $dir] 7
        exec sh -c "yes | $check_aof --fix $classic/classic/appendonly.aof.manifest"
        is [slurp $path] [slurp $classic/classic/[file tail $path]]
        truth {"b:99" in [keys_of $dir] || "b:98" in [keys_of $dir]}
        # the server has appended nothing; but its manifest may be another now
    }
    set dir [log_of [encode {SELECT 0}][encode {SET a 1}][string range [encode {SET b 2}] 0 end-3]]
    set before [files_of [log_dir $dir]]
    foreach words {check fix {fix --salvage} points stats} { is [list $words [tool {*}$words $dir]] [list $words 3] }
    is [tool fix --in-place $dir] 7
    is [tool fix $dir] 0
    set mended [files_of [log_dir $dir]]
    is [tool fix --undo $dir] 7
    is [files_of [log_dir $dir]] $before
    is [tool fix --undo $dir] 0
    is [tool fix --in-place $dir] 7
    is [files_of [log_dir $dir]] $mended
    spit [log_dir $dir]/appendonly.aof.1.incr.aof [encode {SELECT 0}][encode {SET a 2}]
    is [tool fix --undo $dir] 1
    like $run_output "*is not what fix had made of it: nothing is put back*"
}

case "where nothing is to be mended --output makes a whole copy" {
    set text [encode {SELECT 0}][encode {SET a 1}]
    set dir [log_of $text]
    set there [tmpdir]
    is [tool fix --salvage $dir --output $there/set] 0
    like $run_output "There is nothing to mend: all that a server loads of it is in $there/set"
    is [files_of $there/set/appendonlydir] [files_of [log_dir $dir]]
    is [tool fix --salvage $dir --output $there/set] 1
    spit $there/one.aof $text
    exec gzip -k $there/one.aof
    foreach {from to} [list $there/one.aof $there/of-one $there/one.aof.gz $there/of-packed] {
        is [tool fix --tail $from --output $to] 0
        is [slurp $to] $text
        is [tool fix --tail $from --output $to] 1
        like $run_output "*$to is there already*"
        is [slurp $to] $text
    }
    is [run sh -c "cat $there/one.aof | $holdfast fix - --output $there/of-pipe"] 0
    is [slurp $there/of-pipe] $text
    is [llength [glob -nocomplain $there/*.new-*]] 0
}

case "what is damaged in history is told to be, and what helps" {
    set good [encode {SELECT 0}][encode {SET a 1}]
    set dir [log_of $good]
    set old appendonly.aof.1.incr.aof
    spit [log_dir $dir]/$old $good[string repeat \0 40][encode {SET b 2}]
    spit [log_dir $dir]/appendonly.aof.2.incr.aof $good
    file copy $root/fixtures/rdb/v10-listpacks.rdb [log_dir $dir]/appendonly.aof.2.base.rdb
    spit [manifest_of $dir] "file appendonly.aof.2.base.rdb seq 2 type b\nfile $old seq 1 type h\nfile        appendonly.aof.2.incr.aof seq 2 type i\n"
    tool points $dir
    like $run_output "*damage in history: holdfast fix --salvage first*"
    is [tool check $dir] 4
    like $run_output "*faults are of history: *fix --salvage mends commands in them*"
    is [tool fix $dir] 0
    like $run_output "There is nothing to mend (its history was not read: --salvage does)"
    is [tool fix --salvage $dir] 4
    like $run_output "*Of history nothing is lost that a server loads*"
    is [tool fix --salvage --in-place [log_dir $dir]/$old] 7
    truth {![string match "*tells the size*" $run_output]} ;# it tells none
    tool points $dir
    is [string first "damage in" $run_output] -1
    is [tool fix --salvage $dir] 0
}

# Three generations, of which two are history; the second increment of it is damaged.
proc history_of_three {} {
    set s [server "appendonly yes\nsave \"\"\nauto-aof-rewrite-percentage 0\naof-keep-history 9"]
    set dir [of $s dir]
    for {set round 1} {$round <= 2} {incr round} {
        for {set i 0} {$i < 20} {incr i} { ask $s SET key$round-$i value }
        ask $s BGREWRITEAOF
        wait_for { expr {[info_of $s aof_rewrites] == $round && [info_of $s aof_rewrite_in_progress] == 0} }
    }
    ask $s SET last 1
    stop $s
    return $dir
}

proc spoil {incr} {
    set bytes [slurp $incr]
    set at [string first value $bytes [string first key2-12 $bytes]]
    spit $incr [string replace $bytes $at $at+4 XXXXX]
}

case "history is mended with the log, and what the manifest tells of it" {
    set dir [history_of_three]
    set incr [log_dir $dir]/appendonly.aof.2.incr.aof
    set end 2:[file size $incr]
    spoil $incr
    set before [files_of [log_dir $dir]]
    foreach words {check {fix --salvage}} { is [list $words [tool {*}$words $dir]] [list $words 4] }
    is [files_of [log_dir $dir]] $before
    is [tool restore $dir [tmpdir]/x --to $end] 4
    like $run_output "*appendonly.aof.2.incr.aof is damaged at offset *; in it, at *, SET key2-12: holdfast fix --salvage first*"
    is [tool fix --salvage $dir --output [set out [tmpdir]/out]] 7
    is [files_of [log_dir $dir]] $before
    is [tool fix --salvage --in-place $dir] 7
    set mended [log_dir $dir]/appendonly.aof.manifest
    like [slurp $mended] "*2.incr.aof seq 2 type h id * size [file size $incr]\n*#HF:sum*"
    is [slurp $out/appendonlydir/appendonly.aof.manifest] [slurp $mended]
    foreach copy [list $dir $out] {
        is [tool check $copy] 0
        is [tool restore $copy [set then [tmpdir]/then] --to 2:[file size $incr]] 0
        is [tool check $then] 0
        set s [server "appendonly yes\nsave \"\"\naof-keep-history 9" -dir $copy]
        is [ask $s GET last] 1
        stop $s
    }
    # The server has changed the log by now: put back is what was mended before that.
    set dir [history_of_three]
    set incr [log_dir $dir]/appendonly.aof.2.incr.aof
    spoil $incr
    set before [files_of [log_dir $dir]]
    is [tool fix --salvage --in-place $dir] 7
    is [tool fix --undo $dir] 7
    file delete {*}[glob [log_dir $dir]/*.fix-*]
    is [files_of [log_dir $dir]] $before
}

case "one file of history that was mended alone: the manifest is put right with the directory" {
    set dir [history_of_three]
    set incr [log_dir $dir]/appendonly.aof.2.incr.aof
    spoil $incr
    is [tool fix --salvage --in-place $incr] 7
    like $run_output "*appendonly.aof.manifest tells the size that appendonly.aof.2.incr.aof had: holdfast fix --salvage of the directory*"
    is [tool check $dir] 4
    is [tool fix --salvage --in-place $dir] 7
    is [tool check $dir] 0
}

case "a base in history that cannot be read stays, and is told to" {
    set dir [history_of_three]
    set base [log_dir $dir]/appendonly.aof.2.base.rdb
    spit $base [string replace [slurp $base] 60 63 \xfa\xfa\xfa\xfa]
    set before [files_of [log_dir $dir]]
    is [tool fix --salvage --in-place $dir] 4
    like $run_output "*appendonly.aof.2.base.rdb is an RDB: holdfast salvage *"
    is [files_of [log_dir $dir]] $before
}

case "a log that was mended twice is put back change by change" {
    set torn [string range [encode {SET b 2}] 0 end-3]
    set dir [log_of [encode {SELECT 0}][encode {SET a 1}]$torn]
    set incr [log_dir $dir]/appendonly.aof.1.incr.aof
    set first [files_of [log_dir $dir]]
    is [tool fix --in-place $dir] 7
    spit $incr [slurp $incr]*3\r\n\$3
    set second [files_of [log_dir $dir]]
    is [tool fix --in-place $dir] 7
    lassign [lsort [glob [log_dir $dir]/*.fix-*]] older newer
    is [tool fix --undo $dir] 7
    like $run_output "*1 files are as they were; $newer can be removed*"
    is [files_of [log_dir $dir]] $second
    # What the first had made is another by now: named, with what hinders it.
    is [tool fix --undo $dir] 0
    like $run_output "*$older is kept, too, from before: *is not what fix had made of it*"
    is [files_of [log_dir $dir]] $second
    spit $incr [string range [slurp $incr] 0 end-6]
    file delete $newer
    is [tool fix --undo $dir] 7
    is [files_of [log_dir $dir]] $first

    # Two changes, one upon the other.
    set dir [log_of [encode {SELECT 0}][encode {FOOBAR}][encode {SET a 1}]$torn]
    set first [files_of [log_dir $dir]]
    is [tool fix --tail --in-place $dir] 4 ;# of FOOBAR, which stays
    set second [files_of [log_dir $dir]]
    is [tool fix --skip --in-place $dir] 7
    lassign [lsort [glob [log_dir $dir]/*.fix-*]] older newer
    is [tool fix --undo $newer] 7
    is [tool fix --undo $newer] 0
    is [files_of [log_dir $dir]] $second
    is [tool fix --undo $dir] 7
    like $run_output "*1 files are as they were; $older can be removed*"
    is [files_of [log_dir $dir]] $first
    is [tool fix --undo $dir] 0
}

case "what comes through a pipe is mended into a file; no file is called -" {
    set dir [tmpdir]
    set torn "[encode {SET a 1}]*3\r\n\$3\r\nSE"
    spit $dir/torn.aof $torn
    set there [pwd]
    cd $dir
    is [run sh -c "cat torn.aof | $holdfast fix - --output mended.aof"] 7
    is [slurp mended.aof] [encode {SET a 1}]
    is [run sh -c "cat torn.aof | $holdfast fix - --in-place --yes"] 1
    like $run_output "*comes through a pipe*"
    is [run $holdfast fix torn.aof --output -] 1
    like $run_output "*--output -: it is a file*"
    is [lsort [glob *]] {mended.aof torn.aof}
    cd $there
}

case "damage in a part that is not the last: salvage, in place and elsewhere, and undo" {
    foreach config {"" "aof-checksum no" "appendfsync always"} {
        set dir [summed_log $config]
        set first [lindex [lsort [glob [log_dir $dir]/*.incr.aof]] end-1]
        set at [expr {[string first "a:50\r" [slurp $first]] - 4}] ;# the key's length
        flip $first $at
        flip $first [expr {$at + 6}]
        set before [files_of [log_dir $dir]]
        is [tool fix --tail $dir] 5
        like $run_output "*This is not the end of the last file*"
        is [tool fix --skip --in-place $dir] 5
        is [files_of [log_dir $dir]] $before
        set out [tmpdir]/out
        is [tool fix --salvage $dir --output $out] 7
        is [files_of [log_dir $dir]] $before
        is [tool fix --salvage --in-place $dir] 7
        set keys [keys_of $out]
        truth {"a:49" in $keys && "a:52" in $keys && "b:99" in $keys && "base" in $keys}
        truth {"a:50" ni $keys}
        is [run $check_aof [manifest_of $out]] 0
        is [run $check_aof [manifest_of $dir]] 0
        is [tool fix $dir] 0
        is [tool fix --undo $dir] 7
        is [files_of [log_dir $dir]] $before
        # not when it has changed since
        is [tool fix --salvage --in-place $dir] 7
        flip $first 300
        is [tool fix --undo $dir --json] 1
        flip $first 300
        is [tool fix --undo $dir] 7
        is [files_of [log_dir $dir]] $before
    }
}

# A log of a server with these settings: a base of fifty keys, and a command behind it.
proc log_with_base {config} {
    set s [server "appendonly yes\nsave \"\"\nrdb-key-save-delay 0\n$config"]
    set dir [of $s dir]
    for {set i 0} {$i < 50} {incr i} { ask $s SET base:$i [string repeat $i 20] }
    ask $s BGREWRITEAOF
    wait_for { expr {[info_of $s aof_rewrite_in_progress] == 0
                     && [info_of $s aof_rewrite_scheduled] == 0} }
    wait_for { expr {![string match "*type h*" [slurp [manifest_of $dir]]]} }
    ask $s SET behind 1
    stop $s term
    return $dir
}
case "a part of another log: --salvage goes on without it; one with another's name is given it back" {
    set dir [summed_log]
    set other [summed_log]
    lassign [lsort -dictionary [glob [log_dir $dir]/*.incr.aof]] first second
    set was [slurp $first]
    spit $first [slurp [log_dir $other]/[file tail $first]]
    set before [files_of [log_dir $dir]]
    is [tool check $dir] 5
    foreach mode {--tail --skip} {
        is [tool fix $mode $dir] 5
        like $run_output "*[file tail $first] is part of the log *--salvage goes on without its*"
    }
    is [tool fix --salvage $dir] 5
    like $run_output "*bytes 0 to [file size $first]: [file tail $first] is part of the log *"
    like $run_output "*Nothing is written: --output PATH makes a new directory, --in-place*"
    is [files_of [log_dir $dir]] $before
    is [tool fix --salvage $dir --output [set out [tmpdir]/out]] 7
    is [tool check $out] 0
    set keys [keys_of $out]
    truth {"base" in $keys && "b:99" in $keys && "a:1" ni $keys}
    is [tool fix --salvage $dir --in-place] 7
    is [tool check $dir] 0
    is [tool fix --undo $dir] 7
    file delete {*}[glob [manifest_of $dir].fix-*]
    is [files_of [log_dir $dir]] $before
    # both are there, and either way without its commands would be a loss
    spit $first [slurp $second]
    spit $second $was
    is [tool fix --salvage $dir] 5
    like $run_output "*says that it is number *give the files the names that they had*"
    spit $second [slurp $first]
    spit $first $was
    is [tool check $dir] 0
    # and a base
    set base [glob [log_dir $dir]/*.base.rdb]
    spit $base [slurp [log_dir $other]/[file tail $base]]
    is [tool fix --salvage $dir] 5
    like $run_output "*--base puts the right one in its place*"
}

case "a damaged base: salvage saves what is whole in it, fix --base puts that in its place" {
    set dir [log_with_base "aof-checksum no\nrdb-block-checksum no"]
    set base [glob [log_dir $dir]/*.base.rdb]
    set text [slurp $base]
    set at [string first base:20 $text]
    spit $base [string replace $text $at-4 $at+30 [string repeat \xff 35]]
    set before [files_of [log_dir $dir]]
    set clean [tmpdir]/clean.rdb
    is [tool fix --salvage $dir] 5
    like $run_output "*holdfast salvage [glob [log_dir $dir]/*.base.rdb] clean.rdb*fix --base*"
    is [tool salvage $dir $clean --doubtful [file dirname $clean]/doubtful.rdb] 5
    like $run_output "*the base of the log*The commands behind it, in 1 files, are not in OUT*"
    foreach {word told} [list $dir true [log_dir $dir] true [manifest_of $dir] true $base false] {
        tool salvage $word [tmpdir]/again.rdb --json
        like $run_output "*\"commands_behind\":$told*"
    }
    # a good base is no whole data set, as little as a file with both is
    set good [summed_log]
    is [tool salvage $good [tmpdir]/good.rdb] 5
    like $run_output "*The commands behind it, in 2 files, are not in OUT*"
    is [tool salvage [glob [log_dir $good]/*.base.rdb] [tmpdir]/good.rdb] 0
    is [tool fix --base $dir/nothing $dir] 2
    is [tool fix --base [manifest_of $dir] $dir] 5
    is [tool fix --base $base $dir] 5 ;# it is as damaged as before
    is [tool fix --undo --base $clean $dir] 1
    is [tool fix --base $clean $dir] 4
    like $run_output "*takes its place*Nothing is written*"
    is [files_of [log_dir $dir]] $before
    set out [tmpdir]/out
    is [tool fix --base $clean $dir --output $out] 7
    set keys [keys_of $out]
    truth {"behind" in $keys && "base:20" ni $keys}
    # What stands in front of the hole is there but for two keys and what the hole takes; behind it
    # all may be doubtful (a page with a selection may be missing there), and nothing is lost.
    set places {}
    for {set i 0} {$i < 50} {incr i} {
        lappend places [list [string first [binary format c [string length base:$i]]base:$i $text] base:$i]
    }
    set order [lmap one [lsort -integer -index 0 $places] { lindex $one 1 }]
    set hole [lsearch $order base:20]
    set doubtful [slurp [file dirname $clean]/doubtful.rdb]
    for {set i 0} {$i < 50} {incr i} {
        set key [lindex $order $i]
        if {$i < $hole - 3} { truth {$key in $keys} }
        if {$i > $hole + 4 && $key ni $keys} { truth {[string first $key $doubtful] >= 0} }
    }
    is [tool fix --base $clean --in-place $dir] 7
    is [run $check_aof [manifest_of $dir]] 0
    is [tool fix --undo $dir] 7
    is [files_of [log_dir $dir]] $before
    # a log without a base; a file behind which commands stand
    is [tool fix --base $clean [log_of [encode {SELECT 0}][encode {SET a 1}]]] 1
    like $run_output "*has no base of its own*"
    spit $clean.more "[slurp $clean][encode {SELECT 0}]"
    is [tool fix --base $clean.more $dir] 5
    like $run_output "*bytes follow the RDB*"
}

case "a base that is lost altogether: --base gives another its place, in place too, and --undo takes it away" {
    foreach {config damage} {"" none "aof-checksum no\nrdb-block-checksum no" none "" incr} {
        set dir [log_with_base $config]
        set base [glob [log_dir $dir]/*.base.rdb]
        file rename $base [set copy [tmpdir]/clean.rdb]
        set incr [lindex [lsort [glob [log_dir $dir]/*.incr.aof]] end]
        if {$damage eq "incr"} { spit $incr [slurp $incr][string repeat \0 50] }
        set before [files_of [log_dir $dir]]
        is [tool fix --salvage $dir] 5
        like $run_output "*[file tail $base] is missing*"
        is [tool fix --salvage --base $copy $dir --output [set out [tmpdir]/out]] 7
        is [llength [keys_of $out]] 51
        is [files_of [log_dir $dir]] $before
        is [tool fix --salvage --base $copy --in-place $dir] 7
        is [slurp $base] [slurp $copy]
        is [tool check $dir] 0
        is [llength [keys_of $dir]] 51
    }
}

case "what --undo takes away is what fix had put there" {
    set dir [log_with_base ""]
    set base [glob [log_dir $dir]/*.base.rdb]
    file rename $base [set copy [tmpdir]/clean.rdb]
    set before [files_of [log_dir $dir]]
    is [tool fix --salvage --base $copy --in-place $dir] 7
    flip $base 100
    is [tool fix --undo $dir] 1
    like $run_output "*[file tail $base] is not what fix had made of it*"
    truth {[file exists $base]}
    flip $base 100
    is [tool fix --undo $dir] 7
    is [files_of [log_dir $dir]] $before
    is [tool fix --undo $dir] 0
    is [files_of [log_dir $dir]] $before
}

case "of many that are left out people are told the first, and programs all" {
    set text [encode {SELECT 0}]
    for {set i 0} {$i < 2500} {incr i} { append text [encode [list SET k$i]][encode [list SET g$i 1]] }
    spit [set dir [tmpdir]]/many.aof $text
    is [tool fix --skip $dir/many.aof] 4
    is [regexp -all {Wrong number of arguments: SET} $run_output] 100
    is [regexp -all {left out: SET} $run_output] 100
    like $run_output "*--json lists each: 2400 ranges, 2400 keys left out*2500 ranges are left out*"
    is [tool fix --skip $dir/many.aof --json] 4
    is [regexp -all {Wrong number of arguments: SET} $run_output] 2500
    like $run_output "*k2499*"
}

case "fix --base with checksums: what is no part of this log is taken without its name, or refused" {
    set dir [log_with_base ""]
    set base [glob [log_dir $dir]/*.base.rdb]
    set copy [tmpdir]/copy.rdb
    file copy $base $copy
    set other [glob [log_dir [log_with_base ""]]/*.base.rdb]
    # too far from each other to be put right; the next key is another one each time
    set at [string first base:20 [slurp $base]]
    flip $base [expr {$at + 2}]
    flip $base [expr {$at + 12}]
    set before [files_of [log_dir $dir]]
    truth {[tool check $dir] != 0}
    # another copy of the same base
    is [tool fix --base $copy $dir --output [set out [tmpdir]/out] --json] 7
    like $run_output {*"base_replaced":true*}
    truth {"behind" in [set keys [keys_of $out]] && "base:20" in $keys && [llength $keys] == 51}
    # what salvage saved: the keys of the one block are doubtful
    set clean [tmpdir]/clean.rdb
    is [tool salvage --keep-doubtful $dir $clean] 5
    is [tool fix --base $clean $dir --in-place] 7
    is [run $check_aof [manifest_of $dir]] 0
    truth {"behind" in [set keys [keys_of $dir]] && "base:0" in $keys && [llength $keys] >= 50}
    # a dump, which says of no log that it is its base
    set dir [log_with_base ""]
    set s [server "save \"\""]
    ask $s SET dumped 1
    ask $s SAVE
    is [tool fix --base [of $s dir]/dump.rdb $dir --output [set out [tmpdir]/out]] 7
    is [keys_of $out] {behind dumped}
    # the base of another log, and a packed one
    is [tool fix --base $other $dir --in-place] 1
    like $run_output "*is base 2 of the log *, not base 2 of *"
    exec gzip -k $copy
    is [tool fix --base $copy.gz $dir --in-place] 1
    like $run_output "*It is compressed*"
}

case "one changed byte is put right where checksums tell it, by any mode" {
    foreach {config mode} {"" --tail "appendfsync always" --skip "" --salvage} {
        set dir [summed_log $config]
        set first [lindex [lsort [glob [log_dir $dir]/*.incr.aof]] end-1]
        set whole [slurp $first]
        for {set n 10} {$n < 90} {incr n 40} {
            flip $first [expr {[string first "a:$n\r" $whole] + 1}] ;# in a key, the second in a name
            flip $first [expr {[string first "INCR" $whole [string first "a:[expr {$n + 20}]" $whole]]}]
        }
        is [tool fix $mode $dir] 4
        is [tool fix $mode $dir --in-place] 7
        like $run_output "*4 bytes are put right*0 ranges are left out*"
        set keys [keys_of $dir]
        for {set i 0} {$i < 100} {incr i} { truth {"a:$i" in $keys && "b:$i" in $keys} }
        is [run $check_aof [manifest_of $dir]] 0
        is [tool fix $dir] 0
    }
}

case "a running server's log is left alone" {
    set s [server "appendonly yes\nsave \"\""]
    ask $s SET a 1
    set path [lindex [glob [log_dir [of $s dir]]/*.incr.aof] 0]
    spit $path.copy [slurp $path]
    is [tool fix --salvage --in-place [of $s dir]] 1
    like $run_output "*A server is using this log: process [of $s pid]*"
    is [slurp $path] [slurp $path.copy]
    stop $s
}

case "dependents of commands that are left out but can be read" {
    set text [encode {SELECT 0}][encode {MULTI}][encode {INCR n}][encode {SET s 1}]
    append text [encode {LPUSH l 1}][encode {NOSUCH x}][encode {EXEC}]
    set end [string length $text]
    append text [encode {INCR n}][encode {SET s newer}][encode {APPEND s x}][encode {RENAME l l2}]
    append text [encode {DEL n}][encode {INCR n}][encode {RPUSH l 5}][encode {SADD other 1}]
    append text [encode {SUNIONSTORE u l2 other}][encode {FLUSHDB}][encode {APPEND l2 1}]
    set dir [log_of $text]
    is [tool fix --salvage $dir --json --output [tmpdir]/out] 7
    foreach {command key} {INCR n RENAME l2 SUNIONSTORE u} {
        like $run_output "*\"dependents\":*\"command\":\"$command\"*\"key\":\"$key\"*"
    }
    like $run_output "*\"dependents_found\":3,*"
    like $run_output "*\"lost\":*\"key\":\"n\"*\"key\":\"s\"*\"key\":\"l\"*"
    is [tool fix --skip $dir] 4
    like $run_output "*Unknown command: NOSUCH, and with it its transaction*"
}

case "single commands that a server would not run" {
    set text [encode {SELECT 0}][encode {SET a 1}][encode {NOSUCH 1}][encode {GET}][encode {SET b 1}]
    append text [encode EXEC]*-1\r\n[encode {DEBUG SEGFAULT}][encode {SET c 1}]
    append text [encode MULTI][encode {SET d 1}][encode MULTI][encode {SET e 1}][encode EXEC]
    append text [encode {SET f 1}]
    set one [log_of [encode {SELECT 0}][encode {FOOBAR 1}][encode {SET a 1}]]
    set before [files_of [log_dir $one]]
    foreach words {check fix {fix --in-place}} {
        is [list $words [tool {*}$words $one]] [list $words 4]
        like $run_output "*FOOBAR*--skip leaves it out*"
    }
    is [files_of [log_dir $one]] $before
    is [tool fix --skip --in-place $one] 7
    is [tool fix $one] 0
    set dir [log_of $text]
    is [tool fix --skip --in-place $dir] 7
    is [keys_of $dir] {a b c e f}
}

case "text inside a value is not taken for commands" {
    set evil "xx\r\n[encode {SET evil 1}][encode {SET evil 2}]"
    set text [encode {SELECT 0}][encode {SET a 1}]
    set at [string length $text]
    append text [encode [list SET b $evil]]
    set end [string length $text]
    append text [encode {SET c 1}][encode {SET d 1}]
    # each byte of the command's head, and of its value's beginning
    for {set i $at} {$i < $at + 45} {incr i} {
        set dir [log_of $text]
        flip [log_dir $dir]/appendonly.aof.1.incr.aof $i
        set code [tool fix --salvage --in-place $dir]
        set keys [keys_of $dir]
        if {"evil" in $keys} { error "byte [expr {$i - $at}]: $keys" }
        if {"a" ni $keys || "c" ni $keys || "d" ni $keys} { error "byte [expr {$i - $at}]: $keys $run_output" }
        truth {$code == 7 || [llength $keys] == 4}
    }
    # The head is gone: what leads to the value's end is no command; two faults are one too many.
    set dir [log_of [string replace $text $at [expr {$at + 40}] [string repeat \0 41]]]
    is [tool fix --salvage --in-place $dir] 7
    is [keys_of $dir] {a c d}
    append text [encode {SET e 1}][encode {SET f 1}][encode {SET g 1}][encode {SET h 1}]
    set dir [log_of $text]
    foreach where {{$1\r\nb} {$1\r\ng}} {
        set i [string first [subst -nocommands -novariables $where] $text]
        flip [log_dir $dir]/appendonly.aof.1.incr.aof [expr {$i + 1}]
    }
    is [tool fix --salvage $dir --output [set out [tmpdir]/out]] 7
    is [keys_of $out] {a h}
    like $run_output "*may as well be text inside a value*"
    is [tool fix --salvage --keep-doubtful $dir --output [set out [tmpdir]/out]] 7
    is [keys_of $out] {a c d e f h}
}

# Single commands within a second: each a small batch, no line that names the log among them. Ten
# bytes of two values are lost: what is whole between them stays, a transaction too.
proc second_of_commands {} {
    set s [server "appendonly yes\nappendfsync everysec\nsave \"\""]
    for {set i 1000} {$i < 2500} {incr i} {
        if {$i == 1700} { ask $s MULTI; ask $s SET both:1 x; ask $s SET both:2 x; ask $s EXEC }
        ask $s SET k:$i value-of-$i
    }
    set dir [of $s dir]
    stop $s
    return $dir
}
# Where the value of k:I stands, from I on, that lies far from where a block begins; sets I.
proc value_at {text name} {
    upvar 1 $name i
    for {} {1} {incr i} {
        set at [string first value-of-$i $text]
        if {$at % 4096 > 200 && $at % 4096 < 3900} { return $at }
    }
}
case "two faults within a second of small batches: what is whole between them stays" {
    for {set try 0} {$try < 20} {incr try} {
        set dir [second_of_commands]
        set path [glob [log_dir $dir]/*.incr.aof]
        set text [slurp $path]
        set first 1300
        set second 2200
        set from [value_at $text first]
        set to [value_at $text second]
        if {![string match "*#=*" [string range $text $from $to]]} break
    }
    truth {$try < 20}
    foreach at [list $from $to] {
        set text [string replace $text $at [expr {$at + 9}] [string repeat \0 10]]
    }
    spit $path $text
    foreach words {{} --keep-doubtful} {
        is [tool fix --salvage {*}$words $dir --output [set out [tmpdir]/out]] 7
        like $run_output "*2 ranges are left out*"
        truth {![string match "*may as well be text*" $run_output]}
        set keys [keys_of $out]
        is [llength $keys] 1500
        foreach key [list k:$first k:$second] { is [lsearch $keys $key] -1 }
    }
    foreach words {check stats points {who k:2000}} { is [list $words [tool {*}$words $dir]] [list $words 5] }
}

case "several databases: behind a gap the next SELECT is waited for" {
    set text [encode {SELECT 0}][encode {SET a 1}][encode {SELECT 1}][encode {SET b 1}]
    set at [string length $text]
    append text [encode {SELECT 2}][encode {SET c 1}][encode {SET d 1}][encode {SELECT 0}]
    append text [encode {SET e 1}]
    set dir [log_of [string replace $text $at [expr {$at + 25}] [string repeat \0 26]]]
    is [tool fix --salvage --in-place [log_dir $dir]/] 7
    like $run_output "*the database is not known until the next SELECT (--keep-doubtful*"
    is [keys_of $dir] {a e}
    is [keys_of $dir 1] b
    # its directory with a slash behind it: names as people write them
    like $run_output "*kept in [log_dir $dir]/appendonly.aof.manifest.fix-*"
}

case "a page of the disk is gone, zeroed, doubled" {
    set dir [summed_log "appendfsync always"]
    set path [lindex [lsort [glob [log_dir $dir]/*.incr.aof]] end]
    set text [slurp $path]
    foreach {what damaged least} [list \
        zeroed [string replace $text 4096 8191 [string repeat \0 4096]] 120 \
        lost [string replace $text 4096 8191] 120 \
        doubled [string range $text 0 8191][string range $text 4096 end] 201] {
        spit $path $damaged
        is [tool fix --salvage $dir --output [set out [tmpdir]/$what]] 7
        set keys [keys_of $out]
        truth {[llength [lsearch -all $keys b:*]] + [llength [lsearch -all $keys c:*]] + 1 >= $least}
        foreach n {0 99} { truth {"b:$n" in $keys && "c:$n" in $keys} }
    }
    set s [server "appendonly yes\nsave \"\"" -dir $out]
    is [ask $s LLEN list] 100 ;# none was taken twice
    stop $s
}

case "a page stands there twice: it costs nothing; what a tail mode would cut behind it is said" {
    set text [encode {SELECT 0}]
    for {set i 0} {$i < 400} {incr i} { append text [encode [list SET k$i value:[expr {$i * $i}]]] }
    spit [set dir [tmpdir]]/twice.aof [string range $text 0 8191][string range $text 4096 end]
    is [tool check $dir/twice.aof] 4
    is [tool fix $dir/twice.aof --json] 4
    regexp {"keys_lost":(\d+)} $run_output -> lost
    truth {$lost > 100}
    is [tool fix $dir/twice.aof] 4
    like $run_output "*nothing is lost (0 commands*cut with what is wrong in front of it: --salvage keeps it ($lost commands*"
    is [tool fix --salvage $dir/twice.aof] 4
    is [tool fix --salvage $dir/twice.aof --output $dir/mended.aof] 7
    is [slurp $dir/mended.aof] $text
    # a page in the place of the one behind it; bytes that stand there again and again
    spit $dir/over.aof [string range $text 0 8191][string range $text 4096 8191][string range $text 12288 end]
    spit $dir/noise [string repeat [string map {\n x \r x} "0*[string repeat {abcdefghijklmnop } 15]"] 400]
    foreach name {over.aof noise} {
        foreach words {check fix {fix --salvage}} {
            is [list $name $words [tool {*}$words $dir/$name]] [list $name $words 5]
            truth {![string match -nocase "*in front of itself*" $run_output]}
        }
    }
    # with checksums, over a page of ours
    set path [lindex [lsort [glob [log_dir [set set [summed_log]]]/*.incr.aof]] end]
    set text [slurp $path]
    spit $path [string range $text 0 4095][string range $text 0 4095][string range $text 8192 end]
    foreach words {check fix {fix --salvage}} {
        is [list $words [tool {*}$words $set]] [list $words 5]
        truth {![string match -nocase "*in front of itself*" $run_output]}
    }
}

case "who touched a key" {
    set text "#TS:1700000000\r\n[encode {SELECT 0}][encode {MSET x 1 k 2}]"
    append text [encode MULTI][encode {RENAME k k2}][encode {EVAL {return 1} 2 k k3}][encode EXEC]
    append text "#TS:1700000060\r\n[encode {SELECT 3}][encode {ZUNIONSTORE d 2 k z}]"
    append text [encode {SORT l STORE k}][encode {FLUSHDB}][encode {SELECT 0}][encode {SWAPDB 0 1}]
    append text [encode {XREADGROUP GROUP g c STREAMS q k 0 0}][encode {SET kk 1}][encode FLUSHALL]
    set dir [log_of $text]
    is [tool who k $dir] 0
    is [llength [split $run_output \n]] 9
    foreach line {"*2023-11-14T22:13:20*MSET x 1 k 2" "*RENAME k k2*(in a transaction)*" "*EVAL*"
                  "*22:14:20*db 3  ZUNIONSTORE d 2 k z" "*SORT*" "*FLUSHDB*" "*SWAPDB*" "*XREADGROUP*"
                  "*FLUSHALL*"} { like $run_output *$line* }
    is [tool who k $dir --db 3] 0
    is [llength [split $run_output \n]] 4
    is [tool who k $dir --db 0 --writes --json] 0
    truth {![string match *ZUNIONSTORE* $run_output]}
    like $run_output "*\"found\":6*"
    is [tool who base [summed_log]] 0
    like $run_output "*base.rdb holds it*"
    is [tool who nobody $dir] 0 ;# FLUSHALL touches it
}

case "a log whose files are missing is not read as if it were whole" {
    set dir [summed_log]
    set base [glob [log_dir $dir]/*.base.rdb]
    is [tool who base $dir] 0
    like $run_output "*base.rdb holds it*"
    foreach path [glob [log_dir $dir]/*.incr.aof] { file rename $path $path.away }
    foreach words [list "who base" points stats] {
        is [tool {*}$words $dir] 5
        like $run_output "*.2.incr.aof is missing: the manifest names it*"
        if {[lindex $words 0] eq "who"} { like $run_output "*base.rdb holds it*" }
    }
    foreach path [glob [log_dir $dir]/*.away] { file rename $path [file rootname $path] }
    file delete $base
    foreach words [list "who a:1" points stats] {
        is [tool {*}$words $dir] 5
        like $run_output "*[file tail $base] is missing: the manifest names it*"
        if {[lindex $words 0] eq "who"} { like $run_output "*SET a:1 1*" }
    }
}

case "a set that has lost a file: the others are mended, and it is said" {
    set set [summed_log "save \"\""]
    set s [server "appendonly yes\nsave \"\"" -dir $set]
    ask $s SET last 1
    stop $s
    set incrs [lsort -dictionary [glob [log_dir $set]/*.incr.aof]]
    set base [glob [log_dir $set]/*.base.rdb]
    foreach gone [list [lindex $incrs 0] [lindex $incrs end] $base] {
        file rename $gone $set/away
        set out [tmpdir]
        set before [files_of [log_dir $set]]
        foreach words [list [list check $set] [list fix $set] [list fix --salvage $set] \
                [list salvage $set $out/saved.rdb] [list points $set] \
                [list restore $set $out/old --to before-last:FLUSHALL]] {
            is [list $words [tool {*}$words]] [list $words 5]
            if {[lindex $words 0] ne "restore"} {
                truth {[string match "*[file tail $gone]*" $run_output]}
            }
        }
        truth {![file exists $out/old]}
        is [file exists $out/saved.rdb] [expr {$gone ne $base}]
        is [tool fix --salvage $set --output $out/mended] 7
        like $run_output "*[file tail $gone] is missing*"
        set left [keys_of $out/mended]
        is [expr {"base" in $left}] [expr {$gone ne $base}]
        is [expr {"last" in $left}] [expr {$gone ne [lindex $incrs end]}]
        is [tool fix --salvage --in-place $set] 7
        is [tool fix --undo $set] 7
        is [files_of [log_dir $set]] $before
        file rename $set/away $gone
    }
}

case "an RDB holds the key" {
    set dir [summed_log]
    file copy [glob [log_dir $dir]/*.base.rdb] $dir/plain.rdb
    is [tool who base $dir/plain.rdb] 0
    like $run_output "*plain.rdb holds it, at offset *"
    is [run sh -c "cat $dir/plain.rdb | $holdfast who base -"] 0
    like $run_output "*- holds it, at offset *"
    is [tool who nobody $dir/plain.rdb] 0
    like $run_output "Nothing in * touches that key"
}

case "statistics" {
    set text "#TS:1700000000\r\n[encode {SELECT 0}]"
    for {set i 0} {$i < 500} {incr i} {
        append text [encode [list SET k:$i [string repeat x 20]]][encode {INCR hot}]
        if {$i == 250} { append text "#TS:1700000009\r\n" }
    }
    append text [encode [list SET big [string repeat y 100000]]][encode {del big}]
    set dir [log_of $text]
    is [tool stats $dir --top 2] 0
    like $run_output "1003 commands, 0 transactions, * bytes behind 0 bytes of RDB*"
    like $run_output "*From 2023-11-14T22:13:20* 100.3 commands a second, at most 503*"
    like $run_output "*INCR *500 commands*11500 bytes*"
    like $run_output "*1000?? bytes (error 0)  db 0  big\n*11500 bytes (error 0)  db 0  hot\nA rewrite*"
    # what is left: 500 keys of 47 to 51 bytes, one that counts
    regexp {save about (\d+) %} $run_output -> saved
    truth {$saved >= 80 && $saved <= 84}
    is [tool stats $dir --json] 0
    like $run_output "*\"by_name\":*\"hottest\":*"
}

# All commands that the server finds keys in: the words behind the name are a1 a2 ..., with numbers
# of keys where some want them.
case "keys are where the server finds them" {
    set s [server ""]
    set text [encode {SELECT 0}]
    set wanted {}
    set seen 0
    foreach name [lsort [ask $s COMMAND LIST]] {
        set words [split $name |]
        set info [lindex [ask $s COMMAND INFO $name] 0]
        # To the server they may read; MIGRATE stands in no log, but as the DEL of what it moved.
        if {$name in {multi exec discard select pfcount pfdebug bitfield xreadgroup migrate}} continue
        foreach least {0 3 6} { foreach numbers {{} {1 2} {2 2} {3 2} {2 0} {4 STORE} {5 STREAMS}
                                               {4 STREAMS 2 2} {3 REPLACE} {4 REPLACE} {3 NX}} {
            set n [expr {max(abs([lindex $info 1]), $least, [llength $words])}]
            set argv $words
            for {set i [llength $words]} {$i < $n} {incr i} { lappend argv [incr seen]:$i }
            foreach {i word} $numbers { if {$i < $n} { lset argv $i $word } }
            if {[catch { ask $s COMMAND GETKEYSANDFLAGS {*}$argv } keys]} continue
            foreach one $keys {
                lassign $one key flags
                if {"RO" ni $flags && [string match *:* $key]} { lappend wanted [list $key $name] }
            }
            append text [encode $argv]
        } }
    }
    stop $s
    set dir [log_of $text]
    is [tool restore $dir --to 1:0 --dry-run] 0
    set found {}
    foreach line [split $run_output \n] {
        if {[regexp {^(\S+) \(database 0\): (\S+) at} $line -> key]} { dict set found $key 1 }
    }
    foreach one $wanted {
        lassign $one key name
        if {![dict exists $found $key]} { error "$name: $key is no key" }
        dict unset found $key
    }
    set more {}
    foreach key [dict keys $found] { if {[string match *:* $key]} { lappend more $key } }
    is $more {}
}

# 3 GiB in one value, sparse. The limit is of addresses, which
# are more than what is used.
if {!$sanitized} { case "a value of any size takes no memory" {
    set dir [tmpdir]
    set size [expr {3 << 30}]
    set f [open $dir/big.aof wb]
    puts -nonewline $f "[encode {SELECT 0}][encode {MSET a}]"
    puts -nonewline $f "*3\r\n\$3\r\nSET\r\n\$3\r\nbig\r\n\$$size\r\n"
    seek $f $size current
    puts -nonewline $f "\r\n[encode {SET after 1}][string range [encode {SET torn 1}] 0 end-4]"
    close $f
    foreach {words code says} {
        {fix} 4 "*Nothing is written*" {fix --salvage} 4 "*Wrong number of arguments: MSET*"
        {who after} 4 "*SET after 1*" {stats} 4 "*4 commands*big*" {points} 4 "*all there is*"
        {restore --to 0:23 --dry-run} 0 "*big*after*"
        {restore --to 0:60 --dry-run} 4 "*offset 23*Wrong number of arguments: MSET*fix --skip first*"
    } {
        is [run sh -c "ulimit -v 200000; exec timeout 180 $holdfast $words $dir/big.aof"] $code
        like $run_output $says
    }
} }

case "damaged directories of the field: no tool gives up, and what is salvaged is good" {
    set seen 0
    set mended 0
    foreach row [expr {[file exists $shared/corrupt/aof-dirs.jsonl] ?
                       [split [string trim [slurp $shared/corrupt/aof-dirs.jsonl]] \n] : {}}] {
        incr seen
        set dir [log_of ""]
        file delete {*}[glob [log_dir $dir]/*]
        regexp {"files":\{([^\}]*)\}} $row -> listing
        foreach {- file text} [regexp -all -inline {"([^"]*)":"([^"]*)"} $listing] {
            spit [log_dir $dir]/$file [binary decode base64 $text]
        }
        if {![regexp {"manifest":"([^"]*)"} $row -> text]} continue
        spit [manifest_of $dir] [binary decode base64 $text]
        set before [files_of [log_dir $dir]]
        set path [manifest_of $dir]
        foreach words [list {fix --tail} {fix --skip} {points} {who a} {stats} \
                           {restore --to 1:40 --dry-run}] {
            set code [tool {*}$words $path]
            if {$code < 0 || $code > 8} { error "$row: $words: $code $run_output" }
        }
        is [files_of [log_dir $dir]] $before
        set out [tmpdir]/out
        if {[tool fix --salvage $path --output $out] != 7} continue
        incr mended
        if {[run $check_aof $out/appendonlydir/[file tail $path]] != 0} { error "$row: $run_output" }
    }
    if {[file exists $shared]} { is $seen 74; truth {$mended > 20} }
}

# What a server that knows no lock of ours does to the file: it has it open to append.
proc with_writer {path body} {
    set pid [exec sleep 1000 >>$path &]
    try { uplevel 1 $body } finally { exec kill $pid }
    return $pid
}
case "nothing is put back while somebody appends to the log" {
    set dir [log_of [encode {SELECT 0}][encode {SET a 1}][string range [encode {SET b 2}] 0 end-3]]
    set before [files_of [log_dir $dir]]
    set incr [glob [log_dir $dir]/*.incr.aof]
    is [tool fix --in-place $dir] 7
    set kept [glob [log_dir $dir]/*.fix-*]
    set mended [files_of [log_dir $dir]]
    foreach word [list $dir [log_dir $dir] [manifest_of $dir] $kept] {
        set writer [with_writer $incr { is [tool fix --undo $word] 1 }]
        like $run_output "*Process $writer has this log open for writing*"
        is [files_of [log_dir $dir]] $mended
    }
    is [tool fix --undo $kept] 7
    is [files_of [log_dir $dir]] $before
}

# More lines than a pipe holds: it waits for whoever reads them, in the middle of its work.
proc much_to_say {} {
    set text [encode {SELECT 0}]
    for {set i 0} {$i < 3000} {incr i} {
        append text [encode "FOOBAR $i"][encode "SET key:$i $i"]
    }
    return [log_of $text]
}
proc begin_fix {dir} {
    # Its pipe is full before it says anything.
    set fix [open [list |sh -c "head -c 65536 /dev/zero; exec $::holdfast fix --skip --in-place $dir"]]
    wait_for { expr {[llength [glob -nocomplain [log_dir $dir]/*.mended-[pid $fix]]] == 1} }
    return $fix
}

case "one changes a log at a time; the second is told who does" {
    set dir [much_to_say]
    set before [files_of [log_dir $dir]]
    set fix [begin_fix $dir]
    set first [pid $fix]
    foreach words [list "fix --skip --in-place $dir" "fix --tail --in-place [manifest_of $dir]" \
                       "fix --undo $dir"] {
        is [tool {*}$words] 1
        like $run_output "*Process $first is changing this log*"
    }
    is [run $check_aof --fix [manifest_of $dir]] 1
    like $run_output "*Process $first is changing this log*"
    is [llength [glob [log_dir $dir]/*.mended-*]] 1
    read $fix
    catch { close $fix } - options
    is [lindex [dict get $options -errorcode] 2] 7
    is [llength [glob [log_dir $dir]/*.fix-*]] 1
    truth {[files_of [log_dir $dir]] ne $before}
    is [tool fix --undo $dir] 7
    is [files_of [log_dir $dir]] $before
}

case "what an interrupted fix left is named and removed, that of a living process is not" {
    set dir [much_to_say]
    set incr [glob [log_dir $dir]/*.incr.aof]
    set fix [begin_fix $dir]
    set ended [pid $fix]
    exec kill -KILL $ended
    catch { close $fix }
    set left $incr.mended-$ended
    set manifest [manifest_of $dir].mended-$ended
    spit $manifest ""
    set kept [manifest_of $dir].fix-1700000000.mended-$ended
    spit $kept HOLDFAST-UNDO
    set living $incr.mended-[pid]
    set others [list $living [log_dir $dir]/notes.mended-$ended $incr.mended-0$ended]
    foreach path $others { spit $path "" }
    tool fix --skip $dir
    like $run_output "*[file tail $left]: a fix that was interrupted left it; --in-place removes it*"
    truth {[file exists $left]}
    is [tool fix --skip --in-place $dir] 7
    foreach path [list $left $manifest $kept] {
        like $run_output "*[file tail $path]: a fix that was interrupted left it: removed*"
        truth {![file exists $path]}
    }
    foreach path $others { truth {[file exists $path]} }
    # and what an interrupted --undo left
    set left $incr.mended-$ended
    spit $left ""
    is [tool fix --undo $dir] 7
    truth {![file exists $left]}
}

case "what somebody writes beside the log is no part of it" {
    set dir [log_of [encode {SELECT 0}][encode {SET a 1}][string range [encode {SET b 2}] 0 end-3]]
    set incr [glob [log_dir $dir]/*.incr.aof]
    set torn [slurp $incr]
    foreach name {out.txt other.aof.1.incr.aof appendonly.aof.1.incr.aof.copy} {
        with_writer [log_dir $dir]/$name { is [tool fix --in-place $dir] 7 }
        spit $incr $torn
        with_writer [log_dir $dir]/$name {
            exec sh -c "yes | $check_aof --fix [manifest_of $dir]"
        }
        truth {[file size $incr] < [string length $torn]}
        spit $incr $torn
    }
    foreach name {appendonly.aof.manifest appendonly.aof.9.base.rdb appendonly.aof.2.incr.aof} {
        set writer [with_writer [log_dir $dir]/$name { is [tool fix --in-place $dir] 1 }]
        like $run_output "*Process $writer has this log open for writing*"
        is [slurp $incr] $torn
    }
    file link -symbolic $dir.link $dir
    set writer [with_writer $incr { is [tool fix --in-place $dir.link] 1 }]
    like $run_output "*Process $writer has this log open for writing*"
    file delete $dir.link
}

# A server that knows no lock of ours: whoever has the log open for writing is named.
set other_server [lindex [auto_execok redis-server] 0]
if {$other_server ne ""} {
    case "a log is not changed under a server of another kind" {
        set s [server "appendonly yes\nsave \"\"" -binary $other_server]
        ask $s SET a 1
        set dir [of $s dir]/appendonlydir
        set incr [lindex [glob $dir/*.incr.aof] 0]
        set f [open $incr a]
        puts -nonewline $f "torn"
        close $f
        set before [files_of $dir]
        foreach how {--tail --salvage} {
            is [tool fix $how --in-place --yes [of $s dir]] 1
            like $run_output "*Process [of $s pid] has this log open for writing*"
        }
        is [run $check_aof --fix [glob $dir/*.manifest]] 1
        like $run_output "*Process [of $s pid] has this log open for writing*"
        is [files_of $dir] $before
        set dir_of_it [of $s dir]
        stop $s
        is [tool fix --tail --in-place --yes $dir_of_it] 7
    }
}

# Per command, and not by how much could be lost with each.
case "a log of a million FLUSHALL takes no longer than one of other commands" {
    set path [tmpdir]/flush.aof
    set n [expr {$sanitized ? 50000 : 1000000}]
    set text [encode {SELECT 0}][string repeat [encode {FLUSHALL}] $n]
    append text [string repeat [encode {SET a 1}][encode {FLUSHDB}] [expr {$n / 4}]]
    spit $path $text
    set last 0:[expr {[string length $text] - [string length [encode {FLUSHDB}]]}]
    foreach {pattern command} {
        "*FLUSHALL*commands*" {stats}
        "*before FLUSHALL*" {points}
        "*FLUSHALL*" {who a}
    } {
        is [list $command [run timeout 60 $holdfast {*}$command $path --json]] [list $command 0]
        like $run_output $pattern
    }
    is [run timeout 60 $holdfast restore $path --to before-last:FLUSHDB --dry-run] 0
    like $run_output "*The moment is $last*all keys: FLUSHDB*"
}

case "commands on libraries of functions that are left out are told" {
    set code "#!lua name=mylib\nredis.register_function('f', function() return 1 end)"
    set text [encode {SET a 1}][encode {MULTI}][encode [list FUNCTION LOAD REPLACE $code]]
    append text [encode {FUNCTION DELETE old}]
    spit [set path [tmpdir]/x.aof] $text
    is [tool fix --salvage $path --json] 3
    set answer [json $run_output]
    is [dict get $answer functions_lost] 2
    is [lmap row [dict get $answer lost_functions] { list [dict get $row command] [dict get $row name] }] \
        {{LOAD mylib} {DELETE old}}
    is [tool fix --salvage $path] 3
    like $run_output "*left out: FUNCTION LOAD, library 'mylib' in x.aof at *FUNCTION DELETE, library 'old'*"
}

# No file may be longer than 8 KiB: the disk is full in the middle of it.
proc fails_while_writing {args} {
    is [run sh -c {ulimit -f 16; exec "$0" "$@"} $::holdfast {*}$args] 2
    like $::run_output "*too large*"
}
# As one that was killed leaves it.
proc leave_half {out} {
    set half $out.new-[exec sh -c {echo $$}]
    file mkdir $half/appendonlydir
    spit $half/db-0.rdb REDIS
    spit $half/appendonlydir/appendonly.aof.1.base.rdb REDIS
}

case "a directory has its name when it is whole; what a killed run left goes with the next of that name" {
    set s [server "appendonly yes\nsave \"\"\nenable-debug-command yes"]
    ask $s DEBUG POPULATE 2000 key 100
    ask $s BGREWRITEAOF
    wait_for { expr {[info_of $s aof_rewrite_in_progress] == 0
                     && [info_of $s aof_rewrite_scheduled] == 0} }
    ask $s SET big [string repeat x 20000]
    ask $s SET more [string repeat y 20000]
    set log [of $s dir]
    stop $s term
    set base [glob [log_dir $log]/*.base.rdb]
    set incr [lindex [lsort -dictionary [glob [log_dir $log]/*.incr.aof]] end]
    set at [file size $incr]
    regexp {(\d+)\.incr} $incr -> seq
    set dir [tmpdir]
    spit $dir/out.new-x "not ours"
    file mkdir $dir/out.new-[pid] $dir/outer.new-99999
    set others [lsort [glob -tails -directory $dir *]]
    foreach words [list [list convert $base $dir/out --to log --plain --no-lzf] \
                        [list convert $base $dir/out --split db --plain --no-lzf] \
                        [list restore $log $dir/out --to $seq:$at]] {
        fails_while_writing {*}$words
        is [lsort [glob -tails -directory $dir *]] $others
        leave_half $dir/out
        is [tool {*}$words] 0
        is [lsort [glob -tails -directory $dir *]] [lsort [concat $others out]]
        set made [list $dir/out]
        if {"--split" in $words} { set made [glob $dir/out/*] }
        is [tool check {*}$made] 0
        # It is there: refused, and as it is.
        is [tool {*}$words] 1
        like $run_output "*is there already*"
        file delete -force $dir/out
    }
}

case "a stream of a full sync is called what it is, by every verb that takes a file" {
    set rdb [slurp $root/fixtures/rdb/v10-listpacks.rdb]
    set dir [tmpdir]
    set mark [string repeat 0a 20]
    spit $dir/eof "\$EOF:$mark\r\n$rdb$mark"
    spit $dir/sized "\$[string length $rdb]\r\n$rdb"
    foreach {name cut} {eof " | head -c -40" sized ""} {
        foreach words [list [list check $dir/$name] [list dump $dir/$name] [list fix $dir/$name] \
                [list diff $dir/$name $dir/$name] [list stats $dir/$name] [list points $dir/$name] \
                [list convert $dir/$name $dir/out] [list restore $dir/$name $dir/out --to 0:0] \
                [list backup create $dir/$name $dir/backups] [list salvage $dir/$name $dir/out]] {
            is [list $words [tool {*}$words]] [list $words 1]
            like $run_output "*$dir/$name: a stream of a full sync, not a file: its RDB lies behind the\
                first line (tail -n +2$cut gives it)*"
        }
        truth {![file exists $dir/out]}
        exec sh -c "tail -n +2 $dir/$name$cut" >$dir/dump.rdb
        is [tool check $dir/dump.rdb] 0
    }
    # Not what only looks like one.
    foreach bytes {"\$5\r\nhello\r\n" "\$REDIS0010" "\$"} {
        spit $dir/other $bytes
        tool check $dir/other
        truth {![string match "*full sync*" $run_output]}
    }
}

finish
