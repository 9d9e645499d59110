/* SPDX-License-Identifier: BSD-3-Clause */
/* A match is a walk through pattern and subject with a stack of choices: each item that may match
 * in more than one way leaves there how to go on if the rest fails, and each capture how to undo it.
 * An item is passed once on the way to the end of the pattern, so the stack is never deeper than
 * the pattern has quantifiers and parentheses. */
#include "scripting/lua_pattern.h"

#include <ctype.h>
#include <string.h>

#include "base/must.h"
#include "scripting/guard.h"

enum { PAY_AT = 500, LEADING_MAX = 4 };

static void settle(struct lua_pattern *m)
{
    size_t work = m->work;
    m->work = 0;
    guard_spend(m->L, work);
}

static inline void pay(struct lua_pattern *m, size_t units)
{
    m->work += units;
    if (m->work >= PAY_AT)
        settle(m);
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

static inline bool class_has(unsigned char name, unsigned char c)
{
    bool is;
    switch (name | 0x20) {
    case 'a':
        is = isalpha(c);
        break;
    case 'c':
        is = iscntrl(c);
        break;
    case 'd':
        is = isdigit(c);
        break;
    case 'l':
        is = islower(c);
        break;
    case 'p':
        is = ispunct(c);
        break;
    case 's':
        is = isspace(c);
        break;
    case 'u':
        is = isupper(c);
        break;
    case 'w':
        is = isalnum(c);
        break;
    case 'x':
        is = isxdigit(c);
        break;
    case 'z':
        is = c == 0;
        break;
    default:
        return name == c;
    }
    return name & 0x20 ? is : !is;
}

/* The set from its bracket to the one that closes it, which is last. */
static bool set_has(const char *set, const char *last, unsigned char c)
{
    const unsigned char *p = (const unsigned char *)set + 1, *end = (const unsigned char *)last;
    bool wanted = *p != '^';
    p += !wanted;
    while (p < end) {
        bool is_range = *p != '%' && p[1] == '-' && p + 2 < end;
        if (*p == '%' ? class_has(p[1], c) : is_range ? *p <= c && c <= p[2] : *p == c)
            return wanted;
        p += *p == '%' ? 2 : is_range ? 3 : 1;
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
        pay(m, (size_t)(end - p) / 4);
        return set_has(p, end - 1, c);
    default:
        return (unsigned char)*p == c;
    }
}

/* Behind the longest run of the item from s on. */
static const char *run_end(struct lua_pattern *m, const char *p, const char *end, const char *s)
{
    const char *start = s;
    if (*p == '.')
        s = m->end;
    else
        while (s < m->end && item_has(m, p, end, (unsigned char)*s))
            s++;
    pay(m, (size_t)(s - start) / (*p == '.' ? 64 : 4));
    return s;
}

/* ---- the rest of what may stand in a pattern: each gives where the subject goes on, or NULL ---- */

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
    pay(m, (size_t)(end - set) / 2);
    return !set_has(set, end - 1, before) && set_has(set, end - 1, (unsigned char)*s);
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

static inline void choose(struct lua_pattern *m, struct walk *w, struct pattern_choice choice)
{
    must(w->depth < m->choices_max);
    m->choices[w->depth++] = choice;
}

/* Goes on where the latest choice says; false: there is none left. */
static bool turn_back(struct lua_pattern *m, struct walk *w)
{
    for (; w->depth > 0; w->depth--) {
        struct pattern_choice *c = &m->choices[w->depth - 1];
        pay(m, 1);
        switch (c->kind) {
        case CHOICE_UNOPEN:
            m->level--;
            continue;
        case CHOICE_UNCLOSE:
            m->captures[c->capture].len = CAPTURE_OPEN;
            continue;
        case CHOICE_WITHOUT:
            break;
        case CHOICE_SHORTER:
            if (--c->s > c->bound) {
                *w = (struct walk){c->p, c->s, w->depth};
                return true;
            }
            break;
        case CHOICE_LONGER:
            if (c->s == m->end || !item_has(m, c->p, c->bound, (unsigned char)*c->s))
                continue;
            *w = (struct walk){c->bound + 1, ++c->s, w->depth};
            return true;
        }
        *w = (struct walk){c->p, c->s, w->depth - 1};
        return true;
    }
    return false;
}

static inline void step_item(struct lua_pattern *m, struct walk *w)
{
    const char *p = w->p, *s = w->s, *end = item_end(m, p);
    switch (*end) {
    case '?':
        w->p = end + 1;
        if (s == m->end || !item_has(m, p, end, (unsigned char)*s))
            return;
        choose(m, w, (struct pattern_choice){CHOICE_WITHOUT, .p = end + 1, .s = s});
        w->s = s + 1;
        return;
    case '+':
    case '*': {
        const char *least = s + (*end == '+');
        w->p = end + 1;
        s = run_end(m, p, end, s);
        if (s > least)
            choose(m, w, (struct pattern_choice){CHOICE_SHORTER, .p = w->p, .s = s,
                                                 .bound = least});
        w->s = s < least ? NULL : s;
        return;
    }
    case '-':
        choose(m, w, (struct pattern_choice){CHOICE_LONGER, .p = p, .s = s, .bound = end});
        w->p = end + 1;
        return;
    default:
        w->p = end;
        w->s = s < m->end && item_has(m, p, end, (unsigned char)*s) ? s + 1 : NULL;
    }
}

/* What begins with a percent sign. */
static void step_escape(struct lua_pattern *m, struct walk *w)
{
    switch (w->p[1]) {
    case 'b':
        w->s = balanced(m, w->p + 2, w->s);
        w->p += 4;
        return;
    case 'f': {
        const char *set = w->p + 2;
        if (*set != '[')
            luaL_error(m->L, "missing '[' after '%%f' in pattern");
        w->p = set_end(m, set);
        if (!at_frontier(m, set, w->p, w->s))
            w->s = NULL;
        return;
    }
    default:
        if (!isdigit((unsigned char)w->p[1])) {
            step_item(m, w);
            return;
        }
        w->s = repeated(m, (unsigned char)w->p[1], w->s);
        w->p += 2;
    }
}

static inline void step(struct lua_pattern *m, struct walk *w)
{
    switch (*w->p) {
    case '(': {
        bool position = w->p[1] == ')';
        open_capture(m, w->s, position ? CAPTURE_POSITION : CAPTURE_OPEN);
        choose(m, w, (struct pattern_choice){CHOICE_UNOPEN, .p = NULL});
        w->p += position ? 2 : 1;
        return;
    }
    case ')': {
        int closed = close_capture(m, w->s);
        choose(m, w, (struct pattern_choice){CHOICE_UNCLOSE, .capture = closed});
        w->p++;
        return;
    }
    case '$':
        if (w->p[1])
            break;
        if (w->s != m->end)
            w->s = NULL;
        w->p++;
        return;
    case '%':
        step_escape(m, w);
        return;
    }
    step_item(m, w);
}

static const char *walk_from(struct lua_pattern *m, const char *s)
{
    struct walk w = {m->text, s, 0};
    m->level = 0;
    for (;;) {
        if (!w.s && !turn_back(m, &w))
            return NULL;
        if (!*w.p)
            return w.s;
        pay(m, 1);
        step(m, &w);
    }
}

/* The item that each match begins with, so that where it is not need not be tried; NULL when it
 * cannot be told. *end: behind it. */
static const char *first_item(struct lua_pattern *m, const char **end)
{
    const char *p = m->text;
    for (int i = 0; *p == '(' && p[1] != ')' && i < LEADING_MAX; i++)
        p++;
    if (!*p || *p == '.' || *p == '(' || *p == ')' || *p == '$')
        return NULL;
    if (*p == '%' && (p[1] == 'b' || p[1] == 'f' || isdigit((unsigned char)p[1])))
        return NULL;
    *end = item_end(m, p);
    return **end && strchr("*?-", **end) ? NULL : p;
}

/* From s on, where the item is; NULL: nowhere. */
static const char *skip_to(struct lua_pattern *m, const char *p, const char *end, const char *s)
{
    const char *start = s;
    if (end - p == 1 && *p != '.') {
        s = memchr(s, *p, (size_t)(m->end - s));
        pay(m, (size_t)((s ? s : m->end) - start) / 64);
        return s;
    }
    while (s < m->end && !item_has(m, p, end, (unsigned char)*s))
        s++;
    pay(m, (size_t)(s - start) / 4);
    return s < m->end ? s : NULL;
}

const char *lua_pattern_search(struct lua_pattern *m, const char **s, bool anchored)
{
    const char *at = *s, *found = NULL, *end = NULL;
    must(at >= m->subject && at <= m->end);
    if (anchored) {
        found = walk_from(m, at);
    } else {
        const char *first = first_item(m, &end);
        for (; !found; at++) {
            if (first && !(at = skip_to(m, first, end, at)))
                break;
            found = walk_from(m, at);
            if (found || at == m->end)
                break;
        }
    }
    *s = at;
    settle(m);
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
    luaL_checkstack(m->L, n, "too many captures");
    for (int i = 0; i < n; i++)
        lua_pattern_push(m, i, s, e);
    return n;
}
