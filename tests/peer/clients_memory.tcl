# SPDX-License-Identifier: BSD-3-Clause
# CLIENT LIST's fields, CLIENT KILL's filters and MEMORY STATS' names beside the installed
# redis-server: the same names in the same order, and the same values where the request determines
# them.
source [file join [file dirname [info script]] ../integration/lib.tcl]
source [file join [file dirname [info script]] lib/pair.tcl]

proc pair_case {name body} { case $name "pair_start\n$body" }

# The connection sends the words to both; the replies as texts or lists.
proc both {name args} {
    set replies {}
    foreach fd [pair_fds $name] {
        send $fd {*}$args
        if {[catch { read_reply $fd } reply]} { set reply "error $reply" }
        lappend replies $reply
    }
    return $replies
}
proc same_of {name args} {
    lassign [both $name {*}$args] mine theirs
    if {$mine ne $theirs} { error "$args: [shown $mine], but theirs [shown $theirs]" }
}

# A line of CLIENT LIST as a dictionary, in its order.
proc fields {line} {
    set dict {}
    foreach part [split [string trim $line] " "] {
        set at [string first = $part]
        lappend dict [string range $part 0 $at-1] [string range $part $at+1 end]
    }
    return $dict
}

# What depends on the process: numbers of buffers are our own, lib-name and lib-ver are since 7.2.
set own {id addr laddr fd qbuf-free rbs rbp tot-mem omem oll obl multi-mem argv-mem lib-name lib-ver}
proc compare_lines {where mine theirs} {
    set mine [fields $mine]
    set theirs [fields $theirs]
    is "$where: [lrange [dict keys $mine] 0 end-2]" "$where: [dict keys $theirs]"
    is [lrange [dict keys $mine] end-1 end] {lib-name lib-ver}
    foreach {name value} $theirs {
        if {$name in $::own} continue
        is "$where $name=[dict get $mine $name]" "$where $name=$value"
    }
}

# Setups: what the client does before it is looked at by another.
foreach {where commands} {
    plain {}
    named {{CLIENT SETNAME some-one} {SELECT 3} {GET a}}
    resp3 {{HELLO 3}}
    multi {MULTI {SET a 1} {SET b 2}}
    watching {{WATCH a} MULTI}
    subscribed {{SUBSCRIBE a} {PSUBSCRIBE b*} {SSUBSCRIBE c}}
    many {{SUBSCRIBE a1} {SUBSCRIBE a2} {SUBSCRIBE a3}}
    no-evict {{CLIENT NO-EVICT on}}
    subcommand {{CONFIG GET port}}
    transaction {MULTI {GET a} EXEC}
    object {{SET x 1} {OBJECT ENCODING x}}
    failed {{GET}}
} {
    pair_case "CLIENT LIST and CLIENT INFO of a client: $where" {
        set ids [both $where CLIENT ID]
        foreach words $commands { both $where {*}$words }
        lassign [pair_fds looker] ours_fd theirs_fd
        set lines {}
        foreach fd [list $ours_fd $theirs_fd] id $ids {
            lappend lines [request $fd CLIENT LIST ID $id]
        }
        compare_lines $where {*}$lines
        if {$where in {plain named}} { compare_lines "$where info" {*}[both $where CLIENT INFO] }
        pair_close $where
    }
}

pair_case "CLIENT LIST of one that waits, and of one that is in a pause's hands" {
    set ids [both waits CLIENT ID]
    foreach fd [pair_fds waits] { send $fd BLPOP nothing 0 }
    set lines {}
    foreach fd [pair_fds looker] id $ids {
        wait_for { string match "*flags=b*" [set line [request $fd CLIENT LIST ID $id]] }
        lappend lines $line
    }
    compare_lines waits {*}$lines
    pair_close waits
}

pair_case "CLIENT LIST TYPE, ID: errors and what is found" {
    foreach words {
        {LIST TYPE foo} {LIST ID} {LIST ID x} {LIST TYPE} {LIST FOO} {LIST TYPE normal ID 3}
        {LIST TYPE replica} {LIST TYPE slave} {LIST TYPE master} {LIST TYPE pubsub} {LIST ID 99999}
        {NO-EVICT x} {NO-EVICT} {INFO x} {PAUSE x} {PAUSE -1} {PAUSE 1 FOO}
        {UNBLOCK x} {UNBLOCK 99999} {UNBLOCK 1 FOO} {REPLY foo}
    } { same_of looker CLIENT {*}$words }
}

pair_case "CLIENT KILL: what is wrong with a filter" {
    foreach words {
        {} {ID} {ID x} {ID 0} {ID -1} {ID 99999999} {USER nobody} {ADDR 1.2.3.4:5} {1.2.3.4:5}
        {SKIPME maybe} {SKIPME} {LADDR 1.2.3.4:5} {TYPE master} {TYPE replica} {TYPE pubsub}
        {TYPE nosuch} {ID 1 ID} {ADDR x LADDR y} {FOO bar} {ID 1 FOO bar}
        {ID 99999999 SKIPME no} {USER default TYPE pubsub}
    } { same_of looker CLIENT KILL {*}$words }
}

# Three clients that say what they want, two that listen; who is there after the filter?
proc crowd {} {
    foreach name {n1 n2 n3} { both $name CLIENT SETNAME $name }
    foreach name {p1 p2} {
        both $name CLIENT SETNAME $name
        both $name SUBSCRIBE news
    }
    foreach server [list $::ours $::peer] fd [pair_fds looker] {
        disconnect $server ;# what waited for its start
        wait_for { expr {[llength [split [string trim [request $fd CLIENT LIST]] \n]] == 6} }
    }
}
proc address {fd field} {
    regexp " $field=(\\S+) " [request $fd CLIENT INFO] -> value
    return $value
}
proc left {fd} {
    set names {}
    foreach {-> name} [regexp -all -inline { name=([np]\d) } [request $fd CLIENT LIST]] {
        lappend names $name
    }
    return [lsort $names]
}
foreach {filter want count} {
    {TYPE pubsub} {n1 n2 n3} 2
    {TYPE normal} {p1 p2} 3
    {TYPE normal SKIPME yes} {p1 p2} 3
    {ID of-n1} {n2 n3 p1 p2} 1
    {ID of-n1 ADDR of-n1} {n2 n3 p1 p2} 1
    {ID of-n1 ADDR of-n2} {n1 n2 n3 p1 p2} 0
    {ID of-n1 ID of-n2} {n1 n3 p1 p2} 1
    {ADDR of-n2} {n1 n3 p1 p2} 1
    {LADDR of-n2} {} 5
    {LADDR of-n2 TYPE pubsub} {n1 n2 n3} 2
    {USER default} {} 5
    {USER default TYPE normal} {p1 p2} 3
} {
    pair_case "CLIENT KILL $filter" {
        crowd
        foreach server {0 1} {
            set looker [lindex [pair_fds looker] $server]
            set words {}
            foreach word $filter {
                if {[regexp {^of-(.*)} $word -> name]} {
                    set fd [lindex [pair_fds $name] $server]
                    switch [lindex $words end] {
                        ID { set word [request $fd CLIENT ID] }
                        ADDR { set word [address $fd addr] }
                        LADDR { set word [address $fd laddr] }
                    }
                }
                lappend words $word
            }
            is [request $looker CLIENT KILL {*}$words] $count
            wait_for { expr {[left $looker] eq $want} }
        }
        pair_close
    }
}

pair_case "CLIENT KILL of oneself: the reply comes first, then the end" {
    foreach server {0 1} name {me1 me2} {
        set fd [lindex [pair_fds me] $server]
        set id [request $fd CLIENT ID]
        is [request $fd CLIENT KILL ID $id] 0
        is [request $fd CLIENT KILL ID $id SKIPME no] 1
        is [read $fd] ""
    }
    pair_close me
}

pair_case "MEMORY: names of STATS, errors, HELP's subcommands" {
    both looker SET a 1
    both looker SELECT 2
    both looker SET b 1
    lassign [both looker MEMORY STATS] mine theirs
    is [dict keys $mine] [dict keys $theirs]
    is [dict keys [dict get $mine db.2]] [dict keys [dict get $theirs db.2]]
    foreach name {keys.count replication.backlog clients.slaves cluster.links aof.buffer lua.caches} {
        is "$name [dict get $mine $name]" "$name [dict get $theirs $name]"
    }
    foreach {name value} $theirs {
        if {[string match db.* $name]} continue
        # a ratio may be exactly 1; other numbers of the peer's may be none for ours
        set kind [expr {[string match *ratio $name] ? "double" : "integer"}]
        if {[string is $kind -strict $value]} {
            is "$name [string is $kind -strict [dict get $mine $name]]" "$name 1"
        }
    }
    foreach words {{STATS x} {DOCTOR x} {PURGE x} {USAGE} {USAGE nokey} {USAGE a SAMPLES}
                   {USAGE a SAMPLES x} {USAGE a SAMPLES -1} {USAGE a FOO 1} {NOSUCH} {PURGE}} {
        same_of looker MEMORY {*}$words
    }
    lassign [both looker MEMORY HELP] mine theirs
    foreach line $theirs {
        if {![string match " *" $line] && ![string match "MEMORY *" $line]} {
            truth {$line in $mine || [error "HELP does not list $line"]}
        }
    }
}

finish
