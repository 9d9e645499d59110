/* SPDX-License-Identifier: BSD-3-Clause */
#include "persist/verify.h"

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <time.h>

#include "base/mem.h"
#include "base/must.h"
#include "format/aof_read.h"
#include "format/rdb_read.h"
#include "os/child.h"
#include "os/file.h"

struct proof {
    int fd;
    struct child *child;
    uint64_t read;
    struct in in;
};

static ssize_t read_back(void *arg, void *to, size_t n)
{
    struct proof *p = arg;
    ssize_t got = file_read(p->fd, to, n);
    p->read += got > 0 ? (uint64_t)got : 0;
    if (p->child)
        child_wrote(p->child, p->read);
    return got;
}

static bool begin(struct proof *p, const char *path, uint64_t bytes, struct child *child,
                  struct fault *f)
{
    *p = (struct proof){.child = child};
    p->fd = file_open(path, O_RDONLY, 0);
    if (p->fd < 0) {
        fault_io(f, -p->fd, "open", "Can't open %s to verify it", path);
        return false;
    }
    int64_t size = file_size(p->fd);
    if (size < 0 || (uint64_t)size != bytes) {
        fault_set(f, FAULT_FORMAT, "%s has %" PRId64 " bytes, %" PRIu64 " were written", path, size,
                  bytes);
        file_close(p->fd);
        return false;
    }
    in_init_callback(&p->in, read_back, p, bytes, 0);
    return true;
}

static bool end(struct proof *p, const char *path, struct fault *f)
{
    if (in_bad(&p->in) && !fault_is(f)) {
        *f = p->in.fault;
        fault_clear(f);
        fault_set(f, p->in.fault.code, "%s does not read back: %s", path, p->in.fault.what);
        f->offset = p->in.fault.offset;
    }
    must(!in_bad(&p->in) || fault_is(f));
    in_free(&p->in);
    file_close(p->fd);
    if (fault_is(f))
        f->doing = "verify";
    return !fault_is(f);
}

static void check_end(struct rdb_reader *r, const char *path, bool guarded, struct fault *f)
{
    if (in_bad(r->in))
        return;
    char hex[DIGEST_HEX];
    bool digest = rdb_digest_verified(r, hex) != NULL;
    if (rdb_trailer(r) != (guarded ? RDB_TRAILER_OK : RDB_TRAILER_NONE) || digest != guarded)
        fault_set(f, FAULT_CRC, "%s reads back without the right block index or digest", path);
    else if (!in_bad(r->in) && !in_at_end(r->in))
        fault_set(f, FAULT_FORMAT, "%s reads back with bytes behind its end", path);
}

/* The whole stream. Keys that were found. */
static uint64_t read_all(struct in *in, const char *path, bool guarded, struct fault *f)
{
    struct rdb_reader r;
    struct rdb_record rec;
    struct rdb_options options = {.keep_modules = true, .trust_distinct = true};
    bool ok = rdb_open(&r, in, &options);
    while (ok && rdb_next(&r, &rec))
        ok = rdb_skip(&r, &rec);
    check_end(&r, path, guarded, f);
    must(r.keys >= r.empty_skipped);
    uint64_t found = r.keys - r.empty_skipped;
    rdb_close(&r);
    return found;
}

static void check_keys(const struct in *in, const char *path, uint64_t found, uint64_t keys,
                       struct fault *f)
{
    if (!in_bad(in) && found != keys)
        fault_set(f, FAULT_FORMAT, "%s reads back with %" PRIu64 " keys, %" PRIu64 " were written",
                  path, found, keys);
}

bool verify_rdb(const char *path, uint64_t bytes, uint64_t keys, bool guarded, struct child *child,
                struct fault *f)
{
    struct proof p;
    if (!begin(&p, path, bytes, child, f))
        return false;
    uint64_t found = read_all(&p.in, path, guarded, f);
    check_keys(&p.in, path, found, keys, f);
    return end(&p, path, f);
}

/* ---- beside the writer ---- */

struct verify_beside {
    struct proof proof; /* the thread's until it is over */
    struct fault fault;
    uint64_t found;
    char *path;
    bool guarded;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* under lock */
    uint64_t written, read;
    bool complete, dropped, over;
};

/* Never beyond what is written; at its end it waits for more. */
static ssize_t read_behind(void *arg, void *to, size_t n)
{
    struct verify_beside *v = arg;
    pthread_mutex_lock(&v->lock);
    while (v->read == v->written && !v->complete && !v->dropped)
        pthread_cond_wait(&v->changed, &v->lock);
    must(v->read <= v->written);
    uint64_t more = v->dropped ? 0 : v->written - v->read;
    pthread_mutex_unlock(&v->lock);
    ssize_t got = more ? file_read(v->proof.fd, to, n < more ? n : (size_t)more) : 0;
    pthread_mutex_lock(&v->lock);
    v->read += got > 0 ? (uint64_t)got : 0;
    pthread_mutex_unlock(&v->lock);
    return got;
}

static void *run_beside(void *arg)
{
    struct verify_beside *v = arg;
    mem_thread_enter();
    v->found = read_all(&v->proof.in, v->path, v->guarded, &v->fault);
    pthread_mutex_lock(&v->lock);
    v->over = true;
    pthread_cond_signal(&v->changed);
    pthread_mutex_unlock(&v->lock);
    mem_thread_leave();
    return NULL;
}

static void free_beside(struct verify_beside *v)
{
    must(v->path);
    pthread_mutex_destroy(&v->lock);
    pthread_cond_destroy(&v->changed);
    mem_free(v->path);
    mem_free(v);
}

struct verify_beside *verify_beside(const char *path, bool guarded)
{
    struct verify_beside *v = mem_zalloc(sizeof *v);
    v->proof.fd = file_open(path, O_RDONLY, 0);
    v->path = mem_strdup(path);
    v->guarded = guarded;
    pthread_mutex_init(&v->lock, NULL);
    pthread_cond_init(&v->changed, NULL);
    if (v->proof.fd >= 0) {
        in_init_callback(&v->proof.in, read_behind, v, IN_SIZE_UNKNOWN, 0);
        if (pthread_create(&v->thread, NULL, run_beside, v) == 0)
            return v;
        in_free(&v->proof.in);
        file_close(v->proof.fd);
    }
    free_beside(v);
    return NULL;
}

void verify_beside_grew(struct verify_beside *v, uint64_t bytes)
{
    pthread_mutex_lock(&v->lock);
    must(bytes >= v->written);
    v->written = bytes;
    pthread_cond_signal(&v->changed);
    pthread_mutex_unlock(&v->lock);
}

/* Whoever watches the child sees that it goes on. */
static void wait_over(struct verify_beside *v, struct child *child)
{
    enum { LOOK_EVERY_NS = 100 * 1000 * 1000, SECOND_NS = 1000 * 1000 * 1000 };
    pthread_mutex_lock(&v->lock);
    must(!v->complete && !v->dropped);
    v->complete = true;
    pthread_cond_signal(&v->changed);
    while (!v->over) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += LOOK_EVERY_NS;
        until.tv_sec += until.tv_nsec / SECOND_NS;
        until.tv_nsec %= SECOND_NS;
        pthread_cond_timedwait(&v->changed, &v->lock, &until);
        if (child)
            child_wrote(child, v->read);
    }
    pthread_mutex_unlock(&v->lock);
    must(pthread_join(v->thread, NULL) == 0);
}

bool verify_beside_end(struct verify_beside *v, uint64_t bytes, uint64_t keys, bool guarded,
                       struct child *child, struct fault *f)
{
    must(guarded == v->guarded);
    wait_over(v, child);
    int64_t size = file_size(v->proof.fd);
    *f = v->fault;
    bool all = in_bad(&v->proof.in) || v->read == bytes;
    if (!fault_is(f) && (size < 0 || (uint64_t)size != bytes || !all))
        fault_set(f, FAULT_FORMAT, "%s has %" PRId64 " bytes, %" PRIu64 " were written", v->path,
                  size, bytes);
    if (!fault_is(f))
        check_keys(&v->proof.in, v->path, v->found, keys, f);
    bool ok = end(&v->proof, v->path, f);
    free_beside(v);
    return ok;
}

void verify_beside_drop(struct verify_beside *v)
{
    pthread_mutex_lock(&v->lock);
    must(!v->complete && !v->dropped);
    v->dropped = true;
    pthread_cond_signal(&v->changed);
    pthread_mutex_unlock(&v->lock);
    must(pthread_join(v->thread, NULL) == 0);
    in_free(&v->proof.in);
    file_close(v->proof.fd);
    free_beside(v);
}

bool verify_commands(const char *path, uint64_t bytes, bool sealed, struct child *child,
                     struct fault *f)
{
    struct proof p;
    struct aof_reader r;
    if (!begin(&p, path, bytes, child, f))
        return false;
    aof_open(&r, &p.in, &(struct aof_limits){0});
    if (aof_read_all(&r) == AOF_END && r.bytes_checked != (sealed ? bytes : 0))
        fault_set(f, FAULT_CRC, "%s reads back with checksums for %" PRIu64 " of %" PRIu64 " bytes",
                  path, r.bytes_checked, bytes);
    aof_close(&r);
    return end(&p, path, f);
}
