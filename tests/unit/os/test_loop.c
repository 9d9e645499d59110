/* SPDX-License-Identifier: BSD-3-Clause */
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/loop.h"
#include "tests/unit/unit.h"

struct end {
    struct loop *loop;
    struct loop_io io;
    int calls;
    unsigned what;
    struct end *victim; /* unwatched by the callback */
};

static void note(void *arg, unsigned what)
{
    struct end *e = arg;
    e->calls++;
    e->what = what;
    if (e->victim)
        loop_unwatch(e->loop, &e->victim->io);
}

/* The first may be forbidden where we run. */
static const char *const backends[] = {"io_uring", "epoll", "poll"};
enum { BACKENDS = 3 };

static void descriptors(void)
{
    for (int b = 0; b < BACKENDS; b++) {
        int ends[2];
        struct loop *loop = loop_new(backends[b]);
        if (!loop && b == 0)
            continue;
        CHECK(loop != NULL);
        CHECK_STR(loop_backend(loop), backends[b]);
        CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
        struct end a = {.loop = loop, .io = {.fd = ends[0], .ready = note}};
        a.io.arg = &a;
        CHECK_INT(loop_watch(loop, &a.io, LOOP_READ), 0);
        loop_turn(loop, 0);
        CHECK_INT(a.calls, 0);
        CHECK_INT(write(ends[1], "x", 1), 1);
        loop_turn(loop, 1000000);
        CHECK_INT(a.calls, 1);
        CHECK_INT(a.what, LOOP_READ);
        CHECK_INT(loop_watch(loop, &a.io, LOOP_READ | LOOP_WRITE), 0);
        loop_turn(loop, 1000000);
        CHECK_INT(a.what, LOOP_READ | LOOP_WRITE);
        loop_unwatch(loop, &a.io);
        loop_turn(loop, 0);
        CHECK_INT(a.calls, 2);
        close(ends[1]); /* a hang-up shows even to who only writes */
        CHECK_INT(loop_watch(loop, &a.io, LOOP_WRITE), 0);
        loop_turn(loop, 1000000);
        CHECK_INT(a.calls, 3);
        loop_unwatch(loop, &a.io);
        close(ends[0]);
        loop_free(loop);
    }
}

/* Both ends are ready in one batch; whichever comes first takes the other away. */
static void unwatch_inside_a_batch(void)
{
    for (int b = 0; b < BACKENDS; b++) {
        int ends[2];
        struct loop *loop = loop_new(backends[b]);
        if (!loop && b == 0)
            continue;
        CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
        struct end x = {.loop = loop, .io = {.fd = ends[0], .ready = note}};
        struct end y = {.loop = loop, .io = {.fd = ends[1], .ready = note}, .victim = &x};
        x.io.arg = &x;
        y.io.arg = &y;
        x.victim = &y;
        loop_watch(loop, &x.io, LOOP_WRITE);
        loop_watch(loop, &y.io, LOOP_WRITE);
        loop_turn(loop, 1000000);
        CHECK_INT(x.calls + y.calls, 1);
        loop_unwatch(loop, &x.io);
        loop_unwatch(loop, &y.io);
        close(ends[0]);
        close(ends[1]);
        loop_free(loop);
    }
}

struct tick {
    struct loop_timer timer;
    struct loop *loop;
    int *order, *count, id;
};

static void ticked(void *arg)
{
    struct tick *t = arg;
    t->order[(*t->count)++] = t->id;
}

/* Starts, moves and stops timers at random and compares the order of firing with their due
 * times. */
static void timers(void)
{
    enum { N = 200 };
    static struct tick ticks[N];
    int order[N], count = 0;
    uint64_t seed = unit_seed();
    struct loop *loop = loop_new(NULL);
    for (int i = 0; i < N; i++)
        ticks[i] = (struct tick){.timer = {.due = ticked, .arg = &ticks[i]},
                                 .loop = loop, .order = order, .count = &count, .id = i};
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < N; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            if (seed >> 60 == 0)
                loop_timer_stop(loop, &ticks[i].timer);
            else
                loop_timer_start(loop, &ticks[i].timer, (int64_t)(seed >> 40) % 20000);
        }
    }
    int running = 0;
    for (int i = 0; i < N; i++)
        running += ticks[i].timer.place != 0;
    int64_t until = clock_mono_us() + 120000000; /* only a hang gets there */
    while (count < running && clock_mono_us() < until)
        loop_turn(loop, 30000);
    CHECK_INT(count, running);
    for (int i = 1; i < count; i++)
        CHECK(ticks[order[i - 1]].timer.at_us <= ticks[order[i]].timer.at_us);
    loop_free(loop);
}

static void stage(void *arg)
{
    char **at = arg;
    *(*at)++ = 'a';
}

static void other_stage(void *arg)
{
    char **at = arg;
    *(*at)++ = 'b';
}

static void *wake(void *arg)
{
    usleep(20000);
    loop_wake(arg);
    return NULL;
}

static void stages_and_wake(void)
{
    char seen[16] = "", *at = seen;
    pthread_t thread;
    struct loop *loop = loop_new(NULL);
    loop_add_before(loop, stage, &at);
    loop_add_after(loop, other_stage, &at);
    loop_add_before(loop, other_stage, &at);
    loop_turn(loop, 0);
    CHECK_STR(seen, "abb");
    pthread_create(&thread, NULL, wake, loop);
    int64_t began = clock_mono_us();
    loop_turn(loop, 300000000);
    CHECK(clock_mono_us() - began < 120000000); /* far less, but on what machine */
    pthread_join(thread, NULL);
    loop_turn(loop, 10000); /* takes the byte */
    struct loop_stats stats;
    loop_get_stats(loop, &stats);
    CHECK_INT(stats.turns, 3);
    loop_free(loop);
}

static void note_and_stop(void *arg, unsigned what)
{
    struct end *e = arg;
    note(arg, what);
    loop_stop(e->loop);
}

static void stop_stage(void *arg)
{
    loop_stop(arg);
}

/* A stop is for good and at once: of the descriptors that are ready and the timers that are due in
 * that turn none is called any more, whether a descriptor's callback stops or a stage. */
static void stop_ends_the_turn(void)
{
    for (int by_stage = 0; by_stage < 2; by_stage++) {
        int ends[2], order[4], count = 0;
        struct loop *loop = loop_new(NULL);
        CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
        struct end x = {.loop = loop, .io = {.fd = ends[0], .ready = note_and_stop}};
        struct end y = {.loop = loop, .io = {.fd = ends[1], .ready = note_and_stop}};
        struct tick due = {.timer = {.due = ticked, .arg = &due}, .order = order, .count = &count};
        x.io.arg = &x;
        y.io.arg = &y;
        loop_watch(loop, &x.io, LOOP_WRITE);
        loop_watch(loop, &y.io, LOOP_WRITE);
        loop_timer_start(loop, &due.timer, 0);
        if (by_stage)
            loop_add_after(loop, stop_stage, loop);
        loop_run(loop);
        loop_run(loop); /* ends before it begins */
        CHECK_INT(x.calls + y.calls, by_stage ? 0 : 1);
        CHECK_INT(count, 0);
        struct loop_stats stats;
        loop_get_stats(loop, &stats);
        CHECK_INT(stats.turns, 1);
        loop_unwatch(loop, &x.io);
        loop_unwatch(loop, &y.io);
        close(ends[0]);
        close(ends[1]);
        loop_free(loop);
    }
}

/* ---- a look at the descriptors from inside a callback ---- */
struct nested {
    struct loop *loop;
    struct end *inner, *victim;
    int calls;
};

static void peek(void *arg, unsigned what)
{
    struct nested *n = arg;
    (void)what;
    if (n->calls++) /* its own descriptor is ready still */
        return;
    loop_peek(n->loop);
    if (n->victim)
        loop_unwatch(n->loop, &n->victim->io);
}

static void peeking(void)
{
    for (int b = 0; b < BACKENDS; b++) {
        int ends[3][2];
        struct loop *loop = loop_new(backends[b]);
        if (!loop && b == 0)
            continue;
        struct end a = {.loop = loop}, c = {.loop = loop};
        struct nested n = {.loop = loop};
        struct loop_io io = {.ready = peek, .arg = &n};
        for (int i = 0; i < 3; i++)
            CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends[i]) == 0);
        io.fd = ends[0][0];
        a.io = (struct loop_io){.fd = ends[1][0], .ready = note, .arg = &a};
        c.io = (struct loop_io){.fd = ends[2][0], .ready = note, .arg = &c};
        CHECK_INT(loop_watch(loop, &io, LOOP_READ), 0);
        CHECK_INT(write(ends[0][1], "x", 1), 1);
        CHECK_INT(loop_watch(loop, &a.io, LOOP_READ), 0);
        CHECK_INT(write(ends[1][1], "x", 1), 1);
        loop_turn(loop, 1000000); /* in either order: once by the peek, perhaps once by the turn */
        CHECK_INT(n.calls, 2);
        CHECK(a.calls == 1 || a.calls == 2);
        /* what is unwatched behind a peek is gone from the batch outside of it, too */
        n = (struct nested){.loop = loop, .victim = &c};
        a.victim = &c; /* and what is unwatched inside it */
        CHECK_INT(loop_watch(loop, &c.io, LOOP_READ), 0);
        CHECK_INT(write(ends[2][1], "x", 1), 1);
        for (int i = 0; i < 3; i++)
            loop_turn(loop, 0);
        CHECK(c.calls <= 2);
        CHECK_INT(c.io.watched, 0);
        loop_unwatch(loop, &io);
        loop_unwatch(loop, &a.io);
        for (int i = 0; i < 3; i++) {
            close(ends[i][0]);
            close(ends[i][1]);
        }
        loop_free(loop);
    }
}

/* ---- between turns ---- */
struct work {
    struct loop *loop;
    struct loop_work first, second, third;
    char order[16];
};

static void first_work(void *arg)
{
    struct work *w = arg;
    CHECK(!loop_in_turn(w->loop));
    strcat(w->order, "1");
    loop_between(w->loop, &w->third);
    loop_turn(w->loop, 0); /* the others wait for this one */
    strcat(w->order, ".");
}

static void second_work(void *arg)
{
    strcat(((struct work *)arg)->order, "2");
}

static void third_work(void *arg)
{
    strcat(((struct work *)arg)->order, "3");
}

static void ask_for_work(void *arg)
{
    struct work *w = arg;
    CHECK(loop_in_turn(w->loop));
    loop_between(w->loop, &w->first);
    loop_between(w->loop, &w->second);
    CHECK_STR(w->order, "");
}

static void between_turns(void)
{
    struct work w = {.loop = loop_new(NULL)};
    struct loop_timer timer = {.due = ask_for_work, .arg = &w};
    w.first = (struct loop_work){.run = first_work, .arg = &w};
    w.second = (struct loop_work){.run = second_work, .arg = &w};
    w.third = (struct loop_work){.run = third_work, .arg = &w};
    loop_timer_start(w.loop, &timer, 0);
    loop_turn(w.loop, 0);
    CHECK_STR(w.order, "1.23");
    loop_turn(w.loop, 0);
    CHECK_STR(w.order, "1.23"); /* once */
    loop_free(w.loop);
}

int main(void)
{
    return UNIT_RUN(UNIT(descriptors), UNIT(unwatch_inside_a_batch), UNIT(timers),
                    UNIT(stages_and_wake), UNIT(stop_ends_the_turn), UNIT(peeking),
                    UNIT(between_turns));
}
