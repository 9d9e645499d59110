# SPDX-License-Identifier: BSD-3-Clause
# A file system that becomes really read-only, and writable again.
# All of it runs in a mount namespace of its own: whatever is mounted goes with the last process.
#
# A file system with a file open for writing cannot be remounted read-only (EBUSY). So where a log
# is on, either the log lies on another one, or the file system turns itself read-only over an error
# of its own, which ext4 lets us ask for; then only a new mount brings it back. A log that is refused
# with EROFS and taken again without one: durable.tcl, injected.
source [file join [file dirname [info script]] lib.tcl]

if {![info exists env(IN_OWN_MOUNTS)]} {
    set dir [tmpdir]
    foreach way {{unshare -m} {unshare -rm}} {
        if {[run timeout 180 {*}$way mount -t tmpfs none $dir] == 0} {
            set env(IN_OWN_MOUNTS) 1
            set code [catch { exec {*}$way [info nameofexecutable] [info script] >@stdout 2>@stderr }]
            file delete -force $tmp_root
            exit $code
        }
    }
    puts "skipped: no mount namespace may be made here"
    finish
}

# A file system of its own below dir/disk.
proc with_disk {body} {
    upvar 1 disk disk
    set disk [file join [tmpdir] disk]
    file mkdir $disk
    exec mount -t tmpfs -o size=20m none $disk
    set code [catch { uplevel 1 $body } result options]
    foreach s [array names ::servers] { stop $s kill }
    wait_for { expr {[catch { exec umount $disk }] == 0} }
    return -options $options $result
}
proc read_only {disk} {
    exec mount -o remount,ro $disk
    if {![catch { open $disk/probe w }]} { error "$disk is not read-only" }
}
proc writable {disk} { exec mount -o remount,rw $disk }

# Its directory is on the disk; its log file and what it prints are not.
proc server_on {disk config args} {
    return [server "dir \"$disk\"\n$config" {*}$args]
}
proc bgsave {s want} {
    ask $s BGSAVE
    wait_for { expr {[info_of $::s rdb_bgsave_in_progress] == 0} }
    is [info_of $s rdb_last_bgsave_status] $want
}
proc bgrewrite {s want} {
    catch { ask $s BGREWRITEAOF }
    wait_for { expr {[info_of $::s aof_rewrite_in_progress] == 0} }
    is [info_of $s aof_last_bgrewrite_status] $want
}
proc files {dir} {
    set found {}
    foreach path [lsort [exec find $dir -type f]] { lappend found $path [slurp $path] }
    return $found
}
set failed_open "open failed at 20??-??-??T??:??:??Z: *temp-*.rdb*Read-only file system*; next try in * s"

case "snapshots only: writes are refused with the reason, reads go on, it resumes by itself" {
    with_disk {
        set config "save \"3600 1000\""
        set s [server_on $disk $config]
        ask $s SET a 1
        bgsave $s ok
        ask $s SET b 2
        read_only $disk
        set before [files $disk]
        bgsave $s err
        like [error_of $s SET c 3] "MISCONF Redis is configured to save RDB snapshots*($failed_open)"
        like [info_of $s rdb_last_error] "open failed at 20*temp-*.rdb*Read-only file system*"
        is [ask $s MGET a b c] {1 2 (nil)}
        like [error_of $s SAVE] "ERR*"
        is [files $disk] $before
        writable $disk
        wait_for { expr {![catch { ask $s SET c 3 }]} }
        wait_for { expr {[info_of $s rdb_last_bgsave_status] eq "ok"} }
        is [info_of $s rdb_last_error] ""
        bgsave $s ok
        stop $s kill
        is [lsort [glob -tails -directory $disk *]] dump.rdb
        set s [server_on $disk $config]
        is [ask $s MGET a b c] {1 2 3}
    }
}

foreach policy {always everysec} {
    case "$policy: the log's disk is fine, that of the dump file is not: what is promised is kept" {
        with_disk {
            set config "appendonly yes\nappendfsync $policy\nsave \"3600 1000\""
            set s [server "$config\nenable-protected-configs yes"]
            ask $s CONFIG SET dir $disk
            ask $s SET a 1
            read_only $disk
            bgrewrite $s ok
            is [ask $s SET b 2] OK
            bgsave $s err
            like [error_of $s SET c 3] "MISCONF*($failed_open)"
            is [ask $s GET b] 2
            # who has the log may go without the dump
            is [ask $s CONFIG SET stop-writes-on-bgsave-error no] OK
            is [ask $s SET c 3] OK
            is [ask $s WAITAOF 1 0 0] {1 0}
            set s [restart $s kill "$config\nenable-protected-configs yes"]
            is [ask $s MGET a b c] {1 2 3}
            ask $s CONFIG SET dir $disk
            bgsave $s err
            writable $disk
            bgsave $s ok
            is [ask $s SET d 4] OK
            is [ask $s WAITAOF 1 0 0] {1 0}
            set s [restart $s kill $config]
            is [ask $s MGET a b c d] {1 2 3 4}
        }
    }
}

case "a log can't be switched on there, nor rewritten while it is off" {
    with_disk {
        set s [server_on $disk "save \"\""]
        ask $s SET a 1
        read_only $disk
        catch { ask $s CONFIG SET appendonly yes } reply
        wait_for { expr {[info_of $s aof_rewrite_in_progress] == 0} }
        bgrewrite $s err
        is [ask $s GET a] 1
        writable $disk
        ask $s CONFIG SET appendonly no
        wait_for { expr {![catch { ask $s CONFIG SET appendonly yes }]} }
        wait_for { expr {[info_of $s aof_rewrite_in_progress] == 0} }
        bgrewrite $s ok
        is [ask $s SET b 2] OK
        is [ask $s WAITAOF 1 0 0] {1 0}
        stop $s kill
        set s [server_on $disk "appendonly yes\nsave \"\""]
        is [ask $s MGET a b] {1 2}
    }
}

case "started there: a dump file is served; a log, which must be writable, is refused; nothing is lost" {
    with_disk {
        set s [server_on $disk "save \"\""]
        ask $s SET a dump
        ask $s SAVE
        stop $s nosave
        read_only $disk
        set s [server_on $disk "save \"\""]
        is [ask $s GET a] dump
        stop $s kill
        lassign [server_on $disk "appendonly yes\nsave \"\"" -fails 1] code text
        is $code 1
        like $text "*Read-only file system*"
        writable $disk
        set s [server_on $disk "appendonly yes\nsave \"\""]
        is [ask $s GET a] dump
        ask $s SET a log
        stop $s term
        read_only $disk
        set before [files $disk]
        lassign [server_on $disk "appendonly yes\nsave \"\"" -fails 1] code text
        is $code 1
        like $text "*appendonly.aof.1.incr.aof*Read-only file system*"
        is [files $disk] $before
        writable $disk
        set s [server_on $disk "appendonly yes\nsave \"\""]
        is [ask $s GET a] log
    }
}

# ---- under an open log ----

# An ext4 in a file, mounted; its device's name. Error text when that is not possible.
proc ext4 {image disk} {
    exec truncate -s 32M $image
    exec mkfs.ext4 -q -F $image
    exec mount -o loop,errors=remount-ro $image $disk
    set device ""
    foreach line [split [slurp /proc/self/mounts] \n] {
        if {[lindex $line 1] eq $disk} { set device [file tail [lindex $line 0]] }
    }
    if {![file writable /sys/fs/ext4/$device/trigger_fs_error]} {
        exec umount $disk
        error "no /sys/fs/ext4/$device/trigger_fs_error"
    }
    return $device
}

foreach policy {everysec always} {
    case "$policy: an open log's file system turns read-only: nothing acknowledged is lost" {
        set image [tmpdir]/image
        set disk [file join [tmpdir] disk]
        file mkdir $disk
        set config "appendonly yes\nappendfsync $policy\nsave \"\""
        if {[catch { ext4 $image $disk } device]} {
            puts "skipped: no ext4 that turns read-only can be made here: [lindex [split $device \n] 0]"
        } else {
            set s [server_on $disk $config]
            ask $s SET a 1
            is [ask $s WAITAOF 1 0 0] {1 0}
            spit /sys/fs/ext4/$device/trigger_fs_error 1
            if {$policy eq "everysec"} {
                wait_for { catch { ask $s SET b 2 } reply }
                like $reply "MISCONF Errors writing to the AOF file: Read-only file system (* of\
                    appendonly.aof.1.incr.aof failed at 20??-??-??T??:??:??Z: Read-only file system;\
                    next try in * s)"
                is [ask $s GET a] 1
                is [info_of $s aof_last_write_status] err
            } else {
                truth {[catch { ask $s SET b 2 } reply]}
                like $reply "*closed*"
                wait_for { expr {![alive [of $s pid]]} }
                like [log_of $s] "*Can't recover from AOF * error*Read-only file system*"
            }
            stop $s kill
            wait_for { expr {[catch { exec umount $disk }] == 0} }
            exec mount -o loop $image $disk
            set s [server_on $disk $config]
            is [ask $s GET a] 1
            is [ask $s SET d 4] OK
            stop $s kill
            wait_for { expr {[catch { exec umount $disk }] == 0} }
        }
    }
}

finish
