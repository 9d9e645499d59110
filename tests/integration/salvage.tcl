# SPDX-License-Identifier: BSD-3-Clause
# holdfast salvage as a program: what it says, its exit codes, odd inputs; and that servers load
# what it makes. How much it saves of which damage: salvage_matrix.tcl.
source [file join [file dirname [info script]] lib.tcl]
source [file join [file dirname [info script]] lib/jsonl.tcl]
source [file join [file dirname [info script]] lib/rdb_bytes.tcl]
source [file join [file dirname [info script]] lib/dataset.tcl]

set holdfast [file join $build holdfast]
set check_rdb [file join $build redis-check-rdb]

# Exit code and what was said.
proc salvage {args} { return [list [run timeout 180 $::holdfast salvage {*}$args] $::run_output] }
proc salvage_is {code pattern args} {
    lassign [salvage {*}$args] got text
    like $text $pattern
    is $got $code
}

proc keys_in {path} {
    is [run timeout 180 $::holdfast dump --keys-only $path] 0
    set names {}
    foreach line [lrange [split $::run_output \n] 0 end-1] {
        set row [json $line]
        if {[dict exists $row key]} { lappend names [dict get $row key] }
    }
    return $names
}
proc is_whole {path} {
    run timeout 180 $::check_rdb $path
    like $::run_output "*RDB looks OK*"
}

proc with_functions {s} {
    ask $s FUNCTION LOAD "#!lua name=mylib\nredis.register_function('f', function() return 1 end)"
    return [several_blocks $s 2]
}

case "a file in order is copied" {
    set s [server "save \"\"\nenable-debug-command local"]
    set dump [with_functions $s]
    set dir [tmpdir]
    salvage_is 0 "4000 keys are in $dir/out.rdb" $dump $dir/out.rdb
    is_whole $dir/out.rdb
    set digest [ask $s DEBUG DIGEST]
    file copy -force $dir/out.rdb $dump
    set s [restart $s kill "save \"\"\nenable-debug-command local"]
    is [ask $s DEBUG DIGEST] $digest
    like [ask $s FUNCTION LIST] "*mylib*"
}

case "a flipped bit is put right" {
    set s [server "save \"\"\nenable-debug-command local"]
    set dump [with_functions $s]
    set dir [tmpdir]
    spit $dir/bad.rdb [flipped [slurp $dump] 1500000]
    salvage_is 7 "*bad.rdb: offset 1500000: 1 flipped bit*byte 1500000 xor 0x10*4000 keys are in*" \
        $dir/bad.rdb $dir/out.rdb
    is_whole $dir/out.rdb
    set digest [ask $s DEBUG DIGEST]
    file copy -force $dir/out.rdb $dump
    set s [restart $s kill "save \"\"\nenable-debug-command local"]
    is [ask $s DEBUG DIGEST] $digest
}

case "of a zeroed page only the block it lies in is doubtful" {
    set s [server "save \"\"\nenable-debug-command local"]
    set dump [with_functions $s]
    set dir [tmpdir]
    spit $dir/bad.rdb [zeroed [slurp $dump] 1500000 4096]
    salvage_is 5 "*block 2*key:*keys are doubtful*" $dir/bad.rdb $dir/out.rdb \
        --doubtful $dir/doubtful.rdb
    is_whole $dir/out.rdb
    is_whole $dir/doubtful.rdb
    set sure [keys_in $dir/out.rdb]
    set doubtful [keys_in $dir/doubtful.rdb]
    truth {[llength $sure] > 1500}
    truth {[llength $sure] + [llength $doubtful] > 3970}
    truth {[llength $sure] + [llength $doubtful] < 4000}
    is [llength [lsort -unique [concat $sure $doubtful]]] \
        [expr {[llength $sure] + [llength $doubtful]}]
    # what is said to be right is right
    file copy -force $dir/out.rdb $dump
    set s [restart $s kill "save \"\"\nenable-debug-command local"]
    ask $s SELECT 2
    foreach key $sure {
        is [ask $s GET $key] [string repeat [expr {[string range $key 4 end] * 7919}] 100]
    }
    salvage_is 5 "*\"result\":\"loss\"*" $dir/bad.rdb $dir/all.rdb --keep-doubtful --json
    is [llength [keys_in $dir/all.rdb]] [expr {[llength $sure] + [llength $doubtful]}]
}

case "what is said to programs" {
    set s [server "save \"\"\nenable-debug-command local"]
    set dump [with_functions $s]
    set dir [tmpdir]
    spit $dir/bad.rdb [flipped [zeroed [slurp $dump] 1500000 4096] 3000000]
    lassign [salvage $dir/bad.rdb $dir/out.rdb --json] code text
    is $code 5
    set answer [json $text]
    is [dict get $answer result] loss
    is [dict get $answer verb] salvage
    is [llength [dict get $answer corrections]] 1
    is [dict get [lindex [dict get $answer corrections] 0] offset] 3000000
    set all 0
    foreach part {keys doubtful keys_lost} { incr all [dict get $answer $part] }
    is $all 4000
    truth {[llength [dict get $answer faults]] >= 2}
}

case "without checksums footing is found behind a hole, which has neighbours" {
    set dir [tmpdir]
    spit $dir/bad.rdb [rdb_of [records a 20]\xee\xee\xee\xee\xee[records b 20]]
    salvage_is 5 "*bytes * to *: Invalid object type: 238*last key before it is 'a19'*first behind\
        it 'b0'*32 keys are in*8 keys are doubtful*" $dir/bad.rdb $dir/out.rdb \
        --doubtful $dir/doubtful.rdb
    is [lsort [keys_in $dir/doubtful.rdb]] {a18 a19 b0 b1 b2 b3 b4 b5}
    is [llength [keys_in $dir/out.rdb]] 32
}

case "a file that ends too early" {
    set dir [tmpdir]
    spit $dir/bad.rdb [string range [rdb_of [records a 20]] 0 end-40]
    salvage_is 3 "*no key was found behind it*18 keys are in*" $dir/bad.rdb $dir/out.rdb
    is_whole $dir/out.rdb
}

case "zeros are no keys" {
    set dir [tmpdir]
    spit $dir/bad.rdb [rdb_of [records a 20][string repeat \x00 4096][records b 20]]
    salvage_is 5 "*Zeros where keys should be*" $dir/bad.rdb $dir/out.rdb
    truth {"" ni [keys_in $dir/out.rdb]}
    is [llength [keys_in $dir/out.rdb]] 32
}

case "keys that are there twice" {
    set dir [tmpdir]
    spit $dir/bad.rdb [rdb_of [records a 3][record k first][record k last][records b 3]]
    foreach {policy value code} {first first 4 last last 4} {
        salvage_is $code "*key 'k': another of this name is kept*" $dir/bad.rdb $dir/$policy.rdb \
            --duplicates $policy
        run timeout 180 $holdfast dump --match k $dir/$policy.rdb
        like $run_output "*\"value\":\"$value\"*"
    }
    set both {--duplicates both-to-doubtful}
    salvage_is 4 "*key 'k': it comes more than once*6 keys are in*2 keys have a name that comes more than once: they are in the doubtful file*" \
        $dir/bad.rdb $dir/none.rdb {*}$both --doubtful $dir/doubtful.rdb
    truth {![string match "*are doubtful*" $run_output]}
    is [keys_in $dir/doubtful.rdb] {k k}
    is [lsort [keys_in $dir/none.rdb]] {a0 a1 a2 b0 b1 b2}
    salvage_is 5 "*6 keys are in*2 keys have a name that comes more than once: they are left out; --doubtful FILE keeps them*" \
        $dir/bad.rdb $dir/neither.rdb {*}$both
    is [lsort [keys_in $dir/neither.rdb]] {a0 a1 a2 b0 b1 b2}
    set code "#!lua name=one\nredis.register_function('f',function() end)"
    set library \xf5[binary format c [string length $code]]$code
    spit $dir/libraries.rdb REDIS0011$library$library\xfe\x00[records a 3]\xff[string repeat \x00 8]
    salvage_is 4 "*library of functions 'one': it comes more than once*2 libraries of functions have a name that comes more than once: they are in the doubtful file*" \
        $dir/libraries.rdb $dir/no-library.rdb {*}$both --doubtful $dir/doubtful-libraries.rdb
    salvage_is 1 "*--duplicates any: first, last or both-to-doubtful*" $dir/bad.rdb $dir/x.rdb \
        --duplicates any
}

# A key with an incompressible value:
# bytes without a pattern, the same in each run, as among such some look like a key now and then.
proc random_record {name n} {
    set value [noise [zlib crc32 $name] $n]
    return \x00[binary format c [string length $name]]$name\x80[binary format I $n]$value
}

case "a disk that is full under a compressed result is said, and leaves nothing" {
    set dir [tmpdir]
    set all ""
    for {set i 0} {$i < 80} {incr i} { append all [random_record key$i 65000] }
    spit $dir/big.rdb [rdb_of $all]
    foreach verb {salvage convert} {
        foreach end {rdb rdb.gz rdb.zst} {
            # A few places: wherever the write fails, in a block or at the end of one.
            foreach kib {1 1000 2100 3200 5070} {
                is [run timeout 180 bash -c "ulimit -f $kib; exec \"\$@\"" bash \
                        $holdfast $verb $dir/big.rdb $dir/out.$end] 2
                like $run_output "*File too large*"
                truth {![file exists $dir/out.$end]}
            }
        }
    }
    is [glob -nocomplain -tails -directory $dir * .*.tmp] big.rdb
}

case "an expiry in front of the end belongs to no key, and is none of the damage" {
    set dir [tmpdir]
    set expiry \xfc[binary format w 4102444800000]
    # Its checksum is right.
    spit $dir/stray.rdb "REDIS0009\xfe\0[record a 1]\xfc\x00\xd8\xc3\x2c\xbb\x03\x00\x00\xff\x96\x46\xd6\xae\xfa\xdf\xdf\xeb"
    salvage_is 0 "1 keys are in $dir/out.rdb" $dir/stray.rdb $dir/out.rdb
    is [keys_in $dir/out.rdb] a
    # Where no checksum tells that it was written so, a key may be missing.
    spit $dir/unsure.rdb [rdb_of [records a 9]$expiry]
    salvage_is 5 "*An end of file behind a key's attributes*9 keys are in*" \
        $dir/unsure.rdb $dir/unsure-out.rdb --keep-doubtful
    spit $dir/wrong.rdb "REDIS0009\xfe\0[records a 9]$expiry\xff[string repeat \x5a 8]"
    salvage_is 5 "*An end of file behind a key's attributes*9 keys are in*" \
        $dir/wrong.rdb $dir/wrong-out.rdb --keep-doubtful
}

# A database's head: its number, and how many keys it says to have.
proc database {id keys} { return [binary format cucucucucu 0xfe $id 0xfb $keys 0] }

case "a change of database that is lost without a hole" {
    set dir [tmpdir]
    set behind "[database 7 2][records c 2]\xff"
    set wrong [string repeat \x5a 8]
    set without_head [records a 2][records b 3]
    spit $dir/lost.rdb "REDIS0011[database 0 3]$without_head$behind$wrong"
    salvage_is 5 "*checksum is wrong, and 5 keys are read where it says 3, db 0*change of database is lost*db 0 (or another), key 'a0'*2 keys are in*5 keys are doubtful*" \
        $dir/lost.rdb $dir/out.rdb --doubtful $dir/doubtful.rdb
    is [keys_in $dir/out.rdb] {c0 c1}
    is [keys_in $dir/doubtful.rdb] {a0 a1 b0 b1 b2}
    is [run timeout 180 $holdfast check $dir/lost.rdb] 5
    like $run_output "*5 keys are read where it says 3*"
    # Fewer: bytes are gone, and the change with them or not.
    spit $dir/fewer.rdb "REDIS0011[database 0 9]$without_head$behind$wrong"
    salvage_is 5 "*checksum is wrong, and 5 keys are read where it says 9, db 0*change of database may be*db 0 (or another), key 'a0'*2 keys are in*5 keys are doubtful*" \
        $dir/fewer.rdb $dir/few.rdb --doubtful $dir/few-doubtful.rdb
    is [keys_in $dir/few.rdb] {c0 c1}
    is [keys_in $dir/few-doubtful.rdb] {a0 a1 b0 b1 b2}
    is [run timeout 180 $holdfast check $dir/fewer.rdb] 5
    like $run_output "*5 keys are read where it says 9*"
    # That a hole took them is no sign of more than the hole is.
    spit $dir/holed.rdb "REDIS0011[database 0 60][records a 9]\xee\xee\xee[records b 9]\xff$wrong"
    run timeout 180 $holdfast check $dir/holed.rdb
    truth {![string match "*where it says*" $run_output]}
    # As many as said, or nothing said: no sign of it.
    foreach keys {5 0} {
        spit $dir/$keys.rdb "REDIS0011[database 0 $keys]$without_head$behind$wrong"
        salvage_is 5 "*nothing shows where*7 keys are in*" $dir/$keys.rdb $dir/out$keys.rdb
    }
    # Without a checksum that is wrong, what a writer says of a database is only a hint.
    spit $dir/hint.rdb "REDIS0011[database 0 3]$without_head$behind[string repeat \0 8]"
    salvage_is 0 "7 keys are in*" $dir/hint.rdb $dir/out-hint.rdb
}

case "a change of database that is lost behind a hole" {
    set dir [tmpdir]
    foreach name {a b} {
        set large($name) ""
        for {set i 0} {$i < 40} {incr i} { append large($name) [random_record $name$i 8000] }
    }
    # So many keys are due at the hole that it is too small for them.
    spit $dir/lost.rdb "REDIS0011[database 0 60]$large(a)\xee\xee\xee$large(b)\xff[string repeat \x5a 8]"
    salvage_is 5 "*80 keys are read where it says 60*38 keys are in*42 keys are doubtful*" \
        $dir/lost.rdb $dir/out.rdb
    truth {"a37" in [keys_in $dir/out.rdb] && "b20" ni [keys_in $dir/out.rdb]}
}

case "a list that breaks off" {
    set dir [tmpdir]
    # type 1: five elements, the third of which has no known form
    set list "\x01\x04list\x05\x01a\x01b\xff\xff\xff\xff\xff"
    spit $dir/bad.rdb [rdb_of [records a 10]$list[records b 10]]
    salvage_is 5 "*breaks off: offset *, db 0, key 'list': 2 elements before the damage*" \
        $dir/bad.rdb $dir/out.rdb --doubtful $dir/doubtful.rdb
    truth {"list" ni [keys_in $dir/out.rdb]}
    run timeout 180 $holdfast dump --match list $dir/doubtful.rdb
    like $run_output {*"value":\["a","b"\]*}
    salvage_is 5 "*2 elements*" $dir/bad.rdb $dir/partial.rdb --keep-partial
    run timeout 180 $holdfast dump --match list $dir/partial.rdb
    like $run_output {*"value":\["a","b"\]*}
    is_whole $dir/partial.rdb
}

case "compressed, from a pipe, in an envelope, cut inside the compression" {
    set dir [tmpdir]
    spit $dir/bad.rdb [rdb_of [records a 20]\xee\xee\xee[records b 20]]
    exec gzip -k $dir/bad.rdb
    salvage_is 5 "*32 keys are in*" $dir/bad.rdb.gz $dir/gz.rdb
    is [run sh -c "cat $dir/bad.rdb.gz | timeout 180 $holdfast salvage - $dir/pipe.rdb"] 5
    like $run_output "*32 keys are in*"
    is [slurp $dir/pipe.rdb] [slurp $dir/gz.rdb]
    set text ""
    for {set i 0} {$i < 30000} {incr i} { append text [record n$i [expr {$i * 7919 % 10007}]] }
    spit $dir/long.rdb [rdb_of $text]
    exec gzip $dir/long.rdb
    spit $dir/cut.gz [string range [slurp $dir/long.rdb.gz] 0 60000]
    lassign [salvage $dir/cut.gz $dir/cut.rdb] code text
    is $code 3
    truth {[llength [keys_in $dir/cut.rdb]] > 1000}
}

case "the RDB in front of a log's commands" {
    set dir [tmpdir]
    set commands [encode {SELECT 0}][encode {SET b 2}]
    spit $dir/a.aof [rdb_of [records a 20]\xee\xee\xee[records b 20]]$commands
    salvage_is 5 "*32 keys are in*[string length $commands] bytes behind the RDB are left out*" \
        $dir/a.aof $dir/out.rdb
    is_whole $dir/out.rdb
}

case "nothing is written over, nothing is left behind" {
    set dir [tmpdir]
    spit $dir/bad.rdb [rdb_of [records a 20]]
    spit $dir/out.rdb mine
    salvage_is 1 "*out.rdb is there already*" $dir/bad.rdb $dir/out.rdb
    is [slurp $dir/out.rdb] mine
    salvage_is 2 "*Can't open*" $dir/missing $dir/new.rdb
    salvage_is 1 "*another file than OUT*" $dir/bad.rdb $dir/x.rdb --doubtful $dir/x.rdb
    spit $dir/short REDIS
    salvage_is 3 "*too short*" $dir/short $dir/new.rdb
    salvage_is 1 "*is there already*" $dir/bad.rdb $dir/new.rdb --doubtful $dir/out.rdb
    is [lsort [glob -tails -directory $dir * .*.tmp]] {bad.rdb out.rdb short}
}

# Two libraries in front of the keys, as version 11 has them.
proc library {name} {
    set code "#!lua name=$name\nredis.register_function('f_$name', function() return 1 end)"
    return \xf5[binary format cc [expr {0x40 | [string length $code] >> 8}] \
        [expr {[string length $code] & 255}]]$code
}
proc with_libraries {} {
    return REDIS0011[library one][library two]\xfe\x00[records a 20]\xff[string repeat \x00 8]
}

case "libraries of functions that are lost, or may be" {
    set dir [tmpdir]
    # The length of the second: nothing can be read up to the keys.
    set at [expr {9 + [string length [library one]]}]
    set text [with_libraries]
    spit $dir/bad.rdb [string replace $text [expr {$at + 1}] [expr {$at + 2}] \x7f\xff]
    salvage_is 5 "*library of functions 'two' lies in it, at offset $at; other libraries of\
        functions may*in front of all keys*1 libraries of functions are lost*Whether more*" \
        $dir/bad.rdb $dir/out.rdb
    salvage_is 5 "*" $dir/bad.rdb $dir/out.json.rdb --json
    set answer [json $run_output]
    is [dict get [lindex [dict get $answer lost_libraries] 0] name] two
    is [dict get $answer libraries_lost] 1
    is [dict get $answer libraries_unsure] true
    # what stands in front of the hole may have swallowed something
    is [dict get [lindex [dict get $answer doubtful_libraries] 0] name] one
    is [dict get $answer libraries_doubtful] 1
    is [run $holdfast check $dir/bad.rdb] 5
    like $run_output "*library of functions 'two' lies in it*"

    # All of the first is overwritten: there is no name any more.
    spit $dir/bad.rdb [string replace $text 9 [expr {$at - 1}] [string repeat \xee [expr {$at - 9}]]]
    salvage_is 5 "*; libraries of functions may have stood in it*Whether any libraries of functions\
        are lost can't be told*" $dir/bad.rdb $dir/none.rdb
    truth {![string match "*libraries of functions are lost\n*" $run_output]}

    # Behind keys there are none; nor in files of versions that know none.
    spit $dir/bad.rdb REDIS0011[library one]\xfe\x00[records a 20]\xee\xee\xee\xee[records b 20]\xff[string repeat \0 8]
    salvage_is 5 "*last key before it is 'a19'*" $dir/bad.rdb $dir/behind.rdb
    truth {![string match "*librar*" $run_output]}
    spit $dir/bad.rdb REDIS0009\xfe\x00\xee\xee\xee\xee[records b 20]\xff[string repeat \0 8]
    salvage_is 5 "*" $dir/bad.rdb $dir/old.rdb
    truth {![string match "*librar*" $run_output]}
}

case "of a damaged block the libraries are doubtful, by name" {
    set s [server "save \"\"\nenable-debug-command local"]
    set dump [with_functions $s]
    set dir [tmpdir]
    spit $dir/bad.rdb [zeroed [slurp $dump] 500000 4096]
    salvage_is 5 "*block 1*; so is 1 library of functions*doubtful: *library of functions 'mylib'*1\
        libraries of functions are doubtful; --doubtful FILE keeps them*" $dir/bad.rdb $dir/out.rdb
    is [run $holdfast check $dir/bad.rdb] 5
    like $run_output "*; so is 1 library of functions*"
    salvage_is 5 "*" $dir/bad.rdb $dir/sure.rdb --doubtful $dir/doubtful.rdb
    foreach {file n} {sure 0 doubtful 1} {
        is [run $holdfast check $dir/$file.rdb --json] 0
        is [dict get [json $run_output] functions] $n
    }
    # compressed, as servers write it: the name stands in its first bytes
    ask $s CONFIG SET rdbcompression yes
    ask $s FUNCTION LOAD "#!lua name=packed\nredis.register_function('g', function() return 1 end) --[string repeat x 300]"
    ask $s SAVE
    set text [slurp $dump]
    set at [string first "#!lua name=packed" $text]
    truth {[string index $text [expr {$at - 4}]] eq "\xc3" || [string index $text [expr {$at - 5}]] eq "\xc3" || [string index $text [expr {$at - 6}]] eq "\xc3"}
    spit $dir/packed.rdb [string replace $text [expr {$at + 30}] [expr {$at + 300}] [string repeat \xff 271]]
    salvage_is 5 "*library of functions 'packed' lies in it*" $dir/packed.rdb $dir/packed-out.rdb
}

case "an element that a value of very many has twice: a server would refuse it" {
    set dir [tmpdir]
    set n [expr {$long ? 2200000 : 530000}]
    set f [open $dir/bad.rdb w]
    fconfigure $f -translation binary
    puts -nonewline $f "REDIS0009\xfe\0[records a 9]\x04\4hash\x80[binary format I $n]"
    for {set i 1} {$i < $n} {incr i} {
        puts -nonewline $f "\x08[format %08d $i]\x06vvvvvv" ;# no byte of it is a type that keys have
    }
    puts -nonewline $f "\x0800000007\x06vvvvvv"
    set end [tell $f]
    puts -nonewline $f "[records z 9]\xff[string repeat \0 8]"
    close $f
    foreach words {{} {--keep-partial}} {
        salvage_is 5 "*Duplicate element in a value of more than *key 'hash'*" $dir/bad.rdb \
            $dir/out.rdb --keep-doubtful {*}$words
        is [run $holdfast check $dir/out.rdb] 0
        like $run_output "* 18 keys*"
        file delete $dir/out.rdb
    }
    foreach {verb out} [list convert $dir/out.rdb dump "--output $dir/out.json"] {
        is [run $holdfast $verb $dir/bad.rdb {*}$out] 5
        like $run_output "*Duplicate element in a value of more than *"
    }
    # The same, and cut off: no part of it can be kept either.
    set f [open $dir/bad.rdb r+]
    chan truncate $f $end
    seek $f -32 end
    puts -nonewline $f "\x0800000007\x06vvvvvv\x08x"
    chan truncate $f [expr {$end - 9}]
    close $f
    salvage_is 3 "*" $dir/bad.rdb $dir/out.rdb --keep-partial
    truth {![string match "*partial*" $run_output]}
    is [run $holdfast check $dir/out.rdb] 0
}

case "a library that is there twice is kept once" {
    set dir [tmpdir]
    spit $dir/bad.rdb REDIS0011[library one][library one]\xfe\x00[records a 5]\xff[string repeat \x00 8]
    salvage_is 4 "*library of functions 'one': another of this name is kept*" $dir/bad.rdb $dir/out.rdb
    is [run $holdfast check $dir/out.rdb --json] 0
    is [dict get [json $run_output] functions] 1
}

# A library's record; a server refuses a whole file for one that does not load.
proc library_of {code} { return \xf5[binary format c [string length $code]]$code }
proc functions_in {path} {
    is [run $::holdfast check $path --json] 0
    return [dict get [json $::run_output] functions]
}

case "a library that no server loads is not in OUT, and named" {
    set dir [tmpdir]
    set keys \xfe\x00[records a 5]\xff[string repeat \x00 8]
    set clash "#!lua name=x\nredis.register_function('f_one', function() end)"
    foreach {file code why} [list lua "#!lua name=x\nnot lua" "'x' would not load: *compiling*" \
                                 bare "return 1" "'' would not load: *Missing library metadata*" \
                                 clash $clash "'x' would not load: *f_one*"] {
        spit $dir/$file.rdb REDIS0011[library one][library_of $code]$keys
        is [run $holdfast check $dir/$file.rdb] 5
        like $run_output "*library of functions $why*"
        truth {![string match "*nothing of the data is lost*" $run_output]}
        salvage_is 5 "*offset [expr {9 + [string length [library one]]}]: The library of functions\
            $why*--doubtful FILE keeps it*5 keys are in*" $dir/$file.rdb $dir/$file-out.rdb
        is [functions_in $dir/$file-out.rdb] 1
        # asked for or not: OUT is to load
        salvage_is 5 "*\"libraries_refused\":1*" $dir/$file.rdb $dir/$file-all.rdb --json \
            --keep-doubtful --doubtful $dir/$file-doubtful.rdb
        is [functions_in $dir/$file-all.rdb] 1
        is [run $holdfast check $dir/$file-doubtful.rdb --json] [expr {$file eq "clash" ? 0 : 5}]
        is [dict get [json $run_output] functions] 1
    }
}

case "behind a hole that may have had a selection all keys are doubtful up to the next one" {
    set dir [tmpdir]
    # Of 50 keys 20 are read before the hole: it may well have had the other 30, and a selection.
    foreach {due behind out} {50 30 58 1500 900 952} {
        set size \xfb\x80[binary format I $due]\x00
        spit $dir/bad.rdb "REDIS0009\xfe\x00$size[records a 20][string repeat \xee 40][records b \
            $behind]\xfe\x02\xfb\x28\x00[records c 40]\xff[string repeat \x00 8]"
        salvage_is 5 "*$out keys are in*" $dir/bad.rdb $dir/$due.rdb \
            --doubtful $dir/$due-doubtful.rdb
        is [llength [keys_in $dir/$due.rdb]] $out
    }
    is [llength [lsearch -all [keys_in $dir/50-doubtful.rdb] b*]] 30
}

case "keys misread behind a hole are not in OUT" {
    set dir [tmpdir]
    # What looks like two records with odd names within a value whose begin is lost.
    set text [records a 20]\xee\xee\xee[record \x01\x02 x][record \x03\x04 y][records b 30]
    spit $dir/bad.rdb [rdb_of $text]
    salvage_is 5 "*" $dir/bad.rdb $dir/out.rdb --doubtful $dir/doubtful.rdb
    # six behind the second odd one
    is [lsort [keys_in $dir/out.rdb]] [lsort [concat [lmap i {0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17} {set _ a$i}] [lmap i {6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29} {set _ b$i}]]]
}

case "a manifest by any name is one, and its base is what is salvaged" {
    set dir [tmpdir]
    spit $dir/list "file a.base.rdb seq 1 type b\n"
    is [run $holdfast salvage $dir/list $dir/out.rdb] 5
    like $run_output "*a.base.rdb*"
    truth {![file exists $dir/out.rdb]}
    spit $dir/a.base.rdb REDIS0009\xfe\x00\x00\x01k\x01v\xff[string repeat \x00 8]
    is [run $holdfast salvage $dir/list $dir/out.rdb] 0
    like $run_output "*the base of the log*1 keys are in *"
}

finish
