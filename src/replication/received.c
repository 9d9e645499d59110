/* SPDX-License-Identifier: BSD-3-Clause */
/* Two descriptors of one file: the loop writes to one, the worker reads the other. Whoever is last,
 * the loop that drops it or the worker that still reads, frees it: the loop never waits for the
 * worker. */
#include "replication/received.h"

#include <fcntl.h>

#include "base/mem.h"
#include "base/must.h"
#include "format/in.h"
#include "os/file.h"
#include "os/worker.h"
#include "persist/persist.h"
#include "persist/read_behind.h"
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
    struct trial trial;
    struct fault fault;
    struct read_behind behind;
    uint64_t written;   /* the loop's */
    bool whole;
};

/* ---- the worker ---- */

static void run(struct worker_job *job)
{
    struct received *r = LINK_OF(job, struct received, job);
    struct in in;
    in_init_callback(&in, read_behind, &r->behind, IN_SIZE_UNKNOWN, 0);
    trial_read(&r->trial, &in, r->spec.unguarded, &r->fault);
    in_free(&in);
    int err = fault_is(&r->fault) ? 0 : file_fsync(r->read_fd);
    if (err < 0)
        fault_io(&r->fault, -err, "fsync", "Can't sync %s", r->path);
    file_close(r->read_fd);
    read_behind_over(&r->behind);
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
    read_behind_free(&r->behind);
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
    r->fd = file_create(r->path, 0);
    r->read_fd = r->fd < 0 ? r->fd : file_open(r->path, O_RDONLY, 0);
    read_behind_init(&r->behind, r->read_fd);
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
    r->written += bytes.len;
    read_behind_grew(&r->behind, r->written);
    must(r->written >= r->sent_off);
    if (r->written - r->sent_off >= BEHIND_EVERY) {
        file_write_behind(r->fd, (off_t)r->sent_off, (off_t)(r->written - r->sent_off));
        r->sent_off = r->written;
    }
    if (!read_behind_wait_over(&r->behind, 0) || !fault_is(&r->fault))
        return true;
    *f = r->fault;
    return false;
}

void received_whole(struct received *r)
{
    must(!r->whole && !r->dropped);
    r->whole = true;
    read_behind_whole(&r->behind);
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
    read_behind_give_up(&r->behind);
}
