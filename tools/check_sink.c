/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/check_sink.h"

#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/must.h"
#include "base/num.h"
#include "containers/listpack.h"
#include "format/rdb_block.h"
#include "tools/say.h"

enum { SLOTS_MIN = 64, SLOTS_MAX = 1 << 19 }; /* 4 MiB: a quarter of a million elements */
enum { VALUE_HELD = 4 << 20 }; /* each thread may have such a value */

static struct check_sink *check(struct sink *s)
{
    return (struct check_sink *)(void *)s;
}

/* ---- elements that are there twice ---- */

static void tell_twice(struct check_sink *c)
{
    if (c->told)
        return;
    struct fault printable = {0};
    c->told = true;
    c->twice_count++;
    fault_set_key(&printable, buf_slice(&c->name));
    memcpy(c->now.key, printable.key, sizeof c->now.key);
    if (c->twice.len / sizeof c->now < CHECK_TWICE_NAMED)
        buf_append(&c->twice, &c->now, sizeof c->now);
}

static void make_slots(struct check_sink *c, size_t size)
{
    if (size > c->cap) {
        mem_free(c->slots);
        c->slots = mem_alloc(size * sizeof *c->slots);
        c->cap = size;
    }
    memset(c->slots, 0, size * sizeof *c->slots);
    c->size = size;
}

static bool insert(struct check_sink *c, uint64_t hash)
{
    size_t i = (size_t)hash & (c->size - 1);
    while (c->slots[i] && c->slots[i] != hash)
        i = (i + 1) & (c->size - 1);
    bool fresh = c->slots[i] == 0;
    c->slots[i] = hash;
    return fresh;
}

static void grow(struct check_sink *c)
{
    uint64_t *old = c->slots;
    size_t n = c->size;
    c->slots = NULL;
    c->cap = 0;
    make_slots(c, n * 4);
    for (size_t i = 0; i < n; i++)
        if (old[i])
            insert(c, old[i]);
    mem_free(old);
}

/* From here on they go to files. */
static void spill(struct check_sink *c)
{
    c->many = key_twice_new(VALUE_HELD);
    key_feed_begin(&c->many_feed, c->many);
    for (size_t i = 0; i < c->size; i++)
        if (c->slots[i])
            key_feed_add(&c->many_feed, c->slots[i], 0);
    c->spilled = true;
}

static void element(struct check_sink *c, struct slice text)
{
    uint64_t hash = hash_fixed64(text.data, text.len, c->seed);
    hash += hash == 0;
    if (c->elements++ == 0)
        make_slots(c, SLOTS_MIN);
    if (!c->spilled && c->elements * 2 > c->size) {
        if (c->size >= SLOTS_MAX)
            spill(c);
        else
            grow(c);
    }
    if (c->spilled)
        key_feed_add(&c->many_feed, hash, c->elements);
    else if (!insert(c, hash))
        tell_twice(c);
}

static void end_spill(struct check_sink *c)
{
    struct twice_key any;
    struct fault f = {0};
    key_feed_end(&c->many_feed);
    if (key_twice_find(c->many, &f) && key_twice_next(c->many, &any, &f))
        tell_twice(c);
    if (fault_is(&f) && !fault_is(&c->unsearched))
        c->unsearched = f;
    key_twice_free(c->many);
    c->many = NULL;
    c->spilled = false;
}

/* ---- events ---- */

static bool on_key(struct sink *s, const struct key_event *key)
{
    struct check_sink *c = check(s);
    c->type = key->type;
    c->elements = c->bytes = 0;
    c->told = c->is_foreign = false;
    c->now.db = key->db;
    c->now.at = c->base + key->offset;
    if (key->type == VALUE_SET || key->type == VALUE_HASH || key->type == VALUE_ZSET) {
        buf_clear(&c->name);
        buf_add(&c->name, key->name);
    }
    if (c->many) { /* the one before broke off */
        key_feed_end(&c->many_feed);
        key_twice_free(c->many);
        c->many = NULL;
        c->spilled = false;
    }
    c->keys++;
    c->of_type[key->type]++;
    bool expires = key->expire_ms != KEY_NO_EXPIRE;
    c->expires += expires;
    c->already_expired += expires && key->expire_ms < c->now_ms;
    c->memory += 40 + key->name.len + (expires ? 24 : 0);
    if (c->feed)
        key_feed_add(c->feed, key_twice_hash(key->name, key->db), c->now.at);
    return sink_key(&c->digest.sink, key);
}

static bool on_packed(struct sink *s, enum pack pack, struct slice bytes)
{
    struct check_sink *c = check(s);
    if (pack == PACK_HASH_TTL)
        return false; /* its fields come one by one: has one of them an expiry? */
    c->memory += bytes.len + (pack == PACK_LIST ? 48 : 16);
    sink_packed(&c->digest.sink, pack, bytes);
    return true;
}

static void on_item(struct sink *s, struct slice text)
{
    struct check_sink *c = check(s);
    int64_t n;
    if (c->type == VALUE_SET)
        element(c, text);
    else if (c->type == VALUE_STRING)
        c->memory += text.len < NUM_I64_TEXT && num_parse_i64(text, &n) ? 8 : text.len;
    else
        c->memory += text.len + 4;
    c->bytes += text.len;
    SINK_EVENT(&c->digest.sink, item, text);
}

static void on_part(struct sink *s, struct slice text, uint64_t left)
{
    check(s)->memory += text.len;
    SINK_EVENT(&check(s)->digest.sink, part, text, left);
}

static void on_pair(struct sink *s, struct slice field, struct slice value, int64_t expire_ms)
{
    struct check_sink *c = check(s);
    element(c, field);
    c->bytes += field.len + value.len;
    c->is_foreign = c->is_foreign || expire_ms > 0;
    SINK_EVENT(&c->digest.sink, pair, field, value, expire_ms);
}

static void on_score(struct sink *s, struct slice member, double score)
{
    struct check_sink *c = check(s);
    element(c, member);
    c->bytes += member.len;
    SINK_EVENT(&c->digest.sink, score, member, score);
}

static void on_node(struct sink *s, struct stream_id master, struct slice listpack)
{
    check(s)->memory += listpack.len + 100;
    SINK_EVENT(&check(s)->digest.sink, stream_node, master, listpack);
}

static void on_info(struct sink *s, const struct stream_info_event *e)
{
    SINK_EVENT(&check(s)->digest.sink, stream_info, e);
}

static void on_group(struct sink *s, const struct stream_group_event *e)
{
    check(s)->memory += e->name.len + 100;
    SINK_EVENT(&check(s)->digest.sink, stream_group, e);
}

static void on_pending(struct sink *s, const struct stream_pending_event *e)
{
    check(s)->memory += 40;
    SINK_EVENT(&check(s)->digest.sink, stream_pending, e);
}

static void on_consumer(struct sink *s, const struct stream_consumer_event *e)
{
    check(s)->memory += e->name.len + 60;
    SINK_EVENT(&check(s)->digest.sink, stream_consumer, e);
}

static void on_owned(struct sink *s, const struct stream_pending_event *e)
{
    SINK_EVENT(&check(s)->digest.sink, stream_owned, e);
}

static void on_rest(struct sink *s, uint8_t rdb_type, struct slice bytes)
{
    check(s)->is_foreign = true;
    SINK_EVENT(&check(s)->digest.sink, stream_rest, rdb_type, bytes);
}

static void on_opaque(struct sink *s, uint8_t rdb_type, uint64_t module_id, struct slice bytes)
{
    check(s)->memory += bytes.len * 2;
    check(s)->is_foreign = true;
    SINK_EVENT(&check(s)->digest.sink, opaque, rdb_type, module_id, bytes);
}

/* Few short elements are packed, as by the default limits. */
static uint64_t table_memory(const struct check_sink *c)
{
    enum { PACKED_MAX = 128, SHORT = 64, ELEMENT = 40, MEMBER = 90 };
    if (c->elements <= PACKED_MAX && c->bytes / c->elements <= SHORT)
        return c->bytes + 4 * c->elements;
    return c->bytes + c->elements * (c->type == VALUE_ZSET ? MEMBER : ELEMENT);
}

static void on_end_key(struct sink *s)
{
    struct check_sink *c = check(s);
    if (c->elements)
        c->memory += table_memory(c);
    if (c->many)
        end_spill(c);
    c->foreign += c->is_foreign;
    sink_end_key(&c->digest.sink);
}

static void keep(char *to, size_t size, const char *before, struct slice text)
{
    struct buf plain = {0};
    snprintf(to, size, "%s%s", before, say_text(&plain, text, size));
    buf_free(&plain);
}

static void on_aux(struct sink *s, struct slice name, struct slice value)
{
    struct check_sink *c = check(s);
    int64_t seconds;
    if (slice_eq_nocase(name, "redis-ver"))
        keep(c->writer, sizeof c->writer, "Redis ", value);
    else if (slice_eq_nocase(name, "valkey-ver"))
        keep(c->writer, sizeof c->writer, "Valkey ", value);
    else if (slice_eq_nocase(name, "ctime") && num_parse_i64(value, &seconds) &&
             seconds >= 0 && seconds < INT32_MAX * 4LL)
        c->made_ms = seconds * 1000;
    else if (slice_eq_str(name, RDB_AUX_DIGEST))
        keep(c->digest_told, sizeof c->digest_told, "", value);
    else if (slice_eq_str(name, RDB_AUX_INTEGRITY))
        keep(c->integrity, sizeof c->integrity, "", value);
}

static void on_function(struct sink *s, struct slice code)
{
    struct check_sink *c = check(s);
    c->functions++;
    SINK_EVENT(&c->digest.sink, function, code);
    if (c->library)
        c->library(c->library_arg, code);
}

static const struct sink_ops ops = {
    .aux = on_aux, .function = on_function, .key = on_key, .packed = on_packed,
    .item = on_item, .part = on_part, .pair = on_pair, .score = on_score,
    .stream_node = on_node, .stream_info = on_info,
    .stream_group = on_group, .stream_pending = on_pending, .stream_consumer = on_consumer,
    .stream_owned = on_owned, .stream_rest = on_rest, .opaque = on_opaque, .end_key = on_end_key};

void check_sink_init(struct check_sink *c, int64_t now_ms)
{
    *c = (struct check_sink){.sink.ops = &ops, .now_ms = now_ms, .made_ms = -1};
    c->seed = hash_bytes(&(uint64_t){0}, sizeof c->seed);
    digest_init(&c->digest);
}

void check_sink_free(struct check_sink *c)
{
    if (c->many) {
        key_feed_end(&c->many_feed);
        key_twice_free(c->many);
    }
    digest_free(&c->digest);
    buf_free(&c->twice);
    buf_free(&c->name);
    mem_free(c->slots);
}

static void take_text(char *to, const char *from, size_t size)
{
    if (*from)
        memcpy(to, from, size);
}

void check_sink_add(struct check_sink *to, const struct check_sink *more)
{
    digest_add(&to->digest, more->digest.total);
    to->keys += more->keys;
    to->expires += more->expires;
    to->already_expired += more->already_expired;
    to->functions += more->functions;
    for (int i = 0; i < CHECK_TYPES; i++)
        to->of_type[i] += more->of_type[i];
    to->memory += more->memory;
    to->foreign += more->foreign;
    take_text(to->writer, more->writer, sizeof to->writer);
    take_text(to->digest_told, more->digest_told, sizeof to->digest_told);
    take_text(to->integrity, more->integrity, sizeof to->integrity);
    to->made_ms = more->made_ms >= 0 ? more->made_ms : to->made_ms;
    buf_add(&to->twice, buf_slice(&more->twice));
    to->twice_count += more->twice_count;
    if (fault_is(&more->unsearched))
        to->unsearched = more->unsearched;
}
