/* SPDX-License-Identifier: BSD-3-Clause */
/* What lies between a socket and who talks over it: nothing, or a layer that turns the bytes into
 * others (TLS). A descriptor alone is plain, and goes straight to socket.h.
 *
 * A layer may hold bytes of which the descriptor says nothing any more (wire_pending), and may have
 * to write in order to read (wire_watch, wire_events): the one who watches the descriptor asks
 * after each reading and writing. What it has taken and the socket has not it owes (wire_owed):
 * wire_flush before the end. Errors are those of socket.h, or told by wire_why; -EAGAIN whatever
 * the layer waits for. */
#ifndef OS_WIRE_H
#define OS_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/must.h"
#include "os/socket.h"

struct wire_look {
    bool open;       /* what must be said before anything else has been */
    size_t owed;     /* bytes */
    size_t memory;   /* of the layer */
    const char *why; /* it failed; NULL: as errno says */
};

struct wire_ops {
    ssize_t (*recv)(void *arg, int fd, void *to, size_t n);
    ssize_t (*sendv)(void *arg, int fd, const struct iovec *parts, int count);
    size_t (*pending)(const void *arg);
    /* To get on with what (LOOP_*), watch this. */
    unsigned (*watch)(const void *arg, unsigned what);
    /* What (LOOP_*) can be done, now that the descriptor is ready for this. */
    unsigned (*events)(const void *arg, unsigned ready);
    void (*close)(void *arg, int fd); /* not the descriptor; arg is freed */
    /* NULL, both: it owes nothing, and there is nothing to say of it. */
    int (*flush)(void *arg, int fd);
    struct wire_look (*look)(const void *arg);
};

struct wire {
    const struct wire_ops *ops; /* NULL: plain */
    void *arg;
};

static inline ssize_t wire_recv(const struct wire *w, int fd, void *to, size_t n)
{
    must(n > 0); /* 0 would look like the end */
    return __builtin_expect(w->ops != NULL, 0) ? w->ops->recv(w->arg, fd, to, n)
                                               : socket_recv(fd, to, n);
}

static inline ssize_t wire_sendv(const struct wire *w, int fd, const struct iovec *parts, int count)
{
    must(count > 0);
    if (__builtin_expect(w->ops != NULL, 0))
        return w->ops->sendv(w->arg, fd, parts, count);
    return count == 1 ? socket_send(fd, parts[0].iov_base, parts[0].iov_len)
                      : socket_sendv(fd, parts, count);
}

static inline size_t wire_pending(const struct wire *w)
{
    return w->ops ? w->ops->pending(w->arg) : 0;
}

static inline unsigned wire_watch(const struct wire *w, unsigned what)
{
    return w->ops && what ? w->ops->watch(w->arg, what) : what;
}

static inline unsigned wire_events(const struct wire *w, unsigned ready)
{
    return w->ops ? w->ops->events(w->arg, ready) : ready;
}

static inline struct wire_look wire_look(const struct wire *w)
{
    return w->ops && w->ops->look ? w->ops->look(w->arg)
                                  : (struct wire_look){true, 0, 0, NULL};
}

static inline size_t wire_owed(const struct wire *w)
{
    return w->ops ? wire_look(w).owed : 0;
}

/* 0, also when it still owes some, or -errno. */
static inline int wire_flush(const struct wire *w, int fd)
{
    return w->ops && w->ops->flush ? w->ops->flush(w->arg, fd) : 0;
}

/* For people: what the error err (negative) of this wire means. */
static inline const char *wire_why(const struct wire *w, int err)
{
    const char *why = wire_look(w).why;
    return why ? why : strerror(-err);
}

static inline void wire_close(struct wire *w, int fd)
{
    if (w->ops)
        w->ops->close(w->arg, fd);
    *w = (struct wire){NULL, NULL};
}

#endif
