# SPDX-License-Identifier: BSD-3-Clause
# Sources of the configuration, beyond what a line means: lines that add up, includes, what is
# refused because it would not act, what a rewritten file looks like to others.
source [file join [file dirname [info script]] lib.tcl]

# The configuration as it is now, but the port: the next server takes another.
proc text_of {s} { return [regsub -all -line {^port .*$} [slurp [of $s conf]] ""] }

# The values are those the installed 7.0.15 shows for the same lines and arguments.
case "save lines add up, in a file and behind it; an empty one takes back those before" {
    set quoted "save \"900 1\"\nsave \"300 10\""
    foreach {lines arguments want} {
        "" {--save "900 1" --save "300 10"} "900 1 300 10"
        quoted {} "900 1 300 10"
        quoted {--save "60 10"} "900 1 300 10 60 10"
        quoted {--save 60 10} "900 1 300 10 60 10"
        quoted {--save ""} ""
        "" {--save ''} ""
        "" {--save {""}} ""
        "" {--save} ""
        "" {--save "''" --save "1 2"} "1 2"
        "" {--save 60 10 300 5} "60 10 300 5"
        "" {--save " 60  10 "} "60 10"
        "save 1 2\nsave \"\"\nsave 3 4" {} "3 4"
        "save 1 2 3 4\nsave 5 6" {} "1 2 3 4 5 6"
        "save ''" {} ""
        "save" {} ""
        "" {} "3600 1 300 100 60 10000"
    } {
        if {$lines eq "quoted"} { set lines $quoted }
        set s [server $lines -args $arguments]
        is [ask $s CONFIG GET save] [list save $want]
        stop $s
    }
    set s [server $quoted]
    is [ask $s CONFIG SET save "5 6"] OK
    is [ask $s CONFIG GET save] {save {5 6}}
    error_of $s CONFIG SET save "7 8 9"
    is [ask $s CONFIG GET save] {save {5 6}}
    is [ask $s CONFIG REWRITE] OK
    set s [restart $s term [text_of $s]]
    is [ask $s CONFIG GET save] {save {5 6}}
    foreach arguments {{--save 60} {--save "60 10" "300 5"} {--save {"60 10"}}} {
        lassign [server "" -fails 1 -args $arguments] code text
        is $code 1
        like $text "*FATAL CONFIG FILE ERROR*Invalid save parameters*"
    }
}

case "lines that 7.2 passes over stop nothing, but they are no options" {
    set s [server "list-max-ziplist-entries 512\nlist-max-ziplist-value 64\nlua-replicate-commands yes"]
    is [ask $s CONFIG GET list-max-ziplist-value] {}
    like [error_of $s CONFIG SET lua-replicate-commands yes] "ERR Unknown option*"
    lassign [server "list-max-ziplist-entries 512 1" -fails 1] code text
    like $text "*Bad directive or wrong number of arguments*"
}

foreach name {quoted-save-lines old-lines-7.2-passes-over} {
    case "a file from the field starts a server: $name" {
        set s [server [slurp $root/fixtures/field/$name.conf]]
        if {$name eq "quoted-save-lines"} {
            is [ask $s CONFIG GET save] {save {900 1 300 10 60 10000}}
        }
    }
}

case "CONFIG REWRITE beside an include: read again, all is as it was" {
    set dir [tmpdir]
    spit $dir/part.conf "maxmemory 100mb\nsave 900 1\nsave 300 10\nrequirepass secret\nrename-command FLUSHALL \"\"\n"
    set text "save 60 5\nmaxmemory 50mb\ninclude $dir/part.conf\ntimeout 7"
    set s [server $text]
    ask $s AUTH secret
    is [ask $s CONFIG REWRITE] OK
    set before [slurp [of $s conf]]
    like $before "*\n$text\n*"
    is [ask $s CONFIG GET save] {save {60 5 900 1 300 10}}
    set all [ask $s CONFIG GET *]
    set s [restart $s term [text_of $s]]
    ask $s AUTH secret
    foreach {name value} [ask $s CONFIG GET *] {
        if {$name ne "port"} { is [list $name $value] [list $name [dict get $all $name]] }
    }
    is [ask $s CONFIG SET save "1 1" maxmemory 0 timeout 0 requirepass ""] OK
    is [ask $s CONFIG REWRITE] OK
    set s [restart $s term [text_of $s]]
    is [ask $s CONFIG GET save] {save {1 1}}
    is [ask $s CONFIG GET maxmemory] {maxmemory 0}
    is [ask $s CONFIG GET timeout] {timeout 0}
    is [ask $s CONFIG GET requirepass] {requirepass {}}
    like [error_of $s FLUSHALL] "ERR unknown command*"
    is [slurp $dir/part.conf] "maxmemory 100mb\nsave 900 1\nsave 300 10\nrequirepass secret\nrename-command FLUSHALL \"\"\n"
}

case "what follows an include on the command line is of the command line" {
    set dir [tmpdir]
    spit $dir/part.conf "timeout 7\nmaxmemory 50mb\n"
    set s [server "" -args [list --include $dir/part.conf --timeout 9]]
    is [ask $s CONFIG GET timeout] {timeout 9}
    is [ask $s CONFIG REWRITE] OK
    set s [restart $s term [text_of $s]]
    is [ask $s CONFIG GET timeout] {timeout 9}
    is [ask $s CONFIG GET maxmemory] {maxmemory 52428800}
}

case "CONFIG GET of many patterns gives each option once, a name as it was written" {
    set s [server]
    is [ask $s CONFIG GET MaxMemory maxmemory max*policy nosuch maxmemory-policy] \
        {MaxMemory 0 maxmemory-policy noeviction}
    set names {}
    foreach {name value} [ask $s CONFIG GET * *a* save port] { lappend names $name }
    is [llength $names] [llength [lsort -unique $names]]
}

# ---- files and who may read them ----
proc mode_of {path} { return [format %o [expr {[file attributes $path -permissions] & 0777}]] }

# A server under a umask.
proc masked {umask config args} {
    set script [file join [tmpdir] server.sh]
    spit $script "#!/bin/sh\numask $umask\nexec $::build/redis-server \"\$@\"\n"
    file attributes $script -permissions 0755
    return [server $config -binary $script {*}$args]
}

case "what is written has the mode that the umask leaves" {
    foreach {umask want} {002 664 077 600 022 644} {
        set s [masked $umask "appendonly yes\npidfile pid"]
        set dir [of $s dir]
        ask $s SET k v
        ask $s SAVE
        foreach path [concat $dir/dump.rdb $dir/log $dir/pid [glob $dir/appendonlydir/*]] {
            is [list $path [mode_of $path]] [list $path $want]
        }
        stop $s term
    }
}

case "a rewritten configuration keeps its mode: it may hold a password" {
    foreach mode {600 640 664} {
        set s [server "requirepass secret"]
        ask $s AUTH secret
        file attributes [of $s conf] -permissions 0$mode
        is [ask $s CONFIG SET timeout 5] OK
        is [ask $s CONFIG REWRITE] OK
        is [mode_of [of $s conf]] $mode
        like [slurp [of $s conf]] "*timeout 5*"
        stop $s
    }
}

# ---- what would not act ----
# The table of docs/options.md: names behind the heading of what is refused, of what is kept.
proc documented {heading} {
    set names {}
    set inside 0
    foreach line [split [slurp [file join $::root docs options.md]] \n] {
        if {[string match "## *" $line]} { set inside [string match "## $heading*" $line] }
        if {$inside && [regexp {^\| ((`[a-z_-]+`,? ?)+)} $line -> cell]} {
            foreach {-> name} [regexp -all -inline {`([a-z_-]+)`} $cell] { lappend names $name }
        }
    }
    return $names
}

set protects {
    cluster-enabled yes
    loadmodule /tmp/x.so
    sentinel "monitor x 127.0.0.1 1 2"
}

case "an option that protects is refused until it acts, at start and by CONFIG SET" {
    set s [server]
    foreach {name value} $protects {
        lassign [server "$name $value" -fails 1] code text
        is $code 1
        like $text "*FATAL CONFIG FILE ERROR*"
        truth {[string match "*$name*" $text] || [error "$name is not named: $text"]}
        lassign [server "" -fails 1 -args [list --$name {*}$value]] code text
        is $code 1
        like [error_of $s CONFIG SET $name $value] "ERR *'$name'*"
    }
    is [lsort [documented Refused]] [lsort -unique [dict keys $protects]]
    # what asks for nothing is no such request
    stop $s
    set s [server "replicaof no one\naclfile \"\"\ncluster-enabled yes" \
        -args {--cluster-enabled no}]
    is [ask $s CONFIG SET tls-cluster no tls-port 0] OK
}

case "what is kept without effect is what the documentation says" {
    set s [server]
    set text [slurp [file join $root redis.conf]]
    set later {}
    foreach line [split [string range $text [string first "# ---- Known, but not" $text] end] \n] {
        if {[regexp {^#([a-z][a-z0-9_-]*) } $line -> name]} { lappend later $name }
    }
    is [lsort [concat [documented Kept] [documented Refused]]] \
        [lsort [concat $later {loadmodule sentinel}]]
}

case "options of TLS are taken as they are while nothing asks for TLS" {
    foreach value {no optional yes} {
        set s [server "tls-auth-clients $value\ntls-cert-file /nowhere"]
        is [ask $s CONFIG GET tls-auth-clients] [list tls-auth-clients $value]
        foreach other {optional no yes} { is [ask $s CONFIG SET tls-auth-clients $other] OK }
        stop $s
        set s [server "" -args [list --tls-auth-clients $value]]
        stop $s
    }
}

case "a command renamed to its own name stays what it is" {
    foreach {from to} {CONFIG CONFIG get GET Config config} {
        set s [server "rename-command $from $to"]
        is [lindex [ask $s CONFIG GET port] 1] [of $s port]
        is [ask $s GET x] (nil)
        stop $s
        set s [server "" -args [list --rename-command $from $to]]
        is [ask $s GET x] (nil)
        stop $s
    }
    lassign [server "rename-command get set" -fails 1] code text
    like $text "*Target command name already exists*"
}

case "a command renamed to a long name is called by all of it" {
    set name [string repeat 0123456789abcdef 16]
    set s [server "rename-command get $name"]
    is [ask $s set x 1] OK
    is [ask $s $name x] 1
    is [ask $s [string toupper $name] x] 1
    like [error_of $s get x] "ERR unknown command*"
    like [error_of $s [string range $name 1 end] x] "ERR unknown command*"
    like [error_of $s [string range $name 1 end]f0 x] "ERR unknown command*"
    like [error_of $s "set\0x" x 2] "ERR unknown command*"
    stop $s
}

# ---- oom-score-adj ----
proc oom_of {pid} { return [string trim [slurp /proc/$pid/oom_score_adj]] }

case "oom-score-adj acts on the server and its children" {
    if {[file exists /proc/self/oom_score_adj]} {
        set base [oom_of self]
        set s [server "oom-score-adj yes\noom-score-adj-values 10 200 30\nrdb-key-save-delay 1000000"]
        set pid [of $s pid]
        is [oom_of $pid] [expr {$base + 10}]
        is [ask $s CONFIG GET oom-score-adj] {oom-score-adj yes}
        for {set i 0} {$i < 100} {incr i} { ask $s SET k$i v }
        ask $s BGSAVE
        wait_for {
            set child [string trim [slurp /proc/$pid/task/$pid/children]]
            expr {$child ne "" && [oom_of $child] eq $base + 30}
        }
        is [ask $s CONFIG SET oom-score-adj-values "20 200 30"] OK
        is [oom_of $pid] [expr {$base + 20}]
        is [ask $s CONFIG SET oom-score-adj absolute oom-score-adj-values "900 200 1000"] OK
        is [oom_of $pid] 900
        like [error_of $s CONFIG SET oom-score-adj-values "1 2 2001"] "*must be between*"
        is [oom_of $pid] 900
    }
}

finish
