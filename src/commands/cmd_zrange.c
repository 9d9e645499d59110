/* SPDX-License-Identifier: BSD-3-Clause */
/* Every command that names members of a sorted set by a range: of ranks, scores or names.
 *
 * A range becomes ranks first (first, count from the low end); LIMIT cuts these; what is left is
 * then replied, kept in another key, counted or removed. */
#include "commands/cmd_zset.h"

#include <math.h>
#include <stdlib.h>

#include "base/must.h"
#include "commands/elements.h"
#include "commands/range.h"
#include "server/reply.h"

enum range_kind { BY_RANK, BY_SCORE, BY_LEX };

struct zrange {
    enum range_kind kind;
    bool reverse, with_scores;
    bool limited;
    int64_t offset, limit;       /* limit negative: all */
    int64_t start, stop;         /* BY_RANK, counted from the high end when reverse */
    struct zset_score_range score;
    struct zset_lex_range lex;
};

/* ---- reading the bounds ---- */

/* "(" in front leaves the bound itself out. What is no score may still be a bound, as strtod reads
 * it: blanks may lead, nothing is 0, too large is infinite, and a zero byte ends it. */
static bool parse_score_bound(struct slice text, double *score, bool *open)
{
    enum { LONGEST = 255 };
    char copy[LONGEST + 1], *end;
    *open = text.len && text.data[0] == '(';
    text = *open ? slice_from(text, 1) : text;
    const char *zero = text.len ? memchr(text.data, '\0', text.len) : NULL;
    text.len = zero ? (size_t)(zero - text.data) : text.len;
    if (num_parse_double(text, score))
        return true;
    if (text.len > LONGEST)
        return false;
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    *score = strtod(copy, &end);
    return end == copy + text.len && !isnan(*score);
}

/* "-", "+", "[name" or "(name". end: which of the two infinities it was. */
static bool parse_lex_bound(struct slice text, struct slice *name, bool *open, char *end)
{
    *end = 0;
    *open = false;
    *name = SLICE_LIT("");
    if (text.len == 0)
        return false;
    char mark = text.data[0];
    if ((mark == '-' || mark == '+') && (text.len == 1 || text.data[1] == '\0')) {
        *end = mark;
        return true;
    }
    *open = mark == '(';
    *name = slice_from(text, 1);
    return mark == '(' || mark == '[';
}

static bool parse_scores(struct ctx *c, int min, int max, struct zset_score_range *r)
{
    if (parse_score_bound(c->argv[min], &r->min, &r->min_open) &&
        parse_score_bound(c->argv[max], &r->max, &r->max_open))
        return true;
    reply_error(c, "ERR min or max is not a float");
    return false;
}

static bool parse_names(struct ctx *c, int min, int max, struct zset_lex_range *r)
{
    char low, high;
    if (!parse_lex_bound(c->argv[min], &r->min, &r->min_open, &low) ||
        !parse_lex_bound(c->argv[max], &r->max, &r->max_open, &high)) {
        reply_error(c, "ERR min or max not valid string range item");
        return false;
    }
    r->min_infinite = low == '-';
    r->max_infinite = high == '+';
    r->nothing = low == '+' || high == '-';
    return true;
}

/* The bounds at argument at; when going down the higher one stands first, but for ranks. */
static bool parse_bounds(struct ctx *c, int at, struct zrange *r)
{
    int min = r->reverse ? at + 1 : at, max = r->reverse ? at : at + 1;
    must(at + 1 < c->argc);
    if (r->kind == BY_SCORE)
        return parse_scores(c, min, max, &r->score);
    if (r->kind == BY_LEX)
        return parse_names(c, min, max, &r->lex);
    return ctx_arg_i64(c, at, &r->start) && ctx_arg_i64(c, at + 1, &r->stop);
}

/* ---- options ---- */

static bool options_fit(struct ctx *c, const struct zrange *r)
{
    if (r->limited && r->kind == BY_RANK) {
        reply_error(c, "ERR syntax error, LIMIT is only supported in combination with either "
                       "BYSCORE or BYLEX");
        return false;
    }
    if (r->with_scores && r->kind == BY_LEX) {
        reply_error(c, "ERR syntax error, WITHSCORES not supported in combination with BYLEX");
        return false;
    }
    return true;
}

/* Options from argument from on. any: the kind and direction are the caller's choice (ZRANGE);
 * store: no scores are replied. */
static bool parse_options(struct ctx *c, int from, bool any, bool store, struct zrange *r)
{
    bool kind_given = !any, direction_given = !any;
    r->limit = -1;
    for (int i = from; i < c->argc; i++) {
        if (!store && ctx_arg_is(c, i, "withscores")) {
            r->with_scores = true;
        } else if (ctx_arg_is(c, i, "limit") && i + 2 < c->argc) {
            if (!ctx_arg_i64(c, i + 1, &r->offset) || !ctx_arg_i64(c, i + 2, &r->limit))
                return false;
            r->limited = true;
            i += 2;
        } else if (!direction_given && ctx_arg_is(c, i, "rev")) {
            direction_given = r->reverse = true;
        } else if (!kind_given && ctx_arg_is(c, i, "byscore")) {
            kind_given = true;
            r->kind = BY_SCORE;
        } else if (!kind_given && ctx_arg_is(c, i, "bylex")) {
            kind_given = true;
            r->kind = BY_LEX;
        } else {
            reply_syntax(c);
            return false;
        }
    }
    /* LIMIT 0 -1 is none; for ranks, which may have none, so is -1 wherever it starts. */
    r->limited = r->limited && !(r->limit == -1 && (r->offset == 0 || r->kind == BY_RANK));
    r->offset = r->limited ? r->offset : 0;
    return options_fit(c, r);
}

/* ---- from range to ranks ---- */

static size_t span(const struct val *v, const struct zrange *r, size_t *first)
{
    size_t count;
    if (r->kind == BY_SCORE)
        return zset_score_span(v, &r->score, first);
    if (r->kind == BY_LEX)
        return zset_lex_span(v, &r->lex, first);
    if (!range_clip(r->start, r->stop, zset_count(v), first, &count))
        return 0;
    if (r->reverse)
        *first = zset_count(v) - *first - count;
    must(*first + count <= zset_count(v));
    return count;
}

/* LIMIT, seen in the direction of the walk. */
static size_t limit(const struct zrange *r, size_t count, size_t *first)
{
    if (r->offset < 0 || (uint64_t)r->offset >= count)
        return 0;
    size_t left = count - (size_t)r->offset, taken = left;
    if (r->limit >= 0 && (uint64_t)r->limit < left)
        taken = (size_t)r->limit;
    must(taken <= left);
    *first += r->reverse ? left - taken : (size_t)r->offset;
    return taken;
}

/* ---- reading and keeping ---- */

static void walk_init(struct zset_iter *it, const struct val *v, const struct zrange *r,
                      size_t first, size_t count)
{
    must(count > 0 && first + count <= zset_count(v));
    zset_iter_init(it, v, r->reverse ? first + count - 1 : first, r->reverse);
}

static void reply_range(struct ctx *c, const struct val *v, const struct zrange *r)
{
    struct zset_iter it;
    struct slice member;
    double score;
    size_t first, count = span(v, r, &first);
    count = count ? limit(r, count, &first) : 0;
    reply_array(c, r->with_scores && c->resp == 2 ? count * 2 : count);
    if (count == 0)
        return;
    walk_init(&it, v, r, first, count);
    for (; count && !reply_unheard(c) && zset_iter_next(&it, &member, &score); count--) {
        if (r->with_scores && c->resp == 3)
            reply_array(c, 2);
        reply_bulk(c, member);
        if (r->with_scores)
            reply_double(c, score);
    }
}

static void range_command(struct ctx *c, struct zrange *r, bool any)
{
    struct entry *e;
    if (!parse_options(c, 4, any, false, r) || !parse_bounds(c, 2, r) ||
        !ctx_lookup(c, c->argv[1], VALUE_ZSET, &e))
        return;
    if (!e) {
        reply_array(c, 0);
        return;
    }
    struct val v = entry_val(e);
    reply_range(c, &v, r);
}

void cmd_zrange(struct ctx *c)
{
    range_command(c, &(struct zrange){.kind = BY_RANK}, true);
}

void cmd_zrevrange(struct ctx *c)
{
    range_command(c, &(struct zrange){.kind = BY_RANK, .reverse = true}, false);
}

void cmd_zrangebyscore(struct ctx *c)
{
    range_command(c, &(struct zrange){.kind = BY_SCORE}, false);
}

void cmd_zrevrangebyscore(struct ctx *c)
{
    range_command(c, &(struct zrange){.kind = BY_SCORE, .reverse = true}, false);
}

void cmd_zrangebylex(struct ctx *c)
{
    range_command(c, &(struct zrange){.kind = BY_LEX}, false);
}

void cmd_zrevrangebylex(struct ctx *c)
{
    range_command(c, &(struct zrange){.kind = BY_LEX, .reverse = true}, false);
}

static struct val copy_range(struct ctx *c, const struct val *from, const struct zrange *r)
{
    struct zset_iter it;
    struct slice member;
    double score;
    struct val v = zset_new();
    const struct value_limits *limits = &c->keyspace->limits;
    size_t first, count = span(from, r, &first);
    count = count ? limit(r, count, &first) : 0;
    if (count == 0)
        return v;
    zset_expect(&v, count, limits);
    walk_init(&it, from, r, first, count);
    for (; count && zset_iter_next(&it, &member, &score); count--)
        zset_put(&v, member, score, limits);
    must(count == 0);
    return v;
}

void cmd_zrangestore(struct ctx *c)
{
    struct entry *e;
    struct zrange r = {.kind = BY_RANK};
    if (!parse_options(c, 5, true, true, &r) || !parse_bounds(c, 3, &r) ||
        !ctx_lookup(c, c->argv[2], VALUE_ZSET, &e))
        return;
    struct val kept = {0};
    if (e) {
        struct val v = entry_val(e);
        kept = copy_range(c, &v, &r);
    }
    collection_store(c, c->argv[1], kept, "zrangestore");
}

/* ---- counting and removing ---- */

static void count_command(struct ctx *c, enum range_kind kind)
{
    struct entry *e;
    struct zrange r = {.kind = kind};
    if (!parse_bounds(c, 2, &r) || !ctx_lookup(c, c->argv[1], VALUE_ZSET, &e))
        return;
    size_t first, count = 0;
    if (e) {
        struct val v = entry_val(e);
        count = span(&v, &r, &first);
    }
    reply_int(c, (int64_t)count);
}

void cmd_zcount(struct ctx *c)
{
    count_command(c, BY_SCORE);
}

void cmd_zlexcount(struct ctx *c)
{
    count_command(c, BY_LEX);
}

static void remove_command(struct ctx *c, enum range_kind kind, const char *event)
{
    struct entry *e;
    struct zrange r = {.kind = kind};
    if (!parse_bounds(c, 2, &r) || !ctx_lookup_write(c, c->argv[1], VALUE_ZSET, &e))
        return;
    size_t first, count = 0;
    if (e) {
        struct val v = entry_val(e);
        count = span(&v, &r, &first);
        if (count)
            zset_remove_ranks(&v, first, count);
        collection_put(c, c->argv[1], e, v, count, event);
    }
    reply_int(c, (int64_t)count);
}

void cmd_zremrangebyrank(struct ctx *c)
{
    remove_command(c, BY_RANK, "zremrangebyrank");
}

void cmd_zremrangebyscore(struct ctx *c)
{
    remove_command(c, BY_SCORE, "zremrangebyscore");
}

void cmd_zremrangebylex(struct ctx *c)
{
    remove_command(c, BY_LEX, "zremrangebylex");
}
