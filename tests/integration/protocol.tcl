# SPDX-License-Identifier: BSD-3-Clause
# Malformed requests get the error Redis gives, and cost only their connection.
source [file join [file dirname [info script]] lib.tcl]

# Sends raw bytes, returns all that comes until the server closes (or a PING is answered).
proc raw {s bytes} {
    set fd [connect $s]
    puts -nonewline $fd $bytes
    flush $fd
    fconfigure $fd -blocking 0
    set got ""
    set end [expr {[clock milliseconds] + $::patience_ms}]
    while {[clock milliseconds] < $end && ![eof $fd]} {
        append got [read $fd]
        if {[string match "*+PONG\r\n" $got]} break
        after 5
    }
    close $fd
    return $got
}

case "protocol errors, byte for byte" {
    set s [server]
    foreach {bytes want} {
        "*a\r\n" "-ERR Protocol error: invalid multibulk length\r\n"
        "*3000000000\r\n" "-ERR Protocol error: invalid multibulk length\r\n"
        "*1\r\nPING\r\n" "-ERR Protocol error: expected '\$', got 'P'\r\n"
        "*1\r\n\nPING\r\n" "-ERR Protocol error: expected '\$', got ' '\r\n"
        "*1\r\n\$a\r\n" "-ERR Protocol error: invalid bulk length\r\n"
        "*1\r\n\$-1\r\n" "-ERR Protocol error: invalid bulk length\r\n"
        "*1\r\n\$99999999999\r\n" "-ERR Protocol error: invalid bulk length\r\n"
        "SET \"a\r\n" "-ERR Protocol error: unbalanced quotes in request\r\n"
    } {
        is [raw $s $bytes] $want
        is [ask $s PING] PONG
    }
    is [raw $s [string repeat x 65537]] "-ERR Protocol error: too big inline request\r\n"
    like [raw $s [string repeat x 70000]] "-ERR Protocol error: too big inline request\r\n"
    like [raw $s *[string repeat 1 70000]] "-ERR Protocol error: too big mbulk count string\r\n"
    like [raw $s "*1\r\n\$[string repeat 1 70000]"] \
        "-ERR Protocol error: too big bulk count string\r\n"
}

case "a line without its end is too long from 65537 bytes on, one that came with it is answered" {
    set s [server]
    set fd [connect $s]
    puts -nonewline $fd [string repeat x 65536]
    flush $fd
    is [ask $s PING] PONG
    puts $fd "" ;# it waited for more
    flush $fd
    like [gets $fd] "-ERR unknown command 'xxx*"
    foreach length {65536 65537 65600 70000} {
        puts $fd "ECHO [string repeat x [expr {$length - 5}]]"
        flush $fd
        is [string length [read_reply $fd]] [expr {$length - 5}]
    }
    like [raw $s "[string repeat x 90000]\r\n"] "-ERR Protocol error: too big inline request\r\n"
}

case "before AUTH the limits are small" {
    set s [server "requirepass secret"]
    catch { ask $s PING } reply
    is $reply "NOAUTH Authentication required."
    is [raw $s "*11\r\n"] "-ERR Protocol error: unauthenticated multibulk length\r\n"
    is [raw $s "*1\r\n\$20000\r\n"] "-ERR Protocol error: unauthenticated bulk length\r\n"
    like [error_of $s AUTH wrong] "WRONGPASS *"
    is [ask $s AUTH secret] OK
    is [ask $s PING] PONG
    is [ask $s AUTH default secret] OK
}

case "inline commands, quotes, empty lines" {
    set s [server]
    is [raw $s "SET a \"x\\x41\\n\"\r\n\r\n\nGET a\nPING\r\n"] "+OK\r\n\$3\r\nxA\n\r\n+PONG\r\n"
    is [raw $s "SET 'b c' 'it\\'s'\r\nGET \"b c\"\r\nPING\r\n"] "+OK\r\n\$4\r\nit's\r\n+PONG\r\n"
}

case "requests in any pieces" {
    set s [server]
    set bytes ""
    for {set i 0} {$i < 50} {incr i} { append bytes [encode [list SET k$i [string repeat v $i]]] }
    append bytes [encode {PING}]
    foreach size {1 2 7 100} {
        set fd [connect $s]
        fconfigure $fd -buffering none
        for {set at 0} {$at < [string length $bytes]} {incr at $size} {
            puts -nonewline $fd [string range $bytes $at [expr {$at + $size - 1}]]
        }
        for {set i 0} {$i < 50} {incr i} { is [read_reply $fd] OK }
        is [read_reply $fd] PONG
        close $fd
    }
    is [ask $s GET k49] [string repeat v 49]
}

case "large values go both ways" {
    set s [server]
    foreach size {16383 16384 32767 32768 100000 5000000} {
        set value [string repeat "0123456789abcdef" [expr {$size / 16 + 1}]]
        is [ask $s SET big $value] OK
        truth {[ask $s GET big] eq $value}
        is [ask $s STRLEN big] [string length $value]
    }
}

case "what is no request behind a command that waits is told when that is over" {
    set s [server]
    foreach {tail why} {
        "*2\r\n$-5\r\n" "invalid bulk length" "*3\r\n$-5\r\n$3\r\nDEL\r\n$6\r\nvictim\r\n" "invalid bulk length"
        "*1\r\n$600000000\r\n" "invalid bulk length" "*2\r\n$3\r\nGET\r\n$-1\r\n" "invalid bulk length"
        "*x\r\n" "invalid multibulk length" "*1\r\nX\r\n" "expected '$', got 'X'"
    } {
        foreach {words over} {
            {BLPOP k 0} {ask $s RPUSH k 1} {BLPOP k 0.05} {} {XREAD BLOCK 50 STREAMS x $} {}
            {WAIT 1 50} {} {SET k2 0} {}
        } {
            ask $s SET victim 1
            set fd [connect $s]
            if {[lindex $words 0] eq "SET"} { ask $s CLIENT PAUSE 50 WRITE }
            puts -nonewline $fd [encode $words][subst -nocommands -novariables $tail]
            flush $fd
            if {$over ne ""} {
                wait_for { expr {[info_of $s blocked_clients] == 1} }
                eval $over
            }
            read_reply $fd
            like [read_line $fd] "-ERR Protocol error: $why*"
            is [read $fd] ""
            close $fd
            is [ask $s GET victim] 1
            ask $s DEL k
        }
    }
}

case "RESP3 types" {
    set s [server "enable-debug-command yes"]
    set fd [connect $s]
    truth {[dict get [request $fd HELLO 3] proto] == 3}
    foreach {type want} {string "\$11\r\nHello World\r\n" integer ":12345\r\n"
        double ",3.141\r\n" null "_\r\n" true "#t\r\n" false "#f\r\n" set "~3\r\n:0\r\n:1\r\n:2\r\n"} {
        send $fd DEBUG PROTOCOL $type
        is [read $fd [string length $want]] $want
    }
    send $fd GET nothing
    is [read $fd 3] "_\r\n"
    request $fd HSET h f v
    send $fd HGETALL h
    is [read $fd 18] "%1\r\n\$1\r\nf\r\n\$1\r\nv\r\n"
    like [error_of $s HELLO 4] "NOPROTO*"
    is [request $fd RESET] RESET
    send $fd GET nothing
    is [read $fd 5] "\$-1\r\n"
}

case "query buffer and output limits close the connection" {
    set s [server "client-query-buffer-limit 1mb\nclient-output-buffer-limit normal 1mb 0 0"]
    set fd [connect $s]
    catch { ;# it may be closed before all is sent
        puts -nonewline $fd "*2\r\n\$3\r\nGET\r\n\$100000000\r\n[string repeat x 3000000]"
        flush $fd
    }
    wait_for { string match "*client-query-buffer-limit*" [log_of $s] }
    wait_for { expr {[info_of $s connected_clients] == 1} }
    catch { close $fd }
    ask $s SET big [string repeat x 600000]
    set fd [connect $s]
    catch {
        for {set i 0} {$i < 200} {incr i} { puts -nonewline $fd [encode {GET big}] }
        flush $fd
    }
    wait_for { string match "*client-output-buffer-limit*" [log_of $s] }
    wait_for { expr {[info_of $s connected_clients] == 1} }
    catch { close $fd }
}

case "pipelining keeps order, across MULTI too" {
    set s [server]
    set fd [connect $s]
    set n 500
    for {set i 0} {$i < $n} {incr i} { puts -nonewline $fd [encode [list INCR n]] }
    puts -nonewline $fd [encode MULTI][encode {INCR n}][encode {GET n}][encode EXEC]
    flush $fd
    for {set i 1} {$i <= $n} {incr i} { is [read_reply $fd] $i }
    is [read_reply $fd] OK
    is [read_reply $fd] QUEUED
    is [read_reply $fd] QUEUED
    is [read_reply $fd] [list [expr {$n + 1}] [expr {$n + 1}]]
}

case "idle clients time out, CLIENT KILL ends a connection" {
    set s [server]
    set fd [connect $s]
    request $fd PING
    ask $s CONFIG SET timeout 1
    fconfigure $fd -blocking 0
    wait_for { catch { ask $s PING }; expr {[catch { read $fd }] || [eof $fd]} }
    close $fd
    # whoever stood still for a second is among the idle
    wait_for { expr {![catch { ask $s CONFIG SET timeout 0 }]} }
    set fd [connect $s]
    set id [request $fd CLIENT ID]
    is [ask $s CLIENT KILL ID $id] 1
    wait_for { expr {[info_of $s connected_clients] == 1} }
}

finish
