/* SPDX-License-Identifier: BSD-3-Clause */
/* What takes long to free goes to a worker: the keyspace hands over (keyspace.defer). */
#ifndef SERVER_LAZY_FREE_H
#define SERVER_LAZY_FREE_H

#include <stdint.h>

struct keyspace;
struct lazy_free; /* opaque */
struct workers;

struct lazy_free *lazy_free_new(struct workers *workers, struct keyspace *ks);
void lazy_free_free(struct lazy_free *lf); /* behind the workers: nothing is left to do */
/* Values that wait to be freed, and those that were since the counts were last reset. A database
 * that was emptied counts its keys. */
uint64_t lazy_free_pending(const struct lazy_free *lf);
uint64_t lazy_free_done(const struct lazy_free *lf);
void lazy_free_reset(struct lazy_free *lf);

#endif
