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

# Starts on dir and says whether it serves; a crash is an error. Exit code otherwise.
proc starts {dir args} {
    set code [catch { server [join $args \n] -dir $dir } result]
    if {!$code} {
        set keys [ask $result DBSIZE]
        stop $result kill
        return "up $keys"
    }
    if {[regexp {AddressSanitizer|CRASH|runtime error} $result]} { error $result }
    return down
}

# Verdict by the files' meaning where the peers are wrong (formats.md, "Ours:").
case "damaged RDB files: checker and server say the same" {
    foreach row [rows rdb-files.jsonl] {
        set name [member $row name]
        set dir [tmpdir]
        set bytes [decode [member $row rdb]]
        spit $dir/dump.rdb $bytes
        set code [run timeout 20 $check_rdb $dir/dump.rdb]
        if {$code != 0 && $code != 1} { error "$name: the checker ended with $code: $run_output" }
        set verdict $run_output
        set started [starts $dir]
        truth {[slurp $dir/dump.rdb] eq $bytes}
        # Only the server can know: the same key twice, what it cannot hold.
        set said [slurp $dir/log]
        if {[regexp {cannot hold|same key twice|the server is configured} $said]} {
            if {$started ne "down"} { error "$name: the server started" }
            continue
        }
        if {($code == 0) != ([string match up* $started])} {
            error "$name: checker $code, server $started\n$verdict\n$said"
        }
        if {$code == 1} {
            # the very words
            regexp -line {^\[offset \d+\] (.*)$} [lindex [split $verdict "\n"] 2] -> words
            if {[info exists words] && ![string match "*$words*" $said]} {
                error "$name: the server did not say \"$words\" but $said"
            }
        }
    }
}

case "damaged AOF directories: checker and server say the same" {
    foreach row [rows aof-dirs.jsonl] {
        set name [member $row name]
        set dir [tmpdir]
        file mkdir $dir/appendonlydir
        array unset files
        regexp {"files":\{([^\}]*)\}} $row -> listing
        foreach {- file text} [regexp -all -inline {"([^"]*)":"([^"]*)"} $listing] {
            set files($file) [decode $text]
            spit $dir/appendonlydir/$file $files($file)
        }
        set manifest [member $row manifest]
        set has_manifest [regexp {"manifest":"} $row]
        set path $dir/appendonlydir/appendonly.aof.manifest
        if {$has_manifest} { spit $path [decode $manifest] }
        set code [run timeout 20 $check_aof $path]
        if {$code != 0 && $code != 1} { error "$name: the checker ended with $code: $run_output" }
        set verdict $run_output
        set strict [starts $dir "appendonly yes" "aof-load-truncated no" "save \"\""]
        set said [slurp $dir/log]
        foreach file [array names files] {
            if {$strict eq "down" && [slurp $dir/appendonlydir/$file] ne $files($file)} {
                error "$name: $file was changed"
            }
        }
        if {[regexp {run-command|cannot hold} $said]} {
            if {$strict ne "down"} { error "$name: the server started" }
            continue
        }
        if {($code == 0) != ([string match up* $strict])} {
            error "$name: checker $code, server $strict\n$verdict\n$said"
        }
        starts $dir "appendonly yes" "aof-load-truncated yes" "save \"\""
    }
}

case "RESTORE payloads: accepted or refused as each says" {
    set s [server]
    foreach row [rows restore-payloads.jsonl] {
        set name [member $row name]
        set want [member $row want]
        set refused [catch { ask $s RESTORE k 0 [decode [member $row payload]] REPLACE } reply]
        if {$refused && [string match "*cannot hold*" $reply]} continue
        if {$want eq "accept" && $refused} { error "$name: refused: $reply" }
        if {$want eq "reject" && !$refused} { error "$name: accepted" }
        if {!$refused} {
            # what was accepted can be worked with, and comes back the same
            set type [ask $s TYPE k]
            set dump [ask $s DUMP k]
            ask $s RESTORE copy 0 $dump REPLACE
            is [ask $s TYPE copy] $type
        }
        ask $s PING
    }
    stop $s term
}

case "a value that claims 2^60 elements allocates nothing" {
    set s [server]
    set before [info_of $s used_memory_peak]
    foreach type {"\x01" "\x02" "\x03" "\x04" "\x05" "\x0e" "\x12"} {
        set body "$type\x81\x10\x00\x00\x00\x00\x00\x00\x00\x01a"
        set dir [tmpdir]
        spit $dir/dump.rdb "REDIS0011\xfe\x00$type\x01k\x81\x10\x00\x00\x00\x00\x00\x00\x00\x01a"
        is [run sh -c "ulimit -v [expr {$sanitized ? {unlimited} : 4000000}]; exec $check_rdb $dir/dump.rdb"] 1
        like $run_output "*RDB ERROR DETECTED*"
    }
    stop $s term
}

finish
