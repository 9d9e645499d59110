/* SPDX-License-Identifier: BSD-3-Clause */
#include "replication/repl_info.h"

#include "base/must.h"
#include "replication/backlog.h"
#include "replication/cmd_replication.h"
#include "replication/failover.h"
#include "replication/repl.h"
#include "replication/repl_config.h"
#include "replication/repl_stream.h"
#include "replication/replica_info.h"
#include "replication/replicas.h"
#include "replication/wait_for_replicas.h"
#include "server/ctx.h"
#include "server/info.h"
#include "server/reply.h"
#include "server/role.h"
#include "server/server.h"

/* ---- INFO replication ---- */
static const char *state_name(const struct replica *rep)
{
    if (rep->state == REPLICA_ONLINE)
        return "online";
    if (rep->log_send)
        return "send_log";
    return rep->state == REPLICA_RECEIVES && rep->file_sent > 0 ? "send_bulk" : "wait_bgsave";
}

static void put_replicas(const struct replicas *rs, struct info_out *o)
{
    int i = 0;
    LINK_FOR(pos, &rs->all) {
        const struct replica *rep = LINK_OF(pos, struct replica, link);
        char ip[64];
        int64_t port;
        bool online = rep->state == REPLICA_ONLINE;
        replica_address(rep, ip, &port);
        buf_printf(o->text, "slave%d:ip=%s,port=%lld,state=%s,offset=%lld,lag=%lld\r\n", i++, ip,
                   (long long)port, state_name(rep),
                   (long long)rep->ack_offset, online ? (long long)replica_lag_s(rep) : 0LL);
    }
}

static void put_role(void *arg, struct info_out *o)
{
    const struct repl *r = arg;
    info_str(o, "role", r->role->is_replica ? "slave" : "master");
}

static void put_rest(void *arg, struct info_out *o)
{
    const struct repl *r = arg;
    const struct role *role = r->role;
    info_u64(o, "connected_slaves", r->replicas->count);
    if (r->config->min_replicas && r->config->min_replicas_max_lag_s)
        info_u64(o, "min_slaves_good_slaves", r->replicas->good);
    if (wait_for_replicas_is_on(r->wait_for))
        info_u64(o, "wait_for_replicas_given_up", wait_for_replicas_given_up(r->wait_for));
    put_replicas(r->replicas, o);
    info_str(o, "master_failover_state", failover_state(r->failover));
    info_str(o, "master_replid", role->id);
    info_str(o, "master_replid2", role->old_id);
    info_i64(o, "master_repl_offset", role->offset);
    info_i64(o, "second_repl_offset", role->old_id_until < 0 ? -1 : role->old_id_until + 1);
    info_u64(o, "repl_backlog_active", repl_stream_is_kept(r));
    info_i64(o, "repl_backlog_size", r->config->backlog_size);
    info_i64(o, "repl_backlog_first_byte_offset", backlog_first(r->backlog));
    info_u64(o, "repl_backlog_histlen", backlog_kept(r->backlog));
}

/* ---- memory ---- */
size_t repl_buffer_bytes(const void *arg)
{
    return backlog_memory(((const struct repl *)arg)->backlog);
}

static uint64_t all_buffers(const void *arg)
{
    return repl_buffer_bytes(arg);
}

static uint64_t backlog_bytes(const void *arg)
{
    const struct repl *r = arg;
    uint64_t all = repl_buffer_bytes(r), most = (uint64_t)r->config->backlog_size;
    return all < most ? all : most;
}

/* What is kept for the sake of slow ones. */
static uint64_t beyond_backlog(const void *arg)
{
    return all_buffers(arg) - backlog_bytes(arg);
}

static uint64_t replica_count(const void *arg)
{
    return ((const struct repl *)arg)->replicas->count;
}

void repl_info_begin(struct repl *r)
{
    info_take_over(server_info(r->server), "Replication", INFO_DEFAULT, put_role, r);
}

void repl_info_rest(struct repl *r)
{
    struct info *info = server_info(r->server);
    info_add(info, "Replication", INFO_DEFAULT, put_rest, r);
    info_provide(info, "connected_slaves", replica_count, r);
    info_provide(info, "mem_replication_backlog", backlog_bytes, r);
    info_provide(info, "mem_total_replication_buffers", all_buffers, r);
    info_provide(info, "mem_replicas_beyond_backlog", beyond_backlog, r);
}

/* ---- ROLE ---- */
static void reply_primary(struct ctx *c, const struct repl *r)
{
    size_t online = 0;
    reply_array(c, 3);
    reply_bulk_str(c, "master");
    reply_int(c, r->role->offset);
    LINK_FOR(pos, &r->replicas->all)
        online += LINK_OF(pos, struct replica, link)->state == REPLICA_ONLINE;
    reply_array(c, online);
    LINK_FOR(pos, &r->replicas->all) {
        const struct replica *rep = LINK_OF(pos, struct replica, link);
        char ip[64];
        int64_t port;
        if (rep->state != REPLICA_ONLINE)
            continue;
        reply_array(c, 3);
        reply_bulk_str(c, replica_address(rep, ip, &port));
        reply_bulk_int(c, port);
        reply_bulk_int(c, rep->ack_offset);
    }
}

void cmd_role(struct ctx *c)
{
    struct repl *r = c->arg;
    if (r->role->is_replica)
        replica_role(r, c);
    else
        reply_primary(c, r);
}
