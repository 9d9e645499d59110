/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/val_hash.h"

#include "base/mem.h"
#include "base/must.h"
#include "base/rand.h"
#include "containers/listpack.h"
#include "store/pair.h"
#include "format/sink.h"

static const struct table_type pairs = {.key = pair_key};

static struct val packed(uint8_t *lp)
{
    return (struct val){VALUE_HASH, ENC_LISTPACK, lp};
}

struct val hash_new(void)
{
    return packed(lp_new());
}

static void to_table(struct val *v, size_t room)
{
    must(v->encoding == ENC_LISTPACK);
    uint8_t *lp = v->ptr;
    struct table *t = mem_alloc(sizeof *t);
    table_init(t, &pairs);
    table_reserve(t, room);
    char a[NUM_I64_TEXT], b[NUM_I64_TEXT];
    for (size_t at = lp_first(lp); at; at = lp_next(lp, at)) {
        struct slice field = lp_get(lp, at, a);
        at = lp_next(lp, at);
        table_add(t, pair_new(field, lp_get(lp, at, b)));
    }
    must(t->count == hash_count(v));
    mem_free(lp);
    v->encoding = ENC_TABLE;
    v->ptr = t;
}

/* Takes over a validated listpack of pairs; a table when that is over the limits. */
static struct val from_listpack(uint8_t *lp, const struct value_limits *limits)
{
    struct val v = packed(lp);
    size_t count = lp_count(lp) / 2;
    must(lp_count(lp) % 2 == 0);
    bool over = count > limits->hash_listpack_entries;
    char scratch[NUM_I64_TEXT];
    for (size_t at = lp_first(lp); at && !over; at = lp_next(lp, at))
        over = lp_get(lp, at, scratch).len > limits->hash_listpack_value;
    if (over)
        to_table(&v, count);
    return v;
}

void hash_expect(struct val *v, size_t count, const struct value_limits *limits)
{
    if (v->encoding == ENC_LISTPACK && count > limits->hash_listpack_entries)
        to_table(v, count);
}

size_t hash_count(const struct val *v)
{
    return v->encoding == ENC_LISTPACK ? lp_count(v->ptr) / 2 : ((struct table *)v->ptr)->count;
}

static size_t find_packed(const uint8_t *lp, struct slice field)
{
    size_t first = lp_first(lp);
    return first ? lp_find(lp, first, field, 1) : 0;
}

bool hash_get(const struct val *v, struct slice field, struct slice *value,
              char scratch[NUM_I64_TEXT])
{
    if (v->encoding == ENC_TABLE) {
        const struct pair *p = table_find(v->ptr, field);
        if (p)
            *value = pair_value(p);
        return p;
    }
    size_t at = find_packed(v->ptr, field);
    if (at)
        *value = lp_get(v->ptr, lp_next(v->ptr, at), scratch);
    return at;
}

static bool set_in_table(struct table *t, struct slice field, struct slice value)
{
    uint64_t hash = table_hash(t, field);
    struct pair **slot = (struct pair **)table_slot(t, field, hash), *old = slot ? *slot : NULL;
    if (!old) {
        table_add_hashed(t, pair_new(field, value), hash);
        return true;
    }
    struct slice its = pair_value(old);
    if (its.len == value.len) {
        if (value.len)
            memmove(old->bytes + (its.data - old->bytes), value.data, value.len);
        return false;
    }
    *slot = pair_new(field, value);
    mem_free_sized(old, pair_size(old));
    return false;
}

bool hash_set(struct val *v, struct slice field, struct slice value,
              const struct value_limits *limits)
{
    enum { SECOND_ELEMENT_EXTRA = 14 };
    if (v->encoding == ENC_LISTPACK &&
        (field.len > limits->hash_listpack_value || value.len > limits->hash_listpack_value ||
         !lp_fits(v->ptr, field.len + value.len + SECOND_ELEMENT_EXTRA)))
        to_table(v, hash_count(v) + 1);
    if (v->encoding == ENC_TABLE)
        return set_in_table(v->ptr, field, value);
    uint8_t *lp = v->ptr;
    size_t at = find_packed(lp, field);
    if (at) {
        v->ptr = lp_replace(lp, lp_next(lp, at), value);
        return false;
    }
    v->ptr = lp_append(lp_append(lp, field), value);
    if (hash_count(v) > limits->hash_listpack_entries)
        to_table(v, hash_count(v));
    return true;
}

bool hash_remove(struct val *v, struct slice field)
{
    if (v->encoding == ENC_TABLE) {
        struct pair *p = table_remove(v->ptr, field);
        if (p)
            mem_free_sized(p, pair_size(p));
        return p;
    }
    size_t at = find_packed(v->ptr, field);
    if (at)
        v->ptr = lp_delete(v->ptr, at, 2);
    return at;
}

void hash_random(const struct val *v, struct slice *field, struct slice *value,
                 char scratch[2 * NUM_I64_TEXT])
{
    must(hash_count(v) > 0);
    if (v->encoding == ENC_TABLE) {
        const struct pair *p = table_random(v->ptr);
        *field = pair_key(p);
        *value = pair_value(p);
        return;
    }
    size_t at = lp_at(v->ptr, (long)rand_below(hash_count(v)) * 2);
    *field = lp_get(v->ptr, at, scratch);
    *value = lp_get(v->ptr, lp_next(v->ptr, at), scratch + NUM_I64_TEXT);
}

void hash_iter_init(struct hash_iter *it, const struct val *v)
{
    must(v->type == VALUE_HASH);
    it->v = v;
    if (v->encoding == ENC_TABLE)
        table_iter_init(&it->table, v->ptr);
    else
        it->at = lp_first(v->ptr);
}

bool hash_iter_next(struct hash_iter *it, struct slice *field, struct slice *value)
{
    if (it->v->encoding == ENC_TABLE) {
        const struct pair *p = table_iter_next(&it->table);
        if (p) {
            *field = pair_key(p);
            *value = pair_value(p);
        }
        return p;
    }
    if (!it->at)
        return false;
    *field = lp_get(it->v->ptr, it->at, it->scratch);
    it->at = lp_next(it->v->ptr, it->at);
    *value = lp_get(it->v->ptr, it->at, it->scratch + NUM_I64_TEXT);
    it->at = lp_next(it->v->ptr, it->at);
    return true;
}

struct scan {
    hash_visit *visit;
    void *arg;
};

static void scan_pair(void *arg, void *item)
{
    struct scan *s = arg;
    s->visit(s->arg, pair_key(item), pair_value(item));
}

uint64_t hash_scan(const struct val *v, uint64_t cursor, hash_visit *visit, void *arg)
{
    if (v->encoding == ENC_TABLE)
        return table_scan(v->ptr, cursor, scan_pair, &(struct scan){visit, arg});
    struct hash_iter it;
    struct slice field, value;
    for (hash_iter_init(&it, v); hash_iter_next(&it, &field, &value);)
        visit(arg, field, value);
    return 0;
}

static void free_hash(struct val v)
{
    must(v.encoding == ENC_TABLE || v.encoding == ENC_LISTPACK);
    if (v.encoding == ENC_TABLE) {
        struct table_iter it;
        table_iter_init(&it, v.ptr);
        for (struct pair *p; (p = table_iter_next(&it));)
            mem_free_sized(p, pair_size(p));
        table_release(v.ptr);
    }
    mem_free(v.ptr);
}

static struct val copy_hash(const struct val *v)
{
    if (v->encoding == ENC_LISTPACK)
        return packed(mem_copy(v->ptr, lp_bytes(v->ptr)));
    must(v->encoding == ENC_TABLE);
    struct table *t = mem_alloc(sizeof *t);
    table_init(t, &pairs);
    table_reserve(t, hash_count(v));
    struct table_iter it;
    table_iter_init(&it, v->ptr);
    for (const struct pair *p; (p = table_iter_next(&it));)
        table_add(t, pair_new(pair_key(p), pair_value(p)));
    must(t->count == hash_count(v));
    return (struct val){VALUE_HASH, ENC_TABLE, t};
}

static size_t bytes_of(const struct val *v, size_t samples)
{
    if (v->encoding == ENC_LISTPACK)
        return mem_usable(v->ptr);
    return mem_usable(v->ptr) + table_memory(v->ptr) + table_items_memory(v->ptr, samples);
}

/* ---- the row ---- */

static void walk_hash(const struct val *v, struct sink *sink)
{
    if (v->encoding == ENC_LISTPACK) {
        sink_packed(sink, PACK_HASH, lp_blob(v->ptr));
        return;
    }
    struct hash_iter it;
    struct slice field, value;
    size_t walked = 0;
    for (hash_iter_init(&it, v); hash_iter_next(&it, &field, &value) && !sink_bad(sink); walked++) {
        SINK_EVENT(sink, pair, field, value, KEY_NO_EXPIRE);
    }
    must(sink_bad(sink) || walked == hash_count(v)); /* the key's event said how many */
}

static struct val load_hash(uint64_t count, const struct value_limits *limits)
{
    struct val v = hash_new();
    hash_expect(&v, count, limits);
    return v;
}

static struct val load_block(enum pack pack, uint8_t *block, const struct value_limits *limits)
{
    must(pack == PACK_HASH);
    return from_listpack(block, limits);
}

static const struct table *table_of_hash(const struct val *v)
{
    must(v->type == VALUE_HASH);
    return v->encoding == ENC_TABLE ? v->ptr : NULL;
}

const struct value_ops hash_ops = {
    .free = free_hash,
    .copy = copy_hash,
    .count = hash_count,
    .memory = bytes_of,
    .table = table_of_hash,
    .walk = walk_hash,
    .load_new = load_hash,
    .load_block = load_block,
    .load_pair = hash_set,
    .twice = "Duplicate hash field",
};
