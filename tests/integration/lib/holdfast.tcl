# SPDX-License-Identifier: BSD-3-Clause
# The offline tools as a user runs them, and files for them. Needs lib.tcl.

set holdfast [file join $build holdfast]

# Runs a verb, which must end with that code: standard output alone. Errors are in ::said.
proc tool {code args} {
    set out [tmpdir]/out
    set got [catch { exec timeout 300 $::holdfast {*}$args >$out 2>$out.err </dev/null } - options]
    if {$got} {
        set error [dict get $options -errorcode]
        set got [expr {[lindex $error 0] eq "CHILDSTATUS" ? [lindex $error 2] : -1}]
    }
    set ::said [slurp $out.err]
    if {$got != $code} { error "exit code $got, not $code: [slurp $out] $::said" }
    return [slurp $out]
}
# What a server has now, as a file.
proc saved {s} {
    ask $s SAVE
    set path [tmpdir]/saved.rdb
    file copy [of $s dir]/dump.rdb $path
    return $path
}
