/* SPDX-License-Identifier: BSD-3-Clause */
/* The increments of the append log as files to be read, by their numbers, while the log goes on:
 * those that the manifest names, as history too. One that is open can be read to its end, whatever
 * becomes of its name. */
#ifndef PERSIST_AOF_INCREMENTS_H
#define PERSIST_AOF_INCREMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct aof;

bool aof_increment_is_named(const struct aof *a, int64_t seq);
/* The numbers of those that are named, from this one on, ascending; for mem_free. */
int64_t *aof_increments_from(const struct aof *a, int64_t seq, size_t *count);
/* A descriptor, or -errno. */
int aof_increment_open(const struct aof *a, int64_t seq);
/* So many bytes of it can be read now: whole batches; when it is closed, all. fd is open on it. */
uint64_t aof_increment_readable(const struct aof *a, int64_t seq, int fd);
/* The one that is appended to; -1: the log is off, waits for a base, or could not be written. */
int64_t aof_increment_newest(const struct aof *a);

#endif
