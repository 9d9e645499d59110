# SPDX-License-Identifier: BSD-3-Clause
# Generated scripts to our server and to the installed redis-server: the same replies, the same data,
# the same commands in the log. SEED repeats a run; COUNT is how many scripts (LONG: 50000).
source [file join [file dirname [info script]] ../integration/lib.tcl]
source [file join [file dirname [info script]] lib/pair.tcl]
source [file join [file dirname [info script]] ../integration/lib/chance.tcl]

set count [chance_count 3000 1000 50000]
puts "seed $seed"

# ---- Lua source by chance ----
proc key {} { return [one_of {"s" "n" "l" "h" "z" "e" "none" KEYS[1] KEYS[2]}] }
proc small {} { return [one_of {0 1 2 -1 3 10 1.5 "7" ARGV[1] ARGV[2] -0 1e15 0.5}] }
proc text {} { return [one_of {"a" "b" "" "x y" ARGV[1] ARGV[2] ("ab"):rep(20) "\0\r\n" 12 3.25}] }

proc command {} {
    set k [key]
    switch [below 30] {
        0 { return "'SET', $k, [text]" }
        1 { return "'SET', $k, [text], [one_of {'NX' 'XX' 'GET' 'KEEPTTL' 'bogus'}]" }
        2 { return "'SET', $k, [text], 'EX', [one_of {100 0 1000 'x'}]" }
        3 { return "'GET', $k" }
        4 { return "'INCR', $k" }
        5 { return "'INCRBYFLOAT', $k, [small]" }
        6 { return "'APPEND', $k, [text]" }
        7 { return "'DEL', $k, [key]" }
        8 { return "'RPUSH', $k, [text], [text]" }
        9 { return "'LRANGE', $k, 0, [small]" }
        10 { return "'LPOP', $k" }
        11 { return "'HSET', $k, [text], [text]" }
        12 { return "'HGETALL', 'h'" }
        13 { return "'HINCRBYFLOAT', $k, [text], [small]" }
        14 { return "'ZADD', $k, [small], [text]" }
        15 { return "'ZSCORE', $k, [text]" }
        16 { return "'ZRANGE', $k, 0, -1, 'WITHSCORES'" }
        17 { return "'SADD', 'one', [one_of {1 2 3}]" }
        18 { return "'SMEMBERS', 'none'" }
        19 { return "'EXPIRE', $k, [one_of {100 1000 -1 'x'}]" }
        20 { return "'TTL', $k" }
        21 { return "'TYPE', $k" }
        22 { return "'RENAME', $k, [key]" }
        23 { return "'SELECT', [one_of {0 1 2 99}]" }
        24 { return "'LINDEX', $k, [small]" }
        25 { return "'GETEX', $k, 'PX', 100000" }
        26 { return "'COPY', $k, [key], 'REPLACE'" }
        27 { return "'HRANDFIELD', 'none', 2, 'WITHVALUES'" }
        28 { return [subst [one_of {"'NOSUCH', 1" "'GET'" "'MULTI'" "'EVAL', 'return 1', 0" "{}" "" "true"
                "'CONFIG', 'GET', 'x'" "'OBJECT', 'ENCODING', 's'" "'PING'" "'ECHO', [text]"
                "'PING', [text]" "'STRLEN', 'none'" "'LPOS', 'l', 'a', 'COUNT', 0"}]] }
        29 { return "'SETRANGE', $k, [one_of {0 1 5 -1}], [text]" }
    }
}
proc value {{depth 0}} {
    if {$depth < 3 && [below 3] == 0} {
        switch [below 9] {
            0 { return "{ok = [value 9]}" }
            1 { return "{err = [one_of [list [value 9] 'MY error' 'one']]}" }
            2 { return "{double = [small]}" }
            3 { return "{map = {a = [value [expr {$depth + 1}]]}}" }
            4 { return "{set = {[text] or 1}, [value 9]}" }
            5 { return "{big_number = [text]}" }
            6 { return "{verbatim_string = {format = 'txt', string = [text]}}" }
            default {
                set all {}
                for {set i [below 4]} {$i > 0} {incr i -1} { lappend all [value [expr {$depth + 1}]] }
                return "{[join $all {, }]}"
            }
        }
    }
    return [one_of {true false nil 1 -1.9 "a" "x\\r\\ny" 2^53 {} ARGV KEYS #ARGV 1e20 {{}}
        tostring(1.5) tonumber("0x10") type(nil) {"a" .. 1} {select("#", nil, nil)}
        {unpack({1, 2})} {({pcall(error, "x", 0)})[2]} {next({})} {math.floor(1.7)}
        {string.format("%5.2f|%s|%q", 1.005, "a", "b\\n")} {table.concat({1, 2, "x"}, ",")}
        {redis.sha1hex("abc")} {redis.status_reply("fine")} {redis.error_reply("MY no")}}]
}
proc statement {} {
    set call [one_of {redis.call redis.pcall redis.pcall redis.pcall}]
    switch [below 12] {
        0 - 1 - 2 - 3 { return "r\[#r + 1\] = $call\([command])" }
        4 { return "$call\([command])" }
        5 { return "r\[#r + 1\] = [value] or false" }
        6 { return "if redis.call('EXISTS', [key]) == 1 then r\[#r + 1\] = $call\([command]) end" }
        7 { return "for i = 1, 2 do r\[#r + 1\] = $call\([command]) end" }
        8 { return "redis.setresp([one_of {2 3 3}])" }
        9 { return "local ok, v = pcall(redis.call, [command]) r\[#r + 1\] = ok r\[#r + 1\] = type(v)" }
        10 { return "local v = $call\([command]) if type(v) == 'table' then r\[#r + 1\] = v.err or v.ok or v\[1\] or #v else r\[#r + 1\] = tostring(v) end" }
        11 { return [one_of {{error('x')} {error({err = 'MY x'})} {x = 1} {return r} {return nosuch}
                {redis.set_repl(redis.REPL_ALL)} {error('x', 0)} {error()}}] }
    }
}
proc script {} {
    set lines [one_of {{} {} {} {{#!lua}} {{#!lua flags=no-writes}} {{#!lua flags=allow-oom}}}]
    lappend lines "local r = {}"
    for {set i [expr {1 + [below 6]}]} {$i > 0} {incr i -1} {
        set one [statement]
        # what returns or declares ends its own block
        lappend lines "do $one end"
    }
    lappend lines "return [one_of [list r r r {r[#r]} {r[1]} [value]]]"
    return [join $lines \n]
}

proc stop_and_read {s dir} {
    ask $s CONFIG SET appendfsync always
    ask $s SET the-end 1
    set commands {}
    foreach path [lsort [glob $dir/appendonlydir/*.incr.aof]] {
        set bytes [slurp $path]
        set at 0
        while {$at < [string length $bytes]} {
            set end [string first \n $bytes $at]
            set line [string trimright [string range $bytes $at $end-1] \r]
            set at [expr {$end + 1}]
            if {[string index $line 0] eq "#"} continue
            set words {}
            for {set n [string range $line 1 end]} {$n > 0} {incr n -1} {
                set end [string first \n $bytes $at]
                set len [string trimright [string range $bytes $at+1 $end-1] \r]
                lappend words [string range $bytes $end+1 [expr {$end + $len}]]
                set at [expr {$end + 1 + $len + 2}]
            }
            # 7.2 says SELECT behind MULTI, 7.0 before it.
            if {$words eq "MULTI" && [lindex $commands end 0] eq "SELECT"} {
                set commands [linsert $commands end-1 MULTI]
            } else {
                lappend commands $words
            }
        }
    }
    return $commands
}

proc same_data {} {
    foreach db {1 2 0} {
        both [list SELECT $db]
        set differs [compare sorted {KEYS *}]
        if {$differs ne ""} { error $differs }
        foreach key {s n l h z e none one the-end a b} {
            foreach words [list "TYPE $key" "PTTL $key" "GET $key" \
                    "LRANGE $key 0 -1" "ZRANGE $key 0 -1 WITHSCORES"] { both $words }
            foreach {mode words} [list pairs "HGETALL $key" sorted "SMEMBERS $key"] {
                set differs [compare $mode $words]
                if {$differs ne ""} { error $differs }
            }
        }
    }
}

foreach resp {2 3} {
    case "generated scripts, RESP$resp (SEED=$seed)" {
        set pair_setup [expr {$resp == 3 ? {{HELLO 3}} : {}}]
        pair_start "appendonly yes\nappendfsync no\nauto-aof-rewrite-percentage 0"
        foreach words {{SET s text} {SET n 5} {RPUSH l a b c} {HSET h a 1} {ZADD z 1 a 2.5 b}} {
            both $words
        }
        for {set i 1} {$i <= $count / 2} {incr i} {
            set text [script]
            set words [list EVAL $text 2 [one_of {s n l h z new}] [one_of {s n l h z}] \
                [one_of {1 a 3.5 text ""}] [one_of {x 2 -1}]]
            if {[below 10] == 0} {
                both MULTI
                both [lreplace $words 1 1 "return redis.call('SET', 'm', ARGV\[1\])"]
                both $words
                both EXEC
            } else {
                both $words
            }
            if {[below 30] == 0} { both {DEL s n l h z e none} }
            if {$i % 100 == 0} { same_data }
        }
        same_data
        set logs [lmap s [list $ours $peer] dir $pair_dirs { stop_and_read $s $dir }]
        set i 0
        foreach a [lindex $logs 0] b [lindex $logs 1] {
            if {$a ne $b} {
                set near [lmap log $logs { lrange $log $i-4 $i+8 }]
                error "command $i of the log:\n    [join [lindex $near 0] { | }]\n    [join [lindex $near 1] { | }]"
            }
            incr i
        }
    }
}

finish
