# SPDX-License-Identifier: BSD-3-Clause
# What lies around the server: a terminal, the system's log, the network outside of loopback, the
# signal of a closed terminal. What a machine lacks is skipped with a word.
source [file join [file dirname [info script]] lib.tcl]

set check_rdb [file join $build redis-check-rdb]

# ---- a terminal ----

# Two strings of 70 MiB of zeros; the file takes no room on disk.
proc large_rdb {path} {
    set size [expr {70 << 20}]
    set f [open $path wb]
    puts -nonewline $f "REDIS0011\xfe\x00"
    foreach key {a b} {
        puts -nonewline $f [binary format caacI 0 \x01 $key 0x80 $size]
        seek $f $size current
    }
    puts -nonewline $f "\xff[string repeat \x00 8]"
    close $f
}

# Its output on a terminal of its own.
proc on_terminal {dir command} {
    exec timeout 180 script -qec $command $dir/typescript >$dir/out </dev/null
    return [slurp $dir/out]
}

case "redis-check-rdb tells its progress on a terminal, and only there" {
    set dir [tmpdir]
    large_rdb $dir/large.rdb
    if {[auto_execok script] eq ""} {
        puts "skipped: no program \"script\" that gives a terminal"
    } else {
        set said [on_terminal $dir "$check_rdb $dir/large.rdb"]
        like $said "*\r50%*\r    \r*RDB looks OK!*2 keys read*"
        truth {[regexp -all {\r\d+%} $said] == 2}
        # piped output, errors on the terminal
        like [on_terminal $dir "$check_rdb $dir/large.rdb | tail -1"] "*\r50%*already expired*"
    }
    is [run timeout 180 $check_rdb $dir/large.rdb] 0
    truth {[string first % $run_output] < 0}
}

case "redis-check-rdb of a small file shows no progress on a terminal" {
    if {[auto_execok script] ne ""} {
        set dir [tmpdir]
        set said [on_terminal $dir "$check_rdb $root/fixtures/rdb/v10-listpacks.rdb"]
        like $said "*RDB looks OK!*"
        truth {[string first % $said] < 0}
    }
}

# ---- the system's log ----

# Receives what is sent to /dev/log into a file until it is told to end. Tcl has no such sockets.
set listener {
    use Socket;
    socket(my $s, AF_UNIX, SOCK_DGRAM, 0) or die "socket: $!";
    bind($s, sockaddr_un("/dev/log")) or die "bind: $!";
    chmod 0666, "/dev/log";
    open(my $out, ">", $ARGV[0]) or die "open: $!";
    select((select($out), $| = 1)[0]);
    print $out "listening\n";
    alarm 1800;
    while (defined recv($s, my $line, 65536, 0)) { print $out "$line\n"; }
}

# The lines that came from this ident.
proc logged {path ident} {
    set lines {}
    foreach line [split [slurp $path] \n] {
        if {[string match "*$ident*" $line]} { lappend lines $line }
    }
    return $lines
}

case "syslog-enabled: lines go to the system's log, with ident, facility and level" {
    set able [expr {[auto_execok perl] ne "" && [file writable /dev] && ![file exists /dev/log]}]
    if {!$able} {
        puts "skipped: /dev/log cannot be made here"
    } else {
        set dir [tmpdir]
        set ident holdfast-[pid]
        set perl [exec perl -e $listener $dir/heard 2>$dir/complaints &]
        set failed [catch {
            wait_for { expr {[string match "listening*" [slurp $dir/heard]]} }
            set s [server "syslog-enabled yes\nsyslog-ident $ident\nsyslog-facility local3"]
            wait_for { llength [logged $dir/heard $ident] }
            wait_for { string match "*Ready to accept*" [logged $dir/heard $ident] }
            set local3 19
            set notices 0
            foreach line [logged $dir/heard $ident] { ;# a machine may give reason for a warning
                truth {[regexp {: \d+:M [^.]*\.\d+ ([*#]) } $line -> mark]}
                set level [expr {$mark eq "*" ? 5 : 4}]
                incr notices [expr {$mark eq "*"}]
                like $line "<[expr {$local3 * 8 + $level}]>*$ident*"
            }
            truth {$notices > 3}
            # the file gets them, too
            like [log_of $s] "*Ready to accept*"
            stop $s term
            wait_for { string match "*SIGTERM*" [logged $dir/heard $ident] }
            like [logged $dir/heard $ident] "*<[expr {$local3 * 8 + 4}]>*SIGTERM*"
            # off: nothing more
            set s [server "syslog-ident not-$ident"]
            stop $s term
            is [logged $dir/heard not-$ident] {}
        } text options]
        signal 9 $perl
        file delete /dev/log
        return -options $options $text
    }
}

# ---- the network outside of loopback ----

# An address of this machine that is not loopback's; "" when there is none.
proc outside_address {} {
    if {[catch { exec hostname -I 2>/dev/null } all]} { return "" }
    foreach address $all {
        if {[regexp {^\d+\.\d+\.\d+\.\d+$} $address] && ![string match 127.* $address]} {
            return $address
        }
    }
    return ""
}

# What a server says to a client from there: everything it sends, or its answer to PING.
proc answer_from {address s} {
    set fd [socket $address [of $s port]]
    fconfigure $fd -translation binary -buffering full
    catch { puts -nonewline $fd [encode PING]; flush $fd }
    set line ""
    catch { gets $fd line }
    fconfigure $fd -blocking 0
    set closed 0
    if {[string match -DENIED* $line]} {
        wait_for { expr {[catch { read $fd }] || [eof $fd]} }
        set closed 1
    } else {
        after 100 ;# the longer, the likelier is what must not come
        set closed [expr {[catch { read $fd }] || [eof $fd]}]
    }
    catch { close $fd }
    return [list [string trimright $line \r] $closed]
}

case "protected mode: no password, a client from outside is told why and sent away" {
    set address [outside_address]
    if {$address eq ""} {
        puts "skipped: no address but loopback's"
    } else {
        set s [server "bind *"]
        lassign [answer_from $address $s] line closed
        like $line "-DENIED Redis is running in protected mode*"
        is $closed 1
        is [answer_from 127.0.0.1 $s] {+PONG 0}
        is [info_of $s rejected_connections] 1
        # each of these opens it
        is [ask $s CONFIG SET protected-mode no] OK
        is [answer_from $address $s] {+PONG 0}
        is [ask $s CONFIG SET protected-mode yes requirepass secret] OK
        like [lindex [answer_from $address $s] 0] "-NOAUTH*"
        ask $s AUTH secret
        is [ask $s CONFIG SET requirepass ""] OK
        like [lindex [answer_from $address $s] 0] "-DENIED*"
    }
}

# ---- SIGHUP ----

case "SIGHUP, as a closed terminal sends it, changes nothing" {
    set s [server]
    is [ask $s SET k v] OK
    for {set i 0} {$i < 3} {incr i} {
        signal HUP [of $s pid]
        after 50 ;# most often it has come by then
        is [ask $s GET k] v
    }
    truth {[alive [of $s pid]]}
    is [ask $s CONFIG GET port] [list port [of $s port]]
}

# ---- a supervisor ----
# All that was said to a socket of systemd's kind, a datagram a line.
proc hear {path} {
    set dir [tmpdir]
    spit $dir/hear.c {
#include <stdio.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
int main(int argc, char **argv) {
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    char text[65536];
    FILE *out = fopen(argv[2], "w");
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    snprintf(at.sun_path, sizeof at.sun_path, "%s", argv[1]);
    if (argc != 3 || !out || bind(fd, (void *)&at, sizeof at) < 0)
        return 1;
    for (;;) {
        ssize_t got = recv(fd, text, sizeof text, 0);
        for (ssize_t i = 0; i < got; i++)
            fputc(text[i] == 10 ? 32 : text[i], out);
        fputc(10, out);
        fflush(out);
    }
}
    }
    exec gcc -o $dir/hear $dir/hear.c
    set pid [exec $dir/hear $path $path.heard &]
    wait_for { file exists $path }
    return $pid
}

case "systemd is told of loading, saving, waiting, readiness and the end, and why there is none" {
    set path [file join [tmpdir] notify]
    set heard $path.heard
    set ear [hear $path]
    set ::env(NOTIFY_SOCKET) $path
    set config "supervised systemd\nenable-debug-command yes\nsave \"3600 1\"\ndir-lock-wait 1000"
    set s [server $config]
    set dir [of $s dir]
    wait_for { string match "*STATUS=Ready to accept connections READY=1*" [slurp $heard] }
    ask $s DEBUG POPULATE 1000
    ask $s BGSAVE
    wait_for { string match "*saving in the background*STATUS=Ready to accept*" [slurp $heard] }
    # another one waits for it
    set second [file join $dir second.conf]
    spit $second "port 0\nunixsocket $dir/second.sock\ndir \"$dir\"\nlogfile \"$dir/log2\"\n$config\n"
    set pid [exec [file join $build redis-server] $second </dev/null >/dev/null 2>/dev/null &]
    wait_for { string match "*STATUS=Waiting for*EXTEND_TIMEOUT_USEC=*" [slurp $heard] }
    # a stop that is refused
    file rename $dir/dump.rdb $dir/away.rdb
    file mkdir $dir/dump.rdb/in-the-way
    signal TERM [of $s pid]
    wait_for { string match "*STATUS=Can't stop: Error trying to save the DB*force*" [slurp $heard] }
    truth {![string match "*STOPPING*" [slurp $heard]]}
    file delete -force $dir/dump.rdb
    stop $s term
    wait_for { string match "*STATUS=Saving the last snapshot EXTEND*STATUS=Stopping STOPPING=1*" [slurp $heard] }
    # and the one that waited loads
    wait_for { string match "*STOPPING=1*STATUS=Loading EXTEND_TIMEOUT_USEC=*READY=1*" [slurp $heard] }
    signal TERM $pid
    wait_for { expr {![alive $pid]} }
    unset ::env(NOTIFY_SOCKET)
    signal KILL $ear
}

finish
