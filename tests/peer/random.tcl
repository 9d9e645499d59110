# SPDX-License-Identifier: BSD-3-Clause
# Random commands over few keys to our server and to the installed redis-server: the same replies,
# the same key events in the same order, the same data and encodings; and ours survives. SEED
# repeats a run; COUNT is how many (LONG: 1000000); TRACE=1 prints them.
source [file join [file dirname [info script]] ../integration/lib.tcl]
source [file join [file dirname [info script]] lib/pair.tcl]
source [file join [file dirname [info script]] ../integration/lib/chance.tcl]
source [file join [file dirname [info script]] ../integration/lib/survives.tcl]
source [file join [file dirname [info script]] lib/grammar.tcl]
source [file join [file dirname [info script]] lib/key_events.tcl]
source [file join [file dirname [info script]] lib/same_data.tcl]

set count [chance_count 20000 5000 1000000]

# Misses are not the same where SCAN by type meets keys that have expired (7.0 looks them up), and
# where SORT finds a weight that is no number (Redis looks up the others yet).
proc same_events {all} {
    set differ {}
    lassign [key_events] mine theirs
    set vague [lsearch -regexp $all {SCAN.*TYPE|SORT.* BY k}]
    foreach ours $mine peer $theirs what {events misses} {
        if {$ours eq $peer || ($what eq "misses" && $vague >= 0)} continue
        set i 0
        foreach x $ours y $peer { if {$x ne $y} break; incr i }
        lappend differ "$what
        ours [printable [lrange $ours $i $i+4]]
        peer [printable [lrange $peer $i $i+4]]"
    }
    return $differ
}

proc start {config} {
    pair_start "appendonly yes\nappendfsync no\nnotify-keyspace-events KEAmn\n$config"
    both {DEBUG SET-ACTIVE-EXPIRE 0}
    key_events_listen
}

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
    return [concat $differ [same_events $all]]
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
        start $config
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
        # the last FLUSHALL may have left nothing that differs
        compare exact {SELECT 0}
        compare exact {ZADD always 1 a 2 b 3 c}
        lassign [survives $ours] small big
        truth {$small ne $big}
        is [same_data 0] {}
    }
}

# What one writes with DUMP the other reads with RESTORE.
case "DUMP and RESTORE, both ways (SEED=$seed)" {
    set pair_setup {}
    start ""
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
