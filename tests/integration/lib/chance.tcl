# SPDX-License-Identifier: BSD-3-Clause
# For tests that say random commands: SEED in the environment repeats a run, COUNT says how long it
# is. Needs ../lib.tcl.
set seed [expr {[info exists env(SEED)] ? $env(SEED) : [clock microseconds] % 1000000007}]
expr {srand($seed)}

# How many, without COUNT: usually, with a sanitizer, with LONG.
proc chance_count {usual sanitized long} {
    if {[info exists ::env(COUNT)]} { return $::env(COUNT) }
    return [expr {$::long ? $long : $::sanitized ? $sanitized : $usual}]
}
proc below {n} { return [expr {int(rand() * $n)}] }
proc one_of {list} { return [lindex $list [below [llength $list]]] }
