/* SPDX-License-Identifier: BSD-3-Clause */
#include "replication/link_find.h"

#include <stddef.h>

#include "base/mem.h"
#include "base/must.h"
#include "os/resolve.h"
#include "os/worker.h"

struct link_find {
    struct worker_job job;
    char *host;
    struct resolved resolved;
    void (*found)(void *arg, const struct resolved *r); /* NULL: dropped */
    void *arg;
};

static void run(struct worker_job *job)
{
    struct link_find *f = LINK_OF(job, struct link_find, job);
    resolve_host(f->host, &f->resolved);
}

static void done(struct worker_job *job)
{
    struct link_find *f = LINK_OF(job, struct link_find, job);
    if (f->found)
        f->found(f->arg, &f->resolved);
    mem_free(f->host);
    mem_free(f);
}

struct link_find *link_find(struct worker *worker, const char *host,
                            void (*found)(void *arg, const struct resolved *r), void *arg)
{
    struct link_find *f = mem_zalloc(sizeof *f);
    f->job.run = run;
    f->job.done = done;
    f->host = mem_strdup(host);
    f->found = found;
    f->arg = arg;
    worker_give(worker, &f->job);
    return f;
}

void link_find_drop(struct link_find *f)
{
    must(f->found);
    f->found = NULL;
}
