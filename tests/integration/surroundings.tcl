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
    exec timeout 60 script -qec $command $dir/typescript >$dir/out </dev/null
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
    is [run timeout 60 $check_rdb $dir/large.rdb] 0
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
    alarm 120;
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
            set notice 5
            set local3 19
            foreach line [logged $dir/heard $ident] {
                like $line "<[expr {$local3 * 8 + $notice}]>*$ident*"
            }
            # the file gets them, too
            like [log_of $s] "*Ready to accept*"
            stop $s term
            wait_for { string match "*SIGTERM*" [logged $dir/heard $ident] }
            like [logged $dir/heard $ident] "*<[expr {$local3 * 8 + 4}]>*SIGTERM*"
            # off: nothing more
            set heard [slurp $dir/heard]
            set s [server "syslog-ident $ident"]
            stop $s term
            is [slurp $dir/heard] $heard
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
    after 100
    fconfigure $fd -blocking 0
    set closed [expr {[catch { read $fd }] || [eof $fd]}]
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
        after 50
        is [ask $s GET k] v
    }
    truth {[alive [of $s pid]]}
    is [ask $s CONFIG GET port] [list port [of $s port]]
}

finish
