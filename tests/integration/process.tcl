# SPDX-License-Identifier: BSD-3-Clause
# The process and the machine: what options about CPUs, huge pages, the allocator's thread, letters,
# warnings and the watchdog change is seen from outside.
source [file join [file dirname [info script]] lib.tcl]

proc status {pid field} {
    if {![regexp -line "^$field:\\s*(.*)$" [slurp /proc/$pid/status] -> value]} {
        error "no $field in the status of $pid"
    }
    return [string trim $value]
}
proc cpus_of {pid} { return [status $pid Cpus_allowed_list] }

# ---- CPUs ----
set all [cpus_of self]
set one [lindex [split $all ",-"] end]
set many [expr {$one ne $all}]

proc cpu_case {name body} {
    if {$::many} { uplevel 1 [list case $name $body] } else { puts "skipped: $name: one CPU" }
}

cpu_case "server_cpulist and bio_cpulist bind the server and its workers" {
    set s [server "server_cpulist $one\nappendonly yes"]
    is [cpus_of [of $s pid]] $one
    stop $s
    set s [server "bio_cpulist $one\nappendonly yes"]
    is [cpus_of [of $s pid]] $all
    ask $s SET a b
    wait_for {
        set bound 0
        foreach task [glob /proc/[of $s pid]/task/*] {
            if {![catch { slurp $task/status } text] && [regexp {Cpus_allowed_list:\s*(\S+)} $text -> list]} {
                incr bound [expr {$list eq $one}]
            }
        }
        expr {$bound > 0}
    }
}

foreach {option command busy} {
    bgsave_cpulist BGSAVE rdb_bgsave_in_progress
    aof_rewrite_cpulist BGREWRITEAOF aof_rewrite_in_progress
} {
    cpu_case "$option binds that child alone" {
        set s [held_server "$option $one"]
        ask $s SET a b
        ask $s $command
        wait_for { expr {[info_of $s $busy] == 1} }
        wait_for {
            set children [string trim [slurp /proc/[of $s pid]/task/[of $s pid]/children]]
            expr {[llength $children] == 1 && [cpus_of $children] eq $one}
        }
        is [cpus_of [of $s pid]] $all
        release $s
        wait_for { expr {[info_of $s $busy] == 0} }
        hold $s
        set other [expr {$command eq "BGSAVE" ? "BGREWRITEAOF" : "BGSAVE"}]
        ask $s $other
        wait_for {
            set children [string trim [slurp /proc/[of $s pid]/task/[of $s pid]/children]]
            expr {[llength $children] == 1}
        }
        is [cpus_of $children] $all
        release $s
    }
}

case "a list of CPUs that makes no sense is refused" {
    foreach option {bgsave_cpulist aof_rewrite_cpulist} {
        lassign [server "$option 1-x" -fails 1] code text
        is $code 1
        like $text "*not a list of CPUs*"
    }
}

# ---- memory ----
proc huge_kib {pid} {
    regexp {AnonHugePages: *(\d+) kB} [slurp /proc/$pid/smaps_rollup] -> kib
    return $kib
}

case "disable-thp: the process is given no huge pages, its children neither" {
    if {[regexp {THP_enabled} [slurp /proc/self/status]]} {
        # Since Linux 6.18 who asks for some may be let (a large backlog does): then that is 1.
        set s [server "save \"\"\nenable-debug-command yes"]
        ask $s DEBUG POPULATE 100000 key 100
        truth {[status [of $s pid] THP_enabled] == 0 || [huge_kib [of $s pid]] == 0}
        stop $s
        set s [server "disable-thp no"]
        is [status [of $s pid] THP_enabled] [status self THP_enabled]
    }
}

proc threads {pid} {
    set names {}
    foreach task [glob -nocomplain /proc/$pid/task/*] {
        if {![catch { slurp $task/comm } name]} { lappend names [string trim $name] }
    }
    return $names
}

case "jemalloc-bg-thread: the allocator's thread comes and goes" {
    if {!$sanitized} {
        set s [server]
        wait_for { expr {"jemalloc_bg_thd" in [threads [of $s pid]]} }
        is [ask $s CONFIG SET jemalloc-bg-thread no] OK
        wait_for { expr {"jemalloc_bg_thd" ni [threads [of $s pid]]} }
        is [ask $s CONFIG SET jemalloc-bg-thread yes] OK
        wait_for { expr {"jemalloc_bg_thd" in [threads [of $s pid]]} }
        ask $s SET a b
        is [ask $s SAVE] OK
        ask $s BGSAVE
        wait_for { expr {[info_of $s rdb_bgsave_in_progress] == 0} }
        is [info_of $s rdb_last_bgsave_status] ok
        stop $s
        set s [server "jemalloc-bg-thread no"]
        truth {"jemalloc_bg_thd" ni [threads [of $s pid]]}
    }
}

case "activedefrag: refused as where the allocator cannot, a file that has it starts" {
    set s [server "activedefrag yes"]
    like [log_of $s] "*# activedefrag is off: *"
    is [ask $s CONFIG GET activedefrag] {activedefrag no}
    like [error_of $s CONFIG SET activedefrag yes] \
        "ERR CONFIG SET failed*'activedefrag') - Active defragmentation cannot be enabled: *"
    is [ask $s CONFIG GET activedefrag] {activedefrag no}
    is [ask $s CONFIG SET activedefrag no] OK
}

proc buckets {s} {
    regexp {table size: (\d+)} [ask $s DEBUG HTSTATS 0] -> n
    return $n
}
case "activerehashing no: tables wait for whoever uses them" {
    set s [server "enable-debug-command yes\nactiverehashing no\nsave \"\""]
    ask $s DEBUG DICT-RESIZING 0
    for {set i 0} {$i < 60} {incr i} {
        set words MSET
        for {set k 0} {$k < 100} {incr k} { lappend words key:$i:$k v }
        ask $s {*}$words
    }
    set small [buckets $s]
    ask $s DEBUG DICT-RESIZING 1
    # ten ticks of tidying: what is done once a second has been done
    set ticks [info_of $s uptime_in_seconds]
    wait_for { expr {[info_of $s uptime_in_seconds] > $ticks + 3} }
    is [buckets $s] $small
    is [ask $s CONFIG SET activerehashing yes] OK
    wait_for { expr {[buckets $s] > $small} }
}

# ---- letters ----
case "locale-collate orders SORT ALPHA, not what is stored; a name that is none is refused" {
    set s [server]
    like [error_of $s CONFIG SET locale-collate no_SUCH] "ERR *'locale-collate') - Invalid locale name"
    is [ask $s CONFIG SET locale-collate C] OK
    stop $s
    lassign [server "locale-collate no_SUCH" -fails 1] code text
    is $code 1
    like $text "*Invalid locale name*"
    set dir [tmpdir]
    if {[catch { exec localedef -i en_US -f UTF-8 $dir/en_US.UTF-8 2>@1 } why] &&
        ![file exists $dir/en_US.UTF-8/LC_COLLATE]} {
        puts "skipped: no locale can be made: $why"
        return
    }
    set ::env(LOCPATH) $dir
    set s [server "locale-collate C"]
    unset ::env(LOCPATH)
    foreach word {b a B A \xc3\xa4 z ""} { ask $s RPUSH l $word }
    ask $s MSET w_b 2 w_a 3 w_B Z w_A y
    is [ask $s SORT l ALPHA] [list "" A B a b z \xc3\xa4]
    is [ask $s CONFIG SET locale-collate en_US.UTF-8] OK
    is [ask $s SORT l ALPHA] [list "" a A \xc3\xa4 b B z]
    is [ask $s SORT l ALPHA DESC LIMIT 0 2] {z B}
    is [ask $s SORT l ALPHA BY w_*] [list \xc3\xa4 z "" b a A B]
    ask $s SORT l ALPHA STORE to
    is [ask $s LRANGE to 0 -1] [list "" A B a b z \xc3\xa4]
    is [ask $s CONFIG SET locale-collate C] OK
    is [ask $s SORT l ALPHA] [list "" A B a b z \xc3\xa4]
}

# ---- warnings ----
case "what --check-system finds is warned of at start, unless ignored" {
    set code [run $build/redis-server --check-system]
    is [regexp -all -line {^\[[A-Za-z-]+\]\.\.\.(OK|skipped|WARNING:)$} $run_output] 4
    foreach name {slow-clocksource xen-clocksource overcommit THP} { like $run_output "*\\\[$name\\\]...*" }
    is $code [string match "*WARNING:*" $run_output]
    is [string match "*\\\[overcommit\\\]...WARNING:\nMemory overcommit must be enabled!*" $run_output] \
        [expr {[string trim [slurp /proc/sys/vm/overcommit_memory]] ne "1"}]
    set warns [expr {[string trim [slurp /proc/sys/vm/overcommit_memory]] ne "1"}]
    set s [server]
    is [string match "*# WARNING Memory overcommit must be enabled!*" [log_of $s]] $warns
    stop $s
    set s [server "ignore-warnings \"ARM64-COW-BUG overcommit\""]
    truth {![string match "*overcommit must be*" [log_of $s]]}
    is [ask $s CONFIG GET ignore-warnings] {ignore-warnings {ARM64-COW-BUG overcommit}}
}

case "event-loop: each of them serves" {
    set best [info_of [server] multiplexing_api]
    foreach name {io_uring epoll poll} {
        set dir [tmpdir]
        if {$name eq "io_uring" && $best ne $name} { ;# forbidden here, or an older kernel
            lassign [server "event-loop io_uring" -fails 1] code text
            like $text "*event-loop: io_uring is not to be had here*"
            continue
        }
        set s [server "event-loop $name\nappendonly yes\nappendfsync always" -dir $dir]
        is [info_of $s multiplexing_api] $name
        set waits [connect $s]
        send $waits BLPOP list 0
        set large [string repeat 0123456789 200000]
        set fds {}
        for {set i 0} {$i < 50} {incr i} {
            lappend fds [set fd [connect $s]]
            for {set k 0} {$k < 20} {incr k} { send $fd SET key:$i:$k value:$i:$k }
            send $fd GET key:$i:7
        }
        is [ask $s SET large $large] OK
        is [ask $s GET large] $large
        for {set i 0} {$i < 50} {incr i} {
            set fd [lindex $fds $i]
            for {set k 0} {$k < 20} {incr k} { is [read_reply $fd] OK }
            is [read_reply $fd] value:$i:7
            close $fd
        }
        is [ask $s RPUSH list x] 1
        is [read_reply $waits] {list x}
        wait_for { expr {[info_of $s connected_clients] == 2} }
        is [ask $s DBSIZE] 1001
        stop $s kill
        is [ask [server "appendonly yes" -dir $dir] DBSIZE] 1001
    }
    lassign [server "event-loop kqueue" -fails 1] code text
    like $text "*argument(s) must be one of the following: auto, io_uring, epoll, poll*"
}

case "--test-memory: so many megabytes, so many times" {
    is [run $build/redis-server --test-memory 4 2] 0
    like $run_output "Testing 4 megabytes\nPass 1 of 2: addresses random solid checkerboard ok\nPass 2 of 2:*ok\n*Your memory passed this test.*"
    foreach words {{} 0 -1 x {1 x} {1 0} {1 2 3} 99999999999999999999} {
        is [run $build/redis-server --test-memory {*}$words] 1
        like $run_output "Please specify the amount of memory to test in megabytes*"
    }
    if {!$sanitized} { ;# which take more room than that before they begin
        is [run sh -c "ulimit -v 200000; exec $build/redis-server --test-memory 100000 1"] 1
        like $run_output "Unable to allocate 100000 megabytes: *"
    }
}

# ---- the logo ----
case "always-show-logo: a picture with version, mode, port and process; else a line" {
    set s [server "always-show-logo yes"]
    set text [log_of $s]
    like $text "*Holdfast, like Redis 7.2.*Running in standalone mode*Port: [of $s port]*PID: [of $s pid]*"
    truth {![string match "*Running mode=*" $text]}
    stop $s
    set s [server]
    like [log_of $s] "*Running mode=standalone, port=[of $s port].*"
    truth {![string match "*Port: *" [log_of $s]]}
    stop $s
    # to a terminal
    if {[auto_execok script] ne ""} {
        started_by_hand t [set dir [tmpdir]] {
            exec script -qfec "$build/redis-server --port $port --dir $dir" /dev/null >& $dir/said </dev/null &
        }
        like [slurp $dir/said] "*Holdfast, like Redis*Port: $port*"
        catch { ask t SHUTDOWN NOSAVE }
    }
}

# ---- the watchdog ----
case "watchdog-period: a turn that takes too long leaves its stack in the log" {
    if {!$sanitized} {
        set s [server "enable-debug-command yes"]
        is [ask $s CONFIG GET watchdog-period] {watchdog-period 0}
        is [dict exists [ask $s CONFIG GET *] watchdog-period] 0
        is [ask $s CONFIG SET watchdog-period 10] OK
        is [ask $s CONFIG GET watchdog-period] {watchdog-period 200} ;# two ticks at hz 10
        is [ask $s DEBUG SLEEP 1.5] OK
        like [log_of $s] "*--- WATCHDOG TIMER EXPIRED ---*EIP:*nanosleep*Backtrace:*exec_command*--------*"
        is [ask $s CONFIG SET watchdog-period 0] OK
        set from [string length [log_of $s]]
        is [ask $s DEBUG SLEEP 0.7] OK
        truth {![string match "*WATCHDOG*" [string range [log_of $s] $from end]]}
        signal ALRM [of $s pid]
        is [ask $s PING] PONG
    }
}

finish
