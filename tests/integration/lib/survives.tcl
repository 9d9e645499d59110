# SPDX-License-Identifier: BSD-3-Clause
# A data set is the same after everything that a server does with it: saved and loaded, replayed
# from the log, rewritten as a dump and as commands, dumped key by key and restored, and in other
# encodings. Needs ../lib.tcl, a server with appendonly yes, and DEBUG.

# No child lives or is asked for.
proc no_child {s} {
    wait_for { expr {[info_of $s aof_rewrite_in_progress] == 0 &&
                     [info_of $s rdb_bgsave_in_progress] == 0 &&
                     [info_of $s aof_rewrite_scheduled] == 0} }
}

# What a stream shows of itself, but for when a consumer was seen, which the log does not tell, and
# how its nodes are cut.
set untold {seen-time active-time radix-tree-keys radix-tree-nodes}
proc told_of {fields} {
    set all {}
    foreach {name value} $fields {
        if {$name in $::untold} continue
        if {$name in {groups consumers}} { set value [lmap each $value { told_of $each }] }
        lappend all $name $value
    }
    return $all
}

# Each key of databases 0 and 1: type, expiry, digest, what else tells of it; the bytes DUMP gives.
proc contents {s} {
    set all {}
    foreach db {1 0} {
        ask $s SELECT $db
        foreach key [lsort [ask $s KEYS *]] {
            set type [ask $s TYPE $key]
            set told [expr {$type eq "stream" ? [told_of [ask $s XINFO STREAM $key FULL COUNT 0]] : ""}]
            dict set all "$db $key" [list $type [ask $s PEXPIRETIME $key] \
                [ask $s DEBUG DIGEST-VALUE $key] $told [ask $s DUMP $key]]
        }
    }
    return $all
}
proc same_contents {was is} {
    set differ {}
    foreach key [lsort -unique [concat [dict keys $was] [dict keys $is]]] {
        set pair {}
        foreach side [list $was $is] {
            lappend pair [expr {[dict exists $side $key] ? [dict get $side $key] : "none"}]
        }
        if {[lrange [lindex $pair 0] 0 3] ne [lrange [lindex $pair 1] 0 3]} {
            lappend differ "$key: [shown [lindex $pair 0]] became [shown [lindex $pair 1]]"
        }
    }
    if {[llength $differ]} { error [join $differ "\n    "] }
}

# What has expired is deleted: SCAN does that.
proc bury {s} {
    foreach db {1 0} {
        ask $s SELECT $db
        ask $s SCAN 0 COUNT 1000000000
        is [ask $s DBSIZE] [llength [ask $s KEYS *]]
    }
}

proc same_after {s what script} {
    set was [contents $s]
    set digest [ask $s DEBUG DIGEST]
    uplevel 1 $script
    if {[catch { same_contents $was [contents $s] } text]} { error "$what: $text" }
    if {[ask $s DEBUG DIGEST] ne $digest} { error "$what: another digest" }
}

# Each key into a database of its own, and back in place of itself.
proc restore_all {s} {
    foreach db {1 0} {
        ask $s SELECT $db
        foreach key [ask $s KEYS *] {
            set bytes [ask $s DUMP $key]
            set at [ask $s PEXPIRETIME $key]
            is [ask $s RESTORE $key [expr {max($at, 0)}] $bytes REPLACE ABSTTL] OK
        }
    }
}

# Small and large encodings: what is loaded has the one that the settings say.
set encodings {
    hash-max-listpack-entries {1 100000} zset-max-listpack-entries {1 100000}
    set-max-listpack-entries {1 100000} set-max-intset-entries {1 100000}
    list-max-listpack-size {1 1000} stream-node-max-entries {1 100000}
}
proc encodings_of {s} {
    ask $s SELECT 0
    return [lmap key [lsort [ask $s KEYS *]] { ask $s OBJECT ENCODING $key }]
}

proc survives {s} {
    bury $s
    no_child $s
    same_after $s "saved and loaded" { is [ask $s DEBUG RELOAD] OK }
    same_after $s "replayed" { is [ask $s DEBUG LOADAOF] OK }
    set form [lindex [ask $s CONFIG GET aof-use-rdb-preamble] 1]
    foreach preamble {no yes} {
        same_after $s "rewritten, preamble $preamble" {
            ask $s CONFIG SET aof-use-rdb-preamble $preamble
            ask $s BGREWRITEAOF
            no_child $s
            is [ask $s DEBUG LOADAOF] OK
        }
    }
    ask $s CONFIG SET aof-use-rdb-preamble $form
    same_after $s "restored" { restore_all $s }
    foreach i {0 1} {
        foreach {name values} $::encodings {
            lappend before $name [lindex [ask $s CONFIG GET $name] 1]
            ask $s CONFIG SET $name [lindex $values $i]
        }
        same_after $s "loaded into other encodings" { is [ask $s DEBUG RELOAD] OK }
        lappend ways [encodings_of $s]
        same_after $s "restored in other encodings" { restore_all $s }
        foreach {name value} $before { ask $s CONFIG SET $name $value }
        unset before
    }
    return $ways
}
