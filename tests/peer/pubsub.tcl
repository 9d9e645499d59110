# SPDX-License-Identifier: BSD-3-Clause
# Random commands of pub/sub on several connections, of RESP2 and RESP3, to our server and to the
# installed redis-server: what each of them is told, frame by frame, is the same. SEED repeats a
# run; COUNT is how many (LONG: 120000); TRACE=1 prints them.
source [file join [file dirname [info script]] ../integration/lib.tcl]
source [file join [file dirname [info script]] lib/pair.tcl]
source [file join [file dirname [info script]] ../integration/lib/chance.tcl]

set count [chance_count 6000 2000 120000]
# The last one subscribes to nothing: 7.0 tells a client messages of its own in the middle of the
# reply to EXEC, 7.2 behind the reply.
set people {a b c d e teller}

# Channels, patterns and messages in a line: C, P and M. "(C)*" are one to four.
set lines {
    "SUBSCRIBE (C)*" "SUBSCRIBE (C)*" "PSUBSCRIBE (P)*" "PSUBSCRIBE (P)*" "SSUBSCRIBE (C)*"
    "UNSUBSCRIBE (C)*" "PUNSUBSCRIBE (P)*" "SUNSUBSCRIBE (C)*"
    "UNSUBSCRIBE" "PUNSUBSCRIBE" "SUNSUBSCRIBE"
    "PUBLISH C M" "PUBLISH C M" "PUBLISH C M" "PUBLISH C M" "PUBLISH C M" "SPUBLISH C M"
    "SPUBLISH C M" "PUBSUB CHANNELS" "PUBSUB CHANNELS P" "PUBSUB NUMSUB (C)*" "PUBSUB NUMSUB"
    "PUBSUB NUMPAT" "PUBSUB SHARDCHANNELS" "PUBSUB SHARDCHANNELS P" "PUBSUB SHARDNUMSUB (C)*"
    "PUBSUB CHANNELS P P" "PUBSUB NUMPAT x" "PUBSUB nothing" "PUBLISH C" "SUBSCRIBE" "PUBSUB HELP x"
    "PING" "PING M" "GET C" "SET C M" "DEL C" "EXPIRE C 100" "RESET" "ECHO M" "SELECT 1" "SELECT 0"
    "MULTI ; SUBSCRIBE C ; PSUBSCRIBE P ; UNSUBSCRIBE C ; EXEC" "MULTI ; PUBLISH C M ; SET C M ; EXEC"
    "MULTI ; SSUBSCRIBE C ; SUNSUBSCRIBE C ; EXEC" "MULTI ; PSUBSCRIBE P ; PUBLISH C M ; DISCARD"
    "MULTI ; PUBLISH C ; EXEC" "WATCH C" "UNWATCH"
    "EVAL return{redis.call('publish',ARGV[1],ARGV[2]),redis.call('spublish',ARGV[1],'s')} 0 C M"
    "EVAL return(redis.pcall('subscribe',ARGV[1])) 0 C"
    "EVAL redis.call('set',KEYS[1],ARGV[1]);return(redis.call('publish',KEYS[1],1)) 1 C M" "QUIT"
}
proc value_of {word} {
    switch -- $word {
        C { return [one_of {news sport c1 c2 c3 "" "a b" "\x00\xff" [x] h?llo hello}] }
        P { return [one_of {* news n* c? c[12] {c[^1]} h*o "" \\* {h\?llo} __key*__:* {[}}] }
        M { return [one_of [list m[incr ::told] "" "line\r\n" [string repeat x [below 3000]]]] }
    }
    return $word
}
proc commands_of {line} {
    set all {}
    foreach text [split $line ";"] {
        if {[regexp {\{|EVAL} $line]} { set text $line }
        while {[regexp {\(([CP])\)\*} $text -> letter]} {
            set text [string map [list "($letter)*" [string repeat "$letter " [expr {1 + [below 4]}]]] $text]
        }
        lappend all [lmap word [regexp -all -inline {\S+} $text] { value_of $word }]
        if {[lindex $all 0 0] eq "EVAL"} break
    }
    return $all
}

# ---- what came ----

# Frames of fd up to the answer to "PING token".
proc frames_to {fd token} {
    set all {}
    while 1 {
        set frame [tree $fd]
        if {[string first $token [bytes_of $frame]] >= 0 || [lindex $frame 0] eq "(closed)"} {
            return $all
        }
        lappend all $frame
    }
}
proc word_of {frame i} { lindex [lindex $frame 1] $i 0 }
# What a command is answered, then what its connection hears of itself (7.0: in front of the reply).
# In the order of a table: patterns that match one message, and what UNSUBSCRIBE without words finds.
proc in_one_order {frames any_order} {
    set out {}
    foreach frame $frames {
        lappend of([string match "*message\r\n" [word_of $frame 0]]) $frame
    }
    set frames [concat {*}[lmap which {0 1} { expr {[info exists of($which)] ? $of($which) : ""} }]]
    set group {}
    set last ""
    foreach frame $frames {
        set kind [word_of $frame 0]
        set key ""
        if {[string match "*pmessage*" $kind]} { set key [word_of $frame 2][word_of $frame 3] }
        if {$key eq "" || $key ne $last} { lappend out {*}[lsort $group]; set group {} }
        set last $key
        if {$key eq ""} { lappend out [bytes_of $frame] } else { lappend group [bytes_of $frame] }
    }
    lappend out {*}[lsort $group]
    if {!$any_order} { return $out }
    return [list [lsort [lmap frame $frames { word_of $frame 1 }]] \
        [lsort [lmap frame $frames { word_of $frame 2 }]] [llength $frames]]
}

# PING to name's connections of both, and what came in front of its answer.
proc came {name any_order} {
    set token token[incr ::told]
    pair_send $name [list PING $token]
    return [lmap fd [pair_fds $name] { in_one_order [frames_to $fd $token] $any_order }]
}
proc differs {what ours peer} {
    if {$ours eq $peer} { return "" }
    foreach x $ours y $peer { if {$x ne $y} break }
    return "$what\n        ours [printable $x]\n        peer [printable $y]"
}

# ---- ----

# Anew, when both know that the connection there was is gone.
proc joins {name} {
    pair_close $name
    if {[info exists ::ids($name)]} {
        foreach server [list $::ours $::peer] id $::ids($name) {
            wait_for { expr {[ask $server CLIENT LIST ID $id] eq ""} }
        }
    }
    set ::pair_setup [expr {[below 2] ? {{HELLO 3}} : {}}]
    set ::ids($name) [lmap fd [pair_fds $name] { request $fd CLIENT ID }]
}
# One after another on one connection, then what the others heard.
proc step {name commands} {
    set any_order [expr {[llength $commands] == 1 && [llength [lindex $commands 0]] == 1 &&
        [string match *UNSUBSCRIBE [lindex $commands 0 0]]}]
    if {[info exists ::env(TRACE)]} { puts "$name: [printable $commands]"; flush stdout }
    set heard [differs "$name heard" {*}[came $name 0]]
    if {$heard ne ""} { return $heard }
    if {[string match "PUBSUB *CHANNELS*" [lindex $commands 0]]} {
        return [compare sorted [lindex $commands 0] $name]
    }
    foreach words $commands { pair_send $name $words }
    if {[lindex $commands 0] ne "QUIT"} {
        return [differs "$name: $commands" {*}[came $name $any_order]]
    }
    set frames [lmap fd [pair_fds $name] { in_one_order [frames_to $fd \n\n] 0 }]
    joins $name
    return [differs QUIT {*}$frames]
}

foreach {kind config} {"" "" " with key events" "notify-keyspace-events KEA"} {
    case "random pub/sub of [llength $people] connections$kind (SEED=$seed)" {
        pair_start $config
        set told 0
        array unset ids
        foreach name $people { joins $name }
        for {set done 0} {$done < $count / 2} {} {
            set wrong {}
            for {set i 0} {$i < 10} {incr i} {
                set name [one_of $people]
                set line [one_of $lines]
                if {[regexp {^(EVAL|MULTI).*(publish|PUBLISH|SET )} $line]} { set name teller }
                if {$name eq "teller" && [regexp {^(MULTI ; |)[PS]?SUBSCRIBE} $line]} continue
                set commands [commands_of $line]
                incr done [llength $commands]
                lappend wrong [step $name $commands]
            }
            foreach name $people { lappend wrong [differs "$name heard" {*}[came $name 0]] }
            set wrong [lsearch -all -inline -not -exact $wrong ""]
            if {[llength $wrong]} { error "after $done:\n    [join $wrong "\n    "]" " " }
            if {[below 20] == 0} { joins [one_of $people] }
        }
        truth {$told > $count / 10}
    }
}

finish
