/* SPDX-License-Identifier: BSD-3-Clause */
/* Persistence as a feature of the server: snapshots, the append log, loading at start. It hangs on
 * through hooks (hooks.h); the core and the command families do not know it.
 *
 *   struct persist *p = persist_new(server);   // options, hooks, INFO, commands
 *   ... configuration is read ...
 *   if (!persist_start(p, &f)) ... refuse to start: f says why ...
 *   ... server_run ...
 *   persist_free(p);
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
struct scrub;
struct server;
struct snapshot;
struct watchdog;

enum child_kind { CHILD_NONE, CHILD_SAVE, CHILD_REWRITE };

struct persist {
    struct server *server;
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
    bool flushed;                /* FLUSHALL ran in this turn */
    /* loading */
    bool loading;
    bool no_turns; /* loading inside a command: clients wait */
    int64_t load_began_s, load_began_mono_s; /* wall clock to show; monotonic */
    uint64_t load_total_bytes, load_done_bytes, load_rdb_used_mem;
    uint64_t load_keys_loaded, load_keys_expired;
};

/* What the child says at its end. */
struct child_report {
    uint64_t keys, bytes;
    struct fault fault;
};

struct persist *persist_new(struct server *server);
void persist_free(struct persist *p);
/* Loads what the configuration says there is, and opens the append log. Nothing on disk is touched
 * before the load has succeeded. */
bool persist_start(struct persist *p, struct fault *f);

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
void persist_may_refuse(struct persist *p);
/* 2026-11-21T07:00:00Z. Returns out. */
enum { PERSIST_TIME_MAX = 32 };
const char *persist_time(int64_t unix_s, char out[PERSIST_TIME_MAX]);
/* Bytes of changes that wait to be written to the log, of a struct persist. */
size_t persist_waiting_bytes(const void *persist);
void persist_kill_child(struct persist *p, enum child_kind kind);

#endif
