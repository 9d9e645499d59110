/* SPDX-License-Identifier: BSD-3-Clause */
/* A new RDB made of records of a maybe damaged one: their bytes as they are, with a checksum, block
 * checksums, digest and index of its own.
 *
 *   struct rdb_copy c;
 *   if (!rdb_copy_begin(&c, path, &image, &plan, with_parts, &fault)) ...
 *   rdb_copy_record(&c, &rescued);                 the engine's digests are on
 *   ... events of a key to &c.w.sink ...
 *   ok = rdb_copy_end(&c, &fault);                 or rdb_copy_drop(&c)
 *
 * Of the same version; with_parts: at least 9, as keys are written besides that were not copied. */
#ifndef TOOLS_RDB_COPY_H
#define TOOLS_RDB_COPY_H

#include "format/rdb_write.h"
#include "tools/out_file.h"
#include "tools/rdb_rescue.h"

struct rdb_copy {
    struct out_file out;
    struct rdb_writer w;
    struct rdb_image *from;
    struct buf window; /* of the image */
    uint64_t window_at, keys;
    bool read_failed;
};

struct rdb_copy_options {
    bool with_parts;
    bool no_blocks; /* a file as other servers write it */
};
bool rdb_copy_begin(struct rdb_copy *c, const char *path, struct rdb_image *from,
                    const struct rdb_plan *p, const struct rdb_copy_options *opt,
                    struct fault *f);
void rdb_copy_record(struct rdb_copy *c, const struct rescued *r);
bool rdb_copy_end(struct rdb_copy *c, struct fault *f);
void rdb_copy_drop(struct rdb_copy *c);

#endif
