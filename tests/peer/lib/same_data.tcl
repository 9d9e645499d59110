# SPDX-License-Identifier: BSD-3-Clause
# What both servers of a pair hold under the keys of the grammar: the same. Needs pair.tcl.

# Lists and sets of few have an encoding of their own since 7.2.
proc same_encoding {type key} {
    lassign [lmap fd [pair_fds main] { request $fd OBJECT ENCODING $key }] mine theirs
    if {$mine eq $theirs || [list $type $mine $theirs] in
        {{list listpack quicklist} {set listpack hashtable}}} { return "" }
    return "$key, a $type: ours is $mine, the peer's $theirs"
}

# All keys of both: type, value, expiry; 1: and encoding, which a restored value has of its size,
# as a stream has nodes, not of its past.
proc same_data {{encodings 1}} {
    set differ {}
    set told $::stream_times
    if {!$encodings} { lappend ::stream_times radix-tree-keys }
    set reads {string {exact GET K} list {exact LRANGE K 0 -1} set {sorted SMEMBERS K}
        hash {pairs HGETALL K} zset {exact ZRANGE K 0 -1 WITHSCORES}
        stream {stream XINFO STREAM K FULL COUNT 0}}
    foreach db {0 1} {
        compare exact [list SELECT $db]
        lappend differ [compare sorted {KEYS *}]
        foreach key {k0 k1 k2 k3 k4 k5 k6 k7 k8 k9 k10 k11 q0 q1 l0 l1 s0 s1 h0 h1 z0 z1
            x0 x1 p0 p1 g0 g1} {
            lappend differ [compare exact [list TYPE $key]] [compare exact [list PTTL $key]]
            set type [lindex [lmap fd [pair_fds main] { request $fd TYPE $key }] 0]
            if {[dict exists $reads $type]} {
                if {$encodings} { lappend differ [same_encoding $type $key] }
                set words [lassign [string map [list K $key] [dict get $reads $type]] mode]
                lappend differ [compare $mode $words]
            }
        }
    }
    compare exact {SELECT 0}
    set ::stream_times $told
    return [lsearch -all -inline -not -exact $differ {}]
}
