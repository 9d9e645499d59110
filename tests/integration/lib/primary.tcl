# SPDX-License-Identifier: BSD-3-Clause
# Primaries for a replica of ours: the installed redis-server, and one of a few lines that says what
# a test wants. Needs ../lib.tcl, holdfast.tcl, rdb_bytes.tcl.

set peer_binary [lindex [auto_execok redis-server] 0]
if {$peer_binary eq ""} { error "redis-server is not installed: make test-deps" }

proc peer {{config ""} args} {
    return [server "save \"\"\nenable-debug-command yes\nrepl-diskless-sync-delay 0\n$config" \
                {*}$args -binary $::peer_binary]
}
# Of ours, as either.
proc ours {{config ""} args} {
    return [server "save \"\"\nenable-debug-command yes\nrepl-diskless-sync-delay 0\n$config" \
                {*}$args]
}
proc replica_of {primary {config ""} args} {
    return [server "save \"\"\nenable-debug-command yes\nreplicaof 127.0.0.1 [of $primary port]\n$config" \
                {*}$args]
}
proc follow {replica primary} {
    is [ask $replica REPLICAOF 127.0.0.1 [of $primary port]] OK
}
proc linked {replica} { return [expr {[info_of $replica master_link_status] eq "up"}] }
proc wait_linked {replica} { wait_for { linked $replica } }
# The replica has all that the primary has said so far, and both hold the same.
proc wait_same {replica primary} {
    wait_linked $replica
    set offset [info_of $primary master_repl_offset]
    set end [expr {[clock milliseconds] + $::patience_ms}]
    while {[info_of $replica slave_repl_offset] < $offset} {
        if {[clock milliseconds] > $end} { error "the replica does not catch up" }
        after 10
    }
    tool 0 diff 127.0.0.1:[of $primary port] 127.0.0.1:[of $replica port]
}
# So many replicas have all they were copied.
proc online {p n} {
    wait_for { expr {[regexp -all {state=online} [ask $p INFO replication]] == $n} }
}
proc syncs_of {primary} {
    return [lmap field {sync_full sync_partial_ok sync_partial_err} { info_of $primary $field }]
}
proc logged {handle pattern} { string match $pattern [log_of $handle] }

# ---- a primary of a few lines: what it hears and says is the test's ----
# A listener; each connection waits in ::fake_accepted until fake_accept takes it.
proc fake_primary {} {
    set ::fake_accepted {}
    set port [free_port]
    set ::fake_listener [socket -server {apply {{fd args} { lappend ::fake_accepted $fd }}} \
        -myaddr 127.0.0.1 $port]
    return $port
}
proc fake_close {} {
    close $::fake_listener
    foreach fd $::fake_accepted { catch { close $fd } }
}
proc fake_accept {} {
    set timer [after $::patience_ms { lappend ::fake_accepted {} }]
    while {![llength $::fake_accepted]} { vwait ::fake_accepted }
    after cancel $timer
    set ::fake_accepted [lassign $::fake_accepted fd]
    if {$fd eq ""} { error "nobody connects" }
    fconfigure $fd -translation binary -buffering none -blocking 1
    return $fd
}
proc fake_say {fd text} { catch { puts -nonewline $fd $text } }
# The next request: its words.
proc fake_heard {fd} {
    set line [read_line $fd]
    if {[string index $line 0] ne "*"} { error "not a request: $line" }
    set words {}
    for {set i 0} {$i < [string range $line 1 end]} {incr i} {
        set n [string range [read_line $fd] 1 end]
        lappend words [read $fd $n]
        read $fd 2
    }
    return $words
}
# Up to PSYNC, whose words it gives.
proc fake_greet {fd} {
    while 1 {
        set words [fake_heard $fd]
        switch [string tolower [lindex $words 0]] {
            ping { fake_say $fd "+PONG\r\n" }
            psync { return $words }
            default { fake_say $fd "+OK\r\n" }
        }
    }
}
# It was closed by the other side, which may have said more before.
proc fake_wait_closed {fd} {
    while {![eof $fd]} { if {[catch { read $fd 1 }]} break }
    close $fd
}
# Whose primary is that one.
proc fake_replica {port {config ""} args} {
    return [server "save \"\"\nreplicaof 127.0.0.1 $port\nrepl-timeout 5\n$config" {*}$args]
}
# What a server of ours with these keys would send.
proc dump_bytes {keys} {
    set s [server "save \"\"\nrdb-target-version 10"]
    foreach key $keys { ask $s SET $key value-of-$key }
    set bytes [slurp [saved $s]]
    stop $s
    return $bytes
}
proc fake_full {fd bytes {marked 0} {id ""} {mark_sent ""}} {
    if {$id eq ""} { set id $::fake_id }
    if {$mark_sent eq ""} { set mark_sent $::fake_mark }
    fake_say $fd "+FULLRESYNC $id 100\r\n"
    if {$marked} {
        fake_say $fd "\$EOF:$::fake_mark\r\n$bytes$mark_sent"
    } else {
        fake_say $fd "\$[string length $bytes]\r\n$bytes"
    }
}
set fake_id [string repeat 0123456789 4]
set fake_mark [string repeat 9876543210 4]
# So many writes of each of two kinds.
proc write_some {p n} {
    for {set i 0} {$i < $n} {incr i} {
        ask $p SET k:$i $i
        ask $p RPUSH l:[expr {$i % 7}] $i
    }
}
