/* SPDX-License-Identifier: BSD-3-Clause */
/* Who finds elements that a value has twice when it has more than the reader of RDB should hold
 * (rdb_options: distinct_max, search), by hashes of the elements, none of which is 0: those from
 * before the value was too large come first. A value that breaks off has no end. */
#ifndef FORMAT_RDB_SEARCH_H
#define FORMAT_RDB_SEARCH_H

#include <stdbool.h>
#include <stdint.h>

struct rdb_search {
    void (*begin)(void *arg); /* a value; what came of one before is forgotten */
    void (*add)(void *arg, uint64_t hash);
    bool (*distinct)(void *arg); /* of all that came since begin */
    void *arg;
};
enum rdb_searched { RDB_SEARCH_NONE, RDB_SEARCH_OPEN, RDB_SEARCH_DISTINCT, RDB_SEARCH_TWICE };

#endif
