/* SPDX-License-Identifier: BSD-3-Clause */
/* Loading at start, and again for DEBUG RELOAD and LOADAOF. */
#ifndef PERSIST_BOOT_H
#define PERSIST_BOOT_H

#include <stdbool.h>

#include "persist/persist.h"

/* The dump file into the keyspace. exists (may be NULL) tells whether there was one; none is fine.
 */
bool boot_load_rdb(struct persist *p, bool *exists, struct fault *f);
/* The append log by its manifest; repairs a torn tail as configured. */
bool boot_load_aof(struct persist *p, struct fault *f);

#endif
