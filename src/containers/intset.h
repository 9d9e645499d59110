/* SPDX-License-Identifier: BSD-3-Clause */
/* An intset: sorted distinct integers of one width (2, 4 or 8 bytes) in one block (drawn at the
 * head of intset.c). The packed encoding of small integer sets; its bytes go to disk as they are.
 *
 * Blocks belong to mem_alloc/mem_free; functions that change one return it, perhaps moved. Lookup
 * O(log n), insert and remove O(n). All but intset_validate trust the block. */
#ifndef CONTAINERS_INTSET_H
#define CONTAINERS_INTSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

uint8_t *intset_new(void);
size_t intset_bytes(const uint8_t *is);
size_t intset_count(const uint8_t *is);
int64_t intset_get(const uint8_t *is, size_t index);
bool intset_has(const uint8_t *is, int64_t n);
uint8_t *intset_add(uint8_t *is, int64_t n, bool *added); /* added may be NULL */
uint8_t *intset_remove(uint8_t *is, int64_t n, bool *removed);
/* Well-formed, not empty, strictly ascending? On false *why is a static sentence. Safe. */
bool intset_validate(struct slice blob, const char **why);

#endif
