/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <time.h>

#include "base/glob.h"
#include "base/mem.h"
#include "base/rand.h"
#include "tests/unit/unit.h"

static bool glob_match(struct slice pattern, struct slice text, bool nocase)
{
    struct glob g;
    glob_init(&g, pattern, nocase);
    bool matches = glob_matches(&g, text);
    glob_free(&g);
    CHECK(nocase || glob_fits(pattern, text) == matches);
    return matches;
}

struct glob_case {
    const char *pattern, *text;
    bool want;
};

/* What SSCAN of the installed redis-server answers, which makes an exception of "*" only. */
static const struct glob_case cases[] = {
    {"", "", true},          {"", "a", false},        {"*", "", false},
    {"*", "abc", true},      {"**", "", false},        {"a*", "a", true},
    {"a*", "ba", false},     {"*a", "ba", true},      {"*a", "ab", false},
    {"a*c", "abbc", true},   {"a*c", "abbcd", false}, {"*b*", "abc", true},
    {"?", "", false},        {"?", "a", true},        {"??", "a", false},
    {"?*", "abc", true},     {"*?", "", false},       {"a?c", "abc", true},
    {"[abc]", "b", true},    {"[abc]", "d", false},   {"[^abc]", "d", true},
    {"[^abc]", "a", false},  {"[a-c]", "b", true},    {"[c-a]", "b", true},
    {"[a-c]", "d", false},   {"[a-]", "b", false},    {"[a-]x]", "b", false},
    {"[]", "", false},       {"[]", "a", false},      {"[]a]", "a", false},
    {"[^]", "a", true},      {"[^]x", "ax", true},    {"[a", "a", true},
    {"[a", "b", false},      {"[", "a", false},       {"[^", "a", true},
    {"[\\]]", "]", true},    {"[\\]]", "\\", false},  {"[a\\-c]", "-", true},
    {"[a\\-c]", "b", false}, {"\\*", "*", true},      {"\\*", "a", false},
    {"\\a", "a", true},      {"\\", "\\", true},      {"a\\", "a\\", true},
    {"\\[a]", "[a]", true},  {"h[ae]llo", "hello", true}, {"h[ae]llo", "hillo", false},
    {"a**b", "ab", true},    {"*a*b*c", "xaybzc", true},  {"*a*b*c", "xaybz", false},
    {"A", "a", false},
};

static void answers_as_the_peer(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct glob_case *c = &cases[i];
        bool got = glob_match(slice_str(c->pattern), slice_str(c->text), false);
        if (got != c->want)
            printf("'%s' on '%s'\n", c->pattern, c->text);
        CHECK(got == c->want);
    }
}

static void folds_case(void)
{
    CHECK(glob_match(SLICE_LIT("[b]"), SLICE_LIT("B"), true));
    CHECK(glob_match(SLICE_LIT("[B]"), SLICE_LIT("b"), true));
    CHECK(glob_match(SLICE_LIT("MaX*[B-D]\\E"), SLICE_LIT("maxmemoryce"), true));
    CHECK(glob_match(SLICE_LIT("[b-d]"), SLICE_LIT("C"), true));
    CHECK(!glob_match(SLICE_LIT("[b-d]"), SLICE_LIT("C"), false));
    CHECK(glob_match(slice("a\0*", 3), slice("a\0b", 3), false));
}

/* Recursion over what a star may take: right, and exponential. */
static bool naive(struct slice p, struct slice t)
{
    if (p.len == 0)
        return t.len == 0;
    if (p.data[0] == '*')
        return naive(slice_from(p, 1), t) || (t.len && naive(p, slice_from(t, 1)));
    return t.len && (p.data[0] == '?' || p.data[0] == t.data[0]) &&
           naive(slice_from(p, 1), slice_from(t, 1));
}

static void agrees_with_recursion(void)
{
    rand_seed(unit_seed());
    int matched = 0;
    for (int i = 0; i < 50000; i++) {
        char p[8], t[10];
        struct slice pattern = slice(p, rand_below(sizeof p));
        struct slice text = slice(t, rand_below(sizeof t));
        for (size_t k = 0; k < pattern.len; k++)
            p[k] = "ab?**"[rand_below(5)];
        for (size_t k = 0; k < text.len; k++)
            t[k] = "ab"[rand_below(2)];
        bool want = text.len ? naive(pattern, text) : pattern.len == 0;
        matched += want;
        CHECK(glob_match(pattern, text, false) == want);
    }
    CHECK(matched > 1000);
}

static void many_classes(void)
{
    struct glob g;
    char pattern[401], text[100];
    for (int i = 0; i < 100; i++) {
        snprintf(pattern + 4 * i, 5, "[%c%c]", 'a' + i % 20, 'b' + i % 20);
        text[i] = (char)('a' + i % 20 + i % 2);
    }
    for (size_t n = 0; n <= 100; n++) {
        glob_init(&g, slice(pattern, 4 * n), false);
        CHECK(glob_matches(&g, slice(text, n)));
        if (n) {
            text[n - 1] ^= 64;
            CHECK(!glob_matches(&g, slice(text, n)));
            text[n - 1] ^= 64;
        }
        glob_free(&g);
    }
}

static void memory_of_a_long_pattern(void)
{
    enum { LEN = 120000 };
    static const char *const units[] = {"[]", "[^]", "[a]", "[ab]", "[^a]", "a", "?", "[a-z]"};
    char *pattern = mem_alloc(LEN);
    for (size_t u = 0; u < sizeof units / sizeof *units; u++) {
        size_t n = strlen(units[u]), len = LEN / n * n;
        struct glob g;
        for (size_t i = 0; i < len; i += n)
            memcpy(pattern + i, units[u], n);
        size_t before = mem_used();
        glob_init(&g, slice(pattern, len), false);
        CHECK(mem_used() - before <= 24 * len + 4096);
        glob_free(&g);
        CHECK(mem_used() == before);
    }
    mem_free(pattern);
}

static void stays_fast(void)
{
    enum { LEN = 20000 };
    char *text = mem_alloc(LEN), pattern[301];
    memset(text, 'a', LEN);
    for (int i = 0; i < 150; i++)
        memcpy(pattern + 2 * i, "a*", 2);
    pattern[300] = 'b';
    clock_t start = clock();
    CHECK(!glob_match(slice(pattern, 301), slice(text, LEN), false));
    struct slice classes = SLICE_LIT("*[a-a][a-a][a-a][a-a][a-a]*aaaaaaaaaaab*");
    CHECK(!glob_match(classes, slice(text, LEN), true));
    /* A class is as cheap as a byte, however long. */
    char *wide = mem_alloc(LEN);
    memset(wide, 'b', LEN);
    memcpy(wide, "*[", 2);
    memcpy(wide + LEN - 2, "]c", 2);
    CHECK(!glob_match(slice(wide, LEN), slice(text, LEN), false));
    struct glob g;
    glob_init(&g, slice(wide, LEN), false);
    for (int i = 0; i < 1000; i++)
        CHECK(!glob_matches(&g, slice(text, LEN)));
    glob_free(&g);
    mem_free(wide);
    CHECK((double)(clock() - start) / CLOCKS_PER_SEC < 20); /* one that backtracks takes years */
    mem_free(text);
}

int main(void)
{
    return UNIT_RUN(UNIT(answers_as_the_peer), UNIT(folds_case), UNIT(agrees_with_recursion),
                    UNIT(many_classes), UNIT(memory_of_a_long_pattern), UNIT(stays_fast));
}
