/* SPDX-License-Identifier: BSD-3-Clause */
/* What is received is judged before it is loaded: whole and right, or not at all. */
#include "replication/received.h"

#include <stdio.h>
#include <unistd.h>

#include "format/rdb_write.h"
#include "os/file.h"
#include "os/worker.h"
#include "persist/persist_setup.h"
#include "tests/unit/server/served.h"

enum { KEYS = 50 };

static const struct command no_commands[] = {{0}};
static struct persist *p;
static struct workers *workers;
static struct worker *worker;
static char path[512];
static int checks;

static void make(bool guarded, unsigned db, struct buf *bytes)
{
    struct out out;
    struct rdb_writer w;
    char name[16];
    out_init_memory(&out);
    rdb_writer_init(&w, &out, &(struct rdb_write_options){.blocks = guarded});
    rdb_writer_begin(&w);
    w.sink.ops->db(&w.sink, db, KEYS, 0);
    for (int i = 0; i < KEYS; i++) {
        snprintf(name, sizeof name, "key %d", i);
        struct key_event k = {.name = slice_str(name), .type = VALUE_STRING,
                              .expire_ms = KEY_NO_EXPIRE, .idle_s = KEY_NO_IDLE,
                              .freq = KEY_NO_FREQ};
        w.sink.ops->key(&w.sink, &k);
        w.sink.ops->item(&w.sink, SLICE_LIT("some value"));
        w.sink.ops->end_key(&w.sink);
    }
    CHECK(rdb_writer_end(&w));
    *bytes = out.buf;
    rdb_writer_free(&w);
}

static void checked(void *arg)
{
    (void)arg;
    checks++;
}

static struct received *begin(void)
{
    struct fault f = {0};
    struct received *r = received_begin(&(struct received_spec){
        .worker = worker, .persist = p, .path = path, .checked = checked}, &f);
    CHECK(r && !fault_is(&f));
    return r;
}

/* In steps, the worker as far behind as it likes. */
static bool verdict(struct slice bytes, size_t step, uint64_t *keys)
{
    struct fault f = {0};
    struct received *r = begin();
    bool added = true;
    checks = 0;
    for (size_t at = 0; at < bytes.len && added; at += step)
        added = received_add(r, slice(bytes.data + at,
                                      bytes.len - at < step ? bytes.len - at : step), &f);
    CHECK(added || fault_is(&f));
    received_whole(r);
    worker_drain(worker);
    workers_collect(workers);
    CHECK_INT(checks, 1);
    struct fault why = {0};
    struct received_found found;
    bool ok = received_verdict(r, &found, &why);
    *keys = found.keys;
    CHECK(!ok || !found.unsure);
    CHECK(ok != fault_is(&why));
    received_drop(r, false);
    CHECK(!file_exists(path));
    return ok;
}

static void right_or_not(void)
{
    for (int guarded = 0; guarded < 2; guarded++) {
        struct buf bytes = {0};
        uint64_t keys = 0;
        make(guarded, 3, &bytes);
        for (size_t step = 1; step < 2000; step *= 7) {
            CHECK(verdict(buf_slice(&bytes), step, &keys));
            CHECK_INT(keys, KEYS);
        }
        for (size_t n = 0; n < bytes.len; n += guarded ? 61 : 7)
            CHECK(!verdict(slice(bytes.data, n), 100, &keys));
        for (size_t at = 0; at < bytes.len; at += guarded ? 61 : 7) {
            bytes.data[at] ^= 1;
            CHECK(!verdict(buf_slice(&bytes), 100, &keys));
            bytes.data[at] ^= 1;
        }
        buf_byte(&bytes, 0);
        CHECK(!verdict(buf_slice(&bytes), 100, &keys));
        buf_free(&bytes);
        make(guarded, 16, &bytes); /* there is no such database here */
        CHECK(!verdict(buf_slice(&bytes), 100, &keys));
        buf_free(&bytes);
    }
}

static void may_be_given_up(void)
{
    struct buf bytes = {0};
    struct fault f = {0};
    make(true, 0, &bytes);
    for (size_t n = 0; n < bytes.len; n += 97) {
        struct received *r = begin();
        checks = 0;
        CHECK(received_add(r, slice(bytes.data, n), &f));
        CHECK_INT(received_bytes(r), n);
        received_drop(r, false);
        worker_drain(worker);
        workers_collect(workers);
        CHECK_INT(checks, 0);
        CHECK(!file_exists(path));
    }
    /* whole, and dropped before anybody was told: the file may be wanted */
    struct received *r = begin();
    CHECK(received_add(r, buf_slice(&bytes), &f));
    received_whole(r);
    received_drop(r, true);
    worker_drain(worker);
    workers_collect(workers);
    CHECK_INT(checks, 0);
    CHECK(file_exists(path));
    file_unlink(path);
    buf_free(&bytes);
}

static void there_is_no_place(void)
{
    struct fault f = {0};
    CHECK(!received_begin(&(struct received_spec){.worker = worker, .persist = p,
                                                  .path = "/no/such/place", .checked = checked},
                          &f));
    CHECK(fault_is(&f));
}

int main(void)
{
    serve(no_commands);
    p = persist_new(s);
    workers = server_workers(s);
    worker = worker_new(workers, "sync-check");
    snprintf(path, sizeof path, "%s/temp.rdb", unit_tmpdir());
    int failed = UNIT_RUN(UNIT(right_or_not), UNIT(may_be_given_up), UNIT(there_is_no_place));
    persist_free(p);
    server_free(s);
    return failed;
}
