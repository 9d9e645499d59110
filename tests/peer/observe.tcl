# SPDX-License-Identifier: BSD-3-Clause
# What MONITOR shows and the slow log keeps of generated commands and of chosen ones, beside the
# installed redis-server: the same lines, but for times and ports. SEED repeats a run.
source [file join [file dirname [info script]] ../integration/lib.tcl]
source [file join [file dirname [info script]] lib/pair.tcl]
source [file join [file dirname [info script]] ../integration/lib/chance.tcl]
source [file join [file dirname [info script]] lib/grammar.tcl]

set count [chance_count 6000 1500 200000]

# What is compared is what was said up to a word that nobody else says.
proc lines_until {fd end} {
    set lines {}
    while 1 {
        set line [clean [lindex [tree $fd] 0]]
        if {[string match "*\"echo\" \"$end\"*" $line]} { return $lines }
        lappend lines $line
    }
}
proc clean {line} {
    regsub {^\+[0-9]+\.[0-9]{6} } $line {+TIME } line
    regsub {127\.0\.0\.1:[0-9]+} $line PEER line
    return $line
}
# The next line of both, which is so known to have been said.
proc same_line {} {
    lassign [lmap fd [pair_fds monitor] { clean [lindex [tree $fd] 0] }] x y
    is $x $y
}
proc same_lines {} {
    set end end[incr ::ends]
    is [compare exact [list echo $end] other] ""
    lassign [lmap fd [pair_fds monitor] { lines_until $fd $end }] mine theirs
    foreach x $mine y $theirs {
        if {$x ne $y} { error "MONITOR\n        ours [printable $x]\n        peer [printable $y]" " " }
    }
    return [llength $mine]
}

# A reply of SLOWLOG GET, without the times that commands took.
proc entry_of {node} {
    lassign $node - parts
    lassign $parts id time took words peer name
    truth {[string match :* [lindex $took 0]]}
    regsub {127\.0\.0\.1:[0-9]+} [bytes_of $peer] PEER peer
    return "[bytes_of $id][bytes_of $time][bytes_of $words]$peer[bytes_of $name]"
}
proc same_slow_log {} {
    foreach fd [pair_fds main] { send $fd SLOWLOG GET -1 }
    lassign [lmap fd [pair_fds main] { lindex [tree $fd] 1 }] mine theirs
    foreach x $mine y $theirs {
        lassign [lmap node [list $x $y] { expr {$node eq "" ? "none" : [entry_of $node]} }] x y
        if {$x ne $y} { error "SLOWLOG\n        ours [printable $x]\n        peer [printable $y]" " " }
    }
    return [llength $mine]
}

proc start {{config ""}} {
    pair_start "slowlog-log-slower-than 0\nslowlog-max-len 4000\n$config"
    both {DEBUG SET-ACTIVE-EXPIRE 0}
    pair_send monitor MONITOR
    foreach fd [pair_fds monitor] { is [lindex [tree $fd] 0] "+OK\r\n" }
}

# Replies are read, and are another test's.
proc say {words {on main}} {
    pair_send $on $words
    foreach fd [pair_fds $on] { tree $fd }
}

puts "seed $seed"
case "generated commands: lines and entries (SEED=$seed)" {
    start
    set shown 0
    for {set done 0} {$done < $count} {incr done 100} {
        foreach item [batch 100] { say [lrange $item 1 end] }
        incr shown [same_lines]
    }
    truth {$shown > $count / 2}
    truth {[same_slow_log] > min($count, 4000) / 2}
}

set long [string repeat x 1000]
set chosen {
    {SET k {a\"b\\c\r\n\t\a\b\x01\x7f\xff'}}
    {SELECT 3} {GET k} {SELECT 0} {MSET 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32}
    {DEL 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31} {DEL 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30} {SET k $long}
    {AUTH secret} {AUTH default secret} {HELLO 3 AUTH default secret SETNAME me}
    {HELLO 2} {MULTI} {SET a 1} {INCR a} {AUTH secret} {SELECT 2} {GET a} {CONFIG GET port} {EXEC}
    {SELECT 0} {MULTI} {GET a} {DISCARD} {MULTI} {NOSUCH} {EXEC} {NOSUCH a} {GET} {OBJECT} {OBJECT x y}
    {CONFIG SET requirepass secret} {CONFIG SET requirepass ""} {CONFIG SET maxmemory 0 masterauth x}
    {CONFIG GET requirepass} {CLIENT SETNAME bob} {CLIENT ID} {INCR k} {LPUSH k x}
    {EVAL "return redis.call('set',KEYS[1],ARGV[1])" 1 k v}
    {EVAL "redis.call('select',5) return redis.call('get','k')" 0}
    {EVAL "return redis.pcall('incr','k')" 0} {EVAL "return \x7b" 0} {EVAL "return 1" x}
    {EVAL_RO "return redis.call('get','k')" 0} {EVALSHA nosuch 0}
    {SCRIPT LOAD "return 1"} {EVALSHA e0e1f9fabfc9d4800c877a703b823ac0578ff8db 0}
    {FUNCTION LOAD "#!lua name=l\nredis.register_function('f', function(k,a) redis.call('incr','n') return 1 end)"}
    {FCALL f 0} {FCALL nosuch 0} {FCALL_RO f 0} {MULTI} {EVAL "return redis.call('incr','n')" 0}
    {BLPOP none 0} {EXEC} {PUBLISH c x} {SWAPDB 0 1} {WAIT 0 1} {SLOWLOG LEN} {MEMORY USAGE k}
    {COMMAND COUNT} {INFO server} {TIME} {DBSIZE} {PING} {RESET} {ECHO x} {SORT none} {XREAD STREAMS s 0}
}
case "chosen commands: secrets, scripts, transactions, words of any bytes" {
    start
    foreach words $chosen { say [lmap word $words { subst -nocommands $word }]; same_lines }
    truth {[same_slow_log] > 80}
}

case "who waits is shown at once, and kept when it has been served" {
    start
    pair_send waiter {BLPOP q r 0}
    same_line
    both {RPUSH r x}
    foreach fd [pair_fds waiter] { tree $fd }
    is [same_lines] 1
    same_slow_log
    pair_send waiter {XREAD BLOCK 0 STREAMS s 0}
    same_line
    both {XADD s 1-1 a b}
    foreach fd [pair_fds waiter] { tree $fd }
    is [same_lines] 1
    truth {[same_slow_log] > 3}
}

case "SLOWLOG: replies, errors, limits that change" {
    start
    foreach words {
        {SLOWLOG GET 0} {SLOWLOG GET -2} {SLOWLOG GET x} {SLOWLOG GET 1 2} {SLOWLOG LEN} {SLOWLOG LEN x}
        {SLOWLOG NOSUCH} {SLOWLOG} {CONFIG SET slowlog-max-len 3} {SLOWLOG LEN}
        {CONFIG SET slowlog-max-len -1} {CONFIG SET slowlog-log-slower-than -2} {SLOWLOG RESET}
        {SLOWLOG LEN} {CONFIG SET slowlog-log-slower-than -1} {SLOWLOG LEN} {GET k} {SLOWLOG LEN}
        {CONFIG SET slowlog-log-slower-than 100000000} {GET k} {SLOWLOG LEN}
        {CONFIG SET slowlog-log-slower-than 0} {GET k} {SLOWLOG LEN}
    } {
        # 7.0's texts of CONFIG SET name other bounds.
        set mode [expr {[lindex $words 0] eq "CONFIG" ? "kind" : "exact"}]
        is [compare $mode $words] ""
    }
    same_slow_log
}

case "MONITOR: what a monitor may say, and how it ends" {
    start
    foreach fd [pair_fds main] { send $fd CLIENT ID; tree $fd }
    foreach resp {2 3} {
        is [compare exact "CLIENT REPLY ON" m$resp] ""
        foreach words [list "HELLO $resp SETNAME none" MONITOR] { say $words m$resp }
        foreach words {{GET k} {SET k v} {MULTI}} {
            is [compare exact $words m$resp] ""
            if {$words eq "MULTI"} { foreach fd [pair_fds m$resp] { tree $fd } } ;# its own line
        }
        is [compare exact {GET k} m$resp] ""
        is [compare exact {DISCARD} m$resp] ""
        foreach fd [pair_fds m$resp] { tree $fd }
        is [compare exact RESET m$resp] ""
        is [compare exact {GET k} m$resp] ""
    }
    both MULTI
    both MONITOR
    both EXEC
    is [compare kind {EVAL "return redis.call('monitor')" 0}] ""
}

finish
