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
    set new [port_set $s]
    truth {[answers 127.0.0.1 $new] && ![answers 127.0.0.1 $old]}
    is [ask $s PING] PONG
    is [error_of $s CONFIG SET port [of $taken port]] "ERR CONFIG SET failed (possibly related to\
        argument 'port') - Unable to listen on this port. Check server logs."
    is [ask $s CONFIG GET port] [list port $new]
    truth {[answers 127.0.0.1 $new]}
}

# How many connections to the port stand, and how many still ask, as the kernel sees it from
# their side.
proc connections {port} {
    set hex [format :%04X $port]
    array set count {01 0 02 0}
    foreach line [lrange [split [slurp /proc/net/tcp] \n] 1 end] {
        lassign $line - - remote state
        if {[string match *$hex $remote] && [info exists count($state)]} { incr count($state) }
    }
    return [list $count(01) $count(02)]
}

case "tcp-backlog: so many connections wait to be accepted, the next ones ask on" {
    if {![file readable /proc/net/tcp]} {
        puts "skipped: no /proc/net/tcp to count connections in"
    } else {
        # the kernel lets one more wait than it is told
        foreach {config want} {"tcp-backlog 3" {4 6} "" {10 0}} {
            set s [server $config]
            disconnect $s
            wait_for { expr {[connections [of $s port]] eq {0 0}} }
            signal STOP [of $s pid]
            set fds {}
            for {set i 0} {$i < 10} {incr i} {
                lappend fds [socket -async 127.0.0.1 [of $s port]]
            }
            wait_for { expr {[connections [of $s port]] eq $want} }
            signal CONT [of $s pid]
            wait_for { expr {[connections [of $s port]] eq {10 0}} }
            foreach fd $fds { close $fd }
            stop $s
        }
    }
}

case "a port in use: the last line says so, and which" {
    set s [server]
    set dir [tmpdir]
    set code [run timeout 180 $build/redis-server --port [of $s port] --bind 127.0.0.1 --dir $dir]
    is $code 1
    like $run_output "*Address already in use*"
    like [lindex [split $run_output "\n"] end] \
        "*Failed listening on port [of $s port] (tcp), aborting."
}

# Calls that go wrong as files in dir say: accept-fails holds an errno and how often; listen notes
# the permissions that the socket has by then.
proc sick_network {dir} {
    return "
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>
int accept4(int fd, struct sockaddr *from, socklen_t *len, int flags) {
    int err = 0, times = 0;
    FILE *f = fopen(\"$dir/accept-fails\", \"r\");
    if (f) {
        if (fscanf(f, \"%d %d\", &err, &times) != 2) times = 0;
        fclose(f);
    }
    int got = times > 0 && err == EMFILE ? -1 : (int)syscall(SYS_accept4, fd, from, len, flags);
    if (times <= 0) return got;
    if (err == EMFILE || got >= 0) {
        f = fopen(\"$dir/accept-fails\", \"w\");
        fprintf(f, \"%d %d\", err, times - 1);
        fclose(f);
        if (got >= 0) close(got);
        errno = err;
        return -1;
    }
    return got;
}
int listen(int fd, int backlog) {
    struct sockaddr_un a = {0};
    socklen_t len = sizeof a;
    struct stat st;
    if (getsockname(fd, (void *)&a, &len) == 0 && a.sun_family == AF_UNIX &&
        stat(a.sun_path, &st) == 0) {
        FILE *f = fopen(\"$dir/listened\", \"w\");
        fprintf(f, \"%o\", (unsigned)st.st_mode & 0777);
        fclose(f);
    }
    return (int)syscall(SYS_listen, fd, backlog);
}
"
}

case "one connection that goes bad in accept does not stop the others" {
    foreach {name err} {ECONNABORTED 103 EPROTO 71 EPERM 1 EHOSTUNREACH 113} {
        set dir [tmpdir]
        set s [preload $dir [sick_network $dir] { server "" -dir $dir }]
        is [ask $s CLIENT PAUSE 300 ALL] OK ;# so that the next come in one turn
        spit $dir/accept-fails "$err 1"
        set fds {}
        for {set i 0} {$i < 5} {incr i} { lappend fds [connect $s] }
        set well 0
        foreach fd $fds { incr well [expr {![catch { request $fd PING }]}]; close $fd }
        is $well 4
        truth {![string match "*Can't accept*" [log_of $s]]}
        stop $s
    }
}

case "no descriptors left: accepting pauses, is told of once a second at most, and goes on" {
    set dir [tmpdir]
    set s [preload $dir [sick_network $dir] { server "" -dir $dir }]
    ask $s PING
    spit $dir/accept-fails "24 5"
    set began [clock milliseconds]
    set fd [connect $s]
    wait_for { string match "24 0" [slurp $dir/accept-fails] }
    set took [expr {[clock milliseconds] - $began}]
    truth {$took >= 350} ;# it did not spin
    set told [regexp -all "Can't accept a connection" [log_of $s]]
    truth {$told >= 1 && $told <= 1 + $took / 1000}
    is [request $fd PING] PONG
    close $fd
}

case "a unix socket has its permissions before anybody can connect" {
    foreach {perm want} {700 700 770 770 0666 666} {
        set dir [tmpdir]
        set s [preload $dir [sick_network $dir] {
            server "unixsocket $dir/sock\nunixsocketperm $perm" -dir $dir
        }]
        is [slurp $dir/listened] $want
        is [string range [file attributes $dir/sock -permissions] end-2 end] $want
        stop $s
    }
}

case "at maxclients: who closes and connects again is let in, one more is not" {
    set s [server "maxclients 20"]
    set fds {}
    ask $s PING
    for {set i 1} {$i < 20} {incr i} { lappend fds [connect $s] }
    wait_for { expr {[info_of $s connected_clients] == 20} }
    for {set i 0} {$i < 300} {incr i} {
        close [lindex $fds 0]
        lappend fds [connect $s]
        set fds [lrange $fds 1 end]
        is [request [lindex $fds end] PING] PONG
    }
    set fd [connect $s]
    truth {[catch { read_reply $fd } error]}
    is $error "ERR max number of clients reached"
    close $fd
    is [info_of $s rejected_connections] 1
    foreach fd $fds { close $fd }
}

case "maxclients beyond the limit of open files: told, and lowered at the start" {
    set dir [tmpdir]
    started_by_hand limited $dir {
        exec sh -c "ulimit -n 100; exec $build/redis-server --port $port --bind 127.0.0.1 \
            --dir $dir --maxclients 500 >>$dir/said 2>&1" &
    }
    truth {[wait_up limited]}
    set is [lindex [ask limited CONFIG GET maxclients] 1]
    if {$is == 500} return ;# who is privileged enough raises the limit
    truth {$is > 0 && $is < 100}
    like [slurp $dir/said] "*maxclients is 500, but only 100 files may be open: it is now $is*"
    like [error_of limited CONFIG SET maxclients 600] \
        "*The operating system is not able to handle the specified number of clients, try with $is"
    is [lindex [ask limited CONFIG GET maxclients] 1] $is
}

finish
