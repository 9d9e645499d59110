/* SPDX-License-Identifier: BSD-3-Clause */
#include <pthread.h>

#include "base/mem.h"
#include "os/clock.h"
#include "os/cpus.h"
#include "os/worker.h"
#include "tests/unit/unit.h"

struct count {
    struct worker_job job;
    int *runs, *dones, id;
    pthread_t ran_on;
    bool *in_order;
};

static void run(struct worker_job *job)
{
    struct count *c = (struct count *)job;
    if (*c->runs != c->id)
        *c->in_order = false;
    ++*c->runs; /* one worker: nobody else writes it */
    c->ran_on = pthread_self();
}

static void done(struct worker_job *job)
{
    struct count *c = (struct count *)job;
    ++*c->dones;
    CHECK(!pthread_equal(c->ran_on, pthread_self()));
    mem_free(c);
}

static void jobs_in_order(void)
{
    enum { N = 2000 };
    struct loop *loop = loop_new(NULL);
    struct workers *w = workers_new(loop);
    struct worker *one = worker_new(w, "one"), *two = worker_new(w, "two");
    int runs[2] = {0, 0}, dones = 0;
    bool in_order = true, other_in_order = true;
    for (int i = 0; i < N; i++) {
        struct count *c = mem_zalloc(sizeof *c);
        bool first = i % 2 == 0;
        *c = (struct count){.job = {.run = run, .done = done}, .runs = &runs[!first],
                            .dones = &dones, .id = i / 2,
                            .in_order = first ? &in_order : &other_in_order};
        worker_give(first ? one : two, &c->job);
    }
    int64_t until = clock_mono_us() + 120000000; /* only a hang gets there */
    while (dones < N && clock_mono_us() < until)
        loop_turn(loop, 100000);
    CHECK_INT(dones, N);
    CHECK_INT(runs[0] + runs[1], N);
    CHECK(in_order && other_in_order);
    workers_free(w);
    loop_free(loop);
}

static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;

static void free_self(struct worker_job *job)
{
    pthread_mutex_lock(&held);
    pthread_mutex_unlock(&held);
    mem_free(job);
}

static void drain_and_free(void)
{
    struct workers *w = workers_new(NULL);
    struct worker *lazy = worker_new(w, "free");
    worker_new(w, "never-used");
    pthread_mutex_lock(&held);
    for (int i = 0; i < 50; i++) {
        struct worker_job *job = mem_zalloc(sizeof *job);
        job->run = free_self;
        worker_give(lazy, job);
    }
    CHECK(worker_pending(lazy) > 0);
    pthread_mutex_unlock(&held);
    worker_drain(lazy);
    CHECK_INT(worker_pending(lazy), 0);
    workers_free(w);
}

static void cpu_lists(void)
{
    bool set[16];
    CHECK(cpus_parse("0,2-4,8-12:2", set, 16));
    const char *want = "1011100010101000";
    for (int i = 0; i < 16; i++)
        CHECK_INT(set[i], want[i] == '1');
    CHECK(!cpus_parse("1,", set, 16));
    CHECK(!cpus_parse("4-2", set, 16));
    CHECK(!cpus_parse("a", set, 16));
    CHECK(!cpus_parse("1-3:0", set, 16));
    CHECK(cpus_parse("999", set, 16));
}

int main(void)
{
    return UNIT_RUN(UNIT(jobs_in_order), UNIT(drain_and_free), UNIT(cpu_lists));
}
