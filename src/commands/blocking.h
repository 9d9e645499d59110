/* SPDX-License-Identifier: BSD-3-Clause */
/* What commands that wait for keys share (server/wait_keys.h): their timeout, and the wait for keys
 * that stand side by side. */
#ifndef COMMANDS_BLOCKING_H
#define COMMANDS_BLOCKING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/ctx.h"

/* argv[i]: seconds, with a fraction; rounded up to milliseconds, 0: for ever. False after replying
 * an error. */
bool blocking_timeout(struct ctx *c, int i, int64_t *ms);
/* Waits until one of the keys argv[first] .. argv[first + count - 1] holds a value of the type; the
 * null array when the time is over. */
void blocking_wait(struct ctx *c, int64_t timeout_ms, int first, int count, enum value_type type);

/* BLPOP and its like, key... timeout: from the first key that holds such a value take takes one
 * element at an end, and replies parts of it behind the key's name; or the command waits. It is
 * logged as what it came to: word key. */
struct blocking_pop {
    enum value_type type;
    const char *word;
    size_t parts;
    void (*take)(struct ctx *c, struct slice key, struct entry *e, bool high);
    bool high;
};
void blocking_pop(struct ctx *c, const struct blocking_pop *p);

#endif
