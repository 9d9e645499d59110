/* SPDX-License-Identifier: BSD-3-Clause */
/*   idle --interval over--> list the files -> thread: read each, note what is wrong -> (loop) act
 *
 * The thread touches nothing but its job. What it finds wrong is looked at again on the loop's
 * thread: a file that was replaced meanwhile, or that no manifest names any more, is history. */
#include "persist/scrub.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "format/aof_read.h"
#include "format/rdb_read.h"
#include "format/sink_count.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/worker.h"
#include "persist/aof_names.h"
#include "persist/aof_state.h"
#include "persist/file_out.h"
#include "persist/persist.h"
#include "persist/rewrite.h"
#include "persist/save_config.h"
#include "persist/snapshot.h"
#include "server/config.h"
#include "server/hooks.h"
#include "server/info.h"
#include "server/server.h"

struct scrub {
    struct persist *persist;
    struct worker *worker;
    int64_t interval_s, max_rate; /* settings */
    struct round *round;          /* under way, or NULL */
    int64_t due_us;               /* monotonic: when the next round begins */
    int64_t interval_seen_s;
    _Atomic bool stop;
    _Atomic uint64_t bytes_now;
    /* INFO */
    uint64_t rounds, errors;
    int64_t last_s, last_took_ms;
    uint64_t last_files, last_bytes;
    char last_error[FAULT_TEXT_MAX + 104]; /* the path and a fault */
};

/* One file of a round. */
struct target {
    char *path;
    char *part;     /* name in the manifest; NULL: the dump file */
    uint64_t limit; /* bytes to read; IN_SIZE_UNKNOWN: all */
    /* out */
    bool read;
    dev_t dev;
    ino_t ino;
    uint64_t bytes;
    struct fault fault;
};

struct round {
    struct worker_job job;
    struct scrub *scrub;
    int64_t began_us, rate;
    uint64_t bytes;
    size_t count;
    struct target targets[];
};

/* ---- on the thread ---- */

struct source {
    struct round *round;
    int fd;
    off_t at;
};

static ssize_t read_slowly(void *arg, void *to, size_t n)
{
    enum { PART = 256 << 10 };
    struct source *src = arg;
    struct round *r = src->round;
    while (!atomic_load(&r->scrub->stop) && r->rate > 0 &&
           file_rate_wait(r->began_us, r->bytes, r->rate))
        ;
    if (atomic_load(&r->scrub->stop))
        return -ECANCELED;
    ssize_t got = file_read(src->fd, to, n < PART ? n : PART);
    if (got > 0) {
        posix_fadvise(src->fd, src->at, got, POSIX_FADV_DONTNEED); /* leave the cache to others */
        src->at += got;
        r->bytes += (uint64_t)got;
        atomic_store(&r->scrub->bytes_now, r->bytes);
    }
    return got;
}

static void read_rdb(struct in *in, struct fault *f)
{
    struct rdb_options options = {.keep_modules = true};
    struct rdb_reader r;
    struct sink_count count;
    sink_count_init(&count, 0);
    bool ok = rdb_open(&r, in, &options) && rdb_read_all(&r, &count.sink);
    if (ok && rdb_trailer(&r) > RDB_TRAILER_OK && !in_bad(in)) {
        fault_set(f, FAULT_CRC, "The block index behind the RDB is damaged");
        f->offset = in_offset(in);
    }
    rdb_close(&r);
}

static void read_commands(struct in *in)
{
    struct aof_reader r;
    aof_open(&r, in, &(struct aof_limits){.loose = true, .open_end = true}); /* bytes, not sense */
    aof_read_all(&r);
    aof_close(&r);
}

static void read_target(struct round *round, struct target *t)
{
    struct source src = {.round = round, .fd = file_open(t->path, O_RDONLY | O_NONBLOCK, 0)};
    struct stat st;
    struct in in;
    uint64_t before = round->bytes;
    must(!t->read && !fault_is(&t->fault));
    if (src.fd < 0) {
        if (src.fd != -ENOENT)
            fault_io(&t->fault, -src.fd, "open", "Can't open it");
        return;
    }
    if (file_fstat(src.fd, &st) == 0 && S_ISREG(st.st_mode)) {
        uint64_t size = (uint64_t)st.st_size;
        t->dev = st.st_dev;
        t->ino = st.st_ino;
        t->read = true;
        posix_fadvise(src.fd, 0, 0, POSIX_FADV_DONTNEED); /* what the disk has, not the cache */
        in_init_callback(&in, read_slowly, &src, t->limit < size ? t->limit : size, 256 << 10);
        if (t->limit != IN_SIZE_UNKNOWN && size < t->limit)
            fault_set(&t->fault, FAULT_EOF, "It has %" PRIu64 " bytes, %" PRIu64 " were written",
                      size, t->limit);
        if (!t->part || aof_has_preamble(&in))
            read_rdb(&in, &t->fault);
        if (t->part && !in_bad(&in))
            read_commands(&in);
        if (in_bad(&in) && !fault_is(&t->fault))
            t->fault = in.fault;
        in_free(&in);
    }
    t->bytes = round->bytes - before;
    file_close(src.fd);
}

static void lower_priority(void)
{
    enum { WHO_THREAD = 1, CLASS_IDLE = 3, CLASS_SHIFT = 13, NICEST = 19 };
    syscall(SYS_ioprio_set, WHO_THREAD, 0, CLASS_IDLE << CLASS_SHIFT);
    setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICEST); /* of this thread only */
}

static void run_round(struct worker_job *job)
{
    struct round *r = (struct round *)(void *)job;
    must(r->scrub->round == r);
    lower_priority();
    for (size_t i = 0; i < r->count && !atomic_load(&r->scrub->stop); i++)
        read_target(r, &r->targets[i]);
}

/* ---- what it found ---- */

static bool is_named(const struct aof *a, const char *part)
{
    if (a->manifest.base.name && strcmp(a->manifest.base.name, part) == 0)
        return true;
    for (size_t i = 0; i < a->manifest.incr.count; i++)
        if (strcmp(a->manifest.incr.files[i].name, part) == 0)
            return true;
    return false;
}

/* Is it still the file that its name stands for? */
static bool is_current(const struct scrub *s, const struct target *t)
{
    struct stat st;
    if (t->part && !is_named(s->persist->aof, t->part))
        return false;
    if (!t->read)
        return true;
    return file_stat(t->path, &st) == 0 && st.st_dev == t->dev && st.st_ino == t->ino;
}

/* One name a file: an old one of the same inode is enough. */
static void keep_aside(const struct target *t)
{
    struct buf path = {0};
    struct stat st;
    must(fault_is(&t->fault));
    if (!t->read || file_stat(t->path, &st) < 0 || st.st_nlink > 1)
        return;
    buf_printf(&path, "%s.bad-%" PRId64, t->path, clock_wall_s());
    int err = file_link(t->path, buf_cstr(&path));
    if (err < 0)
        log_warning("Can't keep the damaged file as %s: %s", path.data, strerror(-err));
    else
        log_warning("The damaged file is kept as %s", path.data);
    file_sync_dir_of(t->path);
    buf_free(&path);
}

/* Both begin with the next tick, and not here: who waits for the workers' results may be in the
 * middle of something, as a rewrite is that is about to fork. */
static void replace(struct scrub *s, const struct target *t)
{
    if (t->part)
        rewrite_ask(s->persist->aof, false);
    else
        s->persist->snapshot->scheduled = true;
}

static void act_on(struct scrub *s, const struct target *t)
{
    const struct fault *f = &t->fault;
    if (!fault_is(f) || (f->code == FAULT_IO && f->err == ECANCELED) || !is_current(s, t))
        return;
    char line[FAULT_TEXT_MAX];
    fault_text(f, line, sizeof line);
    s->errors++;
    snprintf(s->last_error, sizeof s->last_error, "%.100s: %s", t->path, line);
    log_warning("Scrubbing found %s damaged: %s", t->path, line);
    if (f->code != FAULT_EOF && f->code != FAULT_FORMAT && f->code != FAULT_CRC &&
        f->code != FAULT_IO)
        return; /* not what a disk does to a file */
    keep_aside(t);
    replace(s, t);
}

static void free_round(struct round *r)
{
    for (size_t i = 0; i < r->count; i++) {
        mem_free(r->targets[i].path);
        mem_free(r->targets[i].part);
    }
    mem_free(r);
}

static void round_done(struct worker_job *job)
{
    struct round *r = (struct round *)(void *)job;
    struct scrub *s = r->scrub;
    must(s->round == r);
    s->round = NULL;
    if (!atomic_load(&s->stop)) {
        uint64_t errors = s->errors;
        s->last_files = 0;
        for (size_t i = 0; i < r->count; i++) {
            s->last_files += r->targets[i].read;
            act_on(s, &r->targets[i]);
        }
        must(s->last_files <= r->count && s->errors - errors <= r->count);
        s->rounds++;
        s->last_s = clock_wall_s();
        s->last_took_ms = (clock_mono_us() - r->began_us) / 1000;
        s->last_bytes = r->bytes;
        log_debug("Scrubbed %" PRIu64 " files, %" PRIu64 " bytes: %" PRIu64 " damaged",
                  s->last_files, s->last_bytes, s->errors - errors);
    }
    s->due_us = clock_mono_us() + s->interval_s * 1000000;
    free_round(r);
}

/* ---- beginning a round ---- */

static void add_part(struct round *r, const struct aof *a, const char *name, uint64_t limit)
{
    r->targets[r->count++] = (struct target){.path = aof_path(a, name), .part = mem_strdup(name),
                                             .limit = limit};
}

/* The open increment only as far as whole batches have been written. */
static void add_log(struct round *r, const struct aof *a)
{
    const struct manifest *m = &a->manifest;
    if (a->state == AOF_OFF)
        return;
    if (m->base.name)
        add_part(r, a, m->base.name, IN_SIZE_UNKNOWN);
    for (size_t i = 0; i < m->incr.count; i++) {
        bool open = i + 1 == m->incr.count && a->state == AOF_ON;
        if (!open || !a->write.broken_tail)
            add_part(r, a, m->incr.files[i].name, open ? a->open.size : IN_SIZE_UNKNOWN);
    }
}

static void begin(struct scrub *s)
{
    const struct persist *p = s->persist;
    struct fault f = {0};
    must(!s->round);
    char *dump = file_absolute(p->save->filename, &f);
    if (!dump) {
        log_warning("Can't scrub: %s", f.what);
        s->due_us = clock_mono_us() + s->interval_s * 1000000;
        return;
    }
    size_t most = 2 + p->aof->manifest.incr.count;
    struct round *r = mem_zalloc(sizeof *r + most * sizeof *r->targets);
    r->job.run = run_round;
    r->job.done = round_done;
    r->scrub = s;
    r->began_us = clock_mono_us();
    r->rate = s->max_rate;
    r->targets[r->count++] = (struct target){.path = dump, .limit = IN_SIZE_UNKNOWN};
    add_log(r, p->aof);
    must(r->count <= most);
    atomic_store(&s->bytes_now, 0);
    s->round = r;
    worker_give(s->worker, &r->job);
}

static void scrub_tick(void *arg, int64_t mono_ms)
{
    struct scrub *s = arg;
    int64_t now_us = clock_mono_us();
    (void)mono_ms;
    if (s->interval_s != s->interval_seen_s) { /* switched on, or changed */
        s->interval_seen_s = s->interval_s;
        s->due_us = now_us + s->interval_s * 1000000;
    }
    if (s->interval_s > 0 && !s->round && now_us >= s->due_us && !s->persist->loading)
        begin(s);
}

/* ---- set-up ---- */

void scrub_info(struct scrub *s, struct info_out *o)
{
    info_i64(o, "scrub_in_progress", s->round != NULL);
    info_u64(o, "scrub_current_bytes", s->round ? atomic_load(&s->bytes_now) : 0);
    info_u64(o, "scrub_rounds", s->rounds);
    info_i64(o, "scrub_last_time", s->last_s);
    info_i64(o, "scrub_last_duration_ms", s->last_took_ms);
    info_u64(o, "scrub_last_files", s->last_files);
    info_u64(o, "scrub_last_bytes", s->last_bytes);
    info_u64(o, "scrub_errors", s->errors);
    info_str(o, "scrub_last_error", s->last_error);
}

static const struct config_option options[] = {
    {.name = "scrub-interval", CONFIG_INT_AT(struct scrub, interval_s), .initial = "0", .min = 0,
     .max = INT32_MAX},
    {.name = "scrub-max-rate", CONFIG_SIZE_AT(struct scrub, max_rate), .initial = "32mb",
     .max = INT64_MAX},
    {.name = NULL}};

struct scrub *scrub_new(struct persist *p)
{
    struct scrub *s = mem_zalloc(sizeof *s);
    s->persist = p;
    s->last_took_ms = -1;
    s->worker = worker_new(server_workers(p->server), "scrub");
    config_add(server_config(p->server), options, s);
    hooks_on_tick(server_hooks(p->server), scrub_tick, s);
    return s;
}

void scrub_free(struct scrub *s)
{
    atomic_store(&s->stop, true);
    worker_drain(s->worker);
    workers_collect(server_workers(s->persist->server));
    must(!s->round);
    mem_free(s);
}
