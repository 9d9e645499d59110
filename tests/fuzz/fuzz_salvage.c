/* SPDX-License-Identifier: BSD-3-Clause */
/* Input: a file that may be an RDB, whole, damaged, or none. Whatever it is, the engine of salvage
 * comes to its end, its records lie in the file, in order and apart; what it takes for undamaged
 * makes an RDB that the reader takes with all its checksums. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/must.h"
#include "format/rdb_write.h"
#include "format/sink_count.h"
#include "tests/fuzz/fuzz.h"
#include "tools/check_sink.h"
#include "tools/partial_key.h"
#include "tools/rdb_quick.h"
#include "tools/rdb_rescue.h"

struct run {
    struct rdb_image image;
    struct rdb_plan plan;
    struct rescue rescue;
    struct rdb_writer w;
    struct out out;
    uint64_t behind, copied, seen;
    bool twice; /* a second run over the same file */
    uint64_t keys, doubtful;
};

static void copy(struct run *r, const struct rescued *x)
{
    char part[4096];
    bool key = x->kind == RDB_REC_KEY;
    if (key)
        rdb_writer_copy_key(&r->w, x->db, x->before_has ? &x->before : NULL);
    for (uint64_t at = x->from; at < x->to;) {
        ssize_t got = image_read(&r->image, at, x->to, part, sizeof part);
        must(got > 0);
        rdb_writer_copy(&r->w, slice(part, (size_t)got));
        at = image_ahead(&r->image, at, (uint64_t)got);
    }
    rdb_writer_copied(&r->w, key, x->digest);
    r->copied += key;
}

static bool on_record(void *arg, const struct rescued *x)
{
    struct run *r = arg;
    must(x->from < x->to && x->to <= image_ahead(&r->image, r->image.end, 0));
    must(x->from >= r->behind);
    r->behind = x->from + 1;
    r->seen++;
    bool goes = x->kind == RDB_REC_KEY ? !x->doubtful
                                       : x->kind != RDB_REC_DB && x->kind != RDB_REC_RESIZE &&
                                             !x->integrity;
    if (goes)
        copy(r, x);
    return true;
}

static void on_broken(void *arg, const struct rescued *x)
{
    struct run *r = arg;
    struct partial_key p;
    partial_begin(&p, NULL);
    rescue_again(&r->rescue, x, &p.sink);
    if (!partial_some(&p) || r->plan.version < RDB_VERSION_WRITE_MIN)
        return;
    partial_begin(&p, &r->w.sink);
    rescue_again(&r->rescue, x, &p.sink);
    partial_end(&p);
    r->copied++;
}

/* Holes lie in the file. */
static void on_hole(void *arg, const struct rescue_hole *h)
{
    struct run *r = arg;
    must(h->from <= h->to && h->to <= r->image.end);
}

static void read_back(struct run *r)
{
    struct in in;
    struct rdb_reader reader;
    struct sink_count count;
    sink_count_init(&count, 0);
    in_init_memory(&in, buf_slice(&r->out.buf));
    bool ok = rdb_open(&reader, &in, &(struct rdb_options){.keep_modules = true}) &&
              rdb_read_all(&reader, &count.sink);
    if (!ok)
        fprintf(stderr, "%s\n", in.fault.what);
    must(ok);
    must(reader.keys == r->copied);
    must(r->plan.version < RDB_VERSION_AUX || rdb_trailer(&reader) == RDB_TRAILER_OK);
    rdb_close(&reader);
    in_free(&in);
}

static void rescue_all(struct run *r)
{
    static const struct rescue_ops ops = {.record = on_record, .broken = on_broken,
                                          .hole = on_hole};
    bool blocks = r->plan.version >= RDB_VERSION_AUX;
    out_init_memory(&r->out);
    rdb_writer_init(&r->w, &r->out,
                    &(struct rdb_write_options){.version = r->plan.version, .copies = true,
                                                .valkey = r->plan.valkey, .blocks = blocks,
                                                .trailer = blocks});
    rdb_writer_begin(&r->w);
    r->rescue = (struct rescue){.image = &r->image, .plan = &r->plan, .ops = &ops, .arg = r,
                                .digests = true};
    rescue_run(&r->rescue);
    must(rdb_writer_end(&r->w));
    read_back(r);
    rescue_free(&r->rescue);
    rdb_writer_free(&r->w);
    out_free(&r->out);
}

static struct sink *quick_begin(void *arg, struct rdb_options *options)
{
    struct sink_count *c = mem_alloc(sizeof *c);
    (void)arg;
    options->trust_distinct = false;
    sink_count_init(c, 0);
    return &c->sink;
}

static void quick_end(void *arg, struct sink *s, bool good)
{
    (void)good;
    *(uint64_t *)arg += ((struct sink_count *)(void *)s)->keys;
    mem_free(s);
}

/* What the quick way takes for good has no damage in the slow one. */
static void try_quick(struct run *r, uint64_t threads)
{
    static const struct quick_ops ops = {.begin = quick_begin, .end = quick_end};
    uint64_t keys = 0;
    struct rdb_quick q = {.image = &r->image, .list = &r->plan.list, .valkey = r->plan.valkey,
                          .version = r->plan.version, .threads = threads, .step_bytes = 100,
                          .ops = &ops, .arg = &keys};
    /* Without a checksum salvage is the more suspicious of the two. */
    if (r->plan.header_ok && rdb_quick(&q) && q.end_at == r->image.end && q.crc_stored)
        must(r->rescue.ended && r->rescue.keys == keys + r->rescue.empty_skipped);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct run r = {0};
    if (size < 10)
        return 0;
    hash_init(&(uint64_t[2]){1, 2}[0]);
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    r.image = (struct rdb_image){.fd = fd, .end = size};
    plan_make(&r.plan, &r.image, 1);
    rescue_all(&r);
    if (r.plan.corrections.len == 0)
        try_quick(&r, size % 4 ? 1 : 2);
    plan_free(&r.plan);
    image_free(&r.image);
    close(fd);
    return 0;
}

static void add_guarded(void)
{
    struct out out;
    struct rdb_writer w;
    struct key_event key = {.name = SLICE_LIT("k"), .type = VALUE_STRING,
                            .expire_ms = KEY_NO_EXPIRE, .idle_s = KEY_NO_IDLE,
                            .freq = KEY_NO_FREQ};
    out_init_memory(&out);
    rdb_writer_init(&w, &out, &(struct rdb_write_options){.blocks = true, .trailer = true});
    rdb_writer_begin(&w);
    for (char c = 'a'; c < 'q'; c++) {
        char name[4] = {'k', c};
        key.name = slice(name, 2);
        sink_key(&w.sink, &key);
        SINK_EVENT(&w.sink, item, SLICE_LIT("some value that is not short"));
        sink_end_key(&w.sink);
    }
    must(rdb_writer_end(&w));
    fuzz_add(out.buf.data, out.buf.len);
    rdb_writer_free(&w);
    out_free(&out);
}

void fuzz_seeds(void)
{
    const char *shared = getenv("FIXTURES_SHARED");
    add_guarded();
    fuzz_add_path("fixtures/rdb");
    fuzz_add_path(shared ? shared : "../shared/fixtures");
}
