# SPDX-License-Identifier: BSD-3-Clause
# Every verb that reads, over the corpora of damaged files, those from the field, and good ones with
# a bit flipped: each ends with a code of docs/tools.md, says something that a terminal can show, and
# changes nothing; neither crashes, hangs nor trips a sanitizer. A sample, by SEED, that is small
# enough for every day; with LONG all of them.
source [file join [file dirname [info script]] lib.tcl]

set holdfast [file join $build holdfast]
set count 0
set seed [expr {[info exists env(SEED)] ? $env(SEED) : [clock seconds] % 100000}]
puts "seed $seed"
expr {srand($seed)}

proc rows {path} {
    return [expr {[file exists $path] ? [split [string trim [slurp $path]] \n] : {}}]
}
proc member {row name} {
    if {![regexp "\"$name\":\"(\[^\"\]*)\"" $row -> value]} { return "" }
    return $value
}
proc decode {text} { binary decode base64 $text }
# All of a case are told, not only the first.
set failures {}
proc failed {text} { lappend ::failures $text; puts $text }
proc all_passed {} {
    set n [llength $::failures]
    set ::failures {}
    is "$n failures" "0 failures"
}
# One of so many, or with LONG each.
proc chosen {one_of} { return [expr {$::long || rand() < 1.0 / $one_of}] }

# All that lies in dir: path, bytes, ...
proc contents {dir} {
    set found {}
    foreach path [lsort [glob -nocomplain $dir/* $dir/*/*]] {
        if {[file isfile $path]} { lappend found $path [slurp $path] }
    }
    return $found
}

set other [tmpdir]/other.rdb
spit $other "REDIS0011\xfe\x00\x00\x01a\x01b\xff[string repeat \x00 8]"

# word: what lies in dir, a file or dir itself. log: has commands.
proc each_verb {name dir word log} {
    set before [contents $dir]
    set out [tmpdir]
    set verbs [list [list check $word] [list dump $word --output $out/lines] \
        [list dump $word --format resp --output $out/resp] \
        [list dump $word --format restore --output $out/restore] [list report $word] \
        [list diff $word $::other] [list diff $::other $word --patch --output $out/patch] \
        [list convert $word $out/converted.rdb --drop --twice first] \
        [list convert $word $out/converted.aof --to aof --drop --twice last] \
        [list salvage $word $out/salvaged.rdb --doubtful $out/doubtful.rdb] \
        [list salvage $word $out/partial.rdb --keep-partial --keep-doubtful] \
        [list anonymise $word $out/anonymous]]
    if {$log} {
        lappend verbs [list fix $word] [list fix --skip $word --output $out/skipped] \
            [list fix --salvage $word --output $out/fixed] [list points $word] [list stats $word] \
            [list who k $word] [list restore $word $out/restored --to 1:0]
    }
    foreach words $verbs {
        set code [run timeout 120 $::holdfast {*}$words]
        if {$code < 0 || $code > 8 || [regexp {Sanitizer|runtime error|CRASH} $::run_output]} {
            failed "$name: holdfast $words: exit code $code: $::run_output"
        }
        if {[regexp {[\x00-\x08\x0b-\x1f\x7f-\xff]} $::run_output]} {
            failed "$name: holdfast $words: says [shown $::run_output]"
        }
    }
    if {[contents $dir] ne $before} { failed "$name: something was changed" }
    # What salvage calls a clean RDB is one.
    foreach made {salvaged partial} {
        if {[file exists $out/$made.rdb] && [run timeout 120 $::holdfast check $out/$made.rdb] != 0} {
            failed "$name: what salvage made ($made): $::run_output"
        }
    }
    incr ::count
    file delete -force $out
}

proc rdb_file {name bytes} {
    set dir [tmpdir]
    spit $dir/dump.rdb $bytes
    each_verb $name $dir $dir/dump.rdb 0
    file delete -force $dir
}

case "damaged RDB files" {
    foreach row [rows [file join $shared corrupt rdb-files.jsonl]] {
        if {[chosen 8]} { rdb_file [member $row name] [decode [member $row rdb]] }
    }
    all_passed
}

case "damaged payloads of RESTORE, as the value of a key" {
    foreach row [concat [rows [file join $shared corrupt restore-payloads.jsonl]] [rows $root/fixtures/payloads.jsonl]] {
        # What once led to a fault is taken each time.
        if {[member $row name] ne "stream-fields-huge" && ![chosen 30]} continue
        set payload [decode [member $row payload]]
        if {[string length $payload] < 11} continue
        binary scan [string range $payload end-9 end-8] su version
        set version [expr {$version < 1 || $version > 79 ? 12 : $version}]
        set type [string index $payload 0]
        rdb_file [member $row name] [format REDIS%04d $version]\xfe\x00$type\x01k[string range $payload 1 end-10]\xff[string repeat \x00 8]
    }
    all_passed
}

case "damaged AOF directories" {
    foreach row [rows [file join $shared corrupt aof-dirs.jsonl]] {
        if {![chosen 15]} continue
        set dir [tmpdir]
        file mkdir $dir/appendonlydir
        regexp {"files":\{([^\}]*)\}} $row -> listing
        foreach {- file text} [regexp -all -inline {"([^"]*)":"([^"]*)"} $listing] {
            spit $dir/appendonlydir/$file [decode $text]
        }
        if {[regexp {"manifest":"} $row]} {
            spit $dir/appendonlydir/appendonly.aof.manifest [decode [member $row manifest]]
        }
        each_verb [member $row name] $dir $dir 1
        file delete -force $dir
    }
    all_passed
}

case "files from the field" {
    foreach path [lsort [concat [glob -nocomplain [file join $shared field]/*.aof] [glob $root/fixtures/field/*.aof]]] {
        if {![chosen 6]} continue
        set dir [tmpdir]
        file copy $path $dir/appendonly.aof
        each_verb [file tail $path] $dir $dir/appendonly.aof 1
        file delete -force $dir
    }
    all_passed
}

case "good files, with a bit flipped, and cut off" {
    foreach path [lsort [concat [glob -nocomplain $shared/*.rdb $shared/handmade/*.rdb] [glob $root/fixtures/rdb/*.rdb]]] {
        set bytes [slurp $path]
        foreach how {flipped cut} {
            if {![chosen 40]} continue
            set at [expr {int(rand() * [string length $bytes])}]
            binary scan [string index $bytes $at] c x
            set x [binary format c [expr {$x ^ 1 << int(rand() * 8)}]]
            set made [expr {$how eq "cut" ? [string range $bytes 0 $at] : [string replace $bytes $at $at $x]}]
            rdb_file "[file tail $path], $how at $at (seed $seed)" $made
        }
    }
    all_passed
}

puts "figures: $count files"
finish
