/* SPDX-License-Identifier: BSD-3-Clause */
/* Sorts any number of records in bounded memory: what is over it waits, in sorted runs, in a file
 * without a name (temp_file.h).
 *
 *   struct diff_sort *s = diff_sort_new(8 << 20);
 *   diff_sort_add(s, key, payload);                    any number; both are copied
 *   diff_sort_end(s);
 *   while (diff_sort_next(s, &r)) ... r.key, r.payload ...
 *   ok = !fault_is(diff_sort_fault(s));
 *   diff_sort_free(s);
 *
 * The order is that of the keys' bytes; equal keys have none. A record is held whole.
 * Memory: what new was told, twice that while runs are merged, and the largest record. Sticky
 * fault. Cost: each record is written and read once, twice from 256 runs on. */
#ifndef TOOLS_DIFF_SORT_H
#define TOOLS_DIFF_SORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"
#include "base/slice.h"

struct diff_sort; /* opaque */
struct diff_record {
    struct slice key, payload; /* valid until the next call */
};

struct diff_sort *diff_sort_new(size_t memory);
void diff_sort_free(struct diff_sort *s); /* NULL is fine */
void diff_sort_add(struct diff_sort *s, struct slice key, struct slice payload);
void diff_sort_end(struct diff_sort *s); /* all have been added */
bool diff_sort_next(struct diff_sort *s, struct diff_record *r);
const struct fault *diff_sort_fault(const struct diff_sort *s);

#endif
