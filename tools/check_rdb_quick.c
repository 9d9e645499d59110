/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/check_rdb_quick.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/must.h"
#include "format/sink_count.h"
#include "tools/check.h"
#include "tools/check_rdb_lines.h"
#include "tools/library_text.h"
#include "tools/rdb_plan.h"
#include "tools/rdb_quick.h"

struct whole {
    const struct check_rdb_quick *q;
    struct rdb_plan plan;
    struct buf lines; /* struct lines, in any order */
    pthread_mutex_t lock; /* of lines and libraries, while it is read */
    void *set;         /* of libraries; NULL: none was met */
    bool refused;      /* something in it calls for the other reader */
    int64_t now_ms;
    /* results */
    struct check_rdb_counts counts;
    struct digest digest;
    char told[DIGEST_TEXT + 1];
};
struct lines { /* of a piece; some may be empty */
    uint64_t base;
    struct buf text;
};
struct lane {
    struct sink_count counts;
    struct digest digest;
    struct whole *whole;
    struct lines now;
    bool refused;
    char told[DIGEST_TEXT + 1];
};

static struct lane *lane_of(struct sink *s)
{
    return (struct lane *)(void *)s;
}

/* What the reader would like to say, it says better in its own order. */
static void note(void *arg, const char *text)
{
    (void)text;
    ((struct lane *)arg)->refused = true;
}

static struct sink *lane_begin(void *arg, struct rdb_options *options)
{
    struct whole *w = arg;
    struct lane *l = mem_zalloc(sizeof *l);
    l->whole = w;
    sink_count_init(&l->counts, w->now_ms);
    digest_init(&l->digest);
    options->trust_distinct = false;
    options->distinct_max = RDB_DISTINCT_MAX;
    options->note = note;
    options->note_arg = l;
    options->also = w->plan.announced ? &l->digest.sink : NULL;
    return &l->counts.sink;
}

static void put_lines(struct lane *l)
{
    if (l->now.text.len) {
        pthread_mutex_lock(&l->whole->lock);
        buf_append(&l->whole->lines, &l->now, sizeof l->now);
        pthread_mutex_unlock(&l->whole->lock);
    }
    l->now = (struct lines){0};
}

static void lane_piece(struct sink *s, uint64_t base)
{
    struct lane *l = lane_of(s);
    put_lines(l);
    l->now.base = base;
}

static bool takes_library(struct whole *w, struct slice code)
{
    struct buf why = {0};
    const struct check_libraries *libraries = w->q->libraries;
    if (!libraries)
        return true;
    pthread_mutex_lock(&w->lock);
    w->set = w->set ? w->set : libraries->begin();
    bool ok = check_library(libraries, w->set, code, &why);
    pthread_mutex_unlock(&w->lock);
    buf_free(&why);
    return ok;
}

static void lane_record(struct sink *s, const struct rdb_record *rec)
{
    struct lane *l = lane_of(s);
    check_rdb_record_line(&l->now.text, rec, l->now.base);
    if (rec->kind == RDB_REC_FUNCTION)
        l->refused |= !takes_library(l->whole, rec->value);
    if (rec->kind == RDB_REC_AUX && slice_eq(rec->name, SLICE_LIT(RDB_AUX_DIGEST)))
        snprintf(l->told, sizeof l->told, "%.*s", SLICE_ARG(rec->value));
}

static void lane_end(void *arg, struct sink *s, bool good)
{
    struct whole *w = arg;
    struct lane *l = lane_of(s);
    put_lines(l);
    w->refused |= l->refused || !good;
    w->counts.expires += l->counts.expires;
    w->counts.already_expired += l->counts.already_expired;
    w->counts.subexpires += l->counts.subexpires;
    digest_add(&w->digest, l->digest.total);
    if (l->told[0])
        memcpy(w->told, l->told, sizeof w->told);
    digest_free(&l->digest);
    mem_free(l);
}

static int64_t clock_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* One whose parts are told of in a way that all of it can be seen from the index. */
static bool suits(const struct whole *w, const struct rdb_image *m)
{
    const struct rdb_plan *p = &w->plan;
    return p->header_ok && p->version >= RDB_VERSION_CRC &&
           (p->list.by_trailer ? p->announced && p->list.behind == m->end
                               : !p->announced && blocks_count(&p->list) == 0);
}

static bool read_all(struct whole *w, struct rdb_image *m, struct check_rdb_result *r)
{
    static const struct quick_ops ops = {.begin = lane_begin, .piece = lane_piece,
                                         .record = lane_record, .end = lane_end};
    struct progress_bar bar = {0};
    progress_bar_init(&bar, false, false);
    progress_bar_begin(&bar, "check", m->end);
    struct rdb_quick q = {.image = m, .list = &w->plan.list, .valkey = w->plan.valkey,
                          .version = w->plan.version, .databases = w->q->databases,
                          .threads = w->q->threads, .step_bytes = w->q->step_bytes,
                          .ops = &ops, .arg = w, .progress = &bar};
    bool ok = rdb_quick(&q) && !w->refused;
    progress_bar_end(&bar);
    w->counts.keys = q.keys;
    r->offset = q.end_at;
    r->crc = q.crc_stored ? RDB_CRC_OK : RDB_CRC_NONE;
    return ok;
}

static int by_base(const void *a, const void *b)
{
    uint64_t x = ((const struct lines *)a)->base, y = ((const struct lines *)b)->base;
    return (x > y) - (x < y);
}

static bool check(struct whole *w, struct rdb_image *m, FILE *out)
{
    char hex[DIGEST_HEX];
    struct check_rdb_result r = {.trailer = RDB_TRAILER_NONE};
    if (!suits(w, m) || !read_all(w, m, &r))
        return false;
    if (w->plan.announced) {
        r.digest = digest_text(&w->digest, hex);
        r.trailer = RDB_TRAILER_OK;
        r.blocks = blocks_count(&w->plan.list) - 1; /* of the last one only the index tells */
        if (strcmp(r.digest, w->told) != 0)
            return false;
    }
    const struct lines *lines = (const void *)w->lines.data;
    if (w->lines.len)
        qsort(w->lines.data, w->lines.len / sizeof *lines, sizeof *lines, by_base);
    for (size_t i = 0; i < w->lines.len / sizeof *lines; i++)
        fwrite(lines[i].text.data, 1, lines[i].text.len, out);
    r.counts = w->counts;
    check_rdb_good_lines(out, &r);
    return true;
}

bool check_rdb_quick(const struct check_rdb_quick *q, FILE *out)
{
    struct rdb_image m = {.fd = q->fd, .end = q->size};
    struct whole w = {.q = q, .now_ms = clock_now_ms()};
    digest_init(&w.digest);
    pthread_mutex_init(&w.lock, NULL);
    plan_look(&w.plan, &m);
    bool ok = check(&w, &m, out);
    struct lines *lines = (struct lines *)(void *)w.lines.data;
    for (size_t i = 0; i < w.lines.len / sizeof *lines; i++)
        buf_free(&lines[i].text);
    buf_free(&w.lines);
    if (w.set)
        q->libraries->end(w.set);
    plan_free(&w.plan);
    image_free(&m);
    digest_free(&w.digest);
    pthread_mutex_destroy(&w.lock);
    return ok;
}
