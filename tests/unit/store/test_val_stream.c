/* SPDX-License-Identifier: BSD-3-Clause */
/* A stream against a plain array of all entries ever added, by seeded random steps; and through
 * files of each version, whatever its nodes are cut to. */
#include "store/val_stream.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/rand.h"
#include "containers/listpack.h"
#include "format/digest.h"
#include "format/rdb_payload.h"
#include "format/rdb_write.h"
#include "store/keyspace.h"
#include "store/load.h"
#include "tests/unit/unit.h"

enum { ENTRIES = 600, PAIRS = 4, TEXT = 400, CONSUMERS = 5 };

struct fact {
    struct stream_id id;
    unsigned pairs, kind;   /* kind: what its texts are made of */
    bool in;
    int owner;              /* -1: not pending */
    int64_t delivered_ms;
    uint64_t count;
};

struct model {
    struct fact facts[ENTRIES];
    size_t n, in;
    struct stream_id max_deleted;
};

static const struct value_limits cuts[] = {
    {.stream_node_bytes = 4096, .stream_node_entries = 100},
    {.stream_node_bytes = 120, .stream_node_entries = 100},
    {.stream_node_bytes = 4096, .stream_node_entries = 3},
    {.stream_node_entries = 10},
    {0},
};
enum { CUTS = sizeof cuts / sizeof *cuts };

/* Different for each entry, name or value, and place. */
static struct slice text_of(char out[TEXT], const struct fact *f, unsigned i)
{
    static const int64_t odd[] = {0, -1, 127, 128, -128, -129, 4095, -4096, -4097, 32767, 65536,
                                  -8388608, 8388608, INT32_MIN, INT64_MAX, INT64_MIN};
    uint64_t at = f->id.ms * 31 + f->id.seq * 7 + i;
    bool name = i % 2 == 0;
    if (name && f->kind % 3 != 0)
        at = i; /* the names that most share */
    if (f->kind % 2)
        return slice(out, num_format_i64(out, odd[at % 16]));
    size_t len = name ? 3 : at % 11 == 0 ? at % TEXT : at % 20;
    memset(out, 'a' + (int)(at % 26), len);
    return slice(out, len);
}

static void add(struct stream *s, struct model *m, struct stream_id id,
                const struct value_limits *limits)
{
    struct fact *f = &m->facts[m->n++];
    struct slice pairs[2 * PAIRS];
    char texts[2 * PAIRS][TEXT];
    *f = (struct fact){.id = id, .in = true, .owner = -1, .pairs = 1 + (unsigned)rand_below(PAIRS),
                       .kind = (unsigned)rand_below(6)};
    if (rand_below(3))
        f->pairs = 2;
    for (unsigned i = 0; i < 2 * f->pairs; i++)
        pairs[i] = text_of(texts[i], f, i);
    stream_append(s, id, pairs, f->pairs, limits);
    m->in++;
}

static struct stream_id random_next(struct stream_id last)
{
    struct stream_id id = last;
    switch (rand_below(6)) {
    case 0:
        id.ms += 1 + rand_below(100000);
        id.seq = rand_below(2) ? 0 : rand_u64();
        break;
    case 1:
        id.seq += 1 + rand_below(70000);
        id.ms += id.seq < last.seq;
        break;
    case 2:
        id.ms += 1;
        id.seq = 0;
        break;
    default:
        stream_id_increment(&id);
    }
    return id;
}

/* ---- comparing ---- */

static void check_entry(struct block_entry *e, const struct fact *f)
{
    struct slice name, value;
    char want[TEXT];
    CHECK(e->id.ms == f->id.ms && e->id.seq == f->id.seq);
    CHECK_INT(e->fields, f->pairs);
    for (unsigned i = 0; i < f->pairs; i++) {
        CHECK(stream_entry_next(e, &name, &value));
        CHECK_SLICE(name, text_of(want, f, 2 * i));
        CHECK_SLICE(value, text_of(want, f, 2 * i + 1));
    }
    CHECK(!stream_entry_next(e, &name, &value));
}

static void check_range(const struct stream *s, const struct model *m, struct stream_id from,
                        struct stream_id to, bool reverse)
{
    struct stream_iter it;
    struct block_entry e;
    stream_iter_init(&it, s, from, to, reverse);
    for (size_t i = 0; i < m->n; i++) {
        const struct fact *f = &m->facts[reverse ? m->n - 1 - i : i];
        if (!f->in || stream_id_cmp(f->id, from) < 0 || stream_id_cmp(f->id, to) > 0)
            continue;
        CHECK(stream_iter_next(&it, &e));
        check_entry(&e, f);
    }
    CHECK(!stream_iter_next(&it, &e));
    CHECK(!stream_iter_next(&it, &e));
}

static struct stream_id random_id(const struct model *m)
{
    if (m->n == 0 || rand_below(10) == 0)
        return rand_below(2) ? STREAM_ID_MIN : STREAM_ID_MAX;
    struct stream_id id = m->facts[rand_below(m->n)].id;
    if (rand_below(3) == 0)
        stream_id_increment(&id);
    return id;
}

static void check_stream(const struct stream *s, const struct model *m)
{
    CHECK_INT((int64_t)s->length, (int64_t)m->in);
    CHECK_INT(stream_id_cmp(s->max_deleted, m->max_deleted), 0);
    check_range(s, m, STREAM_ID_MIN, STREAM_ID_MAX, false);
    check_range(s, m, STREAM_ID_MIN, STREAM_ID_MAX, true);
    for (int i = 0; i < 4; i++)
        check_range(s, m, random_id(m), random_id(m), rand_below(2));
    struct stream_id first = STREAM_ID_MIN;
    for (size_t i = m->n; i-- > 0;)
        first = m->facts[i].in ? m->facts[i].id : first;
    CHECK_INT(stream_id_cmp(s->first, first), 0);
    struct id_cursor at;
    for (const struct stream_node *n = id_index_from(&s->nodes, STREAM_ID_MIN, &at); n;
         n = id_index_next(&s->nodes, &at)) {
        uint8_t *lp = stream_block_to_listpack(n->block, n->master);
        CHECK_INT((int64_t)lp_bytes(lp), (int64_t)stream_block_listpack_bytes(n->block));
        CHECK(n->block->live > 0);
        mem_free(lp);
    }
}

/* ---- steps ---- */

static void forget(struct model *m, struct fact *f)
{
    if (f->in)
        m->in--;
    f->in = false;
}

static void remove_one(struct stream *s, struct model *m)
{
    struct fact *f = &m->facts[rand_below(m->n)];
    struct stream_id beside = f->id;
    CHECK_INT(stream_has(s, f->id), f->in);
    CHECK_INT(stream_delete(s, f->id), f->in);
    if (f->in && stream_id_cmp(f->id, m->max_deleted) > 0)
        m->max_deleted = f->id;
    forget(m, f);
    beside.seq++;
    if (f + 1 == m->facts + m->n || stream_id_cmp(f[1].id, beside) != 0)
        CHECK(!stream_delete(s, beside));
}

static void trim(struct stream *s, struct model *m)
{
    struct stream_trim t = {.by = rand_below(2) ? TRIM_MAXLEN : TRIM_MINID,
                            .approximate = rand_below(2)};
    t.maxlen = rand_below(m->in + 2);
    t.minid = random_id(m);
    t.limit = t.approximate && rand_below(2) ? 1 + rand_below(30) : 0;
    uint64_t removed = stream_trim(s, &t), expected = 0;
    struct block_entry e;
    struct stream_iter it;
    stream_iter_init(&it, s, STREAM_ID_MIN, STREAM_ID_MAX, false);
    struct stream_id first = stream_iter_next(&it, &e) ? e.id : STREAM_ID_MAX;
    size_t stay = m->in;
    for (size_t i = 0; i < m->n; i++) {
        struct fact *f = &m->facts[i];
        bool over = t.by == TRIM_MAXLEN ? stay > t.maxlen : stream_id_cmp(f->id, t.minid) < 0;
        /* Approximately: those in front that went might go, and no others. */
        bool goes = over && (!t.approximate || stream_id_cmp(f->id, first) < 0);
        if (f->in && goes) {
            forget(m, f);
            expected++;
            stay--;
        }
    }
    CHECK_INT((int64_t)removed, (int64_t)expected);
    CHECK(!t.limit || removed <= t.limit);
}

static void random_steps(void)
{
    for (int cut = 0; cut < CUTS; cut++) {
        struct val v = stream_new();
        struct stream *s = v.ptr;
        struct model *m = mem_zalloc(sizeof *m);
        struct stream_id id = {rand_below(2) ? 0 : rand_below(1000), 0};
        while (m->n < ENTRIES) {
            uint64_t what = rand_below(40);
            if (what < 30 || m->n == 0)
                add(s, m, id = random_next(id), &cuts[cut]);
            else if (what < 39)
                remove_one(s, m);
            else if (rand_below(3) == 0)
                trim(s, m);
            if (m->n % 16 == 0)
                check_stream(s, m);
        }
        CHECK_INT((int64_t)s->entries_added, ENTRIES);
        while (s->length > 0)
            remove_one(s, m);
        check_stream(s, m);
        CHECK_INT((int64_t)s->nodes.records, 0);
        val_free(v);
        mem_free(m);
    }
}

/* What is approximate finds the nodes that other servers have. */
static void nodes_end_where_the_limits_say(void)
{
    struct val v = stream_new();
    struct stream *s = v.ptr;
    struct slice pair[] = {SLICE_LIT("field"), SLICE_LIT("value")};
    const struct value_limits limits = {.stream_node_entries = 10};
    for (uint64_t i = 1; i <= 95; i++)
        stream_append(s, (struct stream_id){i, 0}, pair, 1, &limits);
    CHECK_INT((int64_t)s->nodes.records, 10);
    CHECK_INT((int64_t)stream_trim(s, &(struct stream_trim){
        .by = TRIM_MAXLEN, .maxlen = 42, .approximate = true}), 50);
    CHECK_INT((int64_t)stream_trim(s, &(struct stream_trim){
        .by = TRIM_MAXLEN, .maxlen = 5, .approximate = true, .limit = 25}), 20);
    CHECK_INT((int64_t)stream_trim(s, &(struct stream_trim){
        .by = TRIM_MINID, .minid = {81, 0}, .approximate = true}), 10);
    CHECK_INT((int64_t)stream_trim(s, &(struct stream_trim){
        .by = TRIM_MINID, .minid = {85, 0}}), 4);
    CHECK_INT((int64_t)s->length, 11);
    CHECK_INT((int64_t)s->first.ms, 85);
    val_free(v);
}

static void ids_have_ends(void)
{
    struct stream_id id = {5, UINT64_MAX};
    CHECK(stream_id_increment(&id) && id.ms == 6 && id.seq == 0);
    CHECK(stream_id_decrement(&id) && id.ms == 5 && id.seq == UINT64_MAX);
    id = STREAM_ID_MAX;
    CHECK(!stream_id_increment(&id));
    CHECK_INT(stream_id_cmp(id, STREAM_ID_MAX), 0);
    id = STREAM_ID_MIN;
    CHECK(!stream_id_decrement(&id));
    struct val v = stream_new();
    struct slice pair[] = {SLICE_LIT("f"), SLICE_LIT("v")};
    stream_append(v.ptr, (struct stream_id){0, 1}, pair, 1, &cuts[0]);
    stream_append(v.ptr, STREAM_ID_MAX, pair, 1, &cuts[0]);
    struct stream_iter it;
    struct block_entry e;
    stream_iter_init(&it, v.ptr, STREAM_ID_MIN, STREAM_ID_MAX, true);
    CHECK(stream_iter_next(&it, &e) && stream_id_cmp(e.id, STREAM_ID_MAX) == 0);
    CHECK(stream_iter_next(&it, &e) && e.id.seq == 1 && !stream_iter_next(&it, &e));
    val_free(v);
}

/* ---- groups ---- */

static struct slice consumer_name(int i)
{
    static const char *const names[CONSUMERS] = {"", "b", "bb", "c", "a consumer"};
    return slice_str(names[i]);
}

static void check_owned(const struct stream_group *g, const struct model *m, int who)
{
    const struct stream_consumer *c = stream_group_consumer(g, consumer_name(who));
    struct id_cursor at;
    const struct stream_id *id = NULL;
    bool begun = false;
    for (size_t i = 0; i < m->n; i++) {
        const struct fact *f = &m->facts[i];
        if (f->owner != who)
            continue;
        CHECK(c);
        id = begun ? id_index_next(&c->owned, &at)
                   : id_index_from(&c->owned, STREAM_ID_MIN, &at);
        begun = true;
        CHECK(id && stream_id_cmp(*id, f->id) == 0);
        const struct stream_pending *p = stream_group_pending(g, f->id);
        CHECK(p && p->consumer == c);
        CHECK_INT(p->delivered_ms, f->delivered_ms);
        CHECK_INT((int64_t)p->count, (int64_t)f->count);
    }
    CHECK(!begun || !id_index_next(&c->owned, &at));
    CHECK(begun || !c || c->owned.records == 0);
}

static void check_group(const struct stream_group *g, const struct model *m)
{
    int64_t pending = 0;
    for (size_t i = 0; i < m->n; i++)
        pending += m->facts[i].owner >= 0;
    CHECK_INT((int64_t)g->pending.records, pending);
    for (int who = 0; who < CONSUMERS; who++)
        check_owned(g, m, who);
}

static void group_step(struct stream_group *g, struct model *m)
{
    struct fact *f = &m->facts[rand_below(m->n)];
    int who = (int)rand_below(CONSUMERS);
    struct stream_consumer *c = stream_group_consumer(g, consumer_name(who));
    if (!c)
        c = stream_group_add_consumer(g, consumer_name(who), 1);
    uint64_t what = rand_below(200);
    if (what < 110) {
        f->owner = who;
        f->delivered_ms = (int64_t)rand_below(100000);
        f->count = 1;
        stream_group_deliver(g, c, f->id, f->delivered_ms);
    } else if (what < 130 && f->owner >= 0) {
        struct stream_pending *p = stream_group_pending(g, f->id);
        stream_group_give(p, c);
        f->count = ++p->count;
        f->owner = who;
    } else if (what < 199) {
        CHECK_INT(stream_group_ack(g, f->id), f->owner >= 0);
        f->owner = -1;
    } else {
        stream_group_remove_consumer(g, c);
        for (size_t i = 0; i < m->n; i++)
            m->facts[i].owner = m->facts[i].owner == who ? -1 : m->facts[i].owner;
    }
}

static void groups_keep_what_is_pending(void)
{
    struct val v = stream_new();
    struct stream *s = v.ptr;
    struct model *m = mem_zalloc(sizeof *m);
    size_t before = mem_used();
    struct stream_id id = STREAM_ID_MIN;
    while (m->n < ENTRIES)
        add(s, m, id = random_next(id), &cuts[0]);
    CHECK(stream_add_group(s, SLICE_LIT("g"), STREAM_ID_MIN, 0));
    CHECK(!stream_add_group(s, SLICE_LIT("g"), id, 5));
    struct stream_group *g = stream_group(s, SLICE_LIT("g"));
    for (int i = 0; i < 20000; i++) {
        group_step(g, m);
        if (i % 500 == 0)
            check_group(g, m);
    }
    struct val copy = val_copy(v);
    check_group(stream_group(copy.ptr, SLICE_LIT("g")), m);
    CHECK(stream_remove_group(s, SLICE_LIT("g")));
    CHECK(!stream_group(s, SLICE_LIT("g")) && !stream_remove_group(s, SLICE_LIT("g")));
    check_group(stream_group(copy.ptr, SLICE_LIT("g")), m);
    val_free(copy);
    val_free(v);
    CHECK(mem_used() <= before);
    mem_free(m);
}

/* Of all entries ever added, those up to that id; -1: it cannot be told. */
static int64_t up_to(const struct stream *s, uint64_t ms)
{
    struct stream_group g = {.last = {ms, ms == 0}, .entries_read = STREAM_READ_UNKNOWN};
    int64_t lag = stream_group_lag(s, &g);
    return lag == STREAM_LAG_UNKNOWN ? -1 : (int64_t)s->entries_added - lag;
}

/* How far a group is, as the documentation tells and the installed server does. */
static void groups_know_how_far_they_are(void)
{
    struct val v = stream_new();
    struct stream *s = v.ptr;
    struct slice pair[] = {SLICE_LIT("f"), SLICE_LIT("v")};
    CHECK_INT(up_to(s, 1), 0);
    for (uint64_t i = 1; i <= 5; i++)
        stream_append(s, (struct stream_id){i, 0}, pair, 1, &cuts[0]);
    CHECK_INT(up_to(s, 0), 0);
    CHECK_INT(up_to(s, 1), 1);
    CHECK_INT(up_to(s, 3), -1);
    CHECK_INT(up_to(s, 5), 5);
    CHECK_INT(up_to(s, 6), -1);
    stream_add_group(s, SLICE_LIT("g"), STREAM_ID_MIN, 0);
    struct stream_group *g = stream_group(s, SLICE_LIT("g"));
    CHECK_INT(stream_group_lag(s, g), 5);
    stream_group_advance(s, g, (struct stream_id){1, 0});
    stream_group_advance(s, g, (struct stream_id){2, 0});
    CHECK_INT(g->entries_read, 2);
    CHECK_INT(stream_group_lag(s, g), 3);
    stream_delete(s, (struct stream_id){4, 0});
    CHECK(stream_group_lag(s, g) == STREAM_LAG_UNKNOWN);
    stream_group_advance(s, g, (struct stream_id){3, 0});
    CHECK_INT(g->entries_read, STREAM_READ_UNKNOWN);
    stream_group_advance(s, g, (struct stream_id){5, 0});
    CHECK_INT(g->entries_read, 5);
    CHECK_INT(stream_group_lag(s, g), 0);
    val_free(v);
}

/* ---- through files ---- */

static void digest_of(const struct val *v, char out[DIGEST_HEX])
{
    struct digest d;
    digest_init(&d);
    d.by_entries = true;
    struct key_event key = {.name = SLICE_LIT("k"), .type = VALUE_STREAM,
                            .expire_ms = KEY_NO_EXPIRE};
    CHECK(sink_key(&d.sink, &key));
    stream_ops.walk(v, &d.sink);
    sink_end_key(&d.sink);
    digest_hex(&d, out);
    digest_free(&d);
}

static struct val through_payload(const struct val *v, int version)
{
    struct out out;
    struct rdb_writer w;
    struct buf bytes = {0};
    struct key_event key = {.name = SLICE_LIT("k"), .type = VALUE_STREAM,
                            .expire_ms = KEY_NO_EXPIRE, .blocks = stream_ops.blocks(v)};
    out_init_memory(&out);
    rdb_payload_writer_init(&w, &out, version);
    CHECK(sink_key(&w.sink, &key));
    stream_ops.walk(v, &w.sink);
    sink_end_key(&w.sink);
    CHECK(!rdb_writer_bad(&w));
    buf_add(&bytes, buf_slice(&out.buf));
    rdb_payload_seal(&bytes, 0, version);
    rdb_writer_free(&w);
    out_free(&out);

    struct keyspace ks;
    struct load l;
    struct fault f = {0};
    keyspace_init(&ks, 1);
    load_init(&l, &ks, LOAD_ONE_VALUE, 0);
    CHECK(rdb_payload_read(buf_slice(&bytes), &key, &l.sink, &(struct rdb_options){0}, &f));
    struct val loaded = l.value;
    l.value = (struct val){0};
    load_release(&l);
    keyspace_release(&ks);
    buf_free(&bytes);
    return loaded;
}

static struct val random_stream(struct model *m, const struct value_limits *limits, size_t entries,
                                uint64_t seed)
{
    struct val v = stream_new();
    struct stream *s = v.ptr;
    struct stream_id id = STREAM_ID_MIN;
    rand_seed(seed);
    *m = (struct model){0};
    while (m->n < entries)
        add(s, m, id = random_next(id), limits);
    for (size_t i = 0; i < entries / 3; i++)
        remove_one(s, m);
    for (int i = 0; i < 3 && entries; i++) {
        struct slice name = consumer_name(i);
        stream_add_group(s, name, m->facts[rand_below(m->n)].id, (int64_t)rand_below(3) - 1);
        for (size_t k = 0; k < entries * 2; k++)
            group_step(stream_group(s, name), m);
        for (size_t k = 0; k < m->n && i < 2; k++)
            m->facts[k].owner = -1;
    }
    return v;
}

static void comes_back_from_files_however_it_is_cut(void)
{
    struct model *m = mem_zalloc(sizeof *m);
    for (int round = 0; round < 6; round++) {
        uint64_t seed = rand_u64();
        size_t entries = round == 0 ? 0 : 1 + rand_below(ENTRIES - 1);
        char first[DIGEST_HEX], second[DIGEST_HEX];
        for (int cut = 0; cut < CUTS; cut++) {
            struct val v = random_stream(m, &cuts[cut], entries, seed);
            digest_of(&v, second);
            if (cut == 0)
                memcpy(first, second, sizeof first);
            CHECK_STR(second, first);
            for (int version = 9; version <= 11; version++) {
                struct val loaded = through_payload(&v, version);
                check_range(loaded.ptr, m, STREAM_ID_MIN, STREAM_ID_MAX, false);
                check_range(loaded.ptr, m, STREAM_ID_MIN, STREAM_ID_MAX, true);
                if (entries)
                    check_group(stream_group(loaded.ptr, consumer_name(2)), m);
                digest_of(&loaded, second);
                if (version > 9) /* version 9 has no place for all of it */
                    CHECK_STR(second, first);
                if (version > 9)
                    CHECK_INT(stream_id_cmp(((struct stream *)loaded.ptr)->first,
                                            ((struct stream *)v.ptr)->first), 0);
                val_free(loaded);
            }
            val_free(v);
        }
    }
    mem_free(m);
}

/* A reader's fault in the middle: entries are pending of nobody yet, and no end comes. */
static void half_a_stream_is_freed(void)
{
    struct keyspace ks;
    struct load l;
    struct key_event key = {.name = SLICE_LIT("k"), .type = VALUE_STREAM,
                            .expire_ms = KEY_NO_EXPIRE};
    struct stream_info_event info = {.last = {9, 9}, .groups = 1};
    struct stream_group_event group = {.name = SLICE_LIT("g"), .pending = 2, .consumers = 2};
    struct stream_pending_event pending = {.id = {5, 0}, .count = 1};
    struct stream_consumer_event consumer = {.name = SLICE_LIT("c"), .owned = 1};
    keyspace_init(&ks, 1);
    size_t before = mem_used();
    for (int events = 0; events <= 7; events++) {
        load_init(&l, &ks, LOAD_ONE_VALUE, 0);
        CHECK(l.sink.ops->key(&l.sink, &key));
        if (events > 0)
            l.sink.ops->stream_info(&l.sink, &info);
        if (events > 1)
            l.sink.ops->stream_group(&l.sink, &group);
        if (events > 2)
            l.sink.ops->stream_pending(&l.sink, &pending);
        if (events > 3)
            l.sink.ops->stream_consumer(&l.sink, &consumer);
        if (events > 4)
            l.sink.ops->stream_owned(&l.sink, &pending);
        if (events > 5) /* the same name again */
            l.sink.ops->stream_consumer(&l.sink, &consumer);
        CHECK_INT(l.sink.fault.code, events > 5 ? FAULT_FORMAT : FAULT_NONE);
        if (events > 6) /* what follows a fault is let pass */
            l.sink.ops->stream_owned(&l.sink, &pending);
        load_release(&l);
    }
    /* What later versions know besides is not dropped in silence. */
    load_init(&l, &ks, LOAD_ONE_VALUE, 0);
    CHECK(l.sink.ops->key(&l.sink, &key));
    l.sink.ops->stream_rest(&l.sink, RDB_STREAM_5, SLICE_LIT("x"));
    CHECK_INT(l.sink.fault.code, FAULT_CANNOT_HOLD);
    load_release(&l);
    CHECK_INT((int64_t)mem_used(), (int64_t)before);
    keyspace_release(&ks);
}

/* ---- bytes ---- */

static void costs_few_bytes(void)
{
    enum { MANY = 100000 };
    size_t before = mem_used();
    struct val v = stream_new();
    struct stream *s = v.ptr;
    struct slice pair[] = {SLICE_LIT("f"), SLICE_LIT("xxxxxxxxxxxxxxxx")};
    for (uint64_t i = 0; i < MANY; i++)
        stream_append(s, (struct stream_id){1700000000000 + 3 * i, 0}, pair, 1, &cuts[0]);
    size_t entries = mem_used() - before;
    stream_add_group(s, SLICE_LIT("g"), STREAM_ID_MIN, 0);
    struct stream_group *g = stream_group(s, SLICE_LIT("g"));
    for (uint64_t i = 0; i < MANY; i++) {
        struct slice name = consumer_name((int)(i / 100 % CONSUMERS));
        struct stream_consumer *c = stream_group_consumer(g, name);
        if (!c)
            c = stream_group_add_consumer(g, name, 1);
        stream_group_deliver(g, c, (struct stream_id){1700000000000 + 3 * i, 0}, 1);
    }
    size_t pending = mem_used() - before - entries;
#ifndef MEM_SYSTEM
    CHECK(entries / MANY < 26); /* Redis 7.0.15: 31.7 */
    CHECK(pending / MANY < 64); /* 149 */
#endif
    for (uint64_t i = 0; i < MANY; i += 2)
        CHECK(stream_group_ack(g, (struct stream_id){1700000000000 + 3 * i, 0}));
    size_t half = mem_used() - before - entries;
#ifndef MEM_SYSTEM
    CHECK(half / (MANY / 2) < 80);
#endif
    CHECK(value_ops_of(VALUE_STREAM)->memory(&v, 0) >= half + entries - 4096);
    val_free(v);
    CHECK_INT((int64_t)mem_used(), (int64_t)before);
    (void)pending;
}

/* Most groups have nothing much pending at most times. */
static void a_group_with_one_pending_entry_costs_few_bytes(void)
{
    struct val v = stream_new();
    struct stream *s = v.ptr;
    struct slice pair[] = {SLICE_LIT("f"), SLICE_LIT("v")};
    stream_append(s, (struct stream_id){1, 1}, pair, 1, &cuts[0]);
    size_t before = mem_used();
    CHECK(stream_add_group(s, SLICE_LIT("group"), STREAM_ID_MIN, 0));
    struct stream_group *g = stream_group(s, SLICE_LIT("group"));
    struct stream_consumer *c = stream_group_add_consumer(g, SLICE_LIT("consumer"), 1);
    size_t idle = mem_used();
    stream_group_deliver(g, c, (struct stream_id){1, 1}, 1);
#ifndef MEM_SYSTEM
    CHECK(mem_used() - before < 408); /* Redis 7.0.15: 453 */
#endif
    CHECK(stream_group_ack(g, (struct stream_id){1, 1}));
    CHECK_INT((int64_t)mem_used(), (int64_t)idle);
    (void)before;
    val_free(v);
}

int main(void)
{
    rand_seed(unit_seed());
    return UNIT_RUN(UNIT(random_steps), UNIT(nodes_end_where_the_limits_say), UNIT(ids_have_ends),
                    UNIT(groups_keep_what_is_pending), UNIT(groups_know_how_far_they_are),
                    UNIT(comes_back_from_files_however_it_is_cut),
                    UNIT(half_a_stream_is_freed), UNIT(costs_few_bytes),
                    UNIT(a_group_with_one_pending_entry_costs_few_bytes));
}
