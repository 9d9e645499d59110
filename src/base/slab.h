/* SPDX-License-Identifier: BSD-3-Clause */
/* A slab arena: small blocks in 8-byte size classes, packed in 64 KiB pages.
 *
 * Good for millions of small entries of mixed size: no header, no rounding to 16. The caller tells
 * the size again on free. One thread at a time. An arena can be dropped whole (FLUSHALL), which
 * costs one munmap a chunk whatever lies in it. Sizes above SLAB_MAX go to mem_alloc.
 *
 * Emptied pages serve other classes, and beyond a reserve their memory goes back to the system.
 * Pages that deletions left sparse are emptied by moving their blocks (slab_compact), which only
 * the owner of the pointers to them can do. mem_used counts the blocks handed out, not the pages.
 */
#ifndef BASE_SLAB_H
#define BASE_SLAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SLAB_MAX = 512 };

struct slab; /* opaque */

struct slab *slab_new(void);
/* Frees the arena and every small block in it; large ones are the caller's. */
void slab_drop(struct slab *s);
void *slab_alloc(struct slab *s, size_t size);
void slab_free(struct slab *s, void *p, size_t size);
/* Bytes the block really takes. */
size_t slab_good_size(size_t size);
/* Bytes of the pages whose memory the arena keeps, and of small blocks handed out. */
void slab_stats(const struct slab *s, size_t *held, size_t *used);

/* Empties one sparse page. move gets its blocks, at most SLAB_BATCH at once, and puts each
 * elsewhere: slab_alloc of the same size, copy, slab_free. False: no class has so much room that
 * it is worth it. Cost: a page's blocks, some thousands of the smallest; or a look at some dozen
 * pages. */
enum { SLAB_BATCH = 16 };
typedef void slab_move(void *arg, void *const *blocks, unsigned n);
bool slab_compact(struct slab *s, slab_move *move, void *arg);
/* Bytes that slab_compact could win. */
size_t slab_slack(const struct slab *s);
/* Gives half of the reserve of empty pages back to the system. */
void slab_give_back(struct slab *s);

#endif
