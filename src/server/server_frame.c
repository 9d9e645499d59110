/* SPDX-License-Identifier: BSD-3-Clause */
/* The frame: makes the parts in an order in which each finds what it needs, and turns the loop.
 *
 * Before each sleep: UNBLOCK -> LOG -> SYNC -> REPLY stages, then what clients are owed is sent,
 * then clients that are to go are freed. */
#include "server/server_frame.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/must.h"
#include "base/rand.h"
#include "base/version.h"
#include "os/clock.h"
#include "os/cpus.h"
#include "os/loop.h"
#include "os/worker.h"
#include "server/acl.h"
#include "server/block.h"
#include "server/clients.h"
#include "server/command.h"
#include "server/commit.h"
#include "server/config.h"
#include "server/config_later.h"
#include "server/conn.h"
#include "server/crash.h"
#include "server/crash_memcheck.h"
#include "server/crash_state.h"
#include "server/cron.h"
#include "server/ctx.h"
#include "server/debug.h"
#include "server/exec.h"
#include "server/hooks.h"
#include "server/info.h"
#include "server/info_core.h"
#include "server/keyspace_events.h"
#include "server/lazy_free.h"
#include "server/monitor.h"
#include "server/multi.h"
#include "server/net.h"
#include "server/notify.h"
#include "server/pause.h"
#include "server/process.h"
#include "server/progress.h"
#include "server/pubsub.h"
#include "server/push.h"
#include "server/role.h"
#include "server/server_parts.h"
#include "server/settings.h"
#include "server/shutdown.h"
#include "server/slots.h"
#include "server/slow_log.h"
#include "server/spikes.h"
#include "server/spikes_option.h"
#include "server/stats.h"
#include "server/tls_config.h"
#include "server/tracking.h"
#include "server/wait_keys.h"
#include "store/db.h"

enum { DATABASES_FIRST = 16 };

/* ---- the keyspace speaks ---- */
static void notify_store(struct server *s, struct db *db, struct slice key,
                         enum key_event_kind kind)
{
    static const struct {
        enum notify_class what;
        const char *event;
    } of[] = {
        [KEY_EXPIRED] = {NOTIFY_EXPIRED, "expired"}, [KEY_EVICTED] = {NOTIFY_EVICTED, "evicted"},
        [KEY_LOADED] = {NOTIFY_LOADED, "loaded"}, [KEY_NEW] = {NOTIFY_NEW, "new"},
        [KEY_MISSED] = {NOTIFY_KEY_MISS, "keymiss"},
    };
    must((size_t)kind < sizeof of / sizeof *of && of[kind].event);
    if (s->keyspace->notify & of[kind].what)
        notify_event(s->notify, db, of[kind].what, of[kind].event, key);
}

/* A key that goes by itself is logged as if somebody had deleted it, in the unit that met it. */
static void key_event(void *arg, struct db *db, struct slice key, enum key_event_kind kind)
{
    struct server *s = arg;
    if (kind == KEY_NEW || kind == KEY_MISSED) { /* nothing changes by it */
        notify_store(s, db, key, kind);
        return;
    }
    if (kind == KEY_FLUSHED) {
        watches_replaced(s->watches, db);
        exec_all_changed(s->exec);
    } else if (kind == KEY_LOADED) {
        notify_store(s, db, key, kind);
    } else {
        watches_touch(s->watches, db, key);
        exec_key_changed(s->exec, db, key);
    }
    if (kind == KEY_EXPIRED || kind == KEY_EVICTED) {
        struct slice argv[2] = {SLICE_LIT("DEL"), key};
        must(server_is_loading(s) || exec_unit_is_open(s->exec)); /* who would log it, and when? */
        if (!server_is_loading(s))
            commit_add(s->commit, TO_ALL, db->id, 2, argv);
        notify_store(s, db, key, kind);
    }
    hooks_key(s->hooks, db, key, kind);
}

/* What changed before nobody noted: to a gate that comes it is all of it. */
static void want_changes(void *arg, bool wanted)
{
    struct server *s = arg;
    server_want_changes(s, CHANGES_HOOKED, wanted);
    if (wanted && s->exec)
        exec_all_changed(s->exec);
}

static void attach_keyspace(struct server *s)
{
    s->keyspace->on_event = key_event;
    s->keyspace->on_event_arg = s;
    s->keyspace->now_ms = clock_wall_ms();
}

/* ---- around the sleep ---- */
static void before_sleep(void *arg)
{
    struct server *s = arg;
    for (int stage = 0; stage < STAGE_COUNT; stage++)
        hooks_stage(s->hooks, (enum stage)stage);
    conn_flush_all(s->clients);
    clients_free_closing(s->clients);
}

static void after_sleep(void *arg)
{
    struct server *s = arg;
    int signal_number = process_stop_signal();
    if (!signal_number || shutdown_is_under_way(s->shutdown))
        return;
    log_warning("Received %s scheduling shutdown...",
                signal_number == SIGINT ? "SIGINT" : "SIGTERM");
    unsigned flags = (unsigned)(signal_number == SIGINT ? s->settings->shutdown_on_sigint
                                                        : s->settings->shutdown_on_sigterm);
    if (shutdown_begin(s->shutdown, flags) != SHUTDOWN_FAILED)
        return;
    process_forget_signal();
    log_warning("The server goes on: the lines above say what kept it from shutting down");
}

/* ---- life ---- */
struct server *server_new(void)
{
    struct server *s = mem_zalloc(sizeof *s);
    clock_refresh();
    rand_hex(s->run_id, 40);
    s->loop = loop_new(NULL);
    must(s->loop);
    s->workers = workers_new(s->loop);
    s->keyspace = mem_zalloc(sizeof *s->keyspace);
    keyspace_init(s->keyspace, DATABASES_FIRST);
    s->lazy_free = lazy_free_new(s->workers, s->keyspace);
    attach_keyspace(s);
    s->notify = notify_new(s->keyspace);
    s->hooks = hooks_new();
    hooks_on_interest(s->hooks, want_changes, s);
    want_changes(s, false);
    s->commands = commands_new();
    s->commit = commit_new(s->hooks);
    s->stats = stats_new();
    s->slots = slots_new();
    s->pubsub = pubsub_new(s->slots);
    s->watches = watches_new();
    s->settings = settings_new(s);
    s->pauses = pauses_new(s);
    hooks_on_stage(s->hooks, STAGE_UNBLOCK, pause_stage, s->pauses);
    s->shutdown = shutdown_new(s);
    s->progress = progress_new();
    s->role = role_new(s);
    s->clients = clients_new(s);
    s->acl = acl_new(s);
    block_init(s);
    hooks_on_stage(s->hooks, STAGE_UNBLOCK, conn_stage, s->clients);
    s->waits = waits_new(s);
    s->exec = exec_new(s);
    exec_set_rights(s->exec, acl_rights(s->acl));
    exec_set_delivery(s->exec, push_unit_over);
    s->info = info_new();
    s->cron = cron_new(s);
    s->debug = debug_new();
    s->net = net_new(s);
    s->config = config_new();
    s->later = config_later_new(s->config);
    s->keyspace_events = keyspace_events_new(s);
    s->monitors = monitors_new(s);
    s->slow_log = slow_log_new(s);
    s->tracking = tracking_new(s);
    s->spikes = spikes_new();
    spikes_option_add(s->spikes, s);
    settings_register(s->settings, s->config);
    s->tls = tls_config_new(s);
    acl_register(s->acl, s->config);
    info_core_register(s);
    loop_add_before(s->loop, before_sleep, s);
    loop_add_after(s->loop, after_sleep, s);
    return s;
}

void server_free(struct server *s)
{
    process_release_signals();
    crash_drop_reporters();
    net_free(s->net);
    config_release(s->config, s->clients); /* while the owners are there */
    config_release(s->config, s->settings);
    config_release(s->config, s->acl);
    tls_config_free(s->tls);
    keyspace_events_free(s->keyspace_events);
    slow_log_free(s->slow_log);
    spikes_option_release(s->spikes);
    spikes_free(s->spikes);
    clients_free(s->clients);
    monitors_free(s->monitors);
    tracking_free(s->tracking);
    acl_free(s->acl);
    pubsub_free(s->pubsub);
    waits_free(s->waits);
    progress_free(s->progress);
    role_free(s->role);
    shutdown_free(s->shutdown);
    pauses_free(s->pauses);
    workers_free(s->workers);
    lazy_free_free(s->lazy_free);
    cron_free(s->cron);
    debug_free(s->debug);
    info_free(s->info);
    exec_free(s->exec);
    config_later_free(s->later, s->config);
    config_free(s->config);
    settings_free(s->settings);
    watches_free(s->watches);
    slots_free(s->slots);
    stats_free(s->stats);
    commit_free(s->commit);
    commands_free(s->commands);
    hooks_free(s->hooks);
    notify_free(s->notify);
    keyspace_release(s->keyspace);
    mem_free(s->keyspace);
    loop_free(s->loop);
    mem_free(s);
}

bool server_configured(struct server *s, struct fault *f)
{
    keyspace_set_databases(s->keyspace, (unsigned)s->settings->databases);
    if (!config_apply_all(s->config, f))
        return false;
    if (s->settings->cpus)
        cpus_pin_self(s->settings->cpus);
    workers_set_cpus(s->workers, s->settings->worker_cpus);
    if (s->settings->crash_log)
        crash_catch();
    else
        crash_ignore();
    crash_state_register(s);
    crash_memcheck_register(&s->settings->crash_memcheck);
    process_handle_signals(s->loop);
    if (!hooks_configured(s->hooks, f) || !config_all_claimed(s->config, f))
        return false;
    s->startup_memory = mem_used();
    return true;
}

bool server_listen(struct server *s, struct fault *f)
{
    if (!net_open(s->net, f))
        return false;
    cron_start(s->cron);
    return true;
}

int server_run(struct server *s)
{
    loop_run(s->loop);
    net_close(s->net);
    if (!s->unsure)
        conn_flush_last(s->clients);
    return s->exit_code;
}

/* ---- loading ---- */
void server_set_loading(struct server *s, enum loading what)
{
    gate_set(&s->gates, GATE_LOADING, what == LOADING_ALONE);
    gate_set(&s->gates, GATE_LOADING_BESIDE, what == LOADING_BESIDE);
    config_set_loading(s->config, what == LOADING_ALONE);
    server_keep_expired(s, EXPIRED_LOADING, what == LOADING_ALONE);
}

void server_turn(struct server *s)
{
    int64_t began_us = spikes_begin(s->spikes);
    if (!loop_in_turn(s->loop)) /* DEBUG RELOAD: the loop waits for the command to end */
        loop_turn(s->loop, 0);
    spikes_end(s->spikes, SPIKE_WHILE_BLOCKED, began_us);
}

void server_peek(struct server *s, const char *busy_error)
{
    struct keyspace *ks = s->keyspace;
    struct offer *offered = ks->offered;
    bool no_touch = ks->no_touch;
    char *shared_in = s->clients->shared_in; /* the running command's words lie there */
    if (!exec_set_busy(s->exec, busy_error))
        return;
    int64_t began_us = spikes_begin(s->spikes);
    s->clients->shared_in = mem_alloc(CONN_READ_SIZE);
    ks->offered = NULL;
    loop_peek(s->loop);
    for (int stage = STAGE_LOG; stage < STAGE_COUNT; stage++)
        hooks_stage(s->hooks, (enum stage)stage);
    conn_flush_all(s->clients);
    ks->offered = offered;
    ks->no_touch = no_touch;
    mem_free(s->clients->shared_in);
    s->clients->shared_in = shared_in;
    exec_set_busy(s->exec, NULL);
    spikes_end(s->spikes, SPIKE_WHILE_BLOCKED, began_us);
}

/* ---- databases ---- */
/* A client has selected a number, not the data that lay under it. */
void server_swap_databases(struct server *s, unsigned a, unsigned b)
{
    keyspace_swap(s->keyspace, a, b);
    struct db *at_a = keyspace_db(s->keyspace, a), *at_b = keyspace_db(s->keyspace, b);
    LINK_FOR(pos, &s->clients->all) {
        struct client *c = LINK_OF(pos, struct client, link);
        if (c->db == at_a)
            c->db = at_b;
        else if (c->db == at_b)
            c->db = at_a;
    }
    exec_all_changed(s->exec);
    watches_replaced(s->watches, at_a);
    watches_replaced(s->watches, at_b);
    hooks_key(s->hooks, at_a, SLICE_LIT(""), KEY_SWAPPED);
    hooks_key(s->hooks, at_b, SLICE_LIT(""), KEY_SWAPPED);
}

/* ---- clients without a socket ---- */
struct client *server_fake_client(struct server *s)
{
    return client_new(s->clients, -1);
}

void server_free_client(struct server *s, struct client *c)
{
    (void)s;
    client_free(c);
}
