# SPDX-License-Identifier: BSD-3-Clause
# Rows of run: how long the loop is held up when a collection of ELEMENTS (300,000) goes, by
# each way it can go. Sourced by it. Measured is the longest time that the thread which runs commands
# was on a CPU without a pause, from the request to a fifth of a second behind it (and a second for
# ten million): what else runs on the machine is not in it, and small work spread over many turns
# does not add up. What the machine itself takes from a thread (a virtual one does) is in it; the row
# of PING tells how much, and the median of ROUNDS (five) is taken. On a machine with other work,
# chrt -f 10 before it: a thread that is put off its CPU often is warm in no cache.
# SAMPLED=1 looks at the thread 5,000 times a second with perf instead: what the machine takes is a
# pause then, as no sample falls into it.

set elements [expr {[info exists env(ELEMENTS)] ? $env(ELEMENTS) : 300000}]

# {nanoseconds on a CPU, times it was put on one} of the thread that runs commands.
proc loop_runs {who} {
    set f [open /proc/$::pid($who)/task/$::pid($who)/schedstat]
    lassign [read $f] ns - runs
    close $f
    return [list $ns $runs]
}
proc ask {channel args} {
    puts $channel [join $args { }]
    flush $channel
    return [gets $channel]
}
# Elements in commands of a thousand, an entry of a stream by itself.
proc fill_big {who type} {
    set words [dict get {list {"RPUSH"} set {"SADD"} hash {"HSET"} zset {"ZADD"} stream {"XADD"}} $type]
    set each [expr {$type eq "stream" ? 1 : 1000}]
    exec awk -v n=$::elements -v each=$each -v word=$words -v type=$type {
        function arg(s) { printf "$%d\r\n%s\r\n", length(s), s }
        BEGIN {
            pairs = type == "hash" || type == "zset"
            for (i = 0; i < n; i += each) {
                printf "*%d\r\n", type == "stream" ? 5 : 2 + each * (1 + pairs)
                arg(substr(word, 2, length(word) - 2)); arg("big")
                if (type == "stream") { arg("*"); arg("f"); arg(i "") }
                else for (j = i; j < i + each; j++) {
                    if (type == "zset") arg(j "")
                    arg("element:" j)
                    if (type == "hash") arg(j "")
                }
            }
        }
    } | redis-cli -p $::port($who) --pipe >/dev/null
}
proc settle {who} {
    set last -1
    while {[set now [cpu_us $who]] - $last > 2000} {
        set last $now
        after 300
    }
}
# Milliseconds. The reply is waited for by looking, or the looking would begin too late.
proc held_ms {who channel request} {
    settle $who
    set most 0
    lassign [loop_runs $who] ns runs
    puts $channel $request
    flush $channel
    set until [expr {[clock milliseconds] + 200 + $::elements / 10000}]
    while {[clock milliseconds] < $until} {
        lassign [loop_runs $who] now_ns now_runs
        if {$now_runs != $runs} {
            set most [expr {max($most, double($now_ns - $ns) / ($now_runs - $runs))}]
            set ns $now_ns
            set runs $now_runs
        }
    }
    gets $channel
    return [expr {$most / 1e6}]
}

# The same, by samples: the longest run of them without a pause of a third of a millisecond, and the
# time of one more.
proc sampled_ms {who channel request} {
    settle $who
    set file $::work/samples
    file delete $file
    set perf [exec perf record -q -F 5000 -e cpu-clock -t $::pid($who) -o $file 2>/dev/null &]
    while {![file exists $file]} { after 10 }
    after 300
    puts $channel $request
    flush $channel
    gets $channel
    after [expr {200 + $::elements / 10000}]
    exec kill -INT $perf
    while {[file isdirectory /proc/$perf] && ![string match {*) Z *} [read_file /proc/$perf/stat]]} {
        after 10
    }
    return [exec perf script -i $file -F time 2>/dev/null | awk {
        { t = $1 + 0
          if (n++ && t - last < 0.00033) { if (t - first > most) most = t - first } else first = t
          last = t }
        END { print n ? 1000 * (most + 0.0002) : 0 }
    }]
}

if {[wanted "large values"]} {
    set ways {
        PING "PING" UNLINK "UNLINK victim" DEL "DEL victim" SET "SET victim x" RENAME "RENAME small victim"
        expiry "PEXPIRE victim 20" eviction "CONFIG SET maxmemory 20mb" FLUSHALL "FLUSHALL"
    }
    set measure [expr {[info exists env(SAMPLED)] ? {sampled_ms} : {held_ms}}]
    set who [lindex $pair 0]
    foreach type {list set hash zset stream} {
        start $who --lazyfree-lazy-user-del yes --lazyfree-lazy-server-del yes \
            --lazyfree-lazy-expire yes --lazyfree-lazy-eviction yes \
            --lazyfree-lazy-user-flush yes --maxmemory-policy volatile-ttl
        set channel [socket 127.0.0.1 $port($who)]
        fconfigure $channel -translation crlf
        foreach {way request} $ways {
            set seen {}
            for {set i 0} {$i < $rounds} {incr i} {
                if {[ask $channel EXISTS big] eq ":0"} { fill_big $who $type }
                ask $channel SET small y
                if {$way eq "eviction"} {
                    ask $channel RENAME big victim
                    ask $channel PEXPIRE victim 100000000
                } else {
                    ask $channel COPY big victim
                }
                lappend seen [$measure $who $channel $request]
                ask $channel CONFIG SET maxmemory 0
                ask $channel DEL victim
            }
            set seen [lsort -real $seen]
            row [format "| large values: %s, a %s of %d elements | ms, longest turn | %.3f | | | %.3f .. %.3f | under 1 ms: %s |" \
                $way $type $elements [median $seen] [lindex $seen 0] [lindex $seen end] \
                [expr {[median $seen] < 1 ? "yes" : "NO"}]]
        }
        close $channel
        stop $who
        file delete -force $work/$who
    }
}
