/* SPDX-License-Identifier: BSD-3-Clause */
/* Each worker has a mutex, two conditions and a list; the finished jobs of all meet in one list of
 * struct workers under its own mutex, with an atomic flag in front so that a turn of the loop in
 * which nothing finished costs one load. */
#include "os/worker.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "os/cpus.h"

enum { NAME_MAX_LETTERS = 15 }; /* of a thread, as the kernel has it */

struct workers {
    struct loop *loop;
    struct link all;
    pthread_mutex_t lock;
    struct link finished; /* under lock */
    atomic_bool some_finished;
    char *cpus;
};

struct worker {
    struct link link;
    struct workers *owner;
    const char *name;
    pthread_t thread;
    bool started; /* the giver's */
    pthread_mutex_t lock;
    pthread_cond_t given, idle;
    struct link jobs; /* under lock, as all below */
    size_t pending;
    bool ending;
};

static void collect_stage(void *arg)
{
    workers_collect(arg);
}

struct workers *workers_new(struct loop *loop)
{
    struct workers *w = mem_zalloc(sizeof *w);
    w->loop = loop;
    link_init(&w->all);
    link_init(&w->finished);
    pthread_mutex_init(&w->lock, NULL);
    if (loop)
        loop_add_after(loop, collect_stage, w);
    return w;
}

struct worker *worker_new(struct workers *w, const char *name)
{
    struct worker *me = mem_zalloc(sizeof *me);
    must(strlen(name) <= NAME_MAX_LETTERS);
    me->owner = w;
    me->name = name;
    link_init(&me->jobs);
    pthread_mutex_init(&me->lock, NULL);
    pthread_cond_init(&me->given, NULL);
    pthread_cond_init(&me->idle, NULL);
    link_push_back(&w->all, &me->link);
    return me;
}

static void hand_back(struct workers *w, struct worker_job *job)
{
    pthread_mutex_lock(&w->lock);
    link_push_back(&w->finished, &job->link);
    atomic_store(&w->some_finished, true);
    pthread_mutex_unlock(&w->lock);
    if (w->loop)
        loop_wake(w->loop);
}

static struct worker_job *next_job(struct worker *me)
{
    struct worker_job *job = NULL;
    pthread_mutex_lock(&me->lock);
    while (link_empty(&me->jobs) && !me->ending)
        pthread_cond_wait(&me->given, &me->lock);
    if (!link_empty(&me->jobs)) {
        job = LINK_OF(me->jobs.next, struct worker_job, link);
        link_remove(&job->link);
    }
    pthread_mutex_unlock(&me->lock);
    return job;
}

static void *work(void *arg)
{
    struct worker *me = arg;
    struct worker_job *job;
    mem_thread_enter();
#ifdef __linux__
    pthread_setname_np(pthread_self(), me->name);
#endif
    if (me->owner->cpus)
        cpus_pin_self(me->owner->cpus);
    while ((job = next_job(me))) {
        bool report = job->done != NULL; /* read now: run may free a job without done */
        job->run(job);
        if (report)
            hand_back(me->owner, job);
        pthread_mutex_lock(&me->lock);
        must(me->pending > 0);
        if (--me->pending == 0)
            pthread_cond_broadcast(&me->idle);
        pthread_mutex_unlock(&me->lock);
    }
    mem_thread_leave();
    return NULL;
}

/* Signals are the loop thread's business. */
static void start(struct worker *me)
{
    sigset_t all, old;
    sigfillset(&all);
    sigdelset(&all, SIGSEGV);
    sigdelset(&all, SIGBUS);
    sigdelset(&all, SIGFPE);
    sigdelset(&all, SIGILL);
    sigdelset(&all, SIGABRT);
    sigdelset(&all, SIGUSR2); /* a crash report has the others stand still */
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int rc = pthread_create(&me->thread, NULL, work, me);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    must(rc == 0);
    me->started = true;
}

void worker_give(struct worker *me, struct worker_job *job)
{
    link_init(&job->link);
    pthread_mutex_lock(&me->lock);
    must(job->run && !me->ending);
    link_push_back(&me->jobs, &job->link);
    me->pending++;
    pthread_cond_signal(&me->given);
    pthread_mutex_unlock(&me->lock);
    if (!me->started)
        start(me);
}

size_t worker_pending(struct worker *me)
{
    pthread_mutex_lock(&me->lock);
    size_t n = me->pending;
    pthread_mutex_unlock(&me->lock);
    return n;
}

void worker_drain(struct worker *me)
{
    pthread_mutex_lock(&me->lock);
    while (me->pending)
        pthread_cond_wait(&me->idle, &me->lock);
    pthread_mutex_unlock(&me->lock);
}

/* A done callback may give new jobs, so the list is taken off first. */
void workers_collect(struct workers *w)
{
    struct link taken;
    if (!atomic_load_explicit(&w->some_finished, memory_order_acquire))
        return;
    link_init(&taken);
    pthread_mutex_lock(&w->lock);
    atomic_store(&w->some_finished, false);
    while (!link_empty(&w->finished)) {
        struct link *l = w->finished.next;
        link_remove(l);
        link_push_back(&taken, l);
    }
    pthread_mutex_unlock(&w->lock);
    while (!link_empty(&taken)) {
        struct worker_job *job = LINK_OF(taken.next, struct worker_job, link);
        link_remove(&job->link);
        must(job->done);
        job->done(job);
    }
}

static void end(struct worker *me)
{
    pthread_mutex_lock(&me->lock);
    me->ending = true;
    pthread_cond_signal(&me->given);
    pthread_mutex_unlock(&me->lock);
    if (me->started)
        pthread_join(me->thread, NULL);
    must(me->pending == 0 && link_empty(&me->jobs));
    pthread_mutex_destroy(&me->lock);
    pthread_cond_destroy(&me->given);
    pthread_cond_destroy(&me->idle);
    mem_free(me);
}

void workers_free(struct workers *w)
{
    LINK_FOR(pos, &w->all)
        worker_drain(LINK_OF(pos, struct worker, link));
    workers_collect(w);
    LINK_FOR_SAFE(pos, &w->all)
        end(LINK_OF(pos, struct worker, link));
    workers_collect(w);
    must(link_empty(&w->finished));
    pthread_mutex_destroy(&w->lock);
    mem_free(w->cpus);
    mem_free(w);
}

void workers_set_cpus(struct workers *w, const char *cpu_list)
{
    mem_free(w->cpus);
    w->cpus = cpu_list && *cpu_list ? mem_strdup(cpu_list) : NULL;
}
