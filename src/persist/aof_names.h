/* SPDX-License-Identifier: BSD-3-Clause */
/* Where the files of the append log lie, and what they are called. */
#ifndef PERSIST_AOF_NAMES_H
#define PERSIST_AOF_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"

struct aof;
struct manifest;

/* The absolute path of a file of the log; for mem_free. */
char *aof_path(const struct aof *a, const char *name);
/* The same, of the name that appendfilename and these make. */
char *aof_path_around(const struct aof *a, const char *before, const char *after);
/* The file that is appended to, without its directory. For mem_free. */
char *aof_open_name(const struct aof *a);
/* Makes the log's directory, durably. */
bool aof_make_dir(struct aof *a, struct fault *f);
/* Its names are durable, or f says why not. */
bool aof_sync_dir(const struct aof *a, struct fault *f);
/* log_id, chosen now when the log has none. */
uint64_t aof_id(struct aof *a);
void aof_id_is(struct aof *a, uint64_t id); /* as its files say; 0: none yet */
/* The file at path into *m, which is empty; a fault names the file. */
bool aof_read_manifest(const char *path, struct manifest *m, struct fault *f);
/* After names were gone: false when a manifest that is not this log's stands in the directory. */
bool aof_dir_is_ours(const struct aof *a, struct fault *f);

#endif
