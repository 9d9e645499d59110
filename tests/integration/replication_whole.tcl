# SPDX-License-Identifier: BSD-3-Clause
# Faults of a data set that only its end, or loading all of it, tells: what a replica has stays, keys
# and functions, is served on and logged on; the log and INFO say why.
source [file join [file dirname [info script]] lib.tcl]
source [file join [file dirname [info script]] lib holdfast.tcl]
source [file join [file dirname [info script]] lib rdb_bytes.tcl]
source [file join [file dirname [info script]] lib primary.tcl]

set other_id [string repeat abcdef0123 4]

proc library {code} { return "#!lua name=lib\nredis.register_function('f', function() return '$code' end)" }
# As the file has a string of up to 16,383 bytes.
proc long_string {text} {
    set n [string length $text]
    return [binary format cc [expr {0x40 | ($n >> 8)}] [expr {$n & 255}]]$text
}
proc function_record {code} { return \xf5[long_string $code] }
proc aux_record {name value} { return \xfa[long_string $name][long_string $value] }
# A set of these elements, one by one.
proc set_record {name elements} {
    set all \x02[binary format c [string length $name]]$name[binary format c [llength $elements]]
    foreach e $elements { append all [binary format c [string length $e]]$e }
    return $all
}
# In front of the first database.
proc rdb_with {head records} { return REDIS0010$head\xfe\x00$records\xff[string repeat \x00 8] }

# What each is, its bytes, and what the fault says.
proc faults {} {
    set good [record a other][record d other]
    set guarded [ours_bytes {d e f}]
    set end [string length $guarded]
    lappend all "a key twice" [rdb_of $good[record a again]] "*same key twice*"
    lappend all "a key twice, far apart" [rdb_of $good[records k 20000][record d again]] \
        "*same key twice*"
    lappend all "an element twice" [rdb_of $good[set_record s {x y x}]] "*"
    lappend all "a library that does not compile" \
        [rdb_with [function_record "#!lua name=lib\nnot lua"] $good] "*library of functions*"
    lappend all "a library behind the keys" [rdb_with "" $good[function_record [library x]]abc] "*"
    lappend all "a library twice" \
        [rdb_with [function_record [library x]][function_record [library y]] $good] "*already exists*"
    lappend all "fields that expire" [slurp fixtures/rdb/v12-field-expiry.rdb] "*cannot hold*"
    lappend all "a module's value" [slurp fixtures/rdb/v09-stream-module.rdb] "*"
    lappend all "a database that is not here" REDIS0010\xfe\x20$good\xff[string repeat \x00 8] "*"
    lappend all "bytes behind its end" [rdb_of $good]x "*"
    lappend all "a wrong block index" [flipped $guarded [expr {$end - 20}]] "*"
    lappend all "no block index" [string range $guarded 0 end-30] "*"
    lappend all "nothing but a library and 100 KB of words" \
        [rdb_with [function_record [library x]][string repeat [aux_record w [string repeat x 9000]] 12] ""] \
        "*is empty*"
    return $all
}
# What one of ours sends to one of ours.
proc ours_bytes {keys} {
    set s [server "save \"\""]
    foreach key $keys { ask $s SET $key value }
    set bytes [slurp [saved $s]]
    stop $s
    return $bytes
}

proc check_old {r} {
    is [ask $r DBSIZE] 3
    is [ask $r GET a] old
    is [ask $r FCALL_RO f 0] old
    is [llength [ask $r FUNCTION LIST]] 1
    truth {![linked $r]}
    is [info_of $r loading] 0
    is [info_of $r async_loading] 0
    is [info_of $r aof_enabled] 1
    is [glob -nocomplain [of $r dir]/temp-sync*] {}
}

set old_library "#!lua name=lib\nredis.register_function{function_name='f', flags={'no-writes'}, callback=function() return 'old' end}"

foreach {load marked same} {disabled 0 0 disabled 1 1 swapdb 0 0 swapdb 1 0 swapdb 0 1 swapdb 1 1} {
    case "faults of the whole: repl-diskless-load $load, mark $marked, same history $same" {
        set port [fake_primary]
        set r [fake_replica $port "repl-diskless-load $load\nappendonly yes"]
        set old [rdb_with [function_record $old_library] [record a old][record b old][record c old]]
        set fd [fake_accept]
        fake_greet $fd
        fake_full $fd $old $marked
        wait_linked $r
        wait_for { expr {![info_of $r aof_rewrite_in_progress]} }
        set offset [info_of $r slave_repl_offset]
        close $fd
        set id [expr {$same ? $fake_id : $other_id}]
        foreach {what bytes says} [faults] {
            if {$same && [string match "nothing*" $what]} continue ;# its primary was flushed
            set fd [fake_accept]
            is [fake_greet $fd] "PSYNC $fake_id [expr {$offset + 1}]"
            fake_full $fd $bytes $marked $id
            catch { chan close $fd write }
            fake_wait_closed $fd
            wait_for { expr {[info_of $r master_sync_in_progress] == 0} }
            check_old $r
            truth {[string match $says [info_of $r replica_sync_fault]]}
            truth {[info_of $r replica_sync_fault] ne ""}
            like [log_of $r] "*what was here stays*"
        }
        if {$marked} {
            set fd [fake_accept]
            fake_greet $fd
            fake_full $fd [rdb_of [record d other]] 1 $id [string reverse $fake_mark]x
            catch { chan close $fd write }
            fake_wait_closed $fd
            check_old $r
        }
        # what is right is taken all the same
        set fd [fake_accept]
        fake_greet $fd
        fake_full $fd [rdb_with [function_record [library new]] [record d other]] $marked $id
        wait_linked $r
        is [ask $r GET d] other
        is [ask $r DBSIZE] 1
        is [info_of $r replica_sync_fault] ""
        like [ask $r FUNCTION LIST WITHCODE] "*new*"
        wait_for { expr {![info_of $r aof_rewrite_in_progress]} }
        close $fd
        set dir [of $r dir]
        stop $r kill
        set r [server "save \"\"\nappendonly yes" -dir $dir]
        is [ask $r GET d] other
        is [ask $r DBSIZE] 1
        fake_close
    }
}

foreach load {disabled swapdb} {
    case "what looks like a fault and is none is taken: repl-diskless-load $load" {
        set port [fake_primary]
        set r [fake_replica $port "repl-diskless-load $load"]
        set fd [fake_accept]
        fake_greet $fd
        fake_full $fd [rdb_of [record a old]]
        wait_linked $r
        close $fd
        set fd [fake_accept]
        fake_greet $fd
        # an empty set is none, and leaves its name to another
        fake_full $fd [rdb_of [set_record b {}][record b new][record c new]]
        wait_linked $r
        is [ask $r DBSIZE] 2
        is [ask $r GET b] new
        if {$load eq "disabled"} { like [log_of $r] "*Loading DB in memory, beside the old data*" }
        close $fd
        fake_close
    }
}

case "a thread that reads ahead is none that could read from the primary" {
    set p [peer "repl-diskless-sync yes"]
    ask $p DEBUG POPULATE 100000 k 50
    set r [replica_of $p "repl-diskless-load swapdb\nrdb-load-ahead yes"]
    wait_same $r $p
}

case "what its own log holds is the old data set as long as that is what is served" {
    set port [fake_primary]
    set dir [tmpdir]
    set r [fake_replica $port "repl-diskless-load swapdb\nappendonly yes\nreplica-read-only no" -dir $dir]
    set fd [fake_accept]
    fake_greet $fd
    fake_full $fd [rdb_of [record a old]]
    wait_linked $r
    wait_for { expr {![info_of $r aof_rewrite_in_progress]} }
    close $fd
    set fd [fake_accept]
    fake_greet $fd
    fake_full $fd [rdb_of [record a other][record a again]] 0 $other_id
    fake_wait_closed $fd
    wait_for { expr {[info_of $r master_sync_in_progress] == 0} }
    is [ask $r CONFIG SET appendfsync always] OK
    is [ask $r SET mine x] OK
    stop $r kill
    set r [server "save \"\"\nappendonly yes" -dir $dir]
    is [ask $r GET a] old
    is [ask $r GET mine] x
    fake_close
}

finish
