/* SPDX-License-Identifier: BSD-3-Clause */
/* Running one command: look-up, arity, admission, transaction queue, handler, log, numbers. */
#ifndef SERVER_EXEC_H
#define SERVER_EXEC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/link.h"
#include "base/slice.h"
#include "server/ctx.h"

struct buf;
struct client;
struct clients;
struct command_entry;
struct db;
struct exec;
struct fault;
struct rights;

struct exec *exec_new(struct server *s);
/* At start; it is asked about restricted clients. */
void exec_set_rights(struct exec *x, const struct rights *rights);
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
/* A command that waited (wait_keys.h) is run again, with its words, as if its client had said it
 * just now. Outside of any command. */
struct held_command;
void exec_again(struct client *c, struct held_command *h);
/* The queue of the client's MULTI, inside EXEC's unit; replies the array. */
void exec_transaction(struct ctx *c);
/* One command inside another, for who runs them on a client's behalf (scripts, modules): with a
 * client, a protocol and a buffer of its own, and with the checks that such a call is asked. It
 * belongs to the unit that is open; it neither blocks nor is queued by a MULTI. */
enum exec_call_end {
    EXEC_RAN,
    EXEC_UNKNOWN, /* no such command or subcommand */
    EXEC_ARITY,
    EXEC_DENIED,  /* it has a flag of deny */
    EXEC_REFUSED, /* refusal says why */
};
struct exec_call {
    struct client *as;        /* whose database and user; NULL: the outer call's */
    struct buf *out;          /* gets the reply's bytes; NULL: nobody reads it */
    int resp;                 /* 0: as the client has it */
    enum exec_from from;
    enum commit_scope scope;  /* within the outer call's */
    uint32_t deny;            /* CMD_* */
    uint32_t waive;           /* CMD_* that nobody is told the command has: what goes for them */
    /* what came of it */
    enum exec_call_end ended;
    uint32_t flags;           /* the command's, of this call; 0: EXEC_UNKNOWN */
    const char *refusal;      /* error text; valid until the next call */
};
/* True when it ran and replied no error. */
bool exec_call(struct ctx *outer, struct exec_call *call, int argc, const struct slice *argv);
/* The subcommand's entry, or entry itself. NULL: there is no such subcommand. */
struct command_entry *exec_resolve(struct command_entry *entry, int argc, const struct slice *argv);
/* The client is inside MULTI, and e is kept for EXEC rather than run. */
bool exec_queues(const struct client *c, const struct command_entry *e);
/* Work outside of any command (expiry by cron, eviction by a timer): its commands are logged each
 * by itself. */
void exec_begin_loose(struct exec *x);
void exec_end_loose(struct exec *x);
/* What was done so far in the open unit (keys evicted before the command ran) does not belong to it
 * and is logged now, each command by itself. */
void exec_cut_unit(struct exec *x);
/* A job is run once, when the outermost unit that is open is over: its batch has its position, the
 * client whose command it was has its reply. In the order they were asked for; asked for again
 * while it waits, nothing happens. With no unit open: behind the next one. The job is the caller's,
 * and must not be freed while it waits. */
struct unit_job {
    struct link link; /* link_init first */
    void (*run)(struct unit_job *job);
};
void exec_after_unit(struct exec *x, struct unit_job *job);

/* Told of calls, those inside others too, right behind each: of those that what names, and that
 * took from_us microseconds or more (0: all). Not of those from the log. Words are to be shown by
 * ctx_shown. Nobody is asked when nobody observes, or the call was quick. */
enum {
    OBSERVE_ANSWERED = 1, /* it ran and is done */
    OBSERVE_WAITING = 2,  /* it ran, and waits now: it will run again, or be answered later */
    OBSERVE_AGAIN = 4,    /* both also of those that waited, and ran again */
};
typedef void exec_observer(void *arg, const struct ctx *c, const struct command_entry *e,
                           uint64_t took_us);
void exec_observe(struct exec *x, unsigned what, int64_t from_us, exec_observer *f, void *arg);
void exec_unobserve(struct exec *x, const void *arg);

/* After each step of loose work: the unit is cut when it got long. */
void exec_loose_step(struct exec *x);
/* A key, or all of them, changed in the open unit: replies that show it wait for it at a gate. */
void exec_key_changed(struct exec *x, const struct db *db, struct slice key);
void exec_all_changed(struct exec *x);
/* While error is set, only commands with CMD_ALLOW_BUSY pass. False when one was set already. */
bool exec_set_busy(struct exec *x, const char *error);
bool exec_unit_is_open(const struct exec *x);
/* A ctx whose replies go to c, if it wants any, and that runs nothing. */
void exec_fill_reply(struct exec *x, struct ctx *ctx, struct client *c);
/* For push.c: called when messages were pushed in a unit, and it is over. */
void exec_set_delivery(struct exec *x, void (*deliver)(struct clients *cs));
/* For push.c: a message from place on waits for the unit that is over. */
void exec_stamp_push(struct exec *x, struct client *c, uint64_t place);
#endif
