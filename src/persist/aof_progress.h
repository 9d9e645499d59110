/* SPDX-License-Identifier: BSD-3-Clause */
/* How far the bytes of the append log are: parts of struct aof (aof_state.h), each with its one
 * writer named beside it.
 *
 * Positions are those of commit.h; sizes are of files, which also hold checksums (aof_batch.c). */
#ifndef PERSIST_AOF_PROGRESS_H
#define PERSIST_AOF_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/link.h"
#include "format/aof_sum.h"
#include "os/loop.h"
#include "os/worker.h"
#include "persist/sync_choice.h"

struct aof_pending { /* aof_batch.c: what waits to be written */
    struct buf pending;
    bool summing;      /* as checksum was when the last turn ended */
    bool open, gap;    /* gap: the open batch has one */
    size_t at;         /* where in pending the open batch begins, its gap first */
    uint64_t small_at; /* the first small batch behind the last long line; 0: none */
    struct aof_chain chain;
    int64_t timestamp_s; /* of the last annotation */
    bool fresh;        /* nothing was put in since the file or the session began */
    struct buf notes;  /* aof_notes.h: room for those of one batch */
};

struct aof_write { /* aof.c */
    uint64_t appended, written; /* positions */
    uint64_t commands_appended, commands_written;
    bool ok, broken_tail;   /* broken_tail: part of a batch is in the file */
    bool overfull;          /* too much is pending behind a sync: writes are refused */
    int64_t retry_us;       /* after a failure: not before */
    uint64_t small_seen_at; /* batch.small_at, when aof_tick has first seen it, */
    int64_t small_seen_ms;  /* and when that was: monotonic */
};

struct aof_sync_job {
    struct worker_job job;
    struct aof *aof;
    int fd, result;
    uint64_t position, size, commands; /* that are durable when it has succeeded */
    int64_t began_us, took_us;
    bool running;
    bool told;   /* that it takes long */
    bool strict; /* begun under always: replies wait for it */
};

struct aof_sync { /* aof_sync.c */
    uint64_t durable, commands_durable; /* a position, and a count */
    int64_t began_us;        /* the last one, whatever came of it: monotonic */
    int64_t last_s, took_us; /* the last good one: wall clock */
    struct loop_timer timer; /* everysec: the next one is due */
    uint64_t delayed;
    struct worker *worker;
    struct aof_sync_job job;
    bool lost;   /* an fdatasync failed: only a rewrite makes the log trustworthy again */
    bool failed; /* under always: the server is stopping, nothing more is written */
    bool wanted; /* aof_wait.c: somebody waits for durable: do not wait for the second to be over */
};

struct aof_group { /* aof_sync.c: under always, many that write share a sync */
    struct sync_choice choice;
    int64_t began_us; /* 0: not */
    uint64_t commands;
};

#endif
