/* SPDX-License-Identifier: BSD-3-Clause */
/* The frame: makes the parts of the server and joins them, and turns the loop. */
#ifndef SERVER_SERVER_FRAME_H
#define SERVER_SERVER_FRAME_H

#include <stdbool.h>

#include "base/fault.h"
#include "server/server.h"

struct client;

struct server *server_new(void);
void server_free(struct server *s);

/* After configuration was read: makes the databases and applies the options. */
bool server_configured(struct server *s, struct fault *f);
/* Binds and listens. Then server_run turns the loop until a shutdown was agreed; returns the exit
 * code. */
bool server_listen(struct server *s, struct fault *f);
int server_run(struct server *s);

/* While the data set is loading, clients get -LOADING for all but CMD_LOADING commands; while
 * another is loaded beside the one they are served from, for CMD_NO_ASYNC_LOADING commands. The
 * loader calls server_turn now and then to serve them (time-boxed). */
enum loading { LOADING_NOTHING, LOADING_ALONE, LOADING_BESIDE };
void server_set_loading(struct server *s, enum loading what);
void server_turn(struct server *s);

/* From inside a command that takes long (a script): clients are served in between, those commands
 * that may run beside it (CMD_ALLOW_BUSY); all others are refused with busy_error. Replies that
 * wait for the log leave when it holds them. The command's own client is not read from, its words
 * stay where they are; no timers, no signals, no time that passes for keys. Does not nest: a second
 * call from inside returns at once. */
void server_peek(struct server *s, const char *busy_error);

/* SWAPDB: databases, and with them what clients, watchers and waiters see. */
void server_swap_databases(struct server *s, unsigned a, unsigned b);

/* A client without a socket: selected db, MULTI state, replies dropped. */
struct client *server_fake_client(struct server *s);
void server_free_client(struct server *s, struct client *c);

#endif
