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

# Arguments that stay in their blocks until they are logged, whatever becomes of the keys meanwhile.
foreach log {{appendonly no} {appendonly yes
appendfsync always} {appendonly yes
rename-command SET put
rename-command MSET mput}} {
    case "several large arguments, and large ones in a transaction: [string map {\n { }} $log]" {
        set s [server $log]
        set fd [connect $s]
        set renamed [string match *rename* $log]
        set SET [expr {$renamed ? "put" : "SET"}]
        set MSET [expr {$renamed ? "mput" : "MSET"}]
        foreach {name seed n} {a a 900000 b b 700000 c c 262144 d d 262143} {
            set $name [value $n $seed]
        }
        # the same key twice and thrice in one command: large, small, number, large
        is [request $fd $MSET k1 $a k1 $b k2 $a k2 x k3 $c k3 7 k3 $b k4 $d k4 $a k5 x k5 $c] OK
        is [request $fd MSETNX n1 $a n2 $b n1 $c] 1
        is [request $fd MSETNX n1 $b n3 $b] 0
        is [request $fd $MSET k6 $a $b $c k7 $d] OK
        is [request $fd SETRANGE r1 0 $a] 900000
        is [request $fd SETRANGE r2 3 $c] 262147
        is [request $fd APPEND r1 $b] 1600000
        is [request $fd $SET r2 $b] OK
        # a transaction: each command's words are its own; keys set again, changed, removed
        is [request $fd MULTI] OK
        is [request $fd $SET t1 $a] QUEUED
        is [request $fd $SET t1 $b] QUEUED
        is [request $fd APPEND t1 $c] QUEUED
        is [request $fd GETSET t2 $a] QUEUED
        is [request $fd $MSET t3 $a t3 $b t4 $c] QUEUED
        is [request $fd SETRANGE t5 0 $a] QUEUED
        is [request $fd SETRANGE t5 1 XY] QUEUED
        is [request $fd $SET t6 $b] QUEUED
        is [request $fd INCR t6] QUEUED
        is [request $fd DEL t3] QUEUED
        is [request $fd $SET t7 $c EX 1000] QUEUED
        is [request $fd RPUSH list $a $b] QUEUED
        set got [request $fd EXEC]
        is [lreplace $got 8 8] [list OK OK 962144 (nil) OK 900000 900000 OK 1 OK 2]
        # left by DISCARD, by a refused command, by a touched key, by a client that goes
        is [request $fd MULTI] OK
        is [request $fd $MSET gone $a gone2 $b] QUEUED
        wait_for { regexp {multi-mem=1[67]\d{5} } [ask $s CLIENT LIST] }
        is [request $fd DISCARD] OK
        truth {![regexp {multi-mem=[1-9]\d{5}} [ask $s CLIENT LIST]]}
        is [request $fd MULTI] OK
        is [request $fd $SET gone $a] QUEUED
        truth {[catch { request $fd NOSUCH $a }]}
        is [request $fd $SET gone $b] QUEUED
        truth {[catch { request $fd EXEC }]}
        is [request $fd WATCH w] OK
        is [request $fd MULTI] OK
        is [request $fd $SET w $a] QUEUED
        is [ask $s $SET w touched] OK
        is [request $fd $SET w $b] QUEUED
        is [request $fd EXEC] (nil)
        set other [connect $s]
        is [request $other MULTI] OK
        is [request $other $MSET gone $a gone2 $b] QUEUED
        puts -nonewline $other [string range [encode [list $MSET gone $a gone2 $b]] 0 1200000]
        flush $other
        wait_for { regexp {tot-mem=3\d{6}} [ask $s CLIENT LIST] }
        close $other
        wait_for { expr {[info_of $s connected_clients] == 2} }
        # held by a pause, and behind one inside a transaction
        is [ask $s CLIENT PAUSE 100 WRITE] OK
        send $fd $MSET p1 $a p2 $b p1 $c
        is [read_reply $fd] OK
        is [request $fd MULTI] OK
        is [ask $s CLIENT PAUSE 100 ALL] OK
        send $fd $MSET p3 $a p4 $b
        is [read_reply $fd] QUEUED
        is [request $fd EXEC] OK
        close $fd
        proc all_there {s} {
            upvar a a b b c c d d
            is [ask $s MGET k1 k2 k3 k4 k5 k6 n1 n2 n3] [list $b x $b $a $c $a $c $b (nil)]
            is [ask $s MGET $b k7 r1 r2] [list $c $d $a$b $b]
            is [ask $s MGET t1 t2 t3 t4 t6 t7] [list $b$c $a (nil) $c $b $c]
            is [ask $s GET t5] [string replace $a 1 2 XY]
            is [ask $s LRANGE list 0 -1] [list $a $b]
            is [ask $s MGET gone gone2 w] {(nil) (nil) touched}
            is [ask $s MGET p1 p2 p3 p4] [list $c $b $a $b]
        }
        all_there $s
        set s [restart $s [expr {$log eq "appendonly no" ? "SAVE" : "kill"}] $log]
        all_there $s
    }
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
    set whole [value 64000000 e]
    set half [string range $whole 0 31999999]
    set source [server]
    ask $source SET k $whole
    set payload [ask $source DUMP k]
    foreach commands {
        {{SET k $whole}} {{MSET k $whole}} {{MSETNX k $half l $half}} {{MSET k $half k $half}}
        {{GETSET k $whole}} {{APPEND k $whole}} {{SETRANGE k 0 $whole}} {{SET k $whole KEEPTTL}}
        {MULTI {SET k $whole} EXEC} {MULTI {MSET k $half l $half} EXEC}
        {MULTI {SET k $half} {SET k $half} EXEC} {{RESTORE k 0 $payload}}
    } {
        set s [server]
        set fd [connect $s]
        foreach command $commands {
            request $fd {*}[lmap word $command { subst -nobackslashes -nocommands $word }]
        }
        regexp {VmHWM:\s+(\d+)} [slurp /proc/[of $s pid]/status] -> kb
        truth {$::sanitized || $kb < 96000 || [error "$commands: $kb"]}
        truth {[ask $s MEMORY USAGE k] < 68000000}
        close $fd
        stop $s kill
    }
}

# No test sends such an element: SETRANGE makes a string of it, SORT puts that into a list.
proc available_mb {} {
    regexp {MemAvailable:\s+(\d+)} [slurp /proc/meminfo] -> kb
    return [expr {$kb / 1024}]
}
if {$long && !$sanitized && [available_mb] > 12000} {
    case "an element of more than 2 GiB is a node of its own, in every list it comes to" {
        set config "proto-max-bulk-len 5gb\nenable-debug-command yes\nappendonly yes"
        set s [server $config]
        is [ask $s SETRANGE big 2306867200 x] 2306867201
        ask $s RPUSH from g
        is [ask $s SORT from BY nosort GET bi* STORE list] 1
        is [ask $s DEL big] 1
        is [ask $s OBJECT ENCODING list] quicklist
        truth {[ask $s MEMORY USAGE list] > 2306867200}
        set digest [ask $s DEBUG DIGEST-VALUE list]
        is [ask $s RPUSH list a b] 3
        is [list [ask $s LPOS list a] [ask $s LINDEX list 2]] {1 b}
        is [ask $s LSET list 1 c] OK
        is [ask $s LINSERT list BEFORE c d] 4
        is [ask $s LREM list 0 c] 1
        is [ask $s LRANGE list 1 -1] {d b}
        is [ask $s LTRIM list 0 0] OK
        is [ask $s DEBUG DIGEST-VALUE list] $digest
        is [ask $s SORT list BY nosort STORE other] 1
        is [ask $s DEL list] 1
        is [ask $s COPY other list] 1
        is [ask $s DEL other] 1
        is [ask $s DEBUG DIGEST-VALUE list] $digest
        set s [restart $s kill $config]
        is [ask $s DEBUG DIGEST-VALUE list] $digest
        is [ask $s DEBUG RELOAD] OK
        is [ask $s DEBUG DIGEST-VALUE list] $digest
        is [ask $s OBJECT ENCODING list] quicklist
        ask $s BGREWRITEAOF
        wait_for { expr {[info_of $s aof_rewrite_in_progress] == 0 &&
                         [info_of $s aof_rewrite_scheduled] == 0} }
        is [info_of $s aof_last_bgrewrite_status] ok
        set s [restart $s kill $config]
        is [ask $s DEBUG DIGEST-VALUE list] $digest
    }
}

finish
