# SPDX-License-Identifier: BSD-3-Clause
# wait-for-replicas: nobody hears of a write before replicas have it, neither the one who wrote nor
# who reads; what it does when replicas are few, slow, silent, go or come back.
source [file join [file dirname [info script]] lib.tcl]
source [file join [file dirname [info script]] lib holdfast.tcl]
source [file join [file dirname [info script]] lib primary.tcl]

proc pair {config {of_replica ""}} {
    set p [ours $config]
    set r [ours "replicaof 127.0.0.1 [of $p port]\n$of_replica"]
    wait_same $r $p
    online $p 1
    return [list $p $r]
}
proc set_ {s args} { is [ask $s CONFIG SET {*}$args] OK }
# Nothing comes on fd, though others are answered meanwhile.
proc silent {fd p} {
    for {set i 0} {$i < 20} {incr i} { is [ask $p PING] PONG }
    fconfigure $fd -blocking 0
    set got [read $fd 1]
    fconfigure $fd -blocking 1
    is $got ""
}
set patient "wait-for-replicas-timeout 600000"

case "a write is answered when a replica has it" {
    lassign [pair "wait-for-replicas 1\n$patient"] p r
    for {set i 0} {$i < 100} {incr i} {
        is [ask $p SET key:$i $i] OK
        is [ask $r GET key:$i] $i
    }
    set fd [connect $p]
    signal STOP [of $r pid]
    send $fd SET a 1
    silent $fd $p
    signal CONT [of $r pid]
    is [read_reply $fd] OK
    is [ask $r GET a] 1
}

case "who reads it waits too, who reads something else does not" {
    lassign [pair "wait-for-replicas 1\n$patient"] p r
    is [ask $p SET before 1] OK
    set writer [connect $p]
    set reader [connect $p]
    signal STOP [of $r pid]
    send $writer SET a 1
    silent $writer $p
    send $reader GET a
    silent $reader $p
    is [ask $p GET before] 1
    is [ask $p ECHO text] text
    truth {[string match "*connected_clients*" [ask $p INFO clients]]}
    is [lindex [ask $p CONFIG GET wait-for-replicas] 1] 1
    signal CONT [of $r pid]
    is [read_reply $writer] OK
    is [read_reply $reader] 1
}

case "pipelines, transactions, scripts, waiting commands and messages" {
    lassign [pair "wait-for-replicas 1\n$patient"] p r
    set fd [connect $p]
    set waiter [connect $p]
    send $waiter BLPOP list 0
    wait_for { expr {[info_of $p blocked_clients] == 1} }
    signal STOP [of $r pid]
    send $fd GET a
    send $fd SET a 1
    send $fd PING
    send $fd MULTI
    send $fd INCR a
    send $fd RPUSH list x
    send $fd EXEC
    send $fd EVAL {return redis.call('incr', KEYS[1])} 1 a
    is [read_reply $fd] (nil)
    silent $fd $p
    silent $waiter $p
    signal CONT [of $r pid]
    is [lmap i {1 2 3 4 5 6 7} { read_reply $fd }] {OK PONG OK QUEUED QUEUED {2 1} 3}
    is [read_reply $waiter] {list x}
    is [ask $r GET a] 3
}

case "the larger number counts, and each connection may have its own" {
    lassign [pair "$patient"] p r
    set two [ours "replicaof 127.0.0.1 [of $p port]"]
    wait_same $two $p
    online $p 2
    set one [connect $p]
    set both [connect $p]
    set none [connect $p]
    is [request $one CLIENT WAIT-FOR-REPLICAS 1] OK
    is [request $both CLIENT WAIT-FOR-REPLICAS 2] OK
    signal STOP [of $two pid]
    is [request $none SET a 0] OK
    is [request $one SET a 1] OK
    send $both SET a 2
    silent $both $p
    is [request $none GET a] 2
    is [request $one SET b 1] OK
    signal CONT [of $two pid]
    is [read_reply $both] OK
    # Off again, and gone with its connection.
    is [request $both CLIENT WAIT-FOR-REPLICAS 0] OK
    signal STOP [of $two pid]
    is [request $both SET a 3] OK
    signal CONT [of $two pid]
    set_ $p wait-for-replicas 2
    signal STOP [of $two pid]
    send $none SET a 4
    silent $none $p
    set_ $p wait-for-replicas 1
    is [read_reply $none] OK
    send $one CLIENT WAIT-FOR-REPLICAS 2
    is [read_reply $one] OK
    send $one SET a 5
    silent $one $p
    close $one
    signal CONT [of $two pid]
    foreach n {-1 65 x 1.5} {
        is [error_of $p CLIENT WAIT-FOR-REPLICAS $n] \
            "ERR value is out of range, must be between 0 and 64"
    }
}

case "with too few replicas a write is refused, and what is there is read" {
    set p [ours]
    ask $p SET a 1
    set_ $p wait-for-replicas 2
    is [error_of $p SET a 2] \
        "NOREPLICAS 0 of the 2 replicas are online that are to have what is written"
    like [error_of $p EVAL {return redis.call('set', KEYS[1], 2)} 1 a] "NOREPLICAS 0 of the 2 *"
    is [ask $p GET a] 1
    set_ $p wait-for-replicas 0
    is [ask $p SET a 2] OK
}

case "what is not acknowledged in time: an error in its place, and the end" {
    lassign [pair "wait-for-replicas 1\nwait-for-replicas-timeout 200"] p r
    is [ask $p SET a 1] OK
    signal STOP [of $r pid]
    set fd [connect $p]
    set reader [connect $p]
    set other [connect $p]
    send $fd PING
    send $fd SET a 2
    send $fd LRANGE nothing 0 -1
    send $fd SET a 3
    is [read_reply $fd] PONG
    send $reader GET a
    send $other GET b
    is [read_reply $other] (nil)
    set error "-NOREPLICAS 1 replicas did not acknowledge in 200 ms what this shows: it is done\
               here, and may be lost"
    is [read_reply $fd 0] $error
    is [gets $fd] ""
    truth {[eof $fd]}
    is [read_reply $reader 0] $error
    is [read $reader] ""
    is [info_of $p wait_for_replicas_given_up] 2
    is [request $other PING] PONG
    signal CONT [of $r pid]
    set again [connect $p]
    is [request $again SET a 4] OK
    is [request $again GET a] 4
    is [ask $r GET a] 4
}

case "a large reply that is held back is dropped whole" {
    lassign [pair "wait-for-replicas 1\nwait-for-replicas-timeout 300"] p r
    for {set i 0} {$i < 200} {incr i} { ask $p RPUSH list [string repeat x 5000] }
    signal STOP [of $r pid]
    set fd [connect $p]
    send $fd RPUSH list y
    send $fd LRANGE list 0 -1
    like [read_reply $fd 0] "-NOREPLICAS *"
    is [read $fd] ""
    signal CONT [of $r pid]
    is [ask $p LLEN list] 201
}

case "a replica that goes and comes back, and another in its place" {
    lassign [pair "wait-for-replicas 1\n$patient"] p r
    signal STOP [of $r pid]
    set fd [connect $p]
    send $fd SET a 1
    silent $fd $p
    stop $r
    wait_for { expr {[info_of $p connected_slaves] == 0} }
    like [error_of $p SET b 1] "NOREPLICAS 0 of the 1 *"
    silent $fd $p
    set r [ours "replicaof 127.0.0.1 [of $p port]"]
    is [read_reply $fd] OK
    is [ask $r GET a] 1
    is [ask $p SET b 1] OK
    is [ask $r GET b] 1
    ask $p CLIENT KILL TYPE replica
    wait_for { expr {![catch { ask $p SET b 2 }]} }
    is [ask $r GET b] 2
}

case "a replica's disk is waited for" {
    set disk "appendonly yes"
    lassign [pair "wait-for-replicas 1\nwait-for-replicas-disk yes\n$patient" $disk] p r
    wait_for { expr {![info_of $r aof_rewrite_in_progress]} }
    set fd [connect $p]
    send $fd SET a 1
    is [read_reply $fd] OK
    set dir [of $r dir]
    stop $r
    set r [ours "appendonly yes" -dir $dir]
    is [ask $r GET a] 1
}

case "nothing is held back on a replica" {
    lassign [pair ""] p r
    set_ $r wait-for-replicas 1
    is [ask $p SET a 1] OK
    wait_for { expr {[ask $r GET a] eq 1} }
    is [ask $r CLIENT WAIT-FOR-REPLICAS 3] OK
    is [ask $r GET a] 1
    is [ask $r REPLICAOF NO ONE] OK
    like [error_of $r SET a 1] "NOREPLICAS 0 of the 3 *"
}

case "with appendfsync always both are waited for" {
    lassign [pair "appendonly yes\nappendfsync always\nwait-for-replicas 1\n$patient"] p r
    for {set i 0} {$i < 50} {incr i} { is [ask $p SET a $i] OK }
    is [ask $r GET a] 49
    is [ask $p WAITAOF 1 0 0] {1 0}
}

finish
