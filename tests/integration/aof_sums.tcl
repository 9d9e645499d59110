# SPDX-License-Identifier: BSD-3-Clause
# The append log's checksums over server and checker: no damaged byte is taken for data, both say the
# same, nothing on the disk changes before somebody decided it, and what is cut off is kept.
source [file join [file dirname [info script]] lib.tcl]

set check_aof [file join $build redis-check-aof]
set peer [lindex [auto_execok redis-server] 0]
set on "appendonly yes\nsave \"\"\nappendfsync always"
expr {srand([clock clicks])}

proc aof_dir {dir} { return $dir/appendonlydir }
proc newest {dir} { return [lindex [lsort [glob [aof_dir $dir]/*.incr.aof]] end] }
proc manifest {dir} { return [aof_dir $dir]/appendonly.aof.manifest }
proc contents {dir} {
    set found {}
    foreach path [lsort [glob [aof_dir $dir]/*]] { lappend found [file tail $path] [slurp $path] }
    return $found
}
proc check {dir args} { return [run timeout 180 $::check_aof {*}$args [manifest $dir]] }
proc fix {dir} {
    return [run sh -c "echo y | timeout 180 $::check_aof --fix [manifest $dir]"]
}

# A log of n batches, each one INCR or a transaction; its server was killed. Gives the directory.
proc made_log {n {config ""}} {
    set s [server "$::on\n$config"]
    for {set i 1} {$i < $n} {incr i} { ask $s INCR n }
    ask $s MULTI
    ask $s INCR n
    ask $s SET text "a\r\n#=b"
    ask $s EXEC
    set dir [of $s dir]
    stop $s kill
    return $dir
}

proc flipped {bytes at mask} {
    scan [string index $bytes $at] %c old
    return [string replace $bytes $at $at [format %c [expr {$old ^ $mask}]]]
}
# Where their lines begin. (Those of older versions: SUM.)
proc batches {bytes} {
    set found {}
    foreach pair [regexp -all -inline -indices {#=[A-Za-z0-9+/]{20}\r\n} $bytes] {
        lappend found [lindex $pair 0]
    }
    return $found
}

# Checker and server refuse, with the same words, and leave all as it is.
proc both_refuse {dir what {config ""}} {
    set before [contents $dir]
    if {[check $dir] != 1} { error "$what: the checker found nothing: $::run_output" }
    set verdict $::run_output
    lassign [server "$::on\n$config" -dir $dir -fails 1] code said
    if {$code != 1} { error "$what: the server started ($code)" }
    if {[regexp {0x +[0-9a-f]+: ([^\n]+)} $verdict -> words] && [string first $words $said] < 0} {
        if {[string first "The manifest" $said] < 0 && [string first "the manifest" $said] < 0} {
            error "$what: the checker said \"$words\", the server: $said"
        }
    }
    if {[contents $dir] ne $before} { error "$what: the directory was changed" }
    return $said
}

# ---- the lines, written by another hand than src/format/aof_sum.c ----

proc short_crc {crc bits} {
    set sum 0
    for {set shift 0} {$shift < 64} {incr shift $bits} {
        set sum [expr {$sum ^ ($crc >> $shift)}]
    }
    return [expr {$sum & ((1 << $bits) - 1)}]
}
proc checked {line} { return "$line [format %08llx [short_crc [crc64 0xabc $line] 32]]\r\n" }
proc base64 {width n} {
    set digits ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/
    for {set text ""} {$width > 0} {incr width -1} {
        set text [string index $digits [expr {$n & 63}]]$text
        set n [expr {$n >> 6}]
    }
    return $text
}
# A line of these bytes, all in front of which is durable. Moves the crc on.
proc sum_line {crc_name body} {
    upvar 1 $crc_name crc
    set line "#=[base64 6 [string length $body]][base64 3 0]"
    set crc [crc64 [crc64 $crc $body] $line]
    append line [base64 7 [expr {($crc ^ ($crc >> 42)) & ((1 << 42) - 1)}]]
    return "$line[base64 4 [short_crc [crc64 0xabc $line] 24]]\r\n"
}
# A file of log 0xabc, number 1, with these batches. how: "old", as they were in older versions;
# "batches"; "small" ones.
proc sealed {how args} {
    set line "#LOG:[format {%016llx %08x %010llx} 0xabc 1 0]"
    set crc [crc64 0 $line]
    set text [checked $line]
    set n 0
    foreach body $args {
        if {$how eq "batches"} {
            append text [sum_line crc $body] $body
        } elseif {$how eq "small"} {
            set crc [crc64 $crc $body]
            append text $body "#[base64 4 [short_crc $crc 24]]\r\n"
        } else {
            set line "#SUM:[format {%08x %010llx %010llx} [incr n] [string length $body] 0]"
            set crc [crc64 [crc64 $crc $line] $body]
            append text [checked "$line [format %016llx $crc]"] $body
        }
    }
    return $text
}
proc sum_lines {bytes} {
    return [lmap pair [regexp -all -inline -indices {#SUM:[0-9a-f]{8} } $bytes] { lindex $pair 0 }]
}

case "what another hand has written loads; a timestamp inside a batch goes with all of it" {
    foreach {how lines} {batches batches old sum_lines} {
        set dir [tmpdir]
        file mkdir [aof_dir $dir]
        set select [encode {SELECT 0}]
        set text [sealed $how $select[encode {SET a 1}] \
            "[encode {SET b 1}]#TS:2000\r\n[encode {SET c 1}]" "#TS:3000\r\n[encode {SET d 1}]"]
        set file [aof_dir $dir]/appendonly.aof.1.incr.aof
        spit [manifest $dir] "file appendonly.aof.1.incr.aof seq 1 type i\n"
        spit $file $text
        is [check $dir] 0
        like $run_output "*Checksums: [string length $text] bytes in 3 batches checked\n*"
        set s [server $on -dir $dir]
        is [ask $s MGET a b c d] {1 1 1 1}
        stop $s kill
        is [slurp $file] $text
        is [check $dir --truncate-to-timestamp 2500] 0
        is [slurp $file] [string range $text 0 [lindex [$lines $text] 2]-1]
        is [check $dir --truncate-to-timestamp 1500] 0
        like $run_output "*lies inside a batch with a checksum: cutting in front of the batch, at\
            offset [lindex [$lines $text] 1]\n*Successfully truncated*"
        is [slurp $file] [string range $text 0 [lindex [$lines $text] 1]-1]
        is [llength [glob $file.cut-*]] 2
        # right checksums around what is no command: no start takes it for a torn write
        spit $file [sealed $how $select[encode {SET a 1}] x]
        both_refuse $dir "a wrong batch" "aof-load-corrupt-tail-max-size 1gb"
    }
}

case "small batches, of another hand" {
    set dir [tmpdir]
    file mkdir [aof_dir $dir]
    set file [aof_dir $dir]/appendonly.aof.1.incr.aof
    set text [sealed small "[encode {SET a 1}][encode {SET b 1}]" [encode {SET c 1}] [encode {SET d 1}]]
    spit [manifest $dir] "file appendonly.aof.1.incr.aof seq 1 type i\n"
    spit $file $text
    is [check $dir] 0
    like $run_output "*Checksums: [string length $text] bytes in 3 batches checked\n*"
    set length [string length $text]
    foreach {cut keys} [list 0 {1 1 1 1} 1 {1 1 1 (nil)} 6 {1 1 1 (nil)} 7 {1 1 1 (nil)} \
        20 {1 1 1 (nil)} 37 {1 1 (nil) (nil)}] {
        spit $file [string range $text 0 end-$cut]
        is [check $dir] [expr {$cut > 0}]
        set s [server $on -dir $dir]
        is [ask $s MGET a b c d] $keys
        ask $s SET e 1 ;# the next session goes on behind it
        set s [restart $s kill $on]
        is [ask $s MGET a b c d e] [concat $keys 1]
        stop $s kill
        is [check $dir] 0
    }
    # any byte of them, and of their lines
    spit [manifest $dir] "file appendonly.aof.1.incr.aof seq 1 type i\n"
    for {set at 52} {$at < $length} {incr at [expr {$long ? 1 : 7}]} {
        spit $file [flipped $text $at 4]
        both_refuse $dir "byte $at" "aof-load-truncated no"
    }
}

case "a log without checksums: what is cut off is kept, too" {
    set dir [tmpdir]
    file mkdir [aof_dir $dir]
    set file [aof_dir $dir]/appendonly.aof.1.incr.aof
    set good [encode {SELECT 0}][encode {SET a 1}]
    spit [manifest $dir] "file appendonly.aof.1.incr.aof seq 1 type i\n"
    foreach {bad config} [list "*3\r\n\$3\r\nSE" "" "\0\0\0" "aof-load-corrupt-tail-max-size 3"] {
        foreach mender {tool server} {
            spit $file $good$bad
            if {$mender eq "tool"} { is [fix $dir] 0 } else { stop [server "$on\n$config" -dir $dir] }
            is [slurp $file] $good
            set kept [glob $file.cut-[string length $good]-*]
            is [slurp $kept] $bad
            file delete $kept
        }
    }
}

# ---- what our server writes ----

case "an undamaged log loads, and the checker counts its batches" {
    set dir [made_log 5]
    is [check $dir] 0
    like $run_output "*Checksums: * bytes in 5 batches checked\n*All AOF files and manifest are valid"
    set s [server "$on\nloglevel verbose" -dir $dir]
    is [ask $s MGET n text] [list 5 "a\r\n#=b"]
    like [log_of $s] "*bytes have checksums, in 5 batches\n*"
    ask $s INCR n
    set s [restart $s kill $on]
    is [ask $s GET n] 6
    stop $s kill
    is [check $dir] 0
}

# The log of so many small writes, each of which waits for its reply.
proc small_writes {s n} {
    for {set i 0} {$i < $n} {incr i} {
        ask $s SET [format key:%012d $i] [string repeat v 16]
    }
}
proc covered {dir} { ;# bytes with checksums
    is [check $dir] 0
    regexp {Checksums: (\d+) bytes in} $::run_output -> bytes
    return $bytes
}

case "small writes one at a time: the log is little longer than a plain one, and all of it is covered" {
    foreach policy {everysec no} {
        set sizes {}
        foreach sums {no yes} {
            set s [server "$on\nappendfsync $policy\naof-checksum $sums"]
            set dir [of $s dir]
            small_writes $s 500
            if {!$sums} { is [lindex [ask $s WAITAOF 1 0 0] 0] 1 }
            lappend sizes [file size [newest $dir]]
            if {$sums} { ;# each byte has its checksum, though the server dies
                stop $s kill
                is [covered $dir] [lindex $sizes end]
            } else {
                stop $s
            }
        }
        lassign $sizes plain summed
        if {$summed > 1.25 * $plain} { error "$policy: $summed bytes with checksums, $plain without" }
    }
}

case "small batches, and what sums them up: in time, before a sync, with the policy, at the end" {
    set s [server "$on\nappendfsync no"]
    set dir [of $s dir]
    proc ends {dir} { ;# in the line of an empty batch
        return [regexp {#=AAAAAA[A-Za-z0-9+/]{14}\r\n$} [slurp [newest $dir]]]
    }
    small_writes $s 10
    wait_for { ends $dir } ;# within about a second
    small_writes $s 10
    ask $s WAITAOF 1 0 0
    truth {[ends $dir]}
    small_writes $s 10
    is [ask $s CONFIG SET appendfsync always] OK
    truth {[ends $dir]}
    set before [llength [batches [slurp [newest $dir]]]]
    small_writes $s 10
    is [llength [batches [slurp [newest $dir]]]] [expr {$before + 10}]
    is [ask $s CONFIG SET appendfsync everysec] OK
    small_writes $s 10
    set first [newest $dir]
    ask $s BGREWRITEAOF
    wait_for { expr {[info_of $s aof_rewrite_in_progress] == 0} }
    truth {[newest $dir] ne $first}
    small_writes $s 10
    ask $s SET # "#a line" ;# none stands in a small batch
    ask $s SET text "a\r\n#AAAA\r\n"
    ask $s SELECT 1
    ask $s SET other 1
    ask $s SELECT 0
    small_writes $s 10
    ask $s SET long [string repeat x 5000]
    small_writes $s 10
    is [ask $s CONFIG SET aof-checksum no] OK
    small_writes $s 1
    is [ask $s CONFIG SET aof-checksum yes] OK
    small_writes $s 10
    stop $s term
    truth {[ends $dir]}
    is [check $dir] 0
    set s [server "$on\nappendfsync no" -dir $dir]
    is [ask $s MGET # text [format key:%012d 9]] [list "#a line" "a\r\n#AAAA\r\n" [string repeat v 16]]
    is [ask $s DBSIZE] 13
    small_writes $s 10
    stop $s term
    is [check $dir] 0
    like $run_output "*bytes in * batches checked\n*"
}

case "small batches: changed bytes are found, a cut leaves a prefix" {
    set s [server "$on\nappendfsync everysec"]
    set dir [of $s dir]
    small_writes $s 200
    ask $s WAITAOF 1 0 0
    small_writes $s 5
    ask $s WAITAOF 1 0 0
    stop $s kill
    set file [newest $dir]
    set good [slurp $file]
    set length [string length $good]
    for {set i 0} {$i < ($long ? 200 : 12)} {incr i} {
        set at [expr {52 + int(rand() * ($length - 52))}]
        spit $file [flipped $good $at [lindex {1 128 255 16} [expr {int(rand() * 4)}]]]
        both_refuse $dir "byte $at" "aof-load-truncated no"
    }
    # what was synced before the last line was written is rot
    spit $file [flipped $good [expr {[string first key:000000000050 $good] + 8}] 1]
    like [both_refuse $dir "rot" "aof-load-corrupt-tail-max-size 1gb"] "*Rot: up to offset *not touched*"
    for {set i 0} {$i < ($long ? 100 : 6)} {incr i} {
        set cut [expr {220 + int(rand() * ($length - 220))}]
        set torn [string range $good 0 $cut-1]
        set whole [regexp -all {v{16}\r\n(?:#[A-Za-z0-9+/]{4}\r\n)} $torn]
        spit $file $torn
        set s [server $on -dir $dir]
        incr whole ;# the first, behind SELECT, has a line of the other kind
        is [ask $s DBSIZE] [expr {$whole < 200 ? $whole : 200}]
        stop $s kill
    }
}

case "changed bytes are found by both, and nothing is changed" {
    set dir [made_log 6 "aof-timestamp-enabled yes"]
    set file [newest $dir]
    set good [slurp $file]
    set places {0 1 4 5 30 51 52}
    foreach at [batches $good] {
        lappend places $at [expr {$at + 1}] [expr {$at + 4}] [expr {$at + 12}] [expr {$at + 23}] \
            [expr {$at + 24}]
    }
    for {set i 0} {$i < ($long ? 200 : 12)} {incr i} {
        lappend places [expr {int(rand() * [string length $good])}]
    }
    foreach at $places {
        set mask [lindex {1 128 255 16} [expr {int(rand() * 4)}]]
        spit $file [flipped $good $at $mask]
        both_refuse $dir "byte $at ^ $mask"
    }
    spit $file $good
    is [check $dir] 0
}

case "cut anywhere, the log is a prefix of its batches; both cut at the same place and keep the rest" {
    set dir [made_log 6]
    set file [newest $dir]
    set good [slurp $file]
    set starts [batches $good]
    set length [string length $good]
    set cuts [list [expr {$length - 1}] [lindex $starts 2] [expr {[lindex $starts 2] + 1}] \
        [expr {[lindex $starts 3] + 10}] [expr {[lindex $starts 4] + 24}]]
    for {set i 0} {$i < ($long ? 100 : 5)} {incr i} {
        lappend cuts [expr {[lindex $starts 0] + int(rand() * ($length - [lindex $starts 0]))}]
    }
    foreach cut $cuts {
        set torn [string range $good 0 $cut-1]
        set whole 0
        set end [lindex $starts 0]
        foreach next [list {*}[lrange $starts 1 end] $length] {
            if {$next <= $cut} { set end $next; incr whole }
        }
        foreach mender {tool server} {
            spit $file $torn
            if {$end < $cut} {
                is [check $dir] 1
                like $run_output "*ok_up_to=$end,*Torn: nothing shows that bytes behind offset $end *"
                both_refuse $dir "cut at $cut" "aof-load-truncated no"
                if {$mender eq "tool"} { is [fix $dir] 0 }
            }
            set s [server $on -dir $dir]
            is [ask $s GET n] [expr {$whole ? $whole : "(nil)"}]
            is [ask $s EXISTS text] [expr {$whole == 6}]
            stop $s kill
            is [slurp $file] [string range $good 0 $end-1]
            set kept [glob -nocomplain $file.cut-$end-*]
            if {$end == $cut} {
                is $kept ""
            } else {
                is [slurp $kept] [string range $torn $end end]
                file delete $kept
            }
        }
    }
}

case "a wrong end is cut only as far as configured, and what is appended then is whole" {
    set dir [made_log 6]
    set file [newest $dir]
    set good [slurp $file]
    set at [lindex [batches $good] end]
    set size [expr {[string length $good] - $at}]
    set zeros [string repeat \0 300]
    foreach bad [list [string range $good 0 [expr {$at + 23}]][string repeat \0 [expr {$size - 24}]] \
        [string range $good 0 $at-1]$zeros [flipped $good [expr {$at + 20}] 8]] {
        spit $file $bad
        set tail [expr {[string length $bad] - $at}]
        both_refuse $dir "default"
        both_refuse $dir "a byte less" "aof-load-corrupt-tail-max-size [expr {$tail - 1}]"
        set config "$on\naof-load-corrupt-tail-max-size $tail"
        set s [server $config -dir $dir]
        is [ask $s GET n] 5
        like [log_of $s] "*last $tail bytes of the AOF file * are damaged*What was cut off is kept in*"
        is [slurp $file] [string range $good 0 $at-1]
        set kept [glob $file.cut-$at-*]
        is [slurp $kept] [string range $bad $at end]
        file delete $kept
        ask $s INCR n
        set s [restart $s kill $on]
        is [ask $s GET n] 6
        stop $s kill
        is [check $dir] 0
    }
}

case "bytes that were on the disk are rot: never cut by a start, only by the tool when told to" {
    set dir [made_log 8]
    set file [newest $dir]
    set good [slurp $file]
    set at [lindex [batches $good] 3]
    foreach where {30 20 1} { # body, line, word of the line
        spit $file [flipped $good [expr {$at + $where}] 1]
        set said [both_refuse $dir "rot" "aof-load-corrupt-tail-max-size 1gb"]
        like $said "*Rot: up to offset * writes that were acknowledged are damaged. Cutting it at\
            offset $at loses [expr {[string length $good] - $at}] bytes; behind the damage are 4 batches\
            with 7 commands.*not touched*"
        check $dir
        like $run_output "*Rot: up to offset *behind the damage are 4 batches with 7 commands.\nAOF * is\
            not valid. Use the --fix option to try fixing it."
    }
    set bad [slurp $file]
    is [run sh -c "echo n | timeout 180 $check_aof --fix [manifest $dir]"] 1
    is [slurp $file] $bad
    is [fix $dir] 0
    like $run_output "*Rot:*This will shrink*What is cut off is kept in *Successfully truncated AOF*"
    is [slurp [glob $file.cut-$at-*]] [string range $bad $at end]
    set s [server $on -dir $dir]
    is [ask $s GET n] 3
}

case "a file that is not the last is never touched" {
    set dir [made_log 5]
    set file [newest $dir]
    set good [slurp $file]
    spit [aof_dir $dir]/appendonly.aof.2.incr.aof ""
    regsub {#HF:sum [0-9a-f]+\n} [slurp [manifest $dir]] "" lines
    spit [manifest $dir] "${lines}file appendonly.aof.2.incr.aof seq 2 type i\n"
    set s [server $on -dir $dir]
    is [ask $s GET n] 5
    stop $s kill
    foreach bad [list [string range $good 0 end-5] [flipped $good end 1] \
        [flipped $good [lindex [batches $good] 1] 1]] {
        spit $file $bad
        both_refuse $dir "not the last" "aof-load-corrupt-tail-max-size 1gb"
        set before [contents $dir]
        is [fix $dir] 1
        is [contents $dir] $before
    }
}

case "a base of commands is covered from its first byte to its last" {
    set s [server "$on\naof-use-rdb-preamble no\naof-timestamp-enabled yes"]
    set dir [of $s dir]
    foreach n {1 2 3} {
        ask $s SET s$n [string repeat x 50000]
        ask $s RPUSH l$n a b c
    }
    ask $s BGREWRITEAOF
    wait_for { expr {[info_of $s aof_rewrite_in_progress] == 0 && \
        [file tail [glob -nocomplain [aof_dir $dir]/*.base.aof]] eq "appendonly.aof.2.base.aof"} }
    is [info_of $s aof_last_bgrewrite_status] ok
    stop $s kill
    set base [glob [aof_dir $dir]/*.base.aof]
    set good [slurp $base]
    like $good "#LOG:*\r\n#=*\r\n#TS:*"
    truth {[llength [batches $good]] >= 2}
    is [check $dir] 0
    like $run_output "*Checksums: [string length $good] bytes in [llength [batches $good]] batches\
        checked\n*"
    foreach at [list 0 7 60 [expr {[lindex [batches $good] end] + 20}] [expr {[string length $good] - 9}] \
        [expr {int(rand() * [string length $good])}]] {
        spit $base [flipped $good $at 2]
        both_refuse $dir "byte $at of the base" "aof-load-corrupt-tail-max-size 1gb"
    }
    spit $base $good
    set s [server $on -dir $dir]
    is [ask $s DBSIZE] 6
}

case "--truncate-to-timestamp cuts in front of a batch" {
    set s [clock_server "$on\naof-timestamp-enabled yes"]
    set dir [of $s dir]
    foreach n {1 2 3} { ;# a batch each, an hour apart
        set_clock $s [expr {$n * 3600}]
        ask $s MULTI
        ask $s SET k$n v
        ask $s SET k$n w
        ask $s EXEC
    }
    stop $s kill
    set file [newest $dir]
    set good [slurp $file]
    set times [lmap {- t} [regexp -all -inline {#TS:(\d+)} $good] { set t }]
    truth {[llength $times] >= 3}
    is [check $dir --truncate-to-timestamp [expr {[lindex $times end] - 1800}]] 0
    set cut [string length [slurp $file]]
    truth {$cut in [batches $good]}
    is [slurp [glob $file.cut-$cut-*]] [string range $good $cut end]
    is [check $dir] 0
    set s [server $on -dir $dir]
    is [ask $s MGET k1 k2 k3] {w w (nil)}
    stop $s kill
    spit $file $good
    is [check $dir --truncate-to-timestamp 1000] 1
    like $run_output "*has nothing before timestamp 1000, aborting..."
    # our own writer begins a batch with each; another would be cut in front of its batch
    is [slurp $file] $good
}

case "a server that knows no checksums appends to small batches, and we go on behind it" {
    if {$peer eq ""} return
    set check_peer [file join [file dirname $peer] redis-check-aof]
    foreach left {summed-up not} {
        set s [server "$on\nappendfsync everysec\naof-use-rdb-preamble no"]
        set dir [of $s dir]
        small_writes $s 100
        ask $s WAITAOF 1 0 0
        stop $s kill
        set bytes [slurp [newest $dir]]
        if {$left eq "not"} { spit [newest $dir] [string range $bytes 0 end-24] }
        is [run $check_peer [manifest $dir]] 0
        set s [server $on -dir $dir -binary $peer]
        is [ask $s DBSIZE] 100
        is [ask $s INCR n] 1
        stop $s term
        is [run $check_peer [manifest $dir]] 0
        is [check $dir] 0
        like $run_output "*; the end has none*"
        set s [server "$on\nappendfsync everysec" -dir $dir]
        is [ask $s INCR n] 2
        stop $s kill
        is [check $dir] 0
        set s [server $on -dir $dir -binary $peer]
        is [ask $s MGET n [format key:%012d 99]] [list 2 [string repeat v 16]]
        stop $s term
    }
}

case "a server that knows no checksums appends, and we go on behind it" {
    if {$peer eq ""} return
    set dir [made_log 4 "aof-use-rdb-preamble no"]
    set s [server $on -dir $dir -binary $peer]
    is [ask $s INCR n] 5
    is [ask $s GET text] "a\r\n#=b"
    stop $s term
    is [check $dir] 0
    like $run_output "*4 batches checked; the end has none*"
    set s [server $on -dir $dir]
    is [ask $s INCR n] 6
    stop $s kill
    is [check $dir] 0
    set file [newest $dir]
    spit $file [flipped [slurp $file] [expr {[file size $file] - 3}] 1]
    both_refuse $dir "behind the other server's commands"
}

finish
