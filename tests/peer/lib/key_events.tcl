# SPDX-License-Identifier: BSD-3-Clause
# The key events of a pair, in their order. Both want notify-keyspace-events KEAmn, and a connection
# named listener that is subscribed to everything (key_events_listen). Needs pair.tcl.

proc key_events_listen {} {
    pair_send listener {PSUBSCRIBE *}
    foreach fd [pair_fds listener] { tree $fd }
}
# What each server told since the last call: {events misses} twice, ours and the peer's. Misses are
# sorted: SORT's patterns are looked up in the order of a set.
proc key_events {} {
    both {PUBLISH "keys end" ""}
    return [lmap fd [pair_fds listener] { events_of $fd }]
}
proc events_of {fd} {
    set events {}
    set misses {}
    while 1 {
        lassign [lmap leaf [lindex [tree $fd] 1] {
            lindex [split [lindex $leaf 0] \r\n] 2
        }] - - channel message
        if {$channel eq "keys end"} { return [list $events [lsort $misses]] }
        if {"keymiss" eq $message || [string match "*:keymiss" $channel]} {
            lappend misses "$channel $message"
        } else {
            lappend events "$channel $message"
        }
    }
}
