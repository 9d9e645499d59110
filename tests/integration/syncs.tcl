# SPDX-License-Identifier: BSD-3-Clause
# Which of rdb-save-incremental-fsync and aof-rewrite-incremental-fsync makes which writer sync on
# its way. That the writer does it every few megabytes: tests/unit/persist/test_file_out.c.
source [file join [file dirname [info script]] lib.tcl]

# A server whose calls are counted that send temporary files to the disk: a byte each in dir/syncs.
proc counted_server {config} {
    set dir [tmpdir]
    spit $dir/shim.c "
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
static void count(int fd) {
    char link\[64\], name\[4096\];
    snprintf(link, sizeof link, \"/proc/self/fd/%d\", fd);
    ssize_t n = readlink(link, name, sizeof name - 1);
    name\[n < 0 ? 0 : n\] = 0;
    if (strstr(name, \"/temp-\")) {
        int to = open(\"$dir/syncs\", O_WRONLY | O_CREAT | O_APPEND, 0644);
        if (to >= 0 && write(to, \"x\", 1) == 1) close(to);
    }
}
int fdatasync(int fd) {
    count(fd);
    return (int)syscall(SYS_fdatasync, fd);
}
int sync_file_range(int fd, off64_t from, off64_t n, unsigned flags) {
    if (flags == SYNC_FILE_RANGE_WRITE) count(fd);
    return (int)syscall(SYS_sync_file_range, fd, from, n, flags);
}
"
    exec gcc -shared -fPIC -o $dir/shim.so $dir/shim.c
    set first {}
    foreach {word name} {address libasan.so thread libtsan.so} {
        if {$::sanitized && [string match *$word* $::env(SAN)]} {
            lappend first [exec gcc -print-file-name=$name]
        }
    }
    set ::env(LD_PRELOAD) [join [concat $first $dir/shim.so] " "]
    set code [catch { server $config -dir $dir } s]
    unset ::env(LD_PRELOAD)
    if {$code} { error $s }
    return $s
}

proc no_child {s} {
    wait_for { expr {[info_of $::s rdb_bgsave_in_progress] == 0 &&
        [info_of $::s aof_rewrite_in_progress] == 0} }
}

set save rdb-save-incremental-fsync
set rewrite aof-rewrite-incremental-fsync
foreach {name option other config command} [list \
    "SAVE" $save $rewrite "" SAVE \
    "BGSAVE" $save $rewrite "" BGSAVE \
    "a rewrite to an RDB base" $rewrite $save "appendonly yes" BGREWRITEAOF \
    "a rewrite to commands" $rewrite $save "appendonly yes\naof-use-rdb-preamble no" BGREWRITEAOF
] {
    case "$name syncs on its way if $option says so, whatever $other says" {
        set s [counted_server "save \"\"\nrdbcompression no\n$config"]
        no_child $s
        for {set i 0} {$i < 20} {incr i} { ask $s SET k$i [string repeat $i 600000] }
        set syncs [of $s dir]/syncs
        foreach {this that} {yes no no yes yes yes no no} {
            ask $s CONFIG SET $option $this $other $that
            file delete $syncs
            ask $s $command
            no_child $s
            set count [string length [slurp $syncs]]
            truth {$this ? $count >= 3 && $count <= 6 : $count == 0 || [error "$this: $count syncs"]}
        }
        is [list [info_of $s rdb_last_bgsave_status] [info_of $s aof_last_bgrewrite_status]] {ok ok}
    }
}

finish
