/* SPDX-License-Identifier: BSD-3-Clause */
/* A maybe damaged RDB, open to be looked at in any place: plain, compressed, from a pipe or inside
 * Valkey's envelope. Of what is packed, as much as can be unpacked: cut says why that is not all.
 *
 *   struct rdb_file r;
 *   if (!rdb_file_open(&r, path, &fault)) ...
 *   ... r.image ...
 *   rdb_file_close(&r); */
#ifndef TOOLS_RDB_FILE_H
#define TOOLS_RDB_FILE_H

#include "tools/input.h"
#include "tools/rdb_image.h"
#include "tools/source.h"

struct rdb_file {
    struct input input;
    struct rdb_image image;
    int unwrapped; /* -1: there is no envelope */
    struct fault cut;
};

bool rdb_file_open(struct rdb_file *r, const char *path, struct fault *f);
bool rdb_file_open_part(struct rdb_file *r, const struct source_part *p, struct fault *f);
void rdb_file_close(struct rdb_file *r);

#endif
