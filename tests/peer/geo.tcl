# SPDX-License-Identifier: BSD-3-Clause
# Places against the installed redis-server: positions, texts, distances to the last digit, and
# searches over random places of several kinds, whose replies are the same bytes, sorted or not.
#
# Where they are not, Redis has forgotten members: then ours must be its reply and members besides
# that are inside, by sums of this file's own. SEED repeats a run; COUNT is how many searches a data
# set (LONG: 1500).
source [file join [file dirname [info script]] ../integration/lib.tcl]
source [file join [file dirname [info script]] lib/pair.tcl]
source [file join [file dirname [info script]] ../integration/lib/chance.tcl]
source [file join [file dirname [info script]] ../integration/lib/survives.tcl]

set count [chance_count 60 20 1500]
puts "seed $seed"

set lat_max 85.05112878
set pi 3.141592653589793

proc any_of {args} { return [one_of $args] }
proc between {a b} { return [expr {$a + rand() * ($b - $a)}] }

# A place of one kind: lon lat.
proc place {kind} {
    global lat_max
    switch $kind {
        uniform { return [list [between -180 180] [between -$lat_max $lat_max]] }
        clustered {
            set middle [any_of {13.4 52.5} {-70.6 -33.4} {0 0} {179.99 1} {30 85.04} {-1 66.1}]
            foreach x $middle most {179.999 85.05} { # not on the edge, thrown back: see edges
                set x [expr {$x + pow(10, [between -4 1]) * (rand() - rand())}]
                if {abs($x) > $most} { set x [expr {($x < 0 ? -2 : 2) * $most - $x}] }
                lappend at $x
            }
            return $at
        }
        poles { return [list [between -180 180] [expr {[any_of -1 1] * [between 78 $lat_max]}]] }
        dateline { return [list [expr {[any_of -1 1] * [between 177 180]}] [between -85 85]] }
        edges { return [list [any_of -180 180 0 [between -180 180]] \
                     [any_of -$lat_max $lat_max 0 [between -80 80]]] }
        mixed { return [place [any_of uniform uniform clustered poles dateline]] }
    }
}

proc fill_places {key kind n} {
    set words [list GEOADD $key]
    for {set i 0} {$i < $n} {incr i} { lappend words {*}[place $kind] [any_of m $i][incr ::names] }
    both [list DEL $key]
    both $words
}

case "positions, texts and distances (SEED=$seed)" {
    foreach resp {2 3} {
        set pair_setup [list [list HELLO $resp]]
        pair_start
        foreach kind {uniform clustered poles dateline edges} {
            fill_places g $kind [expr {$count * 8}]
            both {ZRANGE g 0 -1 WITHSCORES}
            set members [ask $ours ZRANGE g 0 -1]
            both [list GEOPOS g {*}$members]
            both [list GEOHASH g {*}$members]
            foreach a $members {
                both [list GEODIST g $a [any_of {*}$members] [any_of m km ft mi]]
            }
        }
        stop $ours
        stop $peer
    }
}

# ---- searches ----

proc radians {x} { return [expr {$x * ($::pi / 180)}] }
proc distance {lon1 lat1 lon2 lat2} {
    lassign [lmap x [list $lon1 $lat1 $lon2 $lat2] { radians $x }] lon1 lat1 lon2 lat2
    set u [expr {sin(($lat2 - $lat1) / 2)}]
    set v [expr {sin(($lon2 - $lon1) / 2)}]
    return [expr {2 * 6372797.560856 *
        asin(min(1, sqrt($u * $u + cos($lat1) * cos($lat2) * $v * $v)))}]
}

# shape: lon lat radius, or lon lat width height, in metres. Inside, but for rounding?
proc inside {shape lon lat} {
    lassign $shape x y a b
    set most [expr {1 + 1e-9}]
    if {$b eq ""} { return [expr {[distance $x $y $lon $lat] <= $a * $most + 1e-6}] }
    return [expr {[distance $lon $y $lon $lat] <= $b / 2 * $most + 1e-6 &&
        [distance $x $lat $lon $lat] <= $a / 2 * $most + 1e-6}]
}

# The members that ours finds and the peer does not.
proc forgotten {from by shape} {
    set mine [ask $::ours GEOSEARCH g {*}$from {*}$by]
    set theirs [ask $::peer GEOSEARCH g {*}$from {*}$by]
    set more [lmap m $mine { if {$m in $theirs} continue; set m }]
    is [lmap m $mine { if {$m ni $theirs} continue; set m }] $theirs
    is [llength [lsort -unique $mine]] [llength $mine]
    foreach m $more {
        truth {[inside $shape {*}[lindex [ask $::ours GEOPOS g $m] 0]]}
    }
    return $more
}

# All that are inside, by a walk over all members.
proc check_whole {from by shape} {
    set want {}
    foreach m $::members at $::positions { if {[inside $shape {*}$at]} { lappend want $m } }
    is [lsort [ask $::ours GEOSEARCH g {*}$from {*}$by]] [lsort $want]
}

set to_meters {m 1 km 1000 ft 0.3048 mi 1609.34}
proc size {} {
    return [any_of [expr {pow(10, [between 0 7.4])}] [expr {pow(10, [between 3 6.5])}] \
        [expr {pow(10, [between 5 7.4])}]]
}

proc random_search {kind} {
    set unit [any_of m km ft mi]
    set scale [dict get $::to_meters $unit]
    if {[below 3]} {
        set at [place [any_of $kind $kind mixed]]
        set from [list FROMLONLAT {*}$at]
        set old [list GEORADIUS g {*}$at]
    } else {
        set i [below [llength $::members]]
        set at [lindex $::positions $i]
        set from [list FROMMEMBER [lindex $::members $i]]
        set old [list GEORADIUSBYMEMBER g [lindex $::members $i]]
    }
    set width [expr {[size] / $scale}]
    set height [any_of $width [expr {[size] / $scale}] [expr {$width / 100}]]
    set circle [below 3]
    set by [expr {$circle ? [list BYRADIUS $width $unit] : [list BYBOX $width $height $unit]}]
    set shape [concat $at [expr {$width * $scale}] \
        [expr {$circle ? [list] : [expr {$height * $scale}]}]]
    if {$circle} { lappend old $width $unit }
    set n [any_of 1 3 10 50]
    set how [any_of {} {} ASC DESC [list COUNT $n] [list COUNT $n DESC] [list COUNT $n ANY] \
        [list COUNT $n ANY ASC] [list ASC COUNT 100000]]
    # Of many as near as each other, which there are on edges, Redis takes any.
    if {$kind eq "edges" && [regexp {^COUNT \d+( DESC)?$} $how]} { set how DESC }
    set with {}
    foreach word {WITHDIST WITHCOORD WITHHASH} { if {![below 3]} { lappend with $word } }
    return [list $from $by $shape $old $how $with $circle]
}

# Of the nearest some, those as near as each other come in any order, and any of them fill the last
# places: the same distances, and at each but the last the same members.
proc only_ties {from by how} {
    if {![regexp {^COUNT \d+( DESC)?$} $how]} { return 0 }
    foreach {server at} [list $::ours mine $::peer theirs] {
        set order {}
        foreach found [ask $server GEOSEARCH g {*}$from {*}$by {*}$how WITHDIST] {
            lassign $found member distance
            dict lappend order $distance $member
        }
        set $at [dict map {distance members} $order { lsort $members }]
    }
    if {[dict keys $mine] ne [dict keys $theirs]} { return 0 }
    set last [lindex [dict keys $mine] end]
    if {[llength [dict get $mine $last]] != [llength [dict get $theirs $last]]} { return 0 }
    return [expr {[dict remove $mine $last] eq [dict remove $theirs $last]}]
}

# Returns 1 when the peer has forgotten somebody.
proc run_search {kind} {
    lassign [random_search $kind] from by shape old how with circle
    set all [list [concat GEOSEARCH g $from $by $how $with]]
    lappend all [concat GEOSEARCHSTORE d g $from $by $how [any_of {} STOREDIST]]
    if {$circle} {
        lappend all [concat $old $how $with] \
            [concat [lreplace $old 0 0 [lindex $old 0]_RO] $how $with] \
            [concat $old $how [any_of STORE STOREDIST] d]
    }
    foreach words $all {
        set differs [compare exact $words]
        if {$differs eq "" && "d" in $words} {
            set differs [compare doubles {ZRANGE d 0 -1 WITHSCORES}]
            if {$differs eq ""} { set differs [compare exact {OBJECT ENCODING d}] }
        }
        if {$differs eq "" || [only_ties $from $by $how]} continue
        if {![llength [forgotten $from $by $shape]]} { error $differs " " }
        return 1
    }
    if {![below 5]} { check_whole $from $by $shape }
    return 0
}

foreach kind {uniform clustered poles dateline mixed edges} {
    foreach n {40 1500} {
        case "searches among $n places: $kind (SEED=$seed)" {
            set pair_setup [any_of {} {{HELLO 3}}]
            pair_start
            fill_places g $kind $n
            set members [ask $ours ZRANGE g 0 -1]
            set positions [ask $ours GEOPOS g {*}$members]
            set forgot 0
            for {set i 0} {$i < $count} {incr i} { incr forgot [run_search $kind] }
            puts "    $kind $n: Redis forgot some in $forgot of $count"
            truth {$kind in {edges poles} || $forgot <= $count / 10}
        }
    }
}

# GEOADD is logged as the ZADD it becomes; what is kept, as it was asked for.
case "what the log holds, and what it gives when it is replayed" {
    set pair_setup {}
    pair_start "appendonly yes\nappendfsync no\naof-use-rdb-preamble no"
    fill_places g mixed 200
    both {GEOADD g NX CH 1 1 one 2 2 two}
    both {GEOADD g NX 1 1 one}
    both {GEOADD g XX CH 3 3 one}
    both {GEOSEARCHSTORE d g FROMLONLAT 0 0 BYRADIUS 5000 km}
    both {GEORADIUS g 0 0 5000 km STOREDIST e COUNT 20}
    both {GEOSEARCHSTORE none g FROMLONLAT 0 0 BYRADIUS 0 km}
    set logs {}
    foreach dir $pair_dirs {
        set log [slurp [lindex [glob $dir/appendonlydir/*.incr.aof] 0]]
        lappend logs [regexp -all -inline -nocase {ZADD|GEO[A-Z]+|\nNX\r|\nXX\r|\nCH\r} $log]
    }
    is [string toupper [lindex $logs 0]] [string toupper [lindex $logs 1]]
    truth {"GEOADD" ni [string toupper [lindex $logs 0]]}
    survives $ours
}

finish
