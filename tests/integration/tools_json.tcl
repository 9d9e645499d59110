# SPDX-License-Identifier: BSD-3-Clause
# What --json prints is what docs/tools-json.md says, name by name and type by type: each verb is run
# over good and damaged files, and each name that is documented is seen.
source [file join [file dirname [info script]] lib.tcl]

set holdfast [file join $build holdfast]

# ---- the description: verb -> name -> type; "All verbs" and "Faults" are for several ----

proc described {} {
    set section ""
    foreach line [split [slurp $::root/docs/tools-json.md] \n] {
        if {[regexp {^## (.*)$} $line -> section]} continue
        if {[regexp {^\| `([^`]+)` \| ([a-z ]+?) \|} $line -> name type]} {
            dict set found $section $name $type
        }
    }
    return $found
}
set doc [described]
proc type_of {verb name} {
    foreach section [list $verb Faults "All verbs"] {
        if {[dict exists $::doc $section $name]} {
            set ::seen($section,$name) 1
            return [dict get $::doc $section $name]
        }
    }
    error "$verb: $name is not described"
}

# ---- JSON, with the type of each value ----

# Checks the value that begins at $at of $text, and moves at behind it. path: its name.
proc check_value {verb path text at_name} {
    upvar 1 $at_name at
    set type [expr {$path eq "" ? "object" : [type_of $verb $path]}]
    set rest [string range $text $at $at+400]
    if {[string index $text $at] eq "\{" && ![string match {bytes*} $type]} {
        truth {$type eq "object" || $type eq "member"}
        incr at
        while {[string index $text $at] ne "\}"} {
            regexp -start $at {\A,?\s*"([a-z_0-9]+)":} $text all name
            incr at [string length $all]
            check_value $verb [string trimleft $path.$name .] $text at
        }
        incr at
        return
    }
    switch -glob -- $rest {
        "\\\[*" { check_list $verb $path $type $text at; return }
        "\\\{\"base64\":\"*" { set is bytes; regexp {\A\{"base64":"[^"]*"\}} [string range $text $at end] all }
        "\"*" { set is text; regexp -start $at {\A"(?:[^"\\]|\\.)*"} $text all }
        "null*" { set is null; set all null }
        "true*" { set is boolean; set all true }
        "false*" { set is boolean; set all false }
        default { set is number; regexp -start $at {\A-?[0-9.]+(?:e[-+]?[0-9]+)?} $text all }
    }
    incr at [string length $all]
    if {$is eq "text" && [string match time* $type]} {
        truth {[regexp {^"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"$} $all]}
        return
    }
    if {$is eq "text" && [string match bytes* $type]} return
    if {$is eq "null" && [string match "* or null" $type]} return
    if {![string match "$is*" $type]} { error "$verb: $path is $is ($all), not $type" }
}
proc check_list {verb path type text at_name} {
    upvar 1 $at_name at
    is $type list
    incr at
    while {[string index $text $at] ne "\]"} {
        regexp -start $at {\A[,\s]*} $text all
        incr at [string length $all]
        is [string index $text $at] "\{"
        incr at
        while {[string index $text $at] ne "\}"} {
            regexp -start $at {\A,?\s*"([a-z_0-9]+)":} $text all name
            incr at [string length $all]
            check_value $verb "$path\[\].$name" $text at
        }
        incr at
    }
    incr at
}

# Runs the verb; the object, wherever it was printed, is as described.
proc object {args} {
    set dir [tmpdir]
    catch { exec timeout 300 $::holdfast {*}$args --json >$dir/out 2>$dir/err </dev/null }
    set text [slurp $dir/out]
    if {![string match "\{\"schema\"*" $text]} {
        set err [slurp $dir/err]
        set text [string range $err [string first "\{\"schema\"" $err] end]
    }
    like $text "\{\"schema\":1,\"verb\":\"*"
    set at 0
    check_value [lindex $args 0] "" $text at
    is [string range $text $at end] \n
    return $text
}

# ---- data of every kind ----

set log "appendonly yes\nsave \"\"\nauto-aof-rewrite-percentage 0\naof-timestamp-enabled yes\naof-keep-history 3"
proc flip {path at} {
    set bytes [slurp $path]
    spit $path [string replace $bytes $at $at \
        [binary format c [expr {[scan [string index $bytes $at] %c] ^ 4}]]]
}
proc zero {path from n} {
    set bytes [slurp $path]
    spit $path [string replace $bytes $from [expr {$from + $n - 1}] [string repeat \0 $n]]
}

case "check, salvage, convert and dump of good and damaged dumps" {
    set s [server "save \"\"\nenable-debug-command yes"]
    for {set i 0} {$i < 3000} {incr i} {
        # What does not compress, so that the file has several blocks.
        set value ""
        while {[string length $value] < 900} { append value [format %x [expr {int(rand() * 1e9)}]] }
        ask $s SET key:$i $value PX 100000000
    }
    ask $s SADD "\xff\xfe" [string repeat \xf0 300]
    ask $s SAVE
    set dump [of $s dir]/dump.rdb
    object check $dump
    object dump $dump
    object dump $dump --match \xff*
    object dump $dump --format resp --output [tmpdir]/commands
    ask $s ACL SETUSER weak on >secret ~* +@all -function
    object dump redis://weak:secret@127.0.0.1:[of $s port] --match \xff*
    object anonymise $dump [tmpdir]/other.rdb
    set dir [tmpdir]
    object convert $dump $dir/a.rdb
    object convert $dump $dump $dir/b.rdb --twice first
    file copy $dump $dir/flip.rdb
    flip $dir/flip.rdb [expr {[file size $dump] / 2}]
    object check $dir/flip.rdb
    object salvage $dir/flip.rdb $dir/mended.rdb
    file copy $dump $dir/zero.rdb
    zero $dir/zero.rdb [expr {[file size $dump] / 3}] 5000
    object check $dir/zero.rdb
    object salvage $dir/zero.rdb $dir/rest.rdb --doubtful $dir/doubt.rdb
    object check $dir/nothing.rdb
    spit $dir/cut.rdb [string range [slurp $dump] 0 400000]
    object check $dir/cut.rdb
    set plain $dir/plain.rdb
    object convert $dump $plain --plain
    # The same key twice, and a collection that breaks off.
    spit $dir/twice.rdb "REDIS0009\xfe\0\0\1a\0011\0\1a\0012\1\1l\5\1a\1b"
    object check $dir/twice.rdb
    set rest ""
    for {set i 0} {$i < 20} {incr i} { append rest "\0\3k[format %02d $i]\1v" }
    spit $dir/broken.rdb "REDIS0009\xfe\0\1\4list\5\1a\1b\xee\xee\xee$rest\xff[string repeat \0 8]"
    object salvage $dir/broken.rdb $dir/parts.rdb --keep-partial
    object salvage $dir/twice.rdb $dir/once.rdb --keep-partial
    # One library, and the record of another whose length is damaged.
    set code "#!lua name=one\nredis.register_function('f', print)"
    spit $dir/functions.rdb "REDIS0011\xf5[binary format c [string length $code]]$code\xf5\x7f\xff[string map {one two} $code]\xfe\0$rest\xff[string repeat \0 8]"
    object salvage $dir/functions.rdb $dir/functions-out.rdb
    set fields [file join $shared redis8-hash-field-expiry.rdb]
    if {[file exists $fields]} { object convert $fields --explain } else {
        foreach name {db key library what} { type_of convert "blocking\[\].$name" }
    }
}

case "check, fix, points, restore, who and stats of good and damaged logs" {
    set s [server $log]
    for {set i 0} {$i < 40} {incr i} { ask $s INCR counter; ask $s SET key:$i [string repeat $i 200] }
    ask $s BGREWRITEAOF
    wait_for { expr {[info_of $s aof_rewrites] == 1 && [info_of $s aof_rewrite_in_progress] == 0} }
    ask $s MULTI; ask $s SET a 1; ask $s INCR counter; ask $s EXEC
    for {set i 0} {$i < 150} {incr i} { ask $s DEL key:$i }
    for {set i 0} {$i < 50} {incr i} { ask $s APPEND text "part $i "; ask $s INCR counter }
    ask $s SWAPDB 0 1
    ask $s FLUSHALL
    ask $s SET after 1
    set data [of $s dir]
    stop $s term
    object check $data
    object points $data --mass 5
    object who counter $data
    object stats $data
    object restore $data --to before-last:FLUSHALL --dry-run
    object restore $data --to 2100-01-01 --dry-run
    object points $data --within -0s
    spit [tmpdir]/times.aof "#TS:100\r\n[encode {SET a 1}]#TS:200\r\n[encode {SET b 1}]"
    object restore $tmp_root/d$tmpdir_count/times.aof --to @100 --dry-run
    object restore $data [tmpdir]/out --to before-last:FLUSHALL
    object restore $data [tmpdir]/out --to 1970-01-01T00:00:01Z
    object fix $data
    set newest [lindex [lsort [glob $data/appendonlydir/*.incr.aof]] end]
    set good [slurp $newest]
    flip $newest [expr {[string first "part 25 " $good] + 2}]
    object fix --salvage $data
    object check $data
    spit $newest $good
    zero $newest [string first "part 10 " $good] 700
    object check $data
    object who counter $data
    object stats $data
    spit $newest $good
    foreach more {0 5} { flip $newest [expr {[string first "part 10 " $good] + $more}] }
    object fix --salvage --in-place --yes $data
    object fix --undo --yes $data
    spit [tmpdir]/open.aof [encode MULTI][encode {FUNCTION LOAD "#!lua name=one"}]
    object fix --salvage $tmp_root/d$tmpdir_count/open.aof
    spit [tmpdir]/slow.aof "#TS:100\r\n[encode {SET a 1}]#TS:200\r\n[encode {SET b 1}]"
    object stats $tmp_root/d$tmpdir_count/slow.aof
}

case "what an interrupted fix left" {
    set dir [tmpdir]
    spit $dir/old.aof "*1\r\n\$4\r\nPING\r\n*1\r\n"
    set ended [exec sh -c {echo $$}]
    spit $dir/old.aof.mended-$ended ""
    like [object fix $dir/old.aof] "*\"file\":\"old.aof.mended-$ended\",\"removed\":false*"
    like [object fix --in-place $dir/old.aof] "*\"removed\":true*"
}

case "diff and report" {
    set s [server "save \"\""]
    foreach words {{SET both same} {SET gone x} {SET ttl x} {SET type x} {HSET hash f v} {ZADD zset 1 a}
                   {RPUSH list a b} {SET text abc} {XADD stream 1-1 a 1}} { ask $s {*}$words }
    ask $s SAVE
    set a [tmpdir]/a.rdb
    file copy [of $s dir]/dump.rdb $a
    foreach words {{DEL gone} {SET new x} {EXPIRE ttl 1000} {DEL type} {RPUSH type x} {HSET hash f w g x}
                   {ZADD zset 2 a} {LSET list 1 c} {SET text abd} {XADD stream 2-1 a 1}
                   {FUNCTION LOAD "#!lua name=lib\nredis.register_function('f', function() return 1 end)"}} {
        ask $s {*}$words
    }
    for {set i 0} {$i < 20} {incr i} {
        set fields {}
        for {set j 0} {$j < 40} {incr j} { lappend fields f$j v }
        ask $s HSET many:$i {*}$fields
    }
    for {set i 0} {$i < 120} {incr i} { ask $s SET session:$i x EX 1000 }
    ask $s SET session:x x
    object diff $a 127.0.0.1:[of $s port] --values
    object diff $a $a
    object diff $a 127.0.0.1:[of $s port] --patch --output [tmpdir]/patch
    object diff $a $a.none
    object report 127.0.0.1:[of $s port] --against $a --limit hash-max-listpack-entries=32
}

case "where the product has stdout, the answer has stderr: text, or one object and nothing else" {
    set s [server "save \"\""]
    ask $s SET a b
    ask $s SAVE
    set dump [of $s dir]/dump.rdb
    set dir [tmpdir]
    spit $dir/bad.rdb "REDIS0009\xfe\0\0\1a\0011\x77"
    # The product and the answer of a verb that ends with that code.
    proc parts {code args} {
        set dir [tmpdir]
        set got [catch { exec timeout 60 $::holdfast {*}$args >$dir/out 2>$dir/err </dev/null } - o]
        if {$got} { set got [lindex [dict get $o -errorcode] 2] }
        is $got $code
        return [list [slurp $dir/out] [slurp $dir/err]]
    }
    proc one_object {verb text} {
        set at 0
        like $text "\{\"schema\":1,\"verb\":\"$verb\"*"
        check_value $verb "" $text at
        is [string range $text $at end] \n
    }
    foreach words {{salvage -} {convert -} {anonymise -}} {
        set verb [lindex $words 0]
        lassign [parts 0 $verb $dump -] out err
        like $out REDIS0*
        truth {[string length $err] > 3}
        truth {[string first $err $out] < 0}
        lassign [parts 0 $verb $dump - --json] out err
        like $out REDIS0*
        truth {[string first "\"schema\"" $out] < 0}
        one_object $verb $err
        lassign [parts 2 $verb $dir/nosuch - --json] out err
        is $out ""
        one_object $verb $err
        one_object $verb [lindex [parts 1 $verb --no-such $dump - --json] 1]
    }
    foreach {code words} [list 2 [list dump $dir/nosuch] 1 {dump} 1 {dump x --no-such} 5 \
            [list dump $dir/bad.rdb --progress] 2 [list diff $dump $dir/nosuch --patch] \
            2 [list report $dir/nosuch --html -]] {
        lassign [parts $code {*}$words --json] out err
        truth {[string first "\"schema\"" $out] < 0}
        one_object [lindex $words 0] $err
    }
}

case "backup" {
    set s [server $log]
    ask $s SET k v
    set dir [tmpdir]/backups
    file mkdir $dir/.unfinished-x
    object backup create 127.0.0.1:[of $s port] $dir --deep
    object backup list $dir
    object backup verify $dir --deep
    object backup restore $dir [tmpdir]/out
    object backup create 127.0.0.1:[of $s port] $dir
    object backup expire $dir --keep 1 --yes
    foreach path [glob $dir/*/appendonlydir/*.rdb] { flip $path 100 }
    object backup create 127.0.0.1:[of $s port] $dir
    object backup verify $dir
    object backup create 127.0.0.1:1 $dir
}

case "each name that is described was seen" {
    if {![info exists env(ONLY_CASE)]} {
        dict for {section names} $doc {
            dict for {name -} $names {
                if {![info exists seen($section,$name)]} { lappend unseen "$section: $name" }
            }
        }
        if {[info exists unseen]} { error "described and never seen: [join $unseen {, }]" }
    }
}

finish
