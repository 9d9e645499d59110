/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/rand.h"
#include "containers/listpack.h"
#include "tests/unit/unit.h"

static void check_block(const uint8_t *lp, const char *bytes, size_t len)
{
    CHECK_SLICE(lp_blob(lp), slice(bytes, len));
}

static void starts_empty(void)
{
    uint8_t *lp = lp_new();
    check_block(lp, "\7\0\0\0\0\0\xff", 7);
    CHECK_INT(lp_count(lp), 0);
    CHECK_INT(lp_first(lp), 0);
    CHECK_INT(lp_last(lp), 0);
    CHECK_INT(lp_at(lp, 0), 0);
    CHECK_INT(lp_at(lp, -1), 0);
    CHECK_INT(lp_find(lp, lp_first(lp), SLICE_LIT("x"), 0), 0);
    mem_free(lp);
}

/* Made by a real server. */
static void writes_known_bytes(void)
{
    uint8_t *lp = lp_new();
    lp = lp_append(lp, SLICE_LIT("a"));
    lp = lp_append(lp, SLICE_LIT("1"));
    lp = lp_append(lp, SLICE_LIT("hello"));
    check_block(lp, "\x13\0\0\0\3\0\x81\x61\2\1\1\x85hello\6\xff", 19);
    mem_free(lp);
    lp = lp_append_int(lp_append(lp_new(), SLICE_LIT("x")), 7);
    check_block(lp, "\x0c\0\0\0\2\0\x81x\2\7\1\xff", 12);
    mem_free(lp);
    lp = lp_append(lp_append(lp_new(), SLICE_LIT("m")), SLICE_LIT("1.5"));
    check_block(lp, "\x0f\0\0\0\2\0\x81m\2\x83" "1.5\4\xff", 15);
    mem_free(lp);
    lp = lp_append(lp_new(), SLICE_LIT("-1"));
    check_block(lp, "\x0a\0\0\0\1\0\xdf\xff\2\xff", 10);
    mem_free(lp);
}

static void keeps_every_integer_width(void)
{
    static const int64_t edges[] = {0,          127,        128,        4095,       4096,
                                    INT16_MAX,  8388607,    8388608,    INT32_MAX,  INT64_MAX,
                                    -1,         -4096,      -4097,      INT16_MIN,  -8388608,
                                    -8388609,   INT32_MIN,  INT64_MIN};
    static const uint8_t sizes[] = {1, 1, 2, 2, 3, 3, 4, 5, 5, 9, 2, 2, 3, 3, 4, 5, 5, 9};
    uint8_t *lp = lp_new();
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
        for (int d = -1; d <= 1; d++) {
            if ((edges[i] == INT64_MAX && d > 0) || (edges[i] == INT64_MIN && d < 0))
                continue;
            char text[NUM_I64_TEXT], scratch[NUM_I64_TEXT];
            size_t len = num_format_i64(text, edges[i] + d), before = lp_bytes(lp);
            lp = lp_append(lp, slice(text, len));
            size_t at = lp_last(lp);
            int64_t num;
            struct slice unused;
            CHECK(lp_get_int(lp, at, &num, &unused));
            CHECK_INT(num, edges[i] + d);
            CHECK_SLICE(lp_get(lp, at, scratch), slice(text, len));
            CHECK_INT(lp_size_of(slice(text, len)), lp_bytes(lp) - before);
            if (d == 0)
                CHECK_INT(lp_bytes(lp) - before, sizes[i] + 1);
        }
    }
    size_t count;
    const char *why;
    CHECK(lp_validate(lp_blob(lp), &count, &why));
    CHECK_INT(count, lp_count(lp));
    mem_free(lp);
}

static void keeps_text_that_only_looks_like_a_number(void)
{
    static const char *const texts[] = {"01",  "+1",  "-0", "", "-",
                                        "1 ",  " 1",  "00", "9223372036854775808",
                                        "1.0", "1e3", "-9223372036854775809"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        uint8_t *lp = lp_append(lp_new(), slice_str(texts[i]));
        int64_t num;
        struct slice text = {0};
        CHECK(!lp_get_int(lp, lp_first(lp), &num, &text));
        CHECK_SLICE(text, slice_str(texts[i]));
        mem_free(lp);
    }
}

/* The limits of the back length are not powers of two. */
static void has_exact_back_lengths(void)
{
    static const struct {
        size_t body, back;
    } cases[] = {{127, 1}, {128, 2}, {16382, 2}, {16383, 3}, {2097150, 3}, {2097151, 4}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t head = cases[i].body < 4098 ? 2 : 5, len = cases[i].body - head;
        char *text = mem_zalloc(len);
        uint8_t *lp = lp_append(lp_new(), slice(text, len));
        const char *why;
        CHECK_INT(lp_bytes(lp), LP_EMPTY_BYTES + cases[i].body + cases[i].back);
        CHECK(lp_validate(lp_blob(lp), NULL, &why));
        CHECK_INT(lp_last(lp), lp_first(lp));
        mem_free(lp);
        mem_free(text);
    }
}

static void finds_with_skip(void)
{
    uint8_t *lp = lp_new();
    static const char *const texts[] = {"a", "b", "b", "7", "c", "b", "7", "a", "x"};
    for (size_t i = 0; i < 9; i++)
        lp = lp_append(lp, slice_str(texts[i]));
    CHECK_INT(lp_find(lp, lp_first(lp), SLICE_LIT("b"), 0), lp_at(lp, 1));
    CHECK_INT(lp_find(lp, lp_first(lp), SLICE_LIT("b"), 1), lp_at(lp, 2));
    CHECK_INT(lp_find(lp, lp_first(lp), SLICE_LIT("7"), 1), lp_at(lp, 6));
    CHECK_INT(lp_find(lp, lp_at(lp, 1), SLICE_LIT("a"), 1), lp_at(lp, 7));
    CHECK_INT(lp_find(lp, lp_first(lp), SLICE_LIT("a"), 2), lp_at(lp, 0));
    CHECK_INT(lp_find(lp, lp_first(lp), SLICE_LIT("07"), 0), 0);
    mem_free(lp);
}

/* Wide integers and numbers stored as text are legal; they are equal by their text. */
static void compares_foreign_encodings(void)
{
    static const char block[] = "\x18\0\0\0\3\0"
                                "\xf4\5\0\0\0\0\0\0\0\x09"
                                "\x81" "5\2"
                                "\xe0\1z\3"
                                "\xff";
    const uint8_t *lp = (const uint8_t *)block;
    const char *why;
    size_t count;
    CHECK(lp_validate(slice(block, sizeof block - 1), &count, &why));
    CHECK_INT(count, 3);
    CHECK(lp_equal(lp, lp_at(lp, 0), SLICE_LIT("5")));
    CHECK(lp_equal(lp, lp_at(lp, 1), SLICE_LIT("5")));
    CHECK(lp_equal(lp, lp_at(lp, 2), SLICE_LIT("z")));
    CHECK(!lp_equal(lp, lp_at(lp, 0), SLICE_LIT("05")));
}

static void refuses_damage(void)
{
    static const struct {
        const char *what, *bytes;
        size_t len;
    } cases[] = {
        {"too short", "\6\0\0\0\0\0", 6},
        {"nothing", "", 0},
        {"size too large", "\x08\0\0\0\0\0\xff", 7},
        {"size too small", "\7\0\0\0\0\0\xff\xff", 8},
        {"no end", "\7\0\0\0\0\0\0", 7},
        {"count too large", "\7\0\0\0\1\0\xff", 7},
        {"count too small", "\x09\0\0\0\0\0\1\1\xff", 9},
        {"back length wrong", "\x09\0\0\0\1\0\1\2\xff", 9},
        {"back length not minimal", "\x0a\0\0\0\1\0\1\0\x81\xff", 10},
        {"bad encoding", "\x09\0\0\0\1\0\xf5\1\xff", 9},
        {"bad encoding", "\x09\0\0\0\1\0\xfe\1\xff", 9},
        {"end in the middle", "\x0a\0\0\0\1\0\1\1\xff\xff", 10},
        {"string past the end", "\x09\0\0\0\1\0\x82\1\xff", 9},
        {"string into the end mark", "\x09\0\0\0\1\0\x81\2\xff", 9},
        {"huge string", "\x0d\0\0\0\1\0\xf0\xff\xff\xff\xff\1\xff", 13},
        {"cut head", "\x08\0\0\0\1\0\xf0\xff", 8},
        {"cut 12-bit head", "\x08\0\0\0\1\0\xef\xff", 8},
        {"cut integer", "\x0b\0\0\0\1\0\xf4\1\2\3\xff", 11},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t *exact = mem_dup(cases[i].bytes, cases[i].len);
        const char *why = NULL;
        bool ok = lp_validate(slice(exact, cases[i].len), NULL, &why);
        if (ok)
            printf("accepted: %s\n", cases[i].what);
        CHECK(!ok && why);
        mem_free(exact);
    }
    /* 65535 means "count yourself", however short the list. */
    const char *why;
    size_t count;
    CHECK(lp_validate(slice("\x09\0\0\0\xff\xff\1\1\xff", 9), &count, &why));
    CHECK_INT(count, 1);
}

static void counts_past_the_header(void)
{
    uint8_t *lp = lp_new();
    for (int i = 0; i < 65534; i++)
        lp = lp_append_int(lp, i % 100);
    CHECK_INT(lp_count(lp), 65534);
    CHECK_INT(load_le16(lp + 4), 65534);
    for (int i = 0; i < 10; i++)
        lp = lp_append_int(lp, i);
    CHECK_INT(lp_count(lp), 65544);
    CHECK_INT(load_le16(lp + 4), 65535);
    CHECK_INT(lp_at(lp, -1), lp_last(lp));
    CHECK_INT(lp_at(lp, 65543), lp_last(lp));
    CHECK_INT(lp_at(lp, 65544), 0);
    size_t count;
    const char *why;
    CHECK(lp_validate(lp_blob(lp), &count, &why));
    CHECK_INT(count, 65544);
    mem_free(lp);
}

/* ---- against an array of texts ---- */

enum { MODEL_MAX = 400 };

struct model {
    char *text[MODEL_MAX];
    size_t len[MODEL_MAX];
    size_t count;
};

static void model_insert(struct model *m, size_t at, struct slice text)
{
    memmove(m->text + at + 1, m->text + at, (m->count - at) * sizeof *m->text);
    memmove(m->len + at + 1, m->len + at, (m->count - at) * sizeof *m->len);
    m->text[at] = mem_dup(text.data, text.len);
    m->len[at] = text.len;
    m->count++;
}

static void model_delete(struct model *m, size_t at, size_t n)
{
    for (size_t i = at; i < at + n; i++)
        mem_free(m->text[i]);
    memmove(m->text + at, m->text + at + n, (m->count - at - n) * sizeof *m->text);
    memmove(m->len + at, m->len + at + n, (m->count - at - n) * sizeof *m->len);
    m->count -= n;
}

static struct slice random_text(char *out)
{
    switch (rand_below(4)) {
    case 0:
        return slice(out, num_format_i64(out, (int64_t)(rand_u64() >> rand_below(64))));
    case 1:
        return slice(out, num_format_i64(out, -(int64_t)rand_below(10000)));
    default:
        break;
    }
    static const size_t lens[] = {3, 10, 70, 130, 300, 4100, 5000};
    size_t len = rand_below(lens[rand_below(rand_below(10) ? 4 : 7)]);
    memset(out, 'a' + (int)rand_below(3), len);
    return slice(out, len);
}

static void check_same(const uint8_t *lp, const struct model *m)
{
    char scratch[NUM_I64_TEXT];
    const char *why;
    size_t count, i = 0;
    CHECK(lp_validate(lp_blob(lp), &count, &why));
    CHECK_INT(count, m->count);
    CHECK_INT(lp_count(lp), m->count);
    for (size_t at = lp_first(lp); at; at = lp_next(lp, at), i++)
        CHECK_SLICE(lp_get(lp, at, scratch), slice(m->text[i], m->len[i]));
    CHECK_INT(i, m->count);
    for (size_t at = lp_last(lp); at; at = lp_prev(lp, at))
        CHECK_SLICE(lp_get(lp, at, scratch), slice(m->text[i - 1], m->len[i - 1])), i--;
    CHECK_INT(i, 0);
}

static uint8_t *random_change(uint8_t *lp, struct model *m)
{
    static char room[5001];
    struct slice text = random_text(room);
    size_t at = m->count ? rand_below(m->count) : 0, n;
    switch (m->count ? rand_below(m->count > 300 ? 8 : 6) : rand_below(2)) {
    case 0:
        model_insert(m, m->count, text);
        return lp_append(lp, text);
    case 1:
        model_insert(m, 0, text);
        return lp_prepend(lp, text);
    case 2:
        lp = lp_insert(lp, lp_at(lp, (long)at), text);
        model_insert(m, at, text);
        return lp;
    case 3:
        lp = lp_replace(lp, lp_at(lp, (long)at - (long)m->count), text);
        model_delete(m, at, 1);
        model_insert(m, at, text);
        return lp;
    case 4:
        at = lp_find(lp, lp_first(lp), text, 0);
        for (n = 0; n < m->count && !slice_eq(slice(m->text[n], m->len[n]), text); n++)
            ;
        CHECK_INT(at, n < m->count ? lp_at(lp, (long)n) : 0);
        return lp;
    default:
        n = 1 + rand_below(m->count > 300 ? 100 : 3);
        lp = lp_delete(lp, lp_at(lp, (long)at), n);
        model_delete(m, at, n < m->count - at ? n : m->count - at);
        return lp;
    }
}

static void agrees_with_an_array(void)
{
    rand_seed(unit_seed());
    uint8_t *lp = lp_new();
    struct model m = {.count = 0};
    for (int i = 0; i < 6000; i++) {
        lp = random_change(lp, &m);
        if (i % 8 == 0)
            check_same(lp, &m);
        if (i % 500 == 0)
            lp = lp_shrink(lp);
    }
    model_delete(&m, 0, m.count);
    mem_free(lp);
}

static void merges(void)
{
    uint8_t *a = lp_new(), *b = lp_new();
    a = lp_append(a, SLICE_LIT("a"));
    b = lp_append_int(lp_append(b, SLICE_LIT("b")), 300);
    a = lp_merge(a, b);
    CHECK_INT(lp_count(a), 3);
    CHECK(lp_equal(a, lp_at(a, 2), SLICE_LIT("300")));
    const char *why;
    CHECK(lp_validate(lp_blob(a), NULL, &why));
    CHECK(lp_fits(a, 100));
    CHECK(!lp_fits(a, LP_BYTES_MAX));
    mem_free(a);
    mem_free(b);
}

/* What is too long for a listpack has a size all the same. The text itself is not looked at. */
static void sizes_any_length(void)
{
    static const size_t lens[] = {LP_BYTES_MAX - 1, LP_BYTES_MAX, (size_t)INT32_MAX + 1,
                                  UINT32_MAX, (size_t)UINT32_MAX + 1, (size_t)1 << 34};
    uint8_t *lp = lp_new();
    for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
        CHECK_INT(lp_size_of(slice("", lens[i])), lens[i] + 10);
        CHECK(!lp_fits(lp, lens[i]));
    }
    CHECK(lp_fits(lp, LP_BYTES_MAX - 100));
    mem_free(lp);
}

int main(void)
{
    return UNIT_RUN(UNIT(starts_empty), UNIT(writes_known_bytes), UNIT(keeps_every_integer_width),
                    UNIT(keeps_text_that_only_looks_like_a_number), UNIT(has_exact_back_lengths),
                    UNIT(finds_with_skip), UNIT(compares_foreign_encodings), UNIT(refuses_damage),
                    UNIT(counts_past_the_header), UNIT(agrees_with_an_array), UNIT(merges),
                    UNIT(sizes_any_length));
}
