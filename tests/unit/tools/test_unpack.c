/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "base/rand.h"
#include "tests/unit/unit.h"
#include "tools/unpack.h"

static int keep(void *arg, const void *from, size_t n)
{
    buf_append(arg, from, n);
    return 0;
}

/* Gives bytes in pieces of a few. */
struct feed {
    struct slice left;
    size_t piece;
};
static ssize_t feed(void *arg, void *to, size_t n)
{
    struct feed *f = arg;
    n = n < f->piece ? n : f->piece;
    n = n < f->left.len ? n : f->left.len;
    memcpy(to, f->left.data, n);
    f->left = slice_from(f->left, n);
    return (ssize_t)n;
}

static void pack(enum compression c, struct slice plain, struct buf *to)
{
    struct packer *p = packer_new(c, 0, keep, to);
    for (size_t n; plain.len; plain = slice_from(plain, n)) {
        n = plain.len < 70000 ? plain.len : 70000;
        CHECK_INT(packer_write(p, plain.data, n), 0);
    }
    CHECK_INT(packer_end(p), 0);
    packer_free(p);
}

/* The last answer of unpacker_read: 0 or -EBADMSG. *cut: as unpacker_cut says. */
static ssize_t unpack(enum compression c, struct slice packed, size_t piece, size_t room,
                      struct buf *to, bool *cut)
{
    struct feed f = {packed, piece};
    struct unpacker *u = unpacker_new(c, feed, &f);
    ssize_t got;
    while ((got = unpacker_read(u, buf_reserve(to, room), room)) > 0)
        to->len += (size_t)got;
    *cut = unpacker_cut(u);
    if (got == 0 && unpacker_damaged(u))
        got = -EBADMSG;
    unpacker_free(u);
    return got;
}

static void fill(struct buf *b, size_t n)
{
    rand_seed(unit_seed());
    for (size_t i = 0; i < n; i++)
        buf_byte(b, rand_below(4) ? 'a' : (unsigned char)rand_below(256));
}

static void both_ways(void)
{
    static const size_t sizes[] = {0, 1, 1000, 300000}, pieces[] = {1, 7, 1 << 20};
    for (int c = COMPRESSION_GZIP; c <= COMPRESSION_ZSTD; c++)
        for (size_t s = 0; s < 4; s++)
            for (size_t p = 0; p < 3; p++) {
                struct buf plain = {0}, packed = {0}, back = {0};
                bool cut;
                fill(&plain, sizes[s]);
                pack((enum compression)c, buf_slice(&plain), &packed);
                CHECK_INT(compression_of(buf_slice(&packed)), c);
                CHECK_INT(unpack((enum compression)c, buf_slice(&packed), pieces[p], 999, &back,
                                 &cut), 0);
                CHECK(!cut);
                CHECK_SLICE(buf_slice(&back), buf_slice(&plain));
                buf_free(&plain);
                buf_free(&packed);
                buf_free(&back);
            }
}

/* As cat a.gz b.gz makes. */
static void two_behind_one_another(void)
{
    for (int c = COMPRESSION_GZIP; c <= COMPRESSION_ZSTD; c++) {
        struct buf packed = {0}, back = {0};
        bool cut;
        pack((enum compression)c, SLICE_LIT("first "), &packed);
        pack((enum compression)c, SLICE_LIT("second"), &packed);
        CHECK_INT(unpack((enum compression)c, buf_slice(&packed), 3, 5, &back, &cut), 0);
        CHECK_SLICE(buf_slice(&back), SLICE_LIT("first second"));
        CHECK(!cut);
        buf_free(&packed);
        buf_free(&back);
    }
}

/* What is cut off ends; what is changed is damage, or what its sums do not cover. Never more bytes
 * than there were. */
static void cut_and_damaged(void)
{
    for (int c = COMPRESSION_GZIP; c <= COMPRESSION_ZSTD; c++) {
        struct buf plain = {0}, packed = {0}, back = {0};
        bool cut;
        size_t bad = 0;
        fill(&plain, 3000);
        pack((enum compression)c, buf_slice(&plain), &packed);
        for (size_t n = 1; n < packed.len; n += 3) {
            buf_clear(&back);
            CHECK_INT(unpack((enum compression)c, slice(packed.data, n), 64, 512, &back, &cut), 0);
            CHECK(cut);
            CHECK(back.len <= plain.len && memcmp(back.data, plain.data, back.len) == 0);
        }
        for (size_t i = 0; i < packed.len; i++) {
            buf_clear(&back);
            packed.data[i] ^= 0x10;
            bad += unpack((enum compression)c, buf_slice(&packed), 64, 512, &back, &cut) < 0 || cut;
            packed.data[i] ^= 0x10;
        }
        /* gzip's head has bits that mean nothing; all else is covered, but for rare ways to say the
         * same in other codes. */
        CHECK(bad > packed.len - packed.len / 50 - 20);
        buf_free(&plain);
        buf_free(&packed);
        buf_free(&back);
    }
}

/* A wrong checksum comes behind all bytes: they are given, however large the room is. */
static void all_comes_out_before_damage(void)
{
    static const size_t sizes[] = {1, 3000, 400000}, pieces[] = {7, 1 << 20};
    for (int c = COMPRESSION_GZIP; c <= COMPRESSION_ZSTD; c++)
        for (size_t s = 0; s < 3; s++)
            for (size_t p = 0; p < 2; p++) {
                struct buf plain = {0}, packed = {0}, back = {0};
                bool cut;
                fill(&plain, sizes[s]);
                pack((enum compression)c, buf_slice(&plain), &packed);
                packed.data[packed.len - (c == COMPRESSION_GZIP ? 6 : 2)] ^= 1;
                CHECK_INT(unpack((enum compression)c, buf_slice(&packed), pieces[p], 1 << 20, &back,
                                 &cut), -EBADMSG);
                CHECK_SLICE(buf_slice(&back), buf_slice(&plain));
                buf_free(&plain);
                buf_free(&packed);
                buf_free(&back);
            }
}

static void names(void)
{
    CHECK_INT(compression_of_name("a.rdb.gz"), COMPRESSION_GZIP);
    CHECK_INT(compression_of_name("a.zst"), COMPRESSION_ZSTD);
    CHECK_INT(compression_of_name("gz"), COMPRESSION_NONE);
    CHECK_INT(compression_of(SLICE_LIT("REDIS0011")), COMPRESSION_NONE);
    CHECK_INT(compression_of(SLICE_LIT("\x1f")), COMPRESSION_NONE);
}

int main(void)
{
    return UNIT_RUN(UNIT(both_ways), UNIT(two_behind_one_another), UNIT(cut_and_damaged),
                    UNIT(all_comes_out_before_damage), UNIT(names));
}
