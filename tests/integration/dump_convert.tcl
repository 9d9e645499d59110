# SPDX-License-Identifier: BSD-3-Clause
# holdfast dump and convert: every type, there and back, and what is refused.
source [file join [file dirname [info script]] lib.tcl]
source [file join [file dirname [info script]] lib holdfast.tcl]

set fixtures [lsort [concat [glob -nocomplain $root/fixtures/rdb/*.rdb] \
    [glob -nocomplain $shared/redis7*.rdb]]]

# The lines of a dump, in an order of their own; elements of sets and hashes have none.
proc lines_of {args} { return [lsort [split [string trim [tool 0 dump {*}$args]] \n]] }
proc names_of {args} {
    return [lsort [lmap line [lines_of {*}$args --keys-only] {
        if {![regexp {"key":("[^"]*"|\{[^\}]*\})} $line -> name]} continue
        set name
    }]]
}
proc load_into_server {commands} {
    set s [server "save \"\"\nenable-debug-command yes"]
    spit [of $s dir]/commands $commands
    set text [exec redis-cli -p [of $s port] --pipe <[of $s dir]/commands]
    like $text "*errors: 0,*"
    return $s
}
# A data set with some of each type, as a dump file.
proc sample {} {
    set s [server "save \"\"\nenable-debug-command yes"]
    ask $s SET str "text \x01\xff\xc3\xa9"
    ask $s SET int 12345
    ask $s SET foo "a key whose slot everybody knows"
    ask $s SET long [string repeat "compressible " 1000]
    ask $s SET gone x PXAT 4102444800000
    ask $s RPUSH list a 1 \xfe ""
    for {set i 0} {$i < 3000} {incr i} { lappend items item:$i }
    ask $s RPUSH biglist {*}$items
    ask $s SADD set a b c
    ask $s SADD intset 1 2 300
    ask $s SADD bigset {*}$items
    ask $s ZADD zset 1.5 a -inf b inf c 1e300 d
    foreach item $items { lappend scored [incr n].25 $item }
    ask $s ZADD bigzset {*}$scored
    ask $s HSET hash f v 1 2 "" e
    ask $s HSET bighash {*}$items
    ask $s XADD stream 1-1 a 1 b 2
    ask $s XADD stream 2-1 a 3 b 4
    ask $s XGROUP CREATE stream g 0
    ask $s XREADGROUP GROUP g c COUNT 1 STREAMS stream >
    ask $s XGROUP CREATE stream empty $
    ask $s SELECT 5
    ask $s SET five 5
    ask $s SELECT 0
    ask $s FUNCTION LOAD "#!lua name=lib\nredis.register_function('f', function() return 1 end)"
    ask $s SAVE
    set ::sample_digest [ask $s DEBUG DIGEST]
    return $s
}
proc digest_of {s} { return [ask $s DEBUG DIGEST] }
# The digest of what a server loads from this file.
proc digest_in {path} {
    set dir [tmpdir]
    file copy $path $dir/dump.rdb
    set s [server "save \"\"\nenable-debug-command yes" -dir $dir]
    set digest [digest_of $s]
    stop $s
    return $digest
}

case "lines of JSON hold every type" {
    set s [sample]
    set file [of $s dir]/dump.rdb
    set all [tool 0 dump $file]
    foreach wanted {
        {"key":"str","type":"string","expires_at":null,"expire_ms":null,"value":{"base64":"dGV4dCAB/8Op"}}
        {"key":"int","type":"string","expires_at":null,"expire_ms":null,"value":"12345"}
        {"key":"gone","type":"string","expires_at":"2100-01-01T00:00:00.000Z","expire_ms":4102444800000,"value":"x"}
        {"key":"list","type":"list","expires_at":null,"expire_ms":null,"value":["a","1",{"base64":"/g=="},""]}
        {"key":"intset","type":"set","expires_at":null,"expire_ms":null,"value":["1","2","300"]}
        {"key":"zset","type":"zset","expires_at":null,"expire_ms":null,"value":[["b","-inf"],["a",1.5],["d",1e+300],["c","inf"]]}
        {"key":"hash","type":"hash","expires_at":null,"expire_ms":null,"value":[["f","v"],["1","2"],["","e"]]}
        {"db":5,"key":"five"}
        {"entries":[["1-1",[["a","1"],["b","2"]]],["2-1",[["a","3"],["b","4"]]]],"length":2,"last_id":"2-1"}
        {"function":"#!lua name=lib\nredis.register_function('f', function() return 1 end)"}
    } {
        set wanted [string range $wanted 1 end-1]
        truth {[string first $wanted $all] >= 0}
    }
    truth {[regexp {"groups":\[\{"name":"empty","last_id":"2-1","entries_read":2?(null)?,"pending":\[\],"consumers":\[\]\},\{"name":"g"} $all]}
    truth {[regexp {"pending":\[\["1-1",\d+,1\]\],"consumers":\[\{"name":"c","seen_ms":\d+,"active_ms":\d+,"pending":\["1-1"\]} $all]}
    is [tool 3 dump - --keys-only --quiet] ""
    like $said "*the file is empty*"
}

case "keys are chosen by pattern, name, type, database, expiry, slot" {
    set s [sample]
    set file [of $s dir]/dump.rdb
    is [names_of $file --match big*] {{"bighash"} {"biglist"} {"bigset"} {"bigzset"}}
    is [names_of $file --match big* --except *t --except=*h] {}
    is [names_of $file --key int --key str --key nothing] {{"int"} {"str"}}
    is [names_of $file --type hash --type=stream] {{"bighash"} {"hash"} {"stream"}}
    is [names_of $file --db 1-9] {{"five"}}
    is [names_of $file --with-expiry] {{"gone"}}
    is [names_of $file --expired] {}
    is [names_of $file --slot 0-16383] [names_of $file]
    is [names_of $file --slot 12182] {{"foo"}}
    tool 1 dump $file --type what
    tool 1 dump $file --db x
    tool 1 dump $file --with-expiry --without-expiry
    tool 1 dump $file --format xml
    tool 1 dump $file --payload 12 --format restore
}

case "as commands and as RESTORE the data set is the same in another server" {
    set s [sample]
    set file [of $s dir]/dump.rdb
    foreach how {{--format resp} {--format restore --payload 11}} {
        set r [load_into_server [tool 0 dump $file {*}$how]]
        is [digest_of $r] $sample_digest
        is [llength [ask $r FUNCTION LIST]] 1
        stop $r
    }
}

case "a running server, a log, compressed files, a pipe: the same lines" {
    set s [sample]
    set file [of $s dir]/dump.rdb
    set lines [lines_of $file --except big* --except set]
    exec gzip -k $file
    is [lines_of $file.gz --except big* --except set] $lines
    is [lines_of 127.0.0.1:[of $s port] --except big* --except set] $lines
    is [lsort [split [string trim [exec cat $file | $holdfast dump - --except big* --except set 2>/dev/null]] \n]] $lines
    set dir [of $s dir]
    ask $s CONFIG SET appendonly yes
    wait_for { expr {[info_of $s aof_rewrite_in_progress] == 0 && [info_of $s aof_rewrite_scheduled] == 0} }
    ask $s SET more 1
    ask $s DEL int
    stop $s term
    set log [lines_of $dir/appendonlydir --except big* --except set]
    is [lsearch -inline $log *"int"*] ""
    like [lsearch -inline $log {*"more"*}] {*"value":"1"*}
    is [lines_of $dir --except big* --except set --dump] $lines
    like $said "*the dump, as --dump asks*"
}

# By name, through a pipe, packed: the verb must end so each time.
proc through_pipes {code path args} {
    exec gzip -kf $path
    set out {}
    foreach {from word} [list /dev/null $path "|cat $path" - "|cat $path.gz" - "|cat $path" /dev/fd/0] {
        set words [lmap w $args { expr {$w eq "IN" ? $word : $w} }]
        set got [catch { if {[string match |* $from] } {
                exec {*}[string range $from 1 end] | timeout 300 $::holdfast {*}$words 2>@1
            } else { exec timeout 300 $::holdfast {*}$words <$from 2>@1 } } text options]
        if {$got} { set got [lindex [dict get $options -errorcode] 2] }
        if {$got ne $code} { error "$words <$from: exit code $got, not $code: $text" }
        lappend out $text
    }
    return $out
}

case "standard input is what it holds: a log, an RDB, packed or not" {
    set dir [tmpdir]
    set log $dir/load.aof
    spit $log [encode {SET k 1}][encode {RPUSH l a b c}][encode {INCR k}]
    foreach text [through_pipes 0 $log check IN --json] { like $text {*"commands":3,*"good*} }
    foreach text [through_pipes 0 $log dump IN] { like $text {*"key":"k"*"value":"2"*2 keys*} }
    through_pipes 0 $log diff IN $log
    through_pipes 0 $log diff $log IN
    foreach text [through_pipes 0 $log stats IN] { like $text "3 commands,*" }
    foreach text [through_pipes 0 $log who k IN] { like $text "*SET k 1*INCR k*" }
    foreach text [through_pipes 0 $log points IN] { like $text "*all there is*" }
    foreach text [through_pipes 0 $log report IN] { like $text "*2 keys*" }
    foreach name {convert anonymise} pattern {"*2 keys*" "*, 3 commands;*"} {
        foreach word [list $log -] {
            set out $dir/$name[incr n]
            like [exec cat $log | $holdfast $name $word $out 2>@1] $pattern
        }
    }
    set rdb $dir/dump.rdb
    tool 0 convert $log $rdb
    foreach verb {check dump stats points report} { through_pipes 0 $rdb $verb IN }
    through_pipes 0 $rdb who nobody IN
    spit $dir/both.aof [slurp $rdb][encode {SET more 1}]
    foreach text [through_pipes 0 $dir/both.aof check IN --json] {
        like $text {*"keys":2,*"commands":1,*}
    }
    spit $dir/text "file a.1.incr.aof seq 1 type i\n"
    set wrong [catch { exec cat $dir/text | $holdfast check - 2>@1 } text]
    like "$wrong $text" "1 *a manifest comes through a pipe*name it*"
}

case "a log that is torn at its end: what is whole is given out, and the rest is told" {
    set dir [tmpdir]
    spit $dir/torn.aof "[encode {SET k 1}]*3\r\n\$3\r\nSE"
    tool 3 check $dir/torn.aof
    like [tool 3 dump $dir/torn.aof] {*"key":"k"*}
    like $said "*torn.aof: bytes 27 to 37 are left out: *"
    tool 3 convert $dir/torn.aof $dir/out.rdb
    like $said "*torn.aof: bytes 27 to 37 are left out: *"
    like [tool 0 dump $dir/out.rdb] {*"key":"k"*}
    tool 3 report $dir/torn.aof
    tool 3 diff $dir/out.rdb $dir/torn.aof
    like [tool 3 dump $dir/torn.aof --json --output $dir/out.json] {*"errors":*"result":"truncated"*}
}

case "fields that expire are told where commands for them are written" {
    set path [tmpdir]/hash.rdb
    set ttl "\x18\x01h[binary format w 4102444800000]\x02\x01\x01f\x01v\x00\x01g\x01w"
    spit $path "REDIS0012\xfe\x00$ttl\xff[string repeat \x00 8]"
    like [tool 6 dump $path --format resp] "*HPEXPIREAT*"
    like $said "*1 fields of hashes expire: servers before Redis 7.4 refuse their HPEXPIREAT*"
    tool 0 dump $path
}

case "every version and form, there and back" {
    set s [sample]
    set file [of $s dir]/dump.rdb
    set dir [tmpdir]
    foreach v {10 11} {
        tool 0 convert $file $dir/v$v.rdb --version $v
        is [digest_in $dir/v$v.rdb] $sample_digest
    }
    like [string range [slurp $dir/v10.rdb] 0 8] REDIS0010
    tool 6 convert $file $dir/v9.rdb --version 9
    truth {![file exists $dir/v9.rdb]}
    tool 0 convert $file $dir/v9.rdb --version 9 --drop
    # Its streams have no place for what was deleted, and when consumers were active.
    is [lines_of $dir/v9.rdb --except stream --except big*] \
        [lsearch -all -inline -not [lines_of $file --except stream --except big*] "\{\"function\"*"]
    tool 0 convert $file $dir/all.aof --to aof
    tool 0 convert $dir/all.aof $dir/back.rdb
    is [digest_in $dir/back.rdb] $sample_digest
    tool 0 convert $file $dir/log --to log
    set r [server "appendonly yes\nsave \"\"\nenable-debug-command yes" -dir $dir/log]
    is [digest_of $r] $sample_digest
    stop $r
    tool 0 convert $file $dir/plain.rdb --plain --no-lzf
    is [string first hf-block [slurp $dir/plain.rdb]] -1
    is [digest_in $dir/plain.rdb] $sample_digest
    foreach end {gz zst} {
        tool 0 convert $file $dir/packed.rdb.$end
        truth {[file size $dir/packed.rdb.$end] < [file size $file]}
        tool 0 convert $dir/packed.rdb.$end $dir/un$end.rdb
        is [digest_in $dir/un$end.rdb] $sample_digest
    }
    tool 1 convert $file $dir/plain.rdb
    like $said "*is there already*"
    tool 1 convert $file $dir/x --version 8
    tool 1 convert $file
    tool 2 convert $dir/nothing $dir/x
    truth {![file exists $dir/x]}
}

case "split and merged again it is the same, and keys that come twice are refused" {
    set s [sample]
    set file [of $s dir]/dump.rdb
    set dir [tmpdir]
    tool 0 convert $file $dir/dbs --split db
    is [lsort [glob -tails -directory $dir/dbs *]] {db-0.rdb db-5.rdb}
    tool 0 convert $dir/dbs/db-5.rdb $dir/dbs/db-0.rdb $dir/merged.rdb
    is [digest_in $dir/merged.rdb] $sample_digest
    tool 0 convert $file $dir/slots --split 3
    set parts [lsort [glob $dir/slots/*]]
    is [llength $parts] 3
    tool 0 convert {*}$parts $dir/merged2.rdb
    is [digest_in $dir/merged2.rdb] $sample_digest
    tool 1 convert $file $dir/dbs/db-5.rdb $dir/twice.rdb
    like $said "*1 keys or libraries come twice*"
    spit $dir/other.aof [encode {SET int other}]
    foreach {which value} {first 12345 last other} {
        tool 0 convert $file $dir/other.aof $dir/$which.rdb --twice $which
        like [tool 0 dump $dir/$which.rdb --key int] "*\"value\":\"$value\"*"
    }
    # Renaming makes two of one name, too.
    tool 1 convert $file $dir/r.rdb --rename int=str
    tool 0 convert $file $dir/r.rdb --rename big=small: --map-db 5=3
    is [names_of $dir/r.rdb --match small*] {{"small:hash"} {"small:list"} {"small:set"} {"small:zset"}}
    is [names_of $dir/r.rdb --db 3] {{"five"}}
    tool 1 convert $file $dir/r2.rdb --rename x
    tool 1 convert $file $dir/r2.rdb --map-db 5=x
    like [tool 1 convert $file $dir/r2.rdb --map-db 5=3 --map-db 5=4]$said "*another --map-db*"
    like [tool 1 convert $file $dir/r2.rdb --rename a=b --rename a=c]$said "*another --rename*"
}

case "counters of streams that version 9 does not have are refused by name, or dropped and counted" {
    set s [server "save \"\""]
    foreach name {plain deleted setid groups unknown} {
        foreach i {1 2 3} { ask $s XADD $name $i-1 f v }
    }
    # What follows from the entries is not lost.
    ask $s XGROUP CREATE plain all $ ENTRIESREAD 3
    ask $s XGROUP CREATE plain none 0 ENTRIESREAD 0
    ask $s XGROUP CREATE plain one 1-1 ENTRIESREAD 1
    ask $s XGROUP CREATE plain two 0
    ask $s XREADGROUP GROUP two c COUNT 1 STREAMS plain >
    ask $s XADD emptied 1-1 f v
    ask $s XDEL deleted 2-1
    ask $s XSETID setid 9-9 ENTRIESADDED 100 MAXDELETEDID 0-0
    ask $s XGROUP CREATE groups odd 2-1 ENTRIESREAD 2
    ask $s XDEL emptied 1-1
    ask $s XGROUP CREATE unknown g 2-1
    set file [saved $s]
    set dir [tmpdir]
    foreach name {deleted emptied groups setid} { append rows "db 0, key '$name': stream counters\n" }
    foreach {words out} [list --explain "" "" $dir/no.rdb] {
        set text [tool 6 convert $file {*}$out --version 9 {*}$words]
        is [lsort [lsearch -all -inline [split $text \n] *counters]] [lrange [split $rows \n] 0 end-1]
    }
    truth {![file exists $dir/no.rdb]}
    like [tool 0 convert $file $dir/v9.rdb --version 9 --drop] "*6 keys*counters of 4 streams*"
    like [tool 0 convert $file $dir/v9j.rdb --version 9 --drop --json] {*"dropped_counters":4*}
    set lost [tool 8 diff $file $dir/v9.rdb]
    like $lost "*6 keys here, 6 there: 2 the same*4 changed*"
    foreach name {deleted emptied groups setid} { like $lost "*$name (stream)*" }
    tool 0 convert $file $dir/v10.rdb --version 10
    tool 0 convert $file $dir/few.rdb --version 9 --match plain --match unknown
}

case "libraries of functions that version 9 does not have are named" {
    set s [server "save \"\""]
    foreach name {lib1 lib2} {
        ask $s FUNCTION LOAD "#!lua name=$name\nredis.register_function('f_$name', function() return 1 end)"
    }
    set file [saved $s]
    set text [tool 6 convert $file --version 9 --explain]
    foreach name {lib1 lib2} { like $text "*library of functions '$name': function library\n*" }
    like [tool 6 convert $file --version 9 --explain --json] \
        {*"key":null,"library":"lib1","what":"function library"*"library":"lib2"*}
}

# Who puts an older state of a key back puts back nothing else.
case "libraries of functions do not come along where keys are asked for" {
    set s [sample]
    ask $s SET user:1 old
    ask $s FUNCTION LOAD REPLACE "#!lua name=lib\nredis.register_function('f', function() return 'OLD' end)"
    set file [saved $s]
    ask $s SET user:1 wrong
    ask $s FUNCTION LOAD REPLACE "#!lua name=lib\nredis.register_function('f', function() return 'NEW' end)"
    foreach words {{--key user:1} {--key none} {--match user:*} {--type string} {--db 0} {--slot 0-16383}
        {--with-expiry} {--without-expiry} {--expired}} {
        foreach format {json resp restore} {
            set to [tmpdir]/out
            tool 0 dump $file {*}$words --format $format --output $to
            truth {![string match *register_function* [slurp $to]]}
        }
    }
    foreach words {{} {--except user:2}} {
        tool 0 dump $file {*}$words --format resp --output [set to [tmpdir]/out]
        like [slurp $to] "*register_function*"
    }
    tool 0 dump $file --key user:1 --format restore --output [set to [tmpdir]/out]
    exec redis-cli -p [of $s port] --pipe < $to
    is [ask $s GET user:1] old
    is [ask $s FCALL f 0] NEW
    like [tool 0 dump $file --key user:1 --json --output $to.json] "*\"libraries_left_out\":*"
}

case "a running server's libraries of functions go where its keys go" {
    set s [sample]
    set at 127.0.0.1:[of $s port]
    # Names and code that look like the reply's own words.
    foreach name {library_code code_library} {
        ask $s FUNCTION LOAD "#!lua name=$name\nlocal text = 'library_code'\nredis.register_function{\
            function_name='f_$name', callback=function() return text end,\
            description='library_code', flags={'no-writes'}}"
    }
    set file [saved $s]
    set dir [tmpdir]
    foreach {out words} {live.rdb {} live.aof {--to aof}} {
        tool 0 convert $at $dir/$out {*}$words
        is $said ""
        tool 0 diff $dir/$out $file
        tool 0 diff $dir/$out $at --except stream
    }
    is [lines_of $at --type string] [lines_of $file --type string]
    is [llength [lsearch -all [lines_of $at] "\{\"function\"*"]] 3
    # From a server and a file: one of each name, and they have to be the same.
    tool 0 convert $at $file $dir/both.rdb --twice first
    tool 0 diff $dir/both.rdb $file
    ask $s FUNCTION DELETE library_code
    like [tool 8 diff $file $at] "*- library library_code*"
    like [tool 6 convert $at --version 9 --explain] "*library of functions 'code_library': function library*"
    like [tool 6 convert $at [tmpdir]/nine.rdb --version 9 --explain] "*/nine.rdb is not there: it is taken for OUT*function library*"
}

case "a server whose table changes its size while it is read: each key once" {
    set s [sample]
    for {set i 0} {$i < 300} {incr i} { ask $s SET many:$i $i }
    set file [saved $s]
    set dir [tmpdir]
    set port [free_port]
    set before [open "|[list tclsh [file join $root tests integration lib scan_twice.tcl] $port [of $s port]]" r+]
    is [gets $before] ready
    set at 127.0.0.1:$port
    is [lines_of $at] [lines_of 127.0.0.1:[of $s port]]
    tool 0 convert $at $dir/live.rdb --except stream
    tool 0 diff $dir/live.rdb $file --except stream
    like [tool 0 convert $at $dir/some.rdb --match many:* --except *7] \
        "*270 keys; left out: [expr {[ask $s DBSIZE] + [llength [names_of $file --db 1-15]] - 270}] by the filter, 0 that came twice*"
    tool 0 convert $at $dir/live.aof --to aof
    tool 0 diff $dir/live.aof $at --except stream
    like [tool 0 report $at] "*[llength [names_of $file]] keys*"
    tool 0 diff $file $at --except stream
    # Nothing was read a second time.
    is [llength [names_of [saved $s] --match late:*]] 0
    close $before
}

case "libraries that a server does not show are told of; expiries are as they are" {
    set s [server "save \"\""]
    ask $s SET key value PXAT 4102444800123
    ask $s FUNCTION LOAD "#!lua name=lib\nredis.register_function('f', function() return 1 end)"
    ask $s ACL SETUSER weak on >secret ~* +@all -function
    ask $s ACL SETUSER odd on >p?w@d%x ~* +@all
    like [tool 0 dump redis://o%64d:p%3Fw%40d%x@127.0.0.1:[of $s port] --keys-only] "*key*"
    ask $s ACL DELUSER odd
    set weak redis://weak:secret@127.0.0.1:[of $s port]
    set dir [tmpdir]
    like [tool 0 convert $weak $dir/weak.rdb] \
        "*no libraries of functions are read: the server does not let this user see them*NOPERM*"
    like [tool 0 dump $weak --format resp]$said "*SET*no libraries of functions are read*"
    # Nor are they taken for missing.
    like [tool 0 diff [saved $s] $weak --json] {*"unread":\[?{"address":*,"why":"the server does not*}\]*}
    # As before Redis 7.0: when a key expires is told by how long it has still to live.
    set old [server "save \"\"\nrename-command PEXPIRETIME \"\"\nrename-command FUNCTION \"\""]
    ask $old SET key value PXAT 4102444800123
    set at 127.0.0.1:[of $old port]
    like [tool 0 convert $at $dir/old.rdb] "*no libraries*the server knows none (Redis before 7.0)*"
    set all [tool 0 dump $dir/old.rdb]
    truth {[regexp {"expire_ms":(\d+)} $all -> ms] && abs($ms - 4102444800123) < 60000}
    ask $old ACL SETUSER weak on >secret ~* +@all -pttl
    like [tool 1 dump redis://weak:secret@$at]$said "*NOPERM*to PTTL*"
}

case "a password of the environment: for servers that want one, and for no other" {
    set open [server "save \"\"\nappendonly yes"]
    set closed [server "save \"\""]
    ask $open SET key value
    ask $closed CONFIG SET requirepass secret
    set at 127.0.0.1:[of $closed port]
    tool 1 dump $at
    set ::env(REDISCLI_AUTH) secret
    set code [catch {
        tool 0 dump $at
        like [tool 0 dump 127.0.0.1:[of $open port]] "*\"value\"*"
        set dir [of $open dir]
        stop $open term
        # read by a server for a moment
        like [tool 0 dump $dir] "*\"value\"*"
        set ::env(REDISCLI_AUTH) wrong
        tool 1 dump $at
    } error options]
    unset ::env(REDISCLI_AUTH)
    return -options $options $error
}

case "an address that is none is told without its password" {
    foreach {word told} {redis://u:secret@127.0.0.1:1/2 "127.0.0.1:1/2 names a database*--db"
            redis://u:secret@a/b/c "a/b/c is no address" rediss://secret@:x ":x is no address"} {
        tool 1 dump $word
        like $said "*$told*"
        truth {![string match "*secret*" $said]}
    }
}

case "what a target lacks is named key by key, or dropped with a count" {
    set from [file join $shared redis8-hash-field-expiry.rdb]
    if {![file exists $from]} { return }
    set dir [tmpdir]
    set text [tool 6 convert $from --explain]
    is [llength [regexp -all -inline {field expiry} $text]] 3
    like $text "*db 0, key 'h:lpex': field expiry*"
    tool 6 convert $from $dir/out.rdb
    truth {![file exists $dir/out.rdb]}
    like [tool 0 convert $from $dir/out.rdb --drop --json] {*"dropped_field_expiries":8*}
    is [names_of $dir/out.rdb] [names_of $from]
    tool 0 convert $dir/out.rdb --explain
}

case "streams of Redis 8.8 come without the pending entries that no consumer owns" {
    set from [file join $root fixtures rdb v14-streams.rdb]
    set dir [tmpdir]
    like [tool 6 convert $from --explain] "*key 'nack': stream entries without a consumer*"
    foreach version {9 10 11} {
        tool 0 convert $from $dir/$version.rdb --version $version --drop
        is [run $holdfast check $dir/$version.rdb] 0
        is [names_of $dir/$version.rdb] [names_of $from]
    }
    file rename $dir/11.rdb $dir/dump.rdb
    set s [server "save \"\"" -dir $dir]
    is [ask $s TYPE nack] stream
}

case "every fixture keeps its meaning through convert" {
    foreach from $fixtures {
        set dir [tmpdir]
        set lines [lines_of $from]
        if {[catch { tool 0 convert --explain $from }]} continue
        tool 0 convert $from $dir/out.rdb
        # Sets and hashes may come in another order: the digest tells.
        is [llength [lines_of $dir/out.rdb]] [llength $lines]
        is [names_of $dir/out.rdb] [names_of $from]
        tool 0 convert $dir/out.rdb $dir/again.rdb
        set sums [lmap f {out again} { regexp {hf-digest.([0-9a-f]{32})} [slurp $dir/$f.rdb] -> sum; set sum }]
        is [lindex $sums 0] [lindex $sums 1]
    }
}

case "nothing of a log stays in TMPDIR when nobody reads the dump to its end" {
    set s [server "appendonly yes\nsave \"\"\nappendfsync no"]
    set value [string repeat x 100000]
    for {set i 0} {$i < 60} {incr i} { ask $s SET key:$i $value }
    set log [of $s dir]/appendonlydir
    stop $s term
    foreach format {json resp} {
        set tmp [tmpdir]
        exec sh -c "TMPDIR=$tmp timeout 100 $holdfast dump $log --format $format 2>$tmp.err | head -c 10"
        like [slurp $tmp.err] "*Broken pipe*"
        is [glob -nocomplain $tmp/*] ""
    }
}

finish
