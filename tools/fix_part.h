/* SPDX-License-Identifier: BSD-3-Clause */
/* `holdfast fix`, one file of the log: what of it stays, what is left out, and what follows from
 * that. verb_fix.c says where the result goes.
 *
 * Each file is read once, from database 0 on. The first thing that is left out begins the new file:
 * what stands in front of it is copied as it is, what is kept behind it goes into new batches. */
#ifndef TOOLS_FIX_PART_H
#define TOOLS_FIX_PART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/aof_parts.h"
#include "tools/log_judge.h"
#include "tools/log_keys.h"
#include "tools/log_part.h"
#include "tools/source.h"
#include "tools/tool.h"

enum fix_mode { FIX_TAIL, FIX_SKIP, FIX_SALVAGE };

enum { FIX_LINES_MAX = 100 }; /* of each list, for people; programs get all, and so many count */
struct fix {
    struct tool *tool;
    struct source *source;
    enum fix_mode mode;
    bool keep_doubtful;
    const char *base; /* an RDB to take the place of the set's base; NULL: it stays */
    /* Where the new file of a part is to be made, for mem_free; NULL: nowhere, it is only told. */
    char *(*target)(struct fix *fix, size_t part);
    struct log_taint taint; /* over all files */
    struct aof_parts set;   /* of which log those so far are */
    uint64_t skipped, bytes, commands; /* ranges; in them; commands that can be read there */
    uint64_t keys, functions, dependents, unknown_db;
    uint64_t mended;        /* bytes that were put right */
    struct log_judge judge; /* unloaded: commands that a server would not run, and that stay */
    enum tool_exit stays;   /* what is wrong with the base, and is none of fix's to mend */
    bool replaced;          /* the base was, or would be */
    struct aof_origin base_says; /* of which log the new one is */
    bool changes;           /* a file is made anew, or would be */
    enum tool_exit worst;   /* what there was to mend */
};

/* part: of the source, or of its history. False with f: it can't be mended so. *made: the new file,
 * for mem_free; NULL: all of it stays, or there is no target. size: of it. */
bool fix_part(struct fix *fix, size_t part, char **made, uint64_t *size, struct fault *f);

#endif
