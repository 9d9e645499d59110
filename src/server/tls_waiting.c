/* SPDX-License-Identifier: BSD-3-Clause */
/* All wait equally long, so they are due in the order in which they came: a queue of ids, of which
 * most are of clients that are served or gone when their turn comes. */
#include "server/tls_waiting.h"

#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/must.h"
#include "os/clock.h"
#include "os/loop.h"

enum { SECOND_US = 1000000 };

struct waiter {
    uint64_t id;
    int64_t due_us; /* monotonic */
};

struct tls_waiting {
    struct loop *loop;
    void (*give_up)(void *arg, uint64_t id);
    void *arg;
    struct loop_timer timer;
    struct buf queue; /* of struct waiter */
};

static void wait_for_next(struct tls_waiting *w)
{
    struct waiter next;
    if (!w->queue.len) {
        buf_free(&w->queue);
        return;
    }
    memcpy(&next, w->queue.data, sizeof next);
    int64_t left_us = next.due_us - clock_mono_us();
    loop_timer_start(w->loop, &w->timer, left_us > 0 ? left_us : 0);
}

static void due(void *arg)
{
    struct tls_waiting *w = arg;
    int64_t now_us = clock_mono_us();
    size_t at = 0;
    must(w->queue.len % sizeof(struct waiter) == 0);
    for (struct waiter next; at < w->queue.len; at += sizeof next) {
        memcpy(&next, w->queue.data + at, sizeof next);
        if (next.due_us > now_us)
            break;
        w->give_up(w->arg, next.id);
    }
    buf_drop_front(&w->queue, at);
    wait_for_next(w);
}

void tls_waiting_add(struct tls_waiting *w, uint64_t id)
{
    struct waiter last = {id, clock_mono_us() + TLS_WAITING_S * (int64_t)SECOND_US};
    bool first = !w->queue.len;
    must(w->queue.len % sizeof last == 0);
    buf_append(&w->queue, &last, sizeof last);
    if (first)
        wait_for_next(w);
}

struct tls_waiting *tls_waiting_new(struct loop *loop, void (*give_up)(void *arg, uint64_t id),
                                    void *arg)
{
    struct tls_waiting *w = mem_zalloc(sizeof *w);
    w->loop = loop;
    w->give_up = give_up;
    w->arg = arg;
    w->timer = (struct loop_timer){.due = due, .arg = w};
    return w;
}

void tls_waiting_free(struct tls_waiting *w)
{
    loop_timer_stop(w->loop, &w->timer);
    buf_free(&w->queue);
    mem_free(w);
}
