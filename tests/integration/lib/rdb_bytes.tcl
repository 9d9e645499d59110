# SPDX-License-Identifier: BSD-3-Clause
# RDB files by hand, for tests of what reads damaged ones. Source lib.tcl first.

# A string key as an RDB has it.
proc record {name value} {
    set len [binary format c [string length $value]]
    return \x00[binary format c [string length $name]]$name$len$value
}
# So many of them: prefix0 ...
proc records {prefix n} {
    set all ""
    for {set i 0} {$i < $n} {incr i} { append all [record $prefix$i "value of $prefix$i"] }
    return $all
}
# A file of such records, without a checksum.
proc rdb_of {records {version 0009}} {
    return REDIS$version\xfe\x00$records\xff[string repeat \x00 8]
}
# A dump of 4000 keys in several blocks; its path.
proc several_blocks {s {db 0}} {
    set many [encode {CONFIG SET rdbcompression no}][encode [list SELECT $db]]
    for {set i 0} {$i < 4000} {incr i} {
        append many [encode [list SET key:$i [string repeat [expr {$i * 7919}] 100]]]
    }
    set c [connect $s]
    puts -nonewline $c $many
    flush $c
    for {set i 0} {$i < 4002} {incr i} { read_reply $c }
    close $c
    ask $s SAVE
    return [of $s dir]/dump.rdb
}
proc flipped {bytes at} {
    binary scan [string index $bytes $at] c x
    return [string replace $bytes $at $at [binary format c [expr {$x ^ 16}]]]
}
proc zeroed {bytes from n} {
    return [string replace $bytes $from [expr {$from + $n - 1}] [string repeat \x00 $n]]
}
