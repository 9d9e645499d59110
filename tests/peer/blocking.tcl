# SPDX-License-Identifier: BSD-3-Clause
# Clients that wait for keys, at our server and at the installed redis-server: who waits, who is
# served when, and what with, after each of many random commands. SEED repeats a run; COUNT is how
# many (LONG: 100000); TRACE=1 prints them.
#
# Nobody sleeps: a command of a client has been answered or has made one more waiter, and what is
# said on the main connection finds everybody served whom it let be served.
source [file join [file dirname [info script]] ../integration/lib.tcl]
source [file join [file dirname [info script]] lib/pair.tcl]
source [file join [file dirname [info script]] ../integration/lib/chance.tcl]
source [file join [file dirname [info script]] lib/grammar.tcl]
source [file join [file dirname [info script]] lib/same_data.tcl]

set count [chance_count 12000 3000 100000]
set few 5
set clients {c0 c1 c2 c3 c4 c5 c6 c7}

# By the family of keys: with a letter every key of it is of that type.
array set waits {
    "" {"BLPOP K 0" "BRPOP K 0" "BLMOVE K K [LEFT|RIGHT] [LEFT|RIGHT] 0" "BLMOVE K K LEFT RIGHT 0"
        "BRPOPLPUSH K K 0" "BLMPOP 0 1 K [LEFT|RIGHT] [|COUNT 2]" "BZPOPMIN K 0" "BZPOPMAX K 0"
        "BZMPOP 0 1 K [MIN|MAX] [|COUNT 2]" "XREAD COUNT 2 BLOCK 0 STREAMS K [$|D]"
        "XREADGROUP GROUP g U [|NOACK] BLOCK 0 STREAMS K >"}
    l {"BLMOVE K K LEFT RIGHT 0" "BLMOVE K K RIGHT LEFT 0" "BRPOPLPUSH K K 0" "BLPOP K 0"}
    z {"BZPOPMIN K 0" "BZPOPMAX K 0" "BZMPOP 0 1 K MIN COUNT 3"}
    x {"XREAD BLOCK 0 STREAMS K $" "XREAD COUNT 2 BLOCK 0 STREAMS K D"
        "XREADGROUP GROUP g U BLOCK 0 STREAMS K >"
        "XREADGROUP GROUP g U COUNT 1 BLOCK 0 STREAMS K >"}
}
# Of several keys that are ready at the end of a unit the first of its words serves a command since
# 7.2, and a wrong type at any of them is an error: so no unit makes several of them ready here,
# and XREAD, which gives what is in all of its streams, has one.
array set waits_for_several {
    l {"BLPOP K K 0" "BRPOP K K K 0" "BLPOP K 0" "BLMPOP 0 2 K K [LEFT|RIGHT] [|COUNT 2]"}
    z {"BZPOPMIN K K 0" "BZPOPMAX K K K 0" "BZMPOP 0 2 K K [MIN|MAX] [|COUNT 2]" "BZPOPMIN K 0"}
}
# In a group all consumers are there: 7.2 makes one of whoever begins to wait, 7.0 of who is served.
set any {"DEL K" "DEL K K" "RENAME K K" "COPY K K REPLACE" "MOVE K 1" "FLUSHALL"}
array set writes {
    l {"RPUSH K (E)*" "LPUSH K (E)*" "RPUSH K E" "RPUSH l0 E" "LPUSH l1 E"
        "LMOVE K K LEFT RIGHT" "SORT K ALPHA STORE K"
        "LPOP K" "LINSERT K BEFORE E E" "RPUSH K (E)*"}
    z {"ZADD K (S E)*" "ZADD K 1 E" "ZUNIONSTORE K 1 K" "ZRANGESTORE K K 0 -1" "ZPOPMIN K"
        "ZINCRBY K 1 E" "ZADD K 1 E 2 E"}
    x {"XADD K M a V" "XADD K M a V" "XTRIM K MAXLEN 1" "XGROUP DESTROY K g"
        "XGROUP CREATE K g [0|$] MKSTREAM ; XGROUP CREATECONSUMER =K g c ;
            XGROUP CREATECONSUMER =K g d"}
}
# Left out are SWAPDB, and FLUSHALL in a transaction, after which Redis serves keys in the order of
# its table, and commands with STORE where keys are of any type: Redis serves nobody of what they
# put in place of another type.
# XDEL stands by itself (7.0 serves who waits for an entry that its unit deletes again, with none).
foreach type {l z x} {
    lappend writes() {*}[lsearch -all -inline -not -regexp $writes($type) STORE] "SET K V"
}
foreach type {"" l z x} { lappend writes($type) {*}$any }
set lines [lsearch -all -inline -not -regexp $lines {STORE|SWAPDB|XGROUP (CREATE |DELC)}]

# Who waits, as the server tells it: names of connections.
proc waiting_at {i} {
    set names {}
    foreach line [split [request [lindex [pair_fds main] $i] CLIENT LIST] \n] {
        if {[regexp {^(?:txt:)?id=(\d+) .* flags=b } $line -> id]} {
            lappend names $::name_of($i,$id)
        }
    }
    return [lsort $names]
}
proc who {name} {
    if {[info exists ::pair($name)]} { return }
    foreach fd [pair_fds $name] i {0 1} {
        set id [request $fd CLIENT ID]
        set ::name_of($i,$id) $name
        set ::id_of($i,$name) $id
    }
}

proc trace {text} {
    if {[info exists ::env(TRACE)]} { puts [printable $text]; flush stdout }
}

# A byte that was read to see whether there is one belongs to the reply.
array set begun {}
proc readable {fd} {
    if {[info exists ::begun($fd)]} { return 1 }
    fconfigure $fd -blocking 0
    set byte [read $fd 1]
    fconfigure $fd -blocking 1
    if {$byte ne ""} { set ::begun($fd) $byte }
    return [expr {$byte ne ""}]
}
proc reply_of {fd} {
    set byte [expr {[readable $fd] ? $::begun($fd) : ""}]
    unset -nocomplain ::begun($fd)
    return [tree $fd $byte]
}

# What ends a wait in a group has words of its own since 7.2.
proc same_reply {name} {
    lassign [lmap fd [pair_fds $name] { reply_of $fd }] x y
    set ends [expr {[lindex $::said($name) 0] eq "XREADGROUP" && [string match -* [lindex $y 0]]}]
    if {![equal [expr {$ends ? "kind" : "exact"}] $x $y]} { error [told $::said($name) $x $y] " " }
}

# An entry that is added and trimmed away by the same command, or in one transaction, wakes who
# reads the stream. 7.0.15 replies that there is nothing; since 7.2, and here, the command is run again,
# finds nothing, as it would without waiting, and waits on. Ours is let go then.
proc given_nothing {name} {
    if {[lindex $::said($name) 0] ne "XREAD"} { return 0 }
    lassign [pair_fds $name] a b
    set reply [bytes_of [reply_of $b]]
    if {[regexp {\d-\d} $reply] || ![string match "*\\*0\r\n" $reply]} {
        error "peer's $name: [printable $reply]" " "
    }
    is [request [lindex [pair_fds main] 0] CLIENT UNBLOCK $::id_of(0,$name)] 1
    tree $a
    return 1
}

# Those who do not wait any more were served, the same ones with the same.
proc settle {} {
    set still [waiting_at 0]
    set theirs [waiting_at 1]
    foreach name $still {
        if {$name ni $theirs && [given_nothing $name]} {
            set still [lsearch -all -inline -not -exact $still $name]
            set ::waiting [lsearch -all -inline -not -exact $::waiting $name]
        }
    }
    if {$still ne $theirs} {
        set all [join [lmap name $::waiting { string cat $name ": " $::said($name) }] "\n        "]
        error "ours: $still wait, peer: $theirs\n        $all" " "
    }
    foreach name $::waiting {
        if {$name ni $still} { same_reply $name; incr ::served }
    }
    set ::waiting $still
}

# One of the lines, with keys of this family: its commands, and the way replies are compared.
proc a_write {family lines} {
    set ::family $family
    set line [one_of $lines]
    set mode exact
    regexp {^@(\S+) (.*)$} $line -> mode line
    return [lmap words [commands_of $line] { list $mode $words }]
}
proc writes_of {family n} {
    set all {}
    for {set i 0} {$i < $n} {incr i} { lappend all {*}[a_write $family $::writes($family)] }
    return $all
}

# Sent at once: whoever is served by one of them is served before the next.
proc say {all} {
    lassign [pair_fds main] a b
    foreach item $all { trace "main: [lindex $item 1]" }
    foreach fd [list $a $b] {
        foreach item $all { puts -nonewline $fd [encode [lindex $item 1]] }
        flush $fd
    }
    foreach item $all {
        set differs [pair_hear [lindex $item 0] main [lindex $item 1]]
        if {$differs ne ""} { error $differs " " }
    }
    settle
}

proc begin_to_wait {name} {
    who $name
    set ::family [one_of {"" l z x}]
    set ::said($name) [lindex [commands_of [one_of $::waits($::family)]] 0]
    trace "$name: $::said($name)"
    pair_send $name $::said($name)
    set before [llength $::waiting]
    foreach fd [pair_fds $name] i {0 1} {
        while {![readable $fd] && [llength [waiting_at $i]] != $before + 1} {}
    }
    lappend ::waiting $name
    settle
}

proc unblock {name how} {
    trace "unblock $name $how"
    foreach fd [pair_fds main] i {0 1} {
        is [request $fd CLIENT UNBLOCK $::id_of($i,$name) $how] 1
    }
    settle
}

proc leave {name} {
    trace "leave $name"
    pair_close $name
    set ::waiting [lsearch -all -inline -exact -not $::waiting $name]
    foreach i {0 1} {
        while {[llength [waiting_at $i]] > [llength $::waiting]} {}
    }
    settle
}

proc some_writes {} {
    set family [one_of {"" l z x}]
    switch [below [expr {$::several ? 5 : 7}]] {
        0 { return [a_write "" $::lines] }
        1 { return [writes_of $family 3] }
        5 - 6 { # a transaction: who waits sees what it leaves
            set all [writes_of $family [expr {1 + [below 4]}]]
            set all [lsearch -all -inline -exact -not $all {exact FLUSHALL}]
            return [concat {{exact MULTI}} $all {{exact EXEC}}]
        }
        default { return [writes_of $family 1] }
    }
}

proc step {} {
    set idle [lmap name $::clients { if {$name in $::waiting} continue; set name }]
    if {[llength $idle] && [below 2]} {
        begin_to_wait [one_of $idle]
    } elseif {[llength $::waiting] && ![below 12]} {
        switch [below 3] {
            0 { leave [one_of $::waiting] }
            default { unblock [one_of $::waiting] [one_of {TIMEOUT ERROR}] }
        }
    } else {
        say [some_writes]
    }
}

puts "seed $seed"
foreach {resp several} {2 0 3 0 3 1} {
    case "random waits, RESP$resp, [lindex {{for one key} {for several}} $several] (SEED=$seed)" {
        if {$several} { array set waits [array get waits_for_several] }
        set pair_setup [list [list HELLO $resp]]
        pair_start
        set waiting {}
        set served 0
        set family ""
        for {set i 1} {$i <= $count / 3} {incr i} {
            step
            if {$i % 100 == 0} { is [same_data] {} }
        }
        puts "    served or told: $served"
        truth {$served > $count / 20}
    }
}

case "an entry that does not outlive its command serves nobody" {
    pair_start
    foreach write {{XADD s MAXLEN ~ 0 LIMIT 2 5-5 a b} {XADD s MAXLEN 0 6-6 a b}} {
        set ::waiting {}
        who c0
        set ::said(c0) {XREAD BLOCK 0 STREAMS s $}
        pair_send c0 $::said(c0)
        foreach i {0 1} { wait_for { expr {[waiting_at $i] eq "c0"} } }
        foreach fd [pair_fds main] { is [request $fd {*}$write] [lindex $write end-2] }
        is [list [waiting_at 0] [waiting_at 1]] {c0 {}}
        is [given_nothing c0] 1
    }
    set s $::ours
    ask $s XADD s 7-7 a b
    is [ask $s XREAD STREAMS s 6-6] {{s {{7-7 {a b}}}}}
}

finish
