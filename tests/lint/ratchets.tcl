# SPDX-License-Identifier: BSD-3-Clause
# Figures that may only get better. ratchets.txt beside this script holds them; what is worse is a
# finding, and so is what is better and not yet written down (--write does that).
#
#   asserts FOLDER N      must(...) in a hundred functions
#   header FILE N         lines of a header that has more than 120
#   cycle FOLDER N        files (a .c and its .h are one) that include one another in a circle
#   links FOLDER N        object files that need one another in a circle, whatever they include
#   unused FUNCTION FILE  exported, but no other file of the program uses it
#   comment WORD FILE     a name in a comment that nothing in the tree has (an example's)
#
# And without exception: a document that a comment names is there, and who exports a function that
# only its own file uses has a test that calls it.
cd [file join [file dirname [info script]] .. ..]
set list tests/lint/ratchets.txt

proc slurp {path} { set f [open $path]; set text [read $f]; close $f; return $text }
set sources [lsort [concat [glob src/*/*.c] [glob src/*/*.h] [glob tools/*.c] [glob tools/*.h]]]
proc folder {path} {
    set parts [file split $path]
    return [lindex $parts [expr {[lindex $parts 0] eq "src"}]]
}

# ---- asserts ----
foreach path $sources {
    set text [slurp $path]
    set code [regsub -all {/\*.*?\*/} $text ""]
    dict incr functions [folder $path] [regexp -all -line {^\}$} $code]
    dict incr asserts [folder $path] [regexp -all {\mmust\(} $code]
    if {[file extension $path] eq ".h"} {
        set lines [expr {[llength [split $text \n]] - 1}]
        if {$lines > 120} { set now([list header $path]) $lines }
    }
    foreach name [regexp -all -inline {[a-zA-Z_-]+\.md} $text] {
        if {![file exists docs/$name] && ![file exists $name]} {
            puts "$path: names $name, which is not in the repository"
        }
    }
}
dict for {name n} $functions {
    set now([list asserts $name]) [expr {$n ? [dict get $asserts $name] * 100 / $n : 100}]
}

# ---- circles of includes: files that reach one another ----
proc stem {path} { return [file rootname $path] }
foreach path $sources {
    foreach {- name} [regexp -all -inline -line {^#include "([^"]+)"} [slurp $path]] {
        foreach dir {src .} {
            set to [stem [string trimleft $dir/$name ./]]
            if {[file exists $dir/$name] && $to ne [stem $path]} {
                dict set includes [stem $path] $to 1
            }
        }
    }
}
proc reached {edges from} {
    array set seen {}
    set todo [list $from]
    for {set i 0} {$i < [llength $todo]} {incr i} {
        set at [lindex $todo $i]
        if {![dict exists $edges $at]} continue
        foreach next [dict keys [dict get $edges $at]] {
            if {[info exists seen($next)]} continue
            set seen($next) 1
            lappend todo $next
        }
    }
    return [array get seen]
}
foreach at [dict keys $includes] {
    if {[dict exists [reached $includes $at] $at]} { dict incr circles [folder $at] }
}
if {[info exists circles]} {
    dict for {name n} $circles { set now([list cycle $name]) $n }
}

# ---- names in comments ----
set names {[A-Za-z0-9]+(?:_[A-Za-z0-9]+)+}
foreach path [concat $sources [glob tests/*/*.c tests/*/*.h tests/*/*.tcl tests/unit/*/*.c] \
        Makefile redis.conf src/LAYERS] {
    set known([file rootname [file tail $path]]) 1
    foreach word [regexp -all -inline $names [regsub -all {/\*.*?\*/} [slurp $path] ""]] {
        set known($word) 1
    }
}
foreach path $sources {
    foreach comment [regexp -all -inline {/\*.*?\*/} [slurp $path]] {
        foreach word [regexp -all -inline $names $comment] {
            if {![info exists known($word)]} { set now([list comment $word]) $path }
        }
    }
}

# ---- exported and used by nobody ----
set objects {}
foreach source $sources {
    set object build/obj/[file rootname $source].o
    if {[file extension $source] eq ".c" && [file exists $object]} { lappend objects $object } ;# run tells of it
}
foreach line [expr {[llength $objects] ? [split [exec nm -A {*}$objects] \n] : {}}] {
    if {![regexp {^build/obj/(.*)\.o:\s*[0-9a-f]*\s+([TU]) (\S+)$} $line -> stem kind name]} continue
    if {$kind eq "T"} { set exporter($name) $stem.c }
    if {$kind eq "U"} { set used($name) 1; dict set needs $stem.c $name 1 }
}
set tests ""
foreach path [glob tests/*/*.c tests/*/*.h tests/unit/*/*.c tests/unit/*/*.h] {
    append tests [slurp $path]
}
foreach name [array names exporter] {
    if {[info exists used($name)] || $name eq "main"} continue
    set now([list unused $name]) $exporter($name)
    if {![regexp "\\m$name\\M" $tests]} { puts "$exporter($name): $name is used by nobody" }
}

# ---- circles of links: object files of a folder that need one another ----
foreach source [expr {[info exists needs] ? [dict keys $needs] : {}}] {
    foreach name [dict keys [dict get $needs $source]] {
        if {![info exists exporter($name)] || $exporter($name) eq $source} continue
        if {[folder $exporter($name)] eq [folder $source]} {
            dict set links $source $exporter($name) 1
        }
    }
}
foreach at [expr {[info exists links] ? [dict keys $links] : {}}] {
    if {[dict exists [reached $links $at] $at]} { dict incr linked [folder $at] }
}
if {[info exists linked]} {
    dict for {name n} $linked { set now([list links $name]) $n }
}

# ---- beside what is written down ----
if {[lindex $argv 0] eq "--write"} {
    set f [open $list w]
    puts $f "# See ratchets.tcl."
    foreach key [lsort [array names now]] { puts $f "$key $now($key)" }
    close $f
    exit
}
foreach line [split [slurp $list] \n] {
    if {$line eq "" || [string match #* $line]} continue
    set written([lrange $line 0 1]) [lindex $line 2]
}
foreach key [lsort [array names now]] {
    lassign $key kind name
    set was [expr {[info exists written($key)] ? $written($key) : ""}]
    if {$was eq $now($key)} continue
    switch $kind {
        asserts { set worse [expr {$was ne "" && $now($key) < $was}] }
        unused - comment { set worse [expr {$was eq ""}] }
        default { set worse [expr {$was eq "" || $now($key) > $was}] }
    }
    if {$worse} {
        puts "$kind $name: $now($key)[expr {$was eq "" ? "" : ", it was $was"}]"
    } else {
        puts "$list: $kind $name is $now($key) now: write it down (tclsh tests/lint/ratchets.tcl --write)"
    }
}
foreach key [lsort [array names written]] {
    if {![info exists now($key)]} { puts "$list: $key is no longer so: write it down" }
}
