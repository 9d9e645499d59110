# SPDX-License-Identifier: BSD-3-Clause
# Passwords: said in every way there is, right and wrong, they are found nowhere: not in what
# MONITOR shows, not in the slow log, the log, INFO, a crash report, CLIENT LIST, or the title of
# the process.
source [file join [file dirname [info script]] lib.tcl]

# Each way gives a secret that begins with this, and its own number.
set marked "hush-hush-"
proc secret {} { return $::marked[incr ::secret_count]- }

set ways {
    {AUTH S} {AUTH default S} {AUTH S S} {AUTH S S S} {AUTH nobody S}
    {HELLO 2 AUTH default S} {HELLO 3 AUTH default S SETNAME me} {HELLO 2 AUTH nobody S}
    {HELLO AUTH default S} {HELLO 9 AUTH default S} {HELLO x AUTH default S} {HELLO 2 SETNAME {a b} AUTH default S}
    {HELLO 2 AUTH S} {HELLO 2 AUTH default S NOSUCH}
    {CONFIG SET requirepass S} {CONFIG SET requirepass S maxmemory x} {CONFIG SET requirepass S x}
    {CONFIG SET masterauth S} {CONFIG SET masterauth S masteruser S} {CONFIG SET tls-key-file-pass S}
    {CONFIG SET maxmemory requirepass S} {CONFIG SET tls-client-key-file-pass S}
    {ACL SETUSER said on >S +get} {ACL SETUSER said on >S +nosuch} {ACL SETUSER said <S}
    {ACL DRYRUN default AUTH S} {ACL SETUSER said on #S} {ACL SETUSER said (+get >S}
}

proc nowhere {where text} {
    set at [string first $::marked $text]
    if {$at >= 0} { error "$where: [shown [string range $text $at-200 $at+100]]" " " }
}

# Everything that is said meanwhile has arrived when a word nobody else says is shown.
proc shown_to {monitor s} {
    set text ""
    ask $s ECHO last[incr ::lasts]
    while {![string match "*last$::lasts*" $text]} { append text [read_reply $monitor]\n }
    return $text
}

# S stands for a secret, also behind a sign.
proc with_secrets {way} {
    return [lmap word $way { expr {[regexp {^([>#<]?)S$} $word -> sign] ? "$sign[secret]" : $word} }]
}
proc say_all {s fd} {
    foreach way $::ways {
        catch { request $fd {*}[with_secrets $way] }
        # What was set is taken back, by who has logged in yet.
        ask $s CONFIG SET requirepass "" masterauth ""
        catch { request $fd MULTI }
        catch { request $fd {*}[with_secrets $way] }
        catch { request $fd EXEC }
        ask $s CONFIG SET requirepass "" masterauth ""
    }
}

case "in MONITOR, the slow log, the log, INFO, CLIENT LIST, the title" {
    set first [secret]
    set s [server "slowlog-log-slower-than 0\nslowlog-max-len 100000\nloglevel debug
requirepass $first"]
    set fd [connect $s]
    set monitor [connect $s]
    request $fd AUTH $first
    request $monitor AUTH $first
    ask $s AUTH $first
    request $monitor MONITOR
    say_all $s $fd
    set text [shown_to $monitor $s]
    like $text {*"AUTH" "(redacted)"*"HELLO" "3" "AUTH" "(redacted)" "(redacted)" "SETNAME" "me"*}
    nowhere MONITOR $text
    set slow [ask $s SLOWLOG GET -1]
    like $slow "*{CONFIG SET requirepass (redacted)}*"
    like $slow "*ACL SETUSER (redacted) (redacted)*"
    nowhere SLOWLOG $slow
    nowhere "ACL LIST" [ask $s ACL LIST]
    nowhere INFO [ask $s INFO everything]
    nowhere "CLIENT LIST" [ask $s CLIENT LIST]
    nowhere title [slurp /proc/[of $s pid]/cmdline]
    nowhere log [log_of $s]
    truth {$::secret_count > 50}
}

case "in what a start says of a wrong line" {
    set n 0
    foreach line {
        "user said on >S +nosuch" "user default +nosuch >S" "User said on >S (+get" "users said on >S" "'user' said >S on >S <S +nosuch"
        "requirepass S S" "masterauth S more" "\"requirepass\" S S" "tls-key-file-pass \"S"
        "user said on >\"S" "maxmemory 1mb\nuser said on >S ~* nosuchrule"
        "user \"said on >S +@all\"" "user said on (>S +get" "user said on +@>S" "user said on +get|>S|x"
        "user said on S" "user said on (S)" "user said on ~a >S (#S" "user said on +#S" "user said on ~x (+get S"
    } {
        set dir [tmpdir]
        spit $dir/wrong.conf "port 0\n[string map [list S [secret]] $line]\n"
        truth {[run timeout 20 [file join $::build redis-server] $dir/wrong.conf] != 0}
        like $run_output "*line [expr {[regexp -all \n $line] + 2}]*"
        nowhere start $run_output
        incr n
    }
    is $n 20
}

case "in what is said of a wrong aclfile, at a start and by ACL LOAD" {
    set dir [tmpdir]
    spit $dir/users.acl "user default on nopass ~* &* +@all\n"
    set s [server "aclfile $dir/users.acl" -dir $dir]
    foreach line {
        "user a on (>S +get" "user a on +@>S" "user a\0>S on" "user a on S" "S >S"
        "user a on >S +nosuch" "user a on (S" "user a on +get|>S|x" "user a on >S\nuser a on >S"
    } {
        spit $dir/users.acl "[string map [list S [secret]] [subst $line]]\n"
        nowhere "ACL LOAD" [error_of $s ACL LOAD]
        truth {[run timeout 20 [file join $::build redis-server] --port 0 --dir $dir --aclfile $dir/users.acl] != 0}
        nowhere start $run_output
    }
    nowhere log [log_of $s]
}

foreach how {SEGFAULT ASSERT} {
    if {$sanitized} continue ;# a crash is the sanitizer's own
    case "in a crash report: $how" {
        set first [secret]
        set s [server "slowlog-log-slower-than 0\nenable-debug-command yes\nrequirepass $first
masterauth [secret]"]
        ask $s AUTH $first
        set fd [connect $s]
        request $fd AUTH $first
        say_all $s $fd
        request $fd MULTI
        request $fd AUTH [secret]
        send $fd DEBUG $how
        send $fd EXEC
        catch { read_reply $fd; read_reply $fd }
        wait_for { expr {![alive [of $s pid]]} }
        set log [log_of $s]
        like $log "*REDIS BUG REPORT START*REDIS BUG REPORT END*"
        nowhere "crash report" $log
        nowhere stderr [slurp [of $s dir]/stderr]
        stop $s kill
    }
}

finish
