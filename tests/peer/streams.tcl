# SPDX-License-Identifier: BSD-3-Clause
# Random stream commands to our server and to the installed redis-server: the same replies, and the
# same streams, groups and pending entries; which then survive all that a server does with them, and
# DUMP and RESTORE both ways. SEED repeats a run; COUNT is how many (LONG: 100000); TRACE=1 prints
# them.
#
# Not compared, since 7.2 does it otherwise than 7.0: consumers that XCLAIM and XAUTOCLAIM make
# though nothing is claimed (here each group has all its consumers), when a consumer was seen, and
# the number of nodes of the tree.
source [file join [file dirname [info script]] ../integration/lib.tcl]
source [file join [file dirname [info script]] lib/pair.tcl]
source [file join [file dirname [info script]] ../integration/lib/chance.tcl]
source [file join [file dirname [info script]] ../integration/lib/survives.tcl]

set count [chance_count 6000 2000 100000]


set keys {s0 s1 s2}
set groups {g h ""}
set consumers {c0 c1 "c 2"}

# An id: mostly one that is likely to be there.
proc an_id {} {
    switch [below 12] {
        0 { return [one_of {0 - + 0-0 18446744073709551615-18446744073709551615 x 5- (3}] }
        1 { return [expr {$::now + [below 30]}]-[below 3] }
        default { return [expr {[below [expr {$::now + 1}]]}]-[below 3] }
    }
}
proc plain_id {} { return [expr {[below [expr {$::now + 1}]]}]-[below 3] }
proc an_end {} { return [one_of [list - + [an_id] ([plain_id] [plain_id] [below 50]]] }
proc some {script n} {
    set all {}
    for {set i [expr {1 + [below $n]}]} {$i > 0} {incr i -1} { lappend all [uplevel 1 $script] }
    return $all
}
proc a_text {} {
    switch [below 6] {
        0 { return [expr {[below 2000000] - 1000000}] }
        1 { return [one_of {"" 0 -1 127 128 4095 -4097 00 +1 9223372036854775807 -9223372036854775808}] }
        2 { return [string repeat x [below 300]] }
        default { return v[below 100] }
    }
}
proc a_trim {} {
    switch [below 8] {
        0 { return [list MAXLEN [below 40]] }
        1 { return [list MAXLEN = [below 40]] }
        2 { return [list MAXLEN ~ [below 40]] }
        3 { return [list MAXLEN ~ [below 40] LIMIT [below 30]] }
        4 { return [list MINID [an_id]] }
        5 { return [list MINID ~ [plain_id]] }
        6 { return [list MINID ~ [plain_id] LIMIT [below 30]] }
        7 { return [list MAXLEN [one_of {~ =}] [one_of {-1 x 5}] LIMIT [one_of {-1 0 1}]] }
    }
}
proc an_add {} {
    set id [expr {[below 3] ? "[incr ::now [below 3]]-*" : [an_id]}]
    if {[string match 1844* $id]} { set id 0 } ;# the end of a stream: script/streams.txt
    set names [one_of {{a} {a b} {a b} {a b c} {b a} {1 2}}]
    set pairs {}
    foreach name $names { lappend pairs $name [a_text] }
    set words [list XADD [one_of $::keys]]
    if {[below 20] == 0} { lappend words NOMKSTREAM }
    if {[below 15] == 0} { lappend words {*}[a_trim] }
    return [concat $words [list $id] $pairs]
}

proc a_command {} {
    set key [one_of $::keys]
    set group [expr {[below 20] ? [one_of $::groups] : "none"}]
    set who [one_of $::consumers]
    switch [below 40] {
        0 { return [list XTRIM $key {*}[a_trim]] }
        1 - 2 - 3 { return [list XDEL $key {*}[some an_id 4]] }
        4 { return [list XRANGE $key [an_end] [an_end]] }
        5 { return [list XREVRANGE $key [an_end] [an_end] COUNT [below 8]] }
        6 { return [list XRANGE $key [an_end] [an_end] COUNT [below 8]] }
        7 { return [list XREAD COUNT [below 6] STREAMS $key [one_of $::keys] [an_id] [an_id]] }
        8 { return [list XLEN $key] }
        9 - 10 - 11 - 12 - 13 - 14 {
            return [list XREADGROUP GROUP $group $who COUNT [expr {1 + [below 5]}] \
                        {*}[expr {[below 8] ? {} : {NOACK}}] STREAMS $key >]
        }
        15 { return [list XREADGROUP GROUP $group $who STREAMS $key $key > [an_id]] }
        16 { return [list XREADGROUP GROUP $group $who COUNT [below 5] STREAMS $key [an_id]] }
        17 - 18 - 19 { return [list XACK $key $group {*}[some an_id 6]] }
        20 { return [list XPENDING $key $group] }
        21 { return [list XPENDING $key $group [an_end] [an_end] [below 20]] }
        22 { return [list XPENDING $key $group IDLE [below 300] - + [below 20] $who] }
        23 - 24 - 25 {
            set words [list XCLAIM $key $group $who [below 200] {*}[some plain_id 6]]
            if {[below 3] == 0} { lappend words FORCE }
            if {[below 3] == 0} { lappend words JUSTID }
            if {[below 5] == 0} { lappend words IDLE [below 1000] }
            if {[below 5] == 0} { lappend words RETRYCOUNT [below 10] }
            if {[below 9] == 0} { lappend words LASTID [plain_id] }
            return $words
        }
        26 - 27 {
            return [concat [list XAUTOCLAIM $key $group $who [below 200] [an_end] COUNT \
                                [expr {1 + [below 6]}]] [one_of {{} JUSTID}]]
        }
        28 { return [list XGROUP SETID $key $group [one_of [list $ 0 [plain_id]]] \
                         {*}[one_of {{} {} {ENTRIESREAD 5} {ENTRIESREAD -1} {ENTRIESREAD 0}}]] }
        29 {
            set at [incr ::now 31]-0 ;# above all: what else is refused since 7.2 7.0 takes
            return [list XSETID $key $at {*}[one_of [list {} [list ENTRIESADDED [below 200]] \
                [list ENTRIESADDED 500 MAXDELETEDID [plain_id]]]]]
        }
        30 { return [list XINFO GROUPS $key] }
        31 { return [list XLEN $key] }
        32 { if {[below 6] == 0} { return [list XGROUP DESTROY $key $group] } }
        33 { if {[below 12] == 0} { return [list DEL $key] } }
        34 { if {[below 8] == 0} { return [list COPY $key [one_of $::keys] REPLACE] } }
        35 { if {[below 8] == 0} { return [list XTRIM $key MAXLEN 0] } }
        36 { return [list TYPE $key] }
    }
    return [an_add]
}

# Groups come with all their consumers.
proc make_groups {} {
    foreach key $::keys {
        foreach group $::groups {
            compare exact [list XGROUP CREATE $key $group [one_of {0 $}] MKSTREAM]
            foreach who $::consumers {
                compare exact [list XGROUP CREATECONSUMER $key $group $who]
            }
        }
    }
}

# All that is in the streams of a server, as a list: what is not compared left out.
set not_told radix-tree-nodes
proc streams_of {fd} {
    set all {}
    foreach key $::keys {
        if {![request $fd EXISTS $key]} { lappend all none; continue }
        set info [request $fd XINFO STREAM $key]
        foreach {name value} $info {
            if {$name ni $::not_told} { lappend all $name $value }
        }
        lappend all [request $fd XRANGE $key - +]
        set groups [request $fd XINFO GROUPS $key]
        lappend all $groups
        foreach group $groups {
            set name [dict get $group name]
            lappend all [request $fd XPENDING $key $name - + 100000]
            foreach who [request $fd XINFO CONSUMERS $key $name] {
                set owner [dict get $who name]
                lappend all [list $owner [dict get $who pending]]
                lappend all [request $fd XPENDING $key $name - + 100000 $owner]
            }
        }
    }
    return $all
}

proc first_difference {got want} {
    if {$got eq $want} { return "" }
    foreach a $got b $want {
        if {$a ne $b} { return "ours [printable $a]\n        peer [printable $b]" }
    }
}

proc same_streams {} {
    lassign [pair_fds main] a b
    return [first_difference [streams_of $a] [streams_of $b]]
}

proc run_some {n} {
    set differ {}
    for {set i 0} {$i < $n} {incr i} {
        set words [a_command]
        if {[info exists ::env(TRACE)]} { puts [printable $words]; flush stdout }
        set text [compare exact $words]
        if {$text ne ""} { lappend differ $text }
        if {[llength $differ] > 3} break
        if {[below 10] == 0} { pair_later [below 100] }
    }
    return $differ
}

# Both with the same small nodes, so that what trims approximately finds the same ones.
proc start_pair {config} {
    set ::now 1
    set ::pair_setup {}
    pair_start $config
    make_groups
}

puts "seed $seed"
set rounds {
    "usual nodes" ""
    "nodes of 4 entries" "stream-node-max-entries 4"
    "nodes of few bytes" "stream-node-max-bytes 200"
}
foreach {name config} $rounds {
    case "random stream commands, $name (SEED=$seed)" {
        start_pair "$config\nnotify-keyspace-events \"\""
        for {set done 0} {$done < $count / 3} {incr done 100} {
            set differ [run_some 100]
            set text [same_streams]
            if {$text ne ""} { lappend differ $text }
            if {[llength $differ]} {
                error "after $done:\n    [join [lrange $differ 0 3] "\n    "]" " "
            }
            if {$done % 500 == 0} make_groups
        }
    }
}

# A payload of either is the other's, and the very bytes where no group tells when it was seen.
case "DUMP and RESTORE, both ways (SEED=$seed)" {
    start_pair "stream-node-max-entries 5"
    lassign [pair_fds main] a b
    for {set round 0} {$round < 6} {incr round} {
        run_some 300
        lassign $keys key
        foreach {from to} [list $a $b $b $a] {
            set bytes [request $from DUMP $key]
            if {$bytes ne "(nil)" && [request $from EXISTS $key]} {
                is [request $to RESTORE copy 0 $bytes REPLACE] OK
                set here $keys
                set keys [list $key]
                set want [streams_of $from]
                set keys copy
                set got [streams_of $to]
                set keys $here
                is [first_difference $got $want] ""
            }
        }
        foreach group $groups { foreach k $keys { compare exact [list XGROUP DESTROY $k $group] } }
        foreach k $keys { is [compare exact [list DUMP $k]] "" }
        make_groups
    }
}

case "streams survive (SEED=$seed)" {
    start_pair "appendonly yes\nstream-node-max-entries 6"
    foreach n {1000 200 200} {
        run_some $n
        survives $ours
    }
}

# ---- waiting ----

# A connection whose command waits; what it hears is read later.
proc waiting {s args} {
    set fd [connect $s]
    set before [info_of $s blocked_clients]
    send $fd {*}$args
    wait_for { expr {[info_of $::s blocked_clients] == $before + 1} }
    return $fd
}

# 7.2 runs a command that waited again from its words; 7.0 had replies of its own for these ends.
case "XREAD and XREADGROUP wait" {
    set s [server "save \"\""]
    set main [connect $s]
    # served before the next command of whoever wrote, in the order in which they came
    set a [waiting $s XREAD BLOCK 0 STREAMS none s $ $]
    set b [waiting $s XREAD COUNT 1 BLOCK 0 STREAMS s 5-0]
    set c [waiting $s XREAD BLOCK 0 STREAMS s 0]
    puts -nonewline $main "[encode {XADD s 1-0 a 1}][encode {DEL s}][encode {XLEN s}]"
    flush $main
    is [lmap i {1 2 3} { read_reply $main }] {1-0 1 0}
    is [read_reply $a] {{s {{1-0 {a 1}}}}}
    is [read_reply $c] {{s {{1-0 {a 1}}}}}
    # neither another type nor the key's end concerns them
    ask $s SET s x
    ask $s DEL s
    ask $s XADD s 5-0 a 1
    ask $s XADD s 6-0 a 1
    is [read_reply $b] {{s {{6-0 {a 1}}}}}
    # "$" is what was there when it began to wait
    set a [waiting $s XREAD BLOCK 0 STREAMS s $]
    ask $s XDEL s 6-0
    ask $s XGROUP CREATE s g $
    ask $s XTRIM s MAXLEN 0
    ask $s MULTI
    ask $s XADD s 7-0 a 1
    ask $s XADD s 8-0 a 1
    ask $s EXEC
    is [read_reply $a] {{s {{7-0 {a 1}} {8-0 {a 1}}}}}
    is [ask $s XREAD BLOCK 20 STREAMS s $] (nil)
    # a group gives an entry to one of those who wait
    is [llength [ask $s XREADGROUP GROUP g x STREAMS s >]] 1
    set a [waiting $s XREADGROUP GROUP g one BLOCK 0 STREAMS s >]
    set b [waiting $s XREADGROUP GROUP g two BLOCK 0 STREAMS s >]
    is [llength [ask $s XINFO CONSUMERS s g]] 3
    is [dict get [lindex [ask $s XINFO CONSUMERS s g] 0] inactive] -1
    ask $s XADD s 9-0 a 1
    is [read_reply $a] {{s {{9-0 {a 1}}}}}
    is [info_of $s blocked_clients] 1
    ask $s XADD s 10-0 a 1
    is [read_reply $b] {{s {{10-0 {a 1}}}}}
    is [lmap row [ask $s XPENDING s g - + 10] { lindex $row 1 }] {x x one two}
    is [ask $s XREADGROUP GROUP g one BLOCK 20 STREAMS s >] (nil)
    foreach fd [list $main $a $b $c] { close $fd }
    stop $s kill
}

case "whoever waits in a group hears of its end" {
    set s [server "save \"\"\nappendonly yes"]
    foreach {end error} {
        {DEL s} "NOGROUP No such key*"
        {SET s x} "WRONGTYPE*"
        {XGROUP DESTROY s g} "NOGROUP No such key 's' or consumer group 'g' in XREADGROUP*"
        {RENAME s other} "NOGROUP*"
        FLUSHALL "NOGROUP*"
        {SWAPDB 0 1} "NOGROUP*"
    } {
        ask $s FLUSHALL
        ask $s XGROUP CREATE s g $ MKSTREAM
        set a [waiting $s XREADGROUP GROUP g c BLOCK 0 STREAMS s >]
        ask $s {*}$end
        like [lindex [list [catch { read_reply $a } text] $text] 1] $error
        close $a
        ask $s DEL s
    }
    # who began to wait became a consumer, and stays one
    ask $s XGROUP CREATE s g $ MKSTREAM
    set a [waiting $s XREADGROUP GROUP g c BLOCK 0 STREAMS s >]
    close $a
    wait_for { expr {[info_of $::s blocked_clients] == 0} }
    set s [restart $s kill "save \"\"\nappendonly yes"]
    is [lmap who [ask $s XINFO CONSUMERS s g] { dict get $who name }] c
    stop $s kill
}

finish
