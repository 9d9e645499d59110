/* SPDX-License-Identifier: BSD-3-Clause */
/* Sorted sets, one key at a time: adding, removing, reading and popping members; ranges are in
 * cmd_zrange.c, the algebra in cmd_zalgebra.c. ZADD and ZINCRBY are logged as given: sums of
 * doubles come out the same again. ZMPOP is logged as the ZPOPMIN or ZPOPMAX it came to. */
#include "commands/cmd_zset.h"

#include <math.h>

#include "base/mem.h"
#include "base/must.h"
#include "commands/elements.h"
#include "commands/zset_ops.h"
#include "server/reply.h"

/* ---- ZADD and ZINCRBY ---- */

struct add_args {
    bool nx, xx, gt, lt, ch, incr;
    int first;      /* the first score */
    size_t pairs;
    double *scores; /* of the pairs */
    double few[16];
};

static bool is_option(const struct ctx *c, int i, struct add_args *a)
{
    const struct {
        const char *word;
        bool *flag;
    } options[] = {{"nx", &a->nx}, {"xx", &a->xx}, {"gt", &a->gt},
                   {"lt", &a->lt}, {"ch", &a->ch}, {"incr", &a->incr}};
    for (size_t k = 0; k < sizeof options / sizeof *options; k++) {
        if (ctx_arg_is(c, i, options[k].word))
            return *options[k].flag = true;
    }
    return false;
}

static bool options_agree(struct ctx *c, const struct add_args *a)
{
    const char *error = NULL;
    if (a->nx && a->xx)
        error = "ERR XX and NX options at the same time are not compatible";
    else if ((a->gt && a->nx) || (a->lt && a->nx) || (a->gt && a->lt))
        error = "ERR GT, LT, and/or NX options at the same time are not compatible";
    else if (a->incr && a->pairs > 1)
        error = "ERR INCR option supports a single increment-element pair";
    if (error)
        reply_error(c, error);
    return !error;
}

static void free_scores(struct add_args *a)
{
    if (a->scores != a->few)
        mem_free(a->scores);
}

/* All scores are read before anything is changed. */
static bool parse_scores(struct ctx *c, struct add_args *a)
{
    size_t few = sizeof a->few / sizeof *a->few;
    a->scores = a->pairs <= few ? a->few : mem_alloc(a->pairs * sizeof *a->scores);
    for (size_t i = 0; i < a->pairs; i++) {
        if (!ctx_arg_double(c, a->first + (int)i * 2, &a->scores[i])) {
            free_scores(a);
            return false;
        }
    }
    return true;
}

static bool parse_add(struct ctx *c, struct add_args *a)
{
    a->first = 2;
    while (a->first < c->argc && is_option(c, a->first, a))
        a->first++;
    int left = c->argc - a->first;
    if (left == 0 || left % 2) {
        reply_syntax(c);
        return false;
    }
    a->pairs = (size_t)left / 2;
    must(a->first + 2 * (int)a->pairs == c->argc);
    return options_agree(c, a) && parse_scores(c, a);
}

enum added { ADD_NOTHING, ADD_SAME, ADD_MOVED, ADD_NEW, ADD_NAN };

/* One pair under the options. *score becomes the member's score. */
static enum added add_pair(struct val *v, const struct add_args *a, struct slice member,
                           double *score, const struct value_limits *limits)
{
    if (!(a->nx || a->xx || a->gt || a->lt || a->incr)) {
        enum zset_change change = zset_set(v, member, *score, limits);
        return change == ZSET_ADDED ? ADD_NEW : change == ZSET_MOVED ? ADD_MOVED : ADD_SAME;
    }
    double now;
    if (!zset_score(v, member, &now)) {
        if (a->xx)
            return ADD_NOTHING;
        zset_put(v, member, *score, limits);
        return ADD_NEW;
    }
    if (a->nx)
        return ADD_NOTHING;
    if (a->incr)
        *score += now;
    if (isnan(*score))
        return ADD_NAN;
    if ((a->lt && *score >= now) || (a->gt && *score <= now))
        return ADD_NOTHING;
    if (*score == now)
        return ADD_SAME;
    zset_put(v, member, *score, limits);
    return ADD_MOVED;
}

static void reply_added(struct ctx *c, const struct add_args *a, enum added last, int64_t added,
                        int64_t moved)
{
    if (last == ADD_NAN)
        reply_error(c, "ERR resulting score is not a number (NaN)");
    else if (!a->incr)
        reply_int(c, a->ch ? added + moved : added);
    else if (last == ADD_NOTHING)
        reply_null(c);
    else
        reply_double(c, a->scores[0]);
}

static void add(struct ctx *c, struct add_args *a)
{
    struct entry *e;
    const struct value_limits *limits = &c->keyspace->limits;
    if (!ctx_lookup_write(c, c->argv[1], VALUE_ZSET, &e))
        return;
    struct val v = e ? entry_val(e) : zset_new();
    size_t before = zset_count(&v);
    zset_expect(&v, a->pairs, limits);
    enum added last = ADD_NOTHING;
    int64_t added = 0, moved = 0;
    for (size_t i = 0; i < a->pairs && last != ADD_NAN; i++) {
        struct slice member = c->argv[a->first + (int)i * 2 + 1];
        last = add_pair(&v, a, member, &a->scores[i], limits);
        added += last == ADD_NEW;
        moved += last == ADD_MOVED;
    }
    must(zset_count(&v) == before + (size_t)added);
    collection_put(c, c->argv[1], e, v, (uint64_t)(added + moved), a->incr ? "zincr" : "zadd");
    reply_added(c, a, last, added, moved);
}

void cmd_zadd(struct ctx *c)
{
    struct add_args a = {0};
    if (!parse_add(c, &a))
        return;
    add(c, &a);
    free_scores(&a);
}

void cmd_zincrby(struct ctx *c)
{
    /* As in Redis, ZADD's options are options here, too: "ZINCRBY key NX member" lacks a pair. */
    struct add_args a = {.incr = true};
    if (!parse_add(c, &a))
        return;
    add(c, &a);
    free_scores(&a);
}

void cmd_zrem(struct ctx *c)
{
    struct entry *e;
    if (!ctx_lookup_write(c, c->argv[1], VALUE_ZSET, &e))
        return;
    int64_t removed = 0;
    if (e) {
        struct val v = entry_val(e);
        size_t before = zset_count(&v);
        for (int i = 2; i < c->argc && zset_count(&v) > 0; i++)
            removed += zset_remove(&v, c->argv[i]);
        must(zset_count(&v) + (size_t)removed == before);
        collection_put(c, c->argv[1], e, v, (uint64_t)removed, "zrem");
    }
    reply_int(c, removed);
}

/* ---- popping ---- */

/* Takes count members (there are so many) from an end. nested: each with its score in an array. */
static void pop_members(struct ctx *c, struct slice key, struct entry *e, bool high, size_t count,
                        bool nested)
{
    struct val v = entry_val(e);
    size_t size = zset_count(&v), left = count;
    struct zset_iter it;
    struct slice member;
    double score;
    must(count > 0 && count <= size);
    zset_iter_init(&it, &v, high ? size - 1 : 0, high);
    for (; left && zset_iter_next(&it, &member, &score); left--) {
        if (nested)
            reply_array(c, 2);
        reply_bulk(c, member);
        reply_double(c, score);
    }
    must(left == 0);
    zset_remove_ranks(&v, high ? size - count : 0, count);
    collection_put(c, key, e, v, count, high ? "zpopmax" : "zpopmin");
}

void zset_pop_one(struct ctx *c, struct slice key, struct entry *e, bool high)
{
    pop_members(c, key, e, high, 1, false);
}

static size_t at_most(const struct entry *e, int64_t count)
{
    struct val v = entry_val(e);
    size_t size = zset_count(&v);
    return (uint64_t)count < size ? (size_t)count : size;
}

static void pop(struct ctx *c, bool high)
{
    struct entry *e;
    int64_t count = 1;
    if (c->argc > 3) {
        reply_syntax(c);
        return;
    }
    bool counted = c->argc == 3;
    if ((counted && !pop_count_parse(c, &count)) ||
        !ctx_lookup_write(c, c->argv[1], VALUE_ZSET, &e))
        return;
    size_t n = e ? at_most(e, count) : 0;
    bool nested = counted && c->resp == 3;
    reply_array(c, nested ? n : n * 2);
    if (n)
        pop_members(c, c->argv[1], e, high, n, nested);
}

void cmd_zpopmin(struct ctx *c)
{
    pop(c, false);
}

void cmd_zpopmax(struct ctx *c)
{
    pop(c, true);
}

bool zset_pop_any(struct ctx *c, const struct pop_args *a)
{
    must(a->count > 0 && a->first + a->keys < c->argc);
    for (int i = a->first; i < a->first + a->keys; i++) {
        struct entry *e;
        if (!ctx_lookup_write(c, c->argv[i], VALUE_ZSET, &e))
            return true;
        if (!e)
            continue;
        size_t n = at_most(e, a->count);
        reply_array(c, 2);
        reply_bulk(c, c->argv[i]);
        reply_array(c, n);
        pop_members(c, c->argv[i], e, a->high, n, true);
        pop_log(c, a->high ? "ZPOPMAX" : "ZPOPMIN", c->argv[i], n);
        return true;
    }
    return false;
}

void cmd_zmpop(struct ctx *c)
{
    struct pop_args a;
    if (pop_args_parse(c, 1, "min", "max", &a) && !zset_pop_any(c, &a))
        reply_null_array(c);
}

/* ---- reading ---- */

void cmd_zcard(struct ctx *c)
{
    collection_count_command(c, VALUE_ZSET);
}

static void reply_score(struct ctx *c, const struct val *v, struct slice member)
{
    double score;
    if (v->ptr && zset_score(v, member, &score))
        reply_double(c, score);
    else
        reply_null(c);
}

void cmd_zscore(struct ctx *c)
{
    struct entry *e;
    struct val v;
    if (collection_read(c, VALUE_ZSET, &e, &v))
        reply_score(c, &v, c->argv[2]);
}

void cmd_zmscore(struct ctx *c)
{
    struct entry *e;
    struct val v;
    if (!collection_read(c, VALUE_ZSET, &e, &v))
        return;
    reply_array(c, (size_t)c->argc - 2);
    for (int i = 2; i < c->argc; i++)
        reply_score(c, &v, c->argv[i]);
}

static void rank(struct ctx *c, bool reverse)
{
    struct entry *e;
    struct val v;
    size_t place;
    double score;
    if (c->argc > 4) {
        reply_errorf(c, "ERR wrong number of arguments for '%s' command", c->command->name);
        return;
    }
    bool with_score = c->argc == 4;
    if (with_score && !ctx_arg_is(c, 3, "withscore")) {
        reply_syntax(c);
        return;
    }
    if (!collection_read(c, VALUE_ZSET, &e, &v))
        return;
    if (!e || !zset_rank(&v, c->argv[2], reverse, &place, &score)) {
        if (with_score)
            reply_null_array(c);
        else
            reply_null(c);
        return;
    }
    if (with_score)
        reply_array(c, 2);
    reply_int(c, (int64_t)place);
    if (with_score)
        reply_double(c, score);
}

void cmd_zrank(struct ctx *c)
{
    rank(c, false);
}

void cmd_zrevrank(struct ctx *c)
{
    rank(c, true);
}

void cmd_zrandmember(struct ctx *c)
{
    element_sample_command(c, VALUE_ZSET, "withscores");
}

void cmd_zscan(struct ctx *c)
{
    element_scan_command(c, VALUE_ZSET);
}
