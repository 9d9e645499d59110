# SPDX-License-Identifier: BSD-3-Clause
# redis.conf tells the truth: it starts a server, names every option once, and what it shows as a
# default is one. Its own rule makes it readable by a program: "#name value" is an option, "# text"
# is not.
source [file join [file dirname [info script]] lib.tcl]

set conf [split [slurp [file join $root redis.conf]] \n]
set later_mark "# ---- Known, but not acting yet"

# The option lines, in order: name, value as written, commented?, behind the last mark?
set options {}
set later 0
foreach line $conf {
    if {[string match "$later_mark*" $line]} { set later 1 }
    if {[regexp {^(#?)([a-z][a-z0-9_-]*) +(.*)$} $line -> hash name value]} {
        lappend options $name [list $value [expr {$hash ne ""}] $later]
    }
}

# What a test's server needs for itself.
set own {port bind dir logfile}
# Old names of options that have a newer one.
set old_names {slave|ziplist|^lua-time-limit$}

# All option lines as they would act, but those a test's server needs: as the text of a file.
proc all_lines {} {
    set text ""
    foreach {name about} $::options {
        if {$name ni $::own} { append text "$name [lindex $about 0]\n" }
    }
    return $text
}

case "the file starts a server as it is" {
    set s [server [slurp [file join $root redis.conf]]]
    is [ask $s PING] PONG
    is [ask $s CONFIG GET bind] {bind {127.0.0.1 -::1}}
    is [ask $s CONFIG GET protected-mode] {protected-mode yes}
    set said [regsub -all -line {^.* WARNING .*; ignore-warnings\)$} [log_of $s] ""] ;# the machine's
    truth {![string match "*WARNING*" $said] && ![string match "*does not act*" [log_of $s]]}
    is [ask $s CONFIG REWRITE] OK
    stop $s term
}

case "every line is an option, explanation or empty" {
    foreach line $conf {
        truth {[regexp {^$|^# |^#$|^#?[a-z][a-z0-9_-]* +[^ ]} $line] || [error "what is: $line"]}
        truth {[string length $line] <= 100 || [error "too long: $line"]}
        truth {![regexp {[ \t]$} $line] || [error "blanks at the end: $line"]}
    }
}

case "only bind and dir differ from what is built in" {
    set active {}
    foreach {name about} $options { if {![lindex $about 1]} { lappend active $name } }
    is [lsort $active] {bind dir}
}

case "every option is there, once" {
    set s [server]
    set known {}
    foreach {name value} [ask $s CONFIG GET *] {
        if {![regexp $old_names $name]} { lappend known $name }
    }
    set named {}
    foreach {name about} $options { lappend named $name }
    foreach name $known { truth {$name in $named || [error "not in the file: $name"]} }
    foreach name $named { truth {$name in $known || [error "not an option: $name"]} }
    is [llength $named] [llength $known]
}

case "the values shown are the built-in ones" {
    set plain [server]
    set shown [server [all_lines]]
    array set want [ask $plain CONFIG GET *]
    array set got [ask $shown CONFIG GET *]
    foreach name [array names want] {
        if {$name in $own} continue
        truth {$got($name) eq $want($name) ||
               [error "$name: the file says [::shown $got($name)], built in is [::shown $want($name)]"]}
    }
    array set written $options
    is [lindex $written(port) 0] 6379
    is [lindex $written(logfile) 0] {""}
    is [lindex $written(dir) 0] ./
}

case "what stands under \"not acting yet\" says so when it is set, the rest does not" {
    set s [server [all_lines]]
    set text [log_of $s]
    foreach {name about} $options {
        set warned [string match "*Option '$name' is accepted and kept, but does not act*" $text]
        if {$name in $own || $warned == [lindex $about 2]} continue
        error "$name [expr {$warned ? "does not act" : "acts"}]: it belongs into another section"
    }
}

finish
