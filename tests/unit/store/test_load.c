/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/load.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/rand.h"
#include "containers/listpack.h"
#include "store/db_iter.h"
#include "store/val_hash.h"
#include "store/val_list.h"
#include "store/val_set.h"
#include "store/val_zset.h"
#include "store/walk.h"
#include "tests/unit/unit.h"

enum { DBS = 3, KEYS = 40, TEXT_MAX = 300 };
enum { AS_IT_IS = DB_NOTOUCH | DB_NOSTATS | DB_KEEP_EXPIRED };
#define NOW ((int64_t)1700000000000)

static bool in_slots; /* the keyspaces of the case have a table for each key slot */

static void open_keyspace(struct keyspace *ks)
{
    keyspace_init(ks, DBS);
    keyspace_set_slots(ks, in_slots);
    ks->now_ms = NOW;
    ks->limits = (struct value_limits){
        .hash_listpack_entries = 8, .hash_listpack_value = 30,
        .set_intset_entries = 8, .set_listpack_entries = 6, .set_listpack_value = 30,
        .zset_listpack_entries = 8, .zset_listpack_value = 30,
        .list_listpack_size = 6, .list_compress_depth = 1, .string_max = 1 << 20};
}

/* Different i give different texts. */
static struct slice text_of(char out[TEXT_MAX], size_t i, bool numbers)
{
    size_t len = num_format_u64(out, i * 37);
    if (numbers || i % 4 == 0)
        return slice(out, len);
    out[len++] = ':';
    size_t more = i % 11 == 0 ? 40 + i : i % 9;
    memset(out + len, 'a' + (int)(i % 26), more);
    return slice(out, len + more);
}

static struct val random_val(const struct value_limits *limits, enum value_type type)
{
    struct val v = {0};
    char a[TEXT_MAX], b[TEXT_MAX];
    size_t count = 1 + rand_below(rand_below(2) ? 5 : 30);
    bool numbers = rand_below(2);
    if (type == VALUE_LIST)
        v = list_new();
    else if (type == VALUE_HASH)
        v = hash_new();
    else if (type == VALUE_ZSET)
        v = zset_new();
    else
        v = set_new(text_of(a, 0, numbers), limits);
    for (size_t i = 0; i < count; i++) {
        struct slice text = text_of(a, i, numbers);
        if (type == VALUE_LIST)
            list_push(&v, text, rand_below(2), limits);
        else if (type == VALUE_HASH)
            hash_set(&v, text, text_of(b, rand_below(100), false), limits);
        else if (type == VALUE_ZSET)
            zset_put(&v, text, (double)rand_below(10) / 4 - 1, limits);
        else
            set_add(&v, text, limits);
    }
    return v;
}

static void fill(struct keyspace *ks)
{
    char name[TEXT_MAX], text[TEXT_MAX];
    for (size_t i = 0; i < KEYS; i++) {
        struct db *db = keyspace_db(ks, rand_below(DBS));
        struct slice key = text_of(name, i, false);
        struct entry *e;
        if (i % 5 == 0)
            e = db_set_string(db, key, text_of(text, rand_below(200), false), KEY_NO_EXPIRE);
        else
            e = db_add_val(db, key, random_val(&ks->limits, (enum value_type)(i % 5)));
        if (rand_below(3) == 0)
            db_set_expire(db, e, NOW + 1 + (int64_t)rand_below(1000000));
    }
}

/* ---- comparing ---- */

static void check_list(const struct val *a, const struct val *b)
{
    struct list_iter x, y;
    struct slice s, t;
    list_iter_init(&x, a, 0, true);
    list_iter_init(&y, b, 0, true);
    while (list_iter_next(&x, &s)) {
        CHECK(list_iter_next(&y, &t));
        CHECK_SLICE(s, t);
    }
    CHECK(!list_iter_next(&y, &t));
    list_iter_end(&x);
    list_iter_end(&y);
}

static void check_set(const struct val *a, const struct val *b)
{
    struct set_iter it;
    struct slice member;
    for (set_iter_init(&it, a); set_iter_next(&it, &member);)
        CHECK(set_has(b, member));
}

static void check_hash(const struct val *a, const struct val *b)
{
    struct hash_iter it;
    struct slice field, value, other;
    char scratch[NUM_I64_TEXT];
    for (hash_iter_init(&it, a); hash_iter_next(&it, &field, &value);) {
        CHECK(hash_get(b, field, &other, scratch));
        CHECK_SLICE(other, value);
    }
}

static void check_zset(const struct val *a, const struct val *b)
{
    struct zset_iter x, y;
    struct slice s, t;
    double m, n;
    zset_iter_init(&x, a, 0, false);
    zset_iter_init(&y, b, 0, false);
    while (zset_iter_next(&x, &s, &m)) {
        CHECK(zset_iter_next(&y, &t, &n));
        CHECK_SLICE(s, t);
        CHECK(m == n);
    }
}

static void check_val(const struct val *a, const struct val *b)
{
    CHECK_INT(a->type, b->type);
    CHECK_INT(a->encoding, b->encoding);
    CHECK_INT(val_count(*a), val_count(*b));
    if (a->type == VALUE_LIST)
        check_list(a, b);
    else if (a->type == VALUE_SET)
        check_set(a, b);
    else if (a->type == VALUE_HASH)
        check_hash(a, b);
    else
        check_zset(a, b);
}

static void check_entry(const struct entry *a, const struct entry *b)
{
    char x[NUM_I64_TEXT], y[NUM_I64_TEXT];
    CHECK_INT(entry_type(a), entry_type(b));
    CHECK_INT(entry_expire(a), entry_expire(b));
    CHECK_INT(entry_clock(a), entry_clock(b));
    if (entry_type(a) == VALUE_STRING) {
        CHECK_INT(entry_encoding(a), entry_encoding(b));
        CHECK_SLICE(entry_string(a, x), entry_string(b, y));
        return;
    }
    struct val v = entry_val(a), w = entry_val(b);
    check_val(&v, &w);
}

static void check_keyspace(struct keyspace *a, struct keyspace *b)
{
    for (unsigned i = 0; i < DBS; i++) {
        struct db_iter it;
        CHECK_INT(db_count(keyspace_db(a, i)), db_count(keyspace_db(b, i)));
        db_iter_init(&it, keyspace_db(a, i));
        for (struct entry *e; (e = db_iter_next(&it));) {
            struct entry *twin = db_find_with(keyspace_db(b, i), entry_key(e), AS_IT_IS);
            CHECK(twin != NULL);
            check_entry(e, twin);
        }
    }
}

/* ---- round trips ---- */

static bool never(struct sink *s, enum pack pack, struct slice bytes)
{
    (void)s;
    (void)pack;
    (void)bytes;
    return false;
}

/* unpacked: as elements, as a reader of another format would bring them. Lists may then come back
 * with other nodes, so that the comparison of encodings holds for both. */
static void round_trip(bool unpacked)
{
    struct keyspace from, to;
    struct load l;
    open_keyspace(&from);
    open_keyspace(&to);
    fill(&from);
    load_init(&l, &to, 0, NOW);
    struct sink_ops elements = *l.sink.ops;
    elements.packed = never;
    if (unpacked)
        l.sink.ops = &elements;
    CHECK(walk_keyspace(&from, &l.sink, NULL));
    CHECK(load_finish(&l));
    CHECK_INT(l.keys_loaded, KEYS);
    check_keyspace(&from, &to);
    load_release(&l);
    keyspace_release(&from);
    keyspace_release(&to);
}

static void packed_round_trips(void)
{
    rand_seed(unit_seed());
    for (int i = 0; i < 50; i++)
        round_trip(false);
}

static void element_round_trips(void)
{
    rand_seed(unit_seed());
    for (int i = 0; i < 50; i++)
        round_trip(true);
}

static void drops_expired_keys(void)
{
    struct keyspace from, to;
    struct load l;
    open_keyspace(&from);
    open_keyspace(&to);
    for (int i = 0; i < 10; i++) {
        char name[NUM_I64_TEXT];
        db_set_string(keyspace_db(&from, 0), slice(name, num_format_u64(name, (uint64_t)i)),
                      SLICE_LIT("x"), NOW + i * 10);
    }
    load_init(&l, &to, LOAD_DROP_EXPIRED, NOW + 45);
    CHECK(walk_keyspace(&from, &l.sink, NULL));
    CHECK(load_finish(&l));
    CHECK_INT(l.keys_expired, 5);
    CHECK_INT(l.keys_loaded, 5);
    CHECK_INT(db_count(keyspace_db(&to, 0)), 5);
    load_release(&l);
    keyspace_release(&from);
    keyspace_release(&to);
}

static void loads_one_value(void)
{
    rand_seed(unit_seed());
    struct keyspace ks;
    open_keyspace(&ks);
    for (int i = 0; i < 40; i++) {
        struct load l;
        enum value_type type = (enum value_type)(1 + i % 4);
        struct entry *e =
            db_add_val(keyspace_db(&ks, 0), SLICE_LIT("key"), random_val(&ks.limits, type));
        load_init(&l, &ks, LOAD_ONE_VALUE, NOW);
        CHECK(walk_entry(keyspace_db(&ks, 0), e, &l.sink));
        struct val v = entry_val(e);
        check_val(&v, &l.value);
        load_release(&l);
        db_remove(keyspace_db(&ks, 0), SLICE_LIT("key"));
    }
    keyspace_release(&ks);
}

/* ---- what is refused; the sanitizer sees what would be left behind ---- */

static void begin(struct load *l, enum value_type type, struct slice name)
{
    struct key_event key = {.name = name, .type = type, .expire_ms = KEY_NO_EXPIRE,
                            .idle_s = KEY_NO_IDLE, .freq = KEY_NO_FREQ};
    CHECK(l->sink.ops->key(&l->sink, &key));
}

static void give(struct load *l, enum value_type type, struct slice text)
{
    if (type == VALUE_HASH)
        l->sink.ops->pair(&l->sink, text, SLICE_LIT("value"), -1);
    else if (type == VALUE_ZSET)
        l->sink.ops->score(&l->sink, text, 1);
    else
        l->sink.ops->item(&l->sink, text);
}

static void check_refused(struct load *l, struct keyspace *ks, const char *key)
{
    CHECK(!load_finish(l));
    CHECK_STR(l->sink.fault.key, key);
    CHECK(l->sink.fault.what[0] != '\0');
    CHECK_INT(keyspace_count(ks), l->keys_loaded);
    load_release(l);
    keyspace_release(ks);
}

static void refuses_members_twice(void)
{
    static const enum value_type types[] = {VALUE_SET, VALUE_HASH, VALUE_ZSET};
    for (size_t t = 0; t < 3; t++) {
        for (size_t count = 2; count < 40; count += 5) {
            struct keyspace ks;
            struct load l;
            char text[TEXT_MAX];
            open_keyspace(&ks);
            load_init(&l, &ks, 0, NOW);
            begin(&l, types[t], SLICE_LIT("twins"));
            for (size_t i = 0; i < count; i++)
                give(&l, types[t], text_of(text, i, count % 2));
            CHECK(load_finish(&l));
            give(&l, types[t], text_of(text, count / 2, count % 2));
            l.sink.ops->end_key(&l.sink);
            check_refused(&l, &ks, "twins");
        }
    }
}

/* The second one may still wait for its place, or follow when the first is long in. */
static void refuses_a_key_twice(void)
{
    for (size_t between = 0; between < 3 * LOAD_AHEAD; between++) {
        struct keyspace ks;
        struct load l;
        char text[TEXT_MAX];
        open_keyspace(&ks);
        load_init(&l, &ks, 0, NOW);
        begin(&l, VALUE_LIST, SLICE_LIT("k"));
        give(&l, VALUE_LIST, SLICE_LIT("a"));
        l.sink.ops->end_key(&l.sink);
        for (size_t i = 0; i < between; i++) {
            begin(&l, VALUE_STRING, text_of(text, i, true));
            give(&l, VALUE_STRING, SLICE_LIT("x"));
            l.sink.ops->end_key(&l.sink);
        }
        struct key_event again = {.name = SLICE_LIT("k"), .type = VALUE_STRING, .rdb_type = 3,
                                  .offset = 77, .expire_ms = KEY_NO_EXPIRE};
        CHECK(l.sink.ops->key(&l.sink, &again));
        give(&l, VALUE_STRING, SLICE_LIT("second"));
        l.sink.ops->end_key(&l.sink);
        CHECK(!load_finish(&l));
        CHECK_INT((int64_t)l.keys_loaded, (int64_t)between + 1);
        CHECK_INT((int64_t)l.sink.fault.offset, 77);
        CHECK_INT(l.sink.fault.type, 3);
        struct entry *e = db_find_with(keyspace_db(&ks, 0), SLICE_LIT("k"), AS_IT_IS);
        CHECK(e && entry_type(e) == VALUE_LIST);
        check_refused(&l, &ks, "k");
    }
}

/* Readers skip empty collections; one that does not must not get them in. */
static void refuses_empty_collections(void)
{
    static const enum value_type types[] = {VALUE_LIST, VALUE_SET, VALUE_ZSET, VALUE_HASH};
    for (size_t t = 0; t < 4; t++) {
        for (unsigned flags = 0; flags <= LOAD_ONE_VALUE; flags += LOAD_ONE_VALUE) {
            struct keyspace ks;
            struct load l;
            open_keyspace(&ks);
            load_init(&l, &ks, flags, NOW);
            begin(&l, types[t], SLICE_LIT("hollow"));
            l.sink.ops->end_key(&l.sink);
            CHECK_INT(l.sink.fault.code, FAULT_FORMAT);
            check_refused(&l, &ks, "hollow");
        }
    }
}

static void refuses_empty_blocks(void)
{
    static const struct {
        enum value_type type;
        enum pack pack;
    } cases[] = {{VALUE_LIST, PACK_LIST}, {VALUE_SET, PACK_SET}, {VALUE_ZSET, PACK_ZSET},
                 {VALUE_HASH, PACK_HASH}};
    uint8_t *empty = lp_new();
    for (size_t t = 0; t < 4; t++) {
        struct keyspace ks;
        struct load l;
        open_keyspace(&ks);
        load_init(&l, &ks, 0, NOW);
        begin(&l, cases[t].type, SLICE_LIT("hollow"));
        CHECK(l.sink.ops->packed(&l.sink, cases[t].pack, lp_blob(empty)));
        l.sink.ops->end_key(&l.sink);
        check_refused(&l, &ks, "hollow");
    }
    mem_free(empty);
}

/* An empty string is a value like another. */
static void takes_empty_strings(void)
{
    struct keyspace ks;
    struct load l;
    open_keyspace(&ks);
    load_init(&l, &ks, 0, NOW);
    begin(&l, VALUE_STRING, SLICE_LIT("k"));
    give(&l, VALUE_STRING, SLICE_LIT(""));
    l.sink.ops->end_key(&l.sink);
    CHECK(load_finish(&l));
    CHECK_INT(l.keys_loaded, 1);
    load_release(&l);
    keyspace_release(&ks);
}

static void refuses_what_it_cannot_hold(void)
{
    struct keyspace ks;
    struct load l;
    open_keyspace(&ks);
    load_init(&l, &ks, 0, NOW);
    begin(&l, VALUE_HASH, SLICE_LIT("h"));
    l.sink.ops->pair(&l.sink, SLICE_LIT("f"), SLICE_LIT("v"), NOW + 1000);
    l.sink.ops->end_key(&l.sink);
    CHECK_INT(l.sink.fault.code, FAULT_CANNOT_HOLD);
    check_refused(&l, &ks, "h");

    open_keyspace(&ks);
    load_init(&l, &ks, 0, NOW);
    l.sink.ops->db(&l.sink, DBS, 1, 0);
    CHECK_INT(l.sink.fault.code, FAULT_LIMIT);
    load_release(&l);
    keyspace_release(&ks);
}

struct told {
    int loaded, others;
};

static void on_event(void *arg, struct db *db, struct slice key, enum key_event_kind kind)
{
    struct told *told = arg;
    told->loaded += kind == KEY_LOADED && db_find_with(db, key, AS_IT_IS);
    told->others += kind != KEY_LOADED;
}

/* Who watches, or is told what clients do, is not told of a file as if somebody had written. */
static void says_that_it_loads(void)
{
    struct keyspace ks;
    struct load l;
    struct told told = {0};
    open_keyspace(&ks);
    ks.notify = UINT32_MAX;
    ks.on_event = on_event;
    ks.on_event_arg = &told;
    load_init(&l, &ks, 0, NOW);
    for (enum value_type type = VALUE_STRING; type <= VALUE_HASH; type++) {
        char name[TEXT_MAX];
        begin(&l, type, text_of(name, type, false));
        give(&l, type, SLICE_LIT("element"));
        l.sink.ops->end_key(&l.sink);
    }
    CHECK(load_finish(&l));
    CHECK_INT(told.loaded, 5);
    CHECK_INT(told.others, 0);
    load_release(&l);
    keyspace_release(&ks);
}

/* A reader's fault in the middle: no end_key comes. */
static void frees_half_a_value(void)
{
    for (enum value_type type = VALUE_STRING; type <= VALUE_HASH; type++) {
        struct keyspace ks;
        struct load l;
        open_keyspace(&ks);
        load_init(&l, &ks, 0, NOW);
        begin(&l, type, SLICE_LIT("half"));
        give(&l, type, SLICE_LIT("element"));
        fault_set(&l.sink.fault, FAULT_EOF, "the end");
        CHECK(!load_finish(&l));
        CHECK_INT(keyspace_count(&ks), 0);
        load_release(&l);
        keyspace_release(&ks);
    }
}

/* The same with a table for each key slot. */
static void packed_round_trips_in_slots(void)
{
    in_slots = true;
    packed_round_trips();
    in_slots = false;
}

static void refuses_a_key_twice_in_slots(void)
{
    in_slots = true;
    refuses_a_key_twice();
    in_slots = false;
}

int main(void)
{
    hash_init(NULL);
    return UNIT_RUN(UNIT(packed_round_trips), UNIT(element_round_trips), UNIT(drops_expired_keys),
                    UNIT(loads_one_value), UNIT(refuses_members_twice), UNIT(refuses_a_key_twice),
                    UNIT(refuses_empty_collections), UNIT(refuses_empty_blocks),
                    UNIT(takes_empty_strings), UNIT(refuses_what_it_cannot_hold),
                    UNIT(frees_half_a_value), UNIT(says_that_it_loads),
                    UNIT(packed_round_trips_in_slots),
                    UNIT(refuses_a_key_twice_in_slots));
}
