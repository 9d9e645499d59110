/* SPDX-License-Identifier: BSD-3-Clause */
/* The options of replication, those of a primary and those of a replica, but for replicaof itself
 * (primary_link.h). The parts read them where they stand; whoever must do something when one
 * changes says so:
 *
 *   repl_config_on_change(r->config, apply_size, backlog);
 *
 * Their initial values are there from the start, and told of to nobody. */
#ifndef REPLICATION_REPL_CONFIG_H
#define REPLICATION_REPL_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct server;

/* repl-diskless-load: does a replica load a full synchronisation as it comes, not by way of the
 * disk? SWAPDB: beside what it has. */
enum diskless_load { DISKLESS_LOAD_DISABLED, DISKLESS_LOAD_ON_EMPTY, DISKLESS_LOAD_SWAPDB };

typedef void repl_config_changed(void *arg);
enum { REPL_CONFIG_LISTENERS_MAX = 8, WAIT_FOR_REPLICAS_MAX = 64 };

struct repl_config { /* read only */
    struct server *server;
    /* of a primary */
    bool diskless_sync, disable_nodelay;
    int64_t diskless_delay_s, diskless_max_replicas; /* 0: no replica is enough to begin at once */
    int64_t ping_period_s, backlog_size, backlog_ttl_s; /* ttl 0: the backlog stays */
    int64_t min_replicas, min_replicas_max_lag_s;       /* either 0: off */
    int64_t wait_for_replicas, wait_for_timeout_ms;     /* wait_for_replicas.h */
    bool wait_for_disk;
    /* of both */
    int64_t timeout_s;
    /* of a replica */
    int diskless_load; /* enum diskless_load */
    char *primary_user, *primary_auth, *announce_ip; /* NULL: none */
    int64_t announce_port, priority;                 /* port 0: the one it listens to */
    bool announced;     /* INFO and ROLE of its primary show it */
    bool read_only, serve_stale, lazy_flush, ignore_max_memory, ignore_disk_errors;
    bool del_sync_files; /* of both: an RDB that was only made to be sent, or received */
    /* private */
    struct {
        repl_config_changed *f;
        void *arg;
    } listeners[REPL_CONFIG_LISTENERS_MAX];
    size_t listener_count;
};

struct repl_config *repl_config_new(struct server *s);
void repl_config_free(struct repl_config *c);
/* Called behind each CONFIG SET of some of them, and at start when some are given. */
void repl_config_on_change(struct repl_config *c, repl_config_changed *f, void *arg);

#endif
