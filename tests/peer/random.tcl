# SPDX-License-Identifier: BSD-3-Clause
# Random commands over few keys to our server and to the installed redis-server: the same replies,
# and the same data. SEED repeats a run; COUNT is how many (LONG: 1000000); TRACE=1 prints them.
source [file join [file dirname [info script]] ../integration/lib.tcl]
source [file join [file dirname [info script]] lib/pair.tcl]
source [file join [file dirname [info script]] ../integration/lib/chance.tcl]
source [file join [file dirname [info script]] lib/grammar.tcl]

set count [chance_count 20000 5000 1000000]

proc run_batch {all} {
    lassign [pair_fds main] a b
    foreach fd [list $a $b] {
        foreach item $all { puts -nonewline $fd [encode [lrange $item 1 end]] }
        flush $fd
    }
    set differ {}
    if {[info exists ::env(TRACE)]} { foreach item $all { puts [printable $item] } }
    foreach item $all {
        set x [tree $a]
        set y [tree $b]
        if {[lindex $item 1] eq "MULTI"} { set queued {} }
        if {[string match "+QUEUED*" [lindex $x 0]]} { lappend queued [lrange $item 1 end] }
        if {[equal [lindex $item 0] $x $y]} continue
        if {[lindex $item 1] eq "EXEC"} {
            foreach words $queued left [lindex $x 1] right [lindex $y 1] {
                if {![equal exact $left $right]} { lappend differ [told $words $left $right] }
            }
        } else {
            lappend differ [told [lrange $item 1 end] $x $y]
        }
        if {[lindex $x 0] eq "(closed)"} {
            error "closed after [lrange $item 1 end]: [log_of $::ours]"
        }
    }
    return $differ
}

# Lists and sets of few have an encoding of their own since 7.2.
proc same_encoding {type key} {
    lassign [lmap fd [pair_fds main] { request $fd OBJECT ENCODING $key }] mine theirs
    if {$mine eq $theirs || [list $type $mine $theirs] in
        {{list listpack quicklist} {set listpack hashtable}}} { return "" }
    return "$key, a $type: ours is $mine, the peer's $theirs"
}

# All keys of both: type, value, expiry; 1: and encoding, which a restored value has of its size, not
# of its past.
proc same_data {{encodings 1}} {
    set differ {}
    set reads {string {exact GET K} list {exact LRANGE K 0 -1} set {sorted SMEMBERS K}
        hash {pairs HGETALL K} zset {exact ZRANGE K 0 -1 WITHSCORES}
        stream {stream XINFO STREAM K FULL COUNT 0}}
    foreach db {0 1} {
        compare exact [list SELECT $db]
        lappend differ [compare sorted {KEYS *}]
        foreach key {k0 k1 k2 k3 k4 k5 k6 k7 k8 k9 k10 k11 q0 q1 l0 l1 s0 s1 h0 h1 z0 z1
            x0 x1 p0 p1 g0 g1} {
            lappend differ [compare exact [list TYPE $key]] [compare exact [list PTTL $key]]
            set type [request [lindex [pair_fds main] 0] TYPE $key]
            if {[dict exists $reads $type]} {
                if {$encodings} { lappend differ [same_encoding $type $key] }
                set words [lassign [string map [list K $key] [dict get $reads $type]] mode]
                lappend differ [compare $mode $words]
            }
        }
    }
    compare exact {SELECT 0}
    return [lsearch -all -inline -not -exact $differ {}]
}

puts "seed $seed"
foreach {name resp config} {
    "RESP2" 2 ""
    "RESP2, large collections" 2 " "
    "RESP3, small encodings give way early" 3
    "hash-max-listpack-entries 4
     set-max-intset-entries 4
     zset-max-listpack-entries 4
     list-max-listpack-size 3"
} {
    case "random commands, $name (SEED=$seed)" {
        set pair_setup [expr {$resp == 3 ? {{HELLO 3}} : {}}]
        pair_start $config
        set large [expr {$config eq " "}]
        set done 0
        while {$done < $count / 3} {
            set all [batch 50]
            pair_later [below 2000]
            set differ [run_batch $all]
            incr done [llength $all]
            if {$done % 1000 < 50} { lappend differ {*}[same_data] }
            if {[llength $differ]} {
                error "after $done:\n    [join [lrange $differ 0 3] "\n    "]" " "
            }
        }
        is [same_data] {}
    }
}

# What one writes with DUMP the other reads with RESTORE.
case "DUMP and RESTORE, both ways (SEED=$seed)" {
    set pair_setup {}
    pair_start
    foreach {from to large} {0 1 0 1 0 0 0 1 1 1 0 1} {
        compare kind FLUSHALL
        for {set i 0} {$i < 40} {incr i} { run_batch [batch 50] }
        set fds [pair_fds main]
        request [lindex $fds $to] FLUSHALL
        foreach key [request [lindex $fds $from] KEYS *] {
            set ttl [request [lindex $fds $from] PTTL $key]
            set bytes [request [lindex $fds $from] DUMP $key]
            is [request [lindex $fds $to] RESTORE $key [expr {$ttl < 0 ? 0 : $ttl}] $bytes] OK
        }
        compare exact {SELECT 1}
        compare exact FLUSHDB
        is [same_data 0] {}
    }
}

finish
