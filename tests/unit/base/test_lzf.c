/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/lzf.h"
#include "base/mem.h"
#include "base/rand.h"
#include "tests/unit/unit.h"

/* 64 times 'a'. */
static void reads_known_bytes(void)
{
    char out[64];
    CHECK(lzf_unpack("\1\x61\x61\xe0\x33\0\1\x61\x61", 9, out, 64));
    for (int i = 0; i < 64; i++)
        CHECK(out[i] == 'a');
}

static void refuses_damage(void)
{
    static const struct {
        const char *bytes;
        size_t len, out_len;
    } cases[] = {
        {"", 0, 1},                               /* nothing */
        {"\1ab", 3, 3},                           /* too short a result */
        {"\1ab", 3, 1},                           /* too long a result */
        {"\2ab", 3, 3},                           /* literals past the input */
        {"\1ab\xe0", 4, 20},                      /* cut match length */
        {"\1ab\xe0\1", 5, 20},                    /* cut distance */
        {"\1ab\x20", 4, 20},                      /* cut distance */
        {"\1ab\x20\2", 5, 5},                     /* before the start */
        {"\x20\0", 2, 3},                         /* before the start, at once */
        {"\1ab\x20\1", 5, 4},                     /* match past the room */
        {"\1ab", 3, 0},                           /* no room at all */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *in = mem_dup(cases[i].bytes, cases[i].len);
        char *out = mem_alloc(cases[i].out_len + 1);
        CHECK(!lzf_unpack(in, cases[i].len, out, cases[i].out_len));
        mem_free(in);
        mem_free(out);
    }
}

typedef size_t packing(const void *in, size_t in_len, void *out, size_t out_size);

static void comes_back(packing *pack)
{
    rand_seed(unit_seed());
    for (int i = 0; i < 400; i++) {
        size_t len = 1 + rand_below(i % 10 ? 3000 : 100000);
        size_t kinds = 1 + rand_below(i % 2 ? 3 : 256);
        char *in = mem_alloc(len), *packed = mem_alloc(len), *back = mem_alloc(len);
        for (size_t k = 0; k < len; k++)
            in[k] = (char)rand_below(kinds);
        size_t got = pack(in, len, packed, len);
        CHECK(got <= len);
        if (kinds == 1 && len > 100)
            CHECK(got > 0 && got < len / 2);
        if (got) {
            CHECK(lzf_unpack(packed, got, back, len));
            CHECK_SLICE(slice(back, len), slice(in, len));
            CHECK(!lzf_unpack(packed, got, back, len - 1));
            CHECK(!lzf_unpack(packed, got - 1, back, len));
        }
        mem_free(in);
        mem_free(packed);
        mem_free(back);
    }
}

static void comes_back_the_same(void)
{
    comes_back(lzf_pack);
    comes_back(lzf_pack_quick);
}

static void gives_up(packing *pack)
{
    enum { LEN = 200000 };
    char *in = mem_alloc(LEN), *out = mem_alloc(LEN);
    rand_secure(in, LEN);
    CHECK_INT(pack(in, LEN, out, LEN), 0);
    memset(in, 'x', LEN);
    CHECK(pack(in, LEN, out, LEN) > 0);
    CHECK_INT(pack(in, LEN, out, 10), 0);
    CHECK_INT(pack(in, LEN, out, 0), 0);
    CHECK_INT(pack(in, 0, out, LEN), 0);
    mem_free(in);
    mem_free(out);
}

static void gives_up_on_noise(void)
{
    gives_up(lzf_pack);
    gives_up(lzf_pack_quick);
}

int main(void)
{
    return UNIT_RUN(UNIT(reads_known_bytes), UNIT(refuses_damage), UNIT(comes_back_the_same),
                    UNIT(gives_up_on_noise));
}
