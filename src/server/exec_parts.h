/* SPDX-License-Identifier: BSD-3-Clause */
/* What exec.c, admit.c, nested.c and replay.c share, and nobody else. */
#ifndef SERVER_EXEC_PARTS_H
#define SERVER_EXEC_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/link.h"
#include "server/ctx.h"
#include "server/exec.h"
#include "server/fresh.h"
#include "server/route.h"

struct clients;
struct commit;
struct gates;
struct hooks;
struct pauses;
struct replay;
struct rights;
struct settings;
struct stats;

enum { OBSERVERS_MAX = 8 };

struct exec {
    struct server *server;
    const struct rights *rights;
    struct clients *clients;
    struct pauses *pauses;
    struct commit *commit;
    struct hooks *hooks;
    struct keyspace *keyspace;
    struct stats *stats;
    struct settings *settings;
    int depth;
    bool loose;       /* the open unit: its commands are logged each by itself */
    struct link after; /* struct unit_job's: to be run when it is over */
    struct link after_next; /* asked for by jobs: behind the unit after that */
    bool running_jobs;
    struct gates *gates;
    const uint32_t *admit_flags; /* by origin: what ADMIT listeners ask about */
    const size_t *calm; /* hooks_set_calm */
    route_ask *route; /* NULL: keys live here */
    void *route_arg;
    const char *busy; /* what those hear whose commands may not run beside the one that runs */
    struct observer {
        exec_observer *f;
        void *arg;
        unsigned what;   /* OBSERVE_* */
        int64_t from_us; /* calls that took so long; 0: all */
    } observers[OBSERVERS_MAX];
    int observer_count;
    int64_t observe_from_us; /* the least of them */
    int64_t now_us;   /* monotonic, as read last: the end of one command is the start of the next */
    struct buf dropped; /* replies nobody reads */
    struct replay *replay; /* whose command runs; NULL: a client's */
    int replayed;          /* of the transaction that runs */
    void (*deliver)(struct clients *cs); /* what was pushed in the unit that is over */
    struct fresh fresh; /* what reads show; kept while there is a gate */
};

/* ---- exec.c ---- */
void exec_fill(struct exec *x, struct ctx *ctx, struct client *c, int argc,
               const struct slice *argv);
void exec_set_command(struct ctx *ctx, const struct command_entry *e);
/* The handler, then what is logged of it, then its numbers. */
void exec_run(struct exec *x, struct ctx *ctx, struct command_entry *e);
void exec_begin_unit(struct exec *x);
/* And what belongs behind it. */
void exec_end_unit(struct exec *x);

/* ---- admit.c ---- */
/* False when the command was refused: the error is replied. */
bool admit_command(struct exec *x, struct ctx *ctx, struct command_entry *e);
/* The error that sends the client elsewhere; NULL: its keys are here. */
const char *admit_route(const struct exec *x, struct ctx *ctx, const struct command_entry *e);
/* The error for a call that the client's user may not make; NULL: it may. told: see rights.h. */
const char *admit_rights(const struct exec *x, const struct ctx *ctx,
                         const struct command_entry *e, const struct client *told);
/* A command that is protected: may this client call it? */
bool admit_may_debug(const struct exec *x, const struct client *c, const struct command_entry *e);
/* Replies why there is no such command; container: its subcommand is unknown. */
void admit_unknown(struct ctx *ctx, struct command_entry *container);

/* ---- replay.c ---- */
/* The reply that begins at before is gone; was it an error, it is told. */
void replay_drop_reply(struct exec *x, struct ctx *ctx, int index, size_t before);

#endif
