/* SPDX-License-Identifier: BSD-3-Clause */
/* Timers are a binary heap whose members know their place (1-based; 0 = stopped), so stopping one
 * is O(log n) without a search. Events of a batch point at the caller's loop_io: unwatching one
 * clears it from the rest of the batch, so a callback may free any of them. */
#include "os/loop.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/must.h"
#include "os/clock.h"
#include "os/loop_backend.h"
#include "os/socket.h"

struct stage {
    void (*run)(void *arg);
    void *arg;
};

/* What one look at the descriptors found. A peek from inside a callback has one of its own. */
struct batch {
    struct loop_event events[LOOP_BATCH];
    int count, at;
    struct batch *outer;
};

struct loop {
    const struct loop_backend *backend;
    void *state;
    struct batch *batch; /* being worked on; NULL: none */
    struct loop_work *between, **between_end;
    struct loop_timer **heap;  /* heap[1] is due first */
    size_t timers, heap_cap;
    struct stage before[LOOP_STAGES_MAX], after[LOOP_STAGES_MAX];
    int before_count, after_count;
    bool awake, stopped, turning, in_between;
    atomic_bool woken; /* a byte is already on its way */
    int wake_write;
    struct loop_io wake;
    struct loop_stats stats; /* busy_us: up to busy_since_us */
    int64_t busy_since_us;
};

static const struct loop_backend *find_backend(const char *name)
{
#ifdef __linux__
    if (strcmp(name, loop_uring.name) == 0)
        return &loop_uring;
    if (strcmp(name, loop_epoll.name) == 0)
        return &loop_epoll;
#endif
    return strcmp(name, loop_poll.name) == 0 ? &loop_poll : NULL;
}

static void drain_wake(void *arg, unsigned what)
{
    struct loop *loop = arg;
    char bytes[16];
    (void)what;
    /* Read before the flag is lowered: a byte written after that stays for the next turn. */
    while (loop_recv(loop, &loop->wake, bytes, sizeof bytes) > 0)
        ;
    atomic_store(&loop->woken, false);
}

/* NULL: the best there is. False: there is none of that name here. */
static bool open_backend(const char *name, const struct loop_backend **b, void **state)
{
    static const char *const best[] = {"io_uring", "epoll", "poll"};
    *state = NULL;
    for (size_t i = 0; !*state && i < (name ? 1 : sizeof best / sizeof *best); i++) {
        *b = find_backend(name ? name : best[i]);
        *state = *b ? (*b)->open() : NULL;
    }
    return *state != NULL;
}

struct loop *loop_new(const char *backend)
{
    const struct loop_backend *b;
    int ends[2];
    void *state;
    if (!open_backend(backend, &b, &state))
        return NULL;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0) {
        b->close(state);
        return NULL;
    }
    struct loop *loop = mem_zalloc(sizeof *loop);
    loop->backend = b;
    loop->state = state;
    loop->between_end = &loop->between;
    loop->wake = (struct loop_io){.fd = ends[0], .ready = drain_wake, .arg = loop,
                                 .stream = true};
    loop->wake_write = ends[1];
    if (loop_watch(loop, &loop->wake, LOOP_READ) < 0) {
        loop_free(loop);
        return NULL;
    }
    return loop;
}

bool loop_use(struct loop *loop, const char *backend)
{
    const struct loop_backend *b;
    void *state;
    if (backend && strcmp(backend, loop->backend->name) == 0)
        return true;
    if (!open_backend(backend, &b, &state))
        return false;
    must(!loop->turning && loop->stats.watched == 1);
    loop_unwatch(loop, &loop->wake);
    loop->backend->close(loop->state);
    loop->backend = b;
    loop->state = state;
    int rc = loop_watch(loop, &loop->wake, LOOP_READ);
    must(rc == 0);
    return true;
}

void loop_free(struct loop *loop)
{
    must(!loop->turning && !loop->batch);
    loop->backend->close(loop->state);
    close(loop->wake.fd);
    close(loop->wake_write);
    mem_free(loop->heap);
    mem_free(loop);
}

const char *loop_backend(const struct loop *loop)
{
    return loop->backend->name;
}

/* ---- descriptors ---- */
static void forget_events(struct loop *loop, const struct loop_io *io)
{
    for (struct batch *b = loop->batch; b; b = b->outer)
        for (int i = b->at; i < b->count; i++)
            if (b->events[i].io == io)
                b->events[i].io = NULL;
}

int loop_watch(struct loop *loop, struct loop_io *io, unsigned what)
{
    if (what == io->watched)
        return 0;
    must((what & ~(unsigned)(LOOP_READ | LOOP_WRITE)) == 0);
    int rc = loop->backend->change(loop->state, io, io->watched, what);
    if (rc < 0)
        return rc;
    loop->stats.watched += (what != 0) - (io->watched != 0);
    io->watched = what;
    if (!what)
        forget_events(loop, io);
    return 0;
}

void loop_unwatch(struct loop *loop, struct loop_io *io)
{
    if (io->watched)
        loop_watch(loop, io, 0);
    if (io->stream && loop->backend->forget)
        loop->backend->forget(loop->state, io);
}

/* ---- bytes ---- */
ssize_t loop_recv(struct loop *loop, struct loop_io *io, void *to, size_t n)
{
    must(io->stream && n > 0);
    return loop->backend->recv ? loop->backend->recv(loop->state, io, to, n)
                               : socket_recv(io->fd, to, n);
}

ssize_t loop_lend(struct loop *loop, struct loop_io *io, void *room, size_t n,
                  struct loop_lent *lent)
{
    must(io->stream && n > 0);
    if (loop->backend->lend)
        return loop->backend->lend(loop->state, io, room, n, lent);
    *lent = (struct loop_lent){room, -1};
    return socket_recv(io->fd, room, n);
}

void loop_lent_back(struct loop *loop, const struct loop_lent *lent)
{
    if (lent->buffer >= 0)
        loop->backend->lent_back(loop->state, lent);
}

/* One alone is as well sent directly. */
void loop_send_all(struct loop *loop, struct loop_send *sends, int count)
{
    must(count <= LOOP_SENDS_MAX);
    if (count > 1 && loop->backend->send_all) {
        loop->backend->send_all(loop->state, sends, count);
        return;
    }
    for (int i = 0; i < count; i++)
        sends[i].got = socket_send(sends[i].fd, sends[i].data, sends[i].len);
}

/* ---- timers ---- */
static void heap_put(struct loop *loop, size_t place, struct loop_timer *t)
{
    loop->heap[place] = t;
    t->place = place;
}

static void heap_up(struct loop *loop, struct loop_timer *t, size_t place)
{
    for (; place > 1 && loop->heap[place / 2]->at_us > t->at_us; place /= 2)
        heap_put(loop, place, loop->heap[place / 2]);
    heap_put(loop, place, t);
}

static void heap_down(struct loop *loop, struct loop_timer *t, size_t place)
{
    for (;;) {
        size_t child = place * 2;
        if (child > loop->timers)
            break;
        if (child < loop->timers && loop->heap[child + 1]->at_us < loop->heap[child]->at_us)
            child++;
        if (loop->heap[child]->at_us >= t->at_us)
            break;
        heap_put(loop, place, loop->heap[child]);
        place = child;
    }
    heap_put(loop, place, t);
}

void loop_timer_stop(struct loop *loop, struct loop_timer *timer)
{
    size_t place = timer->place;
    if (!place)
        return;
    must(place <= loop->timers && loop->heap[place] == timer);
    struct loop_timer *last = loop->heap[loop->timers--];
    timer->place = 0;
    if (last == timer)
        return;
    if (place > 1 && loop->heap[place / 2]->at_us > last->at_us)
        heap_up(loop, last, place);
    else
        heap_down(loop, last, place);
}

void loop_timer_start(struct loop *loop, struct loop_timer *timer, int64_t after_us)
{
    loop_timer_stop(loop, timer);
    if (loop->timers + 2 > loop->heap_cap) {
        loop->heap_cap = loop->heap_cap ? loop->heap_cap * 2 : 16;
        loop->heap = mem_realloc(loop->heap, loop->heap_cap * sizeof *loop->heap);
    }
    must(timer->due && loop->timers + 1 < loop->heap_cap);
    timer->at_us = clock_mono_us() + (after_us > 0 ? after_us : 0);
    heap_up(loop, timer, ++loop->timers);
}

/* What was due when the loop awoke; the rest in the next turn, which does not sleep then. */
static void run_timers(struct loop *loop, int64_t now)
{
    while (loop->timers && loop->heap[1]->at_us <= now && !loop->stopped) {
        struct loop_timer *t = loop->heap[1];
        loop_timer_stop(loop, t);
        t->due(t->arg);
    }
}

/* ---- stages, turns ---- */
void loop_add_before(struct loop *loop, void (*stage)(void *arg), void *arg)
{
    must(loop->before_count < LOOP_STAGES_MAX);
    loop->before[loop->before_count++] = (struct stage){stage, arg};
}

void loop_add_after(struct loop *loop, void (*stage)(void *arg), void *arg)
{
    must(loop->after_count < LOOP_STAGES_MAX);
    loop->after[loop->after_count++] = (struct stage){stage, arg};
}

void loop_stay_awake(struct loop *loop)
{
    loop->awake = true;
}

void loop_wake(struct loop *loop)
{
    if (atomic_exchange(&loop->woken, true))
        return;
    int saved = errno; /* a signal handler must leave it as it was */
    ssize_t put = write(loop->wake_write, "!", 1);
    (void)put; /* a full socket wakes as well */
    errno = saved;
}

static int64_t sleep_us(const struct loop *loop, int64_t now, int64_t max_us)
{
    if (loop->awake || loop->stopped)
        return 0;
    if (!loop->timers)
        return max_us;
    int64_t left = loop->heap[1]->at_us - now;
    if (left < 0)
        left = 0;
    return max_us >= 0 && max_us < left ? max_us : left;
}

static void tell_batch(struct loop *loop, struct batch *b)
{
    must(b->count >= 0 && b->count <= LOOP_BATCH);
    b->outer = loop->batch;
    loop->batch = b;
    for (b->at = 0; b->at < b->count && !loop->stopped;) {
        struct loop_event e = b->events[b->at++];
        if (e.io && (e.what &= e.io->watched))
            e.io->ready(e.io->arg, e.what);
    }
    must(loop->batch == b); /* peeks end in the order they nest */
    loop->batch = b->outer;
}

void loop_peek(struct loop *loop)
{
    struct batch b;
    must(loop->turning);
    b.count = loop->backend->wait(loop->state, b.events, LOOP_BATCH, 0);
    tell_batch(loop, &b);
}

void loop_between(struct loop *loop, struct loop_work *work)
{
    must(work->run && loop->between_end != &work->next);
    work->next = NULL;
    *loop->between_end = work;
    loop->between_end = &work->next;
}

/* One may ask for another, and turn the loop: those that are there then wait for it. */
static void run_between(struct loop *loop)
{
    must(!loop->in_between && !loop->turning);
    loop->in_between = true;
    while (loop->between && !loop->stopped) {
        struct loop_work *work = loop->between;
        loop->between = work->next;
        if (!loop->between)
            loop->between_end = &loop->between;
        work->run(work->arg);
    }
    loop->in_between = false;
}

static void count_busy(struct loop *loop, int64_t now)
{
    must(now >= loop->busy_since_us);
    loop->stats.busy_us += (uint64_t)(now - loop->busy_since_us);
    loop->busy_since_us = now;
}

/* A turn of few commands is short beside reading the clock: it is read before the sleep and behind
 * it, and nowhere else. */
static void turn(struct loop *loop, int64_t max_us)
{
    struct batch b;
    must(!loop->turning); /* turns do not nest */
    loop->turning = true;
    loop->awake = false;
    for (int i = 0; i < loop->before_count; i++)
        loop->before[i].run(loop->before[i].arg);
    int64_t asleep = clock_near_us();
    count_busy(loop, asleep);
    b.count = loop->backend->wait(loop->state, b.events, LOOP_BATCH,
                                  sleep_us(loop, asleep, max_us));
    clock_refresh();
    int64_t awake = loop->busy_since_us = clock_now.mono_us;
    for (int i = 0; i < loop->after_count; i++)
        loop->after[i].run(loop->after[i].arg);
    tell_batch(loop, &b);
    if (loop->timers)
        run_timers(loop, awake);
    loop->turning = false;
    loop->stats.turns++;
    if (loop->between && !loop->in_between)
        run_between(loop);
}

void loop_turn(struct loop *loop, int64_t max_us)
{
    loop->busy_since_us = clock_near_us();
    turn(loop, max_us);
    count_busy(loop, clock_near_us());
}

bool loop_in_turn(const struct loop *loop)
{
    return loop->turning;
}

void loop_run(struct loop *loop)
{
    loop->busy_since_us = clock_near_us();
    while (!loop->stopped)
        turn(loop, -1);
}

void loop_stop(struct loop *loop)
{
    loop->stopped = true;
}

void loop_get_stats(const struct loop *loop, struct loop_stats *out)
{
    *out = loop->stats;
}
