/* SPDX-License-Identifier: BSD-3-Clause */
#include "replication/replicas_progress.h"

#include "replication/repl.h"
#include "replication/repl_stream.h"
#include "replication/replicas.h"
#include "server/progress.h"
#include "server/server.h"

static int64_t count(const struct repl *r, uint64_t position, bool on_disk)
{
    int64_t needed = repl_stream_needed(r, position), n = 0;
    LINK_FOR(pos, &r->replicas->all) {
        const struct replica *rep = LINK_OF(pos, struct replica, link);
        n += rep->state == REPLICA_ONLINE && rep->stream_on &&
             (on_disk ? rep->disk_offset : rep->ack_offset) >= needed;
    }
    return n;
}

static int64_t in_memory(void *arg, uint64_t position)
{
    return count(arg, position, false);
}

static int64_t on_disk(void *arg, uint64_t position)
{
    return count(arg, position, true);
}

/* The stage asks, once a turn, and not again before something new was said. */
static void hurry_memory(void *arg, bool wanted)
{
    ((struct repl *)arg)->replicas->acks_wanted = wanted;
}

static void hurry_disk(void *arg, bool wanted)
{
    ((struct repl *)arg)->replicas->disk_acks_wanted = wanted;
}

void replicas_progress_init(struct repl *r)
{
    struct progress *p = server_progress(r->server);
    progress_add(p, PROGRESS_REPLICAS, &(struct progress_source){
        .copies = in_memory, .hurry = hurry_memory, .arg = r});
    progress_add(p, PROGRESS_REPLICA_DISKS, &(struct progress_source){
        .copies = on_disk, .hurry = hurry_disk, .arg = r});
}
