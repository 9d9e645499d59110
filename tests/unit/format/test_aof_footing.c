/* SPDX-License-Identifier: BSD-3-Clause */
#include "format/aof_footing.h"

#include "base/crc64.h"
#include "base/rand.h"
#include "tests/unit/format/aof_lines.h"
#include "tests/unit/unit.h"

struct sealed {
    struct aof_batch b;
    char line[AOF_OLD_LINE];
    struct buf body;
};

/* kind 0: long, 1: small, 2: old. */
static void seal(struct sealed *s, struct aof_chain *c, int kind, size_t len)
{
    *s = (struct sealed){0};
    for (size_t i = 0; i < len; i++)
        buf_byte(&s->body, (uint8_t)('a' + (i * 7 + c->n) % 26));
    struct slice body = buf_slice(&s->body);
    if (kind == 2) {
        seal_old(c, s->line, body, 0);
        CHECK(aof_batch_parse(slice(s->line, AOF_OLD_LINE), c->id, 0, &s->b));
        return;
    }
    if (kind == 0) {
        aof_chain_seal(c, s->line, body, 0, 0);
        CHECK(aof_batch_parse(slice(s->line, AOF_SUM_LINE), c->id, 0, &s->b));
        return;
    }
    aof_small_seal(c, s->line, body);
    struct buf text = {0};
    buf_append(&text, body.data, body.len - 1);
    buf_byte(&text, '\n');
    buf_append(&text, s->line, AOF_SMALL_LINE);
    CHECK(aof_small_find(buf_slice(&text), &s->b));
    buf_free(&text);
}

static void add(struct aof_footing *f, const struct sealed *s)
{
    aof_footing_add(f, &s->b, slice(s->line, s->b.line), crc64(0, s->body.data, s->body.len));
}

/* A chain of which only what the first line says is known is found again; a changed bit is not
 * passed over, wherever it is. */
static void chains(void)
{
    enum { N = 8 };
    for (int kind = 0; kind < 3; kind++) {
        struct aof_chain c = {.open = true, .id = 5, .crc = 0x123456789abcdefu};
        struct sealed all[N];
        uint64_t crc[N];
        for (int i = 0; i < N; i++) {
            seal(&all[i], &c, kind, 20 + (size_t)i * 37);
            crc[i] = c.crc;
        }
        for (int flip = 0; flip < N; flip++) {
            struct aof_footing f;
            unsigned bits = kind == 0 ? 42 : kind == 1 ? 24 : 64;
            aof_footing_begin(&f);
            aof_footing_before(&f, all[0].b.crc, bits);
            all[flip].body.data[3] ^= 1; /* that of the first one is not looked at */
            for (int i = 1; i < N; i++)
                add(&f, &all[i]);
            all[flip].body.data[3] ^= 1;
            CHECK(f.broken == (flip > 0));
            CHECK_INT(f.rank, 64);
            if (flip == 0) {
                CHECK(f.surplus >= AOF_FOOTING_SURE);
                CHECK(aof_footing_crc(&f) == crc[0]);
                CHECK(crc64_combine(crc[0], f.sum, f.len) == crc[N - 1]);
            }
        }
        for (int i = 0; i < N; i++)
            buf_free(&all[i].body);
    }
}

/* What is sealed and checked by sums of bytes is what is sealed and checked by the bytes. */
static void sums_of_bytes(void)
{
    struct aof_chain a = {.open = true, .id = 9, .crc = 77}, b = a, check = a, by_sum = a;
    for (size_t len = 0; len < 300; len += 23) {
        struct buf body = {0};
        for (size_t i = 0; i < len; i++)
            buf_byte(&body, (uint8_t)(i * 31 + len));
        char one[AOF_SUM_LINE], two[AOF_SUM_LINE];
        uint64_t sum = crc64(0, body.data, body.len);
        struct aof_batch batch;
        aof_chain_seal(&a, one, buf_slice(&body), 4096, 100);
        aof_chain_seal_sum(&b, two, len, sum, 4096, 100);
        CHECK_SLICE(slice(one, sizeof one), slice(two, sizeof two));
        CHECK(aof_batch_parse(slice(one, sizeof one), 9, 4096, &batch));
        CHECK(!aof_chain_check_sum(&by_sum, &batch, slice(one, sizeof one), sum ^ 1));
        CHECK(aof_chain_check_sum(&by_sum, &batch, slice(one, sizeof one), sum));
        CHECK(aof_chain_check(&check, &batch, slice(one, sizeof one), buf_slice(&body)));
        CHECK(check.crc == by_sum.crc && check.crc == a.crc && a.crc == b.crc);
        buf_free(&body);
    }
}

int main(void)
{
    return UNIT_RUN(UNIT(chains), UNIT(sums_of_bytes));
}
