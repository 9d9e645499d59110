/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/expire.h"

#include "base/mem.h"
#include "base/num.h"
#include "base/rand.h"
#include "store/db.h"
#include "store/entry_make.h"
#include "tests/unit/unit.h"

enum { N = 3000 };

static struct entry *make(int64_t expire_ms, int i)
{
    char name[NUM_I64_TEXT];
    struct entry_parts p = {.key = slice(name, num_format_i64(name, i)), .encoding = ENC_INT,
                            .num = i, .expire_ms = expire_ms};
    struct entry *e = mem_alloc(entry_size_of(&p));
    entry_fill(e, &p);
    return e;
}

static int64_t some_time(int64_t now)
{
    switch (rand_below(6)) {
    case 0: return now + (int64_t)rand_below(64);
    case 1: return now + (int64_t)rand_below(100000);
    case 2: return now + (int64_t)rand_below(1000000000);
    case 3: return (int64_t)rand_below(INT64_MAX);
    case 4: return now - (int64_t)rand_below(1000);
    default: return -1 - (int64_t)rand_below(1000) - 1;
    }
}

/* After each advance, and when the clock was set back, exactly the entries whose time has come are
 * due, whatever was added, removed or moved before. */
static void due_are_exactly_the_past(void)
{
    rand_seed(unit_seed());
    struct expire_index x;
    struct entry *entries[N] = {0};
    int64_t now = 1700000000000;
    expire_init(&x, now);
    size_t count = 0;
    for (int round = 0; round < 60000; round++) {
        size_t i = rand_below(N);
        if (!entries[i]) {
            entries[i] = make(some_time(now), (int)i);
            expire_add(&x, entries[i]);
            count++;
        } else if (rand_below(3) == 0) {
            expire_remove(&x, entries[i]);
            mem_free(entries[i]);
            entries[i] = NULL;
            count--;
        } else if (rand_below(2)) {
            struct entry *moved = mem_dup(entries[i], entry_size(entries[i]));
            mem_free(entries[i]);
            entries[i] = moved;
            expire_moved(&x, moved);
        }
        CHECK_INT(x.count, count);
        if (rand_below(50))
            continue;
        int64_t step[] = {1, 63, 5000, 400000, 70000000, 9000000000};
        int64_t by = (int64_t)rand_below((uint64_t)step[rand_below(6)]);
        now += rand_below(8) || now < by ? by : -by; /* the clock may be set back */
        CHECK(expire_random(&x) != NULL || count == 0);
        expire_advance(&x, now);
        for (struct entry *e; (e = expire_due(&x)); count--) {
            int64_t k;
            CHECK(entry_expire(e) <= now);
            CHECK(num_parse_i64(entry_key(e), &k));
            CHECK(entries[k] == e);
            expire_remove(&x, e);
            mem_free(e);
            entries[k] = NULL;
        }
        __int128 sum = 0;
        for (int k = 0; k < N; k++) {
            CHECK(!entries[k] || entry_expire(entries[k]) > now);
            sum += entries[k] ? entry_expire(entries[k]) : 0;
        }
        CHECK(expire_average_ms(&x) == (count ? (int64_t)(sum / (int64_t)count) : 0));
    }
    for (int k = 0; k < N; k++)
        mem_free(entries[k]);
    expire_release(&x);
}

/* The earliest entry of the model; NULL: none is due. */
static struct entry *model_earliest(struct entry **entries, int64_t now)
{
    struct entry *first = NULL;
    for (int k = 0; k < N; k++)
        if (entries[k] && entry_expire(entries[k]) <= now &&
            (!first || entry_expire(entries[k]) < entry_expire(first)))
            first = entries[k];
    return first;
}

/* Whatever is added (also with times that are past), removed or moved while due entries wait, and
 * however far the clock goes at once: the next one is the earliest. */
static void due_come_in_the_order_of_their_times(void)
{
    rand_seed(unit_seed());
    struct expire_index x;
    struct entry *entries[N] = {0};
    int64_t now = 1700000000000;
    expire_init(&x, now);
    for (int round = 0; round < 30000; round++) {
        size_t i = rand_below(N);
        uint64_t what = rand_below(10);
        if (!entries[i]) {
            bool past = rand_below(40) == 0;
            int64_t when = past ? some_time(now) : now + 1 + (int64_t)rand_below(2000000);
            entries[i] = make(when, (int)i);
            expire_add(&x, entries[i]);
        } else if (what < 2) {
            expire_remove(&x, entries[i]);
            mem_free(entries[i]);
            entries[i] = NULL;
        } else if (what < 4) {
            struct entry *moved = mem_dup(entries[i], entry_size(entries[i]));
            mem_free(entries[i]);
            entries[i] = moved;
            expire_moved(&x, moved);
        }
        if (rand_below(100) == 0) {
            int64_t step[] = {2, 100, 5000, 400000, 4000000};
            now += (int64_t)rand_below((uint64_t)step[rand_below(5)]);
            expire_advance(&x, now);
        }
        for (uint64_t n = rand_below(12) ? 0 : rand_below(40); n > 0; n--) {
            struct entry *want = model_earliest(entries, now), *e = expire_due(&x);
            CHECK(!want == !e);
            if (!e)
                break;
            int64_t k;
            CHECK_INT(entry_expire(e), entry_expire(want));
            CHECK(num_parse_i64(entry_key(e), &k) && entries[k] == e);
            CHECK(expire_random(&x) != NULL);
            expire_remove(&x, e);
            mem_free(e);
            entries[k] = NULL;
        }
    }
    for (int k = 0; k < N; k++)
        mem_free(entries[k]);
    expire_release(&x);
}

/* A queue that never empties does not grow. */
static void waiting_entries_take_bounded_room(void)
{
    struct expire_index x;
    expire_init(&x, 0);
    for (int i = 1; i <= 100000; i++) {
        expire_add(&x, make(i, i));
        expire_advance(&x, i);
        if (i <= 10)
            continue;
        struct entry *e = expire_due(&x);
        CHECK_INT(entry_expire(e), i - 10);
        expire_remove(&x, e);
        mem_free(e);
    }
    CHECK(expire_memory(&x) < 64 * 1024);
    for (struct entry *e; (e = expire_due(&x));) {
        expire_remove(&x, e);
        mem_free(e);
    }
    CHECK_INT(x.count, 0);
    expire_release(&x);
}

static void far_future_fits(void)
{
    struct expire_index x;
    expire_init(&x, 0);
    struct entry *e = make(INT64_MAX, 1);
    expire_add(&x, e);
    expire_advance(&x, 4102444800000);
    CHECK(!expire_due(&x));
    expire_advance(&x, INT64_MAX);
    CHECK(expire_due(&x) == e);
    expire_remove(&x, e);
    CHECK(!expire_due(&x));
    CHECK_INT(x.count, 0);
    expire_release(&x);
    mem_free(e);
}

/* A cache whose keys get the same time to live: the slot of the old ones drains while that of the
 * new ones fills. What lies idle stays a small part all the way. */
static void arrays_that_drain_give_back(void)
{
    enum { KEYS = 100000 };
    struct expire_index x;
    struct entry **entries = mem_zalloc(KEYS * sizeof *entries);
    const int64_t now = (int64_t)1 << 40, slot = 1 << 18;
    expire_init(&x, now);
    for (int i = 0; i < KEYS; i++) {
        entries[i] = make(now + 3 * slot, i);
        expire_add(&x, entries[i]);
    }
    for (int i = 0; i < KEYS; i++) {
        expire_remove(&x, entries[i]);
        mem_free(entries[i]);
        entries[i] = make(now + 4 * slot, i);
        expire_add(&x, entries[i]);
        CHECK(expire_memory(&x) <= KEYS * sizeof(void *) * 115 / 100 + 16384);
    }
    for (int i = 0; i < KEYS; i++) {
        expire_remove(&x, entries[i]);
        mem_free(entries[i]);
    }
    mem_free(entries);
    expire_release(&x);
}

int main(void)
{
    return UNIT_RUN(UNIT(due_are_exactly_the_past),
                    UNIT(due_come_in_the_order_of_their_times),
                    UNIT(waiting_entries_take_bounded_room), UNIT(far_future_fits),
                    UNIT(arrays_that_drain_give_back));
}
