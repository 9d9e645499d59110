/* SPDX-License-Identifier: BSD-3-Clause */
#include "persist/verify.h"

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>

#include "base/mem.h"
#include "base/must.h"
#include "format/aof_read.h"
#include "format/rdb_read.h"
#include "os/child.h"
#include "os/file.h"
#include "persist/read_behind.h"

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
    struct read_behind behind;
};

static void *run_beside(void *arg)
{
    struct verify_beside *v = arg;
    mem_thread_enter();
    v->found = read_all(&v->proof.in, v->path, v->guarded, &v->fault);
    read_behind_over(&v->behind);
    mem_thread_leave();
    return NULL;
}

static void free_beside(struct verify_beside *v)
{
    read_behind_free(&v->behind);
    mem_free(v->path);
    mem_free(v);
}

struct verify_beside *verify_beside(const char *path, bool guarded)
{
    struct verify_beside *v = mem_zalloc(sizeof *v);
    v->proof.fd = file_open(path, O_RDONLY, 0);
    v->path = mem_strdup(path);
    v->guarded = guarded;
    read_behind_init(&v->behind, v->proof.fd);
    if (v->proof.fd >= 0) {
        in_init_callback(&v->proof.in, read_behind, &v->behind, IN_SIZE_UNKNOWN, 0);
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
    read_behind_grew(&v->behind, bytes);
}

/* Whoever watches the child sees that it goes on. */
static void wait_over(struct verify_beside *v, struct child *child)
{
    enum { LOOK_EVERY_MS = 100 };
    read_behind_whole(&v->behind);
    while (!read_behind_wait_over(&v->behind, LOOK_EVERY_MS))
        if (child)
            child_wrote(child, read_behind_read(&v->behind));
    must(pthread_join(v->thread, NULL) == 0);
}

bool verify_beside_end(struct verify_beside *v, uint64_t bytes, uint64_t keys, bool guarded,
                       struct child *child, struct fault *f)
{
    must(guarded == v->guarded);
    wait_over(v, child);
    int64_t size = file_size(v->proof.fd);
    *f = v->fault;
    bool all = in_bad(&v->proof.in) || v->behind.read == bytes;
    if (!fault_is(f) && (size < 0 || (uint64_t)size != bytes || !all))
        fault_set(f, FAULT_FORMAT, "%s has %" PRId64 " bytes, %" PRIu64 " were written", v->path,
                  size, bytes);
    if (!fault_is(f))
        check_keys(&v->proof.in, v->path, v->found, keys, f);
    must(v->path);
    bool ok = end(&v->proof, v->path, f);
    free_beside(v);
    return ok;
}

void verify_beside_drop(struct verify_beside *v)
{
    read_behind_give_up(&v->behind);
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
