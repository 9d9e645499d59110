# SPDX-License-Identifier: BSD-3-Clause
# JSON to Tcl: an object becomes a dict, an array a list, a string, number or word itself (null,
# true and false stay words). Whoever reads must know what he expects. Run alone it tests itself.
#
#   set d [json_parse $text]

proc json_parse {text} {
    set at 0
    set value [json_value $text at]
    json_skip $text at
    if {$at != [string length $text]} { error "JSON: text behind the value, at $at" }
    return $value
}

proc json_skip {text atVar} {
    upvar 1 $atVar at
    regexp -indices -start $at {\A[ \t\r\n]*} $text range
    set at [expr {[lindex $range 1] + 1}]
}

proc json_take {text atVar what} {
    upvar 1 $atVar at
    json_skip $text at
    if {[string index $text $at] ne $what} { error "JSON: no $what at $at" }
    incr at
}

# Elements up to the closing sign, each read by the script.
proc json_elements {text atVar close script} {
    upvar 1 $atVar at
    set all {}
    json_skip $text at
    if {[string index $text $at] eq $close} { incr at; return {} }
    while 1 {
        lappend all {*}[uplevel 1 $script]
        json_skip $text at
        if {[string index $text $at] eq $close} { incr at; return $all }
        json_take $text at ,
    }
}

proc json_value {text atVar} {
    upvar 1 $atVar at
    json_skip $text at
    switch -- [string index $text $at] {
        "\{" {
            incr at
            return [json_elements $text at "\}" {
                json_skip $text at
                set name [json_string $text at]
                json_take $text at :
                list $name [json_value $text at]
            }]
        }
        "\[" {
            incr at
            return [json_elements $text at "\]" { list [json_value $text at] }]
        }
        "\"" { return [json_string $text at] }
    }
    set plain {\A(?:-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|true|false|null)}
    if {![regexp -indices -start $at $plain $text range]} {
        error "JSON: no value at $at"
    }
    set at [expr {[lindex $range 1] + 1}]
    return [string range $text {*}$range]
}

proc json_string {text atVar} {
    upvar 1 $atVar at
    if {![regexp -indices -start $at {\A"((?:[^"\\]|\\.)*)"} $text range inner]} {
        error "JSON: no string at $at"
    }
    set at [expr {[lindex $range 1] + 1}]
    return [subst -nocommands -novariables [string map {\\/ /} [string range $text {*}$inner]]]
}

if {[info exists argv0] && [file normalize $argv0] eq [file normalize [info script]]} {
    set failed 0
    foreach {text want} {
        {[]} {} { {} } {} {[1, -2.5e3 ,null]} {1 -2.5e3 null} {"a\"b\\c\n\u00e9"} "a\"b\\c\n\u00e9"
        {{"a": {"b": [1, "x y"]}, "c": true}} {a {b {1 {x y}}} c true}
    } {
        if {[json_parse $text] ne $want} { incr failed; puts "FAIL $text: [json_parse $text]" }
    }
    foreach text [list "" "\x7b" "\x5b\"a\"" {{"a" 1}} {[1 2]} {1 2} "\"a"] {
        if {![catch { json_parse $text }]} { incr failed; puts "FAIL accepted: $text" }
    }
    puts "[expr {12 - $failed}] passed, $failed failed"
    exit [expr {$failed > 0}]
}
