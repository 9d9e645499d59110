/* SPDX-License-Identifier: BSD-3-Clause */
/* Every part goes in with its length in front, so that no two values look alike when their parts
 * are cut differently. */
#include "format/digest.h"

#include <stdio.h>

#include "base/bytes.h"
#include "base/sha.h"

static struct digest *digest_of(struct sink *sink)
{
    return (struct digest *)(void *)sink;
}

static void put_u64(struct buf *b, uint64_t n)
{
    store_le64(buf_reserve(b, 8), n);
    b->len += 8;
}

static void put_text(struct buf *b, struct slice text)
{
    put_u64(b, text.len);
    buf_add(b, text);
}

static void mix(uint8_t to[DIGEST_BYTES], struct slice bytes)
{
    uint8_t hash[DIGEST_BYTES];
    sha1(bytes, hash);
    for (int i = 0; i < DIGEST_BYTES; i++)
        to[i] ^= hash[i];
}

static void mix_element(struct digest *d)
{
    mix(d->members, buf_slice(&d->element));
}

static bool on_key(struct sink *sink, const struct key_event *key)
{
    struct digest *d = digest_of(sink);
    buf_clear(&d->key);
    memset(d->members, 0, sizeof d->members);
    put_u64(&d->key, key->type);
    put_u64(&d->key, (uint64_t)key->expire_ms);
    if (!d->nameless) {
        put_u64(&d->key, key->db);
        put_text(&d->key, key->name);
    }
    d->ordered = key->type != VALUE_SET;
    return true;
}

static void on_item(struct sink *sink, struct slice text)
{
    struct digest *d = digest_of(sink);
    if (d->ordered) {
        put_text(&d->key, text);
    } else {
        buf_clear(&d->element);
        put_text(&d->element, text);
        mix_element(d);
    }
}

static void on_pair(struct sink *sink, struct slice field, struct slice value, int64_t expire_ms)
{
    struct digest *d = digest_of(sink);
    buf_clear(&d->element);
    put_text(&d->element, field);
    put_text(&d->element, value);
    put_u64(&d->element, (uint64_t)expire_ms);
    mix_element(d);
}

static void on_score(struct sink *sink, struct slice member, double score)
{
    struct digest *d = digest_of(sink);
    buf_clear(&d->element);
    put_text(&d->element, member);
    store_le_double(buf_reserve(&d->element, 8), score == 0 ? 0 : score); /* -0 is 0 when packed */
    d->element.len += 8;
    mix_element(d);
}

static void put_id(struct buf *b, struct stream_id id)
{
    put_u64(b, id.ms);
    put_u64(b, id.seq);
}

static void on_stream_node(struct sink *sink, struct stream_id master, struct slice listpack)
{
    struct digest *d = digest_of(sink);
    put_id(&d->key, master);
    put_text(&d->key, listpack);
}

static void on_stream_info(struct sink *sink, const struct stream_info_event *e)
{
    struct digest *d = digest_of(sink);
    put_u64(&d->key, e->length);
    put_id(&d->key, e->last);
    put_id(&d->key, e->max_deleted);
    put_u64(&d->key, e->entries_added);
}

static void on_stream_group(struct sink *sink, const struct stream_group_event *e)
{
    struct digest *d = digest_of(sink);
    put_text(&d->key, e->name);
    put_id(&d->key, e->last);
    put_u64(&d->key, (uint64_t)e->entries_read);
}

static void on_stream_pending(struct sink *sink, const struct stream_pending_event *e)
{
    struct digest *d = digest_of(sink);
    put_id(&d->key, e->id);
    put_u64(&d->key, (uint64_t)e->delivered_ms);
    put_u64(&d->key, e->count);
}

static void on_stream_consumer(struct sink *sink, const struct stream_consumer_event *e)
{
    put_text(&digest_of(sink)->key, e->name);
}

static void on_stream_owned(struct sink *sink, struct stream_id id)
{
    put_id(&digest_of(sink)->key, id);
}

static void on_stream_rest(struct sink *sink, uint8_t rdb_type, struct slice bytes)
{
    struct digest *d = digest_of(sink);
    put_u64(&d->key, rdb_type);
    put_text(&d->key, bytes);
}

static void on_opaque(struct sink *sink, uint8_t rdb_type, uint64_t module_id, struct slice bytes)
{
    struct digest *d = digest_of(sink);
    put_u64(&d->key, rdb_type);
    put_u64(&d->key, module_id);
    put_text(&d->key, bytes);
}

static void on_function(struct sink *sink, struct slice source)
{
    struct digest *d = digest_of(sink);
    buf_clear(&d->element);
    buf_add(&d->element, SLICE_LIT("function"));
    put_text(&d->element, source);
    mix(d->total, buf_slice(&d->element));
}

static void on_end_key(struct sink *sink)
{
    struct digest *d = digest_of(sink);
    buf_append(&d->key, d->members, sizeof d->members);
    mix(d->total, buf_slice(&d->key));
}

static const struct sink_ops digest_ops = {
    .function = on_function,
    .key = on_key,
    .item = on_item,
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
};

void digest_init(struct digest *d)
{
    *d = (struct digest){0};
    d->sink.ops = &digest_ops;
}

void digest_free(struct digest *d)
{
    buf_free(&d->key);
    buf_free(&d->element);
}

void digest_hex(const struct digest *d, char out[DIGEST_HEX])
{
    for (int i = 0; i < DIGEST_BYTES; i++)
        snprintf(out + 2 * i, 3, "%02x", d->total[i]);
}
