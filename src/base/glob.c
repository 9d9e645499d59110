/* SPDX-License-Identifier: BSD-3-Clause */
/* A pattern is a row of tokens: a star, or something that takes exactly one byte (a byte, an
 * escaped byte, '?', a class). Only the last star met needs to be remembered: whatever an earlier
 * one could do by taking more, the later one can do too. So the match goes back at most once for
 * each byte of the text, each time over at most the tokens, without recursion.
 *
 * Classes: "^" first negates; "\x" is x; "a-z" is a range, in either order; one that is not closed
 * runs to the pattern's end; "[]" matches nothing. A backslash at the very end is itself. */
#include "base/glob.h"

#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"

enum kind { STAR, ANY, BYTE, CLASS, NONE };

static unsigned char fold_case(char c, bool nocase)
{
    unsigned char u = (unsigned char)c;
    return nocase && u >= 'A' && u <= 'Z' ? (unsigned char)(u + 32) : u;
}

/* ---- reading the pattern ---- */
static void take(struct glob_class *cl, unsigned low, unsigned high)
{
    for (unsigned c = low; c <= high; c++)
        cl->takes[c / 64] |= (uint64_t)1 << c % 64;
}

/* The next range of the class that at is inside of; at moves behind it. False: it moved behind the
 * class. */
static bool next_range(struct slice p, size_t *at, bool nocase, unsigned *low, unsigned *high)
{
    if (*at == p.len)
        return false;
    const char *here = p.data + *at;
    size_t left = p.len - *at;
    *low = *high = fold_case(here[0], nocase);
    if (here[0] == '\\' && left >= 2) {
        *low = *high = fold_case(here[1], nocase);
        *at += 2;
    } else if (here[0] == ']') {
        *at += 1;
        return false;
    } else if (left >= 3 && here[1] == '-') {
        unsigned other = fold_case(here[2], nocase);
        *low = *low < other ? *low : other;
        *high = *high > other ? *high : other;
        *at += 3;
    } else {
        *at += 1;
    }
    must(*at <= p.len && *low <= *high);
    return true;
}

/* The class behind the '[' at p[at - 1]; returns the place behind it. */
static size_t read_class(struct slice p, size_t at, bool nocase, struct glob_class *cl)
{
    bool negated = at < p.len && p.data[at] == '^';
    unsigned low, high;
    memset(cl, 0, sizeof *cl);
    at += negated;
    while (next_range(p, &at, nocase, &low, &high))
        take(cl, low, high);
    for (int i = 0; i < 4 && negated; i++)
        cl->takes[i] = ~cl->takes[i];
    return at;
}

static struct glob_class *new_class(struct glob *g)
{
    if (g->class_count == g->class_cap) {
        bool few = g->classes == g->few_classes;
        g->class_cap *= 2;
        g->classes = mem_realloc(few ? NULL : g->classes, g->class_cap * sizeof *g->classes);
        if (few)
            memcpy(g->classes, g->few_classes, sizeof g->few_classes);
    }
    must(g->class_count < g->class_cap);
    return &g->classes[g->class_count++];
}

/* What the class just read takes; those that need no table give theirs back. */
static struct glob_token class_token(struct glob *g)
{
    must(g->class_count > 0);
    const struct glob_class *cl = &g->classes[g->class_count - 1];
    int count = 0, last = 0;
    for (int i = 0; i < 4; i++) {
        count += __builtin_popcountll(cl->takes[i]);
        if (cl->takes[i])
            last = 64 * i + __builtin_ctzll(cl->takes[i]);
    }
    if (count > 1 && count < 256)
        return (struct glob_token){.kind = CLASS, .class_index = (uint32_t)g->class_count - 1};
    g->class_count--;
    return (struct glob_token){.kind = count == 0 ? NONE : count == 1 ? BYTE : ANY,
                               .byte = (uint8_t)last};
}

void glob_init(struct glob *g, struct slice pattern, bool nocase)
{
    g->nocase = nocase;
    g->count = g->class_count = 0;
    g->classes = g->few_classes;
    g->class_cap = GLOB_INLINE_CLASSES;
    g->tokens = pattern.len <= GLOB_INLINE_TOKENS ? g->few_tokens
                                                  : mem_alloc(pattern.len * sizeof *g->tokens);
    for (size_t i = 0; i < pattern.len;) {
        struct glob_token *t = &g->tokens[g->count++];
        char c = pattern.data[i++];
        if (c == '[') {
            i = read_class(pattern, i, nocase, new_class(g));
            *t = class_token(g);
            continue;
        }
        *t = (struct glob_token){.kind = c == '*' ? STAR : c == '?' ? ANY : BYTE};
        if (c == '\\' && i < pattern.len)
            c = pattern.data[i++];
        else if (c == '*' && g->count > 1 && t[-1].kind == STAR)
            g->count--; /* two in a row are one */
        t->byte = fold_case(c, nocase);
    }
    must(g->count <= pattern.len && g->class_count <= g->count);
}

void glob_free(struct glob *g)
{
    if (g->tokens != g->few_tokens)
        mem_free(g->tokens);
    if (g->classes != g->few_classes)
        mem_free(g->classes);
}

/* ---- matching ---- */
static bool takes(const struct glob *g, const struct glob_token *t, unsigned char c)
{
    if (t->kind == BYTE)
        return t->byte == c;
    if (t->kind == CLASS)
        return g->classes[t->class_index].takes[c / 64] >> c % 64 & 1;
    return t->kind == ANY;
}

bool glob_matches(const struct glob *g, struct slice text)
{
    size_t p = 0, t = 0;
    size_t star = SIZE_MAX, star_text = 0; /* token behind the last star, text it ends at */
    if (text.len == 0)
        return g->count == 0;
    while (t < text.len) {
        if (p < g->count && g->tokens[p].kind == STAR) {
            star = ++p;
            star_text = t;
            if (p == g->count)
                return true;
            continue;
        }
        if (p < g->count && takes(g, &g->tokens[p], fold_case(text.data[t], g->nocase))) {
            p++;
            t++;
            continue;
        }
        if (star == SIZE_MAX)
            return false;
        p = star;
        t = ++star_text;
    }
    while (p < g->count && g->tokens[p].kind == STAR)
        p++;
    return p == g->count;
}

/* ---- one match ---- */
static bool is_special(char c)
{
    return c == '*' || c == '?' || c == '[' || c == '\\';
}

/* Whether what stands at p[*at], which is no star, takes the byte; *at moves behind it. */
static bool takes_at(struct slice p, size_t *at, char byte)
{
    unsigned c = (unsigned char)byte, low, high;
    must(*at < p.len && p.data[*at] != '*');
    char first = p.data[(*at)++];
    if (first == '?')
        return true;
    if (first == '\\' && *at < p.len)
        return p.data[(*at)++] == byte;
    if (first != '[')
        return first == byte;
    bool negated = *at < p.len && p.data[*at] == '^', in = false;
    *at += negated;
    while (next_range(p, at, false, &low, &high))
        in = in || (c >= low && c <= high);
    return in != negated;
}

/* As glob_matches, from the pattern itself: its classes are read again each time. */
static bool fits_directly(struct slice pattern, struct slice text)
{
    size_t p = 0, t = 0, star = SIZE_MAX, star_text = 0;
    while (t < text.len) {
        if (p < pattern.len && pattern.data[p] == '*') {
            star = ++p;
            star_text = t;
            if (p == pattern.len)
                return true;
            continue;
        }
        if (p < pattern.len && takes_at(pattern, &p, text.data[t])) {
            t++;
            continue;
        }
        if (star == SIZE_MAX)
            return false;
        p = star;
        t = ++star_text;
    }
    while (p < pattern.len && pattern.data[p] == '*')
        p++;
    must(p <= pattern.len && t == text.len);
    return p == pattern.len;
}

bool glob_fits(struct slice pattern, struct slice text)
{
    enum { SHORT = 64 }; /* a class is read in no time */
    struct glob g;
    size_t plain = 0;
    if (text.len == 0)
        return pattern.len == 0;
    for (; plain < pattern.len && !is_special(pattern.data[plain]); plain++)
        if (plain == text.len || text.data[plain] != pattern.data[plain])
            return false;
    pattern = slice_from(pattern, plain);
    text = slice_from(text, plain);
    if (pattern.len <= SHORT || text.len == 0)
        return fits_directly(pattern, text);
    glob_init(&g, pattern, false);
    bool fits = glob_matches(&g, text);
    glob_free(&g);
    return fits;
}

bool glob_is_plain(struct slice pattern)
{
    for (size_t i = 0; i < pattern.len; i++)
        if (is_special(pattern.data[i]))
            return false;
    return true;
}
