# SPDX-License-Identifier: BSD-3-Clause
# Two servers with logs, a writer, and kills of either side at moments of chance: while it writes,
# during a full synchronisation, a promotion, a failover. What WAITAOF has promised is on the disk of
# the one that was killed, units are whole and in order, and both hold the same once it is quiet.
#
#   SEED=7 COUNT=50 tclsh tests/integration/replication_kills.tcl
source [file join [file dirname [info script]] lib.tcl]
source [file join [file dirname [info script]] lib holdfast.tcl]
source [file join [file dirname [info script]] lib primary.tcl]
source [file join [file dirname [info script]] lib chance.tcl]

proc ours {dir} {
    return [server "appendonly yes\nappendfsync [one_of {everysec always}]\nsave \"\"
repl-diskless-sync [one_of {yes no}]\nrepl-diskless-sync-delay 0
repl-diskless-load [one_of {disabled on-empty-db swapdb}]\nrepl-backlog-size 1mb
auto-aof-rewrite-percentage [one_of {0 10}]\nauto-aof-rewrite-min-size 16kb" \
        {*}[expr {$dir eq "" ? {} : [list -dir $dir]}]]
}
# One unit, and beside it what is written by other ways; {copies on disks}.
proc write_unit {fd n} {
    send $fd MULTI
    send $fd SET unit:$n $n
    send $fd RPUSH units $n
    send $fd EXEC
    switch [below 5] {
        0 { send $fd SET over:$n soon PX 5 }
        1 { send $fd EVAL {redis.call('incr', KEYS[1]) return redis.call('sadd', KEYS[2], ARGV[1])} \
                2 calls members $n }
        2 { send $fd XADD stream MAXLEN 100 * n $n }
        3 { send $fd BLPOP units-gone 0.001 }
        4 { send $fd SETRANGE large [expr {$n * 100}] [string repeat x 100] }
    }
    send $fd WAITAOF 1 1 100
    for {set i 0} {$i < 5} {incr i} {
        if {[string match "-READONLY*" [read_reply $fd 0]]} { error "it leads no more" }
    }
    return [read_reply $fd]
}
# The units that it holds: all of them from 1 on, in order.
proc units_of {s} {
    set units [ask $s LRANGE units 0 -1]
    set n 0
    foreach unit $units { is $unit [incr n] }
    if {$n} { is [ask $s GET unit:$n] $n }
    is [ask $s EXISTS unit:[expr {$n + 1}]] 0
    return $n
}
proc kill_later {s ms} {
    exec sh -c "sleep [format %.3f [expr {$ms / 1000.0}]]; kill -KILL [of $s pid]" >/dev/null 2>/dev/null &
}
# Writes until so many units are promised, and then until the one that is to be killed is gone; what
# is promised by then.
proc write_until_gone {leader victim n promised more} {
    set pid [of $victim pid]
    set fd [connect $leader]
    set enough [expr {$promised + $more}]
    set end [expr {[clock milliseconds] + $::patience_ms}]
    while {$more && $promised < $enough} {
        if {[write_unit $fd [incr n]] eq {1 1}} { set promised $n }
        if {[clock milliseconds] > $end} { error "nothing is promised any more" }
    }
    kill_later $victim [below 400]
    # Not for ever: the one that is to be killed may be the one that it waits for.
    if {[below 4] == 0} { catch { ask $leader FAILOVER TIMEOUT 1000 } }
    catch {
        while {[alive $pid]} {
            if {[write_unit $fd [incr n]] eq {1 1}} { set promised $n }
        }
    }
    catch { close $fd }
    wait_for [list expr "!\[alive $pid\]"]
    return $promised
}
proc be_leader {s} { catch { ask $s FAILOVER ABORT }; is [ask $s REPLICAOF NO ONE] OK }

set kills [chance_count 10 4 200]
case "kills of either side, $kills (seed $seed)" {
    set leader [ours ""]
    set follower [ours ""]
    follow $follower $leader
    set promised 0
    array set seen {leader 0 follower 0 full 0 partial 0 promised 0}
    for {set i 0} {$i < $kills} {incr i} {
        # Linked or in the middle of a synchronisation.
        set more 0
        if {[below 3]} {
            wait_linked $follower
            set more [expr {1 + [below 40]}]
        }
        set n [units_of $leader]
        set side [one_of {leader follower}]
        set victim [set $side]
        incr seen($side)
        set promised [write_until_gone $leader $victim $n $promised $more]
        set survivor [expr {$side eq "leader" ? $follower : $leader}]
        set dir [of $victim dir]
        stop $victim
        # Its disk holds what was promised, whoever it was.
        set back [ours $dir]
        set have [units_of $back]
        if {$have < $promised} { error "unit $promised was promised, the $side's disk holds $have" }
        # One of both leads from here on; none that lacks what the other has promised.
        if {$side eq "leader" && [below 2]} {
            lassign [list $back $survivor] leader follower
        } else {
            lassign [list $survivor $back] leader follower
        }
        be_leader $leader
        if {[units_of $leader] < $promised} { error "the one that leads lacks unit $promised" }
        follow $follower $leader
        if {[below 3] == 0} {
            wait_same $follower $leader
            is [units_of $follower] [units_of $leader]
            incr seen(full) [info_of $leader sync_full]
            incr seen(partial) [info_of $leader sync_partial_ok]
        }
    }
    wait_same $follower $leader
    set seen(promised) $promised
    puts "figures: $kills kills: [array get seen]"
}

finish
