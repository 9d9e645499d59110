/* SPDX-License-Identifier: BSD-3-Clause */
/* One file to write: without a name (where the file system has no such files, under one of its own
 * beside the wanted one), and named when it is whole and durable; an existing file is refused.
 * "-" is stdout. Compression on request.
 *
 *   struct out_file o;
 *   if (!out_file_open(&o, path, &(struct out_file_options){0}, &f)) ...
 *   out_bytes(&o.out, ...);
 *   ok = out_file_end(&o, &f);       flushed, synced, renamed, all durable; or nothing is there
 *   out_file_drop(&o);               instead: what was written goes away
 */
#ifndef TOOLS_OUT_FILE_H
#define TOOLS_OUT_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"
#include "format/out.h"
#include "tools/input.h"

struct out_file_options {
    enum compression compression;
    int level; /* 0: the default */
    bool replace; /* an existing file may be */
};
struct out_file {
    struct out out;
    char *path; /* NULL: stdout */
    char *tmp;  /* its own name; NULL: none */
    int fd;
    uint64_t written; /* bytes on disk */
    bool replace;
    struct packer *packer; /* NULL: plain */
};

bool out_file_open(struct out_file *o, const char *path, const struct out_file_options *opt,
                 struct fault *f);
bool out_file_end(struct out_file *o, struct fault *f);
void out_file_drop(struct out_file *o);

#endif
