/* SPDX-License-Identifier: BSD-3-Clause */
/* What each kind of listener is (hooks.h says when it is called). */
#ifndef SERVER_HOOK_TYPES_H
#define SERVER_HOOK_TYPES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/slice.h"
#include "server/commit_batch.h"
#include "store/db.h"

struct child_kind;
struct client;
struct command_entry;
struct ctx;
struct fault;
struct sink;

enum stage { STAGE_UNBLOCK, STAGE_LOG, STAGE_SYNC, STAGE_REPLY, STAGE_COUNT };

enum {
    SHUTDOWN_SAVE = 1,   /* even without save points */
    SHUTDOWN_NOSAVE = 2,
    SHUTDOWN_NOW = 4,    /* wait for nothing */
    SHUTDOWN_FORCE = 8,  /* failures do not stop it */
};

typedef bool hook_configured(void *arg, struct fault *f);
typedef const char *hook_admit(void *arg, struct ctx *c, const struct command_entry *e);
enum { ADMIT_EVERY = 1u << 31 }; /* in place of flags: all commands */
typedef void hook_commit(void *arg, const struct commit_batch *batch);
typedef uint64_t hook_gate(void *arg); /* the position up to which replies may leave */
typedef uint64_t hook_client_gate(void *arg, const struct client *c); /* the same, of this client */
typedef void hook_key(void *arg, struct db *db, struct slice key, enum key_event_kind kind);
typedef void hook_flushed(void *arg);
typedef void hook_stage(void *arg);
typedef void hook_tick(void *arg, int64_t mono_ms); /* for waits; the wall clock may jump */
typedef void hook_client(void *arg, struct client *client, bool opened);
typedef void hook_role(void *arg, bool is_replica);
struct fork_event {
    const struct child_kind *kind; /* its owner compares; persist/persist.h */
    pid_t pid;         /* 0: this is the child */
    uint64_t position; /* at the fork: the child sees what is before it (commit.h) */
    bool ended, ok;    /* it has ended; ok: it has done what it was to do */
};
typedef void hook_fork(void *arg, const struct fork_event *e);
/* What a feature's own state is saved for: a dump file; the base of the log, which only this server
 * reads again (as commands it carries function libraries alone); a copy of the data set for another
 * server. Emits to those operations of sink that are not NULL. */
enum aux_purpose { AUX_DUMP, AUX_LOG_BASE, AUX_SYNC };
typedef void hook_aux_save(void *arg, struct sink *sink, enum aux_purpose purpose);
/* What a feature takes of a data set that is loaded. NULL: nothing of that kind. true: it was mine;
 * with f filled, it is mine but cannot be taken, and the load fails. */
struct aux_loader {
    /* A data set comes, with other state of the feature. beside: the one that is here, with the
     * feature's own state, counts on until the end; else what comes does, from here on. */
    void (*begin)(void *arg, bool beside);
    bool (*field)(void *arg, struct slice name, struct slice value, struct fault *f);
    bool (*function)(void *arg, struct slice source, struct fault *f);
    bool (*module_aux)(void *arg, uint64_t module_id, struct slice bytes, struct fault *f);
    /* It is whole, commands of the log included, and counts. Not ok: it is dropped, and what was
     * before begin counts. */
    void (*end)(void *arg, bool ok);
};
enum shutdown_answer {
    SHUTDOWN_READY,
    SHUTDOWN_NOT_YET, /* asked again each turn: the answer is quick and silent */
    SHUTDOWN_REFUSED, /* the log says why */
};
typedef enum shutdown_answer hook_ready(void *arg, unsigned flags);
/* false: what was acknowledged is not all where it belongs (the log says why) */
typedef bool hook_finish(void *arg, unsigned flags);

#endif
