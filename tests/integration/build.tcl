# SPDX-License-Identifier: BSD-3-Clause
# The Makefile: what it installs, and how little it compiles again. Wants a finished build.
source [file join [file dirname [info script]] lib.tcl]

# As the build under test was made; not part of a make that may run the tests.
proc make {args} {
    set san [expr {$::sanitized ? $::env(SAN) : ""}]
    set code [run env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL timeout 300 \
        make -C $::root --no-print-directory SAN=$san {*}$args]
    if {$code} { error "make $args: $::run_output" }
    return $::run_output
}
# What it would compile and link.
proc would {args} {
    set text [make -n {*}$args]
    set compiled {}
    foreach {- file} [regexp -all -inline {echo "cc ([^"]*)"} $text] { lappend compiled $file }
    return [list [lsort $compiled] [regexp -all {echo "ld } $text]]
}

case "make install: one program, its names beside it, what is read about it; they work where they lie" {
    set dir [tmpdir]
    make install PREFIX=/opt/hold DESTDIR=$dir/stage
    set share $dir/stage/opt/hold/share
    is [lsort [glob -tails -directory $dir/stage/opt/hold *]] {bin share}
    is [lsort [glob -tails -directory $dir/stage/opt/hold/bin *]] \
        {holdfast redis-check-aof redis-check-rdb redis-server}
    is [lsort [exec find $share ! -type d]] [lsort [concat \
        $share/bash-completion/completions/holdfast $share/man/man1/holdfast.1 \
        [lmap verb [exec $dir/stage/opt/hold/bin/holdfast help --verbs] {
            string cat $share/man/man1/holdfast-$verb.1 }]]]
    # the links go with it wherever the stage is unpacked
    file rename $dir/stage/opt/hold/bin $dir/bin
    file delete -force $dir/stage
    foreach tool {redis-check-aof redis-check-rdb holdfast} {
        is [file link $dir/bin/$tool] redis-server
    }
    is [file attributes $dir/bin/redis-server -permissions] 00755
    set s [server "appendonly yes\nsave \"\"" -binary $dir/bin/redis-server]
    ask $s SET a 1
    ask $s SAVE
    set data [of $s dir]
    stop $s term
    is [run timeout 180 $dir/bin/redis-check-aof $data/appendonlydir/appendonly.aof.manifest] 0
    like $run_output "*All AOF files and manifest are valid*"
    is [run timeout 180 $dir/bin/redis-check-rdb $data/dump.rdb] 0
    like $run_output "*RDB looks OK*"
    is [run timeout 180 $dir/bin/redis-server --version] 0
}

case "after a change only what depends on it is compiled" {
    is [would all] {{} 0}
    is [would -W src/os/clock.c all] {src/os/clock.c 1}
    is [would -W tools/check_rdb.c all] {tools/check_rdb.c 1}
    lassign [would -W src/os/clock.h all] compiled links
    truth {"src/os/clock.c" in $compiled && "src/server/cron.c" in $compiled}
    truth {"src/base/crc64.c" ni $compiled && "src/format/rdb_read.c" ni $compiled}
    is $links 1
}

case "other flags make everything anew; a warning that is an error makes nothing" {
    lassign [would all CFLAGS=-DOTHER] compiled links
    truth {"src/base/hash.c" in $compiled && "tools/check_rdb.c" in $compiled}
    is [llength $compiled] [llength [glob $root/src/*/*.c $root/tools/*.c]]
    is $links 1
    is [lindex [would all LDFLAGS=-g] 1] 1
    is [would all WERROR=1] {{} 0}
    is [would all] {{} 0} ;# asking changes nothing
    is [would install CFLAGS=-DOTHER] {{} 0}
}

finish
