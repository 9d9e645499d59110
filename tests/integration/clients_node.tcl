# SPDX-License-Identifier: BSD-3-Clause
# Client libraries of node as their users have them (tests/clients): what they offer, case by case,
# and queues of ten thousand jobs whose workers and server are killed. Usually with Debian's
# node-redis; with LONG=1 also with those that npm brings, into the build folder. SERVER=path: to
# that server instead of ours.
source [file join [file dirname [info script]] lib.tcl]

set jobs 10000
set programs [file join $root tests clients]
set binary [expr {[info exists env(SERVER)] ? $env(SERVER) : [file join $build redis-server]}]

# As many rows as there are libraries: name, suite, where modules are, module, options.
proc debian_libraries {} {
    if {[file exists /usr/share/nodejs/redis]} {
        return [list {"node-redis of Debian" node_redis.js /usr/share/nodejs redis {{}}}]
    }
    puts "skipped: Debian's node-redis is not installed: make test-deps"
    return {}
}

# Into the build folder, when the list has changed.
proc npm_install {} {
    set folder [file join $::build clients]
    set lock [file join $::programs package-lock.json]
    file mkdir $folder
    if {[slurp $folder/installed] eq [slurp $lock]} { return $folder/node_modules }
    foreach name {package.json package-lock.json} {
        spit $folder/$name [slurp [file join $::programs $name]]
    }
    if {[run timeout 300 npm ci --prefix $folder --ignore-scripts --no-audit --no-fund]} {
        puts "skipped: npm brings no packages: [shown $::run_output]"
        return ""
    }
    spit $folder/installed [slurp $lock]
    return $folder/node_modules
}

proc npm_libraries {} {
    if {[auto_execok npm] eq ""} { puts "skipped: no npm"; return {} }
    set modules [npm_install]
    if {$modules eq ""} { return {} }
    return [lmap row {
        {"ioredis 5" ioredis.js ioredis5 {{}}}
        {"ioredis, RESP2" ioredis.js ioredis {{"protocol":2}}}
        {"ioredis, RESP3" ioredis.js ioredis {{"protocol":3}}}
        {"node-redis, RESP2" node_redis.js redis {{"RESP":2}}}
        {"node-redis, RESP3" node_redis.js redis {{"RESP":3}}}
    } { linsert $row 2 $modules }]
}

proc node {library program args} {
    lassign $library - - modules module options
    return [list env NODE_PATH=$modules node [file join $::programs $program] {*}$args]
}
proc arguments {library s} { list [of $s port] [lindex $library 3] [lindex $library 4] }

# ---- queues ----

proc in_background {dir command} {
    return [exec {*}$command >>$dir/out 2>>$dir/err </dev/null &]
}
proc queue_role {library queue s role args} {
    return [node $library $queue $role {*}[arguments $library $s] {*}$args]
}

# Times that word stands in the journal.
proc journal_count {dir word} { regexp -all -line "^$word " [slurp $dir/journal] }

proc stream_is_empty {s} {
    if {[lindex [ask $s XPENDING jobs workers] 0] != 0} { return 0 }
    return [expr {[ask $s XLEN jobs] == 0}]
}
proc lists_are_empty {s} {
    foreach list {waiting hand:one hand:two} { if {[ask $s LLEN $list]} { return 0 } }
    return 1
}
proc bull_is_empty {s} {
    foreach list {wait active paused} { if {[ask $s LLEN bull:jobs:$list]} { return 0 } }
    foreach set {prioritized delayed} { if {[ask $s ZCARD bull:jobs:$set]} { return 0 } }
    return 1
}
set is_empty [dict create queue_bull.js bull_is_empty queue_stream.js stream_is_empty queue_list.js lists_are_empty]

proc living {pids dir} {
    foreach pid $pids {
        if {![alive $pid]} { error "a worker has ended: [slurp $dir/err]" }
    }
}

# Until the journal has that many words, or the queue is empty behind all jobs.
proc wait_for_jobs {dir pids word n} {
    if {[catch { wait_for { living $pids $dir; expr {[journal_count $dir $word] >= $n} } } why]} {
        set counts [lmap w {start done over taken held} { list $w [journal_count $dir $w] }]
        error "$why\n$counts\n[string range [slurp $dir/journal] end-400 end]"
    }
}
proc wait_for_end {s queue dir pids adder} {
    wait_for { living $pids $dir; expr {![alive $adder]} }
    is "[slurp $dir/out][slurp $dir/err]" "added\n"
    wait_for { living $pids $dir; expr {![catch { [dict get $::is_empty $queue] $s } yes] && $yes} }
    # who has got the reply writes it down
    wait_for_jobs $dir $pids done $::jobs
}

# Ends the workers and judges what they have written.
proc judged {library dir pids} {
    foreach pid $pids { signal KILL $pid }
    foreach pid $pids { wait_for { expr {![alive $pid]} } }
    set code [run {*}[node $library queue_journal.js $dir/journal $::jobs]]
    if {$code} { error "the journal is not that of a sound queue: $::run_output" }
    puts "figures: $::run_output"
    if {![regexp {, (\d+) done} $::run_output -> twice]} { error $::run_output }
    return $twice
}

# What is started in body is ended with it.
proc with_workers {pids_name body} {
    upvar 1 $pids_name pids
    set pids {}
    set code [catch { uplevel 1 $body } result options]
    foreach pid $pids { catch { signal KILL $pid } }
    return -options $options $result
}

# On the same port, where the workers look for it.
proc kill_and_start {s} {
    signal KILL [of $s pid]
    wait_for { expr {![alive [of $s pid]]} }
    disconnect $s
    set dir [of $s dir]
    set pid [exec $::binary [of $s conf] >>$dir/stdout 2>>$dir/stderr </dev/null &]
    dict set ::servers($s) pid $pid
    truth {[wait_up $s]}
}

proc start_queue {first second queue s dir hold pids_name} {
    upvar 1 $pids_name pids
    if {$queue eq "queue_stream.js"} { ask $s XGROUP CREATE jobs workers 0 MKSTREAM }
    foreach {library name} [list $first one $second two] {
        set command [queue_role $library $queue $s work $dir/journal $name {*}$hold]
        lappend pids [in_background $dir $command]
    }
    lappend pids [in_background $dir [queue_role $first $queue $s add $::jobs]]
}

proc killed_worker {first second queue} {
    set dir [tmpdir]
    set s [server "" -binary $::binary]
    with_workers pids {
        start_queue $first $second $queue $s $dir [expr {$::jobs / 3}] pids
        lassign $pids one two adder
        wait_for_jobs $dir [list $one $two] held 1
        regexp -line {^held - (\w+)} [slurp $dir/journal] -> held
        if {$held eq "two"} { lassign [list $two $one] one two }
        signal KILL $one
        wait_for_end $s $queue $dir $two $adder
        truth {[judged $first $dir $two] > 0}
    }
}

proc killed_server {first second queue} {
    set dir [tmpdir]
    set config "appendonly yes\nappendfsync always\nsave \"\""
    set s [server $config -binary $::binary]
    with_workers pids {
        start_queue $first $second $queue $s $dir {} pids
        lassign $pids one two adder
        foreach quarter {1 2 3} {
            wait_for_jobs $dir [list $one $two] over [expr {$::jobs * $quarter / 4}]
            kill_and_start $s
        }
        wait_for_end $s $queue $dir [list $one $two] $adder
        judged $first $dir [list $one $two]
    }
}

# ---- the cases ----

if {[auto_execok node] eq ""} {
    puts "skipped: no node"
    finish
}
set libraries [debian_libraries]
if {$long} { lappend libraries {*}[npm_libraries] }

foreach library $libraries {
    set name [lindex $library 0]
    case "what its users do with $name" {
        set s [server "" -binary $binary]
        set command [node $library [lindex $library 1] {*}[arguments $library $s]]
        set code [run timeout 1200 {*}$command]
        if {$code || ![regexp {\d+ passed, 0 failed$} $run_output]} { error $run_output }
    }
}

# Libraries that are made of scripts.
if {$long && [llength $libraries] > 1} {
    set modules [lindex $libraries end 2]
    case "what is made of scripts: locks, limiters, queues" {
        set s [server "" -binary $binary]
        set users [list scripts script_users.js $modules "" {{}}]
        set code [run timeout 1200 {*}[node $users script_users.js [of $s port]]]
        if {$code || ![regexp {\d+ passed, 0 failed$} $run_output]} { error $run_output }
    }
    case "a queue of BullMQ: no job lost when a worker is killed, none done twice" {
        set bull [list BullMQ script_users.js $modules bullmq {{}}]
        killed_worker $bull $bull queue_bull.js
    }
}

# With each library; and both in one queue.
set pairs [lmap library $libraries { list $library $library }]
if {[llength $libraries] > 3} { lappend pairs [list [lindex $libraries 3] [lindex $libraries end]] }
foreach pair $pairs {
    lassign $pair first second
    foreach {queue kind} {queue_stream.js "a stream" queue_list.js lists} {
        set names "of $kind ([lindex $first 0]; [lindex $second 0])"
        case "a queue $names: no job lost when a worker is killed, none done twice" {
            killed_worker $first $second $queue
        }
        case "a queue $names: no job lost when the server is killed, none done twice" {
            killed_server $first $second $queue
        }
    }
}

finish
