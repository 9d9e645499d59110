/* SPDX-License-Identifier: BSD-3-Clause */
/* What a client gets behind its own output, and what is not its own: a replica's part of the
 * stream, which many share. The owner says when there is more (client_want_send). */
#ifndef SERVER_FEED_H
#define SERVER_FEED_H

#include <stddef.h>
#include <sys/uio.h>

struct client_feed {
    /* What may go now, at most most bytes in at most max parts. Returns how many parts. */
    int (*parts)(void *arg, size_t most, struct iovec *to, int max);
    void (*sent)(void *arg, size_t n);
    size_t (*pending)(const void *arg); /* bytes, for limits and CLIENT LIST */
    void *arg;
};

#endif
