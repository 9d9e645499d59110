# SPDX-License-Identifier: BSD-3-Clause
# Lines of the log that runbooks, wrappers and monitoring look for begin with the words that Redis
# 7.2 has for the event. Each case makes the server do it.
source [file join [file dirname [info script]] lib.tcl]

# Each pattern is the beginning of a line behind the stamp, mark included; in this order.
proc says {text args} {
    set lines {}
    foreach line [split $text \n] {
        if {[regexp {^\d+:[MSCX] \d+ \w+ \d+ [\d:.]+ ([-.*#] .*)$} $line -> rest]} { lappend lines $rest }
    }
    set at 0
    foreach pattern $args {
        while {$at < [llength $lines] && ![string match "$pattern*" [lindex $lines $at]]} { incr at }
        if {$at == [llength $lines]} { error "no line like [shown $pattern] in\n[join $lines \n]" }
        incr at
    }
}

proc log_says {s args} {
    wait_for { expr {![catch { says [log_of $s] {*}$args }]} }
}

case "start, readiness, saving, loading, the end" {
    set s [server "save 3600 1\npidfile pid\nunixsocket sock"]
    says [log_of $s] "\\* Redis is starting" "\\* Redis version=7.2.* bits=64, commit=* pid=[of $s pid], just started" \
        "\\* Configuration loaded" "\\* Running mode=standalone, port=[of $s port]." \
        "\\* Server initialized" "\\* Ready to accept connections tcp" "\\* Ready to accept connections unix"
    ask $s SET k v
    ask $s SAVE
    log_says $s "\\* DB saved on disk"
    ask $s BGSAVE
    log_says $s "\\* Background saving started by pid *" "\\* DB saved on disk" \
        "\\* Background saving terminated with success"
    ask $s SET k w
    set dir [of $s dir]
    stop $s term
    says [slurp $dir/log] "# Received SIGTERM scheduling shutdown..." "# User requested shutdown..." \
        "\\* Saving the final RDB snapshot before exiting." "\\* DB saved on disk" \
        "# Redis is now ready to exit, bye bye..." "\\* Removing the pid file."
    set s [server "save 3600 1" -dir $dir]
    says [log_of $s] "\\* Loading RDB produced by version *" "\\* RDB age * seconds" \
        "\\* RDB memory usage when created * Mb" "\\* Done loading RDB, keys loaded: 1, keys expired: 0." \
        "\\* DB loaded from disk: * seconds" "\\* Ready to accept connections tcp"
    set from [string length [slurp $dir/log]]
    signal INT [of $s pid]
    wait_for { expr {![alive [of $s pid]]} }
    says [string range [slurp $dir/log] $from end] "# Received SIGINT scheduling shutdown..." \
        "# User requested shutdown..." "# Redis is now ready to exit, bye bye..."
}

case "no file of settings, and a terminal or not" {
    started_by_hand h [set dir [tmpdir]] {
        exec $build/redis-server --port $port --dir $dir > $dir/said 2>@1 &
    }
    says [slurp $dir/said] "# Warning: no config file specified, using the default config" \
        "\\* Running mode=standalone"
    stop h term
}

case "a port that somebody else has" {
    set s [server]
    set code [run $build/redis-server --port [of $s port] --bind 127.0.0.1 --dir [tmpdir]]
    is $code 1
    says $run_output "# Warning: Could not create server TCP listening socket 127.0.0.1:[of $s port]: bind: Address already in use" \
        "# Failed listening on port [of $s port] (tcp), aborting."
}

case "a last save that fails" {
    set s [server "save 3600 1"]
    ask $s SET k v
    file mkdir [of $s dir]/dump.rdb
    error_of $s SHUTDOWN
    log_says $s "# User requested shutdown..." "\\* Saving the final RDB snapshot before exiting." \
        "# Error trying to save the DB, can't exit"
    ask $s BGSAVE
    log_says $s "\\* Background saving started by pid *" "# Background saving error"
    set dir [of $s dir]
    catch { ask $s SHUTDOWN FORCE }
    wait_for { expr {![alive [of $s pid]]} }
    says [slurp $dir/log] "# Error trying to save the DB, exiting anyway" "# Redis is now ready to exit"
}

case "no process for a child" {
    set dir [tmpdir]
    set s [preload $dir "
#include <errno.h>
#include <sys/types.h>
pid_t fork(void) { errno = EAGAIN; return -1; }
" { server "" -dir $dir }]
    error_of $s BGSAVE
    log_says $s "# Can't save in background: fork: Resource temporarily unavailable"
    error_of $s BGREWRITEAOF
    log_says $s "# Can't rewrite append only file in background: fork: Resource temporarily unavailable"
    is [regexp -all -line { # .*fork: } [log_of $s]] 2 ;# each once
}

case "the append log: rewritten, loaded, its end torn, its middle bad" {
    set s [server "appendonly yes"]
    for {set i 0} {$i < 5} {incr i} { ask $s SET k$i v }
    ask $s BGREWRITEAOF
    log_says $s "\\* Background append only file rewriting started by pid *" \
        "\\* Background AOF rewrite terminated with success" \
        "\\* Background AOF rewrite finished successfully"
    wait_for { expr {[info_of $s aof_rewrite_in_progress] == 0} }
    for {set i 5} {$i < 9} {incr i} { ask $s SET k$i v }
    set dir [of $s dir]
    stop $s term
    says [slurp $dir/log] "\\* Calling fsync() on the AOF file." "# Redis is now ready to exit"
    set s [server "appendonly yes" -dir $dir]
    set part [lindex [glob $dir/appendonlydir/*.incr.aof] end]
    says [log_of $s] "\\* Reading RDB base file on AOF loading..." \
        "\\* DB loaded from base file *.base.rdb: " "\\* DB loaded from incr file [file tail $part]: " \
        "\\* DB loaded from append only file: * seconds" "\\* Ready to accept connections"
    stop $s kill
    set whole [slurp $part]
    file delete {*}[glob -nocomplain $dir/.holdfast-data]
    spit $part [string range $whole 0 end-5]
    lassign [server "appendonly yes\naof-load-truncated no" -dir $dir -fails 1] code text
    is $code 1
    says $text "# Unexpected end of file reading the append only file *[file tail $part]"
    set s [server "appendonly yes" -dir $dir]
    says [log_of $s] "# !!! Warning: short read while loading the AOF file *[file tail $part] !!!" \
        "# AOF *[file tail $part] loaded anyway because aof-load-truncated is enabled" \
        "# !!! Truncating the AOF *[file tail $part] at offset * !!!" "\\* Ready to accept connections"
    stop $s kill
    spit $part [string map {k6 k~} $whole]
    lassign [server "appendonly yes" -dir $dir -fails 1] code text
    is $code 1
    says $text "# Bad file format reading the append only file *[file tail $part]"
}

case "a dump file with another beginning, without its end, with a flipped bit, of another time" {
    set dir [tmpdir]
    set whole REDIS0009\xfe\x00\x00\x01k\x01v\xff
    foreach {bytes want} [list \
        XEDIS[string range $whole 5 end] "# Wrong signature trying to load DB from file dump.rdb" \
        [string range $whole 0 12] "# Short read or OOM loading DB" \
        [string range $whole 0 end]abcdefgh "# Wrong RDB checksum" \
        REDIS0078[string range $whole 9 end] "# Can't handle RDB format version"] {
        spit $dir/dump.rdb $bytes
        lassign [server "" -dir $dir -fails 1] code text
        is $code 1
        says $text $want "# Fatal error loading the DB: dump.rdb: "
    }
}

case "clients closed for what they hold" {
    set s [server "client-output-buffer-limit normal 100kb 0 0\nclient-query-buffer-limit 1mb"]
    ask $s SET big [string repeat x 300000]
    set fd [connect $s]
    send $fd MGET big big big
    catch { read $fd }
    close $fd
    log_says $s "# Client id=* cmd=mget * scheduled to be closed ASAP for overcoming of output buffer limits"
    set fd [connect $s]
    catch { puts -nonewline $fd "*2\r\n\$3\r\nGET\r\n\$2000000\r\n[string repeat x 1900000]"; flush $fd }
    log_says $s "# Closing client that reached max query buffer length*: id=*"
    close $fd
    ask $s CONFIG SET client-query-buffer-limit 1gb maxmemory-clients 1mb
    set fd [connect $s]
    catch { puts -nonewline $fd "*2\r\n\$3\r\nGET\r\n\$4000000\r\n[string repeat x 3000000]"; flush $fd }
    log_says $s "\\* Evicting client: id=*"
    close $fd
}

finish
