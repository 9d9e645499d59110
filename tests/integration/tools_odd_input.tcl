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

case "damage in the middle of compression is not its end, however far the bytes lead that come out" {
    set dir [tmpdir]
    set bytes ""
    for {set i 0} {$i < 3000} {incr i} { append bytes [record key$i [string repeat v$i 10]] }
    spit $dir/plain.rdb [rdb_of $bytes]
    exec zstd -qc $dir/plain.rdb >$dir/whole
    set packed [slurp $dir/whole]
    set middle [expr {[string length $packed] / 2}]
    spit $dir/bad [string replace $packed $middle [expr {$middle + 7}] [string repeat U 8]]
    foreach words {{check bad} {dump bad --output lines} {convert bad out} {report bad} {diff bad bad}
                   {points bad} {who key1 bad} {stats bad} {salvage bad saved}} {
        says 5 {*}[lmap word $words { expr {$word in {bad lines out saved} ? "$dir/$word" : $word} }]
    }
}

case "a dump of ours that is cut off is truncated; salvage, which puts aside what no checksum tells of, lost that" {
    set s [server "save \"\"\nenable-debug-command local"]
    ask $s DEBUG POPULATE 3000
    ask $s SAVE
    set dir [tmpdir]
    spit $dir/cut.rdb [string range [slurp [of $s dir]/dump.rdb] 0 40000]
    foreach words {{check cut.rdb} {dump cut.rdb --output lines} {report cut.rdb} {points cut.rdb}
                   {who key:1 cut.rdb} {stats cut.rdb} {diff cut.rdb cut.rdb}} {
        says 3 {*}[lmap word $words { expr {$word in {cut.rdb lines} ? "$dir/$word" : $word} }]
    }
    like [says 5 salvage $dir/cut.rdb $dir/out.rdb] "*0 keys are in*keys are doubtful*--doubtful FILE keeps them*"
    # two faults: not only its end
    spit $dir/two.rdb [string replace [slurp $dir/cut.rdb] 20000 20999 [string repeat \xf3 1000]]
    says 5 check $dir/two.rdb
}

case "compression that is damaged around a log: each verb reads what came out, and says so" {
    set dir [tmpdir]
    spit $dir/log.aof [encode {SELECT 0}][encode {SET a 1}][encode {SET b 2}]
    exec gzip -c $dir/log.aof >$dir/packed
    foreach {name bytes code pattern} [list damaged [changed [slurp $dir/packed] -6] 5 "*compression is damaged*" \
            cut [string range [slurp $dir/packed] 0 end-3] 3 "*compression is cut off*"] {
        spit $dir/$name.aof.gz $bytes
        foreach words [list check points stats [list who a] report \
                [list dump --output $dir/$name.lines]] {
            like [says $code {*}$words $dir/$name.aof.gz] $pattern
        }
        like [says $code convert $dir/$name.aof.gz $dir/$name.rdb] $pattern
        like [says $code restore $dir/$name.aof.gz $dir/$name.back --to 0:100000] $pattern
        is [regexp -all {"key":} [slurp $dir/$name.lines]] 2
        like [says $code fix $dir/$name.aof.gz] "$pattern*Nothing is written*"
        like [says 7 fix $dir/$name.aof.gz --output $dir/$name.aof] $pattern
        is [slurp $dir/$name.aof] [slurp $dir/log.aof]
    }
}

foreach {name header code pattern} {
    "a version that is to come" REDIS0099 6 "*version 99*"
    "a version that never was" REDIS0000 6 "*version 0*"
    "a version that is to come, of Valkey" VALKEY200 6 "*version 200*"
    "letters where the version stands" REDIS00x1 5 "*"
    "another signature" XEDIS0011 5 "*"
} {
    case "a dump's header is none this program knows: $name" {
        set dir [tmpdir]
        spit $dir/in.rdb $header[string range [rdb_of [records k 20]] 9 end]
        each_reader $dir/in.rdb $code $pattern -1
        like [says $code check $dir/in.rdb] $pattern
        like [says $code salvage $dir/in.rdb $dir/out.rdb --doubtful $dir/doubtful.rdb] $pattern
        says 0 check $dir/doubtful.rdb
        foreach verb {points stats} { says $code $verb $dir/in.rdb }
        says $code who k $dir/in.rdb
    }
}
case "a manifest of a comment only names no files: an empty data set" {
    set dir [tmpdir]
    file mkdir $dir/d/appendonlydir
    spit $dir/d/appendonlydir/appendonly.aof.manifest "# none\n"
    foreach words [list [list check $dir/d] [list dump $dir/d] [list report $dir/d] \
            [list diff $dir/d $dir/d] [list convert $dir/d $dir/out.rdb] [list points $dir/d] \
            [list fix $dir/d]] {
        says 0 {*}$words
    }
    is [says 0 dump $dir/out.rdb] "0 keys"
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

case "no byte comes out of the file, or of its compression: every verb says so, and makes nothing" {
    set dir [tmpdir]
    spit $dir/none ""
    spit $dir/none.aof ""
    exec gzip -c $dir/none >$dir/none.gz
    set bytes ""
    for {set i 0} {$i < 3000} {incr i} { append bytes [record k$i [expr {rand()}]] }
    spit $dir/plain.rdb [rdb_of $bytes]
    exec zstd -qc $dir/plain.rdb >$dir/whole.zst
    exec gzip -c $dir/plain.rdb >$dir/whole.gz
    foreach {name kind bytes} {cut.zst zst 20000 cut.rdb.gz gz 4 ten.gz gz 10 twenty gz 20} {
        spit $dir/$name [string range [slurp $dir/whole.$kind] 0 $bytes-1]
    }
    spit $dir/one.rdb [rdb_of [record one 1]]
    spit $dir/bad.zst [flipped [slurp $dir/whole.zst] 5]
    foreach name {none none.aof none.gz cut.zst cut.rdb.gz ten.gz twenty bad.zst} {
        set in $dir/$name
        set code [expr {$name eq "bad.zst" ? 5 : 3}]
        foreach words [list [list check $in] [list points $in] [list who k1 $in] [list stats $in] \
                [list report $in] [list fix $in] [list fix --salvage $in --output $dir/out] \
                [list dump $in --output $dir/lines] [list convert $in $dir/out] \
                [list salvage $in $dir/out] [list anonymise $in $dir/out] \
                [list restore $in $dir/out --to 0:1] [list diff $dir/one.rdb $in]] {
            says $code {*}$words
            is [list $words [file exists $dir/out]] [list $words 0]
        }
    }
}

case "what is to be made is there already: one answer" {
    set dir [tmpdir]
    spit $dir/one.rdb [rdb_of [record one 1]]
    spit $dir/one.aof [encode {SET a 1}][string range [encode {SET b 2}] 0 end-3]
    spit $dir/out there
    foreach words {{salvage one.rdb out} {convert one.rdb out} {dump one.rdb --output out}
                   {anonymise one.rdb out} {fix one.aof --output out} {restore one.aof out --to 0:1}} {
        set words [lmap word $words { expr {$word in {one.rdb one.aof out} ? "$dir/$word" : $word} }]
        like [says 1 {*}$words] "*is there already: nothing is written over it*"
        is [slurp $dir/out] there
    }
}

case "a product has no name until it is whole: one that is killed leaves nothing" {
    set dir [tmpdir]
    set bytes [slurp [summed]]
    set tool [open "|[list $holdfast dump - --output $dir/lines] 2>@1" r+]
    fconfigure $tool -translation binary
    puts -nonewline $tool [string range $bytes 0 end-100]
    flush $tool
    set pid [pid $tool]
    wait_for { regexp "$dir/" [exec sh -c "ls -l /proc/$pid/fd"] }
    is [glob -nocomplain -tails -directory $dir * .*.tmp] {}
    exec kill -KILL $pid
    catch { close $tool }
    is [glob -nocomplain -tails -directory $dir * .*.tmp] {}
    says 0 dump [summed] --output $dir/lines
    is [glob -nocomplain -tails -directory $dir * .*.tmp] lines
    is [file attributes $dir/lines -permissions] 00[format %o [expr {0666 & ~[exec sh -c umask]}]]
}

case "a server for a moment leaves nothing, however the tool ends" {
    set dir [tmpdir]
    file mkdir $dir/tmp
    set lines ""
    for {set i 0} {$i < 20000} {incr i} { append lines [encode [list SET key:$i [string repeat x 200]]] }
    spit $dir/log.aof [encode {SELECT 0}]$lines
    foreach signal {INT TERM HUP KILL} {
        # it waits for whoever reads what it has to say, with all of the data in its directory
        set tool [open "|[list env TMPDIR=$dir/tmp $holdfast dump $dir/log.aof 2>/dev/null]" r]
        gets $tool
        is [llength [glob $dir/tmp/holdfast-*]] 1
        exec kill -$signal [pid $tool]
        catch { close $tool }
        wait_for { expr {[glob -nocomplain $dir/tmp/*] eq ""} }
    }
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
        "*300 keys are in*[string length $commands] bytes behind the RDB are left out: the commands*holdfast fix*"
    spit $dir/other [slurp [summed]]nothing
    like [says 4 salvage $dir/other $dir/other.rdb] "*7 bytes behind the RDB are left out*"
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
    each_reader $dir/other.rdb 4 "*9 bytes behind the RDB are no commands*" 300
    foreach pack {gzip "zstd -q"} {
        exec sh -c "$pack <$dir/other.rdb >$dir/packed"
        each_reader $dir/packed 4 "*9 bytes behind the RDB are no commands*" 300
    }
    # unless commands are found among them
    spit $dir/other.rdb [slurp [summed]]nothing[encode {SET behind 1}]
    says 5 check $dir/other.rdb
    says 5 dump $dir/other.rdb
}

# A record of a library of functions.
proc library {code} {
    set n [string length $code]
    return \xf5[binary format c [expr {0x40 | $n >> 8}]][binary format c [expr {$n & 255}]]$code
}
proc good {name} { return "#!lua name=$name\nredis.register_function('$name', function() return 1 end)" }

case "a library that does not load: convert refuses it by name, or leaves it out and counts it" {
    set dir [tmpdir]
    set bad "#!lua name=bad\nerror('\x1b\[31m\xff\nred')"
    spit $dir/in.rdb [string replace [rdb_of [records k 3] 0011] 0 8 "REDIS0011[library [good fine]][library $bad]"]
    like [says 5 convert $dir/in.rdb $dir/out.rdb] "*library of functions 'bad': it would not load*--drop*"
    truth {![file exists $dir/out.rdb]}
    like [says 5 convert $dir/in.rdb --explain] "*'bad'*"
    like [says 5 convert $dir/in.rdb $dir/out.rdb --drop] "*1 libraries*"
    set text [says 0 dump $dir/out.rdb]
    is [regexp -all {name=fine} $text] 1
    is [regexp -all {name=bad} $text] 0
    says 0 check $dir/out.rdb
    # two that only clash
    spit $dir/two.rdb [string replace [rdb_of [records k 3] 0011] 0 8 \
        "REDIS0011[library [good fine]][library [string map {name=fine name=other} [good fine]]]"]
    like [says 5 convert $dir/two.rdb $dir/clash.rdb] "*library of functions 'other'*"
}

case "what a file holds does nothing to a terminal" {
    set dir [tmpdir]
    set bad "#!lua name=bad\nerror('\x1b\[31m\xff\x7f\nforged: line')"
    set head "REDIS0011\xfa\x09redis-ver\x08\x1b\[2J\nver"
    spit $dir/in.rdb [string replace [rdb_of [records k 3] 0011] 0 8 "$head[library $bad]"]
    spit $dir/in.aof [encode [list FUNCTION LOAD $bad]][encode [list SWAPDB 0 "\x1b\n1"]]
    spit $dir/bad\x1b\nforged.rdb REDISxx
    foreach words [list [list check $dir/in.rdb] [list check $dir/in.aof] [list points $dir/in.aof] \
            [list convert $dir/in.rdb --explain] [list salvage $dir/in.rdb $dir/out.rdb] \
            [list who k $dir/in.aof] [list stats $dir/in.aof] [list dump $dir/bad\x1b\nforged.rdb] \
            [list check $dir/bad\x1b\nforged.rdb]] {
        run timeout 60 $::holdfast {*}$words
        is [list $words [regexp {[\x00-\x08\x0b-\x1f\x7f-\xff]} $run_output]] [list $words 0]
        is [list $words [regexp -line {^forged} $run_output]] [list $words 0]
        exec bash -c {timeout 60 "$@" --json 2>/dev/null || true} sh $::holdfast {*}$words >$dir/json
        encoding convertfrom utf-8 [slurp $dir/json]
        is [regexp {[\x00-\x09\x0b-\x1f]} [string trim [slurp $dir/json]]] 0
    }
    foreach words [list [list redis-check-rdb $dir/in.rdb] [list redis-check-aof $dir/in.aof]] {
        run timeout 60 [file join $build [lindex $words 0]] [lindex $words 1]
        is [regexp {[\x00-\x08\x0b-\x0c\x0e-\x1a\x1c-\x1f\x7f-\xff]} $run_output] 0
        is [regexp -line {^forged} $run_output] 0
    }
}

case "a part that the manifest names is missing: anonymise says which" {
    set s [server "appendonly yes\nsave \"\""]
    ask $s SET a 1
    set dir [tmpdir]
    file copy [of $s dir]/appendonlydir $dir/log
    stop $s kill
    set gone [lindex [glob $dir/log/*.base.rdb] 0]
    says 0 anonymise $dir/log $dir/whole
    file delete $gone
    like [says 5 anonymise $dir/log $dir/out] "*[file tail $gone] is missing*"
    is [llength [glob $dir/out/*.incr.aof]] 1
}

case "what commands cannot say of a stream is counted, when it is dumped or converted" {
    set s [server "save \"\""]
    foreach id {1-1 2-1 3-1 4-1} { ask $s XADD st $id f v }
    ask $s XGROUP CREATE st g 0
    ask $s XGROUP CREATE st h 0
    ask $s XREADGROUP GROUP g me STREAMS st >
    ask $s XREADGROUP GROUP h me COUNT 3 STREAMS st >
    ask $s SAVE
    set dir [tmpdir]
    file copy [of $s dir]/dump.rdb $dir/whole.rdb
    says 0 dump $dir/whole.rdb --format resp --output $dir/whole.resp
    says 0 convert $dir/whole.rdb $dir/whole.aof --to aof
    ask $s XDEL st 2-1 4-1
    ask $s SAVE
    file copy [of $s dir]/dump.rdb $dir/lost.rdb
    like [says 6 dump $dir/lost.rdb --format resp --output $dir/lost.resp] \
        "*3 pending entries in groups of streams were deleted*--format restore*"
    set again [server "save \"\""]
    exec redis-cli -p [of $again port] --pipe <$dir/lost.resp
    is [lindex [ask $again XPENDING st g] 0] 2
    is [lindex [ask $again XPENDING st h] 0] 2
    is [catch { exec $holdfast dump $dir/lost.rdb --format resp --json --output $dir/again 2>/dev/null } text] 1
    like $text "*\"pending_lost\":3*"
    says 0 dump $dir/lost.rdb --format restore --output $dir/lost.restore
    says 0 dump $dir/lost.rdb --output $dir/lost.json
    like [says 6 convert $dir/lost.rdb $dir/lost.aof --to aof] "*'st': pending entries that were deleted*"
    truth {![file exists $dir/lost.aof]}
    like [says 0 convert $dir/lost.rdb $dir/lost.aof --to aof --drop] "*3 pending entries*"
    # ids in a file: more than are held
    set c [connect $s]
    for {set i 1} {$i <= 9000} {incr i} { puts -nonewline $c [encode [list XADD big $i-1 f v]] }
    flush $c
    for {set i 1} {$i <= 9000} {incr i} { read_reply $c }
    close $c
    ask $s XGROUP CREATE big g 0
    ask $s XREADGROUP GROUP g me STREAMS big >
    ask $s XDEL big 5-1 4444-1 8999-1
    ask $s SAVE
    like [says 6 dump [of $s dir]/dump.rdb --format resp --output $dir/big.resp] "*6 pending entries in*"
}

case "a base that is empty, though its name says RDB: a server starts, and check says without what" {
    set s [server "appendonly yes\nsave \"\""]
    ask $s SET a 1
    set dir [tmpdir]
    file copy [of $s dir]/appendonlydir $dir/appendonlydir
    stop $s kill
    # as a server of others has it: no sizes, no sums
    set manifest $dir/appendonlydir/appendonly.aof.manifest
    regsub -all -line { (id|size|from) \S+} [slurp $manifest] "" text
    regsub -all -line {^#HF.*\n} $text "" text
    spit $manifest $text
    set base [glob $dir/appendonlydir/*.base.rdb]
    spit $base ""
    like [says 5 check $dir] "*[file tail $base]: *empty*a server starts with it*"
    set s [server "appendonly yes\nsave \"\"" -dir $dir]
    is [ask $s DBSIZE] 1
}

case "what a server for a moment says names the files that it was given, once" {
    set dir [tmpdir]
    set commands [encode {SELECT 0}][encode {SET a 1}][encode {LPUSH a x}]
    spit $dir/one.aof $commands
    file mkdir $dir/d/appendonlydir
    spit $dir/d/appendonlydir/b.aof.manifest "file b.1.base.rdb seq 1 type b\nfile b.1.incr.aof seq 1 type i\n"
    spit $dir/d/appendonlydir/b.1.base.rdb [rdb_of [records k 3]]
    spit $dir/d/appendonlydir/b.1.incr.aof $commands
    file mkdir [set tmp [tmpdir]/real]
    file link -symbolic $tmp.link $tmp
    foreach {place name} [list $dir/one.aof $dir/one.aof $dir/d $dir/d/appendonlydir/b.1.incr.aof] {
        foreach scratch [list /var/tmp $tmp $tmp.link] {
            foreach words [list [list dump $place --output $dir/x] [list report $place] \
                    [list convert $place $dir/x] [list diff $place $place]] {
                is [run timeout 60 env TMPDIR=$scratch $holdfast {*}$words] 5
                like $run_output "*A server does not load it: $name: *WRONGTYPE*"
                truth {![string match "*holdfast-*" $run_output]}
            }
        }
    }
    is [run sh -c "cat $dir/one.aof | timeout 60 $holdfast dump - --output $dir/x"] 5
    like $run_output "*does not load it: -: *WRONGTYPE*"
    spit $dir/none.aof ""
    is [regexp -all {none\.aof} [says 3 check $dir/none.aof]] 1
}

case "a database or a slot that there cannot be is refused, and no verb is told to programs, too" {
    set dir [tmpdir]
    spit $dir/in.rdb [rdb_of [records k 3]]
    foreach {option last beyond} {--db 2147483646 2147483647 --slot 16383 16384} {
        says 0 dump $dir/in.rdb $option 0-$last
        like [says 1 dump $dir/in.rdb $option $beyond] "*$option $beyond: there is none above $last*"
    }
    spit $dir/in.aof [encode {SET k 1}]
    says 0 who k $dir/in.aof --db 2147483646
    like [says 1 who k $dir/in.aof --db 2147483647] "*none above*"
    is [dict get [json [says 1 nosuchverb --json]] verb] help
    like [says 1 nosuchverb] "holdfast: there is no verb nosuchverb\n*salvage*"
}

finish
