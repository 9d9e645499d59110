# SPDX-License-Identifier: BSD-3-Clause
# Files of real servers and handmade ones: the server starts on each that it has a place for, and
# what clients then read is the .jsonl beside it; on the others it says what it cannot hold, ends
# with code 1 and leaves the file as it is. FIXTURES_SHARED names the larger collection.
source [file join [file dirname [info script]] lib.tcl]
source [file join [file dirname [info script]] lib/dataset.tcl]
source [file join [file dirname [info script]] lib/jsonl.tcl]

proc files_like {args} {
    set found {}
    foreach pattern $args { lappend found {*}[lsort [glob -nocomplain $pattern]] }
    return $found
}

proc meta_of {path} {
    set meta [file rootname $path].meta.json
    return [expr {[file exists $meta] ? [json [slurp $meta]] : {}}]
}

proc rows_of {path} {
    set rows [file rootname $path].jsonl
    if {![file exists $rows]} { set rows [string map {-nolzf ""} $rows] }
    return [jsonl_rows $rows]
}

# The words with which it may refuse, as patterns; nothing when it is to start.
proc refusal_of {path rows} {
    set words {}
    foreach what [jsonl_cannot_hold $rows] {
        lappend words {*}[switch $what {
            fields { list "*cannot hold hash fields that expire*key \"*" }
            module { list "*The module '*' that owns this value is not loaded*key \"*" \
                         "*The module '*' that owns this auxiliary data is not loaded*" }
        }]
    }
    if {[string match *v14-streams* $path]} {
        lappend words "*cannot hold what a stream knows of producers*key \"*"
    }
    if {[string match *module-aux* $path]} {
        lappend words "*The module 'testmod-A' that owns this auxiliary data is not loaded*"
    }
    return $words
}

proc refuses {dir config patterns} {
    lassign [server $config -dir $dir -fails 1] code said
    is $code 1
    foreach pattern $patterns {
        if {[string match $pattern $said]} return
    }
    error "said $said"
}

proc check_file {path} {
    set rows [rows_of $path]
    set dir [tmpdir]
    file copy $path $dir/dump.rdb
    set refusal [refusal_of $path $rows]
    if {$refusal ne ""} {
        refuses $dir "" $refusal
        truth {[slurp $dir/dump.rdb] eq [slurp $path]}
        return refused
    }
    set config "save \"\""
    if {[regexp {l[rf]u} [file tail $path] kind]} {
        append config "\nmaxmemory-policy allkeys-$kind"
    }
    set s [server $config -dir $dir]
    check_access $s [meta_of $path] ;# before a read touches them
    same_dataset [dataset_of $s] [jsonl_dataset $rows]
    check_libraries $s [meta_of $path]
    stop $s kill
    truth {[slurp $dir/dump.rdb] eq [slurp $path]}
    return loaded
}

# The function libraries, if the file is described with any, are there to the byte.
proc check_libraries {s meta} {
    if {![dict exists $meta functions]} return
    set want [lmap library [dict get $meta functions] {
        list [dict get $library name] [from_base64 [dict get $library code]]
    }]
    is [libraries_of $s] [lsort $want]
}

proc libraries_of {s} {
    return [lsort [lmap library [ask $s FUNCTION LIST WITHCODE] {
        list [dict get $library library_name] [dict get $library library_code]
    }]]
}

# Idle times and frequencies came along. The seconds since, and decay, may show.
proc check_access {s meta} {
    foreach {member asked slack} {idletime IDLETIME {$got >= $want && $got <= $want + 60}
                                  freq FREQ {$got == $want || $got == $want - 1}} {
        if {![dict exists $meta $member]} continue
        # A server keeps one of the two, as its policy says.
        set keeps_freq [string match *lfu [lindex [ask $s CONFIG GET maxmemory-policy] 1]]
        if {$keeps_freq != ($member eq "freq")} continue
        dict for {key want} [dict get $meta $member] {
            set got [ask $s OBJECT $asked $key]
            if $slack continue
            error "OBJECT $asked $key: $got, wanted $want"
        }
    }
}

set files [files_like $root/fixtures/rdb/*.rdb $shared/*.rdb $shared/handmade/*.rdb]
case "the collection is there" {
    truth {[llength $files] >= [expr {[file exists $shared] ? 70 : 15}]}
}
# Small files are read in turns with taking them in; by a thread of its own it is the same.
foreach way {no yes} {
    foreach path $files {
        case "RDB file [file tail $path], rdb-load-ahead $way" {
            set more_config "rdb-load-ahead $way"
            incr outcome([check_file $path])
        }
    }
}
set more_config ""
case "both outcomes were seen" {
    if {![info exists env(ONLY_CASE)]} {
        truth {$outcome(loaded) >= 16 && $outcome(refused) >= 8}
    }
}

foreach path [files_like $shared/*dump-payloads.jsonl] {
    case "RESTORE of [file tail $path]" {
        set s [server {save ""}]
        foreach row [jsonl_rows $path] {
            set key [from_base64 [dict get $row key]]
            set dump [from_base64 [dict get $row dump]]
            set refused [catch { ask $s RESTORE $key 0 $dump REPLACE } text]
            if {[jsonl_cannot_hold [list $row]] ne ""} {
                truth {$refused}
                like $text "ERR This server cannot hold *"
            } elseif {$refused} {
                error "[printable $key]: $text"
            } else {
                set type [dict get $row type]
                is [ask $s TYPE $key] $type
                is [value_of $s $type $key] [jsonl_value $type [dict get $row value]]
            }
        }
        stop $s kill
    }
}

foreach path [files_like $shared/*.functiondump.bin] {
    case "FUNCTION RESTORE of [file tail $path]" {
        set s [server {save ""}]
        set described [string range $path 0 end-[string length .functiondump.bin]].meta.json
        is [ask $s FUNCTION RESTORE [slurp $path]] OK
        check_libraries $s [json [slurp $described]]
        stop $s kill
    }
}

# ---- append-only files ----

foreach path [files_like $shared/*-aof-*.meta.json] {
    set name [string range [file tail $path] 0 end-10]
    case "AOF set $name" {
        set dir [tmpdir]
        file copy $shared/$name/appendonlydir $dir/appendonlydir
        set manifest [file tail [lindex [glob $dir/appendonlydir/*.manifest] 0]]
        set stem [string map {\" \\\"} [string range $manifest 0 end-9]]
        set config "save \"\"\nappendonly yes\nappendfilename \"$stem\"\naof-disable-auto-gc yes"
        set before [lmap file [lsort [glob $dir/appendonlydir/*]] { list $file [slurp $file] }]
        set s [server $config -dir $dir]
        set stream_replayed 1
        same_dataset [dataset_of $s] [jsonl_dataset [jsonl_rows $shared/$name.jsonl]]
        set stream_replayed 0
        check_libraries $s [json [slurp $path]]
        stop $s kill
        set after [lmap file [lsort [glob $dir/appendonlydir/*]] { list $file [slurp $file] }]
        truth {$before eq $after}
    }
}

finish
