/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/memory_sums.h"

#include "base/must.h"
#include "server/clients.h"
#include "server/info.h"
#include "server/server.h"
#include "server/stats.h"
#include "store/db.h"
#include "store/db_iter.h"

static void add_clients(struct clients *cs, struct memory_sums *m)
{
    LINK_FOR(pos, &cs->all) { /* the shared buffer is there from the start */
        const struct client *c = LINK_OF(pos, struct client, link);
        bool replica = c->flags & CLIENT_REPLICA;
        *(replica ? &m->replicas : &m->clients) += client_memory(c);
        *(replica ? &m->replica_count : &m->client_count) += !(c->flags & CLIENT_FAKE);
    }
}

static void add_tables(const struct keyspace *ks, struct memory_sums *m)
{
    for (unsigned i = 0; i < ks->open_count; i++) {
        m->tables += db_index_memory(ks->open[i]);
        m->keys += db_count(ks->open[i]);
    }
}

void memory_sums_take(struct server *s, struct memory_sums *m)
{
    struct stats *st = server_stats(s);
    const struct info_out asked = {.info = server_info(s)};
    *m = (struct memory_sums){.total = mem_used(), .startup = server_startup_memory(s)};
    if (m->total > st->peak_memory)
        st->peak_memory = m->total;
    m->peak = st->peak_memory;
    add_clients(server_clients(s), m);
    add_tables(server_keyspace(s), m);
    m->replicas += info_asked(&asked, "mem_replicas_beyond_backlog");
    m->backlog = info_asked(&asked, "mem_replication_backlog");
    m->log_buffer = info_asked(&asked, "mem_aof_buffer");
    m->scripts = info_asked(&asked, "used_memory_scripts_eval");
    m->functions = info_asked(&asked, "used_memory_functions");
    m->cached_scripts = info_asked(&asked, "number_of_cached_scripts");
    m->overhead = m->startup + m->clients + m->replicas + m->backlog + m->tables +
                  m->log_buffer + m->scripts + m->functions;
    m->dataset = m->total > m->overhead ? m->total - m->overhead : 0;
    must(m->peak >= m->total && m->dataset <= m->total);
    mem_stats(&m->allocator);
}

size_t memory_sums_net(const struct memory_sums *m)
{
    must(m->peak >= m->total);
    return m->total > m->startup ? m->total - m->startup : 0;
}
