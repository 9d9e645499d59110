# SPDX-License-Identifier: BSD-3-Clause
# LATENCY beside the installed redis-server: the same replies, but for the times in them. Both
# clocks run here, so that something takes long: two seconds, which no other command does.
source [file join [file dirname [info script]] ../integration/lib.tcl]
source [file join [file dirname [info script]] lib/pair.tcl]

proc start {} {
    set common "save \"\"\nappendonly no\nenable-debug-command yes\nlatency-monitor-threshold 2000"
    set ::ours [server $common]
    set ::peer [server $common -binary $::peer_binary]
    pair_close
}

# Names and counts as they are; a number of a time is T.
proc shown_times {node} {
    return [regsub -all {:\d+\r\n} [bytes_of $node] ":T\r\n"]
}
# name -> {calls, the last count of the histogram}; ranges must grow, and so must counts.
proc flat {node} {
    set all {}
    foreach child [lindex $node 1] {
        set head [lindex $child 0]
        lappend all [expr {[string index $head 0] eq ":" ? [string range $head 1 end-2] :
            [string index $head 0] in {* %} ? [flat $child] : [lindex [split $head "\r\n"] 2]}]
    }
    return $all
}
proc histograms {tree} {
    set all {}
    foreach {name fields} [flat $tree] {
        lassign $fields calls n usec ranges
        is [list $calls $usec] {calls histogram_usec}
        set last 0
        set end 0
        foreach {up_to count} $ranges {
            truth {$up_to > $end && $count > $last}
            if {$up_to >= 32} {
                truth {abs(log($up_to / 1.032) / log(2) - round(log($up_to / 1.032) / log(2))) < 0.02}
            }
            set end $up_to
            set last $count
        }
        lappend all $name $n $last
    }
    return $all
}
proc same_histograms {words} {
    pair_send main $words
    lassign [lmap fd [pair_fds main] { tree $fd }] x y
    is [string index [lindex $x 0] 0] [string index [lindex $y 0] 0]
    lassign [list [histograms $x] [histograms $y]] x y
    lassign [lmap l [list $x $y] { ;# subcommands come in any order
        set rows {}
        foreach {name n last} $l { lappend rows [list $name $n $last] }
        lsort $rows
    }] x y
    is $x $y
}
proc same_but_times {words} {
    pair_send main $words
    lassign [lmap fd [pair_fds main] { shown_times [tree $fd] }] x y
    is $x $y
}

foreach resp {2 3} {
    case "spikes, RESP$resp" {
        start
        is [compare kind [list HELLO $resp]] ""
        foreach words {{LATENCY LATEST} {LATENCY HISTORY command} {LATENCY RESET}
                {LATENCY GRAPH command} {LATENCY GRAPH nosuch}} { both $words }
        is [compare kind {DEBUG SLEEP 2.1}] ""
        foreach words {{LATENCY LATEST} {LATENCY HISTORY command}} { same_but_times $words }
        foreach words {{LATENCY HISTORY fast-command} {LATENCY HISTORY nosuch} {LATENCY RESET nosuch}
                {LATENCY GRAPH} {LATENCY LATEST x} {LATENCY NOSUCH} {LATENCY}} { both $words }
        foreach words {{LATENCY GRAPH command} {LATENCY DOCTOR} {LATENCY HELP}} {
            is [compare kind $words] ""
        }
        both {LATENCY RESET command command fork}
        both {LATENCY LATEST}
        is [compare kind {DEBUG SLEEP 2.1}] ""
        both {LATENCY RESET}
        both {LATENCY LATEST}
        both {CONFIG SET latency-monitor-threshold 0}
        is [compare kind {DEBUG SLEEP 2.1}] ""
        both {LATENCY LATEST}
    }
    case "histograms, RESP$resp" {
        start
        is [compare kind [list HELLO $resp]] ""
        both {CONFIG RESETSTAT}
        foreach words {{SET a 1} {GET a} {GET b} {INCR a} {LPUSH a x} {CONFIG SET maxmemory 0}
                {CONFIG GET port} {OBJECT HELP} {NOSUCH} {GET}} { compare kind $words }
        foreach words {{LATENCY HISTOGRAM set get} {LATENCY HISTOGRAM SET SET} {LATENCY HISTOGRAM}
                {LATENCY HISTOGRAM config} {LATENCY HISTOGRAM config|set CONFIG|GET config|nosuch}
                {LATENCY HISTOGRAM nosuch object incr lpush} {LATENCY HISTOGRAM config| | ""}} {
            same_histograms $words
        }
        both {CONFIG SET latency-tracking no}
        both {GET a}
        same_histograms {LATENCY HISTOGRAM get}
        both {CONFIG RESETSTAT}
        same_histograms {LATENCY HISTOGRAM}
    }
}

# The section's lines, sorted, without the times.
proc latency_lines {s} {
    set lines [lmap line [split [ask $s INFO latencystats] \n] {
        regsub -all {=[0-9.]+} [string trimright $line] "=T"
    }]
    return [lsort $lines]
}
case "INFO latencystats: the percentiles that are asked for, while it is on" {
    start
    foreach s [list $ours $peer] {
        ask $s CONFIG RESETSTAT
        foreach words {{SET a 1} {GET a} {CONFIG GET port}} { ask $s {*}$words }
    }
    foreach asked {{} {50} {10 20.5 100} {50 99 99.9 99.99} {0}} {
        foreach s [list $ours $peer] { is [ask $s CONFIG SET latency-tracking-info-percentiles $asked] OK }
        is [latency_lines $ours] [latency_lines $peer]
    }
    like [latency_lines $ours] "*latency_percentiles_usec_set:p0=T*"
    foreach s [list $ours $peer] { is [ask $s CONFIG SET latency-tracking no] OK }
    is [latency_lines $ours] [latency_lines $peer]
}

finish
