/* SPDX-License-Identifier: BSD-3-Clause */
#include "replication/replica_info.h"

#include "os/clock.h"
#include "replication/link_parts.h"
#include "replication/repl.h"
#include "replication/repl_config.h"
#include "server/client.h"
#include "server/info.h"
#include "server/reply.h"
#include "server/role.h"
#include "server/server.h"

static int64_t seconds_since(int64_t us)
{
    return (clock_mono_us() - us) / 1000000;
}

static bool is_syncing(const struct primary_link *l)
{
    return l->state == LINK_SYNCING;
}

/* Of a data set with a mark at its end nobody knows how much will come. */
static void sync_info(const struct primary_link *l, struct info_out *o)
{
    const struct sync_in *s = &l->sync;
    int64_t total = sync_in_total(s), read = (int64_t)s->read;
    if (total < 0 && s->phase > SYNC_HEAD)
        total = 0;
    info_i64(o, "master_sync_total_bytes", total);
    info_i64(o, "master_sync_read_bytes", read);
    info_i64(o, "master_sync_left_bytes", total ? total - read : 0);
    info_f(o, "master_sync_perc", "%.2f", total ? (double)read / (double)total * 100 : 0.0);
    info_i64(o, "master_sync_last_io_seconds_ago", seconds_since(l->socket.heard_us));
}

static void lines(void *arg, struct info_out *o)
{
    const struct repl *r = arg;
    const struct primary_link *l = r->link;
    const struct client *c = l->stream.client;
    int64_t offset = role_offset(r->role);
    if (!r->role->is_replica)
        return;
    info_str(o, "master_host", l->host ? l->host : "");
    info_i64(o, "master_port", l->port);
    info_str(o, "master_link_status", r->role->link_up ? "up" : "down");
    info_i64(o, "master_last_io_seconds_ago", c ? seconds_since(l->stream.heard_us) : -1);
    info_u64(o, "master_sync_in_progress", is_syncing(l));
    info_i64(o, "slave_read_repl_offset", offset + (c ? (int64_t)c->in.len : 0));
    info_i64(o, "slave_repl_offset", offset);
    if (is_syncing(l))
        sync_info(l, o);
    if (!r->role->link_up)
        info_i64(o, "master_link_down_since_seconds",
                 l->down_since_us ? seconds_since(l->down_since_us) : -1);
    info_i64(o, "slave_priority", r->config->priority);
    info_u64(o, "slave_read_only", r->config->read_only);
    info_u64(o, "replica_announced", r->config->announced);
    /* ours */
    info_f(o, "replica_sync_fault", "%.*s", SLICE_ARG(buf_slice(&l->fault)));
    info_u64(o, "replica_commands_failed", l->stream.failed);
}

void replica_info_init(struct repl *r)
{
    info_add(server_info(r->server), "Replication", INFO_DEFAULT, lines, r);
}

void replica_role(const struct repl *r, struct ctx *c)
{
    static const char *const words[] = {
        [LINK_NONE] = "none", [LINK_DUE] = "connect", [LINK_FINDING] = "connecting",
        [LINK_CONNECTING] = "connecting", [LINK_TALKING] = "handshake", [LINK_SYNCING] = "sync",
        [LINK_ONLINE] = "connected"};
    const struct primary_link *l = r->link;
    reply_array(c, 5);
    reply_bulk_str(c, "slave");
    reply_bulk_str(c, l->host ? l->host : "");
    reply_int(c, l->port);
    reply_bulk_str(c, words[l->state]);
    reply_int(c, l->state == LINK_ONLINE ? role_offset(r->role) : -1);
}
