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
bool aof_set_dirs(struct aof *a, struct fault *f);
void aof_file_free(struct aof *a); /* and closes what is open */
/* m is what stands on disk: it becomes a->manifest, and is empty then. */
void aof_take_manifest(struct aof *a, struct manifest *m);
/* Puts m on disk and takes it over as a->manifest (m is empty then). False: the old one stands, on
 * disk and in memory. When only the sync of the directory failed either of the two may be found
 * after a crash: manifest_unsure is set, and no file that one of them names may be deleted. */
bool aof_put_manifest(struct aof *a, struct manifest *m, struct fault *f);
/* The manifest is durable from here on, or f says why not. */
bool aof_sync_manifest(struct aof *a, struct fault *f);
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
void aof_measure(struct aof *a);        /* total_size from the files */
void aof_measure_base(struct aof *a);   /* a rewrite is over: all there is counts as the base */

/* ---- the increment that is open ---- */
/* fd, of size bytes which are durable, is appended to from now on. aside: as made; NULL: a manifest
 * names it. */
void aof_take_file(struct aof *a, int fd, uint64_t size, const struct aof_origin *aside);
void aof_file_is_named(struct aof *a); /* it was aside, and a manifest names it now */
void aof_drop_file(struct aof *a);     /* it is closed */
void aof_file_grew(struct aof *a, uint64_t bytes);
void aof_file_is_durable(struct aof *a, uint64_t size); /* that many bytes of it, or more */
void aof_file_is_answered(struct aof *a);               /* as long as it is now */
void aof_file_failed(struct aof *a);                    /* a sync of it */

#endif
