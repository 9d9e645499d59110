# SPDX-License-Identifier: BSD-3-Clause
# Rows of run: who is watched and who may what. Sourced by it.

if {[wanted "one MONITOR"]} {
    start_pair {}
    foreach who $pair {
        lappend monitors [exec redis-cli -p $port($who) MONITOR >/dev/null 2>/dev/null &]
    }
    foreach op {SET GET} {
        measure "$op with one MONITOR, pipeline 16" "CPU us/op" less 1.0 [string map \
            [list %op [string tolower $op]] { per_op $who 300000 -t %op -P 16 -c 50 -r 100000 -d 16 }]
    }
    foreach monitor $monitors { exec sh -c "kill $monitor" }
    unset monitors
    stop_pair
}

# Each client reads all keys, a thousand a command; the table's bytes by those of used_memory.
set tracked 100000
proc track_all {who clients} {
    set before [info_field $who memory used_memory]
    set fds {}
    for {set c 0} {$c < $clients} {incr c} {
        set fd [socket 127.0.0.1 $::port($who)]
        fconfigure $fd -translation crlf
        lappend fds $fd
        puts $fd "HELLO 3\nCLIENT TRACKING ON"
        for {set k 0} {$k < $::tracked} {incr k 1000} {
            set line EXISTS
            for {set i $k} {$i < $k + 1000} {incr i} { append line " key:$i" }
            puts $fd $line
        }
        puts $fd "ECHO done"
        flush $fd
        while {[gets $fd] ne "done"} {}
    }
    set bytes [expr {double([info_field $who memory used_memory] - $before) / $clients / $::tracked}]
    foreach fd $fds { close $fd }
    return $bytes
}
if {[wanted "bytes a key and client that tracks it"]} {
    start_pair {}
    measure "bytes a key and client that tracks it, 100 clients (goal: at most 40)" bytes less 1.0 {
        track_all $who 100
    }
    stop_pair
}

set pair_before $pair
set pair {with without}
if {$old eq "" && [wanted "a user with two key patterns"]} {
    start_pair {}
    # To Tcl's exec a word that begins with > is a redirection.
    exec redis-cli -p $port(with) << "ACL SETUSER bench on >word ~key:* ~other:* +@all\n"
    exec redis-cli -p $port(without) << "ACL SETUSER bench on >word ~* &* +@all\n"
    foreach op {SET GET} {
        measure "$op as a user with two key patterns, pipeline 16" "CPU us/op" less 1.05 [string map \
            [list %op [string tolower $op]] {
                per_op $who 1000000 -t %op -P 16 -c 50 -r 100000 -d 16 --user bench -a word
            }]
    }
    stop_pair
}
set pair $pair_before
