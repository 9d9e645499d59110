# SPDX-License-Identifier: BSD-3-Clause
# One input, one exit code: every kind of damage that docs/tools.md lists, by every verb that reads
# it. The codes are those of its tables; what they list is tried here, and nothing else is.
source [file join [file dirname [info script]] lib.tcl]
source [file join [file dirname [info script]] lib/rdb_bytes.tcl]

set holdfast [file join $build holdfast]

# ---- what the documentation says ----

# The rows of the table under that head, as lists of cells.
proc table_of {text head} {
    set rows {}
    set inside 0
    foreach line [split $text \n] {
        if {[string match "| $head*" $line]} { set inside 1; continue }
        if {!$inside || [string match "|--*" $line]} continue
        if {![string match "|*" $line]} break
        lappend rows [lmap cell [split [string trim $line "| "] |] { string trim $cell }]
    }
    return $rows
}
set text [slurp $root/docs/tools.md]
set codes [dict create]
foreach row [table_of $text "what is wrong | code |"] { dict set codes {*}$row }
set unseen [dict create]
foreach row [table_of $text "verbs | what is wrong | they end with |"] {
    lassign $row verbs what code
    foreach verb [regexp -all -inline {[a-z]+} $verbs] { dict set unseen $verb $what $code }
}

# ---- the inputs ----

proc library {code} {
    set n [string length $code]
    return \xf5[binary format c [expr {0x40 | $n >> 8}]][binary format c [expr {$n & 255}]]$code
}
set fine "#!lua name=fine\nredis.register_function('f', function() return 1 end)"
set bad "#!lua name=bad\nnot lua"
set clash [string map {name=fine name=other} $fine]
proc with_libraries {libraries} {
    set front [join [lmap code $libraries { library $code }] ""]
    return REDIS0011$front\xfe\x00[records a 9]\xff[string repeat \x00 8]
}
set whole [rdb_of [records a 9]]
set again [rdb_of [records a 9][record a1 x]]
set dir [tmpdir]
spit $dir/plain.rdb $whole
run $holdfast convert $dir/plain.rdb $dir/summed.rdb --plain --quiet
# All of its bits: a few that are wrong would be put right.
set summed [slurp $dir/summed.rdb]
binary scan [string range $summed end-7 end] w sum
set wrong_sum [string range $summed 0 end-8][binary format w [expr {~$sum}]]
run $holdfast convert $dir/plain.rdb $dir/indexed.rdb --quiet
set indexed [slurp $dir/indexed.rdb]
set cut [string range $whole 0 end-40]
set future REDIS0099[string range $whole 9 end]

# What a row of the documentation begins with, for short.
proc row {beginning} {
    set found [lsearch -all -inline -glob [dict keys $::codes] "$beginning*"]
    if {[llength $found] != 1} { error "docs/tools.md has [llength $found] rows of: $beginning" }
    return [lindex $found 0]
}
set inputs {} ;# row, name, path, verbs beside those that read everything
set dump_verbs {check points who stats dump diff convert report salvage restore anonymise}
set log_verbs {check fix points who stats dump diff convert report restore anonymise}

proc dump_is {beginning name bytes {end .rdb}} {
    spit $::dir/$name$end $bytes
    lappend ::inputs [row $beginning] $name $::dir/$name$end $::dump_verbs
}
proc log_is {beginning name bytes {end .aof}} {
    spit $::dir/$name$end $bytes
    lappend ::inputs [row $beginning] $name $::dir/$name$end $::log_verbs
}
# Of gzip: its last four bytes are the size, those in front of them the checksum.
proc bad_sum {packed} {
    binary scan [string index $packed end-7] cu byte
    return [string replace $packed end-7 end-7 [binary format c [expr {$byte ^ 255}]]]
}
set first [encode {SELECT 0}][encode {SET a1 1}]
set second [encode {SET b 2}][encode {SET c 3}]
set torn [string range [encode {SET torn 2}] 0 end-3]
# A base, an increment that is closed, the newest; "-": the manifest names it, and it is not there.
proc set_is {beginning name base {one ""} {two ""} {sizes {"" ""}}} {
    file mkdir [set log $::dir/$name/appendonlydir]
    if {$one eq ""} { set one $::first }
    if {$two eq ""} { set two $::second }
    lassign $sizes one_had two_had
    foreach {file bytes} [list b.1.base.rdb $base b.1.incr.aof $one b.2.incr.aof $two] {
        if {$bytes ne "-"} { spit $log/$file $bytes }
    }
    spit $log/b.aof.manifest "file b.1.base.rdb seq 1 type b\nfile b.1.incr.aof seq 1 type i$one_had\nfile b.2.incr.aof seq 2 type i$two_had\n"
    lappend ::inputs [row $beginning] $name $::dir/$name $::log_verbs
}

dump_is "the end of a dump" rdb-cut $cut
log_is "the end of the newest" log-torn $first$torn
set_is "the end of the newest" set-newest-torn $whole $first $second$torn
set_is "the end of a dump" set-base-cut $cut
dump_is "no byte" rdb-empty ""
log_is "no byte" log-empty ""
set many [rdb_of [records b 40]]
foreach {name bytes} [list twice $whole copy $many text "junkjunk\n" zeros [string repeat \0 5000] byte \0 \
        line *\n] {
    dump_is "bytes stand behind" rdb-behind-$name $whole$bytes
    dump_is "bytes stand behind" summed-behind-$name $summed$bytes
    log_is "bytes stand behind" log-behind-$name $whole$bytes
    set_is "bytes stand behind" set-behind-$name $whole$bytes {} {}
}
dump_is "bytes stand behind" indexed-behind-twice $indexed$indexed
dump_is "bytes stand behind" indexed-behind-text "${indexed}junk*3\r\n"
dump_is "the index of blocks" rdb-index-cut [string range $indexed 0 end-20]
dump_is "the index of blocks" rdb-index-gone [string range $indexed 0 [string first "#HF:blocks" $indexed]-1]
dump_is "the index of blocks" rdb-index-bad [string replace $indexed end-60 end-58 zzz]
set_is "the index of blocks" set-index-bad [string replace $indexed end-60 end-58 zzz]
foreach {name bytes} [list sum [bad_sum [zlib gzip $summed]] tail [zlib gzip $summed]junk] {
    dump_is "the compression around a dump" rdb-packed-$name $bytes .rdb.gz
}
foreach {name bytes} [list sum [bad_sum [zlib gzip $first$second]] preamble [bad_sum [zlib gzip $summed$second]]] {
    log_is "the compression around a log" log-packed-$name $bytes .aof.gz
}
dump_is "the compression around a log" rdb-packed-plain [bad_sum [zlib gzip $whole]] .rdb.gz
dump_is "a dump has a key" rdb-key-twice $again
log_is "the base of a log has a key" log-base-key-twice $again$second
set_is "the base of a log has a key" set-base-key-twice $again
dump_is "a dump or a base has a library of functions twice" rdb-library-twice [with_libraries [list $fine $fine]]
set_is "a dump or a base has a library of functions twice" set-library-twice [with_libraries [list $fine $fine]]
foreach {name bytes} [list unknown [encode {NOSUCH x}] words [encode {SET x}] none *0\r\n place [encode SAVE] \
        stray-exec [encode EXEC] library [encode [list FUNCTION LOAD $bad]] \
        transaction [encode MULTI][encode {SET x 1}][encode {NOSUCH y}][encode EXEC] \
        open-multi [encode MULTI][encode {SET x 1}][encode MULTI][encode {SET y 1}][encode EXEC]] {
    log_is "a log has a command that no server runs" log-$name $first$bytes$second
    if {$name in {unknown words library}} {
        set_is "a log has a command that no server runs" set-$name $whole $first$bytes
    }
}
log_is "a log has a command that meets" log-wrong-type $first[encode {LPUSH a1 x}]$second
log_is "a log has a command that meets" log-library-again \
    $first[encode [list FUNCTION LOAD $fine]][encode [list FUNCTION LOAD $fine]]$second
dump_is "bytes are not" rdb-sum $wrong_sum
dump_is "bytes are not" rdb-value [rdb_of "[records a 9]\x0d\x01h\x03xyz[records b 9]"]
dump_is "bytes are not" rdb-type [rdb_of "[records a 9]\xee\xee\xee[records b 9]"]
dump_is "bytes are not" rdb-element-twice [rdb_of "[records a 9]\x02\x03set\x03\x01a\x01b\x01a"]
set_is "bytes are not" set-base-sum $wrong_sum
dump_is "bytes are not" rdb-behind-before-commands $whole@$second
dump_is "bytes are not" rdb-index-before-commands $indexed@$second
dump_is "bytes are not" rdb-zeros-before-commands $whole[string repeat \0 300]$second
log_is "bytes are not" log-behind-before-commands $whole@$second
log_is "bytes are not" log-first-of-two $whole[string replace $second 0 0 @]
log_is "bytes are not" log-only-one $whole@[encode {SET b 2}]
dump_is "bytes are not" rdb-only-one $whole[string replace [encode {SET b 2}] 0 0 @]
set_is "bytes are not" set-base-only-one $whole@[encode {SET b 2}]
log_is "bytes are not" log-middle "$first*3\r\n\$3\r\nSE@\r\x05$second"
dump_is "a dump or a base has a library of functions that" rdb-library [with_libraries [list $fine $bad]]
dump_is "a dump or a base has a library of functions that" rdb-clash [with_libraries [list $fine $clash]]
log_is "a dump or a base has a library of functions that" log-base-library [with_libraries [list $bad]]$second
set_is "a dump or a base has a library of functions that" set-library-base [with_libraries [list $bad]]
set_is "a closed file" set-closed-torn $whole $first$torn
set_is "a closed file" set-closed-short $whole [encode {SELECT 0}] "" [list " size [string length $first]" ""]
set_is "the newest file" set-newest-short $whole $first [encode {SET b 2}] [list "" " size [string length $second]"]
set_is "a file that" set-base-emptied ""
set_is "a file that" set-no-base -
set_is "a file that" set-no-incr $whole -
set_is "a file that" set-no-newest $whole $first -
set_is "a file that" set-no-manifest $whole
spit $dir/set-no-manifest/appendonlydir/b.aof.manifest "what is this\n"
dump_is "a version" rdb-version $future
set_is "a version" set-version $future

# ---- each by each ----

# The words of a verb; out: what it makes.
proc words_of {verb path out} {
    set newest $path/appendonlydir/b.2.incr.aof
    set end [expr {[file isdirectory $path] ? [file exists $newest] ? "2:[file size $newest]" : "2:0"
                                            : [string match *.gz $path] ? "0:0" : "0:[file size $path]"}]
    switch $verb {
        who { return [list who a1 $path] }
        diff { return [list diff $path $path] }
        dump { return [list dump $path --output $out] }
        convert { return [list convert $path $out.rdb] }
        salvage { return [list salvage $path $out.rdb] }
        anonymise { return [list anonymise $path $out] }
        restore { return [list restore $path $out --to $end] }
        default { return [list $verb $path] }
    }
}
# By the documentation.
proc wanted {verb what name} {
    if {$verb eq "anonymise"} {
        set gone [expr {$what in [list [row "no byte"] [row "a file that"]] && $name ne "set-base-emptied"}]
        return [expr {$gone ? [dict get $::codes $what] : 0}]
    }
    if {![dict exists $::unseen $verb $what]} { return [dict get $::codes $what] }
    dict set ::met $verb $what 1
    return [dict get $::unseen $verb $what]
}

set met [dict create]
foreach {what name path verbs} $inputs {
    case "every verb ends alike: $name" {
        set got {}
        set want {}
        foreach verb $verbs {
            lappend got $verb [run timeout 60 $holdfast {*}[words_of $verb $path $dir/out-$verb-$name]]
            lappend want $verb [wanted $verb $what $name]
        }
        is $got $want
    }
}

case "what is good is good to all" {
    spit $dir/good.rdb $whole
    spit $dir/good.aof $first$second
    foreach {path verbs} [list $dir/good.rdb $dump_verbs $dir/good.aof $log_verbs] {
        foreach verb $verbs { is [list $verb [run timeout 60 $holdfast {*}[words_of $verb $path $dir/good-$verb]]] [list $verb 0] }
        file delete -force {*}[glob $dir/good-*]
    }
}

case "what the documentation lists is tried, and what is not seen is listed" {
    foreach what [dict keys $codes] { truth {$what in $inputs} }
    foreach verb [dict keys $unseen] {
        foreach what [dict keys [dict get $unseen $verb]] {
            truth {[dict exists $codes $what]}
            if {![info exists env(ONLY_CASE)]} { truth {[dict exists $met $verb $what]} }
        }
    }
}

finish
