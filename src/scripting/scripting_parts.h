/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of this folder share of the whole. Nobody else includes it. */
#ifndef SCRIPTING_SCRIPTING_PARTS_H
#define SCRIPTING_SCRIPTING_PARTS_H

#include <stdint.h>

#include "base/buf.h"
#include "format/reply_read.h"
#include "server/output.h"

struct client;
struct functions;
struct memory_limit;
struct script_cache;
struct script_run;
struct server;
struct vm;
struct worker;

struct scripting {
    struct server *server;
    struct memory_limit *memory;
    size_t machine_share;         /* bytes: the limit without one for the data */
    struct client *client;        /* as whom scripts run commands */
    struct script_run *running;   /* NULL: none */
    struct script_cache *cache;
    struct functions *functions;
    struct worker *sweeper;       /* frees states that may be large */
    int debugged;                 /* slot of clients that asked for a debugger */
    struct buf reply;             /* of the command that a script called */
    struct output answer;         /* of the script, until it is whole */
    struct reply_reader reader;   /* of reply */
    /* settings */
    int64_t busy_after_ms;
    int64_t memory_max;           /* of each state; negative: percent of maxmemory */
};

/* Of the machine's memory, what a state may have when maxmemory does not say. */
size_t scripting_machine_share(void);
/* Bytes that a state may hold just now. */
size_t scripting_limit(const struct scripting *home);
/* Frees a state, beside the loop when async. */
void scripting_sweep(struct scripting *home, struct vm *vm, bool async);

#endif
