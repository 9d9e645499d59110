/* SPDX-License-Identifier: BSD-3-Clause */
#include "replication/failover.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "os/clock.h"
#include "os/loop.h"
#include "replication/primary_heir.h"
#include "replication/primary_link.h"
#include "replication/repl.h"
#include "replication/replicas.h"
#include "server/hooks.h"
#include "server/pause.h"
#include "server/role.h"
#include "server/server.h"

enum phase { NONE, WAITING, HANDING };

struct failover {
    struct repl *repl;
    enum phase phase;
    char *host; /* NULL: any */
    int port;
    bool force;
    int64_t deadline_ms; /* monotonic; 0: none */
    struct loop_work hand; /* hand_asked: it comes; becoming a replica is nothing for a stage */
    bool hand_asked;
};

bool failover_is_under_way(const struct failover *fo)
{
    return fo->phase != NONE;
}

const char *failover_state(const struct failover *fo)
{
    static const char *const names[] = {[NONE] = "no-failover", [WAITING] = "waiting-for-sync",
                                        [HANDING] = "failover-in-progress"};
    return names[fo->phase];
}

static const char *whom(const struct failover *fo, char out[REPLICA_NAME_MAX])
{
    if (fo->host)
        snprintf(out, REPLICA_NAME_MAX, "%s:%d", fo->host, fo->port);
    else
        snprintf(out, REPLICA_NAME_MAX, "any replica");
    return out;
}

/* ---- the end ---- */

static void end(struct failover *fo)
{
    must(fo->phase != NONE);
    fo->phase = NONE;
    mem_free(fo->host);
    fo->host = NULL;
    pause_end_soon(server_pauses(fo->repl->server), PAUSE_FAILOVER);
}

void failover_abort(struct failover *fo, const char *why)
{
    char name[REPLICA_NAME_MAX];
    struct fault f = {0};
    must(fo->phase != NONE);
    log_notice("FAILOVER to %s aborted: %s", whom(fo, name), why);
    if (fo->phase == HANDING && !primary_link_lead(fo->repl->link, &f))
        must(!"nothing is loaded before it has answered");
    end(fo);
}

static void answered(void *arg, bool leads, const char *why)
{
    struct failover *fo = arg;
    must(fo->phase == HANDING);
    if (leads)
        end(fo);
    else
        failover_abort(fo, why);
}

/* ---- handing over ---- */

static bool is_meant(const struct failover *fo, const struct replica *rep)
{
    char ip[64];
    int64_t port;
    return !fo->host ||
           (strcmp(replica_address(rep, ip, &port), fo->host) == 0 && port == fo->port);
}

/* To the last byte, or it could not be gone on with. Nobody is hurried with GETACK, which moves the
 * offset, and is answered with the one before: replicas acknowledge each second by themselves. */
static const struct replica *who_has_all(const struct failover *fo)
{
    LINK_FOR(pos, &fo->repl->replicas->all) {
        const struct replica *rep = LINK_OF(pos, struct replica, link);
        if (rep->state == REPLICA_ONLINE && !rep->old && is_meant(fo, rep) &&
            rep->ack_offset == fo->repl->role->offset)
            return rep;
    }
    return NULL;
}

static void take_name(struct failover *fo, const struct replica *rep)
{
    char ip[64];
    int64_t port;
    const char *host = replica_address(rep, ip, &port);
    if (!fo->host)
        fo->host = mem_dup(host, strlen(host));
    fo->port = (int)port;
}

static void hand_over(struct failover *fo)
{
    struct fault f = {0};
    struct primary_heir heir = {.may_lack = fo->force, .answered = answered, .arg = fo};
    must(fo->phase == WAITING && fo->host);
    fo->phase = HANDING;
    if (!primary_link_hand_over(fo->repl->link, slice_str(fo->host), fo->port, &heir, &f))
        failover_abort(fo, f.what);
}

static bool is_over_time(const struct failover *fo)
{
    return fo->deadline_ms && clock_mono_us() / 1000 >= fo->deadline_ms;
}

/* Between two turns. What was the case when it was asked for may be no more. */
static void step(void *arg)
{
    struct failover *fo = arg;
    char name[REPLICA_NAME_MAX];
    fo->hand_asked = false;
    if (fo->phase != WAITING)
        return;
    const struct replica *rep = who_has_all(fo);
    if (rep) {
        take_name(fo, rep);
        log_notice("Failover target %s is synced, failing over.", whom(fo, name));
        hand_over(fo);
    } else if (is_over_time(fo) && fo->force) {
        log_notice("Failover to %s times out: it is made to lead as it is", whom(fo, name));
        hand_over(fo);
    } else if (is_over_time(fo)) {
        failover_abort(fo, "Replica never caught up before timeout");
    }
}

static void stage(void *arg)
{
    struct failover *fo = arg;
    if (fo->phase != WAITING || fo->hand_asked)
        return;
    fo->hand_asked = is_over_time(fo) || who_has_all(fo);
    if (fo->hand_asked)
        loop_between(server_loop(fo->repl->server), &fo->hand);
}

/* ---- the beginning ---- */

void failover_begin(struct failover *fo, const struct failover_wish *wish)
{
    char name[REPLICA_NAME_MAX];
    must(fo->phase == NONE && (!wish->force || (wish->host.len && wish->timeout_ms)));
    fo->phase = WAITING;
    fo->host = wish->host.len ? mem_dup(wish->host.data, wish->host.len) : NULL;
    fo->port = wish->port;
    fo->force = wish->force;
    fo->deadline_ms = wish->timeout_ms ? clock_mono_us() / 1000 + wish->timeout_ms : 0;
    log_notice("FAILOVER requested to %s.", whom(fo, name));
    /* The stream goes on: the replica is to have it all. */
    pause_begin(server_pauses(fo->repl->server), PAUSE_FAILOVER,
                PAUSE_CHANGES & ~(unsigned)PAUSE_REPLICAS, INT64_MAX);
}

struct failover *failover_new(struct repl *r)
{
    struct failover *fo = mem_zalloc(sizeof *fo);
    fo->repl = r;
    fo->hand = (struct loop_work){.run = step, .arg = fo};
    hooks_on_stage(server_hooks(r->server), STAGE_REPLY, stage, fo);
    return fo;
}

void failover_free(struct failover *fo)
{
    mem_free(fo->host);
    mem_free(fo);
}
