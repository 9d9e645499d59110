/* SPDX-License-Identifier: BSD-3-Clause */
/* Two descriptors of one file: the loop writes to one, the worker reads the other, and both know
 * under the lock how many bytes there are. Whoever is last, the loop that drops it or the worker
 * that still reads, frees it: the loop never waits for the worker. */
#include "replication/received.h"

#include <fcntl.h>
#include <pthread.h>

#include "base/mem.h"
#include "base/must.h"
#include "format/in.h"
#include "os/file.h"
#include "os/worker.h"
#include "persist/persist.h"
#include "persist/trial.h"
#include "server/server.h"

enum { BEHIND_EVERY = 8 << 20 };

struct received {
    struct worker_job job;
    struct received_spec spec;
    char *path;
    int fd;             /* written to; the loop's */
    uint64_t sent_off;  /* bytes that the kernel was told to begin to write */
    bool over;          /* the job's done was called */
    bool dropped, keep;
    /* the worker's, until over */
    int read_fd;
    uint64_t read;
    struct trial trial;
    struct fault fault;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* under lock */
    uint64_t written;
    bool whole, given_up, failed;
};

/* ---- the worker ---- */

/* Never beyond what is written; at its end it waits for more. */
static ssize_t read_behind(void *arg, void *to, size_t n)
{
    struct received *r = arg;
    pthread_mutex_lock(&r->lock);
    while (r->read == r->written && !r->whole && !r->given_up)
        pthread_cond_wait(&r->changed, &r->lock);
    must(r->read <= r->written);
    uint64_t more = r->given_up ? 0 : r->written - r->read;
    pthread_mutex_unlock(&r->lock);
    ssize_t got = more ? file_read(r->read_fd, to, n < more ? n : (size_t)more) : 0;
    r->read += got > 0 ? (uint64_t)got : 0;
    return got;
}

static void run(struct worker_job *job)
{
    struct received *r = LINK_OF(job, struct received, job);
    struct in in;
    in_init_callback(&in, read_behind, r, IN_SIZE_UNKNOWN, 0);
    trial_read(&r->trial, &in, r->spec.unguarded, &r->fault);
    in_free(&in);
    int err = fault_is(&r->fault) ? 0 : file_fsync(r->read_fd);
    if (err < 0)
        fault_io(&r->fault, -err, "fsync", "Can't sync %s", r->path);
    file_close(r->read_fd);
    pthread_mutex_lock(&r->lock);
    r->failed = fault_is(&r->fault);
    pthread_mutex_unlock(&r->lock);
}

/* ---- the loop ---- */

static void release(struct received *r)
{
    must(!r->dropped || r->over);
    if (r->fd >= 0)
        file_close(r->fd);
    if (!r->keep)
        file_unlink(r->path);
    trial_free(&r->trial);
    pthread_mutex_destroy(&r->lock);
    pthread_cond_destroy(&r->changed);
    mem_free(r->path);
    mem_free(r);
}

static void done(struct worker_job *job)
{
    struct received *r = LINK_OF(job, struct received, job);
    must(!r->over);
    r->over = true;
    if (r->dropped)
        release(r);
    else if (r->whole)
        r->spec.checked(r->spec.arg);
}

struct received *received_begin(const struct received_spec *spec, struct fault *f)
{
    struct received *r = mem_zalloc(sizeof *r);
    r->spec = *spec;
    r->path = mem_strdup(spec->path);
    trial_init(&r->trial, server_keyspace(spec->persist->server));
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->changed, NULL);
    r->fd = file_create(r->path, 0);
    r->read_fd = r->fd < 0 ? r->fd : file_open(r->path, O_RDONLY, 0);
    if (r->read_fd < 0) {
        fault_io(f, -r->read_fd, "open", "Can't open %s for the data set of the primary", r->path);
        r->keep = r->fd < 0;
        release(r);
        return NULL;
    }
    r->job.run = run;
    r->job.done = done;
    worker_give(spec->worker, &r->job);
    return r;
}

bool received_add(struct received *r, struct slice bytes, struct fault *f)
{
    must(!r->whole && !r->dropped);
    int err = file_write_all(r->fd, bytes.data, bytes.len, NULL);
    if (err < 0) {
        fault_io(f, -err, "write", "Can't write to %s", r->path);
        return false;
    }
    pthread_mutex_lock(&r->lock);
    r->written += bytes.len;
    uint64_t written = r->written;
    must(written >= r->sent_off);
    bool failed = r->failed;
    pthread_cond_signal(&r->changed);
    pthread_mutex_unlock(&r->lock);
    if (written - r->sent_off >= BEHIND_EVERY) {
        file_write_behind(r->fd, (off_t)r->sent_off, (off_t)(written - r->sent_off));
        r->sent_off = written;
    }
    if (failed)
        *f = r->fault;
    return !failed;
}

void received_whole(struct received *r)
{
    must(!r->whole && !r->dropped);
    pthread_mutex_lock(&r->lock);
    r->whole = true;
    pthread_cond_signal(&r->changed);
    pthread_mutex_unlock(&r->lock);
    if (r->over)
        r->spec.checked(r->spec.arg);
}

bool received_verdict(struct received *r, struct received_found *found, struct fault *f)
{
    must(r->over && r->whole);
    *found = (struct received_found){.keys = r->trial.keys, .unsure = r->trial.unsure};
    if (fault_is(&r->fault))
        *f = r->fault;
    return !fault_is(f) && trial_features(&r->trial, r->spec.persist, f);
}

const char *received_path(const struct received *r)
{
    return r->path;
}

uint64_t received_bytes(const struct received *r)
{
    return r->written;
}

void received_drop(struct received *r, bool keep)
{
    must(!r->dropped);
    r->keep = keep;
    r->dropped = true;
    if (r->over) {
        release(r);
        return;
    }
    pthread_mutex_lock(&r->lock);
    r->given_up = true;
    pthread_cond_signal(&r->changed);
    pthread_mutex_unlock(&r->lock);
}
