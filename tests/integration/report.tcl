# SPDX-License-Identifier: BSD-3-Clause
# holdfast report: types, prefixes, largest keys, advice, growth; the estimate of memory against a
# server that has the data; the page, and names that would like to be a part of it.
source [file join [file dirname [info script]] lib.tcl]
source [file join [file dirname [info script]] lib holdfast.tcl]

set config "save \"\"\nenable-debug-command yes"

proc report {code args} { tool $code report {*}$args }
# The rows of one list of --json, and a field of a row.
proc rows {json list} {
    if {![regexp "\"$list\":\\\[\n??(.*?)\n??\\\]\[,\}\]" $json -> rows]} { error "no list $list in $json" }
    return [lsearch -all -inline -not [split $rows \n] ""]
}
proc row {json list args} {
    set found [rows $json $list]
    foreach {name value} $args { set found [lsearch -all -inline -glob $found *\"$name\":$value\[,\}\]*] }
    if {[llength $found] != 1} { error "[llength $found] rows of $list with $args in $json" }
    return [lindex $found 0]
}
proc field {row name} {
    if {![regexp "\"$name\":(\"\[^\"\]*\"|\[^,\}\]*)" $row -> value]} { error "no $name in $row" }
    return $value
}
proc near {got want share what} {
    if {abs($got - $want) > $share * $want} { error "$what: $got is not within $share of $want" }
}
# Many keys by one connection.
proc fill {s commands} {
    set text ""
    foreach c $commands { append text [encode $c] }
    spit [of $s dir]/fill $text
    like [exec redis-cli -p [of $s port] --pipe <[of $s dir]/fill] "*errors: 0,*"
}
proc items {n make} {
    set all {}
    for {set i 0} {$i < $n} {incr i} { lappend all {*}[uplevel #0 [list apply $make $i]] }
    return $all
}

# What the estimate has a rule for, each under a prefix of its own.
proc sample {} {
    set commands {}
    for {set i 0} {$i < 1500} {incr i} {
        lappend commands [list SET int:$i $i]
        lappend commands [list SET short:$i value:$i PXAT [expr {4102444800000 + $i}]]
        lappend commands [list SET middle:$i [string repeat x 100]]
        lappend commands [list SET long:$i [string repeat x [expr {200 + $i}]]]
        lappend commands [list HSET small:hash:$i name user$i mail user$i@example.org age $i]
        lappend commands [list SADD small:set:$i a$i b$i c]
        lappend commands [list SADD small:ints:$i $i 1 2 3 70000]
        lappend commands [list ZADD small:zset:$i 1 a$i 2.5 b$i]
        lappend commands [list RPUSH small:list:$i a b c $i]
    }
    for {set i 0} {$i < 20} {incr i} {
        lappend commands [list HSET big:hash:$i {*}[items 600 {i {list field:$i value:$i}}]]
        lappend commands [list SADD big:set:$i {*}[items 500 {i {list member:$i}}]]
        lappend commands [list ZADD big:zset:$i {*}[items 500 {i {list $i.5 member:$i}}]]
        lappend commands [list RPUSH big:list:$i {*}[items 3000 {i {list element:$i}}]]
        lappend commands [list SADD big:ints:$i {*}[items 1000 {i {list [expr {$i * 100000}]}}]]
    }
    for {set i 1} {$i <= 2000} {incr i} { lappend commands [list XADD stream:1 $i-1 field $i other text] }
    return $commands
}

case "memory after a load is what a server takes, by type and in all" {
    set s [server $config]
    set empty [info_of $s used_memory]
    fill $s [sample]
    set file [saved $s]
    set json [report 0 $file --json --top 100]
    set s [restart $s kill $config]
    wait_for { expr {[ask $s PING] eq "PONG"} }
    foreach prefix {int short middle long small:hash small:set small:ints small:zset small:list
                    big:hash big:set big:zset big:list big:ints stream} {
        set usage 0
        foreach key [ask $s KEYS $prefix:*] { incr usage [ask $s MEMORY USAGE $key SAMPLES 0] }
        # The table's share of a key is not in MEMORY USAGE.
        set r [row $json prefixes prefix \"$prefix:\"]
        if {$sanitized} continue ;# another allocator
        near [expr {[field $r memory] - 15 * [field $r keys]}] $usage 0.25 $prefix
    }
    if {!$sanitized} { near [field $json memory] [expr {[info_of $s used_memory] - $empty}] 0.25 used_memory }
    is [field $json keys] [ask $s DBSIZE]
    is [field [row $json types type \"string\"] keys] 6000
    is [field [row $json types type \"stream\"] elements] 2000
    is [field [row $json encodings type \"set\" encoding \"intset\"] keys] 1500
    is [field [row $json encodings type \"hash\" encoding \"hashtable\"] keys] 20
    is [field [row $json encodings type \"list\" encoding \"quicklist\"] keys] 20
    is [field [row $json ttls ttl \"none\"] keys] [expr {[ask $s DBSIZE] - 1500}]
    is [field [row $json ttls ttl \"more\"] keys] 1500
    foreach key {small:hash:7 small:set:7 small:ints:7 small:zset:7 big:list:7 big:zset:7 int:7 long:7} {
        set encoding [ask $s OBJECT ENCODING $key]
        regexp {.*"type":"([a-z]+)".*} [row [report 0 $file --json --key $key] encodings] -> type
        is [field [row [report 0 $file --json --key $key] encodings] encoding] \"$encoding\"
    }
}

case "prefixes, largest keys, times to live" {
    set s [server $config]
    set commands {}
    for {set i 0} {$i < 3000} {incr i} {
        lappend commands [list SET user:$i:name n$i]
        lappend commands [list SET user:$i:mail m$i]
        lappend commands [list SET session/[format %08x-%04x $i $i]/x $i EX [expr {$i < 1000 ? 3000 : 500000}]]
    }
    lappend commands [list RPUSH queue:mails {*}[items 5000 {i {list mail:$i}}]]
    lappend commands [list SET blob [string repeat x 300000]]
    fill $s $commands
    set file [saved $s]
    set json [report 0 $file --json --top 20]
    is [field $json separators] "\":/\""
    is [field [row $json prefixes prefix "\"user:\\*:\""] keys] 6000
    is [field [row $json prefixes prefix "\"user:\\*:mail\""] keys] 3000
    is [field [row $json prefixes prefix "\"session/\\*/x\""] with_expiry] 3000
    is [field [row $json prefixes prefix \"queue:\"] elements] 5000
    is [field [lindex [rows $json largest] 0] key] \"blob\"
    is [field [lindex [lsearch -all -inline [rows $json largest] *elements\",\"db*] 0] key] \"queue:mails\"
    is [field [row $json ttls ttl \"<1h\"] keys] 1000
    is [field [row $json ttls ttl \"<7d\"] keys] 2000
    like [report 0 $file] "*\nqueue: * 1 *5,000*\n*blob *string *"
    is [field [row [report 0 $file --json --separator / --top 5] prefixes level 0] prefix] "\"session/*/x\""
    is [field [report 0 $file --json --match user:*] keys] 6000
    # A running server, and a log.
    is [field [report 0 127.0.0.1:[of $s port] --json] keys] 9002
    report 1 $file --top 5000
    report 1 $file --separator ""
    report 1 $file --limit hash=1
    report 2 $file.none
}

case "advice comes with the numbers it is made of" {
    set s [server $config]
    set commands {}
    for {set i 0} {$i < 200} {incr i} {
        lappend commands [list HSET near:$i {*}[items 150 {i {list f$i v$i}}]]
        lappend commands [list SET session:$i x EX 1000]
    }
    lappend commands {SET session:forgotten x}
    fill $s $commands
    set file [saved $s]
    like [report 0 $file --limit hash-max-listpack-entries=128] \
        "*\n\\* 200 hashes just miss the listpack limit of 128 fields: hash-max-listpack-entries 160 would save about *K\n*"
    set json [report 0 $file --limit hash-max-listpack-entries=128 --json]
    set r [row $json advice what \"limit\"]
    is [field $r value] 160
    # It would: the server says so.
    set before [ask $s MEMORY USAGE near:7 SAMPLES 0]
    ask $s CONFIG SET hash-max-listpack-entries 128
    set s [restart $s kill "$config\nhash-max-listpack-entries 128"]
    set after [ask $s MEMORY USAGE near:7 SAMPLES 0]
    near [field $r saves] [expr {200 * ($after - $before)}] 0.25 saving
    set r [row $json advice what \"no-expiry\"]
    is [field $r prefix] \"session:\"
    is [field $r keys] 1
    is [llength [lsearch -all -inline [rows [report 0 $file --json] advice] *limit*]] 0
    fill $s [items 20000 {i {list [list SET t:$i v]}}]
    set r [row [report 0 [saved $s] --json] advice what \"small-strings\"]
    is [field $r keys] 20000
}

case "what has grown, by type and prefix" {
    set s [server $config]
    fill $s [items 1000 {i {list [list SET a:$i x] [list HSET b:$i f v]}}]
    set old [saved $s]
    fill $s [items 500 {i {list [list SET a:new:$i x] [list DEL b:$i]}}]
    ask $s SADD c:1 x y z
    set json [report 0 [saved $s] --against $old --json]
    foreach {what name from to} {type string 1000 1500 type hash 1000 500 type set 0 1 prefix a: 1000 1500
                                 prefix b: 1000 500 prefix c: 0 1 all {} 2000 2001} {
        set r [row $json growth what \"$what\" name \"$name\"]
        is [list [field $r keys_from] [field $r keys_to]] [list $from $to]
    }
    is [rows [report 0 $old --against $old --json] growth] {}
}

case "millions of prefixes are counted in bounded memory" {
    set dir [tmpdir]
    set commands [open $dir/big.aof w]
    fconfigure $commands -translation binary
    for {set i 0} {$i < 150000} {incr i} {
        set key "k$i:m[expr {$i % 77}]z:x"
        puts -nonewline $commands "*3\r\n\$3\r\nSET\r\n\$[string length $key]\r\n$key\r\n\$1\r\nv\r\n"
        if {$i % 3 == 0} { puts -nonewline $commands [encode [list SET often:here:$i:x v]] }
    }
    close $commands
    exec $holdfast convert $dir/big.aof $dir/big.rdb
    set json [exec /usr/bin/env time -f %M -o $dir/peak $holdfast report $dir/big.rdb --json]
    if {!$sanitized} { truth {[lindex [slurp $dir/peak] end] < 65536} }
    truth {[field $json prefixes_dropped] > 100000}
    set r [row $json prefixes prefix \"often:here:*:x\"]
    is [field $r keys] 50000
    is [field $json keys] 200000
}

case "the page holds the same, and no name gets out of its place" {
    set s [server $config]
    set names [list {</script><script>alert(1)</script>} {<!--<script>} {"><img src=x onerror=alert(2)>:k} \
        {'quoted':"name"} {a&lt;b} "line\nbreak" "\xff\xfe" "\u2028:x" {${x}:`y`} {\u003c:\\}]
    foreach name $names { ask $s SET [encoding convertto utf-8 $name] {</script>} }
    ask $s HSET {<b>hash</b>:1} {<i>} {</script>}
    set dir [tmpdir]
    set file [saved $s]
    report 0 $file --html $dir/page.html --quiet
    set page [slurp $dir/page.html]
    # The elements are those of the page itself: two scripts, each closed once.
    is [regexp -all {</script} $page] 2
    is [regexp -all {<script} $page] 2
    is [regexp -all {<!--} $page] 0
    is [regexp -all {<img|<b>hash|<i>} $page] 0
    truth {[regexp {<script type="application/json" id="data">\n(.*?)</script>} $page -> data]}
    truth {[string first < $data] < 0 && [string first & $data] < 0}
    # Escaped it is what --json says.
    set json [string map {< \\u003c > \\u003e & \\u0026} [report 0 $file --json]]
    foreach list {types largest} { is [rows $data $list] [rows $json $list] }
    # Nothing that would ask a network.
    set page_alone [string map [list $data ""] $page]
    truth {[string length $page_alone] < [string length $page] - 1000}
    truth {![regexp {https?://|url\(|@import|src=|innerHTML|eval\(|insertAdjacent|document.write} $page_alone]}
    like $page "*Content-Security-Policy*default-src 'none'*"
    is [report 0 $file --html -] $page
    like $said "*keys of*"
    report 1 $file --html $dir/page.html
    is [slurp $dir/page.html] $page
}

finish
