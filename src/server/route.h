/* SPDX-License-Identifier: BSD-3-Clause */
/* Where do the keys of a call live? A cluster says so; without one they live here, and nobody asks.
 *
 * Asked behind authentication and before all ADMIT listeners: for each call of a client, when it is
 * queued by MULTI, and again for EXEC (multi_queued shows what is about to run); for each call of a
 * script. */
#ifndef SERVER_ROUTE_H
#define SERVER_ROUTE_H

struct command_entry;
struct ctx;
struct exec;

/* NULL: here. Else the error that tells the client where to go ("MOVED 1 127.0.0.1:1"), valid until
 * the next call. */
typedef const char *route_ask(void *arg, struct ctx *c, const struct command_entry *e);
/* f NULL: nobody is asked any more. */
void exec_set_route(struct exec *x, route_ask *f, void *arg);

#endif
