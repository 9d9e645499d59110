# SPDX-License-Identifier: BSD-3-Clause
# HyperLogLog against the installed redis-server: the same commands make the same bytes, sparse and
# dense, whatever hll-sparse-max-bytes says, also of sketches that a client made up, and after the
# log is replayed. SEED repeats a run; COUNT is how many commands (LONG: 100000).
source [file join [file dirname [info script]] ../integration/lib.tcl]
source [file join [file dirname [info script]] lib/pair.tcl]
source [file join [file dirname [info script]] ../integration/lib/chance.tcl]
source [file join [file dirname [info script]] ../integration/lib/survives.tcl]

set count [chance_count 4000 1500 100000]
puts "seed $seed"
set limits {3000 18 0 60 700 3000 16000}

proc any_of {args} { return [one_of $args] }
proc same_bytes {keys} { foreach key $keys { both [list GET $key] } }

# Elements: few that come again, many, long ones, any bytes.
proc element {} {
    switch [below 6] {
        0 { return e[below 20] }
        1 { return [string repeat [format %c [expr {97 + [below 26]}]] [below 40]] }
        2 { return [binary format ww [below 1000000] [below 1000000]] }
        default { return e[below 1000000] }
    }
}
proc elements {n} {
    set all {}
    for {set i 0} {$i < $n} {incr i} { lappend all [element] }
    return $all
}

case "sketches fill up, and are the same bytes on the way (SEED=$seed)" {
    set pair_setup {}
    pair_start
    foreach limit $limits {
        both [list CONFIG SET hll-sparse-max-bytes $limit]
        foreach step {1 7 60 900} {
            both {DEL h}
            for {set i 0} {$i < ($long ? 400 : 40)} {incr i} {
                both [list PFADD h {*}[elements $step]]
                same_bytes h
                if {$i % 4 == 0} { both {PFCOUNT h}; same_bytes h }
            }
        }
    }
}

# A sparse sketch that no server wrote: neighbours that could be joined, runs longer or shorter than
# need be. damage: something may be wrong with it.
proc made_up {damage} {
    set bytes [binary format a4cx3w HYLL 1 [any_of 0 5 -9223372036854775808]]
    set left 16384
    set dense [any_of 1 4 40]
    while {$left > 0} {
        set n [expr {min($left, [below $dense] ? 1 + [below 4] : 1 + [below 3000])}]
        if {$n <= 4 && [below 3]} {
            append bytes [binary format c [expr {0x80 | [any_of 0 0 1 1 2 31] << 2 | ($n - 1)}]]
        } elseif {$n <= 64 && [below 4]} {
            append bytes [binary format c [expr {$n - 1}]]
        } else {
            append bytes [binary format S [expr {0x4000 | ($n - 1)}]]
        }
        incr left -$n
    }
    if {$damage} {
        switch [below 4] {
            0 { append bytes [any_of \x80 \x00 \x40\x00] }
            1 { # a last run of one byte goes
                if {$n <= 4 && [string index $bytes end] >= "\x80"} {
                    set bytes [string range $bytes 0 end-1]
                } }
            2 { set bytes [string replace $bytes 4 4 [any_of \x00 \x02]] }
            3 { set bytes [string range $bytes 0 [expr {16 + 2 * [below 20]}]]\x80 }
        }
    }
    return $bytes
}

case "sketches that a client made up (SEED=$seed)" {
    set pair_setup {}
    pair_start
    for {set i 0} {$i < $count / 20} {incr i} {
        both [list CONFIG SET hll-sparse-max-bytes [any_of 3000 40000 100000]]
        both [list SET h [made_up 0]]
        both [list SET g [made_up 0]]
        for {set k 0} {$k < 10} {incr k} {
            both [list PFADD h {*}[elements [any_of 1 2 20]]]
            same_bytes h
        }
        both {PFMERGE h g}
        both {PFCOUNT g h}
        both {PFCOUNT h}
        both {PFDEBUG DECODE g}
        same_bytes {h g}
        # An element alone: with several ours looks at all runs before it adds any.
        both [list SET bad [made_up 1]]
        foreach words {{PFCOUNT bad} {PFCOUNT bad g} {PFMERGE g bad} {PFADD bad x} {PFADD bad y}
            {PFADD bad} {PFDEBUG TODENSE bad}} {
            both $words
            same_bytes {bad g}
        }
    }
}

# A short sketch that a client set is embstr until a command works with it.
case "which commands leave a raw string" {
    set pair_setup {}
    pair_start
    set short [binary format a4cx11S HYLL 1 0x7fff]
    set damaged [binary format a4cx11S HYLL 1 0x5fff]
    foreach sketch [list $short $damaged] {
        foreach words {{PFADD s} {PFADD s x} {PFADD s x y} {PFCOUNT s} {PFCOUNT s s} {PFCOUNT s o}
            {PFMERGE o s} {PFMERGE s} {PFMERGE s o} {PFDEBUG ENCODING s} {PFDEBUG DECODE s}
            {PFDEBUG GETREG s} {PFDEBUG TODENSE s} {PFDEBUG none s} {GET s} {COPY s t}} {
            both {DEL s o t}
            both [list SET s $sketch]
            both {PFADD o a}
            both {OBJECT ENCODING s}
            both $words
            both {OBJECT ENCODING s}
            both {OBJECT ENCODING t}
            same_bytes {s o}
        }
    }
}

proc step {} {
    set K {[any_of a b c d e]}
    switch [below 14] {
        0 - 1 - 2 - 3 - 4 { return [list PFADD [subst $K] {*}[elements [any_of 0 1 1 2 30 500]]] }
        5 { return [list PFCOUNT [subst $K]] }
        6 { return [list PFCOUNT [subst $K] [subst $K] [subst $K]] }
        7 { return [list PFMERGE [subst $K] [subst $K]] }
        8 { return [list PFMERGE [subst $K] [subst $K] [subst $K] none] }
        9 { return [list [any_of GET STRLEN TYPE TTL] [subst $K]] }
        10 { return [list COPY [subst $K] [subst $K] REPLACE] }
        11 { return [any_of [list EXPIRE [subst $K] 1000] [list OBJECT ENCODING [subst $K]]] }
        12 { if {[below 4]} { return {EXISTS a b c d e} }
             return [list [any_of DEL UNLINK] [subst $K]] }
        13 { return [any_of [list PFDEBUG [any_of ENCODING TODENSE DECODE GETREG] [subst $K]] \
                 [list CONFIG SET hll-sparse-max-bytes [any_of {*}$::step_limits]] \
                 [list SET [subst $K] [any_of [made_up 0] [made_up 0] text 12]]] }
    }
}

case "random commands (SEED=$seed)" {
    set pair_setup {{HELLO 3}}
    set step_limits $limits
    pair_start
    for {set i 1} {$i <= $count} {incr i} {
        both [step]
        if {$i % 50 == 0} { same_bytes {a b c d e} }
    }
}

# With one limit: when a sketch is made dense is not logged.
case "sketches survive (SEED=$seed)" {
    set pair_setup {}
    set step_limits 1000
    pair_start "appendonly yes\nappendfsync no\nhll-sparse-max-bytes 1000"
    for {set i 1} {$i <= $count} {incr i} {
        both [step]
        if {$i % 50 == 0} { same_bytes {a b c d e} }
        if {$i % ($count / 4)} continue
        survives $ours
        both {DEBUG RELOAD} ;# a short sketch that was loaded is embstr, one that was written is raw
    }
}

# The count is kept in the value, which is logged; while a child lives it is not.
case "PFCOUNT keeps the count, but not while a child lives" {
    set s [held_server "save \"\"\nappendonly yes\nenable-debug-command yes"]
    ask $s PFADD h a b c
    set unknown [ask $s GET h]
    is [ask $s PFCOUNT h] 3
    set known [ask $s GET h]
    truth {$known ne $unknown}
    ask $s SET h $unknown
    ask $s BGSAVE
    is [ask $s PFCOUNT h] 3
    is [ask $s GET h] $unknown
    release $s
    wait_for {expr {[info_of $s rdb_bgsave_in_progress] == 0}}
    is [ask $s PFCOUNT h] 3
    is [ask $s GET h] $known
    ask $s DEBUG LOADAOF
    is [ask $s GET h] $known
}

finish
