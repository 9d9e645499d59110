/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/lzf.h"
#include "base/mem.h"
#include "base/num.h"
#include "containers/intset.h"
#include "containers/listpack.h"
#include "tests/unit/unit.h"
#include "tools/anon_args.h"
#include "tools/anon_library.h"
#include "tools/anon_pack.h"

static const uint8_t secret[ANON_SECRET] = "a secret of ours";

static struct anon begin(void)
{
    struct anon a;
    hash_init(&(uint64_t[2]){1, 2}[0]);
    anon_init(&a, secret);
    return a;
}

/* Each text of one or two letters or digits becomes another, and no two the same. */
static void texts_are_permuted(void)
{
    struct anon a = begin();
    static char seen[65536];
    memset(seen, 0, sizeof seen);
    for (int i = 0; i < 65536; i++) {
        char text[2] = {(char)(i >> 8), (char)i};
        anon_text(&a, text, 2, 0);
        int to = (uint8_t)text[0] << 8 | (uint8_t)text[1];
        CHECK_INT(seen[to]++, 0);
    }
    anon_free(&a);
}

static void marks_of_lines_stay(void)
{
    struct anon a = begin();
    char text[] = "abc\r\n#def\n";
    anon_text(&a, text, 10, 0);
    CHECK(text[3] == '\r' && text[4] == '\n' && text[5] == '#' && text[9] == '\n');
    CHECK(memcmp(text, "abc", 3) != 0);
    anon_free(&a);
}

static void numbers_keep_their_forms(void)
{
    struct anon a = begin();
    static const int64_t ones[] = {0, 9, 10, 12, 13, 99, 127, 128, 4095, 4096, -1, -128, -129,
                                   32767, 32768, -32769, 8388607, 8388608, 2147483647,
                                   2147483648, INT64_MAX, INT64_MIN, -4096, -4097, 1000000000000};
    for (size_t i = 0; i < sizeof ones / sizeof *ones; i++) {
        int64_t n = ones[i], to = anon_int(&a, n);
        char one[NUM_I64_TEXT], other[NUM_I64_TEXT];
        CHECK_INT((int64_t)num_format_i64(other, to), (int64_t)num_format_i64(one, n));
        CHECK_INT((int64_t)lp_size_of(slice_str(other)), (int64_t)lp_size_of(slice_str(one)));
        CHECK((int8_t)n == n ? (int8_t)to == to : (int8_t)to != to);
        CHECK((int32_t)n == n ? (int32_t)to == to : (int32_t)to != to);
        anon_text(&a, one, strlen(one), 0);
        CHECK_STR(one, other);
    }
    char text[] = "007";
    int64_t n;
    anon_text(&a, text, 3, 0);
    CHECK(!num_parse_i64(slice(text, 3), &n));
    anon_free(&a);
}

static void all_of_three_digits_are_distinct(void)
{
    struct anon a = begin();
    char seen[1000] = {0};
    for (int64_t i = 100; i < 1000; i++) {
        int64_t to = anon_int(&a, i);
        CHECK(to >= 100 && to < 1000);
        CHECK_INT(seen[to]++, 0);
    }
    anon_free(&a);
}

/* A text becomes the same where it lies compressed, in our files. */
static void compressed_and_plain_are_one(void)
{
    struct anon a = begin();
    const char *word = "customer:customer:customer:profile:profile:0001";
    char plain[64], packed[64], back[64];
    size_t n = strlen(word), len = lzf_pack_quick(word, n, packed, n - 4);
    CHECK(len > 0);
    memcpy(plain, word, n);
    anon_text(&a, plain, n, 0);
    anon_lzf(&a, packed, len, 0);
    CHECK(lzf_unpack(packed, len, back, n));
    CHECK_SLICE(slice(back, n), slice(plain, n));
    CHECK(memcmp(plain, word, n) != 0);
    memcpy(plain, word, n);
    anon_text(&a, plain, n, 9);
    CHECK(memcmp(plain, word, 9) == 0 && memcmp(plain, word, n) != 0);
    anon_free(&a);
}

static uint8_t *pairs(unsigned n, bool scores)
{
    char text[32];
    uint8_t *lp = lp_new();
    for (unsigned i = 0; i < n; i++) {
        lp = lp_append(lp, slice(text, (size_t)snprintf(text, sizeof text, "member-%04u", i)));
        lp = lp_append_int(lp, scores ? i / 4 : i * 1000);
    }
    return lp;
}

static void sorted_sets_stay_in_order(void)
{
    struct anon a = begin();
    struct anon_counts c = {0};
    uint8_t *lp = pairs(40, true), *was = mem_dup(lp, lp_bytes(lp));
    const char *why;
    char scratch[2][NUM_I64_TEXT];
    CHECK(anon_block(&a, RDB_ZSET_LISTPACK, RDB_STORED_BLOCK, (char *)lp, lp_bytes(lp), &c));
    CHECK(lp_validate(lp_blob(lp), NULL, &why));
    struct slice before = {0};
    char held[64];
    for (size_t at = lp_first(lp), i = 0; at; at = lp_next(lp, lp_next(lp, at)), i++) {
        struct slice member = lp_get(lp, at, scratch[0]);
        int64_t score;
        CHECK(lp_get_int(lp, lp_next(lp, at), &score, &(struct slice){0}));
        CHECK_INT(score, (int64_t)i / 4);
        CHECK(!lp_find(was, lp_first(was), member, 1));
        CHECK(i % 4 == 0 || slice_cmp(before, member) < 0);
        memcpy(held, member.data, member.len);
        before = slice(held, member.len);
    }
    mem_free(lp);
    mem_free(was);
    anon_free(&a);
}

static void compressed_blocks_keep_their_form(void)
{
    struct anon a = begin();
    struct anon_counts c = {0};
    uint8_t *lp = pairs(100, false);
    size_t n = lp_bytes(lp), count;
    const char *why;
    char *packed = mem_alloc(n), *back = mem_alloc(n);
    size_t len = lzf_pack(lp, n, packed, n - 4);
    CHECK(len > 0);
    CHECK(anon_block_lzf(&a, RDB_HASH_LISTPACK, RDB_STORED_BLOCK, packed, len, n, &c));
    CHECK(lzf_unpack(packed, len, back, n));
    CHECK(lp_validate(slice(back, n), &count, &why));
    CHECK_INT((int64_t)count, 200);
    CHECK(!memmem(back, n, "memb", 4));
    CHECK_INT((int64_t)c.whole, 0);
    mem_free(lp);
    mem_free(packed);
    mem_free(back);
    anon_free(&a);
}

static void intsets_stay_in_order(void)
{
    struct anon a = begin();
    struct anon_counts c = {0};
    uint8_t *is = intset_new();
    const char *why;
    for (int64_t i = -50; i < 50; i++)
        is = intset_add(is, i * 997, NULL);
    CHECK(anon_block(&a, RDB_SET_INTSET, RDB_STORED_BLOCK, (char *)is, intset_bytes(is), &c));
    CHECK(intset_validate(slice(is, intset_bytes(is)), &why));
    CHECK(intset_has(is, anon_int(&a, 997)));
    mem_free(is);
    anon_free(&a);
}

static void libraries_have_a_function(void)
{
    struct anon a = begin();
    static const char code[] = "#!lua name=mylib\nredis.register_function('f', function(keys, "
                               "args) return args[1] .. 'something of ours' end)\n";
    char text[sizeof code], packed[sizeof code], back[sizeof code];
    size_t n = sizeof code - 1, len = lzf_pack(code, n, packed, n - 4);
    memcpy(text, code, n);
    anon_library(&a, text, n);
    CHECK(memcmp(text, "#!lua name=", 11) == 0 && memmem(text, n, "register_function('", 19));
    CHECK(!memmem(text, n, "ours", 4) && !memmem(text, n, "mylib", 5));
    CHECK(len > 0 && anon_library_lzf(&a, packed, len, n));
    CHECK(lzf_unpack(packed, len, back, n));
    CHECK_SLICE(slice(back, n), slice(text, n));
    anon_free(&a);
}

static const char *args_of(const char *command)
{
    static const char letters[] = ".kvbsfpu";
    static char out[32];
    struct slice head[16] = {{0}};
    size_t n = 0;
    struct anon_args a;
    for (const char *at = command; *at && n < 16; n++) {
        size_t len = strcspn(at, " ");
        head[n] = slice(at, len);
        at += len + (at[len] == ' ');
    }
    anon_args_of(n, head, n, &a);
    for (size_t i = 0; i < n; i++)
        out[i] = letters[anon_arg_at(&a, i)];
    out[n] = '\0';
    return out;
}

static void arguments_are_told_apart(void)
{
    CHECK_STR(args_of("SET k v PXAT 1 KEEPTTL"), ".kv...");
    CHECK_STR(args_of("zadd k NX CH 1 a 2 b"), ".k...v.v");
    CHECK_STR(args_of("XADD k NOMKSTREAM MAXLEN ~ 10 LIMIT 5 1-1 f v"), ".k.......vv");
    CHECK_STR(args_of("XADD k 1-1 f v g w"), ".k.vvvv");
    CHECK_STR(args_of("HSET k a b c d"), ".kvvvv");
    CHECK_STR(args_of("HPEXPIREAT k 1 FIELDS 2 a b"), ".k...vv");
    CHECK_STR(args_of("MSET a b c d"), ".kvkv");
    CHECK_STR(args_of("XGROUP CREATE k g 0-0"), "..kv.");
    CHECK_STR(args_of("XGROUP CREATECONSUMER k g c"), "..kvv");
    CHECK_STR(args_of("EVAL code 1 k v"), ".s.kv");
    CHECK_STR(args_of("RESTORE k 0 payload REPLACE"), ".k.p.");
    CHECK_STR(args_of("ZUNIONSTORE d 2 a b WEIGHTS 1 2"), ".k.kk...");
    CHECK_STR(args_of("NOSUCH a b"), ".uu");
}

int main(void)
{
    return UNIT_RUN(UNIT(texts_are_permuted), UNIT(marks_of_lines_stay),
                    UNIT(numbers_keep_their_forms), UNIT(all_of_three_digits_are_distinct),
                    UNIT(compressed_and_plain_are_one), UNIT(sorted_sets_stay_in_order),
                    UNIT(compressed_blocks_keep_their_form), UNIT(intsets_stay_in_order),
                    UNIT(libraries_have_a_function), UNIT(arguments_are_told_apart));
}
