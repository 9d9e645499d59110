/* SPDX-License-Identifier: BSD-3-Clause */
/* A slab arena: small blocks in 8-byte size classes, packed in 64 KiB pages.
 *
 * Good for millions of small entries of mixed size: no header, no rounding to 16. The caller tells
 * the size again on free. One thread at a time. An arena can be dropped whole (FLUSHALL), which
 * costs one munmap a chunk whatever lies in it. Sizes above SLAB_MAX go to mem_alloc. */
#ifndef BASE_SLAB_H
#define BASE_SLAB_H

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
/* Bytes of pages held, and of blocks in use. */
void slab_stats(const struct slab *s, size_t *held, size_t *used);

#endif
