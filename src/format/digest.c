/* SPDX-License-Identifier: BSD-3-Clause */
/* The parts of a key form a chain: each one's hash is seeded by what came before it, so that where
 * parts are cut, how many there are and their order all count, and nothing needs to be copied
 * together:
 *
 *   head (type, database, expiry) -> name -> ordered parts ... -> sum of the unordered elements
 *
 * An unordered element is a chain of its own. Speed matters: a digest is computed with every save
 * and load, and a small string must not cost more than two short hashes. */
#include "format/digest.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/bytes.h"
#include "base/must.h"
#include "format/rdb.h"
#include "format/stream_node.h"

/* Odd numbers without a pattern; part of the format. */
#define MIX_EXPIRE 0x9e3779b97f4a7c15u
#define MIX_HEAD 0xd6e8feb86659fd93u
#define MIX_CHAIN 0xc2b2ae3d27d4eb4fu
#define SEED_ELEMENT 0x165667b19e3779f9u
#define SEED_FUNCTION 0x27d4eb2f165667c5u

static struct digest *digest_of(struct sink *sink)
{
    return (struct digest *)(void *)sink;
}

/* ---- chains and sums ---- */

static inline void chain(struct hash128 *to, const void *data, size_t len)
{
    struct hash128 next = hash_fixed128(data, len, to->low);
    to->low = next.low;
    to->high = to->high * MIX_CHAIN ^ next.high;
}

static inline void chain_text(struct hash128 *to, struct slice text)
{
    chain(to, text.data, text.len);
}

/* The first part of a chain that has another for sure: 64 bits are enough to pass on. */
static inline struct hash128 chain_from(uint64_t seed, struct slice text)
{
    return (struct hash128){.low = hash_fixed64(text.data, text.len, seed)};
}

static void chain_u64(struct hash128 *to, uint64_t n)
{
    uint8_t bytes[8];
    store_le64(bytes, n);
    chain(to, bytes, sizeof bytes);
}

static void chain_id(struct hash128 *to, struct stream_id id)
{
    chain_u64(to, id.ms);
    chain_u64(to, id.seq);
}

static inline void sum(struct hash128 *to, struct hash128 more)
{
    to->low += more.low;
    to->high += more.high + (to->low < more.low);
}

/* ---- events ---- */

static bool on_key(struct sink *sink, const struct key_event *key)
{
    struct digest *d = digest_of(sink);
    must(key->type <= VALUE_MODULE); /* the part of the head that is the type's */
    uint64_t head = (uint64_t)key->type | (d->nameless ? 0 : (uint64_t)key->db << 8);
    d->members = (struct hash128){0};
    if (d->pieces)
        hash_pieces_end(d->pieces);
    d->pieces = NULL;
    uint64_t seed = (uint64_t)key->expire_ms * MIX_EXPIRE + head * MIX_HEAD;
    d->key = d->nameless ? (struct hash128){.low = seed} : chain_from(seed, key->name);
    d->ordered = key->type != VALUE_SET;
    d->brief = key->type == VALUE_STREAM && key->rdb_type == RDB_STREAM_1;
    return true;
}

static void on_item(struct sink *sink, struct slice text)
{
    struct digest *d = digest_of(sink);
    if (d->ordered) {
        chain_text(&d->key, text);
    } else {
        struct hash128 element = {.low = SEED_ELEMENT};
        chain_text(&element, text);
        sum(&d->members, element);
    }
}

/* What chain_text would make of the whole. */
static void on_part(struct sink *sink, struct slice bytes, uint64_t left)
{
    struct digest *d = digest_of(sink);
    if (!d->pieces)
        d->pieces = hash_pieces_begin(d->key.low);
    must(d->ordered); /* it is a string's */
    hash_pieces_add(d->pieces, bytes.data, bytes.len);
    if (left)
        return;
    struct hash128 next = hash_pieces_end(d->pieces);
    d->pieces = NULL;
    d->key.low = next.low;
    d->key.high = d->key.high * MIX_CHAIN ^ next.high;
}

static void on_pair(struct sink *sink, struct slice field, struct slice value, int64_t expire_ms)
{
    uint64_t seed = SEED_ELEMENT + (uint64_t)expire_ms * MIX_EXPIRE;
    struct hash128 element = chain_from(seed, field);
    chain_text(&element, value);
    sum(&digest_of(sink)->members, element);
}

static void on_score(struct sink *sink, struct slice member, double score)
{
    struct hash128 element = chain_from(SEED_ELEMENT, member);
    uint8_t bytes[8];
    store_le_double(bytes, score == 0 ? 0 : score); /* -0 is 0 when packed */
    chain(&element, bytes, sizeof bytes);
    sum(&digest_of(sink)->members, element);
}

static void chain_entries(struct hash128 *to, struct stream_id master, struct slice listpack)
{
    struct stream_entry e;
    struct slice name, value;
    stream_node_start(&e, master, listpack);
    while (stream_node_next(&e)) {
        chain_id(to, e.id);
        chain_u64(to, (uint64_t)e.fields);
        while (stream_node_field(&e, &name, &value)) {
            chain_text(to, name);
            chain_text(to, value);
        }
    }
}

static void on_stream_node(struct sink *sink, struct stream_id master, struct slice listpack)
{
    struct digest *d = digest_of(sink);
    if (d->by_entries) {
        chain_entries(&d->key, master, listpack);
        return;
    }
    chain_id(&d->key, master);
    chain_text(&d->key, listpack);
}

static void on_stream_info(struct sink *sink, const struct stream_info_event *e)
{
    struct digest *d = digest_of(sink);
    chain_u64(&d->key, e->length);
    chain_id(&d->key, e->last);
    if (d->brief)
        return;
    chain_id(&d->key, e->max_deleted);
    chain_u64(&d->key, e->entries_added);
}

static void on_stream_group(struct sink *sink, const struct stream_group_event *e)
{
    struct digest *d = digest_of(sink);
    chain_text(&d->key, e->name);
    chain_id(&d->key, e->last);
    if (!d->brief)
        chain_u64(&d->key, (uint64_t)e->entries_read);
}

static void on_stream_pending(struct sink *sink, const struct stream_pending_event *e)
{
    struct digest *d = digest_of(sink);
    chain_id(&d->key, e->id);
    chain_u64(&d->key, (uint64_t)e->delivered_ms);
    chain_u64(&d->key, e->count);
}

static void on_stream_consumer(struct sink *sink, const struct stream_consumer_event *e)
{
    chain_text(&digest_of(sink)->key, e->name);
}

static void on_stream_owned(struct sink *sink, const struct stream_pending_event *e)
{
    chain_id(&digest_of(sink)->key, e->id);
}

static void on_stream_rest(struct sink *sink, uint8_t rdb_type, struct slice bytes)
{
    struct digest *d = digest_of(sink);
    chain_u64(&d->key, rdb_type);
    chain_text(&d->key, bytes);
}

static void on_opaque(struct sink *sink, uint8_t rdb_type, uint64_t module_id, struct slice bytes)
{
    struct digest *d = digest_of(sink);
    chain_u64(&d->key, rdb_type);
    chain_u64(&d->key, module_id);
    chain_text(&d->key, bytes);
}

static void on_function(struct sink *sink, struct slice source)
{
    struct hash128 function = {.low = SEED_FUNCTION};
    chain_text(&function, source);
    sum(&digest_of(sink)->total, function);
}

static void on_end_key(struct sink *sink)
{
    struct digest *d = digest_of(sink);
    if (d->members.low | d->members.high) {
        chain_u64(&d->key, d->members.low);
        chain_u64(&d->key, d->members.high);
    }
    sum(&d->total, d->key);
}

static const struct sink_ops digest_ops = {
    .function = on_function,
    .key = on_key,
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
};

void digest_init(struct digest *d)
{
    *d = (struct digest){0};
    d->sink.ops = &digest_ops;
}

void digest_free(struct digest *d)
{
    if (d->pieces) /* of a string whose reader failed */
        hash_pieces_end(d->pieces);
    d->pieces = NULL;
}

void digest_add(struct digest *d, struct hash128 more)
{
    sum(&d->total, more);
}

struct hash128 digest_between(struct hash128 before, struct hash128 after)
{
    struct hash128 d = {.low = after.low - before.low, .high = after.high - before.high};
    d.high -= after.low < before.low;
    return d;
}

void digest_hex(const struct digest *d, char out[DIGEST_HEX])
{
    int len = snprintf(out, DIGEST_HEX, "%024" PRIx64 "%016" PRIx64, d->total.high, d->total.low);
    must(len == DIGEST_DIGITS);
}

const char *digest_text(const struct digest *d, char out[DIGEST_HEX])
{
    digest_hex(d, out);
    return out + DIGEST_DIGITS - DIGEST_TEXT;
}
