/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "format/digest.h"
#include "format/rdb_read.h"
#include "tests/unit/unit.h"
#include "tools/pending_file.h"

static uint64_t seed;

static uint64_t any(uint64_t below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (seed >> 33) % below;
}

/* ---- the list ---- */

enum order { ASCENDING, WILD, SHUFFLED };

static struct stream_pending_event make(uint64_t i, enum order order)
{
    struct stream_pending_event e = {{1700000000000 + i / 3, i % 3}, 1700000000500, 1};
    if (order == WILD) /* the largest differences there are, and still ascending */
        e = (struct stream_pending_event){{i << 40, UINT64_MAX - i},
                                          i & 1 ? INT64_MIN : INT64_MAX, UINT64_MAX - i};
    return e;
}

static bool same(const struct stream_pending_event *a, const struct stream_pending_event *b)
{
    return stream_id_cmp(a->id, b->id) == 0 && a->delivered_ms == b->delivered_ms &&
           a->count == b->count;
}

static void put_all(struct pending_file *p, uint64_t n, enum order order)
{
    uint64_t *at = mem_alloc(n * sizeof *at + 1);
    p->ops.begin(p);
    for (uint64_t i = 0; i < n; i++) {
        uint64_t k = order == SHUFFLED ? any(i + 1) : i;
        at[i] = at[k];
        at[k] = i;
    }
    for (uint64_t i = 0; i < n; i++) {
        struct stream_pending_event e = make(at[i], order);
        p->ops.add(p, &e);
    }
    mem_free(at);
}

/* Gone through; claimed with gaps, and all again, by several who take turns; gone through. */
static void check_list(size_t held, uint64_t n, enum order order)
{
    struct pending_file p;
    struct stream_pending_event e, want;
    bool claimed, ok = true;
    uint64_t i = 0;
    pending_file_begin(&p, held);
    for (int twice = 0; twice < 2; twice++) {
        put_all(&p, n, order);
        CHECK(p.ops.sort(&p));
        for (i = 0; p.ops.next(&p, &e, &claimed); i++) {
            want = make(i, order);
            ok = ok && !claimed && same(&e, &want);
        }
        CHECK(ok && i == n);
        for (uint64_t who = 0; who < 7; who++)
            for (i = who; i < n; i += 7) {
                want = make(i, order);
                e = (struct stream_pending_event){.id = want.id};
                enum pending_claim claim = i % 5 ? p.ops.claim(&p, &e) : PENDING_CLAIMED;
                ok = ok && claim == PENDING_CLAIMED && (i % 5 == 0 || same(&e, &want));
            }
        CHECK(ok);
        for (i = 0; p.ops.next(&p, &e, &claimed); i++)
            ok = ok && claimed == (i % 5 != 0);
        CHECK(ok && i == n);
    }
    for (i = 0; i < n; i += 1 + n / 1000) {
        e = make(i, order);
        ok = ok && p.ops.claim(&p, &e) == (i % 5 ? PENDING_CLAIMED_BEFORE : PENDING_CLAIMED);
        e.id.ms += 1u << 20;
        e.id.seq = 77;
        ok = ok && p.ops.claim(&p, &e) == PENDING_ABSENT;
    }
    e = (struct stream_pending_event){.id = {0, 5}};
    CHECK(ok && p.ops.claim(&p, &e) == PENDING_ABSENT);
    e = (struct stream_pending_event){.id = {UINT64_MAX, UINT64_MAX}};
    CHECK(p.ops.claim(&p, &e) == PENDING_ABSENT);
    CHECK(!fault_is(&p.fault));
    p.ops.end(&p);
    pending_file_end(&p);
}

static void lists_in_memory_and_in_a_file(void)
{
    static const uint64_t sizes[] = {0, 1, 31, 32, 33, 64, 1000, 20000};
    static const size_t held[] = {0, 100, 5000, 1 << 20};
    seed = unit_seed();
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (size_t h = 0; h < sizeof held / sizeof *held; h++)
            for (enum order o = ASCENDING; o <= SHUFFLED; o++)
                check_list(held[h], sizes[s], o);
}

static void an_id_twice_is_told(void)
{
    struct pending_file p;
    pending_file_begin(&p, 1000);
    for (enum order o = ASCENDING; o <= SHUFFLED; o++) {
        put_all(&p, 3000, o);
        struct stream_pending_event e = make(any(3000), o);
        p.ops.add(&p, &e);
        CHECK(!p.ops.sort(&p));
    }
    CHECK(!fault_is(&p.fault));
    pending_file_end(&p);
}

/* So many that pages become larger. */
static void very_long_lists(void)
{
    enum { MANY = (256 << 10) * 32 + 77777 };
    struct pending_file p;
    struct stream_pending_event e, want;
    bool ok = true;
    pending_file_begin(&p, 20 << 20);
    p.ops.begin(&p);
    for (uint64_t i = 0; i < MANY; i++) {
        e = make(i, ASCENDING);
        p.ops.add(&p, &e);
    }
    CHECK(p.ops.sort(&p));
    CHECK_INT((int64_t)p.page_size, 64);
    seed = unit_seed();
    for (int i = 0; i < 20000; i++) {
        want = make(i < 2 ? MANY - 1 : any(MANY), ASCENDING);
        e = (struct stream_pending_event){.id = want.id};
        ok = ok && p.ops.claim(&p, &e) != PENDING_ABSENT && same(&e, &want);
    }
    CHECK(ok && !fault_is(&p.fault));
    pending_file_end(&p);
}

static void where_no_file_can_be_made(void)
{
    struct pending_file p;
    struct stream_pending_event e;
    bool claimed;
    const char *was = getenv("TMPDIR");
    char *before = was ? mem_strdup(was) : NULL;
    setenv("TMPDIR", "/nowhere", 1);
    pending_file_begin(&p, 1000);
    put_all(&p, 3000, ASCENDING);
    CHECK(!p.ops.sort(&p));
    CHECK(!p.ops.next(&p, &e, &claimed));
    e = make(3, ASCENDING);
    CHECK(p.ops.claim(&p, &e) == PENDING_ABSENT);
    CHECK(p.ops.fault(&p)->code == FAULT_IO);
    pending_file_end(&p);
    if (before)
        setenv("TMPDIR", before, 1);
    else
        unsetenv("TMPDIR");
    mem_free(before);
}

/* ---- behind a reader ---- */

enum wrong { NOTHING, TWICE, TWICE_LATE, STRANGER, TWO_OWNERS, NO_OWNER, SHORT, WRONGS };
enum { ENTRIES = PENDING_LIST_HELD + 500 };

static void put_id(struct buf *b, uint64_t i)
{
    uint8_t id[16];
    store_be64(id, 5 + i / 2);
    store_be64(id + 8, i % 2);
    buf_append(b, id, sizeof id);
}

static void put_len(struct buf *b, uint64_t n)
{
    uint8_t len[5] = {0x80};
    store_be32(len + 1, (uint32_t)n);
    buf_append(b, len, sizeof len);
}

static void put_list(struct buf *b, enum wrong wrong, bool shuffled)
{
    uint8_t ms[8];
    put_len(b, ENTRIES);
    for (uint64_t i = 0; i < ENTRIES; i++) {
        uint64_t is = shuffled && i >= 1000 ? i ^ 1 : i; /* pairs change places: ENTRIES is even */
        is = (wrong == TWICE && i == 400) || (wrong == TWICE_LATE && i == ENTRIES - 1) ? 200 : is;
        put_id(b, is);
        store_le64(ms, 1700000000000 + is * 7);
        buf_append(b, ms, sizeof ms);
        buf_byte(b, (unsigned char)(i % 60));
    }
}

static void put_consumer(struct buf *b, int version, char name, uint64_t from, uint64_t to,
                         const uint64_t *instead)
{
    uint8_t times[16] = {1};
    buf_byte(b, 1);
    buf_byte(b, (unsigned char)name);
    buf_append(b, times, version >= 3 ? 16 : 8);
    put_len(b, to - from);
    for (uint64_t i = from; i < to; i++)
        put_id(b, instead && i == to - 9 ? *instead : i);
}

/* A stream without entries, with a group whose list three consumers share; in version 5, the last
 * entries belong to nobody. */
static void make_rdb(struct buf *b, int type, int version, enum wrong wrong, bool shuffled)
{
    const uint64_t third = ENTRIES / 3, stranger = 2 * ENTRIES, other = 77;
    buf_printf(b, "REDIS0013%c%c%c%c%c%c%c%c", 0xfe, 0, type, 1, 's', 0, 0, 0);
    buf_byte(b, 0);
    buf_append(b, "\0\0\0\0\0", version >= 2 ? 5 : 0);
    buf_append(b, "\1\1g\0\0\0", version >= 2 ? 6 : 5);
    put_list(b, wrong, shuffled);
    put_len(b, 3);
    put_consumer(b, version, 'a', 0, third, NULL);
    put_consumer(b, version, 'b', third, 2 * third,
                 wrong == STRANGER ? &stranger : wrong == TWO_OWNERS ? &other : NULL);
    put_consumer(b, version, 'c', 2 * third,
                 ENTRIES - (version >= 5 ? 20000 : 0) - (wrong == NO_OWNER ? 1 : 0), NULL);
    if (version >= 5) {
        put_len(b, 20000);
        for (uint64_t i = ENTRIES - 20000; i < ENTRIES; i++)
            put_id(b, i);
    }
    buf_append(b, "\0\0\0\0\0", version >= 4 ? 5 : 0);
    buf_append(b, "\xff\0\0\0\0\0\0\0\0", 9);
    if (wrong == SHORT)
        b->len -= 100000;
}

struct came {
    struct fault fault;
    uint64_t events; /* a sum of all */
};

static void read_it(struct slice rdb, const struct pending_outside *outside, struct came *c)
{
    struct in in;
    struct rdb_reader r;
    struct digest d;
    digest_init(&d);
    in_init_memory(&in, rdb);
    bool ok = rdb_open(&r, &in, &(struct rdb_options){.pending = outside}) &&
              rdb_read_all(&r, &d.sink);
    c->fault = in.fault;
    c->events = ok ? d.total.low : d.key.low;
    rdb_close(&r);
    digest_free(&d);
    in_free(&in);
}

static void a_reader_finds_the_same(void)
{
    static const int types[] = {RDB_STREAM_1, RDB_STREAM_2, RDB_STREAM_3, RDB_STREAM_4,
                                RDB_STREAM_5};
    struct pending_file p;
    pending_file_begin(&p, 100000);
    for (int v = 1; v <= 5; v++)
        for (int w = 0; w < 2 * WRONGS; w++) {
            struct buf rdb = {0};
            struct came held, outside;
            make_rdb(&rdb, types[v - 1], v, (enum wrong)(w / 2), w % 2);
            read_it(buf_slice(&rdb), NULL, &held);
            read_it(buf_slice(&rdb), &p.ops, &outside);
            CHECK(fault_is(&held.fault) == (w / 2 != NOTHING));
            CHECK_STR(outside.fault.what, held.fault.what);
            CHECK_INT((int64_t)outside.fault.offset, (int64_t)held.fault.offset);
            CHECK_INT(outside.fault.code, held.fault.code);
            CHECK(outside.events == held.events);
            buf_free(&rdb);
        }
    CHECK(!fault_is(&p.fault));
    pending_file_end(&p);
}

int main(void)
{
    pending_file_end(&(struct pending_file){0});
    return UNIT_RUN(UNIT(lists_in_memory_and_in_a_file), UNIT(an_id_twice_is_told),
                    UNIT(very_long_lists), UNIT(where_no_file_can_be_made),
                    UNIT(a_reader_finds_the_same));
}
