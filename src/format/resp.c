/* SPDX-License-Identifier: BSD-3-Clause */
/* Two forms. The multibulk form, each line ended by CR and one more byte:
 *
 *   *<count>\r\n  then count times  $<length>\r\n<length bytes>\r\n
 *
 * and the inline form, a line ended by LF. The first byte of a command decides. As clients have
 * come to rely on, the byte behind CR and the two behind a bulk are skipped unseen, and a count <=
 * 0 is a command that is not there.
 *
 * Where the state is kept between calls: missing > 0 says that a count has been read; bulk >= 0
 * that a length has been read. args[first..used) are whole arguments. Lines are short, so a half
 * line is simply read again, but for how far it was searched (seen), lest a byte at a time be
 * quadratic.
 *
 * As elsewhere, a line is too long when more than RESP_LINE_MAX bytes of it have come without its
 * end; where it came with its end in one read, it is taken up to RESP_LINE_WHOLE_MAX. */
#include "format/resp.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "base/num.h"
#include "base/quote.h"

enum { ARGS_FIRST = 16, ARGS_KEPT_MAX = 1024 };

/* Between calls; see above. */
static void resp_must_hold(const struct resp *r)
{
    must(r->first <= r->used && r->used <= r->cap);
    must(r->start <= r->at);
    must(r->missing >= 0);
    must(r->bulk == -1 || (r->bulk >= 0 && r->missing > 0));
}

void resp_init(struct resp *r, int64_t bulk_max)
{
    memset(r, 0, sizeof *r);
    r->bulk = -1;
    r->bulk_max = bulk_max;
    resp_must_hold(r);
}

void resp_free(struct resp *r)
{
    mem_free(r->args);
    r->args = NULL;
    r->used = r->cap = 0;
}

size_t resp_memory(const struct resp *r)
{
    return r->cap * sizeof *r->args;
}

static enum resp_got bad(struct resp *r, const char *text)
{
    snprintf(r->error, sizeof r->error, "Protocol error: %s", text);
    return RESP_BAD;
}

/* Grows with the arguments that have really come, never by a count that was only claimed. */
static void __attribute__((noinline)) grow(struct resp *r, size_t more)
{
    size_t cap = r->cap ? r->cap * 2 : ARGS_FIRST;
    while (cap < r->used + more)
        cap *= 2;
    r->args = mem_realloc(r->args, cap * sizeof *r->args);
    r->cap = cap;
    must(r->cap - r->used >= more);
}

static inline void add(struct resp *r, const char *data, size_t len)
{
    if (__builtin_expect(r->used == r->cap, 0))
        grow(r, 1);
    r->args[r->used++] = slice(data, len);
}

enum line { LINE_WHOLE, LINE_PART, LINE_TOO_LONG };

/* Looks for the end of the line at r->at; *length is that of the line without it. */
static enum line find_end(struct resp *r, const char *data, size_t len, char end, size_t *length)
{
    size_t left = len - r->at;
    size_t window = left < RESP_LINE_WHOLE_MAX ? left : RESP_LINE_WHOLE_MAX;
    const char *from = data + r->at;
    const char *found =
        r->seen < window ? memchr(from + r->seen, end, window - r->seen) : NULL;
    if (found) {
        *length = (size_t)(found - from);
        r->seen = 0;
        return LINE_WHOLE;
    }
    r->seen = window;
    return window <= RESP_LINE_MAX ? LINE_PART : LINE_TOO_LONG;
}

enum number { NUMBER_OK, NUMBER_PART, NUMBER_TOO_LONG, NUMBER_BAD };

/* The number between the mark at r->at and CR; on success r->at is behind the line's end. Almost
 * every number is a few digits that are all there: that is tried first. */
static inline enum number take_number(struct resp *r, const char *data, size_t len, int64_t *out)
{
    const char *p = data + r->at + 1, *limit = data + len;
    if (limit - p >= 12 && *p >= '1' && *p <= '9') {
        int64_t n = *p++ - '0';
        for (const char *stop = p + 8; p < stop && *p >= '0' && *p <= '9'; p++)
            n = n * 10 + (*p - '0');
        if (*p == '\r') {
            *out = n;
            r->at = (size_t)(p - data) + 2;
            r->seen = 0;
            return NUMBER_OK;
        }
    }
    size_t length;
    enum line line = find_end(r, data, len, '\r', &length);
    if (line != LINE_WHOLE)
        return line == LINE_PART ? NUMBER_PART : NUMBER_TOO_LONG;
    if (r->at + length + 2 > len) { /* the byte behind CR has not come */
        r->seen = length;
        return NUMBER_PART;
    }
    if (!num_parse_i64(slice(data + r->at + 1, length - 1), out))
        return NUMBER_BAD;
    r->at += length + 2;
    return NUMBER_OK;
}

/* ---- multibulk ---- */
static enum resp_got begin_multibulk(struct resp *r, const char *data, size_t len)
{
    int64_t count;
    switch (take_number(r, data, len, &count)) {
    case NUMBER_PART:
        return RESP_MORE;
    case NUMBER_TOO_LONG:
        return bad(r, "too big mbulk count string");
    case NUMBER_BAD:
        return bad(r, "invalid multibulk length");
    case NUMBER_OK:
        break;
    }
    if (count > INT_MAX)
        return bad(r, "invalid multibulk length");
    if (r->unauthenticated && count > RESP_UNAUTH_ARGS_MAX)
        return bad(r, "unauthenticated multibulk length");
    r->missing = count > 0 ? count : 0;
    return RESP_COMMAND;
}

static enum resp_got begin_bulk(struct resp *r, const char *data, size_t len)
{
    int64_t length;
    enum number got = take_number(r, data, len, &length);
    if (got == NUMBER_PART)
        return RESP_MORE;
    if (got == NUMBER_TOO_LONG)
        return bad(r, "too big bulk count string");
    /* The mark is looked at only when the line is whole: that is when others tell. */
    if (got == NUMBER_BAD || length < 0 || length > r->bulk_max)
        return bad(r, "invalid bulk length");
    if (r->unauthenticated && length > RESP_UNAUTH_BULK_MAX)
        return bad(r, "unauthenticated bulk length");
    r->bulk = length;
    return RESP_COMMAND;
}

/* RESP_MORE while the line is not whole, as for a right one. */
static enum resp_got wrong_mark(struct resp *r, const char *data, size_t len)
{
    char text[32];
    size_t length;
    enum line line = find_end(r, data, len, '\r', &length);
    if (line == LINE_TOO_LONG)
        return bad(r, "too big bulk count string");
    if (line == LINE_PART || r->at + length + 2 > len) {
        r->seen = 0;
        return RESP_MORE;
    }
    char got = data[r->at];
    snprintf(text, sizeof text, "expected '$', got '%c'", got && got != '\r' ? got : ' ');
    return bad(r, text);
}

static enum resp_got cut_bulks(struct resp *r, const char *data, size_t len)
{
    while (r->missing > 0) {
        if (r->bulk < 0) {
            if (r->at >= len)
                return RESP_MORE;
            enum resp_got got = data[r->at] == '$' ? begin_bulk(r, data, len)
                                                   : wrong_mark(r, data, len);
            if (__builtin_expect(got != RESP_COMMAND, 0))
                return got;
        }
        if (len - r->at >= (size_t)r->bulk + 2) {
            add(r, data + r->at, (size_t)r->bulk);
            r->at += (size_t)r->bulk + 2;
        } else if (r->outside.data) {
            must(r->at == len && (size_t)r->bulk == r->outside.len);
            add(r, r->outside.data, r->outside.len);
            r->outside = (struct slice){0};
        } else {
            return RESP_MORE;
        }
        r->bulk = -1;
        r->missing--;
    }
    return RESP_COMMAND;
}

/* ---- inline ---- */
static enum resp_got cut_line(struct resp *r, char *data, size_t len)
{
    size_t length;
    enum line found = find_end(r, data, len, '\n', &length);
    if (found != LINE_WHOLE)
        return found == LINE_PART ? RESP_MORE : bad(r, "too big inline request");
    char *line = data + r->at;
    r->at += length + 1;
    if (length && line[length - 1] == '\r')
        length--;
    int room = (int)(length / 2 + 1); /* a word and a blank each */
    if (r->cap - r->used < (size_t)room)
        grow(r, (size_t)room);
    int count = quote_split(line, length, r->args + r->used, room);
    if (count < 0)
        return bad(r, "unbalanced quotes in request");
    must(count <= room);
    r->used += (size_t)count;
    return RESP_COMMAND;
}

enum resp_got resp_next(struct resp *r, char *data, size_t len, struct resp_command *out)
{
    do { /* lines without words and counts of nothing are passed over */
        enum resp_got got;
        if (r->missing == 0) {
            r->start = r->at;
            if (r->at >= len)
                return RESP_MORE;
            r->first = r->used;
            got = data[r->at] == '*' ? begin_multibulk(r, data, len) : cut_line(r, data, len);
            if (__builtin_expect(got != RESP_COMMAND, 0))
                return got;
        }
        got = cut_bulks(r, data, len);
        if (got != RESP_COMMAND)
            return got;
    } while (r->used == r->first);
    out->first = r->first;
    out->argc = (int)(r->used - r->first);
    r->first = r->used;
    r->start = r->at;
    return RESP_COMMAND;
}

void resp_batch_done(struct resp *r)
{
    size_t kept = r->missing > 0 ? r->used - r->first : 0;
    must(r->first <= r->used);
    if (kept && r->first)
        memmove(r->args, r->args + r->first, kept * sizeof *r->args);
    r->used = kept;
    r->first = 0;
    if (!kept && r->cap > ARGS_KEPT_MAX)
        resp_free(r); /* one huge command must not cost memory for ever */
}

void resp_moved(struct resp *r, const char *from, const char *to, size_t dropped)
{
    resp_must_hold(r);
    must(dropped <= r->start && (dropped == 0 || r->first == 0));
    r->at -= dropped;
    r->start -= dropped;
    if (from == to)
        return;
    for (size_t i = 0; i < r->used; i++) { /* but for those that never lay in the buffer */
        uintptr_t offset = (uintptr_t)r->args[i].data - (uintptr_t)from;
        if (offset < r->at)
            r->args[i].data = to + offset;
    }
}

size_t resp_wanted(const struct resp *r, size_t len)
{
    if (r->missing == 0 || r->bulk < 0)
        return 0;
    must(r->at <= len);
    size_t whole = r->at + (size_t)r->bulk + 2;
    return whole > len ? whole - len : 0;
}
