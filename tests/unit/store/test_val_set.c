/* SPDX-License-Identifier: BSD-3-Clause */
#include "store/val_set.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/rand.h"
#include "containers/intset.h"
#include "containers/listpack.h"
#include "store/member.h"
#include "store/value.h"
#include "tests/unit/unit.h"

enum { MEMBERS = 80, NUMBERS = 60, LONGEST = 60 };

static const struct value_limits small = {
    .set_intset_entries = 16, .set_listpack_entries = 12, .set_listpack_value = 20};

struct model {
    bool in[MEMBERS], seen[MEMBERS];
};

/* The first are numbers of all widths, then texts; the last few are too long for a listpack. */
static struct slice member_name(char out[LONGEST], size_t i)
{
    if (i < NUMBERS) {
        int64_t n = (int64_t)i * (i % 3 == 0 ? 1 : i % 3 == 1 ? 100000 : 10000000000);
        return slice(out, num_format_i64(out, i % 2 ? n : -n));
    }
    memcpy(out, "text", 4);
    size_t len = 4 + num_format_u64(out + 4, i);
    if (i >= MEMBERS - 4) {
        memset(out + len, 'x', 20);
        len += 20;
    }
    return slice(out, len);
}

static void see(void *arg, struct slice member)
{
    struct model *m = arg;
    char name[LONGEST];
    size_t i = 0;
    while (i < MEMBERS && !slice_eq(member_name(name, i), member))
        i++;
    CHECK(i < MEMBERS);
    CHECK(m->in[i]);
    m->seen[i] = true;
}

static void check_whole(const struct val *v, struct model *m)
{
    struct set_iter it;
    struct slice member;
    size_t n = 0, count = 0;
    for (set_iter_init(&it, v); set_iter_next(&it, &member); n++)
        see(m, member);
    CHECK(memcmp(m->in, m->seen, sizeof m->in) == 0);
    memset(m->seen, 0, sizeof m->seen);
    for (size_t i = 0; i < MEMBERS; i++)
        count += m->in[i];
    CHECK_INT(n, count);
    CHECK_INT(set_count(v), count);
    uint64_t cursor = 0;
    do
        cursor = set_scan(v, cursor, see, m);
    while (cursor);
    CHECK(memcmp(m->in, m->seen, sizeof m->in) == 0);
    memset(m->seen, 0, sizeof m->seen);
    if (count) {
        char scratch[NUM_I64_TEXT];
        see(m, set_random(v, scratch));
        memset(m->seen, 0, sizeof m->seen);
    }
    CHECK(set_ops.memory(v, 0) > 0 && set_ops.memory(v, 3) > 0);
}

static void step(struct val *v, struct model *m, size_t members)
{
    char name[LONGEST];
    size_t i = rand_below(members);
    struct slice member = member_name(name, i);
    if (rand_below(5) < 3) {
        enum encoding was = (enum encoding)v->encoding;
        CHECK_INT(set_add(v, member, &small), !m->in[i]);
        if (was == ENC_INTSET && i < NUMBERS && set_count(v) <= small.set_intset_entries)
            CHECK_INT(v->encoding, ENC_INTSET);
        else if (was == ENC_INTSET && i < NUMBERS)
            CHECK_INT(v->encoding, ENC_TABLE);
        else if (was == ENC_TABLE || member.len > small.set_listpack_value ||
                 set_count(v) > small.set_listpack_entries)
            CHECK_INT(v->encoding, ENC_TABLE);
        else
            CHECK_INT(v->encoding, ENC_LISTPACK);
        m->in[i] = true;
    } else {
        CHECK_INT(set_remove(v, member), m->in[i]);
        m->in[i] = false;
    }
    CHECK_INT(set_has(v, member), m->in[i]);
}

static void agrees_with_a_model(void)
{
    static const size_t ranges[] = {10, NUMBERS, NUMBERS + 8, MEMBERS};
    rand_seed(unit_seed());
    for (int round = 0; round < 100; round++) {
        struct model m = {0};
        char name[LONGEST];
        size_t members = ranges[round % 4];
        struct val v = set_new(member_name(name, rand_below(members)), &small);
        for (int i = 0; i < 200; i++)
            step(&v, &m, members);
        check_whole(&v, &m);
        struct val copy = val_copy(v);
        CHECK_INT(copy.encoding, v.encoding);
        val_free(v);
        check_whole(&copy, &m);
        val_free(copy);
    }
}

static void check_expected(struct slice first, size_t count, enum encoding want)
{
    struct val v = set_new(first, &small);
    set_expect(&v, count, &small);
    CHECK_INT(v.encoding, want);
    CHECK(set_add(&v, first, &small));
    CHECK(set_has(&v, first));
    val_free(v);
}

static void expects(void)
{
    check_expected(SLICE_LIT("1"), 16, ENC_INTSET);
    check_expected(SLICE_LIT("1"), 17, ENC_TABLE);
    check_expected(SLICE_LIT("a"), 12, ENC_LISTPACK);
    check_expected(SLICE_LIT("a"), 13, ENC_TABLE);
    check_expected(SLICE_LIT("far too long for a listpack"), 1, ENC_TABLE);
}

static void takes_blocks_over(void)
{
    for (size_t n = 1; n <= 20; n++) {
        uint8_t *is = intset_new(), *lp = lp_new();
        for (size_t i = 0; i < n; i++) {
            is = intset_add(is, (int64_t)i * 7, NULL);
            lp = lp_append_int(lp, (int64_t)i * 7);
        }
        struct val a = set_ops.load_block(PACK_INTSET, is, &small);
        struct val b = set_ops.load_block(PACK_SET, lp, &small);
        CHECK_INT(a.encoding, n <= 16 ? ENC_INTSET : ENC_TABLE);
        CHECK_INT(b.encoding, n <= 12 ? ENC_LISTPACK : ENC_TABLE);
        CHECK_INT(set_count(&a), n);
        CHECK_INT(set_count(&b), n);
        CHECK(set_has(&a, SLICE_LIT("0")) && set_has(&b, SLICE_LIT("0")));
        val_free(a);
        val_free(b);
    }
}

static void heads_hold_any_length(void)
{
    static const size_t lens[] = {0, 5, UINT32_MAX - 1, UINT32_MAX, (size_t)UINT32_MAX + 1,
                                  (size_t)1 << 34};
    char block[32];
    struct member *m = (struct member *)(void *)block;
    for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
        const char *text = member_start(m, lens[i]);
        CHECK(member_key(m).data == text);
        CHECK_INT(member_key(m).len, lens[i]);
        CHECK_INT(member_size(m), (size_t)(text - block) + lens[i]);
    }
}

int main(void)
{
    hash_init(NULL);
    return UNIT_RUN(UNIT(agrees_with_a_model), UNIT(expects), UNIT(takes_blocks_over),
                    UNIT(heads_hold_any_length));
}
