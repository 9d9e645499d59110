/* SPDX-License-Identifier: BSD-3-Clause */
/* DEBUG: how keys and values are kept. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/must.h"
#include "commands/cmd_debug.h"
#include "containers/listpack.h"
#include "containers/quicklist.h"
#include "containers/table.h"
#include "format/digest.h"
#include "format/rdb_write.h"
#include "server/ctx.h"
#include "server/debug.h"
#include "server/reply.h"
#include "server/server.h"
#include "store/db.h"
#include "store/value_ops.h"
#include "store/walk.h"

static struct entry *find_quietly(struct ctx *c, struct slice key)
{
    return db_find_with(c->db, key, DB_NOTOUCH | DB_NOSTATS);
}

/* The entry of the key that argv[2] names; or replies that there is none. */
static struct entry *find_or_reply(struct ctx *c)
{
    struct entry *e = find_quietly(c, c->argv[2]);
    if (!e)
        reply_no_key(c);
    return e;
}

static void reply_text(struct ctx *c, struct buf *text)
{
    reply_verbatim(c, "txt", buf_slice(text));
    buf_free(text);
}

/* ---- making ---- */

static void debug_populate(struct ctx *c)
{
    int64_t count, size = 0;
    struct slice prefix = c->argc > 3 ? c->argv[3] : SLICE_LIT("key");
    const char *negative = "ERR value is out of range, must be positive";
    if (!ctx_arg_range(c, 2, 0, INT64_MAX, &count, negative) ||
        (c->argc > 4 && !ctx_arg_range(c, 4, 0, INT32_MAX, &size, negative)))
        return;
    struct buf key = {0}, value = {0};
    for (int64_t i = 0; i < count; i++) {
        buf_clear(&key);
        buf_add(&key, prefix);
        buf_printf(&key, ":%lld", (long long)i);
        if (find_quietly(c, buf_slice(&key)))
            continue;
        buf_clear(&value);
        buf_printf(&value, "value:%lld", (long long)i);
        if (size && value.len < (size_t)size) {
            size_t pad = (size_t)size - value.len;
            memset(buf_reserve(&value, pad), 0, pad);
        }
        db_set_string(c->db, buf_slice(&key), slice(value.data, size ? (size_t)size : value.len),
                      KEY_NO_EXPIRE);
    }
    buf_free(&key);
    buf_free(&value);
    reply_ok(c);
}

/* ---- looking ---- */

static void debug_digest(struct ctx *c)
{
    struct digest d;
    char hex[DIGEST_HEX];
    digest_init(&d);
    d.by_entries = true;
    walk_keyspace(c->keyspace, &d.sink, NULL);
    digest_hex(&d, hex);
    digest_free(&d);
    reply_status(c, hex);
}

static void debug_digest_value(struct ctx *c)
{
    reply_array(c, (size_t)c->argc - 2);
    for (int i = 2; i < c->argc; i++) {
        struct entry *e = find_quietly(c, c->argv[i]);
        struct digest d;
        char hex[DIGEST_HEX];
        digest_init(&d);
        d.nameless = d.by_entries = true;
        if (e)
            walk_entry(c->db, e, &d.sink);
        digest_hex(&d, hex);
        digest_free(&d);
        reply_status(c, hex);
    }
}

static size_t serialized_length(struct ctx *c, struct entry *e)
{
    struct out out;
    struct rdb_writer w;
    out_init_memory(&out);
    rdb_payload_writer_init(&w, &out, c->keyspace->dump_version);
    walk_entry(c->db, e, &w.sink);
    size_t len = out.buf.len ? out.buf.len - 1 : 0; /* without the type byte */
    rdb_writer_free(&w);
    out_free(&out);
    return len;
}

struct quick_sums {
    size_t nodes, bytes;
};

static bool add_node(void *arg, struct slice bytes, bool plain)
{
    struct quick_sums *sums = arg;
    (void)plain;
    sums->nodes++;
    sums->bytes += bytes.len;
    return true;
}

static void describe_quicklist(struct ctx *c, const struct quicklist *q, struct buf *line)
{
    struct quick_sums sums = {0};
    struct buf scratch = {0};
    quicklist_each_node(q, &scratch, add_node, &sums);
    buf_free(&scratch);
    must(sums.nodes > 0 && sums.nodes == quicklist_nodes(q));
    const struct value_limits *limits = &c->keyspace->limits;
    buf_printf(line,
               " ql_nodes:%zu ql_avg_node:%.2f ql_listpack_max:%lld ql_compressed:%d "
               "ql_uncompressed_size:%zu",
               sums.nodes, (double)quicklist_count(q) / (double)sums.nodes,
               (long long)limits->list_listpack_size, limits->list_compress_depth != 0, sums.bytes);
}

static void debug_object(struct ctx *c)
{
    struct entry *e = find_or_reply(c);
    if (!e)
        return;
    struct buf line = {0};
    buf_printf(
        &line,
        "Value at:%p refcount:%d encoding:%s serializedlength:%zu lru:%u lru_seconds_idle:%llu",
        (void *)e, entry_refcount(c->keyspace, e), entry_encoding_name(e),
        serialized_length(c, e), entry_clock(e),
        (unsigned long long)(entry_idle_ms(c->keyspace, e) / 1000));
    if (entry_encoding(e) == ENC_QUICKLIST)
        describe_quicklist(c, entry_val(e).ptr, &line);
    reply_status_slice(c, buf_slice(&line));
    buf_free(&line);
}

/* Strings as texts; what the allocator gives is not known of parts of one block. */
static void debug_sdslen(struct ctx *c)
{
    char line[256];
    struct entry *e = find_or_reply(c);
    if (!e)
        return;
    if (entry_type(e) != VALUE_STRING || entry_encoding(e) == ENC_INT) {
        reply_error(c, "ERR Not an sds encoded string.");
        return;
    }
    size_t key = entry_key(e).len, val = entry_string_len(e);
    snprintf(line, sizeof line,
             "key_sds_len:%zu, key_sds_avail:0, key_zmalloc: %zu, "
             "val_sds_len:%zu, val_sds_avail:0, val_zmalloc: %zu",
             key, key, val, val);
    reply_status(c, line);
}

/* ---- tables ---- */

static void add_shape_text(struct buf *out, const struct table_shape *shape)
{
    size_t used = shape->buckets - shape->with[0];
    must(used <= shape->items && shape->most <= shape->items);
    buf_printf(out, "Hash table 0 stats (main hash table):\n");
    if (!shape->items) {
        buf_printf(out, "No stats available for empty dictionaries\n");
        return;
    }
    buf_printf(out,
               " table size: %zu\n number of elements: %zu\n different slots: %zu\n"
               " max chain length: %zu\n avg chain length (counted): %.02f\n"
               " overflow buckets: %zu\n Chain length distribution:\n",
               shape->buckets, shape->items, used, shape->most,
               (double)shape->items / (double)used, shape->overflow);
    for (size_t n = 0; n < TABLE_SHAPE_MAX; n++) {
        if (shape->with[n])
            buf_printf(out, "   %s%zu: %zu (%.02f%%)\n", n == TABLE_SHAPE_MAX - 1 ? ">= " : "", n,
                       shape->with[n], (double)shape->with[n] * 100 / (double)shape->buckets);
    }
}

static void debug_htstats(struct ctx *c)
{
    int64_t id;
    struct buf text = {0};
    struct table_shape shape = {0};
    if (!ctx_arg_i64(c, 2, &id))
        return;
    if (id < 0 || id >= c->keyspace->count) {
        reply_error(c, "ERR Out of range database");
        return;
    }
    const struct db *db = keyspace_peek(c->keyspace, (unsigned)id);
    if (db)
        keys_add_shape(&db->keys, &shape);
    buf_printf(&text, "[Dictionary HT]\n");
    add_shape_text(&text, &shape);
    buf_printf(&text, "[Expires HT]\n number of elements: %llu (by time, not in a hash table)\n",
               db ? (unsigned long long)db->expires.count : 0);
    reply_text(c, &text);
}

static void debug_htstats_key(struct ctx *c)
{
    struct entry *e = find_or_reply(c);
    if (!e)
        return;
    const struct value_ops *ops = value_ops_of(entry_type(e));
    const struct table *t = NULL;
    if (ops->table) {
        struct val v = entry_val(e);
        t = ops->table(&v);
    }
    if (!t) {
        reply_error(c, "ERR The value stored at the specified key is not represented using an hash "
                       "table");
        return;
    }
    struct buf text = {0};
    struct table_shape shape = {0};
    table_add_shape(t, &shape);
    must(shape.items > 0);
    add_shape_text(&text, &shape);
    reply_text(c, &text);
}

/* ---- packed encodings, on standard output ---- */

static void print_listpack(const uint8_t *lp)
{
    char scratch[NUM_I64_TEXT];
    size_t index = 0;
    printf("listpack: %zu bytes, %zu elements\n", lp_bytes(lp), lp_count(lp));
    for (size_t at = lp_first(lp); at; at = lp_next(lp, at), index++) {
        struct slice text = lp_get(lp, at, scratch);
        printf("  %zu at %zu: %zu bytes: ", index, at, text.len);
        fwrite(text.data, 1, text.len, stdout);
        putchar('\n');
    }
    must(index == lp_count(lp));
}

static void debug_listpack(struct ctx *c)
{
    struct entry *e = find_or_reply(c);
    if (!e)
        return;
    if (entry_encoding(e) != ENC_LISTPACK) {
        reply_error(c, "ERR Not a listpack encoded object.");
        return;
    }
    must(entry_type(e) != VALUE_STRING);
    print_listpack(entry_val(e).ptr);
    fflush(stdout);
    reply_status(c, "Listpack structure printed on stdout");
}

struct printing {
    bool whole;
    size_t node;
};

static bool print_node(void *arg, struct slice bytes, bool plain)
{
    struct printing *p = arg;
    printf("node %zu: %s, %zu bytes\n", p->node++, plain ? "plain" : "listpack", bytes.len);
    if (p->whole && !plain)
        print_listpack((const uint8_t *)bytes.data);
    else if (p->whole)
        printf("  %.*s\n", SLICE_ARG(bytes));
    return true;
}

static void debug_quicklist(struct ctx *c)
{
    int64_t whole = 0;
    struct entry *e = find_or_reply(c);
    if (!e || (c->argc == 4 && !ctx_arg_i64(c, 3, &whole)))
        return;
    if (entry_encoding(e) != ENC_QUICKLIST) {
        reply_error(c, "ERR Not a quicklist encoded object.");
        return;
    }
    must(entry_type(e) == VALUE_LIST);
    struct buf scratch = {0};
    struct printing p = {.whole = whole};
    quicklist_each_node(entry_val(e).ptr, &scratch, print_node, &p);
    buf_free(&scratch);
    fflush(stdout);
    reply_status(c, "Quicklist structure printed on stdout");
}

static void debug_quicklist_packed_threshold(struct ctx *c)
{
    uint64_t bytes;
    if (!num_parse_size(c->argv[2], &bytes) || bytes > UINT32_MAX) {
        reply_error(c, "ERR argument must be a memory value bigger than 1 and smaller than 4gb");
        return;
    }
    c->keyspace->limits.list_plain_from = bytes;
    reply_ok(c);
}

static const struct debug_word words[] = {
    {"populate", 3, 5, debug_populate, "POPULATE <count> [<prefix> [<size>]]",
     "    Make string keys that are not there yet."},
    {"digest", 2, 2, debug_digest, "DIGEST", "    One number for the whole data set."},
    {"digest-value", 3, 1 << 20, debug_digest_value, "DIGEST-VALUE <key> [<key> ...]",
     "    One number for each key's value."},
    {"object", 3, 4, debug_object, "OBJECT <key>", "    How the key is kept."},
    {"sdslen", 3, 3, debug_sdslen, "SDSLEN <key>", "    How long the key and its string are."},
    {"htstats", 3, 3, debug_htstats, "HTSTATS <database>",
     "    How full the buckets of the database's hash table are."},
    {"htstats-key", 3, 3, debug_htstats_key, "HTSTATS-KEY <key>",
     "    The same of the value's hash table."},
    {"listpack", 3, 3, debug_listpack, "LISTPACK <key>",
     "    Print the value's listpack on standard output."},
    {"quicklist", 3, 4, debug_quicklist, "QUICKLIST <key> [<0|1>]",
     "    Print the list's nodes on standard output; 1: and their elements."},
    {"quicklist-packed-threshold", 3, 3, debug_quicklist_packed_threshold,
     "QUICKLIST-PACKED-THRESHOLD <size>",
     "    Elements of so many bytes get nodes of their own in lists made from now on; 0: no more."},
    {0}};

void debug_value_words_add(struct server *s)
{
    debug_add(server_debug(s), words, s);
}
