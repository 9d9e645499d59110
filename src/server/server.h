/* SPDX-License-Identifier: BSD-3-Clause */
/* The server: owner of the parts, which find each other here and know nothing else of it. Pointers,
 * no settings, no counters (each part keeps its own). main/serve.c builds it, registers families
 * and features, runs it (server_frame.h). Everything hangs off it; nothing is global. */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct acl;
struct client;
struct clients;
struct commands;
struct commit;
struct config;
struct cron;
struct exec;
struct gates;
struct hooks;
struct info;
struct keyspace;
struct lazy_free;
struct loop;
struct monitors;
struct net;
struct notify;
struct pauses;
struct progress;
struct pubsub;
struct role;
struct server;
struct settings;
struct shutdown;
struct slots;
struct slow_log;
struct spikes;
struct stats;
struct tls_config;
struct tracking;
struct waits;
struct watches;
struct workers;

#define SERVER_BUILD_ID "holdfast"

struct acl *server_acl(struct server *s);
struct clients *server_clients(struct server *s);
struct commands *server_commands(struct server *s);
struct commit *server_commit(struct server *s);
struct config *server_config(struct server *s);
struct cron *server_cron(struct server *s);
struct debug *server_debug(struct server *s);
struct exec *server_exec(struct server *s);
struct gates *server_gates(struct server *s);
struct hooks *server_hooks(struct server *s);
struct info *server_info(struct server *s);
struct keyspace *server_keyspace(struct server *s);
struct lazy_free *server_lazy_free(struct server *s);
struct loop *server_loop(struct server *s);
struct monitors *server_monitors(struct server *s);
struct net *server_net(struct server *s);
struct notify *server_notify(struct server *s);
struct pauses *server_pauses(struct server *s);
struct progress *server_progress(struct server *s);
struct pubsub *server_pubsub(struct server *s);
struct role *server_role(struct server *s);
struct settings *server_settings(struct server *s); /* settings.h */
struct shutdown *server_shutdown(struct server *s);
struct slots *server_slots(struct server *s);
struct slow_log *server_slow_log(struct server *s);
struct spikes *server_spikes(struct server *s); /* LATENCY */
struct stats *server_stats(struct server *s);
struct tls_config *server_tls(struct server *s);
struct tracking *server_tracking(struct server *s);
struct waits *server_waits(struct server *s);
struct watches *server_watches(struct server *s);
struct workers *server_workers(struct server *s);
const char *server_run_id(const struct server *s); /* 40 hex digits, new at each start */
size_t server_startup_memory(const struct server *s);

/* A key whose time is over is deleted by who meets it, but as long as one of these says so it
 * stays: the log that is loaded tells of it, or the primary will; nothing is to change in a pause.
 * The first of them counts (store/db.h, enum expire_mode). */
enum expired_stay {
    EXPIRED_LOADING = 1,
    EXPIRED_WRITABLE_REPLICA = 2,
    EXPIRED_REPLICA = 4,
    EXPIRED_PAUSED = 8,
};
void server_keep_expired(struct server *s, enum expired_stay why, bool on);
/* Who wants to hear of each key that changes. With none of them the keyspace does not tell. */
enum change_listener { CHANGES_WATCHED = 1, CHANGES_HOOKED = 2 };
void server_want_changes(struct server *s, enum change_listener who, bool on);
#define LOADING_ERROR "LOADING Redis is loading the dataset in memory"
bool server_is_loading(const struct server *s); /* what clients would be served from */
bool server_loads_beside(const struct server *s); /* another data set, and they are served */
bool server_is_stopping(const struct server *s); /* it was, and does */
#endif
