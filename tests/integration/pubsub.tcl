# SPDX-License-Identifier: BSD-3-Clause
# Publishing and subscribing, beside what tests/peer/script/pubsub.txt compares: limits, memory, what
# the log has of it, and what becomes of subscriptions when clients go.
source [file join [file dirname [info script]] lib.tcl]

proc listener {s args} {
    set fd [connect $s]
    foreach channel $args { is [request $fd SUBSCRIBE $channel] [list subscribe $channel [incr n]] }
    return $fd
}

case "INFO and CLIENT LIST say who listens; subscriptions go with their client" {
    set s [server]
    set fd [listener $s a b]
    is [request $fd PSUBSCRIBE a*] {psubscribe a* 3}
    is [request $fd SSUBSCRIBE x] {ssubscribe x 1}
    like [ask $s CLIENT LIST TYPE pubsub] "*flags=P * sub=2 psub=1 ssub=1 *"
    is [lmap f {pubsub_channels pubsub_patterns pubsubshard_channels} { info_of $s $f }] {2 1 1}
    close $fd
    wait_for { expr {[info_of $s pubsub_channels] == 0} }
    is [lmap f {pubsub_channels pubsub_patterns pubsubshard_channels} { info_of $s $f }] {0 0 0}
    is [ask $s PUBLISH a x] 0
    # killed, and RESET
    set fd [connect $s]
    set id [request $fd CLIENT ID]
    request $fd SUBSCRIBE a
    is [ask $s CLIENT KILL ID $id] 1
    wait_for { expr {[info_of $s pubsub_channels] == 0} }
    set fd [listener $s a]
    is [request $fd RESET] RESET
    is [info_of $s pubsub_channels] 0
    is [request $fd GET k] (nil)
}

case "a message goes to a thousand, in both protocols" {
    set s [server "maxclients 2000"]
    set fds {}
    for {set i 0} {$i < 1000} {incr i} {
        set fd [connect $s]
        if {$i % 2} { send $fd HELLO 3; read_reply $fd }
        send $fd SUBSCRIBE news
        lappend fds $fd
    }
    foreach fd $fds { is [read_reply $fd] {subscribe news 1} }
    is [ask $s PUBLISH news [string repeat x 10000]] 1000
    foreach fd $fds { is [read_reply $fd] [list message news [string repeat x 10000]] }
}

case "one client of fifty thousand channels: each costs little, and they go as fast" {
    set s [server]
    set before [info_of $s used_memory]
    set fd [connect $s]
    for {set from 0} {$from < 50000} {incr from 1000} {
        set names {}
        for {set i $from} {$i < $from + 1000} {incr i} { lappend names channel:$i }
        send $fd SUBSCRIBE {*}$names
        for {set i 0} {$i < 1000} {incr i} { read_reply $fd }
    }
    is [info_of $s pubsub_channels] 50000
    truth {[info_of $s used_memory] - $before < 50000 * 300}
    regexp {tot-mem=(\d+)} [ask $s CLIENT LIST TYPE pubsub] -> memory
    truth {$memory > 50000 * 100}
    is [ask $s PUBLISH channel:777 x] 1
    is [read_reply $fd] {message channel:777 x}
    send $fd UNSUBSCRIBE
    for {set i 0} {$i < 50000} {incr i} { set last [read_reply $fd] }
    is $last {unsubscribe channel:49999 0}
    is [info_of $s pubsub_channels] 0
}

case "who does not read is closed at its limit, and nobody else" {
    set s [server "client-output-buffer-limit pubsub 1mb 0 0"]
    set slow [listener $s c]
    set other [listener $s c]
    for {set i 0} {$i < 100} {incr i} {
        ask $s PUBLISH c [string repeat x 100000]
        read_reply $other
    }
    wait_for { expr {[info_of $s pubsub_channels] == 1 && [ask $s PUBSUB NUMSUB c] eq {c 1}} }
    truth {[info_of $s client_output_buffer_limit_disconnections] == 1}
    is [ask $s PUBLISH c end] 1
    is [read_reply $other] {message c end}
}

case "subscriptions count for maxmemory-clients" {
    set s [server "maxmemory-clients 5mb"]
    set fd [connect $s]
    set closed 0
    for {set i 0} {$i < 2000 && !$closed} {incr i} {
        set closed [catch { request $fd PSUBSCRIBE [string repeat x 10000]$i }]
    }
    truth {$closed && $i < 1500}
    is [ask $s PING] PONG
}

case "nothing of it is logged, but for what is published as a write is" {
    set dir [tmpdir]
    set s [server "appendonly yes\nappendfsync always" -dir $dir]
    ask $s SET k v
    set size [info_of $s aof_current_size]
    set fd [listener $s c]
    is [ask $s PUBLISH c x] 1
    is [ask $s SPUBLISH c x] 0
    is [info_of $s aof_current_size] $size
    is [info_of $s rdb_changes_since_last_save] 1
    # a message from a unit that writes comes when the write is durable
    ask $s MULTI
    ask $s SET k2 v
    ask $s PUBLISH c y
    is [ask $s EXEC] {OK 1}
    is [read_reply $fd] {message c x}
    is [read_reply $fd] {message c y}
    set s [restart $s kill "appendonly yes"]
    is [ask $s GET k2] v
}

case "notify-keyspace-events: kept by REWRITE, acting from the start, told by active expiry" {
    set dir [tmpdir]
    set s [server "notify-keyspace-events AKEn" -dir $dir]
    is [ask $s CONFIG GET notify-keyspace-events] {notify-keyspace-events AnKE}
    set fd [connect $s]
    request $fd PSUBSCRIBE __keyevent@*
    ask $s SET k v PX 30
    set heard {}
    for {set i 0} {$i < 4} {incr i} { lappend heard [lrange [read_reply $fd] 2 3] }
    is $heard {{__keyevent@0__:new k} {__keyevent@0__:set k} {__keyevent@0__:expire k} {__keyevent@0__:expired k}}
    is [ask $s CONFIG SET notify-keyspace-events KEgxmd] OK
    is [ask $s CONFIG GET notify-keyspace-events] {notify-keyspace-events gxdKEm}
    is [error_of $s CONFIG SET notify-keyspace-events KEq] "ERR CONFIG SET failed (possibly related to argument 'notify-keyspace-events') - Invalid event class character. Use 'Ag\$lshzxeKEtmdn'."
    is [ask $s CONFIG REWRITE] OK
    like [slurp [of $s conf]] "*notify-keyspace-events *gxdKEm*"
}

case "a long pattern counts as what it takes" {
    set s [server "maxmemory-clients 60mb"]
    set before [info_of $s used_memory]
    set fd [connect $s]
    request $fd HELLO 3
    send $fd PSUBSCRIBE [string repeat a 4000000]
    read_reply $fd
    set used [expr {[info_of $s used_memory] - $before}]
    regexp {tot-mem=(\d+) [^\n]*resp=3} [ask $s CLIENT LIST] -> counted
    truth {$counted > 0.8 * $used && $counted < 1.3 * $used}
    is [info_of $s evicted_clients] 0
}

# What replicas get is held with the writes: both change nothing here, and are sent on.
case "CLIENT PAUSE WRITE holds PUBLISH, SPUBLISH and PFCOUNT, and nothing else that only reads" {
    set s [server]
    ask $s PFADD hll a b
    set listens [listener $s news]
    is [ask $s CLIENT PAUSE 1000000 WRITE] OK
    set held {}
    foreach words {{PUBLISH news text} {SPUBLISH news text} {PFCOUNT hll}} {
        set fd [connect $s]
        send $fd {*}$words
        lappend held $fd
    }
    # Whatever came before these in a turn has been answered behind the second.
    is [ask $s PING] PONG
    is [ask $s EXISTS hll] 1
    foreach fd [concat $held $listens] {
        fconfigure $fd -blocking 0
        is [read $fd] ""
        fconfigure $fd -blocking 1
    }
    is [ask $s CLIENT UNPAUSE] OK
    is [lmap fd $held { read_reply $fd }] {1 0 2}
    is [read_reply $listens] {message news text}
}

finish
