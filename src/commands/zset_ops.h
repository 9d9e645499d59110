/* SPDX-License-Identifier: BSD-3-Clause */
/* What sorted set commands do at once, and those of cmd_zset_block.c when it can be done.
 * cmd_zset.c. */
#ifndef COMMANDS_ZSET_OPS_H
#define COMMANDS_ZSET_OPS_H

#include <stdbool.h>

#include "base/slice.h"

struct ctx;
struct entry;
struct pop_args;

/* Takes one member of the sorted set that e holds; replies it and its score. */
void zset_pop_one(struct ctx *c, struct slice key, struct entry *e, bool high);
/* ZMPOP's work. False: no key holds a sorted set, and nothing was replied. */
bool zset_pop_any(struct ctx *c, const struct pop_args *a);

#endif
