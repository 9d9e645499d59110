/* SPDX-License-Identifier: BSD-3-Clause */
#include "containers/table.h"

#include "base/buf.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/rand.h"
#include "tests/unit/unit.h"

struct item {
    char key[24];
    unsigned seen;
    bool in;
};

static struct slice item_key(const void *item)
{
    return slice_str(((const struct item *)item)->key);
}
static const struct table_type type = {.key = item_key};

static struct item *make_items(size_t n)
{
    struct item *items = mem_zalloc(n * sizeof *items);
    for (size_t i = 0; i < n; i++)
        num_format_u64(items[i].key, i * 7919);
    return items;
}

static void agrees_with_a_model(void)
{
    enum { N = 20000 };
    rand_seed(unit_seed());
    struct item *items = make_items(N);
    struct table t;
    table_init(&t, &type);
    size_t in = 0;
    for (int round = 0; round < 300000; round++) {
        /* Phases of growth and of shrinking. */
        bool add = rand_below(100) < (round / 50000 % 2 ? 30 : 70);
        struct item *it = &items[rand_below(N)];
        if (add != it->in) {
            if (add)
                table_add(&t, it);
            else
                CHECK(table_remove(&t, item_key(it)) == it);
            it->in = add;
            in += add ? 1 : (size_t)-1;
        }
        CHECK_INT(t.count, in);
        if (round % 1000 == 0) {
            for (size_t i = 0; i < N; i += 37)
                CHECK(table_find(&t, item_key(&items[i])) == (items[i].in ? &items[i] : NULL));
        }
    }
    struct table_iter iter;
    table_iter_init(&iter, &t);
    size_t seen = 0;
    for (struct item *it; (it = table_iter_next(&iter)); seen++) {
        CHECK(it->in && it->seen == 0);
        it->seen = 1;
    }
    CHECK_INT(seen, in);
    table_hold(&t);
    table_iter_init(&iter, &t);
    for (struct item *it; (it = table_iter_next(&iter)); in--)
        CHECK(table_remove(&t, item_key(it)) == it);
    table_unhold(&t);
    CHECK_INT(in, 0);
    CHECK_INT(t.count, 0);
    CHECK_INT(t.overflow, 0);
    table_release(&t);
    mem_free(items);
}

static void mark(void *arg, void *item)
{
    (void)arg;
    ((struct item *)item)->seen = 1;
}

/* Items that stay must be seen, whatever is added and removed between the calls. */
static void scan_survives_resizing(void)
{
    enum { N = 6000, STAY = 500 };
    rand_seed(unit_seed());
    for (int turn = 0; turn < 20; turn++) {
        struct item *items = make_items(N);
        struct table t;
        table_init(&t, &type);
        size_t start = STAY + rand_below(N - STAY);
        for (size_t i = 0; i < start; i++) {
            table_add(&t, &items[i]);
            items[i].in = true;
        }
        uint64_t cursor = 0;
        bool grow = rand_below(2);
        do {
            cursor = table_scan(&t, cursor, mark, NULL);
            for (int k = 0; k < 40; k++) {
                struct item *it = &items[STAY + rand_below(N - STAY)];
                if (it->in == grow)
                    continue;
                if (grow)
                    table_add(&t, it);
                else
                    table_remove(&t, item_key(it));
                it->in = grow;
            }
        } while (cursor);
        for (size_t i = 0; i < STAY; i++)
            CHECK(items[i].seen);
        table_release(&t);
        mem_free(items);
    }
}

static void batch_and_reserve(void)
{
    enum { N = 5000 };
    struct item *items = make_items(N);
    struct table t;
    table_init(&t, &type);
    struct slice keys[TABLE_BATCH];
    uint64_t hashes[TABLE_BATCH];
    void *found[TABLE_BATCH];
    keys[0] = SLICE_LIT("x");
    hashes[0] = table_hash(&t, keys[0]);
    table_lookup_batch(&t, keys, hashes, 1, found);
    CHECK(!found[0]);
    CHECK(!table_random(&t));
    table_reserve(&t, N);
    size_t buckets = table_buckets(&t);
    for (int i = 0; i < N; i++)
        table_add(&t, &items[i]);
    CHECK_INT(table_buckets(&t), buckets);
    for (int i = 0; i < TABLE_BATCH; i++) {
        keys[i] = i % 3 ? item_key(&items[i * 100]) : SLICE_LIT("absent");
        hashes[i] = table_hash(&t, keys[i]);
    }
    table_lookup_batch(&t, keys, hashes, TABLE_BATCH, found);
    for (int i = 0; i < TABLE_BATCH; i++)
        CHECK(found[i] == (i % 3 ? &items[i * 100] : NULL));
    CHECK(table_memory(&t) < N * 20);
    table_release(&t);
    mem_free(items);
}

static void memory_of_items(void)
{
    enum { N = 500 };
    struct table t;
    size_t want = 0;
    table_init(&t, &type);
    CHECK_INT(table_items_memory(&t, 0), 0);
    for (int i = 0; i < N; i++) {
        struct item *item = mem_zalloc(sizeof *item + (i % 2 ? 100 : 0));
        num_format_u64(item->key, (uint64_t)i);
        want += mem_usable(item);
        table_add(&t, item);
    }
    CHECK_INT(table_items_memory(&t, 0), want);
    CHECK_INT(table_items_memory(&t, N), want);
    size_t some = table_items_memory(&t, 50);
    CHECK(some > want / 2 && some < want * 2);
    struct table_iter it;
    table_iter_init(&it, &t);
    for (void *item; (item = table_iter_next(&it));)
        mem_free(item);
    table_release(&t);
}

static void random_is_fair(void)
{
    enum { N = 100, DRAWS = 100000 };
    rand_seed(unit_seed());
    struct item *items = make_items(N);
    struct table t;
    table_init(&t, &type);
    for (int i = 0; i < N; i++)
        table_add(&t, &items[i]);
    for (int i = 0; i < DRAWS; i++)
        ((struct item *)table_random(&t))->seen++;
    for (int i = 0; i < N; i++) /* mean 1000, deviation 32 */
        CHECK(items[i].seen > 750 && items[i].seen < 1250);
    table_release(&t);
    mem_free(items);
}

/* A held table does not split until twice its load. */
static void hold_stops_splitting(void)
{
    enum { N = 2000 };
    struct item *items = make_items(N);
    struct table t;
    table_init(&t, &type);
    for (int i = 0; i < 1000; i++)
        table_add(&t, &items[i]);
    size_t buckets = table_buckets(&t);
    table_hold(&t);
    for (int i = 1000; i < 1900; i++)
        table_add(&t, &items[i]);
    CHECK_INT(table_buckets(&t), buckets);
    table_unhold(&t);
    table_add(&t, &items[1900]);
    CHECK(table_buckets(&t) > buckets);
    for (int i = 0; i <= 1900; i++)
        CHECK(table_find(&t, item_key(&items[i])) == &items[i]);
    table_release(&t);
    mem_free(items);
}

static void shape_counts_every_bucket(void)
{
    enum { N = 2000 };
    struct item *items = make_items(N);
    struct table t;
    struct table_shape shape = {0};
    table_init(&t, &type);
    table_add_shape(&t, &shape);
    CHECK(shape.items == 0 && shape.buckets == 0);
    table_hold(&t); /* buckets overflow */
    for (int i = 0; i < N; i++)
        table_add(&t, &items[i]);
    table_add_shape(&t, &shape);
    size_t buckets = 0, held = 0;
    for (size_t n = 0; n < TABLE_SHAPE_MAX; n++) {
        buckets += shape.with[n];
        held += n * shape.with[n];
    }
    CHECK_INT(shape.items, N);
    CHECK(shape.buckets == table_buckets(&t) && buckets == shape.buckets);
    CHECK(shape.overflow == t.overflow && shape.overflow > 0 && shape.most > 7);
    CHECK(shape.most < TABLE_SHAPE_MAX ? held == N : held < N);
    table_add_shape(&t, &shape); /* another table's on top */
    CHECK_INT(shape.items, 2 * N);
    table_release(&t);
    mem_free(items);
}

/* A table that a hold kept from shrinking and growing catches up by itself. */
static void settles_after_a_hold(void)
{
    enum { N = 20000, LEFT = 100 };
    struct item *items = make_items(N);
    struct table t;
    table_init(&t, &type);
    table_hold(&t);
    for (int i = 0; i < N; i++)
        table_add(&t, &items[i]);
    size_t grown = table_buckets(&t);
    table_unhold(&t);
    CHECK_INT(table_settle(&t, 10), 0);
    CHECK_INT(table_buckets(&t), grown + 10);
    size_t left = table_settle(&t, N), full = table_buckets(&t);
    CHECK_INT(left, N - (full - grown - 10));
    CHECK(full > grown * 3 / 2);
    CHECK_INT(table_settle(&t, N), N);
    CHECK_INT(table_buckets(&t), full);
    table_hold(&t);
    for (int i = LEFT; i < N; i++)
        CHECK(table_remove(&t, item_key(&items[i])) == &items[i]);
    CHECK_INT(table_buckets(&t), full);
    table_unhold(&t);
    table_settle(&t, N);
    CHECK(table_buckets(&t) < LEFT);
    for (int i = 0; i < LEFT; i++)
        CHECK(table_find(&t, item_key(&items[i])) == &items[i]);
    table_release(&t);
    mem_free(items);
}

static void some_come_evenly(void)
{
    enum { N = 2000, ROUNDS = 20000, EACH = 5 };
    rand_seed(unit_seed());
    struct item *items = make_items(N);
    struct table t;
    void *got[N];
    table_init(&t, &type);
    CHECK_INT(table_some(&t, got, EACH), 0);
    for (int i = 0; i < N; i++)
        table_add(&t, &items[i]);
    for (int round = 0; round < ROUNDS; round++) {
        CHECK_INT(table_some(&t, got, EACH), EACH);
        for (int i = 0; i < EACH; i++)
            ((struct item *)got[i])->seen++;
    }
    unsigned never = 0, most = 0;
    for (int i = 0; i < N; i++) {
        never += items[i].seen == 0;
        most = items[i].seen > most ? items[i].seen : most;
    }
    CHECK(never < N / 100 && most < 8 * ROUNDS * EACH / N);
    CHECK_INT(table_some(&t, got, N), N); /* each once */
    for (int i = 0; i < N; i++)
        items[i].in = false;
    for (int i = 0; i < N; i++) {
        CHECK(!((struct item *)got[i])->in);
        ((struct item *)got[i])->in = true;
    }
    table_release(&t);
    mem_free(items);
}

struct order {
    struct item **items;
    size_t count;
};

static void note(void *arg, void *item)
{
    struct order *o = arg;
    o->items[o->count++] = item;
}

/* Who looks for members that collide keeps those that come out together when a big set is scanned.
 * In another set, where they would do harm, they lie apart. */
static void order_tells_nothing_of_another_table(void)
{
    enum { N = 100000, CHOSEN = 200, MOST = 20 };
    rand_seed(unit_seed());
    hash_init(NULL);
    struct item *items = make_items(N);
    struct order order = {mem_alloc(N * sizeof *order.items), 0};
    struct table one, two;
    table_init(&one, &type);
    for (int i = 0; i < N; i++)
        table_add(&one, &items[i]);
    uint64_t cursor = 0;
    do {
        cursor = table_scan(&one, cursor, note, &order);
    } while (cursor);
    CHECK_INT(order.count, N);
    /* The first of the order: their hashes begin with some nine equal bits. */
    table_init(&two, &type);
    for (int i = 0; i < CHOSEN; i++)
        table_add(&two, order.items[i]);
    size_t most = 0;
    cursor = 0;
    do {
        struct order bucket = {order.items + CHOSEN, 0};
        cursor = table_scan(&two, cursor, note, &bucket);
        most = bucket.count > most ? bucket.count : most;
    } while (cursor);
    CHECK(most < MOST);
    table_release(&one);
    table_release(&two);
    mem_free(order.items);
    mem_free(items);
}

int main(void)
{
    return UNIT_RUN(UNIT(agrees_with_a_model), UNIT(scan_survives_resizing),
                    UNIT(batch_and_reserve), UNIT(memory_of_items), UNIT(random_is_fair),
                    UNIT(hold_stops_splitting), UNIT(shape_counts_every_bucket),
                    UNIT(settles_after_a_hold), UNIT(some_come_evenly),
                    UNIT(order_tells_nothing_of_another_table));
}
