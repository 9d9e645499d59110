/* SPDX-License-Identifier: BSD-3-Clause */
/* A row's key, so that bytes compare as rows should:
 *
 *   db 4 | beginning of the name 20 | id 8 | kind 1 | element 16 | side 1
 *
 * element: a field's, member's or group's name as a hash, a list's index, an offset, an entry's id.
 */
#include "tools/diff_detail.h"

#include <string.h>

#include "base/bytes.h"
#include "base/must.h"
#include "format/rdb.h"
#include "format/stream_node.h"
#include "tools/library_text.h"
#include "tools/sift.h"

enum { NAME = 4, NAME_BYTES = 20, ID = NAME + NAME_BYTES, KIND = ID + 8, ELEMENT = KIND + 1,
       ELEMENT_BYTES = 16, SIDE = ELEMENT + ELEMENT_BYTES };

struct detail {
    struct sink sink;
    const struct diff_detail_options *opt;
    struct diff_sort *wanted, *to;
    struct sift sift;
    int side;
    uint64_t ordinal;
    bool more; /* next is there */
    struct diff_wanted next, now;

    struct diff_row_key key;
    unsigned db;
    struct buf name;
    struct sink *whole; /* where a patch takes the value; NULL: it does not */
    bool elements;      /* are compared */
    uint64_t number;
    struct buf piece;   /* of a string */
    bool in_parts;
    struct buf group;   /* a group's name */
    bool in_group;
    struct hash128 group_is;
    struct buf payload;
};

static struct detail *detail_of(struct sink *s)
{
    return (struct detail *)(void *)s;
}

/* ---- rows ---- */

static void put(struct detail *d, enum diff_row_kind kind, const uint8_t element[ELEMENT_BYTES])
{
    char key[DIFF_ROW_KEY_BYTES] = {0};
    size_t n = d->name.len < NAME_BYTES ? d->name.len : NAME_BYTES;
    store_be32(key, d->db);
    if (n)
        memcpy(key + NAME, d->name.data, n);
    store_be64(key + ID, d->now.id);
    key[KIND] = (char)kind;
    if (element)
        memcpy(key + ELEMENT, element, ELEMENT_BYTES);
    key[SIDE] = (char)d->side;
    diff_sort_add(d->to, slice(key, sizeof key), buf_slice(&d->payload));
    if (fault_is(diff_sort_fault(d->to)) && !sink_bad(&d->sink))
        d->sink.fault = *diff_sort_fault(d->to);
}

static void put_key(struct detail *d)
{
    buf_clear(&d->payload);
    buf_append(&d->payload, &d->key, sizeof d->key);
    buf_add(&d->payload, buf_slice(&d->name));
    put(d, DIFF_ROW_KEY, NULL);
}

/* What a patch writes element by element must be there whole. */
static bool patch_by_element(const struct detail *d)
{
    enum value_type t = (enum value_type)d->now.type;
    return d->opt->patch && (t == VALUE_SET || t == VALUE_HASH || t == VALUE_ZSET);
}

static struct slice cut(struct slice s, bool all)
{
    return all || s.len <= DIFF_SHOWN_BYTES ? s : slice(s.data, DIFF_SHOWN_BYTES);
}

static void put_element(struct detail *d, enum diff_row_kind kind,
                        const uint8_t element[ELEMENT_BYTES], struct diff_row_element *of,
                        struct slice name, struct slice value)
{
    bool all = patch_by_element(d);
    name = cut(name, all);
    value = all || d->opt->values ? cut(value, all) : (struct slice){"", 0};
    of->name_bytes = name.len;
    buf_clear(&d->payload);
    buf_append(&d->payload, of, sizeof *of);
    buf_add(&d->payload, name);
    buf_add(&d->payload, value);
    put(d, kind, element);
}

void diff_row_of(const struct diff_record *r, struct diff_row *row)
{
    const char *key = r->key.data;
    must(r->key.len == DIFF_ROW_KEY_BYTES);
    *row = (struct diff_row){.db = load_be32(key), .id = load_be64(key + ID),
                             .kind = (enum diff_row_kind)key[KIND],
                             .element = slice(key + ELEMENT, ELEMENT_BYTES),
                             .side = key[SIDE] != 0};
    if (row->kind == DIFF_ROW_KEY) {
        must(r->payload.len >= sizeof row->key);
        memcpy(&row->key, r->payload.data, sizeof row->key);
        row->name = slice_from(r->payload, sizeof row->key);
        return;
    }
    must(r->payload.len >= sizeof row->of);
    memcpy(&row->of, r->payload.data, sizeof row->of);
    struct slice rest = slice_from(r->payload, sizeof row->of);
    must(row->of.name_bytes <= rest.len);
    row->name = slice(rest.data, (size_t)row->of.name_bytes);
    row->value = slice_from(rest, row->name.len);
}

/* ---- which keys ---- */

static bool is_next(struct detail *d)
{
    uint64_t this = d->ordinal++;
    must(!d->more || d->next.ordinal >= this); /* both passes read the same */
    if (!d->more || d->next.ordinal != this)
        return false;
    d->now = d->next;
    d->more = diff_wanted_next(d->wanted, &d->next);
    return true;
}

static bool begin(void *arg, struct key_event *e)
{
    (void)e;
    return is_next(arg);
}

static void library(void *arg, struct slice source)
{
    struct detail *d = arg;
    if (!d->opt->functions || !is_next(d))
        return;
    struct slice name = library_name(source);
    d->db = UINT32_MAX;
    buf_clear(&d->name);
    buf_add(&d->name, name);
    d->key = (struct diff_row_key){.kind = d->now.kind, .type = DIFF_FUNCTION};
    put_key(d);
    if (d->opt->patch && d->side == DIFF_B)
        diff_patch_function(d->opt->patch, source);
    else if (d->opt->patch && d->now.kind == DIFF_REMOVED)
        diff_patch_function_delete(d->opt->patch, name);
}

/* ---- a key ---- */

static bool patch_whole(const struct detail *d)
{
    switch ((enum diff_kind)d->now.kind) {
    case DIFF_ADDED:
    case DIFF_RETYPED:
        return true;
    case DIFF_CHANGED:
        return !patch_by_element(d);
    default:
        return false;
    }
}

/* What of a patch this key needs, unless it is done with its elements. */
static void begin_patch(struct detail *d, const struct key_event *e)
{
    struct diff_patch *p = d->opt->patch;
    bool b = d->side == DIFF_B;
    if (!p)
        return;
    if (b && patch_whole(d)) {
        d->whole = diff_patch_whole(p, e, d->now.kind != DIFF_ADDED);
        sink_key(d->whole, e);
    } else if (!b && d->now.kind == DIFF_REMOVED) {
        diff_patch_key(p, e->db, e->name);
        diff_patch_delete(p);
    } else if (b && d->now.kind == DIFF_EXPIRY) {
        diff_patch_key(p, e->db, e->name);
        diff_patch_expire(p, e->expire_ms);
    }
}

static bool on_key(struct sink *s, const struct key_event *e)
{
    struct detail *d = detail_of(s);
    must((uint32_t)e->type == d->now.type);
    d->db = e->db;
    buf_clear(&d->name);
    buf_add(&d->name, e->name);
    d->key = (struct diff_row_key){.kind = d->now.kind, .type = (uint32_t)e->type,
                                   .array = e->rdb_type == RDB_ARRAY, .expire_ms = e->expire_ms,
                                   .expire_other = d->now.expire_other};
    d->elements = d->now.kind == DIFF_CHANGED;
    d->whole = NULL;
    d->number = 0;
    d->in_parts = false;
    buf_clear(&d->piece);
    buf_clear(&d->group);
    d->group_is = (struct hash128){0};
    d->in_group = false;
    begin_patch(d, e);
    if (d->elements || d->whole)
        return true;
    put_key(d);
    return false;
}

static void took(struct detail *d)
{
    if (d->whole && sink_bad(d->whole) && !sink_bad(&d->sink))
        d->sink.fault = d->whole->fault;
    if (d->opt->patch && out_bad(d->opt->patch->out) && !sink_bad(&d->sink))
        d->sink.fault = d->opt->patch->out->fault;
}

/* ---- strings, in pieces ---- */

static void put_piece(struct detail *d)
{
    uint8_t element[ELEMENT_BYTES] = {0};
    struct diff_row_element of = {.number = d->key.bytes};
    struct slice piece = buf_slice(&d->piece);
    must(piece.len > 0 && piece.len <= DIFF_CHUNK);
    of.value = hash_fixed128(piece.data, piece.len, 0);
    store_be64(element, d->key.bytes);
    buf_clear(&d->payload);
    buf_append(&d->payload, &of, sizeof of);
    buf_add(&d->payload, piece);
    if (d->elements)
        put(d, DIFF_ROW_ELEMENT, element);
    d->key.bytes += d->piece.len;
    buf_clear(&d->piece);
}

static void add_pieces(struct detail *d, struct slice bytes, bool last)
{
    while (bytes.len) {
        size_t room = DIFF_CHUNK - d->piece.len, n = bytes.len < room ? bytes.len : room;
        buf_append(&d->piece, bytes.data, n);
        bytes = slice_from(bytes, n);
        if (d->piece.len == DIFF_CHUNK)
            put_piece(d);
    }
    if (last && d->piece.len)
        put_piece(d);
}

static void on_part(struct sink *s, struct slice bytes, uint64_t left)
{
    struct detail *d = detail_of(s);
    must(d->key.type == VALUE_STRING);
    if (d->whole)
        diff_patch_part(d->opt->patch, bytes, !d->in_parts, left);
    d->in_parts = true;
    add_pieces(d, bytes, left == 0);
}

/* ---- elements ---- */

/* A writer that takes blocks was told how many will come: it gets them, and the comparison what is
 * in them. */
static bool on_packed(struct sink *s, enum pack pack, struct slice bytes)
{
    struct detail *d = detail_of(s);
    struct sink *whole = d->whole;
    if (!whole || !whole->ops->packed || !whole->ops->packed(whole, pack, bytes))
        return false;
    d->whole = NULL;
    if (d->elements)
        sink_unpack(s, pack, bytes);
    d->whole = whole;
    return true;
}

static void hash_element(uint8_t element[ELEMENT_BYTES], struct slice name)
{
    struct hash128 h = hash_fixed128(name.data, name.len, 0);
    store_be64(element, h.low);
    store_be64(element + 8, h.high);
}

static void on_item(struct sink *s, struct slice text)
{
    struct detail *d = detail_of(s);
    uint8_t element[ELEMENT_BYTES] = {0};
    struct diff_row_element of = {.expire_ms = KEY_NO_EXPIRE, .number = d->number};
    if (d->whole)
        SINK_EVENT(d->whole, item, text);
    if (d->key.type == VALUE_STRING) {
        add_pieces(d, text, true);
        return;
    }
    d->number++;
    if (!d->elements)
        return;
    if (d->key.type == VALUE_SET) {
        hash_element(element, text);
        put_element(d, DIFF_ROW_ELEMENT, element, &of, text, (struct slice){"", 0});
    } else {
        store_be64(element, of.number);
        of.value = hash_fixed128(text.data, text.len, 0);
        put_element(d, DIFF_ROW_ELEMENT, element, &of, (struct slice){"", 0}, text);
    }
}

static void on_pair(struct sink *s, struct slice field, struct slice value, int64_t expire_ms)
{
    struct detail *d = detail_of(s);
    uint8_t element[ELEMENT_BYTES];
    struct diff_row_element of = {.expire_ms = expire_ms, .number = d->number++};
    must(d->key.type == VALUE_HASH);
    if (d->whole)
        SINK_EVENT(d->whole, pair, field, value, expire_ms);
    if (!d->elements)
        return;
    hash_element(element, field);
    of.value = hash_fixed128(value.data, value.len, 0);
    put_element(d, DIFF_ROW_ELEMENT, element, &of, field, value);
}

static void on_score(struct sink *s, struct slice member, double score)
{
    struct detail *d = detail_of(s);
    uint8_t element[ELEMENT_BYTES], bytes[8];
    struct diff_row_element of = {.expire_ms = KEY_NO_EXPIRE, .number = d->number++,
                                  .score = score == 0 ? 0 : score};
    must(d->key.type == VALUE_ZSET);
    if (d->whole)
        SINK_EVENT(d->whole, score, member, score);
    if (!d->elements)
        return;
    hash_element(element, member);
    store_le_double(bytes, of.score);
    of.value = hash_fixed128(bytes, sizeof bytes, 0);
    put_element(d, DIFF_ROW_ELEMENT, element, &of, member, (struct slice){"", 0});
}

/* ---- streams ---- */

static void mix(struct hash128 *to, struct slice bytes)
{
    struct hash128 next = hash_fixed128(bytes.data, bytes.len, to->low);
    to->low = next.low;
    to->high = rotate_left(to->high, 7) ^ next.high;
}

static void mix_numbers(struct hash128 *to, uint64_t a, uint64_t b)
{
    uint8_t bytes[16];
    store_le64(bytes, a);
    store_le64(bytes + 8, b);
    mix(to, slice(bytes, sizeof bytes));
}

static void put_entry(struct detail *d, struct stream_entry *e)
{
    uint8_t element[ELEMENT_BYTES];
    struct diff_row_element of = {.expire_ms = KEY_NO_EXPIRE, .number = d->number++};
    struct slice name, value;
    while (stream_node_field(e, &name, &value)) {
        mix(&of.value, name);
        mix(&of.value, value);
    }
    store_be64(element, e->id.ms);
    store_be64(element + 8, e->id.seq);
    put_element(d, DIFF_ROW_ELEMENT, element, &of, (struct slice){"", 0}, (struct slice){"", 0});
}

static void on_stream_node(struct sink *s, struct stream_id master, struct slice listpack)
{
    struct detail *d = detail_of(s);
    struct stream_entry e;
    must(d->key.type == VALUE_STREAM);
    if (d->whole)
        SINK_EVENT(d->whole, stream_node, master, listpack);
    if (!d->elements)
        return;
    stream_node_start(&e, master, listpack);
    while (stream_node_next(&e))
        put_entry(d, &e);
}

/* What was said of a group, or of the stream itself, is complete. */
static void put_group(struct detail *d, enum diff_row_kind kind)
{
    uint8_t element[ELEMENT_BYTES] = {0};
    struct diff_row_element of = {.expire_ms = KEY_NO_EXPIRE, .value = d->group_is};
    if (kind == DIFF_ROW_GROUP)
        hash_element(element, buf_slice(&d->group));
    if (d->elements && (kind == DIFF_ROW_INFO || d->in_group))
        put_element(d, kind, element, &of, buf_slice(&d->group), (struct slice){"", 0});
    d->group_is = (struct hash128){0};
    buf_clear(&d->group);
}

static void on_stream_info(struct sink *s, const struct stream_info_event *e)
{
    struct detail *d = detail_of(s);
    if (d->whole)
        SINK_EVENT(d->whole, stream_info, e);
    mix_numbers(&d->group_is, e->last.ms, e->last.seq);
    mix_numbers(&d->group_is, e->max_deleted.ms, e->max_deleted.seq);
    mix_numbers(&d->group_is, e->entries_added, e->length);
    put_group(d, DIFF_ROW_INFO);
}

static void on_stream_group(struct sink *s, const struct stream_group_event *e)
{
    struct detail *d = detail_of(s);
    if (d->whole)
        SINK_EVENT(d->whole, stream_group, e);
    put_group(d, DIFF_ROW_GROUP);
    d->in_group = true;
    buf_add(&d->group, e->name);
    mix_numbers(&d->group_is, e->last.ms, e->last.seq);
    mix_numbers(&d->group_is, (uint64_t)e->entries_read, 0);
}

static void on_stream_pending(struct sink *s, const struct stream_pending_event *e)
{
    struct detail *d = detail_of(s);
    must(d->in_group);
    if (d->whole)
        SINK_EVENT(d->whole, stream_pending, e);
    mix_numbers(&d->group_is, e->id.ms, e->id.seq);
    mix_numbers(&d->group_is, (uint64_t)e->delivered_ms, e->count);
}

static void on_stream_consumer(struct sink *s, const struct stream_consumer_event *e)
{
    struct detail *d = detail_of(s);
    if (d->whole)
        SINK_EVENT(d->whole, stream_consumer, e);
    mix(&d->group_is, e->name);
}

static void on_stream_owned(struct sink *s, const struct stream_pending_event *e)
{
    struct detail *d = detail_of(s);
    must(d->in_group);
    if (d->whole)
        SINK_EVENT(d->whole, stream_owned, e);
    mix_numbers(&d->group_is, e->id.ms, e->id.seq);
}

static void on_stream_rest(struct sink *s, uint8_t rdb_type, struct slice bytes)
{
    struct detail *d = detail_of(s);
    if (d->whole)
        SINK_EVENT(d->whole, stream_rest, rdb_type, bytes);
    took(d);
}

static void on_opaque(struct sink *s, uint8_t rdb_type, uint64_t module_id, struct slice bytes)
{
    struct detail *d = detail_of(s);
    if (d->whole)
        SINK_EVENT(d->whole, opaque, rdb_type, module_id, bytes);
    took(d);
}

static void on_end_key(struct sink *s)
{
    struct detail *d = detail_of(s);
    if (d->key.type == VALUE_STREAM)
        put_group(d, DIFF_ROW_GROUP);
    put_key(d);
    if (d->whole)
        sink_end_key(d->whole);
    took(d);
}

static const struct sink_ops ops = {
    .key = on_key,
    .packed = on_packed,
    .item = on_item,
    .part = on_part,
    .pair = on_pair,
    .score = on_score,
    .stream_node = on_stream_node,
    .stream_info = on_stream_info,
    .stream_group = on_stream_group,
    .stream_pending = on_stream_pending,
    .stream_consumer = on_stream_consumer,
    .stream_owned = on_stream_owned,
    .stream_rest = on_stream_rest,
    .opaque = on_opaque,
    .end_key = on_end_key,
    .whole_owned = true,
};

bool diff_detail_read(const struct diff_detail_options *opt, int side, diff_read *read, void *arg,
                      struct diff_sort *wanted, struct diff_sort *to, struct fault *f)
{
    struct detail d = {.sink.ops = &ops, .opt = opt, .wanted = wanted, .to = to, .side = side};
    d.more = diff_wanted_next(wanted, &d.next);
    if (!d.more) {
        *f = *diff_sort_fault(wanted);
        return !fault_is(f);
    }
    sift_init(&d.sift, opt->filter, &d.sink);
    d.sift.change = begin;
    d.sift.library = library;
    d.sift.values_only = true;
    d.sift.arg = &d;
    bool ok = read(arg, &d.sift.pass.sink, f);
    buf_free(&d.name);
    buf_free(&d.piece);
    buf_free(&d.group);
    buf_free(&d.payload);
    return ok;
}
