# SPDX-License-Identifier: BSD-3-Clause
# holdfast diff: what is the same and what differs, and patches that turn one into the other.
source [file join [file dirname [info script]] lib.tcl]
source [file join [file dirname [info script]] lib holdfast.tcl]

set config "save \"\"\nenable-debug-command yes"

proc diff {code args} { tool $code diff {*}$args }
proc lines_with {text pattern} {
    return [lsearch -all -inline -glob [split $text \n] $pattern]
}
# Some of each type, small and large.
proc sample {s} {
    ask $s SET str "text \x01\xff"
    ask $s SET same 12345
    ask $s SET gone x
    ask $s SET was:string x
    ask $s SET ttl x PXAT 4102444800000
    ask $s SET ttl:none x
    ask $s SET long [string repeat "0123456789" 20000]
    ask $s RPUSH list a b c 1
    for {set i 0} {$i < 2000} {incr i} {
        lappend items item:$i
        lappend pairs f:$i v:$i
        lappend scored $i.5 m:$i
    }
    ask $s RPUSH biglist {*}$items
    ask $s SADD set a b c
    ask $s SADD intset 1 2 3
    ask $s SADD bigset {*}$items
    ask $s SADD swapped old
    ask $s PEXPIREAT swapped 4102444800000
    ask $s ZADD zset 1 a 2 b 3 c
    ask $s ZADD bigzset {*}$scored
    ask $s HSET hash f v g w
    ask $s HSET bighash {*}$pairs
    ask $s XADD stream 1-1 a 1
    ask $s XADD stream 2-1 a 2
    ask $s XGROUP CREATE stream g 0
    ask $s XREADGROUP GROUP g c COUNT 1 STREAMS stream >
    ask $s SELECT 3
    ask $s SET three 3
    ask $s SET moved 3
    ask $s SELECT 0
    ask $s FUNCTION LOAD "#!lua name=lib\nredis.register_function('f', function() return 1 end)"
    ask $s FUNCTION LOAD "#!lua name=old\nredis.register_function('o', function() return 1 end)"
}
proc changed {s} {
    ask $s DEL gone
    ask $s APPEND str more
    ask $s DEL was:string
    ask $s RPUSH was:string x
    ask $s PERSIST ttl
    ask $s PEXPIREAT ttl:none 4102444800123
    ask $s SETRANGE long 150000 X
    ask $s LSET list 2 C
    ask $s RPUSH list tail
    ask $s LSET biglist 1234 other
    ask $s SREM set a
    ask $s SADD set d e
    ask $s SADD intset text
    ask $s SREM bigset item:7
    ask $s SADD swapped new
    ask $s SREM swapped old
    ask $s ZADD zset 9 a
    ask $s ZREM zset b
    ask $s ZADD bigzset inf m:1999
    ask $s HSET hash f V h x
    ask $s HDEL hash g
    ask $s HSET bighash f:77 "other \xff"
    ask $s XADD stream 3-1 a 3
    ask $s XACK stream g 1-1
    ask $s SET new:string "\x00\r\n"
    ask $s HSET new:hash a 1
    ask $s XADD new:stream 5-5 a 1
    ask $s SELECT 3
    ask $s MOVE moved 4
    ask $s SELECT 0
    ask $s FUNCTION LOAD REPLACE "#!lua name=lib\nredis.register_function('f', function() return 2 end)"
    ask $s FUNCTION DELETE old
    ask $s FUNCTION LOAD "#!lua name=fresh\nredis.register_function('n', function() return 1 end)"
}

set text_of_changes {
    {t db 0 ttl (string): expires 2100-01-01T00:00:00.000Z -> never}
    {t db 0 ttl:none (string): expires never -> 2100-01-01T00:00:00.123Z}
    {- db 0 gone (string)}
    {~ db 0 was:string (list): was a string}
    {~ db 0 long (string): 200000 -> 200000 bytes, differs from byte 150000}
    {~ db 0 str (string): 7 -> 11 bytes, differs from byte 7}
    {~ db 0 list (list): 1 added, 1 changed, from index 2 on}
    {    ~ index 2: c -> C}
    {    + index 4: tail}
    {~ db 0 biglist (list): 1 changed, from index 1234 on}
    {    ~ index 1234: item:1234 -> other}
    {~ db 0 set (set): 2 added, 1 removed}
    {    - member a}
    {~ db 0 intset (set): 1 added}
    {~ db 0 bigset (set): 1 removed}
    {    - member item:7}
    {~ db 0 swapped (set): 1 added, 1 removed}
    {~ db 0 zset (zset): 1 removed, 1 changed}
    {    ~ member a: 1 -> 9}
    {    - member b: 2}
    {    ~ member m:1999: 1999.5 -> inf}
    {~ db 0 hash (hash): 1 added, 1 removed, 1 changed}
    {    ~ field f: v -> V}
    {    - field g: w}
    {    + field h: x}
    {    ~ field f:77: v:77 -> other \xff}
    {~ db 0 stream (stream): 1 added, 2 changed}
    {    + entry 3-1}
    {    ~ group g}
    {    ~ numbers}
    {+ db 0 new:string (string)}
    {+ db 0 new:hash (hash)}
    {+ db 0 new:stream (stream)}
    {- db 3 moved (string)}
    {+ db 4 moved (string)}
    {+ library fresh}
    {- library old}
    {~ library lib}
    {20 keys here, 22 there: 2 the same, 4 added, 2 removed, 14 changed, 2 only in expiry}
    {3 libraries of functions differ}
}

case "the same data set is the same in every form and encoding" {
    set s [server $config]
    sample $s
    set file [saved $s]
    like [diff 0 $file $file] "*20 keys here, 20 there: 20 the same, 0 added, 0 removed, 0 changed*"
    set dir [tmpdir]
    exec $holdfast convert $file $dir/v10.rdb.gz --version 10 --plain
    exec $holdfast convert $file $dir/all.aof --to aof
    diff 0 $dir/v10.rdb.gz $file
    diff 0 $file $dir/all.aof
    diff 0 $file 127.0.0.1:[of $s port]
    # Tables where there were listpacks and intsets, nodes cut in other places.
    foreach {name value} {hash-max-listpack-entries 1 set-max-intset-entries 1 set-max-listpack-entries 0
                          zset-max-listpack-entries 1 list-max-listpack-size 1 stream-node-max-entries 1} {
        ask $s CONFIG SET $name $value
    }
    ask $s DEL str
    ask $s FLUSHALL
    ask $s FUNCTION FLUSH
    sample $s
    ask $s SET same +12345
    ask $s SET same 12345
    set text [diff 8 $file 127.0.0.1:[of $s port]]
    # When entries were delivered is another time: that alone.
    like $text "*19 the same, 0 added, 0 removed, 1 changed*"
    like $text "*~ group g*"
    diff 0 $file 127.0.0.1:[of $s port] --except stream
}

case "what differs is said, down to elements" {
    set s [server $config]
    sample $s
    set a [saved $s]
    changed $s
    set b [saved $s]
    set text [diff 8 $a $b --values]
    foreach line $text_of_changes {
        if {$line ni [split $text \n]} { error "missing: $line\nin:\n$text" }
    }
    # Back again, each the other way.
    set back [diff 8 $b $a --values]
    like $back "*\n    ~ index 2: C -> c\n*"
    like $back "*\n    + member b: 2\n*"
    like $back "*2 added, 4 removed, 14 changed*"
    # Values only when asked for.
    like [diff 8 $a $b --type hash] "*\n    ~ field f\n*"
    is [llength [lines_with [diff 8 $a $b --match ttl*] "t db*"]] 2
    diff 0 $a $b --match ttl* --ignore-ttl
    diff 0 $a $b --key same
    is [lines_with [diff 8 $a $b --key str] "*library*"] {}
    set few [diff 8 $a $b --rows 5]
    is [llength [lines_with $few "? db *"]] 5
    like $few "*\n... and 20 more\n*"
}

case "JSON names the same" {
    set s [server $config]
    sample $s
    set a [saved $s]
    changed $s
    set text [diff 8 $a 127.0.0.1:[of $s port] --json --values]
    foreach wanted {
        {"verb":"diff"} {"result":"differs"} {"exit":8}
        {"keys_a":20} {"keys_b":22} {"same":2} {"added":4} {"functions_differ":3}
        {"db":0,"key":"set","what":"changed","type":"set","type_from":null,"added":2,"removed":1,"changed":0}
        {"key":"was:string","what":"changed","type":"list","type_from":"string"}
        {"key":"hash","what":"changed","unit":"field","element":"f","index":null,"from":"v","to":"V"}
        {"key":"list","what":"changed","unit":"index","element":null,"index":2,"from":"c","to":"C"}
        {"key":"long","what":"changed","unit":"byte","element":null,"index":150000,}
        {"key":"stream","what":"added","unit":"entry","element":"3-1","index":null,"from":null,"to":null}
        {"expires_from":"2100-01-01T00:00:00.000Z","expires_to":null}
        {"name":"old","what":"removed"}
    } {
        if {[string first $wanted $text] < 0} {
            error "missing: $wanted\nin:\n$text"
        }
    }
}

case "a patch turns one into the other, there and back" {
    set s [server $config]
    sample $s
    set a [saved $s]
    set digest_a [ask $s DEBUG DIGEST]
    changed $s
    set b [saved $s]
    set digest_b [ask $s DEBUG DIGEST]
    foreach {from to digest} [list $a $b $digest_b $b $a $digest_a] {
        set dir [tmpdir]
        file copy $from $dir/dump.rdb
        set r [server $config -dir $dir]
        diff 8 $from $to --patch --output $dir/patch
        like [exec redis-cli -p [of $r port] --pipe <$dir/patch] "*errors: 0,*"
        is [ask $r DEBUG DIGEST] $digest
        diff 0 $to 127.0.0.1:[of $r port]
        # What changed inside of large collections is a few commands.
        is [string match *item:8* [slurp $dir/patch]] [string match *biglist* [slurp $dir/patch]]
        truth {[string first item:8\r [diff 8 $from $to --patch --type set]] < 0}
        stop $r
    }
    # To stdout, and what is said to stderr.
    like [diff 8 $a $b --patch --key gone] "*DEL\r\n*gone\r\n"
    like $said "*- db 0 gone*"
    is [diff 0 $a $a --patch] ""
    diff 1 $a $b --output [tmpdir]/x
}

case "what plain commands cannot say, RESTORE does" {
    set s [server $config]
    set empty [saved $s]
    ask $s XADD stream 1-1 a 1
    ask $s XADD stream 2-1 a 1
    ask $s XGROUP CREATE stream g 0
    ask $s XREADGROUP GROUP g c STREAMS stream >
    ask $s XDEL stream 1-1
    ask $s RPUSH list a b
    ask $s SET string [string repeat x 3000000]
    ask $s PEXPIREAT string 4102444800000
    set full [saved $s]
    foreach {how patched code} {{} 6 8 --restore 8 0} {
        set r [server $config]
        set path [tmpdir]/patch
        diff $patched $empty $full --patch --output $path {*}$how
        is [string match "*1 pending entries in groups of streams were deleted*--restore does*" $said] \
            [expr {$patched == 6}]
        like [exec redis-cli -p [of $r port] --pipe <$path] "*errors: 0,*"
        like [diff $code $full 127.0.0.1:[of $r port]] "*3 keys here, 3 there:*"
        diff 0 $full 127.0.0.1:[of $r port] --except stream
    }
}

case "names of all databases are told apart, however alike" {
    set s [server $config]
    foreach db {0 1 2 3 5 15} {
        ask $s SELECT $db
        set words {}
        foreach prefix {a: b: sk: nk:} { for {set i 100} {$i < 1000} {incr i 3} { lappend words $prefix$i $db } }
        for {set i 0} {$i < 256} {incr i} { lappend words [format %c%c $i $db] $i abcde[format %c%c $db $i] $i }
        ask $s MSET {*}$words
    }
    set all [saved $s]
    set keys [regexp -all {"key":} [tool 0 dump $all]]
    like [diff 0 $all $all] "*$keys keys here, $keys there: $keys the same,*"
    foreach db {0 1 2 3 5 15} { ask $s SELECT $db; ask $s FLUSHDB }
    ask $s SELECT 0
    ask $s SET sk:889 v
    set one [saved $s]
    ask $s FLUSHALL
    ask $s SELECT 5
    ask $s SET nk:884 v
    like [diff 8 $one [saved $s]] "*0 the same, 1 added, 1 removed*"
    is [llength [lines_with [diff 8 $one [saved $s] --rows 1] {[-+] db *}]] 1
    is [llength [lines_with [diff 8 $one [saved $s] --rows 0] {[-+] db *}]] 0
}

case "many keys and large values go through files, in bounded memory" {
    set dir [tmpdir]
    set s [server $config]
    ask $s DEBUG POPULATE 200000 key 30
    for {set i 0} {$i < 40} {incr i} {
        set words {}
        for {set j 0} {$j < 5000} {incr j} { lappend words f:$i:$j [string repeat $j 5] }
        ask $s HSET huge {*}$words
    }
    set a [saved $s]
    for {set i 0} {$i < 200000} {incr i 1000} { ask $s SET key:$i new }
    ask $s HSET huge f:20:77 other
    ask $s DEL key:1
    set b [saved $s]
    set text [exec -ignorestderr sh -c "TMPDIR=$dir /usr/bin/env time -f %M -o $dir/peak \
        timeout 300 $holdfast diff $a $b --patch --output $dir/patch; echo code \$?"]
    like $text "*~ db 0 huge (hash): 1 changed\n    ~ field f:20:77\n*"
    like $text "*200001 keys here, 200000 there: 199799 the same, 0 added, 1 removed, 201 changed*code 8"
    truth {[file size $dir/patch] < 30000}
    is [lsort [glob -tails -directory $dir *]] {patch peak}
    if {!$sanitized} { truth {[lindex [slurp $dir/peak] end] < 65536} }
    set r [server $config -dir [file dirname $a]]
    stop $r
    set r [server "$config\ndbfilename saved.rdb" -dir [file dirname $a]]
    like [exec redis-cli -p [of $r port] --pipe <$dir/patch] "*errors: 0,*"
    is [ask $r DEBUG DIGEST] [ask $s DEBUG DIGEST]
}

case "every fixture equals itself, as it is and converted" {
    foreach from [lsort [concat [glob -nocomplain $root/fixtures/rdb/*.rdb] [glob -nocomplain $shared/redis*.rdb]]] {
        diff 0 $from $from
        set to [tmpdir]/out.rdb
        if {[catch { exec $holdfast convert $from $to 2>@1 }]} continue
        diff 0 $from $to
    }
}

case "what can't be read is a fault of its own" {
    set dir [tmpdir]
    set s [server $config]
    sample $s
    set a [saved $s]
    diff 2 $a $dir/nothing
    diff 1 $a
    diff 1 - -
    spit $dir/cut.rdb [string range [slurp $a] 0 end-3000]
    diff 3 $a $dir/cut.rdb
    diff 3 $dir/cut.rdb $a --patch --output $dir/patch
    is [lsort [glob -tails -directory $dir *]] cut.rdb
}

finish
