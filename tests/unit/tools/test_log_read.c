/* SPDX-License-Identifier: BSD-3-Clause */
/* Units of a log, and of one that was damaged: what is given out was written, once, in its order.
 */
#include "tools/log_read.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/num.h"
#include "tests/unit/tools/log_make.h"
#include "tests/unit/unit.h"

static struct made made;

/* Which of the units this is; SIZE_MAX: none of them. */
static size_t number_of(struct slice text, size_t from)
{
    for (size_t i = from; i < made.units; i++)
        if (slice_eq(text, slice(made.text.data + made.from[i], made.to[i] - made.from[i])))
            return i;
    return SIZE_MAX;
}

struct count {
    size_t kept, invented, holes;
    size_t evil; /* commands that stood inside a value */
    bool ended;
};

static bool is_evil(struct slice text)
{
    static const char evil[] = "*3\r\n$3\r\nSET\r\n$4\r\nevil\r\n";
    return text.len >= sizeof evil - 1 && memcmp(text.data, evil, sizeof evil - 1) == 0;
}

/* made is as it was; text is what became of it. */
static struct count read_damaged(struct slice text, uint64_t id)
{
    struct log_bytes b;
    struct log_reader r;
    struct count n = {0};
    enum log_item what;
    size_t next = 0;
    uint64_t end = 0;
    log_bytes_memory(&b, text);
    log_read_open(&r, &b, 0, &(struct log_options){.id = id});
    while ((what = log_read_next(&r)) != LOG_END) {
        CHECK(r.from >= end && r.to + (what == LOG_MENDED) > r.from && r.to <= text.len);
        end = r.to;
        if (what == LOG_HOLE)
            n.holes++;
        if (what != LOG_UNIT)
            continue;
        size_t i = number_of(log_bytes_at(&b, r.from, (size_t)(r.to - r.from)), next);
        if (i == SIZE_MAX) {
            n.invented++;
            n.evil += is_evil(log_bytes_at(&b, r.from, (size_t)(r.to - r.from)));
        } else {
            n.kept++;
            next = i + 1;
        }
    }
    n.ended = r.next == text.len;
    log_read_close(&r);
    log_bytes_close(&b);
    return n;
}

static void whole_logs(void)
{
    uint64_t seed = unit_seed();
    for (int kind = 0; kind < MADE_KINDS; kind++) {
        made_log(&made, (enum made_kind)kind, 300, &seed, true);
        struct count n = read_damaged(buf_slice(&made.text), 0);
        CHECK_INT((int64_t)n.kept, 300);
        CHECK_INT((int64_t)n.invented, 0);
        CHECK_INT((int64_t)n.holes, 0);
        CHECK(n.ended);
    }
}

static void damaged_logs(void)
{
    uint64_t seed = unit_seed();
    bool tell = getenv("TELL") != NULL; /* the table of tests/tools/RESULTS-log.md is like this */
    for (int kind = 0; kind < MADE_KINDS; kind++)
        for (int fault = 0; fault < MADE_FAULTS; fault++)
            for (int twice = 0; twice < 2; twice++) {
                size_t kept = 0, all = 0, invented = 0, evil = 0;
                for (int run = 0; run < 40; run++) {
                    struct buf text = {0};
                    made_log(&made, (enum made_kind)kind, 500, &seed, run % 2);
                    buf_add(&text, buf_slice(&made.text));
                    made_damage(&text, (enum made_fault)fault, &seed);
                    if (twice && text.len)
                        made_damage(&text, (enum made_fault)fault, &seed);
                    uint64_t id = kind == MADE_PLAIN ? 0 : MADE_ID;
                    struct count n = read_damaged(buf_slice(&text), id);
                    CHECK(n.ended);
                    kept += n.kept;
                    all += made.units;
                    invented += n.invented;
                    evil += n.evil;
                    buf_free(&text);
                }
                if (tell)
                    printf("kind %d %s%s: %zu of %zu kept, %zu invented, %zu evil\n", kind,
                           made_fault_name((enum made_fault)fault), twice ? " twice" : "", kept,
                           all, invented, evil);
                /* Two pieces can fit by chance, where such values are what there is. */
                CHECK(evil <= (kind == MADE_PLAIN && (twice || fault >= LOST) ? 3 : 0));
                CHECK(kind == MADE_PLAIN || invented == 0); /* there, a changed value looks whole */
                if (!twice && fault != CUT_OFF)
                    CHECK(kept > all * 8 / 10);
            }
}

/* Whole batches that were written once more verify one another, and are not taken twice. */
static void repeated_batches(void)
{
    uint64_t seed = unit_seed();
    for (int kind = MADE_LONG; kind < MADE_KINDS; kind++)
        for (int run = 0; run < 20; run++) {
            struct buf text = {0};
            made_log(&made, (enum made_kind)kind, 400, &seed, false);
            uint64_t from = made.from[100 + run], to = made.from[200 + run];
            buf_append(&text, made.text.data, to);
            buf_append(&text, made.text.data + from, made.text.len - from);
            struct count n = read_damaged(buf_slice(&text), MADE_ID);
            CHECK_INT((int64_t)n.invented, 0);
            CHECK(n.kept >= 390);
            buf_free(&text);
        }
}

/* Small batches only, none of which names the log, and no way in; every third batch damaged;
 * nothing but lines: each is read in time that is linear (or this would take minutes). */
/* Batches that verify one another: of another log, or made by a client for a value. */
static void put_foreign(struct buf *to, unsigned batches)
{
    struct aof_chain c = {.open = true, .id = 99, .crc = 0x1234567890abcdefu};
    const struct slice evil[] = {SLICE_LIT("SET"), SLICE_LIT("evil"), SLICE_LIT("yes")};
    struct buf body = {0};
    aof_put_command(&body, evil, 3);
    for (unsigned i = 0; i < batches; i++)
        put_small(to, &c, buf_slice(&body));
    buf_free(&body);
}

/* The line of a small batch has nothing that tells of the log: one that stands in a value is no
 * reason to take what follows it. */
static void batches_inside_of_values(void)
{
    struct aof_chain c = {0};
    struct buf value = {0}, body = {0};
    made = (struct made){.text = made.text};
    buf_clear(&made.text);
    buf_add(&value, SLICE_LIT("\r\n"));
    put_foreign(&value, 12);
    aof_chain_begin(&c, &(struct aof_session){.id = MADE_ID, .seq = 1}, &made.text);
    size_t first = made.text.len;
    for (unsigned i = 0; i < 40; i++) {
        const struct slice plain[] = {SLICE_LIT("SET"), SLICE_LIT("plain"), SLICE_LIT("value")};
        const struct slice held[] = {SLICE_LIT("SET"), SLICE_LIT("key"), buf_slice(&value)};
        buf_clear(&body);
        aof_put_command(&body, i == 0 ? held : plain, 3);
        made.from[i] = made.text.len;
        made.to[i] = made.text.len + body.len;
        made.units++;
        put_small(&made.text, &c, buf_slice(&body));
    }
    made.text.data[first + 1] = '9';
    for (int named = 0; named < 2; named++) {
        struct count n = read_damaged(buf_slice(&made.text), MADE_ID);
        CHECK_INT((int64_t)n.invented, 0);
        CHECK(n.ended && n.kept >= (named ? 39 : 0)); /* without a name there is nothing to say */
        put_batch(&made.text, &c, SLICE_LIT(""), 0);
    }
    buf_free(&value);
    buf_free(&body);
}

/* Where a block of another log lies in ours. */
static void a_block_of_another_log(void)
{
    uint64_t seed = unit_seed();
    struct buf text = {0}, foreign = {0};
    put_foreign(&foreign, 200);
    made_log(&made, MADE_SMALL, 400, &seed, true);
    for (size_t at = 100; at + 4096 < made.text.len; at += 3 * 512 + 7) {
        buf_clear(&text);
        buf_add(&text, buf_slice(&made.text));
        memcpy(text.data + at, foreign.data + at % 500, 4096);
        struct count n = read_damaged(buf_slice(&text), MADE_ID);
        CHECK_INT((int64_t)n.invented, 0);
        CHECK(n.ended && n.kept > 300);
    }
    buf_free(&text);
    buf_free(&foreign);
}

static void hostile_files(void)
{
    enum { BATCHES = 40000 };
    struct buf text = {0};
    struct aof_chain chain = {0};
    aof_chain_begin(&chain, &(struct aof_session){.id = MADE_ID, .seq = 1}, &text);
    size_t begin = text.len;
    for (int i = 0; i < BATCHES; i++)
        put_small(&text, &chain, SLICE_LIT("*1\r\n$4\r\nPING\r\n"));
    made.units = 0;
    text.data[9] ^= 1;
    CHECK(read_damaged(buf_slice(&text), MADE_ID).ended);
    text.data[9] ^= 1;
    for (int i = 0; i < BATCHES; i += 3)
        memset(text.data + begin + (size_t)i * 21 + 8, 'x', 4);
    CHECK(read_damaged(buf_slice(&text), MADE_ID).ended);
    for (size_t i = begin; i + 7 <= text.len; i += 7)
        memcpy(text.data + i, "#AAAA\r\n", 7);
    CHECK(read_damaged(buf_slice(&text), MADE_ID).ended);
    for (size_t i = 0; i + 16 <= text.len; i += 16)
        memcpy(text.data + i, "*1\r\n$4\r\nPINGxxx\n", 16);
    CHECK(read_damaged(buf_slice(&text), 0).ended);
    for (size_t i = 0; i + 20 <= text.len; i += 20)
        memcpy(text.data + i, "*1\r\n$40000000\r\n*1\r\n*", 20);
    CHECK(read_damaged(buf_slice(&text), 0).ended);
    buf_free(&text);
}

int main(void)
{
    hash_init(NULL);
    return UNIT_RUN(UNIT(whole_logs), UNIT(damaged_logs), UNIT(repeated_batches),
                    UNIT(batches_inside_of_values), UNIT(a_block_of_another_log),
                    UNIT(hostile_files));
}
