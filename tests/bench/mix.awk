# Commands that make a data set as people have them: half small strings, the rest text, hashes, sorted sets,
# lists, integer sets, small sets; some keys expire. awk -v n=KEYS -f mix.awk; the same for the same n.
function put(s) { printf "$%d\r\n%s\r\n", length(s), s }
function head(n, name, key) { printf "*%d\r\n", n; put(name); put(key) }
function rnd(n) { seed = (seed * 1103515245 + 12345) % 2147483648; return int(seed / 65536) % n }
BEGIN {
    seed = 42
    split("the quick brown fox jumps over a lazy dog while many people read news about servers and data every day in small towns", words, " ")
    for (i = 0; i < n; i++) {
        m = i % 20
        if (m < 10) { head(3, "SET", "user:" i ":name"); put("value-" i * 7919) }
        else if (m < 12) { t = ""; k = 20 + rnd(200); for (j = 0; j < k; j++) t = t words[1 + rnd(22)] " "; head(3, "SET", "text:" i); put(t) }
        else if (m < 14) { k = 5 + rnd(20); head(2 + 2 * k, "HSET", "profile:" i); for (j = 0; j < k; j++) { put("field" j); put(words[1 + rnd(22)] i * j) } }
        else if (m < 15) { k = 150 + rnd(100); head(2 + 2 * k, "HSET", "table:" i); for (j = 0; j < k; j++) { put("field-number-" j); put("value" i + j) } }
        else if (m < 16) { k = 10 + rnd(90); head(2 + 2 * k, "ZADD", "board:" i); for (j = 0; j < k; j++) { put(rnd(100000)); put("player" j * 31) } }
        else if (m < 17) { k = 150 + rnd(100); head(2 + 2 * k, "ZADD", "rank:" i); for (j = 0; j < k; j++) { put(rnd(1000000) / 7); put("member:" j * 131) } }
        else if (m < 18) { k = 20 + rnd(200); head(2 + k, "RPUSH", "queue:" i); for (j = 0; j < k; j++) put("job-" i "-" j) }
        else if (m < 19) { k = 20 + rnd(300); head(2 + k, "SADD", "ids:" i); for (j = 0; j < k; j++) put(rnd(32768) * 3000 + j) }
        else { k = 10 + rnd(40); head(2 + k, "SADD", "tags:" i); for (j = 0; j < k; j++) put(words[1 + rnd(22)] j) }
        if (m == 3) { head(3, "EXPIRE", "user:" i ":name"); put(1000000 + i) }
    }
}
