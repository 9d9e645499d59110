# SPDX-License-Identifier: BSD-3-Clause
# For tests that say random commands to both servers: SEED in the environment repeats a run, COUNT
# says how long it is. Needs ../../integration/lib.tcl and pair.tcl.
if {$peer_binary eq ""} { error "redis-server is not installed: make test-deps" }
set seed [expr {[info exists env(SEED)] ? $env(SEED) : [clock microseconds] % 1000000007}]
expr {srand($seed)}

# How many, without COUNT: usually, with a sanitizer, with LONG.
proc chance_count {usual sanitized long} {
    if {[info exists ::env(COUNT)]} { return $::env(COUNT) }
    return [expr {$::long ? $long : $::sanitized ? $sanitized : $usual}]
}
proc below {n} { return [expr {int(rand() * $n)}] }
proc one_of {list} { return [lindex $list [below [llength $list]]] }
# One command on both; it must be answered by the same bytes.
proc both {words} {
    set differs [compare exact $words]
    if {$differs ne ""} { error $differs " " }
}
