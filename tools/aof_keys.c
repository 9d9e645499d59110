/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/aof_keys.h"

#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "base/num.h"

enum { NAME_MAX = 24 };

/* How the keys are found. */
enum find {
    RANGE,    /* first, last (from the end when negative), step */
    PAIR,     /* the first is made of (or moved to by) the second: use, other */
    MANY,     /* the first is made, all behind it are read */
    COUNTED,  /* argument first - 1 tells how many begin at first */
    STORED,   /* the same, behind a destination, argument 1 */
    STORING,  /* argument 1 is read; one behind the word STORE is made */
    STREAMS,  /* behind the word STREAMS, half of what is left */
    SETTING,  /* SET: options decide */
    REPLACING, /* RESTORE, COPY: made anew only with the word REPLACE */
    FLUSHING, SWAPPING
};

struct row {
    const char *name;
    enum find find;
    int8_t first, last, step;
    enum key_use use;
};

#define ONE(name_, use_) {name_, RANGE, 1, 1, 1, use_}
#define TWO(name_, use_) {name_, RANGE, 2, 2, 1, use_}
#define ALL(name_, use_) {name_, RANGE, 1, -1, 1, use_}

/* By name; what has no key is not here. tests/integration/log_tools.tcl compares what is found with
 * COMMAND GETKEYS. */
static const struct row rows[] = {
    ONE("append", KEY_CHANGE), ONE("bitcount", KEY_READ), ONE("bitfield", KEY_CHANGE),
    ONE("bitfield_ro", KEY_READ), {"bitop", MANY, 2, 0, 0, KEY_MADE}, ONE("bitpos", KEY_READ),
    {"blmove", PAIR, 1, 2, 0, KEY_CHANGE}, {"blmpop", COUNTED, 3, 0, 0, KEY_CHANGE},
    {"blpop", RANGE, 1, -2, 1, KEY_CHANGE}, {"brpop", RANGE, 1, -2, 1, KEY_CHANGE},
    {"brpoplpush", PAIR, 1, 2, 0, KEY_CHANGE}, {"bzmpop", COUNTED, 3, 0, 0, KEY_CHANGE},
    {"bzpopmax", RANGE, 1, -2, 1, KEY_CHANGE}, {"bzpopmin", RANGE, 1, -2, 1, KEY_CHANGE},
    {"copy", REPLACING, 1, 2, 0, KEY_READ}, ONE("decr", KEY_CHANGE), ONE("decrby", KEY_CHANGE),
    ALL("del", KEY_GONE), ONE("dump", KEY_READ), {"eval", COUNTED, 3, 0, 0, KEY_CHANGE},
    {"eval_ro", COUNTED, 3, 0, 0, KEY_READ}, {"evalsha", COUNTED, 3, 0, 0, KEY_CHANGE},
    {"evalsha_ro", COUNTED, 3, 0, 0, KEY_READ}, ALL("exists", KEY_READ),
    ONE("expire", KEY_CHANGE), ONE("expireat", KEY_CHANGE), ONE("expiretime", KEY_READ),
    {"fcall", COUNTED, 3, 0, 0, KEY_CHANGE}, {"fcall_ro", COUNTED, 3, 0, 0, KEY_READ},
    {"flushall", FLUSHING, 0, 0, 0, KEY_GONE}, {"flushdb", FLUSHING, 0, 0, 0, KEY_GONE},
    ONE("geoadd", KEY_CHANGE), ONE("geodist", KEY_READ), ONE("geohash", KEY_READ),
    ONE("geopos", KEY_READ), {"georadius", STORING, 6, 0, 0, KEY_READ},
    ONE("georadius_ro", KEY_READ), {"georadiusbymember", STORING, 5, 0, 0, KEY_READ},
    ONE("georadiusbymember_ro", KEY_READ), ONE("geosearch", KEY_READ),
    {"geosearchstore", PAIR, 2, 1, 0, KEY_READ}, ONE("get", KEY_READ), ONE("getbit", KEY_READ),
    ONE("getdel", KEY_GONE), ONE("getex", KEY_CHANGE), ONE("getrange", KEY_READ),
    ONE("getset", KEY_SET), ONE("hdel", KEY_CHANGE), ONE("hexists", KEY_READ),
    ONE("hget", KEY_READ), ONE("hgetall", KEY_READ), ONE("hincrby", KEY_CHANGE),
    ONE("hincrbyfloat", KEY_CHANGE), ONE("hkeys", KEY_READ), ONE("hlen", KEY_READ),
    ONE("hmget", KEY_READ), ONE("hmset", KEY_CHANGE), ONE("hrandfield", KEY_READ),
    ONE("hscan", KEY_READ), ONE("hset", KEY_CHANGE), ONE("hsetnx", KEY_CHANGE),
    ONE("hstrlen", KEY_READ), ONE("hvals", KEY_READ), ONE("incr", KEY_CHANGE),
    ONE("incrby", KEY_CHANGE), ONE("incrbyfloat", KEY_CHANGE), {"lcs", RANGE, 1, 2, 1, KEY_READ},
    ONE("lindex", KEY_READ), ONE("linsert", KEY_CHANGE), ONE("llen", KEY_READ),
    {"lmove", PAIR, 1, 2, 0, KEY_CHANGE}, {"lmpop", COUNTED, 2, 0, 0, KEY_CHANGE},
    ONE("lpop", KEY_CHANGE), ONE("lpos", KEY_READ), ONE("lpush", KEY_CHANGE),
    ONE("lpushx", KEY_CHANGE), ONE("lrange", KEY_READ), ONE("lrem", KEY_CHANGE),
    ONE("lset", KEY_CHANGE), ONE("ltrim", KEY_CHANGE), TWO("memory|usage", KEY_READ),
    ALL("mget", KEY_READ), ONE("move", KEY_MOVED), {"mset", RANGE, 1, -1, 2, KEY_SET},
    {"msetnx", RANGE, 1, -1, 2, KEY_CHANGE}, TWO("object|encoding", KEY_READ),
    TWO("object|freq", KEY_READ), TWO("object|idletime", KEY_READ),
    TWO("object|refcount", KEY_READ),
    ONE("persist", KEY_CHANGE), ONE("pexpire", KEY_CHANGE), ONE("pexpireat", KEY_CHANGE),
    ONE("pexpiretime", KEY_READ), ONE("pfadd", KEY_CHANGE), ALL("pfcount", KEY_READ),
    TWO("pfdebug", KEY_CHANGE), {"pfmerge", MANY, 1, 0, 0, KEY_CHANGE}, ONE("psetex", KEY_SET),
    ONE("pttl", KEY_READ), {"rename", PAIR, 1, 2, 0, KEY_MOVED},
    {"renamenx", PAIR, 1, 2, 0, KEY_MOVED}, {"restore", REPLACING, 0, 1, 0, KEY_READ},
    ONE("rpop", KEY_CHANGE), {"rpoplpush", PAIR, 1, 2, 0, KEY_CHANGE}, ONE("rpush", KEY_CHANGE),
    ONE("rpushx", KEY_CHANGE), ONE("sadd", KEY_CHANGE), ONE("scard", KEY_READ),
    ALL("sdiff", KEY_READ), {"sdiffstore", MANY, 1, 0, 0, KEY_MADE},
    {"set", SETTING, 1, 1, 1, KEY_SET},
    ONE("setbit", KEY_CHANGE), ONE("setex", KEY_SET), ONE("setnx", KEY_CHANGE),
    ONE("setrange", KEY_CHANGE), ALL("sinter", KEY_READ),
    {"sintercard", COUNTED, 2, 0, 0, KEY_READ},
    {"sinterstore", MANY, 1, 0, 0, KEY_MADE}, ONE("sismember", KEY_READ), ONE("smembers", KEY_READ),
    ONE("smismember", KEY_READ), {"smove", PAIR, 1, 2, 0, KEY_CHANGE},
    {"sort", STORING, 2, 0, 0, KEY_READ}, ONE("sort_ro", KEY_READ), ONE("spop", KEY_CHANGE),
    ONE("srandmember", KEY_READ), ONE("srem", KEY_CHANGE), ONE("sscan", KEY_READ),
    ONE("strlen", KEY_READ), ONE("substr", KEY_READ), ALL("sunion", KEY_READ),
    {"sunionstore", MANY, 1, 0, 0, KEY_MADE}, {"swapdb", SWAPPING, 0, 0, 0, KEY_CHANGE},
    ALL("touch", KEY_READ), ONE("ttl", KEY_READ), ONE("type", KEY_READ), ALL("unlink", KEY_GONE),
    ALL("watch", KEY_READ), ONE("xack", KEY_CHANGE), ONE("xadd", KEY_CHANGE),
    ONE("xautoclaim", KEY_CHANGE), ONE("xclaim", KEY_CHANGE), ONE("xdel", KEY_CHANGE),
    TWO("xgroup|create", KEY_CHANGE), TWO("xgroup|createconsumer", KEY_CHANGE),
    TWO("xgroup|delconsumer", KEY_CHANGE), TWO("xgroup|destroy", KEY_CHANGE),
    TWO("xgroup|setid", KEY_CHANGE), TWO("xinfo|consumers", KEY_READ),
    TWO("xinfo|groups", KEY_READ),
    TWO("xinfo|stream", KEY_READ), ONE("xlen", KEY_READ), ONE("xpending", KEY_READ),
    ONE("xrange", KEY_READ), {"xread", STREAMS, 0, 0, 0, KEY_READ},
    {"xreadgroup", STREAMS, 0, 0, 0, KEY_CHANGE}, ONE("xrevrange", KEY_READ),
    ONE("xsetid", KEY_CHANGE), ONE("xtrim", KEY_CHANGE), ONE("zadd", KEY_CHANGE),
    ONE("zcard", KEY_READ), ONE("zcount", KEY_READ), {"zdiff", COUNTED, 2, 0, 0, KEY_READ},
    {"zdiffstore", STORED, 3, 0, 0, KEY_MADE}, ONE("zincrby", KEY_CHANGE),
    {"zinter", COUNTED, 2, 0, 0, KEY_READ}, {"zintercard", COUNTED, 2, 0, 0, KEY_READ},
    {"zinterstore", STORED, 3, 0, 0, KEY_MADE}, ONE("zlexcount", KEY_READ),
    {"zmpop", COUNTED, 2, 0, 0, KEY_CHANGE}, ONE("zmscore", KEY_READ), ONE("zpopmax", KEY_CHANGE),
    ONE("zpopmin", KEY_CHANGE), ONE("zrandmember", KEY_READ), ONE("zrange", KEY_READ),
    ONE("zrangebylex", KEY_READ), ONE("zrangebyscore", KEY_READ),
    {"zrangestore", PAIR, 2, 1, 0, KEY_READ}, ONE("zrank", KEY_READ), ONE("zrem", KEY_CHANGE),
    ONE("zremrangebylex", KEY_CHANGE), ONE("zremrangebyrank", KEY_CHANGE),
    ONE("zremrangebyscore", KEY_CHANGE), ONE("zrevrange", KEY_READ),
    ONE("zrevrangebylex", KEY_READ),
    ONE("zrevrangebyscore", KEY_READ), ONE("zrevrank", KEY_READ), ONE("zscan", KEY_READ),
    ONE("zscore", KEY_READ), {"zunion", COUNTED, 2, 0, 0, KEY_READ},
    {"zunionstore", STORED, 3, 0, 0, KEY_MADE},
};

const char *key_use_name(enum key_use use)
{
    static const char *const names[] = {"read", "set", "removed", "changed", "made", "moved"};
    must(use <= KEY_MOVED);
    return names[use];
}

static int compare(const void *name, const void *row)
{
    return strcmp(name, ((const struct row *)row)->name);
}

/* Behind what to holds. False: no name of ours is like that. */
static bool put_word(char to[NAME_MAX], size_t len, struct slice word)
{
    if (word.len == 0 || word.len >= NAME_MAX - len)
        return false;
    for (size_t i = 0; i < word.len; i++) {
        char c = word.data[i];
        to[len + i] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
    }
    to[len + word.len] = '\0';
    return true;
}

static const struct row *find_row(const struct slice *head, size_t count)
{
    static const char *const containers[] = {"memory", "object", "xgroup", "xinfo"};
    char name[NAME_MAX];
    if (count == 0 || !put_word(name, 0, head[0]))
        return NULL;
    for (size_t i = 0; i < sizeof containers / sizeof *containers; i++) {
        size_t len = strlen(containers[i]);
        if (strcmp(name, containers[i]) != 0)
            continue;
        name[len] = '|';
        if (count < 2 || !put_word(name, len + 1, head[1]))
            return NULL;
        break;
    }
    return bsearch(name, rows, sizeof rows / sizeof *rows, sizeof *rows, compare);
}

static void add(struct aof_keys *k, uint64_t first, uint64_t count, uint64_t step, enum key_use use)
{
    must(k->count < AOF_KEY_RANGES && step > 0);
    if (count)
        k->ranges[k->count++] = (struct aof_key_range){first, count, step, use};
}

/* Where word stands among the heads from from on; 0: nowhere. */
static size_t find_word(const struct slice *head, size_t count, size_t from, const char *word)
{
    for (size_t i = from; i < count; i++)
        if (slice_eq_nocase(head[i], word))
            return i;
    return 0;
}

static void add_range(struct aof_keys *k, const struct row *row, uint64_t argc)
{
    must(row->first > 0 && row->step > 0);
    uint64_t first = (uint64_t)row->first, step = (uint64_t)row->step, off = (uint64_t)-row->last;
    uint64_t last = row->last >= 0 ? (uint64_t)row->last : argc > off ? argc - off : 0;
    if (last >= argc)
        last = argc - 1;
    if (last >= first)
        add(k, first, (last - first) / step + 1, step, row->use);
}

/* As many as argument at says, from at + 1 on. */
static void add_counted(struct aof_keys *k, size_t at, uint64_t argc, const struct slice *head,
                        size_t count, enum key_use use)
{
    uint64_t n = 0;
    must(at > 0);
    if (at >= count || !num_parse_u64(head[at], &n))
        return;
    uint64_t left = argc - at - 1;
    add(k, at + 1, n < left ? n : left, 1, use);
}

static void add_storing(struct aof_keys *k, const struct row *row, const struct slice *head,
                        size_t count)
{
    size_t last = 0;
    add(k, 1, 1, 1, KEY_READ);
    for (size_t i = (size_t)row->first; i + 1 < count; i++)
        if (slice_eq_nocase(head[i], "store") || slice_eq_nocase(head[i], "storedist"))
            last = ++i; /* the last one counts */
    if (last)
        add(k, last, 1, 1, KEY_MADE);
}

static void add_setting(struct aof_keys *k, const struct slice *head, size_t count)
{
    bool depends = find_word(head, count, 3, "nx") || find_word(head, count, 3, "xx") ||
                   find_word(head, count, 3, "keepttl");
    add(k, 1, 1, 1, depends ? KEY_CHANGE : KEY_SET);
}

static void add_replacing(struct aof_keys *k, const struct row *row, const struct slice *head,
                          size_t count)
{
    bool replaces = find_word(head, count, 3, "replace");
    if (row->first)
        add(k, (uint64_t)row->first, 1, 1, row->use);
    add(k, (uint64_t)row->last, 1, 1,
        !replaces ? KEY_CHANGE : row->first ? KEY_MADE : KEY_SET);
}

/* first is used as the row says; what becomes of the other follows from that. */
static void add_pair(struct aof_keys *k, const struct row *row, struct slice name)
{
    bool nx = slice_eq_nocase(name, "renamenx");
    add(k, (uint64_t)row->first, 1, 1, row->use);
    add(k, (uint64_t)row->last, 1, 1, row->use == KEY_CHANGE || nx ? KEY_CHANGE : KEY_MADE);
}

void aof_keys_of(uint64_t argc, const struct slice *head, size_t count, struct aof_keys *k)
{
    must(count <= argc);
    *k = (struct aof_keys){0};
    const struct row *row = find_row(head, count);
    size_t at;
    if (!row)
        return;
    k->known = true;
    switch (row->find) {
    case RANGE: add_range(k, row, argc); break;
    case PAIR:
        if (argc > 2)
            add_pair(k, row, head[0]);
        break;
    case MANY:
        if (argc > (uint64_t)row->first) {
            add(k, (uint64_t)row->first, 1, 1, row->use);
            add(k, (uint64_t)row->first + 1, argc - (uint64_t)row->first - 1, 1, KEY_READ);
        }
        break;
    case COUNTED: add_counted(k, (size_t)row->first - 1, argc, head, count, row->use); break;
    case STORED:
        if (argc > 1)
            add(k, 1, 1, 1, KEY_MADE);
        add_counted(k, (size_t)row->first - 1, argc, head, count, KEY_READ);
        break;
    case STORING:
        if (argc > 1)
            add_storing(k, row, head, count);
        break;
    case STREAMS:
        at = find_word(head, count, 1, "streams");
        if (at)
            add(k, at + 1, (argc - at - 1) / 2, 1, row->use);
        break;
    case SETTING:
        if (argc > 1)
            add_setting(k, head, count);
        break;
    case REPLACING:
        if (argc > (uint64_t)row->last)
            add_replacing(k, row, head, count);
        break;
    case FLUSHING: k->scope = head[0].len == 8 ? KEYS_ALL : KEYS_DATABASE; break;
    case SWAPPING: k->scope = KEYS_SWAPPED; break;
    }
}

bool aof_key_at(const struct aof_keys *k, uint64_t i, enum key_use *use)
{
    for (size_t n = 0; n < k->count; n++) {
        const struct aof_key_range *r = &k->ranges[n];
        uint64_t off = i - r->first;
        if (i < r->first || off % r->step != 0 || off / r->step >= r->count)
            continue;
        *use = r->use;
        return true;
    }
    return false;
}
