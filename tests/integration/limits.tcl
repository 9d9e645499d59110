# SPDX-License-Identifier: BSD-3-Clause
# What one connection may cost: before it has said who it is, while a command replies to it, and
# when it has gone.
source [file join [file dirname [info script]] lib.tcl]

proc peak_kb {s} {
    regexp {VmHWM:\s+(\d+)} [slurp /proc/[of $s pid]/status] -> kb
    return $kb
}
# Sends the words again and again and reads nothing, until the other side has ended or so many bytes
# are out. True when it ended.
proc pour {fd words {most 40000000}} {
    fconfigure $fd -blocking 0
    set piece [string repeat [encode $words] [expr {60000 / [string length [encode $words]]}]]
    for {set out 0; set still 0} {$out < $most && $still < 3000} {} {
        if {[catch { puts -nonewline $fd $piece; flush $fd }]} { return 1 }
        if {[fblocked $fd]} { incr still; after 1 }
        incr out [string length $piece]
    }
    return 0
}

foreach words {PING {GET nothing} {HELLO 9} QUITE {COMMAND DOCS} {AUTH wrong}} {
    case "not authenticated and not reading ($words): closed, and nothing is kept" {
        set s [server "requirepass secret\nsave \"\""]
        ask $s AUTH secret
        set before [peak_kb $s]
        set fd [connect $s]
        pour $fd $words
        wait_for { expr {[info_of $s connected_clients] == 1} }
        truth {$::sanitized || [peak_kb $s] - $before < 6000}
        truth {[info_of $s client_output_buffer_limit_disconnections] <= 1}
        catch { close $fd }
    }
}

case "not authenticated but reading: answered as ever" {
    set s [server "requirepass secret"]
    set fd [connect $s]
    puts -nonewline $fd [string repeat [encode {GET a}] 500][encode {AUTH secret}][encode PING]
    flush $fd
    for {set i 0} {$i < 500} {incr i} {
        truth {[catch { read_reply $fd } error]}
        is $error "NOAUTH Authentication required."
    }
    is [read_reply $fd] OK
    is [read_reply $fd] PONG
    close $fd
}

proc memory_of {s id} {
    regexp {tot-mem=(\d+)} [ask $s CLIENT LIST ID $id] -> bytes
    return $bytes
}

case "not authenticated: the buffer of a half command has room for it and one more read" {
    set s [server "requirepass secret"]
    ask $s AUTH secret
    set whole [encode [lrepeat 10 [string repeat x 16384]]]
    foreach piece {200000 16384 5000} {
        set fd [connect $s]
        for {set at 0} {$at < 163000} {incr at $piece} {
            puts -nonewline $fd [string range $whole $at [expr {min($at + $piece, 163000) - 1}]]
            flush $fd
        }
        wait_for {
            regexp {id=(\d+) [^\n]* qbuf=163000 } [ask $s CLIENT LIST] -> id
        }
        truth {[memory_of $s $id] < 185000}
        puts -nonewline $fd [string range $whole 163000 end][encode {AUTH secret}][encode PING]
        flush $fd
        truth {[catch { read_reply $fd } error]}
        like $error "ERR unknown command*"
        is [read_reply $fd] OK
        is [read_reply $fd] PONG
        close $fd
    }
    # a line that does not end, behind nine such words
    set fd [connect $s]
    puts -nonewline $fd [string range $whole 0 147547]\$[string repeat 1 65000]
    flush $fd
    is [read $fd] ""
    is [info_of $s client_query_buffer_limit_disconnections] 1
    close $fd
}

case "not authenticated and paused: what is kept of its input has a limit, too" {
    set s [server "requirepass secret"]
    ask $s AUTH secret
    set before [peak_kb $s]
    set fds [list [connect $s] [connect $s]]
    ask $s CLIENT PAUSE 5000 ALL
    foreach fd $fds { puts -nonewline $fd [encode {AUTH secret}] }
    pour [lindex $fds 0] PING
    puts -nonewline [lindex $fds 1] [string repeat [encode PING] 20000]
    flush [lindex $fds 1]
    truth {$::sanitized || [peak_kb $s] - $before < 6000}
    is [read_reply [lindex $fds 1]] OK
    for {set i 0} {$i < 20000} {incr i} { is [read_reply [lindex $fds 1]] PONG }
    stop $s
    foreach fd $fds { catch { close $fd } }
}

set big {
    {KEYS *} {SMEMBERS s} {LRANGE l 0 -1} {HGETALL h} {HVALS h} {ZRANGE z 0 -1 WITHSCORES}
    {SORT l BY nosort} {SRANDMEMBER s -3000000} {HRANDFIELD h -3000000 WITHVALUES} {SUNION s s}
    {SDIFF s none} {SINTER s s} {ZUNION 1 z} {SRANDMEMBER s 90000} {LRANGE l -90000 -1}
    {SSCAN s 0 COUNT 100000}
}
case "over the hard limit of output: closed while the command replies, which then ends" {
    set s [server "client-output-buffer-limit normal 256kb 0 0\nsave \"\""]
    set fd [connect $s]
    for {set i 0} {$i < 100000} {incr i 100} {
        foreach {kind n} {SADD 1 RPUSH 1 HSET 2 ZADD 2} key {s l h z} {
            set words [list $kind $key]
            for {set k $i} {$k < $i + 100} {incr k} {
                lappend words {*}[expr {$kind eq "ZADD" ? $k : ""}] member:$k
                if {$kind eq "HSET"} { lappend words value:$k }
            }
            puts -nonewline $fd [encode $words]
        }
        puts -nonewline $fd [encode [concat MSET [join [lmap k {1 2 3 4 5 6 7 8 9} {
            list key:[string repeat - 40]:$i:$k v }]]]]
        flush $fd
        for {set k 0} {$k < 5} {incr k} { read_reply $fd }
    }
    ask $s SET big [string repeat x 200000]
    lappend big [concat MGET [lrepeat 10000 big]] [concat COMMAND DOCS [lrepeat 20000 get]]
    set before [peak_kb $s]
    set closed 0
    foreach words $big {
        set one [connect $s]
        send $one {*}$words
        set got [read $one]
        truth {[string length $got] < 1000000 || [error "$words: [string length $got]"]}
        close $one
        is [list $words [info_of $s client_output_buffer_limit_disconnections]] \
            [list $words [incr closed]]
    }
    # a transaction does all it was to do, and keeps nothing of what it replies
    puts -nonewline $fd [encode MULTI]
    for {set i 0} {$i < 300} {incr i} { puts -nonewline $fd [encode {SMEMBERS s}] }
    puts -nonewline $fd [encode {SINTERSTORE both s s}][encode {SDIFFSTORE but s none}]
    puts -nonewline $fd [encode {SUNIONSTORE either s none}][encode {SET done 1}][encode EXEC]
    flush $fd
    read $fd
    close $fd
    is [ask $s GET done] 1
    foreach key {both but either} { is [ask $s SCARD $key] 100000 }
    # however small its replies are, each by itself
    ask $s SET small [string repeat x 20000]
    set fd [connect $s]
    puts -nonewline $fd [encode MULTI]
    for {set i 0} {$i < 10000} {incr i} { puts -nonewline $fd [encode {GET small}] }
    puts -nonewline $fd [encode {SET done 2}][encode EXEC]
    flush $fd
    read $fd
    close $fd
    is [ask $s GET done] 2
    incr closed
    truth {$::sanitized || [peak_kb $s] - $before < 60000}
    # and who wants no reply costs none
    set fd [connect $s]
    send $fd CLIENT REPLY OFF
    for {set i 0} {$i < 100} {incr i} { send $fd SRANDMEMBER s -3000000 }
    send $fd CLIENT REPLY ON
    is [read_reply $fd] OK
    is [request $fd PING] PONG
    close $fd
    truth {$::sanitized || [peak_kb $s] - $before < 60000}
    is [info_of $s client_output_buffer_limit_disconnections] [incr closed]
}

case "QUIT of a client that wants no reply closes the connection" {
    set s [server]
    foreach before {{CLIENT REPLY OFF} {CLIENT REPLY SKIP}} {
        set fd [connect $s]
        puts -nonewline $fd [encode $before][encode QUIT][encode {SET a 1}]
        flush $fd
        is [read $fd] ""
        close $fd
    }
    is [ask $s EXISTS a] 0
    wait_for { expr {[info_of $s connected_clients] == 1} }
}

case "a client that waits with much input unread is let go when it goes" {
    set s [server]
    foreach wait {{WAIT 1 0} {SET a 1}} {
        ask $s CLIENT PAUSE 100000 WRITE
        set fd [connect $s]
        puts -nonewline $fd [encode $wait][string repeat [encode {SET b 1}] 10000]
        flush $fd
        wait_for { regexp {flags=b[^\n]* qbuf=[1-9]\d{4}} [ask $s CLIENT LIST] }
        close $fd
        wait_for { expr {[info_of $s connected_clients] == 1} }
        ask $s CLIENT UNPAUSE
    }
}

case "client-query-buffer-limit does not count arguments that have come whole" {
    set s [server "client-query-buffer-limit 1mb"]
    set fd [connect $s]
    set words MSET
    for {set i 0} {$i < 300} {incr i} { lappend words k$i [string repeat x 4096] }
    set bytes [encode $words]
    foreach piece [list [string range $bytes 0 1100000] [string range $bytes 1100001 end]] {
        puts -nonewline $fd $piece
        flush $fd
        is [ask $s PING] PONG
    }
    is [read_reply $fd] OK
    is [ask $s DBSIZE] 300
    send $fd SET big [string repeat x 1100000] ;# one that is larger does
    truth {[catch { read_reply $fd } error]}
    is [info_of $s client_query_buffer_limit_disconnections] 1
    close $fd
}

case "CLIENT LIST tells of what a client does not read: in the first buffer, in blocks behind it" {
    set s [server]
    ask $s SET big [string repeat x 3000000]
    set fd [connect $s]
    set id [request $fd CLIENT ID]
    proc output {s id} {
        regexp {obl=(\d+) oll=(\d+) omem=(\d+) tot-mem=(\d+)} [ask $s CLIENT LIST ID $id] -> \
            obl oll omem total
        return [list $obl $oll $omem $total]
    }
    is [lrange [output $s $id] 0 2] {0 0 0}
    for {set i 0} {$i < 10} {incr i} { send $fd GET big }
    wait_for { lassign [output $s $id] obl oll omem total; expr {$omem > 3000000} }
    is $obl 16384
    truth {$oll * 16384 >= 3000000 && $omem >= ($oll - 1) * 16384 && $total > $omem}
    for {set i 0} {$i < 10} {incr i} { is [string length [read_reply $fd]] 3000000 }
    wait_for { expr {[lrange [output $s $id] 0 2] eq {0 0 0}} }
    close $fd
}

case "a reply of many blocks: little more memory than its bytes, and less as it is read" {
    set s [server]
    set fd [connect $s]
    set element [string repeat e 100]
    for {set i 0} {$i < 100} {incr i} { send $fd RPUSH list {*}[lrepeat 3000 $element] }
    for {set i 1} {$i <= 100} {incr i} { is [read_reply $fd] [expr {$i * 3000}] }
    set id [request $fd CLIENT ID]
    send $fd LRANGE list 0 -1
    wait_for { lassign [output $s $id] obl oll omem total; expr {$omem > 25000000} }
    truth {$total < $omem * 1.05 + 300000}
    read $fd 16000000
    set left [expr {300000 * 108 + 9 - 16000000}]
    wait_for { lassign [output $s $id] obl oll omem total; expr {$omem <= $left && $total < $left * 1.05 + 300000} }
    is [string length [read $fd $left]] $left
    is [request $fd PING] PONG
    close $fd
}

case "a number known only at the end, blocks behind the place where it stands" {
    set s [server]
    set names {}
    for {set i 0} {$i < 30000} {incr i} { lappend names [format key:%05d $i] }
    ask $s MSET {*}[concat {*}[lmap name $names { list $name x }]]
    is [lsort [ask $s KEYS *]] $names
    is [lsort [ask $s KEYS *7]] [lsearch -all -inline $names *7]
    set fd [connect $s]
    foreach words {MULTI PING {KEYS key:1*} PING {KEYS *} EXEC PING} { send $fd {*}$words }
    for {set i 0} {$i < 5} {incr i} { read_reply $fd }
    lassign [read_reply $fd] ping some pong all
    is [list $ping $pong [lsort $some] [lsort $all]] \
        [list PONG PONG [lsearch -all -inline $names key:1*] $names]
    is [read_reply $fd] PONG
    close $fd
}

case "CLIENT LIST ID finds each by its id, and nothing where there is none" {
    set s [server]
    set fds {}
    for {set i 0} {$i < 200} {incr i} { lappend fds [connect $s] }
    set ids [lmap fd $fds { request $fd CLIENT ID }]
    close [lindex $fds 0]
    wait_for { expr {[ask $s CLIENT LIST ID [lindex $ids 0]] eq ""} }
    set lines [split [string trim [ask $s CLIENT LIST ID {*}[lreverse $ids] 999999 0 -1]] "\n"]
    is [lmap line $lines { regexp -inline {(?:^id=)\d+} $line }] \
        [lmap id [lreverse [lrange $ids 1 end]] { string cat id=$id }]
    foreach fd [lrange $fds 1 end] { close $fd }
}

finish
