# SPDX-License-Identifier: BSD-3-Clause
# Data sets as values to compare: what a server holds, read through commands, and a data set with
# every type and encoding to fill one with. Needs ../lib.tcl.

# The double's 16 hex digits. Texts differ between versions, and a packed -0 is 0.
proc score_bits {text} { return [binary encode hex [binary format Q [expr {double($text) + 0.0}]]] }

# A stream with its groups: what XINFO shows of it, without the words. Redis 7.0 does not tell when
# a consumer was active. stream_replayed 1: without what the replay of a log sets anew.
set stream_replayed 0
proc stream_of {handle key} {
    set s [ask $handle XINFO STREAM $key FULL COUNT 0]
    set all [lmap name {length last-generated-id max-deleted-entry-id entries-added
        recorded-first-entry-id entries} { dict get $s $name }]
    foreach group [dict get $s groups] {
        set consumers {}
        foreach who [dict get $group consumers] {
            lappend consumers [stream_consumer [dict get $who name] [dict get $who seen-time] \
                [dict get $who active-time] [lmap row [dict get $who pending] { lindex $row 0 }]]
        }
        lappend all [stream_group [dict get $group name] [dict get $group last-delivered-id] \
            [dict get $group entries-read] [dict get $group pending] $consumers]
    }
    return $all
}
proc stream_group {name last read pending consumers} {
    if {$::stream_replayed} { set read - }
    return [list $name $last $read $pending $consumers]
}
proc stream_consumer {name seen active owned} {
    if {$::stream_replayed} { lassign {- -} seen active }
    return [list $name $seen $active $owned]
}

# A value in a form that two equal ones have in common.
proc value_of {handle type key} {
    switch $type {
        string { return [ask $handle GET $key] }
        list { return [ask $handle LRANGE $key 0 -1] }
        set { return [lsort [ask $handle SMEMBERS $key]] }
        zset {
            set rows {}
            foreach {member score} [ask $handle ZRANGE $key 0 -1 WITHSCORES] {
                lappend rows $member [score_bits $score]
            }
            return $rows
        }
        hash { return [lsort -stride 2 [ask $handle HGETALL $key]] }
        stream { return [stream_of $handle $key] }
    }
    error "a key of type $type"
}

# One row a key: {db key type pexpiretime value}, sorted. The connection ends in db 0.
proc dataset_of {handle {databases 16}} {
    set rows {}
    for {set db 0} {$db < $databases} {incr db} {
        ask $handle SELECT $db
        foreach key [lsort [ask $handle KEYS *]] {
            set type [ask $handle TYPE $key]
            set at [ask $handle PEXPIRETIME $key]
            lappend rows [list $db $key $type $at [value_of $handle $type $key]]
        }
    }
    ask $handle SELECT 0
    return $rows
}

proc printable {text} {
    set text [string range $text 0 200]
    regsub -all {[^ -~]} $text . text
    return $text
}

# Fails with the first row that differs.
proc same_dataset {got want} {
    if {$got eq $want} return
    set rows [llength $got]
    foreach g $got w $want {
        if {$g eq $w} continue
        error "of $rows keys, wanted [llength $want]: got [printable $g], not [printable $w]"
    }
}

# ---- a data set ----

proc text_of_all_bytes {} {
    for {set i 0} {$i < 256} {incr i} { append all [format %c $i] }
    return $all
}

# So many bytes which no compressor makes shorter.
proc noise {seed n} {
    set out ""
    set x [expr {($seed * 2654435761 + 12345) & 0xffffffff}]
    while {[string length $out] < $n} {
        set x [expr {($x * 1664525 + 1013904223) & 0xffffffff}]
        append out [binary format I $x]
    }
    return [string range $out 0 $n-1]
}

proc fill_strings {s} {
    set i 0
    foreach n {0 1 -1 12 -13 127 128 255 256 -128 -129 4095 4096 32767 32768 -32769 65535 8388607
               -8388609 2147483647 2147483648 -2147483648 -2147483649 9223372036854775807
               -9223372036854775808 9223372036854775808 +1 01 -0 1.5 " 1"} {
        ask $s SET int:[incr i] $n
    }
    ask $s SET "" "under the empty key"
    ask $s SET empty ""
    ask $s SET [text_of_all_bytes] [text_of_all_bytes]
    foreach n {19 20 21 44 45 63 64 16383 16384 65535 65536 300000} {
        ask $s SET same:$n [string repeat x $n]
        ask $s SET noise:$n [noise $n $n]
        ask $s SET [string repeat k [expr {$n % 20000}]]$n key:$n
    }
    ask $s SET appended abc
    ask $s APPEND appended def
    ask $s SETRANGE holes 100 x
}

# The same for lists, sets, hashes and sorted sets: small ones, big ones, numbers, long elements.
proc element {form i} {
    switch $form {
        int { return [expr {($i % 2 ? -1 : 1) * (1 << ($i % 60)) + $i}] }
        small { return $i }
        text { return "element $i" }
        bytes { return [binary format I $i]\r\n\x00\xff$i }
        long { return [string repeat "long$i," 30] }
        noise { return [noise $i 200] }
        huge { return $i[string repeat h 9000] }
    }
}

proc fill_collections {s} {
    foreach {form count} {int 40 small 5 text 100 bytes 20 long 30 noise 60 huge 3 small 700
                          text 3000 int 300} {
        for {set i 0; set list {}; set pairs {}; set scores {}} {$i < $count} {incr i} {
            set e [element $form $i]
            lappend list $e
            lappend pairs $e [element $form [expr {$i + 1}]]
            lappend scores [expr {$i % 7 * 1.25 - 3}] $e
        }
        set name $form:$count
        for {set i 0} {$i < $count} {incr i 500} {
            ask $s RPUSH list:$name {*}[lrange $list $i $i+499]
            ask $s SADD set:$name {*}[lrange $list $i $i+499]
            ask $s HSET hash:$name {*}[lrange $pairs [expr {2 * $i}] [expr {2 * $i + 999}]]
            ask $s ZADD zset:$name {*}[lrange $scores [expr {2 * $i}] [expr {2 * $i + 999}]]
        }
    }
    ask $s RPUSH list:empty "" "" x ""
    ask $s SADD set:empty ""
    ask $s HSET hash:empty "" "" f "" "" x
    ask $s ZADD zset:scores inf a -inf b 0 c -0.0 d 1e-320 e 9007199254740993 f 1e308 g \
        0.1 h 3 i 3 j -3 k 1e21 l 123456789012 m -1.5e-9 n 17.000000000000004 o
    ask $s SADD set:int16 1 2 3 -32768 32767
    ask $s SADD set:int32 1 2 3 -2147483648
    ask $s SADD set:int64 1 2 3 9223372036854775807
    ask $s SADD set:mixed 1 2 3 x
    foreach key {list:text:100 set:small:700 hash:small:5 zset:int:40} {
        ask $s EXPIREAT $key 4102444800
    }
}

proc fill {s} {
    fill_strings $s
    fill_collections $s
    for {set db 1} {$db < 16} {incr db} {
        ask $s SELECT $db
        ask $s SET where $db
        ask $s SET till $db PXAT [expr {4102444800123 + $db}]
        ask $s RPUSH list:$db a $db
    }
    ask $s SELECT 0
    ask $s SET far 1 PXAT 9000000000000000
}
