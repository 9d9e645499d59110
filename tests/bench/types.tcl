# SPDX-License-Identifier: BSD-3-Clause
# Rows of run: streams, blocking, pub/sub, sorted sets of three sizes, sketches, places. Sourced
# by it.

# CPU microseconds of n commands that a file holds in the protocol.
proc per_piped {who n path} {
    set before [cpu_us $who]
    exec redis-cli -p $::port($who) --pipe <$path >/dev/null
    return [expr {([cpu_us $who] - $before) / $n}]
}
# What an awk program prints with cmd(words), kept in a file of this run. It has n.
proc piped {name n program} {
    set path [file join $::work piped-$name]
    if {![file exists $path]} {
        exec awk -v n=$n "
            function cmd(line, c, a) { c = split(line, a, \" \"); printf \"*%d\\r\\n\", c
                for (j = 1; j <= c; j++) printf \"$%d\\r\\n%s\\r\\n\", length(a\[j\]), a\[j\] }
            BEGIN { $program }" >$path
    }
    return $path
}
# An older server of ours may lack the commands of a family.
proc both_know {command} {
    start_pair {}
    set known [lmap who $::pair { expr {[string trim [cli $who COMMAND INFO $command]] ne ""} }]
    stop_pair
    return [expr {0 ni $known}]
}
proc used {who} { return [info_field $who memory used_memory] }
proc bytes_each {who n script} {
    set before [used $who]
    uplevel 1 $script
    return [expr {([used $who] - $before) / double($n)}]
}

# A stream with one entry a millisecond; the nth has the id 1n-0, n in twelve digits.
set entries [expr {$keys / 5}]
proc fill_stream {who} {
    per_piped $who $::entries [piped stream $::entries {
        for (i = 1; i <= n; i++)
            cmd(sprintf("XADD s 1%012d-0 sensor %d value %d", i, i % 100, i * 7919 % 10000))
    }]
}
proc new_group {who} {
    catch { cli $who XGROUP DESTROY s g }
    cli $who XGROUP CREATE s g 0
}
proc read_half {who consumer} {
    per_piped $who 1 [piped half-$consumer [expr {$::entries / 2}] \
        "cmd(\"XREADGROUP GROUP g $consumer COUNT \" n \" STREAMS s >\")"]
}

if {[wanted "XADD bytes an entry of a stream"] && [both_know XADD]} {
    start_pair {}
    measure "XADD of two fields, at most 100000 kept, pipeline 16" "CPU us/op" less 0.8 {
        per_op $who 500000 -P 16 -c 50 -r 1000000 \
            XADD capped MAXLEN ~ 100000 * sensor __rand_int__ value __rand_int__
    }
    measure "bytes an entry of a stream: two short fields" "bytes" less 0.8 {
        cli $who FLUSHALL
        bytes_each $who $::entries { fill_stream $who }
    }
    stop_pair
}
if {[wanted "XREAD XREADGROUP and XACK bytes a pending entry"] && [both_know XREADGROUP]} {
    start_pair {}
    foreach who $pair { fill_stream $who }
    measure "XREAD of 10 entries, pipeline 16" "CPU us/op" less 0.8 {
        per_op $who 200000 -P 16 -c 50 -r $::entries XREAD COUNT 10 STREAMS s 1__rand_int__-0
    }
    measure "bytes a pending entry, of two consumers" "bytes" less 0.667 {
        new_group $who
        bytes_each $who $::entries {
            read_half $who a
            read_half $who b
        }
    }
    measure "XREADGROUP of 10 entries and their XACK" "CPU us/entry" less 0.8 {
        new_group $who
        per_piped $who $::entries [piped group $::entries {
            for (i = 1; i + 9 <= n; i += 10) {
                cmd("XREADGROUP GROUP g consumer COUNT 10 STREAMS s >")
                ids = ""
                for (k = i; k < i + 10; k++) ids = ids sprintf(" 1%012d-0", k)
                cmd("XACK s g" ids)
            }
        }]
    }
    stop_pair
}

if {[wanted "BLPOP handed over"] && [both_know BLPOP]} {
    start_pair {}
    measure "BLPOP handed over by LPUSH" "CPU us/pair" less 0.8 {
        set before [cpu_us $who]
        set waiting [exec redis-benchmark -p $::port($who) -q -n 100000 -c 50 BLPOP list 0 \
            >/dev/null 2>@1 &]
        benchmark $who -n 100000 -c 50 LPUSH list value
        while {![catch { exec sh -c "kill -0 $waiting" }]} { after 5 }
        expr {([cpu_us $who] - $before) / 100000}
    }
    stop_pair
}

# {CPU us a message that a subscriber gets, bytes a subscription}
proc listened {who connections channels messages} {
    set before [used $who]
    set listeners [open "|$::build/bench/bench_listen -p $::port($who) -c $connections \
        -k $channels -m $messages 2>@stderr" r+]
    fconfigure $listeners -buffering line
    if {[gets $listeners] ne "ready"} { error "bench_listen does not get ready" }
    set bytes [expr {([used $who] - $before) / double($connections * $channels)}]
    set before [cpu_us $who]
    puts $listeners go
    if {[gets $listeners] ne "done"} { error "messages are missing" }
    set cpu [expr {([cpu_us $who] - $before) / ($connections * $channels * double($messages))}]
    close $listeners
    while {[info_field $who clients connected_clients] > 1} { after 20 }
    return [list $cpu $bytes]
}
set family "PUBLISH to subscribers of one channel channels of one client bytes a subscription"
if {[wanted $family] && [both_know PUBLISH]} {
    set files [exec sh -c {ulimit -Hn}]
    set many [expr {$files eq "unlimited" ? 100000 : min(100000, $files - 1000)}]
    start_pair [list --maxclients [expr {$many + 100}] --protected-mode no --tcp-backlog 65535]
    foreach {text connections channels messages} [list \
        "1 subscriber" 1 1 100000 \
        "100 subscribers" 100 1 2000 \
        "$many subscribers of one channel" $many 1 20 \
        "100000 channels of one client" 1 100000 1] {
        measure "PUBLISH to $text" "CPU us/message" less 0.8 \
            "lindex \[listened \$who $connections $channels $messages\] 0"
    }
    measure "bytes a subscription, 100000 channels of one client" bytes less 1.0 {
        lindex [listened $who 1 100000 1] 1
    }
    stop_pair
}

# Sets of so many members (the smallest are past the small encoding), each filled in random order,
# then read and changed at random places. Equal scores: the order is the members' alone.
if {[wanted "sorted sets of 150 1000 100000 members: filled, scores changed, ZRANK, ZRANGE"]} {
    start_pair {}
    set zset_ops 200000
    foreach size {150 1000 100000} {
        foreach {kind score} {different {int(rand() * 1000000)} equal 1} {
            set name "sorted sets of $size members, $kind scores"
            foreach {what line} [list \
                "filled" "cmd(\"ZADD z\" int(i / $size) \" \" $score \" m\" (i * 7919 % $size))" \
                "scores changed" "cmd(\"ZADD z\" key \" \" $score + i % 2 \" m\" place)" \
                "ZRANK" "cmd(\"ZRANK z\" key \" m\" place)" \
                "ZRANGE of 10" "cmd(\"ZRANGE z\" key \" \" place \" \" place + 9)"
            ] {
                set path [piped zset-$size-$kind-[string map {" " -} $what] $zset_ops "
                    srand($size)
                    for (i = 0; i < n; i++) {
                        key = int(rand() * n / $size)
                        place = int(rand() * $size)
                        $line
                    }"]
                measure "$name: $what" "CPU us/op" less 0.8 [string map [list %path $path \
                    %first [expr {$what eq "filled" ? {cli $who FLUSHALL} : ""}]] {
                        %first
                        per_piped $who $::zset_ops %path
                    }]
            }
        }
    }
    stop_pair
}

if {[wanted "PFADD PFCOUNT GEOADD GEOSEARCH"] && [both_know PFADD]} {
    start_pair {}
    foreach who $pair { ;# so that each row stands by itself
        per_op $who 20000 -P 16 -r 1000000 PFADD sketch __rand_int__
        per_op $who 20000 -P 16 -r 1000 PFADD sketch:__rand_int__ __rand_int__
        per_op $who 100000 -P 16 -r 999999999999 \
            GEOADD places 13.__rand_int__ 38.__rand_int__ member:__rand_int__
    }
    foreach {name n range words} {
        "PFADD, one dense sketch" 300000 1000000 {PFADD sketch __rand_int__}
        "PFADD, 1000 sketches that grow" 300000 1000 {PFADD sketch:__rand_int__ __rand_int__}
        "PFCOUNT of two" 20000 1000 {PFCOUNT sketch sketch:__rand_int__}
        "GEOADD" 300000 999999999999
            {GEOADD places 13.__rand_int__ 38.__rand_int__ member:__rand_int__}
        "GEOSEARCH of 10 in 5 km" 20000 1000
            {GEOSEARCH places FROMLONLAT 13.5 38.5 BYRADIUS 5 km ASC COUNT 10 WITHDIST}
    } {
        measure "$name, pipeline 16" "CPU us/op" less 0.8 \
            "per_op \$who $n -P 16 -c 50 -r $range $words"
    }
    stop_pair
}
