/* SPDX-License-Identifier: BSD-3-Clause */
/* What a way of waiting for descriptors must offer; one const struct a file (loop_uring.c,
 * loop_epoll.c, loop_poll.c). Only loop.c and the backends include this. */
#ifndef OS_LOOP_BACKEND_H
#define OS_LOOP_BACKEND_H

#include <stdint.h>

#include "os/loop.h"

enum { LOOP_BATCH = 512 };

struct loop_event {
    struct loop_io *io; /* NULL: it was unwatched after the wait */
    unsigned what;
};

struct loop_backend {
    const char *name;
    void *(*open)(void); /* NULL: not to be had */
    void (*close)(void *state);
    /* 0 or -errno. */
    int (*change)(void *state, struct loop_io *io, unsigned was, unsigned what);
    /* Fills at most `most` events; timeout_us -1: for ever. The count. */
    int (*wait)(void *state, struct loop_event *events, int most, int64_t timeout_us);
    /* Of one that receives streams and sends by itself, all of these; otherwise NULL. forget: the
     * stream goes, its bytes with it. The others: see loop.h. */
    void (*forget)(void *state, struct loop_io *io);
    ssize_t (*recv)(void *state, struct loop_io *io, void *to, size_t n);
    ssize_t (*lend)(void *state, struct loop_io *io, void *room, size_t n,
                    struct loop_lent *lent);
    void (*lent_back)(void *state, const struct loop_lent *lent);
    void (*send_all)(void *state, struct loop_send *sends, int count);
};

extern const struct loop_backend loop_poll;
#ifdef __linux__
extern const struct loop_backend loop_uring, loop_epoll;
int loop_epoll_fd(const void *state);
#endif

#endif
