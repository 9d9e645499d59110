/* SPDX-License-Identifier: BSD-3-Clause */
/* Ziplist and zipmap: the packed encodings of old files, read only. They are
 * turned into listpacks at load; nothing writes them.
 *
 * Both are walked in one validating pass: each element is handed to the visitor as the walk reaches
 * it, so a fault may come after some elements were seen. Any bytes are safe; O(n). */
#ifndef CONTAINERS_LEGACY_H
#define CONTAINERS_LEGACY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

/* Text of one element; an integer arrives as its decimal text. Valid during the call. Returning
 * false stops the walk (which then reports "stopped"). NULL visitor: only validate. */
typedef bool legacy_visit(void *arg, struct slice element);

/* *count (may be NULL): elements (zipmap: 2 a pair). On false *why is a static sentence. */
bool ziplist_walk(struct slice blob, legacy_visit *visit, void *arg, size_t *count,
                  const char **why);
bool zipmap_walk(struct slice blob, legacy_visit *visit, void *arg, size_t *count,
                 const char **why);

#endif
