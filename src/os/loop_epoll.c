/* SPDX-License-Identifier: BSD-3-Clause */
/* Level-triggered epoll: what is not read stays ready, so a client may be served a bounded piece a
 * turn. */
#ifdef __linux__
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/must.h"
#include "os/loop_backend.h"

struct epoll_state {
    int fd;
    struct epoll_event events[LOOP_BATCH];
};

int loop_epoll_fd(const void *state)
{
    return ((const struct epoll_state *)state)->fd;
}

static void *epoll_backend_open(void)
{
    int fd = epoll_create1(EPOLL_CLOEXEC);
    if (fd < 0)
        return NULL;
    struct epoll_state *s = mem_zalloc(sizeof *s);
    s->fd = fd;
    return s;
}

static void epoll_backend_close(void *state)
{
    struct epoll_state *s = state;
    close(s->fd);
    mem_free(s);
}

static int epoll_backend_change(void *state, struct loop_io *io, unsigned was, unsigned what)
{
    struct epoll_state *s = state;
    struct epoll_event e = {.data.ptr = io};
    must(was || what);
    int op = !was ? EPOLL_CTL_ADD : what ? EPOLL_CTL_MOD : EPOLL_CTL_DEL;
    if (what & LOOP_READ)
        e.events |= EPOLLIN;
    if (what & LOOP_WRITE)
        e.events |= EPOLLOUT;
    return epoll_ctl(s->fd, op, io->fd, &e) < 0 ? -errno : 0;
}

static int epoll_backend_wait(void *state, struct loop_event *events, int most,
                              int64_t timeout_us)
{
    struct epoll_state *s = state;
    /* Rounded up: a timer that is due in 300 us must not spin until then. */
    int64_t ms = timeout_us < 0 ? -1 : (timeout_us + 999) / 1000;
    int count = epoll_wait(s->fd, s->events, most, ms > 3600000 ? 3600000 : (int)ms);
    must(count <= most && most <= LOOP_BATCH);
    for (int i = 0; i < count; i++) {
        unsigned got = s->events[i].events, what = 0;
        if (got & EPOLLIN)
            what |= LOOP_READ;
        if (got & EPOLLOUT)
            what |= LOOP_WRITE;
        if (got & (EPOLLERR | EPOLLHUP))
            what = LOOP_READ | LOOP_WRITE;
        events[i] = (struct loop_event){s->events[i].data.ptr, what};
    }
    return count < 0 ? 0 : count; /* EINTR: a turn without events */
}

const struct loop_backend loop_epoll = {
    .name = "epoll",
    .open = epoll_backend_open,
    .close = epoll_backend_close,
    .change = epoll_backend_change,
    .wait = epoll_backend_wait,
};
#else
typedef int loop_epoll_not_here; /* C wants something in every file */
#endif
