/* SPDX-License-Identifier: BSD-3-Clause */
/* A data set as commands:
 *
 *   list RPUSH, set SADD, zset ZADD, hash HMSET in batches; string SET; then PEXPIREAT
 *   stream   XADD each entry (an empty one: XADD with MAXLEN 0), XSETID,
 *            per group XGROUP CREATE, XCLAIM each pending entry, XGROUP CREATECONSUMER the idle
 *   module   what its producer says (sink->command); an opaque block is refused
 *
 * A batch collects encoded arguments; its head, which counts them, is written when it goes out. */
#include "format/aof_write.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/must.h"
#include "base/num.h"
#include "format/rdb.h"
#include "format/resp_write.h"
#include "format/stream_node.h"

enum { BATCH_ITEMS = 64, BATCH_ITEM_BYTES = 1 << 20, ID_TEXT = 2 * NUM_I64_TEXT };

static struct aof_writer *writer(struct sink *s)
{
    return (struct aof_writer *)s;
}

/* Between a producer's events. */
static void writer_must_hold(const struct aof_writer *w)
{
    must(w->items < BATCH_ITEMS);
    must(w->items <= w->args);
    must((w->items == 0) == (w->batch.len == 0));
    must(w->command.len == 0 || (w->chain.open && w->command.len < AOF_BATCH_BYTES));
}

/* Behind a key: all it has to say stands in command, or has gone. */
static bool between_keys(const struct aof_writer *w)
{
    return w->items == 0 && w->expires.len == 0 && !w->consumer_waits;
}

/* ---- commands ---- */

void aof_put_command(struct buf *to, const struct slice *argv, size_t argc)
{
    must(argc > 0);
    resp_put_head(to, '*', argc);
    for (size_t i = 0; i < argc; i++)
        resp_put_bulk(to, argv[i]);
}

void aof_put_timestamp(struct buf *to, int64_t unix_s)
{
    buf_printf(to, "#TS:%" PRId64 "\r\n", unix_s);
}

/* Hands on what stands in command; takes over a fault of the stream. */
static void hand_on(struct aof_writer *w)
{
    char line[AOF_SUM_LINE];
    if (w->command.len == 0)
        return;
    if (w->chain.open) {
        aof_chain_seal(&w->chain, line, buf_slice(&w->command), out_offset(w->out), 0);
        out_bytes(w->out, line, sizeof line);
    }
    out_slice(w->out, buf_slice(&w->command));
    buf_clear(&w->command);
    if (out_bad(w->out) && !sink_bad(&w->sink))
        w->sink.fault = w->out->fault;
}

/* Whole commands stand in command: it goes out, or waits until it fills a batch. */
static void send(struct aof_writer *w)
{
    if (!w->chain.open || w->command.len >= AOF_BATCH_BYTES)
        hand_on(w);
    must(w->command.len == 0 || w->chain.open);
}

static void send_args(struct aof_writer *w, const struct slice *argv, size_t argc)
{
    aof_put_command(&w->command, argv, argc);
    send(w);
}

#define SEND(w, ...) \
    do { \
        struct slice argv_[] = {__VA_ARGS__}; \
        send_args(w, argv_, sizeof argv_ / sizeof *argv_); \
    } while (0)

static struct slice i64_text(char out[NUM_I64_TEXT], int64_t n)
{
    return slice(out, num_format_i64(out, n));
}

static struct slice u64_text(char out[NUM_I64_TEXT], uint64_t n)
{
    return slice(out, num_format_u64(out, n));
}

static struct slice id_text(char out[ID_TEXT], struct stream_id id)
{
    int len = snprintf(out, ID_TEXT, "%" PRIu64 "-%" PRIu64, id.ms, id.seq);
    must(len > 0 && len < ID_TEXT);
    return slice(out, (size_t)len);
}

/* ---- batches ---- */

static struct slice batch_command(const struct aof_writer *w)
{
    switch (w->key.type) {
    case VALUE_LIST:
        return SLICE_LIT("RPUSH");
    case VALUE_SET:
        return SLICE_LIT("SADD");
    case VALUE_ZSET:
        return SLICE_LIT("ZADD");
    default:
        must(w->key.type == VALUE_HASH);
        return SLICE_LIT("HMSET");
    }
}

/* Of an element of such a value. */
static size_t args_of(enum value_type type)
{
    return type == VALUE_LIST || type == VALUE_SET ? 1 : 2;
}

static void flush_batch(struct aof_writer *w)
{
    if (w->items == 0)
        return;
    must(w->items <= BATCH_ITEMS);
    must(w->args == w->items * args_of(w->key.type));
    resp_put_head(&w->command, '*', 2 + w->args);
    resp_put_bulk(&w->command, batch_command(w));
    resp_put_bulk(&w->command, buf_slice(&w->name));
    buf_add(&w->command, buf_slice(&w->batch));
    send(w);
    buf_clear(&w->batch);
    w->items = w->args = 0;
}

static void batch_arg(struct aof_writer *w, struct slice arg)
{
    resp_put_bulk(&w->batch, arg);
    w->args++;
}

static void batch_item_done(struct aof_writer *w)
{
    if (++w->items == BATCH_ITEMS || w->batch.len >= BATCH_ITEM_BYTES)
        flush_batch(w);
}

static void item(struct sink *s, struct slice value)
{
    struct aof_writer *w = writer(s);
    if (w->key.type == VALUE_STRING) {
        SEND(w, SLICE_LIT("SET"), buf_slice(&w->name), value);
        return;
    }
    batch_arg(w, value);
    batch_item_done(w);
}

/* Its length is known with the first part: the rest needs no more than the part. */
static void part(struct sink *s, struct slice bytes, uint64_t left)
{
    struct aof_writer *w = writer(s);
    must(w->key.type == VALUE_STRING && bytes.len > 0);
    if (!w->in_string) {
        resp_put_head(&w->command, '*', 3);
        resp_put_bulk(&w->command, SLICE_LIT("SET"));
        resp_put_bulk(&w->command, buf_slice(&w->name));
        resp_put_head(&w->command, '$', bytes.len + left);
    }
    buf_add(&w->command, bytes);
    w->in_string = left > 0;
    if (left == 0)
        buf_add(&w->command, SLICE_LIT("\r\n"));
    if (left == 0)
        send(w);
    else if (!w->chain.open)
        hand_on(w);
}

static void pair(struct sink *s, struct slice field, struct slice value, int64_t expire_ms)
{
    struct aof_writer *w = writer(s);
    char text[NUM_I64_TEXT];
    batch_arg(w, field);
    batch_arg(w, value);
    batch_item_done(w);
    if (expire_ms == KEY_NO_EXPIRE)
        return;
    struct slice argv[] = {SLICE_LIT("HPEXPIREAT"), buf_slice(&w->name), i64_text(text, expire_ms),
                           SLICE_LIT("FIELDS"), SLICE_LIT("1"), field};
    aof_put_command(&w->expires, argv, sizeof argv / sizeof *argv);
}

static void score(struct sink *s, struct slice member, double d)
{
    struct aof_writer *w = writer(s);
    char text[NUM_DOUBLE_TEXT];
    batch_arg(w, slice(text, num_format_double(text, d)));
    batch_arg(w, member);
    batch_item_done(w);
}

/* ---- keys ---- */

static void function(struct sink *s, struct slice source)
{
    SEND(writer(s), SLICE_LIT("FUNCTION"), SLICE_LIT("LOAD"), source);
}

static bool key(struct sink *s, const struct key_event *k)
{
    struct aof_writer *w = writer(s);
    char text[NUM_I64_TEXT];
    must(sink_bad(s) || between_keys(w));
    w->in_string = false; /* of one that broke off */
    w->key = *k;
    buf_clear(&w->name);
    buf_add(&w->name, k->name);
    if (w->db != (int64_t)k->db)
        SEND(w, SLICE_LIT("SELECT"), i64_text(text, k->db));
    w->db = k->db;
    return !sink_bad(s);
}

static void stream_rest(struct sink *s, uint8_t rdb_type, struct slice bytes)
{
    (void)bytes;
    fault_set(&s->fault, FAULT_CANNOT_HOLD,
              "What a stream of type %u holds cannot be written as commands", rdb_type);
    fault_set_key(&s->fault, buf_slice(&writer(s)->name));
}

static void opaque(struct sink *s, uint8_t rdb_type, uint64_t module_id, struct slice bytes)
{
    (void)module_id, (void)bytes;
    fault_set(&s->fault, FAULT_CANNOT_HOLD, "%s cannot be written as commands",
              rdb_type == RDB_ARRAY ? "An array" : "A module's value");
    fault_set_key(&s->fault, buf_slice(&writer(s)->name));
}

static void command(struct sink *s, const struct slice *argv, size_t argc)
{
    struct aof_writer *w = writer(s);
    must(argc > 0 && w->key.type == VALUE_MODULE);
    send_args(w, argv, argc);
}

static void finish_consumer(struct aof_writer *w);

static void end_key(struct sink *s)
{
    struct aof_writer *w = writer(s);
    char text[NUM_I64_TEXT];
    flush_batch(w);
    finish_consumer(w);
    if (w->expires.len) {
        buf_add(&w->command, buf_slice(&w->expires));
        buf_clear(&w->expires);
        send(w);
    }
    if (w->key.expire_ms != KEY_NO_EXPIRE)
        SEND(w, SLICE_LIT("PEXPIREAT"), buf_slice(&w->name), i64_text(text, w->key.expire_ms));
    must(between_keys(w));
    writer_must_hold(w);
}

/* ---- streams ---- */

static void stream_node(struct sink *s, struct stream_id master, struct slice listpack)
{
    struct aof_writer *w = writer(s);
    struct stream_entry e;
    struct slice name, value;
    char text[ID_TEXT];
    must(w->key.type == VALUE_STREAM);
    stream_node_start(&e, master, listpack);
    while (stream_node_next(&e)) {
        resp_put_head(&w->command, '*', 3 + 2 * (size_t)e.fields);
        resp_put_bulk(&w->command, SLICE_LIT("XADD"));
        resp_put_bulk(&w->command, buf_slice(&w->name));
        resp_put_bulk(&w->command, id_text(text, e.id));
        while (stream_node_field(&e, &name, &value)) {
            resp_put_bulk(&w->command, name);
            resp_put_bulk(&w->command, value);
        }
        send(w);
    }
}

static void stream_info(struct sink *s, const struct stream_info_event *e)
{
    struct aof_writer *w = writer(s);
    char last[ID_TEXT], deleted[ID_TEXT], added[NUM_I64_TEXT];
    struct slice name = buf_slice(&w->name);
    if (e->length == 0)
        SEND(w, SLICE_LIT("XADD"), name, SLICE_LIT("MAXLEN"), SLICE_LIT("0"), SLICE_LIT("0-1"),
             SLICE_LIT("x"), SLICE_LIT("y"));
    SEND(w, SLICE_LIT("XSETID"), name, id_text(last, e->last), SLICE_LIT("ENTRIESADDED"),
         u64_text(added, e->entries_added), SLICE_LIT("MAXDELETEDID"),
         id_text(deleted, e->max_deleted));
}

static void stream_group(struct sink *s, const struct stream_group_event *e)
{
    struct aof_writer *w = writer(s);
    char last[ID_TEXT], entries[NUM_I64_TEXT];
    finish_consumer(w);
    buf_clear(&w->group);
    buf_add(&w->group, e->name);
    SEND(w, SLICE_LIT("XGROUP"), SLICE_LIT("CREATE"), buf_slice(&w->name), e->name,
         id_text(last, e->last), SLICE_LIT("ENTRIESREAD"), i64_text(entries, e->entries_read));
}

/* A consumer with entries comes into being by XCLAIM; one without needs its own command. */
static void finish_consumer(struct aof_writer *w)
{
    if (w->consumer_waits)
        SEND(w, SLICE_LIT("XGROUP"), SLICE_LIT("CREATECONSUMER"), buf_slice(&w->name),
             buf_slice(&w->group), buf_slice(&w->consumer));
    w->consumer_waits = false;
}

static void stream_consumer(struct sink *s, const struct stream_consumer_event *e)
{
    struct aof_writer *w = writer(s);
    finish_consumer(w);
    buf_clear(&w->consumer);
    buf_add(&w->consumer, e->name);
    w->consumer_waits = true;
}

static void stream_owned(struct sink *s, const struct stream_pending_event *e)
{
    struct aof_writer *w = writer(s);
    char text[ID_TEXT], time[NUM_I64_TEXT], count[NUM_I64_TEXT];
    w->consumer_waits = false;
    SEND(w, SLICE_LIT("XCLAIM"), buf_slice(&w->name), buf_slice(&w->group), buf_slice(&w->consumer),
         SLICE_LIT("0"), id_text(text, e->id), SLICE_LIT("TIME"), i64_text(time, e->delivered_ms),
         SLICE_LIT("RETRYCOUNT"), u64_text(count, e->count), SLICE_LIT("JUSTID"),
         SLICE_LIT("FORCE"));
}

static const struct sink_ops writer_ops = {
    .function = function,
    .key = key,
    .item = item,
    .part = part,
    .pair = pair,
    .score = score,
    .stream_node = stream_node,
    .stream_info = stream_info,
    .stream_group = stream_group,
    .stream_consumer = stream_consumer,
    .stream_owned = stream_owned,
    .stream_rest = stream_rest,
    .opaque = opaque,
    .command = command,
    .end_key = end_key,
    .whole_owned = true,
};

void aof_writer_init(struct aof_writer *w, struct out *out)
{
    *w = (struct aof_writer){.sink = {.ops = &writer_ops}, .out = out, .db = -1};
}

void aof_writer_seal(struct aof_writer *w, struct aof_session s)
{
    struct buf line = {0};
    must(!w->chain.open && w->command.len == 0);
    must(between_keys(w));
    s.offset = out_offset(w->out);
    aof_chain_begin(&w->chain, &s, &line);
    out_slice(w->out, buf_slice(&line));
    buf_free(&line);
    must(w->chain.open);
    writer_must_hold(w);
}

/* First in its batch, so that a cut at this time can be made between batches. */
void aof_writer_timestamp(struct aof_writer *w, int64_t unix_s)
{
    must(sink_bad(&w->sink) || between_keys(w));
    hand_on(w);
    aof_put_timestamp(&w->command, unix_s);
    send(w);
}

bool aof_writer_end(struct aof_writer *w)
{
    must(sink_bad(&w->sink) || between_keys(w));
    hand_on(w);
    must(w->command.len == 0);
    return !sink_bad(&w->sink);
}

void aof_writer_free(struct aof_writer *w)
{
    buf_free(&w->name);
    buf_free(&w->batch);
    buf_free(&w->expires);
    buf_free(&w->command);
    buf_free(&w->group);
    buf_free(&w->consumer);
}
