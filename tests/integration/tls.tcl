# SPDX-License-Identifier: BSD-3-Clause
# Clients over TLS: the tools people have, what they can do, who is refused, and certificates that
# change while the server runs.
source [file join [file dirname [info script]] lib.tcl]
source [file join [file dirname [info script]] lib holdfast.tcl]
source [file join [file dirname [info script]] lib tls.tcl]

proc logged {s pattern} { string match $pattern [log_of $s] }
proc big {n} { string range [string repeat "0123456789abcdefghijklmnopqrstuvwxyz\r\n" [expr {$n / 38 + 1}]] 0 $n-1 }

foreach loop {auto epoll poll} {
    set lines "event-loop $loop\nenable-debug-command yes"

    case "redis-cli and redis-benchmark ($loop)" {
        set s [tls_server $lines]
        is [tls_cli $s SET greeting hello] OK
        is [tls_cli $s GET greeting] hello
        is [ask $s GET greeting] hello
        set file [tmpdir]/value
        spit $file [big 3000000]
        is [exec redis-cli -p [tls_port_of $s] {*}[cli_words] -x SET large < $file 2>@1] OK
        truth {[ask $s GET large] eq [big 3000000]}
        foreach {n more} {20000 {-P 16} 2000 {-c 20} 60 {-d 1000000 -c 3}} {
            set said [exec redis-benchmark -p [tls_port_of $s] {*}[cli_words] -n $n {*}$more -t set,get -q \
                2>@1]
            is [regexp -all {requests per second} $said] 2
        }
        wait_for { expr {[info_of $s connected_clients] == 1} }
        like [ask $s INFO server] "*name=tls,bind=127.0.0.1,port=[tls_port_of $s]*"
        like [log_of $s] "*Ready to accept connections tls*"
    }

    case "pipelines, large values, a good-bye behind them ($loop)" {
        set s [tls_server $lines]
        set c [tls_connect $s]
        set all ""
        for {set i 0} {$i < 3000} {incr i} { append all [encode [list SET k$i [big [expr {$i % 400}]]]] }
        puts -nonewline $c $all
        flush $c
        for {set i 0} {$i < 3000} {incr i} { is [read_reply $c] OK }
        is [request $c SET large [big 5000000]] OK
        truth {[request $c GET large] eq [big 5000000]}
        # all of it comes, and then the end, though the socket does not take it at once
        puts -nonewline $c [encode {GET large}][encode {GET large}][encode QUIT]
        flush $c
        truth {[read_reply $c] eq [big 5000000]}
        truth {[read_reply $c] eq [big 5000000]}
        is [read_reply $c] OK
        is [gets $c] ""
        truth {[eof $c]}
        hang_up $c
    }

    case "messages, waiting, MONITOR, and what CLIENT says of it ($loop)" {
        set s [tls_server $lines]
        set hears [tls_connect $s]
        set waits [tls_connect $s]
        set sees [tls_connect $s]
        is [request $hears SUBSCRIBE news] {subscribe news 1}
        is [request $sees MONITOR] OK
        send $waits BLPOP list 0
        wait_for { expr {[info_of $s blocked_clients] == 1} }
        is [ask $s PUBLISH news [big 200000]] 1
        is [read_reply $hears] [list message news [big 200000]]
        # what it sends meanwhile stays where it is
        puts -nonewline $waits [encode {ECHO later}][encode {ECHO last}]
        flush $waits
        is [ask $s RPUSH list x] 1
        is [read_reply $waits] {list x}
        is [read_reply $waits] later
        is [read_reply $waits] last
        wait_for { string match {*"BLPOP" "list" "0"} [read_reply $sees] }
        is [request $waits CLIENT SETNAME waiter] OK
        like [ask $s CLIENT LIST] "*laddr=127.0.0.1:[tls_port_of $s]*name=waiter*"
        is [ask $s CLIENT KILL ADDR [lindex [regexp -inline {addr=(\S+)[^\n]*name=waiter} \
            [ask $s CLIENT LIST]] 1]] 1
        truth {[is_refused $waits]}
        # one that waits and goes is noticed
        send $hears UNSUBSCRIBE news
        read_reply $hears
        send $hears BLPOP list 0
        wait_for { expr {[info_of $s blocked_clients] == 1} }
        exec sh -c "kill -KILL [pid $hears]"
        wait_for { expr {[info_of $s blocked_clients] == 0} }
        hang_up $hears
        hang_up $sees
    }

    case "one that does not read is closed at its limit ($loop)" {
        set s [tls_server "$lines\nclient-output-buffer-limit pubsub 2mb 0 0"]
        set c [tls_connect $s]
        is [request $c SUBSCRIBE news] {subscribe news 1}
        wait_for {
            ask $s PUBLISH news [big 300000]
            expr {[info_of $s connected_clients] == 1}
        }
        hang_up $c
        is [ask $s PING] PONG
    }

    case "silence and plain text at the TLS port ($loop)" {
        set s [tls_server $lines]
        set mute [socket 127.0.0.1 [tls_port_of $s]]
        set half [socket 127.0.0.1 [tls_port_of $s]]
        fconfigure $half -translation binary -buffering none
        puts -nonewline $half "\x16\x03\x01\x02" ;# a record begins
        set plain [socket 127.0.0.1 [tls_port_of $s]]
        fconfigure $plain -translation binary -buffering none
        puts -nonewline $plain "*1\r\n\$4\r\nPING\r\n"
        truth {![string match "*PONG*" [read $plain]]} ;# until it ends
        close $plain
        wait_for { logged $s "*Error accepting a client connection: what came is not TLS (addr=127.0.0.1:*" }
        # one that comes and goes without a word is no news
        close [socket 127.0.0.1 [tls_port_of $s]]
        is [tls_cli $s PING] PONG ;# nobody waits for the others
        wait_for { expr {[info_of $s connected_clients] == 1} }
        is [read $mute] ""
        read $half
        close $mute
        close $half
        is [regexp -all {Error accepting} [log_of $s]] 3
        is [regexp -all {no TLS handshake in 10 seconds} [log_of $s]] 2
    }
}

# ---- who is refused ----
case "certificates that are refused, and why" {
    set s [tls_server]
    truth {![is_refused [tls_connect $s two]]}
    truth {![is_refused [tls_connect $s elsewhere]]} ;# names of clients are not looked at
    foreach {name why} {
        stranger "unable to get local issuer certificate"
        expired "certificate has expired"
        "" "peer did not return a certificate"
    } {
        truth {[is_refused [tls_connect $s $name]]}
        wait_for { logged $s "*Error accepting a client connection: *$why*" }
    }
    is [ask $s CONFIG SET tls-auth-clients optional] OK
    truth {![is_refused [tls_connect $s ""]]}
    truth {[is_refused [tls_connect $s stranger]]}
    is [ask $s CONFIG SET tls-auth-clients no] OK
    truth {![is_refused [tls_connect $s ""]]}
    truth {![is_refused [tls_connect $s stranger]]}
    wait_for { expr {[info_of $s connected_clients] == 1} }
}

case "protocols and ciphers" {
    set s [tls_server "tls-protocols TLSv1.3"]
    truth {[is_refused [tls_connect $s one -tls1_2]]}
    truth {![is_refused [tls_connect $s one -tls1_3]]}
    is [ask $s CONFIG SET tls-protocols "TLSv1.2" tls-ciphers ECDHE-ECDSA-AES128-GCM-SHA256] OK
    truth {[is_refused [tls_connect $s one -tls1_3]]}
    truth {[is_refused [tls_connect $s one -tls1_2 -cipher ECDHE-ECDSA-AES256-GCM-SHA384]]}
    truth {![is_refused [tls_connect $s one -tls1_2 -cipher ECDHE-ECDSA-AES128-GCM-SHA256]]}
    is [ask $s CONFIG SET tls-protocols "" tls-ciphers "" tls-ciphersuites TLS_AES_128_GCM_SHA256 \
        tls-prefer-server-ciphers yes tls-session-caching no] OK
    truth {[is_refused [tls_connect $s one -tls1_3 -ciphersuites TLS_AES_256_GCM_SHA384]]}
    truth {![is_refused [tls_connect $s one -tls1_3 -ciphersuites TLS_AES_128_GCM_SHA256]]}
}

# ---- while it runs ----
case "new certificates, without a restart; those who are there stay" {
    set s [tls_server]
    set old [tls_connect $s]
    is [request $old PING] PONG
    is [ask $s CONFIG SET tls-cert-file [pki stranger.crt] tls-key-file [pki stranger.key]] OK
    is [request $old PING] PONG
    truth {[is_refused [tls_connect $s one]]} ;# the client does not know that authority
    truth {![is_refused [tls_connect $s one -CAfile [pki other_ca.crt]]]}
    # the same names, other files
    set dir [tmpdir]
    proc install {name} {
        upvar dir dir
        foreach kind {crt key} { file copy -force [pki $name.$kind] $dir/now.$kind }
    }
    install one
    is [ask $s CONFIG SET tls-cert-file $dir/now.crt tls-key-file $dir/now.key] OK
    truth {![is_refused [tls_connect $s one]]}
    install stranger
    truth {![is_refused [tls_connect $s one]]}
    is [ask $s CONFIG SET tls-cert-file $dir/now.crt] OK
    truth {[is_refused [tls_connect $s one]]}
    is [request $old PING] PONG
    hang_up $old
}

case "a bad one changes nothing, and the error says which, and why" {
    set s [tls_server]
    set before [ask $s CONFIG GET tls-*]
    foreach {pairs why} {
        {tls-cert-file NOWHERE} "*tls-cert-file *nowhere: No such file or directory"
        {tls-key-file two.key} "*tls-key-file *two.key: the key does not match the certificate (tls-cert-file *one.crt)"
        {tls-cert-file two.crt} "*tls-key-file *one.key: the key does not match the certificate (tls-cert-file *two.crt)"
        {tls-cert-file expired.crt tls-key-file expired.key} "*tls-cert-file *expired.crt: the certificate expired on Jan*2021*"
        {tls-key-file locked.key} "*tls-key-file *locked.key: it is encrypted, and tls-key-file-pass is not set"
        {tls-key-file locked.key tls-key-file-pass =wrongword} "*tls-key-file *locked.key: tls-key-file-pass does not open it"
        {tls-key-file one.crt} "*tls-key-file *one.crt: no private key can be read from it (*)"
        {tls-cert-file one.key} "*tls-cert-file *one.key: no certificate can be read from it (*)"
        {tls-ca-cert-file one.key} "*tls-ca-cert-file *one.key: no certificate can be read from it (*)"
        {tls-ca-cert-file NOWHERE} "*tls-ca-cert-file *nowhere: No such file or directory"
        {tls-ca-cert-file =} "*Either tls-ca-cert-file or tls-ca-cert-dir must be specified*"
        {tls-cert-file =} "*No tls-cert-file configured!"
        {tls-client-cert-file one.crt} "*tls-client-cert-file and tls-client-key-file*"
        {tls-client-cert-file one.crt tls-client-key-file two.key} "*tls-client-key-file *two.key: the key does not match the certificate (tls-client-cert-file *"
        {tls-protocols =SSLv2} "*tls-protocols SSLv2: *"
        {tls-ciphers =nonesuch} "*tls-ciphers nonesuch: *"
        {tls-dh-params-file one.crt} "*tls-dh-params-file *one.crt: *"
        {tls-ca-cert-dir NOWHERE} "*tls-ca-cert-dir *nowhere: No such file or directory"
    } {
        set words {}
        foreach {option value} $pairs {
            lappend words $option [expr {[string index $value 0] eq "=" ? [string range $value 1 end]
                                         : $value eq "NOWHERE" ? [pki nowhere] : [pki $value]}]
        }
        set said [error_of $s CONFIG SET {*}$words]
        like $said "ERR CONFIG SET failed (possibly related to argument 'tls-*') - $why"
        like [log_of $s] "*Failed to configure TLS: $why*"
        is [ask $s CONFIG GET tls-*] $before
        truth {![is_refused [tls_connect $s one]]}
    }
    truth {![string match *wrongword* [log_of $s]]}
    # another option of the same CONFIG SET fails behind it
    set taken [socket -server {apply {{args} {}}} -myaddr 127.0.0.1 0]
    set port [lindex [fconfigure $taken -sockname] 2]
    set free [free_port]
    like [error_of $s CONFIG SET tls-cert-file [pki stranger.crt] tls-key-file [pki stranger.key] \
        tls-port $port] "*Unable to listen on this port*"
    close $taken
    is [ask $s CONFIG GET tls-*] $before
    truth {![is_refused [tls_connect $s one]]}
    is [ask $s CONFIG SET tls-key-file [pki locked.key] tls-key-file-pass sesame] OK
    truth {![is_refused [tls_connect $s one]]}
    is [ask $s CONFIG REWRITE] OK
    like [slurp [of $s conf]] "*tls-key-file-pass*sesame*"
    truth {![string match *sesame* [log_of $s][ask $s SLOWLOG GET]]}
}

case "TLS begins and ends while the server runs" {
    set s [server]
    set port [free_port]
    set ::tls_ports($s) $port
    is [info_of $s tcp_port] [of $s port]
    like [error_of $s CONFIG SET tls-port $port] "*No tls-cert-file configured!"
    is [lindex [ask $s CONFIG GET tls-port] 1] 0
    is [ask $s CONFIG SET tls-port $port tls-cert-file [pki one.crt] tls-key-file [pki one.key] \
        tls-ca-cert-file [pki ca.crt]] OK
    set c [tls_connect $s]
    is [request $c PING] PONG
    is [request $c CONFIG SET port 0] OK ;# nobody is served in the clear any more
    truth {[catch { socket 127.0.0.1 [of $s port] }]}
    is [tls_cli $s INFO server | tr -d "\r" | grep ^tcp_port] tcp_port:$port
    is [tls_cli $s SET k v] OK
    is [request $c CONFIG SET port [of $s port]] OK
    is [request $c CONFIG SET bind "127.0.0.1 ::1"] OK
    is [tls_cli $s GET k] v
    is [request $c CONFIG SET tls-port 0] OK
    truth {[catch { socket 127.0.0.1 $port }]}
    is [request $c PING] PONG
    hang_up $c
    is [ask $s CONFIG SET tls-cert-file ""] OK
}

case "at start: only TLS, an old certificate, and what is not enough" {
    set dir [tmpdir]
    set port [free_port]
    lassign [server "tls-port $port" -fails 1] code text
    is $code 1
    like $text "*No tls-cert-file configured!*"
    lassign [server "tls-port $port\n[tls_lines]tls-key-file [pki two.key]" -fails 1] code text
    is $code 1
    like $text "*does not match the certificate*"
    lassign [server "tls-port $port\n[tls_lines]tls-protocols TLSv9" -fails 1] code text
    is $code 1
    set s [server "tls-port $port\n[tls_lines expired]"]
    like [log_of $s] "*tls-cert-file: the certificate expired on*"
    set ::tls_ports($s) $port
    is [exec redis-cli -p $port {*}[cli_words] --insecure PING 2>@1] PONG
    like [error_of $s CONFIG SET tls-cert-file [pki expired.crt]] "*expired on*"
    stop $s
    # without the other port
    spit $dir/conf "port 0\ntls-port $port\nbind 127.0.0.1\ndir \"$dir\"\nlogfile \"$dir/log\"\n[tls_lines]"
    set pid [exec [file join $build redis-server] $dir/conf >>$dir/log 2>>$dir/log </dev/null &]
    wait_for { expr {![catch { exec redis-cli -p $port {*}[cli_words] PING } said] && $said eq "PONG"} }
    signal TERM $pid
    wait_for { expr {![alive $pid]} }
}

# What s_client tells of the connection, over which PING and QUIT were said.
proc told_of_connection {s args} {
    set words [list -connect 127.0.0.1:[tls_port_of $s] -CAfile [pki ca.crt] -cert [pki one.crt] -key \
        [pki one.key] -ign_eof {*}$args]
    set code [catch { exec openssl s_client {*}$words << "PING\r\nQUIT\r\n" 2>@1 } text]
    like $text "*+PONG*+OK*"
    return $text
}
proc resumed {s protocol} { string match "*Reused, TLSv1*" [told_of_connection $s -$protocol -sess_in [pki session]] }

case "sessions are taken up again, as long as they are kept" {
    set s [tls_server]
    foreach protocol {tls1_2 tls1_3} {
        is [ask $s CONFIG SET tls-session-caching yes] OK
        like [told_of_connection $s -$protocol -sess_out [pki session]] "*New, TLSv1*"
        truth {[resumed $s $protocol]}
        is [ask $s CONFIG SET tls-session-caching no] OK
        truth {![resumed $s $protocol]}
    }
}

case "parameters for DH from a file" {
    set s [tls_server]
    certificate rsa ca IP:127.0.0.1 20990101000000Z {-newkey rsa:2048 -nodes}
    openssl genpkey -genparam -algorithm DH -pkeyopt group:ffdhe3072 -out dh.pem
    spit [pki no_dh.pem] "nothing\n"
    is [ask $s CONFIG SET tls-cert-file [pki rsa.crt] tls-key-file [pki rsa.key] tls-dh-params-file \
        [pki dh.pem]] OK
    like [told_of_connection $s -tls1_2 -cipher DHE-RSA-AES128-GCM-SHA256] "*Server Temp Key: DH, 3072 bits*"
    like [error_of $s CONFIG SET tls-dh-params-file [pki no_dh.pem]] "*tls-dh-params-file*no_dh.pem*"
    like [error_of $s CONFIG SET tls-dh-params-file /nowhere] "*/nowhere*No such file*"
    like [told_of_connection $s -tls1_2 -cipher DHE-RSA-AES128-GCM-SHA256] "*Server Temp Key: DH, 3072 bits*"
}

case "a backup over TLS" {
    set s [tls_server "appendonly yes"]
    for {set i 0} {$i < 200} {incr i} { ask $s SET key:$i $i }
    set dir [tmpdir]
    set words "cacert=[pki ca.crt]&cert=[pki one.crt]&key=[pki one.key]"
    tool 0 backup create rediss://127.0.0.1:[tls_port_of $s]?$words $dir/backups
    tool 0 backup verify $dir/backups
    tool 0 backup restore $dir/backups $dir/out
    tool 0 diff $dir/out 127.0.0.1:[of $s port]
}

case "the offline tools read a server over TLS" {
    set s [tls_server "enable-debug-command yes"]
    ask $s DEBUG POPULATE 20000 key 300
    ask $s SET large [big 3000000]
    set words "cacert=[pki ca.crt]&cert=[pki one.crt]&key=[pki one.key]"
    set address "rediss://127.0.0.1:[tls_port_of $s]?$words"
    tool 0 diff $address 127.0.0.1:[of $s port]
    set dir [tmpdir]
    tool 0 convert $address $dir/copy.rdb
    tool 0 diff $dir/copy.rdb $address
    foreach {words why} {
        cert=x "*cert= and key= are given together*" nonsense=1 "*'nonsense=1' behind the address is none of*"
        cacert=/nowhere "*cacert /nowhere: No such file*"
    } {
        run [file join $build holdfast] diff "rediss://127.0.0.1:[tls_port_of $s]?$words" $dir/copy.rdb
        like $::run_output $why
    }
    run [file join $build holdfast] diff "rediss://127.0.0.1:[tls_port_of $s]?cacert=[pki other_ca.crt]" $dir/copy.rdb
    like $::run_output "*certificate is refused*"
    run [file join $build holdfast] diff "rediss://127.0.0.1:[tls_port_of $s]?cacert=[pki ca.crt]" $dir/copy.rdb
    like $::run_output "*certificate required*"
    is [ask $s CONFIG SET tls-auth-clients no requirepass word] OK
    is [run [file join $build holdfast] diff "rediss://:word@127.0.0.1:[tls_port_of $s]?insecure=yes" $dir/copy.rdb] 0
}

finish
