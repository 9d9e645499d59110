# SPDX-License-Identifier: BSD-3-Clause
# redis-check-rdb and redis-check-aof as programs: command lines, output, exit codes, what they
# mend, odd kinds of files. Where the installed tools of Redis exist, outputs are compared byte for byte.
source [file join [file dirname [info script]] lib.tcl]

set check_rdb [file join $build redis-check-rdb]
set check_aof [file join $build redis-check-aof]
set server_binary [file join $build redis-server]
set peer_rdb [lindex [auto_execok redis-check-rdb] 0]
set peer_aof [lindex [auto_execok redis-check-aof] 0]

# Code and output of a tool started in dir (so that both print the same names).
proc tool {dir input args} {
    set here [pwd]
    cd $dir
    set code [catch { exec timeout 180 {*}$args << $input 2>@1 } text options]
    cd $here
    if {!$code} { return [list 0 $text] }
    set error [dict get $options -errorcode]
    regsub {\n?child process exited abnormally$} $text "" text
    return [list [expr {[lindex $error 0] eq "CHILDSTATUS" ? [lindex $error 2] : -1}] $text]
}
proc tool_is {code pattern args} {
    lassign [tool {*}$args] got text
    like $text $pattern
    is $got $code
}

proc resp {args} { return [encode $args] }

# A set of two increments and a base; gives the manifest.
proc aof_set {dir {last ""}} {
    spit $dir/a.aof.1.base.aof [resp SELECT 0][resp SET base 1]
    spit $dir/a.aof.1.incr.aof [resp SELECT 0][resp SET one 1]
    spit $dir/a.aof.2.incr.aof [resp SELECT 0][resp SET two 2]$last
    spit $dir/a.aof.manifest "file a.aof.1.base.aof seq 1 type b
file a.aof.1.incr.aof seq 1 type i\nfile a.aof.2.incr.aof seq 2 type i\n"
    return a.aof.manifest
}

# ---- command lines ----

case "usage and versions" {
    set dir [tmpdir]
    foreach arguments {{} {a b} {a b c} --help -h} {
        is [tool $dir "" $check_rdb {*}$arguments] [list 1 "Usage: $check_rdb <rdb-file-name>"]
    }
    foreach arguments {{} {a b} {--fix a b} {a b c d} --help -h --plain} {
        is [tool $dir "" $check_aof {*}$arguments] [list 1 "Usage: $check_aof\
            \[--fix|--truncate-to-timestamp \$timestamp\] <file.manifest|file.aof>\n      \
            $check_aof --plain <file.manifest|file.aof> <out>"]
    }
    foreach option {-v --version} {
        tool_is 0 "redis-check-rdb 7.2.*" $dir "" $check_rdb $option
        tool_is 0 "redis-check-aof 7.2.*" $dir "" $check_aof $option
    }
    tool_is 1 "Cannot open file --fix: No such file or directory" $dir "" $check_aof --fix
    tool_is 1 "Invalid timestamp, aborting..." $dir "" $check_aof --truncate-to-timestamp x f
    tool_is 1 "*Cannot open file nothing: No such file*" $dir "" $check_rdb nothing
    tool_is 1 "Cannot open file nothing: No such file*" $dir "" $check_aof nothing
}

case "the server's executable under options and other names" {
    set dir [tmpdir]
    file copy $root/fixtures/rdb/v10-listpacks.rdb $dir/d.rdb
    tool_is 0 "*RDB looks OK!*" $dir "" $server_binary --check-rdb d.rdb
    tool_is 0 "*RDB looks OK!*" $dir "" $server_binary d.rdb --check-rdb
    spit $dir/c.conf "port 1\n"
    tool_is 0 "*RDB looks OK!*" $dir "" $server_binary c.conf --check-rdb d.rdb
    tool_is 0 "*\nAOF d.rdb is valid" $dir "" $server_binary --check-aof d.rdb
    file link -symbolic $dir/my-redis-check-rdb [file normalize $server_binary]
    tool_is 0 "*RDB looks OK!*" $dir "" ./my-redis-check-rdb d.rdb
    tool_is 0 "*RDB looks OK!*" $dir "" $check_rdb --databases 1 d.rdb
}

# ---- odd files ----

case "directory, device, empty file, FIFO" {
    set dir [tmpdir]
    spit $dir/empty ""
    foreach path {/dev/null empty} {
        tool_is 1 "*Unexpected EOF reading RDB file*" $dir "" $check_rdb $path
        tool_is 0 "*AOF $path is empty" $dir "" $check_aof $path
    }
    tool_is 1 "*RDB ERROR DETECTED*" $dir "" $check_rdb .
    tool_is 1 "Cannot read file: ." $dir "" $check_aof .
    tool_is 1 "*Wrong signature trying to load DB from file*" $dir "" $check_rdb /dev/zero
    tool_is 1 "*AOF /dev/zero format error*" $dir "" $check_aof /dev/zero
    exec mkfifo $dir/pipe
    set rdb [file normalize $root/fixtures/rdb/v10-listpacks.rdb]
    foreach tool [list $check_rdb $check_aof] { # nobody writes
        tool_is 1 "*Cannot open file pipe: Connection timed out*" $dir "" $tool pipe
    }
    tool_is 1 "*Cannot open file pipe: Illegal seek*" $dir "" $check_aof --fix pipe
    exec timeout 180 sh -c "cat $rdb >$dir/pipe" &
    tool_is 0 "*RDB looks OK!*" $dir "" $check_rdb pipe
    exec timeout 180 sh -c "cat $rdb >$dir/pipe" &
    tool_is 0 "*AOF pipe is valid" $dir "" $check_aof pipe
    exec timeout 180 sh -c "printf '*1\\r\\n\$4\\r\\nPI' >$dir/pipe" &
    tool_is 1 "*AOF pipe is not valid*" $dir "" $check_aof pipe
}

# Bytes as one LZ4 frame that does not compress, in the envelope of Valkey 9.2.
proc enveloped {rdb} {
    return "VKCS\x01\x01\x00\x00\x04\x22\x4d\x18\x60\x40\x82[binary format i \
        [expr {[string length $rdb] | 0x80000000}]]$rdb\x00\x00\x00\x00"
}

case "a file in an LZ4 envelope is checked and loaded like the file inside" {
    set dir [tmpdir]
    set rdb [slurp $root/fixtures/rdb/v08-binary-scores.rdb]
    spit $dir/plain.rdb $rdb
    spit $dir/dump.rdb [enveloped $rdb]
    lassign [tool $dir "" $check_rdb plain.rdb] code plain
    lassign [tool $dir "" $check_rdb dump.rdb] code wrapped
    is $wrapped [string map {plain.rdb dump.rdb} $plain]
    tool_is 0 "*RDB looks OK!*" $dir "" sh -c "cat dump.rdb | $check_rdb /dev/stdin"
    set s [server "save \"\"" -dir $dir]
    set keys [ask $s DBSIZE]
    truth {$keys > 0}
    stop $s kill
    file copy -force $dir/plain.rdb $dir/dump.rdb
    set s [server "save \"\"" -dir $dir]
    is [ask $s DBSIZE] $keys
    stop $s kill
    # a cut one is refused by both, with the same words
    spit $dir/dump.rdb [string range [enveloped $rdb] 0 end-30]
    tool_is 1 "*Unexpected EOF reading RDB file*" $dir "" $check_rdb dump.rdb
    lassign [server "" -dir $dir -fails 1] code said
    is $code 1
    like $said "*Unexpected EOF reading RDB file*"
}

case "an array is checked; the server says that it cannot hold it" {
    set dir [tmpdir]
    spit $dir/dump.rdb "REDIS0014\xfe\x00\x1c\x01a\x01\x00\x05\x00\x02hi\xff[string repeat \x00 8]"
    tool_is 0 "*RDB looks OK!*1 keys read*" $dir "" $check_rdb dump.rdb
    lassign [server "" -dir $dir -fails 1] code said
    is $code 1
    like $said "*This server cannot hold arrays*key \"a\"*"
}

case "memory stays the same whatever the file's size" {
    if {!$sanitized} {
        set dir [tmpdir]
        spit $dir/a.aof [string repeat [resp SET key [string repeat v 1000]] 100000]
        tool_is 0 "*AOF a.aof is valid" $dir "" sh -c "ulimit -v 60000; exec $check_aof a.aof"
        set keys ""
        for {set i 0} {$i < 100000} {incr i} {
            append keys [binary format caa2a* 0 \x08 "k:" [format %06d $i]] \x43\xe8 \
                [string repeat v 1000]
        }
        spit $dir/d.rdb "REDIS0011\xfe\x00$keys\xff\x00\x00\x00\x00\x00\x00\x00\x00"
        tool_is 0 "*100000 keys read*" $dir "" sh -c "ulimit -v 60000; exec $check_rdb d.rdb"
    }
}

# ---- mending ----

case "--fix asks, and cuts only on a yes" {
    set dir [tmpdir]
    set manifest [aof_set $dir "*2\r\n\$3\r\nDEL\r\n\$3\r\ntw"]
    set before [slurp $dir/a.aof.2.incr.aof]
    tool_is 1 "*ok_up_to=52,*diff=19*not valid. Use the --fix option to try fixing it." \
        $dir "" $check_aof $manifest
    foreach answer {"" "n\n" "\n" "no y\n"} {
        tool_is 1 "*Continue? \\\[y/N\\\]: Aborting..." $dir $answer $check_aof --fix $manifest
        truth {[slurp $dir/a.aof.2.incr.aof] eq $before}
    }
    tool_is 0 "*This will shrink the AOF a.aof.2.incr.aof from 71 bytes, with 19 bytes, to 52\
        bytes*Successfully truncated AOF a.aof.2.incr.aof*All AOF files and manifest are valid" \
        $dir "y\n" $check_aof --fix $manifest
    is [slurp $dir/a.aof.2.incr.aof] [string range $before 0 51]
    tool_is 0 "*All AOF files and manifest are valid" $dir "" $check_aof $manifest
}

case "--fix cuts in front of an open MULTI" {
    set dir [tmpdir]
    set manifest [aof_set $dir [resp MULTI][resp SET x 1]]
    tool_is 0 "*Reached EOF before reading EXEC for MULTI*" $dir y $check_aof --fix $manifest
    is [file size $dir/a.aof.2.incr.aof] 52
}

case "--fix leaves files alone that are not the last" {
    set dir [tmpdir]
    set manifest [aof_set $dir]
    spit $dir/a.aof.1.incr.aof [string range [slurp $dir/a.aof.1.incr.aof] 0 end-3]
    tool_is 1 "*Failed to truncate AOF a.aof.1.incr.aof because it is not the last file" \
        $dir "y\n" $check_aof --fix $manifest
    is [file size $dir/a.aof.1.incr.aof] 49
}

case "an RDB part is never mended" {
    set dir [tmpdir]
    set rdb [slurp $root/fixtures/rdb/v10-listpacks.rdb]
    spit $dir/a.aof [string range $rdb 0 end-20]
    tool_is 1 "*RDB preamble of AOF file is not sane, aborting." $dir "y\n" $check_aof --fix a.aof
    is [file size $dir/a.aof] [expr {[string length $rdb] - 20}]
    spit $dir/a.aof $rdb[string range [resp SET k v] 0 end-3]
    tool_is 0 "*RDB preamble is OK, proceeding with AOF tail...*Successfully truncated AOF a.aof" \
        $dir "y\n" $check_aof --fix a.aof
    truth {[slurp $dir/a.aof] eq $rdb}
}

case "--truncate-to-timestamp" {
    set dir [tmpdir]
    set first "#TS:1000\r\n[resp SET a 1]"
    set whole "$first#TS:2000\r\n[resp SET b 2]"
    foreach {to size code said} [list 1999 [string length $first] 0 "*Successfully truncated AOF\
            a.aof to timestamp 1999*" 2000 [string length $whole] 0 "*Truncate nothing in AOF\
            a.aof to timestamp 2000*" 1 [string length $whole] 1 "*AOF a.aof has nothing before\
            timestamp 1, aborting...*"] {
        spit $dir/a.aof $whole
        tool_is $code $said $dir "" $check_aof --truncate-to-timestamp $to a.aof
        is [file size $dir/a.aof] $size
    }
    spit $dir/a.aof "#TS:x\r\n[resp SET a 1]"
    tool_is 1 "*Invalid timestamp annotation*" $dir "" $check_aof --truncate-to-timestamp 5 a.aof
    # a file that is not the last stays
    set manifest [aof_set $dir]
    spit $dir/a.aof.1.incr.aof $whole
    tool_is 1 "*Failed to truncate AOF *a.aof.1.incr.aof to timestamp 1500 to offset * because it is\
        not the last file.*remove the files that the manifest names behind this one*" $dir "" \
        $check_aof --truncate-to-timestamp 1500 $manifest
    is [file size $dir/a.aof.1.incr.aof] [string length $whole]
    # damage is told all the same
    spit $dir/a.aof [string range $whole 0 end-4]
    tool_is 1 "*AOF a.aof is not valid*" $dir "" $check_aof --truncate-to-timestamp 5000 a.aof
}

# ---- valid means that the server loads it ----

case "redis-check-aof knows the commands of the server, and how many arguments they take" {
    set s [server]
    set want {}
    foreach row [ask $s COMMAND] {
        lassign $row name arity
        set subs [lindex $row 9]
        # a container that is nothing by itself has arity 0 in the list
        lappend want $name [expr {[llength $subs] && $name ne "command" ? 0 : $arity}]
        foreach sub $subs { lappend want [lindex $sub 0] [lindex $sub 1] }
    }
    set source [slurp $root/tools/aof_commands.c]
    set have {}
    foreach {- name arity} [regexp -all -inline {\{"([^"]+)", (-?\d+)\}} $source] {
        lappend have $name $arity
    }
    is [lsort -stride 2 $have] [lsort -stride 2 $want]
    is $have [lsort -stride 2 $have] ;# it is searched by halves
}

case "what the server would not run is told, and not cut off" {
    set dir [tmpdir]
    foreach {bytes message} [list \
            [resp SET a 1][resp EXEC][resp SET b 2] "0x              1b: Unexpected EXEC in AOF a.aof" \
            [resp SET a 1][resp NOSUCH x]           "0x              1b: Unknown command (NOSUCH)*" \
            [resp SET a 1][resp SET x]              "0x              1b: Wrong number of*(SET)*" \
            [resp config nosuch]                    "0x               0: Unknown command (config)*" \
            [resp config\0 get]                     "0x               0: Unknown command*" \
            [resp GET a b]                          "0x               0: Wrong number of*" \
            [resp MULTI][resp DISCARD][resp EXEC]   "0x               f: No place in a log*" \
            [slurp $root/fixtures/field/nested-multi-after-torn-exec.incr.aof] \
                                                    "0x              9c: Unexpected MULTI*"] {
        spit $dir/a.aof $bytes
        foreach option {"" --fix} {
            tool_is 1 "*$message*AOF a.aof loads only with aof-load-errors skip*: 1 here*" $dir "" \
                $check_aof {*}$option a.aof
            is [slurp $dir/a.aof] $bytes
        }
    }
    spit $dir/a.aof [resp set a 1][resp Object Encoding a][resp COMMAND]
    tool_is 0 "*AOF a.aof is valid*" $dir "" $check_aof a.aof
    # of a set every file is looked at
    set manifest [aof_set $dir]
    spit $dir/a.aof.1.incr.aof [resp EXEC]
    set end [tool $dir "" $check_aof $manifest]
    is [lindex $end 0] 1
    like [lindex $end 1] "*loads only with*INCR AOF a.aof.2.incr.aof is valid*"
    truth {![string match "*All AOF files*" [lindex $end 1]]}
}

case "a transaction without EXEC in the middle of a set" {
    set dir [tmpdir]
    set manifest [aof_set $dir]
    spit $dir/a.aof.1.incr.aof [resp MULTI][resp SET a 1]
    tool_is 1 "*a.aof.1.incr.aof loads only with aof-load-errors skip*" $dir "" $check_aof $manifest
    tool_is 1 "*not the last file*" $dir "" $check_aof --fix $manifest
}

# ---- for tools that know nothing but commands ----

case "--plain: one file of commands, which a server takes from a pipe" {
    foreach preamble {yes no} {
        set s [server "appendonly yes\nsave \"\"\nenable-debug-command yes\naof-timestamp-enabled yes
            aof-use-rdb-preamble $preamble"]
        ask $s SET a [string repeat "#\r\n*1" 100]
        ask $s RPUSH list a b c
        ask $s SELECT 3
        ask $s ZADD z 1.5 m 2 n
        ask $s SET t 1 PX 100000000
        ask $s BGREWRITEAOF
        wait_for { expr {[info_of $s aof_rewrite_in_progress] == 0} }
        ask $s MULTI
        ask $s HSET h f v
        ask $s SADD set 1 2 3 x
        ask $s EXEC
        ask $s SELECT 0
        ask $s INCR n
        set digest [ask $s DEBUG DIGEST]
        set dir [of $s dir]/appendonlydir
        stop $s term
        tool_is 0 "*bytes of commands are in *" $dir "" $check_aof --plain appendonly.aof.manifest out
        truth {![regexp -line {^#[A-Z]} [string map [list [string repeat "#\r\n*1" 100] ""] \
                                                 [slurp $dir/out]]]}
        set to [server "enable-debug-command yes\nsave \"\""]
        if {[auto_execok redis-cli] ne ""} {
            exec redis-cli -p [of $to port] --pipe < $dir/out
            is [ask $to DEBUG DIGEST] $digest
        }
        tool_is 1 "*Cannot make file*" $dir "" $check_aof --plain appendonly.aof.manifest out
        # what is damaged is not exported in part
        set incr [lindex [glob -tails -directory $dir *.incr.aof] end]
        spit $dir/$incr [string range [slurp $dir/$incr] 0 end-3]
        tool_is 1 "*Nothing is exported*" $dir "" $check_aof --plain $incr other
        truth {![file exists $dir/other]}
    }
}

case "--plain of a file of commands alone: its bytes, without lines of annotation" {
    set dir [tmpdir]
    spit $dir/a.aof "#TS:1\r\n[resp SELECT 5]# x\r\n[resp MULTI][resp SET a 1][resp EXEC]"
    tool_is 0 "*" $dir "" $check_aof --plain a.aof out
    is [slurp $dir/out] [resp SELECT 5][resp MULTI][resp SET a 1][resp EXEC]
}

# ---- the same as the installed tools ----

proc same_as_peer {name dir input peer ours arguments} {
    set before [glob -nocomplain $dir/*]
    set bytes [lmap path $before { slurp $path }]
    set theirs [tool $dir $input $peer {*}$arguments]
    set their_bytes [lmap path $before { slurp $path }]
    foreach path $before text $bytes { spit $path $text }
    set got [tool $dir $input $ours {*}$arguments]
    # a line of our own: what to set so that it loads
    regsub -all -line {^AOF [^\n]* loads only with aof-load-errors skip[^\n]*\n} $got "" got
    if {$got ne $theirs} { error "$name $arguments:\n$got\nand not\n$theirs" }
    if {[lmap path $before { slurp $path }] ne $their_bytes} { error "$name: other files" }
    foreach path $before text $bytes { spit $path $text }
}

case "redis-check-rdb prints what the installed one prints" {
    if {$peer_rdb ne ""} {
        foreach path [glob -nocomplain $shared/redis70*.rdb $shared/handmade/v\[1-8\]-*.rdb \
                          $root/fixtures/rdb/v0\[1-8\]*.rdb] {
            # empty collections, which a server passes over, are damage to the other tool
            if {[string match */v07-quicklist.rdb $path]} continue
            set dir [tmpdir]
            set rdb [slurp $path]
            set n [string length $rdb]
            foreach cut [list 0 8 9 [expr {$n - 9}]] {
                spit $dir/d.rdb [expr {$cut ? [string range $rdb 0 $cut-1] : $rdb}]
                same_as_peer "$path at $cut" $dir "" $peer_rdb $check_rdb d.rdb
            }
        }
        set dir [tmpdir]
        foreach bytes {"REDIS0000" "" "redis0009\xff" "REDIS0009\xfe\x00\x08\x01kx"
                       "REDIS0009\xfe\x00\xfa\x01" "REDIS0009\xfe\x00\x00\x01k\xc0"
                       "REDIS0009\xfe\x00\x64\x01k\x01v"
                       "REDIS0009\xfe\x00\x00\x01k\x01v\xff12345678"
                       "REDIS0009\xfe\x00\xfc12345678\x04\x01k\x02\x01a\x01b\x05xy"} {
            spit $dir/d.rdb $bytes
            same_as_peer [binary encode hex $bytes] $dir "" $peer_rdb $check_rdb d.rdb
        }
    }
}

# Where ours differs on purpose, and where the other prints what lay in its memory.
set other_verdict {annotation-too-long unknown-command lf-only argc-0 argc-negative argc-huge
    last-truncated-by-26 annotation-unterminated-at-end}

case "redis-check-aof prints what the installed one prints" {
    set path [file join $shared corrupt aof-dirs.jsonl]
    if {$peer_aof ne "" && [file exists $path]} {
        set seen 0
        foreach row [split [string trim [slurp $path]] \n] {
            regexp {"name":"([^"]*)"} $row -> name
            # manifests have texts of our own
            if {$name in $other_verdict || [string match m-* $name]} continue
            set dir [tmpdir]
            regexp {"files":\{([^\}]*)\}} $row -> listing
            foreach {- file text} [regexp -all -inline {"([^"]*)":"([^"]*)"} $listing] {
                spit $dir/$file [binary decode base64 $text]
            }
            if {[regexp {"manifest":"([^"]*)"} $row -> text]} {
                spit $dir/appendonly.aof.manifest [binary decode base64 $text]
            }
            foreach {input arguments} {"" {} y {--fix} "" {--truncate-to-timestamp 1600000000}} {
                same_as_peer $name $dir $input $peer_aof $check_aof \
                    [list {*}$arguments appendonly.aof.manifest]
            }
            incr seen
        }
        truth {$seen > 30}
    }
}

case "a single log: cut at every byte, as the installed one sees it" {
    if {$peer_aof ne ""} {
        set dir [tmpdir]
        set log "#TS:1700000000\r\n[resp SELECT 0][resp SET k v][resp MULTI][resp DEL k][resp EXEC]"
        for {set cut 1} {$cut <= [string length $log]} {incr cut 5} {
            spit $dir/a.aof [string range $log 0 $cut-1]
            lassign [tool $dir "" $peer_aof a.aof] code theirs
            lassign [tool $dir "" $check_aof a.aof] our_code ours
            is $our_code $code
            # the other shows bytes of its memory behind the end
            regsub -all {got: [0-9a-f]{4}} $theirs "got:" theirs
            regsub -all {got: [0-9a-f]{4}} $ours "got:" ours
            if {$cut > 16} { is $ours $theirs }
        }
    }
}

case "a log that steers the server is no log: neither the checker nor the server takes it" {
    foreach words {{SHUTDOWN NOSAVE} {DEBUG LOADAOF} {CONFIG SET maxmemory 1} BGREWRITEAOF SAVE {WAITAOF 1 0 0}
        {CLIENT PAUSE 1000}} {
        set dir [tmpdir]
        file mkdir $dir/appendonlydir
        spit $dir/appendonlydir/appendonly.aof.manifest "file appendonly.aof.1.incr.aof seq 1 type i\n"
        spit $dir/appendonlydir/appendonly.aof.1.incr.aof \
            [encode {SELECT 0}][encode {SET a 1}][encode $words][encode {SET b 2}]
        is [run [file join $build redis-check-aof] $dir/appendonlydir/appendonly.aof.manifest] 1
        like $run_output "*loads only with*"
        set config "appendonly yes\naof-checksum no\nenable-debug-command yes"
        is [lindex [server $config -dir $dir -fails 1] 0] 1
        set s [server "$config\naof-load-errors skip" -dir $dir]
        is [ask $s MGET a b] {1 2}
        is [info_of $s aof_load_errors_skipped] 1
        stop $s kill
    }
}

case "the checkers know of no number of databases" {
    set s [server "databases 100\nappendonly yes\naof-use-rdb-preamble yes"]
    ask $s SELECT 50
    ask $s SET a 1
    ask $s SAVE
    ask $s BGREWRITEAOF
    wait_for { expr {[info_of $s aof_rewrite_in_progress] == 0} }
    ask $s SELECT 99
    ask $s SET b 1
    set dir [of $s dir]
    stop $s kill
    is [run [file join $build redis-check-rdb] $dir/dump.rdb] 0
    is [run [file join $build redis-check-aof] $dir/appendonlydir/appendonly.aof.manifest] 0
}

# They are compiled and run, as a start would.
case "the checkers look at libraries of functions" {
    set config "appendonly yes\naof-checksum no\nrdb-block-checksum no\nrdbchecksum no"
    append config "\nenable-debug-command yes"
    set code "#!lua name=l\nredis.register_function('f', function() return 7 end)"
    foreach {from to said} {
        "return 7" "retur? 7" "Error compiling function: user_function:2:"
        "redis.register" "redis.regis_er" "attempted to access nonexistent global variable"
        "name=l" "name=?" "Library names can only contain"
        "'f'" "'?'" "Library names can only contain"
    } {
        set s [server $config]
        ask $s FUNCTION LOAD $code
        ask $s SAVE
        set dir [of $s dir]
        stop $s kill
        set log [glob $dir/appendonlydir/*.incr.aof]
        is [run [file join $build redis-check-rdb] $dir/dump.rdb] 0
        is [run [file join $build redis-check-aof] $dir/appendonlydir/appendonly.aof.manifest] 0
        foreach path [list $dir/dump.rdb $log] { spit $path [string map [list $from $to] [slurp $path]] }
        is [run [file join $build redis-check-rdb] $dir/dump.rdb] 1
        like $run_output "*a library of functions: ERR *$said*"
        is [run [file join $build redis-check-aof] $dir/appendonlydir/appendonly.aof.manifest] 1
        like $run_output "*a library of functions: ERR *$said*loads only with aof-load-errors skip*"
        lassign [server $config -dir $dir -fails 1] code_of_exit text
        is $code_of_exit 1
        like $text "*FUNCTION fails: ERR *"
    }
}

finish
