/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the append log share: one struct, settings, files, positions, failures. aof.h
 * tells how a batch travels through it.
 *
 * Positions are those of commit.h; sizes are of files, which also hold checksums (aof_batch.c). */
#ifndef PERSIST_AOF_STATE_H
#define PERSIST_AOF_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/link.h"
#include "format/aof_parts.h"
#include "format/aof_sum.h"
#include "format/manifest.h"
#include "os/loop.h"
#include "os/worker.h"
#include "persist/persist.h"
#include "persist/sync_choice.h"

enum aof_policy { AOF_ALWAYS, AOF_EVERYSEC, AOF_NO };
/* aof-always-sync-way: tests choose, everybody else lets it be found out (sync_choice.h). */
enum aof_sync_way { SYNC_WAY_AUTO, SYNC_WAY_INLINE, SYNC_WAY_WORKER };
enum aof_load_errors { AOF_ERRORS_REFUSE, AOF_ERRORS_SKIP };
enum aof_state {
    AOF_OFF,
    AOF_ON,
    AOF_WAIT_REWRITE, /* switched on at run time: logs to a temporary increment until a base exists
                       */
};

struct aof_sync {
    struct worker_job job;
    struct aof *aof;
    int fd, result;
    uint64_t position, size, commands; /* that are durable when it has succeeded */
    int64_t began_us, took_us;
    bool running;
    bool told;   /* that it takes long */
    bool strict; /* begun under always: replies wait for it */
};

struct aof {
    struct persist *persist;
    /* settings */
    bool enabled, no_fsync_on_rewrite, load_truncated, use_rdb_preamble, timestamp,
        incremental_fsync, disable_auto_gc, checksum;
    int policy, way, load_errors;
    int64_t load_corrupt_tail_max;
    int64_t rewrite_percentage, rewrite_min_size, max_pending;
    char *filename, *dirname;
    char *home, *dir; /* absolute: where the server started, and the log's directory there; CONFIG
                       * SET dir moves snapshots only */
    /* state */
    bool started; /* the data set was loaded: settings act at once from now on */
    enum aof_state state;
    struct manifest manifest;
    bool manifest_unsure;
    bool first_install; /* its plan lies on disk (aof_first.c) */
    bool freeing; /* the server ends: results of jobs change nothing any more */
    int fd;                     /* -1: none */
    bool aside;                 /* fd is the temporary increment, which no manifest names */
    bool incr_failed;           /* a sync of fd failed: this file can never be trusted */
    struct aof_origin aside_is; /* its number, and its id if it says one */
    struct buf pending;         /* not yet written */
    bool summing, batch_open;   /* summing: as checksum was when the last turn ended */
    bool batch_gap;             /* of the open batch: it has one */
    size_t batch_at;            /* where in pending the open batch begins, its gap first */
    uint64_t small_at;          /* the first small batch behind the last long line; 0: none */
    uint64_t small_seen_at;     /* the same, when aof_tick has first seen it, */
    int64_t small_seen_ms;      /* and when that was: monotonic */
    struct aof_chain chain;
    uint64_t log_id;            /* of the #LOG lines; 0: not chosen yet */
    uint64_t incr_size;         /* bytes in the increment that is open */
    uint64_t durable_size;      /* of these, synced */
    uint64_t answered_size;     /* of these, replies have left for, maybe without a sync
                                 * (no-appendfsync-on-rewrite) */
    uint64_t total_size;        /* base and all increments */
    uint64_t base_size;         /* total after the last rewrite; after a start the base's */
    uint64_t appended, written, durable; /* positions */
    uint64_t commands_appended, commands_written, commands_durable;
    int64_t last_timestamp_s;
    int64_t sync_began_us; /* the last one, whatever came of it: monotonic */
    struct loop_timer sync_timer; /* everysec: the next one is due */
    int64_t last_sync_s, last_sync_took_us; /* the last good one: wall clock */
    uint64_t delayed_fsync;
    struct worker *worker;
    struct aof_sync sync;
    struct sync_choice choice; /* under always */
    int64_t gather_us; /* began; 0: not */
    uint64_t gather_commands;
    struct link waiters; /* clients in WAITAOF */
    bool sync_wanted; /* somebody waits for durable: do not wait for the second to be over */
    bool overfull;    /* too much is pending behind a sync: writes are refused */
    bool lost_sync; /* an fdatasync failed: only a rewrite makes the log trustworthy again */
    bool names_gone; /* lost_sync, because files were removed or moved away */
    int64_t names_seen_us;
    bool failed; /* under always: the server is stopping, nothing more is written */
    bool write_ok, broken_tail; /* broken_tail: part of a batch is in the file */
    int write_errno;
    char last_error[256]; /* what failed, of which file, when, why; "" nothing did */
    char refusal[448];
    int64_t error_logged_mono_s, write_retry_us;
    /* rewrite */
    bool rewrite_scheduled, last_rewrite_ok;
    int64_t rewrite_began_mono_s, last_rewrite_s, rewrite_retry_mono_s;
    pid_t rewrite_pid;
    int64_t next_base; /* the number that the base being written gets */
    unsigned rewrite_failures;
    uint64_t rewrites;
    uint64_t load_errors_skipped; /* of the last load */
    size_t last_cow_bytes;
};

/* What goes with what, in every state: asked where one is reached. */
void aof_must_hold(const struct aof *a);

#endif
