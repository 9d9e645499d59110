# SPDX-License-Identifier: BSD-3-Clause
# Users and their files: where they come from at a start, that ACL SAVE and LOAD are all or nothing,
# what CONFIG REWRITE writes, who is disconnected, and that no password is ever shown. What is
# decided about calls tests/peer/acl.tcl compares.
source [file join [file dirname [info script]] lib.tcl]

proc as {s user password args} {
    set fd [connect $s]
    is [request $fd AUTH $user $password] OK
    return $fd
}
proc refused {fd args} {
    if {![catch { request $fd {*}$args } reply]} { error "no error, but [shown $reply]" }
    return $reply
}
proc sha256 {text} {
    spit [set path [tmpdir]/text] $text
    return [lindex [exec sha256sum $path] 0]
}
proc users {s} { return [lsort [ask $s ACL USERS]] }

case "user lines of the configuration act, and CONFIG REWRITE keeps them" {
    set s [server "user bob on >secret ~bob:* &b* +@all -@dangerous\n# between\nuser \"a'b\" off
user carol on nopass (~c* +get) (%R~d* +set)\nuser default on >top ~* &* +@all"]
    like [error_of $s PING] "NOAUTH*"
    is [ask $s AUTH top] OK
    is [ask $s ACL USERS] {a'b bob carol default}
    set fd [as $s bob secret]
    is [request $fd SET bob:1 x] OK
    is [refused $fd SET alice:1 x] "NOPERM No permissions to access a key"
    is [refused $fd KEYS *] "NOPERM User bob has no permissions to run the 'keys' command"
    is [refused $fd PUBLISH c x] "NOPERM No permissions to access a channel"
    is [ask $s ACL SETUSER dave on >d2 ~d* +get +set|x] OK
    is [ask $s ACL SETUSER bob -get] OK
    is [ask $s ACL DELUSER carol] 1
    set before [ask $s ACL LIST]
    is [ask $s CONFIG REWRITE] OK
    set text [slurp [of $s conf]]
    truth {![string match *secret* $text] && ![string match *carol* $text]}
    like $text "*\nuser \"a'b\" off sanitize-payload resetchannels -@all\n# between\nuser bob on sanitize-payload #*"
    set s [restart $s kill [join [lrange [split $text \n] 4 end] \n]]
    is [ask $s AUTH top] OK
    is [ask $s ACL LIST] $before
    is [refused [as $s bob secret] GET bob:1] "NOPERM User bob has no permissions to run the 'get' command"
}

case "users of an included file are left there, and what they became is written behind" {
    set dir [tmpdir]
    spit $dir/users.conf "user bob on >secret ~* +@all\nuser carol on nopass\n"
    set s [server "include $dir/users.conf" -dir $dir]
    is [ask $s CONFIG REWRITE] OK
    truth {![regexp -line {^user } [slurp [of $s conf]]]}
    is [ask $s ACL SETUSER bob -set] OK
    is [ask $s ACL SETUSER dave on >d] OK
    is [ask $s ACL DELUSER carol] 1
    set before [ask $s ACL LIST]
    is [ask $s CONFIG REWRITE] OK
    is [slurp $dir/users.conf] "user bob on >secret ~* +@all\nuser carol on nopass\n"
    set s [restart $s kill [join [lrange [split [slurp [of $s conf]] \n] 4 end] \n]]
    is [ask $s ACL LIST] $before
}

case "keys are found whatever names other words have" {
    set s [server ""]
    is [ask $s ACL SETUSER reader on nopass ~open:* ~STREAMS +@all] OK
    foreach key {open:s closed:s STREAMS} { is [ask $s XGROUP CREATE $key g 0 MKSTREAM] OK }
    set fd [as $s reader x]
    foreach words {
        {XREADGROUP COUNT 1 GROUP g STREAMS STREAMS closed:s >}
        {XREADGROUP COUNT 1 GROUP STREAMS STREAMS STREAMS closed:s >}
        {XREADGROUP NOACK GROUP g c COUNT 1 STREAMS open:s closed:s > >}
        {XREAD COUNT 1 STREAMS closed:s 0} {SORT open:l STORE closed:l} {EVAL {return 1} 1 closed:s}
        {GEORADIUS open:g 1 1 1 m STORE closed:g} {BITOP AND open:d open:a closed:b}
        {ZUNION 2 open:z closed:z} {LMPOP 2 open:l closed:l LEFT} {OBJECT ENCODING closed:s}
        {COPY open:s closed:s} {MEMORY USAGE closed:s} {XINFO STREAM closed:s} {XGROUP DESTROY closed:s g}
    } { is [refused $fd {*}$words] "NOPERM No permissions to access a key" }
    is [request $fd XREADGROUP COUNT 1 GROUP g STREAMS STREAMS open:s >] (nil)
    is [request $fd XREADGROUP GROUP g STREAMS NOACK STREAMS open:s >] (nil)
    # what cannot be told is what the command itself refuses
    foreach words {
        {XREADGROUP GROUP g c STREAMS closed:s} {XREADGROUP GROUP g c COUNT 1 closed:s >}
        {XREADGROUP GROUP g c STREAMS closed:s closed:s >} {XREADGROUP GROUP g c NOSUCH STREAMS closed:s >}
    } { truth {![string match NOPERM* [set error [refused $fd {*}$words]]] && $error ne ""} }
}

case "a CONFIG SET that fails leaves the default user's passwords as they were" {
    set s [server "requirepass first"]
    is [ask $s AUTH default first] OK
    # its own password is one that no option knows
    is [ask $s ACL SETUSER default resetpass >own] OK
    set before [ask $s ACL LIST]
    foreach words {
        {requirepass x activedefrag yes} {activedefrag yes requirepass x}
        {requirepass "" activedefrag yes} {requirepass x port 1x} {requirepass x dir /nosuch/folder}
        {dir /nosuch/folder requirepass x}
    } {
        like [error_of $s CONFIG SET {*}$words] "ERR CONFIG SET failed*"
        is [ask $s ACL LIST] $before
        like [refused [connect $s] PING] "NOAUTH*"
        as $s default own
    }
}

case "requirepass and the default user are one thing" {
    set s [server "requirepass first"]
    is [ask $s AUTH default first] OK
    is [ask $s ACL LIST] [list "user default on sanitize-payload #[sha256 first] ~* &* +@all"]
    is [ask $s CONFIG SET requirepass second] OK
    like [refused [connect $s] AUTH first] "WRONGPASS*"
    as $s default second
    # who changes it in the file finds it there: no other line says the same once more
    is [ask $s CONFIG REWRITE] OK
    truth {![string match "*user default*" [slurp [of $s conf]]]}
    is [ask $s ACL SETUSER default >third] OK
    as $s default second
    as $s default third
    is [ask $s CONFIG GET requirepass] {requirepass second}
    is [ask $s CONFIG REWRITE] OK
    like [slurp [of $s conf]] "*user default on sanitize-payload #[sha256 second] #[sha256 third] ~\\* &\\* +@all*"
    is [ask $s CONFIG SET requirepass ""] OK
    is [request [connect $s] PING] PONG
    is [ask $s ACL LIST] {{user default on nopass sanitize-payload ~* &* +@all}}
    # off: whoever comes must be somebody else; who is there stays
    is [ask $s ACL SETUSER worker on nopass +ping] OK
    is [ask $s ACL SETUSER default off] OK
    set fd [connect $s]
    like [refused $fd PING] "NOAUTH*"
    like [refused $fd HELLO 3] "NOAUTH*"
    like [refused $fd AUTH default x] "WRONGPASS*"
    is [request $fd AUTH worker x] OK
    is [request $fd PING] PONG
    is [request $fd RESET] RESET
    like [refused $fd PING] "NOAUTH*"
    is [ask $s PING] PONG
}

# What a client that must still log in may cost holds whatever makes it so.
case "who has not authenticated is limited, when the default user is off too" {
    set s [server]
    is [ask $s ACL SETUSER worker on >w +@all ~* &*] OK
    is [ask $s ACL SETUSER default off] OK
    foreach words {{ECHO a b c d e f g h i j k} {AUTH worker x1}} {
        set fd [connect $s]
        if {[llength $words] > 10} { lappend words {*}[lrepeat 20 x] }
        catch { request $fd {*}$words } reply
        truth {[string match "*unauthenticated*" $reply] || [string match "WRONGPASS*" $reply]}
    }
    set fd [as $s worker w]
    is [string length [request $fd ECHO [string repeat x 500000]]] 500000
}

case "a start with users that cannot be is refused with its reason" {
    set dir [tmpdir]
    spit $dir/u.acl "user bob on\n"
    lassign [server "aclfile u.acl\nuser bob on" -dir $dir -fails 1] code text
    is $code 1
    like $text "*not from both*"
    foreach {content why} {
        "user a on\nuser a off\n" "Duplicate user 'a' found on line 2"
        "user a on\nuse b on\n" "u.acl:2 should start with user keyword followed by the username"
        "# a comment\n" "u.acl:1 should start with user"
        "user\n" "u.acl:1 should start with user"
        "\n\nuser a on +nosuch\n" "u.acl:3: Error in applying operation '+nosuch': Unknown command or category name in ACL"
        "user a (+get\n" "u.acl:1: Unmatched parenthesis in acl selector"
        "user a \"~b c\"\n" "u.acl:1: Syntax error"
        "user a\tb on\n" "u.acl:1: username"
        "user a on >p\0q ~x\0y\n" "u.acl:1: Syntax error"} {
        spit $dir/u.acl $content
        lassign [server "aclfile u.acl" -dir $dir -fails 1] code text
        is $code 1
        truth {[string match "*$why*" $text] || [error "$content: $text"]}
    }
    file delete $dir/u.acl
    lassign [server "aclfile u.acl" -dir $dir -fails 1] code text
    like $text "*Error loading ACLs, opening file '$dir/u.acl': No such file or directory*"
    lassign [server "user bob on >x +mod.cmd" -fails 1] code text
    like $text "*Error in user declaration '+mod.cmd': Unknown command*"
}

case "aclfile: saved, loaded, all or nothing" {
    set dir [tmpdir]
    spit $dir/u.acl "user bob on >secret ~b* +@all\n\nuser gone on nopass +@all\n"
    set s [server "aclfile u.acl\nrequirepass old" -dir $dir]
    like [log_of $s] "*requirepass does not act*"
    is [ask $s ACL USERS] {bob default gone}
    is [ask $s ACL SETUSER carol on >c ~c* (&x +publish)] OK
    is [ask $s ACL SAVE] OK
    set saved [slurp $dir/u.acl]
    is [lsort [split [string trim $saved] \n]] [lsort [ask $s ACL LIST]]
    truth {![string match *secret* $saved]}
    # another directory is not another file
    is [ask $s ACL LOAD] OK
    # who has a user yet stays connected, with what its rules are now; who has none is closed
    set bob [as $s bob secret]
    set gone [as $s gone x]
    set carol [as $s carol c]
    spit $dir/u.acl "user bob on >secret ~b* +@all -set\nuser carol on >c +ping\n"
    is [ask $s ACL LOAD] OK
    is [request $bob GET b1] (nil)
    is [refused $bob SET b1 x] "NOPERM User bob has no permissions to run the 'set' command"
    is [request $carol PING] PONG
    wait_for { catch { request $gone PING } }
    like [request $bob CLIENT LIST] "*user=bob*"
    # a wrong line anywhere changes nothing
    set before [ask $s ACL LIST]
    foreach text {"user new on\nuser bob on +nosuch\n" "user bob on\nuser bob on\n" "nonsense\n" "user x (\n"} {
        spit $dir/u.acl $text
        like [error_of $s ACL LOAD] "ERR *WARNING: ACL errors detected, no change to the previously active ACL rules was performed"
        is [ask $s ACL LIST] $before
    }
    # 64 KiB of noise, or half a file
    set noise ""
    for {set i 0} {$i < 65536} {incr i} { append noise [binary format c [expr {int(rand() * 256)}]] }
    spit $dir/u.acl $noise
    like [error_of $s ACL LOAD] "ERR *no change*"
    file delete $dir/u.acl
    like [error_of $s ACL LOAD] "ERR Error loading ACLs, opening file *No such file*"
    file mkdir $dir/u.acl
    like [error_of $s ACL LOAD] "ERR Error loading ACLs*"
    like [error_of $s ACL SAVE] "ERR There was an error trying to save the ACLs*"
    file delete $dir/u.acl
    is [ask $s ACL LIST] $before
    is [ask $s ACL SAVE] OK
    is [ask $s CONFIG REWRITE] OK
    truth {![regexp -line {^user } [slurp [of $s conf]]]}
    set s [restart $s kill "aclfile u.acl"]
    is [ask $s ACL LIST] $before
}

case "aclfile by its whole path, from anywhere" {
    set dir [tmpdir]
    spit $dir/users.acl "user far on nopass ~* +@all\n"
    set s [server "aclfile $dir/users.acl"]
    is [users $s] {default far}
    is [ask $s ACL SETUSER more on] OK
    is [ask $s ACL SAVE] OK
    like [slurp $dir/users.acl] "*user far*user more on*"
    is [ask $s ACL LOAD] OK
    is [users $s] {default far more}
}

case "a full disk leaves the file that was, and the users" {
    set dir [tmpdir]
    spit $dir/u.acl "user bob on >secret ~b* +@all\n"
    set s [preload $dir "
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
ssize_t write(int fd, const void *from, size_t n) {
    char link\[64\], name\[512\] = {0};
    snprintf(link, sizeof link, \"/proc/self/fd/%d\", fd);
    if (n && readlink(link, name, sizeof name - 1) > 0 && strstr(name, \"u.acl\") &&
        syscall(SYS_faccessat, -100, \"$dir/full\", 0) == 0) {
        errno = ENOSPC;
        return -1;
    }
    return syscall(SYS_write, fd, from, n);
}
" { server "aclfile u.acl" -dir $dir }]
    is [ask $s ACL SETUSER carol on nopass] OK
    spit $dir/full ""
    like [error_of $s ACL SAVE] "ERR There was an error trying to save the ACLs*"
    like [log_of $s] "*ACL SAVE*No space left on device*"
    is [slurp $dir/u.acl] "user bob on >secret ~b* +@all\n"
    is [glob -nocomplain $dir/u.acl*] $dir/u.acl
    is [ask $s ACL USERS] {bob carol default}
    file delete $dir/full
    is [ask $s ACL SAVE] OK
    like [slurp $dir/u.acl] "*user carol*"
}

case "who deletes itself is answered, and its transaction ends there" {
    set s [server]
    is [ask $s ACL SETUSER u on nopass ~* &* +@all] OK
    set fd [as $s u x]
    is [request $fd MULTI] OK
    foreach words {{SET a 1} {ACL DELUSER u} {SET b 1} {ACL WHOAMI}} { is [request $fd {*}$words] QUEUED }
    send $fd EXEC
    is [gets $fd] "*4\r"
    is [lmap i {1 2} { gets $fd }] [list "+OK\r" ":1\r"]
    like [gets $fd] "-NOPERM ACLs rules changed*"
    like [gets $fd] "-NOPERM ACLs rules changed*"
    is [read $fd] ""
    is [ask $s MGET a b] {1 (nil)}
    # one that waits for a key, and one that is held by a pause
    is [ask $s ACL SETUSER u on nopass ~* &* +@all] OK
    set waits [as $s u x]
    send $waits BLPOP list 0
    wait_for { expr {[info_of $s blocked_clients] == 1} }
    is [ask $s ACL DELUSER u] 1
    wait_for { expr {[info_of $s blocked_clients] == 0} }
    is [read $waits] ""
    is [ask $s RPUSH list x] 1
}

case "rights that went while a command waited are asked for again" {
    set s [server]
    is [ask $s ACL SETUSER u on nopass ~* &* +@all] OK
    set fd [as $s u x]
    send $fd BLPOP list 0
    wait_for { expr {[info_of $s blocked_clients] == 1} }
    is [ask $s ACL SETUSER u resetkeys] OK
    is [ask $s RPUSH list x] 1
    catch { read_reply $fd } reply
    is $reply "NOPERM No permissions to access a key"
    is [ask $s LRANGE list 0 -1] x
}

case "INFO counts what was denied; ACL LOG has the fields of 7.2" {
    set s [server]
    is [ask $s ACL SETUSER u on >p ~a +@all -set &x] OK
    set fd [as $s u p]
    foreach words {{GET b} {SET a 1} {PUBLISH y 1} {AUTH u q} {GET b}} { refused $fd {*}$words }
    is [lmap f {auth cmd key channel} { info_of $s acl_access_denied_$f }] {1 1 2 1}
    like [ask $s INFO errorstats] "*errorstat_NOPERM:count=4*"
    set newest [dict create {*}[lindex [ask $s ACL LOG 1] 0]]
    is [dict keys $newest] {count reason context object username age-seconds client-info entry-id timestamp-created timestamp-last-updated}
    is [lmap f {count reason context object username entry-id} { dict get $newest $f }] {2 key toplevel b u 0}
    like [dict get $newest client-info] "id=* cmd=get user=u *"
    truth {[dict get $newest timestamp-last-updated] >= [dict get $newest timestamp-created]}
    is [lmap e [ask $s ACL LOG] { lindex $e 15 }] {0 3 2 1}
    is [ask $s ACL LOG RESET] OK
    is [ask $s ACL LOG] {}
    is [ask $s CONFIG RESETSTAT] OK
    is [info_of $s acl_access_denied_key] 0
    # refused calls are not calls, and are counted as refused
    refused $fd SET a 1
    like [ask $s INFO commandstats] "*cmdstat_set:calls=0*rejected_calls=1*"
}

# A password of its own for each way in which one can be said.
case "no password is shown anywhere" {
    set dir [tmpdir]
    set words {}
    set word {n { set w pw-$n-[string repeat $n 4]x; lappend ::words $w; return $w }}
    spit $dir/u.acl "user filed on >[apply $word 1] ~* +@all\n"
    set s [server "requirepass [apply $word 2]\nuser lined on >[apply $word 3] ~* +@all\nloglevel debug" -dir $dir \
        -args [list --requirepass [apply $word 4]]]
    is [ask $s AUTH [lindex $words 3]] OK
    is [ask $s ACL SETUSER said on >[apply $word 5] ~k* +@all] OK
    catch { ask $s ACL SETUSER said >[apply $word 6] +nosuch }
    catch { ask $s ACL SETUSER said <[apply $word 7] }
    is [ask $s CONFIG SET requirepass [apply $word 8]] OK
    set fd [as $s said [lindex $words 4]]
    foreach args [list [list AUTH said [apply $word 9]] [list HELLO 3 AUTH said [apply $word a]] [list AUTH [apply $word b]]] {
        refused $fd {*}$args
    }
    is [request $fd MULTI] OK
    is [request $fd ACL SETUSER said >[apply $word c]] QUEUED
    is [request $fd AUTH said [apply $word c]] QUEUED
    is [lindex [request $fd EXEC] 0] OK
    catch { ask $s SLOWLOG GET 100 } slow
    set shown [list [log_of $s] [ask $s ACL LIST] [ask $s ACL LOG 100] [ask $s INFO everything] [ask $s CLIENT LIST] $slow \
        [exec tr \\0 " " < /proc/[of $s pid]/cmdline] [exec cat /proc/[of $s pid]/comm] [slurp $dir/stderr] [slurp $dir/stdout]]
    foreach user {said lined default} { lappend shown [ask $s ACL GETUSER $user] }
    # CONFIG GET shows requirepass to who may ask, as it always did, and nothing else
    set others [ask $s CONFIG GET *]
    lappend shown [dict remove [dict create {*}$others] requirepass]
    is [ask $s CONFIG REWRITE] OK
    lappend shown [regsub {requirepass \S+} [slurp [of $s conf]] ""]
    is [llength $words] 13
    foreach word $words {
        foreach text $shown { truth {[string first $word $text] < 0 || [error "$word is shown: $text"]} }
    }
    stop $s
    set s [server "aclfile u.acl\nloglevel debug" -dir $dir]
    is [ask $s ACL SAVE] OK
    foreach text [list [log_of $s] [slurp $dir/u.acl] [ask $s ACL LIST]] {
        truth {[string first [lindex $words 0] $text] < 0}
    }
    # nor when the file is wrong
    spit $dir/u.acl "user filed on >[lindex $words 0] #nohash +@all\nuser x on <[lindex $words 0]\n"
    set reply [error_of $s ACL LOAD]
    truth {[string first [lindex $words 0] $reply[log_of $s]] < 0}
}

finish
