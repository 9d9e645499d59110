/* SPDX-License-Identifier: BSD-3-Clause */
/* What push.c keeps of a client to which messages were pushed: for push.c and client.c. */
#ifndef SERVER_PUSHED_H
#define SERVER_PUSHED_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/link.h"

struct client;

#define PUSHED_NOTHING UINT64_MAX
struct pushed {
    struct link link;     /* clients.pushed, while a unit is open */
    struct client *client;
    uint64_t from;        /* place in its output where the first message begins; PUSHED_NOTHING:
                           * none is there, they are kept */
    struct buf kept;      /* behind the reply of the command that runs */
};

void pushed_drop(struct client *c);
size_t pushed_memory(const struct client *c);
size_t pushed_bytes(const struct client *c); /* that are not in its output yet */

#endif
