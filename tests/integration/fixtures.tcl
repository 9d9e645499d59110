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
    set meta [meta_of $path]
    if {([dict exists $meta functions] && [dict get $meta functions] ne "") ||
        [regexp {repl-aux|v11-set-stream|functions} [file tail $path]]} {
        lappend words "*cannot hold function libraries*name=*"
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
    stop $s kill
    truth {[slurp $dir/dump.rdb] eq [slurp $path]}
    return loaded
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
foreach path $files {
    case "RDB file [file tail $path]" {
        incr outcome([check_file $path])
    }
}
case "both outcomes were seen" {
    if {![info exists env(ONLY_CASE)]} {
        truth {$outcome(loaded) >= 8 && $outcome(refused) >= 4}
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
        set rows [jsonl_rows $shared/$name.jsonl]
        if {[dict get [meta_of $shared/$name.jsonl] functions] ne ""} {
            # what comes first of what is not there yet, by its name
            refuses $dir $config {"*Unknown command 'FUNCTION'*doing run-command*"
                "*This server cannot hold function libraries yet: #!lua name=aoflib*"}
        } else {
            set s [server $config -dir $dir]
            same_dataset [dataset_of $s] [jsonl_dataset $rows]
            stop $s kill
        }
        set after [lmap file [lsort [glob $dir/appendonlydir/*]] { list $file [slurp $file] }]
        truth {$before eq $after}
    }
}

# The commands of a file of commands, without those whose name matches the pattern.
proc commands_without {text pattern} {
    set out ""
    set at 0
    while {$at < [string length $text]} {
        set end [string first "\r\n" $text $at]
        set line [string range $text $at $end-1]
        if {[string index $line 0] eq "#"} {
            append out "$line\r\n"
            set at [expr {$end + 2}]
            continue
        }
        set words {}
        set next [expr {$end + 2}]
        for {set n [string range $line 1 end]} {$n > 0} {incr n -1} {
            set end [string first "\r\n" $text $next]
            set len [string range $text $next+1 $end-1]
            lappend words [string range $text $end+2 [expr {$end + 1 + $len}]]
            set next [expr {$end + 4 + $len}]
        }
        if {![string match $pattern [lindex $words 0]]} {
            append out [string range $text $at $next-1]
        }
        set at $next
    }
    return $out
}

# The RDB file as the installed redis-server writes it when functions are gone.
proc rdb_without {path} {
    set dir [tmpdir]
    file copy $path $dir/dump.rdb
    file attributes $dir/dump.rdb -permissions u+w
    set s [server "save \"\"" -dir $dir -binary [lindex [auto_execok redis-server] 0]]
    ask $s FUNCTION FLUSH
    ask $s SAVE
    stop $s kill
    return [slurp $dir/dump.rdb]
}

# A copy of the set in a new directory, without commands of that name.
proc set_without {name pattern} {
    set dir [tmpdir]
    file copy $::shared/$name/appendonlydir $dir/appendonlydir
    file attributes $dir/appendonlydir -permissions u+w
    foreach path [glob $dir/appendonlydir/*.{aof,rdb}] {
        set bytes [slurp $path]
        if {[string match REDIS* $bytes]} {
            set bytes [rdb_without $path]
        } else {
            set bytes [commands_without $bytes $pattern]
        }
        file delete -force $path
        spit $path $bytes
    }
    return $dir
}

foreach name {redis70-aof-rdbbase redis70-aof-respbase} {
    if {![file exists $shared/$name.jsonl] || [auto_execok redis-server] eq ""} continue
    case "AOF set $name without functions: every key is there" {
        set s [server "save \"\"\nappendonly yes" -dir [set_without $name FUNCTION]]
        set stream_replayed 1
        set want [jsonl_dataset [jsonl_rows $shared/$name.jsonl]]
        truth {[llength $want] >= 40}
        same_dataset [dataset_of $s] $want
        set stream_replayed 0
        stop $s kill
    }
}

finish
