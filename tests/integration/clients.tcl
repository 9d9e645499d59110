# SPDX-License-Identifier: BSD-3-Clause
# What a connection says of itself, and what many of them change.
source [file join [file dirname [info script]] lib.tcl]

case "dynamic-hz: many clients make the server's clock tick faster, unless it is off" {
    set s [server "hz 1"]
    is [list [info_of $s hz] [info_of $s configured_hz]] {1 1}
    set fds {}
    for {set i 0} {$i < 410} {incr i} { lappend fds [socket 127.0.0.1 [of $s port]] }
    wait_for { expr {[info_of $s connected_clients] == 411} }
    wait_for { expr {[info_of $s hz] == 4} }
    is [info_of $s configured_hz] 1
    is [lindex [ask $s CONFIG GET hz] 1] 1
    is [ask $s CONFIG SET dynamic-hz no] OK
    wait_for { expr {[info_of $s hz] == 1} }
    is [ask $s CONFIG SET dynamic-hz yes] OK
    wait_for { expr {[info_of $s hz] == 4} }
    foreach fd $fds { close $fd }
    wait_for { expr {[info_of $s hz] == 1} }
}

# Every way a command may come by a key.
set reads {{GET k} {MGET k k} {STRLEN k} {SETRANGE k 0 x} {APPEND k x} {EXPIRE k 1000} {EXISTS k}
    {LRANGE l 0 -1} {RPUSH l x} {SORT l ALPHA} {LCS k k} {ZUNION 1 z} {OBJECT ENCODING k}
    {COPY k other REPLACE} {TYPE k}}
proc idle_times {s} { lmap key {k l z} { ask $s OBJECT IDLETIME $key } }

case "CLIENT NO-TOUCH: no command of that connection is an access, but TOUCH is" {
    set s [server]
    ask $s SET k v
    ask $s RPUSH l a b
    ask $s ZADD z 1 a
    foreach key {k l z} { ask $s RESTORE $key 0 [ask $s DUMP $key] REPLACE IDLETIME 5000 }
    set fd [connect $s]
    is [request $fd CLIENT NO-TOUCH ON] OK
    like [request $fd CLIENT INFO] "* flags=T *"
    foreach words $reads { request $fd {*}$words }
    request $fd MULTI
    foreach words $reads { request $fd {*}$words }
    request $fd EXEC
    foreach idle [idle_times $s] { truth {$idle >= 5000 || [error "idle for $idle s only"]} }
    # others, meanwhile, do touch
    ask $s LRANGE l 0 -1
    lassign [idle_times $s] k l z
    truth {$k >= 5000 && $l < 1000 && $z >= 5000}
    is [request $fd TOUCH k] 1
    truth {[ask $s OBJECT IDLETIME k] < 1000}
    # off, by itself and by RESET
    foreach off {{CLIENT NO-TOUCH OFF} RESET} {
        request $fd CLIENT NO-TOUCH ON
        request $fd {*}$off
        ask $s RESTORE k 0 [ask $s DUMP k] REPLACE IDLETIME 5000
        request $fd GET k
        truth {[ask $s OBJECT IDLETIME k] < 1000}
    }
    truth {[catch { request $fd CLIENT NO-TOUCH maybe } reply]}
    is $reply "ERR syntax error"
    close $fd
}

case "CLIENT NO-TOUCH: the access frequency stays, too" {
    set s [server "maxmemory-policy allkeys-lfu\nlfu-decay-time 0"]
    ask $s SET k v
    ask $s RESTORE k 0 [ask $s DUMP k] REPLACE FREQ 3
    set fd [connect $s]
    request $fd CLIENT NO-TOUCH ON
    request $fd GET k
    is [ask $s OBJECT FREQ k] 3
    ask $s GET k ;# this low, every access counts
    is [ask $s OBJECT FREQ k] 4
    close $fd
}

case "CLIENT SETINFO: shown in CLIENT LIST and INFO; what would break its line is refused" {
    set s [server]
    set fd [connect $s]
    set id [request $fd CLIENT ID]
    like [ask $s CLIENT LIST ID $id] "* lib-name= lib-ver=*"
    is [request $fd CLIENT SETINFO lib-name my-lib(x_1)] OK
    is [request $fd CLIENT SETINFO LIB-VER 1.2.3] OK
    foreach text [list [ask $s CLIENT LIST ID $id] [request $fd CLIENT INFO]] {
        like $text "* lib-name=my-lib(x_1) lib-ver=1.2.3*"
    }
    foreach bad [list "a b" "a\nb" "a\tb" "a\x00b" "a\x7fb" " " "\u00e9"] {
        foreach what {lib-name lib-ver} {
            truth {[catch { request $fd CLIENT SETINFO $what $bad } reply]}
            is $reply "ERR $what cannot contain spaces, newlines or special characters."
        }
    }
    truth {[catch { request $fd CLIENT SETINFO lib-nam x } reply]}
    is $reply "ERR Unrecognized option 'lib-nam'"
    truth {[catch { request $fd CLIENT SETINFO lib-name } reply]}
    like $reply "ERR wrong number of arguments for 'client|setinfo' command"
    like [ask $s CLIENT LIST ID $id] "* lib-name=my-lib(x_1) lib-ver=1.2.3*"
    is [request $fd CLIENT SETINFO lib-name ""] OK
    like [ask $s CLIENT LIST ID $id] "* lib-name= lib-ver=1.2.3*"
    close $fd
}

case "CLIENT LIST: what is read of the command that runs, and its words" {
    set s [server]
    set fd [connect $s]
    # Of one read, the second is still behind the first.
    puts -nonewline $fd [encode {CLIENT INFO}][encode {ECHO hello}][encode {CLIENT INFO}]
    flush $fd
    set all [string length [encode {CLIENT INFO}][encode {ECHO hello}][encode {CLIENT INFO}]]
    like [read_reply $fd] "* qbuf=$all qbuf-free=[expr {65536 - $all}] argv-mem=10 *"
    read_reply $fd
    read_reply $fd
    like [ask $s CLIENT LIST TYPE normal] "* qbuf=0 qbuf-free=0 argv-mem=0 * cmd=client|info *"
}

case "OBJECT counts hits and misses, and is no access" {
    set s [server]
    ask $s SET k v
    foreach words {ENCODING REFCOUNT IDLETIME} { ask $s OBJECT $words k }
    ask $s OBJECT ENCODING none
    is [list [info_of $s keyspace_hits] [info_of $s keyspace_misses]] {3 1}
}

case "CLIENT LIST: what waits for a key is its client's memory" {
    proc memory_of {s name field} {
        regexp "name=$name \[^\n\]*$field=(\\d+)" [ask $s CLIENT LIST] -> bytes
        return $bytes
    }
    set s [server]
    set fd [connect $s]
    is [request $fd CLIENT SETNAME waits] OK
    set keys {}
    for {set i 0} {$i < 10000} {incr i} { lappend keys key:$i }
    send $fd BLPOP {*}$keys 0
    wait_for { expr {[info_of $s blocked_clients] == 1} }
    truth {[memory_of $s waits argv-mem] > 80000 && [memory_of $s waits tot-mem] > 80000}
    ask $s RPUSH key:9999 v
    is [read_reply $fd] {key:9999 v}
    truth {[memory_of $s waits argv-mem] == 0}
}

case "what is kept of a client keeps no name of a megabyte for each time" {
    set s [server "slowlog-log-slower-than 0"]
    ask $s ACL SETUSER few on nopass +client +hello +ping
    set name [string repeat n 1000000]
    set fd [connect $s]
    is [request $fd CLIENT SETNAME $name] OK
    is [request $fd AUTH few x] OK
    set before [info_of $s used_memory]
    for {set i 0} {$i < 60} {incr i} {
        is [request $fd PING] PONG
        truth {[catch { request $fd GET key$i } text] && [string match NOPERM* $text]}
    }
    set names [lmap entry [ask $s SLOWLOG GET -1] { lindex $entry 5 }]
    truth {"[string repeat n 128]... (999872 more bytes)" in $names}
    set entry [lindex [ask $s ACL LOG] 0]
    like [dict get $entry client-info] "* name=[string repeat n 128] age=*user=few *"
    truth {[info_of $s used_memory] < $before + 3000000}
}

case "avg_ttl: the mean of what is left" {
    set dir [tmpdir]
    set now 1700000000
    set_clock_in $dir 0 [expr {$now * 1000000}]
    set s [clock_server "" -dir $dir]
    ask $s SET a v PX 100000
    ask $s SET b v PX 300000
    ask $s SET c v
    is [info_of $s db0] "keys=3,expires=2,avg_ttl=200000"
    ask $s PEXPIRE b 500000
    is [info_of $s db0] "keys=3,expires=2,avg_ttl=300000"
    ask $s PERSIST a
    is [info_of $s db0] "keys=3,expires=1,avg_ttl=500000"
    ask $s DEL b
    is [info_of $s db0] "keys=2,expires=0,avg_ttl=0"
}

finish
