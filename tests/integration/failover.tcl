# SPDX-License-Identifier: BSD-3-Clause
# FAILOVER: a primary hands over to a replica. Whom it takes, what it waits for, what becomes of
# those who write meanwhile, and what becomes of it when the other side refuses, is silent, lacks
# something or dies. Ours and the installed redis-server in both parts.
source [file join [file dirname [info script]] lib.tcl]
source [file join [file dirname [info script]] lib holdfast.tcl]
source [file join [file dirname [info script]] lib dataset.tcl]
source [file join [file dirname [info script]] lib primary.tcl]

proc state_of {s} { return [info_of $s master_failover_state] }
proc role_of {s} { return [info_of $s role] }
proc over {s} { wait_for { expr {[state_of $s] eq "no-failover"} } }
proc fails {s error args} { is [error_of $s {*}$args] $error }

# ---- words ----

foreach kind {ours peer} {
    case "what FAILOVER refuses: $kind" {
        set p [$kind]
        fails $p "ERR FAILOVER requires connected replicas." FAILOVER
        fails $p "ERR FAILOVER requires connected replicas." FAILOVER FORCE
        fails $p "ERR FAILOVER requires connected replicas." FAILOVER TO 127.0.0.1 70000
        fails $p "ERR No failover in progress." FAILOVER ABORT
        foreach words {TO {TO h} {ABORT TIMEOUT 100} {TIMEOUT 100 ABORT} FOO {TO a 1 TO b 2}
                       {TIMEOUT 10 TIMEOUT 10} TIMEOUT {TO h 1 FORCE FORCE}} {
            fails $p "ERR syntax error" FAILOVER {*}$words
        }
        foreach words {{TIMEOUT -1} {TIMEOUT 0}} {
            fails $p "ERR FAILOVER timeout must be greater than 0" FAILOVER {*}$words
        }
        foreach words {{TIMEOUT x} {TO h x} {TO h 1.5}} {
            fails $p "ERR value is not an integer or out of range" FAILOVER {*}$words
        }
        set r [$kind "replicaof 127.0.0.1 [of $p port]"]
        wait_linked $r
        online $p 1
        fails $r "ERR FAILOVER is not valid when server is a replica." FAILOVER
        fails $p "ERR FAILOVER target HOST and PORT is not a replica." FAILOVER TO 127.0.0.1 1
        fails $p "ERR FAILOVER target HOST and PORT is not a replica." FAILOVER TO h [of $r port]
        set error "ERR FAILOVER with force option requires both a timeout and target HOST and IP."
        fails $p $error FAILOVER TO 127.0.0.1 [of $r port] FORCE
        fails $p $error FAILOVER TIMEOUT 10 FORCE
        is [state_of $p] no-failover
        signal STOP [of $r pid]
        ask $p SET a b
        is [ask $p FAILOVER] OK
        is [state_of $p] waiting-for-sync
        fails $p "ERR FAILOVER already in progress." FAILOVER
        fails $p "ERR REPLICAOF not allowed while failing over." REPLICAOF 127.0.0.1 1
        fails $p "ERR REPLICAOF not allowed while failing over." REPLICAOF NO ONE
        is [ask $p FAILOVER ABORT] OK
        is [state_of $p] no-failover
        is [ask $p SET a c] OK
        signal CONT [of $r pid]
    }
}

# ---- to the end ----

foreach {from to} {ours ours ours peer peer ours} {
    case "$from hands over to $to, and nothing is lost or copied anew" {
        set p [$from]
        fill $p
        set r [$to "replicaof 127.0.0.1 [of $p port]"]
        set other [ours "replicaof 127.0.0.1 [of $p port]"]
        wait_same $r $p
        wait_same $other $p
        online $p 2
        set fd [connect $p]
        # One waits for a key, one writes all the time, and stops at the first refusal.
        set waiter [connect $p]
        send $waiter BLPOP nothing 0
        wait_for { expr {[info_of $p blocked_clients] == 1} }
        for {set i 0} {$i < 500} {incr i} { send $fd INCR counter }
        for {set i 1} {$i <= 100} {incr i} { is [read_reply $fd] $i }
        ask $p FAILOVER TO 127.0.0.1 [of $r port]
        for {set i 0} {$i < 500} {incr i} { send $fd INCR counter }
        set counted 100
        for {set i 100} {$i < 1000} {incr i} {
            set reply [read_reply $fd 0]
            if {[string is integer -strict $reply]} { set counted $reply }
        }
        over $p
        wait_for { expr {[role_of $r] eq "master"} }
        is [role_of $p] slave
        is [ask $r GET counter] $counted
        like $reply "-READONLY *"
        like [read_reply $waiter 0] "-UNBLOCKED *"
        wait_same $p $r
        ask $other REPLICAOF 127.0.0.1 [of $r port]
        wait_same $other $r
        write_some $r 30
        wait_same $p $r
        wait_same $other $r
        is [info_of $r sync_full] 0
        truth {[info_of $r sync_partial_ok] >= 1}
        is [ask $p CONFIG GET replicaof] [list replicaof "127.0.0.1 [of $r port]"]
        # And back.
        online $r 2
        is [ask $r FAILOVER TO 127.0.0.1 [of $p port]] OK
        over $r
        wait_for { expr {[role_of $p] eq "master"} }
        write_some $p 30
        wait_same $r $p
        is [info_of $p sync_full] 2
    }
}

case "any replica will do, and the one that hangs does not" {
    set p [ours]
    set a [ours "replicaof 127.0.0.1 [of $p port]"]
    set b [ours "replicaof 127.0.0.1 [of $p port]"]
    wait_same $a $p
    wait_same $b $p
    online $p 2
    signal STOP [of $a pid]
    write_some $p 10
    is [ask $p FAILOVER TIMEOUT 100000] OK
    over $p
    wait_for { expr {[role_of $b] eq "master"} }
    is [role_of $p] slave
    is [info_of $p master_port] [of $b port]
    signal CONT [of $a pid]
}

# ---- what it waits for ----

case "a replica that never has it all: in time, by force" {
    set p [ours]
    set r [ours "replicaof 127.0.0.1 [of $p port]"]
    wait_same $r $p
    online $p 1
    signal STOP [of $r pid]
    ask $p SET a 1
    is [ask $p FAILOVER TO 127.0.0.1 [of $r port] TIMEOUT 50] OK
    set fd [connect $p]
    send $fd SET a 2
    is [read_reply $fd] OK
    is [state_of $p] no-failover
    is [role_of $p] master
    truth {[logged $p "*aborted: Replica never caught up before timeout*"]}
    is [ask $p FAILOVER TO 127.0.0.1 [of $r port] TIMEOUT 50 FORCE] OK
    wait_for { expr {[state_of $p] eq "failover-in-progress"} }
    is [role_of $p] slave
    send $fd SET a 3
    signal CONT [of $r pid]
    over $p
    like [read_reply $fd 0] "-READONLY *"
    wait_for { expr {[role_of $r] eq "master"} }
    wait_same $p $r
}

case "it goes on with a pause of somebody else's, and not without it" {
    set p [ours]
    set r [ours "replicaof 127.0.0.1 [of $p port]"]
    wait_same $r $p
    online $p 1
    set fd [connect $p]
    ask $p CLIENT PAUSE 100000 WRITE
    send $fd SET a 1
    is [ask $p FAILOVER] OK
    over $p
    is [role_of $p] slave
    is [ask $p CLIENT UNPAUSE] OK
    like [read_reply $fd 0] "-READONLY *"
}

case "a key whose time is over meanwhile goes where it is led" {
    set p [ours]
    set r [ours "replicaof 127.0.0.1 [of $p port]"]
    wait_same $r $p
    online $p 1
    signal STOP [of $r pid]
    ask $p SET a 1 PX 100
    ask $p FAILOVER
    wait_for { expr {[ask $p EXISTS a] == 0} }
    is [info_of $p expired_keys] 0
    signal CONT [of $r pid]
    over $p
    wait_for { expr {[info_of $r expired_keys] == 1} }
    wait_same $p $r
    is [ask $p DBSIZE] 0
}

case "a shutdown while it waits" {
    set p [ours "appendonly yes"]
    set r [ours "replicaof 127.0.0.1 [of $p port]"]
    wait_same $r $p
    online $p 1
    write_some $p 10
    signal STOP [of $r pid]
    ask $p INCR counter
    ask $p FAILOVER
    set fd [connect $p]
    send $fd INCR counter
    catch { ask $p SHUTDOWN NOW }
    wait_for { expr {![alive [of $p pid]]} }
    signal CONT [of $r pid]
    set again [ours "appendonly yes" -dir [of $p dir]]
    is [ask $again GET counter] 1
}

# ---- a replica of a few lines ----

# It follows p, says that it listens to port, and acknowledges all there is. Its connection.
proc fake_replica {p port} {
    set fd [connect $p]
    is [request $fd REPLCONF listening-port $port] OK
    is [request $fd REPLCONF capa eof capa psync2] OK
    send $fd PSYNC ? -1
    while {[set line [read_line $fd]] eq ""} {}
    like $line "+FULLRESYNC *"
    while {[set line [read_line $fd]] eq ""} {}
    if {[scan $line {$EOF:%s} mark] == 1} {
        set tail ""
        while {![string match "*$mark" $tail]} {
            set tail [string range $tail[read $fd 1] end-39 end]
        }
    } else {
        scan $line {$%d} len
        read $fd $len
    }
    send $fd REPLCONF ACK [info_of $p master_repl_offset]
    online $p 1
    return $fd
}
# The primary hands over to it, which listens to port.
proc hand_over {p port} {
    set fd [fake_replica $p $port]
    is [ask $p FAILOVER TO 127.0.0.1 $port] OK
    while {[string match "waiting*" [state_of $p]]} {
        send $fd REPLCONF ACK [info_of $p master_repl_offset]
        after 10
    }
    is [role_of $p] slave
}
# The same; the connection to port, and what PSYNC said there behind the offset.
proc handed_over {p port} {
    hand_over $p $port
    return [asked_to_lead $p]
}
proc asked_to_lead {p} {
    set link [fake_accept]
    set words [fake_greet $link]
    is [lindex $words 1] [info_of $p master_replid]
    is [lindex $words 2] [expr {[info_of $p master_repl_offset] + 1}]
    return [list $link [lindex $words 3]]
}
proc refuses_writes {p} {
    like [error_of $p SET other value] "READONLY *"
}
# It leads, as if nothing had been.
proc leads_on {p key} {
    over $p
    is [role_of $p] master
    is [ask $p SET other value] OK
    is [ask $p GET $key] kept
    is [lindex [ask $p CONFIG GET replicaof] 1] ""
}

foreach {what answer why} {
    "refuses"            "-ERR no\r\n"          "-ERR no"
    "leads already"      "-ERR PSYNC FAILOVER can't be sent to a master.\r\n"  "leads already"
    "cannot now"         "-NOMASTERLINK no\r\n" "NOMASTERLINK"
    "makes no sense"     ":17\r\n"              ":17"
    "lacks what is here" "+FULLRESYNC 0123456789012345678901234567890123456789 7\r\n" "Two lead now"
} {
    case "the other one $what: this one leads on" {
        set p [ours]
        set port [fake_primary]
        ask $p SET key kept
        lassign [handed_over $p $port] link word
        is $word FAILOVER
        set fd [connect $p]
        send $fd SET other value
        is [state_of $p] failover-in-progress
        fails $p "ERR FAILOVER already in progress." FAILOVER
        fake_say $link $answer
        leads_on $p key
        truth {[logged $p "*aborted: *$why*"]}
        fake_wait_closed $link
        fake_close
    }
}

case "a password that is not known here: this one leads on" {
    set p [ours]
    set port [fake_primary]
    ask $p SET key kept
    hand_over $p $port
    set link [fake_accept]
    fake_heard $link
    fake_say $link "-ERR you are not wanted\r\n"
    leads_on $p key
    fake_close
}

case "one that says nothing: asked as long as nobody says otherwise" {
    set p [ours]
    set port [fake_primary]
    ask $p SET key kept
    lassign [handed_over $p $port] link
    refuses_writes $p
    is [ask $p FAILOVER ABORT] OK
    leads_on $p key
    fake_wait_closed $link
    fake_close
}

case "an answer that is lost: it leads already, and is followed" {
    set p [ours]
    set port [fake_primary]
    lassign [handed_over $p $port] link
    close $link
    lassign [asked_to_lead $p] link word
    is $word FAILOVER
    fake_say $link "-ERR PSYNC FAILOVER can't be sent to a master.\r\n"
    lassign [asked_to_lead $p] link word
    is $word ""
    fake_say $link "-LOADING not yet\r\n"
    lassign [asked_to_lead $p] link word
    is $word ""
    is [state_of $p] failover-in-progress
    fake_say $link "+CONTINUE $fake_id\r\n"
    over $p
    is [role_of $p] slave
    refuses_writes $p
    wait_for { expr {[info_of $p master_replid] eq $fake_id} }
    close $link
    fake_close
}

case "a connection that breaks before it is asked: nothing is believed" {
    set p [ours]
    set port [fake_primary]
    ask $p SET key kept
    hand_over $p $port
    set link [fake_accept]
    fake_heard $link
    close $link
    lassign [asked_to_lead $p] link word
    is $word FAILOVER
    fake_say $link "-ERR PSYNC FAILOVER can't be sent to a master.\r\n"
    leads_on $p key
    fake_close
}

case "the other one dies in the middle: this one asks on, and leads when it is told" {
    set p [ours]
    set r [ours "replicaof 127.0.0.1 [of $p port]"]
    wait_same $r $p
    online $p 1
    signal STOP [of $r pid]
    ask $p SET key kept
    is [ask $p FAILOVER TO 127.0.0.1 [of $r port] TIMEOUT 20 FORCE] OK
    wait_for { expr {[state_of $p] eq "failover-in-progress"} }
    stop $r
    refuses_writes $p
    wait_for { logged $p "*Error condition on socket for SYNC*" }
    is [state_of $p] failover-in-progress
    is [ask $p FAILOVER ABORT] OK
    leads_on $p key
}

finish
