/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands that wait for a key to hold something: BLPOP, BZPOPMIN, XREAD BLOCK.
 *
 *   void cmd_blpop(struct ctx *c)
 *   {
 *       ... look through the keys; what is there is taken and replied ...
 *       static const int at[] = {1};
 *       wait_for_keys(c, timeout_ms, &(struct wait_keys){
 *           .at = at, .count = 1, .type = VALUE_LIST, .too_late = reply_null_array});
 *   }
 *
 * The command is kept and run again, from its words, when one of the keys holds a value of the type
 * it waits for: when the unit that made it so is over, before the next command of the same
 * pipeline. It finds what it wants then, or asks to wait again, which keeps its place and its time.
 * First come, first served, for each key; keys in the order in which they became ready; what a
 * served command makes ready itself is served behind that. A served command is one of its client
 * like any other: admitted, logged, counted once. The client's further input is looked at between
 * turns.
 *
 * While nobody waits, a write costs nothing; else a look-up of its key. */
#ifndef SERVER_WAIT_KEYS_H
#define SERVER_WAIT_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/entry.h"

struct client;
struct ctx;
struct server;
struct waits; /* opaque */

struct waits *waits_new(struct server *s);
void waits_free(struct waits *ws);
size_t waits_keys(const struct waits *ws); /* keys that somebody waits for */
size_t waits_keys_gone(const struct waits *ws); /* of them: also for their end (gone_too) */
/* No pause holds them any more: those are served whose keys became ready meanwhile. */
void waits_pause_over(struct waits *ws);

struct wait_keys {
    const int *at;       /* positions of the keys in argv */
    int count;
    enum value_type type;
    bool gone_too;       /* also when the key was removed, or holds another type */
    void (*too_late)(struct ctx *c); /* the reply when the time is over, or it may not wait */
};
/* timeout_ms 0: for ever. The handler replies nothing. Where nobody may wait (EXEC, scripts, the
 * log) too_late replies at once. */
void wait_for_keys(struct ctx *c, int64_t timeout_ms, const struct wait_keys *w);

/* For a command that runs again and whose reply lists what is new in any of its keys: the index,
 * among at, of the one key that can have become ready since it looked at all of them; they hold
 * nothing of another type than it waits for. -1: look at all of them. */
int wait_only_key(const struct ctx *c);

#endif
