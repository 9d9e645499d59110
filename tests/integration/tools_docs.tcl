# SPDX-License-Identifier: BSD-3-Clause
# Every example of the verbs' help and of docs/tools.md does what it says: each line is run, in a
# place made for it, and the man pages and the completion of bash are made.
source [file join [file dirname [info script]] lib.tcl]

set holdfast [file join $build holdfast]
set log "appendonly yes\nsave \"\"\nauto-aof-rewrite-percentage 0\naof-timestamp-enabled yes\naof-keep-history 9"

# A directory with all that examples name, and a server that is running.
proc place {} {
    set place [tmpdir]
    set s [server "$::log\nenable-debug-command yes"]
    ask $s SET user:1000 somebody
    ask $s HSET hash f v
    ask $s BGREWRITEAOF
    wait_for { expr {[info_of $s aof_rewrites] == 1 && [info_of $s aof_rewrite_in_progress] == 0} }
    ask $s SET user:1000 someone
    ask $s RPUSH list 1 2 3
    ask $s FLUSHALL
    ask $s SET user:1000 back
    file copy [of $s dir]/appendonlydir $place/appendonlydir
    file mkdir $place/var/lib/redis
    file copy [of $s dir]/appendonlydir $place/var/lib/redis/appendonlydir
    ask $s SAVE
    foreach name {dump.rdb a.rdb var/lib/redis/dump.rdb redis8.rdb broken.rdb old.rdb new.rdb before.rdb after.rdb} {
        file copy [of $s dir]/dump.rdb $place/$name
    }
    # b.rdb has other keys than a.rdb.
    set text [slurp $place/dump.rdb]
    exec $::holdfast convert $place/dump.rdb $place/b.rdb --rename user=member --except hash --quiet
    exec gzip -k $place/dump.rdb
    exec $::holdfast backup create 127.0.0.1:[of $s port] $place/backups --quiet
    file copy [lindex [glob $place/backups/2*] 0] $place/backups/20261128T020000.000Z
    # Something to mend.
    set incr [lindex [lsort [glob $place/appendonlydir/*.incr.aof]] end]
    set bytes [slurp $incr]
    spit $incr [string replace $bytes 60 75 [string repeat \0 16]]
    spit $place/secret [string repeat secret 8]
    spit $place/appendonly.aof [encode {SET a 1}]
    return [list $place $s]
}

# The words of a line, with the places of this test. {}: it is not for running.
proc mapped {line place s} {
    regsub {\s{3,}\S.*$} $line "" line ;# what stands beside it
    set line [string map [list \
        /var/lib/redis $place/var/lib/redis /backups $place/backups /tmp/before $place/tmp-before \
        127.0.0.1:6379 127.0.0.1:[of $s port] 10.0.0.2:6379 127.0.0.1:[of $s port] \
        "redis-cli --pipe" "redis-cli -p [of $s port] --pipe"] $line]
    # A position of the log that is there: the end of an increment.
    if {[string match *5:10240* $line]} {
        set newest [lindex [lsort [glob $place/var/lib/redis/appendonlydir/*.incr.aof]] end]
        regexp {\.(\d+)\.incr} $newest -> seq
        set line [string map [list 5:10240 $seq:[file size $newest]] $line]
    }
    # A moment that the log knows.
    regsub -all {2026-11-29T14:02:59Z} $line [clock format [clock seconds] -gmt 1 -format %Y-%m-%dT%H:%M:%SZ] line
    return $line
}

# 0, 6, 7, 8 and what damage is called are answers; 1 and 2 are failures.
proc runs {line place s} {
    set command [mapped $line $place $s]
    foreach name {clean.rdb doubtful.rdb var/lib/redis-old var/lib/redis-mended to-show to-show.rdb} {
        if {[string match "*--base $name*" $command]} {
            if {![file exists $place/$name]} { file copy $place/dump.rdb $place/$name }
        } else {
            file delete -force $place/$name ;# of the line before
        }
    }
    if {[regexp {convert \S+ dump\.rdb} $command]} { file delete $place/dump.rdb }
    set here [pwd]
    cd $place
    set script "PATH=[file dirname $::holdfast]:\$PATH; set -o pipefail; $command"
    set code [catch { exec timeout 120 bash -c $script </dev/null 2>@1 } text options]
    cd $here
    set error [expr {$code ? [dict get $options -errorcode] : ""}]
    set code [expr {!$code ? 0 : [lindex $error 0] eq "CHILDSTATUS" ? [lindex $error 2] : -1}]
    if {$code in {-1 1 2} || $code > 8} { error "$command: exit code $code: $text" }
}
proc examples {text} {
    set found {}
    foreach line [split $text \n] {
        set line [string trim $line]
        if {[regexp {^(holdfast|redis-check-\w+|zcat .*\| ?holdfast|cat .*\| ?holdfast) } $line]} {
            lappend found $line
        }
    }
    return $found
}
set verbs [split [exec $holdfast help --verbs] \n]

foreach verb $verbs {
    case "the examples of holdfast help $verb" {
        lassign [place] place s
        set help [exec $holdfast help $verb]
        set lines [examples [string range $help 0 [string first "\n\n" $help]]]
        truth {[llength $lines] >= 1}
        foreach line $lines { runs $line $place $s }
    }
}

case "the examples of docs/tools.md, section by section" {
    set sections [split [string map [list "\n## " \x01] [slurp $root/docs/tools.md]] \x01]
    truth {[llength $sections] >= 7}
    foreach section $sections {
        set lines [lsearch -all -inline -not [examples $section] "*help*"]
        if {![llength $lines]} continue
        lassign [place] place s
        foreach line $lines { runs $line $place $s }
        stop $s
    }
}

# Inside of sentences, and those that show help.
case "the other examples of docs/tools.md" {
    lassign [place] place s
    set text [slurp $root/docs/tools.md]
    set found [regexp -all -inline {`((?:holdfast|redis-check-\w+) [^`]* \S+\.\w+)`} $text]
    truth {[llength $found] >= 2}
    foreach {- line} $found { runs $line $place $s }
    set found [lsearch -all -inline [examples $text] "*help*"]
    truth {[llength $found] >= 2}
    foreach line $found { runs [string map {VERB salvage} $line] $place $s }
}

case "the lines for cron and systemd" {
    lassign [place] place s
    set text [slurp $root/docs/tools.md]
    truth {[regexp -line {^    0 2 \* \* \* (.*)$} $text -> cron]}
    runs $cron $place $s
    set starts [regexp -all -inline -line {^    ExecStart=(.*)$} $text]
    is [llength $starts] 6
    foreach {- line} $starts { runs $line $place $s }
}

case "help, man pages and completion are made of the tables" {
    like [exec $holdfast help] "*holdfast VERB*"
    foreach verb $verbs {
        set man [exec $holdfast help --man $verb]
        like $man ".TH HOLDFAST\\\\-*.SH EXAMPLE*.SH OPTIONS*.SH EXIT STATUS*"
        if {[auto_execok man] ne "" && [auto_execok groff] ne ""} {
            set file [tmpdir]/$verb.1
            spit $file $man
            is [run man --warnings=w -E UTF-8 -l -Tutf8 -Z $file] 0
        }
        is [exec $holdfast $verb --help] [exec $holdfast help $verb]
    }
    set completion [tmpdir]/holdfast
    spit $completion [exec $holdfast help --completion]
    set script "source $completion; COMP_WORDS=(holdfast check --); COMP_CWORD=2; _holdfast; echo \${COMPREPLY\[*\]}"
    like [exec bash -c $script] "*--json*--threads*"
    set script "source $completion; COMP_WORDS=(holdfast sal); COMP_CWORD=1; _holdfast; echo \${COMPREPLY\[*\]}"
    is [exec bash -c $script] salvage
    is [run $holdfast] 1
    is [run $holdfast nothing] 1
    is [run $holdfast help nothing] 1
    is [run $holdfast check] 1
}

case "installed: three links, a man page a verb, the completion" {
    set to [tmpdir]
    exec make -s -C $root install B=$build DESTDIR=$to PREFIX=/usr
    foreach name {redis-server redis-check-rdb redis-check-aof holdfast} {
        truth {[file exists $to/usr/bin/$name]}
    }
    foreach verb $verbs { truth {[file size $to/usr/share/man/man1/holdfast-$verb.1] > 500} }
    truth {[file size $to/usr/share/man/man1/holdfast.1] > 200}
    truth {[file exists $to/usr/share/bash-completion/completions/holdfast]}
    is [exec $to/usr/bin/holdfast --version] [exec $holdfast --version]
}

finish
