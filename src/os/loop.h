/* SPDX-License-Identifier: BSD-3-Clause */
/* The event loop: descriptors, timers, and stages around the sleep. One thread.
 *
 *   struct loop *loop = loop_new(NULL);
 *   io.fd = fd; io.ready = on_ready; io.arg = me;
 *   loop_watch(loop, &io, LOOP_READ);
 *   loop_run(loop);
 *
 * One turn: before-stages in order, sleep until something is ready or due, after-stages in order,
 * ready descriptors, due timers. The structs are the caller's and embedded where they belong; a
 * callback may unwatch, stop or free any of them, its own too. */
#ifndef OS_LOOP_H
#define OS_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct loop; /* opaque */

enum { LOOP_READ = 1, LOOP_WRITE = 2 };

/* Zero it, set fd, ready, arg. what: the bits that are ready (errors and hang-ups show as all the
 * bits that are watched). */
struct loop_io {
    int fd;
    unsigned watched; /* the loop's: 0 when it is not watched */
    void (*ready)(void *arg, unsigned what);
    void *arg;
    int slot;    /* the loop's */
    bool stream; /* a socket whose bytes are taken by loop_recv or loop_lend; set it before */
};

/* Zero it, set due, arg. at_us is monotonic. */
struct loop_timer {
    int64_t at_us;
    void (*due)(void *arg);
    void *arg;
    size_t place; /* the loop's: 0 when it is stopped */
};

/* backend: "io_uring", "epoll", "poll", or NULL for the best there is. NULL: it cannot be made. */
struct loop *loop_new(const char *backend);
void loop_free(struct loop *loop);
const char *loop_backend(const struct loop *loop);
/* Another from now on, before anything is watched. False, and nothing changed: there is none. */
bool loop_use(struct loop *loop, const char *backend);

/* Changes what is watched; 0 or -errno. */
int loop_watch(struct loop *loop, struct loop_io *io, unsigned what);
/* It goes: of a stream, what came and was not taken goes with it. */
void loop_unwatch(struct loop *loop, struct loop_io *io);

/* Bytes of a stream that is or was watched, 0 at its end, or -errno (-EAGAIN: none now). */
ssize_t loop_recv(struct loop *loop, struct loop_io *io, void *to, size_t n);
/* The same without a copy, where the loop has them: they lie at lent->data, in the loop's memory or
 * in room, and may be written over there. If any came: until loop_lent_back. */
struct loop_lent {
    char *data;
    int buffer; /* the loop's */
};
ssize_t loop_lend(struct loop *loop, struct loop_io *io, void *room, size_t n,
                  struct loop_lent *lent);
void loop_lent_back(struct loop *loop, const struct loop_lent *lent);
/* Sends each, and waits for none: got is what socket_send returns. At most LOOP_SENDS_MAX. */
enum { LOOP_SENDS_MAX = 128 };
struct loop_send {
    int fd;
    const void *data;
    size_t len;
    ssize_t got;
};
void loop_send_all(struct loop *loop, struct loop_send *sends, int count);

/* Starts the timer, or moves it when it runs. Fires once; start it again for more. O(log n). */
void loop_timer_start(struct loop *loop, struct loop_timer *timer, int64_t after_us);
void loop_timer_stop(struct loop *loop, struct loop_timer *timer);

/* Stages run in the order they were added. At most LOOP_STAGES_MAX each. */
enum { LOOP_STAGES_MAX = 16 };
void loop_add_before(struct loop *loop, void (*stage)(void *arg), void *arg);
void loop_add_after(struct loop *loop, void (*stage)(void *arg), void *arg);

/* From a before-stage: there is more to do, only look at descriptors and do not sleep. */
void loop_stay_awake(struct loop *loop);
/* From any thread: end the sleep (the after-stages then look for what was meant). Cheap when called
 * often. Safe in a signal handler. */
void loop_wake(struct loop *loop);

/* One turn; sleeps at most max_us (-1: as long as nothing happens). */
void loop_turn(struct loop *loop, int64_t max_us);
bool loop_in_turn(const struct loop *loop); /* called from one of its callbacks? */
/* Once, when the present turn is over, in the order they were asked for: outside of any callback,
 * so that the work may turn the loop itself. The struct is the caller's until it has run. */
struct loop_work {
    void (*run)(void *arg);
    void *arg;
    struct loop_work *next; /* the loop's */
};
void loop_between(struct loop *loop, struct loop_work *work);
/* From inside a callback that takes long: the descriptors that are ready now are told, that of the
 * callback too. No stages, no timers, no sleep; the rest of the turn goes on behind it. */
void loop_peek(struct loop *loop);
void loop_run(struct loop *loop); /* turns until loop_stop; none when it was called before */
/* For good, and at once: what else is ready or due in this turn is not called any more. Whoever
 * stops has decided on a state, and no callback of the same turn may go beyond it. */
void loop_stop(struct loop *loop);

struct loop_stats {
    uint64_t turns;
    uint64_t busy_us; /* time outside the sleep */
    size_t watched;
};
void loop_get_stats(const struct loop *loop, struct loop_stats *out);

#endif
