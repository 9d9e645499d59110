/* SPDX-License-Identifier: BSD-3-Clause */
/* The append log: every batch of changes, appended to the newest increment of a multi-part AOF
 * (formats.md 5), and made durable by policy.
 *
 *   commit -> pending -> (stage LOG) write -> (stage SYNC, or a worker) fdatasync -> durable
 *
 * Positions are those of commit.h; sizes are of files, which also hold checksums (aof_batch.c).
 * Under always replies wait for durable (the gate), under everysec a worker syncs once a second;
 * while a worker syncs, nothing is written (aof_sync.c). */
#ifndef PERSIST_AOF_H
#define PERSIST_AOF_H

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

struct commit_batch;

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

struct aof *aof_new(struct persist *p);
void aof_free(struct aof *a);

/* Writes what is pending. force: also while a sync runs, and before a failed write is due again,
 * and summed up (aof_batch.c). False when bytes remain. */
bool aof_flush(struct aof *a, bool force);
/* What goes with what, in every state: asked where one is reached. */
void aof_must_hold(const struct aof *a);
/* Small batches so far are summed up, if nothing is pending. */
void aof_flush_sum(struct aof *a);
void aof_tick(struct aof *a, int64_t mono_ms);
/* The -MISCONF for a write command while the log cannot be written; NULL when it can. */
const char *aof_refusal(struct aof *a);
/* Keeps the error for INFO and refusals. phase: "write", "fsync". */
void aof_note_error(struct aof *a, const char *phase, int err);
/* The file that is appended to, without its directory. For mem_free. */
char *aof_open_name(const struct aof *a);

/* ---- aof_gone.c ---- */
void aof_gone_tick(struct aof *a);
/* Are the files still where the manifest says? If not, what follows from that. */
void aof_look_for_names(struct aof *a);
/* After names were gone: false when a manifest that is not this log's stands in the directory. */
bool aof_dir_is_ours(const struct aof *a, struct fault *f);

/* ---- aof_batch.c ---- */
/* A file that has grown beyond goes on without sums: half of what their lines can say. */
#define AOF_SUMMED_MAX ((uint64_t)1 << 39)
void aof_batch_add(struct aof *a, const struct commit_batch *batch);
/* The open batch is over; must be called before pending is written. */
void aof_batch_seal(struct aof *a);
/* The same, and a long line tells of what lies behind the last one. False: that is nothing. */
bool aof_batch_sum_up(struct aof *a);
/* Another file is written from now on. */
void aof_batch_restart(struct aof *a);
void aof_batch_turn(struct aof *a); /* once a turn, between units: aof-checksum */

/* ---- aof_sync.c ---- */
void aof_sync_init(struct aof *a);
/* Waits until everything written is durable. False when it is not. */
bool aof_sync_now(struct aof *a);
/* The same without its consequences: no state changes but by a worker's sync that ran. */
bool aof_sync_all(struct aof *a, int *result);
/* A sync ended: 0 or -errno; all up to position is durable then. */
void aof_synced(struct aof *a, int result, uint64_t position);
/* Waits for the worker's jobs, and takes their results. */
void aof_drain(struct aof *a);
bool aof_write_waits(struct aof *a);    /* for a sync that runs */
bool aof_too_much_waits(struct aof *a); /* so that writes must be refused */
bool aof_sync_gathers(struct aof *a);   /* so that writing can be left for the next turn */
bool aof_sync_in_worker(const struct aof *a);
void aof_gate_set(struct aof *a); /* as the policy demands */
/* Under always: the end. The gate stays shut, the unsynced bytes are cut off. */
void aof_stop_unsent(struct aof *a, const char *what, int err);

/* ---- aof_wait.c: WAITAOF and WAIT ---- */
void aof_wait_init(struct aof *a);
void aof_wait_end(struct aof *a);
/* durable or state changed: who may go on? */
void aof_wait_check(struct aof *a);

/* ---- files ---- */
/* Fixes home and dir to the working directory as it is now. */
bool aof_settle(struct aof *a, struct fault *f);
/* The absolute path of a file of the log; for mem_free. */
char *aof_path(const struct aof *a, const char *name);
/* The same, of the name that appendfilename and these make. */
char *aof_path_around(const struct aof *a, const char *before, const char *after);
/* Makes the log's directory, durably. */
bool aof_make_dir(struct aof *a, struct fault *f);
/* Puts m on disk and takes it over as a->manifest (m is empty then). False: the old one stands, on
 * disk and in memory. When only the sync of the directory failed either of the two may be found
 * after a crash: manifest_unsure is set, and no file that one of them names may be deleted. */
bool aof_put_manifest(struct aof *a, struct manifest *m, struct fault *f);
/* Size and first bytes of a file, by its path (aof_parts.h). */
bool aof_look_at_part(const char *path, uint64_t *size, struct buf *head, struct fault *f);
/* The same by its name; an aof_part_look. arg: struct aof. */
bool aof_look(void *arg, const char *name, uint64_t *size, struct buf *head, struct fault *f);
/* log_id, chosen now when the log has none. */
uint64_t aof_id(struct aof *a);
/* A new increment: empty, but for the line that says of which log it is a part, which is durable.
 * True: opened, and for the caller to close. */
struct aof_incr {
    int fd;
    uint64_t size;
    struct aof_origin is; /* id 0: without that line */
    struct aof_chain chain;
};
bool aof_create_incr(struct aof *a, const char *path, int64_t seq, struct aof_incr *made,
                     struct fault *f);
/* The server stops in order: the manifest tells how long the newest increment is. */
void aof_tell_size(struct aof *a);
/* Opens the newest increment of the manifest for appending (creating one when there is none), and
 * begins to log. size: bytes it holds. */
bool aof_open_log(struct aof *a, struct fault *f);
void aof_close_log(struct aof *a);
/* Begins to log to a->fd, which is open. */
void aof_listen(struct aof *a, enum aof_state state);
/* appendfsync was changed: makes everything durable, and sets up the gate. */
bool aof_policy_changed(struct aof *a, struct fault *f);
/* The number of a new file, which has none that holds data already. 0 with f filled: none left. */
int64_t aof_free_base(const struct aof *a, struct fault *f);
int64_t aof_free_incr(const struct aof *a, struct fault *f);
void aof_measure(struct aof *a); /* total_size from the files */

/* ---- aof_first.c: the first files of a log ---- */
/* Before the first file of next gets its name: the plan is durable, and no older file stands where
 * one will. Does nothing when there is a manifest. */
bool aof_first_plan(struct aof *a, const struct manifest *next, struct fault *f);
/* The manifest is durable, or the files are gone again. */
void aof_first_done(struct aof *a);
/* There is no manifest. *plan: there is a plan, and next is what it says. */
bool aof_first_find(struct aof *a, struct manifest *next, bool *plan, struct fault *f);
/* Takes what an interrupted install left, or puts it aside; then *found: there is a log now. */
bool aof_first_resolve(struct aof *a, struct manifest *next, bool *found, struct fault *f);

/* ---- rewrite.c ---- */
/* BGREWRITEAOF. False when the child could not be started. */
bool rewrite_start(struct aof *a, struct fault *f);
/* In this process, at start: base from memory, a fresh increment, the manifest. */
bool rewrite_now(struct aof *a, struct fault *f);
/* Deletes the files that only history names, on the worker, unless told to keep them. */
void rewrite_collect(struct aof *a);
void rewrite_tick(struct aof *a, int64_t mono_ms);
/* CONFIG SET appendonly. */
bool aof_switch_on(struct aof *a, struct fault *f);
void aof_switch_off(struct aof *a);

#endif
