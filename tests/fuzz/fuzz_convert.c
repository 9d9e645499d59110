/* SPDX-License-Identifier: BSD-3-Clause */
/* Input: an RDB. Whatever can be read of it is written as each version, and as commands, what the
 * target lacks left out; that must be read to its end again, with as many keys, and give the same
 * bytes when it is converted once more. What only looks finds something exactly when something is
 * left out. */
#include <string.h>

#include "base/must.h"
#include "format/aof_read.h"
#include "format/aof_write.h"
#include "format/rdb_read.h"
#include "format/rdb_write.h"
#include "tests/fuzz/fuzz.h"
#include "tools/adapt.h"
#include "tools/sift.h"

static bool read_rdb(struct slice bytes, bool guarded, struct sink *to)
{
    struct in in;
    struct rdb_reader r;
    const struct rdb_options opt = {.keep_modules = true, .unguarded = !guarded};
    in_init_memory(&in, bytes);
    bool ok = rdb_open(&r, &in, &opt) && rdb_read_all(&r, to);
    must(ok || in_bad(&in) || sink_bad(to));
    rdb_close(&r);
    in_free(&in);
    return ok;
}

static bool rename_key(void *arg, struct key_event *key)
{
    struct buf *name = arg;
    buf_clear(name);
    buf_add(name, SLICE_LIT("r:"));
    buf_add(name, key->name);
    key->name = buf_slice(name);
    return true;
}

struct made {
    struct out out;
    uint64_t keys; /* that were to be written */
    uint64_t lacks;
    bool ok;
};

/* False: the input can't be read. */
static bool write_rdb(struct slice bytes, int version, bool renamed, struct made *m)
{
    struct rdb_writer w;
    struct adapt a;
    struct sift s, written;
    struct buf name = {0};
    out_init_memory(&m->out);
    rdb_writer_init(&w, &m->out, &(struct rdb_write_options){.version = version, .compress = true,
                                                             .blocks = true});
    rdb_writer_begin(&w);
    sift_init(&written, NULL, &w.sink);
    adapt_init(&a, (enum adapt_target)(version - 9), &written.pass.sink);
    sift_init(&s, NULL, &a.pass.sink);
    s.change = renamed ? rename_key : NULL;
    s.arg = &name;
    bool ok = read_rdb(bytes, false, &s.pass.sink);
    must(!sink_bad(&w.sink)); /* what it cannot hold is left out before */
    m->ok = ok && rdb_writer_end(&w);
    must(m->ok == ok);
    m->keys = written.taken;
    m->lacks = a.keys + a.libraries;
    adapt_free(&a);
    rdb_writer_free(&w);
    buf_free(&name);
    return ok;
}

static uint64_t lacks_of(struct slice bytes, int version)
{
    struct adapt a;
    adapt_init(&a, (enum adapt_target)(version - 9), NULL);
    read_rdb(bytes, false, &a.pass.sink);
    uint64_t lacks = a.keys + a.libraries;
    adapt_free(&a);
    return lacks;
}

static void check_version(struct slice bytes, int version, bool renamed)
{
    struct made m = {0}, again = {0};
    struct sift count;
    struct sink none = {.ops = &(const struct sink_ops){0}};
    if (write_rdb(bytes, version, renamed, &m)) {
        struct slice made = buf_slice(&m.out.buf);
        sift_init(&count, NULL, &none);
        must(read_rdb(made, true, &count.pass.sink));
        must(count.taken == m.keys);
        must(lacks_of(bytes, version) == m.lacks && lacks_of(made, version) == 0);
        must(write_rdb(made, version, false, &again));
        must(slice_eq(made, buf_slice(&again.out.buf)));
        out_free(&again.out);
    }
    out_free(&m.out);
}

static void check_commands(struct slice bytes)
{
    struct out out;
    struct aof_writer w;
    struct adapt a;
    struct in in;
    struct aof_reader r;
    enum aof_item item;
    out_init_memory(&out);
    aof_writer_init(&w, &out);
    adapt_init(&a, ADAPT_COMMANDS, &w.sink);
    bool ok = read_rdb(bytes, false, &a.pass.sink);
    must(!sink_bad(&w.sink));
    if (ok) {
        must(aof_writer_end(&w) && out_flush(&out));
        in_init_memory(&in, buf_slice(&out.buf));
        aof_open(&r, &in, &(struct aof_limits){0});
        while ((item = aof_next(&r)) == AOF_COMMAND)
            must(r.argc >= 2);
        must(item == AOF_END);
        aof_close(&r);
        in_free(&in);
    }
    adapt_free(&a);
    aof_writer_free(&w);
    out_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice bytes = slice(data, size);
    for (int version = 9; version <= 11; version++)
        check_version(bytes, version, size & 1);
    check_commands(bytes);
    return 0;
}

void fuzz_seeds(void)
{
    fuzz_add_path("fixtures/rdb");
    fuzz_add_path("../shared/fixtures");
}
