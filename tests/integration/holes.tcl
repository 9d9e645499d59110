# SPDX-License-Identifier: BSD-3-Clause
# Holes that real servers of the family have in start-up and in damaged files, one case each: here
# none of them opens. Cases that stand elsewhere:
#   damaged bytes of every kind, checker and server alike    corrupt.tcl (rdb-files, aof-dirs)
#   RESTORE of damaged values                                corrupt.tcl (restore-payloads)
#   a count of 2^60 elements                                 corrupt.tcl
#   the single file of an older server                       persist.tcl
#   a log that ends inside an annotation                     persist.tcl
#   parts of another log, parts that lost their end          log_parts.tcl
#   a directory that has lost its data                       missing.tcl
source [file join [file dirname [info script]] lib.tcl]

set check_rdb [file join $build redis-check-rdb]
set check_aof [file join $build redis-check-aof]
set plain "appendonly yes\naof-checksum no\nsave \"\""

# Every file of the log, by name.
proc log_files {dir} {
    set found {}
    foreach path [lsort [glob -nocomplain $dir/appendonlydir/*]] {
        lappend found [file tail $path] [slurp $path]
    }
    return $found
}

# A directory whose log is one increment with these bytes.
proc log_of_bytes {bytes} {
    set dir [tmpdir]
    file mkdir $dir/appendonlydir
    spit $dir/appendonlydir/appendonly.aof.1.incr.aof $bytes
    spit $dir/appendonlydir/appendonly.aof.manifest "file appendonly.aof.1.incr.aof seq 1 type i\n"
    return $dir
}

# Server and checker refuse the log in the same words, and leave it alone; twice.
proc both_refuse {bytes words} {
    set dir [log_of_bytes $bytes]
    set before [log_files $dir]
    is [run timeout 180 $::check_aof $dir/appendonlydir/appendonly.aof.manifest] 1
    if {![regexp -line {^0x *[0-9a-f]+: (.*)$} $::run_output -> said]} { error $::run_output }
    like $said $words
    foreach again {1 2} {
        lassign [server $::plain -dir $dir -fails 1] code text
        is $code 1
        truth {[string first $said $text] > 0}
        is [log_files $dir] $before
    }
}

# ---- short files ----

foreach {checksum way} {yes "with checksums" no "without checksums"} {
    case "cut inside a command inside MULTI, $way: no MULTI stays open for what is written next" {
        set config "appendonly yes\naof-checksum $checksum\nsave \"\""
        set s [server $config]
        set dir [of $s dir]
        ask $s SET before 1
        set incr [glob $dir/appendonlydir/*.incr.aof]
        set from [file size $incr]
        ask $s MULTI
        ask $s SET in1 1
        ask $s SET in2 2
        ask $s EXEC
        stop $s kill
        set whole [slurp $incr]
        set size [string length $whole]
        for {set cut [expr {$from + 1}]} {$cut < $size} {incr cut 13} {
            spit $incr [string range $whole 0 $cut-1]
            set s [server $config -dir $dir]
            is [ask $s MGET before in1 in2] {1 (nil) (nil)}
            is [ask $s SET after $cut] OK
            set s [restart $s kill $config]
            is [ask $s MGET before in1 after] [list 1 (nil) $cut]
            stop $s kill
        }
    }
}

case "a short file that is not the last is not touched, and the second start is refused too" {
    set dir [tmpdir]
    file mkdir $dir/appendonlydir
    set one [encode {SELECT 0}][encode {SET a 1}][encode {SET b 2}]
    spit $dir/appendonlydir/appendonly.aof.1.incr.aof [string range $one 0 end-3]
    spit $dir/appendonlydir/appendonly.aof.2.incr.aof [encode {SELECT 0}][encode {SET c 3}]
    spit $dir/appendonlydir/appendonly.aof.manifest \
        "file appendonly.aof.1.incr.aof seq 1 type i\nfile appendonly.aof.2.incr.aof seq 2 type i\n"
    set before [log_files $dir]
    foreach truncated {yes yes no yes} {
        lassign [server "$plain\naof-load-truncated $truncated" -dir $dir -fails 1] code text
        is $code 1
        like $text "*appendonly.aof.1.incr.aof*"
        is [log_files $dir] $before
    }
    is [run timeout 180 $check_aof $dir/appendonlydir/appendonly.aof.manifest] 1
}

# ---- files without a manifest, and a manifest's absence ----

foreach {what keep} {"base and increment" * "the increment only" *.incr.aof "the base only" *.base.rdb} {
    case "numbered files without a manifest are refused and untouched: $what" {
        set s [server $plain]
        set dir [of $s dir]
        ask $s SET precious 1
        stop $s term
        file delete $dir/appendonlydir/appendonly.aof.manifest
        foreach path [glob $dir/appendonlydir/*] {
            if {![string match $keep [file tail $path]]} { file delete $path }
        }
        set before [log_files $dir]
        foreach again {1 2} {
            lassign [server "$plain\non-missing-data start-empty" -dir $dir -fails 1] code text
            is $code 1
            like $text "*no manifest*"
            is [log_files $dir] $before
        }
    }
}

case "an increment that the manifest has lost is not written over" {
    set s [server "appendonly yes\nsave \"\""]
    set dir [of $s dir]
    ask $s SET a 1
    stop $s kill
    set manifest $dir/appendonlydir/appendonly.aof.manifest
    set whole [slurp $manifest]
    spit $manifest [string range $whole 0 [string first \n $whole]]
    set incr [slurp $dir/appendonlydir/appendonly.aof.1.incr.aof]
    lassign [server "appendonly yes" -dir $dir -fails 1] code text
    is $code 1
    like $text "*appendonly.aof.1.incr.aof is there, but the manifest names no increment*"
    is [slurp $dir/appendonlydir/appendonly.aof.1.incr.aof] $incr
    # what a start that was interrupted before the manifest was written leaves is no loss
    spit $dir/appendonlydir/appendonly.aof.1.incr.aof\
        "#LOG:0123456789abcdef 00000001 0000000000 00000000\r\n"
    set s [server "appendonly yes" -dir $dir]
    is [ask $s DBSIZE] 0
    stop $s kill
    spit $manifest $whole
    spit $dir/appendonlydir/appendonly.aof.1.incr.aof $incr
    set s [server "appendonly yes" -dir $dir]
    is [ask $s GET a] 1
}

case "the log switched on beside a dump file: the dump file is loaded, and loaded once" {
    set s [server "save \"\""]
    ask $s SET n 1
    ask $s SAVE
    set s [restart $s kill $plain]
    is [ask $s GET n] 1
    like [log_of $s] "*there is no append log*loaded from dump.rdb*"
    ask $s INCR n
    set s [restart $s kill $plain]
    is [ask $s GET n] 2
}

# ---- damaged commands: server and checker say the same ----

case "a negative length" {
    both_refuse "*2\r\n\$3\r\nGET\r\n\$-1\r\n" *
    both_refuse "*-1\r\n" *
}
case "a huge length" {
    both_refuse "*2\r\n\$3\r\nGET\r\n\$9223372036854775807\r\nx\r\n" *
    both_refuse "*9223372036854775807\r\n\$3\r\nGET\r\n" *
    both_refuse "*2\r\n\$3\r\nGET\r\n\$99999999999999999999\r\nx\r\n" *
}
case "the two bytes behind a bulk are not a line end" {
    both_refuse "*2\r\n\$3\r\nDEL\r\n\$1\r\nkXX" "Expected *, got: 5858"
    both_refuse "[encode {SELECT 0}]*1\r\n\$4\r\nPINGXX*1\r\n" "Expected *, got: 5858"
}
case "a known command with too few arguments: the server names it and where it stands" {
    set dir [log_of_bytes [encode {SELECT 0}][encode {SET k}]]
    set before [log_files $dir]
    lassign [server $plain -dir $dir -fails 1] code text
    is $code 1
    like $text "*wrong number of arguments for 'set' command (offset 23)*"
    is [log_files $dir] $before
}

# ---- damaged snapshots ----

proc payload {name} {
    foreach row [split [slurp $::shared/corrupt/restore-payloads.jsonl] \n] {
        if {[string match "*\"name\":\"$name\"*" $row]} {
            regexp {"payload":"([^"]*)"} $row -> text
            return [binary decode base64 $text]
        }
    }
    error "no payload $name"
}

# Server and checker refuse the dump file with these words.
proc both_refuse_dump {bytes words} {
    set dir [tmpdir]
    spit $dir/dump.rdb $bytes
    is [run timeout 180 $::check_rdb $dir/dump.rdb] 1
    like $::run_output "*$words*"
    lassign [server "" -dir $dir -fails 1] code text
    is $code 1
    like $text "*$words*"
    is [slurp $dir/dump.rdb] $bytes
}

set no_crc [string repeat \x00 8]

case "an entry that two consumers own" {
    if {[file exists $shared]} {
        # a payload is the type, the value and ten bytes more
        set p [payload stream-pel-two-consumers]
        set value [string range $p 1 end-10]
        both_refuse_dump "REDIS0011\xfe\x00[string index $p 0]\x01k$value\xff$no_crc" "onsumer"
    }
}

case "RESIZEDB with 2^40 keys takes no memory" {
    set dir [tmpdir]
    set many \x81\x00\x00\x01\x00\x00\x00\x00\x00
    spit $dir/dump.rdb "REDIS0011\xfe\x00\xfb$many$many\x00\x01a\x011\xff$no_crc"
    is [run timeout 180 $check_rdb $dir/dump.rdb] 0
    set s [server "" -dir $dir]
    is [ask $s GET a] 1
    truth {[info_of $s used_memory_peak] < 64 * 1024 * 1024}
}

case "the same key twice: refused, and the key is named" {
    set dir [tmpdir]
    set bytes "REDIS0011\xfe\x00\x00\x05twice\x011\x00\x03one\x012\x00\x05twice\x013\xff$no_crc"
    spit $dir/dump.rdb $bytes
    lassign [server "" -dir $dir -fails 1] code text
    is $code 1
    like $text "*The same key twice*twice*"
    is [slurp $dir/dump.rdb] $bytes
}

finish
