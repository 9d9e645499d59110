# SPDX-License-Identifier: BSD-3-Clause
# The tools take at most 64 MiB, whatever the size of a file and of a single key: a list of
# gigabytes, strings of hundreds of megabytes, in a file that is mostly holes. LONG=1: 10 GB.
source [file join [file dirname [info script]] lib.tcl]

set holdfast [file join $build holdfast]
set limit_kib [expr {64 << 10}]
set figures {}

proc length_bytes {n} { return \x80[binary format I $n] }
# A list of n elements of 1 MiB of zeros, strings of so many MiB each, keys of all sizes around them.
proc make_file {path elements strings} {
    set f [open $path w]
    fconfigure $f -translation binary
    puts -nonewline $f "REDIS0009\xfe\0\0\5first\1a"
    puts -nonewline $f "\1\4list[length_bytes $elements]"
    for {set i 0} {$i < $elements} {incr i} {
        puts -nonewline $f [length_bytes 1048576]
        seek $f 1048576 current
    }
    set n 0
    foreach mib $strings {
        puts -nonewline $f "\0\2s[format %c [expr {65 + [incr n]}]][length_bytes [expr {$mib << 20}]]"
        seek $f [expr {$mib << 20}] current
    }
    puts -nonewline $f "\0\4last\1z\xff[string repeat \0 8]"
    close $f
}

# Runs it, and looks at what it takes until it ends: {exit code, most KiB}.
proc most_memory {args} {
    set run [open "|[list {*}$args </dev/null 2>@1]"]
    fconfigure $run -blocking 0 -translation binary
    set status /proc/[pid $run]/status
    set most 0
    set ::output ""
    while {![eof $run]} {
        append ::output [read $run]
        if {![catch { slurp $status } text] && [regexp {VmHWM:\s+(\d+)} $text -> now] && $now > $most} {
            set most $now
        }
        after 20
    }
    set code 0
    fconfigure $run -blocking 1
    if {[catch { close $run } - options]} {
        set error [dict get $options -errorcode]
        set code [expr {[lindex $error 0] eq "CHILDSTATUS" ? [lindex $error 2] : -1}]
    }
    return [list $code $most]
}
proc takes_little {code args} {
    lassign [most_memory {*}$args] got most
    if {$got != $code} { error "[lrange $args 1 2]: exit code $got: $::output" }
    if {!$::sanitized && $most > $::limit_kib} { error "[lrange $args 1 2] takes $most KiB" }
    lappend ::figures [lindex $args 1] [expr {$most >> 10}]
}

case "a file of large keys is checked, dumped, converted" {
    set dir [tmpdir]
    set file $dir/large.rdb
    make_file $file [expr {$long ? 3072 : 160}] [expr {$long ? "500 500 511 2 511 511 511 511 511 511 511 511" : "100 2"}]
    takes_little 0 $holdfast check $file
    takes_little 0 $holdfast dump $file --output /dev/null
    takes_little 0 $holdfast dump $file --format resp --output /dev/null
    takes_little 0 $holdfast convert $file /dev/null --to aof
    takes_little 0 $holdfast convert $file $dir/small.rdb
    truth {[file size $dir/small.rdb] < [file size $file] * 2 / 3}
    takes_little 0 $holdfast check $dir/small.rdb
    takes_little 0 [file join $build redis-check-rdb] $file
    file delete $file
    if {[llength [info commands more_cases]]} { more_cases $dir/small.rdb }
}

case "damage in the middle of a large key, and what is behind it" {
    set dir [tmpdir]
    set file $dir/large.rdb
    make_file $file 110 {80 2}
    set f [open $file r+]
    fconfigure $f -translation binary
    seek $f [expr {100 << 20}]
    puts -nonewline $f [string repeat \xee 4096]
    close $f
    lassign [most_memory $holdfast check $file] code most
    truth {$code in {0 5}} ;# zeros that became other bytes may be within an element: nothing shows it
    truth {$sanitized || $most <= $limit_kib}
    lassign [most_memory $holdfast salvage $file $dir/out.rdb] code most
    truth {$sanitized || $most <= $limit_kib}
    lappend figures salvage [expr {$most >> 10}]
}

proc numbers {from to} {
    for {set i $from} {$i < $to} {incr i} { lappend all [format %08d $i] }
    return $all
}
# A hash of n fields.
proc make_hash {path n} {
    set f [open $path w]
    fconfigure $f -translation binary
    puts -nonewline $f "REDIS0009\xfe\0\4\4hash[length_bytes $n]"
    for {set i 0} {$i < $n} {incr i 100000} {
        puts -nonewline $f \11f[join [numbers $i [expr {min($n, $i + 100000)}]] \1v\11f]\1v
    }
    puts -nonewline $f "\0\4last\1z\xff[string repeat \0 8]"
    close $f
}
# A transaction of n commands, one of n arguments, one with an argument of so many MiB, a script.
proc make_log {path n mib} {
    set f [open $path w]
    fconfigure $f -translation binary
    puts -nonewline $f [encode {SELECT 0}][encode MULTI]
    for {set i 0} {$i < $n} {incr i} { puts -nonewline $f [encode [list SET key:$i v$i]] }
    puts -nonewline $f "[encode EXEC]*[expr {$n + 2}]\r\n\$5\r\nRPUSH\r\n\$4\r\nlist\r\n"
    for {set i 0} {$i < $n} {incr i} { puts -nonewline $f "\$8\r\n[format %08d $i]\r\n" }
    foreach {words last} {"*3\r\n\$3\r\nSET\r\n\$3\r\nbig\r\n" "" "*3\r\n\$4\r\nEVAL\r\n" "\$1\r\n0\r\n"} {
        puts -nonewline $f "$words\$[expr {$mib << 20}]\r\n"
        seek $f [expr {$mib << 20}] current
        puts -nonewline $f "\r\n$last"
    }
    puts -nonewline $f [encode {SET last 1}]
    close $f
}

case "anonymise takes as little: large elements, of a list and strings" {
    set dir [tmpdir]
    make_file $dir/large.rdb [expr {$long ? 3072 : 80}] [expr {$long ? "511 511" : "80"}]
    takes_little 0 $holdfast anonymise $dir/large.rdb $dir/out.rdb
    is [file size $dir/out.rdb] [file size $dir/large.rdb]
}

case "a hash of millions of fields, whole and damaged" {
    set dir [tmpdir]
    # Beyond half a million what is held of its elements goes to files.
    set n [expr {$sanitized ? 300000 : $long ? 30000000 : 700000}]
    make_hash $dir/hash.rdb $n
    takes_little 0 $holdfast check $dir/hash.rdb
    takes_little 0 $holdfast salvage $dir/hash.rdb $dir/salvaged.rdb
    takes_little 0 $holdfast dump $dir/hash.rdb --output /dev/null
    takes_little 0 $holdfast report $dir/hash.rdb
    takes_little 0 $holdfast diff $dir/hash.rdb $dir/salvaged.rdb
    takes_little 0 $holdfast anonymise $dir/hash.rdb $dir/out.rdb
    is [file size $dir/out.rdb] [file size $dir/hash.rdb]
    set f [open $dir/hash.rdb r+]
    fconfigure $f -translation binary
    seek $f [expr {[file size $dir/hash.rdb] * 3 / 4}]
    puts -nonewline $f [string repeat \xee 4096]
    close $f
    foreach {verb out} {check {} salvage rest.rdb anonymise damaged.rdb} {
        lassign [most_memory $holdfast $verb $dir/hash.rdb {*}[lmap o $out { set o $dir/$o }]] code most
        truth {$code in {0 5}}
        truth {$sanitized || $most <= $limit_kib}
        lappend figures $verb [expr {$most >> 10}]
    }
}

case "a log of large transactions, commands and arguments" {
    set dir [tmpdir]
    make_log $dir/large.aof [expr {$sanitized ? 20000 : $long ? 200000 : 100000}] [expr {$long ? 500 : 60}]
    takes_little 0 $holdfast anonymise $dir/large.aof $dir/out.aof
    is [file size $dir/out.aof] [file size $dir/large.aof]
    takes_little 0 $holdfast check $dir/large.aof
    takes_little 0 $holdfast fix $dir/large.aof
    takes_little 0 $holdfast stats $dir/large.aof
    takes_little 0 $holdfast points $dir/large.aof
    takes_little 0 $holdfast who big $dir/large.aof
    takes_little 0 $holdfast restore $dir/large.aof --to 0:100 --dry-run
}

# Each of n names twice: with the value a first, then b.
proc make_twice {path n} {
    set f [open $path w]
    fconfigure $f -translation binary
    puts -nonewline $f "REDIS0009\xfe\0"
    set names [numbers 0 $n]
    foreach value {a b} { puts -nonewline $f \0\11k[join $names \1$value\0\11k]\1$value }
    puts -nonewline $f "\xff[string repeat \0 8]"
    close $f
}
# Keys of that value, of the names' two.
proc keys_with {path value} {
    return [exec $::holdfast dump $path --format resp --quiet | grep -c ^$value\r\$]
}

case "more keys that are there twice than memory holds: each policy is kept to" {
    set dir [tmpdir]
    set n [expr {$sanitized ? 100000 : $long ? 3000000 : 530000}] ;# a million hashes are held
    make_twice $dir/twice.rdb $n
    foreach {policy value} {first a last b} {
        takes_little 4 $holdfast salvage $dir/twice.rdb $dir/$policy.rdb --duplicates $policy --quiet
        is [keys_with $dir/$policy.rdb $value] $n
        takes_little 0 $holdfast convert $dir/twice.rdb $dir/c$policy.rdb --twice $policy
        is [run $holdfast diff $dir/$policy.rdb $dir/c$policy.rdb --quiet] 0
    }
    takes_little 4 $holdfast salvage $dir/twice.rdb $dir/none.rdb --duplicates both-to-doubtful \
        --doubtful $dir/both.rdb
    like $output "*0 keys are in*[expr {2 * $n}] keys have a name that comes more than once*"
    takes_little 4 $holdfast check $dir/twice.rdb
    like $output "*key 'k00000000'*... and [expr {$n - 1000}] faults more*"
    takes_little 4 $holdfast convert $dir/twice.rdb $dir/x.rdb
    like $output "*$n keys or libraries come twice*"
}

# Ascending ids that differ by so much, and have times and counts, that nothing of them can be packed.
proc wild_entry {i} {
    set noise [expr {$i * 6364136223846793005 & 0x3fffffffffffffff}]
    return [binary format WWwcI [expr {($i << 24) + ($noise >> 38)}] $noise [expr {$noise ^ 0x2aaa}] \
                128 [expr {$noise & 0x7fffffff}]]
}
# As a stream has them that is in use.
proc live_entry {i} {
    return [binary format WWwc [expr {1700000000000 + $i / 3}] [expr {$i % 3}] \
                [expr {1700000000500 + $i / 50}] 1]
}
# How its entries look, and which of them comes at place i.
proc entry_at {kind i} { return [expr {$kind eq "live" ? [live_entry $i] : [wild_entry $i]}] }
proc id_at {kind i} { return [string range [entry_at $kind $i] 0 15] }
# In a list that is out of order neighbours far apart have changed places.
proc place_of {kind i n} {
    return [expr {$kind eq "disordered" && $i % 2 && $i < $n / 2 * 2 ? $n / 2 * 2 - $i : $i}]
}

# A stream without entries, whose group has n pending; its consumers take turns. In type 27 nobody
# owns the second half.
proc make_pending {path type n consumers kind} {
    set version [dict get {15 1 19 2 21 3 26 4 27 5} $type]
    set owned [expr {$version == 5 ? $n / 2 : $n}]
    set len [length_bytes $n]
    set f [open $path w]
    fconfigure $f -translation binary -buffersize 1000000
    puts -nonewline $f "REDIS00[dict get {1 09 2 10 3 11 4 13 5 13} $version]\xfe\0"
    puts -nonewline $f "[format %c $type]\6stream\0\0$len\0[expr {$version > 1 ? "\0\0\0\0$len" : ""}]"
    puts -nonewline $f "\1\1g$len\0[expr {$version > 1 ? $len : ""}]$len"
    for {set i 0} {$i < $n} {incr i} {
        puts -nonewline $f [entry_at $kind [place_of $kind $i $n]]
    }
    puts -nonewline $f [length_bytes $consumers]
    for {set c 0} {$c < $consumers} {incr c} {
        puts -nonewline $f "\10c[format %07d $c][binary format w 1000]"
        if {$version > 2} { puts -nonewline $f [binary format w 1000] }
        puts -nonewline $f [length_bytes [expr {($owned - $c + $consumers - 1) / $consumers}]]
        for {set i $c} {$i < $owned} {incr i $consumers} { puts -nonewline $f [id_at $kind $i] }
    }
    if {$version > 4} {
        puts -nonewline $f [length_bytes [expr {$n - $owned}]]
        for {set i $owned} {$i < $n} {incr i} { puts -nonewline $f [id_at $kind $i] }
    }
    if {$version > 3} { puts -nonewline $f "\0\0\0\0\0" }
    puts -nonewline $f "\0\4last\1z\xff[string repeat \0 8]"
    close $f
}

# A log with the file as its base, and two commands.
proc make_log_on {dir base} {
    file mkdir $dir
    file copy -force $base $dir/a.1.base.rdb
    foreach {name text} [list a.manifest "file a.1.base.rdb seq 1 type b\nfile a.1.incr.aof seq 1 type i\n" \
                             a.1.incr.aof "[encode {SELECT 0}][encode {SET a 1}][encode {SET a 2}]"] {
        set f [open $dir/$name w]
        fconfigure $f -translation binary
        puts -nonewline $f $text
        close $f
    }
}

# Every verb that reads values over such a stream.
proc pending_takes_little {dir file later} {
    set drop [expr {$later ? "--drop" : "--twice refuse"}]
    takes_little 0 $::holdfast check $file
    takes_little 0 [file join $::build redis-check-rdb] $file
    takes_little 0 $::holdfast salvage $file $dir/salvaged.rdb
    takes_little 0 $::holdfast diff $file $dir/salvaged.rdb
    takes_little 0 $::holdfast dump $file --output /dev/null
    takes_little 0 $::holdfast convert $file $dir/out.rdb {*}$drop
    # its entries are not in the stream, which no command can say
    takes_little 6 $::holdfast convert $file $dir/out.aof --to aof
    takes_little 0 $::holdfast convert $file $dir/out.aof --to aof --drop
    takes_little 0 $::holdfast report $file
    takes_little 0 $::holdfast anonymise $file $dir/anonymous.rdb
    takes_little 0 $::holdfast check $dir/anonymous.rdb
    takes_little 0 $::holdfast check $dir/out.rdb
    make_log_on $dir/log $file
    takes_little 0 $::holdfast check $dir/log
    takes_little 0 $::holdfast stats $dir/log
    takes_little 0 $::holdfast who stream $dir/log
    takes_little 0 $::holdfast restore $dir/log $dir/restored --to before-last:SET
    if {!$later} {
        takes_little 0 $::holdfast diff $file $dir/out.rdb
        takes_little 6 $::holdfast dump $file --format resp --output /dev/null
    }
    file delete -force {*}[glob $dir/*]
}

case "a pending list of hundreds of thousands of entries" {
    set dir [tmpdir]
    set n [expr {$sanitized ? 120000 : 400000}]
    set limit_kib [expr {44 << 10}] ;# less than the list, and copies of it, would take
    foreach {type consumers kind} {15 1 wild 19 40 live 21 3 disordered 27 2 wild} {
        make_pending $dir/pending.rdb $type $n $consumers $kind
        pending_takes_little $dir $dir/pending.rdb [expr {$type > 21}]
    }
    set limit_kib [expr {64 << 10}]
}

if {$long} {
    foreach {type consumers kind} {15 1 wild 19 1000 live 21 1 wild 21 2 disordered 26 1 live 27 1 wild} {
        case "five million pending entries: type $type, $consumers consumers, $kind" {
            set dir [tmpdir]
            make_pending $dir/pending.rdb $type 5000000 $consumers $kind
            pending_takes_little $dir $dir/pending.rdb [expr {$type > 26}]
        }
    }
}

# What is wrong with a long list is found as with a short one (and, entry by entry, in test_pending_file).
case "faults of a long pending list" {
    set dir [tmpdir]
    make_pending $dir/pending.rdb 21 150000 2 live
    set size [file size $dir/pending.rdb]
    foreach {back from what} {
        40 {} "Consumer entry not found in the group's pending list"
        40 3000 "A pending entry belongs to two consumers"
    } {
        # The id of an entry of the last consumer becomes another.
        file copy -force $dir/pending.rdb $dir/wrong.rdb
        set f [open $dir/wrong.rdb r+]
        fconfigure $f -translation binary
        seek $f [expr {$size - 17 - 16 * $back}] ;# 17 bytes stand behind the list
        puts -nonewline $f [expr {$from eq "" ? [string repeat \x7f 16] : [id_at live $from]}]
        close $f
        is [run $holdfast check $dir/wrong.rdb] 5
        like $run_output "*$what*"
    }
    set ::env(TMPDIR) /nowhere
    make_pending $dir/wild.rdb 21 [expr {$sanitized ? 150000 : 1200000}] 1 wild
    foreach {verb to} {check {} salvage {a.rdb} anonymise {b.rdb} convert {c.rdb} report {}} {
        set code [run $holdfast $verb $dir/wild.rdb {*}[lmap o $to { set o $dir/$o }]]
        if {!$sanitized} {
            is [list $verb $code] [list $verb 2]
            like $run_output "*No temporary file can be made in /nowhere*"
            foreach name $to { truth {![file exists $dir/$name]} }
        }
    }
    unset ::env(TMPDIR)
}

# Libraries of functions, n of 40 KB.
proc make_libraries {path n} {
    set f [open $path w]
    fconfigure $f -translation binary
    puts -nonewline $f REDIS0011
    for {set i 0} {$i < $n} {incr i} {
        set code "#!lua name=lib$i\nredis.register_function('f$i', function() return 1 end)\n--"
        append code [string repeat x [expr {40000 - [string length $code]}]]
        puts -nonewline $f \xf5[length_bytes 40000]$code
    }
    puts -nonewline $f "\xfe\0\0\4last\1z\xff[string repeat \0 8]"
    close $f
}

case "more libraries of functions than memory holds" {
    set dir [tmpdir]
    make_libraries $dir/many.rdb [expr {$sanitized ? 200 : $long ? 5000 : 2000}]
    takes_little 0 $holdfast check $dir/many.rdb
    takes_little 0 $holdfast salvage $dir/many.rdb $dir/salvaged.rdb
    takes_little 0 $holdfast dump $dir/many.rdb --output /dev/null
    takes_little 0 $holdfast convert $dir/many.rdb $dir/out.rdb
    takes_little 0 $holdfast convert $dir/many.rdb $dir/dbs --split db
    foreach out {salvaged.rdb out.rdb dbs/db-0.rdb} {
        takes_little 0 $holdfast diff $dir/many.rdb $dir/$out
    }
    if {$long} {
        file copy $dir/many.rdb $dir/dump.rdb
        set s [server "save \"\"" -dir $dir]
        takes_little 0 $holdfast convert 127.0.0.1:[of $s port] $dir/live.rdb
        takes_little 0 $holdfast diff $dir/live.rdb $dir/many.rdb
    }
}

puts "figures: MiB at most: $figures"
finish
