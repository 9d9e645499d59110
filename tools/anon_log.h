/* SPDX-License-Identifier: BSD-3-Clause */
/* The commands of a log, whole or damaged, with other arguments in the same places.
 *
 *   struct anon_log x = {.a = &a, .in_fd = fd, .size = size, .work = &copy, .start = at};
 *   anon_log_run(&x);
 *   anon_log_free(&x);
 *
 * Which arguments are content: anon_args.h. Batches that were right get checksums that are right;
 * behind a hole their chain begins with a number of its own. */
#ifndef TOOLS_ANON_LOG_H
#define TOOLS_ANON_LOG_H

#include "tools/anon_file.h"
#include "tools/anon_pack.h"
#include "tools/log_part.h"

struct anon_log {
    struct anon *a;
    int in_fd;
    uint64_t size;
    struct anon_file *work;
    uint64_t start, id, keep_prefix;
    bool keep_names;

    /* results */
    struct anon_counts counts;
    uint64_t commands, holes, hole_bytes;

    /* its own */
    struct log_bytes bytes;
    struct log_reader reader;
    struct buf hole_list, text;
};

void anon_log_run(struct anon_log *x);
void anon_log_free(struct anon_log *x);
/* anon_log_sums.c */
struct anon_log_hole {
    uint64_t from, to;
    bool doubled; /* it stands in front of it, or behind, once more */
};
void anon_log_sums(struct anon_log *x);

#endif
