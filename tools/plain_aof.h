/* SPDX-License-Identifier: BSD-3-Clause */
/* A log, or one file of it, as one file of commands without annotations: redis-cli --pipe takes it.
 *
 *   redis-check-aof --plain appendonly.aof.manifest OUT
 *
 * OUT must not exist, and is not there after a fault. */
#ifndef TOOLS_PLAIN_AOF_H
#define TOOLS_PLAIN_AOF_H

#include "base/buf.h"
#include "format/manifest.h"

/* The path of a file that the manifest at path names. */
typedef const char *plain_path(struct buf *hold, const char *manifest, const char *name);
/* m NULL: path is the file. What happened goes to stdout. The exit code. */
int plain_aof(const struct manifest *m, const char *path, plain_path *path_of, const char *to);

#endif
