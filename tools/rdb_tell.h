/* SPDX-License-Identifier: BSD-3-Clause */
/* What the engine found (rdb_rescue.h), told as faults: one for each damaged block, or for each
 * hole where there are no blocks; each correction; what is wrong with the file as a whole. Shared
 * by check and salvage. */
#ifndef TOOLS_RDB_TELL_H
#define TOOLS_RDB_TELL_H

#include "tools/findings.h"
#include "tools/rdb_rescue.h"

struct rdb_tell {
    struct findings *to;
    struct rdb_image *image;
    const struct rdb_plan *plan;
    const char *file;
    uint64_t holes, borders, keys_lost, doubtful;
    bool truncated, only_looks; /* only_looks: corrections are what could be done */
    struct rescue_hole first; /* of the span being read */
    bool has_first;
    uint64_t span_libraries;  /* doubtful ones */
    uint64_t libraries_lost, libraries_doubtful;
    bool libraries_unsure;    /* some may have stood in a hole: it lies in front of all keys */
};

void rdb_tell_begin(struct rdb_tell *t, struct findings *to, struct rdb_image *m,
                    const struct rdb_plan *p, const char *file);
void rdb_tell_file(struct rdb_tell *t); /* before the records: what the plan knows */
void rdb_tell_record(struct rdb_tell *t, const struct rescued *r); /* each, before its span */
void rdb_tell_hole(struct rdb_tell *t, const struct rescue_hole *h);
void rdb_tell_span(struct rdb_tell *t, const struct rdb_span *s, uint64_t keys, bool holes);
void rdb_tell_borders(struct rdb_tell *t, const struct rdb_borders *b);
/* cut: what is wrong with the compression around it (input_cut); may be nothing. */
void rdb_tell_end(struct rdb_tell *t, const struct rescue *x, const struct fault *cut);
/* Rows for keys; a thousand of a kind at most. */
void rdb_tell_doubtful(struct rdb_tell *t, const struct rescued *r);
void rdb_tell_library(struct rdb_tell *t, const struct rescued *r);
void rdb_tell_partial(struct rdb_tell *t, const struct rescued *r, uint64_t elements);

#endif
