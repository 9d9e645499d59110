/* SPDX-License-Identifier: BSD-3-Clause */
/* What pause.c and pause_end.c share. */
#ifndef SERVER_PAUSE_PARTS_H
#define SERVER_PAUSE_PARTS_H

#include "server/pause.h"

struct pauses {
    struct server *server;
    struct {
        int64_t until_us; /* monotonic; 0: there is none */
        unsigned what;
    } of[PAUSE_PURPOSES];
    unsigned what; /* of all */
    unsigned held;
};

struct held_command *pause_take(struct pauses *p, struct client *c);
void pause_sum_up(struct pauses *p);

#endif
