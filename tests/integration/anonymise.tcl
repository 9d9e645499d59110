# SPDX-License-Identifier: BSD-3-Clause
# holdfast anonymise: nothing of the content is left, all else is: sizes, encodings, counts, expiry,
# checksums that were right, and damage.
source [file join [file dirname [info script]] lib.tcl]
source [file join [file dirname [info script]] lib/rdb_bytes.tcl]

set holdfast [file join $build holdfast]

proc anonymise {args} {
    set code [run timeout 180 $::holdfast anonymise {*}$args]
    is $code [expr {[string match "*does not read as what went in*" $::run_output] ? 8 : 0}]
    return $::run_output
}
# Exit code and faults of check; without file names, and keys, which are other ones.
proc faults_of {path} {
    set code [run timeout 180 $::holdfast check --json $path]
    set faults {}
    foreach line [split $::run_output \n] {
        if {![string match "\{\"result\":*" $line]} continue
        regsub {; (?:the last key before|no key was found before).*?","db":} $line {","db":} line
        regsub { is .., and was .. } $line { } line
        # Where of two equal bytes the repetition begins, content tells by chance.
        if {[string match "*stand there twice*" $line]} { regsub {"from":\d+,"to":\d+} $line {} line }
        regsub -all {"(file|key)":("(?:[^"\\]|\\.)*"|\{[^\}]*\}|null)} $line {} line
        lappend faults [string trimright $line ",\]\}"]
    }
    return [list $code $faults]
}
# Names, values, fields and members are made of these; no server says such words by itself.
# Long enough not to come about by chance.
set marks {QzJwRtKp XkVqNbZd WyPzHcMx}
proc mark {i} { return "[lindex $::marks [expr {$i % 3}]][format %x $i][lindex $::marks [expr {$i / 3 % 3}]]" }
proc no_mark_in {path} {
    set bytes [slurp $path]
    foreach mark $::marks { is [string first $mark $bytes] -1 }
}

proc add_all {s} {
    for {set i 0} {$i < 300} {incr i} {
        ask $s SET "[mark $i]:str" "[mark $i] [mark [expr {$i + 1}]]"
        ask $s SET "[mark $i]:int" [expr {$i * 1234567}]
        ask $s SET "[mark $i]:text" [string repeat "[mark $i] tells [mark [expr {$i + 7}]], " 20]
    }
    foreach {kind command} {h HSET l RPUSH s SADD n SADD z ZADD zz ZADD big SADD list RPUSH} {
        set n [expr {$kind in {big list} ? 700 : 40}]
        set words {}
        for {set i 0} {$i < $n} {incr i} {
            switch $kind {
                h { lappend words "[mark $i].field" "[mark $i] value" }
                n { lappend words [expr {$i * 977 - 5000}] }
                z { lappend words [expr {$i / 3}] "[mark $i]-member" }
                zz { lappend words $i.5 "[mark $i]-member" }
                default { lappend words "[mark $i]-element" }
            }
        }
        ask $s $command "[mark 1]:$kind" {*}$words
    }
    for {set i 1} {$i < 60} {incr i} { ask $s XADD [mark 2]:x $i-1 [mark 3] [mark $i] [mark 4] $i }
    ask $s XGROUP CREATE [mark 2]:x [mark 5] 0
    ask $s XREADGROUP GROUP [mark 5] [mark 6] COUNT 5 STREAMS [mark 2]:x >
    ask $s PEXPIREAT [mark 1]:h 4102444800000
    ask $s PFADD [mark 1]:p a b c
    ask $s FUNCTION LOAD "#!lua name=QzJwRtKplib\nredis.register_function('QzJwRtKpf', function(keys, args)\
        return redis.call('SET', keys\[1\], 'WyPzHcMx') end) -- [string repeat {XkVqNbZd } 20]"
}
# What does not depend on content, of all keys together.
proc form_of {s} {
    set rows {}
    foreach key [ask $s KEYS *] {
        set type [ask $s TYPE $key]
        set row [list $type [ask $s OBJECT ENCODING $key] [ask $s PEXPIRETIME $key] [string length $key]]
        switch $type {
            string { lappend row [ask $s STRLEN $key] }
            list { lappend row [ask $s LLEN $key] }
            set { lappend row [ask $s SCARD $key] }
            hash { lappend row [ask $s HLEN $key] }
            zset { foreach {member score} [ask $s ZRANGE $key 0 -1 WITHSCORES] { lappend row $score } }
            stream {
                lappend row [lmap entry [ask $s XRANGE $key - +] { lindex $entry 0 }]
                lappend row [lrange [lindex [ask $s XINFO GROUPS $key] 0] 2 end]
            }
        }
        lappend rows $row
    }
    return [lsort $rows]
}

case "a dump has other content, and a server loads it" {
    foreach config {"rdbcompression yes" "rdbcompression no" "zset-max-listpack-entries 0\nset-max-intset-entries 0"} {
        set s [server "save \"\"\nenable-debug-command yes\n$config"]
        add_all $s
        ask $s DEBUG RELOAD
        set form [form_of $s]
        set dump [of $s dir]/dump.rdb
        set out [tmpdir]/out.rdb
        set told [anonymise $dump $out]
        regexp {([0-9]+) bytes of content replaced} $told -> replaced
        set left 0
        regexp {([0-9]+) bytes of compressed content stay} $told -> left
        truth {$replaced > 40000 && $left * 100 < $replaced}
        is [file size $out] [file size $dump]
        is [faults_of $out] {0 {}}
        no_mark_in $out
        is [run timeout 180 $holdfast dump --aux $out] 0
        foreach mark $marks { is [string first $mark $run_output] -1 }
        file copy -force $out $dump
        set s [restart $s kill "save \"\"\nenable-debug-command yes\n$config"]
        is [form_of $s] $form
        is [string first QzJwRtKp [ask $s FUNCTION LIST]] -1
        is [llength [ask $s FUNCTION LIST]] 1
        stop $s
    }
}

case "what stays when told, and the same secret" {
    set s [server "save \"\""]
    add_all $s
    ask $s SAVE
    set dump [of $s dir]/dump.rdb
    set dir [tmpdir]
    spit $dir/secret "sixteen bytes or more"
    anonymise $dump $dir/a.rdb --key-file $dir/secret
    anonymise $dump $dir/b.rdb --key-file $dir/secret
    is [slurp $dir/a.rdb] [slurp $dir/b.rdb]
    anonymise $dump $dir/c.rdb
    truth {[slurp $dir/a.rdb] ne [slurp $dir/c.rdb]}
    anonymise $dump $dir/names.rdb --keep-names
    anonymise $dump $dir/prefix.rdb --keep-prefix 4
    is [run $holdfast dump --keys-only $dump] 0
    set names [lsort [regexp -all -inline {"key":"[^"]*"} $run_output]]
    is [run $holdfast dump --keys-only $dir/names.rdb] 0
    is [lsort [regexp -all -inline {"key":"[^"]*"} $run_output]] $names
    is [run $holdfast dump --keys-only $dir/prefix.rdb] 0
    is [regexp -all {"key":"(QzJw|XkVq|WyPz)} $run_output] [llength $names]
    spit $dir/secret "short"
    is [run $holdfast anonymise $dump $dir/d.rdb --key-file $dir/secret] 1
    truth {![file exists $dir/d.rdb]}
}

# In the dump they lie compressed, in the log they do not.
case "a text of one data set becomes the same in its dump and its log" {
    set s [server "save \"\"\nappendonly yes\naof-checksum no"]
    set dir [of $s dir]
    for {set n 0} {$n < 20} {incr n} {
        set text ""
        for {set i 0} {[string length $text] < 1100 + 100 * $n} {incr i} {
            append text "[mark [expr {$i * $i * ($n + 3) % 97}]], the word [expr {$i * 31 % (7 + $n)}] of many; "
        }
        ask $s SET text:$n $text
    }
    ask $s SAVE
    spit $dir/secret "sixteen bytes or more"
    stop $s term
    anonymise $dir/dump.rdb $dir/out.rdb --key-file $dir/secret --keep-names
    anonymise $dir/appendonlydir $dir/out --key-file $dir/secret --keep-names
    set log [slurp [glob $dir/out/*.incr.aof]]
    set other [tmpdir]
    file copy $dir/out.rdb $other/dump.rdb
    set s [server "save \"\"" -dir $other]
    for {set n 0} {$n < 20} {incr n} {
        set text [ask $s GET text:$n]
        truth {[string length $text] > 1024}
        if {[string first $text $log] < 0} { error "text:$n is another in the log" }
    }
    stop $s
}

# Each kind of damage at several places.
set differing 0
proc damaged {bytes extension} {
    set dir [tmpdir]
    spit $dir/secret "the same secret in each run of this test"
    set n [string length $bytes]
    for {set i 1} {$i < 6} {incr i} {
        set at [expr {$n * $i / 6}]
        set page [expr {$at / 4096 * 4096}]
        foreach bad [list [flipped $bytes $at] [zeroed $bytes $page [expr {min(4096, $n - $page)}]] \
            [string range $bytes 0 $at] \
            [string range $bytes 0 [expr {$page - 1}]][string range $bytes [expr {$page - 4096}] end] \
        ] {
            file delete $dir/out.$extension
            spit $dir/bad.$extension $bad
            set told [anonymise $dir/bad.$extension $dir/out.$extension --key-file $dir/secret]
            is [file size $dir/out.$extension] [string length $bad]
            # Where reading goes on behind damage hangs on what the bytes there look like. When that
            # could not be kept, it is said.
            if {[string match "*does not read as what went in*" $told]} { incr ::differing; continue }
            is [faults_of $dir/out.$extension] [faults_of $dir/bad.$extension]
        }
    }
}

case "a damaged dump keeps its damage" {
    set s [server "save \"\""]
    add_all $s
    ask $s SAVE
    damaged [slurp [of $s dir]/dump.rdb] rdb
    damaged [slurp [several_blocks $s]] rdb
    set plain [tmpdir]/plain.rdb
    is [run $holdfast convert [of $s dir]/dump.rdb $plain --plain] 0
    damaged [slurp $plain] rdb
    puts "figures: $::differing of 60 damaged dumps do not read as what went in"
    truth {$::differing <= 6}
}

# How many keys check finds in it, and between which bytes none.
proc keys_and_holes {path} {
    run timeout 60 $::holdfast check $path
    regexp {(\d+) keys,} $::run_output - keys
    return [list $keys [regexp -all -inline {bytes \d+ to \d+} $::run_output]]
}

# A value that runs over its damage meets its fault among the keys behind it, which are others. A
# file with a long and odd name lets any name be one (rdb_footing.h).
case "what does not read as what went in is told by the exit code, and nothing else is" {
    set dir [tmpdir]
    set fields "\x4b\xb8" ;# 3000
    for {set i 0} {$i < 3000} {incr i} { append fields [string range [record field$i v$i] 1 end] }
    set front "[records front: 300]\x00\x7e\x80\x01[string repeat n 15999]\x01v[records more: 9]"
    set at [expr {[string length $front] + [string length $fields] / 3}]
    spit $dir/bad.rdb [zeroed [rdb_of "$front\x04\x04hash$fields[records back: 3000]"] $at 40]
    set went_in [keys_and_holes $dir/bad.rdb]
    is [llength [lindex $went_in 1]] 1
    foreach told {0 1} { set count($told) 0 }
    for {set i 0} {$i < 16} {incr i} {
        spit $dir/secret "sixteen bytes or more: $i"
        file delete $dir/out.rdb
        set code [run timeout 60 $holdfast anonymise $dir/bad.rdb $dir/out.rdb --key-file $dir/secret]
        set told [string match "*does not read as what went in*" $run_output]
        set differs [expr {[keys_and_holes $dir/out.rdb] ne $went_in}]
        is [list $i $code] [list $i [expr {$differs ? 8 : 0}]]
        is $told $differs
        incr count($differs)
    }
    truth {$count(0) > 0 && $count(1) > 0}
}

case "a library, a name of a thing and a value that are stored as integers are other integers" {
    set path [tmpdir]/ints.rdb
    spit $path [rdb_of "\xf5\xc1\x39\x30\xfa\xc0\x07\xc1\x39\x30\x00\xc1\x39\x30\xc1\x39\x30" 0011]
    set before [faults_of $path]
    run timeout 180 $::holdfast anonymise $path $path.out
    set out [slurp $path.out]
    is [string length $out] [file size $path]
    is [string first "\xf5\xc1" $out] 11
    is [string first "\x39\x30" $out] -1
    is [faults_of $path.out] $before
}

case "a log has other content, its sums are right, and a server replays it" {
    set s [server "save \"\"\nappendonly yes\nauto-aof-rewrite-percentage 0"]
    add_all $s
    ask $s BGREWRITEAOF
    wait_for { expr {[info_of $s aof_rewrites] == 1 && [info_of $s aof_rewrite_in_progress] == 0} }
    ask $s FLUSHALL
    ask $s FUNCTION FLUSH
    add_all $s
    foreach words {{MULTI} {SET QzJwRtKpa 1000} {INCRBY QzJwRtKpa 7} {EXEC} {RENAME QzJwRtKpa WyPzHcMxb}
        {ZREM XkVqNbZd1WyPzHcMx:z QzJwRtKp0QzJwRtKp-member}} { ask $s {*}$words }
    ask $s DEL [mark 1]:p ;# of how many bytes it is, hangs on which words it counts
    set bytes [ask $s DUMP [mark 1]:h]
    ask $s RESTORE WyPzHcMxrestored 0 $bytes
    set form [form_of $s]
    set dir [of $s dir]
    stop $s term
    set out [tmpdir]/out
    anonymise $dir/appendonlydir $out
    foreach path [glob $dir/appendonlydir/*] {
        is [file size $out/[file tail $path]] [file size $path]
        no_mark_in $out/[file tail $path]
    }
    is [faults_of $out] {0 {}}
    set incr [slurp [glob $dir/appendonlydir/*.incr.aof]]
    file delete -force $dir/appendonlydir
    file copy $out $dir/appendonlydir
    set s [server "save \"\"\nappendonly yes" -dir $dir]
    set found [form_of $s]
    foreach a $found b $form { is $a $b }
    damaged $incr aof
}

case "a dump that is cut off is cut off afterwards, wherever that is" {
    # Libraries and names of such lengths that their bytes are letters, too; plain and packed.
    set code "#!lua name=lib\nredis.register_function('f', function() return 1 end)"
    append code "\n--[string repeat - [expr {0x4141 - 0x4000 - [string length $code] - 3}]]"
    set library \xf5\x41\x41$code
    set packed \xf5\xc3\x40\x41\x40\x60[string range $code 0 64]
    set named ""
    foreach n {33 40 63} { append named \xfc[string repeat z 8][record [string repeat k $n] [string repeat v [expr {96 - $n}]]] }
    set aux \xfa\x21[string repeat a 33]\x22[string repeat b 34]
    set dir [tmpdir]
    set bytes REDIS0011$aux$library\xfe\x00$named
    set places {}
    for {set at 12} {$at < [string length $bytes]} {incr at [expr {$at > 85 && $at < 380 ? 13 : 3}]} { lappend places [string range $bytes 0 $at-1] }
    for {set n 8} {$n < 60} {incr n 7} { lappend places REDIS0011[string range $packed 0 $n] }
    foreach bytes $places {
        spit $dir/cut.rdb $bytes
        file delete $dir/out.rdb
        anonymise $dir/cut.rdb $dir/out.rdb
        # What a library is called is content, and that its code begins as one does.
        foreach name {cut out} {
            lassign [faults_of $dir/$name.rdb] code faults
            set $name "$code [join $faults]"
            regsub -all {the library of functions '[^']*' lies in it, at offset \d+; |other (?=libraries)} [set $name] "" $name
        }
        is [list [string length $bytes] $out] [list [string length $bytes] $cut]
    }
    is [lindex [faults_of $dir/out.rdb] 0] 3
}

finish
