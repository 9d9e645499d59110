/* SPDX-License-Identifier: BSD-3-Clause */
/* A match is a walk through pattern and subject with a stack of choices: each item that may match
 * in more than one way leaves there how to go on if the rest fails, and each capture how to undo
 * it. An item is passed once on the way to the end of the pattern, so the stack is never deeper
 * than the pattern has quantifiers and parentheses. */
#include "scripting/lua_pattern.h"

#include <stdint.h>
#include <string.h>

#include "base/must.h"
#include "scripting/guard.h"

enum { PAY_AT = 500, LEADING_MAX = 4, SET_SHORT = 16 };

/* In larger sums; what is left at the end of a search, less than that, is not paid. */
static inline void pay(struct lua_pattern *m, size_t units)
{
    m->work += units;
    if (m->work >= PAY_AT) {
        units = m->work;
        m->work = 0;
        guard_spend(m->L, units);
    }
}

void lua_pattern_begin(struct lua_pattern *m, lua_State *L, struct slice subject,
                       struct slice text)
{
    m->L = L;
    m->subject = subject.data;
    m->end = subject.data + subject.len;
    m->text = text.data;
    m->work = 0;
    m->level = 0;
    m->first = NULL;
    m->first_known = false;
    m->choices = m->few;
    m->choices_max = PATTERN_CHOICES;
    if (text.len <= PATTERN_CHOICES)
        return;
    size_t most = 0;
    for (size_t i = 0; i < text.len; i++)
        most += text.data[i] && strchr("*+-?()", text.data[i]);
    if (most > PATTERN_CHOICES) {
        luaL_checkstack(L, 1, "too many captures");
        m->choices = lua_newuserdata(L, most * sizeof *m->choices);
        m->choices_max = most;
    }
    pay(m, text.len / 4);
}

/* ---- items: what matches one byte ---- */

enum { UPPER = 1, LOWER = 2, DIGIT = 4, HEX = 8, SPACE = 16, PUNCT = 32, CONTROL = 64, ZERO = 128 };

static const uint8_t kinds[256] = {
    [0] = CONTROL | ZERO,       [1 ... 8] = CONTROL,         [9 ... 13] = CONTROL | SPACE,
    [14 ... 31] = CONTROL,      [' '] = SPACE,               ['!' ... '/'] = PUNCT,
    ['0' ... '9'] = DIGIT | HEX, [':' ... '@'] = PUNCT,      ['A' ... 'F'] = UPPER | HEX,
    ['G' ... 'Z'] = UPPER,      ['[' ... '`'] = PUNCT,       ['a' ... 'f'] = LOWER | HEX,
    ['g' ... 'z'] = LOWER,      ['{' ... '~'] = PUNCT,       [127] = CONTROL,
};

/* By the letter of a class, in lower case: what is in it. */
static const uint8_t class_kinds[256] = {
    ['a'] = UPPER | LOWER, ['c'] = CONTROL, ['d'] = DIGIT, ['l'] = LOWER,
    ['p'] = PUNCT,         ['s'] = SPACE,   ['u'] = UPPER, ['w'] = UPPER | LOWER | DIGIT,
    ['x'] = HEX,           ['z'] = ZERO,
};
enum { LOWER_CASE = 0x20 };

/* Bytes of a pattern: what is not just itself, what behind an item lets it be missing, and what
 * behind a percent sign makes no item. */
enum { SPECIAL = 1, OPTIONAL = 2, ESCAPE = 4 };

static const uint8_t syntax[256] = {
    [0] = SPECIAL,   ['.'] = SPECIAL,  ['['] = SPECIAL,  ['('] = SPECIAL, [')'] = SPECIAL,
    ['%'] = SPECIAL, ['$'] = SPECIAL,  ['*'] = OPTIONAL, ['?'] = OPTIONAL, ['-'] = OPTIONAL,
    ['b'] = ESCAPE,  ['f'] = ESCAPE,   ['0' ... '9'] = ESCAPE,
};
static inline bool is(char c, uint8_t what)
{
    return syntax[(unsigned char)c] & what;
}

static inline bool class_has(unsigned char name, unsigned char c)
{
    uint8_t in = class_kinds[name | LOWER_CASE];
    return in ? !(kinds[c] & in) == !(name & LOWER_CASE) : name == c;
}

/* The set from its bracket to the one that closes it, which is last. */
static bool set_has(const char *set, const char *last, unsigned char c)
{
    const unsigned char *p = (const unsigned char *)set + 1, *end = (const unsigned char *)last;
    bool wanted = *p != '^';
    for (p += !wanted; p < end; p++) {
        if (*p == '%') {
            if (class_has(*++p, c))
                return wanted;
        } else if (p[1] == '-' && p + 2 < end) {
            if (*p <= c && c <= p[2])
                return wanted;
            p += 2;
        } else if (*p == c) {
            return wanted;
        }
    }
    return !wanted;
}

/* Behind the set that begins at p. Its first byte (behind ^) may be a closing bracket. */
static const char *set_end(struct lua_pattern *m, const char *p)
{
    const char *start = p++;
    p += *p == '^';
    do {
        if (!*p)
            luaL_error(m->L, "malformed pattern (missing ']')");
        p += *p == '%' && p[1] ? 2 : 1;
    } while (*p != ']');
    pay(m, (size_t)(p - start) / 4);
    return p + 1;
}

static inline const char *item_end(struct lua_pattern *m, const char *p)
{
    if (*p == '[')
        return set_end(m, p);
    if (*p != '%')
        return p + 1;
    if (!p[1])
        luaL_error(m->L, "malformed pattern (ends with '%%')");
    return p + 2;
}

static inline bool item_has(struct lua_pattern *m, const char *p, const char *end, unsigned char c)
{
    switch (*p) {
    case '.':
        return true;
    case '%':
        return class_has((unsigned char)p[1], c);
    case '[':
        if (end - p > SET_SHORT)
            pay(m, (size_t)(end - p) / 4);
        return set_has(p, end - 1, c);
    default:
        return (unsigned char)*p == c;
    }
}

/* From s on, the first byte that is the item, or that is not; the end if there is none. */
static inline const char *item_until(struct lua_pattern *m, const char *p, const char *end,
                                     const char *s, bool wanted)
{
    const char *start = s;
    uint8_t in = *p == '%' ? class_kinds[(unsigned char)p[1] | LOWER_CASE] : 0;
    if (*p == '.') {
        pay(m, (size_t)(m->end - s) / 64);
        return wanted ? s : m->end;
    }
    if (in) {
        bool out = wanted == !(p[1] & LOWER_CASE);
        while (s < m->end && !(kinds[(unsigned char)*s] & in) != out)
            s++;
    } else {
        while (s < m->end && item_has(m, p, end, (unsigned char)*s) != wanted)
            s++;
    }
    pay(m, (size_t)(s - start) / 4);
    return s;
}

/* ---- the rest of what may stand in a pattern ---- */

static const char *balanced(struct lua_pattern *m, const char *p, const char *s)
{
    if (!p[0] || !p[1])
        luaL_error(m->L, "unbalanced pattern");
    if (s == m->end || *s != p[0])
        return NULL;
    const char *start = s;
    for (size_t open = 1; ++s < m->end;) {
        if (*s == p[1]) {
            if (--open == 0)
                break;
        } else if (*s == p[0]) {
            open++;
        }
    }
    pay(m, (size_t)(s - start) / 4);
    return s < m->end ? s + 1 : NULL;
}

static bool at_frontier(struct lua_pattern *m, const char *set, const char *end, const char *s)
{
    unsigned char before = s == m->subject ? 0 : (unsigned char)s[-1];
    unsigned char behind = s == m->end ? 0 : (unsigned char)*s;
    pay(m, (size_t)(end - set) / 2);
    return !set_has(set, end - 1, before) && set_has(set, end - 1, behind);
}

static const char *repeated(struct lua_pattern *m, unsigned char digit, const char *s)
{
    int i = digit - '1';
    if (i < 0 || i >= m->level || m->captures[i].len == CAPTURE_OPEN)
        luaL_error(m->L, "invalid capture index");
    if (m->captures[i].len == CAPTURE_POSITION)
        return NULL;
    size_t len = (size_t)m->captures[i].len;
    pay(m, len / 16);
    bool same = (size_t)(m->end - s) >= len && memcmp(m->captures[i].at, s, len) == 0;
    return same ? s + len : NULL;
}

static void open_capture(struct lua_pattern *m, const char *s, ptrdiff_t len)
{
    if (m->level == PATTERN_CAPTURES)
        luaL_error(m->L, "too many captures");
    m->captures[m->level++] = (struct pattern_capture){s, len};
}

static int close_capture(struct lua_pattern *m, const char *s)
{
    int i = m->level - 1;
    while (i >= 0 && m->captures[i].len != CAPTURE_OPEN)
        i--;
    if (i < 0)
        luaL_error(m->L, "invalid pattern capture");
    m->captures[i].len = s - m->captures[i].at;
    return i;
}

/* ---- the walk ---- */

/* p: in the pattern, s: in the subject, NULL when this way has failed. */
struct walk {
    const char *p, *s;
    size_t depth;
};

static inline struct walk choose(struct lua_pattern *m, struct walk w, struct pattern_choice choice)
{
    must(w.depth < m->choices_max);
    m->choices[w.depth++] = choice;
    return w;
}

/* The byte that must come where the pattern goes on at p, past the ends of captures; -1: another
 * may, or it cannot be told. */
static int next_byte(const char *p)
{
    while (*p == ')')
        p++;
    if (*p == '%' && kinds[(unsigned char)p[1]] == PUNCT)
        p++;
    else if (is(*p, SPECIAL))
        return -1;
    return is(p[1], OPTIONAL) ? -1 : (unsigned char)*p;
}

/* Down to where the next byte is, or to the bound; false: it is not there either. */
static inline bool shorten(struct lua_pattern *m, struct pattern_choice *c)
{
    const char *s = c->s - 1, *bound = c->bound;
    int next = c->next;
    must(s >= bound);
    if (next >= 0)
        while (s > bound && (unsigned char)*s != next)
            s--;
    pay(m, (size_t)(c->s - s) / 4);
    c->s = s;
    return next < 0 || (unsigned char)*s == next;
}

/* One more of the item, and more until the next byte is there; false: no more. */
static inline bool lengthen(struct lua_pattern *m, struct pattern_choice *c)
{
    const char *s = c->s;
    bool more;
    do {
        more = s < m->end && item_has(m, c->p, c->bound, (unsigned char)*s);
        s += more;
    } while (more && c->next >= 0 && (unsigned char)*s != c->next);
    pay(m, (size_t)(s - c->s) / 4);
    c->s = s;
    return more;
}

/* Goes on where the latest choice says; s is NULL when there is none left. */
static inline struct walk turn_back(struct lua_pattern *m, struct walk w)
{
    for (; w.depth > 0; w.depth--) {
        struct pattern_choice *c = &m->choices[w.depth - 1];
        switch (c->kind) {
        case CHOICE_UNOPEN:
            m->level--;
            continue;
        case CHOICE_UNCLOSE:
            m->captures[c->capture].len = CAPTURE_OPEN;
            continue;
        case CHOICE_WITHOUT:
            return (struct walk){c->p, c->s, w.depth - 1};
        case CHOICE_SHORTER:
            if (!shorten(m, c))
                continue; /* it is at its bound */
            return (struct walk){c->p, c->s, w.depth - (c->s == c->bound)};
        case CHOICE_LONGER:
            if (!lengthen(m, c))
                continue;
            return (struct walk){c->bound + 1, c->s, w.depth};
        }
    }
    w.s = NULL;
    return w;
}

static inline struct walk step_item(struct lua_pattern *m, struct walk w)
{
    const char *p = w.p, *s = w.s, *end = p == m->first ? m->first_end : item_end(m, p);
    bool has = s < m->end && (*end == '*' || *end == '-' ||
                             item_has(m, p, end, (unsigned char)*s));
    switch (*end) {
    case '?':
        w.p = end + 1;
        if (!has)
            return w;
        w.s = s + 1;
        return choose(m, w, (struct pattern_choice){CHOICE_WITHOUT, .p = w.p, .s = s});
    case '+':
    case '*':
        if (!has) {
            w.s = *end == '*' ? s : NULL;
            w.p = end + 1;
            return w;
        }
        w.p = end + 1;
        s += *end == '+';
        w.s = item_until(m, p, end, s, false);
        if (w.s == s)
            return w;
        return choose(m, w, (struct pattern_choice){CHOICE_SHORTER, .next = next_byte(w.p),
                                                    .p = w.p, .s = w.s, .bound = s});
    case '-':
        w.p = end + 1;
        return choose(m, w, (struct pattern_choice){CHOICE_LONGER, .next = next_byte(w.p),
                                                    .p = p, .s = s, .bound = end});
    default:
        w.p = end;
        w.s = has ? s + 1 : NULL;
        return w;
    }
}

/* What begins with a percent sign and is no item. */
static void step_escape(struct lua_pattern *m, const char **p, const char **s)
{
    const char *set = *p + 2;
    unsigned char c = (unsigned char)(*p)[1];
    if (c == 'b') {
        *s = balanced(m, *p + 2, *s);
        *p += 4;
    } else if (c == 'f') {
        if (*set != '[')
            luaL_error(m->L, "missing '[' after '%%f' in pattern");
        *p = set_end(m, set);
        if (!at_frontier(m, set, *p, *s))
            *s = NULL;
    } else {
        *s = repeated(m, c, *s);
        *p += 2;
    }
}

static inline struct walk step_capture(struct lua_pattern *m, struct walk w)
{
    if (*w.p == ')') {
        int closed = close_capture(m, w.s);
        w.p++;
        return choose(m, w, (struct pattern_choice){CHOICE_UNCLOSE, .capture = closed});
    }
    bool position = w.p[1] == ')';
    open_capture(m, w.s, position ? CAPTURE_POSITION : CAPTURE_OPEN);
    w.p += position ? 2 : 1;
    return choose(m, w, (struct pattern_choice){CHOICE_UNOPEN, .p = NULL});
}

static inline struct walk step(struct lua_pattern *m, struct walk w)
{
    switch (*w.p) {
    case '(':
    case ')':
        return step_capture(m, w);
    case '$':
        if (w.p[1])
            break;
        w.p++;
        w.s = w.s == m->end ? w.s : NULL;
        return w;
    case '%': {
        const char *p = w.p, *s = w.s;
        if (!is(p[1], ESCAPE))
            break;
        step_escape(m, &p, &s);
        return (struct walk){p, s, w.depth};
    }
    }
    return step_item(m, w);
}

static const char *walk_from(struct lua_pattern *m, const char *s)
{
    struct walk w = {m->text, s, 0};
    const char *from = w.p; /* where the way began that is gone now */
    m->level = 0;
    while (*w.p) {
        w = step(m, w);
        if (w.s)
            continue;
        pay(m, 1 + (size_t)(w.p - from) / 4);
        w = turn_back(m, w);
        if (!w.s)
            return NULL;
        from = w.p;
    }
    pay(m, 1 + (size_t)(w.p - from) / 4);
    return w.s;
}

/* ---- the search ---- */

/* Finds the item that each match begins with, so that where it is not need not be tried. */
static void find_first(struct lua_pattern *m)
{
    const char *p = m->text;
    m->first_known = true;
    for (int i = 0; *p == '(' && p[1] != ')' && i < LEADING_MAX; i++)
        p++;
    if (*p == '%' ? is(p[1], ESCAPE) : *p != '[' && is(*p, SPECIAL))
        return;
    m->first_end = item_end(m, p);
    if (!is(*m->first_end, OPTIONAL))
        m->first = p;
}

/* From s on, where a match may begin; NULL: nowhere. */
static inline const char *skip(struct lua_pattern *m, const char *s)
{
    const char *p = m->first, *start = s;
    if (!p)
        return s;
    if (s == m->end)
        return NULL;
    if (m->first_end - p == 1) {
        s = memchr(s, *p, (size_t)(m->end - s));
        pay(m, (size_t)((s ? s : m->end) - start) / 64);
        return s;
    }
    if (!item_has(m, p, m->first_end, (unsigned char)*s))
        s = item_until(m, p, m->first_end, s, true);
    return s < m->end ? s : NULL;
}

const char *lua_pattern_search(struct lua_pattern *m, const char **s, bool anchored)
{
    const char *at = *s, *found;
    must(at >= m->subject && at <= m->end);
    if (anchored) {
        found = walk_from(m, at);
    } else {
        if (!m->first_known)
            find_first(m);
        while ((found = at = skip(m, at)) && !(found = walk_from(m, at)) && at < m->end)
            at++;
    }
    *s = at;
    return found;
}

/* ---- captures ---- */

void lua_pattern_push(const struct lua_pattern *m, int i, const char *s, const char *e)
{
    must(i >= 0);
    if (i >= m->level) {
        if (i > 0)
            luaL_error(m->L, "invalid capture index");
        lua_pushlstring(m->L, s, (size_t)(e - s));
        return;
    }
    const struct pattern_capture *c = &m->captures[i];
    if (c->len == CAPTURE_OPEN)
        luaL_error(m->L, "unfinished capture");
    if (c->len == CAPTURE_POSITION)
        lua_pushinteger(m->L, c->at - m->subject + 1);
    else
        lua_pushlstring(m->L, c->at, (size_t)c->len);
}

int lua_pattern_push_all(const struct lua_pattern *m, const char *s, const char *e)
{
    int n = m->level == 0 && s ? 1 : m->level;
    if (n > 1)
        luaL_checkstack(m->L, n, "too many captures");
    for (int i = 0; i < n; i++)
        lua_pattern_push(m, i, s, e);
    return n;
}
