/* SPDX-License-Identifier: BSD-3-Clause */
/* Which keys were changed how lately: the log position a reply shows when it read some keys.
 *
 * A read may show a write that is not durable yet, so where a gate holds replies back its reply
 * waits as the write's does; but only when it read what that write changed. Each key has a slot by
 * its hash, which holds a position behind the last change of a key of that slot. Keys that share a
 * slot make a read wait for nothing, never not wait for something. Fixed size; a hash a call. */
#ifndef SERVER_FRESH_H
#define SERVER_FRESH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

enum { FRESH_SLOTS = 4096 };
struct fresh {
    uint64_t all; /* everything counts as changed at this position */
    uint64_t slots[FRESH_SLOTS];
};

/* position: any that lies behind what was logged before the change, and not behind its own end. */
void fresh_touch(struct fresh *f, unsigned db, struct slice key, uint64_t position);
void fresh_touch_all(struct fresh *f, uint64_t position);
uint64_t fresh_position(const struct fresh *f, unsigned db, struct slice key);

#endif
