# SPDX-License-Identifier: BSD-3-Clause
# What was acknowledged is replayed, whatever the limits and names of commands are at the next
# start; what cannot be replayed is told, never passed over in silence.
source [file join [file dirname [info script]] lib.tcl]

set field [file join $root fixtures field]
set alone "save \"\"\nenable-debug-command yes"

# A data directory whose log is one base-less set with these increments.
proc log_of_parts {args} {
    set dir [tmpdir]
    file mkdir $dir/appendonlydir
    set manifest ""
    set n 0
    foreach bytes $args {
        spit $dir/appendonlydir/appendonly.aof.[incr n].incr.aof $bytes
        append manifest "file appendonly.aof.$n.incr.aof seq $n type i\n"
    }
    spit $dir/appendonlydir/appendonly.aof.manifest $manifest
    return $dir
}
proc commands {args} {
    set bytes ""
    foreach words $args { append bytes [encode $words] }
    return $bytes
}
proc increments {dir} {
    set bytes ""
    foreach file [lsort [glob $dir/appendonlydir/*.incr.aof]] { append bytes [slurp $file] }
    return $bytes
}
proc digest {s} { return [ask $s DEBUG DIGEST] }

# ---- limits ----

foreach transaction {no yes} {
    case "lower limits for clients do not reach what is in the log (in MULTI: $transaction)" {
        set config "$alone\nappendonly yes\nproto-max-bulk-len 1mb"
        set s [server $config]
        ask $s CONFIG SET proto-max-bulk-len 8mb
        if {$transaction} { ask $s MULTI }
        ask $s SET a 1
        ask $s SETRANGE range 2000000 x
        ask $s APPEND range [string repeat y 1500000]
        ask $s SETBIT bit 16777216 1
        ask $s BITFIELD field SET u8 #3000000 200 INCRBY i64 20000000 7 GET u8 #4000000
        ask $s BITOP NOT bits bit
        ask $s SET whole [string repeat z 3000000]
        if {$transaction} { ask $s EXEC }
        set digest [digest $s]
        # Everything else that limits clients, too.
        append config "\nmaxmemory 2mb\nmaxclients 3\nclient-query-buffer-limit 1mb"
        append config "\nclient-output-buffer-limit normal 1kb 0 0"
        set s [restart $s kill $config]
        is [digest $s] $digest
        is [info_of $s aof_load_errors_skipped] 0
        ask $s CONFIG SET maxmemory 0
        like [error_of $s SETRANGE range 2000000 x] "*proto-max-bulk-len*"
        like [error_of $s SETBIT bit 16777216 1] "*bit offset*"
        like [error_of $s BITFIELD field SET u8 #3000000 200] "*bit offset*"
        is [run $::build/redis-check-aof [of $s dir]/appendonlydir/appendonly.aof.manifest] 0
    }
}

case "a log in which 7.2 would lose a command of a transaction" {
    set dir [log_of_parts [slurp $field/multi-setbit-over-limit.incr.aof]]
    set s [server "$alone\nappendonly yes\nproto-max-bulk-len 1mb" -dir $dir]
    is [ask $s STRLEN bits] 2097153
    is [ask $s GET a] 1
}

case "what does not fit into any memory is a fault, not an end" {
    set dir [log_of_parts [commands {SET a 1} {SETRANGE big 9000000000000000000 x} {SET b 2}]]
    set end [server "$alone\nappendonly yes" -dir $dir -fails 1]
    is [lindex $end 0] 1
    like [lindex $end 1] "*SETRANGE fails: ERR string exceeds maximum*offset 27*key \"big\"*"
}

case "the least time of all is over, as any other that is past" {
    set times {PEXPIREAT k -9223372036854775808}
    set dir [log_of_parts [commands {SET k v} {RPUSH l v} $times [lreplace $times 1 1 l] {COPY k c}\
        {SET b 2}]]
    set s [server "$alone\nappendonly yes" -dir $dir]
    is [ask $s EXISTS k l c b] 1
    is [ask $s GET b] 2
}

# ---- names ----

set renames "rename-command DEL ZAP
rename-command PEXPIREAT \"\"
rename-command SELECT pick
rename-command SET put
rename-command SREM cut
rename-command SPOP pop
rename-command MULTI open
rename-command EXEC close
rename-command FLUSHDB GET2
rename-command RPUSH LPUSH2
rename-command LPUSHX \"\""

# By the clock of the load, and so is the access clock: not by one that began with the machine.
case "times to live that are counted from now, in a log that another wrote" {
    set dir [log_of_parts [commands {SET k v} {EXPIRE k 100} {SETEX j 200 v} {SET i v EX 300} \
        {MULTI} {SET m v PX 400000} {EXEC}]]
    set s [server "$alone\nappendonly yes\nmaxmemory-policy allkeys-lru" -dir $dir]
    foreach {key most} {k 100 j 200 i 300 m 400} {
        set ttl [ask $s TTL $key]
        truth {$ttl > $most - 100 && $ttl <= $most}
        truth {[ask $s OBJECT IDLETIME $key] < 100}
    }
}

case "renamed commands are logged by the names of their tables, and loaded by them" {
    set config "$alone\nappendonly yes\n$renames"
    set s [server $config]
    ask $s put a 1
    ask $s put b 2 PX 100000000
    ask $s EXPIRE a 100000
    ask $s ZAP b
    ask $s SADD set 1 2 3 4
    ask $s cut set 1
    ask $s pop set 2
    ask $s open
    ask $s put x 1
    ask $s pick 3
    ask $s LPUSH2 list a b c
    ask $s ZAP x
    ask $s close
    ask $s pick 4
    ask $s put gone 1
    ask $s GET2
    set digest [digest $s]
    set words [regexp -all -inline -line {^\$\d+\r\n([A-Za-z0-9]+)\r$} [increments [of $s dir]]]
    foreach {- word} $words { truth {$word ni {ZAP put cut pop open close pick GET2 LPUSH2}} }
    set s [restart $s kill $config]
    is [digest $s] $digest
    ask $s BGREWRITEAOF
    wait_for { expr {[info_of $s aof_rewrite_in_progress] eq "0"} }
    ask $s put y 1
    set digest [digest $s]
    set s [restart $s kill "$alone\nappendonly yes"] ;# without the renames
    is [digest $s] $digest
    set s [restart $s kill "$alone\nappendonly yes\naof-use-rdb-preamble no\n$renames"]
    ask $s BGREWRITEAOF
    wait_for { expr {[info_of $s aof_rewrite_in_progress] eq "0"} }
    is [digest $s] $digest
    set s [restart $s term "$alone\nappendonly yes\n$renames"]
    is [digest $s] $digest
}

case "what shows names shows those of the tables, as with 7.2" {
    set s [server "$alone\n$renames\nrename-command CONFIG setup"]
    ask $s put a 1
    like [ask $s INFO commandstats] "*cmdstat_set:calls=1*"
    truth {"set" in [ask $s COMMAND LIST] && "put" ni [ask $s COMMAND LIST]}
    is [lindex [ask $s COMMAND INFO put] 0 0] set
    is [ask $s COMMAND INFO SET] (nil)
    like [error_of $s put a] "*for 'set' command"
    like [error_of $s setup nosuch] "*Try SETUP HELP."
    like [error_of $s SET a 1] "*unknown command 'SET'*"
}

case "a log written by another server with renamed commands loads with the same renames" {
    set dir [log_of_parts [commands {put a 1} {pick 3} {put b 2} {SET c 3}]]
    set s [server "$alone\nappendonly yes\n$renames" -dir $dir]
    is [ask $s GET a] 1
    ask $s pick 3
    is [list [ask $s GET b] [ask $s GET c]] {2 3}
}

# ---- aof-load-errors ----

# The bytes are refused by name, and with skip the commands that failed are told and counted.
proc loads_with_skip {parts message count} {
    set dir [log_of_parts {*}$parts]
    set end [server "$::alone\nappendonly yes" -dir $dir -fails 1]
    is [lindex $end 0] 1
    like [lindex $end 1] "*$message*"
    like [lindex $end 1] "*aof-load-errors skip loads the rest*"
    set s [server "$::alone\nappendonly yes\naof-load-errors skip" -dir $dir]
    is [info_of $s aof_load_errors_skipped] $count
    is [regexp -all {skipped, as aof-load-errors says} [log_of $s]] $count
    return $s
}

case "MULTI inside the rest of a torn transaction" {
    set s [loads_with_skip [list [slurp $field/nested-multi-after-torn-exec.incr.aof]] \
            "Unexpected MULTI" 1]
    is [ask $s MGET foo bar new x x2 y] {hello world 1 1 1 1} ;# as with 7.2
    like [log_of $s] "*Unexpected MULTI*offset 156*"
    set s [restart $s kill "$alone\nappendonly yes\naof-load-errors skip"]
    is [ask $s DBSIZE] 6
}

case "propagation-error-behavior panic: what replies an error is not skipped; what has no place is" {
    set logs [list [commands {SET a 1} {LPUSH a x} {SET b 2}]]
    foreach behavior {ignore panic-on-replicas} {
        set s [server "$alone\nappendonly yes\naof-load-errors skip\npropagation-error-behavior $behavior" \
                -dir [log_of_parts {*}$logs]]
        is [ask $s MGET a b] {1 2}
        like [log_of $s] "*# == CRITICAL == *'WRONGTYPE *' after processing the command 'LPUSH'*"
        stop $s
    }
    set ended [server "$alone\nappendonly yes\naof-load-errors skip\npropagation-error-behavior panic" \
            -dir [log_of_parts {*}$logs] -fails 1]
    is [lindex $ended 0] 1
    like [lindex $ended 1] "*== CRITICAL ==*propagation-error-behavior is panic*LPUSH fails: WRONGTYPE*"
    set s [server "$alone\nappendonly yes\naof-load-errors skip\npropagation-error-behavior panic" \
            -dir [log_of_parts [commands {SET a 1} EXEC {SET b 2}]]]
    is [ask $s MGET a b] {1 2}
}

case "EXEC alone" {
    set s [loads_with_skip [list [commands {SET a 1} EXEC {SET b 2}]] "Unexpected EXEC" 1]
    is [ask $s MGET a b] {1 2}
}

case "DISCARD, WATCH, RESET would lose a transaction or a database" {
    foreach word {DISCARD {WATCH a} RESET QUIT} {
        set s [loads_with_skip [list [commands {SET a 1} MULTI {SET b 2} $word {SET c 3} EXEC]] \
                "[lindex $word 0] fails: it has no place in a log" 1]
        is [ask $s MGET a b c] {1 2 3}
        stop $s
    }
}

case "a command that replies an error, alone and inside EXEC" {
    set s [loads_with_skip [list [commands {SET a 1} {LPUSH a 1} {SET b 2}]] \
            "LPUSH fails: WRONGTYPE*offset 27*key \"a\"" 1]
    is [ask $s MGET a b] {1 2}
    stop $s
    set s [loads_with_skip [list [commands {SET a 1} MULTI {SET b 2} {LPUSH a 1} {INCR b} EXEC]] \
            "LPUSH fails: WRONGTYPE*offset 69*key \"a\"" 1]
    is [ask $s MGET a b] {1 3}
    stop $s
    set s [loads_with_skip [list [commands {SET a 1} {NOSUCH k v} {SET b} {SET b 2}]] \
            "NOSUCH fails: Unknown command" 2]
    is [ask $s MGET a b] {1 2}
    stop $s
    # each at its own offset, also behind one that was not queued
    set s [loads_with_skip [list [commands {SET a 1} MULTI {NOSUCH k v} {SET b 2} {LPUSH a 1} EXEC]] \
            "NOSUCH fails: Unknown command*offset 42" 2]
    is [ask $s MGET a b] {1 2}
    set at [string first "*3\r\n\$5\r\nLPUSH" [increments [of $s dir]]]
    like [log_of $s] "*LPUSH fails: WRONGTYPE*offset $at*"
}

case "a transaction without EXEC at the end of a part that is not the last" {
    set s [loads_with_skip [list [commands {SET a 1} MULTI {SET b 2} {SET c 3}] \
                                 [commands {SET d 4}]] \
            "ends inside a transaction of 2 commands*offset 27" 1]
    is [ask $s MGET a b c d] {1 (nil) (nil) 4}
}

case "what is cut off in its middle is no error to skip" {
    foreach end {refuse skip} {
        set dir [log_of_parts [string range [commands {SET a 1}] 0 end-3] [commands {SET d 4}]]
        set ended [server "$alone\nappendonly yes\naof-load-errors $end" -dir $dir -fails 1]
        is [lindex $ended 0] 1
    }
    # the end of the last one is torn, as ever
    set dir [log_of_parts [commands {SET a 1} MULTI {SET b 2}]]
    set s [server "$alone\nappendonly yes\naof-load-errors skip" -dir $dir]
    is [ask $s MGET a b] {1 (nil)}
    is [info_of $s aof_load_errors_skipped] 0
}

case "a SELECT that fails is never skipped: what follows would go to another database" {
    foreach end {refuse skip} {
        set dir [log_of_parts [commands {SELECT 9} {SET a 1}]]
        set ended [server "$alone\nappendonly yes\ndatabases 4\naof-load-errors $end" -dir $dir \
                -fails 1]
        is [lindex $ended 0] 1
        like [lindex $ended 1] "*databases may be lower*SELECT fails: ERR DB index is out of range*"
    }
}

# ---- two servers, one file ----

case "what two servers appended to one log is read, each by its own checksums" {
    set dir [log_of_parts [slurp $field/two-writers.incr.aof]]
    set s [server "$alone\nappendonly yes" -dir $dir]
    is [ask $s MGET a late new] {1 1 1}
}

case "two servers on one directory for a moment: a rolling update" {
    foreach first {writes idles} {
        set config "$alone\nappendonly yes"
        set a [server $config]
        if {$first eq "writes"} { ask $a SET early 1 }
        set lock [ask $a CONFIG GET dir-lock] ;# where there is one, it would keep the second out
        set b [server "$config[expr {$lock eq "" ? "" : "\ndir-lock no"}]" -dir [of $a dir]]
        for {set i 0} {$i < 50} {incr i} { ask $b SET b$i $i }
        ask $a SET late 1
        for {set i 50} {$i < 100} {incr i} { ask $b SET b$i $i }
        set dir [of $a dir]
        stop $a kill
        ask $b SET last 1
        stop $b kill
        is [run $::build/redis-check-aof $dir/appendonlydir/appendonly.aof.manifest] 0
        set s [server $config -dir $dir]
        is [ask $s DBSIZE] [expr {$first eq "writes" ? 103 : 102}]
        is [ask $s MGET b0 b99 late last] {0 99 1 1}
        stop $s
    }
}

finish
