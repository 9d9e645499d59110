# SPDX-License-Identifier: BSD-3-Clause
# Scripts and functions in a real server: what is logged and survives, what is stopped, what is
# limited. What they reply is compared in tests/peer.
source [file join [file dirname [info script]] lib.tcl]
source [file join [file dirname [info script]] lib/survives.tcl]

set logged "appendonly yes\nsave \"\"\nenable-debug-command yes"
set endless {while true do end}
set busy {BUSY Redis is busy running a script. You can only call *}
proc library {name body} { return "#!lua name=$name\n$body" }
proc function {name body} { return "redis.register_function('$name', function(keys, args) $body end)" }

# Says it on a connection of its own and does not wait for the reply; until others are refused.
proc start_script {s args} {
    set fd [connect $s]
    send $fd {*}$args
    wait_for { expr {[catch { ask $s GET any } text] && [string match $::busy -$text] ||
                     [string match "*BUSY*" $text]} }
    return $fd
}
proc reply_of {fd} {
    catch { read_reply $fd } text
    return $text
}
proc log_commands {s} {
    set bytes ""
    foreach path [lsort [glob [of $s dir]/appendonlydir/*.incr.aof]] { append bytes [slurp $path] }
    set words {}
    foreach line [split $bytes \n] {
        set line [string trimright $line \r]
        if {$line ne "" && ![string match {[*$#]*} $line]} { lappend words $line }
    }
    return $words
}

# ---- what never ends ----

case "others hear -BUSY, and the script can be killed" {
    set s [server "busy-reply-threshold 50"]
    foreach {words kill other} [list \
        [list EVAL $endless 0] {SCRIPT KILL} {FUNCTION KILL} \
        [list EVAL {while true do pcall(function() while true do end end) end} 0] {SCRIPT KILL} {} \
        [list EVAL {while true do coroutine.wrap(function() while true do end end)() end} 0] \
            {SCRIPT KILL} {} \
        [list EVAL {while true do pcall(redis.call, "GET", "k") end} 0] {SCRIPT KILL} {} \
        [list EVAL {xpcall(function() while true do end end, function() while true do end end)} 0] \
            {SCRIPT KILL} {} \
        [list EVAL {xpcall(redis.call, function() while true do end end)} 0] {SCRIPT KILL} {} \
        [list EVAL {local t = {1} for i = 1, 60 do t = {t, t} end return t} 0] {SCRIPT KILL} {} \
        [list FCALL forever 0] {FUNCTION KILL} {SCRIPT KILL}] {
        catch { ask $s FUNCTION LOAD [library l [function forever $endless]] }
        set fd [start_script $s {*}$words]
        like [error_of $s PING] $busy
        like [error_of $s EVAL {return 1} 0] $busy
        like [error_of $s SHUTDOWN] $busy
        if {$other ne ""} { like [error_of $s {*}$other] $busy }
        is [ask $s {*}$kill] OK
        like [reply_of $fd] "*Script killed by user with SCRIPT KILL*"
        close $fd
        is [ask $s PING] PONG
    }
    like [error_of $s SCRIPT KILL] "NOTBUSY*"
    like [error_of $s FUNCTION KILL] "NOTBUSY*"
}

case "FUNCTION STATS tells of the function that runs" {
    set s [server "busy-reply-threshold 50"]
    ask $s FUNCTION LOAD [library l [function forever $endless]]
    set fd [start_script $s FCALL forever 1 k v]
    set stats [ask $s FUNCTION STATS]
    is [dict get [dict get $stats running_script] name] forever
    is [dict get [dict get $stats running_script] command] {FCALL forever 1 k v}
    truth {[dict get [dict get $stats running_script] duration_ms] >= 50}
    ask $s FUNCTION KILL
    reply_of $fd
    is [dict get [ask $s FUNCTION STATS] running_script] (nil)
}

case "a pipeline behind the script, and one in a transaction" {
    set s [server "busy-reply-threshold 50"]
    set fd [connect $s]
    puts -nonewline $fd [encode {MULTI}][encode {SET a 1}][encode [list EVAL $endless 0]]
    puts -nonewline $fd [encode {SET b 2}][encode {EXEC}][encode {GET b}]
    flush $fd
    wait_for { catch { ask $s GET any } }
    ask $s SCRIPT KILL
    is [lrange [lmap i {1 2 3 4} { read_reply $fd }] 0 3] {OK QUEUED QUEUED QUEUED}
    set all [read_reply $fd]
    is [lindex $all 0] OK
    like [lindex $all 1] "-*killed*"
    is [lindex $all 2] OK
    is [read_reply $fd] 2
}

foreach policy {always everysec} {
    case "a script that has written is not killed, and of half of it nothing is kept ($policy)" {
        set config "appendonly yes\nappendfsync $policy\nsave \"\"\nbusy-reply-threshold 50"
        set s [server $config]
        ask $s SET before 1
        set fd [start_script $s EVAL {
            for i = 1, 10 do redis.call("SET", "half" .. i, i) end
            while true do end} 0]
        like [error_of $s SCRIPT KILL] "UNKILLABLE*"
        catch { ask $s SHUTDOWN NOSAVE }
        wait_for { expr {![alive [of $s pid]]} }
        like [reply_of $fd] "*connection was closed*"
        set s [server $config -dir [of $s dir]]
        is [ask $s KEYS *] before
    }
}

case "the threshold, by both of its names" {
    set s [server "lua-time-limit 70"]
    is [ask $s CONFIG GET busy-reply-threshold] {busy-reply-threshold 70}
    ask $s CONFIG SET lua-time-limit 80
    is [ask $s CONFIG GET busy-reply-threshold] {busy-reply-threshold 80}
}

case "a library whose code never ends is refused, and the server goes on" {
    set s [server]
    set code [library l "[function f {return 1}]\n$endless"]
    like [error_of $s FUNCTION LOAD $code] "*FUNCTION LOAD timeout*"
    is [ask $s FUNCTION LIST] {}
    is [ask $s FUNCTION LOAD [library l [function f {return redis.call("PING")}]]] l
    is [ask $s FCALL f 0] PONG
}

# ---- memory ----

case "a script's memory is limited, its state works on, and is given back" {
    set s [server "maxmemory 100mb\nscript-max-memory 20mb"]
    foreach script {
        {local t = {} for i = 1, 1e9 do t[i] = i end}
        {local s = "x" while true do s = s .. s end}
        {local t = {} while true do t = {t, {}} end}
        {local t = {} for i = 1, 1e9 do t[i] = {i} end}
        {local t = {} for i = 1, 1e9 do t[i] = tostring(i) end}
        {return string.rep("x", 1e8)}
        {local t = {} for i = 1, 1e7 do t[#t + 1] = ("x"):rep(1000) .. i end}
        {local f = "return 1" while true do f = f .. f loadstring("--" .. f) end}
    } {
        like [error_of $s EVAL $script 0] "*not enough memory*"
        truth {[info_of $s used_memory_vm_eval] < 4 * 1024 * 1024}
        is [ask $s EVAL {return #string.rep("x", 4000000)} 0] 4000000
    }
    # Many large scripts fill it for good, until they are dropped.
    set i 0
    while {![catch { ask $s SCRIPT LOAD "return '[string repeat x 1000000][incr i]'" } text]} {}
    like $text "*not enough memory*"
    truth {$i > 5 && $i < 60}
    is [info_of $s number_of_cached_scripts] [expr {$i - 1 + 9}]
    ask $s SCRIPT FLUSH [lindex {SYNC ASYNC} [expr {$i % 2}]]
    is [info_of $s number_of_cached_scripts] 0
    truth {[info_of $s used_memory_vm_eval] < 1024 * 1024}
    is [ask $s EVAL {return 1} 0] 1
}

case "keys are not evicted for what scripts hold" {
    set s [server "maxmemory 30mb\nmaxmemory-policy allkeys-lru\nscript-max-memory 100%
        enable-debug-command yes"]
    ask $s DEBUG POPULATE 10000 key 500
    ask $s FUNCTION LOAD [library l {
        local hold = {}
        redis.register_function("keep", function()
            for i = 1, 20 do hold[#hold + 1] = ("x"):rep(1000000 + i) end
        end)}]
    ask $s FCALL keep 0
    truth {[info_of $s used_memory_vm_functions] > 20000000}
    truth {[info_of $s used_memory] > 20000000}
    for {set i 0} {$i < 100} {incr i} { ask $s SET k$i v }
    is [info_of $s evicted_keys] 0
    ask $s FUNCTION FLUSH ASYNC
    wait_for { expr {[info_of $s used_memory] < 20000000} }
}

case "a state that grew large is replaced, and scripts that it knew run in the next one" {
    set s [server "maxmemory 400mb\nscript-max-memory 100%"]
    set plain [ask $s SCRIPT LOAD {return {KEYS[1], ARGV[1]}}]
    set flagged [ask $s SCRIPT LOAD "#!lua flags=no-writes\n\nreturn redis.call('SET', 'k', 1)"]
    foreach i {1 2} {
        is [ask $s EVAL {local t = {} for i = 1, 1000000 do t[i] = {} end return #t} 0] 1000000
        truth {[info_of $s used_memory_vm_eval] < 1024 * 1024}
        foreach again {1 2} {
            is [ask $s EVALSHA $plain 1 k v] {k v}
            like [error_of $s EVALSHA $flagged 0] "*read-only scripts*on @user_script:3."
        }
    }
    is [info_of $s number_of_cached_scripts] 3
    wait_for { expr {[info_of $s used_memory] < 30000000} }
}

case "who asked for a debugger does not run a script for real" {
    set s [server]
    set fd [connect $s]
    set kept {EVAL {return redis.call("SET", "k", 1)} 0}
    like [error_of $s SCRIPT DEBUG BOGUS] "ERR Use SCRIPT DEBUG YES/SYNC/NO"
    catch { request $fd SCRIPT DEBUG YES } text
    like $text "ERR SCRIPT DEBUG is not supported*"
    catch { request $fd {*}$kept } text
    like $text "ERR SCRIPT DEBUG is not supported*"
    is [ask $s EXISTS k] 0
    is [request $fd SCRIPT DEBUG NO] OK
    is [request $fd {*}$kept] OK
    is [ask $s DEL k] 1
}

# ---- what is logged ----

case "effects are logged: one as it is, several as a transaction, none of what only read" {
    set s [server $logged]
    ask $s EVAL {return redis.call("SET", KEYS[1], ARGV[1])} 1 one 1
    ask $s EVAL {redis.call("INCR", "n") redis.call("EXPIRE", "n", 100) redis.pcall("INCR", "one")
                 redis.pcall("LPUSH", "one", 1)} 0
    ask $s EVAL {return redis.call("GET", "one")} 0
    ask $s EVAL {redis.call("SELECT", 5) redis.call("SET", "far", 1)} 0
    ask $s SET near 1
    catch { ask $s EVAL {redis.call("SET", "kept", 1) error("x")} 0 }
    set at [ask $s PEXPIRETIME n]
    is [log_commands $s] [list SELECT 0 SET one 1 MULTI INCR n PEXPIREAT n $at INCR one EXEC \
        SELECT 5 SET far 1 SELECT 0 SET near 1 SET kept 1]
    set digest [ask $s DEBUG DIGEST]
    set s [restart $s kill $logged]
    is [ask $s DEBUG DIGEST] $digest
}

case "redis.set_repl keeps effects out of the log" {
    set s [server $logged]
    ask $s EVAL {
        redis.set_repl(redis.REPL_NONE) redis.call("SET", "a", 1)
        redis.set_repl(redis.REPL_REPLICA) redis.call("SET", "b", 1)
        redis.set_repl(redis.REPL_AOF) redis.call("SET", "c", 1)
        redis.set_repl(redis.REPL_ALL) redis.call("SET", "d", 1)} 0
    is [lsort [ask $s KEYS *]] {a b c d}
    ask $s EVAL {redis.call("SET", "e", 1)} 0
    set s [restart $s kill $logged]
    is [lsort [ask $s KEYS *]] {c d e}
}

case "a log of older servers, which holds scripts, is run" {
    set dir [tmpdir]
    spit $dir/appendonly.aof [encode {SELECT 0}][encode \
        [list EVAL {redis.call("SET", KEYS[1], ARGV[1]) return redis.call("INCR", "n")} 1 k v]][encode \
        {SCRIPT LOAD {return redis.call("APPEND", "k", "w")}}][encode \
        [list EVALSHA [exec printf %s {return redis.call("APPEND", "k", "w")} | sha1sum | cut -c1-40] 0]]
    set s [server "appendonly yes\nsave \"\"" -dir $dir]
    is [ask $s GET k] vw
    is [ask $s GET n] 1
}

case "time stands still in a script" {
    set s [server]
    ask $s SET k v PX 20
    is [ask $s EVAL {
        local first = redis.call("PTTL", "k")
        local began = os.clock()
        while os.clock() - began < 0.05 do end
        return {redis.call("PTTL", "k") == first, redis.call("EXISTS", "k")}} 0] {1 1}
    is [ask $s EXISTS k] 0
}

# ---- functions are part of the data set ----

case "libraries survive, in every kind of file" {
    set s [server $logged]
    ask $s FUNCTION LOAD [library two "local x\n[function g {return 'g'}]"]
    ask $s FUNCTION LOAD REPLACE [library two "redis.register_function{function_name='g',
        callback=function() return 'g' end, description='says g', flags={'no-writes'}}"]
    ask $s FUNCTION LOAD [library one [function f {return redis.call("INCRBY", keys[1], args[1])}]]
    ask $s FUNCTION LOAD [library gone [function h {return 1}]]
    ask $s FUNCTION DELETE gone
    ask $s FCALL f 1 n 5
    set list [ask $s FUNCTION LIST WITHCODE]
    is [llength $list] 2
    foreach {what script} {
        "the log" { set s [restart $s kill $logged] }
        "an orderly end" { set s [restart $s term $logged] }
        "RELOAD" { ask $s DEBUG RELOAD }
        "LOADAOF" { ask $s DEBUG LOADAOF }
        "a base of commands" {
            ask $s CONFIG SET aof-use-rdb-preamble no
            ask $s BGREWRITEAOF
            no_child $s
            set s [restart $s kill $logged]
        }
        "a base that is a dump" {
            ask $s CONFIG SET aof-use-rdb-preamble yes
            ask $s BGREWRITEAOF
            no_child $s
            set s [restart $s kill $logged]
        }
        "a dump" {
            ask $s SAVE
            set dir [of $s dir]
            stop $s
            set s [server "on-missing-data start-empty\nenable-debug-command yes" -dir $dir]
        }
    } {
        eval $script
        if {[ask $s FUNCTION LIST WITHCODE] ne $list} { error "$what changed libraries" }
        is [ask $s FCALL g 0] g
        is [ask $s FCALL_RO g 0] g
        ask $s FCALL f 1 n 1
    }
    is [ask $s GET n] 12
    # Those of a payload, in place of what is there or not at all.
    set dump [ask $s FUNCTION DUMP]
    like [error_of $s FUNCTION RESTORE $dump] "ERR Library * already exists"
    is [ask $s FUNCTION RESTORE $dump REPLACE] OK
    ask $s FUNCTION LOAD [library three [function k {return 3}]]
    is [ask $s FUNCTION RESTORE $dump FLUSH] OK
    is [ask $s FUNCTION LIST WITHCODE] $list
    ask $s FUNCTION FLUSH SYNC
    is [ask $s FUNCTION LIST] {}
    is [ask $s FUNCTION RESTORE $dump] OK
    is [ask $s FUNCTION LIST WITHCODE] $list
}

case "FUNCTION RESTORE is all or nothing" {
    set s [server]
    ask $s FUNCTION LOAD [library a [function fa {return 1}]]
    ask $s FUNCTION LOAD [library b [function fb {return 1}]]
    set both [ask $s FUNCTION DUMP]
    ask $s FUNCTION FLUSH
    # b of the payload cannot join: another library has its function.
    ask $s FUNCTION LOAD [library a [function fa {return 0}]]
    ask $s FUNCTION LOAD [library other [function fb {return 0}]]
    foreach policy {APPEND REPLACE} {
        like [error_of $s FUNCTION RESTORE $both $policy] "ERR * already exists"
        is [ask $s FCALL fa 0] 0
        is [ask $s FCALL fb 0] 0
        is [llength [ask $s FUNCTION LIST]] 2
    }
    # Damaged, cut, with the payload of a key.
    ask $s SET k v
    foreach bytes [list "" x [string range $both 0 end-1] [string replace $both 20 20 X] [ask $s DUMP k]] {
        like [error_of $s FUNCTION RESTORE $bytes FLUSH] "ERR *"
        is [ask $s FCALL fb 0] 0
    }
}

case "a file whose library does not load is refused, what was there stays" {
    set plain "save \"\"\nenable-debug-command yes\nrdbchecksum no\nrdb-block-checksum no"
    set s [server $plain]
    ask $s FUNCTION LOAD [library l [function f {return 7}]]
    ask $s SAVE
    set path [of $s dir]/dump.rdb
    set good [slurp $path]
    # The same length, another word; no checksum tells.
    set bytes [string map {{return 7} {retur? 7}} $good]
    truth {$bytes ne $good}
    spit $path $bytes
    like [error_of $s DEBUG RELOAD NOSAVE] "ERR *"
    is [ask $s FCALL f 0] 7
    set dir [of $s dir]
    stop $s
    lassign [server $plain -dir $dir -fails 1] code log
    is $code 1
    like $log "*a library of functions: ERR Error compiling function*"
    spit $path $good
    set s [server $plain -dir $dir]
    is [ask $s FCALL f 0] 7
}

case "FUNCTION FLUSH, DELETE and RESTORE are logged; FLUSHALL leaves libraries" {
    set s [server $logged]
    ask $s FUNCTION LOAD [library l [function f {return 1}]]
    ask $s FLUSHALL
    is [ask $s FCALL f 0] 1
    set dump [ask $s FUNCTION DUMP]
    set s [restart $s kill $logged]
    is [ask $s FCALL f 0] 1
    ask $s FUNCTION FLUSH
    set s [restart $s kill $logged]
    is [ask $s FUNCTION LIST] {}
    ask $s FUNCTION RESTORE $dump
    set s [restart $s kill $logged]
    is [ask $s FCALL f 0] 1
}

# ---- together with the rest ----

case "who waits for a key is served when the script is over" {
    set s [server]
    set fd [connect $s]
    send $fd BLPOP list 0
    wait_for { expr {[info_of $s blocked_clients] == 1} }
    is [ask $s EVAL {redis.call("RPUSH", "list", 1, 2) return redis.call("LLEN", "list")} 0] 2
    is [read_reply $fd] {list 1}
    # Inside a script nobody waits.
    is [ask $s EVAL {return redis.call("BLPOP", "none", 0)} 0] (nil)
}

case "a script's writes touch what is watched, and send key events" {
    set s [server "notify-keyspace-events KEA"]
    set fd [connect $s]
    request $fd WATCH k
    set ears [connect $s]
    request $ears SUBSCRIBE __keyevent@0__:set
    ask $s EVAL {redis.call("SET", "k", 1)} 0
    is [read_reply $ears] {message __keyevent@0__:set k}
    request $fd MULTI
    request $fd PING
    is [request $fd EXEC] (nil)
}

case "a pause of writes holds scripts that may write, not others" {
    set s [server]
    ask $s SET k v
    ask $s CLIENT PAUSE 100000 WRITE
    is [ask $s EVAL "#!lua flags=no-writes\nreturn redis.call('GET', KEYS\[1\])" 1 k] v
    is [ask $s EVAL_RO {return redis.call('GET', KEYS[1])} 1 k] v
    set fd [connect $s]
    send $fd EVAL {return redis.call('GET', KEYS[1])} 1 k
    wait_for { expr {[info_of $s blocked_clients] == 1 ||
                     [string match "*cmd=eval*" [ask $s CLIENT LIST]]} }
    ask $s CLIENT UNPAUSE
    is [read_reply $fd] v
}

case "errors are counted once" {
    set s [server]
    ask $s SET s 1
    foreach {script errors bad} {
        {redis.pcall("LPUSH", "s", 1)} 1 0
        {redis.call("LPUSH", "s", 1)} 1 1
        {return redis.pcall("LPUSH", "s", 1)} 1 1
        {pcall(redis.call, "LPUSH", "s", 1)} 1 0
        {redis.call("GET")} 1 1
        {redis.pcall("NOSUCH")} 1 0
        {return {err = "x"}} 1 1
        {error("x")} 1 1
        {x x} 1 1
    } {
        ask $s CONFIG RESETSTAT
        catch { ask $s EVAL $script 0 }
        is [info_of $s total_error_replies] $errors
        like [info_of $s cmdstat_eval] "calls=1,*rejected_calls=0,failed_calls=$bad"
    }
}

# What others fall over.
case "any error, any value" {
    set s [server]
    foreach script {
        {error({})} {error({err = {}})} {error(function() end)} {error(true)} {error(nil)}
        {error({err = string.rep("x", 100000)})} {return {err = string.rep("\r\n", 1000)}}
        {return setmetatable({}, {__index = function() error("x") end})}
        {local t = {} t[1] = t return t} {return {map = setmetatable({}, {__index = error})}}
        {return redis.call("SET", "k" .. string.rep("x", 100000), "v", "bogus")}
        {return redis.call("XGROUP", "DELCONSUMER", string.rep("k", 100000), "g", "c")}
        {return {double = 0/0}} {return redis.error_reply(string.rep("\0", 10))}
        {redis.log(2, string.rep("x", 1e6), "\0\n")} {return redis.sha1hex(("x"):rep(1e6))}
        {return redis.call(unpack({"DEL"}, 1, 1))}
        {local t = {"DEL"} for i = 1, 7000 do t[#t + 1] = "k" .. i end return redis.call(unpack(t))}
        {return redis.call("\0", "\r\n")}
    } {
        set fd [connect $s] ;# some replies are deeper than read_reply
        send $fd EVAL $script 0
        truth {[gets $fd] ne ""}
        close $fd
    }
    is [ask $s PING] PONG
    is [ask $s EVAL {return 1} 0] 1
}

case "large texts in replies and replacements: others hear BUSY, it can be killed, and has a limit" {
    set s [server "busy-reply-threshold 50\nclient-output-buffer-limit normal 0 0 0"]
    foreach script {
        "local x = ('x'):rep(2e6) local t = {} for i = 1, 1e6 do t\[i\] = x end return t"
        "return #('x'):rep(1e6):gsub('', ('y'):rep(1e5))"
        "return #('x'):rep(1e6):gsub('x', function() return ('y'):rep(1e5) end)"
    } {
        set fd [connect $s]
        send $fd EVAL $script 0
        wait_for { catch { ask $s PING } reply }
        like $reply "BUSY *"
        is [ask $s SCRIPT KILL] OK
        truth {[catch { read_reply $fd } reply] && [string match "*Script killed by user*" $reply]}
        close $fd
    }
    set script "local x = ('x'):rep(1e6) local t = {} for i = 1, tonumber(ARGV\[1\]) do t\[i\] = x end return t"
    is [ask $s CONFIG SET script-max-memory 30mb] OK
    like [error_of $s EVAL $script 0 40] "*larger than script-max-memory*"
    set x [string repeat x 1000000]
    is [ask $s EVAL $script 0 20] [lrepeat 20 $x]
    is [ask $s EVAL "return {{{redis.call('ECHO', ARGV\[1\])}, ARGV\[1\]}, 7}" 0 $x] [list [list [list $x] $x] 7]
    # by way of a transaction, to RESP3, and to nobody
    is [ask $s MULTI] OK
    is [ask $s EVAL $script 0 2] QUEUED
    is [ask $s EVAL "return {1, 2}" 0] QUEUED
    is [ask $s EXEC] [list [list $x $x] {1 2}]
    send [set fd [connect $s]] CLIENT REPLY OFF
    send $fd EVAL $script 0 20
    send $fd CLIENT REPLY ON
    is [read_reply $fd] OK
}

case "settings of cjson outlive a state that a large script leaves behind" {
    set s [server]
    ask $s EVAL "cjson.encode_sparse_array(true) cjson.encode_max_depth(2)" 0
    is [ask $s EVAL "local t = {} for i = 1, 2e6 do t\[i\] = {i} end return #t" 0] 2000000
    is [ask $s EVAL "return #cjson.encode({\[1\]=1,\[1000\]=2})" 0] 16
    like [error_of $s EVAL "return cjson.encode({{{1}}})" 0] "*excessive nesting (3)*"
    ask $s SCRIPT FLUSH
    is [ask $s EVAL "return cjson.encode({{{1}}})" 0] {[[[1]]]}
}

finish
