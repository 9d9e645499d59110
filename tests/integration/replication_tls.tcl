# SPDX-License-Identifier: BSD-3-Clause
# Replication over TLS: servers of ours with each other and with the installed one, and primaries
# that are refused.
source [file join [file dirname [info script]] lib.tcl]
source [file join [file dirname [info script]] lib holdfast.tcl]
source [file join [file dirname [info script]] lib dataset.tcl]
source [file join [file dirname [info script]] lib primary.tcl]
source [file join [file dirname [info script]] lib tls.tcl]

set common "save \"\"\nenable-debug-command yes\nrepl-diskless-sync-delay 0\n"
proc ours {{config ""}} { return [tls_server $::common$config] }
proc theirs {{config ""}} { return [tls_server $::common$config -binary $::peer_binary] }
proc following {primary} { return "tls-replication yes\nreplicaof 127.0.0.1 [tls_port_of $primary]\n" }

foreach {from to} {ours ours theirs ours ours theirs} {
    foreach diskless {no yes} {
        foreach load {disabled swapdb} {
            case "$to from $from, repl-diskless-sync $diskless, repl-diskless-load $load" {
                set p [$from "repl-diskless-sync $diskless"]
                fill $p
                ask $p SET large [string repeat x 3000000]
                set r [$to "repl-diskless-load $load\n[following $p]"]
                wait_same $r $p
                write_some $p 300
                ask $p SET large2 [string repeat y 2000000]
                wait_same $r $p
                ask $r CLIENT KILL TYPE master
                write_some $p 200
                wait_same $r $p
                is [syncs_of $p] {1 1 0}
                # the other side is known by the port that it is to be reached at by TLS
                like [ask $p ROLE] "master * *127.0.0.1 [tls_port_of $r] *"
                is [ask $p WAIT 1 60000] 1
            }
        }
    }
}

case "a stream that is more than is read at a time, with epoll, too" {
    foreach loop {auto epoll} {
        set p [ours "event-loop $loop"]
        set r [ours "event-loop $loop\n[following $p]"]
        wait_linked $r
        for {set i 0} {$i < 40} {incr i} { ask $p SET k$i [string repeat $i 400000] }
        for {set i 0} {$i < 3000} {incr i} { ask $p RPUSH l $i }
        wait_same $r $p
        is [syncs_of $p] {1 0 0}
    }
}

case "ours that is replicated in the clear, from a primary over TLS" {
    set a [ours]
    write_some $a 50
    set b [ours [following $a]]
    set c [server "${common}replicaof 127.0.0.1 [of $b port]"]
    wait_same $b $a
    write_some $a 100
    wait_same $b $a
    wait_same $c $b
}

foreach {name lines why} {
    stranger "" "*certificate is refused: unable to get local issuer certificate*"
    expired "" "*certificate is refused: certificate has expired*"
    elsewhere "tls-verify-host yes\n" "*certificate is refused: IP address mismatch*"
} {
    case "a primary whose certificate is $name's is refused; another is let in" {
        set p [tls_server "$common[tls_lines $name]"]
        write_some $p 20
        set r [ours "$lines[following $p]"]
        ask $r CONFIG SET loglevel notice
        wait_for { logged $r $why }
        is [linked $r] 0
        is [ask $r DBSIZE] 0
        is [info_of $p sync_full] 0
        is [ask $p CONFIG SET tls-cert-file [pki two.crt] tls-key-file [pki two.key]] OK
        wait_same $r $p
    }
}

case "a name in a certificate is not looked at unless tls-verify-host says so" {
    set p [tls_server "$common[tls_lines elsewhere]"]
    set r [ours [following $p]]
    wait_same $r $p
    stop $r
    set r [ours "tls-verify-host yes\nreplicaof localhost [tls_port_of $p]\ntls-replication yes"]
    wait_for { logged $r "*certificate is refused: hostname mismatch*" }
    is [ask $p CONFIG SET tls-cert-file [pki one.crt] tls-key-file [pki one.key]] OK
    wait_same $r $p
}

case "a replica without a certificate, or with one of its own, and one that speaks in the clear" {
    set p [ours "tls-ca-cert-file [pki other_ca.crt]"]
    write_some $p 20
    set r [ours [following $p]]
    wait_for { logged $p "*Error accepting a client connection: *certificate is refused*" }
    is [linked $r] 0
    is [ask $r CONFIG SET tls-client-cert-file [pki stranger.crt] tls-client-key-file \
        [pki stranger.key]] OK
    wait_same $r $p
    stop $r
    set r [server "${common}replicaof 127.0.0.1 [tls_port_of $p]"]
    wait_for { logged $p "*what came is not TLS*" }
    is [linked $r] 0
    stop $r
    set r [ours "tls-replication yes\nreplicaof 127.0.0.1 [of $p port]"]
    wait_for { logged $r "*what came is not TLS*" }
}

finish
