# SPDX-License-Identifier: BSD-3-Clause
# Reads the .jsonl beside a fixture: one key a line, as fixtures/README.md has it.
#
#   foreach row [jsonl_rows $path] { dict get $row key ... }
#
# Objects become dicts, arrays lists, null the word null; byte strings stay base64.

# The value that begins at $at of $text; moves at behind it.
proc json_value {text at_name} {
    upvar 1 $at_name at
    switch -- [string index $text $at] {
        "\{" - "\[" { return [json_members $text at] }
        "\"" { return [json_text $text at] }
    }
    if {![regexp -start $at {\A(?:null|true|false|-?[0-9.]+(?:[eE][-+]?[0-9]+)?)} $text word]} {
        error "no JSON at $at: [string range $text $at $at+20]"
    }
    incr at [string length $word]
    return $word
}

proc json_text {text at_name} {
    upvar 1 $at_name at
    regexp -indices -start $at {\A"(?:[^"\\]|\\.)*"} $text found
    lassign $found from to
    set at [expr {$to + 1}]
    set inside [string range $text $from+1 $to-1]
    if {[string first \\ $inside] < 0} { return $inside }
    return [subst -nocommands -novariables [string map {\\/ /} $inside]]
}

proc json_members {text at_name} {
    upvar 1 $at_name at
    set object [expr {[string index $text $at] eq "\{"}]
    set members {}
    incr at
    while {[string first [string index $text $at] "\}\]"] < 0} {
        if {$object} {
            lappend members [json_text $text at]
            incr at
        }
        lappend members [json_value $text at]
        if {[string index $text $at] eq ","} { incr at }
    }
    incr at
    return $members
}

proc json {text} {
    # blanks between members, in files made for people
    regsub -all {([\{\[,:])\s+(?=(?:[^"]*"[^"]*")*[^"]*$)} $text {\1} text
    regsub -all {\s+([\}\]])} $text {\1} text
    set at 0
    return [json_value $text at]
}

proc jsonl_rows {path} {
    set rows {}
    foreach line [split [string trim [slurp $path]] \n] {
        set at 0
        lappend rows [json_value $line at]
    }
    return $rows
}

proc from_base64 {text} { binary decode base64 $text }

# A stream as stream_of (dataset.tcl) gives it. Files before version 11 do not tell when a consumer
# was active: as when it was seen.
proc jsonl_stream {value} {
    set all [lmap name {length last_id max_deleted_id entries_added first_id} {
        dict get $value $name
    }]
    lappend all [lmap entry [dict get $value entries] {
        list [lindex $entry 0] [concat {*}[lmap field [lindex $entry 1] {
            list [from_base64 [lindex $field 0]] [from_base64 [lindex $field 1]]
        }]]
    }]
    foreach group [dict get $value groups] {
        set consumers [lmap who [dict get $group consumers] {
            set active [dict get $who active_time]
            if {$active eq "null"} { set active [dict get $who seen_time] }
            stream_consumer [from_base64 [dict get $who name]] [dict get $who seen_time] $active \
                [dict get $who pel]
        }]
        set pending [lmap row [dict get $group pel] {
            lassign $row id who ms count
            list $id [from_base64 $who] $ms $count
        }]
        lappend all [stream_group [from_base64 [dict get $group name]] [dict get $group last_id] \
            [string map {null (nil)} [dict get $group entries_read]] $pending $consumers]
    }
    return $all
}

# A value as value_of (dataset.tcl) gives it.
proc jsonl_value {type value} {
    switch $type {
        string { return [from_base64 $value] }
        list { return [lmap v $value { from_base64 $v }] }
        set { return [lsort [lmap v $value { from_base64 $v }]] }
        zset {
            set rows {}
            foreach row $value {
                lassign $row member - bits
                if {$bits eq "8000000000000000"} { set bits 0000000000000000 }
                lappend rows [from_base64 $member] $bits
            }
            return $rows
        }
        stream { return [jsonl_stream $value] }
        hash {
            set rows {}
            foreach row $value {
                lappend rows [from_base64 [lindex $row 0]] [from_base64 [lindex $row 1]]
            }
            return [lsort -stride 2 $rows]
        }
    }
    error "a $type"
}

# Rows as dataset_of gives them, without the keys that are past their time.
proc jsonl_dataset {rows} {
    set now [clock milliseconds]
    set set {}
    foreach row $rows {
        dict with row {
            if {$pexpireat eq "null"} { set pexpireat -1 }
            if {$pexpireat eq "past" || ($pexpireat != -1 && $pexpireat < $now)} continue
            lappend set [list $db [from_base64 $key] $type $pexpireat [jsonl_value $type $value]]
        }
    }
    return [lsort -integer -index 0 [lsort -index 1 $set]]
}

# What of it this server has no place for: module, fields (those that expire).
proc jsonl_cannot_hold {rows} {
    set what {}
    foreach row $rows {
        set type [dict get $row type]
        if {$type eq "module"} { dict set what $type 1 }
        if {$type ne "hash"} continue
        foreach field [dict get $row value] {
            if {[lindex $field 2] ne "null"} { dict set what fields 1 }
        }
    }
    return [dict keys $what]
}
