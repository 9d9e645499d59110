/* SPDX-License-Identifier: BSD-3-Clause */
/* What block.c keeps of a client that waits: for it, and for who counts a client's memory. */
#ifndef SERVER_BLOCKED_H
#define SERVER_BLOCKED_H

#include <stdbool.h>
#include <stddef.h>

#include "base/link.h"
#include "os/loop.h"
#include "server/block.h"

struct block {
    struct link woken; /* linked: noted */
    struct client *client;
    struct command_entry *command;
    const struct block_kind *kind;
    void *arg;
    struct loop_timer timer;
    enum block_why why;
    const char *error; /* in place of what wake replies; NULL: none */
    bool closes;       /* behind it */
    bool served; /* answered already, and released */
};

/* b: a client's; NULL: it does not wait. */
static inline size_t block_memory(const struct block *b)
{
    return !b ? 0 : sizeof *b + (b->kind->bytes ? b->kind->bytes(b->arg) : 0);
}

#endif
