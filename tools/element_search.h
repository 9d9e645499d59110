/* SPDX-License-Identifier: BSD-3-Clause */
/* Elements that a value has twice, of any number of elements in bounded memory: what a reader of
 * RDB cannot hold (rdb_search.h) goes to files without names, as keys do.
 *
 *   struct element_search s;
 *   element_search_begin(&s);
 *   rdb_open(&r, &in, &(struct rdb_options){.distinct_max = RDB_DISTINCT_FEW, .search = &s.ops});
 *   ...
 *   if (fault_is(&s.fault)) ...                    a file failed: not all values were searched
 *   element_search_end(&s);
 *
 * One value at a time. Memory: 6 MiB during the value, 12 MiB at its end. */
#ifndef TOOLS_ELEMENT_SEARCH_H
#define TOOLS_ELEMENT_SEARCH_H

#include "format/rdb_reader.h"
#include "tools/key_twice.h"

struct element_search {
    struct rdb_search ops;
    struct fault fault;
    struct key_twice *hashes; /* of the value; NULL: none */
    struct key_feed feed;
    uint64_t count;
};

void element_search_begin(struct element_search *s);
void element_search_end(struct element_search *s);

#endif
