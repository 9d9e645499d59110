/* SPDX-License-Identifier: BSD-3-Clause */
#include "replication/replicas_watch.h"

#include "base/log.h"
#include "base/must.h"
#include "os/clock.h"
#include "replication/failover.h"
#include "replication/full_send.h"
#include "replication/log_notes.h"
#include "replication/repl.h"
#include "replication/repl_config.h"
#include "replication/repl_stream.h"
#include "replication/replicas.h"
#include "replication/wait_for_replicas.h"
#include "server/clients.h"
#include "server/hooks.h"
#include "server/pause.h"
#include "server/role.h"
#include "server/server.h"
#include "server/shutdown.h"

enum { LIFE_EVERY_MS = 1000 };

/* ---- each turn ---- */
/* All who have acknowledged what is in front of the last GETACK will do so for that too, or have
 * gone: it is not said twice for the same bytes. */
static void ask_for_acks(struct replicas *rs)
{
    static const struct slice getack[] = {SLICE_LIT("REPLCONF"), SLICE_LIT("GETACK"),
                                          SLICE_LIT("*")};
    struct repl *r = rs->repl;
    if (!repl_stream_is_own(r) || r->role->offset == rs->asked_offset)
        return;
    rs->said_offset = r->role->offset;
    repl_stream_say(r, 3, getack);
    rs->asked_offset = r->role->offset;
}

static bool is_lagging(const struct replica *rep)
{
    const struct replicas *rs = rep->repl->replicas;
    int64_t offset = rep->repl->role->offset;
    return rep->ack_offset < (offset == rs->asked_offset ? rs->said_offset : offset);
}

static void stage(void *arg)
{
    struct repl *r = arg;
    struct replicas *rs = r->replicas;
    if (!rs->count)
        return;
    full_send_stage(r->full_send);
    if (rs->acks_wanted || rs->disk_acks_wanted || wait_for_replicas_is_on(r->wait_for))
        ask_for_acks(rs);
    LINK_FOR(pos, &rs->all) {
        struct replica *rep = LINK_OF(pos, struct replica, link);
        if (client_check_output_limit(rep->client, 0)) /* it stays in the list until it is freed */
            continue;
        if (!(rep->client->flags & CLIENT_WRITE_WATCHED) && replica_has_some(rep))
            client_want_send(rep->client);
    }
}

/* ---- ten times a second ---- */
static bool is_paused(const struct repl *r)
{
    return pause_what(server_pauses(r->server)) & PAUSE_REPLICAS;
}

static void ping(struct replicas *rs, int64_t now_ms)
{
    static const struct slice words[] = {SLICE_LIT("PING")};
    struct repl *r = rs->repl;
    bool held = is_paused(r) || failover_is_under_way(r->failover) ||
                shutdown_is_under_way(server_shutdown(r->server));
    if (!repl_stream_is_own(r) || !rs->count || held ||
        now_ms - rs->ping_ms < r->config->ping_period_s * 1000)
        return;
    rs->ping_ms = now_ms;
    repl_stream_say(r, 1, words);
}

/* Who waits for a child, or for a file to be there, learns that the primary lives. */
static void show_life(struct replicas *rs, int64_t now_ms)
{
    if (now_ms - rs->life_ms < LIFE_EVERY_MS)
        return;
    rs->life_ms = now_ms;
    LINK_FOR(pos, &rs->all) {
        struct replica *rep = LINK_OF(pos, struct replica, link);
        bool waits = rep->state == REPLICA_WAITS ||
                     (rep->state == REPLICA_RECEIVES && !rep->source->begun(rep));
        if (waits && !rep->head.len)
            replica_tell(rep, SLICE_LIT("\n"));
    }
}

static const char *why_over(struct replica *rep, int64_t now_ms)
{
    int64_t timeout_ms = rep->repl->config->timeout_s * 1000;
    if (rep->state == REPLICA_ONLINE && !rep->old && now_ms - rep->ack_ms > timeout_ms)
        return "it acknowledged nothing for so long";
    if (rep->state != REPLICA_RECEIVES)
        return NULL;
    if (!replica_has_some(rep) || is_paused(rep->repl))
        rep->moved_ms = now_ms;
    return now_ms - rep->moved_ms > timeout_ms ? "it took nothing of the data set for so long"
                                               : NULL;
}

static void end_silent(struct replicas *rs, int64_t now_ms)
{
    LINK_FOR_SAFE(pos, &rs->all) {
        struct replica *rep = LINK_OF(pos, struct replica, link);
        const char *why = why_over(rep, now_ms);
        if (!why)
            continue;
        log_warning("Disconnecting timedout replica (repl-timeout): %s: %s",
                    replica_name(rep, (char[REPLICA_NAME_MAX]){0}), why);
        replica_drop(rep);
    }
}

/* As long as the log can tell how it went on, it costs next to nothing to keep. */
static void forget_history(struct replicas *rs, int64_t now_ms)
{
    struct repl *r = rs->repl;
    int64_t ttl_ms = r->config->backlog_ttl_s;
    if (r->role->is_replica || rs->count || !ttl_ms || !repl_stream_is_kept(r) ||
        log_notes_reach_back(r->log_notes))
        return;
    if (!rs->none_since_ms)
        rs->none_since_ms = now_ms;
    ttl_ms = ttl_ms < INT64_MAX / 1000 ? ttl_ms * 1000 : INT64_MAX;
    if (now_ms - rs->none_since_ms > ttl_ms)
        repl_stream_end(r);
}

static void tick(void *arg, int64_t mono_ms)
{
    struct repl *r = arg;
    struct replicas *rs = r->replicas;
    if (rs->count) {
        ping(rs, mono_ms);
        show_life(rs, mono_ms);
        end_silent(rs, mono_ms);
        replicas_count_good(rs);
    }
    forget_history(rs, mono_ms);
}

/* ---- the end ---- */
static unsigned lagging(const struct replicas *rs)
{
    unsigned n = 0;
    LINK_FOR(pos, &rs->all) {
        const struct replica *rep = LINK_OF(pos, struct replica, link);
        n += rep->state == REPLICA_ONLINE && !rep->old && is_lagging(rep);
    }
    return n;
}

static enum shutdown_answer ready_to_stop(void *arg, unsigned flags)
{
    struct repl *r = arg;
    (void)flags;
    if (r->role->is_replica || server_is_loading(r->server) || !lagging(r->replicas))
        return SHUTDOWN_READY;
    ask_for_acks(r->replicas);
    return SHUTDOWN_NOT_YET;
}

static bool finish(void *arg, unsigned flags)
{
    struct repl *r = arg;
    struct replicas *rs = r->replicas;
    unsigned behind = lagging(rs);
    (void)flags;
    full_send_stop(r->full_send);
    LINK_FOR(pos, &rs->all) {
        const struct replica *rep = LINK_OF(pos, struct replica, link);
        if (rep->state == REPLICA_ONLINE && !rep->old && is_lagging(rep))
            log_warning("Lagging replica %s: it has acknowledged all but %lld bytes, %lld s ago",
                        replica_name(rep, (char[REPLICA_NAME_MAX]){0}),
                        (long long)(r->role->offset - rep->ack_offset),
                        (long long)replica_lag_s(rep));
    }
    if (rs->count)
        log_notice("%u of %u replicas are in sync when shutting down.", rs->count - behind,
                   rs->count);
    return true;
}

void replicas_watch_init(struct repl *r)
{
    struct hooks *hooks = server_hooks(r->server);
    hooks_on_stage(hooks, STAGE_REPLY, stage, r);
    hooks_on_tick(hooks, tick, r);
    hooks_on_shutdown(hooks, ready_to_stop, finish, r);
}
