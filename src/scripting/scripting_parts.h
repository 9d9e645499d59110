/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of this folder share of the whole. Nobody else includes it. */
#ifndef SCRIPTING_SCRIPTING_PARTS_H
#define SCRIPTING_SCRIPTING_PARTS_H

#include <stdint.h>

#include "base/buf.h"
#include "format/reply_read.h"
#include "scripting/scripting.h"

struct client;
struct functions;
struct script_cache;
struct script_run;
struct server;
struct vm;
struct worker;

struct scripting {
    struct server *server;
    struct client *client;        /* as whom scripts run commands */
    struct script_run *running;   /* NULL: none */
    struct script_cache *cache;
    struct functions *functions;
    struct worker *sweeper;       /* frees states that may be large */
    struct buf reply;             /* of the command that a script called, or of the script */
    struct reply_reader reader;   /* of reply */
    /* settings */
    int64_t busy_after_ms;
    int64_t memory_max;           /* of each state; 0: by maxmemory, or the machine's memory */
};

/* Bytes that a state may hold. */
size_t scripting_limit(const struct scripting *home);
/* Frees a state, beside the loop when async. */
void scripting_sweep(struct scripting *home, struct vm *vm, bool async);

#endif
