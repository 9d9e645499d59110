/* SPDX-License-Identifier: BSD-3-Clause */
/* Keys remembered for numbers, beside a matrix that says the same; prefixes and what changed. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/rand.h"
#include "server/tracked_keys.h"
#include "server/tracked_prefixes.h"
#include "tests/unit/unit.h"

/* ---- keys ---- */

enum { KEYS = 50, NUMBERS = 80, STEPS = 30000 };

static struct slice name_of(int i, char text[64])
{
    int len = snprintf(text, 64, "%.*skey-%d", i % 30, "..............................", i);
    return slice(text, i ? (size_t)len : 0); /* the first is empty */
}

static void check_row(struct tracked *k, const bool *model)
{
    size_t count, n = 0;
    const uint32_t *row = tracked_numbers(k, &count);
    for (uint32_t number = 0; number < NUMBERS; number++)
        if (model[number])
            CHECK(n < count && row[n++] == number + 1);
    CHECK_INT(count, n);
    tracked_free(k);
}

static void rows(void)
{
    static bool model[KEYS][NUMBERS];
    struct tracked_keys t;
    char text[64];
    uint64_t items = 0;
    hash_init(NULL);
    rand_seed(unit_seed());
    tracked_keys_init(&t, NULL, NULL);
    for (int step = 0; step < STEPS; step++) {
        int i = (int)rand_below(KEYS);
        uint32_t number = (uint32_t)rand_below(NUMBERS);
        if (rand_below(20) == 0) {
            struct tracked *k = tracked_keys_take(&t, name_of(i, text));
            size_t count = 0;
            for (int n = 0; n < NUMBERS; n++)
                count += model[i][n];
            CHECK(!k == !count);
            if (k) {
                CHECK_SLICE(tracked_key(k), name_of(i, text));
                check_row(k, model[i]);
            }
            items -= count;
            memset(model[i], 0, sizeof model[i]);
        } else {
            CHECK_INT(tracked_keys_add(&t, name_of(i, text), number + 1), !model[i][number]);
            items += !model[i][number];
            model[i][number] = true;
        }
        CHECK_INT(t.items, items);
    }
    for (struct tracked *k; (k = tracked_keys_take_any(&t));)
        tracked_free(k);
    CHECK_INT(t.items + t.keys.count, 0);
    tracked_keys_release(&t);
}

static void all_goes_at_once(void)
{
    struct tracked_keys t;
    char text[64];
    size_t before = mem_used();
    tracked_keys_init(&t, NULL, NULL);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 1000; i++)
            for (uint32_t number = 1; number < 20; number++)
                CHECK(tracked_keys_add(&t, name_of(i, text), number));
        tracked_keys_release(&t);
        tracked_keys_init(&t, NULL, NULL);
    }
    tracked_keys_release(&t);
    CHECK_INT(mem_used(), before);
}

static bool is_even(const void *arg, uint32_t number)
{
    ++*(int *)(uintptr_t)arg;
    return number % 2 == 0;
}

/* Ten clients stay, and others come and go: the row stays short, at a look at some numbers for each
 * that is added. */
static void who_has_gone_is_dropped(void)
{
    enum { COME = 20000, STAY = 10 };
    int asked = 0;
    struct tracked_keys t;
    size_t count;
    tracked_keys_init(&t, is_even, &asked);
    for (uint32_t i = 1; i <= STAY; i++)
        CHECK(tracked_keys_add(&t, SLICE_LIT("key"), 2 * i));
    size_t before = mem_used();
    for (uint32_t i = 0; i < COME; i++) {
        CHECK(tracked_keys_add(&t, SLICE_LIT("key"), 2 * i + 1));
        CHECK(t.items < 4 * STAY);
    }
    CHECK(mem_used() < before + 200);
    CHECK(asked < 10 * COME);
    struct tracked *k = tracked_keys_take(&t, SLICE_LIT("key"));
    const uint32_t *row = tracked_numbers(k, &count);
    uint32_t kept = 0;
    for (size_t i = 0; i < count; i++)
        kept += row[i] == 2 * (kept + 1);
    CHECK_INT(kept, STAY);
    tracked_free(k);
    CHECK_INT(t.items, 0);
    tracked_keys_release(&t);
}

/* The promise of the header: a key costs 60 bytes and 5 for each client more. */
static void memory(void)
{
    static const uint32_t clients[] = {1, 10, 100};
    enum { MANY = 20000 };
    for (size_t c = 0; c < sizeof clients / sizeof *clients; c++) {
        struct tracked_keys t;
        size_t before = mem_used();
        tracked_keys_init(&t, NULL, NULL);
        for (int i = 0; i < MANY; i++) {
            char text[64];
            int len = snprintf(text, sizeof text, "key:%012d", i);
            for (uint32_t n = 1; n <= clients[c]; n++)
                tracked_keys_add(&t, slice(text, (size_t)len), n);
        }
        double bytes = (double)(mem_used() - before) / MANY;
        printf("figures: %u clients a key: %.1f bytes a key, %.1f a key and client\n", clients[c],
               bytes, bytes / clients[c]);
        CHECK(bytes <= 64 + 5.0 * clients[c]);
        tracked_keys_release(&t);
    }
}

/* ---- prefixes ---- */

struct member {
    uint64_t own;
    struct link mine;
    struct buf told;
};

static uint64_t own_of(const void *member)
{
    return ((const struct member *)member)->own;
}

static void note_told(void *arg, void *member, struct slice encoded)
{
    struct member *m = member;
    ++*(int *)arg;
    for (size_t i = 0; i < encoded.len; i++)
        buf_byte(&m->told, encoded.data[i] == '\r' || encoded.data[i] == '\n'
                               ? ' ' : (unsigned char)encoded.data[i]);
    buf_byte(&m->told, '|');
}

static void check_told(struct prefixes *ps, struct member *m, int count, const char *want)
{
    int calls = 0;
    for (int i = 0; i < count; i++)
        buf_clear(&m[i].told);
    prefixes_tell(ps, own_of, note_told, &calls);
    struct buf all = {0};
    for (int i = 0; i < count; i++) {
        buf_add(&all, buf_slice(&m[i].told));
        buf_byte(&all, ';');
    }
    CHECK_STR(buf_cstr(&all), want);
    buf_free(&all);
}

static void who_hears_of_what(void)
{
    enum { MEMBERS = 3 };
    struct member m[MEMBERS] = {{.own = 0}, {.own = 7}, {.own = 0}};
    struct prefixes *ps = prefixes_new();
    for (int i = 0; i < MEMBERS; i++)
        link_init(&m[i].mine);
    prefixes_changed(ps, SLICE_LIT("a"), 1); /* nobody */
    prefixes_join(ps, SLICE_LIT("ab"), &m[0].mine, &m[0]);
    prefixes_join(ps, SLICE_LIT("a"), &m[1].mine, &m[1]);
    prefixes_join(ps, SLICE_LIT(""), &m[2].mine, &m[2]);
    CHECK_INT(prefixes_count(ps), 3);
    check_told(ps, m, MEMBERS, ";;;");
    prefixes_changed(ps, SLICE_LIT("abc"), 1);
    prefixes_changed(ps, SLICE_LIT("abc"), 1);
    check_told(ps, m, MEMBERS, "*1  $3  abc  |;*1  $3  abc  |;*1  $3  abc  |;");
    check_told(ps, m, MEMBERS, ";;;");
    prefixes_changed(ps, SLICE_LIT("abc"), 7); /* its own */
    check_told(ps, m, MEMBERS, "*1  $3  abc  |;;*1  $3  abc  |;");
    prefixes_changed(ps, SLICE_LIT("a"), 7); /* and another's */
    prefixes_changed(ps, SLICE_LIT("a"), 8);
    check_told(ps, m, MEMBERS, ";*1  $1  a  |;*1  $1  a  |;");
    prefixes_changed(ps, SLICE_LIT("x"), 0);
    prefixes_leave_all(ps, &m[2].mine);
    check_told(ps, m, MEMBERS, ";;;");
    prefixes_changed(ps, SLICE_LIT("abc"), 0); /* goes with who wanted to hear */
    prefixes_leave_all(ps, &m[0].mine);
    check_told(ps, m, MEMBERS, ";*1  $3  abc  |;;");
    prefixes_leave_all(ps, &m[1].mine);
    CHECK_INT(prefixes_count(ps), 0);
    prefixes_free(ps);
    for (int i = 0; i < MEMBERS; i++)
        buf_free(&m[i].told);
}

static void put_prefix(void *arg, struct slice prefix)
{
    buf_printf(arg, "%.*s,", SLICE_ARG(prefix));
}

static void prefixes_as_they_came(void)
{
    struct member m = {.own = 0};
    struct prefixes *ps = prefixes_new();
    struct buf all = {0};
    link_init(&m.mine);
    for (const char *const *name = (const char *const[]){"b", "", "c", "a", "bb", NULL}; *name;
         name++)
        prefixes_join(ps, slice_str(*name), &m.mine, &m);
    prefixes_each(&m.mine, put_prefix, &all);
    CHECK_STR(buf_cstr(&all), "b,,c,a,bb,");
    prefixes_leave_all(ps, &m.mine);
    prefixes_free(ps);
    buf_free(&all);
}

int main(void)
{
    return UNIT_RUN(UNIT(rows), UNIT(all_goes_at_once), UNIT(memory),
                    UNIT(who_has_gone_is_dropped), UNIT(who_hears_of_what),
                    UNIT(prefixes_as_they_came));
}
