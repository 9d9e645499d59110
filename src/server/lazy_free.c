/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/lazy_free.h"

#include <stdatomic.h>

#include "base/mem.h"
#include "base/must.h"
#include "os/worker.h"
#include "store/keyspace.h"

struct lazy_free {
    struct worker *worker;
    _Atomic uint64_t pending, done; /* the worker counts, too */
};

struct deferred {
    struct worker_job job;
    struct lazy_free *of;
    void (*run)(void *arg);
    void *arg;
    uint64_t objects;
};

static void run_deferred(struct worker_job *job)
{
    struct deferred *d = (struct deferred *)job;
    d->run(d->arg);
    atomic_fetch_add(&d->of->done, d->objects);
    uint64_t before = atomic_fetch_sub(&d->of->pending, d->objects);
    must(before >= d->objects);
    mem_free(d);
}

static void defer(void *arg, uint64_t objects, void (*job)(void *job_arg), void *job_arg)
{
    struct lazy_free *lf = arg;
    struct deferred *d = mem_zalloc(sizeof *d);
    *d = (struct deferred){.of = lf, .run = job, .arg = job_arg, .objects = objects};
    d->job.run = run_deferred;
    atomic_fetch_add(&lf->pending, objects);
    worker_give(lf->worker, &d->job);
}

struct lazy_free *lazy_free_new(struct workers *workers, struct keyspace *ks)
{
    struct lazy_free *lf = mem_zalloc(sizeof *lf);
    lf->worker = worker_new(workers, "lazy-free");
    ks->defer = defer;
    ks->defer_arg = lf;
    return lf;
}

void lazy_free_free(struct lazy_free *lf)
{
    must(atomic_load(&lf->pending) == 0);
    mem_free(lf);
}

uint64_t lazy_free_pending(const struct lazy_free *lf)
{
    return atomic_load(&lf->pending);
}

uint64_t lazy_free_done(const struct lazy_free *lf)
{
    return atomic_load(&lf->done);
}

void lazy_free_reset(struct lazy_free *lf)
{
    atomic_store(&lf->done, 0);
}
