/* SPDX-License-Identifier: BSD-3-Clause */
/* GEOSEARCH and the older GEORADIUS: one search, two ways of asking.
 *
 *   argv -> query -> ranges of hashes (geohash_cover) -> hits, in that order -> sorted -> result
 *
 * Members of a packed set may lie in a scratch of the walk: those are copied. No other lookup is
 * made between the walk and the end, so all others stay where they are. */
#include "commands/cmd_geo.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/must.h"
#include "base/num.h"
#include "commands/elements.h"
#include "server/reply.h"

/* How it is asked. */
enum {
    BY_MEMBER = 1, /* GEORADIUS: the center is a member */
    MAY_STORE = 2, /* GEORADIUS: STORE and STOREDIST name a key */
    GEOSEARCH = 4,
    STORES = 8,    /* GEOSEARCH: the first argument is one */
};

struct query {
    unsigned asking;
    int store;        /* argument that names the destination; 0: none */
    bool store_dist;
    bool with_dist, with_hash, with_coord;
    bool any;
    int64_t count;    /* 0: all */
    int order;        /* 1 ascending, -1 descending, 0 as they come */
    bool from_member, from_point;
    struct geohash_point center;
    bool circle, box;
    double radius, width, height, meters;
};

struct hit {
    double distance, score;
    struct geohash_point at;
    struct slice member; /* data NULL: copied */
    size_t copy_at;
    size_t place;        /* among the hits, before they are sorted */
};

struct search {
    struct ctx *c;
    struct query q;
    struct buf hits, copies;
};

/* ---- arguments ---- */

static bool arg_size(struct ctx *c, int i, const char *what, double *size)
{
    if (num_parse_double(c->argv[i], size))
        return true;
    reply_errorf(c, "ERR need numeric %s", what);
    return false;
}

static bool arg_circle(struct ctx *c, int i, struct query *q)
{
    if (!arg_size(c, i, "radius", &q->radius))
        return false;
    if (q->radius < 0) {
        reply_error(c, "ERR radius cannot be negative");
        return false;
    }
    q->circle = true;
    return geo_arg_unit(c, i + 1, &q->meters);
}

static bool arg_box(struct ctx *c, int i, struct query *q)
{
    if (!arg_size(c, i, "width", &q->width) || !arg_size(c, i + 1, "height", &q->height))
        return false;
    if (q->width < 0 || q->height < 0) {
        reply_error(c, "ERR height or width cannot be negative");
        return false;
    }
    q->box = true;
    return geo_arg_unit(c, i + 2, &q->meters);
}

/* Without a key nobody looks who the member is. */
static bool arg_member(struct ctx *c, int i, struct query *q, const struct val *v)
{
    double score;
    must(i < c->argc);
    q->from_member = true;
    if (!v->ptr)
        return true;
    if (zset_score(v, c->argv[i], &score)) {
        q->center = geohash_decode(geohash_of_score(score));
        return true;
    }
    reply_error(c, "ERR could not decode requested zset member");
    return false;
}

static bool arg_count(struct ctx *c, int i, struct query *q)
{
    if (!ctx_arg_i64(c, i, &q->count))
        return false;
    if (q->count > 0)
        return true;
    reply_error(c, "ERR COUNT must be > 0");
    return false;
}

static bool flag_option(struct ctx *c, int i, struct query *q)
{
    const struct {
        const char *word;
        bool *flag;
    } flags[] = {{"withdist", &q->with_dist}, {"withhash", &q->with_hash},
                 {"withcoord", &q->with_coord}, {"any", &q->any}};
    for (size_t k = 0; k < sizeof flags / sizeof *flags; k++)
        if (ctx_arg_is(c, i, flags[k].word))
            return *flags[k].flag = true;
    bool asc = ctx_arg_is(c, i, "asc");
    if (!asc && !ctx_arg_is(c, i, "desc"))
        return false;
    q->order = asc ? 1 : -1;
    return true;
}

/* GEOSEARCH's own at *i, which moves over its values. False after an error. */
static bool search_option(struct ctx *c, int *i, struct query *q, const struct val *v)
{
    int at = *i, left = c->argc - at - 1;
    if (ctx_arg_is(c, at, "frommember") && left >= 1 && !q->from_point) {
        *i += 1;
        return arg_member(c, at + 1, q, v);
    }
    if (ctx_arg_is(c, at, "fromlonlat") && left >= 2 && !q->from_member) {
        *i += 2;
        q->from_point = true;
        return geo_arg_point(c, at + 1, &q->center);
    }
    if (ctx_arg_is(c, at, "byradius") && left >= 2 && !q->box) {
        *i += 2;
        return arg_circle(c, at + 1, q);
    }
    if (ctx_arg_is(c, at, "bybox") && left >= 3 && !q->circle) {
        *i += 3;
        return arg_box(c, at + 1, q);
    }
    if (ctx_arg_is(c, at, "storedist") && q->asking & STORES)
        return q->store_dist = true;
    reply_syntax(c);
    return false;
}

static bool option(struct ctx *c, int *i, struct query *q, const struct val *v)
{
    int at = *i, left = c->argc - at - 1;
    if (flag_option(c, at, q))
        return true;
    if (ctx_arg_is(c, at, "count") && left >= 1) {
        *i += 1;
        return arg_count(c, at + 1, q);
    }
    if (q->asking & GEOSEARCH)
        return search_option(c, i, q, v);
    bool dist = ctx_arg_is(c, at, "storedist");
    if (!(dist || ctx_arg_is(c, at, "store")) || left < 1 || !(q->asking & MAY_STORE)) {
        reply_syntax(c);
        return false;
    }
    q->store_dist = dist;
    q->store = *i += 1;
    return true;
}

/* The arguments in front of the options; *i moves behind them. */
static bool fixed_args(struct ctx *c, int *i, struct query *q, const struct val *v)
{
    if (q->asking & GEOSEARCH) {
        q->store = q->asking & STORES ? 1 : 0;
        *i = q->store ? 3 : 2;
        return true;
    }
    if (q->asking & BY_MEMBER) {
        *i = 5;
        return arg_member(c, 2, q, v) && (!v->ptr || arg_circle(c, 3, q));
    }
    *i = 6;
    return geo_arg_point(c, 2, &q->center) && arg_circle(c, 4, q);
}

static bool options_agree(struct ctx *c, const struct query *q)
{
    bool search = q->asking & GEOSEARCH;
    if (q->store && (q->with_dist || q->with_hash || q->with_coord))
        reply_errorf(c, "ERR %s is not compatible with WITHDIST, WITHHASH and WITHCOORD options",
                     search ? "GEOSEARCHSTORE" : "STORE option in GEORADIUS");
    else if (search && !q->from_member && !q->from_point)
        reply_errorf(c, "ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for %.*s",
                     SLICE_ARG(c->argv[0]));
    else if (search && !q->circle && !q->box)
        reply_errorf(c, "ERR exactly one of BYRADIUS and BYBOX can be specified for %.*s",
                     SLICE_ARG(c->argv[0]));
    else if (q->any && !q->count)
        reply_error(c, "ERR the ANY argument requires COUNT argument");
    else
        return true;
    return false;
}

static bool parse(struct ctx *c, struct query *q, const struct val *v)
{
    int i;
    if (!fixed_args(c, &i, q, v))
        return false;
    for (; i < c->argc; i++)
        if (!option(c, &i, q, v))
            return false;
    if (!options_agree(c, q))
        return false;
    if (q->count && !q->any && !q->order)
        q->order = 1; /* the nearest */
    return true;
}

/* All that are named: the last of them is written. As by the key specs, STORE's come first. */
int cmd_georadius_keys(int argc, const struct slice *argv, int *at, int max)
{
    int n = 0;
    if (n < max)
        at[n++] = 1;
    for (int dists = 0; dists < 2; dists++) {
        for (int i = 5; i + 1 < argc; i++) {
            bool dist = slice_eq_nocase(argv[i], "storedist");
            if (!dist && !slice_eq_nocase(argv[i], "store"))
                continue;
            i++;
            if (dist == dists && n < max)
                at[n++] = i;
        }
    }
    return n;
}

/* ---- hits ---- */

static struct hit *hits_of(const struct search *s, size_t *n)
{
    *n = s->hits.len / sizeof(struct hit);
    return (struct hit *)(void *)s->hits.data;
}

static struct slice member_of(const struct search *s, const struct hit *h)
{
    must(h->member.data || h->copy_at + h->member.len <= s->copies.len);
    return h->member.data ? h->member : slice(s->copies.data + h->copy_at, h->member.len);
}

static void add_hit(struct search *s, struct hit hit, const struct zset_iter *it)
{
    const char *text = hit.member.data;
    hits_of(s, &hit.place);
    if (text >= it->scratch && text < it->scratch + sizeof it->scratch) {
        hit.copy_at = s->copies.len;
        buf_add(&s->copies, hit.member);
        hit.member.data = NULL;
    }
    buf_append(&s->hits, &hit, sizeof hit);
}

/* False: there are as many as were asked for. */
static bool walk_range(struct search *s, const struct geohash_shape *shape, const struct val *v,
                       double from, double end)
{
    size_t have, most = s->q.any ? (size_t)s->q.count : 0;
    struct zset_iter it;
    struct hit hit = {0};
    zset_iter_seek(&it, v, from);
    while (zset_iter_next(&it, &hit.member, &hit.score) && hit.score < end) {
        must(hit.score >= from);
        hit.at = geohash_decode(geohash_of_score(hit.score));
        if (!geohash_within(shape, hit.at, &hit.distance))
            continue;
        add_hit(s, hit, &it);
        hits_of(s, &have);
        if (have == most)
            return false;
    }
    return true;
}

static void walk(struct search *s, const struct val *v)
{
    const struct query *q = &s->q;
    struct geohash_shape shape;
    struct geohash_cover cover;
    must(q->box != q->circle && q->meters > 0);
    if (q->box)
        geohash_box(&shape, q->center, q->width * q->meters, q->height * q->meters);
    else
        geohash_circle(&shape, q->center, q->radius * q->meters);
    geohash_cover(&shape, &cover);
    for (unsigned i = 0; i < cover.count; i++)
        if (!walk_range(s, &shape, v, (double)cover.of[i].first, (double)cover.of[i].end))
            return;
}

/* ---- order ---- */

/* Never 0: equals stay as they were met. */
static int by_distance(const void *left, const void *right, void *arg)
{
    const struct hit *a = left, *b = right;
    const struct query *q = arg;
    if (a->distance != b->distance)
        return a->distance < b->distance ? -q->order : q->order;
    return a->place < b->place ? -1 : a->place > b->place;
}

/* The last of h[0..n) is h[0], and so below, but perhaps at i. */
static void sift_down(struct hit *h, size_t n, size_t i, struct query *q)
{
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && by_distance(&h[child], &h[child + 1], q) < 0)
            child++;
        if (by_distance(&h[i], &h[child], q) > 0)
            return;
        struct hit t = h[i];
        h[i] = h[child];
        h[child] = t;
    }
}

/* The first of n, as many as wanted, in order in front. */
static void sort_hits(struct hit *h, size_t n, size_t wanted, struct query *q)
{
    enum { FEW = 4 }; /* a part in so many is worth a heap */
    must(wanted <= n && q->order);
    if (wanted <= n / FEW) {
        for (size_t i = wanted / 2; i-- > 0;)
            sift_down(h, wanted, i, q);
        for (size_t i = wanted; i < n && wanted; i++) {
            if (by_distance(&h[i], &h[0], q) > 0)
                continue;
            h[0] = h[i];
            sift_down(h, wanted, 0, q);
        }
        n = wanted;
    }
    if (n > 1)
        qsort_r(h, n, sizeof *h, by_distance, q);
}

/* ---- the result ---- */

static void reply_hits(const struct search *s, const struct hit *h, size_t n)
{
    struct ctx *c = s->c;
    const struct query *q = &s->q;
    size_t more = (size_t)q->with_dist + q->with_hash + q->with_coord;
    reply_array(c, n);
    for (size_t i = 0; i < n && !reply_unheard(c); i++) {
        if (more)
            reply_array(c, more + 1);
        reply_bulk(c, member_of(s, &h[i]));
        if (q->with_dist)
            geo_reply_distance(c, h[i].distance / q->meters);
        if (q->with_hash)
            reply_int(c, (int64_t)h[i].score);
        if (q->with_coord)
            geo_reply_point(c, h[i].at);
    }
}

static void store_hits(const struct search *s, const struct hit *h, size_t n)
{
    const struct value_limits *limits = &s->c->keyspace->limits;
    struct val v = zset_new();
    zset_expect(&v, n, limits);
    for (size_t i = 0; i < n; i++)
        zset_put(&v, member_of(s, &h[i]),
                 s->q.store_dist ? h[i].distance / s->q.meters : h[i].score, limits);
    must(zset_count(&v) == n);
    collection_store(s->c, s->c->argv[s->q.store], v,
                     s->q.asking & GEOSEARCH ? "geosearchstore" : "georadiusstore");
    if (n > 1)
        ctx_changed(s->c, n - 1); /* each counts */
}

static void find(struct search *s, const struct val *v)
{
    size_t n = 0, wanted;
    if (v->ptr)
        walk(s, v);
    struct hit *h = hits_of(s, &n);
    wanted = s->q.count && (uint64_t)s->q.count < n ? (size_t)s->q.count : n;
    must(v->ptr || n == 0);
    if (s->q.order && n)
        sort_hits(h, n, wanted, &s->q);
    if (s->q.store)
        store_hits(s, h, wanted);
    else
        reply_hits(s, h, wanted);
}

static void search(struct ctx *c, unsigned asking)
{
    struct search s = {.c = c, .q.asking = asking};
    struct entry *e;
    struct val v;
    if (!ctx_lookup(c, c->argv[asking & STORES ? 2 : 1], VALUE_ZSET, &e))
        return;
    v = e ? entry_val(e) : (struct val){0};
    if (parse(c, &s.q, &v))
        find(&s, &v);
    buf_free(&s.hits);
    buf_free(&s.copies);
}

void cmd_georadius(struct ctx *c)
{
    search(c, MAY_STORE);
}

void cmd_georadius_ro(struct ctx *c)
{
    search(c, 0);
}

void cmd_georadiusbymember(struct ctx *c)
{
    search(c, BY_MEMBER | MAY_STORE);
}

void cmd_georadiusbymember_ro(struct ctx *c)
{
    search(c, BY_MEMBER);
}

void cmd_geosearch(struct ctx *c)
{
    search(c, GEOSEARCH);
}

void cmd_geosearchstore(struct ctx *c)
{
    search(c, GEOSEARCH | STORES);
}
