/* SPDX-License-Identifier: BSD-3-Clause */
/* Union, intersection and difference of sorted sets (and sets: every score is 1), replied, counted
 * or kept in a key.
 *
 *   [target] numkeys key... [WEIGHTS w...] [AGGREGATE SUM|MIN|MAX] [WITHSCORES]
 *
 * For union and intersection the inputs are taken smallest first: an intersection then asks least,
 * and sums of doubles, whose last digit depends on the order, come out as elsewhere.
 *
 * The result is made unpacked, so that a member is found at once and -0 stays what it is, and
 * packed at the end when it is kept. */
#include "commands/cmd_zset.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/must.h"
#include "commands/elements.h"
#include "server/reply.h"

enum aggregate { AGGREGATE_SUM, AGGREGATE_MIN, AGGREGATE_MAX };
enum operation { OP_UNION, OP_INTER, OP_DIFF };

struct input {
    struct val v; /* ptr NULL: absent */
    double weight;
    size_t count;
    int place;    /* among the arguments */
};

struct algebra {
    struct ctx *c;
    enum operation op;
    enum aggregate aggregate;
    bool store, with_scores;
    struct input *inputs;
    size_t count;
};

/* ---- arguments ---- */

/* The number of keys at argument at, which follow it. 0 after an error. */
static int parse_numkeys(struct ctx *c, int at)
{
    int64_t keys;
    if (!ctx_arg_i64(c, at, &keys))
        return 0;
    if (keys < 1) {
        reply_errorf(c, "ERR at least 1 input key is needed for '%s' command", c->command->name);
        return 0;
    }
    if (keys > c->argc - at - 1) {
        reply_syntax(c);
        return 0;
    }
    return (int)keys;
}

/* The inputs at argv[at]...; what is no sorted set and no set is an error. */
static bool open_inputs(struct algebra *a, int at, int keys)
{
    struct ctx *c = a->c;
    a->count = (size_t)keys;
    a->inputs = mem_zalloc(a->count * sizeof *a->inputs);
    for (int i = 0; i < keys; i++) {
        struct input *in = &a->inputs[i];
        struct slice key = c->argv[at + i];
        struct entry *e = db_find(c->db, key);
        in->weight = 1;
        in->place = i;
        if (!e)
            continue;
        if (entry_type(e) != VALUE_ZSET && entry_type(e) != VALUE_SET) {
            reply_wrongtype(c);
            return false;
        }
        in->v = entry_val(e);
        in->count = val_count(in->v);
    }
    return true;
}

static bool parse_weights(struct algebra *a, int at)
{
    must((size_t)at + a->count <= (size_t)a->c->argc);
    for (size_t i = 0; i < a->count; i++) {
        if (!num_parse_double(a->c->argv[at + (int)i], &a->inputs[i].weight)) {
            reply_error(a->c, "ERR weight value is not a float");
            return false;
        }
    }
    return true;
}

static bool parse_aggregate(struct algebra *a, int at)
{
    static const char *const words[] = {"sum", "min", "max"};
    for (unsigned k = 0; k < 3; k++) {
        if (ctx_arg_is(a->c, at, words[k])) {
            a->aggregate = (enum aggregate)k;
            return true;
        }
    }
    reply_syntax(a->c);
    return false;
}

static bool parse_options(struct algebra *a, int at)
{
    struct ctx *c = a->c;
    for (int i = at; i < c->argc; i++) {
        int left = c->argc - i - 1;
        if (a->op != OP_DIFF && (size_t)left >= a->count && ctx_arg_is(c, i, "weights")) {
            if (!parse_weights(a, i + 1))
                return false;
            i += (int)a->count;
        } else if (a->op != OP_DIFF && left >= 1 && ctx_arg_is(c, i, "aggregate")) {
            if (!parse_aggregate(a, ++i))
                return false;
        } else if (!a->store && ctx_arg_is(c, i, "withscores")) {
            a->with_scores = true;
        } else {
            reply_syntax(c);
            return false;
        }
    }
    return true;
}

/* ---- computing ---- */

static int by_count(const void *left, const void *right)
{
    const struct input *a = left, *b = right;
    if (a->count != b->count)
        return a->count < b->count ? -1 : 1;
    return a->place - b->place;
}

static double weighted(const struct input *in, double score)
{
    double d = in->weight * score;
    return isnan(d) ? 0 : d;
}

static double combine(enum aggregate aggregate, double a, double b)
{
    if (aggregate == AGGREGATE_MIN)
        return b < a ? b : a;
    if (aggregate == AGGREGATE_MAX)
        return b > a ? b : a;
    double sum = a + b; /* of two opposite infinities: nothing */
    return isnan(sum) ? 0 : sum;
}

static bool score_in(const struct input *in, struct slice member, double *score)
{
    if (!in->v.ptr)
        return false;
    if (in->v.type == VALUE_ZSET)
        return zset_score(&in->v, member, score);
    *score = 1;
    return set_has(&in->v, member);
}

static void unite(const struct algebra *a, struct val *result)
{
    const struct value_limits *limits = &a->c->keyspace->limits;
    for (size_t i = 0; i < a->count; i++) {
        const struct input *in = &a->inputs[i];
        struct element_iter it;
        struct element e;
        double now;
        if (!in->v.ptr)
            continue;
        for (element_iter_init(&it, &in->v); element_iter_next(&it, &e);) {
            double score = weighted(in, e.score);
            if (i > 0 && zset_score(result, e.name, &now)) {
                score = combine(a->aggregate, now, score);
                if (score == 0 && signbit(score) != signbit(now)) /* zset_put sees no difference */
                    zset_remove(result, e.name);
            }
            zset_put(result, e.name, score, limits);
        }
    }
}

/* The member's score in all inputs together; false when one lacks it. */
static bool meet(const struct algebra *a, const struct element *e, double *score)
{
    *score = weighted(&a->inputs[0], e->score);
    for (size_t i = 1; i < a->count; i++) {
        const struct input *in = &a->inputs[i];
        double its = e->score;
        if (in->v.ptr != a->inputs[0].v.ptr && !score_in(in, e->name, &its))
            return false;
        /* As elsewhere, "no number" (inf * 0) counts as 0 in the first input only: in the others
         * it makes a sum 0 and leaves a minimum and a maximum alone. */
        *score = combine(a->aggregate, *score, in->weight * its);
    }
    return true;
}

/* result NULL: only counts, up to limit. */
static size_t intersect(const struct algebra *a, struct val *result, size_t most)
{
    struct element_iter it;
    struct element e;
    double score;
    size_t found = 0;
    if (a->inputs[0].count == 0)
        return 0;
    for (element_iter_init(&it, &a->inputs[0].v); found < most && element_iter_next(&it, &e);) {
        if (!meet(a, &e, &score))
            continue;
        found++;
        if (result)
            zset_put(result, e.name, score, &a->c->keyspace->limits);
    }
    must(found <= most);
    return found;
}

static bool in_others(const struct algebra *a, struct slice member)
{
    double score;
    for (size_t i = 1; i < a->count; i++) {
        if (score_in(&a->inputs[i], member, &score))
            return true;
    }
    return false;
}

static void subtract(const struct algebra *a, struct val *result)
{
    struct element_iter it;
    struct element e;
    if (!a->inputs[0].v.ptr)
        return;
    for (element_iter_init(&it, &a->inputs[0].v); element_iter_next(&it, &e);) {
        if (!in_others(a, e.name))
            zset_put(result, e.name, e.score, &a->c->keyspace->limits);
    }
}

static struct val compute(struct algebra *a)
{
    const struct value_limits *limits = &a->c->keyspace->limits;
    struct val result = zset_new();
    must(a->count > 0);
    if (a->op != OP_DIFF)
        qsort(a->inputs, a->count, sizeof *a->inputs, by_count);
    if (a->op == OP_UNION)
        zset_expect(&result, a->inputs[a->count - 1].count, limits);
    zset_unpack(&result);
    if (a->op == OP_UNION)
        unite(a, &result);
    else if (a->op == OP_INTER)
        intersect(a, &result, SIZE_MAX);
    else
        subtract(a, &result);
    if (a->store)
        zset_pack(&result, limits);
    return result;
}

/* ---- the commands ---- */

static void reply_members(const struct algebra *a, const struct val *v)
{
    struct ctx *c = a->c;
    struct zset_iter it;
    struct slice member;
    double score;
    size_t count = zset_count(v);
    reply_array(c, a->with_scores && c->resp == 2 ? count * 2 : count);
    zset_iter_init(&it, v, 0, false);
    while (!reply_unheard(c) && zset_iter_next(&it, &member, &score)) {
        if (a->with_scores && c->resp == 3)
            reply_array(c, 2);
        reply_bulk(c, member);
        if (a->with_scores)
            reply_double(c, score);
    }
}

static const char *const store_events[] = {"zunionstore", "zinterstore", "zdiffstore"};

static void run(struct ctx *c, enum operation op, bool store)
{
    struct algebra a = {.c = c, .op = op, .store = store};
    must((size_t)op < sizeof store_events / sizeof *store_events);
    int at = store ? 2 : 1, keys = parse_numkeys(c, at);
    if (!keys)
        return;
    if (open_inputs(&a, at + 1, keys) && parse_options(&a, at + 1 + keys)) {
        struct val result = compute(&a);
        if (store) {
            collection_store(c, c->argv[1], result, store_events[op]);
        } else {
            reply_members(&a, &result);
            zset_free(result);
        }
    }
    mem_free(a.inputs);
}

void cmd_zunion(struct ctx *c)
{
    run(c, OP_UNION, false);
}

void cmd_zunionstore(struct ctx *c)
{
    run(c, OP_UNION, true);
}

void cmd_zinter(struct ctx *c)
{
    run(c, OP_INTER, false);
}

void cmd_zinterstore(struct ctx *c)
{
    run(c, OP_INTER, true);
}

void cmd_zdiff(struct ctx *c)
{
    run(c, OP_DIFF, false);
}

void cmd_zdiffstore(struct ctx *c)
{
    run(c, OP_DIFF, true);
}

/* LIMIT n, perhaps again; 0: all. */
static bool parse_limit(struct ctx *c, int at, int64_t *limit)
{
    *limit = 0;
    for (; at < c->argc; at += 2) {
        if (!ctx_arg_is(c, at, "limit") || at + 1 == c->argc) {
            reply_syntax(c);
            return false;
        }
        if (!ctx_arg_range(c, at + 1, 0, INT64_MAX, limit, "ERR LIMIT can't be negative"))
            return false;
    }
    return true;
}

void cmd_zintercard(struct ctx *c)
{
    int64_t limit;
    struct algebra a = {.c = c, .op = OP_INTER};
    int keys = parse_numkeys(c, 1);
    if (!keys)
        return;
    if (open_inputs(&a, 2, keys) && parse_limit(c, 2 + keys, &limit)) {
        qsort(a.inputs, a.count, sizeof *a.inputs, by_count);
        reply_int(c, (int64_t)intersect(&a, NULL, limit ? (size_t)limit : SIZE_MAX));
    }
    mem_free(a.inputs);
}
