# SPDX-License-Identifier: BSD-3-Clause
# holdfast backup, and the server's BACKUP and aof-keep-history that it stands on.
source [file join [file dirname [info script]] lib.tcl]

set holdfast [file join $build holdfast]
set log "appendonly yes\nsave \"\"\nauto-aof-rewrite-percentage 0\nenable-debug-command yes"
set peer [lindex [auto_execok redis-server] 0]

# Runs the tool, which must end with that code; its output.
proc backup {code args} {
    set got [run timeout 300 $::holdfast backup {*}$args]
    if {$got != $code} { error "exit code $got, not $code: $::run_output" }
    return $::run_output
}
proc address {s} { return 127.0.0.1:[of $s port] }
proc backups {dir} { return [lsort [glob -nocomplain -tails -directory $dir 2*]] }
proc parts {s} { return [lsort [glob -tails -directory [of $s dir]/appendonlydir *]] }
proc rewrite {s} {
    set base [manifest_base $s]
    ask $s BGREWRITEAOF
    wait_for { expr {[manifest_base $s] ne $base} }
}
proc manifest_base {s} {
    regexp -line {^file (\S+) seq \d+ type b} \
        [slurp [of $s dir]/appendonlydir/appendonly.aof.manifest] -> base
    return $base
}
# Where its log ends, as a position.
proc end_of_log {s} {
    set path [lindex [lsort -dictionary [glob [of $s dir]/appendonlydir/*.incr.aof]] end]
    regexp {\.(\d+)\.incr} $path -> seq
    return $seq:[file size $path]
}
# What a server has that is started with what was restored.
proc digest_in {dir {config ""}} {
    set s [server "appendonly yes\nsave \"\"\nenable-debug-command yes\n$config" -dir $dir]
    set digest [ask $s DEBUG DIGEST]
    stop $s
    return $digest
}
proc fill {s n} {
    for {set i 0} {$i < $n} {incr i} {
        ask $s SET key:$i [string repeat $i 50]
        ask $s RPUSH list:[expr {$i % 7}] $i
        ask $s HSET hash:[expr {$i % 5}] f$i $i
    }
}

# ---- BACKUP ----

case "BACKUP START draws a line, SEAL another, and their files stay until END" {
    set s [server $log]
    fill $s 10
    set line [ask $s BACKUP START]
    is [dict get $line dir] [of $s dir]/appendonlydir
    is [dict get $line manifest] appendonly.aof.manifest
    set files [dict get $line files]
    is [lmap f $files { dict get $f name }] {appendonly.aof.1.base.rdb appendonly.aof.1.incr.aof}
    is [lmap f $files { dict get $f type }] {b i}
    is [dict get [lindex $files 0] from] 1
    foreach f $files { is [file size [dict get $line dir]/[dict get $f name]] [dict get $f size] }
    is [dict get $line position] 1:[dict get [lindex $files 1] size]
    # Nothing was written: the line is where it was.
    is [dict get [ask $s BACKUP SEAL] position] [dict get $line position]
    is [lsearch -inline [parts $s] *3.incr*] ""
    ask $s SET later 1
    set sealed [ask $s BACKUP SEAL]
    is [llength [dict get $sealed files]] 3
    like [dict get $sealed position] 2:*
    set held [lmap f [dict get $sealed files] { dict get $f name }]
    rewrite $s
    rewrite $s
    foreach name $held { truth {[file exists [of $s dir]/appendonlydir/$name]} }
    set list [ask $s BACKUP LIST]
    is [llength $list] 1
    is [lsort [dict get [lindex $list 0] files]] [lsort $held]
    is [ask $s BACKUP END] 1
    wait_for { expr {[llength [parts $s]] == 3} }
    is [ask $s BACKUP LIST] {}
    is [ask $s BACKUP END] 0
    set digest [ask $s DEBUG DIGEST]
    set s [restart $s kill $log]
    is [ask $s DEBUG DIGEST] $digest
}

case "what holds files ends with its connection, and two hold side by side" {
    set s [server $log]
    set one [connect $s]
    set two [connect $s]
    ask $s SET a 1
    request $one BACKUP START
    ask $s SET b 1
    request $two BACKUP START
    like [catch { request $two BACKUP START } error]$error 1*holds*
    rewrite $s
    is [llength [ask $s BACKUP LIST]] 2
    close $one
    wait_for { expr {[llength [ask $s BACKUP LIST]] == 1} }
    truth {[file exists [of $s dir]/appendonlydir/appendonly.aof.1.incr.aof]}
    close $two
    wait_for { expr {[llength [parts $s]] == 3} }
}

case "BACKUP says what it cannot do" {
    set s [server "save \"\""]
    like [error_of $s BACKUP START] "ERR There is no append log*BGSAVE*"
    like [error_of $s BACKUP SEAL] "ERR *BACKUP START*"
    like [error_of $s BACKUP] "ERR wrong number*"
    like [error_of $s BACKUP NOTHING] "ERR unknown subcommand*"
    like [join [ask $s BACKUP HELP]] "*START*SEAL*END*"
    ask $s MULTI
    like [error_of $s BACKUP START] "ERR *not allowed*"
}

# After a restart the newest increment holds what was written before: it is no fresh one.
case "the line after a restart takes what was written before it" {
    set s [server $log]
    ask $s SET a 1
    ask $s BACKUP START
    ask $s SET b 1
    set s [restart $s term $log]
    set line [ask $s BACKUP START]
    set last [lindex [dict get $line files] end]
    like [slurp [dict get $line dir]/[dict get $last name]] "*SET*b*"
}

case "aof-keep-history keeps as many generations, and lets go when told" {
    set s [server "$log\naof-keep-history 2"]
    foreach round {1 2 3 4} {
        ask $s SET key $round
        rewrite $s
    }
    # What is too old goes first, and then its lines in the manifest.
    wait_for {
        set text [slurp [of $s dir]/appendonlydir/appendonly.aof.manifest]
        expr {[llength [regexp -all -inline {type h} $text]] == 4}
    }
    is [llength [parts $s]] 7 ;# manifest, base, incr, twice base and incr
    # Each base says with which increment it begins, and that is there.
    foreach {- seq from} \
            [regexp -all -inline -line {base.rdb seq (\d+) type \w .*from (\d+)$} $text] {
        truth {[file exists [of $s dir]/appendonlydir/appendonly.aof.$from.incr.aof]}
    }
    set s [restart $s term "$log\naof-keep-history 2"]
    is [ask $s GET key] 4
    is [llength [parts $s]] 7
    ask $s CONFIG SET aof-keep-history 1d
    after 100
    is [llength [parts $s]] 7
    ask $s CONFIG SET aof-keep-history 0
    wait_for { expr {[llength [parts $s]] == 3} }
    wait_for { expr {![regexp {type h} [slurp [of $s dir]/appendonlydir/appendonly.aof.manifest]]} }
    foreach bad {x -1 1w d "" 1.5} {
        like [error_of $s CONFIG SET aof-keep-history $bad] "*aof-keep-history is a number*"
    }
}

# ---- the tool ----

case "a backup is what the server had, and the next one shares what did not change" {
    set s [server $log]
    set dir [tmpdir]/backups
    fill $s 100
    rewrite $s
    fill $s 20
    set first [ask $s DEBUG DIGEST]
    like [backup 0 create [address $s] $dir --deep] "*read back whole*"
    ask $s SET more 1
    set second [ask $s DEBUG DIGEST]
    like [backup 0 create [address $s] $dir] "* shared with the backup before*"
    lassign [backups $dir] one two
    set base appendonlydir/[manifest_base $s]
    file stat $dir/$one/$base a
    file stat $dir/$two/$base b
    is $a(ino) $b(ino)
    like [backup 0 verify $dir --backup all --deep] "*$one: good*$two: good*"
    set out [tmpdir]/out
    backup 0 restore $dir $out --backup $one
    is [digest_in $out] $first
    set out [tmpdir]/out
    backup 0 restore $dir $out
    is [digest_in $out] $second
    like [backup 1 restore $dir $out --backup nothing] "*no backup nothing*"
    like [backup 1 restore $dir $out] "*is there already: nothing is written over it*"
    is [ask $s BACKUP LIST] {}
}

case "a name that lies in the future, or is no time: the next one sorts behind it, or is not held up" {
    set from [tmpdir]
    file mkdir $from
    set s [server "save \"\""]
    ask $s SET a 1
    ask $s SAVE
    file copy [of $s dir]/dump.rdb $from/dump.rdb
    set dir [tmpdir]/backups
    backup 0 create $from $dir
    file rename $dir/[lindex [backups $dir] 0] $dir/29990105T044220.999Z
    backup 0 create $from $dir
    is [backups $dir] {29990105T044220.999Z 29990105T044221.000Z}
    file rename $dir/29990105T044220.999Z $dir/zzz
    file delete -force $dir/29990105T044221.000Z
    backup 0 create $from $dir
    is [llength [backups $dir]] 1
    like [lindex [backups $dir] 0] [clock format [clock seconds] -gmt 1 -format %Y]*
}

case "compressed, by links, as a dump, from a directory" {
    set s [server $log]
    fill $s 200
    set digest [ask $s DEBUG DIGEST]
    foreach how {{--compress zstd} {--compress gzip --level 9} --link --dump} {
        set dir [tmpdir]/backups
        backup 0 create [address $s] $dir --deep {*}$how
        backup 0 verify $dir --deep
        set out [tmpdir]/out
        backup 0 restore $dir $out
        is [digest_in $out] $digest
    }
    set from [of $s dir]
    foreach running {1 0} {
        set dir [tmpdir]/backups
        backup 0 create $from $dir
        set out [tmpdir]/out
        backup 0 restore $dir $out
        is [digest_in $out] $digest
        if {$running} { stop $s term }
    }
}

case "restore --to takes a dump however it is stored" {
    set s [server $log]
    fill $s 20
    set digest [ask $s DEBUG DIGEST]
    foreach compress {{} {--compress gzip} {--compress zstd}} {
        set dir [tmpdir]/backups
        set out [tmpdir]/out
        backup 0 create [address $s] $dir --dump {*}$compress
        like [backup 1 restore $dir $out --to "2030-01-01 00:00"] "*No times stand in this log*"
        regexp {to (0:\d+)} [backup 1 restore $dir $out --to 7:0] -> end
        backup 0 restore $dir $out --to $end
        is [digest_in $out] $digest
    }
}

case "restore --to takes a log however it is stored, and says that a backup has no history" {
    set s [server "$log\naof-keep-history 9"]
    ask $s SET gone 1
    ask $s FLUSHALL
    rewrite $s
    fill $s 20
    set digest [ask $s DEBUG DIGEST]
    set end [end_of_log $s]
    ask $s SET later 1
    # The server's own directory reaches that far.
    is [run timeout 300 $holdfast restore [of $s dir] --to before-last:FLUSHALL --dry-run] 0
    foreach compress {{} {--compress gzip} {--compress zstd}} {
        set dir [tmpdir]/backups
        set out [tmpdir]/out
        backup 0 create [address $s] $dir {*}$compress
        backup 0 restore $dir $out --to $end
        is [run timeout 300 $holdfast check $out] 0
        is [digest_in $out] $digest
        like [backup 1 restore $dir [tmpdir]/x --to before-last:FLUSHALL] \
            "*There is no FLUSHALL in the log (no history is here: a backup takes none along*"
        like [backup 1 restore $dir [tmpdir]/x --to 1:0] "*no increment 1 (no history is here*"
    }
}

case "a byte that changed is found, and the mark of being verified goes" {
    set s [server $log]
    set dir [tmpdir]/backups
    fill $s 50
    rewrite $s
    ask $s SET after 1
    backup 0 create [address $s] $dir
    set name [backups $dir]
    foreach path [glob $dir/$name/appendonlydir/*] {
        set bytes [slurp $path]
        set at [expr {[string length $bytes] / 2}]
        spit $path [string replace $bytes $at $at \
            [binary format c [expr {[scan [string index $bytes $at] %c] ^ 1}]]]
        like [backup 5 verify $dir] "*NOT GOOD*"
        truth {![file exists $dir/$name/verified]}
        spit $path $bytes
        backup 0 verify $dir
        truth {[file exists $dir/$name/verified]}
    }
    set manifest [slurp $dir/$name/backup]
    spit $dir/$name/backup [string map {keys key5} $manifest]
    like [backup 5 verify $dir] "*sum differs*"
    spit $dir/$name/backup [string range $manifest 0 end-10]
    like [backup 3 verify $dir] "*does not end with its sum*"
    spit $dir/$name/backup $manifest
    file delete $dir/$name/appendonlydir/appendonly.aof.manifest
    like [backup 5 verify $dir] "*No such file*"
}

# Moments are read from the file: a list of them is made by hand.
case "expire keeps the newest of each period, and never removes the last that was verified" {
    set s [server $log]
    set dir [tmpdir]/backups
    backup 0 create [address $s] $dir
    set made [backups $dir]
    foreach day {01 02 03} {
        foreach hour {00 12} {
            set name 202601${day}T${hour}0000.000Z
            file copy $dir/$made $dir/$name
            set ms [expr {[clock scan "202601$day $hour:00" -format "%Y%m%d %H:%M" -gmt 1] * 1000}]
            regsub {begun \d+} [slurp $dir/$name/backup] "begun $ms" text
            regsub {sum \S+\n$} $text "" text
            spit $dir/$name/backup $text
            set sum [lindex [exec sha256sum $dir/$name/backup] 0]
            spit $dir/$name/backup "${text}sum $sum\n"
            file delete $dir/$name/verified
        }
    }
    file delete -force $dir/$made
    is [llength [backups $dir]] 6
    like [backup 1 expire $dir] "*what is to stay*"
    like [backup 1 expire $dir --keep 1] "*--yes*"
    is [llength [backups $dir]] 6
    backup 0 verify $dir --backup 20260101T000000.000Z
    backup 0 expire $dir --daily 2 --yes
    is [backups $dir] {20260101T000000.000Z 20260102T120000.000Z 20260103T120000.000Z}
    backup 0 verify $dir
    backup 0 expire $dir --keep 1 --yes
    is [backups $dir] {20260103T120000.000Z}
}

# As a program before this one wrote it: the dump of a backup is emptied, and so it was noted.
proc note_emptied {dir name} {
    file delete $dir/$name/dump.rdb ;# it may be the backup's before as well
    spit $dir/$name/dump.rdb ""
    set text [slurp $dir/$name/backup]
    regsub {size \d+ stored \d+ sha256 \w+} $text "size 0 stored 0 sha256 $::sha256_of_nothing" text
    regsub {keys \d+} $text {keys 0} text
    regsub {base-digest \S+} $text {base-digest -} text
    regsub {sum \S+\n$} $text "" text
    spit $dir/$name/backup $text
    spit $dir/$name/backup "${text}sum [lindex [exec sha256sum $dir/$name/backup] 0]\n"
}
set sha256_of_nothing [lindex [exec sha256sum /dev/null] 0]

case "a dump that was emptied is no backup, and does not drive out the one before" {
    set s [server "save \"\""]
    fill $s 10
    ask $s SAVE
    set from [of $s dir]
    stop $s term
    set dir [tmpdir]/backups
    backup 0 create $from $dir
    set good [backups $dir]
    set dump [slurp $from/dump.rdb]
    foreach bytes [list "" RED "not an RDB, though it is long enough for one"] {
        spit $from/dump.rdb $bytes
        foreach word [list $from $from/dump.rdb] {
            like [backup 5 create $word $dir] "*dump.rdb: offset *"
            is [backups $dir] $good
        }
    }
    like [backup 5 create /dev/null $dir] "dump.rdb: offset 0: *"
    is [backups $dir] $good
    spit $from/dump.rdb $dump
    backup 0 create $from $dir
    set emptied [lindex [backups $dir] 1]
    note_emptied $dir $emptied
    truth {[file exists $dir/$emptied/verified]}
    like [backup 5 verify $dir] "dump.rdb: offset 0: *$emptied: NOT GOOD*"
    like [backup 5 expire $dir --keep 1 --yes] "*$emptied: NOT GOOD*$good: good*"
    is [backups $dir] [list $good $emptied]
}

case "a base that is named as RDB and was emptied is no backup; no commands yet are one" {
    set from [tmpdir]
    file mkdir $from/appendonlydir
    foreach {name code} {x.1.base.rdb 5 x.1.base.aof 0} {
        spit $from/appendonlydir/$name ""
        spit $from/appendonlydir/x.1.incr.aof ""
        spit $from/appendonlydir/x.manifest \
            "file $name seq 1 type b\nfile x.1.incr.aof seq 1 type i\n"
        set dir [tmpdir]/backups
        backup $code create $from $dir
        is [llength [backups $dir]] [expr {$code == 0}]
    }
}

case "a file that rotted in the newest backup is not shared with the next one" {
    set s [server $log]
    fill $s 50
    rewrite $s
    set digest [ask $s DEBUG DIGEST]
    set base appendonlydir/[manifest_base $s]
    # "byte": one is changed; "cut": the end is missing; "gone": the file is.
    foreach {how compress} {byte {} cut {} gone {} byte {--compress zstd} cut {--compress gzip}} {
        set dir [tmpdir]/backups
        backup 0 create [address $s] $dir {*}$compress
        backup 0 create [address $s] $dir {*}$compress
        lassign [backups $dir] one two
        set path [lindex [glob $dir/$two/$base*] 0]
        set bytes [slurp $path]
        set half [expr {[string length $bytes] / 2}]
        file delete $path
        switch $how {
            byte {
                set x [binary format c [expr {[scan [string index $bytes $half] %c] ^ 1}]]
                spit $path [string replace $bytes $half $half $x]
            }
            cut { spit $path [string range $bytes 0 $half] }
        }
        like [backup 0 create [address $s] $dir {*}$compress] \
            "$base of the backup before, $two, is damaged: it is copied afresh *read back whole"
        truth {![file exists $dir/$two/verified]}
        set three [lindex [backups $dir] 2]
        truth {[slurp [lindex [glob $dir/$three/$base*] 0]] eq $bytes}
        like [backup 0 verify $dir --deep] "$three: good*"
        set out [tmpdir]/out
        backup 0 restore $dir $out
        is [digest_in $out] $digest
        # And this one shares with the next again.
        truth {![string match *afresh* [backup 0 create [address $s] $dir {*}$compress]]}
        file stat [lindex [glob $dir/$three/$base*] 0] a
        file stat [lindex [glob $dir/[lindex [backups $dir] 3]/$base*] 0] b
        is $a(ino) $b(ino)
    }
}

# Bytes that were read meanwhile, by a child that ended.
proc bytes_read {args} {
    exec timeout 120 bash -c {
        read -r _ before </proc/$$/io; "$@" >/dev/null 2>&1; code=$?; read -r _ after </proc/$$/io
        echo $((after - before)); exit $code
    } sh {*}$args
}

case "what did not change on a server of others is shared, by its bytes; each file is read once" {
    set dir [tmpdir]
    set place [tmpdir]
    set s [server "appendonly yes\nsave \"\"" -binary $peer -dir $place]
    fill $s 200
    for {set i 0} {$i < 64} {incr i} { ask $s SET big:$i [string repeat "$i " 30000] }
    foreach how {first second third} { backup 0 create [address $s] $dir/b }
    lassign [backups $dir/b] one two three
    foreach name [glob -directory $dir/b/$one/appendonlydir -tails *.base.rdb *.incr.aof] {
        file stat $dir/b/$one/appendonlydir/$name at_first
        file stat $dir/b/$three/appendonlydir/$name at_last
        is [list $name $at_last(ino) $at_last(nlink)] [list $name $at_first(ino) 3]
    }
    set size [file size [glob $dir/b/$one/appendonlydir/*.incr.aof]]
    truth {$size > 4000000}
    # the server's file for where its last whole command ends and for its bytes, and what is shared
    # as it is read back
    truth {[bytes_read $::holdfast backup create [address $s] $dir/b] < $size * 7 / 2}
    like [backup 0 verify $dir/b --backup all --deep] "*good*"
    # as many bytes, and others
    ask $s SET big:0 [string repeat "x" 10]
    set incr [lindex [glob $dir/b/[lindex [backups $dir/b] end]/appendonlydir/*.incr.aof] 0]
    like [backup 0 create [address $s] $dir/b] "*copied*"
    set newest $dir/b/[lindex [backups $dir/b] end]/appendonlydir/[file tail $incr]
    truth {[slurp $newest] ne [slurp $incr]}
    like [backup 0 verify $dir/b --backup all] "*good*"
    # ours: closed files are not read on the server's side
    set ours [server $log]
    fill $ours 50
    ask $ours SET big [string repeat x 4000000]
    rewrite $ours
    foreach how {first second} { backup 0 create [address $ours] $dir/o }
    truth {[bytes_read $::holdfast backup create [address $ours] $dir/o] < 7000000}
}

case "expire relies on no old mark: what stays is read again" {
    set s [server $log]
    set dir [tmpdir]/backups
    foreach n {10 20 30} {
        fill $s $n
        rewrite $s
        backup 0 create [address $s] $dir
    }
    lassign [backups $dir] one two three
    # the newest rotted, and still has its mark
    set base [lindex [glob $dir/$three/appendonlydir/*.base.rdb] 0]
    set bytes [slurp $base]
    file delete $base
    spit $base [string replace $bytes 50 50 [expr {[string index $bytes 50] eq "x" ? "y" : "x"}]]
    truth {[file exists $dir/$three/verified]}
    like [backup 5 expire $dir --keep 1 --yes] "*$three: NOT GOOD*$two: good*$one: removed*$two: kept*$three: kept*"
    truth {![file exists $dir/$three/verified]}
    # and that is told each time
    like [backup 5 expire $dir --keep 1 --yes] "*$three: NOT GOOD*$two: good*$two: kept*$three: kept*"
    # none is whole
    set base [lindex [glob $dir/$two/appendonlydir/*.base.rdb] 0]
    file delete $base
    like [backup 5 expire $dir --keep 1 --yes] "*None of the backups is whole: none is removed*"
    is [backups $dir] [list $two $three]
    # nothing to remove: nothing is read
    like [backup 0 expire $dir --keep 5 --yes] "*$two: kept*"
}

case "expire: what can't be read is kept, is none of those to keep, and is told by the exit code" {
    set s [server "save \"\""]
    set dir [tmpdir]/backups
    fill $s 5
    for {set i 0} {$i < 5} {incr i} { backup 0 create [address $s] $dir }
    set all [backups $dir]
    proc damage {dir name} {
        set fd [open $dir/$name/backup a]
        puts $fd ""
        close $fd
    }
    # The newest two: of the others the newest two stay besides.
    foreach name [lrange $all 3 4] { damage $dir $name }
    set said [backup 3 expire $dir --keep 2 --yes]
    is [backups $dir] [lrange $all 1 4]
    foreach name [lrange $all 3 4] { is [regexp -all "$name\[^\n]*does not end with its sum" $said] 1 }
    # Days, too: of one day the newest that can be read.
    backup 3 expire $dir --daily 1 --yes
    is [backups $dir] [lrange $all 2 4]
    # There is nothing to remove: all the same.
    backup 3 expire $dir --keep 5 --yes
    # None can be read.
    damage $dir [lindex $all 2]
    foreach options {{--keep 2} {--keep 5} {--daily 7}} {
        like [backup 5 expire $dir {*}$options --yes] \
            "*does not end with its sum*None of the backups is whole: none is removed*"
        is [backups $dir] [lrange $all 2 4]
    }
    foreach name [lrange $all 3 4] { file delete -force $dir/$name }
    like [backup 5 expire $dir --keep 1 --yes] "*None of the backups is whole*"
    is [backups $dir] [lindex $all 2]
    file delete -force $dir/[lindex $all 2]
    backup 0 expire $dir --keep 1 --yes
}

case "a backup that was interrupted is no backup, and the next run says so" {
    set s [server $log]
    set dir [tmpdir]/backups
    fill $s 10
    backup 0 create [address $s] $dir
    set whole [backups $dir]
    file mkdir $dir/.unfinished-20260101T000000.000Z/appendonlydir
    spit $dir/.unfinished-20260101T000000.000Z/appendonlydir/x "half"
    file mkdir $dir/.removing-20250101T000000.000Z
    is [string trim [backup 0 list $dir]] [string trim [backup 0 list $dir]]
    like [backup 0 list $dir] "$whole *"
    like [backup 0 create [address $s] $dir] "*interrupted while it was made*read back whole"
    is [glob -nocomplain $dir/.unfinished-* $dir/.removing-*] {}
    is [llength [backups $dir]] 2
}

case "words that make no sense" {
    like [backup 1 frob x] "*create, verify, list, restore or expire*"
    like [backup 1 create x] "*backup create HOST:PORT|DATA-DIR DIR*"
    like [backup 2 create 127.0.0.1:[free_port] [tmpdir]/b] "*Connection refused*"
    like [backup 1 verify [tmpdir]] "*There is no backup*"
    like [backup 2 list /nonexistent] "*Can't read the directory*"
    like [backup 1 create x y --compress lzma] "*gzip or zstd*"
    like [backup 1 create /nonexistent/x [tmpdir]/b --no] "*no option --no*"
}

# One a second under load: each verifies, each restores to the digest that a server with just its
# files has.
case "backups of a server under load verify, and are each of one moment" {
    set s [server "$log\nauto-aof-rewrite-percentage 50\nauto-aof-rewrite-min-size 100kb"]
    set dir [tmpdir]/backups
    # Two counters that one transaction moves: a copy that is not of one moment has them apart.
    set load [exec redis-benchmark -p [of $s port] -c 4 -n 100000000 -r 5000 -P 4 -q \
        EVAL {redis.call('incr','a') redis.call('incr','b') redis.call('set',ARGV[1],ARGV[1])} \
        0 __rand_int__ >/dev/null 2>@1 &]
    set rounds [expr {$long ? 60 : 5}]
    for {set i 0} {$i < $rounds} {incr i} {
        backup 0 create [address $s] $dir --deep
        if {$i == 1} { catch { ask $s BGREWRITEAOF } }
        after [expr {$long ? 900 : 200}]
    }
    signal KILL $load
    backup 0 verify $dir --backup all --deep
    foreach name [backups $dir] {
        set out [tmpdir]/out
        backup 0 restore $dir $out --backup $name
        set r [server "appendonly yes\nsave \"\"" -dir $out]
        is [ask $r GET a] [ask $r GET b]
        stop $r
        file delete -force $out
    }
    is [ask $s BACKUP LIST] {}
}

if {$peer ne ""} {
    case "a server of another kind: its log, and its dump, while it is served" {
        set s [server "appendonly yes\nsave \"\"" -binary $peer]
        set dir [tmpdir]/backups
        fill $s 50
        backup 0 create [address $s] $dir --deep
        ask $s BGREWRITEAOF
        wait_for { expr {[info_of $s aof_rewrite_in_progress] == 0} }
        ask $s SET last 1
        backup 0 create [address $s] $dir --deep
        is [lindex [ask $s CONFIG GET auto-aof-rewrite-percentage] 1] 100
        set out [tmpdir]/out
        backup 0 restore $dir $out
        set r [server "appendonly yes\nsave \"\"" -binary $peer -dir $out]
        is [ask $r GET last] 1
        is [ask $r DBSIZE] [ask $s DBSIZE]
        stop $r
        ask $s CONFIG SET appendonly no
        set dir [tmpdir]/backups
        backup 0 create [address $s] $dir --deep
        set out [tmpdir]/out
        backup 0 restore $dir $out
        set r [server "save \"\"" -dir $out]
        is [ask $r DBSIZE] [ask $s DBSIZE]
    }
}

finish
