/* SPDX-License-Identifier: BSD-3-Clause */
/* The data set through a pipe: a child writes it, the parent reads it into another keyspace. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "format/digest.h"
#include "format/in.h"
#include "format/out.h"
#include "format/rdb_read.h"
#include "format/sink_count.h"
#include "os/clock.h"
#include "os/file.h"
#include "persist/aof_names.h"
#include "persist/aof_state.h"
#include "persist/boot.h"
#include "persist/file_out.h"
#include "persist/persist_setup.h"
#include "persist/rewrite.h"
#include "persist/snapshot.h"
#include "store/aside.h"
#include "store/db.h"
#include "store/walk.h"
#include "tests/unit/server/served.h"

enum { KEYS = 5000 };

static const struct command no_commands[] = {{0}};
static const struct child_kind child_sends = {.name = "sends", .title = "Sending",
    .work = "Sending", .busy = "It is being sent"};

static struct persist *p;
static struct fault child_fault;

/* A feature with state of its own. */
static enum aux_purpose asked_for;
static bool with_function;
static struct slice aux_seen;

static void save_aux(void *arg, struct sink *sink, enum aux_purpose purpose)
{
    (void)arg;
    asked_for = purpose;
    if (sink->ops->aux)
        sink->ops->aux(sink, SLICE_LIT("our-field"), SLICE_LIT("17"));
    if (with_function && sink->ops->function)
        sink->ops->function(sink, SLICE_LIT("#!lua name=x"));
}

static bool load_aux(void *arg, struct slice name, struct slice value, struct fault *f)
{
    (void)arg, (void)f;
    bool ours = slice_eq(name, SLICE_LIT("our-field"));
    if (ours)
        aux_seen = slice_eq(value, SLICE_LIT("17")) ? SLICE_LIT("17") : SLICE_LIT("wrong");
    return ours;
}

static const struct aux_loader loader = {.field = load_aux};

static void fill(struct keyspace *ks)
{
    char name[32];
    for (int i = 0; i < KEYS; i++) {
        snprintf(name, sizeof name, "key:%d", i);
        db_set_string(keyspace_db(ks, i % 3), slice_str(name), slice_str(name + i % 4),
                      i % 7 ? KEY_NO_EXPIRE : 4000000000000 + i);
    }
}

/* One server for all cases, with the same keys in each. */
static void begin(void)
{
    struct fault f = {0};
    if (!s) {
        CHECK_INT(chdir(unit_tmpdir()), 0);
        serve(no_commands);
        p = persist_new(s);
        hooks_on_aux(server_hooks(s), save_aux, &loader, NULL);
        CHECK(server_configured(s, &f));
        CHECK(persist_start(p, &f));
    }
    struct keyspace *ks = server_keyspace(s);
    keyspace_drop_aside(ks, keyspace_put_aside(ks));
    fill(ks);
    child_fault = (struct fault){0};
    aux_seen = (struct slice){0};
    with_function = false;
}

static void ended(void *arg, const struct child_end *child_end)
{
    (void)arg;
    child_fault = persist_child_fault(child_end, &child_sends);
    persist_child_gone(p, child_end);
}

static void digest_of(struct keyspace *ks, char text[DIGEST_HEX])
{
    struct digest d;
    struct walk_progress walk = {0};
    digest_init(&d);
    CHECK(walk_keyspace(ks, &d.sink, &walk));
    digest_hex(&d, text);
    digest_free(&d);
}

/* The child's side. */
static _Noreturn void send_all(int fd)
{
    struct child_report report = {0};
    struct file_out to = {.fd = fd, .child = &p->child};
    struct snapshot_stream what = {.purpose = AUX_SYNC, .child = &p->child};
    struct out out;
    out_init_callback(&out, file_out_write, &to, 4096);
    bool ok = snapshot_stream(p->snapshot, &what, &out, &report.fault);
    report.keys = what.keys;
    report.bytes = what.bytes;
    child_finish(&p->child, &report, sizeof report, ok && asked_for == AUX_SYNC ? 0 : 1);
}

static int fork_sender(void)
{
    int ends[2];
    struct fault f = {0};
    CHECK_INT(pipe2(ends, O_CLOEXEC), 0);
    struct child_spec spec = {.ended = ended, .keep = &ends[1], .keep_count = 1};
    if (persist_fork(p, &child_sends, &spec, &f) == 0)
        send_all(ends[1]);
    CHECK(p->child_kind == &child_sends);
    close(ends[1]);
    return ends[0];
}

static void wait_for_child(void)
{
    int64_t until_us = clock_mono_us() + 60000000;
    while (p->child_kind && clock_mono_us() < until_us)
        loop_turn(server_loop(s), 10000);
    CHECK(!p->child_kind);
}

static void through_a_pipe(void)
{
    begin();
    struct fault f = {0};
    struct in in;
    struct keyspace other;
    char here[DIGEST_HEX], there[DIGEST_HEX];
    digest_of(server_keyspace(s), here);
    int fd = fork_sender();
    db_set_string(keyspace_db(server_keyspace(s), 0), SLICE_LIT("later"), SLICE_LIT("x"),
                  KEY_NO_EXPIRE); /* is not in it */
    keyspace_init(&other, 16);
    in_init_callback(&in, file_in_read, &fd, IN_SIZE_UNKNOWN, 1000);
    struct boot_source src = {.name = "the pipe", .into = &other};
    CHECK(boot_read(p, &in, &src, &f));
    wait_for_child();
    CHECK(!fault_is(&child_fault));
    CHECK_INT(src.keys, KEYS);
    CHECK_INT(keyspace_count(&other), KEYS);
    digest_of(&other, there);
    CHECK_STR(there, here);
    CHECK_SLICE(aux_seen, SLICE_LIT("17"));
    CHECK(!p->loading && !p->beside);
    in_free(&in);
    close(fd);
    keyspace_release(&other);
}

static void make(struct buf *to, struct snapshot_stream what)
{
    struct fault f = {0};
    struct out out;
    out_init_memory(&out);
    CHECK(snapshot_stream(p->snapshot, &what, &out, &f));
    buf_clear(to);
    buf_append(to, out.buf.data, out.buf.len);
    CHECK_INT(out.buf.len, what.bytes);
    out_free(&out);
}

/* A stream that ends too soon is a fault that names it. */
static void cut_short(void)
{
    begin();
    struct buf whole = {0};
    make(&whole, (struct snapshot_stream){.purpose = AUX_SYNC});
    for (int part = 1; part < 8; part++) {
        struct fault f = {0};
        struct in in;
        struct keyspace other;
        keyspace_init(&other, 16);
        in_init_memory(&in, slice(whole.data, whole.len * (size_t)part / 8));
        CHECK(!boot_read(p, &in, &(struct boot_source){.name = "half a stream", .into = &other},
                         &f));
        CHECK_INT(f.code, FAULT_EOF);
        CHECK(strncmp(f.what, "half a stream", 13) == 0);
        in_free(&in);
        keyspace_release(&other);
    }
    buf_free(&whole);
}

static void into_the_server(void)
{
    begin();
    struct buf whole = {0};
    struct in in;
    struct fault f = {0};
    char before[DIGEST_HEX], after[DIGEST_HEX];
    digest_of(server_keyspace(s), before);
    make(&whole, (struct snapshot_stream){.purpose = AUX_DUMP});
    CHECK_INT(asked_for, AUX_DUMP);
    struct aside *aside = keyspace_put_aside(server_keyspace(s));
    in_init_memory(&in, buf_slice(&whole));
    struct boot_source src = {.name = "memory"};
    CHECK(boot_read(p, &in, &src, &f));
    CHECK_SLICE(aux_seen, SLICE_LIT("17"));
    CHECK_INT(p->load_keys_loaded, KEYS);
    digest_of(server_keyspace(s), after);
    CHECK_STR(after, before);
    keyspace_drop_aside(server_keyspace(s), aside);
    in_free(&in);
    buf_free(&whole);
}

struct counted {
    uint64_t keys, functions, aux;
    int version;
};

static struct counted count(const struct buf *stream)
{
    struct counted n = {0};
    struct in in;
    struct rdb_reader r;
    struct rdb_record rec;
    struct sink_count c;
    in_init_memory(&in, buf_slice(stream));
    sink_count_init(&c, 0);
    CHECK(rdb_open(&r, &in, &(struct rdb_options){0}));
    while (rdb_next(&r, &rec)) {
        n.aux += rec.kind == RDB_REC_AUX && slice_eq(rec.name, SLICE_LIT("our-field"));
        rdb_body(&r, &rec, &c.sink);
    }
    CHECK(!in_bad(&in));
    CHECK_INT(in_offset(&in), stream->len); /* nothing behind its end */
    n.version = r.version;
    n.keys = c.keys;
    n.functions = c.functions;
    rdb_close(&r);
    in_free(&in);
    return n;
}

static void parts_of_it(void)
{
    begin();
    struct buf got = {0};
    struct fault f = {0};
    with_function = true;
    make(&got, (struct snapshot_stream){.purpose = AUX_SYNC, .version = 10});
    struct counted n = count(&got);
    CHECK(n.keys == KEYS && n.functions == 1 && n.aux == 1 && n.version == 10);
    make(&got, (struct snapshot_stream){.purpose = AUX_SYNC, .no_keys = true});
    n = count(&got);
    CHECK(n.keys == 0 && n.functions == 1 && n.aux == 1 && n.version == 11);
    make(&got, (struct snapshot_stream){.purpose = AUX_SYNC, .version = 9, .no_functions = true});
    n = count(&got);
    CHECK(n.keys == KEYS && n.functions == 0 && n.aux == 1 && n.version == 9);
    struct out out; /* version 9 has no place for it */
    out_init_memory(&out);
    CHECK(!snapshot_stream(p->snapshot, &(struct snapshot_stream){.version = 9}, &out, &f));
    CHECK_INT(f.code, FAULT_CANNOT_HOLD);
    out_free(&out);
    buf_free(&got);
}

static bool holds(const struct buf *text, const char *what)
{
    return memmem(text->data, text->len, what, strlen(what)) != NULL;
}

/* As commands it carries what has a command: function libraries. */
static void log_base_of_commands(void)
{
    begin();
    struct buf base = {0};
    struct fault f = {0};
    with_function = true;
    p->aof->use_rdb_preamble = false;
    asked_for = AUX_SYNC;
    CHECK(rewrite_now(p->aof, &f));
    CHECK_INT(asked_for, AUX_LOG_BASE);
    char *path = aof_path(p->aof, p->aof->manifest.base.name);
    CHECK(file_slurp(path, 1 << 20, &base, &f));
    CHECK(holds(&base, "FUNCTION") && holds(&base, "#!lua name=x") && holds(&base, "key:17"));
    CHECK(!holds(&base, "our-field"));
    mem_free(path);
    buf_free(&base);
}

int main(void)
{
    int failed = UNIT_RUN(UNIT(through_a_pipe), UNIT(cut_short), UNIT(into_the_server),
                          UNIT(parts_of_it), UNIT(log_base_of_commands));
    persist_free(p);
    server_free(s);
    return failed;
}
