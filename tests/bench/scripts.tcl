# SPDX-License-Identifier: BSD-3-Clause
# Rows of scripts and functions; sourced by run.

set sources {
    get {return redis.call('GET', KEYS[1])}
    set {return redis.call('SET', KEYS[1], ARGV[1])}
    counts {for i = 1, 1000 do redis.call('INCR', KEYS[1]) end}
    fields {for i = 1, 500 do redis.call('HSET', KEYS[1], i, i) redis.call('HGET', KEYS[1], i) end}
    joined {for i = 1, 500 do redis.call('SET', KEYS[1] .. i, i) redis.call('GET', KEYS[1] .. i) end}
    values {local t = redis.call('HGETALL', KEYS[1]) for i = 1, #t, 2 do t[i] = t[i]:upper() end return t}
    codec {local t = cjson.decode(ARGV[1]) t.n = (t.n or 0) + 1 return cmsgpack.pack(t, cjson.encode(t))}
}
set document {{"name":"somebody","tags":["a","b","c"],"address":{"street":"long road 12","zip":12345},"scores":[1.5,2,3.25,-4],"on":true}}

if {[wanted "EVAL EVALSHA FCALL script"] && [both_know EVAL]} {
    start_pair {}
    foreach who $pair {
        foreach {name source} $sources { set sha($name) [cli $who script load $source] }
        cli $who function load "#!lua name=bench\nredis.register_function('get', function(keys) return redis.call('GET', keys\[1\]) end)"
        cli $who set key value
        cli $who hset hash {*}[lmap i {1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20} { set i field$i }]
    }
    foreach {name n depth words} [list \
        "EVALSHA of a GET, pipeline 1" 100000 1 [list EVALSHA $sha(get) 1 key] \
        "EVALSHA of a GET, pipeline 16" 300000 16 [list EVALSHA $sha(get) 1 key] \
        "EVAL of a GET, pipeline 1" 100000 1 [list EVAL [dict get $sources get] 1 key] \
        "EVAL of a GET, pipeline 16" 300000 16 [list EVAL [dict get $sources get] 1 key] \
        "EVAL of a SET, pipeline 1" 100000 1 [list EVAL [dict get $sources set] 1 key value] \
        "EVAL of a SET, pipeline 16" 300000 16 [list EVAL [dict get $sources set] 1 key value] \
        "FCALL of a GET, pipeline 16" 300000 16 [list FCALL get 1 key] \
        "EVALSHA of HGETALL, 10 fields shown large, pipeline 16" 50000 16 [list EVALSHA $sha(values) 1 hash] \
        "EVALSHA of cjson and cmsgpack, pipeline 16" 50000 16 [list EVALSHA $sha(codec) 0 $document]] {
        measure $name "CPU us/op" less 0.8 "per_op \$who $n -P $depth -c 50 [list {*}$words]"
    }
    foreach {name script} {
        "INCR" counts "HSET and HGET" fields "SET and GET of keys joined with a number" joined
    } {
        measure "a script of 1000 calls: $name" "CPU us/op" less 0.7 \
            "per_op \$who 1000 -P 1 -c 5 EVALSHA $sha($script) 1 bench:$script"
    }
    stop_pair
}
