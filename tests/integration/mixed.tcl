# SPDX-License-Identifier: BSD-3-Clause
# Everything at once: random commands and transactions, expiry, rewrites, saves, settings changed
# live, the log switched off and on; then the server ends, by a signal or in order, and what it
# loads must be what it had. LONG runs for ten minutes. SEED repeats a run.
source [file join [file dirname [info script]] lib.tcl]
source [file join [file dirname [info script]] lib/chance.tcl]
source [file join [file dirname [info script]] lib/survives.tcl]
source [file join [file dirname [info script]] ../peer/lib/grammar.tcl]

set seconds [expr {$long ? 200 : 8}] ;# a policy

set settings {
    aof-use-rdb-preamble {yes no} aof-timestamp-enabled {yes no} aof-checksum {yes no}
    rdbcompression {yes no} rdbchecksum {yes no} rdb-block-checksum {yes no}
    hash-max-listpack-entries {4 128} zset-max-listpack-entries {4 128}
    list-max-listpack-size {3 -2} set-max-intset-entries {4 512} lazyfree-lazy-user-del {yes no}
    no-appendfsync-on-rewrite {yes no} activedefrag {no}
}

# Sent at once; errors are replies like others.
proc run_all {s commands} {
    set fd $::connections($s,main)
    foreach words $commands { puts -nonewline $fd [encode $words] }
    flush $fd
    foreach words $commands { read_reply $fd 0 }
}

proc random_batch {} {
    set commands {}
    foreach item [batch 40] { lappend commands [lrange $item 1 end] }
    lappend commands [list SET short:[below 20] v PX [expr {1 + [below 40]}]]
    return $commands
}

proc disturb {s} {
    switch [below 12] {
        0 - 1 { catch { ask $s BGREWRITEAOF } }
        2 - 3 { catch { ask $s BGSAVE } }
        4 {
            ask $s CONFIG SET appendonly no
            if {[below 2]} { run_all $s [random_batch] }
            no_child $s
            ask $s CONFIG SET appendonly yes
            no_child $s
        }
        5 { ask $s DEBUG RELOAD }
        default {
            set name [one_of [dict keys $::settings]]
            catch { ask $s CONFIG SET $name [one_of [dict get $::settings $name]] }
        }
    }
}

# What is about to expire has expired and is deleted, and no key expires from here on.
proc settled_digest {s} {
    after 50 ;# the short ones live for less
    bury $s
    return [ask $s DEBUG DIGEST]
}

foreach policy {always everysec no} {
    case "what was there is there after each end, appendfsync $policy (SEED=$seed)" {
        set config "save \"\"\nappendonly yes\nappendfsync $policy\nenable-debug-command yes"
        append config "\nauto-aof-rewrite-percentage 50\nauto-aof-rewrite-min-size 30kb"
        set s [server $config]
        set rounds 0
        set end [expr {[clock seconds] + $seconds}]
        while {[clock seconds] < $end || $rounds < 3} {
            set large [below 2]
            ask $s PING
            for {set i 0} {$i < 20} {incr i} {
                run_all $s [random_batch]
                if {[below 4] == 0} { disturb $s }
            }
            ask $s SELECT 0
            set digest [settled_digest $s]
            set contents [contents $s]
            set how [one_of {kill kill term NOSAVE}]
            no_child $s
            set s [restart $s $how $config]
            same_contents $contents [contents $s]
            is [ask $s DEBUG DIGEST] $digest
            incr rounds
        }
        survives $s
        puts "figures: $policy: $rounds restarts, [ask $s DBSIZE] keys at the end"
    }
}

finish
