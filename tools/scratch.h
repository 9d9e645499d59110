/* SPDX-License-Identifier: BSD-3-Clause */
/* A server for a moment: what a log's commands make of a data set, only a server can tell. This
 * executable runs as one in a directory of its own, on a unix socket, without a port, reads the
 * set there, and ends with scratch_end, or with this process.
 *
 *   struct scratch *s = scratch_start(t, &source, SCRATCH_START_S, &f);
 *   live_ask(s->live, ...)          it has loaded
 *   scratch_dump(s, &f)             its data set as an RDB: s->dump, a path, gone with scratch_end
 *   scratch_end(s);
 *
 * The directory, with all of the data, goes however this process ends, killed as well. Meanwhile a
 * closed pipe is an error of the write (EPIPE).
 *
 * The files of the source are linked, those that a server would append to or cut are copied: the
 * source is not touched. Needs memory for the data set, and room for it in TMPDIR (/var/tmp). */
#ifndef TOOLS_SCRATCH_H
#define TOOLS_SCRATCH_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/fault.h"
#include "tools/live.h"
#include "tools/source.h"
#include "tools/tool.h"

struct scratch {
    char *dir;
    char *dump;
    pid_t pid;
    pid_t cleaner;     /* removes dir once this end of a pipe is closed: when we end, too */
    int cleaner_waits; /* -1: there is none */
    struct live *live;
    void (*on_pipe)(int); /* what SIGPIPE did before */
    const struct source *source; /* borrowed until scratch_start is over: its names are told */
};

enum { SCRATCH_START_S = 30 }; /* until it answers; for the load it has all the time it needs */
/* NULL with f: FAULT_FORMAT, a server ends over these files and says why; FAULT_IO, none can be
 * had, or it does not answer in time, whatever is slow. */
struct scratch *scratch_start(struct tool *t, const struct source *s, int limit_s, struct fault *f);
bool scratch_dump(struct scratch *s, struct fault *f);
void scratch_end(struct scratch *s); /* NULL is fine */

#endif
