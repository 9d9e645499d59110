/* SPDX-License-Identifier: BSD-3-Clause */
/* The header of a key is written with the first event of its value, because only that tells the
 * type: a packed block or single elements. Then
 *
 *   count known      header, count, and elements straight into the stream
 *   count unknown    header; elements into body; at the end count and body
 *
 * A list's nodes and a stream's nodes are counted in the same way. */
#include "format/rdb_write.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/lzf.h"
#include "base/must.h"
#include "base/num.h"
#include "containers/intset.h"
#include "containers/listpack.h"

static struct rdb_writer *writer(struct sink *s)
{
    return (struct rdb_writer *)s;
}

/* Between a producer's events: the drawing above. */
static void writer_must_hold(const struct rdb_writer *w)
{
    must(w->to == w->out || w->to == &w->body);
    must(w->to == &w->body || w->body.buf.len == 0);
    must(!w->counted || (w->started && w->to == w->out));
    must(!w->payload || !w->guarded);
}

static void fail(struct rdb_writer *w, enum fault_code code, const char *what)
{
    if (sink_bad(&w->sink))
        return;
    fault_set(&w->sink.fault, code, "%s", what);
    if (w->key.name.data)
        fault_set_key(&w->sink.fault, w->key.name);
}

static void cannot(struct rdb_writer *w, const char *what)
{
    char text[FAULT_WHAT_MAX];
    snprintf(text, sizeof text, "%s cannot be written at RDB version %d", what, w->opt.version);
    fail(w, FAULT_CANNOT_HOLD, text);
}

bool rdb_writer_bad(struct rdb_writer *w)
{
    if (!sink_bad(&w->sink) && out_bad(w->out))
        w->sink.fault = w->out->fault;
    return sink_bad(&w->sink);
}

/* ---- primitives ---- */

static void put_len(struct out *out, uint64_t n)
{
    if (n < 1 << 6) {
        out_byte(out, (uint8_t)n);
    } else if (n < 1 << 14) {
        out_byte(out, (uint8_t)(0x40 | n >> 8));
        out_byte(out, (uint8_t)n);
    } else if (n <= UINT32_MAX) {
        out_byte(out, 0x80);
        out_be32(out, (uint32_t)n);
    } else {
        out_byte(out, 0x81);
        out_be64(out, n);
    }
}

static bool put_int(struct out *out, struct slice s)
{
    enum { TEXT_MAX = 11 };
    int64_t n;
    if (s.len == 0 || s.len > TEXT_MAX || !num_parse_i64(s, &n) || n < INT32_MIN || n > INT32_MAX)
        return false;
    if (n >= INT8_MIN && n <= INT8_MAX) {
        out_byte(out, RDB_STR_I8);
        out_byte(out, (uint8_t)n);
    } else if (n >= INT16_MIN && n <= INT16_MAX) {
        out_byte(out, RDB_STR_I16);
        out_le16(out, (uint16_t)n);
    } else {
        out_byte(out, RDB_STR_I32);
        out_le32(out, (uint32_t)n);
    }
    return true;
}

/* Raw or compressed: what must not turn into an integer form. */
static void put_blob(struct rdb_writer *w, struct out *out, struct slice s)
{
    enum { COMPRESS_MIN = 21, SAVES_MIN = 4 };
    if (w->opt.compress && s.len >= COMPRESS_MIN && s.len <= UINT32_MAX) {
        buf_clear(&w->packed);
        char *to = buf_reserve(&w->packed, s.len);
        size_t most = s.len - SAVES_MIN, packed = w->payload
            ? lzf_pack(s.data, s.len, to, most) : lzf_pack_quick(s.data, s.len, to, most);
        must(packed <= most);
        if (packed) {
            out_byte(out, RDB_STR_LZF);
            put_len(out, packed);
            put_len(out, s.len);
            out_bytes(out, to, packed);
            return;
        }
    }
    put_len(out, s.len);
    out_slice(out, s);
}

void rdb_put_str(struct rdb_writer *w, struct out *out, struct slice s)
{
    if (!put_int(out, s))
        put_blob(w, out, s);
}

static void put_len_id(struct out *out, struct stream_id id)
{
    put_len(out, id.ms);
    put_len(out, id.seq);
}

static void put_raw_id(struct out *out, struct stream_id id)
{
    out_be64(out, id.ms);
    out_be64(out, id.seq);
}

/* ---- a value's frame ---- */

static void put_db(struct rdb_writer *w, unsigned id)
{
    if (w->db_written && w->db == id)
        return;
    out_byte(w->out, RDB_OP_SELECTDB);
    put_len(w->out, id);
    w->db_written = true;
    w->db = id;
}

static void put_attributes(struct rdb_writer *w)
{
    if (w->key.expire_ms != KEY_NO_EXPIRE) {
        out_byte(w->out, RDB_OP_EXPIRE_MS);
        out_le64(w->out, (uint64_t)w->key.expire_ms);
    }
    if (w->key.idle_s != KEY_NO_IDLE) {
        out_byte(w->out, RDB_OP_IDLE);
        put_len(w->out, (uint64_t)w->key.idle_s);
    }
    must(w->key.freq >= KEY_NO_FREQ && w->key.freq <= UINT8_MAX);
    if (w->key.freq != KEY_NO_FREQ) {
        out_byte(w->out, RDB_OP_FREQ);
        out_byte(w->out, (uint8_t)w->key.freq);
    }
}

/* Of the types that are written. */
static enum value_type value_of(uint8_t type)
{
    switch (type) {
    case RDB_STRING:
        return VALUE_STRING;
    case RDB_LIST:
    case RDB_QUICKLIST_2:
        return VALUE_LIST;
    case RDB_SET:
    case RDB_SET_INTSET:
    case RDB_SET_LISTPACK:
        return VALUE_SET;
    case RDB_ZSET:
    case RDB_ZSET_LISTPACK:
        return VALUE_ZSET;
    case RDB_HASH:
    case RDB_HASH_LISTPACK:
        return VALUE_HASH;
    case RDB_STREAM_1:
    case RDB_STREAM_2:
    case RDB_STREAM_3:
        return VALUE_STREAM;
    default:
        must(type == RDB_MODULE);
        return VALUE_MODULE;
    }
}

static void start(struct rdb_writer *w, uint8_t type)
{
    must(!w->started && w->to == w->out);
    must(value_of(type) == w->key.type);
    w->started = true;
    w->type = type;
    if (!w->payload) {
        put_db(w, w->key.db);
        put_attributes(w);
    }
    out_byte(w->out, type);
    if (!w->payload)
        rdb_put_str(w, w->out, w->key.name);
}

/* n is what will come; 0: not known. */
static void start_counted(struct rdb_writer *w, uint8_t type, uint64_t n)
{
    start(w, type);
    w->counted = n > 0;
    w->expected = n;
    w->to = n ? w->out : &w->body;
    if (n)
        put_len(w->out, n);
    writer_must_hold(w);
}

/* The counted part is over. */
static void close_counted(struct rdb_writer *w)
{
    must(w->started);
    must(w->counted == (w->to == w->out));
    must(w->counted == (w->expected > 0));
    if (w->counted && w->written != w->expected)
        fail(w, FAULT_INVALID, "A value had another number of elements than it said");
    if (!w->counted) {
        put_len(w->out, w->written);
        out_slice(w->out, buf_slice(&w->body.buf));
        out_free(&w->body);
        out_init_memory(&w->body);
    }
    w->to = w->out;
    writer_must_hold(w);
}

static int stream_version(const struct rdb_writer *w)
{
    return w->opt.version >= 11 ? 3 : w->opt.version == 10 ? 2 : 1;
}

static bool key(struct sink *s, const struct key_event *k)
{
    struct rdb_writer *w = writer(s);
    if (rdb_writer_bad(w))
        return false;
    must(w->pending_left == 0 && w->body.buf.len == 0); /* the one before came to its end */
    w->key = *k;
    buf_clear(&w->name);
    buf_add(&w->name, k->name);
    w->key.name = buf_slice(&w->name);
    w->started = w->counted = false;
    w->expected = w->written = 0;
    w->to = w->out;
    return true;
}

static void end_key(struct sink *s)
{
    struct rdb_writer *w = writer(s);
    bool counts = w->type == RDB_LIST || w->type == RDB_SET || w->type == RDB_HASH ||
                  w->type == RDB_ZSET || w->type == RDB_QUICKLIST_2;
    if (!w->started)
        fail(w, FAULT_INVALID, "A key came without a value");
    else if (counts)
        close_counted(w);
    must(w->pending_left == 0 || sink_bad(s));
    writer_must_hold(w);
    rdb_writer_bad(w);
}

/* ---- elements ---- */

static void element(struct rdb_writer *w, uint8_t type)
{
    if (!w->started)
        start_counted(w, type, w->key.count);
    w->written++;
}

/* Which of the two list types, once the first event is there; see sink.h on count and blocks. */
static void list_start(struct rdb_writer *w, bool packed)
{
    must(w->key.type == VALUE_LIST);
    if (w->opt.version < 10 || (!packed && !w->key.blocks && w->key.count))
        start_counted(w, RDB_LIST, w->key.count);
    else
        start_counted(w, RDB_QUICKLIST_2, w->key.blocks);
}

static void list_item(struct rdb_writer *w, struct slice item)
{
    static const char empty_element[] = "\x09\0\0\0\x01\0\x80\x01\xff"; /* a listpack of "" */
    if (!w->started)
        list_start(w, false);
    w->written++;
    if (w->type == RDB_LIST) {
        rdb_put_str(w, w->to, item);
        return;
    }
    /* A plain node must not be empty. */
    put_len(w->to, item.len ? RDB_NODE_PLAIN : RDB_NODE_PACKED);
    put_blob(w, w->to, item.len ? item : slice(empty_element, sizeof empty_element - 1));
}

static void item(struct sink *s, struct slice value)
{
    struct rdb_writer *w = writer(s);
    switch (w->key.type) {
    case VALUE_STRING:
        start(w, RDB_STRING);
        rdb_put_str(w, w->out, value);
        break;
    case VALUE_LIST:
        list_item(w, value);
        break;
    default:
        element(w, RDB_SET);
        rdb_put_str(w, w->to, value);
        break;
    }
}

/* Of a string: as it is, since what it would be compressed is not known before its end. */
static void part(struct sink *s, struct slice bytes, uint64_t left)
{
    struct rdb_writer *w = writer(s);
    must(w->key.type == VALUE_STRING && bytes.len > 0);
    if (!w->in_parts) {
        start(w, RDB_STRING);
        put_len(w->out, bytes.len + left);
    }
    out_slice(w->out, bytes);
    w->in_parts = left > 0;
}

static void pair(struct sink *s, struct slice field, struct slice value, int64_t expire_ms)
{
    struct rdb_writer *w = writer(s);
    if (expire_ms != KEY_NO_EXPIRE)
        cannot(w, "A hash field with an expiration time");
    element(w, RDB_HASH);
    rdb_put_str(w, w->to, field);
    rdb_put_str(w, w->to, value);
}

static void score(struct sink *s, struct slice member, double d)
{
    struct rdb_writer *w = writer(s);
    element(w, RDB_ZSET);
    rdb_put_str(w, w->to, member);
    out_le_double(w->to, d);
}

/* ---- packed blocks ---- */

static void whole(struct rdb_writer *w, uint8_t type, struct slice bytes)
{
    must(bytes.len > 0);
    start(w, type);
    put_blob(w, w->out, bytes);
}

/* The type number for a block that is the whole value; 0: this version has none. */
static uint8_t packed_type(int version, enum pack pack)
{
    switch (pack) {
    case PACK_INTSET: return RDB_SET_INTSET;
    case PACK_SET: return version >= 11 ? RDB_SET_LISTPACK : 0;
    case PACK_HASH: return version >= 10 ? RDB_HASH_LISTPACK : 0;
    case PACK_ZSET: return version >= 10 ? RDB_ZSET_LISTPACK : 0;
    default: return 0;
    }
}

static uint64_t packed_count(enum pack pack, struct slice bytes)
{
    uint64_t n = lp_count((const uint8_t *)bytes.data);
    must(pack != PACK_LIST && pack != PACK_INTSET);
    must(n > 0 && n % (pack == PACK_SET ? 1 : pack == PACK_HASH_TTL ? 3 : 2) == 0);
    return pack == PACK_SET ? n : pack == PACK_HASH_TTL ? n / 3 : n / 2;
}

static bool packed(struct sink *s, enum pack pack, struct slice bytes)
{
    struct rdb_writer *w = writer(s);
    if (pack == PACK_LIST) {
        if (!w->started)
            list_start(w, true);
        if (w->type == RDB_LIST)
            return false;
        must(w->type == RDB_QUICKLIST_2);
        w->written++;
        put_len(w->to, RDB_NODE_PACKED);
        put_blob(w, w->to, bytes);
        return true;
    }
    uint8_t type = packed_type(w->opt.version, pack);
    if (type) {
        whole(w, type, bytes);
        return true;
    }
    w->key.count = packed_count(pack, bytes);
    return false;
}

static void opaque(struct sink *s, uint8_t rdb_type, uint64_t module_id, struct slice bytes)
{
    struct rdb_writer *w = writer(s);
    if (rdb_type != RDB_MODULE) {
        cannot(w, "An array");
        return;
    }
    start(w, rdb_type);
    put_len(w->out, module_id);
    out_slice(w->out, bytes);
}

/* ---- streams ---- */
static void stream_rest(struct sink *s, uint8_t rdb_type, struct slice bytes)
{
    (void)bytes;
    fault_set(&s->fault, FAULT_CANNOT_HOLD,
              "What a stream of type %u holds cannot be written at version %d", rdb_type,
              writer(s)->opt.version);
    fault_set_key(&s->fault, buf_slice(&writer(s)->name));
}

static void stream_start(struct rdb_writer *w)
{
    static const uint8_t types[] = {0, RDB_STREAM_1, RDB_STREAM_2, RDB_STREAM_3};
    if (!w->started)
        start_counted(w, types[stream_version(w)], w->key.blocks);
}

static void stream_node(struct sink *s, struct stream_id master, struct slice listpack)
{
    enum { ID_BYTES = 16 };
    struct rdb_writer *w = writer(s);
    stream_start(w);
    w->written++;
    put_len(w->to, ID_BYTES);
    put_raw_id(w->to, master);
    put_blob(w, w->to, listpack);
}

static void stream_info(struct sink *s, const struct stream_info_event *e)
{
    struct rdb_writer *w = writer(s);
    stream_start(w);
    close_counted(w);
    must(w->pending_left == 0);
    put_len(w->out, e->length);
    put_len_id(w->out, e->last);
    if (stream_version(w) >= 2) {
        put_len_id(w->out, e->first);
        put_len_id(w->out, e->max_deleted);
        put_len(w->out, e->entries_added);
    }
    put_len(w->out, e->groups);
}

static void stream_group(struct sink *s, const struct stream_group_event *e)
{
    struct rdb_writer *w = writer(s);
    must(w->started && w->to == w->out); /* the nodes are through */
    must(w->pending_left == 0);
    rdb_put_str(w, w->out, e->name);
    put_len_id(w->out, e->last);
    if (stream_version(w) >= 2)
        put_len(w->out, (uint64_t)e->entries_read);
    put_len(w->out, e->pending);
    w->pending_left = e->pending;
    w->consumers = e->consumers;
    if (e->pending == 0)
        put_len(w->out, w->consumers);
}

static void stream_pending(struct sink *s, const struct stream_pending_event *e)
{
    struct rdb_writer *w = writer(s);
    must(w->pending_left > 0);
    put_raw_id(w->out, e->id);
    out_le64(w->out, (uint64_t)e->delivered_ms);
    put_len(w->out, e->count);
    if (--w->pending_left == 0)
        put_len(w->out, w->consumers);
}

static void stream_consumer(struct sink *s, const struct stream_consumer_event *e)
{
    struct rdb_writer *w = writer(s);
    must(w->pending_left == 0);
    rdb_put_str(w, w->out, e->name);
    out_le64(w->out, (uint64_t)e->seen_ms);
    if (stream_version(w) >= 3)
        out_le64(w->out, (uint64_t)e->active_ms);
    put_len(w->out, e->owned);
}

static void stream_owned(struct sink *s, const struct stream_pending_event *e)
{
    must(writer(s)->pending_left == 0);
    put_raw_id(writer(s)->out, e->id);
}

/* ---- between keys ---- */

static void aux(struct sink *s, struct slice name, struct slice value)
{
    struct rdb_writer *w = writer(s);
    out_byte(w->out, RDB_OP_AUX);
    rdb_put_str(w, w->out, name);
    rdb_put_str(w, w->out, value);
}

/* Of the file they come from; this one gets its own. */
static bool is_integrity(struct slice name)
{
    return slice_eq(name, SLICE_LIT(RDB_AUX_INTEGRITY)) ||
           slice_eq(name, SLICE_LIT(RDB_AUX_BLOCK)) || slice_eq(name, SLICE_LIT(RDB_AUX_DIGEST));
}

static void pass_aux(struct sink *s, struct slice name, struct slice value)
{
    if (!is_integrity(name))
        aux(s, name, value);
}

static void module_aux(struct sink *s, uint64_t module_id, struct slice bytes)
{
    struct rdb_writer *w = writer(s);
    out_byte(w->out, RDB_OP_MODULE_AUX);
    put_len(w->out, module_id);
    out_slice(w->out, bytes);
}

static void function(struct sink *s, struct slice source)
{
    struct rdb_writer *w = writer(s);
    if (w->opt.version < 10) {
        w->key = (struct key_event){0};
        cannot(w, "A function library");
    }
    out_byte(w->out, RDB_OP_FUNCTION);
    rdb_put_str(w, w->out, source);
}

static void db(struct sink *s, unsigned id, uint64_t keys, uint64_t expires)
{
    struct rdb_writer *w = writer(s);
    put_db(w, id);
    if (keys) {
        out_byte(w->out, RDB_OP_RESIZEDB);
        put_len(w->out, keys);
        put_len(w->out, expires);
    }
}

static const struct sink_ops writer_ops = {
    .aux = pass_aux,
    .module_aux = module_aux,
    .function = function,
    .db = db,
    .key = key,
    .packed = packed,
    .item = item,
    .part = part,
    .pair = pair,
    .score = score,
    .stream_node = stream_node,
    .stream_info = stream_info,
    .stream_group = stream_group,
    .stream_pending = stream_pending,
    .stream_consumer = stream_consumer,
    .stream_owned = stream_owned,
    .stream_rest = stream_rest,
    .opaque = opaque,
    .end_key = end_key,
};

/* ---- block checksums and digest ---- */

/* As they are, never compressed: whoever looks for them in a damaged file finds them. */
static void plain_aux(struct rdb_writer *w, const char *name, struct slice value)
{
    enum { NAME_LIMIT = 1 << 6, VALUE_LIMIT = 1 << 14 };
    must(strlen(name) < NAME_LIMIT); /* one byte of length: its bytes are searched for */
    must(value.len < VALUE_LIMIT);
    out_byte(w->out, RDB_OP_AUX);
    put_len(w->out, strlen(name));
    out_bytes(w->out, name, strlen(name));
    put_len(w->out, value.len);
    out_slice(w->out, value);
}

/* Ends the open block with its record, which is the next one's first. Not behind a failed write:
 * the offset is then that of what was written, and may lie before the block. */
static void put_block(struct rdb_writer *w)
{
    char text[RDB_BLOCK_TEXT];
    if (out_bad(w->out))
        return;
    uint64_t at = out_offset(w->out) - w->begin, crc = out_crc(w->out);
    struct rdb_block block = rdb_blocks_open(&w->blocks, at, crc);
    rdb_blocks_close(&w->blocks, at, crc, w->db);
    plain_aux(w, RDB_AUX_BLOCK, slice(text, rdb_block_format(&block, text)));
    must(w->blocks.now.start == at); /* the record is the next block's first */
}

/* The digest is of what the file will hold: a stream in its oldest form says less. */
static bool guarded_key(struct sink *s, const struct key_event *k)
{
    struct rdb_writer *w = writer(s);
    if (!key(s, k))
        return false;
    struct key_event digested = w->key;
    digested.rdb_type = k->type == VALUE_STREAM && stream_version(w) == 1 ? RDB_STREAM_1 : 0;
    sink_key(&w->digest.sink, &digested);
    return true;
}

static bool guarded_packed(struct sink *s, enum pack pack, struct slice bytes)
{
    if (!packed(s, pack, bytes))
        return false;
    sink_unpack(&writer(s)->digest.sink, pack, bytes);
    return true;
}

static void guarded_end_key(struct sink *s)
{
    struct rdb_writer *w = writer(s);
    end_key(s);
    sink_end_key(&w->digest.sink);
    w->blocks.now.keys++;
    if (out_offset(w->out) - w->begin - w->blocks.now.start >= RDB_BLOCK_BYTES)
        put_block(w);
    rdb_writer_bad(w);
}

/* What is written also goes into the digest. */
#define GUARDED(op, params, ...) \
    static void guarded_##op params \
    { \
        writer(s)->digest.sink.ops->op(&writer(s)->digest.sink, __VA_ARGS__); \
        op(s, __VA_ARGS__); \
    }
GUARDED(function, (struct sink *s, struct slice source), source)
GUARDED(item, (struct sink *s, struct slice value), value)
GUARDED(part, (struct sink *s, struct slice bytes, uint64_t left), bytes, left)
GUARDED(pair, (struct sink *s, struct slice field, struct slice value, int64_t at_ms), field, value,
        at_ms)
GUARDED(score, (struct sink *s, struct slice member, double d), member, d)
GUARDED(stream_node, (struct sink *s, struct stream_id master, struct slice node), master, node)
GUARDED(stream_info, (struct sink *s, const struct stream_info_event *e), e)
GUARDED(stream_group, (struct sink *s, const struct stream_group_event *e), e)
GUARDED(stream_pending, (struct sink *s, const struct stream_pending_event *e), e)
GUARDED(stream_consumer, (struct sink *s, const struct stream_consumer_event *e), e)
GUARDED(stream_owned, (struct sink *s, const struct stream_pending_event *e), e)
GUARDED(opaque, (struct sink *s, uint8_t rdb_type, uint64_t module_id, struct slice bytes),
        rdb_type, module_id, bytes)

static const struct sink_ops guarded_ops = {
    .aux = pass_aux,
    .module_aux = module_aux,
    .function = guarded_function,
    .db = db,
    .key = guarded_key,
    .packed = guarded_packed,
    .item = guarded_item,
    .part = guarded_part,
    .pair = guarded_pair,
    .score = guarded_score,
    .stream_node = guarded_stream_node,
    .stream_info = guarded_stream_info,
    .stream_group = guarded_stream_group,
    .stream_pending = guarded_stream_pending,
    .stream_consumer = guarded_stream_consumer,
    .stream_owned = guarded_stream_owned,
    .stream_rest = stream_rest,
    .opaque = guarded_opaque,
    .end_key = guarded_end_key,
};

static void begin_guard(struct rdb_writer *w)
{
    must(!w->guarded && w->out->crc_on);
    rdb_blocks_begin(&w->blocks, w->opt.trailer ? &w->trailer : NULL);
    digest_init(&w->digest);
    w->guarded = true;
    w->sink.ops = &guarded_ops;
    plain_aux(w, RDB_AUX_INTEGRITY,
              w->opt.trailer ? SLICE_LIT("1 block digest trailer") : SLICE_LIT("1 block digest"));
}

static void end_guard(struct rdb_writer *w)
{
    char text[DIGEST_HEX];
    must(w->sink.ops == &guarded_ops);
    plain_aux(w, RDB_AUX_DIGEST, slice_str(digest_text(&w->digest, text)));
    put_block(w);
}

static void put_trailer(struct rdb_writer *w)
{
    char end[RDB_TRAILER_END];
    if (out_bad(w->out))
        return;
    uint64_t bytes = out_offset(w->out) - w->begin;
    rdb_blocks_close(&w->blocks, bytes, out_crc(w->out), w->db);
    rdb_blocks_end(&w->blocks, bytes, end);
    must(w->trailer.len == w->blocks.lines_len);
    out_slice(w->out, buf_slice(&w->trailer));
    out_bytes(w->out, end, sizeof end);
}

/* ---- records of another file ---- */

void rdb_writer_copy_key(struct rdb_writer *w, unsigned id, const struct key_event *before)
{
    must(w->opt.copies && w->to == w->out);
    put_db(w, id);
    if (before) {
        w->key = *before;
        put_attributes(w);
        w->key = (struct key_event){0};
    }
}

void rdb_writer_copy(struct rdb_writer *w, struct slice bytes)
{
    must(w->opt.copies && w->to == w->out);
    out_slice(w->out, bytes);
}

void rdb_writer_copied(struct rdb_writer *w, bool is_key, struct hash128 digest)
{
    must(w->opt.copies && w->to == w->out);
    if (!w->guarded)
        return;
    digest_add(&w->digest, digest);
    w->blocks.now.keys += is_key;
    if (is_key && out_offset(w->out) - w->begin - w->blocks.now.start >= RDB_BLOCK_BYTES)
        put_block(w);
    rdb_writer_bad(w);
}

/* ---- the whole ---- */

void rdb_writer_init(struct rdb_writer *w, struct out *out, const struct rdb_write_options *opt)
{
    *w = (struct rdb_writer){.sink = {.ops = &writer_ops}, .out = out, .to = out, .opt = *opt};
    if (w->opt.version == 0)
        w->opt.version = RDB_VERSION_OURS;
    must(w->opt.copies || (w->opt.version >= RDB_VERSION_WRITE_MIN &&
                           w->opt.version <= RDB_VERSION_OURS && !w->opt.valkey));
    must(!w->opt.blocks || w->opt.version >= RDB_VERSION_AUX);
    out_init_memory(&w->body);
}

void rdb_writer_free(struct rdb_writer *w)
{
    digest_free(&w->digest);
    buf_free(&w->trailer);
    out_free(&w->body);
    buf_free(&w->name);
    buf_free(&w->packed);
}

void rdb_writer_begin(struct rdb_writer *w)
{
    must(!w->payload && !w->guarded);
    w->begin = out_offset(w->out);
    if (!w->opt.no_checksum || w->opt.blocks)
        out_crc_start(w->out);
    out_printf(w->out, w->opt.valkey ? "VALKEY%03d" : "REDIS%04d", w->opt.version);
    if (w->opt.blocks)
        begin_guard(w);
}

void rdb_writer_aux(struct rdb_writer *w, const char *name, struct slice value)
{
    aux(&w->sink, slice_str(name), value);
}

bool rdb_writer_end(struct rdb_writer *w)
{
    must(!w->payload);
    must(w->guarded == w->opt.blocks); /* rdb_writer_begin was called */
    if (w->guarded)
        end_guard(w);
    out_byte(w->out, RDB_OP_EOF);
    if (w->opt.version >= RDB_VERSION_CRC)
        out_le64(w->out, w->opt.no_checksum ? 0 : out_crc(w->out));
    if (w->guarded && w->opt.trailer)
        put_trailer(w);
    out_flush(w->out);
    return !rdb_writer_bad(w);
}
