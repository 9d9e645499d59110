# SPDX-License-Identifier: BSD-3-Clause
# What the verbs make of input that is not quite a dump: compression that is damaged around a whole
# one, another version's, a wrong checksum, a log under a dump's name. Each verb says it, and ends
# with the code of docs/tools.md.
source [file join [file dirname [info script]] lib.tcl]
source [file join [file dirname [info script]] lib/jsonl.tcl]
source [file join [file dirname [info script]] lib/rdb_bytes.tcl]

set holdfast [file join $build holdfast]

# What the verb says; its exit code is to be this.
proc says {code args} {
    is [list [run timeout 120 $::holdfast {*}$args] $args] [list $code $args]
    return $::run_output
}
# The verbs that read a whole data set, on one file: each ends so and says something like it. Data
# that comes out has so many keys; -1: none comes out.
proc each_reader {path code pattern keys} {
    set dir [tmpdir]
    spit $dir/one.rdb [rdb_of [record one 1]]
    like [says $code dump $path --output $dir/lines] $pattern
    like [says $code report $path] $pattern
    like [says $code diff $path $path] $pattern
    like [says $code convert $path $dir/out.rdb] $pattern
    if {$keys < 0} { truth {![file exists $dir/out.rdb]}; return }
    foreach made [list $dir/lines $dir/out.rdb] {
        set text [expr {$made eq "$dir/lines" ? [slurp $made] : [says 0 dump $made]}]
        is [regexp -all {"key":} $text] $keys
    }
}
# A dump with a checksum that is right, of 300 keys.
proc summed {} {
    set dir [tmpdir]
    spit $dir/plain.rdb [rdb_of [records k 300]]
    is [run $::holdfast convert $dir/plain.rdb $dir/summed.rdb --plain --quiet] 0
    return $dir/summed.rdb
}
proc changed {bytes at} { return [flipped $bytes [expr {$at < 0 ? [string length $bytes] + $at : $at}]] }

foreach {name pack last} {gzip {gzip -c} -6 zstd {zstd -qc} -2} {
    case "$name around a whole dump has a wrong checksum of its own" {
        set dir [tmpdir]
        exec {*}$pack [summed] >$dir/packed
        spit $dir/bad [changed [slurp $dir/packed] $last]
        like [says 4 salvage $dir/bad $dir/out.rdb] "*compression*damaged*RDB in it is whole*300 keys are in*"
        like [says 4 check $dir/bad] "*compression*damaged*RDB in it is whole*"
        each_reader $dir/bad 4 "*compression is damaged*" 300
    }
    case "$name around a dump without a checksum has a wrong one: nobody knows" {
        set dir [tmpdir]
        spit $dir/plain.rdb [rdb_of [records k 300]]
        exec {*}$pack $dir/plain.rdb >$dir/packed
        spit $dir/bad [changed [slurp $dir/packed] $last]
        like [says 5 salvage $dir/bad $dir/out.rdb] "*compression*no checksum*300 keys are in*"
        each_reader $dir/bad 5 "*compression is damaged*no checksum*" 300
    }
    case "$name is cut off in its last bytes: all is there" {
        set dir [tmpdir]
        exec {*}$pack [summed] >$dir/packed
        spit $dir/bad [string range [slurp $dir/packed] 0 end-2]
        like [says 3 salvage $dir/bad $dir/out.rdb] "*cut off*RDB in it is whole*300 keys are in*"
        like [says 3 check $dir/bad] "*cut off*RDB in it is whole*"
        each_reader $dir/bad 3 "*($name) is cut off*" 300
    }
    case "$name is cut off in its middle: what came out is kept" {
        set dir [tmpdir]
        set bytes ""
        for {set i 0} {$i < 3000} {incr i} { append bytes [record k$i [expr {rand()}]] }
        spit $dir/plain.rdb [rdb_of $bytes]
        exec {*}$pack $dir/plain.rdb >$dir/packed
        set packed [slurp $dir/packed]
        spit $dir/bad [string range $packed 0 end-[expr {[string length $packed] / 10}]]
        set said [says 3 salvage $dir/bad $dir/out.rdb]
        regexp {(\d+) keys are in} $said -> kept
        truth {$kept > 1500}
    }
}

case "a version that is to come" {
    set dir [tmpdir]
    spit $dir/newer.rdb [rdb_of [records k 20] 0099]
    each_reader $dir/newer.rdb 6 "*version 99*" -1
    says 6 check $dir/newer.rdb
    spit $dir/newer.rdb VALKEY200[string range [rdb_of [records k 20]] 9 end]
    each_reader $dir/newer.rdb 6 "*version 200*" -1
    spit $dir/other.rdb XEDIS0011[string range [rdb_of [records k 20]] 9 end]
    each_reader $dir/other.rdb 5 "*signature*" -1
}

case "the checksum of a dump as a whole is wrong: the data comes out, and it is said" {
    set dir [tmpdir]
    spit $dir/bad.rdb [changed [slurp [summed]] -3]
    each_reader $dir/bad.rdb 5 "*RDB CRC error*" 300
    is [catch { exec $holdfast convert $dir/bad.rdb $dir/json.rdb --json 2>/dev/null } text] 1
    regsub {\nchild process exited abnormally$} $text "" text
    set answer [json $text]
    is [dict get $answer result] loss
    is [llength [dict get $answer errors]] 1
}

case "an append log is none of salvage's" {
    set dir [tmpdir]
    spit $dir/appendonly.aof [encode {SELECT 0}][encode {SET a 1}]
    like [says 1 salvage $dir/appendonly.aof $dir/out.rdb] "*is an append log*holdfast fix*"
    truth {![file exists $dir/out.rdb]}
    spit $dir/noted.aof "#TS:1700000000\r\n[encode {SET a 1}]"
    like [says 1 salvage $dir/noted.aof $dir/out.rdb] "*is an append log*holdfast fix*"
    exec gzip -k $dir/appendonly.aof
    says 1 salvage $dir/appendonly.aof.gz $dir/out.rdb
    truth {![file exists $dir/out.rdb]}
}

case "of an append log that begins with a dump salvage saves that, and says what it leaves" {
    set dir [tmpdir]
    set commands [encode {SET behind 1}]
    spit $dir/appendonly.aof [slurp [summed]]$commands
    like [says 5 salvage $dir/appendonly.aof $dir/out.rdb] \
        "*300 keys are in*[string length $commands] bytes behind the RDB are commands*holdfast fix*"
    spit $dir/other [slurp [summed]]nothing
    like [says 0 salvage $dir/other $dir/other.rdb] "*7 bytes behind the RDB are left out*"
}

case "commands behind a dump are read, whatever its name" {
    set dir [tmpdir]
    spit $dir/dump.rdb [slurp [summed]][encode {SET behind 1}][encode {DEL k7 k8}]
    each_reader $dir/dump.rdb 0 "*commands stand behind its RDB*" 299
    like [says 8 diff $dir/dump.rdb [summed]] "*behind*"
    like [says 0 check $dir/dump.rdb] "*servers pass over them; as an append log*"
    # torn at its end, as every log
    spit $dir/torn.rdb [slurp $dir/dump.rdb][string range [encode {SET torn value}] 0 end-4]
    each_reader $dir/torn.rdb 3 "*are left out*" 299
    # one that ends in a command longer than what is looked at beforehand
    spit $dir/long.rdb [slurp [summed]][encode [list SET behind [string repeat x 200000]]]
    each_reader $dir/long.rdb 5 "*commands behind its RDB are not read*" 300
    # what only comes once
    is [catch { exec cat $dir/dump.rdb | $holdfast dump - 2>@1 } text] 1
    like $text "*commands behind its RDB are not read*"
    # other bytes are none
    spit $dir/other.rdb [slurp [summed]]nothing\r\n
    each_reader $dir/other.rdb 0 "*300*" 300
}

finish
