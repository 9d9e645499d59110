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

/* How far it came. */
static uint64_t load_some(struct in *in, struct keyspace *ks)
{
    struct rdb_reader r;
    struct rdb_record rec;
    struct load l;
    size_t before = mem_used();
    uint64_t at = 0;
    load_init(&l, ks, 0, 0);
    bool on = rdb_open(&r, in, &(struct rdb_options){.databases = ks->count, .keep_modules = true,
                                                     .trust_distinct = true});
    while (on && at < LOAD_SAMPLE_BYTES && mem_used() - before < LOAD_SAMPLE_MEMORY &&
           rdb_next(&r, &rec)) {
        /* A table made at once for all the file's keys would be no sample. */
        bool other = rec.kind == RDB_REC_FUNCTION || rec.kind == RDB_REC_MODULE_AUX ||
                     rec.kind == RDB_REC_RESIZE;
        on = other || rdb_body(&r, &rec, &l.sink);
        at = on ? in_offset(in) : at;
    }
    load_finish(&l);
    load_release(&l);
    rdb_close(&r);
    return at;
}

uint64_t load_sample(struct rdb_image *m, uint64_t to)
{
    enum { DATABASES = 4096 };
    struct keyspace ks;
    struct image_stream s;
    struct in in;
    keyspace_init(&ks, DATABASES);
    image_stream(&s, &in, m, m->begin, to, 0);
    int64_t begun = now_us();
    uint64_t done = load_some(&in, &ks);
    int64_t took = now_us() - begun;
    in_free(&in);
    keyspace_release(&ks);
    return done ? (uint64_t)((double)took * (double)(to - m->begin) / (double)done) : 0;
}
