# SPDX-License-Identifier: BSD-3-Clause
# For tests that talk to a real server over real sockets. Each test file: source this, cases, finish.
#
#   source [file join [file dirname [info script]] lib.tcl]
#   case "what holds" {
#       set s [server {appendonly yes}]
#       is [ask $s SET k v] OK
#       stop $s
#   }
#   finish
#
# A server lives in its own temporary directory on a free port of 127.0.0.1; whatever a case leaves
# running is killed at its end. ONLY_CASE=word in the environment runs the cases whose name contains
# it.

set root [file normalize [file join [file dirname [info script]] ../..]]
set build [file join $root [expr {[info exists env(B)] ? $env(B) : "build"}]]
set sanitized [expr {[info exists env(SAN)] && $env(SAN) ne ""}]
set long [expr {[info exists env(LONG)] && $env(LONG) ne ""}]
set shared [expr {[info exists env(FIXTURES_SHARED)] ? $env(FIXTURES_SHARED) :
                  [file join $root .. shared fixtures]}]
# Lines for every server of ours: CONFIG_LINES in the environment runs a test file under them.
set more_config [expr {[info exists env(CONFIG_LINES)] ? $env(CONFIG_LINES) : ""}]
set passed 0
set failed 0
array set servers {}
set server_count 0
set ports {}
set tmp_root [file join /tmp hold-[pid]-[clock clicks]]
file mkdir $tmp_root

proc tmpdir {} {
    variable ::tmp_root
    set dir [file join $tmp_root d[incr ::tmpdir_count]]
    file mkdir $dir
    return $dir
}

# A port nobody listens on now, and which no other test takes while this one runs: a link of that
# name to /proc/PID says whose it is. What starts a server there tries another when somebody else
# took it meanwhile.
proc port_lock {port} { return [file join /tmp hold-port-$port] }
proc free_port {} {
    # Below the range of outgoing ports: a connection to a port there that nobody listens on can
    # meet itself, and would look like a server that echoes.
    while 1 {
        set port [expr {10000 + int(rand() * 20000)}]
        set lock [port_lock $port]
        if {![file exists $lock]} { catch { file delete $lock } } ;# its owner has ended
        if {[catch { file link -symbolic $lock /proc/[pid] }]} continue
        lappend ::ports $port
        if {![catch { socket -server {apply {{args} {}}} -myaddr 127.0.0.1 $port } s]} {
            close $s
            return $port
        }
    }
}
proc was_taken {text} { return [string match "*Address already in use*" $text] }

# ---- cases ----

proc case {name body} {
    if {[info exists ::env(ONLY_CASE)] && [string first $::env(ONLY_CASE) $name] < 0} return
    set code [catch {uplevel #0 $body} message options]
    foreach s [array names ::servers] { stop $s kill }
    if {$code == 0 || $code == 2} {
        incr ::passed
    } else {
        incr ::failed
        puts "FAIL $name\n    $message"
        puts [string map {"\n" "\n    "} [dict get $options -errorinfo]]
        puts "    alone: ONLY_CASE='$name' tclsh $::argv0"
    }
}

proc finish {} {
    file delete -force $::tmp_root
    foreach port $::ports { file delete [port_lock $port] }
    puts "$::passed passed, $::failed failed"
    exit [expr {$::failed > 0}]
}

proc shown {text} {
    if {[string length $text] > 400} { set text "[string range $text 0 400]..." }
    return "\"[string map {\r \\r \n \\n} $text]\""
}
proc is {got want} {
    if {$got ne $want} { error "got [shown $got], not [shown $want]" }
}
proc like {got pattern} {
    if {![string match $pattern $got]} { error "got [shown $got], which is not like [shown $pattern]" }
}
proc truth {expression} {
    if {![uplevel 1 [list expr $expression]]} { error "not true: $expression" }
}
# Waits until the script gives true. The limit is there for what never comes: on a machine under
# load any process may stand still for seconds.
set patience_ms 180000
proc wait_for {script} {
    set end [expr {[clock milliseconds] + $::patience_ms}]
    while {![uplevel 1 $script]} {
        if {[clock milliseconds] > $end} { error "waited in vain for: $script" }
        after 10
    }
}

# ---- servers ----

# Starts a server with the lines of config; options: -binary PATH, -dir DIR, -args LIST, -fails 1.
# Returns its handle. With -fails the server must exit by itself: returns {exit code, its log}.
proc server {{config ""} args} {
    array set o [list -binary [file join $::build redis-server] -dir "" -args {} -fails 0]
    array set o $args
    set dir [expr {$o(-dir) eq "" ? [tmpdir] : $o(-dir)}]
    set handle s[incr ::server_count]
    for {set try 0} {$try < 5} {incr try} {
        set port [free_port]
        set conf [file join $dir redis.conf]
        set f [open $conf w]
        puts $f "port $port\nbind 127.0.0.1\ndir \"$dir\"\nlogfile \"$dir/log\"\n$config"
        if {$o(-binary) eq [file join $::build redis-server]} {
            puts $f $::more_config
            # a clock of the test's goes on while the server sleeps, which only epoll_wait tells it
            if {[info exists ::env(LD_PRELOAD)]} { puts $f "event-loop epoll" }
        }
        close $f
        set log_from [expr {[file exists $dir/log] ? [file size $dir/log] : 0}]
        if {$o(-fails)} {
            set code [run timeout 180 $o(-binary) $conf {*}$o(-args)]
            set text [string range [slurp $dir/log] $log_from end]$::run_output
            if {[was_taken $text]} continue
            return [list $code $text]
        }
        set pid [exec $o(-binary) $conf {*}$o(-args) >>$dir/stdout 2>>$dir/stderr </dev/null &]
        set ::servers($handle) [dict create pid $pid port $port dir $dir conf $conf log_from $log_from]
        set up [wait_up $handle]
        if {$up || ![was_taken [log_of $handle]]} break
    }
    if {$o(-fails)} { error "no free port" }
    if {!$up} {
        set text [log_of $handle][slurp $dir/stderr]
        unset ::servers($handle)
        error "the server did not start: $text"
    }
    return $handle
}

proc of {handle key} { dict get $::servers($handle) $key }
proc slurp {path} {
    if {![file exists $path]} { return "" }
    set f [open $path rb]
    set text [read $f]
    close $f
    return $text
}
# As src/base/crc64.h, by another hand.
proc crc64 {crc bytes} {
    foreach byte [split $bytes ""] {
        scan $byte %c c
        set crc [expr {$crc ^ $c}]
        for {set bit 0} {$bit < 8} {incr bit} {
            set crc [expr {($crc >> 1) ^ ($crc & 1 ? 0x95ac9329ac4bc9b5 : 0)}]
        }
    }
    return $crc
}
proc spit {path bytes} {
    set f [open $path wb]
    puts -nonewline $f $bytes
    close $f
}
# The log since this start.
proc log_of {handle} {
    return [string range [slurp [of $handle dir]/log] [of $handle log_from] end]
}

# CONFIG SET port to one that is free. Returns it.
proc port_set {handle} {
    for {set try 0} {$try < 5} {incr try} {
        set port [free_port]
        if {![catch { ask $handle CONFIG SET port $port } reply]} { is $reply OK; return $port }
    }
    error $reply
}

# Alive: not gone, not a zombie. Threads that go on ending behind it hold its files yet.
proc alive {pid} {
    if {[catch {slurp /proc/$pid/stat} stat] || $stat eq ""} { return 0 }
    set fields [string range $stat [string last ")" $stat] end]
    return [expr {[lindex $fields 1] ne "Z" || [lindex $fields 18] > 1}]
}

# What answers at its port may be another server, when it could not have the port.
proc is_itself {handle} {
    if {[catch { ask $handle INFO server } text]} { return 1 }
    return [expr {![regexp {process_id:(\d+)} $text -> pid] || $pid == [of $handle pid]}]
}

proc wait_up {handle} {
    set end [expr {[clock milliseconds] + $::patience_ms}]
    while {[clock milliseconds] < $end} {
        if {![catch {ask $handle PING} reply] && [is_itself $handle]} { return 1 }
        if {[string match "*LOADING*" $reply]} { after 20; continue }
        if {[string match "NOAUTH*" $reply]} { return 1 }
        if {![alive [of $handle pid]]} { disconnect $handle; return 0 }
        after 10
    }
    error "the server neither answers nor ends"
}

# Runs start, which starts a server in its own way on $port, in dir, and gives its process; what it
# says goes to dir/said. Again on another port when that one was taken meanwhile. Returns when it
# has its port: it may still be loading (wait_up).
proc started_by_hand {handle dir start} {
    upvar 1 port port
    for {set try 0} {$try < 5} {incr try} {
        set port [free_port]
        spit $dir/said ""
        set pid [uplevel 1 $start]
        set ::servers($handle) [dict create pid $pid port $port dir $dir conf "" log_from 0]
        wait_for { expr {[string match "*Server initialized*" [slurp $dir/said]] || ![alive $pid]} }
        if {![was_taken [slurp $dir/said]]} return
    }
    error "no free port"
}

# Runs a program to its end: its exit code (a signal: -1). Output and errors are in ::run_output.
proc run {args} {
    set code [catch { exec {*}$args </dev/null 2>@1 } ::run_output options]
    if {!$code} { return 0 }
    set error [dict get $options -errorcode]
    regsub {\n?child process exited abnormally$} $::run_output "" ::run_output
    return [expr {[lindex $error 0] eq "CHILDSTATUS" ? [lindex $error 2] : -1}]
}

proc disconnect {handle} {
    foreach key [array names ::connections $handle,*] {
        catch { close $::connections($key) }
        unset ::connections($key)
    }
}

# The shell's own kill: a bare system has no program of that name.
proc signal {name pid} { exec sh -c "kill -$name $pid" }

# how: kill (SIGKILL), term (SIGTERM), or a SHUTDOWN argument.
proc stop {handle {how kill}} {
    if {![info exists ::servers($handle)]} return
    set pid [of $handle pid]
    switch $how {
        kill { catch { signal KILL $pid } }
        term { catch { signal TERM $pid } }
        default { catch { ask $handle SHUTDOWN $how } }
    }
    wait_for { expr {![alive [of $handle pid]]} }
    disconnect $handle
    set out [slurp [of $handle dir]/stderr]
    if {[regexp {AddressSanitizer|LeakSanitizer|runtime error|ThreadSanitizer} $out]} {
        unset ::servers($handle)
        error "sanitizer: $out"
    }
    unset ::servers($handle)
}

# Runs script with a library of C text in front of the system's: whatever starts meanwhile has it. A
# program that is not built here needs no sanitizer's library (foreign).
proc preload {dir c script {foreign 0}} {
    spit $dir/shim.c $c
    exec gcc -O1 -shared -fPIC -o $dir/shim.so $dir/shim.c
    set first {}
    foreach {word name} {address libasan.so thread libtsan.so} {
        if {$::sanitized && !$foreign && [string match *$word* $::env(SAN)]} {
            lappend first [exec gcc -print-file-name=$name]
        }
    }
    set ::env(LD_PRELOAD) [join [concat $first $dir/shim.so] " "]
    set code [catch { uplevel 1 $script } result options]
    unset ::env(LD_PRELOAD)
    return -options $options $result
}

# Children that write a data set: with rdb-key-save-delay 1, which held_server sets, each stands
# still, behind as many keys as dir/held says, as long as that is there. So a test says how long a
# child takes.
proc held_children {dir} {
    return "
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
static int held_behind(void) {
    char text\[16\] = {0};
    int fd = (int)syscall(SYS_openat, AT_FDCWD, \"$dir/held\", O_RDONLY);
    if (fd < 0) return 1 << 30;
    if (syscall(SYS_read, fd, text, sizeof text - 1) < 0) text\[0\] = 0;
    syscall(SYS_close, fd);
    return atoi(text);
}
int usleep(useconds_t us) {
    static pid_t counts;
    static int keys;
    struct timespec t = {us / 1000000, us % 1000000 * 1000L};
    if (us != 1) return nanosleep(&t, NULL);
    if (counts != getpid()) keys = 0;
    counts = getpid();
    t.tv_nsec = 5000000;
    while (keys >= held_behind()) nanosleep(&t, NULL);
    keys++;
    return 0;
}
"
}
# The same options as server. Its children are held from the start.
proc held_server {config args} {
    array set o [list -dir "" -with ""]
    array set o $args
    set dir [expr {$o(-dir) eq "" ? [tmpdir] : $o(-dir)}]
    spit $dir/held ""
    set args [dict remove $args -with]
    return [preload $dir [held_children $dir]$o(-with) {
        server "$config\nrdb-key-save-delay 1" {*}$args -dir $dir
    }]
}
proc hold {s {keys 0}} { spit [of $s dir]/held $keys }
proc release {s} { file delete [of $s dir]/held }

# Starts, in dir, a server that is still loading: as long as dir/slow is there it reads files in
# small pieces, each after a while, and serves in between. Its log is in dir/said. Returns a channel
# whose closing gives its exit code.
proc loading_server {handle dir config} {
    spit $dir/slow ""
    spit $dir/redis.conf "bind 127.0.0.1\ndir \"$dir\"\n$config\n"
    preload $dir "
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
ssize_t read(int fd, void *to, size_t n) {
    struct stat st;
    if (n > 65536 && syscall(SYS_faccessat, AT_FDCWD, \"$dir/slow\", F_OK) == 0 &&
        fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        usleep(25000);
        n = 65536;
    }
    return syscall(SYS_read, fd, to, n);
}
" {
        started_by_hand $handle $dir {
            set chan [open "|[file join $::build redis-server] $dir/redis.conf --port $port \
                --logfile $dir/said 2>>$dir/stderr" r]
            pid $chan
        }
    }
    return $chan
}
proc load_on {handle} { file delete [of $handle dir]/slow }

# The same options as server; the server's wall clock is the system's moved by what set_clock says,
# in seconds, also before the start (set_clock_in), or stands still at a number of microseconds. Its
# monotonic clock runs on as it does; beside a wall clock that stands it moves between turns only,
# since the one is read off the other within a turn.
proc clock_server {config args} {
    array set o [list -dir "" -binary ""]
    array set o $args
    set dir [expr {$o(-dir) eq "" ? [tmpdir] : $o(-dir)}]
    if {![file exists $dir/clock]} { set_clock_in $dir 0 }
    set c "
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
static volatile int64_t *said; /* how far it is moved, where it stands */
static void look(void) {
    int fd = (int)syscall(SYS_openat, AT_FDCWD, \"$dir/clock\", O_RDONLY | O_CLOEXEC);
    said = (int64_t *)syscall(SYS_mmap, 0, 16, PROT_READ, MAP_SHARED, fd, 0);
    syscall(SYS_close, fd);
}
static __thread struct timespec turn; /* when it began */
int epoll_wait(int fd, struct epoll_event *to, int max, int ms) {
    int got = (int)syscall(SYS_epoll_pwait, fd, to, max, ms, NULL, 8);
    int err = errno;
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &turn);
    errno = err;
    return got;
}
int clock_gettime(clockid_t id, struct timespec *t) {
    int rc = (int)syscall(SYS_clock_gettime, id, t);
    if (!said) look();
    if (id == CLOCK_MONOTONIC && said\[1\] && turn.tv_sec) *t = turn;
    if (rc != 0 || id != CLOCK_REALTIME) return rc;
    int64_t us = said\[1\];
    if (us) *t = (struct timespec){us / 1000000, us % 1000000 * 1000};
    else t->tv_sec += said\[0\];
    return 0;
}
int gettimeofday(struct timeval *t, void *zone) {
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    *t = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
    return 0;
}
time_t time(time_t *to) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (to) *to = now.tv_sec;
    return now.tv_sec;
}
"
    return [preload $dir $c { server $config {*}$args -dir $dir } [expr {$o(-binary) ne ""}]]
}
proc set_clock_in {dir seconds {stands_us 0}} {
    set f [open $dir/clock [expr {[file exists $dir/clock] ? "r+b" : "wb"}]]
    puts -nonewline $f [binary format ww $seconds $stands_us]
    close $f
}
proc set_clock {handle seconds} { set_clock_in [of $handle dir] $seconds }

# Stops it as said and starts it again in the same directory.
proc restart {handle {how kill} {config ""} args} {
    set dir [of $handle dir]
    stop $handle $how
    return [server $config -dir $dir {*}$args]
}

# ---- RESP ----

proc connect {handle} {
    set fd [socket 127.0.0.1 [of $handle port]]
    # One write a request: a second small one would wait for the other side's delayed ACK.
    fconfigure $fd -translation binary -buffering full -buffersize 1000000 -blocking 1
    return $fd
}

proc encode {words} {
    set out "*[llength $words]\r\n"
    foreach word $words {
        append out "\$[string length $word]\r\n$word\r\n"
    }
    return $out
}

proc read_line {fd} {
    if {[gets $fd line] < 0} { error "the connection was closed" }
    return [string range $line 0 end-1]
}

# One reply. Errors are returned as "-TEXT" inside arrays, thrown at the top. Nil is "(nil)".
proc read_reply {fd {top 1}} {
    set line [read_line $fd]
    set rest [string range $line 1 end]
    switch -- [string index $line 0] {
        + - : - , - ( { return $rest }
        # { return [expr {$rest eq "t"}] }
        _ { return (nil) }
        - { if {$top} { error $rest } else { return -$rest } }
        $ - = {
            if {$rest == -1} { return (nil) }
            set text [read $fd $rest]
            read $fd 2
            return $text
        }
        * - ~ - > {
            if {$rest == -1} { return (nil) }
            set list {}
            for {set i 0} {$i < $rest} {incr i} { lappend list [read_reply $fd 0] }
            return $list
        }
        % {
            set list {}
            for {set i 0} {$i < 2 * $rest} {incr i} { lappend list [read_reply $fd 0] }
            return $list
        }
        default { error "not a reply: $line" }
    }
}

proc send {fd args} {
    puts -nonewline $fd [encode $args]
    flush $fd
}
proc request {fd args} {
    send $fd {*}$args
    return [read_reply $fd]
}
# On the server's default connection (made when first used).
proc ask {handle args} {
    if {![info exists ::connections($handle,main)]} {
        set ::connections($handle,main) [connect $handle]
    }
    if {[catch { request $::connections($handle,main) {*}$args } reply options]} {
        if {[string match "*closed*" $reply] || [string match "error *" $reply]} {
            catch { close $::connections($handle,main) }
            unset ::connections($handle,main)
        }
        return -options $options $reply
    }
    return $reply
}
# The error text of a request that must fail.
proc error_of {handle args} {
    if {![catch { ask $handle {*}$args } reply]} { error "no error, but [shown $reply]" }
    return $reply
}
proc info_of {handle field} {
    regexp -line "^$field:(.*?)\r?$" [ask $handle INFO everything] -> value
    if {![info exists value]} { error "INFO has no $field" }
    return [string trimright $value \r]
}
