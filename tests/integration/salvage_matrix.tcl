# SPDX-License-Identifier: BSD-3-Clause
# What holdfast salvage saves of damaged files: tests/tools/salvage_matrix over files of real
# servers and a set of several blocks. A small part of it always; under LONG=1 more of it, written to
# tests/tools/RESULTS.md when WRITE_RESULTS is set.
source [file join [file dirname [info script]] lib.tcl]

set matrix [file join $build tests-tools salvage_matrix]
set seed [expr {[info exists env(SEED)] ? $env(SEED) : int(rand() * 1000000)}]

proc text_of {n} {
    set words {}
    for {set i 0} {$i < $n} {incr i} { lappend words [expr {int(rand() * 100000)}] }
    return $words
}

# About 3 MiB of every type, in two databases; path of the dump.
proc mixed_set {handle keys} {
    set many {}
    foreach db {0 3} {
        append many [encode [list SELECT $db]]
        for {set i 0} {$i < $keys} {incr i} {
            append many [switch [expr {$i % 12}] {
                0 - 1 - 2 - 3 { encode [list SET number:$i $i] }
                4 - 5 - 6 { encode [list SET text:$i [text_of 30]] }
                7 { encode [list HSET hash:$i {*}[text_of 20]] }
                8 { encode [list RPUSH list:$i {*}[text_of 60]] }
                9 { encode [list SADD set:$i {*}[text_of 25]] }
                10 { encode [list ZADD zset:$i 1 [text_of 1] 2.5 b 3 c] }
                11 { encode [list XADD stream:$i 1-1 field [text_of 10]] }
            }]
        }
        append many [encode [list RPUSH large:list {*}[text_of 20000]]] \
            [encode [list SADD large:set {*}[text_of 5000]]] \
            [encode [list HSET large:hash {*}[text_of 5000]]] \
            [encode [list PEXPIRE number:0 100000000000]]
    }
    set c [connect $handle]
    puts -nonewline $c $many
    flush $c
    set replies [expr {2 * ($keys + 5)}]
    for {set i 0} {$i < $replies} {incr i} { read_reply $c }
    close $c
    ask $handle SAVE
    return [of $handle dir]/dump.rdb
}

# Collections that lie element by element, short fields and numbers, among short strings: what
# lies in them reads most like keys.
proc plain_set {handle keys} {
    foreach {option value} {hash-max-listpack-entries 0 set-max-intset-entries 0
        set-max-listpack-entries 0 zset-max-listpack-entries 0} {
        ask $handle CONFIG SET $option $value
    }
    set many {}
    for {set i 0} {$i < $keys} {incr i} {
        append many [encode [list SET user:$i v[format %08d $i]]] \
            [encode [list HSET fields f$i $i]] [encode [list SADD members $i]]
        if {$i % 10 == 0} {
            append many [encode [list HSET hash:$i a $i b [expr {$i * 7}] c x]] \
                [encode [list ZADD zset:$i $i m$i]]
        }
    }
    set c [connect $handle]
    puts -nonewline $c $many
    flush $c
    for {set i 0} {$i < 3 * $keys + 2 * (($keys + 9) / 10)} {incr i} { read_reply $c }
    close $c
    ask $handle SAVE
    return [of $handle dir]/dump.rdb
}

proc run_matrix {trials args} {
    set code [run timeout 3000 $::matrix -n $trials -S $::seed {*}$args]
    if {$code} { error "seed $::seed: $::run_output" }
    return $::run_output
}

case "a few trials over files of every version" {
    set sets {}
    foreach path [lsort [glob $root/fixtures/rdb/*.rdb]] {
        lappend sets [file rootname [file tail $path]]=$path
    }
    like [run_matrix 2 {*}$sets] "*passed, 0 failed"
}

case "a few trials over a set of several blocks" {
    set s [server "save \"\""]
    like [run_matrix 2 mixed=[mixed_set $s 6000]] "*passed, 0 failed"
    ask $s FLUSHALL
    like [run_matrix 2 plain=[plain_set $s 20000]] "*passed, 0 failed"
}

if {$long} {
    case "the whole matrix" {
        set s [server "save \"\""]
        set plain [server "save \"\""]
        set sets [list mixed=[mixed_set $s 20000] plain=[plain_set $plain 60000]]
        foreach path [lsort [glob -nocomplain $root/fixtures/rdb/*.rdb $shared/*.rdb]] {
            lappend sets [file rootname [file tail $path]]=$path
        }
        set to [expr {[info exists env(WRITE_RESULTS)] ? [list -o $root/tests/tools/RESULTS.md]
                                                       : {}}]
        like [run_matrix 40 {*}$to {*}$sets] "*passed, 0 failed"
    }
}

finish
