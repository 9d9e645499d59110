/* SPDX-License-Identifier: BSD-3-Clause */
/* Hashes. Everything is logged as it was given but HINCRBYFLOAT, which is logged as the text that
 * came out. */
#include "commands/cmd_hash.h"

#include <math.h>

#include "base/must.h"
#include "commands/elements.h"
#include "server/reply.h"

static bool open_hash(struct ctx *c, struct entry **e, struct val *v)
{
    if (!ctx_lookup_write(c, c->argv[1], VALUE_HASH, e))
        return false;
    *v = *e ? entry_val(*e) : hash_new();
    return true;
}

/* ---- writing ---- */

/* How many fields are new; -1 after replying an error. */
static int64_t set_fields(struct ctx *c)
{
    struct entry *e;
    struct val v;
    if (c->argc % 2) {
        reply_errorf(c, "ERR wrong number of arguments for '%s' command", c->command->name);
        return -1;
    }
    if (!open_hash(c, &e, &v))
        return -1;
    int64_t added = 0;
    must(c->argc >= 4);
    const struct value_limits *limits = &c->keyspace->limits;
    hash_expect(&v, (size_t)(c->argc - 2) / 2, limits);
    for (int i = 2; i < c->argc; i += 2)
        added += hash_set(&v, c->argv[i], c->argv[i + 1], limits);
    collection_put(c, c->argv[1], e, v, (uint64_t)(c->argc - 2) / 2, "hset");
    return added;
}

void cmd_hset(struct ctx *c)
{
    int64_t added = set_fields(c);
    if (added >= 0)
        reply_int(c, added);
}

void cmd_hmset(struct ctx *c)
{
    if (set_fields(c) >= 0)
        reply_ok(c);
}

void cmd_hsetnx(struct ctx *c)
{
    struct entry *e;
    struct val v;
    struct slice old;
    char scratch[NUM_I64_TEXT];
    if (!open_hash(c, &e, &v))
        return;
    bool set = !hash_get(&v, c->argv[2], &old, scratch);
    if (set)
        hash_set(&v, c->argv[2], c->argv[3], &c->keyspace->limits);
    collection_put(c, c->argv[1], e, v, set, "hset");
    reply_int(c, set);
}

void cmd_hdel(struct ctx *c)
{
    struct entry *e;
    if (!ctx_lookup_write(c, c->argv[1], VALUE_HASH, &e))
        return;
    int64_t removed = 0;
    if (e) {
        struct val v = entry_val(e);
        size_t before = hash_count(&v);
        for (int i = 2; i < c->argc && hash_count(&v) > 0; i++)
            removed += hash_remove(&v, c->argv[i]);
        must(hash_count(&v) + (size_t)removed == before);
        collection_put(c, c->argv[1], e, v, (uint64_t)removed, "hdel");
    }
    reply_int(c, removed);
}

/* The field's old text; absent counts as "0". The key is not made before the sum is known. */
static bool old_number(struct ctx *c, struct entry **e, struct slice *old,
                       char scratch[NUM_I64_TEXT])
{
    if (!ctx_lookup_write(c, c->argv[1], VALUE_HASH, e))
        return false;
    *old = SLICE_LIT("0");
    if (*e) {
        struct val v = entry_val(*e);
        hash_get(&v, c->argv[2], old, scratch);
    }
    return true;
}

static void put_number(struct ctx *c, struct entry *e, struct slice text, const char *event)
{
    struct val v = e ? entry_val(e) : hash_new();
    hash_set(&v, c->argv[2], text, &c->keyspace->limits);
    collection_put(c, c->argv[1], e, v, 1, event);
}

void cmd_hincrby(struct ctx *c)
{
    struct entry *e;
    struct slice old;
    int64_t n, by;
    char scratch[NUM_I64_TEXT], text[NUM_I64_TEXT];
    if (!ctx_arg_i64(c, 3, &by) || !old_number(c, &e, &old, scratch))
        return;
    if (!num_parse_i64(old, &n)) {
        reply_error(c, "ERR hash value is not an integer");
        return;
    }
    if (__builtin_add_overflow(n, by, &n)) {
        reply_error(c, "ERR increment or decrement would overflow");
        return;
    }
    put_number(c, e, slice(text, num_format_i64(text, n)), "hincrby");
    reply_int(c, n);
}

void cmd_hincrbyfloat(struct ctx *c)
{
    struct entry *e;
    struct slice old;
    long double n, by;
    char scratch[NUM_I64_TEXT], text[NUM_LONG_DOUBLE_TEXT];
    if (!num_parse_long_double(c->argv[3], &by)) {
        reply_error(c, "ERR value is not a valid float");
        return;
    }
    if (isinf(by)) {
        reply_error(c, "ERR value is NaN or Infinity");
        return;
    }
    if (!old_number(c, &e, &old, scratch))
        return;
    if (!num_parse_long_double(old, &n)) {
        reply_error(c, "ERR hash value is not a float");
        return;
    }
    n += by;
    size_t len = isnan(n) || isinf(n) ? 0 : num_format_long_double(text, n);
    if (len == 0) {
        reply_error(c, "ERR increment would produce NaN or Infinity");
        return;
    }
    struct slice value = slice(text, len);
    put_number(c, e, value, "hincrbyfloat");
    struct slice argv[] = {SLICE_LIT("HSET"), c->argv[1], c->argv[2], value};
    ctx_log_instead(c, 4, argv);
    reply_bulk(c, value);
}

/* ---- reading ---- */

/* False: the key holds another type, which was replied. found: the field is there. */
static bool read_field(struct ctx *c, bool *found, struct slice *value, char scratch[NUM_I64_TEXT])
{
    struct entry *e;
    struct val v;
    if (!collection_read(c, VALUE_HASH, &e, &v))
        return false;
    *found = e && hash_get(&v, c->argv[2], value, scratch);
    return true;
}

void cmd_hget(struct ctx *c)
{
    bool found;
    struct slice value;
    char scratch[NUM_I64_TEXT];
    if (!read_field(c, &found, &value, scratch))
        return;
    if (found)
        reply_bulk(c, value);
    else
        reply_null(c);
}

void cmd_hexists(struct ctx *c)
{
    bool found;
    struct slice value;
    char scratch[NUM_I64_TEXT];
    if (read_field(c, &found, &value, scratch))
        reply_int(c, found);
}

void cmd_hstrlen(struct ctx *c)
{
    bool found;
    struct slice value;
    char scratch[NUM_I64_TEXT];
    if (read_field(c, &found, &value, scratch))
        reply_int(c, found ? (int64_t)value.len : 0);
}

void cmd_hmget(struct ctx *c)
{
    struct entry *e;
    struct val v;
    struct slice value;
    char scratch[NUM_I64_TEXT];
    if (!collection_read(c, VALUE_HASH, &e, &v))
        return;
    reply_array(c, (size_t)c->argc - 2);
    for (int i = 2; i < c->argc && !reply_unheard(c); i++) {
        if (e && hash_get(&v, c->argv[i], &value, scratch))
            reply_bulk(c, value);
        else
            reply_null(c);
    }
}

void cmd_hlen(struct ctx *c)
{
    collection_count_command(c, VALUE_HASH);
}

static void reply_all(struct ctx *c, bool fields, bool values)
{
    struct entry *e;
    struct val v;
    if (!collection_read(c, VALUE_HASH, &e, &v))
        return;
    size_t count = e ? hash_count(&v) : 0, told = 0;
    if (fields && values)
        reply_map(c, count);
    else
        reply_array(c, count);
    if (!e)
        return;
    struct hash_iter it;
    struct slice field, value;
    hash_iter_init(&it, &v);
    for (; !reply_unheard(c) && hash_iter_next(&it, &field, &value); told++) {
        if (fields)
            reply_bulk(c, field);
        if (values)
            reply_bulk(c, value);
    }
    must(reply_unheard(c) || told == count);
}

void cmd_hgetall(struct ctx *c)
{
    reply_all(c, true, true);
}

void cmd_hkeys(struct ctx *c)
{
    reply_all(c, true, false);
}

void cmd_hvals(struct ctx *c)
{
    reply_all(c, false, true);
}

void cmd_hrandfield(struct ctx *c)
{
    element_sample_command(c, VALUE_HASH, "withvalues");
}

void cmd_hscan(struct ctx *c)
{
    element_scan_command(c, VALUE_HASH);
}
