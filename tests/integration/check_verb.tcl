# SPDX-License-Identifier: BSD-3-Clause
# holdfast check of RDB files and of sets of files: exit codes, what is named, threads, odd inputs.
source [file join [file dirname [info script]] lib.tcl]
source [file join [file dirname [info script]] lib/jsonl.tcl]
source [file join [file dirname [info script]] lib/rdb_bytes.tcl]

set holdfast [file join $build holdfast]

proc check {args} { return [list [run timeout 180 $::holdfast check {*}$args] $::run_output] }
proc check_is {code pattern args} {
    lassign [check {*}$args] got text
    like $text $pattern
    is $got $code
}

case "a file in order: what it holds, and its digest, on one thread or more" {
    set s [server "save \"\"\nenable-debug-command local"]
    set dump [several_blocks $s]
    set digest [ask $s DEBUG DIGEST]
    foreach threads {1 2 7} {
        lassign [check --json --threads $threads $dump] code text
        is $code 0
        set answer [json $text]
        is [dict get $answer keys] 4000
        is [dict get $answer faults] {}
        is [string range $digest end-31 end] [dict get $answer digest]
        truth {[dict get $answer blocks] >= 3 && [dict get $answer blocks_bad] == 0}
        truth {[dict get $answer memory] > 1000000}
        is [dict get [lindex [dict get $answer files] 0] version] 11
    }
    check_is 0 "*4000 keys*digest *, as the file says*a load takes about*good: nothing is\
        wrong" $dump
}

case "an expiry in front of the end is no fault where the checksum is right" {
    set path [tmpdir]/stray.rdb
    spit $path "REDIS0009\xfe\0\0\1a\0011\xfc\x00\xd8\xc3\x2c\xbb\x03\x00\x00\xff\x96\x46\xd6\xae\xfa\xdf\xdf\xeb"
    check_is 0 "*1 keys, 0 of them expire*good: nothing is wrong*" $path
    is [run timeout 60 [file join $build redis-check-rdb] $path] 0
}

case "exit codes tell what is wrong" {
    set s [server "save \"\"\nenable-debug-command local"]
    set dump [several_blocks $s]
    set bytes [slurp $dump]
    set dir [tmpdir]
    spit $dir/flip.rdb [flipped $bytes 1500000]
    check_is 4 "*block 2*1 flipped bit*salvage puts it right; nothing is lost*" $dir/flip.rdb
    spit $dir/two.rdb [flipped [flipped $bytes 1500000] 500000]
    check_is 4 "*block 1*block 2*" $dir/two.rdb
    spit $dir/zero.rdb [zeroed $bytes 1500000 4096]
    check_is 5 "*block 2*keys were in it*damaged, and some of the data is lost*" $dir/zero.rdb
    spit $dir/index.rdb [string range $bytes 0 end-10]
    check_is 4 "*block index behind the RDB is missing or damaged*" $dir/index.rdb
    spit $dir/cut.rdb [string range [rdb_of [records a 20]] 0 end-30]
    check_is 3 "*cut.rdb*truncated: the end is missing*" $dir/cut.rdb
    spit $dir/newer.rdb REDIS0099[string repeat x 100]
    check_is 6 "*RDB version 99*" $dir/newer.rdb
    check_is 2 "*" $dir/missing
    spit $dir/other.rdb [rdb_of [records a 20]]
    check_is 5 "*" $dir/zero.rdb $dir/other.rdb
    check_is 0 "*" $dir/other.rdb --quiet
}

case "every fault is named, not only the first" {
    set dir [tmpdir]
    spit $dir/bad.rdb [rdb_of [records a 9]\xee\xee\xee[records b 9]\xee\xee\xee[records c 9]]
    lassign [check --json $dir/bad.rdb] code text
    is $code 5
    set faults [dict get [json $text] faults]
    is [llength $faults] 2
    is [dict get [lindex $faults 0] doing] read-type
    truth {[dict get [lindex $faults 1] from] > [dict get [lindex $faults 0] to]}
}

case "what our server cannot hold is said: it refuses the file" {
    foreach {name keys} {redis8-hash-field-expiry.rdb 3 v10-listpacks.rdb 0} {
        set path [file join $shared $name]
        if {![file exists $path]} { set path $root/fixtures/rdb/$name }
        if {![file exists $path]} { continue }
        lassign [check --json $path] code text
        is $code 0
        is [dict get [lindex [dict get [json $text] files] 0] cannot_hold] $keys
        lassign [check $path] code text
        is [string match "*$keys keys are more than this redis-server can hold*convert --explain*" $text] \
            [expr {$keys > 0}]
    }
}

case "keys and elements that are there twice, libraries that would not load" {
    set dir [tmpdir]
    spit $dir/keys.rdb [rdb_of [records a 9][record k 1][record k 2]]
    check_is 4 "*A key that stands at offset * already*key 'k'*" $dir/keys.rdb
    # where no sum tells that it was written so, it may have run over its end
    spit $dir/elements.rdb [set unsure [rdb_of "[records a 9]\x02\x03set\x03\x01a\x01b\x01a"]]
    check_is 5 "*Duplicate set member*db 0, key 'set'*" $dir/elements.rdb
    set summed [string range $unsure 0 end-8]
    spit $dir/elements.rdb $summed[binary format w [crc64 0 $summed]]
    check_is 5 "*An element is there twice*db 0, key 'set'*" $dir/elements.rdb
    set code "#!lua name=x\nnot lua"
    spit $dir/function.rdb REDIS0011\xf5[binary format c [string length $code]]$code\xff[string \
        repeat \x00 8]
    check_is 5 "*The library of functions 'x' would not load*salvage leaves it out*" \
        $dir/function.rdb
    spit $dir/db.rdb REDIS0009\xfe\x10[record k v]\xff[string repeat \x00 8]
    check_is 0 "*" $dir/db.rdb
    check_is 5 "*DB number 16 is out of range*" $dir/db.rdb --databases 16
}

case "a key that is there twice is told behind damage, too" {
    set path [tmpdir]/twice.rdb
    set text "REDIS0009\xfe\0"
    for {set i 0} {$i < 50} {incr i} { append text "\0\4k[format %03d $i]\1a" }
    append text "\xf1\xf1\xf1"
    for {set i 0} {$i < 50} {incr i} { append text "\0\4k[format %03d $i]\1b" }
    spit $path "$text\xff[string repeat \0 8]"
    check_is 5 "*A key that stands at offset 11 already*key 'k000'*key 'k040'*100 keys*" $path
}

case "stdin, compressed, damaged inside the compression" {
    set dir [tmpdir]
    spit $dir/d.rdb [rdb_of [records a 50]]
    exec gzip -k $dir/d.rdb
    check_is 0 "*50 keys*" $dir/d.rdb.gz
    is [run sh -c "timeout 180 $holdfast check - <$dir/d.rdb.gz"] 0
    like $run_output "*50 keys*"
    is [run sh -c "cat $dir/d.rdb | timeout 180 $holdfast check -"] 0
    spit $dir/cut.gz [string range [slurp $dir/d.rdb.gz] 0 end-20]
    check_is 3 "*" $dir/cut.gz
}

case "a set: its base, a missing part, a base of another log" {
    set s [server "save \"\"\nappendonly yes"]
    ask $s SET a 1
    ask $s BGREWRITEAOF
    wait_for { expr {[info_of $s aof_rewrite_in_progress] == 0} }
    ask $s SET b 2
    set dir [of $s dir]
    stop $s term
    lassign [check --json $dir] code text
    is $code 0
    is [dict get [json $text] keys] 1
    set base [glob $dir/appendonlydir/*.base.rdb]
    spit $base [flipped [slurp $base] [expr {[file size $base] - 90}]]
    lassign [check $dir] code text
    truth {$code in {4 5}}
    file delete $base
    check_is 5 "*names this file, and it is not there*" $dir
}

case "history is looked into, and its damage costs no data" {
    set s [server "appendonly yes\nsave \"\"\naof-keep-history 2"]
    for {set i 0} {$i < 100} {incr i} { ask $s SET key:$i $i }
    ask $s BGREWRITEAOF
    wait_for { expr {[info_of $s aof_rewrites] == 1 && [info_of $s aof_rewrite_in_progress] == 0} }
    set dir [of $s dir]
    stop $s term
    check_is 0 "*good: nothing is wrong*" $dir
    set incr $dir/appendonlydir/appendonly.aof.1.incr.aof
    set bytes [slurp $incr]
    spit $incr [string replace $bytes 1000 1099 [string repeat \0 100]]
    check_is 4 "*appendonly.aof.1.incr.aof: *of history*nothing of the data is lost*" $dir
    lassign [check --json $dir] code text
    is $code 4
    set faults [dict get [json $text] faults]
    truth {[llength $faults] > 0}
    foreach fault $faults {
        is [dict get $fault file] appendonly.aof.1.incr.aof
        is [dict get $fault history] true
        is [dict get $fault result] damaged
    }
    spit $incr $bytes
    check_is 0 "*good: nothing is wrong*" $dir
}

case "as many rows as are documented, history's among them" {
    set dir [tmpdir]
    file mkdir $dir/appendonlydir
    set bad [encode {SELECT 0}][string repeat [encode {GET}] 700]
    foreach n {1 2} { spit $dir/appendonlydir/appendonly.aof.$n.incr.aof $bad }
    spit $dir/appendonlydir/appendonly.aof.manifest \
        "file appendonly.aof.1.incr.aof seq 1 type h\nfile appendonly.aof.2.incr.aof seq 2 type i\n"
    lassign [check --json $dir] code text
    is $code 4
    set answer [json $text]
    is [dict get $answer faults_found] 1400
    is [llength [set faults [dict get $answer faults]]] 1000
    is [lmap n {0 699 700 999} { dict get [lindex $faults $n] history }] {false false true true}
}

finish
