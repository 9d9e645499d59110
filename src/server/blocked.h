/* SPDX-License-Identifier: BSD-3-Clause */
/* What block.c keeps of a client that waits: for it, and for who counts a client's memory. */
#ifndef SERVER_BLOCKED_H
#define SERVER_BLOCKED_H

#include <stdbool.h>
#include <stddef.h>

#include "base/link.h"
#include "os/loop.h"

struct block_kind;
struct client;
struct command_entry;

struct block {
    struct link woken; /* linked: noted */
    struct client *client;
    struct command_entry *command;
    const struct block_kind *kind;
    void *arg;
    struct loop_timer timer;
    int why;           /* enum block_why */
    size_t bytes;      /* that are kept for the client */
    const char *error; /* in place of what wake replies; NULL: none */
    bool timed;        /* it has a timeout */
    bool closes;       /* behind it */
    bool served; /* answered already, and released */
};

#endif
