/* SPDX-License-Identifier: BSD-3-Clause */
/* MONITOR: clients that are shown each command of all clients, a line each:
 *
 *   +1795992603.913055 [0 127.0.0.1:35167] "SET" "k" "a\"b\n"
 *
 * with the time, the database it left its client in, and who said it: an address, "unix:" and the
 * socket's path, or "lua" for what a script calls. Secrets are shown as ctx_shown shows them. Not
 * shown are commands for administrators (they may hold more secrets than are known), those that
 * were refused, and what the log replays. A command that waits is shown when it begins to.
 *
 * The lines are pushed (push.h): behind the reply of who is in the middle of a command, within the
 * output limits of the class that the monitor is in (CLIENT_CLASS_NORMAL). A monitor stays one
 * until RESET, or until it goes, and meanwhile may not touch keys.
 *
 * Cost: with no monitor nothing; else a line is encoded once a command, however many read it. */
#ifndef SERVER_MONITOR_H
#define SERVER_MONITOR_H

#include <stdbool.h>

struct client;
struct ctx;
struct monitors; /* opaque */
struct server;

struct monitors *monitors_new(struct server *s);
void monitors_free(struct monitors *ms); /* behind the clients */

/* False: it was one already. */
bool monitor_begin(struct monitors *ms, struct client *c);
/* For commands with CMD_SKIP_MONITOR, whose own commands are shown behind them: the command is
 * shown now. Cheap with no monitor. */
void monitor_show_first(struct monitors *ms, const struct ctx *c);

#endif
