/* SPDX-License-Identifier: BSD-3-Clause */
/* A data set as events, wherever it is: an RDB, a log (its base; with commands behind that, what a
 * server makes of it: scratch.h), a running server (as it is while it is read, so not one moment's:
 * live_set.h). What is read more than once is the same each time: a running server is read into a
 * file without a name then, when it is opened.
 *
 *   struct dataset d;
 *   if (!dataset_open(&d, t, word, &(struct dataset_options){0}, &f)) ...
 *   if (!dataset_read(&d, &my.sink, &f)) ...        as often as wanted, if d.again
 *   dataset_close(&d);
 *
 * A log that is torn at its end is what is whole in it, as a server loads it: that is said, and
 * worst is to be the verb's exit code if nothing is worse. So it is with what is wrong behind the
 * keys: the checksum of an RDB as a whole, its block index, the compression around it. Commands
 * behind an RDB make it a log, whatever its name.
 * Progress is told while reading. Module values come as opaque events. */
#ifndef TOOLS_DATASET_H
#define TOOLS_DATASET_H

#include <stdbool.h>

#include "base/fault.h"
#include "format/rdb_read.h"
#include "format/sink.h"
#include "tools/input.h"
#include "tools/live_set.h"
#include "tools/scratch.h"
#include "tools/source.h"
#include "tools/tool.h"

struct dataset_options {
    struct source_options source;
    bool unguarded; /* pass over block checksums, digest: rdb_options */
    bool again;     /* it will be read more than once: what comes through a pipe is kept, and what
                     * a running server has */
    const struct key_filter *filter; /* then: of its keys no others are asked for; NULL: all are */
};
struct dataset {
    struct tool *tool;
    struct dataset_options opt;
    struct source source;    /* unless live */
    struct live_set server;  /* if is_live */
    struct scratch *scratch; /* of a log with commands */
    struct input input;      /* of the RDB */
    bool has_input, is_live, again;
    bool told;               /* what is wrong behind the keys */
    enum tool_exit worst;    /* what is wrong and was said, though all keys came; what was left out
                              * of a log's end: good if nothing */
    const char *name;        /* the word; borrowed */
    uint64_t bytes;          /* of the RDB, or of its packed file; 0: unknown */
    /* After dataset_read of an RDB: */
    int version;
    bool valkey;
};

bool dataset_open(struct dataset *d, struct tool *t, const char *word,
                  const struct dataset_options *opt, struct fault *f);
/* False with f: the stream's fault, or the sink's. */
bool dataset_read(struct dataset *d, struct sink *sink, struct fault *f);
void dataset_close(struct dataset *d);

#endif
