/* SPDX-License-Identifier: BSD-3-Clause */
/* Running one command: look-up, arity, admission, transaction queue, handler, log, numbers. */
#ifndef SERVER_EXEC_H
#define SERVER_EXEC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "server/ctx.h"

struct buf;
struct client;
struct command_entry;
struct db;
struct exec;
struct fault;

struct exec *exec_new(struct server *s);
void exec_free(struct exec *x);

/* Before the first of some commands that run one behind the other: where one ends the next begins,
 * and the clock is read once for both. */
void exec_read_clock(struct exec *x);
/* From a client, with everything that may be refused. entry: as commands_find gave it for argv[0],
 * NULL when unknown. */
void exec_command(struct client *c, struct command_entry *entry, int argc,
                  const struct slice *argv);
/* The rest of a client's command that had to wait (block.h): work replies in a unit of its own.
 * What it changes it logs itself (ctx_log_also). Outside of any command. */
typedef void exec_work(struct ctx *c, void *arg);
void exec_later(struct client *c, struct command_entry *e, exec_work *work, void *arg);
/* Inside a unit that runs already (EXEC, scripts): handler and log only. Replies go to out. False
 * when it replied an error. */
bool exec_nested(struct ctx *outer, struct command_entry *entry, int argc,
                 const struct slice *argv);
/* The subcommand's entry, or entry itself. NULL: there is no such subcommand. */
struct command_entry *exec_resolve(struct command_entry *entry, int argc, const struct slice *argv);
bool exec_arity_ok(const struct command_entry *e, int argc);
/* The client is inside MULTI, and e is kept for EXEC rather than run. */
bool exec_queues(const struct client *c, const struct command_entry *e);
/* Work outside of any command (expiry by cron, eviction by a timer): its commands are logged each
 * by itself. */
void exec_begin_loose(struct exec *x);
void exec_end_loose(struct exec *x);
/* What was done so far in the open unit (keys evicted before the command ran) does not belong to it
 * and is logged now, each command by itself. */
void exec_cut_unit(struct exec *x);
/* After each step of loose work: the unit is cut when it got long. */
void exec_loose_step(struct exec *x);
/* A key, or all of them, changed in the open unit: replies that show it must wait for the log. */
void exec_key_changed(struct exec *x, const struct db *db, struct slice key);
void exec_all_changed(struct exec *x);
/* Where the rest of a reply goes that nobody will get. */
struct buf *exec_unheard(struct exec *x);

#endif
