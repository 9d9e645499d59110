/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/key_tables.h"

#include <stdio.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/rand.h"
#include "tests/unit/unit.h"

/* ---- the slot of a key ---- */

static void slots_of_keys(void)
{
    static const struct {
        const char *key, *same;
    } tags[] = {{"{user1000}.following", "user1000"},
                {"foo{bar}", "bar"}, {"foo{{bar}}zap", "{bar"}, {"foo{bar}{zap}", "bar"},
                {"{a", "{a"}, {"a}", "a}"}, {"}{b}", "b"}};
    CHECK_INT(key_slot(SLICE_LIT("123456789")), 0x31c3);
    CHECK_INT(key_slot(SLICE_LIT("foo")), 12182);
    CHECK_INT(key_slot(SLICE_LIT("")), 0);
    CHECK_INT(key_slot(slice(NULL, 0)), 0);
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
        CHECK_INT(key_slot(slice_str(tags[i].key)), key_slot(slice_str(tags[i].same)));
    /* An empty tag is none. */
    CHECK(key_slot(SLICE_LIT("foo{}{bar}")) != key_slot(SLICE_LIT("bar")));
    CHECK(key_slot(SLICE_LIT("{}")) != key_slot(SLICE_LIT("")));
}

/* ---- the tables, beside a model ---- */

enum { ITEMS = 3000, TEXT = 24 };

struct item {
    char text[TEXT];
    bool in;
    unsigned seen;
};

static struct slice item_key(const void *item)
{
    return slice_str(((const struct item *)item)->text);
}

static const struct table_type type = {.key = item_key};

/* A third shares one slot, the others lie where they may. */
static struct item *items_new(void)
{
    struct item *all = mem_zalloc(ITEMS * sizeof *all);
    for (int i = 0; i < ITEMS; i++)
        snprintf(all[i].text, TEXT, i % 3 ? "key:%d" : "{tag}:%d", i);
    return all;
}

static struct key_place place(const struct key_tables *k, const struct item *x)
{
    return keys_place(k, item_key(x), hash_slice(item_key(x)));
}

static void toggle(struct key_tables *k, struct item *x)
{
    if (x->in)
        CHECK(keys_remove(k, place(k, x), item_key(x)) == x);
    else
        keys_add(k, place(k, x), x);
    x->in = !x->in;
    CHECK(x->in || !keys_remove(k, place(k, x), item_key(x)));
}

static void see(void *arg, void *item)
{
    ++*(size_t *)arg;
    ((struct item *)item)->seen++;
}

static void check_all_seen(struct item *all, bool once)
{
    for (int i = 0; i < ITEMS; i++) {
        CHECK(once ? all[i].seen == all[i].in : all[i].seen >= all[i].in);
        all[i].seen = 0;
    }
}

static void check_tables(struct key_tables *k, struct item *all)
{
    uint64_t in = 0, in_tag = 0, cursor = 0, of_slots = 0;
    unsigned tag = key_slot(SLICE_LIT("tag"));
    size_t visited = 0;
    struct keys_iter it;
    for (int i = 0; i < ITEMS; i++) {
        in += all[i].in;
        in_tag += all[i].in && key_slot(item_key(&all[i])) == tag;
        struct key_place at = place(k, &all[i]);
        CHECK(table_find_hashed(at.table, item_key(&all[i]), at.hash) ==
              (all[i].in ? &all[i] : NULL));
    }
    CHECK_INT(keys_count(k), in);
    keys_iter_init(&it, k);
    for (struct item *x; (x = keys_iter_next(&it));)
        x->seen++;
    CHECK(!keys_iter_next(&it));
    check_all_seen(all, true);
    do
        cursor = keys_scan(k, cursor, see, &visited);
    while (cursor);
    CHECK_INT(visited, in);
    check_all_seen(all, true);
    if (!k->slots)
        return;
    CHECK_INT(keys_in_slot(k, tag), in_tag);
    for (unsigned slot = 0; slot < KEY_SLOTS; slot++)
        of_slots += keys_in_slot(k, slot);
    CHECK_INT(of_slots, in);
    keys_iter_slot(&it, k, tag);
    for (struct item *x; (x = keys_iter_next(&it)); in_tag--)
        CHECK(x->in && key_slot(item_key(x)) == tag);
    CHECK_INT(in_tag, 0);
}

static void agree_with_a_model(bool slots)
{
    struct key_tables k;
    struct item *all = items_new();
    rand_seed(unit_seed());
    keys_init(&k, &type, slots);
    check_tables(&k, all);
    for (int round = 0; round < 12; round++) {
        /* mostly full, mostly empty, and a few only */
        int steps = round % 3 == 2 ? 10 : ITEMS;
        for (int i = 0; i < steps; i++) {
            struct item *x = &all[rand_below(ITEMS)];
            if (x->in == (round % 3 != 0) || rand_below(4) == 0)
                toggle(&k, x);
        }
        keys_set_held(&k, round % 2);
        keys_settle(&k, 1000);
        check_tables(&k, all);
    }
    /* Moved into tables of the other kind, and back. */
    keys_set_held(&k, false);
    keys_set_slots(&k, !slots);
    CHECK_INT(k.slots != NULL, !slots);
    check_tables(&k, all);
    keys_set_slots(&k, slots);
    check_tables(&k, all);
    CHECK(keys_memory(&k) > 0);
    keys_release(&k);
    mem_free(all);
}

static void one_table_agrees_with_a_model(void)
{
    agree_with_a_model(false);
}

static void tables_of_slots_agree_with_a_model(void)
{
    agree_with_a_model(true);
}

/* What is there from first to last is seen, whatever comes and goes between two calls. */
static void a_scan_misses_nothing(void)
{
    rand_seed(unit_seed());
    for (int round = 0; round < 20; round++) {
        struct key_tables k;
        struct item *all = items_new();
        size_t visited = 0;
        uint64_t cursor = 0;
        keys_init(&k, &type, true);
        for (int i = 0; i < ITEMS; i += 2)
            toggle(&k, &all[i]);
        do {
            cursor = keys_scan(&k, cursor, see, &visited);
            for (int i = 0; i < 8; i++)
                toggle(&k, &all[rand_below(ITEMS / 2) * 2 + 1]);
        } while (cursor);
        for (int i = 1; i < ITEMS; i += 2)
            if (all[i].in)
                toggle(&k, &all[i]);
        check_all_seen(all, false);
        keys_release(&k);
        mem_free(all);
    }
}

/* A third of the items lie in one slot, and come as often as the others. */
static void chance_is_fair(void)
{
    enum { DRAWS = 30000 };
    struct key_tables k;
    struct item *all = items_new();
    void *some[16];
    int tagged = 0;
    size_t got = 0;
    rand_seed(unit_seed());
    keys_init(&k, &type, true);
    CHECK(!keys_random(&k));
    CHECK_INT(keys_some(&k, some, 16), 0);
    toggle(&k, &all[5]);
    CHECK(keys_random(&k) == &all[5]);
    CHECK_INT(keys_some(&k, some, 16), 1);
    toggle(&k, &all[5]);
    for (int i = 0; i < ITEMS; i++)
        toggle(&k, &all[i]);
    for (int i = 0; i < DRAWS; i++)
        tagged += ((struct item *)keys_random(&k))->text[0] == '{';
    CHECK(tagged > DRAWS / 3 * 9 / 10 && tagged < DRAWS / 3 * 11 / 10);
    for (int i = 0; i < 100; i++)
        got += keys_some(&k, some, 16);
    CHECK_INT(got, 1600);
    keys_release(&k);
    mem_free(all);
}

/* While they are held, those that were just returned may go. */
static void iteration_bears_removal_while_held(void)
{
    struct key_tables k;
    struct item *all = items_new();
    struct keys_iter it;
    keys_init(&k, &type, true);
    for (int i = 0; i < ITEMS; i++)
        toggle(&k, &all[i]);
    keys_set_held(&k, true);
    keys_iter_init(&it, &k);
    for (struct item *x; (x = keys_iter_next(&it));) {
        x->seen++;
        CHECK(x->in);
        toggle(&k, x);
    }
    for (int i = 0; i < ITEMS; i++)
        CHECK_INT(all[i].seen, 1);
    CHECK_INT(keys_count(&k), 0);
    keys_release(&k);
    mem_free(all);
}

int main(void)
{
    hash_init(NULL);
    return UNIT_RUN(UNIT(slots_of_keys), UNIT(one_table_agrees_with_a_model),
                    UNIT(tables_of_slots_agree_with_a_model), UNIT(a_scan_misses_nothing),
                    UNIT(chance_is_fair), UNIT(iteration_bears_removal_while_held));
}
