# SPDX-License-Identifier: BSD-3-Clause
# Random commands over few keys of every type. commands_of makes them of a line, batch several, each
# with the way its replies are compared in front. In a line
#
#   [a|b c|]   one of these    (x y)*   one to four times    a capital letter alone: see value_of
#                                                             (Q are sorted sets with one score, as
#                                                             ranges by text want)
#   =K         what K was last in this line    ;    another command, sent together with the first
#
# and @MODE before it says how replies are compared (pair.tcl). Needs chance.tcl of
# ../../integration/lib.
#
# Where 7.2 differs on purpose from 7.0: who reads, XCLAIMs or XAUTOCLAIMs in a group becomes a
# consumer though there is nothing to get (here it is made before), XREAD's text for words that are
# missing, and what XSETID refuses (not tried). Redis adds an element to a sketch that is damaged
# behind that one's place, and shows the byte behind its end; ours looks at all of it when several
# are added: those have keys of their own. A node of which MINID leaves only what was deleted before
# stays with Redis, without entries (in streams.tcl). RANDOMKEY deletes what it meets that has
# expired: SCAN does so first.

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
    "PEXPIRETIME K" "@sorted KEYS *" "@sorted KEYS [k?|*[1-3]]"
    "@shape SCAN 0 COUNT 100000 ; RANDOMKEY"
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
    "XADD K [||NOMKSTREAM] [||||MAXLEN [|~|=] C|MINID ~ D] M (E V)*"
    "XADD k[0|1] * (E V)*"
    "XADD K M a V b I" "XADD K M a V b I" "XADD K M a V b E" "XADD K M a V b E" "XADD K M (E V)*"
    "XADD K MAXLEN ~ C LIMIT C M a V" "XLEN K" "XDEL K (D)*" "XSETID k[0|1] 99999999999999-1"
    "XTRIM K MAXLEN [|~|=] [C|30|300]" "XTRIM K [MAXLEN 300|MINID D] LIMIT C"
    "XTRIM K [MAXLEN ~ C|MINID ~ D] LIMIT C" "XSETID k1 99999999999999-2 ENTRIESADDED 100000"
    "XRANGE K X X [|COUNT C]" "XREVRANGE K X X [|COUNT C]" "XRANGE K - +"
    "XREAD [|COUNT C] STREAMS [K D|K K D D|K $]" "@kind XREAD STREAMS K"
    "XGROUP CREATE K P [0|$|D] [|MKSTREAM] [||ENTRIESREAD C]" "XGROUP CREATE K P 0 MKSTREAM"
    "XGROUP CREATE K g 0 MKSTREAM" "XGROUP CREATECONSUMER K P U" "XGROUP DELCONSUMER K P U"
    "XGROUP SETID K P [$|0|D] [||ENTRIESREAD C]" "XGROUP DESTROY K h"
    "XREADGROUP GROUP P U STREAMS K $" "@kind XREADGROUP GROUP P U STREAMS K"
    "XGROUP CREATECONSUMER K P U ; XREADGROUP GROUP =P =U [|COUNT C] [|||NOACK] STREAMS =K [>|>|D]"
    "XGROUP CREATECONSUMER K g U ; XREADGROUP GROUP g =U STREAMS =K =K > [D|>]"
    "XACK K P (D)*" "XACK K g (D)*" "XPENDING K P" "XPENDING K P [|IDLE I] X X C [|U]"
    "XGROUP CREATECONSUMER K P U ; XCLAIM =K =P =U I (D)* [|IDLE I] [||RETRYCOUNT C] [|JUSTID]"
    "XGROUP CREATECONSUMER K P U ; XCLAIM =K =P =U 0 (D)* [|TIME B] [|FORCE] [||LASTID D]"
    "XGROUP CREATECONSUMER K P U ; XAUTOCLAIM =K =P =U [0|1000] [-|D] [|COUNT 3] [|JUSTID]"
    "@stream XINFO STREAM K [||FULL [|COUNT C]]" "@stream XINFO CONSUMERS K P"
    "@stream XINFO GROUPS K" "XINFO HELP x" "XINFO [NONE|STREAM|CONSUMERS|GROUPS] K K K"
    "PFADD p[0|1] (E)*" "PFADD p[0|1] (E)*" "PFADD K E" "PFADD K E" "PFADD K" "PFCOUNT (K)*"
    "PFCOUNT K" "PFMERGE K (K)*" "PFDEBUG [ENCODING|TODENSE|GETREG|NONE] K" "PFDEBUG DECODE p0"
    "GEOADD g[0|1] [|||NX|XX|NX XX] [|||CH] (G H E)*" "GEOADD g[0|1] (G H E)*" "GEOPOS K (E)*"
    "GEOADD K XX G H nobody" "GEOHASH K (E)*" "GEOPOS g[0|1] (E)*" "GEODIST g[0|1] E E"
    "GEOSEARCH g[0|1] FROMMEMBER E BYRADIUS Z km ASC" "GEORADIUSBYMEMBER K nobody Z km"
    "GEODIST K E E [||m|km|mi|ft|x]"
    "GEOSEARCH K [FROMMEMBER nobody|FROMLONLAT G H] [BYRADIUS Z|BYBOX Z Z] [km|km|m|x] [|ASC|DESC]"
    "GEOSEARCH K FROMLONLAT G H BYRADIUS Z km [|COUNT C|COUNT C ANY] [|WITHDIST] [|WITHHASH]"
    "GEOSEARCH K FROMLONLAT G H BYBOX Z Z km [|ASC] [|WITHCOORD] [|COUNT C]"
    "GEOSEARCHSTORE K K [FROMMEMBER nobody|FROMLONLAT G H] BYRADIUS Z km [|ASC COUNT C]"
    "GEORADIUS K G H Z km [|ASC|DESC] [|WITHDIST|STORE K] [||COUNT C]"
    "GEORADIUS_RO K G H Z mi [|WITHDIST|STORE K]" "GEORADIUSBYMEMBER_RO g[0|1] E Z ft [|WITHCOORD]"
    "GEORADIUSBYMEMBER g0 E Z km [|ASC|DESC] [|WITHHASH|STORE K] [||COUNT C]"
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
set pool(G) {13.361389 -180.1 x}
set pool(H) {38.115556 86 x}
set pool(Z) {0 1 50 100 200 500 2000 -1 x}
set pool(X) {- + - + - + (1-1 5 99999999999999 x D D D}
set pool(P) {g g g g h none}
set pool(U) {c c d}
set pool(Y) {u1 i1 u8 i8 u63 i64 i5 u13 u32 i33 i64 u64}
# No weights of 0 or below: they make -0 of 0, whose sign a small sorted set does not keep.
set pool(W) {1 2 0.5 0.25 3 inf x}

# Small: few keys of any type, few members. Large: keys of their own for each type, so that they
# grow over the small encodings.
set large 0
set few 12
set stream_ms 1
set any_longitude 1
proc family_of {line} {
    if {!$::large || [below 50] == 0} { return "" }
    foreach {family form} {l {L[^C]|RPUSH|RPOP}
        s {S(ADD|REM|CARD|IS|MI|MEM|MOVE|INTER|UNION|DIFF|RAND|SCAN)}
        h H z Z x X p PF g GEO} {
        if {[regexp "^(?:$form)" $line]} { return $family }
    }
    return ""
}

set family ""
proc value_of {letter} {
    switch $letter {
        K { return [expr {$::family eq "" ? "k[below $::few]" : "$::family[below 2]"}] }
        Q { return q[below 2] }
        E { if {$::large} { return [one_of [list e[below 600] [below 600] [below 2000]]] }
            set long_one [string repeat z [below 80]]
            return [one_of [list e[below 12] [below 30] e[below 200] a "" $long_one]] }
        D { return [expr {max(1, $::stream_ms - [below 20])}]-[below 2] }
        M {
            if {[below 8] == 0} { return [one_of {5-* 1-1 1-* 0-0 - x}] }
            return [incr ::stream_ms [below 2]]-*
        }
        G {
            set ::any_longitude [below 8]
            if {$::any_longitude} { return [format %.6f [expr {13 + 2 * rand()}]] }
        }
        H {
            # One of the two is any: of several members in one place COUNT takes any.
            if {!$::any_longitude || [below 8]} { return [format %.6f [expr {37 + 2 * rand()}]] }
        }
        T { if {[below 3]} { return [expr {1000000 + [below 1000000]}] } }
    }
    set value [one_of $::pool($letter)]
    if {[regexp {^[A-Z]$} $value]} { return [value_of $value] }
    return $value
}

# A line to commands, each a list of words.
proc commands_of {line} {
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
    set all {}
    foreach text [split $line ";"] {
        set words {}
        foreach word [regexp -all -inline {\S+} $text] {
            if {[regexp {^[A-Z]$} $word]} {
                set word [set last($word) [value_of $word]]
            } elseif {[regexp {^=([A-Z])$} $word -> letter]} {
                set word $last($letter)
            }
            lappend words $word
        }
        lappend all $words
    }
    return $all
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
        foreach words [commands_of $line] { lappend all [list $mode {*}$words] }
    }
    if {$multi} { lappend all {exact EXEC} }
    return $all
}
