/* SPDX-License-Identifier: BSD-3-Clause */
/* Rows (element, second text, number) collect until the key ends, are sorted where the order means
 * nothing, and printed. A stream's entries are printed to a side buffer as its nodes come, because
 * the numbers that stand before them come behind; a group likewise, until its last consumer. */
#include "format/json_write.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/must.h"
#include "base/num.h"
#include "format/rdb.h"
#include "format/rdb_array.h"
#include "format/stream_node.h"

struct json_row {
    size_t at, len, value_at, value_len; /* into bytes */
    struct slice text;                   /* set before sorting */
    int64_t expire_ms;
    double score;
    uint64_t index;                      /* array */
};

struct json_pending {
    struct stream_pending_event event;
    size_t owner_at, owner_len; /* into bytes */
};

static struct json_writer *writer(struct sink *s)
{
    return (struct json_writer *)s;
}

static void put_base64(struct buf *to, struct slice bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *p = (const uint8_t *)bytes.data;
    size_t left = bytes.len, before = to->len;
    buf_byte(to, '"');
    for (; left > 0; left = left < 3 ? 0 : left - 3, p += 3) {
        unsigned second = left > 1 ? p[1] : 0, third = left > 2 ? p[2] : 0;
        unsigned x = (unsigned)p[0] << 16 | second << 8 | third;
        buf_byte(to, (uint8_t)digits[x >> 18]);
        buf_byte(to, (uint8_t)digits[x >> 12 & 63]);
        buf_byte(to, (uint8_t)(left > 1 ? digits[x >> 6 & 63] : '='));
        buf_byte(to, (uint8_t)(left > 2 ? digits[x & 63] : '='));
    }
    buf_byte(to, '"');
    must(to->len - before == 2 + (bytes.len + 2) / 3 * 4);
}

static void base64(struct json_writer *w, struct slice bytes)
{
    put_base64(&w->out->buf, bytes);
}

/* ---- collecting ---- */

static bool key(struct sink *s, const struct key_event *k)
{
    struct json_writer *w = writer(s);
    w->key = *k;
    buf_clear(&w->name);
    buf_add(&w->name, k->name);
    buf_clear(&w->rows);
    buf_clear(&w->bytes);
    buf_clear(&w->entries);
    w->entry_count = w->groups = 0;
    return true;
}

static size_t keep(struct json_writer *w, struct slice text)
{
    size_t at = w->bytes.len;
    buf_add(&w->bytes, text);
    return at;
}

static void item(struct sink *s, struct slice text)
{
    struct json_writer *w = writer(s);
    struct json_row row = {.at = keep(w, text), .len = text.len};
    buf_append(&w->rows, &row, sizeof row);
}

static void pair(struct sink *s, struct slice field, struct slice value, int64_t expire_ms)
{
    struct json_writer *w = writer(s);
    struct json_row row = {.at = keep(w, field), .len = field.len, .expire_ms = expire_ms};
    row.value_at = keep(w, value);
    row.value_len = value.len;
    buf_append(&w->rows, &row, sizeof row);
}

static void score(struct sink *s, struct slice member, double d)
{
    struct json_writer *w = writer(s);
    struct json_row row = {.at = keep(w, member), .len = member.len, .score = d};
    buf_append(&w->rows, &row, sizeof row);
}

static void array_element(void *arg, uint64_t index, struct slice value)
{
    struct json_writer *w = arg;
    struct json_row row = {.at = keep(w, value), .len = value.len, .index = index};
    buf_append(&w->rows, &row, sizeof row);
}

static bool is_array(const struct json_writer *w)
{
    return w->key.rdb_type == RDB_ARRAY;
}

static void opaque(struct sink *s, uint8_t rdb_type, uint64_t module_id, struct slice bytes)
{
    writer(s)->module_id = module_id;
    if (rdb_type == RDB_ARRAY)
        must(array_each(bytes, array_element, s)); /* was checked */
    else
        item(s, bytes);
}

/* ---- printing rows ---- */

static int by_text(const void *a, const void *b)
{
    return slice_cmp(((const struct json_row *)a)->text, ((const struct json_row *)b)->text);
}

static int by_score(const void *a, const void *b)
{
    double x = ((const struct json_row *)a)->score, y = ((const struct json_row *)b)->score;
    return x < y ? -1 : x > y ? 1 : by_text(a, b);
}

static void print_row(struct json_writer *w, const struct json_row *row)
{
    char text[NUM_DOUBLE_TEXT];
    uint64_t bits;
    switch (w->key.type) {
    case VALUE_ZSET:
        out_byte(w->out, '[');
        base64(w, row->text);
        num_format_double(text, row->score);
        memcpy(&bits, &row->score, sizeof bits);
        out_printf(w->out, ",\"%s\",\"%016" PRIx64 "\"]", text, bits);
        break;
    case VALUE_HASH:
        out_byte(w->out, '[');
        base64(w, row->text);
        out_byte(w->out, ',');
        base64(w, slice(w->bytes.data + row->value_at, row->value_len));
        if (row->expire_ms == KEY_NO_EXPIRE)
            out_printf(w->out, ",null]");
        else
            out_printf(w->out, ",%" PRId64 "]", row->expire_ms);
        break;
    default:
        if (is_array(w))
            out_printf(w->out, "[%" PRIu64 ",", row->index);
        base64(w, row->text);
        if (is_array(w))
            out_byte(w->out, ']');
        break;
    }
}

static void print_rows(struct json_writer *w)
{
    struct json_row *rows = (struct json_row *)(void *)w->rows.data;
    size_t n = w->rows.len / sizeof *rows;
    must(w->rows.len % sizeof *rows == 0);
    must(n == 1 || w->key.type != VALUE_STRING);
    must(n == 1 || w->key.type != VALUE_MODULE || is_array(w));
    must(n == 0 || rows[n - 1].at + rows[n - 1].len + rows[n - 1].value_len == w->bytes.len);
    for (size_t i = 0; i < n; i++)
        rows[i].text = slice(w->bytes.data + rows[i].at, rows[i].len);
    if (w->key.type == VALUE_SET || w->key.type == VALUE_HASH)
        qsort(rows, n, sizeof *rows, by_text);
    if (w->key.type == VALUE_ZSET)
        qsort(rows, n, sizeof *rows, by_score);
    bool bracket = w->key.type != VALUE_STRING;
    if (bracket)
        out_byte(w->out, '[');
    if (w->key.type == VALUE_MODULE && !is_array(w))
        out_printf(w->out, "\"%016" PRIx64 "\",", w->module_id);
    for (size_t i = 0; i < n; i++) {
        if (i)
            out_byte(w->out, ',');
        print_row(w, &rows[i]);
    }
    if (bracket)
        out_byte(w->out, ']');
}

static void print_head(struct json_writer *w)
{
    static const char *const types[] = {"string", "list", "set", "zset",
                                        "hash", "stream", "module"};
    must((size_t)w->key.type < sizeof types / sizeof *types);
    out_printf(w->out, "{\"db\":%u,\"key\":", w->key.db);
    base64(w, buf_slice(&w->name));
    out_printf(w->out, ",\"type\":\"%s\",\"pexpireat\":",
               is_array(w) ? "array" : types[w->key.type]);
    if (w->key.expire_ms == KEY_NO_EXPIRE)
        out_printf(w->out, "null,\"value\":");
    else
        out_printf(w->out, "%" PRId64 ",\"value\":", w->key.expire_ms);
}

/* ---- streams ---- */

static void print_id(struct buf *to, const char *before, struct stream_id id)
{
    buf_printf(to, "%s\"%" PRIu64 "-%" PRIu64 "\"", before, id.ms, id.seq);
}

static void print_entry(struct json_writer *j, struct stream_entry *e)
{
    struct slice name, value;
    struct buf *to = &j->entries;
    print_id(to, j->entry_count++ ? ",[" : "[", e->id);
    buf_printf(to, ",[");
    for (const char *open = "["; stream_node_field(e, &name, &value); open = ",[") {
        buf_printf(to, "%s", open);
        put_base64(to, name);
        buf_byte(to, ',');
        put_base64(to, value);
        buf_byte(to, ']');
    }
    buf_printf(to, "]]");
}

static void stream_node(struct sink *s, struct stream_id master, struct slice listpack)
{
    struct stream_entry e;
    stream_node_start(&e, master, listpack);
    while (stream_node_next(&e))
        print_entry(writer(s), &e);
}

static void stream_info(struct sink *s, const struct stream_info_event *e)
{
    struct json_writer *w = writer(s);
    must(w->key.type == VALUE_STREAM && w->groups == 0);
    must((w->entry_count == 0) == (w->entries.len == 0));
    must(w->entry_count == e->length); /* which is that of the entries, whatever was stored */
    print_head(w);
    out_printf(w->out, "{\"length\":%" PRIu64, e->length);
    print_id(&w->out->buf, ",\"last_id\":", e->last);
    print_id(&w->out->buf, ",\"max_deleted_id\":", e->max_deleted);
    out_printf(w->out, ",\"entries_added\":%" PRIu64, e->entries_added);
    print_id(&w->out->buf, ",\"first_id\":", e->first);
    out_printf(w->out, ",\"entries\":[");
    out_slice(w->out, buf_slice(&w->entries));
    out_printf(w->out, "],\"groups\":[");
}

static void print_pending(struct json_writer *w)
{
    const struct json_pending *all = (const struct json_pending *)(const void *)w->pending.data;
    struct buf *to = &w->out->buf;
    must(w->pending.len == w->group.pending * sizeof *all);
    for (size_t i = 0; i < w->pending.len / sizeof *all; i++) {
        print_id(to, i ? ",[" : "[", all[i].event.id);
        buf_byte(to, ',');
        put_base64(to, slice(w->bytes.data + all[i].owner_at, all[i].owner_len));
        buf_printf(to, ",%" PRId64 ",%" PRIu64 "]", all[i].event.delivered_ms, all[i].event.count);
    }
}

static void close_consumer(struct json_writer *w)
{
    if (w->group_consumers)
        buf_printf(&w->consumers, "]}");
}

/* The group that was collected, if any. */
static void close_group(struct json_writer *w)
{
    if (w->groups == 0)
        return;
    must(w->group_name_at + w->group.name.len <= w->bytes.len);
    struct slice name = slice(w->bytes.data + w->group_name_at, w->group.name.len);
    out_printf(w->out, w->groups > 1 ? ",{\"name\":" : "{\"name\":");
    base64(w, name);
    print_id(&w->out->buf, ",\"last_id\":", w->group.last);
    if (w->group.entries_read < 0)
        out_printf(w->out, ",\"entries_read\":null,\"pel\":[");
    else
        out_printf(w->out, ",\"entries_read\":%" PRId64 ",\"pel\":[", w->group.entries_read);
    print_pending(w);
    close_consumer(w);
    out_printf(w->out, "],\"consumers\":[");
    out_slice(w->out, buf_slice(&w->consumers));
    out_printf(w->out, "]}");
}

static void stream_group(struct sink *s, const struct stream_group_event *e)
{
    struct json_writer *w = writer(s);
    must(w->key.type == VALUE_STREAM);
    close_group(w);
    w->groups++;
    w->group_consumers = 0;
    w->group = *e;
    buf_clear(&w->bytes);
    buf_clear(&w->pending);
    buf_clear(&w->consumers);
    w->group_name_at = keep(w, e->name);
}

static void stream_pending(struct sink *s, const struct stream_pending_event *e)
{
    struct json_pending p = {.event = *e};
    must(writer(s)->groups > 0 && writer(s)->group_consumers == 0);
    must(stream_pending_ascends(&writer(s)->pending, sizeof p, e->id));
    buf_append(&writer(s)->pending, &p, sizeof p);
}

static void stream_consumer(struct sink *s, const struct stream_consumer_event *e)
{
    struct json_writer *w = writer(s);
    must(w->groups > 0 && w->group_consumers < w->group.consumers);
    close_consumer(w);
    buf_printf(&w->consumers, w->group_consumers++ ? ",{\"name\":" : "{\"name\":");
    put_base64(&w->consumers, e->name);
    buf_printf(&w->consumers, ",\"seen_time\":%" PRId64 ",\"active_time\":%" PRId64 ",\"pel\":[",
               e->seen_ms, e->active_ms);
    w->owner_at = keep(w, e->name);
    w->owner_len = e->name.len;
    w->owned = 0;
}

static void stream_owned(struct sink *s, const struct stream_pending_event *e)
{
    struct json_writer *w = writer(s);
    must(w->group_consumers > 0);
    print_id(&w->consumers, w->owned++ ? "," : "", e->id);
    struct json_pending *p = stream_pending_find(&w->pending, sizeof *p, e->id);
    must(p); /* producers promise it */
    must(w->owner_at + w->owner_len <= w->bytes.len);
    p->owner_at = w->owner_at;
    p->owner_len = w->owner_len;
}

static void end_key(struct sink *s)
{
    struct json_writer *w = writer(s);
    if (w->key.type != VALUE_STREAM) {
        print_head(w);
        print_rows(w);
        out_printf(w->out, "}\n");
    } else {
        close_group(w);
        out_printf(w->out, "]}}\n");
    }
    out_bytes(w->out, "", 0); /* lets the stream hand on what base64 put behind its back */
    if (out_bad(w->out) && !sink_bad(s))
        s->fault = w->out->fault;
}

static const struct sink_ops json_ops = {
    .key = key,
    .item = item,
    .pair = pair,
    .score = score,
    .stream_node = stream_node,
    .stream_info = stream_info,
    .stream_group = stream_group,
    .stream_pending = stream_pending,
    .stream_consumer = stream_consumer,
    .stream_owned = stream_owned,
    .opaque = opaque,
    .end_key = end_key,
};

void json_writer_init(struct json_writer *w, struct out *out)
{
    *w = (struct json_writer){.sink = {.ops = &json_ops}, .out = out};
}

void json_writer_free(struct json_writer *w)
{
    buf_free(&w->name);
    buf_free(&w->rows);
    buf_free(&w->bytes);
    buf_free(&w->pending);
    buf_free(&w->entries);
    buf_free(&w->consumers);
}
