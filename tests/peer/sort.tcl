# SPDX-License-Identifier: BSD-3-Clause
# SORT of many elements, which other ways of sorting are used for than for few: numbers with equals,
# signs and fractions, texts, weights by other keys, LIMIT that asks for few and for many.
source [file join [file dirname [info script]] ../integration/lib.tcl]
source [file join [file dirname [info script]] lib/pair.tcl]

proc some {n kind} {
    set all {}
    for {set i 0} {$i < $n} {incr i} {
        switch $kind {
            few { lappend all [expr {int(rand() * 20) - 10}] }
            whole { lappend all [expr {int(rand() * 2000000000) - 1000000000}] }
            fraction { lappend all [format %.3f [expr {rand() * 200 - 100}]] }
            odd { lappend all [lindex {-0 0 +0 0.0 1e3 1000 -1e300 inf -inf 0x10 16 1e-300 5 -5} [expr {int(rand() * 14)}]] }
            text { lappend all [format %c%c%d [expr {97 + int(rand() * 5)}] [expr {65 + int(rand() * 5)}] $i] }
        }
    }
    return $all
}

foreach kind {few whole fraction odd text} {
    case "SORT of $kind" {
        set pair_setup {}
        pair_start
        foreach n {1 63 64 65 700} {
            set all [some $n $kind]
            foreach words [list FLUSHALL [list RPUSH l {*}$all] [list SADD s {*}$all]] {
                is [compare exact $words] ""
            }
            # Weights that are texts differ: the peer leaves equals in any order.
            for {set i 0} {$i < $n} {incr i [expr {$kind eq "text" ? 1 : 3}]} {
                set weight [expr {$kind eq "text" ? ($i * 7919) % 100003 : int(rand() * 50)}]
                compare exact [list SET w_[lindex $all $i] $weight]
            }
            foreach from {l s} {
                foreach order {{} DESC} {
                    foreach how [expr {$kind eq "text" ? {ALPHA {BY w_*} {BY w_* ALPHA} {BY w_* GET # GET w_*}} :
                                                         {{} ALPHA {BY w_*}}}] {
                        foreach limit {{} {LIMIT 0 3} {LIMIT 5 10} {LIMIT 60 1000} {LIMIT 0 0} {LIMIT 1000 5}} {
                            set line [list SORT $from {*}$how {*}$order {*}$limit STORE d]
                            set differs [compare exact $line][compare exact {LRANGE d 0 -1}]
                            truth {$differs eq "" || [error "$line of $n: $differs"]}
                        }
                    }
                }
            }
        }
        stop $ours
        stop $peer
    }
}

finish
