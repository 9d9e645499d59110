/* SPDX-License-Identifier: BSD-3-Clause */
#include "format/digest.h"

#include <stdio.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/rand.h"
#include "containers/intset.h"
#include "containers/listpack.h"
#include "format/rdb.h"
#include "tests/unit/unit.h"

enum { ELEMENTS_MAX = 8 };

/* A key as a test writes it: texts are elements, or field and value, or member and score. */
struct sample {
    const char *name;
    enum value_type type;
    unsigned db;
    int64_t expire_ms;
    const char *texts[ELEMENTS_MAX]; /* ended by NULL */
};

static struct sample sample(enum value_type type)
{
    return (struct sample){.name = "key", .type = type, .expire_ms = KEY_NO_EXPIRE};
}

static size_t step_of(const struct sample *k)
{
    return k->type == VALUE_HASH || k->type == VALUE_ZSET ? 2 : 1;
}

static size_t count_of(const struct sample *k)
{
    size_t n = 0;
    while (n < ELEMENTS_MAX && k->texts[n])
        n += step_of(k);
    return n / step_of(k);
}

static void give_element(struct digest *d, const struct sample *k, size_t i)
{
    const struct sink_ops *ops = d->sink.ops;
    double score;
    if (k->type == VALUE_HASH) {
        ops->pair(&d->sink, slice_str(k->texts[2 * i]), slice_str(k->texts[2 * i + 1]),
                  KEY_NO_EXPIRE);
    } else if (k->type == VALUE_ZSET) {
        CHECK(num_parse_double(slice_str(k->texts[2 * i + 1]), &score));
        ops->score(&d->sink, slice_str(k->texts[2 * i]), score);
    } else {
        ops->item(&d->sink, slice_str(k->texts[i]));
    }
}

static void begin_key(struct digest *d, const struct sample *k)
{
    struct key_event e = {.name = slice_str(k->name), .type = k->type, .db = k->db,
                          .expire_ms = k->expire_ms, .idle_s = KEY_NO_IDLE, .freq = KEY_NO_FREQ};
    CHECK(d->sink.ops->key(&d->sink, &e));
}

static void end_key(struct digest *d)
{
    d->sink.ops->end_key(&d->sink);
    CHECK(!sink_bad(&d->sink));
}

static void give(struct digest *d, const struct sample *k)
{
    begin_key(d, k);
    for (size_t i = 0; i < count_of(k); i++)
        give_element(d, k, i);
    end_key(d);
}

/* As a producer does with a block: offered whole, unpacked when not wanted. */
static void give_packed(struct digest *d, enum pack pack, struct slice bytes)
{
    if (!d->sink.ops->packed || !d->sink.ops->packed(&d->sink, pack, bytes))
        sink_unpack(&d->sink, pack, bytes);
}

static enum pack pack_of(enum value_type type)
{
    return type == VALUE_LIST ? PACK_LIST
           : type == VALUE_SET ? PACK_SET
           : type == VALUE_HASH ? PACK_HASH
                                : PACK_ZSET;
}

/* The elements as listpacks of at most `most` elements, or as one block. */
static void give_blocks(struct digest *d, const struct sample *k, size_t most)
{
    uint8_t *lp = lp_new();
    begin_key(d, k);
    size_t texts = count_of(k) * step_of(k);
    for (size_t i = 0; i < texts; i++) {
        lp = lp_append(lp, slice_str(k->texts[i]));
        if (lp_count(lp) < most * step_of(k) && i + 1 < texts)
            continue;
        give_packed(d, pack_of(k->type), lp_blob(lp));
        mem_free(lp);
        lp = lp_new();
    }
    mem_free(lp);
    end_key(d);
}

struct hex {
    char text[DIGEST_HEX];
};

static struct hex result(struct digest *d)
{
    struct hex out;
    digest_hex(d, out.text);
    digest_free(d);
    return out;
}

static struct hex digest_of(const struct sample *k)
{
    struct digest d;
    digest_init(&d);
    give(&d, k);
    return result(&d);
}

static void check_differ(const struct sample *a, const struct sample *b)
{
    CHECK(strcmp(digest_of(a).text, digest_of(b).text) != 0);
}

static const char *const zeros = "0000000000000000000000000000000000000000";

/* ---- the same ---- */

static void nothing_is_zero(void)
{
    struct digest d;
    digest_init(&d);
    CHECK_STR(result(&d).text, zeros);
}

static void members_have_no_order(void)
{
    static const enum value_type types[] = {VALUE_SET, VALUE_HASH, VALUE_ZSET};
    for (int t = 0; t < 3; t++) {
        struct sample a = sample(types[t]), b = a;
        memcpy(a.texts, (const char *[]){"1", "2", "3", "4", "5", "6"}, 6 * sizeof *a.texts);
        memcpy(b.texts, (const char *[]){"5", "6", "1", "2", "3", "4"}, 6 * sizeof *b.texts);
        CHECK_STR(digest_of(&a).text, digest_of(&b).text);
    }
}

static void encoding_does_not_count(void)
{
    static const enum value_type types[] = {VALUE_LIST, VALUE_SET, VALUE_HASH, VALUE_ZSET};
    for (int t = 0; t < 4; t++) {
        struct sample k = sample(types[t]);
        memcpy(k.texts, (const char *[]){"a", "1", "bb", "2.5", "300", "-7"}, 6 * sizeof *k.texts);
        for (size_t most = 1; most <= 6; most++) {
            struct digest d;
            digest_init(&d);
            give_blocks(&d, &k, most);
            CHECK_STR(result(&d).text, digest_of(&k).text);
        }
    }
}

static void an_intset_is_a_set(void)
{
    struct sample k = sample(VALUE_SET);
    memcpy(k.texts, (const char *[]){"70000", "-3", "12"}, 3 * sizeof *k.texts);
    uint8_t *is = intset_new();
    is = intset_add(is, 12, NULL);
    is = intset_add(is, 70000, NULL);
    is = intset_add(is, -3, NULL);
    struct digest d;
    digest_init(&d);
    begin_key(&d, &k);
    give_packed(&d, PACK_INTSET, slice(is, intset_bytes(is)));
    end_key(&d);
    mem_free(is);
    CHECK_STR(result(&d).text, digest_of(&k).text);
}

static void zero_has_no_sign(void)
{
    struct sample a = sample(VALUE_ZSET), b = a;
    a.texts[0] = b.texts[0] = "m";
    a.texts[1] = "0";
    b.texts[1] = "-0";
    CHECK_STR(digest_of(&a).text, digest_of(&b).text);
}

static void use_does_not_count(void)
{
    struct sample k = sample(VALUE_STRING);
    k.texts[0] = "v";
    struct digest d;
    digest_init(&d);
    d.sink.ops->key(&d.sink, &(struct key_event){.name = slice_str(k.name), .type = k.type,
                                                 .expire_ms = KEY_NO_EXPIRE, .idle_s = 77,
                                                 .freq = 9, .offset = 1234, .rdb_type = 3});
    give_element(&d, &k, 0);
    end_key(&d);
    CHECK_STR(result(&d).text, digest_of(&k).text);
}

static void random_sample(struct sample *k, size_t i, char (*names)[NUM_I64_TEXT])
{
    static const char *const words[] = {"", "a", "bc", "1", "-22", "3.5", "7", "a longer text"};
    static const char *const scores[] = {"0", "1", "-2.5", "1e300", "inf", "3", "4", "5"};
    *k = sample((enum value_type)rand_below(VALUE_HASH + 1));
    snprintf(names[i], NUM_I64_TEXT, "k%zu", i);
    k->name = names[i];
    k->db = (unsigned)rand_below(3);
    k->expire_ms = rand_below(2) ? KEY_NO_EXPIRE : 1700000000000 + (int64_t)rand_below(1000);
    size_t step = step_of(k), n = k->type == VALUE_STRING ? 1 : 1 + rand_below(ELEMENTS_MAX / step);
    size_t from = rand_below(8);
    for (size_t e = 0; e < n; e++) { /* distinct: each word once */
        k->texts[e * step] = words[(from + e) % 8];
        if (step == 2)
            k->texts[e * step + 1] = k->type == VALUE_ZSET ? scores[rand_below(8)]
                                                           : words[rand_below(8)];
    }
}

static void keys_have_no_order(void)
{
    enum { KEYS = 40 };
    static char names[KEYS][NUM_I64_TEXT];
    static struct sample keys[KEYS];
    rand_seed(unit_seed());
    for (int round = 0; round < 50; round++) {
        struct digest d, e, one_less;
        digest_init(&d);
        digest_init(&e);
        digest_init(&one_less);
        for (size_t i = 0; i < KEYS; i++) {
            random_sample(&keys[i], i, names);
            give(&d, &keys[i]);
            if (i > 0)
                give(&one_less, &keys[i]);
        }
        for (size_t i = KEYS; i > 1; i--) {
            size_t other = rand_below(i);
            struct sample moved = keys[i - 1];
            keys[i - 1] = keys[other];
            keys[other] = moved;
        }
        for (size_t i = 0; i < KEYS; i++) {
            if (keys[i].type == VALUE_STRING || rand_below(2))
                give(&e, &keys[i]);
            else
                give_blocks(&e, &keys[i], ELEMENTS_MAX);
        }
        struct hex full = result(&d);
        CHECK_STR(result(&e).text, full.text);
        CHECK(strcmp(result(&one_less).text, full.text) != 0);
    }
}

/* Files hold digests: the values must never change. */
static void digests_are_fixed(void)
{
    struct sample s = sample(VALUE_STRING), h = sample(VALUE_HASH), z = sample(VALUE_ZSET);
    struct digest d;
    s.db = 1;
    s.texts[0] = "value";
    h.name = "h";
    h.expire_ms = 1700000000000;
    memcpy(h.texts, (const char *[]){"f", "v", "g", "w"}, 4 * sizeof *h.texts);
    z.name = "z";
    memcpy(z.texts, (const char *[]){"m", "1.5"}, 2 * sizeof *z.texts);
    CHECK_STR(digest_of(&s).text, "000000001bf3ba75a7baf9ae490799afc58e7e08");
    digest_init(&d);
    give(&d, &s);
    give(&d, &h);
    give(&d, &z);
    CHECK_STR(result(&d).text, "00000000a8660aa28888520f40f992c6245a863a");
}

/* ---- different ---- */

static void head_counts(void)
{
    struct sample a = sample(VALUE_LIST), b;
    a.texts[0] = "x";
    b = a;
    b.db = 1;
    check_differ(&a, &b);
    b = a;
    b.name = "kez";
    check_differ(&a, &b);
    b = a;
    b.name = "";
    check_differ(&a, &b);
    b = a;
    b.type = VALUE_STRING;
    check_differ(&a, &b);
    b.type = VALUE_SET;
    check_differ(&a, &b);
    b = a;
    b.expire_ms = 1700000000000;
    check_differ(&a, &b);
    a.expire_ms = 1700000000001;
    check_differ(&a, &b);
}

static void cuts_count(void)
{
    static const enum value_type types[] = {VALUE_LIST, VALUE_SET, VALUE_HASH};
    for (int t = 0; t < 3; t++) {
        struct sample a = sample(types[t]), b = a;
        a.texts[0] = "ab";
        a.texts[1] = "c";
        b.texts[0] = "a";
        b.texts[1] = "bc";
        check_differ(&a, &b);
    }
    struct sample a = sample(VALUE_LIST), b = a; /* name and first element */
    a.texts[0] = b.texts[0] = "x";
    a.name = "key";
    b.name = "ke";
    b.texts[0] = "yx";
    check_differ(&a, &b);
    b = a;
    b.texts[1] = ""; /* one empty element more */
    check_differ(&a, &b);
}

static void values_count(void)
{
    struct sample a = sample(VALUE_STRING), b = a;
    a.texts[0] = "v";
    b.texts[0] = "";
    check_differ(&a, &b);
    a = sample(VALUE_HASH);
    memcpy(a.texts, (const char *[]){"f", "1", "g", "2"}, 4 * sizeof *a.texts);
    b = a; /* the values change places */
    b.texts[1] = "2";
    b.texts[3] = "1";
    check_differ(&a, &b);
    a.type = b.type = VALUE_ZSET;
    check_differ(&a, &b);
    b = a;
    b.texts[3] = "2.0000000000000004";
    check_differ(&a, &b);
    b = a;
    b.texts[2] = NULL;
    check_differ(&a, &b);
}

static void lists_have_order(void)
{
    struct sample a = sample(VALUE_LIST), b = a;
    memcpy(a.texts, (const char *[]){"a", "b", "c"}, 3 * sizeof *a.texts);
    memcpy(b.texts, (const char *[]){"b", "a", "c"}, 3 * sizeof *b.texts);
    check_differ(&a, &b);
}

/* The same members under two keys, then exchanged: what is xored belongs to its key. */
static void members_belong_to_their_key(void)
{
    struct sample a = sample(VALUE_SET), b = a;
    struct digest d, e;
    a.name = "one";
    b.name = "two";
    a.texts[0] = "x";
    b.texts[0] = "y";
    digest_init(&d);
    give(&d, &a);
    give(&d, &b);
    a.texts[0] = "y";
    b.texts[0] = "x";
    digest_init(&e);
    give(&e, &a);
    give(&e, &b);
    CHECK(strcmp(result(&d).text, result(&e).text) != 0);
}

static void field_expiry_counts(void)
{
    struct sample k = sample(VALUE_HASH);
    struct hex got[2];
    for (int i = 0; i < 2; i++) {
        struct digest d;
        digest_init(&d);
        begin_key(&d, &k);
        d.sink.ops->pair(&d.sink, SLICE_LIT("f"), SLICE_LIT("v"),
                         i ? 1700000000000 : KEY_NO_EXPIRE);
        end_key(&d);
        got[i] = result(&d);
    }
    CHECK(strcmp(got[0].text, got[1].text) != 0);
}

static void functions_count(void)
{
    struct digest d, e;
    digest_init(&d);
    digest_init(&e);
    d.sink.ops->function(&d.sink, SLICE_LIT("#!lua name=a"));
    e.sink.ops->function(&e.sink, SLICE_LIT("#!lua name=b"));
    struct hex a = result(&d), b = result(&e);
    CHECK(strcmp(a.text, zeros) != 0);
    CHECK(strcmp(a.text, b.text) != 0);
}

/* A reader's fault after some events: no end_key, and nothing of the key remains. */
static void half_a_key_does_not_count(void)
{
    struct sample whole = sample(VALUE_SET), half = whole;
    struct digest d;
    whole.texts[0] = "x";
    half.name = "half";
    half.texts[0] = "y";
    digest_init(&d);
    begin_key(&d, &half);
    give_element(&d, &half, 0);
    give(&d, &whole);
    CHECK_STR(result(&d).text, digest_of(&whole).text);
}

static void nameless_is_the_value_alone(void)
{
    struct sample a = sample(VALUE_LIST), b = a;
    struct hex got[3];
    a.texts[0] = b.texts[0] = "x";
    b.name = "other";
    b.db = 3;
    struct sample c = b;
    c.texts[0] = "y";
    const struct sample *const all[] = {&a, &b, &c};
    for (int i = 0; i < 3; i++) {
        struct digest d;
        digest_init(&d);
        d.nameless = true;
        give(&d, all[i]);
        got[i] = result(&d);
    }
    CHECK_STR(got[0].text, got[1].text);
    CHECK(strcmp(got[1].text, got[2].text) != 0);
}

/* ---- streams ---- */

/* One entry of a stream; its id is ms-0. */
struct stream_sample {
    uint64_t ms;
    const char *field, *value;
    bool deleted;
};

static uint8_t *append_ints(uint8_t *lp, const int64_t *n, size_t count)
{
    for (size_t i = 0; i < count; i++)
        lp = lp_append_int(lp, n[i]);
    return lp;
}

/* A node of these entries (rdb_stream.c), whose own field is the first one's; with shared, entries
 * of that field do not repeat it. */
static uint8_t *stream_node(const struct stream_sample *e, size_t n, bool shared)
{
    int64_t deleted = 0;
    for (size_t i = 0; i < n; i++)
        deleted += e[i].deleted;
    uint8_t *lp = append_ints(lp_new(), (int64_t[]){(int64_t)n - deleted, deleted, 1}, 3);
    lp = lp_append_int(lp_append(lp, slice_str(e[0].field)), 0);
    for (size_t i = 0; i < n; i++) {
        bool same = shared && strcmp(e[i].field, e[0].field) == 0;
        int64_t flags = (same ? STREAM_ENTRY_SAME_FIELDS : 0) |
                        (e[i].deleted ? STREAM_ENTRY_DELETED : 0);
        lp = append_ints(lp, (int64_t[]){flags, (int64_t)(e[i].ms - e[0].ms), 0}, 3);
        if (!same)
            lp = lp_append(lp_append_int(lp, 1), slice_str(e[i].field));
        lp = lp_append_int(lp_append(lp, slice_str(e[i].value)), same ? 4 : 6);
    }
    return lp;
}

/* The digest of a stream of these entries, in nodes of at most so many. */
static struct hex stream_digest(const struct stream_sample *e, size_t n, size_t most, bool shared,
                                bool by_entries)
{
    struct sample k = sample(VALUE_STREAM);
    struct stream_info_event info = {.length = n, .last = {9, 0}, .entries_added = n};
    struct digest d;
    digest_init(&d);
    d.by_entries = by_entries;
    begin_key(&d, &k);
    for (size_t i = 0; i < n; i += most) {
        uint8_t *lp = stream_node(e + i, n - i < most ? n - i : most, shared);
        SINK_EVENT(&d.sink, stream_node, (struct stream_id){e[i].ms, 0}, lp_blob(lp));
        mem_free(lp);
    }
    SINK_EVENT(&d.sink, stream_info, &info);
    end_key(&d);
    return result(&d);
}

static const struct stream_sample entries[] = {
    {1, "f", "v", false}, {2, "f", "w", false}, {3, "g", "v", false}, {9, "f", "", false}};
enum { ENTRIES = sizeof entries / sizeof *entries };

/* In files; the number is part of the format, and the bytes of the nodes go into it. */
static void a_stream_in_a_file_counts_by_its_nodes(void)
{
    struct hex one = stream_digest(entries, ENTRIES, 4, true, false);
    CHECK_STR(one.text, "0000000030049b58ee5a44917d293518ff54db08");
    CHECK(strcmp(stream_digest(entries, ENTRIES, 2, true, false).text, one.text) != 0);
}

static void a_stream_counts_by_its_entries(void)
{
    struct hex one = stream_digest(entries, ENTRIES, ENTRIES, true, true);
    for (size_t most = 1; most <= ENTRIES; most++) {
        CHECK_STR(stream_digest(entries, ENTRIES, most, true, true).text, one.text);
        CHECK_STR(stream_digest(entries, ENTRIES, most, false, true).text, one.text);
    }
    for (size_t i = 0; i < ENTRIES; i++) {
        struct stream_sample other[ENTRIES];
        memcpy(other, entries, sizeof other);
        other[i].value = "x";
        CHECK(strcmp(stream_digest(other, ENTRIES, 2, true, true).text, one.text) != 0);
        memcpy(other, entries, sizeof other);
        other[i].field = "fv";
        CHECK(strcmp(stream_digest(other, ENTRIES, 2, true, true).text, one.text) != 0);
        memcpy(other, entries, sizeof other);
        other[i].ms += i == ENTRIES - 1;
        other[i].deleted = i < ENTRIES - 1;
        CHECK(strcmp(stream_digest(other, ENTRIES, 2, true, true).text, one.text) != 0);
    }
}

/* What was deleted lies in some nodes still, and is gone from others. */
static void a_deleted_entry_does_not_count(void)
{
    struct stream_sample with[] = {
        {1, "f", "v", false}, {2, "f", "gone", true}, {3, "g", "v", false}};
    struct stream_sample without[] = {{1, "f", "v", false}, {3, "g", "v", false}};
    struct sample k = sample(VALUE_STREAM);
    struct digest d[2];
    for (int i = 0; i < 2; i++) {
        uint8_t *lp = i ? stream_node(with, 3, true) : stream_node(without, 2, true);
        digest_init(&d[i]);
        d[i].by_entries = true;
        begin_key(&d[i], &k);
        SINK_EVENT(&d[i].sink, stream_node, (struct stream_id){1, 0}, lp_blob(lp));
        end_key(&d[i]);
        mem_free(lp);
    }
    CHECK_STR(result(&d[0]).text, result(&d[1]).text);
}

int main(void)
{
    hash_init(NULL);
    return UNIT_RUN(UNIT(nothing_is_zero), UNIT(digests_are_fixed), UNIT(members_have_no_order),
                    UNIT(encoding_does_not_count), UNIT(an_intset_is_a_set),
                    UNIT(zero_has_no_sign), UNIT(use_does_not_count), UNIT(keys_have_no_order),
                    UNIT(head_counts), UNIT(cuts_count), UNIT(values_count),
                    UNIT(lists_have_order), UNIT(members_belong_to_their_key),
                    UNIT(field_expiry_counts), UNIT(functions_count),
                    UNIT(half_a_key_does_not_count), UNIT(nameless_is_the_value_alone),
                    UNIT(a_stream_in_a_file_counts_by_its_nodes),
                    UNIT(a_stream_counts_by_its_entries), UNIT(a_deleted_entry_does_not_count));
}
