# SPDX-License-Identifier: BSD-3-Clause
# MIGRATE: to servers of ours and the installed one, in the clear and over TLS, and to targets that
# refuse, hang, die and are slow. What the target has not said it has stays here.
source [file join [file dirname [info script]] lib.tcl]
source [file join [file dirname [info script]] lib holdfast.tcl]
source [file join [file dirname [info script]] lib dataset.tcl]
source [file join [file dirname [info script]] lib primary.tcl]
source [file join [file dirname [info script]] lib tls.tcl]

set common "save \"\"\nenable-debug-command yes\n"
proc ours {{config ""} args} { return [server $::common$config {*}$args] }
proc theirs {{config ""}} { return [server $::common$config -binary $::peer_binary] }
proc migrate {from to key args} {
    return [ask $from MIGRATE 127.0.0.1 [of $to port] $key 0 60000 {*}$args]
}
proc migrate_error {from to key args} {
    return [error_of $from MIGRATE 127.0.0.1 [of $to port] $key 0 60000 {*}$args]
}
# What is left of a key's time is sent, as others do, so that its end moves by what the way takes.
proc diff {a b} {
    run [file join $::build holdfast] diff 127.0.0.1:[of $a port] 127.0.0.1:[of $b port]
    like $::run_output "* 0 added, 0 removed, 0 changed, *"
    foreach key [ask $a KEYS *] {
        set times [list [ask $a PEXPIRETIME $key] [ask $b PEXPIRETIME $key]]
        truth {abs([lindex $times 0] - [lindex $times 1]) < 100000}
    }
}

foreach {from to} {ours ours ours theirs theirs ours} {
    case "every type, from $from to $to" {
        set a [$from]
        set b [$to]
        set c [$to]
        fill $a
        set keys [ask $a KEYS *]
        truth {[llength $keys] > 50}
        is [migrate $a $b "" COPY KEYS {*}$keys nothing] OK
        is [ask $a DBSIZE] [llength $keys]
        is [ask $b DBSIZE] [llength $keys]
        is [migrate $a $c "" KEYS {*}$keys] OK
        is [ask $a DBSIZE] 0
        diff $b $c
        # and back
        is [ask $a FLUSHALL] OK
        set keys [ask $c KEYS *]
        is [migrate $c $a "" KEYS {*}$keys] OK
        diff $b $a
    }
}

case "many keys, a large one, times, another database" {
    set a [ours]
    set b [theirs]
    set keys {}
    for {set i 0} {$i < 3000} {incr i} {
        ask $a SET k$i [string repeat $i 2000] PX 1000000
        lappend keys k$i
    }
    ask $a SET large [string repeat x 5000000]
    ask $a SET soon x PX 1
    is [ask $a MIGRATE 127.0.0.1 [of $b port] "" 3 60000 KEYS {*}$keys large soon nothing] OK
    is [ask $a DBSIZE] 0
    set fd [connect $b]
    is [request $fd SELECT 3] OK
    is [request $fd DBSIZE] 3001
    truth {[request $fd PTTL k7] > 800000 && [request $fd PTTL k7] <= 1000000}
    is [request $fd TTL large] -1
    is [request $fd STRLEN large] 5000000
    # the database of a connection that is kept
    ask $a SET here 1
    is [migrate $a $b here] OK
    is [ask $b GET here] 1
    close $fd
}

case "what is said is what the installed server says" {
    set target [theirs]
    set replies {}
    foreach from {ours theirs} {
        set a [$from]
        ask $target FLUSHALL
        ask $target CONFIG SET requirepass ""
        set said {}
        foreach line {
            {SET a 1} {T a 0 1000} {SET a 2} {T a 0 1000} {GET a} {T a 0 1000 REPLACE} {GET a} {T a 0 1000}
            {SET x 1} {T x 0 1000 KEYS x y} {T x 99 1000} {T x 0 abc} {T x abc 10} {T x 0 1000 foo}
            {T x 0 1000 AUTH} {T x 0 1000 AUTH2 a} {T x 0 1000 AUTH2 u bad} {T "" 0 1000 KEYS}
            {T "" 0 1000} {T x 0 1000 copy replace} {GET x} {SET y 1} {T "" 0 1000 KEYS x y nokey}
            {EXISTS x y} {MIGRATE no.such.host.example 1 x 0 1000} {MIGRATE h 1 x 0}
            {MIGRATE 127.0.0.1 1 x 0 1000} {MIGRATE 127.0.0.1 1 "" 0 1000 KEYS none}
            {T x 0 0 REPLACE} {SET x 1} {T x 0 -5 COPY REPLACE}
            {SET l 1} {MULTI} {T l 0 1000} {EXEC} {SET e 1}
            {EVAL "return redis.call('MIGRATE', '127.0.0.1', ARGV\[1\], KEYS\[1\], '0', '1000')" 1 e PORT}
            {COMMAND GETKEYS MIGRATE h 1 "" 0 10 COPY AUTH keys KEYS a b}
            {COMMAND GETKEYS MIGRATE h 1 k 0 10 AUTH2 keys keys}
        } {
            set words [string map [list PORT [of $target port]] $line]
            if {[lindex $words 0] eq "T"} {
                set words [list MIGRATE 127.0.0.1 [of $target port] {*}[lrange $words 1 end]]
            }
            catch { ask $a {*}$words } reply
            lappend said "$line: $reply"
        }
        is [ask $target CONFIG SET requirepass secret] OK
        set fd [connect $target]
        foreach line {{SET z 1} {T z 0 1000 AUTH bad} {GET z} {T z 0 1000 AUTH2 default bad}
            {T z 0 1000 REPLACE AUTH secret} {GET z} {SET z 2} {T z 0 1000 REPLACE AUTH2 default secret}} {
            set words $line
            if {[lindex $words 0] eq "T"} {
                set words [list MIGRATE 127.0.0.1 [of $target port] {*}[lrange $words 1 end]]
            }
            catch { ask $a {*}$words } reply
            lappend said "$line: $reply"
        }
        is [request $fd AUTH secret] OK
        is [request $fd CONFIG SET requirepass ""] OK
        close $fd
        lappend replies $said
        stop $a
    }
    foreach mine [lindex $replies 0] other [lindex $replies 1] { is $mine $other }
}

case "a password is not lent to one who does not know it, and nobody sees it" {
    set a [ours]
    set b [ours "requirepass secretword"]
    set sees [connect $a]
    is [request $sees MONITOR] OK
    ask $a CONFIG SET slowlog-log-slower-than 0
    ask $a SET x 1
    ask $a SET y 1
    like [migrate_error $a $b x] "ERR Target instance replied with error: NOAUTH*"
    is [migrate $a $b x AUTH secretword] OK
    like [migrate_error $a $b y] "ERR Target instance replied with error: NOAUTH*"
    is [migrate $a $b y AUTH2 default secretword] OK
    catch { ask $a MIGRATE 127.0.0.1 1 x 0 abc AUTH2 secretword secretword FOO }
    set seen [ask $a SLOWLOG GET 100]
    send [set fd [connect $a]] ECHO end
    read_reply $fd
    while {![string match *end* [set line [read_reply $sees]]]} { append seen $line }
    truth {![string match *secretword* $seen[log_of $a]]}
    like $seen "*MIGRATE*(redacted)*"
    close $fd
    close $sees
}

case "connections are kept, and made anew when the target has closed them" {
    set a [ours]
    set b [theirs]
    for {set i 0} {$i < 5} {incr i} {
        ask $a SET k$i 1
        is [migrate $a $b k$i] OK
    }
    is [info_of $b total_connections_received] 2
    is [ask $b CLIENT KILL SKIPME yes TYPE normal] 1
    ask $a SET k5 1
    is [migrate $a $b k5] OK
    is [info_of $b total_connections_received] 3
    # 10 seconds after that it goes
    wait_for { expr {[info_of $b connected_clients] == 1} }
    # the same port, another server behind it
    ask $a SET k6 1
    is [migrate $a $b k6] OK
    is [ask $a DBSIZE] 0
}

case "what was moved is deleted in the log and on replicas, what was copied is not" {
    set a [ours "appendonly yes\nappendfsync always\nnotify-keyspace-events KEA\nrepl-diskless-sync-delay 0"]
    set r [replica_of $a]
    set b [ours]
    wait_linked $r
    set hears [connect $a]
    request $hears PSUBSCRIBE __keyevent@0__:*
    foreach k {k1 k2 k3 copied} { ask $a SET $k v }
    ask $b SET k2 busy
    is [migrate $a $b copied COPY] OK
    like [migrate_error $a $b "" KEYS k1 k2 k3 nothing] "ERR Target instance replied with error: BUSYKEY*"
    is [lsort [ask $a KEYS *]] {copied k2}
    wait_same $r $a
    is [lsort [ask $r KEYS *]] {copied k2}
    foreach k {k1 k2 k3 copied} { like [read_reply $hears] "* __keyevent@0__:set $k"}
    foreach k {k1 k3} { like [read_reply $hears] "* __keyevent@0__:del $k" }
    close $hears
    stop $r
    set a [restart $a kill "appendonly yes"]
    is [lsort [ask $a KEYS *]] {copied k2}
    truth {[string match "*DEL\r\n\$2\r\nk1\r\n\$2\r\nk3\r\n*" [slurp [glob [of $a dir]/appendonlydir/*incr.aof]]]}
}

# ---- targets of a few lines: an action for each command that comes ----
set target_program {
    lassign $argv port log
    set actions [lrange $argv 2 end]
    proc command {fd} {
        set words {}
        if {[gets $fd line] < 0} { exit }
        for {set i [string range $line 1 end-1]} {$i > 0} {incr i -1} {
            gets $fd line
            lappend words [read $fd [string range $line 1 end-1]]
            read $fd 2
        }
        return $words
    }
    # The other side may have gone already.
    proc say {fd text} { if {[catch { puts -nonewline $fd $text }]} exit }
    proc serve {fd args} {
        fconfigure $fd -translation binary -buffering none
        foreach action $::actions {
            set words [command $fd]
            set f [open $::log a]
            puts $f [lrange $words 0 1]
            close $f
            switch -glob $action {
                close { exit }
                hang { while 1 { after 1000 } }
                slow* {
                    foreach byte [split [string range $action 4 end]\r\n ""] {
                        after 60
                        say $fd $byte
                    }
                }
                default { say $fd [string map {NL \r\n} $action]\r\n }
            }
        }
        while 1 { command $fd }
    }
    socket -server serve -myaddr 127.0.0.1 $port
    spit_ready
    vwait forever
}
proc target {args} {
    set dir [tmpdir]
    set ::target_port [free_port]
    set ::target_log $dir/log
    spit $dir/target.tcl [string map [list spit_ready "close \[open {$dir/ready} w\]"] $::target_program]
    set ::target_pid [exec [info nameofexecutable] $dir/target.tcl $::target_port $dir/log {*}$args &]
    wait_for { file exists $dir/ready }
}
proc target_end {} { catch { signal KILL $::target_pid } }
proc told {} { split [string trim [slurp $::target_log]] \n }
set info_7_2 "\$21NLredis_version:7.2.4NL"

foreach {what actions reply left} {
    "hangs" {hang} "IOERR error or timeout reading to target instance" {k1 k2 k3}
    "hangs behind the first" {+OK hang} "IOERR error or timeout reading to target instance" {k2 k3}
    "dies" {close} "IOERR error or timeout reading to target instance" {k1 k2 k3}
    "dies behind the first" {+OK close} "IOERR error or timeout reading to target instance" {k2 k3}
    "refuses the second" {+OK {-ERR no} +OK} "ERR Target instance replied with error: ERR no" {k2}
    "refuses all, each in its way" {{-ERR one} {-ERR two} {-ERR three}}
        "ERR Target instance replied with error: ERR one" {k1 k2 k3}
    "talks nonsense" {+OK nonsense} "IOERR error or timeout reading to target instance" {k2 k3}
    "answers what is no answer" {*1NL+OK +OK +OK} "IOERR error or timeout reading to target instance" {k1 k2 k3}
} {
    case "a target that $what" {
        set a [ours]
        foreach k {k1 k2 k3} { ask $a SET $k v }
        target $info_7_2 +OK {*}$actions
        is [error_of $a MIGRATE 127.0.0.1 $::target_port "" 0 700 KEYS k1 k2 k3] $reply
        is [lsort [ask $a KEYS *]] $left
        target_end
    }
}

case "the answers of a target that dies while it is sent keys count" {
    set a [ours]
    set keys {}
    for {set i 0} {$i < 10} {incr i} {
        ask $a SETRANGE k$i 30000000 x ;# still 300 kB when it is compressed
        lappend keys k$i
    }
    target $info_7_2 +OK +OK close ;# a second answer could still wait for its turn (Nagle)
    like [error_of $a MIGRATE 127.0.0.1 $::target_port "" 0 10000 KEYS {*}$keys] \
        "IOERR error or timeout * to target instance"
    is [lsort [ask $a KEYS *]] [lrange $keys 1 end]
    target_end
}

case "a target that dies behind its last answer has the keys" {
    set a [ours]
    foreach k {k1 k2 k3} { ask $a SET $k v }
    target $info_7_2 +OK +OK +OK "+OKNL" close
    is [ask $a MIGRATE 127.0.0.1 $::target_port "" 0 700 KEYS k1 k2 k3] OK
    is [ask $a DBSIZE] 0
    target_end
}

foreach {what actions reply heard} {
    "does not let INFO be asked, and has no such database" {{-NOPERM no} {-ERR DB index is out of range}}
        "ERR Target instance replied with error: ERR DB index is out of range" {{INFO server} {SELECT 0}}
    "hangs when it is greeted" {hang} "IOERR error or timeout writing to target instance" {{INFO server}}
    "dies when it is greeted" {close} "IOERR error or timeout writing to target instance" {{INFO server}}
} {
    case "a target that $what is sent no key" {
        set a [ours]
        ask $a SET k v
        target {*}$actions
        is [error_of $a MIGRATE 127.0.0.1 $::target_port k 0 700] $reply
        is [ask $a GET k] v
        is [told] $heard
        target_end
    }
}

case "a target that is slow, but moves on, is waited for" {
    set a [ours]
    foreach k {k1 k2 k3} { ask $a SET $k v }
    target $info_7_2 slow+OK slow+OK slow+OK slow+OK
    is [ask $a MIGRATE 127.0.0.1 $::target_port "" 0 30000 KEYS k1 k2 k3] OK
    is [ask $a DBSIZE] 0
    target_end
}

case "over TLS with tls-cluster; a certificate that is refused" {
    set a [tls_server $common]
    set b [tls_server $common]
    set c [tls_server "$common[tls_lines stranger]tls-ca-cert-file [pki ca.crt]" -binary $::peer_binary]
    set keys {}
    for {set i 0} {$i < 300} {incr i} {
        ask $a SET k$i [string repeat $i 3000]
        lappend keys k$i
    }
    # in the clear to a port of TLS
    like [error_of $a MIGRATE 127.0.0.1 [tls_port_of $b] k1 0 3000] "IOERR error or timeout * to target instance"
    is [ask $a CONFIG SET tls-cluster yes] OK
    is [ask $a MIGRATE 127.0.0.1 [tls_port_of $b] "" 0 60000 COPY KEYS {*}$keys] OK
    diff $a $b
    like [error_of $a MIGRATE 127.0.0.1 [tls_port_of $c] k1 0 60000] "IOERR error or timeout writing to target instance"
    like [log_of $a] "*MIGRATE to 127.0.0.1:[tls_port_of $c]: the other side's certificate is refused*"
    is [ask $c CONFIG SET tls-cert-file [pki one.crt] tls-key-file [pki one.key]] OK
    is [ask $a MIGRATE 127.0.0.1 [tls_port_of $c] "" 0 60000 KEYS {*}$keys] OK
    is [ask $a DBSIZE] 0
    diff $b $c
}

finish
