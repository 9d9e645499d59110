/* SPDX-License-Identifier: BSD-3-Clause */
/* What snapshots and the append log share: their common struct, the one child, the words for time
 * and for refusing. persist_setup.h puts the parts together.
 *
 * There is one child at a time: who forks asks persist_busy first. */
#ifndef PERSIST_PERSIST_H
#define PERSIST_PERSIST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"
#include "os/child.h"

struct aof;
struct dir_lock;
struct missing_data;
struct reserve;
struct save_config;
struct scrub;
struct server;
struct snapshot;
struct watchdog;

/* A kind of child, static. Who needs another kind makes its own. */
struct child_kind {
    const char *name;   /* of the process, as its title: "redis-rdb-bgsave" */
    const char *title;  /* in the log, before "child": "RDB saving" */
    const char *work;   /* begins a sentence: "Background saving" */
    const char *busy;   /* why another one can't be started now */
    const char *status; /* for the supervisor: "saving in the background" */
    bool silent;        /* it tells of no progress: the watchdog lets it be */
    bool copies;        /* the data set as an RDB: INFO shows it as a save */
};
extern const struct child_kind child_save, child_rewrite;

struct persist {
    struct server *server;
    struct save_config *save; /* options of snapshots */
    struct snapshot *snapshot;
    struct aof *aof;
    struct watchdog *watchdog;
    struct scrub *scrub;
    struct missing_data *missing;
    struct reserve *reserve;
    struct dir_lock *lock;
    struct backup_holds *holds;
    struct child child;
    const struct child_kind *child_kind; /* of the child that lives; NULL: none does */
    uint64_t fork_position;      /* commit.h */
    uint64_t keys_at_fork;       /* for progress */
    unsigned may_refuse;         /* writes: bits of enum may_refuse */
    bool flushed;                /* FLUSHALL ran in this turn */
    /* replace.h */
    bool unfilled;               /* the disk holds more than memory: nothing is saved by itself */
    bool log_replaced;           /* the log on disk is of the data set that was replaced, and
                                  * counts until the new one is in force (replace.h) */
    bool log_due;                /* the log is to be switched on, and could not be so far */
    int64_t log_retry_ms;
    /* loading */
    bool loading;  /* what is served later: it is not whole yet */
    bool beside;   /* another data set, which may take the place of the one that is there */
    bool no_turns; /* loading inside a command: clients wait */
    int64_t load_began_s, load_began_mono_s; /* wall clock to show; monotonic */
    uint64_t load_total_bytes, load_done_bytes, load_rdb_used_mem;
    uint64_t load_keys_loaded, load_keys_expired;
};

/* What the child is at, for INFO and the watchdog (child_phase). */
enum save_phase { SAVE_WRITING, SAVE_SYNCING, SAVE_VERIFYING, SAVE_NAMING };
const char *save_phase_name(unsigned phase);

/* What the child says at its end. */
struct child_report {
    uint64_t keys, bytes;
    struct fault fault;
};

/* Forks with all that goes with it (hooks, tables held, figures, the CPUs of the kind). 0 in the
 * child, -errno with f filled. spec: all but the name, which is the kind's. ended calls
 * persist_child_gone; a child that has a struct child_report to give ends with it
 * (child_finish). */
pid_t persist_fork(struct persist *p, const struct child_kind *kind, const struct child_spec *spec,
                   struct fault *f);
/* The fault of a child that ended: its own, or made from its signal or exit code. */
struct fault persist_child_fault(const struct child_end *end, const struct child_kind *kind);
void persist_child_gone(struct persist *p, const struct child_end *end);
/* Why a child cannot be started now, or NULL. */
const char *persist_busy(const struct persist *p);
/* Called where a write may be refused from now on, or no longer: when neither a log is kept nor the
 * last save has failed, nobody asks. */
enum may_refuse { MAY_REFUSE_LOG = 1, MAY_REFUSE_SAVE = 2, MAY_REFUSE_REPLACED = 4 };
void persist_may_refuse(struct persist *p, enum may_refuse who, bool may);
/* 2026-11-21T07:00:00Z. Returns out. */
enum { PERSIST_TIME_MAX = 32 };
const char *persist_time(int64_t unix_s, char out[PERSIST_TIME_MAX]);
void persist_kill_child(struct persist *p, const struct child_kind *kind);

#endif
