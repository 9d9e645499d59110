# SPDX-License-Identifier: BSD-3-Clause
# A primary under a load of every type, with expiry, eviction, scripts, transactions and clients that
# wait, and replicas behind a wire that is cut, late, slow and still: after each stretch of it all
# hold the same. LONG=1: for an hour. COUNT: so many seconds.
source [file join [file dirname [info script]] lib.tcl]
source [file join [file dirname [info script]] lib holdfast.tcl]
source [file join [file dirname [info script]] lib primary.tcl]
source [file join [file dirname [info script]] lib chance.tcl]

set load {
    math.randomseed(tonumber(ARGV[1]))
    local function k(kind, n) return kind .. ':' .. math.random(n) end
    local function text() return string.rep(tostring(math.random(1000000)), math.random(40)) end
    local does = {
        function() redis.call('set', k('s', 20000), text()) end,
        function() redis.call('set', k('s', 20000), text(), 'px', math.random(1500)) end,
        function() redis.call('pexpire', k('s', 20000), math.random(1500)) end,
        function() redis.call('getex', k('s', 20000), 'px', math.random(1500)) end,
        function() redis.call('append', k('a', 200), 'more') end,
        function() redis.call('incrbyfloat', k('f', 200), math.random()) end,
        function() redis.call('lpush', k('l', 100), text(), text()) end,
        function() redis.call('rpop', k('l', 100), 3) end,
        function() redis.call('lmove', k('l', 100), k('l', 100), 'left', 'right') end,
        function() redis.call('sadd', k('set', 100), text(), math.random(100)) end,
        function() redis.call('spop', k('set', 100), math.random(3)) end,
        function() redis.call('hset', k('h', 100), k('field', 200), text()) end,
        function() redis.call('hincrbyfloat', k('hf', 100), k('field', 20), math.random()) end,
        function() redis.call('zadd', k('z', 100), math.random(), k('member', 200)) end,
        function() redis.call('zpopmin', k('z', 100)) end,
        function() redis.call('xadd', k('x', 50), 'maxlen', '~', 100, '*', 'field', text()) end,
        function() redis.call('pfadd', k('p', 50), text()) end,
        function() redis.call('setrange', k('r', 50), math.random(3000), 'bytes') end,
        function() redis.call('copy', k('h', 100), k('hcopy', 100), 'replace') end,
        function() redis.call('del', k('s', 20000), k('l', 100)) end,
    }
    for i = 1, 50 do does[math.random(#does)]() end
}

# All that the load is to bring about. On a slow machine that takes longer.
proc came_about {p} {
    foreach name {sync_partial_ok evicted_keys expired_keys} {
        if {[info_of $p $name] == 0} { return 0 }
    }
    return 1
}
proc volatile_keys {s} {
    set n 0
    foreach {-> more} [regexp -all -inline {expires=(\d+)} [ask $s INFO keyspace]] { incr n $more }
    return $n
}
proc tell_wire {text} { puts $::wire $text; flush $::wire }
# What becomes of the wire now.
proc worsen {} {
    switch [below 6] {
        0 - 1 { tell_wire cut }
        2 { tell_wire "slow [below 100] 0" }
        3 { tell_wire "slow 0 [expr {20000 + [below 500000]}]" }
        4 { tell_wire still }
        5 { tell_wire "slow 0 0" }
    }
}
# Commands and their blocking counterpart, over several databases.
proc write_more {fd waiter} {
    send $fd SELECT [below 3]
    send $fd EVAL $::load 0 [below 1000000000]
    send $fd MULTI
    send $fd INCR units
    send $fd SET unit [string repeat x [below 300]]
    send $fd EXEC
    send $fd PUBLISH news [below 1000]
    send $waiter BLMOVE waits got LEFT RIGHT 0.05
    send $fd SELECT 0
    send $fd RPUSH waits [below 1000]
    send $fd LTRIM got -10 -1
    for {set i 0} {$i < 9} {incr i} {
        set reply [read_reply $fd]
        if {[string match "-*" $reply]} { error $reply }
    }
    read_reply $waiter
}

set seconds [chance_count 20 15 3600]
set stretch_ms [expr {$long ? 60000 : 5000}]
case "a bad wire for $seconds seconds (seed $seed)" {
    set p [ours "appendonly yes\nmaxmemory-policy allkeys-lru\nrepl-backlog-size 4mb
repl-diskless-sync [one_of {yes no}]\nrepl-timeout 4\nrepl-ping-replica-period 1\nclient-output-buffer-limit \"replica 0 0 0\""]
    set wire_port [free_port]
    set wire [open "|[list [info nameofexecutable] [file join $root tests integration lib bad_wire.tcl] \
        $wire_port [of $p port]]" r+]
    is [gets $wire] ready
    set behind_wire "replicaof 127.0.0.1 $wire_port\nrepl-timeout 4"
    set r [ours "$behind_wire\nappendonly yes\nrepl-diskless-load [one_of {disabled swapdb on-empty-db}]"]
    set other [peer $behind_wire]
    set sub [replica_of $r]
    # Room for what grows beside the data, which cannot be evicted.
    set most [expr {[info_of $p used_memory] + 5000000 + ($long ? 10000000 : 1500000)}]
    ask $p CONFIG SET maxmemory $most
    set fd [connect $p]
    set waiter [connect $p]
    set end [expr {[clock milliseconds] + $seconds * 1000}]
    set stretches 0
    set units 0
    while {[clock milliseconds] < $end || (![came_about $p] && $stretches < 60)} {
        set until [expr {[clock milliseconds] + $stretch_ms}]
        set next 0
        while {[set now [clock milliseconds]] < $until} {
            if {$now >= $next} {
                worsen
                set next [expr {$now + 50 + [below 2000]}]
            }
            write_more $fd $waiter
            incr units
        }
        tell_wire "slow 0 0"
        wait_for { expr {[volatile_keys $p] == 0} }
        # Whoever reads a full server takes memory of it, for which it evicts what was read already.
        ask $p CONFIG SET maxmemory 0
        foreach s [list $r $other $sub] { wait_same $s $p }
        ask $p CONFIG SET maxmemory $most
        incr stretches
    }
    set full [info_of $p sync_full]
    set partial [info_of $p sync_partial_ok]
    puts "figures: $stretches stretches, $full full and $partial partial synchronisations,\
        $units transactions, [info_of $p evicted_keys] evicted, [info_of $p expired_keys] expired,\
        [info_of $p master_repl_offset] bytes"
    truth {[came_about $p]}
    close $fd
    close $waiter
    catch { close $wire }
}

finish
