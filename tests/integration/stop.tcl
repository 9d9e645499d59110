# SPDX-License-Identifier: BSD-3-Clause
# An orderly stop keeps what was acknowledged, and answers for what it keeps: every way to stop,
# under every policy, in the middle of the pipelines of twenty connections.
source [file join [file dirname [info script]] lib.tcl]

set many 20
set before 300 ;# SETs of each connection in the turn of the stop

proc counts {fd i from to} {
    for {set n $from} {$n <= $to} {incr n} { append out [encode [list SET c$i $n]] }
    puts -nonewline $fd $out
}

# Opens the connections; each has written a little. Returns them.
proc writers {s} {
    set fds {}
    for {set i 0} {$i < $::many} {incr i} {
        set fd [connect $s]
        counts $fd $i 1 10
        flush $fd
        for {set n 0} {$n < 10} {incr n} { is [read_reply $fd] OK }
        lappend fds $fd
    }
    return $fds
}

# All pipelines lie in the sockets when the server wakes, and the wish to stop among them: a signal,
# or the words of a command in the middle of the pipeline of the connection in the middle.
proc stop_amid {s fds how} {
    signal STOP [of $s pid]
    for {set i 0} {$i < $::many} {incr i} {
        set fd [lindex $fds $i]
        counts $fd $i 11 [expr {10 + $::before}]
        if {$i == $::many / 2 && [lindex $how 0] ne "signal"} {
            puts -nonewline $fd [encode $how]
            counts $fd $i [expr {11 + $::before}] [expr {10 + 2 * $::before}]
        }
        flush $fd
    }
    if {[lindex $how 0] eq "signal"} { signal [lindex $how 1] [of $s pid] }
    signal CONT [of $s pid]
}

# How many +OK a connection still gives until it ends.
proc acknowledged {fd} {
    set count 0
    while {![catch { gets $fd line } got] && $got >= 0} { incr count [expr {$line eq "+OK\r"}] }
    close $fd
    return $count
}

proc rest {fds} { return [lmap fd $fds { expr {10 + [acknowledged $fd]} }] }
proc holds {s acked} {
    for {set i 0} {$i < $::many} {incr i} {
        set is [ask $s GET c$i]
        set said [lindex $acked $i]
        truth {$is >= $said || [error "connection $i: $said acknowledged, $is there"]}
    }
}

array set policies {
    always   "appendonly yes\nappendfsync always\nsave \"\""
    everysec "appendonly yes\nappendfsync everysec\nsave \"\""
    no       "appendonly yes\nappendfsync no\nsave \"\""
    points   "save \"3600 100000\""
    both     "appendonly yes\nsave \"3600 100000\""
}
foreach policy {always everysec no points both} {
    foreach how {{signal TERM} {signal INT} SHUTDOWN {SHUTDOWN SAVE} {SHUTDOWN NOSAVE}
                 {SHUTDOWN NOW FORCE}} {
        if {$policy eq "points" && $how eq "SHUTDOWN NOSAVE"} continue ;# it says what it gives up
        case "$how, $policy: what was acknowledged is there, and what is there was acknowledged" {
            set config "enable-debug-command yes\n$policies($policy)"
            set s [server $config]
            set fds [writers $s]
            stop_amid $s $fds $how
            set acked [rest $fds]
            set s [restart $s term $config]
            holds $s $acked
            if {[lindex $how 0] eq "SHUTDOWN"} {
                set mid [expr {$many / 2}]
                is [lindex $acked $mid] [expr {10 + $before}]
                is [ask $s GET c$mid] [expr {10 + $before}]
            }
        }
    }
}

case "a stop that is refused in mid-pipeline: what follows is served, and kept by the next" {
    set config "enable-debug-command yes\nsave \"3600 100000\""
    set s [server $config]
    set fds [writers $s]
    file mkdir [of $s dir]/dump.rdb
    stop_amid $s $fds SHUTDOWN
    set mid [expr {$many / 2}]
    for {set i 0} {$i < $many} {incr i} {
        set fd [lindex $fds $i]
        for {set n 0} {$n < $before} {incr n} { is [read_reply $fd] OK }
        if {$i != $mid} continue
        truth {[catch { read_reply $fd } error]}
        is $error "ERR Errors trying to SHUTDOWN. Check logs."
        for {set n 0} {$n < $before} {incr n} { is [read_reply $fd] OK }
    }
    file delete [of $s dir]/dump.rdb
    for {set i 0} {$i < $many} {incr i} {
        counts [lindex $fds $i] $i 1000 1009
        flush [lindex $fds $i]
    }
    signal TERM [of $s pid]
    set acked [lmap n [rest $fds] { expr {$n > 10 ? 989 + $n : 10 + $before} }]
    set s [restart $s term $config]
    holds $s $acked
}

case "SHUTDOWN inside MULTI is refused, and the transaction with it" {
    set s [server {save ""}]
    set fd [connect $s]
    is [request $fd MULTI] OK
    is [request $fd SET a 1] QUEUED
    truth {[catch { request $fd SHUTDOWN NOSAVE } error]}
    is $error "ERR Command not allowed inside a transaction"
    truth {[catch { request $fd EXEC } error]}
    like $error EXECABORT*
    is [ask $s EXISTS a] 0
    close $fd
}

case "FLUSHALL and SHUTDOWN NOSAVE in one packet: the dump file holds nothing of what went" {
    set config "save \"3600 100000\""
    set s [server $config]
    ask $s SET a 1
    ask $s SAVE
    set fd [connect $s]
    puts -nonewline $fd [encode FLUSHALL][encode {SHUTDOWN NOSAVE}]
    flush $fd
    is [read_reply $fd] OK
    close $fd
    set s [restart $s term $config]
    is [ask $s DBSIZE] 0
}

case "forced to stop without its last write: what is not there is not acknowledged" {
    set s [server "save \"3600 100000\""]
    file mkdir [of $s dir]/dump.rdb
    set fd [connect $s]
    puts -nonewline $fd [encode {SET a 1}][encode {SHUTDOWN FORCE}]
    flush $fd
    is [read $fd] ""
    close $fd
    wait_for { expr {![alive [of $s pid]]} }
}

case "signals that come while the server ends change nothing" {
    for {set i 0} {$i < 5} {incr i} {
        set s [server "appendonly yes"]
        ask $s SET a $i
        signal TERM [of $s pid]
        while {[alive [of $s pid]]} { catch { signal TERM [of $s pid] } }
        set s [restart $s term "appendonly yes"]
        is [ask $s GET a] $i
        stop $s
    }
}

finish
