/* SPDX-License-Identifier: BSD-3-Clause */
/* What a rewrite replaced: the manifest names it as history, and it is deleted, unless
 *
 *   aof-keep-history 5     the last five generations stay: a base and the increments behind it, up
 *                          to the next base. 0, the default: none
 *   aof-keep-history 7d    those replaced within so many days (h: hours)
 *   a backup holds it      (backup_hold.h), for as long as that does
 *
 * What is kept stays named in the manifest, with its id, size and the increment that each base
 * begins with (manifest.h), so that a tool can go back over rewrites. Files of logs without these
 * (aof-checksum no, older servers) are not kept. */
#ifndef PERSIST_AOF_HISTORY_H
#define PERSIST_AOF_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"
#include "base/slice.h"

struct aof;

/* Deletes the files that only history names and nothing keeps, on the worker. */
void aof_history_collect(struct aof *a);
/* Once in a while: what was to be kept for days may be older now. */
void aof_history_tick(struct aof *a, int64_t mono_ms);
/* aof-keep-history's words. */
bool aof_history_parse(struct slice text, uint64_t *generations, int64_t *seconds);

#endif
