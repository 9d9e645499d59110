/* SPDX-License-Identifier: BSD-3-Clause */
/* A new base for the append log, written by a child; and the log switched on and off. */
#ifndef PERSIST_REWRITE_H
#define PERSIST_REWRITE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"

struct aof;

void rewrite_init(struct aof *a);
/* One is wanted as soon as no child runs. by_hand: also where failures have it wait. */
void rewrite_ask(struct aof *a, bool by_hand);
/* BGREWRITEAOF. False when the child could not be started. */
bool rewrite_start(struct aof *a, struct fault *f);
/* In this process, at start: base from memory, a fresh increment, the manifest. */
bool rewrite_now(struct aof *a, struct fault *f);
void rewrite_tick(struct aof *a, int64_t mono_ms);
/* CONFIG SET appendonly. */
bool aof_switch_on(struct aof *a, struct fault *f);
void aof_switch_off(struct aof *a);

#endif
