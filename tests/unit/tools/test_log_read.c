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
    size_t doubtful;
    bool ended;
};

static bool is_evil(struct slice text)
{
    static const char evil[] = "*3\r\n$3\r\nSET\r\n$4\r\nevil\r\n";
    return text.len >= sizeof evil - 1 && memcmp(text.data, evil, sizeof evil - 1) == 0;
}

/* made is as it was; text is what became of it. */
static struct count read_with(struct slice text, const struct log_options *opt)
{
    struct log_bytes b;
    struct log_reader r;
    struct count n = {0};
    enum log_item what;
    size_t next = 0;
    uint64_t end = 0;
    log_bytes_memory(&b, text);
    log_read_open(&r, &b, 0, opt);
    while ((what = log_read_next(&r)) != LOG_END) {
        CHECK(r.from >= end && r.to + (what == LOG_MENDED) > r.from && r.to <= text.len);
        end = r.to;
        n.holes += what == LOG_HOLE;
        n.doubtful += what == LOG_HOLE ? r.hole.doubtful : 0;
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

static struct count read_damaged(struct slice text, uint64_t id)
{
    return read_with(text, &(struct log_options){.id = id});
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

/* ---- batches that no line names ---- */

/* Small ones, as a second of single commands leaves them. hidden: in the middle a value holds as
 * good ones; where its line begins, and where the value does. */
static size_t made_unnamed(size_t units, uint64_t *seed, struct slice hidden, size_t *value)
{
    struct aof_chain c = {0};
    struct buf body = {0};
    size_t line = 0;
    made = (struct made){.text = made.text};
    buf_clear(&made.text);
    aof_chain_begin(&c, &(struct aof_session){.id = MADE_ID, .seq = 1}, &made.text);
    for (size_t n = 0; made.units < units; n++) {
        bool holds = hidden.len && made.units == units / 2;
        const struct slice held[] = {SLICE_LIT("APPEND"), SLICE_LIT("k"), hidden};
        buf_clear(&body);
        made_unit(&body, n, seed, false);
        if (!holds && !aof_small_takes(buf_slice(&body)))
            continue;
        if (holds) {
            buf_clear(&body);
            aof_put_command(&body, held, 3);
            line = made.text.len;
            *value = line + AOF_SUM_LINE + body.len - hidden.len - 2;
            put_batch(&made.text, &c, buf_slice(&body), 0);
        }
        made.from[made.units] = made.text.len - (holds ? body.len : 0);
        made.to[made.units] = made.from[made.units] + body.len;
        made.units++;
        if (!holds)
            put_small(&made.text, &c, buf_slice(&body));
    }
    buf_free(&body);
    return line;
}

/* And behind a line that was hit the next one, which has nothing in front to be measured by. */
static size_t units_lost(size_t from, size_t to)
{
    size_t n = 1;
    for (size_t i = 0; i < made.units; i++)
        n += made.from[i] < to && made.to[i] + AOF_SMALL_LINE > from;
    return n;
}

/* Two times ten bytes, far from any line that names the log: nothing but what they hit is lost, or
 * the rest is told to be doubtful. */
static void unnamed_batches(void)
{
    enum { RUNS = 100, TEN = 10, UNITS = 600, APART = 20000 };
    uint64_t seed = unit_seed();
    size_t shown = 0;
    for (int run = 0; run < RUNS; run++) {
        struct buf text = {0};
        struct log_options opt = {.id = MADE_ID};
        made_unnamed(UNITS, &seed, slice("", 0), NULL);
        buf_add(&text, buf_slice(&made.text));
        size_t at[2] = {AOF_LOG_LINE + (size_t)made_rand(&seed) % APART};
        at[1] = at[0] + APART + (size_t)made_rand(&seed) % APART;
        for (int i = 0; i < 2; i++)
            for (size_t j = 0; j < TEN; j++)
                text.data[at[i] + j] = run % 2 ? '\0' : (char)made_rand(&seed);
        struct count plain = read_with(buf_slice(&text), &opt);
        opt.keep_doubtful = true;
        struct count all = read_with(buf_slice(&text), &opt);
        size_t lost = units_lost(at[0], at[0] + TEN) + units_lost(at[1], at[1] + TEN);
        CHECK(plain.ended && all.ended && plain.invented == 0 && all.invented == 0);
        CHECK(all.kept >= UNITS - lost && all.doubtful == 0);
        CHECK(plain.kept == all.kept || (plain.kept < all.kept && plain.doubtful > 0));
        shown += plain.kept == all.kept;
        buf_free(&text);
    }
    CHECK(shown > RUNS / 3);
}

/* How few between two faults are found again: those that the equations are needed for are kept,
 * too. */
static void few_unnamed_batches(void)
{
    enum { UNITS = 100, NEEDED = 6 };
    uint64_t seed = unit_seed();
    for (size_t few = 1; few < 20; few++) {
        struct buf text = {0};
        made_unnamed(UNITS, &seed, slice("", 0), NULL);
        buf_add(&text, buf_slice(&made.text));
        size_t first = 30, second = first + few + 1;
        memset(text.data + made.from[first], 0, 12);
        memset(text.data + made.from[second], 0, 12);
        struct log_options opt = {.id = MADE_ID, .keep_doubtful = true};
        struct count n = read_with(buf_slice(&text), &opt);
        CHECK_INT((int64_t)n.invented, 0);
        CHECK(n.kept == (few < NEEDED ? UNITS - 2 - few : UNITS - 2));
        buf_free(&text);
    }
}

/* Where a value holds batches and the line in front of it is damaged, or a part of it is lost, none
 * is taken but by who asks for what is doubtful. */
static void unnamed_batches_in_a_value(void)
{
    enum { BLOCK = 4096, UNITS = 400 };
    uint64_t seed = unit_seed();
    struct buf hidden = {0}, text = {0};
    size_t value = 0, evil = 0;
    put_foreign(&hidden, 800);
    size_t line = made_unnamed(UNITS, &seed, buf_slice(&hidden), &value);
    for (size_t from = line - 200; from < value; from++)
        for (size_t len = 1; len < 900; len += len < 90 ? 7 : 150) {
            struct log_options opt = {.id = MADE_ID};
            buf_clear(&text);
            buf_add(&text, buf_slice(&made.text));
            for (size_t j = from; j < from + len; j++)
                text.data[j] = len % 2 ? '\0' : (char)made_rand(&seed);
            CHECK_INT((int64_t)read_with(buf_slice(&text), &opt).invented, 0);
            opt.keep_doubtful = true;
            evil += len > 90 ? read_with(buf_slice(&text), &opt).evil : 0;
        }
    CHECK(evil > 0);
    for (size_t from = line / BLOCK * BLOCK - BLOCK; from < value + BLOCK; from += BLOCK)
        for (size_t len = 512; len < 6 * BLOCK; len += 512) {
            buf_clear(&text);
            buf_append(&text, made.text.data, from);
            buf_append(&text, made.text.data + from + len, made.text.len - from - len);
            CHECK_INT((int64_t)read_damaged(buf_slice(&text), MADE_ID).invented, 0);
        }
    buf_free(&hidden);
    buf_free(&text);
}

/* Blocks of another log lie in ours: many from one border to another, or a few sectors. */
static void rows_of_foreign_blocks(void)
{
    enum { BLOCK = 4096, SECTOR = 512, UNITS = 600 };
    uint64_t seed = unit_seed();
    struct buf foreign = {0}, text = {0};
    put_foreign(&foreign, 900);
    made_unnamed(UNITS, &seed, slice("", 0), NULL);
    for (size_t at = SECTOR; at + 7 * BLOCK < made.text.len; at += SECTOR)
        for (size_t i = 0; i < 20; i++) {
            size_t most = at % BLOCK ? BLOCK : 7 * BLOCK;
            buf_clear(&text);
            buf_add(&text, buf_slice(&made.text));
            memcpy(text.data + at, foreign.data + made_rand(&seed) % 1000,
                   SECTOR + made_rand(&seed) % (most / SECTOR) * SECTOR);
            CHECK_INT((int64_t)read_damaged(buf_slice(&text), MADE_ID).invented, 0);
        }
    buf_free(&foreign);
    buf_free(&text);
}

/* Small batches only, none of which names the log, and no way in; every third batch damaged;
 * nothing but lines: each is read in time that is linear (or this would take minutes). */
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
                    UNIT(unnamed_batches), UNIT(few_unnamed_batches),
                    UNIT(unnamed_batches_in_a_value), UNIT(rows_of_foreign_blocks),
                    UNIT(hostile_files));
}
