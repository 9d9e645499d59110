/* SPDX-License-Identifier: BSD-3-Clause */
/* The lines of redis-check-rdb about a file that it takes for good: those of Redis 7.2, and ours
 * about block checksums. An offset is the number of bytes read so far. */
#ifndef TOOLS_CHECK_RDB_LINES_H
#define TOOLS_CHECK_RDB_LINES_H

#include <stdio.h>

#include "format/rdb_read.h"

struct check_rdb_counts {
    uint64_t keys, expires, already_expired, subexpires;
};
struct check_rdb_result {
    uint64_t offset;             /* behind the RDB */
    enum rdb_crc_state crc;
    struct check_rdb_counts counts;
    uint64_t blocks;             /* verified by records of theirs */
    const char *digest;          /* NULL: none was told */
    enum rdb_trailer_state trailer;
};

/* Of one that has a line. base: what its offset counts from. */
void check_rdb_record_line(struct buf *to, const struct rdb_record *rec, uint64_t base);
void check_rdb_count_lines(FILE *out, const struct check_rdb_counts *counts);
void check_rdb_good_lines(FILE *out, const struct check_rdb_result *r);

#endif
