# SPDX-License-Identifier: BSD-3-Clause
# The corpora of damaged files: checker and server agree on every one, and neither crashes, hangs or
# changes what it refuses. RESTORE gives what each payload is to give.
source [file join [file dirname [info script]] lib.tcl]

set check_rdb [file join $build redis-check-rdb]
set check_aof [file join $build redis-check-aof]
set server_binary [file join $build redis-server]

proc rows {name} {
    set path [file join $::shared corrupt $name]
    if {![file exists $path]} { return {} }
    return [split [string trim [slurp $path]] \n]
}
# A member of a flat JSON object whose value is a string.
proc member {row name} {
    if {![regexp "\"$name\":\"(\[^\"\]*)\"" $row -> value]} { return "" }
    return $value
}
proc decode {text} { binary decode base64 $text }

# Starts on dir and says whether it serves: "up" and the number of keys, or "down". A crash is an
# error.
proc starts {dir args} {
    set code [catch { server [join $args \n] -dir $dir } result]
    if {!$code} {
        set keys [ask $result DBSIZE]
        stop $result kill
        return "up $keys"
    }
    if {[regexp {Sanitizer|CRASH|runtime error|neither answers} $result]} { error $result }
    return down
}

# What lies in dir, but for what the tests put there themselves: path, bytes, ...
proc contents {dir} {
    set found {}
    foreach path [lsort [glob -nocomplain $dir/* $dir/appendonlydir/*]] {
        set name [string range $path [string length $dir/] end]
        if {$name ni {redis.conf log stdout stderr} && [file isfile $path]} {
            lappend found $name [slurp $path]
        }
    }
    return $found
}

# The sentences in which a checker told what is wrong.
proc words_of {verdict} {
    set words {}
    set lines [split $verdict \n]
    set at [lsearch -exact $lines "--- RDB ERROR DETECTED ---"]
    if {$at >= 0 && [regexp {^\[offset \d+\] (.*)$} [lindex $lines $at+1] -> text]} {
        lappend words $text
    }
    foreach line $lines {
        # a MULTI out of place: only the tool's line says which file here, the server says it first
        if {[regexp {^0x *[0-9a-f]+: (.*?)( in AOF .*)?$} $line -> text]} { lappend words $text }
        if {[regexp {^(AOF manifest, .*|Found an empty AOF manifest)$} $line -> text]} {
            lappend words $text
        }
    }
    return $words
}

# What only a server can know, and how it says so.
set only_server {
    {This server cannot hold}
    {The module '.*' that owns this (auxiliary data|value) is not loaded}
    {The same key twice}
    {, doing run-command}
    {holds appendonly\.aof\S+ but no manifest}
}

proc check_agreement {name code verdict started said} {
    foreach pattern $::only_server {
        if {[regexp $pattern $said]} {
            is $started down
            return $pattern
        }
    }
    if {($code == 0) != ([string match up* $started])} {
        error "$name: checker $code, server $started\n$verdict\n$said"
    }
    foreach words [expr {$code ? [words_of $verdict] : {}}] {
        if {[string first $words $said] < 0} {
            error "$name: the server did not say \"$words\" but $said"
        }
    }
    return ""
}

# With aof-load-truncated, a tail that is torn off, and nothing else, is cut: exactly to where the
# checker says that the file is good. All other damage is refused and left as it is.
proc check_torn_tail {name dir before verdict strict} {
    set lenient [starts $dir "appendonly yes" "aof-load-truncated yes" "save \"\""]
    if {$strict ne "down"} {
        is $lenient $strict
        return
    }
    set now [contents $dir]
    if {$lenient eq "down"} {
        if {$now ne $before} { error "$name: refused, but the directory was changed" }
        return
    }
    set analyzed {filename=(\S+), size=\d+, ok_up_to=(\d+), [^\n]*\nAOF \S+ is not valid}
    if {![regexp $analyzed $verdict -> file good]} {
        error "$name: starts, but the checker has nothing to mend: $verdict"
    }
    array set files $before
    set files(appendonlydir/$file) [string range $files(appendonlydir/$file) 0 $good-1]
    array set after $now
    foreach path [array names files] {
        if {$after($path) ne $files($path)} { error "$name: $path is not what was good of it" }
    }
    is [run timeout 180 $::check_aof $dir/appendonlydir/appendonly.aof.manifest] 0
}

# Verdict by the files' meaning where the peers are wrong (formats.md, "Ours:").
case "damaged RDB files: checker and server say the same" {
    set seen 0
    foreach row [rows rdb-files.jsonl] {
        set name [member $row name]
        set dir [tmpdir]
        spit $dir/dump.rdb [decode [member $row rdb]]
        set before [contents $dir]
        set code [run timeout 180 $check_rdb --databases 16 $dir/dump.rdb] ;# as the server has
        if {$code != 0 && $code != 1} { error "$name: the checker ended with $code: $run_output" }
        set verdict $run_output
        if {$code == 1} { truth {[words_of $verdict] ne ""} }
        set started [starts $dir]
        if {[contents $dir] ne $before} { error "$name: the directory was changed" }
        check_agreement $name $code $verdict $started [slurp $dir/log]
        incr seen
    }
    if {[file exists $shared]} { is $seen 64 }
}

case "damaged AOF directories: checker and server say the same" {
    set seen 0
    foreach row [rows aof-dirs.jsonl] {
        set name [member $row name]
        set dir [tmpdir]
        file mkdir $dir/appendonlydir
        regexp {"files":\{([^\}]*)\}} $row -> listing
        foreach {- file text} [regexp -all -inline {"([^"]*)":"([^"]*)"} $listing] {
            spit $dir/appendonlydir/$file [decode $text]
        }
        set path $dir/appendonlydir/appendonly.aof.manifest
        if {[regexp {"manifest":"} $row]} { spit $path [decode [member $row manifest]] }
        set before [contents $dir]
        set code [run timeout 180 $check_aof $path]
        if {$code != 0 && $code != 1} { error "$name: the checker ended with $code: $run_output" }
        set verdict $run_output
        set strict [starts $dir "appendonly yes" "aof-load-truncated no" "save \"\""]
        set said [slurp $dir/log]
        check_agreement $name $code $verdict $strict $said
        if {$strict eq "down" && [contents $dir] ne $before} {
            error "$name: the directory was changed"
        }
        check_torn_tail $name $dir $before $verdict $strict
        incr seen
    }
    if {[file exists $shared]} { is $seen 74 }
}

# The count of payloads it saw.
proc restore_all {s rows} {
    foreach row $rows {
        set name [member $row name]
        set want [member $row want]
        ask $s DEL k copy
        set refused [catch { ask $s RESTORE k 0 [decode [member $row payload]] } reply]
        ask $s PING
        if {$refused} {
            is [ask $s EXISTS k] 0
            if {[regexp {cannot hold|is not loaded|are not supported} $reply]} continue
            if {$reply ne "ERR Bad data format" &&
                $reply ne "ERR DUMP payload version or checksum are wrong"} {
                error "$name: $reply"
            }
        }
        if {$want eq "accept" && $refused} { error "$name: refused: $reply" }
        if {$want eq "reject" && !$refused} { error "$name: accepted" }
        if {$refused} continue
        # what was accepted can be worked with, and comes back the same
        ask $s RESTORE copy 0 [ask $s DUMP k]
        is [ask $s TYPE copy] [ask $s TYPE k]
        if {[ask $s DEBUG DIGEST-VALUE copy] ne [ask $s DEBUG DIGEST-VALUE k]} {
            error "$name: another value came back"
        }
    }
    return [llength $rows]
}

case "RESTORE payloads: accepted or refused as each says, and none takes memory" {
    set s [server {enable-debug-command yes}]
    set before [info_of $s used_memory_peak]
    if {[file exists $shared]} { is [restore_all $s [rows restore-payloads.jsonl]] 214 }
    truth {[restore_all $s [split [string trim [slurp $root/fixtures/payloads.jsonl]] \n]] > 50}
    truth {[info_of $s used_memory_peak] < $before + 32 * 1024 * 1024}
    stop $s term
}

case "a value that claims 2^60 elements allocates nothing" {
    set limit [expr {$sanitized ? "unlimited" : 200000}]
    foreach type {\x00 \x01 \x02 \x03 \x04 \x05 \x0e \x0f \x10 \x12 \x15 \x18} {
        set dir [tmpdir]
        spit $dir/dump.rdb "REDIS0012\xfe\x00$type\x01k\x81\x10\x00\x00\x00\x00\x00\x00\x00\x01a"
        is [run sh -c "ulimit -v $limit; exec timeout 180 $check_rdb $dir/dump.rdb"] 1
        like $run_output "*RDB ERROR DETECTED*"
        is [starts $dir] down
    }
}

finish
