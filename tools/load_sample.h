/* SPDX-License-Identifier: BSD-3-Clause */
/* How long a server's load of an RDB takes on this machine: its first few MiB are loaded, as a
 * server does, into a keyspace that is thrown away, and the rest is taken to be like them. The
 * sample ends after LOAD_SAMPLE_BYTES of the file, or when its keys take LOAD_SAMPLE_MEMORY. One
 * thread's time; a file that is not in memory yet has to be read besides. */
#ifndef TOOLS_LOAD_SAMPLE_H
#define TOOLS_LOAD_SAMPLE_H

#include "tools/rdb_image.h"

enum { LOAD_SAMPLE_BYTES = 4 << 20, LOAD_SAMPLE_MEMORY = 24 << 20 };

/* Microseconds for all up to `to`; 0: the sample is too small to tell. */
uint64_t load_sample(struct rdb_image *m, uint64_t to);

#endif
