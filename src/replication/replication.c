/* SPDX-License-Identifier: BSD-3-Clause */
#include "replication/replication.h"

#include "base/mem.h"
#include "replication/cmd_failover.h"
#include "replication/cmd_replication.h"
#include "replication/failover.h"
#include "replication/full_send.h"
#include "replication/log_notes.h"
#include "replication/migrate_link.h"
#include "replication/min_replicas.h"
#include "replication/repl.h"
#include "replication/repl_aux.h"
#include "replication/repl_config.h"
#include "replication/repl_debug.h"
#include "replication/repl_info.h"
#include "replication/repl_stream.h"
#include "replication/replica.h"
#include "replication/replicas.h"
#include "replication/replicas_progress.h"
#include "replication/replicas_watch.h"
#include "replication/wait_for_replicas.h"
#include "server/command.h"
#include "server/memory_limit.h"
#include "server/server.h"

struct repl *replication_new(struct server *server, struct persist *persist,
                             struct memory_limit *limit)
{
    struct repl *r = mem_zalloc(sizeof *r);
    r->server = server;
    r->persist = persist;
    r->role = server_role(server);
    r->config = repl_config_new(server);
    repl_stream_init(r);
    r->replicas = replicas_new(r);
    r->full_send = full_send_new(r);
    r->wait_for = wait_for_replicas_new(r);
    r->failover = failover_new(r);
    replicas_watch_init(r);
    replicas_progress_init(r);
    min_replicas_init(r);
    r->aux = repl_aux_new(r);
    r->log_notes = log_notes_new(r);
    r->migrate = migrate_links_new(server);
    repl_info_begin(r);
    replica_init(r);
    repl_info_rest(r);
    repl_debug_words(r);
    commands_add(server_commands(server), cmd_replication_commands, r);
    commands_add(server_commands(server), cmd_failover_commands, r);
    memory_exempt(limit, repl_buffer_bytes, r);
    return r;
}

void replication_free(struct repl *r)
{
    replica_end(r);
    migrate_links_free(r->migrate);
    log_notes_free(r->log_notes);
    repl_aux_free(r->aux);
    failover_free(r->failover);
    wait_for_replicas_free(r->wait_for);
    replicas_free(r->replicas);
    full_send_free(r->full_send);
    repl_stream_free(r);
    repl_config_free(r->config);
    mem_free(r);
}
