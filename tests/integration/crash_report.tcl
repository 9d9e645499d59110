# SPDX-License-Identifier: BSD-3-Clause
# What a server that crashes leaves in its log, and what it does not: no password, whichever way it
# was set or given.
source [file join [file dirname [info script]] lib.tcl]

# Under a sanitizer a crash is its own.
proc crash_case {name body} { if {!$::sanitized} { uplevel 1 [list case $name $body] } }

proc crashed {s args} {
    catch { ask $s {*}$args }
    wait_for { expr {![alive [of $s pid]]} }
    set text [log_of $s]
    disconnect $s
    stop $s kill
    return $text
}

proc section {text title} {
    set from [string first "------ $title ------" $text]
    if {$from < 0} { error "no section $title" }
    set to [string first "\n------ " $text [expr {$from + 10}]]
    return [string range $text $from [expr {$to < 0 ? "end" : $to}]]
}

foreach {way signs} {
    SEGFAULT {"*# Redis * crashed by signal: 11 (SIGSEGV), si_code: *"
              "*# Accessing address: 0x*" "*# Crashed running the instruction at: 0x*"}
    ASSERT {"*# === ASSERTION FAILED ===*" "*'!\"DEBUG ASSERT was asked for\"' is not true*"
            "*crashed by signal: 6 (SIGABRT)*"}
    PANIC {"*# Guru Meditation: DEBUG PANIC*" "*crashed by signal: 6 (SIGABRT)*"}
    OOM {"*# Out Of Memory allocating 9223372036854775807 bytes!*"
         "*crashed by signal: 6 (SIGABRT)*"}
} {
    crash_case "DEBUG $way: reason, stack, registers, command, INFO, clients" {
        set s [server "enable-debug-command yes"]
        ask $s CLIENT SETNAME the-one
        ask $s SET k v
        set text [crashed $s DEBUG $way]
        foreach sign $signs { like $text $sign }
        like $text "*=== REDIS BUG REPORT START: *=== REDIS BUG REPORT END ===*"
        like [section $text "STACK TRACE"] "*Backtrace:*(exec_command+0x*(serve+0x*"
        if {$::tcl_platform(machine) eq "x86_64"} {
            truth {[regexp {\nRIP 0000[0-9a-f]{12}\n} [section $text REGISTERS]]}
        }
        like [section $text "CURRENT COMMAND"] \
            "*running 'debug' of client * in db 0*argv\\\[0\\] = \"DEBUG\"*argv\\\[1\\] = \"$way\"*"
        like [section $text "INFO OUTPUT"] "*# Server*redis_version:*db0:keys=1,*"
        like [section $text "CLIENT LIST OUTPUT"] "*name=the-one *cmd=debug *"
        like [section $text "FAST MEMORY TEST"] "*Fast memory test PASSED*MB were tested, 0 words failed*"
        truth {![string match "*crashed again*" $text] && ![string match "*hangs*" $text]}
    }
}

crash_case "a signal from outside is a report, too, and says whose it is" {
    set s [server]
    signal SEGV [of $s pid]
    wait_for { expr {![alive [of $s pid]]} }
    set text [log_of $s]
    like $text "*crashed by signal: 11 (SIGSEGV), si_code: 0*# Killed by PID: *no command is running*"
}

crash_case "crash-memcheck-enabled: the memory in use is tested, beside threads that write, or not" {
    set s [server "enable-debug-command yes\nappendonly yes\nappendfsync always"]
    for {set i 0} {$i < 60} {incr i} { ask $s SET big:$i [string repeat x 1000000] }
    set fd [connect $s]
    for {set i 0} {$i < 200} {incr i} { send $fd SET k$i v }
    set dir [of $s dir]
    set text [crashed $s DEBUG SEGFAULT]
    close $fd
    truth {[regexp {test PASSED.* (\d+) MB were tested, 0 words} $text -> mb]}
    truth {$mb > 50}
    set s [server "enable-debug-command yes\nappendonly yes\ncrash-memcheck-enabled no" -dir $dir]
    is [ask $s EXISTS {*}[lmap i {0 20 40 59} { string cat big:$i }]] 4
    set text [crashed $s DEBUG SEGFAULT]
    like [section $text "FAST MEMORY TEST"] "*crash-memcheck-enabled is no*=== REDIS BUG REPORT END*"
}

crash_case "crash-log-enabled no: no report, but the reason" {
    foreach {way sign} {SEGFAULT "*Ready to accept*" ASSERT "*=== ASSERTION FAILED ===*"} {
        set s [server "enable-debug-command yes\ncrash-log-enabled no"]
        set text [crashed $s DEBUG $way]
        truth {![string match "*BUG REPORT*" $text]}
        like $text $sign
    }
}

crash_case "no password is in a report: given in the same transaction, configured, or wrong" {
    set s [server "enable-debug-command yes\nrequirepass open-sesame-1"]
    error_of $s AUTH wrong-guess-2
    ask $s AUTH open-sesame-1
    ask $s HELLO 3 AUTH default open-sesame-1
    ask $s HELLO 2
    ask $s CONFIG SET requirepass open-sesame-3 masterauth open-sesame-4
    set fd [connect $s]
    send $fd AUTH open-sesame-3
    is [read_reply $fd] OK
    foreach words {MULTI {CONFIG SET requirepass open-sesame-5} {SET public word} {DEBUG SEGFAULT}
                   EXEC} { send $fd {*}$words }
    wait_for { expr {![alive [of $s pid]]} }
    close $fd
    set text [log_of $s]
    like $text "*=== REDIS BUG REPORT END ===*"
    like $text "*running 'exec' of client*inside of it 'debug' in db 0\n*\"DEBUG\"*\"SEGFAULT\"*"
    foreach secret {open-sesame wrong-guess} {
        truth {![string match "*$secret*" $text]}
    }
}

finish
