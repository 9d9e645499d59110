/* SPDX-License-Identifier: BSD-3-Clause */
/* The elements that all values are made of, lengths and strings (rdb.h), and the events they
 * become. Readers of values stand upon these, and the records (rdb_read.c) upon the values. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/must.h"
#include "base/num.h"
#include "format/rdb_parts.h"

/* ---- primitives ---- */

/* Plain forms only; a special form's first byte is a fault here. */
static uint64_t len_from(struct rdb_reader *r, uint8_t first)
{
    switch (first) {
    case 0x80:
        return in_be32(r->in);
    case 0x81:
        return in_be64(r->in);
    default:
        if (first < 0x40)
            return first;
        if (first < 0x80)
            return (uint64_t)(first & 0x3f) << 8 | in_byte(r->in);
        in_fail(r->in, FAULT_FORMAT, "Invalid length byte 0x%02x", first);
        return 0;
    }
}

uint64_t rdb_len(struct rdb_reader *r)
{
    return len_from(r, in_byte(r->in));
}

uint64_t rdb_count(struct rdb_reader *r, unsigned min_bytes, const char *of_what)
{
    uint64_t n = rdb_len(r);
    must(min_bytes > 0);
    if (n > in_left(r->in) / min_bytes) {
        in_fail(r->in, FAULT_FORMAT,
                "%" PRIu64 " %s announced, but only %" PRIu64 " bytes are left", n, of_what,
                in_left(r->in));
        return 0;
    }
    return n;
}

void rdb_tell_stored(struct rdb_reader *r, struct rdb_stored *s)
{
    if (in_bad(r->in))
        return;
    must(in_offset(r->in) >= s->bytes.len);
    s->kind = r->stored_kind;
    s->at = in_offset(r->in) - s->bytes.len;
    s->type = r->rec && r->rec->kind == RDB_REC_KEY ? r->rec->key.rdb_type : -1;
    r->opt.stored(r->opt.stored_arg, s);
}

static void tell(struct rdb_reader *r, enum rdb_stored_form form, struct slice bytes, uint64_t len,
                 int64_t number)
{
    if (!r->opt.stored)
        return;
    rdb_tell_stored(r, &(struct rdb_stored){.form = form, .bytes = bytes, .len = len,
                                            .number = number});
    r->stored_kind = RDB_STORED_TEXT;
}

static struct slice str_int(struct rdb_reader *r, uint8_t form, struct buf *hold)
{
    int64_t n = form == RDB_STR_I8    ? (int8_t)in_byte(r->in)
                : form == RDB_STR_I16 ? (int16_t)in_le16(r->in)
                                      : (int32_t)in_le32(r->in);
    size_t width = form == RDB_STR_I8 ? 1 : form == RDB_STR_I16 ? 2 : 4;
    tell(r, RDB_FORM_INT, (struct slice){NULL, width}, 0, n);
    buf_clear(hold);
    char *to = buf_reserve(hold, NUM_I64_TEXT);
    hold->len = num_format_i64(to, n);
    return buf_slice(hold);
}

static struct slice str_lzf(struct rdb_reader *r, struct buf *hold)
{
    enum { EXPANSION_MAX = 88 }; /* 264 bytes out of 3 */
    must(hold != &r->raw);
    uint64_t packed_len = rdb_len(r), len = rdb_len(r);
    struct slice packed = in_slice(r->in, packed_len, &r->raw);
    if (in_bad(r->in))
        return packed;
    tell(r, RDB_FORM_LZF, packed, len, 0);
    if (packed.len == 0 || len / EXPANSION_MAX > packed.len) {
        in_fail(r->in, FAULT_FORMAT, "Invalid LZF compressed string");
        return slice("", 0);
    }
    buf_clear(hold);
    if (len == 0) /* real servers take it for the empty string, whatever was compressed */
        return slice("", 0);
    char *to = buf_reserve(hold, (size_t)len + RDB_LZF_SLACK);
    if (!rdb_unlzf(packed, (uint8_t *)to, (size_t)len)) {
        in_fail(r->in, FAULT_FORMAT, "Invalid LZF compressed string");
        return slice("", 0);
    }
    hold->len = (size_t)len;
    return buf_slice(hold);
}

static struct slice str_raw(struct rdb_reader *r, uint64_t len, struct buf *hold)
{
    struct slice s = in_slice(r->in, len, hold);
    tell(r, RDB_FORM_RAW, s, s.len, 0);
    return s;
}

struct slice rdb_str(struct rdb_reader *r, struct buf *hold)
{
    uint8_t first = in_byte(r->in);
    if (first < 0x40)
        return str_raw(r, first, hold);
    if (first < 0xc0)
        return str_raw(r, len_from(r, first), hold);
    switch (first) {
    case RDB_STR_I8:
    case RDB_STR_I16:
    case RDB_STR_I32:
        return str_int(r, first, hold);
    case RDB_STR_LZF:
        return str_lzf(r, hold);
    default:
        in_fail(r->in, FAULT_FORMAT, "Unknown RDB string encoding type 0x%02x", first);
        return slice("", 0);
    }
}

struct slice rdb_str_kept(struct rdb_reader *r, struct buf *hold)
{
    struct slice s = rdb_str(r, hold);
    if (s.data == hold->data && s.len)
        return s;
    buf_clear(hold);
    buf_add(hold, s);
    return s.len ? buf_slice(hold) : slice("", 0);
}

void rdb_note(struct rdb_reader *r, const char *format, ...)
{
    char text[256];
    va_list ap;
    if (!r->opt.note)
        return;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    r->opt.note(r->opt.note_arg, text);
}

/* ---- events ---- */

void rdb_begin(struct rdb_reader *r, enum value_type type, uint64_t count, uint64_t blocks)
{
    if (r->begun || in_bad(r->in))
        return;
    must(r->rec && r->rec->kind == RDB_REC_KEY);
    must(type <= VALUE_MODULE);
    r->begun = true;
    struct sink *s = r->sink;
    struct key_event event = r->rec->key;
    event.type = type;
    event.count = count;
    event.blocks = blocks;
    must(!rdb_wanted(r));
    if (r->out[RDB_OUT_ALL])
        sink_key(r->out[RDB_OUT_ALL], &event);
    if (s && !sink_bad(s) && sink_key(s, &event))
        r->out[RDB_OUT_CALLER] = s;
}

void rdb_end_value(struct rdb_reader *r)
{
    must(!in_bad(r->in));
    must(r->begun || !rdb_wanted(r));
    if (r->out[RDB_OUT_ALL] && r->begun)
        sink_end_key(r->out[RDB_OUT_ALL]);
    if (rdb_caller_hears(r))
        sink_end_key(r->out[RDB_OUT_CALLER]);
    r->out[RDB_OUT_CALLER] = NULL;
}

void rdb_item(struct rdb_reader *r, struct slice item)
{
    if (!in_bad(r->in))
        RDB_EVENT(r, item, item);
}

void rdb_pair(struct rdb_reader *r, struct slice field, struct slice value, int64_t expire_ms)
{
    if (!in_bad(r->in))
        RDB_EVENT(r, pair, field, value, expire_ms);
}

void rdb_score(struct rdb_reader *r, struct slice member, double score)
{
    if (!in_bad(r->in))
        RDB_EVENT(r, score, member, score);
}

void rdb_packed(struct rdb_reader *r, enum pack pack, struct slice bytes)
{
    if (in_bad(r->in))
        return;
    must(r->begun && bytes.len > 0);
    if (r->out[RDB_OUT_ALL])
        sink_packed(r->out[RDB_OUT_ALL], pack, bytes);
    if (rdb_caller_hears(r))
        sink_packed(r->out[RDB_OUT_CALLER], pack, bytes);
}

void rdb_unpacked(struct rdb_reader *r, enum pack pack, struct slice bytes)
{
    if (in_bad(r->in))
        return;
    must(r->begun && bytes.len > 0);
    if (r->out[RDB_OUT_ALL])
        sink_unpack(r->out[RDB_OUT_ALL], pack, bytes);
    if (rdb_caller_hears(r))
        sink_unpack(r->out[RDB_OUT_CALLER], pack, bytes);
}

void rdb_empty(struct rdb_reader *r)
{
    if (in_bad(r->in))
        return;
    must(!r->begun && !rdb_wanted(r));
    if (r->payload) {
        in_fail(r->in, FAULT_FORMAT, "Empty collection");
        return;
    }
    enum { NOTES_MAX = 10 };
    if (r->empty_skipped++ < NOTES_MAX) {
        struct fault printable = {0};
        fault_set_key(&printable, r->rec->key.name);
        rdb_note(r, "Skipping the empty key '%s'", printable.key);
    }
}

void rdb_reader_free(struct rdb_reader *r)
{
    buf_free(&r->key);
    buf_free(&r->first);
    buf_free(&r->second);
    buf_free(&r->packed);
    buf_free(&r->raw);
    buf_free(&r->rest);
    pending_list_free(&r->pending);
    distinct_free(&r->distinct);
    distinct_free(&r->names);
}
