/* SPDX-License-Identifier: BSD-3-Clause */
/* What a trial says of a data set is what a load does with it: it may be unsure, never wrong. */
#include "persist/trial.h"

#include <stdio.h>

#include "base/log.h"
#include "format/in.h"
#include "format/out.h"
#include "format/rdb_write.h"
#include "persist/boot.h"
#include "persist/persist_setup.h"
#include "server/hooks.h"
#include "store/aside.h"
#include "tests/unit/format/corpus.h"
#include "tests/unit/server/served.h"

static const struct command no_commands[] = {{0}};
static struct persist *p;

/* ---- a feature with libraries and a field ---- */
static int begun, taken, dropped;

static void begin_feature(void *arg, bool beside)
{
    (void)arg;
    begun++;
    CHECK(beside);
}

static bool take_field(void *arg, struct slice name, struct slice value, struct fault *f)
{
    (void)arg;
    if (!slice_eq(name, SLICE_LIT("feature")))
        return false;
    if (slice_eq(value, SLICE_LIT("bad")))
        fault_set(f, FAULT_FORMAT, "a bad field");
    return true;
}

static bool take_library(void *arg, struct slice source, struct fault *f)
{
    (void)arg;
    if (slice_eq(source, SLICE_LIT("bad")))
        fault_set(f, FAULT_FORMAT, "a bad library");
    return !slice_eq(source, SLICE_LIT("nobody's"));
}

static void end_feature(void *arg, bool ok)
{
    (void)arg;
    taken += ok;
    dropped += !ok;
}

static const struct aux_loader loader = {.begin = begin_feature, .field = take_field,
                                         .function = take_library, .end = end_feature};

/* ---- both ---- */
struct told {
    bool ok, unsure;
    uint64_t keys;
    struct fault fault;
};

static struct told tried(struct slice bytes)
{
    struct trial t;
    struct in in;
    struct told told = {0};
    begun = taken = dropped = 0;
    trial_init(&t, server_keyspace(s));
    in_init_memory(&in, bytes);
    told.ok = trial_read(&t, &in, false, &told.fault) && trial_features(&t, p, &told.fault);
    told.keys = t.keys;
    told.unsure = t.unsure;
    CHECK(told.ok != fault_is(&told.fault));
    CHECK(taken == 0 && begun == dropped);
    in_free(&in);
    trial_free(&t);
    return told;
}

static bool judge_end(void *arg, const struct boot_source *src, struct fault *f)
{
    struct in *in = arg;
    if (trial_trailer(src->trailer, f) && !in_at_end(in))
        fault_set(f, FAULT_FORMAT, "more");
    return !fault_is(f);
}

static struct told loaded(struct slice bytes)
{
    struct keyspace other;
    struct in in;
    struct told told = {0};
    keyspace_begin_beside(&other, server_keyspace(s));
    in_init_memory(&in, bytes);
    struct boot_source src = {.name = "it", .into = &other, .judge = judge_end, .arg = &in};
    told.ok = boot_read(p, &in, &src, &told.fault);
    told.keys = src.keys;
    in_free(&in);
    keyspace_drop_beside(&other);
    return told;
}

/* True when it would be taken. */
static bool same(struct slice bytes)
{
    struct told a = tried(bytes), b = loaded(bytes);
    CHECK(a.ok == b.ok || (a.ok && a.unsure));
    if (a.ok && b.ok)
        CHECK_INT(a.keys, b.keys);
    return b.ok;
}

/* ---- streams ---- */
struct making {
    struct out out;
    struct rdb_writer w;
};

static void begin_making(struct making *m)
{
    out_init_memory(&m->out);
    rdb_writer_init(&m->w, &m->out, &(struct rdb_write_options){.blocks = true});
    rdb_writer_begin(&m->w);
}

static void add_key(struct making *m, unsigned db, const char *name)
{
    struct sink *to = &m->w.sink;
    struct key_event k = {.name = slice_str(name), .type = VALUE_STRING, .db = db,
                          .expire_ms = KEY_NO_EXPIRE, .idle_s = KEY_NO_IDLE,
                          .freq = KEY_NO_FREQ};
    to->ops->db(to, db, 1, 0);
    to->ops->key(to, &k);
    to->ops->item(to, SLICE_LIT("value"));
    to->ops->end_key(to);
}

static void end_making(struct making *m, struct buf *to)
{
    CHECK(rdb_writer_end(&m->w));
    rdb_writer_free(&m->w);
    buf_clear(to);
    buf_add(to, buf_slice(&m->out.buf));
    out_free(&m->out);
}

static void key_twice(void)
{
    struct making m;
    struct buf bytes = {0};
    begin_making(&m);
    for (int i = 0; i < 50000; i++) {
        char name[16];
        snprintf(name, sizeof name, "key %d", i);
        add_key(&m, 0, name);
    }
    add_key(&m, 1, "key 7");
    end_making(&m, &bytes);
    struct told once = tried(buf_slice(&bytes));
    CHECK(once.ok && !once.unsure);
    CHECK_INT(once.keys, 50001);
    begin_making(&m);
    add_key(&m, 3, "a");
    add_key(&m, 3, "b");
    add_key(&m, 3, "a");
    end_making(&m, &bytes);
    CHECK(tried(buf_slice(&bytes)).unsure && !loaded(buf_slice(&bytes)).ok);
    buf_free(&bytes);
}

static void features_are_asked(void)
{
    static const struct {
        const char *library, *field;
        bool ok;
    } rows[] = {{"good", "good", true}, {"bad", "good", false}, {"good", "bad", false},
                {"nobody's", "good", false}};
    struct buf bytes = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct making m;
        begin_making(&m);
        SINK_EVENT(&m.w.sink, aux, SLICE_LIT("feature"), slice_str(rows[i].field));
        SINK_EVENT(&m.w.sink, function, SLICE_LIT("good"));
        SINK_EVENT(&m.w.sink, function, slice_str(rows[i].library));
        add_key(&m, 0, "k");
        end_making(&m, &bytes);
        CHECK(same(buf_slice(&bytes)) == rows[i].ok);
        struct told told = tried(buf_slice(&bytes));
        CHECK(told.ok == rows[i].ok && !told.unsure && begun == 1);
    }
    buf_free(&bytes);
}

static void nothing_in_it(void)
{
    struct making m;
    struct buf bytes = {0};
    begin_making(&m);
    end_making(&m, &bytes);
    struct told told = tried(buf_slice(&bytes));
    CHECK(told.ok && !told.keys && !told.unsure);
    buf_byte(&bytes, 'x');
    CHECK(!same(buf_slice(&bytes)) && !tried(buf_slice(&bytes)).ok);
    buf_free(&bytes);
}

/* All versions and what this server cannot hold of them, as they are, cut and damaged. */
static int taken_files, refused_files;

static void check_file(const char *dir, const char *name)
{
    struct buf bytes = {0};
    char path[512];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    CHECK(corpus_slurp(path, &bytes));
    if (same(buf_slice(&bytes)))
        taken_files++;
    else
        refused_files++;
    for (size_t n = 0; n < bytes.len; n += bytes.len / 500 + 1)
        same(slice(bytes.data, n));
    for (size_t at = 0; at < bytes.len; at += bytes.len / 500 + 1) {
        bytes.data[at] ^= 0x21;
        same(buf_slice(&bytes));
        bytes.data[at] ^= 0x21;
    }
    buf_free(&bytes);
}

static void fixtures(void)
{
    CHECK(corpus_each("fixtures/rdb", ".rdb", check_file) >= 14);
    CHECK(taken_files >= 8);
    CHECK(refused_files >= 3); /* fields that expire, modules, producers of streams */
}

int main(void)
{
    log_set_level(LOG_WARNING_LEVEL);
    serve(no_commands);
    p = persist_new(s);
    hooks_on_aux(server_hooks(s), NULL, &loader, NULL);
    int failed = UNIT_RUN(UNIT(key_twice), UNIT(features_are_asked), UNIT(nothing_in_it),
                          UNIT(fixtures));
    persist_free(p);
    server_free(s);
    return failed;
}
