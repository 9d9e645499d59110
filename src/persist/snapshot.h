/* SPDX-License-Identifier: BSD-3-Clause */
/* Snapshots: the data set as one RDB file, by SAVE, BGSAVE and save points.
 *
 * Always a temporary file, written, synced, renamed over dbfilename, the directory synced: the name
 * holds a complete file at any moment, and a failed save leaves the old one untouched. A save that
 * began stays in the directory it began in, whatever CONFIG SET dir says meanwhile. */
#ifndef PERSIST_SNAPSHOT_H
#define PERSIST_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/fault.h"
#include "format/aof_parts.h"
#include "persist/persist.h"
#include "server/hooks.h"

struct out;
struct save_config;

struct snapshot {
    struct persist *persist;
    const struct save_config *config;
    bool last_ok, scheduled;
    unsigned failures;     /* in a row */
    int64_t retry_mono_s;  /* after a failure: not before, by itself */
    char last_error[FAULT_TEXT_MAX];  /* of the last background save; "" when it went well */
    char error_story[FAULT_TEXT_MAX + 80]; /* the same: at what, when, why */
    char refusal[FAULT_TEXT_MAX + 512];
    char *child_dir;       /* absolute: where the running save writes */
    int64_t last_save_s; /* wall clock, to show */
    int64_t last_save_mono_s, began_mono_s, last_duration_s;
    pid_t child_pid;
    uint64_t saves, dirty_at_start;
    size_t last_cow_bytes;
};

struct snapshot *snapshot_new(struct persist *p);
void snapshot_free(struct snapshot *s);

/* Saves now, in this process. */
bool snapshot_save(struct snapshot *s, struct fault *f);
/* Starts a child. False when it could not be started. */
bool snapshot_start(struct snapshot *s, struct fault *f);
/* Cron: save points, a scheduled save. */
void snapshot_tick(struct snapshot *s, int64_t mono_ms);
/* What is in memory is what the dump holds: save points count from now. */
void snapshot_note_save(struct snapshot *s);
/* The -MISCONF for a write command after a failed save. */
const char *snapshot_refusal(struct snapshot *s);

/* The data set as an RDB, to any stream: a socket, a pipe. Nothing is synced or read back. A child
 * or the parent may do it. False with f filled: what was written is no RDB. Cost: the keyspace is
 * walked once. */
struct snapshot_stream {
    enum aux_purpose purpose; /* what features add to it */
    int version;       /* 9 to 11; 0: as rdb-target-version says */
    bool no_keys;      /* only what features add: function libraries, AUX fields */
    bool no_functions; /* for a reader that does not know them */
    bool trailer;      /* the index of blocks behind the end: for files */
    struct aof_origin origin; /* of the base of a log: an AUX field tells it; id 0: none */
    struct child *child;      /* progress goes there; NULL in the parent */
    uint64_t keys, bytes;     /* out */
};
bool snapshot_stream(struct snapshot *s, struct snapshot_stream *what, struct out *out,
                     struct fault *f);

/* Writes the data set to path (created or truncated, then synced; not renamed). The child and the
 * rewrite use it too. aof_base goes into the AUX field. */
struct snapshot_file {
    const char *path;
    bool aof_base;
    struct aof_origin origin; /* of such a base: goes into an AUX field too; id 0: none */
    bool incremental; /* synced bit by bit while it is written */
    struct child *child; /* progress goes there; NULL in the parent */
    struct timespec as_of; /* the file's time, of the data set in it; 0: when it was written */
    uint64_t keys, bytes; /* out */
};
bool snapshot_write(struct snapshot *s, struct snapshot_file *file, struct fault *f);

#endif
