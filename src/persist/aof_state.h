/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the append log share. aof.h tells how a batch travels through it.
 *
 * Each part of struct aof has one writer, the file that is named beside it: the others read, and
 * ask that file's functions where something is to change. */
#ifndef PERSIST_AOF_STATE_H
#define PERSIST_AOF_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/aof_parts.h"
#include "format/manifest.h"
#include "persist/aof_notes.h"
#include "persist/aof_progress.h"
#include "persist/persist.h"

enum aof_policy { AOF_ALWAYS, AOF_EVERYSEC, AOF_NO };
/* aof-always-sync-way: tests choose, everybody else lets it be found out (sync_choice.h). */
enum aof_sync_way { SYNC_WAY_AUTO, SYNC_WAY_INLINE, SYNC_WAY_WORKER };
enum aof_load_errors { AOF_ERRORS_REFUSE, AOF_ERRORS_SKIP };
/* propagation-error-behavior: what was done once, and now replies an error. */
enum aof_on_error { AOF_ON_ERROR_IGNORE, AOF_ON_ERROR_PANIC, AOF_ON_ERROR_PANIC_ON_REPLICAS };
enum aof_state {
    AOF_OFF,
    AOF_ON,
    AOF_WAIT_REWRITE, /* switched on at run time: logs to a temporary increment until a base exists
                       */
};

struct aof_open { /* aof_file.c: the increment that is appended to */
    int fd;              /* -1: none */
    bool aside;          /* it is the temporary increment, which no manifest names */
    bool failed;         /* a sync of it failed: it can never be trusted */
    struct aof_origin is; /* aside: its number, and its id if it says one */
    uint64_t size;
    uint64_t begun_size; /* with which it was begun, when nothing can be in it but its first line
                          * as long as it is no longer; else 0 */
    uint64_t durable_size;  /* of these bytes, synced */
    uint64_t answered_size; /* of these, replies have left for, maybe without a sync
                             * (no-appendfsync-on-rewrite) */
};

struct aof_names { /* aof_gone.c */
    bool gone; /* sync.lost, because files were removed or moved away */
    int64_t seen_us;
};

struct aof_error { /* aof_error.c */
    int err;
    char text[256]; /* what failed, of which file, when, why; "" nothing did */
    char refusal[448];
    int64_t logged_mono_s;
};

struct aof_rewrite { /* rewrite.c */
    bool scheduled, last_ok;
    int64_t began_mono_s, last_s, retry_mono_s;
    pid_t pid;
    int64_t next_base; /* the number that the base being written gets */
    unsigned failures; /* in a row */
    uint64_t count;
    size_t cow_bytes; /* of the last one */
};

struct aof {
    struct persist *persist;
    /* settings (aof_config.c) */
    bool enabled, no_fsync_on_rewrite, load_truncated, use_rdb_preamble, timestamp,
        incremental_fsync, disable_auto_gc, checksum;
    int policy, way, load_errors, on_error;
    int64_t load_corrupt_tail_max;
    int64_t rewrite_percentage, rewrite_min_size, max_pending;
    char *filename, *dirname, *keep_history;
    /* state */
    bool started; /* persist_setup.c: the data set was loaded, settings act at once from now on */
    bool freeing; /* aof.c: the server ends, results of jobs change nothing any more */
    enum aof_state state; /* aof.c */
    /* aof_file.c */
    char *home, *dir; /* absolute: where the server started, and the log's directory there; CONFIG
                       * SET dir moves snapshots only */
    struct manifest manifest;
    bool manifest_unsure;
    uint64_t total_size; /* base and all increments */
    uint64_t base_size;  /* total after the last rewrite; after a start the base's */
    bool collecting, collect_again; /* aof_history.c: a round of it is with the worker; another was
                                     * asked for meanwhile */
    int64_t history_seen_ms;
    bool (*held)(void *arg, const char *name); /* backup_hold.c: a file of history that stays */
    void *held_arg;
    bool first_install;  /* aof_first.c: its plan lies on disk */
    uint64_t log_id;     /* aof_names.c: of the #LOG lines; 0: not chosen yet */
    uint64_t load_errors_skipped; /* boot.c: of the last load */
    struct aof_notes notes; /* whose feature they are fills it in, before anything is loaded */
    struct aof_open open;
    struct aof_pending batch;
    struct aof_write write;
    struct aof_sync sync;
    struct aof_group group;
    struct aof_names names;
    struct aof_error error;
    struct aof_rewrite rewrite;
};

/* What goes with what, in every state: asked where one is reached. */
void aof_must_hold(const struct aof *a);

#endif
