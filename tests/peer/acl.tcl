# SPDX-License-Identifier: BSD-3-Clause
# Users: the same rules said to our server and to the installed one, and what follows compared: what
# ACL SETUSER refuses, every decision of generated users about commands, keys and channels by ACL
# DRYRUN, and what real calls, transactions and channels come to. SEED=n repeats a run.
#
# Where 7.2 differs on purpose from 7.0: the sentences name the user and say less of what is missing
# (as_7_0 turns ours back); rules about commands are shown as they were said, not worked out anew.
# Ours alone: %RW~* is shown as that (~* means something else); words between two opening
# parentheses are not passed over; a rule within a selector may not end in a parenthesis, a first
# word may hold no blank (neither could be read back); PFMERGE with nothing behind its key is asked
# about that, and of several STOREs of GEORADIUS all are looked at.
source [file join [file dirname [info script]] ../integration/lib.tcl]
source [file join [file dirname [info script]] ../integration/lib/chance.tcl]
source [file join [file dirname [info script]] lib/pair.tcl]

proc as_7_0 {text} {
    regsub {User \S* has no permissions} $text {this user has no permissions} text
    regsub {^(\$\d+\r\n)this user has} $text {\1This user has} text
    regsub {No permissions to access a (key|channel)} $text \
        {this user has no permissions to access one of the \1s used as arguments} text
    regsub {^\$\d+} $text "\$n" text
    return $text
}
proc ask_raw {handle args} {
    if {![info exists ::raw($handle)]} { set ::raw($handle) [connect $handle] }
    send $::raw($handle) {*}$args
    return [bytes_of [tree $::raw($handle)]]
}
proc same {words {on main}} {
    foreach fd [pair_fds $on] { send $fd {*}$words }
    lassign [lmap fd [pair_fds $on] { tree $fd }] x y
    if {[as_7_0 [bytes_of $x]] ne [regsub {^\$\d+} [bytes_of $y] "\$n"]} {
        error [told $words $x $y]
    }
    return [bytes_of $x]
}
# What GETUSER says, without the rules about commands.
proc same_user {name} {
    foreach fd [pair_fds main] { send $fd ACL GETUSER $name }
    foreach node [lmap fd [pair_fds main] { tree $fd }] {
        set fields {}
        foreach {key value} [lindex $node 1] {
            # 7.2 says it of each user, 7.0 of those who were told
            if {[lindex $key 0] eq "\$5\r\nflags\r\n"} {
                set flags [lmap flag [lindex $value 1] { bytes_of $flag }]
                lappend fields [lsearch -all -inline -not $flags *\r\nsanitize-payload*]
                continue
            }
            if {[lindex $key 0] eq "\$8\r\ncommands\r\n"} continue
            if {[lindex $key 0] ne "\$9\r\nselectors\r\n"} {
                lappend fields [bytes_of $value]
                continue
            }
            foreach selector [lindex $value 1] {
                lassign [lindex $selector 1] -> - - keys - channels
                lappend fields [bytes_of $keys] [bytes_of $channels]
            }
        }
        lappend shown $fields
    }
    is [lindex $shown 0] [lindex $shown 1]
}

case "rules: what is taken, what is refused and how" {
    pair_start
    set hash [string repeat 0a 32]
    set lines [list {} on off {on nopass} {resetpass} >x {>x <x} {<y} <x {>x >x >y} #$hash \
        !$hash !$hash {#12} {!12} "#[string repeat 0A 32]" reset {on nopass reset} \
        sanitize-payload {skip-sanitize-payload} {ON NoPass} foo on2 {""} ~ & + - > % {~a b} \
        {~a ~a} {%R~a %W~a} {~*} {~* ~x} {~* %R~x} {resetkeys ~x} {allkeys ~x} {%R~* ~x} \
        {resetkeys} {%X~a} {%~a} %R {%RR~a} %rw~c {&a &a} {&* &a} {resetchannels &a} \
        {allchannels &a} resetchannels {"&a b"} {+@all} {+@ALL} {-@all} {allcommands} \
        {nocommands} +get {+get -get} {+GET} +foo {+@foo} {+@} {-foo} {-@foo} {+@read -@fast} \
        {+@Read} {+config|get} {+CONFIG|GET} {+config|foo} {+config|} {+config|get|x} \
        {+config|get||} {+config|foo|x} {-config|get} {-config|foo} {+config -config|get} \
        {+select|0} {+select|} {+select|0|1} {-select|0} {+|x} {+command|foo} {+hello|3} {(} {)} \
        {()} {(+get} {(+get)x} {(on)} {(+get (x)} {( )} {(+get ~a)} {(+get ~a &b -set)} \
        {(~* ~a)} {(+foo)} clearselectors {(~a) (~b) clearselectors (~c)} {(reset)}]
    foreach rules $lines {
        set words {}
        foreach rule $rules { lappend words $rule }
        same [list ACL SETUSER u {*}$words]
        same_user u
        if {[below 3] == 0} { same {ACL SETUSER u reset} }
    }
    # several words make one selector
    foreach words {{( +get ~a )} {( +get} {(+get ~a) ~b (} {(~a +get) ~b ( +set )} {( ) )}
            {~x {on foo}}} {
        same [list ACL SETUSER v {*}$words]
        same_user v
    }
    foreach name {"" "a b" "a\tb" "a\0b" "\xc3\xa4" default} {
        same [list ACL SETUSER $name +get]
        same_user $name
    }
    set lines { {ACL USERS} {ACL WHOAMI} {ACL DELUSER x v default} {ACL USERS}
        {ACL DELUSER x v v} {ACL CAT} {ACL CAT foo} {ACL CAT a b} {ACL GENPASS 0}
        {ACL GENPASS 4097} {ACL GENPASS x} {ACL GENPASS 1 2} {ACL FOO} {ACL SAVE} {ACL LOAD}
        {ACL LOG x} {ACL LOG 1 2} {ACL LOG RESET} {ACL LOG} {ACL LOG -1} {ACL GETUSER nobody}
        {ACL DRYRUN nobody get x} {ACL DRYRUN u foo x} {ACL DRYRUN u get}
        {ACL DRYRUN u config foo} {ACL DRYRUN u config} {ACL} {ACL SETUSER} {ACL DELUSER}
        {ACL DRYRUN u} {ACL GETUSER u v} {ACL USERS x}}
    foreach words $lines {
        same $words
    }
    foreach {bits digits} {1 1 4 1 5 2 8 2 255 64 4096 1024} {
        foreach fd [pair_fds main] {
            set made [request $fd ACL GENPASS $bits]
            truth {[string length $made] == $digits && [string is xdigit $made]}
        }
    }
    stop $ours
    stop $peer
}

# ---- decisions ----

# K a key, C a channel, other words as they stand.
set calls {
    {GET K} {SET K v} {SET K v GET} {SET K v EX 10 GET} {GETSET K v} {GETDEL K} {GETEX K PERSIST}
    {APPEND K v} {STRLEN K} {INCR K} {MGET K K K} {MSET K v K v} {MSET K v K} {MSETNX K v}
    {DEL K K} {UNLINK K} {EXISTS K} {TYPE K} {TOUCH K} {RENAME K K} {COPY K K} {COPY K K DB 1}
    {MOVE K 1} {EXPIRE K 1} {TTL K} {DUMP K} {RESTORE K 0 x} {LPUSH K v} {LPOP K} {LLEN K}
    {LRANGE K 0 1} {LMOVE K K LEFT LEFT} {RPOPLPUSH K K} {BLPOP K K 0} {BRPOPLPUSH K K 0}
    {LMPOP 2 K K LEFT} {LMPOP 9 K K LEFT} {BLMPOP 0 2 K K LEFT} {LSET K 0 v} {SADD K v} {SREM K v}
    {SCARD K} {SMOVE K K v} {SINTER K K} {SINTERSTORE K K K} {SINTERCARD 2 K K} {SUNIONSTORE K K}
    {SDIFF K K} {SPOP K} {SRANDMEMBER K} {HSET K f v} {HGET K f} {HDEL K f} {HLEN K} {ZADD K 1 v}
    {ZRANGE K 0 1} {ZRANGESTORE K K 0 1} {ZUNION 2 K K} {ZUNIONSTORE K 2 K K} {ZUNIONSTORE K 0 K}
    {ZINTERSTORE K 2 K K WEIGHTS 1 2} {ZINTERCARD 1 K} {ZDIFFSTORE K 1 K} {ZMPOP 1 K MIN}
    {BZPOPMIN K 0} {ZPOPMIN K} {SETBIT K 0 1} {GETBIT K 0} {BITCOUNT K} {BITOP AND K K K}
    {BITOP NOT K K} {BITFIELD K GET u8 0} {BITFIELD K GET u8 0 SET u8 0 1}
    {BITFIELD K INCRBY u8 0 1} {BITFIELD K} {BITFIELD_RO K GET u8 0} {SORT K} {SORT K BY nosort}
    {SORT K STORE K} {SORT K LIMIT 0 1 STORE K} {SORT K GET # STORE K} {SORT_RO K}
    {SORT K BY STORE STORE K} {XADD K * f v} {XREAD STREAMS K 0} {XREAD COUNT 1 STREAMS K K 0 0}
    {XREAD STREAMS} {XREAD COUNT 1 K 0} {XREADGROUP GROUP g c STREAMS K K > >}
    {XREADGROUP GROUP STREAMS c STREAMS K >} {XLEN K} {XDEL K 1-1} {XACK K g 1-1}
    {XGROUP CREATE K g 0} {XGROUP DESTROY K g} {XINFO STREAM K} {XTRIM K MAXLEN 1}
    {XCLAIM K g c 0 1-1} {XPENDING K g} {XRANGE K - +} {PFADD K v} {PFCOUNT K K} {PFMERGE K K}
    {GEOADD K 1 1 v} {GEOSEARCH K FROMMEMBER v BYRADIUS 1 m}
    {GEOSEARCHSTORE K K FROMMEMBER v BYRADIUS 1 m} {GEORADIUS K 1 1 1 m}
    {GEORADIUS K 1 1 1 m STORE K} {GEORADIUS K 1 1 1 m WITHDIST STOREDIST K}
    {GEORADIUSBYMEMBER K v 1 m STORE K} {GEORADIUS_RO K 1 1 1 m} {OBJECT ENCODING K}
    {MEMORY USAGE K} {OBJECT HELP} {DEBUG OBJECT K} {WATCH K K} {LCS K K} {EVAL x 0} {EVAL x 1 K}
    {EVAL x 2 K K K} {EVAL x 9 K} {EVAL x -1 K} {EVAL x y K} {EVAL_RO x 1 K} {EVALSHA x 1 K}
    {FCALL f 1 K} {FCALL_RO f 1 K} {FCALL f 0} {PUBLISH C m} {SPUBLISH C m} {SUBSCRIBE C}
    {SUBSCRIBE C C} {PSUBSCRIBE C} {PSUBSCRIBE C C C} {SSUBSCRIBE C C} {UNSUBSCRIBE C}
    {UNSUBSCRIBE} {PUNSUBSCRIBE C} {SUNSUBSCRIBE C} {PUBSUB CHANNELS C} {PUBSUB NUMSUB C} {PING}
    {ECHO K} {AUTH x} {AUTH x y} {HELLO} {HELLO 3} {QUIT} {RESET} {SELECT 0} {SELECT 1}
    {CONFIG GET x} {CONFIG SET x y} {CONFIG RESETSTAT} {CLIENT ID} {CLIENT LIST} {CLIENT KILL x}
    {ACL WHOAMI} {ACL LIST} {COMMAND} {COMMAND COUNT} {COMMAND GETKEYS GET K} {FLUSHALL}
    {FLUSHDB ASYNC} {SWAPDB 0 1} {KEYS *} {SCAN 0} {RANDOMKEY} {DBSIZE} {INFO} {MULTI} {EXEC}
    {DISCARD} {WAIT 0 0} {SAVE} {SHUTDOWN NOSAVE} {SCRIPT LOAD x} {FUNCTION LIST} {LASTSAVE}
    {TIME}
}
set key_names {a ab abc b foo foo:1 foo:12345678 bar "" x* long:key:name:1 long:key:name:2}
set channel_names {a ab news news:1 * news* "" n?ws}
proc call {} {
    return [lmap word [one_of $::calls] {
        switch -- $word { K { one_of $::key_names } C { one_of $::channel_names } default { set word } }
    }]
}
proc rule {} {
    set command [one_of {get set mget mset del config config|get config|set client client|id select object
        object|encoding acl acl|whoami sort bitfield eval xread subscribe publish psubscribe multi auth georadius
        zunionstore script function command memory|usage}]
    switch [below 16] {
        0 - 1 { return ~[one_of {* a a* foo:* foo* b ?b [ab]* long:key:* long:key:name:1 {} \\x*}] }
        2 { return %R~[one_of {* a* foo:* foo:12345678 bar}] }
        3 { return %W~[one_of {* a* foo:* b long:key:name:*}] }
        4 { return %RW~[one_of {* ab foo:1*}] }
        5 { return &[one_of {* a a* news news* news:? n?ws {}}] }
        6 - 7 { return +$command }
        8 { return -$command }
        9 - 10 { return +@[one_of $::categories] }
        11 { return -@[one_of $::categories] }
        12 { return +[one_of {select|0 SELECT|1 get|a set|foo hello|3 eval|x client|id}] }
        13 { return [one_of {+@all -@all +@all +@all}] }
        14 { return [one_of {resetkeys resetchannels allkeys allchannels}] }
        15 { return [one_of {on off nopass reset}] }
    }
}
proc some_rules {} {
    set rules {}
    for {set i [below 7]} {$i >= 0} {incr i -1} {
        if {[below 6]} { lappend rules [rule]; continue }
        set inner {}
        for {set k [below 4]} {$k >= 0} {incr k -1} {
            set one [rule]
            if {$one ni {on off nopass reset}} { lappend inner $one }
        }
        lappend rules ([join $inner " "])
    }
    return $rules
}

case "decisions: generated users, commands, keys and channels" {
    set seed $::seed
    pair_start
    set categories [ask $ours ACL CAT]
    set denied 0
    set count [expr {$long ? 2000 : $sanitized ? 60 : 250}]
    for {set n 0} {$n < $count} {incr n} {
        set rules [some_rules]
        foreach fd [pair_fds main] { send $fd ACL SETUSER u reset {*}$rules }
        lassign [lmap fd [pair_fds main] { bytes_of [tree $fd] }] x y
        truth {$x eq $y || [error "seed $seed, $rules:\n$x$y"]}
        if {[string index $x 0] eq "-"} { continue }
        for {set k 0} {$k < 60} {incr k} {
            set words [call]
            if {[catch { same [list ACL DRYRUN u {*}$words] } reply]} {
                error "seed $seed, $rules: $reply"
            }
            incr denied [string match "*has no permissions*" $reply]
        }
        # What was said and is shown makes the same user again.
        if {$n % 8 == 0} {
            set line [lsearch -inline [ask $ours ACL LIST] "user u *"]
            ask $ours ACL SETUSER v reset {*}[lrange [split $line " "] 2 end]
            is [lsearch -inline [ask $ours ACL LIST] "user v *"] [regsub "user u" $line "user v"]
            for {set k 0} {$k < 20} {incr k} {
                set words [call]
                set of_v [ask_raw $ours ACL DRYRUN v {*}$words]
                is [string map {"User v" "User u"} $of_v] [ask_raw $ours ACL DRYRUN u {*}$words]
            }
        }
    }
    truth {$denied > 10 * $count}
    stop $ours
    stop $peer
}

case "decisions: every command that both have, by itself and by its categories" {
    pair_start
    set all {}
    foreach fd [pair_fds main] {
        set names {}
        foreach name [request $fd COMMAND LIST] {
            lappend names $name
            foreach sub [lindex [request $fd COMMAND INFO $name] 0 9] { lappend names [lindex $sub 0] }
        }
        lappend all $names
    }
    set both [lmap name [lindex $all 0] { if {$name ni [lindex $all 1]} continue; set name }]
    truth {[llength $both] > 250 || [error [llength $both]]}
    set categories [ask $ours ACL CAT]
    foreach name $both {
        set words [split $name |]
        foreach server [list $ours $peer] {
            set arity [lindex [ask $server COMMAND INFO $name] 0 1]
            while {[llength $words] < abs($arity)} { lappend words 1 }
        }
        set said($name) $words
    }
    set rules [concat [lmap c $categories { list +@$c }] [lmap c $categories { list +@all -@$c }]]
    foreach list $rules {
        same [list ACL SETUSER u reset allkeys allchannels {*}$list]
        foreach name $both {
            # 7.2 moved these between categories
            if {$name in {sort sort_ro wait quit lolwut ping} || [string match cluster* $name]} continue
            same [list ACL DRYRUN u {*}$said($name)]
        }
    }
    # No command is missed, and each alone allows what it should.
    foreach name $both {
        same {ACL SETUSER u reset allkeys allchannels}
        same [list ACL SETUSER u +$name]
        same [list ACL DRYRUN u {*}$said($name)]
        same [list ACL SETUSER u -$name]
        same [list ACL DRYRUN u {*}$said($name)]
        if {$name eq "pfmerge"} continue
        # with no keys, then: where each has its keys, and for what
        same [list ACL SETUSER u +@all resetkeys]
        same [list ACL DRYRUN u {*}$said($name)]
        foreach use {%R~1 %W~1} {
            same [list ACL SETUSER u resetkeys $use]
            same [list ACL DRYRUN u {*}$said($name)]
        }
    }
    stop $ours
    stop $peer
}

# ---- calls ----

proc log_of_denied {} {
    foreach server [list $::ours $::peer] {
        lappend logs [lmap entry [ask $server ACL LOG 100] {
            set got [dict create {*}$entry]
            lmap field {count reason context object username} { dict get $got $field }
        }]
    }
    is [lindex $logs 0] [lindex $logs 1]
    return [lindex $logs 0]
}

case "calls, transactions and logins are refused alike, and ACL LOG tells the same" {
    set seed $::seed
    pair_start
    set categories [ask $ours ACL CAT]
    foreach words {{ACL SETUSER u reset on >p} {AUTH u p}} { same $words [expr {[lindex $words 0] eq "AUTH" ? "c" : "main"}] }
    set plain {GET SET MGET MSET DEL STRLEN LPUSH LLEN SADD SORT ZADD PUBLISH ECHO TYPE EXISTS}
    set calls [lmap call $calls {
        if {[lindex $call 0] ni $plain} continue
        set call
    }]
    for {set n 0} {$n < ($sanitized ? 30 : 150)} {incr n} {
        set rules [some_rules]
        foreach fd [pair_fds main] { send $fd ACL SETUSER u resetkeys -@all {*}$rules on }
        lassign [lmap fd [pair_fds main] { bytes_of [tree $fd] }] x y
        truth {$x eq $y || [error "seed $seed, $rules"]}
        set multi [expr {$n % 5 == 0}]
        if {$multi} { same MULTI c }
        for {set k 0} {$k < 10} {incr k} {
            if {[catch { same [call] c } reply]} { error "seed $seed, $rules: $reply" }
        }
        if {$multi} { same EXEC c }
        if {[below 4] == 0} { same [one_of {{AUTH u x} {AUTH no x} {auth u y} {HELLO 2 AUTH no z}}] c }
        if {[below 4] == 0} {
            # queued with rights, run without
            foreach words {{ACL SETUSER u +@all allkeys allchannels}} { same $words }
            same MULTI c
            foreach words {{GET a} {PUBLISH news x} {SET b 1} {CONFIG GET maxmemory} {MGET a b foo}} { same $words c }
            same [list ACL SETUSER u [one_of {-get -config {%R~a} resetkeys}] resetchannels [one_of {resetkeys -@read -set}]]
            same EXEC c
        }
        # The log groups those of a minute; 7.2 too, and both look at the newest ten.
        if {[catch { log_of_denied } reply]} { error "seed $seed, $rules: $reply" }
        if {[below 10] == 0} { same {ACL LOG RESET} }
    }
    same {ACL LOG RESET}
    same {ACL SETUSER u reset on >p}
    same {GET a} c
    pair_later 59000
    same {GET b} c
    is [lindex [log_of_denied] 0 0] 2
    pair_later 61000
    same {GET b} c
    is [lmap e [log_of_denied] { lindex $e 0 }] {1 2}
    same {CONFIG SET acllog-max-len 1}
    is [llength [ask $ours ACL LOG]] 1 ;# at once; the peer waits for the next
    same {SET a b} c
    is [lindex [log_of_denied] 0 3] set
    same {CONFIG SET acllog-max-len 0}
    same {DEL a} c
    is [log_of_denied] {}
    stop $ours
    stop $peer
}

case "scripts have the rights of who runs them" {
    pair_start
    foreach {on words} {main {ACL SETUSER u reset on >p ~k* &ch +@all -flushall -config} c {AUTH u p}} { same $words $on }
    foreach {call ours_says} {
        {'get','x'} "No permissions to access a key" {'get','k'} "" {'flushall'} "User u has no permissions to run the 'flushall' command"
        {'publish','ch','m'} "" {'publish','other','m'} "No permissions to access a channel" {'mget','k','x'} "No permissions to access a key"
        {'config','get','x'} "*" {'set','k1','v'} "" {'del','y'} "No permissions to access a key"} {
        foreach fd [pair_fds c] { send $fd EVAL "return redis.pcall($call)" 0 }
        lassign [lmap fd [pair_fds c] { bytes_of [tree $fd] }] x y
        is [string index $x 0] [string index $y 0]
        if {$ours_says ni {"" "*"}} { is $x "-NOPERM ACL failure in script: $ours_says\r\n" }
        is [same [list EVAL "return redis.acl_check_cmd($call) and 1 or 0" 0] c] [expr {$ours_says eq "" ? ":1\r\n" : ":0\r\n"}]
    }
    foreach words {{EVAL "return redis.call('flushall')" 0} {EVAL "return 1" 1 x} {EVAL "return 1" 1 k}
        {EVAL "return redis.acl_check_cmd('get')" 0}} {
        foreach fd [pair_fds c] { send $fd {*}$words }
        lassign [lmap fd [pair_fds c] { bytes_of [tree $fd] }] x y
        is [string index $x 0] [string index $y 0]
    }
    truth {[llength [log_of_denied]] > 3}
    # SORT reads keys that no word names
    foreach words {{RPUSH k1 1 2} {SORT k1 BY w_*} {SORT k1 BY nosort} {SORT k1 GET #} {SORT k1 BY nosort GET x*} {SORT_RO k1 BY w_*}} { same $words c }
    foreach rules {{%R~*} {resetkeys ~k* (%R~* +get)} {clearselectors (%R~* +sort)} {clearselectors allkeys} {resetkeys ~k* %W~*}} {
        same [list ACL SETUSER u {*}$rules]
        foreach words {{SORT k1 BY w_*} {SORT k1 GET x*} {EVAL "return redis.call('sort','k1','get','x*')" 0}} {
            foreach fd [pair_fds c] { send $fd {*}$words }
            lassign [lmap fd [pair_fds c] { bytes_of [tree $fd] }] x y
            is [string index $x 0] [string index $y 0]
        }
    }
    stop $ours
    stop $peer
}

case "who listens to a channel that the user lost is closed, others are not" {
    set seed $::seed
    pair_start
    for {set n 0} {$n < ($sanitized ? 20 : 100)} {incr n} {
        same {ACL SETUSER u reset on nopass +@all allkeys allchannels}
        same {AUTH u x} c
        set kind [one_of {SUBSCRIBE PSUBSCRIBE SSUBSCRIBE}]
        same [list ACL SETUSER u resetchannels &a &a* &news:?]
        if {[below 2]} { same [list ACL SETUSER u resetchannels {*}[one_of {&* {&a &news* &n*} {&a* &news:1 &b}}]] }
        set name [one_of {a ab a* news:1 news:? b}]
        set reply [same [list $kind $name] c]
        set rules [one_of {{resetchannels &a} {resetchannels &a*} {resetchannels &a &a* &news:? &b} {&c}
            {resetchannels} {allchannels} {resetchannels (&a* +get)} {off} {resetchannels &news:1} {-@all} {reset}}]
        foreach fd [pair_fds main] { send $fd ACL SETUSER u {*}$rules }
        lassign [lmap fd [pair_fds main] { bytes_of [tree $fd] }] x y
        is $x $y
        # closed or not: who is closed says nothing any more
        foreach fd [pair_fds c] { catch { send $fd PING } }
        lassign [lmap fd [pair_fds c] { bytes_of [tree $fd] }] x y
        truth {[as_7_0 $x] eq $y || [error "seed $seed: $kind $name ($reply), $rules: $x / $y"]}
        pair_close c
    }
    same {ACL SETUSER u reset on nopass +@all allkeys}
    same {AUTH u x} c
    same {ACL DELUSER u}
    foreach fd [pair_fds c] { catch { send $fd PING } }
    foreach fd [pair_fds c] { is [bytes_of [tree $fd]] "(closed)" }
    stop $ours
    stop $peer
}

finish
