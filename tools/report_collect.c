/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/report_collect.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "format/stream_node.h"
#include "tools/key_filter.h"

enum { SMALL_STRING = 64, STREAM_NODE = 24, ENTRY_LESS = 4, GROUP = 320, CONSUMER = 96,
       PENDING = 48 };

const char *const report_ttl_names[REPORT_TTLS] = {"none", "expired", "<1m", "<1h", "<1d", "<7d",
                                                   "<30d", "more"};

const char *report_type_name(unsigned type)
{
    struct key_event e = {.type = (enum value_type)type};
    return key_type_name(&e);
}

static struct report *report_of(struct sink *s)
{
    return (struct report *)(void *)s;
}

/* ---- the largest ---- */

static uint64_t measure_of(const struct report_top *t, const struct report_key *k)
{
    return t->measure == BY_MEMORY ? k->memory : t->measure == BY_ELEMENTS ? k->elements : k->bytes;
}

static void sift_down(struct report_top *t, size_t at)
{
    for (size_t least = at;; at = least) {
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < t->count; child++)
            if (measure_of(t, &t->keys[child]) < measure_of(t, &t->keys[least]))
                least = child;
        if (least == at)
            return;
        struct report_key held = t->keys[at];
        t->keys[at] = t->keys[least];
        t->keys[least] = held;
    }
}

static void offer(struct report_top *t, const struct report_key *k)
{
    must(t->count <= t->max);
    if (t->count < t->max) {
        t->keys[t->count++] = *k;
        if (t->count == t->max)
            for (size_t i = t->max / 2; i-- > 0;)
                sift_down(t, i);
    } else if (t->max && measure_of(t, k) > measure_of(t, &t->keys[0])) {
        t->keys[0] = *k;
        sift_down(t, 0);
    }
}

static int compare_keys(const struct report_key *x, const struct report_key *y, uint64_t a,
                        uint64_t b)
{
    if (a != b)
        return a > b ? -1 : 1;
    return slice_cmp(slice(x->name, x->name_len), slice(y->name, y->name_len));
}
static int by_memory(const void *a, const void *b)
{
    const struct report_key *x = a, *y = b;
    return compare_keys(x, y, x->memory, y->memory);
}
static int by_elements(const void *a, const void *b)
{
    const struct report_key *x = a, *y = b;
    return compare_keys(x, y, x->elements, y->elements);
}
static int by_bytes(const void *a, const void *b)
{
    const struct report_key *x = a, *y = b;
    return compare_keys(x, y, x->bytes, y->bytes);
}

static void order(struct report_top *t)
{
    static int (*const orders[])(const void *, const void *) = {by_memory, by_elements, by_bytes};
    if (t->count)
        qsort(t->keys, t->count, sizeof *t->keys, orders[t->measure]);
}

/* ---- names, until it is known what separates their parts ---- */

static void count_waiting(struct report *r)
{
    struct report_sums sums;
    uint32_t len;
    for (struct slice rest = buf_slice(&r->waiting); rest.len;) {
        memcpy(&len, rest.data, sizeof len);
        memcpy(&sums, rest.data + sizeof len, sizeof sums);
        rest = slice_from(rest, sizeof len + sizeof sums);
        report_tree_add(&r->tree, slice(rest.data, len), &sums);
        rest = slice_from(rest, len);
    }
    buf_free(&r->waiting);
}

static void separate(struct report *r)
{
    char found[TREE_SEPARATORS + 1];
    must(!r->separated);
    report_separators_find(&r->seen, found);
    report_tree_separators(&r->tree, found);
    r->separated = true;
    count_waiting(r);
}

static void count_prefixes(struct report *r, const struct report_sums *sums)
{
    struct slice name = slice(r->key.name, r->key.name_len);
    if (r->separated) {
        report_tree_add(&r->tree, name, sums);
        return;
    }
    uint32_t len = r->key.name_len;
    buf_append(&r->waiting, &len, sizeof len);
    buf_append(&r->waiting, sums, sizeof *sums);
    buf_add(&r->waiting, name);
    report_separators_add(&r->seen, name);
    if (r->seen.names == REPORT_SAMPLE)
        separate(r);
}

/* ---- near a limit ---- */

static const unsigned steps_of_100[NEAR_STEPS] = {125, 150, 200, 300, 400, 800};

static uint64_t limit_of(const struct report_limits *l, enum near_kind kind)
{
    const uint64_t limits[] = {l->hash_entries, l->hash_value, l->set_entries,
                               l->set_value, l->zset_entries, l->zset_value};
    return limits[kind];
}

uint64_t report_near_limit(const struct report_limits *l, enum near_kind kind, unsigned step)
{
    return limit_of(l, kind) * steps_of_100[step] / 100;
}

/* Longer listpacks would cost more time than they save memory. */
enum { NEAR_LIMIT_MAX = 1024 };

/* One of the two limits must be what keeps it from being packed. */
static void count_near(struct report *r)
{
    enum near_kind entries = r->value.type == VALUE_HASH ? NEAR_HASH_ENTRIES
                             : r->value.type == VALUE_SET ? NEAR_SET_ENTRIES : NEAR_ZSET_ENTRIES;
    enum near_kind widest = (enum near_kind)(entries + 1);
    bool many = r->value.elements > limit_of(&r->limits, entries);
    bool wide = r->value.widest > limit_of(&r->limits, widest);
    uint64_t packed = report_value_packed(&r->value);
    if (many == wide || packed >= r->key.memory)
        return;
    enum near_kind kind = many ? entries : widest;
    uint64_t needs = many ? r->value.elements : r->value.widest;
    for (unsigned step = 0; step < NEAR_STEPS; step++)
        if (needs <= report_near_limit(&r->limits, kind, step) &&
            report_near_limit(&r->limits, kind, step) <= NEAR_LIMIT_MAX) {
            r->near[kind].keys[step]++;
            r->near[kind].saving[step] += r->key.memory - packed;
            return;
        }
}

/* ---- a key ---- */

static unsigned ttl_of(const struct report *r)
{
    static const int64_t seconds[] = {60, 3600, 86400, 7 * 86400, 30 * 86400};
    int64_t left = r->key.expire_ms - r->now_ms;
    if (r->key.expire_ms == KEY_NO_EXPIRE)
        return 0;
    if (left <= 0)
        return 1;
    unsigned i = 0;
    while (i < 5 && left >= seconds[i] * 1000)
        i++;
    return 2 + i;
}

static void add_totals(struct report_totals *t, const struct report_key *k)
{
    t->keys++;
    t->elements += k->elements;
    t->bytes += k->bytes;
    t->memory += k->memory;
    t->expiring += k->expire_ms != KEY_NO_EXPIRE;
}

static bool on_key(struct sink *s, const struct key_event *e)
{
    struct report *r = report_of(s);
    size_t n = e->name.len < REPORT_NAME_MAX ? e->name.len : REPORT_NAME_MAX;
    r->key = (struct report_key){.db = e->db, .type = e->type, .expire_ms = e->expire_ms,
                                 .name_bytes = e->name.len, .name_len = (uint32_t)n};
    if (n)
        memcpy(r->key.name, e->name.data, n);
    report_value_begin(&r->value, e);
    return true;
}

static void on_item(struct sink *s, struct slice text)
{
    report_value_item(&report_of(s)->value, text);
}

static void on_part(struct sink *s, struct slice bytes, uint64_t left)
{
    (void)left;
    must(report_of(s)->key.type == VALUE_STRING);
    report_value_part(&report_of(s)->value, bytes.len);
}

static void on_pair(struct sink *s, struct slice field, struct slice value, int64_t expire_ms)
{
    (void)expire_ms;
    must(report_of(s)->key.type == VALUE_HASH);
    report_value_pair(&report_of(s)->value, field, value);
}

static void on_score(struct sink *s, struct slice member, double score)
{
    must(report_of(s)->key.type == VALUE_ZSET);
    report_value_score(&report_of(s)->value, member, score);
}

static void on_stream_node(struct sink *s, struct stream_id master, struct slice listpack)
{
    struct report_value *v = &report_of(s)->value;
    struct stream_entry e;
    must(v->type == VALUE_STREAM);
    stream_node_start(&e, master, listpack);
    size_t less = (size_t)e.entries_left * ENTRY_LESS;
    v->bytes += listpack.len;
    v->loose += mem_good_size(listpack.len > less ? listpack.len - less : 1) + STREAM_NODE;
}

static void on_stream_info(struct sink *s, const struct stream_info_event *e)
{
    report_of(s)->value.elements = e->length;
}

static void on_stream_group(struct sink *s, const struct stream_group_event *e)
{
    report_of(s)->value.loose += GROUP + e->name.len;
}

static void on_stream_pending(struct sink *s, const struct stream_pending_event *e)
{
    (void)e;
    report_of(s)->value.loose += PENDING;
}

static void on_stream_consumer(struct sink *s, const struct stream_consumer_event *e)
{
    report_of(s)->value.loose += CONSUMER + e->name.len;
}

static void on_opaque(struct sink *s, uint8_t rdb_type, uint64_t module_id, struct slice bytes)
{
    struct report_value *v = &report_of(s)->value;
    (void)rdb_type, (void)module_id;
    v->bytes += bytes.len;
    v->loose += bytes.len;
    v->elements = 1;
}

static void on_function(struct sink *s, struct slice source)
{
    report_of(s)->functions++;
    report_of(s)->function_bytes += source.len;
}

static void on_end_key(struct sink *s)
{
    struct report *r = report_of(s);
    struct report_key *k = &r->key;
    enum encoding encoding = report_value_encoding(&r->value, &r->limits);
    k->memory = report_value_memory(&r->value, &r->limits);
    k->elements = r->value.elements;
    k->bytes = r->value.bytes;
    add_totals(&r->all, k);
    add_totals(&r->types[k->type], k);
    add_totals(&r->encodings[k->type][encoding], k);
    add_totals(&r->ttls[ttl_of(r)], k);
    for (int i = 0; i < REPORT_MEASURES; i++)
        offer(&r->top[i], k);
    if (encoding == ENC_TABLE || encoding == ENC_SKIPLIST)
        count_near(r);
    if (k->memory >= REPORT_HUGE_MEMORY || k->elements >= REPORT_HUGE_ELEMENTS) {
        r->huge_keys++;
        r->huge_memory += k->memory;
    }
    struct report_sums sums = {.keys = 1, .elements = k->elements, .bytes = k->bytes,
                               .memory = k->memory, .expiring = k->expire_ms != KEY_NO_EXPIRE};
    if (k->type == VALUE_STRING && r->value.widest <= SMALL_STRING && !sums.expiring) {
        sums.small_strings = 1;
        sums.small_bytes = k->bytes;
        sums.small_memory = k->memory;
    }
    count_prefixes(r, &sums);
}

static const struct sink_ops ops = {
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
    .opaque = on_opaque,
    .end_key = on_end_key,
};

void report_begin(struct report *r, const struct report_limits *l, size_t top, int64_t now_ms,
                  const char *separators)
{
    *r = (struct report){.sink.ops = &ops, .limits = *l, .now_ms = now_ms};
    report_tree_init(&r->tree);
    for (int i = 0; i < REPORT_MEASURES; i++)
        r->top[i] = (struct report_top){.keys = mem_alloc((top + 1) * sizeof *r->top[i].keys),
                                        .max = top, .measure = (enum report_measure)i};
    if (separators)
        report_tree_separators(&r->tree, separators);
    r->separated = separators != NULL;
}

void report_end(struct report *r)
{
    if (!r->separated)
        separate(r);
    for (int i = 0; i < REPORT_MEASURES; i++)
        order(&r->top[i]);
    report_tree_order(&r->tree);
}

void report_free(struct report *r)
{
    for (int i = 0; i < REPORT_MEASURES; i++)
        mem_free(r->top[i].keys);
    buf_free(&r->waiting);
    report_tree_free(&r->tree);
}
