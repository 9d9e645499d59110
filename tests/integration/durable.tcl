# SPDX-License-Identifier: BSD-3-Clause
# When is a write durable, who waits for it, and what happens while the disk is slow, full or gone.
source [file join [file dirname [info script]] lib.tcl]

# Disk calls that do as files in dir say:
#   sync-held   fdatasync stands still as long as this is there
#   sync-fails  fdatasync fails with EIO      write-fails  write to files fails with this errno
proc sick_disk {dir} {
    return "
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
static int said(const char *path) {
    char text\[16\] = {0};
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY);
    if (fd < 0) return -1;
    if (syscall(SYS_read, fd, text, sizeof text - 1) < 0) text\[0\] = 0;
    syscall(SYS_close, fd);
    return atoi(text);
}
int fdatasync(int fd) {
    while (said(\"$dir/sync-held\") >= 0) usleep(2000);
    if (said(\"$dir/sync-fails\") >= 0) { errno = EIO; return -1; }
    return (int)syscall(SYS_fdatasync, fd);
}
ssize_t write(int fd, const void *from, size_t n) {
    struct stat st;
    int err = said(\"$dir/write-fails\");
    if (err > 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) { errno = err; return -1; }
    return syscall(SYS_write, fd, from, n);
}
"
}
# The same options as server; its disk is in dir's hands.
proc sick_server {config} {
    set dir [tmpdir]
    return [preload $dir [sick_disk $dir] { server $config -dir $dir }]
}
proc sick {s what {value ""}} { spit [of $s dir]/$what $value }
proc heal {s what} { file delete [of $s dir]/$what }
# For what waits for the disk itself: heals it meanwhile. When does not matter.
proc heal_soon {s what} { exec sh -c "sleep 0.4; rm -f [of $s dir]/$what" & }
# A request whose reply is read later.
proc open_request {s args} {
    set fd [connect $s]
    send $fd {*}$args
    return $fd
}
proc has_reply {fd} {
    fconfigure $fd -blocking 0
    set got [read $fd 1]
    fconfigure $fd -blocking 1
    if {$got ne ""} { set ::early($fd) $got }
    return [expr {$got ne ""}]
}
proc log_bytes {s} {
    set all ""
    foreach path [lsort [glob [of $s dir]/appendonlydir/*.incr.aof]] { append all [slurp $path] }
    return $all
}
# A write whose reply is read later; it has been run, and lies in the log.
proc open_write {s args} {
    set before [log_bytes $s]
    set fd [open_request $s {*}$args]
    wait_for { expr {[log_bytes $s] ne $before} }
    return $fd
}

foreach way {inline worker auto} {
    case "always, $way: what was acknowledged to many clients is there after a kill" {
        set config "appendonly yes\nappendfsync always\nsave \"\"\naof-always-sync-way $way"
        set s [server $config]
        set fds {}
        for {set i 0} {$i < 20} {incr i} { lappend fds [connect $s] }
        for {set round 0} {$round < 50} {incr round} {
            foreach fd $fds { send $fd INCR of:$fd }
            foreach fd $fds { is [read_reply $fd] [expr {$round + 1}] }
        }
        is [info_of $s aof_bytes_at_risk] 0
        is [info_of $s aof_commands_at_risk] 0
        is [info_of $s aof_position] [info_of $s aof_durable_position]
        if {$way ne "auto"} { is [info_of $s aof_sync_in_worker] [expr {$way eq "worker"}] }
        # unread when it is killed: sent is not acknowledged
        foreach fd $fds { send $fd SET last:$fd x }
        set sure {}
        foreach fd $fds { if {[gets $fd line] >= 0} { lappend sure $fd } }
        set s [restart $s kill $config]
        foreach fd $fds { is [ask $s GET of:$fd] 50 }
        foreach fd $sure { is [ask $s GET last:$fd] x }
        foreach fd $fds { close $fd }
    }
}

foreach way {inline worker} {
    case "always, $way: a reply waits for the disk, and so does who reads what is not durable" {
        set s [sick_server "appendonly yes\nappendfsync always\nsave \"\"\naof-always-sync-way $way"]
        ask $s MSET a 1 b 1
        sick $s sync-held
        set writer [open_write $s SET a 2]
        set reader [open_request $s GET a]
        set counter [open_request $s DBSIZE]
        set other [open_request $s GET b]
        if {$way eq "worker"} { wait_for { has_reply $other } }
        after 400 ;# the longer, the likelier is what must not come
        is [has_reply $writer] 0
        is [has_reply $reader] 0
        is [has_reply $counter] 0
        if {$way ne "worker"} { is [has_reply $other] 0 }
        heal $s sync-held
        is [read_reply $writer] OK
        is [read_reply $reader] 2
        is [read_reply $counter] 2
        foreach fd [list $writer $reader $counter $other] { close $fd }
    }
}

foreach way {inline worker} {
    case "always, $way: who waited for a key is given what it holds when that is durable" {
        set config "appendonly yes\nappendfsync always\nsave \"\"\naof-always-sync-way $way"
        set s [sick_server $config]
        ask $s XGROUP CREATE x g $ MKSTREAM
        set waiting {}
        foreach words {{BLPOP l 0} {BLMOVE m n LEFT RIGHT 0} {BZPOPMIN z 0}
            {XREADGROUP GROUP g c BLOCK 0 STREAMS x >} {XREAD BLOCK 0 STREAMS x $}} {
            lappend waiting [open_request $s {*}$words]
        }
        wait_for { expr {[info_of $s blocked_clients] == 5} }
        sick $s sync-held
        set fd [open_request $s MULTI]
        foreach words {{RPUSH l a} {RPUSH m a} {ZADD z 1 a} {XADD x 1-1 a 1} EXEC} {
            send $fd {*}$words
        }
        wait_for { expr {[string match "*LMOVE*XCLAIM*" [log_bytes $s]]} }
        after 400 ;# the longer, the likelier is what must not come
        foreach w $waiting { is [has_reply $w] 0 }
        heal $s sync-held
        is [lmap w $waiting { read_reply $w }] \
            {{l a} a {z a 1} {{x {{1-1 {a 1}}}}} {{x {{1-1 {a 1}}}}}}
        close $fd
        foreach w $waiting { close $w }
        set s [restart $s kill $config]
        is [ask $s EXISTS l m z] 0
        is [ask $s LRANGE n 0 -1] a
        is [lindex [ask $s XPENDING x g] 0] 1
    }
}

case "always: replies of one connection keep their order; after SWAPDB every read waits" {
    set s [sick_server "appendonly yes\nappendfsync always\nsave \"\"\naof-always-sync-way worker"]
    ask $s MSET a 1 b 1
    sick $s sync-held
    set fd [open_write $s SET a 2]
    send $fd GET b
    after 200 ;# the longer, the likelier is what must not come
    is [has_reply $fd] 0
    heal $s sync-held
    is [list [read_reply $fd] [read_reply $fd]] {OK 1}
    sick $s sync-held
    set before [log_bytes $s]
    send $fd SWAPDB 1 2
    wait_for { expr {[log_bytes $s] ne $before} }
    set other [open_request $s GET b]
    after 200
    is [has_reply $other] 0
    heal $s sync-held
    is [list [read_reply $fd] [read_reply $other]] {OK 1}
    close $fd
    close $other
}

case "always, worker: a failed sync stops the server, the replies unsent, the bytes cut off" {
    set s [sick_server "appendonly yes\nappendfsync always\nsave \"\"\naof-always-sync-way worker"]
    ask $s SET a 1
    set before [log_bytes $s]
    sick $s sync-held
    sick $s sync-fails
    set one [open_write $s SET b 2]
    set two [open_request $s SET c 3]
    after 200 ;# most often it comes while the sync runs
    heal $s sync-held
    wait_for { expr {![alive [of $s pid]]} }
    foreach fd [list $one $two] { truth {[catch { read $fd } got] || $got eq ""} }
    like [log_of $s] "*Can't recover from AOF fsync error*"
    is [log_bytes $s] $before
    foreach fd [list $one $two] { close $fd }
}

# What must wait for a sync in flight, or end it well.
foreach {name does} {
    "CONFIG SET appendfsync" { is [ask $s CONFIG SET appendfsync everysec] OK }
    "CONFIG SET appendonly no" { is [ask $s CONFIG SET appendonly no] OK
        is [ask $s CONFIG SET appendonly yes] OK
        wait_for { expr {[info_of $s aof_rewrite_in_progress] == 0} } }
    "BGREWRITEAOF" { ask $s BGREWRITEAOF
        wait_for { expr {[info_of $s aof_rewrite_in_progress] == 0} }
        is [info_of $s aof_last_bgrewrite_status] ok }
    "SHUTDOWN" { stop $s term }
} {
    case "always, worker: $name while a sync runs" {
        set config "appendonly yes\nappendfsync always\nsave \"\"\naof-always-sync-way worker"
        set s [sick_server $config]
        ask $s SET a 1
        sick $s sync-held
        set fd [open_write $s SET b 2]
        set more [open_request $s SET c 3]
        set dir [of $s dir]
        heal_soon $s sync-held
        eval $does
        is [read_reply $fd] OK
        if {$name ne "SHUTDOWN"} { is [read_reply $more] OK }
        if {$name ne "SHUTDOWN"} { stop $s kill }
        close $fd
        close $more
        set s [server $config -dir $dir]
        is [ask $s MGET a b] {1 2}
        if {$name ne "SHUTDOWN"} { is [ask $s GET c] 3 }
    }
}

case "everysec: a slow sync stalls nobody; over aof-max-pending writes are refused until it ends" {
    set config "appendonly yes\nsave \"\"\naof-max-pending 100kb"
    set s [sick_server $config]
    ask $s SET a 1
    is [info_of $s aof_sync_in_worker] 1
    # as long as it is held: whoever is answered did not wait for it
    sick $s sync-held
    ask $s SET b 1
    wait_for { info_of $s aof_pending_bio_fsync }
    for {set i 0} {$i < 20} {incr i} { is [ask $s SET k$i [string repeat x 1000]] OK }
    wait_for { after 100; ask $s SET c 1; expr {[info_of $s aof_delayed_fsync] == 1} }
    truth {[info_of $s aof_pending_bytes] > 20000}
    truth {[info_of $s aof_bytes_at_risk] > 20000}
    truth {[info_of $s aof_commands_at_risk] >= 20}
    like [log_of $s] "*fsync is taking too long*"
    set refused 0
    for {set i 20} {$i < 300 && !$refused} {incr i} {
        set refused [catch { ask $s SET k$i [string repeat x 1000] } reply]
    }
    truth {$refused}
    like $reply "MISCONF The AOF can't be synced in time*aof-max-pending*"
    is [ask $s GET a] 1
    set began [clock seconds]
    heal $s sync-held
    wait_for { expr {![catch { ask $s SET done 1 }]} }
    like [log_of $s] "*writes are refused until they are written*Writes are accepted again*"
    is [ask $s WAITAOF 1 0 0] {1 0}
    is [info_of $s aof_bytes_at_risk] 0
    truth {[info_of $s aof_last_sync_time] >= $began - 1}
    set n [ask $s DBSIZE]
    set s [restart $s kill $config]
    is [ask $s DBSIZE] $n
}

case "WAITAOF: its arguments, and what it answers without a log" {
    set s [server]
    is [error_of $s WAITAOF 2 0 0] "ERR value is out of range, must be between 0 and 1"
    is [error_of $s WAITAOF 1 -1 0] "ERR value is out of range, must be positive"
    is [error_of $s WAITAOF x 0 0] "ERR value is not an integer or out of range"
    is [error_of $s WAITAOF 1 0 -1] "ERR timeout is negative"
    is [error_of $s WAITAOF 1 0 x] "ERR timeout is not an integer or out of range"
    is [error_of $s WAITAOF 1 0 0] \
        "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled."
    is [ask $s WAITAOF 0 0 0] {0 0}
    is [ask $s WAITAOF 0 1 50] {0 0}
    is [ask $s WAIT 0 0] 0
    is [ask $s WAIT 1 50] 0
}

foreach policy {always everysec no} {
    case "WAITAOF under $policy: once it has answered, a power cut takes nothing" {
        set s [sick_server "appendonly yes\nappendfsync $policy\nsave \"\""]
        is [ask $s WAITAOF 1 0 0] {1 0}
        # it does not wait for a sync that is due in a second: of many one must be quicker
        wait_for {
            set began [clock milliseconds]
            ask $s SET a 1
            is [ask $s WAITAOF 1 0 0] {1 0}
            expr {[clock milliseconds] - $began < 700}
        }
        is [info_of $s aof_bytes_at_risk] 0
        # times out while the disk is slow
        if {$policy ne "always"} {
            sick $s sync-held
            ask $s SET a 2
            is [ask $s WAITAOF 1 0 100] {0 0}
            heal $s sync-held
            is [ask $s WAITAOF 1 0 0] {1 0}
        }
        is [ask $s WAITAOF 1 1 100] {1 0}
        ask $s MULTI
        ask $s SET a 3
        ask $s WAITAOF 1 1 0
        is [lindex [ask $s EXEC] 1 1] 0
        # pipelined behind it: answered in order
        set fd [connect $s]
        send $fd SET p 1
        send $fd WAITAOF 1 0 0
        send $fd GET p
        is [list [read_reply $fd] [read_reply $fd] [read_reply $fd]] {OK {1 0} 1}
        close $fd
    }
}

case "a client that waits: unblocked, killed, gone, and the log switched off under it" {
    set s [sick_server "appendonly yes\nsave \"\""]
    ask $s SET a 1
    is [ask $s WAITAOF 1 0 0] {1 0}
    set fd [connect $s]
    set id [request $fd CLIENT ID]
    is [ask $s CLIENT UNBLOCK $id] 0
    send $fd WAITAOF 0 1 0
    send $fd PING
    wait_for { expr {[info_of $s blocked_clients] == 1} }
    is [ask $s CLIENT UNBLOCK $id] 1
    is [read_reply $fd] {1 0}
    is [read_reply $fd] PONG
    send $fd WAIT 1 0
    wait_for { expr {[info_of $s blocked_clients] == 1} }
    is [ask $s CLIENT UNBLOCK $id ERROR] 1
    truth {[catch { read_reply $fd } reply]}
    is $reply "UNBLOCKED client unblocked via CLIENT UNBLOCK"
    is [error_of $s CLIENT UNBLOCK $id NEVER] "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR"
    send $fd WAITAOF 0 1 0
    wait_for { expr {[info_of $s blocked_clients] == 1} }
    is [ask $s CLIENT KILL ID $id] 1
    wait_for { expr {[info_of $s blocked_clients] == 0} }
    close $fd
    set fd [open_request $s WAITAOF 0 1 0]
    wait_for { expr {[info_of $s blocked_clients] == 1} }
    close $fd
    wait_for { expr {[info_of $s blocked_clients] == 0} }
    set fd [open_request $s WAITAOF 1 1 0]
    wait_for { expr {[info_of $s blocked_clients] == 1} }
    is [ask $s CONFIG SET appendonly no] OK
    truth {[catch { read_reply $fd } reply]}
    like $reply "ERR WAITAOF cannot be used*"
    close $fd
    set one [open_request $s WAIT 1 0]
    set two [open_request $s WAITAOF 0 1 0]
    wait_for { expr {[info_of $s blocked_clients] == 2} }
    stop $s term
    close $one
    close $two
}

# The last sync of the log that ended was at the position where the next one begins.
case "everysec: what is at risk in a log that is switched off and on again" {
    set s [server "appendonly yes\nsave \"\""]
    for {set i 0} {$i < 10} {incr i} { ask $s SET k$i v }
    wait_for { expr {[info_of $s aof_bytes_at_risk] == 0} }
    is [ask $s CONFIG SET appendonly no] OK
    set fd [connect $s]
    puts -nonewline $fd [encode {CONFIG SET appendonly yes}]
    send $fd SET k 1
    is [list [read_reply $fd] [read_reply $fd]] {OK OK}
    close $fd
    wait_for { expr {[info_of $s aof_bytes_at_risk] == 0} }
    is [info_of $s aof_commands_at_risk] 0
    stop $s term
}

case "aof-checksum switched while running: every part is read again" {
    set config "appendonly yes\nsave \"\"\naof-timestamp-enabled yes\nenable-debug-command yes"
    set s [server $config]
    set n 0
    foreach value {no yes no yes yes} {
        is [ask $s CONFIG SET aof-checksum $value] OK
        ask $s SELECT [expr {$n % 3}]
        for {set i 0} {$i < 30} {incr i} { ask $s SET k[incr n] [string repeat v $n] }
        ask $s MULTI
        ask $s SET m$n 1
        ask $s CONFIG SET aof-checksum [expr {$n % 2 ? "no" : "yes"}]
        ask $s SET m2$n 1
        ask $s EXEC
    }
    ask $s SET big [string repeat x 300000]
    ask $s SELECT 0
    set keys [list [ask $s DBSIZE] [ask $s DEBUG DIGEST]]
    truth {[llength [regexp -all -inline -line {^#LOG:} [log_bytes $s]]] >= 3}
    truth {[llength [regexp -all -inline -line {^#[A-Za-z0-9+/]{4}\r$} [log_bytes $s]]] >= 30}
    set s [restart $s kill $config]
    is [list [ask $s DBSIZE] [ask $s DEBUG DIGEST]] $keys
    set dir [of $s dir]
    stop $s term
    is [run [file join $build redis-check-aof] $dir/appendonlydir/appendonly.aof.manifest] 0
}

case "the log can't be written: refused with errno, file, time; it resumes by itself" {
    set s [sick_server "appendonly yes\nsave \"\""]
    ask $s SET a 1
    is [info_of $s aof_last_error] ""
    sick $s write-fails 30
    ask $s SET b 2
    wait_for { catch { ask $s SET c 3 } reply }
    like $reply "MISCONF Errors writing to the AOF file: Read-only file system (write of\
        appendonly.aof.1.incr.aof failed at 20??-??-??T??:??:??Z: Read-only file system; next try in * s)"
    like [info_of $s aof_last_error] "write of appendonly.aof.1.incr.aof failed at 20*Read-only*"
    is [ask $s GET b] 2
    heal $s write-fails
    wait_for { expr {![catch { ask $s SET c 3 }]} }
    is [info_of $s aof_last_write_status] ok
    is [ask $s WAITAOF 1 0 0] {1 0}
    set s [restart $s kill "appendonly yes\nsave \"\""]
    is [ask $s MGET a b c] {1 2 3}
}

case "no-appendfsync-on-rewrite: no sync while a child writes, until it is switched off" {
    set s [held_server "appendonly yes\nsave \"\"\nno-appendfsync-on-rewrite yes"]
    for {set i 0} {$i < 80} {incr i} { ask $s SET k$i 1 }
    ask $s BGREWRITEAOF
    wait_for { expr {[info_of $s aof_rewrite_in_progress] == 1} }
    ask $s SET during 1
    after 2300 ;# a sync would have been due
    is [info_of $s aof_rewrite_in_progress] 1
    truth {[info_of $s aof_bytes_at_risk] > 0 && [info_of $s aof_commands_at_risk] == 1}
    ask $s CONFIG SET no-appendfsync-on-rewrite no
    wait_for { expr {[info_of $s aof_bytes_at_risk] == 0} }
    is [info_of $s aof_rewrite_in_progress] 1
    truth {[info_of $s aof_last_sync_latency_us] > 0}
}

case "a rewrite that fails again and again waits longer each time; BGREWRITEAOF does not wait" {
    set s [held_server "appendonly yes\nsave \"\"\nauto-aof-rewrite-min-size 1kb"]
    for {set i 0} {$i < 20} {incr i} { ask $s SET k$i [string repeat x 1000] }
    foreach failures {1 2 3} {
        wait_for { expr {[info_of $s aof_rewrite_in_progress] == 1} }
        signal 9 [lindex [regexp -all -inline {started by pid (\d+)} [log_of $s]] end]
        wait_for { expr {[info_of $s aof_rewrites_consecutive_failures] == $failures} }
    }
    like [log_of $s] "*has repeatedly failed, the next try is in 1 minutes*"
    is [info_of $s aof_last_bgrewrite_status] err
    after 2500 ;# far less than the minute
    is [info_of $s aof_rewrite_in_progress] 0
    is [ask $s SET still 1] OK
    release $s
    ask $s BGREWRITEAOF
    wait_for { expr {[info_of $s aof_rewrites_consecutive_failures] == 0} }
    is [info_of $s aof_last_bgrewrite_status] ok
}

# A server of a user who is nobody, where we may make one.
case "permission lost: saves and rewrites fail and tell why, reads go on, and it heals" {
    set dir [tmpdir]
    if {[catch { exec setpriv --reuid 65534 --clear-groups true }]} return
    if {[catch { exec setpriv --reuid 65534 --clear-groups ls $build }]} return
    exec chown -R 65534 $dir $tmp_root
    spit $dir/as-nobody "#!/bin/sh\nexec setpriv --reuid 65534 --clear-groups $build/redis-server \"\$@\"\n"
    exec chmod 755 $dir/as-nobody
    set s [server "appendonly yes\nsave \"3600 100000\"" -dir $dir -binary $dir/as-nobody]
    ask $s SET a 1
    exec chown 0 $dir $dir/appendonlydir
    exec chmod 555 $dir $dir/appendonlydir
    catch { ask $s BGREWRITEAOF }
    wait_for { expr {[info_of $s aof_last_bgrewrite_status] eq "err"} }
    is [ask $s SET b 2] OK
    is [ask $s WAITAOF 1 0 0] {1 0}
    ask $s BGSAVE
    wait_for { expr {[info_of $s rdb_last_bgsave_status] eq "err"} }
    like [error_of $s SET c 3] "MISCONF*open failed at 20*temp-*Permission denied*next try in * s)"
    is [ask $s GET b] 2
    exec chmod 777 $dir $dir/appendonlydir
    ask $s BGSAVE
    wait_for { expr {[info_of $s rdb_last_bgsave_status] eq "ok"} }
    is [ask $s SET c 3] OK
    ask $s BGREWRITEAOF
    wait_for { expr {[info_of $s aof_last_bgrewrite_status] eq "ok"} }
    stop $s kill
    exec chown -R 0 $dir
}

case "the dump's name is taken: writes are refused with the reason, until it is free" {
    set s [server "save \"3600 1000\""]
    set dir [of $s dir]
    ask $s SET a 1
    file mkdir $dir/dump.rdb
    ask $s BGSAVE
    wait_for { expr {[info_of $s rdb_last_bgsave_status] eq "err"} }
    like [error_of $s SET b 2] "MISCONF Redis is configured to save RDB snapshots*details about the\
        error. (rename failed at 20??-??-??T??:??:??Z: *; next try in * s)"
    like [info_of $s rdb_last_error] "rename failed at 20*dump.rdb*"
    is [ask $s GET a] 1
    ask $s CONFIG SET stop-writes-on-bgsave-error no
    is [ask $s SET b 2] OK
    ask $s CONFIG SET stop-writes-on-bgsave-error yes
    file delete $dir/dump.rdb
    ask $s BGSAVE
    wait_for { expr {[info_of $s rdb_last_bgsave_status] eq "ok"} }
    is [info_of $s rdb_last_error] ""
    is [ask $s SET b 3] OK
}

case "a transaction queued before the disk failed is refused at EXEC, if it writes" {
    set s [server "save \"3600 1000000\""]
    lassign [list [connect $s] [connect $s]] writes reads
    request $writes MULTI
    request $writes SET a 1
    request $reads MULTI
    request $reads GET a
    file mkdir [of $s dir]/dump.rdb
    ask $s BGSAVE
    wait_for { expr {[info_of $s rdb_last_bgsave_status] eq "err"} }
    truth {[catch { request $writes EXEC } reply]}
    like $reply "EXECABORT Transaction discarded because of: MISCONF Redis is configured*"
    is [request $reads EXEC] {(nil)}
    is [ask $s EXISTS a] 0
    # nothing is queued any more
    truth {[catch { request $writes EXEC } reply]}
    is $reply "ERR EXEC without MULTI"
}

case "the working directory is removed: saves fail and tell why, until there is one again" {
    set s [server "save \"\"" -dir [set dir [tmpdir]]]
    ask $s SET a 1
    file delete -force $dir
    like [error_of $s SAVE] "ERR*"
    catch { ask $s BGSAVE }
    wait_for { expr {[info_of $s rdb_last_bgsave_status] eq "err"} }
    like [info_of $s rdb_last_error] "*No such file or directory*"
    file mkdir $dir
    is [ask $s SAVE] OK
    ask $s BGSAVE
    wait_for { expr {[info_of $s rdb_last_bgsave_status] eq "ok"} }
    is [lindex [ask $s CONFIG GET dir] 1] $dir
    set s [restart $s kill]
    is [ask $s GET a] 1
}

# Whatever way the files go, and whether or not the place is taken for a while.
foreach policy {everysec always} {
    foreach {name go} {
        "the log's directory is removed" { file delete -force $dir/appendonlydir }
        "the log's directory is moved away, a file takes its name" {
            file rename $dir/appendonlydir $dir/away
            spit $dir/appendonlydir ""
            wait_for { expr {[info_of $s aof_last_write_status] eq "err"} }
            after 1500 ;# what heals it finds the place taken
            truth {[catch { ask $s BGREWRITEAOF }]}
            file delete $dir/appendonlydir
        }
        "the manifest is removed" { file delete $dir/appendonlydir/appendonly.aof.manifest }
        "the increment is removed" { file delete $dir/appendonlydir/appendonly.aof.1.incr.aof }
        "another file has the increment's name" {
            file delete $dir/appendonlydir/appendonly.aof.1.incr.aof
            spit $dir/appendonlydir/appendonly.aof.1.incr.aof ""
        }
    } {
        case "$policy, $name: writes are refused with the reason, then the log is whole again" {
            set s [held_server "appendonly yes\nappendfsync $policy\nsave \"\""]
            set dir [of $s dir]
            ask $s SET a 1
            ask $s SET d 1
            eval $go
            wait_for { expr {[info_of $s aof_last_write_status] eq "err"} }
            truth {[catch { ask $s SET b 2 } reply]}
            like $reply "MISCONF Errors writing to the AOF file: No such file or directory (look-up\
                of appendonly.aof.*.incr.aof failed at 20*; next try in * s)"
            is [ask $s GET a] 1
            release $s
            wait_for { expr {![catch { ask $s SET c 3 }]} }
            is [info_of $s aof_last_write_status] ok
            is [ask $s WAITAOF 1 0 0] {1 0}
            set s [restart $s kill "appendonly yes"]
            is [ask $s MGET a c] {1 3}
        }
    }
}

case "BGREWRITEAOF right after the log's directory was moved away names nothing that is not there" {
    set s [held_server "appendonly yes\nsave \"\""]
    set dir [of $s dir]
    ask $s SET a 1
    file rename $dir/appendonlydir $dir/away
    catch { ask $s BGREWRITEAOF }
    wait_for { catch { ask $s SET b 2 } }
    wait_for { expr {[info_of $s aof_rewrite_in_progress] == 1} }
    truth {![file exists $dir/appendonlydir/appendonly.aof.manifest]}
    stop $s kill
    is [glob -nocomplain -directory $dir/appendonlydir *.base.*] {}
}

proc with_disk {dir size body} {
    if {[run mount -t tmpfs -o size=$size none $dir] != 0} return
    set code [catch { uplevel 1 $body } result options]
    foreach s [array names ::servers] { stop $s kill }
    wait_for { expr {[catch { exec umount $dir }] == 0} }
    return -options $options $result
}

foreach policy {everysec always} {
    case "reserve-file-size, $policy: given up on a full disk, writes go on, made again later" {
        set dir [tmpdir]
        with_disk $dir 2m {
            set config "appendonly yes\nappendfsync $policy\nsave \"\"\nreserve-file-size 500kb"
            set s [server $config -dir $dir]
            wait_for { expr {[info_of $s reserve_file] eq "there"} }
            is [file size $dir/holdfast-reserve.tmp] 512000
            for {set i 0} {[info_of $s reserve_file_given_up] == 0} {incr i} {
                is [ask $s SET k$i [string repeat x 20000]] OK
            }
            truth {![file exists $dir/holdfast-reserve.tmp]}
            like [log_of $s] "*The disk is full: the reserve of 512000 bytes*is given up*"
            is [ask $s SET more 1] OK
            exec mount -o remount,size=8m $dir
            wait_for { expr {[info_of $s reserve_file] eq "there"} }
            set n [ask $s DBSIZE]
            set s [restart $s kill $config]
            is [ask $s DBSIZE] $n
            wait_for { expr {[info_of $s reserve_file] eq "there"} }
            ask $s CONFIG SET reserve-file-size 0
            wait_for { expr {![file exists $dir/holdfast-reserve.tmp]} }
            is [info_of $s reserve_file] none
        }
    }
}

case "a limit of file sizes is an error of the write, not the end of the server" {
    set script [file join [tmpdir] server.sh]
    spit $script "#!/bin/sh\nulimit -f 400\nexec $build/redis-server \"\$@\"\n"
    file attributes $script -permissions 0755
    set s [server "appendonly yes\nsave \"3600 1000\"" -binary $script]
    set text [string repeat x 50000]
    set i -1
    wait_for { catch { ask $s SET k[incr i] $text } why }
    like $why "MISCONF*File too large*"
    is [ask $s GET k0] $text
    catch { ask $s BGSAVE }
    wait_for { expr {[info_of $s rdb_bgsave_in_progress] == 0} }
    stop $s kill
}

case "reserve-file-size: what has its name and is no file of its own is left alone" {
    set dir [tmpdir]
    set target [file join [tmpdir] target]
    spit $target precious
    file link -symbolic $dir/holdfast-reserve.tmp $target
    set s [server "save \"\"\nreserve-file-size 1mb\npidfile pid" -dir $dir]
    wait_for { string match "*No reserve of 1048576 bytes*" [log_of $s] }
    is [slurp $target] precious
    is [info_of $s reserve_file] none
    stop $s term
    file delete $dir/holdfast-reserve.tmp
    file link -hard $dir/holdfast-reserve.tmp $target
    file link -symbolic $dir/pid $target
    set s [server "save \"\"\nreserve-file-size 2\npidfile pid" -dir $dir]
    wait_for { string match "*No reserve of 2 bytes*" [log_of $s] }
    is [slurp $target] precious
    stop $s term
    # a pipe holds up neither the work nor the end
    file delete $dir/holdfast-reserve.tmp $dir/pid
    exec mkfifo $dir/holdfast-reserve.tmp $dir/pid
    set s [server "save \"\"\nreserve-file-size 1mb\npidfile pid" -dir $dir]
    wait_for { string match "*No reserve of 1048576 bytes*" [log_of $s] }
    stop $s term
}

case "reserve-file-size: a save that meets a full disk uses it" {
    set dir [tmpdir]
    with_disk $dir 3m {
        set s [server "save \"\"\nreserve-file-size 1mb\nrdbcompression no" -dir $dir]
        wait_for { expr {[info_of $s reserve_file] eq "there"} }
        ask $s SET big [string repeat x 1500000]
        spit $dir/ballast [string repeat x 800000]
        is [ask $s SAVE] OK
        is [info_of $s reserve_file_given_up] 1
        truth {![file exists $dir/holdfast-reserve.tmp]}
        file delete $dir/ballast
    }
}

finish
