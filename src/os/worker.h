/* SPDX-License-Identifier: BSD-3-Clause */
/* Threads for work that may block or take long: fsync, closing, freeing. Never the keyspace.
 *
 *   struct workers *w = workers_new(loop);
 *   struct worker *sync = worker_new(w, "aof-fsync");
 *   job->job.run = sync_fd; job->job.done = synced;
 *   worker_give(sync, &job->job);
 *
 * A worker is one queue and its thread (started with the first job): jobs of one worker run one
 * after another in the order given; different workers run side by side. run is called on the
 * thread; then done, unless it is NULL, on the loop's thread in its next turn. After run (without
 * done) or in done the job is the caller's again; run may free a job that has no done. */
#ifndef OS_WORKER_H
#define OS_WORKER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/link.h"
#include "os/loop.h"

struct worker_job {
    struct link link;
    void (*run)(struct worker_job *job);
    void (*done)(struct worker_job *job);
};

struct workers; /* opaque */
struct worker;  /* opaque */

/* Adds an after-stage to the loop. NULL loop: done callbacks come only from workers_collect. */
struct workers *workers_new(struct loop *loop);
/* Finishes all jobs given, runs their done callbacks, ends the threads. */
void workers_free(struct workers *w);
/* name: a static word, up to 15 letters; the thread's name. */
struct worker *worker_new(struct workers *w, const char *name);
void worker_give(struct worker *worker, struct worker_job *job);
size_t worker_pending(struct worker *worker); /* given, and run not yet over */
/* Waits until every job given so far has run (done callbacks still come through the loop). */
void worker_drain(struct worker *worker);
/* Runs the done callbacks that are waiting. On the loop's thread. */
void workers_collect(struct workers *w);
/* Restricts the threads that start from now on to CPUs, given as in server_cpulist; "" is any. */
void workers_set_cpus(struct workers *w, const char *cpu_list);

#endif
