/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/aof_commands.h"

#include <stdlib.h>
#include <string.h>

#include "base/must.h"

enum { NAME_MAX = 64 };

struct row {
    const char *name; /* of a subcommand: container|name */
    int arity;        /* exact, or -(at least); 0: a container, nothing without a subcommand */
};

/* By name. The server's tables in short: tests/integration/check_tools.tcl compares them. */
static const struct row rows[] = {
    {"acl", 0}, {"acl|cat", -2}, {"acl|deluser", -3}, {"acl|dryrun", -4}, {"acl|genpass", -2},
    {"acl|getuser", 3}, {"acl|help", 2}, {"acl|list", 2}, {"acl|load", 2}, {"acl|log", -2},
    {"acl|save", 2}, {"acl|setuser", -3}, {"acl|users", 2}, {"acl|whoami", 2}, {"append", 3},
    {"auth", -2}, {"backup", 0}, {"backup|end", 2}, {"backup|help", 2}, {"backup|list", 2},
    {"backup|seal", 2}, {"backup|start", 2}, {"bgrewriteaof", 1}, {"bgsave", -1}, {"bitcount", -2},
    {"bitfield", -2}, {"bitfield_ro", -2}, {"bitop", -4}, {"bitpos", -3}, {"blmove", 6},
    {"blmpop", -5}, {"blpop", -3}, {"brpop", -3}, {"brpoplpush", 4}, {"bzmpop", -5},
    {"bzpopmax", -3}, {"bzpopmin", -3}, {"client", 0}, {"client|caching", 3}, {"client|getname", 2},
    {"client|getredir", 2}, {"client|help", 2}, {"client|id", 2}, {"client|info", 2},
    {"client|kill", -3}, {"client|list", -2}, {"client|no-evict", 3}, {"client|no-touch", 3},
    {"client|pause", -3}, {"client|reply", 3}, {"client|setinfo", 4}, {"client|setname", 3},
    {"client|tracking", -3}, {"client|trackinginfo", 2}, {"client|unblock", -3},
    {"client|unpause", 2}, {"client|wait-for-replicas", 3}, {"command", -1}, {"command|count", 2},
    {"command|docs", -2}, {"command|getkeys", -3}, {"command|getkeysandflags", -3},
    {"command|help", 2}, {"command|info", -2}, {"command|list", -2}, {"config", 0},
    {"config|get", -3}, {"config|help", 2}, {"config|resetstat", 2}, {"config|rewrite", 2},
    {"config|set", -4}, {"copy", -3}, {"dbsize", 1}, {"debug", -2}, {"decr", 2}, {"decrby", 3},
    {"del", -2}, {"discard", 1}, {"dump", 2}, {"echo", 2}, {"eval", -3}, {"eval_ro", -3},
    {"evalsha", -3}, {"evalsha_ro", -3}, {"exec", 1}, {"exists", -2}, {"expire", -3},
    {"expireat", -3}, {"expiretime", 2}, {"failover", -1}, {"fcall", -3}, {"fcall_ro", -3},
    {"flushall", -1}, {"flushdb", -1}, {"function", 0}, {"function|delete", 3},
    {"function|dump", 2}, {"function|flush", -2}, {"function|help", 2}, {"function|kill", 2},
    {"function|list", -2}, {"function|load", -3}, {"function|restore", -3}, {"function|stats", 2},
    {"geoadd", -5}, {"geodist", -4}, {"geohash", -2}, {"geopos", -2}, {"georadius", -6},
    {"georadius_ro", -6}, {"georadiusbymember", -5}, {"georadiusbymember_ro", -5},
    {"geosearch", -7}, {"geosearchstore", -8}, {"get", 2}, {"getbit", 3}, {"getdel", 2},
    {"getex", -2}, {"getrange", 4}, {"getset", 3}, {"hdel", -3}, {"hello", -1}, {"hexists", 3},
    {"hget", 3}, {"hgetall", 2}, {"hincrby", 4}, {"hincrbyfloat", 4}, {"hkeys", 2}, {"hlen", 2},
    {"hmget", -3}, {"hmset", -4}, {"hrandfield", -2}, {"hscan", -3}, {"hset", -4}, {"hsetnx", 4},
    {"hstrlen", 3}, {"hvals", 2}, {"incr", 2}, {"incrby", 3}, {"incrbyfloat", 3}, {"info", -1},
    {"keys", 2}, {"lastsave", 1}, {"latency", 0}, {"latency|doctor", 2}, {"latency|graph", 3},
    {"latency|help", 2}, {"latency|histogram", -2}, {"latency|history", 3}, {"latency|latest", 2},
    {"latency|reset", -2}, {"lcs", -3}, {"lindex", 3}, {"linsert", 5}, {"llen", 2}, {"lmove", 5},
    {"lmpop", -4}, {"lpop", -2}, {"lpos", -3}, {"lpush", -3}, {"lpushx", -3}, {"lrange", 4},
    {"lrem", 4}, {"lset", 4}, {"ltrim", 4}, {"memory", 0}, {"memory|doctor", 2}, {"memory|help", 2},
    {"memory|malloc-stats", 2}, {"memory|purge", 2}, {"memory|stats", 2}, {"memory|usage", -3},
    {"mget", -2}, {"migrate", -6}, {"monitor", 1}, {"move", 3}, {"mset", -3}, {"msetnx", -3},
    {"multi", 1}, {"object", 0}, {"object|encoding", 3}, {"object|freq", 3}, {"object|help", 2},
    {"object|idletime", 3}, {"object|refcount", 3}, {"persist", 2}, {"pexpire", -3},
    {"pexpireat", -3}, {"pexpiretime", 2}, {"pfadd", -2}, {"pfcount", -2}, {"pfdebug", 3},
    {"pfmerge", -2}, {"pfselftest", 1}, {"ping", -1}, {"psetex", 4}, {"psubscribe", -2},
    {"psync", -3}, {"pttl", 2}, {"publish", 3}, {"pubsub", 0}, {"pubsub|channels", -2},
    {"pubsub|help", 2}, {"pubsub|numpat", 2}, {"pubsub|numsub", -2}, {"pubsub|shardchannels", -2},
    {"pubsub|shardnumsub", -2}, {"punsubscribe", -1}, {"quit", -1}, {"randomkey", 1}, {"rename", 3},
    {"renamenx", 3}, {"replconf", -1}, {"replicaof", 3}, {"reset", 1}, {"restore", -4}, {"role", 1},
    {"rpop", -2}, {"rpoplpush", 3}, {"rpush", -3}, {"rpushx", -3}, {"sadd", -3}, {"save", 1},
    {"scan", -2}, {"scard", 2}, {"script", 0}, {"script|debug", 3}, {"script|exists", -3},
    {"script|flush", -2}, {"script|help", 2}, {"script|kill", 2}, {"script|load", 3}, {"sdiff", -2},
    {"sdiffstore", -3}, {"select", 2}, {"set", -3}, {"setbit", 4}, {"setex", 4}, {"setnx", 3},
    {"setrange", 4}, {"shutdown", -1}, {"sinter", -2}, {"sintercard", -3}, {"sinterstore", -3},
    {"sismember", 3}, {"slaveof", 3}, {"slowlog", 0}, {"slowlog|get", -2}, {"slowlog|help", 2},
    {"slowlog|len", 2}, {"slowlog|reset", 2}, {"smembers", 2}, {"smismember", -3}, {"smove", 4},
    {"sort", -2}, {"sort_ro", -2}, {"spop", -2}, {"spublish", 3}, {"srandmember", -2}, {"srem", -3},
    {"sscan", -3}, {"ssubscribe", -2}, {"strlen", 2}, {"subscribe", -2}, {"substr", 4},
    {"sunion", -2}, {"sunionstore", -3}, {"sunsubscribe", -1}, {"swapdb", 3}, {"sync", 1},
    {"time", 1}, {"touch", -2}, {"ttl", 2}, {"type", 2}, {"unlink", -2}, {"unsubscribe", -1},
    {"unwatch", 1}, {"wait", 3}, {"waitaof", 4}, {"watch", -2}, {"xack", -4}, {"xadd", -5},
    {"xautoclaim", -6}, {"xclaim", -6}, {"xdel", -3}, {"xgroup", 0}, {"xgroup|create", -5},
    {"xgroup|createconsumer", 5}, {"xgroup|delconsumer", 5}, {"xgroup|destroy", 4},
    {"xgroup|help", 2}, {"xgroup|setid", -5}, {"xinfo", 0}, {"xinfo|consumers", 4},
    {"xinfo|groups", 3}, {"xinfo|help", 2}, {"xinfo|stream", -3}, {"xlen", 2}, {"xpending", -3},
    {"xrange", -4}, {"xread", -4}, {"xreadgroup", -7}, {"xrevrange", -4}, {"xsetid", -3},
    {"xtrim", -4}, {"zadd", -4}, {"zcard", 2}, {"zcount", 4}, {"zdiff", -3}, {"zdiffstore", -4},
    {"zincrby", 4}, {"zinter", -3}, {"zintercard", -3}, {"zinterstore", -4}, {"zlexcount", 4},
    {"zmpop", -4}, {"zmscore", -3}, {"zpopmax", -2}, {"zpopmin", -2}, {"zrandmember", -2},
    {"zrange", -4}, {"zrangebylex", -4}, {"zrangebyscore", -4}, {"zrangestore", -5}, {"zrank", -3},
    {"zrem", -3}, {"zremrangebylex", 4}, {"zremrangebyrank", 4}, {"zremrangebyscore", 4},
    {"zrevrange", -4}, {"zrevrangebylex", -4}, {"zrevrangebyscore", -4}, {"zrevrank", -3},
    {"zscan", -3}, {"zscore", 3}, {"zunion", -3}, {"zunionstore", -4},
};

static int compare(const void *name, const void *row)
{
    return strcmp(name, ((const struct row *)row)->name);
}

static const struct row *find(const char *name)
{
    return bsearch(name, rows, sizeof rows / sizeof *rows, sizeof *rows, compare);
}

/* s in small letters; false when it cannot be part of a name. */
static bool put_word(char *to, size_t room, struct slice s)
{
    if (s.len == 0 || s.len >= room)
        return false;
    for (size_t i = 0; i < s.len; i++)
        to[i] = s.data[i] >= 'A' && s.data[i] <= 'Z' ? (char)(s.data[i] | 0x20) : s.data[i];
    to[s.len] = '\0';
    return memchr(to, '|', s.len) == NULL && memchr(to, '\0', s.len) == NULL;
}

/* Its rows stand right behind it. */
static bool has_subcommands(const struct row *row)
{
    size_t len = strlen(row->name);
    must(row >= rows && row < rows + sizeof rows / sizeof *rows);
    const char *next = row + 1 < rows + sizeof rows / sizeof *rows ? row[1].name : "";
    return strncmp(next, row->name, len) == 0 && next[len] == '|';
}

/* The row of a call: the subcommand's where there is one. */
static const struct row *row_of(size_t argc, const struct slice *argv, char name[NAME_MAX])
{
    const struct row *row = put_word(name, NAME_MAX, argv[0]) ? find(name) : NULL;
    size_t len = row ? strlen(name) : 0;
    if (!row || argc < 2 || len + 2 >= NAME_MAX || !has_subcommands(row))
        return row;
    name[len] = '|';
    const struct row *sub = put_word(name + len + 1, NAME_MAX - len - 1, argv[1])
                                ? find(name)
                                : NULL;
    return sub ? sub : row;
}

/* They belong to a client's transaction or connection, or to whoever runs the server: it does not
 * run them from a log. */
static bool has_no_place(const char *name)
{
    static const char *const words[] = {
        "discard", "watch", "quit", "reset", "backup|end", "backup|list", "backup|seal",
        "backup|start", "bgrewriteaof", "bgsave", "client|kill", "client|list",
        "client|no-evict", "client|pause", "client|unblock", "client|unpause", "config|get",
        "config|resetstat", "config|rewrite", "config|set", "debug", "save", "shutdown",
        "waitaof"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(name, words[i]) == 0)
            return true;
    return false;
}

static unsigned place_of(struct slice name)
{
    const unsigned char *p = (const unsigned char *)name.data;
    must(name.len > 0);
    return (unsigned)(name.len * 7 + p[0] + p[name.len - 1] * 5u) % AOF_KNOWN_MAX;
}

static const char *fault_of(size_t argc, int arity, bool no_place)
{
    must(arity != 0); /* a container: told already */
    if (arity >= 0 ? argc != (size_t)arity : argc < (size_t)-arity)
        return "Wrong number of arguments";
    return no_place ? "No place in a log" : NULL;
}

const char *aof_command_fault(struct aof_known *known, size_t argc, const struct slice *argv)
{
    char name[NAME_MAX];
    must(argc > 0);
    struct slice given = argv[0];
    bool fits = given.len && given.len <= AOF_KNOWN_NAME;
    unsigned i = fits ? place_of(given) : 0;
    if (fits && known->of[i].len == given.len &&
        memcmp(known->of[i].name, given.data, given.len) == 0)
        return fault_of(argc, known->of[i].arity, known->of[i].no_place);
    const struct row *row = row_of(argc, argv, name);
    if (!row || row->arity == 0)
        return "Unknown command";
    bool no_place = has_no_place(row->name);
    if (fits && !has_subcommands(row) && !strchr(row->name, '|')) {
        memcpy(known->of[i].name, given.data, given.len);
        known->of[i].len = (uint8_t)given.len;
        known->of[i].no_place = no_place;
        known->of[i].arity = row->arity;
    }
    return fault_of(argc, row->arity, no_place);
}
