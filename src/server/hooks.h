/* SPDX-License-Identifier: BSD-3-Clause */
/* Where features hang on to the core. Few and fixed; owners register when they are made, and
 * listeners run in the order of registration. A listener gets the arg it was registered
 * with.
 *
 * CONFIGURED all sources of the configuration are read and applied, nothing is loaded and nobody
 *           connected yet: users, modules, files of a feature's own. False, with f: no start.
 * ADMIT     before a command runs: NULL to let it pass, or the error to reply ("MISCONF ..."). A
 *           listener is asked about calls from where it said, with one of the flags it named.
 * COMMIT    a batch got its position: append it to the log, feed replicas (commit.h).
 * GATE      up to which position may replies leave? The lowest answer counts.
 * KEY       a key was set, removed, expired, evicted, loaded (store/db.h).
 * FLUSHED   FLUSHALL emptied every database.
 * STAGE     each turn of the event loop, before it sleeps, in the order UNBLOCK, LOG, SYNC, REPLY.
 * TICK      from cron, hz times a second.
 * CLIENT    a client was accepted or is about to be freed.
 * ROLE      the server became a replica, or a primary again (role.h).
 * FORK      a child was made (in the child: drop what it must not touch), or has ended: which, and
 *           what of the data set it sees.
 * AUX       saving: emit a feature's own state into the file; loading: take it, whole or not.
 * SHUTDOWN  asked to stop, in two phases (shutdown.h). All are asked whether they are ready, maybe
 *           again and again; nobody does anything yet. When none refuses (or it is forced) all
 *           finish: the last writes. From then on nothing is served. */
#ifndef SERVER_HOOKS_H
#define SERVER_HOOKS_H

#include "server/hook_types.h"

struct hooks; /* opaque */
struct hooks *hooks_new(void);
void hooks_free(struct hooks *h);
/* Told when the first KEY or GATE listener comes, and when the last of them has gone: with none of
 * both, nobody asks which keys changed. */
void hooks_on_interest(struct hooks *h, void (*f)(void *arg, bool wanted), void *arg);

void hooks_on_configured(struct hooks *h, hook_configured *f, void *arg);
/* from: bits 1 << FROM_*. flags: CMD_*, or ADMIT_EVERY; 0: it is not asked, for now. */
void hooks_on_admit(struct hooks *h, hook_admit *f, void *arg, unsigned from, uint32_t flags);
void hooks_set_admit(struct hooks *h, void *arg, uint32_t flags);
/* Of clients' commands those who ask about all of them (ADMIT_EVERY) want to hear only while more
 * than this memory is in use (mem_used_about); 0, as at first: always. */
void hooks_set_calm(struct hooks *h, size_t bytes);
/* Told of batches that hold something in the streams of scope. */
void hooks_on_commit(struct hooks *h, enum commit_scope scope, hook_commit *f, void *arg);
/* What a gate holds back, replicas do not get either; one that asks about the client holds replies
 * alone, and says itself when there is more that may leave (conn_retry_held). */
void hooks_on_gate(struct hooks *h, hook_gate *f, void *arg);
void hooks_on_client_gate(struct hooks *h, hook_client_gate *f, void *arg);
void hooks_on_key(struct hooks *h, hook_key *f, void *arg);
void hooks_on_flushed(struct hooks *h, hook_flushed *f, void *arg);
void hooks_on_stage(struct hooks *h, enum stage stage, hook_stage *f, void *arg);
void hooks_on_tick(struct hooks *h, hook_tick *f, void *arg);
void hooks_on_client(struct hooks *h, hook_client *f, void *arg);
void hooks_on_role(struct hooks *h, hook_role *f, void *arg);
void hooks_on_fork(struct hooks *h, hook_fork *f, void *arg);
/* Either may be NULL; *load stays where it is. */
void hooks_on_aux(struct hooks *h, hook_aux_save *save, const struct aux_loader *load, void *arg);
void hooks_on_shutdown(struct hooks *h, hook_ready *ready, hook_finish *finish, void *arg);

/* For features that are switched on and off: the listener registered with this arg goes. */
void hooks_off_commit(struct hooks *h, void *arg);
void hooks_off_gate(struct hooks *h, void *arg);
void hooks_off_client_gate(struct hooks *h, void *arg);
void hooks_off_key(struct hooks *h, void *arg);
void hooks_off_client(struct hooks *h, void *arg);

bool hooks_configured(struct hooks *h, struct fault *f); /* the first failure ends it */
/* By origin (FROM_*), the flags that some ADMIT listener asks about; stays where it is. */
const uint32_t *hooks_admit_flags(const struct hooks *h);
const size_t *hooks_calm(const struct hooks *h);
const char *hooks_admit(struct hooks *h, struct ctx *c, const struct command_entry *e);
/* The streams that somebody listens to. */
enum commit_scope hooks_commit_scope(const struct hooks *h);
bool hooks_has_gate(const struct hooks *h); /* of either kind */
void hooks_commit(struct hooks *h, const struct commit_batch *batch);
uint64_t hooks_released(struct hooks *h); /* UINT64_MAX without a gate */
uint64_t hooks_released_to(struct hooks *h, const struct client *c); /* by both kinds */
void hooks_key(struct hooks *h, struct db *db, struct slice key, enum key_event_kind kind);
void hooks_flushed(struct hooks *h);
void hooks_stage(struct hooks *h, enum stage stage);
void hooks_tick(struct hooks *h, int64_t mono_ms);
void hooks_client(struct hooks *h, struct client *client, bool opened);
void hooks_role(struct hooks *h, bool is_replica);
void hooks_fork(struct hooks *h, const struct fork_event *e);
void hooks_aux_save(struct hooks *h, struct sink *sink, enum aux_purpose purpose);
void hooks_aux_begin(struct hooks *h, bool beside);
/* false: nobody's */
bool hooks_aux_field(struct hooks *h, struct slice name, struct slice value, struct fault *f);
bool hooks_aux_function(struct hooks *h, struct slice source, struct fault *f);
bool hooks_aux_module(struct hooks *h, uint64_t module_id, struct slice bytes, struct fault *f);
void hooks_aux_end(struct hooks *h, bool ok);
/* A refusal counts most, but for one that is forced past. */
enum shutdown_answer hooks_ready(struct hooks *h, unsigned flags);
bool hooks_finish(struct hooks *h, unsigned flags); /* the first failure ends it, unless forced */

#endif
