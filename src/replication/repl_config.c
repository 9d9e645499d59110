/* SPDX-License-Identifier: BSD-3-Clause */
#include "replication/repl_config.h"

#include <limits.h>

#include "base/mem.h"
#include "base/must.h"
#include "server/config.h"
#include "server/server.h"

static bool changed(void *owner, struct fault *f)
{
    struct repl_config *c = owner;
    (void)f;
    for (size_t i = 0; i < c->listener_count; i++)
        c->listeners[i].f(c->listeners[i].arg);
    return true;
}

/* As 7.2 does: a smaller one is kept as this. */
static bool backlog_changed(void *owner, struct fault *f)
{
    enum { LEAST = 16 * 1024 };
    struct repl_config *c = owner;
    if (c->backlog_size < LEAST)
        c->backlog_size = LEAST;
    return changed(owner, f);
}

static const struct config_word diskless_load_words[] = {
    {"disabled", DISKLESS_LOAD_DISABLED}, {"on-empty-db", DISKLESS_LOAD_ON_EMPTY},
    {"swapdb", DISKLESS_LOAD_SWAPDB}, {NULL, 0}};

#define BOOL(field) CONFIG_BOOL_AT(struct repl_config, field), .apply = changed
#define INT(field) CONFIG_INT_AT(struct repl_config, field), .apply = changed
#define STRING(field) CONFIG_STRING_AT(struct repl_config, field), .apply = changed

static const struct config_option options[] = {
    {.name = "repl-diskless-sync", BOOL(diskless_sync), .initial = "yes"},
    {.name = "repl-diskless-sync-delay", INT(diskless_delay_s), .initial = "5", .min = 0,
     .max = INT_MAX},
    {.name = "repl-diskless-sync-max-replicas", INT(diskless_max_replicas), .initial = "0",
     .min = 0, .max = INT_MAX},
    {.name = "repl-disable-tcp-nodelay", BOOL(disable_nodelay), .initial = "no"},
    {.name = "repl-ping-replica-period", .alias = "repl-ping-slave-period", INT(ping_period_s),
     .initial = "10", .min = 1, .max = INT_MAX},
    {.name = "repl-backlog-size", CONFIG_SIZE_AT(struct repl_config, backlog_size),
     .apply = backlog_changed, .initial = "1048576", .min = 1, .max = INT64_MAX},
    {.name = "repl-backlog-ttl", INT(backlog_ttl_s), .initial = "3600", .min = 0,
     .max = INT64_MAX},
    {.name = "min-replicas-to-write", .alias = "min-slaves-to-write", INT(min_replicas),
     .initial = "0", .min = 0, .max = INT_MAX},
    {.name = "min-replicas-max-lag", .alias = "min-slaves-max-lag", INT(min_replicas_max_lag_s),
     .initial = "10", .min = 0, .max = INT_MAX},
    {.name = "wait-for-replicas", INT(wait_for_replicas), .initial = "0", .min = 0,
     .max = WAIT_FOR_REPLICAS_MAX},
    {.name = "wait-for-replicas-timeout", INT(wait_for_timeout_ms), .initial = "5000", .min = 1,
     .max = INT_MAX},
    {.name = "wait-for-replicas-disk", BOOL(wait_for_disk), .initial = "no"},
    {.name = "repl-timeout", INT(timeout_s), .initial = "60", .min = 1, .max = INT_MAX},
    {.name = "rdb-del-sync-files", BOOL(del_sync_files), .initial = "no"},
    {.name = "repl-diskless-load", CONFIG_ENUM_AT(struct repl_config, diskless_load),
     .flags = CONFIG_DENY_LOADING, .apply = changed, .words = diskless_load_words,
     .initial = "disabled"},
    {.name = "masteruser", STRING(primary_user), .flags = CONFIG_SENSITIVE},
    {.name = "masterauth", STRING(primary_auth), .flags = CONFIG_SENSITIVE},
    {.name = "replica-announce-ip", .alias = "slave-announce-ip", STRING(announce_ip)},
    {.name = "replica-announce-port", .alias = "slave-announce-port", INT(announce_port),
     .initial = "0", .min = 0, .max = 65535},
    {.name = "replica-announced", BOOL(announced), .initial = "yes"},
    {.name = "replica-priority", .alias = "slave-priority", INT(priority), .initial = "100",
     .min = 0, .max = INT_MAX},
    {.name = "replica-read-only", .alias = "slave-read-only", BOOL(read_only), .initial = "yes"},
    {.name = "replica-serve-stale-data", .alias = "slave-serve-stale-data", BOOL(serve_stale),
     .initial = "yes"},
    {.name = "replica-lazy-flush", .alias = "slave-lazy-flush", BOOL(lazy_flush),
     .initial = "no"},
    {.name = "replica-ignore-maxmemory", .alias = "slave-ignore-maxmemory",
     BOOL(ignore_max_memory), .initial = "yes"},
    {.name = "replica-ignore-disk-write-errors", BOOL(ignore_disk_errors), .initial = "no"},
    {.name = NULL}};

struct repl_config *repl_config_new(struct server *s)
{
    struct repl_config *c = mem_zalloc(sizeof *c);
    c->server = s;
    config_add(server_config(s), options, c);
    return c;
}

void repl_config_free(struct repl_config *c)
{
    config_release(server_config(c->server), c);
    mem_free(c);
}

void repl_config_on_change(struct repl_config *c, repl_config_changed *f, void *arg)
{
    must(c->listener_count < REPL_CONFIG_LISTENERS_MAX);
    c->listeners[c->listener_count].f = f;
    c->listeners[c->listener_count++].arg = arg;
}
