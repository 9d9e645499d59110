/* SPDX-License-Identifier: BSD-3-Clause */
/* What a way of waiting for descriptors must offer; one const struct a file (loop_epoll.c,
 * loop_poll.c). Only loop.c and the backends include this. */
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
    /* io->watched still holds the old bits. 0 or -errno. */
    int (*change)(void *state, struct loop_io *io, unsigned what);
    /* Fills at most LOOP_BATCH events; timeout_us -1: for ever. The count. */
    int (*wait)(void *state, struct loop_event *events, int64_t timeout_us);
};

extern const struct loop_backend loop_poll;
#ifdef __linux__
extern const struct loop_backend loop_epoll;
#endif

#endif
