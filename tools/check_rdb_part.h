/* SPDX-License-Identifier: BSD-3-Clause */
/* Checks one RDB: every block's checksum, the whole file's, the digest, the structure of every
 * value, keys that are there twice, elements that a value has twice, libraries of functions; and
 * names every fault. Says what the file holds and what a load of it takes.
 *
 * A file in order is read once, block by block on all threads. Where something is wrong it is read
 * again by the engine of salvage (rdb_rescue.h), which knows how to go on behind damage. */
#ifndef TOOLS_CHECK_RDB_PART_H
#define TOOLS_CHECK_RDB_PART_H

#include "tools/check_totals.h"
#include "tools/findings.h"
#include "tools/source.h"

struct check_rdb_options {
    unsigned databases; /* as in rdb_options */
};
/* The part begins with an RDB. True: a log's commands follow. */
bool check_rdb_part(struct tool *t, struct findings *to, const struct source *s, size_t part,
                    const struct check_rdb_options *opt, struct check_totals *totals);

#endif
