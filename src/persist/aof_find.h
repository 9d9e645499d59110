/* SPDX-License-Identifier: BSD-3-Clause */
/* Which append log there is: its manifest, or the single file of an older server.
 */
#ifndef PERSIST_AOF_FIND_H
#define PERSIST_AOF_FIND_H

#include <stdbool.h>

#include "base/fault.h"

struct aof;

/* Reads the manifest, taking over the single file of an older server, or what an install left that
 * was interrupted before its manifest (aof_first.c), unless a dump file is there, named dump.
 * *found: there is a log. */
bool aof_find(struct aof *a, const char *dump, bool *found, struct fault *f);
/* The log that was found has no base and no command. None that a server begins is so: it has a
 * base, be it one without keys. */
bool aof_is_empty(struct aof *a);

#endif
