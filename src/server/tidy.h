/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory that deletions leave idle, brought back by and by: entries on sparse pages are moved
 * together, empty pages and what the allocator has not used for a while go back to the system.
 *
 * By need: nothing is moved before a third of the entries' memory lies idle, and at most a
 * hundredth to a tenth of the time is spent, the more idles the more, in slices of a millisecond:
 * no command waits longer. While a child lives only when more lies idle than is used, since what
 * is moved is copied then. */
#ifndef SERVER_TIDY_H
#define SERVER_TIDY_H

#include <stdbool.h>
#include <stdint.h>

#include "os/loop.h"

struct server;

struct tidy {
    struct server *server;
    struct loop_timer slice; /* runs only while entries are moved */
    bool moving;
    int64_t gave_back_us; /* monotonic */
};

void tidy_init(struct tidy *t, struct server *s);
void tidy_stop(struct tidy *t); /* until the next tick */
/* From cron, not while loading: looks whether there is something to do, and begins. */
void tidy_tick(struct tidy *t);

#endif
