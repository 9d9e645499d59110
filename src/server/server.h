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
struct hooks;
struct info;
struct keyspace;
struct loop;
struct net;
struct notify;
struct pauses;
struct server;
struct settings;
struct shutdown;
struct slots;
struct stats;
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
struct hooks *server_hooks(struct server *s);
struct info *server_info(struct server *s);
struct keyspace *server_keyspace(struct server *s);
struct loop *server_loop(struct server *s);
struct net *server_net(struct server *s);
struct notify *server_notify(struct server *s);
struct pauses *server_pauses(struct server *s);
struct settings *server_settings(struct server *s); /* settings.h */
struct shutdown *server_shutdown(struct server *s);
struct slots *server_slots(struct server *s);
struct stats *server_stats(struct server *s);
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
/* What happens to keys whose time has come, by what the server does now: nothing while loading, as
 * the log tells of it; hidden in a pause, when nothing is to change; else deleted. */
void server_settle_expiry(struct server *s);
#define SHUTDOWN_ERROR "ERR Errors trying to SHUTDOWN. Check logs."
#define LOADING_ERROR "LOADING Redis is loading the dataset in memory"
bool server_is_loading(const struct server *s);
void server_turn(struct server *s);
/* From inside a command that takes long (a script): clients are served in between, those commands
 * that may run beside it (CMD_ALLOW_BUSY); all others are refused with busy_error. Replies that
 * wait for the log leave when it holds them. The command's own client is not read from, its words
 * stay where they are; no timers, no signals, no time that passes for keys. Does not nest: a second
 * call from inside returns at once. */
void server_peek(struct server *s, const char *busy_error);

/* The loop ends, and no client is served any more; shutdown.h decides that. unsure: not all that was
 * acknowledged is where it belongs, so nothing more that a gate holds back is sent. */
void server_stop(struct server *s, bool unsure);
bool server_is_stopping(const struct server *s); /* it was, and does */
/* The environment failed in a way that nothing may be promised any more: the loop ends without
 * asking anybody, replies that a gate holds back are never sent, the exit code is 1. */
void server_fail(struct server *s);

/* Runs commands of the append log. They were acknowledged before, so nobody is asked whether they
 * may run, and no limit that is set for clients counts; names are those of the command tables,
 * whatever rename-command says. What fails all the same is told, also inside EXEC: the rest of the
 * transaction runs. */
struct slice;
struct replay_failure {
    int index; /* inside EXEC: the how manieth queued command, from 0; else -1 */
    struct slice command, key; /* key {0}: it has none */
    const char *error;
};
struct replay {
    struct client *client; /* selected database, queue of MULTI */
    void (*failed)(void *arg, const struct replay_failure *failure);
    void *arg;
};
/* True when it was queued, for the EXEC that comes. */
bool server_replay(struct server *s, struct replay *r, int argc, const struct slice *argv);
/* A command about key comes behind the next one: what it will look at is fetched meanwhile. */
void server_replay_soon(struct replay *r, struct slice key);
/* A client without a socket: selected db, MULTI state, replies dropped. */
struct client *server_fake_client(struct server *s);
void server_free_client(struct server *s, struct client *c);

#endif
