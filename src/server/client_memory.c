/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/client_memory.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "os/clock.h"
#include "server/client_describe.h"
#include "server/clients.h"
#include "server/server.h"
#include "server/stats.h"

enum { OFTEN_US = 100000, TIME_SHARE = 20, NEWCOMERS_SHARE = 16, CLASSES = 64 };
enum which { WHICH_UNPROVEN, WHICH_OUTPUT, WHICH_ALL };

static bool counts(const struct client *c)
{
    return !(c->flags & (CLIENT_REPLICA | CLIENT_PRIMARY | CLIENT_NO_EVICT | CLIENT_FAKE));
}

static void count(struct client_memory *m, struct clients *cs)
{
    int64_t began = clock_mono_us();
    m->all = m->output = m->unproven = m->closing = 0;
    LINK_FOR(pos, &cs->all) {
        const struct client *c = LINK_OF(pos, struct client, link);
        if (!counts(c))
            continue;
        if (c->flags & CLIENT_CLOSE_SOON) {
            m->closing += client_memory(c);
        } else {
            m->all += client_memory(c);
            m->output += client_output_bytes(c);
            m->unproven += client_must_auth(cs, c) ? client_memory(c) : 0;
        }
    }
    must(m->unproven <= m->all);
    m->used_then = mem_used_about();
    m->counted_us = clock_mono_us();
    m->took_us = m->counted_us - began;
}

bool client_memory_look(struct client_memory *m, struct clients *cs, size_t step)
{
    size_t used = mem_used_about();
    size_t change = used > m->used_then ? used - m->used_then : m->used_then - used;
    int64_t least_us = TIME_SHARE * m->took_us;
    /* For every command: the turn's clock will do, as long as little has changed. */
    if (m->counted_us && change < step) {
        int64_t about_us = clock_now.mono_us - m->counted_us;
        if (about_us < OFTEN_US || about_us < least_us)
            return false;
    } else if (m->counted_us && change < 16 * step) {
        if (clock_mono_us() - m->counted_us < least_us)
            return false;
    }
    count(m, cs);
    return true;
}

static size_t share_of(const struct clients *cs, const struct client *c, enum which which)
{
    if (!counts(c) || c->flags & CLIENT_CLOSE_SOON)
        return 0;
    if (which == WHICH_OUTPUT)
        return client_output_bytes(c);
    return which == WHICH_ALL || client_must_auth(cs, c) ? client_memory(c) : 0;
}

struct held {
    size_t bytes;
    struct client *client;
};

/* Those that hold most first; of equals those that came first. */
static int by_bytes(const void *a, const void *b)
{
    const struct held *x = a, *y = b;
    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? 1 : -1;
    return x->client->id < y->client->id ? -1 : x->client->id > y->client->id;
}

static void tell(const struct client *c)
{
    struct buf line = {0};
    client_describe_short(c, &line);
    log_notice("Evicting client: %s (clients hold more than they may together, and it most)",
               buf_cstr(&line));
    buf_free(&line);
}

static void take(size_t *from, size_t bytes)
{
    *from -= bytes < *from ? bytes : *from;
}

static void close_one(struct client_memory *m, struct clients *cs, struct client *c)
{
    size_t bytes = client_memory(c);
    must(counts(c) && !(c->flags & CLIENT_CLOSE_SOON));
    if (client_must_auth(cs, c)) {
        log_verbose("Client closed: clients hold more than they may together, and it has not "
                    "authenticated");
        take(&m->unproven, bytes);
    } else {
        tell(c);
    }
    take(&m->all, bytes);
    take(&m->output, client_output_bytes(c));
    m->closing += bytes;
    server_stats(c->server)->evicted_clients++;
    client_close_soon(c);
}

/* By powers of two, so that of many clients only those that may be closed are sorted. */
struct classes {
    size_t clients[CLASSES], bytes[CLASSES];
};

static void sum_classes(struct classes *by, struct clients *cs, enum which which)
{
    LINK_FOR(pos, &cs->all) {
        size_t bytes = share_of(cs, LINK_OF(pos, struct client, link), which);
        if (!bytes)
            continue;
        int class = CLASSES - 1 - __builtin_clzll(bytes);
        by->clients[class]++;
        by->bytes[class] += bytes;
    }
}

/* Those that hold so much or more are *count, and hold at least excess together, or are all. */
static size_t least_to_close(const struct classes *by, size_t excess, size_t *count)
{
    int class = CLASSES - 1;
    size_t bytes = by->bytes[class];
    *count = by->clients[class];
    while (class > 0 && bytes < excess) {
        bytes += by->bytes[--class];
        *count += by->clients[class];
    }
    return (size_t)1 << class;
}

static void close_most(struct client_memory *m, struct clients *cs, enum which which,
                       const size_t *held, size_t limit)
{
    struct classes by = {0};
    size_t count = 0;
    if (*held <= limit)
        return;
    int64_t began = clock_mono_us();
    sum_classes(&by, cs, which);
    size_t room = 0, least = least_to_close(&by, *held - limit, &room);
    struct held *all = mem_alloc((room + 1) * sizeof *all);
    LINK_FOR(pos, &cs->all) {
        struct client *c = LINK_OF(pos, struct client, link);
        size_t bytes = share_of(cs, c, which);
        if (bytes >= least)
            all[count++] = (struct held){bytes, c};
    }
    must(count == room);
    qsort(all, count, sizeof *all, by_bytes);
    m->took_us += clock_mono_us() - began; /* part of what may not come too often */
    for (size_t i = 0; i < count && *held > limit; i++)
        close_one(m, cs, all[i].client);
    mem_free(all);
}

/* What fits beside the others. When they hold all there is to hold, it is not by closing newcomers
 * that room is made: nobody could log in. */
static size_t unproven_limit(const struct client_memory *m, size_t limit)
{
    size_t others = m->all > m->unproven ? m->all - m->unproven : 0;
    size_t left = others < limit ? limit - others : 0, least = limit / NEWCOMERS_SHARE;
    return left > least ? left : least;
}

void client_memory_limit(struct client_memory *m, struct clients *cs, size_t limit, bool outputs)
{
    close_most(m, cs, WHICH_UNPROVEN, &m->unproven, unproven_limit(m, limit));
    if (outputs)
        close_most(m, cs, WHICH_OUTPUT, &m->output, limit);
    else
        close_most(m, cs, WHICH_ALL, &m->all, limit);
}
