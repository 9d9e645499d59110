# SPDX-License-Identifier: BSD-3-Clause
# Two servers side by side, ours and the installed redis-server, and replies compared as raw bytes.
# Needs ../../integration/lib.tcl. A reply is read as a tree: {head children}; a leaf's head is all
# its bytes. How a pair of replies is compared is called its mode:
#
#   exact      the same bytes
#   sorted     the same elements of one array or set, in any order (also inside EXEC's reply)
#   pairs      the same, the elements taken two by two (HGETALL)
#   scan       {cursor, elements in any order, each once}     scanpairs   two by two
#   doubles    exact, but numbers may be written in other digits
#   shape      the same kind and number of elements, all the way down; their bytes are random
#   stream     what XINFO says, but for when a consumer was seen and nodes of the tree
#   kind       the same first byte (for texts of one's own)

set peer_binary [lindex [auto_execok redis-server] 0]
if {$peer_binary eq ""} { error "redis-server is not installed: make test-deps" }

# Starts both; ours writes payloads the peer understands. Sets ours and peer. Their clocks stand
# still, at the same time, until pair_later: no second begins between one's reply and the other's.
proc pair_start {{config ""}} {
    set common "save \"\"\nappendonly no\nenable-debug-command yes\n$config"
    set ::pair_dirs [list [tmpdir] [tmpdir]]
    set ::pair_now_us [clock microseconds]
    pair_later 0
    lassign $::pair_dirs mine theirs
    set ::ours [clock_server "$common\nrdb-target-version 10" -dir $mine]
    set ::peer [clock_server $common -dir $theirs -binary $::peer_binary]
    pair_close
}
proc pair_later {ms} {
    incr ::pair_now_us [expr {$ms * 1000}]
    foreach dir $::pair_dirs { set_clock_in $dir 0 $::pair_now_us }
}

# Named connections to both, made when first used; every one begins with the setup commands.
set pair_setup {}
proc pair_fds {name} {
    if {![info exists ::pair($name)]} {
        set ::pair($name) [list [connect $::ours] [connect $::peer]]
        foreach fd $::pair($name) {
            foreach words $::pair_setup { send $fd {*}$words; tree $fd }
        }
    }
    return $::pair($name)
}
proc pair_close {{name *}} {
    foreach key [array names ::pair $name] {
        foreach fd $::pair($key) { catch { close $fd } }
        unset ::pair($key)
    }
}

proc tree {fd {begun ""}} {
    set line $begun[gets $fd]
    if {$line eq "" && [eof $fd]} { return {(closed) {}} }
    set n [string range $line 1 end-1]
    switch -- [string index $line 0] {
        $ - = {
            if {$n < 0} { return [list $line\n {}] }
            return [list $line\n[read $fd [expr {$n + 2}]] {}]
        }
        * - ~ - > { set count $n }
        % { set count [expr {2 * $n}] }
        | { set count [expr {2 * $n + 1}] }
        default { return [list $line\n {}] }
    }
    set children {}
    for {set i 0} {$i < $count} {incr i} { lappend children [tree $fd] }
    return [list $line\n $children]
}

proc bytes_of {node} {
    lassign $node head children
    foreach child $children { append head [bytes_of $child] }
    return $head
}

proc shape_of {node} {
    lassign $node head children
    if {[string index $head 0] in {* ~ % >}} {
        foreach child $children { append head [shape_of $child] }
        return $head
    }
    return [expr {[string range $head 0 2] eq "\$-1" ? "nil" : [string index $head 0]}]
}

proc sorted_by {children step} {
    set all {}
    for {set i 0} {$i < [llength $children]} {incr i $step} {
        set text ""
        foreach child [lrange $children $i [expr {$i + $step - 1}]] {
            append text [bytes_of $child]
        }
        lappend all $text
    }
    return [lsort $all]
}

# XINFO's fields that are since 7.2, or mean something else.
set stream_times {seen-time active-time idle inactive radix-tree-nodes}
proc without_times {node} {
    lassign $node head children
    set kept {}
    for {set i 0} {$i < [llength $children]} {incr i} {
        set child [lindex $children $i]
        if {[lindex [split [lindex $child 0] "\r\n"] 2] in $::stream_times} { incr i; continue }
        lappend kept [without_times $child]
    }
    if {[llength $kept] < [llength $children]} { set head "fields\n" }
    return [list $head $kept]
}

# A RESP3 map or array of pairs is one element a pair already.
proc canon {mode node} {
    lassign $node head children
    switch -glob $mode {
        exact { return [bytes_of $node] }
        shape { return [shape_of $node] }
        kind { return [string index $head 0] }
        sorted { return $head[join [sorted_by $children 1] ""] }
        pairs {
            set step [expr {[string index [lindex $children 0 0] 0] eq "*" ? 1 : 2}]
            return $head[join [sorted_by $children $step] ""]
        }
        stream { return [bytes_of [without_times $node]] }
        scan - scanpairs {
            if {[llength $children] != 2} { return [bytes_of $node] }
            set step [expr {$mode eq "scan" ? 1 : 2}]
            set all [lsort -unique [sorted_by [lindex $children 1 1] $step]]
            return "$head[bytes_of [lindex $children 0]][join $all ""]"
        }
    }
    error "no such mode: $mode"
}

proc same_doubles {a b} {
    lassign $a head children
    lassign $b other others
    set form {^(?:\$\d+\r\n|,)(-?[0-9.]+(?:e[-+]?\d+)?)\r\n$}
    if {$head ne $other &&
        (![regexp $form $head -> x] || ![regexp $form $other -> y] || $x != $y)} { return 0 }
    if {[llength $children] != [llength $others]} { return 0 }
    foreach child $children sibling $others { if {![same_doubles $child $sibling]} { return 0 } }
    return 1
}

# 7.0 prints 17 digits of a double, 7.2 the fewest that mean the same one.
proc fewer_digits {a b} {
    lassign $a head children
    lassign $b other others
    if {[llength $children] != [llength $others]} { return 0 }
    if {$head ne $other} {
        set form {^(?:\$\d+\r\n|,)(-?[0-9.]+(?:e[-+]?\d+)?)\r\n$}
        if {![regexp $form $head -> x] || ![regexp $form $other -> y] || $x != $y ||
            $y ne [format %.17g $x] || [string length $x] >= [string length $y]} { return 0 }
    }
    foreach child $children sibling $others { if {![fewer_digits $child $sibling]} { return 0 } }
    return 1
}

proc equal {mode a b} {
    if {$mode eq "doubles"} { return [same_doubles $a $b] }
    return [expr {[canon $mode $a] eq [canon $mode $b] ||
        ($mode eq "exact" && [fewer_digits $a $b])}]
}

proc printable {bytes} {
    set out ""
    foreach c [split [string range $bytes 0 500] ""] {
        scan $c %c code
        if {$c eq "\r"} { append out \\r } elseif {$c eq "\n"} { append out \\n
        } elseif {$code < 32 || $code > 126} { append out [format \\x%02x $code]
        } else { append out $c }
    }
    return $out
}
# Long replies from shortly before their first difference.
proc told {words ours peer} {
    set x [bytes_of $ours]
    set y [bytes_of $peer]
    set end [expr {min([string length $x], [string length $y])}]
    for {set i 0} {$i < $end && [string index $x $i] eq [string index $y $i]} {incr i} {}
    set from [expr {max(0, $i - 250)}]
    return "[printable [join $words { }]]
        ours [printable [string range $x $from end]]
        peer [printable [string range $y $from end]]"
}

# One command on both. Returns "" or what differs.
proc compare {mode words {on main}} {
    pair_send $on $words
    return [pair_hear $mode $on $words]
}
# One command on both; it must be answered by the same bytes.
proc both {words} {
    set differs [compare exact $words]
    if {$differs ne ""} { error $differs " " }
}
proc pair_send {on words} {
    foreach fd [pair_fds $on] { send $fd {*}$words }
}
proc pair_hear {mode on words} {
    lassign [lmap fd [pair_fds $on] { tree $fd }] x y
    if {[lindex $x 0] eq "(closed)" || [lindex $y 0] eq "(closed)"} { pair_close $on }
    return [expr {[equal $mode $x $y] ? "" : [told $words $x $y]}]
}
# The reply to what waits for a time: the peer's clock, which counts, is set on until it comes.
proc pair_over {on words} {
    lassign [pair_fds $on] a b
    set x [tree $a]
    fconfigure $b -blocking 0
    while {[set begun [read $b 1]] eq ""} {
        pair_later 100
        after 10
    }
    fconfigure $b -blocking 1
    set y [tree $b $begun]
    return [expr {[equal exact $x $y] ? "" : [told $words $x $y]}]
}
# Until so many clients wait, at both: what is said next on another connection finds them waiting.
proc pair_blocked {n} {
    foreach server [list $::ours $::peer] {
        wait_for { expr {[info_of $server blocked_clients] == $n} }
    }
}
