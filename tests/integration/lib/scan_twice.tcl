# SPDX-License-Identifier: BSD-3-Clause
# A program: stands in front of a server whose table changes its size while it is scanned. Each reply
# to SCAN has its keys twice, and those of the reply before once more. Who scans again on the same
# connection after values were asked for finds a key more, late:N.
#   tclsh scan_twice.tcl PORT TARGET       says "ready"; ends with its standard input
lassign $argv port target

# The bytes of a reply.
proc reply_bytes {fd} {
    set line [gets $fd]
    if {[eof $fd]} { error closed }
    set all $line\n
    set n [string trim [string range $line 1 end]]
    switch [string index $line 0] {
        * { for {set i 0} {$i < $n} {incr i} { append all [reply_bytes $fd] } }
        $ { if {$n >= 0} { append all [read $fd [expr {$n + 2}]] } }
    }
    return $all
}
proc ask_bytes {bytes} {
    puts -nonewline $::to $bytes
    flush $::to
    return [reply_bytes $::to]
}
# A reply to SCAN: its keys, as they lie there.
proc more_keys {reply} {
    if {![regexp {^(\*2\r\n\$\d+\r\n\d+\r\n)\*(\d+)\r\n(.*)$} $reply -> head n keys]} { return $reply }
    set all "$keys$keys$::keys_before"
    set count [expr {2 * $n + $::count_before}]
    set ::keys_before $keys
    set ::count_before $n
    return "$head*$count\r\n$all"
}
proc pass {fd} {
    set request [reply_bytes $fd]
    set scans [regexp -nocase {^\*\d+\r\n\$4\r\nSCAN\r\n\$\d+\r\n(\d+)\r\n} $request -> cursor]
    if {$scans && $cursor eq "0"} {
        set ::keys_before ""
        set ::count_before 0
        if {$::dumped} {
            set name late:[incr ::late]
            ask_bytes "*3\r\n\$3\r\nSET\r\n\$[string length $name]\r\n$name\r\n\$1\r\nv\r\n"
        }
    }
    if {[regexp -nocase {^\*\d+\r\n\$4\r\nDUMP\r\n} $request]} { set ::dumped 1 }
    set reply [ask_bytes $request]
    if {$scans} { set reply [more_keys $reply] }
    puts -nonewline $fd $reply
    flush $fd
}
proc accept {fd args} {
    if {[info exists ::to]} { close $::to }
    set ::to [socket 127.0.0.1 $::target]
    set ::dumped 0
    foreach each [list $fd $::to] { fconfigure $each -translation binary -buffering full }
    while {![eof $fd]} {
        if {[catch { pass $fd }]} break
    }
    catch { close $fd }
}
socket -server accept -myaddr 127.0.0.1 $port
fileevent stdin readable { if {[gets stdin line] < 0} exit }
puts ready
flush stdout
vwait forever
