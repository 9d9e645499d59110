/* SPDX-License-Identifier: BSD-3-Clause */
/* The log goes on in a new increment: step 1 of a rewrite (rewrite.c), and where a backup draws its
 * line (backup_hold.h). The one before is complete and durable, and closed for good. */
#ifndef PERSIST_AOF_ROLL_H
#define PERSIST_AOF_ROLL_H

#include <stdbool.h>

#include "base/fault.h"

struct aof;

/* Nothing to do while the log is off. While it waits for its first base, or for one after a lost
 * sync, the new increment is the temporary one, which no manifest names. */
bool aof_roll(struct aof *a, struct fault *f);
/* The path of the temporary increment; for mem_free. */
char *aof_aside_path(const struct aof *a);

#endif
