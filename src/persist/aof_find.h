/* SPDX-License-Identifier: BSD-3-Clause */
/* Which append log there is: its manifest, or the single file of an older server (formats.md 5.7).
 */
#ifndef PERSIST_AOF_FIND_H
#define PERSIST_AOF_FIND_H

#include <stdbool.h>

#include "base/fault.h"

struct aof;
struct manifest;

/* The file at path into *m, which is empty; a fault names the file. */
bool aof_read_manifest(const char *path, struct manifest *m, struct fault *f);
/* Reads the manifest, taking over the single file of an older server. *found: there is a log. */
bool aof_find(struct aof *a, bool *found, struct fault *f);
/* The log that was found has no base and no command. None that a server begins is so: it has a
 * base, be it one without keys. */
bool aof_is_empty(struct aof *a);
/* Before anything is loaded: are the files those that the manifest means? (aof_parts.h) */
bool aof_check_parts(struct aof *a, struct fault *f);

#endif
