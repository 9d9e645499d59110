/* SPDX-License-Identifier: BSD-3-Clause */
/* The manifest, and the increment that is appended to. */
#ifndef PERSIST_AOF_FILE_H
#define PERSIST_AOF_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"
#include "format/aof_parts.h"
#include "format/aof_sum.h"

struct aof;
struct manifest;

/* Fixes home and dir to the working directory as it is now. */
bool aof_settle(struct aof *a, struct fault *f);
/* Puts m on disk and takes it over as a->manifest (m is empty then). False: the old one stands, on
 * disk and in memory. When only the sync of the directory failed either of the two may be found
 * after a crash: manifest_unsure is set, and no file that one of them names may be deleted. */
bool aof_put_manifest(struct aof *a, struct manifest *m, struct fault *f);
/* A new increment: empty, but for the line that says of which log it is a part, which is durable.
 * True: opened, and for the caller to close. */
struct aof_incr {
    int fd;
    uint64_t size;
    struct aof_origin is; /* id 0: without that line */
    struct aof_chain chain;
};
bool aof_create_incr(struct aof *a, const char *path, int64_t seq, struct aof_incr *made,
                     struct fault *f);
/* The server stops in order: the manifest tells how long the newest increment is. */
void aof_tell_size(struct aof *a);
/* Opens the newest increment of the manifest for appending (creating one when there is none): it is
 * a->fd then, and all that is in it is durable. */
bool aof_open_newest(struct aof *a, struct fault *f);
/* The number of a new file, which has none that holds data already. 0 with f filled: none left. */
int64_t aof_free_base(const struct aof *a, struct fault *f);
int64_t aof_free_incr(const struct aof *a, struct fault *f);
void aof_measure(struct aof *a); /* total_size from the files */

#endif
