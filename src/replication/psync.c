/* SPDX-License-Identifier: BSD-3-Clause */
/* PSYNC id offset: the client becomes a replica. When the backlog has all from offset (the next
 * byte that it wants) on, of a history that goes by this id here, it goes on from there; else
 * from the append log, when that reaches back (log_send.h); else it waits for a copy of the data
 * set. SYNC is the same without asking. Neither is replied to: what it
 * gets comes by its feed. */
#include "base/log.h"
#include "base/num.h"
#include "replication/backlog.h"
#include "replication/cmd_replication.h"
#include "replication/log_send.h"
#include "replication/repl.h"
#include "replication/repl_stream.h"
#include "replication/replicas.h"
#include "server/client.h"
#include "server/ctx.h"
#include "server/reply.h"
#include "server/role.h"
#include "server/server.h"
#include "server/stats.h"

static struct stats *stats_of(const struct repl *r)
{
    return server_stats(r->server);
}

/* ---- it can go on ---- */
static void tell_why_not(const struct replica *rep, struct slice id, int64_t offset)
{
    const struct repl *r = rep->repl;
    const struct role *role = r->role;
    char name[REPLICA_NAME_MAX];
    bool known = slice_eq_str(id, role->id) || slice_eq_str(id, role->old_id);
    if (slice_eq_str(id, "?")) {
        log_notice("Full resync requested by replica %s", replica_name(rep, name));
    } else if (!known) {
        log_notice("Partial resynchronization not accepted: replica %s has the history %.*s, this "
                   "server %s, and %s before", replica_name(rep, name), SLICE_ARG(id), role->id,
                   role->old_id);
    } else {
        log_notice("Replica %s can't go on from offset %lld: the backlog has what is between %lld "
                   "and %lld", replica_name(rep, name), (long long)offset,
                   (long long)backlog_first(r->backlog), (long long)backlog_next(r->backlog));
    }
}

static void tell_continue(struct replica *rep)
{
    const struct repl *r = rep->repl;
    struct buf line = {0};
    if (rep->capa & REPLICA_CAPA_PSYNC2)
        buf_printf(&line, "+CONTINUE %s\r\n", r->role->id);
    else
        buf_printf(&line, "+CONTINUE\r\n");
    replica_tell(rep, buf_slice(&line));
    buf_free(&line);
}

static void take_on(struct replica *rep)
{
    stats_of(rep->repl)->sync_partial_ok++;
    replica_follow(rep);
}

static void go_on(struct replica *rep, int64_t offset)
{
    struct repl *r = rep->repl;
    char name[REPLICA_NAME_MAX];
    backlog_seek(r->backlog, &rep->stream, offset);
    take_on(rep);
    tell_continue(rep);
    log_notice("Partial resynchronization request from %s accepted: %lld bytes of the backlog, "
               "from offset %lld on", replica_name(rep, name),
               (long long)(backlog_next(r->backlog) - offset), (long long)offset);
    replica_go_online(rep, false);
}

/* From the log, when that can tell how it went on. */
static bool go_on_from_log(struct replica *rep, struct slice id, int64_t offset)
{
    struct repl *r = rep->repl;
    if (!repl_stream_is_named(r, id, offset - 1) || !log_send_begin(rep, offset - 1, tell_continue))
        return false;
    stats_of(r)->sync_log++;
    take_on(rep);
    return true;
}

/* ---- it can't ---- */
static void wait_for_all(struct replica *rep)
{
    struct repl *r = rep->repl;
    stats_of(r)->sync_full++;
    if (!repl_stream_is_kept(r))
        repl_stream_begin(r);
    replica_enter(rep, REPLICA_WAITS);
    replica_follow(rep);
}

static const char *refusal(const struct repl *r, const struct client *c)
{
    const struct replica *rep = replica_peek(r->replicas, c);
    if (r->role->is_replica && !r->role->link_up)
        return "NOMASTERLINK Can't SYNC while not connected with my master";
    if (c->flags & (CLIENT_PUBSUB | CLIENT_TRACKING)) /* what they push would stand in the stream */
        return "ERR SYNC and PSYNC are not for connections that subscribe or track";
    if (output_unsent(&c->out))
        return "ERR SYNC and PSYNC are invalid with pending output";
    if (rep && rep->filter && !(rep->capa & REPLICA_CAPA_EOF))
        return "ERR Filtered replica requires EOF capability";
    return NULL;
}

/* The primary of this server stands back for it: FAILOVER (PSYNC id offset FAILOVER). */
static bool take_over(struct ctx *c, struct repl *r)
{
    struct fault f = {0};
    log_warning("The primary of history %.*s asks this server to take over",
                SLICE_ARG(c->argv[1]));
    if (!r->role->is_replica)
        reply_error(c, "ERR PSYNC FAILOVER can't be sent to a master.");
    else if (!slice_eq_str(c->argv[1], r->role->id))
        reply_error(c, "ERR PSYNC FAILOVER replid must match my replid.");
    else if (!r->role->ops->lead(r->role->arg, &f))
        reply_errorf(c, "ERR %s", f.what);
    else
        return true;
    return false;
}

static bool may_follow(struct ctx *c, struct repl *r)
{
    if (c->client->flags & (CLIENT_REPLICA | CLIENT_MONITOR)) /* in vain, and silently */
        return false;
    const char *error = refusal(r, c->client);
    if (error)
        reply_error(c, error);
    return !error;
}

void cmd_sync(struct ctx *c)
{
    struct repl *r = c->arg;
    if (!may_follow(c, r))
        return;
    struct replica *rep = replica_of(r->replicas, c->client);
    char name[REPLICA_NAME_MAX];
    log_notice("Replica %s asks for synchronization", replica_name(rep, name));
    rep->old = true;
    wait_for_all(rep);
}

void cmd_psync(struct ctx *c)
{
    struct repl *r = c->arg;
    int64_t offset;
    char name[REPLICA_NAME_MAX];
    if (c->client->flags & (CLIENT_REPLICA | CLIENT_MONITOR))
        return;
    if (ctx_arg_is(c, 3, "failover") && !take_over(c, r))
        return;
    if (!may_follow(c, r) || !ctx_arg_i64(c, 2, &offset))
        return;
    struct replica *rep = replica_of(r->replicas, c->client);
    log_notice("Replica %s asks for synchronization", replica_name(rep, name));
    if (!rep->filter && !rep->rdb_only && repl_stream_has(r, c->argv[1], offset)) {
        go_on(rep, offset);
        return;
    }
    if (!rep->filter && !rep->rdb_only && go_on_from_log(rep, c->argv[1], offset))
        return;
    tell_why_not(rep, c->argv[1], offset);
    if (!slice_eq_str(c->argv[1], "?"))
        stats_of(r)->sync_partial_err++;
    wait_for_all(rep);
}
