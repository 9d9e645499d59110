/* SPDX-License-Identifier: BSD-3-Clause */
/* What can be done with a value of any type, whoever holds it: the file of its type does it.
 *
 * A value that is no entry's any more belongs to who took it out. A string comes here as ENC_RAW
 * only; shorter ones and numbers lie in their entries. */
#ifndef STORE_VALUE_H
#define STORE_VALUE_H

#include <stdbool.h>
#include <stddef.h>

#include "store/entry.h"

struct val val_copy(struct val v);   /* deep */
void val_free(struct val v);
size_t val_count(struct val v);      /* elements; string: bytes */
bool val_has_parts(const struct val *v, uint64_t n); /* does freeing it visit so many? */
/* Without elements, and of a type that is nothing then: no key holds it. */
bool val_is_nothing(struct val v);
/* Bytes the entry and its value take (MEMORY USAGE); collections sample up to samples elements, 0
 * all. */
size_t entry_memory(const struct entry *e, size_t samples);

#endif
