# SPDX-License-Identifier: BSD-3-Clause
# The commands of script/*.txt to our server and to the installed redis-server, in RESP2 and RESP3.
# A line is a Tcl list, the words of a command; before them may stand
#
#   @MODE                how the replies are compared (lib/pair.tcl), exact if not said
#   @on NAME             the connection; "main" if not said
#   @close NAME          (alone) closes that connection
#   @send NAME WORDS...  (alone) says a command there, and does not wait for the reply
#   @hear NAME           (alone) the reply to it
#   @over NAME           (alone) the reply to it, which comes when a time is over
#   @blocked N           (alone) waits until N clients wait for keys, at both
#   @later MS            (alone) that much passes, by the clocks of both
#   @ours REASON BYTES   a known difference: ours must be BYTES, the peer's something else
#
# Every file begins with an empty data set and fresh connections. TRACE=1 prints each line first.
source [file join [file dirname [info script]] ../integration/lib.tcl]
source [file join [file dirname [info script]] lib/pair.tcl]

proc script_line {line} {
    set mode exact
    set on main
    set want {}
    while {[string index [lindex $line 0] 0] eq "@"} {
        set line [lassign $line word]
        switch -- $word {
            @on { set line [lassign $line on] }
            @close { pair_close [lindex $line 0]; return "" }
            @send { pair_send [lindex $line 0] [lrange $line 1 end]; return "" }
            @hear { return [pair_hear exact [lindex $line 0] $line] }
            @over { return [pair_over [lindex $line 0] $line] }
            @blocked { pair_blocked [lindex $line 0]; return "" }
            @later { pair_later [lindex $line 0]; return "" }
            @ours { set line [lassign $line reason bytes]; set want [list $bytes] }
            default { set mode [string range $word 1 end] }
        }
    }
    if {$want eq ""} { return [compare $mode $line $on] }
    set fds [pair_fds $on]
    foreach fd $fds { send $fd {*}$line }
    lassign [lmap fd $fds { tree $fd }] x y
    set got [bytes_of $x]
    if {![string match [lindex $want 0] $got]} {
        return "[told $line $x $y]\n        want [printable [lindex $want 0]] ($reason)"
    }
    if {$got eq [bytes_of $y]} { return "[told $line $x $y]\n        no longer differs: $reason" }
    return ""
}

proc run_script {path} {
    set wrong {}
    set number 0
    pair_close
    foreach words {FLUSHALL {CONFIG RESETSTAT}} { compare kind $words }
    foreach line [split [slurp $path] \n] {
        incr number
        if {[string trim $line] eq "" || [string index $line 0] eq "#"} continue
        if {[info exists ::env(TRACE)]} { puts "[file tail $path]:$number $line"; flush stdout }
        set text [script_line $line]
        if {$text ne ""} { lappend wrong "[file tail $path]:$number $text" }
    }
    if {[llength $wrong]} { error "[llength $wrong] differ\n    [join $wrong "\n    "]" " " }
}

foreach resp {2 3} {
    foreach path [lsort [glob [file join [file dirname [info script]] script *.txt]]] {
        case "RESP$resp [file rootname [file tail $path]]" {
            set pair_setup [expr {$resp == 3 ? {{HELLO 3}} : {}}]
            pair_start
            run_script $path
        }
    }
}

# A line of CLIENT LIST: its fields in their order. 7.2 has two more at the end.
case "CLIENT INFO has the peer's fields, in its order" {
    pair_start
    foreach fd [pair_fds main] {
        lappend lines [lmap field [request $fd CLIENT INFO] { lindex [split $field =] 0 }]
    }
    lassign $lines a b
    is $a [concat $b {lib-name lib-ver}]
    unset lines
}

case "CLIENT REPLY OFF, SKIP and ON" {
    set pair_setup {}
    pair_start
    foreach fd [pair_fds main] {
        foreach words {{CLIENT REPLY SKIP} {PING} {SET a 1} {CLIENT REPLY OFF} {GET a} {PING}
                {CLIENT REPLY ON} {GET a}} {
            puts -nonewline $fd [encode $words]
        }
        flush $fd
        is [lmap i {1 2 3} { read_reply $fd }] {OK OK 1}
    }
}

# What is asked for in the midst of a transaction counts from there on, also behind replies of many
# blocks; a protocol error goes nowhere either.
case "CLIENT REPLY inside a transaction, and in front of one" {
    set pair_setup [list [list SET b [string repeat b 40000]] {SET a 1}]
    pair_start
    foreach sequence {
        {{CLIENT REPLY OFF} MULTI {GET b} {CLIENT REPLY ON} {INCR n} EXEC}
        {{CLIENT REPLY OFF} MULTI {GET b} {GET b} {CLIENT REPLY ON} {GET b} {INCR n} EXEC}
        {MULTI {GET a} {CLIENT REPLY OFF} EXEC {GET a} {CLIENT REPLY ON}}
        {MULTI {CLIENT REPLY OFF} {GET b} {GET a} EXEC {GET b} {CLIENT REPLY ON}}
        {MULTI PING {CLIENT REPLY OFF} PING {CLIENT REPLY ON} PING EXEC}
        {{CLIENT REPLY OFF} MULTI PING {CLIENT REPLY ON} PING EXEC}
        {MULTI {GET b} {CLIENT REPLY SKIP} {GET a} EXEC {GET a} {GET b}}
        {{CLIENT REPLY SKIP} MULTI {GET b} EXEC}
        {{CLIENT REPLY OFF} {GET b} {KEYS *} {COMMAND INFO get set} RESET {GET a}}
        {{CLIENT REPLY OFF} {KEYS *} {CLIENT REPLY SKIP} {CLIENT REPLY ON} {KEYS a}}
    } {
        set heard {}
        foreach fd [pair_fds main] {
            foreach words [concat $sequence {{ECHO the-end}}] { puts -nonewline $fd [encode $words] }
            flush $fd
            set bytes ""
            while {![string match "*the-end\r\n" $bytes]} {
                append bytes [read_line $fd] "\r\n"
            }
            lappend heard $bytes
        }
        is [lindex $heard 0] [lindex $heard 1]
    }
}

case "CLIENT KILL closes that connection, after its reply when it is one's own" {
    set pair_setup {}
    pair_start
    foreach fd [pair_fds main] other [pair_fds other] {
        is [request $fd CLIENT KILL ID [request $other CLIENT ID]] 1
        is [read $other] ""
        set id [request $fd CLIENT ID]
        is [request $fd CLIENT KILL ID $id SKIPME no] 1
        is [read $fd] ""
    }
}

# Without arguments, with one, with many: what the arity says. Not what stops or blocks a server.
case "wrong numbers of arguments, command by command" {
    set pair_setup {}
    pair_start
    set skip {shutdown debug reset quit save bgsave bgrewriteaof flushall flushdb swapdb config
        client
        command info memory object hello}
    set differ {}
    foreach name [lsort [ask $ours COMMAND LIST]] {
        if {$name in $skip || [llength [lindex [ask $peer COMMAND INFO $name] 0]] < 2} continue
        foreach count {0 1 2 3 13} {
            set arity [lindex [ask $ours COMMAND INFO $name] 0 1]
            if {$count + 1 == abs($arity) || ($arity < 0 && $count + 1 > -$arity)} continue
            set words [list $name {*}[lrepeat $count x]]
            set text [compare exact $words]
            if {$text ne ""} { lappend differ $text }
        }
    }
    is $differ {}
}

# What 7.2 or we do otherwise, and why.
set other_words {
    loglevel {"nothing" is a level since 7.2}
    maxmemory-samples {at most 64 since 7.2}
    proto-max-bulk-len {a string's bits are counted in 64 bits}
    dbfilename {a file has a name}
}
proc common_options {} {
    set mine [dict keys [ask $::ours CONFIG GET *]]
    return [lmap name [lsort [dict keys [ask $::peer CONFIG GET *]]] {
        if {$name ni $mine || [dict exists $::other_words $name]} continue
        set name
    }]
}

case "CONFIG SET of every option to what few of them take" {
    set pair_setup {}
    pair_start "enable-protected-configs yes"
    set differ {}
    foreach name [common_options] {
        if {$name in {bind port}} continue
        foreach value {"" abc -1 +1 " " 1.5 101% "a b" 0x10} {
            foreach s [list $ours $peer] {
                lappend before [lindex [ask $s CONFIG GET $name] 1]
            }
            # on " " ours takes away all save points
            if {"$name$value" ne "save "} {
                lappend differ {*}[compare exact [list CONFIG SET $name $value]]
                lappend differ {*}[compare kind [list CONFIG GET $name]]
            }
            foreach s [list $ours $peer] value $before { catch { ask $s CONFIG SET $name $value } }
            unset before
        }
    }
    is $differ {}
}

# Each line stands before one that both refuse: what is wrong, and where, must be the same.
proc line_verdict {binary line} {
    spit [file join $::tmp_root line.conf] "$line\nno-such-option\n"
    run timeout 180 $binary [file join $::tmp_root line.conf]
    return [string range $::run_output [string first "at line" $::run_output] end]
}

case "every option in a configuration file with too few words, too many, empty ones" {
    set pair_setup {}
    pair_start
    set ours_binary [file join $build redis-server]
    set count 0
    foreach name [common_options] {
        if {$sanitized && [incr count] % 16 != 0 && ![string match *or-* $name]} continue
        foreach words {"" " a b c d e f g" " \"\"" " a b"} {
            set got [line_verdict $ours_binary $name$words]
            set want [line_verdict $peer_binary $name$words]
            if {[string match "*' (more)*" $got]} { ;# ours ends where a password may stand
                foreach text {got want} { regsub {>>> '[^\n]*} [set $text] ">>>" $text }
            }
            truth {$got eq $want || [error "$name$words\n    ours $got\n    peer $want"]}
        }
    }
    foreach line {"rename-command" "rename-command a" "rename-command a b c" "user" "loadmodule"
        "sentinel x y" "include" "replicaof a 1x" "replicaof a 65536" "replicaof a 1"
        "replicaof no one" "bind \"127.0.0.1 ::1\"" "dir \"a b\"" "dir a b" "save 900"
        "client-output-buffer-limit \"normal 0 0 0\"" "shutdown-on-sigterm \"save now\""
        "shutdown-on-sigterm save nosave" "oom-score-adj-values \"0 200 2001\""
        "appenddirname a/b" "appendfilename a/b" "unixsocketperm 8"
    } {
        is [line_verdict $ours_binary $line] [line_verdict $peer_binary $line]
    }
    foreach rules {"" "on >x ~* &a +@all -@read +get|x -config|get (+get ~a) (%R~b)" "( +get ~a )"
        "#0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a"} {
        is [line_verdict $ours_binary "user bob $rules"] [line_verdict $peer_binary "user bob $rules"]
    }
}

finish
