# SPDX-License-Identifier: BSD-3-Clause
# Client-side caching beside the installed redis-server: clients in every mode read and write at
# random, and after each step each of them has been told to forget the same. SEED repeats a run;
# COUNT is how many steps; TRACE=1 prints them.
#
# Where ours differs on purpose: a script reads what it reads, as in 7.2 (7.0 takes the keys that it
# declares), so here they are the same; not said are SWAPDB, and what changes a group of a stream but
# no entry: ours tells of both, as XPENDING reads other things then, and Redis of neither.
source [file join [file dirname [info script]] ../integration/lib.tcl]
source [file join [file dirname [info script]] lib/pair.tcl]
source [file join [file dirname [info script]] ../integration/lib/chance.tcl]
source [file join [file dirname [info script]] lib/grammar.tcl]

set count [chance_count 6000 1500 200000]
set pair_setup {}

# name -> how it begins. listener is who is told for those that redirect.
set beginnings {
    listener {{SUBSCRIBE some}}
    listener3 {{HELLO 3}}
    plain {}
    reads {{HELLO 3} {CLIENT TRACKING ON}}
    noloop {{HELLO 3} {CLIENT TRACKING ON NOLOOP}}
    optin {{HELLO 3} {CLIENT TRACKING ON OPTIN}}
    optout {{HELLO 3} {CLIENT TRACKING ON OPTOUT NOLOOP}}
    all {{HELLO 3} {CLIENT TRACKING ON BCAST}}
    prefixes {{HELLO 3} {CLIENT TRACKING ON BCAST PREFIX k1 PREFIX q PREFIX k2 NOLOOP}}
    redirects {{CLIENT TRACKING ON REDIRECT LISTENER}}
    broadcasts {{CLIENT TRACKING ON BCAST PREFIX k REDIRECT LISTENER}}
    resp3to2 {{HELLO 3} {CLIENT TRACKING ON REDIRECT LISTENER NOLOOP}}
    to3 {{CLIENT TRACKING ON REDIRECT LISTENER3}}
    resp2 {{CLIENT TRACKING ON}}
}
set speakers [lsearch -all -inline -not [dict keys $beginnings] listener*]
set modes {
    {} {NOLOOP} {OPTIN} {OPTOUT} {OPTIN NOLOOP} {BCAST} {BCAST NOLOOP} {BCAST PREFIX k PREFIX p}
    {BCAST PREFIX k1 PREFIX k2 PREFIX q1} {REDIRECT LISTENER} {REDIRECT LISTENER3}
    {BCAST REDIRECT LISTENER3} {BCAST NOLOOP PREFIX k3 REDIRECT LISTENER}
}
set reads {
    "GET K" "MGET (K)*" "EXISTS (K)*" "TYPE K" "TTL K" "STRLEN K" "LRANGE K 0 -1" "LLEN K"
    "HGETALL K" "SMEMBERS K" "SINTER (K)*" "ZRANGE K 0 -1" "ZUNION 2 K K" "XRANGE K - +" "DUMP K"
    "OBJECT ENCODING K" "GETRANGE K 0 1" "BITCOUNT K" "PFCOUNT K" "XREAD STREAMS K K 0 0"
    "SORT_RO K ALPHA" "TOUCH K" "LPOS K a" "GEOPOS K a" "MEMORY USAGE none" "SCAN 0 COUNT 100000" "DBSIZE"
}

proc ids_of {words} {
    return [lmap fd [pair_fds listener] fd3 [pair_fds listener3] id $::listener_ids {
        string map [list LISTENER3 [lindex $id 1] LISTENER [lindex $id 0]] $words
    }]
}
# Words may name the listeners, whose ids differ.
proc say {on words} {
    lassign [ids_of $words] mine theirs
    lassign [pair_fds $on] a b
    send $a {*}$mine
    send $b {*}$theirs
}
proc start {{config ""}} {
    pair_start $config
    both {DEBUG SET-ACTIVE-EXPIRE 0}
    set ::listener_ids {{} {}}
    foreach name {listener listener3} {
        set i 0
        foreach fd [pair_fds $name] {
            send $fd CLIENT ID
            set ids($i) [lappend ids_$i [string trim [lindex [tree $fd] 0] ":\r\n"]]
            incr i
        }
    }
    set ::listener_ids [list $ids_0 $ids_1]
    dict for {name beginning} $::beginnings {
        foreach words $beginning {
            say $name $words
            foreach fd [pair_fds $name] { tree $fd }
        }
    }
}

proc text_of {node} {
    set head [lindex $node 0]
    return [expr {[string index $head 0] eq "\$" ? [string range $head [string first \n $head]+1 end-2] :
        [string trimright [string range $head 1 end] \r\n]}]
}
# What one message tells: keys; NULL: all; or what else it is.
proc told_by {node} {
    lassign $node head parts
    set words [lmap part $parts { text_of $part }]
    set what [lindex $words 0]
    set told [expr {[string match "invalidate" $what] ? 1 :
        [lrange $words 0 1] eq {message __redis__:invalidate} ? 2 : 0}]
    if {!$told} { return [list "($what [expr {[llength $words] > 1}])"] }
    if {[string index [lindex $parts $told 0] 0] ne "*"} { return NULL }
    return [lmap key [lindex $parts $told 1] { string cat "key " [text_of $key] }]
}
# What a client is told up to the answer of a PING, each thing once.
proc told_to {fd} {
    set told {}
    if {[info exists ::early($fd)]} {
        set told $::early($fd)
        unset ::early($fd)
    }
    send $fd PING until
    while 1 {
        set node [tree $fd]
        if {[text_of $node] eq "until" || [lmap part [lindex $node 1] { text_of $part }] eq {pong until}} {
            return [lsort -unique $told]
        }
        lappend told {*}[told_by $node]
    }
}
proc same_told {} {
    set differ {}
    set n 0
    dict for {name -} $::beginnings {
        lassign [lmap fd [pair_fds $name] { told_to $fd }] mine theirs
        if {$mine ne $theirs} { lappend differ "$name: ours [printable $mine], peer [printable $theirs]" }
        incr n [llength $mine]
    }
    if {[llength $differ]} { error "[join $differ "\n        "]" " " }
    return $n
}

# A reply comes before what it caused: the first does not begin with a push. Behind it there may be
# one of what it caused: the next command may have come in another turn of the loop.
proc hear {on words first} {
    foreach fd [pair_fds $on] {
        while {[string index [lindex [set node [tree $fd]] 0] 0] eq ">"} {
            if {$first} { error "$on: $words: a push in front of the reply" }
            lappend ::early($fd) {*}[told_by $node]
        }
    }
}

proc step {on} {
    switch [below 12] {
        0 { return [list [concat CLIENT TRACKING OFF] [concat CLIENT TRACKING ON [one_of $::modes]]] }
        1 { return [list {CLIENT CACHING YES} {*}[commands_of [one_of $::reads]]] }
        2 { return [list {CLIENT CACHING NO} {*}[commands_of [one_of $::reads]]] }
        3 {
            set all {MULTI}
            for {set i [below 4]} {$i >= 0} {incr i -1} {
                lappend all {*}[commands_of [one_of $::reads]] {*}[commands_of [a_write]]
            }
            return [concat $all [one_of {EXEC EXEC DISCARD}]]
        }
        4 {
            set key k[below $::few]
            return [list [list EVAL {redis.pcall('get',KEYS[1]) redis.pcall('strlen',KEYS[2]) return 1} \
                    2 $key k[below $::few]] \
                [list EVAL {return redis.pcall('append',KEYS[1],'x')} 1 k[below $::few]]]
        }
        5 { if {[below 3] == 0} { return [one_of {FLUSHALL FLUSHDB {{SELECT 1}} {{SELECT 0}}}] } }
        6 { return [list [list SET k[below $::few] v PX [expr {1 + [below 500]}]]] }
        7 - 8 - 9 { return [commands_of [one_of $::reads]] }
    }
    return [commands_of [a_write]]
}
proc a_write {} {
    while 1 {
        set line [one_of $::lines]
        if {![regexp {SWAPDB|XREAD|XINFO|XSETID|XGROUP|XACK|XCLAIM|XAUTOCLAIM|PFDEBUG|SCAN|RANDOMKEY} $line]} {
            return [regsub {^@\S+ } $line ""]
        }
    }
}

# When a key that is over goes depends on who looks at it, which is not what is compared: somebody
# looks at all of them at once.
proc later {ms} {
    pair_later $ms
    set keys {q0 q1 p0 p1 g0 g1}
    for {set i 0} {$i < $::few} {incr i} { lappend keys k$i }
    foreach words [list {SELECT 1} [list EXISTS {*}$keys] {SELECT 0} [list EXISTS {*}$keys]] {
        both $words
    }
    same_told
}

puts "seed $seed"
case "generated reads and writes: the same invalidations (SEED=$seed)" {
    start
    set told 0
    for {set done 0} {$done < $count} {incr done} {
        set on [one_of $speakers]
        set all [step $on]
        if {[info exists env(TRACE)]} { puts "$on: [printable $all]" }
        foreach words $all { say $on $words }
        set first 1
        foreach words $all {
            hear $on $words $first
            set first 0
        }
        if {[catch { incr told [same_told] } text]} {
            error "step $done, $on: [printable $all]\n        $text" " "
        }
        if {[below 4] == 0} { later [below 100] }
    }
    truth {$told > $count / 2}
    foreach field {tracking_clients tracking_total_prefixes tracking_total_keys tracking_total_items} {
        lassign [lmap s [list $ours $peer] { info_of $s $field }] x y
        if {$x ne $y} { error "$field: $x, not $y" " " }
    }
}

# Each on a client of its own, until it says RESET.
set said {
    {CLIENT TRACKING} {CLIENT TRACKING x} {CLIENT TRACKING ON FOO} {CLIENT TRACKING ON REDIRECT}
    {CLIENT TRACKING ON REDIRECT x} {CLIENT TRACKING ON REDIRECT 999} {CLIENT TRACKING ON REDIRECT 0}
    {CLIENT TRACKING ON REDIRECT LISTENER REDIRECT LISTENER} {CLIENT TRACKING ON REDIRECT -1}
    {CLIENT TRACKING ON PREFIX a} {CLIENT TRACKING ON BCAST OPTIN} {CLIENT TRACKING ON OPTIN OPTOUT}
    {CLIENT TRACKING ON BCAST PREFIX} {CLIENT TRACKING x PREFIX a} {CLIENT TRACKING OFF REDIRECT 999}
    {CLIENT CACHING YES} {CLIENT CACHING x} {CLIENT GETREDIR} {CLIENT TRACKINGINFO} {CLIENT CACHING}
    {CLIENT TRACKING OFF} {CLIENT TRACKING OFF BCAST PREFIX a} {CLIENT TRACKING ON BCAST BCAST}
    {CLIENT TRACKINGINFO} {CLIENT TRACKING ON BCAST PREFIX a} {RESET} {CLIENT TRACKINGINFO}
    {CLIENT TRACKING ON BCAST PREFIX b PREFIX a} {CLIENT TRACKINGINFO} {CLIENT TRACKING ON}
    {CLIENT TRACKING ON BCAST PREFIX ab} {CLIENT TRACKING ON BCAST PREFIX c PREFIX cd}
    {CLIENT TRACKING ON BCAST PREFIX cd PREFIX c} {CLIENT TRACKING ON BCAST PREFIX a}
    {CLIENT TRACKING ON BCAST PREFIX x PREFIX x} {CLIENT TRACKING ON BCAST PREFIX d PREFIX ""}
    {CLIENT TRACKING ON BCAST PREFIX c NOLOOP} {CLIENT TRACKINGINFO} {CLIENT TRACKING ON BCAST}
    {CLIENT TRACKING ON BCAST} {CLIENT TRACKINGINFO} {CLIENT TRACKING ON BCAST PREFIX z}
    {CLIENT CACHING YES} {CLIENT CACHING NO} {CLIENT TRACKING ON OPTIN} {CLIENT TRACKING ON OPTOUT BCAST}
    {CLIENT TRACKING OFF} {CLIENT TRACKING ON OPTIN} {CLIENT TRACKING ON OPTOUT} {CLIENT TRACKING ON OPTIN NOLOOP}
    {CLIENT CACHING NO} {CLIENT CACHING YES} {CLIENT TRACKINGINFO} {CLIENT ID x} {CLIENT TRACKINGINFO}
    {NOSUCH} {CLIENT TRACKINGINFO} {CLIENT CACHING YES} {GET} {CLIENT TRACKINGINFO} {CLIENT CACHING YES}
    {CLIENT NOSUCH} {CLIENT TRACKINGINFO} {CLIENT CACHING YES} {AUTH x} {CLIENT TRACKINGINFO}
    {CLIENT CACHING z} {GET x} {CLIENT TRACKINGINFO} {CLIENT CACHING YES} {MULTI} {GET a} {EXEC}
    {CLIENT TRACKINGINFO} {CLIENT TRACKING ON} {CLIENT TRACKINGINFO} {CLIENT TRACKING ON OPTOUT}
    {CLIENT CACHING NO} {CLIENT TRACKINGINFO} {CLIENT TRACKING OFF} {CLIENT GETREDIR}
    {CLIENT TRACKING ON REDIRECT LISTENER NOLOOP} {CLIENT TRACKINGINFO x} {CLIENT GETREDIR x}
    {CLIENT TRACKING ON} {CLIENT GETREDIR} {CLIENT TRACKINGINFO} {HELLO 3 x} {RESET} {CLIENT TRACKINGINFO}
}
case "what is said of it and refused" {
    foreach resp {2 3} {
        start
        say replies "HELLO $resp"
        foreach fd [pair_fds replies] { tree $fd }
        foreach words $said {
            say replies $words
            is [pair_hear exact replies $words] ""
        }
    }
}

finish
