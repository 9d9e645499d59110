/* SPDX-License-Identifier: BSD-3-Clause */
/* The file of a full synchronisation that is received by way of the disk: its name meanwhile, and
 * what becomes of it once it was loaded. */
#ifndef REPLICATION_SYNC_FILE_H
#define REPLICATION_SYNC_FILE_H

#include "base/fault.h"

struct repl;

/* Absolute, for mem_free; in the working directory. NULL with f. */
char *sync_file_temp(struct fault *f);
/* path was loaded: it is the dump file from here on, durably. Or there is none: with
 * rdb-del-sync-files on a server that otherwise keeps nothing on disk. */
void sync_file_settle(const struct repl *r, const char *path);

#endif
