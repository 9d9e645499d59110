/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers by numbers, any number of them in bounded memory: put in by ascending key, then looked
 * up and changed. Over a megabyte they lie in a file without a name (temp_file.h).
 *
 *   struct sorted_map *m = sorted_map_new();
 *   sorted_map_append(m, key, value);              keys ascending, each once
 *   sorted_map_end(m);
 *   uint64_t *value = sorted_map_find(m, key);     NULL: it has none. Valid until the next call
 *   ++*value; sorted_map_changed(m);
 *   ok = !fault_is(sorted_map_fault(m));
 *   sorted_map_free(m);
 *
 * Memory: 1 MiB, and 8 bytes for each 256 entries. Cost of a look-up: two searches by halves, and a
 * read of 4 KiB where the one before was not of the same page: who asks by ascending keys reads
 * the file once. Sticky fault: then nothing is found. */
#ifndef TOOLS_SORTED_MAP_H
#define TOOLS_SORTED_MAP_H

#include <stdint.h>

#include "base/fault.h"

struct sorted_map; /* opaque */
struct sorted_map *sorted_map_new(void);
void sorted_map_free(struct sorted_map *m); /* NULL is fine */
void sorted_map_append(struct sorted_map *m, uint64_t key, uint64_t value);
void sorted_map_end(struct sorted_map *m); /* all are in */
uint64_t *sorted_map_find(struct sorted_map *m, uint64_t key);
void sorted_map_changed(struct sorted_map *m); /* the value that was found last */
uint64_t sorted_map_count(const struct sorted_map *m);
const struct fault *sorted_map_fault(const struct sorted_map *m);

#endif
