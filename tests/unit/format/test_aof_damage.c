/* SPDX-License-Identifier: BSD-3-Clause */
#include "format/aof_damage.h"

#include <errno.h>

#include "format/aof_sum.h"
#include "format/aof_write.h"
#include "tests/unit/format/aof_lines.h"
#include "tests/unit/unit.h"

enum { ID = 77 };

struct log {
    bool old; /* as older versions wrote */
    struct buf text;
    struct aof_chain chain;
    uint64_t at[8]; /* where the batches begin */
    int batches;
};

static void begin(struct log *l)
{
    struct aof_session s = {.id = ID, .seq = 1, .offset = l->text.len};
    aof_chain_begin(&l->chain, &s, &l->text);
}

/* A batch of so many commands with value. */
static void batch(struct log *l, int commands, struct slice value, uint64_t durable)
{
    struct buf body = {0};
    for (int i = 0; i < commands; i++) {
        struct slice argv[] = {SLICE_LIT("SET"), SLICE_LIT("k"), value};
        aof_put_command(&body, argv, 3);
    }
    l->at[l->batches++] = l->text.len;
    if (l->old)
        put_old_batch(&l->text, &l->chain, buf_slice(&body), durable);
    else
        put_batch(&l->text, &l->chain, buf_slice(&body), durable);
    buf_free(&body);
}

static struct aof_damage look(const struct log *l, uint64_t at, bool know_id)
{
    struct in in;
    struct aof_damage d;
    uint64_t id = ID;
    in_init_memory(&in, slice_from(buf_slice(&l->text), at));
    CHECK(aof_damage_look(&in, at, know_id ? &id : NULL, &d));
    return d;
}

static void torn_and_rotten(void)
{
    for (int i = 0; i < 4; i++) {
        bool rot = i % 2, old = i / 2;
        size_t line = old ? AOF_OLD_LINE : AOF_SUM_LINE;
        struct log l = {.old = old};
        begin(&l);
        batch(&l, 1, SLICE_LIT("a"), 0);
        batch(&l, 2, SLICE_LIT("b"), 0);
        batch(&l, 3, SLICE_LIT("c"), rot ? l.at[1] + 1 : l.at[1]);
        batch(&l, 4, SLICE_LIT("d"), 0);
        l.text.data[l.at[1] + line + 30] ^= 1;
        for (int header = 0; header <= 1; header++) {
            struct aof_damage d = look(&l, l.at[1], true);
            CHECK(d.rot == rot);
            CHECK_INT((int64_t)d.durable, (int64_t)l.at[1] + rot);
            CHECK_INT((int64_t)d.batches, 2);
            CHECK_INT((int64_t)d.commands, 7);
            l.text.data[l.at[1] + 20] ^= 1; /* and now its line, too */
        }
        CHECK(!look(&l, l.at[3], true).rot); /* nothing behind it */
        CHECK_INT((int64_t)look(&l, l.at[3], true).batches, 0);
        CHECK_INT((int64_t)look(&l, l.text.len, true).durable, 0);
        buf_free(&l.text);
    }
}

#define PING "*1\r\n$4\r\nPING\r\n"

/* Small batches behind a line that is intact are counted as far as they can be followed. */
static void small_batches(void)
{
    struct log l = {0};
    begin(&l);
    put_small(&l.text, &l.chain, SLICE_LIT(PING));
    uint64_t damaged = l.text.len;
    put_small(&l.text, &l.chain, SLICE_LIT(PING));
    put_small(&l.text, &l.chain, SLICE_LIT(PING));
    put_batch(&l.text, &l.chain, SLICE_LIT(""), damaged + 5);
    uint64_t third = l.text.len;
    for (int i = 0; i < 3; i++)
        put_small(&l.text, &l.chain, SLICE_LIT(PING PING));
    batch(&l, 2, SLICE_LIT("b"), damaged);
    for (uint64_t at = damaged; at < third - AOF_SUM_LINE; at++) {
        l.text.data[at] ^= 4;
        struct aof_damage d = look(&l, damaged, true);
        CHECK(d.rot && d.durable == damaged + 5);
        CHECK_INT((int64_t)d.batches, 4);
        CHECK_INT((int64_t)d.commands, 8);
        l.text.data[at] ^= 4;
    }
    l.text.data[third + 28 + AOF_SMALL_LINE] ^= 1; /* no more of them can be followed */
    CHECK_INT((int64_t)look(&l, damaged, true).batches, 2);
    CHECK_INT((int64_t)look(&l, damaged, true).commands, 4);
    CHECK(!look(&l, damaged + 5, true).rot && look(&l, damaged + 4, true).rot);
    buf_free(&l.text);
}

/* The line that tells the id is the damaged one. */
static void the_id_is_unknown(void)
{
    struct log l = {0};
    begin(&l);
    batch(&l, 1, SLICE_LIT("a"), 0);
    batch(&l, 1, SLICE_LIT("b"), l.at[0]);
    l.text.data[9] ^= 1;
    struct aof_damage d = look(&l, 0, false);
    CHECK(d.rot && d.batches == 2 && d.durable == l.at[0]);
    begin(&l); /* intact: from here on the checks count */
    batch(&l, 5, SLICE_LIT("c"), l.at[1]);
    batch(&l, 5, SLICE_LIT("d"), l.at[2]);
    l.text.data[l.at[3] + 10] ^= 1;
    d = look(&l, 0, false);
    CHECK(d.rot && d.batches == 3 && d.durable == l.at[1]);
    CHECK_INT((int64_t)look(&l, 0, true).batches, 3);
    buf_free(&l.text);
}

/* Values may hold anything: lines of this very log with a promise that is none. */
static void values_are_not_searched(void)
{
    struct log l = {0}, lies = {.old = true};
    begin(&lies);
    batch(&lies, 1, SLICE_LIT("x"), 1 << 30);
    begin(&l);
    batch(&l, 1, buf_slice(&lies.text), 0);
    batch(&l, 1, buf_slice(&lies.text), 0);
    l.text.data[l.at[0] + AOF_SUM_LINE] ^= 1;
    struct aof_damage d = look(&l, l.at[0], true);
    CHECK(!d.rot && d.batches == 1 && d.commands == 1);
    lies.text.data[lies.at[0] + 10] ^= 1;
    CHECK(!look(&lies, 0, true).rot); /* damaged lines say nothing */
    buf_free(&l.text);
    buf_free(&lies.text);
}

static ssize_t slowly(void *arg, void *to, size_t n)
{
    struct slice *left = arg;
    if (left->len == 0)
        return -EIO;
    n = n < 700 ? n : 700;
    n = n < left->len ? n : left->len;
    memcpy(to, left->data, n);
    *left = slice_from(*left, n);
    return (ssize_t)n;
}

/* Lines across all borders of the stretches that are read; a failing disk is told. */
static void long_files(void)
{
    struct log l = {0};
    struct buf garbage = {0}, all = {0};
    begin(&l);
    batch(&l, 1, SLICE_LIT("a"), l.text.len - 2);
    for (size_t n = (64 << 10) - 130; n < (64 << 10) + 10; n += 3) {
        struct in in;
        struct aof_damage d;
        uint64_t id = ID;
        buf_clear(&all);
        while (garbage.len < n)
            buf_byte(&garbage, garbage.len % 50 ? 'x' : '#');
        buf_add(&all, slice(garbage.data, n));
        buf_add(&all, slice_from(buf_slice(&l.text), l.at[0]));
        struct slice left = buf_slice(&all);
        in_init_callback(&in, slowly, &left, IN_SIZE_UNKNOWN, 0);
        CHECK(!aof_damage_look(&in, 5, &id, &d));
        CHECK_INT(in.fault.code, FAULT_IO);
        in_free(&in);
        left = buf_slice(&all);
        in_init_callback(&in, slowly, &left, all.len, 0);
        CHECK(aof_damage_look(&in, 5, &id, &d));
        CHECK(d.rot && d.durable == 5 + n - 2 && d.batches == 1 && d.commands == 1);
        in_free(&in);
    }
    buf_free(&garbage);
    buf_free(&all);
    buf_free(&l.text);
}

int main(void)
{
    return UNIT_RUN(UNIT(torn_and_rotten), UNIT(small_batches), UNIT(the_id_is_unknown),
                    UNIT(values_are_not_searched), UNIT(long_files));
}
