/* SPDX-License-Identifier: BSD-3-Clause */
/* What a sink is told. That values come through whole is test_load.c's. */
#include "store/walk.h"

#include <stdio.h>

#include "base/hash.h"
#include "store/val_hash.h"
#include "store/val_list.h"
#include "store/val_set.h"
#include "store/val_zset.h"
#include "tests/unit/unit.h"

enum { DBS = 3, WALKED_KEYS = 2500 };

/* Notes the events; fails when so many were noted. */
struct notes {
    struct sink sink;
    struct buf text;
    uint64_t events, fail_at, keys, ends;
    bool skips; /* key says no */
};

static struct notes *notes_of(struct sink *sink)
{
    return (struct notes *)(void *)sink;
}

static void note(struct notes *n, const char *what, struct slice text)
{
    buf_printf(&n->text, "%s %.*s;", what, SLICE_ARG(text));
    if (++n->events == n->fail_at)
        fault_set(&n->sink.fault, FAULT_IO, "full");
}

static void on_db(struct sink *sink, unsigned id, uint64_t keys, uint64_t expires)
{
    char text[64];
    snprintf(text, sizeof text, "%u %d %d", id, (int)keys, (int)expires);
    note(notes_of(sink), "db", slice_str(text));
}

static bool on_key(struct sink *sink, const struct key_event *key)
{
    struct notes *n = notes_of(sink);
    char text[64];
    snprintf(text, sizeof text, "%.*s t%d n%d b%d", SLICE_ARG(key->name), (int)key->type,
             (int)key->count, (int)key->blocks);
    n->keys++;
    note(n, "key", slice_str(text));
    return !n->skips;
}

static bool takes_packed(struct sink *sink, enum pack pack, struct slice bytes)
{
    char text[16];
    (void)bytes;
    snprintf(text, sizeof text, "%d", (int)pack);
    note(notes_of(sink), "packed", slice_str(text));
    return true;
}

static bool wants_no_packed(struct sink *sink, enum pack pack, struct slice bytes)
{
    (void)sink;
    (void)pack;
    (void)bytes;
    return false;
}

static void on_item(struct sink *sink, struct slice text)
{
    note(notes_of(sink), "item", text);
}

static void on_pair(struct sink *sink, struct slice field, struct slice value, int64_t expire_ms)
{
    CHECK_INT(expire_ms, KEY_NO_EXPIRE);
    note(notes_of(sink), "field", field);
    note(notes_of(sink), "value", value);
}

static void on_score(struct sink *sink, struct slice member, double score)
{
    char text[64];
    snprintf(text, sizeof text, "%.*s %g", SLICE_ARG(member), score);
    note(notes_of(sink), "score", slice_str(text));
}

static void on_end_key(struct sink *sink)
{
    struct notes *n = notes_of(sink);
    n->ends++;
    note(n, "end", SLICE_LIT(""));
}

#define EVENTS \
    .db = on_db, .key = on_key, .item = on_item, .pair = on_pair, .score = on_score, \
    .end_key = on_end_key
static const struct sink_ops with_packed = {EVENTS, .packed = takes_packed};
static const struct sink_ops refusing_packed = {EVENTS, .packed = wants_no_packed};
static const struct sink_ops without_packed = {EVENTS};
static const struct sink_ops keys_only = {.key = on_key};
static const struct sink_ops elements_only = {.item = on_item, .pair = on_pair, .score = on_score};
static const struct sink_ops deaf = {.key = NULL};

static struct notes new_notes(const struct sink_ops *ops)
{
    return (struct notes){.sink = {.ops = ops}};
}

static void check_notes(struct notes *n, const char *want)
{
    CHECK_STR(buf_cstr(&n->text), want);
    buf_free(&n->text);
}

static bool in_slots; /* the keyspaces of the case have a table for each key slot */

static void open_keyspace(struct keyspace *ks)
{
    keyspace_init(ks, DBS);
    keyspace_set_slots(ks, in_slots);
    ks->limits.list_listpack_size = 2;
}

static struct slice number(char out[NUM_I64_TEXT], uint64_t n)
{
    return slice(out, num_format_u64(out, n));
}

/* One small value of a type, in its packed form. */
static struct val small_val(struct keyspace *ks, enum value_type type)
{
    const struct value_limits *limits = &ks->limits;
    struct val v = {0};
    if (type == VALUE_LIST) {
        v = list_new();
        list_push(&v, SLICE_LIT("x"), true, limits);
        list_push(&v, SLICE_LIT("y"), true, limits);
    } else if (type == VALUE_SET) {
        v = set_new(SLICE_LIT("m"), limits);
        set_add(&v, SLICE_LIT("m"), limits);
    } else if (type == VALUE_HASH) {
        v = hash_new();
        hash_set(&v, SLICE_LIT("f"), SLICE_LIT("w"), limits);
    } else {
        v = zset_new();
        zset_put(&v, SLICE_LIT("a"), 1.5, limits);
    }
    return v;
}

static void check_walked(struct keyspace *ks, const struct sink_ops *ops, struct val v,
                         const char *want)
{
    struct notes n = new_notes(ops);
    struct entry *e = db_add_val(keyspace_db(ks, 0), SLICE_LIT("k"), v);
    CHECK(walk_entry(keyspace_db(ks, 0), e, &n.sink));
    check_notes(&n, want);
    db_remove(keyspace_db(ks, 0), SLICE_LIT("k"));
}

static void packed_goes_whole_or_in_elements(void)
{
    static const struct {
        enum value_type type;
        const char *whole, *elements;
    } cases[] = {
        {VALUE_LIST, "key k t1 n2 b1;packed 0;end ;", "key k t1 n2 b1;item x;item y;end ;"},
        {VALUE_SET, "key k t2 n1 b0;packed 1;end ;", "key k t2 n1 b0;item m;end ;"},
        {VALUE_ZSET, "key k t3 n1 b0;packed 5;end ;", "key k t3 n1 b0;score a 1.5;end ;"},
        {VALUE_HASH, "key k t4 n1 b0;packed 3;end ;", "key k t4 n1 b0;field f;value w;end ;"},
    };
    struct keyspace ks;
    open_keyspace(&ks);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum value_type type = cases[i].type;
        check_walked(&ks, &with_packed, small_val(&ks, type), cases[i].whole);
        check_walked(&ks, &refusing_packed, small_val(&ks, type), cases[i].elements);
        check_walked(&ks, &without_packed, small_val(&ks, type), cases[i].elements);
    }
    keyspace_release(&ks);
}

static void an_intset_goes_whole_or_in_elements(void)
{
    static const char *const want[] = {"key k t2 n2 b0;packed 2;end ;",
                                       "key k t2 n2 b0;item 7;item 9;end ;"};
    struct keyspace ks;
    open_keyspace(&ks);
    for (int i = 0; i < 2; i++) {
        struct val v = set_new(SLICE_LIT("9"), &ks.limits);
        set_add(&v, SLICE_LIT("9"), &ks.limits);
        set_add(&v, SLICE_LIT("7"), &ks.limits);
        check_walked(&ks, i ? &refusing_packed : &with_packed, v, want[i]);
    }
    keyspace_release(&ks);
}

/* Nodes of two elements: blocks counts the events that come. */
static void a_long_list_goes_node_by_node(void)
{
    struct keyspace ks;
    open_keyspace(&ks);
    for (int i = 0; i < 2; i++) {
        struct val v = list_new();
        for (const char *at = "a\0b\0c\0d\0e\0"; *at; at += 2)
            list_push(&v, slice_str(at), true, &ks.limits);
        check_walked(&ks, i ? &without_packed : &with_packed, v,
                     i ? "key k t1 n5 b3;item a;item b;item c;item d;item e;end ;"
                       : "key k t1 n5 b3;packed 0;packed 0;packed 0;end ;");
    }
    keyspace_release(&ks);
}

static void no_means_no_body(void)
{
    struct keyspace ks;
    open_keyspace(&ks);
    struct entry *e = db_add_val(keyspace_db(&ks, 0), SLICE_LIT("k"), small_val(&ks, VALUE_HASH));
    struct notes n = new_notes(&with_packed);
    n.skips = true;
    CHECK(walk_entry(keyspace_db(&ks, 0), e, &n.sink));
    check_notes(&n, "key k t4 n1 b0;");

    n = new_notes(&keys_only); /* takes the body, but no operation is there for it */
    CHECK(walk_entry(keyspace_db(&ks, 0), e, &n.sink));
    check_notes(&n, "key k t4 n1 b0;");

    n = new_notes(&elements_only); /* no operation is no refusal */
    CHECK(walk_entry(keyspace_db(&ks, 0), e, &n.sink));
    check_notes(&n, "field f;value w;");

    n = new_notes(&deaf);
    CHECK(walk_keyspace(&ks, &n.sink, NULL));
    check_notes(&n, "");
    keyspace_release(&ks);
}

static void databases_are_announced_when_not_empty(void)
{
    struct keyspace ks;
    open_keyspace(&ks);
    db_set_string(keyspace_db(&ks, 0), SLICE_LIT("a"), SLICE_LIT("1"), KEY_NO_EXPIRE);
    db_set_string(keyspace_db(&ks, 2), SLICE_LIT("b"), SLICE_LIT(""), 4000000000000);
    struct notes n = new_notes(&with_packed);
    CHECK(walk_keyspace(&ks, &n.sink, NULL));
    check_notes(&n, "db 0 1 0;key a t0 n0 b0;item 1;end ;db 2 1 1;key b t0 n0 b0;item ;end ;");
    keyspace_release(&ks);
}

/* ---- progress ---- */

struct reports {
    uint64_t count, last;
};

static void on_report(void *arg, uint64_t keys)
{
    struct reports *r = arg;
    CHECK(keys > r->last);
    r->count++;
    r->last = keys;
}

static void fill(struct keyspace *ks)
{
    char name[NUM_I64_TEXT];
    for (uint64_t i = 0; i < WALKED_KEYS; i++)
        db_set_string(keyspace_db(ks, i % 2), number(name, i), SLICE_LIT("v"), KEY_NO_EXPIRE);
}

static void progress_is_told_every_so_many_keys(void)
{
    static const struct {
        uint64_t every, reports, last;
    } cases[] = {{1, WALKED_KEYS, WALKED_KEYS}, {7, 357, 2499}, {1000, 2, 2000},
                 {0, 2, 2048}, {WALKED_KEYS + 1, 0, 0}};
    struct keyspace ks;
    open_keyspace(&ks);
    fill(&ks);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct reports got = {0};
        struct walk_progress p = {.report = on_report, .every = cases[i].every, .arg = &got};
        struct notes n = new_notes(&keys_only);
        CHECK(walk_keyspace(&ks, &n.sink, &p));
        buf_free(&n.text);
        CHECK_INT(n.keys, WALKED_KEYS);
        CHECK_INT(p.keys, WALKED_KEYS);
        CHECK_INT(got.count, cases[i].reports);
        CHECK_INT(got.last, cases[i].last);
    }
    struct walk_progress silent = {.every = 1};
    struct notes n = new_notes(&keys_only);
    CHECK(walk_keyspace(&ks, &n.sink, &silent));
    buf_free(&n.text);
    CHECK_INT(silent.keys, WALKED_KEYS);
    keyspace_release(&ks);
}

/* ---- a sink that fails ---- */

static void a_fault_stops_the_walk(void)
{
    struct keyspace ks;
    open_keyspace(&ks);
    fill(&ks);
    for (uint64_t at = 1; at < 8; at++) { /* db, key, item, end, key, item, end */
        struct walk_progress p = {0};
        struct notes n = new_notes(&with_packed);
        n.fail_at = at;
        CHECK(!walk_keyspace(&ks, &n.sink, &p));
        CHECK_INT(n.sink.fault.code, FAULT_IO);
        CHECK_INT(p.keys, at < 5 ? 0 : 1); /* the failed key does not count */
        CHECK(n.keys <= (at + 4) / 3);
        CHECK(n.ends <= n.keys);
        buf_free(&n.text);
    }
    keyspace_release(&ks);
}

/* Large values are left in the middle: a full disk is not written to for a million members. */
static void a_fault_stops_inside_a_value(void)
{
    static const enum value_type types[] = {VALUE_LIST, VALUE_SET, VALUE_ZSET, VALUE_HASH};
    for (size_t t = 0; t < 4; t++) {
        struct keyspace ks;
        char text[NUM_I64_TEXT];
        open_keyspace(&ks);
        ks.limits.set_intset_entries = ks.limits.set_listpack_entries = 4;
        ks.limits.hash_listpack_entries = ks.limits.zset_listpack_entries = 4;
        struct val v = small_val(&ks, types[t]);
        for (uint64_t i = 0; i < 100; i++) {
            struct slice s = number(text, i);
            if (types[t] == VALUE_LIST)
                list_push(&v, s, true, &ks.limits);
            else if (types[t] == VALUE_SET)
                set_add(&v, s, &ks.limits);
            else if (types[t] == VALUE_ZSET)
                zset_put(&v, s, (double)i, &ks.limits);
            else
                hash_set(&v, s, s, &ks.limits);
        }
        struct entry *e = db_add_val(keyspace_db(&ks, 0), SLICE_LIT("k"), v);
        struct notes n = new_notes(&with_packed);
        n.fail_at = 10;
        CHECK(!walk_entry(keyspace_db(&ks, 0), e, &n.sink));
        CHECK(n.events <= 12); /* a pair is two, and end_key may still come */
        buf_free(&n.text);
        keyspace_release(&ks);
    }
}

/* The same with a table for each key slot. */
static void progress_is_told_every_so_many_keys_in_slots(void)
{
    in_slots = true;
    progress_is_told_every_so_many_keys();
    in_slots = false;
}

static void a_fault_stops_the_walk_in_slots(void)
{
    in_slots = true;
    a_fault_stops_the_walk();
    in_slots = false;
}

int main(void)
{
    hash_init(NULL);
    return UNIT_RUN(UNIT(packed_goes_whole_or_in_elements),
                    UNIT(an_intset_goes_whole_or_in_elements),
                    UNIT(a_long_list_goes_node_by_node), UNIT(no_means_no_body),
                    UNIT(databases_are_announced_when_not_empty),
                    UNIT(progress_is_told_every_so_many_keys), UNIT(a_fault_stops_the_walk),
                    UNIT(a_fault_stops_inside_a_value),
                    UNIT(progress_is_told_every_so_many_keys_in_slots),
                    UNIT(a_fault_stops_the_walk_in_slots));
}
