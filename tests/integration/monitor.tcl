# SPDX-License-Identifier: BSD-3-Clause
# MONITOR, beside what tests/peer/observe.tcl compares: where commands come from, limits, who is told
# nothing, what a monitor costs when it has gone.
source [file join [file dirname [info script]] lib.tcl]

proc monitor {s args} {
    set fd [connect $s]
    foreach words $args { request $fd {*}$words }
    is [request $fd MONITOR] OK
    return $fd
}
proc without_time {line} {
    if {![regsub {^\d{10,}\.\d{6} } $line "" line]} { error "no time: [shown $line]" }
    return $line
}
proc next_line {fd} { return [without_time [read_reply $fd]] }

case "where commands come from" {
    set dir [tmpdir]
    set s [server "unixsocket $dir/s" -dir $dir]
    set fd [monitor $s]
    set tcp [connect $s]
    set address 127.0.0.1:[lindex [fconfigure $tcp -sockname] 2]
    request $tcp SELECT 7
    is [next_line $fd] "\[7 $address\] \"SELECT\" \"7\""
    request $tcp EVAL {return redis.call('get', 'k')} 0
    is [next_line $fd] "\[7 $address\] \"EVAL\" \"return redis.call('get', 'k')\" \"0\""
    is [next_line $fd] {[7 lua] "get" "k"}
    exec redis-cli -s $dir/s get k
    is [next_line $fd] "\[0 unix:$dir/s\] \"get\" \"k\""
}

case "commands that are refused or for administrators are not shown" {
    set s [server]
    set fd [monitor $s]
    foreach words {{GET} {NOSUCH x} {CONFIG GET port} {SLOWLOG GET} {ACL LIST} {CLIENT LIST}
            {DEBUG SLEEP 0} {SAVE} {LATENCY LATEST} {PING shown}} {
        catch { ask $s {*}$words }
    }
    like [next_line $fd] {* "PING" "shown"}
}

case "a monitor that does not read is closed at the limit of its class, and no other" {
    set s [server "client-output-buffer-limit normal 1mb 0 0"]
    set slow [monitor $s]
    set fast [monitor $s]
    set word [string repeat x 100000]
    for {set i 0} {$i < 200} {incr i} {
        ask $s SET k $word
        like [next_line $fast] {* "SET" "k" "xxx*"}
    }
    wait_for { expr {[llength [regexp -all -inline {flags=O} [ask $s CLIENT LIST]]] == 1} }
    ask $s GET end
    while {![string match {* "GET" "end"} [next_line $fast]]} {}
}

case "who wants no replies is shown nothing; who begins anew is none any more" {
    set s [server]
    set quiet [monitor $s]
    send $quiet CLIENT REPLY OFF
    set left [monitor $s]
    is [request $left RESET] RESET
    ask $s SET k v
    is [request $left GET k] v
    send $quiet CLIENT REPLY ON
    # what it said itself is shown behind the reply
    is [read_reply $quiet] OK
    like [next_line $quiet] {* "CLIENT" "REPLY" "ON"}
}

case "a hundred monitors see the same, and leave nothing behind" {
    set s [server]
    for {set i 0} {$i < 100} {incr i} { lappend fds [monitor $s [list HELLO [expr {2 + $i % 2}]]] }
    foreach fd $fds { set lines($fd) {} }
    for {set i 0} {$i < 50} {incr i} { ask $s SET k$i [string repeat $i 50] }
    foreach fd $fds {
        while {[llength $lines($fd)] == 0 || ![string match {* "k49" *} [lindex $lines($fd) end]]} {
            set line [next_line $fd]
            if {[string match {*"SET"*} $line]} { lappend lines($fd) $line }
        }
    }
    foreach fd $fds { is $lines($fd) $lines([lindex $fds 0]) }
    is [llength $lines([lindex $fds 0])] 50
    foreach fd $fds { close $fd }
    wait_for { expr {![string match *flags=O* [ask $s CLIENT LIST]]} }
    is [ask $s GET k1] [string repeat 1 50]
}

case "lines of a write leave when it is on the disk" {
    set s [server "appendonly yes\nappendfsync always"]
    set fd [monitor $s]
    for {set i 0} {$i < 20} {incr i} {
        ask $s SET k $i
        like [next_line $fd] "* \"SET\" \"k\" \"$i\""
    }
}

finish
