# SPDX-License-Identifier: BSD-3-Clause
# Every function of the libraries of scripts, called with arguments by chance, to our server and to
# the installed redis-server: the same results and the same errors. SEED repeats a run; COUNT is how
# many scripts of ten calls (LONG: 20000).
source [file join [file dirname [info script]] ../integration/lib.tcl]
source [file join [file dirname [info script]] lib/pair.tcl]
source [file join [file dirname [info script]] ../integration/lib/chance.tcl]

set count [chance_count 1500 500 20000]
puts "seed $seed"

# In front of each script: shows any value as text, tables by their sorted keys. Addresses and the
# last digits of numbers that a C library computes are not compared.
set show {
    local function show(v, depth)
        local kind = type(v)
        if kind == "number" then
            return v ~= v and "nan" or string.format("%.14g", v)
        elseif kind == "string" then
            return string.format("%q", (v:gsub("0x%x+", "address")))
        elseif kind == "table" then
            if depth > 4 then return "deep" end
            local all = {}
            for k, e in pairs(v) do all[#all + 1] = show(k, depth + 1) .. "=" .. show(e, depth + 1) end
            table.sort(all)
            return "{" .. table.concat(all, ",") .. "}"
        elseif kind == "boolean" or kind == "nil" then
            return tostring(v)
        end
        return v == cjson.null and "null" or kind
    end
    local lines = {}
    local function try(name, f, ...)
        local function keep(ok, ...)
            local all = {name, tostring(ok)}
            for i = 1, select("#", ...) do all[#all + 1] = show((select(i, ...)), 0) end
            lines[#lines + 1] = table.concat(all, " ")
        end
        keep(pcall(f, ...))
    end
}

proc number {} {
    return [one_of {0 1 -1 2 3 3.7 -3.7 10 31 32 33 255 256 65535 65536 2^31 -2^31 2^31-1 2^32 2^53
        -2^53 1e15 1e300 0/0 1/0 -1/0 "5" "0x10" "x" nil}]
}
proc small {} { return [one_of {0 1 -1 2 3 5 -3 1.5 nil "2"}] }
proc text {} {
    return [one_of {"" "a" "abc" "hello world" "a.b.c" "x=1, y=2" "  blanks  " "\0a\0" "[test]" "%d"
        "aaaaaaaa" "THE (quick) fox" "12" "-3.5e2" "\255\254" "line\nline" "a,b,,c" "()" "{}" 42 nil true {}}]
}
proc pattern {} {
    return [one_of {"a" "." ".*" ".-" "^a" "a$" "%w+" "%a%d*" "(%w+)=(%w+)" "()" "(a*(.)%w(%s*))" "[a-c]+"
        "[^a-c]" "[]]" "[^]]" "[%a_]" "%b()" "%f[%w]%w+" "(a)(b)(c)" "%1" "(a)%1" "[a" "%" "(" ")" "a-b"
        "%z" "^" "$" "a?" "x*" "[a-]" "[-a]" "%%" "(()" "%2" "^(.-)%s*$" "[[:alpha:]]" "%bxy" "%f" "a**" ""}]
}
proc replacement {} {
    return [one_of {"" "x" "%0" "%1" "%2" "%%" "%" "<%0>" {{a = "1", abc = 2, hello = false}} {function(s) return s end}
        {function() return nil end} {function() return {} end} {function(a, b) return b or a end} 1 nil true}]
}
proc value {{depth 0}} {
    if {$depth < 3 && [below 3] == 0} {
        set all {}
        for {set i [below 4]} {$i > 0} {incr i -1} {
            lappend all [one_of [list [value [expr {$depth + 1}]] "a = [value [expr {$depth + 1}]]" \
                "\[[one_of {1 2 5 20 1.5 -1 true}]\] = [value [expr {$depth + 1}]]"]]
        }
        return "{[join $all {, }]}"
    }
    return [one_of {1 -1 0 1.5 1e15 1e-7 123456789012 0.1 2^53 2^63 -2^31 255 -32 127 128 65536 "" "a" "x\0y" "\"\\/" "\1\31\127"
        "\226\130\172" true false nil cjson.null {}}]
}
proc json {} {
    return [one_of {{'[1,2,3]'} {'{"a":1,"b":[true,false,null]}'} {'"x"'} {'1e3'} {'-0'} {'[]'} {'{}'} {'[1,]'} {'{"a"}'} {''} {' '}
        {'nul'} {'"\\u0041\\u00e9\\ud83d\\ude00"'} {'"\\ud800"'} {'"\\x"'} {'[1 2]'} {'{"a":1,"a":2}'} {'01'} {'1.'} {'.5'} {'0x1F'} {'nan'}
        {'Infinity'} {'[[[[[]]]]]'} {'"a'} {'[1]x'} {'{1:2}'} {'\t[\n1\r]'} {'"\n"'} {'true'} {'1e999'} {'-1e999'} {'[1,[2,[3]]]'}}]
}
proc packed {} {
    return [one_of {{'\146\1\2'} {'\129\161a\1'} {'\192'} {'\195\194'} {'\203\64\9\33\251\84\68\45\24'} {'\202\64\73\15\219'}
        {'\204\255'} {'\205\1\0'} {'\206\0\1\0\0'} {'\207\255\255\255\255\255\255\255\255'} {'\208\128'} {'\209\128\0'} {'\210\128\0\0\0'}
        {'\211\128\0\0\0\0\0\0\0'} {'\163abc'} {'\163ab'} {'\217\3abc'} {'\218\0\3abc'} {'\219\0\0\0\3abc'} {'\220\0\2\1\2'}
        {'\221\255\255\255\255'} {'\222\0\1\1\2'} {'\223\0\0\0\1\1\2'} {'\193'} {'\196\1a'} {'\200\0\1\1a'} {''} {'\255\224\127'}
        {'\145\145\145\1'} {'\129\192\1'} {'\1\2\3'}}]
}
proc format {} {
    return [one_of {"b" "B" "h" "H" "i" "I" "l" "L" "T" "f" "d" "s" "c0" "c3" "x" ">i2" "<i4" "=I8" "!8bi4" "i3" "I1" "i33" "i0" "bbb" "c"
        "!3i" "!" " i " "zz" ">I2c0" "Bs" "i16" "c99" "!4 b d" "hhl"}]
}
set functions {
    string.rep {{[text]} {[small]}} string.sub {{[text]} {[number]} {[number]}} string.byte {{[text]} {[small]} {[small]}}
    string.char {{[one_of {0 65 255 256 -1 "7" nil}]} {[one_of {66 97.5}]}}
    string.len {{[text]}} string.upper {{[text]}} string.lower {{[text]}} string.reverse {{[text]}}
    string.find {{[text]} {[pattern]} {[number]} {[one_of {true false nil}]}} string.match {{[text]} {[pattern]} {[number]}}
    string.gsub {{[text]} {[pattern]} {[replacement]} {[one_of {nil 0 1 2 -1 99}]}}
    "function(s, p) local t = {} for a, b in string.gmatch(s, p) do t\[#t + 1\] = a t\[#t + 1\] = b if #t > 20 then break end end return t end"
        {{[text]} {[pattern]}}
    string.format {{[one_of {"%d" "%5.2f" "%s" "%q" "%x" "%X" "%c" "%e" "%g" "%i" "%o" "%u" "%%" "%10s" "%-10s|" "%.3s" "%5d" "%05d" "%+d" "%a" "%"
        "%y" "%s %s" "%99d" "%100d" "%.99f" "%.100f" "%#x" "% d"}]} {[one_of [list [number] [text]]]}}
    table.concat {{[value]} {[text]} {[small]} {[small]}} table.insert {{{1, 2, 3}} {[small]} {[value]}} table.remove {{{1, 2, 3}} {[small]}}
    "function(t, f) table.sort(t, f) return t end" {{[one_of {{3, 1, 2} {"b", "a"} {1, "a"} {} {5, 5, 5, 1}}]}
        {[one_of {nil {function(a, b) return a > b end} {function() return true end} {function() error("x") end} 1}]}}
    table.maxn {{[value]}} table.getn {{[value]}} table.setn {{{}} 1}
    "function(t) local s = 0 table.foreach(t, function(k, v) s = s + 1 end) return s end" {{[value]}}
    "function(t) local s = 0 table.foreachi(t, function(k, v) s = s + 1 if s == 2 then return s end end) return s end" {{[value]}}
    math.floor {{[number]}} math.ceil {{[number]}} math.abs {{[number]}} math.max {{[number]} {[number]}} math.min {{[number]} {[number]}}
    math.fmod {{[number]} {[number]}} math.modf {{[number]}} math.frexp {{[number]}} math.ldexp {{[small]} {[small]}} math.sqrt {{[number]}}
    math.random {{[small]} {[one_of {nil 5 10 0}]}} math.randomseed {{[small]}} math.pow {{[small]} {[small]}} math.log {{[number]}}
    bit.tobit {{[number]}} bit.bnot {{[number]}} bit.band {{[number]} {[number]}} bit.bor {{[number]} {[number]}} bit.bxor {{[number]} {[number]}}
    bit.lshift {{[number]} {[small]}} bit.rshift {{[number]} {[small]}} bit.arshift {{[number]} {[small]}} bit.rol {{[number]} {[small]}}
    bit.ror {{[number]} {[small]}} bit.bswap {{[number]}} bit.tohex {{[number]} {[one_of {nil 1 8 9 -1 -4 0 100}]}}
    struct.pack {{[format]} {[one_of [list [number] [text]]]} {[one_of [list [number] [text]]]}}
    struct.unpack {{[format]} {[text]} {[one_of {nil 1 2 5 -1 0 100}]}} struct.size {{[format]}}
    cjson.encode {{[value]}} cjson.decode {{[json]}}
    "function(v) return cjson.encode(cjson.decode(v)) end" {{[json]}}
    "function(v) return cjson.decode(cjson.encode(v)) end" {{[value]}}
    cmsgpack.pack {{[value]} {[value]}} cmsgpack.unpack {{[packed]}} cmsgpack.unpack_one {{[packed]} {[one_of {nil 0 1 2 -1 9}]}}
    cmsgpack.unpack_limit {{[packed]} {[one_of {1 2 0 -1}]} {[one_of {nil 0 1}]}}
    "function(v) return cmsgpack.unpack(cmsgpack.pack(v)) end" {{[value]}}
    tonumber {{[one_of [list [text] [number]]]} {[one_of {nil 10 16 2 36 37 1 0}]}} type {{[value]}} tostring {{[number]}}
    select {{[one_of {"#" 1 2 -1 0 5 "x"}]} {[value]} {[value]}} unpack {{[value]} {[small]} {[small]}} next {{{5}} {[one_of {nil 1 2 "x"}]}}
    rawequal {{[value]} {[value]}} rawget {{[value]} {[small]}} rawset {{{}} {[small]} {[value]}} ipairs {{[value]}} pairs {{[value]}}
    assert {{[value]} {[text]}} error {{[value]} {[small]}} pcall {error {[value]}} xpcall {error {[one_of {type tostring 1 nil}]}}
    loadstring {{[one_of {"return 1" "x x" "" "return ..." 1 nil}]}} getmetatable {{[one_of {{{}} 1 "x" nil}]}}
    setmetatable {{{}} {[one_of {{{}} nil 1 {}}]}} redis.sha1hex {{[text]}} redis.error_reply {{[text]}} redis.status_reply {{[text]}}
}

proc call {} {
    set n [llength $::functions]
    set i [expr {2 * [below [expr {$n / 2}]]}]
    set name [lindex $::functions $i]
    set all {}
    foreach arg [lindex $::functions $i+1] { lappend all [subst -nobackslashes -novariables $arg] }
    # Now and then one is missing.
    if {[below 8] == 0} { set all [lrange $all 0 end-1] }
    set shown [expr {[string match function* $name] ? "function" : $name}]
    return "try(\[\[$shown]], [join [linsert $all 0 $name] {, }])"
}

case "libraries, by chance (SEED=$seed)" {
    set pair_setup {}
    pair_start
    for {set i 0} {$i < $count} {incr i} {
        set calls {}
        for {set k 0} {$k < 10} {incr k} { lappend calls [call] }
        set words [list EVAL "$show[join $calls \n]\nreturn lines" 0]
        pair_send main $words
        lassign [lmap fd [pair_fds main] { tree $fd }] x y
        if {[bytes_of $x] eq [bytes_of $y]} continue
        foreach a [lindex $x 1] b [lindex $y 1] call $calls {
            if {$a ne $b} {
                error "$call\n    ours [printable [lindex $a 0]]\n    peer [printable [lindex $b 0]]" " "
            }
        }
        error "[join $calls \n]\n    ours [printable [bytes_of $x]]\n    peer [printable [bytes_of $y]]" " "
    }
}

finish
