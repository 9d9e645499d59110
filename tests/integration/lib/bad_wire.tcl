# SPDX-License-Identifier: BSD-3-Clause
# A program: a wire to a server that is as bad as its standard input says.
#   tclsh bad_wire.tcl PORT TARGET      says "ready"; ends with its standard input
#
#   cut             all connections end
#   slow MS RATE    each piece comes so many milliseconds late, and so many bytes a second; 0: as it is
#   still           nothing goes on, in either direction, until slow or cut
lassign $argv port target
set late 0
set rate 0
set still 0
set ends {}

proc drop {a b} {
    foreach fd [list $a $b] {
        catch { close $fd }
        set ::ends [lsearch -all -inline -not -exact $::ends $fd]
    }
}
proc pass {from to} {
    if {$::still} {
        fileevent $from readable {}
        after 50 [list resume $from $to]
        return
    }
    if {[catch { read $from 16384 } bytes] || ($bytes eq "" && [eof $from])} {
        drop $from $to
        return
    }
    set ms [expr {$::rate ? max($::late, [string length $bytes] * 1000 / $::rate) : $::late}]
    if {!$ms} {
        if {[catch { puts -nonewline $to $bytes }]} { drop $from $to }
        return
    }
    fileevent $from readable {}
    after $ms [list pass_late $from $to $bytes]
}
proc pass_late {from to bytes} {
    if {[catch { puts -nonewline $to $bytes }]} { drop $from $to; return }
    resume $from $to
}
proc resume {from to} { catch { fileevent $from readable [list pass $from $to] } }
proc accept {fd args} {
    if {[catch { socket 127.0.0.1 $::target } to]} { close $fd; return }
    lappend ::ends $fd $to
    foreach {from other} [list $fd $to $to $fd] {
        fconfigure $from -translation binary -buffering none -blocking 0
        resume $from $other
    }
}
proc told {} {
    if {[gets stdin line] < 0} { if {[eof stdin]} exit; return }
    switch [lindex $line 0] {
        cut { foreach {a b} $::ends { drop $a $b } }
        slow { lassign $line -> ::late ::rate; set ::still 0 }
        still { set ::still 1 }
    }
}
fconfigure stdin -blocking 0
fileevent stdin readable told
socket -server accept -myaddr 127.0.0.1 $port
puts ready
flush stdout
vwait forever
