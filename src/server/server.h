/* SPDX-License-Identifier: BSD-3-Clause */
/* The server: owner of the parts, known by its accessors only. Fewer than 20 pointers, no settings,
 * no counters (each part keeps its own). main/serve.c builds it, registers families and features,
 * runs it. Everything hangs off it; nothing is global. */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"

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
struct loop;
struct net;
struct notify;
struct pauses;
struct progress;
struct role;
struct server;
struct settings;
struct shutdown;
struct slots;
struct stats;
struct waits;
struct watches;
struct workers;

#define SERVER_VERSION "7.2.4" /* the Redis whose behaviour this is */
#define SERVER_BUILD_ID "holdfast"

struct server *server_new(void);
void server_free(struct server *s);

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
struct loop *server_loop(struct server *s);
struct net *server_net(struct server *s);
struct notify *server_notify(struct server *s);
struct pauses *server_pauses(struct server *s);
struct progress *server_progress(struct server *s);
struct role *server_role(struct server *s);
struct settings *server_settings(struct server *s); /* settings.h */
struct shutdown *server_shutdown(struct server *s);
struct slots *server_slots(struct server *s);
struct stats *server_stats(struct server *s);
struct waits *server_waits(struct server *s);
struct watches *server_watches(struct server *s);
struct workers *server_workers(struct server *s);
const char *server_run_id(const struct server *s); /* 40 hex digits, new at each start */
size_t server_startup_memory(const struct server *s);

/* After configuration was read: makes the databases and applies the options. */
bool server_configured(struct server *s, struct fault *f);
/* Binds and listens. Then server_run turns the loop until a shutdown was agreed; returns the exit
 * code. */
bool server_listen(struct server *s, struct fault *f);
int server_run(struct server *s);

/* While the data set is loading, clients get -LOADING for all but CMD_LOADING commands. The loader
 * calls server_turn now and then to serve them (time-boxed). */
void server_set_loading(struct server *s, bool loading);
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
/* SWAPDB: databases, and with them what clients, watchers and waiters see. */
void server_swap_databases(struct server *s, unsigned a, unsigned b);
#define LOADING_ERROR "LOADING Redis is loading the dataset in memory"
bool server_is_loading(const struct server *s);
void server_turn(struct server *s);
/* From inside a command that takes long (a script): clients are served in between, those commands
 * that may run beside it (CMD_ALLOW_BUSY); all others are refused with busy_error. Replies that
 * wait for the log leave when it holds them. The command's own client is not read from, its words
 * stay where they are; no timers, no signals, no time that passes for keys. Does not nest: a second
 * call from inside returns at once. */
void server_peek(struct server *s, const char *busy_error);

bool server_is_stopping(const struct server *s); /* it was, and does */
/* A client without a socket: selected db, MULTI state, replies dropped. */
struct client *server_fake_client(struct server *s);
void server_free_client(struct server *s, struct client *c);

#endif
