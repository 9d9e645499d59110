/* SPDX-License-Identifier: BSD-3-Clause */
/* Eviction is time-boxed: a command that finds memory over the limit pays at most the share that
 * maxmemory-eviction-tenacity allows, the next one goes on. What is used counts all memory but the
 * buffers of the append log, which shrink by themselves. */
#include "server/memory_limit.h"

#include <stddef.h>

#include "base/mem.h"
#include "os/clock.h"
#include "server/command.h"
#include "server/config.h"
#include "server/ctx.h"
#include "server/exec.h"
#include "server/hooks.h"
#include "server/multi.h"
#include "server/server.h"
#include "store/evict.h"

struct memory_limit {
    struct server *server;
    int64_t max_bytes, samples, tenacity;
    int policy;
    struct evict evict;
};

/* Microseconds: half a millisecond at the default of 10, without bound at 100. */
static int64_t time_share_us(int64_t tenacity)
{
    if (tenacity <= 10)
        return 50 * tenacity;
    int64_t us = 500;
    for (int64_t i = 10; i < tenacity && us < 60000000; i++)
        us += us * 15 / 100;
    return tenacity >= 100 ? INT64_MAX : us;
}

static bool over(const struct memory_limit *m)
{
    return m->max_bytes > 0 && mem_used() > (size_t)m->max_bytes;
}

/* True when memory is within the limit again, or there is still something to evict next time. */
static bool make_room(struct memory_limit *m)
{
    struct keyspace *ks = server_keyspace(m->server);
    int64_t share_us = time_share_us(m->tenacity), began = clock_mono_us();
    bool evicted = true;
    exec_begin_unit(server_exec(m->server));
    for (unsigned n = 1; over(m) && evicted; n++) {
        evicted = evict_one(&m->evict, ks, (enum evict_policy)m->policy, (unsigned)m->samples);
        if (n % 16 == 0 && clock_mono_us() - began > share_us)
            break;
    }
    exec_end_unit(server_exec(m->server));
    return evicted || !over(m);
}

static const char *admit(void *arg, struct ctx *c, const struct command_entry *e)
{
    struct memory_limit *m = arg;
    if (!over(m) || server_is_loading(m->server) || make_room(m) ||
        !(multi_flags_of(c->client, e) & CMD_DENYOOM))
        return NULL;
    return "OOM command not allowed when used memory > 'maxmemory'.";
}

static bool apply_policy(void *owner, struct fault *f)
{
    struct memory_limit *m = owner;
    (void)f;
    server_keyspace(m->server)->access =
        evict_uses_lfu((enum evict_policy)m->policy) ? ACCESS_LFU : ACCESS_LRU;
    evict_release(&m->evict); /* weights of another policy mean nothing */
    m->evict = (struct evict){0};
    return true;
}

static const struct config_word policies[] = {
    {"volatile-lru", EVICT_VOLATILE_LRU},       {"volatile-lfu", EVICT_VOLATILE_LFU},
    {"volatile-random", EVICT_VOLATILE_RANDOM}, {"volatile-ttl", EVICT_VOLATILE_TTL},
    {"allkeys-lru", EVICT_ALLKEYS_LRU},         {"allkeys-lfu", EVICT_ALLKEYS_LFU},
    {"allkeys-random", EVICT_ALLKEYS_RANDOM},   {"noeviction", EVICT_NOTHING},
    {NULL, 0}};

#define FIELD(name) .offset = offsetof(struct memory_limit, name)
static const struct config_option options[] = {
    {.name = "maxmemory", .kind = CONFIG_SIZE, FIELD(max_bytes), .initial = "0", .min = 0,
     .max = INT64_MAX},
    {.name = "maxmemory-policy", .kind = CONFIG_ENUM, FIELD(policy), .initial = "noeviction",
     .words = policies, .apply = apply_policy},
    {.name = "maxmemory-samples", .kind = CONFIG_INT, FIELD(samples), .initial = "5", .min = 1,
     .max = 64},
    {.name = "maxmemory-eviction-tenacity", .kind = CONFIG_INT, FIELD(tenacity), .initial = "10",
     .min = 0, .max = 100},
    {.name = NULL}};

struct memory_limit *memory_limit_new(struct server *s)
{
    struct memory_limit *m = mem_zalloc(sizeof *m);
    m->server = s;
    config_add(server_config(s), options, m);
    hooks_on_admit(server_hooks(s), admit, m);
    return m;
}

void memory_limit_free(struct memory_limit *m)
{
    config_release(server_config(m->server), m);
    evict_release(&m->evict);
    mem_free(m);
}
