# SPDX-License-Identifier: BSD-3-Clause
# What Redis 7.2 says of its commands, options and INFO fields, and what we say of ours. The tables
# of facts lie outside the repository: where there are none the cases are told as skipped; a table
# that is missing beside others is a failure.
source [file join [file dirname [info script]] lib.tcl]
source [file join [file dirname [info script]] json.tcl]

set facts [file join $shared .. facts]

proc fact_text {name} {
    set path [file join $::facts $name]
    if {![file exists $path]} { error "there is no $path" }
    return [encoding convertfrom utf-8 [slurp $path]]
}
proc fact_case {name body} {
    if {[file isdirectory $::facts]} {
        case $name $body
    } else {
        puts "skipped: $name: there are no tables in $::facts"
    }
}

# One fact: what differs is noted, all of it is told at the end.
proc same {where got want} {
    if {$got ne $want} { lappend ::differ "$where: [shown $got], not [shown $want]" }
}
proc told_differences {} {
    if {[llength $::differ]} {
        set text "[llength $::differ] differ\n    [join [lrange $::differ 0 60] "\n    "]"
        error $text " "
    }
}
proc get {dict key {else ""}} {
    return [expr {[dict exists $dict $key] ? [dict get $dict $key] : $else}]
}

# ---- commands ----

proc same_key_specs {name got want} {
    same "$name key specs" [llength $got] [llength $want]
    foreach ours $got theirs $want {
        same "$name key flags" [lsort [get $ours flags]] [lsort [get $theirs flags]]
        foreach part {begin_search find_keys} {
            same "$name $part" [get [get $ours $part] type] [get [get $theirs $part] type]
            set spec [get [get $theirs $part] spec]
            dict for {key value} $spec {
                same "$name $part $key" [get [get [get $ours $part] spec] $key] $value
            }
        }
    }
}

proc same_info {name info fact} {
    lassign $info its_name arity flags first last step acl tips specs subs
    same "$name name" $its_name $name
    foreach {key value} [list arity $arity first_key $first last_key $last step $step] {
        same "$name $key" $value [dict get $fact $key]
    }
    foreach {key value} [list flags $flags acl $acl tips $tips] {
        same "$name $key" [lsort $value] [lsort [dict get $fact $key]]
    }
    same_key_specs $name $specs [dict get $fact key_specs]
    foreach sub $subs { same_command_info [lindex $sub 0] $sub [get $fact subcommands] }
}

proc same_command_info {name info facts_of} {
    if {[dict exists $facts_of $name]} { same_info $name $info [dict get $facts_of $name] }
}

proc same_arguments {name got want} {
    same "$name arguments" [lmap a $got { get $a name }] [lmap a $want { get $a name }]
    foreach ours $got theirs $want {
        set where "$name argument [get $theirs name]"
        foreach key {type display_text token since deprecated_since key_spec_index} {
            same "$where $key" [get $ours $key] [get $theirs $key]
        }
        same "$where flags" [lsort [get $ours flags]] [lsort [get $theirs flags]]
        same_arguments $where [get $ours arguments] [get $theirs arguments]
    }
}

# Texts are our own words: they must be there.
proc same_docs {name docs fact} {
    foreach key {group since deprecated_since replaced_by} {
        same "$name $key" [get $docs $key] [get $fact $key]
    }
    same "$name doc_flags" [get $docs doc_flags] [get $fact doc_flags]
    same "$name has a summary" [expr {[get $docs summary] ne ""}] 1
    same "$name has a complexity" [dict exists $docs complexity] [dict exists $fact complexity]
    same_arguments $name [get $docs arguments] [get $fact arguments]
    dict for {sub its_docs} [get $docs subcommands] {
        if {[dict exists $fact subcommands $sub]} {
            same_docs $sub $its_docs [dict get $fact subcommands $sub]
        }
    }
}

fact_case "COMMAND INFO and COMMAND DOCS of every command that 7.2 has, too" {
    set known [json_parse [fact_text commands-7.2.json]]
    set s [server]
    set differ {}
    set count 0
    foreach info [ask $s COMMAND] {
        set name [lindex $info 0]
        if {![dict exists $known $name]} continue
        incr count
        set fact [dict get $known $name]
        same_info $name $info $fact
        same_docs $name [dict get [ask $s COMMAND DOCS $name] $name] $fact
    }
    truth {$count > 150}
    is [llength [ask $s COMMAND]] [ask $s COMMAND COUNT]
    is [dict size [ask $s COMMAND DOCS]] [ask $s COMMAND COUNT]
    told_differences
}

# ---- options ----

# What the test's own server is started with, or depends on the machine.
set set_by_test {port bind dir logfile unixsocket pidfile}

fact_case "every option of 7.2 is known, with its default" {
    set s [server]
    set differ {}
    foreach line [split [string trimright [fact_text config-7.2.tsv] \n] \n] {
        lassign [split $line \t] name value
        set got [ask $s CONFIG GET $name]
        if {[llength $got] != 2} { lappend differ "$name is not known"; continue }
        if {$name in $set_by_test} continue
        same $name [lindex $got 1] $value
    }
    told_differences
}

# ---- INFO ----

fact_case "every field of 7.2's INFO is there, in its section" {
    set s [server]
    set differ {}
    set section ""
    # What the server of the facts had been asked: its counters are fields, too.
    foreach words {COMMAND {COMMAND COUNT} {COMMAND DOCS get} {COMMAND INFO get} {CONFIG GET port}
            HELLO} {
        ask $s {*}$words
    }
    foreach line [split [ask $s INFO everything] \n] {
        set line [string trim $line]
        if {[regexp {^# (.*)} $line -> section]} continue
        if {[regexp {^([^:]+):} $line -> field]} { set ours($section,$field) 1 }
    }
    foreach line [split [fact_text info-7.2.txt] \n] {
        if {[regexp {^# (.*)} $line -> section]} continue
        set field [string trim $line]
        if {$field eq "" || [info exists ours($section,$field)]} continue
        lappend differ "$section: no $field"
    }
    told_differences
}

finish
