/* SPDX-License-Identifier: BSD-3-Clause */
/* poll(2), for systems without better. A dense array of pollfd beside the array of loop_io; an io
 * knows its slot, and the last one moves into a hole. When more are ready than a batch holds, the
 * next wait starts looking where this one stopped, so that nobody starves. */
#include <errno.h>
#include <poll.h>

#include "base/mem.h"
#include "base/must.h"
#include "os/loop_backend.h"

struct poll_state {
    struct pollfd *fds;
    struct loop_io **ios;
    size_t count, cap, from;
};

static void *poll_backend_open(void)
{
    return mem_zalloc(sizeof(struct poll_state));
}

static void poll_backend_close(void *state)
{
    struct poll_state *s = state;
    mem_free(s->fds);
    mem_free(s->ios);
    mem_free(s);
}

static void add_slot(struct poll_state *s, struct loop_io *io)
{
    if (s->count == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 64;
        s->fds = mem_realloc(s->fds, s->cap * sizeof *s->fds);
        s->ios = mem_realloc(s->ios, s->cap * sizeof *s->ios);
    }
    must(s->count < s->cap);
    io->slot = (int)s->count++;
    s->ios[io->slot] = io;
}

static void drop_slot(struct poll_state *s, struct loop_io *io)
{
    must(s->count > 0);
    size_t last = --s->count;
    must(io->slot >= 0 && (size_t)io->slot <= last && s->ios[io->slot] == io);
    s->fds[io->slot] = s->fds[last];
    s->ios[io->slot] = s->ios[last];
    s->ios[io->slot]->slot = io->slot;
}

static int poll_backend_change(void *state, struct loop_io *io, unsigned was, unsigned what)
{
    struct poll_state *s = state;
    if (!what) {
        drop_slot(s, io);
        return 0;
    }
    if (!was)
        add_slot(s, io);
    s->fds[io->slot] = (struct pollfd){
        .fd = io->fd,
        .events = (short)((what & LOOP_READ ? POLLIN : 0) | (what & LOOP_WRITE ? POLLOUT : 0)),
    };
    return 0;
}

static int poll_backend_wait(void *state, struct loop_event *events, int most, int64_t timeout_us)
{
    struct poll_state *s = state;
    int64_t ms = timeout_us < 0 ? -1 : (timeout_us + 999) / 1000;
    int ready = poll(s->fds, (nfds_t)s->count, ms > 3600000 ? 3600000 : (int)ms);
    int count = 0;
    size_t at = s->from < s->count ? s->from : 0;
    for (size_t i = 0; i < s->count && ready > 0 && count < most; i++) {
        unsigned got = (unsigned short)s->fds[at].revents, what = 0;
        if (got & POLLIN)
            what |= LOOP_READ;
        if (got & POLLOUT)
            what |= LOOP_WRITE;
        if (got & (POLLERR | POLLHUP | POLLNVAL))
            what = LOOP_READ | LOOP_WRITE;
        if (what)
            events[count++] = (struct loop_event){s->ios[at], what};
        at = at + 1 < s->count ? at + 1 : 0;
    }
    s->from = at;
    return count;
}

const struct loop_backend loop_poll = {
    .name = "poll",
    .open = poll_backend_open,
    .close = poll_backend_close,
    .change = poll_backend_change,
    .wait = poll_backend_wait,
};
