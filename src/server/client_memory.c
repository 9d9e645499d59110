/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/client_memory.h"

#include "base/log.h"
#include "base/mem.h"
#include "os/clock.h"
#include "server/client.h"
#include "server/server.h"
#include "server/stats.h"

enum { OFTEN_US = 100000, TIME_SHARE = 20 };

static bool counts(const struct client *c)
{
    return !(c->flags & (CLIENT_REPLICA | CLIENT_PRIMARY | CLIENT_NO_EVICT | CLIENT_FAKE));
}

static void count(struct client_memory *m, struct clients *cs)
{
    int64_t began = clock_mono_us();
    m->all = m->output = m->closing = 0;
    LINK_FOR(pos, &cs->all) {
        const struct client *c = LINK_OF(pos, struct client, link);
        if (!counts(c))
            continue;
        if (c->flags & CLIENT_CLOSE_SOON) {
            m->closing += client_memory(c);
        } else {
            m->all += client_memory(c);
            m->output += client_output_bytes(c);
        }
    }
    m->used_then = mem_used_about();
    m->counted_us = clock_mono_us();
    m->took_us = m->counted_us - began;
}

bool client_memory_look(struct client_memory *m, struct clients *cs, size_t step)
{
    size_t used = mem_used_about();
    size_t change = used > m->used_then ? used - m->used_then : m->used_then - used;
    int64_t since_us = clock_mono_us() - m->counted_us;
    if (m->counted_us && change < step &&
        (since_us < OFTEN_US || since_us < TIME_SHARE * m->took_us))
        return false;
    if (change < 16 * step && since_us < TIME_SHARE * m->took_us)
        return false;
    count(m, cs);
    return true;
}

static size_t share_of(const struct client *c, bool outputs)
{
    return outputs ? client_output_bytes(c) : client_memory(c);
}

static struct client *biggest(struct clients *cs, bool outputs)
{
    struct client *found = NULL;
    size_t most = 0;
    LINK_FOR(pos, &cs->all) {
        struct client *c = LINK_OF(pos, struct client, link);
        if (!counts(c) || c->flags & CLIENT_CLOSE_SOON)
            continue;
        size_t bytes = share_of(c, outputs);
        if (bytes > most) {
            most = bytes;
            found = c;
        }
    }
    return found;
}

void client_memory_limit(struct client_memory *m, struct clients *cs, size_t limit, bool outputs)
{
    while ((outputs ? m->output : m->all) > limit) {
        struct client *c = biggest(cs, outputs);
        if (!c)
            return;
        struct buf line = {0};
        client_describe(c, &line);
        log_notice("Client closed: clients hold more than they may together, and it most: %s",
                   buf_cstr(&line));
        buf_free(&line);
        size_t bytes = client_memory(c), output = client_output_bytes(c);
        m->all -= bytes < m->all ? bytes : m->all;
        m->output -= output < m->output ? output : m->output;
        m->closing += bytes;
        server_stats(c->server)->evicted_clients++;
        client_close_soon(c);
    }
}
