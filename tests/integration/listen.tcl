# SPDX-License-Identifier: BSD-3-Clause
# Where the server listens: bind, port, tcp-backlog. 192.0.2.1 is nobody's (documentation range).
source [file join [file dirname [info script]] lib.tcl]

proc answers {address port} {
    if {[catch { socket $address $port } fd]} { return 0 }
    fconfigure $fd -translation binary
    set code [catch { request $fd PING } reply]
    close $fd
    return [expr {!$code && $reply eq "PONG"}]
}

foreach bind {"127.0.0.1 -::1" "127.0.0.1 -192.0.2.1" "-192.0.2.1 127.0.0.1"} {
    case "bind $bind: what is not there and has a dash is done without" {
        set s [server "bind $bind"]
        is [ask $s CONFIG GET bind] [list bind $bind]
        truth {[answers 127.0.0.1 [of $s port]]}
        if {[string match *::1 $bind] && ![catch { socket -server x -myaddr ::1 0 } fd]} {
            close $fd
            truth {[answers ::1 [of $s port]]}
        }
    }
}

foreach bind {192.0.2.1 "127.0.0.1 192.0.2.1" -192.0.2.1} {
    case "bind $bind: refused with the reason, exit code 1" {
        lassign [server "bind $bind" -fails 1] code text
        is $code 1
        like $text "*192.0.2.1:*Cannot assign requested address*"
    }
}

case "CONFIG SET bind: the new addresses count at once, connections stay, a bad one changes nothing" {
    set s [server]
    set port [of $s port]
    truth {![answers 127.0.0.2 $port]}
    is [ask $s CONFIG SET bind "127.0.0.1 127.0.0.2 -192.0.2.1"] OK
    truth {[answers 127.0.0.1 $port] && [answers 127.0.0.2 $port]}
    is [ask $s CONFIG SET bind 127.0.0.2] OK
    truth {![answers 127.0.0.1 $port] && [answers 127.0.0.2 $port]}
    is [ask $s PING] PONG
    is [error_of $s CONFIG SET bind "127.0.0.1 192.0.2.1"] "ERR CONFIG SET failed (possibly related\
        to argument 'bind') - Failed to bind to specified addresses."
    like [log_of $s] "*192.0.2.1:$port*Cannot assign requested address*"
    is [ask $s CONFIG GET bind] {bind 127.0.0.2}
    truth {![answers 127.0.0.1 $port] && [answers 127.0.0.2 $port]}
    is [ask $s CONFIG SET bind 127.0.0.1] OK
    truth {[answers 127.0.0.1 $port] && ![answers 127.0.0.2 $port]}
}

case "CONFIG SET port: the new one counts at once, one that is taken changes nothing" {
    set s [server]
    set taken [server]
    set old [of $s port]
    set new [free_port]
    is [ask $s CONFIG SET port $new] OK
    truth {[answers 127.0.0.1 $new] && ![answers 127.0.0.1 $old]}
    is [ask $s PING] PONG
    is [error_of $s CONFIG SET port [of $taken port]] "ERR CONFIG SET failed (possibly related to\
        argument 'port') - Unable to listen on this port. Check server logs."
    is [ask $s CONFIG GET port] [list port $new]
    truth {[answers 127.0.0.1 $new]}
}

# How many connections to the port stand, and how many still knock, as the kernel sees it from
# their side.
proc knocking {port} {
    set hex [format :%04X $port]
    array set count {01 0 02 0}
    foreach line [lrange [split [slurp /proc/net/tcp] \n] 1 end] {
        lassign $line - - remote state
        if {[string match *$hex $remote] && [info exists count($state)]} { incr count($state) }
    }
    return [list $count(01) $count(02)]
}

case "tcp-backlog: so many connections wait to be accepted, the next ones knock" {
    if {![file readable /proc/net/tcp]} {
        puts "skipped: no /proc/net/tcp to count connections in"
    } else {
        # the kernel lets one more wait than it is told
        foreach {config want} {"tcp-backlog 3" {4 6} "" {10 0}} {
            set s [server $config]
            disconnect $s
            wait_for { expr {[knocking [of $s port]] eq {0 0}} }
            signal STOP [of $s pid]
            set fds {}
            for {set i 0} {$i < 10} {incr i} {
                lappend fds [socket -async 127.0.0.1 [of $s port]]
            }
            wait_for { expr {[knocking [of $s port]] eq $want} }
            signal CONT [of $s pid]
            wait_for { expr {[knocking [of $s port]] eq {10 0}} }
            foreach fd $fds { close $fd }
            stop $s
        }
    }
}

finish
