/* SPDX-License-Identifier: BSD-3-Clause */
/* Union, intersection and difference of sets, replied, counted or kept in a key.
 *
 * An intersection walks the smallest set and asks the others, smallest first; a difference walks
 * the first and asks the others, largest first; a union collects. The values stay where they are
 * while the result is made: nothing is written before it is complete, so the target may be a
 * source. */
#include "commands/cmd_set.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/must.h"
#include "commands/elements.h"
#include "server/reply.h"

struct source {
    struct val v; /* an absent one has no ptr */
    size_t size;
    int place;    /* among the arguments */
};

struct sources {
    struct source *sets;
    size_t count;
};

/* Where members of the result go. */
struct result {
    struct ctx *c;
    bool keep;
    struct val v;    /* what is kept */
    size_t count, limit;
};

/* The sets of argv[first] .. argv[first + count - 1]. False after replying: one is no set. */
static bool open_sources(struct ctx *c, int first, int count, struct sources *s)
{
    *s = (struct sources){mem_zalloc((size_t)count * sizeof *s->sets), (size_t)count};
    for (int i = 0; i < count; i++) {
        struct source *in = &s->sets[i];
        struct entry *e;
        if (!ctx_lookup(c, c->argv[first + i], VALUE_SET, &e)) {
            mem_free(s->sets);
            return false;
        }
        in->place = i;
        if (!e)
            continue;
        in->v = entry_val(e);
        in->size = set_count(&in->v);
    }
    return true;
}

static void close_sources(struct sources *s)
{
    mem_free(s->sets);
}

static int by_place(const void *a, const void *b)
{
    const struct source *x = a, *y = b;
    return (x->place > y->place) - (x->place < y->place);
}

static int by_size(const void *a, const void *b)
{
    const struct source *x = a, *y = b;
    int order = (x->size > y->size) - (x->size < y->size);
    return order ? order : by_place(a, b);
}

static int by_size_down(const void *a, const void *b)
{
    return by_size(b, a);
}

static int by_identity(const void *a, const void *b)
{
    uintptr_t x = (uintptr_t)((const struct source *)a)->v.ptr;
    uintptr_t y = (uintptr_t)((const struct source *)b)->v.ptr;
    int order = (x > y) - (x < y);
    return order ? order : by_place(a, b);
}

/* A set named again says nothing new: of many, those from first on, each is kept once. */
static void drop_repeated(struct sources *s, size_t first)
{
    enum { MANY = 8 };
    struct source *sets = s->sets + first;
    size_t count = s->count - first, kept = 1;
    if (count < MANY)
        return;
    qsort(sets, count, sizeof *sets, by_identity);
    for (size_t i = 1; i < count; i++)
        if (sets[i].v.ptr != sets[i - 1].v.ptr)
            sets[kept++] = sets[i];
    must(kept <= count);
    s->count = first + kept;
}

static void give(struct result *r, struct slice member)
{
    const struct value_limits *limits = &r->c->keyspace->limits;
    r->count++;
    if (!r->keep) {
        if (r->limit == 0)
            reply_bulk(r->c, member);
        return;
    }
    if (!r->v.ptr)
        r->v = set_new(member, limits);
    set_add(&r->v, member, limits);
}

static bool in_all(const struct source *sets, size_t count, struct slice member)
{
    for (size_t i = 0; i < count; i++) {
        if (!set_has(&sets[i].v, member))
            return false;
    }
    return true;
}

/* A result that is kept is made whole, whoever hears of it. */
static bool wants_more(const struct result *r)
{
    return r->keep || !reply_unheard(r->c);
}

static void intersect(struct sources *s, struct result *r)
{
    drop_repeated(s, 0);
    qsort(s->sets, s->count, sizeof *s->sets, by_size);
    if (s->sets[0].size == 0)
        return;
    struct set_iter it;
    struct slice member;
    for (set_iter_init(&it, &s->sets[0].v); wants_more(r) && set_iter_next(&it, &member);) {
        if (in_all(s->sets + 1, s->count - 1, member))
            give(r, member);
        if (r->limit && r->count == r->limit)
            return;
    }
}

static bool in_any(const struct source *sets, size_t count, struct slice member)
{
    for (size_t i = 0; i < count && sets[i].size; i++) {
        if (set_has(&sets[i].v, member))
            return true;
    }
    return false;
}

static void subtract(struct sources *s, struct result *r)
{
    if (s->sets[0].size == 0)
        return;
    drop_repeated(s, 1);
    must(s->count >= 1 && s->sets[0].place == 0);
    qsort(s->sets + 1, s->count - 1, sizeof *s->sets, by_size_down);
    struct set_iter it;
    struct slice member;
    for (set_iter_init(&it, &s->sets[0].v); wants_more(r) && set_iter_next(&it, &member);) {
        if (!in_any(s->sets + 1, s->count - 1, member))
            give(r, member);
    }
}

/* Always collects: what is replied must be told once. */
static void unite(struct sources *s, struct result *r)
{
    r->keep = true;
    drop_repeated(s, 0);
    qsort(s->sets, s->count, sizeof *s->sets, by_place);
    for (size_t i = 0; i < s->count; i++) {
        struct set_iter it;
        struct slice member;
        if (!s->sets[i].size)
            continue;
        for (set_iter_init(&it, &s->sets[i].v); set_iter_next(&it, &member);)
            give(r, member);
    }
}

typedef void set_operation(struct sources *s, struct result *r);

static void reply_union(struct ctx *c, struct val *v)
{
    struct set_iter it;
    struct slice member;
    reply_set(c, v->ptr ? set_count(v) : 0);
    if (!v->ptr)
        return;
    for (set_iter_init(&it, v); !reply_unheard(c) && set_iter_next(&it, &member);)
        reply_bulk(c, member);
    set_free(*v);
}

static void reply_result(struct ctx *c, set_operation *operate)
{
    struct sources s;
    struct result r = {.c = c};
    if (!open_sources(c, 1, c->argc - 1, &s))
        return;
    if (operate == unite) {
        operate(&s, &r);
        reply_union(c, &r.v);
    } else {
        uint64_t mark = reply_later(c);
        operate(&s, &r);
        reply_later_set(c, mark, r.count);
    }
    close_sources(&s);
}

static void store_result(struct ctx *c, set_operation *operate, const char *event)
{
    struct sources s;
    struct result r = {.c = c, .keep = true};
    if (!open_sources(c, 2, c->argc - 2, &s))
        return;
    operate(&s, &r);
    size_t kept = r.v.ptr ? set_count(&r.v) : 0;
    must(operate == unite ? kept <= r.count : kept == r.count);
    close_sources(&s);
    collection_store(c, c->argv[1], r.v, event);
}

void cmd_sinter(struct ctx *c)
{
    reply_result(c, intersect);
}

void cmd_sinterstore(struct ctx *c)
{
    store_result(c, intersect, "sinterstore");
}

void cmd_sunion(struct ctx *c)
{
    reply_result(c, unite);
}

void cmd_sunionstore(struct ctx *c)
{
    store_result(c, unite, "sunionstore");
}

void cmd_sdiff(struct ctx *c)
{
    reply_result(c, subtract);
}

void cmd_sdiffstore(struct ctx *c)
{
    store_result(c, subtract, "sdiffstore");
}

void cmd_sintercard(struct ctx *c)
{
    int64_t keys, limit = 0;
    if (!ctx_arg_range(c, 1, 1, INT64_MAX, &keys, "ERR numkeys should be greater than 0"))
        return;
    if (keys > c->argc - 2) {
        reply_error(c, "ERR Number of keys can't be greater than number of args");
        return;
    }
    for (int i = 2 + (int)keys; i < c->argc; i += 2) {
        if (!ctx_arg_is(c, i, "limit") || i + 1 == c->argc) {
            reply_syntax(c);
            return;
        }
        if (!ctx_arg_range(c, i + 1, 0, INT64_MAX, &limit, "ERR LIMIT can't be negative"))
            return;
    }
    struct sources s;
    struct result r = {.c = c, .limit = limit ? (size_t)limit : SIZE_MAX};
    if (!open_sources(c, 2, (int)keys, &s))
        return;
    intersect(&s, &r);
    must(r.count <= r.limit);
    close_sources(&s);
    reply_int(c, (int64_t)r.count);
}
