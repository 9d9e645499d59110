# SPDX-License-Identifier: BSD-3-Clause
# Values of megabytes: read into the block they are kept in. Sizes around the one from which an
# argument has a block of its own (256 KiB), cut into packets at every awkward place.
source [file join [file dirname [info script]] lib.tcl]

set sizes {262142 262143 262144 262145 1048576 5000000}
proc value {n seed} { string range [string repeat "$seed-0123456789abcdef-" [expr {$n / 18 + 1}]] 0 $n-1 }

# Sends bytes in pieces that end at the given offsets (from the end when negative).
proc in_pieces {fd bytes ends} {
    set at 0
    foreach end $ends {
        if {$end < 0} { set end [expr {[string length $bytes] + $end}] }
        if {$end <= $at} continue
        puts -nonewline $fd [string range $bytes $at $end-1]
        flush $fd
        after 3
        set at $end
    }
    puts -nonewline $fd [string range $bytes $at end]
    flush $fd
}

foreach log {no yes} {
    case "large values in any pieces, appendonly $log: as they were sent, also after a restart" {
        set config "appendonly $log"
        set s [server $config]
        set fd [connect $s]
        foreach n $sizes {
            set v [value $n a]
            foreach ends [list {} {1} {20 40} {100000 200000} {-1} {-2} {-3 -2 -1} {40 -2}] {
                in_pieces $fd [encode [list SET k$n $v]][encode [list STRLEN k$n]] $ends
                is [read_reply $fd] OK
                is [read_reply $fd] $n
            }
            is [ask $s GET k$n] $v
            is [ask $s OBJECT ENCODING k$n] raw
        }
        set big [value 3000000 b]
        set other [value 400000 c]
        # other commands of one key, of many, of values within, twice the same key
        is [request $fd SET e $big EX 1000] OK
        is [request $fd GETSET e $other] $big
        is [request $fd SETEX x 1000 $big] OK
        is [request $fd SETNX new $big] 1
        is [request $fd SETNX new $other] 0
        is [request $fd APPEND new $other] 3400000
        is [request $fd MSET m1 $big m2 $other m1 $other m3 $big] OK
        is [request $fd RPUSH list $big $other] 2
        is [request $fd HSET hash f $big g $other] 2
        is [request $fd SET past $big PXAT 1] OK
        is [request $fd ECHO $big] $big
        is [request $fd MULTI] OK
        is [request $fd SET t $big] QUEUED
        is [request $fd SET t $other] QUEUED
        is [request $fd EXEC] {OK OK}
        truth {[catch { request $fd NOSUCH $big } error]}
        truth {[catch { request $fd SET a $big WRONG } error]}
        is $error "ERR syntax error"
        set s [restart $s [expr {$log ? "kill" : "SAVE"}] $config]
        foreach n $sizes { is [ask $s GET k$n] [value $n a] }
        is [list [ask $s GET e] [ask $s GET x] [ask $s GET m1] [ask $s GET m2] [ask $s GET m3]] \
            [list $other $big $other $other $big]
        is [list [ask $s GET new] [ask $s GET t] [ask $s LRANGE list 0 -1]] \
            [list $big$other $other [list $big $other]]
        is [ask $s HMGET hash f g] [list $big $other]
        is [ask $s EXISTS past] 0
    }
}

case "large values behind a command that waits, behind a pause, and cut off" {
    set s [server]
    set v [value 2000000 d]
    set fd [connect $s]
    in_pieces $fd [encode {WAIT 1 50}][encode [list SET a $v]][encode [list SET b $v]] {50 1000000}
    is [list [read_reply $fd] [read_reply $fd] [read_reply $fd]] {0 OK OK}
    is [ask $s CLIENT PAUSE 100 WRITE] OK
    in_pieces $fd [encode [list SET c $v]][encode [list SET d $v]] {50 1000000}
    is [list [read_reply $fd] [read_reply $fd]] {OK OK}
    foreach key {a b c d} { is [ask $s GET $key] $v }
    puts -nonewline $fd [string range [encode [list SET a $v]] 0 1500000]
    flush $fd
    wait_for { regexp {tot-mem=[1-9]\d{6}} [ask $s CLIENT LIST] }
    close $fd
    wait_for { expr {[info_of $s connected_clients] == 1} }
    is [ask $s GET a] $v
    is [ask $s PING] PONG
}

case "a large value costs its memory once" {
    set s [server]
    set fd [connect $s]
    send $fd SET k [value 64000000 e]
    is [read_reply $fd] OK
    regexp {VmHWM:\s+(\d+)} [slurp /proc/[of $s pid]/status] -> kb
    truth {$::sanitized || $kb < 110000 || [error $kb]}
    truth {[ask $s MEMORY USAGE k] < 68000000}
    close $fd
}

finish
