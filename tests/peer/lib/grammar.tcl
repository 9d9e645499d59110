# SPDX-License-Identifier: BSD-3-Clause
# Random commands over few keys of every type. words_of makes one of a line, batch several, each
# with the way its replies are compared in front. In a line
#
#   [a|b c|]   one of these    (x y)*   one to four times    a capital letter alone: see value_of
#                                                             (Q are sorted sets with one score, as
#                                                             ranges by text want)
#
# and @MODE before it says how replies are compared (pair.tcl). Needs chance.tcl of
# ../../integration/lib.

set lines {
    "SET K V [|NX|XX] [|GET] [||EX T|PX T|EXAT A|PXAT B|KEEPTTL]"
    "SET K V" "SET K I" "GET K" "@kind GETSET K V" "GETDEL K" "GETEX K [|EX T|PERSIST|PXAT B]"
    "APPEND K V" "STRLEN K" "INCR K" "DECR K" "INCRBY K I" "DECRBY K I" "INCRBYFLOAT K F"
    "SETRANGE K O V" "GETRANGE K O O" "SUBSTR K O O" "MGET (K)*" "MSET (K V)*" "MSETNX (K V)*"
    "SETNX K V" "SETEX K T V" "PSETEX K T V" "LCS K K [|LEN|IDX|IDX WITHMATCHLEN|IDX MINMATCHLEN I]"
    "DEL (K)*" "UNLINK (K)*" "EXISTS (K)*" "TYPE K" "TOUCH (K)*" "RENAME K K" "RENAMENX K K"
    "COPY K K [||REPLACE|DB 1|DB 1 REPLACE]" "MOVE K 1" "PERSIST K" "SWAPDB 0 1"
    "EXPIRE K T [|NX|XX|GT|LT|XX GT|XX LT]" "PEXPIRE K T [|NX|XX|GT|LT]" "EXPIREAT K A"
    "PEXPIREAT K B [|NX|GT|LT]" "TTL K" "PTTL K" "EXPIRETIME K"
    "PEXPIRETIME K" "@sorted KEYS *" "@sorted KEYS [k?|*[1-3]]" "@shape RANDOMKEY"
    "@scan SCAN 0 COUNT 100000 [|TYPE list|TYPE hash|MATCH k*]" "OBJECT REFCOUNT none"
    "LPUSH K (E)*" "RPUSH K (E)*" "LPUSH K (E)*" "RPUSH K (E)*" "LPUSHX K (E)*" "RPUSHX K (E)*"
    "LPOP K [||C]" "RPOP K [||C]" "LLEN K" "LINDEX K O" "LSET K O E" "LRANGE K O O" "LRANGE K 0 -1"
    "LINSERT K [BEFORE|AFTER] E E" "LREM K O E" "LTRIM K O O" "LMOVE K K [LEFT|RIGHT] [LEFT|RIGHT]"
    "RPOPLPUSH K K" "LMPOP [1 K|2 K K] [LEFT|RIGHT] [|COUNT C]"
    "LPOS K E [|RANK O] [|COUNT C] [|MAXLEN C]"
    "SADD K (E)*" "SADD K (E)*" "SADD K (E)*" "SREM K (E)*" "SCARD K" "SISMEMBER K E"
    "SMISMEMBER K (E)*" "@sorted SMEMBERS K" "SMOVE K K E" "@sorted SINTER (K)*"
    "@sorted SUNION (K)*" "@sorted SDIFF (K)*" "SINTERSTORE K (K)*" "SUNIONSTORE K (K)*"
    "SDIFFSTORE K (K)*" "SINTERCARD [1 K|2 K K|3 K K K] [|LIMIT C]" "@sorted SPOP K 1000"
    "@shape SRANDMEMBER K [||C|-3]" "@scan SSCAN K 0 COUNT 100000 [|MATCH *1*]"
    "HSET K (E V)*" "HSET K (E I)*" "HSET K (E V)*" "HMSET K (E V)*" "HSETNX K E V" "HGET K E"
    "HMGET K (E)*" "HDEL K (E)*" "HLEN K" "HEXISTS K E" "HSTRLEN K E" "@pairs HGETALL K"
    "@sorted HKEYS K" "@sorted HVALS K" "HINCRBY K E I" "HINCRBYFLOAT K E F"
    "@shape HRANDFIELD K [||C|-3|C WITHVALUES]" "@scanpairs HSCAN K 0 COUNT 100000 [|MATCH *1*]"
    "ZADD K [||NX|XX|GT|LT|XX GT|XX LT|NX GT] [|CH] (S E)*" "ZADD K (S E)*" "ZADD K (S E)*"
    "ZADD K [|NX|XX|GT|LT] INCR S E" "ZINCRBY K S E" "ZCARD K" "ZSCORE K E" "ZMSCORE K (E)*"
    "ZRANK K E" "ZREVRANK K E" "ZREM K (E)*" "ZCOUNT K R R" "ZLEXCOUNT Q L L"
    "ZRANGE K O O [|REV] [|WITHSCORES]" "ZRANGE K R R BYSCORE [|REV] [|LIMIT O O] [|WITHSCORES]"
    "ZRANGE Q L L BYLEX [|REV] [|LIMIT O O]" "ZREVRANGE K O O [|WITHSCORES]"
    "ZRANGEBYSCORE K R R [|WITHSCORES] [|LIMIT O O]" "ZREVRANGEBYSCORE K R R [|WITHSCORES]"
    "ZRANGEBYLEX Q L L [|LIMIT O O]" "ZREVRANGEBYLEX Q L L" "ZRANGESTORE K K O O [|REV]"
    "ZRANGESTORE K K R R BYSCORE [|REV] [|LIMIT O O]" "ZREMRANGEBYRANK K O O"
    "ZREMRANGEBYSCORE K R R" "ZREMRANGEBYLEX Q L L" "ZPOPMIN K [||C]" "ZPOPMAX K [||C]"
    "ZADD Q (0 E)*" "ZADD Q (0 E)*" "ZREM Q (E)*" "ZUNION 2 Q K WITHSCORES" "DEL Q"
    "ZMPOP [1 K|2 K K] [MIN|MAX] [|COUNT C]" "@shape ZRANDMEMBER K [||C|-3|C WITHSCORES]"
    "ZUNION 2 K K [|WEIGHTS W W] [|AGGREGATE MIN|AGGREGATE MAX] [|WITHSCORES]"
    "ZINTER 2 K K [|WEIGHTS W W] [|AGGREGATE MIN|AGGREGATE MAX] [|WITHSCORES]"
    "ZINTER 3 K K K" "ZDIFF 2 K K [|WITHSCORES]" "ZDIFF 3 K K K [|WITHSCORES]"
    "ZUNIONSTORE K 2 K K [|WEIGHTS W W] [|AGGREGATE MIN|AGGREGATE MAX]"
    "ZINTERSTORE K 2 K K [|WEIGHTS W W] [|AGGREGATE MIN|AGGREGATE MAX]" "ZDIFFSTORE K 2 K K"
    "SETBIT K N [0|1|1|x]" "SETBIT K N 1" "GETBIT K N" "BITCOUNT K [|J J|J J BIT]"
    "BITPOS K [0|1] [|J|J J|J J BIT]" "BITOP [AND|OR|XOR] K (K)*" "BITOP NOT K K"
    "BITFIELD K GET Y N SET Y N I" "BITFIELD_RO K GET Y N GET Y #C"
    "BITFIELD K [|OVERFLOW SAT|OVERFLOW FAIL] INCRBY Y N I INCRBY Y #C I" "BITFIELD K SET Y N I"
    "SORT K [|ALPHA] [ASC|DESC] [|LIMIT O O]" "SORT K ALPHA STORE K" "SORT_RO K [|ALPHA] LIMIT 0 C"
    "SORT K BY k* [ASC|DESC] GET # GET k*" "SORT K [|ALPHA] STORE K" "SORT K BY nosort STORE K"
    "SORT K BY k*->e1 [ASC|DESC] GET k*->a GET #" "SORT Q ALPHA GET # GET k*" "SORT Q BY nosort"
    "ZINTERCARD [1 K|2 K K] [|LIMIT C]" "@scanpairs ZSCAN K 0 COUNT 100000 [|MATCH *1*]"
}

set pool(V) [list v hello "" 10 -3 3.5 1e3 9223372036854775807 \
    [string repeat long 30] "a b" "\x00\xff" abc]
set pool(I) {1 2 -1 0 10 100 -100 9223372036854775807 -9223372036854775808 x 1.5 007}
set pool(F) {1 0.5 -2.25 1e3 x 100 0 -0.125}
set pool(O) {0 0 1 2 3 5 -1 -1 -2 -3 10 -100 100 x}
set pool(C) {0 1 1 2 3 5 100 -1 x}
set pool(T) {1000000 5000000 100000000 0 -1 x 9223372036854775807}
set pool(A) {33000000000 34000000000 1 0 x}
set pool(B) {33000000000000 34000000000123 1 x}
set pool(S) {0 1 1 2 3 -1 -5.5 100 2.25 inf -inf x nan 1e3}
set pool(R) {-inf +inf -inf +inf 1 (1 2 (3 -5.5 (inf 100 x}
set pool(L) {- + - + [a (a [e1 (e3 [e5 [10 x}
set pool(J) {0 0 1 2 3 5 -1 -1 -2 -3 10 -100 100 63 64 -64 1000 -9 17}
set pool(N) {0 1 7 8 9 63 64 100 1000 3000 3 17 x -1}
set pool(Y) {u1 i1 u8 i8 u63 i64 i5 u13 u32 i33 i64 u64}
# No weights of 0 or below: they make -0 of 0, whose sign a small sorted set does not keep.
set pool(W) {1 2 0.5 0.25 3 inf x}

# Small: few keys of any type, few members. Large: keys of their own for each type, so that they
# grow over the small encodings.
set large 0
proc family_of {line} {
    if {!$::large || [below 50] == 0} { return "" }
    foreach {family form} {l {L[^C]|RPUSH|RPOP}
        s {S(ADD|REM|CARD|IS|MI|MEM|MOVE|INTER|UNION|DIFF|RAND|SCAN)} h H z Z} {
        if {[regexp "^(?:$form)" $line]} { return $family }
    }
    return ""
}

proc value_of {letter} {
    switch $letter {
        K { return [expr {$::family eq "" ? "k[below 12]" : "$::family[below 2]"}] }
        Q { return q[below 2] }
        E { if {$::large} { return [one_of [list e[below 600] [below 600] [below 2000]]] }
            set long_one [string repeat z [below 80]]
            return [one_of [list e[below 12] [below 30] e[below 200] a "" $long_one]] }
        T { if {[below 3]} { return [expr {1000000 + [below 1000000]}] } }
    }
    return [one_of $::pool($letter)]
}

# A line to a list of words.
proc words_of {line} {
    while {[regexp -indices {\[[^\[\]]*?\|[^\[\]]*\]} $line at]} {
        lassign $at from to
        set chosen [one_of [split [string range $line [expr {$from + 1}] [expr {$to - 1}]] |]]
        set line [string replace $line $from $to $chosen]
    }
    while {[regexp -indices {\(([^()]*)\)\*} $line at inner]} {
        set times [expr {1 + [below [expr {$::large ? 60 : 4}]]}]
        set text [string repeat "[string range $line {*}$inner] " $times]
        set line [string replace $line {*}$at $text]
    }
    set words {}
    foreach word [regexp -all -inline {\S+} $line] {
        if {[regexp {^[A-Z]$} $word]} { set word [value_of $word] }
        lappend words $word
    }
    return $words
}

# A batch is sent at once. Some stand in MULTI and EXEC, where replies are compared as bytes.
proc batch {size} {
    set all {}
    set multi [expr {[below 10] == 0}]
    if {$multi} { lappend all {exact MULTI} }
    for {set i 0} {$i < $size} {incr i} {
        set line [one_of $::lines]
        set mode exact
        regexp {^@(\S+) (.*)$} $line -> mode line
        if {$multi && $mode ne "exact"} continue
        set ::family [family_of $line]
        lappend all [list $mode {*}[words_of $line]]
    }
    if {$multi} { lappend all {exact EXEC} }
    return $all
}
