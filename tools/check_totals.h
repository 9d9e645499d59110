/* SPDX-License-Identifier: BSD-3-Clause */
/* What a check went over, added up part by part: plain counters, whoever checks which part. Zero
 * it; each part adds what is its own. */
#ifndef TOOLS_CHECK_TOTALS_H
#define TOOLS_CHECK_TOTALS_H

#include <stdint.h>

#include "base/hash.h"

struct check_totals {
    uint64_t bytes;    /* read, decoded ones of what is compressed */
    uint64_t parts;    /* files looked into */
    /* of RDBs, those in front of a log's commands as well */
    uint64_t rdbs, keys, expires, already_expired, functions;
    uint64_t blocks, blocks_bad; /* whose checksum was compared */
    uint64_t digests;            /* RDBs whose digest was found to be what they say */
    struct hash128 digest;       /* of the last of those */
    /* of logs */
    uint64_t commands, transactions, annotations;
    uint64_t batches, batches_bad;
    uint64_t unchecked; /* bytes of commands that no batch covers */
    /* about what a load will cost here: see check_rdb_part.h, check_log_part.h */
    uint64_t load_us;      /* time, in microseconds */
    uint64_t memory_bytes; /* of the data set when it is loaded; 0: not known */
};

#endif
