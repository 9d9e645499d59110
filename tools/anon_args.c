/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/anon_args.h"

#include <stdlib.h>
#include <string.h>

/* Letters: k key, v content, n stays, l bound of a range of names, s script, f library, p payload.
 * Keys are found by aof_keys.h wherever they are; 'k' holds the place. */
struct row {
    const char *name, *first, *again;
};

static const struct row rows[] = {
    {"append", "kv", ""}, {"bitfield", "k", "n"}, {"bitop", "n", "k"}, {"blmove", "kk", "n"},
    {"blmpop", "n", "n"}, {"blpop", "", "n"}, {"brpop", "", "n"}, {"brpoplpush", "kk", "n"},
    {"bzmpop", "n", "n"}, {"bzpopmax", "", "n"}, {"bzpopmin", "", "n"}, {"copy", "kk", "n"},
    {"decr", "k", ""}, {"decrby", "kn", ""}, {"del", "", "k"}, {"discard", "", ""},
    {"eval", "sn", "v"}, {"eval_ro", "sn", "v"}, {"evalsha", "nn", "v"}, {"exec", "", ""},
    {"expire", "kn", "n"}, {"expireat", "kn", "n"}, {"fcall", "vn", "v"}, {"flushall", "", "n"},
    {"flushdb", "", "n"}, {"function", "n", "n"}, {"geoadd", "k", "nnv"}, {"georadius", "k", "n"},
    {"georadiusbymember", "kv", "n"}, {"geosearchstore", "kk", "n"}, {"getdel", "k", ""},
    {"getex", "k", "n"}, {"getset", "kv", ""}, {"hdel", "k", "v"}, {"hexpire", "knnn", "v"},
    {"hexpireat", "knnn", "v"}, {"hincrby", "kvn", ""}, {"hincrbyfloat", "kvn", ""},
    {"hmset", "k", "vv"}, {"hpersist", "knn", "v"}, {"hpexpire", "knnn", "v"},
    {"hpexpireat", "knnn", "v"}, {"hset", "k", "vv"}, {"hsetnx", "kvv", ""}, {"incr", "k", ""},
    {"incrby", "kn", ""}, {"incrbyfloat", "kn", ""}, {"linsert", "kn", "v"}, {"lmove", "kk", "n"},
    {"lmpop", "n", "n"}, {"lpop", "k", "n"}, {"lpush", "k", "v"}, {"lpushx", "k", "v"},
    {"lrem", "kn", "v"}, {"lset", "kn", "v"}, {"ltrim", "k", "n"}, {"move", "kn", ""},
    {"mset", "", "kv"}, {"msetnx", "", "kv"}, {"multi", "", ""}, {"persist", "k", ""},
    {"pexpire", "kn", "n"}, {"pexpireat", "kn", "n"}, {"pfadd", "k", "v"}, {"pfmerge", "", "k"},
    {"psetex", "kn", "v"}, {"rename", "kk", ""}, {"renamenx", "kk", ""},
    {"restore", "knp", "n"}, {"rpop", "k", "n"}, {"rpoplpush", "kk", ""}, {"rpush", "k", "v"},
    {"rpushx", "k", "v"}, {"sadd", "k", "v"}, {"script", "n", "s"}, {"sdiffstore", "", "k"},
    {"select", "n", ""}, {"set", "kv", "n"}, {"setbit", "k", "n"}, {"setex", "kn", "v"},
    {"setnx", "kv", ""}, {"setrange", "kn", "v"}, {"sinterstore", "", "k"}, {"smove", "kk", "v"},
    {"sort", "k", "n"}, {"spop", "k", "n"}, {"srem", "k", "v"}, {"sunionstore", "", "k"},
    {"swapdb", "n", "n"}, {"unlink", "", "k"}, {"xack", "kv", "n"}, {"xadd", "kn", "vv"},
    {"xautoclaim", "kvv", "n"}, {"xclaim", "kvv", "n"}, {"xdel", "k", "n"},
    {"xgroup", "nkv", "n"}, {"xsetid", "k", "n"}, {"xtrim", "k", "n"}, {"zadd", "k", "nv"},
    {"zdiffstore", "k", "n"}, {"zincrby", "kn", "v"}, {"zinterstore", "k", "n"},
    {"zmpop", "n", "n"}, {"zpopmax", "k", "n"}, {"zpopmin", "k", "n"}, {"zrangestore", "kk", "n"},
    {"zrem", "k", "v"}, {"zremrangebylex", "k", "l"}, {"zremrangebyrank", "k", "n"},
    {"zremrangebyscore", "k", "n"}, {"zunionstore", "k", "n"},
};

static int compare(const void *name, const void *row)
{
    return strcmp(name, ((const struct row *)row)->name);
}

static const struct row *find(struct slice word)
{
    char name[24];
    if (word.len >= sizeof name)
        return NULL;
    for (size_t i = 0; i < word.len; i++) {
        char c = word.data[i];
        name[i] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
    }
    name[word.len] = '\0';
    return bsearch(name, rows, sizeof rows / sizeof *rows, sizeof *rows, compare);
}

static bool is_one_of(struct slice word, const char *const *words)
{
    for (; *words; words++)
        if (slice_eq_nocase(word, *words))
            return true;
    return false;
}

/* Options of ZADD and GEOADD are words; of XADD, also their values. */
static uint64_t options_behind_key(const struct slice *head, size_t count)
{
    static const char *const words[] = {"nx", "xx", "gt", "lt", "ch", "incr", NULL};
    static const char *const stream[] = {"nomkstream", "maxlen", "minid", "limit", "=", "~",
                                         "acked", "delref", "keepref", NULL};
    bool xadd = count && slice_eq_nocase(head[0], "xadd");
    if (!xadd && (!count || (!slice_eq_nocase(head[0], "zadd") &&
                             !slice_eq_nocase(head[0], "geoadd"))))
        return 0;
    size_t i = 2;
    while (i < count && is_one_of(head[i], xadd ? stream : words)) {
        bool valued = xadd && (slice_eq_nocase(head[i], "maxlen") ||
                               slice_eq_nocase(head[i], "minid") ||
                               slice_eq_nocase(head[i], "limit"));
        if (valued && i + 1 < count && is_one_of(head[i + 1], stream + 4))
            i++;
        i += 1 + valued;
    }
    return i - 2;
}

void anon_args_of(uint64_t argc, const struct slice *head, size_t count, struct anon_args *a)
{
    *a = (struct anon_args){.argc = argc, .first = "", .again = ""};
    aof_keys_of(argc, head, count, &a->keys);
    const struct row *row = count ? find(head[0]) : NULL;
    a->known = row != NULL;
    if (!row)
        return;
    a->first = row->first;
    a->again = row->again;
    a->skip = options_behind_key(head, count);
    for (size_t i = 1; i + 1 < count; i++)
        if (slice_eq_nocase(head[i], "frommember") && slice_eq_nocase(head[0], "geosearchstore"))
            a->member = i + 1;
    if (strcmp(row->name, "xgroup") == 0 && count > 1 &&
        (slice_eq_nocase(head[1], "createconsumer") || slice_eq_nocase(head[1], "delconsumer")))
        a->again = "v";
    if (strcmp(row->name, "function") == 0 && count > 1)
        a->again = slice_eq_nocase(head[1], "load") ? "f"
                   : slice_eq_nocase(head[1], "flush") ? "n" : "v";
}

enum anon_arg anon_arg_at(const struct anon_args *a, uint64_t i)
{
    enum key_use use;
    if (i == 0)
        return ANON_ARG_STAYS;
    if (aof_key_at(&a->keys, i, &use))
        return ANON_ARG_KEY;
    if (!a->known)
        return ANON_ARG_UNKNOWN;
    if (i == a->member)
        return ANON_ARG_CONTENT;
    if (a->skip && i > 1 && i < 2 + a->skip)
        return ANON_ARG_STAYS;
    uint64_t at = i - 1 - (i > 1 ? a->skip : 0);
    size_t first = strlen(a->first), again = strlen(a->again);
    char c = at < first ? a->first[at] : again ? a->again[(at - first) % again] : 'v';
    switch (c) {
    case 'k': return ANON_ARG_KEY; /* of a command that aof_keys.h does not know */
    case 'n': return ANON_ARG_STAYS;
    case 'l': return ANON_ARG_BOUND;
    case 's': return ANON_ARG_SCRIPT;
    case 'f': return i == a->argc - 1 ? ANON_ARG_LIBRARY : ANON_ARG_STAYS;
    case 'p': return ANON_ARG_PAYLOAD;
    default: return ANON_ARG_CONTENT;
    }
}
