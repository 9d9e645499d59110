# SPDX-License-Identifier: BSD-3-Clause
# Starting, stopping, configuration, command lines.
source [file join [file dirname [info script]] lib.tcl]

set server_binary [file join $build redis-server]

# Such a line of the configuration ends the start, with exit code 1 and what is like this.
proc refuses {line pattern} {
    lassign [server $line -fails 1] code text
    is $code 1
    like $text $pattern
}

case "a bad line in the configuration names line and reason, exit code 1" {
    lassign [server "maxclients 100\nno-such-option yes" -fails 1] code text
    is $code 1
    like $text "*no-such-option*"
    like $text "*6*"
}

case "a bad value on the command line is refused" {
    is [run $server_binary --port abc] 1
    like $run_output "*port*"
    is [run $server_binary --databases] 1
    is [run $server_binary --databases 0] 1
}

case "--version and --help" {
    is [run $server_binary --version] 0
    like $run_output "*v=7.2*"
    is [run $server_binary -v] 0
    is [run $server_binary -v x] 0
    is [run $server_binary --help] 1
    like $run_output "redis-server *--port 7000*--check-rdb*--help*"
    is [run $server_binary -h] 1
}

case "configuration from standard input and arguments, the last one wins" {
    set dir [tmpdir]
    started_by_hand x $dir {
        lindex [exec printf {port 1\nmaxclients 77\ndatabases 3\nbind 127.0.0.1\n} | \
            $server_binary - --port $port --databases 5 --dir $dir --save "" --appendonly no \
            >$dir/said 2>@1 &] end
    }
    truth {[wait_up x]}
    is [ask x CONFIG GET databases] {databases 5}
    is [ask x CONFIG GET maxclients] {maxclients 77}
    is [ask x CONFIG GET save] {save {}}
    stop x NOSAVE
}

case "a value on the command line may begin with two dashes; save may have none" {
    set dir [tmpdir]
    started_by_hand x $dir {
        exec $server_binary --requirepass --a --save --maxclients 78 --port $port \
            --dir $dir >$dir/said 2>@1 &
    }
    truth {[wait_up x]}
    is [ask x AUTH --a] OK
    is [ask x CONFIG GET maxclients] {maxclients 78}
    is [ask x CONFIG GET save] {save {}}
    stop x NOSAVE
}

case "include, and options with quotes" {
    set dir [tmpdir]
    spit $dir/more.conf "maxclients 33\n# a comment\nrequirepass \"a b\\x21\"\n"
    set s [server "include $dir/more.conf\nmaxmemory 100mb" -dir $dir]
    is [ask $s AUTH "a b!"] OK
    is [ask $s CONFIG GET maxclients] {maxclients 33}
    is [ask $s CONFIG GET maxmemory] {maxmemory 104857600}
}

case "CONFIG REWRITE keeps comments and order" {
    set dir [tmpdir]
    set s [server "# first comment\nmaxclients 50\n\n# about save\nsave 900 1\nsave 60 10" \
        -dir $dir]
    is [ask $s CONFIG GET save] {save {900 1 60 10}}
    is [ask $s CONFIG SET maxclients 60 save "30 3"] OK
    is [ask $s CONFIG REWRITE] OK
    set text [slurp $dir/redis.conf]
    like $text "*# first comment\nmaxclients 60*# about save\nsave 30 3*"
    truth {![string match "*save 900*" $text]}
    regsub -line -all {^(port|bind|dir|logfile) .*$} $text "" kept
    spit $dir/kept.conf $kept
    set s [restart $s term "include $dir/kept.conf"]
    is [ask $s CONFIG GET maxclients] {maxclients 60}
    is [ask $s CONFIG GET save] {save {30 3}}
}

case "CONFIG SET of several is all or nothing" {
    set s [server]
    like [error_of $s CONFIG SET maxclients 55 hz abc] \
        "ERR CONFIG SET failed (possibly related to argument 'hz')*"
    is [ask $s CONFIG GET maxclients] {maxclients 10000}
    like [error_of $s CONFIG SET port] "ERR wrong number of arguments*"
    like [error_of $s CONFIG SET nonesuch 1] \
        "ERR Unknown option or number of arguments for CONFIG SET*"
}

case "options that do not act yet have bounds, too" {
    foreach line {"io-threads 0" "io-threads 129" "slowlog-max-len -1" "repl-backlog-size 0"
        "replica-priority -1" "tls-port 65536" "active-defrag-cycle-max 100"} {
        refuses $line "*>>> '$line'*argument must be between*"
    }
    foreach {line why} {"notify-keyspace-events KZ" "Invalid event class character"
        "oom-score-adj-values 1" "wrong number of arguments"
        "replicaof 127.0.0.1" "wrong number of arguments"} {
        refuses $line "*>>> '$line'*$why*"
    }
    set s [server "oom-score-adj-values 1 2 3\nreplicaof no one\nnotify-keyspace-events KEA"]
    is [ask $s CONFIG GET oom-score-adj-values] {oom-score-adj-values {1 2 3}}
    is [ask $s CONFIG SET oom-score-adj-values "1 2 4"] OK
}

case "a line that is no user's is refused with its place and its reason" {
    foreach {line why} {"user" "Bad directive or wrong number of arguments"
        "user bob frobnicate" "Error in user declaration 'bob': Syntax error"
        "user bob (secret)" "Error in user declaration 'bob': Syntax error"
        "usr bob >x" "Bad directive or wrong number of arguments"
        "user bob on >x +@nosuch" "'+@nosuch': Unknown command or category name in ACL"
        "user bob (+get ~a" "Unmatched parenthesis in acl selector"
        "user \"b b\" on" "Spaces not allowed in ACL usernames"} {
        # up to where a password may stand, or one whose sign was forgotten
        set shown [dict get {user "'user'" usr "'usr bob' (more)"} [lindex [split $line] 0]]
        if {$line ne "user" && $shown eq "'user'"} { append shown " (more)" }
        refuses $line "*at line 5\n>>> $shown\n*$why*"
    }
    set open "user default on nopass ~* &* +@all"
    lassign [server "$open\nuser default on" -fails 1] code text
    is $code 1
    like $text "*at line 6\n>>> 'user' (more)\n*'default': Duplicate user found*"
}

case "what cannot be had is refused, not passed over" {
    foreach {line why} {"loadmodule" "Bad directive or wrong number of arguments"
        "loadmodule /tmp/x.so a" "Can't load module from /tmp/x.so: modules are not supported"
        "sentinel monitor x 127.0.0.1 1 2" "sentinel directive while not in sentinel mode"} {
        refuses $line "*at line 5\n>>> '$line'\n*$why*"
    }
}

case "a directory with blanks and quotes in its name is set, put back, rewritten and read again" {
    set s [server "enable-protected-configs yes"]
    set odd [file join [of $s dir] "a  \"b"]
    file mkdir $odd
    is [ask $s CONFIG SET dir $odd] OK
    is [ask $s CONFIG GET dir] [list dir $odd]
    like [error_of $s CONFIG SET dir /tmp maxclients x] "ERR CONFIG SET failed*"
    is [ask $s CONFIG GET dir] [list dir $odd]
    is [ask $s CONFIG REWRITE] OK
    spit $odd/more.conf [slurp [of $s conf]]
    is [run $server_binary $odd/more.conf --port [of $s port] --daemonize no] 1
    like [slurp [of $s dir]/log] "*Address already in use*"
    is [exec grep -c ^dir [of $s conf]] 1
    stop $s
}

case "one word of a line may hold all words of an option" {
    set s [server "bind \"127.0.0.1 -::1\"\nshutdown-on-sigterm \"save now\"\nreplicaof \"no one\""]
    is [ask $s CONFIG GET bind] {bind {127.0.0.1 -::1}}
    is [ask $s CONFIG GET shutdown-on-sigterm] {shutdown-on-sigterm {save now}}
    is [ask $s CONFIG GET replicaof] {replicaof {}}
    is [ask $s CONFIG REWRITE] OK
    truth {![string match "*replicaof*" [slurp [of $s conf]]]}
}

case "as many databases as may be named cost nothing until they are used" {
    set config "databases 2147483647\nsave \"\"\nappendonly yes\nenable-debug-command yes"
    set s [server $config]
    set last 2147483646
    ask $s SELECT $last
    ask $s SET k last
    like [error_of $s SELECT 2147483647] "ERR DB index is out of range"
    is [ask $s SWAPDB $last 7] OK
    is [ask $s MOVE k 3] 0
    ask $s SELECT 7
    is [ask $s GET k] last
    is [ask $s COPY k other DB 100000] 1
    is [ask $s MOVE k 5] 1
    like [ask $s INFO keyspace] "*db5:keys=1,*db100000:keys=1,*"
    set digest [ask $s DEBUG DIGEST]
    is [ask $s DEBUG RELOAD] OK
    is [ask $s DEBUG DIGEST] $digest
    truth {[info_of $s used_memory] < 20000000}
    set s [restart $s kill $config]
    is [ask $s DEBUG DIGEST] $digest
    is [ask $s FLUSHALL] OK
    is [ask $s INFO keyspace] "# Keyspace\r\n"
}

case "SIGTERM saves and exits 0, the data is back" {
    set s [server "save 3600 1"]
    ask $s SET k v
    set s [restart $s term "save 3600 1"]
    is [ask $s GET k] v
    like [slurp [of $s dir]/log] "*SIGTERM*"
}

foreach {signal option} {TERM shutdown-on-sigterm INT shutdown-on-sigint} {
    case "SIG$signal does what $option says" {
        set s [server "save \"\""]
        foreach words {default save nosave {save now force}} {
            if {$words eq "nosave"} { ask $s CONFIG SET save "3600 1" }
            is [ask $s CONFIG SET $option $words] OK
            is [lindex [ask $s CONFIG GET $option] 1] $words
            ask $s SET at $words
            signal $signal [of $s pid]
            wait_for { expr {![alive [of $s pid]]} }
            set s [restart $s kill "save \"\""]
            is [ask $s GET at] [dict get {default (nil) save save nosave save
                {save now force} {save now force}} $words]
        }
    }
}

case "a signal whose save fails stops the server only with force" {
    set s [server "save \"3600 1\""]
    set dir [of $s dir]
    ask $s SET a 1
    file mkdir $dir/dump.rdb
    signal TERM [of $s pid]
    wait_for { string match "*can't exit*" [log_of $s] }
    is [ask $s GET a] 1
    is [error_of $s SHUTDOWN] "ERR Errors trying to SHUTDOWN. Check logs."
    ask $s CONFIG SET shutdown-on-sigterm force
    signal TERM [of $s pid]
    wait_for { expr {![alive [of $s pid]]} }
}

# ---- the last save on a signal ----

# A server whose exit code can be asked for: exit_code of what it returns waits for its end.
proc start_piped {handle config {dir ""}} {
    if {$dir eq ""} { set dir [tmpdir] }
    spit $dir/redis.conf "bind 127.0.0.1\ndir \"$dir\"\nlogfile \"$dir/said\"\n$config\n"
    started_by_hand $handle $dir {
        set chan [open "|$::server_binary $dir/redis.conf --port $port 2>@1" r]
        pid $chan
    }
    return $chan
}
proc exit_code {chan} {
    if {![catch { close $chan } text options]} { return 0 }
    set error [dict get $options -errorcode]
    return [expr {[lindex $error 0] eq "CHILDSTATUS" ? [lindex $error 2] : $text}]
}

foreach signal {INT TERM} {
    case "SIG$signal: with save points it saves, and exits 0" {
        set chan [start_piped x "save \"3600 1\""]
        truth {[wait_up x]}
        ask x SET k $signal
        signal $signal [of x pid]
        wait_for { expr {![alive [of x pid]]} }
        is [exit_code $chan] 0
        like [slurp [of x dir]/said] "*Received SIG$signal scheduling shutdown...*"
        set s [server "" -dir [of x dir]]
        is [ask $s GET k] $signal
    }

    # What was saved last is what counts.
    case "a SIGINT while the last save of SIG$signal runs ends it at once, exit code 1" {
        set chan [start_piped x "save \"3600 1\"\nenable-debug-command yes"]
        truth {[wait_up x]}
        set dir [of x dir]
        ask x SET k old
        ask x SAVE
        ask x DEBUG POPULATE 200
        ask x SET k new
        ask x CONFIG SET rdb-key-save-delay 2000000000
        signal $signal [of x pid]
        wait_for { llength [glob -nocomplain $dir/temp-*.rdb] }
        if {$signal eq "TERM"} {
            signal TERM [of x pid]
            after 200 ;# the longer, the likelier is what must not come
            truth {[alive [of x pid]]}
        }
        signal INT [of x pid]
        wait_for { expr {![alive [of x pid]]} }
        is [exit_code $chan] 1
        set s [server "" -dir $dir]
        is [ask $s GET k] old
        is [glob -nocomplain $dir/temp-*.rdb] {}
    }
}

case "SIGINT after a SIGTERM that came to nothing is a first one" {
    set s [server "save \"3600 1\""]
    ask $s SET a 1
    file mkdir [of $s dir]/dump.rdb
    foreach count {1 2 3} {
        signal INT [of $s pid]
        wait_for { expr {[regexp -all {The server goes on} [log_of $s]] == $count} }
        is [ask $s GET a] 1
    }
}

# ---- stopping while loading ----

foreach {what name config} {
    "a dump file" dump.rdb "save \"3600 1\""
    "an append log" appendonly.aof "appendonly yes\naof-checksum no"
} {
    case "asked to stop while it loads $what: it does, exit code 0, and nothing is cut or saved" {
        set dir [tmpdir]
        set s [server "enable-debug-command yes\nsave \"\"" -dir $dir]
        if {$name eq "dump.rdb"} {
            ask $s DEBUG POPULATE 1000000 k 100
            ask $s SAVE
            set path $dir/dump.rdb
            stop $s kill
        } else {
            stop $s kill
            stop [server $config -dir $dir] kill
            set path $dir/appendonlydir/appendonly.aof.1.incr.aof
            set f [open $path ab]
            puts -nonewline $f [encode {SELECT 0}][string repeat [encode {INCR n}] 2000000]
            puts -nonewline $f "*2\r\n" ;# torn: a start that comes to the end cuts this
            close $f
        }
        set before [list [file size $path] [file mtime $path]]
        foreach how {TERM INT SHUTDOWN} {
            set chan [loading_server x $dir $config]
            if {$how ne "SHUTDOWN"} {
                signal $how [of x pid]
            } else {
                catch { ask x SHUTDOWN NOSAVE }
            }
            wait_for { expr {![alive [of x pid]]} }
            is [exit_code $chan] 0
            set said [slurp $dir/said]
            like $said "*Redis is now ready to exit, bye bye...*"
            truth {![string match "*Ready to accept*" $said]}
            is [list [file size $path] [file mtime $path]] $before
            # it did not even think of it
            truth {![regexp {not touched|runcated} $said]}
            stop x
        }
        set s [server $config -dir $dir]
        if {$name eq "dump.rdb"} { is [ask $s DBSIZE] 1000000 } else { is [ask $s GET n] 2000000 }
    }
}

# ---- the title ----

proc title_of {s} {
    return [string trim [string map [list \x00 " "] [slurp /proc/[of $s pid]/cmdline]]]
}

case "the process title: as the template says, when it, bind or port is set, too" {
    set s [server]
    set port [of $s port]
    is [title_of $s] "$server_binary 127.0.0.1:$port"
    is [ask $s CONFIG SET proc-title-template "my {port}|{unixsocket}|{server-mode}|{config-file}"] OK
    is [title_of $s] "my $port|||[of $s conf]"
    is [error_of $s CONFIG SET proc-title-template "{title} {nonesuch}"] "ERR CONFIG SET failed\
        (possibly related to argument 'proc-title-template') - template format is invalid or\
        contains unknown variables"
    is [title_of $s] "my $port|||[of $s conf]"
    is [ask $s CONFIG SET proc-title-template "{title} at {listen-addr}"] OK
    is [ask $s CONFIG SET bind "127.0.0.2 127.0.0.1"] OK
    is [title_of $s] "$server_binary at 127.0.0.2:$port"
    set new [port_set $s]
    is [title_of $s] "$server_binary at 127.0.0.2:$new"
    # there is no more room than arguments and environment had
    is [ask $s CONFIG SET proc-title-template [string repeat x 1000000]] OK
    truth {[regexp {^x+$} [title_of $s]]}
    is [ask $s CONFIG SET proc-title-template short] OK
    is [title_of $s] short
}

case "set-proc-title no: the title stays the command line" {
    set s [server "set-proc-title no\nproc-title-template kept-{title}"]
    is [title_of $s] "$server_binary [of $s conf]"
    ask $s CONFIG SET proc-title-template other
    is [title_of $s] "$server_binary [of $s conf]"
}

case "a pid file comes and goes" {
    set dir [tmpdir]
    set s [server "pidfile $dir/the.pid" -dir $dir]
    is [string trim [slurp $dir/the.pid]] [of $s pid]
    stop $s term
    truth {![file exists $dir/the.pid]}
}

case "a unix socket with its permissions" {
    set dir [tmpdir]
    set s [server "unixsocket $dir/sock\nunixsocketperm 700" -dir $dir]
    is [file type $dir/sock] socket
    file stat $dir/sock it
    is [expr {$it(mode) & 0777}] [expr {0700}]
    is [exec redis-cli -s $dir/sock SET a b] OK
    is [exec redis-cli -s $dir/sock GET a] b
}

case "a taken port is a clear error" {
    set s [server]
    is [run $server_binary --port [of $s port] --bind 127.0.0.1] 1
    like $run_output "*Could not create server TCP listening socket*Address already in use*"
}

case "maxclients answers its error" {
    set s [server "maxclients 3"]
    ask $s PING
    set a [connect $s]
    set b [connect $s]
    request $a PING
    request $b PING
    set c [connect $s]
    is [gets $c] "-ERR max number of clients reached\r"
    close $a
    wait_for { expr {[info_of $s connected_clients] == 2} }
    set d [connect $s]
    is [request $d PING] PONG
}

case "a second server in the same directory without shared state" {
    set a [server]
    set b [server]
    ask $a SET k 1
    is [ask $b GET k] (nil)
}

case "daemonize leaves a server behind" {
    set dir [tmpdir]
    started_by_hand d $dir {
        is [run $server_binary --port $port --bind 127.0.0.1 --daemonize yes --dir $dir \
            --pidfile $dir/p --logfile $dir/said] 0
        wait_for { expr {[string trim [slurp $dir/p]] ne "" || [was_taken [slurp $dir/said]]} }
        string trim [slurp $dir/p]
    }
    truth {[wait_up d]}
    is [ask d PING] PONG
    stop d term
}

case "a dump file that is a pipe is refused, not waited for" {
    set dir [tmpdir]
    exec mkfifo $dir/dump.rdb
    lassign [server "" -dir $dir -fails 1] code text
    is $code 1
    like $text "*dump.rdb is a pipe, not a file*"
}

finish
