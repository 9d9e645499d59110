/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/evict.h"

#include "base/rand.h"
#include "tests/unit/unit.h"

enum { N = 500 };

static bool in_slots; /* the keyspaces of the case have a table for each key slot */

static struct slice name_of(char out[NUM_I64_TEXT + 1], int i)
{
    out[0] = 'k';
    return slice(out, 1 + num_format_i64(out + 1, i));
}

/* Key i was used i seconds ago; every second one expires, after N - i seconds. */
static void fill(struct keyspace *ks)
{
    char name[NUM_I64_TEXT + 1];
    keyspace_init(ks, 2);
    keyspace_set_slots(ks, in_slots);
    ks->now_ms = 1700000000000;
    for (int i = 0; i < N; i++) {
        struct db *db = keyspace_db(ks, i % 3 == 0);
        struct entry *e = db_set_string(db, name_of(name, i), SLICE_LIT("v"),
                                        i % 2 ? ks->now_ms + (N - i) * 1000 : KEY_NO_EXPIRE);
        entry_set_idle(ks, e, i);
    }
}

static int64_t sum_left(struct keyspace *ks)
{
    char name[NUM_I64_TEXT + 1];
    int64_t sum = 0;
    for (int i = 0; i < N; i++) {
        if (db_find_with(keyspace_db(ks, i % 3 == 0), name_of(name, i), DB_NOTOUCH | DB_NOSTATS))
            sum += i;
    }
    return sum;
}

static void the_longest_unused_go_first(void)
{
    struct keyspace ks;
    struct evict x = {0};
    rand_seed(unit_seed());
    fill(&ks);
    for (int i = 0; i < N / 5; i++)
        CHECK(evict_one(&x, &ks, EVICT_ALLKEYS_LRU, 5));
    CHECK_INT(keyspace_count(&ks), N - N / 5);
    CHECK_INT(ks.evicted, N / 5);
    /* By chance a fifth of the sum would go; the best choice takes 0.36 of it. */
    CHECK(sum_left(&ks) < N * (N - 1) / 2 * 72 / 100);
    evict_release(&x);
    keyspace_release(&ks);
}

static void only_keys_that_expire(void)
{
    static const enum evict_policy policies[] = {EVICT_VOLATILE_LRU, EVICT_VOLATILE_LFU,
                                                 EVICT_VOLATILE_RANDOM, EVICT_VOLATILE_TTL};
    for (int p = 0; p < 4; p++) {
        struct keyspace ks;
        struct evict x = {0};
        rand_seed(unit_seed());
        fill(&ks);
        int evicted = 0;
        while (evict_one(&x, &ks, policies[p], 5))
            evicted++;
        CHECK_INT(evicted, N / 2);
        CHECK_INT(keyspace_count(&ks), N / 2);
        CHECK_INT(keyspace_db(&ks, 0)->expires.count + keyspace_db(&ks, 1)->expires.count, 0);
        evict_release(&x);
        keyspace_release(&ks);
    }
}

static void any_until_nothing_is_left(void)
{
    struct keyspace ks;
    struct evict x = {0};
    fill(&ks);
    CHECK(!evict_one(&x, &ks, EVICT_NOTHING, 5));
    for (int i = 0; i < N; i++)
        CHECK(evict_one(&x, &ks, EVICT_ALLKEYS_RANDOM, 5));
    CHECK(!evict_one(&x, &ks, EVICT_ALLKEYS_RANDOM, 5));
    CHECK(!evict_one(&x, &ks, EVICT_ALLKEYS_LRU, 5));
    evict_release(&x);
    keyspace_release(&ks);
}

/* Between two evictions candidates are removed, and their database too. */
static void candidates_may_vanish(void)
{
    struct keyspace ks;
    struct evict x = {0};
    char name[NUM_I64_TEXT + 1];
    rand_seed(unit_seed());
    fill(&ks);
    CHECK(evict_one(&x, &ks, EVICT_ALLKEYS_LRU, 16));
    for (int i = 0; i < N; i++) {
        if (i != 7)
            db_remove(keyspace_db(&ks, i % 3 == 0), name_of(name, i));
    }
    CHECK(evict_one(&x, &ks, EVICT_ALLKEYS_LRU, 16));
    CHECK_INT(keyspace_count(&ks), 0);
    evict_release(&x);
    keyspace_release(&ks);
}

/* The same with a table for each key slot. */
static void the_longest_unused_go_first_in_slots(void)
{
    in_slots = true;
    the_longest_unused_go_first();
    in_slots = false;
}

static void any_until_nothing_is_left_in_slots(void)
{
    in_slots = true;
    any_until_nothing_is_left();
    in_slots = false;
}

int main(void)
{
    return UNIT_RUN(UNIT(the_longest_unused_go_first), UNIT(only_keys_that_expire),
                    UNIT(any_until_nothing_is_left), UNIT(candidates_may_vanish),
                    UNIT(the_longest_unused_go_first_in_slots),
                    UNIT(any_until_nothing_is_left_in_slots));
}
