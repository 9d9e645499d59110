# SPDX-License-Identifier: BSD-3-Clause
# What is named, but maybe not for good; what was told once; what belongs to somebody else.
source [file join [file dirname [info script]] lib.tcl]

# Disk calls of a server: fdatasync fails while dir/sync-fails is there; fsync of a directory fails
# while dir/dir-fails and dir/when are there, from the (skip + 1)th call on.
proc sick_server {config {when x} {skip 0}} {
    set dir [tmpdir]
    spit $dir/shim.c "[held_children $dir]
#include <errno.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
static int is(const char *path) { return access(path, F_OK) == 0; }
int fdatasync(int fd) {
    if (is(\"$dir/sync-fails\")) { errno = EIO; return -1; }
    return (int)syscall(SYS_fdatasync, fd);
}
int fsync(int fd) {
    static int calls;
    struct stat st;
    if (is(\"$dir/dir-fails\") && is(\"$dir/$when\") && fstat(fd, &st) == 0 &&
        S_ISDIR(st.st_mode) && calls++ >= $skip) { errno = EIO; return -1; }
    return (int)syscall(SYS_fsync, fd);
}
"
    exec gcc -shared -fPIC -o $dir/shim.so $dir/shim.c
    if {$config eq ""} { return $dir }
    return [under_shim $dir $config]
}
proc under_shim {dir config args} {
    set ::env(LD_PRELOAD) $dir/shim.so
    set code [catch { server $config -dir $dir {*}$args } s]
    unset ::env(LD_PRELOAD)
    if {$code} { error $s }
    return $s
}
proc in_log_dir {dir name} { return $dir/appendonlydir/appendonly.aof.$name }

if {!$sanitized} {
    case "a sync that fails in CONFIG SET appendfsync is not forgotten" {
        set s [sick_server "appendonly yes\nappendfsync no\nsave \"\"\nrdb-key-save-delay 1"]
        hold $s
        set dir [of $s dir]
        ask $s SET a 1
        spit $dir/sync-fails ""
        truth {[catch { ask $s CONFIG SET appendfsync everysec }]}
        file delete $dir/sync-fails
        is [ask $s WAITAOF 1 0 100] {0 0}
        truth {[catch { ask $s SET b 1 }]}
        release $s
        wait_for { expr {![catch { ask $s SET b 1 }]} }
        truth {[info_of $s aof_rewrites] > 0}
    }

    case "always: a rewrite's increment counts for nothing while its manifest may be lost" {
        set s [sick_server "appendonly yes\nappendfsync always\nsave \"\"" \
                appendonlydir/appendonly.aof.2.incr.aof 1]
        set dir [of $s dir]
        ask $s SET a 1
        set old [slurp [in_log_dir $dir manifest]]
        spit $dir/dir-fails ""
        truth {[catch { ask $s BGREWRITEAOF }]}
        truth {[catch { ask $s SET b 1 }]}
        is [ask $s WAITAOF 1 0 50] {0 0}
        file delete $dir/dir-fails
        wait_for { expr {![catch { ask $s SET b 1 }]} }
        is [ask $s WAITAOF 1 0 0] {1 0}
        set s [restart $s kill "appendonly yes"]
        is [ask $s MGET a b] {1 1}
    }

    case "a start whose first increment may have no manifest is refused" {
        set dir [sick_server "" appendonlydir/appendonly.aof.1.incr.aof 1]
        spit $dir/dir-fails ""
        lassign [under_shim $dir "appendonly yes\nsave \"\"" -fails 1] code log
        is $code 1
        like $log "*Can't sync *appendonlydir*"
        file delete $dir/dir-fails
        is [ask [server "appendonly yes" -dir $dir] PING] PONG
    }

    case "switched on, and the first manifest may be lost: WAITAOF does not count it" {
        set s [sick_server "save \"\"" appendonlydir/appendonly.aof.manifest]
        set dir [of $s dir]
        spit $dir/dir-fails ""
        ask $s CONFIG SET appendonly yes
        wait_for { file exists [in_log_dir $dir manifest] }
        ask $s SET b 1
        is [ask $s WAITAOF 1 0 100] {0 0}
        file delete $dir/dir-fails
        is [ask $s WAITAOF 1 0 0] {1 0}
        set s [restart $s kill "appendonly yes"]
        is [ask $s GET b] 1
    }
}

case "an older increment is removed: it is noticed, and the log is made whole" {
    set s [held_server "appendonly yes\nsave \"\""]
    set dir [of $s dir]
    foreach n {1 2 3} { ask $s SET $n $n }
    ask $s BGREWRITEAOF
    ask $s SET b 2
    file delete [in_log_dir $dir 1.incr.aof]
    wait_for { catch { ask $s SET c 3 } }
    release $s
    wait_for { expr {![catch { ask $s SET c 3 }]} }
    set s [restart $s kill "appendonly yes"]
    is [ask $s MGET 1 2 3 b c] {1 2 3 2 3}
}

case "another log that takes the directory's name is not written to" {
    set config "appendonly yes\nsave \"\""
    set other [server $config]
    ask $other SET other 1
    ask $other BGREWRITEAOF
    wait_for { expr {[info_of $other aof_rewrite_in_progress] == 0} }
    ask $other SET other 2
    set theirs [of $other dir]/appendonlydir
    stop $other nosave
    set s [server $config]
    set dir [of $s dir]
    ask $s SET mine 1
    file rename $dir/appendonlydir $dir/away
    file copy $theirs $dir/appendonlydir
    catch { ask $s BGREWRITEAOF }
    wait_for { catch { ask $s SET mine 2 } }
    after 2500 ;# it is tried again meanwhile
    truth {[catch { ask $s SET mine 2 }]}
    like [log_of $s] "*another append log lies in $dir/appendonlydir: move it away*"
    foreach path [glob $theirs/*] {
        truth {[slurp $path] eq [slurp $dir/appendonlydir/[file tail $path]]}
    }
    is [llength [glob $theirs/*]] [llength [glob $dir/appendonlydir/*]]
    file delete -force $dir/appendonlydir
    wait_for { expr {![catch { ask $s SET mine 2 }]} }
    set s [restart $s kill $config]
    is [ask $s GET mine] 2
}

case "the log's directory is removed, power fails while it is made anew: the dump is older" {
    set s [server "appendonly yes\nappendfsync always\nsave \"\""]
    set dir [of $s dir]
    ask $s SAVE
    ask $s SET b acknowledged
    file delete -force $dir/appendonlydir
    wait_for { file exists [in_log_dir $dir manifest] }
    stop $s kill
    file rename -force [in_log_dir $dir manifest] $dir/appendonlydir/temp-appendonly.aof.first
    set s [server "appendonly yes" -dir $dir]
    is [ask $s GET b] acknowledged
}

case "a start on a full disk behind a stop in order" {
    set dir [tmpdir]
    if {[run mount -t tmpfs -o size=1m none $dir] == 0} {
        set s [server "appendonly yes\nsave \"\"" -dir $dir]
        ask $s SET a 1
        stop $s nosave
        catch { exec dd if=/dev/zero of=$dir/fill bs=4k count=1000 }
        set code [catch { ask [server "appendonly yes\nsave \"\"" -dir $dir] GET a } got]
        foreach s [array names ::servers] { stop $s kill }
        wait_for { expr {[catch { exec umount $dir }] == 0} }
        is [list $code $got] {0 1}
    }
}

case "appendfsync always comes under a reply that is half sent: it goes on" {
    set s [server "appendonly yes\nsave \"\""]
    ask $s SET big [string repeat x 30000000]
    set fd [connect $s]
    send $fd GET big
    after 500 ;# most often half of it is sent, and the rest waits
    ask $s CONFIG SET appendfsync always
    send $fd SET k v
    after 500 ;# and the write behind it
    fconfigure $fd -translation binary -blocking 0
    set got 0
    wait_for { incr got [string length [read $fd 1000000]]; expr {$got >= 30000018} }
}
finish
