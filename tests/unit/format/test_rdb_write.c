/* SPDX-License-Identifier: BSD-3-Clause */
/* Random data sets, written at each version from packed blocks and from single elements, and read
 * again: both must be the same as what went in. */
#include "format/rdb_write.h"

#include <errno.h>
#include <inttypes.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/rand.h"
#include "containers/intset.h"
#include "containers/listpack.h"
#include "tests/unit/format/corpus.h"
#include "tests/unit/format/rdb_help.h"

/* ---- a random data set into a sink ---- */

struct maker {
    struct sink *to;
    uint64_t seed;
    unsigned keys;
    bool blocks_known, with_ttl;
};

static struct slice random_text(char *room, size_t max)
{
    size_t len;
    switch (rand_below(5)) {
    case 0: { /* an integer of any width */
        int64_t n = (int64_t)(rand_u64() >> rand_below(64));
        return slice(room, num_format_i64(room, rand_below(2) ? -(n >> 1) : n >> 1));
    }
    case 1: /* compressible */
        len = rand_below(max);
        memset(room, 'a' + (int)rand_below(3), len);
        return slice(room, len);
    default:
        len = rand_below(rand_below(9) ? 20 : max);
        for (size_t i = 0; i < len; i++)
            room[i] = (char)rand_u64();
        return slice(room, len);
    }
}

/* Distinct: number i is a part of it. */
static struct slice random_member(char *room, unsigned i)
{
    size_t len = (size_t)snprintf(room, 32, "%u", i);
    if (rand_below(2) == 0)
        return slice(room, len);
    room[len++] = ':';
    struct slice rest = random_text(room + len, 100);
    return slice(room, len + rest.len);
}

static void packed(const struct maker *m, enum pack pack, uint8_t *lp)
{
    if (!m->to->ops->packed || !m->to->ops->packed(m->to, pack, lp_blob(lp)))
        sink_unpack(m->to, pack, lp_blob(lp));
    mem_free(lp);
}

static void make_list(const struct maker *m, unsigned n, bool plain)
{
    char room[4000];
    for (unsigned i = 0; i < n; i++) {
        uint8_t *lp = lp_new();
        bool alone = plain || rand_below(10) == 0;
        for (unsigned k = 1 + (unsigned)rand_below(20); k > 0 && !alone; k--)
            lp = lp_append(lp, random_text(room, 300));
        if (alone) {
            m->to->ops->item(m->to, random_text(room, sizeof room));
            mem_free(lp);
        } else {
            packed(m, PACK_LIST, lp);
        }
    }
}

static void make_set(const struct maker *m, unsigned n, bool block)
{
    char room[200];
    uint8_t *lp = lp_new();
    for (unsigned i = 0; i < n; i++) {
        struct slice member = random_member(room, i);
        if (block)
            lp = lp_append(lp, member);
        else
            m->to->ops->item(m->to, member);
    }
    if (block)
        packed(m, PACK_SET, lp);
    else
        mem_free(lp);
}

static void make_intset(const struct maker *m, unsigned n)
{
    uint8_t *is = intset_new();
    int64_t step = (int64_t)1 << rand_below(40);
    for (unsigned i = 0; i < n; i++)
        is = intset_add(is, (int64_t)i * step - 100, NULL);
    struct slice blob = slice(is, intset_bytes(is));
    if (!m->to->ops->packed || !m->to->ops->packed(m->to, PACK_INTSET, blob))
        sink_unpack(m->to, PACK_INTSET, blob);
    mem_free(is);
}

static void make_hash(const struct maker *m, unsigned n, bool block)
{
    char name[200], room[500];
    uint8_t *lp = lp_new();
    for (unsigned i = 0; i < n; i++) {
        struct slice field = random_member(name, i), value = random_text(room, sizeof room);
        if (block)
            lp = lp_append(lp_append(lp, field), value);
        else
            m->to->ops->pair(m->to, field, value, KEY_NO_EXPIRE);
    }
    if (block)
        packed(m, PACK_HASH, lp);
    else
        mem_free(lp);
}

static void make_zset(const struct maker *m, unsigned n, bool block)
{
    char name[200], text[NUM_DOUBLE_TEXT];
    uint8_t *lp = lp_new();
    for (unsigned i = 0; i < n; i++) {
        struct slice member = random_member(name, i);
        double score = (double)i + (rand_below(2) ? 0 : rand_unit()); /* ascending */
        if (block)
            lp = lp_append(lp_append(lp, member), slice(text, num_format_double(text, score)));
        else
            m->to->ops->score(m->to, member, -score);
    }
    if (block)
        packed(m, PACK_ZSET, lp);
    else
        mem_free(lp);
}

static uint8_t *entry(uint8_t *lp, int64_t flags, int64_t ms, int64_t seq)
{
    char room[300];
    lp = lp_append_int(lp_append_int(lp_append_int(lp, flags), ms), seq);
    if (flags & STREAM_ENTRY_SAME_FIELDS)
        return lp_append_int(lp_append(lp, random_text(room, sizeof room)), 4);
    lp = lp_append_int(lp, 2);
    for (int i = 0; i < 4; i++)
        lp = lp_append(lp, random_text(room, sizeof room));
    return lp_append_int(lp, 8);
}

static void make_groups(const struct maker *m, unsigned groups, unsigned newest)
{
    char name[40];
    for (unsigned g = 0; g < groups; g++) {
        unsigned pending = (unsigned)rand_below(6);
        struct stream_group_event e = {.last = {newest, 0}, .pending = pending, .consumers = 2};
        e.entries_read = g ? -1 : 5;
        e.name = slice(name, (size_t)snprintf(name, sizeof name, "group %u", g));
        m->to->ops->stream_group(m->to, &e);
        for (unsigned i = 0; i < pending; i++)
            m->to->ops->stream_pending(m->to,
                                       &(struct stream_pending_event){{i + 1, i}, 1234567, i});
        struct stream_consumer_event c = {SLICE_LIT("c1"), 1000, 2000, pending};
        m->to->ops->stream_consumer(m->to, &c);
        for (unsigned i = 0; i < pending; i++)
            m->to->ops->stream_owned(m->to,
                                     &(struct stream_pending_event){{i + 1, i}, 1234567, i});
        c = (struct stream_consumer_event){SLICE_LIT("c2"), 5, 5, 0};
        m->to->ops->stream_consumer(m->to, &c);
    }
}

static void make_stream(const struct maker *m, unsigned nodes)
{
    struct stream_info_event info = {.first = {UINT64_MAX, 0}, .groups = rand_below(3)};
    unsigned newest = 0;
    for (unsigned i = 0; i < nodes; i++) {
        unsigned entries = 1 + (unsigned)rand_below(5), deleted = 0;
        uint64_t dead = rand_below(2) ? entries : rand_below(entries);
        unsigned base = i * 100 + 1;
        for (unsigned k = 0; k < entries; k++)
            deleted += k == dead;
        uint8_t *lp = lp_append_int(lp_append_int(lp_new(), entries - deleted), deleted);
        lp = lp_append_int(lp_append(lp_append_int(lp, 1), SLICE_LIT("field")), 0);
        for (unsigned k = 0; k < entries; k++) {
            int64_t flags = (k == dead ? STREAM_ENTRY_DELETED : 0) |
                            (rand_below(2) ? STREAM_ENTRY_SAME_FIELDS : 0);
            lp = entry(lp, flags, (int64_t)k, -(int64_t)k);
            if (k != dead && info.first.ms == UINT64_MAX)
                info.first = (struct stream_id){base + k, 7 - k};
            newest = base + k;
        }
        info.length += entries - deleted;
        m->to->ops->stream_node(m->to, (struct stream_id){base, 7}, lp_blob(lp));
        mem_free(lp);
    }
    if (info.length == 0)
        info.first = (struct stream_id){0};
    info.last = (struct stream_id){newest + 1, 0};
    info.entries_added = info.length;
    m->to->ops->stream_info(m->to, &info);
    make_groups(m, (unsigned)info.groups, newest);
}

static void make_value(const struct maker *m, struct key_event *k, bool block)
{
    char room[4000];
    unsigned n = 1 + (unsigned)rand_below(rand_below(10) ? 12 : 400);
    uint64_t kind = rand_below(7);
    static const enum value_type types[] = {VALUE_STRING, VALUE_LIST, VALUE_SET, VALUE_SET,
                                            VALUE_HASH, VALUE_ZSET, VALUE_STREAM};
    k->type = types[kind];
    bool plain = k->type == VALUE_LIST && rand_below(2);
    k->count = k->type == VALUE_LIST && !plain ? 0 : n;
    k->blocks = 0;
    if (k->type == VALUE_STREAM || (k->type == VALUE_LIST && !plain))
        k->blocks = m->blocks_known ? n : 0;
    m->to->ops->key(m->to, k);
    switch (kind) {
    case 0:
        m->to->ops->item(m->to, random_text(room, sizeof room));
        break;
    case 1:
        make_list(m, n, plain);
        break;
    case 2:
        make_set(m, n, block);
        break;
    case 3:
        make_intset(m, n);
        break;
    case 4:
        make_hash(m, n, block);
        break;
    case 5:
        make_zset(m, n, block);
        break;
    default:
        make_stream(m, n);
        break;
    }
}

static void make(struct maker *m)
{
    char name[40];
    rand_seed(m->seed);
    for (unsigned i = 0; i < m->keys; i++) {
        struct key_event k = {.db = i * 3 / m->keys, .idle_s = KEY_NO_IDLE, .freq = KEY_NO_FREQ};
        int len = snprintf(name, sizeof name, rand_below(2) ? "%u" : "key %u", i);
        k.name = slice(name, (size_t)len);
        k.expire_ms = rand_below(3) ? KEY_NO_EXPIRE : (int64_t)(rand_u64() >> 2);
        uint64_t hint = rand_below(2) * 5; /* drawn whether it is used or not */
        if (m->to->ops->db)
            m->to->ops->db(m->to, k.db, hint, 0);
        make_value(m, &k, rand_below(2));
        m->to->ops->end_key(m->to);
    }
    CHECK(!sink_bad(m->to));
}

/* ---- the cases ---- */

static void make_json(struct maker *m, struct buf *json)
{
    struct out out;
    struct json_writer w;
    out_init_memory(&out);
    json_writer_init(&w, &out);
    m->to = &w.sink;
    make(m);
    buf_clear(json);
    buf_add(json, buf_slice(&out.buf));
    json_writer_free(&w);
    out_free(&out);
}

static void make_rdb(struct maker *m, const struct rdb_write_options *opt, struct buf *rdb)
{
    struct out out;
    struct rdb_writer w;
    out_init_memory(&out);
    rdb_writer_init(&w, &out, opt);
    rdb_writer_begin(&w);
    rdb_writer_aux(&w, "redis-ver", SLICE_LIT("7.2.4"));
    m->to = &w.sink;
    make(m);
    CHECK(rdb_writer_end(&w));
    buf_clear(rdb);
    buf_add(rdb, buf_slice(&out.buf));
    rdb_writer_free(&w);
    out_free(&out);
}

/* What a stream has no place for in older versions is taken out of the comparison. */
static void blur(struct buf *json, int version)
{
    static const char *const lost[] = {"\"active_time\":", "\"entries_read\":",
                                       "\"entries_added\":", "\"max_deleted_id\":",
                                       "\"first_id\":"};
    size_t n = version >= 11 ? 0 : version == 10 ? 1 : sizeof lost / sizeof *lost;
    buf_cstr(json);
    for (size_t i = 0; i < n; i++)
        for (char *at = json->data; (at = strstr(at, lost[i]));)
            for (at += strlen(lost[i]); *at != ','; at++)
                *at = '_';
    size_t to = 0; /* runs of _ are one */
    for (size_t i = 0; i < json->len; i++)
        if (json->data[i] != '_' || to == 0 || json->data[to - 1] != '_')
            json->data[to++] = json->data[i];
    json->len = to;
}

static void comes_back(void)
{
    for (uint64_t round = 0; round < 12; round++)
        for (int version = 9; version <= 11; version++) {
            struct maker m = {.seed = unit_seed() + round, .keys = 60, .blocks_known = round % 2};
            struct rdb_write_options opt = {.version = version, .compress = round % 3,
                                            .no_checksum = round % 5 == 0, .blocks = round % 4};
            opt.trailer = round % 4 == 2;
            struct buf want = {0}, got = {0}, rdb = {0}, again = {0};
            struct fault f = {0};
            make_json(&m, &want);
            make_rdb(&m, &opt, &rdb);
            CHECK(rdb_to_json(buf_slice(&rdb), &got, &f));
            blur(&want, version);
            blur(&got, version);
            check_same_text(buf_slice(&got), buf_slice(&want));
            /* and once more through reader and writer, where counts are not known */
            CHECK(rdb_rewrite(buf_slice(&rdb), &opt, &again, &f));
            CHECK(rdb_to_json(buf_slice(&again), &got, &f));
            blur(&got, version);
            check_same_text(buf_slice(&got), buf_slice(&want));
            buf_free(&want);
            buf_free(&got);
            buf_free(&rdb);
            buf_free(&again);
        }
}

/* Only type numbers that the version's readers know. */
struct types {
    struct sink sink;
    int max;
};

static bool note_type(struct sink *s, const struct key_event *k)
{
    struct types *t = (struct types *)s;
    t->max = k->rdb_type > t->max ? k->rdb_type : t->max;
    return false;
}

static void versions_keep_to_their_types(void)
{
    static const struct sink_ops ops = {.key = note_type};
    static const int newest[] = {[9] = RDB_STREAM_1, [10] = RDB_STREAM_2, [11] = RDB_STREAM_3};
    for (int version = 9; version <= 11; version++) {
        struct maker m = {.seed = unit_seed(), .keys = 300};
        struct buf rdb = {0};
        struct types t = {.sink = {.ops = &ops}};
        struct fault f = {0};
        make_rdb(&m, &(struct rdb_write_options){.version = version}, &rdb);
        CHECK(rdb_to_sink(buf_slice(&rdb), &t.sink, &f));
        CHECK_INT(t.max, newest[version]);
        buf_free(&rdb);
    }
}

static void string_forms(void)
{
    static const struct {
        struct slice text, bytes;
    } forms[] = {
        {{"hi", 2}, {"\x02hi", 3}},       {{"7", 1}, {"\xc0\x07", 2}},
        {{"-300", 4}, {"\xc1\xd4\xfe", 3}}, {{"123456", 6}, {"\xc2\x40\xe2\x01\x00", 5}},
        {{"007", 3}, {"\x03" "007", 4}},    {{"2147483648", 10}, {"\x0a" "2147483648", 11}},
        {{"-2147483648", 11}, {"\xc2\0\0\0\x80", 5}},
    };
    char a[64];
    struct out out;
    struct rdb_writer w;
    memset(a, 'a', sizeof a);
    out_init_memory(&out);
    rdb_writer_init(&w, &out, &(struct rdb_write_options){.compress = true});
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        buf_clear(&out.buf);
        rdb_put_str(&w, &out, forms[i].text);
        CHECK_SLICE(buf_slice(&out.buf), forms[i].bytes);
    }
    buf_clear(&out.buf);
    rdb_put_str(&w, &out, slice(a, 64));
    CHECK_SLICE(buf_slice(&out.buf), SLICE_LIT("\xc3\x05\x40\x40\0" "a\xe0\x36\0"));
    buf_clear(&out.buf);
    rdb_put_str(&w, &out, slice(a, 20));
    CHECK_INT((int64_t)out.buf.len, 21);
    rdb_writer_free(&w);
    out_free(&out);
}

static void what_a_version_cannot_hold_is_told(void)
{
    struct out out;
    struct rdb_writer w;
    struct key_event k = {.name = SLICE_LIT("h"), .type = VALUE_HASH, .count = 1};
    out_init_memory(&out);
    rdb_writer_init(&w, &out, &(struct rdb_write_options){.version = 11});
    rdb_writer_begin(&w);
    w.sink.ops->key(&w.sink, &k);
    w.sink.ops->pair(&w.sink, SLICE_LIT("f"), SLICE_LIT("v"), 4102444800000);
    w.sink.ops->end_key(&w.sink);
    CHECK(!rdb_writer_end(&w));
    CHECK_INT(w.sink.fault.code, FAULT_CANNOT_HOLD);
    CHECK_STR(w.sink.fault.key, "h");
    CHECK(strstr(w.sink.fault.what, "version 11") != NULL);
    rdb_writer_free(&w);
    out_free(&out);
}

static void a_wrong_count_is_a_fault(void)
{
    struct out out;
    struct rdb_writer w;
    struct key_event k = {.name = SLICE_LIT("s"), .type = VALUE_SET, .count = 2,
                          .expire_ms = KEY_NO_EXPIRE, .idle_s = KEY_NO_IDLE, .freq = KEY_NO_FREQ};
    out_init_memory(&out);
    rdb_writer_init(&w, &out, &(struct rdb_write_options){0});
    rdb_writer_begin(&w);
    w.sink.ops->key(&w.sink, &k);
    w.sink.ops->item(&w.sink, SLICE_LIT("one"));
    w.sink.ops->end_key(&w.sink);
    CHECK(!rdb_writer_end(&w));
    CHECK_INT(w.sink.fault.code, FAULT_INVALID);
    rdb_writer_free(&w);
    out_free(&out);
}

static int disk_full(void *arg, const void *from, size_t n)
{
    (void)arg, (void)from, (void)n;
    return -ENOSPC;
}

static void write_errors_come_through(void)
{
    struct out out;
    struct rdb_writer w;
    out_init_callback(&out, disk_full, NULL, 0);
    rdb_writer_init(&w, &out, &(struct rdb_write_options){0});
    rdb_writer_begin(&w);
    CHECK(!rdb_writer_end(&w));
    CHECK_INT(w.sink.fault.err, ENOSPC);
    rdb_writer_free(&w);
    out_free(&out);
}

/* Files of real servers, written again at our version, say the same. */
static void rewrite_fixture(const char *dir, const char *name)
{
    char path[512];
    struct buf rdb = {0}, want = {0}, got = {0}, again = {0};
    struct fault f = {0};
    snprintf(path, sizeof path, "%s/%s", dir, name);
    CHECK(corpus_slurp(path, &rdb));
    CHECK(rdb_to_json(buf_slice(&rdb), &want, &f));
    struct rdb_write_options opt = {.version = 11, .compress = true};
    if (rdb_rewrite(buf_slice(&rdb), &opt, &again, &f)) {
        CHECK(rdb_to_json(buf_slice(&again), &got, &f));
        check_same_text(buf_slice(&got), buf_slice(&want));
    } else {
        CHECK_INT(f.code, FAULT_CANNOT_HOLD); /* fields with expiry */
    }
    buf_free(&rdb);
    buf_free(&want);
    buf_free(&got);
    buf_free(&again);
}

static void fixtures_written_again(void)
{
    corpus_each("fixtures/rdb", ".rdb", rewrite_fixture);
    corpus_each(corpus_shared(), ".rdb", rewrite_fixture);
}

int main(void)
{
    hash_init(NULL);
    return UNIT_RUN(UNIT(comes_back), UNIT(versions_keep_to_their_types), UNIT(string_forms),
                    UNIT(what_a_version_cannot_hold_is_told), UNIT(a_wrong_count_is_a_fault),
                    UNIT(write_errors_come_through), UNIT(fixtures_written_again));
}
