# SPDX-License-Identifier: BSD-3-Clause
# What a replica says, cut at every byte and changed at every byte: the primary hears what is whole,
# lets go of who went, and another replica gets the same data all the while. The other side of it,
# what a primary says, is in replication_replica.tcl; LONG=1: each byte, else each STEP-th.
source [file join [file dirname [info script]] lib.tcl]
source [file join [file dirname [info script]] lib dataset.tcl]

set seed [expr {[info exists env(SEED)] ? $env(SEED) : int(rand() * 1000000)}]
set step [expr {$long ? 1 : 5}]
set base "save \"\"\nenable-debug-command yes\nrepl-diskless-sync-delay 0"

proc offset_of {s} { info_of $s master_repl_offset }
proc replica_of {primary} { server "$::base\nreplicaof 127.0.0.1 [of $primary port]" }
proc same {primary replica} {
    wait_for { expr {[info_of $replica master_link_status] eq "up" &&
                     [info_of $replica slave_repl_offset] == [offset_of $primary]} }
    same_dataset [dataset_of $replica] [dataset_of $primary]
}

# What a replica says before it has the data, and behind that: commands.
set greeting {PING {REPLCONF listening-port 7000} {REPLCONF ip-address here}
    {REPLCONF capa eof capa psync2} {REPLCONF version 7.2.4}}
proc acks {offset} {
    return [list {REPLCONF ACK 0} "REPLCONF ACK $offset" "REPLCONF ACK $offset FACK $offset"]
}
proc talks {primary} {
    set offset [offset_of $primary]
    set goes_on "PSYNC [info_of $primary master_replid] [expr {$offset + 1}]"
    return [list [concat $::greeting [list $goes_on] [acks $offset]] \
        [concat $::greeting {{PSYNC ? -1}} [acks $offset]] \
        [concat PING SYNC [acks $offset]] \
        {{REPLCONF rdb-only 1} {REPLCONF rdb-filter-only functions} SYNC}]
}
proc bytes_of {talk} { join [lmap words $talk { encode $words }] "" }

# It says what of talk lies before at, and more instead of the rest, and goes: at once, or when the
# primary has heard it all and hung up. Before SYNC and PSYNC it waits for the answers, as all do.
proc speak {primary talk at {more ""}} {
    set fd [connect $primary]
    catch {
        foreach words $talk {
            set bytes [encode $words]
            if {[string length $bytes] > $at} break
            incr at -[string length $bytes]
            puts -nonewline $fd $bytes
            flush $fd
            if {![string match *SYNC* $words] && ![string match *ACK* $words]} { read_line $fd }
        }
        puts -nonewline $fd [string range $bytes 0 $at-1]$more
        flush $fd
        if {rand() < 0.7} {
            close $fd write
            read $fd
        }
    }
    close $fd
}

# From this byte on, which is another.
proc changed {bytes at} {
    set was [scan [string index $bytes $at] %c]
    set is [expr {($was + 1 + int(rand() * 255)) % 256}]
    return [binary format c $is][string range $bytes $at+1 end]
}

foreach {how more} {
    "cut" {}
    "changed" {[changed $bytes $at]}
} {
    case "a replica whose words are $how at any byte (seed $seed)" {
        expr {srand($seed)}
        set p [server $base]
        fill $p
        set r [replica_of $p]
        same $p $r
        foreach talk [talks $p] {
            set bytes [bytes_of $talk]
            for {set at [expr {int(rand() * $step)}]} {$at < [string length $bytes]} {incr at $step} {
                speak $p $talk $at [subst $more]
                if {$at % 50 < $step} { ask $p SET at:$at $talk }
            }
        }
        wait_for { expr {[regexp -all {slave\d+:} [ask $p INFO replication]] == 1} }
        truth {[info_of $p sync_full] > 1 && [info_of $p sync_partial_ok] > 0}
        same $p $r
        ask $p SET behind all
        same $p $r
    }
}

finish
