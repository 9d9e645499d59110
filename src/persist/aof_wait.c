/* SPDX-License-Identifier: BSD-3-Clause */
/* The disk here, as a place that is waited for.
 *
 * A waiter makes a sync due at once, whatever appendfsync says: under everysec it does not wait for
 * the second to be over, under no it gets the only syncs there are. Waiters that come while one
 * runs share the next. While the first base of a log that was switched on is being written nothing
 * counts as durable: a start would not find it. */
#include "persist/aof_wait.h"

#include "persist/aof_state.h"
#include "server/progress.h"
#include "server/server.h"

static int64_t copies(void *arg, uint64_t position)
{
    const struct aof *a = arg;
    return a->state == AOF_ON && !a->sync.failed && !a->sync.lost && a->sync.durable >= position;
}

static bool is_off(void *arg)
{
    return ((const struct aof *)arg)->state == AOF_OFF;
}

static void hurry(void *arg, bool wanted)
{
    ((struct aof *)arg)->sync.wanted = wanted;
}

void aof_wait_init(struct aof *a)
{
    progress_add(server_progress(a->persist->server), PROGRESS_DISK,
                 &(struct progress_source){copies, is_off, hurry, a});
}

void aof_wait_check(struct aof *a)
{
    progress_moved(server_progress(a->persist->server));
}
