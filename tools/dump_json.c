/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/dump_json.h"

#include <inttypes.h>
#include <math.h>

#include "base/must.h"
#include "base/num.h"
#include "format/rdb_read.h"
#include "format/stream_node.h"
#include "tools/key_filter.h"
#include "tools/say.h"

static struct dump_json *dump_of(struct sink *s)
{
    return (struct dump_json *)(void *)s;
}

static void put_bytes(struct dump_json *d, struct slice bytes)
{
    buf_clear(&d->text);
    json_bytes(&d->text, bytes);
    out_slice(d->out, buf_slice(&d->text));
}

static void put_id(struct dump_json *d, const char *before, struct stream_id id)
{
    out_printf(d->out, "%s\"%" PRIu64 "-%" PRIu64 "\"", before, id.ms, id.seq);
}

static void put_comma(struct dump_json *d, uint64_t *count)
{
    if ((*count)++)
        out_byte(d->out, ',');
}

static void aux(struct sink *s, struct slice name, struct slice value)
{
    struct dump_json *d = dump_of(s);
    if (!d->aux)
        return;
    out_printf(d->out, "{\"aux\":");
    put_bytes(d, name);
    out_printf(d->out, ",\"value\":");
    put_bytes(d, value);
    out_printf(d->out, "}\n");
}

static void function(struct sink *s, struct slice source)
{
    struct dump_json *d = dump_of(s);
    out_printf(d->out, "{\"function\":");
    put_bytes(d, source);
    out_printf(d->out, "}\n");
}

static bool key(struct sink *s, const struct key_event *e)
{
    struct dump_json *d = dump_of(s);
    char time[SAY_TIME_TEXT];
    d->keys++;
    d->type = e->type;
    d->elements = d->groups = d->carried = 0;
    d->in_parts = false;
    out_printf(d->out, "{\"db\":%u,\"key\":", e->db);
    put_bytes(d, e->name);
    out_printf(d->out, ",\"type\":\"%s\"", key_type_name(e));
    if (e->expire_ms == KEY_NO_EXPIRE)
        out_printf(d->out, ",\"expires_at\":null,\"expire_ms\":null");
    else
        out_printf(d->out, ",\"expires_at\":%s%s%s,\"expire_ms\":%" PRId64,
                   e->expire_ms < 0 ? "" : "\"", e->expire_ms < 0 ? "null"
                   : say_time(time, e->expire_ms), e->expire_ms < 0 ? "" : "\"", e->expire_ms);
    if (e->idle_s != KEY_NO_IDLE)
        out_printf(d->out, ",\"idle_s\":%" PRId64, e->idle_s);
    if (e->freq != KEY_NO_FREQ)
        out_printf(d->out, ",\"freq\":%d", e->freq);
    if (d->keys_only) {
        out_printf(d->out, "}\n");
        return false;
    }
    out_printf(d->out, ",\"value\":%s", e->type == VALUE_STRING || e->type == VALUE_MODULE ? ""
               : e->type == VALUE_STREAM ? "{\"entries\":[" : "[");
    return true;
}

static void item(struct sink *s, struct slice text)
{
    struct dump_json *d = dump_of(s);
    must(d->type != VALUE_STRING || d->elements == 0);
    put_comma(d, &d->elements);
    put_bytes(d, text);
}

/* Groups of three bytes; the rest waits for the next part. */
static void part(struct sink *s, struct slice bytes, uint64_t left)
{
    struct dump_json *d = dump_of(s);
    if (!d->in_parts)
        out_printf(d->out, "{\"base64\":\"");
    d->in_parts = left > 0;
    while (d->carried && d->carried < 3 && bytes.len) {
        d->carry[d->carried++] = (uint8_t)bytes.data[0];
        bytes = slice_from(bytes, 1);
    }
    buf_clear(&d->text);
    if (d->carried == 3 || !left) {
        json_base64(&d->text, slice(d->carry, d->carried));
        d->carried = 0;
    }
    size_t whole = left ? bytes.len - bytes.len % 3 : bytes.len;
    if (d->carried == 0) {
        json_base64(&d->text, slice(bytes.data, whole));
        bytes = slice_from(bytes, whole);
    }
    for (size_t i = 0; i < bytes.len; i++)
        d->carry[d->carried++] = (uint8_t)bytes.data[i];
    out_slice(d->out, buf_slice(&d->text));
    if (!left)
        out_printf(d->out, "\"}");
}

static void pair(struct sink *s, struct slice field, struct slice value, int64_t expire_ms)
{
    struct dump_json *d = dump_of(s);
    put_comma(d, &d->elements);
    out_byte(d->out, '[');
    put_bytes(d, field);
    out_byte(d->out, ',');
    put_bytes(d, value);
    if (expire_ms != KEY_NO_EXPIRE)
        out_printf(d->out, ",%" PRId64, expire_ms);
    out_byte(d->out, ']');
}

static void score(struct sink *s, struct slice member, double x)
{
    struct dump_json *d = dump_of(s);
    char number[NUM_DOUBLE_TEXT];
    size_t n = num_format_double(number, x);
    const char *quote = isinf(x) ? "\"" : "";
    put_comma(d, &d->elements);
    out_byte(d->out, '[');
    put_bytes(d, member);
    out_printf(d->out, ",%s%.*s%s]", quote, (int)n, number, quote);
}

/* ---- streams ---- */

static void put_entry(struct dump_json *d, struct stream_entry *e)
{
    struct slice name, value;
    put_comma(d, &d->elements);
    put_id(d, "[", e->id);
    out_printf(d->out, ",[");
    for (const char *open = "["; stream_node_field(e, &name, &value); open = ",[") {
        out_printf(d->out, "%s", open);
        put_bytes(d, name);
        out_byte(d->out, ',');
        put_bytes(d, value);
        out_byte(d->out, ']');
    }
    out_printf(d->out, "]]");
}

static void stream_node(struct sink *s, struct stream_id master, struct slice listpack)
{
    struct stream_entry e;
    stream_node_start(&e, master, listpack);
    while (stream_node_next(&e))
        put_entry(dump_of(s), &e);
}

static void stream_info(struct sink *s, const struct stream_info_event *e)
{
    struct dump_json *d = dump_of(s);
    out_printf(d->out, "],\"length\":%" PRIu64, e->length);
    put_id(d, ",\"last_id\":", e->last);
    put_id(d, ",\"first_id\":", e->first);
    put_id(d, ",\"max_deleted_id\":", e->max_deleted);
    out_printf(d->out, ",\"entries_added\":%" PRIu64 ",\"groups\":[", e->entries_added);
}

static void close_group(struct dump_json *d)
{
    if (d->groups)
        out_printf(d->out, "%s]}", d->consumers ? "]}" : "],\"consumers\":[");
}

static void stream_group(struct sink *s, const struct stream_group_event *e)
{
    struct dump_json *d = dump_of(s);
    close_group(d);
    put_comma(d, &d->groups);
    d->group_items = d->consumers = 0;
    out_printf(d->out, "{\"name\":");
    put_bytes(d, e->name);
    put_id(d, ",\"last_id\":", e->last);
    if (e->entries_read < 0)
        out_printf(d->out, ",\"entries_read\":null,\"pending\":[");
    else
        out_printf(d->out, ",\"entries_read\":%" PRId64 ",\"pending\":[", e->entries_read);
}

static void stream_pending(struct sink *s, const struct stream_pending_event *e)
{
    struct dump_json *d = dump_of(s);
    put_comma(d, &d->group_items);
    put_id(d, "[", e->id);
    out_printf(d->out, ",%" PRId64 ",%" PRIu64 "]", e->delivered_ms, e->count);
}

static void stream_consumer(struct sink *s, const struct stream_consumer_event *e)
{
    struct dump_json *d = dump_of(s);
    out_printf(d->out, d->consumers++ ? "]},{\"name\":" : "],\"consumers\":[{\"name\":");
    put_bytes(d, e->name);
    out_printf(d->out, ",\"seen_ms\":%" PRId64, e->seen_ms);
    if (e->active_ms < 0)
        out_printf(d->out, ",\"active_ms\":null,\"pending\":[");
    else
        out_printf(d->out, ",\"active_ms\":%" PRId64 ",\"pending\":[", e->active_ms);
    d->owned = 0;
}

static void stream_owned(struct sink *s, const struct stream_pending_event *e)
{
    struct dump_json *d = dump_of(s);
    put_comma(d, &d->owned);
    put_id(d, "", e->id);
}

static void opaque(struct sink *s, uint8_t rdb_type, uint64_t module_id, struct slice bytes)
{
    struct dump_json *d = dump_of(s);
    char name[10];
    if (rdb_type == RDB_ARRAY)
        out_printf(d->out, "{\"bytes\":");
    else
        out_printf(d->out, "{\"module\":\"%s\",\"bytes\":", rdb_module_name(module_id, name));
    put_bytes(d, bytes);
    out_byte(d->out, '}');
}

static void end_key(struct sink *s)
{
    struct dump_json *d = dump_of(s);
    if (d->type == VALUE_STREAM) {
        close_group(d);
        out_printf(d->out, "]}");
    } else if (d->type != VALUE_STRING && d->type != VALUE_MODULE) {
        out_byte(d->out, ']');
    }
    out_printf(d->out, "}\n");
    if (out_bad(d->out) && !sink_bad(s))
        s->fault = d->out->fault;
}

static const struct sink_ops ops = {
    .aux = aux,
    .function = function,
    .key = key,
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
    .opaque = opaque,
    .end_key = end_key,
};

void dump_json_init(struct dump_json *d, struct out *out)
{
    *d = (struct dump_json){.sink = {.ops = &ops}, .out = out};
}

void dump_json_free(struct dump_json *d)
{
    buf_free(&d->text);
}
