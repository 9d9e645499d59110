/* SPDX-License-Identifier: BSD-3-Clause */
/* One file to write: under a name of its own beside the wanted one, and renamed to it when it is
 * whole and durable; an existing file is refused. "-" is stdout. Compression on request.
 *
 *   struct output o;
 *   if (!output_open(&o, path, &(struct output_options){0}, &f)) ...
 *   out_bytes(&o.out, ...);
 *   ok = output_end(&o, &f);       flushed, synced, renamed, directory synced; or nothing is there
 *   output_drop(&o);               instead: what was written goes away
 */
#ifndef TOOLS_OUTPUT_H
#define TOOLS_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"
#include "format/out.h"
#include "tools/input.h"

struct output_options {
    enum compression compression;
    int level; /* 0: the default */
    bool replace; /* an existing file may be */
};
struct output {
    struct out out;
    char *path, *tmp; /* NULL: stdout */
    int fd;
    uint64_t written; /* bytes on disk */
    bool replace;
    struct packer *packer; /* NULL: plain */
};

bool output_open(struct output *o, const char *path, const struct output_options *opt,
                 struct fault *f);
bool output_end(struct output *o, struct fault *f);
void output_drop(struct output *o);

#endif
