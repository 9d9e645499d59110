/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory that deletions leave idle, brought back by and by: entries on sparse pages are moved
 * together, empty pages and what the allocator has not used for a while go back to the system.
 *
 * By need: nothing is moved before a third of the entries' memory lies idle, and at most a
 * hundredth to a tenth of the time is spent, the more idles the more. While a child lives only
 * when more lies idle than is used, since what is moved is copied then. */
#ifndef SERVER_TIDY_H
#define SERVER_TIDY_H

#include <stdint.h>

struct server;

struct tidy { /* zero it */
    int64_t gave_back_us; /* monotonic */
};

/* From cron, period_us apart, not while loading. */
void tidy_tick(struct tidy *t, struct server *s, int64_t period_us);

#endif
