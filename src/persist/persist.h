/* SPDX-License-Identifier: BSD-3-Clause */
/* What snapshots and the append log share: their common struct, the one child, the words for time
 * and for refusing. persist_setup.h puts the parts together.
 *
 * There is one child at a time, which saves or rewrites: who forks looks at child_kind first. */
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

enum child_kind { CHILD_NONE, CHILD_SAVE, CHILD_REWRITE };

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
    struct child child;
    enum child_kind child_kind;
    uint64_t keys_at_fork;       /* for progress */
    unsigned may_refuse;         /* writes: bits of enum may_refuse */
    bool flushed;                /* FLUSHALL ran in this turn */
    /* loading */
    bool loading;
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

/* Forks with everything that goes with it (hooks, tables held, figures). 0 in the child. */
pid_t persist_fork(struct persist *p, enum child_kind kind, const char *name,
                   void (*ended)(void *arg, const struct child_end *end), void *arg,
                   struct fault *f);
/* The fault of a child that ended: its own, or made from its signal or exit code. */
struct fault persist_child_fault(const struct child_end *end, const char *work);
void persist_child_gone(struct persist *p, const struct child_end *end);
/* Why a child cannot be started now, or NULL. */
const char *persist_busy(const struct persist *p);
/* Called where a write may be refused from now on, or no longer: when neither a log is kept nor the
 * last save has failed, nobody asks. */
enum may_refuse { MAY_REFUSE_LOG = 1, MAY_REFUSE_SAVE = 2 };
void persist_may_refuse(struct persist *p, enum may_refuse who, bool may);
/* 2026-11-21T07:00:00Z. Returns out. */
enum { PERSIST_TIME_MAX = 32 };
const char *persist_time(int64_t unix_s, char out[PERSIST_TIME_MAX]);
void persist_kill_child(struct persist *p, enum child_kind kind);

#endif
