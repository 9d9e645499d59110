/* SPDX-License-Identifier: BSD-3-Clause */
/* What convert writes: one file, or several that keys are dealt out to, all alike.
 *
 *   form          OUT is
 *   rdb           a file
 *   aof           a file of commands, which any server loads as an old single append-only file
 *   log           a directory with an append log: a manifest and its base, an RDB
 *
 * Split by database (db-N.rdb) or by slot (slots-FROM-TO.rdb), OUT is a directory of files, of the
 * databases or ranges that have keys. At most CONVERT_FILES_MAX are open at a time. */
#ifndef TOOLS_CONVERT_OUT_H
#define TOOLS_CONVERT_OUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"
#include "format/aof_write.h"
#include "format/rdb_write.h"
#include "format/sink.h"
#include "tools/new_dir.h"
#include "tools/out_file.h"
#include "tools/pass.h"

enum { CONVERT_FILES_MAX = 64 };
enum convert_form { CONVERT_RDB, CONVERT_AOF, CONVERT_LOG };
enum convert_split { SPLIT_NONE, SPLIT_DB, SPLIT_SLOTS };
struct convert_options {
    enum convert_form form;
    enum convert_split split;
    unsigned ranges;     /* SPLIT_SLOTS: how many */
    int version;         /* of RDB */
    bool plain;          /* no block sums: as other servers write it */
    bool uncompressed;   /* no LZF */
    struct out_file_options file;
};

struct convert_file {
    unsigned number;  /* database, or range */
    char *path;       /* as it is called when all are complete */
    struct out_file output;
    struct rdb_writer rdb;
    struct aof_writer aof;
    uint64_t keys;
};
struct convert_out {
    struct pass pass; /* what is to be written goes to its sink, and on to the file of its key */
    struct convert_options opt;
    const char *path;
    bool in_dir;        /* OUT is a directory: */
    struct new_dir dir;
    struct convert_file *files[CONVERT_FILES_MAX];
    size_t count;
    /* Libraries of functions, for files that are opened later: len, bytes; in a file once they are
     * many. */
    struct buf libraries;
    int stored; /* that file, without a name; -1 */
};

bool convert_out_begin(struct convert_out *c, const char *path, const struct convert_options *opt,
                       struct fault *f);
/* All files are complete and durable; or, when not, none is there. */
bool convert_out_end(struct convert_out *c, struct fault *f);
void convert_out_drop(struct convert_out *c);
void convert_out_free(struct convert_out *c);

#endif
