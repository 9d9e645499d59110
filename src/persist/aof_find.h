/* SPDX-License-Identifier: BSD-3-Clause */
/* Which append log there is: its manifest, or the single file of an older server (formats.md 5.7).
 */
#ifndef PERSIST_AOF_FIND_H
#define PERSIST_AOF_FIND_H

#include <stdbool.h>

#include "base/fault.h"

struct aof;

/* Reads the manifest, taking over the single file of an older server. *found: there is a log. */
bool aof_find(struct aof *a, bool *found, struct fault *f);

#endif
