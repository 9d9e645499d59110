/* SPDX-License-Identifier: BSD-3-Clause */
/* Eviction is time-boxed: a command that finds memory over the limit pays at most the share that
 * maxmemory-eviction-tenacity allows; the next one goes on, or a timer when none comes. */
#include "server/memory_limit.h"

#include <limits.h>
#include <stddef.h>

#include "base/mem.h"
#include "base/must.h"
#include "os/clock.h"
#include "os/loop.h"
#include "server/clients.h"
#include "server/client_memory.h"
#include "server/command.h"
#include "server/config.h"
#include "server/ctx.h"
#include "server/debug.h"
#include "server/exec.h"
#include "server/gate.h"
#include "server/hooks.h"
#include "server/info.h"
#include "server/multi.h"
#include "server/pause.h"
#include "server/reply.h"
#include "server/role.h"
#include "server/server.h"
#include "server/spikes.h"
#include "store/evict.h"

enum { EXEMPT_MAX = 4, STEP_MIN = 64 * 1024, SHARE_MIN = 1 << 20 };

struct exempt {
    size_t (*bytes)(const void *arg);
    const void *arg;
};

struct memory_limit {
    struct server *server;
    int64_t max_bytes, samples, tenacity;
    int64_t max_clients; /* bytes, or percent of max_bytes when negative */
    int policy;
    struct evict evict;
    struct exempt exempt[EXEMPT_MAX];
    int exempt_count;
    struct client_memory clients;
    struct loop_timer go_on;
    bool was_over; /* when the outermost command was admitted, whatever went for it */
    struct unit_job unit_over;
};

/* Microseconds: half a millisecond at the default of 10, without bound at 100. */
static int64_t time_share_us(int64_t tenacity)
{
    must(tenacity >= 0 && tenacity <= 100);
    if (tenacity <= 10)
        return 50 * tenacity;
    int64_t us = 500;
    for (int64_t i = 10; i < tenacity && us < 60000000; i++)
        us += us * 15 / 100;
    return tenacity >= 100 ? INT64_MAX : us;
}

size_t memory_limit_bytes(const struct memory_limit *m)
{
    return (size_t)m->max_bytes;
}

void memory_exempt(struct memory_limit *m, size_t (*bytes)(const void *arg), const void *arg)
{
    must(m->exempt_count < EXEMPT_MAX && bytes);
    m->exempt[m->exempt_count++] = (struct exempt){bytes, arg};
}

/* ---- clients ---- */

/* 0: there is none. A smaller one than CLIENTS_MIN would leave nobody a connection to set it right
 * by. */
static size_t clients_limit(const struct memory_limit *m)
{
    enum { CLIENTS_MIN = 128 << 10 };
    size_t limit = m->max_clients >= 0 ? (size_t)m->max_clients
                                       : (size_t)m->max_bytes / 100 * (size_t)-m->max_clients;
    return limit && limit < CLIENTS_MIN ? CLIENTS_MIN : limit;
}

/* Without a limit of their own: before the keys give way to more, clients do (memory_limit.h says
 * which). */
static size_t clients_share(const struct memory_limit *m)
{
    size_t limit = clients_limit(m), quarter = (size_t)m->max_bytes / 4;
    return limit ? limit : quarter < SHARE_MIN ? SHARE_MIN : quarter;
}

/* What memory must change by before clients are counted again. */
static size_t clients_step(const struct memory_limit *m)
{
    size_t step = clients_share(m) / 32;
    return step < STEP_MIN ? STEP_MIN : step;
}

/* Up to there no command need be looked at: neither keys nor clients can be over their limit but by
 * what the stage sees. */
static void set_calm(const struct memory_limit *m)
{
    size_t calm = m->max_bytes ? (size_t)m->max_bytes : SIZE_MAX;
    size_t next = m->clients.counted_us ? m->clients.used_then + clients_step(m) : 0;
    hooks_set_calm(server_hooks(m->server), m->max_clients && next < calm ? next : calm);
}

static void look_at_clients(struct memory_limit *m)
{
    if (client_memory_look(&m->clients, server_clients(m->server), clients_step(m)))
        set_calm(m);
}

static bool may_be_over(const struct memory_limit *m)
{
    return m->max_bytes > 0 && mem_used_about() > (size_t)m->max_bytes;
}

/* Also while no command runs: what only arrives takes memory, too. */
static void limit_clients(void *arg)
{
    struct memory_limit *m = arg;
    bool own_limit = clients_limit(m) > 0;
    if (!own_limit && !may_be_over(m))
        return;
    look_at_clients(m);
    client_memory_limit(&m->clients, server_clients(m->server), clients_share(m), !own_limit);
}

/* ---- keys ---- */

static size_t buffers(const struct memory_limit *m)
{
    size_t bytes = 0;
    for (int i = 0; i < m->exempt_count; i++)
        bytes += m->exempt[i].bytes(m->exempt[i].arg);
    return bytes;
}

static size_t not_counted(const struct memory_limit *m)
{
    size_t share = clients_share(m), held = m->clients.all;
    return buffers(m) + m->clients.closing + (held < share ? held : share);
}

/* What may be used before keys have to go; some clients go first. */
static size_t room(struct memory_limit *m)
{
    limit_clients(m);
    return (size_t)m->max_bytes + not_counted(m);
}

static bool may_evict(const struct memory_limit *m)
{
    return !server_is_loading(m->server) && !server_loads_beside(m->server) &&
           !(server_gates(m->server)->shut & GATE_BUSY) &&
           !(server_role(m->server)->is_replica && server_role(m->server)->keeps_all) &&
           !(pause_what(server_pauses(m->server)) & PAUSE_EVICTION);
}

/* True when memory is within the limit again, or there is still something to evict next time. */
static bool make_room(struct memory_limit *m, size_t most)
{
    struct keyspace *ks = server_keyspace(m->server);
    int64_t share_us = time_share_us(m->tenacity), began = clock_mono_us();
    bool evicted = true;
    struct spikes *spikes = server_spikes(m->server);
    for (unsigned n = 1; mem_used() > most && evicted; n++) {
        int64_t one_us = spikes_begin(spikes);
        evicted = evict_one(&m->evict, ks, (enum evict_policy)m->policy, (unsigned)m->samples);
        spikes_end(spikes, SPIKE_EVICTION_DEL, one_us);
        if (n % 16 != 0)
            continue;
        exec_loose_step(server_exec(m->server));
        if (clock_mono_us() - began > share_us)
            break;
    }
    if (spikes->threshold_ms)
        spikes_note(spikes, SPIKE_EVICTION_CYCLE, clock_mono_us() - began);
    bool over = mem_used() > most;
    if (over && evicted && !m->go_on.place)
        loop_timer_start(server_loop(m->server), &m->go_on, 0);
    return evicted || !over;
}

static void go_on(void *arg)
{
    struct memory_limit *m = arg;
    if (!may_be_over(m) || !may_evict(m))
        return;
    exec_begin_loose(server_exec(m->server));
    make_room(m, room(m));
    exec_end_loose(server_exec(m->server));
}

static void unit_is_over(struct unit_job *job)
{
    LINK_OF(job, struct memory_limit, unit_over)->was_over = false;
}

#define OUT_OF_MEMORY "OOM command not allowed when used memory > 'maxmemory'."

static const char *admit(void *arg, struct ctx *c, const struct command_entry *e)
{
    struct memory_limit *m = arg;
    if (c->from != FROM_CLIENT) /* inside another: as it was in front of that; no key goes now */
        return m->was_over && c->command_flags & CMD_DENYOOM ? OUT_OF_MEMORY : NULL;
    if (!(server_gates(m->server)->shut & GATE_BUSY)) /* in a peek the outermost is another */
        m->was_over = false;
    if (may_be_over(m) && may_evict(m)) {
        size_t most = room(m);
        bool fits = mem_used() <= most || make_room(m, most);
        exec_cut_unit(server_exec(m->server));
        m->was_over = !fits;
        if (!fits)
            exec_after_unit(server_exec(m->server), &m->unit_over);
        /* Words that are queued take memory too, whatever they will do. */
        if (!fits && (c->command_flags & CMD_DENYOOM || exec_queues(c->client, e)))
            return OUT_OF_MEMORY;
    } else if (m->max_clients) {
        limit_clients(m);
    }
    return c->client->flags & CLIENT_CLOSE_SOON ? "OOM this client holds too much memory" : NULL;
}

/* Without a limit no command asks. */
static bool apply_max(void *owner, struct fault *f)
{
    struct memory_limit *m = owner;
    (void)f;
    hooks_set_admit(server_hooks(m->server), m, m->max_bytes || m->max_clients ? ADMIT_EVERY : 0);
    client_memory_forget(&m->clients);
    set_calm(m);
    loop_timer_start(server_loop(m->server), &m->go_on, 0);
    return true;
}

static bool apply_policy(void *owner, struct fault *f)
{
    struct memory_limit *m = owner;
    struct keyspace *ks = server_keyspace(m->server);
    enum evict_policy policy = (enum evict_policy)m->policy;
    must(policy <= EVICT_NOTHING);
    (void)f;
    ks->access = evict_uses_lfu(policy) ? ACCESS_LFU : ACCESS_LRU;
    ks->saves_access = evict_uses_lfu(policy) || evict_uses_lru(policy);
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

static void show(void *arg, struct info_out *o)
{
    struct memory_limit *m = arg;
    const struct config_word *policy = policies;
    while (policy->word && policy->value != m->policy)
        policy++;
    must(policy->word);
    look_at_clients(m);
    info_bytes(o, "maxmemory", (uint64_t)m->max_bytes);
    info_str(o, "maxmemory_policy", policy->word);
    info_u64(o, "mem_not_counted_for_evict", not_counted(m));
}

/* ---- DEBUG CLIENT-EVICTION ---- */

/* By what they hold: less than 2^15 bytes, than 2^16, ... */
static void debug_client_eviction(struct ctx *c)
{
    enum { SMALL = 15, BUCKETS = 20 };
    struct memory_limit *m = c->arg;
    size_t clients[BUCKETS] = {0}, bytes[BUCKETS] = {0};
    if (!m->max_clients) {
        reply_error(c, "ERR maxmemory-clients is disabled.");
        return;
    }
    LINK_FOR(pos, &server_clients(m->server)->all) {
        const struct client *one = LINK_OF(pos, struct client, link);
        if (one->flags & CLIENT_FAKE)
            continue;
        size_t held = client_memory(one);
        int bits = 64 - __builtin_clzll(held | 1), i = bits <= SMALL ? 0 : bits - SMALL;
        i = i < BUCKETS ? i : BUCKETS - 1;
        clients[i]++;
        bytes[i] += held;
    }
    struct buf text = {0};
    for (int i = 0; i < BUCKETS; i++) {
        if (i < BUCKETS - 1)
            buf_printf(&text, "bucket %10llu - %10llu", i ? 1ull << (SMALL + i - 1) : 0,
                       (1ull << (SMALL + i)) - 1);
        else
            buf_printf(&text, "bucket %10llu +", 1ull << (SMALL + i - 1));
        buf_printf(&text, ": tot-mem: %10zu, clients: %zu\n", bytes[i], clients[i]);
    }
    reply_verbatim(c, "txt", buf_slice(&text));
    buf_free(&text);
}

static const struct debug_word words[] = {
    {"client-eviction", 2, 2, debug_client_eviction, "CLIENT-EVICTION",
     "    How many clients hold how much, for maxmemory-clients."},
    {0}};

static const struct config_option options[] = {
    {.name = "maxmemory", CONFIG_SIZE_AT(struct memory_limit, max_bytes), .initial = "0", .min = 0,
     .max = INT64_MAX, .apply = apply_max},
    {.name = "maxmemory-clients", .flags = CONFIG_PERCENT,
     CONFIG_SIZE_AT(struct memory_limit, max_clients), .initial = "0", .apply = apply_max},
    {.name = "maxmemory-policy", CONFIG_ENUM_AT(struct memory_limit, policy),
     .initial = "noeviction", .words = policies, .apply = apply_policy},
    {.name = "maxmemory-samples", CONFIG_INT_AT(struct memory_limit, samples), .initial = "5",
     .min = 1, .max = INT_MAX},
    {.name = "maxmemory-eviction-tenacity", CONFIG_INT_AT(struct memory_limit, tenacity),
     .initial = "10", .min = 0, .max = 100},
    {.name = NULL}};

struct memory_limit *memory_limit_new(struct server *s)
{
    struct memory_limit *m = mem_zalloc(sizeof *m);
    m->server = s;
    m->go_on = (struct loop_timer){.due = go_on, .arg = m};
    m->unit_over.run = unit_is_over;
    link_init(&m->unit_over.link);
    config_add(server_config(s), options, m);
    debug_add(server_debug(s), words, m);
    hooks_on_admit(server_hooks(s), admit, m,
                   1 << FROM_CLIENT | 1 << FROM_SCRIPT | 1 << FROM_MODULE, 0);
    hooks_on_stage(server_hooks(s), STAGE_REPLY, limit_clients, m);
    info_add(server_info(s), "Memory", INFO_DEFAULT, show, m);
    return m;
}

void memory_limit_free(struct memory_limit *m)
{
    loop_timer_stop(server_loop(m->server), &m->go_on);
    config_release(server_config(m->server), m);
    evict_release(&m->evict);
    mem_free(m);
}
