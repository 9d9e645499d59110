/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "tests/unit/unit.h"
#include "tools/report_advice.h"
#include "tools/report_collect.h"

static void add(struct report_tree *t, const char *name, uint64_t memory)
{
    struct report_sums sums = {.keys = 1, .memory = memory};
    report_tree_add(t, slice_str(name), &sums);
}

static void put_line(void *arg, uint32_t node, unsigned level)
{
    struct {
        struct report_tree *t;
        struct buf out, prefix;
    } *all = arg;
    struct slice prefix = report_tree_prefix(all->t, node, &all->prefix);
    buf_printf(&all->out, "%u %.*s %d\n", level, SLICE_ARG(prefix),
               (int)all->t->nodes[node].sums.keys);
}

static void lines_are(struct report_tree *t, size_t n, const char *want)
{
    struct {
        struct report_tree *t;
        struct buf out, prefix;
    } all = {.t = t};
    report_tree_order(t);
    report_tree_each(t, n, put_line, &all);
    CHECK_STR(buf_cstr(&all.out), want);
    buf_free(&all.out);
    buf_free(&all.prefix);
}

static void parts_of_names(void)
{
    struct report_tree t;
    report_tree_init(&t);
    add(&t, "plain", 1);
    add(&t, "user:17:cart", 10);
    add(&t, "user:18:cart", 10);
    add(&t, "user:550e8400-e29b-41d4:name", 5);
    add(&t, "user:deadbeefdeadbeef:5", 1); /* no digit: a word */
    add(&t, "queue:mail", 2);
    add(&t, "a::b", 100);
    add(&t, ":", 3);
    add(&t, "", 1);
    lines_are(&t, 100, "0 a:: 1\n0 user: 4\n1 user:*: 3\n2 user:*:cart 2\n2 user:*:name 1\n"
              "1 user:deadbeefdeadbeef: 1\n0 : 1\n0 queue: 1\n");
    lines_are(&t, 3, "0 a:: 1\n0 user: 4\n1 user:*: 3\n");
    CHECK(t.nodes[0].sums.keys == 9);
    report_tree_free(&t);
}

static void many_prefixes_leave_the_heavy_ones(void)
{
    struct report_tree t;
    char name[64];
    report_tree_init(&t);
    for (unsigned i = 0; i < 300000; i++) {
        snprintf(name, sizeof name, "n%uz:q%uz:x", i, i % 5);
        add(&t, name, 1);
        if (i % 10 == 0)
            add(&t, "heavy:kind:x", 100);
    }
    CHECK(t.count <= TREE_NODES && t.dropped > 200000);
    lines_are(&t, 1, "0 heavy:kind: 30000\n");
    CHECK(t.nodes[0].sums.keys == 330000);
    report_tree_free(&t);
}

static void what_separates(void)
{
    static const struct {
        const char *names[4], *want;
    } rows[] = {
        {{"a:b", "c:d", "e", "f-g"}, ":"},
        {{"a/b:c", "d/e", "f/g", "h:i"}, ":/"},
        {{"a.b", "a.c", "d-e", "f"}, "."},
        {{"a", "b", "c", ""}, ":"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct report_separators s = {0};
        char found[TREE_SEPARATORS + 1];
        for (int k = 0; k < 4; k++)
            report_separators_add(&s, slice_str(rows[i].names[k]));
        report_separators_find(&s, found);
        CHECK_STR(found, rows[i].want);
    }
}

/* Keys of growing size through the sink: the three largest stay, by each measure. */
static void the_largest_stay(void)
{
    struct report r;
    struct report_limits l;
    char name[32];
    report_limits_init(&l);
    report_begin(&r, &l, 3, 1000000, NULL);
    for (unsigned i = 0; i < 5000; i++) {
        snprintf(name, sizeof name, "k:%u", i * 7919 % 5000);
        struct key_event e = {.name = slice_str(name), .type = VALUE_LIST,
                              .expire_ms = i % 2 ? KEY_NO_EXPIRE : 1000000 + 59999};
        r.sink.ops->key(&r.sink, &e);
        for (unsigned k = 0; k < 1 + i * 7919 % 5000 / 100; k++)
            r.sink.ops->item(&r.sink, SLICE_LIT("item"));
        r.sink.ops->end_key(&r.sink);
    }
    report_end(&r);
    CHECK(r.all.keys == 5000 && r.ttls[0].keys == 2500 && r.ttls[2].keys == 2500);
    CHECK(r.top[BY_ELEMENTS].count == 3 && r.top[BY_ELEMENTS].keys[0].elements == 50);
    CHECK(r.top[BY_ELEMENTS].keys[2].elements == 50);
    CHECK(r.tree.nodes[r.tree.nodes[0].first].sums.keys == 5000);
    report_free(&r);
}

static void limits_by_name(void)
{
    struct report_limits l;
    report_limits_init(&l);
    CHECK(report_limits_set(&l, "hash-max-listpack-entries=128") && l.hash_entries == 128);
    CHECK(report_limits_set(&l, "set-max-intset-entries=7") && l.intset_entries == 7);
    CHECK(!report_limits_set(&l, "hash-max-listpack-entries"));
    CHECK(!report_limits_set(&l, "hash-max-listpack-entries=x"));
    CHECK(!report_limits_set(&l, "maxmemory=5"));
}

static void numbers_for_people(void)
{
    struct buf to = {0};
    report_put_number(&to, 0);
    report_put_number(&to, 123);
    buf_byte(&to, ' ');
    report_put_number(&to, 1234567);
    CHECK_STR(buf_cstr(&to), "0123 1,234,567");
    buf_free(&to);
}

int main(void)
{
    hash_init(NULL);
    return UNIT_RUN(UNIT(parts_of_names), UNIT(many_prefixes_leave_the_heavy_ones),
                    UNIT(what_separates), UNIT(the_largest_stay), UNIT(limits_by_name),
                    UNIT(numbers_for_people));
}
