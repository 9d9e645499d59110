# SPDX-License-Identifier: BSD-3-Clause
# Starting, stopping, configuration, command lines.
source [file join [file dirname [info script]] lib.tcl]

set server_binary [file join $build redis-server]

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
    set port [free_port]
    set pid [exec sh -c "printf 'port 1\\nmaxclients 77\\ndatabases 3\\nbind 127.0.0.1\\n' |\
        exec $server_binary - --port $port --databases 5 --dir $dir --save '' --appendonly no\
        >$dir/out 2>&1" &]
    set servers(x) [dict create pid $pid port $port dir $dir conf "" log_from 0]
    truth {[wait_up x]}
    is [ask x CONFIG GET databases] {databases 5}
    is [ask x CONFIG GET maxclients] {maxclients 77}
    is [ask x CONFIG GET save] {save {}}
    catch { ask x SHUTDOWN NOSAVE }
    wait_for { expr {![alive $pid]} }
    unset servers(x)
}

case "a value on the command line may begin with two dashes; save may have none" {
    set dir [tmpdir]
    set port [free_port]
    set pid [exec $server_binary --requirepass --a --save --maxclients 78 --port $port \
        --dir $dir >$dir/out 2>@1 &]
    set servers(x) [dict create pid $pid port $port dir $dir conf "" log_from 0]
    truth {[wait_up x]}
    is [ask x AUTH --a] OK
    is [ask x CONFIG GET maxclients] {maxclients 78}
    is [ask x CONFIG GET save] {save {}}
    catch { ask x SHUTDOWN NOSAVE }
    wait_for { expr {![alive $pid]} }
    unset servers(x)
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
        lassign [server $line -fails 1] code text
        is $code 1
        like $text "*>>> '$line'*argument must be between*"
    }
    foreach {line why} {"notify-keyspace-events KZ" "Invalid event class character"
        "oom-score-adj-values 1" "wrong number of arguments"
        "replicaof 127.0.0.1" "wrong number of arguments"} {
        lassign [server $line -fails 1] code text
        is $code 1
        like $text "*>>> '$line'*$why*"
    }
    set s [server "oom-score-adj-values 1 2 3\nreplicaof no one\nnotify-keyspace-events KEA"]
    is [ask $s CONFIG GET oom-score-adj-values] {oom-score-adj-values {1 2 3}}
    is [ask $s CONFIG SET oom-score-adj-values "1 2 4"] OK
}

case "every option of 7.2 is known by name" {
    set facts [file join $shared .. facts config-7.2.tsv]
    if {![file exists $facts]} return
    set s [server]
    foreach line [split [string trim [slurp $facts]] \n] {
        set name [lindex [split $line \t] 0]
        truth {[llength [ask $s CONFIG GET $name]] == 2 || [error "unknown: $name"]}
    }
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
            exec kill -$signal [of $s pid]
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
    exec kill -TERM [of $s pid]
    wait_for { string match "*can't exit*" [log_of $s] }
    is [ask $s GET a] 1
    is [error_of $s SHUTDOWN] "ERR Errors trying to SHUTDOWN. Check logs."
    ask $s CONFIG SET shutdown-on-sigterm force
    exec kill -TERM [of $s pid]
    wait_for { expr {![alive [of $s pid]]} }
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
    set port [free_port]
    is [run $server_binary --port $port --bind 127.0.0.1 --daemonize yes --dir $dir \
        --pidfile $dir/p] 0
    wait_for { expr {[string trim [slurp $dir/p]] ne ""} }
    set servers(d) [dict create pid [string trim [slurp $dir/p]] port $port dir $dir conf "" \
        log_from 0]
    truth {[wait_up d]}
    is [ask d PING] PONG
    stop d term
}

case "a crash leaves a report with stack and state" {
    if {!$sanitized} {
        foreach {way sign} {SEGFAULT SIGSEGV ASSERT "DEBUG ASSERT was asked for"} {
            set s [server "enable-debug-command yes"]
            catch { ask $s DEBUG $way }
            wait_for { expr {![alive [of $s pid]]} }
            set text [log_of $s]
            like $text "*CRASH REPORT*"
            like $text "*$sign*"
            like $text "*exec_command*"
            like $text "*running 'debug' of client*"
            stop $s kill
        }
    }
}

case "crash-log-enabled no leaves none" {
    if {!$sanitized} {
        set s [server "enable-debug-command yes\ncrash-log-enabled no"]
        catch { ask $s DEBUG SEGFAULT }
        wait_for { expr {![alive [of $s pid]]} }
        truth {![string match "*CRASH REPORT*" [log_of $s]]}
        stop $s kill
    }
}

case "a dump file that is a pipe is refused, not waited for" {
    set dir [tmpdir]
    exec mkfifo $dir/dump.rdb
    lassign [server "" -dir $dir -fails 1] code text
    is $code 1
    like $text "*dump.rdb is a pipe, not a file*"
}

finish
