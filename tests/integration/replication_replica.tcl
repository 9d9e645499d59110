# SPDX-License-Identifier: BSD-3-Clause
# A replica of ours: full and partial synchronisation from the installed redis-server, what it lets
# clients do, and what it does with a primary that dies, lies, or has lost its data.
source [file join [file dirname [info script]] lib.tcl]
source [file join [file dirname [info script]] lib holdfast.tcl]
source [file join [file dirname [info script]] lib dataset.tcl]
source [file join [file dirname [info script]] lib rdb_bytes.tcl]
source [file join [file dirname [info script]] lib primary.tcl]

set library "#!lua name=lib\nredis.register_function('f', function() return 1 end)"

# ---- full ----

foreach diskless {no yes} {
    foreach load {disabled on-empty-db swapdb} {
        case "full synchronisation, repl-diskless-sync $diskless, repl-diskless-load $load" {
            set p [peer "repl-diskless-sync $diskless"]
            fill $p
            ask $p FUNCTION LOAD $library
            set r [replica_of $p "repl-diskless-load $load"]
            wait_same $r $p
            is [lindex [syncs_of $p] 0] 1
            write_some $p 100
            wait_same $r $p
            # again, over what is there: and it is another primary's
            set q [peer "repl-diskless-sync $diskless"]
            write_some $q 50
            ask $q SET big [noise 1 3000000]
            follow $r $q
            wait_same $r $q
            is [ask $r FUNCTION LIST] {}
            is [glob -nocomplain [of $r dir]/temp-*] {}
        }
    }
}

case "clients are served while a data set is received, and writes go on" {
    set p [peer "rdb-key-save-delay 300\nrepl-diskless-sync yes"]
    write_some $p 5000
    set r [replica_of $p "repl-timeout 5"]
    wait_for { expr {[info_of $r master_sync_in_progress]} }
    is [lindex [ask $r ROLE] 3] sync
    set served 0
    while {![linked $r]} {
        ask $p INCR counter
        if {[catch { ask $r GET k:1 } got]} { like $got "LOADING*" }
        incr served
    }
    truth {$served > 20}
    wait_same $r $p
    is [lindex [syncs_of $p] 0] 1
}

case "what is received by way of the disk is the dump from then on, and survives a restart" {
    set p [peer]
    write_some $p 100
    set r [replica_of $p]
    wait_same $r $p
    truth {[file exists [of $r dir]/dump.rdb]}
    set dir [of $r dir]
    stop $r kill
    stop $p kill
    set r [server "replicaof 127.0.0.1 1" -dir $dir]
    is [ask $r DBSIZE] 107
    is [ask $r GET k:99] 99
}

case "rdb-del-sync-files: nothing stays where nothing else is kept" {
    set p [peer]
    write_some $p 10
    set r [replica_of $p "rdb-del-sync-files yes"]
    wait_same $r $p
    truth {![file exists [of $r dir]/dump.rdb]}
    set r2 [replica_of $p "rdb-del-sync-files yes\nsave 3600 100000"]
    wait_same $r2 $p
    truth {[file exists [of $r2 dir]/dump.rdb]}
    # and the next start does not miss it
    set r [restart $r kill "replicaof 127.0.0.1 [of $p port]"]
    wait_same $r $p
}

case "a replica with an append log: it is rewritten, goes on, and is what a start finds" {
    set p [peer]
    fill $p
    set r [replica_of $p "appendonly yes"]
    wait_same $r $p
    write_some $p 100
    ask $p MULTI
    ask $p INCR a
    ask $p INCR b
    ask $p EXEC
    ask $p SET gone x PX 1
    after 20
    catch { ask $p GET gone }
    wait_same $r $p
    wait_for { expr {![info_of $r aof_rewrite_in_progress] && [info_of $r aof_enabled]} }
    set dir [of $r dir]
    wait_same $r $p
    ask $r CONFIG SET appendfsync always
    stop $r kill
    set r [server "appendonly yes\nreplicaof 127.0.0.1 1" -dir $dir]
    tool 0 diff 127.0.0.1:[of $p port] 127.0.0.1:[of $r port]
}

# ---- the stream ----

case "all that a primary says is done: scripts, transactions, databases, expiry, big values" {
    set p [peer "maxmemory-policy allkeys-random"]
    set r [replica_of $p]
    wait_linked $r
    fill $p
    ask $p EVAL "for i = 1, 100 do redis.call('set', 's' .. i, i) end redis.call('spop', KEYS\[1\])" \
        1 set:text:100
    ask $p FUNCTION LOAD $library
    ask $p MULTI
    ask $p SELECT 5
    ask $p SET five 5
    ask $p SELECT 0
    ask $p SWAPDB 5 6
    ask $p EXEC
    ask $p SET large [noise 7 5000000]
    ask $p APPEND large [noise 8 100000]
    ask $p XADD stream * f v
    ask $p XGROUP CREATE stream g 0
    ask $p XREADGROUP GROUP g c STREAMS stream >
    ask $p XGROUP SETID stream g 0 ENTRIESREAD 0 ;# replicas of 7.0 are not told by XREADGROUP
    ask $p RENAME large larger
    ask $p COPY larger copy DB 3
    ask $p SPOP set:small:700 100
    ask $p INCRBYFLOAT float 1.1
    ask $p SET short x PX 5
    ask $p RESTORE restored 0 [ask $p DUMP larger]
    wait_same $r $p
    ask $p FLUSHDB
    wait_same $r $p
    write_some $p 100
    ask $p CONFIG SET maxmemory 1
    catch { ask $p SET x y }
    wait_same $r $p
    is [ask $r DBSIZE] [ask $p DBSIZE]
    is [info_of $r replica_commands_failed] 0
    is [lindex [syncs_of $p] 0] 1
}

case "keys expire when the primary says so, and are not seen before" {
    set p [peer]
    set r [replica_of $p]
    wait_linked $r
    ask $p DEBUG SET-ACTIVE-EXPIRE 0
    ask $p SET k v PX 1
    ask $p SET n 1 PX 1
    wait_for { expr {[ask $r DBSIZE] == 2} }
    after 5
    is [ask $r GET k] (nil)
    is [ask $r EXISTS k] 0
    is [ask $r DBSIZE] 2
    ask $p DEBUG SET-ACTIVE-EXPIRE 1
    wait_for { expr {[ask $r DBSIZE] == 0} }
}

case "messages, key events and MONITOR on a replica" {
    set p [peer]
    set r [replica_of $p "notify-keyspace-events KEA"]
    wait_linked $r
    set fd [connect $r]
    set m [connect $r]
    request $m MONITOR
    is [request $fd SUBSCRIBE chan __keyevent@0__:set] {subscribe chan 1}
    read_reply $fd
    ask $p PUBLISH chan hello
    is [read_reply $fd] {message chan hello}
    ask $p SET key x
    is [read_reply $fd] {message __keyevent@0__:set key}
    while {![string match {*"SET" "key" "x"*} [set line [read_reply $m]]]} {}
    close $fd
    close $m
}

case "WAIT and REPLCONF GETACK are answered" {
    set p [peer]
    set r [replica_of $p]
    wait_linked $r
    ask $p SET a b
    is [ask $p WAIT 1 60000] 1
    ask $p SET a c
    ask $p SET a d
    is [ask $p WAIT 1 60000] 1
    is [ask $r GET a] d
}

# ---- who may do what ----

case "a replica is read-only, unless it says otherwise" {
    set p [peer]
    ask $p SET k v
    set r [replica_of $p]
    wait_same $r $p
    is [error_of $r SET a b] "READONLY You can't write against a read only replica."
    like [error_of $r EVAL "return redis.call('set', 'a', 'b')" 0] \
        "READONLY You can't write against a read only replica.*"
    is [ask $r EVAL "return redis.call('get', 'k')" 0] v
    ask $r MULTI
    like [error_of $r SET a b] READONLY*
    like [error_of $r EXEC] EXECABORT*
    is [ask $r PUBLISH c m] 0
    is [ask $r CONFIG SET replica-read-only no] OK
    is [ask $r SET a b] OK
    ask $r SET k mine PX 1
    after 5
    is [ask $r GET k] (nil)
    is [ask $r SET k again] OK
    ask $p SET k theirs
    wait_for { expr {[ask $r GET k] eq "theirs"} }
    is [ask $r CONFIG SET replica-read-only yes] OK
    like [error_of $r SET a b] READONLY*
    is [ask $r REPLICAOF NO ONE] OK
    is [ask $r SET a b] OK
}

case "what was written on a writable replica moves no offset" {
    set p [peer]
    set r [replica_of $p "replica-read-only no\nappendonly yes"]
    wait_linked $r
    ask $p SET a 1
    wait_same $r $p
    for {set i 0} {$i < 100} {incr i} { ask $r SET mine:$i x }
    is [info_of $r slave_repl_offset] [info_of $p master_repl_offset]
    ask $r CLIENT KILL TYPE master
    ask $p SET a 2
    wait_for { expr {[ask $r GET a] == 2} }
    is [syncs_of $p] {1 1 0}
}

case "a stale replica serves what it has, or says that it is stale" {
    set p [peer]
    ask $p SET k v
    set r [replica_of $p]
    wait_same $r $p
    stop $p kill
    wait_for { expr {![linked $r]} }
    is [ask $r GET k] v
    ask $r CONFIG SET replica-serve-stale-data no
    set down "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'."
    is [error_of $r GET k] $down
    like [error_of $r SET k v] READONLY*
    like [ask $r INFO replication] *master_link_down_since_seconds:*
    is [ask $r CONFIG SET replica-serve-stale-data yes] OK
    is [ask $r GET k] v
}

case "REPLICAOF: words, answers, and what CONFIG and ROLE say" {
    set p [peer]
    set r [server "save \"\""]
    foreach words {{x abc} {x 70000} {x -1}} {
        is [error_of $r REPLICAOF {*}$words] "ERR Invalid master port"
    }
    is [ask $r REPLICAOF no one] OK
    is [ask $r ROLE] [ask $p ROLE]
    is [ask $r SLAVEOF 127.0.0.1 [of $p port]] OK
    is [ask $r REPLICAOF 127.0.0.1 [of $p port]] "OK Already connected to specified master"
    is [lindex [ask $r CONFIG GET replicaof] 1] "127.0.0.1 [of $p port]"
    wait_linked $r
    is [lrange [ask $r ROLE] 0 3] [list slave 127.0.0.1 [of $p port] connected]
    is [ask $r CONFIG REWRITE] OK
    like [slurp [of $r conf]] "*\nreplicaof 127.0.0.1 [of $p port]\n*"
    like [ask $r CLIENT LIST] "* flags=M *"
    is [ask $r REPLICAOF NO ONE] OK
    is [ask $r CONFIG REWRITE] OK
    truth {![string match *replicaof* [slurp [of $r conf]]]}
    is [lindex [ask $r CONFIG GET replicaof] 1] ""
    wait_for { expr {![string match "* flags=M *" [ask $r CLIENT LIST]]} }
    like [error_of $r CONFIG SET replicaof "127.0.0.1 1"] "*immutable*"
}

case "who waits is told when the server becomes a replica" {
    set p [peer]
    set r [server "save \"\""]
    set fd [connect $r]
    send $fd BLPOP list 0
    wait_for { expr {[info_of $r blocked_clients] == 1} }
    follow $r $p
    catch { read_reply $fd } got
    like $got "UNBLOCKED *"
    close $fd
}

case "a host by its name; none of that name is no harm" {
    set p [peer]
    ask $p SET k v
    set r [server "save \"\""]
    is [ask $r REPLICAOF localhost [of $p port]] OK
    wait_same $r $p
    is [ask $r REPLICAOF no.such.host.invalid 6379] OK
    wait_for { logged $r "*no address of no.such.host.invalid*" }
    is [ask $r GET k] v
    is [ask $r REPLICAOF 127.0.0.1 [of $p port]] OK
    wait_same $r $p
    is [syncs_of $p] {1 1 0}
}

case "a primary with a password, and with users" {
    set p [peer "requirepass secret\nuser repl on >pass +psync +replconf +ping"]
    set auth [connect $p]
    is [request $auth AUTH secret] OK
    set r [replica_of $p]
    wait_for { logged $r "*NOAUTH*" }
    truth {![linked $r]}
    is [ask $r CONFIG SET masterauth wrong] OK
    wait_for { logged $r "*Unable to AUTH to MASTER: -WRONGPASS*" }
    is [ask $r CONFIG SET masterauth secret] OK
    wait_linked $r
    request $auth SET k v
    wait_for { expr {[ask $r GET k] eq "v"} }
    ask $r CONFIG SET masteruser repl masterauth pass
    ask $r CLIENT KILL TYPE master
    request $auth SET k w
    wait_for { expr {[ask $r GET k] eq "w"} }
    close $auth
}

case "what the disk here does not take is not taken in, and comes later" {
    set p [peer]
    set r [replica_of $p "save 3600 1000000\nenable-protected-configs yes"]
    wait_linked $r
    file mkdir [of $r dir]/blocked.rdb/x
    ask $r CONFIG SET dbfilename blocked.rdb
    ask $r BGSAVE
    wait_for { expr {[info_of $r rdb_last_bgsave_status] eq "err"} }
    ask $p SET k v
    wait_for { logged $r "*Replica was unable to write command to disk*" }
    wait_for { expr {![linked $r]} }
    is [ask $r EXISTS k] 0
    ask $r CONFIG SET replica-ignore-disk-write-errors yes
    wait_for { expr {[ask $r GET k] eq "v"} }
    ask $r CONFIG SET replica-ignore-disk-write-errors no
    ask $p SET k w
    wait_for { expr {![linked $r]} }
    ask $r CONFIG SET dbfilename dump.rdb
    ask $r BGSAVE
    wait_same $r $p
    is [lindex [syncs_of $p] 0] 1
}

# ---- partial ----

case "a link that was cut goes on where it was, also in the middle of a transaction" {
    set p [peer "repl-backlog-size 10mb"]
    write_some $p 100
    set r [replica_of $p]
    wait_same $r $p
    for {set i 0} {$i < 10} {incr i} {
        ask $p SELECT [expr {$i % 3}]
        ask $p MULTI
        ask $p SET t:$i [noise $i 100000]
        ask $p INCR n
        ask $p EXEC
        ask $r CLIENT KILL TYPE master
        ask $p INCR n
    }
    ask $p SELECT 0
    wait_same $r $p
    is [lindex [syncs_of $p] 0] 1
    truth {[lindex [syncs_of $p] 1] >= 1}
}

case "promoted with REPLICAOF NO ONE; who followed with it goes on by partial synchronisation" {
    set p [peer]
    write_some $p 20
    set a [replica_of $p]
    set b [peer "replicaof 127.0.0.1 [of $p port]"]
    wait_same $a $p
    wait_same $b $p
    write_some $p 20
    wait_same $a $p
    wait_same $b $p
    # the peer is promoted, and ours follows it without a full synchronisation
    is [ask $b REPLICAOF NO ONE] OK
    write_some $b 30
    follow $a $b
    wait_same $a $b
    is [lrange [syncs_of $b] 0 1] {0 1}
    stop $p kill
    write_some $b 40
    wait_same $a $b
    is [info_of $a master_replid] [info_of $b master_replid]
    is [info_of $a master_replid2] [info_of $b master_replid2]
}

case "a restart in order goes on where it was" {
    set p [peer]
    write_some $p 50
    set r [replica_of $p "save 3600 1000000"]
    wait_same $r $p
    ask $p SELECT 4
    ask $p SET four 4
    wait_same $r $p
    set r [restart $r term "save 3600 1000000\nreplicaof 127.0.0.1 [of $p port]"]
    ask $p SET more 4
    ask $p SELECT 0
    wait_same $r $p
    is [syncs_of $p] {1 1 0}
}

# ---- primaries that fail ----

foreach {load marked} {disabled 0 disabled 1 swapdb 0 swapdb 1} {
    case "a data set that is damaged, or cut off, takes nothing away: $load, mark $marked" {
        set port [fake_primary]
        set r [fake_replica $port "repl-diskless-load $load"]
        set good [dump_bytes {a b c}]
        set fd [fake_accept]
        is [fake_greet $fd] {PSYNC ? -1}
        fake_full $fd $good $marked
        wait_linked $r
        is [ask $r DBSIZE] 3
        is [fake_heard $fd] {REPLCONF ACK 100}
        close $fd
        wait_for { expr {![linked $r]} }
        set other [dump_bytes {d e f g}]
        set faults [list [flipped $other 60] [flipped $other 200] [string range $other 0 200] \
            "not a dump at all" ${other}x]
        foreach bytes $faults {
            set fd [fake_accept]
            is [fake_greet $fd] "PSYNC $fake_id 101"
            fake_full $fd $bytes $marked
            catch { chan close $fd write }
            fake_wait_closed $fd
            wait_for { expr {[info_of $r replica_sync_fault] ne ""} }
            is [ask $r DBSIZE] 3
            is [ask $r GET a] value-of-a
        }
        set fd [fake_accept]
        fake_greet $fd
        fake_full $fd $other $marked
        wait_linked $r
        is [ask $r DBSIZE] 4
        is [info_of $r replica_sync_fault] ""
        close $fd
        fake_close
    }
}

case "a primary that dies at any byte of what it says" {
    set port [fake_primary]
    set r [fake_replica $port "repl-diskless-load disabled"]
    set good [dump_bytes {a}]
    set fd [fake_accept]
    fake_greet $fd
    fake_full $fd $good
    wait_linked $r
    close $fd
    set talk "+FULLRESYNC $fake_id 100\r\n\n\n\$[string length $good]\r\n$good"
    set step [expr {$long ? 1 : 23}]
    for {set n 0} {$n < [string length $talk]} {incr n $step} {
        set fd [fake_accept]
        fake_greet $fd
        fake_say $fd [string range $talk 0 $n-1]
        close $fd
        # the next try comes a second after it was noticed
        is [ask $r GET a] value-of-a
        if {$n > 200 && !$long} { incr n 40 }
    }
    set fd [fake_accept]
    fake_greet $fd
    fake_say $fd $talk
    wait_linked $r
    close $fd
    fake_close
}

case "a stream cut at any byte: whole units count, and only they" {
    set port [fake_primary]
    set r [fake_replica $port]
    set fd [fake_accept]
    fake_greet $fd
    fake_full $fd [dump_bytes {}]
    wait_linked $r
    set stream [encode {SELECT 2}][encode {SET a 1}][encode MULTI][encode {SET b 1}][encode \
        {INCR b}][encode EXEC][encode PING][encode {INCR c}]
    set ends {}
    set at 0
    foreach unit [list {{SELECT 2}} {{SET a 1}} {MULTI {SET b 1} {INCR b} EXEC} {PING} {{INCR c}}] {
        foreach words $unit { incr at [string length [encode $words]] }
        lappend ends $at
    }
    set sent 0
    set n 1
    while {$sent < [string length $stream]} {
        fake_say $fd [string range $stream $sent [expr {$sent + $n - 1}]]
        close $fd
        set fd [fake_accept]
        set whole 0
        foreach end $ends { if {$end <= $sent + $n} { set whole $end } }
        is [fake_greet $fd] "PSYNC $fake_id [expr {101 + $whole}]"
        set sent $whole
        set n [expr {$n + ($long ? 1 : 19)}]
        fake_say $fd "+CONTINUE\r\n"
    }
    ask $r SELECT 2
    is [ask $r GET a] 1
    is [ask $r GET b] 2
    is [ask $r GET c] 1
    is [info_of $r slave_repl_offset] [expr {100 + [string length $stream]}]
    close $fd
    fake_close
}

case "a primary that speaks nonsense is asked again, and what is here stays" {
    set port [fake_primary]
    set dir [tmpdir]
    spit $dir/dump.rdb [dump_bytes {a b}]
    set r [fake_replica $port "" -dir $dir]
    foreach text {"+FULLRESYNC\r\n" "+FULLRESYNC x 1\r\n" "+CONTINUE\r\n" "*1\r\n" "-ERR no\r\n"
                  "-NOMASTERLINK no\r\n" "-LOADING no\r\n" "+FULLRESYNC ID 5\r\n+OK\r\n"
                  "+FULLRESYNC ID 5\r\n\$-1\r\n" "+FULLRESYNC ID 5\r\n\$x\r\n"
                  "+FULLRESYNC ID 5\r\n-ERR out of memory\r\n" "+FULLRESYNC ID -5\r\n"} {
        set fd [fake_accept]
        fake_greet $fd
        fake_say $fd [string map "ID $fake_id" $text]
        fake_wait_closed $fd
        is [ask $r DBSIZE] 2
    }
    # a length that nobody has room for is a claim, not memory
    set fd [fake_accept]
    fake_greet $fd
    fake_say $fd "+FULLRESYNC $fake_id 5\r\n\$9223372036854775807\r\nREDIS0010"
    close $fd
    set fd [fake_accept]
    is [ask $r DBSIZE] 2
    # and so it is in the stream
    fake_greet $fd
    fake_full $fd [dump_bytes {c}]
    wait_linked $r
    fake_say $fd "*3\r\n\$3\r\nSET\r\n\$1\r\nk\r\n\$999999999999\r\nabc"
    is [ask $r DBSIZE] 1
    close $fd
    foreach text {"*-5\r\n" "hello\r\n" "*1\r\n+x\r\n" "*1\r\n\$99999999999999999\r\n"} {
        set fd [fake_accept]
        fake_greet $fd
        fake_say $fd "+CONTINUE\r\n$text"
        if {[string match "\\*-5*" $text]} { close $fd; continue }
        fake_wait_closed $fd
    }
    is [ask $r DBSIZE] 1
    fake_close
}

case "a primary that falls silent is given up after repl-timeout" {
    set port [fake_primary]
    set r [fake_replica $port "" ]
    ask $r CONFIG SET repl-timeout 1
    set fd [fake_accept]
    fake_wait_closed $fd
    set fd [fake_accept]
    fake_greet $fd
    fake_say $fd "+FULLRESYNC $fake_id 5\r\n\$100\r\nREDIS"
    fake_wait_closed $fd
    wait_for { logged $r "*Timeout receiving bulk data*" }
    set fd [fake_accept]
    fake_greet $fd
    fake_full $fd [dump_bytes {a}]
    wait_linked $r
    fake_wait_closed $fd
    wait_for { logged $r "*MASTER timeout: no data nor PING received*" }
    # newlines are signs of life
    ask $r CONFIG SET repl-timeout 2
    set fd [fake_accept]
    fake_greet $fd
    fake_say $fd "+FULLRESYNC $fake_id 200\r\n"
    for {set i 0} {$i < 30} {incr i} { after 100; fake_say $fd "\n" }
    set bytes [dump_bytes {a b}]
    fake_say $fd "\$[string length $bytes]\r\n$bytes"
    wait_linked $r
    is [ask $r DBSIZE] 2
    close $fd
    fake_close
}

case "REPLICAOF in the middle of a synchronisation" {
    set port [fake_primary]
    set p [peer]
    write_some $p 5
    set r [fake_replica $port]
    foreach text [list "" "+FULLRESYNC $fake_id 5\r\n" "+FULLRESYNC $fake_id 5\r\n\$100\r\nREDIS0010"] {
        set fd [fake_accept]
        fake_greet $fd
        fake_say $fd $text
        if {[string match *REDIS* $text]} {
            wait_for { expr {[info_of $r master_sync_read_bytes] == 9} }
        }
        is [ask $r REPLICAOF NO ONE] OK
        fake_wait_closed $fd
        is [ask $r SET mine x] OK
        is [ask $r REPLICAOF 127.0.0.1 $port] OK
    }
    set fd [fake_accept]
    fake_greet $fd
    follow $r $p
    fake_wait_closed $fd
    wait_same $r $p
    is [glob -nocomplain [of $r dir]/temp-*] {}
    fake_close
}

# ---- a primary that has lost its data ----

foreach load {disabled swapdb on-empty-db} {
    case "an empty primary of another history is not followed, repl-diskless-load $load" {
        set p [peer]
        write_some $p 10
        set port [of $p port]
        set r [replica_of $p "repl-diskless-load $load"]
        wait_same $r $p
        stop $p kill
        # it comes back without its data
        set dir [tmpdir]
        spit $dir/redis.conf "port $port\nbind 127.0.0.1\ndir $dir\nsave \"\"\nlogfile $dir/log\n\
repl-diskless-sync-delay 0"
        set pid [exec $peer_binary $dir/redis.conf &]
        set ::servers(back) [dict create pid $pid port $port dir $dir conf "" log_from 0]
        wait_up back
        wait_for { expr {[info_of $r replica_sync_fault] ne ""} }
        like [info_of $r replica_sync_fault] "*The data set of the primary is empty*"
        is [ask $r DBSIZE] 17
        is [ask $r GET k:3] 3
        truth {![linked $r]}
        is [ask $r CONFIG SET replica-follow-empty yes] OK
        wait_linked $r
        is [ask $r DBSIZE] 0
        # it has a history of its own now: emptied, it is followed
        write_some back 10
        wait_same $r back
        ask back FLUSHALL
        wait_same $r back
        stop back
    }
}

case "REPLICAOF to an empty server takes its data set, as it was told" {
    set p [peer]
    set r [server "save \"\""]
    write_some $r 10
    follow $r $p
    wait_linked $r
    is [ask $r DBSIZE] 0
    wait_same $r $p
}

case "a flushed primary whose backlog is over is the same history" {
    set p [peer "repl-backlog-size 16kb"]
    write_some $p 10
    set r [replica_of $p]
    wait_same $r $p
    signal STOP [of $r pid]
    ask $p CLIENT KILL TYPE replica
    ask $p SET big [noise 1 100000]
    ask $p FLUSHALL
    signal CONT [of $r pid]
    wait_for { expr {[lindex [syncs_of $p] 0] == 2} }
    wait_linked $r
    is [ask $r DBSIZE] 0
}

finish
