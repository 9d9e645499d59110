/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/tools/rdb_make.h"
#include "tools/rdb_border.h"
#include "tools/rdb_rescue.h"

struct seen {
    char keys[64][24]; /* the first, as "db:name", with ? behind a doubtful one */
    size_t n, sure, doubtful, holes, borders;
    struct rescue_hole hole; /* the last */
};

static bool on_record(void *arg, const struct rescued *r)
{
    struct seen *s = arg;
    if (r->kind != RDB_REC_KEY)
        return true;
    s->doubtful += r->doubtful;
    s->sure += !r->doubtful;
    if (s->n < 64)
        snprintf(s->keys[s->n], sizeof s->keys[0], "%u:%.16s%s", r->db, r->key,
                 r->doubtful ? "?" : "");
    s->n++;
    return true;
}

static void on_hole(void *arg, const struct rescue_hole *h)
{
    struct seen *s = arg;
    s->holes++;
    s->hole = *h;
}

static struct seen look(const struct buf *bytes, struct rdb_plan *p)
{
    static const struct rescue_ops ops = {.record = on_record, .hole = on_hole};
    struct seen s = {0};
    struct rdb_image m = image_of(bytes);
    struct rdb_borders borders;
    plan_make(p, &m, 1);
    struct rescue x = {.image = &m, .plan = p, .ops = &ops, .arg = &s};
    rdb_borders_find(&borders, &x);
    x.borders = &borders;
    s.borders = rdb_borders_count(&borders);
    rescue_run(&x);
    rescue_free(&x);
    rdb_borders_free(&borders);
    image_close(&m);
    return s;
}

static void no_more_crc(struct buf *b)
{
    memset(b->data + b->len - 8, 0, 8);
}

static void an_undamaged_file_is_all_there(void)
{
    struct buf b = {0};
    for (int blocks = 0; blocks < 2; blocks++) {
        struct rdb_plan p;
        make_rdb(&b, 40, 20, blocks);
        struct seen s = look(&b, &p);
        CHECK_INT(s.sure, 40);
        CHECK_INT(s.doubtful + s.holes, 0);
        CHECK_STR(s.keys[9], "1:k9");
        CHECK_STR(s.keys[10], "0:k10");
        CHECK_INT(p.crc_ok, !blocks);
        plan_free(&p);
    }
    buf_free(&b);
}

static void a_flipped_bit_costs_nothing(void)
{
    struct buf b = {0};
    for (int blocks = 0; blocks < 2; blocks++) {
        make_rdb(&b, 30, 20, blocks);
        for (size_t bit = 0; bit < b.len * 8; bit += 7) {
            struct rdb_plan p;
            b.data[bit / 8] ^= (char)(1 << bit % 8);
            struct seen s = look(&b, &p);
            if (s.sure != 30 || s.holes)
                printf("bit %zu, blocks %d\n", bit, blocks);
            CHECK_INT(s.sure, 30);
            CHECK_INT(s.holes, 0);
            b.data[bit / 8] ^= (char)(1 << bit % 8);
            plan_free(&p);
        }
    }
    buf_free(&b);
}

static void behind_a_hole_footing_is_found(void)
{
    struct buf b = {0};
    struct rdb_plan p;
    make_rdb(&b, 60, 20, false);
    no_more_crc(&b);
    char *at = memmem(b.data, b.len, "k30", 3);
    memset(at - 2, 0xee, 12); /* type, name, and some of the value */
    struct seen s = look(&b, &p);
    CHECK_INT(s.holes, 1);
    CHECK_STR(s.hole.before, "k29");
    CHECK_STR(s.hole.after, "k31");
    CHECK_STR(s.keys[27], "0:k27");
    CHECK_STR(s.keys[28], "0:k28?");
    CHECK_STR(s.keys[29], "1:k29?");
    CHECK_STR(s.keys[30], "0:k31?");
    for (int i = 31; i < 36; i++)
        CHECK(strchr(s.keys[i], '?'));
    CHECK_STR(s.keys[36], "0:k37");
    CHECK_INT(s.n, 59);
    plan_free(&p);
    buf_free(&b);
}

static void zeros_are_no_keys(void)
{
    struct buf b = {0};
    struct rdb_plan p;
    make_rdb(&b, 60, 200, false);
    no_more_crc(&b);
    char *at = memmem(b.data, b.len, "k20", 3);
    memset(at - 2, 0, 1000);
    struct seen s = look(&b, &p);
    CHECK_INT(s.holes, 1);
    for (size_t i = 0; i < s.n; i++)
        CHECK(strlen(s.keys[i]) > 3);
    CHECK(s.n >= 53 && s.n <= 55);
    plan_free(&p);
    buf_free(&b);
}

static void a_cut_file_keeps_what_is_there(void)
{
    struct buf b = {0};
    struct rdb_plan p;
    make_rdb(&b, 40, 20, false);
    char *at = memmem(b.data, b.len, "k30", 3);
    b.len = (size_t)(at - b.data) + 10;
    struct seen s = look(&b, &p);
    CHECK_INT(s.sure, 30);
    CHECK_INT(s.doubtful, 0);
    CHECK_INT(s.holes, 1);
    CHECK(s.hole.at_end);
    CHECK_INT(s.hole.fault.code, FAULT_EOF);
    plan_free(&p);
    buf_free(&b);
}

/* Five blocks of a MiB; keys of 1000 bytes. */
static void make_blocks(struct buf *b)
{
    make_rdb(b, 5000, 1000, true);
}

static const struct listed_block *block_with(const struct rdb_plan *p, enum block_state state,
                                             size_t *n)
{
    const struct listed_block *found = NULL;
    *n = 0;
    for (size_t i = 0; i < blocks_count(&p->list); i++)
        if (blocks_at(&p->list, i)->state == state) {
            found = blocks_at(&p->list, i);
            ++*n;
        }
    return found;
}

static void only_the_damaged_block_is_doubtful(void)
{
    struct buf b = {0};
    struct rdb_plan p;
    size_t n;
    make_blocks(&b);
    memset(b.data + 2500000, 0, 4096);
    struct seen s = look(&b, &p);
    CHECK(p.list.by_trailer);
    const struct listed_block *bad = block_with(&p, BLOCK_DAMAGED, &n);
    CHECK_INT(n, 1);
    CHECK_INT(s.sure, 5000 - (int64_t)bad->told.keys);
    CHECK(s.doubtful + 8 > bad->told.keys && s.doubtful < bad->told.keys);
    plan_free(&p);
    buf_free(&b);
}

/* Lost and doubled pages: all blocks behind lie elsewhere. */
static void moved_blocks_are_found(void)
{
    for (int trailer = 1; trailer >= 0; trailer--)
        for (int twice = 0; twice < 2; twice++) {
            struct buf b = {0}, bad = {0};
            struct rdb_plan p;
            size_t n, page = 1500000 / 4096 * 4096;
            make_blocks(&b);
            if (!trailer)
                b.len -= 30;
            buf_append(&bad, b.data, page + (twice ? 4096 : 0));
            buf_append(&bad, b.data + page + (twice ? 0 : 4096),
                       b.len - page - (twice ? 0 : 4096));
            struct seen s = look(&bad, &p);
            const struct listed_block *hurt = block_with(&p, BLOCK_DAMAGED, &n);
            CHECK_INT(n, !twice);
            CHECK_INT(s.sure, 5000 - (hurt ? (int64_t)hurt->told.keys : 0));
            block_with(&p, BLOCK_CORRECTED, &n);
            CHECK_INT(n, twice);
            plan_free(&p);
            buf_free(&b);
            buf_free(&bad);
        }
}

/* A database is known at the begin of each block. */
static void the_database_behind_a_hole_is_known(void)
{
    struct buf b = {0};
    struct rdb_plan p;
    make_blocks(&b);
    memset(b.data + 1100000, 0xff, 900000);
    struct seen s = look(&b, &p);
    CHECK(s.sure > 3900);
    CHECK(s.hole.has_after);
    CHECK_INT(s.hole.has_before, 1);
    plan_free(&p);
    buf_free(&b);
}

static void a_value_that_holds_an_rdb_is_no_list_of_blocks(void)
{
    struct buf inner = {0}, outer = {0};
    struct rdb_plan p;
    make_rdb(&inner, 20, 20, true);
    make_rdb(&outer, 20, 20, false);
    /* behind the end, as another file would be that was appended */
    buf_add(&outer, buf_slice(&inner));
    struct seen s = look(&outer, &p);
    CHECK(s.n >= 20);
    plan_free(&p);
    buf_free(&inner);
    buf_free(&outer);
}

static void put_keys(struct buf *to, unsigned from, unsigned until)
{
    for (unsigned i = from; i < until; i++)
        buf_printf(to, "%c\x04k%03u\x05value", 0, i);
}

static void put_length(struct buf *to, size_t n)
{
    buf_byte(to, (unsigned char)(0x40 | n >> 8));
    buf_byte(to, (unsigned char)n);
}

/* 40 keys, a hole, a string of that name, whose value takes the first `taken` bytes of what
 * follows: `inside`, and 100 keys. */
static struct seen look_behind(struct slice name, struct slice inside, size_t taken)
{
    struct buf b = {0};
    struct rdb_plan p;
    buf_add(&b, SLICE_LIT("REDIS0011\xfe"));
    buf_byte(&b, 0);
    put_keys(&b, 0, 40);
    buf_add(&b, SLICE_LIT("\xee\xee\xee\xee\xee\xee"));
    buf_byte(&b, RDB_STRING);
    put_length(&b, name.len);
    buf_add(&b, name);
    put_length(&b, taken);
    buf_add(&b, inside);
    put_keys(&b, 40, 140);
    buf_add(&b, SLICE_LIT("\xff" "ZZZZZZZZ"));
    no_more_crc(&b);
    struct seen s = look(&b, &p);
    plan_free(&p);
    buf_free(&b);
    return s;
}

/* Fields of a large hash read as such keys, whose values may take thousands of true ones. */
static void a_name_unlike_those_before_takes_no_keys(void)
{
    enum { KEY = 12, TAKEN = 30, LONG_NAME = 14849 };
    struct buf noise = {0}, records = {0};
    for (int i = 0; i < LONG_NAME; i++)
        buf_byte(&noise, 0xc1);
    struct slice little = {noise.data, 50}, odd = SLICE_LIT("\x07" "f145088");
    CHECK_INT(look_behind(odd, little, 50 + TAKEN * KEY).n, 140);
    CHECK_INT(look_behind(buf_slice(&noise), little, 50 + TAKEN * KEY).n, 140);
    /* what nothing tells from a name is believed */
    CHECK_INT(look_behind(SLICE_LIT("name"), little, 50 + TAKEN * KEY).n, 141 - TAKEN);
    /* and so is an odd one where nothing speaks against it: also when its value holds records */
    CHECK_INT(look_behind(odd, little, 50).n, 141);
    put_keys(&records, 500, 520);
    buf_add(&records, little);
    CHECK_INT(look_behind(odd, buf_slice(&records), records.len).n, 141);
    buf_free(&records);
    buf_free(&noise);
}

/* Databases of so many keys each, each of which says that it has `said`. */
static void make_sized(struct buf *to, unsigned databases, unsigned keys, unsigned said)
{
    buf_clear(to);
    buf_add(to, SLICE_LIT("REDIS0011"));
    for (unsigned db = 0; db < databases; db++) {
        buf_printf(to, "\xfe%c\xfb%c%c", (int)(db % 64), (int)said, 0);
        put_keys(to, 0, keys);
    }
    buf_add(to, SLICE_LIT("\xff" "ZZZZZZZZ"));
}

static void another_number_of_keys_than_said_may_be_a_border(void)
{
    struct buf b = {0};
    for (unsigned said = 0; said <= 6; said++) {
        struct rdb_plan p;
        bool other = said > 0 && said != 5; /* 0 does not say; 5 are as many */
        make_sized(&b, 3, 5, said);
        struct seen s = look(&b, &p);
        CHECK_INT(s.n, 15);
        CHECK_INT(s.borders, other ? 3 : 0);
        CHECK_INT(s.doubtful, other ? 15 : 0);
        plan_free(&p);
        no_more_crc(&b);
        s = look(&b, &p);
        CHECK_INT(s.doubtful + s.borders, 0);
        plan_free(&p);
    }
    buf_free(&b);
}

/* All behind the last that is held are doubtful. */
static void borders_are_held_up_to_a_number(void)
{
    struct buf b = {0};
    struct rdb_plan p;
    make_sized(&b, BORDERS_MAX + 50, 2, 1);
    struct seen s = look(&b, &p);
    CHECK_INT(s.borders, BORDERS_MAX);
    CHECK_INT(s.doubtful, 2 * (BORDERS_MAX + 50));
    plan_free(&p);
    buf_free(&b);
}

int main(void)
{
    return UNIT_RUN(UNIT(an_undamaged_file_is_all_there), UNIT(a_flipped_bit_costs_nothing),
                    UNIT(behind_a_hole_footing_is_found), UNIT(zeros_are_no_keys),
                    UNIT(a_cut_file_keeps_what_is_there), UNIT(only_the_damaged_block_is_doubtful),
                    UNIT(moved_blocks_are_found), UNIT(the_database_behind_a_hole_is_known),
                    UNIT(a_value_that_holds_an_rdb_is_no_list_of_blocks),
                    UNIT(a_name_unlike_those_before_takes_no_keys),
                    UNIT(another_number_of_keys_than_said_may_be_a_border),
                    UNIT(borders_are_held_up_to_a_number));
}
