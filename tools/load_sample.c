/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/load_sample.h"

#include <time.h>

#include "base/mem.h"
#include "format/rdb_read.h"
#include "store/keyspace.h"
#include "store/load.h"

static int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* A loader that takes no more of a value than there is room for: the reader goes on without it. */
struct limited {
    struct load load; /* first: its events are ours */
    const struct sink_ops *real;
    struct sink_ops ops;
    size_t before;
};

static bool full(struct sink *s)
{
    const struct limited *l = (const struct limited *)(const void *)s;
    if (mem_used() - l->before > LOAD_SAMPLE_MEMORY)
        fault_set(&s->fault, FAULT_LIMIT, "enough");
    return sink_bad(s);
}

static const struct sink_ops *real(struct sink *s)
{
    return ((const struct limited *)(const void *)s)->real;
}

static bool limited_packed(struct sink *s, enum pack pack, struct slice bytes)
{
    return full(s) || real(s)->packed(s, pack, bytes);
}

static void limited_item(struct sink *s, struct slice item)
{
    if (!full(s))
        real(s)->item(s, item);
}

/* A string of many megabytes, of which a compressed form may be short, is the end of the sample. */
static void limited_part(struct sink *s, struct slice bytes, uint64_t left)
{
    (void)bytes, (void)left;
    fault_set(&s->fault, FAULT_LIMIT, "enough");
}

static void limited_pair(struct sink *s, struct slice field, struct slice value, int64_t expire_ms)
{
    if (!full(s))
        real(s)->pair(s, field, value, expire_ms);
}

static void limited_score(struct sink *s, struct slice member, double score)
{
    if (!full(s))
        real(s)->score(s, member, score);
}

static void limited_node(struct sink *s, struct stream_id master, struct slice listpack)
{
    if (!full(s))
        real(s)->stream_node(s, master, listpack);
}

static void limited_init(struct limited *l, struct keyspace *ks)
{
    load_init(&l->load, ks, 0, 0);
    l->before = mem_used();
    l->real = l->load.sink.ops;
    l->ops = *l->real;
    l->ops.packed = limited_packed;
    l->ops.item = limited_item;
    l->ops.part = limited_part;
    l->ops.pair = limited_pair;
    l->ops.score = limited_score;
    l->ops.stream_node = limited_node;
    l->load.sink.ops = &l->ops;
}

/* How far it came. The stream ends where the sample does, maybe inside a value. */
static uint64_t load_some(struct in *in, struct keyspace *ks)
{
    struct rdb_reader r;
    struct rdb_record rec;
    struct limited l;
    limited_init(&l, ks);
    bool on = rdb_open(&r, in, &(struct rdb_options){.databases = ks->count, .keep_modules = true,
                                                     .trust_distinct = true});
    while (on && rdb_next(&r, &rec)) {
        /* A table made at once for all the file's keys would be no sample. */
        bool other = rec.kind == RDB_REC_FUNCTION || rec.kind == RDB_REC_MODULE_AUX ||
                     rec.kind == RDB_REC_RESIZE;
        on = (other || rdb_body(&r, &rec, &l.load.sink)) && !full(&l.load.sink);
    }
    if (!sink_bad(&l.load.sink))
        load_finish(&l.load);
    load_release(&l.load);
    rdb_close(&r);
    return in_offset(in);
}

uint64_t load_sample(struct rdb_image *m, uint64_t to)
{
    enum { DATABASES = 4096 };
    struct keyspace ks;
    struct image_stream s;
    struct in in;
    keyspace_init(&ks, DATABASES);
    uint64_t part = to - m->begin > LOAD_SAMPLE_BYTES ? m->begin + LOAD_SAMPLE_BYTES : to;
    image_stream(&s, &in, m, m->begin, part, 0);
    int64_t begun = now_us();
    uint64_t done = load_some(&in, &ks);
    int64_t took = now_us() - begun;
    in_free(&in);
    keyspace_release(&ks);
    enum { TOO_FEW = 64 << 10 };
    if (done < TOO_FEW && done < (to - m->begin) / 2)
        return 0; /* one value is longer than the sample */
    return (uint64_t)((double)took * (double)(to - m->begin) / (double)done);
}
