/* SPDX-License-Identifier: BSD-3-Clause */
/* The append log: every batch of changes, appended to the newest increment of a multi-part AOF
 * (formats.md 5), and made durable by policy.
 *
 *   commit -> pending -> (stage LOG) write -> (stage SYNC, or a worker) fdatasync -> durable
 *
 * Positions are those of commit.h. Under always replies wait for durable (the gate); the sync runs
 * between LOG and REPLY of the same turn, once for all clients. Under everysec a worker syncs once
 * a second; while it does, writing waits up to two seconds rather than stall behind it. */
#ifndef PERSIST_AOF_H
#define PERSIST_AOF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "format/manifest.h"
#include "os/worker.h"
#include "persist/persist.h"

enum aof_policy { AOF_ALWAYS, AOF_EVERYSEC, AOF_NO };
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
    uint64_t position;
    int64_t took_us;
    bool running;
};

struct aof {
    struct persist *persist;
    /* settings */
    bool enabled, no_fsync_on_rewrite, load_truncated, use_rdb_preamble, timestamp,
        incremental_fsync, disable_auto_gc;
    int policy;
    int64_t rewrite_percentage, rewrite_min_size;
    char *filename, *dirname;
    char *home, *dir; /* absolute: where the server started, and the log's directory there; CONFIG
                       * SET dir moves snapshots only */
    /* state */
    bool started; /* the data set was loaded: settings act at once from now on */
    enum aof_state state;
    struct manifest manifest;
    bool manifest_unsure;
    bool freeing; /* the server ends: results of jobs change nothing any more */
    int fd;                     /* -1: none */
    struct buf pending;         /* not yet written */
    uint64_t incr_size;         /* bytes in the increment that is open */
    uint64_t durable_size;      /* of these, synced, or answered for without a sync */
    uint64_t total_size;        /* base and all increments */
    uint64_t base_size;         /* total after the last rewrite or start */
    uint64_t appended, written, durable; /* positions */
    int64_t last_timestamp_s, last_sync_us, postponed_since_us;
    uint64_t delayed_fsync;
    struct worker *worker;
    struct aof_sync sync;
    bool lost_sync; /* an fdatasync failed: only a rewrite makes the log trustworthy again */
    bool failed; /* under always: the server is stopping, nothing more is written */
    bool write_ok, sync_ok, broken_tail; /* broken_tail: part of a batch is in the file */
    int write_errno;
    char refusal[160];
    int64_t error_logged_s;
    /* rewrite */
    bool rewrite_scheduled, last_rewrite_ok;
    int64_t rewrite_began_s, last_rewrite_s, rewrite_retry_s;
    pid_t rewrite_pid;
    unsigned rewrite_failures;
    uint64_t rewrites;
    size_t last_cow_bytes;
};

struct aof *aof_new(struct persist *p);
void aof_free(struct aof *a);

/* Writes what is pending. force: also while a sync runs. False when bytes remain. */
bool aof_flush(struct aof *a, bool force);
/* Waits until everything written is durable. False when it is not. */
bool aof_sync_now(struct aof *a);
/* A sync ended: 0 or -errno; all up to position is durable then. */
void aof_synced(struct aof *a, int result, uint64_t position);
void aof_tick(struct aof *a, int64_t now_ms);
/* The -MISCONF for a write command while the log cannot be written; NULL when it can. */
const char *aof_refusal(struct aof *a);

/* ---- files ---- */
/* Fixes home and dir to the working directory as it is now. */
bool aof_settle(struct aof *a, struct fault *f);
/* The absolute path of a file of the log; for mem_free. */
char *aof_path(const struct aof *a, const char *name);
/* Makes the log's directory, durably. */
bool aof_make_dir(struct aof *a, struct fault *f);
/* Puts m on disk and takes it over as a->manifest (m is empty then). False: the old one stands, on
 * disk and in memory. When only the sync of the directory failed either of the two may be found
 * after a crash: manifest_unsure is set, and no file that one of them names may be deleted. */
bool aof_put_manifest(struct aof *a, struct manifest *m, struct fault *f);
/* Opens the newest increment of the manifest for appending (creating one when there is none), and
 * begins to log. size: bytes it holds. */
bool aof_open_log(struct aof *a, struct fault *f);
void aof_close_log(struct aof *a);
/* Begins to log to a->fd, which is open. */
void aof_listen(struct aof *a, enum aof_state state);
/* appendfsync was changed: makes everything durable, and sets up the gate. */
bool aof_policy_changed(struct aof *a, struct fault *f);
void aof_measure(struct aof *a); /* total_size from the files */

/* ---- rewrite.c ---- */
/* BGREWRITEAOF. False when the child could not be started. */
bool rewrite_start(struct aof *a, struct fault *f);
/* In this process, at start: base from memory, a fresh increment, the manifest. */
bool rewrite_now(struct aof *a, struct fault *f);
/* Deletes the files that only history names, on the worker, unless told to keep them. */
void rewrite_collect(struct aof *a);
void rewrite_tick(struct aof *a, int64_t now_ms);
/* CONFIG SET appendonly. */
bool aof_switch_on(struct aof *a, struct fault *f);
void aof_switch_off(struct aof *a);

#endif
